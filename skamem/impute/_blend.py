"""How much each memory counts: non-negative weights for every feature, from entries hidden on purpose."""

import numpy as np
from scipy.optimize import nnls

__all__ = ["Evidence"]

_PRIOR_ENTRIES = 100.0  # what the weights of all features count beside those of one, in hidden entries
_PRIOR_LINEAR = 10.0  # what the linear memory alone counts beside the hidden entries of all features
_CLEAR = 3e-3  # share of the variance left over below which priors count less: clear evidence needs few entries
_ROUNDING = 1e-13  # share of the squares below which their differences are none
_PULL = 0.01  # of the loss by which weights that add up to less than 1, a pull to the mean, must pay


class Evidence:
    """Moments of what candidates say about hidden entries, and their truths.

    Parameters
    ----------
    n_features : int
        Each has weights of its own.
    n_candidates : int
        The first one is the linear memory.
    """

    def __init__(self, n_features, n_candidates):
        self.products = np.zeros((n_features, n_candidates, n_candidates))
        self.targets = np.zeros((n_features, n_candidates))
        self.squares, self.counts, self.variances = np.zeros((3, n_features))

    def add(self, candidates, truth, variances, feature, weight):
        """Take in hidden entries.

        Parameters
        ----------
        candidates : ndarray of shape (n_entries, n_candidates)
            What each says, as deviations from the mean.
        truth : ndarray of shape (n_entries,)
            What was hidden.
        variances : ndarray of shape (n_entries,)
            How much the linear memory expects to be wrong.
        feature : int
            Whose entries they are.
        weight : ndarray of shape (n_entries,)
            What each counts.
        """
        weighted = weight[:, None] * candidates
        self.products[feature] += candidates.T @ weighted
        self.targets[feature] += truth @ weighted
        self.squares[feature] += weight @ truth**2
        self.counts[feature] += weight.sum()
        self.variances[feature] += weight @ variances

    def without_last(self):
        """The evidence about all candidates but the last one."""
        fewer = Evidence(len(self.counts), self.targets.shape[1] - 1)
        fewer.products, fewer.targets = self.products[:, :-1, :-1], self.targets[:, :-1]
        fewer.squares, fewer.counts, fewer.variances = self.squares, self.counts, self.variances
        return fewer

    def error(self, weights):
        """Sum of the squared errors of blends, over all hidden entries."""
        return _errors(self.products, self.targets, self.squares, weights).sum()

    def weights(self):
        """Non-negative weights of shape (n_features, n_candidates); they add up to 1 at most.

        Notes
        -----
        What is missing to 1 goes to the mean. The fewer hidden entries a feature has, the nearer its weights are to
        those of all features, and those to the linear memory alone.
        """
        n_features, n_candidates = self.targets.shape
        alone = np.eye(n_candidates)[0]
        count = self.counts.sum()
        if count == 0.0:
            return np.tile(alone, (n_features, 1))
        sizes = np.einsum("fii->i", self.products) / count
        sizes = np.maximum(sizes, 1e-6 * max(sizes.max(), 1e-300))
        variance = self.squares.sum() / count
        sums = self.products.sum(axis=0), self.targets.sum(axis=0), self.squares.sum()
        common = _blend(*sums, _PRIOR_LINEAR * sizes, alone, _PULL * count * variance)
        features = zip(self.products, self.targets, self.squares, self.counts, strict=True)
        return np.stack(
            [_blend(*sums, _PRIOR_ENTRIES * sizes, common, _PULL * own * variance) for *sums, own in features]
        )

    def deviations(self, weights):
        """How far blends err, in units of the deviations that the linear memory expects; shape (n_features,)."""
        errors = _errors(self.products, self.targets, self.squares, weights)
        total, expected = errors.sum(), self.variances.sum()
        if not (total > 0.0 and expected > 0.0):
            return np.ones(len(errors))
        prior = _PRIOR_ENTRIES * expected / max(self.counts.sum(), 1.0)
        common = total / expected
        return np.sqrt((errors + prior * common) / (self.variances + prior))


def _errors(products, targets, squares, weights):
    """Squared errors of blends, the sums over hidden entries."""
    errors = squares - 2.0 * np.einsum("...c,...c->...", weights, targets)
    errors = errors + np.einsum("...c,...cd,...d->...", weights, products, weights)
    return np.maximum(errors, _ROUNDING * squares)


def _blend(products, targets, squares, prior, towards, pull):
    """Weights for hidden entries, with a prior that counts less where they come back nearly as they were."""
    weights = _solved(products, targets, prior, towards, pull)
    left = _errors(products, targets, squares, weights)
    if not left < _CLEAR * squares:
        return weights
    return _solved(products, targets, left / (_CLEAR * squares) * prior, towards, pull)


def _solved(products, targets, prior, towards, pull):
    """Minimise wᵀ(products)w - 2 targets·w + Σ prior (w - towards)² + pull (1 - Σw)² over w >= 0, Σw <= 1."""
    products = products + np.diag(prior) + pull
    targets = targets + prior * towards + pull
    weights = _non_negative(products, targets)
    if weights.sum() > 1.0:
        much = 1e4 * np.trace(products)
        weights = _non_negative(products + much, targets + much)
        weights /= weights.sum()
    return weights


def _non_negative(products, targets):
    scale = 1.0 / np.sqrt(np.diag(products))
    root = np.linalg.cholesky(products * scale * scale[:, None] + 1e-12 * np.eye(len(scale)))
    weights, _ = nnls(root.T, np.linalg.solve(root, targets * scale))
    return weights * scale

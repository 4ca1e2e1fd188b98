"""How much each memory counts: non-negative weights for every feature, from entries hidden on purpose."""

import numpy as np
from scipy.optimize import nnls

__all__ = ["Evidence"]

_PRIOR_ENTRIES = 100.0  # what the weights of all features count beside those of one, in hidden entries
_PRIOR_LINEAR = 10.0  # what the linear memory alone counts beside the hidden entries of all features
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
        common = _solved(
            self.products.sum(axis=0), self.targets.sum(axis=0), _PRIOR_LINEAR * sizes, alone, _PULL * count * variance
        )
        return np.stack(
            [
                _solved(products, targets, _PRIOR_ENTRIES * sizes, common, _PULL * own * variance)
                for products, targets, own in zip(self.products, self.targets, self.counts, strict=True)
            ]
        )

    def deviations(self, weights):
        """How far blends err, in units of the deviations that the linear memory expects; shape (n_features,)."""
        errors = self.squares - 2.0 * np.einsum("fc,fc->f", weights, self.targets)
        errors += np.einsum("fc,fcd,fd->f", weights, self.products, weights)
        total, expected = errors.sum(), self.variances.sum()
        if not (total > 0.0 and expected > 0.0):
            return np.ones(len(errors))
        prior = _PRIOR_ENTRIES * expected / max(self.counts.sum(), 1.0)
        common = total / expected
        return np.sqrt((np.maximum(errors, 0.0) + prior * common) / (self.variances + prior))


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

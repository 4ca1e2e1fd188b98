"""A fitted imputer as a value: linear memories, a softmax memory of rows and of residuals, and their weights."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from skamem.core.rows import row_blocks
from skamem.impute._blend import Evidence
from skamem.impute._hiding import content_order, hidden_entries
from skamem.impute._linear import LinearMemory, gaps_of, learnt_moments, shrunk
from skamem.impute._lookup import StoredRows
from skamem.impute._mixture import has_kinds, learnt_mixture
from skamem.impute._selection import likeness_to_gaps

__all__ = ["SHRINKAGES", "Completer", "learnt_completer", "n_learnt"]

SHRINKAGES = (0.2, 0.05, 1e-2, 1e-3, 1e-4)
"""Shares of the identity that are tried, the largest first."""

_WORSE = 1.05  # squared error, beside the best, up to which less shrinkage is preferred: it extrapolates
_HOPELESS = 1.1  # ... and beyond which still less is not tried
_STEPS = 5  # iterations for another share of the identity, from the moments for the one before
_REDRAWN = 20  # iterations from the moments of all rows to those of rows drawn anew: a gap of half takes many
_COARSE = 1e-3  # change of a covariance at which iterations end while parameters are chosen
_LEARNT = 2**14  # rows from which the moments are learnt, at most; more where there are many columns
_ASKED = 1024  # rows whose hidden entries choose shrinkage and weights, at most
_ENTRIES = 16_000  # of small tables some entries are hidden several times, until so many have been looked at
_FOLDS = 5  # ... but no more often
_FEW_ROWS = 10  # with fewer, one row at a time has hidden entries: the others are needed to say what they are
_FEW_COLUMNS = 200  # ... with other entries hidden so often that these times the features make so many, at most
_PAYS = 0.98  # squared error, beside that without kinds of rows, from which on these are worth four passes for one
_FEW = 1e-3  # weight below which a scale is not worth its cost


@dataclass(frozen=True)
class Completer:
    """Completes standardised rows.

    Parameters
    ----------
    linear : LinearMemory
        Conditional means.
    mixture : MixtureMemory or None
        Conditional means by kinds of rows; None where they do not count.
    stored : StoredRows
        What is looked up.
    scales : tuple of float
        Sharpnesses that count.
    weights : ndarray of shape (n_columns, 1 + 2 len(scales)) or (n_columns, 2 + 2 len(scales))
        Of the linear memory, then of rows and residuals at each scale, then of the mixture, if there is one.
    deviations : ndarray of shape (n_columns,)
        How far blends err, in units of what the linear memory expects.
    moments : tuple of ndarray
        Mean and covariance before shrinkage.
    shrinkage : float
        In use.
    n_rows : int
        Rows that were learnt from.
    n_iter : int
        Iterations of expectation maximisation.
    """

    linear: Any
    mixture: Any
    stored: Any
    scales: Any
    weights: Any
    deviations: Any
    moments: Any
    shrinkage: float
    n_rows: int
    n_iter: int

    def complete(self, values, known):
        """Rows with every entry: those known as they are, the others blended.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_columns)
            0 where unknown.
        known : bool ndarray of shape (n_rows, n_columns)
            Known entries.

        Returns
        -------
        values : ndarray of shape (n_rows, n_columns)
        """
        row_bytes = 8 * (6 * len(self.stored.values) + 12 * values.shape[1])
        parts = [self._blended(values[rows], known[rows]) for rows in row_blocks(len(values), row_bytes, at_most=1024)]
        return np.where(known, values, np.concatenate(parts)) if parts else values

    def _blended(self, values, known):
        gaps = gaps_of(known)
        blend = self.linear.complete(values, known, gaps=gaps).values * self._linear_share
        if self.mixture is not None:
            blend += self.mixture.complete(values, known, gaps=gaps) * self.weights[:, -1]
        if self.scales:
            for i, (rows, residuals) in enumerate(self.stored.averages(values, known, self.scales)):
                blend += self.weights[:, 1 + 2 * i] * rows + self.weights[:, 2 + 2 * i] * residuals
        return blend

    @property
    def _linear_share(self):
        """What conditional means weigh, with residuals on them or without."""
        return self.weights[:, 0] + self.weights[:, 2::2].sum(axis=1)

    def drawn(self, values, completed, known, random):
        """One draw of what unknown entries may be: from parameters that the rows allow, with the spread of the errors.

        Parameters
        ----------
        values, completed : ndarray of shape (n_rows, n_columns)
            As given to `complete`, and as it gave them.
        known : bool ndarray of shape (n_rows, n_columns)
            Known entries.
        random : RandomState
            Draws.

        Returns
        -------
        values : ndarray of shape (n_rows, n_columns)
        """
        other = self._other_linear(random)
        # Averages of other rows would be as uncertain as conditional means are, which can be had at little cost.
        step = other.complete(values, known).values - self.linear.complete(values, known).values
        noise = other.noise(known, random) * self.deviations
        return np.where(known, values, completed + step + noise)

    def _other_linear(self, random):
        """The linear memory of rows drawn anew (Bayesian bootstrap), each of those stored for several of those seen."""
        stored = self.stored
        each = self.n_rows / len(stored.values)
        weight = random.gamma(each, size=len(stored.values)) / each
        if not weight.sum() > 0.0:
            return self.linear
        mean, covariance, _ = learnt_moments(
            stored.values,
            stored.known,
            shrinkage=self.shrinkage,
            max_iter=_REDRAWN,
            tol=_COARSE,
            start=self.moments,
            weight=weight,
        )
        return LinearMemory(mean, shrunk(covariance, self.shrinkage))


def learnt_completer(values, known, encoding, *, n_stored, shrinkage, max_iter):
    """Learn from rows with gaps.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        Standardised; 0 where unknown.
    known : bool ndarray of shape (n_rows, n_columns)
        Known entries.
    encoding : Encoding
        Says which columns make a feature.
    n_stored : int
        Rows to store, at most.
    shrinkage : float or None
        Share of the identity; None chooses.
    max_iter : int
        Iterations of expectation maximisation.

    Returns
    -------
    completer : Completer
    """
    order = content_order(values, known)
    own = _evenly(order, n_stored)
    values_stored, known_stored = values[own], known[own]
    folds = _hidden_folds(values_stored, known_stored, encoding)
    tried = SHRINKAGES if shrinkage is None else (shrinkage,)
    paths = [_Path(values_stored, known_stored, hidden, max_iter) for hidden in folds]
    worse = 1.0 if len(own) < _FEW_ROWS else _WORSE  # what few rows say of extrapolation is chance
    best = _nearly_best(paths, tried, worse)
    shrinkage = tried[best]
    mixes = has_kinds(*values_stored.shape)
    looks = [_Look(path, encoding, path.memories[best], shrinkage if mixes else None) for path in paths]
    scales = looks[0].scales() if looks else ()
    evidence = Evidence(encoding.n_features, 1 + 2 * len(scales) + mixes)
    for look in looks:
        look.add_to(evidence, scales)
    evidence, weights, mixes = _worth_their_cost(evidence, mixes)
    used = [i for i in range(len(scales)) if weights[:, 1 + 2 * i : 3 + 2 * i].max(initial=0.0) > _FEW]
    kept = [0, *(column for i in used for column in (1 + 2 * i, 2 + 2 * i))]
    learnt = _evenly(order, n_learnt(values.shape[1], n_stored))
    mean, covariance, n_iter = learnt_moments(values[learnt], known[learnt], shrinkage=shrinkage, max_iter=max_iter)
    linear = LinearMemory(mean, shrunk(covariance, shrinkage))
    gaps, mixture = gaps_of(known_stored), None
    completion = linear.complete(values_stored, known_stored, residuals=True, gaps=gaps)
    if mixes:
        kept.append(-1)
        mixture = learnt_mixture(values_stored, known_stored, completion.values, shrinkage=shrinkage, gaps=gaps)
    return Completer(
        linear,
        mixture,
        StoredRows(values_stored, known_stored, completion.residuals, encoding.importance),
        tuple(scales[i] for i in used),
        weights[np.ix_(encoding.feature, kept)],
        evidence.deviations(weights)[encoding.feature],
        (mean, covariance),
        shrinkage,
        len(learnt),
        n_iter,
    )


def _worth_their_cost(evidence, mixes):
    """Evidence and weights, without kinds of rows unless those gain much; and whether there are kinds in them."""
    weights = evidence.weights()
    if not mixes:
        return evidence, weights, False
    fewer = evidence.without_last()
    simple = fewer.weights()
    pays = evidence.error(weights) < _PAYS * fewer.error(simple)
    return (evidence, weights, True) if pays else (fewer, simple, False)


def n_learnt(n_columns, n_stored):
    """Rows from which moments are learnt, at most."""
    return max(_LEARNT, 32 * n_columns, n_stored)


def _evenly(order, n_rows):
    """At most `n_rows` entries of `order`, evenly spaced."""
    n_rows = min(n_rows, len(order))
    return order[(2 * np.arange(n_rows) + 1) * len(order) // (2 * n_rows)] if n_rows else order


def _hidden_folds(values, known, encoding):
    """Masks of columns to hide; each hides some features of some rows."""
    n_rows, (features, first) = len(values), np.unique(encoding.feature, return_index=True)
    if not n_rows or len(features) == 0:
        return []
    # Features are drawn for in an order by what they are, so that the order of columns does not matter.
    sizes, there = np.abs(values[:, first]), known[:, first]
    order = np.lexsort([np.round((sizes**power).sum(axis=0), 9) for power in (3, 1)] + [there.sum(axis=0)])
    random = check_random_state(0)
    n_folds = min(_FOLDS, -(-_ENTRIES // (n_rows * len(features))))
    if n_rows < _FEW_ROWS:
        n_folds = min(n_folds, -(-_FEW_COLUMNS // len(features)))
    folds = []
    for _ in range(n_folds):
        hidden = np.zeros((n_rows, encoding.n_features), dtype=bool)
        hidden[:, features] = hidden_entries(there, random, order=order)
        folds.append(encoding.spread_to_columns(hidden))
    if n_rows < _FEW_ROWS:
        folds = _row_by_row(folds)
    return [hidden for hidden in folds if hidden.any()]


def _row_by_row(folds):
    """Folds of one row each, every one once."""
    single = (hidden & (np.arange(len(hidden)) == row)[:, None] for hidden in folds for row in range(len(hidden)))
    return list({hidden.tobytes(): hidden for hidden in single}.values())


class _Path:
    """Linear memories of what is not hidden, each for less of the identity and begun where the one before ended."""

    def __init__(self, values, known, hidden, max_iter):
        self.values, self.known, self.hidden, self.max_iter = values, known, hidden, max_iter
        self.seen = known & ~hidden
        self.shown, self.gaps = np.where(self.seen, values, 0.0), gaps_of(self.seen)
        self.start, self.memories = None, []

    def error(self, shrinkage):
        """Squared error about what is hidden, of a further memory."""
        steps = self.max_iter if self.start is None else min(self.max_iter, _STEPS)
        options = {"shrinkage": shrinkage, "max_iter": steps, "tol": _COARSE, "gaps": self.gaps}
        self.start = learnt_moments(self.shown, self.seen, start=self.start, **options)[:2]
        self.memories.append(LinearMemory(self.start[0], shrunk(self.start[1], shrinkage)))
        found = self.memories[-1].complete(self.shown, self.seen, gaps=self.gaps).values
        return ((found - self.values)[self.hidden] ** 2).sum()


def _nearly_best(paths, shrinkages, worse):
    """The least share of the identity that recalls hidden entries nearly best, `worse` times the error at most."""
    errors = []
    for shrinkage in shrinkages if paths else ():
        errors.append(sum(path.error(shrinkage) for path in paths))
        if errors[-1] > _HOPELESS * min(errors):
            break
    return max((i for i, error in enumerate(errors) if error <= worse * min(errors)), default=0)


class _Look:
    """What each memory says of the hidden entries of a path; `linear` was learnt from the others.

    `shrinkage` is that of a mixture; None for none.
    """

    def __init__(self, path, encoding, linear, shrinkage):
        self.path, self.encoding = path, encoding
        self.completion = linear.complete(path.shown, path.seen, residuals=True, gaps=path.gaps)
        self.stored = StoredRows(path.shown, path.seen, self.completion.residuals, encoding.importance)
        asking = np.flatnonzero(path.hidden.any(axis=1))
        self.asking = asking[_evenly(np.arange(len(asking)), _ASKED)]
        self.by_kinds = None
        if shrinkage is not None:
            mixture = learnt_mixture(path.shown, path.seen, self.completion.values, shrinkage=shrinkage, gaps=path.gaps)
            self.by_kinds = mixture.complete(path.shown, path.seen, gaps=path.gaps)

    def scales(self):
        """Sharpnesses to try."""
        return self.stored.scales_for(self.path.shown[self.asking], self.path.seen[self.asking])

    def add_to(self, evidence, scales):
        """Add what is said at `scales` to `evidence`."""
        values, hidden, seen, shown = self.path.values, self.path.hidden, self.path.seen, self.path.shown
        completion, votes = self.completion, ~np.isnan(self.encoding.level)
        weights = likeness_to_gaps(values, completion.values, hidden & ~votes, ~self.path.known)
        for rows in row_blocks(len(self.asking), 8 * (6 * len(values) + 40 * values.shape[1]), at_most=256):
            some = self.asking[rows]
            base = completion.values[some]
            said = [base]
            for averages, residuals in self.stored.averages(shown[some], seen[some], scales):
                said += [averages, base + residuals]
            if self.by_kinds is not None:
                said.append(self.by_kinds[some])
            for feature, block in self.encoding.blocks():
                which = hidden[some, block]
                candidates = np.stack([part[:, block][which] for part in said], axis=1)
                truth, variances, weight = (
                    part[some, block][which] for part in (values, completion.variances, weights)
                )
                evidence.add(candidates, truth, variances, feature, weight)

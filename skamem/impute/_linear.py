"""The linear memory: conditional means of a Gaussian whose moments are found by expectation maximisation.

A row with missing entries m is completed by x_m = -(P_mm)⁻¹ P_mo x_o, where P is the inverse covariance. So a row costs
the solution of a system of the size of its gap, and rows with gaps of one size are solved together, whatever their
patterns.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Completion", "Gaps", "LinearMemory", "gaps_of", "learnt_moments", "shrunk"]

_BATCH_ENTRIES = 2**21  # entries of the systems that are solved at a time


@dataclass(frozen=True)
class Gaps:
    """Rows whose gaps have one size: found once, then asked in every iteration.

    Parameters
    ----------
    rows : int ndarray of shape (n_rows,)
        Which they are.
    columns : int ndarray of shape (n_rows, size)
        What each lacks.
    patterns : int ndarray of shape (n_patterns, size)
        The different ones among `columns`, each of which is one system of equations.
    which : int ndarray of shape (n_rows,)
        The pattern of each row.
    """

    rows: Any
    columns: Any
    patterns: Any
    which: Any

    def inverses(self, precision):
        """Conditional covariances of the patterns, of shape (n_patterns, size, size)."""
        return np.linalg.inv(precision[self.patterns[:, :, None], self.patterns[:, None, :]])


@dataclass(frozen=True)
class Completion:
    """What a linear memory says of rows.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        Unknown entries at their conditional means.
    variances : ndarray of shape (n_rows, n_columns)
        Conditional variances of unknown entries; 0 where known.
    residuals : ndarray of shape (n_rows, n_columns) or None
        Of each known entry, what it is beyond its conditional mean given the other known ones of its row; 0 elsewhere.
    """

    values: Any
    variances: Any
    residuals: Any = None


@dataclass(frozen=True)
class LinearMemory:
    """Least squares from what is known to what is not, for every pattern of gaps.

    Parameters
    ----------
    mean : ndarray of shape (n_columns,)
        Mean of the Gaussian.
    covariance : ndarray of shape (n_columns, n_columns)
        Its covariance, shrunk towards the identity: positive definite.
    """

    mean: Any
    covariance: Any

    def complete(self, values, known, *, residuals=False, gaps=None):
        """Conditional means of unknown entries, as a `Completion`.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_columns)
            0 where unknown.
        known : bool ndarray of shape (n_rows, n_columns)
            Known entries.
        residuals : bool, default=False
            Whether to leave out each known entry in turn, too.
        gaps : list of Gaps, default=None
            Those of `known`, where they were found before.

        Returns
        -------
        completion : Completion
        """
        precision = np.linalg.inv(self.covariance)
        filled = np.where(known, values - self.mean, 0.0)
        pulls, variances = filled @ precision, np.zeros_like(filled)
        left = np.tile(np.diag(precision), (len(values), 1)) if residuals else None
        for some in gaps_of(known) if gaps is None else gaps:
            inverses = some.inverses(precision)
            own, where = inverses[some.which], (some.rows[:, None], some.columns)
            filled[where] = -np.einsum("nij,nj->ni", own, pulls[where])
            variances[where] = np.einsum("nii->ni", own)
            if residuals:  # the diagonal of the inverse of the covariance of what is known
                across = precision[some.patterns]
                left[some.rows] -= np.einsum("nip,nip->np", across, inverses @ across)[some.which]
        if not residuals:
            return Completion(filled + self.mean, variances)
        left = np.maximum(left, 1.0 / np.diag(self.covariance))  # no conditional variance exceeds the variance
        return Completion(filled + self.mean, variances, np.where(known, (filled @ precision) / left, 0.0))

    def noise(self, known, random):
        """A draw of the deviations of unknown entries from their conditional means.

        Parameters
        ----------
        known : bool ndarray of shape (n_rows, n_columns)
            Known entries.
        random : RandomState
            Draws.

        Returns
        -------
        noise : ndarray of shape (n_rows, n_columns)
            0 where known.
        """
        normal, noise = random.standard_normal(known.shape), np.zeros(known.shape)
        precision = np.linalg.inv(self.covariance)
        for some in gaps_of(known):
            where = some.rows[:, None], some.columns
            factors = np.linalg.cholesky(some.inverses(precision))[some.which]
            noise[where] = np.einsum("nij,nj->ni", factors, normal[where])
        return noise


def learnt_moments(values, known, *, shrinkage, max_iter, tol=1e-4, start=None, weight=None, gaps=None):
    """Mean and covariance of a Gaussian, from rows with gaps.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        Standardised; 0 where unknown.
    known : bool ndarray of shape (n_rows, n_columns)
        Known entries.
    shrinkage : float
        Share of the identity in the covariance that completes, in (0, 1].
    max_iter : int
        Iterations at most.
    tol : float, default=1e-4
        Ends once no entry of the covariance changes by more.
    start : tuple of ndarray, default=None
        Mean and covariance to begin with; None for 0 and the identity.
    weight : ndarray of shape (n_rows,), default=None
        How often each row counts.
    gaps : list of Gaps, default=None
        Those of `known`, where they were found before.

    Returns
    -------
    mean, covariance : ndarray
        Not shrunk.
    n_iter : int
        Iterations made.
    """
    n_columns = values.shape[1]
    mean, covariance = (np.zeros(n_columns), np.eye(n_columns)) if start is None else start
    weight = np.ones(len(values)) if weight is None else weight
    share = weight / weight.sum()
    gaps = gaps_of(known) if gaps is None else gaps
    # A pattern is as uncertain in all of its rows, so that it counts once, by their shares.
    shares = [np.bincount(some.which, share[some.rows], minlength=len(some.patterns)) for some in gaps]
    n_iter = 0
    while n_iter < max_iter:
        n_iter += 1
        precision = np.linalg.inv(shrunk(covariance, shrinkage))
        filled = np.where(known, values - mean, 0.0)
        pulls = filled @ precision
        uncertain = np.zeros(n_columns * n_columns)
        for some, counted in zip(gaps, shares, strict=True):
            inverses = some.inverses(precision)
            where = some.rows[:, None], some.columns
            filled[where] = -np.einsum("nij,nj->ni", inverses[some.which], pulls[where])
            places = some.patterns[:, :, None] * n_columns + some.patterns[:, None, :]
            inverses *= counted[:, None, None]
            uncertain += np.bincount(places.ravel(), inverses.ravel(), minlength=n_columns * n_columns)
        step = share @ filled
        filled -= step
        before, mean = covariance, mean + step
        covariance = (filled * share[:, None]).T @ filled + uncertain.reshape(n_columns, n_columns)
        if n_columns == 0 or max(np.abs(covariance - before).max(), np.abs(step).max()) <= tol:
            break
    return mean, covariance, n_iter


def shrunk(covariance, shrinkage):
    """A covariance with a share of the identity."""
    return (1.0 - shrinkage) * covariance + shrinkage * np.eye(len(covariance))


def gaps_of(known):
    """The rows with gaps as a list of `Gaps`, one or more for each size.

    Parameters
    ----------
    known : bool ndarray of shape (n_rows, n_columns)
        Known entries.

    Returns
    -------
    gaps : list of Gaps
    """
    found, sizes = [], np.count_nonzero(~known, axis=1)
    for size in np.unique(sizes[sizes > 0]).tolist():
        rows = np.flatnonzero(sizes == size)
        step = max(1, _BATCH_ENTRIES // (size * known.shape[1]))
        for start in range(0, len(rows), step):
            own = rows[start : start + step]
            columns = np.argsort(known[own], axis=1, kind="stable")[:, :size]
            patterns, which = np.unique(columns, axis=0, return_inverse=True)
            found.append(Gaps(own, columns, patterns, which.ravel()))
    return found

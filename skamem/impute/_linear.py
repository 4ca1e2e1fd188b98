"""The linear memory: conditional means of a Gaussian whose moments are found by expectation maximisation.

A row with missing entries m is completed by x_m = -(P_mm)⁻¹ P_mo x_o, where P is the inverse covariance. So a row costs
the solution of a system of the size of its gap, and rows with gaps of one size are solved together, whatever their
patterns.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Completion", "LinearMemory", "learnt_moments"]

_BATCH_ENTRIES = 2**21  # entries of the systems that are solved at a time


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

    def complete(self, values, known, *, residuals=False):
        """Conditional means of unknown entries, as a `Completion`.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_columns)
            0 where unknown.
        known : bool ndarray of shape (n_rows, n_columns)
            Known entries.
        residuals : bool, default=False
            Whether to leave out each known entry in turn, too.

        Returns
        -------
        completion : Completion
        """
        precision = np.linalg.inv(self.covariance)
        filled = np.where(known, values - self.mean, 0.0)
        pulls, variances = filled @ precision, np.zeros_like(filled)
        left = np.tile(np.diag(precision), (len(values), 1)) if residuals else None
        for rows, gaps, inverses in _solved(precision, known, n_columns=len(precision) if residuals else 0):
            where = rows[:, None], gaps
            filled[where] = -np.einsum("nij,nj->ni", inverses, pulls[where])
            variances[where] = np.einsum("nii->ni", inverses)
            if residuals:  # the diagonal of the inverse of the covariance of what is known
                across = precision[gaps]
                left[rows] -= np.einsum("nip,nip->np", across, inverses @ across)
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
        for rows, gaps, inverses in _solved(np.linalg.inv(self.covariance), known):
            where = rows[:, None], gaps
            noise[where] = np.einsum("nij,nj->ni", np.linalg.cholesky(inverses), normal[where])
        return noise


def learnt_moments(values, known, *, shrinkage, max_iter, tol=1e-4, start=None, weight=None):
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
    groups = list(_groups(known))
    n_iter = 0
    while n_iter < max_iter:
        n_iter += 1
        precision = np.linalg.inv(shrunk(covariance, shrinkage))
        filled = np.where(known, values - mean, 0.0)
        pulls = filled @ precision
        uncertain = np.zeros(n_columns * n_columns)
        for rows, gaps, inverses in _solved(precision, known, groups=groups):
            filled[rows[:, None], gaps] = -np.einsum("nij,nj->ni", inverses, pulls[rows[:, None], gaps])
            places = gaps[:, :, None] * n_columns + gaps[:, None, :]
            counted = inverses * share[rows][:, None, None]
            uncertain += np.bincount(places.ravel(), counted.ravel(), minlength=n_columns * n_columns)
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


def _groups(known):
    """Yield (rows, gaps of shape (n_rows, size)) of the rows with gaps of each size."""
    sizes = np.count_nonzero(~known, axis=1)
    for size in np.unique(sizes[sizes > 0]):
        rows = np.flatnonzero(sizes == size)
        yield rows, np.argsort(known[rows], axis=1, kind="stable")[:, :size]


def _solved(precision, known, *, groups=None, n_columns=0):
    """Yield (rows, gaps, conditional covariances of the gaps), some rows at a time; a pattern is inverted once.

    `n_columns` more entries a gap are wanted by the caller for its own work arrays.
    """
    for rows, gaps in _groups(known) if groups is None else groups:
        size = gaps.shape[1]
        step = max(1, _BATCH_ENTRIES // (size * max(size, n_columns)))
        for start in range(0, len(rows), step):
            some, own = rows[start : start + step], gaps[start : start + step]
            patterns, which = np.unique(own, axis=0, return_inverse=True) if size > 2 and len(own) > 1 else (own, None)
            inverses = np.linalg.inv(precision[patterns[:, :, None], patterns[:, None, :]])
            yield some, own, inverses if which is None else inverses[which.ravel()]

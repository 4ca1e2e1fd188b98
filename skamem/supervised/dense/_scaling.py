"""The rows of a dense memory: standardised, on their way into a batch."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

from skamem.core import arrays
from skamem.core.rows import Rows, row_blocks, rows_in_cache
from skamem.training import column_peaks

__all__ = ["SCALES", "StandardRows", "TrainingSet", "scaled_rows", "standardized", "training_set"]

_SMALL_SPARSE_BYTES = 2**24

SCALES = ("feature", "global", None)
"""Ways to scale the features."""


@dataclass(frozen=True)
class StandardRows:
    """Standardised rows v = (x - offset) / scale, dense or made dense batch by batch.

    Parameters
    ----------
    rows : Rows
        A dense array holds v already; a sparse one holds x.
    offset, scale : array of shape (n_features,)
        Used for sparse rows.
    """

    rows: Rows
    offset: Any
    scale: Any

    @property
    def placement(self):
        """Where batches are wanted."""
        return self.rows.placement

    @property
    def n_features(self):
        """Number of columns."""
        return self.rows.shape[1]

    def __len__(self):
        """Number of rows."""
        return len(self.rows)

    def take(self, index):
        """Copy of the rows `index` (host or device integers), of shape (len(index), n_features)."""
        batch = self.rows.take(index)
        if scipy.sparse.issparse(self.rows.values):
            batch -= self.offset
            batch /= self.scale
        return batch

    def column_parts(self, index, width):
        """Yield the rows `index`, copied, in parts of at most `width` columns; dense rows in one part.

        A sparse table may have so many columns that a sample of its rows, made dense, would outweigh all else.
        """
        if not scipy.sparse.issparse(self.rows.values):
            yield self.take(index)
            return
        sample = self.rows.values[arrays.to_numpy(index)].tocsc()
        for start in range(0, self.n_features, width):
            columns = slice(start, start + width)
            part = self.placement.asarray(sample[:, columns], self.offset.dtype)
            part -= self.offset[columns]
            part /= self.scale[columns]
            yield part


@dataclass(frozen=True)
class TrainingSet:
    """Rows, targets and weights of one fit, on their placement.

    Parameters
    ----------
    rows : StandardRows
    codes : ndarray of shape (n_rows,)
        Class indices, on the host.
    targets : array of shape (n_rows, n_outputs)
        What the outputs should be.
    weights : array of shape (n_rows,)
        Row weights with mean 1.
    """

    rows: StandardRows
    codes: Any
    targets: Any
    weights: Any

    def __len__(self):
        """Number of rows."""
        return len(self.rows)


def training_set(rows, targets, index, weights):
    """Training set of the rows `index`.

    Parameters
    ----------
    rows : StandardRows
        Those rows.
    targets : ClassTargets or RealTargets
        Of all rows.
    index : ndarray of shape (n_rows,)
        Their indices.
    weights : ndarray of shape (n_rows,)
        Their weights.

    Returns
    -------
    data : TrainingSet
    """
    place, dtype = rows.placement, rows.offset.dtype
    return TrainingSet(
        rows, targets.codes[index], targets.take(index, place, dtype), place.asarray(weights / weights.mean(), dtype)
    )


def standardized(X, index, weights, scale, placement, dtype):
    """Rows v = (x - offset) / scale with mean 0 and root mean square 1 over all entries.

    Parameters
    ----------
    X : array or csr matrix of shape (n_samples, n_features)
        Rows as the user gave them.
    index : ndarray of shape (n_rows,)
        Which rows to take.
    weights : ndarray of shape (n_rows,)
        Row weights of the mean and the spread.
    scale : {"global", "feature", None}
        "global" divides all features by one number; "feature" first brings features of more than median spread down
        to the median, never up, so that a nearly constant feature is not blown up; None uses the values as given,
        offset 0.
    placement : Placement
        Where to put them.
    dtype : dtype
        Floating type.

    Returns
    -------
    rows : StandardRows
        With `offset` and `scale`, both of shape (n_features,).
    constant : array of shape (n_features,)
        Boolean: features without spread.
    """
    xp = placement.xp
    if scale is None:
        ones = placement.asarray(np.ones(X.shape[1]), dtype)
        return scaled_rows(X, index, 0 * ones, ones, placement), ones < 0
    sparse = scipy.sparse.issparse(X) and not _fits_dense(X)
    # A new array, which is centred and divided in place: the one scaled copy of X that training keeps.
    values = X[index] if sparse else xp.take(placement.asarray(X, dtype), placement.asarray(index), axis=0)
    share = placement.asarray(weights / weights.sum(), dtype)
    mean, size, spread = (_sparse_moments if sparse else _center)(values, share, placement, dtype)
    # A spread within the rounding of the mean is no spread.
    constant = spread <= 8 * xp.finfo(dtype).eps * size
    spread = xp.where(constant, xp.zeros_like(spread), spread)
    # A feature's own spread would blow up what hardly varies, a rare pixel say, until its noise decides; so none is
    # scaled up against the others, and one common factor makes the mean square of all entries 1, which is what the
    # automatic temperature and noise count on.
    factor = _feature_factor(spread, scale, placement, dtype)
    rms = float(xp.sqrt(xp.mean((spread / factor) ** 2)))
    factor = factor * (rms if rms > 0 else 1.0)
    if not sparse:
        values /= factor
    return StandardRows(Rows(values, placement, dtype), mean, factor), constant


def _fits_dense(X):
    """Whether a sparse X is so small that taking batches from it costs more than keeping it dense."""
    return X.shape[0] * X.shape[1] * 8 <= _SMALL_SPARSE_BYTES


def scaled_rows(X, index, offset, scale, placement):
    """Rows v = (x - offset) / scale for a known offset and scale.

    Parameters
    ----------
    X : array or csr matrix of shape (n_samples, n_features)
        Rows as the user gave them.
    index : ndarray of shape (n_rows,)
        Which rows to take.
    offset, scale : array of shape (n_features,)
        On the placement.
    placement : Placement
        Where to put them.

    Returns
    -------
    rows : StandardRows
    """
    if scipy.sparse.issparse(X) and not _fits_dense(X):
        return StandardRows(Rows(X[index], placement, offset.dtype), offset, scale)
    values = placement.xp.take(placement.asarray(X, offset.dtype), placement.asarray(index), axis=0)
    values -= offset
    values /= scale
    return StandardRows(Rows(values, placement, offset.dtype), offset, scale)


def _center(values, share, placement, dtype):
    """Subtract the weighted mean in place; return it, the largest magnitude and the weighted spread per feature."""
    xp = placement.xp
    size = column_peaks(values)
    mean = share @ values
    values -= mean
    # Once more: in float32 the mean of a large constant is a little off, and the rest would look like spread.
    rest = share @ values
    values -= rest
    # Largest deviation first: squares of 1e20 overflow float32.
    peak = column_peaks(values)
    peak = xp.where(peak > 0, peak, xp.ones_like(peak))
    spread = xp.zeros_like(peak)
    row_bytes = 2 * values.shape[1] * 8
    for rows in row_blocks(values.shape[0], row_bytes, at_most=rows_in_cache(row_bytes, xp)):
        spread += share[rows] @ (values[rows, :] / peak) ** 2
    return mean + rest, size, peak * xp.sqrt(spread)


def _sparse_moments(values, share, placement, dtype):
    """The same of a csr matrix, which stays as it is."""
    n_rows, n_features = values.shape
    values = values.astype(np.float64)
    values.sum_duplicates()
    share = arrays.to_numpy(share).astype(np.float64)
    share = np.repeat(share / share.sum(), np.diff(values.indptr))
    columns = values.indices

    def total(entries):
        return np.bincount(columns, weights=share * entries, minlength=n_features)

    size = abs(values).max(axis=0).toarray().ravel()
    unit = np.where(size > 0, size, 1.0)
    # Entries that are not stored are 0, and deviate by the mean. Deviations are squared, never the entries themselves:
    # E x² - (E x)² is all rounding where the mean is large.
    full = np.bincount(columns, minlength=n_features) == n_rows
    unstored = np.where(full, 0.0, np.maximum(1 - total(1.0), 0.0))
    mean = total(values.data)
    mean += total(values.data - mean[columns]) - unstored * mean
    spread = unit * np.sqrt(total(((values.data - mean[columns]) / unit[columns]) ** 2) + unstored * (mean / unit) ** 2)
    return tuple(placement.asarray(a, dtype) for a in (mean, size, spread))


def _feature_factor(spread, scale, placement, dtype):
    spread = arrays.to_numpy(spread)
    varying = spread[spread > 0]
    typical = float(np.median(varying)) if varying.size else 1.0
    # "global" starts from the largest spread, so that squares of the ratios cannot overflow.
    largest = float(np.max(varying)) if varying.size else 1.0
    factor = np.maximum(spread, typical) if scale == "feature" else np.full(len(spread), largest)
    return placement.asarray(factor, dtype)

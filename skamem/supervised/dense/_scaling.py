"""The rows of a dense memory: standardised, on their way into a batch."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

from skamem.core import arrays
from skamem.core.rows import Rows, is_mapped, rows_in_cache
from skamem.training import column_peaks

__all__ = ["SCALES", "StandardRows", "TrainingSet", "received", "scaled_rows", "standardized", "training_set"]

# Rows of fewer bytes than this are kept scaled, whatever they came in: taking batches from them would cost more.
_SMALL_BYTES = 2**24

SCALES = ("feature", "global", None)
"""Ways to scale the features."""


@dataclass(frozen=True)
class StandardRows:
    """Standardised rows v = (x - offset) / scale: kept so, or as they came and scaled batch by batch.

    Parameters
    ----------
    rows : Rows
        v, or x.
    offset, scale : array of shape (n_features,)
        Of all features.
    shifts : tuple of array of shape (n_features,), default=()
        What is subtracted from x, one after another, before the division; together the offset. Without any `rows` are
        v already.
    """

    rows: Rows
    offset: Any
    scale: Any
    shifts: tuple = ()

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
        return self._finished(self.rows.take(index))

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
            yield self._finished(part, columns)

    def _finished(self, values, columns=slice(None)):
        """Some columns of new rows, scaled in place unless they are."""
        return _scale(values, [shift[columns] for shift in self.shifts], self.scale[columns]) if self.shifts else values


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
    signs : ndarray of shape (n_outputs,) or float, default=1.0
        Of the first votes, on the host; see `skamem.training.orientations`.
    """

    rows: StandardRows
    codes: Any
    targets: Any
    weights: Any
    signs: Any = 1.0

    def __len__(self):
        """Number of rows."""
        return len(self.rows)


def received(X, placement):
    """Validated X on the placement, once for all that looks at it; sparse and mapped rows stay where they are."""
    return X if scipy.sparse.issparse(X) or is_mapped(X) else placement.asarray(X)


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
        rows,
        targets.codes[index],
        targets.take(index, place, dtype),
        place.asarray(weights / weights.mean(), dtype),
        targets.signs,
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
    stored = _stored(X, index, placement, dtype)
    sparse = scipy.sparse.issparse(stored.values)
    share = placement.asarray(weights / weights.sum(), dtype)
    shifts, size, spread = _sparse_moments(stored, share) if sparse else _moments(stored, share)
    # A spread within the rounding of the mean is no spread.
    constant = spread <= 8 * xp.finfo(dtype).eps * size
    spread = xp.where(constant, xp.zeros_like(spread), spread)
    # A feature's own spread would blow up what hardly varies, a rare pixel say, until its noise decides; so none is
    # scaled up against the others, and one common factor makes the mean square of all entries 1, which is what the
    # automatic temperature and noise count on.
    factor = _feature_factor(spread, scale, placement, dtype)
    rms = float(xp.sqrt(xp.mean((spread / factor) ** 2)))
    factor = factor * (rms if rms > 0 else 1.0)
    return _scaled(stored, sum(shifts[1:], shifts[0]), factor, shifts), constant


def _stored(X, index, placement, dtype):
    """The rows `index` of X as they are: a new dense array on the placement, or csr or mapped rows where they are."""
    if scipy.sparse.issparse(X) and not _is_small(X):
        return Rows(X[index], placement, dtype)
    if is_mapped(X) and not _is_small(X):
        return _Picked(X, placement, dtype, index=index)
    return Rows(placement.xp.take(placement.asarray(X, dtype), placement.asarray(index), axis=0), placement, dtype)


def _is_small(X):
    """Whether taking batches from where X lies costs more than keeping it dense."""
    return X.shape[0] * X.shape[1] * 8 <= _SMALL_BYTES


@dataclass(frozen=True)
class _Picked(Rows):
    """Some rows of a file, in some order, without a copy of them."""

    index: Any = None

    @property
    def shape(self):
        return len(self.index), self.values.shape[1]

    def __len__(self):
        return len(self.index)

    def block(self, rows):
        """The rows of a slice: a copy, on the placement."""
        return self._placed(self.values[self.index[rows]])

    def pick(self, index):
        """The rows of an index array where they are and as they are stored."""
        return self.values[self.index[arrays.to_numpy(index)]]


def _scaled(stored, offset, scale, shifts):
    """Rows as they are stored, to be scaled batch by batch, or scaled now, in place."""
    if scipy.sparse.issparse(stored.values) or isinstance(stored, _Picked):
        return StandardRows(stored, offset, scale, shifts)
    _scale(stored.values, shifts, scale)
    return StandardRows(stored, offset, scale)


def _scale(values, shifts, scale=None):
    """Subtract and divide in place; a second array of a block's size would count, and take time."""
    for shift in shifts:
        values -= shift
    if scale is not None:
        values /= scale
    return values


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
    return _scaled(_stored(X, index, placement, offset.dtype), offset, scale, (offset,))


def _moments(stored, share):
    """(two shifts that make the weighted mean 0, largest magnitude, weighted spread) per feature of dense rows.

    In blocks, the same for every storage, so that a table in memory and in a file have the same moments to the last
    bit.
    """
    xp, n_features = stored.placement.xp, stored.shape[1]
    row_bytes = 2 * n_features * 8
    at_most = rows_in_cache(row_bytes, xp)
    zero = stored.placement.asarray(np.zeros(n_features), stored.dtype)

    def blocks():
        return stored.blocks(row_bytes, at_most=at_most)

    mean, size = zero, zero
    for rows, block in blocks():
        mean = mean + share[rows] @ block
        size = xp.maximum(size, column_peaks(block))
    # Once more: in float32 the mean of a large constant is a little off, and the rest would look like spread.
    rest = zero
    for rows, block in blocks():
        rest = rest + share[rows] @ (block - mean)
    # Largest deviation first: squares of 1e20 overflow float32.
    peak = zero
    for _, block in blocks():
        peak = xp.maximum(peak, column_peaks(_scale(block - mean, [rest])))
    peak = xp.where(peak > 0, peak, xp.ones_like(peak))
    spread = zero
    for rows, block in blocks():
        spread = spread + share[rows] @ _squared(_scale(block - mean, [rest], peak))
    return (mean, rest), size, peak * xp.sqrt(spread)


def _squared(values):
    values *= values
    return values


def _sparse_moments(stored, share):
    """The same of a csr matrix, with a single shift."""
    n_rows, n_features = stored.shape
    values = stored.values.astype(np.float64)
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
    mean, size, spread = (stored.placement.asarray(a, stored.dtype) for a in (mean, size, spread))
    return (mean,), size, spread


def _feature_factor(spread, scale, placement, dtype):
    spread = arrays.to_numpy(spread)
    varying = spread[spread > 0]
    typical = float(np.median(varying)) if varying.size else 1.0
    # "global" starts from the largest spread, so that squares of the ratios cannot overflow.
    largest = float(np.max(varying)) if varying.size else 1.0
    factor = np.maximum(spread, typical) if scale == "feature" else np.full(len(spread), largest)
    return placement.asarray(factor, dtype)

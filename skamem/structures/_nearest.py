"""The values that a memory holds, each once, and which of them is nearest to what was read with noise."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone

from skamem.core import arrays
from skamem.core.rows import row_blocks, rows_in_cache

__all__ = ["ValueTable", "item_memory", "nearest", "prepared"]

_GONE = 1e-9  # of a count: what is left of it after all was taken away, by rounding
_SAME = 16.0  # in units of rounding: values that are no farther apart from what was read are equally near
_FAR = 4.0  # root mean squares of the deviations from the mean value: an offset beyond it costs digits


@dataclass(frozen=True)
class ValueTable:
    """Distinct values and how often each is held, on the host.

    Parameters
    ----------
    values : ndarray of shape (n_values, n_outputs)
        In an order that depends on them alone.
    counts : ndarray of shape (n_values,)
        Sums of weights, > 0.
    """

    values: Any
    counts: Any

    @classmethod
    def of(cls, values, weights):
        """The table of values (n_pairs, n_outputs), which may repeat, with weights (n_pairs,), of which none is 0."""
        values = np.ascontiguousarray(values) + 0.0  # so that -0.0 is 0.0
        places = {}
        codes = [places.setdefault(row.tobytes(), len(places)) for row in values]
        _, first = np.unique(codes, return_index=True)
        order = np.asarray([places[key] for key in sorted(places)], dtype=np.intp)
        counts = np.bincount(codes, weights=weights, minlength=len(places))
        return cls(values[first][order], counts[order])

    def joined(self, other):
        """The table of the values of both."""
        return ValueTable.of(np.concatenate([self.values, other.values]), np.concatenate([self.counts, other.counts]))

    def without(self, other, owner):
        """The table with the values of another one taken away; ValueError where it does not hold them, or no more."""
        left = ValueTable.of(np.concatenate([self.values, other.values]), np.concatenate([self.counts, -other.counts]))
        held = {row.tobytes(): count for row, count in zip(self.values, self.counts, strict=True)}
        for row, count in zip(left.values, left.counts, strict=True):
            if count < -_GONE * held.get(row.tobytes(), 0.0) or row.tobytes() not in held:
                raise ValueError(
                    f"{owner} does not hold the value {np.array2string(row, threshold=8)} so often; expected pairs "
                    "exactly as they were stored."
                )
        before = np.asarray([held[row.tobytes()] for row in left.values])
        kept = left.counts > _GONE * before
        return ValueTable(left.values[kept], left.counts[kept])


def item_memory(memory, backend):
    """A memory to clean up with, not fitted: it stores values with themselves, and computes where it is told to."""
    memory = clone(memory)
    told = {"target": "self"} if backend is None else {"target": "self", "backend": backend}
    known = memory.get_params(deep=False)
    return memory.set_params(**{name: value for name, value in told.items() if name in known})


def prepared(values):
    """What `nearest` needs of values (n_values, n_outputs), worked out once: a tuple of arrays and None.

    Where numbers are too large, small or far from 0 to be squared as they are, it holds them centred and scaled, which
    changes no order of distances.
    """
    xp = arrays.namespace(values)
    largest = xp.max(xp.abs(values))
    unit = xp.where(largest > 0, largest, xp.ones_like(largest))
    mean = unit * xp.mean(values / unit, axis=0)
    deviation = xp.max(xp.abs(values - mean))
    plain = (deviation > 1e-9) & (deviation < 1e9) & (xp.max(xp.abs(mean)) <= _FAR * deviation)
    mean, unit = (None, None) if bool(plain) else (mean, xp.where(deviation > 0, deviation, xp.ones_like(deviation)))
    values = values if unit is None else (values - mean) / unit
    halves = 0.5 * xp.sum(values**2, axis=1)
    return values, halves, xp.sqrt(2.0 * xp.max(halves)), mean, unit


def nearest(read, values, halves, longest, mean=None, unit=None):
    """Index of the value with the least Euclidean distance to each row; among equals the first.

    Parameters
    ----------
    read : array of shape (n_samples, n_outputs)
        What was read, with noise.
    values, halves, longest, mean, unit : arrays or None
        What it may be, as `prepared`.

    Returns
    -------
    indices : int array of shape (n_samples,)

    Notes
    -----
    Cost O(n_samples n_values n_outputs), one matrix product a block of rows; the matrix of distances is never held.
    """
    xp = arrays.namespace(read)
    read = read if unit is None else (read - mean) / unit
    turned = xp.matrix_transpose(xp.astype(values, read.dtype, copy=False))
    rounding = _SAME * xp.finfo(read.dtype).eps * longest
    found = [xp.zeros(0, dtype=xp.int64, device=arrays.device(read))]
    row_bytes = 32 * (values.shape[0] + values.shape[1])
    for rows in row_blocks(read.shape[0], row_bytes, at_most=rows_in_cache(row_bytes // 4, xp)):
        block = read[rows, :]
        closeness = block @ turned - halves
        best = xp.max(closeness, axis=1, keepdims=True)
        # Values that differ by rounding only are equally near, so that the first of them wins in any company.
        best = best - rounding * (xp.sqrt(xp.sum(block**2, axis=1, keepdims=True)) + longest)
        found.append(xp.astype(xp.argmax(xp.astype(closeness >= best, xp.uint8), axis=1), xp.int64))
    return xp.concat(found)

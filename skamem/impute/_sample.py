"""Rows kept of a stream: all while they are few, then an even sample in bounded memory, and samples that merge.

Expectation maximisation asks rows with gaps again and again, so that sums cannot stand for them. Every row draws a
priority from what it is and from its place in the stream; the rows of least priority are kept. So are those of two
samples of different rows together: whatever the parts, each row has the same chance.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["RowSample", "sampled"]

_ODD = np.uint64(0x9E3779B97F4A7C15)  # multipliers and shifts of SplitMix64 (Steele, Lea and Flood, 2014)
_MIX = ((30, np.uint64(0xBF58476D1CE4E5B9)), (27, np.uint64(0x94D049BB133111EB)), (31, np.uint64(1)))


@dataclass(frozen=True)
class RowSample:
    """Rows kept, as codes of features.

    Parameters
    ----------
    codes : ndarray of shape (n_kept, n_features)
        NaN where missing.
    priorities : uint64 ndarray of shape (n_kept,)
        Evenly distributed; the least are kept.
    reach : uint64
        Of the rows seen those with a priority up to here are kept, all of them.
    n_seen : int
        Rows seen.
    had_gaps : bool ndarray of shape (n_features,)
        Features of which an entry was missing in some row seen.
    """

    codes: Any
    priorities: Any
    reach: Any
    n_seen: int
    had_gaps: Any

    def merged(self, other, at_most):
        """The sample of both's rows, `at_most` of them."""
        reach = min(self.reach, other.reach)
        parts = [(part, part.priorities <= reach) for part in (self, other)]
        return _bounded(
            np.concatenate([part.codes[kept] for part, kept in parts]),
            np.concatenate([part.priorities[kept] for part, kept in parts]),
            reach,
            self.n_seen + other.n_seen,
            self.had_gaps | other.had_gaps,
            at_most,
        )


def sampled(codes, *, n_before, at_most):
    """A sample of rows.

    Parameters
    ----------
    codes : ndarray of shape (n_rows, n_features)
        NaN where missing.
    n_before : int
        Rows seen before these.
    at_most : int or None
        Rows to keep; None for all.

    Returns
    -------
    sample : RowSample
    """
    reach = np.uint64(2**64 - 1)
    return _bounded(codes, _priorities(codes, n_before), reach, len(codes), np.isnan(codes).any(axis=0), at_most)


def _bounded(codes, priorities, reach, n_seen, had_gaps, at_most):
    if at_most is not None and len(codes) > at_most:
        reach = np.partition(priorities, at_most - 1)[at_most - 1]
        kept = np.flatnonzero(priorities <= reach)[:at_most]  # more only where two priorities are the same number
        codes, priorities = codes[kept], priorities[kept]
    return RowSample(codes, priorities, reach, n_seen, had_gaps)


def _priorities(codes, n_before):
    """Numbers evenly distributed over 64 bits: equal rows at different places have different ones."""
    with np.errstate(over="ignore"):
        found = _mixed((np.arange(len(codes), dtype=np.uint64) + np.uint64(n_before + 1)) * _ODD)
        for column in codes.T:
            bits = np.where(np.isnan(column), -1.0, column + 0.0).view(np.uint64)  # one NaN, one zero
            found = _mixed((found ^ bits) * _ODD)
    return found


def _mixed(numbers):
    for shift, multiplier in _MIX:
        numbers = (numbers ^ (numbers >> np.uint64(shift))) * multiplier
    return numbers

"""Which stored patterns recalled states are, and which stored sequence a walk or a cycle of them is."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skamem.core import arrays
from skamem.core.rows import row_blocks
from skamem.structures._stepping import cell_size, cells
from skamem.structures._succession import distinct

__all__ = ["StoredPatterns", "followed", "stored_cycle"]

_SAME = 64.0  # in units of rounding: distances that are no farther apart are equal
_TIE = 8.0  # likewise, for a distance and the tolerance: .05 is not 1/20, and less so in float32
_SPARSE = 8.0  # a two-valued pattern with fewer than one unit in so many on, or off, is sparse


@dataclass(frozen=True)
class StoredPatterns:
    """Stored patterns, and how far states are from them.

    Parameters
    ----------
    patterns : array of shape (n_patterns, n_units)
        All known, in the coding in which they are recalled.
    centre : array of shape (n_units,)
        What is subtracted before lengths are squared: about the mean pattern.
    spread : array of shape (n_units,)
        Half the mean squared difference of two unrelated patterns, unit by unit, in units of `unit` squared.
    unit : float
        The difference of the two values, or else the largest deviation from the centre.
    """

    patterns: Any
    centre: Any
    spread: Any
    unit: float

    @classmethod
    def measured(cls, patterns, levels=None):
        """With their centre and spread; `levels`, if known, are the two values where patterns show only one of them."""
        xp = arrays.namespace(patterns)
        low, high = xp.min(patterns, axis=0), xp.max(patterns, axis=0)
        centre = low + _block_sum(patterns, lambda block: block - low) / patterns.shape[0]
        least, most = float(xp.min(low)), float(xp.max(high))
        values = levels if least == most else _values_of(patterns, least, most)
        spread = _real_spread(patterns, centre) if values is None else _two_valued_spread(patterns, *values)
        return cls(patterns, centre, *spread)

    def distances(self, states, patterns):
        """Squared distances of states from patterns, one for one, in units in which unrelated patterns are 1/2 apart.

        For two-valued patterns, unless they are sparse: the share of units that differ, whatever is stored. Unknown
        units of a state (NaN) do not count.
        """
        xp = arrays.namespace(states)
        known = ~xp.isnan(states)
        gaps = xp.where(known, (states - patterns) / self.unit, 0.0)
        with arrays.overflow_expected():
            squares = xp.sum(gaps**2, axis=1)
        counted = 4.0 * xp.sum(xp.where(known, self.spread[None, :], 0.0), axis=1)
        # Where all stored patterns are the same they have no distance that others could be measured in.
        if_all_are_one = xp.where(squares > 0, xp.full_like(squares, xp.inf), squares)
        return xp.where(counted > 0, squares / xp.where(counted > 0, counted, 1.0), if_all_are_one)

    def are_near(self, states, patterns, tolerance):
        """Whether states are within the tolerance of patterns, one for one."""
        apart = self.distances(states, patterns)
        limits = arrays.namespace(apart).finfo(apart.dtype)
        # A tolerance beyond the type is one that every distance is within.
        return apart <= min(float(tolerance) * (1.0 + _TIE * float(limits.eps)), float(limits.max))

    def nearest(self, states, tolerance):
        """Index of the stored pattern next to each state, the first of several; -1 beyond the tolerance."""
        xp = arrays.namespace(states)
        patterns = (self.patterns - self.centre) / self.unit
        squares, found = xp.matrix_transpose(patterns**2), []
        for rows in row_blocks(states.shape[0], 32 * (self.patterns.shape[0] + self.patterns.shape[1])):
            block = states[rows, :]
            index = self._nearest(block, xp.matrix_transpose(patterns), squares)
            is_near = self.are_near(block, xp.take(self.patterns, index, axis=0), tolerance)
            blank = xp.all(xp.isnan(block), axis=1)
            found.append(xp.where(is_near & ~blank, index, -1))
        return xp.concat(found)

    def _nearest(self, states, patterns, squares):
        xp = arrays.namespace(states)
        known = ~xp.isnan(states)
        with arrays.overflow_expected():
            cues = xp.where(known, (states - self.centre) / self.unit, 0.0)
            half = xp.astype(known, cues.dtype) @ squares / 2.0
            gaps = half - cues @ patterns  # half the squared distance, up to what is of the cue
        least = xp.min(gaps, axis=1, keepdims=True)
        rounding = _SAME * xp.finfo(cues.dtype).eps * xp.max(half, axis=1, keepdims=True)
        return xp.argmax(xp.astype(gaps <= least + rounding, xp.int64), axis=1)


def _block_sum(patterns, function):
    """Sum over the rows of a function of patterns, block by block."""
    xp = arrays.namespace(patterns)
    blocks = row_blocks(patterns.shape[0], 32 * patterns.shape[1])
    return sum(xp.sum(function(patterns[rows, :]), axis=0) for rows in blocks)


def _values_of(patterns, low, high):
    """The least and the largest value where there are no others; None where there are."""
    xp = arrays.namespace(patterns)
    others = _block_sum(patterns, lambda block: xp.astype((block != low) & (block != high), xp.int64))
    return None if bool(xp.any(others)) else (low, high)


def _two_valued_spread(patterns, low, high):
    """Spread and unit by which distances are shares of wrong units.

    They owe nothing to the sample: a spread measured from few patterns is too small, and moves with every other one.
    But unrelated sparse patterns differ in few units, so their wrong units are counted against `_SPARSE` times those
    that are on (or off, if those are fewer).
    """
    xp = arrays.namespace(patterns)
    counts = _block_sum(patterns, lambda block: xp.astype(block > 0.5 * (low + high), xp.int64))
    share = float(xp.sum(counts)) / (patterns.shape[0] * patterns.shape[1])
    rarer = min(share, 1.0 - share)
    relative = min(1.0, _SPARSE * rarer) if rarer > 0.0 else 1.0
    return xp.full_like(patterns[0, :], 0.25 * relative), high - low


def _real_spread(patterns, centre):
    """Spread and unit by which two different patterns are 1/2 apart on average, however often each of them comes."""
    xp, host = arrays.namespace(patterns), arrays.to_numpy(patterns)
    numbers, keys = distinct(cells(host, cell_size(host)))
    n_distinct = len(keys)
    if n_distinct < len(host):
        first = np.unique(numbers, return_index=True)[1]
        patterns = xp.take(patterns, arrays.placement_of(patterns).asarray(first), axis=0)
        centre = patterns[0, :] + _block_sum(patterns, lambda block: block - patterns[0, :]) / n_distinct
    if n_distinct == 1:  # nothing to compare it with but its own units
        gaps = patterns[0, :] - xp.mean(patterns[0, :])
        unit = float(xp.max(xp.abs(gaps))) or 1.0
        variance = float(xp.sum((gaps / unit) ** 2)) / max(gaps.shape[0] - 1, 1)
        return xp.full_like(gaps, variance), unit
    unit = float(xp.max(xp.maximum(xp.max(patterns, axis=0) - centre, centre - xp.min(patterns, axis=0)))) or 1.0
    return _block_sum(patterns, lambda block: ((block - centre) / unit) ** 2) / (n_distinct - 1), unit


def followed(labels, pattern, succession):
    """Rows of the stored patterns that a walk follows.

    Parameters
    ----------
    labels : int ndarray of shape (n_walks, n_states)
        The distinct pattern that each state is; -1 for none.
    pattern : int ndarray of shape (n_patterns,)
        The distinct pattern that each stored row is.
    succession : Succession
        Which row follows which.

    Returns
    -------
    rows : int ndarray of shape (n_walks, n_states)
        -1 for none. Of rows with the same pattern, the one by which the walk goes on, or else came; the first of all
        where neither says.
    """
    rows = np.full(labels.shape, -1)
    first = np.full(pattern.max() + 2, -1)  # its last entry is what label -1 finds
    first[pattern[::-1]] = np.arange(len(pattern))[::-1]
    for time in range(labels.shape[1]):
        rows[:, time] = first[labels[:, time]]
        if time:
            _prefer(rows, time, succession.successor, rows[:, time - 1], labels, pattern)
    for time in range(labels.shape[1] - 2, -1, -1):
        _prefer(rows, time, succession.predecessor, rows[:, time + 1], labels, pattern)
    return rows


def _prefer(rows, time, link, neighbours, labels, pattern):
    """Take the row linked to that of the neighbouring time where it holds the same pattern."""
    linked = np.append(link, -1)[neighbours]
    fits = (linked >= 0) & (np.append(pattern, -2)[linked] == labels[:, time])
    rows[fits, time] = linked[fits]


def stored_cycle(labels, pattern, succession, longest):
    """The stored row at which a cycle of patterns begins that is a stored sequence.

    Parameters
    ----------
    labels : int ndarray of shape (length,)
        The distinct pattern that each state of the cycle is; -1 for none.
    pattern : int ndarray of shape (n_patterns,)
        The distinct pattern that each stored row is.
    succession : Succession
        Which row follows which.
    longest : int
        Length of the longest stored sequence.

    Returns
    -------
    row : int
        The row that the first state is; -1 if the cycle is no stored sequence.
    """
    if np.any(labels < 0):
        return -1
    starts = rows = np.flatnonzero(pattern == labels[0])
    # Two rings that agree on as many patterns as both of them have agree for ever.
    for time in range(1, len(labels) + longest):
        rows = succession.successor[rows]
        fits = (rows >= 0) & (pattern[rows] == labels[time % len(labels)])
        starts, rows = starts[fits], rows[fits]
        if not len(rows):
            return -1
    return int(starts[0])

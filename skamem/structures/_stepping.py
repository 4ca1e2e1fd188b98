"""Recall as a walk through states that are remembered: each is asked of the memory once, whoever comes by."""

import numpy as np

from skamem.structures._succession import keys_of

__all__ = ["StateGraph", "cell_size", "cells"]

_AHEAD = 256  # stored states that are asked with one of them: a product of so many rows costs little more than of one


def cell_size(patterns):
    """Differences of less than about this are rounding: eps^(3/4) of the largest entry, a power of two.

    Two-valued patterns and other whole numbers are multiples of it.

    Parameters
    ----------
    patterns : ndarray
        Stored patterns, on the host.

    Returns
    -------
    size : float
        0 where that would be no normal number.
    """
    limits = np.finfo(patterns.dtype)
    largest = float(np.max(np.abs(patterns)))
    size = 2.0 ** (np.floor(np.log2(largest)) + np.floor(0.75 * np.log2(float(limits.eps)))) if largest else 0.0
    return float(size) if size >= float(limits.smallest_normal) else 0.0


def cells(patterns, size):
    """Patterns on a grid: equal where they differ by rounding only.

    Parameters
    ----------
    patterns : ndarray
        On the host.
    size : float
        That of `cell_size`.

    Returns
    -------
    cells : ndarray
        Of the shape of `patterns`.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return np.rint(patterns / size) if size else patterns


class StateGraph:
    """The windows met so far, and which window follows each.

    A window is what the next pattern depends on: the last patterns, the oldest first. What a memory answers depends on
    nothing else, so that cues which meet go on together, and a cycle is walked once, however often it is gone round.
    Real values are one state where they differ by rounding; a stored pattern stands for what is next to it, and else
    the first on the walk of one cue. What another cue came by does not count: small differences may grow.

    Parameters
    ----------
    ask : callable
        The memory: windows of shape (n_windows, order, n_units) to the patterns (n_windows, n_units) that follow.
    patterns : ndarray of shape (n_distinct, n_units)
        Stored patterns, no two of them equal. Pattern number i is row i.
    windows : int ndarray of shape (n_stored, order)
        Stored windows, as numbers of patterns, in the order of their sequences; -1 is unknown.
    """

    def __init__(self, ask, patterns, windows):
        self._ask = ask
        self._number, self._states, self._windows, self._members = {}, [], {}, []
        self._owner = []  # the cue on whose walk alone a pattern is; -1 for those of all walks
        self._cell, self._largest = cell_size(patterns), np.max(np.abs(patterns))
        self._follower = np.full(max(64, 2 * len(windows)), -1)
        unknown = np.full((1, patterns.shape[1]), np.nan, dtype=patterns.dtype)
        for key, pattern in zip(self._keys_of(patterns) + self._keys_of(unknown), [*patterns, *unknown], strict=True):
            self._number_of(key, pattern, -1)
        unknown = len(patterns)
        self._stored = np.unique(self._entered(np.where(windows < 0, unknown, windows)))

    @property
    def n_bytes(self):
        """What it takes, about."""
        return len(self._states) * (400 + 2 * self._states[0].nbytes) + 200 * len(self._members)

    def enter(self, windows, first_cue=0):
        """Numbers of windows (n_windows, order, n_units), as a column: where the walks of cues begin."""
        cues = np.repeat(np.arange(first_cue, first_cue + len(windows)), windows.shape[1]).tolist()
        numbers = self._patterns_of(np.reshape(windows, (-1, windows.shape[2])), cues)
        return self._entered(np.reshape(numbers, windows.shape[:2]))[:, None]

    def follow(self, numbers, clamped=None):
        """The windows that follow, both as columns of numbers: one step of a walk."""
        followers = self._follower[numbers]
        unknown = np.unique(numbers[followers < 0])
        if len(unknown):
            self._find_out(unknown)
            followers = self._follower[numbers]
        return followers

    def members(self, numbers):
        """Numbers of the patterns (..., order) in windows (...)."""
        distinct, back = np.unique(numbers, return_inverse=True)
        found = np.asarray([self._members[number] for number in distinct])
        return found[np.reshape(back, np.shape(numbers))]

    def patterns(self, numbers):
        """Patterns (..., n_units) of the given numbers (...)."""
        distinct, back = np.unique(numbers, return_inverse=True)
        found = np.stack([self._states[number] for number in distinct.tolist()])
        return found[np.reshape(back, np.shape(numbers))]

    def _keys_of(self, patterns):
        return keys_of(cells(patterns, self._cell))

    def _patterns_of(self, patterns, owners):
        """Numbers of patterns on the walks of their owners."""
        two_valued = np.all((np.abs(patterns) == self._largest) | (patterns == 0.0), axis=1)
        numbers = []
        for key, pattern, owner, is_plain in zip(self._keys_of(patterns), patterns, owners, two_valued, strict=True):
            is_common = is_plain or key in self._number
            numbers.append(self._number_of(key if is_common else (key, owner), pattern, -1 if is_common else owner))
        return np.asarray(numbers, dtype=np.int64)

    def _number_of(self, key, pattern, owner):
        number = self._number.setdefault(key, len(self._states))
        if number == len(self._states):
            self._states.append(pattern.copy())
            self._owner.append(owner)
        return number

    def _entered(self, windows):
        numbers = []
        for window in map(tuple, windows.tolist()):
            number = self._windows.setdefault(window, len(self._members))
            if number == len(self._members):
                self._members.append(window)
            numbers.append(number)
        if len(self._members) > len(self._follower):
            more = np.full(2 * len(self._members) - len(self._follower), -1)
            self._follower = np.concatenate([self._follower, more])
        return np.asarray(numbers, dtype=np.int64)

    def _find_out(self, unknown):
        """Ask which windows follow those that are unknown, and stored ones that will come next."""
        place = np.searchsorted(self._stored, unknown)
        place = place[(place < len(self._stored)) & (self._stored[place % len(self._stored)] == unknown)]
        ahead = np.unique(np.minimum(place[:, None] + np.arange(_AHEAD), len(self._stored) - 1))
        asked = np.union1d(unknown, self._stored[ahead])
        asked = asked[self._follower[asked] < 0]
        members = self.members(asked)
        windows = self.patterns(members)
        # A state that is no number any more, or beyond all numbers, stays: no memory takes it.
        lost = np.any(np.isinf(windows), axis=(1, 2))
        follower = np.where(lost, asked, -1)
        if not lost.all():
            owners = np.max(np.asarray(self._owner)[members[~lost]], axis=1)
            found = self._patterns_of(self._ask(windows[~lost]), owners.tolist())
            follower[~lost] = self._entered(np.concatenate([members[~lost, 1:], found[:, None]], axis=1))
        self._follower[asked] = follower

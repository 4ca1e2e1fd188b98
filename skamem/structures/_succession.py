"""Which stored pattern follows which, and how many patterns back one must look to know."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Succession", "distinct"]


def distinct(rows):
    """A number for each row, the same for equal rows, counted in the order in which they come.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, ...)
        On the host. NaN equals NaN, and 0.0 equals -0.0.

    Returns
    -------
    numbers : int ndarray of shape (n_rows,)
    keys : dict of bytes to int
        The number of each distinct row by its bytes.
    """
    keys = {}
    return np.asarray([keys.setdefault(key, len(keys)) for key in keys_of(rows)], dtype=np.int64), keys


def keys_of(rows):
    """Bytes of each row: equal where the rows are."""
    rows = np.ascontiguousarray(rows) + 0.0 if rows.dtype.kind == "f" else np.ascontiguousarray(rows)
    if rows.dtype.kind == "f":
        rows = np.where(np.isnan(rows), np.asarray(np.nan, dtype=rows.dtype), rows)
    everything, size = rows.tobytes(), rows.dtype.itemsize * int(np.prod(rows.shape[1:]))
    return [everything[start : start + size] for start in range(0, len(rows) * size, size)]


@dataclass(frozen=True)
class Succession:
    """Which row of the stored patterns follows which.

    Parameters
    ----------
    successor : int ndarray of shape (n_patterns,)
        The row that follows; -1 for the last pattern of an open sequence.
    """

    successor: np.ndarray

    @classmethod
    def of_groups(cls, groups, cyclic):
        """Rows of a group follow each other in their order; if cyclic, the first one follows the last.

        Parameters
        ----------
        groups : int ndarray of shape (n_patterns,)
            0, ..., n_groups - 1.
        cyclic : bool
            Whether sequences are closed.

        Returns
        -------
        succession : Succession
        position : int ndarray of shape (n_patterns,)
            Place of each row in its sequence.
        """
        order = np.argsort(groups, kind="stable")
        first = np.flatnonzero(np.diff(groups[order], prepend=-1))
        lengths = np.diff(first, append=len(order))
        successor, position = np.full(len(order), -1), np.empty(len(order), dtype=np.int64)
        successor[order[:-1]] = order[1:]
        successor[order[first + lengths - 1]] = order[first] if cyclic else -1
        position[order] = np.arange(len(order)) - np.repeat(first, lengths)
        return cls(successor), position

    @property
    def steps(self):
        """Rows that something follows."""
        return np.flatnonzero(self.successor >= 0)

    @property
    def predecessor(self):
        """The row before each one; -1 for the first of an open sequence."""
        before = np.full(len(self.successor), -1)
        before[self.successor[self.steps]] = self.steps
        return before

    def windows(self, order):
        """The last `order` rows up to each row (n_patterns, order), the oldest first; -1 before the beginning."""
        before = np.append(self.predecessor, -1)  # what is before nothing is nothing
        columns = [np.arange(len(self.successor))]
        for _ in range(order - 1):
            columns.append(before[columns[-1]])
        return np.stack(columns[::-1], axis=1)

    def ambiguous(self, patterns, order):
        """Rows whose last `order` patterns lead to several patterns, in their order.

        Parameters
        ----------
        patterns : int ndarray of shape (n_patterns,)
            Equal patterns have one number.
        order : int
            How many patterns are looked at.

        Returns
        -------
        rows : int ndarray
        """
        past = _numbered(np.append(patterns, -1)[self.windows(order)])
        return self.steps[self._leads_to_several(past, patterns)]

    def order_needed(self, patterns, longest):
        """The least order at which no row is ambiguous; None if there is none.

        Parameters
        ----------
        patterns : int ndarray of shape (n_patterns,)
            Equal patterns have one number.
        longest : int
            Length of the longest sequence.

        Returns
        -------
        order : int or None

        Notes
        -----
        By doubling and halving, since a monotonous sequence may need an order as large as its length.
        """
        before = np.append(self.predecessor, -1)
        # For orders 1, 2, 4, ...: the past of each row, as a number, and the row just before that past.
        pasts, reach, order = [_numbered(patterns[:, None])], [before], 1
        while self._leads_to_several(pasts[-1], patterns).any():
            # Two rings that agree on as many patterns as both of them have agree for ever.
            if order > 2 * longest:
                return None
            pasts.append(_joined(pasts[-1], reach[-1], pasts[-1]))
            reach.append(np.append(reach[-1][reach[-1][:-1]], -1))
            order *= 2
        if order == 1:
            return 1
        past, back, needed = pasts[-2], reach[-2], order // 2  # still ambiguous
        for level in range(len(pasts) - 3, -1, -1):
            longer = _joined(past, back, pasts[level])
            if self._leads_to_several(longer, patterns).any():
                past, back, needed = longer, np.append(reach[level][back[:-1]], -1), needed + 2**level
        return needed + 1

    def _leads_to_several(self, past, patterns):
        """Which steps start at a past that is followed by different patterns."""
        steps = self.steps
        pairs = np.unique(np.stack([past[steps], patterns[self.successor[steps]]], axis=1), axis=0)
        return np.bincount(pairs[:, 0], minlength=past.max() + 1)[past[steps]] > 1


def _numbered(rows):
    """A number for each row of integers."""
    return np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)


def _joined(past, back, earlier):
    """Numbers of pasts made longer by those that end at the row before them."""
    return _numbered(np.stack([np.append(earlier, -1)[back[:-1]], past], axis=1))

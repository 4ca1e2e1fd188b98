"""Many partial results into one, two at a time: few copies, little rounding, and an order that nothing else decides."""

__all__ = ["PairwiseReduction"]


class PairwiseReduction:
    """Merge parts as binary counting does: two of a size whenever there are two, the rest at the end.

    Which parts are merged with which depends on their number and their order alone. Roots of 2ᵏ parts each, reduced in
    turn, give what all parts give in one reduction.

    Parameters
    ----------
    merge : callable
        ``(before, after) -> merged``, associative up to rounding; it may consume what it gets.

    Notes
    -----
    n parts take n - 1 merges; log2(n) + 1 of them are held at a time, and none was merged more than log2(n) + 1 times.

    Examples
    --------
    >>> from skamem.core.reduction import PairwiseReduction
    >>> reduction = PairwiseReduction("({}{})".format)
    >>> for part in "abcde":
    ...     reduction.add(part)
    >>> reduction.result()
    '(((ab)(cd))e)'
    """

    def __init__(self, merge):
        self._merge, self._parts = merge, []

    def add(self, part, *, first=False):
        """Take one more part.

        Parameters
        ----------
        part : object
            What `merge` takes.
        first : bool, default=False
            Whether it is merged in the very last merge: for what is large and was there before.
        """
        depth = float("inf") if first else 0
        while self._parts and self._parts[-1][0] == depth:
            part = self._merge(self._parts.pop()[1], part)
            depth += 1
        self._parts.append((depth, part))

    def result(self):
        """All parts merged; None if there were none."""
        if not self._parts:
            return None
        merged = self._parts[-1][1]
        for _, before in reversed(self._parts[:-1]):
            merged = self._merge(before, merged)
        return merged

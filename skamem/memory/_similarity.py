"""How near real-valued cues are to stored patterns, block by block, with unknown entries on either side."""

from dataclasses import dataclass, replace
from typing import Any

from skamem.core import arrays
from skamem.core.rows import row_blocks

__all__ = ["FAR", "SIMILARITIES", "StoredPatterns", "half_norms"]

SIMILARITIES = ("nearest", "local", "dot")

_TILE = 512  # stored patterns that are compared at a time: large enough for BLAS, small enough to stay in cache
_PRIOR = 3.0  # unknown entries: pairs of unrelated entries that each comparison starts with
FAR = -1e25  # similarity to a pattern that must not count; finite, so that differences are


@dataclass(frozen=True)
class StoredPatterns:
    """Patterns to compare with.

    Parameters
    ----------
    patterns : array of shape (n_patterns, n_units)
        Unknown entries hold any number.
    known : bool array of shape (n_patterns, n_units) or None
        None when all entries are known.
    centre : array of shape (n_units,)
        Mean pattern: distances are computed around it, so that a large common offset costs no digits.
    spread : array of shape ()
        Mean squared deviation of known entries from the centre.
    half_norms : array of shape (n_patterns,)
        Half the squared distance of each pattern from the centre.
    similarity : {"nearest", "local", "dot"}
        Minus half the squared distance ("nearest", "local"), or the inner product ("dot").
    weight : array of shape (n_patterns,) or None
        How often each pattern counts.
    completed : bool
        Whether unknown entries hold estimates that comparison may use.
    """

    patterns: Any
    known: Any
    centre: Any
    spread: Any
    half_norms: Any
    similarity: str
    weight: Any = None
    completed: bool = False

    def sample(self, n_rows):
        """At most `n_rows` of the patterns, evenly spaced, and their indices."""
        xp = arrays.namespace(self.patterns)
        n_patterns = self.patterns.shape[0]
        n_rows = min(n_rows, n_patterns)
        index = xp.arange(n_rows, device=arrays.device(self.patterns)) * n_patterns // n_rows

        def take(array):
            return None if array is None else xp.take(array, index, axis=0)

        names = ("patterns", "known", "weight", "half_norms")
        return replace(self, **{name: take(getattr(self, name)) for name in names}), index

    def tiles(self, n_cues):
        """Row slices to stream over, within scikit-learn's working memory beside `n_cues` cues."""
        n_units = self.patterns.shape[1]
        for rows in row_blocks(self.patterns.shape[0], 8 * (4 * n_cues + 8 * n_units)):
            for start in range(rows.start, rows.stop, _TILE):
                yield slice(start, min(start + _TILE, rows.stop))

    def compare(self, cues, known=None, *, lacking=None):
        """Similarities of cues to all patterns.

        Parameters
        ----------
        cues : array of shape (n_samples, n_units)
            Unknown entries hold any number.
        known : bool array of shape (n_samples, n_units), default=None
            Known entries of the cues; None for all.
        lacking : bool array of shape (n_samples, n_units), default=None
            Entries that are looked for: a pattern that knows none of them does not count.

        Returns
        -------
        similarities : iterable
            Of pairs (rows, block of shape (n_samples, n_rows)); blocks may be changed in place. Its `offset`, of shape
            (n_samples, 1) or 0, was left out and is the same for all patterns.
        """
        masked = known is not None or (self.known is not None and not self.completed)
        return (_Masked if masked else _Complete)(self, cues, known, lacking)


class _Comparison:
    """Iterable over similarities of cues to blocks of stored patterns."""

    offset = 0.0

    def __init__(self, stored, cues, known, lacking):
        self.stored, self.known = stored, known
        self.xp = arrays.namespace(cues)
        # Where all patterns are known, none of them lacks what is looked for.
        self.lacking = None if lacking is None or stored.known is None else self.xp.astype(lacking, cues.dtype)
        self.n_cues = cues.shape[0]
        self.prepare(cues)

    def __iter__(self):
        for rows in self.stored.tiles(self.n_cues):
            mask = None if self.stored.known is None else self.mask(rows)
            yield rows, self.block(rows, mask)

    def matrix(self):
        """All blocks side by side; only for few cues or few patterns."""
        return self.xp.concat([block for _, block in self], axis=1)

    def mask(self, rows):
        """Known entries of a block of patterns, as numbers."""
        return self.xp.astype(self.stored.known[rows, :], self.stored.patterns.dtype)


class _Complete(_Comparison):
    """-|x - ξ|² / 2 = x·q - |x - c|² / 2 - (c·q + |q|² / 2) with q = ξ - c and the centre c; or x·ξ."""

    def prepare(self, cues):
        self.cues = cues
        if self.stored.similarity != "dot":
            self.cues = cues - self.stored.centre
            self.offset = -(self.cues @ self.stored.centre + 0.5 * self.xp.sum(self.cues**2, axis=1))[:, None]

    def block(self, rows, mask):
        block = self.cues @ self.xp.matrix_transpose(self.stored.patterns[rows, :])
        if self.stored.similarity != "dot":
            block -= self.stored.half_norms[rows]
        if self.lacking is not None:
            news = self.lacking @ self.xp.matrix_transpose(mask)
            block = self.xp.where(news > 0.5, block, FAR)
        return block


class _Masked(_Comparison):
    """The same over the entries that cue and pattern both know, scaled to all entries.

    Few common entries make a noisy estimate, so each comparison starts with a few entries of unrelated patterns.
    """

    def prepare(self, cues):
        xp, stored = self.xp, self.stored
        known = xp.ones_like(cues) if self.known is None else xp.astype(self.known, cues.dtype)
        one = known[:, :1] * 0 + 1
        scale = cues.shape[1] + _PRIOR
        # Whole numbers: float32 holds them, too, and is faster.
        self.counts = xp.astype(xp.concat([known, _PRIOR * one], axis=1), xp.float32)
        self.total = xp.sum(self.counts, axis=1, keepdims=True)
        if stored.similarity == "dot":
            self.operand = scale * (cues * known)
            return
        # Products of [q, -1/2, -q²/2] with [x, x², 1] over common entries; unrelated entries differ by 2 spread.
        centred = (cues - stored.centre) * known
        self.offset = _PRIOR * stored.spread
        self.operand = scale * xp.concat([centred, -0.5 * known, -0.5 * centred**2, -self.offset * one], axis=1)

    def block(self, rows, mask):
        xp, stored = self.xp, self.stored
        patterns = stored.patterns[rows, :]
        ones = xp.ones_like(patterns) if mask is None else mask
        if stored.similarity == "dot":
            parts = [patterns * ones]
        else:
            patterns = (patterns - stored.centre) * ones
            parts = [patterns, patterns**2, ones, ones[:, :1] * 0 + 1]
        block = self.operand @ xp.matrix_transpose(xp.concat(parts, axis=1))
        if mask is None:
            block /= self.total
            return block
        mask = xp.astype(mask, xp.float32)
        counts = self.counts @ xp.matrix_transpose(xp.concat([mask, mask[:, :1] * 0 + 1], axis=1))
        block /= counts
        if self.lacking is not None:
            # A pattern has news if it knows more entries than those in common.
            block = xp.where(counts < xp.sum(mask, axis=1) + (_PRIOR - 0.5), block, FAR)
        return block


def half_norms(patterns, centre):
    """Half the squared distance of each pattern from the centre, block by block."""
    xp = arrays.namespace(patterns)
    parts = []
    for rows in row_blocks(patterns.shape[0], 64 * patterns.shape[1]):
        deviations = patterns[rows, :] - centre
        parts.append(0.5 * xp.sum(deviations * deviations, axis=1))
    return xp.concat(parts)

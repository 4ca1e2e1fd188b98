"""How near real-valued cues are to stored patterns, block by block, with unknown entries on either side."""

from dataclasses import dataclass, replace
from typing import Any

from skamem.core import arrays
from skamem.core.rows import row_blocks
from skamem.memory._spread import Spread

__all__ = ["FAR", "SIMILARITIES", "StoredPatterns", "votes"]

SIMILARITIES = ("nearest", "local", "dot")

# Stored patterns that are compared at a time, at least and at most: large enough for BLAS, small enough to stay in
# cache; for few cues of few units as many as make up for the calls.
_TILES = (512, 2048)
_TILE_ENTRIES = 2**19
_PRIOR = 3.0  # unknown entries: pairs of unrelated entries that each comparison starts with
FAR = -1e25  # similarity to a pattern that must not count; finite, so that differences are


def votes(similarities):
    """Where patterns count: a mask of the shape of a block of similarities."""
    return similarities > 0.5 * FAR


@dataclass(frozen=True)
class StoredPatterns:
    """Patterns to compare with. Similarities are in squared units of `spread`.

    Parameters
    ----------
    patterns : array of shape (n_patterns, n_units)
        Unknown entries hold any number.
    known : bool array of shape (n_patterns, n_units) or None
        None when all entries are known.
    spread : Spread
        Of the known entries. Distances are computed around its centre and in its unit, so that neither a common offset
        nor very large or small numbers cost digits.
    similarity : {"nearest", "local", "dot"}
        Minus half the squared distance ("nearest", "local"), or the inner product ("dot").
    weight : array of shape (n_patterns,) or None
        How often each pattern counts.
    reference : int array or None
        Patterns that measure neighbourhoods; for "local".
    completed : bool
        Whether unknown entries hold estimates that comparison may use.
    """

    patterns: Any
    known: Any
    spread: Spread
    similarity: str
    weight: Any = None
    reference: Any = None
    completed: bool = False

    @property
    def variance(self):
        """Mean squared deviation in squared units, shape ()."""
        return self.spread.variance / self.spread.unit**2

    def take(self, index):
        """The patterns of an index array."""
        xp = arrays.namespace(self.patterns)

        def taken(array):
            return None if array is None else xp.take(array, index, axis=0)

        spread = replace(self.spread, half_norms=taken(self.spread.half_norms))
        return replace(
            self, **{name: taken(getattr(self, name)) for name in ("patterns", "known", "weight")}, spread=spread
        )

    def deviations(self, cues):
        """Cues around the centre, in units."""
        return (cues - self.spread.centre) / self.spread.unit

    def tiles(self, n_cues):
        """Row slices to stream over, within scikit-learn's working memory beside `n_cues` cues."""
        n_units = self.patterns.shape[1]
        least, most = _TILES
        length = max(least, min(most, _TILE_ENTRIES // max(n_cues, 4 * n_units)))
        return row_blocks(self.patterns.shape[0], 8 * (4 * n_cues + 8 * n_units), at_most=length)

    def compare(self, cues, known=None, *, lacking=None):
        """Similarities of cues to all patterns.

        Parameters
        ----------
        cues : array of shape (n_samples, n_units)
            Unknown entries hold any number.
        known : bool array of shape (n_samples, n_units), default=None
            Known entries of the cues; None for all.
        lacking : bool array of shape (n_samples, n_units), default=None
            Entries that are looked for: a pattern that knows none of them does not count, nor one that knows none of
            the others. Where `known` is None it tells what was given at first, too: the other entries.

        Returns
        -------
        similarities : iterable
            Of pairs (rows, block of shape (n_samples, n_rows)); blocks may be changed in place. Its `offset`, of shape
            (n_samples, 1) or 0, was left out and is the same for all patterns. It may be iterated over again.
        """
        masked = known is not None or (self.known is not None and not self.completed)
        return (_Masked if masked else _Complete)(self, cues, known, lacking)


class _Comparison:
    """Iterable over similarities of cues to blocks of stored patterns."""

    offset = 0.0
    magnitude = None
    """Of the terms that similarities are sums of, shape (n_samples, 1): what their rounding errors are relative to."""

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
    """-|x - ξ|² / 2 = y·q - |q|² / 2 - |y|² / 2 with y = x - c, q = ξ - c and the centre c; or x·ξ.

    Where c is no farther from 0 than patterns are from c, y·ξ - y·c is as good as y·q and saves its pass over patterns.
    """

    def prepare(self, cues):
        spread = self.stored.spread
        if self.stored.similarity == "dot":
            self.magnitude = _half_squares(cues / spread.unit)
            self.cues = cues / spread.unit / spread.unit
            return
        deviations = self.stored.deviations(cues)
        with arrays.overflow_expected():  # a cue may be too far away to have a distance
            self.offset = -_half_squares(deviations)
        deviations = _within_range(deviations)
        self.magnitude = _half_squares(deviations)
        self.cues = deviations / spread.unit
        if not spread.is_offset:
            self.offset = self.offset - (self.cues @ spread.centre)[:, None]

    def block(self, rows, mask):
        xp, spread = self.xp, self.stored.spread
        patterns = self.stored.patterns[rows, :]
        distance = self.stored.similarity != "dot"
        if distance and spread.is_offset:
            patterns = patterns - spread.centre
        block = self.cues @ xp.matrix_transpose(patterns)
        if distance:
            block -= spread.half_norms[rows] / spread.unit**2
        if self.lacking is not None:
            news = self.lacking @ xp.matrix_transpose(mask)
            counts = (news > 0.5) & (xp.sum(mask, axis=1) - news > 0.5)
            block = xp.where(counts, block, FAR)
        return block


class _Masked(_Comparison):
    """The same over the entries that cue and pattern both know, scaled to all entries.

    Few common entries make a noisy estimate, so each comparison starts with a few entries of unrelated patterns. A
    pattern that has none in common does not count.
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
            cues = cues / stored.spread.unit * known
            self.magnitude, self.operand = _half_squares(cues), scale * cues
            return
        # Products of [q, -1/2, -q²/2] with [x, x², 1] over common entries; unrelated entries differ by 2 spread.
        centred = _within_range(stored.deviations(cues) * known)
        self.magnitude, self.offset = _half_squares(centred), _PRIOR * stored.variance
        self.operand = scale * xp.concat([centred, -0.5 * known, -0.5 * centred**2, -self.offset * one], axis=1)

    def block(self, rows, mask):
        xp, stored = self.xp, self.stored
        patterns = stored.patterns[rows, :]
        ones = xp.ones_like(patterns) if mask is None else mask
        if stored.similarity == "dot":
            parts = [patterns / stored.spread.unit * ones]
        else:
            patterns = stored.deviations(patterns) * ones
            parts = [patterns, patterns**2, ones, ones[:, :1] * 0 + 1]
        block = self.operand @ xp.matrix_transpose(xp.concat(parts, axis=1))
        if mask is None:
            block /= self.total
            return block
        mask = xp.astype(mask, xp.float32)
        counts = self.counts @ xp.matrix_transpose(xp.concat([mask, mask[:, :1] * 0 + 1], axis=1))
        block /= counts
        common = counts > _PRIOR + 0.5
        if self.lacking is not None:
            # A pattern has news if it knows more entries than those in common.
            common &= counts < xp.sum(mask, axis=1) + (_PRIOR - 0.5)
        return xp.where(common, block, FAR)


def _half_squares(rows):
    return 0.5 * arrays.namespace(rows).sum(rows * rows, axis=1, keepdims=True)


def _within_range(deviations):
    """Deviations of cues whose squares are numbers: of a cue that is farther away only the direction says anything."""
    xp = arrays.namespace(deviations)
    info = xp.finfo(deviations.dtype)
    limit = float(info.max) ** 0.25
    deviations = arrays.clip(deviations, min=-float(info.max), max=float(info.max))
    largest = xp.max(xp.abs(deviations), axis=1, keepdims=True)
    return deviations * (limit / arrays.clip(largest, min=limit))

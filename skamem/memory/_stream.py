"""Patterns on their way into a memory: checked, placed, encoded block by block."""

from dataclasses import dataclass, field
from typing import Any

from skamem.core import arrays, validation
from skamem.core.coding import UnitCode
from skamem.core.rows import row_blocks, rows_in_cache

__all__ = ["WORK_ARRAYS", "PatternStream", "cues_at_once", "open_stream"]

WORK_ARRAYS = 6
"""Arrays like a block of states that storing and recall hold at a time."""

_BLOCK_BYTES = 2**27  # of work arrays on the host: larger blocks would make no product faster
_FEW = 256  # patterns that are kept as they were encoded

_ENOUGH = 1024  # cues that share what a step of recall costs in calls


def cues_at_once(row_bytes, xp):
    """Cues to recall at once: those whose work arrays stay in the processor's cache, and enough to share the calls."""
    most = rows_in_cache(row_bytes, xp)
    return None if most is None else max(_ENOUGH, most)


@dataclass(frozen=True)
class PatternStream:
    """Validated patterns, encoded in blocks whose work arrays fit scikit-learn's working memory.

    Parameters
    ----------
    X : array or csr matrix of shape (n_patterns, n_units)
        Where the user had it.
    Y : array or csr matrix of shape (n_patterns, n_outputs) or None
        Targets, on the placement unless they are sparse; None for autoassociation.
    sample_weight : array of shape (n_patterns,) or None
        On the placement, all positive.
    placement : Placement
        Where blocks are computed on.
    code, target_code : UnitCode
        Of X and of Y.
    """

    X: Any
    Y: Any
    sample_weight: Any
    placement: Any
    code: UnitCode
    target_code: UnitCode
    _whole: list = field(default_factory=list, repr=False)

    @property
    def dtype(self):
        """Floating type of X, as a type of the placement."""
        return arrays.float_dtype(self.X, self.placement.xp)

    @property
    def total_weight(self):
        """Sum of the sample weights; the number of patterns when there are none."""
        if self.sample_weight is None:
            return float(self.X.shape[0])
        return float(self.placement.xp.sum(self.sample_weight))

    @property
    def counts_are_whole(self):
        """Whether the weights are whole numbers, so that sums over two-valued patterns are exact integers."""
        weight = self.sample_weight
        return weight is None or bool(self.placement.xp.all(weight == self.placement.xp.round(weight)))

    @property
    def rows(self):
        """Row slices of the blocks."""
        row_bytes = WORK_ARRAYS * 8 * (self.X.shape[1] + (0 if self.Y is None else self.Y.shape[1]))
        at_most = rows_in_cache(row_bytes, self.placement.xp, _BLOCK_BYTES)
        return list(row_blocks(self.X.shape[0], row_bytes, at_most=at_most))

    def block(self, rows=slice(None), dtype=None):
        """Encoded patterns, targets (None for autoassociation) and weights of a slice of rows."""
        dtype = dtype or self.dtype
        n_patterns = self.X.shape[0]
        is_whole = rows.indices(n_patterns) == (0, n_patterns, 1)
        if is_whole and self._whole and self._whole[0][0].dtype == dtype:
            return self._whole[0]
        found = self._encode(rows, dtype)
        if is_whole and n_patterns <= _FEW:  # for the questions that `fit` asks about the patterns it has just stored
            self._whole[:] = [found]
        return found

    def _encode(self, rows, dtype):
        X, _ = self.code.encode(self.placement.asarray(self.X[rows, :], dtype))
        Y, weight = self.Y, self.sample_weight
        if Y is not None:
            Y, _ = self.target_code.encode(self.placement.asarray(Y[rows, :], dtype))
        return X, Y, None if weight is None else self.placement.asarray(weight[rows], dtype)


def open_stream(X, y, sample_weight, placement, code, target_code, *, owner):
    """Check what `fit` or `partial_fit` got beside the validated `X`; rows of weight 0 are dropped.

    Parameters
    ----------
    X : array or csr matrix of shape (n_patterns, n_units)
        Validated; NaN is an unknown unit.
    y : array or csr matrix of shape (n_patterns, n_outputs) or None
        Targets; None for autoassociation.
    sample_weight : array-like of shape (n_patterns,) or None
        Weights.
    placement : Placement
        Where to compute.
    code, target_code : UnitCode
        Of X and of y; "auto" codings are resolved from the stored patterns. The same object for autoassociation.
    owner : str
        Estimator's name, for messages.

    Returns
    -------
    stream : PatternStream
    """
    dtype = arrays.float_dtype(X, placement.xp)
    sample_weight = validation.check_sample_weight(sample_weight, X, placement, placement.xp.float64, computed_in=dtype)
    if sample_weight is not None:
        X, y, sample_weight = _drop_unweighted(X, y, sample_weight, placement)
    stored = X if y is None else y
    target_code = target_code.detected(stored)
    target_code.check(stored, owner)
    if y is not None:
        code.check(X, owner)
    return PatternStream(X, y, sample_weight, placement, target_code if y is None else code, target_code)


def _drop_unweighted(X, y, sample_weight, placement):
    xp = placement.xp
    if bool(xp.all(sample_weight > 0)):
        return X, y, sample_weight
    kept = xp.nonzero(sample_weight > 0)[0]
    return _rows(X, kept), None if y is None else _rows(y, kept), xp.take(sample_weight, kept)


def _rows(patterns, indices):
    home = arrays.placement_of(patterns)
    local = home.asarray(indices)
    return home.xp.take(patterns, local, axis=0) if arrays.is_array(patterns) else patterns[local]

"""How a user's values become states of units, and back.

Inside, a two-valued unit is at 1 (on) or at `low` (off): -1 under "sign", 0 under "step". Outside, patterns are bipolar
(-1, +1) or binary (0, 1); NaN marks an unknown unit, which starts at 0.
"""

import math
from dataclasses import dataclass, replace

import scipy.sparse
from sklearn.pipeline import Pipeline

from skamem.core import arrays
from skamem.core.rows import row_blocks, rows_in_cache

__all__ = ["UnitCode", "coding_of", "coding_of_both", "perfect_recall"]


@dataclass(frozen=True)
class UnitCode:
    """The code between values and states.

    Parameters
    ----------
    low : float or None
        State of a unit that is off: -1.0 or 0.0. None passes real values through.
    binarize : float or None
        Values above it are on. None: the values are two-valued already.
    coding : {"auto", "bipolar", "binary"}
        Values outside; "auto" must be resolved with `detected` before encoding.

    Examples
    --------
    >>> import numpy as np
    >>> code = UnitCode(low=-1.0, binarize=None, coding="auto").detected(np.asarray([[0.0, 1.0]]))
    >>> code.coding, code.encode(np.asarray([[1.0, np.nan, 0.0]]))[0]
    ('binary', array([[ 1.,  0., -1.]]))
    """

    low: float | None
    binarize: float | None
    coding: str

    def detected(self, values):
        """This code with "auto" resolved from stored patterns: "binary" if all values are 0 or 1, and not all 1."""
        return self if self.coding != "auto" else replace(self, coding=coding_of(values) or "bipolar")

    def check(self, values, owner):
        """Raise ValueError unless `values` (NaN aside) are two-valued where this code needs them to be.

        Under "auto" they may be bipolar or binary, but not both.
        """
        if self.low is None or self.binarize is not None:
            return
        if self.coding == "auto":
            self.detected(values).check(values, owner)
            return
        values, has_zero = _entries(values)
        xp = arrays.namespace(values)
        off = 0.0 if self.coding == "binary" else -1.0
        found = 0.0 if has_zero and off != 0.0 else None
        for block in _blocks(values):
            strange = ~((block == 1.0) | (block == off) | xp.isnan(block))
            if bool(xp.any(strange)):
                found = float(block[strange][0])
                break
        if found is None:
            return
        raise ValueError(
            f"{owner}(binarize=None) expects two-valued ({self.coding}) patterns with entries {off:g} and 1, but found "
            f"{found:g}. Set binarize= to the threshold between off and on, or code the patterns first."
        )

    def encode(self, values, dtype=None):
        """States of dense `values`, and which of them are known.

        Parameters
        ----------
        values : array of shape (n_samples, n_units)
            May contain NaN: unknown.
        dtype : dtype, default=None
            Floating type of the states; None for that of `values`, in which they are compared with the threshold.

        Returns
        -------
        states : array of shape (n_samples, n_units)
            Unknown units at 0.
        known : bool array of shape (n_samples, n_units) or None
            None when all are known.
        """
        xp = arrays.namespace(values)
        unknown = xp.isnan(values)
        if not bool(xp.any(unknown)):
            unknown = None
        dtype = dtype or values.dtype
        if self.low is None:
            states = xp.astype(values, dtype, copy=False)
        else:
            most = float(xp.finfo(values.dtype).max)  # a threshold beyond the type is one that no value reaches
            threshold = 0.5 if self.binarize is None else min(max(float(self.binarize), -most), most)
            states = xp.astype(values > threshold, dtype)
            if self.low == -1.0:
                states = 2.0 * states - 1.0
        if unknown is None:
            return states, None
        return xp.where(unknown, 0.0, states), ~unknown

    def decode(self, states):
        """Values outside for `states` inside."""
        if self.low is None or self.coding == ("binary" if self.low == 0.0 else "bipolar"):
            return states
        return (states + 1.0) / 2.0 if self.coding == "binary" else 2.0 * states - 1.0


def coding_of(values):
    """The coding that patterns have.

    Parameters
    ----------
    values : array or sparse matrix of shape (n_patterns, n_units)
        May contain NaN: unknown.

    Returns
    -------
    coding : {"binary", "bipolar"} or None
        "binary" if all values are 0 or 1; None if all are 1, which either coding has.
    """
    values, has_zero = _entries(values)
    xp = arrays.namespace(values)
    for block in _blocks(values):
        zero = block == 0
        if not bool(xp.all(zero | (block == 1) | xp.isnan(block))):
            return "bipolar"
        has_zero = has_zero or bool(xp.any(zero))
    return "binary" if has_zero else None


def coding_of_both(one, other):
    """The `coding_of` two sets of patterns together.

    Parameters
    ----------
    one, other : {"binary", "bipolar"} or None
        Those of each.

    Returns
    -------
    coding : {"binary", "bipolar"} or None
        Whatever the order.
    """
    return "bipolar" if "bipolar" in (one, other) else one or other


def _entries(values):
    """Explicit entries of dense or sparse `values`, and whether there are implicit zeros beside them."""
    if scipy.sparse.issparse(values):
        return values.data, values.nnz < values.shape[0] * values.shape[1]
    return values, False


def _blocks(values):
    """Rows, or entries, so few at a time that masks of them take no room, nor the pages of a file."""
    row_bytes = 8 * math.prod(values.shape[1:])
    for rows in row_blocks(values.shape[0], row_bytes, at_most=rows_in_cache(row_bytes, arrays.namespace(values))):
        yield values[rows, ...]


def perfect_recall(memory, X, y=None):
    """What perfect recall would give, in the coding of the memory if it says how it codes (``encode``).

    Parameters
    ----------
    memory : object
        Fitted; a memory, or a pipeline that ends in one.
    X : array of shape (n_patterns, n_units)
        Stored patterns.
    y : array of shape (n_patterns, ...), default=None
        What is associated with them; None for themselves.

    Returns
    -------
    targets : array
        What `memory.predict` returns for `X` if nothing was forgotten.
    """
    last = memory
    if isinstance(memory, Pipeline):
        last = memory[-1]
        if y is None and len(memory) > 1:
            X = memory[:-1].transform(X)
    patterns = X if y is None else y
    return last.encode(patterns) if hasattr(last, "encode") else patterns

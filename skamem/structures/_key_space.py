"""From cues to keys: features, a mixing that gives them the length of a trace, and the trace that each belongs to."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skamem.core import arrays
from skamem.core.binding import despread, unitary

__all__ = ["KeySpace", "in_precision"]


@dataclass(frozen=True)
class KeySpace:
    """How keys are made of cues.

    Parameters
    ----------
    algebra : Algebra
        That of the keys.
    features : transformer, callable or None
        Fitted; see `HolographicMemory`. None: cues are keys, in which NaN counts as 0.
    mixing : Mixing or None
        What puts keys of another length into that of the trace.
    directions : array of shape (n_traces, n_units) or None
        Of the traces; None for one.
    unitary : bool
        Whether keys are made unitary.
    n_inputs : int, default=None
        How many features a cue has; None where that is to be learnt.
    """

    algebra: Any
    features: Any
    mixing: Any
    directions: Any
    unitary: bool
    n_inputs: int | None = None

    def featured(self, block, placement):
        """Features of cues (n_rows, n_inputs) on the placement, real or complex."""
        if self.features is None:
            xp = placement.xp
            return xp.where(xp.isnan(block), xp.zeros_like(block), block)
        cues = arrays.to_numpy(block)
        found = self.features.transform(cues) if hasattr(self.features, "transform") else self.features(cues)
        found = found.toarray() if hasattr(found, "toarray") else found
        found = arrays.to_numpy(found) if arrays.is_array(found) else np.asarray(found)
        if found.ndim != 2 or found.shape[0] != cues.shape[0] or found.dtype.kind not in "biufc":
            raise ValueError(
                f"features of {cues.shape[0]} cues are of type {found.dtype} and shape {found.shape}; expected shape "
                f"({cues.shape[0]}, n_features): a row of numbers for each cue."
            )
        if self.n_inputs not in (None, found.shape[1]):
            raise ValueError(
                f"features of {cues.shape[0]} cues have {found.shape[1]} columns; expected {self.n_inputs}, as in fit."
            )
        if not np.all(np.isfinite(found)):
            raise ValueError("features have entries that are not finite; expected finite numbers for every cue.")
        return in_precision(placement.asarray(found), block)

    def keys(self, block, placement):
        """Keys (n_rows, n_units) of cues."""
        keys = self.featured(block, placement)
        keys = keys if self.mixing is None else self.mixing(keys)
        return unitary(keys, self.algebra) if self.unitary else keys

    def places(self, keys):
        """The trace of each key: that whose direction is nearest; None where there is one only."""
        if self.directions is None:
            return None
        return arrays.namespace(keys).argmax(despread(keys, self.directions, self.algebra), axis=1)

    def sorted(self, keys, *others):
        """Yield the rows of keys, and of other arrays, that belong to each trace in turn."""
        if self.directions is None:
            yield keys, *others
            return
        xp, where = arrays.namespace(keys), self.places(keys)
        for trace in range(self.directions.shape[0]):
            rows = xp.nonzero(where == trace)[0]
            yield tuple(xp.take(each, rows, axis=0) for each in (keys, *others))


def in_precision(array, like):
    """Real or complex numbers in the precision of a real array."""
    xp, single = arrays.namespace(like), arrays.dtype_name(like) == "float32"
    if "complex" in arrays.dtype_name(array):
        return xp.astype(array, xp.complex64 if single else xp.complex128, copy=False)
    return xp.astype(array, like.dtype, copy=False)

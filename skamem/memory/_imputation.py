"""What a memory needs to stand in for an imputer of scikit-learn: empty columns, and an indicator."""

import numpy as np

from skamem.core import arrays

__all__ = ["imputed", "imputed_names", "indices"]


def indices(mask):
    """Where a bool array of shape (n_units,) is True, on the host."""
    return np.flatnonzero(arrays.to_numpy(mask))


def imputed(states, missing, *, empty, indicated):
    """Recalled patterns as an imputer gives them back.

    Parameters
    ----------
    states : array of shape (n_samples, n_units)
        Recalled patterns.
    missing : bool array of shape (n_samples, n_units)
        Entries that were unknown in the cue.
    empty : ndarray of int or None
        Units that no stored pattern knows, to be dropped; None keeps them.
    indicated : ndarray of int or None
        Units whose column in `missing` is appended.

    Returns
    -------
    table : array of shape (n_samples, n_columns)
    """
    xp = arrays.namespace(states)
    here = arrays.placement_of(states)
    table = states
    if empty is not None and len(empty):
        kept = np.setdiff1d(np.arange(states.shape[1]), empty)
        table = xp.take(states, here.asarray(kept), axis=1)
    if indicated is not None:
        flags = xp.take(missing, here.asarray(indicated), axis=1)
        table = xp.concat([table, xp.astype(flags, states.dtype)], axis=1)
    return table


def imputed_names(names, *, empty, indicated):
    """Names of the columns of `imputed`: those of the units, and ``missingindicator_...`` for the indicator's."""
    flags = [] if indicated is None else [f"missingindicator_{name}" for name in names[indicated]]
    kept = names if empty is None else np.delete(names, empty)
    return np.concatenate([kept, np.asarray(flags, dtype=object)])

"""Sums over all states of a few binary units, a block at a time."""

import numpy as np

from skamem.core import arrays
from skamem.core.rows import row_blocks

__all__ = ["MOST_UNITS", "log_partition", "log_sum_exp", "state_blocks"]

MOST_UNITS = 20
"""Binary units whose states can all be visited: a million."""


def state_blocks(n_units, like, row_bytes):
    """Yield all states of `n_units` units in {0, 1}, in blocks within the working memory.

    Parameters
    ----------
    n_units : int
        At most about 30.
    like : array
        Gives namespace, device and floating type.
    row_bytes : int
        Bytes of work arrays that a state needs.

    Yields
    ------
    states : array of shape (n_states, n_units)
        Binary numbers in order, the first unit the highest digit.
    """
    place = arrays.placement_of(like)
    digits = np.arange(n_units - 1, -1, -1)
    for rows in row_blocks(2**n_units, row_bytes, at_most=2**14):
        numbers = np.arange(rows.start, rows.stop)
        yield place.asarray((numbers[:, None] >> digits) & 1, like.dtype)


def log_sum_exp(values):
    """ln Σ exp(values) of an array, as a Python float."""
    xp = arrays.namespace(values)
    largest = float(xp.max(values))
    return largest + float(xp.log(xp.sum(xp.exp(values - largest))))


def log_partition(machine):
    """ln Z of a `Bipartite` machine by summing over all states of the smaller binary layer.

    Parameters
    ----------
    machine : Bipartite
        Its smaller layer, or the hidden one if visible units are Gaussian, has at most about `MOST_UNITS` units.

    Returns
    -------
    log_partition : float
        Exact to rounding. Cost O(2^n_smaller n_visible n_hidden).
    """
    by_visible = machine.gaussian_hidden or (machine.is_binary and machine.n_visible < machine.n_hidden)
    n_units, free_energy = (
        (machine.n_visible, machine.free_energy) if by_visible else (machine.n_hidden, machine.hidden_free_energy)
    )
    row_bytes = 8 * 6 * max(machine.n_visible, machine.n_hidden)
    parts = [log_sum_exp(-free_energy(states)) for states in state_blocks(n_units, machine.weights, row_bytes)]
    return float(np.logaddexp.reduce(parts))

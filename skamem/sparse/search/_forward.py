"""Supports of growing size: the exact best addition, then swaps, one Gram row a step."""

import numpy as np

from skamem.sparse.objective._linalg import ZERO_LOSS
from skamem.sparse.objective._quadratic import LazyQuadratic
from skamem.sparse.search._positive import chain_for

__all__ = ["forward_path", "grow"]

# Gram rows fetched together with one that is missing: a product of this many vectors costs little more than of one.
_LOOK_AHEAD = 8


def grow(chains):
    """Add the best column to every support; False, changing nothing, when some support has none left to add."""
    columns = chains.best_additions()
    if columns is None:
        return False
    quadratic = chains.quadratic
    if isinstance(quadratic, LazyQuadratic) and not quadratic.has(columns[0]):
        gains = chains.addition_gains()[0]
        ahead = np.argpartition(-gains, min(_LOOK_AHEAD, len(gains) - 1))[:_LOOK_AHEAD]
        quadratic.prefetch(np.union1d(ahead, columns))
    chains.add(columns)
    return True


def forward_path(problem, max_size, *, swaps, tol, start=None):
    """Yield a first point and then one `Fit` for each larger size up to `max_size`.

    Parameters
    ----------
    problem : Problem
    max_size : int
    swaps : bool
        Whether to improve every size by swaps; without them this is forward selection by orthogonal least squares.
    tol : float
        Least relative decrease of the loss that counts.
    start : int array, default=None
        First support; None takes the locked features.

    Yields
    ------
    point : Fit
        Losses never rise. Ends early when the loss is zero or no independent column is left.
    """
    chains = chain_for(problem, problem.quadratic(n_rows=max_size), max_size)
    first = np.flatnonzero(problem.locked) if start is None else start
    if len(first):
        chains.restart(first)
    yield chains.fit()
    while chains.size < max_size and chains.loss[0] > ZERO_LOSS:
        size = chains.size
        while chains.size <= size and grow(chains):  # under sign constraints an addition may push a member out
            if swaps:
                chains.settle(tol, limit=size + 1)
        if chains.size <= size:
            break
        yield chains.fit()

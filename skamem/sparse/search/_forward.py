"""Supports of growing size: the exact best addition, then swaps, one Gram row a step."""

import numpy as np

from skamem.sparse.objective._quadratic import LazyQuadratic
from skamem.sparse.search._supports import chain_for, is_at_its_end, reported

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
    first = np.flatnonzero(problem.locked) if start is None else start
    chain, point = _started(problem, first, max_size)
    if is_at_its_end(problem, chain, point):
        chain, point = _started(problem, first, max_size)
    yield point
    while chain.size < max_size and not point.exact:
        last = chain.supports[0].copy()
        larger = _larger(problem, chain, swaps, tol)
        if is_at_its_end(problem, chain, larger):
            chain, _ = _started(problem, last, max_size)
            larger = _larger(problem, chain, swaps, tol)
        # The next column may be as good as dependent: what it was to gain is rounding.
        if len(larger.support) <= len(last) or larger.loss >= point.loss:
            return
        point = larger
        yield point


def _started(problem, support, capacity):
    chain = chain_for(problem, problem.quadratic(n_rows=capacity), capacity)
    if len(support):
        chain.restart(support)
    return chain, reported(problem, chain)


def _larger(problem, chain, swaps, tol):
    """Fit of the next size, or of the same where nothing is left to add."""
    size = chain.size
    while chain.size <= size and grow(chain):  # under sign constraints an addition may push a member out
        if swaps:
            chain.settle(tol, limit=size + 1)
    return reported(problem, chain)

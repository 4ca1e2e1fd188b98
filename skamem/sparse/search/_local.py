"""Local search: exchange blocks, then single members, until no exchange of one member lowers the loss."""

from dataclasses import replace

import numpy as np

from skamem.sparse.objective._linalg import ZERO_LOSS, loss_reduction
from skamem.sparse.search import _budgets as budgets
from skamem.sparse.search._pursuit import greatest, largest
from skamem.sparse.search._supports import chain_for, is_at_its_end, reported

__all__ = ["is_small", "local_search", "settle", "working_set_of"]

# Share of the members that may be new when a working set is not renewed before all columns are looked at.
_FEW_NEW = 0.2
# Working sets after which a search on them ends.
_ROUNDS = 20


def is_small(problem, size):
    """Whether one look at all columns is cheap enough to skip working sets."""
    # Of samples counted with their weights, so that weights do what repeated rows do.
    return problem.n_counted * problem.n_features * max(size, 1) < budgets.SMALL


def local_search(problem, start, size, *, tol, look_below=budgets.COMFORTABLE_MARGIN):
    """Lower the loss of `start` by splices and swaps until it is optimal under exchanges of one member.

    Large problems are searched on a working set U, the support and the columns most correlated with the residual, which
    is renewed until the support stays. A comfortable margin on U ends the search there; otherwise, and on small
    problems, all columns are looked at, and the result is certified.

    Parameters
    ----------
    problem : Problem
    start : Fit
    size : int
        Most members; under sign constraints the start may have fewer.
    tol : float
        Least relative decrease of the loss that counts.
    look_below : float, default=4.0
        Margin below which all columns are looked at.

    Returns
    -------
    fit : Fit
    """
    if start.exact:
        # Nothing is below a loss of zero, and nothing correlates with a residual of zero.
        return replace(start, margin=np.inf, swap_optimal=True)
    if is_small(problem, size):
        return settle(problem, start.support, size, tol, splices=True)
    fit = _search_working_sets(problem, start, size, tol, look_below)
    if not fit.exact and (fit.margin < look_below or look_below == np.inf):
        fit = settle(problem, fit.support, size, tol)
    return fit


def settle(problem, support, size, tol, *, splices=False):
    """Improve `support` by exchanges with all columns: a `Fit` with its margin and certificate."""
    while True:
        chain = chain_for(problem, problem.quadratic(), size)
        _improve(chain, support, tol, splices=splices)
        fit = reported(problem, chain, settled=True)
        if not is_at_its_end(problem, chain, fit):
            fit.gradient = chain.residual[0].T.copy()
            return fit


def _search_working_sets(problem, start, size, tol, look_below):
    n_extra = max(4 * size, 128)
    support, residual, gradient = start.support, start.residual, start.gradient
    for _ in range(_ROUNDS):
        if gradient is None:
            if residual is None:
                residual = problem.least_squares(support).residual
            gradient = problem.gradient(residual)
        working_set = working_set_of(problem, gradient, support, n_extra)
        chain = chain_for(problem, problem.restricted_quadratic(working_set), size)
        _improve(chain, np.searchsorted(working_set, support), tol, splices=True)
        fit = reported(problem, chain, working_set, settled=True)
        if is_at_its_end(problem, chain, fit):
            continue
        if np.array_equal(fit.support, support):
            fit.residual, fit.gradient = residual, gradient
            return fit
        # Where all columns will be looked at, that look is the renewal, unless much has changed.
        n_new = len(fit.support) - len(np.intersect1d(fit.support, support, assume_unique=True))
        if fit.exact or (fit.margin < look_below and n_new <= max(_FEW_NEW * size, 1)):
            return fit
        support, residual, gradient = fit.support, fit.residual, None
    return fit


def working_set_of(problem, gradient, support, n_extra):
    """Ascending indices of `support` and the `n_extra` other columns that correlate most with the residual."""
    inside = np.zeros(problem.n_features, dtype=bool)
    inside[support] = True
    return largest(gradient, len(support) + n_extra, inside)


def _improve(chain, support, tol, *, splices):
    """Restart `chain` from `support`; splice, then swap until no swap gains more than `tol` of the loss."""
    chain.restart(support)
    if splices and chain.can_splice:
        _splice(chain, tol)
    chain.settle(tol)


def _splice(chain, tol):
    """Exchange the k members of least sacrifice for the k columns of greatest gain, k from s/4 downwards by halves."""
    n_movable = int(np.sum(np.isfinite(chain.sacrifices())))
    k = min(max(chain.size // 4, 2), n_movable)
    while k >= 2 and chain.loss[0] > chain.floor[0]:
        leaving = greatest(1.0 / np.maximum(chain.sacrifices()[0], ZERO_LOSS), k)
        gains = np.maximum(chain.addition_gains()[0], 0.0)
        if np.count_nonzero(gains) < k:
            k //= 2
            continue
        entering = greatest(gains, k)
        trial = chain.supports[0].copy()
        trial[leaving] = entering
        quadratic = chain.quadratic
        loss = chain.total[0] - loss_reduction(quadratic.block(trial), quadratic.correlation[0, trial], 0.0)
        if loss < chain.loss[0] * (1 - tol) - chain.rounding * chain.total[0]:
            before, members = chain.loss[0], chain.supports[0].copy()
            chain.restart(trial)
            if chain.size == len(members) and chain.loss[0] < before:
                continue
            chain.restart(members)  # of columns close to dependent the promise was rounding
        k //= 2

"""Other ways to a support, for where the first one may be wrong.

Each proposal is a support that local search finishes. They fail in different places: approximate message passing is
strong on incoherent designs, forward selection on correlated ones, growing and shrinking leaves a local optimum.
"""

import numpy as np

from skamem.sparse.search._budgets import COMFORTABLE_MARGIN
from skamem.sparse.search._forward import forward_path, grow
from skamem.sparse.search._local import is_small, local_search, working_set_of
from skamem.sparse.search._message_passing import approximate_message_passing
from skamem.sparse.search._pairs import grow_by_pair
from skamem.sparse.search._pursuit import largest
from skamem.sparse.search._supports import chain_for

__all__ = ["restart"]

# Above this ratio of log (p choose s), about s log(p/s), to n, message passing is close to where it stops working.
_DIFFICULT = 0.5
# Correlation of columns above which one nearly stands for the other.
_NEIGHBOUR = 0.97
# Features, and multiplications for their Gram matrix, up to which pairs of columns are looked at together.
_MOST_PAIRED = 1000
_PAIR_WORK = 2e9


def restart(problem, fit, size, *, tol, believe_from):
    """Try other starts, finish each by local search, keep the lowest loss.

    Stops at a loss of zero, or at a margin that is believed.

    Parameters
    ----------
    problem : Problem
    fit : Fit
        Where local search led so far.
    size : int
    tol : float
        Least relative decrease of the loss that counts.
    believe_from : float
        Margin from which a support is believed; infinite to try all proposals, whatever they bring.

    Returns
    -------
    fit : Fit
    """
    crowded = is_small(problem, size) and _is_crowded(problem, fit.support)
    best = _Best(problem, fit, size, tol, np.inf if crowded else believe_from)
    unsure = problem.is_delicate or crowded or not fit.margin >= COMFORTABLE_MARGIN
    if unsure and not problem.positive and is_small(problem, size):
        greedy = problem.least_squares(_matching(problem, size))
        if greedy.loss < fit.loss:  # never above the plainest of rivals
            best.consider(greedy.support)
    if size >= int(problem.usable.sum()):
        return best.fit
    symmetric = problem.n_targets == 1 and not problem.positive
    starts = [_message_passing, _marginal, _forward] if symmetric else [_forward, _marginal]
    for start in starts:
        if best.believed:
            return best.fit
        best.consider(start(problem, size, tol))
    while _pairs_fit(problem) and not best.believed:
        proposal = grow_by_pair(problem, best.fit.support)
        if proposal is None or not best.consider(proposal):
            break
    n_spare = min(int(problem.n_counted) - 2, int(problem.usable.sum()) - 1) - size
    step = min(max(size // 2, 1), n_spare)
    while step >= 1 and not best.believed:
        if not best.consider(_grow_and_shrink(problem, best.fit, step)):
            step //= 2
    return best.fit


def _is_crowded(problem, support):
    """Whether a member has a neighbour that nearly stands for it: exchanges of one then stay in a valley."""
    if len(support) == 0:
        return False
    rows = np.abs(problem.quadratic(n_rows=len(support)).rows(np.zeros(len(support), dtype=int), support))
    rows[:, support] = 0.0
    return bool(np.max(rows) > _NEIGHBOUR)


def _pairs_fit(problem):
    """Whether all pairs of columns may be looked at together."""
    p = problem.n_features
    return not problem.positive and p <= _MOST_PAIRED and problem.n_counted * p * p <= _PAIR_WORK


class _Best:
    """The best fit so far."""

    def __init__(self, problem, fit, size, tol, believe_from):
        self.problem = problem
        self.size = size
        self.fit = fit
        self.tol = tol
        self.believe_from = believe_from

    def consider(self, support):
        """Finish the proposal `support` by local search; True if that is better than the best so far."""
        found = local_search(self.problem, self.problem.least_squares(support), self.size, tol=self.tol)
        better = found.loss < self.fit.loss * (1 - self.tol)
        if better:
            self.fit = found
        return better

    @property
    def believed(self):
        """Whether there is nothing to gain from a further proposal."""
        # Among columns close to dependent, exchanges of one member stay in valleys whose margins look sure.
        return self.fit.exact or (self.fit.margin >= self.believe_from and not self.problem.is_delicate)


def _message_passing(problem, size, tol):
    """Approximate message passing; guided where there are few samples for what a support of this size may be."""
    difficulty = size * np.log(problem.n_features / size) / problem.n_counted
    return approximate_message_passing(problem, size, guided=difficulty > _DIFFICULT)


def _marginal(problem, size, tol):
    """Columns that correlate most with the target."""
    return largest(problem.admissible(problem.correlation), size, problem.locked)


def _matching(problem, size):
    """Orthogonal matching pursuit: the column that correlates most with the residual, one by one."""
    chain = chain_for(problem, problem.quadratic(n_rows=size), size)
    chain.restart(np.flatnonzero(problem.locked))
    while chain.size < size:
        outside = np.where(chain.room[0] > chain.dependent, 1.0, 0.0)[:, None] * chain.residual[0].T
        column = largest(outside, 1, np.zeros_like(problem.locked))
        if not len(column):
            break
        before = chain.size
        chain.add(column)
        if chain.size == before:
            break
    return np.sort(chain.supports[0])


def _forward(problem, size, tol):
    """Forward selection by orthogonal least squares; on small problems every size is improved by swaps."""
    if is_small(problem, size):
        *_, last = forward_path(problem, size, swaps=True, tol=tol)
        return last.support
    support = np.flatnonzero(problem.locked)
    while len(support) < size:
        chain, working_set = _grown(problem, support, min(max(size // 4, 1), size - len(support)))
        if chain.size == len(support):
            break
        support = np.sort(working_set[chain.supports[0]])
    return support


def _grow_and_shrink(problem, fit, step):
    """Add the `step` best columns one by one, then remove as many, always the least missed."""
    support = fit.support
    chain, working_set = _grown(problem, support, step)
    while chain.size > len(support):
        chain.remove(np.array([int(np.argmin(chain.sacrifices()[0]))]))
    return np.sort(working_set[chain.supports[0]])


def _grown(problem, support, n_more):
    """Chain from `support` with up to `n_more` best additions, on a working set, and that working set."""
    gradient = problem.gradient(problem.least_squares(support).residual)
    working_set = working_set_of(problem, gradient, support, max(4 * len(support), 2 * n_more, 128))
    chain = chain_for(problem, problem.restricted_quadratic(working_set), len(support) + n_more)
    chain.restart(np.searchsorted(working_set, support))
    for _ in range(n_more):
        if not grow(chain):
            break
    return chain, working_set

"""Other ways to a support, for where the first one may be wrong.

Each proposal is a support that local search finishes. They fail in different places: approximate message passing is
strong on incoherent designs, forward selection on correlated ones, growing and shrinking leaves a local optimum.
"""

import numpy as np

from skamem.sparse.objective._linalg import first_of_best
from skamem.sparse.search._budgets import COMFORTABLE_MARGIN
from skamem.sparse.search._forward import forward_path, grow
from skamem.sparse.search._local import is_small, local_search, settle, working_set_of
from skamem.sparse.search._message_passing import approximate_message_passing
from skamem.sparse.search._pairs import grow_by_pair
from skamem.sparse.search._pursuit import largest
from skamem.sparse.search._supports import chain_for

__all__ = ["restart"]

# Above this ratio of log (p choose s), about s log(p/s), to n, message passing is close to where it stops working; and
# up to this one, where cheap proposals agree, the others ended at most .1 % lower on all but 4 of 800 made problems.
_DIFFICULT = 0.5
_EASY = 0.3
# Entries of X up to which all proposals are cheap.
_TINY = 1e4
# Correlation of columns above which one nearly stands for the other.
_NEIGHBOUR = 0.97
# Features, and multiplications for their Gram matrix, up to which pairs of columns are looked at together; and up to
# which that takes no longer than other cheap proposals.
_MOST_PAIRED = 1000
_PAIR_WORK = 2e9
_CHEAP_PAIRS = 5e6
# Relative difference of the losses that proposals end at: below the first they agree; if those of the cheap ones stay
# below the second, the expensive ones have not been seen to gain more (benchmarks/sparse.py, `sizes`).
_AGREED = 5e-4
_CLOSE = 1e-2
# Steps of growing and shrinking without a gain that are asked whether they agree.
_WITNESSES = 2


def restart(problem, fit, size, *, tol, believe_from, pairs_follow=False):
    """Try other starts, finish each by local search, keep the lowest loss.

    Stops at a loss of zero, at a margin that is believed, or once proposals have been seen to end at the same loss: a
    margin is small too where the size is not that of any true support, and then there is little to find.

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
    pairs_follow : bool, default=False
        Whether all exchanges of two members will be tried on the result, which finds more than most proposals.

    Returns
    -------
    fit : Fit
    """
    if fit.swap_optimal and len(fit.support) - problem.locked.sum() <= 1:
        return fit  # exchanges of the only member that can go were all the supports there are
    crowded = is_small(problem, size) and _is_crowded(problem, fit.support)
    best = Best(problem, fit, size, tol, np.inf if crowded else believe_from)
    unsure = problem.is_delicate or crowded or not fit.margin >= COMFORTABLE_MARGIN
    greedy = None
    if unsure and not problem.positive and is_small(problem, size):
        greedy = problem.least_squares(_matching(problem, size))
    if best.may_agree:
        quick = Best(problem, fit, size, tol, believe_from, brief=True)
        if _agreed(quick, greedy, pairs_follow) and not problem.is_delicate:
            return quick.fit
        return min(quick.fit, _all_starts(best, greedy).fit, key=lambda one: one.loss)
    return _all_starts(best, greedy).fit


def _all_starts(best, greedy):
    """Consider every proposal until the best is believed."""
    problem, size = best.problem, best.size
    if greedy is not None and greedy.loss < best.fit.loss:  # never above the plainest of rivals
        best.consider(greedy.support)
    if size >= int(problem.usable.sum()):
        return best
    symmetric = problem.n_targets == 1 and not problem.positive
    starts = [_message_passing, _marginal, _forward] if symmetric else [_forward, _marginal]
    for start in starts:
        if best.believed:
            return best
        best.consider(start(problem, size, best.tol))
    while _pairs_fit(problem, _PAIR_WORK) and not best.believed:
        proposal = grow_by_pair(problem, best.fit.support)
        if proposal is None or not best.consider(proposal):
            break
    Regrowth(best).exhaust()
    return best


def _agreed(best, greedy, pairs_follow):
    """Whether the cheap proposals end so close to each other that the others need not be asked."""
    if greedy is not None:
        best.consider(greedy.support)
    regrowth, in_vain = Regrowth(best), 0
    while regrowth.step >= 1 and not best.believed:
        in_vain += not regrowth.propose()
        if in_vain >= _WITNESSES and best.spread <= _AGREED:
            break
    if _pairs_fit(best.problem, _CHEAP_PAIRS) and not best.believed:
        proposal = grow_by_pair(best.problem, best.fit.support)
        if proposal is not None and best.consider(proposal):
            Regrowth(best).exhaust()
    if best.believed or best.spread <= _AGREED or pairs_follow:
        return True
    for start in (_marginal, _forward) if is_small(best.problem, best.size) else ():  # else they take passes over X
        if best.believed or best.spread > _CLOSE:
            break
        if best.consider(start(best.problem, best.size, best.tol)):
            Regrowth(best).exhaust()
    return best.believed or best.spread <= _CLOSE


def _is_crowded(problem, support):
    """Whether a member has a neighbour that nearly stands for it: exchanges of one then stay in a valley."""
    if len(support) == 0:
        return False
    rows = np.abs(problem.quadratic(n_rows=len(support)).rows(np.zeros(len(support), dtype=int), support))
    rows[:, support] = 0.0
    return bool(np.max(rows) > _NEIGHBOUR)


def _pairs_fit(problem, most_work):
    """Whether all pairs of columns may be looked at together."""
    p = problem.n_features
    return not problem.positive and p <= _MOST_PAIRED and problem.n_counted * p * p <= most_work


class Best:
    """The best fit so far.

    Parameters
    ----------
    problem : Problem
    fit : Fit
    size : int
    tol : float
        Least relative decrease of the loss that counts.
    believe_from : float
        Margin from which a support is believed.
    brief : bool
        Whether a proposal that exchanges lead back to the best support is not looked at any further, and all columns
        are looked at only for one that is better.
    """

    def __init__(self, problem, fit, size, tol, believe_from, *, brief=False):
        self.problem = problem
        self.size = size
        self.fit = fit
        self.tol = tol
        self.believe_from = believe_from
        self.brief = brief
        self._worst = fit.loss

    def consider(self, support):
        """Finish the proposal `support` by local search; True if that is better than the best so far."""
        if self.brief and np.array_equal(support, self.fit.support):
            return False
        problem, tol = self.problem, self.tol
        look_below = 0.0 if self.brief else COMFORTABLE_MARGIN
        found = local_search(problem, problem.least_squares(support), self.size, tol=tol, look_below=look_below)
        self._worst = max(self._worst, found.loss)
        better = found.loss < self.fit.loss * (1 - tol)
        if better:
            unsettled = not found.swap_optimal and found.margin < COMFORTABLE_MARGIN
            self.fit = settle(problem, found.support, self.size, tol) if unsettled and self.brief else found
        return better

    @property
    def believed(self):
        """Whether there is nothing to gain from a further proposal."""
        # Among columns close to dependent, exchanges of one member stay in valleys whose margins look sure.
        return self.fit.exact or (self.fit.margin >= self.believe_from and not self.problem.is_delicate)

    @property
    def may_agree(self):
        """Whether proposals that end at the same loss are evidence, and worth having.

        Not in a valley, nor with too few samples; nor where all proposals take no longer than the calls for them, for
        greedy ones can all fall for columns that are nearly sums of the true ones.
        """
        problem = self.problem
        sound = np.isfinite(self.believe_from) and not problem.is_delicate and not problem.positive
        worthwhile = problem.n_counted * problem.n_features > _TINY
        return sound and worthwhile and _difficulty(problem, self.size) <= _EASY

    @property
    def spread(self):
        """Relative difference of the losses that proposals have ended at."""
        return self._worst / self.fit.loss - 1.0 if self.fit.loss > 0.0 else np.inf


def _difficulty(problem, size):
    """What a support says, log (p choose s), for each sample that may tell it."""
    return size * np.log(problem.n_features / size) / problem.n_counted


def _message_passing(problem, size, tol):
    """Approximate message passing; guided where there are few samples for what a support of this size may be."""
    return approximate_message_passing(problem, size, guided=_difficulty(problem, size) > _DIFFICULT)


def _marginal(problem, size, tol):
    """Columns that correlate most with the target."""
    return largest(problem.admissible(problem.correlation), size, problem.locked)


def _matching(problem, size):
    """Orthogonal matching pursuit: the column that correlates most with the residual, one by one."""
    chain = chain_for(problem, problem.quadratic(n_rows=size), size)
    chain.restart(np.flatnonzero(problem.locked))
    while chain.size < size:
        correlated = np.sum(chain.residual * chain.residual, axis=1)
        column = first_of_best(np.where(chain.room > chain.dependent, correlated, 0.0))
        if column is None:
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


class Regrowth:
    """Grow the best support by its best columns, one by one, and shrink it again by its least missed members.

    The number of columns is halved after every proposal that gains nothing.

    Parameters
    ----------
    best : Best

    Attributes
    ----------
    step : int
        Columns to add next; 0 at the end.
    """

    def __init__(self, best):
        self.best = best
        problem, size = best.problem, best.size
        n_spare = min(int(problem.n_counted) - 2, int(problem.usable.sum()) - 1) - size
        self.step = max(min(max(size // 2, 1), n_spare), 0)
        self._most = self.step
        self._of = None

    def propose(self):
        """Make one proposal; True if it is better than the best so far."""
        support = self.best.fit.support
        self._start_from(self.best.fit)
        chain = self._chain
        for _ in range(self.step):
            if not grow(chain):
                break
        while chain.size > len(support):
            chain.remove(np.array([int(np.argmin(chain.sacrifices()[0]))]))
        proposal = np.sort(self._columns[chain.supports[0]])
        if self.best.brief and not np.array_equal(proposal, support):
            chain.settle(self.best.tol, limit=len(support))
            back = np.array_equal(np.sort(self._columns[chain.supports[0]]), support)
            proposal = support if back else proposal
        gained = self.best.consider(proposal)
        if not gained:
            self.step //= 2
        return gained

    def exhaust(self):
        """Make all proposals, until the best is believed."""
        while self.step >= 1 and not self.best.believed:
            self.propose()

    def _start_from(self, fit):
        """Bring the chain to the support of `fit`."""
        problem = self.best.problem
        state = (fit.support.tobytes(), problem.is_delicate)
        if self._of != state:
            self._of = state
            self._chain, self._columns = _chain_around(problem, fit, self.best.size, self._most)
        members = np.searchsorted(self._columns, fit.support)
        if not np.array_equal(np.sort(self._chain.supports[0]), members):
            self._chain.restart(members)


def _chain_around(problem, fit, size, n_more):
    """Empty chain with room for `n_more` columns beyond `size`, and the columns that it is on."""
    gradient = fit.gradient
    if gradient is None:
        gradient = problem.gradient(problem.least_squares(fit.support).residual)
    working_set = working_set_of(problem, gradient, fit.support, max(4 * len(fit.support), 2 * n_more, 128))
    return chain_for(problem, problem.restricted_quadratic(working_set), size + n_more), working_set


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

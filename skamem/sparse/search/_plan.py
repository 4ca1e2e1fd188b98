"""The search for the best support of one size: which stages an effort runs, and the run from top to bottom."""

from dataclasses import dataclass, replace

import numpy as np

from skamem.sparse.objective._criteria import DEFAULT, information_criterion
from skamem.sparse.objective._fit import Fit
from skamem.sparse.search._budgets import COMFORTABLE_MARGIN, FEW_FEATURES, SURE_MARGIN
from skamem.sparse.search._exhaustive import best_subset
from skamem.sparse.search._local import is_small, local_search
from skamem.sparse.search._nonnegative import nonnegative_search
from skamem.sparse.search._pairs import improve_by_pairs, pair_work
from skamem.sparse.search._pursuit import hard_thresholding_pursuit
from skamem.sparse.search._restarts import restart
from skamem.sparse.search._supports import chain_for
from skamem.sparse.search._textbook import iterative_hard_thresholding

__all__ = [
    "EFFORTS",
    "PLANS",
    "TEXTBOOK",
    "Plan",
    "Settings",
    "Solution",
    "best_of_size",
    "criterion_of",
    "exchanged_two_by_two",
    "solve_size",
    "with_coefs",
]


@dataclass(frozen=True)
class Plan:
    """The stages that one effort runs. A stage that is None or False is left out.

    Parameters
    ----------
    iteration : {"plain", "normalized"} or None
        Iterative hard thresholding as its papers have it, and nothing else.
    subsets_up_to : int
        Features up to which all subsets are looked at instead of all that follows.
    swaps : bool
        Exchanges of one member, after one step of hard thresholding pursuit; without them it iterates to its end, and
        paths are forward selection.
    look_below : float
        Margin below which exchanges with all columns are looked at on large problems too.
    restart_below : float
        Margin below which other starts are tried.
    pair_work : float
        Multiplications that a look at all exchanges of two members may take.
    each_size : bool
        Whether each size of a path is also searched for itself.
    """

    iteration: str | None = None
    subsets_up_to: int = 0
    swaps: bool = False
    look_below: float = COMFORTABLE_MARGIN
    restart_below: float = 0.0
    pair_work: float = 0.0
    each_size: bool = False

    def enumerates(self, problem):
        """Whether all subsets will be looked at."""
        return problem.n_features <= self.subsets_up_to and not problem.positive


# From least to most.
PLANS = {
    "plain": Plan(iteration="plain"),
    "normalized": Plan(iteration="normalized"),
    "fast": Plan(),
    "swap": Plan(swaps=True),
    "auto": Plan(swaps=True, subsets_up_to=FEW_FEATURES, restart_below=SURE_MARGIN, pair_work=1e6),
    "thorough": Plan(
        swaps=True, subsets_up_to=FEW_FEATURES, look_below=np.inf, restart_below=np.inf, pair_work=3e9, each_size=True
    ),
}
"""What each effort runs."""

EFFORTS = tuple(PLANS)
"""Their names."""

TEXTBOOK = tuple(name for name, plan in PLANS.items() if plan.iteration)
"""Those that stop at the iteration of the papers."""


@dataclass(frozen=True)
class Settings:
    """What the solver needs to know beyond the problem.

    Parameters
    ----------
    effort : str
        One of `EFFORTS`.
    max_iter : int
        Bound on iterations of hard thresholding.
    tol : float
        Least relative decrease of the loss that counts.
    criterion : str
        One of `skamem.sparse.objective._criteria.CRITERIA`.
    enough : float or None
        Residual sum of squares in units of y² at which a path ends; then this chooses the size, and no criterion.
    """

    effort: str = "auto"
    max_iter: int = 100
    tol: float = 1e-7
    criterion: str = DEFAULT
    enough: float | None = None

    def suffices(self, problem, fit):
        """Whether `fit` leaves no more than enough."""
        if self.enough is None:
            return False
        return fit.exact or fit.residual_squares(problem.alpha) * problem.scale**2 <= self.enough

    def choose(self, problem, points, criteria):
        """Index of the size to take: the smallest that suffices, or that of the least criterion."""
        if self.enough is None:
            return int(np.argmin(criteria))
        return next((k for k, fit in enumerate(points) if self.suffices(problem, fit)), len(points) - 1)

    @property
    def plan(self):
        """The stages of the effort."""
        return PLANS[self.effort]


@dataclass
class Solution:
    """Answer of the solver, in standardised units.

    Parameters
    ----------
    fit : Fit
        With its coefficients.
    n_iter : int
        Iterations of hard thresholding.
    points : list of Fit
        Every size that was looked at.
    criteria : list of float
        One for each point.
    converged : bool
        False when hard thresholding ran into its bound.
    """

    fit: Fit
    n_iter: int
    points: list
    criteria: list
    converged: bool = True


def solve_size(problem, size, settings, start=None):
    """Best support of at most `size` members, with its coefficients.

    Parameters
    ----------
    problem : Problem
    size : int
    settings : Settings
    start : int array, default=None
        First support of hard thresholding.

    Returns
    -------
    solution : Solution
    """
    if settings.plan.iteration:
        start = _usable_start(problem, start, size)
        fit, n_iter, converged = iterative_hard_thresholding(
            problem, size, start, normalised=settings.plan.iteration == "normalized", max_iter=settings.max_iter,
            tol=settings.tol,
        )  # fmt: skip
    else:
        fit, n_iter, converged = best_of_size(problem, size, settings, start)
        fit = with_coefs(problem, fit)
    return Solution(fit, n_iter, [fit], [criterion_of(fit, problem, settings.criterion)], converged)


def best_of_size(problem, size, settings, start=None):
    """Best support of at most `size` members.

    Returns
    -------
    fit : Fit
    n_iter : int
        Iterations of hard thresholding.
    converged : bool
        Whether it ended by itself, where nothing follows it.
    """
    plan, tol = settings.plan, settings.tol
    size = min(size, int(problem.usable.sum()))
    if size == 0 or problem.scale == 0.0:
        locked = np.flatnonzero(problem.locked)
        return replace(problem.refit(locked), margin=np.inf, swap_optimal=True), 1, True
    if plan.enumerates(problem):
        return best_subset(problem, size), 1, True
    start = _usable_start(problem, start, size)
    # Where exchanges follow, they take over after one iteration: a pass over X brings them more than a further step.
    max_iter = 1 if plan.swaps else settings.max_iter
    fit, n_iter, converged = hard_thresholding_pursuit(problem, size, start, max_iter=max_iter, tol=tol)
    if plan.swaps:
        fit = local_search(problem, fit, size, tol=tol, look_below=plan.look_below)
    if not fit.exact and plan.restart_below:
        by_pairs = pair_work(problem, size) <= plan.pair_work
        fit = restart(problem, fit, size, tol=tol, believe_from=plan.restart_below, pairs_follow=by_pairs)
    fit = exchanged_two_by_two(problem, fit, size, settings)
    if problem.positive and plan.restart_below:
        fit = nonnegative_search(
            problem, fit, size, plan, tol, lambda free: best_of_size(free, size, settings)[0].support
        )
    return _with_fewest_members(problem, fit, plan, tol), n_iter, converged or plan.swaps


def exchanged_two_by_two(problem, fit, size, settings):
    """Where exchanges of two members lead from `fit`, if the effort looks at those of `size` members; else `fit`."""
    if fit.exact or pair_work(problem, size) > settings.plan.pair_work:
        return fit
    paired = improve_by_pairs(problem, fit.support, settings.tol)
    # Of the same support the losses differ by rounding, and it is the later that has looked at all columns.
    return paired if paired.loss <= fit.loss * (1 + settings.tol) else fit


def _usable_start(problem, start, size):
    """The support of an earlier fit, to other data or options, if it is one of this size here; else None."""
    if start is None or len(start) != size or not np.isin(np.flatnonzero(problem.locked), start).all():
        return None
    return start


def _with_fewest_members(problem, fit, plan, tol):
    """Of an exact fit leave out members that it does not need, as long as exchanges make up for the least missed."""
    while fit.exact and len(fit.support) > problem.locked.sum():
        support = fit.support
        chain = chain_for(problem, problem.restricted_quadratic(support), len(support))
        chain.restart(np.arange(len(support)))
        least = int(np.argmin(chain.sacrifices()[0]))
        fewer = problem.least_squares(np.delete(support, chain.supports[0, least]))
        if not fewer.exact and plan.swaps and is_small(problem, len(support)):
            fewer = local_search(problem, fewer, len(fewer.support), tol=tol)
        if not fewer.exact:
            break
        fit = replace(fewer, margin=np.inf, swap_optimal=True)
    return fit


def with_coefs(problem, fit):
    """The same fit with coefficients to full precision, and the loss that these have."""
    true = problem.refit(fit.support)
    return replace(true, margin=fit.margin, swap_optimal=fit.swap_optimal, residual=None)


def criterion_of(fit, problem, name):
    """Information criterion of a fit."""
    return information_criterion(
        name,
        problem.zero_loss if fit.exact else max(fit.residual_squares(problem.alpha), problem.zero_loss),
        len(fit.support),
        n_samples=problem.n_counted,
        n_features=problem.n_features,
        n_targets=problem.n_targets,
    )

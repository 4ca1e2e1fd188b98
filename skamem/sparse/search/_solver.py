"""The best support of one size: which search, and how much of it."""

from dataclasses import dataclass

import numpy as np

from skamem.sparse.objective._criteria import DEFAULT, information_criterion
from skamem.sparse.objective._linalg import ZERO_LOSS
from skamem.sparse.search._chains import Chains
from skamem.sparse.search._exhaustive import best_subsets
from skamem.sparse.search._forward import PathPoint
from skamem.sparse.search._htp import hard_thresholding_pursuit
from skamem.sparse.search._pairs import improve_by_pairs, pairs_are_cheap
from skamem.sparse.search._proposals import SURE, escalate
from skamem.sparse.search._search import Candidate, improve, local_search
from skamem.sparse.search._textbook import iterative_hard_thresholding

__all__ = ["EFFORTS", "TEXTBOOK", "Settings", "Solution", "best_candidate", "criterion_of", "solve_size"]

EFFORTS = ("plain", "normalized", "fast", "swap", "auto", "thorough")
"""Effort levels, from least to most."""

TEXTBOOK = EFFORTS[:2]
"""Those that stop at the iteration of the papers."""

# Features up to which all subsets are looked at.
_FEW_FEATURES = 18


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
    """

    effort: str = "auto"
    max_iter: int = 100
    tol: float = 1e-7
    criterion: str = DEFAULT

    @property
    def looks_further(self):
        """Whether the search goes beyond exchanges of one member."""
        return self.effort in ("auto", "thorough")


@dataclass
class Solution:
    """Answer of the solver, in standardised units.

    Parameters
    ----------
    candidate : Candidate
    coefs : array of shape (s, n_targets)
        In the order of the candidate's support.
    n_iter : int
        Iterations of hard thresholding.
    points : list of PathPoint
        Every size that was looked at.
    criteria : list of float
        One for each point.
    converged : bool
        False when hard thresholding ran into its bound.
    """

    candidate: Candidate
    coefs: np.ndarray
    n_iter: int
    points: list
    criteria: list
    converged: bool = True


def criterion_of(point, problem, name):
    """Information criterion of a path point."""
    return information_criterion(
        name,
        max(point.residual_squares(problem.alpha), ZERO_LOSS),
        len(point.support),
        n_samples=problem.n_counted,
        n_features=problem.n_features,
        n_targets=problem.n_targets,
    )


def solve_size(problem, size, settings, start=None):
    """Best support of at most `size` members.

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
    if settings.effort in TEXTBOOK:
        fit, n_iter, converged = iterative_hard_thresholding(
            problem, size, start, normalised=settings.effort == "normalized", max_iter=settings.max_iter,
            tol=settings.tol,
        )  # fmt: skip
        candidate, coefs = Candidate(fit.support, fit.loss), fit.coefs
    else:
        (candidate, n_iter), converged = best_candidate(problem, size, settings, start), True
        coefs = problem.refit(candidate.support)
    point = PathPoint(candidate.support, coefs, candidate.loss)
    criterion = criterion_of(point, problem, settings.criterion)
    return Solution(candidate, coefs, n_iter, [point], [criterion], converged)


def best_candidate(problem, size, settings, start=None):
    """Best support of at most `size` members, and the number of iterations of hard thresholding."""
    size = min(size, int(problem.usable.sum()))
    if size == 0 or problem.scale == 0.0:
        return _empty(problem), 1
    if can_be_exact(problem, settings):
        return _without_idle_members(problem, _exact(problem, size, settings)), 1
    # Where a search follows, it takes over after one iteration: a pass for it brings more than a pass for a step.
    max_iter = settings.max_iter if settings.effort == "fast" else 1
    fit, gradient, n_iter = hard_thresholding_pursuit(problem, size, start, max_iter=max_iter, tol=settings.tol)
    candidate = Candidate(fit.support, fit.loss, residual=fit.residual, gradient=gradient)
    if settings.effort != "fast":
        candidate = _search(problem, candidate, size, settings)
    return _without_idle_members(problem, candidate), n_iter


def _search(problem, candidate, size, settings):
    """What follows hard thresholding: exchanges, and more the less sure they leave us."""
    thorough = settings.effort == "thorough"
    candidate = local_search(problem, candidate, size, tol=settings.tol, certify=True if thorough else None)
    if not settings.looks_further:
        return candidate
    if thorough or (candidate.margin < SURE and candidate.loss > ZERO_LOSS):
        candidate = escalate(problem, candidate, size, tol=settings.tol, exhaustive=thorough)
    if candidate.loss > ZERO_LOSS and pairs_are_cheap(problem, size, thorough=thorough):
        candidate = Candidate.of(improve_by_pairs(problem, candidate.support, settings.tol))
    return candidate


def can_be_exact(problem, settings):
    """Whether all subsets will be looked at."""
    return settings.looks_further and problem.n_features <= _FEW_FEATURES and not problem.positive


def _exact(problem, size, settings):
    """The best support of all, by looking at all."""
    quadratic = problem.quadratic()
    supports, _ = best_subsets(quadratic, size)
    support = next(s for s in reversed(supports) if s is not None and len(s) <= size)
    chain = Chains(quadratic, len(support))
    improve(chain, support, settings.tol, splices=False)
    return Candidate.of(chain)


def _empty(problem):
    support = np.flatnonzero(problem.locked)
    return Candidate(support, problem.least_squares(support).loss, np.inf, True)


def _without_idle_members(problem, candidate):
    """Drop members that an exact fit does not need: their coefficients are rounding."""
    if candidate.loss > ZERO_LOSS or len(candidate.support) == 0:
        return candidate
    support = candidate.support
    chain = Chains(problem.restricted_quadratic(support), len(support))
    chain.restart(np.arange(len(support)))
    while chain.size:
        sacrifices = chain.sacrifices()[0]
        least = int(np.argmin(sacrifices))
        if chain.loss[0] + sacrifices[least] > ZERO_LOSS:
            break
        chain.remove(np.array([least]))
    return Candidate(np.sort(support[chain.supports[0]]), candidate.loss, np.inf, True)

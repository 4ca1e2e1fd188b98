"""From a problem to its answer: the best support of one size, or of the size that a criterion picks from a path."""

from dataclasses import dataclass

import numpy as np

from skamem.sparse._chains import Chains
from skamem.sparse._criteria import information_criterion
from skamem.sparse._htp import hard_thresholding_pursuit
from skamem.sparse._linalg import ZERO_LOSS
from skamem.sparse._pairs import improve_by_pairs, pairs_are_cheap
from skamem.sparse._path import PathPoint, forward_path
from skamem.sparse._proposals import SURE, escalate
from skamem.sparse._search import Candidate, local_search

__all__ = ["Settings", "Solution", "default_max_size", "solve_path", "solve_size"]

EFFORTS = ("fast", "swap", "auto", "thorough")
"""Effort levels, from least to most."""


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
        One of `skamem.sparse._criteria.CRITERIA`.
    """

    effort: str = "auto"
    max_iter: int = 100
    tol: float = 1e-7
    criterion: str = "gic"


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
    """

    candidate: Candidate
    coefs: np.ndarray
    n_iter: int
    points: list
    criteria: list


def criterion_of(point, problem, name):
    """Information criterion of a path point."""
    return information_criterion(
        name,
        max(point.residual_squares(problem.alpha), ZERO_LOSS),
        len(point.support),
        # Weights count as repetitions, yet weights that sum to 1 do not make one sample of a thousand.
        n_samples=max(problem.total_weight, problem.n_rows),
        n_features=problem.n_features,
        n_targets=problem.n_targets,
    )


def default_max_size(problem):
    """Largest size that a path tries when the user sets none.

    n / (log log n · log p), the bound under which best subset selection is consistent, and half of the degrees of
    freedom, so that the residual still measures the noise.
    """
    n = max(problem.total_weight, problem.n_rows)
    consistent = n / (np.log(np.log(max(n, 16.0))) * np.log(max(problem.n_features, 3)))
    return max(int(min(problem.n_features, np.ceil(consistent), (n - 1) // 2)), 0)


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
    candidate, n_iter = _best_candidate(problem, size, settings, start)
    coefs = problem.refit(candidate.support)
    point = PathPoint(candidate.support, coefs, candidate.loss)
    return Solution(candidate, coefs, n_iter, [point], [criterion_of(point, problem, settings.criterion)])


def _best_candidate(problem, size, settings, start):
    size = min(size, int(problem.usable.sum()))
    if size == 0 or problem.scale == 0.0:
        return _empty(problem), 1
    fit, gradient, n_iter = hard_thresholding_pursuit(
        problem, size, start, max_iter=settings.max_iter, tol=settings.tol
    )
    candidate = Candidate(fit.support, fit.loss, residual=fit.residual, gradient=gradient)
    if settings.effort != "fast":
        candidate = _search(problem, candidate, size, settings)
    return _without_idle_members(problem, candidate), n_iter


def _search(problem, candidate, size, settings):
    """What follows hard thresholding: exchanges, and more the less sure they leave us."""
    thorough = settings.effort == "thorough"
    candidate = local_search(problem, candidate, tol=settings.tol, certify=True if thorough else None)
    if settings.effort == "swap":
        return candidate
    if thorough or (candidate.margin < SURE and candidate.loss > ZERO_LOSS):
        candidate = escalate(problem, candidate, size, tol=settings.tol, exhaustive=thorough)
    if candidate.loss > ZERO_LOSS and pairs_are_cheap(problem, size, thorough=thorough):
        candidate = Candidate.of(improve_by_pairs(problem, candidate.support, settings.tol))
    return candidate


def _empty(problem):
    support = np.flatnonzero(problem.locked)
    loss = problem.least_squares(support).loss
    return Candidate(support, loss, np.inf, True)


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
    kept = np.sort(support[chain.supports[0]])
    return Candidate(kept, candidate.loss, np.inf, True)


def solve_path(problem, max_size, settings, start=None, track=iter):
    """Best support of the size that `settings.criterion` picks.

    Parameters
    ----------
    problem : Problem
    max_size : int or None
        None takes `default_max_size` and stops early: once twice the best size and ten more brought nothing better.
    settings : Settings
    start : int array, default=None
        Support of an earlier fit, tried as a start of hard thresholding.
    track : callable, default=iter
        Wraps the iterable of path points, to report progress.

    Returns
    -------
    solution : Solution
    """
    patient = max_size is not None
    limit = max_size if patient else default_max_size(problem)
    points, criteria = [], []
    for point in track(forward_path(problem, limit, swaps=settings.effort != "fast", tol=settings.tol)):
        points.append(point)
        criteria.append(criterion_of(point, problem, settings.criterion))
        if not patient and len(points) > 2 * int(np.argmin(criteria)) + 10:
            break
    return _refine_best(problem, points, criteria, settings, start)


def _refine_best(problem, points, criteria, settings, start):
    """Give the chosen size the whole effort; where that finds better, it replaces the path's point, and so on."""
    n_iter, refined = 1, {}
    while True:
        best = int(np.argmin(criteria))
        if best in refined:
            break
        point = points[best]
        candidate, n_iter = _best_candidate(problem, len(point.support), settings, start)
        if settings.effort == "fast" or candidate.loss >= point.loss * (1 - settings.tol):
            candidate = _path_candidate(problem, point, candidate, settings)
        points[best] = PathPoint(candidate.support, problem.refit(candidate.support), candidate.loss)
        criteria[best] = criterion_of(points[best], problem, settings.criterion)
        refined[best] = candidate
    candidate = refined[best]
    return Solution(candidate, points[best].coefs, n_iter, points, criteria)


def _path_candidate(problem, point, candidate, settings):
    # The path's own support stands; the search from it only adds the margin and the certificate.
    if settings.effort == "fast" or np.array_equal(point.support, candidate.support):
        return candidate if np.array_equal(point.support, candidate.support) else Candidate(point.support, point.loss)
    return local_search(problem, Candidate(point.support, point.loss), tol=settings.tol)

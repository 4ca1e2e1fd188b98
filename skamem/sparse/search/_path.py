"""A path of sizes, and the one that a criterion picks from it."""

from dataclasses import replace

import numpy as np

from skamem.sparse.search._exhaustive import every_size
from skamem.sparse.search._forward import forward_path
from skamem.sparse.search._local import settle
from skamem.sparse.search._nonnegative import nonnegative_points
from skamem.sparse.search._plan import Solution, best_of_size, criterion_of, exchanged_two_by_two, with_coefs
from skamem.sparse.search._supports import chain_for, reported

__all__ = ["best_at_point", "default_max_size", "settled", "solve_path", "solve_thoroughly"]


def default_max_size(n_samples, n_features):
    """Largest size that a path tries when the user sets none.

    n / (log log n · log p), the bound under which best subset selection is consistent, and half of the degrees of
    freedom, so that the residual still measures the noise.
    """
    consistent = n_samples / (np.log(np.log(max(n_samples, 16.0))) * np.log(max(n_features, 3)))
    return max(int(min(n_features, np.ceil(consistent), (n_samples - 1) // 2)), 0)


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
    patient = max_size is not None or settings.enough is not None
    limit = default_max_size(problem.n_counted, problem.n_features) if max_size is None else max_size
    if max_size is None and patient:
        limit = min(problem.n_rows, problem.n_features)
    limit = max(limit, int(problem.locked.sum()))
    points, criteria = [], []
    for point in track(path_points(problem, limit, settings)):
        points.append(point)
        criteria.append(criterion_of(point, problem, settings.criterion))
        if not patient and len(points) > 2 * int(np.argmin(criteria)) + 10:
            break
        if settings.suffices(problem, point):
            break
    return _refined(problem, points, criteria, settings, start)


def solve_thoroughly(problem, size, settings, start=None):
    """Best support of one size as the end of a path whose every size was solved for itself.

    Then losses never rise with the size, and a size gives the same alone as on a path, by construction.

    Parameters
    ----------
    problem : Problem
    size : int
    settings : Settings
    start : int array, default=None
        Support of an earlier fit, tried as a start of hard thresholding.

    Returns
    -------
    solution : Solution
        Its path has the one size.
    """
    *_, point = path_points(problem, min(size, int(problem.usable.sum())), settings)
    fit, n_iter = best_at_point(problem, point, settings, start)
    return Solution(fit, n_iter, [fit], [criterion_of(fit, problem, settings.criterion)])


def path_points(problem, max_size, settings):
    """Points of the path by the means that the effort allows: all subsets, every size for itself, or growing."""
    if settings.plan.enumerates(problem):
        return every_size(problem, max_size)
    if problem.positive and problem.n_features <= settings.plan.subsets_up_to:
        return nonnegative_points(problem, max_size, settings.tol)
    points = forward_path(problem, max_size, swaps=settings.plan.swaps, tol=settings.tol)
    return _searched_points(problem, points, settings) if settings.plan.each_size else points


def _searched_points(problem, points, settings):
    """The best of `points`, of each size alone, and of the previous best with one more, after exchanges of two.

    A better support may grow worse than what it was found from: both are grown, so that exchanges of two never raise
    the loss of a larger size.
    """
    grown = best = None
    for point in points:
        size = len(point.support)
        if best is None or size <= len(best.support):
            grown = best = point
        else:
            alone = with_coefs(problem, best_of_size(problem, size, settings)[0])
            had_split = not np.array_equal(grown.support, best.support)
            grown = _lowest(point, *_longer(problem, grown, size, settings), alone)
            best = _lowest(grown, *_longer(problem, best, size, settings)) if had_split else grown
            if not np.array_equal(best.support, alone.support):  # of which this has been tried
                best = _lowest(best, with_coefs(problem, exchanged_two_by_two(problem, best, size, settings)))
        yield best


def _lowest(*fits):
    return min(fits, key=lambda fit: fit.loss)


def _longer(problem, fit, size, settings):
    """Points of a path from `fit` to `size`, without `fit`."""
    return list(forward_path(problem, size, swaps=True, tol=settings.tol, start=fit.support))[1:]


def _refined(problem, points, criteria, settings, start):
    """Give the chosen size the whole effort; where that finds better, it replaces the path's point, and so on."""
    refined, n_iter, before = set(), 1, list(points)

    def is_refined(index):
        return (index, points[index].support.tobytes()) in refined  # a neighbour may have brought another support

    while True:
        # Of most points nothing has changed.
        criteria = [
            value if point is earlier else criterion_of(point, problem, settings.criterion)
            for point, earlier, value in zip(points, before, criteria, strict=True)
        ]
        before = list(points)
        chosen = settings.choose(problem, points, criteria)
        if is_refined(chosen):
            # The size below just missed what is enough by the path; by itself it may reach it.
            below = chosen - 1
            if settings.enough is None or below < 0 or is_refined(below):
                return Solution(points[chosen], n_iter, points, criteria)
            chosen = below
        refined.add((chosen, points[chosen].support.tobytes()))
        points[chosen], n_iter = best_at_point(problem, points[chosen], settings, start)
        refined.add((chosen, points[chosen].support.tobytes()))
        _regrow(problem, points, chosen, settings)
        _shrink(problem, points, chosen, settings)


def best_at_point(problem, point, settings, start=None):
    """The better of a path's point and what its size alone leads to, with coefficients to full precision."""
    alone, n_iter, _ = best_of_size(problem, len(point.support), settings, start)
    if alone.loss < point.loss * (1 - settings.tol) or np.array_equal(alone.support, point.support):
        best = alone
    else:
        best = settled(problem, point, settings.tol) if settings.plan.swaps else point
        best = exchanged_two_by_two(problem, best, len(point.support), settings)
    return with_coefs(problem, best), n_iter


def settled(problem, point, tol):
    """The support of a path's point with its margin and certificate, after what exchanges may still bring."""
    if point.exact:
        return replace(point, margin=np.inf, swap_optimal=True)
    return settle(problem, point.support, len(point.support), tol)


def _shrink(problem, points, chosen, settings):
    """Carry the chosen support to smaller sizes, by exact elimination and exchanges, as long as that improves them."""
    if not settings.plan.swaps or chosen == 0 or len(points[chosen].support) == 0:
        return
    chain = chain_for(problem, problem.quadratic(), len(points[chosen].support))
    chain.restart(points[chosen].support)
    for index in range(chosen - 1, -1, -1):
        size, sacrifices = len(points[index].support), chain.sacrifices()[0]
        least = int(np.argmin(sacrifices))
        if chain.size != size + 1 or np.isinf(sacrifices[least]):
            return
        chain.remove(np.array([least]))
        chain.settle(settings.tol, limit=size)
        smaller = reported(problem, chain)
        if smaller.loss >= points[index].loss * (1 - settings.tol):
            return
        points[index] = smaller


def _regrow(problem, points, chosen, settings):
    """Carry an improvement at one size to the larger ones, so that losses do not rise along the path."""
    if chosen + 1 == len(points) or points[chosen + 1].loss <= points[chosen].loss:
        return
    largest = len(points[-1].support)
    grown = forward_path(problem, largest, swaps=settings.plan.swaps, tol=settings.tol, start=points[chosen].support)
    next(grown)
    for index, point in zip(range(chosen + 1, len(points)), grown, strict=False):
        if point.loss >= points[index].loss:
            return
        points[index] = point

"""Scores of every size on held-out samples, by moments in lock step or fold by fold."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn import get_config

from skamem.sparse.objective._design import host
from skamem.sparse.objective._linalg import TIE, ZERO_LOSS
from skamem.sparse.search import _budgets as budgets
from skamem.sparse.search._folds import LockStep
from skamem.sparse.search._forward import forward_path
from skamem.sparse.search._groups import GroupSearch, count_selections
from skamem.sparse.search._path import best_at_point, settled
from skamem.sparse.search._plan import Solution, criterion_of, with_coefs

__all__ = ["CrossValidation"]

# Sizes whose held-out errors are computed together.
_TOGETHER = 16


@dataclass
class CrossValidation:
    """What all routes need.

    Parameters
    ----------
    problem : Problem
        On all samples.
    problem_of : callable
        Problem with given sample weights.
    y : array of shape (n_samples, n_targets)
        Where X lives.
    splits : list of (int array, int array)
        Training and held-out samples.
    limit : int
        Largest size.
    patient : bool
        Whether to try all sizes; otherwise the path stops once the scores have long been falling.
    groups : list of int arrays or None
        Columns of each group.
    settings : Settings
    score : callable or None
        Score of ``(fold, support, slopes, intercepts)``; None is the negative mean squared error.
    n_jobs : int or None
        Threads for folds that are fitted one by one.
    """

    problem: Any
    problem_of: Any
    y: Any
    splits: list
    limit: int
    patient: bool
    groups: Any
    settings: Any
    score: Any
    n_jobs: Any

    @property
    def swaps(self):
        """Whether paths are improved by exchanges."""
        return self.settings.plan.swaps

    def run(self, track):
        """Scores (n_sizes, n_folds), and the path on all samples where it came along.

        Parameters
        ----------
        track : callable
            Wraps the iterable of steps, to report progress.

        Returns
        -------
        scores : array of shape (n_sizes, n_folds)
        points : list of Fit
        """
        if self.groups is None and not self.problem.positive and self._grams_pay():
            paths = LockStep(self.problem, self.y, self.splits)
            if paths.can_start:
                return self._in_lock_step(paths, track)
        return self._fold_by_fold(track), []

    def _grams_pay(self):
        """Whether Gram matrices of all folds fit into memory, and cost less than the steps of each path alone."""
        n_folds, p = len(self.splits), self.problem.n_features
        fit_memory = (2 * n_folds + 3) * p * p * 8 <= get_config()["working_memory"] * 2**20
        work = (n_folds + 1) * p * p * (self.problem.n_counted + 1700)  # besides products some passes over each
        return p <= budgets.GRAM_FEATURES and fit_memory and work <= budgets.STEP_WORK * n_folds * max(self.limit, 1)

    def _in_lock_step(self, paths, track):
        scores, points, unscored = [], [], []
        end = np.inf if self.patient else _enough(0)  # number of sizes after which the path may stop
        for step in track(paths.steps(self.limit, self.settings.tol, swaps=self.swaps)):
            points.append(step.point)
            unscored.append(step)
            if len(points) < end and len(unscored) < _TOGETHER:
                continue
            scores += self._scores_of(paths, unscored)
            unscored = []
            if not self.patient:
                end = _enough(self.best(np.mean(scores, axis=1)))
                if len(points) >= end:
                    break
        if paths.is_at_its_end:
            return self._fold_by_fold(track), []
        scores += self._scores_of(paths, unscored)
        return np.array(scores), points

    def _scores_of(self, paths, steps):
        """Scores (n_folds,) of each of `steps`."""
        if not steps:
            return []
        if self.score is not None:
            return [[self.score(fold, *model) for fold, model in enumerate(paths.models(step))] for step in steps]
        errors, doubtful = paths.errors(steps)
        scores = -errors
        for t, fold in zip(*np.nonzero(doubtful), strict=True):
            scores[t, fold] = self._error(self.splits[fold][1], *paths.models(steps[t])[fold])
        return list(scores)

    def best(self, mean, slack=0.0):
        """Index of the smallest size whose `mean` score is within `slack` of the best; NaN never wins.

        Scores that differ by rounding are equal, and errors are zero below what a Gram matrix leaves of an exact fit.
        """
        mean = np.where(np.isnan(mean), -np.inf, mean)
        best = mean.max()
        slack += TIE * abs(best) if np.isfinite(best) else 0.0
        if self.score is None:
            slack += ZERO_LOSS * self.problem.scale**2 / self.problem.total_weight
        return int(np.argmax(mean >= best - slack))

    def _fold_by_fold(self, track):
        work = (delayed(self._fold_scores)(fold) for fold in track(range(len(self.splits))))
        columns = Parallel(n_jobs=self.n_jobs, prefer="threads")(work)
        # A path that ends early, for want of independent columns, keeps its last model for larger sizes.
        n_sizes = max(map(len, columns))
        return np.array([column + [column[-1]] * (n_sizes - len(column)) for column in columns]).T

    def _fold_scores(self, fold):
        """Score of each size, from a path on the training samples of one fold."""
        train, test = self.splits[fold]
        design = self.problem.design
        mask = np.zeros(design.shape[0])
        np.add.at(mask, train, 1.0)
        weights = design.asarray(mask)
        problem = self.problem_of(weights if self.problem.weight is None else weights * self.problem.weight)
        scores = []
        for point in self.points(problem, self.limit):
            slopes, intercepts = problem.to_input_units(point.support, point.coefs)
            model = (point.support, slopes, intercepts)
            scores.append(self._error(test, *model) if self.score is None else self.score(fold, *model))
        return scores

    def _error(self, test, support, slopes, intercepts):
        """Negative mean squared error on the samples `test`."""
        design = self.problem.design
        predicted = design.pick(design.columns(support), test) @ design.asarray((slopes * design.units[support]).T)
        errors = design.pick(self.y, test) - predicted - design.asarray(intercepts)
        squares = host(design.xp.sum(errors * errors, axis=1))
        weights = None if self.problem.weight is None else host(design.pick(self.problem.weight, test))
        return -float(np.average(squares, weights=weights))

    def points(self, problem, limit):
        """Path of `problem`, by members or by groups, one point for each size."""
        if self.groups is None:
            yield from _every_size(forward_path(problem, limit, swaps=self.swaps, tol=self.settings.tol))
            return
        search = GroupSearch(problem, self.groups, self.settings.tol)
        for chosen in search.forward(search.locked, limit, swaps=self.swaps):
            support = search.columns_of(chosen)
            yield replace(problem.refit(support), residual=None)

    def n_selected(self, solution):
        """Number of columns, or of groups, that a solution selects."""
        selected = np.zeros(self.problem.n_features, dtype=bool)
        selected[solution.fit.support] = True
        return count_selections(selected, self.groups)

    def smallest_size(self):
        """Size of the first step: what every support contains."""
        return count_selections(self.problem.locked, self.groups)

    def final(self, points, chosen):
        """Solution on all samples at the size of index `chosen`; `points` is the path there, if it is known."""
        if self.groups is not None:
            return self._final_groups(chosen)
        problem, settings, n_iter = self.problem, self.settings, 1
        points = points or list(self.points(problem, chosen + self.smallest_size()))
        chosen = min(chosen, len(points) - 1)
        point = points[chosen]
        if settings.plan.restart_below:  # the effort that "swap", which keeps the path's support, does not make
            point, n_iter = best_at_point(problem, point, settings)
        elif self.swaps:
            point = settled(problem, point, settings.tol)
        point = points[chosen] = with_coefs(problem, point)
        return self._solution(point, points, n_iter)

    def _final_groups(self, chosen):
        search = GroupSearch(self.problem, self.groups, self.settings.tol)
        choices = list(search.forward(search.locked, len(search.locked) + chosen, swaps=self.swaps))
        points = list(self.points(self.problem, len(choices[-1])))
        return self._solution(search.settled_fit(choices[-1], certified=self.swaps), points, 1)

    def _solution(self, fit, points, n_iter):
        criteria = [criterion_of(point, self.problem, self.settings.criterion) for point in points]
        return Solution(fit, n_iter, points, criteria)


def _enough(best):
    """Number of sizes that are enough when that of index `best` is the best of them."""
    return 2 * best + 11


def _every_size(points):
    """One point for each size: under sign constraints a path may pass one by."""
    last, size = None, 0
    for point in points:
        while last is not None and size < len(point.support):
            yield last
            size += 1
        if last is None:
            size = len(point.support)
        last = point
    yield last

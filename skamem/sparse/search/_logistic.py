"""Logistic regression on a support, and the search for that support on quadratic models of the logistic loss."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skamem.core import arrays
from skamem.sparse.objective._criteria import price
from skamem.sparse.objective._design import host
from skamem.sparse.objective._problem import Problem
from skamem.sparse.search._forward import forward_path
from skamem.sparse.search._groups import GroupSearch, solve_groups
from skamem.sparse.search._path import default_max_size
from skamem.sparse.search._plan import solve_size

__all__ = ["LogisticFit", "LogisticSearch", "log_logistic", "logistic"]

_NEWTON_STEPS = 50
_NEWTON_TOL = 1e-9
_HALVINGS = 30
# Curvatures p (1 - p) below this are raised to it: samples far from the boundary keep a finite working response.
_LEAST_CURVATURE = 1e-4


def logistic(scores):
    """1 / (1 + exp(-score)), which no score makes overflow."""
    xp = arrays.namespace(scores)
    tail = xp.exp(-xp.abs(scores))
    return xp.where(scores >= 0, 1.0, tail) / (1.0 + tail)


def log_logistic(scores):
    """Its logarithm, which no score makes infinite."""
    xp = arrays.namespace(scores)
    return arrays.clip(scores, max=0.0) - xp.log1p(xp.exp(-xp.abs(scores)))


@dataclass
class LogisticFit:
    """Penalised logistic regression on one support.

    Parameters
    ----------
    support : int array of shape (s,)
    coefs : array of shape (s,)
        For columns of unit length about their means.
    intercept : float
    scores : array of shape (n_samples, 1)
        Linear predictor; where X lives.
    deviance : float
        Twice the negative log-likelihood.
    loss : float
        Half the deviance and the ridge term.
    """

    support: np.ndarray
    coefs: np.ndarray
    intercept: float
    scores: Any
    deviance: float
    loss: float


class LogisticSearch:
    """Best support for one class against the rest.

    The logistic loss is replaced by its quadratic model at the present scores, a weighted least-squares problem; its
    best support is found, logistic regression refits it, and that gives the next model, as long as the true loss of
    the refits falls.

    Parameters
    ----------
    design : DenseDesign or SparseDesign
    positive : array of shape (n_samples, 1)
        1 for samples of the class, 0 for others; where X lives.
    weights : array of shape (n_samples,) or None
    settings : Settings
    fit_intercept : bool
    alpha : float
        Ridge on coefficients of columns of unit length about their means.
    locked : int array
        Features that every support contains.
    groups : list of int arrays or None
        Columns of each group; sizes then count groups.
    """

    def __init__(self, design, positive, weights, settings, *, fit_intercept, alpha, locked, groups=None):
        self.design = design
        self.positive = positive
        self.weights = weights
        self.settings = settings
        self.fit_intercept = fit_intercept
        self.alpha = alpha
        self.locked = locked
        self.groups = groups
        self.base = self._problem(positive, weights, alpha)

    def _problem(self, target, weights, alpha):
        return Problem(
            self.design, target, weights, fit_intercept=self.fit_intercept, alpha=alpha, locked=self.locked,
            merge_copies=self.groups is None,
        )  # fmt: skip

    def run(self, size, limit):
        """Best fit of `size` members, or of the size that the criterion picks up to `limit`.

        Returns
        -------
        fit : LogisticFit
        n_iter : int
            Quadratic models that were searched.
        converged : bool
            Whether the last of them brought nothing better, or could not.
        """
        fit = self.refit(np.flatnonzero(self.base.locked))
        best, n_iter = None, 0
        while n_iter < self.settings.max_iter:
            n_iter += 1
            fit = self._on_model(fit, size, limit)
            if best is not None and (
                self._value(fit) >= self._value(best) or np.array_equal(fit.support, best.support)
            ):
                return min(fit, best, key=self._value), n_iter, True
            best = fit
        return best, n_iter, False

    def _value(self, fit):
        """What the search minimises: the penalised loss and, for a free size, the criterion's price of the size."""
        base = self.base
        return 2.0 * fit.loss + price(
            self.settings.criterion, len(fit.support), n_samples=base.n_counted, n_features=base.n_features
        )

    def _on_model(self, fit, size, limit):
        """Refit of the best support on the quadratic model at the scores of `fit`."""
        probability = logistic(fit.scores)
        curvature = arrays.clip(probability * (1.0 - probability), min=_LEAST_CURVATURE)
        response = fit.scores + (self.positive - probability) / curvature
        weights = curvature[:, 0] if self.weights is None else curvature[:, 0] * self.weights
        # The model's ridge is relative to weighted lengths; a quarter is the curvature at even odds.
        model = self._problem(response, weights, 4.0 * self.alpha)
        if size is not None:
            if self.groups is not None:
                return self.refit(solve_groups(model, self.groups, size, self.settings).fit.support, fit)
            return self.refit(solve_size(model, size, self.settings).fit.support, fit)
        fits = []
        for support in self._supports(model, limit):
            fits.append(self.refit(support, fits[-1] if fits else fit))
            if len(fits) > 2 * int(np.argmin([self._value(one) for one in fits])) + 10:
                break
        return min(fits, key=self._value)

    def _supports(self, model, limit):
        """Supports of a path on a quadratic model."""
        base, swaps, tol = self.base, self.settings.plan.swaps, self.settings.tol
        if self.groups is not None:
            search = GroupSearch(model, self.groups, tol)
            for chosen in search.forward(search.locked, len(self.groups) if limit is None else limit, swaps=swaps):
                support = search.columns_of(chosen)
                if limit is None and len(support) > (base.n_counted - 1) // 2 and len(chosen) > len(search.locked):
                    return
                yield support
            return
        limit = default_max_size(base.n_counted, base.n_features) if limit is None else limit
        limit = min(max(limit, int(model.locked.sum())), int(model.usable.sum()))
        for point in forward_path(model, limit, swaps=swaps, tol=tol):
            yield point.support

    def refit(self, support, start=None):
        """Penalised logistic regression on `support`, by Newton's method with step halving, from a fit `start`.

        Notes
        -----
        Cost O(n s²) a step.
        """
        xp, design = self.design.xp, self.design
        columns = design.columns(support) - design.asarray(self.base.mean[support])
        columns = columns * design.asarray(self.base.inverse_norm[support])
        if self.fit_intercept:
            ones = xp.ones((columns.shape[0], 1), dtype=design.wide, device=design.device)
            columns = xp.concat([columns, ones], axis=1)
        ridge = np.full(columns.shape[1], float(self.alpha))
        ridge[len(support) :] = 0.0
        theta = np.zeros((columns.shape[1], 1))
        if start is not None:
            _, here, there = np.intersect1d(support, start.support, return_indices=True)
            theta[here, 0] = start.coefs[there]
            theta[len(support) :, 0] = start.intercept
        loss, scores = self._loss(columns, theta, ridge)
        for _ in range(_NEWTON_STEPS):
            step = self._newton_step(columns, theta, scores, ridge)
            size = 1.0
            for _ in range(_HALVINGS):
                trial = self._loss(columns, theta + size * step, ridge)
                if trial[0] <= loss:
                    break
                size /= 2
            else:
                break
            decrease, theta = loss - trial[0], theta + size * step
            loss, scores = trial
            if decrease <= _NEWTON_TOL * max(loss, 1e-300):
                break
        coefs = theta[: len(support), 0]
        intercept = float(theta[-1, 0]) if self.fit_intercept else 0.0
        deviance = 2.0 * (loss - 0.5 * float(np.sum(ridge * theta[:, 0] ** 2)))
        return LogisticFit(support, coefs, intercept, scores, deviance, loss)

    def _loss(self, columns, theta, ridge):
        xp = self.design.xp
        scores = columns @ self.design.asarray(theta)
        losses = arrays.clip(scores, min=0.0) - self.positive * scores + xp.log1p(xp.exp(-xp.abs(scores)))
        losses = losses[:, 0] if self.weights is None else losses[:, 0] * self.weights
        return float(xp.sum(losses)) + 0.5 * float(np.sum(ridge * theta[:, 0] ** 2)), scores

    def _newton_step(self, columns, theta, scores, ridge):
        xp = self.design.xp
        probability = logistic(scores)
        slope, curvature = probability - self.positive, probability * (1.0 - probability)
        if self.weights is not None:
            slope, curvature = slope * self.weights[:, None], curvature * self.weights[:, None]
        transposed = xp.matrix_transpose(columns)
        gradient = host(transposed @ slope) + ridge[:, None] * theta
        hessian = host(transposed @ (columns * curvature)) + np.diag(ridge)
        return -np.linalg.lstsq(hessian, gradient, rcond=None)[0]

    def to_input_units(self, fit):
        """Slopes (s,) and intercept for X as it was given."""
        slopes = fit.coefs * self.base.inverse_norm[fit.support]
        with np.errstate(over="ignore"):  # as in `Problem.to_input_units`
            given = slopes / self.design.units[fit.support]
        return given, fit.intercept - float(slopes @ self.base.mean[fit.support])

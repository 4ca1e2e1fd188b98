"""Paths on the training parts of all folds, and on all samples, in lock step."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from skamem.sparse._chains import Chains
from skamem.sparse._forward import PathPoint, grow
from skamem.sparse._moments import moments_of
from skamem.sparse._quadratic import DenseQuadratic

__all__ = ["Step", "lock_step_path"]

_MAX_SWAPS = 50
_EPS = np.finfo(np.float64).eps


@dataclass
class Step:
    """One size of all paths.

    Parameters
    ----------
    errors : array of shape (n_folds,)
        Mean squared errors on the held-out samples, summed over targets.
    point : PathPoint
        On all samples.
    models : callable
        Gives a list of (support, slopes, intercepts), one for each fold, in the units of X and y; shapes (s,),
        (n_targets, s), (n_targets,).
    """

    errors: np.ndarray
    point: PathPoint
    models: Callable


def lock_step_path(problem, y, splits, max_size, tol, *, swaps):
    """Yield a `Step` for each size, from the locked features alone up to `max_size`.

    Parameters
    ----------
    problem : Problem
        On all samples.
    y : array of shape (n_samples, n_targets)
        Where X lives.
    splits : list of (int array, int array)
        Training and held-out samples.
    max_size : int
    tol : float
        Least relative decrease of the loss that counts.
    swaps : bool
        Whether to improve every size by swaps.

    Yields
    ------
    step : Step

    Notes
    -----
    Reads X once where each training part is what the held-out part leaves. Cost O(n p²) for the moments; memory
    O(n_folds p²).
    """
    training, held_out = _fold_moments(problem, y, splits)
    fits = [_standardised(part, problem) for part in training]
    quadratic = DenseQuadratic(
        np.stack([fit.gram for fit in fits]), np.stack([fit.correlation for fit in fits]), np.ones(len(fits)),
        np.stack([fit.usable for fit in fits]), problem.locked, problem.alpha,
    )  # fmt: skip
    scorer = _HeldOut(fits[:-1], held_out, problem)
    chains = Chains(quadratic, max_size)
    for column in np.flatnonzero(problem.locked):
        chains.add(np.full(len(fits), column))
    while True:
        errors, models = scorer.look(chains)
        yield Step(errors, PathPoint.of(chains, len(splits)), models)
        if chains.size >= max_size or not grow(chains):
            return
        if swaps:
            chains.settle(_MAX_SWAPS, tol)


def _fold_moments(problem, y, splits):
    """Moments of the training parts, with all samples last, and of the held-out parts."""
    design, n = problem.design, problem.design.shape[0]

    def moments(rows):
        return moments_of(design, y, problem.weight, rows, problem.mean, problem.target_mean)

    held_out = [moments(test) for _, test in splits]
    complements = [len(train) + len(test) == n and not np.isin(train, test).any() for train, test in splits]
    everything = np.concatenate([test for _, test in splits])
    if len(everything) == n and len(np.unique(everything)) == n:
        total = sum(held_out[1:], start=held_out[0])
    else:
        total = moments(np.arange(n))
    training = [
        total - part if is_complement else moments(train)
        for (train, _), part, is_complement in zip(splits, held_out, complements, strict=True)
    ]
    return [*training, total], held_out


@dataclass
class _Standardised:
    """One training part in the solver's units."""

    gram: np.ndarray
    correlation: np.ndarray
    usable: np.ndarray
    inverse_norm: np.ndarray
    scale: float
    mean_x: np.ndarray
    mean_y: np.ndarray


def _standardised(part, problem):
    if problem.fit_intercept:
        xx, xy, yy = part.centred()
        mean_x, mean_y = part.x / part.weight, part.y / part.weight
    else:
        xx, xy, yy = part.xx, part.xy, part.yy
        mean_x, mean_y = np.zeros_like(part.x), np.zeros_like(part.y)
    squares = np.diagonal(xx)
    # Taking a fold out of a sum leaves rounding of the size of the sum: a constant column is not exactly constant.
    usable = problem.usable & (squares > 1e3 * _EPS * np.diagonal(part.xx)) & (squares > 0)
    inverse_norm = np.where(usable, 1 / np.sqrt(np.where(usable, squares, 1.0)), 0.0)
    scale = np.sqrt(max(yy, 0.0))
    correlation = xy * inverse_norm[:, None] / (scale if scale > 0 else 1.0)
    gram = xx * inverse_norm[:, None] * inverse_norm
    return _Standardised(gram, correlation, usable, inverse_norm, scale, mean_x, mean_y)


class _HeldOut:
    """Squared errors on the held-out parts, from their moments: no further pass over X."""

    def __init__(self, fits, held_out, problem):
        self.fits = fits
        self.shift_x, self.shift_y = problem.mean, problem.target_mean
        self.held_out = held_out
        self.folds = np.arange(len(fits))[:, None]
        self.inverse_norm = np.stack([fit.inverse_norm for fit in fits])
        self.mean_x = np.stack([fit.mean_x for fit in fits])
        self.mean_y = np.stack([fit.mean_y for fit in fits])
        self.scale = np.array([fit.scale for fit in fits])
        for name in ("weight", "x", "y", "xx", "xy", "yy"):
            setattr(self, name, np.stack([getattr(part, name) for part in held_out]))

    def look(self, chains):
        """Mean squared errors (n_folds,) of the present coefficients, and the models of the folds."""
        k = len(self.fits)
        S = chains.supports[:k]
        f = self.folds
        slopes = chains.coefs[:k] * (self.inverse_norm[f, S] * self.scale[:, None])[:, :, None]
        intercepts = self.mean_y - (self.mean_x[f, S][:, None, :] @ slopes)[:, 0]
        gram = self.xx[f[:, :, None], S[:, :, None], S[:, None, :]]
        quadratic = np.sum(slopes * (gram @ slopes - 2 * self.xy[f, S]), axis=(1, 2))
        sums = (self.x[f, S][:, None, :] @ slopes)[:, 0]
        linear = np.sum(intercepts * (2 * (sums - self.y) + self.weight[:, None] * intercepts), axis=1)

        def models():
            return [
                (support, coef.T, self.shift_y + intercept - self.shift_x[support] @ coef)
                for support, coef, intercept in zip(S, slopes, intercepts, strict=True)
            ]

        return (self.yy + quadratic + linear) / self.weight, models

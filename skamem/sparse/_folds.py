"""Paths on the training parts of all folds, and on all samples, in lock step."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from skamem.sparse._chains import Chains
from skamem.sparse._forward import PathPoint, grow
from skamem.sparse._moments import moments_of, stacked
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
    paths = _Standardised(training, problem)
    problem.adopt_gram(paths.gram[-1].copy())
    quadratic = DenseQuadratic(
        paths.gram, paths.correlation, np.ones(len(paths.gram)), paths.usable, problem.locked, problem.alpha
    )
    scorer = _HeldOut(paths, held_out, problem)
    chains = Chains(quadratic, max_size)
    for column in np.flatnonzero(problem.locked):
        chains.add(np.full(len(paths.gram), column))
    while True:
        errors, models = scorer.look(chains)
        yield Step(errors, PathPoint.of(chains, len(splits)), models)
        if chains.size >= max_size or not grow(chains):
            return
        if swaps:
            chains.settle(_MAX_SWAPS, tol)


def _fold_moments(problem, y, splits):
    """Moments of the training parts, with all samples last, and of the held-out parts; stacked along the first axis."""
    design, n = problem.design, problem.design.shape[0]
    shift = problem.mean if problem.is_far_from_zero else None

    def moments(parts):
        return stacked([moments_of(design, y, problem.weight, rows, shift, problem.target_mean) for rows in parts])

    held_out = moments([test for _, test in splits])
    counts = np.bincount(np.concatenate([test for _, test in splits]), minlength=n)
    total = held_out.sum() if np.all(counts == 1) else moments([np.arange(n)]).sum()
    if all(len(train) + len(test) == n and not np.isin(train, test).any() for train, test in splits):
        training = total - held_out
    else:
        training = moments([train for train, _ in splits])
    return training.append(total), held_out


class _Standardised:
    """All training parts in the solver's units; the last is of all samples."""

    def __init__(self, parts, problem):
        if problem.fit_intercept:
            raw = np.einsum("bjj->bj", parts.xx).copy()
            xx, xy, yy = parts.centre()
            self.mean_x, self.mean_y = parts.x / parts.weight[:, None], parts.y / parts.weight[:, None]
        else:
            xx, xy, yy = parts.xx, parts.xy, parts.yy
            raw = np.einsum("bjj->bj", xx)
            self.mean_x, self.mean_y = np.zeros_like(parts.x), np.zeros_like(parts.y)
        squares = np.einsum("bjj->bj", xx)
        # Taking a fold out of a sum leaves rounding of the size of the sum: a constant column is not exactly constant.
        self.usable = problem.usable & (squares > 1e3 * _EPS * raw) & (squares > 0)
        self.inverse_norm = np.where(self.usable, 1 / np.sqrt(np.where(self.usable, squares, 1.0)), 0.0)
        self.scale = np.sqrt(np.maximum(yy, 0.0))
        xy *= (self.inverse_norm / np.where(self.scale > 0, self.scale, 1.0)[:, None])[:, :, None]
        xx *= self.inverse_norm[:, :, None]
        xx *= self.inverse_norm[:, None, :]
        self.gram, self.correlation = xx, xy


class _HeldOut:
    """Squared errors on the held-out parts, from their moments: no further pass over X."""

    def __init__(self, paths, held_out, problem):
        self.paths = paths
        self.held_out = held_out
        self.folds = np.arange(len(held_out.weight))[:, None]
        self.shift_x = problem.mean if problem.is_far_from_zero else np.zeros_like(problem.mean)
        self.shift_y = problem.target_mean

    def look(self, chains):
        """Mean squared errors (n_folds,) of the present coefficients, and the models of the folds."""
        paths, part, f = self.paths, self.held_out, self.folds
        k = len(f)
        S = chains.supports[:k]
        slopes = chains.coefs[:k] * (paths.inverse_norm[f, S] * paths.scale[:k, None])[:, :, None]
        intercepts = paths.mean_y[:k] - (paths.mean_x[f, S][:, None, :] @ slopes)[:, 0]
        gram = part.xx[f[:, :, None], S[:, :, None], S[:, None, :]]
        quadratic = np.sum(slopes * (gram @ slopes - 2 * part.xy[f, S]), axis=(1, 2))
        sums = (part.x[f, S][:, None, :] @ slopes)[:, 0]
        linear = np.sum(intercepts * (2 * (sums - part.y) + part.weight[:, None] * intercepts), axis=1)

        def models():
            return [
                (support, coef.T, self.shift_y + intercept - self.shift_x[support] @ coef)
                for support, coef, intercept in zip(S, slopes, intercepts, strict=True)
            ]

        return (part.yy + quadratic + linear) / part.weight, models

"""Paths on the training parts of all folds, and on all samples, in lock step."""

from dataclasses import dataclass

import numpy as np

from skamem.sparse.objective._fit import Fit
from skamem.sparse.objective._linalg import independent
from skamem.sparse.objective._moments import moments_of
from skamem.sparse.objective._quadratic import DenseQuadratic
from skamem.sparse.search._chains import Chains
from skamem.sparse.search._forward import grow

__all__ = ["LockStep", "Step"]

_EPS = np.finfo(np.float64).eps
# Held-out errors below this fraction of the terms that they are the difference of are mostly rounding.
_CANCELLATION = 1e-6


@dataclass
class Step:
    """One size of all paths.

    Parameters
    ----------
    supports : int array of shape (n_folds, s)
        On the training parts. A path that ended before ends in columns 0.
    coefs : array of shape (n_folds, s, n_targets)
        In their solver's units; zero there.
    point : Fit
        On all samples.
    """

    supports: np.ndarray
    coefs: np.ndarray
    point: Fit


class LockStep:
    """Paths on the training parts and on all samples, and what they leave on the held-out parts.

    Parameters
    ----------
    problem : Problem
        On all samples.
    y : array of shape (n_samples, n_targets)
        Where X lives.
    splits : list of (int array, int array)
        Training and held-out samples.

    Notes
    -----
    Reads X once where each training part is what the held-out part leaves. Cost O(n p²) for the moments; memory
    O(n_folds p²). Held-out errors come from moments: no further pass over X.
    """

    def __init__(self, problem, y, splits):
        self.problem = problem
        self.is_at_its_end = False  # set when Gram matrices have too few digits to go on
        training, self.held_out = _fold_moments(problem, y, splits)
        self.paths = _Standardised(training, problem)
        self.shift_x = problem.mean if problem.is_far_from_zero else np.zeros_like(problem.mean)
        problem.adopt_gram(self.paths.gram[-1].copy())

    @property
    def can_start(self):
        """Whether the locked features are independent in every training part."""
        locked = np.flatnonzero(self.problem.locked)
        grams = self.paths.gram[:, locked[:, None], locked]
        return bool(self.paths.usable[:, locked].all()) and all(independent(gram).all() for gram in grams)

    def steps(self, max_size, tol, *, swaps):
        """Yield a `Step` for each size, from the locked features alone up to `max_size`.

        Parameters
        ----------
        max_size : int
        tol : float
            Least relative decrease of the loss that counts.
        swaps : bool
            Whether to improve every size by swaps.

        Yields
        ------
        step : Step
        """
        paths, problem = self.paths, self.problem
        n_paths = len(paths.gram)
        quadratic = DenseQuadratic(
            paths.gram, paths.correlation, (paths.scale > 0).astype(float), paths.usable, problem.locked, problem.alpha
        )
        chains = Chains(quadratic, max_size)
        for column in np.flatnonzero(problem.locked):
            chains.add(np.full(n_paths, column))
        going = np.arange(n_paths)  # paths that have not ended
        supports = np.zeros((n_paths, max_size), dtype=np.intp)
        coefs = np.zeros((n_paths, max_size, problem.n_targets))
        while True:
            size = chains.size
            if chains.crowded().any():
                self.is_at_its_end = True
                return
            supports[going, :size], coefs[going, :size] = chains.supports, chains.coefs
            if going[-1] == n_paths - 1:
                point = chains.fit(len(going) - 1)
            yield Step(supports[:-1, :size].copy(), coefs[:-1, :size].copy(), point)
            # A path ends for want of columns, or at an exact fit: to that, further ones would add their rounding.
            kept = chains.loss > chains.floor
            while size < max_size and kept[going < n_paths - 1].any():
                if not kept.all():
                    chains.keep(kept)
                    going = going[kept]
                if grow(chains):
                    break
                kept = chains.addition_gains().max(axis=1) > 0.0
            else:
                return
            if swaps and chains.size > 1:  # the first column is the best by itself
                chains.settle(tol)

    def errors(self, steps):
        """Mean squared errors on the held-out samples, summed over targets, and which of them are mostly rounding.

        Both of shape (n_steps, n_folds).
        """
        S, slopes, intercepts = self._shifted_models(steps)
        part, fold = self.held_out, np.arange(S.shape[1])[:, None]
        gram = part.xx[fold[:, :, None], S[..., :, None], S[..., None, :]]
        squares, products = slopes * (gram @ slopes), slopes * part.xy[fold, S]
        quadratic = np.sum(squares - 2 * products, axis=(2, 3))
        sums = (part.x[fold, S][..., None, :] @ slopes)[..., 0, :]
        linear = np.sum(intercepts * (2 * (sums - part.y) + part.weight[:, None] * intercepts), axis=2)
        errors = part.yy + quadratic + linear
        terms = part.yy + np.sum(np.abs(squares) + 2 * np.abs(products), axis=(2, 3)) + np.abs(linear)
        return errors / part.weight, errors < _CANCELLATION * terms

    def models(self, step):
        """List of (support, slopes, intercepts), one for each fold, in the units of X and y.

        Shapes (s,), (n_targets, s), (n_targets,).
        """
        S, slopes, intercepts = (part[0] for part in self._shifted_models([step]))
        units = self.problem.design.units
        return [
            (support, coef.T / units[support], self.problem.target_mean + intercept - self.shift_x[support] @ coef)
            for support, coef, intercept in zip(S, slopes, intercepts, strict=True)
        ]

    def _shifted_models(self, steps):
        """Supports, slopes and intercepts for shifted X and y, for many sizes; short supports end in zeros."""
        paths, (n_folds, largest, n_targets) = self.paths, steps[-1].coefs.shape
        S = np.zeros((len(steps), n_folds, largest), dtype=np.intp)
        slopes = np.zeros((len(steps), n_folds, largest, n_targets))
        for t, step in enumerate(steps):
            S[t, :, : step.supports.shape[1]] = step.supports
            slopes[t, :, : step.supports.shape[1]] = step.coefs
        fold = np.arange(n_folds)[:, None]
        slopes *= (paths.inverse_norm[fold, S] * paths.scale[:n_folds, None])[..., None]
        return S, slopes, paths.mean_y[:n_folds] - (paths.mean_x[fold, S][..., None, :] @ slopes)[..., 0, :]


def _fold_moments(problem, y, splits):
    """Moments of the training parts, with all samples last, and of the held-out parts; stacked along the first axis."""
    design, n = problem.design, problem.design.shape[0]
    shift = problem.mean if problem.is_far_from_zero else None

    def moments(parts):
        return moments_of(design, y, problem.weight, parts, shift, problem.target_mean)

    held_out = moments([test for _, test in splits])
    counts = np.bincount(np.concatenate([test for _, test in splits]), minlength=n)
    total = held_out.sum() if np.all(counts == 1) else moments([np.arange(n)]).sum()
    if all(np.all(np.bincount(np.concatenate(split), minlength=n) == 1) for split in splits):
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

"""Small symmetric systems on the host, single ones straight to LAPACK: at s = 10 wrappers cost more than the work."""

import numpy as np
from scipy.linalg import lapack, lstsq, solve_triangular
from scipy.optimize import nnls

__all__ = [
    "DEPENDENT",
    "DEPENDENT_COLUMNS",
    "EPS",
    "SOUND",
    "TELLING_LOSS",
    "TIE",
    "ZERO_LOSS",
    "damped_least_squares",
    "first_of_best",
    "independent",
    "inverses",
    "loss_reduction",
    "nonnegative_solve",
    "regularised_solve",
    "well_conditioned_solver",
]

EPS = float(np.finfo(np.float64).eps)
"""Spacing of double precision."""

ZERO_LOSS = 1e-13
"""Losses below this fraction of ‖y‖² are what double precision leaves of an exact fit through a Gram matrix."""

DEPENDENT = 1e-10
"""A unit column closer than this (squared distance) to the span of others counts as dependent on them."""

DEPENDENT_COLUMNS = 1e-22
"""The same where the columns themselves are looked at, of which rounding leaves 1e-30."""

SOUND = 1e-7
"""A unit column closer than this (squared distance) to the span of others is near enough that a Gram matrix, which has
eps = 2e-16 of it, no longer tells what it gains."""

TELLING_LOSS = 1e-8
"""Losses below this fraction of ‖y‖² are differences that a Gram matrix gives too few digits of to compare supports."""

TIE = 1e-9
"""Scores that differ by less than this fraction are ties, and the lower index wins: rounding, which changes with units,
backend and the order of samples, must not decide."""


# Singular values below this fraction of the largest are zero to an orthogonal factorisation.
_RANK = 1e-12


def first_of_best(scores):
    """Index of the best of each row of scores, the first of those nearly as good; None where a row has none above 0."""
    best = scores.max(axis=1, keepdims=True)
    return (scores >= best * (1 - TIE)).argmax(axis=1) if best.min() > 0.0 else None


def _cholesky(gram, alpha):
    """Lower factor of gram + alpha I, or None when a pivot says the columns are dependent."""
    factor = np.array(gram, order="F")
    if alpha:
        factor.flat[:: len(factor) + 1] += alpha
    factor, info = lapack.dpotrf(factor, lower=1, overwrite_a=1, clean=0)
    if info or np.diagonal(factor).min(initial=1.0) ** 2 < DEPENDENT:
        return None
    return factor


def independent(gram):
    """Mask of the unit columns that are not dependent on those before them, from their Gram matrix."""
    rest, kept = np.array(gram, dtype=np.float64), np.zeros(len(gram), dtype=bool)
    for j in range(len(rest)):
        room = rest[j, j]
        kept[j] = room > DEPENDENT
        if kept[j]:
            rest -= np.outer(rest[:, j], rest[j] / room)
    return kept


def regularised_solve(gram, right_side, alpha):
    """Solve (gram + alpha I) w = right_side; the shortest solution where columns are dependent."""
    if not len(gram):  # LAPACK refuses empty arrays
        return np.zeros_like(right_side)
    factor = _cholesky(gram, alpha)
    if factor is not None:
        return lapack.dpotrs(factor, right_side, lower=1)[0]
    values, vectors = np.linalg.eigh(gram)
    kept = values > DEPENDENT * max(values[-1], 1.0)
    vectors = vectors[:, kept]
    return vectors @ ((vectors.T @ right_side) / (values[kept, None] + alpha))


def nonnegative_solve(gram, right_side):
    """Nonnegative w of least wᵀ gram w - 2 wᵀ right_side; zeros are exact. `right_side` is a vector."""
    if not len(gram):
        return np.zeros(0)
    root = np.linalg.cholesky(gram + DEPENDENT * np.eye(len(gram))).T
    target = solve_triangular(root, right_side, trans="T", check_finite=False)
    return nnls(root, target)[0]


def loss_reduction(gram, right_side, alpha):
    """Loss that least squares on these columns takes away; -inf when they are dependent."""
    factor = _cholesky(gram, alpha)
    if factor is None:
        return -np.inf
    return float(np.sum(right_side * lapack.dpotrs(factor, right_side, lower=1)[0]))


def inverses(grams):
    """Inverses of stacked symmetric positive definite matrices, or None when the columns of one are dependent."""
    if len(grams) == 1:
        factor = _cholesky(grams[0], 0.0)
        if factor is None:
            return None
        inverse = lapack.dpotri(factor, lower=1, overwrite_c=1)[0]  # its lower triangle
        return np.where(np.tri(len(inverse), dtype=bool), inverse, inverse.T)[None]
    try:
        factors = np.linalg.cholesky(grams)
    except np.linalg.LinAlgError:
        return None
    if np.einsum("bss->bs", factors).min(initial=1.0) ** 2 < DEPENDENT:
        return None
    return np.linalg.inv(grams)


def well_conditioned_solver(gram, alpha):
    """Function that solves (gram + alpha I) w = b, or None when the factor is too ill-conditioned to refine."""
    if not len(gram):
        return np.copy
    factor = _cholesky(gram, alpha)
    if factor is None:
        return None
    pivots = np.diagonal(factor)
    if pivots.min() < 1e-4 * pivots.max():
        return None
    return lambda right_side: lapack.dpotrs(factor, right_side, lower=1)[0]


def damped_least_squares(columns, target, alpha):
    """Ridge least squares by LAPACK's orthogonal factorisation; the shortest solution where columns are dependent."""
    if alpha:
        s = columns.shape[1]
        columns = np.vstack([columns, np.sqrt(alpha) * np.eye(s)])
        target = np.vstack([target, np.zeros((s, target.shape[1]))])
    return lstsq(columns, target, cond=_RANK, lapack_driver="gelsy", check_finite=False)[0]

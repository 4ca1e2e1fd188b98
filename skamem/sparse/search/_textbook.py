"""Iterative hard thresholding as its papers have it: for teaching, and to measure what the solver adds."""

import numpy as np

from skamem.sparse.objective._fit import Fit
from skamem.sparse.search._pursuit import largest

__all__ = ["iterative_hard_thresholding"]

# Iterations of the power method; an estimate from below is widened by a little.
_POWER_ITERATIONS = 30
_WIDEN = 1.05
# Normalised step: c and κ of Blumensath and Davies (2010).
_SLACK = 0.01
_SHRINK = 2.0


def iterative_hard_thresholding(problem, size, start=None, *, normalised, max_iter, tol):
    """Iterate z <- H_s(z + μ (X̃ᵀ(ỹ - X̃ z) - α z)) from z = 0.

    The plain step is μ = 1/(‖X̃‖² + α), which scales the design to the norm below one that the method asks for. The
    normalised step is μ = ‖g_S‖² / (‖X̃ g_S‖² + α ‖g_S‖²), made smaller where the support changes until
    μ < (1 - c) ‖z' - z‖² / ‖X̃(z' - z)‖².

    Parameters
    ----------
    problem : Problem
    size : int
        s.
    start : int array, default=None
        Support on which the first gradient is taken when normalised; None takes the largest correlations.
    normalised : bool
    max_iter : int
    tol : float
        Ends when z changes by less than this, relatively.

    Returns
    -------
    fit : Fit
        The last iterate: its coefficients are those of the iteration, not of least squares.
    n_iter : int
    converged : bool

    References
    ----------
    Blumensath and Davies (2009), Applied and Computational Harmonic Analysis 27:265, doi:10.1016/j.acha.2009.04.002.
    Blumensath and Davies (2010), IEEE Journal of Selected Topics in Signal Processing 4:298,
    doi:10.1109/JSTSP.2010.2042411.
    """
    coefs = np.zeros_like(problem.correlation)
    support = largest(problem.admissible(problem.correlation), size, problem.locked) if start is None else start
    gradient, residual = problem.correlation, problem.target
    step = None if normalised else 1.0 / (_squared_norm(problem) + problem.alpha)
    n_iter, converged = 0, False
    while n_iter < max_iter and not converged:
        n_iter += 1
        if normalised:
            updated, entering = _normalised_step(problem, coefs, gradient, support, size)
        else:
            updated, entering = _thresholded(problem, coefs + step * gradient, size)
        change = np.linalg.norm(updated - coefs)
        coefs, support = updated, entering
        residual = problem.target - problem.columns(support) @ problem.design.asarray(coefs[support])
        square = float(problem.design.xp.sum(residual * residual))
        converged = change <= tol * np.linalg.norm(coefs) or square <= problem.zero_loss
        if not converged:
            gradient = problem.gradient(residual) - problem.alpha * coefs
    return _fit(problem, coefs, support, residual), n_iter, converged


def _fit(problem, coefs, support, residual):
    loss = float(problem.design.xp.sum(residual * residual)) + problem.alpha * float(np.sum(coefs**2))
    return Fit(support, coefs[support], loss, residual=residual)


def _thresholded(problem, point, size):
    """H_s of `point`, and its support."""
    support = largest(problem.admissible(point), size, problem.locked)
    kept = np.zeros_like(point)
    kept[support] = point[support]
    return kept, support


def _normalised_step(problem, coefs, gradient, support, size):
    inside = gradient[support]
    length = problem.squared_length(support, inside)
    step = float(np.sum(inside**2)) / length if length > 0 else 1.0
    while True:
        updated, entering = _thresholded(problem, coefs + step * gradient, size)
        if np.array_equal(entering, support):
            return updated, entering
        difference = updated - coefs
        moved = np.flatnonzero(np.any(difference != 0, axis=1))
        length = problem.squared_length(moved, difference[moved])
        if step * length <= (1 - _SLACK) * float(np.sum(difference**2)):
            return updated, entering
        step /= _SHRINK * (1 - _SLACK)


def _squared_norm(problem):
    """‖X̃‖², by the power method from the correlation with the target."""
    vector = problem.correlation[:, :1] + 1e-3 * problem.usable[:, None]
    norm = 1.0
    for _ in range(_POWER_ITERATIONS):
        vector = vector / np.linalg.norm(vector)
        vector = problem.gradient(problem.combine(vector))
        norm = float(np.linalg.norm(vector))
    return _WIDEN * norm

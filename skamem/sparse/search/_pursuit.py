"""Hard thresholding pursuit with the step of normalised iterative hard thresholding: a support in a few passes."""

import numpy as np

from skamem.sparse.objective._linalg import TIE

__all__ = ["greatest", "hard_thresholding_pursuit", "largest"]

_HALVINGS = 4


def greatest(score, size):
    """Indices of the `size` greatest of non-negative `score`, in no particular order; ties go to the lower index."""
    if size == 0:
        return np.empty(0, dtype=np.intp)
    least = np.partition(score, len(score) - size)[len(score) - size]
    sure = np.flatnonzero(score > least * (1 + TIE))
    tied = np.flatnonzero((score >= least * (1 - TIE)) & (score <= least * (1 + TIE)))
    return np.concatenate([sure, tied[: size - len(sure)]])


def largest(values, size, locked):
    """Ascending indices of the `size` rows of `values` with the greatest norm; locked rows first, zero rows never.

    Parameters
    ----------
    values : array of shape (n_features, n_targets)
    size : int
    locked : bool array of shape (n_features,)

    Returns
    -------
    index : int array
        At most `size` entries.
    """
    score = values[:, 0] ** 2 if values.shape[1] == 1 else np.einsum("pq,pq->p", values, values)
    score[locked] = np.inf
    size = min(size, int(np.count_nonzero(score)))
    return np.sort(greatest(score, size))


def hard_thresholding_pursuit(problem, size, start=None, *, max_iter=50, tol=1e-9):
    """Alternate a gradient step, the `size` largest entries, and least squares on them.

    S' = top_s(w + μ g), w = argmin over supp S'. After least squares the gradient vanishes on S, so the step of
    normalised iterative hard thresholding, μ = ‖g_S‖² / ‖X̃_S g_S‖², is 0/0: it is taken on J, the s largest entries
    of g off S, instead. μ is halved until the loss falls; a support is never visited twice.

    Parameters
    ----------
    problem : Problem
    size : int
        s.
    start : int array, default=None
        First support; None takes the columns that correlate most with the target.
    max_iter : int
    tol : float
        Least relative decrease of the loss that counts.

    Returns
    -------
    fit : Fit
        The last support, with its gradient if it was computed.
    n_iter : int
    converged : bool
        False when a further iteration might have lowered the loss.

    Notes
    -----
    One pass over X an iteration.

    References
    ----------
    Foucart (2011), SIAM Journal on Numerical Analysis 49:2543, doi:10.1137/100806278.
    Blumensath and Davies (2010), IEEE Journal of Selected Topics in Signal Processing 4:298,
    doi:10.1109/JSTSP.2010.2042411.
    """
    support = largest(problem.admissible(problem.correlation), size, problem.locked) if start is None else start
    fit = problem.least_squares(support)
    seen = {support.tobytes()}
    n_iter = 0
    while n_iter < max_iter and not fit.exact:
        n_iter += 1
        fit.gradient = problem.gradient(fit.residual)
        better = _step(problem, fit, size, seen, tol)
        if better is None:
            return fit, n_iter, True
        fit = better
    return fit, max(n_iter, 1), fit.exact


def _step(problem, fit, size, seen, tol):
    """One iteration: a fit of lower loss on a new support, or None."""
    outside = fit.gradient.copy()
    outside[fit.support] = 0.0
    outside = problem.admissible(outside)
    entering = largest(outside, size, np.zeros_like(problem.locked))
    length = problem.squared_length(entering, outside[entering])
    if length <= 0.0:
        return None
    step = float(np.sum(outside[entering] ** 2)) / length
    for _ in range(_HALVINGS):
        point = step * outside
        point[fit.support] += fit.coefs
        support = largest(problem.admissible(point), size, problem.locked)
        if np.array_equal(support, fit.support):
            return None
        if support.tobytes() not in seen:
            seen.add(support.tobytes())
            trial = problem.least_squares(support)
            if trial.loss < fit.loss * (1 - tol):
                return trial
        step /= 2
    return None

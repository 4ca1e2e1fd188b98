"""Linear least squares for memories: W with X W nearest to Y, by three solvers.

All three take validated float arrays and return the weights; they differ in what they cost and what they survive.
"""

import numpy as np

from skamem.core import arrays

LinAlgError = np.linalg.LinAlgError

__all__ = ["SOLVERS", "LinAlgError", "cholesky", "moments", "neumann", "neumann_moments", "svd"]


def svd(X, Y, *, alpha=0.0):
    """Minimum-norm (ridge) least squares by the singular value decomposition; survives any rank.

    W = V diag(σ / (σ² + α)) Uᵀ Y, singular values below max(m, n) eps σ_max dropped.

    Parameters
    ----------
    X : array of shape (n_patterns, n_units)
        Stored patterns.
    Y : array of shape (n_patterns, n_outputs)
        What they should recall.
    alpha : float, default=0.0
        Ridge penalty on the squared weights, >= 0, in squared units of X.

    Returns
    -------
    weights : array of shape (n_units, n_outputs)
        Dtype and device of `X`. Cost O(m n min(m, n)).

    Examples
    --------
    >>> import numpy as np
    >>> X = np.asarray([[1.0, 1.0], [1.0, 1.0]])
    >>> svd(X, X).round(12)
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """
    xp, alpha = arrays.namespace(X), float(alpha)  # a NumPy scalar would make float32 arrays float64
    U, singular, Vt = xp.linalg.svd(X, full_matrices=False)
    cut = max(X.shape) * xp.finfo(X.dtype).eps * singular[0]
    kept = singular > cut
    safe = xp.where(kept, singular, xp.ones_like(singular))
    gains = xp.where(kept, safe / (safe * safe + alpha), xp.zeros_like(singular))
    return xp.matrix_transpose(Vt) @ (gains[:, None] * (xp.matrix_transpose(U) @ Y))


def cholesky(X, Y, *, alpha=0.0):
    """(Ridge) least squares from the Gram matrix of the smaller side, by Cholesky.

    W = Xᵀ (X Xᵀ + α I)⁻¹ Y when there are fewer patterns than units, (Xᵀ X + α I)⁻¹ Xᵀ Y otherwise.

    Parameters
    ----------
    X : array of shape (n_patterns, n_units)
        Stored patterns, of full rank unless `alpha` > 0.
    Y : array of shape (n_patterns, n_outputs)
        What they should recall.
    alpha : float, default=0.0
        Ridge penalty, >= 0, in squared units of X.

    Returns
    -------
    weights : array of shape (n_units, n_outputs)
        Dtype and device of `X`. Cost O(m n min(m, n)), with a much smaller factor than `svd`; squares the
        condition number.

    Raises
    ------
    numpy.linalg.LinAlgError
        When the Gram matrix is singular to working precision.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.asarray([[1.0, 1.0], [1.0, -1.0]])
    >>> cholesky(X, X).round(12) + 0.0
    array([[1., 0.],
           [0., 1.]])
    """
    xp = arrays.namespace(X)
    Xt = xp.matrix_transpose(X)
    if X.shape[0] < X.shape[1]:
        return Xt @ arrays.cholesky_solve(_ridged(X @ Xt, alpha), Y)
    return arrays.cholesky_solve(_ridged(Xt @ X, alpha), Xt @ Y)


def neumann(X, Y, *, alpha=0.0, n_layers=100, step="auto", hyperpower=False):
    """Least squares by a truncated Neumann series: a residual network, and gradient descent, in one.

    (G)⁻¹ ≈ c Σ_{l < L} (I - c G)^l for G = X Xᵀ + α I. Each term is one layer of a residual network with shared
    weights; the partial sums are the iterates of gradient descent on ‖X W - Y‖² from W = 0 (Landweber's iteration).

    Parameters
    ----------
    X : array of shape (n_patterns, n_units)
        Stored patterns.
    Y : array of shape (n_patterns, n_outputs)
        What they should recall.
    alpha : float, default=0.0
        Ridge penalty, >= 0, in squared units of X.
    n_layers : int, default=100
        Layers L >= 1.
    step : "auto" or float, default="auto"
        Step c in (0, 2/‖G‖); "auto" is 1/‖G‖.
    hyperpower : bool, default=False
        Let every layer double the number of terms (Newton-Schulz): L layers sum 2^L terms.

    Returns
    -------
    weights : array of shape (n_units, n_outputs)
        Dtype and device of `X`. The error falls as max_i abs(1 - c σ_i²)^L over the nonzero singular values σ_i.
        Cost O(L min(m, n)² k), or O(L min(m, n)³) with `hyperpower`.

    Raises
    ------
    ValueError
        When `step` is outside the interval of convergence.

    References
    ----------
    Landweber (1951), American Journal of Mathematics 73:615, doi:10.2307/2372313.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.asarray([[1.0, 1.0], [1.0, 0.0]])
    >>> bool(np.allclose(neumann(X, X, n_layers=200), np.eye(2)))
    True
    """
    xp = arrays.namespace(X)
    Xt = xp.matrix_transpose(X)
    options = {"alpha": alpha, "n_layers": n_layers, "step": step, "hyperpower": hyperpower}
    if X.shape[0] < X.shape[1]:
        return Xt @ neumann_moments(X @ Xt, Y, **options)
    return neumann_moments(Xt @ X, Xt @ Y, **options)


def neumann_moments(gram, cross, *, alpha=0.0, n_layers=100, step="auto", hyperpower=False):
    """The Neumann series of `neumann` for given moments: c Σ_{l < L} (I - c G)^l ``cross``, G = ``gram`` + α I.

    Parameters
    ----------
    gram : array of shape (n, n)
        Symmetric, positive semi-definite: Xᵀ X (or X Xᵀ).
    cross : array of shape (n, k)
        Right side: Xᵀ Y (or Y).
    alpha : float, default=0.0
        As in `neumann`.
    n_layers : int, default=100
        As in `neumann`.
    step : "auto" or float, default="auto"
        As in `neumann`.
    hyperpower : bool, default=False
        As in `neumann`.

    Returns
    -------
    solution : array of shape (n, k)
        Cost O(n³ + L n² k).

    Raises
    ------
    ValueError
        When `step` is outside the interval of convergence.
    """
    gram = _ridged(gram, alpha)
    norm = float(arrays.namespace(gram).linalg.eigvalsh(gram)[-1])
    if norm <= 0.0:  # X is all zero, so is its pseudoinverse
        return 0.0 * cross
    c = 1.0 / norm if step == "auto" else float(step)
    if not 0.0 < c < 2.0 / norm:
        raise ValueError(
            f"step={step!r} does not converge; expected 0 < step < 2 / ‖X Xᵀ + alpha I‖ = {2.0 / norm:.6g}. "
            "Use step='auto'."
        )
    return _hyperpower_sum(gram, cross, c, n_layers) if hyperpower else _sum(gram, cross, c, n_layers)


def moments(gram, cross, *, alpha=0.0):
    """Minimum-norm (ridge) least squares from accumulated moments Xᵀ X and Xᵀ Y.

    Parameters
    ----------
    gram : array of shape (n_units, n_units)
        Xᵀ X.
    cross : array of shape (n_units, n_outputs)
        Xᵀ Y.
    alpha : float, default=0.0
        Ridge penalty, >= 0.

    Returns
    -------
    weights : array of shape (n_units, n_outputs)
        Directions with singular values of X below sqrt(n eps) of the largest count as absent. Cost O(n³).
    """
    xp, alpha = arrays.namespace(gram), float(alpha)
    values, vectors = xp.linalg.eigh(gram)
    kept = values > gram.shape[0] * xp.finfo(gram.dtype).eps * values[-1]
    gains = xp.where(kept, 1.0 / xp.where(kept, values + alpha, 1.0), 0.0 * values)
    return vectors @ (gains[:, None] * (xp.matrix_transpose(vectors) @ cross))


def _sum(gram, right_side, c, n_layers):
    solution = c * right_side
    for _ in range(n_layers - 1):
        solution = solution + c * (right_side - gram @ solution)
    return solution


def _hyperpower_sum(gram, right_side, c, n_layers):
    # Σ_{l < 2^L} M^l = (I + M^{2^{L-1}}) ... (I + M²) (I + M), M = I - c G
    power = _ridged(-c * gram, 1.0)
    solution = c * right_side
    for layer in range(n_layers):
        solution = solution + power @ solution
        if layer + 1 < n_layers:
            power = power @ power
    return solution


def _ridged(gram, alpha):
    if alpha == 0.0:
        return gram
    xp = arrays.namespace(gram)
    return gram + float(alpha) * xp.eye(gram.shape[0], dtype=gram.dtype, device=arrays.device(gram))


SOLVERS = {"svd": svd, "cholesky": cholesky, "neumann": neumann}
"""Least-squares solvers by name: ``(X, Y, *, alpha) -> weights``."""

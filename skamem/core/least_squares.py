"""Linear least squares for memories: W with X W nearest to Y, by three solvers.

All three take validated float arrays and return the weights; they differ in what they cost and what they survive.
"""

import numpy as np
import scipy.linalg
from scipy.linalg import get_lapack_funcs

from skamem.core import arrays
from skamem.core._neumann import invert_gram, neumann, neumann_factors, neumann_moments
from skamem.core.factors import Factors, matrix
from skamem.core.magnitudes import power_of_two

LinAlgError = np.linalg.LinAlgError

__all__ = [
    "FACTORS",
    "SOLVERS",
    "LinAlgError",
    "cholesky",
    "cholesky_factors",
    "cholesky_solve",
    "invert_gram",
    "moments",
    "neumann",
    "neumann_factors",
    "neumann_moments",
    "reduced",
    "svd",
    "svd_factors",
]

_QR_BLOCK = 32  # columns that LAPACK eliminates at once


def svd(X, Y, *, alpha=0.0, n_patterns=None):
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
    n_patterns : int, default=None
        How many patterns these rows stand for, where they were `reduced`: their rounding grows with the root of it.
        Singular values are then dropped below max(n, 4 sqrt(n_patterns)) eps σ_max.

    Returns
    -------
    weights : array of shape (n_units, n_outputs)
        Dtype and device of `X`. Cost O(m n min(m, n)); of rows `reduced` to a well-conditioned triangle, on the host,
        without the decomposition, O(n² n_outputs).

    Examples
    --------
    >>> import numpy as np
    >>> X = np.asarray([[1.0, 1.0], [1.0, 1.0]])
    >>> svd(X, X).round(12)
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """
    solution = None if n_patterns is None or alpha else _triangular_solution(X, Y, n_patterns)
    if solution is not None:
        return solution
    Ut, Vt, _, gains = _decomposed(X, alpha, n_patterns)
    return arrays.namespace(X).matrix_transpose(Vt) @ (gains[:, None] * (Ut @ Y))


def svd_factors(X, Y, *, alpha=0.0):
    """The weights of `svd` as factors, for few patterns of many units.

    Parameters
    ----------
    X : array of shape (n_patterns, n_units)
        Stored patterns.
    Y : array of shape (n_patterns, n_outputs)
        What they should recall; where it is `X` itself, weights are V diag(σ² / (σ² + α)) Vᵀ.
    alpha : float, default=0.0
        As in `svd`.

    Returns
    -------
    weights : Factors of shape (n_units, n_outputs)
        Cost O(m² (n_units + n_outputs)).
    """
    Ut, Vt, singular, gains = _decomposed(X, alpha)
    return Factors(Vt, strengths=gains * singular) if Y is X else Factors(Vt, gains[:, None] * (Ut @ Y))


def _decomposed(X, alpha, n_patterns=None):
    """Uᵀ, Vᵀ, the singular values of X and σ / (σ² + α), 0 for those that are dropped."""
    xp, alpha = arrays.namespace(X), float(alpha)  # a NumPy scalar would make float32 arrays float64
    U, singular, Vt = xp.linalg.svd(X, full_matrices=False)
    size = max(X.shape) if n_patterns is None else _size(X, n_patterns)
    kept = singular > size * xp.finfo(X.dtype).eps * singular[0]
    safe = xp.where(kept, singular, xp.ones_like(singular))
    # Not σ / (σ² + α): of very large or small patterns that square is no number.
    gains = xp.where(kept, 1.0 / (safe + alpha / safe), xp.zeros_like(singular))
    return xp.matrix_transpose(U), Vt, singular, gains


def _size(R, n_patterns):
    """Singular values of `reduced` rows below this times eps, in share of the largest, are rounding."""
    return max(R.shape[1], 4.0 * n_patterns**0.5)


def _triangular_solution(R, Z, n_patterns):
    """R⁻¹ Z, if all singular values of the triangle R of `reduced` rows count with a margin; None otherwise."""
    xp, n_units = arrays.namespace(R), R.shape[1]
    if R.shape[0] < n_units or not arrays.host_checks_are_free(xp):
        return None
    # A triangle is its own LU factorisation. The margin: this is an estimate, and of norms that are no singular values.
    triangle = R / power_of_two(R)
    share, _ = get_lapack_funcs(("gecon",), (R,))[0](triangle, xp.max(xp.sum(xp.abs(triangle), axis=0)))
    if not share > 100.0 * _size(R, n_patterns) * xp.finfo(R.dtype).eps:
        return None
    return xp.eye(n_units, dtype=R.dtype) if Z is R else scipy.linalg.solve_triangular(R, Z, check_finite=False)


def reduced(X, Y, held=None):
    """No more rows than there are units, with the least-squares weights of many: R and Z of X = Q R, Z = Qᵀ Y.

    Rows may come block by block. The Gram matrix would be as small, but squares the condition number.

    Parameters
    ----------
    X : array of shape (n_patterns, n_units)
        Stored patterns.
    Y : array of shape (n_patterns, n_outputs) or None
        What they should recall; None for themselves.
    held : tuple of (array, array or None), default=None
        What this function made of the rows before.

    Returns
    -------
    R, Z : array of shape (min(n_patterns, n_units), n_units), array of shape (..., n_outputs) or None
        Stand for X and Y in all solvers, whatever the penalty: rows as they are while they are fewer than units, then
        R is upper triangular. Copies. Cost O(n_patterns n_units²), from `held` too.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).standard_normal((100, 3))
    >>> R, _ = reduced(X[50:], None, reduced(X[:50], None))
    >>> R.shape, bool(np.allclose(R.T @ R, X.T @ X))
    ((3, 3), True)
    """
    xp, n_units = arrays.namespace(X), X.shape[1]
    joint = Y is None or Y.shape[1] <= n_units  # targets as further columns: Q is not formed
    if held is not None and held[0].shape[0] == n_units and joint and arrays.host_checks_are_free(xp):
        return _extended(*held, X, Y)
    if held is not None:
        X = xp.concat([held[0], X], axis=0)
        Y = None if Y is None else xp.concat([held[1], Y], axis=0)
    if X.shape[0] < n_units:
        return tuple(None if part is None else arrays.copy(part) for part in (X, Y)) if held is None else (X, Y)
    if Y is None:
        return _triangular(X), None
    if joint:
        R = _triangular(xp.concat([X, Y], axis=1))[:n_units, :]
        return arrays.copy(R[:, :n_units]), arrays.copy(R[:, n_units:])
    Q, R = xp.linalg.qr(X, mode="reduced")
    return R, xp.matrix_transpose(Q) @ Y


def _triangular(rows):
    """R of ``rows`` = Q R: upper triangular, or trapezoidal where there are fewer rows than columns."""
    xp = arrays.namespace(rows)
    if arrays.host_checks_are_free(xp):
        return scipy.linalg.qr(rows, mode="raw", check_finite=False)[1]  # without Q, which takes most of the time
    return xp.linalg.qr(rows, mode="reduced")[1]


def _extended(R, Z, X, Y):
    """The triangle R, and Z, with further rows X and Y: LAPACK spares the zeros below, so that few rows cost little."""
    xp, n_units = arrays.namespace(R), R.shape[1]
    held, rows = R, X
    if Z is not None:
        rows, n_outputs = xp.concat([X, Y], axis=1), Z.shape[1]
        held = xp.zeros((n_units + n_outputs, n_units + n_outputs), dtype=R.dtype)
        held[:n_units, :n_units], held[:n_units, n_units:] = R, Z
    update = get_lapack_funcs(("tpqrt",), (held, rows))[0]
    held = update(0, min(_QR_BLOCK, held.shape[0]), held, rows)[0]
    return (held, None) if Z is None else (held[:n_units, :n_units].copy(), held[:n_units, n_units:].copy())


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
    if X.shape[0] < X.shape[1]:
        return matrix(cholesky_factors(X, Y, alpha=alpha))
    Xt = arrays.namespace(X).matrix_transpose(X)
    return cholesky_solve(_ridged(Xt @ X, alpha), Xt @ Y)


def cholesky_factors(X, Y, *, alpha=0.0):
    """The weights of `cholesky` as factors, Xᵀ and (X Xᵀ + α I)⁻¹ Y, for fewer patterns than units.

    Parameters
    ----------
    X : array of shape (n_patterns, n_units)
        As in `cholesky`.
    Y : array of shape (n_patterns, n_outputs)
        What they should recall.
    alpha : float, default=0.0
        As in `cholesky`.

    Returns
    -------
    weights : Factors of shape (n_units, n_outputs)
        Cost O(m² (n_units + n_outputs)).

    Raises
    ------
    numpy.linalg.LinAlgError
        As `cholesky`.
    """
    gram = X @ arrays.namespace(X).matrix_transpose(X)
    return Factors(X, cholesky_solve(_ridged(gram, alpha), Y))


def cholesky_solve(gram, right_side):
    """Solve ``gram @ Z = right_side`` for symmetric positive definite `gram`.

    Parameters
    ----------
    gram : array of shape (n, n)
        Symmetric.
    right_side : array of shape (n, k)
        One column a system.

    Returns
    -------
    solution : array of shape (n, k)

    Raises
    ------
    numpy.linalg.LinAlgError
        When `gram` is not positive definite to working precision.

    Notes
    -----
    Cost O(n³/3 + n²k). SciPy's Cholesky on the host; elsewhere a Cholesky factor certifies and ``linalg.solve`` solves.
    """
    xp = arrays.namespace(gram)
    try:
        factor = xp.linalg.cholesky(gram)
    except (np.linalg.LinAlgError, RuntimeError) as error:  # torch's LinAlgError is a RuntimeError
        raise np.linalg.LinAlgError("the matrix is not positive definite") from error
    pivots = xp.linalg.diagonal(factor)
    limit = (gram.shape[0] * xp.finfo(gram.dtype).eps) ** 0.5
    if not bool(xp.min(pivots) > limit * xp.max(pivots)):  # also catches NaN; squares could be no numbers
        raise np.linalg.LinAlgError("the matrix is singular to working precision")
    if arrays.host_checks_are_free(xp):
        return scipy.linalg.cho_solve((factor, True), right_side, check_finite=False)
    return xp.linalg.solve(gram, right_side)


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


def _ridged(gram, alpha):
    if alpha == 0.0:
        return gram
    xp = arrays.namespace(gram)
    return gram + float(alpha) * xp.eye(gram.shape[0], dtype=gram.dtype, device=arrays.device(gram))


SOLVERS = {"svd": svd, "cholesky": cholesky, "neumann": neumann}
"""Least-squares solvers by name: ``(X, Y, *, alpha) -> weights``."""

FACTORS = {"svd": svd_factors, "cholesky": cholesky_factors, "neumann": neumann_factors}
"""The same for fewer patterns than units, with weights as `skamem.core.factors.Factors`."""

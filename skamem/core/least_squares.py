"""Linear least squares for memories: W with X W nearest to Y, by three solvers.

All three take validated float arrays and return the weights; they differ in what they cost and what they survive.
"""

import numpy as np
import scipy.linalg

from skamem.core import arrays
from skamem.core._neumann import invert_gram, neumann, neumann_factors, neumann_moments
from skamem.core.factors import Factors, matrix

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


_ALIKE = 64.0  # ratio of sizes of columns up to which their moments are solved as they are


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
    Ut, Vt, _, gains = _decomposed(X, alpha)
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


def _decomposed(X, alpha):
    """Uᵀ, Vᵀ, the singular values of X and σ / (σ² + α), 0 for those that are dropped."""
    xp, alpha = arrays.namespace(X), float(alpha)  # a NumPy scalar would make float32 arrays float64
    U, singular, Vt = xp.linalg.svd(X, full_matrices=False)
    cut = max(X.shape) * xp.finfo(X.dtype).eps * singular[0]
    kept = singular > cut
    safe = xp.where(kept, singular, xp.ones_like(singular))
    gains = xp.where(kept, safe / (safe * safe + alpha), xp.zeros_like(singular))
    return xp.matrix_transpose(U), Vt, singular, gains


def reduced(X, Y, held=None):
    """As few rows as there are units that have the least-squares weights of many: R and Z of X = Q R and Z = Qᵀ Y.

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
        Stand for X and Y in all solvers, whatever the penalty. Cost O(n_patterns n_units²).
    """
    xp = arrays.namespace(X)
    if held is not None:
        X = xp.concat([held[0], X], axis=0)
        Y = None if Y is None else xp.concat([held[1], Y], axis=0)
    Q, R = xp.linalg.qr(X, mode="reduced")
    return R, None if Y is None else xp.matrix_transpose(Q) @ Y


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
    limit = gram.shape[0] * xp.finfo(gram.dtype).eps
    if not bool(xp.min(pivots) ** 2 > limit * xp.max(pivots) ** 2):  # also catches NaN
        raise np.linalg.LinAlgError("the matrix is singular to working precision")
    if arrays.host_checks_are_free(xp):
        return scipy.linalg.cho_solve((factor, True), right_side, check_finite=False)
    return xp.linalg.solve(gram, right_side)


def moments(gram, cross, *, alpha=0.0, scaled=False):
    """Minimum-norm (ridge) least squares from accumulated moments Xᵀ X and Xᵀ Y.

    Parameters
    ----------
    gram : array of shape (n_units, n_units)
        Xᵀ X.
    cross : array of shape (n_units, n_outputs)
        Xᵀ Y.
    alpha : float, default=0.0
        Ridge penalty, >= 0.
    scaled : bool, default=False
        Whether columns of other units, those of a table say, are first brought to one size; the solution is the same.

    Returns
    -------
    weights : array of shape (n_units, n_outputs)
        Directions with singular values of X below sqrt(n eps) of the largest, of the columns so scaled, count as
        absent. Cost O(n³).
    """
    xp, alpha = arrays.namespace(gram), float(alpha)
    scale = _scale_of(gram) if scaled else None
    if scale is None:
        values, vectors, kept = _spectrum(gram)
        gains = xp.where(kept, 1.0 / xp.where(kept, values + alpha, 1.0), 0.0 * values)
        return vectors @ (gains[:, None] * (xp.matrix_transpose(vectors) @ cross))
    values, vectors, kept = _spectrum(gram / scale[:, None] / scale)
    gains = xp.where(kept, 1.0 / xp.where(kept, values, 1.0), 0.0 * values)
    told = xp.matrix_transpose(vectors) @ (cross / scale[:, None])
    if alpha > 0:  # of what rows tell, and no rounding: a small penalty would make that large
        told = vectors @ (xp.where(kept, 1.0, 0.0 * values)[:, None] * told)
        penalised = _ridged(gram, alpha)
        scale_too = xp.sqrt(xp.linalg.diagonal(penalised))
        values, vectors, kept = _spectrum(penalised / scale_too[:, None] / scale_too)
        gains = xp.where(kept, 1.0 / xp.where(kept, values, 1.0), 0.0 * values)
        told = xp.matrix_transpose(vectors) @ (told * scale[:, None] / scale_too[:, None])
        return vectors @ (gains[:, None] * told) / scale_too[:, None]
    weights = vectors @ (gains[:, None] * told) / scale[:, None]
    if bool(xp.all(kept)):
        return weights
    # One of many solutions: that of minimum norm has no part in directions along which no row lies.
    absent = xp.linalg.qr(xp.take(vectors, xp.nonzero(~kept)[0], axis=1) / scale[:, None], mode="reduced")[0]
    return weights - absent @ (xp.matrix_transpose(absent) @ weights)


def _spectrum(gram):
    """Eigenvalues and eigenvectors, and which of the values are not 0 to working precision."""
    values, vectors = arrays.namespace(gram).linalg.eigh(gram)
    return values, vectors, values > gram.shape[0] * arrays.namespace(gram).finfo(gram.dtype).eps * values[-1]


def _scale_of(gram):
    """Sizes of columns, powers of two, in which they are alike, whatever their units; None where they are."""
    xp = arrays.namespace(gram)
    sizes = xp.sqrt(xp.abs(xp.linalg.diagonal(gram)))
    largest = xp.max(sizes)
    sizes = xp.where(sizes > 0, sizes, largest)  # no row has such a unit: its weights are 0
    if not bool(largest > _ALIKE * xp.min(sizes)):
        return None
    return 2.0 ** xp.round(xp.log2(sizes))


def _ridged(gram, alpha):
    if alpha == 0.0:
        return gram
    xp = arrays.namespace(gram)
    return gram + float(alpha) * xp.eye(gram.shape[0], dtype=gram.dtype, device=arrays.device(gram))


SOLVERS = {"svd": svd, "cholesky": cholesky, "neumann": neumann}
"""Least-squares solvers by name: ``(X, Y, *, alpha) -> weights``."""

FACTORS = {"svd": svd_factors, "cholesky": cholesky_factors, "neumann": neumann_factors}
"""The same for fewer patterns than units, with weights as `skamem.core.factors.Factors`."""

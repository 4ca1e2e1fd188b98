"""Least squares by a Neumann series: the residual network of `skamem.core.least_squares`, which offers what is here."""

from sklearn.exceptions import ConvergenceWarning

from skamem.core import arrays
from skamem.core.factors import Factors, matrix
from skamem.core.magnitudes import power_of_two
from skamem.core.warn import warn

__all__ = ["invert_gram", "neumann", "neumann_factors", "neumann_moments"]

_LEFT = 0.01  # a series whose weights are farther than this from their limit, in share of their norm, is reported


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
        Cost that of `moments` for the smaller side, however many layers.

    Raises
    ------
    ValueError
        When `step` is outside the interval of convergence.

    Warns
    -----
    ConvergenceWarning
        When the weights are more than 1 % from the least-squares solution.

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
    options = {"alpha": alpha, "n_layers": n_layers, "step": step, "hyperpower": hyperpower}
    if X.shape[0] < X.shape[1]:
        return matrix(neumann_factors(X, Y, **options))
    X, unit = _in_unit(X)
    Xt = arrays.namespace(X).matrix_transpose(X)
    return _series(Xt @ X, Xt @ Y, **options, order=2, unit=unit)


def neumann_factors(X, Y, *, alpha=0.0, n_layers=100, step="auto", hyperpower=False):
    """The weights of `neumann` as factors, Xᵀ and a series in X Xᵀ of Y, for fewer patterns than units.

    Parameters
    ----------
    X : array of shape (n_patterns, n_units)
        As in `neumann`.
    Y : array of shape (n_patterns, n_outputs)
        What they should recall.
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
    weights : Factors of shape (n_units, n_outputs)
        Cost O(m² (n_units + n_outputs)).

    Raises
    ------
    ValueError
        When `step` is outside the interval of convergence.

    Warns
    -----
    ConvergenceWarning
        As `neumann` does.
    """
    options = {"alpha": alpha, "n_layers": n_layers, "step": step, "hyperpower": hyperpower}
    X, unit = _in_unit(X)
    return Factors(X, _series(X @ arrays.namespace(X).matrix_transpose(X), Y, **options, order=1, unit=unit))


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
        Directions with singular values of X below sqrt(n eps) of the largest count as absent. Cost O(n³ + n² k).

    Raises
    ------
    ValueError
        When `step` is outside the interval of convergence.

    Warns
    -----
    ConvergenceWarning
        As `neumann` does.
    """
    options = {"alpha": alpha, "n_layers": n_layers, "step": step, "hyperpower": hyperpower}
    return _series(gram, cross, **options, order=2)


def invert_gram(X, *, alpha=0.0, n_layers=100, step="auto", hyperpower=False):
    """Inverse of the Gram matrix X Xᵀ by a network: recurrent, residual and Neumann series are one.

    Z <- Z + c (I - G Z) from Z = 0, G = X Xᵀ + α I. Run for L steps that is a recurrent network; unrolled, a residual
    network of L layers that share their weights; written out, c Σ_{l < L} (I - c G)^l, the Neumann series of G⁻¹. All
    three converge if and only if the spectral radius of I - c G is below 1: for 0 < c < 2 / ‖G‖.

    Parameters
    ----------
    X : array of shape (n_patterns, n_units)
        Patterns, best fewer than units: where the Gram matrix is singular, the pseudoinverse is what is reached.
    alpha : float, default=0.0
        Added to the diagonal, >= 0, in squared units of X.
    n_layers : int, default=100
        Layers, or steps, L >= 1.
    step : "auto" or float, default="auto"
        Step c in (0, 2/‖G‖); "auto" is 1/‖G‖.
    hyperpower : bool, default=False
        Let every layer double the number of terms, Z <- Z + Z (I - G Z) (Newton-Schulz).

    Returns
    -------
    inverse : array of shape (n_patterns, n_patterns)
        Symmetric; dtype and device of `X`. Of 1/λ, λ an eigenvalue of G, the share 1 - (1 - cλ)^L is reached, which is
        computed at once: cost O(m² n + m³), however many layers.

    Raises
    ------
    ValueError
        When `step` is outside the interval of convergence: the network would diverge.

    Warns
    -----
    ConvergenceWarning
        When the inverse is more than 1 % from its limit.

    References
    ----------
    Liao and Poggio (2016), Bridging the Gaps Between Residual Learning, Recurrent Neural Networks and Visual Cortex,
    arXiv:1604.03640.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.asarray([[1.0, 1.0], [1.0, 0.0]])
    >>> invert_gram(X, n_layers=300).round(6)
    array([[ 1., -1.],
           [-1.,  2.]])
    """
    xp = arrays.namespace(X)
    identity = xp.eye(X.shape[0], dtype=X.dtype, device=arrays.device(X))
    options = {"alpha": alpha, "n_layers": n_layers, "step": step, "hyperpower": hyperpower}
    return neumann_moments(X @ xp.matrix_transpose(X), identity, **options)


def _in_unit(X):
    """Patterns in a unit of theirs in which they can be squared, and the unit."""
    unit = power_of_two(X)
    return X if unit == 1.0 else X / unit, unit


def _series(gram, right_side, *, alpha, n_layers, step, hyperpower, order, unit=1.0):
    """c Σ_{l < L} (I - c G)^l ``right_side``, from the spectrum of G; times `unit`, where ``gram`` is in squares of it.

    The weights are the solution (`order` 2), or Xᵀ times it (1): so much does a direction count in their norm. All is
    computed in units in which numbers are about 1, so that neither their squares nor shares of directions that are
    absent leave the range of their type.
    """
    xp, alpha = arrays.namespace(gram), float(alpha)
    own, size = power_of_two(gram), power_of_two(right_side)
    values, vectors = xp.linalg.eigh(gram / own)
    # Decided before alpha is added: what is absent from the patterns must not come back as rounding over alpha.
    kept = values > gram.shape[0] * xp.finfo(gram.dtype).eps * values[-1]
    own = own * unit * unit
    whole = max(own, power_of_two(alpha)) if alpha else own
    values = values * (own / whole) + alpha / whole
    norm = float(xp.max(xp.where(kept, values, xp.zeros_like(values))))
    if norm <= 0.0:  # X is all zero, so is its pseudoinverse
        return 0.0 * right_side
    values = xp.where(kept, values, xp.full_like(values, norm))
    c = 1.0 / norm if step == "auto" else float(step) * whole
    if not 0.0 < c < 2.0 / norm:
        raise ValueError(
            f"step={step!r} does not converge; expected 0 < step < 2 / ‖X Xᵀ + alpha I‖ = {2.0 / norm / whole:.6g}. "
            "Use step='auto'."
        )
    # With hyperpower 2^L terms; beyond 2^60 no term of a direction that counts is left.
    n_terms = 2.0 ** min(n_layers, 60) if hyperpower else float(n_layers)
    reached = _reached(c * values, n_terms, xp)
    parts = xp.where(kept[:, None], xp.matrix_transpose(vectors) @ (right_side / size), 0.0 * right_side)
    limit = parts / values[:, None]
    _warn_of_what_is_left(1.0 - reached, limit * (limit if order == 2 else parts), n_layers, xp)
    return (unit / whole * size) * (vectors @ (reached[:, None] * limit))


def _reached(rate, n_terms, xp):
    """1 - (1 - rate)^n_terms for rates in [0, 2): the share of its limit that a direction's series has reached."""
    slow = rate < 0.5
    base = xp.abs(1.0 - rate)
    # expm1 and log1p keep the digits of slow directions.
    exponents = n_terms * xp.log1p(-xp.where(slow, rate, xp.zeros_like(rate)))
    left = xp.exp(n_terms * xp.log(xp.where(slow | (base == 0.0), xp.ones_like(base), base)))
    left = xp.where(base == 0.0, xp.zeros_like(base), left)
    left = xp.where(rate > 1.0, -left, left) if n_terms % 2 else left
    return xp.where(slow, -xp.expm1(exponents), 1.0 - left)


def _warn_of_what_is_left(left, energies, n_layers, xp):
    whole = float(xp.sum(energies))
    off = (float(xp.sum(left[:, None] ** 2 * energies)) / whole) ** 0.5 if whole > 0.0 else 0.0
    if off > _LEFT:
        warn(
            f"The Neumann series of n_layers={n_layers} leaves the weights {100 * off:.2g} % away from the "
            "least-squares solution. Give it more layers, hyperpower=True, or alpha > 0; or use solver='svd'.",
            ConvergenceWarning,
        )

"""Kernels between patterns, in array-API code; scikit-learn's others are computed on the host."""

import math

from sklearn.metrics.pairwise import PAIRWISE_KERNEL_FUNCTIONS, pairwise_kernels

from skamem.core import arrays
from skamem.core.rows import row_blocks

__all__ = ["BOUNDED", "KERNELS", "kernel_matrix"]

_NEAR = 1e-3  # squared distances below so much of the squared norms lose too many digits in their difference


def _squared_distances(X, Y, *, refined=False):
    """Squared Euclidean distances; `refined` keeps the digits of the smallest, too."""
    xp = arrays.namespace(X)
    # Around the mean: a common offset would cost the digits that tell patterns apart.
    centre = xp.sum(Y, axis=0) / Y.shape[0]
    X, Y = X - centre, Y - centre
    norms = xp.sum(X**2, axis=1)[:, None], xp.sum(Y**2, axis=1)[None, :]
    squares = X @ xp.matrix_transpose(-2.0 * Y)
    squares += norms[0]
    squares += norms[1]
    if refined:
        near = squares < _NEAR * (norms[0] + norms[1])
        squares[near] = _distances_of_pairs(X, Y, near)
    return xp.maximum(squares, xp.zeros_like(squares))


def _distances_of_pairs(X, Y, pairs):
    """Squared distances of the pairs that are marked, from differences."""
    xp = arrays.namespace(X)
    rows, columns = xp.nonzero(pairs)
    parts = [X[:0, 0]]
    for some in row_blocks(rows.shape[0], 32 * X.shape[1]):
        differences = xp.take(X, rows[some], axis=0) - xp.take(Y, columns[some], axis=0)
        parts.append(xp.sum(differences**2, axis=1))
    return xp.concat(parts)


def _rbf(X, Y, *, gamma, **_):
    return arrays.namespace(X).exp(-gamma * _squared_distances(X, Y))


def _laplacian(X, Y, *, gamma, **_):
    xp = arrays.namespace(X)
    return xp.exp(-gamma * xp.sqrt(_squared_distances(X, Y, refined=True)))


def _linear(X, Y, **_):
    return X @ arrays.namespace(X).matrix_transpose(Y)


def _poly(X, Y, *, gamma, degree, coef0, **_):
    return (gamma * _linear(X, Y) + coef0) ** degree


def _ntk(X, Y, *, depth, **_):
    """Neural tangent kernel of an infinitely wide ReLU network without biases, divided by depth + 1.

    Θ_0 = Σ_0 = x·y and Θ_l = Θ_{l-1} κ_0(ρ) + Σ_l with Σ_l = |x| |y| κ_1(ρ), ρ the cosine of layer l - 1,
    κ_0(ρ) = (π - arccos ρ) / π and κ_1(ρ) = (ρ (π - arccos ρ) + sqrt(1 - ρ²)) / π; so k(x, x) = |x|².
    """
    xp = arrays.namespace(X)
    norms = xp.sqrt(xp.sum(X**2, axis=1))[:, None] * xp.sqrt(xp.sum(Y**2, axis=1))[None, :]
    covariance = _linear(X, Y)
    cosine = covariance / xp.where(norms > 0, norms, xp.ones_like(norms))
    tangent = covariance
    for _ in range(depth):
        cosine = arrays.clip(cosine, min=-1.0, max=1.0)
        angle = math.pi - xp.acos(cosine)
        tangent = tangent * (angle / math.pi)
        cosine = (cosine * angle + xp.sqrt(1.0 - cosine**2)) / math.pi
        tangent = tangent + norms * cosine
    return tangent / (depth + 1)


KERNELS = {"rbf": _rbf, "laplacian": _laplacian, "linear": _linear, "poly": _poly, "ntk": _ntk}
"""Kernels that are computed where the data are: ``(X, Y, *, gamma, degree, coef0, depth) -> matrix``."""

ON_THE_HOST = tuple(sorted(set(PAIRWISE_KERNEL_FUNCTIONS) - set(KERNELS) - {"polynomial"}))
"""Further kernels of scikit-learn, computed on the host."""

BOUNDED = frozenset({"rbf", "laplacian", "cosine", "sigmoid", "chi2"})
"""Kernels that do not grow with their patterns."""


def kernel_matrix(kernel, X, Y, **parameters):
    """Kernel between the rows of `X` and of `Y`, where they are.

    Parameters
    ----------
    kernel : str or callable
        A name in `KERNELS`, or one of scikit-learn's or a function of two rows: these are computed on the host.
    X : array of shape (n_samples, n_units)
        Patterns.
    Y : array of shape (n_patterns, n_units)
        Patterns.
    **parameters
        ``gamma``, ``degree``, ``coef0`` and ``depth``.

    Returns
    -------
    matrix : array of shape (n_samples, n_patterns)
    """
    if isinstance(kernel, str) and kernel in KERNELS:
        return KERNELS[kernel](X, Y, **parameters)
    on_host = (arrays.to_numpy(X), arrays.to_numpy(Y))
    if callable(kernel):
        matrix = pairwise_kernels(*on_host, metric=kernel)
    else:
        matrix = pairwise_kernels(*on_host, metric=kernel, filter_params=True, **parameters)
    return arrays.placement_of(X).asarray(matrix, X.dtype)

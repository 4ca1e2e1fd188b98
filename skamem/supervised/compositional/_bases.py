"""Functions of one variable on [-1, 1] whose products make the map of a node.

A basis has ``n_functions``, ``values(t) -> (values, slopes)``, each (n_rows, n_functions), the coefficients ``one`` of
the constant function, and two quadratic forms of coefficients: ``roughness`` and ``size``.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from skamem.core import arrays

__all__ = ["BASES", "KernelBasis", "PolynomialBasis", "SplineBasis", "as_fine_as_rows_allow"]


@dataclass(frozen=True)
class SplineBasis:
    """B-splines on equidistant knots: scikit-learn's SplineTransformer, with slopes and on every array library.

    Parameters
    ----------
    n_knots : int
        Knots from -1 to 1, at least 2.
    degree : int
        Of the pieces, at least 1.

    Notes
    -----
    Beyond the outermost knots the splines go on as straight lines.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import SplineTransformer
    >>> t = np.linspace(-1, 1, 7)
    >>> theirs = SplineTransformer(n_knots=5, degree=3).fit_transform(t[:, None])
    >>> bool(np.allclose(SplineBasis(5, 3).values(t)[0], theirs))
    True
    """

    n_knots: int
    degree: int

    total_degree = None

    @property
    def n_functions(self):
        """Number of functions."""
        return self.n_knots - 1 + self.degree

    @property
    def one(self):
        """Coefficients of the constant 1."""
        return np.ones(self.n_functions)

    def coarser(self):
        """The next basis with fewer functions, or None: fewer knots first, then parabolas."""
        if self.n_knots > 2:
            return replace(self, n_knots=self.n_knots - 1)
        return replace(self, degree=self.degree - 1) if self.degree > 2 else None

    @property
    def roughness(self):
        """Square of second differences of the coefficients, in units of the knots' distance: that of the curvature."""
        order = min(2, self.n_functions - 1)
        differences = np.diff(np.eye(self.n_functions), order, axis=0) * (self.n_knots - 1) ** 1.5 / 7.0
        return differences.T @ differences

    @property
    def size(self):
        """Mean square of the coefficients."""
        return np.eye(self.n_functions) / self.n_functions

    def values(self, t):
        """Values and slopes of all functions at `t`, each (n_rows, n_functions)."""
        xp, width = arrays.namespace(t), 2.0 / (self.n_knots - 1)
        inside = arrays.clip(t, min=-1.0, max=1.0)
        first = xp.arange(-self.degree, self.n_knots - 1, dtype=t.dtype, device=arrays.device(t))
        place = (inside[:, None] + 1.0) / width - first[None, :]
        slopes = (_cardinal(place, self.degree - 1) - _cardinal(place - 1.0, self.degree - 1)) / width
        return _cardinal(place, self.degree) + (t - inside)[:, None] * slopes, slopes


def _cardinal(x, degree):
    """The B-spline with knots 0, 1, ..., degree + 1."""
    xp = arrays.namespace(x)
    if degree == 0:
        return xp.astype((x >= 0.0) & (x < 1.0), x.dtype)
    # From the nearer end: there fewer powers cancel.
    x = arrays.clip(xp.minimum(x, degree + 1.0 - x), min=0.0)
    total = xp.zeros_like(x)
    for i in range((degree + 3) // 2):
        total = total + (-1.0) ** i * math.comb(degree + 1, i) * arrays.clip(x - i, min=0.0) ** degree
    return total / math.factorial(degree)


@dataclass(frozen=True)
class PolynomialBasis:
    """Legendre polynomials; of their products a node has those up to the degree.

    Parameters
    ----------
    n_knots : int
        Of no meaning here.
    degree : int
        Largest degree.

    Examples
    --------
    >>> import numpy as np
    >>> PolynomialBasis(0, 2).values(np.asarray([0.5]))[0]
    array([[ 1.   ,  0.5  , -0.125]])
    """

    n_knots: int
    degree: int

    @property
    def total_degree(self):
        """Largest sum of degrees in a product."""
        return self.degree

    @property
    def n_functions(self):
        """Number of functions."""
        return self.degree + 1

    @property
    def one(self):
        """Coefficients of the constant 1."""
        return np.eye(self.n_functions)[0]

    def coarser(self):
        """The next basis with fewer functions, or None for parabolas."""
        return replace(self, degree=self.degree - 1) if self.degree > 2 else None

    @property
    def roughness(self):
        """Squares of coefficients, growing with the degree; 0 for straight lines."""
        degrees = np.arange(self.n_functions)
        return np.diag((degrees * np.maximum(degrees - 1.0, 0.0)) ** 2 / 4.0)

    @property
    def size(self):
        """Mean square over [-1, 1]."""
        return np.diag(1.0 / (2.0 * np.arange(self.n_functions) + 1.0))

    def values(self, t):
        """Values and slopes of all functions at `t`, each (n_rows, n_functions)."""
        xp = arrays.namespace(t)
        values, slopes = [xp.ones_like(t), t], [xp.zeros_like(t), xp.ones_like(t)]
        for n in range(2, self.n_functions):
            values.append(((2 * n - 1) * t * values[-1] - (n - 1) * values[-2]) / n)
            slopes.append(n * values[-2] + t * slopes[-1])
        return xp.stack(values[: self.n_functions], axis=1), xp.stack(slopes[: self.n_functions], axis=1)


@dataclass(frozen=True)
class KernelBasis:
    """A constant, and Gaussian kernels around equidistant centres; their products are Gaussian kernels in the plane.

    Parameters
    ----------
    n_knots : int
        Centres from -1 to 1, at least 2.
    degree : int
        Of no meaning here.

    Examples
    --------
    >>> import numpy as np
    >>> KernelBasis(3, 0).values(np.asarray([0.0]))[0].round(3)
    array([[1.   , 0.801, 1.   , 0.801]])
    """

    n_knots: int
    degree: int

    total_degree = None

    @property
    def n_functions(self):
        """Number of functions."""
        return self.n_knots + 1

    @property
    def one(self):
        """Coefficients of the constant 1."""
        return np.eye(self.n_functions)[0]

    def coarser(self):
        """The next basis with fewer functions, or None."""
        return replace(self, n_knots=self.n_knots - 1) if self.n_knots > 2 else None

    @property
    def roughness(self):
        """Norm in the kernel's space; 0 for the constant."""
        gram = np.zeros((self.n_functions, self.n_functions))
        gram[1:, 1:] = self.values(np.linspace(-1.0, 1.0, self.n_knots))[0][:, 1:] / 10.0
        return gram

    @property
    def size(self):
        """The same with the constant."""
        size = 10.0 * self.roughness
        size[0, 0] = 1.0
        return size

    def values(self, t):
        """Values and slopes of all functions at `t`, each (n_rows, n_functions)."""
        xp, width = arrays.namespace(t), 3.0 / (self.n_knots - 1)
        centres = -1.0 + 2.0 / (self.n_knots - 1) * xp.arange(self.n_knots, dtype=t.dtype, device=arrays.device(t))
        away = (t[:, None] - centres[None, :]) / width
        bumps = xp.exp(-0.5 * away * away)
        one = xp.ones_like(t)[:, None]
        return xp.concat([one, bumps], axis=1), xp.concat([0.0 * one, -away / width * bumps], axis=1)


BASES = {"spline": SplineBasis, "polynomial": PolynomialBasis, "kernel": KernelBasis}
"""Kinds of nodes by name."""


def as_fine_as_rows_allow(basis, n_inputs, n_rows):
    """`basis`, or a coarser one whose nodes have at most half as many coefficients as there are rows.

    More would be bent by the penalty alone, and the work grows with their cube. Parabolas are left in any case.

    Parameters
    ----------
    basis : object
        One of this module.
    n_inputs : int
        Most inputs of a node.
    n_rows : int
        Different rows.

    Returns
    -------
    basis : object

    Examples
    --------
    >>> as_fine_as_rows_allow(SplineBasis(6, 3), 2, 1000)
    SplineBasis(n_knots=6, degree=3)
    >>> as_fine_as_rows_allow(SplineBasis(6, 3), 2, 60)
    SplineBasis(n_knots=3, degree=3)
    >>> as_fine_as_rows_allow(PolynomialBasis(6, 8), 2, 60)
    PolynomialBasis(n_knots=6, degree=6)
    """
    while 2 * _n_terms(basis, n_inputs) > n_rows:
        coarser = basis.coarser()
        if coarser is None:
            break
        basis = coarser
    return basis


def _n_terms(basis, n_inputs):
    if basis.total_degree is None:
        return basis.n_functions**n_inputs
    return math.comb(basis.total_degree + n_inputs, n_inputs)

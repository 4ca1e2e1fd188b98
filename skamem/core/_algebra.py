"""The record of a binding algebra, and the registry of those there are. `skamem.core.binding` has the operations."""

from collections.abc import Callable
from dataclasses import dataclass

from skamem.core import arrays
from skamem.core._vectors import squares
from skamem.core.parameters import Kind
from skamem.core.validation import check_option

__all__ = ["ALGEBRA", "ALGEBRAS", "Algebra", "resolve_algebra"]


@dataclass(frozen=True)
class Algebra:
    """A way to bind vectors: the elementwise product of what they are in some basis.

    Parameters
    ----------
    analyse : callable
        ``vectors (..., n_units) -> spectra (..., n_factors)``: vectors in the basis in which binding is a product.
    synthesise : callable
        ``(spectra, n_units) -> vectors``: the way back.
    scale : callable
        ``n_units -> float``: mean square of a spectrum, in units of the sum of squares of its vector (Parseval).
    is_complex : bool, default=False
        Whether vectors are complex.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.core.binding import ALGEBRAS
    >>> ALGEBRAS["map"].power(np.asarray([1.0, -1.0, 2.0]))
    array([2.])
    """

    analyse: Callable
    synthesise: Callable
    scale: Callable
    is_complex: bool = False

    @property
    def freedom(self):
        """Independent real numbers that a unit holds: 1, or 2 where units are complex."""
        return 2 if self.is_complex else 1

    def power(self, vectors):
        """Mean square of the spectrum of vectors, shape (..., 1): 1 for unitary ones."""
        return self.scale(vectors.shape[-1]) * arrays.namespace(vectors).sum(squares(vectors), axis=-1, keepdims=True)


def _as_it_is(vectors, n_units=None):
    return vectors


def _one(n_units):
    return 1.0


def _one_a_unit(n_units):
    return 1.0 / n_units


ALGEBRAS = {
    "hrr": Algebra(arrays.rfft, arrays.irfft, _one),
    "fhrr": Algebra(_as_it_is, _as_it_is, _one_a_unit, is_complex=True),
    "map": Algebra(_as_it_is, _as_it_is, _one_a_unit),
}
"""Binding algebras by name: circular convolution, products of phasors, products of signs."""


class _AlgebraKind(Kind):
    """A name of `ALGEBRAS`, or a record of one's own, as a parameter of an estimator."""

    def accepts(self, value):
        return value in ALGEBRAS if isinstance(value, str) else isinstance(value, Algebra)

    def refuse(self, name, value):
        check_option(name, value, tuple(ALGEBRAS))

    def __str__(self):
        return f"{', '.join(map(repr, ALGEBRAS))} or an Algebra"


ALGEBRA = _AlgebraKind()
"""What the parameter ``algebra`` may be."""


def resolve_algebra(algebra):
    """The record of an algebra that is given by name, or as a record.

    Parameters
    ----------
    algebra : str or Algebra
        An entry of `ALGEBRAS`, or a record of one's own.

    Returns
    -------
    algebra : Algebra

    Raises
    ------
    ValueError
        For what is neither.

    Examples
    --------
    >>> resolve_algebra("fhrr").is_complex
    True
    """
    if not ALGEBRA.accepts(algebra):
        ALGEBRA.refuse("algebra", algebra)
    return ALGEBRAS[algebra] if isinstance(algebra, str) else algebra

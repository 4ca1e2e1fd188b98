"""Vectors to bind with: random ones, those that invert exactly, the identity and inverses."""

import math

from sklearn.utils import check_random_state

from skamem.core import arrays
from skamem.core._algebra import resolve_algebra
from skamem.core._vectors import as_vectors, conjugate
from skamem.core.parameters import COUNT, RandomState
from skamem.core.validation import check_option

__all__ = ["identity", "inverse", "random_keys", "unitary"]

_DTYPES = ("float64", "float32")


def random_keys(n_keys, n_units, *, algebra="hrr", unitary=True, random_state=None, dtype="float64"):
    """Random vectors of an algebra, for keys and for the symbols that they point to.

    Parameters
    ----------
    n_keys : int
        How many.
    n_units : int
        Their length.
    algebra : {"hrr", "fhrr", "map"} or Algebra, default="hrr"
        See `skamem.core.binding`.
    unitary : bool, default=True
        Whether every factor of their spectrum has magnitude 1, so that `unbind` inverts `bind` exactly: "hrr" vectors
        of length 1 that are noise, phasors, signs. False: independent normal entries, of power 1 on the average.
    random_state : int, RandomState instance or None, default=None
        Draws them, on the host.
    dtype : {"float64", "float32"}, or a NumPy dtype or type of such, default="float64"
        Of the numbers that they are made of.

    Returns
    -------
    keys : ndarray of shape (n_keys, n_units)
        float64 or float32, complex128 or complex64 for "fhrr".

    Raises
    ------
    TypeError, ValueError
        For what are no counts, algebra, seed or type.

    Examples
    --------
    >>> from skamem.core.binding import bind, random_keys, unbind
    >>> key, value = random_keys(2, 256, random_state=0)
    >>> bool(abs(unbind(bind(key, value), key) - value).max() < 1e-12)
    True
    """
    for name, count in (("n_keys", n_keys), ("n_units", n_units)):
        COUNT.accepts(count) or COUNT.refuse(name, count)
    RandomState().accepts(random_state) or RandomState().refuse("random_state", random_state)
    check_option("unitary", unitary, (True, False))
    algebra, dtype = resolve_algebra(algebra), check_option("dtype", _dtype_name(dtype), _DTYPES)
    rng = check_random_state(random_state)
    vectors = rng.standard_normal((int(n_keys), int(n_units)))
    if algebra.is_complex:
        vectors = math.sqrt(0.5) * (vectors + 1j * rng.standard_normal(vectors.shape))
    if unitary:
        vectors = _unitary(vectors, algebra)
    else:
        vectors = vectors / math.sqrt(n_units * algebra.scale(int(n_units)))
    if dtype == "float64":
        return vectors
    xp = arrays.namespace(vectors)
    return xp.astype(vectors, xp.complex64 if algebra.is_complex else xp.float32)


def _dtype_name(dtype):
    """Name of a dtype or of a type of numbers; what has none, as it is."""
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", getattr(dtype, "__name__", dtype))
    return "float64" if dtype is float else name


def unitary(vectors, algebra="hrr"):
    """The nearest vectors that `unbind` inverts exactly: every factor of the spectrum at magnitude 1.

    Parameters
    ----------
    vectors : array-like of shape (..., n_units)
        Any; where the spectrum is 0 it becomes 1.
    algebra : {"hrr", "fhrr", "map"} or Algebra, default="hrr"
        Under "fhrr" the result are phasors, under "map" signs.

    Returns
    -------
    vectors : array of shape (..., n_units)

    Examples
    --------
    >>> from skamem.core.binding import unitary
    >>> unitary([0.5, -2.0, 0.0], algebra="map")
    array([ 1., -1.,  1.])
    """
    algebra = resolve_algebra(algebra)
    return _unitary(*as_vectors(algebra, vectors=vectors), algebra)


def _unitary(vectors, algebra):
    xp = arrays.namespace(vectors)
    spectra = algebra.analyse(vectors)
    size = xp.abs(spectra)
    phases = xp.where(size > 0, spectra / xp.where(size > 0, size, xp.ones_like(size)), xp.ones_like(spectra))
    return algebra.synthesise(phases, vectors.shape[-1])


def identity(n_units, algebra="hrr"):
    """The vector that binds with any other to that other, shape (n_units,), on the host.

    Parameters
    ----------
    n_units : int
        Its length.
    algebra : {"hrr", "fhrr", "map"} or Algebra, default="hrr"
        See `skamem.core.binding`.

    Returns
    -------
    vector : ndarray of shape (n_units,)

    Examples
    --------
    >>> from skamem.core.binding import identity
    >>> identity(4), identity(4, "map")
    (array([1., 0., 0., 0.]), array([1., 1., 1., 1.]))
    """
    COUNT.accepts(n_units) or COUNT.refuse("n_units", n_units)
    algebra, n_units = resolve_algebra(algebra), int(n_units)
    host = arrays.resolve_backend("numpy", None)
    nothing = host.xp.zeros(n_units, dtype=host.xp.complex128 if algebra.is_complex else host.xp.float64)
    return algebra.synthesise(host.xp.ones_like(algebra.analyse(nothing)), n_units)


def inverse(vectors, algebra="hrr", *, exact=False):
    """The vectors that undo a binding: ``bind(x, inverse(x))`` is, or nearly is, the identity.

    Parameters
    ----------
    vectors : array-like of shape (..., n_units)
        Keys.
    algebra : {"hrr", "fhrr", "map"} or Algebra, default="hrr"
        See `skamem.core.binding`.
    exact : bool, default=False
        False: the involution, with conjugate spectrum, which is the inverse of unitary vectors, and of others nearly;
        it never amplifies noise. True: the reciprocal of the spectrum, large where that is small.

    Returns
    -------
    vectors : array of shape (..., n_units)
        Infinite or no numbers where a spectrum that is to be inverted exactly is 0.

    Examples
    --------
    >>> from skamem.core.binding import inverse
    >>> inverse([0.1, 0.7, 0.2, 0.4]).round(12)  # the same backwards, from the second entry on
    array([0.1, 0.4, 0.2, 0.7])
    """
    check_option("exact", exact, (True, False))
    algebra = resolve_algebra(algebra)
    (vectors,) = as_vectors(algebra, vectors=vectors)
    spectra = algebra.analyse(vectors)
    with arrays.division_by_zero_expected():
        spectra = 1.0 / spectra if exact else conjugate(spectra)
    return algebra.synthesise(spectra, vectors.shape[-1])

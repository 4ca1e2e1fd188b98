"""Binding: two vectors made one of the same length that resembles neither, and taken apart again.

A vector-symbolic architecture computes with long random vectors: `bind` ties a value to a key, `bundle` superposes what
is bound, `unbind` reads the value of a key from the sum, with noise that a memory cleans up. In all algebras here
binding is an elementwise product in some basis, so that one record, an entry of `ALGEBRAS`, is all that differs:

"hrr"
    Holographic reduced representation: real vectors, circular convolution [1]_. The basis is that of the discrete
    Fourier transform.
"fhrr"
    Its Fourier domain by itself: complex vectors, best phasors, elementwise product.
"map"
    Multiply, add, permute [2]_: real vectors, best of ±1, elementwise product. Spread-spectrum radio
    (CDMA) is this one.

Vectors lie along the last axis; other axes broadcast. float32 and complex64 stay, everything else is computed in double
precision. Arrays of any library stay where they are, lists become NumPy arrays.

References
----------
.. [1] Plate (1995), Holographic reduced representations, IEEE Transactions on Neural Networks 6:623.
.. [2] Gayler (1998), Multiplicative binding, representation operators and analogy, in Advances in Analogy Research.
"""

import functools
import math
import numbers
import operator

from skamem.core import arrays
from skamem.core._algebra import ALGEBRA, ALGEBRAS, Algebra, resolve_algebra
from skamem.core._keys import identity, inverse, random_keys, unitary
from skamem.core._vectors import (
    as_vectors,
    conjugate,
    correlated,
    holds_complex,
    of_length_one,
    promoted,
    real_dtype,
    squares,
)
from skamem.core.rows import row_blocks, rows_in_cache
from skamem.core.validation import check_sequence

__all__ = [
    "ALGEBRA",
    "ALGEBRAS",
    "Algebra",
    "bind",
    "bundle",
    "despread",
    "identity",
    "inverse",
    "permute",
    "random_keys",
    "resolve_algebra",
    "similarity",
    "spread",
    "superpose",
    "unbind",
    "unitary",
]

_CACHE = 2**20  # bytes of work arrays of a block: transforms of a block are multiplied while they are in the cache


def bind(x, y, *more, algebra="hrr"):
    """Bind vectors: one vector of the same length that resembles none of them.

    Commutative, associative, and linear in each of them. Under "hrr" it is circular convolution,
    z_k = Σ_j x_j y_(k-j), under "fhrr" and "map" the elementwise product.

    Parameters
    ----------
    x, y, *more : array-like of shape (..., n_units)
        Two vectors or more, or batches of them that broadcast.
    algebra : {"hrr", "fhrr", "map"} or Algebra, default="hrr"
        See `skamem.core.binding`.

    Returns
    -------
    bound : array of shape (..., n_units)
        float32 or float64, complex64 or complex128.

    Raises
    ------
    ValueError
        For vectors of different lengths, or complex ones for an algebra of real vectors.

    Notes
    -----
    Cost O(n_units log n_units) a vector under "hrr": each is transformed once, and there is one transform back.

    Examples
    --------
    >>> from skamem.core.binding import bind
    >>> bind([1.0, 2.0, 3.0], [0.0, 1.0, 0.0]).round(12)  # a shift by one
    array([3., 1., 2.])
    >>> bind([1, -1, -1], [-1, -1, 1], algebra="map")
    array([-1.,  1., -1.])
    """
    algebra = resolve_algebra(algebra)
    vectors = as_vectors(algebra, x=x, y=y, **{f"vector {i + 3}": other for i, other in enumerate(more)})
    return _product(algebra, [(each, False) for each in vectors])


def unbind(bound, key, algebra="hrr"):
    """What is bound to a key: the inverse of `bind`, for a sum of bound pairs with noise from the others.

    ``unbind(bind(key, value), key)`` is the value: exactly for unitary keys, nearly for other random ones.

    Parameters
    ----------
    bound : array-like of shape (..., n_units)
        Bound pairs, or a sum of them.
    key : array-like of shape (..., n_units)
        Keys; they broadcast with `bound`.
    algebra : {"hrr", "fhrr", "map"} or Algebra, default="hrr"
        See `skamem.core.binding`. Under "hrr" this is circular correlation.

    Returns
    -------
    value : array of shape (..., n_units)
        Times the mean square of the key's spectrum, which is 1 for unitary keys: of ±1 under "map", of phasors under
        "fhrr".

    Raises
    ------
    ValueError
        As `bind`.

    Examples
    --------
    >>> from skamem.core.binding import bind, bundle, random_keys, similarity, unbind
    >>> keys, values = random_keys(5, 1000, random_state=0), random_keys(5, 1000, random_state=1)
    >>> trace = bundle(bind(keys, values))  # five pairs in one vector
    >>> [int(similarity(unbind(trace, key), values).argmax()) for key in keys]
    [0, 1, 2, 3, 4]
    """
    algebra = resolve_algebra(algebra)
    bound, key = as_vectors(algebra, bound=bound, key=key)
    return _product(algebra, [(bound, False), (key, True)])


def bundle(*vectors, algebra="hrr"):
    """Superpose vectors: their sum, which resembles each of them.

    Parameters
    ----------
    *vectors : array-like of shape (..., n_units)
        Several vectors, or batches that broadcast; or one array of shape (..., n_vectors, n_units), whose vectors along
        the axis before the last are added up.
    algebra : {"hrr", "fhrr", "map"} or Algebra, default="hrr"
        Says only whether vectors are complex: the sum is the same in all.

    Returns
    -------
    sum : array of shape (..., n_units)

    Raises
    ------
    TypeError
        When called with nothing.
    ValueError
        As `bind`, and for a single vector.

    Examples
    --------
    >>> from skamem.core.binding import bundle
    >>> bundle([1.0, 2.0], [3.0, 4.0]), bundle([[1.0, 2.0], [3.0, 4.0]])
    (array([4., 6.]), array([4., 6.]))
    """
    if not vectors:
        raise TypeError("bundle() found no vectors; expected several, or an array of shape (..., n_vectors, n_units).")
    checked = as_vectors(resolve_algebra(algebra), **{f"vector {i + 1}": each for i, each in enumerate(vectors)})
    if len(checked) > 1:
        return sum(checked[1:], start=checked[0])
    if checked[0].ndim < 2:
        raise ValueError("bundle() found one vector; expected several, or an array of shape (..., n_vectors, n_units).")
    return arrays.namespace(checked[0]).sum(checked[0], axis=-2)


def superpose(keys, values, algebra="hrr", *, weights=None):
    """Bind keys to values and bundle the pairs, in one: Σ_i w_i key_i ⊛ value_i, the trace of a holographic memory.

    Parameters
    ----------
    keys, values : array-like of shape (n_pairs, n_units)
        Pairs, one a row.
    algebra : {"hrr", "fhrr", "map"} or Algebra, default="hrr"
        See `skamem.core.binding`.
    weights : array-like of shape (n_pairs,), default=None
        How often each pair counts, below 0 to take it away; None for 1.

    Returns
    -------
    trace : array of shape (n_units,)
        That of ``bundle(bind(keys, values))`` to rounding.

    Notes
    -----
    Pairs are added up in the basis in which binding is a product, so that there is one transform back for all, and
    block by block in the processor's cache: the n_pairs bound vectors are never held.

    Examples
    --------
    >>> from skamem.core.binding import bind, bundle, random_keys, superpose
    >>> keys, values = random_keys(9, 64, random_state=0), random_keys(9, 64, random_state=1)
    >>> bool(abs(superpose(keys, values) - bundle(bind(keys, values))).max() < 1e-12)
    True
    """
    algebra = resolve_algebra(algebra)
    keys, values = as_vectors(algebra, keys=keys, values=values)
    if keys.ndim != 2 or keys.shape != values.shape:
        raise ValueError(
            f"keys have shape {tuple(keys.shape)}, values {tuple(values.shape)}; expected (n_pairs, n_units), the same "
            "for both: a value for each key."
        )
    xp = arrays.namespace(keys)
    if weights is not None:
        weights = arrays.placement_of(keys).asarray(weights, real_dtype(keys, xp))
        if weights.shape != keys.shape[:1]:
            raise ValueError(f"weights have shape {tuple(weights.shape)}; expected ({keys.shape[0]},): one a pair.")
    total = None
    for rows in _blocks(keys.shape[0], keys):
        spectra = algebra.analyse(keys[rows, :]) * algebra.analyse(values[rows, :])
        spectra = spectra if weights is None else spectra * weights[rows][:, None]
        part = xp.sum(spectra, axis=0)
        total = part if total is None else total + part
    if total is None:  # not transformed: PyTorch has no transform of no rows
        return xp.zeros_like(xp.sum(keys, axis=0))
    return algebra.synthesise(total, keys.shape[1])


def permute(vectors, shifts=1, algebra="hrr"):
    """Move the units of vectors in a circle: what marks a place in an order, and resembles nothing else.

    Parameters
    ----------
    vectors : array-like of shape (..., n_units)
        Vectors.
    shifts : int or sequence of int, default=1
        By how many places, to the right; ``permute(vectors, -shifts)`` is the way back. A sequence is a permutation of
        the units 0, ..., n_units - 1, which are taken in its order.
    algebra : {"hrr", "fhrr", "map"} or Algebra, default="hrr"
        Says only whether vectors are complex.

    Returns
    -------
    vectors : array of shape (..., n_units)

    Raises
    ------
    TypeError, ValueError
        For shifts that are neither.

    Examples
    --------
    >>> from skamem.core.binding import permute
    >>> permute([1.0, 2.0, 3.0]), permute([1.0, 2.0, 3.0], [2, 0, 1])
    (array([3., 1., 2.]), array([3., 1., 2.]))
    """
    (vectors,) = as_vectors(resolve_algebra(algebra), vectors=vectors)
    xp, n_units = arrays.namespace(vectors), vectors.shape[-1]
    if isinstance(shifts, numbers.Integral) and not isinstance(shifts, bool):
        return xp.roll(vectors, int(shifts), axis=-1)
    what = f"an integer, or a permutation of the units 0 to {n_units - 1}"
    entries = arrays.to_numpy(shifts).tolist() if arrays.is_array(shifts) and shifts.ndim == 1 else shifts
    order = check_sequence("shifts", entries, what, length=n_units)
    if sorted(order) != list(range(n_units)):
        raise ValueError(f"shifts={shifts!r} is no permutation; expected {what}.")
    order = arrays.placement_of(vectors).asarray(list(map(int, order)))
    return xp.take(vectors, order, axis=-1)


def similarity(vectors, others, algebra="hrr"):
    """Cosine of the angle between vectors, as real ones.

    Parameters
    ----------
    vectors : array-like of shape (..., n_units)
        Vectors.
    others : array-like of shape (n_others, n_units) or (n_units,)
        What they are compared with.
    algebra : {"hrr", "fhrr", "map"} or Algebra, default="hrr"
        Says only whether vectors are complex; then it is the real part of the inner product that is taken.

    Returns
    -------
    similarity : array of shape (..., n_others) or (...)
        From -1 to 1; 0 for vectors of length 0.

    Examples
    --------
    >>> from skamem.core.binding import similarity
    >>> similarity([1.0, 1.0], [[1.0, 1.0], [1.0, -1.0], [-2.0, -2.0]]).round(12)
    array([ 1.,  0., -1.])
    """
    vectors, others = as_vectors(resolve_algebra(algebra), vectors=vectors, others=others)
    products = correlated(of_length_one(vectors), of_length_one(others[None, :] if others.ndim == 1 else others))
    products = arrays.clip(products, -1.0, 1.0)  # rounding
    return products[..., 0] if others.ndim == 1 else products


# ---------------------------------------------------------------------------------- one number a code: spread spectrum


def spread(bits, codes, algebra="map"):
    """Send numbers over one channel: each user's times the user's code, added up.

    Parameters
    ----------
    bits : array-like of shape (..., n_users)
        What users send: ±1, or any numbers.
    codes : array-like of shape (n_users, n_units)
        A code of n_units chips for each user.
    algebra : {"hrr", "fhrr", "map"} or Algebra, default="map"
        Says only whether codes are complex.

    Returns
    -------
    signal : array of shape (..., n_units)

    Raises
    ------
    ValueError
        When there is not one code a user.

    Examples
    --------
    >>> from skamem.core.binding import despread, spread
    >>> codes = [[1, 1, 1, 1], [1, -1, 1, -1]]
    >>> signal = spread([1, -1], codes)
    >>> signal, despread(signal, codes)
    (array([0., 2., 0., 2.]), array([ 1., -1.]))
    """
    (codes,) = as_vectors(resolve_algebra(algebra), codes=codes)
    (bits,) = as_vectors(ALGEBRAS["fhrr" if holds_complex(bits) else "map"], bits=bits)
    if codes.ndim != 2 or bits.shape[-1] != codes.shape[0]:
        raise ValueError(
            f"bits have shape {tuple(bits.shape)}, codes {tuple(codes.shape)}; expected (..., n_users) and "
            "(n_users, n_units): one code for each bit along the last axis."
        )
    bits, codes = promoted(bits, codes)
    return bits @ codes


def despread(signal, codes, algebra="map"):
    """Hear every user of one channel: the correlation of the signal with each code.

    Parameters
    ----------
    signal : array-like of shape (..., n_units)
        Sums of codes.
    codes : array-like of shape (n_users, n_units)
        A code for each user.
    algebra : {"hrr", "fhrr", "map"} or Algebra, default="map"
        Says only whether codes are complex; the real part of the correlation is taken.

    Returns
    -------
    numbers : array of shape (..., n_users)
        What was sent if codes are orthogonal, else with noise from the other users; the signs of ±1 are right with the
        probability that `skamem.analysis.cdma_bit_error` tells.

    Raises
    ------
    ValueError
        For codes of another length than the signal.

    Examples
    --------
    >>> from skamem.core.binding import despread
    >>> despread([0.0, 2.0, 0.0, 2.0], [[1, 1, 1, 1], [1, -1, 1, -1]])
    array([ 1., -1.])
    """
    signal, codes = as_vectors(resolve_algebra(algebra), signal=signal, codes=codes)
    if codes.ndim != 2:
        raise ValueError(f"codes have shape {tuple(codes.shape)}; expected (n_users, n_units): a code for each user.")
    xp = arrays.namespace(codes)
    size = xp.sum(squares(codes), axis=-1)
    return correlated(signal, codes) / xp.where(size > 0, size, xp.ones_like(size))


# ------------------------------------------------------------------------------------------------------ how it is done


def _blocks(n_rows, like, rows_each=1):
    """Slices over rows, each of so many vectors, whose work arrays stay in the cache."""
    row_bytes = 64 * rows_each * like.shape[-1]
    return row_blocks(n_rows, row_bytes, at_most=rows_in_cache(row_bytes, arrays.namespace(like), _CACHE))


def _product(algebra, factors):
    """The product of vectors in the basis of the algebra; each comes with whether it is to be inverted."""
    xp, n_units = arrays.namespace(factors[0][0]), factors[0][0].shape[-1]
    shape = ()
    for vectors, _ in factors:
        shape = _broadcast(shape, vectors.shape[:-1])

    def analysed(vectors, inverted):
        spectra = algebra.analyse(vectors)
        return conjugate(spectra) if inverted else spectra

    if not shape:
        return algebra.synthesise(_multiplied([analysed(*one) for one in factors]), n_units)
    # A factor that all rows share is transformed once; the others a block of rows at a time.
    long = [vectors.ndim == len(shape) + 1 and vectors.shape[0] == shape[0] for vectors, _ in factors]
    shared = [None if of_rows else analysed(*one) for one, of_rows in zip(factors, long, strict=True)]
    out = xp.empty((*shape, n_units), dtype=factors[0][0].dtype, device=arrays.device(factors[0][0]))
    for rows in _blocks(shape[0], out, math.prod(shape[1:])):
        parts = [
            analysed(vectors[rows, ...], inverted) if spectra is None else spectra
            for (vectors, inverted), spectra in zip(factors, shared, strict=True)
        ]
        out[rows, ...] = algebra.synthesise(_multiplied(parts), n_units)
    return out


def _broadcast(shape, other):
    """The common shape of two; raise for those that have none."""
    length = max(len(shape), len(other))
    pairs = zip((1,) * (length - len(shape)) + shape, (1,) * (length - len(other)) + tuple(other), strict=True)
    sizes = [(a if b == 1 else b, a in (1, b) or b == 1) for a, b in pairs]
    if not all(fits for _, fits in sizes):
        raise ValueError(f"Batches of shapes {shape} and {tuple(other)} do not broadcast; expected one vector for all.")
    return tuple(size for size, _ in sizes)


def _multiplied(parts):
    return functools.reduce(operator.mul, parts)

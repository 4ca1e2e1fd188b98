"""Vectors on their way into a binding: of one library, one type and one length, and how they are measured."""

from skamem.core import arrays

__all__ = [
    "as_vectors",
    "conjugate",
    "correlated",
    "holds_complex",
    "of_length_one",
    "promoted",
    "real_dtype",
    "squares",
]


def as_vectors(algebra, **given):
    """Arrays of one library, one type and one length, of the kind that the algebra computes with."""
    host = arrays.resolve_backend("numpy", None)
    found = {name: each if arrays.is_array(each) else host.asarray(each) for name, each in given.items()}
    xp = arrays.namespace(*found.values())
    for name, each in found.items():
        if not (arrays.is_host(each) and each.dtype.kind in "OSUMm") and xp.isdtype(each.dtype, ("bool", "numeric")):
            if each.ndim and each.shape[-1]:
                continue
            raise ValueError(f"{name} has shape {tuple(each.shape)}; expected (..., n_units), with a unit at least.")
        raise ValueError(f"{name} has entries of type {each.dtype}; expected numbers.")
    lengths = {name: each.shape[-1] for name, each in found.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"n_units differ: {lengths}; expected vectors of one length.")
    if not algebra.is_complex:
        for name, each in found.items():
            if xp.isdtype(each.dtype, "complex floating"):
                raise ValueError(f"{name} is complex; expected real vectors. Use algebra='fhrr' for complex ones.")
    return promoted(*found.values(), is_complex=algebra.is_complex)


def holds_complex(array):
    """Whether an array, of any library, or what NumPy would make of a list is complex."""
    array = array if arrays.is_array(array) else arrays.resolve_backend("numpy", None).asarray(array)
    return "complex" in arrays.dtype_name(array)


def promoted(*vectors, is_complex=False):
    """Arrays in the wider of their types: single precision if all are, else double; complex if any is."""
    xp = arrays.namespace(*vectors)
    single = all(arrays.dtype_name(each) in ("float32", "complex64") for each in vectors)
    if is_complex or any("complex" in arrays.dtype_name(each) for each in vectors):
        dtype = xp.complex64 if single else xp.complex128
    else:
        dtype = xp.float32 if single else xp.float64
    return [xp.astype(each, dtype, copy=False) for each in vectors]


def real_dtype(vectors, xp):
    return xp.float32 if arrays.dtype_name(vectors) in ("float32", "complex64") else xp.float64


def conjugate(spectra):
    xp = arrays.namespace(spectra)
    return xp.conj(spectra) if xp.isdtype(spectra.dtype, "complex floating") else spectra


def of_length_one(vectors):
    xp = arrays.namespace(vectors)
    # In units of the largest entry: squares of very large or small numbers are none.
    largest = xp.max(xp.abs(vectors), axis=-1, keepdims=True)
    vectors = vectors / xp.where(largest > 0, largest, xp.ones_like(largest))
    length = xp.sqrt(xp.sum(squares(vectors), axis=-1, keepdims=True))
    return vectors / xp.where(length > 0, length, xp.ones_like(length))


def correlated(vectors, others):
    """Real part of the inner products (..., n_others)."""
    xp = arrays.namespace(vectors)
    products = vectors @ xp.matrix_transpose(conjugate(others))
    return xp.real(products) if xp.isdtype(products.dtype, "complex floating") else products


def squares(vectors):
    """Squared magnitudes, real also for complex vectors."""
    xp = arrays.namespace(vectors)
    if xp.isdtype(vectors.dtype, "complex floating"):
        return xp.real(vectors) ** 2 + xp.imag(vectors) ** 2
    return vectors**2

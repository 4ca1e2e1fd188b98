"""Whether two settings say the same, though they may be copies of each other: after a pickle identity says nothing."""

import functools
import numbers
import types

import numpy as np
import scipy.sparse

from skamem.core import arrays

__all__ = ["is_alike"]


def is_alike(one, other):
    """Whether two values of a parameter, or of an attribute, mean the same.

    Parameters
    ----------
    one, other : object
        Numbers, strings, arrays of any library, containers, functions, estimators and other objects.

    Returns
    -------
    alike : bool
        Functions are alike that have the same name, module, code, defaults and enclosed values (global names are not
        followed); objects, estimators among them, of one class that call each other equal, or, if the class does not
        say what is equal, with like attributes, fitted ones too. NaN is like NaN, and 1 like 1.0.

    Examples
    --------
    >>> import copy
    >>> from sklearn.kernel_approximation import RBFSampler
    >>> from sklearn.pipeline import make_pipeline
    >>> from skamem.core.likeness import is_alike
    >>> features = make_pipeline(RBFSampler(gamma=0.5))
    >>> is_alike(features, copy.deepcopy(features)), is_alike(features, make_pipeline(RBFSampler(gamma=2.0)))
    (True, False)
    """
    return _alike(one, other, set())


def _alike(one, other, met):
    if one is other or (id(one), id(other)) in met:  # what holds itself is alike if all else is
        return True
    if isinstance(one, numbers.Number) and isinstance(other, numbers.Number):
        return bool(one == other or (one != one and other != other))
    if arrays.is_array(one) or arrays.is_array(other) or scipy.sparse.issparse(one) or scipy.sparse.issparse(other):
        return _same_array(one, other)
    if type(one) is not type(other):
        return False
    met = met | {(id(one), id(other))}
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_alike(value, other[name], met) for name, value in one.items())
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(_alike(*pair, met) for pair in zip(one, other, strict=True))
    parts = _parts(one), _parts(other)
    if parts[0] is not None:
        return _alike(*parts, met)
    # Data frames compare entry by entry otherwise.
    return bool(one.equals(other) if callable(getattr(one, "equals", None)) else one == other)


def _parts(value):
    """What an object without an equality of its own consists of; None for what compares by itself."""
    if isinstance(value, types.FunctionType):
        empty = types.CellType()
        cells = [cell.cell_contents for cell in value.__closure__ or () if cell != empty]
        names = value.__module__, value.__qualname__, value.__code__
        return *names, value.__defaults__, value.__kwdefaults__, cells
    if isinstance(value, types.MethodType):
        return value.__func__, value.__self__
    if isinstance(value, functools.partial):
        return value.func, value.args, value.keywords
    if isinstance(value, np.random.RandomState):
        return value.get_state(legacy=False)
    has_equality = type(value).__eq__ is not object.__eq__
    return None if has_equality or isinstance(value, type) or not hasattr(value, "__dict__") else vars(value)


def _same_array(one, other):
    if scipy.sparse.issparse(one) or scipy.sparse.issparse(other):
        both = scipy.sparse.issparse(one) and scipy.sparse.issparse(other)
        return both and one.shape == other.shape and one.dtype == other.dtype and (one != other).nnz == 0
    if not (arrays.is_array(one) and arrays.is_array(other)):
        return False
    one, other = arrays.to_numpy(one), arrays.to_numpy(other)
    if one.dtype.kind == "O" or other.dtype.kind == "O":
        return one.shape == other.shape and is_alike(one.tolist(), other.tolist())
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind in "fc" and other.dtype.kind in "fc"))

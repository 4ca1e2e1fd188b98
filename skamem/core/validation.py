"""Checks at the estimator's door. Every message says what was found, what was expected, and the remedy."""

import numbers
from collections.abc import Mapping

import numpy as np
import scipy.sparse
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import assert_all_finite, check_array, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from skamem.core import arrays
from skamem.core._labels import check_one_kind
from skamem.core.columns import unmasked
from skamem.core.warn import warn

__all__ = [
    "check_groups",
    "check_labels",
    "check_number",
    "check_option",
    "check_real_targets",
    "check_sample_weight",
    "check_sequence",
    "check_targets",
    "known_classes",
    "known_codes",
    "type_of",
]


def check_option(name, value, options):
    """Raise ValueError unless `value` is one of `options`.

    Parameters
    ----------
    name : str
        Parameter's name, for the message.
    value : object
        What the user gave.
    options : collection
        What is allowed.

    Returns
    -------
    value : object
    """
    # By type and equality, so that 1 does not pass for True, nor an array break the comparison. NumPy's strings and
    # booleans are what a grid of arrays gives.
    given = value.item() if isinstance(value, np.bool_ | np.str_) else value
    if not any(type(given) is type(option) and given == option for option in options):
        allowed = ", ".join(map(repr, options))
        raise ValueError(f"{name}={value!r} is not an option; expected one of {allowed}.")
    return value


def check_number(name, value, *, kind=numbers.Real, low=None, high=None, low_open=False, high_open=False):
    """Raise unless `value` is a number of the given kind and range.

    Parameters
    ----------
    name : str
        Parameter's name, for the message.
    value : object
        What the user gave.
    kind : type, default=numbers.Real
        ``numbers.Integral`` or ``numbers.Real``; booleans are neither.
    low, high : float, default=None
        Bounds; None for none.
    low_open, high_open : bool, default=False
        Whether the bound itself is excluded.

    Returns
    -------
    value : number

    Raises
    ------
    TypeError
        When it is no number of that kind.
    ValueError
        When it is out of range, or NaN.
    """
    noun = "an integer" if kind is numbers.Integral else "a number"
    if isinstance(value, bool) or not isinstance(value, kind):
        raise TypeError(f"{name}={value!r} is {type_of(value)}; expected {noun}.")
    below = low is not None and not (value > low if low_open else value >= low)
    above = high is not None and not (value < high if high_open else value <= high)
    if below or above or value != value:
        left = "" if low is None else f"{low} {'<' if low_open else '<='} "
        right = "" if high is None else f" {'<' if high_open else '<='} {high}"
        raise ValueError(f"{name}={value!r} is out of range; expected {left}{name}{right}.")
    return value


def type_of(value):
    """The type of a value with its article, for messages.

    Parameters
    ----------
    value : object
        What the user gave.

    Returns
    -------
    named : str
        "an int", "a str".
    """
    name = type(value).__name__
    first = "AEFHILMNORSX" if name[:2].isupper() else "AEIOaeio"  # where two capitals begin, it is spelled out
    return f"{'an' if (name[0] in first and name[:3] != 'One') or name[:2] == 'nd' else 'a'} {name}"


def check_sequence(name, value, expected, *, length=None):
    """The entries of a list-like parameter; raise unless it is one.

    Parameters
    ----------
    name : str
        Parameter's name, for the message.
    value : object
        What the user gave.
    expected : str
        What it should be, for the message.
    length : int, default=None
        Number of entries; None for any.

    Returns
    -------
    entries : list

    Raises
    ------
    TypeError
        For what has no entries, and for strings and mappings.
    ValueError
        For another length.
    """
    try:
        entries = None if isinstance(value, str | bytes | Mapping) else list(value)
    except TypeError:  # not iterable; an array without dimensions says so only when it is asked
        entries = None
    if entries is None:
        raise TypeError(f"{name}={value!r} is {type_of(value)}; expected {expected}.")
    if length is not None and len(entries) != length:
        raise ValueError(f"{name}={value!r} has {len(entries)} entries; expected {length}: {expected}.")
    return entries


def check_sample_weight(sample_weight, X, placement, dtype, *, computed_in=None):
    """Validated sample weights on the placement of X.

    Parameters
    ----------
    sample_weight : None, number or array-like of shape (n_samples,)
        Finite and non-negative, not all zero.
    X : array of shape (n_samples, n_features)
        Validated input.
    placement : Placement
        Where to put the weights.
    dtype : dtype
        Floating type of the result.
    computed_in : dtype, default=None
        Floating type that the weights are computed in later on, where it is another.

    Returns
    -------
    sample_weight : array of shape (n_samples,) or None
        None when None was given.

    Raises
    ------
    ValueError
        For a wrong shape, NaN, infinities, negative weights, weights that are all zero, or such that the narrower type
        would lose: 1e-100 is 0 in float32.
    """
    if sample_weight is None:
        return None
    n_samples = X.shape[0]
    if isinstance(sample_weight, numbers.Number):
        sample_weight = [float(sample_weight)] * n_samples
    weights = check_array(unmasked(sample_weight), ensure_2d=False, dtype=None, input_name="sample_weight")
    if weights.ndim != 1 or weights.shape[0] != n_samples:
        raise ValueError(
            f"sample_weight has shape {tuple(weights.shape)}; expected ({n_samples},): one weight for each row of X."
        )
    xp, limits = placement.xp, placement.xp.finfo(dtype if computed_in is None else computed_in)
    weights = placement.asarray(weights, xp.float64)
    positive = weights[weights > 0]
    least, most = (float(xp.min(positive)), float(xp.max(weights))) if positive.shape[0] else (1.0, 1.0)
    if not limits.smallest_normal <= least <= most <= limits.max:
        raise ValueError(
            f"sample_weight has entries from {least:.3g} to {most:.3g}, beyond what {limits.bits} bits hold, in which "
            "X is computed. Scale the weights, or give X as float64."
        )
    weights = xp.astype(weights, dtype, copy=False)
    if bool(xp.any(weights < 0)):
        raise ValueError("sample_weight has negative entries; weights must be >= 0. Drop the rows you want ignored.")
    if not bool(xp.any(weights > 0)):
        raise ValueError("sample_weight is all zero, so no row is left; give at least one row a positive weight.")
    return weights


def check_targets(y, X, placement, dtype, *, owner, optional=True):
    """Validated two-dimensional target patterns on the placement of X.

    Parameters
    ----------
    y : array-like or csr matrix of shape (n_patterns, n_outputs)
        Target patterns.
    X : array of shape (n_patterns, n_units)
        Validated patterns.
    placement : Placement
        Where to put the targets.
    dtype : dtype
        Floating type of the result.
    owner : str
        Estimator's name, for the messages.
    optional : bool, default=True
        Whether it is a parameter ``target`` that asks for targets.

    Returns
    -------
    y : array or csr matrix of shape (n_patterns, n_outputs)
        Sparse targets stay where they are, as they are.

    Raises
    ------
    ValueError
        When y is missing, one-dimensional, not finite, or of another length than X.
    """
    remedy = " Use target='self' for autoassociation." if optional else ""
    owner = f"{owner}(target='y')" if optional else owner
    if y is None:
        raise ValueError(
            f"{owner} requires y to be passed, but the target y is None: expected an array of shape "
            f"(n_patterns, n_outputs).{remedy}"
        )
    if len(arrays.shape_of(y)) == 1:
        raise ValueError(
            f"{owner} stores pairs of patterns, but y is 1-D; expected shape (n_patterns, n_outputs). "
            "For one output unit use y.reshape(-1, 1); for class labels use MemoryClassifier."
        )
    y = check_array(unmasked(y), accept_sparse="csr", dtype="numeric", input_name="y")
    check_consistent_length(X, y)
    return y if scipy.sparse.issparse(y) else placement.asarray(y, dtype)


def check_labels(y, X, *, owner):
    """Class labels on the host: the classes, and each row's class as a number.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels, numbers or strings, in any namespace.
    X : array or sparse matrix of shape (n_samples, n_features)
        Validated input.
    owner : str
        Estimator's name, for the messages.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        Sorted labels.
    codes : int ndarray of shape (n_samples,)
        ``classes[codes]`` is `y`.

    Raises
    ------
    ValueError
        When y is missing, not finite, continuous, of another length than X, or of one class only.
    """
    y = _label_column(y, X, owner)
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"{owner} needs samples of at least 2 classes, but y has only one class: {classes.tolist()}.")
    return classes, codes


def check_groups(y, X, *, owner):
    """Labels of groups on the host: as `check_labels`, of any number of groups and with few rows in each.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels, numbers or strings, in any namespace.
    X : array or sparse matrix of shape (n_samples, n_features)
        Validated input.
    owner : str
        Estimator's name, for the messages.

    Returns
    -------
    labels : ndarray of shape (n_groups,)
        Sorted.
    codes : int ndarray of shape (n_samples,)
        ``labels[codes]`` is `y`.

    Raises
    ------
    TypeError
        For numbers beside strings, and for labels that are neither.
    ValueError
        When y is missing, lacks a label, is not finite, or is of another length than X.
    """
    if isinstance(y, list | tuple):  # NumPy would make strings of numbers and NaN beside strings
        y = np.asarray(y, dtype=object)
    y = _label_column(y, X, owner, are_classes=False)
    if y.dtype.kind not in "biufcU":
        check_one_kind(y := list(y))
    return np.unique(y, return_inverse=True)


def _label_column(y, X, owner, name="y", *, are_classes=True):
    """Labels on the host, checked, of shape (n_samples,)."""
    if y is None:
        raise ValueError(f"{owner} requires y to be passed, but the target y is None: expected one label a row of X.")
    shape = arrays.shape_of(y)
    if len(shape) == 2 and shape[1] == 1:
        warn(
            "A column-vector y was passed when a 1d array was expected. Please change the shape of y to (n_samples, ), "
            "for example using ravel().",
            DataConversionWarning,
        )
    elif len(shape) == 2:
        raise ValueError(
            f"{name} should be a 1d array of one label a row, but has shape {shape}. For several labels a row use "
            f"sklearn.multioutput.MultiOutputClassifier or ClassifierChain around {owner}; columns that stand for "
            "classes, one of them 1 in each row, are y.argmax(axis=1)."
        )
    y = column_or_1d(unmasked(arrays.to_numpy(y) if arrays.is_array(y) else y))
    if y.dtype.kind == "f":
        assert_all_finite(y, input_name=name)
    if are_classes:
        check_classification_targets(y)
    check_consistent_length(X, y)
    return y


def check_real_targets(y, X, *, owner):
    """Real targets on the host: a column an output.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Numbers, in any namespace.
    X : array or sparse matrix of shape (n_samples, n_features)
        Validated input.
    owner : str
        Estimator's name, for the messages.

    Returns
    -------
    values : ndarray of shape (n_samples, n_outputs)
        float64.
    flat : bool
        Whether y is one-dimensional.

    Raises
    ------
    ValueError
        When y is missing, not finite, or of another length than X.
    """
    if y is None:
        raise ValueError(
            f"{owner} requires y to be passed, but the target y is None: expected one real target a row of X."
        )
    y = unmasked(arrays.to_numpy(y) if arrays.is_array(y) else y)
    y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
    check_consistent_length(X, y)
    return y.reshape(len(y), -1), y.ndim == 1


def known_classes(known, classes, y, X, owner):
    """Classes of a call of `partial_fit`.

    Parameters
    ----------
    known : ndarray of shape (n_classes,) or None
        Those of the first call; None in the first call.
    classes : array-like of shape (n_classes,) or None
        What the user passed.
    y : array-like of shape (n_samples,)
        Labels: the classes of a first call without `classes`.
    X : array or sparse matrix of shape (n_samples, n_features)
        For its length.
    owner : str
        Estimator's name, for the messages.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        Sorted.

    Raises
    ------
    ValueError
        When `classes` differ from those known.
    """
    remedy = "pass all labels that will ever come as `classes` in the first call of partial_fit."
    if classes is None:
        if known is not None:
            return known
        classes = np.unique(_label_column(y, X, owner))
        if len(classes) < 2:
            given = "and `classes` is not given"
            raise ValueError(f"{owner} needs at least 2 classes, but y has only {classes.tolist()} {given}; {remedy}")
        return classes
    classes = np.unique(_label_column(classes, classes, owner, "classes"))
    if len(classes) < 2:
        raise ValueError(f"classes={classes.tolist()} has fewer than 2 labels; {remedy}")
    if known is not None and not np.array_equal(classes, known):
        raise ValueError(
            f"classes={classes.tolist()} differ from those of the first call, {known.tolist()}; pass the same, or none."
        )
    return classes


def known_codes(y, X, classes, owner):
    """Class indices of labels whose classes are known.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels.
    X : array or sparse matrix of shape (n_samples, n_features)
        For its length.
    classes : ndarray of shape (n_classes,)
        Known classes, sorted.
    owner : str
        Estimator's name, for the messages.

    Returns
    -------
    codes : ndarray of shape (n_samples,)
        On the host.

    Raises
    ------
    ValueError
        When y is missing, of another length than X, or has labels that `classes` lacks.
    """
    y = _label_column(y, X, owner)
    new = np.setdiff1d(y, classes)
    if new.size:
        raise ValueError(
            f"y has labels {new[:5].tolist()} that are not in classes {classes.tolist()}; pass all labels as `classes` "
            "in the first call of partial_fit."
        )
    return np.searchsorted(classes, y)

"""What `fit` learns of the columns of a table of mixed columns: numbers, whole numbers, categories."""

import numbers
from decimal import Decimal

import numpy as np

from skamem.core.validation import type_of
from skamem.impute._table import (
    Feature,
    columns_of,
    declared_categories,
    dtype_kind,
    is_frame,
    missing_entries,
    names_of,
    objects,
    plain,
)

__all__ = ["CATEGORICAL", "check_table", "joined_features", "learnt_features", "number_feature", "recoded"]

CATEGORICAL = "'from_dtype', None, a mask, indices or names of features"
"""What may say which features are categories."""

_FEW_LEVELS = 32  # whole numbers: with no more different ones a completed entry is one of those seen


def check_table(X):
    """Refuse what is no table of values: a frame in which a name stands for several columns, or one yet to be read."""
    dtype = getattr(X, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind in "mM":
        raise TypeError(f"X has the type {dtype}; expected numbers, booleans, strings or categories. Encode it.")
    if hasattr(X, "collect_schema") and not hasattr(X, "get_columns"):
        raise TypeError(f"X is {type_of(X)}, with no rows yet; expected a data frame. Call its collect().")
    if not is_frame(X):
        return
    names = list(X.columns)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(
            f"{names.count(twice)} columns have the name {twice!r}; expected different names. Rename them."
        )


def learnt_features(X, marker, categorical):
    """What `fit` learns of each column of a mixed table.

    Parameters
    ----------
    X : data frame or array of objects
        The table.
    marker : object
        What marks a missing entry, beside None, NaN and pandas.NA.
    categorical : str, None or array-like
        A mask, indices or names of columns that are categories whatever their type; a string or None for none.

    Returns
    -------
    features : list of Feature
    """
    features, categorical = [], _mask(categorical, names_of(X))
    for name, is_category, (dtype, values) in zip(names_of(X), categorical, columns_of(X), strict=True):
        missing = missing_entries(values, marker)
        features.append(_learnt(name, dtype, values[~missing], is_category))
    return features


def _learnt(name, dtype, given, is_category):
    kind = "object" if dtype is None else dtype_kind(dtype)
    ordered = getattr(dtype, "ordered", False) is True
    if kind == "object" and not is_category:
        kind = _kind_ofobjects(name, given)
    if kind == "category" or is_category:
        declared = declared_categories(dtype)
        if declared is None:  # else they may be anything, intervals say: they stand for themselves
            _check_entries(name, given)
        seen = {plain(value) for value in given}
        levels = objects(_sorted(seen) if declared is None else [value for value in declared if value in seen])
        return Feature("whole" if ordered and not is_category else "category", levels, True, declared)
    if kind == "bool":
        return Feature("whole", np.asarray([False, True], dtype=object), is_ranked=True)
    if kind == "whole":
        levels = np.unique(given)
        return Feature("whole", levels if len(levels) <= _FEW_LEVELS else None)
    return number_feature(len(given))


def number_feature(n_given):
    """What is known of a column of numbers; of gaps alone nothing, since readers call any such column one of floats."""
    return Feature("number", None if n_given else objects([]))


def _kind_ofobjects(name, given):
    if not len(given):
        return "category"
    if all(isinstance(value, bool | np.bool_) for value in given):
        return "bool"
    if all(isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_) for value in given):
        return "float"
    _check_entries(name, given)
    return "category"


def _check_entries(name, given):
    for value in given:
        if isinstance(value, complex | Decimal) or not isinstance(value, str | bytes | numbers.Number | np.bool_):
            raise TypeError(
                f"Feature {name!r} has entries of the type {type(value).__name__}; argument must be a string or a real "
                "number. Encode it, or leave it out."
            )


def joined_features(some, others, names):
    """What is known of columns from two parts of a table.

    Parameters
    ----------
    some, others : list of Feature
        From each part.
    names : sequence
        Of the columns, for errors.

    Returns
    -------
    features : list of Feature
        Their levels are those of both: `recoded` tells codes of either in them.

    Raises
    ------
    ValueError
        For a column of numbers in one part and of categories in the other, and for orders that contradict.
    """
    return [_joined(one, other, name) for one, other, name in zip(some, others, names, strict=True)]


def _joined(one, other, name):
    if one.is_empty or other.is_empty:
        return one if other.is_empty and not (one.is_empty and other.declared) else other
    if one.is_ranked != other.is_ranked or (one.is_ranked and one.kind != other.kind):
        raise ValueError(
            f"Feature {name!r} held {one.content} and holds {other.content} now. Convert it to what it was at first."
        )
    if not one.is_ranked:
        if "number" in (one.kind, other.kind):
            return Feature("number")
        levels = None if one.levels is None or other.levels is None else np.union1d(one.levels, other.levels)
        return Feature("whole", levels if levels is not None and len(levels) <= _FEW_LEVELS else None)
    seen = {*one.levels.tolist(), *other.levels.tolist()}
    declared = _joined_order(one, other, name)
    levels = [level for level in declared or [] if level in seen]
    return Feature(one.kind, objects([*levels, *_sorted(seen.difference(levels))]), True, declared)


def _joined_order(one, other, name):
    """The categories that two types declare; of ranks one list must be a part of the other, or nothing ranks them."""
    first, second = (list(part.declared or (part.levels if part.kind == "whole" else ())) for part in (one, other))
    if one.kind == "category":
        return [*first, *(level for level in second if level not in first)] or None
    longer, shorter = (first, second) if len(first) >= len(second) else (second, first)
    if [level for level in longer if level in shorter] != shorter:
        raise ValueError(f"Feature {name!r} has ranks {second} and had {first}; expected one order for all rows.")
    return longer if one.declared or other.declared else None


def recoded(codes, old, new):
    """Codes of features in the levels that `joined_features` gave.

    Parameters
    ----------
    codes : ndarray of shape (n_rows, n_features)
        In those of `old`.
    old, new : list of Feature
        What the columns were, and are.

    Returns
    -------
    codes : ndarray of shape (n_rows, n_features)
    """
    codes = codes.copy()
    for j, (before, after) in enumerate(zip(old, new, strict=True)):
        if before.is_ranked and len(before.levels):
            index = {level: float(i) for i, level in enumerate(after.levels.tolist())}
            places = np.asarray([index[level] for level in before.levels.tolist()])
            known = ~np.isnan(codes[:, j])
            codes[known, j] = places[codes[known, j].astype(np.intp)]
    return codes


def _sorted(values):
    return sorted(values, key=lambda value: (type(value).__name__ if isinstance(value, str) else "", value))


def _mask(given, names):
    """Mask of the features that are said to be categories."""
    mask = np.zeros(len(names), dtype=bool)
    if given is None or isinstance(given, str):
        return mask
    chosen = np.asarray(given)
    if chosen.dtype.kind == "b" and chosen.shape == mask.shape:
        return chosen
    if chosen.ndim == 1 and all(isinstance(name, str) and name in names for name in chosen.tolist()):
        chosen = np.asarray([names.index(name) for name in chosen.tolist()], dtype=np.intp)
    if chosen.ndim != 1 or chosen.dtype.kind not in "iu" or (chosen >= len(mask)).any() or (chosen < 0).any():
        raise ValueError(f"categorical_features={given!r} does not fit {len(mask)} features; expected {CATEGORICAL}.")
    mask[chosen] = True
    return mask

"""Tables of mixed columns as numbers, and back: a category is its index, an unknown entry NaN.

Data frames keep the type of every column. Of pandas and Polars nothing is imported: a frame's own methods do.
"""

import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np

from skamem.core.parameters import Kind

__all__ = [
    "Feature",
    "MissingMarker",
    "Table",
    "dtype_kind",
    "is_frame",
    "is_mixed",
    "learnt_features",
    "missing_entries",
    "plain",
    "read_table",
    "series_of",
]

_STARTS = {"float": ("float", "double", "halffloat"), "whole": ("int", "uint"), "bool": ("bool",)}  # of types' names
_FEW_LEVELS = 32  # whole numbers: with no more different ones a completed entry is one of those seen


class MissingMarker(Kind):
    """What marks a missing entry: a number, a string, NaN, None or ``pandas.NA``."""

    def accepts(self, value):
        if value is None or isinstance(value, str) or _is_na(value):
            return True
        if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
            return False
        try:
            return bool(np.isfinite(float(value)))
        except OverflowError:
            return False

    def __str__(self):
        return "a finite number, a string, NaN, None or pandas.NA"


def _is_na(value):
    return type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, numbers.Real) and value != value)


@dataclass(frozen=True)
class Feature:
    """What is known of a column since `fit`.

    Parameters
    ----------
    kind : {"number", "whole", "category"}
        Completed by any number; by the nearest of whole numbers, booleans or ordered categories; by a vote.
    levels : ndarray or None
        Sorted values that were seen, for "whole" (None when there are many) and "category"; categories of a frame in
        their own order.
    is_ranked : bool
        Whether codes are indices of `levels`, not the values themselves.
    """

    kind: str
    levels: Any = None
    is_ranked: bool = False

    @property
    def is_numeric(self):
        """Whether values are numbers, or truth values, which an array of numbers can hold."""
        return not self.is_ranked or (
            len(self.levels) > 0 and all(isinstance(level, bool) for level in self.levels.tolist())
        )

    def codes(self, values, missing):
        """Numbers for the values of a column, NaN where missing or never seen."""
        found = np.full(len(values), np.nan)
        given = values[~missing]
        if not self.is_ranked:
            found[~missing] = given.astype(np.float64)
            return found
        index = {level: float(i) for i, level in enumerate(self.levels.tolist())}
        found[~missing] = [index.get(plain(value), np.nan) for value in given.tolist()]
        return found

    def values(self, codes):
        """Values of the column for completed codes."""
        if self.kind == "number":
            return codes
        if self.levels is not None and not len(self.levels):  # nothing was ever seen
            return np.full(len(codes), None) if self.is_ranked else codes
        if self.is_ranked:
            return self.levels[np.clip(np.rint(codes), 0, len(self.levels) - 1).astype(np.intp)]
        if self.levels is None:
            return np.rint(codes)
        place = np.clip(np.searchsorted(self.levels, codes), 1, max(1, len(self.levels) - 1))
        low, high = self.levels[place - 1], self.levels[np.minimum(place, len(self.levels) - 1)]
        return np.where(codes - low <= high - codes, low, high)


@dataclass(frozen=True)
class Table:
    """The rows of a table as numbers.

    Parameters
    ----------
    codes : ndarray of shape (n_rows, n_features)
        NaN where nothing is known: missing, or of a category that `fit` never saw.
    missing : bool ndarray of shape (n_rows, n_features)
        What is to be filled.
    """

    codes: Any
    missing: Any


def is_frame(X):
    """Whether `X` is a data frame of pandas, Polars or their like."""
    return hasattr(X, "columns") and (hasattr(X, "iloc") or hasattr(X, "get_columns"))


def is_mixed(X):
    """Whether columns must be read one by one: some may be no plain numbers."""
    if is_frame(X):
        return any(dtype_kind(series.dtype) != "float" for series in series_of(X))
    if isinstance(X, list | tuple):
        return any(isinstance(value, str) for row in X if isinstance(row, list | tuple) for value in row)
    dtype = getattr(X, "dtype", None)
    return isinstance(dtype, np.dtype) and dtype.kind in "OUS"


def series_of(X):
    """The columns of a frame."""
    return [X.iloc[:, j] for j in range(X.shape[1])] if hasattr(X, "iloc") else X.get_columns()


def dtype_kind(dtype):
    """What a column of a frame's type holds: "float", "whole", "bool", "category" or "object"."""
    name = str(dtype).lower()
    for kind, starts in {
        "float": ("float", "double", "halffloat"),
        "whole": ("int", "uint"),
        "bool": ("bool",),
    }.items():
        if name.startswith(starts):
            return kind
    if name.startswith(("datetime", "date", "time", "duration", "period", "complex", "interval")):
        raise TypeError(f"A column has the type {dtype}; expected numbers, booleans, strings or categories. Encode it.")
    return "category" if name.startswith(("categor", "enum")) else "object"


def _columns(X):
    """Yield (dtype or None, values as an object array) of each column."""
    if not is_frame(X):
        X = np.asarray(X, dtype=object)
        yield from ((None, X[:, j]) for j in range(X.shape[1]))
        return
    for series in series_of(X):
        if dtype_kind(series.dtype) in ("float", "whole"):
            yield series.dtype, _numbers(series)
            continue
        values = np.empty(len(series), dtype=object)
        values[:] = series.tolist() if hasattr(series, "tolist") else series.to_list()
        yield series.dtype, values


def _numbers(series):
    if hasattr(series, "iloc"):
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray([np.nan if value is None else value for value in series.to_list()], dtype=np.float64)


def missing_entries(values, marker):
    """Mask of None, NaN, pandas.NA and the marker, in an array of numbers or a column of objects."""
    if values.dtype.kind == "f":
        is_number = isinstance(marker, numbers.Real) and not _is_na(marker)
        return np.isnan(values) | (values == float(marker)) if is_number else np.isnan(values)
    missing = np.fromiter((value is None or _is_na(value) for value in values), dtype=bool, count=len(values))
    if marker is not None and not _is_na(marker):
        missing |= np.fromiter((_equal(value, marker) for value in values), dtype=bool, count=len(values))
    return missing


def _equal(value, marker):
    return isinstance(value, str) == isinstance(marker, str) and bool(value == marker)


def plain(value):
    """A value of NumPy as Python's, others unchanged."""
    return value.item() if isinstance(value, np.generic) else value


def learnt_features(X, marker, categorical):
    """What `fit` learns of each column of a mixed table.

    Parameters
    ----------
    X : data frame or array of objects
        The table.
    marker : object
        What marks a missing entry, beside None, NaN and pandas.NA.
    categorical : bool ndarray of shape (n_features,)
        Columns that are categories whatever their type.

    Returns
    -------
    features : list of Feature
    """
    features = []
    for j, (dtype, values) in enumerate(_columns(X)):
        missing = missing_entries(values, marker)
        features.append(_learnt(dtype, values[~missing], categorical[j]))
    return features


def _learnt(dtype, given, is_category):
    kind = "object" if dtype is None else dtype_kind(dtype)
    ordered = getattr(dtype, "ordered", False) is True
    if kind == "object" and not is_category:
        kind = _kind_of_objects(given)
    if kind == "category" or is_category:
        seen = {plain(value) for value in given}
        declared = getattr(dtype, "categories", None)
        levels = [value for value in declared if value in seen] if declared is not None else _sorted(seen)
        as_array = np.empty(len(levels), dtype=object)
        as_array[:] = levels
        return Feature("whole" if ordered and not is_category else "category", as_array, is_ranked=True)
    if kind == "bool":
        return Feature("whole", np.asarray([False, True], dtype=object), is_ranked=True)
    if kind == "whole":
        levels = np.unique(given.astype(np.float64))
        return Feature("whole", levels if len(levels) <= _FEW_LEVELS else None)
    return Feature("number")


def _kind_of_objects(given):
    if not len(given):
        return "category"
    if all(isinstance(value, bool | np.bool_) for value in given):
        return "bool"
    if all(isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_) for value in given):
        return "float"
    for value in given:
        if not isinstance(value, str | bytes | numbers.Number | bool | np.bool_):
            raise TypeError(f"Entries are {type(value).__name__}; argument must be a string or a real number.")
    return "category"


def _sorted(values):
    return sorted(values, key=lambda value: (type(value).__name__ if isinstance(value, str) else "", value))


def read_table(X, features, marker):
    """The rows of a mixed table as a `Table`, with what `learnt_features` gave."""
    codes, masks = [], []
    for j, (feature, (_, values)) in enumerate(zip(features, _columns(X), strict=True)):
        missing = missing_entries(values, marker)
        try:
            codes.append(feature.codes(values, missing))
        except (TypeError, ValueError) as error:
            name = X.columns[j] if is_frame(X) else j
            raise ValueError(f"Feature {name!r} held numbers in fit and has other entries: {error}.") from error
        masks.append(missing)
    table = Table(np.stack(codes, axis=1), np.stack(masks, axis=1))
    if np.isinf(table.codes).any():
        raise ValueError("Input X contains infinity; expected finite numbers, or what marks missing entries.")
    return table

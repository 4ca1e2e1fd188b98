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
    "columns_of",
    "declared_categories",
    "dtype_kind",
    "is_frame",
    "is_mixed",
    "is_number",
    "missing_entries",
    "names_of",
    "objects",
    "objects_of",
    "plain",
    "read_table",
    "series_of",
]

_STARTS = {"float": ("float", "double", "halffloat"), "whole": ("int", "uint"), "bool": ("bool",)}  # of types' names
_EXACT = 2.0**53  # whole numbers beyond are no floats
_REFUSED = ("datetime", "date", "time", "duration", "period", "complex", "interval", "decimal")


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
        their own order. Of a "number" None, or nothing where none was seen.
    is_ranked : bool
        Whether codes are indices of `levels`, not the values themselves.
    declared : list or None
        All categories that a frame's type declares, in its order; the first stands for a missing entry where `fit` saw
        none.
    """

    kind: str
    levels: Any = None
    is_ranked: bool = False
    declared: Any = None

    @property
    def is_numeric(self):
        """Whether values are numbers, or truth values, which an array of numbers can hold."""
        return not self.is_ranked or (len(self.levels) > 0 and all(map(is_number, self.levels.tolist())))

    @property
    def is_empty(self):
        """Whether nothing was ever seen of it, so that it may yet hold anything."""
        return self.levels is not None and not len(self.levels)

    @property
    def content(self):
        """What it held in `fit`, in words."""
        if self.is_empty:
            return "nothing"
        if not self.is_ranked:
            return "numbers"
        return "categories such as " + ", ".join(repr(level) for level in self.levels[:2].tolist())

    def codes(self, values, missing):
        """Numbers for the values of a column, NaN where missing or never seen."""
        found = np.full(len(values), np.nan)
        given = values[~missing]
        if not self.is_ranked:
            text = next((value for value in given.tolist() if isinstance(value, str | bytes)), None)
            if text is not None:
                raise ValueError(f"found {text!r}")
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
            nothing = self.declared[0] if self.declared else 0
            return np.full(len(codes), nothing, dtype=object if self.is_ranked else np.float64)
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
        return any(dtype_kind(dtype, name) != "float" for name, dtype in zip(X.columns, X.dtypes, strict=True))
    if isinstance(X, list | tuple):
        return any(isinstance(value, str) for row in X if isinstance(row, list | tuple) for value in row)
    dtype = getattr(X, "dtype", None)
    return isinstance(dtype, np.dtype) and dtype.kind in "OUS"


def series_of(X):
    """The columns of a frame, dense."""
    if not hasattr(X, "iloc"):
        return X.get_columns()
    columns = [X.iloc[:, j] for j in range(X.shape[1])]
    return [column.sparse.to_dense() if str(column.dtype).startswith("Sparse") else column for column in columns]


def names_of(X):
    """Names of the columns of a frame; indices of those of an array."""
    return list(X.columns) if is_frame(X) else list(range(X.shape[1]))


def dtype_kind(dtype, name=None):
    """What a column of a frame's type holds: "float", "whole", "bool", "category" or "object"; `name` is for errors."""
    started = str(dtype).lower()
    if started.startswith(_REFUSED):  # before "int", with which intervals begin
        remedy = "Convert it to floats." if started.startswith("decimal") else "Encode it, or leave it out."
        raise TypeError(
            f"Feature {name!r} has the type {dtype}; expected numbers, booleans, strings or categories. {remedy}"
        )
    for kind, starts in _STARTS.items():
        if started.startswith(starts):
            return kind
    return "category" if started.startswith(("category", "categorical", "enum")) else "object"


def columns_of(X):
    """Yield (dtype or None, values as an object array) of each column."""
    if not is_frame(X):
        X = np.asarray(X, dtype=object)
        yield from ((None, X[:, j]) for j in range(X.shape[1]))
        return
    for series in series_of(X):
        if dtype_kind(series.dtype, series.name) in ("float", "whole"):
            found = _numbers(series)
            if dtype_kind(series.dtype) == "float" or not (np.abs(found) >= _EXACT).any():
                yield series.dtype, found
                continue
        yield series.dtype, objects_of(series)


def objects(values):
    """A list as an array of objects, whatever they are: tuples too."""
    return np.fromiter(values, dtype=object, count=len(values))


def objects_of(series):
    """The entries of a frame's column as an array of objects."""
    return objects(series.tolist() if hasattr(series, "tolist") else series.to_list())


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


def declared_categories(dtype):
    """The categories that a frame's type declares, as a list; None where it declares none."""
    declared = getattr(dtype, "categories", None)
    return [plain(value) for value in declared] if hasattr(declared, "__iter__") else None


def _check_sorts(feature, dtype, given):
    """Refuse a column of another sort than all that was seen, whether or not it has gaps to fill."""
    if not feature.is_ranked or feature.is_empty or not len(given):
        return
    if feature.kind == "category" and feature.is_numeric and (dtype is None or str(dtype).lower() == "object"):
        return  # codes of categories, beside which objects may have a word
    if set(map(_sort_of, feature.levels.tolist())).isdisjoint(map(_sort_of, given.tolist())):
        raise ValueError(f"found {plain(given[0])!r}")


def _sort_of(value):
    """What goes together in a column: all numbers and truth values, all strings, all intervals."""
    return numbers.Real if is_number(value) else type(plain(value))


def is_number(value):
    """Whether a value is a real number or a truth value."""
    return isinstance(value, numbers.Real | np.bool_)


def read_table(X, features, marker):
    """The rows of a mixed table as a `Table`, with what `learnt_features` gave."""
    codes, masks = [], []
    for name, feature, (dtype, values) in zip(names_of(X), features, columns_of(X), strict=True):
        missing = missing_entries(values, marker)
        try:
            _check_sorts(feature, dtype, values[~missing])
            codes.append(feature.codes(values, missing))
        except (TypeError, ValueError, OverflowError) as error:
            column = "" if dtype is None else f" in a column of the type {dtype}"
            raise ValueError(
                f"Feature {name!r} held {feature.content} in fit and has other entries now{column}: {error}. "
                "Convert it to what fit saw."
            ) from error
        masks.append(missing)
    table = Table(np.stack(codes, axis=1), np.stack(masks, axis=1))
    for j in np.flatnonzero(np.isinf(table.codes).any(axis=0)):
        raise ValueError(
            f"Input X contains infinity in feature {names_of(X)[j]!r}; expected finite numbers, or what marks missing "
            "entries."
        )
    return table

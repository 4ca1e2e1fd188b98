"""Columns of data frames with their gaps filled: a column keeps its type where that can hold what is filled in.

What `fit` saw and what is to be completed may have different types: read from files one by one, they often do.
"""

import numpy as np

from skamem.impute._table import declared_categories, dtype_kind, is_number, objects

__all__ = ["filled_series", "plain_values"]

_NO_WORD = "missing_value"  # among strings, of which `fit` saw none


def plain_values(feature, codes, *, beside=()):
    """Values of completed codes, as an array of objects of Python.

    Parameters
    ----------
    feature : Feature
        What was learnt of the column.
    codes : ndarray of shape (n_entries,)
        Completed codes.
    beside : sequence
        Known entries of the column, which say what stands for a missing one where `fit` saw none.

    Returns
    -------
    values : ndarray of objects, of shape (n_entries,)
        Whole numbers are integers.
    """
    values = feature.values(codes).tolist()
    if feature.kind == "whole" and not feature.is_ranked:
        values = [int(value) for value in values]
    if (
        feature.is_ranked
        and feature.is_empty
        and not feature.declared
        and any(isinstance(value, str) for value in beside)
    ):
        values = [_NO_WORD] * len(values)
    return objects(values)


def filled_series(series, missing, feature, codes):
    """A column of a frame without gaps.

    Parameters
    ----------
    series : Series of pandas or Polars
        The column.
    missing : bool ndarray of shape (n_rows,)
        Its missing entries.
    feature : Feature
        What was learnt of it.
    codes : ndarray of shape (n_rows,)
        Every entry's code.

    Returns
    -------
    series : Series
        Of the same type where that can hold all values: a categorical one gets the categories it lacks, and a column
        of numbers that is too narrow a wider type. A column of which nothing is known takes the type of its values.

    Raises
    ------
    ValueError
        Where known and completed entries go into no column together, such as numbers and strings.
    """
    if not missing.any():
        return series
    frame = _Pandas if hasattr(series, "iloc") else _Polars
    known = frame.listed(series, ~missing)
    values = plain_values(feature, codes[missing], beside=known or _text_of(series.dtype)).tolist()
    kind = dtype_kind(series.dtype, series.name)
    if kind == "category":
        levels = frame.categories(series)
        if levels is None or _go_together([*levels, *known], values):
            return frame.categorical(series, missing, values, _merged(levels or [], values, feature))
    elif kind == "object":
        can_be = all(isinstance(value, str) for value in values) if _is_text(series.dtype) else known
        if can_be or str(series.dtype).lower() == "object":
            return frame.filled(series, missing, values)
    else:
        held = _held(values, kind, feature)
        if held is not None and feature.kind == "whole" and feature.levels is None and "64" in str(series.dtype):
            held = _clipped(held, series.dtype)  # no type is wider, and floats would round what is known
        if held is not None and _holds(series.dtype, held):
            return frame.filled(series, missing, held)
        if held is not None or (kind != "bool" and all(map(is_number, values))):
            return frame.widened(series, missing, values if held is None else held)
    if not known:
        return frame.made(series, values)
    raise ValueError(
        f"Feature {series.name!r} held {feature.content} in fit; its column of the type {series.dtype} cannot hold "
        f"{values[0]!r}. Convert it to what fit saw."
    )


def _held(values, kind, feature):
    """Values as a column of numbers or truth values takes them; None where it does not."""
    if not all(map(is_number, values)):
        return None
    if kind == "bool":
        return [bool(value) for value in values] if all(value in (0, 1) for value in values) else None
    if kind == "float":
        return [float(value) for value in values]
    if feature.is_ranked and any(value != int(value) for value in values):
        return None
    return [int(np.rint(float(value))) if isinstance(value, float) else int(value) for value in values]


def _clipped(values, dtype):
    """Whole numbers, none beyond a type of such."""
    if dtype_kind(dtype) != "whole":
        return values
    limits = np.iinfo(_kept_as(dtype))
    return [min(max(value, int(limits.min)), int(limits.max)) for value in values]


def _kept_as(dtype):
    """The type of NumPy that a frame's type of numbers is kept as."""
    return np.dtype(getattr(dtype, "numpy_dtype", str(dtype).lower()))


def _go_together(values, others):
    """Whether all are numbers, or none is."""
    return len({is_number(value) for value in [*values, *others]}) <= 1


def _merged(levels, values, feature):
    """Categories with those of `values` that lack, each after the one that it follows in `fit`."""
    levels, lacking = list(levels), set(values) - set(levels)
    place = len(levels)
    for level in feature.levels.tolist() if feature.levels is not None else values:
        if level in levels:
            place = levels.index(level) + 1
        elif level in lacking:
            levels.insert(place, level)
            place += 1
    return [*levels, *(value for value in dict.fromkeys(values) if value not in levels)]


def _text_of(dtype):
    """An example of what a column holds of which nothing is known."""
    return ("",) if _is_text(dtype) else ()


def _is_text(dtype):
    """Whether a type holds strings only."""
    return str(dtype).lower().startswith(("str", "string", "utf8", "large_string"))


def _holds(dtype, values):
    """Whether a column of numbers is wide enough."""
    if dtype_kind(dtype) == "bool" or str(dtype).endswith("128"):  # which NumPy has no whole numbers of
        return True
    kept = _kept_as(dtype)
    if kept.kind == "f":
        return bool((np.abs(values) <= np.finfo(kept).max).all())
    return np.iinfo(kept).min <= min(values) <= max(values) <= np.iinfo(kept).max


class _Pandas:
    """What is done with a Series of pandas."""

    @staticmethod
    def listed(series, mask):
        return series[mask].tolist()

    @staticmethod
    def categories(series):
        return declared_categories(series.dtype)

    @staticmethod
    def categorical(series, missing, values, levels):
        own = series.cat.categories
        lacking = [level for level in levels if level not in set(own)]
        if lacking:
            if hasattr(own, "is_overlapping") and type(own)([*own, *lacking]).is_overlapping:
                raise ValueError(
                    f"Feature {series.name!r} has intervals such as {own[0]}, which overlap those of fit, such as "
                    f"{lacking[0]}. Cut it at the same edges."
                )
            series = series.cat.add_categories(lacking)
            series = series.cat.reorder_categories(levels) if series.cat.ordered else series
        own = {level: level for level in levels}  # 1.0 for True, where numbers are the categories
        return _Pandas.filled(series, missing, [own[value] for value in values])

    @staticmethod
    def filled(series, missing, values):
        full = series.copy()
        if isinstance(series.dtype, np.dtype) and series.dtype.kind == "f":
            values = np.asarray(values, dtype=series.dtype)
        full.iloc[np.flatnonzero(missing)] = values
        return full

    @staticmethod
    def widened(series, missing, values):
        wide = _wider(series.dtype, values)
        full = series.astype(wide.capitalize())
        full.iloc[np.flatnonzero(missing)] = values if wide == "int64" else [float(value) for value in values]
        return full.astype(wide) if isinstance(series.dtype, np.dtype) else full

    @staticmethod
    def made(series, values):
        return type(series)(values, index=series.index, name=series.name)


class _Polars:
    """What is done with a Series of Polars."""

    @staticmethod
    def listed(series, mask):
        return series.filter(mask).to_list()

    @staticmethod
    def categories(series):
        if str(series.dtype).startswith("Enum"):
            return declared_categories(series.dtype)
        return series.drop_nulls().unique().to_list()

    @staticmethod
    def categorical(series, missing, values, levels):
        if not all(isinstance(value, str) for value in values):
            return _Polars.made(series, values)
        is_enum = str(series.dtype).startswith("Enum")
        return _Polars.filled(series, missing, values, type(series.dtype)(levels) if is_enum else series.dtype)

    @staticmethod
    def filled(series, missing, values, dtype=None):
        full = series.to_list()
        for place, value in zip(np.flatnonzero(missing), values, strict=True):
            full[place] = value
        return type(series)(series.name, full, dtype=series.dtype if dtype is None else dtype)

    @staticmethod
    def widened(series, missing, values):
        to, left = int if _wider(series.dtype, values) == "int64" else float, iter(values)
        known = series.to_list()
        return _Polars.made(series, [to(next(left) if gone else known[i]) for i, gone in enumerate(missing)])

    @staticmethod
    def made(series, values):
        return type(series)(series.name, values)


def _wider(dtype, values):
    """The type that takes a column of numbers and values that it does not hold."""
    whole = all(isinstance(value, int) and abs(value) < 2**63 for value in values)
    return "int64" if whole and dtype_kind(dtype) == "whole" and "64" not in str(dtype) else "float64"

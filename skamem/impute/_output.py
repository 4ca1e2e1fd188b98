"""Completed tables as they are given back: arrays, or data frames whose columns keep their types."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skamem.impute._table import dtype_kind, is_frame, series_of

__all__ = ["Outline", "written"]


@dataclass(frozen=True)
class Outline:
    """What columns a completed table has.

    Parameters
    ----------
    features : list of Feature
        Of all features.
    kept : int ndarray
        Those that are given back.
    indicated : int ndarray or None
        Those of which an indicator follows.
    names : ndarray of str
        Of all columns.
    """

    features: Any
    kept: Any
    indicated: Any
    names: Any


def written(X, table, outline, container, placement):
    """A completed table.

    Parameters
    ----------
    X : data frame or ndarray
        As given.
    table : Table
        All codes, and what was missing.
    outline : Outline
        Which columns to give.
    container : str
        What is wanted: "default", "pandas", "polars".
    placement : Placement
        Where arrays of numbers go.

    Returns
    -------
    X : array or data frame
        Known entries as they were.
    """
    flags = table.missing[:, [] if outline.indicated is None else outline.indicated]
    if is_frame(X) and container == ("pandas" if hasattr(X, "iloc") else "polars"):
        return _frame(X, table, outline, flags)
    if all(outline.features[j].is_numeric for j in outline.kept):
        full = _numbers(X, table, outline)
        return placement.give(np.concatenate([full, flags.astype(full.dtype)], axis=1))
    columns = []
    source = [_objects(series) for series in series_of(X)] if is_frame(X) else np.asarray(X, dtype=object).T
    for j in outline.kept:
        column = np.array(source[j], dtype=object)
        missing = table.missing[:, j]
        column[missing] = _values(outline.features[j], table.codes[missing, j])
        columns.append(column)
    return np.stack([*columns, *flags.T.astype(object)], axis=1)


def _numbers(X, table, outline):
    """An array of the kept features, float32 where that is what was given; among floats, no whole numbers."""
    given = X if isinstance(X, np.ndarray) and X.dtype.kind == "f" else table.codes
    full = np.array(given[:, outline.kept])
    for place, j in enumerate(outline.kept):
        missing = table.missing[:, j]
        codes, feature = table.codes[missing, j], outline.features[j]
        full[missing, place] = feature.values(codes) if feature.is_ranked else codes
    return full


def _values(feature, codes):
    """Plain values of completed codes; whole numbers are integers."""
    values = feature.values(codes).tolist()
    if feature.kind == "whole" and not feature.is_ranked:
        values = [int(value) for value in values]
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def _objects(series):
    values = np.empty(len(series), dtype=object)
    values[:] = series.tolist() if hasattr(series, "tolist") else series.to_list()
    return values


def _frame(X, table, outline, flags):
    columns = series_of(X)
    full = [_filled(columns[j], table.missing[:, j], outline.features[j], table.codes[:, j]) for j in outline.kept]
    names = outline.names[len(full) :]
    if hasattr(X, "iloc"):
        frame = X.iloc[:, outline.kept].copy()
        for place, series in enumerate(full):
            frame.isetitem(place, series)
        return frame.assign(**dict(zip(names, flags.T, strict=True)))
    kind = type(columns[0])
    return type(X)([*full, *(kind(name, flag) for name, flag in zip(names, flags.T, strict=True))])


def _filled(series, missing, feature, codes):
    """A column of a frame with its missing entries replaced, its type kept; as it is where nothing was ever seen."""
    if not missing.any() or (feature.is_ranked and not len(feature.levels)):
        return series
    kind, values = dtype_kind(series.dtype), _values(feature, codes[missing]).tolist()
    if kind == "whole":
        values = [int(np.rint(value)) for value in values]
    if hasattr(series, "iloc"):
        full = series.copy()
        is_plain = kind == "float" and isinstance(series.dtype, np.dtype)
        full.iloc[np.flatnonzero(missing)] = np.asarray(values, dtype=series.dtype) if is_plain else values
        return full
    full = series.to_list()
    for place, value in zip(np.flatnonzero(missing), values, strict=True):
        full[place] = value
    return type(series)(series.name, full, dtype=series.dtype)

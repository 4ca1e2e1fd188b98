"""Completed tables as they are given back: arrays, or data frames whose columns keep their types."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skamem.impute._columns import filled_series, plain_values
from skamem.impute._table import is_frame, is_number, objects_of, series_of

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
    if is_frame(X) and container in ("pandas", "polars"):
        frame = _frame(
            X, table, outline, flags
        )  # a frame of pandas scikit-learn turns into one of Polars, types and all
        return frame if hasattr(X, "iloc") or container == "polars" else frame.to_pandas()
    if isinstance(X, np.ndarray) and X.dtype.kind == "f":
        full = X[:, outline.kept]
    elif not any(outline.features[j].is_ranked for j in outline.kept):
        full = table.codes[:, outline.kept]
    else:
        columns = _object_columns(X, table, outline)
        if not all(outline.features[j].is_numeric for j in outline.kept) or not _are_numbers(columns):
            return np.stack([*columns, *flags.T.astype(object)], axis=1)
        full = np.stack(columns, axis=1).astype(np.float64)
    for place, j in enumerate(outline.kept):
        missing = table.missing[:, j]
        codes, feature = table.codes[missing, j], outline.features[j]
        full[missing, place] = feature.values(codes) if feature.is_ranked else codes
    return placement.give(np.concatenate([full, flags.astype(full.dtype)], axis=1) if flags.shape[1] else full)


def _object_columns(X, table, outline):
    """The kept columns as arrays of objects, completed."""
    source = [objects_of(series) for series in series_of(X)] if is_frame(X) else np.asarray(X, dtype=object).T
    columns = []
    for j in outline.kept:
        column, missing = np.array(source[j], dtype=object), table.missing[:, j]
        column[missing] = plain_values(outline.features[j], table.codes[missing, j], beside=column[~missing])
        columns.append(column)
    return columns


def _are_numbers(columns):
    """Whether a category that `fit` never saw is no string among numbers."""
    return all(is_number(value) for column in columns for value in column.tolist())


def _frame(X, table, outline, flags):
    columns = series_of(X)
    full = [
        filled_series(columns[j], table.missing[:, j], outline.features[j], table.codes[:, j]) for j in outline.kept
    ]
    names = outline.names[len(full) :]
    if hasattr(X, "iloc"):
        frame = X.iloc[:, outline.kept].copy()
        for place, series in enumerate(full):
            frame.isetitem(place, series)
        return frame.assign(**dict(zip(names, flags.T, strict=True)))
    kind = type(columns[0])
    return type(X)([*full, *(kind(name, flag) for name, flag in zip(names, flags.T, strict=True))])

"""Sequences as users give them: one table of rows, rows in groups, or a list of tables."""

import numpy as np

from skamem.core import arrays
from skamem.core.validation import type_of

__all__ = ["completed", "parts_of", "rows_at", "sequence_labels", "stacked", "windows_from"]


def parts_of(X):
    """The tables of a list of sequences (or of a 3-D array); None where `X` is no such thing.

    Raises
    ------
    ValueError
        For none at all, and for a list of which only some are tables.
    """
    shape = getattr(X, "shape", ())
    if (isinstance(X, list | tuple) and not X) or (len(shape) == 3 and not shape[0]):
        raise ValueError(
            f"Found {type_of(X)} of 0 sequences; expected at least one, a table (n_patterns, n_units), "
            "or a list of such."
        )
    if not isinstance(X, list | tuple):
        return [X[index, ...] for index in range(shape[0])] if len(shape) == 3 else None
    shapes = [arrays.shape_of(part) for part in X]
    if all(len(shape) == 2 for shape in shapes):
        return list(X)
    if any(len(shape) == 2 for shape in shapes):
        place, other = next((place, shape) for place, shape in enumerate(shapes) if len(shape) != 2)
        raise ValueError(
            "Expected 2D array, each of shape (n_patterns, n_units), in a list of sequences; found shape "
            f"{tuple(other)} at place {place}."
        )
    return None


def sequence_labels(groups, lengths, taken, owner):
    """Labels of the sequences, and the sequence of each row as a number.

    Parameters
    ----------
    groups : array-like or None
        A label for each row, or for each table of a list; None numbers the tables.
    lengths : list of int
        Rows of each table.
    taken : list
        Labels of the sequences stored before.
    owner : str
        Estimator's name, for messages.

    Returns
    -------
    labels : list
        Of the new sequences, in the order in which they come.
    numbers : int ndarray of shape (n_rows,)
        Index into `labels`.

    Raises
    ------
    ValueError
        For groups of another length, of more than one dimension or without a label, and for labels stored before.
    """
    n_rows, taken = sum(lengths), set(taken)
    if groups is None:
        free = (label for label in range(len(taken) + n_rows + len(lengths)) if label not in taken)
        return [next(free) for _ in lengths], np.repeat(np.arange(len(lengths)), lengths)
    if isinstance(groups, str) or not hasattr(groups, "__iter__") or len(getattr(groups, "shape", (0,))) != 1:
        found = f"has shape {tuple(groups.shape)}" if hasattr(groups, "shape") else f"is {groups!r:.40}"
        raise ValueError(f"groups {found}; expected a list of {n_rows} labels, one for each row of X.")
    groups = arrays.to_numpy(groups) if arrays.is_array(groups) else groups
    given = groups.tolist() if hasattr(groups, "tolist") else list(groups)
    if len(given) == len(lengths) != n_rows:
        given = [label for label, length in zip(given, lengths, strict=True) for _ in range(length)]
    if len(given) != n_rows:
        tables = f", or {len(lengths)}, one for each sequence" if len(lengths) > 1 else ""
        raise ValueError(f"groups has {len(given)} labels; expected {n_rows}, one for each row of X{tables}.")
    known = {}
    try:
        numbers = np.asarray([known.setdefault(label, len(known)) for label in given])
    except TypeError as error:
        raise ValueError(f"groups has a label that cannot be one: {error}; expected numbers or strings.") from error
    for label in known:
        if label is None or label != label:
            raise ValueError(f"groups has a label that is missing ({label!r}); expected one label a row of X.")
        if label in taken:
            raise ValueError(
                f"groups has the label {label!r}, which {owner} has stored before; expected new ones, since a sequence "
                "is stored whole. Give it another label, or call fit on all sequences."
            )
    return list(known), numbers


def completed(X):
    """Patterns with unknown entries (NaN) at the median of what is known of the unit: the majority of two values."""
    xp = arrays.namespace(X)
    unknown = xp.isnan(X)
    if not bool(xp.any(unknown)):
        return X
    count = xp.sum(xp.astype(~unknown, xp.int64), axis=0)
    ranked = xp.sort(xp.where(unknown, xp.inf, X), axis=0)  # an even split falls to the larger value
    middle = xp.take_along_axis(ranked, xp.minimum(count // 2, X.shape[0] - 1)[None, :], axis=0)
    known = X[~unknown]
    anything = xp.sort(known)[known.shape[0] // 2] if known.shape[0] else xp.zeros_like(ranked[0, 0])
    return xp.where(unknown, xp.where(count > 0, middle, anything), X)


def rows_at(X, windows):
    """Rows side by side: (n_windows, order * n_units) for indices (n_windows, order), of which -1 is unknown (NaN)."""
    xp, place = arrays.namespace(X), arrays.placement_of(X)
    columns = []
    for index in windows.T:
        rows = xp.take(X, place.asarray(np.maximum(index, 0)), axis=0)
        if np.any(index < 0):
            rows = xp.where(place.asarray(index < 0)[:, None], xp.nan, rows)
        columns.append(rows)
    return columns[0] if len(columns) == 1 else xp.concat(columns, axis=1)


def stacked(parts):
    """Fragments side by side (n_fragments, n_patterns, n_units): shorter ones begin with unknown patterns (NaN)."""
    xp, length = arrays.namespace(*parts), max(part.shape[0] for part in parts)
    dtype = arrays.wider_dtype(xp, *parts)
    filled = []
    for part in parts:
        part = xp.astype(part, dtype, copy=False)
        shape = (length - part.shape[0], part.shape[1])
        before = xp.full(shape, xp.nan, dtype=dtype, device=arrays.device(part))
        filled.append(xp.concat([before, part], axis=0))
    return xp.stack(filled)


def windows_from(fragments, order, ask):
    """The last patterns of fragments, what is unknown in later ones being what the earlier ones lead to.

    Parameters
    ----------
    fragments : ndarray of shape (n_fragments, n_patterns, n_units)
        On the host; NaN is unknown.
    order : int
        Patterns in a window.
    ask : callable
        Windows (n_windows, order, n_units) to the patterns that follow.

    Returns
    -------
    windows : ndarray of shape (n_fragments, order, n_units)
    """
    before = np.full((len(fragments), order, fragments.shape[2]), np.nan, dtype=fragments.dtype)
    fragments = np.concatenate([before, fragments], axis=1)
    for time in range(order + 1, fragments.shape[1]):
        windows, now = fragments[:, time - order : time, :], fragments[:, time, :]
        rows = np.flatnonzero(np.isnan(now).any(axis=1) & ~np.isnan(windows).all(axis=(1, 2)))
        if len(rows):
            fragments[rows, time, :] = np.where(np.isnan(now[rows]), ask(windows[rows]), now[rows])
    return fragments[:, -order:, :]

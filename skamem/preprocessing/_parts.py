"""How rows are cut: columns into parts, by groups or by the patches of an image, and parts into groups of them."""

import itertools
import math
from numbers import Integral

import numpy as np

from skamem.core.validation import check_sequence

__all__ = ["column_parts", "merged", "patch_parts"]

_WIDTH = 8  # most columns of a part, where nobody says
_FINE = 16  # pixels of a side from which on an image is cut in four along it, not in two


def column_parts(groups, n_features, names=None):
    """Columns of each part of a table.

    Parameters
    ----------
    groups : None, int or sequence of sequences
        Number of parts, side by side; or the columns of each, by index or by name. None: two, or as many as it takes
        for parts of 8 columns at most.
    n_features : int
        Columns that there are.
    names : ndarray of str, default=None
        Their names.

    Returns
    -------
    parts : list of int ndarray
        Ascending columns of each part.

    Raises
    ------
    ValueError
        Unless every column is in exactly one part.
    TypeError
        For groups that are no sequences.
    """
    if groups is None:
        groups = min(n_features, max(2, math.ceil(n_features / _WIDTH)))
    if isinstance(groups, Integral) and not isinstance(groups, bool):
        if not 1 <= groups <= n_features:
            raise ValueError(f"groups={groups} parts of {n_features} columns; expected one column at least in each.")
        return np.array_split(np.arange(n_features), groups)
    groups = check_sequence("groups", groups, "a number of parts, or the columns of each part")
    parts = [_columns(part, n_features, names) for part in groups]
    counts = np.bincount(np.concatenate([*parts, np.empty(0, dtype=np.intp)]), minlength=n_features)
    for wrong, problem in ((counts == 0, "leave out"), (counts > 1, "repeat")):
        if np.any(wrong):
            named = np.arange(n_features) if names is None else names
            raise ValueError(
                f"groups {problem} columns {named[wrong][:10].tolist()}; expected every column of X in just one part."
            )
    return parts


def _columns(part, n_features, names):
    """Ascending indices of the columns that one part names."""
    part = check_sequence(
        "groups", [part] if isinstance(part, str) else part, "a list for each part, of columns by index or by name"
    )
    if part and all(isinstance(column, str) for column in part):
        if names is None:
            raise ValueError(
                f"groups name columns, {part[:10]}, but X has no names; expected a DataFrame whose columns are "
                "strings, or column indices."
            )
        place = {name: column for column, name in enumerate(names)}
        missing = [column for column in part if column not in place]
        if missing:
            raise ValueError(
                f"groups name {missing[:10]}, which X does not have; expected some of {list(map(str, names[:10]))}"
                f"{' ...' if len(names) > 10 else ''}."
            )
        part = [place[column] for column in part]
    right = [isinstance(column, Integral) and not isinstance(column, bool | np.bool_) for column in part]
    if not part or not all(right) or min(part) < 0 or max(part) >= n_features:
        raise ValueError(
            f"groups have a part {part!r}; expected one column at least, by index in [0, {n_features}) or by name."
        )
    return np.sort(np.asarray(part, dtype=np.intp))


def patch_parts(image_shape, patch_size, n_features):
    """Columns of each patch of images whose pixels, in C order, are the columns.

    Parameters
    ----------
    image_shape : tuple of int
        (height, width), or (height, width, channels).
    patch_size : None, int or pair of int
        (height, width) of a patch; those at the lower and right border are smaller where it does not divide the image.
        None: a quarter of each side, a half of one below 16 pixels.
    n_features : int
        Columns that there are.

    Returns
    -------
    parts : list of int ndarray
        Ascending columns of each patch, row by row of the grid.
    grid : tuple of int
        Patches along each side.

    Raises
    ------
    ValueError
        When the image has another number of pixels than X columns, or is smaller than the patch.
    """
    if math.prod(image_shape) != n_features:
        raise ValueError(
            f"image_shape={tuple(image_shape)} has {math.prod(image_shape)} values, but X has {n_features} columns; "
            "expected one column for each."
        )
    sides = tuple(image_shape[:2])
    if patch_size is None:
        patch_size = tuple(math.ceil(side / (4 if side >= _FINE else 2)) for side in sides)
    size = (patch_size, patch_size) if isinstance(patch_size, Integral) else tuple(patch_size)
    if any(length > side for length, side in zip(size, sides, strict=True)):
        raise ValueError(f"patch_size={size} is larger than the image, {sides}; expected patches within it.")
    pixels = np.arange(n_features).reshape(image_shape)
    rows, columns = (range(0, side, length) for length, side in zip(size, sides, strict=True))
    parts = [pixels[i : i + size[0], j : j + size[1]].ravel() for i in rows for j in columns]
    return parts, (len(rows), len(columns))


def merged(grid, merge, n_levels):
    """Groups of neighbouring places of a grid, groups of these, and so on.

    Parameters
    ----------
    grid : tuple of int
        Places along each axis.
    merge : None, int or sequence of int and None
        How many neighbours along each axis make a group, fewer at the end; one number a level, or one for all; None in
        it is all of them. None: 2 at each level, all at the last.
    n_levels : int
        Levels of groups.

    Returns
    -------
    levels : list of lists of int ndarray
        For each level the places of each group, by their number in C order.
    """
    if merge is None:
        merge = [2] * (n_levels - 1) + [None]
    spans, levels = [merge] * n_levels if isinstance(merge, Integral) else merge, []
    for span in spans[:n_levels]:
        level, grid = _neighbours(grid, span)
        levels.append(level)
    return levels


def _neighbours(grid, span):
    """Groups of `span` places along each axis, all for None; and the grid of the groups."""
    places = np.arange(math.prod(grid)).reshape(grid)
    steps = [side if span is None else min(int(span), side) for side in grid]
    cuts = [range(0, side, step) for side, step in zip(grid, steps, strict=True)]
    groups = [
        places[tuple(slice(first, first + step) for first, step in zip(corner, steps, strict=True))].ravel()
        for corner in itertools.product(*cuts)
    ]
    return groups, tuple(map(len, cuts))

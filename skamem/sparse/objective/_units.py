"""Magnitudes whose squares vanish: columns get units of their own, in which they do not; targets are refused."""

import math

import numpy as np

from skamem.core import arrays
from skamem.core.scatter import column_units
from skamem.sparse.objective._design import host

__all__ = ["check_squares", "check_target", "go_to_units"]

# Magnitude of y from which on sums of squares have all digits.
_SMALLEST = 1e-150


def check_target(y, weight=None):
    """Raise ValueError where the squares of the target vanish, by themselves or by their weights.

    Parameters
    ----------
    y : array of shape (n_samples, n_targets)
    weight : array of shape (n_samples,), default=None
    """
    xp = arrays.namespace(y)
    largest = float(xp.max(xp.abs(y)))
    if 0.0 < largest < _SMALLEST:
        raise ValueError(
            f"y has values up to {largest:.3g}, whose squares vanish in double precision; expected more than "
            f"{_SMALLEST:g}. Rescale it."
        )
    heaviest = 1.0 if weight is None else float(xp.max(weight))
    if 0.0 < largest * math.sqrt(heaviest) < _SMALLEST:
        raise ValueError(
            f"y has values up to {largest:.3g} and sample_weight up to {heaviest:.3g}; weighted squares vanish in "
            "double precision. Rescale sample_weight to values of about 1."
        )


def check_squares(squares):
    """Raise ValueError where weighted sums of squares of a target, on the host, overflow."""
    if not np.all(np.isfinite(squares)):
        raise ValueError(
            "Squares of y by sample_weight overflow double precision. Rescale sample_weight to values of about 1, or y."
        )


def go_to_units(design, squares, weight=None):
    """Rescale the columns of `design` whose squares vanish; whether there were any.

    Once for a design, which several problems share: what is small among some samples only is so beside the others.

    Parameters
    ----------
    design : DenseDesign or SparseDesign
    squares : array of shape (n_features,)
        Sums of squares of its columns; host.
    weight : array of shape (n_samples,), default=None
        A sample of weight zero is absent; where X lives.

    Returns
    -------
    has_changed : bool
    """
    if design.has_units:
        return False
    design.has_units = True
    xp = design.xp
    limits = xp.finfo(design.wide)
    # Squares of the spread, less than those, are to have all digits too.
    doubtful = np.flatnonzero(squares < float(limits.smallest_normal) / float(limits.eps) ** 3)
    units = np.ones(len(squares))
    for some in np.array_split(doubtful, max(1, len(doubtful) // 64)):
        columns = xp.abs(design.columns(some))
        if weight is not None:
            columns = columns * xp.astype(weight > 0, design.wide)[:, None]
        largest = xp.max(columns, axis=0)
        wanted = host(column_units(largest, design.X.dtype))
        units[some] = np.where(host(largest) > 0, wanted, 1.0)  # zeros are in any unit
    if np.all(units == 1.0):
        return False
    design.rescale(units)
    return True

"""Rows known by their sums: weight, mean and scatter about the mean, which merge into those of all rows.

Sums are dicts, so that they travel in pickles and between devices, and can have further entries beside these.
"""

import math

from skamem.core import arrays

__all__ = ["column_units", "in_unit", "merged", "scatter_of", "unit_of"]


def unit_of(X):
    """A power of two in which the squares of rows can be summed, whatever their units, and those of small columns too.

    Rows of one magnitude, from 2⁻³² to 2³² say, have one unit, so that blocks of them merge as they are. It leaves room
    above for sums by weight, and below for columns that are as much smaller than the largest as squares can tell.

    Parameters
    ----------
    X : array
        Finite.

    Returns
    -------
    unit : float
        By which to divide rows, without rounding.
    """
    xp = arrays.namespace(X)
    limits = xp.finfo(X.dtype)
    most = math.frexp(float(limits.max))[1]  # 1024 of double precision
    coarse = most // 16
    exponent = coarse * round(math.frexp(float(xp.max(xp.abs(X))))[1] / coarse) - most * 3 // 8
    return max(math.ldexp(1.0, exponent), 2 * float(limits.smallest_normal))


def column_units(largest, dtype):
    """As `unit_of`, one for each column: for columns in units of their own, none of which may be lost beside others.

    Parameters
    ----------
    largest : array of shape (n_columns,)
        Largest magnitude of each column, finite.
    dtype : dtype
        Floating type that sums are computed in.

    Returns
    -------
    units : array of shape (n_columns,)
        Where `largest` is, of `dtype`.
    """
    xp, place = arrays.namespace(largest), arrays.placement_of(largest)
    limits = xp.finfo(dtype)
    most = math.frexp(float(limits.max))[1]
    coarse = most // 16
    smallest = 2 * float(limits.smallest_normal)  # of a column of zeros, so that any other unit takes its place
    units = [
        max(math.ldexp(1.0, min(coarse * round(math.frexp(value)[1] / coarse), most - 1)), smallest)
        if value
        else smallest
        for value in arrays.to_numpy(largest).tolist()
    ]
    return place.asarray(units, dtype)


def scatter_of(X, weight=None, unit=1.0):
    """Sums of a block of rows.

    Parameters
    ----------
    X : array of shape (n_rows, n_columns)
        In the floating type to add up in.
    weight : array of shape (n_rows,), default=None
        Positive.
    unit : float or array of shape (n_columns,), default=1.0
        What the rows were divided by, powers of two.

    Returns
    -------
    scatter : dict
        ``weight``, a float; ``mean`` (n_columns,); ``total`` (n_columns, n_columns), the sums of squares and products
        about it; ``unit``, in which these are. Cost O(n_rows n_columns²).
    """
    xp = arrays.namespace(X)
    whole = float(X.shape[0] if weight is None else xp.sum(weight))
    share = None if weight is None else weight / whole

    def mean_of(rows):
        return xp.mean(rows, axis=0) if share is None else share @ rows

    mean = mean_of(X)
    X = X - mean
    left = mean_of(X)  # far from 0 the mean was rounded
    X = X if weight is None else xp.sqrt(weight)[:, None] * X
    total = xp.matrix_transpose(X) @ X - whole * left[:, None] * left[None, :]
    return {"weight": whole, "mean": mean + left, "total": total, "unit": unit}


def merged(one, other):
    """The sums of the rows of both, to rounding; of two dicts as `scatter_of` makes them.

    Chan, Golub and LeVeque (1983), Am. Stat. 37:242: what parts add to the scatter is the distance of their means.
    """
    unit = _larger(one["unit"], other["unit"])
    one, other = in_unit(one, unit), in_unit(other, unit)
    xp = arrays.namespace(one["total"])
    weight = one["weight"] + other["weight"]
    gap = other["mean"] - one["mean"]
    step = other["weight"] / weight * gap
    n_columns = gap.shape[0]
    return {
        "weight": weight,
        "mean": one["mean"] + step,
        "total": one["total"] + other["total"]
        + one["weight"] * xp.reshape(gap, (n_columns, 1)) * xp.reshape(step, (1, n_columns)),
        "unit": unit,
    }  # fmt: skip


def _larger(one, other):
    """The larger of two units, or of each pair of them."""
    if isinstance(one, float):
        return max(one, other)
    return arrays.namespace(one).where(one > other, one, other)


def in_unit(scatter, unit, *, linear=("mean",), squared=("total",)):
    """The same sums in a unit that is no smaller; entries by name, those of squares with a column in each axis."""
    factor = scatter["unit"] / unit
    if isinstance(factor, float):
        if factor == 1.0:
            return scatter
        rows = columns = factor
    else:
        if bool(arrays.namespace(factor).all(factor == 1.0)):  # as most often
            return scatter
        rows, columns = factor[:, None], factor[None, :]
    moved = {name: factor * scatter[name] for name in linear}
    # One factor after the other: its square may be less than any float.
    return scatter | moved | {name: rows * (columns * scatter[name]) for name in squared} | {"unit": unit}

"""Where patterns lie and how far they spread, whatever their offset and their unit."""

import math
from dataclasses import dataclass
from typing import Any

from sklearn.utils import check_random_state

from skamem.core import arrays
from skamem.core.rows import row_blocks, rows_in_cache

__all__ = [
    "Spread",
    "by_content",
    "content_keys",
    "evenly",
    "half_norms",
    "known_counts",
    "measured_spread",
    "merged_spread",
]


@dataclass(frozen=True)
class Spread:
    """Moments of known entries.

    Parameters
    ----------
    centre : array of shape (n_units,)
        Mean of the known entries of each unit, 0 where there is none.
    half_norms : array of shape (n_patterns,)
        Half the squared distance of each pattern from the centre, unknown entries at it.
    variance : array of shape ()
        Mean squared deviation of known entries from the centre.
    unit : float
        The power of two next to the root of `variance`; 1 when all patterns are the same. Lengths are divided by it
        before they are squared: neither very large nor very small ones leave the floating-point range then, and no
        digit changes.
    is_offset : bool
        Whether the centre is far from 0 for this spread, so that products of patterns as they are would cost digits.
    """

    centre: Any
    half_norms: Any
    variance: Any
    unit: float
    is_offset: bool


def measured_spread(patterns, known, weight, *, owner):
    """Centre, variance and unit of patterns.

    Parameters
    ----------
    patterns : array of shape (n_patterns, n_units)
        Unknown entries hold any finite number.
    known : bool array of shape (n_patterns, n_units) or None
        None when all entries are known.
    weight : array of shape (n_patterns,) or None
        How often each pattern counts.
    owner : str
        Estimator's name, for the message.

    Returns
    -------
    spread : Spread

    Raises
    ------
    ValueError
        When deviations are too large or too small for their squares to be numbers of the patterns' type.
    """
    xp = arrays.namespace(patterns)
    weight = xp.ones_like(patterns[:, 0]) if weight is None else weight
    count = known_counts(patterns, known, weight)
    divisor = xp.where(count > 0, count, xp.ones_like(count))
    with arrays.overflow_expected():
        first = sum(weight[rows] @ part for rows, part in _known_parts(patterns, known)) / divisor
        if not bool(xp.all(xp.isfinite(first))):
            raise _out_of_range(float("inf"), xp.finfo(patterns.dtype), owner)
        # Once more, around the first mean: a sum of many numbers with a common offset loses digits.
        rest, largest = 0.0, 0.0
        for rows, part in _deviations(patterns, known, first):
            rest = rest + weight[rows] @ part
            largest = max(largest, float(xp.max(part)), -float(xp.min(part)))
    centre = first + rest / divisor
    unit = _unit(largest, xp.finfo(patterns.dtype), owner)
    halves = [0.5 * xp.sum((part / unit) ** 2, axis=1) for _, part in _deviations(patterns, known, centre)]
    halves = xp.concat(halves)
    total = xp.sum(count)
    variance = 2.0 * (weight @ halves) / xp.where(total > 0, total, xp.ones_like(total))
    return _spread(centre, halves * unit**2, variance, unit)


def _spread(centre, halves, variance, unit):
    """The `Spread` of a variance in squared units of `unit`."""
    is_offset = (
        float(arrays.namespace(centre).sum((centre / unit) ** 2)) > 16.0 * centre.shape[0] * float(variance) > 0.0
    )
    finer = unit * 2.0 ** round(0.5 * math.log2(float(variance))) if float(variance) > 0.0 else unit
    return Spread(centre, halves, variance * unit**2, finer, is_offset)


def known_counts(patterns, known, weight):
    """How many patterns, counted by weight, know each unit: array of shape (n_units,)."""
    xp = arrays.namespace(patterns)
    if known is None:
        return xp.sum(weight) * xp.ones_like(patterns[0, :])
    return sum(weight[rows] @ xp.astype(known[rows, :], weight.dtype) for rows in _blocks(patterns))


def merged_spread(spreads, counts):
    """Spread of patterns in several places, from that of each place; its `half_norms` are None.

    Parameters
    ----------
    spreads : list of Spread
        One for each place.
    counts : list of arrays of shape (n_units,)
        Their `known_counts`.

    Returns
    -------
    spread : Spread
        Chan, Golub and LeVeque (1983), Am. Stat. 37:242: places add what their centres are apart.
    """
    xp, dtype = arrays.namespace(counts[0]), counts[0].dtype
    unit = max(spread.unit for spread in spreads)
    wide = arrays.widest_float(counts[0])
    counts = [xp.astype(count, wide) for count in counts]
    centres = [xp.astype(spread.centre, wide) / unit for spread in spreads]
    count = sum(counts)
    divisor = xp.where(count > 0, count, xp.ones_like(count))
    centre = sum(part / divisor * own for part, own in zip(counts, centres, strict=True))
    total = xp.sum(count)
    squares = sum(
        xp.sum(part) * xp.astype(spread.variance / unit**2, wide) + xp.sum(part * (own - centre) ** 2)
        for part, own, spread in zip(counts, centres, spreads, strict=True)
    )
    variance = squares / xp.where(total > 0, total, xp.ones_like(total))
    return _spread(xp.astype(centre * unit, dtype), None, xp.astype(variance, dtype), unit)


def half_norms(patterns, centre, unit):
    """Half the squared distance of each pattern from `centre`, computed in lengths of `unit`, block by block."""
    xp = arrays.namespace(patterns)
    parts = (part / unit for _, part in _deviations(patterns, None, centre))
    return unit**2 * xp.concat([0.5 * xp.sum(part * part, axis=1) for part in parts])


def _blocks(patterns):
    row_bytes = 32 * patterns.shape[1]
    return row_blocks(patterns.shape[0], row_bytes, at_most=rows_in_cache(row_bytes, arrays.namespace(patterns)))


def _known_parts(patterns, known):
    """Yield (rows, patterns, 0 where unknown), block by block."""
    for rows in _blocks(patterns):
        part = patterns[rows, :]
        yield rows, part if known is None else part * arrays.namespace(part).astype(known[rows, :], part.dtype)


def _deviations(patterns, known, centre):
    """Yield (rows, deviations from the centre, 0 where unknown), block by block."""
    for rows in _blocks(patterns):
        part = patterns[rows, :] - centre
        yield rows, part if known is None else part * arrays.namespace(part).astype(known[rows, :], part.dtype)


def _limits(info):
    """Least and largest length whose square is a number of this type, with room to add many of them."""
    return 1e3 * float(info.smallest_normal) ** 0.5, 1e-3 * float(info.max) ** 0.5


def _unit(largest, info, owner):
    """The power of two next to `largest`."""
    low, high = _limits(info)
    if largest != 0.0 and not low <= largest <= high:
        raise _out_of_range(largest, info, owner)
    return 2.0 ** round(math.log2(largest)) if largest else 1.0


def _out_of_range(largest, info, owner):
    low, high = _limits(info)
    return ValueError(
        f"{owner} found patterns that deviate by up to {largest:.3g} from their mean; expected a number between "
        f"{low:.1g} and {high:.1g}, whose square is a number, too. Scale X, with StandardScaler say."
    )


def by_content(patterns, known, spread):
    """An order of the patterns that depends on what they are, not on where they are stored.

    Parameters
    ----------
    patterns : array of shape (n_patterns, n_units)
        Unknown entries hold any finite number.
    known : bool array of shape (n_patterns, n_units) or None
        None when all entries are known.
    spread : Spread
        Of the patterns.

    Returns
    -------
    order : int array of shape (n_patterns,)
        Along a direction that is always the same, so that evenly spaced patterns in it are a fair sample. Offsets and
        units do not change it.
    """
    return arrays.namespace(patterns).argsort(content_keys(patterns, known, spread), stable=True)


def content_keys(patterns, known, spread):
    """What `by_content` sorts by: array of shape (n_patterns,)."""
    xp = arrays.namespace(patterns)
    direction = check_random_state(0).standard_normal(patterns.shape[1])
    direction = arrays.placement_of(patterns).asarray(direction, patterns.dtype)
    parts = [(part / spread.unit) @ direction for _, part in _deviations(patterns, known, spread.centre)]
    return xp.concat(parts)


def evenly(order, n_rows):
    """At most `n_rows` entries of `order`, evenly spaced."""
    n_patterns = order.shape[0]
    n_rows = min(n_rows, n_patterns)
    xp = arrays.namespace(order)
    return xp.take(order, (2 * xp.arange(n_rows, device=arrays.device(order)) + 1) * n_patterns // (2 * n_rows))

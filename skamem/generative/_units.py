"""Between the user's units of Gaussian features and the standardised ones in which a machine learns."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skamem.core import arrays

__all__ = ["Units", "column_deviations", "column_means", "standard_units"]


@dataclass(frozen=True)
class Units:
    """Features less `offset`, divided by `scale`; None for both where nothing is standardised.

    Parameters
    ----------
    offset, scale : array of shape (n_features,) or None
        Of the data that were seen first.
    """

    offset: Any = None
    scale: Any = None

    def inside(self, v):
        """Visible states as the machine learns from them."""
        return v if self.offset is None else (v - self.offset) / self.scale

    def outside(self, v):
        """Visible states in the user's units."""
        return v if self.offset is None else self.offset + self.scale * v

    def machine_outside(self, machine):
        """The same density in the user's units.

        With v = m + s u the coupling u W h / σ² is (v - m) (s W) h / (s σ)²: hidden biases take up what m contributes.
        """
        if self.offset is None:
            return machine
        weights, sigma = self.scale[:, None] * machine.weights, self.scale * machine.sigma
        hidden = machine.hidden - (self.offset / sigma**2) @ weights
        return replace(machine, weights=weights, visible=self.outside(machine.visible), hidden=hidden, sigma=sigma)

    def machine_inside(self, machine):
        """The inverse of `machine_outside`."""
        if self.offset is None:
            return machine
        hidden = machine.hidden + (self.offset / machine.sigma**2) @ machine.weights
        weights, sigma = machine.weights / self.scale[:, None], machine.sigma / self.scale
        return replace(machine, weights=weights, visible=self.inside(machine.visible), hidden=hidden, sigma=sigma)


# Overflow is left to `standard_units`, which says which column is too large.
_OVERFLOW = {"over": "ignore", "invalid": "ignore"}


def column_means(rows, row_bytes):
    """Means of the columns of `Rows`, on the host in float64."""
    total = 0.0
    with np.errstate(**_OVERFLOW):
        for _, block in rows.blocks(row_bytes):
            values = arrays.to_numpy(block) if arrays.is_array(block) else block
            total = total + np.asarray(values.sum(axis=0, dtype=np.float64)).ravel()
    return total / len(rows)


def column_deviations(rows, mean, row_bytes):
    """Standard deviations of the columns of `Rows` about their `mean`, likewise: squares of centred numbers only."""
    total = 0.0
    with np.errstate(**_OVERFLOW):
        for _, block in rows.blocks(row_bytes):
            values = arrays.to_numpy(block) if arrays.is_array(block) else block.toarray()
            total = total + ((values - mean) ** 2).sum(axis=0)
    return np.sqrt(total / len(rows))


def standard_units(mean, deviation, like):
    """`Units` of columns with these moments, where the array `like` lives; columns that never vary keep their scale.

    Raises
    ------
    ValueError
        When the type of `like` does not hold the square of a column's deviation.
    """
    place = arrays.placement_of(like)
    # A column whose spread is its own rounding does not vary.
    varies = deviation > 8 * np.finfo(np.float64).eps * np.abs(mean)
    limits = place.xp.finfo(like.dtype)
    low, high = float(limits.smallest_normal) ** 0.5, float(limits.max) ** 0.5
    held = ~varies | ((deviation > low) & (deviation < high))
    wrong = np.flatnonzero(~(held & np.isfinite(mean) & np.isfinite(deviation)))
    if wrong.size:
        raise ValueError(
            f"Feature {wrong[0]} has a standard deviation of {deviation[wrong[0]]:.3g}, whose square is beyond what "
            f"{limits.bits} bits hold; expected {low:.1g} to {high:.1g}. Divide it by a number of its size."
        )
    return Units(place.asarray(mean, like.dtype), place.asarray(np.where(varies, deviation, 1.0), like.dtype))

"""Eq. (9) of Krotov and Hopfield for polynomials, as thin matrix products; see `_dense_forward`."""

import math
from dataclasses import dataclass

import numpy as np
import scipy.sparse

from skamem.core import arrays
from skamem.core.interactions import integer_power

__all__ = ["BinomialReadout", "between"]


@dataclass(frozen=True)
class BinomialReadout:
    """Eq. (9) for polynomials of integer degree, as matrix products: F(z + a) - F(z) = Σ_k C(n, k) z^{n-k} a^k.

    Under a rectifier the identity holds where z and z + a_μα are positive for all classes, and where both are
    negative the difference is 0. What remains, the *border* -max_α A_μα < z_bμ <= -min_α A_μα (0 among the ends), is
    gathered, computed directly, and scattered back. The sum also avoids the cancellation of the direct form.

    Parameters
    ----------
    degree : int
        n >= 1.
    rectified : bool
        Whether F is z_+^n (with a border) or z^n (without).
    """

    degree: int
    rectified: bool

    def potentials(self, overlaps, recognition):
        """Class potentials Φ of shape (n_samples, n_classes)."""
        potentials = self._sum(self._powers(overlaps, recognition), recognition)
        if self.rectified:
            potentials += _Border(overlaps, recognition, self.degree).potentials()
        return potentials

    def gradients(self, overlaps, recognition, signal):
        """Gradients of a loss; parameters and returns as in `DirectReadout.gradients`."""
        powers = self._powers(overlaps, recognition)
        potentials = self._sum(powers, recognition)
        border = _Border(overlaps, recognition, self.degree) if self.rectified else None
        if border is not None:
            potentials += border.potentials()
        error = signal(potentials)
        d_overlaps = self._d_overlaps(powers, recognition, error)
        d_recognition = self._d_recognition(powers, recognition, error)
        if border is not None:
            border.add_gradients(error, d_overlaps, d_recognition)
        return d_overlaps, d_recognition

    def _powers(self, overlaps, recognition):
        """Powers 0 .. n-1 of the overlaps where the rectifier is on for all classes; 0 elsewhere, also for power 0."""
        xp = arrays.namespace(overlaps)
        if self.rectified:
            safe = xp.astype(overlaps > _always_on(recognition), overlaps.dtype)
            overlaps = overlaps * safe
        else:
            safe = xp.ones_like(overlaps)
        powers = [safe, overlaps][: self.degree]
        while len(powers) < self.degree:
            powers.append(powers[-1] * overlaps)
        return powers

    def _sum(self, powers, recognition):
        """Σ_{k=1..n} C(n, k) z^{n-k} A^k."""
        n = self.degree
        power = recognition
        total = powers[n - 1] @ (n * power)
        for k in range(2, n + 1):
            power = power * recognition
            total += powers[n - k] @ (math.comb(n, k) * power)
        return total

    def _d_overlaps(self, powers, recognition, error):
        """n Σ_{k=1..n-1} C(n-1, k) z^{n-1-k} (D (A^k)ᵀ)."""
        n = self.degree
        if n == 1:
            return arrays.namespace(error).zeros_like(powers[0])
        power = recognition
        total = error @ (n * (n - 1) * power).T
        total *= powers[n - 2]
        for k in range(2, n):
            power = power * recognition
            term = error @ (n * math.comb(n - 1, k) * power).T
            term *= powers[n - 1 - k]
            total += term
        return total

    def _d_recognition(self, powers, recognition, error):
        """n Σ_{k=0..n-1} C(n-1, k) A^k (z^{n-1-k})ᵀ D."""
        n = self.degree
        total = n * (powers[n - 1].T @ error)
        power = None
        for k in range(1, n):
            power = recognition if power is None else power * recognition
            total += (n * math.comb(n - 1, k)) * power * (powers[n - 1 - k].T @ error)
        return total


class _Border:
    """Entries of the overlaps for which the rectifier is on for some classes and off for others; host arrays only."""

    def __init__(self, overlaps, recognition, degree):
        xp = arrays.namespace(overlaps)
        self._degree, self._shape = degree, overlaps.shape
        inside = (overlaps <= _always_on(recognition)) & (overlaps > _always_off(recognition))
        self._index = xp.nonzero(xp.reshape(inside, (-1,)))[0]
        # 32-bit indices save SciPy a look at every one of them.
        n_rows, n_memories = self._shape
        counts = np.diff(np.searchsorted(self._index, n_memories * np.arange(n_rows + 1)))
        self._rows = np.repeat(np.arange(n_rows, dtype=np.int32), counts)
        self._memories = self._index.astype(np.int32) - self._rows * n_memories
        entries = xp.take(xp.reshape(overlaps, (-1,)), self._index)
        self._off = _positive(entries)
        with_class = xp.take(recognition, self._memories, axis=0)
        with_class += entries[:, None]
        self._on = _positive(with_class)
        # The powers n - 1 serve the potentials and the gradients.
        self._on_slope, self._off_slope = (_step_power(z, degree - 1) for z in (self._on, self._off))

    def potentials(self):
        """The border's part of Φ."""
        on = _segment_sum(self._on_slope * self._on, self._rows, self._shape[0])
        off = np.bincount(self._rows, weights=self._off_slope * self._off, minlength=self._shape[0])
        on -= off.astype(on.dtype)[:, None]
        return on

    def add_gradients(self, error, d_overlaps, d_recognition):
        """Add the border's part to both gradients, in place."""
        xp = arrays.namespace(error)
        d_class = xp.take(self._degree * error, self._rows, axis=0)
        d_class *= self._on_slope
        d_recognition += _segment_sum(d_class, self._memories, self._shape[1])
        off = xp.take(self._degree * xp.sum(error, axis=1), self._rows) * self._off_slope
        # A product with ones: many times faster than a sum over so short an axis.
        on = d_class @ xp.ones(error.shape[1], dtype=error.dtype)
        xp.reshape(d_overlaps, (-1,))[self._index] = on - off


def _always_on(recognition):
    """Per memory the overlap above which the rectifier is on with and without any class unit."""
    return _positive(-arrays.namespace(recognition).min(recognition, axis=1))


def _always_off(recognition):
    """Per memory the overlap up to which the rectifier is off with and without any class unit."""
    return -_positive(arrays.namespace(recognition).max(recognition, axis=1))


def _positive(values):
    return between(values, 0.0, math.inf)


def _step_power(positive, exponent):
    """positive ** exponent, with 0 ** 0 = 0."""
    xp = arrays.namespace(positive)
    return integer_power(positive, exponent) if exponent else xp.astype(positive > 0, positive.dtype)


def _segment_sum(values, segments, n_segments):
    """Sum rows of `values` by segment; a sparse product, because no array library adds at repeated indices quickly."""
    n_values = values.shape[0]
    ones, ends = np.ones(n_values, dtype=values.dtype), np.arange(n_values + 1, dtype=np.int32)
    return scipy.sparse.csc_array((ones, segments, ends), shape=(n_segments, n_values)) @ values


def between(values, low, high):
    """Clip to scalar bounds; infinite bounds cost nothing."""
    xp = arrays.namespace(values)
    bound = {"dtype": values.dtype, "device": arrays.device(values)}
    if low > -math.inf:
        values = xp.maximum(values, xp.asarray(low, **bound))
    if high < math.inf:
        values = xp.minimum(values, xp.asarray(high, **bound))
    return values

"""Eq. (9) of Krotov and Hopfield for polynomials, as thin matrix products; see `_readouts`."""

import functools
import math
from dataclasses import dataclass

import numpy as np
import scipy.sparse

from skamem.core import arrays
from skamem.core.interactions import integer_power

__all__ = ["BinomialReadout", "BinomialWinner", "between"]


@dataclass(frozen=True)
class BinomialReadout:
    """Eq. (9) for polynomials of integer degree, as matrix products: F(z + a) - F(z) = Σ_k C(n, k) z^{n-k} a^k.

    Under a rectifier the sum runs over the entries with z > 0, and is right wherever z and z + a are on the same side
    of it. The entries that some class takes to the other side, -max_α A_μα < z_bμ <= -min_α A_μα (0 among the ends),
    are the *border*: few, gathered, corrected, and scattered back. The sum also avoids the cancellation of the direct
    form.

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
        potentials = self._sum(self._powers(overlaps), recognition)
        if self.rectified:
            potentials += _Border(overlaps, recognition, self.degree).potentials()
        return potentials

    def gradients(self, overlaps, recognition, signal):
        """Gradients of a loss; parameters and returns as in `DirectReadout.gradients`."""
        # The powers are the dear part, a pass over all overlaps each: the way back uses those of the way forward.
        powers = self._powers(overlaps)
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

    def _powers(self, overlaps):
        """Powers 0 .. n-1 of the overlaps where the rectifier is on; 0 elsewhere, also for power 0."""
        xp = arrays.namespace(overlaps)
        on = xp.astype(overlaps > 0, overlaps.dtype) if self.rectified else xp.ones_like(overlaps)
        powers = [on, _positive(overlaps) if self.rectified else overlaps][: self.degree]
        return _continued(powers, self.degree)

    def _sum(self, powers, recognition):
        return _binomial_sum(powers, recognition, self.degree, self.degree)

    def _d_overlaps(self, powers, recognition, error):
        """n Σ_{k=1..n-1} C(n-1, k) z^{n-1-k} (D (A^k)ᵀ)."""
        n = self.degree
        if n == 1:
            return arrays.namespace(error).zeros_like(powers[0])
        power = recognition
        # Factors go into the small matrix (memories by classes), not onto the large product; sums are made in place.
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


@dataclass(frozen=True)
class BinomialWinner:
    """Potentials whose largest in each row is that of eq. (9), rectified; most rows need no border. Host arrays only.

    Taylor's theorem, with the remainder as an integral, holds on both sides of the rectifier:

        F(z + a) - F(z) = Σ_{k<n} C(n, k) z_+^{n-k} a^k + r,    r = n ∫_0^a (a - t)^{n-1} [z + t > 0] dt,

    so that r lies between 0 and a^n. Summed over the memories this bounds the rest of each class, whatever the row.
    A row whose leading class stays in front under these bounds is done; the others get the exact sum.

    Parameters
    ----------
    degree : int
        n >= 2.
    """

    degree: int

    def potentials(self, overlaps, recognition):
        """Array of shape (n_samples, n_classes) with Φ's largest entry in each row; the others may lack their rest."""
        xp = arrays.namespace(overlaps)
        powers = _continued([None, _positive(overlaps)], self.degree)
        leading = _binomial_sum(powers, recognition, self.degree, self.degree - 1)
        rest = integer_power(recognition, self.degree)
        zero = xp.zeros_like(rest)
        # A tie within the rounding of the sums is for the exact sum to break, as it does in `decision_function`.
        rounding = overlaps.shape[1] * xp.finfo(overlaps.dtype).eps * xp.max(xp.abs(leading), axis=1, keepdims=True)
        least = xp.max(leading + xp.sum(xp.minimum(rest, zero), axis=0), axis=1, keepdims=True) - rounding
        rivals = leading + xp.sum(xp.maximum(rest, zero), axis=0) >= least
        open_ = xp.sum(xp.astype(rivals, xp.int32), axis=1) > 1
        rows = xp.nonzero(open_)[0]
        if rows.shape[0] == 0:
            return leading
        exact = BinomialReadout(self.degree, rectified=True).potentials(xp.take(overlaps, rows, axis=0), recognition)
        leading[rows, ...] = exact
        return leading


def _continued(powers, degree):
    """Append products with powers[1] until there are powers 0 .. n-1."""
    while len(powers) < degree:
        powers.append(powers[-1] * powers[1])
    return powers


def _binomial_sum(powers, recognition, degree, n_terms):
    """Σ_{k=1..n_terms} C(n, k) z^{n-k} A^k."""
    # One thin product (rows by memories by classes) a term, bound by arithmetic, where a pass over the overlaps for
    # each class would be bound by memory.
    power = recognition
    total = powers[degree - 1] @ (degree * power)
    for k in range(2, n_terms + 1):
        power = power * recognition
        total += powers[degree - k] @ (math.comb(degree, k) * power)
    return total


class _Border:
    """What the binomial sum misses where z and z + a are on different sides of the rectifier; host arrays only.

    With s = 1 for z > 0 and -1 else, the excess q = max(-s (z + a), 0) is how far class unit and memory overshoot the
    rectifier. Up to the sign the sum misses q^n,

        F(z + a) - F(z) - [z > 0] Σ_k C(n, k) z^{n-k} a^k = (-s)^{n+1} q^n,

    and its derivative n (-s)^n q^{n-1} by z and by a.
    """

    def __init__(self, overlaps, recognition, degree):
        xp = arrays.namespace(overlaps)
        self._degree, self._shape = degree, overlaps.shape
        # Which entries are border depends on the extreme class of each memory only: two vectors decide, not a table of
        # overlaps by classes.
        columns = [recognition[:, a] for a in range(recognition.shape[1])]
        # A class column at a time: many times faster than a reduction over so short an axis.
        highest, lowest = (functools.reduce(choose, columns) for choose in (xp.maximum, xp.minimum))
        inside = (overlaps <= _positive(-lowest)) & (overlaps > -_positive(highest))
        self._index = xp.nonzero(xp.reshape(inside, (-1,)))[0]
        n_rows, n_memories = self._shape
        # The entries come row by row: their rows are runs, and the runs' ends the row pointers of a sparse matrix.
        self._ends = np.searchsorted(self._index, n_memories * np.arange(n_rows + 1)).astype(np.int32)
        self._rows = np.repeat(np.arange(n_rows, dtype=np.int32), np.diff(self._ends))
        # 32-bit indices save SciPy a look at every one of them.
        self._memories = self._index.astype(np.int32) - self._rows * n_memories
        entries = xp.take(xp.reshape(overlaps, (-1,)), self._index)
        above = entries > 0
        self._sign = xp.astype(1 - 2 * xp.astype(above, xp.int8), entries.dtype)  # -s
        # Both signs of A in one table: the gather turns them for free.
        table = xp.concat([recognition, -recognition], axis=0)
        self._excess = xp.take(table, self._memories + n_memories * xp.astype(above, xp.int32), axis=0)
        self._excess -= xp.abs(entries)[:, None]
        self._excess = _positive(self._excess)
        # The power n - 1 serves the potentials and the gradients.
        self._slope = (
            integer_power(self._excess, degree - 1) if degree > 1 else xp.astype(self._excess > 0, entries.dtype)
        )

    def potentials(self):
        """The border's part of Φ, of shape (n_samples, n_classes)."""
        # (-s)^{n+1}: -s for even n, 1 for odd n.
        signs = self._sign if self._degree % 2 == 0 else abs(self._sign)
        missed = self._slope * self._excess
        each = np.arange(len(signs), dtype=np.int32)
        return scipy.sparse.csr_array((signs, each, self._ends), shape=(self._shape[0], len(signs))) @ missed

    def add_gradients(self, error, d_overlaps, d_recognition):
        """Add the border's part to both gradients, in place."""
        xp = arrays.namespace(error)
        signs = self._degree * (self._sign if self._degree % 2 else abs(self._sign))
        d_class = xp.take(error, self._rows, axis=0)
        d_class *= self._slope
        ends = np.arange(len(signs) + 1, dtype=np.int32)
        # A sparse product, because no array library adds at repeated indices quickly.
        d_recognition += (
            scipy.sparse.csc_array((signs, self._memories, ends), shape=(self._shape[1], len(signs))) @ d_class
        )
        # A product with ones: many times faster than a sum over so short an axis.
        on = d_class @ xp.ones(error.shape[1], dtype=error.dtype)
        on *= signs
        xp.reshape(d_overlaps, (-1,))[self._index] += on


def _positive(values):
    return between(values, 0.0, math.inf)


def between(values, low, high):
    """Clip to scalar bounds; infinite bounds cost nothing."""
    xp = arrays.namespace(values)
    bound = {"dtype": values.dtype, "device": arrays.device(values)}
    if low > -math.inf:
        values = xp.maximum(values, xp.asarray(low, **bound))
    if high < math.inf:
        values = xp.minimum(values, xp.asarray(high, **bound))
    return values

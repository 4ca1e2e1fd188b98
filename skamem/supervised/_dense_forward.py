"""Readouts of a dense associative memory: from overlaps to class potentials Φ, and their exact gradients.

All functions work on two arrays, so that the memories themselves, their temperature and the scale of the data stay
outside:

``overlaps`` Z of shape (n_samples, n_memories)
    z_bμ: overlap of sample b with memory μ while every class unit is at -1, divided by the temperature T.
``recognition`` A of shape (n_memories, n_classes)
    2/T times the memories' class units: what the overlap gains when class unit a turns from -1 to +1.

Eq. (9) of Krotov and Hopfield [1]_ asks for each class how the energy changes when its unit turns on
(``readout="exact"``),

    Φ_ba = Σ_μ F(z_bμ + A_μa) - F(z_bμ),

and eq. (10) is its limit for small A (``readout="linear"``), a network with one hidden layer of activation f = F':

    Φ_ba = Σ_μ f(z_bμ) A_μa.

Three forms compute eq. (9), equal up to rounding: `DirectReadout` for any F, one pass over Z per class;
`BinomialReadout` for polynomials of integer degree, thin matrix products instead of passes; `ExponentialReadout`, one
product.

References
----------
.. [1] Krotov and Hopfield (2016), Dense Associative Memory for Pattern Recognition, arXiv:1606.01164.
"""

import math
from dataclasses import dataclass
from typing import Any

import scipy.sparse

from skamem.core import arrays
from skamem.core.interactions import Exponential, Polynomial, RectifiedPolynomial, integer_power

__all__ = [
    "READOUTS",
    "BinomialReadout",
    "DirectReadout",
    "ExponentialReadout",
    "LinearReadout",
    "PolynomialLinearReadout",
    "bounded_potentials",
    "exact_readout",
    "linear_readout",
]

# The binomial sum has `degree` terms: beyond this a pass per class is cheaper at ten classes.
_MAX_BINOMIAL_DEGREE = 12
# Share of the floating type's exponent that one energy may use; products and sums of them take the rest.
_SAFE_SHARE = 0.4


@dataclass(frozen=True)
class LinearReadout:
    """Eq. (10), Φ = f(Z) A, for any interaction with a curvature.

    Parameters
    ----------
    interaction : object
        With `slope`, and for `gradients` also `curvature`.
    """

    interaction: Any

    def potentials(self, overlaps, recognition):
        """Class potentials Φ of shape (n_samples, n_classes)."""
        return self.interaction.slope(overlaps) @ recognition

    def gradients(self, overlaps, recognition, signal):
        """Gradients of a loss; parameters and returns as in `DirectReadout.gradients`."""
        slope = self.interaction.slope(overlaps)
        error = signal(slope @ recognition)
        d_overlaps = self.interaction.curvature(overlaps)
        d_overlaps *= error @ recognition.T
        return d_overlaps, slope.T @ error


@dataclass(frozen=True)
class PolynomialLinearReadout:
    """Eq. (10) for the rectified polynomial of integer degree: one power serves the way forward and the way back.

    Parameters
    ----------
    degree : int
        At least 1.
    ceiling : float
        Overlaps count at most this much. With z^n that large tanh Φ is saturated anyway, and the power stays finite.
    """

    degree: int
    ceiling: float

    def potentials(self, overlaps, recognition):
        """Class potentials Φ of shape (n_samples, n_classes)."""
        return self._powers(overlaps)[1] @ (self.degree * recognition)

    def gradients(self, overlaps, recognition, signal):
        """Gradients of a loss; parameters and returns as in `DirectReadout.gradients`."""
        curved, slope = self._powers(overlaps)
        error = signal(slope @ (self.degree * recognition))
        d_recognition = self.degree * (slope.T @ error)
        if self.degree == 1:
            return arrays.namespace(overlaps).zeros_like(overlaps), d_recognition
        d_overlaps = error @ (self.degree * (self.degree - 1) * recognition).T
        d_overlaps *= curved
        return d_overlaps, d_recognition

    def _powers(self, overlaps):
        """(z_+^{n-2}, z_+^{n-1}), with z_+^0 the step function."""
        xp = arrays.namespace(overlaps)
        if self.degree == 1:
            return None, xp.astype(overlaps > 0, overlaps.dtype)
        positive = _between(overlaps, 0.0, self.ceiling)
        if self.degree == 2:
            return xp.astype(overlaps > 0, overlaps.dtype), positive
        curved = integer_power(positive, self.degree - 2)
        return curved, curved * positive


@dataclass(frozen=True)
class DirectReadout:
    """Eq. (9) as it stands, one pass over the overlaps per class; for any interaction.

    Parameters
    ----------
    interaction : object
        With `energy` and `slope`.
    """

    interaction: Any

    def potentials(self, overlaps, recognition):
        """Class potentials Φ of shape (n_samples, n_classes)."""
        xp = arrays.namespace(overlaps)
        energy = self.interaction.energy
        # The energy with the class unit off does not depend on the class: once, not once per class.
        off = xp.sum(energy(overlaps), axis=1)
        on = [xp.sum(energy(overlaps + recognition[:, a]), axis=1) for a in range(recognition.shape[1])]
        return xp.stack(on, axis=1) - off[:, None]

    def gradients(self, overlaps, recognition, signal):
        """Gradients of a loss L with respect to the overlaps and the recognition weights.

        Parameters
        ----------
        overlaps : array of shape (n_samples, n_memories)
            Z.
        recognition : array of shape (n_memories, n_classes)
            A.
        signal : callable
            Maps Φ to ∂L/∂Φ, both of shape (n_samples, n_classes).

        Returns
        -------
        d_overlaps : array of shape (n_samples, n_memories)
            ∂L/∂Z.
        d_recognition : array of shape (n_memories, n_classes)
            ∂L/∂A at fixed Z.
        """
        xp = arrays.namespace(overlaps)
        classes = range(recognition.shape[1])
        on = [_energy_and_slope(self.interaction, overlaps + recognition[:, a]) for a in classes]
        off_energy, d_overlaps = _energy_and_slope(self.interaction, overlaps)
        error = signal(xp.stack([energy for energy, _ in on], axis=1) - off_energy[:, None])
        d_recognition = xp.stack([error[:, a] @ on[a][1] for a in classes], axis=1)
        d_overlaps = -xp.sum(error, axis=1)[:, None] * d_overlaps
        for a in classes:
            d_overlaps += error[:, a, None] * on[a][1]
        return d_overlaps, d_recognition


@dataclass(frozen=True)
class ExponentialReadout:
    """Eq. (9) for F = exp, which factorises: Φ = exp(Z) (exp(A) - 1).

    Parameters
    ----------
    ceiling : float
        Overlaps count at most this much, so that exp stays finite; tanh Φ is saturated there.
    """

    ceiling: float

    def potentials(self, overlaps, recognition):
        """Class potentials Φ of shape (n_samples, n_classes)."""
        xp = arrays.namespace(overlaps)
        return xp.exp(_between(overlaps, -math.inf, self.ceiling)) @ xp.expm1(recognition)

    def gradients(self, overlaps, recognition, signal):
        """Gradients of a loss; parameters and returns as in `DirectReadout.gradients`."""
        xp = arrays.namespace(overlaps)
        weight = xp.exp(_between(overlaps, -math.inf, self.ceiling))
        gain = xp.expm1(recognition)
        error = signal(weight @ gain)
        return weight * (error @ gain.T), (weight.T @ error) * (gain + 1)


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
        counts = xp.sum(inside, axis=1, dtype=xp.int64)
        self._index = xp.nonzero(xp.reshape(inside, (-1,)))[0]
        self._rows = xp.repeat(xp.arange(self._shape[0]), counts)
        self._memories = self._index - self._rows * self._shape[1]
        self._off = _positive(xp.take(xp.reshape(overlaps, (-1,)), self._index))
        with_class = xp.take(recognition, self._memories, axis=0)
        with_class += xp.take(xp.reshape(overlaps, (-1,)), self._index)[:, None]
        self._on = _positive(with_class)
        # The powers n - 1 serve the potentials and the gradients.
        self._on_slope, self._off_slope = (_step_power(z, degree - 1) for z in (self._on, self._off))

    def potentials(self):
        """The border's part of Φ."""
        rows, n_rows = self._rows, self._shape[0]
        off = _segment_sum((self._off_slope * self._off)[:, None], rows, n_rows)
        return _segment_sum(self._on_slope * self._on, rows, n_rows) - off

    def add_gradients(self, error, d_overlaps, d_recognition):
        """Add the border's part to both gradients, in place; uses up the powers."""
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
    return _between(values, 0.0, math.inf)


def _step_power(positive, exponent):
    """positive ** exponent, with 0 ** 0 = 0."""
    xp = arrays.namespace(positive)
    return integer_power(positive, exponent) if exponent else xp.astype(positive > 0, positive.dtype)


def _segment_sum(values, segments, n_segments):
    """Sum rows of `values` by segment; a sparse product, because no array library adds at repeated indices quickly."""
    n_values = values.shape[0]
    xp = arrays.namespace(values)
    ones = xp.ones(n_values, dtype=values.dtype)
    selector = scipy.sparse.csr_array((ones, segments, xp.arange(n_values + 1)), shape=(n_values, n_segments))
    return selector.T @ values


def _energy_and_slope(interaction, overlaps):
    """(Σ_μ F, f)."""
    xp = arrays.namespace(overlaps)
    return xp.sum(interaction.energy(overlaps), axis=1), interaction.slope(overlaps)


def _between(values, low, high):
    """Clip to scalar bounds; infinite bounds cost nothing."""
    xp = arrays.namespace(values)
    bound = {"dtype": values.dtype, "device": arrays.device(values)}
    if low > -math.inf:
        values = xp.maximum(values, xp.asarray(low, **bound))
    if high < math.inf:
        values = xp.minimum(values, xp.asarray(high, **bound))
    return values


def _ceiling(interaction, xp, dtype):
    """Overlap beyond which F is so large that tanh Φ is saturated; far below overflow, so that sums are safe too."""
    log_limit = _SAFE_SHARE * math.log(float(xp.finfo(dtype).max))
    if isinstance(interaction, Exponential):
        return log_limit
    ceiling = math.exp(log_limit / interaction.degree)
    # Low degrees cannot get there: do not spend a pass on it.
    return ceiling if interaction.degree > 4 else math.inf


def linear_readout(interaction, n_classes, xp, dtype):
    """Eq. (10) in the fastest form for this interaction.

    Parameters
    ----------
    interaction : object
        With `slope` and `curvature`.
    n_classes : int
        Number of classes; not used here, see `exact_readout`.
    xp : module
        Array namespace.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    readout : object
        With `potentials` and `gradients`.

    Raises
    ------
    TypeError
        When the interaction has no `curvature`.
    """
    if isinstance(interaction, RectifiedPolynomial) and interaction.degree == int(interaction.degree):
        return PolynomialLinearReadout(int(interaction.degree), _ceiling(interaction, xp, dtype))
    if not callable(getattr(interaction, "curvature", None)):
        raise TypeError(
            f"readout='linear' needs the derivative of the slope, but {interaction!r} has no `curvature` method; "
            "add one, or use readout='exact'."
        )
    return LinearReadout(interaction)


def exact_readout(interaction, n_classes, xp, dtype):
    """Eq. (9) in the fastest form for this interaction.

    Parameters
    ----------
    interaction : object
        With `energy` and `slope`.
    n_classes : int
        Number of classes: a pass per class is the price of the direct form.
    xp : module
        Array namespace. The border is gathered on the host only: on a device it would stall the queue.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    readout : object
        With `potentials` and `gradients`.
    """
    if isinstance(interaction, Exponential):
        return ExponentialReadout(_ceiling(interaction, xp, dtype))
    if isinstance(interaction, RectifiedPolynomial | Polynomial):
        rectified = isinstance(interaction, RectifiedPolynomial)
        whole = interaction.degree == int(interaction.degree)
        on_host = arrays.host_checks_are_free(xp)
        if whole and interaction.degree <= max(_MAX_BINOMIAL_DEGREE, n_classes) and (on_host or not rectified):
            return BinomialReadout(int(interaction.degree), rectified)
    return DirectReadout(interaction)


READOUTS = {"exact": exact_readout, "linear": linear_readout}
"""Readouts by name: ``(interaction, n_classes, xp, dtype) -> object with potentials and gradients``."""


def bounded_potentials(overlaps, recognition, interaction, name, readout):
    """Class potentials that neither overflow nor vanish, and so keep the order of the classes.

    Parameters
    ----------
    overlaps : array of shape (n_samples, n_memories)
        Z.
    recognition : array of shape (n_memories, n_classes)
        A.
    interaction : object
        With `factor_out` where it can overflow.
    name : {"exact", "linear"}
        Which equation.
    readout : object
        What computes it where nothing overflows.

    Returns
    -------
    potentials : array of shape (n_samples, n_classes)
        Φ. Rows too large or too small for the floating type are scaled into it as a whole, which keeps their order.

    Notes
    -----
    Costs one pass over Z more than `readout`; where overlaps are out of range, a pass per class.
    """
    if not hasattr(interaction, "factor_out"):
        return readout.potentials(overlaps, recognition)
    xp = arrays.namespace(overlaps)
    peak = interaction.peak(overlaps) + xp.max(xp.abs(recognition))
    largest, smallest = (math.log(float(getattr(xp.finfo(overlaps.dtype), end))) for end in ("max", "smallest_normal"))
    log_factor = interaction.factor_out(peak, peak)[1]
    if bool(xp.all((log_factor < _SAFE_SHARE * largest) & (log_factor > 2 * _SAFE_SHARE * smallest))):
        return readout.potentials(overlaps, recognition)
    reduced_sum, log_factor = _reduced_potentials(overlaps, recognition, interaction, name, peak)
    tiny = xp.asarray(xp.finfo(overlaps.dtype).smallest_normal, dtype=overlaps.dtype, device=arrays.device(overlaps))
    log_size = xp.log(xp.maximum(xp.max(xp.abs(reduced_sum), axis=1, keepdims=True), tiny))
    # The largest potential of a row shall stay below overflow, and far enough above underflow for the others.
    log_factor = xp.maximum(xp.minimum(log_factor, (largest - 1) - log_size), 0.9 * smallest - log_size)
    # Half of the factor at a time: a small sum may need a factor that is itself out of range.
    half = xp.exp(log_factor / 2)
    return reduced_sum * half * half


def _reduced_potentials(overlaps, recognition, interaction, name, peak):
    """(S, L) with Φ = exp(L) S, where S is computed from overlaps reduced by their peak."""
    xp = arrays.namespace(overlaps)
    reduced, log_factor, stretch = interaction.factor_out(overlaps, peak)
    if name == "linear":
        return (interaction.slope(reduced) * stretch) @ recognition, log_factor
    gains = [
        xp.sum(interaction.gain(reduced, recognition[:, a] * stretch), axis=1) for a in range(recognition.shape[1])
    ]
    return xp.stack(gains, axis=1), log_factor

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

from skamem.core import arrays
from skamem.core.interactions import Exponential, Polynomial, RectifiedPolynomial, integer_power
from skamem.supervised.dense._binomial import BinomialReadout, BinomialWinner, between

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
    "winner_readout",
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
        # The chain rule through f, written over the curvature: overlaps are the largest arrays here.
        d_overlaps = self.interaction.curvature(overlaps)
        d_overlaps *= error @ _transposed(recognition)
        return d_overlaps, _transposed(slope) @ error


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
        d_recognition = self.degree * (_transposed(slope) @ error)
        if self.degree == 1:
            return arrays.namespace(overlaps).zeros_like(overlaps), d_recognition
        d_overlaps = error @ _transposed(self.degree * (self.degree - 1) * recognition)
        d_overlaps *= curved
        return d_overlaps, d_recognition

    def _powers(self, overlaps):
        """(z_+^{n-2}, z_+^{n-1}), with z_+^0 the step function."""
        xp = arrays.namespace(overlaps)
        if self.degree == 1:
            return None, xp.astype(overlaps > 0, overlaps.dtype)
        positive = between(overlaps, 0.0, self.ceiling)
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
        return xp.exp(between(overlaps, -math.inf, self.ceiling)) @ xp.expm1(recognition)

    def gradients(self, overlaps, recognition, signal):
        """Gradients of a loss; parameters and returns as in `DirectReadout.gradients`."""
        xp = arrays.namespace(overlaps)
        weight = xp.exp(between(overlaps, -math.inf, self.ceiling))
        gain = xp.expm1(recognition)
        error = signal(weight @ gain)
        return weight * (error @ gain.T), (weight.T @ error) * (gain + 1)


def _transposed(values):
    # Of stacks of matrices, too: `_choice` trains many small memories in one.
    return arrays.namespace(values).matrix_transpose(values)


def _energy_and_slope(interaction, overlaps):
    """(Σ_μ F, f)."""
    xp = arrays.namespace(overlaps)
    return xp.sum(interaction.energy(overlaps), axis=1), interaction.slope(overlaps)


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


def winner_readout(readout):
    """The fastest form that only needs to get the largest potential of each row right.

    Parameters
    ----------
    readout : object
        From `exact_readout` or `linear_readout`.

    Returns
    -------
    readout : object
        With `potentials`; `readout` itself where nothing is faster.
    """
    if isinstance(readout, BinomialReadout) and readout.rectified and readout.degree > 1:
        return BinomialWinner(readout.degree)
    return readout


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
    # F(z) = exp(L) F(z / c) with a number c for each row: what is summed is of order 1, and L is put back at the end as
    # far as the floating type allows. One factor a row keeps the order of its classes.
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

"""Interactions: energy functions F of an overlap, the building block of dense associative memories.

A dense memory has the energy E(s) = -Σ_μ F(ξ^μ·s) [1]_. The faster F grows, the more a single, best matching memory
decides, and the more memories fit in. An interaction is a frozen dataclass (it clones and pickles natively) with

``energy(overlaps)``
    F, elementwise.
``slope(overlaps)``
    Its derivative f = F', elementwise: the activation function of the dual one-hidden-layer network.
``curvature(overlaps)``
    F'', elementwise. Needed only to train with `DenseAMClassifier(readout="linear")`.
``peak(overlaps)``, ``factor_out(overlaps, peak)``, ``gain(overlaps, change)``
    Optional, all or none: the way to sum F where F overflows. `peak` is the overlap of each row that decides, of shape
    (..., 1); ``factor_out`` returns ``(reduced, log_factor, stretch)`` with F(overlaps) = exp(log_factor) F(reduced)
    and F'(overlaps) = exp(log_factor) stretch F'(reduced); ``gain`` is F(overlaps + change) - F(overlaps) without
    cancellation.

Add an energy: write such a dataclass, add it to `INTERACTIONS`; the tests take it from there. Or pass your own
instance to an estimator and touch no file.

References
----------
.. [1] Krotov and Hopfield (2016), Dense Associative Memory for Pattern Recognition, arXiv:1606.01164, eqs. (1), (3).
"""

import math
import numbers
from dataclasses import dataclass

from skamem.core import arrays
from skamem.core.parameters import Interval, Kind, Methods

__all__ = [
    "DEGREE",
    "ENERGY",
    "INTERACTIONS",
    "Exponential",
    "LogCosh",
    "Polynomial",
    "RectifiedPolynomial",
    "Softplus",
    "integer_power",
    "resolve_interaction",
]

# Beyond this exponent repeated multiplication no longer beats the library's power function.
_MAX_INTEGER_POWER = 128


def integer_power(base, exponent):
    """``base ** exponent`` by repeated squaring: exact signs, and faster than a general power.

    Parameters
    ----------
    base : array
        Any real values.
    exponent : int
        At least 1.

    Returns
    -------
    power : array
        A new array, or `base` itself for exponent 1. Cost: at most 2 log2(exponent) multiplications.

    Examples
    --------
    >>> import numpy as np
    >>> integer_power(np.asarray([-2.0, 3.0]), 5)
    array([-32., 243.])
    """
    power = None
    while True:
        if exponent & 1:
            power = base if power is None else power * base
        exponent >>= 1
        if not exponent:
            return power
        base = base * base


def _power(base, exponent):
    """base ** exponent for base >= 0 and any real exponent >= 0, with 0 ** 0 = 0: the rectifier is off at 0."""
    xp = arrays.namespace(base)
    if exponent == 0:
        return xp.astype(base > 0, base.dtype)
    if exponent == int(exponent) and exponent <= _MAX_INTEGER_POWER:
        return integer_power(base, int(exponent))
    return base**exponent


class _Degree(Interval):
    def refuse(self, name, value):
        raise ValueError(
            f"{name}={value!r}; expected a finite number >= 1 and <= {self.high}. Degree 2 is Hopfield's energy."
        )


DEGREE = _Degree(numbers.Real, low=1, high=1000)
"""Degrees of an energy; at the highest the nearest memory has long decided alone."""


def _set_checked_degree(interaction):
    """Check the degree, and keep it as Python's number: a NumPy scalar would make float32 arrays float64."""
    degree = interaction.degree
    if not DEGREE.accepts(degree):
        DEGREE.refuse("degree", degree)
    object.__setattr__(interaction, "degree", int(degree) if degree == int(degree) else float(degree))


@dataclass(frozen=True)
class RectifiedPolynomial:
    """Rectified polynomial, F(z) = max(z, 0)^n: eq. (3) of Krotov and Hopfield.

    Parameters
    ----------
    degree : float, default=3
        n >= 1, dimensionless; 2 is close to Hopfield's energy, large n lets the best matching memory decide.

    Raises
    ------
    ValueError
        When `degree` is below 1 or not finite.

    Notes
    -----
    Its slope is the rectified polynomial of degree n - 1: a ReLU at n = 2. F(z) overflows float32 at z^n > 3.4e38.

    References
    ----------
    Krotov and Hopfield (2016), arXiv:1606.01164.

    Examples
    --------
    >>> import numpy as np
    >>> cubic = RectifiedPolynomial(3)
    >>> cubic.energy(np.asarray([-1.0, 2.0])), cubic.slope(np.asarray([-1.0, 2.0]))
    (array([0., 8.]), array([ 0., 12.]))
    """

    degree: float = 3

    def __post_init__(self):
        """Refuse degrees that give no energy."""
        _set_checked_degree(self)

    def energy(self, overlaps):
        """F(z) = max(z, 0)^n, elementwise."""
        return _power(_rectified(overlaps), self.degree)

    def slope(self, overlaps):
        """F'(z) = n max(z, 0)^(n-1), elementwise; 0 at z = 0."""
        return self.degree * _power(_rectified(overlaps), self.degree - 1)

    def curvature(self, overlaps):
        """F''(z) = n (n-1) max(z, 0)^(n-2), elementwise; 0 at z = 0."""
        return _polynomial_curvature(_rectified(overlaps), self.degree, _power)

    def peak(self, overlaps):
        """Largest overlap of each row, at least 0."""
        return _rectified(arrays.namespace(overlaps).max(overlaps, axis=-1, keepdims=True))

    def factor_out(self, overlaps, peak):
        """Divide by the peak: F(z) = peak^n F(z / peak)."""
        return _divide_by_peak(overlaps, peak, self.degree)

    def gain(self, overlaps, change):
        """F(z + a) - F(z), elementwise, without cancellation."""
        return _polynomial_gain(self, overlaps, change)


@dataclass(frozen=True)
class Polynomial:
    """Plain polynomial, F(z) = z^n.

    Parameters
    ----------
    degree : int, default=2
        n >= 1. n = 2 gives Hopfield's energy; for odd n a pattern and its negative differ.

    Raises
    ------
    ValueError
        When `degree` is no integer or below 1.

    References
    ----------
    Krotov and Hopfield (2016), arXiv:1606.01164.

    Examples
    --------
    >>> import numpy as np
    >>> Polynomial(2).energy(np.asarray([-1.0, 2.0]))
    array([1., 4.])
    """

    degree: int = 2

    def __post_init__(self):
        """Refuse degrees that are no natural number: powers of negative overlaps would not be real."""
        _set_checked_degree(self)
        if self.degree != int(self.degree):
            raise ValueError(
                f"degree={self.degree!r}; Polynomial needs an integer degree, because overlaps may be negative. "
                "Use RectifiedPolynomial for other degrees."
            )

    def energy(self, overlaps):
        """F(z) = z^n, elementwise."""
        return _signed_power(overlaps, self.degree)

    def slope(self, overlaps):
        """F'(z) = n z^(n-1), elementwise."""
        return self.degree * _signed_power(overlaps, self.degree - 1)

    def curvature(self, overlaps):
        """F''(z) = n (n-1) z^(n-2), elementwise."""
        return _polynomial_curvature(overlaps, self.degree, _signed_power)

    def peak(self, overlaps):
        """Largest magnitude of each row."""
        xp = arrays.namespace(overlaps)
        highest, lowest = xp.max(overlaps, axis=-1, keepdims=True), xp.min(overlaps, axis=-1, keepdims=True)
        return xp.maximum(highest, -lowest)

    def factor_out(self, overlaps, peak):
        """Divide by the peak: F(z) = peak^n F(z / peak)."""
        return _divide_by_peak(overlaps, peak, self.degree)

    def gain(self, overlaps, change):
        """F(z + a) - F(z), elementwise, without cancellation."""
        return _polynomial_gain(self, overlaps, change)


@dataclass(frozen=True)
class Exponential:
    """Exponential, F(z) = exp(z): capacity exponential in the number of units.

    Notes
    -----
    A sum of F over memories is a log-sum-exp, and its slope is the softmax of attention. F(z) overflows float32 beyond
    z = 88; `factor_out` moves the peak to 0 first.

    References
    ----------
    Demircigil et al. (2017), On a model of associative memory with huge storage capacity, arXiv:1702.01929.

    Examples
    --------
    >>> import numpy as np
    >>> Exponential().energy(np.asarray([0.0]))
    array([1.])
    """

    def energy(self, overlaps):
        """F(z) = exp(z), elementwise."""
        return arrays.namespace(overlaps).exp(overlaps)

    def slope(self, overlaps):
        """F'(z) = exp(z), elementwise."""
        return self.energy(overlaps)

    def curvature(self, overlaps):
        """F''(z) = exp(z), elementwise."""
        return self.energy(overlaps)

    def peak(self, overlaps):
        """Largest overlap of each row."""
        return arrays.namespace(overlaps).max(overlaps, axis=-1, keepdims=True)

    def factor_out(self, overlaps, peak):
        """Subtract the peak: F(z) = exp(peak) F(z - peak)."""
        return overlaps - peak, peak, arrays.namespace(peak).ones_like(peak)

    def gain(self, overlaps, change):
        """F(z + a) - F(z) = exp(z) (exp(a) - 1), elementwise."""
        return self.energy(overlaps) * arrays.namespace(change).expm1(change)


@dataclass(frozen=True)
class LogCosh:
    """Logarithm of the hyperbolic cosine, F(z) = ln cosh z: its dual network has tanh units.

    References
    ----------
    Krotov and Hopfield (2016), arXiv:1606.01164: the duality of energies and activation functions.

    Examples
    --------
    >>> import numpy as np
    >>> LogCosh().slope(np.asarray([0.0, 100.0]))
    array([0., 1.])
    """

    def energy(self, overlaps):
        """F(z) = ln cosh z, elementwise."""
        xp = arrays.namespace(overlaps)
        # |z| + ln(1 + e^{-2|z|}) - ln 2 keeps cosh from overflowing.
        size = xp.abs(overlaps)
        return size + xp.log1p(xp.exp(-2 * size)) - math.log(2)

    def slope(self, overlaps):
        """F'(z) = tanh z, elementwise."""
        return arrays.namespace(overlaps).tanh(overlaps)

    def curvature(self, overlaps):
        """F''(z) = 1 - tanh² z, elementwise."""
        return 1 - self.slope(overlaps) ** 2


@dataclass(frozen=True)
class Softplus:
    """Softplus, F(z) = ln(1 + e^z): its dual network has logistic units.

    References
    ----------
    Krotov and Hopfield (2016), arXiv:1606.01164: the duality of energies and activation functions.

    Examples
    --------
    >>> import numpy as np
    >>> Softplus().slope(np.asarray([0.0]))
    array([0.5])
    """

    def energy(self, overlaps):
        """F(z) = ln(1 + e^z), elementwise."""
        xp = arrays.namespace(overlaps)
        return _rectified(overlaps) + xp.log1p(xp.exp(-xp.abs(overlaps)))

    def slope(self, overlaps):
        """F'(z) = 1 / (1 + e^-z), elementwise."""
        return (arrays.namespace(overlaps).tanh(overlaps / 2) + 1) / 2

    def curvature(self, overlaps):
        """F''(z) = F'(z) (1 - F'(z)), elementwise."""
        slope = self.slope(overlaps)
        return slope * (1 - slope)


INTERACTIONS = {
    "rectified_polynomial": RectifiedPolynomial,
    "polynomial": Polynomial,
    "exponential": Exponential,
    "logcosh": LogCosh,
    "softplus": Softplus,
}
"""Interactions by name: dataclasses; those with a `degree` take the estimator's."""


class _Energy(Kind):
    """A name of `INTERACTIONS`, or an object of one's own, as a parameter of an estimator."""

    def accepts(self, value):
        if isinstance(value, str):
            return value in INTERACTIONS
        return _OWN.accepts(value)

    def refuse(self, name, value):
        if isinstance(value, str):
            raise ValueError(f"{name}={value!r} is unknown; expected one of {self}.")
        raise TypeError(
            f"{name}={value!r} has no `energy` and `slope` methods; expected a name or an instance such as "
            "RectifiedPolynomial(3)."
        )

    def __str__(self):
        return f"{', '.join(map(repr, INTERACTIONS))}, or {_OWN}"


_OWN = Methods("energy", "slope")
ENERGY = _Energy()
"""What the parameter ``interaction`` may be."""


def resolve_interaction(interaction, degree):
    """Interaction that a name, or an instance of the user's own, stands for.

    Parameters
    ----------
    interaction : str or object
        A name of `INTERACTIONS`, or any object with `energy` and `slope`.
    degree : float
        Degree for the interactions that have one; ignored by the others and by instances.

    Returns
    -------
    interaction : object

    Raises
    ------
    ValueError
        For an unknown name or an impossible degree.
    TypeError
        For an object without `energy` and `slope`.

    Examples
    --------
    >>> resolve_interaction("rectified_polynomial", 2)
    RectifiedPolynomial(degree=2)
    """
    if not ENERGY.accepts(interaction):
        ENERGY.refuse("interaction", interaction)
    if not isinstance(interaction, str):
        return interaction
    kind = INTERACTIONS[interaction]
    return kind(degree) if "degree" in kind.__dataclass_fields__ else kind()


def _rectified(overlaps):
    xp = arrays.namespace(overlaps)
    return xp.maximum(overlaps, xp.zeros((), dtype=overlaps.dtype, device=arrays.device(overlaps)))


def _signed_power(base, exponent):
    exponent = int(exponent)
    if exponent == 0:
        return arrays.namespace(base).ones_like(base)
    return integer_power(base, exponent) if exponent <= _MAX_INTEGER_POWER else base**exponent


def _polynomial_curvature(base, degree, power):
    if degree == 1:
        return arrays.namespace(base).zeros_like(base)
    if degree < 2:
        # The curvature has a pole at 0. On the closed side the rectifier is off, so there it counts as 0.
        xp = arrays.namespace(base)
        on = base > 0
        safe = xp.where(on, base, xp.ones_like(base))
        return xp.astype(on, base.dtype) * (degree * (degree - 1) * safe ** (degree - 2))
    return degree * (degree - 1) * power(base, degree - 2)


def _polynomial_gain(interaction, overlaps, change):
    """z^n ((1 + a / z)^n - 1) where z and z + a have one sign, the plain difference elsewhere."""
    xp = arrays.namespace(overlaps)
    change = change + xp.zeros_like(overlaps)
    safe = xp.abs(overlaps) > xp.abs(change)
    base = xp.where(safe, overlaps, xp.ones_like(overlaps))
    ratio = xp.where(safe, change, xp.zeros_like(change)) / base
    smooth = interaction.energy(base) * xp.expm1(interaction.degree * xp.log1p(ratio))
    return xp.where(safe, smooth, interaction.energy(overlaps + change) - interaction.energy(overlaps))


def _divide_by_peak(overlaps, peak, degree):
    xp = arrays.namespace(overlaps)
    # Rows whose overlaps are all 0 keep the factor 1.
    peak = xp.where(peak > 0, peak, xp.ones_like(peak))
    return overlaps / peak, degree * xp.log(peak), 1 / peak

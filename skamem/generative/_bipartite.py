"""A restricted Boltzmann machine as a value: what each layer sees of the other, and energies with one summed out."""

from dataclasses import dataclass, replace
from typing import Any

from skamem.core import arrays

__all__ = ["Bipartite", "binary_entropy", "log_odds", "sigmoid", "softplus_sum"]

_LOG_ROOT_2PI = 0.9189385332046727  # ln sqrt(2π)
_FACTORS = {"float64": 1000, "float32": 100}  # of (1, 2]: their product stays finite


def sigmoid(x):
    """1 / (1 + exp(-x)), without overflow."""
    xp = arrays.namespace(x)
    # Half the work of the two-sided form, and tanh is exact where exp would overflow.
    y = xp.tanh(0.5 * x)
    y *= 0.5
    y += 0.5
    return y


def softplus_sum(x):
    """Sum over the last axis of ln(1 + exp(x)).

    One logarithm serves many terms: ln(1 + eˣ) = max(x, 0) + ln(1 + e^-|x|), and the factors 1 + e^-|x| lie in (1, 2].
    """
    xp = arrays.namespace(x)
    factors = 1.0 + xp.exp(-xp.abs(x))
    total = xp.sum(xp.where(x > 0, x, xp.zeros_like(x)), axis=-1)
    width = _FACTORS["float32" if x.dtype == xp.float32 else "float64"]
    for start in range(0, x.shape[-1], width):
        stop = min(start + width, x.shape[-1])
        total = total + xp.log(xp.prod(factors[..., start:stop], axis=-1))
    return total


def binary_entropy(means):
    """Entropy, in nats, of independent units of these means: summed over the last axis."""
    xp = arrays.namespace(means)

    def part(x):
        return x * xp.log(xp.where(x > 0, x, xp.ones_like(x)))

    return -xp.sum(part(means) + part(1.0 - means), axis=-1)


def log_odds(mean, margin):
    """ln(p / (1 - p)) of means that are kept `margin` away from 0 and 1."""
    xp = arrays.namespace(mean)
    kept = arrays.clip(mean, margin, 1.0 - margin)
    return xp.log(kept) - xp.log1p(-kept)


@dataclass(frozen=True)
class Bipartite:
    """Joint density exp(-E(v, h)) / Z of visible units v and hidden units h.

    Binary units: E = -vᵀWh - bᵀv - cᵀh. Gaussian visible ones:
    E = Σ (v_i - b_i)² / 2σ_i² - Σ v_i W_ij h_j / σ_i² - cᵀh. Gaussian hidden ones, of variance 1, add ½ hᵀh. One layer
    at least is binary.

    Parameters
    ----------
    weights : array of shape (n_visible, n_hidden)
        W.
    visible : array of shape (n_visible,)
        b.
    hidden : array of shape (n_hidden,)
        c.
    sigma : array of shape (n_visible,), default=None
        Standard deviations of Gaussian visible units; None for binary ones.
    gaussian_hidden : bool, default=False
        Whether hidden units are Gaussian.
    """

    weights: Any
    visible: Any
    hidden: Any
    sigma: Any = None
    gaussian_hidden: bool = False

    @property
    def n_visible(self):
        """Number of visible units."""
        return self.weights.shape[0]

    @property
    def n_hidden(self):
        """Number of hidden units."""
        return self.weights.shape[1]

    @property
    def is_binary(self):
        """Whether visible units are 0 or 1."""
        return self.sigma is None

    def astype(self, dtype):
        """The same machine in another floating type."""
        xp = arrays.namespace(self.weights)
        names = ("weights", "visible", "hidden") + (() if self.is_binary else ("sigma",))
        return replace(self, **{name: xp.astype(getattr(self, name), dtype, copy=False) for name in names})

    # ------------------------------------------------------------------ what a layer sees of the other

    def precise(self, v):
        """v / σ², what Gaussian units pass on; binary ones pass on v."""
        return v if self.is_binary else v / self.sigma**2

    def hidden_drive(self, v):
        """Wᵀ v, or Wᵀ (v / σ²): what visible units add to the hidden ones. `v` may be csr."""
        return self.precise(v) @ self.weights

    def visible_drive(self, h):
        """W h: what hidden units add to the visible ones."""
        return h @ self.weights.T

    def hidden_mean(self, v):
        """Mean of h given v: the probability sigmoid(c_j + (Wᵀ v)_j), or c + Wᵀv."""
        mean = self.hidden_drive(v)
        mean += self.hidden
        return mean if self.gaussian_hidden else sigmoid(mean)

    def draw_hidden(self, mean, draws):
        """Hidden units of these means."""
        return mean + draws.normal(mean) if self.gaussian_hidden else draws.bernoulli(mean)

    def log_sum_hidden(self, drive):
        """ln of the sum of exp(driveᵀ h) over the hidden states, or the integral of exp(driveᵀ h - ½ hᵀh)."""
        if self.gaussian_hidden:
            return 0.5 * arrays.namespace(drive).sum(drive**2, axis=-1) + _LOG_ROOT_2PI * self.n_hidden
        return softplus_sum(drive)

    def visible_mean(self, h):
        """Mean of v given h: a probability, or b + Wh."""
        mean = self.visible_drive(h)
        mean += self.visible
        return sigmoid(mean) if self.is_binary else mean

    def draw_visible(self, mean, draws):
        """Visible units of these means."""
        return draws.bernoulli(mean) if self.is_binary else mean + self.sigma * draws.normal(mean)

    # ------------------------------------------------------------------ energies

    def energy(self, v, h):
        """E(v, h) of each row."""
        xp = arrays.namespace(h)
        pairs = xp.sum(self.hidden_drive(v) * h, axis=1) + h @ self.hidden
        alone = 0.5 * xp.sum(h * h, axis=1) if self.gaussian_hidden else 0.0
        return self._visible_energy(v) + alone - pairs

    def free_energy(self, v):
        """-ln Σ_h exp(-E(v, h)) of each row."""
        return self._visible_energy(v) - self.log_sum_hidden(self.hidden_drive(v) + self.hidden)

    def hidden_free_energy(self, h):
        """-ln of the sum, or integral, of exp(-E(v, h)) over v, for each row of binary h."""
        xp = arrays.namespace(h)
        drive = self.visible_drive(h)
        if self.is_binary:
            return -(h @ self.hidden) - softplus_sum(drive + self.visible)
        # Gaussians: ∫ exp(-(v - b)²/2σ² + v m/σ²) dv = sqrt(2π) σ exp((b m + m²/2) / σ²)
        exponent = xp.sum(drive * (self.visible + 0.5 * drive) / self.sigma**2, axis=1)
        return -(h @ self.hidden) - exponent - self._log_volume()

    def _log_volume(self):
        xp = arrays.namespace(self.sigma)
        return float(xp.sum(xp.log(self.sigma))) + _LOG_ROOT_2PI * self.n_visible

    def _visible_energy(self, v):
        if self.is_binary:
            return -(v @ self.visible)
        xp = arrays.namespace(v)
        return 0.5 * xp.sum(((v - self.visible) / self.sigma) ** 2, axis=1)

    # ------------------------------------------------------------------ reference and path

    def independent(self, visible):
        """The machine without couplings, of the same σ and visible biases `visible`, whose units are independent."""
        xp = arrays.namespace(self.weights)
        return replace(self, weights=xp.zeros_like(self.weights), visible=visible, hidden=xp.zeros_like(self.hidden))

    def log_partition_without_couplings(self):
        """ln Z for W = 0."""
        hidden = float(self.log_sum_hidden(self.hidden[None, :])[0])
        if self.is_binary:
            return hidden + float(softplus_sum(self.visible[None, :])[0])
        return hidden + self._log_volume()

"""What training makes small, and the probabilities that follow from it."""

import math
from dataclasses import dataclass

from skamem.core import arrays
from skamem.supervised.dense._binomial import between
from skamem.supervised.dense._defaults import WRONG_LABELS

__all__ = ["PowerLoss", "SquaredLoss", "log_probabilities"]


@dataclass(frozen=True)
class PowerLoss:
    """Mean over rows and classes of (abs(c - t) / 2)^{2m}, c = tanh Φ, t = ±1: eq. (14), divided by 2^{2m}.

    Parameters
    ----------
    power : float
        m > 0. Large m cares about the worst errors only.
    saturated_slope : float, default=0.0
        In [0, 1]. Where a class unit is saturated at the wrong end, 1 - c² vanishes and with it the slope: the row is
        lost to training. The slope counts (1 + c t) / 2, which is 0 there and 1 at the right end, as this much at
        least; 0 leaves the loss's own slope.
    """

    power: float
    saturated_slope: float = 0.0

    def value_and_slope(self, potentials, targets, weights):
        """Weighted loss of each row, of shape (n_samples,), and its slope ∂/∂Φ of shape (n_samples, n_classes).

        Potentials of several memories, of shape (n_stacked, n_samples, n_classes), give as many losses and slopes.
        """
        xp = arrays.namespace(potentials)
        agreement = targets * xp.tanh(potentials)
        # abs(c - t) / 2 = (1 - c t) / 2 stays within [0, 1], so that high powers of it do not overflow.
        loss = ((1 - agreement) / 2) ** (2 * self.power)
        right = between((1 + agreement) / 2, self.saturated_slope or -math.inf, math.inf)
        weights = weights / targets.shape[-1]
        slope = (-4 * self.power * weights)[..., None] * (targets * loss * right)
        return xp.sum(loss, axis=-1) * weights, slope

    def held(self, potentials, targets):
        """What a row held back says against a choice, shape (n_samples,): minus the log-probability of its label.

        A label may be wrong: with probability 0.02 it is any of the classes. Without that the few rows on which a
        memory is wrong and very sure decide, and a longer training is as sure of many that are right.
        """
        xp = arrays.namespace(potentials)
        right = xp.sum(xp.exp(log_probabilities(potentials, self.power)) * ((targets + 1) / 2), axis=1)
        return -xp.log((1 - WRONG_LABELS) * right + WRONG_LABELS / targets.shape[1])


@dataclass(frozen=True)
class SquaredLoss:
    """Mean over rows and outputs of (Φ - t)²."""

    def value_and_slope(self, potentials, targets, weights):
        """Weighted loss of each row, of shape (n_samples,), and its slope ∂/∂Φ of shape (n_samples, n_outputs).

        Potentials of several memories, of shape (n_stacked, n_samples, n_outputs), give as many losses and slopes.
        """
        xp = arrays.namespace(potentials)
        error = potentials - targets
        weights = weights / targets.shape[-1]
        return xp.sum(error * error, axis=-1) * weights, 2 * error * weights[..., None]

    def held(self, potentials, targets):
        """What a row held back says against a choice: its mean squared error, shape (n_samples,)."""
        return arrays.namespace(potentials).mean((potentials - targets) ** 2, axis=1)


def log_probabilities(potentials, power):
    """Logarithms of class probabilities: the logistic function of (2m - 1) 2Φ, normalised over the classes.

    Parameters
    ----------
    potentials : array of shape (n_samples, n_classes)
        Φ.
    power : float
        m of the `PowerLoss`, whose expectation is least where (2m - 1) 2Φ_a is the log-odds of class a.

    Returns
    -------
    log_probabilities : array of shape (n_samples, n_classes)
        Finite, at most 0.
    """
    xp = arrays.namespace(potentials)
    if potentials.shape[1] == 2:
        # Both units say the same thing; one number, so that probabilities rank as `decision_function` does.
        half = (potentials[:, 1] - potentials[:, 0]) / 2
        potentials = xp.stack([-half, half], axis=1)
    # Potentials may be as large as the floating type allows.
    limit = float(xp.finfo(potentials.dtype).max) / (16 * power)
    log_odds = (2 * (2 * power - 1)) * between(potentials, -limit, limit)
    zero = xp.zeros_like(log_odds)
    log_each = xp.minimum(log_odds, zero) - xp.log1p(xp.exp(-xp.abs(log_odds)))
    below = log_each - xp.max(log_each, axis=1, keepdims=True)
    return below - xp.log(xp.sum(xp.exp(below), axis=1, keepdims=True))

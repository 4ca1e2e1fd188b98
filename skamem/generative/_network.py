"""A Boltzmann machine as a value: symmetric couplings among units of 0 and 1, sums over all states, and heat baths."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skamem.core import arrays
from skamem.core.dynamics import heat_bath
from skamem.core.fields import QuadraticLandscape
from skamem.core.thresholds import step
from skamem.generative._bipartite import binary_entropy, sigmoid, softplus_sum
from skamem.generative._enumeration import log_sum_exp, state_blocks

__all__ = ["Network"]


@dataclass(frozen=True)
class Network:
    """Density exp(-E(x)) / Z with E(x) = -½ xᵀWx - bᵀx over states x in {0, 1}ⁿ.

    Parameters
    ----------
    weights : array of shape (n_units, n_units)
        Symmetric, diagonal 0.
    bias : array of shape (n_units,)
        External field.
    """

    weights: Any
    bias: Any

    @property
    def n_units(self):
        """Number of units."""
        return self.bias.shape[0]

    def energy(self, states):
        """E of each row."""
        return QuadraticLandscape(self.weights, self.bias).energy(states)

    def field(self, states):
        """ln of p(on) / p(off) of each unit, the others fixed."""
        return states @ self.weights + self.bias

    def of_units(self, order):
        """The same network with its units in another order, an array of indices."""
        xp = arrays.namespace(self.weights)
        weights = xp.take(xp.take(self.weights, order, axis=0), order, axis=1)
        return Network(weights, xp.take(self.bias, order, axis=0))

    def spins(self):
        """Couplings and fields of the same density over spins s = 2x - 1.

        -½ xᵀWx - bᵀx is -½ sᵀ(W/4)s - (W1/4 + b/2)ᵀs up to a constant.
        """
        xp = arrays.namespace(self.weights)
        pull = xp.sum(self.weights, axis=0)
        return 0.25 * self.weights, 0.25 * pull + 0.5 * self.bias

    # ------------------------------------------------------------------ sums over all states

    def log_partition(self):
        """ln Z, over 2^n_units states."""
        row_bytes = 8 * 6 * self.n_units
        parts = [log_sum_exp(-self.energy(states)) for states in state_blocks(self.n_units, self.weights, row_bytes)]
        return float(np.logaddexp.reduce(parts))

    def moments(self):
        """<x_i> and <x_i x_j> of the model, over 2^n_units states; and ln Z."""
        xp = arrays.namespace(self.weights)
        log_partition, first, second = self.log_partition(), 0.0, 0.0
        for states in state_blocks(self.n_units, self.weights, 8 * 6 * self.n_units):
            probability = xp.exp(-self.energy(states) - log_partition)
            first = first + probability @ states
            second = second + states.T @ (probability[:, None] * states)
        return first, second, log_partition

    def free_energy(self, visible):
        """-ln of the sum of exp(-E) over the units that the rows `visible` leave open; one pass over their states."""
        xp = arrays.namespace(self.weights)
        n_visible = visible.shape[1]
        n_hidden = self.n_units - n_visible
        first = Network(self.weights[:n_visible, :n_visible], self.bias[:n_visible])
        outside = first.energy(visible)
        if n_hidden == 0:
            return outside
        inside = Network(self.weights[n_visible:, n_visible:], self.bias[n_visible:])
        drive = visible @ self.weights[:n_visible, n_visible:]
        if not bool(xp.any(inside.weights != 0)):  # hidden units that do not see each other sum out one by one
            return outside - softplus_sum(drive + inside.bias)
        parts = []
        for states in state_blocks(n_hidden, self.weights, 8 * 4 * (n_hidden + visible.shape[0])):
            exponents = drive @ states.T - inside.energy(states)
            largest = xp.max(exponents, axis=1, keepdims=True)
            parts.append(largest[:, 0] + xp.log(xp.sum(xp.exp(exponents - largest), axis=1)))
        blocks = xp.stack(parts)
        largest = xp.max(blocks, axis=0)
        return outside - largest - xp.log(xp.sum(xp.exp(blocks - largest), axis=0))

    def given_moments(self, visible):
        """Means <x_i>, <x_i x_j> over rows whose first units are `visible`, the others summed over their states."""
        xp = arrays.namespace(self.weights)
        n_rows, n_visible = visible.shape
        if self.n_units == n_visible:
            return xp.mean(visible, axis=0), visible.T @ visible / n_rows
        hidden, pairs = 0.0, 0.0
        for states, probability in self._open_states(visible):
            hidden = hidden + probability @ states
            pairs = pairs + states.T @ (xp.sum(probability, axis=0)[:, None] * states)
        both = xp.concat([visible, hidden], axis=1)
        second = both.T @ both / n_rows
        second[n_visible:, n_visible:] = pairs / n_rows
        return xp.mean(both, axis=0), second

    def open_means(self, visible):
        """Means, row by row, of the units that the rows `visible` of the first units leave open."""
        return sum(probability @ states for states, probability in self._open_states(visible))

    def _open_states(self, visible):
        """Yield the states of the units that the rows `visible` leave open, and how probable each row makes them."""
        xp = arrays.namespace(self.weights)
        n_rows, n_visible = visible.shape
        free_energy = self.free_energy(visible)
        drive = visible @ self.weights[:n_visible, n_visible:]
        outside = Network(self.weights[:n_visible, :n_visible], self.bias[:n_visible]).energy(visible)
        inside = Network(self.weights[n_visible:, n_visible:], self.bias[n_visible:])
        n_open = self.n_units - n_visible
        for states in state_blocks(n_open, self.weights, 8 * 4 * (n_open + n_rows)):
            exponents = drive @ states.T - inside.energy(states) - outside[:, None] + free_energy[:, None]
            yield states, xp.exp(exponents)

    # ------------------------------------------------------------------ chains

    def sweep(self, states, n_steps, random_state, *, clamped=None):
        """States after sweeps of single-unit Gibbs updates; `clamped` units stay as they are."""
        return heat_bath(
            QuadraticLandscape(self.weights, self.bias),
            states,
            n_steps=n_steps,
            temperature=1.0,
            random_state=random_state,
            threshold=step,
            clamped=clamped,
        ).states

    def at(self, t, reference):
        """The network at inverse temperature `t` on the way from independent units of biases `reference`."""
        return replace(self, weights=t * self.weights, bias=t * self.bias + (1.0 - t) * reference)

    def mean_field(self, means, free, n_steps):
        """Means of the `free` units after updates that go half of the way: whole parallel ones may swing."""
        xp = arrays.namespace(means)
        for _ in range(n_steps):
            means = xp.where(free, 0.5 * (means + sigmoid(self.field(means))), means)
        return means

    def mean_field_bound(self, means, n_steps=50):
        """Largest bound ½ mᵀWm + bᵀm + entropy <= ln Z over mean-field updates from rows of means."""
        xp = arrays.namespace(means)
        for update in range(n_steps):
            new = sigmoid(self.field(means))
            means = new if update < n_steps // 2 else 0.5 * (means + new)  # parallel updates may swing
        return float(xp.max(binary_entropy(means) - self.energy(means)))

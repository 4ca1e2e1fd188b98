"""From independent units to a machine by inverse temperature: what annealing and tempering walk along.

At inverse temperature t the density is that of the reference, whose units are independent, to the power 1 - t, times
that of the machine to the power t. Chains at t = 0 forget everything in one step.
"""

from dataclasses import dataclass
from typing import Any

from skamem.core import arrays
from skamem.generative._bipartite import Bipartite, sigmoid

__all__ = ["Path"]


@dataclass(frozen=True)
class Path:
    """Densities between a reference and a machine.

    Parameters
    ----------
    machine : Bipartite
        At t = 1.
    reference : array of shape (n_visible,)
        Visible biases at t = 0, best those of the data's means; hidden units are then 0 or 1 with equal probability, or
        standard normal.

    Notes
    -----
    `t` is a number, or an array of shape (n_samples, 1) with one for each row. A `drive`, the product that all methods
    need of visible units, is found once.
    """

    machine: Bipartite
    reference: Any

    def drive(self, v):
        """What acts on the hidden units at t = 1, given visible ones."""
        drive = self.machine.hidden_drive(v)
        drive += self.machine.hidden
        return drive

    def draw_hidden(self, drive, t, draws):
        """Hidden units under a `drive`."""
        machine, mean = self.machine, t * drive
        return machine.draw_hidden(mean if machine.gaussian_hidden else sigmoid(mean), draws)

    def draw_visible(self, h, t, draws):
        """Visible units given hidden ones."""
        machine = self.machine
        mean = t * (machine.visible_drive(h) + (machine.visible - self.reference)) + self.reference
        return machine.draw_visible(sigmoid(mean) if machine.is_binary else mean, draws)

    def gibbs(self, drive, t, draws):
        """One step from where visible units give a `drive`: hidden units under it, then visible ones; both."""
        h = self.draw_hidden(drive, t, draws)
        return self.draw_visible(h, t, draws), h

    def start(self, n_samples, draws):
        """Exact samples of the visible units at t = 0."""
        xp = arrays.namespace(self.reference)
        mean = xp.broadcast_to(self.reference, (n_samples, self.machine.n_visible))
        return self.machine.draw_visible(sigmoid(mean) if self.machine.is_binary else mean, draws)

    def log_partition_at_reference(self):
        """ln Z at t = 0."""
        machine = self.machine
        free = machine.independent(self.reference)
        return free.log_partition_without_couplings()

    def linear(self, v):
        """What grows in proportion to t in the logarithm of the density of v, but for the hidden units."""
        machine, xp = self.machine, arrays.namespace(v)
        if machine.is_binary:
            return v @ (machine.visible - self.reference)
        # (v - a)² - (v - b)² = (b - a) (2 v - a - b): no difference of squares, which would cancel far from 0.
        shift = (machine.visible - self.reference) / machine.sigma**2
        return xp.sum(shift * (v - 0.5 * (machine.visible + self.reference)), axis=1)

    def log_step(self, v, drive, old, new):
        """ln of the density of v at `new`, hidden units summed out, over that at `old`; not normalised."""
        hidden = self.machine.log_sum_hidden
        return (new - old) * self.linear(v) + hidden(new * drive) - hidden(old * drive)

    def slope(self, v, drive, h):
        """Derivative by t of the logarithm of the joint density: minus what an energy would be."""
        return arrays.namespace(v).sum(drive * h, axis=1) + self.linear(v)

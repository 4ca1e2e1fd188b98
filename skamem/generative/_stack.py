"""A deep belief network as a value: what goes up through its layers, what comes down, and how likely rows are at least.

The density of a stack of machines 1 to L: the top machine has a density of its visible units, h_{L-1}, and every layer
below is drawn given the one above, p(v) = Σ p(v | h_1) ... p(h_{L-2} | h_{L-1}) p_L(h_{L-1}).
"""

from dataclasses import dataclass

from skamem.core import arrays
from skamem.generative._bipartite import binary_entropy, softplus_sum

__all__ = ["Stack"]

_LOG_ROOT_2PI = 0.9189385332046727  # ln sqrt(2π)


@dataclass(frozen=True)
class Stack:
    """Machines on top of each other.

    Parameters
    ----------
    machines : tuple of Bipartite
        From the bottom up; hidden units are binary, and so are visible ones above the first.
    """

    machines: tuple

    def astype(self, dtype):
        """The same stack in another floating type."""
        return Stack(tuple(machine.astype(dtype) for machine in self.machines))

    @property
    def n_units(self):
        """Units of all layers, the features included."""
        return self.machines[0].n_visible + sum(machine.n_hidden for machine in self.machines)

    def up(self, v):
        """Means of the top units, each layer given the means of the one below. `v` may be csr."""
        for machine in self.machines:
            v = machine.hidden_mean(v)
        return v

    def down(self, h):
        """Means of the features, each layer given the means of the one above."""
        for machine in reversed(self.machines):
            h = machine.visible_mean(h)
        return h

    def bound(self, v, levels):
        """Variational bound of ln p(v), with ln Z of the top machine left out, for each row.

        Parameters
        ----------
        v : array of shape (n_samples, n_features)
            Features.
        levels : sequence of array of shape (n_draws, n_hidden)
            For each layer but the top one, uniform numbers: a unit is on where its probability exceeds its number. The
            same for all rows, so that a row does not depend on the others.

        Returns
        -------
        bound : array of shape (n_samples,)
            ln p(v) >= Σ_layers E[ln p(state | state above) + entropy of the state above] + E[-F(h_{L-1})], over
            states that are drawn upwards; exact for one machine.

        References
        ----------
        Hinton, Osindero and Teh (2006), eq. (3); Salakhutdinov and Murray (2008), ICML '08:872.
        """
        *below, top = self.machines
        if not below:
            return -top.free_energy(v)
        n_draws, total = levels[0].shape[0], 0.0
        for draw in range(n_draws):
            state = v
            for machine, numbers in zip(below, levels, strict=True):
                xp, mean = arrays.namespace(state), machine.hidden_mean(state)
                h = xp.astype(mean > numbers[draw, :], mean.dtype)
                total = total + _log_conditional(machine, state, h) + binary_entropy(mean)
                state = h
            total = total - top.free_energy(state)
        return total / n_draws


def _log_conditional(machine, v, h):
    """ln p(v | h) of each row; for probabilities of binary units the mean over what they are the probabilities of."""
    xp, drive = arrays.namespace(v), machine.visible_drive(h) + machine.visible
    if machine.is_binary:
        return xp.sum(v * drive, axis=1) - softplus_sum(drive)
    squares = xp.sum(((v - drive) / machine.sigma) ** 2, axis=1)
    return -0.5 * squares - xp.sum(xp.log(machine.sigma)) - _LOG_ROOT_2PI * machine.n_visible

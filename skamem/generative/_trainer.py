"""Stochastic ascent of the likelihood of a restricted Boltzmann machine, a batch at a time."""

import math
from dataclasses import replace

from skamem.core import arrays
from skamem.generative._gradient import centred_gradient, in_units_of_noise, row_shares, together
from skamem.training import Momentum

__all__ = ["Trainer"]

_MEMORY = 0.99  # of the running mean of the hidden units
# Of a standardised Gaussian unit: a column that copies others has no variance left.
_LEAST_LOG_VARIANCE = math.log(0.01)
_VARIANCE_RATE = 0.1  # of that of the weights: hidden units see v / σ², and follow what it does


class Trainer:
    """A machine while it learns.

    Parameters
    ----------
    machine : Bipartite
        Where to start; its arrays are copied.
    reference : array of shape (n_visible,)
        Visible biases of independent units, for samplers.
    means : array of shape (n_visible,)
        Of the data: offsets of the visible units.
    sampler : sampler
        See `SAMPLERS`.
    learning_rate, momentum, weight_decay : float
        Of the first step; share of the last step that is repeated; pull of the weights to 0.
    centered : bool
        Whether the gradient is centred.
    learns_variance : bool
        Whether σ of Gaussian units is learnt.
    hidden_means : array of shape (n_hidden,), default=None
        Running means of an earlier run.
    state : dict, default=None
        The optimizer's `state` of an earlier run.
    """

    def __init__(
        self,
        machine,
        reference,
        means,
        sampler,
        *,
        learning_rate,
        momentum,
        weight_decay,
        centered,
        learns_variance=False,
        hidden_means=None,
        state=None,
    ):
        xp = arrays.namespace(machine.weights)
        self._given, self.reference, self.means, self.sampler = machine, reference, means, sampler
        self.hidden_means = machine.hidden_mean(means[None, :])[0, :] if hidden_means is None else hidden_means
        self._centered = centered
        self._machine, self._sizes, self._shares = None, None, None
        parameters = {name: arrays.copy(getattr(machine, name)) for name in ("weights", "visible", "hidden")}
        if not machine.is_binary:
            parameters["log_variance"] = 2.0 * xp.log(machine.sigma)
        self.optimizer = Momentum(
            parameters,
            learning_rate=learning_rate,
            momentum=momentum,
            decay=weight_decay,
            rates={"log_variance": _VARIANCE_RATE if learns_variance else 0.0},
            state=state,
        )

    @property
    def machine(self):
        """The machine of the present parameters; it shares memory with them."""
        if self._machine is None:
            self._machine = self._made()
        return self._machine

    def _made(self):
        values = dict(self.optimizer.parameters)
        if "log_variance" in values:
            log_variance = values.pop("log_variance")
            values["sigma"] = arrays.namespace(log_variance).exp(0.5 * log_variance)
        return replace(self._given, **values)

    def update(self, v, factor=1.0):
        """One step up the gradient from a batch of visible states; `factor` is the schedule's."""
        machine = self.machine
        xp = arrays.namespace(machine.weights)
        n_rows, dense = v.shape[0], arrays.is_array(v)
        early = self.sampler.starts_at_batch or not dense
        h = machine.hidden_mean(v) if early else None
        v_model = self.sampler.sample(machine, self.reference, h)
        visibles = together(v, v_model)
        # Means, not states, of the hidden units in the last statistics: the same expectation, less noise.
        if early:
            hiddens = xp.concat([h, machine.hidden_mean(v_model)], axis=0)
        else:  # one product instead of two
            hiddens = machine.hidden_mean(visibles)
        self.sampler.rest(hiddens[n_rows:, :])
        shares, centre = self._shares_of(n_rows, v_model), None
        if self._centered:
            mean = shares[:n_rows] @ hiddens[:n_rows, :]
            self.hidden_means = _MEMORY * self.hidden_means + (1.0 - _MEMORY) * mean
            centre = (self.means, self.hidden_means)
        # The optimizer descends: the sign of what data and model do is turned.
        gradient = centred_gradient(machine, visibles, hiddens, -shares, centre)
        self.optimizer.step(gradient if machine.is_binary else in_units_of_noise(machine, gradient, centre), factor)
        if "log_variance" in self.optimizer.parameters:
            values = self.optimizer.parameters["log_variance"]
            values[...] = arrays.clip(values, _LEAST_LOG_VARIANCE, None)
            self._machine = None  # σ is a copy

    def _shares_of(self, n_rows, sampled):
        """`row_shares`, which hardly ever change."""
        if self._sizes != (n_rows, sampled.shape[0]):
            self._sizes = n_rows, sampled.shape[0]
            self._shares = row_shares(*self._sizes, sampled)
        return self._shares

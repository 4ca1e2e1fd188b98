"""Short descent: the units of a new stage learn, with a readout of their own, to lower what the stages before leave."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from skamem.core import arrays
from skamem.training import Adam, Masked, batch_count, cosine_schedule, shuffled_batches, uploaded

__all__ = ["Descent", "auto_batch_size", "auto_epochs", "auto_noise", "new_units"]

_FEW_ROWS, _MANY_ROWS, _BATCHES = 32, 200, 10
_FEW_EPOCHS, _MANY_EPOCHS, _UPDATES = 10, 100, 800
_PROBE_ROWS = 256
_NOISE_SHARE = 0.1
# What multiplies the learning rate: parameters move by about the same share of their first size.
_BIAS_SIZE, _READOUT_SIZE = 0.3, 1.0


def auto_batch_size(n_rows):
    """Rows an update: a tenth of all, but between 32 and 200."""
    return min(_MANY_ROWS, max(_FEW_ROWS, n_rows // _BATCHES))


def auto_epochs(n_batches):
    """Epochs of the descent: 800 updates, but between 10 and 100 epochs."""
    return min(_MANY_EPOCHS, max(_FEW_EPOCHS, math.ceil(_UPDATES / n_batches)))


def auto_noise(largest):
    """Input noise: a tenth of the spread of the features along the direction in which they vary most.

    Noise moves rows as far in every direction. Where many features say the same, as pixels do, their common direction
    is long, and noise of a given size next to nothing beside it: a feature given k times wants √k times the noise.

    Parameters
    ----------
    largest : float
        Largest eigenvalue of the moments of the scaled features.

    Returns
    -------
    noise : float
        Standard deviation per feature.
    """
    return _NOISE_SHARE * largest**0.5


def new_units(n_units, X, previous, residuals, share, activation, random_state):
    """First units of a stage: random directions, each with its threshold at a row that has much left to learn.

    Parameters
    ----------
    n_units : int
    X : array of shape (n_rows, n_features)
        Scaled features.
    previous : array of shape (n_rows, n_previous) or None
        Outputs of the stage before.
    residuals : array of shape (n_rows, n_outputs)
        What is left; rows are drawn in proportion to its size.
    share : array of shape (n_rows,)
        Weights of the rows.
    activation : object
        With `energy`.
    random_state : RandomState
        Draws, on the host.

    Returns
    -------
    parameters : dict of str to array
        "weights", "bias", "readout", "level".
    size : float
        Root mean square of the readout.
    """
    xp, place = arrays.namespace(X), arrays.placement_of(X)
    n_inputs = X.shape[1] + (0 if previous is None else previous.shape[1])
    drawn = random_state.standard_normal((n_inputs, n_units)) / n_inputs**0.5
    weights = place.asarray(drawn, X.dtype)
    wanted = arrays.to_numpy(xp.sqrt(xp.sum(residuals * residuals, axis=1)) * share).astype(np.float64)
    wanted = wanted / wanted.sum() if wanted.sum() > 0 else None
    rows = place.asarray(random_state.choice(X.shape[0], n_units, p=wanted))
    levels = xp.sum(_inputs(X, previous, rows) * weights.T, axis=1)
    probe = place.asarray(random_state.randint(0, X.shape[0], min(X.shape[0], _PROBE_ROWS)))
    outputs = activation.energy(_inputs(X, previous, probe) @ weights - levels)
    mean_square = float(xp.mean(outputs * outputs))
    size = n_units**-0.5 / (mean_square**0.5 if 0.0 < mean_square < math.inf else 1.0)
    readout = place.asarray(size * random_state.standard_normal((n_units, residuals.shape[1])), X.dtype)
    level = xp.zeros((residuals.shape[1],), dtype=X.dtype, device=arrays.device(X))
    return {"weights": weights, "bias": -levels, "readout": readout, "level": level}, size


def _inputs(X, previous, rows):
    xp = arrays.namespace(X)
    inputs = xp.take(X, rows, axis=0)
    return inputs if previous is None else xp.concat([inputs, xp.take(previous, rows, axis=0)], axis=1)


@dataclass
class Descent:
    """Descent of a stage's units by Adam, on outputs of those before it that stay as they are.

    Parameters
    ----------
    loss : object
        `SquaredLoss` or `LogisticLoss`.
    activation : object
        With `energy` and `slope`.
    X, previous, base, targets : array
        Scaled features; outputs of the stage before, or None; outputs so far; targets. Rows that may be learned from.
    share : array of shape (n_rows,)
        Weights of the rows; their mean is taken as 1.
    batch_size : int
        Rows an update, at most.
    n_epochs : int
        Epochs.
    learning_rate : float
        Of weights of unit size.
    noise : NoisePool
        Added to the inputs of every batch.
    random_state : RandomState
        Shuffles.
    """

    loss: Any
    activation: Any
    X: Any
    previous: Any
    base: Any
    targets: Any
    share: Any
    batch_size: int
    n_epochs: int
    learning_rate: float
    noise: Any
    random_state: Any

    def run(self, parameters, size, masks=None, start=0):
        """Train `parameters`, in place; under masks, if there are any, from epoch `start` on."""
        xp, n_rows = arrays.namespace(self.X), self.X.shape[0]
        n_batches = batch_count(n_rows, self.batch_size)
        n_updates, step = self.n_epochs * n_batches, 0
        n_inputs = parameters["weights"].shape[0]
        rates = {"weights": n_inputs**-0.5, "bias": _BIAS_SIZE, "readout": _READOUT_SIZE * size, "level": _BIAS_SIZE}
        optimizer = Adam(parameters, learning_rate=self.learning_rate, rates=rates)
        if masks is not None:
            optimizer = Masked(optimizer, masks, start=start)
        weights = self.share * n_rows
        for epoch in range(self.n_epochs):
            optimizer.begin_epoch(epoch)
            for index in uploaded(shuffled_batches(n_rows, n_batches, self.random_state), arrays.placement_of(self.X)):
                inputs = _inputs(self.X, self.previous, index)
                self.noise.add_to(inputs)
                batch = xp.take(self.base, index, axis=0), xp.take(self.targets, index, axis=0)
                gradients = self._gradients(parameters, inputs, *batch, xp.take(weights, index))
                optimizer.step(gradients, cosine_schedule(step, n_updates))
                step += 1

    def _gradients(self, parameters, inputs, base, targets, weights):
        xp = arrays.namespace(inputs)
        overlaps = inputs @ parameters["weights"]
        overlaps += parameters["bias"]
        active = self.activation.energy(overlaps)
        outputs = base + active @ parameters["readout"] + parameters["level"]
        error = self.loss.residuals(outputs, targets) * (-weights / inputs.shape[0])[:, None]
        back = error @ parameters["readout"].T
        back *= self.activation.slope(overlaps)
        return {
            "weights": inputs.T @ back,
            "bias": xp.sum(back, axis=0),
            "readout": active.T @ error,
            "level": xp.sum(error, axis=0),
        }

"""A network of logistic units and its gradient: what a stack of machines becomes when labels are at hand."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skamem.core import arrays
from skamem.generative._bipartite import sigmoid
from skamem.training import batch_count, cosine_schedule, shuffled_batches

__all__ = ["Descent", "answers", "log_softmax", "unfolded"]


def unfolded(machines, n_outputs, random_state):
    """Parameters of the network that a stack of machines starts: dict of named arrays, from the bottom up.

    Parameters
    ----------
    machines : list of RestrictedBoltzmannMachine
        Fitted.
    n_outputs : int
        Units of the layer on top, whose weights start small.
    random_state : RandomState
        Draws these.

    Returns
    -------
    parameters : dict of str to array
        "weights 0", "biases 0", ...; Gaussian features are divided by their variances in the first weights.
    """
    parameters = {}
    for depth, machine in enumerate(machines):
        xp = arrays.namespace(machine.components_)
        weights = arrays.copy(xp.matrix_transpose(machine.components_))
        if machine.visible == "gaussian":
            weights = weights / machine.sigma_[:, None] ** 2
        parameters |= {f"weights {depth}": weights, f"biases {depth}": arrays.copy(machine.intercept_hidden_)}
    place, dtype, depth = arrays.placement_of(weights), weights.dtype, len(machines)
    n_units = weights.shape[1]
    drawn = random_state.standard_normal((n_units, n_outputs)) / np.sqrt(n_units)
    parameters[f"weights {depth}"] = place.asarray(0.1 * drawn, dtype)
    parameters[f"biases {depth}"] = place.xp.zeros(n_outputs, dtype=dtype, device=place.device)
    return parameters


def answers(parameters, v):
    """Activities of all layers from the features up, the top one without a nonlinearity."""
    n_layers = len(parameters) // 2
    activities = [v]
    for depth in range(n_layers):
        drive = activities[-1] @ parameters[f"weights {depth}"] + parameters[f"biases {depth}"]
        activities.append(sigmoid(drive) if depth < n_layers - 1 else drive)
    return activities


def gradients(parameters, activities, error):
    """Gradients by the parameters, from the slope of the loss by the top activities."""
    found = {}
    for depth in reversed(range(len(parameters) // 2)):
        below = activities[depth]
        xp = arrays.namespace(error)
        found[f"weights {depth}"] = below.T @ error
        found[f"biases {depth}"] = xp.sum(error, axis=0)
        if depth:
            error = (error @ parameters[f"weights {depth}"].T) * below * (1.0 - below)
    return found


@dataclass
class Descent:
    """Epochs of backpropagation, for `skamem.training.run_epochs`.

    Parameters
    ----------
    optimizer : optimizer
        Owns the parameters.
    rows : Rows
        Features.
    targets : array of shape (n_rows, n_outputs)
        One-hot classes, or standardised values.
    classes : bool
        Whether the loss is the cross-entropy of classes; squares otherwise.
    batch_size, n_epochs : int
        Rows an update, epochs in all.
    random_state : RandomState
        Shuffles.
    clip : callable
        What the features are before they are seen.
    """

    optimizer: Any
    rows: Any
    targets: Any
    classes: bool
    batch_size: int
    n_epochs: int
    random_state: Any
    clip: Any

    @property
    def parameters(self):
        """Those of the optimizer."""
        return self.optimizer.parameters

    def epoch(self, number):
        """Run one epoch, counted from 0; return its mean loss."""
        place, total = self.rows.placement, 0.0
        n_batches = batch_count(len(self.rows), self.batch_size)
        for i, index in enumerate(shuffled_batches(len(self.rows), n_batches, self.random_state)):
            activities = answers(self.parameters, self.clip(self.rows.take(index)))
            targets = place.xp.take(self.targets, place.asarray(index), axis=0)
            loss, error = self.loss(activities[-1], targets)
            step = gradients(self.parameters, activities, error)
            self.optimizer.step(step, cosine_schedule(number * n_batches + i, self.n_epochs * n_batches))
            total = total + loss
        return total / n_batches

    def loss(self, top, targets):
        """Mean loss of a batch, and its slope by the top activities."""
        xp, n_rows = arrays.namespace(top), top.shape[0]
        if not self.classes:
            error = top - targets
            return 0.5 * xp.sum(error**2) / n_rows, error / n_rows
        log_p = log_softmax(top)
        return -xp.sum(targets * log_p) / n_rows, (xp.exp(log_p) - targets) / n_rows


def log_softmax(top):
    """ln of the softmax of each row."""
    xp = arrays.namespace(top)
    shifted = top - xp.max(top, axis=1, keepdims=True)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=1, keepdims=True))

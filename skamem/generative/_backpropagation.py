"""A network of logistic units and its gradient: what a stack of machines becomes when labels are at hand."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skamem.core import arrays
from skamem.generative._bipartite import sigmoid
from skamem.training import log_softmax, shuffled_batches

__all__ = [
    "Descent",
    "Dropout",
    "answers",
    "as_parameters",
    "gradients",
    "layers_outside",
    "unfolded",
]


def unfolded(machines, units, n_outputs, random_state):
    """Parameters of the network that a stack of machines starts: dict of named arrays, from the bottom up.

    Parameters
    ----------
    machines : list of Bipartite
        In the user's units.
    units : Units
        What the network sees of the features: of Gaussian ones, standardised values.
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
    for depth, machine in enumerate([units.machine_inside(machines[0]), *machines[1:]]):
        weights = arrays.copy(machine.weights) if machine.is_binary else machine.weights / machine.sigma[:, None] ** 2
        parameters |= {f"weights {depth}": weights, f"biases {depth}": arrays.copy(machine.hidden)}
    place, dtype, depth = arrays.placement_of(weights), weights.dtype, len(machines)
    n_units = weights.shape[1]
    drawn = random_state.standard_normal((n_units, n_outputs)) / np.sqrt(n_units)
    parameters[f"weights {depth}"] = place.asarray(0.1 * drawn, dtype)
    parameters[f"biases {depth}"] = place.xp.zeros(n_outputs, dtype=dtype, device=place.device)
    return parameters


def layers_outside(parameters, units):
    """Weights and biases of each layer, new arrays, for features in the user's units."""
    depths = range(len(parameters) // 2)
    weights, biases = ([arrays.copy(parameters[f"{kind} {d}"]) for d in depths] for kind in ("weights", "biases"))
    if units.offset is not None:
        weights[0] = weights[0] / units.scale[:, None]
        biases[0] = biases[0] - units.offset @ weights[0]
    return weights, biases


def as_parameters(weights, biases):
    """The dict that `answers` takes, of lists a layer; it shares their memory."""
    named = {f"weights {depth}": values for depth, values in enumerate(weights)}
    return named | {f"biases {depth}": values for depth, values in enumerate(biases)}


def answers(parameters, v):
    """What the top says of features: the last layer, without a nonlinearity."""
    n_layers = len(parameters) // 2
    for depth in range(n_layers):
        v = v @ parameters[f"weights {depth}"] + parameters[f"biases {depth}"]
        if depth < n_layers - 1:
            v = sigmoid(v)
    return v


class Dropout:
    """Units that are left out by chance; the others stand in for them.

    Parameters
    ----------
    share : float
        Probability of a hidden unit to be left out, in [0, 1); of a feature half of it.
    draws : Draws
        Random numbers.

    References
    ----------
    Srivastava et al. (2014), JMLR 15:1929.
    """

    def __init__(self, share, draws):
        self._share, self._draws = share, draws

    def features(self, v):
        """The features with some of them 0; of csr rows the same ones as of dense rows."""
        share = 0.5 * self._share
        if share == 0:
            return v
        if arrays.is_array(v):
            return v * self._kept(v, share)
        thinned, rows = v.copy(), np.repeat(np.arange(v.shape[0]), np.diff(v.indptr))
        thinned.data = v.data * self._kept(v.data, share, v.shape)[rows, v.indices]
        return thinned

    def units(self, activities, slopes):
        """Activities of a hidden layer and their slopes, with some of them 0."""
        if self._share == 0:
            return activities, slopes
        kept = self._kept(activities, self._share)
        return activities * kept, slopes * kept

    def _kept(self, like, share, shape=None):
        """Zeros with probability `share`, 1 / (1 - share) otherwise."""
        return self._draws.kept(share, like, shape) * (1.0 / (1.0 - share))


def gradients(parameters, v, loss, dropout):
    """Loss of a batch and its gradients by the parameters.

    Parameters
    ----------
    parameters : dict of str to array
        As `unfolded` gives them.
    v : array or csr matrix of shape (n_rows, n_features)
        Features.
    loss : callable
        ``top -> (loss, slope)``.
    dropout : Dropout
        Which units are left out.

    Returns
    -------
    loss : array of shape ()
    found : dict of str to array
        Named as the parameters.
    """
    n_layers = len(parameters) // 2
    below, slopes = [dropout.features(v)], [None]
    for depth in range(n_layers):
        drive = below[-1] @ parameters[f"weights {depth}"]
        drive += parameters[f"biases {depth}"]
        if depth < n_layers - 1:
            p = sigmoid(drive)
            activities, slope = dropout.units(p, p * (1.0 - p))
            below.append(activities)
            slopes.append(slope)
    value, error = loss(drive)
    xp, found = arrays.namespace(error), {}
    for depth in reversed(range(n_layers)):
        found[f"weights {depth}"] = below[depth].T @ error
        found[f"biases {depth}"] = xp.sum(error, axis=0)
        if depth:
            error = error @ parameters[f"weights {depth}"].T
            error *= slopes[depth]
    return value, found


@dataclass
class Descent:
    """Epochs of backpropagation, for `skamem.training.run_epochs`.

    Parameters
    ----------
    optimizer : optimizer
        Owns the parameters.
    rows : Rows
        Features.
    index : ndarray of shape (n_rows,)
        Which of the rows train.
    targets : array of shape (n_rows, n_outputs)
        One-hot classes, or standardised values, of these.
    weights : array of shape (n_rows,)
        What each of them counts; their mean is 1.
    classes : bool
        Whether the loss is the cross-entropy of classes; squares otherwise.
    n_batches : int
        Updates an epoch.
    schedule : callable
        Rate factor in (0, 1] of an update, counted from 0.
    random_state : RandomState
        Shuffles.
    dropout : Dropout
        Which units are left out.
    inside : callable
        What the network sees of the features.
    """

    optimizer: Any
    rows: Any
    index: Any
    targets: Any
    weights: Any
    classes: bool
    n_batches: int
    schedule: Any
    random_state: Any
    dropout: Any
    inside: Any

    @property
    def parameters(self):
        """Those of the optimizer."""
        return self.optimizer.parameters

    def epoch(self, number):
        """Run one epoch, counted from 0; return its mean loss."""
        place, total = self.rows.placement, 0.0
        batches = shuffled_batches(len(self.index), self.n_batches, self.random_state)
        for i, batch in enumerate(batches):
            v = self.inside(self.rows.take(self.index[batch]))
            chosen = place.asarray(batch)
            targets, weights = (place.xp.take(a, chosen, axis=0) for a in (self.targets, self.weights))

            def loss(top, targets=targets, weights=weights):
                return self.loss(top, targets, weights)

            value, step = gradients(self.parameters, v, loss, self.dropout)
            self.optimizer.step(step, self.schedule(number * self.n_batches + i))
            total = total + value
        return total / self.n_batches

    def loss(self, top, targets, weights):
        """Weighted loss of a batch, and its slope by the top activities."""
        xp, share = arrays.namespace(top), weights[:, None] / top.shape[0]
        if not self.classes:
            error = top - targets
            return 0.5 * xp.sum(share * error**2), share * error
        log_p = log_softmax(top)
        return -xp.sum(share * targets * log_p), share * (xp.exp(log_p) - targets)

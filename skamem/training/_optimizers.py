"""Optimizers over named arrays.

An optimizer owns the parameters, a dict of named arrays, and changes them in place; `step` takes the gradients of a
loss, a dict with the same names. `state` is what a later run needs to go on: numbers and arrays in dicts, which
`skamem.core.base` carries through a pickle and back to the device.
"""

import math

from skamem.core import arrays
from skamem.training._masks import zero_outside

__all__ = ["Adam", "Momentum"]

_BETA_1, _BETA_2 = 0.9, 0.999
# Gradients of a high-power loss may be 1e-9: the usual 1e-8 would stop the descent.
_EPSILON = 1e-16
# Elements of a parameter updated at once, so that its moments stay in the processor's cache.
_HOST_CHUNK = 2**16


class Adam:
    """Adam with decoupled weight decay.

    Parameters
    ----------
    parameters : dict of str to array
        Floating arrays of one place; changed in place.
    learning_rate : float, default=0.001
        Change of an entry in one update, about.
    rates : dict of str to float, default=None
        What multiplies the rate of single parameters; 1 for those not named, 0 for one that shall not learn.
    decay : float or array of shape (n_rows, 1), default=0.0
        λ >= 0: each update multiplies the weights by 1 - rate λ. Vectors, such as biases, are levels and do not decay.
        An array has a number for each row of all weights.
    state : dict, default=None
        The `state` of an earlier run over parameters of the same names and shapes, to go on from; it is not changed.

    Attributes
    ----------
    parameters : dict of str to array
        The arrays given.
    state : dict
        Number of updates and moments. Its arrays change with the next `step`.
    n_steps : int
        Updates done, those before `state` included.

    Notes
    -----
    The constant ε is 1e-16, so that gradients of 1e-9 move the parameters as larger ones do. Cost of an update: about
    ten passes over the parameters, in pieces that stay in the processor's cache; memory: two arrays a parameter.

    References
    ----------
    Kingma and Ba (2015), arXiv:1412.6980; Loshchilov and Hutter (2019), arXiv:1711.05101.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.training import Adam
    >>> adam = Adam({"weights": np.zeros((1, 2)), "bias": np.ones(1)}, learning_rate=0.1)
    >>> adam.step({"weights": np.asarray([[3.0, -1e-6]]), "bias": np.zeros(1)})
    >>> adam.parameters["weights"].round(6), adam.parameters["bias"]
    (array([[-0.1,  0.1]]), array([1.]))
    """

    def __init__(self, parameters, *, learning_rate=1e-3, rates=None, decay=0.0, state=None):
        self.parameters = parameters
        self._learning_rate, self._decay = learning_rate, decay
        self._rates = dict.fromkeys(parameters, 1.0) | (rates or {})
        self.n_steps = 0 if state is None else state["n_steps"]
        self._first, self._second = (_moments(parameters, state, which) for which in ("first", "second"))

    @property
    def state(self):
        """What a later run needs to go on from here."""
        return {"n_steps": self.n_steps, "first": self._first, "second": self._second}

    def begin_epoch(self, epoch):
        """Nothing changes from epoch to epoch.

        Parameters
        ----------
        epoch : int
            Its number, counted from 0.
        """

    def project(self, masks):
        """Set the entries outside of masks to 0, and what is remembered of them.

        Parameters
        ----------
        masks : dict of str to bool array
            By the names of the parameters, for some of them.
        """
        for values in (self.parameters, self._first, self._second):
            zero_outside(values, masks)

    def step(self, gradients, factor=1.0):
        """Make one update.

        Parameters
        ----------
        gradients : dict of str to array
            Of a loss, by the parameters. The arrays are used up.
        factor : float, default=1.0
            In (0, 1], the schedule's.
        """
        self.n_steps += 1
        # The moments are kept as plain decaying sums; (1 - β) and the bias correction join the rate.
        correct_1 = (1 - _BETA_1) / (1 - _BETA_1**self.n_steps)
        correct_2 = math.sqrt((1 - _BETA_2) / (1 - _BETA_2**self.n_steps))
        keep = 1 - self._learning_rate * factor * self._decay
        for name, value in self.parameters.items():
            size = self._learning_rate * factor * self._rates[name] * correct_1 / correct_2
            if size > 0:
                kept = keep if value.ndim > 1 else 1.0
                moments = self._first[name], self._second[name]
                _adam_update(value, gradients[name], *moments, size, _EPSILON / correct_2, kept)


def _adam_update(value, gradient, first, second, size, epsilon, keep):
    xp = arrays.namespace(value)
    for rows in _chunks(value):
        moment, spread, descent = first[rows], second[rows], gradient[rows]
        moment *= _BETA_1
        moment += descent
        spread *= _BETA_2
        descent *= descent
        spread += descent
        change = xp.sqrt(spread)
        change += epsilon
        change = moment / change
        change *= size
        weights = value[rows]
        if arrays.is_array(keep):
            weights *= keep[rows]
        elif keep < 1:
            weights *= keep
        weights -= change
        # Written back although NumPy, CuPy and torch slice by view: the standard does not promise it.
        first[rows], second[rows], value[rows] = moment, spread, weights


class Momentum:
    """Gradient descent with momentum and decoupled weight decay: V <- p V + gradient, W <- (1 - rate λ) W - rate V.

    Parameters
    ----------
    parameters : dict of str to array
        Floating arrays of one place; changed in place.
    learning_rate : float
        Rate of the plain gradient.
    momentum : float, default=0.0
        p in [0, 1). The velocity of a steady gradient is 1 / (1 - p) times as large.
    rates : dict of str to float, default=None
        What multiplies the rate of single parameters; 1 for those not named, 0 for one that shall not learn.
    decay : float, default=0.0
        λ >= 0. Vectors, such as biases, are levels and do not decay.
    state : dict, default=None
        The `state` of an earlier run over parameters of the same names and shapes, to go on from; it is not changed.

    Attributes
    ----------
    parameters : dict of str to array
        The arrays given.
    state : dict
        Number of updates and velocities. Its arrays change with the next `step`.
    n_steps : int
        Updates done, those before `state` included.

    References
    ----------
    Polyak (1964), Some Methods of Speeding up the Convergence of Iteration Methods.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.training import Momentum
    >>> descent = Momentum({"w": np.ones((1, 1))}, learning_rate=0.1, momentum=0.5)
    >>> for _ in range(2):
    ...     descent.step({"w": np.ones((1, 1))})
    >>> descent.parameters["w"]
    array([[0.75]])
    """

    def __init__(self, parameters, *, learning_rate, momentum=0.0, rates=None, decay=0.0, state=None):
        self.parameters = parameters
        self._learning_rate, self._momentum, self._decay = learning_rate, momentum, decay
        self._rates = dict.fromkeys(parameters, 1.0) | (rates or {})
        self.n_steps = 0 if state is None else state["n_steps"]
        self._velocities = _moments(parameters, state, "velocities")

    @property
    def state(self):
        """What a later run needs to go on from here."""
        return {"n_steps": self.n_steps, "velocities": self._velocities}

    def begin_epoch(self, epoch):
        """Nothing changes from epoch to epoch.

        Parameters
        ----------
        epoch : int
            Its number, counted from 0.
        """

    def project(self, masks):
        """Set the entries outside of masks to 0, and what is remembered of them.

        Parameters
        ----------
        masks : dict of str to bool array
            By the names of the parameters, for some of them.
        """
        for values in (self.parameters, self._velocities):
            zero_outside(values, masks)

    def step(self, gradients, factor=1.0):
        """Make one update.

        Parameters
        ----------
        gradients : dict of str to array
            Of a loss, by the parameters.
        factor : float, default=1.0
            In (0, 1], the schedule's.
        """
        self.n_steps += 1
        keep = 1 - self._learning_rate * factor * self._decay
        for name, value in self.parameters.items():
            size = self._learning_rate * factor * self._rates[name]
            if size > 0:
                descent, kept = gradients[name], keep if value.ndim > 1 else 1.0
                pieces = _chunks(value)
                if len(pieces) == 1:  # small parameters, whose steps slices would make dearer
                    _momentum_update(value, self._velocities[name], descent, self._momentum, size, kept)
                    continue
                for rows in pieces:
                    velocity, weights = self._velocities[name][rows], value[rows]
                    _momentum_update(weights, velocity, descent[rows], self._momentum, size, kept)
                    # Written back: see `_adam_update`.
                    self._velocities[name][rows], value[rows] = velocity, weights


def _momentum_update(weights, velocity, gradient, momentum, size, keep):
    velocity *= momentum
    velocity += gradient
    if keep < 1:
        weights *= keep
    weights -= size * velocity


def _moments(parameters, state, which):
    """Zeros like the parameters, or copies of those of an earlier run, brought to where the parameters are."""
    if state is None:
        return {name: arrays.namespace(value).zeros_like(value) for name, value in parameters.items()}
    # Copies: the state may be a fitted attribute, which a failed fit must find unchanged.
    return {
        name: arrays.copy(arrays.placement_of(value).asarray(state[which][name], value.dtype))
        for name, value in parameters.items()
    }


def _chunks(value):
    """Indices of the pieces to update one after another: small ones on the host, all of it on a device."""
    if value.ndim < 2 or not arrays.host_checks_are_free(arrays.namespace(value)):
        return [...]
    rows = value.shape[0]
    length = max(1, _HOST_CHUNK * rows // max(1, value.size))
    return [(slice(i, i + length), ...) for i in range(0, rows, length)]

"""Solvers of a dense memory: Adam, the modern default, and the normalised momentum descent of Krotov and Hopfield.

A solver holds the parameters in its own units. `parameters` gives them as the forward pass wants them (visible
weights over the temperature W/T, clamped unit, recognition A = 2U/T), `step` takes gradients with respect to these.
"""

import math

from skamem.core import arrays

__all__ = ["AdamSolver", "PaperSolver", "cosine_schedule"]

_BETA_1, _BETA_2 = 0.9, 0.999
# Gradients of a high-power loss may be 1e-9: the usual 1e-8 would stop the descent.
_EPSILON = 1e-16
_REFERENCE_SIZE = 0.05
# Elements of a parameter updated at once, so that its moments stay in the processor's cache.
_HOST_CHUNK = 2**16


def cosine_schedule(step, n_updates, warm_up=0.05):
    """Learning-rate factor: a linear rise over the first 5 % of the updates, then a cosine down to 0.

    Parameters
    ----------
    step : int
        Updates done before this one.
    n_updates : int
        Updates in all.
    warm_up : float, default=0.05
        Share of the rise.

    Returns
    -------
    factor : float
        In (0, 1].

    Examples
    --------
    >>> [round(cosine_schedule(step, 40), 2) for step in (0, 1, 21, 39)]
    [0.5, 1.0, 0.5, 0.0]
    """
    rise = max(1, int(warm_up * n_updates))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, n_updates - rise)))


class AdamSolver:
    """Adam with decoupled weight decay; every parameter's rate is relative to its size at the start.

    Parameters
    ----------
    visible, bias, recognition : array
        W/T of shape (n_memories, n_features), (n_memories,) and A of shape (n_memories, n_classes); changed in place.
    temperature : float
        T.
    learning_rate : float
        Rate for memories of root mean square 0.05.
    decay : float
        λ: each update multiplies the weights by 1 - rate λ.
    fit_intercept : bool
        Whether the clamped unit's weight learns.
    moments : list of arrays, default=None
        First and second moments to continue from.
    n_steps : int, default=0
        Updates already done.

    References
    ----------
    Kingma and Ba (2015), arXiv:1412.6980; Loshchilov and Hutter (2019), arXiv:1711.05101.
    """

    def __init__(
        self,
        visible,
        bias,
        recognition,
        *,
        temperature,
        learning_rate,
        decay,
        fit_intercept,
        recognition_rate=None,
        moments=None,
        n_steps=0,
    ):
        xp = arrays.namespace(visible)
        self._values = [visible, bias, recognition]
        if recognition_rate is None:
            recognition_rate = float(xp.sqrt(xp.mean(recognition * recognition))) / _REFERENCE_SIZE
        self.recognition_rate = recognition_rate
        self._rates = [1 / temperature, fit_intercept / temperature, recognition_rate]
        self.temperature, self._learning_rate, self._decay = temperature, learning_rate, decay
        self.moments = [xp.zeros_like(a) for a in 2 * self._values] if moments is None else moments
        self.n_steps = n_steps

    @property
    def parameters(self):
        """(W/T, clamped unit, A)."""
        return tuple(self._values)

    def begin_epoch(self, epoch):
        """Nothing changes from epoch to epoch."""

    def step(self, gradients, factor):
        """One update; `factor` in (0, 1] is the schedule's. The gradients are used up."""
        self.n_steps += 1
        # The moments are kept as plain decaying sums; (1 - β) and the bias correction join the rate.
        correct_1 = (1 - _BETA_1) / (1 - _BETA_1**self.n_steps)
        correct_2 = math.sqrt((1 - _BETA_2) / (1 - _BETA_2**self.n_steps))
        keep = 1 - self._learning_rate * factor * self._decay
        for value, gradient, first, second, rate in zip(
            self._values, gradients, self.moments[:3], self.moments[3:], self._rates, strict=True
        ):
            size = self._learning_rate * factor * rate * correct_1 / correct_2
            if rate > 0:
                # The level that the clamped unit sets is no weight to shrink.
                kept = keep if value.ndim > 1 else 1.0
                _adam_update(value, gradient, first, second, size, _EPSILON / correct_2, kept)


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
        if keep < 1:
            weights *= keep
        weights -= change
        # Written back although NumPy, CuPy and torch slice by view: the standard does not promise it.
        first[rows], second[rows], value[rows] = moment, spread, weights


def _chunks(value):
    """Row slices of a parameter: small pieces on the host, all of it on a device."""
    rows = value.shape[0]
    if not arrays.host_checks_are_free(arrays.namespace(value)) or value.ndim == 1:
        return [(slice(0, rows), ...)]
    length = max(1, _HOST_CHUNK // value.shape[1])
    return [(slice(i, i + length), ...) for i in range(0, rows, length)]


class PaperSolver:
    """Momentum descent with one length per memory, an annealed temperature and weights clipped to [-1, 1].

    V <- p V - gradient, and each memory moves by ε V / max abs V over its own entries (eq. (13) of [1]_), with the rate
    ε = ε0 f^epoch, f = 0.998 (eq. (12)); the temperature goes linearly from T_initial to T_final over 200 epochs.

    Parameters
    ----------
    visible, bias, recognition : array
        Memories W, clamped unit and class units U in the paper's units, within [-1, 1]; changed in place.
    temperature : pair of float
        T_initial, T_final.
    learning_rate : float
        ε0.
    momentum : float
        p in [0, 1).
    fit_intercept : bool
        Whether the clamped unit's weight learns.

    References
    ----------
    .. [1] Krotov and Hopfield (2016), arXiv:1606.01164, eqs. (12), (13) and appendix A.
    """

    damping = 0.998
    n_annealing_epochs = 200
    n_steps = 0  # nothing here depends on the number of updates made

    def __init__(self, visible, bias, recognition, *, temperature, learning_rate, momentum, fit_intercept):
        xp = arrays.namespace(visible)
        self._values = [visible, bias, recognition]
        self._velocities = [xp.zeros_like(a) for a in self._values]
        self._temperatures, self._learning_rate, self._momentum = temperature, learning_rate, momentum
        self._fit_intercept = fit_intercept
        self.begin_epoch(0)

    def begin_epoch(self, epoch):
        """Set temperature and rate for this epoch, counted from 0."""
        first, last = self._temperatures
        self.temperature = first + (last - first) * min(1.0, epoch / self.n_annealing_epochs)
        self._rate = self._learning_rate * self.damping**epoch

    @property
    def parameters(self):
        """(W/T, clamped unit / T, A = 2U/T) at the present temperature."""
        visible, bias, recognition = self._values
        return visible / self.temperature, bias / self.temperature, recognition * (2 / self.temperature)

    def step(self, gradients, factor):
        """One update; the schedule's `factor` is not used: the paper has its own. The gradients are used up."""
        xp = arrays.namespace(self._values[0])
        # Constant factors, the temperature among them, cancel in the normalised step, but not between the three parts.
        parts = (gradients[0], gradients[1] * int(self._fit_intercept), 2 * gradients[2])
        for velocity, part in zip(self._velocities, parts, strict=True):
            velocity *= self._momentum
            velocity -= part
        largest = xp.abs(self._velocities[1])
        for velocity in self._velocities[::2]:
            largest = xp.maximum(largest, xp.max(xp.abs(velocity), axis=1))
        # A memory without gradient stays: a floor keeps 0 / 0 away and lets even gradients of 1e-30 count.
        floor = xp.asarray(xp.finfo(largest.dtype).smallest_normal, dtype=largest.dtype, device=arrays.device(largest))
        length = self._rate / xp.maximum(largest, (1 + self._rate) * floor)
        one = xp.ones_like(floor)
        for i, velocity in enumerate(self._velocities):
            moved = self._values[i] + velocity * (length if velocity.ndim == 1 else length[:, None])
            self._values[i] = xp.minimum(xp.maximum(moved, -one), one)

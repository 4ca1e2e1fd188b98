"""The descent of Krotov and Hopfield: normalised, with momentum and annealed temperature."""

from skamem.core import arrays
from skamem.supervised.dense._network import Memories
from skamem.training import zero_outside

__all__ = ["PaperSolver"]


class PaperSolver:
    """Momentum descent with one length per memory, an annealed temperature and weights clipped to [-1, 1].

    V <- p V - gradient, and each memory moves by ε V / max abs V over its own entries (eq. (13) of [1]_), with the rate
    ε = ε0 f^epoch, f = 0.998 (eq. (12)); the temperature goes linearly from T_initial to T_final over 200 epochs.

    Parameters
    ----------
    memories : dict of str to array
        `visible` W, `bias`, the clamped unit, and `recognition` U, in the paper's units, within [-1, 1].
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
    n_steps, state = 0, None  # a later run needs nothing but the memories, and the number of its epoch

    def __init__(self, memories, *, temperature, learning_rate, momentum, fit_intercept):
        xp = arrays.namespace(memories["visible"])
        self._values = dict(memories)
        self._velocities = {name: xp.zeros_like(value) for name, value in memories.items()}
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
        """W/T, clamped unit / T and A = 2U/T at the present temperature, by the names of `Memories`."""
        visible, bias, recognition = (self._values[name] for name in Memories._fields)
        at_temperature = visible / self.temperature, bias / self.temperature, recognition * (2 / self.temperature)
        return Memories(*at_temperature)._asdict()

    def project(self, masks):
        """Set the entries outside of masks to 0, and their velocities."""
        for values in (self._values, self._velocities):
            zero_outside(values, masks)

    def step(self, gradients, factor):
        """One update; the schedule's `factor` is not used: the paper has its own."""
        xp = arrays.namespace(self._values["visible"])
        # Constant factors, the temperature among them, cancel in the normalised step, but not between the three parts.
        parts = {
            "visible": gradients["visible"],
            "bias": gradients["bias"] * int(self._fit_intercept),
            "recognition": 2 * gradients["recognition"],
        }
        for name, velocity in self._velocities.items():
            velocity *= self._momentum
            velocity -= parts[name]
        largest = xp.abs(self._velocities["bias"])
        for name in ("visible", "recognition"):
            largest = xp.maximum(largest, xp.max(xp.abs(self._velocities[name]), axis=1))
        # A memory without gradient stays: a floor keeps 0 / 0 away and lets even gradients of 1e-30 count.
        floor = xp.asarray(xp.finfo(largest.dtype).smallest_normal, dtype=largest.dtype, device=arrays.device(largest))
        length = self._rate / xp.maximum(largest, (1 + self._rate) * floor)
        one = xp.ones_like(floor)
        for name, velocity in self._velocities.items():
            moved = self._values[name] + velocity * (length if velocity.ndim == 1 else length[:, None])
            self._values[name] = xp.minimum(xp.maximum(moved, -one), one)

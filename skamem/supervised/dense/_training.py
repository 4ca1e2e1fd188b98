"""One pass over the data: batches, input noise, the loss, and its gradients with respect to the memories."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from skamem.core import arrays
from skamem.supervised.dense._binomial import between
from skamem.supervised.dense._data import cached_blocks

__all__ = [
    "Descent",
    "HeldScore",
    "Network",
    "NoisePool",
    "PowerLoss",
    "SquaredLoss",
    "Watch",
    "balanced_batches",
    "log_probabilities",
    "shuffled_batches",
    "unit_rows",
]

# Work arrays of one block of rows should stay in the processor's cache; a device prefers one large piece.
_HOST_BLOCK_BYTES = 2**19
_MAX_POOL = 2**22


@dataclass(frozen=True)
class PowerLoss:
    """Mean over rows and classes of (abs(c - t) / 2)^{2m}, c = tanh Φ, t = ±1: eq. (14), divided by 2^{2m}.

    Parameters
    ----------
    power : float
        m > 0. Large m cares about the worst errors only.
    saturated_slope : float, default=0.0
        In [0, 1]. Where a class unit is saturated at the wrong end, 1 - c² vanishes and with it the slope: the row is
        lost to training. The slope counts (1 + c t) / 2, which is 0 there and 1 at the right end, as this much at
        least; 0 leaves the loss's own slope.
    """

    power: float
    saturated_slope: float = 0.0

    def value_and_slope(self, potentials, targets, weights):
        """Weighted loss of each row, of shape (n_samples,), and its slope ∂/∂Φ of shape (n_samples, n_classes)."""
        xp = arrays.namespace(potentials)
        agreement = targets * xp.tanh(potentials)
        # abs(c - t) / 2 = (1 - c t) / 2 stays within [0, 1], so that high powers of it do not overflow.
        loss = ((1 - agreement) / 2) ** (2 * self.power)
        right = between((1 + agreement) / 2, self.saturated_slope or -math.inf, math.inf)
        weights = weights / targets.shape[1]
        slope = (-4 * self.power * weights)[:, None] * (targets * loss * right)
        return xp.sum(loss, axis=1) * weights, slope


def log_probabilities(potentials, power):
    """Logarithms of class probabilities: the logistic function of (2m - 1) 2Φ, normalised over the classes.

    Parameters
    ----------
    potentials : array of shape (n_samples, n_classes)
        Φ.
    power : float
        m of the `PowerLoss`, whose expectation is least where (2m - 1) 2Φ_a is the log-odds of class a.

    Returns
    -------
    log_probabilities : array of shape (n_samples, n_classes)
        Finite, at most 0.
    """
    xp = arrays.namespace(potentials)
    if potentials.shape[1] == 2:
        # Both units say the same thing; one number, so that probabilities rank as `decision_function` does.
        half = (potentials[:, 1] - potentials[:, 0]) / 2
        potentials = xp.stack([-half, half], axis=1)
    # Potentials may be as large as the floating type allows.
    limit = float(xp.finfo(potentials.dtype).max) / (16 * power)
    log_odds = (2 * (2 * power - 1)) * between(potentials, -limit, limit)
    zero = xp.zeros_like(log_odds)
    log_each = xp.minimum(log_odds, zero) - xp.log1p(xp.exp(-xp.abs(log_odds)))
    below = log_each - xp.max(log_each, axis=1, keepdims=True)
    return below - xp.log(xp.sum(xp.exp(below), axis=1, keepdims=True))


@dataclass(frozen=True)
class SquaredLoss:
    """Mean over rows and outputs of (Φ - t)²."""

    def value_and_slope(self, potentials, targets, weights):
        """Weighted loss of each row, of shape (n_samples,), and its slope ∂/∂Φ of shape (n_samples, n_outputs)."""
        xp = arrays.namespace(potentials)
        error = potentials - targets
        weights = weights / targets.shape[1]
        return xp.sum(error * error, axis=1) * weights, 2 * error * weights[:, None]


@dataclass(frozen=True)
class Network:
    """A readout, a loss, and whether the clamped class units shift the overlaps: from parameters to gradients.

    Parameters
    ----------
    readout : object
        With `potentials` and `gradients`.
    loss : object
        With `value_and_slope`.
    shifted : bool
        True for eq. (9): all class units at -1 lower the overlap with memory μ by Σ_α A_μα / 2.
    """

    readout: Any
    loss: Any
    shifted: bool

    def overlaps(self, rows, visible, bias, recognition):
        """Z = rows @ visible.T + bias, shifted for eq. (9); shape (n_samples, n_memories)."""
        overlaps = rows @ visible.T
        overlaps += self.level(bias, recognition)
        return overlaps

    def level(self, bias, recognition):
        """What is added to every overlap with a memory, of shape (n_memories,)."""
        return bias - arrays.namespace(recognition).sum(recognition, axis=1) / 2 if self.shifted else bias

    def gradients(self, rows, targets, weights, visible, bias, recognition):
        """Loss of a batch and its gradients with respect to the parameters.

        Parameters
        ----------
        rows : array of shape (n_samples, n_features)
        targets : array of shape (n_samples, n_classes)
        weights : array of shape (n_samples,)
        visible : array of shape (n_memories, n_features)
            W / T.
        bias : array of shape (n_memories,)
        recognition : array of shape (n_memories, n_classes)
            A = 2 U / T.

        Returns
        -------
        loss : array of shape ()
            Mean over the batch, on the device.
        gradients : tuple of three arrays
            With respect to visible, bias and recognition.
        """
        loss, d_overlaps, d_recognition = self._back(rows, targets, weights, visible, bias, recognition)
        d_bias = arrays.namespace(rows).sum(d_overlaps, axis=0)
        if self.shifted:
            d_recognition -= (d_bias / 2)[:, None]
        return loss, (d_overlaps.T @ rows, d_bias, d_recognition)

    def d_rows(self, rows, targets, weights, visible, bias, recognition):
        """Gradient of the loss with respect to the rows of a batch, of their shape; parameters as in `gradients`."""
        return self._back(rows, targets, weights, visible, bias, recognition)[1] @ visible

    def _back(self, rows, targets, weights, visible, bias, recognition):
        """(loss, its gradient by the overlaps, its gradient by the recognition weights at fixed overlaps)."""
        xp = arrays.namespace(rows)
        overlaps = self.overlaps(rows, visible, bias, recognition)
        weights = weights / rows.shape[0]
        loss, d_recognition = 0.0, 0.0
        for block in _cache_blocks(overlaps):
            values = []

            def signal(potentials, block=block, values=values):
                value, slope = self.loss.value_and_slope(potentials, targets[block, :], weights[block])
                values.append(xp.sum(value))
                return slope

            d_overlaps, d_block = self.readout.gradients(overlaps[block, :], recognition, signal)
            overlaps[block, :] = d_overlaps
            d_recognition = d_block + d_recognition
            loss = values[0] + loss
        return loss, overlaps, d_recognition


def unit_rows(values):
    """Rows of Euclidean length 1 in the directions of those of `values`; 0 where they are 0."""
    xp = arrays.namespace(values)
    # Largest entry first: squares of a gradient of 1e-30 are 0 in float32.
    peak = xp.max(xp.abs(values), axis=1, keepdims=True)
    values = values / xp.where(peak > 0, peak, xp.ones_like(peak))
    length = xp.sqrt(xp.sum(values * values, axis=1, keepdims=True))
    return values / xp.where(length > 0, length, xp.ones_like(length))


@dataclass
class Descent:
    """A training run: batches of rows through the network into the solver.

    Parameters
    ----------
    network : Network
        From parameters to gradients.
    solver : object
        With `parameters`, `begin_epoch` and `step`.
    data : TrainingSet
        Rows, targets, weights.
    noise : NoisePool
        Added to every batch.
    radius : float
        How far every row then moves uphill in the loss.
    batches : callable
        ``(codes, n_batches, random_state) -> list of index arrays``.
    n_batches : int
        Batches an epoch.
    schedule : callable
        Rate factor in (0, 1] of an update, counted from 0.
    random_state : RandomState
        Shuffles.
    """

    network: Network
    solver: Any
    data: Any
    noise: Any
    radius: float
    batches: Any
    n_batches: int
    schedule: Any
    random_state: Any

    def epoch(self, number):
        """Run one epoch, counted from 0; return its mean loss as an array of shape () on the device."""
        data, place = self.data, self.data.rows.placement
        self.solver.begin_epoch(number)
        batches = self.batches(data.codes, self.n_batches, self.random_state)
        # One upload an epoch, not one a batch.
        order, stop, total = place.asarray(np.concatenate(batches)), 0, 0.0
        for i, size in enumerate(map(len, batches)):
            start, stop = stop, stop + size
            index = order[start:stop]
            rows = data.rows.take(index)
            self.noise.add_to(rows)
            targets, weights = place.xp.take(data.targets, index, axis=0), place.xp.take(data.weights, index)
            parameters = self.solver.parameters
            if self.radius > 0:
                rows += self.radius * unit_rows(self.network.d_rows(rows, targets, weights, *parameters))
            loss, gradients = self.network.gradients(rows, targets, weights, *parameters)
            self.solver.step(gradients, self.schedule(number * self.n_batches + i))
            total = loss + total
        return total / self.n_batches


class Watch:
    """Early stopping: keeps the best parameters and says when they have not improved for a while.

    Parameters
    ----------
    score : callable or None
        ``parameters -> float``, larger is better; None watches nothing and never stops.
    patience : int
        Epochs without an improvement of more than `tolerance` that end the run.
    tolerance : float
        In units of the score.
    """

    def __init__(self, score, patience, tolerance):
        self._score, self._patience, self._tolerance = score, patience, tolerance
        self._idle = 0
        self.scores = []
        self.best = None

    def update(self, parameters):
        """Score the parameters after an epoch; return whether to stop."""
        if self._score is None:
            return False
        score = self._score(parameters)
        best = max(self.scores, default=-math.inf)
        self._idle = 0 if score > best + self._tolerance else self._idle + 1
        if score > best:
            self.best = [arrays.copy(value) for value in parameters]
        self.scores.append(score)
        return self._idle >= self._patience


class HeldScore:
    """Function from parameters to the score on held-back rows, for `Watch`.

    Parameters
    ----------
    network : Network
        Computes the potentials.
    rows : RowSource
        The rows.
    targets : object
        With `score`.
    index : ndarray of shape (n_rows,)
        Which rows they are.
    weights : ndarray of shape (n_rows,)
        Their weights.
    """

    def __init__(self, network, rows, targets, index, weights):
        self._network, self._rows, self._targets = network, rows, targets
        self._index, self._weights = index, weights

    def __call__(self, parameters):
        network, n_memories = self._network, parameters[0].shape[0]
        parts = []
        for block in cached_blocks(len(self._rows), 6 * n_memories * 8, self._rows.placement.xp):
            batch = self._rows.take(np.arange(block.start, block.stop))
            potentials = network.readout.potentials(network.overlaps(batch, *parameters), parameters[2])
            parts.append(arrays.to_numpy(potentials))
        return self._targets.score(np.concatenate(parts), self._index, self._weights)


def _cache_blocks(overlaps):
    n_rows, n_memories = overlaps.shape
    if not arrays.host_checks_are_free(arrays.namespace(overlaps)):
        return [slice(0, n_rows)]
    length = max(16, _HOST_BLOCK_BYTES // (n_memories * overlaps.dtype.itemsize))
    return [slice(start, start + length) for start in range(0, n_rows, length)]


class NoisePool:
    """Gaussian input noise from one draw: every batch reads it at another random place.

    Fresh numbers for every batch would cost as much as the matrix products, on a device more; a pool much larger than
    a batch, read at random offsets, differs from them by nothing that training could pick up.

    Parameters
    ----------
    sigma : float
        Standard deviation; 0 for none.
    n_updates, n_batch, n_features : int
        Bound the numbers that can be used at all.
    placement : Placement
        Where the noise is wanted.
    dtype : dtype
        Floating type.
    random_state : RandomState
        Draws pool and offsets, on the host.
    """

    def __init__(self, sigma, n_updates, n_batch, n_features, placement, dtype, random_state):
        self._random_state = random_state
        self._n_features = n_features
        self._xp = placement.xp
        self._pool = None
        if sigma > 0:
            batch = n_batch * n_features
            size = min(n_updates * batch, max(_MAX_POOL, 4 * batch))
            self._pool = placement.asarray(sigma * random_state.standard_normal(size), dtype)

    def add_to(self, rows):
        """Add noise to `rows` in place."""
        if self._pool is None:
            return
        size = rows.shape[0] * self._n_features
        start = self._random_state.randint(0, self._pool.shape[0] - size + 1)
        rows += self._xp.reshape(self._pool[start : start + size], rows.shape)


def shuffled_batches(codes, n_batches, random_state):
    """Every row once, in `n_batches` batches of nearly equal size.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,)
        Class indices; only their number counts here.
    n_batches : int
        At most n_rows.
    random_state : RandomState
        Shuffles.

    Returns
    -------
    batches : list of ndarray
        Row indices, on the host.
    """
    order = random_state.permutation(len(codes))
    return [order] if n_batches == 1 else np.array_split(order, n_batches)


def balanced_batches(codes, n_batches, random_state):
    """Batches with the same number of rows from every class present, as in the paper; small classes are repeated.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,)
        Class indices.
    n_batches : int
        At most n_rows.
    random_state : RandomState
        Shuffles.

    Returns
    -------
    batches : list of ndarray
        Row indices, on the host; of nearly equal size, together about n_rows.
    """
    present = np.unique(codes)
    share = math.ceil(len(codes) / len(present))
    columns = []
    for code in present:
        members = np.flatnonzero(codes == code)
        repeats = math.ceil(share / len(members))
        columns.append(np.concatenate([random_state.permutation(members) for _ in range(repeats)])[:share])
    return [part.ravel() for part in np.array_split(np.stack(columns, axis=1), min(n_batches, share))]

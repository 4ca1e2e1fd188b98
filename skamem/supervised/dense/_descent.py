"""One training run of a dense memory: batches of rows through the network into the optimizer."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skamem.core import arrays
from skamem.core.rows import row_blocks, rows_in_cache
from skamem.supervised.dense._network import Memories, Network, unit_rows
from skamem.training import uploaded

__all__ = ["Descent", "HeldRows"]


@dataclass
class Descent:
    """A training run: batches of rows through the network into the optimizer.

    Parameters
    ----------
    network : Network
        From parameters to gradients.
    loss : object
        What falls.
    optimizer : object
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
    loss: Any
    optimizer: Any
    data: Any
    noise: Any
    radius: float
    batches: Any
    n_batches: int
    schedule: Any
    random_state: Any

    @property
    def parameters(self):
        """The memories, dict of str to array."""
        return self.optimizer.parameters

    def epoch(self, number):
        """Run one epoch, counted from 0; return its mean loss as an array of shape () on the device."""
        data, place = self.data, self.data.rows.placement
        self.optimizer.begin_epoch(number)
        batches, total = self.batches(data.codes, self.n_batches, self.random_state), 0.0
        for i, index in enumerate(uploaded(batches, place)):
            rows = data.rows.take(index)
            self.noise.add_to(rows)
            targets, weights = place.xp.take(data.targets, index, axis=0), place.xp.take(data.weights, index)
            batch = targets, weights, Memories(**self.optimizer.parameters), self.loss
            if self.radius > 0:
                rows += self.radius * unit_rows(self.network.d_rows(rows, *batch))
            loss, gradients = self.network.gradients(rows, *batch)
            self.optimizer.step(gradients, self.schedule(number * self.n_batches + i))
            total = loss + total
        return total / self.n_batches


class HeldRows:
    """Function from parameters to score and loss on held-back rows, for `Watch`.

    Parameters
    ----------
    network : Network
        Computes the potentials.
    loss : object
        With `held`.
    rows : StandardRows
        The rows.
    targets : object
        With `score` and `take`.
    index : ndarray of shape (n_rows,)
        Which rows they are.
    weights : ndarray of shape (n_rows,)
        Their weights.
    """

    def __init__(self, network, loss, rows, targets, index, weights):
        self._network, self._loss, self._rows, self._targets = network, loss, rows, targets
        self._index, self._weights = index, weights

    def __call__(self, parameters):
        memories, parts = Memories(**parameters), []
        row_bytes = 8 * (self._rows.n_features + 6 * memories.visible.shape[0])
        in_cache = rows_in_cache(row_bytes, self._rows.placement.xp)
        for block in row_blocks(len(self._rows), row_bytes, at_most=in_cache):
            batch = self._rows.take(np.arange(block.start, block.stop))
            parts.append(arrays.to_numpy(self._network.potentials(batch, memories)))
        potentials = np.concatenate(parts)
        wanted = self._targets.take(self._index, arrays.placement_of(potentials), potentials.dtype)
        loss = float(np.average(self._loss.held(potentials, wanted), weights=self._weights))
        return self._targets.score(potentials, self._index, self._weights), loss

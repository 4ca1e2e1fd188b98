"""The memories as a network: overlaps, and gradients of a loss with respect to the memories and to the rows."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from skamem.core import arrays
from skamem.core.rows import rows_in_cache
from skamem.supervised.dense._readouts import READOUTS

__all__ = ["Memories", "Network", "unit_rows"]

# Work arrays of one block of rows should stay in the processor's second cache: the readout passes over them many times.
_HOST_BLOCK_BYTES = 2**19


class Memories(NamedTuple):
    """Parameters as the forward pass wants them; their names are those of the arrays that optimizers train.

    Parameters
    ----------
    visible : array of shape (n_memories, n_features)
        W / T.
    bias : array of shape (n_memories,)
        Weight of the clamped unit over T.
    recognition : array of shape (n_memories, n_outputs)
        A = 2 U / T.
    """

    visible: Any
    bias: Any
    recognition: Any


@dataclass(frozen=True)
class Network:
    """A readout, and whether the clamped class units shift the overlaps: from rows to potentials and gradients.

    Parameters
    ----------
    readout : object
        With `potentials` and `gradients`.
    shifted : bool
        True for eq. (9): all class units at -1 lower the overlap with memory μ by Σ_α A_μα / 2.
    n_groups : int, default=1
        Groups of equally many memories that learn apart, for eq. (10). The potentials of all are then the mean of what
        each group would answer alone, its recognition weights taken `n_groups` times; each group has a loss of its own.
    """

    readout: Any
    shifted: bool
    n_groups: int = 1

    @classmethod
    def of(cls, equation, interaction, n_outputs, xp, dtype, n_groups=1):
        """Network of an equation, "exact" or "linear", in the fastest form for this interaction."""
        return cls(READOUTS[equation](interaction, n_outputs, xp, dtype), equation == "exact", n_groups)

    def overlaps(self, rows, memories):
        """Z = rows @ visible.T + bias, shifted for eq. (9); shape (n_samples, n_memories)."""
        # A new array, to which the level is added in place: a second one of this size would cost as a readout does.
        overlaps = rows @ memories.visible.T
        overlaps += self.level(memories)
        return overlaps

    def level(self, memories):
        """What is added to every overlap with a memory, of shape (n_memories,)."""
        if not self.shifted:
            return memories.bias
        xp = arrays.namespace(memories.recognition)
        return memories.bias - xp.sum(memories.recognition, axis=1) / 2

    def potentials(self, rows, memories):
        """Φ of shape (n_samples, n_outputs)."""
        return self.readout.potentials(self.overlaps(rows, memories), memories.recognition)

    def gradients(self, rows, targets, weights, memories, loss):
        """Loss of a batch and its gradients with respect to the memories.

        Parameters
        ----------
        rows : array of shape (n_samples, n_features)
        targets : array of shape (n_samples, n_outputs)
        weights : array of shape (n_samples,)
        memories : Memories
        loss : object
            With `value_and_slope`.

        Returns
        -------
        loss : array of shape ()
            Mean over the batch, on the device.
        gradients : dict of str to array
            By the names of `Memories`.
        """
        value, d_overlaps, d_recognition = self._back(rows, targets, weights, memories, loss)
        d_bias = arrays.namespace(rows).sum(d_overlaps, axis=0)
        if self.shifted:
            # The level of the overlaps falls by half of every class unit: the way back goes there, too.
            d_recognition -= (d_bias / 2)[:, None]
        return value, {"visible": d_overlaps.T @ rows, "bias": d_bias, "recognition": d_recognition}

    def d_rows(self, rows, targets, weights, memories, loss):
        """Gradient of the loss with respect to the rows of a batch, of their shape; parameters as in `gradients`."""
        return self._back(rows, targets, weights, memories, loss)[1] @ memories.visible

    def _back(self, rows, targets, weights, memories, loss):
        """(loss, its gradient by the overlaps, its gradient by the recognition weights at fixed overlaps).

        The product with the visible weights is made once for the whole batch, where it is fastest. What follows is
        elementwise, one pass after another over the overlaps, and bound by memory: so it runs in blocks that stay in
        the cache, and the gradient by the overlaps takes the place of the overlaps.
        """
        xp = arrays.namespace(rows)
        overlaps, recognition = self.overlaps(rows, memories), memories.recognition
        if self.n_groups > 1:
            recognition = xp.reshape(recognition, (self.n_groups, -1, targets.shape[1]))
        weights = weights / rows.shape[0]
        total, d_recognition = 0.0, 0.0
        for block in _cache_blocks(overlaps):
            values = []

            def signal(potentials, block=block, values=values):
                # Called by the readout in the middle: it needs the loss's slope to go back with the powers it has.
                value, slope = self._value_and_slope(potentials, targets[block, :], weights[block], loss)
                values.append(xp.sum(value))
                return slope

            d_overlaps, d_block = self.readout.gradients(self._apart(overlaps[block, :]), recognition, signal)
            self._replace(overlaps, block, d_overlaps)
            d_recognition = d_block + d_recognition
            total = values[0] + total
        return total, overlaps, xp.reshape(d_recognition, memories.recognition.shape)

    def _apart(self, overlaps):
        """Overlaps by groups, a view of shape (n_groups, n_samples, size of a group); as they are for one group."""
        if self.n_groups == 1:
            return overlaps
        xp = arrays.namespace(overlaps)
        return xp.permute_dims(xp.reshape(overlaps, (overlaps.shape[0], self.n_groups, -1)), (1, 0, 2))

    def _replace(self, overlaps, block, values):
        """Write values of the shape of `_apart` over a block of rows, without a copy."""
        if self.n_groups == 1:
            overlaps[block, :] = values
            return
        size = overlaps.shape[1] // self.n_groups
        for group in range(self.n_groups):
            overlaps[block, group * size : (group + 1) * size] = values[group, :, :]

    def _value_and_slope(self, potentials, targets, weights, loss):
        """Loss of rows as a mean over the groups, and its slope by what each group adds to the potentials of all."""
        if self.n_groups == 1:
            return loss.value_and_slope(potentials, targets, weights)
        value, slope = loss.value_and_slope(self.n_groups * potentials, targets, weights)
        return value / self.n_groups, slope


def unit_rows(values):
    """Rows of Euclidean length 1 in the directions of those of `values`; 0 where they are 0."""
    xp = arrays.namespace(values)
    # Largest entry first: squares of a gradient of 1e-30 are 0 in float32.
    peak = xp.max(xp.abs(values), axis=1, keepdims=True)
    values = values / xp.where(peak > 0, peak, xp.ones_like(peak))
    length = xp.sqrt(xp.sum(values * values, axis=1, keepdims=True))
    return values / xp.where(length > 0, length, xp.ones_like(length))


def _cache_blocks(overlaps):
    n_rows, n_memories = overlaps.shape
    xp = arrays.namespace(overlaps)
    row_bytes = n_memories * xp.finfo(overlaps.dtype).bits // 8
    length = rows_in_cache(row_bytes, xp, _HOST_BLOCK_BYTES) or max(1, n_rows)
    return [slice(start, start + length) for start in range(0, n_rows, length)]

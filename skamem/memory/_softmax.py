"""Softmax over stored patterns as a stream: the matrix of weights is never held (online softmax)."""

from dataclasses import dataclass
from typing import Any

from skamem.core import arrays

__all__ = ["Readout", "log_partition", "soft_recall", "strongest"]

_LEAST = 1e-30  # weight of the farthest pattern where entries are unknown, relative to that of the nearest


@dataclass(frozen=True)
class Readout:
    """What stored patterns answer with.

    Parameters
    ----------
    values : array of shape (n_patterns, n_outputs)
        Unknown entries hold any number.
    known : bool array of shape (n_patterns, n_outputs) or None
        None when all entries are known.
    weight : array of shape (n_patterns,) or None
        How often each pattern counts.
    """

    values: Any
    known: Any = None
    weight: Any = None

    @property
    def is_plain(self):
        """Whether every value counts 1."""
        return self.known is None and self.weight is None

    def block(self, rows):
        """Values of some patterns times how much each one counts, and beside them how much that is unless plain."""
        xp = arrays.namespace(self.values)
        values = self.values[rows, :]
        if self.is_plain:
            return values
        mass = xp.ones_like(values[:, :1]) if self.known is None else xp.astype(self.known[rows, :], values.dtype)
        if self.weight is not None:
            mass = mass * self.weight[rows][:, None]
        return xp.concat([values * mass, mass], axis=1)


def soft_recall(similarities, readout, beta):
    """Average of the stored values, weighted by the softmax of beta times the similarities.

    Parameters
    ----------
    similarities : iterable
        Of pairs (rows, block), as `StoredPatterns.compare` gives; blocks are changed in place.
    readout : Readout
        What to average. An entry is averaged over the patterns that know it.
    beta : float or array of shape (n_samples, 1)
        Inverse temperature, > 0.

    Returns
    -------
    recalled : array of shape (n_samples, n_outputs)
        Entries that no pattern knows are 0.

    Notes
    -----
    Cost O(n_samples n_patterns (n_units + n_outputs)) in two matrix products a block; memory, one block.

    References
    ----------
    Milakov and Gimelshein (2018), Online normalizer calculation for softmax, arXiv:1805.02867.
    """
    stream = _SoftmaxStream(beta, floor=readout.known is not None)
    sums = ones = None
    for rows, block in similarities:
        weights, decay = stream.weigh(block)
        block_sums = weights @ readout.block(rows)
        block_ones = stream.xp.sum(weights, axis=1, keepdims=True) if readout.is_plain else None
        if sums is not None:
            sums *= decay
            block_sums += sums
            block_ones = ones * decay + block_ones if readout.is_plain else None
        sums, ones = block_sums, block_ones
    if readout.is_plain:
        return sums / ones
    total, mass = sums[:, : readout.values.shape[1]], sums[:, readout.values.shape[1] :]
    return total / stream.xp.where(mass > 0, mass, stream.xp.ones_like(mass))


def log_partition(similarities, beta, weight=None):
    """Logarithm of the sum of exp(beta times similarity) over all patterns, shape (n_samples,)."""
    stream = _SoftmaxStream(beta)
    mass = None
    for rows, block in similarities:
        weights, decay = stream.weigh(block)
        counted = weights if weight is None else weights * weight[rows]
        block_mass = stream.xp.sum(counted, axis=1, keepdims=True)
        mass = block_mass if mass is None else mass * decay + block_mass
    return (beta * (stream.top + similarities.offset) + stream.xp.log(mass))[:, 0]


def strongest(similarities, k):
    """The k most similar patterns of each cue, the most similar first.

    Parameters
    ----------
    similarities : iterable
        As in `soft_recall`.
    k : int
        From 1 to the number of patterns.

    Returns
    -------
    indices : int array of shape (n_samples, k)
        Among equal patterns the one stored first wins.
    similarity : array of shape (n_samples, k)
        Their similarities.
    """
    best = index = None
    for rows, block in similarities:
        xp = arrays.namespace(block)
        here = xp.arange(rows.start, rows.stop, device=arrays.device(block))
        here = xp.broadcast_to(here[None, :], block.shape)
        if best is not None:
            block, here = xp.concat([best, block], axis=1), xp.concat([index, here], axis=1)
        order = xp.argsort(block, axis=1, descending=True, stable=True)[:, :k]
        best, index = xp.take_along_axis(block, order, axis=1), xp.take_along_axis(here, order, axis=1)
    return index, best + similarities.offset


class _SoftmaxStream:
    """Unnormalised softmax weights, relative to the largest similarity seen so far."""

    def __init__(self, beta, *, floor=False):
        self.beta, self.floor = beta, floor
        self.top = self.xp = None

    def weigh(self, block):
        """Weights of a block, and the factor that brings earlier sums to the same scale (None for the first)."""
        xp = self.xp = arrays.namespace(block)
        top = xp.max(block, axis=1, keepdims=True)
        decay = None
        if self.top is not None:
            top = xp.maximum(self.top, top)
            decay = xp.exp(self.beta * (self.top - top))
        self.top = top
        # Subtract the maximum first: exp overflows otherwise.
        block -= top
        block *= self.beta
        weights = xp.exp(block)
        if self.floor:
            # An entry that only far patterns know is their plain mean, rather than 0 / 0.
            weights += _LEAST
        return weights, decay

"""Softmax over stored patterns as a stream: the matrix of weights is never held (online softmax)."""

from dataclasses import dataclass
from typing import Any

from skamem.core import arrays
from skamem.memory._similarity import votes

__all__ = ["Readout", "SoftSums", "log_partition", "plain_sums", "soft_mean", "soft_recall", "soft_sums", "strongest"]

_LEAST = 1e-30  # weight, relative to that of the nearest pattern, below which patterns only count as being there
_SAME = 64.0  # in units of rounding: similarities that are no farther apart are equal


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
    mean : array of shape (n_outputs,) or None
        What an entry is that no pattern which counts knows; None for 0.
    never : bool array of shape (n_outputs,) or None
        Entries that no pattern knows at all.
    """

    values: Any
    known: Any = None
    weight: Any = None
    mean: Any = None
    never: Any = None

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
        An entry that only patterns of no weight to speak of know is their plain mean; one that no pattern which counts
        knows is that of the readout.

    Notes
    -----
    Cost O(n_samples n_patterns (n_units + n_outputs)) in two matrix products a block; memory, one block.

    References
    ----------
    Milakov and Gimelshein (2018), Online normalizer calculation for softmax, arXiv:1805.02867.
    """
    sums = soft_sums(similarities, readout, beta)
    return soft_mean(sums, readout, lambda: plain_sums(similarities, readout))


@dataclass(frozen=True)
class SoftSums:
    """Weighted sums of stored values, relative to the weight of the most similar pattern among those summed over.

    Parameters
    ----------
    top : array of shape (n_samples, 1)
        Its similarity.
    sums : array of shape (n_samples, n_outputs or 2 n_outputs)
        Of what `Readout.block` gives.
    ones : array of shape (n_samples, 1) or None
        Of the weights themselves, for a plain readout.
    beta : float or array of shape (n_samples, 1)
        Inverse temperature.
    """

    top: Any
    sums: Any
    ones: Any
    beta: Any

    def merged(self, other):
        """Sums over the patterns of both, whose similarities must have left out the same offset."""
        top = arrays.namespace(self.top).maximum(self.top, other.top)
        own, others = (_decay(self.beta, part.top, top) for part in (self, other))
        ones = None if self.ones is None else self.ones * own + other.ones * others
        return SoftSums(top, self.sums * own + other.sums * others, ones, self.beta)


def soft_sums(similarities, readout, beta):
    """The `SoftSums` of stored patterns; parameters as those of `soft_recall`."""
    stream = _SoftmaxStream(beta)
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
    return SoftSums(stream.top, sums, ones, beta)


def soft_mean(sums, readout, plain):
    """What is recalled, from the `SoftSums` of all patterns; ``plain()`` gives their `plain_sums`, where needed."""
    if readout.is_plain:
        return sums.sums / sums.ones
    xp = arrays.namespace(sums.sums)
    recalled, mass = _mean(sums.sums, readout, xp)
    if readout.known is None:
        return recalled
    light = mass <= _LEAST
    if readout.never is not None:
        light = light & ~readout.never
    if bool(xp.any(light)):
        recalled = xp.where(light, _mean(plain(), readout, xp)[0], recalled)
    return recalled


def _mean(sums, readout, xp):
    n_outputs = readout.values.shape[1]
    total, mass = sums[:, :n_outputs], sums[:, n_outputs:]
    nothing = xp.zeros_like(total) if readout.mean is None else readout.mean
    return xp.where(mass > 0, total / xp.where(mass > 0, mass, xp.ones_like(mass)), nothing), mass


def plain_sums(similarities, readout):
    """Sums over all patterns that count, however far they are."""
    sums = None
    for rows, block in similarities:
        xp = arrays.namespace(block)
        block_sums = xp.astype(votes(block), block.dtype) @ readout.block(rows)
        sums = block_sums if sums is None else sums + block_sums
    return sums


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
        best, index = _first_of_the_largest(block, here, k, similarities.magnitude)
    return index, best + similarities.offset


def _first_of_the_largest(similarity, index, k, magnitude):
    """The k largest similarities of each row, the least `index` first among those that differ by rounding only.

    `magnitude` is that of the terms that similarities are sums of.
    """
    xp = arrays.namespace(similarity)
    order = xp.argsort(similarity, axis=1, descending=True, stable=True)
    similarity, index = (xp.take_along_axis(array, order, axis=1) for array in (similarity, index))
    rounding = _SAME * xp.finfo(similarity.dtype).eps * (magnitude + xp.abs(similarity[:, :1]))
    steps = xp.astype(similarity[:, :-1] - similarity[:, 1:] > rounding, xp.int64)
    level = xp.concat([xp.zeros_like(index[:, :1]), xp.cumulative_sum(steps, axis=1)], axis=1)
    # One number to sort by: first the level, then the place where the pattern is stored.
    order = xp.argsort(level * (1 + xp.max(index)) + index, axis=1)[:, :k]
    return xp.take_along_axis(similarity, order, axis=1), xp.take_along_axis(index, order, axis=1)


def _decay(beta, before, top):
    """What brings weights relative to a largest similarity `before` to those relative to `top`."""
    return arrays.namespace(top).exp(beta * (before - top))


class _SoftmaxStream:
    """Unnormalised softmax weights, relative to the largest similarity seen so far."""

    def __init__(self, beta):
        self.beta = beta
        self.top = self.xp = None

    def weigh(self, block):
        """Weights of a block, and the factor that brings earlier sums to the same scale (None for the first)."""
        xp = self.xp = arrays.namespace(block)
        top = xp.max(block, axis=1, keepdims=True)
        decay = None
        if self.top is not None:
            top = xp.maximum(self.top, top)
            decay = _decay(self.beta, self.top, top)
        self.top = top
        # Subtract the maximum first: exp overflows otherwise.
        block -= top
        block *= self.beta
        return xp.exp(block), decay

"""Recall by binary weights: thresholds and feedback, the same for each form in which the weights are stored."""

from skamem.core import arrays
from skamem.core.dynamics import Recall, settle

__all__ = ["BinaryNet", "DenseNet", "recall_patterns"]


class BinaryNet:
    """What recall asks of binary weights; a form of storage adds sums, and may do the rest faster."""

    def matched(self, states):
        """Units that have a synapse from every active unit of the row; none where nothing is active."""
        return self.fire(self.sums(states), _at_least_1(self.counts(states)))

    def supported(self, states, n_active):
        """Those active units of `states` that have synapses from at least `n_active` of them."""
        level = _at_least_1(_constant(n_active, self.counts(states)))
        return self.meet(self.fire(self.sums(states), level), states)


class DenseNet(BinaryNet):
    """Weights as floats, for matrix products on any backend; states are 0 or 1 in the same type.

    The nets on the host, `SparseNet` and `PackedNet`, have the same methods for states that are csr arrays.

    Parameters
    ----------
    weights : array of shape (n_units, n_outputs)
        0 or 1.
    """

    def __init__(self, weights):
        self.weights = weights

    def toarray(self):
        """The matrix, in a form for users."""
        return self.weights

    def count_on(self):
        """Synapses that are on."""
        return int(arrays.namespace(self.weights).count_nonzero(self.weights))

    def sums(self, states):
        """Dendritic sums (n_samples, n_outputs)."""
        return states @ self.weights

    @staticmethod
    def dense(sums):
        """`sums` as an array."""
        return sums

    @staticmethod
    def fire(sums, threshold):
        """Units whose sum is at least the threshold (n_samples, 1)."""
        return arrays.namespace(sums).astype(sums >= threshold, sums.dtype)

    @staticmethod
    def kth_largest(sums, k):
        """The k-th largest sum of each row."""
        return arrays.namespace(sums).sort(sums, axis=1, descending=True)[:, k - 1]

    @staticmethod
    def counts(states):
        """Active units of each row."""
        return arrays.namespace(states).sum(states, axis=1)

    @staticmethod
    def meet(states, others):
        """Units that are active in both."""
        return states * others

    @staticmethod
    def hold(states, others, free):
        """`states`, but units outside the mask `free` as they are in `others`."""
        return arrays.namespace(states).where(free, states, others)

    @staticmethod
    def mask(clamped, rows, cues):
        """Mask of the units that the user does not clamp."""
        xp = arrays.namespace(cues)
        held = arrays.placement_of(cues).asarray(clamped, xp.bool)
        return ~xp.broadcast_to(held[rows, :] if held.ndim == 2 else held, cues.shape)

    @staticmethod
    def settle(update, states, n_steps, free=None):
        """Apply `update` until each row is at a fixed point or on a cycle; only units in `free` move."""

        def step(states, free):
            return update(states) if free is None else DenseNet.hold(update(states), states, free)

        return settle(step, states, n_steps=n_steps, clamped=free)

    def flag(self, silent, unknown):
        """Mask of the `unknown` units (all outputs if that is None) of the rows that are `silent`."""
        xp = arrays.namespace(silent)
        if unknown is None:
            return xp.broadcast_to(silent[:, None], (silent.shape[0], self.weights.shape[1]))
        return silent[:, None] & unknown

    @staticmethod
    def fill(states, unresolved, majority):
        """`states`, with the majority where it is asked for: there they are off."""
        return arrays.namespace(states).where(unresolved, majority, states)


def recall_patterns(net, cues, *, threshold, n_active, n_steps, free=None, feedback=True):
    """Recall what cues lead to.

    Parameters
    ----------
    net : DenseNet, SparseNet or PackedNet
        The weights.
    cues : array or csr array of shape (n_samples, n_units)
        Active units, in the form of the net's states.
    threshold : {"match", "winners"} or int
        As in `WillshawMemory`.
    n_active : int
        Active units of a pattern.
    n_steps : int
        Steps at most, >= 1.
    free : mask of shape (n_samples, n_units), default=None
        Units that may change; None for all.
    feedback : bool, default=True
        False for one pass, to outputs that are not the inputs.

    Returns
    -------
    recall : Recall
        `unresolved` is None.

    Notes
    -----
    Under "match" the first step finds the units that have a synapse from each active unit of the cue: for a part of a
    stored pattern all of the pattern, and false ones. Then a unit stays only while it has synapses from `n_active`
    units that are active. Those of the stored pattern support each other, so they stay, if it is no smaller.
    """

    def step(states):
        if threshold == "match":
            return net.matched(states)
        sums = net.sums(states)
        winners = threshold == "winners"
        level = net.kth_largest(sums, n_active) if winners else _constant(threshold, net.counts(states))
        return net.fire(sums, _at_least_1(level))

    if not feedback:
        ones = _constant(1, net.counts(cues))
        ones = arrays.namespace(ones).astype(ones, arrays.namespace(ones).int64)
        return Recall(step(cues), ones, ones == 1, ones, None)
    if threshold != "match":
        return net.settle(step, cues, n_steps, free)
    first = step(cues)
    first = first if free is None else net.hold(first, cues, free)
    rest = net.settle(lambda states: net.supported(states, n_active), first, n_steps - 1, free)
    return Recall(rest.states, rest.n_steps + 1, rest.converged, rest.cycle_length, None)


def _constant(value, like):
    return arrays.namespace(like).full_like(like, value)


def _at_least_1(level):
    """Thresholds as a column: where nothing is active nothing fires."""
    xp = arrays.namespace(level)
    return xp.maximum(level, xp.ones_like(level))[:, None]

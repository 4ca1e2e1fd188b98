"""Binary weights on the host: compressed sparse rows, or eight synapses to the byte; states are rows of a csr array.

Kept apart from the estimator because it computes with NumPy and SciPy: neither form exists on other backends.
"""

import numpy as np
import scipy.sparse

from skamem.core import arrays
from skamem.core.dynamics import settle
from skamem.core.rows import row_blocks
from skamem.memory._binary_recall import BinaryNet

__all__ = [
    "HOST_NETS",
    "PackedNet",
    "SparseNet",
    "active_units",
    "joined",
    "pair_blocks",
    "switched_on",
    "with_synapses",
]

_PAIR_BYTES = 48  # work arrays for each pair of an active input and an active output that is stored
_UNPACKED_BYTES = 2**26  # synapses that are unpacked at a time


def active_units(values, code):
    """Active units of `values`, and unknown ones.

    Parameters
    ----------
    values : ndarray or csr matrix of shape (n_samples, n_units)
        Values outside; NaN is unknown.
    code : UnitCode
        With a number to binarize at. Sparse values stay sparse unless it is negative: that switches implicit zeros on.

    Returns
    -------
    active, unknown : bool csr arrays of shape (n_samples, n_units)
        Unknown units are not active.
    """
    if scipy.sparse.issparse(values) and code.binarize >= 0.0:
        values = scipy.sparse.csr_array(values)
        return _where(values.data > code.binarize, values), _where(np.isnan(values.data), values)
    parts = []
    for rows in row_blocks(values.shape[0], 4 * 8 * values.shape[1]):
        block = values[rows, :]
        block = block.toarray() if scipy.sparse.issparse(block) else block
        parts.append([scipy.sparse.csr_array(mask) for mask in (block > code.binarize, np.isnan(block))])
    return tuple(scipy.sparse.vstack(part, format="csr") for part in zip(*parts, strict=True))


def pair_blocks(inputs, outputs):
    """Slices of rows of two csr arrays whose pairs of active units fit the working memory; always at least a row."""
    n_pairs = np.concatenate([[0], np.cumsum(np.diff(inputs.indptr) * np.diff(outputs.indptr).astype(np.int64))])
    budget = next(row_blocks(int(n_pairs[-1]) + 1, _PAIR_BYTES)).stop
    blocks, start = [], 0
    while start < inputs.shape[0]:
        stop = max(start + 1, int(np.searchsorted(n_pairs, n_pairs[start] + budget, side="right")) - 1)
        blocks.append(slice(start, stop))
        start = stop
    return blocks


def switched_on(inputs, outputs):
    """Synapses that bool csr patterns switch on: a bool csr array of shape (n_units, n_outputs), indices sorted."""
    synapses = inputs.T.tocsr() @ outputs
    synapses.sort_indices()
    return synapses


class _CsrRows:
    """What `settle` must know of states that are the rows of a csr array."""

    leave = None

    @staticmethod
    def bookkeeping(states):
        return states.indptr

    @staticmethod
    def count(states):
        return states.shape[0]

    @staticmethod
    def same(states, others):
        return np.diff((states != others).tocsr().indptr) == 0

    @staticmethod
    def take(states, index):
        return states[index]

    @staticmethod
    def join(parts):
        return scipy.sparse.vstack(parts, format="csr")


class _HostNet(BinaryNet):
    """What both forms share: everything but the weights. States are bool csr arrays."""

    def __init__(self, weights, n_outputs):
        self.weights, self.n_outputs = weights, n_outputs

    @staticmethod
    def counts(states):
        """Active units of each row."""
        return np.diff(states.indptr)

    @staticmethod
    def meet(states, others):
        """Units that are active in both."""
        return states.multiply(others).tocsr()

    @staticmethod
    def hold(states, others, free):
        """`states`, but units outside the mask `free` as they are in `others`."""
        return states.multiply(free).tocsr() + (others > others.multiply(free))

    @staticmethod
    def mask(clamped, rows, cues):
        """Mask of the units that the user does not clamp."""
        held = np.asarray(clamped, dtype=bool)
        return scipy.sparse.csr_array(~np.broadcast_to(held[rows] if held.ndim == 2 else held, cues.shape))

    @classmethod
    def settle(cls, update, states, n_steps, free=None):
        """Apply `update` until each row is at a fixed point or on a cycle; only units in `free` move."""

        def step(states, free):
            return update(states) if free is None else cls.hold(update(states), states, free)

        return settle(step, states, n_steps=n_steps, clamped=free, rows=_CsrRows())

    def flag(self, silent, unknown):
        """Mask of the `unknown` units (all outputs if that is None) of the rows that are `silent`."""
        if unknown is None:
            return scipy.sparse.csr_array(np.broadcast_to(silent[:, None], (len(silent), self.n_outputs)))
        return unknown.multiply(silent[:, None]).tocsr()

    @staticmethod
    def fill(states, unresolved, majority):
        """`states`, with the majority where it is asked for: there they are off."""
        return states + unresolved.multiply(majority[None, :] > 0).tocsr()


class SparseNet(_HostNet):
    """Weights as compressed sparse rows: 8 bytes for each synapse that is on.

    Parameters
    ----------
    weights : int32 csr array of shape (n_units, n_outputs)
        1 at the synapses that are on.
    n_outputs : int
        Width of `weights`.
    """

    @staticmethod
    def empty(n_units, n_outputs):
        """Weights that are all off."""
        return scipy.sparse.csr_array((n_units, n_outputs), dtype=np.int32)

    @staticmethod
    def join(weights, synapses):
        """`weights` with more synapses on."""
        joined = weights.astype(bool) + synapses
        ones = np.ones(joined.nnz, dtype=np.int32)
        return scipy.sparse.csr_array((ones, joined.indices, joined.indptr), shape=joined.shape)

    def count_on(self):
        """Synapses that are on."""
        return self.weights.nnz

    def toarray(self):
        """The matrix, in a form for users: csr."""
        return self.weights

    def sums(self, states):
        """Dendritic sums, an int32 csr array of shape (n_samples, n_outputs)."""
        return states.astype(np.int32) @ self.weights

    @staticmethod
    def dense(sums):
        """`sums` as an array."""
        return sums.toarray()

    @staticmethod
    def fire(sums, threshold):
        """Units whose sum is at least the threshold (n_samples, 1), which is at least 1."""
        return _where(sums.data >= np.repeat(threshold[:, 0], np.diff(sums.indptr)), sums)

    @staticmethod
    def kth_largest(sums, k):
        """The k-th largest sum of each row."""
        row = np.repeat(np.arange(sums.shape[0]), np.diff(sums.indptr))
        ranked = sums.data[np.lexsort((-sums.data, row))]
        place = sums.indptr[:-1] + k - 1
        there = place < sums.indptr[1:]
        return np.where(there, ranked[np.where(there, place, 0)] if len(ranked) else 0, 0)


class PackedNet(_HostNet):
    """Weights packed eight to the byte: 1/8 byte for each synapse, on or off.

    Parameters
    ----------
    weights : uint8 ndarray of shape (n_units, ceil(n_outputs / 8))
        Rows as `numpy.packbits` packs them.
    n_outputs : int
        Outputs; the bits beyond are 0.
    """

    @staticmethod
    def empty(n_units, n_outputs):
        """Weights that are all off."""
        return np.zeros((n_units, -(-n_outputs // 8)), dtype=np.uint8)

    @staticmethod
    def join(weights, synapses):
        """`weights` with more synapses on, changed in place: without a second matrix."""
        row = np.repeat(np.arange(synapses.shape[0], dtype=np.int64), np.diff(synapses.indptr))
        byte = row * weights.shape[1] + synapses.indices // 8
        bit = np.right_shift(np.uint8(128), (synapses.indices % 8).astype(np.uint8))
        if len(byte):
            first = np.flatnonzero(np.diff(byte, prepend=-1))  # of the synapses that share a byte
            weights.reshape(-1)[byte[first]] |= np.bitwise_or.reduceat(bit, first)
        return weights

    def count_on(self):
        """Synapses that are on."""
        blocks = _slices(*self.weights.shape)
        return sum(int(np.bitwise_count(self.weights[rows]).sum()) for rows in blocks)

    def toarray(self):
        """The matrix, in a form for users: uint8, eight times as large."""
        return np.unpackbits(self.weights, axis=1, count=self.n_outputs)

    def matched(self, states):
        """Units that have a synapse from every active unit of the row: the rows of the weights, bit by bit and."""
        spoken = np.flatnonzero(self.counts(states))
        packed = np.zeros((states.shape[0], self.weights.shape[1]), dtype=np.uint8)
        for columns in _slices(self.weights.shape[1], states.nnz):
            rows = self.weights[states.indices, columns]
            packed[spoken, columns] = np.bitwise_and.reduceat(rows, states.indptr[spoken]) if len(rows) else 0
        row, byte = np.nonzero(packed)  # few: only they are unpacked
        place, bit = np.nonzero(np.unpackbits(packed[row, byte][:, None], axis=1))
        where = (row[place], 8 * byte[place] + bit)
        return scipy.sparse.csr_array((np.ones(len(bit), dtype=bool), where), shape=(len(packed), self.n_outputs))

    def supported(self, states, n_active):
        """Those active units of `states` that have synapses from at least `n_active` of them; looks at no others."""
        units, compact, few = _compact(states)
        row = np.repeat(np.arange(states.shape[0]), self.counts(states))
        sums = np.empty(states.nnz, dtype=np.int32)
        for part in _slices(len(units), 40 * len(units)):
            columns = units[part]
            bits = self.weights[units[:, None], columns // 8] >> (7 - columns % 8).astype(np.uint8) & 1
            here = (compact >= part.start) & (compact < part.stop)
            sums[here] = (few @ bits.astype(np.int32))[row[here], compact[here] - part.start]
        return _where(sums >= max(1, n_active), states)

    def sums(self, states):
        """Dendritic sums, an int32 array of shape (n_samples, n_outputs)."""
        units, _, few = _compact(states)  # only the rows of active units are unpacked
        sums = np.empty((states.shape[0], 8 * self.weights.shape[1]), dtype=np.int32)
        for columns in _slices(self.weights.shape[1], 40 * len(units)):
            bits = np.unpackbits(self.weights[units, columns], axis=1)
            sums[:, 8 * columns.start : 8 * columns.stop] = few @ bits.astype(np.int32)
        return sums[:, : self.n_outputs]

    @staticmethod
    def dense(sums):
        """`sums` as an array."""
        return sums

    @staticmethod
    def fire(sums, threshold):
        """Units whose sum is at least the threshold (n_samples, 1)."""
        return scipy.sparse.csr_array(sums >= threshold)

    @staticmethod
    def kth_largest(sums, k):
        """The k-th largest sum of each row."""
        return np.partition(sums, -k, axis=1)[:, -k]


HOST_NETS = {"sparse": SparseNet, "packed": PackedNet}
"""Forms of storage on the host, by name."""


def with_synapses(net, synapses, *, may_pack):
    """A net with more synapses on, those of a bool csr array; packed where it may be and that takes less room."""
    form = type(net)
    weights = form.join(net.weights, synapses)
    # A bit a synapse is less than 8 bytes for those that are on.
    if may_pack and form is SparseNet and 64 * weights.nnz > weights.shape[0] * weights.shape[1]:
        form, weights = PackedNet, _packed(weights)
    return form(weights, net.n_outputs)


def joined(net, other, *, may_pack):
    """A new net with the synapses of two; `other` may have any form, a `DenseNet` too."""
    if isinstance(other, PackedNet) and (isinstance(net, PackedNet) or may_pack):
        packed = net.weights if isinstance(net, PackedNet) else _packed(net.weights)
        return PackedNet(packed | other.weights, net.n_outputs)
    if isinstance(net, PackedNet):
        net = PackedNet(net.weights.copy(), net.n_outputs)
    return with_synapses(net, _as_csr(other), may_pack=may_pack)


def _packed(weights):
    """Weights in csr form as packed ones."""
    return PackedNet.join(PackedNet.empty(*weights.shape), weights)


def _as_csr(net):
    """The synapses of a net in any form, as a bool csr array."""
    if isinstance(net, SparseNet):
        return net.weights.astype(bool)
    weights = net.toarray()
    return scipy.sparse.csr_array((weights if isinstance(net, PackedNet) else arrays.to_numpy(weights)) > 0)


def _compact(states):
    """The units that are active in any row, their places in `states`, and `states` of these units alone, as int32."""
    units, places = np.unique(states.indices, return_inverse=True)
    ones = np.ones(states.nnz, dtype=np.int32)
    return units, places, scipy.sparse.csr_array((ones, places, states.indptr), shape=(states.shape[0], len(units)))


def _slices(n, item_bytes):
    """Slices of `n` items that are unpacked at a time: no more than `_UNPACKED_BYTES`, that they stay in the cache."""
    return row_blocks(n, item_bytes, at_most=_UNPACKED_BYTES // max(1, item_bytes))


def _where(kept, matrix):
    """Mask of the entries of csr `matrix` that are kept: a bool csr array."""
    mask = scipy.sparse.csr_array((kept, matrix.indices, matrix.indptr), shape=matrix.shape, copy=True)
    mask.eliminate_zeros()
    return mask

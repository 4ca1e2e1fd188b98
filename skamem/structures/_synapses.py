"""Random sparse graphs of plastic synapses: compressed rows on the host, one matrix of floats anywhere else.

Weights start at 1 and only grow, so as float32 all of them are multiples of 2**-23, and no sum of them below 2**30 is
rounded in float64: what a neuron receives depends neither on the order of the terms, nor on the rows beside, nor on the
array library. Ties are ties.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

from skamem.core import arrays

__all__ = ["CEILING", "DenseSynapses", "Reach", "SparseSynapses", "draw_graph", "draw_synapses", "synapses_at"]

CEILING = 2.0**16
"""What weights are bounded by where nothing else bounds them: (1 + beta)**rounds overflows float32 in a long life."""

_GAPS_AT_A_TIME = 2**20
_LONG_ROW = 128  # synapses of a neuron from which on rows are copied one by one rather than entry by entry


def draw_graph(rng, n_sources, n_targets, p, *, loops=True):
    """A random directed graph: each edge is there with probability `p`, independently of the others.

    Parameters
    ----------
    rng : RandomState
        Where it comes from.
    n_sources, n_targets : int
        Neurons that edges leave, and neurons that they enter.
    p : float
        In [0, 1].
    loops : bool, default=True
        False for a graph on one set of neurons in which none has an edge to itself.

    Returns
    -------
    indptr : int64 ndarray of shape (n_sources + 1,)
        Where the edges of each source begin in `indices`.
    indices : int32 ndarray of shape (n_edges,)
        Targets, sorted for each source. Time and memory are of the order of the edges, not of the pairs.

    References
    ----------
    Batagelj and Brandes (2005), Physical Review E 71:036113, doi:10.1103/PhysRevE.71.036113: the gaps between edges.

    Examples
    --------
    >>> import numpy as np
    >>> indptr, indices = draw_graph(np.random.RandomState(0), 3, 3, 1.0, loops=False)
    >>> indptr, indices
    (array([0, 2, 4, 6]), array([1, 2, 0, 2, 0, 1], dtype=int32))
    """
    width = n_targets if loops else n_targets - 1
    n_pairs = n_sources * width
    counts = np.zeros(n_sources, dtype=np.int64)
    n_expected = n_pairs * p
    indices = np.empty(int(n_expected + 10.0 * n_expected**0.5) + 16, dtype=np.int32)
    n_edges, last = 0, -1
    while p > 0.0 and last + 1 < n_pairs:
        edges = last + np.cumsum(_gaps(rng, p, n_pairs))
        last = edges[-1]
        sources, targets = np.divmod(edges[: np.searchsorted(edges, n_pairs)], width)
        if not loops:
            targets += targets >= sources
        if n_edges + len(targets) > len(indices):
            indices = np.concatenate([indices, np.empty(len(targets) + len(indices) // 8, dtype=np.int32)])
        indices[n_edges : n_edges + len(targets)] = targets
        counts += np.bincount(sources, minlength=n_sources)
        n_edges += len(targets)
    return np.concatenate([[0], np.cumsum(counts)]), indices[:n_edges]


def _gaps(rng, p, n_pairs):
    """How far each edge is from the one before: geometric, cut where it leaves the graph."""
    if p == 1.0:
        return np.ones(_GAPS_AT_A_TIME, dtype=np.int64)
    failures = np.log(1.0 - rng.random_sample(_GAPS_AT_A_TIME)) / np.log1p(-p)
    return np.minimum(failures, n_pairs).astype(np.int64) + 1


def draw_synapses(rng, n_sources, n_targets, p, placement, *, loops=True):
    """Synapses of weight 1 on a random graph, drawn on the host: one seed gives one graph everywhere.

    Parameters
    ----------
    rng, n_sources, n_targets, p, loops
        As in `draw_graph`.
    placement : Placement
        Where they live: compressed rows where that is the host, elsewhere a dense matrix.

    Returns
    -------
    synapses : SparseSynapses or DenseSynapses
    """
    indptr, indices = draw_graph(rng, n_sources, n_targets, p, loops=loops)
    weights = np.ones(len(indices), dtype=np.float32)
    incoming = np.zeros(n_targets)
    for start in range(0, len(indices), _GAPS_AT_A_TIME):  # a piece at a time: counting copies to eight bytes
        incoming += np.bincount(indices[start : start + _GAPS_AT_A_TIME], minlength=n_targets)
    return synapses_at(placement, SparseSynapses(indptr, indices, weights, incoming))


def synapses_at(placement, synapses):
    """The same synapses where `placement` is: compressed rows on the host, elsewhere a dense matrix.

    Parameters
    ----------
    placement : Placement
        Where to.
    synapses : SparseSynapses or DenseSynapses
        As they are now; not changed.

    Returns
    -------
    synapses : SparseSynapses or DenseSynapses
    """
    weights, incoming = synapses.matrix(), placement.asarray(synapses.incoming)
    if not arrays.host_checks_are_free(placement.xp):
        return DenseSynapses(placement.asarray(weights), incoming, synapses.fan_in)
    if scipy.sparse.issparse(weights):
        return synapses
    rows = scipy.sparse.csr_array(arrays.to_numpy(weights))
    return SparseSynapses(rows.indptr.astype(np.int64), rows.indices.astype(np.int32), rows.data, incoming)


@dataclass(frozen=True)
class Reach:
    """The synapses of the neurons that fire, looked up once for as long as the same ones fire.

    Parameters
    ----------
    n_rows : int
        Rows of the firing.
    starts, lengths, offsets : int ndarray of shape (n_firing,)
        Of each firing neuron: its first synapse among all, how many it has, and how many those before it have.
    cells : int ndarray of shape (n_synapses,)
        Which (row, target) each of their synapses enters, counted along rows.
    strengths : float ndarray of shape (n_firing,) or None
        How strongly each fires; None where all do so with 1.
    """

    n_rows: int
    starts: Any
    lengths: Any
    offsets: Any
    cells: Any
    strengths: Any


class SparseSynapses:
    """Synapses as compressed rows of the sources on the host: 8 bytes each.

    Parameters
    ----------
    indptr : int64 ndarray of shape (n_sources + 1,)
        Where the synapses of each source begin.
    indices : int32 ndarray of shape (n_synapses,)
        Targets.
    weights : float32 ndarray of shape (n_synapses,)
        At least 1. Changed in place by `strengthen`.
    incoming : float64 ndarray of shape (n_targets,)
        Sum of the weights that enter each target.
    """

    def __init__(self, indptr, indices, weights, incoming):
        self.indptr, self.indices, self.weights, self.incoming = indptr, indices, weights, incoming
        self.fan_in = len(indices) / max(1, len(incoming))

    def parts(self):
        """What a twin is made of."""
        return self.indptr, self.indices, self.weights, self.incoming

    def copy(self):
        """A twin that shares nothing that `strengthen` changes."""
        return SparseSynapses(self.indptr, self.indices, self.weights.copy(), self.incoming)

    def matrix(self):
        """The weights as a csr array of shape (n_sources, n_targets) that shares their memory."""
        shape = len(self.indptr) - 1, len(self.incoming)
        return scipy.sparse.csr_array((self.weights, self.indices, self.indptr), shape=shape)

    def reach(self, firing):
        """The synapses of those that fire.

        Parameters
        ----------
        firing : array of shape (n_rows, n_sources)
            Strength of each source, in [0, 1], or whether it fires.

        Returns
        -------
        reach : Reach
        """
        rows, sources = np.nonzero(firing)
        starts = self.indptr[sources]
        lengths = self.indptr[sources + 1] - starts
        offsets = np.cumsum(lengths) - lengths
        reach = Reach(len(firing), starts, lengths, offsets, None, None)
        cells = self._gathered(self.indices, reach).astype(np.int64)
        if len(firing) > 1:
            cells += np.repeat(rows * len(self.incoming), lengths)
        strengths = None if firing.dtype == bool else firing[rows, sources].astype(np.float64)
        if strengths is not None and np.all(strengths == 1.0):
            strengths = None
        return Reach(len(firing), starts, lengths, offsets, cells, strengths)

    def drive(self, reach):
        """What each target receives from those that fire: float64, of shape (n_rows, n_targets)."""
        received = self._gathered(self.weights, reach)
        if reach.strengths is not None:
            received = received * np.repeat(reach.strengths, reach.lengths)
        n_targets = len(self.incoming)
        return np.bincount(reach.cells, received, minlength=reach.n_rows * n_targets).reshape(reach.n_rows, n_targets)

    def strengthen(self, reach, winners, beta, *, n_times=1, most=CEILING):
        """Multiply the synapses from those that fire to the winners by 1 + beta times the strength, `n_times` over.

        Parameters
        ----------
        reach : Reach
            Of a single row.
        winners : bool ndarray of shape (n_targets,)
            Neurons that fire next.
        beta : float
            Plasticity, >= 0.
        n_times : int, default=1
            How often it happens.
        most : float, default=2**16
            What no weight goes beyond.
        """
        hits = np.flatnonzero(winners[reach.cells])
        source = np.searchsorted(reach.offsets, hits, side="right") - 1
        places = hits + (reach.starts - reach.offsets)[source]
        before = self.weights[places].astype(np.float64)
        strength = np.float64(1.0) if reach.strengths is None else reach.strengths[source]
        with arrays.overflow_expected():
            grown = np.minimum(before * (1.0 + beta * strength) ** n_times, most)
        after = np.maximum(grown, before).astype(np.float32)
        self.weights[places] = after
        self.incoming = self.incoming + np.bincount(reach.cells[hits], after - before, minlength=len(self.incoming))

    def _gathered(self, values, reach):
        """The entries of `values` that belong to the synapses of the reach, source after source."""
        if len(reach.lengths) and reach.lengths.mean() >= _LONG_ROW:
            ends = reach.starts + reach.lengths
            return np.concatenate([values[a:b] for a, b in zip(reach.starts.tolist(), ends.tolist(), strict=True)])
        places = np.repeat(reach.starts - reach.offsets, reach.lengths)
        places += np.arange(len(places))
        return values[places]


class DenseSynapses:
    """The same as a matrix, for products on any array library; 0 is no synapse.

    Parameters
    ----------
    weights : float32 array of shape (n_sources, n_targets)
        0, or at least 1.
    incoming : float64 array of shape (n_targets,)
        Sums of its columns.
    fan_in : float
        Synapses that enter a target, in the mean.
    """

    def __init__(self, weights, incoming, fan_in):
        self.weights, self.incoming, self.fan_in = weights, incoming, fan_in

    def parts(self):
        """What a twin is made of."""
        return self.weights, self.incoming, self.fan_in

    def copy(self):
        """A twin: nothing is changed in place."""
        return DenseSynapses(*self.parts())

    def matrix(self):
        """The weights, as they are."""
        return self.weights

    def reach(self, firing):
        """Firing as the product wants it."""
        return arrays.namespace(firing).astype(firing, self.incoming.dtype)

    def drive(self, reach):
        """What each target receives from those that fire: (n_rows, n_targets)."""
        return reach @ arrays.namespace(reach).astype(self.weights, reach.dtype)

    def strengthen(self, reach, winners, beta, *, n_times=1, most=CEILING):
        """As `SparseSynapses.strengthen`."""
        xp = arrays.namespace(reach)
        before = xp.astype(self.weights, reach.dtype)
        with arrays.overflow_expected():
            grown = xp.matrix_transpose(1.0 + beta * reach) ** n_times * before
        grown = xp.where(grown < most, grown, xp.full_like(before, most))
        moves = winners[None, :] & (before > 0) & (grown > before)
        after = xp.astype(xp.where(moves, grown, before), xp.float32)
        self.weights = after
        self.incoming = xp.sum(xp.astype(after, reach.dtype), axis=0)

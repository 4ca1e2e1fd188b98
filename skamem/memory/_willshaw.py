"""WillshawMemory: binary weights for sparse binary patterns."""

from dataclasses import replace
from numbers import Real
from typing import ClassVar

import scipy.sparse
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays
from skamem.core.callbacks import fit_tasks
from skamem.core.parameters import COUNT, Interval, Kind, Options
from skamem.core.rows import row_blocks
from skamem.core.warn import warn
from skamem.exceptions import CapacityWarning
from skamem.memory._base import BaseMemory
from skamem.memory._binary_recall import DenseNet, recall_patterns
from skamem.memory._binary_weights import (
    HOST_NETS,
    active_units,
    joined,
    pair_blocks,
    switched_on,
    with_synapses,
)
from skamem.memory._door import CueBlock
from skamem.memory._stream import WORK_ARRAYS

__all__ = ["WillshawMemory"]


class WillshawMemory(BaseMemory):
    """Associative memory with binary weights for sparse binary patterns: Willshaw's net.

    A synapse is on once its two units were active together in a stored pattern: W = 1[Σ x yᵀ > 0]. In recall a unit is
    active if its dendritic sum, the number of its synapses that are on and come from active units, reaches a threshold.

    Parameters
    ----------
    threshold : {"match", "winners"} or int, default="match"
        What the sum must reach. "match": the number of active units of the cue, so that no unit of a pattern of which
        the cue is a part is ever missed; feedback then removes false ones. "winners": the `n_active`-th largest sum;
        those that tie with it win, too. An integer >= 1: that sum. It is never below 1.
    target : {"self", "y"}, default="self"
        What a pattern is associated with: itself (`y` is ignored, so that pipelines may pass labels), or the row of
        `y`.
    n_active : int, default=None
        Active units of a pattern, >= 1: how many win ("winners"), or what a unit needs under feedback ("match"). None
        takes them from the stored patterns: the mean, rounded, and the smallest, which keeps the promise of "match".
    storage : {"auto", "sparse", "packed", "dense"}, default="auto"
        Form of the weights. "sparse": 8 bytes for each synapse that is on. "packed": a bit for each synapse, on or
        off. "dense": floats, for matrix products. "auto" begins sparse and packs once that is smaller; where the
        computing is not done by NumPy, it is dense, the only form there.
    n_recall_steps : int, default=100
        Feedback steps at most; 1 is one-step recall. Heteroassociation makes one pass.
    binarize : float, default=0.0
        Units with values above it are active.
    coding : {"auto", "bipolar", "binary"}, default="auto"
        Coding of the recalled patterns; "auto" is binary if the stored patterns were 0 and 1, else bipolar.
    missing : {"free", "clamp"}, default="free"
        Whether all units of a cue may change, or only the unknown ones (NaN), which start inactive.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to compute; None follows the input (see the user guide on GPUs).

    Attributes
    ----------
    storage_ : {"sparse", "packed", "dense"}
        Form in which the weights are stored.
    weights_ : array or csr array of shape (n_units, n_outputs)
        The weights, 0 or 1: csr if sparse, otherwise dense (packed weights are unpacked for each look).
    density_ : float
        Fraction of synapses that are on; counted for each look.
    fewest_active_ : int
        Active units of the smallest stored pattern (of those that have any).
    pattern_sum_ : array of shape (n_outputs,)
        How often each output was active.
    n_patterns_ : int
        Patterns stored.
    total_weight_ : float
        Sum of their weights.
    coding_ : str
        Coding of recalled patterns.
    order_seed_ : int
        Drawn from `random_state` as by all memories; recall of this one has no order.
    n_features_in_ : int
        Number of units.
    feature_names_in_ : ndarray of str
        Names of the units, when `fit` saw any.

    See Also
    --------
    HebbianMemory : For patterns with as many units on as off.

    Notes
    -----
    A pattern of k active of n units switches k² synapses on, so m random ones leave 1 - (1 - k²/n²)^m of them on. The
    memory is at its best with k = log2 n and half of its synapses on, and holds up to ln 2 = .69 bits a synapse there
    as n grows, much less in small nets; beyond half `fit` warns.

    csr patterns and cues are never made dense, unless the weights are. Recalled from csr cues, binary patterns (and
    `Recall.unresolved`) are csr. A sample weight says nothing to this memory but whether a pattern is stored. A cue
    without an active unit is silent: its unknown units, and all outputs under ``target="y"``, take the majority of the
    stored patterns and are flagged as unresolved. An unknown unit of any other cue counts as inactive and is recalled.

    Cost of a pattern: k² synapses. Of a recall step: k rows of the weights a cue.

    References
    ----------
    Willshaw, Buneman and Longuet-Higgins (1969), Nature 222:960, doi:10.1038/222960a0.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem import WillshawMemory
    >>> patterns = np.asarray([[1, 1, 1, 0, 0, 0, 0, 0], [0, 0, 1, 1, 1, 0, 0, 0], [0, 0, 0, 0, 0, 1, 1, 1]])
    >>> memory = WillshawMemory().fit(patterns)
    >>> memory.predict([[1, 1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1, 0, 0]])  # parts of two patterns
    array([[1., 1., 1., 0., 0., 0., 0., 0.],
           [0., 0., 0., 0., 0., 1., 1., 1.]])
    """

    _anchor = "pattern_sum_"
    _parameters: ClassVar[dict[str, Kind]] = {
        "threshold": Options("match", "winners") | COUNT,
        "n_active": COUNT | None,
        "storage": Options("auto", "dense", *HOST_NETS),
        "binarize": Interval(Real),
    }
    activation = "step"
    update = "sync"
    random_state = None

    def __init__(
        self,
        threshold="match",
        *,
        target="self",
        n_active=None,
        storage="auto",
        n_recall_steps=100,
        binarize=0.0,
        coding="auto",
        missing="free",
        backend=None,
    ):
        self.threshold = threshold
        self.target = target
        self.n_active = n_active
        self.storage = storage
        self.n_recall_steps = n_recall_steps
        self.binarize = binarize
        self.coding = coding
        self.missing = missing
        self.backend = backend

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.array_api_support = tags.array_api_support and self.storage not in HOST_NETS
        return tags

    # ------------------------------------------------------------------ storing

    def _learn(self, stream, *, reset):
        storage = self._new_storage(stream.placement) if reset else self.storage_
        if reset:
            self.fewest_active_ = 0
        if storage == "dense":
            self._learn_dense(stream, reset)
        else:
            self._learn_on_host(stream, reset, storage)

    def _new_storage(self, placement):
        on_host = arrays.host_checks_are_free(placement.xp)
        if self.storage in HOST_NETS and not on_host:
            raise ValueError(
                f"storage={self.storage!r} lives in the memory of the host, but the computing is done by "
                f"{placement.xp.__name__}; use storage='dense' there, or backend='numpy'."
            )
        if self.storage != "auto":
            return self.storage
        return "sparse" if on_host else "dense"

    def _learn_dense(self, stream, reset):
        dtype = stream.dtype if reset else self._synapses.dtype
        weights = 0.0 if reset else self._synapses
        xp, blocks = stream.placement.xp, stream.rows
        steps = fit_tasks(self, blocks, name="block", n_tasks=len(blocks), X=stream.X, y=stream.Y, attributes=dict)
        for rows in steps:
            X, Y, weight = stream.block(rows, dtype)
            together = xp.matrix_transpose(X) @ (X if Y is None else Y)
            weights = xp.astype(weights + together > 0, dtype)
            self._synapses, self.storage_ = weights, "dense"
            self._count(X, Y, weight)
            self._note_fewest(xp.sum(X if Y is None else Y, axis=1))

    def _learn_on_host(self, stream, reset, storage):
        inputs = active_units(_at_home(stream.X, stream.placement), stream.code)[0]
        outputs = inputs if stream.Y is None else active_units(stream.Y, stream.target_code)[0]
        shape = inputs.shape[1], outputs.shape[1]
        form = HOST_NETS[storage]
        net = form(form.empty(*shape) if reset else self._synapses.weights.copy(), shape[1])
        blocks = pair_blocks(inputs, outputs)
        steps = fit_tasks(self, blocks, name="block", n_tasks=len(blocks), X=stream.X, y=stream.Y, attributes=dict)
        for rows in steps:
            net = with_synapses(net, switched_on(inputs[rows], outputs[rows]), may_pack=self.storage == "auto")
            self._keep(net)
            weight = None if stream.sample_weight is None else stream.sample_weight[rows]
            self._count_sparse(outputs[rows], weight, stream.dtype)

    _learning_parameters = ("target", "binarize")

    def _join(self, other, placement, *, reset):
        storage = self._new_storage(placement) if reset else self.storage_
        fewest = [n for n in (other.fewest_active_, 0 if reset else self.fewest_active_) if n]
        self.fewest_active_ = min(fewest, default=0)
        theirs = other._net()
        if storage == "dense":
            more = placement.asarray(theirs.toarray(), arrays.float_dtype(other.pattern_sum_, placement.xp))
            self._synapses, self.storage_ = more if reset else placement.xp.maximum(self._synapses, more), storage
            return
        net = _empty_net(storage, other.n_features_in_, other._n_features_out) if reset else self._synapses
        self._keep(joined(net, theirs, may_pack=self.storage == "auto"))

    def _keep(self, net):
        self._synapses, self.storage_ = net, _name_of(net)

    def _moved(self, backend, placement):
        moved = super()._moved(backend, placement)
        if not hasattr(self, "storage_"):
            return moved
        storage = self._new_storage(placement)
        if storage == "dense" and self.storage_ != "dense":
            weights = placement.asarray(self._synapses.toarray(), moved["pattern_sum_"].dtype)
            return moved | {"_synapses": weights, "storage_": storage}
        if storage != "dense" and self.storage_ == "dense":
            empty, dense = _empty_net(storage, *self._synapses.shape), DenseNet(moved["_synapses"])
            net = joined(empty, dense, may_pack=self.storage == "auto")
            return moved | {"_synapses": net, "storage_": _name_of(net)}
        return moved

    def _count_sparse(self, outputs, weight, dtype):
        active = outputs.sum(axis=0, dtype=dtype) if weight is None else (weight @ outputs).astype(dtype)
        self.pattern_sum_ = active if self.pattern_sum_ is None else self.pattern_sum_ + active
        self.n_patterns_ += outputs.shape[0]
        self.total_weight_ += outputs.shape[0] if weight is None else float(weight.sum())
        self._note_fewest(HOST_NETS["sparse"].counts(outputs))

    def _note_fewest(self, counts):
        """Keep the smallest number of active units of a pattern, 0 for none yet; empty patterns do not count."""
        xp = arrays.namespace(counts)
        fewest = int(xp.min(xp.where(counts > 0, counts, self.n_features_in_ + self._n_features_out)))
        self.fewest_active_ = min(fewest, self.fewest_active_ or fewest)

    def _warn_of_losses(self, stream=None):
        density = self.density_
        if density > 0.5:
            warn(
                f"WillshawMemory has {100 * density:.0f} % of its synapses on after {self.n_patterns_} patterns, "
                "beyond the limit of 50 %: expect units that are falsely active. Store fewer patterns, sparser ones "
                "(about log2(n_units) active units), or use HebbianMemory for dense patterns.",
                CapacityWarning,
            )

    # ------------------------------------------------------------------ what is stored

    def _net(self):
        return DenseNet(self._synapses) if self.storage_ == "dense" else self._synapses

    @property
    def weights_(self):
        """The weights, 0 or 1: csr if they are stored so, otherwise dense."""
        return self._net().toarray()

    @property
    def density_(self):
        """Fraction of synapses that are on."""
        return self._net().count_on() / (self.n_features_in_ * self._n_features_out)

    def _follows_a_field(self):
        raise AttributeError(
            "WillshawMemory recalls by thresholds that depend on the cue, not by a field with a tolerance; expected a "
            "memory such as HebbianMemory or DenseMemory. Use recall(X), or field(X) for dendritic sums."
        )

    def _make_field(self):
        net = self._net()
        return lambda states: net.dense(net.sums(states))

    def _n_active(self):
        """Active units of a pattern: as the user says, or as the patterns had them."""
        if self.n_active is not None:
            return min(self.n_active, self._n_features_out)
        if self.threshold == "match":
            return self.fewest_active_
        xp = arrays.namespace(self.pattern_sum_)
        return min(max(1, round(float(xp.sum(self.pattern_sum_)) / self.total_weight_)), self._n_features_out)

    # ------------------------------------------------------------------ recalling

    def score(self, X, y=None):
        """Whether cues come back: mean fraction of units right.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_units)
            Cues.
        y : array-like or csr matrix of shape (n_samples, n_outputs), default=None
            True patterns. Under ``target="self"`` they are `X` itself unless `y` has the shape of `X`, so that the
            labels of a pipeline are ignored.

        Returns
        -------
        score : float
            In [0, 1]; unknown (NaN) truths are left out. Sparse patterns are mostly off, so is a memory that forgets:
            see `skamem.metrics.exact_recall_score` for the fraction of patterns that are right.
        """
        if not scipy.sparse.issparse(X):
            return super().score(X, y)
        recalled = self._states(X, "score")
        truth = self._truth(X, y, recalled)
        right = known = 0
        for rows in row_blocks(recalled.shape[0], WORK_ARRAYS * 8 * recalled.shape[1]):
            expected = self.encode(truth[rows, :])
            found = arrays.placement_of(expected).asarray(recalled[rows, :])
            xp = arrays.namespace(expected)
            known += int(xp.count_nonzero(~xp.isnan(expected)))
            right += int(xp.count_nonzero(found == expected))
        return right / max(1, known)

    def _read(self, X, placement, **options):
        """As the base does, but with the unknown units in place of the known ones."""
        if self.storage_ == "dense":
            for block in super()._read(X, placement, **options):
                nothing = placement.xp.zeros_like(block.states, dtype=placement.xp.bool)
                yield replace(block, known=nothing if block.known is None else ~block.known)
            return
        code, X = self._codes(self.coding_)[0], _at_home(X, placement)
        for rows in row_blocks(X.shape[0], WORK_ARRAYS * 8 * (X.shape[1] + self._n_features_out)):
            yield CueBlock(placement, rows, *active_units(X[rows, :], code))

    def _told(self, X, method, tell, clamped=None, dynamics=None):
        check_is_fitted(self)
        net, parts = self._net(), []
        stays_sparse = scipy.sparse.issparse(X) and self.coding_ == "binary" and self.storage_ != "dense"
        for block in self._cue_blocks(X, method):
            cues, unknown, placement = block.states, block.known, block.placement
            recall = recall_patterns(
                net,
                cues,
                threshold=self.threshold,
                n_active=self._n_active(),
                n_steps=self.n_recall_steps,
                free=self._free(net, cues, unknown, block.rows, clamped),
                feedback=self.target == "self",
            )
            states, unresolved = self._resolved(net, recall.states, net.counts(cues) == 0, unknown)
            if stays_sparse:
                states = states.astype(placement.dtype)
            else:
                states, unresolved = placement.asarray(states, placement.dtype), placement.asarray(unresolved)
                states = self._codes(self.coding_)[1].decode(states)
            parts.append(tell(replace(recall, states=states, unresolved=unresolved)))
        if isinstance(parts[0], tuple):
            return tuple(_stacked(part, placement) for part in zip(*parts, strict=True))
        return _stacked(parts, placement)

    def _free(self, net, cues, unknown, rows, clamped):
        """Mask of the units that may change, in the form of the net's masks; None for all."""
        free = None
        if clamped is not None:
            free = net.mask(clamped, rows, cues)
        if self.missing == "clamp" and self.target == "self":
            free = unknown if free is None else net.meet(unknown, free)
        return free

    def _resolved(self, net, states, silent, unknown):
        """States with the majority where a silent cue leaves units unknown, and the mask of those."""
        unresolved = net.flag(silent, None if self.target == "y" else unknown)
        return net.fill(states, unresolved, self._majority()), unresolved


def _empty_net(storage, n_units, n_outputs):
    """A net on the host that is all off."""
    form = HOST_NETS[storage]
    return form(form.empty(n_units, n_outputs), n_outputs)


def _name_of(net):
    """How `storage_` calls the form of a net on the host."""
    return next(name for name, form in HOST_NETS.items() if type(net) is form)


def _at_home(X, placement):
    """`X` on the host, for a `placement` that is there: sparse as it is."""
    return X if scipy.sparse.issparse(X) else placement.asarray(X)


def _stacked(parts, placement):
    """The blocks of one result together, as the caller gets them."""
    if scipy.sparse.issparse(parts[0]):
        return scipy.sparse.vstack(parts, format="csr")
    return placement.give(parts)

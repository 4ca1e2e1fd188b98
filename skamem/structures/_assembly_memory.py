"""AssemblyMemory: stimuli become assemblies of neurons that complete themselves."""

import numpy as np
import scipy.sparse
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays
from skamem.core.base import SkamemTransformer, transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.rows import row_blocks
from skamem.core.warn import warn
from skamem.exceptions import CapacityWarning
from skamem.structures._areas import recur
from skamem.structures._assembly_base import BaseAssembly

__all__ = ["AssemblyMemory"]


class AssemblyMemory(ClassNamePrefixFeaturesOutMixin, SkamemTransformer, BaseAssembly):
    """Memory of neural assemblies: each stimulus recruits a set of neurons that later completes itself.

    An area has `n_neurons` neurons on a random sparse graph. In each round the `n_active` neurons that receive most
    fire, the k-cap, and synapses from a neuron that fires to one that fires next grow by the factor 1 + `beta`. A
    stimulus that is held before the area so *projects* to an assembly: after a few rounds the same neurons fire again
    and again.

    Parameters
    ----------
    n_neurons : int, default=2000
        Neurons of the area, >= 1.
    n_active : int or "auto", default="auto"
        Neurons that fire in a round, 1 <= n_active <= n_neurons; "auto" is the square root of `n_neurons`.
    p : float or "auto", default="auto"
        Probability of a synapse from one neuron, or input, to another, in [0, 1]. "auto" is 24 / `n_active`, at most
        1/2: a neuron then has up to 24 synapses from each assembly, enough that half of one stands out against chance.
    beta : float, default=0.1
        Plasticity, >= 0; with 0 nothing is learnt, and assemblies are those of the random graph.
    n_rounds : int, default=20
        Rounds for which a stimulus is held before the area in `fit`, and rounds at most in recall; >= 1.
    max_weight : float or None, default=2.0
        Where synapses saturate, >= 1; they begin at 1. None lets them grow without a bound that would matter (2**16),
        as in the original paper; then the assemblies formed first attract those of other stimuli.
    homeostasis : bool, default=True
        Each neuron scales what it receives so that its incoming weights always have the same sum, for the inputs and
        for the area: neurons that took part in one assembly are not drawn into every other.
    binarize : float or None, default=0.0
        Inputs with values above it fire. None: values say how strongly inputs fire; they must be >= 0, and count
        relative to the largest of their row.
    random_state : int, RandomState or None, default=None
        Draws the graph.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to compute; None follows the input (see the user guide on GPUs).

    Attributes
    ----------
    assemblies_ : csr array or array of shape (n_stimuli, n_neurons)
        The assemblies that the stimuli formed, in their order: 1 for a neuron that belongs to it. csr in host memory.
    n_rounds_ : array of shape (n_stimuli,)
        Rounds until the same neurons fired again; `n_rounds` where others did to the end.
    n_active_ : int
        Neurons that fire in a round.
    p_ : float
        Probability of a synapse.
    input_weights_ : csr array or array of shape (n_features, n_neurons)
        Weights of the synapses from the inputs; 0 is no synapse. csr in host memory, made at each look.
    recurrent_weights_ : csr array or array of shape (n_neurons, n_neurons)
        Weights of the synapses within the area. No neuron has one on itself.
    weight_sums_ : array of shape (n_neurons,)
        Sums of the columns of `recurrent_weights_`.
    n_features_in_ : int
        Number of inputs.
    feature_names_in_ : ndarray of str
        Names of the inputs, when `fit` saw any.

    See Also
    --------
    AssemblyClassifier : One assembly for each class.
    WillshawMemory : Stores sparse patterns as they are.
    skamem.structures.AssemblyNetwork : Several areas, and the operations between them.

    Notes
    -----
    Stimuli are learnt one after another, so their order matters a little. A stimulus drives the area as strongly as an
    assembly would, however many of its inputs are active; with homeostasis it should not be most of them, since what
    grows for all inputs is scaled away. Where fewer than `n_active` neurons receive anything at all,
    only those fire: a stimulus without an active input has an empty assembly.

    On the host synapses are compressed rows, 8 bytes each, n_neurons² p of them: 100,000 neurons with p = 0.03 take
    2.4 GB. A round costs n_active n_neurons p additions. Elsewhere weights are a dense matrix, and the same seed gives
    the same graph and the same assemblies.

    References
    ----------
    Papadimitriou, Vempala, Mitropolsky, Collins and Maass (2020), Brain computation by assemblies of neurons, PNAS
    117:14464, doi:10.1073/pnas.2001893117.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem import AssemblyMemory
    >>> stimuli = np.eye(5).repeat(20, axis=1)  # five stimuli, 20 inputs each
    >>> memory = AssemblyMemory(random_state=0).fit(stimuli)
    >>> assemblies = memory.transform(stimuli)
    >>> assemblies.shape, assemblies.sum(axis=1)
    ((5, 2000), array([45., 45., 45., 45., 45.]))
    >>> part = assemblies * (np.arange(2000) % 2)  # about half of each
    >>> overlap = np.sum(memory.complete(part) * assemblies, axis=1) / 45
    >>> bool(overlap.mean() > 0.9)
    True
    """

    def __init__(
        self,
        n_neurons=2000,
        *,
        n_active="auto",
        p="auto",
        beta=0.1,
        n_rounds=20,
        max_weight=2.0,
        homeostasis=True,
        binarize=0.0,
        random_state=None,
        backend=None,
    ):
        self.n_neurons = n_neurons
        self.n_active = n_active
        self.p = p
        self.beta = beta
        self.n_rounds = n_rounds
        self.max_weight = max_weight
        self.homeostasis = homeostasis
        self.binarize = binarize
        self.random_state = random_state
        self.backend = backend

    # ------------------------------------------------------------------ storing

    @transactional
    def fit(self, X, y=None):
        """Project each stimulus to an assembly of its own, one after another.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_stimuli, n_features)
            Stimuli. NaN is an input of which nothing is known; it does not fire.
        y : object, default=None
            Ignored; here for pipelines. For classes see `AssemblyClassifier`.

        Returns
        -------
        self : object
            The fitted memory.

        Raises
        ------
        ValueError
            For bad input or parameters. A failed call changes nothing.
        """
        return self._store(X, reset=True)

    @transactional
    def partial_fit(self, X, y=None):
        """Project more stimuli; in pieces gives what `fit` gives at once.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_stimuli, n_features)
            Stimuli.
        y : object, default=None
            Ignored.

        Returns
        -------
        self : object
            The memory. The synapses are copied first, for the case that the call fails.

        Raises
        ------
        ValueError
            As `fit`, and for another graph, `homeostasis` or `binarize` than learning began with.
        """
        return self._store(X, reset=not hasattr(self, "assemblies_"))

    def _store(self, X, *, reset):
        X, placement = self._receive_stimuli(X, reset=reset, method=None if reset else "partial_fit")
        self._begin_or_go_on(begins=reset)
        area = self._draw_area(X.shape[1], placement) if reset else tuple(part.copy() for part in self._area())
        before = [] if reset else [self.assemblies_]
        counts = [] if reset else [self.n_rounds_]
        formed, rounds = [], []

        def state():
            """The memory as it stands."""
            assemblies = _joined([*before, *(self._indicator(firing, placement.dtype) for firing in formed)])
            n_rounds = placement.xp.concat([*counts, placement.asarray(rounds, placement.xp.int64)])
            return {**self._area_state(*area), "assemblies_": assemblies, "n_rounds_": n_rounds}

        steps = fit_tasks(
            self, self._one_by_one(X, placement), name="stimulus", n_tasks=X.shape[0], X=X, attributes=state
        )
        for firing, loud in steps:
            caps = self._project(area, firing, loud, self._silence(placement))
            formed.append(caps[-1])
            rounds.append(len(caps))
        vars(self).update(state())
        self._warn_of_sameness(X, placement)
        return self

    def _warn_of_sameness(self, X, placement):
        groups = self._groups(X, placement)
        if len(groups) > 1 and len(set(groups)) == 1:
            warn(
                f"All {len(groups)} stimuli have the same active inputs, so that they share one assembly. Values above "
                f"binarize={self.binarize} are active: scale X so that it decides, encode X with BipolarEncoder, or "
                "use binarize=None for graded stimuli.",
                CapacityWarning,
            )

    def _groups(self, X, placement):
        """For each row a key that equal stimuli share."""
        keys = []
        for _, firing, _ in self._stimuli(X, placement, self.n_active_):
            keys += [row.tobytes() for row in np.ascontiguousarray(arrays.to_numpy(firing))]
        return keys

    # ------------------------------------------------------------------ recalling

    @property
    def _n_features_out(self):
        return self._size

    def transform(self, X):
        """The assembly that each stimulus leads to; nothing is learnt.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Stimuli. NaN is an input of which nothing is known.

        Returns
        -------
        assemblies : array of shape (n_samples, n_neurons), csr for csr input
            1 for the neurons that fire after `n_rounds` rounds, or once the same fire again; dtype of `X`.
        """
        return self._answer(X, "transform")

    def predict(self, X):
        """The assembly that each stimulus leads to, as `transform` says it, for dense stimuli.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Stimuli.

        Returns
        -------
        assemblies : array of shape (n_samples, n_neurons)
            As `transform` gives.

        Raises
        ------
        TypeError
            For sparse stimuli: use `transform`.
        """
        # scikit-learn holds that `predict` of sparse input is 1-D (check_estimator_sparse_array); assemblies are not.
        if scipy.sparse.issparse(X):
            raise TypeError(
                f"{type(self).__name__}.predict() found a sparse matrix; expected dense stimuli. Use transform(X), "
                "which accepts sparse stimuli and gives csr assemblies, or predict(X.toarray())."
            )
        return self._answer(X, "predict")

    def _answer(self, X, method):
        check_is_fitted(self)
        X, placement = self._receive_stimuli(X, reset=False, method=method)
        return self._given(self._responses(X, placement), placement, scipy.sparse.issparse(X))

    def complete(self, parts):
        """Complete assemblies from parts of them, by the synapses of the area alone.

        Parameters
        ----------
        parts : array-like or csr matrix of shape (n_samples, n_neurons)
            Neurons that fire at first are those above 0; NaN is a neuron of which nothing is known.

        Returns
        -------
        assemblies : array of shape (n_samples, n_neurons), csr for csr input
            1 for the neurons that fire after `n_rounds` rounds, or once the same fire again. A part without a neuron
            stays empty.
        """
        check_is_fitted(self)
        parts, placement = self._receive_outputs(
            parts, self._size, method="complete", name="parts", unit="neuron",
            accept_sparse="csr", ensure_all_finite="allow-nan",
        )  # fmt: skip
        return self._given(self._completed(parts, placement), placement, scipy.sparse.issparse(parts))

    def score(self, X, y=None):
        """How well assemblies come back from half of them, and that they are told apart: mean margin of completion.

        The assembly of each stimulus loses every second neuron and is completed. Its margin is the part of the assembly
        that then fires, less the largest part of the assembly of another stimulus. To choose parameters score what was
        stored: see `skamem.model_selection.StoredPatternsSplit`.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Stimuli. Equal ones are no rivals.
        y : object, default=None
            Ignored.

        Returns
        -------
        score : float
            In [-1, 1]. 1: all of each assembly comes back, and nothing of another; 0: as where all stimuli share one.
        """
        check_is_fitted(self)
        X, placement = self._receive_stimuli(X, reset=False, method="score")
        whole, ended = [], []
        for firing in self._responses(X, placement):
            xp = arrays.namespace(firing)
            half = firing & (xp.cumulative_sum(xp.astype(firing, xp.int64), axis=1) % 2 == 1)
            whole.append(scipy.sparse.csr_array(arrays.to_numpy(firing), dtype=np.float64))
            ended += [scipy.sparse.csr_array(arrays.to_numpy(end), dtype=np.float64) for end in self._recurred(half)]
        groups = np.unique(self._groups(X, placement), return_inverse=True)[1]
        return _mean_margin(_joined(whole), _joined(ended), groups)

    def _completed(self, parts, placement):
        """Yield who fires in the end, for blocks of validated parts."""
        for rows in row_blocks(parts.shape[0], self._row_bytes(0, placement)):
            yield from self._recurred(placement.asarray(parts[rows, :]) > 0)

    def _recurred(self, firing):
        recurrent = self._area()[1]
        nothing = arrays.namespace(firing).zeros_like(firing, dtype=recurrent.incoming.dtype)
        n_rounds = int(self.n_rounds)
        yield recur(nothing, recurrent, self.n_active_, self._plasticity(), n_rounds=n_rounds, firing=firing).states

    def _given(self, blocks, placement, sparse):
        """Masks as the caller gets them: floats in the type of the input."""
        if sparse and arrays.host_checks_are_free(placement.xp):
            return _joined([self._indicator(firing, placement.dtype) for firing in blocks])
        return placement.give(placement.xp.astype(firing, placement.dtype) for firing in blocks)

    def _moved(self, backend, placement):
        moved = super()._moved(backend, placement)
        if hasattr(self, "assemblies_"):
            assemblies = placement.asarray(self.assemblies_)
            moved["assemblies_"] = self._indicator(assemblies, assemblies.dtype)
        return moved

    @staticmethod
    def _indicator(firing, dtype):
        """Masks as ones and zeros: csr in host memory, dense elsewhere."""
        if arrays.is_host(firing):
            return scipy.sparse.csr_array(firing, dtype=dtype)
        return arrays.namespace(firing).astype(firing, dtype)


def _joined(parts):
    """Rows of several arrays, csr or dense, one after the other."""
    if scipy.sparse.issparse(parts[0]):
        return scipy.sparse.vstack(parts, format="csr")
    return arrays.namespace(*parts).concat(parts, axis=0)


def _mean_margin(assemblies, ended, groups):
    """Mean over rows of the part of its assembly that fires, less the largest part of an assembly of another group."""
    sizes = np.maximum(1, np.diff(assemblies.indptr))
    margins = np.empty(len(groups))
    for rows in row_blocks(len(groups), 4 * 8 * len(groups)):
        shared = (ended[rows] @ assemblies.T).toarray() / sizes
        own = shared[np.arange(len(shared)), np.arange(rows.start, rows.stop)]
        rival = np.where(groups[rows, None] == groups, 0.0, shared).max(axis=1)
        margins[rows] = own - rival
    return float(margins.mean())

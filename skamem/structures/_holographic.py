"""HolographicMemory: pairs of vectors superposed in one, read by their keys and cleaned up by a memory."""

from typing import ClassVar

import numpy as np
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, validation
from skamem.core.base import transactional
from skamem.core.binding import ALGEBRA
from skamem.core.callbacks import fit_tasks
from skamem.core.parameters import BOOLEAN, COUNT, Callable, Methods, Options, RandomState
from skamem.core.rows import Rows
from skamem.structures._holographic_base import PAIRS, BaseHolographic, takes_nan
from skamem.structures._nearest import nearest

__all__ = ["HolographicMemory"]


class HolographicMemory(BaseHolographic):
    """Holographic memory: pairs of keys and values superposed in one vector, read by a key and cleaned up.

    The trace c = Σ_i key_i ⊛ value_i has the length of a key, however many pairs it holds. Read with a key it answers
    with the value and noise from the other pairs, which falls as sqrt(n_pairs / n_components); a memory of the values
    cleans it up. Keys should be noise-like, as `skamem.core.binding.random_keys` draws them; or let them be random
    `features` of the cue: near cues then recall near values, without any training.

    Parameters
    ----------
    memory : estimator, "passthrough" or None, default=None
        What cleans up: any autoassociative memory, such as `ModernHopfieldMemory` or `HebbianMemory`, in which the
        distinct values are stored. None: the nearest of them. "passthrough": nothing, `predict` answers with what was
        read, an average of values under `features`; values are then not kept.
    algebra : {"hrr", "fhrr", "map"} or Algebra, default="hrr"
        How keys and values are bound, see `skamem.core.binding`.
    n_components : int, default=None
        Length of the trace, at least the number of outputs. None: the larger of the numbers of features and outputs.
        Keys and values of another length are put into it by a random rotation, those of this length are taken as they
        are (under "fhrr" they are always rotated: keys and values are real, only features may be complex).
    n_traces : int, default=1
        Number of traces; a pair is kept in the one whose random direction is nearest to its key, so that each holds
        fewer.
    features : transformer or callable, default=None
        Makes keys of cues: a transformer of scikit-learn such as ``RBFSampler(n_components=2000)``, or a function
        ``(X) -> features`` of arrays on the host. Recall is then the mean of the values, weighted by the inner products
        of their keys with that of the cue, which approximate a kernel. None: cues are keys.
    unitary : bool, default=False
        Whether keys are made unitary, so that they invert exactly: for keys of your own that are not, and whose inner
        products do not matter.
    random_state : int, RandomState instance or None, default=None
        Draws the rotations, and the directions of the traces.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to compute; None follows the input (see the user guide on GPUs). Features of scikit-learn are computed on
        the host.

    Attributes
    ----------
    trace_ : array of shape (n_traces, n_components)
        Sums of bound pairs, complex under "fhrr".
    key_sum_ : array of shape (n_traces, n_components) or None
        Sums of keys under `features`: what recalled sums of values are divided by.
    output_sum_ : array of shape (n_outputs,)
        Sum of the values.
    weight_sum_ : float
        Number of pairs, or the sum of their weights.
    values_ : array of shape (n_values, n_outputs) or None
        Distinct values; None under ``memory="passthrough"``.
    value_counts_ : array of shape (n_values,) or None
        How often each is held.
    memory_ : estimator
        The memory that cleans up, fitted on `values_`, where `memory` is one.
    features_ : transformer, callable or None
        The fitted features.
    key_codes_ : array of shape (1 or 2, 2, n_mixed) or None
        Random signs and a unitary key, which put keys of another length into that of the trace; two of each under
        "fhrr".
    value_codes_ : array of shape (1 or 2, 2, n_components) or None
        The same for values.
    n_key_features_ : int
        Length of keys before they are put into the trace.
    directions_ : array of shape (n_traces, n_components) or None
        Of the traces, when there are several.
    n_features_in_ : int
        Number of features of a cue.
    feature_names_in_ : ndarray of str
        Names of the features, when `fit` saw any.

    See Also
    --------
    skamem.structures.Vocabulary : Symbols, and records of them in one vector.
    skamem.analysis.holographic_accuracy : How many pairs a trace holds.
    MemoryClassifier : Classifies with a memory of labels, this one too.

    Notes
    -----
    What is read is divided by the power of the key, so that it has the size of the value, times the weight of the pair,
    whatever that of the key. A mean of all values is noise without `features`: subtract it. NaN in a key counts as 0.

    Pairs are read as they were stored: `predict`, `field` and `forget` follow the parameters of the fit, whatever
    `set_params` changed since. Under `features` what is read has noise too, of standard deviation about
    sqrt(p / n), p the squared length of the sum of keys and n the smaller of the number of features and `n_components`:
    between sqrt(n_pairs / n) for keys of length 1 that are far from each other and n_pairs / sqrt(n) for equal ones. A
    sum of weights below 1.5 times that counts as that much, so that the answer goes towards the mean of the values.
    Still it may be some way beyond their range: more features make it less.

    Traces of memories with one whole number as `random_state` add up by `merge`; `features` must then not depend on the
    rows of `fit`, as random features of a given width do not.

    A trace knows sums only: what it is asked to `forget` it subtracts, and cannot tell whether it was stored; it can
    tell whether the value was. Cost of `fit` and `predict` O(n_components log n_components) a pair and a cue under
    "hrr", and of the nearest value O(n_values n_outputs) a cue; one trace whatever the number of pairs.

    References
    ----------
    Plate (1995), Holographic reduced representations, IEEE Transactions on Neural Networks 6:623.
    Rahimi and Recht (2007), Random features for large-scale kernel machines, NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem import HolographicMemory
    >>> from skamem.core.binding import random_keys
    >>> keys, values = random_keys(20, 1024, random_state=0), random_keys(20, 1024, random_state=1)
    >>> memory = HolographicMemory().fit(keys, values)
    >>> memory.trace_.shape
    (1, 1024)
    >>> bool(np.all(memory.predict(keys) == values))
    True
    """

    target = "y"
    _parameters: ClassVar = {
        "memory": Options("passthrough") | Methods("fit", "predict", noun="an autoassociative memory") | None,
        "algebra": ALGEBRA,
        "n_components": COUNT | None,
        "n_traces": COUNT,
        "features": Methods("fit", "transform", noun="a transformer") | Callable("(X) -> features") | None,
        "unitary": BOOLEAN,
        "random_state": RandomState(),
    }

    def __init__(
        self,
        memory=None,
        *,
        algebra="hrr",
        n_components=None,
        n_traces=1,
        features=None,
        unitary=False,
        random_state=None,
        backend=None,
    ):
        self.memory = memory
        self.algebra = algebra
        self.n_components = n_components
        self.n_traces = n_traces
        self.features = features
        self.unitary = unitary
        self.random_state = random_state
        self.backend = backend

    # ------------------------------------------------------------------ storing

    @transactional
    def fit(self, X, y=None, sample_weight=None):
        """Superpose pairs, forgetting those stored before.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_pairs, n_features)
            Keys, or cues that `features` make keys of; real numbers. NaN marks an unknown unit.
        y : array-like or csr matrix of shape (n_pairs, n_outputs)
            Values, real numbers; of one output ``y[:, None]``.
        sample_weight : array-like of shape (n_pairs,), default=None
            How often each pair counts; >= 0, not all zero.

        Returns
        -------
        self : object
            The fitted memory.

        Raises
        ------
        ValueError
            For missing or 1-D `y`, entries that are not finite, bad weights, and a trace too short for the values. A
            failed call changes nothing.
        """
        pairs = self._receive_pairs(X, y, sample_weight, reset=True)
        for _ in fit_tasks(self, [0], name="store", n_tasks=1, X=X, y=y, attributes=dict):
            self._open(*pairs)
            self._add(*pairs)
        return self

    @transactional
    def partial_fit(self, X, y=None, sample_weight=None):
        """Superpose more pairs.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_pairs, n_features)
            Keys or cues.
        y : array-like or csr matrix of shape (n_pairs, n_outputs)
            Values.
        sample_weight : array-like of shape (n_pairs,), default=None
            How often each pair counts.

        Returns
        -------
        self : object
            The memory. Storing in pieces equals storing at once, to rounding; `features` are those of the first call.

        Raises
        ------
        ValueError
            As `fit`, and for parameters that `set_params` changed since: pairs are bound in one way, that of the first
            call. A failed call changes nothing.
        """
        reset = not hasattr(self, "trace_")
        if not reset:
            self._check_unchanged("partial_fit")
        pairs = self._receive_pairs(X, y, sample_weight, reset=reset)
        for _ in fit_tasks(self, [0], name="store", n_tasks=1, X=X, y=y, attributes=dict):
            if reset:
                self._open(*pairs)
            self._add(*pairs)
        return self

    @transactional
    def forget(self, X, y=None, sample_weight=None):
        """Take stored pairs away: the inverse of storing them, to rounding.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_pairs, n_features)
            Keys or cues, exactly as they were stored.
        y : array-like or csr matrix of shape (n_pairs, n_outputs)
            Values.
        sample_weight : array-like of shape (n_pairs,), default=None
            How often each pair is taken away.

        Returns
        -------
        self : object
            The memory without them.

        Raises
        ------
        ValueError
            When a value is not held so often, or nothing would be left. A failed call changes nothing. A key that was
            never stored with that value is not noticed: the trace knows sums only.
        """
        check_is_fitted(self)
        X, y, weight, placement = self._receive_pairs(X, y, sample_weight, reset=False, method="forget")
        weight = np.ones(X.shape[0]) if weight is None else weight
        if self.weight_sum_ - weight.sum() <= 1e-9 * self.weight_sum_:
            raise ValueError("forget(X, y) would leave no pair; expected one to stay at least. Use fit to start anew.")
        self._add(X, y, weight, placement, sign=-1.0)
        return self

    # ------------------------------------------------------------------ recalling

    def field(self, X):
        """What is read with each key, before it is cleaned up.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Keys, or cues that `features` make keys of. NaN marks an unknown unit.

        Returns
        -------
        field : array of shape (n_samples, n_outputs)
            The value of the key and noise from other pairs; under `features` the mean of values of near cues, weighted
            as they are near, and the mean of all where none is, with noise that may lead beyond the range of the values
            (see Notes).
        """
        return self._answer(X, "field", lambda read, placement: read)

    def predict(self, X):
        """Recall the value of each key.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Keys, or cues that `features` make keys of. NaN marks an unknown unit.

        Returns
        -------
        values : array of shape (n_samples, n_outputs)
            One of the stored values, or what `memory` makes of what was read; dtype of `X`.
        """
        return self._answer(X, "predict", self._cleaned)

    def score(self, X, y):
        """Coefficient of determination R² of recalled values, over all outputs together.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Keys or cues.
        y : array-like of shape (n_samples, n_outputs)
            True values.

        Returns
        -------
        score : float
            1 when all are recalled, 0 for their mean.
        """
        recalled = self.predict(X)
        place = arrays.placement_of(recalled)
        y = validation.check_targets(y, recalled, place, recalled.dtype, owner=type(self).__name__, optional=False)
        return float(r2_score(y, recalled, multioutput="variance_weighted"))

    def _answer(self, X, method, function):
        check_is_fitted(self)
        X, placement = self._receive_cues(X, reset=False, method=method)
        space, traces = self._key_space(), self._traces()
        mean = None if self.key_sum_ is None else self.output_sum_ / self.weight_sum_
        reader = traces.reader(space, mean)
        row_bytes = 128 * self.trace_.shape[1]
        rows = Rows(X, placement, placement.working_dtype).blocks(row_bytes, at_most=PAIRS)
        return placement.give(
            (function(reader(space.keys(block, placement)), placement) for _, block in rows), X.shape[0]
        )

    def _cleaned(self, read, placement):
        if self._passes_through():
            return read
        if hasattr(self, "memory_"):
            return self.memory_.predict(placement.release(read))
        return placement.xp.take(self.values_, nearest(read, *self._prepared), axis=0)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = takes_nan(self.features)
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        return tags

"""MemoryClassifier: any heteroassociative memory as a classifier."""

import copy
import math
from typing import ClassVar

import numpy as np
import scipy.sparse
from sklearn.base import ClassifierMixin
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, validation
from skamem.core.base import transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.magnitudes import power_of_two
from skamem.core.merging import IncrementalEstimator
from skamem.core.pairs import PairMemory, PairMemoryEstimator, new_engine
from skamem.core.parameters import BOOLEAN, ClassWeight
from skamem.memory import PseudoinverseMemory
from skamem.supervised._witnesses import MAX_WITNESSES, held_back, rows_of, softmax_scale
from skamem.training import class_weights, log_softmax

__all__ = ["MemoryClassifier"]

_ROWS_A_UNIT = 10  # with so many, no row weighs much in weights that all rows share
_NEAR = 0.75  # power of the rounding unit: how far features may be from 1 so that a unit of value 1 is for them
_SAME = 16.0  # in units of rounding: fields that are no farther apart are equal


def _learns_in_pieces(classifier):
    memory = PseudoinverseMemory() if classifier.memory is None else classifier.memory
    if hasattr(memory, "partial_fit"):
        return True
    raise AttributeError(
        f"MemoryClassifier has partial_fit where its memory has it; found memory={memory!r}. Use fit on all samples, "
        "or a memory such as HebbianMemory or ModernHopfieldMemory."
    )


def _takes_nan(memory):
    memory = PseudoinverseMemory() if memory is None else memory
    return hasattr(memory, "__sklearn_tags__") and get_tags(memory).input_tags.allow_nan


class MemoryClassifier(ClassifierMixin, PairMemoryEstimator, IncrementalEstimator):
    """Classify with a memory that associates patterns with their labels.

    Labels become bipolar one-hot patterns (+1 for the class, -1 for the others), the memory stores the pairs, and the
    class whose unit is pushed hardest wins.

    Parameters
    ----------
    memory : estimator, default=None
        A heteroassociative memory: one with ``target="y"`` and `field`. It is cloned, and its ``target`` is set if it
        is a parameter; `HolographicMemory` and `BidirectionalMemory` always store pairs. None is
        ``PseudoinverseMemory(binarize=None)``: linear least squares on the features as they are.
    fit_intercept : bool, default=True
        Add one unit that is always on, so that classes need not be separated through the origin.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, on top of `sample_weight`.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to compute; given to the memory unless None.

    Attributes
    ----------
    memory_ : estimator
        The fitted memory.
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    class_count_ : array of shape (n_classes,)
        Samples of each class, counted by their weights.
    scale_ : float
        Factor on the fields in `predict_proba`, fitted by maximum likelihood.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, when `fit` saw any.

    See Also
    --------
    DenseAMClassifier : A memory trained to classify.

    Notes
    -----
    NaN is an unknown unit, in `fit` and in `predict`, as it is for the memory. A row of which nothing is known is, for
    every memory, answered by how often classes came: probabilities are (`class_count_` + 1) / (sum + n_classes).

    Probabilities are softmax(`scale_` times field), with one scale fitted against targets smoothed as Platt's, so that
    a memory which recalls its labels perfectly is not infinitely sure. No row is its own witness: the scale is fitted
    on rows held back from a memory of the others, one in five and at most about 512. Only for weights that all rows
    share, with ten rows a unit or more, on the training rows themselves. Probabilities rank as `decision_function`
    does; where calibration matters, wrap the classifier in `sklearn.calibration`.

    Cost: that of the memory, and once more where rows are held back.

    References
    ----------
    Platt (1999), Probabilistic outputs for support vector machines, in Advances in Large Margin Classifiers, MIT Press.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skamem import MemoryClassifier, PseudoinverseMemory
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = MemoryClassifier(PseudoinverseMemory(binarize=None)).fit(X, y)
    >>> round(classifier.score(X, y), 2)
    0.85
    """

    _learning_parameters = ("memory", "fit_intercept")
    _parameters: ClassVar = {
        "memory": PairMemory("field", "patterns with labels") | None,
        "fit_intercept": BOOLEAN,
        "class_weight": ClassWeight(),
    }

    def __init__(self, memory=None, *, fit_intercept=True, class_weight=None, backend=None):
        self.memory = memory
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.backend = backend

    def _new_memory(self):
        memory = PseudoinverseMemory(binarize=None) if self.memory is None else self.memory
        return new_engine(memory, self.backend)

    @transactional
    def fit(self, X, y, sample_weight=None):
        """Associate patterns with labels.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Patterns. NaN marks an unknown unit.
        y : array-like of shape (n_samples,)
            Class labels, numbers or strings.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each sample counts; >= 0, not all zero.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        TypeError
            When `memory` is not heteroassociative.
        ValueError
            For bad input, or labels of a single class. A failed call changes nothing.
        """
        X, placement = self._receive(X, reset=True, **self._input_options())
        self._begin()
        self._always_on = self._on_value(X)
        memory = self._new_memory()
        self.classes_, codes = validation.check_labels(y, X, owner=type(self).__name__)
        weight = self._row_weights(sample_weight, X, placement, codes)
        self.class_count_ = placement.asarray(self._class_counts(codes, weight), placement.xp.float64)
        for _ in fit_tasks(self, [0], name="memory", n_tasks=1, X=X, y=y, attributes=dict, inner=memory):
            self._fit_with_scale(memory.fit, X, codes, weight)
        return self

    @available_if(_learns_in_pieces)
    @transactional
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Associate more patterns with labels.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Patterns. NaN marks an unknown unit.
        y : array-like of shape (n_samples,)
            Class labels.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever come; for the first call. None takes those of the first `y`.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each sample counts.

        Returns
        -------
        self : object
            The classifier. Fields are those of one `fit` on all samples; the scale of probabilities is a running mean
            over the calls, each of which asks the memory of the samples before.

        Raises
        ------
        ValueError
            As `fit`, for labels that are not in `classes`, for another `memory` or `fit_intercept` than learning began
            with, and for ``class_weight="balanced"``, which needs all rows. A failed call changes nothing.
        """
        if isinstance(self.class_weight, str):
            raise ValueError(
                "class_weight='balanced' is not for partial_fit, which does not know how many rows of each class will "
                "come; expected a dictionary {label: weight}, of sklearn.utils.class_weight.compute_class_weight say."
            )
        reset = not hasattr(self, "memory_")
        X, placement = self._receive(X, reset=reset, method=None if reset else "partial_fit", **self._input_options())
        self._begin_or_go_on(begins=reset)
        if reset:
            self._always_on = self._on_value(X)
        known = None if reset else self.classes_
        self.classes_ = validation.known_classes(known, classes, y, X, type(self).__name__)
        codes = validation.known_codes(y, X, self.classes_, type(self).__name__)
        weight = self._row_weights(sample_weight, X, placement, codes)
        counts = self._class_counts(codes, weight)
        before = 0.0 if reset else arrays.to_numpy(self.class_count_)
        self.class_count_ = placement.asarray(before + counts, placement.xp.float64)
        # A fitted memory replaces its arrays: a shallow copy keeps the one before for the case that this call fails.
        memory = self._new_memory() if reset else copy.copy(self.memory_)
        for _ in fit_tasks(self, [0], name="memory", n_tasks=1, X=X, y=y, attributes=dict, inner=memory):
            if reset:
                self._fit_with_scale(memory.partial_fit, X, codes, weight)
                continue
            scale = self._witnessed_scale(self.memory_, X, codes, weight, counts)
            self._average_scale(scale, len(codes))
            self.memory_ = memory.partial_fit(*self._pairs(X, codes, weight))
        return self

    def _input_options(self):
        return {"accept_sparse": "csr", "ensure_all_finite": "allow-nan" if _takes_nan(self.memory) else True}

    def _row_weights(self, sample_weight, X, placement, codes):
        """Weights of samples and classes on the host; None when every row counts 1."""
        weight = validation.check_sample_weight(sample_weight, X, placement, placement.xp.float64)
        if weight is None and self.class_weight is None:
            return None
        weight = np.ones(len(codes)) if weight is None else arrays.to_numpy(weight)
        return class_weights(self.class_weight, self.classes_, codes, weight)

    def _pairs(self, X, codes, weight):
        """What the memory stores: patterns, bipolar one-hot labels and their weights."""
        one_hot = np.where(codes[:, None] == np.arange(len(self.classes_)), 1.0, -1.0)
        place = arrays.placement_of(X)
        return self._extended(X), place.asarray(one_hot), None if weight is None else place.asarray(weight)

    # ------------------------------------------------------------------ the scale of probabilities

    def _fit_with_scale(self, store, X, codes, weight):
        """Store all rows, and find the scale of the fields."""
        few = X.shape[0] < _ROWS_A_UNIT * (X.shape[1] + self.fit_intercept)
        # First, so that two memories are not there at a time.
        found = self._held_back_scale(X, codes, weight) if few else None
        self.memory_ = store(*self._pairs(X, codes, weight))
        if found is None and hasattr(self.memory_, "patterns_"):  # a look-up table, in which each row finds itself
            found = self._held_back_scale(X, codes, weight)
        if found is None:
            counts = self._class_counts(codes, weight)
            found = self._witnessed_scale(self.memory_, X, codes, weight, counts), len(codes)
        self.scale_, self._n_witnesses = found

    def _held_back_scale(self, X, codes, weight):
        """Scale from rows held back from a memory of the others, and how many; None when rows are too much alike."""
        held = held_back(X, weight)
        if held is None:
            return None
        rows, others = (rows_of(X, codes, weight, np.flatnonzero(mask)) for mask in (held, ~held))
        memory = self._new_memory().fit(*self._pairs(*others))
        # Witnesses who were not stored are honest: less is to be smoothed, as if there were one error among all rows.
        counts = self._class_counts(codes, weight)
        return self._witnessed_scale(memory, *rows, 0.0 * counts + counts.sum()), int(held.sum())

    def _class_counts(self, codes, weight):
        return np.bincount(codes, weights=weight, minlength=len(self.classes_)).astype(np.float64)

    def _witnessed_scale(self, memory, X, codes, weight, counts):
        fields = arrays.to_numpy(memory.field(self._extended(X))).astype(np.float64)
        return softmax_scale(fields, codes, np.ones(len(codes)) if weight is None else weight, counts)

    def _average_scale(self, scale, n_rows):
        before = min(self._n_witnesses, MAX_WITNESSES)
        share = n_rows / (before + n_rows)
        self.scale_ = float(self.scale_ ** (1.0 - share) * scale**share)
        self._n_witnesses = before + n_rows

    _always_on = 1.0
    """Value of the unit that is always on."""

    def _on_value(self, X):
        """1, or a power of two next to the largest feature: where that is far from 1, one of both would be rounding."""
        if getattr(self.memory, "binarize", None) is not None:  # above the threshold whatever the features
            return 1.0
        values = X.data if scipy.sparse.issparse(X) else X
        xp, size = arrays.namespace(values), math.prod(values.shape)
        largest = float(xp.max(xp.where(xp.isnan(values), 0.0, xp.abs(values)))) if size else 0.0
        is_near = float(xp.finfo(arrays.float_dtype(X, xp)).eps) ** _NEAR
        return 1.0 if largest == 0.0 or is_near <= largest <= 1.0 / is_near else power_of_two(largest)

    def _extended(self, X):
        """`X` with a column that is always on when there is an intercept."""
        if not self.fit_intercept:
            return X
        if scipy.sparse.issparse(X):
            return scipy.sparse.hstack([X, np.full((X.shape[0], 1), self._always_on, dtype=X.dtype)], format="csr")
        xp = arrays.namespace(X)
        column = xp.full((X.shape[0], 1), self._always_on, dtype=X.dtype, device=arrays.device(X))
        return xp.concat([X, column], axis=1)

    def _fields(self, X, method):
        """Validated fields (n_samples, n_classes), where the caller's arrays live."""
        check_is_fitted(self)
        X, _ = self._receive(X, reset=False, method=method, **self._input_options())
        fields = self._with_blanks(self.memory_.field(self._extended(X)), X)
        # Classes that differ by rounding only are equal, so that the first of them wins in any company.
        xp = arrays.namespace(fields)
        largest = xp.max(fields, axis=1, keepdims=True)
        rounding = _SAME * xp.finfo(fields.dtype).eps * xp.max(xp.abs(fields), axis=1, keepdims=True)
        return xp.where(fields >= largest - rounding, largest, fields)

    def _with_blanks(self, fields, X):
        """Fields, those of rows without a known feature such that probabilities are how often classes came."""
        if not _takes_nan(self.memory):
            return fields
        xp, place = arrays.namespace(fields), arrays.placement_of(fields)
        if scipy.sparse.issparse(X):
            unknown = scipy.sparse.csr_array((np.isnan(X.data), X.indices, X.indptr), shape=X.shape)
            blank = place.asarray(unknown.sum(axis=1) == X.shape[1])
        else:
            blank = xp.all(xp.isnan(X), axis=1)
        prior = xp.log(place.asarray(self.class_count_, fields.dtype) + 1.0) / self.scale_
        return xp.where(blank[:, None], prior - xp.mean(prior), fields)

    def decision_function(self, X):
        """Push of the memory on each class.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Patterns.

        Returns
        -------
        scores : array of shape (n_samples, n_classes), or (n_samples,) for two classes
            Fields of the class units; for two classes the field of the second less that of the first.
        """
        fields = self._fields(X, "decision_function")
        return fields[:, 1] - fields[:, 0] if fields.shape[1] == 2 else fields

    def predict(self, X):
        """Class whose unit is pushed hardest.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Patterns.

        Returns
        -------
        labels : array of shape (n_samples,)
            In the namespace of `X` for numeric labels, NumPy for strings.
        """
        fields = self._fields(X, "predict")
        winners = arrays.namespace(fields).argmax(fields, axis=1)
        return arrays.take_labels(self.classes_, winners)

    def predict_proba(self, X):
        """Class probabilities: softmax of the scaled fields.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Patterns.

        Returns
        -------
        probabilities : array of shape (n_samples, n_classes)
            Rows sum to 1.
        """
        log_probabilities = self._log_probabilities(X, "predict_proba")
        return arrays.namespace(log_probabilities).exp(log_probabilities)

    def predict_log_proba(self, X):
        """Logarithms of class probabilities, finite where the probabilities are too small for a number.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Patterns.

        Returns
        -------
        log_probabilities : array of shape (n_samples, n_classes)
        """
        return self._log_probabilities(X, "predict_log_proba")

    def _log_probabilities(self, X, method):
        fields = self._fields(X, method)
        xp = arrays.namespace(fields)
        return log_softmax(self.scale_ * (fields - xp.max(fields, axis=1, keepdims=True)))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = _takes_nan(self.memory)
        return tags

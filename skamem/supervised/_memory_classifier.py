"""MemoryClassifier: any heteroassociative memory as a classifier."""

from typing import ClassVar

import numpy as np
import scipy.optimize
import scipy.sparse
import scipy.special
from sklearn.base import ClassifierMixin, clone
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, validation
from skamem.core.base import SkamemEstimator, transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.parameters import BOOLEAN, Kind
from skamem.memory import HebbianMemory, PseudoinverseMemory

__all__ = ["MemoryClassifier"]


class _Associator(Kind):
    """A memory that can store pairs; MemoryClassifier sets its `target`."""

    def accepts(self, value):
        return (
            hasattr(value, "field")
            and hasattr(value, "set_params")
            and not isinstance(value, type)
            and ("target" in value.get_params(deep=False))
        )

    def concerns(self, value):
        return value is not None

    def refuse(self, name, value):
        raise TypeError(f"{name}={value!r} cannot associate patterns with labels; expected {self}.")

    def __str__(self):
        able = ", ".join(kind.__name__ for kind in (HebbianMemory, PseudoinverseMemory))
        return f"a memory with target='y' and field, such as {able}"


class MemoryClassifier(ClassifierMixin, SkamemEstimator):
    """Classify with a memory that associates patterns with their labels.

    Labels become bipolar one-hot patterns (+1 for the class, -1 for the others), the memory stores the pairs, and the
    class whose unit is pushed hardest wins.

    Parameters
    ----------
    memory : estimator, default=None
        A heteroassociative memory: one with ``target="y"`` and `field`. It is cloned, and its ``target`` is set. None
        is ``PseudoinverseMemory(binarize=None)``: linear least squares on the features as they are.
    fit_intercept : bool, default=True
        Add one unit that is always on, so that classes need not be separated through the origin.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to compute; given to the memory unless None.

    Attributes
    ----------
    memory_ : estimator
        The fitted memory.
    classes_ : ndarray of shape (n_classes,)
        Class labels.
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
    Probabilities are softmax(`scale_` times field), with one scale fitted on the training data against
    targets smoothed as Platt's, so that a memory which recalls its training labels perfectly is not infinitely sure.
    They rank as `decision_function` does; where calibration matters, wrap the classifier in `sklearn.calibration`.
    Cost: that of the memory.

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

    _parameters: ClassVar = {
        "memory": _Associator() | None,
        "fit_intercept": BOOLEAN,
    }

    def __init__(self, memory=None, *, fit_intercept=True, backend=None):
        self.memory = memory
        self.fit_intercept = fit_intercept
        self.backend = backend

    def _largest_product(self, data):
        """Not known: the memory, whose products they are, knows its own."""
        return 0

    def _new_memory(self):
        memory = PseudoinverseMemory(binarize=None) if self.memory is None else clone(self.memory, safe=False)
        memory.set_params(target="y")
        if self.backend is not None:
            memory.set_params(backend=self.backend)
        return memory

    @transactional
    def fit(self, X, y, sample_weight=None):
        """Associate patterns with labels.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Patterns.
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
        X, placement = self._receive(X, reset=True, accept_sparse="csr")
        memory = self._new_memory()
        self.classes_, codes = validation.check_labels(y, X, owner=type(self).__name__)
        weight = validation.check_sample_weight(sample_weight, X, placement, placement.xp.float64)
        one_hot = np.where(codes[:, None] == np.arange(len(self.classes_)), 1.0, -1.0)
        options = {} if weight is None else {"sample_weight": arrays.placement_of(X).asarray(weight)}
        for _ in fit_tasks(self, [0], name="memory", n_tasks=1, X=X, y=y, attributes=dict, inner=memory):
            self.memory_ = memory.fit(self._extended(X), arrays.placement_of(X).asarray(one_hot), **options)
            weight = np.ones(len(codes)) if weight is None else arrays.to_numpy(weight)
            fields = arrays.to_numpy(self.memory_.field(self._extended(X)))
            self.scale_ = _softmax_scale(fields.astype(np.float64), codes, weight)
        return self

    def _extended(self, X):
        """`X` with a column of ones when there is an intercept."""
        if not self.fit_intercept:
            return X
        if scipy.sparse.issparse(X):
            return scipy.sparse.hstack([X, np.ones((X.shape[0], 1), dtype=X.dtype)], format="csr")
        xp = arrays.namespace(X)
        return xp.concat([X, xp.ones((X.shape[0], 1), dtype=X.dtype, device=arrays.device(X))], axis=1)

    def _fields(self, X, method):
        """Validated fields (n_samples, n_classes), where the caller's arrays live."""
        check_is_fitted(self)
        X, _ = self._receive(X, reset=False, method=method, accept_sparse="csr")
        return self.memory_.field(self._extended(X))

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
        fields = self._fields(X, "predict_proba")
        xp = arrays.namespace(fields)
        scaled = self.scale_ * (fields - xp.max(fields, axis=1, keepdims=True))
        weights = xp.exp(scaled)
        return weights / xp.sum(weights, axis=1, keepdims=True)

    @property
    def _anchor(self):
        return "_memory_array"

    @property
    def _memory_array(self):
        return getattr(self.memory_, getattr(self.memory_, "_anchor", "classes_"), self.classes_)

    @property
    def _backend(self):
        return self.backend if self.backend is not None else getattr(self.memory, "backend", None)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _softmax_scale(fields, codes, weight):
    """The factor on `fields` that makes softmax most likely for labels smoothed as Platt's."""
    n_classes = fields.shape[1]
    counts = np.bincount(codes, weights=weight, minlength=n_classes)[codes]
    targets = np.repeat(1.0 / (counts + n_classes)[:, None], n_classes, axis=1)
    targets[np.arange(len(codes)), codes] = (counts + 1.0) / (counts + n_classes)
    unit = np.sqrt(np.mean(fields**2)) or 1.0

    def slope(log_scale):
        # Derivative of the (convex) cross-entropy with respect to the scale.
        likely = scipy.special.softmax(np.exp(log_scale) / unit * fields, axis=1)
        return np.average(((likely - targets) * fields).sum(axis=1), weights=weight)

    low, high = -7.0, 7.0
    if slope(low) >= 0.0 or slope(high) <= 0.0:  # no optimum between: fields that say nothing, or say all
        return float(np.exp(low if slope(low) >= 0.0 else high) / unit)
    return float(np.exp(scipy.optimize.brentq(slope, low, high, xtol=1e-13)) / unit)

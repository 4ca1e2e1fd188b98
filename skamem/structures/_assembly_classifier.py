"""AssemblyClassifier: one assembly for each class."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, validation
from skamem.core.base import transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.rows import Rows
from skamem.structures._areas import fire_most
from skamem.structures._assembly_base import BaseAssembly

__all__ = ["AssemblyClassifier"]


class AssemblyClassifier(ClassifierMixin, BaseAssembly):
    """Classify by assemblies of neurons: samples of a class, one after another, recruit one assembly.

    The samples of each class are presented in a row, `n_rounds` rounds each, without silence between them: neurons that
    many of them share keep firing and strengthen each other. A new sample is told by which neurons it makes fire, and
    how often those fired for the samples of each class.

    Parameters
    ----------
    n_neurons : int, default=2000
        Neurons of the area, >= 1.
    n_active : int or "auto", default="auto"
        Neurons that fire in a round, 1 <= n_active <= n_neurons; "auto" is the square root of `n_neurons`.
    p : float or "auto", default="auto"
        Probability of a synapse, in [0, 1]; "auto" is 24 / `n_active`, at most 1/2.
    beta : float, default=0.1
        Plasticity, >= 0; with 0 nothing is learnt but how often neurons of the random graph fire.
    n_rounds : int, default=2
        Rounds for which a sample is presented in `fit`, >= 1.
    max_weight : float or None, default=2.0
        Where synapses saturate, >= 1; they begin at 1. None: at 2**16.
    homeostasis : bool, default=True
        Each neuron scales what it receives so that its incoming weights always have the same sum.
    binarize : float or None, default=0.0
        Inputs with values above it fire. None: values say how strongly inputs fire; they must be >= 0, and count
        relative to the largest of their row.
    random_state : int, RandomState or None, default=None
        Draws the graph.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to compute; None follows the input (see the user guide on GPUs).

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    assemblies_ : array of shape (n_classes, n_neurons)
        1 for the `n_active_` neurons that fire most often for samples of the class.
    firing_counts_ : array of shape (n_classes, n_neurons)
        For how many samples of each class each neuron fired.
    class_count_ : array of shape (n_classes,)
        Samples of each class.
    n_active_ : int
        Neurons that fire in a round.
    p_ : float
        Probability of a synapse.
    input_weights_ : csr array or array of shape (n_features, n_neurons)
        Weights of the synapses from the inputs; 0 is no synapse. csr in host memory, made at each look.
    recurrent_weights_ : csr array or array of shape (n_neurons, n_neurons)
        Weights of the synapses within the area.
    weight_sums_ : array of shape (n_neurons,)
        Sums of the columns of `recurrent_weights_`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, when `fit` saw any.

    See Also
    --------
    AssemblyMemory : An assembly for each stimulus.
    MemoryClassifier : Other memories as classifiers.

    Notes
    -----
    The score of a class is the log-likelihood of what a sample makes fire, if neurons fired independently at the rates
    of the class, each rate smoothed by half a sample on either side. Classes count alike, however many samples they
    have. Classes that share most of their active inputs are told apart less well than by a linear classifier.

    References
    ----------
    Dabagia, Papadimitriou and Vempala (2022), Assemblies of neurons learn to classify well-separated distributions,
    Proceedings of Machine Learning Research 178:3685.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skamem import AssemblyClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> classifier = AssemblyClassifier(binarize=7.5, random_state=0).fit(X[:900], y[:900])
    >>> bool(classifier.score(X[900:], y[900:]) > 0.8)
    True
    """

    def __init__(
        self,
        n_neurons=2000,
        *,
        n_active="auto",
        p="auto",
        beta=0.1,
        n_rounds=2,
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

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # features are on or off: two of them make four stimuli
        return tags

    @transactional
    def fit(self, X, y):
        """Let the samples of each class recruit an assembly.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Samples. NaN is an input of which nothing is known; it does not fire.
        y : array-like of shape (n_samples,)
            Class labels, numbers or strings.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            For bad input or parameters, or labels of a single class. A failed call changes nothing.
        """
        X, placement = self._receive_stimuli(X, reset=True)
        self._begin()
        self.classes_, codes = validation.check_labels(y, X, owner=type(self).__name__)
        return self._learn(X, codes, placement, reset=True)

    @transactional
    def partial_fit(self, X, y, classes=None):
        """Go on with more samples.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,)
            Class labels.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever come; for the first call. None takes those of the first `y`.

        Returns
        -------
        self : object
            The classifier. How often neurons fired for samples of earlier calls stays as it was counted then.

        Raises
        ------
        ValueError
            As `fit`, for labels that are not in `classes`, and for another graph, `homeostasis` or `binarize` than
            learning began with. A failed call changes nothing.
        """
        reset = not hasattr(self, "firing_counts_")
        X, placement = self._receive_stimuli(X, reset=reset, method=None if reset else "partial_fit")
        self._begin_or_go_on(begins=reset)
        owner = type(self).__name__
        self.classes_ = validation.known_classes(None if reset else self.classes_, classes, y, X, owner)
        return self._learn(X, validation.known_codes(y, X, self.classes_, owner), placement, reset=reset)

    def _learn(self, X, codes, placement, *, reset):
        xp, n_classes = placement.xp, len(self.classes_)
        area = self._draw_area(X.shape[1], placement) if reset else tuple(part.copy() for part in self._area())
        shape = (n_classes, self._size)
        counts = xp.zeros(shape, dtype=placement.dtype, device=placement.device) if reset else self.firing_counts_
        n_samples = np.zeros(n_classes) if reset else arrays.to_numpy(self.class_count_)

        def state():
            """The classifier as it stands, once the samples have been counted."""
            told = self._area_state(*area)
            return {**told, **self._counted(X, codes, placement, area, counts, n_samples)}

        classes = np.unique(codes)
        steps = fit_tasks(self, classes, name="class", n_tasks=len(classes), X=X, attributes=state)
        for code in steps:
            rows = np.flatnonzero(codes == code)
            firing = self._silence(placement)
            for stimulus, loud in self._one_by_one(Rows(X, placement).pick(rows), placement):
                firing = self._project(area, stimulus, loud, firing)[-1]
        vars(self).update(state())
        return self

    def _counted(self, X, codes, placement, area, counts, n_samples):
        """How often neurons fire for the samples of each class, and which do most, beside what was counted before."""
        xp, start = placement.xp, 0
        for firing in self._first_caps(X, placement, area):
            stop = start + firing.shape[0]
            is_of = codes[start:stop] == np.arange(len(self.classes_))[:, None]
            counts = counts + placement.asarray(is_of, placement.dtype) @ xp.astype(firing, placement.dtype)
            start = stop
        n_samples = n_samples + np.bincount(codes, minlength=len(self.classes_))
        return {
            "firing_counts_": counts,
            "class_count_": placement.asarray(n_samples, placement.dtype),
            "assemblies_": xp.astype(fire_most(counts, self.n_active_), placement.dtype),
        }

    def decision_function(self, X):
        """Score of each class: log-likelihood of the neurons that a sample makes fire.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        scores : array of shape (n_samples, n_classes), or (n_samples,) for two classes
            For two classes the score of the second less that of the first.
        """
        scores = self._scores(X, "decision_function")
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def predict(self, X):
        """Class of the highest score.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        labels : array of shape (n_samples,)
            In the namespace of `X` for numeric labels, NumPy for strings.
        """
        scores = self._scores(X, "predict")
        return arrays.take_labels(self.classes_, arrays.namespace(scores).argmax(scores, axis=1))

    def _scores(self, X, method):
        """Validated scores, where the caller's arrays live; classes that differ by rounding only are equal."""
        check_is_fitted(self)
        X, placement = self._receive_stimuli(X, reset=False, method=method)
        xp = placement.xp
        wide = arrays.widest_float(self.weight_sums_)
        counts, n_samples = xp.astype(self.firing_counts_, wide), xp.astype(self.class_count_, wide)[:, None]
        fires, silent = xp.log(counts + 0.5), xp.log(n_samples - counts + 0.5)
        per_neuron = xp.matrix_transpose(fires - silent)
        base = xp.sum(silent, axis=1) - counts.shape[1] * xp.log(n_samples[:, 0] + 1.0)
        scores = (
            xp.round((base + xp.astype(firing, wide) @ per_neuron) * 2.0**20) / 2.0**20
            for firing in self._first_caps(X, placement, self._area())
        )
        return placement.give(scores, X.shape[0])

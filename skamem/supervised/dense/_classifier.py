"""DenseAMClassifier: a dense associative memory trained to recall the class of a pattern."""

from numbers import Real
from typing import ClassVar

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, validation
from skamem.core.base import transactional
from skamem.core.parameters import ClassWeight, Interval, Options, Pair
from skamem.supervised.dense._base import TEMPERATURE, BaseDenseAM
from skamem.supervised.dense._duality import NetworkDual
from skamem.supervised.dense._losses import PowerLoss, log_probabilities
from skamem.supervised.dense._readouts import READOUTS
from skamem.supervised.dense._recipes import RECIPES
from skamem.training import ClassTargets, check_two_classes, class_weights

__all__ = ["DenseAMClassifier"]


class DenseAMClassifier(ClassifierMixin, NetworkDual, BaseDenseAM):
    """Dense associative memory that classifies: memories trained so that a pattern recalls its class.

    Every memory has visible units, compared with the features, and class units, which vote. A class scores by how
    much the energy of the memory falls when its unit turns on. The degree n moves the classifier between two regimes:
    at n = 2 to 3 many memories vote together, as features do in a network; at n = 20 and more a single, most similar
    memory decides, as a prototype does.

    Parameters
    ----------
    n_memories : int, default=500
        Number of memories K.
    degree : float, default=3
        Degree n >= 1 of a polynomial `interaction`.
    interaction : str or object, default="rectified_polynomial"
        Energy F of an overlap: "rectified_polynomial", "polynomial" (both of `degree`), "exponential", "logcosh",
        "softplus", or an object with `energy`, `slope` and, for ``readout="linear"``, `curvature`; see
        `skamem.core.interactions`.
    readout : {"linear", "exact"}, default="linear"
        "exact" is eq. (9) of [1]_; "linear" is eq. (10), its limit for weak class units: as accurate, faster, and
        equal to a network with one hidden layer.
    power : float, default=2
        Power m >= 0.5 of the loss abs(c - t)^2m; larger powers care about the worst errors only, and at 0.5, which
        minds all alike, probabilities are all alike, too.
    solver : {"adam", "paper"}, default="adam"
        "adam" with warm-up, a cosine schedule, and a slope that does not vanish where a class unit is saturated at the
        wrong end; "paper" is the momentum descent of [1]_, one normalised step per memory, with annealed temperature
        and class-balanced batches, which wants hundreds of epochs.
    learning_rate_init : "auto" or float > 0, default="auto"
        Rate for memories of root mean square 0.05 under "adam": "auto" is 4 / updates, but between 0.001 and 0.004;
        0.001 in `partial_fit`. Largest change of a weight in a step under "paper": 0.04.
    max_iter : "auto" or int, default="auto"
        Epochs. "auto": 75, but between 500 and 1000 updates, and 25 at least; 500 where the rows choose a decay of 3 or
        more, or next to nothing is left to learn; twice as many at a `learning_rate_init` of your own; 500 for the
        "paper" solver.
    batch_size : int, default=100
        Rows per update, at most.
    temperature : "auto", float > 0 or pair of float, default="auto"
        T; overlaps are divided by it. "auto" lets overlaps start at root mean square 0.4. A pair (T_initial, T_final)
        anneals over the first 200 epochs of the "paper" solver.
    momentum : float in [0, 1), default=0.6
        Of the "paper" solver.
    noise : "auto" or float >= 0, default="auto"
        Standard deviation of Gaussian noise added to every batch, in units of the scaled features. "auto" is
        min(0.15 d, 0.7) with d the median distance to the nearest row of another class, or 0.4 or none of it where the
        rows choose `weight_decay`, and less noise; 0 for the "paper" solver, and with `adversarial`.
    adversarial : float >= 0, default=0.0
        Adversarial training [2]_: how far every row of a batch moves up the gradient of its loss before it trains, as a
        Euclidean length in units of the scaled features. It nearly doubles the time of an epoch; on images it leaves
        fewer errors than `noise`. Try 1/50 to 1/10 of the usual distance to the nearest row of another class.
    weight_decay : "auto" or float >= 0, default="auto"
        Decoupled decay λ of the "adam" solver. "auto" is what rows held back choose among 0.1, 1, 3, 10 and 30;
        min(3, 2000 / n_rows) where they cannot tell: beyond 5000 rows, below 6, in fits of less than 300 updates, in
        `partial_fit`; also with `adversarial`, and with an interaction that has no curvature. See Notes.
    scale : {"feature", "global", None}, default="feature"
        "global" centres the features and divides all by one number; "feature" brings widely spread features down to
        the median spread first; None takes them as given (images in [-1, 1]).
    fit_intercept : bool, default=True
        Whether memories have one more visible unit, clamped to 1.
    init : {"random", "data"}, default="random"
        First memories: random, or training rows, which stay prototypes at large degrees.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, on top of `sample_weight`.
    early_stopping : bool, default=False
        Hold back `validation_fraction` of the rows, stop when the mean of -log p of the right class on them
        does not fall for `n_iter_no_change` epochs, and keep the best memories. Of a small
        table that wastes rows; "auto" length and decay need no such watch.
    validation_fraction : float in (0, 1), default=0.1
        Share of the rows held back.
    n_iter_no_change : int, default=10
        Patience in epochs.
    tol : float >= 0, default=1e-4
        Fall of that loss that counts as improvement.
    warm_start : bool, default=False
        Start `fit` from the present memories, scale and temperature.
    verbose : bool, default=False
        Print the loss of every epoch.
    random_state : int, RandomState or None, default=None
        Seeds memories, batches and noise; all drawn on the host, so that a seed means the same on every backend.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to compute; None follows the input.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    memories_ : array of shape (n_memories, n_features)
        Visible units of the memories, on features as the user gave them: overlap = (x - `offset_`) · memory.
    intercept_ : array of shape (n_memories,)
        Weight of the clamped unit.
    recognition_ : array of shape (n_memories, n_classes)
        Class units of the memories: positive entries vote for a class.
    temperature_ : float
        T.
    interaction_, readout_, power_ : object, str, float
        Energy, readout and power of the loss that the memories learned with, and are read by until they learn again.
    offset_ : array of shape (n_features,)
        Subtracted from the features; 0 with ``scale=None``.
    scale_ : array of shape (n_features,)
        Divisor of the features in training; already part of `memories_`.
    noise_ : float
        Input noise used.
    weight_decay_ : float
        Weight decay used; with "auto", the one chosen, beside which groups may have others.
    loss_curve_ : list of float
        Mean of abs(c - t)^2m / 2^2m over rows and classes, for each epoch; after noise and `adversarial` moves.
    n_iter_ : int
        Epochs run.
    validation_scores_ : list of float
        Accuracy on the rows held back, for each epoch, with `early_stopping`.
    validation_losses_ : list of float
        The loss that decides, on these rows.
    n_samples_seen_ : int
        Rows that training has seen, each counted once by `fit` and once by every `partial_fit`; rows without weight and
        rows held back are not.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, when `fit` saw any.

    See Also
    --------
    MemoryClassifier : Any heteroassociative memory as a classifier.
    skamem.core.interactions : The energies.

    Notes
    -----
    With v a scaled row, W the visible and U the class units of the memories, the potentials are

    - exact: Φ_a = Σ_μ F(z_μ + 2 U_μa / T) - F(z_μ), z_μ = (W_μ·v - Σ_α U_μα) / T,
    - linear: Φ_a = (2 / T) Σ_μ F'(W_μ·v / T) U_μa,

    and the class units turn to c = tanh Φ; training pulls them to t = +1 for the class, -1 for the others. The factor
    β = T^-n of the paper is in T: F(z / T) = β F(z) for polynomials.

    *Probabilities.* The expected loss at power m is least when (2m - 1) 2Φ_a is the log-odds of class a. So
    `predict_proba` is the logistic function of (2m - 1) 2Φ_a, normalised over the classes; for two classes, whose
    units mirror each other, of (2m - 1) times `decision_function`. Within a row it ranks as `decision_function` does.

    *Weights.* Equal rows of equal class are merged and rows are put in an order that depends on their values only:
    weight 3 and three equal rows give the same fit, and so does any order of the rows. Scaled columns keep that order;
    with a constant added to a column, or its sign changed, it is another, which acts as another seed does. Weights are
    divided by their mean.

    *What the rows choose.* Noisy labels want much decay, clean ones little. With ``weight_decay="auto"``, 64
    memories learn at each decay, 300 updates at four times the rate, all decays side by side; a third of the rows
    is held back, in tables of less than 1200 rows two or all three thirds in turn. The decay next to the rule is
    kept unless another lowers the log loss on those, of labels that are wrong with probability 0.02, by 0.01 and by
    its standard error. With ``noise="auto"``, 0.4 of the noise and none of it are tried, too, at the decay next to
    the rule; if the loss falls by 0.03 and its standard error, the decay is chosen anew with less noise, and what
    is best then is taken if it is better by as much than the best with all of the noise. Set `weight_decay` to save
    the time.

    *Groups.* Up to 5000 rows, with the linear readout, a degree up to 3 and random first memories, the memories learn
    in up to four groups of equal size, of 64 at least, each with a loss of its own on the same batches. The potentials
    of all are the mean of what the groups answer: an ensemble that is one memory. Where the rows choose `weight_decay`,
    groups have decays of their own: as many the chosen one and each other as exp(-s) says, s the standard errors by
    which its log loss is above the chosen one's.

    *Narrow memories.* A class often depends on a few columns of a table, each by a function of its own: trees, which
    ask for one column at a time, are good at that. So, under the same conditions and with ``scale="feature"``, a random
    half of the memories see one to three random features each, and their other weights are 0, if that is enough for
    each feature to be seen eight times: 4 to 62 features for 500 memories. Columns of one kind, as pixels are, want
    ``scale="global"``, and memories that see all of them.

    *Cost* of an epoch: two matrix products of 2 n_samples n_memories n_features operations; "linear" adds little,
    "exact" thin products in proportion to degree and n_classes. `predict`: one product; terms of eq. (9)
    that cannot change the class are left out. Memory: a scaled copy of X and about five times the parameters; a float
    memmap is not copied but read batch by batch, in random order, to the same memories.

    References
    ----------
    .. [1] Krotov and Hopfield (2016), Dense Associative Memory for Pattern Recognition, arXiv:1606.01164.
    .. [2] Goodfellow, Shlens and Szegedy (2015), Explaining and Harnessing Adversarial Examples, arXiv:1412.6572; the
       Euclidean length is that of Miyato, Maeda, Koyama, Nakae and Ishii (2016), Distributional Smoothing with Virtual
       Adversarial Training, arXiv:1507.00677.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from skamem import DenseAMClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X, X_test, y, y_test = train_test_split(X / 8 - 1, y, random_state=0)
    >>> classifier = DenseAMClassifier(100, random_state=0).fit(X, y)
    >>> classifier.score(X_test, y_test) > 0.97
    True
    """

    _learning_parameters = (*BaseDenseAM._learning_parameters, "solver", "readout")
    _parameters: ClassVar = {
        "readout": Options(*READOUTS),
        "power": Interval(Real, low=0.5, high=100),
        "solver": Options(*RECIPES),
        "temperature": Options("auto") | TEMPERATURE | Pair(TEMPERATURE),
        "momentum": Interval(Real, low=0, high=1, high_open=True),
        "adversarial": Interval(Real, low=0, high=1e6),
        "class_weight": ClassWeight(),
    }

    def __init__(
        self,
        n_memories=500,
        *,
        degree=3,
        interaction="rectified_polynomial",
        readout="linear",
        power=2,
        solver="adam",
        learning_rate_init="auto",
        max_iter="auto",
        batch_size=100,
        temperature="auto",
        momentum=0.6,
        noise="auto",
        adversarial=0.0,
        weight_decay="auto",
        scale="feature",
        fit_intercept=True,
        init="random",
        class_weight=None,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-4,
        warm_start=False,
        verbose=False,
        random_state=None,
        backend=None,
    ):
        self.n_memories = n_memories
        self.degree = degree
        self.interaction = interaction
        self.readout = readout
        self.power = power
        self.solver = solver
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.temperature = temperature
        self.momentum = momentum
        self.noise = noise
        self.adversarial = adversarial
        self.weight_decay = weight_decay
        self.scale = scale
        self.fit_intercept = fit_intercept
        self.init = init
        self.class_weight = class_weight
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.verbose = verbose
        self.random_state = random_state
        self.backend = backend

    def _keep_reading(self):
        super()._keep_reading()
        self.power_ = float(self.power)

    def _loss(self, recipe):
        return PowerLoss(float(self.power), recipe.saturated_slope)

    @transactional
    def fit(self, X, y, sample_weight=None):
        """Train the memories.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Patterns.
        y : array-like of shape (n_samples,)
            Class labels, numbers or strings.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts; >= 0, not all zero.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        TypeError
            When a parameter is of the wrong type.
        ValueError
            For bad input, parameters out of range, or rows of a single class. A failed call changes nothing.
        """
        return self._fit_rows(X, y, sample_weight)

    @transactional
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train the memories for one epoch on these rows.

        The first call fixes classes, scale, temperature and noise from its rows; later calls keep them. Rows are
        shuffled within the call, and equal ones not merged. The rate stays constant after a short rise: set a lower
        `learning_rate_init` between calls to let it fall. "auto" of `weight_decay` counts the rows of a call: for
        blocks of a long stream, set 2000 over the rows of the stream.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Patterns.
        y : array-like of shape (n_samples,)
            Class labels.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever come; needed in the first call when its `y` lacks some.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts; >= 0, not all zero.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        TypeError
            When a parameter is of the wrong type.
        ValueError
            For bad input, unknown labels, or changed memories, scale, solver or readout. A failed call changes nothing.
        """
        first = not hasattr(self, "memories_")
        X, placement = self._receive(X, reset=first, method=None if first else "partial_fit", accept_sparse="csr")
        owner = type(self).__name__
        self.classes_ = validation.known_classes(None if first else self.classes_, classes, y, X, owner)
        codes = validation.known_codes(y, X, self.classes_, owner)
        weights = self._row_weights(sample_weight, X, self.classes_, codes)
        self._partial_fit(X, y, ClassTargets(codes, len(self.classes_)), weights, placement, first)
        return self

    def _fit_rows(self, X, y, sample_weight, masking=None):
        X, placement = self._receive(X, reset=True, accept_sparse="csr")
        classes, codes = validation.check_labels(y, X, owner=type(self).__name__)
        start = self._present_memories(classes, placement)
        weights = self._row_weights(sample_weight, X, classes, codes)
        check_two_classes(codes, weights)
        self.classes_ = classes
        self._fit(X, y, ClassTargets(codes, len(classes)), weights, placement, start, masking)
        return self

    def _present_memories(self, classes, placement):
        """Memories to continue from, or None."""
        start = self._warm_memories(placement)
        if start is not None and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"warm_start=True continues with classes {self.classes_.tolist()}, but y has {classes.tolist()}; pass "
                "the same classes, or set warm_start=False."
            )
        return start

    def _row_weights(self, sample_weight, X, classes, codes):
        """Weights of all rows on the host: sample weights times class weights."""
        return class_weights(self.class_weight, classes, codes, self._sample_weights(sample_weight, X))

    def decision_function(self, X):
        """Potentials Φ of the classes.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Patterns.

        Returns
        -------
        scores : array of shape (n_samples, n_classes), or (n_samples,) for two classes
            Φ, dimensionless: tanh Φ is the state of the class unit. For two classes the second's less the first's.
            Rows that would overflow are scaled down as a whole, so scores are finite and keep their order.
        """
        check_is_fitted(self)
        potentials, placement = self._outputs(X, "decision_function")
        if potentials.shape[1] == 2:
            potentials = potentials[:, 1] - potentials[:, 0]
        return placement.give(potentials)

    def predict(self, X):
        """Class with the largest potential.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Patterns.

        Returns
        -------
        labels : array of shape (n_samples,)
            In the namespace of `X` for numeric labels, NumPy for strings.
        """
        check_is_fitted(self)
        potentials, placement = self._outputs(X, "predict", winner_only=True)
        winners = placement.give(placement.xp.argmax(potentials, axis=1))
        return arrays.take_labels(self.classes_, winners)

    def predict_proba(self, X):
        """Class probabilities: where the loss would have the potentials be; see Notes.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Patterns.

        Returns
        -------
        probabilities : array of shape (n_samples, n_classes)
            Rows sum to 1; in the order of the potentials.
        """
        check_is_fitted(self)
        potentials, placement = self._outputs(X, "predict_proba")
        return placement.give(placement.xp.exp(log_probabilities(potentials, self.power_)))

    def predict_log_proba(self, X):
        """Logarithm of `predict_proba`.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Patterns.

        Returns
        -------
        log_probabilities : array of shape (n_samples, n_classes)
            At most 0, finite.
        """
        check_is_fitted(self)
        potentials, placement = self._outputs(X, "predict_log_proba")
        return placement.give(log_probabilities(potentials, self.power_))

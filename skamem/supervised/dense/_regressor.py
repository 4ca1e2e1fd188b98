"""DenseAMRegressor: a dense associative memory whose output units are real."""

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, validation
from skamem.core.base import transactional
from skamem.supervised.dense._base import BaseDenseAM
from skamem.supervised.dense._losses import SquaredLoss
from skamem.training import RealTargets, orientations

__all__ = ["DenseAMRegressor"]


class DenseAMRegressor(RegressorMixin, BaseDenseAM):
    """Dense associative memory for real targets: the linear readout of `DenseAMClassifier`, without its tanh.

    Every memory compares its visible units with the features and adds its output units to the prediction, in proportion
    to the slope of the energy at their overlap.

    Parameters
    ----------
    n_memories : int, default=500
        Number of memories K.
    degree : float, default=2
        Degree n >= 1 of a polynomial `interaction`; 2 makes a network of rectified linear units.
    interaction : str or object, default="rectified_polynomial"
        Energy F of an overlap, with a curvature; see `skamem.core.interactions`.
    learning_rate_init : "auto" or float > 0, default="auto"
        Rate of Adam for memories of root mean square 0.05. "auto" is 4 / updates, but between 0.001 and 0.004; 0.001 in
        `partial_fit`.
    max_iter : "auto" or int, default="auto"
        Epochs. "auto": 75, but between 500 and 1000 updates, and 25 at least; 500 where the rows choose a decay of 3 or
        more, or next to nothing is left to learn; twice as many at a `learning_rate_init` of your own.
    batch_size : int, default=100
        Rows per update, at most.
    temperature : "auto" or float > 0, default="auto"
        T; overlaps are divided by it. "auto" lets overlaps start at root mean square 0.4.
    noise : "auto" or float >= 0, default="auto"
        Standard deviation of Gaussian noise added to every batch, in units of the scaled features. "auto" is
        min(0.15 d, 0.7) with d the median distance to the nearest row from the other half of the (first) target, or
        0.4 or none of it where the rows choose so, as for `DenseAMClassifier`.
    weight_decay : "auto" or float >= 0, default="auto"
        Decoupled decay λ. "auto" is what rows held back choose among 0.1, 1, 3, 10 and 30; min(3, 2000 / n_rows) where
        they cannot tell: beyond 5000 rows, below 6, in fits of less than 300 updates, in `partial_fit`. How they
        choose: see `DenseAMClassifier`; here by the mean squared error.
    scale : {"feature", "global", None}, default="feature"
        How features are scaled; see `DenseAMClassifier`.
    fit_intercept : bool, default=True
        Whether memories have one more visible unit, clamped to 1.
    init : {"random", "data"}, default="random"
        First memories: random, or training rows.
    early_stopping : bool, default=False
        Hold back `validation_fraction` of the rows, stop when the mean squared error on them
        does not fall for `n_iter_no_change` epochs, and keep the best memories.
    validation_fraction : float in (0, 1), default=0.1
        Share of the rows held back.
    n_iter_no_change : int, default=10
        Patience in epochs.
    tol : float >= 0, default=1e-4
        Fall of that loss that counts as improvement.
    warm_start : bool, default=False
        Start `fit` from the present memories and scales.
    verbose : bool, default=False
        Print the loss of every epoch.
    random_state : int, RandomState or None, default=None
        Seeds memories, batches and noise; all drawn on the host, so that a seed means the same on every backend.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to compute; None follows the input.

    Attributes
    ----------
    memories_ : array of shape (n_memories, n_features)
        Visible units of the memories, on features as the user gave them: overlap = (x - `offset_`) · memory.
    intercept_ : array of shape (n_memories,)
        Weight of the clamped unit.
    recognition_ : array of shape (n_memories, n_outputs)
        Output units of the memories, on standardised targets.
    target_offset_, target_scale_ : array of shape (n_outputs,)
        Mean and standard deviation of the targets.
    temperature_ : float
        T.
    interaction_, readout_ : object, str
        Energy that the memories learned with, and are read by until they learn again, and its readout, "linear".
    offset_ : array of shape (n_features,)
        Subtracted from the features; 0 with ``scale=None``.
    scale_ : array of shape (n_features,)
        Divisor of the features in training; already part of `memories_`.
    noise_ : float
        Input noise used.
    weight_decay_ : float
        Weight decay used; with "auto", the one chosen, beside which groups may have others.
    loss_curve_ : list of float
        Mean squared error on standardised targets, for each epoch.
    n_iter_ : int
        Epochs run.
    validation_scores_ : list of float
        R² on the rows held back, for each epoch, with `early_stopping`.
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
    DenseAMClassifier : The same memory for classes.

    Notes
    -----
    The prediction is `target_offset_` + `target_scale_` (2 / T) Σ_μ F'(W_μ·v / T) U_μ: eq. (10) of [1]_ without its
    tanh, on scaled rows v. Weights, order of rows, groups, narrow memories, memory and cost are as for
    `DenseAMClassifier`.

    References
    ----------
    .. [1] Krotov and Hopfield (2016), Dense Associative Memory for Pattern Recognition, arXiv:1606.01164.

    Examples
    --------
    >>> from sklearn.datasets import make_friedman1
    >>> from skamem import DenseAMRegressor
    >>> X, y = make_friedman1(400, random_state=0)
    >>> regressor = DenseAMRegressor(100, random_state=0).fit(X[:300], y[:300])
    >>> regressor.score(X[300:], y[300:]) > 0.85
    True
    """

    readout = "linear"
    adversarial = 0.0
    solver = "adam"

    _continues_from = (*BaseDenseAM._continues_from, "target_offset_", "target_scale_")

    def __init__(
        self,
        n_memories=500,
        *,
        degree=2,
        interaction="rectified_polynomial",
        learning_rate_init="auto",
        max_iter="auto",
        batch_size=100,
        temperature="auto",
        noise="auto",
        weight_decay="auto",
        scale="feature",
        fit_intercept=True,
        init="random",
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
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.temperature = temperature
        self.noise = noise
        self.weight_decay = weight_decay
        self.scale = scale
        self.fit_intercept = fit_intercept
        self.init = init
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.verbose = verbose
        self.random_state = random_state
        self.backend = backend

    def _loss(self, recipe):
        return SquaredLoss()

    @transactional
    def fit(self, X, y, sample_weight=None):
        """Train the memories.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Patterns.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Real targets.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts; >= 0, not all zero.

        Returns
        -------
        self : object
            The fitted regressor.

        Raises
        ------
        TypeError
            When a parameter is of the wrong type.
        ValueError
            For bad input or parameters out of range. A failed call changes nothing.
        """
        return self._fit_rows(X, y, sample_weight)

    @transactional
    def partial_fit(self, X, y, sample_weight=None):
        """Train the memories for one epoch on these rows.

        The first call fixes scales, temperature and noise from its rows; later calls keep them. Rows are shuffled
        within the call, and equal ones not merged. The rate stays constant after a short rise: set a lower
        `learning_rate_init` between calls to let it fall. "auto" of `weight_decay` counts the rows of a call: for
        blocks of a long stream, set 2000 over the rows of the stream.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Patterns.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Real targets.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts; >= 0, not all zero.

        Returns
        -------
        self : object
            The fitted regressor.

        Raises
        ------
        TypeError
            When a parameter is of the wrong type.
        ValueError
            For bad input, and for other memories or scales than learning began with. A failed call changes nothing.
        """
        first = not hasattr(self, "memories_")
        X, placement = self._receive(X, reset=first, method=None if first else "partial_fit", accept_sparse="csr")
        values = self._target_values(y, X)
        weights = self._sample_weights(sample_weight, X)
        self._partial_fit(X, y, self._targets(values, weights, fresh=first), weights, placement, first)
        return self

    def _fit_rows(self, X, y, sample_weight, masking=None):
        X, placement = self._receive(X, reset=True, accept_sparse="csr")
        values = self._target_values(y, X)
        start = self._warm_memories(placement)
        weights = self._sample_weights(sample_weight, X)
        self._fit(X, y, self._targets(values, weights, fresh=start is None), weights, placement, start, masking)
        return self

    def _target_values(self, y, X):
        """Validated targets on the host, of shape (n_samples, n_outputs)."""
        values, self._flat = validation.check_real_targets(y, X, owner=type(self).__name__)
        return values

    def _targets(self, values, weights, *, fresh):
        """Targets that will take their scale from the rows that train, or have the present one."""
        signs = orientations(values, weights)
        if fresh:
            return RealTargets(values, signs=signs)
        offset, scale = (arrays.to_numpy(a).astype(np.float64) for a in (self.target_offset_, self.target_scale_))
        if values.shape[1] != len(offset):
            raise ValueError(f"y has {values.shape[1]} outputs; expected {len(offset)}, as in the first call.")
        return RealTargets(values, offset, scale, signs)

    def _settled(self, targets, placement, dtype):
        self.target_offset_ = placement.asarray(targets.offset, dtype)
        self.target_scale_ = placement.asarray(targets.scale, dtype)

    def predict(self, X):
        """Predicted targets.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Patterns.

        Returns
        -------
        y : array of shape (n_samples,) or (n_samples, n_outputs)
            As in `fit`.
        """
        check_is_fitted(self)
        potentials, placement = self._outputs(X, "predict")
        predicted = potentials * self.target_scale_ + self.target_offset_
        return placement.give(predicted[:, 0] if self._flat else predicted)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

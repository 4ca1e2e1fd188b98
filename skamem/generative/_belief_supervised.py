"""DeepBeliefClassifier and DeepBeliefRegressor: pretraining without labels, then backpropagation."""

from abc import ABC, abstractmethod
from numbers import Real

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils import check_array, check_consistent_length, check_random_state
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, validation
from skamem.core.base import SkamemEstimator, transactional
from skamem.core.parameters import BOOLEAN, COUNT, Interval, Options, RandomState, WithData
from skamem.core.rows import Rows
from skamem.generative._backpropagation import Descent, answers, log_softmax, unfolded
from skamem.generative._belief import LAYERS, DeepBeliefNetwork
from skamem.generative._layers import clip_binary
from skamem.training import Adam, batch_count, run_epochs

__all__ = ["DeepBeliefClassifier", "DeepBeliefRegressor"]

_UPDATES, _LEAST_EPOCHS, _MOST_EPOCHS = 3000, 30, 300  # of max_iter="auto"


class _BaseDeepBelief(SkamemEstimator, ABC):
    """What the classifier and the regressor share: pretraining, backpropagation, forward passes."""

    _parameters = {
        "layers": LAYERS,
        "rbm": WithData("a RestrictedBoltzmannMachine or None"),
        "learning_rate": Interval(Real, low=0, low_open=True, high=1e30),
        "weight_decay": Interval(Real, low=0, high=1e6),
        "max_iter": Options("auto") | COUNT,
        "batch_size": COUNT,
        "verbose": BOOLEAN,
        "random_state": RandomState(),
    }

    def __init__(
        self,
        layers=(256, 256),
        *,
        rbm=None,
        learning_rate=0.003,
        weight_decay=0.0,
        max_iter="auto",
        batch_size=100,
        verbose=False,
        random_state=None,
        backend=None,
    ):
        self.layers = layers
        self.rbm = rbm
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.verbose = verbose
        self.random_state = random_state
        self.backend = backend

    @abstractmethod
    def _encoded(self, y, X):
        """Targets of the descent on the host, of shape (n_samples, n_outputs); what undoes it is stored."""

    _learns_classes = False

    _anchor = "base_rate_"

    @transactional
    def fit(self, X, y):
        """Pretrain the layers on `X`, then train all of them on `y`.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Targets.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        TypeError, ValueError
            For bad input or parameters out of range. A failed call changes nothing.
        """
        X, placement = self._receive(X, reset=True, accept_sparse="csr")
        random_state = check_random_state(self.random_state)
        targets = self._encoded(y, X)
        self.pretrained_ = DeepBeliefNetwork(
            self.layers, rbm=self.rbm, random_state=random_state.randint(np.iinfo(np.int32).max), backend=self.backend
        ).fit(X)
        machines = self.pretrained_.machines_
        binary = machines[0].visible == "binary"
        parameters = unfolded(machines, targets.shape[1], random_state)
        dtype = parameters["weights 0"].dtype
        n_epochs = self._n_epochs(batch_count(X.shape[0], int(self.batch_size)))
        descent = Descent(
            Adam(parameters, learning_rate=float(self.learning_rate), decay=float(self.weight_decay)),
            Rows(X, placement, dtype, keep_sparse=binary),
            placement.asarray(targets, dtype),
            self._learns_classes,
            int(self.batch_size),
            n_epochs,
            random_state,
            clip_binary if binary else (lambda v: v),
        )
        with np.errstate(over="ignore", invalid="ignore"):
            best, losses = run_epochs(self, range(n_epochs), descent, attributes=self._fitted, X=X, y=y)
        for name, value in self._fitted(best, losses).items():
            setattr(self, name, value)
        if not np.all(np.isfinite(self.loss_curve_)):
            raise ValueError(
                f"Training diverged at learning_rate={self.learning_rate!r} and weight_decay={self.weight_decay!r}: "
                "the loss is not finite. Lower them."
            )
        return self

    def _n_epochs(self, n_batches):
        if isinstance(self.max_iter, str):
            return min(_MOST_EPOCHS, max(_LEAST_EPOCHS, -(-_UPDATES // n_batches)))
        return int(self.max_iter)

    def _fitted(self, parameters, losses):
        """Fitted attributes (dict)."""
        n_layers = len(parameters) // 2
        xp = arrays.namespace(parameters["weights 0"])
        curve = arrays.to_numpy(xp.stack(losses)).tolist() if losses else []
        return {
            "coefs_": [arrays.copy(parameters[f"weights {depth}"]) for depth in range(n_layers)],
            "base_rate_": self.pretrained_.base_rate_,
            "intercepts_": [arrays.copy(parameters[f"biases {depth}"]) for depth in range(n_layers)],
            "loss_curve_": curve,
            "n_iter_": len(curve),
        }

    def _outputs(self, X, method, function):
        """``function`` of the top activities, block by block."""
        check_is_fitted(self)
        X, placement = self._receive(X, reset=False, method=method, accept_sparse="csr")
        layers = zip(self.coefs_, self.intercepts_, strict=True)
        parameters = {}
        for depth, (weights, biases) in enumerate(layers):
            parameters |= {f"weights {depth}": weights, f"biases {depth}": biases}
        binary = self.pretrained_.machines_[0].visible == "binary"
        rows = Rows(X, placement, self.coefs_[0].dtype, keep_sparse=binary)
        row_bytes = 8 * 2 * (X.shape[1] + sum(biases.shape[0] for biases in self.intercepts_))
        return placement.give(
            function(answers(parameters, clip_binary(v) if binary else v)[-1]) for _, v in rows.blocks(row_bytes)
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class DeepBeliefClassifier(ClassifierMixin, _BaseDeepBelief):
    """Deep belief network that classifies: layers pretrained without labels, then trained with them.

    Parameters
    ----------
    layers : tuple of int or of RestrictedBoltzmannMachine, default=(256, 256)
        Hidden units of each layer, from the bottom up, or machines with parameters of their own.
    rbm : RestrictedBoltzmannMachine, default=None
        Parameters of the layers that are numbers; None for the defaults.
    learning_rate : float > 0, default=0.003
        Of Adam, when labels train; it rises, then falls to 0 as a cosine does.
    weight_decay : float >= 0, default=0.0
        Decoupled decay of the weights, when labels train.
    max_iter : "auto" or int, default="auto"
        Epochs with labels. "auto": 30, or as many more as make 3,000 updates, 300 at most.
    batch_size : int, default=100
        Rows an update, when labels train.
    verbose : bool, default=False
        Whether to print the loss of each epoch with labels.
    random_state : int, RandomState instance or None, default=None
        Seed of the layers, of the weights on top and of the order of rows.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to compute; None follows the input (see the user guide on GPUs).

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels.
    base_rate_ : array of shape (n_features,)
        That of the first layer.
    pretrained_ : DeepBeliefNetwork
        The layers before they saw labels.
    coefs_ : list of array
        Weights of each layer, from the bottom up.
    intercepts_ : list of array
        Their biases.
    loss_curve_ : list of float
        Mean loss of each epoch with labels.
    n_iter_ : int
        Epochs with labels.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, when `fit` saw any.

    See Also
    --------
    sklearn.neural_network.MLPClassifier : The same network from a random start.

    References
    ----------
    Hinton and Salakhutdinov (2006), Science 313:504, doi:10.1126/science.1127647.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skamem import DeepBeliefClassifier, RestrictedBoltzmannMachine
    >>> X, y = load_digits(return_X_y=True)
    >>> layers = RestrictedBoltzmannMachine(max_iter=10)
    >>> model = DeepBeliefClassifier((64, 64), rbm=layers, random_state=0).fit(X[:1200] / 16, y[:1200])
    >>> bool(model.score(X[1200:] / 16, y[1200:]) > 0.9)
    True
    """

    _learns_classes = True

    def _encoded(self, y, X):
        self.classes_, codes = validation.check_labels(y, X, owner=type(self).__name__)
        return np.eye(len(self.classes_))[codes]

    def predict_log_proba(self, X):
        """Log of the class probabilities.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        log_probabilities : array of shape (n_samples, n_classes)
        """
        return self._outputs(X, "predict_log_proba", log_softmax)

    def predict_proba(self, X):
        """Class probabilities.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        probabilities : array of shape (n_samples, n_classes)
        """
        return self._outputs(X, "predict_proba", lambda top: arrays.namespace(top).exp(log_softmax(top)))

    def predict(self, X):
        """The most probable class of each row.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        labels : array of shape (n_samples,)
        """
        winners = self._outputs(X, "predict", lambda top: arrays.namespace(top).argmax(top, axis=1))
        return arrays.take_labels(self.classes_, winners)


class DeepBeliefRegressor(RegressorMixin, _BaseDeepBelief):
    """Deep belief network that predicts numbers: layers pretrained without targets, then trained with them.

    Parameters
    ----------
    layers : tuple of int or of RestrictedBoltzmannMachine, default=(256, 256)
        Hidden units of each layer, from the bottom up, or machines with parameters of their own.
    rbm : RestrictedBoltzmannMachine, default=None
        Parameters of the layers that are numbers; None for the defaults. Real features want ``visible="gaussian"``.
    learning_rate : float > 0, default=0.003
        Of Adam, when targets train; it rises, then falls to 0 as a cosine does.
    weight_decay : float >= 0, default=0.0
        Decoupled decay of the weights, when targets train.
    max_iter : "auto" or int, default="auto"
        Epochs with targets. "auto": 30, or as many more as make 3,000 updates, 300 at most.
    batch_size : int, default=100
        Rows an update, when targets train.
    verbose : bool, default=False
        Whether to print the loss of each epoch with targets.
    random_state : int, RandomState instance or None, default=None
        Seed of the layers, of the weights on top and of the order of rows.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to compute; None follows the input (see the user guide on GPUs).

    Attributes
    ----------
    base_rate_ : array of shape (n_features,)
        That of the first layer.
    pretrained_ : DeepBeliefNetwork
        The layers before they saw targets.
    coefs_ : list of array
        Weights of each layer, from the bottom up.
    intercepts_ : list of array
        Their biases; the top ones are for targets less their mean, in units of their deviation.
    loss_curve_ : list of float
        Mean loss of each epoch with targets.
    n_iter_ : int
        Epochs with targets.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, when `fit` saw any.

    References
    ----------
    Hinton and Salakhutdinov (2006), Science 313:504, doi:10.1126/science.1127647.

    Examples
    --------
    >>> from sklearn.datasets import make_friedman1
    >>> from skamem import DeepBeliefRegressor, RestrictedBoltzmannMachine
    >>> X, y = make_friedman1(400, random_state=0)
    >>> layers = RestrictedBoltzmannMachine(visible="gaussian", max_iter=10)
    >>> model = DeepBeliefRegressor((64,), rbm=layers, learning_rate=0.01, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.6)
    True
    """

    def _encoded(self, y, X):
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None: expected one real target a "
                "row of X."
            )
        y = arrays.to_numpy(y) if arrays.is_array(y) else y
        y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        check_consistent_length(X, y)
        self._flat = y.ndim == 1
        y = y.reshape(len(y), -1)
        centre = y.mean(axis=0)
        largest = np.abs(y - centre).max(axis=0)
        largest[largest == 0] = 1.0
        deviation = (((y - centre) / largest) ** 2).mean(axis=0) ** 0.5  # of numbers that neither over- nor underflow
        spread = largest * np.where(deviation > 0, deviation, 1.0)
        # Numbers, not arrays: they are the targets' and live nowhere.
        self._centre, self._spread = centre.tolist(), spread.tolist()
        return (y - centre) / spread

    def predict(self, X):
        """Predicted numbers.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        values : array of shape (n_samples,) or (n_samples, n_outputs)
            As `y` had it.
        """

        def values(top):
            columns = [top[:, i] * self._spread[i] + self._centre[i] for i in range(top.shape[1])]
            return columns[0] if self._flat else arrays.namespace(top).stack(columns, axis=1)

        return self._outputs(X, "predict", values)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

"""DeepBeliefClassifier: a deep belief network that goes on with labels."""

from typing import ClassVar

from sklearn.base import ClassifierMixin

from skamem.core import arrays, validation
from skamem.core.base import transactional
from skamem.core.parameters import ClassWeight
from skamem.generative._belief_supervised import BaseDeepBelief
from skamem.training import ClassTargets, check_two_classes, class_weights, log_softmax

__all__ = ["DeepBeliefClassifier"]


class DeepBeliefClassifier(ClassifierMixin, BaseDeepBelief):
    """Deep belief network that classifies: layers pretrained without labels, then trained with them.

    Parameters
    ----------
    layers : "auto" or tuple of int or of RestrictedBoltzmannMachine, default="auto"
        Hidden units of each layer, from the bottom up, or machines with parameters of their own. "auto": two layers of
        a unit for 5 rows, between 32 and 256.
    rbm : RestrictedBoltzmannMachine, default=None
        Parameters of the layers that are numbers; its `visible` is that of the features. None: the defaults, but for
        Gaussian features where some are outside [0, 1], and for as many epochs as see 50,000 rows, between 10 and 50.
    learning_rate : float > 0, default=0.01
        Of Adam, when labels train; it rises, then falls to 0 as a cosine does.
    weight_decay : float >= 0, default=0.0
        Decoupled decay of the weights, when labels train.
    dropout : float in [0, 1), default=0.2
        Probability of a hidden unit to be left out of an update, when labels train; of a feature half of it.
    max_iter : "auto" or int, default="auto"
        Epochs with labels. "auto": 30, or as many more as make 1,500 updates, 150 at most.
    batch_size : "auto" or int, default="auto"
        Rows an update, when labels train. "auto": a twentieth of the rows, between 10 and 200.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, on top of `sample_weight`.
    early_stopping : bool, default=False
        Hold back `validation_fraction` of the rows, from pretraining too, stop when the mean of -log p of the right
        class on them does not fall for `n_iter_no_change` epochs, and keep the best weights.
    validation_fraction : float in (0, 1), default=0.1
        Share of the rows held back.
    n_iter_no_change : int, default=10
        Patience in epochs.
    tol : float >= 0, default=1e-4
        Fall of that loss that counts as improvement.
    verbose : bool, default=False
        Whether to print the loss of each epoch with labels.
    random_state : int, RandomState instance or None, default=None
        Seed of the layers, of the weights on top, of the order of rows and of `dropout`.
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
    validation_scores_ : list of float
        Accuracy on the rows held back, for each epoch, with `early_stopping`.
    validation_losses_ : list of float
        The loss that decides, on these rows.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, when `fit` saw any.

    See Also
    --------
    sklearn.neural_network.MLPClassifier : The same network from a random start.

    Notes
    -----
    *Weights.* Equal rows of equal target are merged, and rows are put in an order that depends on their values only:
    weight 3 and three equal rows give the same fit, and so does any order of the rows. The loss counts a row by its
    weight over the mean; the layers below are pretrained on copies of rows, as many as their weights say, by chance
    where these are no whole numbers.

    *Cost.* Pretraining takes as long as the machines do; an epoch with labels three products of n_samples x units x
    units for each pair of layers, two for the lowest. Memory: a copy of `X`, and about five times the parameters.

    There is no `partial_fit`: a layer starts when the one below has learnt.

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

    _parameters: ClassVar = {"class_weight": ClassWeight()}

    def __init__(
        self,
        layers="auto",
        *,
        rbm=None,
        learning_rate=0.01,
        weight_decay=0.0,
        dropout=0.2,
        max_iter="auto",
        batch_size="auto",
        class_weight=None,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-4,
        verbose=False,
        random_state=None,
        backend=None,
    ):
        self.layers = layers
        self.rbm = rbm
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.class_weight = class_weight
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state
        self.backend = backend

    @transactional
    def fit(self, X, y, sample_weight=None):
        """Pretrain the layers on `X`, then train all of them on `y`.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Labels, numbers or strings.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts; >= 0, not all zero.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        TypeError, ValueError
            For bad input or parameters out of range, or rows of a single class. A failed call changes nothing.
        """
        X, placement = self._receive(X, reset=True, accept_sparse="csr")
        self.classes_, codes = validation.check_labels(y, X, owner=type(self).__name__)
        weights = class_weights(self.class_weight, self.classes_, codes, self._sample_weights(sample_weight, X))
        check_two_classes(codes, weights)
        return self._fit(X, y, ClassTargets(codes, len(self.classes_), off=0.0), weights, placement)

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

"""DeepBeliefRegressor: a deep belief network that goes on with real targets."""

from sklearn.base import RegressorMixin

from skamem.core import arrays, validation
from skamem.core.base import transactional
from skamem.generative._belief_supervised import BaseDeepBelief
from skamem.training import RealTargets

__all__ = ["DeepBeliefRegressor"]


class DeepBeliefRegressor(RegressorMixin, BaseDeepBelief):
    """Deep belief network that predicts numbers: layers pretrained without targets, then trained with them.

    Parameters
    ----------
    layers : "auto" or tuple of int or of RestrictedBoltzmannMachine, default="auto"
        Hidden units of each layer, from the bottom up, or machines with parameters of their own. "auto": two layers of
        a unit for 5 rows, between 32 and 256.
    rbm : RestrictedBoltzmannMachine, default=None
        Parameters of the layers that are numbers; its `visible` is that of the features. None: the defaults, but for
        Gaussian features where some are outside [0, 1], and for as many epochs as see 50,000 rows, between 10 and 50.
    learning_rate : float > 0, default=0.01
        Of Adam, when targets train; it rises, then falls to 0 as a cosine does.
    weight_decay : float >= 0, default=0.0
        Decoupled decay of the weights, when targets train.
    dropout : float in [0, 1), default=0.2
        Probability of a hidden unit to be left out of an update, when targets train; of a feature half of it.
    max_iter : "auto" or int, default="auto"
        Epochs with targets. "auto": 30, or as many more as make 1,500 updates, 150 at most.
    batch_size : "auto" or int, default="auto"
        Rows an update, when targets train. "auto": a twentieth of the rows, between 10 and 200.
    early_stopping : bool, default=False
        Hold back `validation_fraction` of the rows, from pretraining too, stop when the mean squared error on them
        does not fall for `n_iter_no_change` epochs, and keep the best weights.
    validation_fraction : float in (0, 1), default=0.1
        Share of the rows held back.
    n_iter_no_change : int, default=10
        Patience in epochs.
    tol : float >= 0, default=1e-4
        Fall of that loss that counts as improvement.
    verbose : bool, default=False
        Whether to print the loss of each epoch with targets.
    random_state : int, RandomState instance or None, default=None
        Seed of the layers, of the weights on top, of the order of rows and of `dropout`.
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
    validation_scores_ : list of float
        R² on the rows held back, for each epoch, with `early_stopping`.
    validation_losses_ : list of float
        The loss that decides, on these rows.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, when `fit` saw any.

    Notes
    -----
    *Weights.* Equal rows of equal target are merged, and rows are put in an order that depends on their values only:
    weight 3 and three equal rows give the same fit, and so does any order of the rows. The loss counts a row by its
    weight over the mean; the layers below are pretrained on copies of rows, as many as their weights say, by chance
    where these are no whole numbers.

    *Cost.* Pretraining takes as long as the machines do; an epoch with targets three products of n_samples x units x
    units for each pair of layers, two for the lowest. Memory: a copy of `X`, and about five times the parameters.

    There is no `partial_fit`: a layer starts when the one below has learnt.

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
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Real targets.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts; >= 0, not all zero.

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
        values, self._flat = validation.check_real_targets(y, X, owner=type(self).__name__)
        return self._fit(X, y, RealTargets(values), self._sample_weights(sample_weight, X), placement)

    def _settled(self, targets):
        # Numbers, not arrays: they are the targets' and live nowhere.
        self._centre, self._spread = targets.offset.tolist(), targets.scale.tolist()

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

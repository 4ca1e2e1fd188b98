"""The duality of dense memories and networks: a memory read by eq. (10) is a network with one hidden layer, and back.

Krotov and Hopfield (2016), arXiv:1606.01164: the activation function of the hidden layer is the derivative of the
energy.
"""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from skamem.core import arrays
from skamem.core.base import SkamemEstimator
from skamem.core.columns import numbers_expected
from skamem.core.interactions import LogCosh, Polynomial, RectifiedPolynomial, Softplus

__all__ = ["DUAL_ENERGIES", "HiddenLayerClassifier", "NetworkDual", "memories_of_network", "network_of_memories"]

DUAL_ENERGIES = {
    "relu": RectifiedPolynomial(2),
    "tanh": LogCosh(),
    "logistic": Softplus(),
    "identity": Polynomial(2),
}
"""Energies whose slope is an activation function of scikit-learn's networks, up to a factor (`_SLOPE_FACTOR`)."""

# F = z_+² and F = z² have slope 2 z.
_SLOPE_FACTOR = {"relu": 2.0, "tanh": 1.0, "logistic": 1.0, "identity": 2.0}
# The overlap at which a memory without visible weights stands, and gives a constant to the output.
_CONSTANT_OVERLAP = 1.0


class HiddenLayerClassifier(ClassifierMixin, BaseEstimator):
    """Network with one hidden layer and given weights: outputs = activation(x W1 + b1) W2 + b2.

    `DenseAMClassifier.to_mlp` makes one; its weights are laid out as in scikit-learn's `MLPClassifier`. It computes
    with NumPy.

    Parameters
    ----------
    coefs : list of two arrays
        W1 of shape (n_features, n_hidden) and W2 of shape (n_hidden, n_classes).
    intercepts : list of two arrays
        b1 of shape (n_hidden,) and b2 of shape (n_classes,).
    activation : callable
        Activation function of the hidden layer, elementwise on arrays.
    classes : array of shape (n_classes,)
        Class labels.

    Attributes
    ----------
    coefs_, intercepts_ : list of ndarray
        The weights.
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_layers_ : int
        3, input and output included.
    n_features_in_ : int
        Number of features.

    See Also
    --------
    DenseAMClassifier : The memory that is the dual of such a network.

    References
    ----------
    Krotov and Hopfield (2016), Dense Associative Memory for Pattern Recognition, arXiv:1606.01164.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.supervised.dense._duality import HiddenLayerClassifier
    >>> relu = lambda z: np.maximum(z, 0)
    >>> network = HiddenLayerClassifier([np.eye(2), np.eye(2)], [np.zeros(2), np.zeros(2)], relu, ["left", "right"])
    >>> network.fit().predict([[0.2, 0.9]])
    array(['right'], dtype='<U5')
    """

    def __init__(self, coefs, intercepts, activation, classes):
        self.coefs = coefs
        self.intercepts = intercepts
        self.activation = activation
        self.classes = classes

    def fit(self, X=None, y=None):
        """Take over the given weights; nothing is trained.

        Parameters
        ----------
        X : ignored
            Not used.
        y : ignored
            Not used.

        Returns
        -------
        self : object
            The network, ready to predict.

        Raises
        ------
        ValueError
            When the shapes of the weights do not fit.
        """
        coefs, intercepts = [np.asarray(w) for w in self.coefs], [np.asarray(b) for b in self.intercepts]
        classes = np.asarray(self.classes)
        shapes = [w.shape for w in coefs]
        fits = len(coefs) == len(intercepts) == 2 and all(w.ndim == 2 for w in coefs)
        if not fits or shapes[0][1] != shapes[1][0] or shapes[1][1] != len(classes):
            raise ValueError(
                f"coefs of shapes {shapes} and {len(classes)} classes do not fit; expected (n_features, n_hidden) and "
                "(n_hidden, n_classes)."
            )
        self.coefs_, self.intercepts_, self.classes_ = coefs, intercepts, classes
        self.n_layers_, self.n_features_in_ = 3, shapes[0][0]
        return self

    def decision_function(self, X):
        """Outputs of the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Patterns.

        Returns
        -------
        outputs : ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            For two classes the second output less the first.
        """
        outputs = self._outputs(X)
        return outputs[:, 1] - outputs[:, 0] if outputs.shape[1] == 2 else outputs

    def predict(self, X):
        """Class of the largest output.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Patterns.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Class labels.
        """
        return self.classes_[np.argmax(self._outputs(X), axis=1)]

    def _outputs(self, X):
        check_is_fitted(self)
        with numbers_expected(X):
            X = validate_data(self, X, reset=False, dtype=self.coefs_[0].dtype)
        hidden = self.activation(X @ self.coefs_[0] + self.intercepts_[0])
        return hidden @ self.coefs_[1] + self.intercepts_[1]


def network_of_memories(model):
    """The network that a fitted dense memory is under eq. (10).

    Parameters
    ----------
    model : DenseAMClassifier
        Fitted.

    Returns
    -------
    network : HiddenLayerClassifier
        Fitted, on the host.
    """
    memories, intercept, recognition, offset = (
        arrays.to_numpy(a) for a in (model.memories_, model.intercept_, model.recognition_, model.offset_)
    )
    temperature = model.temperature_
    # float64 here: the offset may be much larger than what varies.
    level = intercept - memories.astype(np.float64) @ offset.astype(np.float64)
    if model.readout_ == "exact":
        level = level - recognition.sum(axis=1)
    coefs = [memories.T / temperature, recognition * (2 / temperature)]
    intercepts = [(level / temperature).astype(memories.dtype), np.zeros(recognition.shape[1], memories.dtype)]
    return HiddenLayerClassifier(coefs, intercepts, model.interaction_.slope, model.classes_).fit()


def memories_of_network(network):
    """Fitted attributes of the dense memory whose eq. (10) is a given network.

    Parameters
    ----------
    network : object
        Fitted, with `coefs_`, `intercepts_`, `classes_`, and as `activation` one of `DUAL_ENERGIES` or the slope of an
        interaction; one hidden layer.

    Returns
    -------
    interaction : object
        The energy.
    attributes : dict
        Fitted attributes at temperature 1.

    Raises
    ------
    ValueError
        When there is not exactly one hidden layer, or the activation has no known energy.
    """
    check_is_fitted(network, "coefs_")
    if len(network.coefs_) != 2:
        raise ValueError(
            f"The network has {len(network.coefs_) - 1} hidden layers; a dense memory is the dual of exactly one."
        )
    interaction, factor = _energy_of(network.activation)
    first, second = (np.asarray(w) for w in network.coefs_)
    bias, constant = (np.asarray(b) for b in network.intercepts_)
    if second.shape[1] == 1:  # scikit-learn's two classes share one output
        second, constant = np.hstack([-second, second]) / 2, np.concatenate([-constant, constant]) / 2
    # One memory that no feature reaches carries the constants of the outputs.
    memories = np.concatenate([first.T, np.zeros((1, first.shape[0]), first.dtype)])
    intercept = np.concatenate([bias, np.asarray([_CONSTANT_OVERLAP], bias.dtype)])
    always = interaction.slope(np.asarray([_CONSTANT_OVERLAP], second.dtype))
    recognition = np.concatenate([second / factor, constant[None, :] / always]) / 2
    attributes = {
        "memories_": memories,
        "intercept_": intercept,
        "recognition_": recognition,
        "temperature_": 1.0,
        "offset_": np.zeros(first.shape[0], first.dtype),
        "scale_": np.ones(first.shape[0], first.dtype),
        "noise_": 0.0,
        "loss_curve_": [],
        "n_iter_": 0,
        "classes_": network.classes_,
        "n_features_in_": first.shape[0],
    }
    return interaction, attributes


def _energy_of(activation):
    """(interaction, factor) with interaction.slope = factor times the activation."""
    if isinstance(activation, str) and activation in DUAL_ENERGIES:
        return DUAL_ENERGIES[activation], _SLOPE_FACTOR[activation]
    interaction = getattr(activation, "__self__", None)
    if getattr(activation, "__name__", "") == "slope" and callable(getattr(interaction, "energy", None)):
        return interaction, 1.0
    raise ValueError(
        f"activation={activation!r} has no known energy; expected one of {', '.join(map(repr, DUAL_ENERGIES))}, or the "
        "`slope` of an interaction."
    )


class NetworkDual(SkamemEstimator):
    """What makes a `DenseAMClassifier` a network, and a network one; not for direct use."""

    def to_mlp(self):
        """The network with one hidden layer that this memory is under eq. (10).

        Its hidden units are the memories, its activation function is the slope of the energy.

        Returns
        -------
        network : HiddenLayerClassifier
            Fitted, on the host. With ``readout="linear"`` its `decision_function` and `predict` are those of the
            memory up to rounding; with ``readout="exact"`` it is their limit for weak class units.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skamem import DenseAMClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> memory = DenseAMClassifier(20, degree=2, max_iter=50, random_state=0).fit(X, y)
        >>> network = memory.to_mlp()
        >>> [weights.shape for weights in network.coefs_]
        [(4, 20), (20, 3)]
        >>> bool((network.predict(X) == memory.predict(X)).all())
        True
        """
        check_is_fitted(self)
        return network_of_memories(self)

    @classmethod
    def from_mlp(cls, network, **parameters):
        """The dense memory whose eq. (10) is a given network.

        Parameters
        ----------
        network : estimator
            A fitted `sklearn.neural_network.MLPClassifier` with one hidden layer of "relu", "tanh", "logistic" or
            "identity" units, or what `to_mlp` returned.
        **parameters
            Further parameters of the classifier, for a later `partial_fit` or warm start.

        Returns
        -------
        memory : DenseAMClassifier
            Fitted, with one memory more than hidden units: it carries the intercepts of the outputs.
            `decision_function` and `predict` are those of the network up to rounding. Probabilities are those of a
            network with two classes; for more, the network has a softmax, the memory independent units.

        Raises
        ------
        ValueError
            When there is not exactly one hidden layer, or the activation has no known energy.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.neural_network import MLPClassifier
        >>> from skamem import DenseAMClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> network = MLPClassifier((20,), activation="tanh", max_iter=1000, random_state=0).fit(X, y)
        >>> memory = DenseAMClassifier.from_mlp(network)
        >>> memory.interaction, bool((memory.predict(X) == network.predict(X)).all())
        (LogCosh(), True)
        """
        interaction, attributes = memories_of_network(network)
        settings = {"readout": "linear", "scale": None, "power": 1, "interaction": interaction}
        settings |= {"degree": getattr(interaction, "degree", 3), "n_memories": len(attributes["memories_"])}
        memory = cls(**(settings | parameters))
        vars(memory).update(attributes)
        memory._begin()
        memory._keep_reading()
        memory._random_state, memory.n_samples_seen_, memory._optimizer_state = check_random_state(0), 0, None
        return memory

"""The duality: a dense memory read by eq. (10) is a network with one hidden layer, and the other way round."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skamem.core.interactions import INTERACTIONS, LogCosh, resolve_interaction
from skamem.supervised import DenseAMClassifier
from skamem.supervised.dense._duality import HiddenLayerClassifier


@pytest.fixture(scope="module", params=[2, 10])
def digits(request):
    X, y = load_digits(n_class=request.param, return_X_y=True)
    return X[:200] + 100.0, y[:200]  # far from the origin: the offset must move into the intercepts


def fitted(digits, **options):
    return DenseAMClassifier(20, max_iter=20, random_state=0, **options).fit(*digits)


def network_by_hand(layers, activation, X):
    hidden = activation(X @ layers.coefs_[0] + layers.intercepts_[0])
    return hidden @ layers.coefs_[1] + layers.intercepts_[1]


@pytest.mark.parametrize("scale", ["feature", None])
@pytest.mark.parametrize("interaction", INTERACTIONS)
def test_to_mlp_has_the_same_outputs(digits, interaction, scale):
    X, _ = digits
    memory = fitted(digits, interaction=interaction, scale=scale)
    network = memory.to_mlp()
    scores = memory.decision_function(X)
    size = np.max(np.abs(scores))
    assert_allclose(network.decision_function(X), scores, rtol=1e-9, atol=1e-9 * size)
    assert_array_equal(network.predict(X), memory.predict(X))
    outputs = network_by_hand(network, resolve_interaction(interaction, 3).slope, X)
    expected = outputs[:, 1] - outputs[:, 0] if outputs.shape[1] == 2 else outputs
    assert_allclose(network.decision_function(X), expected)
    assert_array_equal(network.intercepts_[1], 0)


def test_to_mlp_of_a_cubic_memory_has_squared_relu_units(digits):
    network = fitted(digits, degree=3).to_mlp()
    z = np.linspace(-2, 2, 9)
    assert_allclose(network.activation(z), 3 * np.maximum(z, 0) ** 2)


def test_to_mlp_of_an_exact_memory_is_its_limit(digits):
    X, _ = digits
    memory = fitted(digits, readout="exact")
    errors = []
    for shrink in (1e-2, 1e-3):
        weak = fitted(digits, readout="exact")
        # Weaker class units on overlaps that stay where they are.
        weak.intercept_ = memory.intercept_ - (1 - shrink) * memory.recognition_.sum(axis=1)
        weak.recognition_ = shrink * memory.recognition_
        errors.append(np.max(np.abs(weak.to_mlp().decision_function(X) - weak.decision_function(X))))
    assert_allclose(np.log10(errors[0] / errors[1]), 2, atol=0.15)


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_from_mlp_has_the_same_outputs(digits, activation):
    X, y = digits
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = MLPClassifier((15,), activation=activation, max_iter=30, random_state=0).fit(X / 50, y)
    memory = DenseAMClassifier.from_mlp(network)
    assert memory.memories_.shape == (16, X.shape[1])
    assert_array_equal(memory.predict(X / 50), network.predict(X / 50))
    log_odds = np.log(network.predict_proba(X / 50))
    log_odds -= log_odds[:, :1]
    scores = memory.decision_function(X / 50)
    if scores.ndim == 1:
        assert_allclose(scores, log_odds[:, 1], rtol=1e-8, atol=1e-8)
        assert_allclose(memory.predict_proba(X / 50), network.predict_proba(X / 50), rtol=1e-8)
    else:
        assert_allclose(scores - scores[:, :1], log_odds, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("interaction", ["rectified_polynomial", "logcosh"])
def test_there_and_back(digits, interaction):
    X, _ = digits
    memory = fitted(digits, interaction=interaction)
    back = DenseAMClassifier.from_mlp(memory.to_mlp())
    size = np.max(np.abs(memory.decision_function(X)))
    assert_allclose(back.decision_function(X), memory.decision_function(X), rtol=1e-8, atol=1e-8 * size)


def test_from_mlp_learns_on(digits):
    X, y = digits
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = MLPClassifier((15,), max_iter=5, random_state=0).fit(X - 100, y)
    memory = DenseAMClassifier.from_mlp(network, noise=0)
    before = np.mean(memory.predict(X - 100) == y)
    for _ in range(20):
        memory.partial_fit(X - 100, y)
    assert memory.score(X - 100, y) > before
    assert memory.n_iter_ == 20
    with pytest.raises(ValueError, match="partial_fit goes on with .*, but found readout='exact'"):
        memory.set_params(readout="exact").partial_fit(X - 100, y)


def test_what_has_no_dual():
    X, y = np.eye(4), np.asarray([0, 1, 0, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        deep = MLPClassifier((3, 3), max_iter=2).fit(X, y)
    with pytest.raises(ValueError, match="2 hidden layers; a dense memory is the dual of exactly one"):
        DenseAMClassifier.from_mlp(deep)
    odd = HiddenLayerClassifier([np.eye(4), np.eye(4)], [np.zeros(4), np.zeros(4)], np.sin, range(4)).fit()
    with pytest.raises(ValueError, match="has no known energy; expected one of 'relu'"):
        DenseAMClassifier.from_mlp(odd)
    with pytest.raises(NotFittedError):
        DenseAMClassifier.from_mlp(MLPRegressor())
    with pytest.raises(NotFittedError):
        DenseAMClassifier().to_mlp()


def test_network_of_given_weights_checks_them():
    with pytest.raises(ValueError, match="do not fit; expected"):
        HiddenLayerClassifier([np.eye(3), np.eye(4)], [np.zeros(3), np.zeros(4)], LogCosh().slope, range(4)).fit()

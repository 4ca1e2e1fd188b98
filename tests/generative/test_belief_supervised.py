"""Deep belief classifier and regressor: pretraining is a start, backpropagation does the rest."""

import numpy as np
import pytest
import scipy.sparse
from sklearn.datasets import load_digits, make_friedman1
from sklearn.linear_model import LinearRegression

from skamem import DeepBeliefClassifier, DeepBeliefRegressor, RestrictedBoltzmannMachine

X, Y = load_digits(return_X_y=True)
X = X / 16
SHORT = RestrictedBoltzmannMachine(max_iter=5)


def classifier(layers=(32, 16), **kwargs):
    return DeepBeliefClassifier(layers, **{"rbm": SHORT, "random_state": 0} | kwargs)


def test_digits_are_learnt():
    fitted = classifier((64, 64)).fit(X[:1200], Y[:1200])
    assert fitted.score(X[1200:], Y[1200:]) > 0.9
    assert fitted.loss_curve_[-1] < 0.1 * fitted.loss_curve_[0]
    proba = fitted.predict_proba(X[:50])
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(X[:50])), proba)


def test_layers_start_where_pretraining_ended():
    fitted = classifier(max_iter=1, learning_rate=1e-12).fit(X, Y)
    for weights, biases, machine in zip(fitted.coefs_, fitted.intercepts_, fitted.pretrained_.machines_, strict=False):
        np.testing.assert_allclose(weights, machine.components_.T, atol=1e-9)
        np.testing.assert_allclose(biases, machine.intercept_hidden_, atol=1e-9)


@pytest.mark.parametrize("visible", ["binary", "gaussian"])
def test_the_forward_pass_is_that_of_the_machines(visible):
    fitted = classifier(
        rbm=RestrictedBoltzmannMachine(visible=visible, max_iter=3), max_iter=1, learning_rate=1e-12
    ).fit(X, Y)
    top = fitted.pretrained_.transform(X) @ fitted.coefs_[-1] + fitted.intercepts_[-1]
    expected = np.exp(top) / np.exp(top).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(fitted.predict_proba(X), expected, rtol=1e-6)


def test_gradients_against_finite_differences():
    from skamem.generative._backpropagation import Descent, answers, gradients

    rng = np.random.default_rng(0)
    shapes = {"weights 0": (4, 3), "biases 0": (3,), "weights 1": (3, 2), "biases 1": (2,)}
    parameters = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    v, targets = rng.random((6, 4)), np.eye(2)[rng.integers(2, size=6)]
    for classes in (True, False):
        descent = Descent(None, None, None, classes, 6, 1, None, None)
        activities = answers(parameters, v)
        found = gradients(parameters, activities, descent.loss(activities[-1], targets)[1])
        for name, values in parameters.items():
            for index in np.ndindex(values.shape):
                ends = []
                for step in (1e-6, -1e-6):
                    moved = {key: value.copy() for key, value in parameters.items()}
                    moved[name][index] += step
                    ends.append(descent.loss(answers(moved, v)[-1], targets)[0])
                assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(found[name][index], abs=1e-7)


def test_csr_rows_and_labels_of_any_kind():
    names = np.asarray(["odd", "even"])[Y % 2]
    sparse = classifier(max_iter=5).fit(scipy.sparse.csr_array(X), names)
    dense = classifier(max_iter=5).fit(X, names)
    np.testing.assert_allclose(sparse.predict_proba(scipy.sparse.csr_array(X)), dense.predict_proba(X), rtol=1e-5)
    assert set(sparse.predict(X)) <= {"odd", "even"}


def test_the_regressor_beats_a_plane():
    X, y = make_friedman1(600, random_state=0)
    layers = RestrictedBoltzmannMachine(visible="gaussian", max_iter=20)
    fitted = DeepBeliefRegressor((64,), rbm=layers, learning_rate=0.03, random_state=0).fit(X[:400], y[:400])
    assert fitted.score(X[400:], y[400:]) > LinearRegression().fit(X[:400], y[:400]).score(X[400:], y[400:]) + 0.05
    both = DeepBeliefRegressor((8,), rbm=layers, max_iter=2, random_state=0).fit(X, np.column_stack([y, 0 * y + 3]))
    assert both.predict(X[:5]).shape == (5, 2)


def test_units_of_the_target_do_not_matter():
    X, y = make_friedman1(100, random_state=0)
    layers = RestrictedBoltzmannMachine(visible="gaussian", max_iter=3)
    plain, moved = (
        DeepBeliefRegressor((8,), rbm=layers, max_iter=5, random_state=0).fit(X, t) for t in (y, 1e9 + 1e-3 * y)
    )
    np.testing.assert_allclose((moved.predict(X) - 1e9) / 1e-3, plain.predict(X), atol=1e-2)

"""Deep belief classifier and regressor: pretraining is a start, backpropagation does the rest."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from skamem import DeepBeliefClassifier, DeepBeliefRegressor, RestrictedBoltzmannMachine

X, Y = load_digits(return_X_y=True)
X = X / 16
SHORT = RestrictedBoltzmannMachine(max_iter=5)
BOTH = pytest.mark.parametrize("Estimator", [DeepBeliefClassifier, DeepBeliefRegressor])


def model(Estimator=DeepBeliefClassifier, layers=(32, 16), **kwargs):
    return Estimator(layers, **{"rbm": SHORT, "random_state": 0, "max_iter": 3} | kwargs)


def answer(fitted, rows):
    return getattr(fitted, "predict_proba", fitted.predict)(rows)


def test_layers_start_where_pretraining_ended():
    fitted = model(max_iter=1, learning_rate=1e-12).fit(X, Y)
    for weights, biases, machine in zip(fitted.coefs_, fitted.intercepts_, fitted.pretrained_.machines_, strict=False):
        np.testing.assert_allclose(weights, machine.components_.T, atol=1e-9)
        np.testing.assert_allclose(biases, machine.intercept_hidden_, atol=1e-9)


@pytest.mark.parametrize("visible", ["binary", "gaussian"])
def test_the_forward_pass_is_that_of_the_machines(visible):
    rbm = RestrictedBoltzmannMachine(visible=visible, max_iter=3)
    fitted = model(rbm=rbm, max_iter=1, learning_rate=1e-12).fit(X, Y)
    top = fitted.pretrained_.transform(X) @ fitted.coefs_[-1] + fitted.intercepts_[-1]
    expected = np.exp(top) / np.exp(top).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(fitted.predict_proba(X), expected, rtol=1e-6)


@BOTH
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_row_of_weight_three_is_three_rows_and_order_does_not_matter(Estimator, early_stopping):
    rng = np.random.RandomState(0)
    rows, y, weights = X[:200], Y[:200], rng.randint(4, size=200)
    estimator = model(Estimator, early_stopping=early_stopping, n_iter_no_change=1, tol=1e3, dropout=0.1)
    weighted = answer(estimator.fit(rows, y, sample_weight=weights), X)
    repeated = rng.permutation(np.repeat(np.arange(200), weights))
    np.testing.assert_array_equal(answer(estimator.fit(rows[repeated], y[repeated]), X), weighted)
    np.testing.assert_allclose(answer(estimator.fit(rows, y, sample_weight=8.0 * weights), X).shape, weighted.shape)


@BOTH
def test_rows_without_weight_are_not_seen(Estimator):
    rows, y, weights = X[:200].copy(), Y[:200], np.ones(200)
    rows[:50], weights[:50] = 1e5, 0
    with np.errstate(all="raise"), pytest.warns(UserWarning, match="outside"):
        RestrictedBoltzmannMachine(2, max_iter=1).fit(rows)  # they would be heard of
    seen = answer(model(Estimator).fit(rows, y, sample_weight=weights), X)
    np.testing.assert_array_equal(seen, answer(model(Estimator).fit(rows[50:], y[50:]), X))


@BOTH
def test_early_stopping_keeps_the_best(Estimator):
    options = {"early_stopping": True, "validation_fraction": 0.3, "max_iter": 300, "batch_size": 20}
    fitted = model(Estimator, learning_rate=0.01, **options).fit(X[:600], Y[:600])
    losses = fitted.validation_losses_
    assert len(losses) == len(fitted.validation_scores_) == fitted.n_iter_ < 300
    assert min(losses) < min(losses[-10:])
    assert min(losses) < 0.5 * losses[0]
    assert max(fitted.validation_scores_) <= 1
    assert fitted.score(X[600:], Y[600:]) > 0.6


@BOTH
def test_dropout_is_seeded_and_changes_the_fit(Estimator):
    once, again, without = (answer(model(Estimator, dropout=d).fit(X, Y), X) for d in (0.5, 0.5, 0.0))
    np.testing.assert_array_equal(once, again)
    assert np.abs(once - without).max() > 1e-3


@BOTH
def test_one_seed_one_result_and_none_differs(Estimator):
    one, two = (answer(model(Estimator, random_state=None).fit(X[:100], Y[:100]), X) for _ in range(2))
    assert np.abs(one - two).max() > 0


@BOTH
def test_float32_stays_float32(Estimator):
    fitted = model(Estimator, dropout=0.1).fit(X.astype(np.float32), Y)
    assert all(values.dtype == np.float32 for values in [*fitted.coefs_, *fitted.intercepts_])

"""DenseAMRegressor: the linear readout without its tanh, on real targets."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_friedman1
from sklearn.linear_model import RidgeCV

from skamem.supervised.dense._regressor import DenseAMRegressor
from skamem.training import shuffled_blocks

SMALL = {"n_memories": 40, "max_iter": 60, "random_state": 0}


@pytest.fixture(scope="module")
def friedman():
    return make_friedman1(200, noise=0.5, random_state=0)


def test_it_fits_what_a_line_cannot():
    X, y = make_friedman1(400, noise=0.5, random_state=0)
    model = DenseAMRegressor(200, random_state=0).fit(X[:300], y[:300])
    line = RidgeCV().fit(X[:300], y[:300])
    assert model.score(X[300:], y[300:]) > line.score(X[300:], y[300:]) + 0.1


def test_prediction_is_the_equation_in_user_units(friedman):
    X, y = friedman
    model = DenseAMRegressor(degree=3, **SMALL).fit(X, y)
    T = model.temperature_
    z = ((X - model.offset_) @ model.memories_.T + model.intercept_) / T
    potentials = (2 / T) * (3 * np.maximum(z, 0) ** 2) @ model.recognition_
    assert_allclose(model.predict(X), model.target_offset_ + model.target_scale_ * potentials[:, 0], rtol=1e-10)


def test_loss_curve_is_the_error_on_standardised_targets(friedman):
    X, y = friedman
    model = DenseAMRegressor(noise=0, **SMALL).fit(X, y)
    error = np.mean(((model.predict(X) - y) / np.std(y)) ** 2)
    assert_allclose(model.loss_curve_[-1], error, rtol=0.05)


def test_targets_in_other_units_change_nothing_else(friedman):
    X, y = friedman
    one, other = DenseAMRegressor(**SMALL).fit(X, y), DenseAMRegressor(**SMALL).fit(X, 1e6 * y - 3e6)
    assert_allclose(other.predict(X), 1e6 * one.predict(X) - 3e6, rtol=1e-6, atol=1)


@pytest.mark.parametrize("options", [{}, {"init": "data"}, {"degree": 3, "noise": 0}, {"weight_decay": 1.0}], ids=str)
def test_mirrored_targets_give_mirrored_predictions(friedman, options):
    X, y = friedman
    settings = SMALL | {"max_iter": 160} | options  # 320 updates: enough for the rows to choose
    one, other = DenseAMRegressor(**settings).fit(X, y), DenseAMRegressor(**settings).fit(X, -y)
    assert (other.weight_decay_, other.noise_) == (one.weight_decay_, one.noise_)
    assert_allclose(other.predict(X), -one.predict(X), rtol=1e-10)


def test_several_outputs(friedman):
    X, y = friedman
    both = DenseAMRegressor(**SMALL).fit(X, np.stack([y, 100 - y], axis=1))
    predicted = both.predict(X)
    assert predicted.shape == (len(X), 2)
    assert np.corrcoef(predicted[:, 0], 100 - predicted[:, 1])[0, 1] > 0.95
    assert both.score(X, np.stack([y, 100 - y], axis=1)) > 0.7


def test_weights_are_repetitions(friedman):
    X, y = friedman
    weights = np.random.RandomState(0).randint(0, 4, len(X))
    repeated = DenseAMRegressor(**SMALL).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    weighted = DenseAMRegressor(**SMALL).fit(X, y, weights)
    assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-8)


def test_every_backend_gives_the_same(place, dispatched, friedman):
    X, y = friedman
    expected = DenseAMRegressor(**SMALL).fit(X, y)
    with dispatched():
        found = DenseAMRegressor(**SMALL).fit(place.put(X), place.put(y))
        assert_allclose(place.get(found.predict(place.put(X))), expected.predict(X), rtol=1e-6)
    assert isinstance(pickle.loads(pickle.dumps(found)).target_scale_, np.ndarray)


@pytest.mark.slow
def test_epochs_over_shuffled_blocks_come_near_to_fit():
    X, y = make_friedman1(2000, noise=0.5, random_state=0)
    order = np.argsort(y[:1500])  # blocks of one height of the target
    X_train, y_train, rng = X[order], y[order], np.random.RandomState(0)
    model = DenseAMRegressor(200, weight_decay=1.0, random_state=0)
    whole = DenseAMRegressor(200, weight_decay=1.0, random_state=0).fit(X_train, y_train)
    n_epochs, starts = 130, range(0, 1500, 100)  # the updates of fit
    for epoch in range(n_epochs):
        model.set_params(learning_rate_init=1e-3 * (1 - epoch / n_epochs))
        blocks = ((X_train[start : start + 100], y_train[start : start + 100]) for start in rng.permutation(starts))
        for block in shuffled_blocks(blocks, 1000, rng):
            model.partial_fit(*block)
    assert model.score(X[1500:], y[1500:]) > whole.score(X[1500:], y[1500:]) - 0.02


def test_partial_fit_warm_start_and_early_stopping(friedman):
    X, y = friedman
    model = DenseAMRegressor(40, random_state=0)
    for _ in range(150):
        model.partial_fit(X, y)
    assert model.score(X, y) > 0.8
    warm = DenseAMRegressor(warm_start=True, **SMALL).fit(X, y)
    before = warm.loss_curve_[-1]
    assert warm.fit(X, y).loss_curve_[0] < 2 * before
    early = DenseAMRegressor(40, early_stopping=True, max_iter=1000, random_state=0).fit(X, y)
    assert early.n_iter_ < 1000
    assert max(early.validation_scores_) > 0.5
    with pytest.raises(ValueError, match="y has 2 outputs; expected 1, as in the first call"):
        model.partial_fit(X, np.stack([y, y], axis=1))


@pytest.mark.filterwarnings("ignore:Early stopping did not stop")
def test_a_constant_target_is_predicted(friedman):
    X, _ = friedman
    predicted = DenseAMRegressor(**SMALL).fit(X, np.full(len(X), 7.0)).predict(X)
    assert_allclose(predicted, 7, atol=0.3)


@pytest.mark.parametrize("y", [None, "labels", "short", "nan"])
def test_bad_targets_leave_a_fitted_model_alone(friedman, y):
    X, good = friedman
    bad = {"labels": np.full(len(X), "a"), "short": good[1:], "nan": np.where(good > 10, np.nan, good)}.get(y)
    model = DenseAMRegressor(**SMALL).fit(X, good)
    before = dict(vars(model))
    message = "requires y to be passed|could not convert|inconsistent numbers|NaN"
    with pytest.raises(ValueError, match=message):
        model.fit(X, bad)
    assert vars(model) == before
    assert_array_equal(model.predict(X), model.predict(X))


@pytest.mark.parametrize("value", [0.1, -3e7, 0.0])
@pytest.mark.parametrize("options", [{}, {"early_stopping": True, "n_iter_no_change": 2}], ids=str)
@pytest.mark.filterwarnings("ignore:Early stopping did not stop")
def test_a_constant_target_is_predicted_exactly(value, options):
    X = np.random.RandomState(0).standard_normal((50, 3))
    model = DenseAMRegressor(20, max_iter=20, random_state=0, **options).fit(X, np.full(50, value))
    assert_array_equal(model.predict(10 * X), np.full(50, value))
    model.fit(X, np.stack([X[:, 0], np.full(50, value)], axis=1))
    assert_array_equal(model.predict(10 * X)[:, 1], np.full(50, value))
    assert model.score(X, np.stack([X[:, 0], np.full(50, value)], axis=1)) > 0.5
    # ... and what was constant may be learned to vary.
    votes = model.partial_fit(X, X[:, :2]).recognition_[:, 1]
    assert np.any(votes != 0)


@pytest.mark.parametrize(("shift", "size"), [(1e9, 1e-3), (0.0, 1e-150), (0.0, 1e150), (-1e6, 1.0)])
def test_targets_may_have_any_unit_and_offset(shift, size):
    X = np.random.RandomState(0).standard_normal((60, 3))
    y = X[:, 0] + np.tanh(2 * X[:, 1])
    expected = DenseAMRegressor(30, max_iter=100, random_state=0).fit(X, y).predict(X)
    found = (DenseAMRegressor(30, max_iter=100, random_state=0).fit(X, shift + size * y).predict(X) - shift) / size
    # Rounding of the target itself grows in training, as any change of the last digit does.
    assert 1 - np.var(found - y) / np.var(y) > 1 - np.var(expected - y) / np.var(y) - 1e-3

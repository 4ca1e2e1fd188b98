"""Deep belief regressor: better than a plane, in any units."""

import numpy as np
from sklearn.datasets import load_diabetes, make_friedman1
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_score

from skamem import DeepBeliefRegressor, RestrictedBoltzmannMachine

LAYERS = RestrictedBoltzmannMachine(visible="gaussian", max_iter=3)


def test_it_beats_a_plane():
    X, y = make_friedman1(600, random_state=0)
    layers = RestrictedBoltzmannMachine(visible="gaussian", max_iter=20)
    fitted = DeepBeliefRegressor((64,), rbm=layers, learning_rate=0.03, random_state=0).fit(X[:400], y[:400])
    assert fitted.score(X[400:], y[400:]) > LinearRegression().fit(X[:400], y[:400]).score(X[400:], y[400:]) + 0.05
    both = DeepBeliefRegressor((8,), rbm=layers, max_iter=2, random_state=0).fit(X, np.column_stack([y, 0 * y + 3]))
    predicted = both.predict(X[:5])
    assert predicted.shape == (5, 2)
    np.testing.assert_array_equal(predicted[:, 1], 3)  # did not vary


def test_units_do_not_matter():
    X, y = make_friedman1(100, random_state=0)
    model = DeepBeliefRegressor((8,), rbm=LAYERS, max_iter=5, random_state=0)
    plain = model.fit(X, y).predict(X)
    np.testing.assert_allclose((model.fit(X, 1e9 + 1e-3 * y).predict(X) - 1e9) / 1e-3, plain, atol=1e-2)
    np.testing.assert_allclose(model.fit(1e4 + 1e3 * X, y).predict(1e4 + 1e3 * X), plain, rtol=1e-3)
    np.testing.assert_allclose(model.fit(1e-9 * X, y).predict(1e-9 * X), plain, rtol=1e-6)


def test_defaults_hold_on_a_noisy_table():
    X, y = load_diabetes(return_X_y=True)
    assert cross_val_score(DeepBeliefRegressor(random_state=0), X, y, cv=3).mean() > 0.43  # ridge has .48

"""Laws of best subset selection that every fit obeys, whatever the numbers."""

import itertools

import numpy as np
import pytest
from sklearn.base import clone

from skamem.sparse import IHTRegressor, IHTRegressorCV


def correlated_design(rng, n, p, rho):
    """Gaussian design with AR(1) correlation `rho` between columns."""
    X = rng.standard_normal((n, p))
    for j in range(1, p):
        X[:, j] = rho * X[:, j - 1] + np.sqrt(1 - rho**2) * X[:, j]
    return X


def regression(seed, n=60, p=40, s=5, rho=0.5, noise=0.5):
    """Design, target and true support."""
    rng = np.random.default_rng(seed)
    X = correlated_design(rng, n, p, rho)
    support = np.sort(rng.choice(p, s, replace=False))
    y = X[:, support] @ rng.choice([-1.0, 1.0], s) + noise * rng.standard_normal(n)
    return X, y, support


def residual_squares(X, y, support, sample_weight=None):
    """Residual sum of squares of weighted least squares with an intercept, by an independent route."""
    root = np.ones(len(X)) if sample_weight is None else np.sqrt(sample_weight)
    A = np.c_[np.ones(len(X)), X[:, list(support)]] * root[:, None]
    target = y * root
    return float(np.sum((target - A @ np.linalg.lstsq(A, target, rcond=None)[0]) ** 2))


@pytest.mark.parametrize("n_nonzero_coefs", [5, None])
@pytest.mark.parametrize("c", [3e-7, -1.0, 1.7e8])
def test_scaling_y_never_changes_the_support(n_nonzero_coefs, c):
    X, y, _ = regression(0, noise=2.0)
    model = IHTRegressor(n_nonzero_coefs).fit(X, y)
    scaled = IHTRegressor(n_nonzero_coefs).fit(X, c * y)
    np.testing.assert_array_equal(scaled.support_, model.support_)
    np.testing.assert_allclose(scaled.coef_, c * model.coef_, rtol=1e-8)


@pytest.mark.parametrize("effort", ["fast", "swap", "auto", "thorough"])
@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_scaling_columns_never_changes_the_support(effort, alpha):
    X, y, _ = regression(1, noise=2.0)
    scales = 10.0 ** np.random.default_rng(1).uniform(-12, 12, X.shape[1])
    model = IHTRegressor(5, effort=effort, alpha=alpha).fit(X, y)
    scaled = IHTRegressor(5, effort=effort, alpha=alpha).fit(X * scales, y)
    np.testing.assert_array_equal(scaled.support_, model.support_)
    np.testing.assert_allclose(scaled.coef_ * scales, model.coef_, rtol=1e-7)


def test_shifting_columns_and_y_never_changes_the_support():
    X, y, _ = regression(2, noise=2.0)
    shifts = np.random.default_rng(2).uniform(-1e5, 1e5, X.shape[1])
    model = IHTRegressor(5).fit(X, y)
    shifted = IHTRegressor(5).fit(X + shifts, y + 1e6)
    np.testing.assert_array_equal(shifted.support_, model.support_)
    np.testing.assert_allclose(shifted.coef_, model.coef_, rtol=1e-6)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("rho", [0.0, 0.9])
def test_loss_never_rises_with_the_size(seed, rho):
    X, y, _ = regression(seed, rho=rho)
    single = [residual_squares(X, y, IHTRegressor(s).fit(X, y).support_) for s in range(1, 11)]
    assert np.all(np.diff(single) <= 1e-9 * single[0])
    path = IHTRegressor(max_features=15).fit(X, y).path_.objective
    assert np.all(np.diff(path) <= 1e-9 * path[0])


@pytest.mark.parametrize("seed", range(3))
def test_thorough_paths_agree_with_each_size_alone_and_never_rise(seed):
    # Noise and correlation at which searches of separate sizes end in different places now and then.
    X, y, _ = regression(seed, rho=0.9, noise=2.0)
    path = IHTRegressor(max_features=12, effort="thorough").fit(X, y).path_
    for size in range(1, 13):
        alone = IHTRegressor(size, effort="thorough").fit(X, y)
        np.testing.assert_array_equal(alone.support_, path.supports[size])
    assert np.all(np.diff(path.objective) <= 1e-9 * path.objective[0])


@pytest.mark.parametrize("seed", range(8))
def test_certified_supports_are_optimal_under_every_exchange(seed):
    X, y, _ = regression(seed, n=40, p=25, rho=0.8, noise=2.0)
    model = IHTRegressor(6).fit(X, y)
    assert model.swap_optimal_
    loss = residual_squares(X, y, model.support_)
    members = set(model.support_.tolist())
    for leaving, entering in itertools.product(members, set(range(25)) - members):
        assert residual_squares(X, y, members - {leaving} | {entering}) >= loss * (1 - 2e-7)


def test_margin_is_the_least_sacrifice_over_the_best_gain():
    X, y, _ = regression(3, noise=2.0)
    model = IHTRegressor(4).fit(X, y)
    loss, members = residual_squares(X, y, model.support_), set(model.support_.tolist())
    sacrifice = min(residual_squares(X, y, members - {i}) for i in members) - loss
    gain = loss - min(residual_squares(X, y, members | {j}) for j in set(range(X.shape[1])) - members)
    assert model.margin_ == pytest.approx(sacrifice / gain, rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_path_and_single_sizes_agree(seed):
    X, y, _ = regression(seed, n=80, noise=0.5)
    path = IHTRegressor(max_features=6).fit(X, y).path_
    for size in range(1, 7):
        np.testing.assert_array_equal(IHTRegressor(size).fit(X, y).support_, path.supports[size])


@pytest.mark.parametrize("seed", range(5))
def test_chosen_size_agrees_with_the_same_size_alone(seed):
    X, y, _ = regression(seed, rho=0.9, noise=1.0)
    chosen = IHTRegressor().fit(X, y)
    alone = IHTRegressor(len(chosen.support_)).fit(X, y)
    np.testing.assert_array_equal(chosen.support_, alone.support_)
    np.testing.assert_allclose(chosen.coef_, alone.coef_, rtol=1e-9)


@pytest.mark.parametrize("n_nonzero_coefs", [4, None])
def test_weights_are_repetitions(n_nonzero_coefs):
    X, y, _ = regression(5, noise=2.0)
    weights = np.random.default_rng(5).integers(0, 4, len(X))
    weighted = IHTRegressor(n_nonzero_coefs).fit(X, y, sample_weight=weights)
    repeated = IHTRegressor(n_nonzero_coefs).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    np.testing.assert_array_equal(weighted.support_, repeated.support_)
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-9)
    np.testing.assert_allclose(weighted.path_.criterion, repeated.path_.criterion)
    assert weighted.margin_ == pytest.approx(repeated.margin_)
    unweighted = IHTRegressor(4).fit(X, y)
    assert not np.allclose(unweighted.coef_, weighted.coef_)


@pytest.mark.parametrize("estimator", [IHTRegressor(weight_kind="precision"), IHTRegressorCV(weight_kind="precision")])
def test_the_scale_of_precisions_means_nothing(estimator):
    # Heteroscedastic noise, weighed by 1/σ²: as repetitions, great weights would select noise.
    rng = np.random.default_rng(0)
    X, sigma = rng.standard_normal((100, 60)), rng.uniform(0.05, 0.2, 100)
    y = X[:, 3] - X[:, 40] + sigma * rng.standard_normal(100)
    for c in (1e-6, 1.0, 1e6):
        model = clone(estimator).fit(X, y, c / sigma**2)
        np.testing.assert_array_equal(model.support_, [3, 40])
    assert len(IHTRegressor().fit(X, y, 100 / sigma**2).support_) > 2


@pytest.mark.parametrize("params", [{}, {"n_nonzero_coefs": 4}, {"effort": "thorough", "max_features": 4}], ids=str)
def test_bootstrap_weights_are_repeated_rows_on_wide_data(params):
    for seed in range(5 if params.get("effort") else 25):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((40, 90))
        y = X[:, :3] @ [2.0, -1.5, 1.0] + rng.standard_normal(40)
        weights = np.bincount(rng.integers(0, 40, 40), minlength=40)
        rows = np.repeat(np.arange(40), weights)
        weighted, repeated = IHTRegressor(**params).fit(X, y, weights), IHTRegressor(**params).fit(X[rows], y[rows])
        np.testing.assert_array_equal(weighted.support_, repeated.support_)
        np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-7, atol=1e-10)
        present = weights > 0
        without = IHTRegressor(**params).fit(X[present], y[present], weights[present])
        np.testing.assert_array_equal(weighted.support_, without.support_)


def test_coefficients_minimise_the_penalised_loss_on_the_support():
    X, y, _ = regression(6, noise=2.0)
    alpha, weights = 0.3, np.random.default_rng(6).uniform(0.5, 2.0, len(X))
    model = IHTRegressor(5, alpha=alpha).fit(X, y, sample_weight=weights)
    centred = X - np.average(X, axis=0, weights=weights)
    columns = centred[:, model.support_]
    penalty = alpha * np.diag(weights @ columns**2)
    expected = np.linalg.solve(
        columns.T @ (weights[:, None] * columns) + penalty, columns.T @ (weights * (y - np.average(y, weights=weights)))
    )
    np.testing.assert_allclose(model.coef_[model.support_], expected, rtol=1e-10)
    np.testing.assert_allclose(np.average(y - model.predict(X), weights=weights), 0.0, atol=1e-12)
    residual = y - model.predict(X)
    objective = weights @ residual**2 + expected @ penalty @ expected
    assert model.path_.objective[0] == pytest.approx(objective)


def test_without_intercept_is_least_squares_through_the_origin():
    X, y, _ = regression(7)
    X, y = X + 3.0, y + 5.0
    model = IHTRegressor(5, fit_intercept=False).fit(X, y)
    expected = np.linalg.lstsq(X[:, model.support_], y, rcond=None)[0]
    np.testing.assert_allclose(model.coef_[model.support_], expected, rtol=1e-8)
    assert model.intercept_ == 0.0


def test_joint_targets_share_the_support_that_sums_their_losses():
    rng = np.random.default_rng(8)
    X = correlated_design(rng, 40, 9, 0.7)
    Y = X[:, [1, 4, 7]] @ rng.standard_normal((3, 3)) + rng.standard_normal((40, 3))
    model = IHTRegressor(3).fit(X, Y)
    losses = {S: sum(residual_squares(X, Y[:, k], S) for k in range(3)) for S in itertools.combinations(range(9), 3)}
    assert tuple(model.support_) == min(losses, key=losses.get)
    assert model.coef_.shape == (3, 9)
    assert model.intercept_.shape == (3,)


def test_independent_targets_are_separate_fits():
    X, y, _ = regression(9)
    Y = np.c_[y, X[:, 0] - 2 * X[:, 3]]
    model = IHTRegressor(multi_output="independent").fit(X, Y)
    separate = [IHTRegressor().fit(X, Y[:, k]) for k in range(2)]
    np.testing.assert_allclose(model.coef_, [one.coef_ for one in separate], rtol=1e-9)
    np.testing.assert_array_equal(model.support_, np.union1d(*(one.support_ for one in separate)))
    assert model.margin_ == pytest.approx(min(one.margin_ for one in separate))
    assert len(model.path_) == 2

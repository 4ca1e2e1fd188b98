"""Nonnegative coefficients."""

import itertools

import numpy as np
import pytest
from scipy.optimize import nnls

from skamem.sparse import IHTRegressor, IHTRegressorCV


def problem(seed, n=30, p=10, rho=0.7):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    for j in range(1, p):
        X[:, j] = rho * X[:, j - 1] + np.sqrt(1 - rho**2) * X[:, j]
    return X, X[:, :4] @ rng.uniform(0, 1, 4) - X[:, 6] + 0.7 * rng.standard_normal(n)


def loss(X, y, support):
    """Nonnegative least squares with an intercept, by an independent route."""
    return nnls((X - X.mean(axis=0))[:, list(support)], y - y.mean())[1] ** 2


@pytest.mark.parametrize("seed", range(6))
def test_coefficients_are_nonnegative_least_squares_and_optimal_under_exchanges(seed):
    X, y = problem(seed)
    for size in range(1, 6):
        model = IHTRegressor(size, positive=True).fit(X, y)
        assert np.all(model.coef_ >= 0)
        assert np.all(model.coef_[model.support_] > 0)
        assert len(model.support_) <= size
        present = np.sum((y - model.predict(X)) ** 2)
        assert present == pytest.approx(loss(X, y, model.support_))
        assert model.swap_optimal_
        members = set(model.support_.tolist())
        for i, j in itertools.product(members, set(range(10)) - members):
            assert loss(X, y, members - {i} | {j}) >= present * (1 - 1e-6)


def test_without_positive_correlations_nothing_is_selected():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 1))
    model = IHTRegressor(1, positive=True).fit(X, -X[:, 0])
    assert model.support_.shape == (0,)


@pytest.mark.parametrize("effort", ["fast", "swap", "auto", "thorough"])
@pytest.mark.parametrize("size", [None, 4])
def test_large_problems_and_paths(effort, size):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((150, 600))
    support = np.sort(rng.choice(600, 4, replace=False))
    y = X[:, support].sum(axis=1) - 0.3 * X[:, 0] + 0.1 * rng.standard_normal(150)
    model = IHTRegressor(size, positive=True, effort=effort).fit(X, y)
    assert set(support) <= set(model.support_)
    assert np.all(model.coef_ >= 0)
    assert np.all(np.diff(model.path_.objective) <= 1e-9 * model.path_.objective[0])


def test_working_sets_find_the_support_too(monkeypatch):
    monkeypatch.setattr("skamem.sparse.search._budgets.SMALL", 0.0)
    rng = np.random.default_rng(2)
    X = rng.standard_normal((100, 800))
    y = X[:, [5, 70, 300]].sum(axis=1) + 0.1 * rng.standard_normal(100)
    np.testing.assert_array_equal(IHTRegressor(3, positive=True).fit(X, y).support_, [5, 70, 300])


def test_cross_validation():
    X, y = problem(3, n=100, p=30)
    model = IHTRegressorCV(8, positive=True).fit(X, y)
    assert np.all(model.coef_ >= 0)
    assert model.cv_results_["mean_test_score"].shape == (9,)


def test_what_does_not_go_together_is_explained():
    X, y = problem(0)
    Y = np.c_[y, y]
    with pytest.raises(ValueError, match="positive=True a shared support is for one target"):
        IHTRegressor(2, positive=True).fit(X, Y)
    assert IHTRegressor(2, positive=True, multi_output="independent").fit(X, Y).coef_.shape == (2, 10)
    with pytest.raises(ValueError, match="positive=True cannot be combined"):
        IHTRegressor(2, positive=True, always_select=[1]).fit(X, y)


@pytest.mark.parametrize("seed", range(5))
def test_groups_with_nonnegative_coefficients_are_the_best_of_their_number(seed):
    X, y = problem(seed, n=40, p=12)
    labels = np.repeat(list("abcdef"), 2)
    for size in (1, 2, 3):
        model = IHTRegressor(size, positive=True, groups=labels).fit(X, y)
        best = min(loss(X, y, np.flatnonzero(np.isin(labels, S))) for S in itertools.combinations("abcdef", size))
        assert np.sum((y - model.predict(X)) ** 2) == pytest.approx(best)
        assert np.all(model.coef_[model.support_] > 0)
        assert len(set(labels[model.support_])) <= size
    chosen = IHTRegressor(positive=True, groups=labels).fit(X, y)
    assert np.all(np.diff(chosen.path_.objective) <= 1e-12)


def test_groups_of_one_with_nonnegative_coefficients_are_features():
    X, y = problem(1, n=80, p=20)
    for params in ({"n_nonzero_coefs": 3}, {"max_features": 5}):
        grouped, single = (IHTRegressor(positive=True, groups=g, **params).fit(X, y) for g in (np.arange(20), None))
        np.testing.assert_array_equal(grouped.support_, single.support_)
    folds = IHTRegressorCV(4, positive=True, groups=np.arange(20) // 2).fit(X, y)
    assert np.all(folds.coef_ >= 0)
    assert folds.n_nonzero_coefs_ == len(set(folds.support_ // 2))

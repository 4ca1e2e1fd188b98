"""Supports with nonnegative coefficients: all subsets of few features, and never worse than with free signs."""

import itertools

import numpy as np
import pytest
from scipy.optimize import nnls

from skamem.sparse import IHTRegressor


def problem(seed, n=40, p=12):
    rng = np.random.default_rng(seed)
    rho = [0.0, 0.5, 0.9, -0.07][seed % 4]
    X = rng.multivariate_normal(np.zeros(p), (1 - rho) * np.eye(p) + rho, n)
    return X, X @ (rng.standard_normal(p) * (rng.random(p) < 0.5)) + rng.standard_normal(n)


def squares(X, y, support):
    """Nonnegative least squares with an intercept, by an independent route."""
    if not len(support):  # SciPy's crashes
        return np.sum((y - y.mean()) ** 2)
    return nnls((X - X.mean(axis=0))[:, list(support)], y - y.mean())[1] ** 2


def found(model, X, y):
    return np.sum((y - model.predict(X)) ** 2)


def test_few_features_are_searched_exhaustively():
    for seed in range(60):
        X, y = problem(seed)
        best = min(squares(X, y, subset) for subset in itertools.combinations(range(12), 3))
        assert found(IHTRegressor(3, positive=True).fit(X, y), X, y) <= best * (1 + 1e-8)


@pytest.mark.parametrize("effort", ["auto", "thorough"])
def test_every_size_of_a_path_is_the_best(effort):
    for seed in range(4):
        X, y = problem(seed, p=8)
        path = IHTRegressor(max_features=8, positive=True, effort=effort).fit(X, y).path_
        for support, objective in zip(path.supports, path.objective, strict=True):
            best = min(squares(X, y, subset) for subset in itertools.combinations(range(8), len(support)))
            assert objective <= best * (1 + 1e-8)


@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_a_nonnegative_solution_with_free_signs_is_never_beaten_by_it(alpha):
    compared = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((50, 30)) + (seed % 3) * rng.standard_normal((50, 1))
        y = X[:, :6] @ rng.uniform(0.2, 1, 6) + rng.standard_normal(50)
        free, model = (IHTRegressor(4, positive=positive, alpha=alpha).fit(X, y) for positive in (False, True))
        if free.coef_.min() >= 0:
            compared += 1
            assert model.path_.objective[0] <= free.path_.objective[0] * (1 + 1e-7)
    assert compared > 5


def test_pairs_that_pay_together_are_found():
    # Wrong pairs look better one by one: x0 + x1 is y, z correlates with it more than either does.
    improved = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((60, 24))
        y = X[:, :4].sum(axis=1)
        X[:, 4] = y + 0.9 * rng.standard_normal(60)
        X[:, 5] = y + 0.9 * rng.standard_normal(60)
        y = y + 0.05 * rng.standard_normal(60)
        exact = min(squares(X, y, subset) for subset in itertools.combinations(range(8), 4))
        improved += found(IHTRegressor(4, positive=True).fit(X, y), X, y) <= exact * (1 + 1e-8)
    assert improved == 20


def test_dependent_columns_enter_once():
    X, y = problem(1, p=6)
    assert len(IHTRegressor(7, positive=True).fit(np.c_[X, X[:, 0] + X[:, 1]], y).support_) <= 6

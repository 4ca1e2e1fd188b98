"""The k best supports of a size, and the smallest size that leaves little enough."""

import itertools

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from skamem.sparse import IHTRegressor


def problem(seed, n=60, p=9):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) + 0.7 * rng.standard_normal((n, 1))
    return X, X[:, :3] @ [1.0, -1.0, 0.5] + rng.standard_normal(n)


def squares(X, y, support):
    A = np.c_[np.ones(len(X)), X[:, list(support)]]
    return float(np.sum((y - A @ np.linalg.lstsq(A, y, rcond=None)[0]) ** 2))


@pytest.mark.parametrize("always", [None, [7]])
def test_of_few_features_the_best_of_all(always):
    X, y = problem(0)
    model = IHTRegressor(3, n_best=10, always_select=always).fit(X, y)
    subsets = [S for S in itertools.combinations(range(9), 3) if always is None or 7 in S]
    expected = sorted(subsets, key=lambda S: squares(X, y, S))[:10]
    assert [tuple(support) for support in model.alternatives_.supports] == expected
    np.testing.assert_allclose(model.alternatives_.objective, [squares(X, y, S) for S in expected])


@pytest.mark.parametrize("targets", [1, 2])
def test_of_many_features_the_best_neighbours(targets):
    X, y = problem(1, p=30)
    Y = y if targets == 1 else np.c_[y, X[:, 2] + 0.5 * np.random.default_rng(0).standard_normal(60)]
    model = IHTRegressor(4, n_best=8).fit(X, Y)
    members = set(model.support_.tolist())
    pairs = itertools.product(members, set(range(30)) - members)
    neighbours = [tuple(sorted(members)), *(tuple(sorted(members - {i} | {j})) for i, j in pairs)]
    lengths = np.linalg.norm(np.atleast_2d((Y - Y.mean(axis=0)).T), axis=1)
    total = np.linalg.norm(lengths)

    def joint(S):
        return sum(squares(X, column, S) for column in np.atleast_2d(Y.T)) if total else 0.0

    expected = sorted(neighbours, key=joint)[:8]
    assert [tuple(support) for support in model.alternatives_.supports] == expected
    np.testing.assert_allclose(model.alternatives_.objective, [joint(S) for S in expected])


def test_the_first_is_the_chosen_one_also_on_paths_and_with_ridge():
    X, y = problem(2, p=25)
    for params in ({}, {"alpha": 0.1}, {"multi_output": "independent"}):
        model = IHTRegressor(n_best=3, **params).fit(X, y)
        first = model.alternatives_[0] if isinstance(model.alternatives_, list) else model.alternatives_
        np.testing.assert_array_equal(first.supports[0], model.support_)
        assert np.all(np.diff(first.objective) >= 0)
    assert not hasattr(model.set_params(n_best=1).fit(X, y), "alternatives_")


@pytest.mark.parametrize("p", [9, 40])
def test_the_smallest_size_that_leaves_little_enough(p):
    X, y = problem(3, p=p)
    path = IHTRegressor(max_features=8, effort="thorough").fit(X, y).path_
    for size in (1, 3, 6):
        model = IHTRegressor(max_residual=path.objective[size] * 1.0001).fit(X, y)
        assert len(model.support_) == size
        assert squares(X, y, model.support_) <= path.objective[size] * 1.0001
    assert IHTRegressor(max_residual=1e9).fit(X, y).support_.shape == (0,)


@pytest.mark.parametrize("params", [{"positive": True}, {"groups": np.arange(9) // 2}, {"alpha": 0.1}], ids=str)
def test_with_other_options(params):
    X, y = problem(4)
    y = X[:, :3].sum(axis=1) + np.random.default_rng(0).standard_normal(60) if "positive" in params else y
    model = IHTRegressor(max_residual=70.0, **params).fit(X, y)
    assert 0 < len(model.support_) < 9
    assert np.sum((y - model.predict(X)) ** 2) <= 70.0


def test_an_exact_fit_is_enough_for_zero_and_what_is_missed_is_reported():
    X, y = problem(5, p=30)
    exact = X[:, 3] - X[:, 8]
    assert IHTRegressor(max_residual=0.0).fit(X, exact).support_.tolist() == [3, 8]
    with pytest.warns(ConvergenceWarning, match="max_residual=1e-06"):
        assert len(IHTRegressor(max_features=3, max_residual=1e-6).fit(X, y).support_) == 3


def test_what_does_not_go_together_is_named():
    X, y = problem(6)
    with pytest.raises(ValueError, match="n_nonzero_coefs=2 and max_residual=1.0 are both set"):
        IHTRegressor(2, max_residual=1.0).fit(X, y)
    for params in ({"positive": True}, {"groups": np.arange(9)}):
        with pytest.raises(ValueError, match="n_best=2 is for supports of single features"):
            IHTRegressor(2, n_best=2, **params).fit(X, y)

"""Of columns that are copies of each other the first is selected, whatever their units."""

import numpy as np
import pytest
import scipy.sparse

from skamem.sparse import IHTClassifier, IHTRegressor, IHTRegressorCV


def problem(seed):
    """A design with proportional columns in a random order; for each column the first of its copies; y; units."""
    rng = np.random.default_rng(seed)
    n, p, k = rng.integers(20, 80), rng.integers(4, 40), rng.integers(1, 4)
    X = rng.standard_normal((n, p)) + rng.integers(0, 2) * rng.standard_normal((n, 1))
    X += 10.0 ** rng.integers(0, 4) if seed % 5 == 0 else 0.0
    sources = rng.integers(0, p, k)
    order = rng.permutation(p + k)
    X = np.c_[X, X[:, sources] * 10.0 ** rng.uniform(-8, 8, k) * rng.choice([-1, 1], k)][:, order]
    origin = np.r_[np.arange(p), sources][order]
    first = np.array([np.flatnonzero(origin == one)[0] for one in origin])
    y = X[:, np.argsort(order)[:3]] @ [1.0, -1.0, 2.0] + rng.standard_normal(n)
    return X, first, y, 10.0 ** rng.uniform(-6, 6, p + k)


@pytest.mark.parametrize("effort", ["auto", "swap", "fast", "thorough"])
@pytest.mark.parametrize("size", [2, 4, None])
def test_the_first_copy_wins_in_all_units(effort, size):
    for seed in range(10 if effort == "thorough" else 30):
        X, first, y, units = problem(seed)
        support, scaled = (IHTRegressor(size, effort=effort).fit(A, y).support_ for A in (X, X * units))
        np.testing.assert_array_equal(support, scaled)
        np.testing.assert_array_equal(first[support], support)


@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array, lambda X: X.astype(np.float32)])
@pytest.mark.parametrize("Estimator", [IHTRegressor, IHTRegressorCV, IHTClassifier])
def test_in_every_estimator_and_container(Estimator, container):
    for seed in range(1, 5):
        X, first, y, _ = problem(seed)
        y = y > np.median(y) if Estimator is IHTClassifier else y
        support = Estimator().fit(container(X), y).support_
        np.testing.assert_array_equal(first[support], support)


def test_weights_and_many_columns_of_zeros_and_ones():
    rng = np.random.default_rng(0)
    X = (rng.random((40, 300)) < 0.1).astype(float)  # many correlate alike with y, and some are equal
    X[:, 200:240] = X[:, :40]
    y, weights = X[:, 7] + X[:, 230] + 0.1 * rng.standard_normal(40), rng.uniform(0.5, 2, 40)
    assert IHTRegressor(2).fit(X, y, weights).support_.tolist() == [7, 30]


def test_a_column_of_the_other_sign_is_no_copy_where_signs_matter():
    x = np.random.default_rng(0).standard_normal(30)
    X = np.c_[-x, x, 2 * x]
    assert IHTRegressor(1).fit(X, x).support_.tolist() == [0]
    assert IHTRegressor(1, positive=True).fit(X, x).support_.tolist() == [1]


def test_copies_that_are_always_selected_or_in_groups_stay():
    rng = np.random.default_rng(0)
    x, z = rng.standard_normal((2, 30))
    X = np.c_[x, z, 3 * x]
    assert IHTRegressor(1, always_select=[2]).fit(X, x + z).support_.tolist() == [2]
    with pytest.warns(UserWarning, match=r"features \[2\], which are combinations"):
        assert IHTRegressor(2, always_select=[0, 2]).fit(X, x + z).support_.tolist() == [0, 1]
    assert IHTRegressor(1, groups=[0, 1, 1]).fit(X, x + z).support_.tolist() == [1, 2]


def test_nearly_equal_columns_are_two():
    rng = np.random.default_rng(0)
    x, z = rng.standard_normal((2, 50))
    model = IHTRegressor(2).fit(np.c_[x, x + 1e-4 * z], z)
    assert model.support_.tolist() == [0, 1]

"""The iterations of the papers."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from skamem.sparse import IHTRegressor


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 150))
    return X, X[:, [3, 40, 99]] @ [2.0, -1.5, 1.0]


@pytest.mark.parametrize("effort", ["plain", "normalized"])
def test_exact_data_are_recovered(data, effort):
    X, y = data
    model = IHTRegressor(3, effort=effort, max_iter=2000, tol=1e-10).fit(X, y)
    np.testing.assert_array_equal(model.support_, [3, 40, 99])
    np.testing.assert_allclose(model.coef_[model.support_], [2.0, -1.5, 1.0], rtol=1e-5)
    assert np.isnan(model.margin_)
    assert not model.swap_optimal_


def test_the_normalised_step_needs_fewer_iterations(data):
    plain, normalised = (IHTRegressor(3, effort=e, max_iter=2000).fit(*data).n_iter_ for e in ("plain", "normalized"))
    assert normalised < plain / 2


def test_plain_iterates_follow_the_paper(data):
    # x <- H_s(x + Aᵀ(y - A x)) with A scaled to a norm below one, on standardised columns, written out.
    X, y = data
    centred = X - X.mean(axis=0)
    norms = np.linalg.norm(centred, axis=0)
    A, target = centred / norms, y - y.mean()
    norm = np.linalg.norm(A, 2)
    z = np.zeros(150)
    losses = []
    for _ in range(5):
        z = z + A.T @ (target - A @ z) / norm**2
        z[np.argsort(-np.abs(z))[3:]] = 0.0
        losses.append(np.sum((target - A @ z) ** 2))
    with pytest.warns(ConvergenceWarning):
        model = IHTRegressor(3, effort="plain", max_iter=5).fit(X, y)
    assert model.n_iter_ == 5
    np.testing.assert_array_equal(model.support_, np.flatnonzero(z))
    # The estimator's norm is an estimate, a few percent on the safe side.
    assert model.path_.objective[0] == pytest.approx(losses[-1], rel=0.2)
    assert model.path_.objective[0] >= losses[-1] * (1 - 1e-9)


@pytest.mark.parametrize("effort", ["plain", "normalized"])
def test_the_loss_falls_from_one_iteration_to_the_next(data, effort):
    X, y = data
    y = y + np.random.default_rng(1).standard_normal(100)
    losses = []
    for max_iter in range(1, 8):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            losses.append(IHTRegressor(5, effort=effort, max_iter=max_iter).fit(X, y).path_.objective[0])
    assert np.all(np.diff(losses) <= 1e-12)


def test_ridge_is_in_the_iteration(data):
    X, y = data
    model = IHTRegressor(3, effort="normalized", alpha=0.5, max_iter=5000, tol=1e-12).fit(X, y)
    ridge = IHTRegressor(3, alpha=0.5).fit(X, y)
    np.testing.assert_array_equal(model.support_, ridge.support_)
    np.testing.assert_allclose(model.coef_, ridge.coef_, rtol=1e-6)


def test_a_size_is_needed(data):
    with pytest.raises(ValueError, match="for a given size"):
        IHTRegressor(effort="plain").fit(*data)

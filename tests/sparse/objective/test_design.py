"""Products with X: one answer for every memory layout, container and type; X itself is left alone."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse

from skamem.sparse import IHTRegressor
from skamem.sparse.objective._design import as_design
from skamem.sparse.objective._problem import Problem

CONTAINERS = {
    "rows": np.ascontiguousarray,
    "columns": np.asfortranarray,
    "strided": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "csc": scipy.sparse.csc_array,
    "csr": scipy.sparse.csr_array,
}


def data(shift=0.0):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 30)) * (rng.random((50, 30)) < 0.7) + shift
    return X, rng.standard_normal((50, 2)), rng.uniform(0.5, 2.0, 50)


def standardised(X, weights, fit_intercept):
    """X̃ written out."""
    weights = np.ones(50) if weights is None else weights
    centred = X - np.average(X, axis=0, weights=weights) if fit_intercept else X
    weighted = np.sqrt(weights)[:, None] * centred
    return weighted / np.linalg.norm(weighted, axis=0)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("shift", [0.0, 300.0])
@pytest.mark.parametrize("container", CONTAINERS)
def test_products_are_those_of_the_standardised_matrix(container, shift, fit_intercept, weighted):
    X, y, weights = data(shift)
    weights = weights if weighted else None
    problem = Problem(as_design(CONTAINERS[container](X)), y, weights, fit_intercept=fit_intercept)
    full = standardised(X, weights, fit_intercept)
    rtol, index = 1e-9, np.array([3, 17, 4])
    target = problem.target
    np.testing.assert_allclose(problem.correlation, full.T @ target, atol=rtol)
    np.testing.assert_allclose(problem.columns(index), full[:, index], atol=rtol)
    np.testing.assert_allclose(problem.gradient(target[::-1].copy()), full.T @ target[::-1], atol=rtol)
    np.testing.assert_allclose(problem.gram_rows(index), full[:, index].T @ full, atol=rtol)
    np.testing.assert_allclose(problem.gram(), full.T @ full, atol=rtol)
    coefs = np.random.default_rng(1).standard_normal((30, 1))
    np.testing.assert_allclose(problem.combine(coefs), full @ coefs, atol=30 * rtol)
    assert problem.squared_length(index, coefs[index]) == pytest.approx(np.sum((full[:, index] @ coefs[index]) ** 2))
    assert np.sum(target**2) == pytest.approx(1.0)


@pytest.mark.parametrize("container", CONTAINERS)
def test_fits_agree_and_leave_x_as_it_was(container):
    X, y, weights = data()
    given = CONTAINERS[container](X)
    before = given.copy()
    model = IHTRegressor(5).fit(given, y, weights)
    np.testing.assert_allclose(model.coef_, IHTRegressor(5).fit(X, y, weights).coef_, rtol=1e-9)
    assert (given != before).sum() == 0
    if isinstance(given, np.ndarray):
        given.setflags(write=False)
        IHTRegressor(5).fit(given, y, weights)


@pytest.mark.parametrize("order", ["C", "F"])
def test_memory_beyond_x_is_small(order):
    rng = np.random.default_rng(2)
    X = np.asarray(rng.standard_normal((600, 8000)), order=order)
    y = X[:, ::800].sum(axis=1) + rng.standard_normal(600)
    IHTRegressor(10).fit(X, y)
    tracemalloc.start()
    model = IHTRegressor(10).fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(model.support_, np.arange(0, 8000, 800))
    assert peak < 0.1 * X.nbytes
    assert model.n_passes_ <= 7


def test_numbers_that_are_not_finite_are_found_without_a_pass_of_their_own():
    X, y, _ = data()
    for value, message in ((np.nan, "Input X contains NaN"), (np.inf, "Input X contains infinity")):
        for container in CONTAINERS.values():
            broken = X.copy()
            broken[7, 11] = value
            with pytest.raises(ValueError, match=message):
                IHTRegressor(2).fit(container(broken), y)

"""Sums of X and y, and the small data sets that stand for them."""

import numpy as np
import pytest
import scipy.sparse

from skamem.core import arrays
from skamem.sparse.objective import _sums
from skamem.sparse.objective._sums import condensed, merged_sums, sums_of, sums_of_moments

RNG = np.random.default_rng(0)
X = RNG.standard_normal((50, 6)) * 10.0 ** np.arange(-3, 3) + 5.0
Y = np.c_[X[:, 0], RNG.standard_normal(50)] * [1e3, 1.0]
WEIGHT = RNG.integers(0, 3, 50).astype(float)
HOST = arrays.placement_of(X)


def sums(X=X, y=Y, weight=None):
    return sums_of(X, y, weight, HOST, is_vector=False)


def moments(A, weight):
    return A.T @ (weight[:, None] * A)


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_few_rows_have_the_moments_of_all(weight, fit_intercept):
    data = condensed(sums(weight=weight), fit_intercept=fit_intercept)
    w = np.ones(50) if weight is None else weight
    mean_x, mean_y = (w @ A / w.sum() * fit_intercept for A in (X, Y))
    assert len(data.X) == len(data.y) <= 6 + 2
    assert (data.weight, data.n_rows) == (w.sum(), np.count_nonzero(w))
    np.testing.assert_allclose(data.mean_x, mean_x, rtol=1e-14)
    np.testing.assert_allclose(data.mean_y, mean_y, rtol=1e-12, atol=1e-14)
    size = np.sqrt(np.diagonal(moments(X - mean_x, w)))
    np.testing.assert_allclose(data.X.T @ data.X / size / size[:, None],
                               moments(X - mean_x, w) / size / size[:, None], atol=1e-13)  # fmt: skip
    np.testing.assert_allclose(data.X.T @ data.y, (X - mean_x).T @ (w[:, None] * (Y - mean_y)), rtol=1e-10, atol=1e-8)
    np.testing.assert_allclose(np.sum(data.y**2, axis=0), np.diagonal(moments(Y - mean_y, w)), rtol=1e-12)


def test_sparse_rows_have_the_sums_of_dense_ones_far_from_zero_too():
    some = np.where(RNG.random((400, 5)) < 0.3, RNG.standard_normal((400, 5)), 0.0)
    y = some[:, :2] + RNG.standard_normal((400, 2))
    for matrix in (some, some + 1e6):
        expected = sums(matrix, y)
        for kind in (scipy.sparse.csr_array, scipy.sparse.csc_array):
            found = sums(kind(matrix), y)
            for name in ("mean", "total", "unit"):
                np.testing.assert_allclose(found[name], expected[name], rtol=1e-12, atol=1e-10)
    weight = RNG.integers(0, 3, 400).astype(float)
    np.testing.assert_allclose(sums(scipy.sparse.csr_array(some), y, weight)["total"], sums(some, y, weight)["total"],
                               atol=1e-12)  # fmt: skip


def test_blocks_merge_to_the_sums_of_all_rows(monkeypatch):
    monkeypatch.setattr(_sums, "_ROWS", 1)
    monkeypatch.setattr(_sums, "_ROWS_PER_COLUMN", 1)  # blocks of 8 rows
    whole, part = sums(weight=WEIGHT), merged_sums(sums(X[30:], Y[30:], WEIGHT[30:]), sums(X[:30], Y[:30], WEIGHT[:30]))
    assert whole["n_rows"] == part["n_rows"]
    size = np.sqrt(np.diagonal(whole["total"]))
    np.testing.assert_allclose(part["total"] / size / size[:, None], whole["total"] / size / size[:, None], atol=1e-13)


def test_constant_columns_stay_so():
    constant = np.c_[X, np.full(50, 0.1)]
    data = condensed(sums(constant, np.full((50, 1), 0.3)), fit_intercept=True)
    assert not data.X[:, -1].any()
    assert not data.y.any()


@pytest.mark.parametrize("centered", [True, False])
def test_moments_that_others_took_are_the_same_sums(centered):
    mean_x, mean_y = X.mean(axis=0), Y.mean(axis=0)
    A, B = (X - mean_x, Y - mean_y) if centered else (X, Y)
    found = sums_of_moments(
        A.T @ A, A.T @ B, np.sum(B**2, axis=0), mean_x=mean_x, mean_y=mean_y, weight=50.0, n_rows=50.0,
        centered=centered, is_vector=False, digits=2.0**-52,
    )  # fmt: skip
    one, other = (condensed(each, fit_intercept=True, check=True) for each in (found, sums()))
    size = np.linalg.norm(other.X, axis=0)
    np.testing.assert_allclose(one.X.T @ one.X / size / size[:, None], other.X.T @ other.X / size / size[:, None],
                               atol=1e-13 if centered else 1e-8)  # fmt: skip

"""Rows on their way into training: standardised, whatever their units."""

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal

from skamem.core import arrays
from skamem.supervised.dense import _scaling as scaling

HOST = arrays.placement_of(np.zeros(1))


def table(n_rows=400, n_features=6, seed=0):
    rng = np.random.RandomState(seed)
    return rng.standard_normal((n_rows, n_features)) * [1, 1, 2, 0.5, 30, 0.01] + [0, 5, -3, 1, 100, 7]


def scaled(X, scale, weights=None, dtype=np.float64):
    weights = np.ones(X.shape[0]) if weights is None else weights
    return scaling.standardized(X, np.arange(X.shape[0]), weights, scale, HOST, dtype)


@pytest.mark.parametrize("scale", ["global", "feature"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rows_have_mean_zero_and_root_mean_square_one(scale, dtype):
    X, weights = table().astype(dtype), np.random.RandomState(1).uniform(0, 2, 400)
    rows, constant = scaled(X, scale, weights, dtype)
    V = rows.take(np.arange(400)).astype(np.float64)
    assert V.dtype == np.float64
    assert rows.offset.dtype == dtype
    assert_allclose(np.average(V, axis=0, weights=weights), 0, atol=1e-4 if dtype == np.float32 else 1e-12)
    assert_allclose(np.average(np.mean(V**2, axis=1), weights=weights), 1, rtol=1e-5)
    assert_allclose(V * rows.scale + rows.offset, X, rtol=1e-5, atol=1e-5)
    assert not np.any(constant)


def test_global_is_one_number_and_feature_brings_wide_features_down_only():
    rows, _ = scaled(table(), "global")
    assert_allclose(rows.scale, rows.scale[0])
    rows, _ = scaled(table(), "feature")
    spread = np.std(table(), axis=0)
    assert_allclose(rows.scale / rows.scale[0], np.maximum(spread, np.median(spread)) / np.median(spread), rtol=1e-10)


def test_values_as_given():
    rows, constant = scaled(table(), None)
    assert_array_equal(rows.take(np.arange(400)), table())
    assert not np.any(constant)


@pytest.mark.parametrize("scale", ["global", "feature"])
def test_large_constants_and_huge_values_are_no_spread(scale):
    X = np.concatenate([table(), np.full((400, 1), 1e9), np.full((400, 1), -0.1)], axis=1).astype(np.float32)
    rows, constant = scaled(X, scale, dtype=np.float32)
    assert_array_equal(constant, [False] * 6 + [True] * 2)
    assert_allclose(rows.take(np.arange(400))[:, 6:], 0, atol=1e-3)
    rows, _ = scaled((1e30 * table()).astype(np.float32), scale, dtype=np.float32)
    assert np.all(np.isfinite(rows.take(np.arange(400))))
    assert np.all(np.isfinite(rows.scale))
    rows, constant = scaled(np.ones((5, 3)), scale)
    assert np.all(constant)
    assert_array_equal(rows.take(np.arange(5)), np.zeros((5, 3)))


@pytest.mark.parametrize("scale", ["global", "feature", None])
def test_sparse_rows_are_those_of_the_dense_table(scale, monkeypatch):
    monkeypatch.setattr(scaling, "_SMALL_BYTES", 0)
    X = table() * (np.random.RandomState(2).uniform(size=(400, 6)) < 0.3)
    index = np.asarray([3, 1, 2])
    expected, _ = scaled(X, scale)
    found, _ = scaled(scipy.sparse.csr_array(X), scale)
    assert scipy.sparse.issparse(found.rows.values)
    assert_allclose(found.take(index), expected.take(index), rtol=1e-9, atol=1e-12)
    known = scaling.scaled_rows(scipy.sparse.csr_array(X), index, expected.offset, expected.scale, HOST)
    assert_allclose(known.take(np.arange(3)), expected.take(index), rtol=1e-9, atol=1e-12)


def test_columns_come_in_parts(monkeypatch):
    monkeypatch.setattr(scaling, "_SMALL_BYTES", 0)
    X, index = table() * (np.random.RandomState(2).uniform(size=(400, 6)) < 0.3), np.asarray([3, 1, 2])
    rows, _ = scaled(scipy.sparse.csr_array(X), "feature")
    parts = list(rows.column_parts(index, 4))
    assert [part.shape for part in parts] == [(3, 4), (3, 2)]
    assert_allclose(np.concatenate(parts, axis=1), rows.take(index), rtol=1e-14)
    dense, _ = scaled(X, "feature")
    assert_array_equal(next(dense.column_parts(index, 4)), dense.take(index))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", ["feature", "global"])
def test_sparse_rows_far_from_zero(scale, dtype, monkeypatch):
    monkeypatch.setattr(scaling, "_SMALL_BYTES", 0)
    rng = np.random.RandomState(0)
    X = table() * (rng.uniform(size=(400, 6)) < 0.4)
    X[:, 0] = (1e8 if dtype == np.float64 else 1e4) + rng.standard_normal(400)  # stored in full, and hardly varies
    X[:, 1] = -7.3  # constant
    X, weights = X.astype(dtype), rng.uniform(0, 2, 400)
    expected, varies = scaled(X, scale, weights, dtype)
    found, constant = scaled(scipy.sparse.csr_array(X), scale, weights, dtype)
    assert_array_equal(constant, varies)
    assert constant.tolist() == [False, True, False, False, False, False]
    rtol = 1e-3 if dtype == np.float32 else 1e-6
    assert_allclose(found.scale, expected.scale, rtol=rtol)
    assert_allclose(found.offset, expected.offset, rtol=1e-6, atol=1e-6)


def mapped(X, folder):
    np.save(folder / "X.npy", X)
    return np.load(folder / "X.npy", mmap_mode="r")


@pytest.mark.parametrize("scale", ["global", "feature", None])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rows_of_a_file_are_those_of_the_table_and_stay_there(scale, dtype, tmp_path, monkeypatch):
    # Several blocks, the last of them short: sums must be made in the same pieces.
    X = np.random.RandomState(0).standard_normal((2500, 500)).astype(dtype) + np.arange(500).astype(dtype)
    index, weights = np.random.RandomState(1).permutation(2500)[:2400], np.random.RandomState(2).uniform(0, 2, 2400)
    expected, constant = scaling.standardized(X, index, weights, scale, HOST, dtype)
    monkeypatch.setattr(scaling, "_SMALL_BYTES", 0)
    X = mapped(X, tmp_path)
    found, constant_found = scaling.standardized(X, index, weights, scale, HOST, dtype)
    assert np.shares_memory(found.rows.values, X)
    assert len(found) == 2400
    some = np.asarray([7, 2399, 0, 7])
    for name in ("offset", "scale"):
        assert_array_equal(getattr(found, name), getattr(expected, name))
    assert_array_equal(found.take(some), expected.take(some))
    assert_array_equal(np.concatenate(list(found.column_parts(some, 3)), axis=1), expected.take(some))
    assert_array_equal(constant_found, constant)
    assert found.take(some).dtype == dtype
    known = scaling.scaled_rows(X, index, expected.offset, expected.scale, HOST)
    assert_array_equal(known.take(some), (X[index[some]] - expected.offset) / expected.scale)

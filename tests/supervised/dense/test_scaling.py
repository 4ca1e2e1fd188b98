"""What a dense memory sets by itself: overlaps and potentials start at one size on any data."""

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits

from skamem import DenseAMClassifier
from skamem.core import arrays
from skamem.core.interactions import RectifiedPolynomial
from skamem.supervised.dense import _scaling as scaling
from skamem.supervised.dense._readouts import PolynomialLinearReadout

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
    monkeypatch.setattr(scaling, "_SMALL_SPARSE_BYTES", 0)
    X = table() * (np.random.RandomState(2).uniform(size=(400, 6)) < 0.3)
    index = np.asarray([3, 1, 2])
    expected, _ = scaled(X, scale)
    found, _ = scaled(scipy.sparse.csr_array(X), scale)
    assert scipy.sparse.issparse(found.rows)
    assert_allclose(found.take(index), expected.take(index), rtol=1e-9, atol=1e-12)
    known = scaling.scaled_rows(scipy.sparse.csr_array(X), index, expected.offset, expected.scale, HOST)
    assert_allclose(known.take(np.arange(3)), expected.take(index), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n_features", [2, 30, 300])
@pytest.mark.parametrize("degree", [1, 2, 3, 5])
def test_overlaps_start_at_0_4_and_potentials_at_0_5(n_features, degree):
    rng = np.random.RandomState(0)
    rows, _ = scaled(rng.standard_normal((200, n_features)) * 17 + 4, "global")
    temperature = scaling.auto_temperature(n_features + 1)
    visible, bias, chosen = scaling.initial_visible(rows, 2000, temperature, "random", True, rng)
    assert chosen is None
    overlaps = rows.take(np.arange(200)) @ visible.T + bias
    assert_allclose(scaling.root_mean_square(overlaps), 0.4, rtol=0.05)
    readout = PolynomialLinearReadout(degree, np.inf)
    recognition = scaling.initial_recognition(rng.standard_normal((2000, 4)), overlaps, readout)
    assert_allclose(scaling.root_mean_square(readout.potentials(overlaps, recognition)), 0.5, rtol=1e-6)


def test_memories_from_the_data_point_where_the_data_do():
    rng = np.random.RandomState(0)
    rows, _ = scaled(rng.standard_normal((50, 40)), "global")
    visible, bias, chosen = scaling.initial_visible(rows, 30, 2.0, "data", False, rng)
    V = rows.take(chosen)
    cosines = np.sum(V * visible, axis=1) / np.linalg.norm(V, axis=1) / np.linalg.norm(visible, axis=1)
    assert np.min(cosines) > 0.85
    assert_allclose(np.linalg.norm(visible, axis=1), 0.05 / 2.0 * np.sqrt(40))
    assert_array_equal(bias, np.zeros(30))


@pytest.mark.parametrize(("copied", "least"), [(True, 1e-5), (False, 0.2)])
@pytest.mark.parametrize("degree", [6, 30, 300])
def test_high_degrees_start_where_several_memories_have_a_say(degree, copied, least):
    peak, level = scaling.peak_and_level(degree, True, copied)
    assert_allclose(peak + level, 1.2)
    # A memory at the level against the best match: not negligible whatever the degree.
    share = RectifiedPolynomial(degree).energy(np.asarray(level)) / RectifiedPolynomial(degree).energy(np.asarray(1.2))
    assert share > least


def test_high_degrees_learn_from_random_memories():
    X, y = load_digits(return_X_y=True)
    low, high = (
        DenseAMClassifier(100, degree=degree, max_iter=30, random_state=0).fit(X[:1000], y[:1000]) for degree in (3, 30)
    )
    assert high.score(X[1000:], y[1000:]) > low.score(X[1000:], y[1000:]) - 0.01  # seeds 0 and 1: +.001 to +.003


def test_noise_is_a_share_of_the_distance_between_classes():
    rng = np.random.RandomState(0)
    X = np.concatenate([rng.standard_normal((60, 2)) * 1e-3, rng.standard_normal((60, 2)) * 1e-3 + [2.0, 0.0]])
    rows, codes = scaling.scaled_rows(X, np.arange(120), np.zeros(2), np.ones(2), HOST), np.repeat([0, 1], 60)
    assert_allclose(scaling.auto_noise(rows, codes, rng), 0.15 * 2.0, rtol=0.01)
    assert scaling.auto_noise(rows, np.zeros(120, dtype=int), rng) == 0
    far = scaling.scaled_rows(100 * X, np.arange(120), np.zeros(2), np.ones(2), HOST)
    assert scaling.auto_noise(far, codes, rng) == 0.7

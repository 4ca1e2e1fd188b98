"""Overlaps and potentials start at one size on any data."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits

from skamem import DenseAMClassifier
from skamem.core import arrays
from skamem.core.interactions import RectifiedPolynomial
from skamem.supervised.dense import _start as start
from skamem.supervised.dense._defaults import auto_temperature
from skamem.supervised.dense._readouts import PolynomialLinearReadout
from skamem.supervised.dense._scaling import standardized


def scaled(X):
    host = arrays.placement_of(X)
    return standardized(X, np.arange(len(X)), np.ones(len(X)), "global", host, np.float64)[0]


@pytest.mark.parametrize("n_features", [2, 30, 300])
@pytest.mark.parametrize("degree", [1, 2, 3, 5])
def test_overlaps_start_at_0_4_and_potentials_at_0_5(n_features, degree):
    rng = np.random.RandomState(0)
    rows = scaled(rng.standard_normal((200, n_features)) * 17 + 4)
    temperature = auto_temperature(n_features + 1)
    visible, bias, chosen = start.initial_visible(rows, 2000, temperature, "random", True, rng)
    assert chosen is None
    overlaps = rows.take(np.arange(200)) @ visible.T + bias
    assert_allclose(start.root_mean_square(overlaps), 0.4, rtol=0.05)
    readout = PolynomialLinearReadout(degree, np.inf)
    recognition = start.initial_recognition(rng.standard_normal((2000, 4)), overlaps, readout)
    assert_allclose(start.root_mean_square(readout.potentials(overlaps, recognition)), 0.5, rtol=1e-6)


@pytest.mark.parametrize("n_features", [1, 2, 30])
def test_narrow_memories_see_one_to_three_features_and_no_feature_more_often(n_features):
    # 4000 draws: a share of 0.5 has a standard error of 0.008.
    mask = start.narrow_mask(4000, n_features, 0.5, np.random.RandomState(0))
    widths = mask.sum(axis=1)
    assert set(widths) == {min(1, n_features), min(2, n_features), min(3, n_features), n_features}
    if n_features > 3:
        assert_allclose(np.bincount(widths)[[1, 2, 3, n_features]] / 4000, [1 / 6, 1 / 6, 1 / 6, 1 / 2], atol=0.04)
    assert_allclose(mask.mean(axis=0), mask.mean(), atol=0.05)


def test_memories_from_the_data_point_where_the_data_do():
    rng = np.random.RandomState(0)
    rows = scaled(rng.standard_normal((50, 40)))
    visible, bias, chosen = start.initial_visible(rows, 30, 2.0, "data", False, rng)
    V = rows.take(chosen)
    cosines = np.sum(V * visible, axis=1) / np.linalg.norm(V, axis=1) / np.linalg.norm(visible, axis=1)
    assert np.min(cosines) > 0.85
    assert_allclose(np.linalg.norm(visible, axis=1), 0.05 / 2.0 * np.sqrt(40))
    assert_array_equal(bias, np.zeros(30))


@pytest.mark.parametrize(("copied", "least"), [(True, 1e-5), (False, 0.2)])
@pytest.mark.parametrize("degree", [6, 30, 300])
def test_high_degrees_start_where_several_memories_have_a_say(degree, copied, least):
    peak, level = start.peak_and_level(degree, True, copied)
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

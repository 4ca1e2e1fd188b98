"""Which stored patterns recalled states are."""

import numpy as np
import pytest

from skamem.datasets import make_patterns
from skamem.structures._tracking import StoredPatterns


def mean_distance(patterns):
    """Between two different rows."""
    stored = StoredPatterns.measured(patterns)
    first, second = np.nonzero(~np.eye(len(patterns), dtype=bool))
    return float(np.mean(stored.distances(patterns[first], patterns[second])))


@pytest.mark.parametrize("n_patterns", [2, 3, 5, 30])
@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (1e-3, 5.0), (1e100, 0.0)])
def test_different_real_patterns_are_half_apart_however_many_there_are(n_patterns, scale, shift):
    patterns = scale * np.random.default_rng(0).standard_normal((n_patterns, 40)) + shift
    np.testing.assert_allclose(mean_distance(patterns), 0.5, rtol=1e-9)


def test_repetitions_do_not_count():
    patterns = np.random.default_rng(0).standard_normal((5, 40))
    often = np.concatenate([patterns, np.repeat(patterns[:1], 95, axis=0)])
    found = StoredPatterns.measured(often).distances(patterns[:-1], patterns[1:])
    np.testing.assert_allclose(
        found, StoredPatterns.measured(patterns).distances(patterns[:-1], patterns[1:]), rtol=1e-12
    )


@pytest.mark.parametrize("n_copies", [1, 4])
def test_a_single_real_pattern_is_measured_by_its_own_units(n_copies):
    """Of unrelated ones of 10,000 units the distance is 0.5 but for a standard deviation of about .01."""
    pattern, other = 3.0 * np.random.default_rng(0).standard_normal((2, 10_000)) + 7.0
    stored = StoredPatterns.measured(np.repeat(pattern[None, :], n_copies, axis=0))
    assert abs(float(stored.distances(other[None, :], pattern[None, :])[0]) - 0.5) < 0.05
    assert float(stored.distances(pattern[None, :], pattern[None, :])[0]) == 0.0
    assert bool(stored.are_near(pattern[None, :] + 1e-12, pattern[None, :], 0.05)[0])


def test_a_constant_pattern_is_only_itself_unless_levels_are_known():
    ones, state = np.ones((1, 20)), np.where(np.arange(20) < 1, -1.0, 1.0)[None, :]
    assert float(StoredPatterns.measured(ones).distances(state, ones)[0]) == np.inf
    assert float(StoredPatterns.measured(ones, (-1.0, 1.0)).distances(state, ones)[0]) == 1 / 20
    zeros, state = np.zeros((1, 20)), np.where(np.arange(20) < 1, 1.0, 0.0)[None, :]
    assert float(StoredPatterns.measured(zeros, (0.0, 1.0)).distances(state, zeros)[0]) == 1 / 20


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 1.0), (0.3, 0.7), (5.0, 1e6)])
@pytest.mark.parametrize("n_patterns", [1, 2, 30])
def test_two_values_wherever_they_are(low, high, n_patterns):
    patterns = np.where(make_patterns(n_patterns, 60, random_state=0) > 0, high, low)
    states = np.repeat(patterns[:1], 60, axis=0)
    wrong = np.arange(60) < np.arange(60)[:, None]
    states = np.where(wrong, low + high - states, states)
    states = np.where(np.abs(states - low) < np.abs(states - high), low, high)
    found = StoredPatterns.measured(patterns).distances(states, np.repeat(patterns[:1], 60, axis=0))
    np.testing.assert_array_equal(found, np.arange(60) / 60)
    states[:, 40:] = np.nan  # a share of those that are known
    found = StoredPatterns.measured(patterns).distances(states, np.repeat(patterns[:1], 60, axis=0))
    np.testing.assert_array_equal(found[:40], np.arange(40) / 40)


def test_wrong_units_of_sparse_patterns_are_counted_against_those_that_are_on():
    patterns = np.zeros((10, 1000))
    patterns[np.repeat(np.arange(10), 20), np.arange(200)] = 1.0  # 20 units each, no two together
    stored = StoredPatterns.measured(patterns)
    np.testing.assert_allclose(stored.distances(patterns[:1], patterns[1:2]), 40 / (8 * 20), rtol=1e-12)
    np.testing.assert_allclose(
        StoredPatterns.measured(1 - patterns).distances(1 - patterns[:1], 1 - patterns[1:2]), 0.25
    )

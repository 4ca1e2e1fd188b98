"""Wilson's interval: its defining equation, its range, and its coverage."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import binom, norm

from skamem.analysis import wilson_interval


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_ends_are_where_the_score_test_turns(confidence):
    successes, trials = np.asarray([1, 5, 20, 39]), 40
    for end in wilson_interval(successes, trials, confidence):
        score = np.abs(successes / trials - end) / np.sqrt(end * (1 - end) / trials)
        assert_allclose(score, norm.ppf((1 + confidence) / 2), rtol=1e-9)


def test_ends_stay_within_the_unit_interval():
    low, high = wilson_interval(np.asarray([0, 10]), 10)
    assert_allclose([low[0], high[1]], [0, 1], atol=1e-15)
    assert 0 < high[0] < 0.5 < low[1] < 1


def test_coverage_is_near_its_name():
    trials = 200
    low, high = wilson_interval(np.arange(trials + 1), trials)
    for share in np.linspace(0.05, 0.95, 37):
        covered = np.sum(binom.pmf(np.arange(trials + 1), trials, share)[(low <= share) & (share <= high)])
        assert 0.925 < covered < 0.975


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, 2, 1.0), "confidence=1.0 is out of range"),
        ((1, 0), "n_trials=0 is out of"),
        ((3, 2), "n_successes=3 is out"),
    ],
)
def test_bad_numbers_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        wilson_interval(*arguments)

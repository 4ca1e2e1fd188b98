"""Learning-rate factors."""

import math

import numpy as np

from skamem.training import cosine_schedule, rising_schedule


def test_schedule_rises_and_falls():
    factors = [cosine_schedule(step, 1000) for step in range(1000)]
    assert factors[0] == 1 / 50
    assert max(factors) == factors[49] == factors[50] == 1
    assert np.all(np.diff(factors[50:]) < 0)
    assert 0 < factors[-1] < 1e-5
    assert math.isclose(factors[525], 0.5, abs_tol=1e-3)


def test_a_run_without_end_rises_and_stays():
    factors = [rising_schedule(step, 10) for step in range(30)]
    assert np.allclose(np.diff(factors[:10]), 0.1)
    assert factors[0] == 0.1
    assert factors[9:] == [1.0] * 21

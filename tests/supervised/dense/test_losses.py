"""The losses against their definitions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skamem.supervised.dense._losses import PowerLoss


def difference(function, point, step=1e-6):
    gradient = np.empty_like(point)
    for i in np.ndindex(point.shape):
        shift = np.zeros_like(point)
        shift[i] = step
        gradient[i] = (function(point + shift) - function(point - shift)) / (2 * step)
    return gradient


@pytest.mark.parametrize("power", [0.5, 1, 2, 30])
def test_loss_and_its_slope(power):
    rng = np.random.RandomState(0)
    potentials = rng.standard_normal((5, 4))
    targets = np.where(rng.uniform(size=(5, 4)) < 0.3, 1.0, -1.0)
    weights = rng.uniform(0.5, 2, 5)
    loss = PowerLoss(power)
    value, slope = loss.value_and_slope(potentials, targets, weights)
    expected = weights * np.mean((np.abs(np.tanh(potentials) - targets) / 2) ** (2 * power), axis=1)
    assert_allclose(value, expected, rtol=1e-12)
    by_difference = difference(lambda p: np.sum(loss.value_and_slope(p, targets, weights)[0]), potentials)
    assert_allclose(slope, by_difference, rtol=1e-6, atol=1e-9)


def test_a_unit_saturated_at_the_wrong_end_keeps_a_slope():
    potentials, targets, weights = np.asarray([[-20.0, 20.0, -0.3]]), np.ones((1, 3)), np.ones(1)
    plain, kept = (PowerLoss(2, floor).value_and_slope(potentials, targets, weights) for floor in (0.0, 0.1))
    assert_array_equal(plain[0], kept[0])
    assert abs(plain[1][0, 0]) < 1e-15
    assert_allclose(kept[1][0, 0], -4 * 2 * 0.1 / 3)
    assert_allclose(kept[1][0, 1:], plain[1][0, 1:])


def test_loss_of_saturated_units_is_finite_in_float32():
    potentials = np.asarray([[1e30, -1e30, 40.0]], dtype=np.float32)
    targets = np.asarray([[-1.0, -1.0, 1.0]], dtype=np.float32)
    value, slope = PowerLoss(2).value_and_slope(potentials, targets, np.ones(1, dtype=np.float32))
    assert_allclose(value, [1 / 3], rtol=1e-6)
    assert np.all(np.isfinite(slope))

"""What the outputs should be."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skamem.core import arrays
from skamem.training import ClassTargets, RealTargets, orientations


def test_class_targets():
    targets = ClassTargets(np.asarray([2, 0, 1]), 3)
    host = arrays.placement_of(np.zeros(1))
    assert_array_equal(targets.take(np.asarray([0, 2]), host, np.float32), [[-1, -1, 1], [-1, 1, -1]])
    potentials = np.asarray([[0, 0, 1.0], [0, 1.0, 0]])
    assert targets.score(potentials, np.asarray([0, 1]), np.asarray([3.0, 1.0])) == 0.75


def test_real_targets():
    values, weights = np.asarray([[1.0, 5.0], [3.0, 5.0], [100.0, 0.0]]), np.asarray([1.0, 3.0])
    targets, rows = RealTargets(values), np.asarray([0, 1])
    targets.settle(rows, weights)
    taken = targets.take(rows, arrays.placement_of(values), np.float64)
    assert_allclose(weights @ taken, 0, atol=1e-12)
    assert_allclose(weights @ taken[:, 0] ** 2 / 4, 1)
    assert_allclose(targets.scale[1], 1)  # did not vary
    assert_array_equal(targets.codes[rows], [0, 1])
    assert targets.score(taken, rows, weights) == 1
    assert_allclose(targets.score(0 * taken, rows, weights), 0, atol=1e-12)


def test_orientations_turn_with_the_targets():
    rng = np.random.RandomState(0)
    values, weights = rng.exponential(size=(40, 3)), rng.randint(0, 3, 40)
    signs = orientations(values, weights)
    assert_array_equal(orientations(-values, weights), -signs)
    assert_array_equal(orientations(np.repeat(values, weights, axis=0), np.ones(weights.sum())), signs)
    assert_array_equal(orientations(1e308 * (values / values.max()), weights), signs)
    keys, turned = (RealTargets(v, signs=orientations(v, weights)).keys for v in (values, -values))
    assert_array_equal(keys, turned)
    # Symmetric targets and targets that vary by rounding only have no way up, however they are summed.
    assert_array_equal(orientations(np.asarray([[-1.0, 7e9 + 1e-6], [1.0, 7e9]]), np.asarray([3.0, 3.0])), [1, 1])


@pytest.mark.parametrize(("shift", "size"), [(1e9, 1e-3), (0.0, 1e-200), (0.0, 1e200), (-1e12, 1.0)])
def test_real_targets_of_any_unit(shift, size):
    x = np.random.RandomState(0).standard_normal(50)
    targets = RealTargets((shift + size * x)[:, None])
    targets.settle(np.arange(50), np.ones(50))
    standard = (x - x.mean()) / x.std()
    taken = targets.take(np.arange(50), arrays.placement_of(x), np.float64)[:, 0]
    # What is left of x beside the shift is known to one in size / (shift eps).
    assert_allclose(taken, standard, atol=1e-12 + 4 * abs(shift) * np.finfo(float).eps / size)
    assert not targets.constant[0]


@pytest.mark.parametrize("value", [0.1, -1e300, 0.0, 7e-310])
def test_constant_targets_are_known_to_be(value):
    targets = RealTargets(np.full((7, 1), value))
    targets.settle(np.arange(7), np.full(7, 1 / 3))
    assert targets.offset[0] == value
    assert targets.constant[0]
    assert targets.scale[0] == 1

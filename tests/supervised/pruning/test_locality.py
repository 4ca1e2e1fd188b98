"""Masks are compared with masks of the same margins: the law of the null, and what is and is not local."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skamem.supervised.pruning import mask_locality
from skamem.supervised.pruning._locality import _trade


def patches(n_units, size, width, rng):
    """Units that each see a square patch somewhere."""
    masks = np.zeros((n_units, size, size), dtype=bool)
    for mask, (row, column) in zip(masks, rng.integers(0, size - width + 1, (n_units, 2)), strict=True):
        mask[row : row + width, column : column + width] = True
    return masks.reshape(n_units, -1)


def test_trades_keep_what_each_unit_and_each_pixel_has():
    rng = np.random.RandomState(0)
    mask = rng.random_sample((15, 30)) < rng.random_sample(30)
    traded = mask.copy()
    for _ in range(20):
        _trade(traded, rng)
        assert_array_equal(traded.sum(axis=0), mask.sum(axis=0))
        assert_array_equal(traded.sum(axis=1), mask.sum(axis=1))
    assert np.mean(traded != mask) > 0.1


def test_trades_visit_all_masks_of_the_margins_alike():
    # Permutation matrices of size 3: six states. By chance one run of 10,000 fails at this bound on χ² of 5 degrees.
    state, rng, counts = np.eye(3, dtype=bool), np.random.RandomState(0), {}
    for _ in range(6000):
        for _ in range(3):
            _trade(state, rng)
        counts[state.tobytes()] = counts.get(state.tobytes(), 0) + 1
    assert len(counts) == 6
    assert sum((count - 1000) ** 2 / 1000 for count in counts.values()) < 25.7


def test_patches_are_local_and_pixels_of_unequal_weight_are_not():
    rng = np.random.default_rng(0)
    local = mask_locality(patches(30, 10, 3, rng), (10, 10), random_state=0)
    assert local.p_value == 1 / 2000
    assert local.z > 10
    # The mean distance in a square of 3 x 3, over its 36 pairs.
    assert_allclose(local.mean_distance, (12 * 1 + 8 * 2**0.5 + 6 * 2 + 8 * 5**0.5 + 2 * 8**0.5) / 36, rtol=1e-6)
    centre = np.exp(-(np.linalg.norm(np.indices((10, 10)) - 4.5, axis=0) ** 2) / 8).ravel()
    drawn = rng.random((30, 100)) < centre
    null = mask_locality(drawn, (10, 10), random_state=0)
    assert null.p_value > 0.01  # fails for one mask of a hundred: this one does not
    assert abs(null.z) < 3


def test_p_values_of_masks_drawn_by_pixel_weights_are_even():
    rng = np.random.default_rng(1)
    weights = rng.random(36)
    p = [
        mask_locality(rng.random((8, 36)) < weights, (6, 6), n_permutations=99, random_state=i).p_value
        for i in range(200)
    ]
    # Kolmogorov and Smirnov's bound for an error of 1 in 1,000, and the step of 1/100 of these p-values.
    assert np.max(np.abs(np.sort(p) - np.arange(1, 201) / 200)) < 1.95 / 200**0.5 + 0.01


def test_channels_of_a_pixel_are_at_one_place():
    mask = np.array([[True, True, False, False, False, False]])
    assert mask_locality(mask, (1, 3, 2), n_permutations=9).mean_distance == 0
    assert mask_locality(mask, (1, 6), n_permutations=9).mean_distance == 1


def test_what_cannot_be_dealt_otherwise_is_no_local_mask():
    same = np.tile(np.arange(16) < 4, (5, 1))
    found = mask_locality(same, (4, 4), n_permutations=99)
    assert (found.z, found.p_value, found.n_units) == (0.0, 1.0, 5)


def test_units_of_one_pixel_have_no_distance():
    mask = np.eye(4, dtype=bool)
    found = mask_locality(mask, (2, 2), n_permutations=9)
    assert np.isnan(found.mean_distance)
    assert (found.p_value, found.n_units) == (1.0, 0)
    mask[0, :3] = True
    assert mask_locality(mask, (2, 2), n_permutations=9).n_units == 1


def test_an_image_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"image_shape=\(3, 3\) has 9 pixels; expected 16"):
        mask_locality(np.ones((2, 16)), (3, 3))

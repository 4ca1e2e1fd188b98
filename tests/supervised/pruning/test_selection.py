"""How many weights go in each round, and which."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skamem.supervised.pruning._selection import SCOPES, _shares, most_sparse, prune, shares_kept


@pytest.mark.parametrize("sparsity", [0.01, 0.36, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("fraction", [0.01, 0.2, 0.9])
def test_no_round_takes_more_than_its_fraction(sparsity, fraction):
    shares = [1.0, *shares_kept(sparsity, None, fraction)]
    taken = 1 - np.divide(shares[1:], shares[:-1])
    assert np.all(taken <= fraction + 1e-9)
    assert_allclose(taken, taken[0], rtol=1e-9)
    assert shares[-1] == 1 - sparsity
    fewer = [1.0, *shares_kept(sparsity, max(1, len(shares) - 2), fraction)]
    assert len(shares) == 2 or 1 - fewer[1] > fraction


def test_rounds_are_as_many_as_asked_for():
    assert [len(shares_kept(0.9, n_rounds, 0.2)) for n_rounds in (1, 3, 20)] == [1, 3, 20]
    assert shares_kept(0.0, None, 0.2) == []
    assert len(shares_kept(0.36, None, 0.2)) == 2


def state(rng):
    shapes = {"first": (13, 7), "second": (7, 3), "last": (3, 1)}
    magnitudes = {name: np.abs(rng.standard_normal(shape)) for name, shape in shapes.items()}
    return magnitudes, {name: np.ones(shape, dtype=bool) for name, shape in shapes.items()}


@pytest.mark.parametrize("scope", SCOPES)
def test_masks_are_nested_and_the_smallest_go(scope):
    magnitudes, masks = state(np.random.default_rng(0))
    for share in (0.7, 0.4, 0.2, 0.05):
        before, masks = masks, prune(magnitudes, masks, share, scope)
        n_kept = sum(mask.sum() for mask in masks.values())
        if scope == "global":
            assert n_kept == round(share * 115)
        for name, mask in masks.items():
            assert not np.any(mask & ~before[name])
            assert mask.any(), "no layer dies"
            if scope == "layer":
                assert mask.sum() == max(1, round(share * mask.size))
            smallest = magnitudes[name][mask].min()
            assert np.all(magnitudes[name][before[name] & ~mask] <= smallest)


def test_a_layer_keeps_its_largest_weight_however_small():
    magnitudes = {"large": np.arange(100.0, 200.0), "small": np.array([1e-9, 2e-9])}
    masks = {name: np.ones(sizes.shape, dtype=bool) for name, sizes in magnitudes.items()}
    masks = prune(magnitudes, masks, 0.02, "global")
    assert_array_equal(masks["small"], [False, True])
    assert masks["large"].sum() == 1
    fewer = prune(magnitudes, masks, 1e-9, "global")
    assert sum(mask.sum() for mask in fewer.values()) == 2


def test_zeros_and_what_is_no_number_go_first_and_of_equal_ones_the_later():
    magnitudes = {"w": np.array([1.0, 0.0, np.nan, 1.0, 2.0, 1.0])}
    masks = {"w": np.ones(6, dtype=bool)}
    masks = prune(magnitudes, masks, 4 / 6, "layer")
    assert_array_equal(masks["w"], [True, False, False, True, True, True])
    assert_array_equal(prune(magnitudes, masks, 2 / 6, "layer")["w"], [True, False, False, False, True, False])


def test_what_has_gone_does_not_come_back_for_its_size():
    magnitudes, masks = {"w": np.array([9.0, 1.0, 2.0, 3.0])}, {"w": np.array([False, True, True, True])}
    assert_array_equal(prune(magnitudes, masks, 0.5, "global")["w"], [False, False, True, True])


def test_the_scale_of_an_array_does_not_matter_among_all():
    magnitudes, masks = state(np.random.default_rng(1))
    found = prune(magnitudes, masks, 0.2, "global")
    for name, factor in (("first", 1e-6), ("second", 1e200), ("last", 1e-200)):
        scaled = prune(magnitudes | {name: magnitudes[name] * factor}, masks, 0.2, "global")
        for one, other in zip(found.values(), scaled.values(), strict=True):
            assert_array_equal(one, other)


def test_shares_are_those_of_lee_and_others():
    magnitudes = {"w": np.array([1.0, 3.0, 2.0, 5.0])}
    shares = _shares(magnitudes["w"], np.array([True, True, True, False]))
    assert_allclose(shares, [1 / 14, 1.0, 4 / 13, 0.0])


@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize("sparsity", [0.5, 0.9, 0.97, 0.999])
def test_the_most_sparse_is_what_pruning_reaches(scope, sparsity):
    for sizes in ([30], [4, 200], [7, 8, 9]):
        rng = np.random.RandomState(0)
        magnitudes = {str(number): rng.uniform(size=size) for number, size in enumerate(sizes)}
        masks = {name: np.ones(len(values), dtype=bool) for name, values in magnitudes.items()}
        left = prune(magnitudes, masks, 1 - sparsity, scope)
        reached = 1 - sum(mask.sum() for mask in left.values()) / sum(sizes)
        most = most_sparse(sizes, sparsity, scope)
        if most < sparsity:
            assert reached == pytest.approx(most)
        else:
            assert abs(reached - sparsity) * sum(sizes) <= 0.5 * len(sizes) + 1e-9

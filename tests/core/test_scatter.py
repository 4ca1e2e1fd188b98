"""Sums of rows that merge: against centred rows, in any unit, order and size of blocks."""

import numpy as np
import pytest

from skamem.core import scatter
from skamem.core.reduction import PairwiseReduction

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 4)) @ RNG.standard_normal((4, 4))
WEIGHT = RNG.integers(1, 4, 60).astype(float)


def by_hand(X, weight):
    mean = weight @ X / weight.sum()
    return mean, ((X - mean) * weight[:, None]).T @ (X - mean)


def in_blocks(X, weight, n_blocks, units=1.0):
    parts = PairwiseReduction(scatter.merged)
    for rows in np.array_split(np.arange(len(X)), n_blocks):
        parts.add(scatter.scatter_of(X[rows] / units, weight[rows], units))
    return parts.result()


@pytest.mark.parametrize("n_blocks", [1, 2, 7, 60])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_blocks_have_the_scatter_of_all_rows(n_blocks, offset):
    mean, total = by_hand(X, WEIGHT)
    found = in_blocks(X + offset, WEIGHT, n_blocks)
    assert found["weight"] == WEIGHT.sum()
    np.testing.assert_allclose(found["mean"] - offset, mean, rtol=0, atol=1e-13 + 1e-15 * offset)
    np.testing.assert_allclose(found["total"], total, rtol=0, atol=(1e-14 + 1e-15 * offset) * total.max())


def test_weights_are_repetitions():
    one = scatter.scatter_of(X, WEIGHT)
    other = scatter.scatter_of(np.repeat(X, WEIGHT.astype(int), axis=0))
    for name in ("weight", "mean", "total"):
        np.testing.assert_allclose(one[name], other[name], rtol=1e-12, atol=1e-12)


def test_each_column_has_a_unit_of_its_own_and_none_is_lost():
    scales = np.array([1e-180, 1.0, 1e160, 1e-20])
    mean, total = by_hand(X, WEIGHT)
    parts = PairwiseReduction(scatter.merged)
    for rows in np.array_split(np.arange(60), 5):
        block = X[rows] * scales
        units = scatter.column_units(np.abs(block).max(axis=0), np.float64)
        assert np.all(np.log2(units) == np.round(np.log2(units)))
        parts.add(scatter.scatter_of(block / units, WEIGHT[rows], units))
    found = parts.result()
    size = scales / found["unit"]
    np.testing.assert_allclose(found["mean"] / size, mean, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(found["total"] / size / size[:, None], total, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_units_of_columns_of_zeros_give_way_and_those_of_the_largest_are_finite(dtype):
    largest = np.array([0.0, np.finfo(dtype).smallest_subnormal, 1.0, np.finfo(dtype).max], dtype=dtype)
    units = scatter.column_units(largest, dtype)
    assert units.dtype == dtype
    assert np.all(np.isfinite([units, 1 / units]))
    assert units[0] == units.min()
    assert units[2] == 1.0
    nothing = scatter.scatter_of(np.zeros((3, 1)), None, units[:1].astype(float))
    something = scatter.scatter_of(X[:3, :1], None, np.ones(1))
    found = scatter.merged(nothing, something)
    np.testing.assert_allclose(found["total"], scatter.scatter_of(np.r_[np.zeros((3, 1)), X[:3, :1]])["total"])

"""Rows on their way into training: equal ones merged, an order of their own, targets and weights."""

import array_api_compat.numpy as xp
import array_api_strict
import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal

from skamem.core import arrays
from skamem.supervised.dense._data import (
    ClassTargets,
    RealTargets,
    cached_blocks,
    class_weights,
    known_codes,
    merged_rows,
)


@pytest.fixture
def table():
    """Few distinct rows of very different units, repeated in random order."""
    rng = np.random.RandomState(0)
    distinct = rng.standard_normal((12, 5)) * 10.0 ** np.arange(-4, 6, 2)
    pick = rng.randint(0, 12, 80)
    return distinct, pick, rng.randint(0, 2, 80), rng.randint(0, 3, 80).astype(float)


@pytest.mark.parametrize(
    "kind", [np.asarray, scipy.sparse.csr_array, array_api_strict.asarray], ids=["NumPy", "sparse", "strict"]
)
def test_merging_is_a_group_by(table, kind):
    distinct, pick, keys, weights = table
    index, merged = merged_rows(kind(distinct[pick]), keys, weights)
    expected = {}
    for row, key, weight in zip(pick, keys, weights, strict=True):
        if weight:
            expected[row, key] = expected.get((row, key), 0) + weight
    assert {(pick[i], keys[i]): w for i, w in zip(index, merged, strict=True)} == expected
    assert len(index) == len(expected)


def test_the_order_depends_on_values_only(table):
    distinct, pick, keys, weights = table
    X, shuffle = distinct[pick], np.random.RandomState(1).permutation(80)
    index, merged = merged_rows(X, keys, weights)
    other, again = merged_rows(X[shuffle], keys[shuffle], weights[shuffle])
    assert_array_equal(X[index], X[shuffle][other])
    assert_array_equal(merged, again)


def test_rows_that_nearly_agree_are_kept_apart():
    X = np.asarray([[1.0, 2.0], [1.0, np.nextafter(2.0, 3.0)], [1.0, 2.0 + 1e-9], [1.0, 2.0 + 1e-9]])
    index, merged = merged_rows(X, np.zeros(4, dtype=int), np.ones(4))
    assert sorted(zip(index.tolist(), merged.tolist(), strict=True)) == [(0, 1.0), (1, 1.0), (2, 2.0)]


def test_constant_rows_merge_into_one():
    index, merged = merged_rows(np.zeros((5, 3)), np.zeros(5, dtype=int), np.arange(5.0))
    assert len(index) == 1
    assert_array_equal(merged, [10.0])


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


def test_balanced_class_weights():
    codes, weights = np.asarray([0, 0, 0, 1]), np.asarray([1.0, 1.0, 2.0, 1.0])
    found = class_weights("balanced", np.arange(3), codes, weights)
    assert_allclose(np.bincount(codes, weights=found), [2.5, 2.5])
    assert_allclose(class_weights({1: 7.0}, np.arange(3), codes, weights), [1, 1, 2, 7])
    assert class_weights(None, np.arange(3), codes, weights) is weights


def test_known_codes():
    X = np.zeros((3, 1))
    assert_array_equal(known_codes(["b", "a", "b"], X, np.asarray(["a", "b", "c"]), "Owner"), [1, 0, 1])
    with pytest.raises(ValueError, match=r"y has labels \['d'\] that are not in classes \['a', 'b'\]"):
        known_codes(["a", "d", "b"], X, np.asarray(["a", "b"]), "Owner")
    with pytest.raises(ValueError, match="Owner requires y to be passed"):
        known_codes(None, X, np.asarray(["a"]), "Owner")


def test_cached_blocks_cover_all_rows():
    covered = [list(range(b.start, b.stop)) for b in cached_blocks(5000, 60_000, xp)]
    assert [i for block in covered for i in block] == list(range(5000))
    assert 100 < max(map(len, covered)) < 1000

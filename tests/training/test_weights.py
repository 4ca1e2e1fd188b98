"""Equal rows merged, in an order of their own; weights of classes."""

import array_api_strict
import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal

from skamem.training import check_two_classes, class_weights, merged_rows

KINDS = pytest.mark.parametrize(
    "kind", [np.asarray, scipy.sparse.csr_array, array_api_strict.asarray], ids=["NumPy", "sparse", "strict"]
)


@pytest.fixture
def table():
    """Few distinct rows of very different units, repeated in random order."""
    rng = np.random.RandomState(0)
    distinct = rng.standard_normal((12, 5)) * 10.0 ** np.arange(-4, 6, 2)
    pick = rng.randint(0, 12, 80)
    return distinct, pick, rng.randint(0, 2, 80), rng.randint(0, 3, 80).astype(float)


@KINDS
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


@KINDS
def test_a_row_without_weight_is_not_there(table, kind):
    distinct, pick, keys, weights = table
    X = distinct[pick]
    index, merged = merged_rows(kind(X), keys, weights)
    # Large ones that would change the scale of every feature, and the order of the rows with it.
    more = np.concatenate([1e9 * X[:3], X, -1e7 * X[:5]])
    place = np.repeat([0.0, 1.0, 0.0], [3, 80, 5])
    more_weights, more_keys = place.copy(), np.zeros(88, dtype=int)
    more_weights[place > 0], more_keys[place > 0] = weights, keys
    other, again = merged_rows(kind(more), more_keys, more_weights)
    assert_array_equal(other - 3, index)
    assert_array_equal(again, merged)


def test_balanced_class_weights():
    codes, weights = np.asarray([0, 0, 0, 1]), np.asarray([1.0, 1.0, 2.0, 1.0])
    found = class_weights("balanced", np.arange(3), codes, weights)
    assert_allclose(np.bincount(codes, weights=found), [2.5, 2.5])
    assert_allclose(class_weights({1: 7.0}, np.arange(3), codes, weights), [1, 1, 2, 7])
    assert class_weights(None, np.arange(3), codes, weights) is weights


def test_unknown_labels_and_negative_weights_are_refused():
    codes, weights = np.asarray([0, 1]), np.ones(2)
    for given, message in (("foo", "expected None, 'balanced' or a dict"), ({3: 1.0}, "not in y"), ({1: -1.0}, ">= 0")):
        with pytest.raises(ValueError, match=message):
            class_weights(given, np.arange(2), codes, weights)


def test_classes_without_weight_do_not_count():
    codes = np.asarray([0, 0, 1])
    check_two_classes(codes, np.asarray([1.0, 0.0, 2.0]))
    with pytest.raises(ValueError, match="one class only; expected at least 2"):
        check_two_classes(codes, np.asarray([1.0, 1.0, 0.0]))

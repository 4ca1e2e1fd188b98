"""Every row its turn, and some held back."""

import itertools

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal

from skamem.core import arrays
from skamem.training import (
    balanced_batches,
    batch_count,
    fold_numbers,
    held_back,
    shuffled_batches,
    shuffled_blocks,
    uploaded,
)


@pytest.mark.parametrize(("n_rows", "batch_size", "expected"), [(10, 3, 4), (9, 3, 3), (1, 100, 1), (100, 1, 100)])
def test_batch_count(n_rows, batch_size, expected):
    assert batch_count(n_rows, batch_size) == expected


@pytest.mark.parametrize("n_batches", [1, 3, 10])
def test_shuffled_batches_have_every_row_once(n_batches):
    batches = shuffled_batches(10, n_batches, np.random.RandomState(0))
    assert len(batches) == n_batches
    assert_array_equal(np.sort(np.concatenate(batches)), np.arange(10))
    assert max(map(len, batches)) - min(map(len, batches)) <= 1


@pytest.mark.parametrize("n_batches", [1, 3, 25])
def test_balanced_batches_have_as_many_rows_of_every_class(n_batches):
    codes = np.asarray([0] * 50 + [2] * 9 + [3] * 3)
    batches = balanced_batches(codes, n_batches, np.random.RandomState(0))
    for batch in batches:
        counts = np.bincount(codes[batch], minlength=4)
        assert counts[1] == 0
        assert counts[0] == counts[2] == counts[3] > 0
    together = np.concatenate(batches)
    assert len(codes) <= len(together) <= len(codes) + 3
    assert len(set(together[codes[together] == 0])) == np.sum(codes[together] == 0)
    assert set(together[codes[together] == 3]) == {59, 60, 61}


@pytest.mark.parametrize("sizes", [[4, 4, 4, 4], [1, 30, 2], [3], [0, 5, 0], [], [50] * 5])
@pytest.mark.parametrize("n_rows", [1, 7, 1000])
def test_shuffled_blocks_have_every_row_once_and_early_ones_first(sizes, n_rows):
    ends = np.cumsum([0, *sizes])
    blocks = [(np.arange(a, b)[:, None] * [1.0, 2.0], np.arange(a, b)) for a, b in itertools.pairwise(ends)]
    found = list(shuffled_blocks(iter(blocks), n_rows, np.random.RandomState(0)))
    numbers = np.concatenate([np.zeros(0, dtype=int), *(y for _, y in found)])
    assert_array_equal(np.sort(numbers), np.arange(ends[-1]))
    for X, y in found:
        assert_array_equal(X, y[:, None] * [1.0, 2.0])
    # Nothing comes before it has been read: at most a buffer and a block ahead of its turn.
    assert all(number <= turn + n_rows + max(sizes) for turn, number in enumerate(numbers))
    assert all(len(y) <= max(n_rows, *sizes) for _, y in found)


def test_shuffled_blocks_mix_what_came_sorted():
    blocks = [(np.full(100, label),) for label in range(20)]
    # All 20 labels in random order in the mean; a block of the first ones only would have a mean below 3.
    first = next(shuffled_blocks(blocks, 1900, np.random.RandomState(0)))[0]
    assert len(first) == 100
    assert len(np.unique(first)) > 15  # of 20; fewer have a probability below 1e-12
    again = next(shuffled_blocks(blocks, 1900, np.random.RandomState(0)))[0]
    assert_array_equal(first, again)


def test_shuffled_blocks_take_sparse_rows_and_read_one_block_at_a_time():
    read = []

    def stream():
        for i in range(5):
            read.append(i)
            yield scipy.sparse.csr_array(np.full((10, 3), i + 1.0)), np.full(10, i + 1)

    found = shuffled_blocks(stream(), 15, 0)
    X, y = next(found)
    assert read == [0, 1]
    assert scipy.sparse.issparse(X)
    assert_array_equal(X.toarray()[:, 0], y)
    assert sum(rows.shape[0] for rows, _ in found) + len(y) == 50


@pytest.mark.parametrize(("n_rows", "error"), [(0, ValueError), (1.5, TypeError), (None, TypeError)])
def test_shuffled_blocks_check_the_buffer_before_they_read(n_rows, error):
    with pytest.raises(error, match="n_rows"):
        shuffled_blocks(iter([]), n_rows)
    with pytest.raises(ValueError, match="inconsistent"):
        list(shuffled_blocks([(np.zeros(3), np.zeros(2))], 1))


def test_an_epoch_is_uploaded_as_it_is(place):
    batches = shuffled_batches(10, 3, np.random.RandomState(0))
    placement = arrays.placement_of(place.put([0.0]))
    for found, expected in zip(uploaded(batches, placement), batches, strict=True):
        assert_array_equal(place.get(found), expected)


def split(counts, fraction, seed=0):
    """(strata, train, held) of classes with so many rows each."""
    strata = np.random.RandomState(1).permutation(np.repeat(np.arange(len(counts)), counts))
    train, held = held_back(len(strata), fraction, np.random.RandomState(seed), strata)
    assert_array_equal(np.sort(np.concatenate([train, held])), np.arange(len(strata)))
    assert len(held) > 0
    return strata, train, held


def test_classes_keep_their_shares():
    strata, _, held = split([40, 20, 20], 0.25)
    assert_array_equal(np.bincount(strata[held]), [10, 5, 5])


@pytest.mark.parametrize(
    ("counts", "fraction"),
    [([40, 1, 20], 0.2), ([1, 1, 2], 0.1), ([5] * 10, 0.1), ([2] * 10, 0.9), ([1, 1, 1, 30], 0.9)],
)
def test_every_class_trains(counts, fraction):
    for seed in range(5):
        strata, train, _ = split(counts, fraction, seed)
        assert set(strata[train]) == set(range(len(counts)))


def test_nothing_to_hold_back():
    with pytest.raises(
        ValueError, match="early_stopping=True holds rows back, but of distinct rows there is 1 .n_samples=1"
    ):
        held_back(1, 0.1, np.random.RandomState(0))
    with pytest.raises(ValueError, match="no class has 2; give more rows, or set early_stopping=False"):
        held_back(3, 0.1, np.random.RandomState(0), np.arange(3))


def test_shuffled_blocks_take_frames_with_their_index_and_lists():
    frame = pd.DataFrame({"a": np.arange(12.0), "kind": pd.Categorical(list("xyz") * 4)}, index=np.arange(100, 112))
    blocks = [(frame[i : i + 4], frame["a"][i : i + 4], frame["a"][i : i + 4].tolist()) for i in (0, 4, 8)]
    found = list(shuffled_blocks(blocks, 5, 0))
    X, y = (pd.concat(part) for part in list(zip(*found))[:2])
    labels = np.concatenate([labels for *_, labels in found])
    pd.testing.assert_frame_equal(X.sort_index(), frame)
    assert_array_equal(X["a"], y)
    assert_array_equal(y, labels)
    assert_array_equal(X.index, y.index)


@pytest.mark.parametrize(
    ("blocks", "random_state", "error", "words"),
    [
        ([(np.ones((2, 1)), None)], 0, TypeError, "Block 0 holds None"),
        ([np.ones((2, 1))], 0, TypeError, "Block 0 is a.* ndarray; expected a tuple"),
        ([(np.ones(2),), (np.ones(2), np.ones(2))], 0, ValueError, "Block 1 holds 2 arrays; expected 1"),
        ([(np.ones(2),)], np.random.default_rng(0), TypeError, "random_state=Generator.* is no seed; expected"),
        ([(np.ones(2), np.ones(3))], 0, ValueError, "inconsistent"),
    ],
)
def test_what_cannot_be_shuffled_is_said(blocks, random_state, error, words):
    with pytest.raises(error, match=words):
        list(shuffled_blocks(blocks, 5, random_state))


def test_every_fold_has_its_share_of_every_class():
    codes = np.repeat([0, 1, 2], [30, 60, 3])
    folds = fold_numbers(codes, 3, np.random.RandomState(0))
    for code, count in ((0, 10), (1, 20), (2, 1)):
        assert_array_equal(np.bincount(folds[codes == code], minlength=3), [count] * 3)

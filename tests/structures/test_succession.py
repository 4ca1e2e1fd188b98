"""Which pattern follows which, by brute force."""

import itertools

import numpy as np
import pytest

from skamem.structures._succession import Succession, distinct


def past(patterns, rows, index, order):
    """The last patterns up to a place, None before the beginning; `rows` of an open sequence end with None."""
    places = [index - delay for delay in range(order)]
    ring = rows[-1] is not None
    rows = rows if ring else rows[:-1]
    return tuple(patterns[rows[place % len(rows)]] if ring or place >= 0 else None for place in places)


def successors(patterns, sequences, order):
    """For every past the patterns that follow it, and the rows at which it ends."""
    found = {}
    for rows in sequences:
        ring = rows[-1] is not None
        chain = rows if ring else rows[:-1]
        for index in range(len(chain) - (not ring)):
            entry = found.setdefault(past(patterns, rows, index, order), (set(), []))
            entry[0].add(patterns[chain[(index + 1) % len(chain)]])
            entry[1].append(chain[index])
    return found


def ambiguous(patterns, sequences, order):
    return sorted(
        row for following, rows in successors(patterns, sequences, order).values() if len(following) > 1 for row in rows
    )


@pytest.mark.parametrize("cyclic", [True, False])
@pytest.mark.parametrize("seed", range(12))
def test_ambiguity_and_the_order_needed_are_those_of_brute_force(seed, cyclic):
    rng = np.random.default_rng(seed)
    groups = np.sort(rng.integers(1 + seed % 3, size=14))
    groups = np.unique(groups, return_inverse=True)[1]
    rng.shuffle(groups)
    patterns = rng.integers(2 + seed % 2, size=14)
    sequences = [np.flatnonzero(groups == group).tolist() for group in range(groups.max() + 1)]
    sequences = [rows if cyclic else [*rows, None] for rows in sequences]
    succession, position = Succession.of_groups(groups, cyclic)
    for order in (1, 2, 3):
        assert succession.ambiguous(patterns, order).tolist() == ambiguous(patterns, sequences, order)
    longest = position.max() + 1
    orders = (order for order in range(1, 2 * longest + 3) if not ambiguous(patterns, sequences, order))
    assert succession.order_needed(patterns, longest) == next(orders, None)


@pytest.mark.parametrize("length", [2, 3, 7, 64, 65, 1000])
def test_a_monotonous_sequence_needs_an_order_near_its_length(length):
    patterns = np.zeros(length, dtype=int)
    patterns[-1] = 1  # after how many zeros comes the one?
    succession, _ = Succession.of_groups(np.zeros(length, dtype=int), cyclic=True)
    assert succession.order_needed(patterns, length) == max(1, length - 1)


def test_rings_that_agree_for_ever_agree_at_every_order():
    groups = np.asarray([0, 0, 1, 1, 1, 1])
    succession, _ = Succession.of_groups(groups, cyclic=True)
    assert succession.order_needed(np.asarray([0, 1, 0, 1, 0, 1]), 4) == 1
    assert succession.order_needed(np.asarray([0, 1, 0, 1, 0, 2]), 4) == 4


def test_equal_beginnings_are_told_apart_by_no_order():
    succession, _ = Succession.of_groups(np.asarray([0, 0, 0, 1, 1, 1]), cyclic=False)
    assert succession.order_needed(np.asarray([0, 1, 2, 0, 1, 3]), 3) is None


@pytest.mark.parametrize("cyclic", [True, False])
def test_rows_of_interleaved_groups_follow_each_other_in_their_order(cyclic):
    succession, position = Succession.of_groups(np.asarray([1, 0, 1, 0, 1]), cyclic)
    assert position.tolist() == [0, 0, 1, 1, 2]
    assert succession.successor.tolist() == ([2, 3, 4, 1, 0] if cyclic else [2, 3, 4, -1, -1])
    assert succession.windows(3)[4].tolist() == [0, 2, 4]
    assert succession.windows(3)[1].tolist() == ([1, 3, 1] if cyclic else [-1, -1, 1])


def test_rows_are_numbered_in_the_order_in_which_they_come():
    rows = np.asarray([[1.0, np.nan], [0.0, 2.0], [-0.0, 2.0], [1.0, -np.nan], [2.0, 2.0]])
    assert distinct(rows)[0].tolist() == [0, 1, 1, 0, 2]
    for dtype, width in itertools.product((np.float32, np.int64), (1, 3)):
        rows = np.random.default_rng(0).integers(2, size=(30, width)).astype(dtype)
        numbers, keys = distinct(rows)
        np.testing.assert_array_equal(
            numbers[:, None] == numbers[None, :], (rows[:, None] == rows[None, :]).all(axis=2)
        )
        assert len(keys) == numbers.max() + 1

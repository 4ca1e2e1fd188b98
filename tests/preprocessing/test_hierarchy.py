"""Coding by look-up is coding by brute force; decoding undoes it."""

import itertools

import numpy as np
import pytest

from skamem.preprocessing._hierarchy import Hierarchy, largest_codes, whole_codes


def random_hierarchy(seed, *, n_levels=3):
    """Five parts of shuffled columns, groups of 2, 1 and 2 of them out of order, then all."""
    rng = np.random.default_rng(seed)
    parts = [np.sort(part) for part in np.array_split(rng.permutation(12), 5)]
    books = [rng.standard_normal((rng.integers(1, 5), len(part))) for part in parts]
    nodes = [[np.asarray([3, 0]), np.asarray([4]), np.asarray([1, 2])], [np.asarray([2, 0, 1])]][: n_levels - 1]
    tables, below = [], [len(book) for book in books]
    for level in nodes:
        sizes = [int(rng.integers(1, 6)) for _ in level]
        tables.append(
            [
                np.stack([rng.integers(0, below[child], size) for child in node], axis=1)
                for node, size in zip(level, sizes, strict=True)
            ]
        )
        below = sizes
    return Hierarchy(parts, books, nodes, tables), rng.standard_normal((30, 12))


@pytest.mark.parametrize("n_levels", [1, 2, 3])
@pytest.mark.parametrize("seed", range(5))
def test_no_code_of_the_last_level_is_nearer(seed, n_levels):
    hierarchy, X = random_hierarchy(seed, n_levels=n_levels)
    every = np.asarray(list(itertools.product(*map(range, hierarchy.n_codes))))
    values = hierarchy.decode(hierarchy.part_codes(every))
    least = ((X[:, None, :] - values) ** 2).sum(axis=2).min(axis=1)
    found = hierarchy.decode(hierarchy.part_codes(hierarchy.encode(X)))
    np.testing.assert_allclose(((X - found) ** 2).sum(axis=1), least, rtol=1e-12)


@pytest.mark.parametrize("n_levels", [1, 2, 3])
def test_what_codes_stand_for_is_coded_by_them(n_levels):
    hierarchy, X = random_hierarchy(1, n_levels=n_levels)
    values = hierarchy.decode(hierarchy.part_codes(hierarchy.encode(X)))
    again = hierarchy.decode(hierarchy.part_codes(hierarchy.encode(values)))
    np.testing.assert_array_equal(again, values)


def test_part_codes_stand_at_their_parts():
    hierarchy, X = random_hierarchy(2, n_levels=1)
    codes = hierarchy.encode(X)
    for part, (columns, book) in enumerate(zip(hierarchy.parts, hierarchy.codebooks, strict=True)):
        distances = ((X[:, None, columns] - book) ** 2).sum(axis=2)
        np.testing.assert_array_equal(codes[:, part], distances.argmin(axis=1))


def test_ties_go_to_the_first_code_in_a_batch_and_alone():
    rng = np.random.default_rng(0)
    parts = [np.arange(40), np.arange(40, 80)]
    books = [rng.choice([0.0, 1.0], size=(20, 40)) / 3.0 for _ in parts]  # thirds: sums are rounded
    rows = np.concatenate([books[0][rng.integers(20, size=200)], books[1][rng.integers(20, size=200)]], axis=1)
    X = rows + rng.choice([-1.0, 1.0], size=rows.shape) / 3.0
    hierarchy = Hierarchy(parts, books)
    together = hierarchy.encode(X)
    np.testing.assert_array_equal(np.concatenate([hierarchy.encode(row[None, :]) for row in X]), together)
    twice = Hierarchy(parts, [np.concatenate([book, book]) for book in books])
    np.testing.assert_array_equal(twice.encode(X), together)


def test_codes_are_read_from_one_hot_rows_and_probabilities():
    X = np.asarray([[0.0, 1.0, 1.0, 0.0, 0.0], [0.6, 0.4, 0.1, 0.2, 0.7]])
    assert largest_codes(X, [2, 3]).tolist() == [[1, 0], [0, 2]]


@pytest.mark.parametrize("wrong", [-1.0, 3.0, 0.5, 1e300, -1e300])
def test_codes_that_there_are_not_are_refused(wrong):
    codes = np.asarray([[0.0, 1.0], [2.0, 0.0]])
    assert whole_codes(codes, np.asarray([3, 2])).tolist() == [[0, 1], [2, 0]]
    codes[0, 0] = wrong
    with pytest.raises(ValueError, match=r"X has codes that there are not; .*\[3, 2\]"):
        whole_codes(codes, np.asarray([3, 2]))

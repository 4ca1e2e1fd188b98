"""Hidden entries occur where gaps do, and orders depend on contents alone."""

import numpy as np
import pytest

from skamem.impute._hiding import content_order, hidden_entries


def test_what_is_hidden_is_known_and_lies_where_gaps_do():
    known = np.ones((500, 6), bool)
    known[::3, 2:4] = False
    hidden = hidden_entries(known, np.random.RandomState(0))
    assert hidden.any()
    assert not (hidden & ~known).any()
    assert not hidden[:, [0, 1, 4, 5]].any()
    assert (known & ~hidden).any(axis=1).all()


def test_a_feature_that_alone_has_gaps_is_not_hidden_in_every_row():
    for n_gaps in (1, 20):
        known = np.ones((200, 5), bool)
        known[:n_gaps, 2] = False
        hidden = hidden_entries(known, np.random.RandomState(0))
        assert abs(hidden[:, 2].sum() / known[:, 2].sum() - 0.3) < 0.17  # 5 standard errors
        assert hidden[:, [0, 1, 3, 4]].sum() == 0


def test_without_gaps_a_tenth_is_hidden():
    hidden = hidden_entries(np.ones((2000, 20), bool), np.random.RandomState(0))
    assert abs(hidden.mean() - 0.1) < 0.01  # 6 standard errors


def test_the_order_of_rows_is_that_of_their_contents():
    random = np.random.default_rng(0)
    values, known = random.standard_normal((50, 4)), random.random((50, 4)) < 0.8
    values = np.where(known, values, 0.0)
    values[10:20] = values[20:30] = values[:10]
    known[10:20] = known[20:30] = known[:10]
    order, shuffle, columns = content_order(values, known), random.permutation(50), random.permutation(4)
    again = content_order(values[shuffle], known[shuffle])
    np.testing.assert_array_equal(values[shuffle][again], values[order])
    turned = content_order(-values[:, columns], known[:, columns])
    np.testing.assert_array_equal(values[turned], values[order])


@pytest.mark.parametrize("n_levels", [2, 4, 1000])
def test_ties_of_sizes_are_broken_by_the_entries(n_levels):
    """Against one sort by everything at once."""
    random = np.random.default_rng(0)
    values = random.integers(-n_levels, n_levels, (3000, 4)) / 4.0
    known = random.random(values.shape) < 0.8
    values = np.where(known, values, 0.0)
    sizes = [(np.abs(values) ** power).sum(axis=1) for power in (3, 1, 2)]
    expected = np.lexsort([*np.where(known, values, np.inf).T[::-1], *sizes])
    np.testing.assert_array_equal(content_order(values, known), expected)

"""The softmax memory against a plain loop, and that no row is its own evidence."""

import numpy as np
import pytest

from skamem.impute._lookup import SCALES, SHARPER, StoredRows

RANDOM = np.random.default_rng(0)
VALUES = RANDOM.standard_normal((30, 5))
KNOWN = RANDOM.random((30, 5)) < 0.7
KNOWN[:, 0] = True
KNOWN[3, 1:] = False
IMPORTANCE = np.asarray([1.0, 1.0, 0.5, 0.5, 1.0])


def stored(values=VALUES):
    values = np.where(KNOWN, values, 0.0)
    return StoredRows(values, KNOWN, 10.0 * values, IMPORTANCE)


def by_hand(row, there, scale):
    """Averages for one row, from the definition; the neighbourhood's size under a broad softmax is the unit."""
    similarity = np.full(30, -np.inf)
    for i in range(30):
        common = there & KNOWN[i]
        if common.any() and (~there & KNOWN[i]).any():
            half = 0.5 * (IMPORTANCE * (row - VALUES[i]) ** 2)[common].sum()
            similarity[i] = -(half + 3.0) * (IMPORTANCE.sum() + 3.0) / (IMPORTANCE[common].sum() + 3.0)
    broad = np.exp(2.5 / IMPORTANCE.sum() * (similarity - similarity.max()))
    unit = -(broad * np.where(broad > 0, similarity, 0.0)).sum() / broad.sum()
    weights = np.exp(scale / unit * (similarity - similarity.max()))
    mass = weights[:, None] * KNOWN
    return (mass * VALUES).sum(axis=0) / mass.sum(axis=0)


@pytest.mark.parametrize("index", range(len(SCALES)))
def test_averages_are_those_of_the_definition(index):
    there = np.asarray([[True, False, True, False, True], [True, True, False, False, False]])
    cues = np.where(there, RANDOM.standard_normal((2, 5)), 0.0)
    values, residuals = list(stored().averages(cues, there, SCALES))[index]
    alone, _ = next(iter(stored().averages(cues, there, SCALES[index : index + 1])))
    for row in range(2):
        expected = by_hand(cues[row], there[row], SCALES[index])
        gone = ~there[row]
        np.testing.assert_allclose(values[row, gone], expected[gone], rtol=1e-9)
        np.testing.assert_allclose(residuals[row, gone], 10.0 * expected[gone], rtol=1e-9)
    np.testing.assert_allclose(alone, values, rtol=1e-9)


def test_a_row_is_not_its_own_evidence():
    every, row = stored(), 2
    gone = ~KNOWN[row]
    assert 0 < gone.sum() < 5
    others = np.arange(30) != row
    without = StoredRows(*(array[others] for array in (every.values, every.known, every.residuals)), IMPORTANCE)
    cue = every.values[row : row + 1], KNOWN[row : row + 1]
    for one, other in zip(every.averages(*cue, SCALES), without.averages(*cue, SCALES)):
        np.testing.assert_allclose(one[0][0, gone], other[0][0, gone], rtol=1e-12)
        np.testing.assert_allclose(one[1][0, gone], other[1][0, gone], rtol=1e-12)


def test_a_row_of_which_nothing_is_known_finds_nothing():
    values, residuals = next(iter(stored().averages(np.zeros((1, 5)), np.zeros((1, 5), bool), SCALES)))
    assert np.isfinite(values).all()
    assert np.isfinite(residuals).all()


def rows_and_asking(n_rows, n_columns):
    """Rows of noise, and as many that ask for the first column."""
    values, ones = np.random.default_rng(0).random((n_rows, n_columns)), np.ones((n_rows, n_columns), bool)
    asking = np.random.default_rng(1).random((n_rows, n_columns)), ones & (np.arange(n_columns) > 0)
    return StoredRows(values, ones, values, np.ones(n_columns)), np.where(asking[1], asking[0], 0.0), asking[1]


def test_more_rows_of_few_columns_are_asked_more_sharply():
    greatest = []
    for n_rows in (30, 300, 3000):
        stored, *asking = rows_and_asking(n_rows, 2)
        greatest.append(stored.scales_for(*asking)[-1])
    assert greatest[0] < greatest[1] < greatest[2]


@pytest.mark.parametrize("kind", ["many columns", "few rows", "equal rows", "nothing known", "no rows"])
def test_rows_without_many_neighbours_are_asked_as_ever(kind):
    stored, values, known = rows_and_asking(*{"many columns": (300, 12), "few rows": (5, 2)}.get(kind, (300, 2)))
    if kind == "equal rows":
        stored, values = (
            StoredRows(*(np.rint(part) for part in (stored.values, stored.known, stored.values)), np.ones(2)),
            np.rint(values),
        )
    if kind == "nothing known":
        values, known = 0.0 * values, known & False
    if kind == "no rows":
        values, known = values[:0], known[:0]
    assert stored.scales_for(values, known) == SCALES


def test_what_the_nearest_row_does_not_know_a_farther_one_says():
    values, known = np.asarray([[0.0, 0.0, 5.0], [1.0, 7.0, 0.0]]), np.asarray([[1, 0, 1], [1, 1, 0]], bool)
    stored = StoredRows(values, known, values, np.ones(3))
    asked = np.zeros((1, 3)), np.asarray([[True, False, False]])
    for found, residuals in stored.averages(*asked, (*SCALES, *SHARPER)):
        np.testing.assert_allclose(found[0, 1:], [7.0, 5.0])
        np.testing.assert_allclose(residuals[0, 1:], [7.0, 5.0])

"""The softmax memory against a plain loop, and that no row is its own evidence."""

import numpy as np
import pytest

from skamem.impute._lookup import SCALES, StoredRows

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

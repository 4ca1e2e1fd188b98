"""Thresholds against their definitions, on every array library."""

import itertools

import numpy as np
import pytest

from skamem.core import thresholds
from skamem.core.dynamics import asynchronous, heat_bath, synchronous, wander
from skamem.core.fields import LinearField
from skamem.core.thresholds import THRESHOLDS, KCap, k_cap

LOW = {"sign": -1.0, "step": 0.0}


@pytest.fixture
def values():
    return np.random.default_rng(0).integers(-3, 4, size=(6, 5)).astype(float)  # small integers: many are equal


@pytest.mark.parametrize("name", THRESHOLDS)
def test_a_unit_follows_its_field_and_keeps_its_state_on_a_tie(name, values):
    states = np.random.default_rng(1).choice([LOW[name], 0.0, 1.0], size=values.shape)
    expected = [[1.0 if h > 0 else LOW[name] if h < 0 else s for h, s in zip(*rows)] for rows in zip(values, states)]
    np.testing.assert_array_equal(THRESHOLDS[name](values, states), expected)


@pytest.mark.parametrize("name", THRESHOLDS)
@pytest.mark.parametrize("tolerance", [1.0, np.asarray([0.0, 1.0, 2.0, 3.0, 4.0])])
def test_fields_within_the_tolerance_are_ties(name, values, tolerance):
    states = np.full_like(values, 1.0)
    states[:, ::2] = LOW[name]
    flat = np.where(np.abs(values) <= tolerance, 0.0, values)
    np.testing.assert_array_equal(THRESHOLDS[name](values, states, tolerance), THRESHOLDS[name](flat, states))


@pytest.mark.parametrize("k", range(1, 6))
def test_k_cap_marks_the_k_largest_the_first_among_equals(values, k):
    winners = k_cap(values, k)
    for row, chosen in zip(values, winners):
        best = sorted(range(len(row)), key=lambda unit: (-row[unit], unit))[:k]
        assert np.flatnonzero(chosen).tolist() == sorted(best)


def test_winners_within_the_tolerance_of_the_last_place_are_equal():
    values = np.asarray([[1.0, 2.0 - 1e-12, 2.0, 3.0], [2.0, 2.0, 2.0 + 1e-12, 2.0], [np.inf, -np.inf, 0.0, 0.0]])
    assert k_cap(values, 2).tolist() == [
        [False, False, True, True], [True, False, True, False], [True, False, True, False],
    ]  # fmt: skip
    expected = [[False, True, False, True], [True, True, False, False], [True, False, True, False]]
    assert k_cap(values, 2, 1e-9).tolist() == expected
    assert k_cap(values, 2, np.full(4, 1e-9)).tolist() == expected


def test_k_cap_is_a_threshold_on_whole_rows():
    rng = np.random.default_rng(0)
    W = rng.integers(0, 3, (30, 30)).astype(float)  # many ties
    field, states = LinearField(W, exact=True), k_cap(rng.random((50, 30)), 6).astype(float)
    recall = synchronous(field, states, n_steps=60, threshold=KCap(6), n_kept=60)
    assert np.all(recall.trajectory.sum(axis=2) == 6)
    for row, path in enumerate(recall.trajectory):
        for before, after in itertools.pairwise(path):
            best = sorted(range(30), key=lambda unit, push=before @ W: (-push[unit], unit))[:6]
            assert np.flatnonzero(after).tolist() == sorted(best)
        alone = synchronous(field, states[row : row + 1], n_steps=60, threshold=KCap(6))
        np.testing.assert_array_equal(alone.states[0], recall.states[row])
    for one_at_a_time in (
        lambda: asynchronous(field, states, n_steps=1, order=np.arange(30), threshold=KCap(6)),
        lambda: wander(field, states, n_steps=1, random_state=np.random.RandomState(0), threshold=KCap(6)),
        lambda: heat_bath(field, states, n_steps=1, temperature=1.0, random_state=None, threshold=KCap(6)),
    ):
        with pytest.raises(ValueError, match=r"threshold=KCap\(k=6\) compares the units of a row"):
            one_at_a_time()


@pytest.mark.parametrize(
    ("function", "arguments"),
    [("sign", (0.5,)), ("step", (0.5,)), ("k_cap", (2,))],
)
def test_every_library_computes_the_same(place, values, function, arguments):
    function = getattr(thresholds, function)
    states = [np.ones_like(values)] if function in THRESHOLDS.values() else []
    expected = function(values, *states, *arguments)
    found = function(*map(place.put, (values, *states)), *arguments)
    np.testing.assert_array_equal(place.get(found), expected)

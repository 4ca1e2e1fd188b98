"""Weights as factors: the same weights as a matrix, to the last bit where they are whole numbers."""

import numpy as np
import pytest

from skamem.core import factors
from skamem.core.factors import Factors
from skamem.core.fields import LinearField, QuadraticLandscape

RNG = np.random.default_rng(0)
SIGNS = RNG.choice([-1.0, 1.0], size=(5, 40))
OTHERS = RNG.choice([-1.0, 1.0], size=(5, 7))
STATES = RNG.choice([-1.0, 0.0, 1.0], size=(9, 40))
COUNTS = np.asarray([1.0, 2.0, 1.0, -3.0, 1.0])

every_form = pytest.mark.parametrize(
    "parts",
    [(SIGNS,), (SIGNS, None, COUNTS), (SIGNS, OTHERS), (SIGNS, OTHERS, COUNTS)],
    ids=["self", "counted", "pairs", "counted pairs"],
)


def on(place, parts):
    return Factors(*(None if part is None else place.put(part) for part in parts))


@every_form
def test_they_are_the_matrix(parts, place):
    weights = on(place, parts)
    matrix = place.get(factors.matrix(weights))
    counts = parts[2] if len(parts) > 2 else np.ones(5)
    right = SIGNS if len(parts) < 2 or parts[1] is None else parts[1]
    np.testing.assert_array_equal(matrix, SIGNS.T @ np.diag(counts) @ right)
    assert weights.shape == matrix.shape
    np.testing.assert_array_equal(place.get(factors.product(place.put(STATES), weights)), STATES @ matrix)
    units = np.asarray([3, 0, 11])
    np.testing.assert_array_equal(place.get(factors.rows(weights, place.put(units))), matrix[units])
    assert float(factors.largest_sum(weights)) >= np.abs(matrix).sum(axis=0).max()
    magnitudes = place.get(factors.column_magnitudes(weights))
    assert np.all(magnitudes >= np.abs(matrix).sum(axis=0) * (1 - 1e-12))
    assert np.all(magnitudes <= np.sqrt(40) * np.abs(matrix).sum(axis=0))
    narrow = factors.cast(weights, place.xp.float32)
    assert factors.matrix(narrow).dtype == place.xp.float32
    if right is SIGNS:
        np.testing.assert_array_equal(place.get(factors.diagonal(weights)), np.diag(matrix))
        np.testing.assert_array_equal(place.get(factors.matrix(factors.corner(weights, 13))), matrix[:13, :13])


@every_form
@pytest.mark.parametrize("exact", [False, True])
def test_sums_are_sums_of_the_matrices(parts, exact, place, monkeypatch):
    monkeypatch.setattr(factors, "_SMALL", 0)
    narrow = len(parts) > 1 and parts[1] is not None
    weights = on(place, parts)
    some = [None if part is None else part[1:3] for part in parts]  # these are among the five
    new = RNG.choice([-1.0, 1.0], size=(1, 40))
    more = on(
        place, [np.vstack([some[0], new]), *[None if p is None else np.concatenate([p, p[:1]]) for p in some[1:]]]
    )
    for total, sign in (
        (factors.summed(weights, more, exact=exact), 1.0),
        (factors.summed(weights, factors.negative(more), exact=exact), -1.0),
    ):
        assert narrow or isinstance(total, Factors)
        expected = place.get(factors.matrix(weights)) + sign * place.get(factors.matrix(more))
        np.testing.assert_array_equal(place.get(factors.matrix(total)), expected)
    as_matrix = factors.summed(factors.matrix(weights), more)
    np.testing.assert_array_equal(
        place.get(as_matrix), place.get(factors.matrix(weights)) + place.get(factors.matrix(more))
    )


def test_what_cancels_leaves_nothing(place, monkeypatch):
    monkeypatch.setattr(factors, "_SMALL", 0)
    twice = np.vstack([SIGNS, SIGNS[:1]])  # a pattern stored twice is forgotten twice
    weights = on(place, (twice,))
    once = factors.summed(weights, factors.negative(on(place, (SIGNS,))), exact=True)
    assert once.inputs.shape == (1, 40)
    nothing = factors.summed(once, factors.negative(on(place, (SIGNS[:1],))), exact=True)
    assert nothing.inputs.shape == (0, 40)
    np.testing.assert_array_equal(place.get(factors.product(place.put(STATES), nothing)), np.zeros((9, 40)))
    assert float(factors.largest_sum(nothing)) == 0.0
    again = factors.summed(nothing, weights, exact=True)
    np.testing.assert_array_equal(place.get(factors.matrix(again)), twice.T @ twice)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("zero_diagonal", [True, False])
@pytest.mark.parametrize("counts", [None, np.asarray([1.0, 2.0, 1.0, 1.0, 4.0])])
def test_fields_cursors_walkers_and_energies_are_those_of_the_matrix(exact, zero_diagonal, counts, place):
    """300 units, more than a block of the cursor."""
    patterns = np.random.default_rng(1).choice([-1.0, 1.0], size=(5, 300))
    states = np.random.default_rng(2).choice([-1.0, 1.0], size=(20, 300))
    weights, order = on(place, (patterns, None, counts)), place.put(np.random.default_rng(3).permutation(300))
    bias = place.put(np.round(patterns[0] * 3))
    few = QuadraticLandscape(weights, bias, zero_diagonal=zero_diagonal, exact=exact)
    whole = QuadraticLandscape(factors.matrix(weights), bias, zero_diagonal=zero_diagonal, exact=exact)
    put = place.put(states)
    np.testing.assert_array_equal(place.get(few(put)), place.get(whole(put)))
    np.testing.assert_array_equal(place.get(few.energy(put)), place.get(whole.energy(put)))
    swept = []
    for field in (few, whole, *([few.narrowed()] if exact else [])):
        cursor = field.cursor(order)
        start = cursor.enter(place.xp.astype(put, field.weights.dtype))
        once = cursor.sweep(start)
        swept.append(place.get(cursor.leave(cursor.sweep(once))))  # again: overlaps start anew
    for others in swept[1:]:
        np.testing.assert_array_equal(others, swept[0])
    units = place.put(np.arange(20) * 7)
    walkers = [field.walker(put) for field in (few, whole)]
    for walker in walkers:
        walker.move(units, place.put(np.full(20, 2.0)))
    later = place.put(np.arange(20) * 11)
    one, other = (place.get(walker.field(later, None)) for walker in walkers)
    np.testing.assert_array_equal(one, other)


def test_ties_are_ties(place):
    """Two patterns that disagree on half of the units: there the field is 0, and units stay."""
    patterns = np.ones((2, 40))
    patterns[1, 20:] = -1.0
    tied = np.arange(40) >= 20
    state = np.where(tied, [1.0, -1.0] * 20, 1.0)
    for exact in (True, False):
        field = LinearField(on(place, (patterns / 3.0 if not exact else patterns,)), exact=exact)
        push = np.abs(place.get(field(place.put(state[None, :]))))[0]
        tolerance = place.get(field.tolerance) if not exact else 0.0
        np.testing.assert_array_equal(push <= tolerance, tied)


def test_when_they_pay():
    assert factors.pays(100, 20_000, 20_000)
    assert not factors.pays(10_000, 20_000, 20_000)  # half of the units
    assert not factors.pays(100, 20_000, 2)
    assert not factors.pays(1, 1000, 1000)  # a million numbers are a small matrix


def test_a_matrix_that_finds_no_room_says_what_it_needs(monkeypatch):
    def refuse(array):
        raise MemoryError("Unable to allocate 11.9 GiB")

    wide = Factors(np.broadcast_to(np.float64(1.0), (2, 40_000)))
    monkeypatch.setattr(
        factors, "namespace", lambda weights: type("xp", (), {"matrix_transpose": refuse, "float32": 0})
    )
    with pytest.raises(MemoryError, match=r"40000 x 40000 units needs 11.9 GiB. They are held as 2 factors"):
        factors.matrix(wide)

"""Dense fields and landscapes against sums over patterns taken literally."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from skamem.core.dense import DenseField, DenseLandscape
from skamem.core.dynamics import asynchronous
from skamem.core.fields import QuadraticLandscape
from skamem.core.interactions import Exponential, LogCosh, Polynomial, RectifiedPolynomial, Softplus

INTERACTIONS = [
    Polynomial(1), Polynomial(2), Polynomial(3), Polynomial(4), RectifiedPolynomial(2), RectifiedPolynomial(2.5),
    RectifiedPolynomial(7), Exponential(), LogCosh(), Softplus(),
]  # fmt: skip
every_interaction = pytest.mark.parametrize("interaction", INTERACTIONS, ids=str)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def signs(rng, *shape):
    return rng.choice([-1.0, 1.0], shape)


def energy_literally(patterns, interaction, state, weight=None):
    terms = interaction.energy(patterns @ state)
    return -np.sum(terms if weight is None else weight * terms)


def field_literally(patterns, interaction, state, unit, weight=None):
    down, up = state.copy(), state.copy()
    down[unit], up[unit] = -1.0, 1.0
    gap = energy_literally(patterns, interaction, down, weight) - energy_literally(patterns, interaction, up, weight)
    return gap / 2


@every_interaction
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("unknown", ["none", "cues", "patterns"])
def test_the_field_is_half_the_energy_gap(interaction, weighted, unknown, rng):
    patterns, states = signs(rng, 4, 6), signs(rng, 8, 6)
    if unknown == "cues":
        states[rng.random(states.shape) < 0.3] = 0.0
    if unknown == "patterns":
        patterns[rng.random(patterns.shape) < 0.3] = 0.0
    weight = rng.uniform(0.5, 2.0, 4) if weighted else None
    landscape = DenseLandscape(patterns, interaction, weight)
    expected = [[field_literally(patterns, interaction, s, i, weight) for i in range(6)] for s in states]
    scale = np.abs(landscape.energy(states)).max()
    np.testing.assert_allclose(landscape(states), expected, rtol=1e-12, atol=1e-13 * scale)
    energies = [energy_literally(patterns, interaction, s, weight) for s in states]
    np.testing.assert_allclose(landscape.energy(states), energies, rtol=1e-12)


@every_interaction
@pytest.mark.parametrize("zeros", [False, True])
def test_a_sweep_is_the_loop_over_single_units(interaction, zeros, rng):
    patterns, states = signs(rng, 6, 150), signs(rng, 10, 150)  # more units than a block
    if zeros:
        states[rng.random(states.shape) < 0.2] = 0.0
    clamped, order = rng.random(states.shape) < 0.1, rng.permutation(150)
    landscape = DenseLandscape(patterns, interaction)
    recall = asynchronous(landscape, states, n_steps=1, order=order, clamped=clamped)
    for unit in order:
        push = landscape(states)[:, unit]
        states[:, unit] = np.where((push == 0) | clamped[:, unit], states[:, unit], np.sign(push))
    np.testing.assert_array_equal(recall.states, states)


def test_degree_two_is_the_hopfield_network(rng):
    """Ties included: all numbers are whole."""
    patterns, states, order = signs(rng, 12, 90), signs(rng, 50, 90), rng.permutation(90)
    dense, hopfield = DenseLandscape(patterns, Polynomial(2)), QuadraticLandscape(patterns.T @ patterns, exact=True)
    np.testing.assert_array_equal(dense(states), 2 * hopfield(states))
    assert np.count_nonzero(dense(states) == 0) > 0
    for n_steps in (1, 2, 3, 50):
        found, expected = (asynchronous(field, states, n_steps=n_steps, order=order) for field in (dense, hopfield))
        for name in ("states", "n_steps", "converged", "cycle_length"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


XOR = np.asarray([[x, y, -x * y] for x, y in itertools.product([-1.0, 1.0], repeat=2)])


@pytest.mark.parametrize("degree", range(1, 7))
def test_exclusive_or_is_held_by_odd_degrees_and_by_all_rectified_ones(degree):
    """Krotov and Hopfield (2016), eqs. (7)-(8): polynomials need odd n >= 3, rectified ones n >= 2."""

    def solves(interaction):
        landscape = DenseLandscape(XOR, interaction)
        return bool(np.all(landscape(XOR)[:, 2] * XOR[:, 2] > 0))

    assert solves(Polynomial(degree)) == (degree >= 3 and degree % 2 == 1)
    assert solves(RectifiedPolynomial(degree)) == (degree >= 2)
    corners = np.asarray(list(itertools.product([-1.0, 1.0], repeat=3)))
    factor = (3**degree - 3) if degree % 2 else 0
    energy = DenseLandscape(XOR, Polynomial(degree)).energy(corners)
    expected = factor * np.prod(corners, axis=1) if degree % 2 else np.full(8, -(3.0**degree) - 3)
    np.testing.assert_array_equal(energy, expected)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("interaction", [Exponential(), Polynomial(111), RectifiedPolynomial(300)], ids=str)
def test_sums_that_overflow_have_the_right_sign(interaction, dtype, rng):
    """Against the same decisions in whole or extended numbers."""
    n_units = 900
    patterns, states = signs(rng, 20, n_units).astype(dtype), signs(rng, 4, n_units).astype(dtype)
    states[:2] = patterns[:2]
    states[:2, :300] *= -1
    landscape = DenseLandscape(patterns, interaction)
    assert landscape.tables.scaled
    fields = landscape(states)
    assert fields.dtype == states.dtype
    assert np.all(np.isfinite(fields))
    assert np.all(np.isfinite(landscape.energy(states)))
    for row, unit in itertools.product(range(4), range(0, n_units, 90)):
        bits = patterns[:, unit].astype(int).tolist()
        rest = (patterns @ states[row] - patterns[:, unit] * states[row, unit]).astype(int).tolist()
        top = max(map(abs, rest)) if isinstance(interaction, Polynomial) else max(rest)
        push = sum(bit * rise_literally(interaction, overlap, top) for bit, overlap in zip(bits, rest, strict=True))
        rounding = 100 * np.finfo(dtype).eps * rise_literally(interaction, top + 2, top)
        if abs(push) > rounding:
            assert np.sign(fields[row, unit]) == np.sign(push)


def rise_literally(interaction, overlap, top):
    """F(o + 1) - F(o - 1), up to a common factor, in fractions or relative to the largest overlap."""
    if isinstance(interaction, Exponential):
        return Fraction(math.exp(overlap - top + 1)) - Fraction(math.exp(overlap - top - 1))
    above, below = overlap + 1, overlap - 1
    if isinstance(interaction, RectifiedPolynomial):
        above, below = max(above, 0), max(below, 0)
    return Fraction(above, top) ** interaction.degree - Fraction(below, top) ** interaction.degree


def test_an_energy_that_overflows_says_so():
    class Steep:
        def energy(self, overlaps):
            with np.errstate(over="ignore"):
                return np.exp(overlaps)

    with pytest.raises(ValueError, match="overflows at overlaps of 1002 units; expected finite energies"):
        DenseLandscape(np.ones((1, 1000)), Steep())
    assert DenseLandscape(np.ones((1, 5)), Steep()).energy(np.ones((1, 5))) == pytest.approx(-np.exp(5))


@every_interaction
def test_outputs_are_pushed_by_half_their_energy_gap(interaction, rng):
    patterns, targets, cues = signs(rng, 5, 6), signs(rng, 5, 3), signs(rng, 8, 6)
    both = DenseLandscape(np.concatenate([patterns, targets], axis=1), interaction)
    unknown = np.concatenate([cues, np.zeros((8, 3))], axis=1)
    found = DenseField(patterns, targets, interaction)(cues)
    np.testing.assert_allclose(found, both(unknown)[:, 6:], rtol=1e-12, atol=1e-12 * np.abs(found).max())


@every_interaction
def test_every_library_computes_the_same(interaction, place, rng):
    patterns, states = signs(rng, 5, 20), signs(rng, 6, 20)
    states[0, :5] = 0.0
    here, there = DenseLandscape(patterns, interaction), DenseLandscape(place.put(patterns), interaction)
    np.testing.assert_allclose(place.get(there(place.put(states))), here(states), rtol=1e-12)
    np.testing.assert_allclose(place.get(there.energy(place.put(states))), here.energy(states), rtol=1e-12)
    order = rng.permutation(20)
    found = asynchronous(there, place.put(states), n_steps=3, order=place.put(order))
    expected = asynchronous(here, states, n_steps=3, order=order)
    np.testing.assert_array_equal(place.get(found.states), expected.states)


@pytest.mark.parametrize("n_units", [60, 150, 400])
@pytest.mark.parametrize(
    "interaction",
    [*INTERACTIONS, Polynomial(30), RectifiedPolynomial(30), RectifiedPolynomial(100)],
    ids=repr,
)
def test_float32_follows_float64_where_only_float32_overflows(interaction, n_units):
    rng = np.random.default_rng(0)
    patterns = rng.choice([-1.0, 1.0], (20, n_units))
    states = np.where(rng.random((60, n_units)) < 0.25, -1, 1) * np.tile(patterns, (3, 1))
    wide, narrow = DenseLandscape(patterns, interaction), DenseLandscape(patterns.astype(np.float32), interaction)
    push = narrow(states.astype(np.float32))
    assert push.dtype == np.float32
    assert np.all(np.isfinite(push))
    np.testing.assert_array_equal(np.sign(push), np.sign(wide(states)))
    energy = narrow.energy(states.astype(np.float32))
    assert np.all(np.isfinite(energy))
    expected = wide.energy(states)
    if narrow.tables.scaled and not wide.tables.scaled:
        expected = -np.sign(-expected) * np.log(np.abs(expected))
    np.testing.assert_allclose(energy, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("interaction", "weight"), [(Exponential(), 1e5), (RectifiedPolynomial(100), 1e10)])
def test_weights_may_take_energies_beyond_float64(interaction, weight):
    rng = np.random.default_rng(0)
    n_units = 700 if isinstance(interaction, Exponential) else 1000
    patterns = rng.choice([-1.0, 1.0], (6, n_units))
    landscape = DenseLandscape(patterns, interaction, np.full(6, weight))
    plain = DenseLandscape(patterns, interaction)
    assert landscape.tables.scaled
    assert not plain.tables.scaled
    states = np.where(rng.random((6, n_units)) < 0.2, -1, 1) * patterns
    np.testing.assert_array_equal(np.sign(landscape(states)), np.sign(plain(states)))
    np.testing.assert_allclose(landscape.energy(states), -np.log(-plain.energy(states)) - np.log(weight), rtol=1e-12)

"""Fields and landscapes: one law between them, checked by brute force."""

import itertools

import numpy as np
import pytest

from skamem.core.dynamics import alternating
from skamem.core.fields import BipartiteField, LinearField, QuadraticLandscape
from skamem.core.thresholds import sign


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def every_state(n_units):
    return np.asarray(list(itertools.product([-1.0, 1.0], repeat=n_units)))


def symmetric(n_units, rng):
    W = rng.standard_normal((n_units, n_units))
    return W + W.T


LANDSCAPES = {
    "quadratic": lambda rng: QuadraticLandscape(symmetric(6, rng)),
    "quadratic with bias": lambda rng: QuadraticLandscape(symmetric(6, rng), rng.standard_normal(6)),
    "bipartite": lambda rng: BipartiteField(rng.standard_normal((2, 4))),
    "bipartite with biases": lambda rng: BipartiteField(*(rng.standard_normal(s) for s in ((4, 2), 4, 2))),
    "bipartite with one bias": lambda rng: BipartiteField(rng.standard_normal((4, 2)), None, rng.standard_normal(2)),
}


@pytest.mark.parametrize("landscape", LANDSCAPES)
def test_the_field_is_half_the_energy_gap(landscape, rng):
    landscape, states = LANDSCAPES[landscape](rng), every_state(6)
    fields = landscape(states)
    for unit in range(6):
        down, up = states.copy(), states.copy()
        down[:, unit], up[:, unit] = -1.0, 1.0
        gap = landscape.energy(down) - landscape.energy(up)
        np.testing.assert_allclose(fields[:, unit], gap / 2, rtol=1e-12)


@pytest.mark.parametrize("landscape", LANDSCAPES)
def test_the_field_is_the_energy_gap_of_units_of_0_and_1(landscape, rng):
    landscape, states = LANDSCAPES[landscape](rng), (every_state(6) + 1) / 2
    fields = landscape(states)
    for unit in range(6):
        off, on = states.copy(), states.copy()
        off[:, unit], on[:, unit] = 0.0, 1.0
        np.testing.assert_allclose(
            fields[:, unit], landscape.energy(off) - landscape.energy(on), rtol=1e-11, atol=1e-14
        )


def test_two_layers_are_a_quadratic_landscape(rng):
    W, a, b, states = rng.standard_normal((4, 3)), rng.standard_normal(4), rng.standard_normal(3), every_state(7)
    whole = QuadraticLandscape(np.block([[np.zeros((4, 4)), W], [W.T, np.zeros((3, 3))]]), np.concatenate([a, b]))
    pair = BipartiteField(W, a, b)
    np.testing.assert_allclose(pair(states), whole(states), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(pair.energy(states), whole.energy(states), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(pair.tolerance, whole.tolerance, rtol=1e-12)
    # Second layer first: visiting all its units, then all of the other, is what alternating updates do.
    order = np.asarray([4, 5, 6, 0, 1, 2, 3])
    one_by_one = whole.cursor(order)
    expected = one_by_one.leave(one_by_one.sweep(one_by_one.enter(states), threshold=sign))
    np.testing.assert_array_equal(alternating(pair, states, n_steps=1).states, expected)
    walker, units = pair.walker(states), rng.integers(7, size=len(states))
    np.testing.assert_allclose(walker.field(units, None), whole(states)[np.arange(len(states)), units], rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_two_layers_compute_the_same_on_every_library(place, dtype, rng):
    W, a, b = (np.rint(3 * rng.standard_normal(s)).astype(dtype) for s in ((5, 3), 5, 3))
    states = rng.choice([-1.0, 1.0], (6, 8)).astype(dtype)
    clamped = rng.random(states.shape) < 0.2
    here, there = BipartiteField(W, a, b, exact=True), BipartiteField(*map(place.put, (W, a, b)), exact=True)
    np.testing.assert_array_equal(place.get(there(place.put(states))), here(states))
    np.testing.assert_array_equal(place.get(there.energy(place.put(states))), here.energy(states))
    found = alternating(there, place.put(states), n_steps=9, clamped=place.put(clamped), n_kept=3)
    expected = alternating(here, states, n_steps=9, clamped=clamped, n_kept=3)
    np.testing.assert_array_equal(place.get(found.states), expected.states)
    np.testing.assert_array_equal(place.get(found.trajectory), expected.trajectory)
    np.testing.assert_array_equal(expected.states[clamped], states[clamped])


def test_a_cursor_takes_one_copy_of_the_weights():
    import tracemalloc

    field = LinearField(np.ones((1500, 1500)), exact=True)
    tracemalloc.start()
    field.cursor(np.random.default_rng(0).permutation(1500))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.2 * field.weights.nbytes


def test_quadratic_energy_is_its_formula(rng):
    W, bias = symmetric(6, rng), rng.standard_normal(6)
    off_diagonal = W - np.diag(np.diag(W))
    expected = [-0.5 * s @ off_diagonal @ s - bias @ s for s in every_state(6)]
    np.testing.assert_allclose(QuadraticLandscape(W, bias).energy(every_state(6)), expected, rtol=1e-12)


@pytest.mark.parametrize("zero_diagonal", [False, True])
@pytest.mark.parametrize("with_bias", [False, True])
def test_linear_field_is_its_formula(zero_diagonal, with_bias, rng):
    W, bias = rng.standard_normal((5, 5)), rng.standard_normal(5) if with_bias else None
    used, states = W * (1 - np.eye(5)) if zero_diagonal else W, rng.standard_normal((4, 5))
    kept = W.copy(), states.copy()
    field = LinearField(W, bias, zero_diagonal=zero_diagonal)
    np.testing.assert_allclose(field(states), states @ used + (bias if with_bias else 0.0), rtol=1e-12)
    np.testing.assert_array_equal(W, kept[0])
    np.testing.assert_array_equal(states, kept[1])


def test_linear_field_may_be_rectangular(rng):
    W, states = rng.standard_normal((5, 3)), rng.standard_normal((4, 5))
    np.testing.assert_allclose(LinearField(W)(states), states @ W)


def test_a_cursor_takes_states_in_and_gives_them_back(rng):
    cursor = LinearField(np.eye(7)).cursor(rng.permutation(7))
    states = rng.standard_normal((4, 7))
    assert cursor.enter(states).shape[cursor.axis] == 4
    np.testing.assert_array_equal(cursor.leave(cursor.enter(states)), states)


@pytest.mark.parametrize("zero_diagonal", [False, True])
@pytest.mark.parametrize("with_bias", [False, True])
def test_a_cursor_visits_units_in_order(zero_diagonal, with_bias, rng):
    W, bias = rng.standard_normal((300, 300)), rng.standard_normal(300) if with_bias else None
    field = LinearField(W, bias, zero_diagonal=zero_diagonal)
    states, order = rng.choice([-1.0, 1.0], (5, 300)), rng.permutation(300)
    noise = rng.standard_normal((300, 5))  # in the order of visits
    cursor = field.cursor(order)
    found = cursor.leave(cursor.sweep(cursor.enter(states), noise=noise))
    for visit, unit in enumerate(order):
        states[:, unit] = np.sign(field(states)[:, unit] + noise[visit])
    np.testing.assert_array_equal(found, states)


@pytest.mark.parametrize("chain", [5, 40, 200])
def test_moves_that_wait_for_one_another_are_made_in_turn(chain):
    """Each unit copies the one before it: in one sweep a flip runs down the whole chain, 32 and 128 units and more."""
    cursor = LinearField(np.eye(chain, k=1), exact=True).cursor(np.arange(chain))
    start = -np.ones((2, chain))
    start[0, 0] = 1.0
    swept = cursor.leave(cursor.sweep(cursor.enter(start)))
    np.testing.assert_array_equal(swept, np.repeat([[1.0], [-1.0]], chain, axis=1))


@pytest.mark.parametrize("zero_diagonal", [False, True])
def test_a_walker_keeps_fields_up_to_date(zero_diagonal, rng):
    field = LinearField(rng.standard_normal((6, 6)), rng.standard_normal(6), zero_diagonal=zero_diagonal)
    states = rng.choice([-1.0, 1.0], (4, 6))
    walker = field.walker(states)
    for _ in range(20):
        units = rng.integers(6, size=4)
        own = states[np.arange(4), units]
        np.testing.assert_allclose(walker.field(units, own), field(states)[np.arange(4), units], atol=1e-12)
        np.testing.assert_array_equal(walker.tolerance(units), field.tolerance[units])
        new = rng.choice([-1.0, 1.0], 4)
        walker.move(units, new - own)
        states[np.arange(4), units] = new


def test_exact_weights_need_no_tolerance(rng):
    field = LinearField(rng.integers(-3, 4, size=(5, 5)).astype(float), exact=True)
    assert field.tolerance == field.walker(np.ones((2, 5))).tolerance(np.asarray([0, 3])) == 0.0


def test_noisy_weights_widen_the_tolerance(rng):
    W, bias = rng.standard_normal((5, 3)), rng.standard_normal(3)
    expected = 1e-3 * (np.abs(W).sum(axis=0) + np.abs(bias))
    np.testing.assert_allclose(LinearField(W, bias, noise=1e-3).tolerance, expected)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("n_units", [10, 1000])
def test_the_tolerance_covers_rounding_and_hides_no_true_field(dtype, n_units, rng):
    half = rng.standard_normal((n_units // 2, 1)).astype(dtype)
    W = np.concatenate([half, half])
    tie = np.repeat(np.asarray([[1.0, -1.0]], dtype=dtype), n_units // 2, axis=1)  # the pushes cancel in pairs
    rounding = []
    for _ in range(50):
        order = rng.permutation(n_units)
        field = LinearField(W[order])
        rounding.append(np.abs(field(tie[:, order]))[0, 0])
        assert rounding[-1] <= field.tolerance[0]
    assert max(rounding) > 0 or n_units == 10  # there was something to cover
    # Other fields: the chance that one of these 100 lies within the tolerance is below .01 (float32, 1000 units).
    states = rng.standard_normal((100, n_units)).astype(dtype)
    assert np.all(np.abs(field(states)) > field.tolerance)


def test_every_library_computes_the_same(place, rng):
    W, bias, states = (place.put(a) for a in (np.eye(4) + 1.0, np.arange(4.0), every_state(4)))
    landscape, host = QuadraticLandscape(W, bias), QuadraticLandscape(np.eye(4) + 1.0, np.arange(4.0))
    np.testing.assert_array_equal(place.get(landscape(states)), host(every_state(4)))
    np.testing.assert_array_equal(place.get(landscape.energy(states)), host.energy(every_state(4)))
    np.testing.assert_array_equal(place.get(landscape.tolerance), host.tolerance)


def test_whole_weights_are_narrowed_where_float32_is_as_exact(rng):
    W = rng.integers(-9, 10, size=(50, 50)).astype(float)
    field, states = LinearField(W, np.arange(50.0), zero_diagonal=True, exact=True), rng.choice([-1.0, 1.0], (20, 50))
    narrow = field.narrowed()
    assert narrow.weights.dtype == narrow.bias.dtype == narrow.diagonal.dtype == np.float32
    np.testing.assert_array_equal(narrow(states.astype("float32")), field(states))
    for kept in (
        LinearField(W),
        LinearField(1e6 * W, exact=True),
        LinearField(W, 1e7 + np.zeros(50), exact=True),
        narrow,
    ):
        assert kept.narrowed() is kept

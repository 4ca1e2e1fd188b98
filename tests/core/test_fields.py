"""Fields and landscapes: one law between them, checked by brute force."""

import itertools

import numpy as np
import pytest

from skamem.core.fields import LinearField, QuadraticLandscape


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


@pytest.mark.parametrize("zero_diagonal", [False, True])
@pytest.mark.parametrize("with_bias", [False, True])
def test_cursor_gives_the_same_fields_in_the_order_of_visits(zero_diagonal, with_bias, rng):
    W, bias = rng.standard_normal((7, 7)), rng.standard_normal(7) if with_bias else None
    field = LinearField(W, bias, zero_diagonal=zero_diagonal)
    states, order = rng.standard_normal((4, 7)), rng.permutation(7)
    cursor, units = field.cursor(order), slice(2, 6)
    visited = order[units]
    np.testing.assert_allclose(cursor.field(states.T[order], units), field(states)[:, visited].T)
    np.testing.assert_array_equal(cursor.coupling(units), W.T[np.ix_(visited, visited)])
    np.testing.assert_allclose(cursor.tolerance(units)[:, 0], field.tolerance[visited])


def test_exact_weights_need_no_tolerance(rng):
    field = LinearField(rng.integers(-3, 4, size=(5, 5)).astype(float), exact=True)
    assert field.tolerance == field.cursor(np.arange(5)).tolerance(slice(0, 2)) == 0.0


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
    cursor = landscape.cursor(place.put([2, 0, 3, 1]))
    expected = host.cursor(np.asarray([2, 0, 3, 1])).field(every_state(4).T, slice(1, 3))
    np.testing.assert_array_equal(place.get(cursor.field(place.put(every_state(4).T), slice(1, 3))), expected)

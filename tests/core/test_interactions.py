"""Laws of the energies: slopes and curvatures are derivatives, and factoring out a peak changes nothing."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skamem.core.interactions import (
    INTERACTIONS,
    Exponential,
    LogCosh,
    Polynomial,
    RectifiedPolynomial,
    Softplus,
    integer_power,
    resolve_interaction,
)

CASES = [kind() for kind in INTERACTIONS.values()]
CASES += [RectifiedPolynomial(n) for n in (1, 1.5, 2, 2.5, 5, 20, 150)] + [Polynomial(n) for n in (1, 3, 6)]


@pytest.fixture
def overlaps():
    # Away from 0, where rectifiers have their kink; small enough for degree 150.
    values = np.random.RandomState(0).uniform(0.05, 1.3, size=(6, 7))
    return values * np.where(np.arange(7) % 2, 1, -1)


@pytest.mark.parametrize("interaction", CASES, ids=repr)
def test_slope_and_curvature_are_derivatives(interaction, overlaps):
    step = 1e-6
    for function, derivative in ((interaction.energy, interaction.slope), (interaction.slope, interaction.curvature)):
        difference = (function(overlaps + step) - function(overlaps - step)) / (2 * step)
        assert_allclose(derivative(overlaps), difference, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("interaction", [c for c in CASES if hasattr(c, "factor_out")], ids=repr)
def test_factor_out_changes_neither_energy_nor_slope(interaction, overlaps):
    peak = interaction.peak(overlaps) + 0.1
    assert peak.shape == (6, 1)
    reduced, log_factor, stretch = interaction.factor_out(overlaps, peak)
    assert np.max(interaction.energy(reduced)) <= 1
    assert_allclose(np.exp(log_factor) * interaction.energy(reduced), interaction.energy(overlaps), rtol=1e-10)
    assert_allclose(np.exp(log_factor) * stretch * interaction.slope(reduced), interaction.slope(overlaps), rtol=1e-10)


@pytest.mark.parametrize("interaction", [c for c in CASES if hasattr(c, "gain")], ids=repr)
def test_gain_is_the_difference_without_cancellation(interaction, overlaps):
    change = np.random.RandomState(1).uniform(-0.2, 0.2, overlaps.shape)
    difference = interaction.energy(overlaps + change) - interaction.energy(overlaps)
    size = np.max(np.abs(interaction.energy(overlaps + change)) + np.abs(interaction.energy(overlaps)))
    assert_allclose(interaction.gain(overlaps, change), difference, rtol=1e-9, atol=1e-14 * size)
    # A change far below the rounding of the overlap: the plain difference would be 0 or noise.
    tiny = np.full_like(overlaps, 1e-20)
    assert_allclose(interaction.gain(overlaps, tiny), 1e-20 * interaction.slope(overlaps), rtol=1e-12)


def test_a_row_without_overlap_keeps_the_factor_one():
    reduced, log_factor, _ = RectifiedPolynomial(3).factor_out(np.zeros((1, 2)), np.zeros((1, 1)))
    assert_array_equal(reduced, np.zeros((1, 2)))
    assert_array_equal(log_factor, np.zeros((1, 1)))


@pytest.mark.parametrize("interaction", CASES, ids=repr)
def test_float32_stays_and_strict_agrees(interaction, overlaps):
    host = overlaps.astype(np.float32)
    array_api_strict = pytest.importorskip("array_api_strict")
    device = array_api_strict.Device("device1")
    strict = array_api_strict.asarray(host, device=device)
    for name in ("energy", "slope", "curvature"):
        expected, found = getattr(interaction, name)(host), getattr(interaction, name)(strict)
        assert expected.dtype == np.float32
        assert found.device == device
        assert_allclose(np.asarray(found.to_device(array_api_strict.Device("CPU_DEVICE"))), expected, rtol=2e-5)


@pytest.mark.parametrize("degree", [1, 1.5, 2, 3, 4.5])
def test_the_rectifier_is_off_at_and_below_zero(degree):
    interaction = RectifiedPolynomial(degree)
    for function in (interaction.energy, interaction.slope, interaction.curvature):
        assert_array_equal(function(np.asarray([-2.0, -0.0, 0.0])), np.zeros(3))


def test_degree_two_differs_from_hopfield_only_by_the_rectifier(overlaps):
    assert_allclose(Polynomial(2).energy(overlaps), overlaps**2)
    assert_allclose(
        RectifiedPolynomial(2).energy(overlaps) + RectifiedPolynomial(2).energy(-overlaps), overlaps**2, rtol=1e-14
    )


def test_dual_activations():
    z = np.linspace(-3, 3, 13)
    assert_allclose(LogCosh().slope(z), np.tanh(z))
    assert_allclose(Softplus().slope(z), 1 / (1 + np.exp(-z)))
    assert_allclose(RectifiedPolynomial(2).slope(z), 2 * np.maximum(z, 0))


@pytest.mark.parametrize("interaction", [LogCosh(), Softplus()], ids=repr)
def test_linear_growth_never_overflows(interaction):
    z = np.asarray([-1e38, -500.0, 500.0, 1e38], dtype=np.float32)
    energy = interaction.energy(z)
    assert np.all(np.isfinite(energy))
    assert_allclose(energy[3], 1e38, rtol=1e-6)


@pytest.mark.parametrize("exponent", [1, 2, 3, 7, 30, 64])
def test_integer_power(exponent):
    base = np.asarray([-1.1, 0.0, 0.5, 1.2])
    assert_allclose(integer_power(base, exponent), base**exponent, rtol=1e-13)


@pytest.mark.parametrize("degree", [0, 0.5, -1, np.nan, np.inf, "3", None, True])
@pytest.mark.parametrize("kind", [RectifiedPolynomial, Polynomial])
def test_degrees_that_give_no_energy(kind, degree):
    with pytest.raises(ValueError, match=r"degree=.*expected a finite number >= 1"):
        kind(degree)


def test_plain_polynomials_need_integer_degrees():
    with pytest.raises(ValueError, match="needs an integer degree"):
        Polynomial(2.5)


def test_resolve_interaction():
    for name, kind in INTERACTIONS.items():
        found = resolve_interaction(name, 4)
        assert isinstance(found, kind)
        assert getattr(found, "degree", 4) == 4
        assert dataclasses.replace(found) == found
    own = Exponential()
    assert resolve_interaction(own, 3) is own
    with pytest.raises(ValueError, match="'cubic' is unknown; expected one of 'rectified_polynomial'"):
        resolve_interaction("cubic", 3)
    for wrong in (3, Exponential, None):
        with pytest.raises(TypeError, match="expected a name or an instance"):
            resolve_interaction(wrong, 3)

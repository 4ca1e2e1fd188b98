"""Laws of the readouts: exact gradients, binomial = direct, eq. (10) as the limit of eq. (9), no overflow."""

from fractions import Fraction

import array_api_compat.numpy as xp
import array_api_strict
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skamem.core.interactions import (
    Exponential,
    LogCosh,
    Polynomial,
    RectifiedPolynomial,
    Softplus,
)
from skamem.supervised.dense._binomial import BinomialReadout
from skamem.supervised.dense._readouts import (
    READOUTS,
    DirectReadout,
    ExponentialReadout,
    LinearReadout,
    PolynomialLinearReadout,
    bounded_potentials,
    winner_readout,
)

N_SAMPLES, N_MEMORIES, N_CLASSES = 7, 6, 3
DEGREES = (1, 2, 3, 5, 20)


def problem(border, seed=0):
    """Overlaps and recognition weights; entries of Z keep 1e-3 from every kink, so that finite differences hold."""
    rng = np.random.RandomState(seed)
    recognition = 0.3 * rng.standard_normal((N_MEMORIES, N_CLASSES))
    reach = np.max(np.abs(recognition), axis=1)
    if not border:
        size = reach + 0.05 + rng.uniform(0, 1, (N_SAMPLES, N_MEMORIES))
        overlaps = size * np.where(rng.uniform(size=size.shape) < 0.5, 1, -1)
        assert not np.any(np.abs(overlaps) <= reach)
        return overlaps, recognition
    overlaps = 0.5 * rng.standard_normal((N_SAMPLES, N_MEMORIES))
    kinks = np.concatenate([np.zeros((N_MEMORIES, 1)), -recognition], axis=1)
    while np.any(close := np.min(np.abs(overlaps[:, :, None] - kinks), axis=2) < 1e-3):
        overlaps = overlaps + 2e-3 * close
    assert np.any(np.abs(overlaps) <= reach)
    return overlaps, recognition


def difference(function, point, step=1e-6):
    gradient = np.empty_like(point)
    for i in np.ndindex(point.shape):
        shift = np.zeros_like(point)
        shift[i] = step
        gradient[i] = (function(point + shift) - function(point - shift)) / (2 * step)
    return gradient


FORMS = [
    *[(f"binomial {n}", BinomialReadout(n, rectified=True)) for n in DEGREES],
    *[(f"binomial plain {n}", BinomialReadout(n, rectified=False)) for n in DEGREES],
    *[(f"direct {n}", DirectReadout(RectifiedPolynomial(n))) for n in (*DEGREES, 2.5)],
    *[(f"linear {n}", PolynomialLinearReadout(n, np.inf)) for n in DEGREES],
    ("linear 2.5", LinearReadout(RectifiedPolynomial(2.5))),
    ("exponential", ExponentialReadout(np.inf)),
    ("direct logcosh", DirectReadout(LogCosh())),
    ("linear softplus", LinearReadout(Softplus())),
    ("linear exponential", LinearReadout(Exponential())),
]


@pytest.mark.parametrize("border", [False, True])
@pytest.mark.parametrize("form", [f for _, f in FORMS], ids=[name for name, _ in FORMS])
def test_gradients_are_exact(form, border):
    overlaps, recognition = problem(border)
    signal = np.random.RandomState(1).standard_normal((N_SAMPLES, N_CLASSES))
    seen = []
    d_overlaps, d_recognition = form.gradients(
        overlaps.copy(), recognition.copy(), lambda potentials: seen.append(potentials) or signal
    )
    assert_allclose(seen[0], form.potentials(overlaps, recognition), rtol=1e-12, atol=1e-14)
    expected = difference(lambda z: np.sum(signal * form.potentials(z, recognition)), overlaps)
    assert_allclose(d_overlaps, expected, rtol=1e-6, atol=1e-6 * max(1, np.max(np.abs(expected))))
    expected = difference(lambda a: np.sum(signal * form.potentials(overlaps, a)), recognition)
    assert_allclose(d_recognition, expected, rtol=1e-6, atol=1e-6 * max(1, np.max(np.abs(expected))))


@pytest.mark.parametrize("border", [False, True])
@pytest.mark.parametrize("degree", DEGREES)
def test_binomial_equals_direct(degree, border):
    overlaps, recognition = problem(border)
    binomial, direct = BinomialReadout(degree, rectified=True), DirectReadout(RectifiedPolynomial(degree))
    signal = np.random.RandomState(1).standard_normal((N_SAMPLES, N_CLASSES))
    expected = direct.potentials(overlaps, recognition)
    # What rounding is relative to: the size of the terms, before they cancel.
    size = np.max((np.abs(overlaps) + np.max(np.abs(recognition))) ** degree)
    assert_allclose(binomial.potentials(overlaps, recognition), expected, rtol=1e-12, atol=1e-12 * size)
    for found, expected in zip(
        binomial.gradients(overlaps, recognition, lambda _: signal),
        direct.gradients(overlaps, recognition, lambda _: signal),
        strict=True,
    ):
        assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * size * degree)


@pytest.mark.parametrize("degree", [3, 12])
@pytest.mark.parametrize("size", [0.02, 1.0])
def test_binomial_is_exact_in_float32_for_small_and_large_class_units(degree, size):
    rng = np.random.RandomState(0)
    overlaps = 0.4 * rng.standard_normal((50, 300)).astype(np.float32)
    recognition = size * rng.standard_normal((300, N_CLASSES)).astype(np.float32)
    binomial, direct = BinomialReadout(degree, rectified=True), DirectReadout(RectifiedPolynomial(degree))
    expected = direct.potentials(overlaps.astype(np.float64), recognition.astype(np.float64))
    found = binomial.potentials(overlaps, recognition)
    assert found.dtype == np.float32
    error = np.max(np.abs(found - expected) / np.max(np.abs(expected), axis=1, keepdims=True))
    # The direct form loses a digit more where class units are small: F(z + a) - F(z) cancels.
    assert error < 1e-5
    if size < 0.1:
        lost = np.abs(direct.potentials(overlaps, recognition) - expected)
        assert error < 0.5 * np.max(lost / np.max(np.abs(expected), axis=1, keepdims=True))


@pytest.mark.parametrize("size", [1e-3, 0.1, 0.4, 3.0])
@pytest.mark.parametrize("degree", [2, 3, 4, 8])
def test_winner_is_that_of_the_exact_sum(degree, size, monkeypatch):
    rng = np.random.RandomState(degree)
    overlaps = 0.4 * rng.standard_normal((400, 60))
    recognition = size * rng.standard_normal((60, N_CLASSES))
    # A tie for the exact sum to break.
    recognition[:, 1] = recognition[:, 0]
    expected = DirectReadout(RectifiedPolynomial(degree)).potentials(overlaps, recognition)
    n_exact = []
    exact = BinomialReadout.potentials
    monkeypatch.setattr(BinomialReadout, "potentials", lambda *a: n_exact.append(len(a[1])) or exact(*a))
    winner = winner_readout(READOUTS["exact"](RectifiedPolynomial(degree), N_CLASSES, xp, np.float64))
    chosen = np.argmax(winner.potentials(overlaps, recognition), axis=1)
    rounding = 1e-13 * np.max(np.abs(expected))
    assert_allclose(expected[np.arange(400), chosen], np.max(expected, axis=1), rtol=0, atol=rounding)
    # The bounds decide all rows but ties where class units are small, and few where they are large.
    tied = np.sum(np.argmax(expected[:, 1:], axis=1) == 0)
    assert sum(n_exact) >= 0.9 * tied
    if size == 1e-3:
        assert sum(n_exact) <= tied + 20
    if size == 3.0:
        assert sum(n_exact) > 350


def test_only_rectified_binomials_have_a_faster_winner():
    for interaction in (RectifiedPolynomial(1), RectifiedPolynomial(2.5), Polynomial(3), Exponential()):
        readout = READOUTS["exact"](interaction, N_CLASSES, xp, np.float64)
        assert winner_readout(readout) is readout


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_plain_binomial_equals_direct(degree):
    overlaps, recognition = problem(border=True)
    assert_allclose(
        BinomialReadout(degree, rectified=False).potentials(overlaps, recognition),
        DirectReadout(Polynomial(degree)).potentials(overlaps, recognition),
        rtol=1e-12,
        atol=1e-14,
    )


def test_exponential_factorises():
    overlaps, recognition = problem(border=True)
    assert_allclose(
        ExponentialReadout(np.inf).potentials(overlaps, recognition),
        DirectReadout(Exponential()).potentials(overlaps, recognition),
        rtol=1e-12,
    )


@pytest.mark.parametrize("overlap", [0.0, 0.25, -0.25])
def test_overlaps_on_a_kink_belong_to_the_border(overlap):
    # z = 0, and z + a = 0 for one class: the binomial sum would count them on the wrong side.
    overlaps, recognition = np.full((1, 1), overlap), np.asarray([[0.25, -0.25]])
    for degree in (1, 2, 3):
        expected = DirectReadout(RectifiedPolynomial(degree)).potentials(overlaps, recognition)
        assert_array_equal(BinomialReadout(degree, rectified=True).potentials(overlaps, recognition), expected)


@pytest.mark.parametrize(
    "interaction", [RectifiedPolynomial(3), RectifiedPolynomial(5), LogCosh(), Exponential()], ids=repr
)
def test_linear_readout_is_the_limit_of_the_exact_one(interaction):
    overlaps, recognition = problem(border=True)
    exact = READOUTS["exact"](interaction, N_CLASSES, xp, np.float64)
    linear = READOUTS["linear"](interaction, N_CLASSES, xp, np.float64)
    errors = []
    for shrink in (1e-2, 1e-3):
        expected = linear.potentials(overlaps, shrink * recognition)
        errors.append(np.max(np.abs(exact.potentials(overlaps, shrink * recognition) - expected)))
    # The error is second order in A: a tenth of A makes a hundredth of it. Rate 2 within a tenth.
    assert_allclose(np.log10(errors[0] / errors[1]), 2, atol=0.1)


@pytest.mark.parametrize("degree", [1, 2, 3, 2.5, 6])
@pytest.mark.parametrize("name", ["exact", "linear"])
def test_strict_agrees_with_numpy(name, degree):
    overlaps, recognition = problem(border=True)
    signal = np.random.RandomState(1).standard_normal((N_SAMPLES, N_CLASSES))
    device = array_api_strict.Device("device1")

    def moved(array):
        return array_api_strict.asarray(array.copy(), device=device)

    interaction = RectifiedPolynomial(degree)
    there = READOUTS[name](interaction, N_CLASSES, array_api_strict, array_api_strict.float64)
    here = READOUTS[name](interaction, N_CLASSES, xp, np.float64)
    found = there.gradients(moved(overlaps), moved(recognition), lambda _: moved(signal))
    expected = here.gradients(overlaps, recognition, lambda _: signal)
    for one, other in zip(found, expected, strict=True):
        assert one.device == device
        assert_allclose(np.asarray(one.to_device(array_api_strict.Device("CPU_DEVICE"))), other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["exact", "linear"])
@pytest.mark.parametrize("interaction", [RectifiedPolynomial(100), Polynomial(3), Exponential()], ids=repr)
def test_bounded_potentials_do_not_overflow_and_keep_the_order(name, interaction):
    rng = np.random.RandomState(0)
    factor = {"Exponential": 300.0, "Polynomial": 1e20}.get(type(interaction).__name__, 50.0)
    overlaps = (factor * rng.standard_normal((5, N_MEMORIES))).astype(np.float32)
    overlaps[0] *= 0.4 / factor  # too small for degree 100, in range for the others
    recognition = (0.1 * rng.standard_normal((N_MEMORIES, N_CLASSES))).astype(np.float32)
    readout = READOUTS[name](interaction, N_CLASSES, xp, np.float32)
    found = bounded_potentials(overlaps, recognition, interaction, name, readout)
    assert found.dtype == np.float32
    assert np.all(np.isfinite(found))
    expected = _in_wide_numbers(interaction, name, overlaps, recognition)
    assert_array_equal(np.argmax(found, axis=1), np.argmax(expected, axis=1))
    assert_allclose(found[0], expected[0].astype(np.float64), rtol=1e-4, atol=1e-30)


def _in_wide_numbers(interaction, name, overlaps, recognition):
    """Φ in fractions for polynomials, in long double for the exponential: nothing overflows or cancels."""
    if isinstance(interaction, Exponential):
        z, a = overlaps.astype(np.longdouble), recognition.astype(np.longdouble)
        return np.exp(z) @ (a if name == "linear" else np.expm1(a))
    widen = np.vectorize(lambda value: Fraction(float(value)), otypes=[object])
    z, a, n = widen(overlaps), widen(recognition), interaction.degree
    rectified = np.vectorize(lambda v: max(v, Fraction(0)), otypes=[object])
    on = rectified if isinstance(interaction, RectifiedPolynomial) else lambda v: v
    if name == "linear":
        return (n * on(z) ** (n - 1)) @ a
    return np.stack([(on(z + column) ** n - on(z) ** n).sum(axis=1) for column in a.T], axis=1)


def test_potentials_in_range_are_not_touched():
    overlaps, recognition = problem(border=True)
    for name, function in READOUTS.items():
        readout = function(RectifiedPolynomial(3), N_CLASSES, xp, np.float64)
        found = bounded_potentials(overlaps, recognition, RectifiedPolynomial(3), name, readout)
        assert_array_equal(found, readout.potentials(overlaps, recognition))


def test_linear_readout_needs_a_curvature():
    class Bare:
        energy = slope = staticmethod(np.tanh)

    with pytest.raises(TypeError, match="no `curvature` method; add one, or use readout='exact'"):
        READOUTS["linear"](Bare(), N_CLASSES, xp, np.float64)

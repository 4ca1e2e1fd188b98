"""The two descents against their definitions."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skamem.supervised.dense._solvers import AdamSolver, PaperSolver, cosine_schedule


def parameters(seed=0):
    rng = np.random.RandomState(seed)
    return [rng.uniform(-0.5, 0.5, (7, 4)), rng.uniform(-0.5, 0.5, 7), rng.uniform(-0.5, 0.5, (7, 3))]


def gradients(step):
    return [1e-9 * g for g in parameters(100 + step)]


@pytest.mark.parametrize("chunk", [1, 2**16])
def test_adam_is_adam(chunk, monkeypatch):
    monkeypatch.setattr("skamem.supervised.dense._solvers._HOST_CHUNK", chunk)
    temperature, learning_rate, decay = 2.5, 1e-3, 3.0
    expected = parameters()
    rates = [1 / temperature, 1 / temperature, np.sqrt(np.mean(expected[2] ** 2)) / 0.05]
    solver = AdamSolver(
        *parameters(), temperature=temperature, learning_rate=learning_rate, decay=decay, fit_intercept=True
    )
    moments = [[np.zeros_like(p), np.zeros_like(p)] for p in expected]
    for step in range(1, 6):
        factor = 1 / step
        solver.step(gradients(step), factor)
        for p, g, (m, v), rate in zip(expected, gradients(step), moments, rates, strict=True):
            m += 0.1 * (g - m)
            v += 0.001 * (g * g - v)
            if p.ndim > 1:
                p *= 1 - learning_rate * factor * decay
            corrected = (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-16)
            p -= learning_rate * factor * rate * corrected
    for found, p in zip(solver.parameters, expected, strict=True):
        assert_allclose(found, p, rtol=1e-9)


def test_adam_leaves_the_clamped_unit_alone_without_intercept():
    solver = AdamSolver(*parameters(), temperature=1.0, learning_rate=0.1, decay=0.0, fit_intercept=False)
    solver.step(gradients(0), 1.0)
    assert_array_equal(solver.parameters[1], parameters()[1])
    assert not np.allclose(solver.parameters[0], parameters()[0])


def paper(temperature=(3.0, 3.0), **options):
    settings = {"learning_rate": 0.04, "momentum": 0.6, "fit_intercept": True} | options
    return PaperSolver(*parameters(), temperature=temperature, **settings)


def test_the_largest_change_of_a_memory_is_the_rate():
    solver = paper()
    solver.step(gradients(0), 1.0)
    temperature = solver.temperature
    W, b, A = solver.parameters
    after = np.concatenate([W * temperature, (b * temperature)[:, None], A * temperature / 2], axis=1)
    before = np.concatenate([parameters()[0], parameters()[1][:, None], parameters()[2]], axis=1)
    assert_allclose(np.max(np.abs(after - before), axis=1), 0.04, rtol=1e-9)
    # Downhill: against the gradient with respect to (W, b, U), of which that of U = T A / 2 is twice that of A.
    g = gradients(0)
    downhill = -np.concatenate([g[0], g[1][:, None], 2 * g[2]], axis=1)
    assert_allclose(after - before, 0.04 * downhill / np.max(np.abs(downhill), axis=1, keepdims=True), rtol=1e-9)


def test_momentum_of_the_second_step():
    solver = paper()
    solver.step(gradients(0), 1.0)
    first = solver.parameters[0] * 3.0
    solver.step(gradients(1), 1.0)
    velocity = [-(0.6 * a + b) for a, b in zip(gradients(0), gradients(1), strict=True)]
    largest = np.max(np.abs(np.concatenate([velocity[0], velocity[1][:, None], 2 * velocity[2]], axis=1)), axis=1)
    assert_allclose(solver.parameters[0] * 3.0 - first, 0.04 * velocity[0] / largest[:, None], rtol=1e-9)


def test_weights_stay_within_one_and_no_gradient_is_no_step():
    solver = paper(learning_rate=5.0)
    zero = [0 * g for g in gradients(0)]
    solver.step(zero, 1.0)
    assert_allclose(solver.parameters[0] * 3.0, parameters()[0])
    solver.step(gradients(0), 1.0)
    assert np.max(np.abs(solver.parameters[0] * 3.0)) == 1


def test_temperature_and_rate_are_annealed():
    solver = paper((10.0, 2.0))
    found = []
    for epoch in (0, 100, 200, 1000):
        solver.begin_epoch(epoch)
        found.append(solver.temperature)
    assert_allclose(found, [10, 6, 2, 2])
    before = solver.parameters[0] * 2.0
    solver.step(gradients(0), 1.0)
    moved = np.abs(solver.parameters[0] * 2.0 - before)
    assert np.max(moved) <= 0.04 * 0.998**1000 * (1 + 1e-9)


def test_schedule_rises_and_falls():
    factors = [cosine_schedule(step, 1000) for step in range(1000)]
    assert factors[0] == 1 / 50
    assert max(factors) == factors[49] == factors[50] == 1
    assert np.all(np.diff(factors[50:]) < 0)
    assert 0 < factors[-1] < 1e-5
    assert math.isclose(factors[525], 0.5, abs_tol=1e-3)

"""The descent of the paper against its definition."""

import numpy as np
from numpy.testing import assert_allclose

from skamem.supervised.dense._network import Memories
from skamem.supervised.dense._paper import PaperSolver


def parameters(seed=0):
    rng = np.random.RandomState(seed)
    return [rng.uniform(-0.5, 0.5, (7, 4)), rng.uniform(-0.5, 0.5, 7), rng.uniform(-0.5, 0.5, (7, 3))]


def gradients(step):
    return [1e-9 * g for g in parameters(100 + step)]


def named(values):
    return Memories(*values)._asdict()


def paper(temperature=(3.0, 3.0), **options):
    settings = {"learning_rate": 0.04, "momentum": 0.6, "fit_intercept": True} | options
    return PaperSolver(named(parameters()), temperature=temperature, **settings)


def test_the_largest_change_of_a_memory_is_the_rate():
    solver = paper()
    solver.step(named(gradients(0)), 1.0)
    temperature = solver.temperature
    W, b, A = solver.parameters.values()
    after = np.concatenate([W * temperature, (b * temperature)[:, None], A * temperature / 2], axis=1)
    before = np.concatenate([parameters()[0], parameters()[1][:, None], parameters()[2]], axis=1)
    assert_allclose(np.max(np.abs(after - before), axis=1), 0.04, rtol=1e-9)
    # Downhill: against the gradient with respect to (W, b, U), of which that of U = T A / 2 is twice that of A.
    g = gradients(0)
    downhill = -np.concatenate([g[0], g[1][:, None], 2 * g[2]], axis=1)
    assert_allclose(after - before, 0.04 * downhill / np.max(np.abs(downhill), axis=1, keepdims=True), rtol=1e-9)


def test_momentum_of_the_second_step():
    solver = paper()
    solver.step(named(gradients(0)), 1.0)
    first = solver.parameters["visible"] * 3.0
    solver.step(named(gradients(1)), 1.0)
    velocity = [-(0.6 * a + b) for a, b in zip(gradients(0), gradients(1), strict=True)]
    largest = np.max(np.abs(np.concatenate([velocity[0], velocity[1][:, None], 2 * velocity[2]], axis=1)), axis=1)
    assert_allclose(solver.parameters["visible"] * 3.0 - first, 0.04 * velocity[0] / largest[:, None], rtol=1e-9)


def test_weights_stay_within_one_and_no_gradient_is_no_step():
    solver = paper(learning_rate=5.0)
    zero = [0 * g for g in gradients(0)]
    solver.step(named(zero), 1.0)
    assert_allclose(solver.parameters["visible"] * 3.0, parameters()[0])
    solver.step(named(gradients(0)), 1.0)
    assert np.max(np.abs(solver.parameters["visible"] * 3.0)) == 1


def test_temperature_and_rate_are_annealed():
    solver = paper((10.0, 2.0))
    found = []
    for epoch in (0, 100, 200, 1000):
        solver.begin_epoch(epoch)
        found.append(solver.temperature)
    assert_allclose(found, [10, 6, 2, 2])
    before = solver.parameters["visible"] * 2.0
    solver.step(named(gradients(0)), 1.0)
    moved = np.abs(solver.parameters["visible"] * 2.0 - before)
    assert np.max(moved) <= 0.04 * 0.998**1000 * (1 + 1e-9)

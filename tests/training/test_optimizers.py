"""The descents against their definitions, on every array library."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skamem.training import Adam, Momentum, _optimizers

SHAPES = {"weights": (7, 4), "bias": (7,), "kernel": (3, 2, 5)}
OPTIMIZERS = {
    "adam": lambda parameters, **options: Adam(parameters, learning_rate=0.01, **options),
    "momentum": lambda parameters, **options: Momentum(parameters, learning_rate=0.1, momentum=0.6, **options),
}
both = pytest.mark.parametrize("optimizer", list(OPTIMIZERS))


def parameters(seed=0, dtype=np.float64):
    rng = np.random.RandomState(seed)
    return {name: rng.uniform(-0.5, 0.5, shape).astype(dtype) for name, shape in SHAPES.items()}


def gradients(step, size=1.0, dtype=np.float64):
    return {name: size * g for name, g in parameters(100 + step, dtype).items()}


@pytest.mark.parametrize("chunk", [1, 2**16])
def test_adam_is_adam(chunk, monkeypatch):
    monkeypatch.setattr(_optimizers, "_HOST_CHUNK", chunk)
    learning_rate, decay, rates = 1e-3, 3.0, {"weights": 0.4, "kernel": 2.5}
    expected = parameters()
    adam = Adam(parameters(), learning_rate=learning_rate, decay=decay, rates=rates)
    moments = {name: [np.zeros_like(p), np.zeros_like(p)] for name, p in expected.items()}
    for step in range(1, 6):
        factor = 1 / step
        adam.step(gradients(step, 1e-9), factor)
        for name, g in gradients(step, 1e-9).items():
            p, (m, v) = expected[name], moments[name]
            m += 0.1 * (g - m)
            v += 0.001 * (g * g - v)
            if p.ndim > 1:
                p *= 1 - learning_rate * factor * decay
            corrected = (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-16)
            p -= learning_rate * factor * rates.get(name, 1.0) * corrected
    for name, p in expected.items():
        assert_allclose(adam.parameters[name], p, rtol=1e-9)


@pytest.mark.parametrize("chunk", [1, 2**16])
def test_a_decay_for_each_row_is_that_of_the_row_alone(chunk, monkeypatch):
    monkeypatch.setattr(_optimizers, "_HOST_CHUNK", chunk)
    decays = np.asarray([0.0, 5.0, 1.0, 1.0, 30.0, 0.1, 3.0])

    def trained(rows, decay):
        adam = Adam({name: parameters()[name][rows] for name in ("weights", "bias")}, learning_rate=0.01, decay=decay)
        for step in range(3):
            adam.step({name: gradients(step)[name][rows] for name in adam.parameters}, 0.5)
        return adam.parameters

    together = trained(slice(None), decays[:, None])
    for row, decay in enumerate(decays):
        for name, value in trained(slice(row, row + 1), float(decay)).items():
            assert_allclose(together[name][row], value[0], rtol=1e-12)


@pytest.mark.parametrize("chunk", [1, 2**16])
def test_momentum_is_momentum(chunk, monkeypatch):
    monkeypatch.setattr(_optimizers, "_HOST_CHUNK", chunk)
    expected, descent = parameters(), Momentum(parameters(), learning_rate=0.1, momentum=0.6, decay=0.2)
    velocities = {name: np.zeros_like(p) for name, p in expected.items()}
    for step in range(1, 4):
        descent.step(gradients(step), 0.5)
        for name, g in gradients(step).items():
            velocities[name] = 0.6 * velocities[name] + g
            kept = 1 - 0.05 * 0.2 if g.ndim > 1 else 1.0
            expected[name] = kept * expected[name] - 0.05 * velocities[name]
    for name, p in expected.items():
        assert_allclose(descent.parameters[name], p, rtol=1e-12)


@both
def test_a_rate_of_zero_keeps_a_parameter(optimizer):
    descent = OPTIMIZERS[optimizer](parameters(), rates={"bias": 0.0})
    descent.step(gradients(0))
    assert_array_equal(descent.parameters["bias"], parameters()["bias"])
    assert np.all(descent.parameters["weights"] != parameters()["weights"])


@both
def test_a_run_goes_on_from_a_pickled_state_and_leaves_it_alone(optimizer):
    whole = OPTIMIZERS[optimizer](parameters())
    for step in range(4):
        whole.step(gradients(step))
    first = OPTIMIZERS[optimizer](parameters())
    for step in range(2):
        first.step(gradients(step))
    state = pickle.loads(pickle.dumps(first.state))
    kept = pickle.dumps(state)
    second = OPTIMIZERS[optimizer](first.parameters, state=state)
    for step in range(2, 4):
        second.step(gradients(step))
    for name, p in whole.parameters.items():
        assert_array_equal(second.parameters[name], p)
    assert pickle.dumps(state) == kept
    assert second.n_steps == whole.n_steps == 4


@both
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_library_takes_the_same_steps(optimizer, place, dtype):
    expected = OPTIMIZERS[optimizer](parameters(dtype=dtype), decay=0.1)
    put = lambda values: {name: place.put(value) for name, value in values.items()}  # noqa: E731
    found = OPTIMIZERS[optimizer](put(parameters(dtype=dtype)), decay=0.1)
    for step in range(3):
        expected.step(gradients(step, dtype=dtype))
        found.step(put(gradients(step, dtype=dtype)))
    for name, value in expected.parameters.items():
        got = place.get(found.parameters[name])
        assert got.dtype == value.dtype == dtype
        assert_allclose(got, value, rtol=1e-5 if dtype == np.float32 else 1e-12)

"""The value of a machine: energies and conditionals against sums over all states."""

import numpy as np
import pytest
from scipy.special import expit, logsumexp

from skamem.generative._bipartite import sigmoid, softplus_sum

from ._machines import energy, joint, machine, states


def test_sigmoid_and_softplus_do_not_overflow():
    x = np.asarray([[-1e5, -30.0, 0.0, 2.0, 1e5]])
    np.testing.assert_allclose(sigmoid(x), expit(x), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(softplus_sum(x), np.logaddexp(0, x).sum(axis=1), rtol=1e-14)


@pytest.mark.parametrize("width", [1, 99, 2500])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softplus_of_many_terms(width, dtype):
    x = np.random.default_rng(0).normal(0, 3, (4, width)).astype(dtype)
    np.testing.assert_allclose(
        softplus_sum(x), np.logaddexp(0, x.astype(float)).sum(1), rtol=3e-6 if dtype == "float32" else 1e-13
    )
    assert softplus_sum(x).dtype == dtype


@pytest.mark.parametrize("kind", ["binary", "gaussian"])
def test_energy_is_the_formula(kind):
    m = machine(kind)
    rng = np.random.default_rng(1)
    v = states(5) if kind == "binary" else rng.standard_normal((32, 5))
    h = states(4)[rng.integers(16, size=32)]
    np.testing.assert_allclose(m.energy(v, h), [energy(m, *pair) for pair in zip(v, h, strict=True)], rtol=1e-12)


@pytest.mark.parametrize("kind", ["binary", "gaussian"])
def test_free_energy_sums_the_hidden_units_out(kind):
    m = machine(kind)
    v = states(5) if kind == "binary" else np.random.default_rng(1).standard_normal((9, 5))
    expected = [-logsumexp([-energy(m, row, h) for h in states(4)]) for row in v]
    np.testing.assert_allclose(m.free_energy(v), expected, rtol=1e-12)


def test_hidden_free_energy_sums_the_visible_units_out():
    m = machine()
    np.testing.assert_allclose(m.hidden_free_energy(states(4)), -logsumexp(joint(m), axis=0), rtol=1e-12)


def test_hidden_free_energy_integrates_gaussian_units():
    m = machine("gaussian", n_visible=1, n_hidden=3)
    grid = np.linspace(-40, 40, 200_001)[:, None]
    h = states(3)
    weights = np.exp([[-energy(m, v, row) for v in grid[::20]] for row in h[:2]])
    np.testing.assert_allclose(
        m.hidden_free_energy(h[:2]), -np.log(weights.sum(axis=1) * (grid[20, 0] - grid[0, 0])), rtol=1e-9
    )


def test_conditionals_are_those_of_the_joint_density():
    m = machine()
    probability = np.exp(joint(m) - logsumexp(joint(m)))
    given_v = probability / probability.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(m.hidden_mean(states(5)), given_v @ states(4), rtol=1e-10)
    given_h = probability / probability.sum(axis=0, keepdims=True)
    np.testing.assert_allclose(m.visible_mean(states(4)), given_h.T @ states(5), rtol=1e-10)


@pytest.mark.parametrize("kind", ["binary", "gaussian"])
def test_everywhere_the_same(kind, place):
    m = machine(kind)
    there = type(m)(*(None if a is None else place.put(a) for a in (m.weights, m.visible, m.hidden, m.sigma)))
    v = np.random.default_rng(0).random((6, 5))
    for name in ("free_energy", "hidden_mean"):
        np.testing.assert_allclose(place.get(getattr(there, name)(place.put(v))), getattr(m, name)(v), rtol=1e-10)
    h = m.hidden_mean(v)
    np.testing.assert_allclose(place.get(there.hidden_free_energy(place.put(h))), m.hidden_free_energy(h), rtol=1e-10)

"""A Hopfield network and the restricted Boltzmann machine made of it have one energy."""

import numpy as np
import pytest

from skamem import HopfieldNetwork, RestrictedBoltzmannMachine
from skamem.datasets import make_patterns

from ._machines import states

PATTERNS = make_patterns(3, 10, random_state=1)
SPINS = 2 * states(10) - 1


def projection(patterns):
    return patterns.T @ np.linalg.solve(patterns @ patterns.T, patterns)


@pytest.mark.parametrize("factor", ["polar", "qr"])
@pytest.mark.parametrize("temperature", [0.3, 1.0])
def test_free_energy_is_the_energy_of_the_projection_rule(factor, temperature):
    machine = RestrictedBoltzmannMachine.from_hopfield(PATTERNS, factor=factor, temperature=temperature)
    energy = -0.5 * np.einsum("ij,jk,ik->i", SPINS, projection(PATTERNS), SPINS) / temperature
    difference = machine.free_energy(states(10)) - energy
    np.testing.assert_allclose(difference, difference[0], atol=1e-10)
    assert machine.components_.shape == (3, 10)


@pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")
@pytest.mark.parametrize("rule", ["hebbian", "pseudoinverse", "storkey"])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_free_energy_is_the_energy_of_any_network(rule, fit_intercept):
    network = HopfieldNetwork(rule, fit_intercept=fit_intercept).fit(PATTERNS)
    machine = RestrictedBoltzmannMachine.from_hopfield(network, temperature=0.5)
    difference = machine.free_energy(states(10)) - network.energy(SPINS) / 0.5
    np.testing.assert_allclose(difference, difference[0], atol=1e-9)


def test_probabilities_sum_to_one():
    machine = RestrictedBoltzmannMachine.from_hopfield(PATTERNS)
    assert np.exp(machine.score_samples(states(10))).sum() == pytest.approx(1, rel=1e-10)


def test_samples_at_low_temperature_are_the_patterns():
    machine = RestrictedBoltzmannMachine.from_hopfield(PATTERNS, temperature=0.1)
    sample = 2 * machine.sample(100, n_steps=100, random_state=0) - 1
    assert (np.abs(sample @ PATTERNS.T).max(axis=1) == 10).mean() > 0.9


def test_learning_goes_on_from_there():
    X = (make_patterns(60, 10, random_state=2) + 1) / 2
    machine = RestrictedBoltzmannMachine.from_hopfield(PATTERNS)
    before = machine.score(X)
    for _ in range(30):
        machine.partial_fit(X)
    assert machine.score(X) > before + 0.5


@pytest.mark.parametrize("patterns", [PATTERNS[[0, 0]], np.vstack([PATTERNS, -PATTERNS[:1]])])
def test_dependent_patterns_are_refused(patterns):
    with pytest.raises(ValueError, match="depend on each other"):
        RestrictedBoltzmannMachine.from_hopfield(patterns)


def test_real_patterns_are_refused():
    with pytest.raises(ValueError, match="other than -1 and 1"):
        RestrictedBoltzmannMachine.from_hopfield(0.5 * PATTERNS)

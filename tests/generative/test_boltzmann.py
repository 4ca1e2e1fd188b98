"""BoltzmannMachine: the local rule, exact learning, chains, and the Hopfield network of the same energy."""

import itertools

import numpy as np
import pytest
from scipy.special import logsumexp

from skamem import BoltzmannMachine
from skamem.generative._boltzmann import local_rule
from skamem.generative._network import Network

from ._machines import states

RNG = np.random.default_rng(0)
STRIPES = np.asarray([[[bit] * 2 for bit in bits] for bits in itertools.product([0, 1], repeat=2)]).reshape(4, 4)
BARS = np.unique(np.concatenate([STRIPES, STRIPES.reshape(4, 2, 2).transpose(0, 2, 1).reshape(4, 4)]), axis=0)


def couplings(n_units, scale=1.0, seed=0):
    weights = np.triu(scale * np.random.default_rng(seed).standard_normal((n_units, n_units)), 1)
    return weights + weights.T


def given(n_units, scale=1.0, seed=0, **kwargs):
    return BoltzmannMachine.from_weights(couplings(n_units, scale, seed), np.linspace(-1, 1, n_units), **kwargs)


def energies(machine, x):
    return -0.5 * np.einsum("ij,jk,ik->i", x, machine.weights_, x) - x @ machine.bias_


@pytest.mark.parametrize("n_hidden", [0, 2])
def test_probabilities_are_those_of_brute_force(n_hidden):
    machine = given(6, n_hidden=n_hidden)
    log_p = -energies(machine, states(6)).reshape(2 ** (6 - n_hidden), -1)
    expected = logsumexp(log_p, axis=1) - logsumexp(log_p)
    np.testing.assert_allclose(machine.score_samples(states(6 - n_hidden)), expected, rtol=1e-10)
    np.testing.assert_allclose(machine.free_energy(states(6 - n_hidden)), -logsumexp(log_p, axis=1), rtol=1e-10)


def test_energy_of_full_states():
    machine = given(6, n_hidden=2)
    np.testing.assert_allclose(machine.energy(states(6)[:, :4], states(6)[:, 4:]), energies(machine, states(6)))
    with pytest.raises(ValueError, match="expected hidden= of shape"):
        machine.energy(states(4))


def test_the_local_rule_is_the_slope_of_the_likelihood():
    network = Network(couplings(5, 0.5), np.linspace(-1, 1, 5))
    data = states(3)[[0, 3, 5, 5, 7]]

    def likelihood(now):
        return -now.free_energy(data).mean() - now.log_partition()

    weights, bias = local_rule(network.given_moments(data), network.moments()[:2], np.zeros(5))
    step = 1e-5
    for i, j in [(0, 1), (1, 4), (3, 4)]:
        moved = [couplings(5, 0.5) for _ in range(2)]
        for sign, w in zip((1, -1), moved, strict=True):
            w[i, j] += sign * step
            w[j, i] += sign * step
        ends = [likelihood(Network(w, network.bias)) for w in moved]
        assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(weights[i, j], abs=1e-6)
    for i in (0, 4):
        ends = [likelihood(Network(network.weights, network.bias + sign * step * np.eye(5)[i])) for sign in (1, -1)]
        assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(bias[i], abs=1e-6)


def test_without_hidden_units_means_and_pairs_are_matched():
    X = (RNG.random((300, 5)) < RNG.choice([0.2, 0.8], (3, 5))[RNG.integers(3, size=300)]).astype(float)
    machine = BoltzmannMachine().fit(X)
    p = np.exp(machine.score_samples(states(5)))
    np.testing.assert_allclose(p @ states(5), X.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose((states(5) * p[:, None]).T @ states(5), X.T @ X / 300, atol=1e-4)


def test_hidden_units_reach_the_bound_of_bars_and_stripes():
    machine = BoltzmannMachine(4, random_state=0).fit(BARS)
    assert machine.score(BARS) == pytest.approx(-np.log(len(BARS)), abs=0.01)


def test_chains_learn_nearly_what_sums_do():
    X = (RNG.random((300, 5)) < RNG.choice([0.3, 0.7], (3, 5))[RNG.integers(3, size=300)]).astype(float)
    exact = BoltzmannMachine().fit(X).score(X)
    chains = BoltzmannMachine(method="gibbs", max_iter=500, random_state=0).fit(X)
    assert exact - 0.05 < chains.score(X) <= exact + 1e-6
    assert chains.chains_.shape == (100, 5)


def test_samples_follow_the_model():
    machine = given(5, 0.7)
    sample = machine.sample(4000, n_steps=30, random_state=0)
    p = np.exp(machine.score_samples(states(5)))
    # Five means of 4,000 binary draws within five standard errors.
    np.testing.assert_allclose(sample.mean(axis=0), p @ states(5), atol=5 * 0.5 / 4000**0.5)


def test_annealing_agrees_with_the_sum():
    weights, bias = couplings(22, 0.3), np.linspace(-1, 1, 22)
    # Two independent halves, each of which can be summed.
    weights[:11, 11:] = weights[11:, :11] = 0.0
    machine = BoltzmannMachine.from_weights(weights, bias)
    truth = sum(Network(weights[half, half], bias[half]).log_partition() for half in (slice(0, 11), slice(11, 22)))
    found = machine.log_partition()
    assert abs(found.value - truth) < 4 * found.standard_error
    assert found.bound <= truth


def test_the_hopfield_network_has_the_same_energy():
    machine = given(6)
    network = machine.to_hopfield()
    difference = network.energy(states(6)) - energies(machine, states(6))
    np.testing.assert_allclose(difference, difference[0], atol=1e-12)


@pytest.mark.parametrize(
    ("weights", "bias", "message"),
    [
        ([[0.0, 1.0], [2.0, 0.0]], [0.0, 0.0], "not symmetric"),
        ([[1.0, 0.0], [0.0, 0.0]], [0.0, 0.0], "diagonal"),
        ([[0.0, 1.0], [1.0, 0.0]], [0.0], "bias has shape"),
    ],
)
def test_from_weights_says_what_is_wrong(weights, bias, message):
    with pytest.raises(ValueError, match=message):
        BoltzmannMachine.from_weights(weights, bias)


def test_sums_over_too_many_states_are_refused():
    with pytest.raises(ValueError, match="at most 20 units"):
        BoltzmannMachine(method="exact").fit(np.eye(21))
    with pytest.raises(ValueError, match="21 hidden units"):
        given(23, 0.0, n_hidden=21).score_samples(states(2))

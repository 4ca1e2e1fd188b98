"""BoltzmannMachine: the local rule, exact learning, chains, and the Hopfield network of the same energy."""

import itertools

import numpy as np
import pytest
import scipy.sparse
from scipy.special import logsumexp
from scipy.stats import chi2

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


@pytest.mark.parametrize("way", ["chains", "sample"])
def test_states_are_as_frequent_as_they_are_probable(way):
    machine = given(5, 1.0)
    if way == "chains":
        network = Network(machine.weights_, machine.bias_)
        x = network.sweep(np.zeros((8000, 5)), 40, np.random.RandomState(0))
    else:
        x = machine.sample(8000, n_steps=20, random_state=0)
    expected = 8000 * np.exp(machine.score_samples(states(5)))
    counts = np.bincount((x @ [16, 8, 4, 2, 1]).astype(int), minlength=32)
    # A chi-square test that fails once in 10,000 seeds.
    assert chi2.sf(((counts - expected) ** 2 / expected).sum(), 31) > 1e-4


def test_one_seed_one_result():
    machine = given(5, 1.0)
    one, same, other = (machine.sample(20, n_steps=5, random_state=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    fits = [BoltzmannMachine(2, method="gibbs", max_iter=20, random_state=3).fit(BARS) for _ in range(2)]
    np.testing.assert_array_equal(fits[0].weights_, fits[1].weights_)


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


# ------------------------------------------------------------------------------------------ gaps


def expected_means(machine, cue):
    """Means of all units given the known ones of one row, by summing over all states that agree with these."""
    x = states(machine.bias_.shape[0])
    known = np.flatnonzero(~np.isnan(cue))
    agree = x[(x[:, known] == cue[known]).all(axis=1)]
    log_p = -energies(machine, agree)
    return np.exp(log_p - logsumexp(log_p)) @ agree


CUES = np.asarray(
    [[1, np.nan, 0, np.nan], [np.nan] * 4, [1, 0, 1, 1], [0, np.nan, 1, np.nan], [np.nan, 1, 1, 0], [0, 0, np.nan, 1]]
)


@pytest.mark.parametrize("n_hidden", [0, 3])
def test_gaps_are_filled_with_their_exact_means(n_hidden):
    machine = given(4 + n_hidden, 1.5, n_hidden=n_hidden)
    expected = np.asarray([expected_means(machine, cue) for cue in CUES])
    filled = machine.reconstruct(CUES, clamped=True)
    np.testing.assert_allclose(filled, expected[:, :4], atol=1e-12)
    # Unclamped, known units become what the others say, each of which is at its mean.
    said = 1 / (1 + np.exp(-(expected @ machine.weights_ + machine.bias_)[:, :4]))
    np.testing.assert_allclose(machine.reconstruct(CUES), np.where(np.isnan(CUES), expected[:, :4], said), atol=1e-12)


@pytest.mark.parametrize("n_hidden", [0, 3])
def test_gibbs_sampling_fills_the_same_gaps(n_hidden):
    machine = given(4 + n_hidden, 0.8, n_hidden=n_hidden)
    expected = np.asarray([expected_means(machine, cue) for cue in CUES])[:, :4]
    rows = np.repeat(CUES, 400, axis=0)
    filled = machine.reconstruct(rows, clamped=True, noise=True, n_steps=40, random_state=0)
    # Means over 400 independent chains, each of at most a standard deviation of 1/2: 12 unknown units within five
    # standard errors, which fails once in 100,000 seeds.
    np.testing.assert_allclose(filled.reshape(6, 400, 4).mean(axis=1), expected, atol=5 * 0.5 / 20)
    np.testing.assert_array_equal(filled[~np.isnan(rows)], rows[~np.isnan(rows)])


def test_many_gaps_are_filled_by_mean_field():
    """Weak couplings: mean field is right to second order in them. Its fixed point is consistent with itself."""
    machine = given(15, 0.05)
    cue = np.r_[[1.0, 0.0], np.full(13, np.nan)]
    filled = machine.reconstruct(cue[None], clamped=True, n_steps=60)[0]
    np.testing.assert_allclose(filled, expected_means(machine, cue), atol=0.01)
    said = 1 / (1 + np.exp(-(filled @ machine.weights_ + machine.bias_)))
    np.testing.assert_allclose(filled[2:], said[2:], atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"clamped": True}, {"noise": True, "random_state": 0}])
def test_a_row_is_filled_alone_as_in_a_batch(options):
    machine = given(18, 0.5, n_hidden=2)
    cues = np.where(RNG.random((12, 16)) < np.linspace(0, 1, 12)[:, None], np.nan, RNG.integers(2, size=(12, 16)))
    whole = machine.reconstruct(cues, **options)
    assert np.isfinite(whole).all()
    if "noise" in options:
        np.testing.assert_array_equal(machine.reconstruct(cues, **options), whole)
    else:
        alone = [machine.reconstruct(cues[row : row + 1], **options)[0] for row in range(12)]
        np.testing.assert_allclose(alone, whole, rtol=1e-10)


def test_gaps_are_filled_on_every_place(place, dispatched):
    X = (RNG.random((60, 5)) < 0.5).astype(np.float32)
    cues = np.where(RNG.random((8, 5)) < 0.4, np.float32(np.nan), X[:8])
    here = BoltzmannMachine(1, max_iter=20, random_state=0).fit(X)
    with dispatched():
        there = BoltzmannMachine(1, max_iter=20, random_state=0).fit(place.put(X))
        found = there.reconstruct(place.put(cues))
        np.testing.assert_allclose(place.get(found), here.reconstruct(cues), atol=1e-3)
        assert place.get(found).dtype == np.float32


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


def test_values_outside_the_unit_interval_are_reported_and_clipped():
    X = (RNG.random((30, 4)) < 0.5).astype(float)
    for given_, wrap in ((5 * X - 2, np.asarray), (5 * X, scipy.sparse.csr_array)):
        with pytest.warns(UserWarning, match=r"BoltzmannMachine found values from .* to .*; .*MinMaxScaler") as caught:
            loud = BoltzmannMachine(max_iter=20).fit(wrap(given_))
        assert caught[0].filename == __file__
        np.testing.assert_array_equal(loud.weights_, BoltzmannMachine(max_iter=20).fit(X).weights_)
    BoltzmannMachine(max_iter=1).fit(X * (1 + 1e-9))  # rounding is no news


def test_sums_over_too_many_states_are_refused():
    with pytest.raises(ValueError, match="at most 20 units"):
        BoltzmannMachine(method="exact").fit(np.eye(21))
    with pytest.raises(ValueError, match="21 hidden units"):
        given(23, 0.0, n_hidden=21).score_samples(states(2))

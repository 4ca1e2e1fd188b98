"""Samplers: their stationary distributions are the model's, by a chi-square or Kolmogorov-Smirnov test at 1e-4 each."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import chi2, kstest, norm
from sklearn.utils import check_random_state

from skamem.generative._chains import ContrastiveDivergence, ParallelTempering, PersistentChains
from skamem.generative._draws import Draws
from skamem.generative._path import Path

from ._machines import joint, machine, states

REFERENCE = np.asarray([0.3, -0.2, 0.0, 0.5])


def chi_square(v, m):
    """p-value of the counts of the visible states against the exact distribution; rows must be independent."""
    log_p = logsumexp(joint(m), axis=1)
    expected = np.exp(log_p - logsumexp(log_p)) * len(v)
    counts = np.bincount((v @ 2 ** np.arange(3, -1, -1)).astype(int), minlength=16)
    return chi2.sf(((counts - expected) ** 2 / expected).sum(), 15)


def draws(seed=0):
    return Draws(check_random_state(seed))


def test_gibbs_chains_reach_the_model():
    m = machine(n_visible=4, n_hidden=3, scale=0.8)
    sampler = PersistentChains(60, draws(), np.zeros((20_000, 4)))
    assert chi_square(sampler.sample(m, REFERENCE, None), m) > 1e-4


@pytest.mark.parametrize("n_temperatures", [2, 3, 6])
def test_tempered_chains_reach_the_model(n_temperatures):
    m = machine(n_visible=4, n_hidden=3, scale=2.0)
    sampler = ParallelTempering(80, draws(), np.zeros((n_temperatures, 5_000, 4)))
    assert chi_square(sampler.sample(m, REFERENCE, None), m) > 1e-4


def kolmogorov_smirnov(v, m):
    """Least p-value among the Gaussian visible units, each a mixture over the hidden states; rows are independent."""
    h = states(m.n_hidden)
    log_p = -m.hidden_free_energy(h)
    p, mean = np.exp(log_p - logsumexp(log_p)), m.visible_mean(h)
    return min(
        kstest(v[:, unit], lambda x, unit=unit: norm.cdf(x[:, None], mean[:, unit], m.sigma[unit]) @ p).pvalue
        for unit in range(m.n_visible)
    )


@pytest.mark.parametrize("n_temperatures", [None, 2, 6])
def test_chains_of_gaussian_units_reach_the_model(n_temperatures):
    m = machine("gaussian", n_visible=4, n_hidden=3, scale=0.7)
    if n_temperatures is None:
        sampler = PersistentChains(150, draws(), np.zeros((10_000, 4)))
    else:
        sampler = ParallelTempering(80, draws(), np.zeros((n_temperatures, 5_000, 4)))
    # Four p-values below 1e-4 / 4 by chance once in 10,000 seeds.
    assert kolmogorov_smirnov(sampler.sample(m, REFERENCE, None), m) > 1e-4 / 4


def two_modes(depth):
    """A machine of two modes, all units off or all on, with a barrier between that grows with `depth`."""
    m = machine(n_visible=4, n_hidden=3)
    return type(m)(np.full((4, 3), depth), np.full(4, -1.5 * depth), np.full(3, -2.0 * depth))


def test_tempering_crosses_where_gibbs_sticks():
    m = two_modes(5.0)
    stuck = PersistentChains(100, draws(), np.zeros((1000, 4))).sample(m, np.zeros(4), None)
    free = ParallelTempering(100, draws(), np.zeros((10, 1000, 4))).sample(m, np.zeros(4), None)
    assert (stuck.mean(axis=1) > 0.5).mean() < 0.02
    # Both modes have the same weight by symmetry: a binomial share of 1000, six standard errors.
    assert abs((free.mean(axis=1) > 0.5).mean() - 0.5) < 6 * 0.5 / 1000**0.5


def test_contrastive_divergence_starts_at_the_batch():
    m = two_modes(8.0)
    v = np.repeat([[0.0] * 4, [1.0] * 4], 50, axis=0)
    found = ContrastiveDivergence(3, draws()).sample(m, np.zeros(4), m.hidden_mean(v))
    np.testing.assert_array_equal(found.round(), v)


def test_the_path_ends_at_the_machine_and_starts_at_independent_units():
    m = machine(n_visible=4, n_hidden=3)
    path, v = Path(m, REFERENCE), states(4)
    np.testing.assert_allclose(
        path.log_step(v, path.drive(v), 0.0, 1.0), -m.free_energy(v) - (v @ REFERENCE + 3 * np.log(2))
    )
    sample = path.start(50_000, draws())
    np.testing.assert_allclose(sample.mean(axis=0), 1 / (1 + np.exp(-REFERENCE)), atol=6 * 0.5 / 50_000**0.5)


def test_gaussian_path_is_the_log_ratio_of_the_densities():
    m = machine("gaussian", n_visible=4, n_hidden=3)
    v = np.random.default_rng(0).normal(1e3, 1, (6, 4))
    free = m.independent(REFERENCE)
    path = Path(m, REFERENCE)
    np.testing.assert_allclose(
        path.log_step(v, path.drive(v), 0.0, 1.0), free.free_energy(v) - m.free_energy(v), rtol=1e-9
    )


def test_every_place_draws_the_same(place):
    m = machine(n_visible=4, n_hidden=3)
    there = type(m)(*(place.put(a) for a in (m.weights, m.visible, m.hidden)))
    for make in (PersistentChains, ParallelTempering):
        start = np.zeros((50, 4)) if make is PersistentChains else np.zeros((3, 50, 4))
        here = make(5, draws(), start).sample(m, REFERENCE, None)
        found = make(5, draws(), place.put(start)).sample(there, place.put(REFERENCE), None)
        np.testing.assert_array_equal(place.get(found), here)

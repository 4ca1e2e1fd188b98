"""Sums over all states: products of two cuts against one sum of free energies, and quadratic forms likewise."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import chi2
from sklearn import config_context

from skamem.core import arrays
from skamem.generative import _enumeration
from skamem.generative._bipartite import Bipartite
from skamem.generative._draws import Draws
from skamem.generative._enumeration import drawn_visibles, is_drawn_exactly, log_partition

from ._machines import machine, states


def by_free_energies(m):
    if m.gaussian_hidden:
        return logsumexp(-m.free_energy(states(m.n_visible)))
    return logsumexp(-m.hidden_free_energy(states(m.n_hidden)))


@pytest.mark.parametrize(("n_visible", "n_hidden"), [(1, 1), (5, 1), (4, 3), (100, 7), (33, 9), (6, 40), (14, 14)])
@pytest.mark.parametrize("scale", [0.1, 3.0, 40.0, 400.0])
def test_every_size_and_strength_of_couplings(n_visible, n_hidden, scale):
    """Up to couplings whose exponentials overflow, where factors are not multiplied."""
    m = machine(n_visible=n_visible, n_hidden=n_hidden, scale=scale)
    small = m if n_hidden <= 12 else Bipartite(m.weights.T, m.hidden, m.visible)
    assert log_partition(m) == pytest.approx(by_free_energies(small), rel=1e-12)


@pytest.mark.parametrize("numbers", [1, 50, 10_000])
def test_blocks_of_any_size_give_the_same(numbers, monkeypatch):
    m = machine(n_visible=50, n_hidden=8)
    expected = by_free_energies(m)
    monkeypatch.setattr(_enumeration, "_HOST_NUMBERS", numbers)
    assert log_partition(m) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("n_units", [15, 16, 17])
@pytest.mark.parametrize("memory", [1e-4, 1024])
def test_no_state_is_left_out(n_units, memory):
    """Of units that are free: ln Z counts the states, whichever way these are cut into blocks."""
    free = Bipartite(*(np.zeros(shape) for shape in [(n_units, n_units), n_units, n_units]))
    with config_context(working_memory=memory):
        assert log_partition(free) == pytest.approx(2 * n_units * np.log(2), rel=1e-13)


def test_gaussian_layers_are_quadratic_forms():
    visible = machine("gaussian", n_visible=30, n_hidden=9)
    hidden = Bipartite(*(getattr(machine(n_visible=9, n_hidden=12), name) for name in ("weights", "visible", "hidden")))
    hidden = Bipartite(hidden.weights, hidden.visible, hidden.hidden, None, gaussian_hidden=True)
    for m in (visible, hidden):
        assert log_partition(m) == pytest.approx(by_free_energies(m), rel=1e-12)


@pytest.mark.parametrize("kind", ["binary", "gaussian"])
def test_everywhere_the_same(kind, place):
    m = machine(kind, n_visible=40, n_hidden=6)
    there = Bipartite(*(None if a is None else place.put(a) for a in (m.weights, m.visible, m.hidden, m.sigma)))
    assert log_partition(there) == pytest.approx(log_partition(m), rel=1e-12)


def test_small_machines_are_drawn_by_the_probabilities_of_all_states():
    """Two modes far apart have their shares, which chains would have to cross for; of binary and Gaussian layers."""
    m = machine(n_visible=6, n_hidden=3, scale=8.0)
    gaussian_hidden = Bipartite(m.weights / 4, m.visible, m.hidden, None, gaussian_hidden=True)
    for each in (m, Bipartite(m.weights.T, m.hidden, m.visible), gaussian_hidden):
        assert is_drawn_exactly(each)
        v = drawn_visibles(each, 20_000, Draws(np.random.RandomState(0)))
        p = np.exp(-each.free_energy(states(each.n_visible)) - log_partition(each))
        counts = np.bincount((v @ 2.0 ** np.arange(each.n_visible)[::-1]).astype(int), minlength=len(p))
        seen = 20_000 * p > 5
        expected, counts = (
            np.append(20_000 * p[seen], 20_000 * p[~seen].sum()),
            np.append(counts[seen], counts[~seen].sum()),
        )
        # A chi-square test that fails once in 10,000 seeds.
        assert chi2.sf(((counts - expected) ** 2 / np.maximum(expected, 1e-9)).sum(), len(expected) - 1) > 1e-4
    visible = machine("gaussian", n_visible=3, n_hidden=4, scale=3.0)
    h = states(4)
    p = np.exp(-visible.hidden_free_energy(h) - log_partition(visible))
    v = drawn_visibles(visible, 20_000, Draws(np.random.RandomState(0)))
    # Four standard errors of three means: fails once in 5,000 seeds.
    np.testing.assert_allclose(v.mean(axis=0), p @ visible.visible_mean(h), atol=4 * v.std(axis=0).max() / 20_000**0.5)
    assert not is_drawn_exactly(machine(n_visible=13, n_hidden=13))


def test_what_is_drawn_is_everywhere_the_same(place):
    m = machine(n_visible=40, n_hidden=6)
    there = Bipartite(*(None if a is None else place.put(a) for a in (m.weights, m.visible, m.hidden, m.sigma)))
    found = drawn_visibles(there, 50, Draws(np.random.RandomState(0)))
    expected = drawn_visibles(m, 50, Draws(np.random.RandomState(0)))
    np.testing.assert_array_equal(arrays.to_numpy(found), expected)

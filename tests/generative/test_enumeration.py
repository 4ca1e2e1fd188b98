"""Sums over all states: products of two cuts against one sum of free energies, and quadratic forms likewise."""

import pytest
from scipy.special import logsumexp

from skamem.generative import _enumeration
from skamem.generative._bipartite import Bipartite
from skamem.generative._enumeration import log_partition

from ._machines import machine, states


def by_free_energies(m):
    if m.gaussian_hidden:
        return logsumexp(-m.free_energy(states(m.n_visible)))
    return logsumexp(-m.hidden_free_energy(states(m.n_hidden)))


@pytest.mark.parametrize(("n_visible", "n_hidden"), [(1, 1), (5, 1), (4, 3), (100, 7), (33, 9), (6, 40)])
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

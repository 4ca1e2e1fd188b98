"""ln Z: enumeration against brute force, annealing against enumeration, and what tells when annealing errs."""

import numpy as np
import pytest
from scipy.special import logsumexp
from sklearn.utils import check_random_state

from skamem.generative._annealing import annealed, exact, mean_field_bound
from skamem.generative._bipartite import Bipartite
from skamem.generative._draws import Draws

from ._machines import energy, joint, machine, states


def draws(seed=0):
    return Draws(check_random_state(seed))


@pytest.mark.parametrize(("n_visible", "n_hidden"), [(5, 4), (3, 6), (1, 1)])
def test_enumeration_is_brute_force(n_visible, n_hidden):
    m = machine(n_visible=n_visible, n_hidden=n_hidden)
    assert exact(m).value == pytest.approx(logsumexp(joint(m)), rel=1e-12)


def test_sums_over_either_layer_agree():
    """At 12 visible and 8 hidden units: the free energies of the two layers do not know of each other."""
    m = machine(n_visible=12, n_hidden=8)
    by_visible, by_hidden = logsumexp(-m.free_energy(states(12))), logsumexp(-m.hidden_free_energy(states(8)))
    assert by_visible == pytest.approx(by_hidden, rel=1e-12)
    assert exact(m).value == pytest.approx(by_visible, rel=1e-12)


def test_enumeration_of_gaussian_units_integrates():
    m = machine("gaussian", n_visible=1, n_hidden=3, scale=0.5)
    grid = np.linspace(-30, 30, 20_001)
    sums = logsumexp([[-energy(m, np.asarray([v]), h) for h in states(3)] for v in grid]) + np.log(grid[1] - grid[0])
    assert exact(m).value == pytest.approx(sums, rel=1e-9)


@pytest.mark.parametrize("kind", ["binary", "gaussian"])
@pytest.mark.parametrize("seed", range(4))
def test_annealing_finds_ln_z(kind, seed):
    m = machine(kind, n_visible=20, n_hidden=8, scale=0.3, seed=seed)
    found = annealed(m, np.zeros(20), draws(seed), n_steps=300, n_chains=100)
    # Eight estimates within four standard errors: one in 2,000 sets of seeds would fail.
    assert abs(found.value - exact(m).value) < 4 * found.standard_error
    assert found.doubts == ""
    assert found.bound <= exact(m).value
    assert found.effective_sample_size > 20


def test_a_mode_that_annealing_misses_is_noticed():
    """Full effective sample size and yet wrong: a narrow mode of far more mass than the wide one."""
    n = 60
    weights = np.zeros((n, 1))
    weights[:, 0] = 6.0  # with the hidden unit on, all visible units are on ...
    m = Bipartite(weights, np.full(n, -1.0), np.asarray([-250.0]))
    truth = exact(m).value
    found = annealed(m, np.full(n, -1.0), draws(), n_steps=200, n_chains=50)
    assert found.value < truth - 10
    assert found.effective_sample_size > 40
    assert "mode" in found.doubts
    assert found.bound == pytest.approx(truth, abs=1e-6)


def test_the_bound_never_exceeds_ln_z():
    for kind in ("binary", "gaussian"):
        for seed in range(20):
            m = machine(kind, n_visible=6, n_hidden=5, scale=3.0, seed=seed)
            v = states(6)
            assert mean_field_bound(m, v) <= exact(m).value + 1e-9

"""ln Z: enumeration against brute force, annealing against enumeration, and what tells when annealing errs."""

import numpy as np
import pytest
from scipy.special import logsumexp
from sklearn.utils import check_random_state

from skamem.generative._annealing import annealed, annealing_weights, even_ladder, exact, mean_field_bound
from skamem.generative._bipartite import Bipartite
from skamem.generative._draws import Draws
from skamem.generative._path import Path

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


def test_temperatures_are_laid_where_the_weights_spread():
    ladder, steps = np.linspace(0, 1, 101), np.full(100, 0.01)
    steps[40:60] = 1.0
    found = even_ladder(ladder, steps, 1000)
    assert found[0] == 0
    assert found[-1] == 1
    assert len(found) == 1001
    assert np.all(np.diff(found) > 0)
    inside = np.mean((found > 0.4) & (found < 0.6))
    assert 0.5 < inside < 0.65  # a fifth of all equal steps, and nearly all of the half that follows the spread
    np.testing.assert_allclose(even_ladder(ladder, np.zeros(100), 50), np.linspace(0, 1, 51), atol=1e-12)


def test_temperatures_so_laid_spread_the_weights_less():
    """A machine whose units freeze all at once."""
    n = 30
    m = Bipartite(np.full((n, 20), 0.28), np.full(n, -2.4), np.full(20, -3.6))
    path, equal = Path(m, np.zeros(n)), np.linspace(0, 1, 401)
    _, _, steps = annealing_weights(path, np.linspace(0, 1, 101), 200, draws(1))
    plain, _, _ = annealing_weights(path, equal, 400, draws())
    laid, _, _ = annealing_weights(path, even_ladder(np.linspace(0, 1, 101), steps, 400), 400, draws())
    assert laid.var() < 0.9 * plain.var()


def test_a_search_ends_when_enough_chains_count():
    easy = machine(n_visible=20, n_hidden=8, scale=0.3)
    one = annealed(easy, np.zeros(20), draws(), n_steps=(200, 10**9), n_chains=50)
    assert one.effective_sample_size >= 0.3 * 50
    hard = machine(n_visible=40, n_hidden=30, scale=1.5)
    few = annealed(hard, np.zeros(40), draws(), n_steps=20, n_chains=50)
    many = annealed(hard, np.zeros(40), draws(), n_steps=(20, 100_000), n_chains=50)
    assert few.effective_sample_size < 15 <= many.effective_sample_size

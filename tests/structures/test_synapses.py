"""Random graphs and their synapses: laws of the graph, sums without rounding, and both forms alike."""

import numpy as np
import pytest
import scipy.stats

from skamem.core import arrays
from skamem.structures._synapses import CEILING, DenseSynapses, draw_graph, draw_synapses

HOST = arrays.placement_of(np.empty(0))


def both_forms(seed=0, n_sources=30, n_targets=20, p=0.3):
    sparse = draw_synapses(np.random.RandomState(seed), n_sources, n_targets, p, HOST)
    return sparse, DenseSynapses(sparse.matrix().toarray(), sparse.incoming, sparse.fan_in)


def edges(indptr, indices):
    return np.repeat(np.arange(len(indptr) - 1), np.diff(indptr)), indices


# --------------------------------------------------------------------------------------------------------- the graph


@pytest.mark.parametrize("p", [0.003, 0.1, 0.5, 0.97])
def test_every_pair_is_an_edge_with_the_same_probability(p):
    counts = np.zeros((4, 5))
    rng = np.random.RandomState(0)
    n = 20_000
    indptr, indices = draw_graph(rng, 4 * n, 5, p)
    sources, targets = edges(indptr, indices)
    np.add.at(counts, (sources % 4, targets), 1)
    # Chi-square of 20 cells; the seed is fixed, a fair graph would fail for one seed in 10,000.
    assert scipy.stats.chi2.sf(((counts - n * p) ** 2 / (n * p * (1 - p))).sum(), 20) > 1e-4
    out = np.bincount(np.diff(indptr), minlength=6)
    expected = 4 * n * scipy.stats.binom.pmf(np.arange(6), 5, p)
    likely = expected > 5  # edges of a source are independent: their number is binomial
    assert scipy.stats.chi2.sf(((out - expected)[likely] ** 2 / expected[likely]).sum(), likely.sum() - 1) > 1e-4


@pytest.mark.parametrize("loops", [True, False])
@pytest.mark.parametrize("p", [0.0, 1e-300, 0.2, 1.0])
@pytest.mark.parametrize("n", [1, 2, 50])
def test_a_graph_is_simple_and_sorted(n, p, loops):
    indptr, indices = draw_graph(np.random.RandomState(1), n, n, p, loops=loops)
    sources, targets = edges(indptr, indices)
    assert indptr[-1] == len(indices)
    assert indices.dtype == np.int32
    assert np.all((targets >= 0) & (targets < n))
    assert np.all(np.diff(sources.astype(np.int64) * n + targets) > 0)  # in order, none twice
    if not loops:
        assert np.all(sources != targets)
    if p in (0.0, 1.0):
        assert len(indices) == p * n * (n if loops else n - 1)


def test_a_graph_does_not_depend_on_the_pieces_it_is_drawn_in(monkeypatch):
    whole = draw_graph(np.random.RandomState(0), 300, 200, 0.1)
    monkeypatch.setattr("skamem.structures._synapses._GAPS_AT_A_TIME", 100)
    pieces = draw_graph(np.random.RandomState(0), 300, 200, 0.1)
    for array, other in zip(whole, pieces, strict=True):
        np.testing.assert_array_equal(array, other)


# ------------------------------------------------------------------------------------------------------ the synapses


@pytest.mark.parametrize("graded", [False, True])
@pytest.mark.parametrize("n_rows", [1, 4])
@pytest.mark.parametrize("long_row", [1, 10**9])
def test_what_neurons_receive_is_the_matrix_product(graded, n_rows, long_row, monkeypatch):
    monkeypatch.setattr("skamem.structures._synapses._LONG_ROW", long_row)
    rng = np.random.default_rng(0)
    firing = rng.random((n_rows, 30)) < 0.4
    firing = firing * rng.integers(0, 2**12, firing.shape) / 2.0**12 if graded else firing
    firing[0] = 0
    sparse, dense = both_forms()
    sparse.weights[:] = dense.weights[dense.weights > 0] = 1 + rng.random(sparse.weights.shape).astype(np.float32)
    expected = firing.astype(float) @ sparse.matrix().toarray().astype(float)
    np.testing.assert_array_equal(sparse.drive(sparse.reach(firing)), expected)
    np.testing.assert_array_equal(dense.drive(dense.reach(firing)), expected)


@pytest.mark.parametrize("most", [CEILING, 1.25])
@pytest.mark.parametrize("n_times", [1, 3])
@pytest.mark.parametrize("graded", [False, True])
def test_synapses_of_winners_grow_and_no_others(graded, n_times, most):
    rng = np.random.default_rng(0)
    firing = (rng.random((1, 30)) < 0.4) * (rng.integers(1, 2**12, (1, 30)) / 2.0**12 if graded else True)
    winners = rng.random(20) < 0.3
    sparse, dense = both_forms()
    before = sparse.matrix().toarray().astype(float)
    factor = (1.0 + 0.1 * firing.astype(float).T * winners) ** n_times
    for form in (sparse, dense):
        form.strengthen(form.reach(firing), winners, 0.1, n_times=n_times, most=most)
        after = np.asarray(form.matrix().todense() if form is sparse else form.matrix())
        np.testing.assert_allclose(after, np.minimum(before * factor, np.where(before > 0, most, 0)), rtol=1e-6)
        assert np.array_equal(after > 0, before > 0)
        np.testing.assert_array_equal(form.incoming, after.astype(float).sum(axis=0))
    np.testing.assert_array_equal(sparse.matrix().toarray(), dense.matrix())


@pytest.mark.parametrize("beta", [0.5, 1e300])
def test_a_long_life_overflows_nothing(beta):
    for form in both_forms():
        reach = form.reach(np.ones((1, 30), dtype=bool))
        for _ in range(100):
            form.strengthen(reach, np.ones(20, dtype=bool), beta, n_times=50)
        assert np.asarray(form.weights).max() == CEILING
        assert np.all(np.isfinite(form.drive(reach)))


def test_weights_above_a_bound_that_is_set_later_stay():
    for form in both_forms():
        reach = form.reach(np.ones((1, 30), dtype=bool))
        form.strengthen(reach, np.ones(20, dtype=bool), 1.0)
        form.strengthen(reach, np.ones(20, dtype=bool), 1.0, most=1.5)
        assert np.asarray(form.weights).max() == 2.0


def test_a_twin_shares_nothing_that_changes():
    for form in both_forms():
        twin = form.copy()
        form.strengthen(form.reach(np.ones((1, 30), dtype=bool)), np.ones(20, dtype=bool), 1.0)
        assert np.asarray(twin.weights).max() == 1.0
        assert twin.incoming.max() < form.incoming.max()

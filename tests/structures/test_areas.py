"""Rounds of an area: the k-cap, the paper's rule beside loops that spell it out, and rest."""

import itertools

import numpy as np
import pytest

from skamem.core import arrays
from skamem.structures._areas import Path, Plasticity, fire_most, received, recur, run
from skamem.structures._synapses import draw_synapses

HOST = arrays.placement_of(np.empty(0))
N, K, INPUTS = 80, 8, 30
PLASTICITIES = [
    Plasticity(0.1),
    Plasticity(0.1, max_weight=2.0),
    Plasticity(0.1, homeostasis=True),
    Plasticity(0.3, max_weight=1.7, homeostasis=True),
    Plasticity(0.0, homeostasis=True),
]


def area(seed=0, p=0.3):
    rng = np.random.RandomState(seed)
    return draw_synapses(rng, INPUTS, N, p, HOST), draw_synapses(rng, N, N, p, HOST, loops=False)


def stimulus(seed=0, n=10):
    firing = np.zeros((1, INPUTS), dtype=bool)
    firing[0, np.random.RandomState(seed).choice(INPUTS, n, replace=False)] = True
    return firing


def loops(afferent, recurrent, firing, plasticity, n_rounds, loud=1.0):
    """The rule, neuron by neuron and synapse by synapse."""
    matrices = [afferent.matrix().toarray().astype(float), recurrent.matrix().toarray().astype(float)]
    fan_ins = [afferent.fan_in, recurrent.fan_in]
    speakers, cap, caps = [np.flatnonzero(firing), np.asarray([], int)], None, []
    for _ in range(n_rounds):
        inputs = np.zeros(N)
        for W, those, fan_in, scale in zip(matrices, speakers, fan_ins, (loud, 1.0), strict=True):
            for target in range(N):
                total = sum(W[source, target] for source in those) * scale
                if plasticity.homeostasis:
                    total *= fan_in / max(W[:, target].sum(), 1e-300)
                inputs[target] += total
        ranked = sorted(range(N), key=lambda neuron: (-round(inputs[neuron], 9), neuron))
        cap = np.sort([neuron for neuron in ranked[:K] if inputs[neuron] > 0])
        for W, those in zip(matrices, speakers, strict=True):
            for source in those:
                for target in cap:
                    grown = W[source, target] * (1 + plasticity.beta)
                    W[source, target] = np.float32(min(grown, plasticity.max_weight))  # as they are stored
        speakers[1] = cap
        caps.append(cap)
    return caps, matrices


def project(afferent, recurrent, firing, plasticity, n_rounds, loud=1.0):
    """A stimulus into an area that was silent: who fires in the end, and after how many rounds."""
    paths = [Path("x", "A", afferent, loud), Path("A", "A", recurrent)]
    silence = np.zeros((1, N), dtype=bool)
    rounds = run(paths, {"x": firing, "A": silence}, {"A": K}, plasticity, n_rounds=n_rounds)
    return rounds[-1]["A"], len(rounds)


# --------------------------------------------------------------------------------------------------------- the k-cap


@pytest.mark.parametrize("k", [1, 3, 7, 20])
def test_exactly_k_fire(k):
    inputs = np.random.default_rng(0).integers(1, 6, size=(50, 20)).astype(float)  # full of ties
    firing = fire_most(inputs, k)
    assert np.all(firing.sum(axis=1) == k)
    for row, fires in zip(inputs, firing, strict=True):
        order = sorted(range(20), key=lambda neuron: (-row[neuron], neuron))
        assert set(np.flatnonzero(fires)) == set(order[:k])


def test_those_who_receive_nothing_do_not_fire():
    inputs = np.asarray([[0.0, 2.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(fire_most(inputs, 3), [[False, True, False, True], [False] * 4])


def test_what_differs_by_rounding_is_equal():
    value = 0.1 + 0.2
    inputs = np.asarray([[0.3, value, 0.0], [value, 0.3, 0.0]])
    np.testing.assert_array_equal(fire_most(inputs, 1), [[True, False, False]] * 2)


def test_the_order_of_neurons_means_nothing():
    inputs = np.random.default_rng(0).random((5, 40))
    order = np.random.default_rng(1).permutation(40)
    np.testing.assert_array_equal(fire_most(inputs[:, order], 6), fire_most(inputs, 6)[:, order])


# ------------------------------------------------------------------------------------------------------------ rounds


@pytest.mark.parametrize("plasticity", PLASTICITIES, ids=repr)
@pytest.mark.parametrize("n_rounds", [1, 2, 5, 25])
@pytest.mark.parametrize("seed", [0, 1])
def test_projection_is_the_rule_spelt_out(plasticity, n_rounds, seed):
    afferent, recurrent = area(seed)
    firing = stimulus(seed)
    caps, matrices = loops(afferent, recurrent, firing[0], plasticity, n_rounds, loud=0.8)
    found, n_moving = project(afferent, recurrent, firing, plasticity, n_rounds, 0.8)
    np.testing.assert_array_equal(np.flatnonzero(found), caps[-1])
    for form, W in zip((afferent, recurrent), matrices, strict=True):
        np.testing.assert_allclose(form.matrix().toarray(), W, rtol=1e-5)
    same = [np.array_equal(cap, before) for before, cap in itertools.pairwise(caps)]
    assert n_moving == (same.index(True) + 2 if any(same) else n_rounds)


@pytest.mark.parametrize("plasticity", PLASTICITIES, ids=repr)
def test_once_the_same_fire_they_go_on(plasticity):
    # What `project` relies on when it does the rounds that are left at once.
    for seed in range(10):
        afferent, recurrent = area(seed)
        caps, _ = loops(afferent, recurrent, stimulus(seed)[0], plasticity, 15)
        same = [np.array_equal(cap, before) for before, cap in itertools.pairwise(caps)]
        assert same == sorted(same)


def test_neurons_renamed_give_assemblies_renamed():
    afferent, recurrent = area()
    order = np.random.default_rng(0).permutation(N)
    renamed = [draw_synapses(np.random.RandomState(0), n, N, 0.0, HOST) for n in (INPUTS, N)]
    for form, matrix in zip(renamed, (afferent.matrix()[:, order], recurrent.matrix()[order][:, order]), strict=True):
        matrix.sort_indices()
        form.indptr, form.indices = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32)
        form.weights, form.incoming = matrix.data, np.asarray(matrix.sum(axis=0), dtype=float)
        form.fan_in = matrix.nnz / N
    # Strengths of the inputs without ties: among equals it is the index that decides.
    firing = np.random.default_rng(1).integers(1, 2**12, size=(1, INPUTS)) / 2.0**12
    plasticity = Plasticity(0.1, 2.0, homeostasis=True)
    found, _ = project(afferent, recurrent, firing, plasticity, 10)
    other, _ = project(*renamed, firing, plasticity, 10)
    np.testing.assert_array_equal(other, found[:, order])


def test_without_plasticity_nothing_is_learnt():
    afferent, recurrent = area()
    project(afferent, recurrent, stimulus(), Plasticity(0.0), 10)
    assert np.all(afferent.weights == 1.0)
    assert np.all(recurrent.weights == 1.0)


@pytest.mark.parametrize("plasticity", PLASTICITIES, ids=repr)
def test_a_batch_recalls_as_one_by_one(plasticity):
    afferent, recurrent = area()
    for seed in range(3):
        project(afferent, recurrent, stimulus(seed), plasticity, 10)
    stimuli = np.concatenate([stimulus(seed, n) for seed, n in enumerate((10, 3, 0, 30, 10, 10))])
    inputs = received(afferent, afferent.reach(stimuli), plasticity)
    together = recur(inputs, recurrent, K, plasticity, n_rounds=9, firing=fire_most(inputs, K))
    for row in range(len(stimuli)):
        alone = inputs[row : row + 1]
        ended = recur(alone, recurrent, K, plasticity, n_rounds=9, firing=fire_most(alone, K))
        np.testing.assert_array_equal(ended.states[0], together.states[row])
        assert ended.n_steps[0] == together.n_steps[row]

"""BidirectionalMemory: a Hopfield network in two halves."""

import pickle

import numpy as np
import pytest
import scipy.sparse
from sklearn import config_context
from sklearn.exceptions import NotFittedError

from skamem import BidirectionalMemory
from skamem.core.dynamics import asynchronous
from skamem.core.fields import LinearField
from skamem.datasets import corrupt, make_patterns

X, Y = make_patterns(10, 60, random_state=0), make_patterns(10, 24, random_state=1)
CUES = corrupt(np.tile(X, (6, 1)), "flip", 0.3, random_state=2)
HOLES = corrupt(CUES, "mask", 0.4, random_state=3)
BACK = corrupt(corrupt(np.tile(Y, (6, 1)), "flip", 0.2, random_state=4), "mask", 0.2, random_state=5)


def states_of(cues):
    return np.where(np.isnan(cues), 0.0, cues)


@pytest.mark.parametrize("cues", [CUES, HOLES], ids=["flips", "holes"])
@pytest.mark.parametrize("n_recall_steps", [1, 2, 100])
@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("shuffled", [False, True])
def test_it_is_a_hopfield_network_updated_half_by_half(cues, n_recall_steps, back, shuffled):
    memory = BidirectionalMemory(n_recall_steps=n_recall_steps).fit(X, Y)
    W = X.T @ Y
    if back:
        W, cues = W.T, BACK
    n, k = W.shape
    block = np.block([[np.zeros((n, n)), W], [W.T, np.zeros((k, k))]])
    start = np.concatenate([states_of(cues), np.zeros((len(cues), k))], axis=1)
    there, own = n + np.arange(k), np.arange(n)
    if shuffled:  # inside a half the order says nothing
        there, own = np.random.RandomState(0).permutation(there), np.random.RandomState(1).permutation(own)
    order = np.concatenate([there, own])
    net = asynchronous(LinearField(block, exact=True), start, n_steps=n_recall_steps, order=order)
    other, mine = net.states[:, n:], net.states[:, :n]
    if back:
        np.testing.assert_array_equal(memory.predict_inverse(cues), np.where(other == 0, majority(X), other))
        return
    recall = memory.recall(cues)
    np.testing.assert_array_equal(recall.states, np.where(other == 0, majority(Y), other))
    np.testing.assert_array_equal(recall.inputs, np.where(mine == 0, majority(X), mine))
    np.testing.assert_array_equal(recall.unresolved, other == 0)
    np.testing.assert_array_equal(recall.inputs_unresolved, mine == 0)
    np.testing.assert_array_equal(recall.n_steps, net.n_steps)
    decided = ~np.any(net.states == 0, axis=1)  # elsewhere the majority came in, which may be no state of rest
    for name in ("converged", "cycle_length"):
        np.testing.assert_array_equal(getattr(recall, name)[decided], getattr(net, name)[decided])
    np.testing.assert_array_equal(memory.predict(cues), recall.states)


def majority(patterns):
    return np.where(patterns.sum(axis=0) >= 0, 1.0, -1.0)


def test_ties_are_there_to_be_kept():
    assert np.count_nonzero(BidirectionalMemory().fit(X, Y).field(HOLES) == 0) > 0.01 * len(HOLES) * 24


def test_the_energy_never_rises_and_every_cue_ends_at_a_fixed_pair():
    memory = BidirectionalMemory().fit(X, Y)
    before = np.full(len(CUES), np.inf)
    for n_recall_steps in range(1, 20):
        recall = memory.set_params(n_recall_steps=n_recall_steps).recall(CUES)
        energy = memory.energy(recall.inputs, recall.states)
        assert np.all(energy <= before)
        before = energy
    assert recall.converged.all()
    np.testing.assert_array_equal(np.unique(recall.cycle_length), [1])
    assert recall.n_steps.max() > 2
    settled = ~recall.unresolved.any(axis=1)
    np.testing.assert_array_equal(memory.predict(recall.inputs[settled]), recall.states[settled])
    field = (X.T @ Y) @ recall.states.T
    assert np.all(recall.inputs[settled] * field.T[settled] >= 0)


def test_the_energy_is_that_of_the_correlation():
    memory = BidirectionalMemory().fit(X, Y)
    np.testing.assert_array_equal(memory.energy(X, Y), -np.sum((X @ X.T @ Y) * Y, axis=1))
    one_pass = memory.set_params(n_recall_steps=1).recall(CUES)
    np.testing.assert_array_equal(memory.energy(CUES), memory.energy(CUES, one_pass.states))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        memory.energy(X, Y[:3])


@pytest.mark.parametrize("missing", ["free", "clamp"])
def test_each_half_recalls_the_other(missing):
    x, y = make_patterns(4, 80, random_state=0), make_patterns(4, 40, coding="binary", random_state=1)
    memory = BidirectionalMemory(missing=missing).fit(x, y)
    assert (memory.input_coding_, memory.coding_) == ("bipolar", "binary")
    recall = memory.recall(corrupt(x, "mask", 0.4, random_state=2))
    np.testing.assert_array_equal(recall.states, y)
    np.testing.assert_array_equal(recall.inputs, x)
    np.testing.assert_array_equal(memory.predict_inverse(corrupt(y, "mask", 0.4, random_state=3)), x)
    assert memory.score(x, y) == 1.0


def test_clamped_units_of_a_cue_stay():
    memory = BidirectionalMemory(missing="clamp").fit(X, Y)
    known = ~np.isnan(HOLES)
    np.testing.assert_array_equal(memory.recall(HOLES).inputs[known], HOLES[known])
    assert np.any(memory.set_params(missing="free").recall(HOLES).inputs[known] != HOLES[known])


def test_a_cue_that_says_nothing_recalls_the_majority():
    recall = BidirectionalMemory().fit(X, Y).recall(np.full((1, 60), np.nan))
    np.testing.assert_array_equal(recall.states, majority(Y)[None, :])
    np.testing.assert_array_equal(recall.inputs, majority(X)[None, :])
    assert recall.unresolved.all()
    assert recall.inputs_unresolved.all()


@pytest.mark.parametrize("weight", [None, np.linspace(0.1, 1.7, 10)], ids=["integers", "real weights"])
def test_a_row_is_recalled_as_it_is_in_a_batch(weight):
    memory = BidirectionalMemory().fit(X, Y, weight)
    recalled, back = memory.predict(HOLES), memory.predict_inverse(BACK)
    with config_context(working_memory=1e-6):  # a row a block
        np.testing.assert_array_equal(memory.predict(HOLES), recalled)
        np.testing.assert_array_equal(memory.predict_inverse(BACK), back)
        np.testing.assert_allclose(
            memory.energy(HOLES, BACK), BidirectionalMemory().fit(X, Y, weight).energy(HOLES, BACK)
        )


def test_storing_in_pieces_is_storing_at_once():
    whole, pieces = BidirectionalMemory().fit(X, Y), BidirectionalMemory()
    for rows in (slice(0, 1), slice(1, 6), slice(6, 10)):
        pieces.partial_fit(X[rows], Y[rows])
    assert vars(whole).keys() == vars(pieces).keys()
    for name in ("correlation_", "weights_", "pattern_sum_", "input_sum_", "n_patterns_", "total_weight_"):
        np.testing.assert_array_equal(getattr(pieces, name), getattr(whole, name))


@pytest.mark.parametrize("container", [scipy.sparse.csr_array, scipy.sparse.csr_matrix])
def test_sparse_pairs_are_as_good_as_dense_ones(container):
    x, y = (X > 0) * 1.0, (Y > 0) * 1.0
    sparse, dense = BidirectionalMemory().fit(container(x), container(y)), BidirectionalMemory().fit(x, y)
    np.testing.assert_array_equal(sparse.correlation_, dense.correlation_)
    assert (sparse.coding_, sparse.input_coding_) == ("binary", "binary")
    np.testing.assert_array_equal(sparse.predict(container(x)), dense.predict(x))
    np.testing.assert_array_equal(sparse.predict_inverse(container(y)), dense.predict_inverse(y))
    np.testing.assert_array_equal(sparse.energy(container(x), container(y)), dense.energy(x, y))


def test_both_ways_work_in_every_place(place, dispatched):
    here = BidirectionalMemory().fit(X, Y).forget(X[:2], Y[:2])
    with dispatched():
        there = BidirectionalMemory().fit(place.put(X), place.put(Y)).forget(place.put(X[:2]), place.put(Y[:2]))
        np.testing.assert_array_equal(place.get(there.predict_inverse(place.put(BACK))), here.predict_inverse(BACK))
        energy = there.energy(place.put(HOLES), place.put(BACK))
        np.testing.assert_array_equal(place.get(energy), here.energy(HOLES, BACK))
        with pytest.raises(ValueError, match=r"predict_inverse\(\) must use the same namespace"):
            there.predict_inverse(BACK)


def test_both_ways_give_numpy_behind_the_other_door(fake_cupy):
    here = BidirectionalMemory().fit(X, Y)
    with fake_cupy() as cupy:
        there = BidirectionalMemory(backend="cupy:1").fit(X, Y)
        np.testing.assert_array_equal(there.predict_inverse(BACK), here.predict_inverse(BACK))
        np.testing.assert_array_equal(there.energy(HOLES, BACK), here.energy(HOLES, BACK))
        np.testing.assert_array_equal(there.forget(X[:1], Y[:1]).predict(CUES), here.forget(X[:1], Y[:1]).predict(CUES))
        assert cupy.cuda.Device() == cupy.cuda.Device(0)


def test_pickles_recall():
    memory = BidirectionalMemory().fit(X, Y)
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(memory)).predict_inverse(BACK), memory.predict_inverse(BACK)
    )


def test_bad_input_is_named():
    memory = BidirectionalMemory().fit(X, Y)
    with pytest.raises(ValueError, match="Y has 23 columns; expected 24, one for each output"):
        memory.predict_inverse(Y[:, 1:])
    with pytest.raises(ValueError, match="but y is 1-D"):
        BidirectionalMemory().fit(X, Y[:, 0])
    with pytest.raises(TypeError, match="binarize=None"):
        BidirectionalMemory(binarize=None).fit(X, Y)
    for call in (lambda new: new.predict_inverse(Y), lambda new: new.energy(X, Y), lambda new: new.recall(X)):
        with pytest.raises(NotFittedError):
            call(BidirectionalMemory())
    assert not hasattr(memory, "transform")


@pytest.mark.parametrize("missing", ["free", "clamp"])
def test_a_converged_pair_is_a_fixed_point_and_no_energy_rises_after_it(missing):
    rng = np.random.default_rng(0)
    n_moving = 0
    for _ in range(100):
        inputs, outputs = rng.choice([-1.0, 1.0], (4, 6)), rng.choice([-1.0, 1.0], (4, 5))
        cues = np.where(rng.random(inputs.shape) < 0.7, np.nan, inputs)
        memory = BidirectionalMemory(missing=missing).fit(inputs, outputs)
        recall = memory.recall(cues)
        there, back = recall.inputs @ memory.weights_, recall.states @ memory.weights_.T
        rests = np.all(there * recall.states >= 0, axis=1)
        wants = back * recall.inputs < 0
        rests &= ~np.any(wants & (np.isnan(cues) if missing == "clamp" else True), axis=1)
        assert not np.any(recall.converged & ~rests)
        assert not np.any(recall.converged & (recall.cycle_length != 1))
        n_moving += np.count_nonzero(~rests)
    assert n_moving > 0

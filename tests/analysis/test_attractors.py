"""Attractors: each probe ends at one, and together they are what recall gives."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_frame_equal

from skamem import BidirectionalMemory, HebbianMemory, HopfieldNetwork, MemoryClassifier, ModernHopfieldMemory
from skamem.analysis import _attractors, attractors, spurious_states
from skamem.datasets import corrupt, make_patterns

pytestmark = pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")


class Nearest:
    """A foreign memory: it has predict, and that is all."""

    def __init__(self, patterns):
        self.patterns = patterns

    def predict(self, X):
        return self.patterns[np.argmax(X @ self.patterns.T, axis=1)]


def all_states(n_units):
    return 2.0 * ((np.arange(2**n_units)[:, None] >> np.arange(n_units)) & 1) - 1


def test_every_probe_has_the_attractor_that_it_ends_at():
    X = make_patterns(4, 30, random_state=0)
    probes = make_patterns(500, 30, random_state=1)
    for memory in (HopfieldNetwork(random_state=0).fit(X), Nearest(X)):
        found = attractors(memory, probes)
        assert_array_equal(found.states[found.owners], memory.predict(probes))
        assert_array_equal(found.counts, np.bincount(found.owners))
        assert_allclose(found.shares.sum(), 1)
        assert (np.diff(found.counts) <= 0).all()
        assert len(np.unique(found.states, axis=0)) == len(found.states)
    assert found.cycle_lengths is None
    assert found.energies is None


def test_of_all_states_they_are_the_fixed_points():
    X = make_patterns(3, 10, random_state=0)
    memory = HopfieldNetwork(random_state=0).fit(X)
    found, fixed = attractors(memory, all_states(10)), spurious_states(memory, X)
    shares = dict(zip(map(tuple, fixed.states.tolist()), fixed.shares, strict=True))
    assert dict(zip(map(tuple, found.states.tolist()), found.shares, strict=True)) == shares
    assert (found.cycle_lengths == 1).all()
    assert_allclose(found.energies, memory.energy(found.states))


def test_a_cycle_is_one_attractor():
    flip_flop = HopfieldNetwork.from_weights([[0, -1], [-1, 0]], update="sync")
    found = attractors(flip_flop, all_states(2))
    assert_array_equal(found.counts, [2, 1, 1])
    assert_array_equal(found.cycle_lengths, [2, 1, 1])
    assert_array_equal(found.states[0], [-1, -1])
    X = make_patterns(7, 10, random_state=0)
    found = attractors(HebbianMemory(zero_diagonal=True).fit(X), all_states(10))
    on_cycle = found.states[found.cycle_lengths == 2]
    other_phase = HebbianMemory(zero_diagonal=True, n_recall_steps=1).fit(X).predict(on_cycle)
    assert len(on_cycle) > 0
    assert not {tuple(row) for row in found.states} & {tuple(row) for row in other_phase}


def test_recall_that_stops_early_says_so():
    X = make_patterns(3, 60, random_state=0)
    memory = HebbianMemory(n_recall_steps=1).fit(X)
    found = attractors(memory, np.concatenate([X, corrupt(X, "flip", 0.1, random_state=0)]))
    assert_array_equal(found.counts, [2, 2, 2])
    assert_array_equal(found.cycle_lengths, [1, 1, 1])  # of two probes one knows that it is a fixed point
    assert 0 in attractors(memory, make_patterns(50, 60, random_state=1)).cycle_lengths


def test_states_within_the_tolerance_are_one():
    X = np.random.RandomState(0).standard_normal((3, 6))
    memory = ModernHopfieldMemory(beta=3.0).fit(X)
    probes = np.repeat(X, 10, axis=0) + 0.1 * np.random.RandomState(1).standard_normal((30, 6))
    assert len(attractors(memory, probes).states) == 30
    found = attractors(memory, probes, tolerance=0.05)
    assert_array_equal(found.counts, [10, 10, 10])
    assert len(np.unique(found.owners.reshape(3, 10), axis=1)[0]) == 1


def test_pairs_have_energies_and_labels_are_states():
    X, Y = make_patterns(3, 12, random_state=0), make_patterns(3, 12, random_state=1)
    memory = BidirectionalMemory().fit(X, Y)
    found = attractors(memory, X)
    assert_allclose(found.energies, memory.energy(memory.recall(X).inputs, memory.predict(X))[np.argsort(found.owners)])
    found = attractors(MemoryClassifier().fit(X, ["a", "b", "b"]), X)
    assert found.states.tolist() == ["b", "a"]
    assert_array_equal(found.owners, [1, 0, 0])
    assert found.energies is None


def test_numbers_do_not_depend_on_jobs_blocks_or_progress(monkeypatch):
    memory = HebbianMemory(zero_diagonal=True).fit(make_patterns(7, 10, random_state=0))
    found, calls = attractors(memory, all_states(10)), []
    monkeypatch.setattr(_attractors, "_PROBES", 100)
    again = attractors(memory, all_states(10), n_jobs=2, progress=lambda *call: calls.append(call))
    assert_frame_equal(found.to_frame(), again.to_frame())
    assert_array_equal(found.owners, again.owners)
    assert list(found.to_frame()) == ["count", "share", "cycle_length", "energy"]
    assert calls[-1] == (11, 11)


def test_input_goes_where_the_probes_are(place, dispatched):
    weights = [[0.0, -1.0], [-1.0, 0.0]]
    with dispatched():
        flip_flop = HopfieldNetwork.from_weights(place.put(weights), update="sync")
        found = attractors(flip_flop, place.put(all_states(2)))
    assert_array_equal(found.counts, [2, 1, 1])
    assert_array_equal(found.energies, [1, -1, -1])


def test_bad_input_is_refused():
    memory = HebbianMemory().fit(make_patterns(3, 12, random_state=0))
    with pytest.raises(TypeError, match="no predict"):
        attractors(object(), [[1, -1]])
    with pytest.raises(ValueError, match="tolerance"):
        attractors(memory, np.ones((1, 12)), tolerance=-1)
    with pytest.raises(ValueError, match="NaN"):
        attractors(memory, np.full((1, 12), np.nan))

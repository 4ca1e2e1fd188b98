"""Energy paths: one unit after another they never rise, and they end where recall does."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skamem import (
    BidirectionalMemory,
    DenseMemory,
    HebbianMemory,
    HopfieldNetwork,
    KernelMemory,
    ModernHopfieldMemory,
    PseudoinverseMemory,
)
from skamem.analysis import energy_path
from skamem.datasets import corrupt, make_patterns

pytestmark = pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")
X = make_patterns(8, 40, random_state=0)
CUES = corrupt(np.tile(X, (3, 1)), "flip", 0.3, random_state=1)
ONE_BY_ONE = [
    HopfieldNetwork(random_state=0),
    HopfieldNetwork("storkey", random_state=1),
    HopfieldNetwork("pseudoinverse", fit_intercept=True, random_state=2),
    HebbianMemory(update="async", random_state=0, zero_diagonal=True),
    PseudoinverseMemory(update="async", random_state=0),
    DenseMemory(degree=2, random_state=0),
    DenseMemory(degree=3, random_state=0),
    DenseMemory("exponential", random_state=0),
]
DOWNHILL = [
    *ONE_BY_ONE,
    BidirectionalMemory(),
    ModernHopfieldMemory(beta=0.1, n_recall_steps=15),
    ModernHopfieldMemory(beta=0.1, n_recall_steps=15, similarity="dot"),
]


class Toy:
    """A foreign memory with an energy: the first unit that can go down flips."""

    def __init__(self, weights):
        self.weights = weights

    def energy(self, X):
        return -0.5 * np.sum((X @ self.weights) * X, axis=1)

    def predict(self, X):
        wrong = X * (X @ self.weights) < 0
        first = np.arange(X.shape[1]) == np.argmax(wrong, axis=1)[:, None]
        return np.where(first & wrong, -X, X)


def last_energy(memory):
    if isinstance(memory, BidirectionalMemory):
        recall = memory.recall(CUES)
        return memory.energy(recall.inputs, recall.states)
    return memory.energy(memory.predict(CUES))


@pytest.mark.parametrize("memory", DOWNHILL, ids=str)
def test_it_never_rises_and_ends_where_recall_does(memory):
    memory.fit(X, make_patterns(8, 25, random_state=2))
    path = energy_path(memory, CUES)
    assert_allclose(path.energies[:, 0], memory.energy(CUES))
    assert_array_equal(path.energies[:, -1], last_energy(memory))
    assert not path.rises.any()
    assert path.energies[:, -1].mean() < path.energies[:, 0].mean()
    assert path.energies.shape == (24, memory.recall(CUES).n_steps.max() + 1)


@pytest.mark.parametrize("memory", ONE_BY_ONE, ids=str)
def test_units_make_up_sweeps(memory):
    memory.fit(X)
    sweeps, units = energy_path(memory, CUES[:5]), energy_path(memory, CUES[:5], by="unit")
    assert (sweeps.step, units.step) == ("sweep", "unit")
    assert_allclose(units.energies[:, ::40], sweeps.energies, rtol=1e-12)
    assert not units.rises.any()
    assert_array_equal(energy_path(memory, CUES[:5], by="unit", n_steps=1).energies, units.energies[:, :41])


def test_all_at_once_it_may_rise():
    network = HopfieldNetwork.from_weights([[0, -1], [-1, 0]], [0.5, 0.5], update="sync")
    path = energy_path(network, [[1, 1], [1, -1]], n_steps=3)
    assert path.step == "update"
    assert_array_equal(path.energies, [[0, 2, 0, 2], [-1, -1, -1, -1]])
    assert_array_equal(path.rises, [[True, False, True], [False, False, False]])
    frame = path.to_frame()
    assert frame.shape == (2, 4)
    assert (frame.index.name, frame.columns.name) == ("cue", "update")


def test_foreign_memories_predict_from_their_predictions():
    weights = make_patterns(12, 12, random_state=0)
    memory = Toy(weights + weights.T - 2 * np.diag(np.diag(weights)))
    cues = make_patterns(6, 12, random_state=1)
    path = energy_path(memory, cues)
    assert path.step == "prediction"
    assert not path.rises.any()
    states = cues
    for column in path.energies.T:
        assert_allclose(column, memory.energy(states))
        states = memory.predict(states)
    assert_array_equal(memory.predict(states), states)
    assert energy_path(memory, cues, n_steps=2).energies.shape == (6, 3)


def test_input_goes_where_the_cues_are(place, dispatched):
    patterns, cues = X[:2, :8], CUES[:2, :8]
    expected = energy_path(HopfieldNetwork(random_state=0).fit(patterns), cues, by="unit").energies
    with dispatched():
        network = HopfieldNetwork(random_state=0).fit(place.put(patterns))
        assert_allclose(energy_path(network, place.put(cues), by="unit").energies, expected)
        assert_allclose(energy_path(network, place.put(cues)).energies, expected[:, ::8])


def test_the_memory_is_left_as_it_is():
    network = HopfieldNetwork(random_state=0).fit(X)
    before = dict(vars(network))
    energy_path(network, CUES)
    assert vars(network).keys() == before.keys()
    assert all(vars(network)[name] is value for name, value in before.items())


def test_bad_input_is_refused():
    network = HopfieldNetwork(random_state=0).fit(X)
    for memory in (KernelMemory().fit(X), HebbianMemory(activation="identity").fit(X), object()):
        with pytest.raises(TypeError, match="has no energy"):
            energy_path(memory, X)
    with pytest.raises(ValueError, match="found HebbianMemory with update='sync', expected 'async'"):
        energy_path(HebbianMemory().fit(X), X, by="unit")
    with pytest.raises(ValueError, match="by='row'"):
        energy_path(network, X, by="row")
    with pytest.raises(ValueError, match="n_steps=0"):
        energy_path(network, X, n_steps=0)
    with pytest.raises(ValueError, match="NaN"):
        energy_path(network, np.full((1, 40), np.nan))

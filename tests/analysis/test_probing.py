"""How analysis asks: any object with predict, the same answers for every number of jobs."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline

from skamem import BipolarEncoder, HebbianMemory, HopfieldNetwork, MemoryClassifier
from skamem.analysis import attractors, energy_path, spurious_states
from skamem.analysis._probing import Probing, in_parallel, task_seeds
from skamem.datasets import make_patterns


class Nearest:
    """A foreign memory: it has predict, and that is all."""

    def __init__(self, patterns, answers=None):
        self.patterns, self.answers = patterns, patterns if answers is None else answers

    def predict(self, X):
        return self.answers[np.argmax(X @ self.patterns.T, axis=1)]


def recalled_at(probing, row):
    return probing.recalled(probing.patterns[[row]], np.asarray([row]))


@pytest.fixture
def patterns():
    return make_patterns(4, 30, random_state=0)


def draw(seed, size):
    return np.random.RandomState(seed).random_sample(size)


def test_foreign_memories_are_asked(patterns):
    probing = Probing.of(Nearest(patterns), patterns)
    probes = probing.flipped(patterns, np.arange(30) == 3)
    assert_array_equal(probes[:, 3], -patterns[:, 3])
    assert probing.recalled(probes, np.arange(4)).all()
    assert not probing.recalled(probes, np.roll(np.arange(4), 1)).any()


def test_labels_and_associated_patterns_are_targets(patterns):
    labels = np.asarray(["a", "b", "a", "c"])
    for memory in (Nearest(patterns, labels), MemoryClassifier().fit(patterns, labels)):
        assert Probing.of(memory, patterns, labels).recalled(patterns, np.arange(4)).all()
    others = make_patterns(4, 7, random_state=1)
    assert Probing.of(HebbianMemory(target="y").fit(patterns, others), patterns, others).targets.shape == (4, 7)


def test_targets_are_in_the_coding_of_the_memory(patterns):
    binary = (patterns + 1) / 2
    pipeline = make_pipeline(BipolarEncoder("threshold"), HebbianMemory(zero_diagonal=True)).fit(binary)
    probing = Probing.of(pipeline, binary)
    assert probing.values == (0.0, 1.0)
    assert_array_equal(np.unique(probing.targets), [-1, 1])
    assert probing.recalled(binary, np.arange(4)).all()


def test_tolerance_is_per_unit():
    probing = Probing.of(Nearest(np.eye(3)), np.eye(3), tolerance=0.25)
    assert_array_equal(probing.agrees(np.eye(3) + [[0.25], [0.3], [0]], np.eye(3)), [True, False, True])
    assert not Probing.of(Nearest(np.eye(3)), np.eye(3)).agrees(np.eye(3) + 0.25, np.eye(3)).any()


def test_input_goes_where_the_patterns_are(patterns, place, dispatched):
    with dispatched():
        stored = place.put(patterns)
        probing = Probing.of(HebbianMemory(zero_diagonal=True).fit(stored), stored)
        assert isinstance(probing.ask(patterns), np.ndarray)
        assert probing.recalled(patterns, np.arange(4)).all()
        # side by side too, where the memory cannot be sent to other processes
        assert all(np.all(found) for found in in_parallel(recalled_at, [(probing, 0), (probing, 1)], n_jobs=2))


@pytest.mark.parametrize("n_jobs", [None, 1, 2])
def test_results_are_in_order_for_every_number_of_jobs(n_jobs):
    tasks = [(seed, 3) for seed in task_seeds(0, 5)]
    seen = []
    found = in_parallel(draw, tasks, n_jobs=n_jobs, progress=lambda *call: seen.append(call))
    assert_array_equal(found, [draw(*task) for task in tasks])
    assert seen == [(done, 5) for done in range(1, 6)]


def test_a_bar_is_drawn_by_rich(capsys):
    assert in_parallel(draw, [(0, 1)], progress=True, name="asking") == [draw(0, 1)]
    assert "asking" in capsys.readouterr().out


def test_without_rich_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    with pytest.raises(ImportError, match="pip install rich"):
        in_parallel(draw, [(0, 1)], progress=True)


def test_bad_input_is_refused(patterns):
    with pytest.raises(TypeError, match="no predict"):
        Probing.of(object(), patterns)
    with pytest.raises(ValueError, match="tolerance"):
        Probing.of(Nearest(patterns), patterns, tolerance=-1)
    with pytest.raises(ValueError, match="Row 2 has unknown units"):
        Probing.of(Nearest(patterns), np.where(np.arange(4)[:, None] == 2, np.nan, patterns))
    with pytest.raises(ValueError, match="y is 1-D, but HebbianMemory recalls patterns"):
        Probing.of(HebbianMemory().fit(patterns), patterns, np.arange(4))
    with pytest.raises(ValueError, match="inconsistent"):
        Probing.of(Nearest(patterns), patterns, np.arange(3))


def test_memories_that_know_their_units_by_name_are_asked_by_name(patterns):
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame(patterns, columns=[f"unit {i}" for i in range(30)])
    memory = make_pipeline(
        ColumnTransformer([("reversed", "passthrough", X.columns[::-1])], verbose_feature_names_out=False),
        HebbianMemory(zero_diagonal=True, update="async", random_state=0),
    ).fit(X)
    probing = Probing.of(memory, X)
    assert_array_equal(probing.targets, patterns[:, ::-1])
    assert probing.recalled(patterns, np.arange(4)).all()
    memory = HopfieldNetwork(random_state=0).fit(X)
    found = attractors(memory, X)
    assert_array_equal(found.states[found.owners], patterns)
    assert spurious_states(memory, X, n_probes=10, random_state=0).counts["stored"] == 4
    assert not energy_path(memory, X).rises.any()

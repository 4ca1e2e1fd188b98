"""Profiles, maps and the index of attraction: against brute force over all states, and against each other."""

import itertools
import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import binom
from sklearn.pipeline import make_pipeline

from skamem import BipolarEncoder, HebbianMemory, MemoryClassifier, ModernHopfieldMemory, PseudoinverseMemory
from skamem.analysis import BasinProfile, attraction_index, basin_map, basin_profile
from skamem.analysis._shells import Shells
from skamem.datasets import make_patterns

pytestmark = pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")


class Nearest:
    """A foreign memory: it has predict, and that is all."""

    def __init__(self, patterns, answers=None):
        self.patterns, self.answers = patterns, patterns if answers is None else answers

    def predict(self, X):
        return self.answers[np.argmax(X @ self.patterns.T, axis=1)]


def all_states(n_units):
    return np.asarray(list(itertools.product([-1.0, 1.0], repeat=n_units)))


def brute_force(memory, patterns, targets=None):
    """Counts of recalling states by pattern and distance, from all 2^n states."""
    targets = patterns if targets is None else targets
    n_units = patterns.shape[1]
    states = all_states(n_units)
    found = memory.predict(states)
    counts = np.zeros((len(patterns), n_units + 1), dtype=int)
    for row, (pattern, target) in enumerate(zip(patterns, targets, strict=True)):
        recalled = (found == target) if found.ndim == 1 else (found == target).all(axis=1)
        np.add.at(counts[row], (states[recalled] != pattern).sum(axis=1), 1)
    return counts


MEMORIES = {
    "one step": HebbianMemory(n_recall_steps=1),
    "feedback": HebbianMemory(),
    "in turn": HebbianMemory(update="async", zero_diagonal=True, random_state=0),
    "pseudoinverse": PseudoinverseMemory(),
}


@pytest.fixture
def patterns():
    return make_patterns(3, 9, random_state=1)


@pytest.fixture
def larger():
    return make_patterns(5, 40, random_state=0)


@pytest.mark.parametrize("name", [*MEMORIES, "foreign"])
def test_exhaustive_profile_is_brute_force(patterns, name):
    memory = Nearest(patterns) if name == "foreign" else MEMORIES[name].fit(patterns)
    profile = basin_profile(memory, patterns, distances=range(10))
    assert profile.exhaustive.all()
    assert_array_equal(profile.n_probes, [math.comb(9, h) for h in range(10)])
    assert_array_equal(profile.counts, brute_force(memory, patterns))
    low, high = profile.interval()
    assert_array_equal(low, profile.share)
    assert_array_equal(high, profile.share)


@pytest.mark.parametrize("name", [*MEMORIES, "foreign"])
def test_map_is_brute_force_in_each_cell(patterns, name):
    memory = Nearest(patterns) if name == "foreign" else MEMORIES[name].fit(patterns)
    first = np.isin(np.arange(9), [1, 2, 5, 8])
    basin = basin_map(memory, patterns, pattern=2, groups=first, n_probes=60)
    states = all_states(9)
    flipped = states != patterns[2]
    recalled = (memory.predict(states) == patterns[2]).all(axis=1)
    expected, total = np.zeros((5, 6), dtype=int), np.zeros((5, 6), dtype=int)
    cells = flipped[:, first].sum(axis=1), flipped[:, ~first].sum(axis=1)
    np.add.at(expected, cells, recalled)
    np.add.at(total, cells, 1)
    assert basin.exhaustive.all()
    assert_array_equal(basin.n_probes, total)
    assert_array_equal(basin.counts, expected)


def test_map_and_profile_agree(patterns):
    memory = HebbianMemory().fit(patterns)
    profile = basin_profile(memory, patterns[1:2], distances=range(10))
    basin = basin_map(memory, patterns, pattern=1, n_probes=60, random_state=0)
    total = basin.flips[0][:, None] + basin.flips[1]
    assert_array_equal([basin.counts[total == h].sum() for h in range(10)], profile.counts[0])


def test_all_states_of_a_shell_are_asked_once():
    for n_units, n_flips in [(6, 0), (6, 1), (7, 3), (7, 5), (7, 7), (60, 59)]:
        shells = Shells.of((np.arange(n_units),), np.asarray([[n_flips]]), 100)
        masks = shells.masks(0, np.arange(shells.n_probes[0]), n_units, None)
        assert_array_equal(masks.sum(axis=1), n_flips)
        assert len(np.unique(masks, axis=0)) == len(masks) == math.comb(n_units, n_flips)


def test_drawn_states_are_all_equally_likely():
    # 20 and 15 sets; a chi-squared statistic above these bounds has probability 1e-6 each.
    for n_flips, bound in [(3, 67.5), (2, 58.9), (4, 58.9)]:
        shells = Shells.of((np.arange(6),), np.asarray([[n_flips]]), 1)
        masks = shells.masks(0, np.zeros(20_000, dtype=int), 6, np.random.RandomState(0))
        assert_array_equal(masks.sum(axis=1), n_flips)
        _, found = np.unique(masks, axis=0, return_counts=True)
        expected = 20_000 / math.comb(6, n_flips)
        assert len(found) == math.comb(6, n_flips)
        assert ((found - expected) ** 2 / expected).sum() < bound


def test_sample_agrees_with_all_states():
    patterns = make_patterns(4, 12, random_state=3)
    memory = HebbianMemory().fit(patterns)
    exact = basin_profile(memory, patterns, n_probes=1000)
    drawn = basin_profile(memory, patterns, n_probes=60, random_state=0)
    assert exact.exhaustive.all()
    assert_array_equal(drawn.exhaustive, [True, True, False, False, False, False, False])
    # Each of 20 counts outside these bounds with probability 1e-7 at most: 2e-6 in all.
    low, high = (binom.ppf(p, 60, exact.pattern_shares[:, 2:]) for p in (5e-8, 1 - 5e-8))
    assert ((drawn.counts[:, 2:] >= low) & (drawn.counts[:, 2:] <= high)).all()
    inner, outer = drawn.interval(0.5), drawn.interval(0.99)
    assert (outer[0] <= inner[0]).all()
    assert (inner[1] <= outer[1]).all()


def test_stable_patterns_are_those_recalled_at_distance_0():
    patterns = make_patterns(6, 30, random_state=0)
    memory = HebbianMemory(zero_diagonal=True).fit(patterns)
    stable = (memory.predict(patterns) == patterns).all(axis=1)
    assert 0 < stable.sum() < 6
    assert_array_equal(basin_profile(memory, patterns, distances=[0]).pattern_shares[:, 0] == 1, stable)


def test_complements_have_the_same_basins(patterns):
    for memory in MEMORIES.values():
        memory.fit(patterns)
        assert_array_equal(basin_profile(memory, patterns).counts, basin_profile(memory, -patterns).counts)


@pytest.mark.parametrize("n_jobs", [2, -1])
def test_numbers_do_not_depend_on_jobs_or_progress(monkeypatch, larger, n_jobs):
    monkeypatch.setattr("skamem.analysis._shells._TASK_SIZE", 2**12)
    memory = HebbianMemory().fit(larger)
    seen = []
    alone = basin_profile(memory, larger, n_probes=20, random_state=0)
    together = basin_profile(
        memory, larger, n_probes=20, random_state=0, n_jobs=n_jobs, progress=lambda *call: seen.append(call)
    )
    assert_array_equal(alone.counts, together.counts)
    assert len(seen) > 1
    assert seen[-1] == (len(seen), len(seen))
    maps = [basin_map(memory, larger, n_probes=3, random_state=0, n_jobs=jobs) for jobs in (None, n_jobs)]
    assert_array_equal(maps[0].counts, maps[1].counts)
    assert_array_equal(maps[0].groups[0], maps[1].groups[0])


def test_foreign_memories_may_be_asked_side_by_side(patterns):
    profiles = [basin_profile(Nearest(patterns), patterns, n_jobs=n_jobs) for n_jobs in (1, 2)]
    assert_array_equal(profiles[0].counts, profiles[1].counts)


def test_seeds_decide(larger):
    memory = HebbianMemory(n_recall_steps=1).fit(larger)
    first, same, other = (
        basin_profile(memory, larger, distances=[9], n_probes=200, random_state=seed).counts for seed in (0, 0, 1)
    )
    assert_array_equal(first, same)
    assert (first != other).any()


def test_large_nets_are_asked_in_pieces(monkeypatch, larger):
    """No call of predict sees more than a task, however many probes there are."""
    monkeypatch.setattr("skamem.analysis._shells._TASK_SIZE", 400)

    class Watched(Nearest):
        def predict(self, X):
            assert X.size <= 400
            return super().predict(X)

    profile = basin_profile(Watched(larger), larger, distances=[0, 1, 8], n_probes=50, random_state=0)
    assert_array_equal(profile.n_probes, [1, 40, 50])
    assert_array_equal(profile.share[:2], [1, 1])


def test_pipelines_binary_patterns_and_labels(patterns):
    expected = basin_profile(HebbianMemory().fit(patterns), patterns).counts
    binary = (patterns + 1) / 2
    assert_array_equal(basin_profile(HebbianMemory().fit(binary), binary).counts, expected)
    pipeline = make_pipeline(BipolarEncoder("threshold"), HebbianMemory()).fit(binary)
    assert_array_equal(basin_profile(pipeline, binary).counts, expected)
    labels = np.asarray(["a", "b", "a"])
    classifier = MemoryClassifier().fit(patterns, labels)
    profile = basin_profile(classifier, patterns, labels, distances=range(10))
    assert_array_equal(profile.counts, brute_force(classifier, patterns, labels))
    associated = make_patterns(3, 4, random_state=5)
    memory = HebbianMemory(target="y").fit(patterns, associated)
    profile = basin_profile(memory, patterns, associated, distances=range(10))
    assert_array_equal(profile.counts, brute_force(memory, patterns, associated))


def test_patterns_may_be_anywhere(patterns, place, dispatched):
    expected = basin_profile(HebbianMemory().fit(patterns), patterns).counts
    with dispatched():
        stored = place.put(patterns)
        profile = basin_profile(HebbianMemory().fit(stored), stored)
    assert_array_equal(profile.counts, expected)


def test_real_values_are_recalled_within_a_tolerance():
    patterns = np.random.RandomState(0).normal(size=(3, 8))
    memory = ModernHopfieldMemory(beta=4.0).fit(patterns)
    strict, loose = (basin_profile(memory, patterns, distances=[0, 1], tolerance=size) for size in (0, 0.2))
    assert strict.share[0] < 1
    assert loose.share[0] == 1
    probes = np.tile(patterns[0], (8, 1))
    probes[np.diag_indices(8)] = patterns.min() + patterns.max() - patterns[0]
    near = (np.abs(memory.predict(probes) - patterns[0]) <= 0.2).all(axis=1)
    assert loose.counts[0, 1] == near.sum()


def test_patterns_of_one_value_are_flipped_about_0():
    ones = np.ones((1, 5))
    assert_array_equal(basin_profile(HebbianMemory().fit(ones), ones).share, [1, 1, 1])
    with pytest.raises(ValueError, match="All units of X are 0"):
        basin_profile(HebbianMemory().fit(np.eye(3)), np.zeros((1, 3)))


def test_index_of_attraction():
    patterns = make_patterns(1, 10, random_state=0)
    memory = HebbianMemory().fit(patterns)
    profile = basin_profile(memory, patterns)
    # A single pattern draws in whatever is nearer to it than to its complement: 1 + 2 + 3 + 4.
    assert attraction_index(memory, patterns) == attraction_index(profile) == profile.attraction_index == 10
    assert profile.radius() == profile.radius(1.0) == 4
    assert attraction_index(memory, patterns, distances=[0, 2, 4]) == 10  # interpolated
    flat = BasinProfile(np.asarray([0, 1]), np.asarray([[0, 5]]), np.asarray([1, 10]), np.asarray([True, True]))
    assert np.isnan(flat.radius())


def test_feedback_raises_the_index_where_one_step_is_not_enough():
    patterns = make_patterns(4, 60, random_state=0)
    once, often = (HebbianMemory(n_recall_steps=n).fit(patterns) for n in (1, 100))
    options = {"n_probes": 50, "random_state": 0}
    assert attraction_index(once, patterns, **options) < attraction_index(often, patterns, **options)


def test_default_steps_are_even_and_few():
    for n_units in (10, 51, 52, 64, 503):
        patterns = make_patterns(1, n_units, random_state=0)
        profile = basin_profile(Nearest(patterns), patterns, n_probes=1)
        assert profile.distances[0] == 0
        assert len(np.unique(np.diff(profile.distances))) == 1
        assert n_units // 2 - profile.distances[-1] < profile.distances[1]
        assert len(profile.distances) <= 26
    patterns = make_patterns(1, 120, random_state=0)
    basin = basin_map(Nearest(patterns), patterns, n_probes=1, random_state=0)
    assert [len(group) for group in basin.groups] == [60, 60]
    assert basin.counts.shape == (21, 21)


def test_frames(patterns):
    pytest.importorskip("pandas")
    memory = HebbianMemory().fit(patterns)
    profile = basin_profile(memory, patterns, n_probes=50, random_state=0)
    frame = profile.to_frame()
    assert frame.index.name == "distance"
    assert_allclose(frame["share"], profile.share)
    assert_array_equal(frame["n_probes"], 3 * profile.n_probes)
    assert ((frame["low"] <= frame["share"]) & (frame["share"] <= frame["high"])).all()
    basin = basin_map(memory, patterns, n_probes=5, random_state=0)
    frame = basin.to_frame()
    assert frame.loc[(1, 2), "n_recalled"] == basin.counts[1, 2]
    assert not frame["exhaustive"].all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"distances": [3, 1]}, "distances=.*ascending integers"),
        ({"distances": [0.5]}, "distances=.*ascending integers"),
        ({"distances": []}, "distances=.*ascending integers"),
        ({"distances": [0, 10]}, "distances reach from 0 to 10; expected 0 to 9"),
        ({"n_probes": 0}, "n_probes=0 is out of range"),
        ({"tolerance": -1}, "tolerance=-1 is out of range"),
    ],
)
def test_bad_profiles_are_refused(patterns, options, message):
    with pytest.raises(ValueError, match=message):
        basin_profile(Nearest(patterns), patterns, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pattern": 3}, "pattern=3 is out of range"),
        ({"groups": [True, False]}, r"groups has shape \(2,\)"),
        ({"groups": np.arange(9)}, "type int64; expected"),
        ({"groups": np.ones(9, dtype=bool)}, "groups of 9 units is empty"),
        ({"flips": ([0],)}, "1 entries; expected 2: one list for each group"),
        ({"flips": ([0], [6])}, "flips reach from 6 to 6; expected 0 to 5"),
    ],
)
def test_bad_maps_are_refused(patterns, options, message):
    with pytest.raises(ValueError, match=message):
        basin_map(Nearest(patterns), patterns, **options)


def test_an_index_needs_something_to_measure(patterns):
    memory = HebbianMemory().fit(patterns)
    with pytest.raises(TypeError, match="without X"):
        attraction_index(memory)
    with pytest.raises(TypeError, match="measured already"):
        attraction_index(basin_profile(memory, patterns), patterns)
    with pytest.raises(TypeError, match="no predict"):
        attraction_index(object(), patterns)

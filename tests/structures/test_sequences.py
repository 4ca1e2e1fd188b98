"""SequenceMemory: each stored pattern leads to the next."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

from skamem import (
    BidirectionalMemory,
    BipolarEncoder,
    DenseMemory,
    HebbianMemory,
    HopfieldNetwork,
    KernelMemory,
    ModernHopfieldMemory,
    PseudoinverseMemory,
    SequenceMemory,
    WillshawMemory,
)
from skamem.datasets import corrupt, make_patterns
from skamem.exceptions import CapacityWarning
from skamem.model_selection import StoredPatternsSplit

N_UNITS = 400
PATTERNS = make_patterns(12, N_UNITS, random_state=0)
NEXT = np.roll(PATTERNS, -1, axis=0)
CUES = corrupt(PATTERNS, "flip", 0.1, random_state=1)
ENGINES = {
    "default": None,
    "hebbian": HebbianMemory(),
    "pseudoinverse": PseudoinverseMemory(),
    "bidirectional": BidirectionalMemory(),
    "dense": DenseMemory(degree=3),
    "modern": ModernHopfieldMemory(),
    "kernel": KernelMemory(),
}
every_engine = pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)


def crossing():
    """Two rings of six patterns that share two of them, one after the other."""
    first, second = make_patterns(12, N_UNITS, random_state=2).reshape(2, 6, N_UNITS)
    second = second.copy()
    second[2:4] = first[2:4]
    return first, second


def entries(recall):
    """The arrays of a `SequenceRecall`, cycles one after the other."""
    return {
        name: np.concatenate([np.zeros((0, 1)), *(np.ravel(c)[:, None] for c in value if c is not None)])
        if name == "cycle"
        else np.asarray(value)
        for name, value in vars(recall).items()
    }


# ------------------------------------------------------------------------------------------------- what is stored


@pytest.mark.parametrize("cyclic", [True, False])
def test_hebbian_weights_are_the_sum_over_the_steps(cyclic):
    memory = SequenceMemory(HebbianMemory(), cyclic=cyclic).fit(PATTERNS)
    steps = 12 if cyclic else 11
    weights = sum(np.outer(PATTERNS[t], NEXT[t]) for t in range(steps)) / N_UNITS
    np.testing.assert_allclose(memory.memory_.weights_, weights, atol=1e-15)
    field = CUES @ weights
    clear = np.abs(field) > 1e-9  # ties fall to the majority
    assert clear.mean() > 0.9
    np.testing.assert_array_equal(memory.predict(CUES)[clear], np.sign(field)[clear])


@pytest.mark.parametrize("cyclic", [True, False])
def test_a_higher_order_associates_delayed_copies(cyclic):
    memory = SequenceMemory(HebbianMemory(), cyclic=cyclic, order=3).fit(PATTERNS)
    correlation = 0.0
    for t in range(12 if cyclic else 11):
        past = [PATTERNS[t - d] if cyclic or t >= d else np.zeros(N_UNITS) for d in (2, 1, 0)]
        correlation = correlation + np.outer(np.concatenate(past), NEXT[t])
    np.testing.assert_array_equal(memory.memory_.correlation_, correlation)


def test_groups_and_lists_are_the_same_sequences():
    first, second = crossing()
    rng = np.random.default_rng(0)
    groups = rng.permutation(np.repeat(["a", "b"], 6))
    mixed = np.empty((12, N_UNITS))
    mixed[groups == "a"], mixed[groups == "b"] = first, second
    listed = SequenceMemory(order=3).fit([first, second], groups=["a", "b"])
    grouped = SequenceMemory(order=3).fit(mixed, groups=groups)
    assert set(grouped.groups_) == {"a", "b"}
    cues = corrupt(first, "flip", 0.2, random_state=0)
    np.testing.assert_array_equal(listed.predict(cues), grouped.predict(cues))
    for label, sequence in (("a", first), ("b", second)):
        for memory in (listed, grouped):
            rows = np.flatnonzero(memory.sequence_ == memory.groups_.index(label))
            np.testing.assert_array_equal(memory.patterns_[rows], sequence)
            np.testing.assert_array_equal(memory.position_[rows], np.arange(6))
            np.testing.assert_array_equal(memory.successor_[rows], np.roll(rows, -1))
    stacked = SequenceMemory(order=3).fit(np.stack([first, second]))
    np.testing.assert_array_equal(stacked.predict(cues), listed.predict(cues))


@pytest.mark.parametrize("cyclic", [True, False])
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("engine", ["default", "hebbian", "pseudoinverse"])
def test_sequences_may_come_in_pieces(engine, order, cyclic):
    sequences = make_patterns(24, N_UNITS, random_state=3).reshape(3, 8, N_UNITS)
    memory = SequenceMemory(ENGINES[engine], order=order, cyclic=cyclic)
    whole = clone(memory).fit(list(sequences))
    pieces = clone(memory).partial_fit(sequences[0]).partial_fit(list(sequences[1:]))
    cues = corrupt(sequences[1], "flip", 0.1, random_state=0)
    np.testing.assert_array_equal(pieces.predict(cues), whole.predict(cues))
    for name in ("patterns_", "successor_", "sequence_", "position_", "groups_", "ambiguous_"):
        np.testing.assert_array_equal(getattr(pieces, name), getattr(whole, name))
    if engine == "hebbian":
        np.testing.assert_array_equal(pieces.memory_.correlation_, whole.memory_.correlation_)
    expected, found = (entries(memory.recall_sequence(cues, max_steps=20)) for memory in (whole, pieces))
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)


def test_pieces_may_be_closed_and_open():
    memory = SequenceMemory(cyclic=False).fit(PATTERNS[:6]).set_params(cyclic=True).partial_fit(PATTERNS[6:])
    np.testing.assert_array_equal(memory.successor_, [1, 2, 3, 4, 5, -1, 7, 8, 9, 10, 11, 6])


def test_a_single_table_may_have_a_single_label():
    memory = SequenceMemory().fit(PATTERNS, groups=["only"])
    assert memory.groups_ == ["only"]
    np.testing.assert_array_equal(memory.sequence_, 0)


def test_the_memory_is_not_changed():
    engine = HebbianMemory()
    memory = SequenceMemory(engine, backend="numpy").fit(PATTERNS)
    assert memory.memory is engine
    assert engine.get_params() == HebbianMemory().get_params()
    assert not hasattr(engine, "correlation_")
    assert memory.memory_.target == "y"


def test_what_is_stored_does_not_change_with_the_users_array():
    for engine in (None, ModernHopfieldMemory()):
        X = PATTERNS.copy()
        memory = SequenceMemory(engine).fit(X)
        X *= -1
        np.testing.assert_array_equal(memory.patterns_, PATTERNS)
        assert memory.recall_sequence(PATTERNS[0]).sequence == 0


# ------------------------------------------------------------------------------------------------------- recalling


@every_engine
def test_a_fragment_runs_into_the_stored_cycle(engine):
    memory = SequenceMemory(engine).fit(PATTERNS)
    recall = memory.recall_sequence(CUES, 24)
    np.testing.assert_array_equal(recall.cycle_length, 12)
    np.testing.assert_array_equal(recall.sequence, 0)
    np.testing.assert_array_equal(recall.stored_share, 1.0)
    assert recall.label == (0,) * 12
    assert all(cycle is recall.cycle[0] for cycle in recall.cycle)
    close = {"atol": 0.01} if isinstance(engine, KernelMemory) else {"atol": 1e-4}  # a ridge; a softmax
    np.testing.assert_allclose(recall.cycle[0], PATTERNS, **close)
    for cue in range(12):
        np.testing.assert_array_equal(recall.visited[cue, 1:], (cue + np.arange(1, 25)) % 12)
        at = recall.entry_time[cue]
        assert recall.position[cue] == (cue + at) % 12


def plain_walk(memory, cue, n_steps):
    """States, the step of the first that comes again, and the number of states until it does: a loop that remembers."""
    states, seen = [cue], {}
    while (key := states[-1].tobytes()) not in seen:
        seen[key] = len(seen)
        states.append(memory.predict(states[-1][None])[0])
    entry, end = seen[states[-1].tobytes()], len(seen)
    while len(states) <= n_steps:
        states.append(states[len(states) - (end - entry)])
    return np.asarray(states[: n_steps + 1]), np.asarray(states[entry:end]), entry


@pytest.mark.parametrize("engine", ["hebbian", "default", "pseudoinverse", "modern"])
@pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")
def test_every_final_cycle_is_that_of_a_plain_walk(engine):
    rng = np.random.default_rng(0)
    patterns, cues = rng.choice([-1.0, 1.0], (7, 24)), rng.choice([-1.0, 1.0], (60, 24))
    if engine == "modern":
        patterns, cues = rng.standard_normal((7, 24)), rng.standard_normal((60, 24))
    memory = SequenceMemory(ENGINES[engine], tolerance=0.01).fit([patterns[:3], patterns[3:]])
    recall, kinds = memory.recall_sequence(cues, 30), set()
    for cue in range(60):
        states, cycle, entry = plain_walk(memory, cues[cue], 30)
        np.testing.assert_allclose(recall.states[cue], states, rtol=1e-11, atol=1e-11)
        # Real values come to their cycle in the last digits: a state that differs by rounding counts as there.
        assert recall.entry_time[cue] == entry if engine != "modern" else recall.entry_time[cue] <= entry
        assert recall.cycle_length[cue] == len(cycle) == len(recall.cycle[cue])
        at = recall.position[cue]
        there = np.roll(recall.cycle[cue], -at, axis=0)
        np.testing.assert_allclose(there[(entry - recall.entry_time[cue]) % len(cycle)], cycle[0], atol=1e-11)
        if recall.sequence[cue] >= 0:
            stored = memory.patterns_[memory.sequence_ == recall.sequence[cue]]
            np.testing.assert_allclose(recall.cycle[cue], stored, atol=1e-2)
            assert recall.label[cue] == recall.sequence[cue]
        elif engine != "modern":
            assert recall.label[cue] is None
            share = np.mean([(row == memory.patterns_).all(axis=1).any() for row in cycle])
            assert recall.stored_share[cue] == share
        kinds.add((int(recall.sequence[cue]), bool(recall.stored_share[cue] > 0)))
    assert len(kinds) > 1


def test_the_complement_of_a_hebbian_sequence_is_a_cycle_of_nothing_that_was_stored():
    memory = SequenceMemory(HebbianMemory()).fit(PATTERNS)
    recall = memory.recall_sequence(-PATTERNS[3])
    assert (recall.cycle_length, recall.sequence, recall.label, recall.stored_share) == (12, -1, None, 0.0)
    assert {tuple(row) for row in recall.cycle} == {tuple(row) for row in -PATTERNS}
    np.testing.assert_array_equal(recall.visited, -1)


@pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")
@every_engine
def test_a_cue_alone_is_answered_as_among_others(engine):
    rng = np.random.default_rng(0)
    patterns, cues = rng.choice([-1.0, 1.0], (6, 20)), rng.choice([-1.0, 1.0], (8, 20))
    memory = SequenceMemory(engine).fit(patterns)
    cues[3, ::3] = np.nan
    together = memory.recall_sequence(cues, 12)
    for row in range(8):
        alone, single = memory.recall_sequence(cues[row : row + 1], 12), memory.recall_sequence(cues[row], 12)
        for name, value in vars(together).items():
            if name == "label":
                assert single.label == alone.label[0] == value[row]
                continue
            np.testing.assert_array_equal(getattr(single, name), getattr(alone, name)[0], err_msg=name)
            if name not in ("entry_time", "position") or not isinstance(
                engine, KernelMemory
            ):  # slow in the last digits
                np.testing.assert_allclose(getattr(single, name), value[row], rtol=1e-9, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("engine", ["default", "modern"])
def test_blocks_make_no_difference(engine):
    memory = SequenceMemory(ENGINES[engine], order=2).fit([PATTERNS[:5], PATTERNS[5:]])
    cues = corrupt(PATTERNS, "flip", 0.2, random_state=0)
    expected, predicted = entries(memory.recall_sequence(cues, 20)), memory.predict(cues)
    with config_context(working_memory=0.01):
        found, again = entries(memory.recall_sequence(cues, 20)), memory.predict(cues)
    for name, value in expected.items():
        if name != "cycle":  # the first cue's block may know a cycle of the second's
            np.testing.assert_allclose(found[name], value, rtol=1e-9, atol=1e-9, err_msg=name)
    np.testing.assert_allclose(again, predicted, rtol=1e-9, atol=1e-9)


def test_the_trajectory_has_as_many_steps_as_are_asked_for():
    memory = SequenceMemory().fit([PATTERNS[:7], PATTERNS[7:]])
    assert memory.recall_sequence(CUES[0]).states.shape == (8, N_UNITS)
    for n_steps in (0, 1, 100):
        recall = memory.recall_sequence(CUES, n_steps)
        assert recall.states.shape == (12, n_steps + 1, N_UNITS)
        assert recall.visited.shape == (12, n_steps + 1)
        assert set(recall.cycle_length) == {5, 7}


def test_a_cycle_that_is_not_found_is_said_not_to_be():
    memory = SequenceMemory().fit(PATTERNS)
    recall = memory.recall_sequence(CUES, 2, max_steps=5)
    np.testing.assert_array_equal(recall.cycle_length, 0)
    for name in ("entry_time", "sequence", "position"):
        np.testing.assert_array_equal(getattr(recall, name), -1)
    assert recall.cycle == recall.label == (None,) * 12
    assert np.isnan(recall.stored_share).all()
    assert memory.recall_sequence(CUES[0], 2, max_steps=5).cycle is None


def test_each_state_is_asked_of_the_memory_once(monkeypatch):
    asked = []
    predict = DenseMemory.predict
    monkeypatch.setattr(DenseMemory, "predict", lambda memory, X: asked.append(np.array(X)) or predict(memory, X))
    memory = SequenceMemory(check_stored=False).fit(PATTERNS)
    memory.recall_sequence(CUES, 1000)
    rows = np.concatenate(asked)
    assert len(rows) == len(np.unique(rows, axis=0)) == 24
    assert len(asked) <= 2


def test_the_end_of_an_open_sequence():
    memory = SequenceMemory(cyclic=False).fit(PATTERNS)
    assert memory.successor_[-1] == -1
    recall = memory.recall_sequence(PATTERNS[4], 7)
    np.testing.assert_array_equal(recall.visited, np.arange(4, 12))
    np.testing.assert_array_equal(memory.predict(PATTERNS[:-1]), PATTERNS[1:])
    assert memory.recall_sequence(PATTERNS[4]).sequence == -1  # an open sequence is no cycle


def test_states_that_overflow_stay_where_they_are():
    growing = PseudoinverseMemory(activation="identity", binarize=None, check_stored=False)
    X = np.asarray([[1.0, 0.0], [0.0, 2.0]])
    memory = SequenceMemory(growing, cyclic=False).fit(X)
    memory.memory_.weights_ = np.asarray([[0.0, 1e200], [1e200, 0.0]])
    recall = memory.recall_sequence([[1e100, 0.0]], 6)
    assert np.isinf(recall.states[0, -1]).any()
    assert recall.cycle_length[0] == 1
    assert recall.sequence[0] == -1


# ---------------------------------------------------------------------------------------------- order, and crossings


def test_order_1_names_what_it_cannot_tell():
    first, second = crossing()
    with pytest.warns(
        CapacityWarning, match=r"row 3 \(sequence 'a', place 3\), row 9 \(sequence 'b', place 3\)\. order=3"
    ):
        memory = SequenceMemory().fit([first, second], groups=["a", "b"])
    np.testing.assert_array_equal(memory.ambiguous_, [3, 9])
    assert memory.order_needed_ == 3
    with pytest.warns(CapacityWarning, match=r"SequenceMemory\(order=2\) stores"):
        SequenceMemory(order=2).fit([first, second])


@pytest.mark.parametrize("engine", [engine for name, engine in ENGINES.items() if name != "kernel"])
def test_crossing_sequences_are_told_apart_by_the_order_they_need(engine):
    sequences = crossing()
    memory = SequenceMemory(engine, order=3).fit(sequences)
    assert memory.ambiguous_.size == 0
    for index, sequence in enumerate(sequences):
        spoiled = corrupt(sequence[1:4], "flip", 0.1, random_state=index)  # up to the second of the shared patterns
        recall = memory.recall_sequence([spoiled], 12)
        np.testing.assert_array_equal(recall.visited[0, 1:], 6 * index + (np.arange(4, 16) % 6))
        assert (recall.sequence[0], recall.cycle_length[0]) == (index, 6)
        clean = memory.recall_sequence(np.stack([sequence[:4]]), 12)
        assert clean.visited[0, 0] == 6 * index + 3


def test_the_same_beginning_is_beyond_every_order():
    first, second = crossing()
    second = np.concatenate([first[:2], second[4:]])
    with pytest.warns(CapacityWarning, match="No order tells them apart"):
        memory = SequenceMemory(order=4, cyclic=False).fit([first, second])
    assert memory.order_needed_ is None
    np.testing.assert_array_equal(memory.ambiguous_, [1, 7])


def test_a_window_may_be_given_whole():
    first, second = crossing()
    memory = SequenceMemory(order=3).fit([first, second])
    windows = np.stack([sequence[1:4].ravel() for sequence in (first, second)])
    np.testing.assert_array_equal(memory.predict(windows), [first[4], second[4]])
    recall = memory.recall_sequence(windows, 3)
    np.testing.assert_array_equal(recall.visited, [[3, 4, 5, 0], [9, 10, 11, 6]])
    single = memory.recall_sequence(windows[1], 3)
    np.testing.assert_array_equal(single.visited, recall.visited[1])
    padded = np.concatenate([np.full((1, 2 * N_UNITS), np.nan), first[:1]], axis=1)
    np.testing.assert_array_equal(memory.predict(padded), memory.predict(first[:1]))
    np.testing.assert_array_equal(memory.predict(first[:1]), first[1:2])


def test_fragments_of_several_lengths():
    first, second = crossing()
    memory = SequenceMemory(order=3).fit([first, second])
    recall = memory.recall_sequence([second[:4], first[:1], first], 2)
    np.testing.assert_array_equal(recall.visited, [[9, 10, 11], [0, 1, 2], [5, 0, 1]])


def test_what_is_unknown_in_a_later_pattern_is_what_the_earlier_ones_lead_to():
    memory = SequenceMemory().fit(PATTERNS)
    fragment = PATTERNS[2:6].copy()
    fragment[1], fragment[3, ::2] = np.nan, np.nan
    recall = memory.recall_sequence([fragment], 1)
    np.testing.assert_array_equal(recall.states[0], PATTERNS[5:7])
    blank = np.full((3, N_UNITS), np.nan)
    nothing = memory.recall_sequence([blank], 1)
    assert np.isnan(nothing.states[0, 0]).all()
    assert nothing.visited[0, 0] == -1


# ------------------------------------------------------------------------------------------------- unknown and coded


def test_unknown_units_of_a_cue():
    memory = SequenceMemory().fit(PATTERNS)
    cues = corrupt(PATTERNS, "mask", 0.6, random_state=0)
    np.testing.assert_array_equal(memory.predict(cues), NEXT)
    recall = memory.recall_sequence(cues, 1)
    np.testing.assert_array_equal(recall.visited, np.stack([np.arange(12), (np.arange(12) + 1) % 12], axis=1))


@pytest.mark.parametrize("coding", ["bipolar", "binary"])
def test_unknown_units_of_a_stored_pattern_are_recalled_as_the_majority(coding):
    X = make_patterns(12, 60, coding=coding, random_state=0)
    holes = corrupt(X, "mask", 0.1, random_state=0)
    memory = SequenceMemory().fit(holes)
    majority = np.where(2 * np.nansum(holes == 1, axis=0) >= np.sum(~np.isnan(holes), axis=0), 1.0, X.min())
    np.testing.assert_array_equal(memory.patterns_, np.where(np.isnan(holes), majority, holes))
    np.testing.assert_array_equal(memory.predict(X), np.roll(memory.patterns_, -1, axis=0))


@pytest.mark.parametrize("binarize", [-7.0, -1.0, 0.0, 0.5, 1.0, 5.0, 1e30])
@pytest.mark.parametrize("engine", [HebbianMemory, PseudoinverseMemory, DenseMemory])
def test_a_threshold_anywhere_reads_what_was_recalled(engine, binarize):
    X = binarize + (1.0 + abs(binarize)) * PATTERNS
    memory = SequenceMemory(engine(binarize=binarize)).fit(X)
    np.testing.assert_array_equal(memory.patterns_, PATTERNS)
    recall = memory.recall_sequence(X[3], 24)
    np.testing.assert_array_equal(recall.visited, np.arange(3, 28) % 12)
    assert recall.entry_time == 0


def test_binary_patterns_come_back_as_such():
    X = (make_patterns(10, 200, activity=0.1, random_state=0) > 0) * 1.0
    for engine in (None, WillshawMemory(), PseudoinverseMemory()):
        recall = SequenceMemory(engine).fit(X).recall_sequence(X[0], 20)
        np.testing.assert_array_equal(recall.states, X[np.arange(21) % 10])
        assert recall.sequence == 0
    # Nothing at all is as far from a sparse pattern as half of it, however few units differ.
    nothing = SequenceMemory().fit(X).recall_sequence(np.zeros(200), 0)
    assert nothing.visited[0] == -1


def test_float32_stays():
    memory = SequenceMemory(ModernHopfieldMemory()).fit(PATTERNS.astype(np.float32))
    assert memory.patterns_.dtype == np.float32
    for dtype in (np.float32, np.float64):
        recall = memory.recall_sequence(CUES.astype(dtype), 5)
        assert recall.states.dtype == memory.predict(CUES.astype(dtype)).dtype == recall.cycle[0].dtype == dtype
        np.testing.assert_array_equal(recall.cycle_length, 12)


def test_nothing_known_at_all():
    memory = SequenceMemory(check_stored=False).fit(np.full((3, 4), np.nan))
    assert memory.score(np.full((3, 4), np.nan)) == 1.0  # all patterns are the same


def test_a_tolerance_beyond_the_type_is_one_that_all_are_within():
    memory = SequenceMemory(tolerance=1e300).fit(PATTERNS.astype(np.float32))
    assert memory.score(PATTERNS.astype(np.float32)) == 1.0


def accepted(memory, pattern):
    """The most units of a stored pattern that may be wrong, the first ones, for it still to count as that."""
    order = np.arange(pattern.shape[0])
    states = np.where(order < order[:, None], -pattern, pattern)
    return int(np.flatnonzero(memory.recall_sequence(states, 0).visited[:, 0] == 0)[-1])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_patterns", [1, 2, 3, 5, 30, 300])
@pytest.mark.parametrize("n_units", [20, 60, 1000])
def test_the_tolerance_of_two_valued_patterns_is_the_share_of_wrong_units(n_units, n_patterns, dtype):
    patterns = make_patterns(n_patterns, n_units, random_state=0).astype(dtype)
    memory = SequenceMemory(check_stored=False).fit(patterns[:1])
    for tolerance in (0.0, 0.05, 0.15):
        memory.set_params(tolerance=tolerance)
        assert accepted(memory, patterns[0]) == round(tolerance * n_units)
    if n_patterns > 1:
        memory.partial_fit(patterns[1:])
        assert accepted(memory, patterns[0]) == round(0.15 * n_units)
        assert accepted(memory.set_params(tolerance=0.05), patterns[0]) == round(0.05 * n_units)
        assert accepted(memory.set_params(tolerance=0.0499), patterns[0]) == round(0.05 * n_units) - 1


def test_the_score_is_within_the_same_tolerance():
    patterns = make_patterns(2, 20, random_state=0)
    memory = SequenceMemory().fit(patterns)
    spoiled = patterns.copy()
    spoiled[:, 3] *= -1
    with pytest.warns(UserWarning, match="no pattern that is stored"):
        assert memory.score(spoiled) == 1.0  # one of 20 is .05
    with pytest.warns(UserWarning, match="no pattern that is stored"):
        assert memory.set_params(tolerance=0.04).score(spoiled) == 0.0


def test_sparse_patterns_are_not_all_within_the_tolerance():
    """Two of them differ in .04 of the units, and nothing at all is .02 from each."""
    memory = SequenceMemory(WillshawMemory()).fit(np.eye(50))
    visited = memory.recall_sequence(np.stack([np.zeros(50), np.eye(50)[7]]), 0).visited
    np.testing.assert_array_equal(visited[:, 0], [-1, 7])


# -------------------------------------------------------------------------------------------------------- capacities


def test_25_patterns_of_500_units_from_cues_with_30_percent_of_the_units_wrong():
    patterns = make_patterns(25, 500, random_state=0)
    memory = SequenceMemory(HebbianMemory()).fit(patterns)
    recall = memory.recall_sequence(corrupt(patterns, "flip", 0.3, random_state=1), 50)
    np.testing.assert_array_equal(recall.sequence, 0)
    np.testing.assert_array_equal(recall.cycle_length, 25)
    truth = np.stack([np.roll(patterns, -time, axis=0) for time in range(51)], axis=1)
    right = (recall.states == truth).mean(axis=(0, 2))
    np.testing.assert_array_equal(right[3:], 1.0)
    np.testing.assert_allclose(right[:3], [0.7, 0.963, 0.998], atol=0.01)


def test_a_cycle_is_found_within_the_steps_that_are_documented():
    memory = SequenceMemory().fit(PATTERNS)
    recall = memory.recall_sequence(CUES[0], 0, max_steps=3 * 12)
    assert (recall.cycle_length, recall.entry_time) == (12, 1)


@pytest.mark.parametrize("dtype", [bool, np.int64, np.float32, np.float64])
def test_the_type_of_answers(dtype):
    memory = SequenceMemory().fit(PATTERNS > 0)
    assert memory.predict((PATTERNS > 0).astype(dtype)).dtype == (dtype if dtype == np.float32 else np.float64)


def test_a_pseudoinverse_holds_as_many_steps_as_units():
    patterns = make_patterns(60, 60, random_state=0)
    memory = SequenceMemory(PseudoinverseMemory()).fit(patterns)
    np.testing.assert_array_equal(memory.predict(patterns), np.roll(patterns, -1, axis=0))
    assert memory.recall_sequence(patterns[0]).cycle_length == 60


def test_exponential_recall_is_exact_far_beyond_the_number_of_units():
    patterns = make_patterns(1000, 100, random_state=0)
    memory = SequenceMemory().fit(patterns)
    recall = memory.recall_sequence(corrupt(patterns, "flip", 0.1, random_state=0)[::100], 1000)
    np.testing.assert_array_equal(recall.cycle_length, 1000)
    np.testing.assert_array_equal(recall.entry_time, 1)


def test_patterns_that_a_threshold_makes_equal_are_warned_of():
    images = np.random.default_rng(0).integers(1, 255, size=(10, 64))
    with pytest.warns(CapacityWarning, match=r"cuts the 10 different patterns of X to 1: .*BipolarEncoder"):
        SequenceMemory().fit(images)
    SequenceMemory(DenseMemory("exponential", binarize=127.0)).fit(images)
    SequenceMemory().fit(PATTERNS[[0, 0, 0]])  # equal as they were given
    with pytest.warns(CapacityWarning, match=r"cuts the 5 different patterns of X to 1"):
        SequenceMemory(check_stored=False).fit(PATTERNS).partial_fit(images[:5] @ np.ones((64, N_UNITS)))


def test_a_sequence_that_is_not_held_is_warned_of():
    patterns = make_patterns(60, 60, random_state=0)
    with pytest.warns(CapacityWarning, match=r"60 steps between patterns of 60 units, and \d+ of the 60"):
        SequenceMemory(HebbianMemory()).fit(patterns)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SequenceMemory(HebbianMemory(), check_stored=False).fit(patterns)


# ------------------------------------------------------------------------------------------------ scores and searches


def test_the_score_is_the_share_of_right_successors():
    patterns = make_patterns(20, 300, random_state=0)
    memory = SequenceMemory(HebbianMemory(), noise=0.1, tolerance=0.0, check_stored=False, random_state=5).fit(patterns)
    cues = corrupt(patterns, "flip", 0.1, random_state=memory.score_seed_)
    right = (memory.predict(cues) == np.roll(patterns, -1, axis=0)).all(axis=1)
    assert 0 < memory.score(patterns) == right.mean() < 1
    assert memory.score(patterns) == memory.score(patterns) == clone(memory).fit(patterns).score(patterns)
    assert memory.set_params(noise=0.0).score(patterns) > right.mean()
    assert memory.set_params(tolerance=0.6).score(patterns) == 1.0


@pytest.mark.parametrize("cyclic", [True, False])
def test_the_score_of_several_sequences(cyclic):
    first, second = crossing()
    memory = SequenceMemory(order=3, cyclic=cyclic).fit([first, second])
    assert memory.score([first, second]) == 1.0
    groups = np.repeat([0, 1], 6)
    assert memory.score(np.concatenate([first, second]), groups=groups) == 1.0
    assert memory.score(first, y=np.arange(6)) == 1.0
    with pytest.warns(CapacityWarning):
        low = SequenceMemory(cyclic=cyclic).fit([first, second])
    n_steps = 12 if cyclic else 10
    assert low.score([first, second]) == pytest.approx(1 - 2 / n_steps)  # a blend of the two that follow


def test_a_search_finds_the_order_without_a_scorer():
    melody = make_patterns(4, 50, random_state=0)[[0, 1, 2, 1, 3, 1, 0, 2, 1, 1]]
    search = GridSearchCV(SequenceMemory(random_state=0), {"order": [1, 2, 3, 4]}, cv=StoredPatternsSplit())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CapacityWarning)
        search.fit(melody)
    needed = search.best_estimator_.order_needed_
    assert search.best_params_["order"] == needed > 1
    assert search.best_score_ == 1.0
    assert np.all(search.cv_results_["mean_test_score"][: needed - 1] < 1.0)


def test_a_score_of_what_was_never_stored_is_warned_of():
    search = GridSearchCV(SequenceMemory(), {"noise": [0.1]}, cv=KFold(3))
    with pytest.warns(UserWarning, match=r"given no pattern that is stored.*StoredPatternsSplit"):
        search.fit(PATTERNS)


def test_groups_reach_fit_and_score_through_routing():
    first, second = crossing()
    X, groups = np.concatenate([first, second]), np.repeat([0, 1], 6)
    with config_context(enable_metadata_routing=True):
        memory = SequenceMemory(order=3).set_fit_request(groups=True).set_score_request(groups=True)
        search = GridSearchCV(memory, {"noise": [0.1]}, cv=StoredPatternsSplit()).fit(X, groups=groups)
        assert search.best_score_ == 1.0
        assert search.best_estimator_.groups_ == [0, 1]


# ------------------------------------------------------------------------------------------------------- both doors


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("engine", ["default", "hebbian", "modern"])
def test_every_library_gives_the_numpy_result(engine, order, place, dispatched):
    cues = CUES.copy()
    cues[2, ::4] = np.nan
    here = SequenceMemory(ENGINES[engine], order=order).fit([PATTERNS[:7], PATTERNS[7:]])
    expected = here.recall_sequence(cues, 9)
    with dispatched():
        there = SequenceMemory(ENGINES[engine], order=order).fit([place.put(PATTERNS[:7]), place.put(PATTERNS[7:])])
        found = there.recall_sequence(place.put(cues), 9)
        np.testing.assert_allclose(place.get(there.predict(place.put(cues))), here.predict(cues), atol=1e-9)
        assert there.score([place.put(PATTERNS[:7])]) == here.score([PATTERNS[:7]])
        fragment = there.recall_sequence([place.put(cues[1:4])], 2)
        single = there.recall_sequence(place.put(cues[1]), 9)
    for name, value in vars(expected).items():
        if name == "cycle":
            for cycle, other in zip(found.cycle, value, strict=True):
                np.testing.assert_allclose(place.get(cycle), other, atol=1e-9)
        elif name != "label":
            np.testing.assert_allclose(place.get(getattr(found, name)), value, atol=1e-9, err_msg=name)
    np.testing.assert_array_equal(place.get(fragment.visited), here.recall_sequence([cues[1:4]], 2).visited)
    np.testing.assert_array_equal(place.get(single.visited), expected.visited[1])


@pytest.mark.parametrize("backend", ["numpy", "torch", "cupy:1"])
def test_the_other_door_gives_numpy(backend, fake_cupy):
    if backend == "torch":
        pytest.importorskip("torch")
    expected = SequenceMemory(order=2).fit(PATTERNS).recall_sequence(CUES, 9)
    with fake_cupy():
        memory = SequenceMemory(order=2, backend=backend).partial_fit(PATTERNS[:6]).fit(PATTERNS)
        found = memory.recall_sequence(CUES, 9)
        assert memory.score(PATTERNS) == 1.0
        pickled = pickle.dumps(memory)
    for name, value in entries(expected).items():
        assert type(entries(found)[name]) is np.ndarray
        np.testing.assert_array_equal(entries(found)[name], value)
    np.testing.assert_array_equal(pickle.loads(pickled).predict(CUES), NEXT)


def test_in_a_pipeline_of_real_data():
    pd = pytest.importorskip("pandas")
    X = np.random.default_rng(0).standard_normal((10, 80))
    frame = pd.DataFrame(X).add_prefix("unit")
    pipeline = make_pipeline(BipolarEncoder("median"), SequenceMemory()).fit(frame)
    codes = pipeline[0].transform(frame)
    np.testing.assert_array_equal(pipeline.predict(frame), np.roll(codes, -1, axis=0))
    assert pipeline.score(frame) == 1.0
    memory = SequenceMemory(order=2).fit([frame[:5], frame[5:]])
    assert memory.feature_names_in_[0] == "unit0"
    np.testing.assert_array_equal(memory.recall_sequence(frame[:1], 4).visited[0], np.arange(5))
    np.testing.assert_array_equal(memory.recall_sequence(frame.iloc[0], 4).visited, np.arange(5))
    with pytest.raises(ValueError, match="feature names"):
        memory.predict(frame.rename(columns={"unit0": "other"}))


# ----------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("parameters", "data", "error", "message"),
    [
        (
            {"memory": HopfieldNetwork()},
            {},
            TypeError,
            "cannot associate patterns with those that follow; expected",
        ),
        ({"memory": "hebbian"}, {}, TypeError, "expected a memory with target='y'"),
        ({"memory": HebbianMemory}, {}, TypeError, "expected a memory with target='y'"),
        ({"order": 0}, {}, ValueError, "order"),
        ({"cyclic": "yes"}, {}, ValueError, "cyclic"),
        ({"noise": 2.0}, {}, ValueError, "noise"),
        ({"cyclic": False}, {"X": PATTERNS[:1]}, ValueError, "1 sample.*expected a sequence of at least two"),
        ({"cyclic": False}, {"groups": range(12)}, ValueError, "each of 12 sequences has 1 sample"),
        ({}, {"groups": range(11)}, ValueError, "groups has 11 labels; expected 12, one for each row of X"),
        ({}, {"groups": "abcdefghijkl"}, ValueError, "groups is 'abcdefghijkl'; expected a list of 12"),
        ({}, {"groups": np.zeros((12, 1))}, ValueError, r"groups has shape \(12, 1\); expected a list"),
        ({}, {"groups": [None] * 12}, ValueError, "groups has a label that is missing"),
        ({}, {"groups": [np.nan] * 12}, ValueError, "groups has a label that is missing"),
        ({}, {"groups": [{}] * 12}, ValueError, "groups has a label that cannot be one"),
        ({}, {"X": [PATTERNS[:3], PATTERNS[3:]], "groups": "abc"}, ValueError, "expected a list of 12 labels"),
        (
            {},
            {"X": [PATTERNS[:3], PATTERNS[3:]], "groups": [1, 2, 3]},
            ValueError,
            "expected 12, .* or 2, one for each",
        ),
        ({}, {"X": [PATTERNS, PATTERNS[:, :7]]}, ValueError, "7 features, but SequenceMemory is expecting 400"),
        ({}, {"X": PATTERNS[0]}, ValueError, "Expected 2D array"),
        ({}, {"X": np.full((3, 4), np.inf)}, ValueError, "infinity"),
        ({}, {"X": []}, ValueError, "Found a list of 0 sequences; expected at least one, a table"),
        ({}, {"X": np.zeros((0, 3, N_UNITS))}, ValueError, "Found an ndarray of 0 sequences"),
        ({}, {"X": [PATTERNS, PATTERNS[0]]}, ValueError, r"Expected 2D array, .*found shape \(400,\) at place 1"),
        ({}, {"X": [PATTERNS, []]}, ValueError, r"found shape \(0,\) at place 1"),
    ],
)
def test_bad_input_is_refused_and_changes_nothing(parameters, data, error, message):
    memory = SequenceMemory().fit(PATTERNS).set_params(**parameters)
    before = dict(vars(memory))
    with pytest.raises(error, match=message):
        memory.fit(**{"X": PATTERNS} | data)
    assert all(vars(memory)[name] is value for name, value in before.items())


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda memory: memory.partial_fit(PATTERNS, groups=[0] * 12), ValueError, "label 0, which SequenceMemory has"),
        (lambda memory: memory.partial_fit(PATTERNS[:, :5]), ValueError, "expecting 400 features"),
        (lambda memory: memory.partial_fit([]), ValueError, "a list of 0 sequences"),
        (lambda memory: memory.score([]), ValueError, "Found a list of 0 sequences"),
        (lambda memory: memory.recall_sequence(()), ValueError, "Found a tuple of 0 sequences"),
        (lambda memory: memory.set_params(memory="x").partial_fit(PATTERNS), TypeError, "memory='x' cannot associate"),
        (
            lambda memory: memory.set_params(order=2).partial_fit(PATTERNS),
            ValueError,
            "partial_fit goes on with order=1, but found order=2; call fit to start anew",
        ),
        (
            lambda memory: memory.set_params(memory=HebbianMemory()).partial_fit(PATTERNS),
            ValueError,
            r"partial_fit goes on with memory=None, but found memory=HebbianMemory\(\); call fit",
        ),
        (lambda memory: memory.predict(PATTERNS[:, :6]), ValueError, "6 features, but"),
        (lambda memory: memory.recall_sequence(PATTERNS[0, :7]), ValueError, "7 features, but"),
        (lambda memory: memory.recall_sequence(PATTERNS[0], -1), ValueError, "n_steps"),
        (lambda memory: memory.recall_sequence(PATTERNS[0], 1.5), TypeError, "n_steps"),
        (lambda memory: memory.recall_sequence(PATTERNS[0], 5, max_steps=4), ValueError, "5 <= max_steps"),
        (lambda memory: memory.recall_sequence(np.full(N_UNITS, np.inf)), ValueError, "infinity"),
        (lambda memory: memory.set_params(cyclic=False).score(PATTERNS[:1]), ValueError, "no step to score"),
        (lambda memory: memory.set_params(tolerance=-1).score(PATTERNS), ValueError, "tolerance"),
    ],
)
def test_bad_calls_are_refused_and_change_nothing(call, error, message):
    memory = SequenceMemory().fit(PATTERNS)
    before = {name: value for name, value in vars(memory).items() if name.endswith("_")}
    with pytest.raises(error, match=message):
        call(memory)
    assert all(vars(memory)[name] is value for name, value in before.items())


def test_pieces_need_a_memory_that_takes_them():
    assert not hasattr(SequenceMemory(KernelMemory()), "partial_fit")
    with pytest.raises(AttributeError, match="has no attribute 'partial_fit': .* partial_fit where its memory has it"):
        SequenceMemory(KernelMemory()).partial_fit(PATTERNS)

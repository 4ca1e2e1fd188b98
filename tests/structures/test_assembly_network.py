"""AssemblyNetwork: the operations of the calculus, with bounds that all of twenty seeds kept; names and bad input."""

import itertools

import numpy as np
import pytest

from skamem.structures import AssemblyNetwork

overlap = AssemblyNetwork.overlap


@pytest.fixture
def brain():
    brain = AssemblyNetwork(random_state=0)
    for area in "ABC":
        brain.add_area(area)
    for name in ("x", "y"):
        brain.add_stimulus(name)
    return brain


# --------------------------------------------------------------------------------------------------- the operations


def test_projections_rest_stay_apart_and_come_back(brain):
    x, y = brain.project("x", "A"), brain.project("y", "A")
    assert len(x) == len(y) == 45
    assert overlap(x, y) < 0.2  # chance: 0.02
    assert overlap(brain.project("x", "A", learn=False), x) > 0.95
    rng = np.random.default_rng(0)
    assert overlap(brain.complete("A", rng.permutation(x)[:22]), x) > 0.9


def test_a_stimulus_that_shares_inputs_leads_to_an_assembly_that_shares_neurons(brain):
    brain.add_stimulus("near", like="x", similarity=0.8)
    brain.add_stimulus("far", like="x", similarity=0.2)
    assert len(np.intersect1d(brain.firing("near"), brain.firing("x"))) == 40
    assert len(np.intersect1d(brain.firing("far"), brain.firing("x"))) == 10
    x = brain.project("x", "A", 5)
    near, far = (overlap(brain.project(name, "A", learn=False), x) for name in ("near", "far"))
    assert near > 0.5
    assert near > far + 0.3


def test_association_raises_overlap(brain):
    x, y = brain.project("x", "A", 5), brain.project("y", "A", 5)
    assert overlap(x, y) < 0.2
    for _ in range(2):
        both = brain.associate("x", "y", "A", 5)
    x, y = brain.project("x", "A", learn=False), brain.project("y", "A", learn=False)
    assert overlap(x, y) > 0.5
    assert min(overlap(x, both), overlap(y, both)) > 0.5


def test_either_parent_recalls_a_merged_assembly(brain):
    brain.project("x", "A")
    brain.project("y", "B")
    merged = brain.merge("A", "B", "C")
    for stimulus, area in (("x", "A"), ("y", "B")):
        brain.project(stimulus, area, learn=False)
        assert overlap(brain.project(area, "C", learn=False), merged) > 0.9


def test_a_reciprocal_projection_leads_there_and_back(brain):
    a, b = brain.reciprocal_project("x", "A", "B")
    brain.set_firing("B", b)
    assert overlap(brain.project("B", "A", learn=False), a) > 0.9
    assert overlap(brain.project("A", "B", learn=False), b) > 0.9


# ------------------------------------------------------------------------------------------------------------- laws


def test_synapses_neither_come_nor_go_and_do_not_fall(brain):
    pairs = [("x", "A"), ("A", "A"), ("A", "B")]
    before = [brain.weights(*pair) for pair in pairs]
    brain.project("x", "A")
    brain.project("A", "B")
    for pair, drawn in zip(pairs, before, strict=True):
        learnt = brain.weights(*pair)
        np.testing.assert_array_equal(learnt.indices, drawn.indices)
        assert np.all(drawn.data == 1.0)
        assert learnt.data.min() == 1.0
        assert 1.0 < learnt.data.max() <= 2.0
    assert brain.weights("A", "A").diagonal().max() == 0.0


def test_recall_changes_nothing(brain):
    brain.project("x", "A")
    before = [brain.weights(*pair).data for pair in [("x", "A"), ("A", "A")]]
    brain.project("y", "A", learn=False)
    brain.complete("A", [1, 2, 3])
    for data, pair in zip(before, [("x", "A"), ("A", "A")], strict=True):
        np.testing.assert_array_equal(brain.weights(*pair).data, data)


def test_graphs_depend_on_the_seed_and_the_names_only():
    def make(seed, order):
        brain = AssemblyNetwork(random_state=seed)
        for area in order:
            brain.add_area(area, 100)
        brain.add_stimulus("x")
        return brain

    first, other = make(0, "AB"), make(0, "BA")
    other.project("x", "B", 3)
    np.testing.assert_array_equal(first.firing("x"), other.firing("x"))
    np.testing.assert_array_equal(first.project("x", "A"), make(0, "BA").project("x", "A"))
    np.testing.assert_array_equal(first.weights("A", "B").indices, other.weights("A", "B").indices)
    assert not np.array_equal(first.weights("A", "B").indices, first.weights("B", "A").indices)
    assert not np.array_equal(first.weights("A", "B").indices, make(1, "AB").weights("A", "B").indices)


def test_rounds_say_who_fired(brain):
    rounds = brain.fire([("x", "A"), ("A", "A")], 20)
    caps = [each["A"] for each in rounds]
    assert all(len(cap) == 45 for cap in caps)
    np.testing.assert_array_equal(caps[-1], caps[-2])  # at rest, so it ended
    np.testing.assert_array_equal(caps[-1], brain.firing("A"))
    assert overlap(caps[0], caps[-1]) < 1.0
    assert brain.fire([], 3) == []


def test_all_areas_decide_at_once():
    brain = AssemblyNetwork(random_state=0)
    for area in "AB":
        brain.add_area(area, 200)
    brain.add_stimulus("x")
    rounds = brain.fire([("x", "A"), ("A", "B")], 2)
    assert len(rounds[0]["B"]) == 0  # A was silent before the first round
    assert len(rounds[1]["B"]) == 14


def test_overlap():
    assert overlap([1, 2, 3, 4], [3, 4, 5, 6]) == 0.5
    assert overlap([1, 2], [1, 2, 3, 4]) == 0.5
    assert overlap([], []) == overlap([], [1]) == 0.0
    assert overlap([2, 1, 1], [1, 2]) == 1.0
    assert overlap(np.asarray([True, False, True]), np.asarray([True, True, False])) == 0.5


def test_masks_say_the_same_as_numbers(brain):
    x = brain.project("x", "A")
    mask = np.isin(np.arange(2000), x[:20])
    np.testing.assert_array_equal(brain.complete("A", mask), brain.complete("A", x[:20]))
    assert repr(brain) == "AssemblyNetwork(areas=['A', 'B', 'C'], stimuli=['x', 'y'])"


@pytest.mark.parametrize("paths", ["xA", ("x", "A"), None, [("x", "A", "B")], [(["x"], "A")], 3], ids=repr)
def test_paths_that_are_no_pairs_are_refused(paths, brain):
    with pytest.raises(TypeError, match="expected pairs"):
        brain.fire(paths)


# -------------------------------------------------------------------------------------------------------- odd input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda brain: brain.project("z", "A"), "'z' is unknown; expected one of"),
        (lambda brain: brain.project("x", "y"), "'y' is a stimulus; expected an area, of"),
        (lambda brain: brain.project("A", "A"), "'A' cannot project into itself"),
        (lambda brain: brain.merge("A", "B", "C"), "Nothing fires in 'A'"),
        (lambda brain: brain.project("A", "B"), "Nothing fires in 'A'"),
        (lambda brain: brain.add_area("A"), "name='A' is taken"),
        (lambda brain: brain.add_stimulus("A"), "name='A' is taken"),
        (
            lambda brain: brain.add_area("D", 10, n_active=11),
            "n_active=11 neurons cannot fire in an area of n_neurons=10",
        ),
        (lambda brain: brain.add_area("D", 0), "n_neurons=0 is out of range"),
        (lambda brain: brain.add_stimulus("z", 1001), "n_active=1001 needs 1001 inputs of the 1000 left"),
        (lambda brain: brain.add_stimulus("z", like="A"), "like='A' is an area"),
        (lambda brain: brain.add_stimulus("z", like="x", similarity=1.5), "similarity=1.5 is out of range"),
        (lambda brain: brain.set_firing("A", [2000]), r"not all whole numbers in \[0, 2000\)"),
        (lambda brain: brain.set_firing("A", [0.5]), r"not all whole numbers in \[0, 2000\)"),
        (lambda brain: brain.set_firing("x", [1]), "'x' is a stimulus"),
        (lambda brain: brain.fire([("x", "A")], 0), "n_rounds=0 is out of range"),
        (lambda brain: AssemblyNetwork(p=2.0), "p=2.0 is out of range"),
    ],
    ids=itertools.count(),
)
def test_bad_input_is_refused_in_words(call, message, brain):
    with pytest.raises(ValueError, match=message):
        call(brain)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_no_synapses_and_all_synapses(p):
    brain = AssemblyNetwork(p=p, random_state=0)
    brain.add_area("A", 50)
    brain.add_stimulus("x")
    assert len(brain.project("x", "A")) == (7 if p else 0)
    assert len(brain.complete("A", [])) == 0


def test_a_part_may_be_a_single_neuron_or_all(brain):
    x = brain.project("x", "A")
    assert len(brain.complete("A", x[:1])) == 45
    assert len(brain.complete("A", np.arange(2000))) == 45

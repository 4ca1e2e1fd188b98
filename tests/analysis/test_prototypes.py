"""Votes and decisive memories against brute force, in blocks, on all backends."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.datasets import load_digits

from skamem import DenseAMClassifier
from skamem.analysis import decisive_memories, votes_per_memory
from skamem.core.interactions import INTERACTIONS, resolve_interaction

X, Y = load_digits(return_X_y=True)
X, Y = X[:300] / 16, Y[:300]


def memory_of(**settings):
    return DenseAMClassifier(**({"n_memories": 20, "max_iter": 10, "random_state": 0} | settings)).fit(X, Y)


@pytest.mark.parametrize("threshold", [0, 0.5, 0.9])
def test_votes_are_counted_one_by_one(threshold):
    memory = memory_of()
    votes = votes_per_memory(memory, threshold=threshold)
    for units, votes_for, votes_against in zip(memory.recognition_, votes.votes_for, votes.votes_against):
        bar = threshold * max(abs(u) for u in units)
        assert votes_for == sum(u > bar for u in units)
        assert votes_against == sum(-u > bar for u in units)
    assert votes.histogram().sum() == 20
    assert votes.histogram() @ np.arange(11) == votes.votes_for.sum()
    assert votes.single_share == votes.histogram()[1] / 20


def test_memories_of_zeros_vote_for_nothing():
    memory = memory_of()
    memory.recognition_ = 0 * memory.recognition_
    votes = votes_per_memory(memory)
    assert not votes.votes_for.any()
    assert not votes.votes_against.any()
    assert not decisive_memories(memory, X).counts.any()


def terms(memory, row, code):
    """What each memory adds to the potential of a class, written out."""
    interaction, T = resolve_interaction(memory.interaction, memory.degree), memory.temperature_
    U, found = memory.recognition_, []
    for visible, bias, units in zip(memory.memories_, memory.intercept_, U):
        z = np.asarray((row - memory.offset_) @ visible + bias)
        if memory.readout == "linear":
            found.append(2 / T * interaction.slope(z / T) * units[code])
        else:
            z = (z - units.sum()) / T
            found.append(interaction.energy(z + 2 * units[code] / T) - interaction.energy(z))
    return np.asarray(found)


@pytest.mark.parametrize("readout", ["exact", "linear"])
@pytest.mark.parametrize("interaction", INTERACTIONS)
@pytest.mark.parametrize("share", [0.5, 0.9, 1])
def test_decisive_memories_are_counted_one_by_one(readout, interaction, share):
    memory = memory_of(readout=readout, interaction=interaction)
    found = decisive_memories(memory, X[:30], share=share)
    for row, label, count in zip(X, memory.predict(X), found.counts):
        contributions = terms(memory, row, label)
        assert count == np.sum((contributions >= share * contributions.max()) & (contributions > 0))
    assert found.histogram().sum() == 30
    assert found.single_share == np.mean(found.counts == 1)
    assert share < 1 or np.all(found.counts == 1)


def test_degree_100_in_float32_has_decisive_memories():
    memory = memory_of(degree=100)
    small = DenseAMClassifier(20, degree=100, max_iter=10, random_state=0).fit(X.astype("f"), Y)
    for name in ("memories_", "intercept_", "recognition_", "offset_", "scale_"):
        setattr(small, name, getattr(memory, name).astype("f"))
    small.temperature_ = memory.temperature_
    rows = 80 * X[:50]
    assert np.max(terms(memory, rows[0], memory.predict(rows)[0])) > np.finfo("f").max, "or the test is too easy"
    assert_array_equal(decisive_memories(small, rows.astype("f")).counts, decisive_memories(memory, rows).counts)


def test_high_degrees_make_prototypes():
    # Figure 3 of the paper, on digits. Seeds change the shares of votes by .02, those of single deciders by .03.
    digits, labels = load_digits(return_X_y=True)
    digits = digits / 16
    voting, deciding = {}, {}
    for degree, init in ((2, "random"), (3, "random"), (20, "data"), (30, "data")):
        memory = DenseAMClassifier(100, degree=degree, init=init, max_iter=60, random_state=0)
        memory.fit(digits[:900], labels[:900])
        voting[degree] = votes_per_memory(memory).single_share
        deciding[degree] = decisive_memories(memory, digits[900:]).single_share
    assert max(voting[2], voting[3]) < 0.2 < 0.8 < min(voting[20], voting[30])
    assert deciding[2] + 0.05 < deciding[3] + 0.03 < min(deciding[20], deciding[30])


def test_the_answer_does_not_depend_on_blocks():
    memory = memory_of()
    whole = decisive_memories(memory, X)
    with config_context(working_memory=0.1):
        assert_array_equal(decisive_memories(memory, X).counts, whole.counts)


def test_a_memory_and_the_network_it_is_have_the_same_decisive_memories():
    memory = memory_of()
    # The dual has one memory more; it carries constants, which are 0 here.
    assert_array_equal(decisive_memories(memory.to_mlp(), X).counts, decisive_memories(memory, X).counts)
    assert_array_equal(votes_per_memory(memory.to_mlp()).votes_for[:20], votes_per_memory(memory).votes_for)


@pytest.mark.parametrize("readout", ["exact", "linear"])
def test_backends_agree(place, dispatched, readout):
    memory = memory_of(readout=readout)
    expected = decisive_memories(memory, X).counts, votes_per_memory(memory).votes_for
    with dispatched():
        other = DenseAMClassifier(20, readout=readout, max_iter=1, random_state=0).fit(place.put(X), place.put(Y))
        for name in ("memories_", "intercept_", "recognition_", "offset_", "scale_"):
            setattr(other, name, place.put(getattr(memory, name)))
        other.temperature_ = memory.temperature_
        found = decisive_memories(other, place.put(X)).counts, votes_per_memory(other).votes_for
    for one, two in zip(found, expected):
        assert isinstance(one, np.ndarray)
        assert_array_equal(one, two)


def test_frames():
    pytest.importorskip("pandas")
    memory = memory_of()
    votes, decisive = votes_per_memory(memory), decisive_memories(memory, X)
    assert_array_equal(votes.to_frame()[["votes_for", "votes_against"]], np.c_[votes.votes_for, votes.votes_against])
    assert_array_equal(decisive.to_frame()["decisive"], decisive.counts)


def test_bad_options_are_named():
    with pytest.raises(ValueError, match="threshold=1 is out of range"):
        votes_per_memory(memory_of(), threshold=1)
    with pytest.raises(ValueError, match="share=0 is out of range"):
        decisive_memories(memory_of(), X, share=0)

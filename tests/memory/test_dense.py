"""DenseMemory: storing and forgetting, degree 2, capacity, pairs, temperature, and energies that overflow."""

import numpy as np
import pytest
from sklearn.base import clone

from skamem import DenseMemory, HopfieldNetwork, MemoryClassifier
from skamem.core.interactions import INTERACTIONS, RectifiedPolynomial
from skamem.datasets import corrupt, make_patterns

pytestmark = pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")  # many patterns, low degrees

PATTERNS = make_patterns(30, 60, random_state=0)
CUES = corrupt(PATTERNS, "flip", 0.1, random_state=1)


@pytest.mark.parametrize("interaction", ["polynomial", "rectified_polynomial", "exponential"])
@pytest.mark.parametrize("update", ["sync", "async"])
@pytest.mark.parametrize("coding", ["bipolar", "binary"])
def test_many_patterns_are_recalled(interaction, update, coding):
    low = 0.0 if coding == "binary" else -1.0
    patterns, cues = (np.where(X > 0, 1.0, low) for X in (PATTERNS, CUES))
    memory = DenseMemory(interaction, update=update).fit(patterns)
    np.testing.assert_array_equal(memory.predict(cues), patterns)


@pytest.mark.parametrize("update", ["sync", "async"])
def test_degree_two_recalls_as_a_hopfield_network(update):
    patterns = make_patterns(8, 60, random_state=0)
    dense = DenseMemory(degree=2, update=update, random_state=0).fit(patterns)
    hopfield = HopfieldNetwork(update=update, random_state=0).fit(patterns)
    cues = corrupt(np.tile(patterns, (20, 1)), "flip", 0.35, random_state=0)
    for name, value in vars(hopfield.recall(cues)).items():
        np.testing.assert_array_equal(getattr(dense.recall(cues), name), value)
    np.testing.assert_allclose(dense.energy(cues), 60 * 2 * hopfield.energy(cues) - 60 * 8)
    for memory in (dense, hopfield):
        memory.set_params(n_recall_steps=3)
    options = {"order": "random", "random_state": 0}
    np.testing.assert_array_equal(dense.recall(cues, **options).states, hopfield.recall(cues, **options).states)


def test_higher_degrees_hold_more():
    patterns = make_patterns(100, 50, random_state=0)  # two patterns a unit
    stable = [np.mean(DenseMemory(degree=n).fit(patterns).predict(patterns) == patterns) for n in (2, 3, 4)]
    assert stable[0] < 0.9 < stable[1] <= stable[2] == 1.0


def test_even_degrees_store_the_complement_and_odd_ones_do_not():
    for interaction, degree, stored in [("polynomial", 4, True), ("polynomial", 3, False), ("exponential", 3, False)]:
        memory = DenseMemory(interaction, degree=degree).fit(PATTERNS)
        assert np.array_equal(memory.predict(-PATTERNS), -PATTERNS) is stored


@pytest.mark.parametrize("target", ["self", "y"])
def test_storing_in_pieces_is_storing_at_once(target):
    Y = make_patterns(30, 12, random_state=2) if target == "y" else None
    together = DenseMemory(target=target, random_state=0).fit(PATTERNS, Y)
    apart = clone(together)
    for rows in (slice(0, 1), slice(1, 20), slice(20, 30)):
        apart.partial_fit(PATTERNS[rows], None if Y is None else Y[rows])
    np.testing.assert_array_equal(apart.patterns_, together.patterns_)
    np.testing.assert_array_equal(apart.predict(CUES), together.predict(CUES))
    if target == "y":
        np.testing.assert_array_equal(together.predict(CUES), Y)


def test_forgetting_undoes_storing():
    patterns = np.vstack([PATTERNS, PATTERNS[:2]])  # the first two are stored twice
    memory = DenseMemory(random_state=0).fit(patterns)
    memory.forget(PATTERNS[[0, 29]])
    kept = DenseMemory(random_state=0).fit(np.delete(patterns, [0, 29], axis=0))
    np.testing.assert_array_equal(memory.patterns_, kept.patterns_)
    np.testing.assert_array_equal(memory.pattern_sum_, kept.pattern_sum_)
    assert (memory.n_patterns_, memory.total_weight_) == (30, 30.0)
    before = dict(vars(memory))
    for gone, message in [
        (PATTERNS[29:], "not stored"),
        (PATTERNS[[1, 1, 1]], "not as often"),
        (kept.patterns_, "No pattern"),
    ]:
        with pytest.raises(ValueError, match=message):
            memory.forget(gone)
        assert vars(memory) == before
    assert not hasattr(DenseMemory(target="y"), "forget")


def test_a_weight_counts_a_pattern_so_often():
    weight = np.arange(30) % 3
    weighted = DenseMemory(random_state=0).fit(PATTERNS, sample_weight=weight)
    repeated = DenseMemory(random_state=0).fit(np.repeat(PATTERNS, weight, axis=0))
    noise = np.random.default_rng(0).choice([-1.0, 1.0], (50, 60))
    np.testing.assert_allclose(weighted.energy(noise), repeated.energy(noise))
    np.testing.assert_array_equal(weighted.predict(noise), repeated.predict(noise))


@pytest.mark.parametrize("interaction", INTERACTIONS)
@pytest.mark.parametrize("order", ["shared", "random"])
def test_recall_goes_downhill(interaction, order):
    memory = DenseMemory(interaction).fit(PATTERNS)
    starts = np.random.default_rng(0).choice([-1.0, 1.0], (40, 60))
    recall = memory.recall(starts, order=order, random_state=0)
    assert recall.converged.all()
    assert np.all(memory.energy(recall.states) <= memory.energy(starts))
    assert np.any(recall.states != starts)


def test_an_interaction_of_the_users_own_serves():
    own = DenseMemory(RectifiedPolynomial(3)).fit(PATTERNS)
    named = DenseMemory("rectified_polynomial", degree=3).fit(PATTERNS)
    np.testing.assert_array_equal(own.energy(CUES), named.energy(CUES))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_exponentials_of_many_units_do_not_overflow(dtype):
    patterns = make_patterns(50, 1000, random_state=0).astype(dtype)
    memory = DenseMemory("exponential", random_state=0).fit(patterns)
    cues = corrupt(patterns, "flip", 0.3, random_state=0)
    np.testing.assert_array_equal(memory.predict(cues), patterns)
    np.testing.assert_allclose(memory.energy(patterns), -1000, rtol=1e-6)  # its logarithm
    with pytest.raises(ValueError, match="energies are known by their logarithm only; expected temperature=0"):
        memory.recall(cues, temperature=1.0)
    assert memory.predict(cues).dtype == patterns.dtype


def test_temperature_melts_a_memory():
    memory = DenseMemory(n_recall_steps=5).fit(PATTERNS)
    depth = -memory.energy(PATTERNS).mean()
    cold, hot = (memory.recall(CUES, temperature=t * depth, random_state=0).states for t in (1e-3, 1e3))
    np.testing.assert_array_equal(cold, PATTERNS)
    assert 0.4 < np.mean(hot == PATTERNS) < 0.6
    assert memory.sample(3, temperature=1.0, n_steps=2, random_state=0).shape == (3, 60)


@pytest.mark.parametrize("missing", ["free", "clamp"])
def test_unknown_units_are_filled_in_among_many_patterns(missing):
    cues = corrupt(PATTERNS, "mask", 0.5, random_state=0)
    recall = DenseMemory(missing=missing).fit(PATTERNS).recall(cues)
    np.testing.assert_array_equal(recall.states, PATTERNS)
    assert not recall.unresolved.any()


def test_patterns_with_unknown_units_are_stored_as_far_as_they_are_known():
    patterns = PATTERNS.copy()
    patterns[:, 0] = np.nan
    memory = DenseMemory().fit(patterns)
    recall = memory.recall(CUES)
    np.testing.assert_array_equal(recall.states[:, 1:], PATTERNS[:, 1:])
    unknown = np.full((1, 60), np.nan)
    assert memory.recall(unknown).unresolved[0, 0]


def test_a_classifier_may_have_a_dense_memory():
    y = np.arange(30) % 3
    classifier = MemoryClassifier(DenseMemory(target="y")).fit(PATTERNS, y)
    np.testing.assert_array_equal(classifier.predict(CUES), y)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"interaction": "cubic"}, ValueError, "interaction='cubic' is unknown"),
        ({"degree": 0.5}, ValueError, "degree=0.5"),
        ({"degree": 2.5}, ValueError, "Polynomial needs an integer degree"),
        ({"interaction": np.exp}, TypeError, "has no `energy` and `slope` methods"),
        ({"target": "x"}, ValueError, "target='x'"),
    ],
)
def test_bad_parameters_are_refused(parameters, error, message):
    with pytest.raises(error, match=message):
        DenseMemory(**parameters).fit(PATTERNS)


def test_pairs_have_no_feedback_to_randomise():
    memory = DenseMemory(target="y").fit(PATTERNS, PATTERNS[:, :4])
    for call in (
        lambda: memory.recall(CUES, order="random"),
        lambda: memory.recall(CUES, temperature=1.0),
        memory.sample,
    ):
        with pytest.raises(ValueError, match="recalls in one pass, without feedback: .* expected target='self'"):
            call()


@pytest.mark.parametrize("update", ["sync", "async"])
@pytest.mark.parametrize(
    ("interaction", "degree", "n_units"),
    [("exponential", 3, 90), ("exponential", 3, 600), ("polynomial", 15, 784), ("rectified_polynomial", 40, 784),
     ("polynomial", 100, 1000), ("logcosh", 3, 200), ("softplus", 3, 200), ("polynomial", 2, 60)],
)  # fmt: skip
def test_float32_recalls_as_float64(interaction, degree, n_units, update):
    patterns = make_patterns(15, n_units, random_state=0)
    cues = corrupt(np.tile(patterns, (4, 1)), "flip", 0.25, random_state=1)
    cues[::5] = corrupt(cues[::5], "erase", 0.3, random_state=2)
    recalled = [
        DenseMemory(interaction, degree=degree, update=update, random_state=0)
        .fit(patterns.astype(dtype))
        .recall(cues.astype(dtype))
        for dtype in (np.float64, np.float32)
    ]
    assert recalled[1].states.dtype == np.float32
    np.testing.assert_array_equal(recalled[0].states, recalled[1].states)
    np.testing.assert_array_equal(recalled[0].converged, recalled[1].converged)


@pytest.mark.parametrize("bad", [[[0.5, -0.3, 0.1]], [[0.0, 1.0, -1.0]], [[2.0, 1.0, 1.0]]])
def test_inputs_without_a_threshold_are_two_valued(bad):
    Y = [[1.0, -1.0]]
    with pytest.raises(ValueError, match=r"DenseMemory\(binarize=None\) expects two-valued"):
        DenseMemory(target="y", binarize=None).fit(bad, Y)
    with pytest.raises(ValueError, match=r"DenseMemory\(binarize=None\) expects two-valued"):
        DenseMemory(target="y", binarize=None).fit([[1.0, 1.0, -1.0]], Y).predict(bad)
    with pytest.raises(ValueError, match=r"DenseMemory\(binarize=None\) expects two-valued"):
        DenseMemory(binarize=None).fit(bad)


@pytest.mark.parametrize("codings", [("bipolar", "binary"), ("binary", "bipolar"), ("binary", "binary")])
def test_pairs_without_a_threshold_may_have_two_codings(codings):
    X, Y = make_patterns(5, 40, random_state=0), make_patterns(5, 12, random_state=1)
    low = [0.0 if coding == "binary" else -1.0 for coding in codings]
    given = np.where(X > 0, 1.0, low[0]), np.where(Y > 0, 1.0, low[1])
    memory = DenseMemory(target="y", binarize=None).fit(*given)
    np.testing.assert_array_equal(memory.predict(given[0]), given[1])

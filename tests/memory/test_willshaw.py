"""WillshawMemory: the laws of binary weights, the same in every form of storage."""

import itertools
import math
import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn import config_context

from skamem import WillshawMemory
from skamem.datasets import make_patterns
from skamem.exceptions import CapacityWarning

STORAGES = ["sparse", "packed", "dense"]
THRESHOLDS = ["match", "winners", 3]
every_storage = pytest.mark.parametrize("storage", STORAGES)
overload = pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")


def sparse_patterns(n_patterns, n_units, n_active, random_state=0):
    """Random binary patterns with exactly `n_active` active units."""
    rank = np.random.RandomState(random_state).random_sample((n_patterns, n_units)).argsort(axis=1).argsort(axis=1)
    return np.where(rank < n_active, 1.0, 0.0)


def parts_of(patterns, share=0.5, random_state=100):
    """Cues: each active unit is kept with probability `share`; a pattern without any keeps all."""
    kept = patterns * (np.random.RandomState(random_state).random_sample(patterns.shape) < share)
    return np.where(kept.any(axis=1, keepdims=True), kept, patterns)


def dense(array):
    return array.toarray() if scipy.sparse.issparse(array) else array


PATTERNS = sparse_patterns(60, 80, 5)
CUES = parts_of(PATTERNS)


# ------------------------------------------------------------------------------------------------- the weights


@every_storage
@pytest.mark.parametrize("target", ["self", "y"])
def test_a_synapse_is_on_if_its_units_were_active_together(storage, target):
    Y = sparse_patterns(60, 21, 3, random_state=1)
    memory = WillshawMemory(target=target, storage=storage).fit(PATTERNS, Y)
    expected = np.any(PATTERNS[:, :, None] * (Y if target == "y" else PATTERNS)[:, None, :], axis=0)
    np.testing.assert_array_equal(dense(memory.weights_), expected)
    assert memory.density_ == expected.mean()
    assert memory.storage_ == storage
    if target == "self":
        np.testing.assert_array_equal(dense(memory.weights_), dense(memory.weights_).T)


@pytest.mark.parametrize("storage", ["auto", *STORAGES])
@pytest.mark.parametrize("working_memory", [1024, 1e-6])
def test_storing_in_pieces_is_storing_at_once(storage, working_memory):
    whole = WillshawMemory(storage=storage).fit(PATTERNS)
    with config_context(working_memory=working_memory):
        pieces = WillshawMemory(storage=storage)
        for rows in (slice(0, 1), slice(1, 20), slice(20, 60)):
            pieces.partial_fit(PATTERNS[rows])
    np.testing.assert_array_equal(dense(pieces.weights_), dense(whole.weights_))
    np.testing.assert_array_equal(pieces.pattern_sum_, whole.pattern_sum_)
    for name in ("storage_", "n_patterns_", "total_weight_", "fewest_active_", "coding_"):
        assert getattr(pieces, name) == getattr(whole, name)


def test_a_weight_says_whether_a_pattern_is_stored():
    weight = np.arange(60) % 3
    weighted = WillshawMemory().fit(PATTERNS, sample_weight=weight)
    repeated = WillshawMemory().fit(np.repeat(PATTERNS, weight, axis=0))
    np.testing.assert_array_equal(weighted.weights_, repeated.weights_)
    np.testing.assert_array_equal(weighted.pattern_sum_, repeated.pattern_sum_)
    assert weighted.total_weight_ == repeated.total_weight_


def test_storage_begins_sparse_and_packs_when_that_is_smaller():
    memory = WillshawMemory().fit(sparse_patterns(2, 200, 5))  # at most 50 of 40,000 synapses
    assert memory.storage_ == "sparse"
    assert memory.partial_fit(sparse_patterns(40, 200, 5, random_state=1)).storage_ == "packed"
    assert memory.density_ > 1 / 64


@every_storage
def test_storing_more_leaves_what_was_learnt_before_alone(storage):
    memory = WillshawMemory(storage=storage).fit(PATTERNS[:30])
    pickled, before = pickle.dumps(memory), dense(memory.weights_).copy()
    copy = pickle.loads(pickled)
    held = vars(memory).copy()
    memory.partial_fit(PATTERNS[30:])
    vars(memory).update(held)  # what a failed call does
    np.testing.assert_array_equal(dense(memory.weights_), before)
    np.testing.assert_array_equal(copy.predict(CUES), memory.predict(CUES))


# -------------------------------------------------------------------------------------------- the forms agree


@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize("missing", ["free", "clamp"])
@pytest.mark.parametrize("held", [False, True])
def test_all_forms_of_storage_and_of_cues_agree_bit_for_bit(threshold, missing, held):
    rng = np.random.RandomState(101)
    cues = np.where(rng.random_sample(PATTERNS.shape) < 0.03, 1 - CUES, CUES)
    cues = np.where(rng.random_sample(PATTERNS.shape) < 0.1, np.nan, cues)
    cues[0], cues[1] = 0.0, np.nan
    clamped = rng.random_sample(cues.shape) < 0.2 if held else None
    story = []
    for storage, container in itertools.product(STORAGES, [np.asarray, scipy.sparse.csr_array]):
        memory = WillshawMemory(threshold, storage=storage, missing=missing).fit(PATTERNS)
        recall = memory.recall(container(cues), clamped=clamped)
        story.append([dense(entry) for entry in vars(recall).values()] + [memory.field(container(cues))])
        assert memory.score(container(cues), PATTERNS) == np.mean(memory.predict(cues) == PATTERNS)
    for other in story[1:]:
        for found, expected in zip(other, story[0]):
            np.testing.assert_array_equal(found, expected)
            assert found.dtype == expected.dtype
    assert len(np.unique(story[0][1])) > 1  # steps: not all rows alike


def test_cycles_are_found_in_every_form():
    lengths = set()
    for seed in range(20):
        X, Y = sparse_patterns(12, 9, 2, 2 * seed), sparse_patterns(12, 9, 2, 2 * seed + 1)
        cues = make_patterns(40, 9, activity=0.4, coding="binary", random_state=seed)
        stories = []
        for storage in STORAGES:
            memory = WillshawMemory(2, target="y", storage=storage, n_recall_steps=25).fit(X, Y)
            recall = memory.set_params(target="self").recall(cues)  # an asymmetric net, fed back
            stories.append([recall.states, recall.n_steps, recall.cycle_length, recall.converged])
        for other in stories[1:]:
            for found, expected in zip(other, stories[0]):
                np.testing.assert_array_equal(found, expected)
        state = cues
        for _ in range(25):
            state = (state @ dense(memory.weights_) >= 2) * 1.0
        np.testing.assert_array_equal(stories[0][0], state)
        lengths |= set(stories[0][2].tolist())
    assert max(lengths) > 2


# -------------------------------------------------------------------------------------------------- the recall


@overload
@every_storage
@pytest.mark.parametrize("n_recall_steps", [1, 2, 100])
@pytest.mark.parametrize("same_size", [True, False])
def test_match_never_misses_a_stored_unit(storage, n_recall_steps, same_size):
    patterns = (
        sparse_patterns(150, 60, 6)
        if same_size
        else make_patterns(100, 60, activity=0.1, coding="binary", random_state=0)
    )
    memory = WillshawMemory(storage=storage, n_recall_steps=n_recall_steps).fit(patterns)
    assert memory.density_ > 0.5  # beyond what it is made for
    recalled = memory.predict(parts_of(patterns))
    assert np.all(recalled >= patterns)
    assert np.any(recalled > patterns)


def test_match_never_misses_an_associated_unit():
    Y = sparse_patterns(60, 21, 3, random_state=1)
    recalled = WillshawMemory(target="y").fit(PATTERNS, Y).predict(CUES)
    assert np.all(recalled >= Y)


def test_feedback_takes_false_units_away():
    patterns = sparse_patterns(441, 256, 8)  # a third of the synapses on
    cues = patterns * (np.cumsum(patterns, axis=1) <= 5)  # five of eight active units
    false = [
        np.sum(WillshawMemory(n_recall_steps=n_steps).fit(patterns).predict(cues) > patterns)
        for n_steps in (1, 2, 3, 100)
    ]
    assert false == sorted(false, reverse=True)
    assert false[-1] < 0.7 * false[0]


@pytest.mark.parametrize("storage", STORAGES)
def test_winners_have_the_largest_sums(storage):
    memory = WillshawMemory("winners", storage=storage, n_recall_steps=1).fit(PATTERNS)
    on, sums = memory.predict(CUES) == 1, memory.field(CUES)
    for row, (active, summed) in enumerate(zip(on, sums)):
        assert active.sum() >= 5, row  # as many as a pattern has; more if some tie
        assert summed[active].min() > summed[~active].max()
        assert (summed > summed[active].min()).sum() < 5
    memory.set_params(n_active=2)
    sums = np.sort(sums, axis=1)
    np.testing.assert_array_equal(memory.predict(CUES), memory.field(CUES) >= np.maximum(sums[:, -2:-1], 1))


@every_storage
def test_a_fixed_threshold_is_one(storage):
    memory = WillshawMemory(4, storage=storage, n_recall_steps=1).fit(PATTERNS)
    np.testing.assert_array_equal(memory.predict(CUES), memory.field(CUES) >= 4)
    np.testing.assert_array_equal(memory.field(CUES), CUES @ (PATTERNS.T @ PATTERNS > 0))


@pytest.mark.parametrize("threshold", ["winners", 4])
def test_a_converged_row_is_a_fixed_point(threshold):
    recall = WillshawMemory(threshold).fit(PATTERNS).recall(CUES)
    assert recall.converged.any()
    again = WillshawMemory(threshold, n_recall_steps=1).fit(PATTERNS).predict(recall.states[recall.converged])
    np.testing.assert_array_equal(again, recall.states[recall.converged])


@every_storage
@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_a_row_is_recalled_as_it_is_in_a_batch(storage, threshold):
    memory = WillshawMemory(threshold, storage=storage).fit(PATTERNS)
    recalled = memory.predict(CUES)
    with config_context(working_memory=1e-6):  # a row a block
        np.testing.assert_array_equal(memory.predict(CUES), recalled)
    for row in range(0, 60, 7):
        np.testing.assert_array_equal(memory.predict(CUES[row : row + 1])[0], recalled[row])


# ----------------------------------------------------------------------------------------------- unknown units


@every_storage
@pytest.mark.parametrize("target", ["self", "y"])
def test_a_cue_that_says_nothing_recalls_the_majority(storage, target):
    patterns = np.asarray([[1, 1, 0, 0, 0], [1, 0, 1, 0, 0], [1, 0, 0, 1, 0]])
    memory = WillshawMemory(target=target, storage=storage).fit(patterns, patterns)
    recall = memory.recall([[np.nan, 0, 0, np.nan, 0], [np.nan, 1, 0, 0, np.nan]])
    flags = [True, False, False, True, False] if target == "self" else [True] * 5
    assert recall.unresolved.tolist() == [flags, [False] * 5]
    np.testing.assert_array_equal(recall.states, [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0]])
    silent = memory.recall([[0, 0, 0, 0, 0]])
    np.testing.assert_array_equal(silent.states, [[0, 0, 0, 0, 0] if target == "self" else [1, 0, 0, 0, 0]])


@every_storage
def test_clamped_units_stay(storage):
    cues = np.where(np.random.RandomState(102).random_sample(PATTERNS.shape) < 0.3, np.nan, PATTERNS)
    known = ~np.isnan(cues)
    memory = WillshawMemory(storage=storage).fit(PATTERNS)
    assert np.any(memory.predict(cues)[known] != cues[known])
    recalled = memory.set_params(missing="clamp").predict(cues)
    np.testing.assert_array_equal(recalled[known], cues[known])
    assert np.all(recalled >= PATTERNS)


# --------------------------------------------------------------------------------------------- exact statistics


def false_one_rate(n_units, n_active, n_patterns, n_outputs=None):
    """Probability that a unit not of a stored pattern has a synapse from all its active units, by inclusion-exclusion.

    Of the m - 1 other patterns each leaves all of s given synapses on unit j off unless j is active and one of the s
    inputs is, too. Under autoassociation (no `n_outputs`) the inputs of j's patterns are drawn from the n - 1 others.
    """
    auto = n_outputs is None
    n, k = (n_units - 1, n_active - 1) if auto else (n_units, n_active)
    total = 0.0
    for s in range(n_active + 1):
        none_active = math.comb(n - s, k) / math.comb(n, k)
        left_off = 1.0 - n_active / (n_units if auto else n_outputs) * (1.0 - none_active)
        total += (-1) ** s * math.comb(n_active, s) * left_off ** (n_patterns - 1)
    return total


@pytest.mark.parametrize("target", ["self", "y"])
def test_false_ones_follow_the_exact_sum(target):
    # n = 128, k = 7, half of the synapses on. Means of 30 memories against the law; five standard errors, with 29
    # degrees of freedom: an error probability of 3e-5.
    n, k, m = 128, 7, 232
    rates = []
    for seed in range(30):
        X, Y = sparse_patterns(m, n, k, random_state=2 * seed), sparse_patterns(m, n, k, random_state=2 * seed + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CapacityWarning)
            memory = WillshawMemory(target=target, n_recall_steps=1).fit(X, Y)
        true = Y if target == "y" else X
        rates.append(np.sum(memory.predict(X) > true) / (m * (n - k)))
    law = false_one_rate(n, k, m, n if target == "y" else None)
    error = np.std(rates, ddof=1) / np.sqrt(30)
    assert error < 0.05 * law
    assert abs(np.mean(rates) - law) < 5 * error
    if target == "y":  # the usual approximation, of synapses that are on independently, is far too low
        assert (1 - (1 - k**2 / n**2) ** m) ** k < 0.7 * law


def test_the_fraction_of_ones_follows_its_law():
    # 1 - (1 - k²/n²)^m for pairs of independent patterns; five standard errors as above.
    n, k, m = 100, 6, 120
    density = [
        WillshawMemory(target="y").fit(sparse_patterns(m, n, k, 2 * s), sparse_patterns(m, n, k, 2 * s + 1)).density_
        for s in range(30)
    ]
    error = np.std(density, ddof=1) / np.sqrt(30)
    assert error < 0.002
    assert abs(np.mean(density) - (1 - (1 - k**2 / n**2) ** m)) < 5 * error


def test_more_than_half_of_the_synapses_is_warned_of():
    patterns = sparse_patterns(400, 60, 6)
    with pytest.warns(
        CapacityWarning, match=r"WillshawMemory has \d+ % of its synapses on after 400 patterns"
    ) as caught:
        WillshawMemory().fit(patterns)
    assert caught[0].filename == __file__
    WillshawMemory().fit(patterns[:40])  # a warning would be an error


# ------------------------------------------------------------------------------------------- containers and types


@pytest.mark.parametrize("container", [scipy.sparse.csr_array, scipy.sparse.csr_matrix])
@pytest.mark.parametrize("storage", ["auto", *STORAGES])
def test_sparse_patterns_and_targets_are_as_good_as_dense_ones(container, storage):
    Y = sparse_patterns(60, 21, 3, random_state=1)
    weight = np.arange(60) % 2
    for target in ("self", "y"):
        sparse = WillshawMemory(target=target, storage=storage).fit(container(PATTERNS), container(Y), weight)
        other = WillshawMemory(target=target, storage=storage).fit(PATTERNS, Y, weight)
        np.testing.assert_array_equal(dense(sparse.weights_), dense(other.weights_))
        np.testing.assert_array_equal(sparse.predict(CUES), other.predict(CUES))
        found = sparse.recall(container(CUES)).states
        assert scipy.sparse.issparse(found) == (storage != "dense")
        np.testing.assert_array_equal(dense(found), other.predict(CUES))
        truth = (container(Y),) if target == "y" else (container(PATTERNS),)
        assert sparse.score(container(CUES), *truth) == other.score(CUES, Y if target == "y" else PATTERNS)
    with pytest.raises(TypeError, match=r"predict\(\) found a sparse matrix"):
        WillshawMemory().fit(PATTERNS).predict(container(CUES))


def test_bipolar_patterns_come_back_bipolar():
    bipolar = 2.0 * PATTERNS - 1.0
    memory = WillshawMemory().fit(bipolar)
    np.testing.assert_array_equal(
        memory.predict(2.0 * CUES - 1.0), 2.0 * WillshawMemory().fit(PATTERNS).predict(CUES) - 1.0
    )
    assert type(memory.transform(scipy.sparse.csr_array(CUES))) is np.ndarray  # off is -1: nothing is sparse
    low = WillshawMemory(binarize=-0.5).fit(scipy.sparse.csr_array(PATTERNS - 1.0))  # implicit zeros are on
    np.testing.assert_array_equal(low.weights_, memory.weights_)


@every_storage
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_results_have_the_dtype_of_their_input(storage, dtype):
    memory = WillshawMemory(storage=storage).fit(PATTERNS.astype(dtype))
    for given in ("float32", "float64"):
        assert memory.predict(CUES.astype(given)).dtype == given
        assert memory.field(CUES.astype(given)).dtype == given
        assert memory.transform(scipy.sparse.csr_array(CUES.astype(given))).dtype == given


def test_data_frames_keep_their_names():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(PATTERNS, columns=[f"unit{i}" for i in range(80)])
    recalled = WillshawMemory().set_output(transform="pandas").fit_transform(frame)
    assert recalled.columns.tolist() == frame.columns.tolist()


# --------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"threshold": "most"}, ValueError, "threshold='most' is not an option"),
        ({"threshold": 0}, ValueError, "threshold=0 is out of range"),
        ({"threshold": 2.5}, TypeError, "an integer >= 1"),
        ({"n_active": 0}, ValueError, "n_active=0 is out of range"),
        ({"storage": "csc"}, ValueError, "storage='csc' is not an option"),
        ({"binarize": None}, TypeError, "binarize=None"),
        ({"target": "x"}, ValueError, "target='x' is not an option"),
    ],
)
def test_bad_parameters_are_named(parameters, error, message):
    with pytest.raises(error, match=message):
        WillshawMemory(**parameters).fit(PATTERNS)


@pytest.mark.parametrize("storage", ["sparse", "packed"])
def test_storage_of_the_host_is_refused_elsewhere(storage):
    pytest.importorskip("torch")
    with pytest.raises(ValueError, match=rf"storage='{storage}' lives in the memory of the host.*storage='dense'"):
        WillshawMemory(storage=storage, backend="torch").fit(PATTERNS)
    assert WillshawMemory(backend="torch").fit(PATTERNS).storage_ == "dense"


def test_input_from_elsewhere_comes_home(dispatched):
    torch = pytest.importorskip("torch")
    with dispatched():
        memory = WillshawMemory(backend="numpy").fit(torch.asarray(PATTERNS))
        assert memory.storage_ == "packed"
        np.testing.assert_array_equal(memory.predict(torch.asarray(CUES)), WillshawMemory().fit(PATTERNS).predict(CUES))

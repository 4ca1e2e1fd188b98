"""What every memory with a weight matrix promises, whatever its learning rule."""

import pickle

import numpy as np
import pytest
import scipy.sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline

import skamem
from skamem.datasets import corrupt, make_patterns

pytestmark = pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")  # see test_hebbian.py

MEMORIES = [skamem.HebbianMemory, skamem.PseudoinverseMemory]
every_memory = pytest.mark.parametrize("Memory", MEMORIES)
every_net = pytest.mark.parametrize("Memory", [*MEMORIES, skamem.HopfieldNetwork, skamem.DenseMemory])
every_coding = pytest.mark.parametrize("coding", ["bipolar", "binary"])
OFF = {"bipolar": -1.0, "binary": 0.0}


@pytest.fixture
def patterns():
    return make_patterns(5, 60, random_state=0)


@pytest.fixture
def cues(patterns):
    return corrupt(np.tile(patterns, (4, 1)), "flip", 0.2, random_state=1)


# ------------------------------------------------------------------------------------------------- recalling


@every_net
@every_coding
@pytest.mark.parametrize("update", ["sync", "async"])
@pytest.mark.parametrize("kind", ["flip", "mask", "occlude", "erase"])
def test_spoiled_patterns_are_recalled(Memory, coding, update, kind):
    patterns = make_patterns(4, 100, coding=coding, random_state=0)
    memory = Memory(update=update, random_state=0).fit(patterns)
    np.testing.assert_array_equal(memory.predict(corrupt(patterns, kind, 0.15, random_state=0)), patterns)


@every_net
def test_predict_transform_and_recall_agree(Memory, patterns, cues):
    memory = Memory().fit(patterns)
    recall = memory.recall(cues)
    np.testing.assert_array_equal(memory.predict(cues), recall.states)
    np.testing.assert_array_equal(memory.transform(cues), recall.states)
    np.testing.assert_array_equal(clone(memory).fit_transform(patterns), memory.transform(patterns))
    assert recall.n_steps.shape == recall.converged.shape == recall.cycle_length.shape == (len(cues),)
    assert recall.unresolved.shape == cues.shape
    assert not recall.unresolved.any()


@every_memory
@pytest.mark.parametrize("update", ["sync", "async"])
@pytest.mark.parametrize(("dtype", "n_rows"), [("float64", 1000), ("float32", 200)])
def test_a_row_is_recalled_as_it_is_in_a_batch(Memory, update, dtype, n_rows):
    patterns = make_patterns(18, 72, random_state=0).astype(dtype)  # load .25
    stored = np.random.default_rng(0).integers(18, size=n_rows)
    cues = corrupt(patterns[stored], "flip", 0.3, random_state=1)
    memory = Memory(update=update, zero_diagonal=True, random_state=0).fit(patterns)
    recalled = memory.predict(cues)
    for row in range(n_rows):
        np.testing.assert_array_equal(memory.predict(cues[row : row + 1])[0], recalled[row])
    if Memory is skamem.HebbianMemory:  # integer fields tie often: this is what rounding would get wrong
        assert np.count_nonzero(memory.field(cues) == 0) > 0.01 * cues.size


@every_memory
@every_coding
@pytest.mark.parametrize("update", ["sync", "async"])
def test_the_complement_is_stored_with_the_pattern(Memory, coding, update):
    patterns = make_patterns(10, 40, coding=coding, random_state=0)
    cues = make_patterns(50, 40, coding=coding, random_state=1)
    memory = Memory(update=update, random_state=0).fit(patterns)
    complement = memory.predict(1.0 + OFF[coding] - cues)
    np.testing.assert_array_equal(complement, 1.0 + OFF[coding] - memory.predict(cues))


@every_memory
@pytest.mark.parametrize("update", ["sync", "async"])
def test_steps_are_limited(Memory, update, patterns):
    cues = corrupt(patterns, "flip", 0.35, random_state=1)
    memory = Memory(update=update, random_state=0)
    whole = memory.fit(patterns).recall(cues)
    assert whole.converged.all()
    slowest = whole.n_steps.max()
    for n_recall_steps in range(1, slowest + 2):
        recall = memory.set_params(n_recall_steps=n_recall_steps).recall(cues)
        np.testing.assert_array_equal(recall.n_steps, np.minimum(whole.n_steps, n_recall_steps))
        np.testing.assert_array_equal(recall.converged, whole.n_steps <= n_recall_steps)
    assert slowest > 2


@every_net
def test_one_seed_is_one_order(Memory, patterns):
    cues = corrupt(np.tile(patterns, (20, 1)), "flip", 0.45, random_state=0)
    outcomes = [Memory(update="async", random_state=seed).fit(patterns).predict(cues) for seed in (0, 0, 1, 2)]
    np.testing.assert_array_equal(outcomes[0], outcomes[1])
    assert any(np.any(outcomes[0] != other) for other in outcomes[2:])


@every_net
def test_recalling_changes_nothing(Memory, patterns, cues):
    memory = Memory(update="async").fit(patterns)
    before, state, given = dict(vars(memory)), pickle.dumps(memory), cues.copy()
    memory.predict(cues), memory.transform(cues), memory.field(cues), memory.energy(cues), memory.score(cues)
    assert vars(memory).keys() == before.keys()
    assert all(vars(memory)[name] is value for name, value in before.items())
    assert pickle.dumps(memory) == state
    np.testing.assert_array_equal(cues, given)


# ----------------------------------------------------------------------------------------------- unknown units


@every_net
@every_coding
@pytest.mark.parametrize("missing", ["free", "clamp"])
def test_unknown_units_are_filled_in(Memory, coding, missing):
    patterns = make_patterns(4, 100, coding=coding, random_state=0)
    cues = corrupt(patterns, "mask", 0.5, random_state=0)
    np.testing.assert_array_equal(Memory(missing=missing).fit(patterns).predict(cues), patterns)


@every_net
@every_coding
@pytest.mark.parametrize("update", ["sync", "async"])
def test_clamped_units_stay_and_free_ones_are_corrected(Memory, coding, update):
    patterns = make_patterns(4, 100, coding=coding, random_state=0)
    cues = corrupt(corrupt(patterns, "flip", 0.1, random_state=0), "mask", 0.3, random_state=1)
    known = ~np.isnan(cues)
    assert np.any(cues[known] != patterns[known])
    free = Memory(missing="free", update=update, random_state=0).fit(patterns)
    np.testing.assert_array_equal(free.predict(cues), patterns)
    clamp = Memory(missing="clamp", update=update, random_state=0).fit(patterns).predict(cues)
    np.testing.assert_array_equal(clamp[known], cues[known])
    np.testing.assert_array_equal(clamp[~known], patterns[~known])


@every_memory
def test_recall_clamps_what_it_is_told_to(Memory, patterns, cues):
    memory = Memory().fit(patterns)
    held = np.arange(patterns.shape[1]) < 30
    recalled = memory.recall(cues, clamped=held).states
    np.testing.assert_array_equal(recalled[:, held], cues[:, held])
    assert np.any(recalled[:, ~held] != cues[:, ~held])
    rows = np.random.default_rng(0).random(cues.shape) < 0.5
    np.testing.assert_array_equal(memory.recall(cues, clamped=rows).states[rows], cues[rows])
    unknown = np.where(np.arange(60) % 2, np.nan, patterns)
    recall = memory.set_params(missing="clamp").recall(unknown, clamped=held)  # held is what is known, and what is said
    np.testing.assert_array_equal(recall.unresolved, np.isnan(unknown) & held)
    with pytest.raises(ValueError, match=r"clamped has shape \(3,\); expected \(60,\).*\(20, 60\)"):
        memory.recall(cues, clamped=[True, False, True])
    with pytest.raises(ValueError, match="clamped"):
        Memory("y").fit(patterns, patterns).recall(cues, clamped=held)


@every_memory
@every_coding
@pytest.mark.parametrize("activation", ["sign", "step"])
@pytest.mark.parametrize("missing", ["free", "clamp"])
@pytest.mark.parametrize("update", ["sync", "async"])
def test_a_cue_that_says_nothing_recalls_the_majority(Memory, coding, activation, missing, update):
    patterns = make_patterns(4, 40, coding=coding, random_state=0)  # four: some units are split evenly, and on
    majority = np.where(patterns.mean(axis=0) >= (1 + OFF[coding]) / 2, 1.0, OFF[coding])
    cues = np.full((2, 40), np.nan)
    cues[1, 0] = 1.0
    memory = Memory(missing=missing, update=update, activation=activation, random_state=0).fit(patterns)
    recall = memory.recall(cues)
    np.testing.assert_array_equal(recall.states[0], majority)
    assert recall.unresolved[0].all()
    assert not recall.unresolved[1].all()
    assert np.isin(recall.states, [OFF[coding], 1.0]).all()


@every_memory
def test_units_that_nothing_determines_are_flagged(Memory):
    common = make_patterns(1, 20, random_state=0)[0]
    patterns = np.stack([np.append(common, value) for value in (1.0, -1.0, -1.0, 1.0, -1.0, -1.0)])
    memory = Memory(zero_diagonal=False).fit(patterns[:4])  # the last unit is uncorrelated with the others
    cue = np.append(common, np.nan)[None, :]
    recall = memory.recall(cue)
    assert np.flatnonzero(recall.unresolved[0]).tolist() == [20]
    np.testing.assert_array_equal(recall.states[0], np.append(common, 1.0))  # split evenly: on
    np.testing.assert_array_equal(memory.partial_fit(patterns[4:]).predict(cue)[0], np.append(common, -1.0))


# -------------------------------------------------------------------------------------------- pairs of patterns


@every_memory
@every_coding
def test_pairs_are_associated(Memory, coding):
    X, Y = make_patterns(4, 100, random_state=0), make_patterns(4, 7, coding=coding, random_state=1)
    memory = Memory("y").fit(X, Y)
    np.testing.assert_array_equal(memory.predict(corrupt(X, "flip", 0.1, random_state=2)), Y)
    np.testing.assert_array_equal(memory.predict(corrupt(X, "mask", 0.5, random_state=2)), Y)
    assert memory.score(X, Y) == 1.0
    assert memory.field(X).shape == (4, 7)
    assert not hasattr(memory, "transform")
    assert not hasattr(memory, "energy")


@every_memory
@every_coding
def test_an_output_without_a_push_takes_the_majority(Memory, coding):
    X = np.asarray([[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, -1.0, -1.0], [1.0, -1.0, 1.0, -1.0]])
    Y = np.asarray([[1.0, OFF[coding]], [1.0, OFF[coding]], [OFF[coding], 1.0]])
    recall = Memory("y").fit(X, Y).recall([[1.0, -1.0, -1.0, 1.0], [1.0, 1.0, 1.0, 1.0]])  # the first is orthogonal
    np.testing.assert_array_equal(recall.states, [[1.0, OFF[coding]]] * 2)
    assert recall.unresolved.tolist() == [[True, True], [False, False]]


@every_memory
def test_pairs_may_have_real_inputs(Memory):
    X, Y = np.random.default_rng(0).standard_normal((4, 50)), make_patterns(4, 7, random_state=1)
    np.testing.assert_array_equal(Memory("y", binarize=None).fit(X, Y).predict(X), Y)


@every_memory
def test_targets_of_another_width_are_refused(Memory):
    X, Y = make_patterns(4, 20, random_state=0), make_patterns(4, 7, random_state=1)
    memory = Memory("y").fit(X, Y)
    with pytest.raises(ValueError, match="y has 6 columns, but .* was fitted with 7"):
        memory.partial_fit(X, Y[:, :6])


# ------------------------------------------------------------------------------------------------------- coding


@every_memory
@pytest.mark.parametrize("activation", ["sign", "step"])
@pytest.mark.parametrize("stored", ["bipolar", "binary"])
@pytest.mark.parametrize("coding", ["auto", "bipolar", "binary"])
def test_patterns_come_back_in_the_coding_asked_for(Memory, activation, stored, coding):
    patterns = make_patterns(3, 60, coding=stored, random_state=0)
    memory = Memory(activation=activation, coding=coding).fit(patterns)
    assert memory.coding_ == (stored if coding == "auto" else coding)
    recalled = memory.predict(patterns)
    assert set(np.unique(recalled)) == {OFF[memory.coding_], 1.0}
    np.testing.assert_array_equal(memory.encode(patterns) == 1.0, patterns == 1.0)
    if activation == "sign":
        np.testing.assert_array_equal(recalled, memory.encode(patterns))


@every_memory
def test_the_coding_is_read_once(Memory):
    memory = Memory().fit(make_patterns(3, 60, coding="binary", random_state=0))
    memory.partial_fit(make_patterns(3, 60, random_state=1))
    assert memory.coding_ == "binary"
    assert set(np.unique(memory.predict(make_patterns(3, 60, random_state=1)))) == {0.0, 1.0}
    strict = Memory(binarize=None).fit(make_patterns(3, 60, coding="binary", random_state=0))
    with pytest.raises(ValueError, match=r"\(binary\) patterns with entries 0 and 1, but found -1"):
        strict.partial_fit(make_patterns(3, 60, random_state=1))


@every_net
@every_coding
def test_two_valued_patterns_pass_without_binarize(Memory, coding, patterns):
    patterns = make_patterns(3, 60, coding=coding, random_state=0)
    memory = Memory(binarize=None).fit(patterns)
    np.testing.assert_array_equal(memory.predict(patterns), Memory().fit(patterns).predict(patterns))
    for bad in (patterns * 2.0, patterns + 0.5):
        with pytest.raises(ValueError, match=r"\(binarize=None\) expects two-valued .* Set binarize="):
            Memory(binarize=None).fit(bad)
        with pytest.raises(ValueError, match=r"\(binarize=None\) expects two-valued"):
            memory.predict(bad)


@every_net
def test_real_values_are_cut_at_binarize(Memory, patterns):
    grey = 10.0 + patterns * np.random.default_rng(0).uniform(0.1, 5.0, patterns.shape)
    memory = Memory(binarize=10.0).fit(grey)
    np.testing.assert_array_equal(memory.predict(grey), patterns)
    np.testing.assert_array_equal(memory.encode(grey), patterns)


@every_memory
def test_identity_is_one_linear_pass(Memory, patterns):
    rng = np.random.default_rng(0)
    X, cues = rng.standard_normal((5, 20)), rng.standard_normal((4, 20))
    memory = Memory(activation="identity", binarize=None).fit(X)
    np.testing.assert_allclose(memory.predict(cues), cues @ memory.weights_, atol=1e-12)
    np.testing.assert_allclose(memory.predict(2.0 * cues), 2.0 * memory.predict(cues), atol=1e-12)
    assert memory.recall(cues).n_steps.tolist() == [1, 1, 1, 1]


# ------------------------------------------------------------------------------------------- containers and types


@every_memory
@pytest.mark.parametrize("container", [scipy.sparse.csr_array, scipy.sparse.csr_matrix])
@pytest.mark.parametrize("target", ["self", "y"])
@every_coding
def test_sparse_patterns_are_as_good_as_dense_ones(Memory, container, target, coding):
    X, Y = make_patterns(5, 40, coding=coding, random_state=0), make_patterns(5, 6, random_state=1)
    cues = corrupt(X, "flip", 0.2, random_state=0)
    weight = [1, 0, 2, 1, 1]
    dense, sparse = Memory(target).fit(X, Y, weight), Memory(target).fit(container(X), Y, weight)
    dense.partial_fit(X, Y), sparse.partial_fit(container(X), Y)
    np.testing.assert_allclose(sparse.weights_, dense.weights_, atol=1e-12)
    assert sparse.coding_ == dense.coding_
    np.testing.assert_array_equal(sparse.recall(container(cues)).states, dense.predict(cues))
    np.testing.assert_allclose(sparse.field(container(cues)), dense.field(cues), atol=1e-12)
    truth = (Y,) if target == "y" else ()
    assert sparse.score(container(cues), *truth) == dense.score(cues, *truth)
    if target == "self":
        np.testing.assert_array_equal(sparse.transform(container(cues)), dense.transform(cues))
        np.testing.assert_allclose(sparse.energy(container(cues)), dense.energy(cues), atol=1e-12)
        with pytest.raises(TypeError, match=r"predict\(\) found a sparse matrix.*transform\(X\) or recall\(X\)"):
            sparse.predict(container(cues))


@every_memory
@pytest.mark.parametrize("activation", ["sign", "identity", "step"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_results_have_the_dtype_of_their_input(Memory, activation, dtype, patterns):
    memory = Memory(activation=activation).fit(patterns.astype(dtype))
    assert memory.weights_.dtype == dtype
    assert memory.partial_fit(patterns).weights_.dtype == dtype
    for given in ("float64", "float32"):
        assert memory.predict(patterns.astype(given)).dtype == given
        assert memory.field(patterns.astype(given)).dtype == given
    assert memory.predict(patterns.astype(int)).dtype == "float64"


@every_net
def test_data_frames_keep_their_names(Memory, patterns):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(patterns, columns=[f"pixel{i}" for i in range(60)], index=list("vwxyz"))
    memory = Memory().fit(frame).set_output(transform="pandas")
    assert memory.get_feature_names_out().tolist() == memory.feature_names_in_.tolist() == frame.columns.tolist()
    pd.testing.assert_frame_equal(memory.transform(frame), frame)
    assert type(memory.predict(frame)) is np.ndarray
    with pytest.raises(ValueError, match="feature names should match"):
        memory.predict(frame.rename(columns={"pixel0": "other"}))


@every_memory
def test_outputs_have_names(Memory, patterns):
    assert Memory().fit(patterns).get_feature_names_out().tolist() == [f"x{i}" for i in range(60)]
    pairs = Memory("y").fit(patterns, patterns[:, :3])
    assert pairs.get_feature_names_out().tolist() == [f"{Memory.__name__.lower()}{i}" for i in range(3)]


@every_memory
@pytest.mark.parametrize(
    "options", [{}, {"target": "y", "activation": "step"}, {"update": "async", "missing": "clamp"}]
)
def test_pickle_skops_and_clone(Memory, options, patterns, cues):
    memory = Memory(**options).fit(patterns, patterns)
    assert clone(memory).get_params() == memory.get_params()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(memory)).predict(cues), memory.predict(cues))
    skops = pytest.importorskip("skops.io")
    stored = skops.dumps(memory)
    untrusted = skops.get_untrusted_types(data=stored)
    assert untrusted == [f"{Memory.__module__}.{Memory.__name__}"]  # plain arrays, numbers and strings otherwise
    loaded = skops.loads(stored, trusted=untrusted)
    np.testing.assert_array_equal(loaded.predict(cues), memory.predict(cues))
    np.testing.assert_array_equal(loaded.partial_fit(cues, cues).weights_, memory.partial_fit(cues, cues).weights_)


@every_memory
@pytest.mark.parametrize("update", ["sync", "async"])
@pytest.mark.parametrize("target", ["self", "y"])
def test_streaming_through_little_memory_changes_nothing(Memory, update, target, patterns, cues):
    Y, more = patterns[:, :7], np.tile(patterns[:, :7], (4, 1))
    cues[:, :3] = np.nan
    clamped = np.random.default_rng(0).random(cues.shape) < 0.2 if target == "self" else None
    results = []
    for working_memory in (1024, 1e-6, 0.01):  # MiB: all rows at once, a row at a time, three rows
        with config_context(working_memory=working_memory):
            memory = Memory(target, update=update, random_state=0).fit(patterns, Y).partial_fit(cues, more)
            results.append((memory.weights_, *vars(memory.recall(cues, clamped=clamped)).values(), memory.field(cues)))
    for other in results[1:]:
        for array, expected in zip(other, results[0], strict=True):
            np.testing.assert_allclose(array, expected, rtol=1e-10, atol=1e-12)


# ---------------------------------------------------------------------------------------------------- the score


@every_net
@every_coding
def test_score_is_the_fraction_of_units_right(Memory, coding):
    patterns = make_patterns(8, 40, coding=coding, random_state=0)
    cues = corrupt(patterns, "flip", 0.4, random_state=0)
    memory = Memory().fit(patterns)
    recalled = memory.predict(cues)
    assert memory.score(cues, patterns) == np.mean(recalled == patterns) < 1.0
    assert memory.score(cues) == np.mean(recalled == cues)


@every_net
def test_score_ignores_the_labels_of_a_pipeline(Memory, patterns, cues):
    memory = Memory().fit(patterns, ["a", "b", "a", "b", "a"])
    for labels in (np.arange(20), ["a", "b"] * 10, np.eye(20)):
        assert memory.score(cues, labels) == memory.score(cues)


@every_net
def test_score_leaves_unknown_truths_out(Memory, patterns):
    truth = patterns.copy()
    truth[:, :30] = np.nan
    memory = Memory().fit(patterns)
    assert memory.score(patterns, truth) == 1.0
    truth[:, 30:45] *= -1.0
    assert memory.score(patterns, truth) == 0.5


@every_memory
def test_score_of_a_linear_memory_is_r2(Memory):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((8, 20))
    memory = Memory(activation="identity", binarize=None).fit(X)
    residual, total = X - memory.predict(X), X - X.mean(axis=0)
    assert memory.score(X) == pytest.approx(1 - np.sum(residual**2) / np.sum(total**2))


# --------------------------------------------------------------------------------------------------- the energy


@every_memory
def test_energy_is_its_formula(Memory, patterns, cues):
    memory = Memory().fit(patterns)
    W = memory.weights_ * (1 - np.eye(60))
    np.testing.assert_allclose(memory.energy(cues), [-0.5 * s @ W @ s for s in cues])


@every_memory
def test_asynchronous_recall_never_climbs(Memory):
    patterns, cues = make_patterns(10, 40, random_state=0), make_patterns(200, 40, random_state=1)
    memory = Memory(update="async", zero_diagonal=True, random_state=0).fit(patterns)
    recall = memory.recall(cues)
    moved = np.any(recall.states != cues, axis=1)
    assert np.all(memory.energy(recall.states)[moved] < memory.energy(cues)[moved])
    assert recall.converged.all()
    assert moved.sum() > 100


@every_memory
@pytest.mark.parametrize("options", [{"target": "y"}, {"activation": "identity"}, {"activation": "step"}])
def test_there_is_no_energy_without_a_landscape(Memory, options, patterns):
    memory = Memory(**options).fit(patterns, patterns)
    assert not hasattr(memory, "energy")
    with pytest.raises(AttributeError, match="energy"):
        memory.energy(patterns)


# ---------------------------------------------------------------------------------------------------- pipelines


@every_memory
def test_a_memory_cleans_up_for_a_classifier(Memory):
    prototypes = make_patterns(3, 80, random_state=0)
    labels = np.repeat([0, 1, 2], 30)
    X = corrupt(prototypes[labels], "flip", 0.1, random_state=1)
    pipeline = make_pipeline(Memory(zero_diagonal=True), LogisticRegression())
    assert pipeline.fit(X, labels).score(X, labels) > 0.9
    names = np.asarray(["a", "b", "c"])[labels]
    assert clone(pipeline).fit(X, names).predict(X[:1]).dtype == names.dtype
    multilabel = labels[:, None] == [0, 1]
    pipeline = make_pipeline(Memory(zero_diagonal=True), MultiOutputClassifier(LogisticRegression()))
    assert pipeline.fit(X, multilabel).predict(X).shape == (90, 2)


# ---------------------------------------------------------------------------------------------------- bad input

X, Y = make_patterns(5, 12, random_state=0), make_patterns(5, 3, random_state=1)
INF = np.where(np.arange(12) == 3, np.inf, X)
BAD_STORAGE = {
    "no rows": ((np.empty((0, 12)),), {}, ValueError, "0 sample"),
    "one dimension": ((X[0],), {}, ValueError, "Expected 2D array"),
    "infinity": ((INF,), {}, ValueError, "infinity"),
    "strings": (([["a", "b"]],), {}, ValueError, "could not convert string"),
    "complex": ((X + 1j,), {}, ValueError, "Complex data not supported"),
    "negative weights": ((X, None, [1, -1, 1, 1, 1]), {}, ValueError, "negative"),
    "weights all zero": ((X, None, np.zeros(5)), {}, ValueError, "all zero"),
    "too few weights": ((X, None, [1, 1]), {}, ValueError, "one weight for each row"),
    "not two-valued": ((2 * X,), {"binarize": None}, ValueError, "two-valued"),
    "no y": ((X, None), {"target": "y"}, ValueError, "requires y to be passed"),
    "1-D y": ((X, Y[:, 0]), {"target": "y"}, ValueError, r"1-D; expected shape .*reshape\(-1, 1\)"),
    "short y": ((X, Y[:3]), {"target": "y"}, ValueError, "inconsistent numbers of samples"),
    "infinite y": ((X, np.where(Y > 0, np.inf, Y)), {"target": "y"}, ValueError, "y contains infinity"),
    "not two-valued y": ((X, 2 * Y), {"target": "y", "binarize": None}, ValueError, "two-valued"),
    "unknown option": (
        (X,),
        {"update": "later"},
        ValueError,
        "update='later' is not an option; expected one of 'sync'",
    ),
    "no steps": ((X,), {"n_recall_steps": 0}, ValueError, "1 <= n_recall_steps"),
    "half a step": ((X,), {"n_recall_steps": 0.5}, TypeError, "expected an integer"),
    "unknown backend": ((X,), {"backend": "abacus"}, ValueError, "backend='abacus' is unknown"),
}


@every_memory
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("bad", BAD_STORAGE)
def test_a_failed_fit_changes_nothing(Memory, method, bad):
    arguments, options, error, message = BAD_STORAGE[bad]
    fresh = Memory(**options)
    learns_by = {name: options[name] for name in ("target", "binarize") if name in options}
    fitted = Memory(**learns_by).fit(X, Y).set_params(**options)
    for memory in (fresh, fitted):
        before = dict(vars(memory))
        if method == "partial_fit" and memory is fitted and "backend" in options:
            continue  # a fitted memory stays where it is
        with pytest.raises(error, match=message):
            getattr(memory, method)(*arguments)
        assert vars(memory).keys() == before.keys()
        assert all(vars(memory)[name] is value for name, value in before.items())


@every_memory
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_failed_fit_on_renamed_columns_leaves_the_old_names(Memory, method):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=[f"old{i}" for i in range(12)])
    memory = Memory().fit(frame)
    recalled = memory.predict(frame)
    with pytest.raises(ValueError, match="infinity|feature names"):
        getattr(memory, method)(pd.DataFrame(INF, columns=[f"new{i}" for i in range(12)]))
    assert memory.feature_names_in_.tolist() == frame.columns.tolist()
    np.testing.assert_array_equal(memory.predict(frame), recalled)


@every_memory
@pytest.mark.parametrize("method", ["partial_fit", "predict", "transform", "recall", "field", "energy", "score"])
def test_cues_of_another_width_are_refused(Memory, method):
    memory = Memory().fit(X)
    with pytest.raises(ValueError, match="X has 11 features, but .* is expecting 12"):
        getattr(memory, method)(X[:, :11])


@every_net
@pytest.mark.parametrize("method", ["predict", "transform", "recall", "field", "energy", "score"])
@pytest.mark.parametrize(
    ("cues", "message"), [(INF, "infinity"), ([["a"] * 12], "could not convert"), (X[:0], "0 sample")]
)
def test_bad_cues_are_refused(Memory, method, cues, message):
    memory = Memory().fit(X)
    before = dict(vars(memory))
    with pytest.raises(ValueError, match=message):
        getattr(memory, method)(cues)
    assert vars(memory) == before


@every_net
def test_an_empty_memory_says_so(Memory):
    memory = Memory()
    with pytest.raises(NotFittedError):
        memory.recall(X, clamped=X > 0)
    for method in ("predict", "transform", "recall", "field", "energy", "score", "encode", "get_feature_names_out"):
        with pytest.raises(NotFittedError):
            getattr(memory, method)(X)


@every_memory
def test_patterns_may_have_unknown_units(Memory):
    patterns = make_patterns(4, 60, random_state=0)
    holes = corrupt(patterns, "mask", 0.1, random_state=0)
    recalled, known = Memory().fit(holes).predict(patterns), ~np.isnan(holes)
    np.testing.assert_array_equal(recalled[known], patterns[known])
    filled = Memory(missing="clamp").fit_transform(holes)
    np.testing.assert_array_equal(filled, Memory(missing="clamp").fit(holes).transform(holes))
    np.testing.assert_array_equal(filled[known], patterns[known])
    assert not np.isnan(filled).any()


# ------------------------------------------------------------------------------- what is said is so


@every_net
@pytest.mark.parametrize("update", ["sync", "async"])
@pytest.mark.parametrize("missing", ["free", "clamp"])
def test_converged_is_at_a_fixed_point_even_where_the_majority_filled_in(Memory, update, missing):
    rng = np.random.default_rng(0)
    n_unresolved = n_moving = 0
    for seed in range(40):
        patterns = rng.choice([-1.0, 1.0], (4, 8))
        cues = np.where(rng.random((12, 8)) < 0.6, np.nan, np.tile(patterns, (3, 1)))
        options = {"degree": 2} if Memory is skamem.DenseMemory else {}
        memory = Memory(update=update, missing=missing, random_state=seed, **options).fit(patterns)
        recall = memory.recall(cues)
        held = ~np.isnan(cues) if missing == "clamp" else np.zeros(cues.shape, dtype=bool)
        again = memory.set_params(missing="free").recall(recall.states, clamped=held).states
        moved = np.any(again != recall.states, axis=1)
        assert not np.any(moved & recall.converged)
        assert not np.any(recall.converged & (recall.cycle_length != 1))
        n_unresolved += recall.unresolved.any(axis=1).sum()
        n_moving += np.count_nonzero(moved & recall.unresolved.any(axis=1))
    assert n_unresolved > 0
    assert n_moving > 0 or Memory is skamem.PseudoinverseMemory


@every_memory
def test_room_that_is_not_there_is_named(Memory, monkeypatch, patterns):
    def no_room(self, stream, *, reset):
        raise MemoryError("Unable to allocate 11.9 GiB")

    monkeypatch.setattr(Memory, "_learn", no_room)
    with pytest.raises(MemoryError, match=r"needs 0.0 GiB for weights of 60 units.*DenseMemory\(degree=2\) holds"):
        Memory().fit(patterns)


def test_a_memory_with_asymmetric_weights_has_no_energy(patterns):
    from skamem.core.fields import LinearField, QuadraticLandscape

    class Asymmetric(skamem.HebbianMemory):
        def _make_field(self):
            weights = self.correlation_ * np.arange(1.0, 1.0 + self.n_features_in_)
            return LinearField(weights)

    class Symmetric(skamem.HebbianMemory):
        def _make_field(self):
            return QuadraticLandscape(2.0 * self.correlation_)

    assert not hasattr(Asymmetric().fit(patterns), "energy")
    assert not hasattr(Asymmetric(), "energy")
    with pytest.raises(AttributeError, match="has no attribute 'energy'"):
        Asymmetric().fit(patterns).energy(patterns)
    twice = Symmetric().fit(patterns)
    np.testing.assert_allclose(twice.energy(patterns), 2 * skamem.HebbianMemory().fit(patterns).energy(patterns))


BIASED = np.where(np.random.default_rng(0).random((6, 100)) < 0.85, 1.0, -1.0)
ONE = make_patterns(1, 30, random_state=0)
LOSING = {
    "correlated patterns": (skamem.HebbianMemory(), BIASED, "pseudoinverse"),
    "a complement in an odd degree": (skamem.DenseMemory(degree=3), np.vstack([ONE, -ONE]), "an even degree"),
    "beyond Storkey": (skamem.HopfieldNetwork("storkey"), make_patterns(40, 60, random_state=0), "pseudoinverse"),
    "more than units": (skamem.HopfieldNetwork(), make_patterns(70, 60, random_state=0), "DenseMemory holds more"),
    "degree two": (skamem.DenseMemory(degree=2), make_patterns(60, 60, random_state=0), "A higher degree holds more"),
    "a short series": (
        skamem.PseudoinverseMemory(solver="neumann", n_layers=1), BIASED, "The series is too short"
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("case", LOSING)
def test_stored_patterns_that_are_not_held_are_counted(case):
    memory, patterns, remedy = LOSING[case]
    memory = clone(memory).set_params(random_state=0)
    with pytest.warns(skamem.exceptions.CapacityWarning, match=remedy) as caught:
        memory.fit(patterns)
    one_step = clone(memory).set_params(n_recall_steps=1, update="sync", check_stored=False).fit(patterns)
    moved = np.any(one_step.predict(patterns) != patterns, axis=1)
    n_lost = np.count_nonzero(moved | np.all(np.abs(one_step.field(patterns)) < 1e-12, axis=1))
    assert f"; {n_lost} of the {len(patterns)} that were asked are not held" in str(caught[-1].message)
    assert n_lost > 0


@pytest.mark.filterwarnings("error")
@every_net
@pytest.mark.parametrize("n_patterns", [1, 3, 5])
def test_patterns_that_stay_are_no_cause_for_a_warning(Memory, n_patterns):
    patterns = make_patterns(n_patterns, 60, random_state=0)
    memory = Memory(random_state=0).fit(patterns)
    np.testing.assert_array_equal(memory.predict(patterns), patterns)


@pytest.mark.filterwarnings("error")
def test_forgetting_is_no_cause_for_a_warning():
    patterns = make_patterns(12, 60, random_state=0)
    for memory in (skamem.HebbianMemory(check_stored=False), skamem.HopfieldNetwork(check_stored=False)):
        with pytest.warns(skamem.exceptions.CapacityWarning):
            memory.fit(patterns)
        memory.forget(patterns[4:])


@pytest.mark.parametrize(
    "memory",
    [
        skamem.HebbianMemory(zero_diagonal=True),
        skamem.HebbianMemory("y"),
        skamem.PseudoinverseMemory("y", activation="identity", binarize=None),
        skamem.HopfieldNetwork(fit_intercept=True),
        skamem.DenseMemory("exponential", target="y"),
        skamem.BidirectionalMemory(),
        skamem.ModernHopfieldMemory(target="y"),
        skamem.KernelMemory(target="y"),
    ],
    ids=repr,
)
def test_what_recall_follows_is_the_field_of_checked_cues(memory, place, dispatched):
    rng = np.random.default_rng(0)
    X, Y, cues = (rng.choice([-1.0, 1.0], size=shape) for shape in ((6, 30), (6, 9), (50, 30)))
    expected = memory.fit(X, Y).field(cues)
    with dispatched():
        field = memory.fit(place.put(X), place.put(Y)).as_field()
    found = place.get(field(place.put(cues)))
    scale = (expected * found).sum() / (found * found).sum()  # integers of a rule are reported by the unit
    np.testing.assert_allclose(scale * found, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())
    tolerance = field.tolerance
    assert np.all(np.asarray(tolerance if isinstance(tolerance, float) else place.get(tolerance)) >= 0)


def test_only_memories_that_follow_a_field_give_one():
    with pytest.raises(AttributeError) as refused:
        skamem.WillshawMemory().as_field()
    assert "thresholds that depend on the cue" in str(refused.value.__cause__)
    with pytest.raises(NotFittedError):
        skamem.HebbianMemory().as_field()


@pytest.mark.parametrize("name", ["HebbianMemory", "HopfieldNetwork", "PseudoinverseMemory", "DenseMemory"])
def test_rows_without_a_known_unit_are_told_and_blamed_for_nothing_else(name):
    memory = getattr(skamem, name)()
    patterns = np.sign(np.random.RandomState(0).standard_normal((4, 300)))
    blank = np.full((2, 300), np.nan)
    for store in (lambda: memory.fit(np.vstack([patterns, blank])), lambda: memory.fit(patterns).partial_fit(blank)):
        with pytest.warns(skamem.exceptions.CapacityWarning, match="2 of the . patterns .* have no known unit") as told:
            store()
        assert len(told) == 1
    np.testing.assert_array_equal(memory.predict(patterns), patterns)

"""ModernHopfieldMemory: attention, mean shift, and completion of what is unknown."""

import numpy as np
import pytest
import scipy.sparse
from scipy.special import softmax
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.impute import KNNImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skamem import KernelMemory, MemoryClassifier, ModernHopfieldMemory

RNG = np.random.default_rng(0)
PATTERNS = RNG.standard_normal((60, 12))
CUES = PATTERNS[:20] + 0.3 * RNG.standard_normal((20, 12))
VALUES = RNG.standard_normal((60, 3))
SIMILARITIES = pytest.mark.parametrize("similarity", ["nearest", "dot", "local"])


def with_holes(X, rate, seed=0):
    return np.where(np.random.default_rng(seed).random(X.shape) < rate, np.nan, X)


def low_rank(n_samples=300, n_units=15, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_samples, 3)) @ rng.standard_normal((3, n_units))
    return X + 0.1 * rng.standard_normal(X.shape)


# ------------------------------------------------------------------------------------------------------ the formula


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_dot_is_attention(dtype):
    X, cues = PATTERNS.astype(dtype), CUES.astype(dtype)
    recalled = ModernHopfieldMemory(0.7, similarity="dot").fit(X).predict(cues)
    assert recalled.dtype == dtype
    expected = softmax(0.7 * CUES @ PATTERNS.T, axis=1) @ PATTERNS
    np.testing.assert_allclose(recalled, expected, rtol=0, atol=50 * np.finfo(dtype).eps)


def test_nearest_is_a_step_of_mean_shift():
    squared = ((CUES[:, None] - PATTERNS[None]) ** 2).sum(axis=2)
    expected = softmax(-0.35 * squared, axis=1) @ VALUES
    memory = ModernHopfieldMemory(0.7, target="y").fit(PATTERNS, VALUES)
    np.testing.assert_allclose(memory.predict(CUES), expected, rtol=1e-11)
    np.testing.assert_allclose(memory.field(CUES), expected, rtol=1e-11)


def test_dot_and_nearest_agree_for_equal_norms():
    X = PATTERNS / np.linalg.norm(PATTERNS, axis=1, keepdims=True)
    dot, nearest = (ModernHopfieldMemory(5.0, similarity=name).fit(X).predict(CUES) for name in ("dot", "nearest"))
    np.testing.assert_allclose(dot, nearest, rtol=1e-11)


@SIMILARITIES
def test_a_large_beta_takes_the_most_similar(similarity):
    recalled = ModernHopfieldMemory(1e7, similarity=similarity).fit(PATTERNS).predict(CUES)
    squared = ((CUES[:, None] - PATTERNS[None]) ** 2).sum(axis=2)
    best = (CUES @ PATTERNS.T).argmax(axis=1) if similarity == "dot" else squared.argmin(axis=1)
    np.testing.assert_allclose(recalled, PATTERNS[best])


def test_a_small_beta_gives_the_mean():
    recalled = ModernHopfieldMemory(1e-12).fit(PATTERNS).predict(CUES)
    np.testing.assert_allclose(recalled, np.tile(PATTERNS.mean(axis=0), (20, 1)), atol=1e-9)


@SIMILARITIES
@pytest.mark.parametrize("holes", [0.0, 0.3])
def test_streaming_equals_one_block(similarity, holes, monkeypatch):
    X, cues = with_holes(PATTERNS, holes), with_holes(CUES, holes, seed=1)
    memory = ModernHopfieldMemory(3.0, similarity=similarity, missing="clamp" if holes else "free").fit(X)
    expected = memory.predict(cues)
    with config_context(working_memory=0.01):  # a few rows a block
        np.testing.assert_allclose(memory.predict(cues), expected, rtol=1e-10, atol=1e-12)
    monkeypatch.setattr("skamem.memory._similarity._TILES", (7, 7))
    np.testing.assert_allclose(memory.predict(cues), expected, rtol=1e-10, atol=1e-12)
    if not holes:
        np.testing.assert_array_equal(memory.top_k(cues, 4)[0], clone(memory).fit(X).top_k(cues, 4)[0])


def test_a_common_offset_costs_no_digits():
    memory = ModernHopfieldMemory(2.0).fit(PATTERNS.astype(np.float32))
    far = ModernHopfieldMemory(2.0).fit((PATTERNS + 1000).astype(np.float32))
    found = far.predict((CUES + 1000).astype(np.float32)) - 1000
    np.testing.assert_allclose(found, memory.predict(CUES.astype(np.float32)), atol=5e-3)


def test_duplicates_and_a_single_pattern():
    doubled = np.vstack([PATTERNS, PATTERNS])
    np.testing.assert_allclose(
        ModernHopfieldMemory(2.0).fit(doubled).predict(CUES), ModernHopfieldMemory(2.0).fit(PATTERNS).predict(CUES)
    )
    weighted = ModernHopfieldMemory(2.0).fit(PATTERNS, sample_weight=np.arange(60.0))
    repeated = ModernHopfieldMemory(2.0).fit(np.repeat(PATTERNS, np.arange(60), axis=0))
    np.testing.assert_allclose(weighted.predict(CUES), repeated.predict(CUES), rtol=1e-10)
    np.testing.assert_allclose(weighted.energy(CUES), repeated.energy(CUES), rtol=1e-10)
    for settings in ({}, {"missing": "clamp"}, {"similarity": "local"}):
        alone = ModernHopfieldMemory(**settings).fit(np.tile(PATTERNS[:1], (3, 1)))
        np.testing.assert_allclose(alone.predict(np.full((2, 12), np.nan)), np.tile(PATTERNS[:1], (2, 1)))


# ----------------------------------------------------------------------------------------------------------- energy


@pytest.mark.parametrize("similarity", ["nearest", "dot"])
@pytest.mark.parametrize("beta", [0.1, 1.0, 10.0])
def test_energy_never_rises_and_stays_in_its_bounds(similarity, beta):
    memory = ModernHopfieldMemory(beta, similarity=similarity).fit(PATTERNS)
    largest = (PATTERNS**2).sum(axis=1).max()
    share = RNG.dirichlet(np.full(60, 0.1), size=40)
    states = share @ PATTERNS
    before = memory.energy(states)
    for _ in range(8):
        assert np.all(before >= -1e-9)
        assert np.all(before <= 2 * largest + 1e-9)
        states = memory.predict(states)
        after = memory.energy(states)
        assert np.all(after <= before + 1e-9)
        before = after


def test_energy_falls_in_completion_too():
    memory = ModernHopfieldMemory(1.0, missing="clamp", n_recall_steps=1).fit(PATTERNS)
    states = with_holes(CUES, 0.4)
    filled = memory.predict(states)
    more = clone(memory).set_params(n_recall_steps=6).fit(PATTERNS).predict(states)
    assert np.all(memory.energy(more) <= memory.energy(filled) + 1e-9)
    known = ~np.isnan(states)
    np.testing.assert_array_equal(more[known], states[known])


def test_one_step_error_is_within_its_bound():
    # Ramsauer et al. (2021): error <= 2 (N - 1) exp(-β (Δ_i - 2 max(|ξ - x_i|, |x_i* - x_i|) M)) M.
    rng = np.random.default_rng(1)
    X = rng.standard_normal((50, 64))
    X *= 8.0 / np.linalg.norm(X, axis=1, keepdims=True)
    gram = X @ X.T
    separation = np.diag(gram) - np.max(gram - 1e9 * np.eye(50), axis=1)
    for beta in (0.25, 0.5, 1.0):
        cues = X + 0.2 * rng.standard_normal(X.shape)
        memory = ModernHopfieldMemory(beta, similarity="dot", n_recall_steps=50).fit(X)
        fixed = memory.recall(X)
        assert fixed.converged.all()
        once = clone(memory).set_params(n_recall_steps=1).fit(X).predict(cues)
        reach = np.maximum(np.linalg.norm(cues - X, axis=1), np.linalg.norm(fixed.states - X, axis=1))
        bound = 2 * 49 * np.exp(-beta * (separation - 2 * reach * 8.0)) * 8.0
        assert np.all(np.linalg.norm(once - X, axis=1) <= bound + 1e-12)


def test_rows_converge_one_by_one():
    recall = ModernHopfieldMemory(20.0, n_recall_steps=50).fit(PATTERNS).recall(np.vstack([CUES, PATTERNS.mean(0)]))
    assert recall.converged.all()
    assert len(np.unique(recall.n_steps)) > 1
    np.testing.assert_array_equal(recall.cycle_length, 1)
    for row in (0, 20):
        one = (
            ModernHopfieldMemory(20.0, n_recall_steps=50)
            .fit(PATTERNS)
            .recall(np.vstack([CUES, PATTERNS.mean(0)])[row : row + 1])
        )
        assert one.n_steps[0] == recall.n_steps[row]
        np.testing.assert_allclose(one.states[0], recall.states[row], rtol=1e-9)


# -------------------------------------------------------------------------------------------------- top k, rejection


@pytest.mark.parametrize("beta", [0.5, 5.0])
def test_top_k_are_the_largest_softmax_weights(beta):
    indices, weights = ModernHopfieldMemory(beta).fit(PATTERNS).top_k(CUES, 5)
    exact = softmax(-0.5 * beta * ((CUES[:, None] - PATTERNS[None]) ** 2).sum(axis=2), axis=1)
    np.testing.assert_array_equal(indices, np.argsort(-exact, axis=1)[:, :5])
    np.testing.assert_allclose(weights, np.take_along_axis(exact, indices, axis=1), rtol=1e-9)
    _, everything = ModernHopfieldMemory(beta).fit(PATTERNS).top_k(CUES, 60)
    np.testing.assert_allclose(everything.sum(axis=1), 1.0)


@SIMILARITIES
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("holes", [0.0, 0.3])
def test_among_equals_the_one_stored_first_comes_first_alone_or_not(similarity, dtype, holes, monkeypatch):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((40, 9))
    copies = with_holes(np.tile(X, (6, 1)), 0.0)  # pattern i stands at i, i + 40, ...
    if holes:
        copies = np.tile(with_holes(X, holes), (6, 1))
    cues = with_holes(X + 0.1 * rng.standard_normal(X.shape), holes, seed=4)
    memory = ModernHopfieldMemory(1.0, similarity=similarity).fit(copies.astype(dtype))
    first, _ = (
        ModernHopfieldMemory(1.0, similarity=similarity).fit(copies[:40].astype(dtype)).top_k(cues.astype(dtype), 2)
    )
    expected = np.concatenate([first[:, :1] + 40 * np.arange(6), first[:, 1:] + 40 * np.arange(2)], axis=1)
    for tile in (512, 33):
        monkeypatch.setattr("skamem.memory._similarity._TILES", (tile, tile))
        np.testing.assert_array_equal(memory.top_k(cues.astype(dtype), 8)[0], expected)
        for row in range(40):
            np.testing.assert_array_equal(memory.top_k(cues[row : row + 1].astype(dtype), 8)[0][0], expected[row])


def test_a_cue_midway_between_patterns_is_nearest_to_the_one_stored_first():
    patterns = np.asarray([[0.1, 0.0], [0.3, 0.2], [0.1, 0.4], [-0.1, 0.2]])
    rng = np.random.default_rng(0)
    for _ in range(20):
        order, shift = rng.permutation(4), rng.standard_normal(2)
        memory = ModernHopfieldMemory(1.0).fit(patterns[order] + shift)
        assert memory.top_k([[0.1, 0.2] + shift], 4)[0].tolist() == [[0, 1, 2, 3]]


def test_cues_far_from_everything_are_rejected():
    far = np.full((1, 12), 50.0)
    memory = ModernHopfieldMemory(max_distance=5.0).fit(PATTERNS)
    recall = memory.recall(np.vstack([CUES, far]))
    assert recall.unresolved.any(axis=1).tolist() == [False] * 20 + [True]
    np.testing.assert_array_equal(recall.states[-1:], far)
    np.testing.assert_array_equal(
        recall.states[:-1], clone(memory).set_params(max_distance=None).fit(PATTERNS).predict(CUES)
    )
    assert not recall.converged[-1]


# ------------------------------------------------------------------------------------------ storing and forgetting


@SIMILARITIES
@pytest.mark.parametrize("settings", [{"target": "y"}, {"missing": "clamp", "n_recall_steps": 2}, {}])
def test_pieces_equal_the_whole_and_forgetting_undoes_storing(similarity, settings):
    y = VALUES if settings.get("target") == "y" else None
    X = PATTERNS if y is not None else with_holes(PATTERNS, 0.2)
    memory = ModernHopfieldMemory(similarity=similarity, **settings)
    whole = clone(memory).fit(X, y)
    pieces = clone(memory)
    for rows in (slice(0, 25), slice(25, 60)):
        pieces.partial_fit(X[rows], None if y is None else y[rows])
    assert pieces.beta_ == whole.beta_
    np.testing.assert_array_equal(pieces.predict(CUES), whole.predict(CUES))
    half = clone(memory).fit(X[:25], None if y is None else y[:25])
    np.testing.assert_array_equal(pieces.forget(X[25:]).predict(CUES), half.predict(CUES))


def test_forgetting_what_is_not_stored_changes_nothing():
    memory = ModernHopfieldMemory().fit(PATTERNS)
    before = dict(vars(memory))
    for X, message in ((CUES, "Row 0 of X is not stored"), (PATTERNS, "would leave no pattern")):
        with pytest.raises(ValueError, match=message):
            memory.forget(X)
    assert all(vars(memory)[name] is value for name, value in before.items())


def test_what_is_stored_does_not_change_with_the_callers_array():
    X = PATTERNS.copy()
    memory = ModernHopfieldMemory().fit(X)
    expected = memory.predict(CUES)
    X[:] = 0
    np.testing.assert_array_equal(memory.predict(CUES), expected)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"beta": 0.0}, "beta=0.0 is out of range"),
        ({"beta": np.inf}, "beta=inf is out of range"),
        ({"beta": "cold"}, "beta='cold' is not an option"),
        ({"similarity": "far"}, "similarity='far' is not an option"),
        ({"max_distance": -1.0}, "max_distance=-1.0 is out of range"),
        ({"n_recall_steps": 0}, "n_recall_steps=0 is out of range"),
        ({"add_indicator": 1}, "add_indicator=1 is not an option"),
    ],
)
def test_a_failed_fit_changes_nothing(parameters, message):
    memory = ModernHopfieldMemory().fit(PATTERNS).set_params(**parameters)
    before = dict(vars(memory))
    with pytest.raises(ValueError, match=message):
        memory.fit(CUES)
    assert all(vars(memory)[name] is value for name, value in before.items())


def test_targets_of_another_width_are_refused():
    memory = ModernHopfieldMemory(target="y").fit(PATTERNS, VALUES)
    with pytest.raises(ValueError, match="y has 2 columns, but ModernHopfieldMemory was fitted with 3"):
        memory.partial_fit(PATTERNS, VALUES[:, :2])


def test_energy_is_there_only_where_there_is_one():
    assert not hasattr(ModernHopfieldMemory(similarity="local"), "energy")
    assert not hasattr(ModernHopfieldMemory(target="y"), "energy")


def test_a_classifier_of_it():
    X, y = load_digits(return_X_y=True)
    classifier = MemoryClassifier(ModernHopfieldMemory("held-out", similarity="local")).fit(X[:600], y[:600])
    assert classifier.score(X[600:1200], y[600:1200]) > 0.9


# ------------------------------------------------------------------------------------------------------- completion


@SIMILARITIES
@pytest.mark.parametrize("n_recall_steps", [1, 3])
def test_completion_keeps_the_known_and_fit_transform_is_fit_then_transform(similarity, n_recall_steps):
    X = with_holes(low_rank(), 0.3)
    memory = ModernHopfieldMemory(missing="clamp", similarity=similarity, n_recall_steps=n_recall_steps)
    filled = memory.fit_transform(X)
    np.testing.assert_array_equal(filled[~np.isnan(X)], X[~np.isnan(X)])
    assert np.isfinite(filled).all()
    np.testing.assert_array_equal(filled, clone(memory).fit(X).transform(X))
    errors = (filled - low_rank())[np.isnan(X)]
    assert np.sqrt(np.mean(errors**2)) < 0.7 * np.sqrt(np.mean(low_rank()[np.isnan(X)] ** 2))


def test_a_pattern_is_never_its_own_evidence():
    X = with_holes(low_rank(60), 0.3)
    for row in range(5):
        others = ModernHopfieldMemory(2.0, missing="clamp").fit(np.delete(X, row, axis=0))
        among = ModernHopfieldMemory(2.0, missing="clamp").fit(X)
        # The centre and the spread know of the row, so equal only nearly.
        np.testing.assert_allclose(among.predict(X[row : row + 1]), others.predict(X[row : row + 1]), atol=0.2)


def test_it_completes_no_worse_than_neighbours():
    X = low_rank(400)
    holes = with_holes(X, 0.3)
    unknown = np.isnan(holes)

    def error(imputer):
        return np.sqrt(np.mean((imputer.fit_transform(holes) - X)[unknown] ** 2))

    best = min(error(KNNImputer(n_neighbors=k, weights=w)) for k in (3, 5, 10, 20) for w in ("uniform", "distance"))
    assert error(ModernHopfieldMemory(missing="clamp", similarity="local", n_recall_steps=2)) <= best


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("indicator", [False, True])
@pytest.mark.parametrize("how", ["pandas", "default"])
def test_empty_columns_and_the_indicator_are_those_of_knnimputer(keep, indicator, how):
    if how == "pandas":
        pytest.importorskip("pandas")
    X = with_holes(low_rank(40, 5), 0.2)
    X[:, 2] = np.nan
    X[:, 4] = 1.0
    new = X.copy()
    new[0, 2] = 3.0
    new[1, 4] = np.nan
    options = {"keep_empty_features": keep, "add_indicator": indicator}
    ours = ModernHopfieldMemory(missing="clamp", **options).fit(X)
    theirs = KNNImputer(**options).fit(X)
    names = [f"x{i}" for i in range(5) if keep or i != 2]  # KNNImputer forgets x2 even where it keeps it
    names += [f"missingindicator_x{i}" for i in range(4)] if indicator else []
    assert ours.get_feature_names_out().tolist() == names
    for cues in (X, new):
        found, expected = ours.transform(cues), theirs.transform(cues)
        assert found.shape == expected.shape
        known = ~np.isnan(cues) if keep else ~np.isnan(np.delete(cues, 2, axis=1))
        width = known.shape[1]
        np.testing.assert_array_equal(found[:, :width][known], expected[:, :width][known])
        np.testing.assert_array_equal(found[:, width:], expected[:, width:])
        if keep:
            np.testing.assert_array_equal(found[:, 2], 0.0)
    if how == "pandas":
        frame = ours.set_output(transform="pandas").transform(X)
        assert frame.columns.tolist() == names


def test_nothing_known_gives_the_mean_and_is_flagged():
    X = with_holes(low_rank(), 0.3)
    recall = ModernHopfieldMemory(missing="clamp").fit(X).recall(np.vstack([np.full(15, np.nan), X[0]]))
    np.testing.assert_allclose(recall.states[0], np.nanmean(X, axis=0), atol=0.5)
    assert recall.unresolved[0].all()
    assert not recall.unresolved[1].any()
    lonely = X.copy()
    lonely[:, 3] = np.nan
    recall = ModernHopfieldMemory(missing="clamp").fit(lonely).recall(X[:1])
    assert recall.unresolved[0].tolist() == (np.isnan(X[0]) & (np.arange(15) == 3)).tolist()


def test_it_stands_in_a_pipeline_before_a_classifier():
    X, y = load_digits(return_X_y=True)
    X, y = with_holes(X[:400] / 16, 0.2), y[:400]
    pipeline = make_pipeline(
        ModernHopfieldMemory(missing="clamp", add_indicator=True), LogisticRegression(max_iter=300)
    )
    assert pipeline.fit(X[:300], y[:300]).score(X[300:], y[300:]) > 0.8


def test_held_out_beta_is_deterministic_and_prefers_sharpness_where_it_helps():
    smooth = np.linspace(-1, 1, 200)[:, None] * np.ones(10) + 0.01 * RNG.standard_normal((200, 10))
    noise = RNG.standard_normal((200, 10))
    betas = [ModernHopfieldMemory("held-out").fit(X).beta_ for X in (smooth, smooth, noise)]
    assert betas[0] == betas[1]
    assert betas[0] * smooth.var() > 10 * betas[2] * noise.var()


def test_score_is_r2_and_leaves_unknown_truths_out():
    memory = ModernHopfieldMemory(50.0).fit(PATTERNS)
    assert memory.score(PATTERNS) == pytest.approx(1.0)
    assert memory.score(CUES, PATTERNS[:20]) > 0.99
    truth = PATTERNS[:20].copy()
    truth[0, 0] = np.nan
    assert memory.score(CUES, truth) > 0.99
    assert ModernHopfieldMemory(1e-9).fit(PATTERNS).score(PATTERNS) == pytest.approx(0.0, abs=1e-6)


def test_float32_stays_float32():
    X = with_holes(low_rank().astype(np.float32), 0.2).astype(np.float32)
    for settings in ({}, {"similarity": "local", "n_recall_steps": 2}):
        memory = ModernHopfieldMemory(missing="clamp", **settings).fit(X)
        assert memory.patterns_.dtype == memory.predict(X).dtype == np.float32
        double = ModernHopfieldMemory(memory.beta_, missing="clamp", **settings).fit(X.astype(float))
        np.testing.assert_allclose(memory.predict(X), double.predict(X.astype(float)), atol=1e-3)


@pytest.mark.parametrize("Memory", [ModernHopfieldMemory, KernelMemory])
def test_targets_may_be_sparse(Memory):
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((6, 20)), (rng.random((6, 8)) < 0.4) * 1.0
    expected = Memory(target="y").fit(X, Y).predict(X)
    np.testing.assert_array_equal(Memory(target="y").fit(X, scipy.sparse.csr_array(Y)).predict(X), expected)

"""What memories of real-valued patterns share: units, offsets, rows with gaps, convergence."""

import time

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import KNNImputer

from skamem import KernelMemory, MemoryClassifier, ModernHopfieldMemory

RNG = np.random.default_rng(0)
PATTERNS = RNG.standard_normal((60, 6))
CUES = PATTERNS[:20] + 0.3 * RNG.standard_normal((20, 6))
SETTINGS = {
    "separation": ModernHopfieldMemory(),
    "held-out": ModernHopfieldMemory("held-out"),
    "steps": ModernHopfieldMemory(n_recall_steps=3),
    "local": ModernHopfieldMemory(similarity="local"),
    "completion": ModernHopfieldMemory(missing="clamp"),
    "completion, local, steps": ModernHopfieldMemory(missing="clamp", similarity="local", n_recall_steps=3),
    "rbf": KernelMemory(),
    "laplacian": KernelMemory("laplacian"),
    "rbf completion": KernelMemory(missing="clamp", n_recall_steps=40),
}
unsettled = pytest.mark.filterwarnings("ignore:KernelMemory completed:sklearn.exceptions.ConvergenceWarning")
memories = pytest.mark.parametrize("memory", SETTINGS.values(), ids=SETTINGS)


def with_holes(X, rate=0.25, seed=0):
    return np.where(np.random.default_rng(seed).random(X.shape) < rate, np.nan, X)


# ---------------------------------------------------------------------------------------------- offsets and scales


@unsettled
@memories
@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize(
    ("dtype", "scale", "offset"),
    [
        ("float64", 1e150, 0.0),
        ("float64", 1e-150, 0.0),
        ("float64", 1e-9, 0.0),
        ("float64", 1.0, 1e8),
        ("float64", 3e-7, -3e1),
        ("float32", 1e15, 0.0),
        ("float32", 1e-15, 0.0),
        ("float32", 1.0, 1e3),
    ],
)
def test_offsets_and_units_mean_nothing(memory, holes, dtype, scale, offset):
    X, cues = (with_holes(PATTERNS), with_holes(CUES, seed=1)) if holes else (PATTERNS, CUES)
    X, cues = X.astype(dtype), cues.astype(dtype)
    # What is stored has lost digits to the offset, before we see it: compare with patterns that have lost them, too.
    moved, moved_cues = ((scale * rows + offset).astype(dtype) for rows in (X.astype(float), cues.astype(float)))
    X, cues = (((rows.astype(float) - offset) / scale).astype(dtype) for rows in (moved, moved_cues))
    expected = clone(memory).fit(X).predict(cues)
    found = (clone(memory).fit(moved).predict(moved_cues).astype(float) - offset) / scale
    if holes and memory.missing == "free" and isinstance(memory, KernelMemory):
        return  # completed almost without a ridge, stored gaps never settle: nothing to compare
    if dtype == "float64":
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    else:  # a cue between two patterns may go to the other one
        assert np.mean(np.all(np.isclose(found, expected, rtol=5e-3, atol=5e-3), axis=1)) > 0.9


@pytest.mark.parametrize("memory", [ModernHopfieldMemory(), ModernHopfieldMemory(similarity="local"), KernelMemory()])
@pytest.mark.parametrize(
    ("dtype", "scale", "offset"), [("float64", 1.0, 1e7), ("float64", 1e-9, 0.0), ("float32", 1e-3, 0.0)]
)
def test_iris_is_told_apart_in_any_unit(memory, dtype, scale, offset):
    X, y = load_iris(return_X_y=True)
    X = (scale * X + offset).astype(dtype)
    assert MemoryClassifier(memory).fit(X[::2], y[::2]).score(X[1::2], y[1::2]) > 0.93


@pytest.mark.parametrize("memory", [ModernHopfieldMemory(), KernelMemory(), KernelMemory("poly")])
@pytest.mark.parametrize("scale", [1e160, 1e-160])
def test_what_has_no_square_is_refused(memory, scale):
    with pytest.raises(ValueError, match="found patterns that deviate by up to .*Scale X"):
        clone(memory).fit(scale * PATTERNS)


def test_a_cue_from_far_away_goes_where_its_direction_points():
    memory = ModernHopfieldMemory().fit(PATTERNS)
    best = (CUES @ PATTERNS.T).argmax(axis=1)
    for far in (1e30, 1e160, 1e300):
        recall = memory.recall(far * CUES)
        np.testing.assert_allclose(recall.states, PATTERNS[best])
        assert not recall.converged.any()
    with np.errstate(over="raise"):
        assert np.isfinite(memory.predict(with_holes(1e300 * CUES))).all()


# ------------------------------------------------------------------------------------------------------ convergence


@pytest.mark.parametrize("kernel", ["poly", "ntk", "linear", lambda a, b: float(a @ b) ** 2])
@pytest.mark.parametrize("missing", ["free", "clamp"])
def test_feedback_of_a_kernel_that_grows_stays_within_reach(kernel, missing):
    memory = KernelMemory(kernel, missing=missing, n_recall_steps=30).fit(PATTERNS)
    cues = with_holes(10.0 * CUES) if missing == "clamp" else 10.0 * CUES
    recall = memory.recall(cues)
    centre = PATTERNS.mean(axis=0)
    start = np.where(np.isnan(cues), centre, cues)
    bound = np.maximum(memory.reach_, np.linalg.norm(start - centre, axis=1))
    if missing == "free":
        assert np.all(np.linalg.norm(recall.states - centre, axis=1) <= bound * (1 + 1e-9))
    assert np.isfinite(recall.states).all()
    once = clone(memory).set_params(n_recall_steps=1).fit(PATTERNS)
    again = np.where(np.isnan(cues) | (missing == "free"), once.field(recall.states), cues)
    moved = np.linalg.norm(again - recall.states, axis=1) > 1e-5 * (1 + np.linalg.norm(recall.states, axis=1))
    assert not (moved & recall.converged).any()


@pytest.mark.parametrize("memory", [KernelMemory("poly", degree=40), KernelMemory("poly", degree=40, target="y")])
def test_answers_that_are_no_numbers_are_refused(memory):
    memory.fit(PATTERNS, PATTERNS)
    with pytest.raises(ValueError, match="kernel='poly' is not finite on these cues"):
        memory.predict(1e30 * CUES)
    with pytest.raises(ValueError, match="kernel='poly' with gamma=.* degree=400 is not finite on these patterns"):
        memory.set_params(degree=400).fit(1e5 * PATTERNS, PATTERNS)


def test_a_kernel_matrix_that_does_not_fit_names_the_remedy():
    with pytest.raises(MemoryError, match=r"found 3000000 rows and 3000000 patterns, .* Give n_components"):
        KernelMemory(target="y").fit(np.zeros((3_000_000, 1)), np.zeros((3_000_000, 1)))


@pytest.mark.parametrize("options", [{}, {"n_components": 30, "random_state": 0}])
def test_completion_that_has_not_settled_is_reported(options):
    X = with_holes(
        np.random.default_rng(1).standard_normal((80, 2)) @ np.ones((2, 8)) + 0.1 * RNG.standard_normal((80, 8))
    )
    with pytest.warns(ConvergenceWarning, match=r"in n_recall_steps=1 passes, of which the last still moved unknown"):
        KernelMemory(missing="clamp", n_recall_steps=1, **options).fit(X)
    KernelMemory(missing="clamp", n_recall_steps=60, **options).fit(X)


# ---------------------------------------------------------------------------------------------------- rows with gaps


@unsettled
@memories
def test_where_nothing_is_known_the_means_come_back(memory):
    X = with_holes(PATTERNS)
    cues = np.vstack([np.full((2, 6), np.nan), with_holes(CUES)])
    expected = KNNImputer().fit(X).transform(cues)[:2]
    for steps in (1, 40):
        found = clone(memory).set_params(n_recall_steps=steps)
        if isinstance(memory, KernelMemory) and steps == 1:
            continue  # its passes over stored gaps have not settled then
        np.testing.assert_allclose(found.fit(X).predict(cues)[:2], expected, atol=1e-12)


@pytest.mark.parametrize("similarity", ["nearest", "local", "dot"])
@pytest.mark.parametrize("n_recall_steps", [1, 3])
def test_a_pattern_that_shares_no_entry_with_the_cue_has_no_vote(similarity, n_recall_steps):
    nan = np.nan
    memory = ModernHopfieldMemory(1.0, missing="clamp", similarity=similarity, n_recall_steps=n_recall_steps)
    # The first two patterns know what the cue knows; the third and fourth only what it lacks.
    table = np.asarray([[0.0, 5.0, nan], [0.0, 5.0, 1.0], [nan, 9.0, nan], [nan, -7.0, 3.0]])
    found = clone(memory).fit(table).predict([[0.1, nan, nan]])
    np.testing.assert_allclose(found, [[0.1, 5.0, 1.0]], atol=1e-12)
    np.testing.assert_allclose(KNNImputer().fit(table).transform([[0.1, nan, nan]]), found, atol=1e-12)
    # Nobody shares: column means.
    table = np.asarray([[nan, 9.0, 2.0], [nan, -7.0, 4.0], [1.0, nan, nan]])
    found = clone(memory).fit(table).predict([[0.1, nan, nan]])
    np.testing.assert_allclose(found, [[0.1, 1.0, 3.0]], atol=1e-12)


def test_an_entry_that_only_far_patterns_know_is_their_mean_whatever_the_tiles(monkeypatch):
    rng = np.random.default_rng(2)
    near, far = rng.standard_normal((30, 4)), 1e3 + rng.standard_normal((30, 4))
    table = np.vstack([np.c_[near[:, :3], np.full(30, np.nan), near[:, 3]], np.c_[far, rng.standard_normal(30)]])
    memory = ModernHopfieldMemory(1.0, missing="clamp").fit(table)
    cue = [[0.0, 0.0, 0.0, np.nan, np.nan]]
    for tile in (512, 40, 7):
        monkeypatch.setattr("skamem.memory._similarity._TILES", (tile, tile))
        assert memory.predict(cue)[0, 3] == pytest.approx(table[30:, 3].mean(), abs=1e-12)


@unsettled
@memories
@pytest.mark.parametrize("gaps_stored", [False, True])
def test_a_row_does_not_depend_on_the_rows_beside_it(memory, gaps_stored):
    fitted = clone(memory).fit(with_holes(PATTERNS) if gaps_stored else PATTERNS)
    cues = np.where((np.arange(20) % 2 == 0)[:, None], CUES, with_holes(CUES, 0.4))
    together = fitted.predict(cues)
    with config_context(working_memory=0.01):
        np.testing.assert_allclose(fitted.predict(cues), together, rtol=1e-9, atol=1e-10)
    for row in range(20):
        np.testing.assert_allclose(fitted.predict(cues[row : row + 1])[0], together[row], rtol=1e-9, atol=1e-10)


def test_complete_rows_cost_nothing():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20_000, 10))
    X[rng.choice(20_000, 30, replace=False), rng.integers(0, 10, 30)] = np.nan
    memory = ModernHopfieldMemory(missing="clamp").fit(X)
    gaps = np.isnan(X).any(axis=1)
    seconds = {}
    for name, rows in {"all": X, "gaps": X[gaps]}.items():
        times = []
        for _ in range(3):
            start = time.perf_counter()
            memory.transform(rows)
            times.append(time.perf_counter() - start)
        seconds[name] = min(times)
    assert seconds["all"] < 10 * seconds["gaps"] + 0.05  # 800 times as long when every row is compared

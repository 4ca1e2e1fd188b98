"""The inverse temperature: chosen by what patterns are, whatever their order; gaps hidden as they occur."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone

from skamem import ModernHopfieldMemory

RNG = np.random.default_rng(0)


def with_holes(X, rate, seed=0):
    return np.where(np.random.default_rng(seed).random(X.shape) < rate, np.nan, X)


def conditions(n=256):
    centres = 2.0 * np.random.default_rng(1).standard_normal((6, 8))
    return np.vstack([centre + 0.5 * RNG.standard_normal((n, 8)) for centre in centres])


@pytest.mark.parametrize("rate", [0.0, 0.2])
@pytest.mark.parametrize(
    "memory",
    [
        ModernHopfieldMemory(),
        ModernHopfieldMemory(missing="clamp"),
        ModernHopfieldMemory(missing="clamp", similarity="local"),
        ModernHopfieldMemory("held-out", similarity="dot"),
        ModernHopfieldMemory("held-out", target="y"),
    ],
)
def test_order_and_working_memory_change_no_answer(memory, rate):
    X = conditions(128)
    table, y = with_holes(X, rate), X[:, :2] ** 2
    cues = with_holes(X[:40], rate, seed=3)
    first = clone(memory).fit(table, y)
    expected = first.predict(cues)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(X))
        again = clone(memory).fit(table[order], y[order])
        assert again.beta_ == pytest.approx(first.beta_, rel=1e-10)
        np.testing.assert_allclose(again.predict(cues), expected, rtol=1e-10, atol=1e-10)
    with config_context(working_memory=2):
        assert clone(memory).fit(table, y).beta_ == pytest.approx(first.beta_, rel=1e-10)


@pytest.mark.parametrize("similarity", ["nearest", "local"])
@pytest.mark.parametrize("columns", [[0], [0, 2]])
def test_only_what_has_gaps_is_hidden(similarity, columns):
    # Values follow from the time, not the time from the values: with the time hidden, a broad average does best.
    time = np.linspace(0.0, 6.0, 400)
    X = np.column_stack([np.sin(time), time, np.cos(2 * time)])[:, : 1 + max(columns + [1])]
    holes = X.copy()
    for column in columns:
        holes[np.random.default_rng(column).random(400) < 0.3, column] = np.nan

    def error(memory):
        return np.sqrt(np.mean((memory.fit_transform(holes) - X)[np.isnan(holes)] ** 2))

    memory = ModernHopfieldMemory(missing="clamp", similarity=similarity)
    chosen, found = error(memory), memory.beta_
    best = min(error(clone(memory).set_params(beta=found * factor)) for factor in np.geomspace(0.01, 100.0, 21))
    assert chosen < 1.3 * best + 1e-3


def test_the_sharpest_of_the_grid_is_no_limit():
    # A smooth curve, densely stored: the best beta is hundreds of times the inverse variance.
    time = np.linspace(0.0, 20.0, 3000)
    X = np.column_stack([np.sin(time), np.cos(time), time / 10])
    memory = ModernHopfieldMemory("held-out").fit(X)
    assert memory.beta_ * X.var(axis=0).sum() > 600.0


GAPS = {
    "a unit that no pattern knows": lambda X: np.where(np.arange(X.shape[1]) == 0, np.nan, X),
    "a pattern that knows nothing": lambda X: np.where((np.arange(len(X)) < 1)[:, None], np.nan, X),
    "few": lambda X: np.where(np.eye(len(X), X.shape[1]) > 0, np.nan, X),
}


@pytest.mark.parametrize("gaps", GAPS)
def test_gaps_of_every_kind_leave_something_to_choose_by(gaps):
    X = GAPS[gaps](conditions(20))
    memory = ModernHopfieldMemory(missing="clamp").fit(X)
    assert memory.beta_ * conditions(20).var(axis=0).sum() > 3.0

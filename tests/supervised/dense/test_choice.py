"""What the data choose: more decay under noise, alike for every order and door, and the rule where they cannot tell."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_moons

from skamem import DenseAMClassifier, DenseAMRegressor
from skamem.core.interactions import RectifiedPolynomial
from skamem.supervised.dense import _choice as choices
from skamem.supervised.dense import _recipes
from skamem.supervised.dense._defaults import CHOICE_DECAYS, CHOICE_UPDATES, auto_decay

LONG = {"n_memories": 20, "max_iter": 300, "random_state": 0}


def table(seed=0, flipped=0.0, n_rows=150):
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n_rows, 4))
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    wrong = rng.permutation(n_rows)[: int(flipped * n_rows)]
    y[wrong] = 1 - y[wrong]
    return X, y


@pytest.fixture
def moons():
    return make_moons(90, noise=0.3, random_state=0)


@pytest.mark.parametrize("seed", range(3))
def test_wrong_labels_choose_more_decay(seed):
    # Of 30 draws of such tables, labels of which 30 % were turned chose more in all.
    clean, noisy = (DenseAMClassifier(**LONG).fit(*table(seed, flipped)).weight_decay_ for flipped in (0.0, 0.3))
    assert clean < noisy
    assert {clean, noisy} <= set(CHOICE_DECAYS)


@pytest.mark.parametrize("seed", range(3))
def test_noisy_targets_choose_more_decay(seed):
    # Of 30 draws, noise three times as large as the signal chose more in all.
    X, _ = table(seed)
    signal = X[:, 0] * X[:, 1]
    noise = np.random.RandomState(seed).standard_normal(len(X))
    clean, noisy = (DenseAMRegressor(**LONG).fit(X, signal + size * noise).weight_decay_ for size in (0.0, 3.0))
    assert clean < noisy


def test_order_and_repetition_of_the_rows_choose_alike(moons):
    X, y = moons
    rng = np.random.RandomState(0)
    weights, order = rng.randint(0, 4, len(X)), rng.permutation(len(X))
    expected = DenseAMClassifier(**LONG).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    for found in (
        DenseAMClassifier(**LONG).fit(X, y, weights),
        DenseAMClassifier(**LONG).fit(X[order], y[order], weights[order]),
    ):
        assert (found.weight_decay_, found.noise_) == (expected.weight_decay_, expected.noise_)
        assert_allclose(found.decision_function(X), expected.decision_function(X), rtol=1e-6, atol=1e-9)


def test_every_seed_chooses_alike(moons):
    X, y = moons
    found = {DenseAMClassifier(**LONG | {"random_state": seed}, noise=0.1).fit(X, y).weight_decay_ for seed in range(3)}
    assert len(found) == 1


def test_every_backend_chooses_alike(place, dispatched, moons):
    X, y = moons
    expected = DenseAMClassifier(**LONG).fit(X, y)
    with dispatched():
        found = DenseAMClassifier(**LONG).fit(place.put(X), place.put(y))
    assert found.weight_decay_ == expected.weight_decay_
    assert_allclose(found.noise_, expected.noise_, rtol=1e-6)


@pytest.mark.parametrize("estimator", [DenseAMClassifier, DenseAMRegressor])
def test_what_is_chosen_may_be_given(estimator, moons):
    X, y = moons
    chosen = estimator(20, noise=0.1, random_state=0).fit(X, y)
    given = estimator(20, noise=0.1, weight_decay=chosen.weight_decay_, max_iter=chosen.n_iter_, random_state=0).fit(
        X, y
    )
    assert_array_equal(chosen.memories_, given.memories_)


def test_given_values_ask_nothing(moons, monkeypatch):
    monkeypatch.setattr(_recipes, "choose", None)
    assert DenseAMClassifier(20, weight_decay=0.5, random_state=0).fit(*moons).weight_decay_ == 0.5
    assert DenseAMClassifier(20, solver="paper", max_iter=300, random_state=0).fit(*moons).weight_decay_ == 0


class Uncurved:
    """An energy whose slope has no derivative to train a small linear memory by."""

    energy = staticmethod(RectifiedPolynomial(3).energy)
    slope = staticmethod(RectifiedPolynomial(3).slope)


@pytest.mark.parametrize(
    "options",
    [
        {"max_iter": CHOICE_UPDATES - 1},
        {"adversarial": 0.1},
        {"interaction": Uncurved(), "readout": "exact"},
    ],
    ids=["short", "adversarial", "without curvature"],
)
def test_the_rule_holds_where_nothing_can_tell(moons, options):
    X, y = moons
    assert DenseAMClassifier(**LONG | options).fit(X, y).weight_decay_ == auto_decay(len(X))


def test_the_rule_holds_for_few_rows_many_rows_and_pieces(moons, monkeypatch):
    X, y = moons
    assert DenseAMClassifier(**LONG).partial_fit(X, y).weight_decay_ == auto_decay(len(X))
    few = [0, 1, 2, 3, 4]
    few_classes = np.asarray([0, 0, 1, 1, 1])
    assert DenseAMClassifier(**LONG).fit(X[few], few_classes).weight_decay_ == auto_decay(5)
    monkeypatch.setattr(choices, "MOST_CHOICE_ROWS", len(X) - 1)
    assert DenseAMClassifier(**LONG).fit(X, y).weight_decay_ == auto_decay(len(X))


def test_classes_of_two_rows_take_part(moons):
    X, y = moons
    y = y.copy()
    y[[3, 40]] = 2
    assert DenseAMClassifier(**LONG).fit(X, y).weight_decay_ in CHOICE_DECAYS


@pytest.mark.parametrize(
    ("credence", "expected"),
    [
        ([0, 0, 1, 0, 0], [3, 3, 3, 3]),
        ([0, 0.25, 0.5, 0.25, 0], [1, 3, 3, 10]),
        ([0.2] * 5, [0.1, 1, 10, 30]),
        ([0, 0, 0, 0.1, 0.9], [30, 30, 30, 30]),
    ],
)
def test_groups_take_decays_by_their_credence(credence, expected):
    choice = choices.Choice(3.0, 1.0, brief=False, credence=np.asarray(credence))
    assert list(choice.decays(4)) == expected
    assert choice.decays(1) == (3.0,)


def test_credence_falls_with_the_standard_errors_of_the_excess():
    spread = np.tile([-1.0, 1.0], 200)  # of mean 0, with a standard error of 1 / 20
    rows = [0 * spread, spread + 0.1, spread - 0.1, 0 * spread + 0.1, np.where(spread > 0, np.inf, 0)]
    found = choices._credence(np.stack(rows), 0)
    assert_allclose(found / found[0], [1, np.exp(-2), 1, 0, 0], rtol=1e-12)
    assert found.sum() == pytest.approx(1)
    assert_array_equal(choices._credence(np.full((2, 3), np.inf), 1), [0, 1])

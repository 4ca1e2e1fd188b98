"""The search for a graph leaves out what has no effect, and does not spend minutes on rows that tell nothing."""

import numpy as np
import pytest

from skamem import CompositionalRegressor
from skamem.supervised.compositional import _search


def _columns(tree):
    return {column for part in tree for column in _columns(part)} if isinstance(tree, tuple) else {tree}


def test_few_rows_keep_few_columns():
    rng = np.random.default_rng(0)
    X, y = rng.uniform(-1, 1, (12, 20)), rng.standard_normal(12)
    model = CompositionalRegressor(graph="learn", n_restarts=1, max_iter=3, random_state=0).fit(X, y)
    assert len(_columns(model.graph_)) <= 3
    assert model.predict(X).shape == (12,)


@pytest.mark.slow
def test_many_columns_without_effect_cost_few_fits(monkeypatch):
    """Fifteen of twenty columns are noise; trying them one by one for every tree would take hundreds of fits."""
    rng = np.random.default_rng(1)
    X = rng.uniform(-1, 1, (500, 20))
    y = np.sin(2 * X[:, 0] * X[:, 1]) + np.tanh(X[:, 2] + X[:, 3]) * X[:, 4] + 0.05 * rng.standard_normal(500)
    n_fits, inner = [0], _search.quick_score

    def counted(problem):
        n_fits[0] += 1
        return inner(problem)

    monkeypatch.setattr(_search, "quick_score", counted)
    model = CompositionalRegressor(graph="learn", random_state=0).fit(X, y)
    assert _columns(model.graph_) == {0, 1, 2, 3, 4}
    assert n_fits[0] <= 40


def test_that_a_short_descent_ended_poorly_is_no_doubt_about_the_tree(monkeypatch):
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, (300, 4))
    y = np.tanh(2 * X[:, 0] * X[:, 1]) * (1 + np.sqrt(0.1 + X[:, 2] ** 2 + X[:, 3] ** 2)) + 0.01 * rng.randn(300)
    right, known = {frozenset((0, 1)), frozenset((2, 3))}, _search.quick_score
    sure = CompositionalRegressor("learn", n_restarts=1, random_state=0).fit(X, y)
    rival = min(score for tree, score in sure.graph_scores_ if set(map(_columns_of, tree)) != right)

    def poor(problem):
        return 1.1 * rival if set(map(_columns_of, problem.graph.nested())) == right else known(problem)

    monkeypatch.setattr(_search, "quick_score", poor)
    again = CompositionalRegressor("learn", n_restarts=1, random_state=0).fit(X, y)
    assert set(map(_columns_of, again.graph_)) == right
    assert again.graph_confidence_ > 0.5


def _columns_of(part):
    return frozenset(_columns(part)) if isinstance(part, tuple) else part


@pytest.mark.parametrize("seed", range(4))
def test_few_noisy_rows_keep_the_columns_that_matter_or_say_that_they_are_not_sure(seed):
    """Penalties as small as clean data ask for once made larger trees look poor, and single columns beyond doubt."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (40, 3))
    y = X @ [1, 0.6, 0.5] + 0.5 * rng.normal(size=40)
    model = CompositionalRegressor("learn", n_restarts=1, random_state=0).fit(X, y)
    assert len(_columns(model.graph_)) >= 2
    assert model.graph_confidence_ < 0.5


def test_of_noise_one_is_not_sure():
    """Of five columns of pure noise one seems to help a little: the mean is its rival."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X, y = rng.uniform(-1, 1, (100, 5)), rng.normal(size=100)
        model = CompositionalRegressor("learn", n_restarts=1, max_iter=20, random_state=0).fit(X, y)
        assert model.graph_confidence_ < 0.2


def test_one_column_that_explains_much_is_sure():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (200, 4))
    y = np.sin(3 * X[:, 0]) + 0.1 * rng.normal(size=200)
    model = CompositionalRegressor("learn", n_restarts=1, random_state=0).fit(X, y)
    assert model.graph_ == (0,)
    assert model.graph_confidence_ > 0.9


def test_a_better_tree_of_more_columns_takes_confidence_away():
    assert _search._confidence(0.1, 1.0, None) == _search._confidence(0.1, 1.0, 0.1) == 0.9
    assert 0.0 < _search._confidence(0.1, 1.0, 0.099) < 0.9
    assert _search._confidence(0.1, 1.0, 0.097) == 0.0
    assert _search._confidence(0.0, 0.0, None) == _search._confidence(2.0, 1.0, None) == 0.0

"""Descents end, and nodes that have nothing to tell apart stay constant."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skamem import CompositionalRegressor
from skamem.core.least_squares import LinAlgError
from skamem.supervised.compositional._bases import SplineBasis
from skamem.supervised.compositional._descent import Problem, descend, solve_penalised
from skamem.supervised.compositional._graph import Graph
from skamem.supervised.compositional._smoothing import gcv_score
from skamem.supervised.compositional._start import start


def table(n_rows=260):
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, (n_rows, 4))
    return X, np.sin(X[:, 2] + X[:, 3]) + 0.1 * rng.standard_normal(n_rows)


def zeros(X, weights):
    X[:, :2] = 0.0


def ones(X, weights):
    X[:, :2] = 1.0


def far(X, weights):
    X[:, :2] = 1e300


def without_weight(X, weights):
    X[10:, :2] = 1.0
    weights[:10] = 0.0


def rounded(X, weights):
    X[:, :2] += 1e15


def by_a_few_units_in_the_last_place(X, weights):
    X[:, :2] = 0.1 + 1e-16 * X[:, :2].round()


WAYS = [zeros, ones, far, without_weight, rounded, by_a_few_units_in_the_last_place]
GRAPHS = [
    "binary",
    ((0,), (2, 3)),
    ((0, 1), (2, 3)),
    ((((0,), 1),), (2, 3)),
    ((0, 0), 1, (2, 3)),
    ((0, 1), ((1, 0), (2, 3))),
]


@pytest.mark.parametrize("node", ["spline", "polynomial", "kernel"])
@pytest.mark.parametrize("graph", GRAPHS, ids=str)
@pytest.mark.parametrize("constant", WAYS)
@pytest.mark.parametrize("alpha", ["gcv", 0.1])
def test_a_node_of_constant_inputs_is_constant(node, graph, constant, alpha):
    X, y = table()
    weights = np.ones(len(X))
    constant(X, weights)
    options = {"node": node, "alpha": alpha, "n_knots": 3, "n_restarts": 1, "random_state": 0}
    model = CompositionalRegressor(graph, **options).fit(X, y, sample_weight=weights)
    alone = CompositionalRegressor((((2, 3),)), **options).fit(X, y, sample_weight=weights)
    seen = weights > 0
    assert model.score(X[seen], y[seen]) > alone.score(X[seen], y[seen]) - 0.02
    changed = X.copy()
    changed[:, :2] = -X[::-1, :2]
    assert_allclose(model.predict(changed), model.predict(X))
    dead = [i for i, inputs in enumerate(model.nodes_) if inputs["inputs"][0] == ("column", 0)]
    for i in dead:
        assert np.all(np.isfinite(np.concatenate(model.node_map(i, n_points=3).grids)))
        assert np.ptp(model.node_map(i, n_points=3).values) == 0.0


@pytest.mark.parametrize("node", ["spline", "polynomial", "kernel"])
@pytest.mark.parametrize("graph", ["binary", "learn", ((0,), (1,))], ids=str)
def test_of_constant_columns_nothing_but_the_mean_is_learnt(node, graph):
    y = np.arange(20.0)
    model = CompositionalRegressor(graph, node=node).fit(np.ones((20, 4)), y)
    assert_allclose(model.predict(np.random.RandomState(0).standard_normal((5, 4))), 9.5)


def test_a_row_of_next_to_no_weight_changes_nothing():
    X, y = table()
    X[1:, :2] = 1.0
    model = CompositionalRegressor(random_state=0)
    weights = np.ones(len(X))
    weights[0] = 1e-200
    faint = model.fit(X, y, sample_weight=weights).predict(X[1:])
    weights[0] = 0.0
    assert_allclose(faint, model.fit(X, y, sample_weight=weights).predict(X[1:]), atol=0.05)


def problem_of(X, y):
    targets = ((y - y.mean()) / y.std())[:, None]
    return Problem(Graph.of(((0, 1), (2, 3))), SplineBasis(4, 3), X, targets, np.full(len(y), 1.0 / len(y)))


def test_what_is_not_finite_ends_at_once():
    problem = problem_of(*table())
    state = problem.state(start(problem, None), 0.1)
    state.residuals = state.residuals * math.nan
    state.top = state.top * math.nan
    assert problem.freedom(state, 0.1) == math.inf
    assert gcv_score(problem, state, 0.1) == math.inf
    with pytest.raises(LinAlgError):
        solve_penalised(np.full((2, 2), math.nan), np.ones((2, 1)), 0.1, np.eye(2))


def test_a_step_that_leaves_the_numbers_is_not_taken(monkeypatch):
    problem = problem_of(*table())
    coefs = start(problem, None)
    before = problem.state(coefs, 0.1).objective
    stride = type(problem.linearised(problem.state(coefs, 0.1), 0.1))
    monkeypatch.setattr(stride, "step", lambda self, damping: [np.full_like(c, math.nan) for c in coefs])
    assert [state.objective for state in descend(problem, coefs, 0.1, 10, 1e-4)] == [before]

"""Distilling: a node is known, up to a monotone change, by what a tree answers to it in many contexts."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from skamem.supervised.compositional._bases import KernelBasis, PolynomialBasis, SplineBasis
from skamem.supervised.compositional._descent import Problem
from skamem.supervised.compositional._distilling import distilled
from skamem.supervised.compositional._graph import Graph


class _Known:
    """Answers as a wide tree that has learnt everything does."""

    def __init__(self, function):
        self._function = function

    def run(self, X):
        return self._function(X)[:, None], None


def _problem(basis, function, nested):
    X = np.random.RandomState(0).uniform(-1, 1, (600, 4))
    targets = function(X)[:, None]
    return Problem(Graph.of(nested), basis, X, targets / targets.std(), np.full(600, 1 / 600))


@pytest.mark.parametrize("basis", [SplineBasis(6, 3), PolynomialBasis(0, 6), KernelBasis(6, 0)], ids=str)
@pytest.mark.parametrize(
    "h",
    [lambda a, b: a + b, lambda a, b: np.tanh(a - 2 * b), lambda a, b: a + b * b - 0.3, lambda a, b: a * b],
    ids=["sum", "tanh", "bent", "product"],
)
@pytest.mark.parametrize(
    "outer", [lambda g, rest: g * (rest + 0.1), lambda g, rest: np.cos(2 * g + rest)], ids=["x", "cos"]
)
def test_a_node_is_found_whatever_the_function_above_folds(basis, h, outer):
    def function(X):
        return outer(h(X[:, 0], X[:, 1]), X[:, 2] * X[:, 3])

    problem = _problem(basis, function, ((0, 1), (2, 3)))
    state = problem.state(distilled(problem, [_Known(function)], np.random.RandomState(0)), 1e-4)
    assert abs(spearmanr(state.outputs[0], h(problem.X[:, 0], problem.X[:, 1])).statistic) > 0.97


def test_nodes_of_three_inputs_and_of_one():
    def function(X):
        return np.sin(2 * X[:, 0] * X[:, 1] + X[:, 2]) + X[:, 3] ** 2

    problem = _problem(SplineBasis(4, 3), function, ((0, 1, 2), (3,)))
    state = problem.state(distilled(problem, [_Known(function)], np.random.RandomState(0)), 1e-4)
    assert state.loss < 0.02


def test_nodes_that_nothing_answers_to_are_no_reason_to_fail():
    problem = _problem(SplineBasis(4, 3), lambda X: X[:, 0], ((0, 1), (2, 3)))
    coefs = distilled(problem, [_Known(lambda X: 0.0 * X[:, 0])], np.random.RandomState(0))
    assert all(np.all(np.isfinite(coef)) for coef in coefs)

"""Unfolding: of a node that answers by h², its lines make h again."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from skamem.supervised.compositional._bases import KernelBasis, PolynomialBasis, SplineBasis
from skamem.supervised.compositional._descent import Problem, descend
from skamem.supervised.compositional._graph import Graph
from skamem.supervised.compositional._start import carried
from skamem.supervised.compositional._unfolding import unfolded


class _Folded:
    """What `carried` reads of a state: outputs that the nodes are to have."""

    def __init__(self, *outputs):
        self.outputs = outputs


def _problem(basis, h, rest=0.3):
    X = np.random.RandomState(0).uniform(-1, 1, (600, 3))
    inner = h(X[:, 0], X[:, 1])
    targets = inner * (X[:, 2] + rest)
    targets = ((targets - targets.mean()) / targets.std())[:, None]
    problem = Problem(Graph.of(((0, 1), 2)), basis, X, targets, np.full(600, 1 / 600))
    return problem, inner, carried(_Folded(inner**2), problem)


@pytest.mark.parametrize("basis", [SplineBasis(4, 3), PolynomialBasis(0, 6), KernelBasis(5, 0)], ids=str)
@pytest.mark.parametrize(
    "h",
    [lambda a, b: a + b, lambda a, b: np.tanh(a - 2 * b), lambda a, b: a + b * b - 0.3],
    ids=["sum", "tanh", "bent"],
)
def test_the_smoothest_function_with_the_same_lines_is_monotone_across_them(basis, h):
    problem, inner, folded = _problem(basis, h)
    state = problem.state(folded, 1e-4)
    assert abs(spearmanr(state.outputs[0], inner).statistic) < 0.9
    tries = [problem.state(unfolded(problem, state, np.random.RandomState(seed)), 1e-4) for seed in range(8)]
    assert max(abs(spearmanr(one.outputs[0], inner).statistic) for one in tries) > 0.97


def test_a_descent_goes_on_where_it_had_ended():
    problem, _, folded = _problem(SplineBasis(4, 3), lambda a, b: a + b, rest=0.0)
    stuck = list(descend(problem, folded, 1e-4, 50, 1e-4))[-1]
    assert stuck.loss > 0.2
    freed = [
        list(descend(problem, unfolded(problem, stuck, np.random.RandomState(seed)), 1e-4, 50, 1e-4))[-1]
        for seed in range(6)
    ]
    assert min(state.loss for state in freed) < 0.02


def test_a_node_that_does_not_vary_is_no_reason_to_fail():
    problem, _, folded = _problem(SplineBasis(3, 3), lambda a, b: a + b)
    state = problem.state([np.zeros_like(folded[0])], 1e-4)
    assert all(np.all(np.isfinite(coef)) for coef in unfolded(problem, state, np.random.RandomState(0)))

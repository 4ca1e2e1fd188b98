"""Wide trees: their slopes are those of their answers, and they learn what a narrow descent misses."""

import numpy as np
from numpy.testing import assert_allclose

from skamem.core import arrays
from skamem.supervised.compositional._bases import SplineBasis
from skamem.supervised.compositional._descent import Problem
from skamem.supervised.compositional._graph import Graph
from skamem.supervised.compositional._wide import WideTree, trained

GRAPH = Graph.of((((0, 1), (1, 2)), 3, (0, 1)))  # a column in two nodes, a node under two, one of three inputs


def _tree(X):
    return WideTree(GRAPH, 2, arrays.placement_of(X), np.float64, np.random.RandomState(1))


def test_slopes_are_those_of_the_answers():
    rng = np.random.RandomState(0)
    X, steep = rng.uniform(-1, 1, (5, 4)), rng.standard_normal((5, 2))
    tree = _tree(X)
    gradients = tree.slopes(tree.run(X)[1], steep)
    assert gradients.keys() == tree.parameters.keys()
    for name, values in tree.parameters.items():
        at = tuple(rng.randint(size) for size in values.shape)
        moved = []
        for change in (1e-6, -2e-6):
            values[at] += change
            moved.append(np.sum(steep * tree.run(X)[0]))
        values[at] += 1e-6
        assert_allclose(gradients[name][at], (moved[0] - moved[1]) / 2e-6, rtol=1e-6, atol=1e-8)


def test_answers_depend_on_a_row_alone():
    X = np.random.RandomState(0).uniform(-1, 1, (6, 4))
    tree = _tree(X)
    assert_allclose(tree.run(X)[0][2:4], tree.run(X[2:4])[0], rtol=1e-12)


def test_a_tree_learns_a_composition():
    X = np.random.RandomState(0).uniform(-1, 1, (500, 4))
    targets = np.sin(4 * X[:, 0] * X[:, 1]) * (X[:, 2] - X[:, 3])
    targets = (targets / targets.std())[:, None]
    graph = Graph.of(((0, 1), (2, 3)))
    problem = Problem(graph, SplineBasis(4, 3), X, targets, np.full(500, 1 / 500))
    answers = trained(problem, np.random.RandomState(0)).run(X.astype(np.float32))[0]
    assert np.mean((answers - targets) ** 2) < 0.1  # of the variance

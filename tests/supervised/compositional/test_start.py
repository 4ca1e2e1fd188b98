"""Starts: what is carried over to finer maps stays what it was."""

import numpy as np
from numpy.testing import assert_allclose

from skamem.supervised.compositional._bases import SplineBasis
from skamem.supervised.compositional._descent import Problem
from skamem.supervised.compositional._graph import Graph
from skamem.supervised.compositional._start import carried, start


def test_nodes_carried_to_nested_knots_compute_the_same():
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, (500, 4))
    targets = (X[:, 0] * X[:, 1] + np.sin(X[:, 2] - X[:, 3]))[:, None]
    data = Graph.of((((0, 1), 2), 3)), X, targets / np.std(targets), np.full(500, 1 / 500)
    coarse, fine = (Problem(data[0], SplineBasis(n_knots, 3), *data[1:]) for n_knots in (3, 5))
    state = coarse.state(start(coarse, rng), 1e-4)
    found = fine.state(carried(state, fine), 1e-4)
    for ours, theirs in zip(found.outputs, state.outputs, strict=True):
        assert_allclose(ours, theirs, atol=1e-3)
    assert found.loss <= state.loss * 1.01

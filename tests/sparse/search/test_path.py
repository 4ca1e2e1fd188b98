"""Paths: what an improvement at one size does to its neighbours."""

import numpy as np
import pytest

from skamem.sparse import IHTRegressor
from skamem.sparse.objective._design import as_design
from skamem.sparse.objective._problem import Problem
from skamem.sparse.search._forward import forward_path
from skamem.sparse.search._path import _regrow, _shrink, default_max_size
from skamem.sparse.search._plan import Settings


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 40)) + rng.standard_normal((60, 1))
    return Problem(as_design(X), (X[:, :6].sum(axis=1) + rng.standard_normal(60))[:, None])


def worsened(problem, sizes):
    """A good path, in which some sizes have a bad support."""
    points = list(forward_path(problem, 10, swaps=True, tol=1e-9))
    for size in sizes:
        points[size] = problem.least_squares(np.arange(40 - size, 40))
    return points


def test_an_improvement_reaches_larger_sizes(problem):
    good = worsened(problem, [])
    points = worsened(problem, [7, 8])
    assert points[7].loss > points[6].loss
    _regrow(problem, points, 6, Settings())
    np.testing.assert_allclose([point.loss for point in points], [point.loss for point in good], rtol=1e-9)
    assert [len(point.support) for point in points] == list(range(11))


def test_an_improvement_reaches_smaller_sizes(problem):
    good = worsened(problem, [])
    points = worsened(problem, [4, 5])
    _shrink(problem, points, 6, Settings())
    losses = np.array([point.loss for point in points])
    assert np.all(np.diff(losses) <= 1e-12)
    assert np.all(losses[4:6] <= 1.05 * np.array([point.loss for point in good])[4:6])


def test_fast_paths_are_forward_selection():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((50, 30))
    y = X[:, :3].sum(axis=1) + rng.standard_normal(50)
    path = IHTRegressor(max_features=6, effort="fast").fit(X, y).path_
    for smaller, larger in zip(path.supports, path.supports[1:], strict=False):
        assert set(smaller) < set(larger)


def test_the_default_bound_leaves_degrees_of_freedom():
    assert default_max_size(1, 5) == 0
    assert default_max_size(2, 5) == 0
    assert default_max_size(9, 100) == 2
    assert default_max_size(10**6, 20) == 20
    assert default_max_size(1000, 10**5) == 45  # 1000 / (log log 1000 · log 100000) = 44.9

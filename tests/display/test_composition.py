"""CompositionDisplay draws the maps of the nodes, and follows scikit-learn's convention of displays."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LinearRegression

from skamem import CompositionalRegressor

plt = pytest.importorskip("matplotlib.pyplot")

from skamem.display import CompositionDisplay  # noqa: E402


@pytest.fixture
def data():
    X = np.random.RandomState(0).uniform(-1, 1, (150, 4))
    return pd.DataFrame(X, columns=list("abcd")), np.sin(X[:, 0] * X[:, 1]) + X[:, 2] * X[:, 3]


def test_each_node_is_its_map(data):
    model = CompositionalRegressor(n_knots=3, n_restarts=1).fit(*data)
    display = CompositionDisplay.from_estimator(model, n_points=9)
    assert len(display.axes_) == 3
    for number, axes in enumerate(display.axes_):
        assert_allclose(axes.images[0].get_array(), model.node_map(number, n_points=9).values.T)
    assert [text.get_text() for text in display.ax_.texts] == list("abcd")


def test_columns_of_several_nodes_chains_and_targets(data):
    X, y = data
    graph = ((("a",), "b"), ("a", "c", "d"))
    model = CompositionalRegressor(graph, node="polynomial", degree=2, n_restarts=1).fit(X, np.column_stack([y, -y]))
    first, second = (CompositionDisplay.from_estimator(model, n_points=5, output=k) for k in (0, 1))
    assert sorted(text.get_text() for text in first.ax_.texts) == list("aabcd")
    assert_allclose(first.grids[-1].values, -second.grids[-1].values, atol=1e-6)
    assert len(first.axes_[0].lines) == 1


def test_a_learnt_graph_says_how_sure_it_is(data):
    model = CompositionalRegressor("learn", n_knots=3, n_restarts=1).fit(*data)
    display = CompositionDisplay.from_estimator(model)
    assert display.ax_.get_title() == f"graph learnt, confidence {model.graph_confidence_:.2f}"


def test_axes_may_be_given(data):
    model = CompositionalRegressor(n_knots=3, n_restarts=1).fit(*data)
    figure, axes = plt.subplots()
    display = CompositionDisplay.from_estimator(model, ax=axes)
    assert display.ax_ is axes
    assert display.figure_ is figure


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_points": 0}, ValueError, "n_points=0 is out of range; expected 2 <= n_points"),
        ({"n_points": 1}, ValueError, "n_points=1 is out of range"),
        ({"n_points": 2.5}, TypeError, "n_points=2.5 is a float; expected an integer"),
        ({"output": 5}, ValueError, "output=5 is out of range; expected -2 <= output <= 1"),
        ({"output": "y"}, TypeError, "output='y' is a str; expected an integer"),
        ({"ax": "x"}, TypeError, "ax='x' is a str; expected one matplotlib Axes"),
    ],
)
def test_wrong_arguments_are_refused(data, arguments, error, message):
    X, y = data
    model = CompositionalRegressor(node="polynomial", alpha=1.0, n_restarts=1).fit(X, np.column_stack([y, -y]))
    before = plt.get_fignums()
    with pytest.raises(error, match=message):
        CompositionDisplay.from_estimator(model, **arguments)
    assert plt.get_fignums() == before


def test_another_estimator_is_refused(data):
    with pytest.raises(TypeError, match="LinearRegression has no node_map.*pass a CompositionalRegressor"):
        CompositionDisplay.from_estimator(LinearRegression().fit(*data))

"""CompositionalRegressor: least squares where that is the answer, descents that descend, units of no effect."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression, RidgeCV
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from skamem import CompositionalRegressor


def composed(n_rows=400, noise=0.01, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.uniform(-1, 1, (n_rows, 4))
    y = np.tanh(2 * X[:, 0] * X[:, 1]) * (1 + np.sqrt(0.1 + X[:, 2] ** 2 + X[:, 3] ** 2))
    return X, y + noise * rng.standard_normal(n_rows)


@pytest.mark.parametrize("node", ["spline", "polynomial", "kernel"])
def test_a_composition_is_learnt(node):
    X, y = composed()
    X_test, y_test = composed(seed=1, noise=0.0)
    model = CompositionalRegressor(node=node, degree=3 if node == "spline" else 5, random_state=0).fit(X, y)
    assert model.score(X_test, y_test) > 0.99  # noise is 2 % of the deviation


def test_one_polynomial_node_is_least_squares():
    X, y = load_diabetes(return_X_y=True)
    columns = (2, 3, 8)
    terms = PolynomialFeatures(3).fit_transform(StandardScaler().fit_transform(X[:, columns]))
    best = LinearRegression().fit(terms, y).predict(terms)
    model = CompositionalRegressor(columns, node="polynomial", degree=3, alpha=0.0).fit(X, y)
    assert_allclose(model.predict(X), best, atol=1e-6 * np.std(y))
    assert model.n_parameters_ == terms.shape[1]


@pytest.mark.parametrize("alpha", ["gcv", 0.01])
@pytest.mark.parametrize("seed", range(3))
def test_the_loss_never_rises(alpha, seed):
    X, y = composed(150, noise=0.3, seed=seed)
    curve = CompositionalRegressor(alpha=alpha, n_restarts=1, random_state=seed).fit(X, y).loss_curve_
    assert len(curve) > 1
    assert np.all(np.diff(curve) < 0)


def test_the_reported_loss_is_that_of_what_is_predicted():
    X, y = composed(200)
    model = CompositionalRegressor(alpha=0.0, n_knots=3, random_state=0, tol=1e-3).fit(X, y)
    loss = np.mean((model.predict(X) - y) ** 2) / np.var(y)
    assert_allclose(model.loss_curve_[-1], loss, rtol=1e-6)


def test_units_do_not_matter():
    X, y = composed()
    model = CompositionalRegressor(random_state=0).fit(X, y)
    scales, shifts = np.array([1e-6, 3.0, -1e4, 7.0]), np.array([0.0, 5.0, 1e3, -1.0])
    other = clone(model).fit(X * scales + shifts, -2e5 * y + 1e3)
    assert_allclose((other.predict(X * scales + shifts) - 1e3) / -2e5, model.predict(X), atol=1e-3)


def test_the_order_of_named_columns_does_not_matter():
    X, y = composed()
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = CompositionalRegressor((("a", "b"), ("c", "d")), random_state=0).fit(frame, y)
    turned = clone(model).fit(frame[list("cbda")], y)
    assert model.graph_ == turned.graph_ == (("a", "b"), ("c", "d"))
    assert_allclose(turned.predict(frame[list("cbda")]), model.predict(frame), atol=1e-6)


def test_a_column_may_occur_twice_and_others_not_at_all():
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, (500, 5))
    y = np.sin(2 * X[:, 0] * X[:, 1]) + np.exp(X[:, 0] - X[:, 2])
    model = CompositionalRegressor(((0, 1), (0, 2)), random_state=0).fit(X[:400], y[:400])
    assert model.score(X[400:], y[400:]) > 0.99
    X[:, 3:] = 1e6
    assert model.score(X[400:], y[400:]) > 0.99


def test_answers_stay_bounded_far_from_the_rows():
    X, y = composed()
    model = CompositionalRegressor(random_state=0).fit(X, y)
    far = 1e6 * np.random.RandomState(1).standard_normal((100, 4))
    assert np.ptp(model.predict(far)) < 5 * np.ptp(y)


def test_answers_stay_bounded_between_the_rows_of_skewed_columns():
    hidden = np.random.default_rng(1).normal(size=(500, 4))
    y, X = np.tanh(hidden[:, 0] * hidden[:, 2]), np.exp(2 * hidden)
    model = CompositionalRegressor(((0, 2), (1, 3)), random_state=0, n_restarts=2).fit(X[:300], y[:300])
    inside = model.predict(X[:300])
    room = 0.1 * np.ptp(inside) + 1e-9
    predicted = model.predict(X)
    assert inside.min() - room <= predicted.min()
    assert predicted.max() <= inside.max() + room
    assert "most" in model.nodes_[-1]
    assert "most" not in clone(model).fit(hidden[:300], y[:300]).nodes_[-1]


def test_several_targets_share_the_inner_nodes():
    X, y = composed()
    targets = np.column_stack([y, y**2, np.ones_like(y)])
    model = CompositionalRegressor(random_state=0).fit(X, targets)
    predicted = model.predict(X)
    assert predicted.shape == targets.shape
    assert_allclose(predicted[:, 2], 1.0)
    assert np.all(np.var(predicted - targets, axis=0)[:2] < 0.01 * np.var(targets, axis=0)[:2])
    assert model.node_map().values.shape == (30, 30, 3)


def test_a_weight_is_a_number_of_rows():
    X, y = composed(100)
    weights = np.random.RandomState(0).randint(0, 4, 100)
    weighted = CompositionalRegressor(random_state=0, n_restarts=1).fit(X, y, sample_weight=weights)
    repeated = clone(weighted).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    assert_allclose(weighted.predict(X), repeated.predict(X), atol=1e-6)
    assert_allclose(clone(weighted).fit(X, y, 1e6 * weights).predict(X), weighted.predict(X), atol=1e-6)


@pytest.mark.slow
def test_noisy_tables_are_not_overfitted():
    X, y = load_diabetes(return_X_y=True)
    ours = cross_val_score(CompositionalRegressor(random_state=0, n_restarts=1), X, y).mean()
    ridge = cross_val_score(make_pipeline(StandardScaler(), RidgeCV()), X, y).mean()
    assert ours > ridge - 0.02


def test_a_learnt_tree():
    # Derivatives of four columns, 300 rows, 1 % noise: a margin of five times the error of the next tree.
    X, y = composed(300)
    order = [2, 0, 3, 1]
    model = CompositionalRegressor("learn", random_state=0).fit(X[:, order], y)
    assert {frozenset(pair) for pair in model.graph_} == {frozenset((0, 2)), frozenset((1, 3))}
    assert model.graph_confidence_ > 0.5
    assert model.graph_scores_[0][0] == model.graph_
    assert {frozenset(pair) for pair, _ in model.pair_scores_[:2]} == {frozenset((0, 2)), frozenset((1, 3))}


def test_a_learnt_tree_leaves_out_what_has_no_effect():
    X, y = composed(300)
    X = np.column_stack([X, np.random.RandomState(5).uniform(-1, 1, (300, 2))])
    frame = pd.DataFrame(X, columns=list("abcdef"))
    model = CompositionalRegressor("learn", random_state=0).fit(frame, y)
    assert {frozenset(pair) for pair in model.graph_} == {frozenset("ab"), frozenset("cd")}


def test_the_map_of_a_node_is_what_it_computes():
    X, y = composed()
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = CompositionalRegressor((("a", "b"), "c"), random_state=0).fit(frame, y)
    inner, last = model.node_map(0, n_points=7), model.node_map(n_points=7)
    assert inner.names == ["a", "b"]
    assert last.names == ["node 0", "c"]
    assert_allclose(inner.grids[0][[0, -1]], [X[:, 0].min(), X[:, 0].max()])
    # At a corner of the inner grid, and the value that it gives, the last map is the prediction.
    row = pd.DataFrame([[inner.grids[0][2], inner.grids[1][3], last.grids[1][4], 0.0]], columns=list("abcd"))
    expected = np.interp(inner.values[2, 3], last.grids[0], last.values[:, 4])
    assert_allclose(model.predict(row), expected, atol=0.1 * np.std(y))


def test_negative_numbers_count_from_the_last_column():
    model = CompositionalRegressor((0, -1), node="polynomial", alpha=1.0).fit(*composed(50))
    assert model.graph_ == (0, 3)


@pytest.mark.parametrize(
    ("graph", "error", "message"),
    [
        ("tree", ValueError, "graph='tree' is not an option"),
        (3, TypeError, "graph=3 is an int"),
        ((0, 9), ValueError, r"column 9; expected names, or integers in \[0, 3\]"),
        ((0, -5), ValueError, r"column -5; expected .* or in \[-4, -1\] from the last"),
        (("a", 0), ValueError, "column 'a', but X has no names"),
        ((0, ()), ValueError, "of 0 inputs; expected 1 to 3"),
        ((0, 1, 2, 3), ValueError, "of 4 inputs; expected 1 to 3"),
    ],
)
def test_a_wrong_graph_is_refused(graph, error, message):
    with pytest.raises(error, match=message):
        CompositionalRegressor(graph).fit(*composed(50))


@pytest.mark.parametrize("node", ["spline", "polynomial", "kernel"])
@pytest.mark.parametrize(("n_rows", "n_columns"), [(2, 4), (10, 12), (10, 30)])
def test_few_rows_get_few_coefficients(node, n_rows, n_columns):
    rng = np.random.RandomState(0)
    X, y = rng.standard_normal((n_rows, n_columns)), rng.standard_normal(n_rows)
    model = CompositionalRegressor(node=node, random_state=0, n_restarts=2).fit(X, y)
    assert model.n_parameters_ <= 9 * (n_columns - 1)  # the products of two parabolas
    assert np.all(np.isfinite(model.predict(3 * X)))


@pytest.mark.parametrize(("node", "degree", "n_terms"), [("spline", 3, 64), ("polynomial", 5, 21), ("kernel", 3, 49)])
def test_the_basis_is_the_one_asked_for_where_rows_suffice(node, degree, n_terms):
    X, y = composed(2 * n_terms)
    options = {"node": node, "degree": degree, "n_restarts": 1, "max_iter": 5, "alpha": 0.1, "tol": 0.5}
    model = CompositionalRegressor(**options).fit(X, y)
    assert (model.basis_.n_knots, model.basis_.degree) == (6, degree)
    assert model.n_parameters_ == 3 * n_terms
    seen = np.r_[np.ones(2 * n_terms - 1), 0.0]
    assert model.fit(X, y, sample_weight=seen).n_parameters_ < 3 * n_terms


def test_with_alpha_given_few_repeated_rows_are_learnt():
    X = np.repeat(np.random.RandomState(0).uniform(-1, 1, (5, 4)), 100, axis=0)
    y = np.repeat(np.arange(5.0), 100)
    assert CompositionalRegressor(alpha=1e-6, random_state=0).fit(X, y).score(X, y) > 0.99
    assert CompositionalRegressor(random_state=0).fit(X, y).alpha_ == 1000.0


@pytest.mark.parametrize("y", [np.zeros(60), np.random.RandomState(3).standard_normal(60)], ids=["constant", "noise"])
def test_of_nothing_learnt_one_is_not_sure(y):
    X = np.random.RandomState(0).uniform(-1, 1, (60, 3))
    assert CompositionalRegressor("learn", n_restarts=1, random_state=0).fit(X, y).graph_confidence_ < 0.3


def test_of_constant_targets_or_columns_there_is_no_confidence():
    X, y = composed(60)
    assert CompositionalRegressor("learn", n_restarts=1).fit(X, np.ones(60)).graph_confidence_ == 0.0
    assert CompositionalRegressor("learn", n_restarts=1).fit(np.ones((60, 3)), y).graph_confidence_ == 0.0


@pytest.mark.parametrize(("n_points", "error"), [(0, ValueError), (-3, ValueError), (2.5, TypeError), ("9", TypeError)])
def test_a_wrong_number_of_points_is_refused(n_points, error):
    X, y = composed(60)
    model = CompositionalRegressor((0, 1), node="polynomial", alpha=1.0).fit(X, y)
    with pytest.raises(error, match="n_points=.*expected"):
        model.node_map(0, n_points=n_points)

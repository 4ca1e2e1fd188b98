"""Columns whose squares vanish count as others do, in every search; what cannot be told or held is refused."""

import numpy as np
import pytest
import scipy.sparse

from skamem.sparse import IHTClassifier, IHTRegressor, IHTRegressorCV, StabilitySelection
from skamem.sparse.objective._design import as_design
from skamem.sparse.objective._units import go_to_units

# Powers of two: what a fit then gives is the same, bit for bit, up to these units.
UNITS = 2.0 ** np.array([-1000, 0, -560, 0, 0, -700])


def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 6)) + 3.0
    return X, X[:, 0] + 0.5 * X[:, 1] + 0.1 * rng.standard_normal(60)


def labels(y):
    return np.digitize(y, np.quantile(y, [1 / 3, 2 / 3]))


FITS = {
    "size": lambda X, y: IHTRegressor(2).fit(X, y),
    "criterion": lambda X, y: IHTRegressor().fit(X, y),
    "textbook": lambda X, y: IHTRegressor(2, effort="normalized").fit(X, y),
    "targets": lambda X, y: IHTRegressor(2, multi_output="independent").fit(X, np.stack([y, -y * y], axis=1)),
    "groups": lambda X, y: IHTRegressor(2, groups=[0, 0, 1, 1, 2, 3]).fit(X, y),
    "positive": lambda X, y: IHTRegressor(2, positive=True).fit(X, y),
    "no intercept": lambda X, y: IHTRegressor(2, fit_intercept=False).fit(X, y),
    "weights": lambda X, y: IHTRegressor(2).fit(X, y, sample_weight=np.arange(60) % 3),
    "stream": lambda X, y: IHTRegressor(2).partial_fit(X[:30], y[:30]).partial_fit(X[30:], y[30:]),
    "on from a fit": lambda X, y: IHTRegressor(2).fit(X[:30], y[:30]).partial_fit(X[30:], y[30:]),
    "folds": lambda X, y: IHTRegressorCV().fit(X, y),
    "scored folds": lambda X, y: IHTRegressorCV(scoring="r2").fit(X, y),
    "fold by fold": lambda X, y: IHTRegressorCV(positive=True).fit(X, y),
    "scored fold by fold": lambda X, y: IHTRegressorCV(positive=True, scoring="r2").fit(X, y),
    "classes": lambda X, y: IHTClassifier(2).fit(X, labels(y)),
}


@pytest.mark.parametrize("container", [np.asarray, np.asfortranarray, scipy.sparse.csr_array])
@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
def test_columns_whose_squares_vanish_count_as_others(fit, container):
    X, y = data()
    wanted, model = fit(container(X), y), fit(container(X * UNITS), y)
    np.testing.assert_array_equal(model.support_, wanted.support_)
    assert 0 in model.support_
    np.testing.assert_allclose(model.coef_ * UNITS, wanted.coef_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(model.intercept_, wanted.intercept_, rtol=1e-6)
    np.testing.assert_allclose(model.predict(container(X * UNITS)), wanted.predict(X), rtol=1e-6)
    if hasattr(wanted, "cv_results_"):
        for name, scores in wanted.cv_results_.items():
            np.testing.assert_allclose(model.cv_results_[name], scores, rtol=1e-6)


def test_stability_is_told_in_any_units():
    X, y = data()
    selector = StabilitySelection(n_select=2, random_state=0).fit(X * UNITS, y)
    assert selector.get_support(indices=True).tolist() == [0, 1]


def test_a_constant_column_stays_one_in_any_units():
    X, y = data()
    X[:, [2, 3]] = 2.0**-900, 0.0
    np.testing.assert_array_equal(IHTRegressor().fit(X, y).support_, [0, 1])


@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array])
def test_units_are_decided_once_by_samples_that_are_there(container):
    X = np.array([[1.0, 2.0, 0.0], [2.0**-700, 1.0, 0.0], [2.0**-701, 3.0, 0.0]])
    design = as_design(container(X))
    assert go_to_units(design, np.array([2.0**-1000, 14.0, 0.0]), np.array([0.0, 1.0, 1.0]))
    np.testing.assert_array_equal(design.units > 0.5, [False, True, True])
    np.testing.assert_array_equal(design.columns(np.array([0, 1])) * design.units[:2], X[:, :2])
    given = design.samples(np.array([0, 2]))
    np.testing.assert_array_equal(given.toarray() if scipy.sparse.issparse(given) else given, X[[0, 2]])
    assert not go_to_units(design, np.zeros(3))
    ordinary = as_design(container(X[:, 1:]))
    assert not go_to_units(ordinary, np.array([14.0, 0.0]))
    assert np.all(ordinary.units == 1.0)


def test_weighted_squares_of_the_target_that_no_float_holds_are_refused():
    X, y = data()
    np.testing.assert_array_equal(IHTRegressor(2).fit(X, y, sample_weight=np.full(60, 1e-250)).support_, [0, 1])
    with pytest.raises(ValueError, match=r"weighted squares vanish in double precision\. Rescale sample_weight"):
        IHTRegressor(2).fit(X, y * 1e-100, sample_weight=np.full(60, 1e-250))
    for weight in (1e100, 1e200):
        with pytest.raises(ValueError, match=r"by sample_weight overflow double precision\. Rescale sample_weight"):
            IHTRegressor(2).fit(X, y * 1e140, sample_weight=np.full(60, weight))


@pytest.mark.parametrize("params", [{}, {"scoring": "r2"}])
@pytest.mark.parametrize(("of_x", "of_y"), [(1e-30, 1e10), (1e30, 1e-20)])
def test_coefficients_that_float32_cannot_hold_are_refused(of_x, of_y, params):
    X, y = data()
    X, y = X * of_x, y * of_y
    for estimator in (IHTRegressor(1), IHTRegressorCV(1, **params)):
        with pytest.raises(ValueError, match="feature 0 has magnitude .*float32 cannot hold.* or pass X in float64"):
            estimator.fit(X.astype(np.float32), y.astype(np.float32))
        assert np.corrcoef(estimator.fit(X, y).predict(X), y)[0, 1] > 0.8


def test_coefficients_that_float64_cannot_hold_are_refused():
    X, y = data()
    for fit in (FITS["size"], FITS["stream"], FITS["folds"]):
        with pytest.raises(ValueError, match="feature 0 has magnitude inf, which float64 cannot hold"):
            fit(X * UNITS, y * 1e20)


@pytest.mark.parametrize(("unit", "weight", "digits"), [(2.0**-700, 2.0**-100, 1e-6), (2.0**-1030, 1.0, 1e-3)])
def test_sums_of_a_fit_go_on_at_the_end_of_floats(unit, weight, digits):
    X, y = data()
    y, weights = y * 2.0**-40, np.full(60, weight)
    wanted = IHTRegressor(2).fit(X, y)
    X = X * [unit, 1, 1, 1, 1, 1]
    model = IHTRegressor(2).fit(X[:30], y[:30], sample_weight=weights[:30])
    model.partial_fit(X[30:], y[30:], sample_weight=weights[30:])
    np.testing.assert_array_equal(model.support_, [0, 1])
    np.testing.assert_allclose(model.coef_[:2] * [unit, 1.0], wanted.coef_[:2], rtol=digits)


def test_weights_by_which_features_vanish_are_refused():
    X, y = data()
    with pytest.raises(ValueError, match="features by it vanish in double precision; scale the weights"):
        IHTRegressor(2).partial_fit(X * UNITS, y, sample_weight=np.full(60, 2.0**-900))

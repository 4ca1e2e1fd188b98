"""Selectors that keep exactly what a sparse model selected."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skamem.sparse import IHTClassifier, IHTRegressor, IHTRegressorCV, StabilitySelection, SupportSelector


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks([SupportSelector(IHTRegressor(1)), SupportSelector(IHTClassifier(1))])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 12)) * 10.0 ** np.arange(-6, 6)
    return X, X[:, 1] * 1e5 + X[:, 5] + 2e-3 * X[:, 9] + 0.1 * rng.standard_normal(80)


def test_small_coefficients_are_kept(data):
    X, y = data
    model = IHTRegressor(3).fit(X, y)
    assert len(SelectFromModel(IHTRegressor(3)).fit(X, y).get_support(indices=True)) < 3
    for estimator in (
        IHTRegressor(3),
        IHTRegressor(),
        IHTRegressorCV(3),
        make_pipeline(StandardScaler(), IHTRegressor(3)),
    ):
        selector = SupportSelector(estimator).fit(X, y)
        np.testing.assert_array_equal(selector.get_support(indices=True), model.support_)
        np.testing.assert_array_equal(selector.transform(X), X[:, model.support_])
        np.testing.assert_array_equal(
            selector.inverse_transform(selector.transform(X))[:, model.support_], X[:, [1, 5, 9]]
        )


def test_every_estimator_of_ours_and_masks(data):
    X, y = data
    labels = np.where(y > 0, "high", "low")
    for estimator, target in [(IHTClassifier(2), labels), (RFE(LinearRegression(), n_features_to_select=2), y)]:
        fitted = clone(estimator).fit(X, target)
        selector = SupportSelector(estimator).fit(X, target)
        expected = np.flatnonzero(fitted.support_) if fitted.support_.dtype == bool else fitted.support_
        np.testing.assert_array_equal(selector.support_, expected)
    many = np.c_[y, X[:, 3]]
    assert {3, 5} <= set(SupportSelector(IHTRegressor(4, multi_output="independent")).fit(X, many).support_)


def test_names_frames_and_sparse_matrices(data):
    X, y = data
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(12)]).astype({"x5": np.float32})
    selector = SupportSelector(IHTRegressor(3)).fit(frame, y)
    assert selector.get_feature_names_out().tolist() == ["x1", "x5", "x9"]
    kept = selector.set_output(transform="pandas").transform(frame)
    assert kept.dtypes.tolist() == [np.float64, np.float32, np.float64]
    with pytest.raises(ValueError, match="feature names"):
        selector.transform(frame[frame.columns[::-1]])
    sparse = scipy.sparse.csr_array(X)
    selector = SupportSelector(IHTRegressor(3)).fit(sparse, y)
    np.testing.assert_array_equal(selector.transform(sparse).toarray(), X[:, [1, 5, 9]])
    assert selector.inverse_transform(selector.transform(sparse)).shape == (80, 12)


def test_no_feature_is_an_answer(data):
    X, _ = data
    assert SupportSelector(IHTRegressor(0)).fit_transform(X, np.arange(80.0)).shape == (80, 0)


def test_pipelines_and_searches_with_cross_validation_inside():
    X, y = load_iris(return_X_y=True)
    X = np.c_[X, np.random.default_rng(0).standard_normal((150, 20))]
    pipeline = make_pipeline(SupportSelector(IHTClassifier()), IHTClassifier())
    assert cross_val_score(pipeline, X, y).mean() > 0.9
    search = GridSearchCV(
        make_pipeline(PolynomialFeatures(2), SupportSelector(IHTRegressorCV(4)), LinearRegression()),
        {"supportselector__estimator__one_se": [False, True]},
    )
    assert search.fit(X[:, :6], X[:, 0] * X[:, 1]).best_score_ > 0.99


def test_weights_reach_the_estimator(data):
    X, y = data
    weights = np.r_[np.zeros(40), np.ones(40)]
    selector = SupportSelector(IHTRegressor(3)).fit(X, y, weights)
    np.testing.assert_allclose(selector.estimator_.coef_, IHTRegressor(3).fit(X[40:], y[40:]).coef_)


@pytest.mark.parametrize(
    "estimator",
    [LinearRegression(), make_pipeline(PolynomialFeatures(2), IHTRegressor(2))],
    ids=["none", "other columns"],
)
def test_estimators_that_do_not_select_among_the_columns_are_refused(data, estimator):
    with pytest.raises(TypeError, match="no support_ for the 12 columns"):
        SupportSelector(estimator).fit(*data)


def test_selectors_nest(data):
    X, y = data
    stable = StabilitySelection(IHTRegressor(3), threshold=0.9, n_pairs=5, random_state=0)
    np.testing.assert_array_equal(SupportSelector(stable).fit(X, y).support_, clone(stable).fit(X, y).support_)

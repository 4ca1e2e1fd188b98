"""Paths and folds report each step to scikit-learn's callbacks, and may be stopped after any of them."""

import numpy as np
import pytest

from skamem.core.callbacks import CALLBACKS_AVAILABLE
from skamem.sparse import IHTClassifier, IHTRegressor, IHTRegressorCV

pytestmark = pytest.mark.skipif(not CALLBACKS_AVAILABLE, reason="scikit-learn before 1.9 has no callbacks")


class StopAfter:
    """Counts tasks, and asks to stop after so many."""

    max_propagation_depth = 0

    def __init__(self, limit=np.inf):
        self.limit, self.names = limit, []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        if context.parent is not None:
            self.names.append(context.task_name)
        return context.parent is not None and len(self.names) >= self.limit


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 30))
    return X, X[:, :6] @ np.ones(6) + 0.5 * rng.standard_normal(80)


def test_every_size_of_a_path_is_a_task(data):
    counter = StopAfter()
    IHTRegressor(max_features=9).set_callbacks(counter).fit(*data)
    assert counter.names == ["size"] * 10


@pytest.mark.parametrize("effort", ["fast", "auto", "thorough"])
def test_a_stopped_path_chooses_from_what_it_has(data, effort):
    X, y = data
    model = IHTRegressor(max_features=9, effort=effort).set_callbacks(StopAfter(4)).fit(X, y)
    assert [len(support) for support in model.path_.supports] == [0, 1, 2, 3]
    assert len(model.support_) == 3
    expected = IHTRegressor(max_features=3, effort=effort).fit(X, y)
    np.testing.assert_array_equal(model.support_, expected.support_)
    np.testing.assert_allclose(model.predict(X), expected.predict(X))


def test_stopped_cross_validation_chooses_from_the_sizes_it_has(data):
    X, y = data
    model = IHTRegressorCV(9).set_callbacks(StopAfter(3)).fit(X, y)
    np.testing.assert_array_equal(model.cv_results_["n_nonzero_coefs"], [0, 1, 2])
    np.testing.assert_allclose(model.coef_, IHTRegressorCV(2).fit(X, y).coef_)


def test_stopped_cross_validation_fold_by_fold_keeps_the_folds_it_has(data, monkeypatch):
    monkeypatch.setattr("skamem.sparse.search._budgets.GRAM_FEATURES", 0)
    X, y = data
    model = IHTRegressorCV(9).set_callbacks(StopAfter(2)).fit(X, y)
    assert sum(key.startswith("split") for key in model.cv_results_) == 2
    assert len(model.support_) == model.n_nonzero_coefs_
    assert np.all(np.isfinite(model.predict(X)))


def test_classes_that_a_stopped_classifier_did_not_come_to_have_an_intercept(data):
    X, y = data
    labels = np.digitize(y, np.quantile(y, [0.33, 0.66]))
    model = IHTClassifier(3).set_callbacks(StopAfter(1)).fit(X, labels)
    np.testing.assert_array_equal(np.count_nonzero(model.coef_, axis=1), [3, 0, 0])
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)

"""One answer on every backend, by both doors, for what the tests of all estimators leave: options, weights, dtypes."""

import numpy as np
import pytest
import scipy.sparse

from skamem.core import arrays
from skamem.sparse import IHTClassifier, IHTRegressor, IHTRegressorCV, IHTSparseCoder

REGRESSORS = {
    "one size": IHTRegressor(6),
    "path": IHTRegressor(),
    "fast": IHTRegressor(effort="fast"),
    "plain": IHTRegressor(4, effort="plain", max_iter=2000),
    "normalized": IHTRegressor(4, effort="normalized", max_iter=500),
    "independent": IHTRegressor(multi_output="independent", alpha=0.01),
    "positive": IHTRegressor(4, positive=True, multi_output="independent"),
    "groups": IHTRegressor(2, groups=np.arange(120) // 3),
    "always_select": IHTRegressor(6, always_select=[50], fit_intercept=False),
    "cv": IHTRegressorCV(8, cv=4),
    "cv scored": IHTRegressorCV(8, cv=4, scoring="r2", one_se=True),
    "cv by folds": IHTRegressorCV(3, cv=3, groups=np.arange(120) // 3),
}


def problem(dtype="float64"):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 120))
    Y = X[:, :4] @ rng.uniform(1, 2, (4, 2)) + 0.5 * rng.standard_normal((80, 2))
    return X.astype(dtype), Y.astype(dtype), rng.uniform(0.5, 2.0, 80).astype(dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", REGRESSORS)
def test_every_namespace_gives_the_numpy_result(place, dispatched, case, dtype):
    X, Y, weights = problem(dtype)
    estimator = REGRESSORS[case]
    expected = estimator.fit(X, Y, weights)
    support, coef, predicted = expected.support_.copy(), expected.coef_.copy(), expected.predict(X)
    moved = [place.put(a) for a in (X, Y, weights)]
    with dispatched():
        model = estimator.fit(*moved)
        found = model.predict(moved[0])
    rtol = 1e-9 if dtype == "float64" else 2e-4
    np.testing.assert_array_equal(place.get(model.support_), support)
    np.testing.assert_allclose(place.get(model.coef_), coef, rtol=rtol, atol=1e-12)
    np.testing.assert_allclose(place.get(found), predicted, rtol=rtol, atol=rtol)
    assert model.coef_.dtype == moved[0].dtype
    assert found.dtype == moved[0].dtype


def test_classes_and_codes_follow_the_input(place, dispatched):
    X, Y, weights = problem()
    labels = (Y[:, 0] > 0).astype(int) + (Y[:, 1] > 1)
    classifier, coder = IHTClassifier(3), IHTSparseCoder(n_nonzero_coefs=3)
    expected = classifier.fit(X, labels, weights).predict_proba(X)
    codes = coder.fit(X[:20]).transform(X)
    moved = [place.put(a) for a in (X, labels, weights)]
    with dispatched():
        probabilities = classifier.fit(*moved).predict_proba(moved[0])
        predicted = classifier.predict(moved[0])
        found = coder.fit(moved[0][:20, :]).transform(moved[0])
    np.testing.assert_allclose(place.get(probabilities), expected, rtol=1e-8, atol=1e-12)
    np.testing.assert_array_equal(place.get(predicted), expected.argmax(axis=1))
    np.testing.assert_allclose(place.get(found), codes, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("case", ["one size", "cv", "cv scored", "independent"])
def test_torch_behind_the_door(case):
    pytest.importorskip("torch")
    X, Y, weights = problem()
    expected = REGRESSORS[case].set_params(backend=None).fit(X, Y, weights).predict(X)
    model = REGRESSORS[case].set_params(backend="torch").fit(X, Y, weights)
    predicted = model.predict(X)
    REGRESSORS[case].set_params(backend=None)
    assert isinstance(predicted, np.ndarray)
    np.testing.assert_allclose(predicted, expected, rtol=1e-9)


def test_sparse_input_stays_on_the_host():
    pytest.importorskip("torch")
    X = scipy.sparse.csr_array(np.eye(10))
    with pytest.raises(ValueError, match="sparse input is supported on the host"):
        IHTRegressor(2, backend="torch").fit(X, np.arange(10.0))


def test_pickles_come_home_from_a_device(fake_cupy):
    import pickle

    X, Y, _ = problem()
    with fake_cupy():
        model = IHTRegressor(3, backend="cupy").fit(X, Y)
        assert not arrays.is_host(model.coef_)
        expected = model.predict(X)
        state = pickle.dumps(model)
    alone = pickle.loads(state).set_params(backend=None)
    assert arrays.is_host(alone.coef_)
    np.testing.assert_allclose(alone.predict(X), expected)

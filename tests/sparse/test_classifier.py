"""Sparse logistic regression."""

import itertools

import numpy as np
import pytest
import scipy.sparse
from scipy.optimize import minimize
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import AdaBoostClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from skamem.sparse import IHTClassifier


@parametrize_with_checks([IHTClassifier(), IHTClassifier(2, effort="fast", fit_intercept=False, alpha=0.1)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def problem(seed=0, n=300, p=40):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    odds = X[:, [1, 7, min(30, p - 1)]] @ [2.0, -2.0, 1.5] + 0.5
    return X, (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int), rng.uniform(0.5, 2.0, n)


def loss_by_hand(X, y, weights, support, alpha):
    """Penalised logistic loss by a general optimiser."""
    lengths = np.sqrt(weights @ (X - np.average(X, axis=0, weights=weights)) ** 2)[list(support)]
    A, sign = np.c_[X[:, list(support)], np.ones(len(X))], 2 * y - 1

    def value(theta):
        return weights @ np.logaddexp(0.0, -sign * (A @ theta)) + 0.5 * alpha * np.sum((theta[:-1] * lengths) ** 2)

    return minimize(value, np.zeros(len(support) + 1), method="BFGS", options={"gtol": 1e-7})


@pytest.mark.parametrize("alpha", [0.0, 0.02])
def test_coefficients_minimise_the_penalised_loss(alpha):
    X, y, weights = problem()
    model = IHTClassifier(3, alpha=alpha).fit(X, y, weights)
    np.testing.assert_array_equal(model.support_, [1, 7, 30])
    expected = loss_by_hand(X, y, weights, model.support_, alpha).x
    np.testing.assert_allclose([*model.coef_[0, model.support_], model.intercept_[0]], expected, rtol=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_the_support_is_close_to_the_best_of_all(seed):
    X, y, _ = problem(seed, n=80, p=9)
    ones = np.ones(80)
    model = IHTClassifier(2).fit(X, y)
    losses = {S: loss_by_hand(X, y, ones, S, 1e-3).fun for S in itertools.combinations(range(9), 2)}
    assert losses[tuple(model.support_)] <= min(losses.values()) * 1.01


def test_the_criterion_finds_the_size():
    X, y, _ = problem(1, n=500)
    model = IHTClassifier().fit(X, y)
    assert {1, 7, 30} <= set(model.support_)
    assert len(model.support_) <= 5
    assert len(IHTClassifier(criterion="ebic").fit(X, y).support_) <= len(model.support_)


def test_scaling_columns_does_not_change_the_support():
    X, y, _ = problem(2)
    scales = 10.0 ** np.random.default_rng(0).uniform(-8, 8, 40)
    model, scaled = IHTClassifier(4).fit(X, y), IHTClassifier(4).fit(X * scales, y)
    np.testing.assert_array_equal(model.support_, scaled.support_)
    np.testing.assert_allclose(model.coef_, scaled.coef_ * scales, rtol=1e-6)


def test_separable_classes_keep_finite_coefficients():
    X, _, _ = problem(3)
    model = IHTClassifier(2).fit(X, X[:, 0] > 0)
    assert model.score(X, X[:, 0] > 0) == 1.0
    assert np.all(np.isfinite(model.coef_))


def test_each_class_of_many_has_its_own_support():
    X, y = load_iris(return_X_y=True)
    labels = np.array(["setosa", "versicolor", "virginica"])[y]
    model = IHTClassifier(2).fit(X, labels)
    assert model.coef_.shape == (3, 4)
    assert np.all(np.count_nonzero(model.coef_, axis=1) <= 2)
    assert model.decision_function(X).shape == (150, 3)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)
    assert model.score(X, labels) > 0.9


def test_sparse_input_gives_the_dense_result():
    X, y, weights = problem()
    X = X * (np.random.default_rng(0).random(X.shape) < 0.5)
    dense, sparse = (IHTClassifier(3).fit(A, y, weights) for A in (X, scipy.sparse.csr_array(X)))
    np.testing.assert_allclose(sparse.coef_, dense.coef_, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(sparse.predict_proba(scipy.sparse.csr_array(X)), dense.predict_proba(X), rtol=1e-7)


def test_locked_features_stay():
    X, y, _ = problem()
    assert 20 in IHTClassifier(3, always_select=[20]).fit(X, y).support_


def test_breast_cancer_with_few_features():
    # Measured: .96.
    X, y = load_breast_cancer(return_X_y=True)
    assert cross_val_score(IHTClassifier(), X, y).mean() > 0.94
    assert len(IHTClassifier().fit(X, y).support_) < 12


def test_too_many_coefficients():
    with pytest.raises(ValueError, match="n_nonzero_coefs=41"):
        IHTClassifier(41).fit(*problem()[:2])


def test_more_to_gain_after_max_iter_is_reported():
    X, y, _ = problem()
    with pytest.warns(ConvergenceWarning, match="max_iter=1"):
        IHTClassifier(3, max_iter=1).fit(X, y)
    IHTClassifier(3).fit(X, y)  # warnings are errors here


# ------------------------------------------------------------------------------------------- weights and probabilities


def test_small_weights_count_no_less_than_the_samples():
    X, y, _ = problem()
    model = IHTClassifier().fit(X, y)
    for weights in (np.full(300, 1 / 300), np.full(300, 1e-12)):
        weighted = IHTClassifier().fit(X, y, weights)
        np.testing.assert_array_equal(weighted.support_, model.support_)
        np.testing.assert_allclose(weighted.coef_, model.coef_, rtol=1e-6)


def test_boosting_works_whose_weights_sum_to_one():
    X, y, _ = problem()
    boosted = AdaBoostClassifier(IHTClassifier(2), n_estimators=5).fit(X, y)
    assert boosted.score(X, y) >= 0.8
    assert len(boosted.estimators_) == 5


@pytest.mark.parametrize("effort", ["fast", "swap"])
@pytest.mark.parametrize("size", [3, None])
def test_weights_are_repetitions_and_zero_is_absent(effort, size):
    X, y, _ = problem(4, n=100)
    weights = np.random.default_rng(0).integers(0, 4, 100)
    weighted = IHTClassifier(size, effort=effort).fit(X, y, weights)
    repeated = IHTClassifier(size, effort=effort).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-6, atol=1e-10)
    present = weights > 0
    without = IHTClassifier(size, effort=effort).fit(X[present], y[present], weights[present])
    np.testing.assert_allclose(weighted.coef_, without.coef_, rtol=1e-6, atol=1e-10)


def test_the_scale_of_precisions_means_nothing():
    X, y, weights = problem(n=120)
    models = [IHTClassifier(weight_kind="precision").fit(X, y, c * weights) for c in (1e-3, 1.0, 100.0)]
    for model in models[1:]:
        np.testing.assert_array_equal(model.support_, models[0].support_)
        np.testing.assert_allclose(model.coef_, models[0].coef_, rtol=1e-5)


@pytest.mark.parametrize("many", [False, True])
def test_far_rows_have_probabilities_and_finite_logarithms(many):
    X, y, _ = problem()
    labels = y + (many & (X[:, 2] > 0.5))
    model = IHTClassifier(2).fit(X, labels)
    near = model.predict_proba(X)
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(near), atol=1e-12)
    far = np.concatenate([1e6 * X[:20], 1e4 * X[:20]])
    with np.errstate(all="raise", under="ignore"):
        probabilities, logarithms = model.predict_proba(far), model.predict_log_proba(far)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert np.all(np.isfinite(logarithms))
    np.testing.assert_allclose(np.exp(logarithms), probabilities, atol=1e-12)
    assert logarithms.min() < -1000
    narrow = IHTClassifier(2).fit(X.astype(np.float32), labels)
    assert narrow.predict_log_proba(far.astype(np.float32)).dtype == np.float32


# -------------------------------------------------------------------------------------------------------------- groups


def grouped_problem(seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((150, 12)) + 0.3 * rng.standard_normal((150, 1))
    labels = np.repeat(list("abcdef"), [1, 2, 3, 2, 1, 3])
    odds = X[:, labels == "c"] @ [1.5, -1.0, 1.0] + 1.5 * X[:, labels == "e"][:, 0]
    return X, labels, rng.random(150) < 1 / (1 + np.exp(-odds))


@pytest.mark.parametrize("seed", range(4))
def test_groups_are_selected_as_a_whole_and_are_close_to_the_best(seed):
    X, labels, y = grouped_problem(seed)
    model = IHTClassifier(2, groups=labels, effort="auto").fit(X, y)
    names = sorted(set(labels[model.support_]))
    np.testing.assert_array_equal(model.support_, np.flatnonzero(np.isin(labels, names)))
    losses = {
        pair: loss_by_hand(X, y.astype(int), np.ones(150), np.flatnonzero(np.isin(labels, pair)), 1e-3).fun
        for pair in itertools.combinations("abcdef", 2)
    }
    assert losses[tuple(names)] <= min(losses.values()) * 1.01
    assert {"c", "e"} <= set(labels[IHTClassifier(groups=labels).fit(X, y).support_])


def test_groups_of_one_are_features_and_locked_ones_bring_theirs():
    X, y, _ = problem(n=200, p=15)
    for params in ({"n_nonzero_coefs": 3}, {}, {"effort": "fast"}):
        grouped, single = IHTClassifier(groups=np.arange(15), **params).fit(X, y), IHTClassifier(**params).fit(X, y)
        np.testing.assert_array_equal(grouped.support_, single.support_)
        np.testing.assert_allclose(grouped.coef_, single.coef_, rtol=1e-5, atol=1e-9)
    labels = np.arange(15) // 3
    assert {9, 10, 11} <= set(IHTClassifier(2, groups=labels, always_select=[10]).fit(X, y).support_)
    with pytest.raises(ValueError, match="more than the number of groups"):
        IHTClassifier(6, groups=labels).fit(X, y)
    with pytest.raises(ValueError, match="needs 2 selections"):
        IHTClassifier(1, groups=labels, always_select=[0, 10]).fit(X, y)

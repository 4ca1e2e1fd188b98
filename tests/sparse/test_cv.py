"""Cross-validation over sizes, against doing it by hand."""

import contextlib

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.datasets import load_diabetes
from sklearn.linear_model import OrthogonalMatchingPursuitCV
from sklearn.model_selection import GroupKFold, KFold, PredefinedSplit, ShuffleSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skamem.sparse import IHTRegressor, IHTRegressorCV

SETTINGS = [
    IHTRegressorCV(),
    IHTRegressorCV(2, one_se=True, scoring="r2", cv=3),
    IHTRegressorCV(2, positive=True),
    IHTRegressorCV(always_select=[0], effort="fast", fit_intercept=False),
    IHTRegressorCV(2, effort="auto", alpha=0.1),
]


@parametrize_with_checks(SETTINGS)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def problem(seed=0, n=90, p=25, shift=0.0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) + 0.5 * rng.standard_normal((n, 1)) + shift
    Y = X[:, [2, 9, 20]] @ rng.standard_normal((3, 2)) + rng.standard_normal((n, 2))
    return X, Y, rng.uniform(0.5, 2.0, n)


def errors_by_hand(X, Y, weights, splits, largest, **params):
    """Mean squared errors (n_sizes, n_folds) of paths that are fitted to each training part."""
    errors = []
    for train, test in splits:
        model = IHTRegressor(max_features=largest, effort="swap", **params).fit(X[train], Y[train], weights[train])
        path = model.path_
        predicted = [
            X[np.ix_(test, support)] @ coef.T + intercept
            for support, coef, intercept in zip(path.supports, path.coefs, path.intercepts, strict=True)
        ]
        squares = [np.sum((Y[test] - one) ** 2, axis=1) for one in predicted]
        errors.append([np.average(one, weights=weights[test]) for one in squares])
    return np.array(errors).T


@pytest.mark.parametrize("shift", [0.0, 1e4])
@pytest.mark.parametrize("params", [{}, {"alpha": 0.2}, {"fit_intercept": False}, {"always_select": [24]}], ids=str)
@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array])
def test_scores_are_those_of_paths_fitted_by_hand(params, shift, container):
    if params.get("fit_intercept") is False and shift:
        pytest.skip("far from the origin columns without intercept are all but parallel")
    X, Y, weights = problem(shift=shift)
    splits = list(KFold(4, shuffle=True, random_state=0).split(X))
    model = IHTRegressorCV(8, cv=splits, **params).fit(container(X), Y, weights)
    found = -np.array([model.cv_results_[f"split{k}_test_score"] for k in range(4)]).T
    np.testing.assert_allclose(found, errors_by_hand(X, Y, weights, splits, 8, **params), rtol=1e-6)
    np.testing.assert_allclose(model.cv_results_["mean_test_score"], -found.mean(axis=1))


@pytest.mark.parametrize("splitter", [ShuffleSplit(5, test_size=0.3, random_state=0), KFold(3)], ids=str)
def test_all_routes_give_the_same_scores(monkeypatch, splitter):
    X, Y, weights = problem()
    moments = IHTRegressorCV(6, cv=splitter).fit(X, Y, weights)
    monkeypatch.setattr("skamem.sparse.search._budgets.GRAM_FEATURES", 0)
    for n_jobs in (None, 2):
        folds = IHTRegressorCV(6, cv=splitter, n_jobs=n_jobs).fit(X, Y, weights)
        np.testing.assert_allclose(folds.cv_results_["mean_test_score"], moments.cv_results_["mean_test_score"])
        np.testing.assert_array_equal(folds.support_, moments.support_)
        np.testing.assert_allclose(folds.coef_, moments.coef_, rtol=1e-9, atol=1e-12)
        assert folds.margin_ == pytest.approx(moments.margin_)


@pytest.mark.parametrize(("n", "p", "in_lock_step"), [(60, 200, True), (60, 1900, False), (1000, 600, True)])
def test_gram_matrices_of_all_folds_are_made_where_they_pay(monkeypatch, n, p, in_lock_step):
    # By a few of them only a few rows are needed: at 60 x 2000 they took thirty times as long as at 60 x 2001.
    class MadeError(Exception):
        pass

    def make(*_):
        raise MadeError

    monkeypatch.setattr("skamem.sparse.search._validation.LockStep", make)
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((n, p)), rng.standard_normal(n)
    with pytest.raises(MadeError) if in_lock_step else contextlib.nullcontext():
        IHTRegressorCV().fit(X, y)


@pytest.mark.parametrize("many_features", [0, 2000])
def test_a_scorer_sees_the_same_models(monkeypatch, many_features):
    monkeypatch.setattr("skamem.sparse.search._budgets.GRAM_FEATURES", many_features)
    X, Y, _ = problem()
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(25)])
    default = IHTRegressorCV(6).fit(frame, Y[:, 0])
    scored = IHTRegressorCV(6, scoring="neg_mean_squared_error").fit(frame, Y[:, 0])
    np.testing.assert_allclose(scored.cv_results_["mean_test_score"], default.cv_results_["mean_test_score"])
    assert scored.support_names_.tolist() == default.support_names_.tolist()


def test_the_chosen_size_is_the_best_and_the_model_that_of_all_samples():
    X, Y, _ = problem(1)
    model = IHTRegressorCV(10).fit(X, Y[:, 0])
    assert model.n_nonzero_coefs_ == np.argmax(model.cv_results_["mean_test_score"])
    single = IHTRegressor(model.n_nonzero_coefs_).fit(X, Y[:, 0])
    np.testing.assert_array_equal(model.support_, single.support_)
    np.testing.assert_allclose(model.coef_, single.coef_, rtol=1e-9)
    assert model.margin_ == pytest.approx(single.margin_)
    assert model.swap_optimal_


def test_one_standard_error_takes_no_more():
    X, Y, _ = problem(2)
    best, smaller = (IHTRegressorCV(10, one_se=rule).fit(X, Y[:, 0]) for rule in (False, True))
    results = best.cv_results_
    mean = results["mean_test_score"]
    error = np.std([results[f"split{k}_test_score"][np.argmax(mean)] for k in range(5)], ddof=1) / np.sqrt(5)
    assert smaller.n_nonzero_coefs_ == np.argmax(mean >= mean.max() - error)
    assert smaller.n_nonzero_coefs_ <= best.n_nonzero_coefs_


def test_x_is_read_once_for_all_folds():
    X, Y, _ = problem()
    # One pass to standardise, one for the moments of the folds.
    assert IHTRegressorCV(5).fit(X, Y[:, 0]).n_passes_ == pytest.approx(2.0)


@pytest.mark.parametrize("effort", ["auto", "thorough"])
def test_more_effort_never_ends_higher(effort):
    X, Y, _ = problem(3, n=40, p=60)
    plain, more = (IHTRegressorCV(6, effort=e).fit(X, Y[:, 0]) for e in ("swap", effort))
    assert more.n_nonzero_coefs_ == plain.n_nonzero_coefs_
    size = plain.n_nonzero_coefs_
    assert more.path_.objective[size] <= plain.path_.objective[size] * (1 + 1e-9)


def test_pure_noise_ends_early():
    rng = np.random.default_rng(4)
    X, y = rng.standard_normal((300, 200)), rng.standard_normal(300)
    model = IHTRegressorCV().fit(X, y)
    assert len(model.cv_results_["n_nonzero_coefs"]) <= 2 * model.n_nonzero_coefs_ + 11


def test_sample_groups_come_through_splits():
    X, Y, _ = problem()
    groups = np.arange(90) // 6
    splits = list(GroupKFold(3).split(X, Y, groups))
    assert len(IHTRegressorCV(4, cv=splits).fit(X, Y).cv_results_["mean_test_score"]) == 5


def test_columns_that_a_training_part_does_not_vary():
    rng = np.random.default_rng(5)
    X = rng.standard_normal((60, 8))
    X[:, 3] = 0.1
    X[:12, 3] = 5.0  # constant in the training part of the first fold
    y = X[:, 0] + 0.2 * X[:, 3] + 0.1 * rng.standard_normal(60)
    model = IHTRegressorCV(7).fit(X, y)
    assert np.all(np.isfinite(model.cv_results_["mean_test_score"]))


def test_quadratic_diabetes_against_scikit_learn():
    # Nested: three outer folds. Measured: .49 against .48.
    X, y = load_diabetes(return_X_y=True)

    def score(model):
        pipeline = make_pipeline(PolynomialFeatures(2, include_bias=False), StandardScaler(), model)
        return cross_val_score(pipeline, X, y, cv=KFold(5, shuffle=True, random_state=0)).mean()

    assert score(IHTRegressorCV(15)) >= score(OrthogonalMatchingPursuitCV(max_iter=15)) - 0.02


def test_bad_options_are_named():
    X, Y, _ = problem()
    with pytest.raises(ValueError, match="effort='plain' is not an option"):
        IHTRegressorCV(effort="plain").fit(X, Y)
    with pytest.raises(ValueError, match="one_se='yes'"):
        IHTRegressorCV(one_se="yes").fit(X, Y)


# ------------------------------------------------------------------------------------- what rounding must not decide

NOISE_FREE = [
    {}, {"effort": "auto"}, {"scoring": "r2"}, {"scoring": "neg_mean_squared_error"}, {"one_se": True},
    {"max_features": 12}, {"positive": True}, {"groups": np.arange(50)},
]  # fmt: skip


@pytest.mark.parametrize("params", NOISE_FREE, ids=str)
@pytest.mark.parametrize("offset", [0.0, 1e5])
def test_without_noise_the_true_columns_are_chosen(params, offset):
    for seed in range(4):
        X = np.random.default_rng(seed).standard_normal((200, 50))
        y = X[:, [3, 7, 20]] @ [1.0, 2.0, 0.5] + offset
        model = IHTRegressorCV(**params).fit(X, y)
        np.testing.assert_array_equal(model.support_, [3, 7, 20])
        assert model.n_nonzero_coefs_ == 3


def test_a_mean_squared_error_is_never_negative_and_is_that_of_the_predictions():
    X = np.random.default_rng(0).standard_normal((200, 50))
    for noise in (0.0, 1e-12, 1e-7):
        y = X[:, [3, 7, 20]] @ [1.0, -2.0, 0.5] + noise * np.random.default_rng(1).standard_normal(200)
        model = IHTRegressorCV(5).fit(X, y)
        errors = -np.array([model.cv_results_[f"split{k}_test_score"] for k in range(5)]).T
        assert np.all(errors >= 0.0)
        if noise:
            assert errors[3].mean() == pytest.approx(noise**2, rel=0.3)


def test_equal_scores_go_to_the_smaller_model():
    X, Y, _ = problem()
    model = IHTRegressorCV(6, scoring=lambda *_: 1.0).fit(X, Y)
    assert model.n_nonzero_coefs_ == 0


def test_a_score_of_nan_never_wins():
    X, Y, _ = problem()

    def score(estimator, X, y):
        size = np.count_nonzero(estimator.coef_)
        return np.nan if size in (0, 3) else -float(size)

    with pytest.warns(UserWarning, match="non-finite"):
        model = IHTRegressorCV(6, scoring=score).fit(X, Y[:, 0])
    assert model.n_nonzero_coefs_ == 1
    with pytest.raises(ValueError, match="NaN for every size"):
        IHTRegressorCV(6, scoring=lambda *_: np.nan).fit(X, Y[:, 0])


def test_a_part_with_an_exact_fit_does_not_stop_the_others():
    rng = np.random.default_rng(6)
    X = np.sign(rng.standard_normal((60, 12)))
    y = X[:, 0] + np.r_[np.zeros(48), X[48:, 1] + X[48:, 2]]  # the first column alone where the last fold is out
    sizes = IHTRegressorCV(6, cv=KFold(5)).fit(X, y).cv_results_["mean_test_score"]
    assert len(sizes) == 7
    constant = np.r_[np.zeros(48), rng.standard_normal(12)]  # nothing to fit where the last fold is out
    assert len(IHTRegressorCV(6, cv=KFold(5)).fit(X, constant).cv_results_["mean_test_score"]) == 7


# --------------------------------------------------------------------------------------------- weights of zero, and cv


@pytest.mark.parametrize("params", [{}, {"groups": np.arange(25) // 2}, {"positive": True}, {"scoring": "r2"}], ids=str)
@pytest.mark.parametrize("cv", [None, KFold(4), ShuffleSplit(3, random_state=0)], ids=str)
def test_samples_of_weight_zero_are_absent(params, cv):
    X, _, _ = problem()
    y = 3.0 * X[:, 3] + np.random.default_rng(0).standard_normal(90)
    weights = np.ones(90)
    weights[:20] = 0.0  # the whole first fold
    model, without = (
        IHTRegressorCV(4, cv=cv, **params).fit(*data) for data in [(X, y, weights), (X[20:], y[20:], weights[20:])]
    )
    np.testing.assert_array_equal(model.support_, without.support_)
    np.testing.assert_allclose(model.coef_, without.coef_, atol=1e-10)
    np.testing.assert_allclose(model.cv_results_["mean_test_score"], without.cv_results_["mean_test_score"])
    assert 2.5 < model.coef_[3] < 3.5


def test_splits_without_a_weighted_sample_are_left_out():
    X, Y, _ = problem()
    weights = np.repeat([0.0, 1.0], [30, 60])
    part = [np.arange(30), np.arange(30, 60), np.arange(60, 90)]
    splits = [(np.r_[part[1], part[2]], part[0]), (part[1], part[2]), (part[2], part[1])]
    model, used = (IHTRegressorCV(4, cv=cv).fit(X, Y, weights) for cv in (splits, splits[1:]))
    np.testing.assert_allclose(model.coef_, used.coef_)
    assert PredefinedSplit(np.repeat([0, 1, 2], 30)).get_n_splits() == 3
    predefined = IHTRegressorCV(4, cv=PredefinedSplit(np.repeat([0, 1, 2], 30))).fit(X, Y, weights)
    np.testing.assert_allclose(predefined.coef_, used.coef_)
    with pytest.raises(ValueError, match="no split that has samples of positive weight on both sides"):
        IHTRegressorCV(4, cv=splits[:1]).fit(X, Y, weights)


def test_an_iterator_of_splits_serves_every_fit():
    X, Y, _ = problem()
    model = IHTRegressorCV(4, cv=iter(list(KFold(3).split(X))))
    first = model.fit(X, Y).cv_results_["mean_test_score"]
    with pytest.raises(ValueError, match="NaN"):
        model.fit(X * np.nan, Y)
    np.testing.assert_array_equal(model.fit(X, Y).cv_results_["mean_test_score"], first)
    model.set_params(cv=KFold(4).split(X))
    for _ in range(2):
        second = model.fit(X, Y).cv_results_
    assert "split3_test_score" in second


@pytest.mark.parametrize("n_samples", [1, 2, 4])
def test_fewer_samples_than_folds_are_refused_with_what_to_do(n_samples):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((6, 3)), rng.standard_normal(6)
    present = np.arange(6) < n_samples
    remedy = f"Lower cv to at most {n_samples}" if n_samples > 1 else "Add samples"
    message = rf"5 folds by default.* n_samples={n_samples} .*expected n_samples >= 5\. {remedy}"
    with pytest.raises(ValueError, match=message):
        IHTRegressorCV().fit(X[present], y[present])
    with pytest.raises(ValueError, match=message):
        IHTRegressorCV().fit(X, y, sample_weight=present.astype(float))
    if n_samples > 1:
        with pytest.raises(ValueError, match=r"cv \(6\) needs"):
            IHTRegressorCV(cv=6).fit(X[present], y[present])
        IHTRegressorCV(cv=n_samples).fit(X[present], y[present])

"""Stability selection: what halves agree on, and the bound on what is false."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.linear_model import LinearRegression

from skamem.sparse import IHTClassifier, IHTRegressor, IHTRegressorCV, StabilitySelection
from skamem.sparse._stability import false_selections


def problem(seed, n=100, p=80, noise=1.0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    return X, X[:, 3] - X[:, 40] + noise * rng.standard_normal(n)


@pytest.mark.parametrize("assumption", ["unimodal", "worst-case"])
@pytest.mark.parametrize("correlation", [0.0, 0.6])
def test_no_more_is_false_than_the_bound(assumption, correlation):
    # Features of pure noise. The bound holds for the mean; that of 30 fits with a standard deviation of less than 1.5
    # features is above it by .9 with a probability below 1e-3 even where the bound is sharp, which it is not.
    false, bounds = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((60, 40)) + np.sqrt(correlation / (1 - correlation)) * rng.standard_normal((60, 1))
        selector = StabilitySelection(n_select=6, max_false=1.0, n_pairs=10, assumption=assumption, random_state=seed)
        selector.fit(X, rng.standard_normal(60))
        false.append(len(selector.support_))
        bounds.append(selector.expected_false_)
    assert max(bounds) <= 1.0
    assert np.mean(false) <= np.mean(bounds) + 0.9


def test_low_thresholds_select_noise_that_the_bound_allows_for():
    false, bounds = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        selector = StabilitySelection(n_select=8, threshold=0.55, n_pairs=10, assumption="worst-case", random_state=0)
        selector.fit(rng.standard_normal((50, 20)), rng.standard_normal(50))
        false.append(len(selector.support_))
        bounds.append(selector.expected_false_)
    assert 0 < np.mean(false) <= np.mean(bounds)


def test_the_bounds_by_hand():
    assert false_selections(0.9, 50, 10, 1000, "worst-case") == pytest.approx(0.1 / 0.8)
    assert false_selections(0.9, 50, 10, 1000) == pytest.approx(0.1 * 4 * 0.11 / 1.02)
    assert false_selections(0.7, 50, 10, 1000) == pytest.approx(0.1 / (2 * (0.4 - 0.01)))
    assert false_selections(0.51, 50, 10, 12) == 10  # nothing better than all that are selected
    thresholds = np.arange(51, 101) / 100
    for assumption in ("unimodal", "worst-case"):
        bounds = [false_selections(t, 50, 12, 300, assumption) for t in thresholds]
        assert np.all(np.diff(bounds) <= 1e-12)


def test_true_features_are_stable_and_shares_are_counts():
    X, y = problem(0)
    selector = StabilitySelection(n_select=4, n_pairs=20, random_state=0).fit(X, y)
    np.testing.assert_array_equal(selector.support_, [3, 40])
    assert selector.n_select_ == 4
    np.testing.assert_allclose(selector.selection_frequencies_.sum(), 4)
    counts = selector.selection_frequencies_ * 40
    np.testing.assert_allclose(counts, counts.round())
    assert np.all(selector.selection_frequencies_[selector.support_] >= selector.threshold_)
    assert false_selections(selector.threshold_, 20, 4, 80) == selector.expected_false_ <= 1.0
    assert false_selections(selector.threshold_ - 1 / 40, 20, 4, 80) > 1.0 or selector.threshold_ == 0.525


def test_halves_are_complementary_and_results_do_not_depend_on_jobs():
    X, y = problem(1, n=41)
    seen = []

    class Spy(IHTRegressor):
        def fit(self, X, y):
            seen.append(set(np.round(y, 9)))
            return super().fit(X, y)

    first = StabilitySelection(Spy(3), n_pairs=6, random_state=0, max_false=5.0).fit(X, y)
    assert len(seen) == 12
    for one, two in zip(seen[::2], seen[1::2], strict=True):
        assert len(one) == len(two) == 20
        assert not one & two
    second = StabilitySelection(IHTRegressor(3), n_pairs=6, random_state=0, max_false=5.0, n_jobs=2).fit(X, y)
    np.testing.assert_array_equal(first.selection_frequencies_, second.selection_frequencies_)


def test_the_path_says_how_often_each_feature_is_among_the_best():
    X, y = problem(2)
    selector = StabilitySelection(n_select=4, n_pairs=10, random_state=0).fit(X, y)
    path = selector.path_
    assert path.n_nonzero_coefs.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(path.frequencies.sum(axis=1), path.n_nonzero_coefs)
    np.testing.assert_allclose(path.frequencies[-1], selector.selection_frequencies_)
    assert path.frequencies[2, [3, 40]].min() > 0.8
    refit = selector.set_params(estimator=IHTRegressor(2), n_select=None).fit(X, y)
    assert not hasattr(refit, "path_")


@pytest.mark.parametrize(
    "estimator",
    [None, IHTRegressor(2), IHTRegressor(), IHTRegressorCV(3), IHTClassifier(2)],
    ids=repr,
)
def test_any_of_ours(estimator):
    X, y = problem(3, noise=0.5)
    target = np.where(y > 0, "a", "b") if isinstance(estimator, IHTClassifier) else y
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(80)])
    selector = StabilitySelection(estimator, n_pairs=5, random_state=0).fit(frame, target)
    assert {"x3", "x40"} <= set(selector.support_names_)
    assert selector.get_feature_names_out().tolist() == selector.support_names_.tolist()


def test_halves_of_a_classifier_keep_rare_classes():
    rng = np.random.default_rng(0)
    X, labels = rng.standard_normal((60, 5)), np.repeat([0, 1, 2], [52, 4, 4])
    StabilitySelection(IHTClassifier(1), n_pairs=10, random_state=0, max_false=5.0).fit(X, labels)


def test_samples_of_weight_zero_are_absent_and_sparse_matrices_work():
    X, y = problem(4)
    weights = np.repeat([0.0, 1.0], 50)
    options = {"n_select": 3, "n_pairs": 5, "random_state": 0, "max_false": 5.0}
    weighted = StabilitySelection(**options).fit(X, y, weights)
    without = StabilitySelection(**options).fit(X[50:], y[50:])
    np.testing.assert_array_equal(weighted.selection_frequencies_, without.selection_frequencies_)
    sparse = StabilitySelection(**options).fit(scipy.sparse.csc_array(X[50:]), y[50:])
    np.testing.assert_array_equal(sparse.selection_frequencies_, without.selection_frequencies_)


def test_what_cannot_be_done_is_said():
    X, y = problem(5)
    with pytest.raises(ValueError, match="at least 4"):
        StabilitySelection().fit(X[:3], y[:3])
    with pytest.raises(ValueError, match="no n_nonzero_coefs or max_features"):
        StabilitySelection(LinearRegression(), n_select=3).fit(X, y)
    with pytest.raises(TypeError, match="no support_"):
        StabilitySelection(LinearRegression()).fit(X, y)
    with pytest.warns(UserWarning, match="no threshold bounds the false ones by max_false=0.01"):
        StabilitySelection(n_select=20, max_false=0.01, n_pairs=3, random_state=0).fit(X, y)

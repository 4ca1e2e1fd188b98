"""Selection of whole groups."""

import itertools

import numpy as np
import pytest

from skamem.sparse import IHTRegressor, IHTRegressorCV

LABELS = np.repeat(["a", "b", "c", "d", "e", "f"], [1, 2, 3, 2, 1, 3])


def problem(seed, *, dependent=False):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((40, 12)) + 0.7 * rng.standard_normal((40, 1))
    if dependent:
        X[:, 3] = X[:, 4] + X[:, 5]
    y = X[:, LABELS == "c"] @ rng.standard_normal(3) + X[:, LABELS == "e"][:, 0] + rng.standard_normal(40)
    return X, y


def loss(X, y, names):
    A = np.c_[np.ones(len(X)), X[:, np.isin(LABELS, names)]]
    return float(np.sum((y - A @ np.linalg.lstsq(A, y, rcond=None)[0]) ** 2))


@pytest.mark.parametrize("dependent", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_choices_are_the_best_of_their_size_here(seed, dependent):
    X, y = problem(seed, dependent=dependent)
    for size in range(1, 6):
        model = IHTRegressor(size, groups=LABELS).fit(X, y)
        names = sorted(set(LABELS[model.support_]))
        np.testing.assert_array_equal(model.support_, np.flatnonzero(np.isin(LABELS, names)))
        assert len(names) == size
        best = min(loss(X, y, subset) for subset in itertools.combinations("abcdef", size))
        assert np.sum((y - model.predict(X)) ** 2) == pytest.approx(best)
        assert model.path_.objective[0] == pytest.approx(best)


def test_margin_and_certificate_are_those_of_groups():
    X, y = problem(0)
    model = IHTRegressor(2, groups=LABELS).fit(X, y)
    chosen = set(LABELS[model.support_])
    present = loss(X, y, list(chosen))
    sacrifice = min(loss(X, y, list(chosen - {g})) for g in chosen) - present
    gain = present - min(loss(X, y, [*chosen, g]) for g in set("abcdef") - chosen)
    assert model.margin_ == pytest.approx(sacrifice / gain)
    assert model.swap_optimal_


def test_groups_of_one_are_features():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((50, 30))
    y = X[:, :4] @ [1.0, -1.0, 2.0, 0.5] + 0.3 * rng.standard_normal(50)
    grouped = IHTRegressor(4, groups=np.arange(30)).fit(X, y)
    np.testing.assert_array_equal(grouped.support_, IHTRegressor(4).fit(X, y).support_)
    path = IHTRegressor(max_features=5, groups=np.arange(30)).fit(X, y).path_
    single = IHTRegressor(max_features=5).fit(X, y).path_
    np.testing.assert_allclose(path.objective, single.objective, rtol=1e-8)
    np.testing.assert_allclose(path.criterion, single.criterion, rtol=1e-8)


def test_the_criterion_finds_the_groups():
    X, y = problem(2)
    model = IHTRegressor(groups=LABELS).fit(X, y + 5 * X[:, LABELS == "e"][:, 0])
    assert {"c", "e"} <= set(LABELS[model.support_])


def test_scaling_columns_does_not_change_the_choice():
    X, y = problem(3)
    scales = 10.0 ** np.random.default_rng(0).uniform(-6, 6, 12)
    for size in (1, 2, 3):
        model, scaled = (IHTRegressor(size, groups=LABELS).fit(A, y) for A in (X, X * scales))
        np.testing.assert_array_equal(model.support_, scaled.support_)


def test_locked_features_bring_their_groups():
    X, y = problem(0)
    model = IHTRegressor(2, groups=LABELS, always_select=[7]).fit(X, y)
    assert {6, 7} <= set(model.support_)
    with pytest.raises(ValueError, match="needs 2 selections"):
        IHTRegressor(1, groups=LABELS, always_select=[0, 7]).fit(X, y)


def test_fast_goes_forward_only():
    X, y = problem(1)
    fast = IHTRegressor(3, groups=LABELS, effort="fast").fit(X, y)
    assert not fast.swap_optimal_
    assert len(set(LABELS[fast.support_])) == 3


def test_cross_validation_over_numbers_of_groups():
    X, y = problem(0)
    model = IHTRegressorCV(4, groups=LABELS, cv=4).fit(X, y)
    assert model.n_nonzero_coefs_ == len(set(LABELS[model.support_]))
    assert model.cv_results_["n_nonzero_coefs"].tolist() == [0, 1, 2, 3, 4]


def test_bad_groups_are_explained():
    X, y = problem(0)
    with pytest.raises(ValueError, match=r"expected \(12,\): one label for each feature"):
        IHTRegressor(2, groups=[0, 1]).fit(X, y)
    with pytest.raises(ValueError, match="more than the number of groups"):
        IHTRegressor(7, groups=LABELS).fit(X, y)
    with pytest.raises(ValueError, match="without groups"):
        IHTRegressor(2, groups=LABELS, effort="plain").fit(X, y)

"""Options that name features, in all estimators that have them."""

import numpy as np
import pytest

from skamem.sparse import IHTClassifier, IHTRegressor, IHTRegressorCV


def problem(n=60, p=12):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p))
    return X, X[:, 0] - X[:, 5] + 0.5 * rng.standard_normal(n)


def fitted(estimator, X, y):
    return estimator.fit(X, y > 0 if isinstance(estimator, IHTClassifier) else y)


TOO_LONG = [
    (IHTRegressor(1, always_select=[3, 5]), "n_nonzero_coefs=1"),
    (IHTClassifier(1, always_select=[3, 5]), "n_nonzero_coefs=1"),
    (IHTRegressor(max_features=1, always_select=[3, 5]), "max_features=1"),
    (IHTClassifier(max_features=1, always_select=[3, 5]), "max_features=1"),
    (IHTRegressorCV(1, always_select=[3, 5]), "max_features=1"),
    (IHTRegressorCV(1, groups=np.arange(12) // 2, always_select=[3, 5]), "max_features=1"),
    (IHTRegressor(1, groups=np.arange(12) // 2, always_select=[3, 5]), "n_nonzero_coefs=1"),
]


@pytest.mark.parametrize(("estimator", "bound"), TOO_LONG, ids=str)
def test_more_members_than_the_size_are_refused(estimator, bound):
    with pytest.raises(ValueError, match=f"always_select needs 2 selections, more than {bound}"):
        fitted(estimator, *problem())


@pytest.mark.parametrize("Estimator", [IHTRegressor, IHTRegressorCV, IHTClassifier])
def test_more_members_than_the_samples_have_room_for_are_refused(Estimator):
    X, y = problem(n=10)
    with pytest.raises(ValueError, match="needs 10 selections, more than the 9 that n_samples=10"):
        fitted(Estimator(always_select=np.arange(10)), X, y)
    assert fitted(Estimator(always_select=np.arange(9)), X, y).support_.tolist() == list(range(9))


@pytest.mark.parametrize("effort", ["fast", "swap", "auto"])
@pytest.mark.parametrize("Estimator", [IHTRegressor, IHTRegressorCV, IHTClassifier])
def test_members_beyond_the_default_length_of_a_path_are_kept(Estimator, effort):
    X, y = problem(n=16)  # whose path goes to 7
    model = fitted(Estimator(always_select=np.arange(9), effort=effort), X, y)
    assert set(range(9)) <= set(model.support_)


@pytest.mark.parametrize("params", [{}, {"effort": "fast"}, {"groups": np.arange(13)}], ids=str)
@pytest.mark.parametrize("Estimator", [IHTRegressor, IHTRegressorCV, IHTClassifier])
def test_dependent_members_are_reported_and_left_out(Estimator, params):
    X, y = problem()
    X = np.c_[X, X[:, 2] - 3.0 * X[:, 7]]
    with pytest.warns(UserWarning, match=r"features \[12\], which are combinations"):
        model = fitted(Estimator(always_select=[2, 7, 12], **params), X, y)
    assert {2, 7} <= set(model.support_)
    assert 12 not in model.support_
    with pytest.warns(UserWarning, match=r"features \[7\]"):
        fitted(Estimator(always_select=[2, 7], **params), np.where(np.arange(13) == 7, 2.0 - X[:, 2:3], X), y)


@pytest.mark.parametrize("Estimator", [IHTRegressor, IHTRegressorCV])
def test_a_member_that_a_fold_does_not_vary_is_no_obstacle(Estimator):
    X, y = problem()
    X[:, 3] = np.arange(60) < 12  # constant where the first fold is out
    X[:, 4] = X[:, 6]
    X[:12, 4] += 0.5 * X[:12, 5]  # there a copy, and dependent
    model = Estimator(always_select=[3, 4, 6]).fit(X, y)
    assert {0, 3, 4, 5, 6} <= set(model.support_)


@pytest.mark.parametrize("Estimator", [IHTRegressor, IHTRegressorCV])
def test_targets_of_any_unit_or_a_clear_error(Estimator):
    X, y = problem()
    wanted = Estimator().fit(X, y)
    for unit in (1e-140, 1e140):
        model = Estimator().fit(X, y * unit)
        np.testing.assert_array_equal(model.support_, wanted.support_)
        np.testing.assert_allclose(model.coef_ / unit, wanted.coef_, rtol=1e-6, atol=1e-12)
    with pytest.raises(ValueError, match=r"squares overflow double precision; expected magnitudes below 1e\+150"):
        Estimator().fit(X, y * 1e160)
    with pytest.raises(ValueError, match=r"squares vanish in double precision; expected more than 1e-150"):
        Estimator().fit(X, y * 1e-160)

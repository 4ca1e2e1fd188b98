"""Columns close to dependent: what is reported is true, and no worse than forward selection."""

import itertools
import warnings

import numpy as np
import pytest

from skamem.sparse import IHTRegressor, IHTRegressorCV
from skamem.sparse.objective._design import as_design
from skamem.sparse.objective._problem import Problem
from skamem.sparse.objective._quadratic import DenseQuadratic
from skamem.sparse.search._chains import Chains
from skamem.sparse.search._exhaustive import best_subsets
from skamem.sparse.search._orthogonal import OrthogonalChain
from tests.sparse._delicate import KINDS, delicate_problem, forward_losses

SIZES = (1, 2, 3, 5, 8, 12)


def columns_of(seed, *, n_targets=1, alpha=0.0, locked=()):
    """A quadratic form on columns, and the same on their Gram matrix, of moderate correlation."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((30, 12)) + rng.standard_normal((30, 1))
    problem = Problem(as_design(X), rng.standard_normal((30, n_targets)), alpha=alpha, locked=locked)
    gram = problem.quadratic(n_rows=12)
    assert isinstance(gram, DenseQuadratic)
    assert problem.go_to_columns()
    return problem.quadratic(), gram


def assert_true(X, y, model, forward):
    """The reported loss is that of the coefficients, and no more than `forward`; the certificate holds."""
    norm = np.sum((y - y.mean()) ** 2)
    loss = np.sum((y - model.predict(X)) ** 2)
    assert model.path_.objective[-1] == pytest.approx(loss, rel=1e-8, abs=1e-25 * norm)
    assert loss <= forward * norm * (1 + 1e-7)
    if model.swap_optimal_:
        assert loss <= least_after_a_swap(X, y, model.support_) * (1 + 1e-6)


def least_after_a_swap(X, y, support):
    """Least residual sum of squares over all exchanges of one member, by orthogonal projections."""
    Z = X / np.linalg.norm(X, axis=0)
    least = np.inf
    for member in support:
        rest = [j for j in support if j != member]
        basis = np.linalg.qr(np.column_stack([np.ones(len(y)), Z[:, rest]]))[0]
        outside, residual = Z, y
        for _ in range(2):
            outside, residual = outside - basis @ (basis.T @ outside), residual - basis @ (basis.T @ residual)
        room = np.sum(outside**2, axis=0)
        sound = room > 1e-18
        sound[support] = False
        gains = np.where(sound, (residual @ outside) ** 2 / np.where(sound, room, 1.0), 0.0)
        least = min(least, float(residual @ residual) - gains.max())
    return least


@pytest.mark.parametrize("seed", [*range(14), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(14, 200))])
def test_fits_are_as_good_as_they_say_and_as_forward_selection(seed):
    X, y = delicate_problem(seed)
    sizes = [size for size in SIZES if size <= X.shape[1]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # forward selection says that it ends early
        forward = forward_losses(X, y, sizes)
    for size, bound in zip(sizes, forward, strict=True):
        model = IHTRegressor(size).fit(X, y)
        assert len(model.support_) <= size
        assert_true(X, y, model, bound)


@pytest.mark.parametrize("seed", range(0, 21, 2))
def test_losses_along_a_path_are_true_and_fall(seed):
    X, y = delicate_problem(seed)
    path = IHTRegressor(max_features=min(10, X.shape[1])).fit(X, y).path_
    for support, coefs, intercept, objective in zip(
        path.supports, path.coefs, path.intercepts, path.objective, strict=True
    ):
        full = np.zeros(X.shape[1])
        full[support] = coefs
        assert objective == pytest.approx(np.sum((y - (X @ full + intercept)) ** 2), rel=1e-7)
    assert np.all(np.diff(path.objective) <= 1e-9 * path.objective[:-1])


def test_bumps_under_a_step():
    # Once: objectives down to -25 of norm 1, an infinite margin, and a certificate.
    x = np.linspace(0, 1, 200)
    X = np.exp(-((x[:, None] - np.linspace(0, 1, 80)) ** 2) / (2 * 0.1**2))
    y = (x > 0.5) + 0.1 * np.random.default_rng(0).standard_normal(200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        forward = forward_losses(X, y, SIZES)
    for size, bound in zip(SIZES, forward, strict=True):
        model = IHTRegressor(size).fit(X, y)
        assert_true(X, y, model, bound)
        assert np.isfinite(model.margin_)
    for model in (IHTRegressor().fit(X, y), IHTRegressorCV().fit(X, y)):
        assert np.all(model.path_.objective > 0)
        assert 0.8 < model.score(X, y) < 1


@pytest.mark.parametrize("kind", range(len(KINDS)))
def test_cross_validation_scores_what_is_predicted(kind):
    X, y = delicate_problem(kind + 21)
    model = IHTRegressorCV(max_features=min(8, X.shape[1])).fit(X, y)
    scores = model.cv_results_["mean_test_score"]
    assert np.all(scores <= 0)
    assert np.sum((y - model.predict(X)) ** 2) == pytest.approx(
        model.path_.objective[len(model.support_)], rel=1e-6, abs=1e-20
    )


@pytest.mark.parametrize("n_targets", [1, 2])
@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize("seed", range(3))
def test_the_chain_keeps_what_the_tableau_keeps(seed, alpha, n_targets):
    columns, gram = columns_of(seed, alpha=alpha, n_targets=n_targets)
    one, other = OrthogonalChain(columns, 6), Chains(gram, 6)
    for chain in (one, other):
        for column in (3, 1, 7, 5):
            chain.add(np.array([column]))
        chain.swap(np.array([0]), np.array([1]), np.array([9]))
        chain.remove(np.array([0]))
    np.testing.assert_array_equal(one.supports, other.supports)
    for name in ("coefs", "projections", "inverse", "residual", "loss", "room"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-10, err_msg=name)
    np.testing.assert_allclose(one.residual_gram(), other.residual_gram(), atol=1e-10)
    for chain in (one, other):
        chain.settle(1e-9)
    np.testing.assert_allclose(one.loss, other.loss)


@pytest.mark.parametrize("locked", [(), (2,)])
def test_subsets_of_columns_are_those_of_their_gram_matrix(locked):
    columns, gram = columns_of(5, alpha=0.01, locked=locked)
    for size in (None, 3):
        one, other = best_subsets(columns, size), best_subsets(gram, size)
        np.testing.assert_allclose(one[1], other[1])
        for mine, theirs in itertools.zip_longest(one[0], other[0]):
            np.testing.assert_array_equal(mine, theirs)


def test_a_column_nearer_than_a_gram_matrix_sees_is_found():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 30))
    X[:, 17] = X[:, 4] + 1e-7 * rng.standard_normal(100)  # its squared distance is lost in 1 + 1e-14
    y = X[:, 4] + 1e7 * (X[:, 17] - X[:, 4]) + 0.01 * rng.standard_normal(100)
    model = IHTRegressor(2).fit(X, y)
    np.testing.assert_array_equal(model.support_, [4, 17])
    assert model.score(X, y) > 0.999


def test_dependent_columns_are_left_out():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 25))
    X[:, 20:] = X[:, :5] @ rng.standard_normal((5, 5))
    model = IHTRegressor(25).fit(X, rng.standard_normal(50))
    assert len(model.support_) == 20
    assert np.abs(model.coef_).max() < 100

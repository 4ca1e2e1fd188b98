"""Linear memories of kinds of rows: Bayes' rule where the kinds are given, and kinds that are found."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from skamem import AssociativeImputer
from skamem.impute._linear import LinearMemory, learnt_moments
from skamem.impute._mixture import MixtureMemory, has_kinds, learnt_mixture

N_COLUMNS = 4


def memory_of(random):
    root = random.standard_normal((N_COLUMNS, N_COLUMNS))
    return LinearMemory(random.standard_normal(N_COLUMNS), root @ root.T + 0.1 * np.eye(N_COLUMNS))


def holes_of(X, random, rate=0.3):
    known = random.random_sample(X.shape) > rate
    known[~known.any(axis=1), 0] = True
    return np.where(known, X, 0.0), known


def test_rows_are_weighed_by_the_density_of_what_is_known():
    random = np.random.RandomState(0)
    mixture = MixtureMemory(tuple(memory_of(random) for _ in range(3)), np.array([0.5, 0.2, 0.3]))
    values, known = holes_of(random.standard_normal((30, N_COLUMNS)), random)
    found = mixture.complete(values, known)
    for row, there, completed in zip(values, known, found, strict=True):
        densities, means = [], []
        for share, part in zip(mixture.shares, mixture.parts, strict=True):
            covariance = part.covariance[np.ix_(there, there)]
            densities.append(share * multivariate_normal(part.mean[there], covariance).pdf(row[there]))
            slope = part.covariance[np.ix_(~there, there)] @ np.linalg.inv(covariance)
            means.append(part.mean[~there] + slope @ (row - part.mean)[there])
        np.testing.assert_allclose(completed[~there], np.average(means, axis=0, weights=densities), atol=1e-10)
        np.testing.assert_allclose(completed[there], row[there], atol=1e-12)


def kinds(random, n_rows=800):
    """Rows of two kinds, in which the second column follows the first with one sign or the other, 5 % noise."""
    kind = random.randint(2, size=n_rows) * 2.0 - 1.0
    first = random.standard_normal(n_rows)
    X = np.stack([first, kind * first, 2.0 * kind, -kind], axis=1)
    return X + 0.05 * random.standard_normal(X.shape)


def learnt(values, known, shrinkage=1e-3):
    mean, covariance, _ = learnt_moments(values, known, shrinkage=shrinkage, max_iter=30)
    linear = LinearMemory(mean, covariance + shrinkage * np.eye(len(mean)))
    completed = linear.complete(values, known).values
    return completed, learnt_mixture(values, known, completed, shrinkage=shrinkage)


def test_kinds_with_relations_of_their_own_are_found():
    """What is left is a tenth of what one linear memory leaves, where anything tells the kind."""
    random = np.random.RandomState(0)
    X = kinds(random)
    values, known = holes_of(X, random)
    asked = ~known[:, 1] & known[:, 0] & known[:, 2:].any(axis=1)
    linear, mixture = learnt(values, known)
    wrong = [np.sqrt(np.mean((found - X)[asked, 1] ** 2)) for found in (linear, mixture.complete(values, known))]
    assert wrong[0] > 0.9
    assert wrong[1] < 0.1
    np.testing.assert_allclose(mixture.shares.sum(), 1.0)


def test_neither_the_order_of_columns_nor_their_signs_matter():
    random = np.random.RandomState(1)
    values, known = holes_of(kinds(random, 200), random)
    expected = learnt(values, known)[1].complete(values, known)
    order, signs = random.permutation(N_COLUMNS), random.choice([-1.0, 1.0], size=N_COLUMNS)
    changed, there = (values * signs)[:, order], known[:, order]
    found = learnt(changed, there)[1].complete(changed, there)
    np.testing.assert_allclose(found, (expected * signs)[:, order], atol=1e-6)


@pytest.mark.parametrize("X", [np.zeros((50, 3)), np.ones((1, 3)), np.tile([1.0, -1.0, 0.0], (60, 1))])
def test_rows_that_are_all_alike_are_of_one_kind(X):
    known = np.ones(X.shape, dtype=bool)
    known[0, 1] = False
    mixture = learnt_mixture(X * known, known, X, shrinkage=0.1)
    assert np.isfinite(mixture.complete(X * known, known)).all()
    np.testing.assert_allclose(mixture.complete(X, np.ones_like(known)), X, atol=1e-12)


@pytest.mark.parametrize(
    ("n_rows", "n_columns", "enough"), [(39, 1, False), (40, 5, True), (47, 6, False), (48, 6, True)]
)
def test_kinds_take_more_rows_than_columns(n_rows, n_columns, enough):
    assert has_kinds(n_rows, n_columns) == enough


def test_an_imputer_counts_on_kinds_where_there_are_some():
    random = np.random.RandomState(2)
    X = kinds(random, 200)
    known = random.random_sample(X.shape) > 0.1
    imputer = AssociativeImputer().fit(np.where(known, X, np.nan))
    assert imputer.weights_.shape == (N_COLUMNS, 2 + 2 * len(imputer.scales_))
    assert imputer.weights_[1, -1] > 0.5


def test_an_imputer_does_without_kinds_where_they_gain_little_or_rows_are_few():
    random = np.random.RandomState(3)
    alike = random.standard_normal((800, N_COLUMNS)) @ random.standard_normal((N_COLUMNS, N_COLUMNS))
    for X in (alike, kinds(random, 30)):
        imputer = AssociativeImputer().fit(np.where(random.random_sample(X.shape) > 0.2, X, np.nan))
        assert imputer.weights_.shape == (N_COLUMNS, 1 + 2 * len(imputer.scales_))

"""Laws of the linear memory: conditional means by brute force, and those of left-out entries."""

import numpy as np
import pytest

from skamem.impute._linear import LinearMemory, learnt_moments, shrunk


def gaussian(n_rows, n_columns, seed=0):
    random = np.random.default_rng(seed)
    factor = random.standard_normal((n_columns, n_columns))
    covariance = factor @ factor.T / n_columns + 0.1 * np.eye(n_columns)
    return random.multivariate_normal(np.zeros(n_columns), covariance, n_rows), covariance


def conditional_mean(mean, covariance, row, known):
    solved = np.linalg.solve(covariance[np.ix_(known, known)], (row - mean)[known])
    return mean + covariance[:, known] @ solved


@pytest.mark.parametrize("n_columns", [2, 7])
def test_missing_entries_are_conditional_means_and_residuals_those_of_left_out_entries(n_columns):
    X, covariance = gaussian(40, n_columns)
    mean = np.linspace(-1.0, 1.0, n_columns)
    known = np.random.default_rng(1).random(X.shape) < 0.6
    known[0], known[1] = True, False
    found = LinearMemory(mean, covariance).complete(np.where(known, X, 0.0), known, residuals=True)
    for row, there, values, variances, residuals in zip(X, known, found.values, found.variances, found.residuals):
        expected = conditional_mean(mean, covariance, row, there)
        np.testing.assert_allclose(values, np.where(there, row, expected), atol=1e-10)
        for j in range(n_columns):
            others = there & (np.arange(n_columns) != j)
            if there[j]:
                left_out = row[j] - conditional_mean(mean, covariance, row, others)[j]
                np.testing.assert_allclose(residuals[j], left_out, atol=1e-10)
            else:
                gone = covariance[j, there] @ np.linalg.solve(covariance[np.ix_(there, there)], covariance[there, j])
                np.testing.assert_allclose(variances[j], covariance[j, j] - gone, atol=1e-10)
                assert residuals[j] == 0.0


def test_moments_of_complete_rows_are_those_of_the_sample():
    X, _ = gaussian(50, 4)
    mean, covariance, n_iter = learnt_moments(X, np.ones(X.shape, bool), shrinkage=1e-6, max_iter=10)
    np.testing.assert_allclose(mean, X.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(covariance, np.cov(X.T, bias=True), atol=1e-12)
    assert n_iter == 2


def test_expectation_maximisation_ends_at_a_stationary_point_of_the_likelihood():
    X, _ = gaussian(300, 4)
    known = np.random.default_rng(2).random(X.shape) < 0.8
    mean, covariance, _ = learnt_moments(np.where(known, X, 0.0), known, shrinkage=1e-12, max_iter=2000, tol=1e-12)

    def log_likelihood(mean, covariance):
        total = 0.0
        for row, there in zip(X, known):
            part = covariance[np.ix_(there, there)]
            deviation = (row - mean)[there]
            total -= 0.5 * (np.linalg.slogdet(part)[1] + deviation @ np.linalg.solve(part, deviation))
        return total

    best, random = log_likelihood(mean, covariance), np.random.default_rng(3)
    for _ in range(20):
        step = 1e-3 * random.standard_normal((4, 4))
        assert log_likelihood(mean + step[0], covariance) < best
        assert log_likelihood(mean, covariance + step + step.T) < best


def test_weights_are_repeated_rows():
    X, _ = gaussian(60, 5)
    known = np.random.default_rng(2).random(X.shape) < 0.7
    weight = np.arange(60) % 3
    twice = np.repeat(np.arange(60), weight)
    values = np.where(known, X, 0.0)
    options = {"shrinkage": 0.01, "max_iter": 20}
    weighted = learnt_moments(values, known, weight=weight.astype(float), **options)
    repeated = learnt_moments(values[twice], known[twice], **options)
    for one, other in zip(weighted, repeated):
        np.testing.assert_allclose(one, other, atol=1e-10)


def test_dependent_columns_and_fewer_rows_than_columns_are_no_trouble():
    X = np.outer(np.arange(5.0) - 2.0, np.ones(12)) / np.sqrt(2.0)
    known = np.ones(X.shape, bool)
    known[1, 3:] = known[4, 0] = False
    mean, covariance, _ = learnt_moments(np.where(known, X, 0.0), known, shrinkage=1e-4, max_iter=100)
    found = LinearMemory(mean, shrunk(covariance, 1e-4)).complete(np.where(known, X, 0.0), known, residuals=True)
    np.testing.assert_allclose(found.values, X, atol=0.01)
    assert np.abs(found.residuals).max() < 0.01


def test_noise_has_the_conditional_covariance():
    _, covariance = gaussian(2, 4)
    known = np.tile([True, False, False, True], (40_000, 1))
    noise = LinearMemory(np.zeros(4), covariance).noise(known, np.random.RandomState(0))
    there, gone = known[0], ~known[0]
    across = covariance[np.ix_(gone, there)]
    expected = covariance[np.ix_(gone, gone)] - across @ np.linalg.solve(covariance[np.ix_(there, there)], across.T)
    # Entries of a sample covariance deviate by at most 5 standard errors in all but one in 10⁵ of seeds.
    sizes = np.sqrt(np.outer(np.diag(expected), np.diag(expected)) * 2.0 / len(noise))
    assert (np.abs(np.cov(noise[:, gone].T) - expected) < 5.0 * sizes).all()
    assert (noise[:, there] == 0.0).all()

"""Restricted isometry constants."""

import itertools

import numpy as np
import pytest

from skamem.sparse import restricted_isometry


@pytest.fixture
def X():
    return np.random.default_rng(0).standard_normal((20, 9))


def test_exact_is_the_greatest_over_all_sets(X):
    unit = X / np.linalg.norm(X, axis=0)
    for s in (1, 2, 3):
        expected = max(
            np.abs(np.linalg.svd(unit[:, list(S)], compute_uv=False) ** 2 - 1).max()
            for S in itertools.combinations(range(9), s)
        )
        result = restricted_isometry(X, s)
        assert result.constant == pytest.approx(expected, abs=1e-12)
        values = np.linalg.svd(unit[:, result.support], compute_uv=False) ** 2
        assert np.abs(values - 1).max() == pytest.approx(expected, abs=1e-12)
        assert not result.is_lower_bound


def test_orthonormal_columns_have_none():
    assert restricted_isometry(np.eye(6), 3).constant == pytest.approx(0.0, abs=1e-12)


def test_constants_grow_with_the_size(X):
    constants = [restricted_isometry(X, s).constant for s in range(1, 6)]
    assert np.all(np.diff(constants) >= -1e-12)


def test_sampling_is_a_lower_bound_and_reproducible(X):
    exact = restricted_isometry(X, 4).constant
    sampled = restricted_isometry(X, 4, method="sample", n_samples=3, random_state=0)
    assert sampled.is_lower_bound
    assert sampled.constant <= exact + 1e-12
    assert sampled.constant > 0.5 * exact
    again = restricted_isometry(X, 4, method="sample", n_samples=3, random_state=0)
    assert again.constant == sampled.constant


def test_normalisation_is_optional():
    assert restricted_isometry(2 * np.eye(3), 1, normalize=False).constant == pytest.approx(3.0)
    assert restricted_isometry(2 * np.eye(3), 1).constant == pytest.approx(0.0, abs=1e-12)


def test_bad_input_is_explained(X):
    with pytest.raises(ValueError, match="out of range"):
        restricted_isometry(X, 10)
    with pytest.raises(ValueError, match="not an option"):
        restricted_isometry(X, 2, method="guess")
    with pytest.raises(ValueError, match="Column 4 of X is zero"):
        restricted_isometry(np.where(np.arange(9) == 4, 0.0, X), 2)
    with pytest.raises(ValueError, match="Use method='sample'"):
        restricted_isometry(np.random.default_rng(0).standard_normal((5, 100)), 8)


@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_units_of_any_magnitude(scale):
    X = np.random.default_rng(0).standard_normal((20, 6))
    expected = restricted_isometry(X, 2).constant
    assert restricted_isometry(X * scale, 2).constant == pytest.approx(expected)
    mixed = X * np.where(np.arange(6) % 2, scale, 1.0)
    assert restricted_isometry(mixed, 2).constant == pytest.approx(expected)
    with pytest.raises(ValueError, match="normalize=True"):
        restricted_isometry(X * scale, 2, normalize=False)

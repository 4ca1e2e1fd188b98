"""Sparse codes, against brute force and scikit-learn."""

import itertools

import numpy as np
import pytest
from sklearn.decomposition import SparseCoder
from sklearn.utils.estimator_checks import parametrize_with_checks

from skamem.sparse import IHTSparseCoder


@parametrize_with_checks([IHTSparseCoder(), IHTSparseCoder(n_nonzero_coefs=1, effort="fast")])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.fixture
def dictionary():
    rng = np.random.default_rng(0)
    return rng.standard_normal((30, 16)) * rng.uniform(0.1, 10.0, (30, 1))


def residuals(X, codes, dictionary):
    return np.sum((X - codes @ dictionary) ** 2, axis=1)


def test_codes_are_optimal_under_exchanges_of_one_atom(dictionary):
    X = np.random.default_rng(1).standard_normal((10, 16))
    codes = IHTSparseCoder(dictionary, 3).fit_transform(X)
    for x, code, loss in zip(X, codes, residuals(X, codes, dictionary), strict=True):
        members = set(np.flatnonzero(code))
        assert len(members) == 3
        for i, j in itertools.product(members, set(range(30)) - members):
            atoms = dictionary[list(members - {i} | {j})]
            other = np.sum((x - np.linalg.lstsq(atoms.T, x, rcond=None)[0] @ atoms) ** 2)
            assert other >= loss * (1 - 1e-6)


def test_losses_are_below_those_of_orthogonal_matching_pursuit(dictionary):
    X = np.random.default_rng(2).standard_normal((200, 16))
    unit = dictionary / np.linalg.norm(dictionary, axis=1, keepdims=True)
    omp = SparseCoder(unit, transform_algorithm="omp", transform_n_nonzero_coefs=4).transform(X)
    fast, swap = (IHTSparseCoder(unit, 4, effort=e).fit_transform(X) for e in ("fast", "swap"))
    means = [residuals(X, codes, unit).mean() for codes in (omp, fast, swap)]
    assert means[2] < means[1] < means[0]


def test_blocks_and_single_samples_agree(dictionary, monkeypatch):
    X = np.random.default_rng(3).standard_normal((20, 16))
    coder = IHTSparseCoder(dictionary, 4).fit(X)
    together = coder.transform(X)
    np.testing.assert_allclose(together, np.vstack([coder.transform(x[None]) for x in X]), atol=1e-12)
    monkeypatch.setattr("skamem.sparse._coder._BLOCK_BYTES", 1)
    np.testing.assert_allclose(together, coder.transform(X), atol=1e-12)


def test_exact_codes_stop_and_come_back(dictionary):
    codes = np.zeros((4, 30))
    codes[0, 5], codes[1, [2, 9]], codes[2, [0, 11, 29]] = 2.0, [1.0, -3.0], [1.0, 2.0, 3.0]
    X = codes @ dictionary
    coder = IHTSparseCoder(dictionary, 5).fit(X)
    found = coder.transform(X)
    np.testing.assert_allclose(found, codes, atol=1e-8)
    assert np.count_nonzero(found[3]) == 0
    np.testing.assert_allclose(coder.inverse_transform(found), X, atol=1e-8)


def test_scaling_atoms_scales_codes(dictionary):
    X = np.random.default_rng(4).standard_normal((20, 16))
    scales = 10.0 ** np.random.default_rng(5).uniform(-6, 6, 30)
    codes = IHTSparseCoder(dictionary, 3).fit_transform(X)
    scaled = IHTSparseCoder(dictionary * scales[:, None], 3).fit_transform(X)
    np.testing.assert_allclose(scaled * scales, codes, rtol=1e-8, atol=1e-12)


def test_stored_samples_code_themselves():
    X = np.random.default_rng(6).standard_normal((12, 20))
    np.testing.assert_allclose(IHTSparseCoder(n_nonzero_coefs=1).fit_transform(X), np.eye(12), atol=1e-10)


def test_zero_and_double_atoms():
    atoms = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    codes = IHTSparseCoder(atoms, 4).fit_transform([[2.0, 3.0]])
    assert np.count_nonzero(codes) == 2
    np.testing.assert_allclose(codes @ atoms, [[2.0, 3.0]])


def test_float32_stays_float32(dictionary):
    X = np.random.default_rng(7).standard_normal((5, 16)).astype(np.float32)
    coder = IHTSparseCoder(dictionary, 3).fit(X)
    assert coder.transform(X).dtype == np.float32
    assert coder.components_.dtype == np.float32


def test_names_and_defaults(dictionary):
    X = np.random.default_rng(8).standard_normal((5, 16))
    coder = IHTSparseCoder(dictionary).fit(X)
    assert np.count_nonzero(coder.transform(X)[0]) == 1  # a tenth of 16 features
    assert coder.get_feature_names_out()[:2].tolist() == ["ihtsparsecoder0", "ihtsparsecoder1"]


def test_bad_input_is_explained(dictionary):
    X = np.ones((2, 16))
    with pytest.raises(ValueError, match="dictionary has 30 features, but X has 16"):
        IHTSparseCoder(dictionary.T).fit(X)
    with pytest.raises(ValueError, match="more than the 30 atoms"):
        IHTSparseCoder(dictionary, 31).fit(X)
    with pytest.raises(ValueError, match="codes has 16 columns"):
        IHTSparseCoder(dictionary).fit(X).inverse_transform(X)

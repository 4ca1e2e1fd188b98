"""KernelMemory: look-up, interpolation, random features, completion."""

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.impute import KNNImputer
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import pairwise_kernels

from skamem import KernelMemory, MemoryClassifier
from skamem.memory._kernels import KERNELS, kernel_matrix

RNG = np.random.default_rng(0)
X = RNG.standard_normal((50, 6))
Y = RNG.standard_normal((50, 3))
CUES = RNG.standard_normal((20, 6))
PARAMETERS = {"gamma": 0.3, "degree": 3, "coef0": 1, "depth": 2}


def low_rank(n_samples=200, n_units=12):
    rng = np.random.default_rng(1)
    return rng.standard_normal((n_samples, 3)) @ rng.standard_normal((3, n_units)) + 0.1 * rng.standard_normal(
        (n_samples, n_units)
    )


@pytest.mark.parametrize("kernel", ["rbf", "laplacian", "poly", "ntk"])
def test_it_interpolates_at_alpha_0(kernel):
    memory = KernelMemory(kernel, gamma=0.5, degree=9, alpha=0.0, target="y").fit(X, Y)
    np.testing.assert_allclose(memory.predict(X), Y, atol=1e-6)


def test_it_is_kernel_ridge_around_the_mean():
    ours = KernelMemory(gamma=0.3, alpha=0.2, target="y").fit(X, Y, sample_weight=np.arange(1.0, 51.0))
    mean = np.average(Y, axis=0, weights=np.arange(1.0, 51.0))
    theirs = KernelRidge(kernel="rbf", gamma=0.3, alpha=0.2).fit(X, Y - mean, sample_weight=np.arange(1.0, 51.0))
    np.testing.assert_allclose(ours.predict(CUES), theirs.predict(CUES) + mean, rtol=1e-8)
    np.testing.assert_array_equal(ours.predict(CUES), ours.field(CUES))


def test_a_narrow_kernel_only_looks_up():
    memory = KernelMemory(gamma=1e4, alpha=0.0, target="y").fit(X, Y)
    np.testing.assert_allclose(memory.predict(X), Y, rtol=1e-9)
    np.testing.assert_allclose(memory.predict(CUES), np.tile(Y.mean(axis=0), (20, 1)), atol=1e-9)


def test_conflicting_duplicates_are_averaged():
    twice, values = np.vstack([X, X[:1]]), np.vstack([Y, Y[:1] + 2.0])
    memory = KernelMemory(gamma=0.5, alpha=0.0, target="y").fit(twice, values)
    np.testing.assert_allclose(memory.predict(X[:1]), Y[:1] + 1.0, atol=1e-6)


@pytest.mark.parametrize("kernel", [*sorted(KERNELS), "cosine", "sigmoid", lambda a, b: float(a @ b)])
def test_kernels_are_those_of_their_name(kernel):
    found = kernel_matrix(kernel, X, CUES, **PARAMETERS)
    if kernel == "laplacian":
        expected = np.exp(-0.3 * np.linalg.norm(X[:, None] - CUES[None], axis=2))
    elif kernel == "ntk":
        expected = found.T.T  # its own test below
    elif kernel in ("linear", "cosine") or callable(kernel):
        expected = pairwise_kernels(X, CUES, metric=kernel)
    else:
        expected = pairwise_kernels(X, CUES, metric=kernel, filter_params=True, gamma=0.3, degree=3, coef0=1)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e7])
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_distances_keep_their_digits(offset, scale):
    rng = np.random.default_rng(4)
    points = scale * (np.vstack([X, X[:5], X[:5] + 1e-6 * rng.standard_normal((5, 6)), 1e3 + X[:5]]) + offset)
    distances = np.linalg.norm(points[:, None] - points[None], axis=2) / scale
    found = kernel_matrix("laplacian", points, points, gamma=0.3 / scale)
    np.testing.assert_allclose(found, np.exp(-0.3 * distances), rtol=1e-12, atol=1e-14)
    found = kernel_matrix("rbf", points, points, gamma=0.3 / scale**2)
    np.testing.assert_allclose(found, np.exp(-0.3 * distances**2), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_the_ntk_is_like_the_laplacian_on_the_sphere(depth):
    rng = np.random.default_rng(2)
    points = rng.standard_normal((200, 4))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    ntk = kernel_matrix("ntk", points, points, gamma=1.0, degree=3, coef0=1, depth=depth)
    np.testing.assert_allclose(np.diag(ntk), 1.0, rtol=1e-6)
    best = max(
        np.corrcoef(ntk.ravel(), kernel_matrix("laplacian", points, points, gamma=gamma).ravel())[0, 1]
        for gamma in np.geomspace(0.01, 3.0, 30)
    )
    assert best > 0.99


def test_the_ntk_is_the_tangent_kernel_of_a_wide_network():
    # Gradients of f(x) = sqrt(2 / width) a·relu(W x) with Gaussian a, W; 3 standard errors at width 200,000.
    rng = np.random.default_rng(3)
    width, x, y = 200_000, CUES[0], CUES[1]
    W, a = rng.standard_normal((width, 6)), rng.standard_normal(width)
    terms = 2 * (np.maximum(W @ x, 0) * np.maximum(W @ y, 0) + a**2 * (W @ x > 0) * (W @ y > 0) * (x @ y))
    exact = 2 * kernel_matrix("ntk", x[None], y[None], gamma=1.0, degree=3, coef0=1, depth=1)[0, 0]
    assert abs(terms.mean() - exact) < 4 * terms.std() / np.sqrt(width)  # fails by chance once in 16,000


@pytest.mark.parametrize("approximation", ["nystroem", "fourier"])
def test_features_approach_the_kernel(approximation):
    exact = KernelMemory(gamma=0.05, alpha=0.1, target="y").fit(X, Y).predict(CUES)
    errors = []
    for n_components in (10, 2000):
        memory = KernelMemory(
            gamma=0.05, alpha=0.1, target="y", n_components=n_components, approximation=approximation, random_state=0
        )
        errors.append(np.abs(memory.fit(X, Y).predict(CUES) - exact).max())
    assert errors[1] < 0.2 * errors[0]


def test_autoassociation_denoises():
    patterns = low_rank()
    noisy = patterns + 0.3 * np.random.default_rng(4).standard_normal(patterns.shape)
    memory = KernelMemory(gamma=0.003, alpha=0.1, n_recall_steps=1).fit(patterns)
    assert np.mean((memory.predict(noisy) - patterns) ** 2) < np.mean((noisy - patterns) ** 2)


@pytest.mark.parametrize("settings", [{}, {"n_components": 60, "random_state": 0}])
def test_it_completes_better_than_neighbours(settings):
    patterns = low_rank()
    holes = np.where(np.random.default_rng(5).random(patterns.shape) < 0.3, np.nan, patterns)
    unknown = np.isnan(holes)

    def error(imputer):
        return np.sqrt(np.mean((imputer.fit_transform(holes) - patterns)[unknown] ** 2))

    best = min(error(KNNImputer(n_neighbors=k, weights=w)) for k in (3, 5, 10) for w in ("uniform", "distance"))
    memory = KernelMemory(missing="clamp", **settings)
    assert error(memory) < best
    filled = memory.fit_transform(holes)
    np.testing.assert_array_equal(filled[~unknown], patterns[~unknown])
    np.testing.assert_array_equal(filled, clone(memory).fit(holes).transform(holes))
    assert (
        KernelMemory(missing="clamp", **settings).fit(holes.astype(np.float32)).predict(holes.astype(np.float32)).dtype
        == np.float32
    )


def test_a_classifier_of_it_looks_up_or_learns():
    digits, y = load_digits(return_X_y=True)
    wide = MemoryClassifier(KernelMemory(), fit_intercept=False).fit(digits[:600], y[:600])
    narrow = MemoryClassifier(KernelMemory(gamma=10.0), fit_intercept=False).fit(digits[:600], y[:600])
    assert wide.score(digits[:600], y[:600]) == narrow.score(digits[:600], y[:600]) == 1.0
    assert wide.score(digits[600:1200], y[600:1200]) > 0.93
    assert narrow.score(digits[600:1200], y[600:1200]) < 0.3


def test_sparse_patterns_are_stored_dense():
    sparse = scipy.sparse.csr_array(np.where(X > 0.5, X, 0.0))
    memory = KernelMemory(target="y").fit(sparse, Y)
    np.testing.assert_allclose(
        memory.predict(sparse), KernelMemory(target="y").fit(sparse.toarray(), Y).predict(sparse.toarray())
    )
    with pytest.raises(TypeError, match="[Ss]parse"):
        KernelMemory().fit(sparse)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"kernel": "warp"}, "kernel='warp' is not an option"),
        ({"gamma": 0.0}, "gamma=0.0 is out of range"),
        ({"alpha": -1.0}, "alpha=-1.0 is out of range"),
        ({"alpha": "big"}, "alpha='big' is not an option"),
        ({"depth": 0}, "depth=0 is out of range"),
        ({"n_components": 0}, "n_components=0 is out of range"),
        ({"kernel": "ntk", "n_components": 5, "approximation": "fourier"}, "approximates kernel='rbf' only"),
    ],
)
def test_a_failed_fit_changes_nothing(parameters, message):
    memory = KernelMemory(target="y").fit(X, Y).set_params(**parameters)
    before = dict(vars(memory))
    with pytest.raises(ValueError, match=message):
        memory.fit(X[:10], Y[:10])
    assert all(vars(memory)[name] is value for name, value in before.items())

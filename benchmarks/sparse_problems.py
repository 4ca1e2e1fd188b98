"""Regression problems for the sparse benchmarks: Gaussian designs with known supports, and diabetes with products."""

import itertools

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import PolynomialFeatures, StandardScaler


def regression(seed, n, p, s, *, rho=0.0, decibel=20.0, coefs="uniform"):
    """Gaussian design with AR(1) correlation `rho`, s coefficients, and noise at a signal-to-noise ratio or none.

    Coefficients: "uniform" in ±[1, 2], "gaussian", or "signs" (±1). Returns X, y and the support.
    """
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    for j in range(1, p if rho else 0):
        X[:, j] = rho * X[:, j - 1] + np.sqrt(1 - rho**2) * X[:, j]
    support = np.sort(rng.choice(p, s, replace=False))
    signs = rng.choice([-1.0, 1.0], s)
    weights = {"uniform": signs * rng.uniform(1, 2, s), "gaussian": rng.standard_normal(s), "signs": signs}[coefs]
    signal = X[:, support] @ weights
    noise = 0.0 if decibel is None else np.sqrt(np.mean(signal**2) / 10 ** (decibel / 10))
    return X, signal + noise * rng.standard_normal(n), support


def decoyed(seed, n, p, s, group, *, spread, noise):
    """Gaussian design in which each `group` of true columns has two noisy sums as decoys. Returns X, y and the support.

    `spread` is the noise of a sum, `noise` that of y, in units of what they are added to.
    """
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    for k in range(s // group):
        whole = X[:, k * group : (k + 1) * group].sum(axis=1, keepdims=True)
        X[:, s + 2 * k : s + 2 * k + 2] = whole + spread * np.sqrt(group) * rng.standard_normal((n, 2))
    y = X[:, :s].sum(axis=1) + noise * np.sqrt(s) * rng.standard_normal(n)
    order = rng.permutation(p)
    return X[:, order], y, np.sort(np.argsort(order)[:s])


def summed(seed):
    """Four true columns of 40, and a noisy sum of each two of them: 120 x 46. Returns X, y and the support."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((120, 40))
    sums = [X[:, i] + X[:, j] + 0.05 * rng.standard_normal(120) for i, j in itertools.combinations(range(4), 2)]
    return np.column_stack([X, *sums]), X[:, :4].sum(axis=1) + 0.1 * rng.standard_normal(120), np.arange(4)


def quadratic_diabetes():
    """The diabetes data with all squares and products of two features, standardised: 442 x 65."""
    X, y = load_diabetes(return_X_y=True)
    products = PolynomialFeatures(2, include_bias=False).fit_transform(StandardScaler().fit_transform(X))
    return StandardScaler().fit_transform(products), y


def loss(X, y, support):
    """Residual sum of squares of least squares with an intercept."""
    A = np.c_[np.ones(len(X)), X[:, list(support)]]
    return float(np.sum((y - A @ np.linalg.lstsq(A, y, rcond=None)[0]) ** 2))


def least_loss(X, y, s):
    """Least loss of all subsets of s columns, one by one."""
    return min(loss(X, y, subset) for subset in itertools.combinations(range(X.shape[1]), s))


def best_subset(X, y, s, batch=100_000):
    """The subset of s columns of least loss, of all of them: by the normal equations of each, many at a time."""
    A, target = X - X.mean(axis=0), y - y.mean()
    gram, correlation = A.T @ A, A.T @ target
    best, least = None, np.inf
    subsets = itertools.combinations(range(X.shape[1]), s)
    while some := list(itertools.islice(subsets, batch)):
        index = np.array(some)
        right = correlation[index]
        coefs = np.linalg.solve(gram[index[:, :, None], index[:, None, :]], right[:, :, None])[:, :, 0]
        losses = target @ target - np.sum(coefs * right, axis=1)
        if losses.min() < least:
            best, least = index[np.argmin(losses)], losses.min()
    return best


def exchanged(support, p):
    """All supports that differ from `support` in one member."""
    for i, j in itertools.product(range(len(support)), np.setdiff1d(np.arange(p), support)):
        yield np.append(np.delete(support, i), j)

"""Regression problems whose columns are close to dependent, of condition 1e3 to 1e14, and what is true of a fit."""

import numpy as np
from sklearn.linear_model import OrthogonalMatchingPursuit

__all__ = ["KINDS", "condition_of", "delicate_problem", "forward_losses", "loss_of"]


def _bumps(rng, n, p):
    x = np.linspace(0, 1, n)
    return np.exp(-((x[:, None] - np.linspace(0, 1, p)) ** 2) / (2 * rng.choice([0.03, 0.1, 0.2]) ** 2))


def _decays(rng, n, p):
    return np.exp(-np.linspace(0, 5, n)[:, None] * np.geomspace(0.1, 10, p))


def _powers(rng, n, p):
    x = np.sort(rng.uniform(1, 1.5, n))
    return x[:, None] ** np.arange(1, min(p, 25) + 1)


def _polynomial(rng, n, p):
    x = np.sort(rng.uniform(1, 1.5, n))
    return x[:, None] ** np.arange(1, rng.integers(5, 9))


def _lags(rng, n, p):
    t, p = np.arange(n + p), min(p, 30)
    series = sum(rng.standard_normal() * np.sin(2 * np.pi * t / period + rng.uniform(0, 6)) for period in (50, 31, 23))
    series = series + 10.0 ** rng.uniform(-6, -2) * rng.standard_normal(len(t))
    return np.column_stack([series[k : k + n] for k in range(p)])


def _near_copies(rng, n, p):
    base = rng.standard_normal((n, p // 2))
    return np.hstack([base, base + 10.0 ** rng.uniform(-7, -2) * rng.standard_normal(base.shape)])


def _spectrum(rng, n, p):
    left, right = np.linalg.qr(rng.standard_normal((n, p)))[0], np.linalg.qr(rng.standard_normal((p, p)))[0]
    return left * np.geomspace(1, 10.0 ** -rng.uniform(3, 14), p) @ right


KINDS = {
    "bumps": _bumps, "decays": _decays, "powers": _powers, "polynomial": _polynomial, "lags": _lags,
    "near copies": _near_copies, "spectrum": _spectrum,
}  # fmt: skip
"""Dictionaries by name."""


def delicate_problem(seed):
    """X, y of one of `KINDS`, in turn: a step, a smooth target or a sum of few columns, with noise."""
    rng = np.random.default_rng(seed)
    kinds = list(KINDS)
    n, p = int(rng.integers(60, 200)), int(rng.integers(12, 60))
    X = KINDS[kinds[seed % len(kinds)]](rng, n, p)
    while condition_of(X) > 1e14:  # what double precision can still tell apart
        X = np.delete(X, rng.integers(X.shape[1]), axis=1)
    x = np.linspace(0, 1, n)
    few = X[:, rng.choice(X.shape[1], 3, replace=False)] @ rng.standard_normal(3)
    y = [np.where(x > 0.5, 1.0, 0.0), np.sin(6 * x), few / np.std(few)][seed // len(kinds) % 3]
    return X, y + 10.0 ** rng.uniform(-4, -1) * rng.standard_normal(n)


def condition_of(X):
    """Condition number of the columns of X, centred and of one length."""
    Z = X - X.mean(axis=0)
    return np.linalg.cond(Z / np.linalg.norm(Z, axis=0))


def loss_of(X, y, model):
    """What the coefficients of a fitted model leave of y, as a fraction of what a constant leaves."""
    residual = y - X @ model.coef_ - model.intercept_
    return float(residual @ residual) / float(np.sum((y - y.mean()) ** 2))


def forward_losses(X, y, sizes):
    """The same for scikit-learn's forward selection."""
    return [loss_of(X, y, OrthogonalMatchingPursuit(n_nonzero_coefs=size).fit(X, y)) for size in sizes]

"""All subsets at once, against all subsets one by one."""

import itertools

import numpy as np
import pytest

from skamem.sparse import IHTRegressor
from skamem.sparse.objective._quadratic import DenseQuadratic
from skamem.sparse.search._exhaustive import best_subsets


def quadratic(seed, p=7, n_targets=1, locked=(), usable=None, alpha=0.0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((20, p)) + rng.standard_normal((20, 1))
    X /= np.linalg.norm(X, axis=0)
    Y = rng.standard_normal((20, n_targets))
    is_locked = np.isin(np.arange(p), list(locked))
    usable = np.ones(p, dtype=bool) if usable is None else usable
    return DenseQuadratic((X.T @ X)[None], (X.T @ Y)[None], np.array([np.sum(Y**2)]), usable[None], is_locked, alpha)


def best_one_by_one(form, size):
    def loss(support):
        support = list(support)
        c = form.correlation[0, support]
        return form.total[0] - np.sum(c * np.linalg.solve(form.gram[0][np.ix_(support, support)], c))

    candidates = [
        support
        for support in itertools.combinations(np.flatnonzero(form.usable[0]), size)
        if set(np.flatnonzero(form.locked)) <= set(support)
    ]
    best = min(candidates, key=loss)
    return best, loss(best)


@pytest.mark.parametrize(
    "options", [{}, {"n_targets": 3}, {"locked": [1, 4]}, {"alpha": 0.5}, {"usable": np.arange(7) % 3 > 0}], ids=str
)
def test_every_size_is_the_best_of_its_size(options):
    form = quadratic(0, **options)
    supports, losses = best_subsets(form)
    n_usable, n_locked = int(form.usable.sum()), int(form.locked.sum())
    for size in range(max(n_locked, 1), n_usable + 1):
        support, loss = best_one_by_one(form, size)
        np.testing.assert_array_equal(supports[size], support)
        assert losses[size] == pytest.approx(loss)
        alone, _ = best_subsets(form, size)
        np.testing.assert_array_equal(alone[size], support)
    assert all(support is None for support in [*supports[:n_locked], *supports[n_usable + 1 :]])


def test_dependent_columns_are_not_joined():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((10, 2)) @ rng.standard_normal((2, 5))
    X /= np.linalg.norm(X, axis=0)
    y = rng.standard_normal((10, 1))
    form = DenseQuadratic(
        (X.T @ X)[None], (X.T @ y)[None], np.array([np.sum(y**2)]), np.ones((1, 5), bool), np.zeros(5, bool), 0.0
    )
    supports, losses = best_subsets(form)
    assert [support is None for support in supports] == [False, False, False, True, True, True]
    assert np.all(np.isinf(losses[3:]))


@pytest.mark.parametrize("seed", range(4))
def test_the_estimator_is_never_beaten_on_up_to_eighteen_features(seed):
    rng = np.random.default_rng(seed)
    p = int(rng.integers(12, 19))
    X = rng.standard_normal((p + 8, p))
    for j in range(1, p):  # correlation .95: where search by exchanges fails now and then
        X[:, j] = 0.95 * X[:, j - 1] + np.sqrt(1 - 0.95**2) * X[:, j]
    y = X[:, :4].sum(axis=1) + 2 * rng.standard_normal(p + 8)
    centred, target = X - X.mean(axis=0), y - y.mean()
    gram, c = centred.T @ centred, centred.T @ target
    for size in (2, 4):
        subsets = np.array(list(itertools.combinations(range(p), size)))
        right = c[subsets][:, :, None]
        losses = target @ target - np.sum(
            right * np.linalg.solve(gram[subsets[:, :, None], subsets[:, None, :]], right), axis=(1, 2)
        )
        model = IHTRegressor(size).fit(X, y)
        assert np.sum((y - model.predict(X)) ** 2) <= losses.min() * (1 + 1e-9)

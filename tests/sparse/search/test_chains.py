"""The tableau against brute force: gains, changes, lock step."""

import itertools

import numpy as np
import pytest

from skamem.sparse.objective._quadratic import DenseQuadratic, LazyQuadratic
from skamem.sparse.search._chains import Chains


def quadratic(seed, *, n_problems=1, m=12, n_targets=1, alpha=0.0, locked=()):
    """Random objectives with unit columns of strong correlation."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_problems, 30, m)) + 1.5 * rng.standard_normal((n_problems, 30, 1))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    Y = rng.standard_normal((n_problems, 30, n_targets))
    gram, correlation = X.transpose(0, 2, 1) @ X, X.transpose(0, 2, 1) @ Y
    is_locked = np.zeros(m, dtype=bool)
    is_locked[list(locked)] = True
    usable = np.ones((n_problems, m), dtype=bool)
    return DenseQuadratic(gram, correlation, np.sum(Y**2, axis=(1, 2)), usable, is_locked, alpha)


def loss(form, problem, support):
    """Least squares on a support from its normal equations."""
    support = np.asarray(support)
    c = form.correlation[problem, support]
    gram = form.gram[problem][np.ix_(support, support)]
    return float(form.total[problem] - np.sum(c * np.linalg.solve(gram, c)))


def grown(form, columns):
    """Chains with given columns (s, n_problems)."""
    chains = Chains(form, len(columns) + 1)
    for column in columns:
        chains.add(np.asarray(column))
    return chains


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_gains_and_sacrifices_are_differences_of_losses(n_targets, alpha):
    form = quadratic(0, n_targets=n_targets, alpha=alpha)
    chain = grown(form, [[2], [7], [4], [11]])
    members, present = chain.supports[0].tolist(), loss(form, 0, [2, 7, 4, 11])
    assert chain.loss[0] == pytest.approx(present)
    gains = chain.addition_gains()[0]
    for j in set(range(12)) - set(members):
        assert gains[j] == pytest.approx(present - loss(form, 0, [*members, j]))
    np.testing.assert_array_equal(gains[members], -1.0)
    for i, sacrifice in enumerate(chain.sacrifices()[0]):
        assert sacrifice == pytest.approx(loss(form, 0, members[:i] + members[i + 1 :]) - present)


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("alpha", [0.0, 0.3])
@pytest.mark.parametrize("seed", range(5))
def test_the_best_swap_is_the_best_of_all(seed, n_targets, alpha):
    form = quadratic(seed, n_targets=n_targets, alpha=alpha)
    chain = grown(form, [[0], [1], [2]])
    _, slots, columns = chain.best_swaps(chain.indices, np.full(1, 1e-12))
    losses = {(i, j): loss(form, 0, [*np.delete([0, 1, 2], i), j]) for i in range(3) for j in range(3, 12)}
    best = min(losses, key=losses.get)
    assert losses[best] < loss(form, 0, [0, 1, 2])  # or there is nothing to test
    assert (slots[0], columns[0]) == best


@pytest.mark.parametrize("n_targets", [1, 2])
def test_leaving_out_unpromising_columns_changes_no_swap(monkeypatch, n_targets):
    form = quadratic(3, n_problems=4, m=40, n_targets=n_targets, alpha=0.1)
    chains = Chains(form, 6)
    n_swaps = 0
    for _ in range(6):
        chains.add(chains.best_additions())
        found = []
        for threshold in (1, 10**9):
            monkeypatch.setattr("skamem.sparse.search._chains._SCREEN_FROM", threshold)
            found.append(chains.best_swaps(chains.indices, np.full(4, 1e-12)))
        n_swaps += len(found[0][0])
        for mine, theirs in zip(*found, strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert n_swaps > 0


def test_changes_agree_with_a_start_from_scratch():
    form = quadratic(1, n_problems=3)
    chains = grown(form, [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]])
    chains.swap(np.array([0, 2]), np.array([1, 3]), np.array([5, 0]))
    chains.swap(chains.indices, np.array([0, 0, 0]), np.array([11, 2, 9]))
    chains.remove(np.array([1, 3, 0]))
    for problem in range(3):
        fresh = Chains(form, 3)
        assert fresh is not chains
        expected = loss(form, problem, chains.supports[problem])
        assert chains.loss[problem] == pytest.approx(expected)
    single = quadratic(1, n_problems=3).subset(np.array([True, False, False]))
    again = Chains(single, 3)
    again.restart(chains.supports[0])
    for name in ("coefs", "inverse", "projections", "residual", "room"):
        np.testing.assert_allclose(getattr(chains, name)[0], getattr(again, name)[0], atol=1e-10, err_msg=name)


def test_settled_chains_have_no_swap_left():
    form = quadratic(2, n_problems=5)
    chains = Chains(form, 4)
    for _ in range(4):
        chains.add(chains.best_additions())
    chains.settle(1e-9)
    for problem in range(5):
        members = chains.supports[problem].tolist()
        present = loss(form, problem, members)
        for i, j in itertools.product(range(4), set(range(12)) - set(members)):
            assert loss(form, problem, [*np.delete(members, i), j]) >= present * (1 - 1e-8)


def test_lock_step_is_each_problem_alone():
    form = quadratic(4, n_problems=4)
    together = Chains(form, 5)
    for _ in range(5):
        together.add(together.best_additions())
        together.settle(1e-9)
    for problem in range(4):
        mask = np.arange(4) == problem
        alone = Chains(form.subset(mask), 5)
        for _ in range(5):
            alone.add(alone.best_additions())
            alone.settle(1e-9)
        np.testing.assert_array_equal(np.sort(together.supports[problem]), np.sort(alone.supports[0]))


def test_kept_problems_go_on_as_before():
    form = quadratic(5, n_problems=4)
    chains = grown(form, [[0, 1, 2, 3], [4, 5, 6, 7]])
    chains.keep(np.array([True, False, False, True]))
    chains.add(np.array([8, 9]))
    assert chains.loss[0] == pytest.approx(loss(form, 0, [0, 4, 8]))
    assert chains.loss[1] == pytest.approx(loss(form, 3, [3, 7, 9]))


def test_locked_members_never_leave():
    form = quadratic(0, locked=[0, 1, 2])
    chain = grown(form, [[0], [1], [2]])
    assert np.all(np.isinf(chain.sacrifices()))
    assert len(chain.best_swaps(chain.indices, np.full(1, 1e-12))[0]) == 0
    assert chain.margins()[0] == np.inf


def test_many_changes_do_not_wear_the_tableau_out():
    form = quadratic(6, m=30)
    chain = grown(form, [[j] for j in range(8)])
    rng = np.random.default_rng(0)
    for _ in range(500):
        outside = np.setdiff1d(np.arange(30), chain.supports[0])
        chain.swap(chain.indices, rng.integers(8, size=1), rng.choice(outside, 1))
    assert chain.loss[0] == pytest.approx(loss(form, 0, chain.supports[0]), rel=1e-10)


def test_dependent_members_give_way():
    rng = np.random.default_rng(7)
    X = rng.standard_normal((20, 6))
    X[:, 3] = X[:, 0]
    X /= np.linalg.norm(X, axis=0)
    y = X @ rng.standard_normal((6, 1))
    form = DenseQuadratic(
        (X.T @ X)[None], (X.T @ y)[None], np.sum(y**2, keepdims=True)[0], np.ones((1, 6), bool), np.zeros(6, bool), 0.0
    )
    chain = Chains(form, 4)
    chain.restart(np.array([0, 3, 1]))
    assert len(set(chain.supports[0]) & {0, 3}) == 1
    assert chain.size == 3
    assert np.all(np.isfinite(chain.coefs))


def test_lazy_rows_are_computed_once_and_agree_with_the_whole_matrix():
    form = quadratic(8)
    asked = []

    def rows(index):
        asked.extend(index)
        return form.gram[0, index].copy()

    lazy = LazyQuadratic(rows, form.correlation[0], form.total[0], form.usable[0], form.locked, 0.0)
    chain, other = Chains(lazy, 5), Chains(form, 5)
    for one in (chain, other):
        for _ in range(5):
            one.add(one.best_additions())
            one.settle(1e-9)
        one.restart(np.sort(one.supports[0]))
    np.testing.assert_array_equal(chain.supports, other.supports)
    np.testing.assert_allclose(chain.loss, other.loss)
    assert len(asked) == len(set(asked))
    assert set(chain.supports[0]) <= set(asked)

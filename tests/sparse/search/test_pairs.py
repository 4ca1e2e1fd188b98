"""Exchanges of two members."""

import itertools

import numpy as np
import pytest
from sklearn.preprocessing import PolynomialFeatures

from skamem.sparse import IHTRegressor
from skamem.sparse.objective._design import as_design
from skamem.sparse.objective._problem import Problem
from skamem.sparse.search import _pairs
from skamem.sparse.search._pairs import grow_by_pair, improve_by_pairs
from skamem.sparse.search._supports import chain_for


@pytest.mark.parametrize("n_targets", [1, 2])
@pytest.mark.parametrize("alpha", [0.0, 0.2])
@pytest.mark.parametrize("seed", range(4))
def test_no_exchange_of_two_lowers_the_loss(seed, n_targets, alpha):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((25, 12)) + 2 * rng.standard_normal((25, 1))
    problem = Problem(as_design(X), rng.standard_normal((25, n_targets)), alpha=alpha)
    fit = improve_by_pairs(problem, np.arange(4), 1e-9)
    members = set(fit.support.tolist())
    assert fit.loss <= problem.least_squares(np.arange(4)).loss
    for out in itertools.combinations(members, 2):
        for into in itertools.combinations(set(range(12)) - members, 2):
            other = np.array(sorted(members - set(out) | set(into)))
            assert problem.least_squares(other).loss >= fit.loss * (1 - 1e-8)


@pytest.mark.parametrize("together", [7, 2**16])
@pytest.mark.parametrize("n_targets", [1, 2])
@pytest.mark.parametrize("seed", range(8))
def test_members_that_could_go_one_by_one_are_all_that_need_be_looked_at(seed, n_targets, together, monkeypatch):
    monkeypatch.setattr(_pairs, "_TOGETHER", together)
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((40, 20)) + (seed % 3) * rng.standard_normal((40, 1))
    Y = X[:, :5] @ rng.standard_normal((5, n_targets)) + (seed % 2) * rng.standard_normal((40, n_targets))
    problem = Problem(as_design(X), Y, alpha=0.1 * (seed % 2), locked=[9] if seed > 5 else [])
    chain = chain_for(problem, problem.quadratic(), 6)
    chain.restart(np.array([3, 7, 9, 11, 14, 19]))  # poor: there is much to gain
    movable = np.flatnonzero(~chain.quadratic.locked[chain.supports[0]])
    members, columns = _pairs._best_exchange(chain, 1e-7)
    expected, those = _pairs._best_of_all(chain, movable, chain.residual_gram(), float(chain.least_gain(1e-7)[0]))
    assert sorted(members) == sorted(expected)
    assert sorted(columns) == sorted(those)


def test_locked_members_stay():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((25, 8))
    for locked in ([0], [0, 1]):
        problem = Problem(as_design(X), rng.standard_normal((25, 1)), locked=locked)
        assert set(locked) <= set(improve_by_pairs(problem, np.array([0, 1]), 1e-9).support)


@pytest.mark.parametrize("n_targets", [1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_growing_by_a_pair_adds_the_best_and_drops_the_least(seed, n_targets):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((30, 9)) + rng.standard_normal((30, 1))
    problem = Problem(as_design(X), rng.standard_normal((30, n_targets)))

    def loss(members):
        return problem.least_squares(np.array(sorted(members))).loss

    start = {0, 1, 2}
    members = min((start | set(pair) for pair in itertools.combinations(range(3, 9), 2)), key=loss)
    for _ in range(2):
        members = min((members - {i} for i in members), key=loss)
    assert set(grow_by_pair(problem, np.array([0, 1, 2]))) == members


def test_columns_that_nearly_cancel_are_found_together():
    # Two columns of correlation .99 whose difference is the signal: each alone explains next to nothing.
    rng = np.random.default_rng(1)
    X = rng.standard_normal((100, 60))
    X[:, 31] = X[:, 30] + 0.1 * rng.standard_normal(100)
    y = 5.0 * (X[:, 31] - X[:, 30]) + 0.3 * X[:, 2] + 0.1 * rng.standard_normal(100)
    problem = Problem(as_design(X), y[:, None])
    assert set(grow_by_pair(problem, np.array([2, 5, 7]))) >= {30, 31}


@pytest.mark.parametrize("seed", range(3))
def test_one_column_left_is_no_pair(seed):
    rng = np.random.default_rng(seed)
    problem = Problem(as_design(rng.integers(0, 3, (15, 10)).astype(float)), rng.standard_normal((15, 1)))
    assert grow_by_pair(problem, np.arange(9)) is None


def lorenz(n_samples=800):
    """States on the attractor, by fourth-order Runge-Kutta steps, and their derivatives."""

    def slope(u):
        return np.array([10 * (u[1] - u[0]), u[0] * (28 - u[2]) - u[1], u[0] * u[1] - 8 / 3 * u[2]])

    u, states, step = np.array([-8.0, 7.0, 27.0]), [], 0.01
    for _ in range(n_samples):
        k1 = slope(u)
        k2 = slope(u + step / 2 * k1)
        k3 = slope(u + step / 2 * k2)
        k4 = slope(u + step * k3)
        u = u + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        states.append(u)
    states = np.array(states)
    return states, np.array([slope(u) for u in states])


def test_lorenz_equations_are_identified_among_55_terms():
    # Columns this close to dependent defeat exchanges of single members on some equations.
    states, slopes = lorenz()
    polynomials = PolynomialFeatures(5, include_bias=False)
    library = polynomials.fit_transform(states)
    names = polynomials.get_feature_names_out(["x", "y", "z"])
    noise = 1e-3 * slopes.std(axis=0) * np.random.default_rng(0).standard_normal(slopes.shape)
    for terms, target in zip(({"x", "y"}, {"x", "y", "x z"}, {"z", "x y"}), (slopes + noise).T, strict=True):
        model = IHTRegressor(len(terms)).fit(library, target)
        assert set(names[model.support_]) == terms

"""A stack of machines as a value: its bound of the likelihood against enumeration."""

import itertools

import numpy as np
import pytest

from skamem.generative._bipartite import Bipartite, log_odds
from skamem.generative._stack import Stack

RNG = np.random.default_rng(0)


def machine(n_visible, n_hidden, sigma=None):
    scale = RNG.standard_normal
    return Bipartite(scale((n_visible, n_hidden)), scale(n_visible), scale(n_hidden), sigma)


def states(n_units):
    return np.asarray(list(itertools.product([0.0, 1.0], repeat=n_units)))


def log_partition(top):
    return np.logaddexp.reduce(-top.free_energy(states(top.n_visible)))


def log_conditional(one, v, h):
    """ln p(v | h), unit by unit."""
    mean = one.visible_mean(h[None, :])[0]
    if one.is_binary:
        return np.log(np.where(v == 1, mean, 1 - mean)).sum()
    return (-0.5 * ((v - mean) / one.sigma) ** 2 - np.log(one.sigma * np.sqrt(2 * np.pi))).sum()


def exact(one, top, v):
    """(ln p(v), its variational bound) of two machines, by the sum over all states between them."""
    between = states(top.n_visible)
    prior = -top.free_energy(between) - log_partition(top)
    joint = np.asarray([log_conditional(one, v, h) for h in between]) + prior
    mean = one.hidden_mean(v[None, :])[0]
    guess = np.prod(np.where(between == 1, mean, 1 - mean), axis=1)
    return np.logaddexp.reduce(joint), guess @ joint - guess[guess > 0] @ np.log(guess[guess > 0])


@pytest.mark.parametrize("sigma", [None, np.asarray([0.5, 1.0, 2.0, 1.5])], ids=["binary", "Gaussian"])
def test_the_bound_against_enumeration(sigma):
    one, top = machine(4, 3, sigma), machine(3, 5)
    v = states(4)[5:9] if sigma is None else RNG.standard_normal((4, 4))
    likelihood, bound = np.transpose([exact(one, top, row) for row in v])
    assert (bound <= likelihood).all()
    draws = np.asarray([Stack((one, top)).bound(v, [RNG.random((1, 3))]) for _ in range(4000)]) - log_partition(top)
    error = draws.std(axis=0) / len(draws) ** 0.5
    assert (np.abs(draws.mean(axis=0) - bound) < 5 * error).all()  # 4 rows: fails once in 400,000


def test_a_machine_alone_is_exact():
    top = machine(4, 3)
    np.testing.assert_allclose(
        np.logaddexp.reduce(Stack((top,)).bound(states(4), []) - log_partition(top)), 0, atol=1e-12
    )


def test_the_bound_is_the_likelihood_where_hidden_units_are_independent_of_the_features():
    """A machine without couplings below: ln p(v) = ln p(v) of its biases alone, whatever is on top."""
    one = Bipartite(np.zeros((4, 3)), RNG.standard_normal(4), np.zeros(3))
    top = Bipartite(np.zeros((3, 2)), log_odds(np.full(3, 0.5), 0.0), np.zeros(2))
    v = states(4)
    bound = Stack((one, top)).bound(v, [RNG.random((2, 3))]) - log_partition(top)
    expected = v @ one.visible - np.log1p(np.exp(one.visible)).sum()
    np.testing.assert_allclose(bound, expected, atol=1e-12)


def test_up_and_down_are_those_of_the_machines():
    one, top = machine(4, 3), machine(3, 5)
    v, h = states(4), states(5)
    np.testing.assert_array_equal(Stack((one, top)).up(v), top.hidden_mean(one.hidden_mean(v)))
    np.testing.assert_array_equal(Stack((one, top)).down(h), one.visible_mean(top.visible_mean(h)))
    assert Stack((one, top)).n_units == 12

"""Small machines, and truths about them by brute force."""

import itertools

import numpy as np

from skamem.generative._bipartite import Bipartite


def machine(kind="binary", n_visible=5, n_hidden=4, scale=1.0, seed=0):
    rng = np.random.default_rng(seed)
    sigma = None if kind == "binary" else rng.uniform(0.5, 1.5, n_visible)
    weights = scale * rng.standard_normal((n_visible, n_hidden))
    return Bipartite(weights, rng.standard_normal(n_visible), rng.standard_normal(n_hidden), sigma)


def states(n_units):
    return np.asarray(list(itertools.product([0.0, 1.0], repeat=n_units)))


def energy(m, v, h):
    """E(v, h) term by term."""
    if m.sigma is None:
        return -(v @ m.weights @ h) - m.visible @ v - m.hidden @ h
    return (((v - m.visible) ** 2) / (2 * m.sigma**2)).sum() - (v / m.sigma**2) @ m.weights @ h - m.hidden @ h


def joint(m):
    """ln of the unnormalised probabilities of all (v, h) of a binary machine."""
    return np.asarray([[-energy(m, v, h) for h in states(m.n_hidden)] for v in states(m.n_visible)])

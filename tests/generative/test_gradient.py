"""The gradient against finite differences of the exact log-likelihood, centred or not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logsumexp

from skamem.generative import _gradient
from skamem.generative._enumeration import log_partition

from ._machines import joint, machine, states

RNG = np.random.default_rng(0)


def centred_gradient(m, data, model, centre):
    """Of pairs of visible states and hidden means."""
    (v, h), (sample, h_model) = data, model
    shares = _gradient.row_shares(len(v), len(sample), h)
    visibles = _gradient.together(v, sample)
    return _gradient.centred_gradient(m, visibles, np.concatenate([h, h_model]), shares, centre)


def likelihood(m, v):
    return -m.free_energy(v).mean() - log_partition(m)


def model_sample(m):
    """Weighted states of the model as a sample: each visible state repeated as often as it is probable."""
    log_p = logsumexp(joint(m), axis=1)
    counts = np.round(40_000 * np.exp(log_p - logsumexp(log_p))).astype(int)
    return np.repeat(states(m.n_visible), counts, axis=0)


def pairs_of_the_model(m):
    """Joint states of the model as rows v and h, and their probabilities: they have its means of v, h, v², v h.

    A Gaussian unit given h stands for its two points a standard deviation from its mean, which have its moments.
    """
    h = states(m.n_hidden)
    log_p = -m.hidden_free_energy(h)
    p = np.exp(log_p - logsumexp(log_p))
    if not m.is_binary:
        mean = m.visible_mean(h)
        return np.vstack([mean - m.sigma, mean + m.sigma]), np.vstack([h, h]), np.tile(p, 2) / 2
    v = states(m.n_visible)
    log_p = joint(m)
    p = np.exp(log_p - logsumexp(log_p)).ravel()
    return np.repeat(v, len(h), axis=0), np.tile(h, (len(v), 1)), p


BOTH = ["weights", "visible", "hidden"]


@pytest.mark.parametrize(
    ("kind", "shape", "name"),
    [
        *(("binary", shape, name) for shape in [(5, 4), (7, 2)] for name in BOTH),
        *(("gaussian", (3, 4), name) for name in [*BOTH, "log_variance"]),
    ],
)
def test_gradient_is_the_slope_of_the_likelihood(kind, shape, name):
    m = machine(kind, *shape, scale=0.5)
    v = states(shape[0])[RNG.integers(2 ** shape[0], size=20)] if m.is_binary else RNG.standard_normal((20, 3))
    data = v, m.hidden_mean(v)
    # The gradient is a mean over the rows of the sample: its expectation is the mean over all states.
    found = sum(
        p * centred_gradient(m, data, (v_model[None], h_model[None]), None)[name]
        for v_model, h_model, p in zip(*pairs_of_the_model(m), strict=True)
    )
    np.testing.assert_allclose(found, _slope(m, v, name), atol=1e-6)


def test_centring_changes_the_direction_not_the_ascent():
    m, v = machine(scale=0.7), states(5)[RNG.integers(32, size=20)]
    sample = model_sample(m)
    pairs = (v, m.hidden_mean(v)), (sample, m.hidden_mean(sample))
    plain = centred_gradient(m, *pairs, None)
    centred = centred_gradient(m, *pairs, (v.mean(axis=0), pairs[0][1].mean(axis=0)))
    along = sum((plain[name] * centred[name]).sum() for name in plain)
    assert along > 0
    moved = replace(m, **{name: getattr(m, name) + 1e-3 * centred[name] for name in centred})
    assert likelihood(moved, v) > likelihood(m, v)


@pytest.mark.parametrize("seed", range(5))
def test_gaussian_units_step_by_their_variance_and_still_ascend(seed):
    m = machine("gaussian", n_visible=3, n_hidden=4, scale=0.5, seed=seed)
    rng = np.random.default_rng(seed)
    v, sample = rng.normal(2, 1, (20, 3)), rng.standard_normal((30, 3))
    pairs = (v, m.hidden_mean(v)), (sample, m.hidden_mean(sample))
    plain = centred_gradient(m, *pairs, None)
    stepped = _gradient.in_units_of_noise(m, centred_gradient(m, *pairs, None), None)
    np.testing.assert_allclose(stepped["weights"], m.sigma[:, None] ** 2 * plain["weights"])
    np.testing.assert_allclose(stepped["visible"], m.sigma**2 * plain["visible"])
    np.testing.assert_array_equal(stepped["hidden"], plain["hidden"])
    centre = v.mean(axis=0), pairs[0][1].mean(axis=0)
    stepped = _gradient.in_units_of_noise(m, centred_gradient(m, *pairs, centre), centre)
    assert sum((plain[name] * stepped[name]).sum() for name in BOTH) > 0


def test_flipping_a_unit_flips_the_centred_gradient():
    """Calling a visible unit's 1 a 0 gives the same learning: Melchior, Fischer and Wiskott (2016)."""
    m, v = machine(scale=0.7), states(5)[RNG.integers(32, size=20)]
    sample = states(5)[RNG.integers(32, size=20)]
    flipped = replace(
        m,
        weights=m.weights * np.asarray([-1, 1, 1, 1, 1])[:, None],
        visible=m.visible * np.asarray([-1, 1, 1, 1, 1]),
        hidden=m.hidden + m.weights[0],
    )

    def flip(rows):
        return np.column_stack([1 - rows[:, 0], rows[:, 1:]])

    h = m.hidden_mean(v)
    np.testing.assert_allclose(flipped.hidden_mean(flip(v)), h)
    one = centred_gradient(m, (v, h), (sample, m.hidden_mean(sample)), (v.mean(0), h.mean(0)))
    two = centred_gradient(flipped, (flip(v), h), (flip(sample), m.hidden_mean(sample)), (flip(v).mean(0), h.mean(0)))
    np.testing.assert_allclose(two["weights"][1:], one["weights"][1:], atol=1e-12)
    np.testing.assert_allclose(two["weights"][0], -one["weights"][0], atol=1e-12)
    np.testing.assert_allclose(two["visible"][0], -one["visible"][0], atol=1e-12)


def _slope(m, v, name):
    """Central differences of the exact log-likelihood by each number of a parameter."""
    values = 2 * np.log(m.sigma) if name == "log_variance" else getattr(m, name)
    slopes = np.empty(values.shape)
    for index in np.ndindex(values.shape):
        ends = []
        for step in (1e-5, -1e-5):
            moved = values.copy()
            moved[index] += step
            change = {"sigma": np.exp(moved / 2)} if name == "log_variance" else {name: moved}
            ends.append(likelihood(replace(m, **change), v))
        slopes[index] = (ends[0] - ends[1]) / 2e-5
    return slopes

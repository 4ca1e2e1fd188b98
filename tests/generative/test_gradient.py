"""The gradient against finite differences of the exact log-likelihood, centred or not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logsumexp

from skamem.generative._enumeration import log_partition
from skamem.generative._gradient import centred_gradient

from ._machines import joint, machine, states

RNG = np.random.default_rng(0)


def likelihood(m, v):
    return -m.free_energy(v).mean() - log_partition(m)


def model_sample(m):
    """Weighted states of the model as a sample: each visible state repeated as often as it is probable."""
    log_p = logsumexp(joint(m), axis=1)
    counts = np.round(40_000 * np.exp(log_p - logsumexp(log_p))).astype(int)
    return np.repeat(states(m.n_visible), counts, axis=0)


@pytest.mark.parametrize("name", ["weights", "visible", "hidden"])
def test_plain_gradient_is_the_slope_of_the_likelihood(name):
    m, v = machine(scale=0.7), states(5)[RNG.integers(32, size=20)]
    sample = model_sample(m)
    found = centred_gradient(m, (v, m.hidden_mean(v)), (sample, m.hidden_mean(sample)), None)[name]
    assert _slope(m, v, name, found.shape) == pytest.approx(found.ravel(), abs=2e-3)  # the rounding of the counts


def test_log_variance_gradient_is_the_slope_of_the_likelihood():
    m = machine("gaussian", n_visible=3, n_hidden=4, scale=0.5)
    v = RNG.standard_normal((20, 3))
    log_p = -m.hidden_free_energy(states(4))
    p = np.exp(log_p - logsumexp(log_p))
    h = states(4)
    # Under the model, given h: <(v - b)²> = σ² + (Wh)², <v> = b + Wh.
    drive = h @ m.weights.T
    expected = p @ ((m.sigma**2 + drive**2) / 2 - (m.visible + drive) * drive) / m.sigma**2
    data = centred_gradient(m, (v, m.hidden_mean(v)), (np.zeros((1, 3)), np.zeros((1, 4))), None)["log_variance"]
    data = data + 0.5 * m.visible**2 / m.sigma**2  # what the row of zeros took away
    slopes = []
    for unit in range(3):
        ends = []
        for step in (1e-5, -1e-5):
            sigma = m.sigma.copy()
            sigma[unit] *= np.exp(step / 2)
            ends.append(likelihood(replace(m, sigma=sigma), v))
        slopes.append((ends[0] - ends[1]) / 2e-5)
    np.testing.assert_allclose(data - expected, slopes, atol=1e-6)


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


def _slope(m, v, name, shape):
    slopes = []
    for index in np.ndindex(shape):
        ends = []
        for step in (1e-5, -1e-5):
            moved = getattr(m, name).copy()
            moved[index] += step
            ends.append(likelihood(replace(m, **{name: moved}), v))
        slopes.append((ends[0] - ends[1]) / 2e-5)
    return np.asarray(slopes)

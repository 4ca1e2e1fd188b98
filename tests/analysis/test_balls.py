"""Balls: random points are inside and fill it, projections are idempotent and nearest, steps have length 1."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skamem.analysis._balls import BALLS

CENTRE = np.random.RandomState(0).uniform(0, 1, (400, 3))
every_ball = pytest.mark.parametrize("norm", BALLS)
every_clip = pytest.mark.parametrize("clip", [None, (0.0, 1.0)])


@every_ball
@every_clip
def test_projections_are_inside_and_leave_the_inside_alone(norm, clip):
    ball = BALLS[norm](0.2, clip)
    far = CENTRE + np.random.RandomState(1).standard_normal(CENTRE.shape)
    projected = ball.projection(far, CENTRE)
    assert np.max(ball.length(projected - CENTRE)) <= 0.2 + 1e-12
    if clip:
        assert np.min(projected) >= 0
        assert np.max(projected) <= 1
    assert_allclose(ball.projection(projected, CENTRE), projected, atol=1e-15)


@every_ball
def test_projections_are_nearest(norm):
    ball, rng = BALLS[norm](0.2), np.random.RandomState(1)
    far = CENTRE + rng.standard_normal(CENTRE.shape)
    distance = np.linalg.norm(ball.projection(far, CENTRE) - far, axis=1)
    for _ in range(50):
        others = ball.random_points(CENTRE, rng)
        assert np.all(np.linalg.norm(others - far, axis=1) >= distance - 1e-12)


@every_ball
def test_random_points_fill_the_ball(norm):
    # The share inside half the radius is 2^-n in n dimensions; 4.5 standard errors: fails by chance once in 10⁵ times.
    centre = np.zeros((20_000, 3))
    length = BALLS[norm](0.2).length(BALLS[norm](0.2).random_points(centre, np.random.RandomState(0)))
    assert np.max(length) <= 0.2
    assert abs(np.mean(length < 0.1) - 1 / 8) < 4.5 * np.sqrt(1 / 8 * 7 / 8 / 20_000)


@every_ball
def test_random_points_do_not_depend_on_blocks(norm):
    ball, rng = BALLS[norm](0.2), np.random.RandomState(3)
    parts = [ball.random_points(CENTRE[rows], rng) for rows in (slice(0, 7), slice(7, 150), slice(150, 400))]
    assert_array_equal(np.concatenate(parts), ball.random_points(CENTRE, np.random.RandomState(3)))


@every_ball
@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
def test_steps_have_length_1_and_climb_fastest(norm, size):
    gradient = (size * np.random.RandomState(1).standard_normal((50, 3))).astype(np.float32)
    gradient[0] = 0
    ball = BALLS[norm](1.0)
    step = ball.direction(gradient)
    assert step.dtype == np.float32
    assert_allclose(ball.length(step)[1:], 1, rtol=1e-6)
    assert_array_equal(step[0], 0)
    gain = np.sum(step * (gradient / size), axis=1)
    for others in np.random.RandomState(2).standard_normal((50, 50, 3)):
        others /= ball.length(others)[:, None]
        assert np.all(np.sum(others * (gradient / size), axis=1) <= gain + 1e-5)

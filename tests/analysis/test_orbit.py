"""Linear orbits: eigenvectors, rotations, and what comes back."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skamem import HebbianMemory
from skamem.analysis import linear_orbit


def rotation(turn):
    cos, sin = np.cos(2 * np.pi * turn), np.sin(2 * np.pi * turn)
    return np.asarray([[cos, sin], [-sin, cos]])


@pytest.mark.parametrize("seed", range(5))
def test_the_dominant_eigenvector_is_found(seed):
    rng = np.random.RandomState(seed)
    vectors, values = rng.standard_normal((5, 5)), np.asarray([2.0, -1.0, 0.5, 0.1, 1.2])
    weights = np.linalg.inv(vectors) @ np.diag(values) @ vectors  # its rows are the left eigenvectors
    orbit = linear_orbit(weights, rng.standard_normal(5), n_steps=200)
    values, columns = np.linalg.eig(weights.T)
    expected = np.real(columns[:, np.argmax(np.abs(values))])
    assert_allclose(abs(orbit.direction @ expected), 1)
    assert_allclose(orbit.eigenvalue, 2)
    assert_allclose(orbit.growth[-1], 2)
    assert orbit.period == 1
    assert_allclose(np.linalg.norm(orbit.states, axis=1), 1)


def test_it_turns_as_fast_as_the_ratio_of_the_eigenvalues():
    orbit = linear_orbit(np.diag([2.0, 1.0]), [1.0, 1.0], n_steps=10)
    assert_allclose(orbit.states[:, 1] / orbit.states[:, 0], 0.5 ** np.arange(11))
    assert orbit.direction is None  # not there yet
    assert orbit.period == 0
    assert np.isnan(orbit.eigenvalue)


def test_a_negative_eigenvalue_turns_round_at_every_step():
    orbit = linear_orbit(np.diag([-2.0, 1.0]), [1.0, 1.0])
    assert_allclose(orbit.eigenvalue, -2)
    assert_allclose(np.abs(orbit.direction), [1, 0], atol=1e-12)
    assert orbit.period == 2


@pytest.mark.parametrize(("turn", "period"), [(1 / 4, 4), (1 / 2, 2), (1 / 3, 3), (2 / 5, 5), (3 / 7, 7), (2**-0.5, 0)])
def test_rotations_come_back_if_they_are_a_rational_part_of_a_turn(turn, period):
    orbit = linear_orbit(1.7 * rotation(turn), [0.3, 0.4], n_steps=300)
    assert orbit.period == period
    assert_allclose(orbit.growth, 1.7)
    assert (orbit.direction is None) == (period != 2)  # half a turn: an eigenvalue of -1.7


def test_without_normalization_states_are_powers():
    weights = np.asarray([[0.0, 2.0], [1.0, 1.0]])
    orbit = linear_orbit(weights, [1.0, 3.0], n_steps=6, normalize=False)
    for step, state in enumerate(orbit.states):
        assert_allclose(state, np.asarray([1.0, 3.0]) @ np.linalg.matrix_power(weights, step))
    assert_allclose(orbit.growth, np.linalg.norm(orbit.states[1:], axis=1) / np.linalg.norm(orbit.states[:-1], axis=1))
    assert linear_orbit(weights, [1.0, 3.0], n_steps=100, normalize=False).period == 0  # it grows
    assert linear_orbit(weights, [1.0, 3.0], n_steps=100).period == 1


def test_a_state_that_becomes_zero_stays_there():
    orbit = linear_orbit([[0.0, 1.0], [0.0, 0.0]], [1.0, 1.0], n_steps=5)
    assert_array_equal(orbit.states[2:], np.zeros((4, 2)))
    assert_array_equal(orbit.growth[1:], np.zeros(4))
    assert orbit.direction is None
    assert orbit.period == 1


def test_memories_have_weights(place, dispatched):
    patterns = np.asarray([[1.0, 1, 1, 1], [1, 1, -1, -1]])
    with dispatched():
        memory = HebbianMemory(activation="identity").fit(place.put(patterns), sample_weight=place.put([1.0, 3.0]))
        orbit = linear_orbit(memory, [1.0, 0.2, 0.3, 0.1])
    assert_allclose(orbit.direction, [0.5, 0.5, -0.5, -0.5])
    assert_allclose(orbit.eigenvalue, 3)


def test_the_frame_has_a_row_for_each_step():
    frame = linear_orbit(rotation(1 / 4), [1.0, 0.0], n_steps=4).to_frame()
    assert list(frame) == ["growth", "unit0", "unit1"]
    assert frame.index.name == "step"
    assert_allclose(frame["unit1"], [0, 1, 0, -1, 0], atol=1e-12)
    assert np.isnan(frame["growth"][0])


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 3\); expected a square"):
        linear_orbit(np.ones((2, 3)), [1, 1])
    with pytest.raises(ValueError, match=r"start has shape \(3,\); expected \(2,\)"):
        linear_orbit(np.ones((2, 2)), [1, 1, 1])
    with pytest.raises(ValueError, match="start is zero"):
        linear_orbit(np.ones((2, 2)), [0, 0])
    with pytest.raises(ValueError, match="overflow after 48 steps"):
        linear_orbit([[1e3]], [1e9], n_steps=200, normalize=False)
    for options in ({"n_steps": 0}, {"tolerance": -1}, {"normalize": "yes"}):
        with pytest.raises(ValueError, match=next(iter(options))):
            linear_orbit(np.eye(2), [1, 1], **options)

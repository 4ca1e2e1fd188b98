"""Makers of patterns and of cues: shapes, codings, seeds and exact rates."""

import numpy as np
import pytest
from scipy.stats import binom

from skamem.datasets import corrupt, load_letters, make_patterns
from skamem.datasets._patterns import CORRUPTIONS

OFF = {"bipolar": -1.0, "binary": 0.0}
UNKNOWN = ["mask", "occlude", "erase"]  # corruptions that make units unknown


# ------------------------------------------------------------------------------------------------ make_patterns


@pytest.mark.parametrize("coding", OFF)
def test_patterns_are_two_valued_and_repeat_with_their_seed(coding):
    patterns = make_patterns(6, 50, coding=coding, random_state=3)
    assert patterns.shape == (6, 50)
    assert patterns.dtype == "float64"
    assert set(np.unique(patterns)) == {OFF[coding], 1.0}
    np.testing.assert_array_equal(make_patterns(6, 50, coding=coding, random_state=np.random.RandomState(3)), patterns)
    assert np.any(make_patterns(6, 50, coding=coding, random_state=4) != patterns)
    np.testing.assert_array_equal(make_patterns(6, 50, random_state=3) == 1.0, patterns == 1.0)


@pytest.mark.parametrize("activity", [0.0, 0.1, 0.5, 1.0])
def test_activity_is_the_fraction_of_units_on(activity):
    n_on = np.count_nonzero(make_patterns(100, 100, activity=activity, coding="binary", random_state=0))
    low, high = binom.interval(1 - 1e-6, 10_000, activity) if 0 < activity < 1 else (10_000 * activity,) * 2
    assert low <= n_on <= high  # fails by chance once in a million seeds


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_patterns": 0}, ValueError, "1 <= n_patterns"),
        ({"n_units": 0}, ValueError, "1 <= n_units"),
        ({"n_units": 1.5}, TypeError, "expected an integer"),
        ({"activity": 1.1}, ValueError, "0.0 <= activity <= 1.0"),
        ({"coding": "ternary"}, ValueError, "expected one of 'bipolar', 'binary'"),
    ],
)
def test_bad_sizes_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        make_patterns(**options)


# ------------------------------------------------------------------------------------------------------ corrupt


@pytest.mark.parametrize("kind", CORRUPTIONS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_cues_repeat_with_their_seed_and_leave_the_patterns_alone(kind, dtype):
    patterns = make_patterns(6, 50, random_state=0).astype(dtype)
    given = patterns.copy()
    cues = corrupt(patterns, kind, 0.3, random_state=1)
    np.testing.assert_array_equal(patterns, given)
    assert cues.shape == patterns.shape
    assert cues.dtype == dtype
    np.testing.assert_array_equal(corrupt(patterns, kind, 0.3, random_state=1), cues)
    if kind != "erase":  # the only one that leaves nothing to chance
        assert not np.array_equal(corrupt(patterns, kind, 0.3, random_state=2), cues, equal_nan=True)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_rate_0_changes_nothing(kind):
    patterns = make_patterns(6, 50, random_state=0)
    np.testing.assert_array_equal(corrupt(patterns, kind, 0.0, random_state=0), patterns)


@pytest.mark.parametrize("coding", OFF)
@pytest.mark.parametrize("rate", [0.1, 0.25, 1.0])
def test_flip_turns_an_exact_number_of_units(coding, rate):
    patterns = make_patterns(20, 50, coding=coding, random_state=0)
    cues = corrupt(patterns, "flip", rate, random_state=0)
    assert np.all(np.count_nonzero(cues != patterns, axis=1) == round(50 * rate))
    assert set(np.unique(cues)) == {OFF[coding], 1.0}


@pytest.mark.parametrize("kind", UNKNOWN)
@pytest.mark.parametrize("rate", [0.1, 0.25, 1.0])
def test_an_exact_number_of_units_becomes_unknown(kind, rate):
    patterns = make_patterns(20, 50, random_state=0)
    cues = corrupt(patterns, kind, rate, random_state=0)
    unknown = np.isnan(cues)
    assert np.all(unknown.sum(axis=1) == round(50 * rate))
    np.testing.assert_array_equal(cues[~unknown], patterns[~unknown])
    edges = np.abs(np.diff(unknown.astype(int), axis=1)).sum(axis=1)
    if kind == "occlude":  # one stretch
        assert np.all(edges <= 2)
    if kind == "erase":  # the last units
        assert np.all(unknown[:, -1])
        assert np.all(edges <= 1)


def test_every_unit_can_be_hit():
    patterns = make_patterns(500, 10, random_state=0)
    for kind in ("flip", "mask", "occlude"):
        hit = corrupt(patterns, kind, 0.2, random_state=0) != patterns
        assert hit.any(axis=0).all()


def test_where_nothing_is_known_nothing_is_flipped():
    assert np.isnan(corrupt(np.full((2, 4), np.nan), "flip", 0.5, random_state=0)).all()


def test_flip_reflects_real_values_and_passes_unknown_ones():
    cues = corrupt([[0.0, 1.0, 10.0, np.nan]], "flip", 1.0, random_state=0)
    np.testing.assert_array_equal(cues, [[10.0, 9.0, 0.0, np.nan]])


def test_gaussian_noise_is_in_units_of_the_data():
    patterns = 7.0 * make_patterns(200, 500, random_state=0)
    noise = corrupt(patterns, "gaussian", 0.5, random_state=0) - patterns
    assert np.std(noise) == pytest.approx(3.5, rel=0.015)  # 100,000 numbers: 0.2 % is one standard deviation
    assert np.mean(noise) == pytest.approx(0.0, abs=0.07)


def test_a_callable_makes_its_own_cues():
    def shout(X, rate, rng):
        return X * (1 + rate) + rng.randint(1)

    np.testing.assert_array_equal(corrupt([[1.0, -1.0]], shout, 0.5), [[1.5, -1.5]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("smudge",), "expected one of 'flip', 'mask', 'occlude', 'erase', 'gaussian'"),
        (("flip", 1.1), "0.0 <= rate <= 1.0"),
        (("mask", -0.1), "0.0 <= rate <= 1.0"),
        (("gaussian", -0.1), "0.0 <= rate"),
    ],
)
def test_bad_corruptions_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        corrupt([[1.0, -1.0]], *arguments)
    corrupt([[1.0, -1.0]], "gaussian", 3.0)


# ------------------------------------------------------------------------------------------------- load_letters


def test_letters_are_the_alphabet():
    letters = load_letters()
    assert "".join(letters.target) == "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert letters.data.shape == (26, 35)
    assert letters.images.shape == (26, *letters.image_shape) == (26, 7, 5)
    np.testing.assert_array_equal(letters.images.reshape(26, 35), letters.data)
    assert set(np.unique(letters.data)) == {-1.0, 1.0}
    assert len(np.unique(letters.data, axis=0)) == 26
    for mirrored in "AHIMOTUVWXY":
        image = letters.images[letters.target == mirrored][0]
        np.testing.assert_array_equal(image[:, ::-1], image)
    X, y = load_letters(return_X_y=True)
    np.testing.assert_array_equal(X, letters.data)
    np.testing.assert_array_equal(y, letters.target)

"""Predicted accuracy of holographic traces and errors of a shared channel, beside what is measured and enumerated."""

import itertools
import math

import numpy as np
import pytest
from scipy.special import ndtr

from skamem.analysis import cdma_bit_error, holographic_accuracy
from skamem.core.binding import ALGEBRAS, despread, random_keys, similarity, spread, superpose, unbind

IMPROBABLE = 4.9  # standard deviations: once in a million


@pytest.mark.parametrize("algebra", ALGEBRAS)
@pytest.mark.parametrize("n_pairs", [4, 12, 30, 80])
def test_predicted_accuracy_is_that_of_random_traces(algebra, n_pairs):
    # Readings of one trace are dependent, so the error is estimated between traces; 60 of them, and 1 % for the law,
    # which is that of infinitely many units.
    n_units, n_candidates, rng = 192, 150, np.random.RandomState(0)
    rates = []
    for _ in range(60):
        values = random_keys(n_candidates, n_units, algebra=algebra, random_state=rng)
        keys = random_keys(n_pairs, n_units, algebra=algebra, random_state=rng)
        trace = superpose(keys, values[:n_pairs], algebra)
        found = similarity(unbind(trace, keys, algebra), values, algebra).argmax(axis=1)
        rates.append(np.mean(found == np.arange(n_pairs)))
    error = np.std(rates) / math.sqrt(len(rates))
    predicted = holographic_accuracy(n_units, n_pairs, n_candidates, algebra)
    assert abs(np.mean(rates) - predicted) <= IMPROBABLE * error + 0.01


def test_accuracy_falls_with_pairs_and_candidates_and_rises_with_units():
    pairs, units = np.arange(1, 200), 2 ** np.arange(4, 13)
    assert np.all(np.diff(holographic_accuracy(256, pairs, 100)) < 1e-12)
    assert np.all(np.diff(holographic_accuracy(units, 20, 100)) > -1e-12)
    assert np.all(np.diff(holographic_accuracy(256, 20, pairs + 1)) < 0)
    assert holographic_accuracy(256, 50, 1) == pytest.approx(1.0)
    assert holographic_accuracy(256, [[1, 2, 3]]).shape == (1, 3)
    np.testing.assert_allclose(holographic_accuracy(256, 30, 90, "fhrr"), holographic_accuracy(512, 30, 90, "hrr"))


def test_two_candidates_are_a_normal_difference():
    # Of the right similarity and a wrong one: variances (m - 1) / n and m / n.
    expected = ndtr(1 / math.sqrt((19 + 20) / 64))
    assert holographic_accuracy(64, 20, 2) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n_units", "n_users"), [(1, 2), (2, 2), (3, 3), (4, 3), (5, 3)])
def test_bit_errors_are_those_of_all_sums_of_signs(n_units, n_users):
    sums = [sum(signs) for signs in itertools.product([-1, 1], repeat=n_units * (n_users - 1))]
    expected = np.mean([(total < -n_units) + (total == -n_units) / 2 for total in sums])
    assert cdma_bit_error(n_units, n_users) == pytest.approx(expected, rel=1e-12, abs=0)


def test_bit_errors_are_those_of_random_codes():
    # 20,000 draws of codes, one user heard in each: independent, 4.9 standard deviations.
    n_units, n_users, n_draws, rng = 16, 6, 20_000, np.random.default_rng(0)
    wrong = 0
    for _ in range(n_draws):
        codes, bits = rng.choice([-1.0, 1.0], (n_users, n_units)), rng.choice([-1.0, 1.0], n_users)
        heard = despread(spread(bits, codes), codes[:1])[0]
        wrong += (heard >= 0) != (bits[0] > 0)
    expected = cdma_bit_error(n_units, n_users)
    assert abs(wrong / n_draws - expected) <= IMPROBABLE * math.sqrt(expected / n_draws)


def test_bit_errors_tend_to_the_normal_law_and_one_user_has_none():
    users = np.asarray([8, 16, 64])
    normal = ndtr(-np.sqrt(63 / (users - 1)))
    np.testing.assert_allclose(cdma_bit_error(63, users), normal, rtol=0.1)
    assert cdma_bit_error(63, 1) == 0.0
    assert np.all(np.diff(cdma_bit_error(31, np.arange(1, 65))) > 0)
    assert cdma_bit_error(10**6, 10**4) < 1e-20


@pytest.mark.parametrize("function", [holographic_accuracy, cdma_bit_error])
@pytest.mark.parametrize("value", [0, -1, 1.5, "many", None, True, np.nan, [3, 0], [[1.5]]])
def test_what_are_no_counts_is_refused(function, value):
    for arguments in ((value, 3), (64, value)):
        with pytest.raises((TypeError, ValueError), match="n_units|n_pairs|n_users"):
            function(*arguments)


def test_an_unknown_algebra_is_refused():
    with pytest.raises(ValueError, match="algebra='tensor'"):
        holographic_accuracy(64, 3, 9, "tensor")

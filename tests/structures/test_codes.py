"""How wide random codes must be: the bounds, against what they bound."""

import math

import numpy as np
import pytest

from skamem.structures._codes import CodeBook, code_width, random_codes, sure_margin


def pair_error(n_units, flip_rate):
    """Probability, over random codes and flips, that a wrong code is as near as the right one: by convolution."""
    step = np.zeros(5)  # differing and kept, -2; not differing, 0; differing and flipped, +2
    step[[0, 2, 4]] = 0.5 * (1 - flip_rate), 0.5, 0.5 * flip_rate
    law = np.ones(1)
    for _ in range(n_units):
        law = np.convolve(law, step)
    return law[2 * n_units :].sum()


@pytest.mark.parametrize("flip_rate", [0.01, 0.05, 0.2, 0.4])
@pytest.mark.parametrize("error_rate", [1e-3, 1e-9])
def test_the_width_bounds_the_error_of_clean_up_and_does_not_waste(flip_rate, error_rate):
    n_states = 20
    width = code_width(n_states, 1, flip_rate=flip_rate, error_rate=error_rate)
    assert (n_states - 1) * pair_error(width, flip_rate) <= error_rate
    # Chernoff's bound is tight in the exponent: three quarters of the units would not do.
    assert (n_states - 1) * pair_error(int(0.75 * width) - 8, flip_rate) > error_rate


def test_32_units_cannot_hold_8_states_through_5_percent_and_64_can():
    assert 7 * pair_error(32, 0.05) > 1e-5  # an error in every 100,000 symbols
    assert 7 * pair_error(64, 0.05) < 1e-8


def test_the_width_bounds_the_error_of_an_exponential_memory():
    # The mean of exp(overlap) over random codes is cosh(1)^n: with the width chosen, wrong keys weigh less than e^n.
    n_pairs, error_rate = 500, 1e-3
    width = code_width(2, n_pairs, flip_rate=0.0, error_rate=error_rate)
    assert n_pairs * (n_pairs - 1) * (math.cosh(1) / math.e) ** width <= error_rate
    codes = random_codes(n_pairs, width, 0).astype(float)
    overlaps = codes @ codes.T
    wrong = np.exp(overlaps - width).sum(axis=1) - 1.0
    assert wrong.max() < 1.0


def test_no_width_stands_a_coin():
    assert code_width(8, 32, flip_rate=0.5, error_rate=0.1) == math.inf
    assert code_width(1, 1, flip_rate=0.0, error_rate=0.5) == 8


def test_codes_are_fair_and_more_of_them_begin_alike():
    codes = random_codes(50, 200, 3)
    assert codes.dtype == np.float32
    assert set(np.unique(codes)) == {-1.0, 1.0}
    assert abs(codes.mean()) < 0.05  # five standard deviations of the mean of 10,000 fair signs
    np.testing.assert_array_equal(random_codes(20, 200, 3), codes[:20])


def test_margins_are_to_the_second_best():
    book = CodeBook(np.asarray([[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, -1.0, -1.0], [-1.0, -1.0, -1.0, -1.0]]), np)
    overlaps = book.overlaps(np.asarray([[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, -1.0]]))
    np.testing.assert_array_equal(book.margins(overlaps, np.asarray([0, 0])), [1.0, 0.0])
    alone = CodeBook(np.ones((1, 4)), np)
    np.testing.assert_array_equal(alone.margins(np.asarray([[4.0]]), np.asarray([0])), [2.0])


def test_a_sure_margin_is_where_the_others_become_improbable():
    margin = sure_margin(8, 100, flip_rate=0.1, error_rate=1e-6)
    assert 7 * (0.1 / 0.9) ** (100 * margin / 2) == pytest.approx(1e-6)
    assert sure_margin(8, 100, flip_rate=0.0, error_rate=1e-6) == 0.0

"""Input noise from one draw."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from skamem.core import arrays
from skamem.training import NoisePool, _noise

HOST = arrays.placement_of(np.zeros(1))


def test_noise_has_its_size_and_is_not_the_same_twice():
    rng = np.random.RandomState(0)
    pool = NoisePool(0.3, 1000, 50, 40, HOST, np.float32, rng)
    one, other = np.zeros((50, 40), np.float32), np.zeros((30, 40), np.float32)
    pool.add_to(one)
    pool.add_to(other)
    # 2000 normal numbers: the standard error of their standard deviation is 1.6 %, five of them are allowed.
    assert_allclose(np.std(one), 0.3, rtol=0.08)
    assert abs(np.corrcoef(one[:30].ravel(), other.ravel())[0, 1]) < 0.15
    assert one.dtype == np.float32


def test_no_noise_draws_nothing():
    rng = np.random.RandomState(0)
    rows = np.ones((3, 2))
    NoisePool(0.0, 10, 3, 2, HOST, np.float64, rng).add_to(rows)
    assert_array_equal(rows, np.ones((3, 2)))
    assert rng.randint(1000) == np.random.RandomState(0).randint(1000)


def test_noise_is_drawn_in_pieces_that_change_nothing(monkeypatch):
    found = []
    for piece in (7, 2**20):
        monkeypatch.setattr(_noise, "_DRAW", piece)
        rows = np.zeros((4, 5), np.float32)
        NoisePool(1.0, 3, 4, 5, HOST, np.float32, np.random.RandomState(0)).add_to(rows)
        found.append(rows)
    assert_array_equal(*found)
    assert np.all(found[0] != 0)

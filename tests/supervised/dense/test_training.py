"""Batches, noise, early stopping and blocks."""

import array_api_compat.numpy as xp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skamem.core import arrays
from skamem.core.interactions import RectifiedPolynomial
from skamem.supervised.dense import _training as training
from skamem.supervised.dense._data import RowSource, TrainingSet
from skamem.supervised.dense._readouts import READOUTS

HOST = arrays.placement_of(np.zeros(1))


@pytest.mark.parametrize("n_batches", [1, 3, 10])
def test_shuffled_batches_have_every_row_once(n_batches):
    batches = training.shuffled_batches(np.zeros(10, dtype=int), n_batches, np.random.RandomState(0))
    assert len(batches) == n_batches
    assert_array_equal(np.sort(np.concatenate(batches)), np.arange(10))
    assert max(map(len, batches)) - min(map(len, batches)) <= 1


@pytest.mark.parametrize("n_batches", [1, 3, 25])
def test_balanced_batches_have_as_many_rows_of_every_class(n_batches):
    codes = np.asarray([0] * 50 + [2] * 9 + [3] * 3)
    batches = training.balanced_batches(codes, n_batches, np.random.RandomState(0))
    for batch in batches:
        counts = np.bincount(codes[batch], minlength=4)
        assert counts[1] == 0
        assert counts[0] == counts[2] == counts[3] > 0
    together = np.concatenate(batches)
    assert len(codes) <= len(together) <= len(codes) + 3
    assert len(set(together[codes[together] == 0])) == np.sum(codes[together] == 0)
    assert set(together[codes[together] == 3]) == {59, 60, 61}


def test_noise_has_its_size_and_is_not_the_same_twice():
    rng = np.random.RandomState(0)
    pool = training.NoisePool(0.3, 1000, 50, 40, HOST, np.float32, rng)
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
    training.NoisePool(0.0, 10, 3, 2, HOST, np.float64, rng).add_to(rows)
    assert_array_equal(rows, np.ones((3, 2)))
    assert rng.randint(1000) == np.random.RandomState(0).randint(1000)


def test_unit_rows_have_length_1_and_the_same_direction():
    values = np.asarray([[3.0, -4.0], [-3e-30, 4e-30], [0.0, 0.0]], dtype=np.float32)
    assert_allclose(training.unit_rows(values), [[0.6, -0.8], [-0.6, 0.8], [0.0, 0.0]], rtol=1e-6)
    assert training.unit_rows(values).dtype == np.float32


def small_network(readout):
    """(network, targets, rows, parameters) of 8 memories and 70 rows."""
    rng = np.random.RandomState(0)
    rows, targets = rng.standard_normal((70, 5)), np.where(rng.uniform(size=(70, 3)) < 0.5, 1.0, -1.0)
    parameters = [0.3 * rng.standard_normal((8, 5)), rng.standard_normal(8), 0.2 * rng.standard_normal((8, 3))]
    network = training.Network(
        READOUTS[readout](RectifiedPolynomial(3), 3, xp, np.float64), training.PowerLoss(2), readout == "exact"
    )
    return network, targets, rows, parameters


class Spy:
    """A network, and a solver that stands still, which note the batches that train."""

    def __init__(self, network, parameters):
        self._network, self.parameters, self.batches = network, parameters, []
        self.d_rows = network.d_rows

    def gradients(self, rows, *rest):
        self.batches.append(rows)
        return self._network.gradients(rows, *rest)

    def begin_epoch(self, number):
        pass

    def step(self, gradients, factor):
        pass


@pytest.mark.parametrize("readout", ["exact", "linear"])
@pytest.mark.parametrize("radius", [0.0, 0.05])
def test_adversarial_rows_move_uphill_by_the_radius(readout, radius):
    network, targets, rows, parameters = small_network(readout)
    spy = Spy(network, parameters)
    source = RowSource(rows, np.zeros(5), np.ones(5), HOST)
    data = TrainingSet(source, np.zeros(70, dtype=int), targets, np.ones(70))
    rng = np.random.RandomState(0)
    noise = training.NoisePool(0.0, 2, 35, 5, HOST, np.float64, rng)
    run = training.Descent(spy, spy, data, noise, radius, training.shuffled_batches, 2, lambda step: 1.0, rng)
    loss = run.epoch(0)
    batches = training.shuffled_batches(data.codes, 2, np.random.RandomState(0))
    change = np.concatenate(spy.batches) - rows[np.concatenate(batches)]
    if radius == 0:
        assert not np.any(change)
        return
    assert_allclose(np.linalg.norm(change, axis=1), radius, rtol=1e-9)
    # To first order the mean loss rises by the radius times the mean length of the rows' gradients.
    still, slopes = (f(rows, targets, np.ones(70), *parameters) for f in (network.gradients, network.d_rows))
    expected = radius * np.sum(np.linalg.norm(slopes, axis=1))
    assert_allclose(loss - still[0], expected, rtol=0.1)
    assert expected > 0


def test_watch_keeps_the_best_and_stops():
    scores = iter([0.1, 0.5, 0.4, 0.5, 0.500001, 0.2, 0.9])
    watch = training.Watch(lambda parameters: next(scores), 4, 1e-3)
    stops = [watch.update([np.asarray([float(i)])]) for i in range(6)]
    assert stops == [False, False, False, False, False, True]
    assert_array_equal(watch.best[0], [4.0])
    assert training.Watch(None, 1, 0.0).update([]) is False


@pytest.mark.parametrize("readout", ["exact", "linear"])
def test_blocks_change_nothing(readout, monkeypatch):
    network, targets, rows, parameters = small_network(readout)
    expected = network.gradients(rows, targets, np.ones(70), *parameters)
    monkeypatch.setattr(training, "_HOST_BLOCK_BYTES", 0)
    found = network.gradients(rows, targets, np.ones(70), *parameters)
    assert_allclose(found[0], expected[0], rtol=1e-12)
    for one, other in zip(found[1], expected[1], strict=True):
        assert_allclose(one, other, rtol=1e-10, atol=1e-13)

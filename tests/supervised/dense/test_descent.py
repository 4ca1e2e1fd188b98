"""One epoch: which rows train, and where adversarial ones go."""

import array_api_compat.numpy as xp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skamem.core import arrays
from skamem.core.interactions import RectifiedPolynomial
from skamem.core.rows import Rows
from skamem.supervised.dense._descent import Descent, HeldRows
from skamem.supervised.dense._losses import PowerLoss
from skamem.supervised.dense._network import Memories, Network
from skamem.supervised.dense._scaling import StandardRows, TrainingSet
from skamem.training import ClassTargets, NoisePool, shuffled_batches

HOST = arrays.placement_of(np.zeros(1))
RNG = np.random.RandomState(0)
ROWS, TARGETS = RNG.standard_normal((70, 5)), np.where(RNG.uniform(size=(70, 3)) < 0.5, 1.0, -1.0)
MEMORIES = Memories(0.3 * RNG.standard_normal((8, 5)), RNG.standard_normal(8), 0.2 * RNG.standard_normal((8, 3)))


class Spy:
    """A network, and an optimizer that stands still, which note the batches that train."""

    def __init__(self, network):
        self._network, self.batches, self.epochs = network, [], []
        self.d_rows, self.parameters = network.d_rows, MEMORIES._asdict()

    def gradients(self, rows, *rest):
        self.batches.append(rows)
        return self._network.gradients(rows, *rest)

    def begin_epoch(self, number):
        self.epochs.append(number)

    def step(self, gradients, factor):
        pass


def batches(codes, n_batches, random_state):
    return shuffled_batches(len(codes), n_batches, random_state)


@pytest.mark.parametrize("readout", ["exact", "linear"])
@pytest.mark.parametrize("radius", [0.0, 0.05])
def test_adversarial_rows_move_uphill_by_the_radius(readout, radius):
    network, loss = Network.of(readout, RectifiedPolynomial(3), 3, xp, np.float64), PowerLoss(2)
    spy = Spy(network)
    source = StandardRows(Rows(ROWS, HOST), np.zeros(5), np.ones(5))
    data = TrainingSet(source, np.zeros(70, dtype=int), TARGETS, np.ones(70))
    rng = np.random.RandomState(0)
    noise = NoisePool(0.0, 2, 35, 5, HOST, np.float64, rng)
    run = Descent(spy, loss, spy, data, noise, radius, batches, 2, lambda step: 1.0, rng)
    found = run.epoch(3)
    assert spy.epochs == [3]
    change = np.concatenate(spy.batches) - ROWS[np.concatenate(shuffled_batches(70, 2, np.random.RandomState(0)))]
    if radius == 0:
        assert not np.any(change)
        return
    assert_allclose(np.linalg.norm(change, axis=1), radius, rtol=1e-9)
    # To first order the mean loss rises by the radius times the mean length of the rows' gradients.
    still, slopes = (f(ROWS, TARGETS, np.ones(70), MEMORIES, loss) for f in (network.gradients, network.d_rows))
    expected = radius * np.sum(np.linalg.norm(slopes, axis=1))
    assert_allclose(found - still[0], expected, rtol=0.1)
    assert expected > 0


def test_held_rows_are_judged_by_accuracy_and_by_their_loss():
    network = Network.of("linear", RectifiedPolynomial(3), 3, xp, np.float64)
    codes, index = np.arange(70) % 3, np.asarray([3, 5, 40, 41])
    weights = np.asarray([1.0, 2.0, 3.0, 4.0])
    source = StandardRows(Rows(ROWS[index], HOST), np.zeros(5), np.ones(5))
    loss = PowerLoss(2.0)
    score, held = HeldRows(network, loss, source, ClassTargets(codes, 3), index, weights)(MEMORIES._asdict())
    potentials = network.potentials(ROWS[index], MEMORIES)
    assert_array_equal(score, np.average(np.argmax(potentials, axis=1) == codes[index], weights=weights))
    assert 0 < score < 1
    assert_allclose(held, np.average(loss.held(potentials, 2 * np.eye(3)[codes[index]] - 1), weights=weights))

"""The network's potentials and gradients against definitions and differences."""

import array_api_compat.numpy as xp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from skamem.core.interactions import RectifiedPolynomial
from skamem.supervised.dense import _network
from skamem.supervised.dense._losses import PowerLoss
from skamem.supervised.dense._network import Memories, Network, unit_rows


def difference(function, point, step=1e-6):
    gradient = np.empty_like(point)
    for i in np.ndindex(point.shape):
        shift = np.zeros_like(point)
        shift[i] = step
        gradient[i] = (function(point + shift) - function(point - shift)) / (2 * step)
    return gradient


@pytest.mark.parametrize("readout", ["exact", "linear"])
@pytest.mark.parametrize("degree", [1, 2, 3, 5])
def test_network_gradients_are_exact(readout, degree):
    rng = np.random.RandomState(0)
    rows, targets = rng.standard_normal((9, 5)), np.where(np.eye(3)[rng.randint(0, 3, 9)] > 0, 1.0, -1.0)
    weights = rng.uniform(0.5, 2, 9)
    interaction = RectifiedPolynomial(degree)
    network, power = Network.of(readout, interaction, 3, xp, np.float64), PowerLoss(2)
    memories = Memories(
        0.4 * rng.standard_normal((4, 5)), 0.4 * rng.standard_normal(4), 0.2 * rng.standard_normal((4, 3))
    )
    loss, gradients = network.gradients(rows, targets, weights, memories, power)
    assert_allclose(loss, np.mean(power.value_and_slope(network.potentials(rows, memories), targets, weights)[0]))
    for name, gradient in gradients.items():

        def at(value, name=name):
            return float(network.gradients(rows, targets, weights, memories._replace(**{name: value}), power)[0])

        assert_allclose(gradient, difference(at, getattr(memories, name)), rtol=1e-5, atol=1e-8)
    by_rows = difference(lambda moved: float(network.gradients(moved, targets, weights, memories, power)[0]), rows)
    assert_allclose(network.d_rows(rows, targets, weights, memories, power), by_rows, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_groups_learn_as_networks_of_their_own(degree):
    rng = np.random.RandomState(0)
    rows, targets = rng.standard_normal((9, 5)), np.where(np.eye(3)[rng.randint(0, 3, 9)] > 0, 1.0, -1.0)
    weights, power = rng.uniform(0.5, 2, 9), PowerLoss(2)
    memories = Memories(
        0.4 * rng.standard_normal((6, 5)), 0.4 * rng.standard_normal(6), 0.2 * rng.standard_normal((6, 3))
    )
    together, alone = (
        Network.of("linear", RectifiedPolynomial(degree), 3, xp, np.float64, n_groups) for n_groups in (2, 1)
    )
    loss, found = together.gradients(rows, targets, weights, memories, power)
    losses, potentials = [], []
    for group in (slice(0, 3), slice(3, 6)):
        # The mean of two: each votes twice as strongly when it is alone.
        member = Memories(memories.visible[group], memories.bias[group], 2 * memories.recognition[group])
        own, gradients = alone.gradients(rows, targets, weights, member, power)
        losses.append(own)
        potentials.append(alone.potentials(rows, member))
        for name, factor in (("visible", 0.5), ("bias", 0.5), ("recognition", 1.0)):
            assert_allclose(found[name][group], factor * gradients[name], rtol=1e-10, atol=1e-13)
    assert_allclose(loss, np.mean(losses), rtol=1e-12)
    assert_allclose(together.potentials(rows, memories), np.mean(potentials, axis=0), rtol=1e-12)


def test_equation_nine_from_the_energy():
    # Φ from its definition: both energies of the whole memory, visible and class units, with the other classes at -1.
    rng = np.random.RandomState(0)
    rows, visible, units = rng.standard_normal((4, 5)), rng.standard_normal((6, 5)), 0.3 * rng.standard_normal((6, 3))
    temperature, degree = 1.7, 3
    interaction = RectifiedPolynomial(degree)
    network = Network.of("exact", interaction, 3, xp, np.float64)
    found = network.potentials(rows, Memories(visible / temperature, np.zeros(6), 2 * units / temperature))
    for b in range(4):
        for a in range(3):
            on, off = -np.ones(3), -np.ones(3)
            on[a] = 1
            energies = [np.sum(interaction.energy(visible @ rows[b] + units @ state)) for state in (on, off)]
            assert_allclose(found[b, a], (energies[0] - energies[1]) / temperature**degree, rtol=1e-11)


def test_unit_rows_have_length_1_and_the_same_direction():
    values = np.asarray([[3.0, -4.0], [-3e-30, 4e-30], [0.0, 0.0]], dtype=np.float32)
    assert_allclose(unit_rows(values), [[0.6, -0.8], [-0.6, 0.8], [0.0, 0.0]], rtol=1e-6)
    assert unit_rows(values).dtype == np.float32


@pytest.mark.parametrize("readout", ["exact", "linear"])
def test_blocks_change_nothing(readout, monkeypatch):
    rng = np.random.RandomState(0)
    rows, targets = rng.standard_normal((70, 5)), np.where(rng.uniform(size=(70, 3)) < 0.5, 1.0, -1.0)
    memories = Memories(0.3 * rng.standard_normal((8, 5)), rng.standard_normal(8), 0.2 * rng.standard_normal((8, 3)))
    network = Network.of(readout, RectifiedPolynomial(3), 3, xp, np.float64, 2 if readout == "linear" else 1)
    batch = rows, targets, np.ones(70), memories, PowerLoss(2)
    loss, gradients = network.gradients(*batch)
    monkeypatch.setattr(_network, "_HOST_BLOCK_BYTES", 0)
    loss_in_blocks, in_blocks = network.gradients(*batch)
    assert_allclose(loss_in_blocks, loss, rtol=1e-12)
    assert set(gradients) == set(Memories._fields)
    for name, gradient in gradients.items():
        assert_allclose(in_blocks[name], gradient, rtol=1e-10, atol=1e-13)

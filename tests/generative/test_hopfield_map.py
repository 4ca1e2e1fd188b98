"""A Hopfield network and the restricted Boltzmann machine made of it have one energy."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError

from skamem import DenseMemory, HebbianMemory, HopfieldNetwork, PseudoinverseMemory, RestrictedBoltzmannMachine
from skamem.datasets import make_patterns
from skamem.generative import hopfield_to_rbm
from skamem.generative._bipartite import Bipartite
from skamem.generative._hopfield_map import stored

from ._machines import states

PATTERNS = make_patterns(3, 10, random_state=1)
SPINS = 2 * states(10) - 1


def projection(patterns):
    return patterns.T @ np.linalg.solve(patterns @ patterns.T, patterns)


@pytest.mark.parametrize("factor", ["polar", "qr"])
@pytest.mark.parametrize("temperature", [0.3, 1.0])
def test_free_energy_is_the_energy_of_the_projection_rule(factor, temperature):
    machine = RestrictedBoltzmannMachine.from_hopfield(PATTERNS, factor=factor, temperature=temperature)
    energy = -0.5 * np.einsum("ij,jk,ik->i", SPINS, projection(PATTERNS), SPINS) / temperature
    difference = machine.free_energy(states(10)) - energy
    np.testing.assert_allclose(difference, difference[0], atol=1e-10)
    assert machine.components_.shape == (3, 10)


@pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")
@pytest.mark.parametrize("rule", ["hebbian", "pseudoinverse", "storkey"])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_free_energy_is_the_energy_of_any_network(rule, fit_intercept):
    network = HopfieldNetwork(rule, fit_intercept=fit_intercept).fit(PATTERNS)
    machine = RestrictedBoltzmannMachine.from_hopfield(network, temperature=0.5)
    difference = machine.free_energy(states(10)) - network.energy(SPINS) / 0.5
    np.testing.assert_allclose(difference, difference[0], atol=1e-9)


@pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")
@pytest.mark.parametrize(
    ("memory", "coded"),
    [
        (HebbianMemory(), PATTERNS),
        (HebbianMemory(coding="binary", binarize=0.5), (PATTERNS + 1) / 2),
        (PseudoinverseMemory(), PATTERNS),
    ],
)
def test_free_energy_is_the_energy_of_a_memory(memory, coded):
    memory.fit(coded)
    machine = hopfield_to_rbm(memory, temperature=0.5)
    cues = states(10) if memory.coding == "binary" else SPINS
    difference = machine.free_energy(states(10)) - memory.energy(cues) / 0.5
    np.testing.assert_allclose(difference, difference[0], atol=1e-9)


@pytest.mark.parametrize(
    "memory", [HebbianMemory(target="y"), HebbianMemory(activation="step"), DenseMemory(), RestrictedBoltzmannMachine()]
)
def test_a_memory_without_such_an_energy_is_refused(memory):
    with pytest.raises(TypeError, match=f"{type(memory).__name__} and has no energy .*; expected patterns, a fitted"):
        hopfield_to_rbm(memory)


@pytest.mark.parametrize("memory", [HopfieldNetwork(), HebbianMemory(), PseudoinverseMemory()])
def test_a_memory_must_be_fitted(memory):
    with pytest.raises(NotFittedError):
        hopfield_to_rbm(memory)


def test_probabilities_sum_to_one():
    machine = RestrictedBoltzmannMachine.from_hopfield(PATTERNS)
    assert np.exp(machine.score_samples(states(10))).sum() == pytest.approx(1, rel=1e-10)


def test_samples_at_low_temperature_are_the_patterns():
    machine = RestrictedBoltzmannMachine.from_hopfield(PATTERNS, temperature=0.1)
    sample = 2 * machine.sample(100, n_steps=100, random_state=0) - 1
    assert (np.abs(sample @ PATTERNS.T).max(axis=1) == 10).mean() > 0.9


def test_learning_goes_on_from_there():
    X = (make_patterns(60, 10, random_state=2) + 1) / 2
    machine = RestrictedBoltzmannMachine.from_hopfield(PATTERNS)
    before = machine.score(X)
    for _ in range(30):
        machine.partial_fit(X)
    assert machine.score(X) > before + 0.5


@pytest.mark.parametrize("patterns", [PATTERNS[[0, 0]], np.vstack([PATTERNS, -PATTERNS[:1]])])
def test_dependent_patterns_are_refused(patterns):
    with pytest.raises(ValueError, match="depend on each other"):
        RestrictedBoltzmannMachine.from_hopfield(patterns)


def test_real_patterns_are_refused():
    with pytest.raises(ValueError, match="other than -1 and 1"):
        RestrictedBoltzmannMachine.from_hopfield(0.5 * PATTERNS)


@pytest.mark.parametrize("factor", ["polar", "qr"])
def test_the_function_is_the_class_method(factor):
    one = hopfield_to_rbm(PATTERNS, factor=factor, temperature=0.7)
    two = RestrictedBoltzmannMachine.from_hopfield(PATTERNS, factor=factor, temperature=0.7)
    np.testing.assert_array_equal(one.components_, two.components_)
    np.testing.assert_array_equal(one.intercept_hidden_, two.intercept_hidden_)
    assert one.hidden == "gaussian"


def test_zeros_and_ones_are_the_same_patterns():
    one, two = (hopfield_to_rbm(patterns) for patterns in (PATTERNS, (PATTERNS + 1) / 2))
    np.testing.assert_array_equal(one.components_, two.components_)


# ------------------------------------------------------------------------------------------ as a start of learning


def begun(hidden, n_hidden=3):
    """A machine of given means where learning starts, and the means."""
    rng = np.random.default_rng(0)
    means = rng.uniform(0.1, 0.9, 10)
    weights = (0.01 if hidden == "gaussian" else 0.2) * rng.standard_normal((10, n_hidden))
    first = Bipartite(weights, np.log(means / (1 - means)), np.zeros(n_hidden), None, hidden == "gaussian")
    return stored(first, PATTERNS, means), first, means


def test_the_start_is_the_network_about_the_means():
    """Its free energy is that of independent units and, less, the energy of the projection rule about the means."""
    machine, first, means = begun("gaussian")
    about = SPINS - (2 * means - 1)
    energy = -0.5 * np.einsum("ij,jk,ik->i", about, projection(PATTERNS), about) - states(10) @ first.visible
    difference = machine.free_energy(states(10)) - energy
    np.testing.assert_allclose(difference, difference[0], atol=1e-10)


def test_binary_units_have_the_same_start_to_second_order():
    """ln(2 cosh u) for ½u², with the u of each unit."""
    machine, first, means = begun("binary")
    polar = np.linalg.svd(PATTERNS.T, full_matrices=False)
    u = (SPINS - (2 * means - 1)) @ (polar[0] @ polar[2])
    visible = first.visible + first.weights @ first.hidden_mean(means[None])[0]  # what the units it replaces gave
    energy = -np.log(2 * np.cosh(u)).sum(axis=1) - states(10) @ visible
    difference = machine.free_energy(states(10)) - energy
    np.testing.assert_allclose(difference, difference[0], atol=1e-10)


@pytest.mark.parametrize("hidden", ["binary", "gaussian"])
def test_other_units_start_as_without_patterns(hidden):
    machine, first, _ = begun(hidden, n_hidden=6)
    np.testing.assert_array_equal(machine.weights[:, 3:], first.weights[:, 3:])
    np.testing.assert_array_equal(machine.hidden[3:], 0)


@pytest.mark.parametrize("hidden", ["binary", "gaussian"])
def test_learning_from_the_network_is_ahead(hidden):
    """On digits, after a few epochs and after more: by nats where the random start is still among independent bits."""
    X = (load_digits().data >= 8).astype(float)[:800]
    prototypes = np.round(KMeans(10, n_init=1, random_state=0).fit(X).cluster_centers_)
    for n_epochs, gain in ((5, 1.0), (40, 0.3)):
        options = {"hidden": hidden, "max_iter": n_epochs, "random_state": 0}
        random = RestrictedBoltzmannMachine(12, **options).fit(X).score(X)
        assert RestrictedBoltzmannMachine(12, init=prototypes, **options).fit(X).score(X) > random + gain


@pytest.mark.parametrize(
    ("init", "message"),
    [
        ("patterns", "init='patterns' is not an option"),
        (0.5 * PATTERNS, "other than -1 and 1"),
        (PATTERNS[:, :4], "patterns of 4 units; expected 10"),
        (PATTERNS[[0, 0]], "depend on each other"),
        (make_patterns(4, 10, random_state=0), "4 patterns; expected at most n_components=3"),
    ],
)
def test_bad_starts_are_named(init, message):
    with pytest.raises(ValueError, match=message):
        RestrictedBoltzmannMachine(3, init=init, max_iter=1).fit((PATTERNS + 1) / 2)


def test_real_features_have_no_patterns():
    with pytest.raises(ValueError, match="visible='gaussian'; expected init='random'"):
        RestrictedBoltzmannMachine(3, init=PATTERNS, visible="gaussian").fit(PATTERNS)

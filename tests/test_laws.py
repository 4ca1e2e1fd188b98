"""An estimator has `energy` where it has a landscape, and only there: by brute force, over grids of settings."""

import itertools

import numpy as np
import pytest

from skamem import WillshawMemory

from ._estimators import ESTIMATORS

pytestmark = [
    pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

GRID = {
    "target": ("self", "y"),
    "activation": ("sign", "identity", "step"),
    "zero_diagonal": (False, True),
    "coding": ("auto", "binary"),
    "update": ("async", "sync"),
    "rule": ("hebbian", "storkey", "pseudoinverse", "perceptron"),
    "fit_intercept": (False, True),
    "solver": ("svd", "neumann"),
    "interaction": ("polynomial", "rectified_polynomial", "exponential", "logcosh", "softplus"),
    "degree": (2, 3),
    "similarity": ("nearest", "dot", "local"),
    "threshold": ("match", "winners", 2),
    "beta": (1.0,),
}
RNG = np.random.default_rng(0)
PATTERNS, PARTNERS = RNG.choice([-1.0, 1.0], size=(5, 9)), RNG.choice([-1.0, 1.0], size=(5, 4))
STATES = RNG.choice([-1.0, 1.0], size=(6, 9))


def settings_of(Estimator):
    """The product of what the grid names among the estimator's parameters."""
    names = [name for name in Estimator().get_params(deep=False) if name in GRID]
    return [dict(zip(names, values)) for values in itertools.product(*(GRID[name] for name in names))]


def with_unit(states, unit, value):
    """The states with one unit set."""
    states = states.copy()
    states[:, unit] = value
    return states


def assert_binary_landscape(memory):
    # A diagonal pushes a unit to where it is and adds a constant to the energy: the mean over both of its states is
    # what the others push.
    for unit in range(STATES.shape[1]):
        up, down = with_unit(STATES, unit, 1.0), with_unit(STATES, unit, -1.0)
        field = (memory.field(up) + memory.field(down))[:, unit] / 2
        gap = (memory.energy(down) - memory.energy(up)) / 2
        np.testing.assert_allclose(gap, field, rtol=1e-9, atol=1e-9 * np.abs(memory.field(STATES)).max())


def assert_pair_landscape(memory):
    answers = np.random.default_rng(1).choice([-1.0, 1.0], size=(len(STATES), PARTNERS.shape[1]))
    for unit in range(answers.shape[1]):
        up, down = with_unit(answers, unit, 1.0), with_unit(answers, unit, -1.0)
        gap = (memory.energy(STATES, down) - memory.energy(STATES, up)) / 2
        np.testing.assert_allclose(gap, memory.field(STATES)[:, unit], rtol=1e-9, atol=1e-9)


def assert_real_landscape(memory):
    # Recall goes down the gradient of the energy all the way to the minimum of its bound: s - field(s) = dE/ds.
    states, step = STATES * 0.7, 1e-6
    for unit in range(states.shape[1]):
        up, down = (with_unit(states, unit, states[:, unit] + change) for change in (step, -step))
        slope = (memory.energy(up) - memory.energy(down)) / (2 * step)
        np.testing.assert_allclose(slope, states[:, unit] - memory.field(states)[:, unit], rtol=1e-5, atol=1e-6)


def assert_bit_landscape(memory):
    bits = (STATES + 1) / 2
    for unit in range(bits.shape[1]):
        up, down = with_unit(bits, unit, 1.0), with_unit(bits, unit, 0.0)
        gap = memory.energy(down) - memory.energy(up)
        np.testing.assert_allclose(gap, memory.field(bits)[:, unit], rtol=1e-9, atol=1e-9)


WITHOUT = {WillshawMemory}  # its threshold depends on the cue
LANDSCAPES = {
    "BidirectionalMemory": assert_pair_landscape,
    "BoltzmannMachine": assert_bit_landscape,
    "ModernHopfieldMemory": assert_real_landscape,
}


@pytest.mark.parametrize("Estimator", [kind for kind in ESTIMATORS if hasattr(kind, "energy")])
def test_an_energy_means_the_law_of_the_energy_gap(Estimator):
    assert_landscape = LANDSCAPES.get(Estimator.__name__, assert_binary_landscape)
    n_landscapes = 0
    for settings in settings_of(Estimator):
        memory = Estimator(**settings)
        pairs = settings.get("target") == "y" or Estimator.__name__ == "BidirectionalMemory"
        memory.fit(PATTERNS, PARTNERS if pairs else None)
        if hasattr(memory, "energy"):
            n_landscapes += 1
            assert_landscape(memory)
    assert n_landscapes or Estimator in WITHOUT

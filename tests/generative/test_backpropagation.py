"""The network that a stack of machines becomes: its gradient, its dropout, its units."""

import numpy as np
import pytest
import scipy.sparse

from skamem.generative._backpropagation import Descent, Dropout, answers, as_parameters, gradients, layers_outside
from skamem.generative._draws import Draws
from skamem.generative._units import Units

RNG = np.random.default_rng(0)
SHAPES = {"weights 0": (4, 3), "biases 0": (3,), "weights 1": (3, 5), "biases 1": (5,), "weights 2": (5, 2)}
SHAPES |= {"biases 2": (2,)}
PARAMETERS = {name: RNG.standard_normal(shape) for name, shape in SHAPES.items()}
V, TARGETS, WEIGHTS = RNG.random((6, 4)), np.eye(2)[RNG.integers(2, size=6)], RNG.random(6)


class SameDropout(Dropout):
    """Leaves out the same units at every call."""

    def __init__(self, share):
        super().__init__(share, Draws(np.random.RandomState(0)))

    def _kept(self, like, share, shape=None):
        self._draws = Draws(np.random.RandomState(like.shape[1]))
        return super()._kept(like, share, shape)


@pytest.mark.parametrize("classes", [True, False])
@pytest.mark.parametrize("dropout", [Dropout(0.0, None), SameDropout(0.5)], ids=["all units", "dropout"])
def test_gradients_against_finite_differences(classes, dropout):
    descent = Descent(*[None] * 5, classes, *[None] * 5)

    def loss(top):
        return descent.loss(top, TARGETS, WEIGHTS)

    _, found = gradients(PARAMETERS, V, loss, dropout)
    for name, values in PARAMETERS.items():
        for index in np.ndindex(values.shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = {key: value.copy() for key, value in PARAMETERS.items()}
                moved[name][index] += step
                ends.append(gradients(moved, V, loss, dropout)[0])
            assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(found[name][index], abs=1e-7)


def test_without_dropout_the_loss_is_that_of_the_answers():
    descent = Descent(*[None] * 5, False, *[None] * 5)
    value, _ = gradients(PARAMETERS, V, lambda top: descent.loss(top, TARGETS, WEIGHTS), Dropout(0.0, None))
    errors = ((answers(PARAMETERS, V) - TARGETS) ** 2).sum(axis=1)
    assert value == pytest.approx(0.5 * (WEIGHTS * errors).mean())


def test_dropout_keeps_the_mean_and_what_is_left_out_has_no_slope():
    dropout, ones = Dropout(0.4, Draws(np.random.RandomState(0))), np.ones((300, 300))
    activities, slopes = dropout.units(ones, 2 * ones)
    np.testing.assert_array_equal(slopes, 2 * activities)
    # 90,000 draws: the mean of 1 has standard error sqrt(.4 / .6 / 90,000) = .0027; five of them fail once in 1e6.
    assert activities.mean() == pytest.approx(1, abs=0.014)
    assert (activities == 0).mean() == pytest.approx(0.4, abs=0.009)
    features = dropout.features(scipy.sparse.csr_array(ones))
    assert (features.data == 0).mean() == pytest.approx(0.2, abs=0.007)
    assert features.data.max() == pytest.approx(1 / 0.8)


def test_layers_answer_alike_inside_and_outside():
    units = Units(np.asarray([1e3, -5.0, 0.0, 0.1]), np.asarray([10.0, 1.0, 1e-3, 1e5]))
    x = units.outside(RNG.standard_normal((7, 4)))
    outside = as_parameters(*layers_outside(PARAMETERS, units))
    np.testing.assert_allclose(answers(outside, x), answers(PARAMETERS, units.inside(x)), rtol=1e-9)

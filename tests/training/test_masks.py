"""Training under masks is training without the weights that are masked."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skamem.core import arrays
from skamem.training import Adam, Masked, Momentum, Watch, as_masks, zero_outside

OPTIMIZERS = {
    "adam": lambda parameters: Adam(parameters, learning_rate=0.1, decay=0.5),
    "momentum": lambda parameters: Momentum(parameters, learning_rate=0.1, momentum=0.5),
}


def gradients(rng, parameters):
    return {name: rng.standard_normal(value.shape) for name, value in parameters.items()}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("start", [0, 2])
def test_weights_are_0_from_their_epoch_on_and_the_others_are_those_of_a_network_without_them(name, start):
    first, mask = np.arange(1.0, 7.0).reshape(2, 3), np.array([[True, False, True], [False, True, True]])
    plain, masked = (OPTIMIZERS[name]({"w": first.copy(), "b": np.ones(3)}) for _ in range(2))
    held, rng, again = Masked(masked, {"w": mask}, start=start), np.random.default_rng(0), np.random.default_rng(0)
    for epoch in range(5):
        plain.begin_epoch(epoch)
        held.begin_epoch(epoch)
        assert np.all(held.parameters["w"][~mask] == 0) == (epoch >= start)
        for _ in range(3):
            plain.step(gradients(rng, plain.parameters))
            held.step(gradients(again, held.parameters), 1.0)
            # Each entry moves by its own gradients: those of the others are not touched.
            assert_array_equal(held.parameters["w"][mask], plain.parameters["w"][mask])
            assert_array_equal(held.parameters["b"], plain.parameters["b"])
    assert np.all(held.parameters["w"][~mask] == 0)
    assert held.n_steps == 15


def test_what_overflowed_is_0_outside_the_mask():
    values = {"w": np.array([np.inf, np.nan, 1.0])}
    zero_outside(values, {"w": np.array([False, False, True])})
    assert_array_equal(values["w"], [0.0, 0.0, 1.0])


def test_masks_that_close_something_tell_so_once():
    calls = []
    for mask in (np.ones(2, dtype=bool), np.array([True, False])):
        optimizer = Momentum({"w": np.ones(2)}, learning_rate=0.1)
        held = Masked(optimizer, {"w": mask}, start=1, on_start=lambda: calls.append(1))
        for epoch in range(4):
            held.begin_epoch(epoch)
    assert len(calls) == 1


def test_masks_of_other_names_or_shapes_are_refused():
    place, shapes = arrays.placement_of(np.ones(1)), {"coef": (2, 3)}
    with pytest.raises(ValueError, match=r"'other'.*expected some of \['coef'\]"):
        as_masks({"other": np.ones((2, 3))}, shapes, place)
    with pytest.raises(ValueError, match=r"shape \(3, 2\); expected \(2, 3\)"):
        as_masks({"coef": np.ones((3, 2))}, shapes, place)
    assert as_masks({"coef": [[0, 1, 1], [1, 0, 0]]}, shapes, place)["coef"].dtype == bool


def test_a_watch_that_starts_anew_forgets_the_best():
    watch = Watch(lambda parameters: (0.0, -float(parameters["x"][0])), patience=2, tolerance=0.0)
    watch.update({"x": np.array([5.0])})
    watch.restart()
    assert watch.best is None
    assert not watch.update({"x": np.array([1.0])})
    assert watch.best == {"x": np.array([1.0])}
    assert watch.losses == [-5.0, -1.0]

"""PatternsDisplay draws the patterns it is given, in order, with one scale of colours."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError

from skamem import DeepBeliefNetwork, DenseAMClassifier, PseudoinverseMemory, RestrictedBoltzmannMachine
from skamem.datasets import corrupt, make_patterns

plt = pytest.importorskip("matplotlib.pyplot")

from skamem.display import PatternsDisplay  # noqa: E402

PATTERNS = make_patterns(3, 12, random_state=0)


def images(display):
    return [[np.ma.getdata(axis.images[0].get_array()) for axis in row if axis.images] for row in display.ax_]


def test_cue_recalled_and_stored_side_by_side():
    memory = PseudoinverseMemory().fit(PATTERNS)
    cues = corrupt(PATTERNS, "flip", 0.1, random_state=0)
    display = PatternsDisplay.from_estimator(memory, cues, PATTERNS, image_shape=(3, 4))
    assert display.ax_.shape == (3, 3)
    assert [axis.get_ylabel() for axis in display.ax_[:, 0]] == ["cue", "recalled", "stored"]
    for row, patterns in zip(images(display), (cues, memory.predict(cues), PATTERNS)):
        assert_array_equal(np.reshape(row, patterns.shape), patterns)
    assert {axis.images[0].get_clim() for axis in display.ax_.ravel()} == {(-1, 1)}
    assert len(display.figure_.axes) == 10, "nine images and a colour bar"


def test_without_targets_there_are_two_rows():
    assert PatternsDisplay.from_predictions(PATTERNS, PATTERNS, image_shape=(4, 3)).ax_.shape == (2, 3)


def test_unknown_units_do_not_spoil_the_scale():
    cues = np.where(np.arange(12) < 4, np.nan, PATTERNS)
    display = PatternsDisplay.from_predictions(cues, PATTERNS, image_shape=(3, 4))
    assert display.ax_[0, 0].images[0].get_clim() == (-1, 1)


def test_memories_fill_a_grid_with_a_symmetric_scale():
    X = np.random.RandomState(0).standard_normal((60, 16))
    memory = DenseAMClassifier(14, max_iter=3, random_state=0).fit(X, np.arange(60) % 2)
    display = PatternsDisplay.from_estimator(memory, n_columns=4)
    assert display.ax_.shape == (4, 4)
    drawn = [image for row in images(display) for image in row]
    assert_array_equal(np.reshape(drawn, (14, 16)), memory.memories_ * memory.scale_)
    low, high = display.ax_[0, 0].images[0].get_clim()
    assert low == -high < 0
    assert not display.ax_[3, 3].axison


@pytest.mark.parametrize("visible", ["binary", "gaussian"])
def test_filters_of_hidden_units_fill_a_grid(visible):
    X = (np.random.RandomState(0).random_sample((40, 16)) < 0.5).astype(float)
    machine = RestrictedBoltzmannMachine(6, visible=visible, max_iter=2, random_state=0).fit(X)
    display = PatternsDisplay.from_estimator(machine, n_columns=3)
    spread = machine.sigma_ if visible == "gaussian" else 1.0
    drawn = [image for row in images(display) for image in row]
    assert_array_equal(np.reshape(drawn, (6, 16)), machine.components_ / spread)
    assert display.ax_.shape == (2, 3)


def test_filters_of_a_deep_belief_network_are_those_of_its_first_layer():
    X = (np.random.RandomState(0).random_sample((40, 16)) < 0.5).astype(float)
    layers = RestrictedBoltzmannMachine(max_iter=2)
    network = DeepBeliefNetwork((4, 3), rbm=layers, random_state=0).fit(X)
    drawn = [image for row in images(PatternsDisplay.from_estimator(network)) for image in row]
    assert_array_equal(np.reshape(drawn, (4, 16)), network.machines_[0].components_)


def test_a_boltzmann_machine_reconstructs():
    X = (np.random.RandomState(0).random_sample((40, 16)) < 0.5).astype(float)
    machine = RestrictedBoltzmannMachine(4, max_iter=2, random_state=0).fit(X)
    cues = np.where(np.arange(16) < 8, np.nan, X[:2])
    drawn = images(PatternsDisplay.from_estimator(machine, cues, X[:2]))
    assert_array_equal(np.reshape(drawn[1], (2, 16)), machine.reconstruct(cues))


def colour_bar(display):
    return display.ax_[0, 0].images[0].colorbar or display.ax_[-1, -1].images[0].colorbar


def test_the_colour_bar_of_two_valued_patterns_has_their_two_values():
    cues = np.where(np.arange(12) < 4, np.nan, PATTERNS)
    bar = colour_bar(PatternsDisplay.from_predictions(cues, PATTERNS, image_shape=(3, 4)))
    assert_array_equal(bar.get_ticks(), [-1, 1])
    graded = colour_bar(PatternsDisplay({"": np.linspace(0, 1, 12)[None]}, image_shape=(3, 4)).plot())
    assert len(graded.get_ticks()) > 2


@pytest.mark.parametrize(("largest", "extend"), [(1.0, "neither"), (5.0, "both")])
def test_the_colour_bar_points_beyond_its_ends_only_if_something_is_there(largest, extend):
    images = np.tile([-1.0, 1.0], (1, 200))
    images[0, 0] = largest
    bar = colour_bar(PatternsDisplay({"": images}, image_shape=(20, 20), signed=True).plot())
    assert bar.extend == extend


def test_it_draws_where_it_is_told():
    figure, axes = plt.subplots(2, 3)
    display = PatternsDisplay({"a": PATTERNS, "b": PATTERNS}, image_shape=(3, 4)).plot(ax=axes, colorbar=False)
    assert display.figure_ is figure
    assert_array_equal(display.ax_, axes)
    assert len(figure.axes) == 6
    with pytest.raises(ValueError, match="ax has 3 axes; expected 6"):
        display.plot(ax=axes[0])


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"12 units are no images of 3 x 3; pass image_shape"):
        PatternsDisplay({"": PATTERNS}).plot()
    with pytest.raises(TypeError, match="PseudoinverseMemory has no memories_ to draw"):
        PatternsDisplay.from_estimator(PseudoinverseMemory().fit(PATTERNS))


@pytest.mark.parametrize("estimator", [RestrictedBoltzmannMachine(), DenseAMClassifier(), DeepBeliefNetwork()])
def test_what_is_not_fitted_has_nothing_to_draw(estimator):
    with pytest.raises(NotFittedError):
        PatternsDisplay.from_estimator(estimator)

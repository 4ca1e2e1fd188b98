"""EnergyDisplay draws a line for each cue, and says on which steps energies rise."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skamem import HopfieldNetwork
from skamem.analysis import EnergyPath, energy_path
from skamem.datasets import corrupt, make_patterns

plt = pytest.importorskip("matplotlib.pyplot")

from skamem.display import EnergyDisplay  # noqa: E402


def legend(display):
    drawn = display.ax_.get_legend()
    return [] if drawn is None else [text.get_text() for text in drawn.get_texts()]


@pytest.mark.parametrize(("by", "label"), [("step", "sweeps over all units"), ("unit", "turns of single units")])
def test_from_estimator_draws_the_paths(by, label):
    X = make_patterns(3, 30, random_state=0)
    network, cues = HopfieldNetwork(random_state=0).fit(X), corrupt(X, "flip", 0.3, random_state=0)
    display = EnergyDisplay.from_estimator(network, cues, X, by=by)
    path = energy_path(network, cues, by=by)
    assert_array_equal([line.get_ydata() for line in display.lines_], path.energies)
    assert display.ax_.get_xlabel() == label
    assert display.ax_.get_title() == "No cue rises"
    assert legend(display) == ["stored patterns"]
    levels = [
        line.get_ydata()[0] for line in display.ax_.lines if line.get_linestyle() == "--" and len(line.get_ydata())
    ]
    assert_allclose(np.unique(levels), np.unique(network.energy(X)))


def test_rising_steps_stand_out():
    path = EnergyPath(np.asarray([[0.0, 2.0, 1.0, 3.0], [1.0, 1.0, 1.0, 1.0 + 1e-12]]), "update")
    display = EnergyDisplay(path, name="toy").plot()
    assert display.ax_.get_title() == "toy: 1 of 2 cues rise"
    assert legend(display) == ["rising step"]
    red = [line for line in display.ax_.lines if line.get_color() == "#D55E00" and len(line.get_xdata())]
    assert [line.get_xdata().tolist() for line in red] == [[0, 1], [2, 3]]
    assert [line.get_ydata().tolist() for line in red] == [[0, 2], [1, 3]]


def test_it_draws_where_it_is_told():
    figure, axis = plt.subplots()
    network = HopfieldNetwork.from_weights([[0, -1], [-1, 0]], update="sync")
    display = EnergyDisplay.from_estimator(network, [[1, 1]], n_steps=3, ax=axis)
    assert display.ax_ is axis
    assert display.figure_ is figure
    assert legend(display) == []
    assert len(display.lines_[0].get_xdata()) == 4

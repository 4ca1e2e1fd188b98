"""BasinDisplay and BasinMapDisplay draw the numbers of the analysis, and follow scikit-learn's convention."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skamem import HebbianMemory, PseudoinverseMemory
from skamem.analysis import basin_map, basin_profile
from skamem.datasets import make_patterns

plt = pytest.importorskip("matplotlib.pyplot")

from skamem.display import BasinDisplay, BasinMapDisplay  # noqa: E402

PATTERNS = make_patterns(3, 24, random_state=0)
OPTIONS = {"n_probes": 30, "random_state": 0}


@pytest.fixture
def memory():
    return HebbianMemory(zero_diagonal=True).fit(PATTERNS)


def test_one_profile_is_drawn_in_percent(memory):
    display = BasinDisplay.from_estimator(memory, PATTERNS, **OPTIONS)
    profile = basin_profile(memory, PATTERNS, **OPTIONS)
    (line,) = display.lines_
    assert_allclose(line.get_xdata(), profile.distances)
    assert_allclose(line.get_ydata(), 100 * profile.share)
    assert display.figure_ is display.ax_.figure
    assert display.ax_.get_legend() is None
    low, high = profile.interval()
    (band,) = display.ax_.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert_allclose([heights.min(), heights.max()], [100 * low.min(), 100 * high.max()])


def test_several_memories_are_named(memory):
    memories = {"Hebb": memory, "pseudoinverse": PseudoinverseMemory().fit(PATTERNS)}
    display = BasinDisplay.from_estimator(memories, PATTERNS, **OPTIONS)
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["Hebb", "pseudoinverse"]
    first, second = display.lines_
    assert first.get_color() != second.get_color()
    assert first.get_marker() != second.get_marker()


def test_profiles_are_drawn_where_they_are_told_without_bands(memory):
    _, axes = plt.subplots(1, 2)
    profiles = {str(seed): basin_profile(memory, PATTERNS, n_probes=5, random_state=seed) for seed in range(8)}
    display = BasinDisplay.from_profiles(profiles, confidence=None, ax=axes[1])
    assert display.ax_ is axes[1]
    assert len(display.lines_) == 8
    assert not axes[1].collections
    assert not axes[0].lines


def test_map_shows_its_cells(memory):
    display = BasinMapDisplay.from_estimator(memory, PATTERNS, name="one", **OPTIONS)
    basin = basin_map(memory, PATTERNS, **OPTIONS)
    assert_allclose(display.image_.get_array(), 100 * basin.share)
    assert display.image_.get_clim() == (0, 100)
    assert display.ax_.get_title() == "one"
    assert display.colorbar_.ax.get_ylabel() == "recalled, %"
    # the pattern itself is at the lower left
    assert np.asarray(display.image_.get_array())[0, 0] == 100
    assert not display.ax_.yaxis_inverted()


def test_map_goes_where_it_is_told(memory):
    _, axis = plt.subplots()
    axis.set_xticks([0, 5, 10])
    display = BasinMapDisplay(basin_map(memory, PATTERNS, n_probes=2, random_state=0)).plot(ax=axis, colorbar=False)
    assert display.ax_ is axis
    assert display.colorbar_ is None
    assert_allclose(axis.get_xticks(), [0, 5, 10])

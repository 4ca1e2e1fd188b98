"""PrototypeDisplay draws the numbers of the analysis, and follows scikit-learn's convention of displays."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_digits

from skamem import DenseAMClassifier
from skamem.analysis import DecisiveMemories, MemoryVotes, decisive_memories, votes_per_memory

plt = pytest.importorskip("matplotlib.pyplot")

from skamem.display import PrototypeDisplay  # noqa: E402


def heights(axis):
    return [bar.get_height() for bar in axis.patches]


def labels(axis):
    return [tick.get_text() for tick in axis.get_xticklabels()]


def test_from_estimator_draws_both_histograms():
    X, y = load_digits(return_X_y=True)
    memory = DenseAMClassifier(20, max_iter=5, random_state=0).fit(X[:300], y[:300])
    display = PrototypeDisplay.from_estimator(memory, X[:100], name="small")
    votes, decisive = votes_per_memory(memory), decisive_memories(memory, X[:100])
    assert_allclose(heights(display.ax_[0]), 100 * votes.histogram() / 20)
    assert_allclose(sum(heights(display.ax_[1])), 100)
    assert_allclose(heights(display.ax_[1])[0], 100 * decisive.single_share)
    assert display.figure_ is display.ax_[0].figure is display.ax_[1].figure
    assert display.ax_[0].get_title().startswith("small: ")


def test_what_is_beyond_the_last_bar_is_collected_there():
    votes = MemoryVotes(np.asarray([0, 1, 2]), np.asarray([0, 0, 0]), 3)
    decisive = DecisiveMemories(np.asarray([1, 1, 9, 10, 11, 40]), 50)
    display = PrototypeDisplay(votes, decisive).plot()
    assert labels(display.ax_[0]) == ["0", "1", "2", "3"]
    assert labels(display.ax_[1]) == [*map(str, range(1, 10)), "10+"]
    assert_allclose(heights(display.ax_[1]), [100 / 3, *[0] * 7, 100 / 6, 50])


def test_samples_without_a_decisive_memory_are_shown():
    votes = MemoryVotes(np.asarray([1]), np.asarray([0]), 2)
    display = PrototypeDisplay(votes, DecisiveMemories(np.asarray([0, 1]), 3)).plot()
    assert labels(display.ax_[1]) == ["0", "1", "2", "3"]
    assert_allclose(heights(display.ax_[1]), [50, 50, 0, 0])


def test_it_draws_where_it_is_told():
    figure, axes = plt.subplots(1, 3)
    display = PrototypeDisplay(
        MemoryVotes(np.asarray([1]), np.asarray([0]), 2), DecisiveMemories(np.asarray([1]), 1)
    ).plot(ax=axes[:2])
    assert display.figure_ is figure
    assert list(display.ax_) == list(axes[:2])
    with pytest.raises(ValueError, match="ax has 3 axes; expected 2"):
        display.plot(ax=axes)

"""PruningPathDisplay draws what a pruning wrote down of its rounds."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from skamem import MagnitudePruning

plt = pytest.importorskip("matplotlib.pyplot")

from skamem.display import PruningPathDisplay  # noqa: E402

X, y = load_iris(return_X_y=True)


def pruned(**options):
    return MagnitudePruning(LogisticRegression(max_iter=1000), sparsity=0.75, **options).fit(X, y)


def test_it_draws_the_scores_against_what_is_left():
    pruning = pruned()
    display = PruningPathDisplay.from_estimator(pruning)
    (line,) = display.lines_
    assert_allclose(line.get_xdata(), 1 - pruning.path_.sparsity)
    assert_array_equal(line.get_ydata(), pruning.path_.score)
    assert_allclose(display.levels_[0].get_ydata(), pruning.path_.score[0])
    assert display.bands_ == [None]
    assert display.ax_.get_ylabel() == "score in training"
    assert display.ax_.get_legend() is None
    left, right = display.ax_.get_xlim()
    assert left > right, "what is pruned most stands last"


def test_cross_validation_has_a_band():
    pruning = pruned(cv=3)
    display = PruningPathDisplay.from_estimator(pruning)
    assert_allclose(display.lines_[0].get_ydata(), pruning.path_.test_scores.mean(axis=1))
    assert display.bands_[0] is not None
    assert display.ax_.get_ylabel() == "score in cross-validation"


def test_several_are_named_and_drawn_where_one_wants():
    _, ax = plt.subplots()
    display = PruningPathDisplay.from_estimator({"in steps": pruned(), "at once": pruned(n_rounds=1)}, ax=ax)
    assert display.ax_ is ax
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["in steps", "at once"]
    assert len({line.get_color() for line in display.lines_}) == 2
    assert np.diff(ax.get_xlim())[0] < 0

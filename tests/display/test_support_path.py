"""SupportPathDisplay draws the numbers of the path, and follows scikit-learn's convention of displays."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skamem import IHTRegressor, IHTRegressorCV

plt = pytest.importorskip("matplotlib.pyplot")

from skamem.display import SupportPathDisplay  # noqa: E402


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 12)) * 10.0 ** rng.integers(-3, 4, 12)
    y = X[:, [1, 4, 7]] @ (np.array([3.0, -2.0, 1.0]) / X[:, [1, 4, 7]].std(axis=0)) + 0.3 * rng.standard_normal(60)
    return X, y


def test_lines_are_the_coefficients_of_the_path(data):
    X, y = data
    model = IHTRegressor(max_features=8).fit(X, y)
    display = SupportPathDisplay.from_estimator(model)
    seen = np.unique(np.concatenate(model.path_.supports))
    assert len(display.lines_) == len(seen)
    for line, feature in zip(display.lines_, seen):
        expected = [
            np.sum(coefs[support == feature]) for support, coefs in zip(model.path_.supports, model.path_.coefs)
        ]
        assert_array_equal(line.get_xdata(), range(9))
        assert_allclose(line.get_ydata(), expected)
    assert_allclose(display.ax_[1].lines[0].get_ydata(), model.path_.criterion)
    assert display.sizes[display.chosen] == len(model.support_)
    assert display.ax_[1].get_ylabel() == "GICC"


def test_training_data_make_coefficients_comparable(data):
    X, y = data
    model = IHTRegressor(max_features=8).fit(X, y)
    scaled = IHTRegressor(max_features=8).fit(X / X.std(axis=0), y)
    assert_allclose(
        SupportPathDisplay.from_estimator(model, X).coefs, SupportPathDisplay.from_estimator(scaled).coefs, atol=1e-9
    )


def test_chosen_features_are_named_and_at_most_so_many(data):
    X, y = data
    frame = pd.DataFrame(X, columns=[f"column {j}" for j in range(12)])
    model = IHTRegressor(max_features=8).fit(frame, y)
    display = SupportPathDisplay.from_estimator(model, frame)
    names = [text.get_text() for text in display.ax_[0].get_legend().get_texts()]
    assert set(names) == set(model.support_names_)
    assert names[0] == "column 1"  # of the greatest coefficient
    few = SupportPathDisplay.from_estimator(IHTRegressor(max_features=8).fit(X, y), X, n_labels=2)
    assert [text.get_text() for text in few.ax_[0].get_legend().get_texts()] == ["feature 1", "feature 4"]


def test_cross_validation_shows_scores_and_its_choice(data):
    model = IHTRegressorCV(8, one_se=True).fit(*data)
    display = SupportPathDisplay.from_estimator(model)
    assert display.sizes[display.chosen] == model.n_nonzero_coefs_
    assert_allclose(display.criterion, model.cv_results_["mean_test_score"])


@pytest.mark.parametrize("multi_output", ["joint", "independent"])
def test_each_target_has_its_path(data, multi_output):
    X, y = data
    model = IHTRegressor(max_features=5, multi_output=multi_output).fit(X, np.c_[y, X[:, 0] / X[:, 0].std()])
    for target in (0, 1):
        display = SupportPathDisplay.from_estimator(model, target=target)
        assert_allclose(display.coefs[display.chosen], model.coef_[target])


def test_axes_may_be_given(data):
    model = IHTRegressor().fit(*data)
    figure, axes = plt.subplots(1, 2)
    display = SupportPathDisplay.from_estimator(model, ax=axes)
    assert display.figure_ is figure
    with pytest.raises(ValueError, match="ax has 1 axes; expected 2"):
        SupportPathDisplay.from_estimator(model, ax=axes[0])


def test_one_size_is_no_path(data):
    with pytest.raises(ValueError, match="path of 1 size; expected at least 2"):
        SupportPathDisplay.from_estimator(IHTRegressor(3).fit(*data))


def test_an_empty_choice_has_no_names():
    X = np.random.default_rng(1).standard_normal((40, 5))
    model = IHTRegressor(criterion="ebic", max_features=3).fit(X, np.random.default_rng(2).standard_normal(40))
    assert len(model.support_) == 0
    assert SupportPathDisplay.from_estimator(model).ax_[0].get_legend() is None


def test_matplotlib_is_imported_only_to_draw():
    code = "import sys, skamem.display; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0

"""Displays draw the last step of a pipeline and the best of a search, and say what they cannot draw."""

import matplotlib.pyplot as plt
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skamem import CompositionalRegressor, IHTRegressor, MagnitudePruning
from skamem.display import CompositionDisplay, PruningPathDisplay, SupportPathDisplay

X, y = load_iris(return_X_y=True)


def _piped(estimator):
    return make_pipeline(StandardScaler(), estimator)


def _searched(estimator):
    return GridSearchCV(estimator, {})


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("wrap", [_piped, _searched])
def test_the_estimator_inside_is_drawn(wrap):
    pruning = wrap(MagnitudePruning(Ridge(), sparsity=0.5)).fit(X, y)
    assert PruningPathDisplay.from_estimator(pruning).lines_
    assert SupportPathDisplay.from_estimator(wrap(IHTRegressor()).fit(X, y)).figure_
    composition = wrap(CompositionalRegressor(n_restarts=1, max_iter=3, alpha=1.0)).fit(X, y)
    assert CompositionDisplay.from_estimator(composition).axes_
    plt.close("all")


@pytest.mark.parametrize("Display", [PruningPathDisplay, SupportPathDisplay, CompositionDisplay])
def test_what_has_nothing_to_draw_is_refused(Display):
    with pytest.raises(TypeError, match=r"Ridge has no \w+, so no [\w ]+ to draw; pass an? "):
        Display.from_estimator(make_pipeline(StandardScaler(), Ridge()).fit(X, y))


NOT_FITTED = {
    "pruning": (PruningPathDisplay, MagnitudePruning(LogisticRegression())),
    "support": (SupportPathDisplay, IHTRegressor()),
    "composition": (CompositionDisplay, CompositionalRegressor()),
    "search": (SupportPathDisplay, GridSearchCV(IHTRegressor(), {})),
}


@pytest.mark.parametrize(("Display", "estimator"), NOT_FITTED.values(), ids=NOT_FITTED)
def test_what_is_not_fitted_is_said_so(Display, estimator):
    with pytest.raises(NotFittedError, match="not fitted"):
        Display.from_estimator(estimator)

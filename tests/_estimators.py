"""Every public estimator, and what tests of all of them need."""

from sklearn.base import BaseEstimator

import skamem

ESTIMATORS = [
    getattr(skamem, name)
    for name in skamem.__all__
    if isinstance(getattr(skamem, name), type) and issubclass(getattr(skamem, name), BaseEstimator)
]

CHECKED = [Estimator for Estimator in ESTIMATORS if Estimator().__sklearn_tags__().input_tags.two_d_array]
"""Those whose input is a matrix: scikit-learn's checks have no other. What reads strings takes a row as a string."""

_LAYERS = skamem.RestrictedBoltzmannMachine(max_iter=3)
_SMALL = {"layers": (8, 6), "rbm": _LAYERS, "max_iter": 3, "n_memories": 10, "n_pairs": 3, "random_state": 0}
_SMALL |= {"n_neurons": 60, "n_rounds": 6, "n_stages": 2, "n_restarts": 1, "n_knots": 2}


# Where a name means something else; of few rows of noise rounding would choose the penalty of a composition.
_SMALL_OF = {
    "MagnitudePruning": {"estimator": skamem.DenseAMClassifier(10, max_iter=3), "n_rounds": 2},
    "CompositionalRegressor": {"alpha": 1.0},
}


def small(Estimator):
    """An estimator that is fitted in no time, and always alike."""
    estimator = Estimator()
    names = estimator.get_params(deep=False).keys()
    values = {name: _SMALL[name] for name in _SMALL.keys() & names} | _SMALL_OF.get(Estimator.__name__, {})
    return estimator.set_params(**values)


def answer(estimator, X):
    """What a fitted estimator is there for: predictions, transformed rows (of a selector, in place), probabilities."""
    if hasattr(estimator, "get_support"):
        return estimator.inverse_transform(estimator.transform(X))
    asks = (name for name in ("predict", "transform", "score_samples") if hasattr(estimator, name))
    return getattr(estimator, next(asks))(X)


def targets(Estimator, labels):
    """Labels as the estimator wants them: a column for one that knows pairs of patterns only."""
    return labels if Estimator().__sklearn_tags__().target_tags.single_output else labels[:, None]

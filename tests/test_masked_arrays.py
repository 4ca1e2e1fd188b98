"""What a masked array of NumPy masks is missing, as NaN is: in X, targets and weights, in every estimator."""

import inspect

import numpy as np
import pytest

from skamem import metrics
from skamem.datasets import corrupt

from ._estimators import CHECKED, answer, small, targets

pytestmark = [
    pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 5))
LABELS = (X[:, 0] > 0).astype(int)
GONE = np.abs(X) > 1.9


def without(values, gone):
    """The same values lacking some, as NaN and below a mask."""
    values = np.asarray(values, dtype=float)
    return np.where(gone, np.nan, values), np.ma.masked_array(np.where(gone, 1e9, values), mask=gone)


def outcome(ask, *args):
    """What a call gives, or the words of its error."""
    try:
        return np.asarray(ask(*args))
    except ValueError as error:
        return str(error)


def assert_alike(found, expected):
    assert isinstance(found, str) == isinstance(expected, str), (found, expected)
    if isinstance(found, str):
        assert found == expected
    else:
        np.testing.assert_array_equal(found, expected)


def fitted_answer(Estimator, rows, y, **weights):
    return answer(small(Estimator).fit(rows, targets(Estimator, y), **weights), X)


@pytest.mark.parametrize("Estimator", CHECKED)
def test_masked_entries_are_learnt_as_nan_is(Estimator):
    nan, masked = without(X, GONE)
    assert_alike(outcome(fitted_answer, Estimator, masked, LABELS), outcome(fitted_answer, Estimator, nan, LABELS))
    nothing = np.ma.masked_array(X, mask=np.zeros(X.shape, dtype=bool))
    assert_alike(outcome(fitted_answer, Estimator, nothing, LABELS), outcome(fitted_answer, Estimator, X, LABELS))


@pytest.mark.parametrize("Estimator", CHECKED)
def test_masked_entries_are_asked_about_as_nan_is(Estimator):
    estimator = small(Estimator).fit(X, targets(Estimator, LABELS))
    nan, masked = without(X, GONE)
    assert_alike(outcome(answer, estimator, masked), outcome(answer, estimator, nan))


@pytest.mark.parametrize("Estimator", [kind for kind in CHECKED if kind().__sklearn_tags__().target_tags.required])
def test_masked_targets_are_refused_as_nan_is(Estimator):
    nan, masked = without(LABELS, np.arange(len(X)) == 3)
    expected = outcome(fitted_answer, Estimator, X, nan)
    assert isinstance(expected, str)
    assert_alike(outcome(fitted_answer, Estimator, X, masked), expected)


@pytest.mark.parametrize(
    "Estimator", [kind for kind in CHECKED if "sample_weight" in inspect.signature(kind.fit).parameters]
)
def test_masked_weights_are_refused_as_nan_is(Estimator):
    nan, masked = without(np.ones(len(X)), np.arange(len(X)) == 3)
    with pytest.raises(ValueError, match="sample_weight contains NaN") as expected:
        fitted_answer(Estimator, X, LABELS, sample_weight=nan)
    with pytest.raises(ValueError, match="sample_weight contains NaN") as found:
        fitted_answer(Estimator, X, LABELS, sample_weight=masked)
    assert str(found.value) == str(expected.value)


def test_measures_leave_masked_units_out():
    truth = np.asarray([[1.0, -1.0, 1.0], [1.0, 1.0, -1.0]])
    nan, masked = without(truth, truth < 0)
    for measure in (metrics.exact_recall_score, metrics.overlap_score, metrics.unit_accuracy):
        assert measure(masked, np.ones((2, 3))) == measure(nan, np.ones((2, 3))) == 1.0
    np.testing.assert_array_equal(corrupt(masked, "flip", 0.0), nan)

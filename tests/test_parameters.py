"""Every parameter of every estimator is checked, at `fit` and when it was changed after it: twelve wrong values."""

import inspect
import math
from numbers import Integral, Real

import numpy as np
import pytest
from sklearn.base import clone

from skamem.core.parameters import AnyOf, Interval
from skamem.datasets import make_patterns

from ._estimators import ESTIMATORS, answer, small, targets

pytestmark = [
    pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:With .* no threshold bounds the false ones"),
]

X = make_patterns(20, 12, random_state=0)
LABELS = np.arange(20) % 2
WRONG = {
    "a word": "foo",
    "an object": object(),
    "a list": [1, "a"],
    "a dictionary": {"a": object()},
    "NaN": math.nan,
    "infinity": math.inf,
    "minus infinity": -math.inf,
    "minus one": -1,
    "minus a half": -0.5,
    "huge": 1e308,
    "too huge": 10**400,
    "an array": np.asarray([1.0, np.nan]),
}
PARAMETERS = [(Estimator, name) for Estimator in ESTIMATORS for name in inspect.signature(Estimator).parameters]
every_parameter = pytest.mark.parametrize(
    ("Estimator", "name"), PARAMETERS, ids=lambda case: getattr(case, "__name__", case)
)


def fitted(estimator):
    return estimator.fit(X, targets_of(estimator))


def targets_of(estimator):
    return X[:, :3] if str(getattr(estimator, "target", "self")) == "y" else targets(type(estimator), LABELS)


def uses(estimator):
    """The methods that take rows."""
    for name in ("predict", "transform", "recall", "field", "energy", "decision_function", "predict_proba"):
        if callable(getattr(estimator, name, None)):
            yield getattr(estimator, name)


def intervals(kind):
    kinds = kind.kinds if isinstance(kind, AnyOf) else [kind]
    return [part for part in kinds if isinstance(part, Interval)]


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_the_table_names_every_parameter_and_allows_the_defaults(Estimator):
    assert list(Estimator._kinds) == list(inspect.signature(Estimator).parameters)
    for name, value in Estimator().get_params(deep=False).items():
        assert Estimator._kinds[name].accepts(value), name


@every_parameter
def test_a_wrong_value_is_refused_by_name(Estimator, name):
    kind = Estimator._kinds[name]
    after = fitted(small(Estimator))
    for what, value in WRONG.items():
        if kind.accepts(value):
            continue
        before = dict(vars(after))
        with pytest.raises((TypeError, ValueError), match=name):
            fitted(small(Estimator).set_params(**{name: value}))
        changed = clone(after)
        vars(changed).update(before)
        changed.set_params(**{name: value})
        for use in uses(changed):
            with pytest.raises((TypeError, ValueError), match=name):
                use(X)
        assert dict(vars(after)) == before, what


@every_parameter
def test_what_the_table_allows_works_or_is_refused_in_words(Estimator, name):
    kind = Estimator._kinds[name]
    for value in WRONG.values():
        if kind.accepts(value):
            told = ""
            try:
                answer(fitted(small(Estimator).set_params(**{name: value})), X)
            except (TypeError, ValueError) as error:
                told = str(error)
            assert not told or name in told


@every_parameter
def test_numbers_of_eight_bits_work(Estimator, name):
    default = Estimator().get_params()[name]
    for kind in intervals(Estimator._kinds[name]):
        candidates = [default, 100, 5, 2, 1] if kind.kind is Integral else [default, 0.5, 2.0]
        right = [v for v in candidates if isinstance(v, Real) and kind.accepts(v) and v < 128]
        small_type = np.int8 if kind.kind is Integral else np.float16
        for value in right[:2]:
            try:
                expected = answer(fitted(small(Estimator).set_params(**{name: type(value)(small_type(value))})), X)
            except ValueError:  # does not go with the other parameters
                continue
            found = answer(fitted(small(Estimator).set_params(**{name: small_type(value)})), X)
            assert found.dtype == expected.dtype
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)

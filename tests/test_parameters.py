"""Every parameter of every estimator is checked, at `fit` and when it was changed after it: twelve wrong values."""

import inspect
import math
from numbers import Integral, Real

import numpy as np
import pytest
from sklearn.base import clone, is_classifier

from skamem.core.likeness import is_alike
from skamem.core.parameters import AnyOf, Interval
from skamem.datasets import make_patterns

from ._estimators import CHECKED, ESTIMATORS, answer, small, targets
from ._settings import MORE_SETTINGS

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


# What says how learning goes on from now, or how it once began; all else holds from the first row, or is refused.
FROM_NOW = {
    "AssemblyClassifier": {"n_rounds", "max_weight"},
    "AssemblyMemory": {"n_rounds", "max_weight"},
    "DenseAMClassifier": {"init"},
    "DenseAMRegressor": {"init"},
    "RestrictedBoltzmannMachine": {
        "batch_size",
        "centered",
        "learning_rate",
        "n_chains",
        "n_gibbs_steps",
        "sampler",
        "sigma",
    },
    "SequenceMemory": {"cyclic"},
}
for name in ("Bidirectional", "Dense", "Hebbian", "Pseudoinverse", "Willshaw"):
    FROM_NOW[f"{name}Memory"] = {"coding"}  # that of the first patterns, which say it
FROM_NOW["HopfieldNetwork"] = {"coding"}


def changes():
    """(estimator, parameter, another value) of all that learn in parts."""
    for Estimator in CHECKED:
        default, seen = small(Estimator).get_params(deep=False), []
        for setting in MORE_SETTINGS if hasattr(Estimator(), "partial_fit") else []:
            for name, value in setting.get_params(deep=False).items() if type(setting) is Estimator else []:
                known = name in ("backend", "random_state") or is_alike(value, default[name])
                if not known and not any(is_alike((name, value), other) for other in seen):
                    seen.append((name, value))
                    yield pytest.param(Estimator, name, value, id=f"{Estimator.__name__}, {name}={value}")


def learnt_in_parts(Estimator, change_at, **change):
    """An estimator that learns three parts, with other parameters from one of them on."""
    rng = np.random.default_rng(0)
    rows = rng.uniform(size=(36, 12)) * rng.integers(0, 2, size=(36, 12))
    estimator = small(Estimator)
    for start in range(0, 36, 12):
        if start == change_at:
            estimator.set_params(**change)
        first = {"classes": [0, 1]} if start == 0 and is_classifier(estimator) else {}
        part = slice(start, start + 12)
        estimator.partial_fit(rows[part], targets(Estimator, (np.arange(36) % 2)[part]), **first)
    return estimator, rows


@pytest.mark.parametrize(("Estimator", "name", "value"), list(changes()))
def test_what_changes_between_parts_holds_from_the_first_or_is_refused(Estimator, name, value):
    from_now = name in FROM_NOW.get(Estimator.__name__, ())
    try:
        changed, rows = learnt_in_parts(Estimator, 12, **{name: value})
    except AttributeError:  # with it, nothing learns in parts
        return
    except ValueError as error:
        if from_now or "call fit to start anew" not in str(error):
            raise
        return
    if from_now:
        return
    anew, _ = learnt_in_parts(Estimator, 0, **{name: value})
    for ask in ("decision_function", "predict_proba", "predict", "transform"):
        if hasattr(anew, ask):
            np.testing.assert_allclose(getattr(changed, ask)(rows), getattr(anew, ask)(rows), rtol=1e-6, atol=1e-6)

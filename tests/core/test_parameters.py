"""Kinds of parameters: what they accept, what they refuse with which words, and what they say in the reference."""

import math
from numbers import Integral, Real

import numpy as np
import pytest
from sklearn.model_selection import KFold

from skamem import HebbianMemory
from skamem.core.parameters import (
    BOOLEAN,
    Backend,
    Callable,
    ClassWeight,
    Interval,
    Matrix,
    Methods,
    Options,
    Pair,
    RandomState,
    Registered,
    Scoring,
    Several,
    Splits,
    WithData,
    check_parameters,
)

NAMES = {"one": 1}
SHARE = Interval(Real, low=0, high=1, high_open=True)
COUNT = Interval(Integral, low=1)
ANYTHING = [None, True, np.True_, "foo", b"x", object(), [1, 2], {}, (), 1j, np.ones(3), np.ones(()), type, len]
ANYTHING += [math.nan, np.float32(np.nan), math.inf, -math.inf, 1e308, 10**400, -1, 0, 1, 0.5, np.int8(100)]
ANYTHING += [np.str_("foo")]

# name: (kind, what it says)
KINDS = {
    "any number": (Interval(Real), "a finite number"),
    "any integer": (Interval(Integral), "an integer"),
    "share": (SHARE, "a number in [0, 1)"),
    "count": (COUNT, "an integer >= 1"),
    "positive": (Interval(Real, low=0, low_open=True), "a number > 0"),
    "to infinity": (Interval(Real, low=0, high=math.inf), "a number in [0, inf]"),
    "options": (Options("foo", 1), "'foo' or 1"),
    "boolean": (BOOLEAN, "True or False"),
    "or none": (COUNT | None, "an integer >= 1, or None"),
    "mixed": (Options("foo") | SHARE | None, "'foo', or a number in [0, 1), or None"),
    "callable": (Callable("(x) -> y"), "a callable (x) -> y"),
    "methods": (Methods("energy", "slope"), "an object with `energy` and `slope`"),
    "registered": (Registered(NAMES, "a callable (x) -> y"), "'one' or a callable (x) -> y"),
    "pair": (Pair(COUNT), "a pair, each an integer >= 1"),
    "several": (Several(COUNT), "a tuple, each an integer >= 1"),
    "seed": (RandomState(), "an integer in [0, 2**32 - 1], a numpy.random.RandomState or None"),
    "backend": (Backend(), "None (follow the input), 'numpy', 'cupy', 'cupy:<index>', 'torch' or 'torch:<device>'"),
    "classes": (ClassWeight(), "None, 'balanced' or a dict {label: weight}"),
    "matrix": (Matrix(), "an array of two dimensions"),
    "splits": (Splits(), "an integer >= 2, a splitter, an iterable of splits or None"),
    "scoring": (Scoring(), "the name of a scorer, a callable (estimator, X, y) -> score or None"),
    "later": (WithData("a label for each feature"), "a label for each feature"),
}


@pytest.mark.parametrize("name", KINDS)
def test_what_is_not_accepted_is_refused_by_name_and_nothing_breaks(name):
    kind, words = KINDS[name]
    assert str(kind) == words
    for value in ANYTHING:
        if not kind.accepts(value):
            with pytest.raises((TypeError, ValueError), match="^spam="):
                kind.refuse("spam", value)


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (
            Interval(Real),
            [0, -1e308, np.int8(3), np.float32(2)],
            [math.nan, math.inf, -math.inf, True, np.True_, "1", 1j],
        ),
        (SHARE, [0, 0.999, np.float64(0.5)], [1, -1e-9, math.nan]),
        (COUNT, [1, np.int8(127), 10**12], [0, 10**400, 1.0, True, np.True_, np.ones(())]),
        (Interval(Real, low=0, high=math.inf), [0, math.inf], [math.nan, -1]),
        (Options("foo", True, None), ["foo", np.str_("foo"), True, np.True_, None], [1, "bar", [], np.ones(2)]),
        (COUNT | None, [None, 3], [0, "foo"]),
        (Callable("(x) -> y"), [len, lambda x: x], [type, "foo"]),
        (Methods("fit", "predict"), [HebbianMemory()], [HebbianMemory, "foo", None]),
        (Registered(NAMES, "a callable"), ["one", np.str_("one"), len, type], ["two", 1, None, []]),
        (Several(SHARE), [(0, 0.5, 0.1), [0.5]], [(0, 2), (), 0.5, "ab", {0.5}]),
        (Pair(SHARE), [(0, 0.5), [0.5, 0.1]], [(0, 2), (0,), 0.5, "ab"]),
        (RandomState(), [None, 0, np.int8(3), np.random.RandomState(0)], [-1, 2**32, 1.0, True, "foo"]),
        (ClassWeight(), [None, "balanced", {}, {"a": 0, 1: 2.0}], ["even", {1: -1}, {1: math.inf}, {1: "x"}, -0.5]),
        (Matrix(), [np.ones((2, 1)), [[1]], ([1, 2], [3, 4])], ["ab", [1, 2], [], np.ones(3), {"a": 1}]),
        (Splits(), [None, 2, KFold(3), iter([]), [([0], [1])]], [1, "foo", [1, "a"], 0.5, {}, np.ones(3)]),
        (Scoring(), [None, "r2", len], [1, ["r2"], type]),
        (Backend(), [None, "numpy", "cupy", "cupy:1", "torch:cuda"], ["abacus", "numpy:1", 3, object()]),
    ],
)
def test_right_and_wrong(kind, right, wrong):
    assert [value for value in right if not kind.accepts(value)] == []
    assert not any(kind.accepts(value) for value in wrong)


@pytest.mark.parametrize(
    ("kind", "value", "error", "message"),
    [
        (SHARE, -1, ValueError, "spam=-1 is out of range; expected 0 <= spam < 1."),
        (COUNT, 0, ValueError, "spam=0 is out of range; expected 1 <= spam."),
        (COUNT, 2.0, TypeError, "spam=2.0 is a float; expected an integer."),
        (Interval(Real, low=0), math.inf, ValueError, "spam=inf is out of range; expected 0 <= spam < inf."),
        (Options("a", "b"), "c", ValueError, "spam='c' is not an option; expected one of 'a', 'b'."),
        (Options("a") | SHARE, "c", ValueError, "spam='c' is not an option; expected 'a', or a number in [0, 1)."),
        (Options("a") | SHARE, 2, ValueError, "spam=2 is out of range; expected 0 <= spam < 1."),
        (Options("a") | SHARE, [2], TypeError, r"spam=[2] is a list; expected 'a', or a number in [0, 1)."),
        (COUNT | None, "x", TypeError, "spam='x' is a str; expected an integer >= 1, or None."),
        (Several(SHARE), (0, 0, 3), ValueError, "spam=3 is out of range; expected 0 <= spam < 1."),
        (Several(SHARE), (), TypeError, "spam=() is a tuple; expected a tuple, each a number in [0, 1)."),
        (Pair(SHARE), (0, 3), ValueError, "spam=3 is out of range; expected 0 <= spam < 1."),
        (RandomState(), -1, ValueError, "spam=-1 is no seed; expected an integer in [0, 2**32 - 1], a"),
    ],
)
def test_messages_say_what_was_found_and_expected(kind, value, error, message):
    with pytest.raises(error) as caught:
        kind.refuse("spam", value)
    assert str(caught.value).startswith(message)


def test_the_first_wrong_parameter_of_an_estimator_is_named():
    memory = HebbianMemory(update="sometimes", n_recall_steps=0)
    check_parameters(memory, {"target": Options("self")})
    with pytest.raises(ValueError, match="update='sometimes'"):
        check_parameters(memory, {"update": Options("sync"), "n_recall_steps": COUNT})

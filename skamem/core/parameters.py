"""What the parameters of an estimator may be: a table for each class, which checks them and which the reference prints.

A class writes ``_parameters = {"degree": Interval(Real, low=1), "update": Options("sync", "async")}``; the base merges
the tables of its ancestors, and checks them in ``fit`` and whenever data come in afterwards.
"""

import math
import numbers
import sys
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from sklearn.metrics import get_scorer_names

from skamem.core import arrays
from skamem.core.validation import check_number, check_option, type_of

__all__ = [
    "BOOLEAN",
    "COUNT",
    "AnyOf",
    "Backend",
    "Callable",
    "ClassWeight",
    "Interval",
    "Kind",
    "Matrix",
    "Methods",
    "Options",
    "Pair",
    "RandomState",
    "Registered",
    "Scoring",
    "Several",
    "Splits",
    "WithData",
    "check_parameters",
    "plain",
]


class Kind:
    """What a parameter may be; ``kind | other`` allows either, ``kind | None`` also None. ``str(kind)`` says it."""

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        for name in ("accepts", "concerns", "refuse"):  # documented once, here
            if name in vars(cls):
                vars(cls)[name].__doc__ = getattr(Kind, name).__doc__

    def accepts(self, value):
        """Whether `value` is allowed; says no to anything whatever, and never raises."""
        raise NotImplementedError

    def concerns(self, value):
        """Whether `value` is of the right type, so that the message should speak of its range."""
        return False

    def refuse(self, name, value):
        """Raise the error for a `value` that is not accepted."""
        raise TypeError(f"{name}={value!r} is {type_of(value)}; expected {self}.")

    def __or__(self, other):
        return AnyOf((self, Options(None) if other is None else other))


@dataclass(frozen=True)
class Interval(Kind):
    """A number between bounds; NaN never is, infinity only where it is a closed bound.

    Parameters
    ----------
    kind : type
        ``numbers.Integral`` or ``numbers.Real``; booleans are neither.
    low, high : float
        Bounds.
    low_open, high_open : bool, default=False
        Whether the bound itself is excluded.

    Examples
    --------
    >>> from numbers import Real
    >>> share = Interval(Real, low=0, high=1, high_open=True)
    >>> str(share), share.accepts(0.5), share.accepts(1)
    ('a number in [0, 1)', True, False)
    """

    kind: type
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False

    def accepts(self, value):
        if not self.concerns(value):
            return False
        value = plain(value)  # bounds may be beyond its type
        # Without a bound: what a double, or a size, can hold. NaN fails every comparison.
        most = sys.maxsize if self.kind is numbers.Integral else sys.float_info.max
        if type(value) is int and abs(value) > most:
            return False
        low, high = -most if self.low is None else self.low, most if self.high is None else self.high
        return (low < value or (value == low and not self.low_open)) and (
            value < high or (value == high and not self.high_open)
        )

    def concerns(self, value):
        if type(value) is int or (type(value) is float and self.kind is numbers.Real):  # at once what is usual
            return True
        return isinstance(value, self.kind) and not isinstance(value, bool | np.bool_)

    def refuse(self, name, value):
        low, high = self.low, self.high
        value = plain(value)
        if self.concerns(value) and not -sys.float_info.max <= value <= sys.float_info.max:
            low, high = -math.inf if low is None else low, math.inf if high is None else high
        check_number(
            name, value, kind=self.kind, low=low, high=high,
            low_open=self.low_open or low == -math.inf, high_open=self.high_open or high == math.inf,
        )  # fmt: skip
        raise ValueError(f"{name}={value!r} is out of range; expected {self}.")

    def __str__(self):
        noun = "an integer" if self.kind is numbers.Integral else "a number"
        if self.low is None and self.high is None:
            return noun if self.kind is numbers.Integral else f"a finite {noun[2:]}"
        if self.high is None:
            return f"{noun} {'>' if self.low_open else '>='} {self.low}"
        if self.low is None:
            return f"{noun} {'<' if self.high_open else '<='} {self.high}"
        return f"{noun} in {'(' if self.low_open else '['}{self.low}, {self.high}{')' if self.high_open else ']'}"


class Options(Kind):
    """One of a few values, by type and equality, as `skamem.core.validation.check_option`.

    Parameters
    ----------
    *options : object
        The values.

    Examples
    --------
    >>> update = Options("sync", "async")
    >>> str(update), update.accepts("sync"), update.accepts(1)
    ("'sync' or 'async'", True, False)
    """

    def __init__(self, *options):
        self.options = options
        self._known = {(type(option), option) for option in options}

    def accepts(self, value):
        if isinstance(value, np.bool_ | np.str_):  # what a grid of arrays gives
            value = value.item()
        try:
            return (type(value), value) in self._known
        except TypeError:  # not hashable
            return False

    def concerns(self, value):
        return any(type(option) is type(value) for option in self.options) or isinstance(value, np.str_)

    def refuse(self, name, value):
        check_option(name, value, self.options)

    def __str__(self):
        *others, last = map(repr, self.options)
        return f"{', '.join(others)} or {last}" if others else last


BOOLEAN = Options(True, False)
COUNT = Interval(numbers.Integral, low=1)


class AnyOf(Kind):
    """What one of several kinds allows; `Kind.__or__` makes it."""

    def __init__(self, kinds):
        self.kinds = tuple(part for kind in kinds for part in (kind.kinds if isinstance(kind, AnyOf) else (kind,)))

    def accepts(self, value):
        return any(kind.accepts(value) for kind in self.kinds)

    def refuse(self, name, value):
        for kind in self.kinds:
            if kind.concerns(value) and isinstance(kind, Options):
                raise ValueError(f"{name}={value!r} is not an option; expected {self}.")
            if kind.concerns(value):
                kind.refuse(name, value)
        super().refuse(name, value)

    def __str__(self):
        return ", or ".join(map(str, self.kinds))


@dataclass(frozen=True)
class Callable(Kind):
    """A function.

    Parameters
    ----------
    signature : str
        What it takes and returns, ``"(patterns) -> weights"`` say.
    """

    signature: str

    def accepts(self, value):
        return callable(value) and not isinstance(value, type)

    def __str__(self):
        return f"a callable {self.signature}"


class Registered(Kind):
    """A name in a registry, which may have grown since, or something of one's own.

    Parameters
    ----------
    registry : dict
        Entries by name.
    own : str
        What a callable of one's own is.
    """

    def __init__(self, registry, own):
        self.registry, self.own = registry, own

    def accepts(self, value):
        return value in self.registry if isinstance(value, str) else callable(value)

    def refuse(self, name, value):
        check_option(name, value, tuple(self.registry))

    def __str__(self):
        return f"{', '.join(map(repr, self.registry))} or {self.own}"


class Methods(Kind):
    """An object with certain methods.

    Parameters
    ----------
    *names : str
        Names of the methods.
    noun : str, default="an object"
        What such objects are called.
    """

    def __init__(self, *names, noun="an object"):
        self.names, self.noun = names, noun

    def accepts(self, value):
        return not isinstance(value, type) and all(callable(getattr(value, name, None)) for name in self.names)

    def refuse(self, name, value):
        raise TypeError(f"{name}={value!r} has no {' and '.join(self.names)}; expected {self}.")

    def __str__(self):
        return f"{self.noun} with {' and '.join(f'`{name}`' for name in self.names)}"


@dataclass(frozen=True)
class Several(Kind):
    """A tuple or list of values, one at least.

    Parameters
    ----------
    kind : Kind
        Of each.
    """

    kind: Kind

    def accepts(self, value):
        return self.concerns(value) and all(map(self.kind.accepts, value))

    def concerns(self, value):
        return isinstance(value, tuple | list) and len(value) > 0

    def refuse(self, name, value):
        for part in value if self.concerns(value) else ():
            if not self.kind.accepts(part):
                self.kind.refuse(name, part)
        super().refuse(name, value)

    def __str__(self):
        return f"a tuple, each {self.kind}"


class Pair(Several):
    """A tuple or list of two values."""

    def concerns(self, value):
        return super().concerns(value) and len(value) == 2

    def __str__(self):
        return f"a pair, each {self.kind}"


class RandomState(Kind):
    """A seed, a `numpy.random.RandomState`, or None."""

    def accepts(self, value):
        if value is None or isinstance(value, np.random.RandomState):
            return True
        is_integer = isinstance(value, numbers.Integral) and not isinstance(value, bool | np.bool_)
        return (is_integer and 0 <= value < 2**32) or value is np.random

    def refuse(self, name, value):
        is_integer = isinstance(value, numbers.Integral) and not isinstance(value, bool | np.bool_)
        raise (ValueError if is_integer else TypeError)(f"{name}={value!r} is no seed; expected {self}.")

    def __str__(self):
        return "an integer in [0, 2**32 - 1], a numpy.random.RandomState or None"


class Backend(Kind):
    """A name of the array-backend switch, or None; whether it is there shows when it is used."""

    def accepts(self, value):
        return value is None or arrays.is_backend_name(value)

    def refuse(self, name, value):
        raise ValueError(f"{name}={value!r} is unknown; expected {self}.")

    def __str__(self):
        return arrays.BACKEND_NAMES


class ClassWeight(Kind):
    """Weights of classes: None, "balanced" or a dict; whether its labels are there shows beside `y`."""

    def accepts(self, value):
        if isinstance(value, dict):
            return all(_WEIGHT.accepts(weight) for weight in value.values())
        return value is None or (isinstance(value, str) and value == "balanced")

    def refuse(self, name, value):
        if isinstance(value, dict):
            raise ValueError(f"{name}={value!r} has infinite, unknown or negative weights; expected finite ones >= 0.")
        raise ValueError(f"{name}={value!r}; expected {self}.")

    def __str__(self):
        return "None, 'balanced' or a dict {label: weight}"


_WEIGHT = Interval(numbers.Real, low=0)


class Matrix(Kind):
    """Something two-dimensional; what is in it is looked at where it is used."""

    def accepts(self, value):
        if hasattr(value, "shape"):
            return len(value.shape) == 2
        return isinstance(value, list | tuple) and len(value) > 0 and np.ndim(value[0]) == 1

    def __str__(self):
        return "an array of two dimensions"


class Splits(Kind):
    """What scikit-learn splits samples by."""

    def accepts(self, value):
        if value is None or _FOLDS.accepts(value):
            return True
        if isinstance(value, list | tuple):
            return all(isinstance(split, list | tuple) and len(split) == 2 for split in value)
        if isinstance(value, str | bytes | dict | type) or hasattr(value, "shape"):
            return False
        return hasattr(value, "split") or hasattr(value, "__iter__")

    def __str__(self):
        return "an integer >= 2, a splitter, an iterable of splits or None"


class Scoring(Kind):
    """What scikit-learn scores by: None, the name of a scorer, or a callable."""

    def accepts(self, value):
        if isinstance(value, str):
            return value in get_scorer_names()
        return value is None or (callable(value) and not isinstance(value, type))

    def __str__(self):
        return "the name of a scorer, a callable (estimator, X, y) -> score or None"


_FOLDS = Interval(numbers.Integral, low=2)


@dataclass(frozen=True)
class WithData(Kind):
    """What can be judged beside the data only, where the estimator does it.

    Parameters
    ----------
    words : str
        What is expected.
    """

    words: str

    def accepts(self, value):
        return True

    def __str__(self):
        return self.words


def plain(value):
    """A NumPy number as Python's, which never overflows eight bits nor makes float32 arrays float64; others unchanged.

    Parameters
    ----------
    value : object
        A parameter.

    Returns
    -------
    value : object
    """
    return value.item() if isinstance(value, np.generic) else value


def check_parameters(estimator, table, defaults=MappingProxyType({})):
    """Raise unless every parameter of an estimator is of the kind that a table says.

    Parameters
    ----------
    estimator : object
        Its attributes are looked at.
    table : dict of str to Kind
        By name.
    defaults : dict of str to object, default={}
        What parameters are unless given, by name; most are, and need not be looked at.

    Raises
    ------
    TypeError, ValueError
        Naming the first parameter that is not, what was found and what was expected.
    """
    for name, kind in table.items():
        value = getattr(estimator, name)
        if not (name in defaults and value is defaults[name]) and not kind.accepts(value):
            kind.refuse(name, value)

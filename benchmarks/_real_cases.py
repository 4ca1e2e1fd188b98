"""What the tables of real cases share: the list of cases, and how one is asked."""

import contextlib
import io
import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

import skamem

CASES = []


@dataclass(frozen=True)
class Row:
    """One line of the table: kind, input, right value, ours, and whether that is right."""

    kind: int
    given: str
    right: str
    ours: str
    is_right: bool
    seconds: float


@dataclass(frozen=True)
class Case:
    """A question with a known answer; `ask` returns (our value, whether it is right)."""

    kind: int
    given: str
    right: str
    ask: Any

    def answered(self):
        """The row, with an exception as our value where one is raised; warnings are no answer."""
        start = time.perf_counter()
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            try:
                ours, is_right = self.ask()
            except Exception as error:
                ours, is_right = f"{type(error).__name__}: {' '.join(str(error).split())[:70]}", False
        return Row(self.kind, self.given, self.right, ours, bool(is_right), time.perf_counter() - start)


def case(kind, given, right):
    """Enter a function into the table."""

    def enter(function):
        CASES.append(Case(kind, given, right, function))
        return function

    return enter


def found(is_meant):
    """Our value where the question is whether something exists."""
    names = [name for name in skamem.__all__ if is_meant(name)]
    return ", ".join(names) or "there is none", bool(names)


def timed(call, repeats=1):
    """Least seconds of some calls."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def refusal(call):
    """The message of a ValueError or TypeError; None when there is none."""
    try:
        call()
    except (ValueError, TypeError) as error:
        return " ".join(str(error).split())
    return None


def caught(call):
    """(answer, messages of the warnings) of a call."""
    with warnings.catch_warnings(record=True) as messages:
        warnings.simplefilter("always")
        answer = call()
    return answer, [str(message.message) for message in messages]


def rmse(found_, right):
    """Root mean square of a difference."""
    return float(np.sqrt(np.mean((np.asarray(found_) - right) ** 2)))

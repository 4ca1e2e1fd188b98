"""A case: an estimator, its settings, data and calls; what came of it; and the least case with the same outcome."""

import ast
import contextlib
import dataclasses
import functools
import inspect
import io
import linecache
import pickle
import signal
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import scipy.sparse
import sklearn
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.utils import all_estimators

import skamem
from skamem.core.interactions import Softplus
from skamem.exceptions import CapacityWarning

from ._data import TOLERABLE, Data, draw_cues, draw_data, fingerprint
from ._grammar import draw_setting, draw_settings, quick

PACKAGE, SKLEARN = (f"{Path(module.__file__).parent}/" for module in (skamem, sklearn))
CLEAR = (ValueError, TypeError, NotFittedError, AttributeError, ImportError, MemoryError, NotImplementedError)
# Calls that answer row by row; rows must not look at each other.
ROW_BY_ROW = {"predict", "predict_proba", "predict_log_proba", "decision_function", "transform", "recall", "field"}
ROW_BY_ROW |= {"energy", "encode", "top_k", "free_energy", "score_samples"}
MAY_CHANGE = {"fit", "fit_masked", "fit_strings", "refit", "partial_fit", "forget", "merge", "fit_transform"}
MAY_CHANGE |= {"fit_moments", "set_params", "to"}
OPTIONS = {
    "recall": ({}, {}, {"order": "random", "random_state": 0}, {"temperature": 1.0, "random_state": 0}),
    "top_k": ({}, {"k": 2}, {"k": 0}, {"k": 10**6}, {"k": 1.5}),
    "gibbs": ({"random_state": 0}, {"n_steps": 2, "random_state": 0}),
    "sample": ({"random_state": 0}, {"n_samples": 3, "random_state": 0}, {"temperature": 0.0, "random_state": 0}),
}
UNKNOWN = {"margin_", "stored_share"}  # what is NaN when it was not looked for, or not found
SECONDS = 20  # of the processor: what else runs on the machine is not the estimator's fault


class TooSlow(BaseException):
    """No ordinary exception, so that nobody catches it."""


@dataclass(frozen=True)
class Call:
    """A method by name, with keywords beyond the data."""

    name: str
    options: dict = field(default_factory=dict)

    def __repr__(self):
        return f"Call({self.name!r}, {self.options!r})" if self.options else f"Call({self.name!r})"


@dataclass(frozen=True)
class Case:
    """What is done; its repr makes it again."""

    estimator: str
    settings: dict
    data: Data
    cues: Data | None
    calls: tuple

    def __repr__(self):
        parts = (self.estimator, self.settings, self.data, self.cues, self.calls)
        return f"Case({', '.join(map(repr, parts))})"

    def simpler(self):
        """Cases with one thing less, each in turn."""
        for index in range(len(self.calls) - 1):
            yield dataclasses.replace(self, calls=self.calls[:index] + self.calls[index + 1 :])
        for name in self.settings:
            rest = {other: value for other, value in self.settings.items() if other != name}
            yield dataclasses.replace(self, settings=rest)
        if self.cues is not None:
            yield dataclasses.replace(self, cues=None)
            for cues in self.cues.simpler():
                yield dataclasses.replace(self, cues=cues)
        for data in self.data.simpler():
            yield dataclasses.replace(self, data=data)


@dataclass(frozen=True)
class Finding:
    """Something that is not documented: in which call, of which kind, and what was seen."""

    call: str
    kind: str
    detail: str


def _fitted(value):
    """What an estimator, and those it holds, make public."""
    if isinstance(value, BaseEstimator):
        return {name: _fitted(part) for name, part in vars(value).items() if name[0] != "_"}
    return [_fitted(part) for part in value] if isinstance(value, list | tuple) else value


@dataclass(frozen=True)
class Outcome:
    """``"ok"``, ``"clear error"`` or ``"undocumented"``, with what was found."""

    word: str
    findings: tuple


def read_case(text):
    """The case that a line of Python describes."""
    names = {name: getattr(skamem, name) for name in skamem.__all__}
    names |= {"nan": np.nan, "inf": np.inf, "np": np, "array": np.array}
    names |= {"Softplus": Softplus} | dict(all_estimators())  # whatever scikit-learn has may stand inside another
    return eval(text, {**names, "Case": Case, "Data": Data, "Call": Call})


def draw_case(seed, Estimator):
    """A case, always the same for one seed."""
    rng = np.random.default_rng([seed, *Estimator.__name__.encode()])
    settings = draw_settings(rng, Estimator)
    data = draw_data(rng, y=_usual_target(rng, Estimator, settings))
    cues = draw_cues(rng, data) if rng.random() < 0.6 else None
    first = "fit" if rng.random() < 0.9 or not hasattr(Estimator, "partial_fit") else "partial_fit"
    calls = [Call(first)] if rng.random() < 0.97 else []
    known = _public_methods(Estimator)
    for _ in range(rng.integers(1, 5)):
        if rng.random() < 0.25:
            special = ("refit", "pickle", "clone", "set_params")[rng.choice(4, p=(0.3, 0.3, 0.1, 0.3))]
            options = dict([draw_setting(rng, Estimator)]) if special == "set_params" else {}
            calls.append(Call(special, options))
        else:
            name = known[rng.integers(len(known))]
            calls.append(Call(name, _draw_options(rng, Estimator, name)))
    if calls[-1].name not in ROW_BY_ROW:
        calls.append(Call(_usual_answer(Estimator)))
    return Case(Estimator.__name__, settings, data, cues, tuple(calls))


def run(case):
    """Outcome of a case."""
    with _limited(SECONDS), contextlib.redirect_stdout(io.StringIO()):
        try:
            runner = _Runner(case)
            for call in case.calls:
                runner.do(call)
        except TooSlow:
            runner.note(call, "slow", f"more than {SECONDS} s")
        except Exception as error:  # where a law asked once more: another fit, another call, a pickle
            runner.note(call, f"{type(error).__name__} when asked again", f"{error} ({_origin(error)[0]})")
    word = "undocumented" if runner.findings else "clear error" if runner.n_errors else "ok"
    return Outcome(word, tuple(runner.findings))


def shrink(case, finding, *, tries=300):
    """The least case found that ends in a finding of the same kind in the same call."""
    if finding.kind == "slow":
        return case
    done = False
    while not done and tries > 0:
        done = True
        for simpler in case.simpler():
            tries -= 1
            if any((found.call, found.kind) == (finding.call, finding.kind) for found in run(simpler).findings):
                case, done = simpler, False
                break
    return case


class _Runner:
    """Does the calls of a case, one after another, and notes what is not documented."""

    def __init__(self, case):
        self.case, self.findings, self.n_errors = case, [], 0
        self.Estimator = getattr(skamem, case.estimator)
        self.memory = self.Estimator(**(quick(self.Estimator) | case.settings))
        self.fitted_on = case.data
        self.data = case.data.make()
        self.cues = self.data if case.cues is None else case.cues.make()
        self.finite = True

    def note(self, call, kind, detail=""):
        self.findings.append(Finding(call.name, kind, str(detail)))

    def do(self, call):
        """One call."""
        if call.name in ("pickle", "clone"):
            self._transport(call)
            return
        if call.name == "set_params":
            self.memory.set_params(**call.options)
            return
        inputs = self._inputs(call.name)
        result, failed = self._watched(call, inputs)
        if failed:
            return
        if call.name in ("fit", "refit", "partial_fit"):
            self._judge_fit(call, inputs, result)
        else:
            self._judge_answer(call, inputs, result)

    def _inputs(self, name):
        """Data to pass: (X, y, sample_weight)."""
        if name == "refit":
            data = dataclasses.replace(self.case.data, seed=self.case.data.seed + 1, n=max(self.case.data.n - 3, 0))
            self.fitted_on = data
            return data.make()
        if name in ("fit", "partial_fit", "forget", "score", "fit_transform"):
            self.fitted_on = self.case.data if name == "fit" else self.fitted_on
            return self.data
        return self.cues

    def _watched(self, call, inputs):
        """(result, whether the call raised); notes errors and warnings that nobody documents, and side effects."""
        may_cache = call.name not in MAY_CHANGE  # what is asked may be kept for the next time, under a private name
        before, untouched = self._state(may_cache), [fingerprint(value) for value in inputs]
        result, error = None, None
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = functools.partial(self._judge_warning, call)
            try:
                result = _perform(self.memory, call, inputs)
            except Exception as raised:
                error = raised
        if error is not None:
            self.n_errors += 1
            self._judge_error(call, error)
        if untouched != [fingerprint(value) for value in inputs]:
            self.note(call, "input changed")
        if (error is not None or may_cache) and self._state(may_cache) != before:
            self.note(call, "estimator changed", "by a call that failed" if error else "by a call that asks")
        return result, error is not None

    def _state(self, public_only):
        return joblib.hash(_fitted(self.memory) if public_only else vars(self.memory))

    def _judge_warning(self, call, message, category, filename, line, *_):
        place = f"{filename.removeprefix(PACKAGE)}:{line}"
        if category in (UserWarning, CapacityWarning) or category.__module__ == "sklearn.exceptions":
            if filename.startswith(PACKAGE):
                self.note(call, "warning points inside", f"{place}: {message}")
        elif not _is_of_scikit_learn():
            self.note(call, category.__name__, f"{message} ({place})")

    def _judge_error(self, call, error):
        place, clear = _origin(error)
        text = " ".join(str(error).split())[:160]
        if not isinstance(error, CLEAR) or not clear:
            self.note(call, type(error).__name__, f"{text} ({place})")
        elif place.startswith("skamem") and not _says_enough(text):
            self.note(call, "terse message", f"{type(error).__name__}: {text} ({place})")

    def _judge_fit(self, call, inputs, result):
        if result is not self.memory:
            self.note(call, "fit does not return self")
        self.finite = self.fitted_on.is_finite()
        if self.finite:
            for name, value in vars(self.memory).items():
                if name.endswith("_") and name not in UNKNOWN and not name.startswith("_") and _has_nan(value):
                    self.note(call, "NaN in what was fitted", name)
        if call.name != "fit" or not _is_seeded(self.memory):
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            again = clone(self.memory)
            if self.memory.get_params().get("warm_start"):
                return
            _perform(again, call, inputs)
        left, right = _plain(vars(self.memory)), _plain(vars(again))
        for name in (left.keys() & right.keys()) - {"order_seed_"}:  # a seed that nobody set
            if not np.array_equal(left[name], right[name], equal_nan=left[name].dtype.kind in "fc"):
                self.note(call, "another fit differs", name)

    def _judge_answer(self, call, inputs, result):
        answer = _plain(result)
        undefined = call.name == "score" and self.case.data.n < 2  # R² of one row
        if self.finite and not undefined and (self.case.cues or self.case.data).is_finite():
            for name, value in answer.items():
                if value.dtype.kind != "f" or name in UNKNOWN:
                    continue
                bad = np.isnan(value) if call.name == "predict_log_proba" else ~np.isfinite(value)
                if bad.any():
                    self.note(call, "not finite", name)
        if call.name not in ROW_BY_ROW:
            return
        if call.options.get("temperature") or call.options.get("order"):
            return  # random numbers are drawn for all rows together
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            again = _plain(_perform(self.memory, call, inputs))
        for name in answer:
            if not np.array_equal(answer[name], again[name], equal_nan=answer[name].dtype.kind in "fc"):
                self.note(call, "another call differs", name)
        self._judge_rows(call, inputs, answer)

    def _judge_rows(self, call, inputs, answer):
        X = inputs[0]
        n = X.shape[0] if hasattr(X, "shape") else len(X)
        for row in sorted({0, 1, n // 2, n - 1}) if n > 1 else ():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    alone = _plain(_perform(self.memory, call, (_one_row(X, row), None, None)))
                except Exception as error:
                    self.note(call, "row-dependent", f"row {row} alone: {type(error).__name__}: {error}")
                    return
            for name, value in answer.items():
                if len(value) == n and not _alike(value, alone[name][0], row):
                    self.note(call, "row-dependent", f"{name}, row {row}: {value[row]} in all, {alone[name][0]} alone")
                    return

    def _transport(self, call):
        ask = _usual_answer(self.Estimator)
        if call.name == "clone":
            self.memory = clone(self.memory)
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            before = _answer_or_error(self.memory, Call(ask), self.cues)
            self.memory = pickle.loads(pickle.dumps(self.memory))
            after = _answer_or_error(self.memory, Call(ask), self.cues)
        if isinstance(before, str) or isinstance(after, str):
            same = before == after
        else:
            same = all(_alike(before[name], after[name], slice(None)) for name in before)
        if not same:
            self.note(call, "pickle differs", f"{ask}: {before} before, {after} after")


def _usual_target(rng, Estimator, settings):
    if is_classifier(Estimator()):
        return str(rng.choice(["labels", "three", "strings"]))
    if is_regressor(Estimator()):
        return str(rng.choice(["floats", "floats", "two columns"]))
    if not Estimator().__sklearn_tags__().input_tags.two_d_array:
        return "labels"  # rows as strings of symbols, which are learnt from with their labels
    pairs = str(settings.get("target")) == "y" or not Estimator().__sklearn_tags__().target_tags.single_output
    return "patterns" if pairs else str(rng.choice(["labels", "none"]))


def _draw_options(rng, Estimator, name):
    choices = OPTIONS.get(name, ({},))
    options = choices[rng.integers(len(choices))]
    if not options:
        return options
    return options if options.keys() <= inspect.signature(getattr(Estimator, name)).parameters.keys() else {}


@functools.cache
def _public_methods(Estimator):
    """Names of methods and properties that are not scikit-learn's plumbing."""
    return [
        name
        for name in sorted(dir(Estimator))
        if not name.startswith(("_", "set_", "from_", "get_metadata", "get_params", "log_partition"))  # the last: slow
        and name not in vars(BaseEstimator)
        and not isinstance(inspect.getattr_static(Estimator, name), str | float | int | type(None))
    ]


def _usual_answer(Estimator):
    return next(name for name in ("predict", "transform", "score_samples") if hasattr(Estimator, name))


def _perform(memory, call, inputs):
    member = getattr(memory, "fit" if call.name == "refit" else call.name)
    if not callable(member):
        return member  # a property
    X, y, sample_weight = inputs
    if call.name == "inverse_transform":
        X = memory.transform(X)
    given = {"X": X, "patterns": X, "codes": X, "cue": X, "y": y, "Y": y if call.name == "predict_inverse" else None}
    given |= {"transitions": X, "inputs": X, "strings": X, "symbols": X, "outputs": y}
    if sample_weight is not None:
        given["sample_weight"] = sample_weight
    known = inspect.signature(member).parameters
    if call.name == "to":
        given["backend"] = "numpy"
    if "other" in known:
        given["other"] = memory
    if "masks" in known:
        given["masks"] = {}
    if "gram" in known:
        given |= _moments(X, y)
    if "parts" in known:
        given["parts"] = memory.transform(X)
    if "H" in known:
        given["H"] = memory.transform(X)
    return member(**{name: value for name, value in given.items() if name in known}, **call.options)


def _moments(X, y):
    """What `fit_moments` takes, of rows that have moments; else something that has none."""
    try:
        A, b = np.asarray(X).astype(float, casting="same_kind"), np.asarray(y).astype(float, casting="same_kind")
        with np.errstate(all="ignore"):
            means = {"X_mean": A.mean(axis=0), "y_mean": b.mean(axis=0)}
            return {"gram": A.T @ A, "Xy": A.T @ b, "yy": b.T @ b, "n_samples": len(A)} | means
    except (ValueError, TypeError):
        return {"gram": X, "Xy": y, "yy": y, "n_samples": 1}


def is_clear(error):
    """Whether an exception says in our words, or in scikit-learn's, what was wrong."""
    place, clear = _origin(error)
    return isinstance(error, CLEAR) and clear and (not place.startswith("skamem") or _says_enough(str(error)))


def _origin(error):
    """(where an exception was raised, whether by a `raise` of ours or of scikit-learn, or by its validation)."""
    frames = []
    trace = error.__traceback__
    while trace is not None:
        frames.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno, trace.tb_frame.f_code.co_name))
        trace = trace.tb_next
    filename, line, function = frames[-1]
    place = f"{filename.removeprefix(str(Path(PACKAGE).parent) + '/')}:{line} {function}"
    ours = filename.startswith((PACKAGE, SKLEARN))
    # NumPy's word on strings that are no numbers comes from there, and that on the range of a seed from below it.
    checked = filename.startswith((f"{SKLEARN}utils/", "numpy/random/_mt19937"))
    return place, (ours and line in _raising_lines(filename)) or checked


@functools.cache
def _raising_lines(filename):
    tree = ast.parse("".join(linecache.getlines(filename)))
    raises = [node for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    return {line for node in raises for line in range(node.lineno, node.end_lineno + 1)}


def _is_of_scikit_learn():
    """Whether the code of scikit-learn, called by us, is what is running: its checks of labels and float16 warn."""
    frame = sys._getframe(1)
    while frame is not None:
        filename = frame.f_code.co_filename
        if filename.startswith(PACKAGE):
            return False
        if filename.startswith(SKLEARN) and not filename.startswith(f"{SKLEARN}externals/"):
            return True
        frame = frame.f_back
    return False


def _says_enough(text):
    return len(text) >= 30 and any(mark in text for mark in "0123456789'\"=;:(`")


def _plain(result):
    """Arrays of an answer by name, whatever it is."""
    if dataclasses.is_dataclass(result):
        result = {entry.name: getattr(result, entry.name) for entry in dataclasses.fields(result)}
    if isinstance(result, tuple | list):
        result = dict(enumerate(result))
    if not isinstance(result, dict):
        result = {"": result}
    arrays = {}
    for name, value in result.items():
        if scipy.sparse.issparse(value):
            value = value.toarray()
        if hasattr(value, "detach"):
            value = value.detach().cpu().numpy()
        if isinstance(value, pd.DataFrame | np.ndarray | np.number | float | int):
            value = np.asarray(value)
            if value.dtype.kind in "biufUS":
                arrays[str(name)] = value[None] if not value.ndim else value
    return arrays


def _has_nan(value):
    return any(value.dtype.kind == "f" and np.isnan(value).any() for value in _plain(value).values())


def _is_seeded(memory):
    return memory.get_params().get("random_state", 0) is not None


def _one_row(X, row):
    if scipy.sparse.issparse(X):
        return X.tocsr()[[row], :]
    return X.iloc[row : row + 1] if isinstance(X, pd.DataFrame) else X[row : row + 1]


def _alike(batch, alone, row):
    if batch.dtype.kind != "f" or batch.dtype.name not in TOLERABLE:
        return np.array_equal(batch[row], alone)
    scale = max(np.abs(batch[np.isfinite(batch)]).max(initial=0.0), 1e-3)  # what is less may be a sum's rounding
    return np.allclose(batch[row], alone, rtol=0, atol=TOLERABLE[batch.dtype.name] * scale, equal_nan=True)


def _answer_or_error(memory, call, inputs):
    try:
        return _plain(_perform(memory, call, inputs))
    except Exception as error:
        return repr(error)


@contextlib.contextmanager
def _limited(seconds):
    def stop(number, frame):
        raise TooSlow

    previous = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)

"""Hostile and unusual input ends in an answer that keeps its promises, or in an error that says what to do."""

import inspect
import itertools
import warnings

import numpy as np
import pytest
import scipy.sparse

import skamem
from tests._estimators import ESTIMATORS

from ._cases import Call, Case, draw_case, is_clear, read_case, run, shrink
from ._data import QUIRKS, Data, fingerprint
from ._functions import APART, COUNTS, public_functions, right_arguments
from ._grammar import BY_ESTIMATOR, BY_NAME, WRONG

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def right():
    return right_arguments()


N_CASES = 200  # of each estimator, about four seconds
SLOW = {"BoltzmannMachine": 40, "RestrictedBoltzmannMachine": 40}  # their likelihoods are annealed
# Kinds of findings that are still to be mended, by estimator. Nothing may be added; what is mended goes.
KNOWN = {
    "DenseMemory": {"AttributeError"},
    "KernelMemory": {"AttributeError", "ValueError"},
    "ModernHopfieldMemory": {"row-dependent"},
    "WillshawMemory": {"TypeError"},
}


@pytest.mark.slow
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_hostile_cases_end_in_an_answer_or_a_clear_error(Estimator):
    words, lines = [], []
    n_cases = SLOW.get(Estimator.__name__, N_CASES)
    for seed in range(n_cases):
        case = draw_case(seed, Estimator)
        outcome = run(case)
        words.append(outcome.word)
        for finding in outcome.findings:
            if finding.kind not in KNOWN.get(Estimator.__name__, ()) and len(lines) < 5:
                lines.append(f'{finding}\n  python -m tests.fuzz "{shrink(case, finding, tries=50)}"')
    assert not lines, "\n".join(lines)
    assert words.count("ok") > n_cases / 4, "most cases do not get past the door"


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_every_parameter_has_its_values(Estimator):
    assert set(Estimator().get_params(deep=False)) <= BY_NAME.keys() | {name for _, name in BY_ESTIMATOR}


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_a_case_is_read_back_from_its_line(Estimator):
    for seed in range(30):
        case = draw_case(seed, Estimator)
        assert repr(read_case(repr(case))) == repr(case)
        assert repr(draw_case(seed, Estimator)) == repr(case)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in QUIRKS for value in QUIRKS[name]])
def test_data_can_be_made_in_every_form_and_shape(name, value):
    for n, p in itertools.product((0, 1, 2, 7), repeat=2):
        data = Data(n=n, p=p, **{name: value})
        first, again = data.make(), data.make()
        assert [fingerprint(part) for part in first] == [fingerprint(part) for part in again]
        assert first[0] is None or np.ndim(first[0]) or scipy.sparse.issparse(first[0])


ARGUMENTS = [
    pytest.param(function, name, id=f"{label.removeprefix('skamem.')}-{name}")
    for label, function in public_functions()
    for name in inspect.signature(function).parameters
    if name not in APART
]


@pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")
@pytest.mark.parametrize(("function", "name"), ARGUMENTS)
def test_a_wrong_argument_of_a_function_ends_in_an_answer_or_a_clear_error(function, name, right):
    unclear = []
    for value in WRONG[:-2] if name in COUNTS else WRONG:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                function(**(right[function.__name__] | {name: value}))
            except Exception as error:
                if not is_clear(error):
                    unclear.append(f"{name}={value!r}: {error!r}")
        unclear += [f"{name}={value!r}: {one.message}" for one in caught if issubclass(one.category, RuntimeWarning)]
    assert not unclear


@pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")
def test_right_arguments_are_taken(right):
    for label, function in public_functions():
        function(**right[label.rpartition(".")[2]])


def _row_dependent(memory, X):
    return np.asarray(X) - np.mean(X)


def _not_finite(memory, X):
    return np.log(np.zeros(len(X)) - 1.0)


def _wild(memory, X):
    return np.random.default_rng().standard_normal(len(X))


def _writing(memory, X):
    X[:] = 0
    return X


def _remembering(memory, X):
    memory.last_ = X
    return X


def _broken(memory, X):
    return X @ np.zeros(X.shape[1] + 1)


FAULTS = {
    _row_dependent: "row-dependent",
    _not_finite: "RuntimeWarning",
    _wild: "another call differs",
    _writing: "input changed",
    _remembering: "estimator changed",
    _broken: "ValueError",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_its_case_shrinks(fault, monkeypatch):
    monkeypatch.setattr(skamem.HebbianMemory, "predict", fault)
    case = Case(
        "HebbianMemory",
        {"update": "async", "missing": "clamp"},
        Data(n=9, p=4, values="bipolar"),
        None,
        (Call("fit"), Call("field"), Call("predict")),
    )
    found = {finding.kind: finding for finding in run(case).findings}
    assert FAULTS[fault] in found
    least = shrink(case, found[FAULTS[fault]])
    assert not least.settings
    assert least.calls == (Call("predict"),)


def test_nothing_is_found_where_nothing_is_wrong():
    case = Case("HebbianMemory", {}, Data(n=9, p=4), None, (Call("fit"), Call("field"), Call("predict")))
    assert run(case).word == "ok"
    unfitted = Case("HebbianMemory", {}, Data(), None, (Call("predict"),))
    assert run(unfitted).word == "clear error"

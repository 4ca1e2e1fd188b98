"""One answer everywhere: both doors of the backend switch, on every array library and device at hand.

Memories with integer weights are compared bit for bit, ties included.
"""

import ast
import importlib
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

import skamem
from skamem import (
    BidirectionalMemory,
    BipolarEncoder,
    DenseAMClassifier,
    DenseMemory,
    HebbianMemory,
    HolographicMemory,
    HopfieldNetwork,
    IHTRegressor,
    IHTRegressorCV,
    KernelMemory,
    MemoryClassifier,
    ModernHopfieldMemory,
    PseudoinverseMemory,
    StabilitySelection,
    WillshawMemory,
)
from skamem.core import arrays, rules, thresholds
from skamem.core.dynamics import asynchronous, synchronous
from skamem.core.fields import LinearField, QuadraticLandscape
from skamem.datasets import corrupt, make_patterns

from . import _backend_table, _places
from ._estimators import ESTIMATORS, answer, small

pytestmark = [
    pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),  # small estimators take few steps
    pytest.mark.usefixtures("short_annealing"),
]

METHODS = ["predict", "field", "energy", "decision_function", "predict_proba", "transform"]
PATTERNS = make_patterns(24, 96, random_state=0)  # load .25, and an even number: fields tie
LABELS = np.arange(24) % 3
PAIRS = make_patterns(24, 10, random_state=1)
CUES = corrupt(np.tile(PATTERNS, (2, 1)), "flip", 0.3, random_state=2)
HOLES = corrupt(CUES, "mask", 0.3, random_state=3)
SPARSE = make_patterns(24, 96, activity=0.07, coding="binary", random_state=4)
SPARSE_CUES = np.where(SPARSE * np.random.RandomState(5).uniform(size=SPARSE.shape) > 0.4, np.nan, SPARSE)
SPARSE_CUES[:2] = [[0.0], [np.nan]]  # cues that say nothing
ASYNC = {"update": "async", "n_recall_steps": 4, "random_state": 0}

# name: (estimator, y, cues)
CASES = {
    "hebbian": (HebbianMemory(zero_diagonal=True), None, CUES),
    "hebbian float32": (HebbianMemory(zero_diagonal=True, **ASYNC), None, CUES.astype("float32")),
    "hebbian async": (HebbianMemory(zero_diagonal=True, **ASYNC), None, CUES),
    "hebbian diagonal": (HebbianMemory(), None, CUES),
    "hebbian step": (HebbianMemory(activation="step", coding="binary"), None, CUES),
    "hebbian identity": (HebbianMemory(activation="identity"), None, CUES),
    "hebbian pairs": (HebbianMemory("y"), PAIRS, CUES),
    "hebbian holes": (HebbianMemory(), None, HOLES),
    "hebbian clamp async": (HebbianMemory(missing="clamp", **ASYNC), None, HOLES),
    "pseudoinverse": (PseudoinverseMemory(), None, CUES),
    "pseudoinverse async": (PseudoinverseMemory(**ASYNC), None, HOLES),
    "pseudoinverse cholesky": (PseudoinverseMemory(solver="cholesky", alpha=0.1), None, CUES),
    "pseudoinverse neumann": (PseudoinverseMemory(solver="neumann", n_layers=50), None, CUES),
    "pseudoinverse pairs": (PseudoinverseMemory("y", binarize=None), PAIRS, 0.3 * CUES),
    "hopfield": (HopfieldNetwork(random_state=0), None, HOLES),
    "hopfield storkey": (HopfieldNetwork("storkey", fit_intercept=True, random_state=0), None, CUES),
    "dense memory": (DenseMemory(random_state=0), None, HOLES),
    "dense memory sync": (DenseMemory("rectified_polynomial", degree=2.5, update="sync"), None, CUES),
    "dense memory pairs": (DenseMemory("exponential", target="y"), PAIRS, CUES),
    "willshaw": (WillshawMemory(), None, SPARSE_CUES),
    "willshaw winners": (WillshawMemory("winners", missing="clamp"), None, SPARSE_CUES),
    "willshaw fixed": (WillshawMemory(3, coding="bipolar"), None, SPARSE_CUES.astype("float32")),
    "willshaw pairs": (WillshawMemory(target="y"), PAIRS, SPARSE_CUES),
    "bidirectional": (BidirectionalMemory(), PAIRS, CUES),
    "bidirectional holes": (BidirectionalMemory(missing="clamp"), PAIRS, HOLES),
    "encoder": (BipolarEncoder("median"), None, HOLES),
    "encoder thermometer": (BipolarEncoder("thermometer"), None, HOLES),
    "encoder hyperplanes": (BipolarEncoder("hyperplanes", n_components=20, random_state=0), None, HOLES),
    "classifier": (MemoryClassifier(), LABELS, CUES),
    "classifier hebbian": (MemoryClassifier(HebbianMemory()), LABELS, CUES),
    "classifier of two": (MemoryClassifier(), LABELS > 0, CUES),
    "dense": (DenseAMClassifier(n_memories=10, max_iter=20, random_state=0), LABELS, CUES),
    "dense adversarial": (DenseAMClassifier(10, adversarial=0.3, max_iter=20, random_state=0), LABELS, CUES),
    "modern": (ModernHopfieldMemory(n_recall_steps=5), None, CUES),
    "modern dot": (ModernHopfieldMemory(0.1, similarity="dot", max_distance=9.0), None, HOLES),
    "modern local clamp": (ModernHopfieldMemory(missing="clamp", similarity="local", n_recall_steps=2), None, HOLES),
    "modern pairs": (ModernHopfieldMemory("held-out", target="y"), PAIRS, CUES),
    "kernel": (KernelMemory(n_recall_steps=3), None, CUES),
    "kernel clamp": (KernelMemory("laplacian", missing="clamp", n_recall_steps=3), None, HOLES),
    "kernel features": (KernelMemory(n_components=15, random_state=0, n_recall_steps=2), None, CUES),
    "kernel fourier": (KernelMemory(n_components=15, approximation="fourier", target="y", random_state=0), PAIRS, CUES),
    "classifier kernel": (MemoryClassifier(KernelMemory("ntk")), LABELS, CUES),
    "holographic": (HolographicMemory(random_state=0), PAIRS, CUES),
    "holographic phasors": (HolographicMemory(algebra="fhrr", n_traces=3, random_state=0, unitary=True), PAIRS, HOLES),
    "holographic signs": (HolographicMemory("passthrough", algebra="map", random_state=0), PAIRS, CUES),
    "iht": (IHTRegressor(3), PATTERNS[:, :3] @ [3.0, -2.0, 1.0], CUES),
    "stability": (StabilitySelection(n_pairs=3, random_state=0), PATTERNS[:, :3] @ [3.0, -2.0, 1.0], CUES),
    "iht cv": (IHTRegressorCV(max_features=4, cv=3), PATTERNS[:, :3] @ [3.0, -2.0, 1.0], CUES),
    "iht cv scored": (IHTRegressorCV(max_features=4, cv=3, scoring="r2"), PATTERNS[:, :3] @ [3.0, -2.0, 1.0], CUES),
}
for Estimator in ESTIMATORS:
    if not any(type(estimator) is Estimator for estimator, _, _ in CASES.values()):  # a new estimator joins as it is
        CASES[Estimator.__name__] = (small(Estimator), LABELS, CUES)
every_case = pytest.mark.parametrize("case", CASES)
one_case_each = pytest.mark.parametrize("case", ["hebbian", "pseudoinverse pairs", "classifier", "dense", "iht"])


def patterns_for(cues):
    return (SPARSE if cues.shape == SPARSE.shape else PATTERNS).astype(cues.dtype)


def outputs(estimator, cues):
    """What every method gives, by name; a `Recall` entry by entry."""
    found = {name: getattr(estimator, name)(cues) for name in METHODS if hasattr(estimator, name)}
    return found | (vars(estimator.recall(cues)) if hasattr(estimator, "recall") else {})


def check_same(found, expected, case):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].dtype == value.dtype, name
        two_valued = name == "states" and np.all(np.abs(value) <= 1) and np.all(value == np.round(value))
        if case.startswith("hebbian") or value.dtype.kind in "bi" or two_valued:
            np.testing.assert_array_equal(found[name], value, err_msg=name)
        else:
            np.testing.assert_allclose(found[name], value, rtol=1e-6, atol=1e-8, err_msg=name)


def test_ties_are_there_to_be_broken():
    memory = HebbianMemory(zero_diagonal=True).fit(PATTERNS)
    assert np.count_nonzero(memory.field(CUES) == 0) > 0.01 * CUES.size


# ----------------------------------------------------------------------------------------- door 1: follow the input


@every_case
def test_door_1_gives_the_numpy_result_where_the_input_is(case, place, dispatched):
    estimator, y, cues = CASES[case]
    expected = outputs(clone(estimator).fit(patterns_for(cues), y), cues)
    with dispatched():
        there = clone(estimator).fit(place.put(patterns_for(cues)), place.put(y))
        found = {name: place.get(value) for name, value in outputs(there, place.put(cues)).items()}
        learnt = getattr(there, "memory_", getattr(there, "estimator_", there))
        assert place.get(getattr(learnt, learnt._anchor)).size > 0  # fitted arrays stay there, too
    check_same(found, expected, case)


@pytest.mark.parametrize("case", ["hebbian", "hebbian pairs", "pseudoinverse", "pseudoinverse pairs"])
def test_door_1_stores_more_where_it_is(case, place, dispatched):
    estimator, y, cues = CASES[case]
    pieces = [slice(0, 12), slice(12, 24)]
    part = [(PATTERNS[rows], None if y is None else y[rows], np.arange(1.0, 13.0)) for rows in pieces]
    here = clone(estimator).fit(*part[0]).partial_fit(*part[1])
    with dispatched():
        there = clone(estimator)
        for arguments in part:
            there.partial_fit(*map(place.put, arguments))
        found = {name: place.get(value) for name, value in outputs(there, place.put(cues)).items()}
        score = there.score(place.put(PATTERNS), place.put(y))
    check_same(found, outputs(here, cues), case)
    assert score == pytest.approx(here.score(PATTERNS, y))


@one_case_each
def test_door_1_moves_targets_and_weights_to_the_patterns(case, place, dispatched):
    estimator, y, cues = CASES[case]
    weight = np.arange(1.0, 25.0)
    with dispatched():
        together = clone(estimator).fit(place.put(PATTERNS), place.put(y), place.put(weight))
        apart = clone(estimator).fit(place.put(PATTERNS), y, weight)
        expected = place.get(together.predict(place.put(cues)))
        np.testing.assert_allclose(place.get(apart.predict(place.put(cues))), expected)


@one_case_each
def test_door_1_does_not_mix_libraries(case, place, dispatched):
    estimator, y, _ = CASES[case]
    methods = [name for name in (*METHODS, "recall", "score", "partial_fit") if hasattr(estimator, name)]
    with dispatched():
        there, here = clone(estimator).fit(place.put(PATTERNS), place.put(y)), clone(estimator).fit(PATTERNS, y)
        for fitted, X in ((there, PATTERNS), (here, place.put(PATTERNS))):
            before = dict(vars(fitted))
            for method in methods:
                arguments = (X, y) if method in ("score", "partial_fit") else (X,)
                with pytest.raises(ValueError, match="must use the same namespace"):
                    getattr(fitted, method)(*arguments)
            assert all(vars(fitted)[name] is value for name, value in before.items())


# ------------------------------------------------------------------------------------------------- door 2: backend=

BACKENDS = ["cupy", "cupy:0", "cupy:1", "torch", "torch:cpu", "numpy", *_places.ON_GPU]


@pytest.fixture(params=BACKENDS)
def backend(request):
    """A value for ``backend=`` that works inside the test."""
    with _places.open_backend(request.param) as name:
        yield name


@every_case
def test_door_2_gives_the_numpy_result_in_numpy(case, backend):
    estimator, y, cues = CASES[case]
    X = patterns_for(cues)
    expected = outputs(clone(estimator).fit(X, y), cues)
    found = outputs(clone(estimator).set_params(backend=backend).fit(X, y), cues)
    assert all(type(value) is np.ndarray for value in found.values())
    check_same(found, expected, case)


@pytest.mark.parametrize("name", ["torch", *_places.ON_GPU])
@pytest.mark.parametrize("case", {type(estimator): case for case, (estimator, _, _) in CASES.items()}.values())
def test_door_2_in_float32(case, name):
    estimator, y, cues = CASES[case]
    rows, cues = (values[:, :32].astype("float32") for values in (patterns_for(cues), cues))
    expected = answer(clone(estimator).fit(rows, y), cues)
    with _places.open_backend(name) as backend:
        found = answer(clone(estimator).set_params(backend=backend).fit(rows, y), cues)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@one_case_each
def test_door_2_takes_data_frames_and_gives_labels_back(case, backend):
    pd = pytest.importorskip("pandas")
    estimator, y, cues = CASES[case]
    y = np.asarray(["a", "b", "c"])[LABELS] if y is LABELS else y
    frame, cues = (pd.DataFrame(array, columns=[f"unit{i}" for i in range(96)]) for array in (PATTERNS, cues))
    there = clone(estimator).set_params(backend=backend).fit(frame, y)
    predicted, expected = there.predict(cues), clone(estimator).fit(frame, y).predict(cues)
    assert type(predicted) is np.ndarray
    assert predicted.dtype == expected.dtype
    if expected.dtype.kind == "U":
        np.testing.assert_array_equal(predicted, expected)
    else:
        np.testing.assert_allclose(predicted, expected, rtol=1e-6, atol=1e-8)
    assert there.feature_names_in_.tolist() == frame.columns.tolist()


@one_case_each
def test_pickles_need_no_device(case, fake_cupy):
    estimator, y, cues = CASES[case]
    with fake_cupy():
        there = clone(estimator).set_params(backend="cupy:1").fit(PATTERNS, y)
        expected, pickled = there.predict(cues), pickle.dumps(there)
        np.testing.assert_array_equal(pickle.loads(pickled).predict(cues), expected)  # back on its device
    np.testing.assert_allclose(pickle.loads(pickled).predict(cues), expected, rtol=1e-9)  # where there is no CuPy


@one_case_each
@pytest.mark.parametrize(
    ("backend", "error", "message"),
    [
        ("abacus", ValueError, "backend='abacus' is unknown; expected None"),
        ("cupy", ImportError, r"needs the package cupy, which is not installed; install it with .*skamem\[cuda13\]"),
        ("torch:nowhere", RuntimeError, "backend='torch:nowhere' is not usable"),
    ],
)
def test_nothing_falls_back_silently(case, backend, error, message, monkeypatch):
    if backend == "cupy":
        monkeypatch.setitem(sys.modules, "cupy", None)  # not installed, whatever this machine has
    if backend.startswith("torch"):
        pytest.importorskip("torch")
    estimator, y, _ = CASES[case]
    fitted = clone(estimator).fit(PATTERNS, y).set_params(backend=backend)
    before = dict(vars(fitted))
    with pytest.raises(error, match=message):
        fitted.fit(PATTERNS, y)
    assert vars(fitted) == before


@pytest.mark.parametrize("case", [case for case in CASES if getattr(CASES[case][0], "update", "sync") != "async"])
def test_predicting_uploads_the_cues_and_nothing_else(case, fake_cupy):
    estimator, y, cues = CASES[case]
    with fake_cupy() as cupy:
        there = clone(estimator).set_params(backend="cupy").fit(PATTERNS, y)
        answer(there, cues)  # what is worked out at the first question, such as a partition function, is kept
        cupy.uploads.clear()
        answer(there, cues)
        stays_home = hasattr(there, "get_support") or case == "AssociativeImputer"  # picks columns; works on the host
        assert [shape[0] for shape in cupy.uploads] == ([] if stays_home else [len(cues)])


@pytest.mark.parametrize("backend", ["cupy", "cupy:1"])
def test_the_current_device_is_left_as_it_was(backend, fake_cupy):
    with fake_cupy() as cupy, cupy.cuda.Device(1):
        memory = HebbianMemory(backend=backend).fit(PATTERNS)
        assert cupy.cuda.Device() == cupy.cuda.Device(1)
        memory.predict(CUES)
        assert cupy.cuda.Device() == cupy.cuda.Device(1)


def test_a_classifier_hands_its_backend_to_its_memory(fake_cupy):
    with fake_cupy() as cupy:
        for classifier in (MemoryClassifier(backend="cupy"), MemoryClassifier(HebbianMemory(backend="cupy"))):
            classifier.fit(PATTERNS, LABELS)
            assert isinstance(getattr(classifier.memory_, classifier.memory_._anchor), cupy.ndarray)
            assert type(classifier.predict(CUES)) is type(classifier.predict_proba(CUES)) is np.ndarray


# ----------------------------------------------------------------------------------------- waiting for the device


def test_functions_never_wait_for_the_device(fake_cupy):
    with fake_cupy() as cupy:
        W, states, X = (cupy.asarray(a) for a in (PATTERNS.T @ PATTERNS, CUES, PATTERNS))
        exact, landscape = LinearField(W, zero_diagonal=True, exact=True), QuadraticLandscape(W)
        cupy.host_syncs.clear()
        thresholds.sign(exact(states), states), thresholds.step(landscape(states), states, landscape.tolerance)
        thresholds.k_cap(states, 3)
        landscape.energy(states), rules.correlation(X, sample_weight=X[:, 0]), rules.hebbian(X), rules.storkey(X)
        assert cupy.host_syncs.total() == 0


@pytest.mark.parametrize("dynamics", ["synchronous", "asynchronous"])
def test_recall_waits_once_a_step_however_many_units_and_rows(dynamics, fake_cupy):
    waits = set()
    with fake_cupy() as cupy:
        for n_units, n_rows in ((20, 3), (200, 3), (20, 300)):
            rng = np.random.default_rng(0)
            ring = LinearField(cupy.asarray(np.roll(np.eye(n_units), 1, axis=1)), exact=True)  # never settles
            states = cupy.asarray(rng.choice([-1.0, 1.0], size=(n_rows, n_units)))
            cupy.host_syncs.clear()
            if dynamics == "synchronous":
                synchronous(ring, states, n_steps=5)
            else:
                order = cupy.asarray(np.roll(np.arange(n_units)[::-1], 0))  # against the ring: a sweep moves it by one
                asynchronous(ring, states, n_steps=5, order=order)
            waits.add(cupy.host_syncs.total())
    assert len(waits) == 1
    assert waits.pop() <= 3 * 5


# ------------------------------------------------------------------------------------------------------ imports


def used_names():
    """What skamem takes from array namespaces, such as "linalg.eigh": attributes of whatever is called xp."""
    for path in set(Path(skamem.__file__).parent.rglob("*.py")) - {
        Path(arrays.__file__)
    }:  # which knows libraries apart
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            first, _, rest = ast.unparse(node).partition("xp.") if isinstance(node, ast.Attribute) else ("-", "", "")
            if rest and (not first or first.endswith((".", "_"))) and rest.replace(".", "").isidentifier():
                yield rest


def test_cupy_has_what_is_taken_from_it():
    pytest.importorskip("cupy")  # it imports without a GPU
    xp = importlib.import_module("array_api_compat.cupy")
    names = set(used_names())
    assert {"asarray", "linalg.eigh", "sum"} <= names
    assert not [name for name in names if not _has(xp, name)]


def _has(module, name):
    first, _, rest = name.partition(".")
    return hasattr(module, first) and (not rest or first not in ("linalg", "fft") or _has(getattr(module, first), rest))


def test_importing_skamem_imports_no_backend_and_nothing_optional():
    script = "import sys, skamem, skamem.datasets, skamem.model_selection, skamem.metrics; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "skamem.core.arrays" in loaded
    assert {"cupy", "torch", "jax", "dask", "distributed", "matplotlib", "skops"}.isdisjoint(loaded)


# --------------------------------------------------------------------------------------- the table in the documentation


@pytest.mark.skipif(not _backend_table.FILE.exists(), reason="a source distribution has no docs/")
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_the_table_of_backends_is_current(Estimator, dispatched):
    dispatched()
    for name in ("array_api_strict", "torch"):
        pytest.importorskip(name)
    row = _backend_table.row(Estimator)
    remedy = "run SCIPY_ARRAY_API=1 python -m tests._backend_table"
    assert f"\n{row}\n" in _backend_table.FILE.read_text(encoding="utf-8"), remedy


def test_the_table_says_no_where_the_answer_is_another(dispatched):
    dispatched()

    class Off(HebbianMemory):
        def predict(self, X):
            return super().predict(X) + (self.backend is not None)

    assert _backend_table.status(HebbianMemory, "NumPy") == "both doors"
    assert _backend_table.status(Off, "NumPy") == "its arrays"

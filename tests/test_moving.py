"""Fitted models move: `to` leaves everything where a fit with that backend would, and answers stay the same."""

import copy
import pickle
import sys

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import Ridge

from skamem import (
    AssemblyMemory,
    BipolarEncoder,
    DenseAMRegressor,
    HebbianMemory,
    HolographicMemory,
    HopfieldNetwork,
    IHTRegressor,
    KernelMemory,
    MagnitudePruning,
    MemoryClassifier,
    RestrictedBoltzmannMachine,
    SupportSelector,
    WillshawMemory,
)
from skamem.core import arrays
from skamem.datasets import make_patterns

from . import _places
from ._estimators import ESTIMATORS, answer, small, targets

pytestmark = [
    pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("short_annealing"),
]

X = make_patterns(24, 20, random_state=0)
LABELS = np.arange(24) % 3
LINE = X[:, :3] @ [3.0, -2.0, 1.0]

# Beside every estimator as it comes: what holds its arrays in another way.
SETTINGS = {
    "pairs": (HebbianMemory("y"), X[:, :5]),
    "few of many units": (HebbianMemory(), None),
    "a walk": (HopfieldNetwork("storkey", fit_intercept=True, random_state=0), None),
    "synapses as floats": (WillshawMemory(storage="dense"), None),
    "packed synapses": (WillshawMemory(), None),
    "few synapses": (WillshawMemory(binarize=0.5, n_active=2), None),
    "phasors": (HolographicMemory(algebra="fhrr", n_traces=2, n_components=32, random_state=0), X[:, :2]),
    "features of a kernel": (KernelMemory(n_components=8, random_state=0), None),
    "hyperplanes": (BipolarEncoder("hyperplanes", n_components=9, random_state=0), None),
    "tempered": (RestrictedBoltzmannMachine(4, max_iter=2, sampler="pt", n_temperatures=2, random_state=0), None),
    "a memory of classes": (MemoryClassifier(HebbianMemory()), LABELS),
    "a kernel of classes": (MemoryClassifier(KernelMemory("laplacian")), LABELS),
    "strict stimuli": (AssemblyMemory(60, binarize=None, homeostasis=False, random_state=0), None),
    "a real target": (DenseAMRegressor(10, max_iter=2, random_state=0), LINE),
    "a line pruned": (MagnitudePruning(Ridge(solver="svd"), sparsity=0.5, n_rounds=1), LINE),
    "a line selected": (SupportSelector(IHTRegressor(2)), LINE),
}
CASES = {Estimator.__name__: (small(Estimator), targets(Estimator, LABELS)) for Estimator in ESTIMATORS} | SETTINGS
every_case = pytest.mark.parametrize("case", CASES)
WIDE = np.where(np.random.RandomState(1).uniform(size=(8, 1100)) < 0.5, -1.0, 1.0)
STIMULI = (X > 0) * 1.0


def rows_of(case):
    if case == "few of many units":
        return WIDE
    if case == "few synapses":
        return np.eye(24, 90) + np.eye(24, 90, 40)
    return STIMULI if case == "strict stimuli" else X


def leaves(value, path=""):
    """Everything that holds numbers in a fitted attribute, at any depth, by its path."""
    if isinstance(value, dict):
        parts = {f"{path}[{key!r}]": entry for key, entry in value.items()}
    elif isinstance(value, (list, tuple)):
        parts = {f"{path}[{number}]": entry for number, entry in enumerate(value)}
    elif arrays.is_array(value) or scipy.sparse.issparse(value):
        return {path: value}
    elif isinstance(value, BaseEstimator):
        return fitted(value, f"{path}.")
    elif type(value).__module__.partition(".")[0] == "skamem" and hasattr(value, "__dict__"):
        parts = {f"{path}.{name}": entry for name, entry in vars(value).items()}
    else:
        return {}
    return {name: leaf for name, entry in parts.items() for name, leaf in leaves(entry, name).items()}


def fitted(estimator, path=""):
    """The leaves of everything that a fit leaves."""
    known = estimator.get_params(deep=False)
    found = (leaves(value, path + name) for name, value in vars(estimator).items() if name not in known)
    return {name: leaf for part in found for name, leaf in part.items()}


def place_of(leaf):
    """Where an array is, and what: sparse, of which type and shape."""
    if scipy.sparse.issparse(leaf):
        return "csr", str(leaf.dtype), leaf.shape
    place = arrays.placement_of(leaf)
    return place.xp.__name__, str(place.device), arrays.dtype_name(leaf), tuple(leaf.shape)


def places(estimator):
    return {name: place_of(leaf) for name, leaf in fitted(estimator).items()}


def check_places(found, expected):
    found, expected = places(found), places(expected)
    assert found == expected, {
        name: (found.get(name), expected.get(name))
        for name in found.keys() | expected.keys()
        if found.get(name) != expected.get(name)
    }


def check_same_answer(found, expected):
    assert type(found) is type(expected)
    assert found.dtype == expected.dtype
    if found.dtype.kind in "fc":
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)
    else:
        np.testing.assert_array_equal(found, expected)


def check_equal(found, expected):
    """The same arrays to the last bit."""
    found, expected = fitted(found), fitted(expected)
    assert found.keys() == expected.keys()
    for name, leaf in expected.items():
        assert place_of(found[name]) == place_of(leaf), name
        both = (part.toarray() if scipy.sparse.issparse(part) else part for part in (found[name], leaf))
        np.testing.assert_array_equal(*both, err_msg=name)


@pytest.fixture(params=["cupy:1", "torch", *_places.ON_GPU])
def backend(request):
    """A value for ``backend=`` that works inside the test."""
    with _places.open_backend(request.param) as name:
        yield name


@every_case
def test_a_moved_model_is_as_if_fitted_there(case, backend):
    estimator, y = CASES[case]
    rows = rows_of(case)
    here = clone(estimator).fit(rows, y)
    there = clone(estimator).set_params(backend=backend).fit(rows, y)
    expected = answer(here, rows)
    moved = copy.deepcopy(here)
    assert moved.to(backend) is moved
    assert moved.backend == backend
    check_places(moved, there)
    check_same_answer(answer(moved, rows), expected)
    check_equal(copy.deepcopy(moved).to("numpy"), here)
    check_places(there.to("numpy"), here)
    check_same_answer(answer(there, rows), expected)
    if hasattr(moved, "partial_fit") and case != "FiniteStateMemory":
        moved.partial_fit(rows, y)
        here.partial_fit(rows, y)
        check_same_answer(answer(moved, rows), answer(here, rows))
    check_places(moved.fit(rows, y), clone(estimator).set_params(backend=backend).fit(rows, y))


@every_case
def test_a_model_of_a_device_loads_where_there_is_none(case, fake_cupy):
    estimator, y = CASES[case]
    rows = rows_of(case)
    with fake_cupy():
        there = clone(estimator).set_params(backend="cupy:1").fit(rows, y)
        expected, pickled = answer(there, rows), pickle.dumps(there)
    loaded = pickle.loads(pickled)
    assert all(arrays.is_host(leaf) for leaf in fitted(loaded).values())
    check_same_answer(answer(loaded, rows), expected)
    check_same_answer(answer(loaded.to("numpy"), rows), expected)  # and says so from then on
    assert loaded.backend == "numpy"


@every_case
def test_a_model_that_followed_its_input_comes_home(case, dispatched):
    xp = pytest.importorskip("array_api_strict")
    estimator, y = CASES[case]
    rows = rows_of(case)
    with dispatched():
        there = clone(estimator).fit(*(xp.asarray(a, device=xp.Device("device1")) for a in (rows, y) if a is not None))
        there.to("numpy")
    assert all(arrays.is_host(leaf) for leaf in fitted(there).values())
    check_same_answer(answer(there, rows), answer(clone(estimator).fit(rows, y), rows))


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_one_that_is_not_fitted_will_compute_there(Estimator, fake_cupy):
    with fake_cupy() as cupy:
        estimator = small(Estimator).to("cupy:1").fit(X, targets(Estimator, LABELS))
        there = [leaf for leaf in fitted(estimator).values() if not arrays.is_host(leaf)]
        assert there
        assert all(leaf.device == cupy.cuda.Device(1) for leaf in there)
        assert cupy.cuda.Device() == cupy.cuda.Device(0)


def test_a_moved_model_may_follow_its_input(place, dispatched):
    library = {"cupy": "cupy", "torch": "torch"}.get(arrays.placement_of(place.put(X)).xp.__name__.rpartition(".")[2])
    if library is None:
        pytest.skip("no backend has this name")
    name = f"torch:{place.device}" if library == "torch" else "cupy"
    memory = HebbianMemory().fit(X).to(name).set_params(backend=None)
    with dispatched():
        np.testing.assert_array_equal(place.get(memory.predict(place.put(X))), HebbianMemory().fit(X).predict(X))


@pytest.mark.parametrize(
    ("memory", "backend", "error", "message"),
    [
        (HebbianMemory(), None, ValueError, r"HebbianMemory.to\(None\) names no place; expected 'numpy', 'cupy'"),
        (HebbianMemory(), "gpu", ValueError, "backend='gpu' is unknown; expected"),
        (HebbianMemory(), "cupy:7", RuntimeError, "backend='cupy:7' names no device"),
        (WillshawMemory(storage="packed"), "cupy", ValueError, "storage='packed' lives in the memory of the host"),
    ],
)
def test_what_cannot_move_stays_as_it_is(memory, backend, error, message, fake_cupy):
    memory.fit(X)
    before = dict(vars(memory))
    with fake_cupy(), pytest.raises(error, match=message):
        memory.to(backend)
    assert vars(memory) == before


def test_without_the_package_nothing_moves(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    memory = HebbianMemory().fit(X)
    with pytest.raises(ImportError, match=r"needs the package cupy, which is not installed; install it with"):
        memory.to("cupy")
    assert memory.backend is None


def test_a_twin_that_shares_the_arrays_stays(fake_cupy):
    model = MemoryClassifier().fit(X, LABELS)
    with fake_cupy():
        twin = copy.copy(model).to("cupy")
        assert model.memory_.backend is None
        assert arrays.is_host(model._home())
        assert not arrays.is_host(twin._home())
        np.testing.assert_array_equal(twin.predict(X), model.predict(X))


def test_float32_stays_float32(fake_cupy):
    memory = KernelMemory().fit(X.astype("float32"))
    with fake_cupy():
        memory.to("cupy")
        assert {arrays.dtype_name(leaf) for leaf in (memory.patterns_, memory.coefficients_)} == {"float32"}
        assert memory.predict(X.astype("float32")).dtype == np.float32


def test_the_device_of_the_caller_stays_current(fake_cupy):
    with fake_cupy() as cupy, cupy.cuda.Device(1):
        memory = HebbianMemory().fit(X).to("cupy:0")
        assert cupy.cuda.Device() == cupy.cuda.Device(1)
        assert memory._home().device == cupy.cuda.Device(0)
        assert memory.to("cupy:1")._home().device == cupy.cuda.Device(1)

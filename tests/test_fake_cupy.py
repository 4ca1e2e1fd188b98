"""The fake CuPy refuses what CuPy refuses, computes what NumPy computes, and goes away again."""

import copy
import importlib
import importlib.util
import pickle
import sys
import threading
import types

import array_api_compat
import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import Ridge
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import check_array_api_input_and_values

from ._fake_cupy import cupy_fixture, fake_cupy  # noqa: F401

VALUES = np.asarray([[4.0, 1.0], [1.0, 3.0]])
HOST = np.ones((2, 2))


@pytest.fixture
def x(cupy):
    return cupy.asarray(VALUES)


# ---------------------------------------------------------------------------------------------------- the wall


@pytest.mark.parametrize(
    "leak",
    [
        "np.asarray(x)",
        "np.array([x, x])",
        "np.exp(x)",
        "np.sum(x)",
        "np.stack([x, x])",
        "np.linalg.svd(x)",
        "np.where(HOST > 0, x, 0.0)",
        "x + HOST",
        "HOST + x",
        "np.asarray(2.0) * x",
        "x @ HOST",
        "x == HOST",
        "x + [1.0, 2.0]",
        "x == 'auto'",
        "x.__iadd__(HOST)",
        "HOST.copy().__iadd__(x)",
        "x[HOST > 0]",
        "x[np.asarray([0])]",
        "x.__setitem__(HOST > 0, 0.0)",
        "x.__setitem__(0, HOST[0])",
        "x.__setitem__(0, [1.0, 2.0])",
        "HOST.copy().__setitem__(0, x[0])",
        "HOST[x[0, 1]]",
        "range(x[0, 0])",
        "x.dot(HOST)",
        "x.sum(out=np.zeros(()))",
    ],
)
def test_numpy_and_lists_do_not_pass(x, leak):
    with pytest.raises(TypeError):
        eval(leak)


@pytest.mark.parametrize(
    "leak",
    [
        "cupy.exp(HOST)",
        "cupy.add(x, HOST)",
        "cupy.exp(x, out=HOST.copy())",
        "cupy.concatenate([x, HOST])",
        "cupy.linalg.svd(HOST)",
        "cupy.sum([1.0, 2.0])",
        "cupy.from_dlpack(HOST)",
    ],
)
def test_functions_take_device_arrays_only(cupy, x, leak):
    with pytest.raises(TypeError):
        eval(leak)


def test_the_wording_is_that_of_cupy(cupy, x):
    with pytest.raises(TypeError, match=r"Implicit conversion to a NumPy array is not allowed. Please use `.get\(\)`"):
        np.asarray(x)
    with pytest.raises(TypeError, match="Unsupported type <class 'numpy.ndarray'>"):
        x + HOST
    with pytest.raises(ValueError, match="Unsupported dtype"):
        cupy.asarray(["a"])


# ---------------------------------------------------------------------------------------------------- the sums


@pytest.mark.parametrize(
    "compute",
    [
        "2 - x / 3 + x**2 // 1 - x % 2",
        "np.float64(2) * x - x * np.float32(2)",
        "-abs(x) @ x.T",
        "(x > 1) & ~(x == 3) | (x != x)",
        "xp.exp(x[:, None, 0]).sum(axis=0)",
        "xp.where(x > 1, x, xp.zeros_like(x))",
        "xp.concatenate([x, x[::-1]], axis=1).mean(axis=1)",
        "xp.einsum('ij,kj->ik', x, x)",
        "xp.asarray([x[0, 0], x[1, 1]])",
        "x[x > 1]",
        "x[xp.asarray([1, 0]), 0]",
        "x[: xp.sum(x > 3)]",
        "x[1, 1]",
        "x.astype(xp.float32).mT.reshape(-1)",
        "xp.unique(x, return_counts=True)[1]",
        "xp.argsort(x, axis=None)",
        "xp.linalg.svd(x, full_matrices=False)[1]",
        "xp.linalg.qr(x)[1]",
        "xp.linalg.cholesky(x)",
        "xp.linalg.solve(x, x[0]) + xp.linalg.inv(x) + xp.linalg.pinv(x)",
        "xp.linalg.eigh(x)[0] + xp.linalg.norm(x)",
        "xp.fft.ifft(xp.fft.fft(x)).real",
        "xp.log(x * 0)",  # no warning: the tests turn warnings into errors
    ],
)
def test_values_and_dtypes_are_those_of_numpy(cupy, x, compute):
    result = eval(compute, {"xp": cupy, "np": np, "x": x})
    with np.errstate(all="ignore"):
        expected = eval(compute, {"xp": np, "np": np, "x": VALUES})
    assert isinstance(result, cupy.ndarray)
    assert (result.shape, result.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(cupy.asnumpy(result), expected)


def test_views_share_memory_and_uploads_do_not(cupy):
    host = np.zeros((2, 3))
    same = x = cupy.asarray(host)
    x *= 1.0
    assert cupy.asarray(x) is x is same
    x[0] += 1.0  # a row, a 0-d view, the transpose, a mask
    corner = x[1, 2]
    corner += 5.0
    x.T[0] *= 3.0
    x[x == 0.0] = -1.0
    duplicate = copy.deepcopy(x)
    duplicate[...] = 9.0
    assert x.tolist() == [[3.0, 1.0, 1.0], [-1.0, -1.0, 5.0]]
    assert not host.any()


def test_a_failed_solver_is_silent(cupy):
    singular = cupy.ones((2, 2))
    for solution in (cupy.linalg.solve(singular, singular), cupy.linalg.inv(singular), cupy.linalg.cholesky(-singular)):
        assert bool(cupy.isnan(solution).all())
    with pytest.raises(np.linalg.LinAlgError):
        cupy.linalg.inv(cupy.ones((2, 3)))


# ------------------------------------------------------------------------------------------------ the counters


def test_waits_and_uploads_are_counted(cupy, x):
    y = (x @ x).sum() + cupy.zeros(()) + cupy.asarray(1.0)
    assert (cupy.host_syncs.total(), cupy.uploads) == (0, [(2, 2)])
    if y > 0:
        float(y)
    _ = x[x > 0], cupy.nonzero(x), x.get()
    assert cupy.host_syncs == {"bool": 1, "float": 1, "mask": 1, "nonzero": 1, "get": 1}


def test_what_moves_is_counted_in_bytes(cupy, x):
    float(x[0, 0]), x[0].get()
    cupy.asarray(np.ones(3, dtype="f4")), cupy.asarray(x)
    assert (cupy.uploads, cupy.downloads) == ([(2, 2), (3,)], [(2,)])
    assert cupy.traffic == {"to device": 32 + 12, "to host": 8 + 16}


# ------------------------------------------------------------------------------------------------- the devices


def test_operands_lie_on_the_current_device(cupy, x):
    with cupy.cuda.Device(1) as device:
        y = cupy.asarray(VALUES)
        assert y.device == device != x.device
        assert (y + y).device == device
        with pytest.raises(ValueError, match=r"resides \(0\) is different from the current device \(1\)"):
            x + y
    assert cupy.cuda.Device() == x.device
    assert y.T[0].device == device  # a view needs no kernel
    for forgotten in (lambda: y + 1, lambda: y + cupy.zeros(2), lambda: cupy.exp(y), lambda: y.sum()):
        with pytest.raises(ValueError, match="Peer access is unavailable"):
            forgotten()
    assert cupy.asarray(y).device == y.copy().device == x.device
    assert copy.deepcopy(y).device == device


def test_the_current_device_belongs_to_the_thread(cupy):
    devices = []
    with cupy.cuda.Device(1):
        thread = threading.Thread(target=lambda: devices.append(cupy.cuda.Device().id))
        thread.start()
        thread.join()
    assert devices == [0]


def test_there_are_as_many_devices_as_wanted():
    with fake_cupy(n_devices=1) as cupy:
        assert cupy.cuda.runtime.getDeviceCount() == 1
        with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match="cudaErrorInvalidDevice"):
            cupy.cuda.Device(1).use()


def test_cupy_without_a_driver_imports_and_does_nothing():
    with fake_cupy(available=False) as cupy:
        assert importlib.import_module("cupy") is cupy
        assert importlib.util.find_spec("cupy") is not None
        assert not cupy.is_available()
        assert not cupy.cuda.is_available()
        for use in (cupy.cuda.runtime.getDeviceCount, cupy.cuda.Device, lambda: cupy.asarray(1), lambda: cupy.zeros(1)):
            with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match="cudaErrorInsufficientDriver"):
                use()


# ------------------------------------------------------------------------------------- array-api-compat and more


def test_array_api_compat_takes_its_cupy_branch(cupy, x):
    xp = array_api_compat.array_namespace(x)
    assert xp is importlib.import_module("array_api_compat.cupy")
    assert array_api_compat.is_cupy_array(x)
    assert array_api_compat.is_cupy_namespace(xp)
    assert array_api_compat.device(x) == cupy.cuda.Device(0)
    assert xp.asarray(VALUES, device=cupy.cuda.Device(1)).device == cupy.cuda.Device(1)
    assert array_api_compat.to_device(x, cupy.cuda.Device(1)).device == cupy.cuda.Device(1)
    np.testing.assert_array_equal(array_api_compat.to_device(x, "cpu"), VALUES)
    np.testing.assert_array_equal(xp.unique_values(xp.sign(x)).get(), [1.0])
    assert xp.isdtype(xp.astype(x, xp.float32).dtype, "real floating")
    assert float(xp.linalg.vector_norm(xp.linalg.svd(x).U[:, 0])) == pytest.approx(1.0)
    with pytest.raises(TypeError, match="Multiple namespaces"):
        array_api_compat.array_namespace(x, HOST)


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.1.0", reason="numpy.from_dlpack has no `device` yet")
def test_dlpack_gives_a_copy_to_the_host_that_asks_for_it(cupy, x):
    with pytest.raises(BufferError):
        np.from_dlpack(x)
    y = np.from_dlpack(x, device="cpu")
    x += 1.0
    np.testing.assert_array_equal(y, VALUES)
    assert isinstance(cupy.from_dlpack(x), cupy.ndarray)


@pytest.mark.parametrize(
    "estimator",
    [
        MinMaxScaler(),
        PCA(n_components=2),
        Ridge(solver="svd"),
        LinearDiscriminantAnalysis(),
    ],
)
def test_scikit_learn_computes_on_it(cupy, estimator):
    check_array_api_input_and_values(type(estimator).__name__, estimator, array_namespace="cupy")
    assert cupy.uploads


class CentredWithNumPy(MinMaxScaler):
    """A mutant: one NumPy function in code that is array-API code otherwise."""

    def transform(self, X):
        return super().transform(X) - np.mean(X)


def test_scikit_learn_finds_a_numpy_function_by_it(cupy):
    with pytest.raises(TypeError, match="numpy.mean was called on a CuPy array"):
        check_array_api_input_and_values("CentredWithNumPy", CentredWithNumPy(), array_namespace="cupy")


# --------------------------------------------------------------------------------------------------- no traces


def names_built_on_cupy():
    return {name for name in sys.modules if "cupy" in name and "fake_cupy" not in name}


def test_it_leaves_no_trace():
    before = names_built_on_cupy()
    with fake_cupy() as cupy:
        x = cupy.asarray(VALUES)
        array_api_compat.array_namespace(x)
        assert names_built_on_cupy() > before
    assert names_built_on_cupy() == before
    assert not hasattr(array_api_compat, "cupy") or "cupy" in before
    assert not array_api_compat.is_cupy_array(x)
    with pytest.raises(cupy.cuda.runtime.CUDARuntimeError):
        x + 1


def test_each_block_has_its_own_modules():
    namespaces = []
    for _ in range(2):
        with fake_cupy() as cupy:
            namespaces.append(array_api_compat.array_namespace(cupy.zeros(1)))
            assert namespaces[-1].host_syncs is cupy.host_syncs
    assert namespaces[0] is not namespaces[1]


def test_an_installed_cupy_comes_back(monkeypatch):
    installed, its_linalg = types.ModuleType("cupy"), types.ModuleType("cupy.linalg")
    installed.linalg = its_linalg
    monkeypatch.setitem(sys.modules, "cupy", installed)
    monkeypatch.setitem(sys.modules, "cupy.linalg", its_linalg)
    with fake_cupy() as cupy:
        assert sys.modules["cupy"] is cupy is not installed
    assert sys.modules["cupy"] is installed
    assert sys.modules["cupy.linalg"] is installed.linalg is its_linalg


def test_a_pickle_of_a_device_array_needs_cupy():
    with fake_cupy() as cupy:
        pickled = pickle.dumps(cupy.asarray(VALUES))
        np.testing.assert_array_equal(pickle.loads(pickled).get(), VALUES)
    if importlib.util.find_spec("cupy") is None:
        with pytest.raises(ModuleNotFoundError, match="cupy"):
            pickle.loads(pickled)

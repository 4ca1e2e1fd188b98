"""One answer on every backend: NumPy, array-api-strict on both its devices, torch, and through the `backend=` door."""

import importlib.util
import os

import numpy as np
import pytest
import scipy.sparse
import sklearn

from skamem.core import arrays
from skamem.sparse import IHTRegressor

dispatched = pytest.mark.skipif(
    os.environ.get("SCIPY_ARRAY_API") != "1", reason="needs SCIPY_ARRAY_API=1 before SciPy is imported"
)


def _strict(name):
    xp = pytest.importorskip("array_api_strict")
    return xp, xp.Device(name)


def _torch():
    torch = pytest.importorskip("torch")
    return torch, torch.device("cpu")


PLACES = {"strict": lambda: _strict("CPU_DEVICE"), "strict-device1": lambda: _strict("device1"), "torch": _torch}


def problem(dtype):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 120)).astype(dtype)
    Y = X[:, :4] @ rng.standard_normal((4, 2)) + 0.5 * rng.standard_normal((80, 2))
    return X, Y.astype(dtype), rng.uniform(0.5, 2.0, 80).astype(dtype)


@dispatched
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("params", [{"n_nonzero_coefs": 6}, {}, {"effort": "fast"}, {"multi_output": "independent"}])
def test_every_namespace_gives_the_numpy_result(place, dtype, params):
    xp, device = PLACES[place]()
    X, Y, weights = problem(dtype)
    expected = IHTRegressor(**params).fit(X, Y, weights)
    moved = [xp.asarray(a, device=device) for a in (X, Y, weights)]
    with sklearn.config_context(array_api_dispatch=True):
        model = IHTRegressor(**params).fit(*moved)
        predicted = model.predict(moved[0])
    np.testing.assert_array_equal(arrays.to_numpy(model.support_), expected.support_)
    rtol = 1e-9 if dtype == "float64" else 1e-4
    np.testing.assert_allclose(arrays.to_numpy(model.coef_), expected.coef_, rtol=rtol)
    np.testing.assert_allclose(arrays.to_numpy(predicted), expected.predict(X), rtol=rtol, atol=rtol)
    for fitted in (model.coef_, model.intercept_, model.support_, predicted):
        assert arrays.device(fitted) == device
    assert model.coef_.dtype == moved[0].dtype
    assert predicted.dtype == moved[0].dtype


@dispatched
def test_predict_refuses_another_namespace():
    xp, device = _strict("CPU_DEVICE")
    X, Y, _ = problem("float64")
    with sklearn.config_context(array_api_dispatch=True):
        model = IHTRegressor(3).fit(xp.asarray(X, device=device), xp.asarray(Y, device=device))
        with pytest.raises(ValueError, match=r"IHTRegressor\.predict\(\) must use the same namespace"):
            model.predict(X)


def test_torch_behind_the_door():
    pytest.importorskip("torch")
    X, Y, weights = problem("float64")
    expected = IHTRegressor(6).fit(X, Y, weights)
    model = IHTRegressor(6, backend="torch").fit(X, Y, weights)
    np.testing.assert_array_equal(arrays.to_numpy(model.support_), expected.support_)
    predicted = model.predict(X)
    assert isinstance(predicted, np.ndarray)
    np.testing.assert_allclose(predicted, expected.predict(X), rtol=1e-9)


def test_sparse_input_stays_on_the_host():
    pytest.importorskip("torch")
    X = scipy.sparse.csr_array(np.eye(10))
    with pytest.raises(ValueError, match="sparse input is supported on the host"):
        IHTRegressor(2, backend="torch").fit(X, np.arange(10.0))


def test_missing_device_is_an_error():
    if importlib.util.find_spec("cupy") is not None:
        pytest.skip("CuPy is installed")
    with pytest.raises(ImportError, match=r"pip install 'skamem\[cuda13\]'"):
        IHTRegressor(2, backend="cupy").fit(np.eye(10), np.arange(10.0))

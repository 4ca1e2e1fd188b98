"""The array-backend switch: what goes in comes out, nothing falls back silently."""

import sys

import array_api_compat.numpy
import numpy as np
import pytest
import scipy.sparse

from skamem.core import arrays
from skamem.core.arrays import Placement, resolve_backend

VALUES = np.arange(6.0).reshape(2, 3)


# ------------------------------------------------------------------------------------------- from here to there


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "bool"])
def test_a_round_trip_keeps_values_and_dtype(place, dtype):
    values = VALUES.astype(dtype)
    placement = Placement(place.xp, place.device, returns_numpy=True)
    moved = placement.asarray(values)
    assert arrays.same_place(moved, placement)
    assert not arrays.is_host(moved)
    back = placement.release(moved)
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, values)
    assert Placement(place.xp, place.device, returns_numpy=False).release(moved) is moved
    assert placement.asarray(moved) is moved


@pytest.mark.parametrize("returns_numpy", [True, False])
@pytest.mark.parametrize("dtype", [None, "float32", "float64"])
def test_results_are_joined_and_given_in_the_callers_type_where_the_caller_is(place, returns_numpy, dtype):
    placement = Placement(place.xp, place.device, returns_numpy, dtype and getattr(place.xp, dtype))

    def look(array):
        assert arrays.is_host(array) == returns_numpy
        return array if returns_numpy else place.get(array)

    there, counts = place.put(VALUES), place.put([1, 2])
    for blocks in ([there, there], [VALUES, VALUES], iter([there, VALUES])):  # from there, from the host, from both
        joined = look(placement.give(blocks))
        assert joined.dtype == (dtype or "float64")
        np.testing.assert_array_equal(joined, np.concatenate([VALUES, VALUES]))
    one = look(placement.give(there))
    np.testing.assert_array_equal(one, VALUES)
    values, numbers = map(look, placement.give([(there, counts), (there, np.asarray([1, 2]))]))
    assert (values.shape, values.dtype, numbers.dtype) == ((4, 3), dtype or "float64", "int64")
    np.testing.assert_array_equal(numbers, [1, 2, 1, 2])


def test_the_wider_type_holds_all(place):
    single, double = place.put(VALUES.astype("float32")), place.put(VALUES)
    xp = place.xp
    assert arrays.wider_dtype(xp, single, None, VALUES.astype("float32")) == xp.float32
    assert arrays.wider_dtype(xp, single, double) == arrays.wider_dtype(xp, single, VALUES) == xp.float64
    assert arrays.wider_dtype(xp, place.put([1, 2])) == xp.float64


@pytest.mark.parametrize(
    "awkward",
    [VALUES[::-1], VALUES.T, np.broadcast_to(VALUES[0], (2, 3)), scipy.sparse.csr_array(VALUES), VALUES.tolist()],
    ids=["negative strides", "transposed", "read-only", "sparse", "list"],
)
def test_arrays_of_any_layout_can_be_moved(place, awkward):
    expected = awkward.toarray() if scipy.sparse.issparse(awkward) else np.asarray(awkward)
    moved = Placement(place.xp, place.device, returns_numpy=True).asarray(awkward)
    np.testing.assert_array_equal(place.get(moved), expected)


def test_dtype_changes_on_the_way(place):
    placement = Placement(place.xp, place.device, returns_numpy=True)
    for array in (VALUES, place.put(VALUES), VALUES.tolist()):
        assert placement.asarray(array, place.xp.float32).dtype == place.xp.float32
    assert placement.asarray(None, place.xp.float32) is None


def test_placement_of_an_array_is_where_it_is(place):
    array = place.put(VALUES)
    placement = arrays.placement_of(array)
    assert (placement.xp, placement.device) == (place.xp, place.device)
    assert arrays.same_place(array, placement)
    assert not arrays.same_place(VALUES, placement)
    assert not arrays.same_place(array, arrays.placement_of(VALUES))
    assert arrays.namespace(None, array, None) is place.xp


def test_another_device_is_another_place():
    xp = pytest.importorskip("array_api_strict")
    there = arrays.placement_of(xp.ones(2, device=xp.Device("device1")))
    assert not arrays.same_place(xp.ones(2), there)
    assert arrays.same_place(xp.ones(2, device=xp.Device("device1")), there)


def test_copies_share_nothing(place):
    array = place.put(VALUES)
    duplicate = arrays.copy(array)
    duplicate[0, 0] = 99.0
    np.testing.assert_array_equal(place.get(array), VALUES)
    assert arrays.device(duplicate) == place.device


@pytest.mark.parametrize("labels", [np.asarray([3, 7]), np.asarray([0.5, 1.5]), np.asarray([False, True])])
def test_number_labels_live_where_the_winners_do(place, labels):
    taken = arrays.take_labels(labels, place.put([1, 0, 1]))
    np.testing.assert_array_equal(place.get(taken), labels[[1, 0, 1]])


def test_string_labels_live_on_the_host(place):
    taken = arrays.take_labels(np.asarray(["no", "yes"]), place.put([1, 0, 1]))
    assert taken.tolist() == ["yes", "no", "yes"]


def test_the_namespace_follows_the_input_only_under_dispatch(place, dispatched):
    array = place.put(VALUES)
    assert arrays.input_namespace(array) is array_api_compat.numpy
    with dispatched():
        assert arrays.input_namespace(array) is place.xp
        assert arrays.input_namespace(scipy.sparse.csr_array(VALUES)) is array_api_compat.numpy
        assert arrays.input_namespace(VALUES.tolist()) is array_api_compat.numpy


@pytest.mark.parametrize(
    ("array_like", "shape"), [(None, ()), ([[1, 2]], (1, 2)), (VALUES, (2, 3)), (scipy.sparse.eye_array(3), (3, 3))]
)
def test_shape_of(array_like, shape):
    assert arrays.shape_of(array_like) == shape


# ------------------------------------------------------------------------------------------------ backend=


@pytest.mark.parametrize("backend", ["jax", "numpy:0", "", "cupy1", 3, True, ("cupy",)])
def test_an_unknown_backend_is_refused(backend):
    with pytest.raises(ValueError, match="is unknown; expected None .* 'cupy:<index>', 'torch'"):
        resolve_backend(backend, VALUES)


def test_no_backend_follows_the_input(place):
    placement = resolve_backend(None, place.put(VALUES))
    assert (placement.xp, placement.device, placement.returns_numpy) == (place.xp, place.device, False)


def test_numpy_by_name_returns_numpy():
    placement = resolve_backend("numpy", VALUES)
    assert placement.xp is array_api_compat.numpy
    assert placement.returns_numpy


@pytest.mark.parametrize(
    ("package", "remedy"), [("cupy", r"pip install 'skamem\[cuda13\]'"), ("torch", "pip install torch")]
)
def test_a_missing_package_raises_with_the_install_line(package, remedy, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=f"needs the package {package}, which is not installed.*{remedy}"):
        resolve_backend(package, VALUES)


def test_cupy_without_a_gpu_raises(fake_cupy):
    with fake_cupy(available=False), pytest.raises(RuntimeError, match=r"found none.*nvidia-smi.*skamem\[cuda12\]"):
        resolve_backend("cupy", VALUES)


@pytest.mark.parametrize("backend", ["cupy:2", "cupy:-1", "cupy:x"])
def test_a_missing_cupy_device_raises(backend, fake_cupy):
    with fake_cupy(n_devices=2), pytest.raises(RuntimeError, match=f"backend='{backend}' names no device; found 2"):
        resolve_backend(backend, VALUES)


@pytest.mark.parametrize(("backend", "index"), [("cupy", 0), ("cupy:0", 0), ("cupy:1", 1)])
def test_cupy_devices_are_numbered(backend, index, fake_cupy):
    with fake_cupy() as cupy:
        placement = resolve_backend(backend, VALUES)
        assert placement.device == cupy.cuda.Device(index)
        assert placement.asarray(VALUES).device == cupy.cuda.Device(index)


@pytest.mark.parametrize("backend", ["torch:", "cupy:", "torchcuda", ":"])
def test_names_without_a_device_after_the_colon_are_unknown(backend):
    assert not arrays.is_backend_name(backend)
    with pytest.raises(ValueError, match="is unknown; expected"):
        arrays.resolve_backend(backend, None)


def test_devices_of_torch_are_to_be_named():
    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError, match=r"is unknown; expected .* Write 'torch:cpu'\.$"):
        arrays.resolve_backend(torch.device("cpu"), None)
    with pytest.raises(RuntimeError, match="'torch:meta' is not usable: its tensors hold no numbers"):
        arrays.resolve_backend("torch:meta", None)


def test_what_torch_says_ends_with_one_full_stop():
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(RuntimeError, match=r"\w\. Use backend='torch' for the CPU"):
        arrays.resolve_backend("torch:cuda", None)


@pytest.mark.parametrize("backend", ["torch:nowhere", "torch:cuda:99"])
def test_a_missing_torch_device_raises(backend):
    pytest.importorskip("torch")
    with pytest.raises(RuntimeError, match=f"backend='{backend}' is not usable.*backend='torch' for the CPU"):
        resolve_backend(backend, VALUES)


@pytest.mark.parametrize("backend", ["torch", "torch:cpu"])
def test_torch_computes_on_the_cpu_unless_told_otherwise(backend):
    torch = pytest.importorskip("torch")
    assert resolve_backend(backend, VALUES).asarray(VALUES).device == torch.device("cpu")


# ------------------------------------------------------------------------------------------ streaming, solving


@pytest.mark.parametrize(("dtype", "expected"), [("float32", "float32"), ("float64", "float64"), ("int64", "float64")])
def test_float_dtype(place, dtype, expected):
    assert arrays.float_dtype(place.put(VALUES.astype(dtype)), place.xp) == getattr(place.xp, expected)
    # what is still on the host, sparse or not, on its way there
    for waiting in (VALUES.astype(dtype), scipy.sparse.csr_array(VALUES.astype(dtype))):
        assert arrays.float_dtype(waiting, place.xp) == getattr(place.xp, expected)


@pytest.mark.parametrize(("dtype", "spectrum"), [("float32", "complex64"), ("float64", "complex128")])
@pytest.mark.parametrize("n", [1, 2, 7, 8])
def test_fourier_transforms_keep_the_precision_and_come_back(place, dtype, spectrum, n):
    rows = np.random.default_rng(0).standard_normal((3, n)).astype(dtype)
    there = arrays.rfft(place.put(rows))
    angles = -2j * np.pi * np.outer(np.arange(n), np.arange(n // 2 + 1)) / n
    assert arrays.rfft(rows).dtype == spectrum
    assert place.get(there).dtype == spectrum
    for found in (place.get(there), arrays.rfft(rows)):
        np.testing.assert_allclose(found, rows @ np.exp(angles), atol=1e-5)
    for back in (place.get(arrays.irfft(there, n)), arrays.irfft(arrays.rfft(rows), n)):
        assert back.dtype == dtype
        np.testing.assert_allclose(back, rows, atol=1e-6)


@pytest.mark.parametrize("bounds", [{"min": 0.0}, {"max": 0.5}, {"min": -0.5, "max": 0.5}])
def test_values_are_held_between_bounds_without_a_wait(bounds, place):
    values = np.asarray([[-1.0, -0.25, 0.0], [0.25, np.nan, np.inf]], dtype="float32")
    found = place.get(arrays.clip(place.put(values), **bounds))
    np.testing.assert_array_equal(found, np.clip(values, bounds.get("min"), bounds.get("max")))
    assert found.dtype == np.float32
    low = place.put(np.asarray([0.0, -1.0, 0.5]))
    held = arrays.clip(place.put(values.astype("float64")), min=low)
    np.testing.assert_array_equal(place.get(held), np.clip(values, [0.0, -1.0, 0.5], None))


def test_a_clip_on_cupy_waits_for_nothing(fake_cupy):
    with fake_cupy() as cupy:
        x = cupy.asarray(np.arange(6.0))
        arrays.clip(x, 1.0, 4.0), arrays.clip(x, min=x[2])
        assert cupy.host_syncs.total() == 0

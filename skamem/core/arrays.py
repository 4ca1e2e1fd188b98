"""The array-backend switch: the only module that knows NumPy from CuPy from torch.

Everything above this floor is array-API code: it asks `namespace` for ``xp`` once per call and never names a backend.

Two doors lead in. With ``backend=None`` an estimator follows its input, scikit-learn's own convention: under
``sklearn.config_context(array_api_dispatch=True)`` CuPy, torch or array-api-strict arrays go in and the same kind, on
the same device, comes out. With ``backend="cupy"`` (``"cupy:1"``, ``"torch"``, ``"torch:cuda"``, ``"numpy"``) host
input is moved at the door, computed there, and NumPy comes back.
"""

import contextlib
import functools
import importlib
import itertools
import sys
from dataclasses import dataclass
from typing import Any

import array_api_compat
import array_api_compat.numpy
import numpy as np
import scipy.fft
import scipy.sparse
from sklearn import get_config

__all__ = [
    "PLACE_NAMES",
    "WHOLE_IN_FLOAT32",
    "Placement",
    "clip",
    "copy",
    "device",
    "device_scope",
    "division_by_zero_expected",
    "dtype_name",
    "float_dtype",
    "has_current_device",
    "host_checks_are_free",
    "input_namespace",
    "irfft",
    "is_array",
    "is_backend_name",
    "is_host",
    "kth_largest",
    "namespace",
    "overflow_expected",
    "placement_of",
    "resolve_backend",
    "rfft",
    "same_place",
    "shape_of",
    "sign",
    "take_labels",
    "to_numpy",
    "wider_dtype",
    "widest_float",
]

WHOLE_IN_FLOAT32 = 2**23
"""Below it float32 holds all whole numbers, and their halves too, which recall adds to tell ties."""

device = array_api_compat.device
is_array = array_api_compat.is_array_api_obj


def namespace(*arrays):
    """Array-API namespace shared by `arrays`; ``None`` entries are skipped.

    Parameters
    ----------
    *arrays : array or None
        Arrays of one library.

    Returns
    -------
    xp : module
        The namespace, wrapped by array-api-compat where the library needs it.
    """
    if {*map(type, arrays)} - _NOTHING == _NUMPY:  # the common case, asked for thousands of times a fit
        return array_api_compat.numpy
    return array_api_compat.array_namespace(*[a for a in arrays if a is not None])


_NUMPY, _NOTHING = frozenset({np.ndarray}), frozenset({type(None)})


def input_namespace(X):
    """Namespace that validation will leave `X` in: its own under array-API dispatch, NumPy otherwise.

    Call it before validation, which computes, and within `device_scope`: the device of `X` becomes the current one.
    """
    if get_config()["array_api_dispatch"] and is_array(X) and not scipy.sparse.issparse(X):
        placement_of(X).use()
        return namespace(X)
    return array_api_compat.numpy


def is_host(array):
    """Whether `array` is a NumPy array or a SciPy sparse one."""
    return isinstance(array, np.ndarray | np.generic) or scipy.sparse.issparse(array)


def to_numpy(array):
    """Bring an array of any backend to the host as NumPy; NumPy and sparse input pass unchanged.

    Parameters
    ----------
    array : array
        Array of any supported library and device.

    Returns
    -------
    array : ndarray
        Shares memory with the input where the library allows it.
    """
    if is_host(array):
        return array
    if array_api_compat.is_cupy_array(array):
        return array.get()
    if array_api_compat.is_torch_array(array):
        return array.detach().cpu().numpy()
    xp = namespace(array)
    if array_api_compat.is_array_api_strict_namespace(xp):
        array = array.to_device(xp.Device("CPU_DEVICE"))
    return np.asarray(array)


@dataclass(frozen=True)
class Placement:
    """Where an estimator computes, and how its results go back to the caller.

    Parameters
    ----------
    xp : module
        Array-API namespace.
    device : object
        Device of that namespace; None for its default.
    returns_numpy : bool
        True behind the ``backend=`` door: results go back as NumPy.
    dtype : dtype of `xp`, default=None
        Floating type of the caller's data, in which results go back; None for that in which they were computed.
    working_dtype : dtype of `xp`, default=None
        Floating type to compute in: the wider of `dtype` and that of the fitted arrays; None where nothing is fitted.
    """

    xp: Any
    device: Any
    returns_numpy: bool
    dtype: Any = None
    working_dtype: Any = None

    def asarray(self, array, dtype=None):
        """Move `array` here, from the host or from another library; None passes unchanged.

        Parameters
        ----------
        array : array-like or None
            What to move. Sparse matrices become dense.
        dtype : dtype of `xp`, default=None
            Type of the result; None keeps that of the input.

        Returns
        -------
        array : array
            Lives on this placement. May share memory with the input.
        """
        if array is None:
            return None
        if is_array(array) and not scipy.sparse.issparse(array) and same_place(array, self):
            return array if dtype is None or array.dtype == dtype else self.xp.astype(array, dtype)
        host = to_numpy(array) if is_array(array) or scipy.sparse.issparse(array) else np.asarray(array)
        if scipy.sparse.issparse(host):
            host = host.toarray()
        if self.xp is not array_api_compat.numpy:
            # torch refuses negative strides and warns about read-only memory that it would share.
            host = np.require(host, requirements=["C", "W"])
        return self.xp.asarray(host, dtype=dtype, device=self.device)

    def between(self, data, fitted):
        """This placement, for the caller's `data` and a `fitted` array or None: with `dtype` and `working_dtype`."""
        dtype = wider_dtype(self.xp, data)
        working_dtype = dtype if dtype == self.xp.float64 else wider_dtype(self.xp, fitted)
        return Placement(self.xp, self.device, self.returns_numpy, dtype, working_dtype)

    def use(self):
        """Make this the current device where the library has such a thing (CuPy); see `device_scope`."""
        if array_api_compat.is_cupy_namespace(self.xp):
            self.device.use()

    def give(self, blocks, n_rows=None):
        """Hand results to the caller: joined, floats in the type of the caller's data, where the caller's data are.

        Parameters
        ----------
        blocks : array, or iterable of arrays or of tuples of arrays
            Results, or their rows block by block, from this placement or from the host; at least one block. With
            tuples there are several results.
        n_rows : int, default=None
            Rows of all blocks, if known: then there is no second copy of them.

        Returns
        -------
        result : array or tuple of arrays
            NumPy behind the ``backend=`` door; shares no memory with `blocks`.
        """
        blocks = iter([blocks] if is_array(blocks) else blocks)
        first = next(blocks)
        several = isinstance(first, tuple)
        given = (tuple(map(self._given, b if several else (b,))) for b in itertools.chain([first], blocks))
        return _joined(given, n_rows) if several else _joined(given, n_rows)[0]

    def _given(self, part):
        if type(part) is np.ndarray and self.xp is array_api_compat.numpy:  # the common case, at once
            return part if self.dtype is None or part.dtype.kind != "f" else part.astype(self.dtype, copy=False)
        dtype = self.dtype if namespace(part).isdtype(part.dtype, "real floating") else None
        if is_host(part) and self.returns_numpy:  # without a detour over this placement
            return part if dtype is None else part.astype("f4" if dtype == self.xp.float32 else "f8", copy=False)
        part = self.asarray(part, dtype)
        return to_numpy(part) if self.returns_numpy else part

    def release(self, array):
        """An array as it is, NumPy behind the ``backend=`` door: for what is no result in the caller's type."""
        return to_numpy(array) if self.returns_numpy else array


def _joined(blocks, n_rows):
    if n_rows is None:
        return tuple(namespace(*parts).concat(parts, axis=0) for parts in zip(*blocks, strict=True))
    whole, start = None, 0
    for block in blocks:
        if whole is None:
            whole = [namespace(p).empty((n_rows, *p.shape[1:]), dtype=p.dtype, device=device(p)) for p in block]
        stop = start + block[0].shape[0]
        for place, part in zip(whole, block, strict=True):
            place[start:stop, ...] = part
        start = stop
    return tuple(whole)


def shape_of(array_like):
    """Shape of an array or of what NumPy would make of it; () for None."""
    if array_like is None:
        return ()
    return tuple(array_like.shape) if hasattr(array_like, "shape") else np.asarray(array_like, dtype=object).shape


def placement_of(array, *, returns_numpy=False, dtype=None):
    """Placement on which `array` lives."""
    if is_host(array):
        return Placement(array_api_compat.numpy, None, returns_numpy, dtype)
    return Placement(namespace(array), device(array), returns_numpy, dtype)


def same_place(array, placement):
    """Whether `array` lives in the namespace and on the device of `placement`."""
    if is_host(array):
        return placement.xp is array_api_compat.numpy
    return namespace(array) is placement.xp and placement.device in (None, device(array))


PLACE_NAMES = "'numpy', 'cupy', 'cupy:<index>', 'torch' or 'torch:<device>'"
BACKEND_NAMES = f"None (follow the input), {PLACE_NAMES}"


def is_backend_name(value):
    """Whether `value` is a name that ``backend=`` takes; such a library or device need not be there."""
    if not isinstance(value, str):
        return False
    name, colon, where = value.partition(":")
    return value == "numpy" or (name in ("cupy", "torch") and bool(where) == bool(colon))


def resolve_backend(backend, X):
    """Open the door: where an estimator with this ``backend=`` computes on validated input `X`.

    Parameters
    ----------
    backend : None, "numpy", "cupy", "cupy:<index>", "torch" or "torch:<device>"
        None follows `X`.
    X : array or sparse matrix
        Validated input.

    Returns
    -------
    placement : Placement

    Raises
    ------
    ValueError
        For an unknown name.
    ImportError
        When the package is missing; the message has the install line.
    RuntimeError
        When the package is there but the device is not. Nothing falls back silently.
    """
    if backend is None:
        return placement_of(X)
    if not is_backend_name(backend):
        hint = f" Write 'torch:{backend}'." if type(backend).__module__ == "torch" else ""
        raise ValueError(f"backend={backend!r} is unknown; expected {BACKEND_NAMES}.{hint}")
    name, _, where = backend.partition(":")
    if name == "cupy":
        return _cupy_placement(where)
    return _torch_placement(where) if name == "torch" else Placement(array_api_compat.numpy, None, returns_numpy=True)


def _import(name, remedy):
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"backend={name!r} needs the package {name}, which is not installed; {remedy}") from error


_INSTALL_CUPY = (
    "install it with `pip install 'skamem[cuda13]'` (CUDA 13) or `pip install 'skamem[cuda12]'` (CUDA 12), "
    "or use backend='numpy'."
)


def _cupy_placement(index):
    cupy = _import("cupy", _INSTALL_CUPY)
    if not cupy.is_available():
        raise RuntimeError(
            f"backend='cupy' needs an NVIDIA GPU with its driver; CuPy {cupy.__version__} found none. Check "
            f"`nvidia-smi`; if the CUDA version differs from CuPy's, {_INSTALL_CUPY}"
        )
    n_devices = cupy.cuda.runtime.getDeviceCount()
    if index and not (index.isdigit() and int(index) < n_devices):
        raise RuntimeError(f"backend='cupy:{index}' names no device; found {n_devices}, expected cupy:0 .. "
                           f"cupy:{n_devices - 1}.")  # fmt: skip
    xp = importlib.import_module("array_api_compat.cupy")
    return Placement(xp, cupy.cuda.Device(int(index or 0)), returns_numpy=True)


def _torch_placement(where):
    torch = _import("torch", "install it with `pip install torch` (https://pytorch.org), or use backend='numpy'.")
    try:
        where = torch.device(where or "cpu")
        where = torch.empty(0, device=where).device  # "cuda" becomes "cuda:0", and a missing device fails here
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise RuntimeError(
            f"backend='torch:{where}' is not usable: {str(error).rstrip(' .')}. Use backend='torch' for the CPU, or "
            "install a torch built for your device (https://pytorch.org)."
        ) from error
    if where.type == "meta":
        raise RuntimeError("backend='torch:meta' is not usable: its tensors hold no numbers. Use backend='torch'.")
    return Placement(importlib.import_module("array_api_compat.torch"), where, returns_numpy=True)


def has_current_device():
    """Whether the process has a library with a current device (CuPy), which `device_scope` then looks after."""
    return "cupy" in sys.modules


@contextlib.contextmanager
def device_scope(array=None):
    """Restore CuPy's current device on leaving, if CuPy is in use; inside, a CuPy `array`'s device is current."""
    cupy = sys.modules.get("cupy")
    if cupy is None or not cupy.is_available():
        yield
        return
    with cupy.cuda.Device():
        if array_api_compat.is_cupy_array(array):
            array.device.use()
        yield


def dtype_name(array):
    """Name of an array's dtype, "float32" say: dtypes of different libraries do not compare."""
    dtype = array.dtype
    return _numpy_name(dtype) if isinstance(dtype, np.dtype) else str(dtype).rpartition(".")[2]


_numpy_name = functools.cache(str)


def float_dtype(array, xp):
    """The float32 of `xp` for float32 input of any library, sparse input included; its float64 for everything else."""
    return xp.float32 if dtype_name(array) == "float32" else xp.float64


def wider_dtype(xp, *arrays):
    """Floating type of `xp` that holds all of `arrays`: float32 if all are float32, else float64; None is skipped."""
    for array in arrays:
        if array is not None and dtype_name(array) != "float32":
            return xp.float64
    return xp.float32


def widest_float(array):
    """The float64 of the namespace of `array` where its device has one, else the dtype of `array`."""
    xp = namespace(array)
    if array.dtype == xp.float64:
        return xp.float64
    return xp.__array_namespace_info__().dtypes(device=device(array)).get("float64", array.dtype)


def clip(array, min=None, max=None):
    """Values held between bounds, numbers or arrays: on CuPy by its own kernel; array-api-compat's waits for masks."""
    return array.clip(min, max) if array_api_compat.is_cupy_array(array) else namespace(array).clip(array, min, max)


def copy(array):
    """A copy of `array` on its own device."""
    return namespace(array).asarray(array, copy=True)


def take_labels(classes, winners):
    """Labels, of `classes` on the host, by index: where `winners` live if they are numbers, NumPy if strings."""
    labels = classes[to_numpy(winners)]
    return placement_of(winners).asarray(labels) if labels.dtype.kind in "biuf" else labels


def host_checks_are_free(xp):
    """Whether a Python bool of an array costs nothing here (host memory), so that work may be skipped by looking."""
    return xp is array_api_compat.numpy


def overflow_expected():
    """Context in which NumPy does not warn of infinities and what they lead to, as other libraries never do."""
    return np.errstate(over="ignore", invalid="ignore")


def division_by_zero_expected():
    """Context in which NumPy does not warn of what a division by 0 gives, as other libraries never do."""
    return np.errstate(divide="ignore", invalid="ignore")


def sign(array, xp):
    """Sign of an array that has no NaN, for which the compatibility layer would look."""
    return np.sign(array) if xp is array_api_compat.numpy else xp.sign(array)


def rfft(rows):
    """Discrete Fourier transform of real rows (..., n) along the last axis: (..., n // 2 + 1) complex numbers."""
    xp = namespace(rows)  # SciPy's transforms several rows at a time in vector registers, NumPy's one after another
    return scipy.fft.rfft(rows) if xp is array_api_compat.numpy else xp.fft.rfft(rows, axis=-1)


def irfft(spectra, n):
    """Real rows of length `n`, along the last axis, from the spectra that `rfft` gives."""
    xp = namespace(spectra)
    return scipy.fft.irfft(spectra, n) if xp is array_api_compat.numpy else xp.fft.irfft(spectra, n=n, axis=-1)


def kth_largest(values, k, xp):
    """The k-th largest entry along the last axis, which is kept; by selection in host memory, by sorting elsewhere."""
    if xp is array_api_compat.numpy:
        return np.partition(values, -k, axis=-1)[..., -k, None]
    return xp.sort(values, axis=-1, descending=True)[..., k - 1 : k]

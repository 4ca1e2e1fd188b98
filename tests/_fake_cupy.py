"""A `cupy` for machines without a GPU: NumPy arrays behind a wall. A test tool, not an emulator.

    with fake_cupy() as cupy:
        x = cupy.asarray([1.0, 2.0])
        np.asarray(x)           # TypeError, as with CuPy
        cupy.host_syncs         # Counter: how often the host waited for the device, by what it called
        cupy.uploads            # list: the shape of every array that went from host to device
    cupy.downloads          # list: the shape of every array that came back
    cupy.traffic            # Counter: their bytes, "to device" and "to host"

`import cupy` finds it inside the block, so array-api-compat, SciPy and scikit-learn take their real CuPy branches.

As CuPy: no implicit conversion to NumPy, no NumPy operands, 0-d arrays instead of scalars, views that share memory,
pickles that need `cupy` to load, no floating-point warnings, NaN instead of LinAlgError from a failed `cholesky`, `inv`
or `solve`. Results live on the *current* device, which belongs to the thread, and operands elsewhere raise, as on GPUs
without peer access: compute with an array of device 1 under `with x.device:`. `xp.zeros(3, device=x.device)` alone does
not help, array-api-compat ignores that `device`.

Stricter than CuPy, because array-API code needs neither: NumPy functions (`np.exp(x)`, `np.linalg.svd(x)`), which CuPy
would send to itself, and NumPy index arrays, which it would upload, raise TypeError. An index out of bounds raises
IndexError; CuPy wraps around.

It cannot show kernels, precision, memory, streams or time, does not reach worker processes, and has every function of
NumPy, also those that CuPy lacks (array-api-strict tells which are standard). It does not replace a run on a GPU.
"""

import contextlib
import functools
import importlib.machinery
import operator
import sys
import threading
import types
from collections import Counter

import numpy as np
import pytest
import scipy.special

SCALARS = (bool, int, float, complex, np.generic)
DTYPES = "?bBhHiIlLqQefdFD"  # CuPy has no others: no object, no string, no long double

# The methods and operators of an array. Views stay on the array's device, everything else is a kernel.
ATTRIBUTES = "dtype flags itemsize nbytes ndim size strides"
VIEW_ATTRIBUTES = "T imag mT real"
VIEW_METHODS = "ravel reshape squeeze swapaxes transpose view"
METHODS = (
    "all any argmax argmin argpartition argsort clip compress conj conjugate cumprod cumsum diagonal dot fill flatten "
    "max mean min nonzero partition prod put repeat round searchsorted sort std sum take trace var"
)
UNARY_OPERATORS = "abs invert neg pos"
COMPARISONS = "eq ge gt le lt ne"
BINARY_OPERATORS = "add and floordiv lshift matmul mod mul or pow rshift sub truediv xor"

# Functions that look at shapes and dtypes only.
HOST_FUNCTIONS = (
    "broadcast_shapes can_cast iscomplexobj isdtype isrealobj isscalar issubdtype may_share_memory ndim promote_types "
    "result_type shape shares_memory size"
)
# Functions whose first argument may be a list or a tuple: of arrays, or a shape.
LIST_FUNCTIONS = (
    "column_stack concatenate dstack empty full hstack indices ones random random_sample select stack standard_normal "
    "vstack zeros"
)
# Functions whose result has a shape that depends on the values: the host waits for it.
WAITING_FUNCTIONS = "argwhere bincount compress extract flatnonzero intersect1d nonzero setdiff1d union1d unique"

# ------------------------------------------------------------------------------------------------- the machine


class Machine:
    def __init__(self, n_devices):
        self.n_devices = n_devices
        self.thread = threading.local()
        self.host_syncs = Counter()
        self.uploads, self.downloads, self.traffic = [], [], Counter()


machine = Machine(n_devices=0)  # so that arrays left over from `fake_cupy()` find no device


class CUDARuntimeError(RuntimeError):
    pass


def get_device_count():
    if machine.n_devices == 0:
        reason = "CUDA driver version is insufficient for CUDA runtime version"
        raise CUDARuntimeError(f"cudaErrorInsufficientDriver: {reason}")
    return machine.n_devices


def get_device():
    get_device_count()
    return getattr(machine.thread, "device_id", 0)


def set_device(device_id):
    if not 0 <= device_id < get_device_count():
        raise CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
    machine.thread.device_id = device_id


class Device:
    """`cupy.cuda.Device`; like CuPy's it is not hashable."""

    def __init__(self, device=None):
        self.id = get_device() if device is None else int(device)
        self.outer_ids = []

    def __int__(self):
        return self.id

    def __eq__(self, other):
        return self.id == other.id if isinstance(other, Device) else NotImplemented

    def __repr__(self):
        return f"<CUDA Device {self.id}>"

    def __enter__(self):
        self.outer_ids.append(get_device())
        return self.use()

    def __exit__(self, *exc_info):
        set_device(self.outer_ids.pop())

    def use(self):
        set_device(self.id)
        return self

    def synchronize(self):
        machine.host_syncs["synchronize"] += 1


# -------------------------------------------------------------------------------------------------- the arrays


def unwrap(value):
    """The NumPy side of an argument. Arrays of the host or of a device that is not current are refused."""
    if isinstance(value, (list, tuple)):
        return (list if isinstance(value, list) else tuple)(map(unwrap, value))
    if isinstance(value, slice):  # CuPy reads bounds that are arrays
        return slice(*(int(b) if isinstance(b, ndarray) else b for b in (value.start, value.stop, value.step)))
    if isinstance(value, ndarray):
        if value.device_id != get_device():
            raise ValueError(
                f"The device where the array resides ({value.device_id}) is different from the current device "
                f"({get_device()}). Peer access is unavailable between these devices."
            )
        return value.values
    if hasattr(value, "__array__") and not isinstance(value, (type, np.generic)):
        raise TypeError(f"Unsupported type {type(value)}")
    return value


def wrap(result):
    """The result of a NumPy function, on the current device."""
    if isinstance(result, (list, tuple)):
        return (list if isinstance(result, list) else tuple)(map(wrap, result))
    if isinstance(result, (np.ndarray, *SCALARS)):
        return ndarray(np.asarray(result), get_device())
    return result


def kernel(function):
    """A NumPy function, or an unbound method of NumPy's arrays, that takes and returns device arrays."""
    may_take_list = function.__name__ in LIST_FUNCTIONS.split()
    waits = function.__name__ in WAITING_FUNCTIONS.split()

    @functools.wraps(function)
    def launch(*args, **kwargs):
        get_device()
        if args and isinstance(args[0], (list, tuple)) and not may_take_list:
            raise TypeError(f"Unsupported type {type(args[0])}")
        if waits:
            machine.host_syncs[function.__name__] += 1
        with np.errstate(all="ignore"):
            result = function(*unwrap(args), **{key: unwrap(value) for key, value in kwargs.items()})
        return wrap(result) if kwargs.get("out") is None else kwargs["out"]

    return launch


def binary_operator(name, *, reflected=False, in_place=False):
    compute = kernel(getattr(operator, f"__i{name}__" if in_place else f"__{name}__"))

    def method(self, other):
        if not isinstance(other, (ndarray, type(None), *SCALARS)):
            raise TypeError(f"Unsupported type {type(other)}")
        result = compute(other, self) if reflected else compute(self, other)
        return self if in_place else result

    return method


def view(function):
    return lambda self, *args, **kwargs: ndarray(function(self.values, *args, **kwargs), self.device_id)


def host_read(name, function):
    def method(self):
        machine.host_syncs[name] += 1
        machine.traffic["to host"] += self.nbytes
        if self.ndim > 0:
            machine.downloads.append(self.shape)
        return function(self.values)

    return method


class ndarray:
    """`cupy.ndarray`, over the NumPy array `values` that stands for memory of device `device_id`."""

    __module__ = "cupy"
    __hash__ = None  # __eq__ comes below, with the other operators

    def __init__(self, values, device_id):
        self.values = values
        self.device_id = device_id

    # What NumPy asks for and does not get.

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. "
            "Please use `.get()` to construct a NumPy array explicitly."
        )

    def __array_function__(self, function, classes, args, kwargs):
        raise TypeError(f"{function.__module__}.{function.__name__} was called on a CuPy array")

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if method == "__call__" and isinstance(inputs[0], np.generic) and not kwargs:
            return kernel(ufunc)(*inputs)  # `np.float64(2) * x` arrives here and is fine for CuPy
        unwrap(inputs)
        raise TypeError(f"numpy.{ufunc.__name__} was called on a CuPy array")

    # The ways to the host. Each waits for the device. There is no __index__, as in CuPy.

    get = host_read("get", np.ndarray.copy)
    item = host_read("item", np.ndarray.item)
    tolist = host_read("tolist", np.ndarray.tolist)
    __bool__ = host_read("bool", bool)
    __int__ = host_read("int", int)
    __float__ = host_read("float", float)
    __complex__ = host_read("complex", complex)
    __repr__ = host_read("repr", repr)

    def __reduce__(self):
        return array, (self.get(),)

    def __dlpack_device__(self):
        return 2, self.device_id  # 2 is CUDA

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        if dl_device != (1, 0):  # 1 is the CPU
            raise BufferError("the fake has no device memory to hand over, only a copy for the CPU")
        if copy is False:
            raise ValueError("GPU memory cannot be exported to CPU without copy.")
        return self.get().__dlpack__(max_version=max_version)

    # The array as a container.

    @property
    def device(self):
        return Device(self.device_id)

    @property
    def shape(self):
        return self.values.shape

    @shape.setter
    def shape(self, shape):
        self.values = self.values.reshape(shape, copy=False)

    def astype(self, dtype, order="K", *, copy=True):
        return self if not copy and self.dtype == dtype else kernel(np.ndarray.astype)(self, dtype, order)

    def copy(self, order="C"):
        return array(self, order=order)

    __copy__ = copy

    def __deepcopy__(self, memo):
        with self.device:
            return self.copy()

    def __len__(self):
        return len(self.values)

    def __iter__(self):
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key):
        key = key if isinstance(key, tuple) else (key,)
        if all(k is None or k is ... or isinstance(k, (int, np.integer, slice)) for k in key):
            if not any(k is ... for k in key):
                key = (*key, ...)  # with an ellipsis NumPy returns a view where it would return a scalar
            return ndarray(self.values[unwrap(key)], self.device_id)
        if any(isinstance(k, ndarray) and k.dtype == bool for k in key):
            machine.host_syncs["mask"] += 1
        return kernel(operator.getitem)(self, key)

    def __setitem__(self, key, value):
        if not isinstance(value, (ndarray, *SCALARS)):
            raise TypeError(f"Unsupported type {type(value)}")
        kernel(operator.setitem)(self, key, value)


for name in ATTRIBUTES.split():
    setattr(ndarray, name, property(operator.attrgetter(f"values.{name}")))
for name in VIEW_ATTRIBUTES.split():
    setattr(ndarray, name, property(view(operator.attrgetter(name))))
for name in VIEW_METHODS.split():
    setattr(ndarray, name, view(getattr(np.ndarray, name)))
for name in METHODS.split():
    setattr(ndarray, name, kernel(getattr(np.ndarray, name)))
for name in UNARY_OPERATORS.split():
    setattr(ndarray, f"__{name}__", kernel(getattr(operator, f"__{name}__")))
for name in COMPARISONS.split():
    setattr(ndarray, f"__{name}__", binary_operator(name))
for name in BINARY_OPERATORS.split():
    setattr(ndarray, f"__{name}__", binary_operator(name))
    setattr(ndarray, f"__r{name}__", binary_operator(name, reflected=True))
    setattr(ndarray, f"__i{name}__", binary_operator(name, in_place=True))

# ------------------------------------------------------------------------------------------------- the modules


def holds_device_array(obj):
    return isinstance(obj, ndarray) or (isinstance(obj, (list, tuple)) and any(map(holds_device_array, obj)))


def array(obj, dtype=None, copy=True, order="K", *, ndmin=0):
    options = {"dtype": dtype, "order": order, "ndmin": ndmin}
    device_id = get_device()
    if isinstance(obj, ndarray):
        if obj.device_id != device_id:
            obj, copy = ndarray(obj.values.copy(), device_id), None
        values = np.array(obj.values, copy=copy or None, **options)  # False is CuPy 13's "if needed"
        return obj if values is obj.values else ndarray(values, device_id)
    if holds_device_array(obj):
        return ndarray(np.array(unwrap(obj), **options), device_id)
    values = np.array(obj, **options)  # always a copy: host and device share no memory
    if values.dtype.char not in DTYPES:
        raise ValueError(f"Unsupported dtype {values.dtype}")
    machine.traffic["to device"] += values.nbytes
    if values.ndim > 0:
        machine.uploads.append(values.shape)
    return ndarray(values, device_id)


array.__module__ = "cupy"  # where a pickled array looks for it


def asarray(obj, dtype=None, order="K"):
    return array(obj, dtype, copy=None, order=order)


def asnumpy(obj):
    return obj.get() if isinstance(obj, ndarray) else np.asarray(obj)


def is_available():
    return machine.n_devices > 0


def host_function(function):
    return lambda *args, **kwargs: function(*[a.values if isinstance(a, ndarray) else a for a in args], **kwargs)


def without_report(solver):
    """NaN where NumPy's solver raises: CuPy does not ask cuSOLVER whether it succeeded, because that would wait."""

    @functools.wraps(solver)
    def solve(*args):
        try:
            return solver(*args)
        except np.linalg.LinAlgError as error:
            if "Singular" not in str(error) and "not positive definite" not in str(error):
                raise
            return np.full_like(args[-1], np.nan, dtype=np.result_type(args[-1], np.float32))

    return solve


def kernels(source):
    """The public functions of a module or a random generator as kernels, its types and constants as they are."""
    members = {name: getattr(source, name) for name in dir(source) if not name.startswith("_")}
    return {
        name: kernel(member) if hasattr(member, "__name__") and not isinstance(member, type) else member
        for name, member in members.items()
        if not isinstance(member, types.ModuleType)
    }


def fake_modules():
    """Build `cupy` and those of its submodules that array-api-compat, SciPy and scikit-learn know."""
    runtime = {"getDevice": get_device, "getDeviceCount": get_device_count, "setDevice": set_device}
    runtime["CUDARuntimeError"] = CUDARuntimeError
    contents = {
        "cupy": {
            **kernels(np),
            **{name: host_function(getattr(np, name)) for name in HOST_FUNCTIONS.split()},
            **{member.__name__: member for member in (array, asarray, asnumpy, is_available, ndarray)},
            "host_syncs": machine.host_syncs,
            **{name: getattr(machine, name) for name in ("uploads", "downloads", "traffic")},
            "__version__": "14.0.0+fake",
        },
        "cupy.cuda": {"Device": Device, "is_available": is_available},
        "cupy.cuda.device": {"Device": Device},
        "cupy.cuda.runtime": runtime,
        "cupy.fft": kernels(np.fft),
        "cupy.linalg": kernels(np.linalg)
        | {f.__name__: kernel(without_report(f)) for f in (np.linalg.cholesky, np.linalg.inv, np.linalg.solve)},
        "cupy.random": kernels(np.random.RandomState()),  # without CuPy's generators and numbers
        "cupyx": {},
        "cupyx.scipy": {},
        "cupyx.scipy.special": kernels(scipy.special),
        # Old releases of array-api-compat import these.
        "cupy.cuda.stream": {},
        "cupy_backends": {},
        "cupy_backends.cuda": {},
        "cupy_backends.cuda.api": {},
        "cupy_backends.cuda.api.runtime": runtime,
    }
    modules = {}
    for name, members in contents.items():
        modules[name] = types.ModuleType(name, "A fake for tests.")
        modules[name].__spec__ = importlib.machinery.ModuleSpec(name, loader=None)  # for importlib.util.find_spec
        vars(modules[name]).update(members)
    return modules


def put_in(modules):
    """Enter modules in `sys.modules` and in their packages."""
    sys.modules.update(modules)
    for name, module in modules.items():
        package, _, child = name.rpartition(".")
        if package:
            setattr(sys.modules[package], child, module)


def take_out():
    """Remove the modules named `cupy` or built on it, such as `array_api_compat.cupy`, and return them."""
    roots = {"cupy", "cupyx", "cupy_backends"}
    taken = {name: module for name, module in sys.modules.items() if roots & set(name.split("."))}
    for name in taken:
        del sys.modules[name]
    for name in taken:
        package, _, child = name.rpartition(".")
        if package in sys.modules:
            vars(sys.modules[package]).pop(child, None)
    return taken


def forget_namespaces():
    """Clear what array-api-compat, also where it is vendored, and skamem remember about classes and modules."""
    for name, module in list(sys.modules.items()):
        if name.endswith(("array_api_compat.common._helpers", "skamem.core.arrays")):
            for member in list(vars(module).values()):
                if hasattr(member, "cache_clear"):
                    member.cache_clear()


@contextlib.contextmanager
def fake_cupy(*, available=True, n_devices=2):
    """Install the fake `cupy`, and leave no trace of it afterwards.

    Parameters
    ----------
    available : bool, default=True
        False: CuPy is installed but there is no driver. It imports, `cupy.is_available()` is False, and everything
        that needs a device raises `cupy.cuda.runtime.CUDARuntimeError`.
    n_devices : int, default=2
        The number of devices.

    Yields
    ------
    cupy : module
        What `import cupy` gives inside the block.
    """
    global machine
    outer_machine, machine = machine, Machine(n_devices if available else 0)
    outer_modules = take_out()
    put_in(fake_modules())
    forget_namespaces()
    try:
        yield sys.modules["cupy"]
    finally:
        take_out()
        put_in(outer_modules)
        forget_namespaces()
        machine = outer_machine


@pytest.fixture(name="cupy")
def cupy_fixture():
    with fake_cupy() as cupy:
        yield cupy

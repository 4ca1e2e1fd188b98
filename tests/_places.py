"""Places to compute: every array library and device at hand, and what to do where one is missing."""

import contextlib
import importlib
import os
from dataclasses import dataclass
from typing import Any

import array_api_compat
import numpy as np
import pytest
from sklearn import config_context

from skamem.core import arrays

from ._fake_cupy import fake_cupy

PLACES = [
    "array_api_strict-CPU_DEVICE",
    "array_api_strict-device1",
    "torch-cpu",
    "fake_cupy-0",
    pytest.param("torch-cuda", marks=pytest.mark.gpu),
    pytest.param("cupy-0", marks=pytest.mark.gpu),
]


ON_GPU = [pytest.param(f"gpu {name}", marks=pytest.mark.gpu) for name in ("cupy", "torch:cuda")]
"""Values for ``backend=`` on a device that has to be there, for `open_backend`."""


def skip_unless_required(reason):
    """Skip; fail where SKAMEM_REQUIRE_ARRAY_API says that nothing may be missing (in CI)."""
    if os.environ.get("SKAMEM_REQUIRE_ARRAY_API"):
        pytest.fail(f"{reason}, and SKAMEM_REQUIRE_ARRAY_API is set", pytrace=False)
    pytest.skip(reason)


def dispatched():
    """Context in which estimators follow their input, scikit-learn's convention."""
    if not os.environ.get("SCIPY_ARRAY_API"):
        skip_unless_required("SCIPY_ARRAY_API=1 is not set")
    return config_context(array_api_dispatch=True)


@dataclass(frozen=True)
class Place:
    """An array library and one of its devices."""

    xp: Any
    device: Any

    @classmethod
    def of(cls, array):
        return cls(array_api_compat.array_namespace(array), array_api_compat.device(array))

    def put(self, array):
        """A NumPy array, list or None, moved here."""
        return None if array is None else self.xp.asarray(np.asarray(array), device=self.device)

    def get(self, array):
        """An array of this place as NumPy; an array of any other place fails the test."""
        assert Place.of(array) == self
        return arrays.to_numpy(array)


@contextlib.contextmanager
def open_place(name):
    """`Place` by its name in `PLACES`; skips the test where there is none."""
    library, _, where = name.partition("-")
    if library == "fake_cupy":
        with fake_cupy() as cupy:
            yield Place.of(cupy.ones(1))
        return
    try:
        xp = importlib.import_module(library)
    except ImportError:
        (pytest.skip if library == "cupy" else skip_unless_required)(f"{library} is not installed")
    if (library == "cupy" or where == "cuda") and not xp.cuda.is_available():
        pytest.skip(f"{library} finds no GPU")
    yield Place.of(xp.ones(1) if library == "cupy" else xp.ones(1, device=getattr(xp, "Device", str)(where)))


@contextlib.contextmanager
def open_backend(name):
    """A value for ``backend=`` that works inside: CuPy is a fake one, unless the name begins with "gpu "."""
    _, real, name = name.rpartition("gpu ")
    library = name.partition(":")[0]
    if library == "cupy" and not real:
        with fake_cupy():
            yield name
        return
    if library != "numpy":
        library = pytest.importorskip(library)
        if real and not library.cuda.is_available():
            pytest.skip(f"{name} finds no GPU")
    yield name

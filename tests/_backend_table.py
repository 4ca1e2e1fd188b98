"""The table of the documentation that says which estimator gives NumPy's answer where, by which door.

    SCIPY_ARRAY_API=1 python -m tests._backend_table

writes docs/user_guide/backends.inc from what runs here; `tests/test_backends.py` holds it to be current, row by row.
"""

import contextlib
import importlib
import importlib.util
import warnings
from pathlib import Path

import numpy as np
from sklearn import config_context

from skamem.core import arrays
from skamem.datasets import make_patterns

from ._estimators import ESTIMATORS, answer, small, targets
from ._fake_cupy import fake_cupy

FILE = Path(__file__).parents[1] / "docs" / "user_guide" / "backends.inc"
X = make_patterns(24, 20, random_state=0)
LABELS = np.arange(24) % 3

# Column: (module whose arrays go in, a value for `backend`); None where there is no such door.
COLUMNS = {
    "NumPy": ("numpy", "numpy"),
    "array-api-strict": ("array_api_strict", None),
    "PyTorch, CPU": ("torch", "torch"),
    "CuPy, simulated": ("cupy", "cupy"),
}
ON_HARDWARE = "not run"
DOORS = {(True, True): "both doors", (True, False): "its arrays", (False, True): "``backend=``", (False, False): "no"}


def status(Estimator, column):
    """Which doors to a library give NumPy's answer."""
    library, backend = COLUMNS[column]
    y = targets(Estimator, LABELS)
    expected = answer(small(Estimator).fit(X, y), X)
    with fake_cupy() if library == "cupy" else contextlib.nullcontext():
        xp = importlib.import_module(library)
        follows = _agrees(expected, lambda: _followed(Estimator, xp, y))
        moves = backend is not None and _agrees(expected, lambda: _moved(Estimator, backend, y))
    return DOORS[follows, moves]


def _followed(Estimator, xp, y):
    with config_context(array_api_dispatch=True):
        found = answer(small(Estimator).fit(*map(xp.asarray, (X, y))), xp.asarray(X))
    assert arrays.is_host(found) == (xp is np)
    return found


def _moved(Estimator, backend, y):
    found = answer(small(Estimator).set_params(backend=backend).fit(X, y), X)
    assert type(found) is np.ndarray
    return found


def _agrees(expected, compute):
    try:
        return bool(np.allclose(arrays.to_numpy(compute()), expected, rtol=1e-6, atol=1e-7))
    except (TypeError, ValueError, AssertionError):
        return False


def row(Estimator):
    """A row of the table."""
    cells = [f":class:`~skamem.{Estimator.__name__}`", *(status(Estimator, column) for column in COLUMNS), ON_HARDWARE]
    return "\n".join(f"   {'*' if i == 0 else ' '} - {cell}" for i, cell in enumerate(cells))


def table():
    """The table as reStructuredText."""
    head = [".. list-table::", "   :header-rows: 1", "   :widths: auto", ""]
    names = ["estimator", *COLUMNS, "CuPy, PyTorch on a GPU"]
    head += [f"   {'*' if i == 0 else ' '} - {name}" for i, name in enumerate(names)]
    return "\n".join([*head, *map(row, sorted(ESTIMATORS, key=lambda Estimator: Estimator.__name__))]) + "\n"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    FILE.write_text(table(), encoding="utf-8")

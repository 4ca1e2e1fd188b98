"""Hostile and unusual data, described by a line that makes them again."""

import dataclasses
import tempfile
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse

SIZES = (0, 1, 2, 3, 5, 12, 30, 60)
WIDTHS = (0, 1, 2, 3, 8, 20, 40)
# Each list begins with what is usual; the rest are the quirks.
QUIRKS = {
    "values": ("normal", "bipolar", "binary", "counts", "sparse"),
    "rows": (None, "copies", "opposite", "zero", "same"),
    "columns": (None, "constant", "zero", "copy", "proportional", "nearly equal", "one hot", "magnitudes"),
    "missing": (None, "some", "row", "column", "all", "inf", "-inf"),
    "scale": (1.0, 1e-150, 1e-30, 1e-9, 1e9, 1e30, 1e150),
    "offset": (0.0, 1e3, 1e8),
    "dtype": ("float64", "float32", "float16", "int8", "uint8", "int64", "bool", "object", "str", "complex128"),
    "container": (
        *("array", "list", "csr", "csc", "coo", "csr_array", "frame", "fortran", "read-only", "memmap", "strided"),
        *("swapped bytes", "matrix", "masked", "1d", "3d", "none"),
    ),
    "y": (
        *("labels", "three", "strings", "floats", "column", "patterns", "none", "constant", "nan", "inf", "short"),
        *("bool", "object", "counts", "two columns", "csr", "lonely", "huge", "tiny", "offset", "empty"),
    ),
    "weights": (
        None,
        "ones",
        "some zero",
        "all zero",
        "tiny",
        "huge",
        "sum 1",
        "uneven",
        "negative",
        "nan",
        "short",
        2,
    ),
}
TOLERABLE = {"float64": 1e-6, "float32": 1e-3}  # relative to the largest of an answer: sums of another order


@dataclass(frozen=True)
class Data:
    """What to make: shapes, and one word a quirk; what is not named is usual."""

    n: int = 12
    p: int = 8
    seed: int = 0
    values: str = "normal"
    rows: str | None = None
    columns: str | None = None
    missing: str | None = None
    scale: float = 1.0
    offset: float = 0.0
    dtype: str = "float64"
    container: str = "array"
    y: str = "labels"
    weights: str | int | None = None

    def __repr__(self):
        given = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        }
        return f"Data({', '.join(f'{name}={value!r}' for name, value in given.items())})"

    def simpler(self):
        """The same with one quirk less, each in turn, and then of an ordinary shape."""
        for field in dataclasses.fields(self):
            if getattr(self, field.name) != field.default:
                yield dataclasses.replace(self, **{field.name: field.default})

    def make(self):
        """(X, y, sample_weight) as a user might pass them."""
        table = self._table()
        return self._contained(table), self._targets(), self._weights()

    def is_finite(self):
        """Whether nothing was put in that is not finite, in its own type."""
        table = self._cast(self._table())
        finite = table.dtype.kind not in "fc" or bool(np.isfinite(table).all())
        return finite and self.missing is None and self.y not in ("nan", "inf") and self.weights != "nan"

    def _rng(self, what):
        return np.random.default_rng([self.seed, *what.encode()])

    def _table(self):
        rng = self._rng("values")
        shape = (self.n, self.p)
        draw = {
            "normal": lambda: rng.standard_normal(shape),
            "bipolar": lambda: rng.choice([-1.0, 1.0], size=shape),
            "binary": lambda: rng.integers(0, 2, size=shape).astype(float),
            "counts": lambda: rng.integers(0, 5, size=shape).astype(float),
            "sparse": lambda: (rng.random(shape) < 0.1).astype(float),
        }
        X = draw[self.values]()
        if X.size:
            self._spoil_rows(X)
            self._spoil_columns(X)
        X = X * self.scale + self.offset * self.scale
        if X.size:
            self._hide(X)
        return X

    def _spoil_rows(self, X):
        if self.rows == "copies":
            X[len(X) // 2 :] = X[: len(X) - len(X) // 2]
        elif self.rows == "opposite":
            X[-1] = -X[0]
        elif self.rows == "zero":
            X[0] = 0
        elif self.rows == "same":
            X[:] = X[0]

    def _spoil_columns(self, X):
        first, last = X[:, 0], X.shape[1] - 1
        if self.columns == "constant":
            X[:, last] = 3.0
        elif self.columns == "zero":
            X[:, last] = 0.0
        elif self.columns == "copy":
            X[:, last] = first
        elif self.columns == "proportional":
            X[:, last] = -1e3 * first
        elif self.columns == "nearly equal":
            X[:, last] = first + 1e-9 * X[:, last]
        elif self.columns == "one hot":
            X[:] = np.arange(X.shape[1]) == self._rng("columns").integers(0, X.shape[1], size=len(X))[:, None]
        elif self.columns == "magnitudes":
            X *= np.logspace(-8, 8, X.shape[1])

    def _hide(self, X):
        if self.missing == "some":
            X[self._rng("missing").random(X.shape) < 0.2] = np.nan
        elif self.missing == "row":
            X[0] = np.nan
        elif self.missing == "column":
            X[:, -1] = np.nan
        elif self.missing == "all":
            X[:] = np.nan
        elif self.missing is not None:
            X[len(X) // 2, 0] = float(self.missing)

    def _cast(self, X):
        with np.errstate(all="ignore"):
            return X.astype(self.dtype)

    def _contained(self, X):
        X = self._cast(X)
        if self.container.startswith(("cs", "co")):
            make = getattr(scipy.sparse, self.container if "_" in self.container else f"{self.container}_matrix")
            return make(X if X.dtype.kind in "fiub" and X.dtype != np.float16 else X.real.astype(float))
        return {
            "array": lambda: X,
            "list": X.tolist,
            "frame": lambda: pd.DataFrame(X, columns=[f"x{index}" for index in range(X.shape[1])]),
            "fortran": lambda: np.asfortranarray(X),
            "read-only": lambda: _locked(X),
            "memmap": lambda: _mapped(X),
            "strided": lambda: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
            "swapped bytes": lambda: X.astype(X.dtype.newbyteorder()),
            "matrix": lambda: _old_matrix(X),
            "masked": lambda: np.ma.masked_array(X, mask=np.zeros(X.shape, dtype=bool)),
            "1d": lambda: X[:, 0] if X.shape[1] else X.ravel(),
            "3d": lambda: X[:, :, None],
            "none": lambda: None,
        }[self.container]()

    def _targets(self):
        rng, n = self._rng("y"), self.n
        numbers = rng.standard_normal(n)
        return {
            "labels": lambda: np.arange(n) % 2,
            "three": lambda: rng.permutation(np.arange(n) % 3),
            "strings": lambda: np.array(["no", "yes"])[np.arange(n) % 2],
            "floats": lambda: numbers,
            "column": lambda: numbers[:, None],
            "patterns": lambda: rng.choice([-1.0, 1.0], size=(n, 4)),
            "none": lambda: None,
            "constant": lambda: np.full(n, 7),
            "nan": lambda: np.where(np.arange(n) == n // 2, np.nan, numbers),
            "inf": lambda: np.where(np.arange(n) == n // 2, np.inf, numbers),
            "short": lambda: numbers[: max(n - 1, 0)],
            "bool": lambda: np.arange(n) % 2 == 0,
            "object": lambda: np.array([None, "a", 1] * n, dtype=object)[:n],
            "counts": lambda: rng.integers(0, 9, size=n),
            "two columns": lambda: rng.standard_normal((n, 2)),
            "csr": lambda: scipy.sparse.csr_matrix(rng.integers(0, 2, size=(n, 3)).astype(float)),
            "lonely": lambda: (np.arange(n) == 0).astype(int),
            "huge": lambda: numbers * 1e150,
            "tiny": lambda: numbers * 1e-150,
            "offset": lambda: numbers + 1e9,
            "empty": lambda: np.array([]),
        }[self.y]()

    def _weights(self):
        if self.weights is None or isinstance(self.weights, int):
            return self.weights
        rng, n = self._rng("weights"), self.n
        positive = rng.random(n) + 0.1
        return {
            "ones": lambda: np.ones(n),
            "some zero": lambda: positive * (np.arange(n) % 3 > 0),
            "all zero": lambda: np.zeros(n),
            "tiny": lambda: positive * 1e-150,
            "huge": lambda: positive * 1e150,
            "sum 1": lambda: positive / max(positive.sum(), 1.0),
            "uneven": lambda: 10.0 ** rng.uniform(-8, 8, size=n),
            "negative": lambda: positive - 0.5,
            "nan": lambda: np.where(np.arange(n) == 0, np.nan, positive),
            "short": lambda: positive[: max(n - 1, 0)],
        }[self.weights]()


def draw_data(rng, *, y):
    """Data with few quirks, so that most of them get past the door; `y` is the usual kind of target."""
    chosen = {
        "n": int(rng.choice([12, 30, 60])),
        "p": int(rng.choice([3, 8, 20])),
        "seed": int(rng.integers(1000)),
        "y": y,
    }
    if rng.random() < 0.2:
        chosen |= {"n": int(rng.choice(SIZES)), "p": int(rng.choice(WIDTHS))}
    n_quirks = rng.choice(4, p=(0.4, 0.35, 0.15, 0.1))
    for name in rng.choice(list(QUIRKS), size=n_quirks, replace=False):
        chosen[str(name)] = QUIRKS[name][rng.integers(len(QUIRKS[name]))]
    return Data(**chosen)


def draw_cues(rng, data):
    """Data to ask with: most often of the stored width, with quirks of their own."""
    cues = draw_data(rng, y=data.y)
    width = cues.p if rng.random() < 0.1 else data.p
    return dataclasses.replace(cues, p=width, values=data.values, scale=data.scale, offset=data.offset)


def fingerprint(value):
    """Bytes that change when what the user passed was written to."""
    if scipy.sparse.issparse(value):
        parts = [value.data, value.indices, value.indptr] if hasattr(value, "indptr") else [value.data, *value.coords]
        return [part.tobytes() for part in parts]
    if isinstance(value, pd.DataFrame):
        value = value.to_numpy()
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value.tobytes()
    return repr(value)


def _locked(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def _old_matrix(X):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        return np.asmatrix(X)


def _mapped(X):
    if not X.size or X.dtype == object:
        return X
    with tempfile.NamedTemporaryFile() as file:  # the map outlives the name
        mapped = np.memmap(file.name, dtype=X.dtype, mode="w+", shape=X.shape)
        mapped[:] = X
        return mapped

"""A design matrix as the solver sees it: a handful of products with X, dense on any backend or sparse on the host.

Nothing here knows of centring, weights or supports. X is read, never changed, and copied only where the squares of a
column vanish, into units in which they do not: then all is in these units but what `samples` gives. The results of a
pass are short (one number a feature and vector) and go to the host, where the support algebra lives.
"""

import numpy as np
import scipy.sparse
from sklearn.utils import assert_all_finite

from skamem.core import arrays
from skamem.core.rows import row_blocks

__all__ = ["DenseDesign", "SparseDesign", "as_design"]

# Work arrays of a blocked pass stay below this many bytes or this fraction of X: small enough for a processor's
# second-level cache and for the promise that a fit needs little memory beyond X, large enough for a GPU.
_BLOCK_BYTES = 2**20
_BLOCK_FRACTION = 1 / 64
# Bytes of X that are looked at several times at once.
_CACHE_BYTES = 2**21
# Vectors up to which products one by one are quicker than BLAS's product of so flat a matrix.
_FEW_VECTORS = 2


def as_design(X):
    """Wrap validated `X` for the solver."""
    return SparseDesign(X) if scipy.sparse.issparse(X) else DenseDesign(X)


def host(array):
    """Bring the short result of a pass to the host, in double precision."""
    return np.asarray(arrays.to_numpy(array), dtype=np.float64)


class DenseDesign:
    """Dense X on any array backend.

    Parameters
    ----------
    X : array of shape (n_samples, n_features)
        float32 or float64.

    Attributes
    ----------
    wide : dtype
        Type in which Gram products are accumulated: float64 wherever the device has it.
    n_passes : int
        Products with all of X so far.
    units : array of shape (n_features,)
        What the columns were divided by, powers of two, on the host: ones, unless `rescale` was called.
    has_units : bool
        Whether units were decided on.
    """

    def __init__(self, X):
        self.X = X
        self.xp = arrays.namespace(X)
        self.device = arrays.device(X)
        self.shape = X.shape
        self.wide = self._widest()
        self.n_passes = 0
        self.units, self.has_units = np.ones(X.shape[1]), False

    def _widest(self):
        if self.X.dtype == self.xp.float64:
            return self.xp.float64
        return self.xp.__array_namespace_info__().dtypes(device=self.device).get("float64", self.X.dtype)

    def asarray(self, values, dtype=None):
        """Move host `values` (or an index) to where X is; `dtype` None is the wide type."""
        return self.xp.asarray(values, dtype=self.wide if dtype is None else dtype, device=self.device)

    def check_finite(self):
        """Raise scikit-learn's ValueError if X has NaN or infinite entries."""
        assert_all_finite(self.X, input_name="X")

    def _row_blocks(self, n_rows):
        row_bytes = 8 * self.shape[1]
        budget = max(_BLOCK_BYTES, self.shape[0] * row_bytes * _BLOCK_FRACTION)
        return row_blocks(n_rows, row_bytes, at_most=budget // row_bytes)

    def correlate(self, vectors, *, precise=False):
        """Products of `vectors` (n_samples, k) with every column: host array of shape (k, n_features).

        `precise` accumulates in the wide type also when X is float32; plain passes stay in the type of X, which halves
        their time.
        """
        self.n_passes += 1
        xp = self.xp
        if self.X.dtype == self.wide or not precise:
            return host(xp.matrix_transpose(xp.astype(vectors, self.X.dtype, copy=False)) @ self.X)
        total = 0.0
        for rows in self._row_blocks(self.shape[0]):
            total = total + xp.matrix_transpose(vectors[rows, :]) @ xp.astype(self.X[rows, :], self.wide)
        return host(total)

    def combine(self, weights):
        """X times host `weights` (n_features, k): array of shape (n_samples, k) where X is."""
        self.n_passes += 1
        return self.xp.astype(self.X @ self.asarray(weights, self.X.dtype), self.wide, copy=False)

    def first_look(self, vectors, sample_weight=None):
        """Products of `vectors` (n_samples, k) with every column, and weighted sums of squares of the columns.

        Host arrays of shapes (k, n_features) and (n_features,), accumulated in the wide type. One pass: both are taken
        from a block while it is in the processor's cache.
        """
        self.n_passes += 1
        if arrays.is_host(self.X):
            return self._first_look_on_host(vectors, sample_weight)
        xp, products, squares = self.xp, 0.0, 0.0
        for rows in self._row_blocks(self.shape[0]):
            block = xp.astype(self.X[rows, :], self.wide, copy=False)
            products = products + xp.matrix_transpose(vectors[rows, :]) @ block
            block = block * block
            squares = squares + (xp.sum(block, axis=0) if sample_weight is None else sample_weight[rows] @ block)
        return host(products), host(squares)

    def _first_look_on_host(self, vectors, sample_weight):
        n, p = self.shape
        vectors = np.ascontiguousarray(vectors.T)
        products, squares = np.zeros((len(vectors), p)), np.zeros(p)
        by_columns = self.X.flags.f_contiguous and not self.X.flags.c_contiguous
        step = max(1, _CACHE_BYTES // (8 * (n if by_columns else p)))
        for start in range(0, p if by_columns else n, step):
            part = slice(start, start + step)
            rows, columns = (slice(None), part) if by_columns else (part, slice(None))
            block = self.X[rows, columns].astype(np.float64, copy=False)
            if len(vectors) <= _FEW_VECTORS:
                for vector, product in zip(vectors, products, strict=True):
                    product[columns] += vector[rows] @ block
            else:
                products[:, columns] += vectors[:, rows] @ block
            if sample_weight is None:
                squares[columns] += np.einsum("ij,ij->j", block, block)
            else:
                squares[columns] += sample_weight[rows] @ (block * block)
        return products, squares

    def columns(self, index):
        """Columns `index` (host integers) in the wide type: a fresh array of shape (n_samples, k) where X is."""
        if arrays.is_host(self.X) and self.X.flags.f_contiguous:
            return self.X[:, index].astype(np.float64, copy=False)  # `take` would go through all of X
        index = self.asarray(index, self.xp.int64)
        return self.xp.astype(self.xp.take(self.X, index, axis=1), self.wide, copy=False)

    def gram(self, mean, root_weight=None):
        """Gram matrix of the columns minus `mean`, rows scaled by `root_weight`: host, (n_features, n_features)."""
        self.n_passes += 1
        xp = self.xp
        mean = self.asarray(mean)
        total = 0.0
        for rows in self._row_blocks(self.shape[0]):
            block = xp.astype(self.X[rows, :], self.wide, copy=False) - mean
            if root_weight is not None:
                block = block * root_weight[rows, None]
            total = total + xp.matrix_transpose(block) @ block
        return host(total)

    def products(self, rows, shift, weight, aside):
        """Sums over the samples `rows` of x xᵀ, weighted, and of x aᵀ, with x less `shift`.

        `weight` (k,) or None and `aside` (k, n_aside) belong to those samples. Host arrays of shapes (n_features,
        n_features) and (n_features, n_aside).
        """
        self.n_passes += len(rows) / self.shape[0]
        xp = self.xp
        if shift is None and weight is None and self.X.dtype == self.wide:
            block = self.pick(self.X, rows)
            return host(xp.matrix_transpose(block) @ block), host(xp.matrix_transpose(block) @ aside)
        shift = xp.zeros((), dtype=self.wide, device=self.device) if shift is None else self.asarray(shift)
        xx, xa = 0.0, 0.0
        for part in self._row_blocks(len(rows)):
            block = xp.astype(self.pick(self.X, rows[part]), self.wide, copy=False) - shift
            xa = xa + xp.matrix_transpose(block) @ aside[part, :]
            if weight is not None:
                block = block * xp.sqrt(weight[part])[:, None]
            xx = xx + xp.matrix_transpose(block) @ block
        return host(xx), host(xa)

    def pick(self, values, rows):
        """Entries `rows` (host integers) of an array over samples; a view where they are consecutive."""
        if len(rows) and rows[-1] - rows[0] + 1 == len(rows) and np.all(rows[1:] > rows[:-1]):
            return values[int(rows[0]) : int(rows[-1]) + 1, ...]
        return self.xp.take(values, self.asarray(rows, self.xp.int64), axis=0)

    def samples(self, rows):
        """Rows `rows` (host integers) of X as it was given."""
        some = self.pick(self.X, rows)
        return some if np.all(self.units == 1.0) else some * self.asarray(self.units, self.X.dtype)

    def rescale(self, units):
        """Go over to columns in `units` (n_features,), on the host: powers of two that the type of X has."""
        self.units = units
        self.X = self.X / self.asarray(units, self.X.dtype)


class SparseDesign:
    """SciPy sparse X on the host, held by columns and never made dense.

    Parameters
    ----------
    X : sparse matrix or array of shape (n_samples, n_features)
        Any format; converted to CSC once.

    Attributes
    ----------
    wide : dtype
        float64.
    n_passes : int
        Products with all of X so far.
    units : array of shape (n_features,)
        What the columns were divided by, powers of two, on the host: ones, unless `rescale` was called.
    has_units : bool
        Whether units were decided on.
    """

    wide = np.float64

    def __init__(self, X):
        self.X = scipy.sparse.csc_array(X)
        self.xp = arrays.namespace(self.X.data)
        self.device = None
        self.shape = X.shape
        self.n_passes = 0
        self.units, self.has_units = np.ones(X.shape[1]), False

    def asarray(self, values, dtype=None):
        """Host `values` as an array of `dtype`, float64 by default."""
        return np.asarray(values, dtype=np.float64 if dtype is None else dtype)

    def check_finite(self):
        """Raise scikit-learn's ValueError if X has NaN or infinite entries."""
        assert_all_finite(self.X, input_name="X")

    def correlate(self, vectors, *, precise=False):
        """Products of `vectors` (n_samples, k) with every column: array of shape (k, n_features)."""
        self.n_passes += 1
        if not precise:
            vectors = vectors.astype(self.X.dtype, copy=False)
        return np.asarray(self.X.T @ vectors, dtype=np.float64).T

    def combine(self, weights):
        """X times `weights` (n_features, k): array of shape (n_samples, k)."""
        self.n_passes += 1
        return self.X @ np.asarray(weights, dtype=np.float64)

    def first_look(self, vectors, sample_weight=None):
        """Products of `vectors` (n_samples, k) with every column, and weighted sums of squares of the columns."""
        self.n_passes += 1
        data = self.X.data.astype(np.float64) ** 2
        squared = scipy.sparse.csc_array((data, self.X.indices, self.X.indptr), shape=self.shape)
        weight = np.ones(self.shape[0]) if sample_weight is None else sample_weight
        return np.asarray(self.X.T @ vectors, dtype=np.float64).T, squared.T @ weight

    def columns(self, index):
        """Columns `index` as a fresh dense array of shape (n_samples, k)."""
        return self.X[:, index].toarray().astype(np.float64, copy=False)

    def gram(self, mean, root_weight=None):
        """Gram matrix of the columns minus `mean`, rows scaled by `root_weight`: (n_features, n_features)."""
        self.n_passes += 1
        X = self.X.astype(np.float64)
        weight = np.ones(self.shape[0]) if root_weight is None else root_weight**2
        sums = X.T @ weight
        raw = (X.T @ X.multiply(weight[:, None]).tocsc()).toarray()
        cross = np.outer(sums, mean)
        return raw - cross - cross.T + weight.sum() * np.outer(mean, mean)

    def products(self, rows, shift, weight, aside):
        """Sums over the samples `rows` of x xᵀ, weighted, and of x aᵀ, with x less `shift`."""
        self.n_passes += len(rows) / self.shape[0]
        X = self.X[rows].astype(np.float64)
        weight = np.ones(len(rows)) if weight is None else weight
        weighted = X.multiply(weight[:, None]).tocsc()
        xx, xa = (X.T @ weighted).toarray(), X.T @ aside
        if shift is not None:
            cross = np.outer(X.T @ weight, shift)
            xx += weight.sum() * np.outer(shift, shift) - cross - cross.T
            xa -= np.outer(shift, aside.sum(axis=0))
        return xx, xa

    def pick(self, values, rows):
        """Entries `rows` of an array over samples."""
        return values[rows]

    def samples(self, rows):
        """Rows `rows` of X as it was given."""
        some = self.X[rows]
        return some if np.all(self.units == 1.0) else (some @ scipy.sparse.diags_array(self.units)).tocsc()

    def rescale(self, units):
        """Go over to columns in `units` (n_features,), powers of two."""
        self.units = units
        self.X = (self.X @ scipy.sparse.diags_array(1 / units).astype(self.X.dtype)).tocsc()

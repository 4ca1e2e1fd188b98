"""Rows on their way through a computation: the one source of blocks, whatever the rows are stored in."""

import mmap
from dataclasses import dataclass
from typing import Any

import scipy.sparse
from sklearn import get_config

from skamem.core import arrays

__all__ = ["Rows", "is_mapped", "row_blocks", "rows_in_cache", "rows_within"]

# Bytes of work arrays of a block on the host: more would leave the processor's cache for nothing.
_HOST_BYTES = 2**24


def rows_within(row_bytes, *, at_most=None):
    """How many rows fit scikit-learn's ``working_memory`` (1024 MiB by default); at least one.

    Parameters
    ----------
    row_bytes : int
        Bytes of work arrays that one row needs.
    at_most : int, default=None
        Another bound on the number of rows; None for none.

    Returns
    -------
    n_rows : int
    """
    budget = get_config()["working_memory"] * 2**20
    n_rows = max(1, int(budget // max(1, row_bytes)))
    return n_rows if at_most is None else min(n_rows, max(1, int(at_most)))


def rows_in_cache(row_bytes, xp, cache_bytes=_HOST_BYTES):
    """How many rows to work on at once so that their work arrays stay in the processor's cache.

    Parameters
    ----------
    row_bytes : int
        Bytes of work arrays that one row needs.
    xp : module
        Array namespace.
    cache_bytes : int, default=2**24
        Bytes to stay within.

    Returns
    -------
    n_rows : int or None
        16 at least, for the sake of the products; None, no bound, on a device, which prefers one large piece.
    """
    return max(16, cache_bytes // row_bytes) if arrays.host_checks_are_free(xp) else None


def row_blocks(n_rows, row_bytes, *, at_most=None):
    """Slices over `n_rows` rows whose work arrays fit scikit-learn's ``working_memory``.

    Parameters
    ----------
    n_rows : int
        Rows to stream over.
    row_bytes : int
        Bytes of work arrays that one row needs.
    at_most : int, default=None
        Another bound on the rows of a block, for the processor's cache say; None for none.

    Yields
    ------
    rows : slice
        In order, without gaps; none when there are no rows.

    Examples
    --------
    >>> list(row_blocks(5, 8, at_most=2))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    length = rows_within(row_bytes, at_most=at_most)
    for start in range(0, n_rows, length):
        yield slice(start, min(start + length, n_rows))


def is_mapped(values):
    """Whether an array is a view of a file, as `numpy.memmap` gives it: its rows may be more than memory holds.

    scikit-learn's checks make a plain array of a memmap; the file it looks at stays the same.

    Parameters
    ----------
    values : array or sparse matrix
        Of any library.

    Returns
    -------
    mapped : bool
    """
    while (base := getattr(values, "base", None)) is not None:
        values = base
    return isinstance(values, mmap.mmap)


@dataclass(frozen=True)
class Rows:
    """Validated rows where the user had them, dense and on a placement only a block at a time.

    Parameters
    ----------
    values : array, csr matrix or memmap of shape (n_rows, n_columns)
        Anywhere.
    placement : Placement
        Where blocks are computed on.
    dtype : dtype, default=None
        Floating type of the blocks; None for that of `values`, float64 for what is no float.
    keep_sparse : bool, default=False
        Whether csr rows stay csr where the placement is host memory: for products that make use of it.
    """

    values: Any
    placement: Any
    dtype: Any = None
    keep_sparse: bool = False

    @property
    def shape(self):
        """(n_rows, n_columns)."""
        return self.values.shape

    def __len__(self):
        return self.values.shape[0]

    def block(self, rows):
        """The rows of a slice: dense, on the placement."""
        return self._placed(self.values[rows, :])

    def take(self, index):
        """The rows of an index array, on the host or the placement, in its order: a dense copy, on the placement."""
        return self._placed(self.pick(index))

    def pick(self, index):
        """The rows of an index array where they are and as they are stored."""
        if scipy.sparse.issparse(self.values) or arrays.is_host(self.values):
            return self.values[arrays.to_numpy(index)]
        home = arrays.placement_of(self.values)
        return home.xp.take(self.values, home.asarray(index), axis=0)

    def blocks(self, row_bytes, *, at_most=None):
        """Yield (slice, block) over all rows; `row_bytes` counts the work arrays of a row, the block included."""
        for rows in row_blocks(len(self), row_bytes, at_most=at_most):
            yield rows, self.block(rows)

    def _placed(self, values):
        dtype = self.dtype or arrays.float_dtype(self.values, self.placement.xp)
        if self.keep_sparse and scipy.sparse.issparse(values) and arrays.host_checks_are_free(self.placement.xp):
            return scipy.sparse.csr_array(values, dtype=dtype)  # an spmatrix multiplies and sums by rules of its own
        return self.placement.asarray(values, dtype)

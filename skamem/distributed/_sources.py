"""What blocks may come from: each source becomes parts that a task on a worker turns into rows."""

import itertools
import mmap
import numbers
import os
from collections.abc import Iterable, Sized
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

from skamem.core.rows import row_blocks, rows_within
from skamem.core.validation import check_number, type_of
from skamem.distributed._dask import import_dask, is_recipe

__all__ = ["Block", "Source", "carried", "is_array_collection", "is_collection", "is_frame_collection", "open_source"]

_BLOCK_BYTES = 2**26  # of a block that is cut from a table

_EXPECTED = (
    "expected a dask array or dataframe, an array, memmap, sparse matrix or data frame, or an iterable of blocks, each "
    "X or (X, y) or (X, y, sample_weight)"
)


@dataclass(frozen=True)
class Block:
    """Rows as they go to a worker; each entry None, data, Dask's recipe of data, or rows of a file.

    Parameters
    ----------
    X, y, sample_weight : object
        Rows, targets and weights. `X` alone may be a recipe for a pair or a triple of them.
    """

    X: Any
    y: Any = None
    sample_weight: Any = None


@dataclass(frozen=True)
class Source:
    """Blocks in their order.

    Parameters
    ----------
    blocks : iterable of Block
        Once through.
    is_light : bool
        Whether blocks are recipes and rows of files, so that all of them go into one graph.
    """

    blocks: Any
    is_light: bool


@dataclass(frozen=True)
class FileRows:
    """Rows of a memory-mapped file, read where they are needed: the file, and where in it the array lies."""

    path: str
    offset: int
    shape: tuple
    strides: tuple
    dtype: Any

    def load(self):
        """The rows, mapped."""
        if not self.shape[0]:
            return np.empty(self.shape, self.dtype)
        n_bytes = self.dtype.itemsize + sum((n - 1) * step for n, step in zip(self.shape, self.strides, strict=True))
        file = np.memmap(self.path, dtype=np.uint8, mode="r", offset=self.offset, shape=(n_bytes,))
        return np.ndarray(self.shape, self.dtype, buffer=file, strides=self.strides)


class Recipe:
    """Dask's recipe of one step, cooked in the task that needs it: what it raises is then that of a block.

    Parameters
    ----------
    recipe : Delayed
        Which shares no step with another one.
    """

    def __init__(self, recipe):
        self._recipe = recipe

    def load(self):
        """What the recipe makes."""
        return self._recipe.compute(scheduler="synchronous")


def carried(block):
    """Rows, targets and weights of a block as arguments of a task, which opens them by `opened`."""
    return [Recipe(part) if _is_of_one_step(part) else part for part in (block.X, block.y, block.sample_weight)]


def _is_of_one_step(part):
    """Whether a part is a recipe of one step that needs nothing else and may be taken anywhere."""
    graph = part.__dask_graph__() if is_recipe(part) and hasattr(part, "__dask_graph__") else None
    if not hasattr(graph, "layers") or len(graph) != 1:
        return False
    step = next(iter(graph.values()))
    is_bound = any(layer.annotations for layer in graph.layers.values())
    return not is_bound and not getattr(step, "dependencies", True)


def loaded(part):
    """What a worker computes with."""
    return part.load() if isinstance(part, FileRows | Recipe) else part


def is_array_collection(value):
    """Whether a value is a dask array."""
    return _is_of(value, "chunks")


def is_frame_collection(value):
    """Whether a value is a dask dataframe or series."""
    return _is_of(value, "divisions")


def _is_of(value, attribute):
    # A Delayed has every attribute, each another Delayed.
    return hasattr(value, "__dask_graph__") and isinstance(getattr(value, attribute, None), tuple)


def is_collection(value):
    """Whether a value is a dask array, dataframe or series."""
    return is_array_collection(value) or is_frame_collection(value)


def open_source(blocks, y=None, sample_weight=None, *, block_size=None):
    """Blocks of rows, with their targets and weights, of whatever a user has.

    Parameters
    ----------
    blocks : object
        As `fit_blocks` takes them.
    y, sample_weight : object
        What goes beside them; names of columns stay names, numbers stay numbers.
    block_size : int or None
        Rows of a block, where a table is cut.

    Returns
    -------
    source : Source

    Raises
    ------
    TypeError, ValueError
        For what is no source of blocks, or `y` and weights that do not go with it.
    """
    if block_size is not None:
        check_number("block_size", block_size, kind=numbers.Integral, low=1)
    y = _labels_or_names(y, blocks)
    if is_collection(blocks):
        return _of_collection(blocks, {"y": y, "sample_weight": sample_weight})
    if isinstance(blocks, str | bytes | os.PathLike | dict) or is_recipe(blocks) or not isinstance(blocks, Iterable):
        raise TypeError(
            f"blocks is {type_of(blocks)}; {_EXPECTED}. Of files: dask.dataframe.read_parquet(folder), "
            "numpy.load(path, mmap_mode='r'), or [dask.delayed(load)(path) for path in paths]."
        )
    for name, beside in (("y", y), ("sample_weight", sample_weight)):
        if is_collection(beside):
            raise TypeError(f"{name} is {type_of(beside)}, but blocks is {type_of(blocks)}; give both to Dask.")
    if hasattr(blocks, "shape"):
        return _of_table(blocks, {"y": y, "sample_weight": sample_weight}, block_size)
    is_light = isinstance(blocks, list | tuple) and all(map(_is_light, blocks))
    return Source(_of_iterable(blocks, y, sample_weight), is_light)


# ------------------------------------------------------------------------------------------ Dask's collections


def _of_collection(blocks, beside):
    if is_array_collection(blocks):
        if blocks.ndim > 1 and any(n != 1 for n in blocks.numblocks[1:]):
            blocks = blocks.rechunk(dict.fromkeys(range(1, blocks.ndim), -1))
        parts = list(blocks.to_delayed().ravel())
        known = None if any(n != n for n in blocks.chunks[0]) else blocks.chunks[0]
    else:
        parts, known = blocks.to_delayed(), None
    columns = [_beside(name, value, len(parts), known) for name, value in beside.items()]
    return Source((Block(*part) for part in zip(parts, *columns, strict=True)), is_light=True)


def _beside(name, value, n_blocks, chunks):
    """What goes with each block of a collection."""
    if value is None or _is_constant(value):
        return itertools.repeat(value, n_blocks)
    if is_frame_collection(value):
        parts = value.to_delayed()
    elif chunks is not None and hasattr(value, "shape"):
        parts = _aligned(name, value, chunks)
    elif is_array_collection(value):
        parts = list(value.to_delayed().ravel())
    else:
        raise TypeError(
            f"{name} is {type_of(value)}; beside blocks of Dask expected a dask array, dataframe or series with as "
            "many blocks, or the name of a column. Where Dask knows the sizes of the blocks, an array will do."
        )
    if len(parts) != n_blocks:
        raise ValueError(f"{name} has {len(parts)} blocks; expected {n_blocks}, as X has. Rechunk or repartition it.")
    return parts


def _aligned(name, value, chunks):
    """Blocks of an array, Dask's or not, that have the rows of those of X."""
    n_rows = value.shape[0]
    if n_rows == n_rows and n_rows != sum(chunks):
        raise ValueError(f"{name} has {n_rows} rows; expected {sum(chunks)}, one for each row of X.")
    rest = dict.fromkeys(range(1, len(value.shape)), -1)
    if is_array_collection(value):
        if n_rows == n_rows:
            value = value.rechunk({0: chunks, **rest})
        return list(value.to_delayed().ravel())
    shaped = (chunks, *(value.shape[axis] for axis in rest))
    return list(import_dask("dask.array").from_array(np.asarray(value), chunks=shaped).to_delayed().ravel())


def _is_constant(value):
    """Whether a target or weight is said once for all blocks: names of columns, or a number."""
    if isinstance(value, str | numbers.Number):
        return True
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(name, str) for name in value)


def _labels_or_names(y, blocks):
    """A list of strings names columns where X has such, or is no table at all; else it is a label for each row."""
    a_list = isinstance(y, list | tuple) and _is_constant(y)
    is_table = is_array_collection(blocks) or (hasattr(blocks, "shape") and not is_collection(blocks))
    return np.asarray(y) if a_list and is_table and not set(y) <= set(getattr(blocks, "columns", ())) else y


# ------------------------------------------------------------------------------------------ tables


def _of_table(table, beside, block_size):
    """Blocks of rows of an array, a memory-mapped file, a sparse matrix or a data frame."""
    if scipy.sparse.issparse(table) and table.format != "csr":
        table = table.tocsr()
    n_rows = table.shape[0]
    for name, value in beside.items():
        if value is None or _is_constant(value):
            continue
        beside[name] = value = value if hasattr(value, "shape") else np.asarray(value)
        if value.shape[0] != n_rows:
            raise ValueError(f"{name} has {value.shape[0]} rows; expected {n_rows}, one for each row of X.")
    files = {name: _file_rows(value) for name, value in {"X": table, **beside}.items()}
    if block_size is None:
        row_bytes = max(1, _n_bytes(table) // max(1, n_rows))
        block_size = rows_within(row_bytes, at_most=_BLOCK_BYTES // row_bytes)

    def part(name, value, rows):
        if value is None or _is_constant(value):
            return value
        file = files[name]
        return _rows(value, rows) if file is None else _some_rows(file, rows)

    def cut():
        for rows in row_blocks(n_rows, 1, at_most=block_size):
            yield Block(part("X", table, rows), *(part(name, value, rows) for name, value in beside.items()))

    held = [value for name, value in beside.items() if not (value is None or _is_constant(value) or files[name])]
    return Source(cut(), is_light=files["X"] is not None and sum(map(_n_bytes, held)) <= _BLOCK_BYTES)


def _n_bytes(table):
    if hasattr(table, "nbytes"):
        return int(table.nbytes)
    if scipy.sparse.issparse(table):
        return int(table.data.nbytes + table.indices.nbytes)
    return 8 * int(np.prod(table.shape))


def _rows(table, rows):
    return table.iloc[rows] if hasattr(table, "iloc") else table[rows]


def _file_rows(array):
    """Where in a file an array lies; None where it does not, or is not what the file holds."""
    if not isinstance(array, np.memmap) or array.mode == "c" or min(array.strides, default=0) < 0:
        return None
    root = array
    while isinstance(root.base, np.ndarray):
        root = root.base
    if not (isinstance(root, np.memmap) and isinstance(root.base, mmap.mmap) and array.filename and array.dtype != "O"):
        return None
    # NumPy does not count what slicing skips.
    skipped = array.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    return FileRows(str(array.filename), root.offset + skipped, array.shape, array.strides, array.dtype)


def _some_rows(file, rows):
    shape = (rows.stop - rows.start, *file.shape[1:])
    return FileRows(file.path, file.offset + rows.start * file.strides[0], shape, file.strides, file.dtype)


# ------------------------------------------------------------------------------------------ iterables


def _is_light(item):
    return all(map(is_recipe, item)) if isinstance(item, tuple) else is_recipe(item)


def _of_iterable(blocks, y, sample_weight):
    columns = []
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is None or _is_constant(value):
            columns.append(itertools.repeat(value))
        elif hasattr(value, "shape") or not isinstance(value, Iterable) or _is_of_numbers(value):
            raise TypeError(
                f"{name} is {type_of(value)}; beside an iterable of blocks expected an iterable of as many, or blocks "
                f"that are pairs (X, y)."
            )
        elif isinstance(blocks, Sized) and isinstance(value, Sized) and len(value) != len(blocks):
            raise ValueError(f"{name} has {len(value)} blocks; expected {len(blocks)}, as X has.")
        else:
            columns.append(iter(value))
    blocks = iter(blocks)
    for number in itertools.count():
        item, *beside = (_read(column, number) for column in (blocks, *columns))
        for name, part in zip(("y", "sample_weight"), beside, strict=True):
            if item is _ENDED and part is not _ENDED and part is not None and not _is_constant(part):
                raise ValueError(f"{name} goes on after the {number} blocks of X; expected as many of it.")
            if part is _ENDED and item is not _ENDED:
                raise ValueError(f"{name} ended before block {number}; expected as many of it as blocks.")
        if item is _ENDED:
            return
        if isinstance(item, tuple):
            yield _unpacked(item, *beside, number)
        else:
            yield Block(item if is_recipe(item) else _mapped(item), *map(_mapped, beside))


_ENDED = object()


def _read(column, number):
    """The next part of a source."""
    try:
        return next(column, _ENDED)
    except Exception as error:
        error.add_note(f"in block {number}, when it was read")
        raise


def _is_of_numbers(value):
    """Whether a list holds numbers, where blocks are expected."""
    return isinstance(value, list | tuple) and any(isinstance(part, numbers.Number) for part in value)


def _mapped(part):
    """A memory-mapped part as rows of its file; another one as it is."""
    return _file_rows(part) or part if isinstance(part, np.memmap) else part


def _unpacked(item, y, sample_weight, number=None):
    """The block of a pair (X, y) or triple (X, y, sample_weight)."""
    if not 1 <= len(item) <= 3:
        where = "" if number is None else f" {number}"
        raise ValueError(f"Block{where} is a tuple of {len(item)}; expected X, (X, y) or (X, y, sample_weight).")
    given = dict(zip(("X", "y", "sample_weight"), map(_mapped, item), strict=False))
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None and given.get(name) is not None:
            raise ValueError(f"{name} stands in the blocks and beside them; give it once.")
        given[name] = value if given.get(name) is None else given[name]
    return Block(**given)


# ------------------------------------------------------------------------------------------ on the worker


def opened(X, y=None, sample_weight=None):
    """Rows, targets and weights of a block, as an estimator takes them.

    Parameters
    ----------
    X : object
        Rows, or a tuple of rows, targets and weights.
    y, sample_weight : object
        Names are those of columns, which are taken out of X; `y` may be a number, where columns have such names. A
        number as `sample_weight` is the weight of every row.

    Returns
    -------
    X, y, sample_weight : object
        The last two may be None.
    """
    X = loaded(X)
    if isinstance(X, tuple):
        block = _unpacked(X, y, sample_weight)
        X, y, sample_weight = block.X, block.y, block.sample_weight
    X, y, sample_weight = loaded(X), loaded(y), loaded(sample_weight)
    taken, drop = {}, []
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        taken[name] = value
        if value is not None and _is_constant(value) and not (name == "sample_weight" and _is_number(value)):
            taken[name] = _columns(X, value, name)
            drop.extend(_names(value))
    if drop:
        X = X[[column for column in X.columns if column not in drop]]
    weight = taken["sample_weight"]
    if _is_number(weight):
        weight = np.full(np.shape(X)[0], float(weight))
    return X, taken["y"], weight


def _is_number(value):
    return isinstance(value, numbers.Number)


def _names(value):
    return [value] if isinstance(value, str | numbers.Number) else list(value)


def _columns(X, names, argument):
    if not hasattr(X, "columns"):
        raise TypeError(f"{argument}={names!r} names columns, but a block of X is {type_of(X)}; expected a data frame.")
    missing = [name for name in _names(names) if name not in X.columns]
    if missing:
        raise ValueError(f"{argument}={names!r} names columns that X lacks: {missing}; found {list(X.columns)}.")
    return X[names if isinstance(names, str | numbers.Number) else list(names)]

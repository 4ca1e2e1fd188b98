"""Blocks of rows: every row once, within the memory allowed, whatever the rows are stored in."""

import numpy as np
import pytest
import scipy.sparse
from sklearn import config_context

from skamem.core import arrays
from skamem.core.rows import Rows, is_mapped, row_blocks, rows_in_cache, rows_within

VALUES = np.arange(21.0).reshape(7, 3)


@pytest.mark.parametrize("n_rows", [1, 7, 64])
@pytest.mark.parametrize("rows_at_a_time", [0, 1, 3, 64, 1000])
@pytest.mark.parametrize("at_most", [None, 1, 5, 1000])
def test_blocks_cover_the_rows_once_within_the_memory_allowed(n_rows, rows_at_a_time, at_most):
    row_bytes = 2**20
    with config_context(working_memory=max(rows_at_a_time, 0.001)):
        blocks = list(row_blocks(n_rows, row_bytes, at_most=at_most))
        assert rows_within(row_bytes) == max(1, rows_at_a_time)
    covered = [row for block in blocks for row in range(n_rows)[block]]
    assert covered == list(range(n_rows))
    longest = min(max(1, rows_at_a_time), n_rows, n_rows if at_most is None else at_most)
    assert max(len(range(n_rows)[block]) for block in blocks) == longest


def test_rows_in_cache(place):
    assert rows_in_cache(2**20, arrays.namespace(VALUES)) == 16
    assert rows_in_cache(2**23, arrays.namespace(VALUES)) == 16
    assert rows_in_cache(2**10, arrays.namespace(VALUES)) == 2**14
    assert rows_in_cache(2**10, arrays.namespace(place.put(VALUES))) is None


def test_no_rows_have_no_blocks():
    assert list(row_blocks(0, 8)) == []


@pytest.mark.parametrize("kind", ["dense", "csr", "memmap", "float32", "int"])
def test_rows_are_the_same_from_every_storage(kind, tmp_path):
    values = {
        "dense": lambda: VALUES,
        "csr": lambda: scipy.sparse.csr_array(VALUES),
        "memmap": lambda: _memmap(tmp_path / "rows"),
        "float32": lambda: VALUES.astype("float32"),
        "int": lambda: VALUES.astype(int),
    }[kind]()
    rows = Rows(values, arrays.placement_of(VALUES))
    assert (rows.shape, len(rows)) == ((7, 3), 7)
    parts = list(rows.blocks(8, at_most=2))
    np.testing.assert_array_equal(np.concatenate([block for _, block in parts]), VALUES)
    assert all(np.array_equal(block, VALUES[part]) for part, block in parts)
    index = np.asarray([6, 0, 6])
    np.testing.assert_array_equal(rows.take(index), VALUES[index])
    assert rows.take(index).dtype == rows.block(slice(0, 1)).dtype == ("float32" if kind == "float32" else "float64")


def test_rows_on_every_backend(place):
    rows = Rows(place.put(VALUES), arrays.placement_of(place.put(VALUES)))
    np.testing.assert_array_equal(place.get(rows.take(np.asarray([2, 1]))), VALUES[[2, 1]])
    np.testing.assert_array_equal(place.get(rows.block(slice(1, 3))), VALUES[1:3])


def test_a_view_of_a_file_is_known(tmp_path):
    mapped = _memmap(tmp_path / "rows")
    for view in (mapped, np.asarray(mapped), mapped[1:, ::2], np.asarray(mapped).T[:2]):
        assert is_mapped(view)
    for other in (VALUES, VALUES[1:], mapped + 1, mapped[[0, 1]], np.array(mapped), scipy.sparse.csr_array(VALUES)):
        assert not is_mapped(other)


def _memmap(path):
    VALUES.tofile(path)
    return np.memmap(path, dtype=VALUES.dtype, shape=VALUES.shape, mode="r")

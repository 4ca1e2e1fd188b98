"""Patterns on their way into a memory."""

import numpy as np
import pytest
import scipy.sparse
from sklearn import config_context

from skamem.core import arrays
from skamem.core.coding import UnitCode
from skamem.datasets import make_patterns
from skamem.memory._stream import WORK_ARRAYS, open_stream

BIPOLAR = UnitCode(low=-1.0, binarize=0.0, coding="auto")
X, Y = make_patterns(7, 10, random_state=0), make_patterns(7, 3, random_state=1)


def opened(X=X, y=None, weight=None, place=None):
    here = arrays.placement_of(np.ones(1) if place is None else place.put([1.0]))
    return open_stream(X, y, weight, here, BIPOLAR, BIPOLAR, owner="Memory")


@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array])
@pytest.mark.parametrize(("rows_in_memory", "n_blocks"), [(1000, 1), (3, 3), (1, 7), (0.1, 7)])
def test_blocks_cover_the_patterns_once(container, rows_in_memory, n_blocks):
    weight = np.arange(1.0, 8.0)
    with config_context(
        working_memory=rows_in_memory * WORK_ARRAYS * 8 * 13 / 2**20
    ):  # 10 + 3 numbers of 8 bytes a row
        stream = opened(container(X), Y, weight)
        parts = [stream.block(rows) for rows in stream.rows]
    for array, expected in zip(zip(*parts, strict=True), (X, Y, weight), strict=True):
        np.testing.assert_array_equal(np.concatenate(array), expected)
    assert len(parts) == n_blocks


@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array, scipy.sparse.csr_matrix])
def test_rows_of_weight_0_are_dropped(container):
    weight = np.asarray([1.0, 0.0, 2.0, 0.0, 0.0, 1.0, 1.0])
    stream = opened(container(X), Y, weight)
    for array, expected in zip(stream.block(), (X, Y, weight), strict=True):
        np.testing.assert_array_equal(array, expected[weight > 0])
    assert stream.total_weight == 5.0


@pytest.mark.parametrize(("weight", "whole"), [(None, True), (np.arange(1.0, 8.0), True), (np.full(7, 0.5), False)])
def test_whole_weights_are_noticed(weight, whole):
    stream = opened(weight=weight)
    assert stream.counts_are_whole == whole
    assert stream.total_weight == (7.0 if weight is None else weight.sum())


def test_patterns_move_to_the_placement(place):
    stream = opened(X, place.put(Y), np.ones(7), place)
    for array, expected in zip(stream.block(slice(2, 4)), (X[2:4], Y[2:4], np.ones(2)), strict=True):
        np.testing.assert_array_equal(place.get(array), expected)


def test_autoassociation_has_no_targets():
    X_block, Y_block, weight = opened().block()
    np.testing.assert_array_equal(X_block, X)
    assert Y_block is weight is None


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_blocks_have_the_dtype_asked_for(dtype):
    stream = opened(X.astype(dtype))
    assert stream.block()[0].dtype == dtype
    assert stream.block(dtype=np.float64)[0].dtype == "float64"

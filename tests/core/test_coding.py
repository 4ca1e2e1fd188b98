"""Values outside, states inside, and the way between them."""

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal

from skamem import HebbianMemory
from skamem.core.coding import UnitCode, perfect_recall

LOW = {"bipolar": -1.0, "binary": 0.0}


@pytest.mark.parametrize(
    ("values", "coding"),
    [
        ([[0.0, 1.0], [1.0, 1.0]], "binary"),
        ([[0.0, 0.0]], "binary"),
        ([[-1.0, 1.0]], "bipolar"),
        ([[1.0, 1.0]], "bipolar"),  # says nothing; bipolar is the default
        ([[0.0, 1.0, -1.0]], "bipolar"),
        ([[0.0, 0.5, 1.0]], "bipolar"),
    ],
)
@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array, scipy.sparse.csr_matrix])
def test_auto_is_binary_for_zeros_and_ones(values, coding, container):
    code = UnitCode(low=-1.0, binarize=0.0, coding="auto")
    assert code.detected(container(values)).coding == coding


@pytest.mark.parametrize("coding", ["bipolar", "binary"])
def test_a_coding_that_is_given_is_kept(coding):
    code = UnitCode(low=-1.0, binarize=0.0, coding=coding)
    assert code.detected(np.asarray([[0.0, 1.0]])) is code
    assert code.detected(np.asarray([[-1.0, 1.0]])) is code


def test_unknown_units_do_not_decide_the_coding():
    code = UnitCode(low=-1.0, binarize=0.0, coding="auto")
    assert code.detected(np.asarray([[0.0, np.nan, 1.0]])).coding == "binary"
    assert code.detected(np.asarray([[-1.0, np.nan, 1.0]])).coding == "bipolar"


@pytest.mark.parametrize("low", [-1.0, 0.0])
@pytest.mark.parametrize("coding", LOW)
@pytest.mark.parametrize("binarize", [None, 0.5])
def test_decode_inverts_encode(low, coding, binarize, place):
    code = UnitCode(low=low, binarize=binarize, coding=coding)
    values = np.random.default_rng(0).choice([LOW[coding], 1.0], size=(4, 6))
    states, known = code.encode(place.put(values))
    assert known is None
    np.testing.assert_array_equal(place.get(states), np.where(values == 1.0, 1.0, low))
    np.testing.assert_array_equal(place.get(code.decode(states)), values)


@pytest.mark.parametrize("low", [-1.0, 0.0, None])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_unknown_units_start_at_0_and_are_marked(low, dtype, place):
    values = np.asarray([[1.0, np.nan, -1.0], [1.0, 1.0, -1.0]], dtype=dtype)
    states, known = UnitCode(low=low, binarize=0.0, coding="bipolar").encode(place.put(values))
    np.testing.assert_array_equal(place.get(known), ~np.isnan(values))
    off = -1.0 if low is None else low
    np.testing.assert_array_equal(place.get(states), [[1.0, 0.0, off], [1.0, 1.0, off]])
    assert place.get(states).dtype == dtype


def test_values_above_binarize_are_on():
    code = UnitCode(low=-1.0, binarize=2.0, coding="bipolar")
    np.testing.assert_array_equal(code.encode(np.asarray([[1.9, 2.0, 2.1, -5.0]]))[0], [[-1.0, -1.0, 1.0, -1.0]])


def test_real_values_pass_unchanged():
    code, values = UnitCode(low=None, binarize=None, coding="bipolar"), np.asarray([[0.3, -2.0]])
    code.check(values, "Memory")
    assert code.encode(values)[0] is values
    assert code.decode(values) is values


@pytest.mark.parametrize("coding", LOW)
@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array])
def test_check_names_what_it_found_and_what_it_wants(coding, container):
    code = UnitCode(low=-1.0, binarize=None, coding=coding)
    code.check(container([[LOW[coding], 1.0], [1.0, 1.0]]), "Memory")
    code.check(np.asarray([[LOW[coding], np.nan]]), "Memory")
    with pytest.raises(ValueError, match=rf"Memory\(binarize=None\).*entries {LOW[coding]:g} and 1.*found 7"):
        code.check(container([[LOW[coding], 7.0]]), "Memory")
    UnitCode(low=-1.0, binarize=0.0, coding=coding).check(container([[LOW[coding], 7.0]]), "Memory")


@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array])
def test_check_finds_the_other_coding(container):
    with pytest.raises(ValueError, match=r"\(bipolar\).*found 0"):
        UnitCode(low=-1.0, binarize=None, coding="bipolar").check(container([[0.0, 1.0]]), "Memory")
    with pytest.raises(ValueError, match=r"\(binary\).*found -1"):
        UnitCode(low=-1.0, binarize=None, coding="binary").check(container([[-1.0, 1.0]]), "Memory")


def test_every_library_detects_and_checks(place):
    code = UnitCode(low=-1.0, binarize=None, coding="auto").detected(place.put([[0.0, 1.0]]))
    assert code.coding == "binary"
    with pytest.raises(ValueError, match="found 0.5"):
        code.check(place.put([[0.0, 0.5, 1.0]]), "Memory")


def test_perfect_recall_is_in_the_coding_of_the_memory():
    memory = HebbianMemory(binarize=0.5, coding="binary").fit([[0.9, 0.1], [0.2, 0.8]])
    assert_array_equal(perfect_recall(memory, np.asarray([[0.7, 0.3]])), [[1, 0]])
    assert_array_equal(perfect_recall(object(), np.asarray([[0.7, 0.3]])), [[0.7, 0.3]])
    assert_array_equal(perfect_recall(object(), None, np.asarray(["a"])), ["a"])

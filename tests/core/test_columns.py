"""Tables at the door: few sound numbers pass; columns that are none are named, whatever the table is kept in."""

import numpy as np
import pytest
import scipy.sparse
from sklearn.utils import check_array

from skamem.core import arrays
from skamem.core.columns import is_sound, numbers_expected, unmasked

WORDS = [[1.0, "red", "S"], [2.0, "blue", "M"], [3.0, None, "L"]]
NAMES = ["length", "colour", "size"]


def convert(X, name="X"):
    with numbers_expected(X, name):
        return np.asarray(X, dtype=np.float64)


def check(X, who, name="X"):
    with pytest.raises(
        ValueError, match=rf"^{who} of {name}: could not convert string to float: 'red'; expected numbers"
    ):
        convert(X, name)


@pytest.mark.parametrize("dtype", [None, object, str])
def test_columns_of_arrays_are_named_by_their_indices(dtype):
    rows = [row for row in WORDS if None not in row]
    check(rows if dtype is None else np.array(rows, dtype=dtype), "Features 1, 2")
    check([row[:2] for row in WORDS], "Feature 1", name="patterns")


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_columns_of_frames_are_named_by_their_names(library):
    frames = pytest.importorskip(library)
    table = dict(zip(NAMES, map(list, zip(*WORDS, strict=True)), strict=True))
    frame = frames.DataFrame(table)
    check(frame, "Features 'colour', 'size'")
    check(frame[["length", "colour"]], "Feature 'colour'")
    if library == "pandas":
        check(frame.astype({"colour": "category"}), "Features 'colour', 'size'")
        check(frame.astype({"colour": "string"}).drop(columns="size"), "Feature 'colour'")
        check(frame[["colour", "colour"]], "Features 'colour', 'colour'")


def test_many_columns_are_not_all_named_and_long_entries_cut():
    with pytest.raises(ValueError, match=r"^Features 0, 1, 2, 3, 4, \.\.\. of X: could not .* float: 'a{59}\.\.\.; "):
        convert(np.full((2, 9), "a" * 100))


@pytest.mark.parametrize("entry", [{"a": 1}, [1, 2], (3,), object])
def test_entries_that_are_no_text_either_are_of_the_wrong_type(entry):
    X = np.ones((2, 2), dtype=object)
    X[1, 1] = entry
    message = r"^Feature 1 of X: argument must be a string or a real number, not .*\. Encode it"
    with pytest.raises(TypeError, match=message), numbers_expected(X):
        np.frompyfunc(float, 1, 1)(X)


def test_dates_beside_numbers_are_named():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"when": pd.date_range("2020-01-01", periods=3), "size": [1.0, 2.0, 3.0]})
    message = r"^Feature 'when' of X: argument must be .* not Timestamp\('2020-01-01"
    with pytest.raises(TypeError, match=message), numbers_expected(frame):
        np.result_type(*frame.dtypes)  # scikit-learn looks for a common type


@pytest.mark.parametrize(
    ("X", "error"),
    [
        (np.ones((2, 2)), ValueError("Found array with 1 feature; cannot convert")),
        ([["red", 1.0]], ValueError("The feature names should match those that were passed during fit.")),
        ([[1.0, None], ["2", np.nan]], ValueError("could not convert")),
        ([[1.0], ["a", 2.0]], ValueError("could not convert")),
        (["red", "blue"], ValueError("could not convert string to float: 'red'")),
        ("red", TypeError("no table")),
    ],
)
def test_other_errors_stay_as_they_are(X, error):
    with pytest.raises(type(error)) as found, numbers_expected(X):
        raise error
    assert found.value is error


def test_numbers_pass_and_nothing_is_looked_at():
    class Table:
        def __array__(self, dtype=None, copy=None):
            return np.full((2, 2), 1e308)

        @property
        def columns(self):
            raise AssertionError

    with numbers_expected(Table()):
        assert np.asarray(Table()).sum() == np.inf  # without a warning


class _Own(np.ndarray):
    """A user's subclass."""


@pytest.mark.parametrize(
    ("values", "ndim", "finite", "sound"),
    [
        (np.ones((3, 2)), 2, True, True),
        (np.ones((3, 2), dtype=np.float32)[:, ::-1], 2, True, True),
        (np.asfortranarray(np.ones((3, 2))), 2, "allow-nan", True),
        (np.ones(3), 1, True, True),
        (np.array([[1.0, np.inf]]), 2, False, True),
        (np.array([[1.0, np.inf]]), 2, True, False),
        (np.array([[1.0, np.nan]]), 2, "allow-nan", False),  # not found out
        (np.ones((3, 2)), 1, True, False),
        (np.ones(3), 2, True, False),
        (np.ones((0, 2)), 2, True, False),
        (np.ones((3, 0)), 2, True, False),
        (np.ones((3, 2), dtype=int), 2, True, False),
        (np.ones((3, 2), dtype=complex), 2, True, False),
        (np.ones((3, 2), dtype=">f8"), 2, True, False),
        (np.ones((3, 2), dtype=np.float16), 2, True, False),
        (np.ones((3, 2), dtype=object), 2, True, False),
        (np.ones((3, 2)).view(_Own), 2, True, False),
        (np.ma.masked_array(np.ones((3, 2)), mask=np.eye(3, 2)), 2, True, False),
        ([[1.0, 2.0]], 2, True, False),
        (scipy.sparse.csr_array(np.eye(2)), 2, True, False),
        (1.0, 2, True, False),
        (None, 1, True, False),
    ],
)
def test_what_is_sound_scikit_learn_passes_on_as_it_is(values, ndim, finite, sound):
    assert is_sound(values, ndim=ndim, ensure_all_finite=finite) is sound
    if sound:
        kept = check_array(
            values, ensure_2d=ndim == 2, dtype=(np.float64, np.float32), accept_sparse="csr", ensure_all_finite=finite
        )
        assert kept is values


def test_values_whose_sum_overflows_are_left_to_scikit_learn():
    with arrays.overflow_expected():
        assert not is_sound(np.full((2, 2), 1e308))
    assert is_sound(np.array([[1e308, -1e308]]))


@pytest.mark.parametrize("dtype", [bool, np.int32, np.uint64, np.float16, np.float32, np.float64, object, str])
def test_what_is_masked_is_lacking_and_the_rest_keeps_its_value(dtype):
    values = np.asarray([[1, 0], [0, 1]]).astype(dtype)
    whole = unmasked(np.ma.masked_array(values))
    assert (type(whole), whole.dtype) == (np.ndarray, values.dtype)
    found = unmasked(np.ma.masked_array(values, mask=[[True, False], [False, False]]))
    assert (type(found), found.shape) == (np.ndarray, (2, 2))
    assert found[0, 0] is None if found.dtype == object else np.isnan(found[0, 0])
    np.testing.assert_array_equal(found.ravel()[1:], values.ravel()[1:].astype(found.dtype))
    assert found.dtype == values.dtype or values.dtype.kind in "biuU"
    assert unmasked(values) is values

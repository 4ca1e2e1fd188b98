"""Checks at the door: what passes, and that messages say what was found, what was expected and what to do."""

import numbers

import numpy as np
import pytest
import scipy.sparse
from sklearn.exceptions import DataConversionWarning

from skamem.core import arrays
from skamem.core.validation import (
    check_groups,
    check_labels,
    check_number,
    check_option,
    check_sample_weight,
    check_sequence,
    check_targets,
    known_classes,
    known_codes,
    type_of,
)

X = np.ones((3, 2))
HERE = arrays.placement_of(X)


@pytest.mark.parametrize("value", ["a", "b", True])
def test_options_pass(value):
    assert check_option("name", value, ("a", "b", True)) is value


@pytest.mark.parametrize("value", [np.str_("a"), np.True_])
def test_options_pass_as_a_grid_of_arrays_gives_them(value):
    assert check_option("name", value, ("a", "b", True)) is value


@pytest.mark.parametrize("value", ["c", 1, None, np.ones(2), ["a"]])
def test_what_is_not_an_option_is_named_with_the_options(value):
    with pytest.raises(ValueError, match=r"name=.* is not an option; expected one of 'a', 'b', True\."):
        check_option("name", value, ("a", "b", True))


@pytest.mark.parametrize(
    ("value", "limits"),
    [
        (0, {"low": 0}),
        (np.float32(0.5), {"low": 0, "high": 1}),
        (np.int64(3), {"kind": numbers.Integral}),
        (-np.inf, {}),
        (1e-9, {"low": 0, "low_open": True}),
    ],
)
def test_numbers_in_range_pass(value, limits):
    assert check_number("name", value, **limits) is value


@pytest.mark.parametrize(
    ("value", "limits", "message"),
    [
        (-1, {"low": 0}, "0 <= name"),
        (2, {"low": 0, "high": 1}, "0 <= name <= 1"),
        (0.0, {"low": 0, "low_open": True}, "0 < name"),
        (1.0, {"low": 0, "high": 1, "high_open": True}, "0 <= name < 1"),
        (float("nan"), {"low": 0}, "0 <= name"),
        (float("nan"), {"high": 1}, "name <= 1"),
    ],
)
def test_numbers_out_of_range_are_shown_the_range(value, limits, message):
    with pytest.raises(ValueError, match=f"name={value!r} is out of range; expected {message}"):
        check_number("name", value, **limits)


@pytest.mark.parametrize(
    ("value", "kind", "noun"),
    [
        (True, numbers.Real, "a number"),
        ("1", numbers.Real, "a number"),
        (None, numbers.Real, "a number"),
        (1.0, numbers.Integral, "an integer"),
        (False, numbers.Integral, "an integer"),
    ],
)
def test_what_is_no_number_is_a_type_error(value, kind, noun):
    with pytest.raises(TypeError, match=rf"name={value!r} is {type_of(value)}; expected {noun}\."):
        check_number("name", value, kind=kind)


# ------------------------------------------------------------------------------------------------- weights


@pytest.mark.parametrize("weights", [[1, 0, 2], np.asarray([1.0, 0.0, 2.0]), [0.5, 0.0, 1.0]])
def test_weights_pass(weights, place):
    there = arrays.placement_of(place.put(X))
    found = place.get(check_sample_weight(weights, place.put(X), there, place.xp.float32))
    assert found.dtype == "float32"
    np.testing.assert_array_equal(found, weights)


@pytest.mark.parametrize("value", [(1, 2), [1, 2], np.array([1, 2]), range(1, 3), {1, 2}], ids=repr)
def test_sequences_pass_as_lists(value):
    assert check_sequence("flips", value, "a pair", length=2) == [1, 2]


@pytest.mark.parametrize("value", ["ab", b"ab", {1: 2}, 3, None, np.array(3), np.float32(1)], ids=repr)
def test_what_is_no_sequence_is_a_type_error(value):
    with pytest.raises(TypeError, match=r"flips=.* is an? \w+; expected a pair"):
        check_sequence("flips", value, "a pair")


def test_sequences_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"flips=\[1\] has 1 entries; expected 2: a pair"):
        check_sequence("flips", [1], "a pair", length=2)


def test_one_weight_is_for_all_and_none_is_none():
    np.testing.assert_array_equal(check_sample_weight(2.0, X, HERE, np.float64), [2.0, 2.0, 2.0])
    assert check_sample_weight(None, X, HERE, np.float64) is None


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, -1, 1], "negative"),
        ([0, 0, 0], "all zero"),
        (0.0, "all zero"),
        ([1, 1], r"shape \(2,\); expected \(3,\)"),
        ([[1], [1], [1]], r"shape \(3, 1\); expected \(3,\)"),
        ([1, np.nan, 1], "NaN"),
        ([1, np.inf, 1], "infinity"),
        (["a", "b", "c"], "could not convert|dtype"),
    ],
)
def test_bad_weights_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        check_sample_weight(weights, X, HERE, np.float64)


# ------------------------------------------------------------------------------------------------- targets


@pytest.mark.parametrize("y", [[[1], [0], [1]], np.ones((3, 4))])
def test_two_dimensional_targets_pass(y, place):
    there = arrays.placement_of(place.put(X))
    np.testing.assert_array_equal(place.get(check_targets(y, X, there, place.xp.float64, owner="Memory")), y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, r"Memory\(target='y'\) requires y to be passed, but the target y is None.*target='self'"),
        ([1, 0, 1], r"y is 1-D; expected shape \(n_patterns, n_outputs\).*reshape\(-1, 1\).*MemoryClassifier"),
        (np.ones(3), "y is 1-D"),
        (np.ones((2, 1)), "inconsistent numbers of samples"),
        ([[1.0], [np.nan], [1.0]], "y contains NaN"),
        ([[1.0], [np.inf], [1.0]], "y contains infinity"),
    ],
)
def test_bad_targets_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        check_targets(y, X, HERE, np.float64, owner="Memory")


# -------------------------------------------------------------------------------------------------- labels


@pytest.mark.parametrize("labels", [["b", "a", "b"], [3, -1, 3], [True, False, True], np.asarray([2.0, 1.0, 2.0])])
def test_labels_become_numbers(labels):
    classes, codes = check_labels(labels, X, owner="Classifier")
    assert classes.tolist() == sorted(set(labels))
    assert classes[codes].tolist() == list(labels)


def test_labels_come_home(place):
    classes, codes = check_labels(place.put([7, 5, 7]), X, owner="Classifier")
    assert (classes.tolist(), codes.tolist()) == ([5, 7], [1, 0, 1])
    assert type(classes) is type(codes) is np.ndarray


@pytest.mark.parametrize("others", [["a", "b"], [1, 2], [1.5, 2.5]], ids=str)
@pytest.mark.parametrize("nothing", [None, np.nan, np.float32("nan"), np.datetime64("NaT")], ids=repr)
def test_rows_without_a_label_are_named(others, nothing):
    entries = np.empty(3, dtype=object)
    entries[:] = [others[0], nothing, others[1]]
    for y in (entries, entries.tolist()):
        with pytest.raises(ValueError, match=r"without a label, 1 of 3, the first .* in row 1"):
            check_groups(y, np.zeros((3, 2)), owner="Owner")


def test_groups_of_pandas_are_those_of_numpy():
    pd = pytest.importorskip("pandas")
    for dtype in ("string", "category", object):
        labels, codes = check_groups(pd.Series(["b", "a", "b"], dtype=dtype), np.zeros((3, 2)), owner="Owner")
        assert labels.dtype.kind == "U"
        assert labels[codes].tolist() == ["b", "a", "b"]
    with pytest.raises(ValueError, match="without a label, 1 of 2"):
        check_groups(pd.array(["a", None], dtype="string"), np.zeros((2, 2)), owner="Owner")


def test_groups_are_labels_of_any_number_with_few_rows_each():
    values = np.arange(30)[::-1].copy()  # of scikit-learn's classes so many are worth a warning
    labels, codes = check_groups(values / 3, np.zeros((30, 2)), owner="Owner")
    np.testing.assert_array_equal(labels[codes], values / 3)
    assert check_groups(["b", "b"], np.zeros((2, 2)), owner="Owner")[0].tolist() == ["b"]
    with pytest.raises(TypeError, match="all as numbers or all as strings"):
        check_groups(np.asarray(["a", None, 3], dtype=object), np.zeros((3, 2)), owner="Owner")
    for mixed in ([1, "1"], ["a", 3.5], [True, "b"]):  # of which NumPy would make strings
        with pytest.raises(TypeError, match="all as numbers or all as strings"):
            check_groups(mixed, np.zeros((2, 2)), owner="Owner")
    for strange in ([b"a", b"b"], np.asarray(["2020-01-01", "2020-01-02"], dtype="M8[D]"), [{1}, {2}]):
        with pytest.raises(TypeError, match="expected numbers or strings"):
            check_groups(strange, np.zeros((2, 2)), owner="Owner")
    with pytest.raises(ValueError, match="requires y to be passed"):
        check_groups(None, np.zeros((2, 2)), owner="Owner")
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        check_groups([1, 2, 3], np.zeros((2, 2)), owner="Owner")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "Classifier requires y to be passed, but the target y is None"),
        ([1, 1, 1], r"at least 2 classes, but y has only one class: \[1\]"),
        ([0.5, 1.5, 2.7], "Unknown label type"),
        ([1, 2], "inconsistent numbers of samples"),
        (np.ones((3, 2)), "1d array"),
    ],
)
@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array])
def test_bad_labels_are_refused(labels, message, container):
    with pytest.raises(ValueError, match=message):
        check_labels(labels, container(X), owner="Classifier")


def test_known_codes():
    assert np.array_equal(known_codes(["b", "a", "b"], X, np.asarray(["a", "b", "c"]), "Owner"), [1, 0, 1])
    with pytest.raises(ValueError, match=r"y has labels \['d'\] that are not in classes \['a', 'b'\]"):
        known_codes(["a", "d", "b"], X, np.asarray(["a", "b"]), "Owner")
    with pytest.raises(ValueError, match="Owner requires y to be passed"):
        known_codes(None, X, np.asarray(["a"]), "Owner")


def test_known_classes():
    X, known = np.zeros((3, 1)), np.asarray([1, 2])
    assert known_classes(known, None, None, X, "Owner") is known
    assert np.array_equal(known_classes(None, [2, 1], [1, 1, 1], X, "Owner"), known)
    assert np.array_equal(known_classes(None, None, [2, 1, 2], X, "Owner"), known)
    with pytest.raises(ValueError, match=r"classes=\[2\] has fewer than 2 labels; pass all labels .* as `classes`"):
        known_classes(None, [2], [2, 2, 2], X, "Owner")
    with pytest.raises(ValueError, match=r"Owner needs at least 2 classes, but y has only \[2\] and `classes` is not"):
        known_classes(None, None, [2, 2, 2], X, "Owner")
    with pytest.raises(ValueError, match=r"classes=\[1, 3\] differ from those of the first call, \[1, 2\]"):
        known_classes(known, [1, 3], [1, 1, 1], X, "Owner")


@pytest.mark.parametrize("kind", [np.asarray, np.ndarray.tolist, scipy.sparse.csr_array])
def test_several_labels_a_row_have_their_remedy(kind):
    y = kind(np.asarray([[1, 0], [0, 1], [1, 1]]))
    for check in (
        lambda: check_labels(y, X, owner="Owner"),
        lambda: known_codes(y, X, np.asarray([0, 1]), "Owner"),
        lambda: known_classes(None, None, y, X, "Owner"),
    ):
        with pytest.raises(ValueError, match=r"1d array .* has shape \(3, 2\)\. .*MultiOutputClassifier"):
            check()


def test_a_column_of_labels_is_taken_with_a_warning_at_the_caller():
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed") as caught:
        classes, codes = check_labels(np.asarray([["a"], ["b"], ["a"]]), X, owner="Owner")
    assert caught[0].filename == __file__
    assert classes.tolist() == ["a", "b"]
    assert codes.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("value", "named"), [(1, "an int"), ("1", "a str"), (X, "an ndarray"), (object(), "an object"), (1.0, "a float")]
)
def test_types_have_their_article(value, named):
    assert type_of(value) == named


@pytest.mark.parametrize(
    "named",
    [
        "an AssociativeImputer", "an IHTRegressor", "an MLPClassifier", "an NMF", "an SVC", "an RBM",
        "a HebbianMemory", "a KMeans", "a PCA", "a UMAP", "a OneHotEncoder", "a UniformPrior",
        "a UserMemory", "a LayerwiseRegressor",
    ],
)  # fmt: skip
def test_articles_are_as_names_are_spoken(named):
    assert type_of(type(named.split()[1], (), {})()) == named

"""Columns of data frames of which `transform` sees another type than `fit` did: completed, or refused."""

from functools import cache

import numpy as np
import pytest

from skamem import AssociativeImputer

pd = pytest.importorskip("pandas")

N = 30
RANK = np.arange(N) // 10  # what every column follows

# What a column of fit may be: its type, and the values that a completed entry may have (None: any number).
FITTED = {
    "float": (pd.Series(RANK + 0.5 * np.sin(RANK)), None),
    "float32": (pd.Series(RANK, dtype="float32"), None),
    "huge": (pd.Series(RANK * 1e300), None),
    "negative": (pd.Series(RANK - 1000), {-1000, -999, -998}),
    "whole": (pd.Series(RANK, dtype="int64"), {0, 1, 2}),
    "Int8": (pd.Series(RANK, dtype="Int8"), {0, 1, 2}),
    "many": (pd.Series(np.arange(1000, 1000 + 2 * N, 2) * 10), None),
    "bool": (pd.Series(RANK > 0), {False, True}),
    "boolean": (pd.Series(RANK > 0, dtype="boolean"), {False, True}),
    "words": (pd.Series(np.asarray(["S", "M", "L"])[RANK]), {"S", "M", "L"}),
    "objects": (pd.Series(np.asarray(["S", "M", "L"])[RANK], dtype=object), {"S", "M", "L"}),
    "categories": (pd.Series(pd.Categorical(np.asarray(["S", "M", "L"])[RANK])), {"S", "M", "L"}),
    "ordered": (
        pd.Series(pd.Categorical(np.asarray(["S", "M", "L"])[RANK], ["S", "M", "L"], ordered=True)),
        {"S", "M", "L"},
    ),
    "of numbers": (pd.Series(pd.Categorical(RANK + 0.5)), {0.5, 1.5, 2.5}),
    "sparse": (pd.Series(pd.arrays.SparseArray(RANK.astype(float))), None),
    "empty": (pd.Series([None] * N, dtype=object), {0, "missing_value"}),
    "empty numbers": (pd.Series([np.nan] * N), {0}),
    "empty categories": (pd.Series(pd.Categorical([None] * N, ["XL", "S"])), {"XL"}),
    "empty truth": (pd.Series([None] * N, dtype="boolean"), {False}),
}

# What a column of transform may be: a known entry, a gap, and another gap.
GIVEN = {
    "float": pd.Series([1.0, np.nan, np.nan]),
    "float32": pd.Series([1.0, np.nan, np.nan], dtype="float32"),
    "Float32": pd.Series([1.0, None, None], dtype="Float32"),
    "Int8": pd.Series([1, None, None], dtype="Int8"),
    "UInt64": pd.Series([1, None, None], dtype="UInt64"),
    "boolean": pd.Series([True, None, None], dtype="boolean"),
    "truth": pd.Series([True, None, None], dtype=object),
    "words": pd.Series(["S", None, None]),
    "digits": pd.Series(["1", None, None]),
    "objects": pd.Series(["S", None, None], dtype=object),
    "string": pd.Series(["S", None, None], dtype="string"),
    "categories": pd.Series(pd.Categorical(["S", None, None])),
    "ordered": pd.Series(pd.Categorical(["L", None, None], ["S", "L"], ordered=True)),
    "of numbers": pd.Series(pd.Categorical([1.0, None, None])),
    "sparse": pd.Series(pd.arrays.SparseArray([1.0, np.nan, np.nan])),
    "no float": pd.Series([np.nan, np.nan, np.nan]),
    "no Int8": pd.Series([None, None, None], dtype="Int8"),
    "no boolean": pd.Series([None, None, None], dtype="boolean"),
    "no object": pd.Series([None, None, None], dtype=object),
    "no string": pd.Series([None, None, None], dtype="str"),
    "no category": pd.Series(pd.Categorical([None, None, None])),
    "no size": pd.Series(pd.Categorical([None, None, None], ["XS", "L"])),
}
WORDS = {"words", "digits", "objects", "string", "categories", "ordered"}


def frame(series):
    return pd.DataFrame({"b": np.linspace(0.0, 2.0, len(series)), "a": series.to_numpy(dtype=object)}).assign(a=series)


@cache
def fitted_to(name):
    """An imputer that saw a column of that type."""
    return AssociativeImputer(keep_empty_features=True, random_state=0).fit(frame(FITTED[name][0]))


def completed(imputer, holes):
    """The completed table, or None and the words of the refusal."""
    try:
        return imputer.transform(holes), None
    except ValueError as refusal:
        return None, str(refusal)


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("fitted", FITTED)
def test_every_pair_of_types_is_completed_or_refused_by_name(fitted, given):
    allowed = FITTED[fitted][1]
    holes = frame(GIVEN[given])
    before = holes.copy()
    imputer = fitted_to(fitted).set_output(transform="pandas")
    found, refusal = completed(imputer, holes)
    if found is None:
        assert refusal.startswith("Feature 'a' held")
        assert refusal.endswith("Convert it to what fit saw.")
        assert not given.startswith("no ")  # where nothing is known there is nothing to clash with
        assert fitted != given
        return
    pd.testing.assert_frame_equal(holes, before)
    column, known = found["a"], before["a"].notna()
    assert not column.isna().any()
    assert (column[known].astype(object) == before["a"][known].astype(object)).all()
    values = column[~known].tolist()
    if allowed is not None:
        assert set(values) <= allowed
    if fitted in ("float", "float32", "huge", "sparse"):
        assert given not in WORDS
        assert np.isfinite(np.asarray(values, dtype=float)).all()
    for draw in imputer.sample(holes, 2):
        assert not draw["a"].isna().any()


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("fitted", FITTED)
def test_arrays_of_every_pair_have_no_gap(fitted, given):
    holes = frame(GIVEN[given])
    imputer = fitted_to(fitted).set_output(transform="default")
    found, refusal = completed(imputer, holes)
    if found is None:
        assert refusal.startswith("Feature 'a' held")
        return
    assert found.shape == (3, 2)
    assert not pd.isna(found).any()
    known = holes["a"].notna().to_numpy()
    assert (found[known, 1] == holes["a"][known].to_numpy(dtype=object)).all()


@pytest.mark.parametrize(("kind", "other"), [("words", "of numbers"), ("float", "boolean"), ("whole", "words")])
def test_what_goes_together_in_no_column_is_refused(kind, other):
    imputer = AssociativeImputer().set_output(transform="pandas").fit(frame(FITTED[kind][0]))
    with pytest.raises(ValueError, match="Feature 'a' held"):
        imputer.transform(frame(GIVEN[other]))


@pytest.mark.parametrize("container", ["default", "pandas"])
@pytest.mark.parametrize(
    "fitted", ["whole", "float", "bool", "of numbers", "words", "objects", "categories", "ordered"]
)
def test_words_and_numbers_are_refused_with_gaps_and_without(fitted, container):
    imputer = fitted_to(fitted).set_output(transform=container)
    numbers = {"float", "Int8", "boolean", "truth", "of numbers", "sparse"}
    of_numbers = fitted == "of numbers"
    words = WORDS - {"objects"} if of_numbers else WORDS
    for given in words if fitted in ("whole", "float", "bool", "of numbers") else numbers:
        holes = frame(GIVEN[given])
        objects = holes.astype({"a": object})  # these hold a word beside numbers that are categories
        for some in (holes, holes[:1], *(() if of_numbers else (objects, objects[:1]))):
            with pytest.raises(ValueError, match="Feature 'a' held .* Convert it to what fit saw"):
                imputer.transform(some)
            with pytest.raises(ValueError, match="Feature 'a' held"):
                imputer.score(some)


def test_numbers_of_other_types_are_no_strangers_to_categories_of_numbers():
    imputer = fitted_to("of numbers").set_output(transform="pandas")
    for column in ([0.5, 7.0], [True, False], pd.Categorical([1, 2])):
        table = frame(pd.Series(column))
        pd.testing.assert_frame_equal(imputer.transform(table), table)
    mixed = frame(pd.Series(["S", 1.0, None], dtype=object))  # one of them fit saw
    assert fitted_to("objects").set_output(transform="pandas").transform(mixed)["a"].tolist()[:2] == ["S", 1.0]


def test_a_category_that_the_other_file_lacks_is_added_in_its_place():
    sizes = pd.Categorical(np.asarray(["S", "M", "L"])[RANK], ["S", "M", "L"], ordered=True)
    given = pd.Series(pd.Categorical(["S", None, "L"], ["S", "L"], ordered=True))
    imputer = AssociativeImputer().set_output(transform="pandas").fit(frame(pd.Series(sizes)))
    found = imputer.transform(frame(given))["a"]
    assert found.tolist() == ["S", "M", "L"]
    assert found.cat.categories.tolist() == ["S", "M", "L"]
    assert found.cat.ordered


def test_narrow_integers_are_widened():
    imputer = AssociativeImputer(missing_values=0).set_output(transform="pandas")
    imputer.fit(frame(pd.Series(np.full(N, 300))))
    found = imputer.transform(frame(pd.Series([5, 0, 7], dtype="uint8")))["a"]
    assert found.tolist() == [5, 300, 7]
    assert found.dtype == "int64"


@pytest.mark.parametrize("dtype", ["Int64", "UInt64", "Int32"])
def test_large_whole_numbers_are_completed_by_one_that_was_seen(dtype):
    values = (2**53 if dtype != "Int32" else 2**20) + np.asarray([1, 3, 10_001])
    series = pd.Series([*np.repeat(values, 10).tolist()], dtype=dtype)
    holes = series.copy()
    holes.iloc[[3, 15, 25]] = pd.NA
    found = AssociativeImputer().set_output(transform="pandas").fit_transform(frame(holes))["a"]
    assert found.dtype == dtype
    assert set(found.tolist()) <= set(values.tolist())
    assert (found[holes.notna()] == series[holes.notna()]).all()
    assert found.iloc[25] == values[2]


def test_polars_columns_of_other_types():
    pl = pytest.importorskip("polars")
    size = ["S"] * 10 + ["M"] * 10 + ["L"] * 10
    learnt = pl.DataFrame({"n": np.arange(30.0), "a": pl.Series(size, dtype=pl.Enum(["S", "M", "L"]))})
    imputer = AssociativeImputer().set_output(transform="polars").fit(learnt)
    for column in (
        pl.Series(["S", None, None], dtype=pl.Enum(["S", "L"])),
        pl.Series(["S", None, None], dtype=pl.Categorical),
        pl.Series(["S", None, None]),
        pl.Series([None, None, None], dtype=pl.Null),
        pl.Series([None, None, None], dtype=pl.Float32),
    ):
        found = imputer.transform(pl.DataFrame({"n": [1.0, 15.0, 28.0], "a": column}))["a"]
        assert found.to_list()[1:] == ["M", "L"]
    with pytest.raises(ValueError, match="Feature 'a' held categories such as 'S', 'M'"):
        imputer.transform(pl.DataFrame({"n": [1.0, 15.0], "a": [1.5, None]}))
    numbers = imputer.fit(pl.DataFrame({"n": np.arange(30.0), "a": np.arange(30) * 1000}))
    found = numbers.transform(pl.DataFrame({"n": [1.0, 15.0], "a": pl.Series([1, None], dtype=pl.Int8)}))["a"]
    assert found.null_count() == 0
    assert found[1] > 10_000
    with pytest.raises(ValueError, match="Feature 'a' held numbers"):
        numbers.transform(pl.DataFrame({"n": [1.0, 15.0], "a": ["1", None]}))


@pytest.mark.parametrize("dtype", ["Int64", "UInt64"])
def test_known_whole_numbers_of_64_bits_stay_and_no_other_leaves_their_range(dtype):
    pd = pytest.importorskip("pandas")
    random, limits = np.random.default_rng(0), np.iinfo(dtype.lower())
    a = np.sort(random.standard_normal(60))
    step = (int(limits.max) - int(limits.min)) // 60
    ids = [int(limits.min) + step * i + 1 for i in range(59)] + [int(limits.max)]
    holes = pd.DataFrame({"a": 3.0 * a, "id": pd.array(ids, dtype=dtype)})
    gone = [0, 20, 58, 59]
    holes.loc[gone, "id"] = pd.NA
    holes.loc[59, "a"] = 1e3
    found = AssociativeImputer().set_output(transform="pandas").fit_transform(holes)["id"]
    assert found.dtype == dtype
    assert [int(value) for value in found.drop(gone)] == [value for i, value in enumerate(ids) if i not in gone]
    assert found[59] > found[20]


def categories_of(kind):
    pd = pytest.importorskip("pandas")
    return {
        "intervals": pd.interval_range(0, 3),
        "dates": pd.date_range("2020", periods=3),
        "periods": pd.period_range("2020", periods=3, freq="Y"),
        "tuples": pd.Index([("a", 1), ("b", 2), ("c", 3)], tupleize_cols=False),
    }[kind]


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("kind", ["intervals", "dates", "periods", "tuples"])
def test_categories_may_be_of_any_type(kind, ordered):
    pd = pytest.importorskip("pandas")
    random = np.random.default_rng(0)
    a = random.standard_normal(200)
    truth, known = np.digitize(a, [-0.5, 0.5]), random.random(200) < 0.8
    column = pd.Categorical.from_codes(np.where(known, truth, -1), categories_of(kind), ordered=ordered)
    holes = pd.DataFrame({"a": a, "c": column})
    imputer = AssociativeImputer().partial_fit(holes[:100]).merge(AssociativeImputer().fit(holes[100:]))
    found = imputer.set_output(transform="pandas").transform(holes)["c"]
    assert found.dtype == holes["c"].dtype
    assert (found.cat.codes == truth).mean() > 0.95
    np.testing.assert_array_equal(found.cat.codes[known], truth[known])
    entries = AssociativeImputer().fit_transform(holes)[:, 1].tolist()
    assert entries == found.tolist()


def test_intervals_of_other_edges_are_refused_by_name():
    pd = pytest.importorskip("pandas")
    a = np.linspace(0.0, 4.0, 40)
    frame = pd.DataFrame({"a": a, "c": pd.cut(a, [-1, 1, 2, 3, 4])})
    imputer = AssociativeImputer().set_output(transform="pandas").fit(frame)
    low = frame[:10].assign(c=lambda part: part["c"].cat.remove_unused_categories())
    low.loc[5, ["a", "c"]] = [3.9, None]
    assert imputer.transform(low)["c"][5] == pd.Interval(3, 4)  # an interval that the part lacks is added
    other = frame.assign(c=pd.cut(a, [-1, 1.5, 4]))
    other.loc[5, "c"] = None
    with pytest.raises(ValueError, match="Feature 'c' has intervals .* overlap those of fit"):
        imputer.transform(other)

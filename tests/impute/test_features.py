"""Tables in parts: features of columns that join, in partial_fit and merge of an imputer."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

from skamem import AssociativeImputer
from skamem.impute import _completer


def holes_of(n_rows=600, seed=0):
    random = np.random.default_rng(seed)
    X = random.standard_normal((n_rows, 2)) @ random.standard_normal((2, 5)) + 0.2 * random.standard_normal((n_rows, 5))
    return np.where(random.random(X.shape) < 0.2, np.nan, X)


def mixed(n_rows=240, seed=0):
    pd = pytest.importorskip("pandas")
    random = np.random.default_rng(seed)
    z = random.standard_normal(n_rows)
    frame = pd.DataFrame(
        {
            "number": z,
            "whole": pd.array(np.rint(z), dtype="Int64"),
            "truth": pd.array(z > 0.4, dtype="boolean"),
            "size": pd.Categorical(np.where(z > 0.6, "L", np.where(z > -0.6, "M", "S")), ["S", "M", "L"], ordered=True),
            "word": np.where(z > -0.3, "up", "down"),
        }
    ).sort_values("number", ignore_index=True)  # the first rows have other categories than the last
    return frame.mask(random.random(frame.shape) < 0.15)


def check_same(one, other, X):
    found, expected = one.transform(X), other.transform(X)
    if hasattr(found, "dtypes"):
        for name in expected:
            if expected[name].dtype == np.float64:
                np.testing.assert_allclose(found[name], expected[name], atol=1e-8)
            else:
                assert (found[name] == expected[name]).all()
    else:
        np.testing.assert_allclose(found, expected, atol=1e-8)
    assert one.n_samples_seen_ == other.n_samples_seen_


@pytest.mark.parametrize("table", [holes_of, mixed])
@pytest.mark.parametrize("n_components", ["auto", None, 40])
def test_parts_give_the_fit_of_the_whole(table, n_components):
    X = table()
    imputer = AssociativeImputer(n_components, add_indicator=True, keep_empty_features=True)
    imputer.set_output(transform="default" if isinstance(X, np.ndarray) else "pandas")
    whole = clone(imputer).fit(X)
    cut = len(X) // 3
    pieces = clone(imputer).partial_fit(X[:cut]).partial_fit(X[cut : cut + 1]).partial_fit(X[cut + 1 :])
    check_same(pieces, whole, X)
    one, two = clone(imputer).fit(X[:cut]), clone(imputer).partial_fit(X[cut:])
    check_same(clone(one).merge(one).merge(two), whole, X)
    check_same(pickle.loads(pickle.dumps(two)).merge(one), whole, X)
    assert (one.n_samples_seen_, two.n_samples_seen_) == (cut, len(X) - cut)


def test_more_rows_than_are_kept_are_sampled_evenly(monkeypatch):
    """Means of 400 of 8000 rows: within 5 standard errors of theirs, whose sizes are bounded."""
    monkeypatch.setattr(_completer, "_LEARNT", 400)
    X = holes_of(8000)
    X[:, 0] += np.linspace(0.0, 30.0, 8000)
    imputer = AssociativeImputer(100)
    for start in range(0, 8000, 1000):
        imputer.partial_fit(X[start : start + 1000])
    assert imputer.n_samples_seen_ == 8000
    assert len(imputer._sample.codes) == 400
    errors = (imputer.mean_ - np.nanmean(X, axis=0)) / np.nanstd(X, axis=0)
    assert np.abs(errors).max() < 5.0 / np.sqrt(0.8 * 400)
    halves = [AssociativeImputer(100).fit(half) for half in (X[:4000], X[4000:])]
    merged = halves[0].merge(halves[1])
    assert len(merged._sample.codes) == 400
    errors = (merged.mean_ - np.nanmean(X, axis=0)) / np.nanstd(X, axis=0)
    assert np.abs(errors).max() < 5.0 / np.sqrt(0.8 * 400)


def test_an_indicator_tells_of_gaps_in_any_row_seen(monkeypatch):
    monkeypatch.setattr(_completer, "_LEARNT", 50)
    X = np.random.default_rng(0).standard_normal((2000, 3))
    X[700, 1] = np.nan
    imputer = AssociativeImputer(20, add_indicator=True).partial_fit(X[:500]).partial_fit(X[500:])
    assert imputer.indicator_.features_.tolist() == [1]


def test_a_column_without_entries_at_first_may_get_any_later():
    pd = pytest.importorskip("pandas")
    empty = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": pd.Series([None] * 3, dtype=object)})
    full = pd.DataFrame({"a": [1.0, 2.0, None], "b": ["x", None, "y"]})
    with pytest.warns(UserWarning, match=r"without any observed values: \['b'\]"):
        imputer = AssociativeImputer().set_output(transform="pandas").partial_fit(empty)
    assert imputer.partial_fit(full).transform(full)["b"].isin(["x", "y"]).all()
    assert imputer.merge(imputer).categories_[1].tolist() == ["x", "y"]


@pytest.mark.parametrize("way", ["partial_fit", "merge"])
def test_what_goes_together_in_no_column_is_refused_and_changes_nothing(way):
    pd = pytest.importorskip("pandas")
    X = mixed(60)
    imputer = AssociativeImputer().fit(X)
    before = dict(vars(imputer))
    turned = X.assign(size=X["size"].cat.reorder_categories(["L", "M", "S"], ordered=True))
    for other, words in (
        (X.assign(number="many"), "'number' held numbers and holds categories such as 'many' now"),
        (X.assign(word=1.0), "'word' held categories such as 'down', 'up' and holds numbers now"),
        (turned, "'size' has ranks .* expected one order"),
        (X.drop(columns="word"), "[Ff]eature"),
    ):
        with pytest.raises(ValueError, match=words):
            imputer.partial_fit(other) if way == "partial_fit" else imputer.merge(AssociativeImputer().fit(other))
        assert vars(imputer) == before
    with pytest.raises(TypeError, match="expected a fitted AssociativeImputer"):
        imputer.merge(pd.DataFrame())


def test_ranks_grow_where_one_order_holds_the_other():
    pd = pytest.importorskip("pandas")
    some = pd.DataFrame({"size": pd.Categorical(["S", "L"] * 5, ["S", "L"], ordered=True), "x": [0.0, 2.0] * 5})
    more = pd.DataFrame({"size": pd.Categorical(["M", None] * 5, ["S", "M", "L"], ordered=True), "x": [1.0, 1.0] * 5})
    imputer = AssociativeImputer().fit(some).partial_fit(more).set_output(transform="pandas")
    assert imputer.transform(more)["size"].tolist() == ["M"] * 10
    assert AssociativeImputer().fit(more).merge(AssociativeImputer().fit(some))._features[0].levels.tolist() == [
        "S", "M", "L"
    ]  # fmt: skip


@pytest.mark.parametrize("way", ["partial_fit", "merge"])
@pytest.mark.parametrize(
    ("name", "value"), [("n_components", 30), ("missing_values", -1.0), ("categorical_features", [0])]
)
def test_what_rows_say_stays_as_learning_began(way, name, value):
    X = holes_of()
    imputer, other = AssociativeImputer().partial_fit(X[:50]), AssociativeImputer(**{name: value}).fit(X[50:])
    with pytest.raises(ValueError, match=f"other was fitted with {name}="):
        imputer.merge(other)
    imputer.set_params(**{name: value})
    before = dict(vars(imputer))
    with pytest.raises(ValueError, match=rf"{way} goes on with {name}=.*, but found {name}=.*; call fit to start anew"):
        imputer.partial_fit(X[50:]) if way == "partial_fit" else imputer.merge(other)
    assert vars(imputer) == before
    check_same(imputer.fit(X[50:]), other, X)


def test_how_rows_are_used_may_change_between_parts():
    X = holes_of()
    parts = (
        AssociativeImputer(max_iter=3).partial_fit(X[:50]).set_params(max_iter=30, shrinkage=0.1).partial_fit(X[50:])
    )
    check_same(parts, AssociativeImputer(shrinkage=0.1).fit(X), X)


def test_fit_forgets_what_came_before():
    X = holes_of()
    again = AssociativeImputer().partial_fit(X[:50]).fit(X[50:])
    check_same(again, AssociativeImputer().fit(X[50:]), X)


@pytest.mark.filterwarnings("ignore:Skipping features without any observed values")
@pytest.mark.parametrize("gaps", [np.nan, None, "Int64"])
def test_a_part_without_entries_of_a_column_says_nothing_of_its_kind(gaps):
    """A reader of files calls a column of gaps alone one of floats, whatever it holds further down."""
    pd = pytest.importorskip("pandas")
    full = pd.DataFrame({"word": ["a", "b"] * 6, "number": np.r_[np.nan, np.arange(11.0)]})
    column = pd.array([pd.NA] * 5, dtype="Int64") if gaps == "Int64" else [gaps] * 5
    bare = pd.DataFrame({"word": column, "number": np.arange(5.0)})
    imputer = AssociativeImputer().set_output(transform="pandas")
    for first, second in ((full, bare), (bare, full)):
        parts = clone(imputer).partial_fit(first).partial_fit(second)
        joined = clone(imputer).fit(first).merge(clone(imputer).fit(second))
        for found in (parts, joined):
            assert found.categories_[0].tolist() == ["a", "b"]
            assert found.transform(bare)["word"].isin(["a", "b"]).all()

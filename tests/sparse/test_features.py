"""Groups and always_select by name, in pipelines whose folds lack columns."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skamem.sparse import IHTClassifier, IHTRegressor, IHTRegressorCV, group_by_prefix

RULE = group_by_prefix("onehotencoder__colour_", "onehotencoder__size_")


@pytest.fixture
def table():
    """Two categories, one with a rare level, and two numbers; y depends on the colour and on a number."""
    rng = np.random.default_rng(0)
    colours = rng.choice(["red", "dark_blue", "green"], 120)
    colours[3] = "rare"
    frame = pd.DataFrame({
        "colour": colours, "size": rng.choice(["s", "m", "l"], 120), "age": rng.normal(40, 10, 120),
        "bad_age": rng.normal(size=120),
    })  # fmt: skip
    y = frame["colour"].map({"red": 2.0, "dark_blue": -1.0, "green": 0.0, "rare": 9.0}) + 0.1 * frame["age"]
    return frame, (y + 0.3 * rng.standard_normal(120)).to_numpy()


def pipeline(estimator):
    encoded = make_column_transformer(
        (OneHotEncoder(sparse_output=False, handle_unknown="ignore"), ["colour", "size"]),
        (StandardScaler(), ["age", "bad_age"]),
    )
    return make_pipeline(encoded.set_output(transform="pandas"), estimator)


@pytest.mark.parametrize(
    "groups", [RULE, lambda name: name.rpartition("_")[0].removesuffix("_dark") if "onehot" in name else None],
    ids=["prefix", "callable"],
)  # fmt: skip
@pytest.mark.parametrize("Estimator", [IHTRegressor, IHTRegressorCV])
def test_folds_that_lack_a_level_have_their_groups(table, Estimator, groups):
    frame, y = table
    model = pipeline(Estimator(groups=groups))
    assert cross_val_score(model, frame, y, cv=6, error_score="raise").mean() > 0.5
    selected = set(model.fit(frame, y)[-1].support_names_)
    assert {name for name in selected if "colour" in name} == {
        f"onehotencoder__colour_{level}" for level in ("red", "dark_blue", "green", "rare")
    }
    assert "standardscaler__age" in selected
    assert not any("size" in name for name in selected)


def test_a_dictionary_of_names_groups_those_and_leaves_others_alone():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.standard_normal((60, 4)), columns=["a", "b", "c", "d"])
    y = frame["a"] + frame["c"] + 0.1 * rng.standard_normal(60)
    model = IHTRegressor(2, groups={"a": "first", "b": "first", "gone": "first"}).fit(frame, y)
    assert model.support_names_.tolist() == ["a", "b", "c"]
    labels = IHTRegressor(2, groups=["first", "first", "c", "d"]).fit(frame, y)
    np.testing.assert_array_equal(model.coef_, labels.coef_)


def test_rules_pickle_and_clone_and_the_longest_prefix_counts():
    rule = pickle.loads(pickle.dumps(group_by_prefix("a_", "a_b_")))
    assert [rule(name) for name in ("a_b_c", "a_c", "b")] == ["a_b_", "a_", None]
    assert clone(IHTRegressor(groups=rule)).groups("a_c") == "a_"
    for wrong in ((), (3,)):
        with pytest.raises(TypeError, match="expected one or more strings"):
            group_by_prefix(*wrong)


@pytest.mark.parametrize("Estimator", [IHTRegressor, IHTRegressorCV, IHTClassifier])
def test_always_select_takes_names(table, Estimator):
    frame, y = table
    numbers = frame[["age", "bad_age"]].assign(other=np.arange(120.0) % 7)
    y = y > np.median(y) if Estimator is IHTClassifier else y
    by_name = Estimator(always_select=["other", "bad_age"]).fit(numbers, y)
    np.testing.assert_array_equal(by_name.coef_, Estimator(always_select=[1, 2]).fit(numbers, y).coef_)
    assert {"other", "bad_age"} <= set(by_name.support_names_)
    with pytest.raises(ValueError, match=r"names \['gone'\], which X does not have"):
        Estimator(always_select=["age", "gone"]).fit(numbers, y)
    with pytest.raises(ValueError, match="goes by names, but X has none"):
        Estimator(always_select=["age"]).fit(numbers.to_numpy(), y)


def test_rules_need_names(table):
    with pytest.raises(ValueError, match="goes by names, but X has none"):
        IHTRegressor(groups=RULE).fit(np.eye(5), np.arange(5))

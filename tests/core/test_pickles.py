"""How the arrays of an estimator travel."""

import numpy as np

from skamem.core._pickles import home_state, map_arrays, restored
from skamem.core.factors import Factors

VALUES = np.arange(6.0).reshape(2, 3)


def test_states_come_home(place):
    state, moved = home_state({"a": place.put(VALUES), "b": VALUES, "c": "text", "d": None})
    assert moved == ["a"]
    assert state["b"] is VALUES
    assert (state["c"], state["d"]) == ("text", None)
    np.testing.assert_array_equal(state["a"], VALUES)
    assert type(state["a"]) is np.ndarray


def test_states_come_home_from_containers(place):
    given = {"away": {"n": 3, "moments": [place.put(VALUES), (VALUES, None)]}, "here": [VALUES], "losses": [1.0, 2.0]}
    state, moved = home_state(given)
    assert moved == ["away"]
    assert state["here"] is given["here"]
    first, (second, nothing) = state["away"]["moments"]
    assert type(first) is type(second) is np.ndarray
    np.testing.assert_array_equal(first, VALUES)
    assert (state["away"]["n"], nothing) == (3, None)
    back = map_arrays(place.put, state["away"])
    np.testing.assert_array_equal(place.get(back["moments"][0]), VALUES)


def test_factors_travel_as_plain_containers(place):
    state, moved = home_state({"weights": Factors(place.put(VALUES), None, place.put(VALUES[:, 0])), "n": 2})
    assert moved == ["weights"]
    assert type(state["weights"]) is dict
    back = restored(map_arrays(place.put, state["weights"]))
    assert back.outputs is None
    np.testing.assert_array_equal(place.get(back.inputs), VALUES)
    np.testing.assert_array_equal(place.get(back.strengths), VALUES[:, 0])
    assert restored({"n": 2}) == {"n": 2}

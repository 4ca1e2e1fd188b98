"""Vocabulary: symbols as random vectors, and records that are asked for their fillers."""

import decimal

import numpy as np
import pytest

from skamem.core.binding import ALGEBRAS, bind, permute, random_keys, similarity
from skamem.structures import Vocabulary

SENTENCE = {"agent": "dog", "action": "bites", "patient": {"kind": "cat", "colour": "red", "owner": {"name": "Ann"}}}
every_algebra = pytest.mark.parametrize("algebra", ALGEBRAS)


@every_algebra
def test_every_part_of_a_nested_record_is_told(algebra):
    words = Vocabulary(2048, algebra=algebra, random_state=0)
    record = words.encode(SENTENCE)
    asked = ["agent", "action", ("patient", "kind"), ("patient", "colour"), ("patient", "owner", "name")]
    assert [words.query(record, path) for path in asked] == ["dog", "bites", "cat", "red", "Ann"]
    assert words.query(words.read(record, "patient"), "colour") == "red"
    assert words.roles == ["agent", "action", "patient", "kind", "colour", "owner", "name"]
    assert words.symbols == ["dog", "bites", "cat", "red", "Ann"]


@every_algebra
def test_a_record_is_the_sum_of_bound_pairs_with_parts_of_power_one(algebra):
    words = Vocabulary(256, algebra=algebra, random_state=0)
    record = words.encode({"a": "x", "b": {"c": "y", "d": "z"}})
    inner = bind(words["c"], words["y"], algebra=algebra) + bind(words["d"], words["z"], algebra=algebra)
    inner = inner / np.sqrt(words._algebra.power(inner))
    expected = bind(words["a"], words["x"], algebra=algebra) + bind(words["b"], inner, algebra=algebra)
    np.testing.assert_allclose(record, expected, atol=1e-12)
    np.testing.assert_allclose(
        words.encode(["x", "y"]), permute(words["x"], 1, algebra) + permute(words["y"], 2, algebra)
    )
    np.testing.assert_allclose(words.encode({"a": words["x"]}), bind(words["a"], words["x"], algebra=algebra))
    np.testing.assert_array_equal(words.encode("x"), words["x"])


@every_algebra
def test_lists_keep_their_order(algebra):
    words = Vocabulary(2048, algebra=algebra, random_state=0)
    melody = words.encode({"notes": ["do", "re", "do", "mi"], "key": "C"})
    assert [words.query(melody, ("notes", place)) for place in range(4)] == ["do", "re", "do", "mi"]
    assert words.query(melody, "key") == "C"
    assert words.query(words.encode(["do", "re"]), 1) == "re"


@every_algebra
def test_what_a_record_does_not_have_is_not_told(algebra):
    words = Vocabulary(1024, algebra=algebra, random_state=0).add(*range(50))
    records = np.stack([words.encode({"agent": "dog", "action": name}) for name in range(50)])
    words.encode({"place": "garden"})
    # 50 questions, each answered by chance with probability 1e-3: more than 2 of them are improbable below 2e-5.
    answers = words.query(records, "place")
    assert sum(answer is not None for answer in answers) <= 2
    assert None not in words.query(records, "place", false_alarm=1)
    assert words.query(records, "action") == list(range(50))


def test_the_false_alarm_is_what_it_says():
    # 4000 questions to noise: 400 +- 19 false alarms at .1, 4.9 sd are 93.
    words = Vocabulary(512, random_state=0).add(*range(100))
    words.encode({"role": 0})
    noise = np.random.default_rng(0).standard_normal((4000, 512))
    alarms = sum(answer is not None for answer in words.query(noise, "role", false_alarm=0.1))
    assert abs(alarms - 400) < 93


def test_the_ranking_has_cosines():
    words = Vocabulary(1024, random_state=0)
    record = words.encode({"a": "x", "b": "y", "c": "z", "d": "w"})
    ranking = words.ranking(record, "b", k=3)
    assert [len(ranking), ranking[0][0]] == [3, "y"]
    assert ranking[0][1] == pytest.approx(0.5, abs=0.1)  # one of four parts
    assert ranking[0][1] > ranking[1][1] >= ranking[2][1]
    assert len(words.ranking(record, "b", k=100)) == 4


def test_a_symbol_has_the_same_vector_whenever_it_is_met():
    one, other = Vocabulary(64, random_state=3).add("a", "b", 1, "1"), Vocabulary(64, random_state=3).add("b", "a")
    np.testing.assert_array_equal(one["a"], other["a"])
    assert abs(similarity(one["1"], one[1])) < 0.7
    assert abs(similarity(one["a"], Vocabulary(64, random_state=4)["a"])) < 0.7
    vector = one["a"]
    vector[:] = 0  # a copy
    assert np.any(one["a"])
    assert ["a" in one, "c" in one, [] in one, len(one)] == [True, False, False, 4]
    assert one.vectors.shape == (4, 64)
    assert "4 symbols and 0 roles" in repr(one)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda words, record: Vocabulary(0), ValueError, "n_units=0"),
        (lambda words, record: Vocabulary(algebra="x"), ValueError, "algebra='x'"),
        (lambda words, record: Vocabulary(random_state="x"), TypeError, "no seed"),
        (lambda words, record: words.encode({}), ValueError, "empty record"),
        (lambda words, record: words.encode({"a": []}), ValueError, "empty record"),
        (lambda words, record: words.encode({1: "x"}), TypeError, "The role 1 is an int"),
        (lambda words, record: words.encode({"new": float("nan")}), ValueError, "nan is no symbol: it does not equal"),
        (lambda words, record: words.add(("new", np.nan)), ValueError, "nan.* is no symbol"),
        (lambda words, record: words.add(decimal.Decimal("NaN")), ValueError, "is no symbol"),
        (lambda words, record: words.encode(None), TypeError, "None is no symbol"),
        (lambda words, record: words.encode({"new": None}), TypeError, "None is no symbol"),
        (lambda words, record: words.encode({"new": {"x"}}), TypeError, "is no symbol"),
        (lambda words, record: words.encode({"new": np.ones(3)}), ValueError, r"shape \(3,\); expected \(64,\)"),
        (lambda words, record: words.query(record, "new"), KeyError, "no record has had the role"),
        (lambda words, record: words.query(record, -1), ValueError, "a place in a list=-1"),
        (lambda words, record: words.query(record, 1.5), TypeError, "a place in a list=1.5"),
        (lambda words, record: words.query({"a": "x"}, "a"), TypeError, "expected a vector of 64 numbers"),
        (lambda words, record: words.query(record[:5], "a"), ValueError, r"record has shape \(5,\)"),
        (lambda words, record: words.query(record * np.nan, "a"), ValueError, "no finite numbers"),
        (lambda words, record: words.query(record, "a", false_alarm=0), ValueError, "false_alarm=0"),
        (lambda words, record: words.ranking(record, "a", k=0), ValueError, "k=0"),
        (lambda words, record: words.ranking(np.stack([record, record]), "a"), ValueError, r"shape \(2, 64\)"),
        (lambda words, record: Vocabulary(64).query(record, ()), ValueError, "No symbol is known yet"),
    ],
    ids=map(str, range(20)),
)
def test_what_cannot_be_said_or_asked_is_refused(call, error, message):
    words = Vocabulary(64, random_state=0)
    record = words.encode({"a": "x"})
    with pytest.raises(error, match=message):
        call(words, record)
    assert (words.roles, words.symbols) == (["a"], ["x"])


def test_a_vector_of_zeros_fills_a_role_with_nothing():
    words = Vocabulary(64, random_state=0)
    record = words.encode({"a": "x", "b": np.zeros(64)})
    np.testing.assert_allclose(record, bind(words["a"], words["x"]), atol=1e-12)
    assert words.query(np.zeros(64), "a") is None
    assert words.query(random_keys(1, 64, random_state=0)[0] * 1e-200, "a", false_alarm=1) == "x"

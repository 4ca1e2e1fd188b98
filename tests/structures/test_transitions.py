"""Every form of a table is one table, and what is none is refused in words."""

import numpy as np
import pytest

from skamem.structures._transitions import read_label, read_string, read_strings, read_transitions

TABLE = {("a", 0): ("b", "x"), ("b", 0): ("a", "y"), ("b", 1): ("b", "x")}
ROWS = [(*pair, *leads) for pair, leads in TABLE.items()]
SILENT = {pair: (follower, None) for pair, (follower, _) in TABLE.items()}


class Graph:
    """As networkx has them, as far as it is asked."""

    def __init__(self, edges):
        self._edges = edges

    def edges(self, data=False):
        return iter(self._edges if data else [edge[:2] for edge in self._edges])


def edges(rows):
    return [
        (state, follower, {"symbol": symbol, "output": output, "weight": 3}) for state, symbol, follower, output in rows
    ]


@pytest.mark.parametrize(
    "given",
    [
        ROWS,
        [list(row) for row in ROWS],
        iter(ROWS),
        np.asarray(ROWS, dtype=object),
        TABLE,
        {"a": {0: ("b", "x")}, "b": {0: ("a", "y"), 1: ("b", "x")}},
        edges(ROWS),
        Graph(edges(ROWS)),
        [*ROWS, ROWS[0]],
    ],
    ids=["tuples", "lists", "iterator", "array", "dict", "nested", "edges", "graph", "twice"],
)
def test_every_form_is_one_table(given):
    assert read_transitions(given) == (TABLE, True)


def test_tables_without_outputs():
    rows = [row[:3] for row in ROWS]
    assert read_transitions(rows) == (SILENT, False)
    assert read_transitions({row[:2]: row[2] for row in rows}) == (SILENT, False)
    assert read_transitions([(s, t, {"symbol": a}) for s, a, t in rows]) == (SILENT, False)
    outputs = {pair: output for pair, (_, output) in TABLE.items()}
    assert read_transitions(rows, outputs) == (TABLE, True)


def test_data_frames_by_name_or_by_place():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(ROWS, columns=["state", "symbol", "next_state", "output"])
    assert read_transitions(frame) == (TABLE, True)
    assert read_transitions(frame[["output", "next_state", "symbol", "state"]]) == (TABLE, True)
    assert read_transitions(frame.drop(columns="output").assign(remark="")) == (SILENT, False)
    assert read_transitions(pd.DataFrame(ROWS)) == read_transitions(frame.to_numpy()) == (TABLE, True)
    others = frame.rename(columns={"state": "from", "symbol": "sym", "next_state": "to"})[["to", "sym", "from"]]
    for wrong in (frame[["state", "symbol"]], others, others.rename(columns={"from": 3}), pd.DataFrame([(1, 2)])):
        with pytest.raises(ValueError, match=r"has the columns \[.*expected \['state', .*Rename them"):
            read_transitions(wrong)


def test_an_edge_may_stand_for_several_symbols():
    table, _ = read_transitions([("a", "a", {"symbol": [0, 1]}), ("a", "b", {"symbol": 2})])
    with pytest.raises(TypeError, match="is a set, which is not hashable"):
        read_transitions([("a", "a", {"symbol": {0, 1}})])  # in no order
    assert table == {("a", 0): ("a", None), ("a", 1): ("a", None), ("a", 2): ("b", None)}


def test_states_that_are_pairs():
    # What a key leads to is a state where it is one, else a next state with an output.
    pairs = {((0, 0), "up"): (0, 1), ((0, 1), "up"): (0, 0)}
    assert read_transitions(pairs)[0] == {pair: (leads, None) for pair, leads in pairs.items()}
    assert read_transitions({("a", 0): ("b", 1)}) == ({("a", 0): ("b", 1)}, True)


@pytest.mark.parametrize(
    "leads",
    [
        [(0, 1), (1, 1)],  # the second is no source, but the first is
        [(5, 5), (6, 6)],  # none is, but all are built as sources are
        [(0, 1), "goal"],
        ["goal", "trap"],
    ],
)
def test_states_that_are_pairs_may_absorb(leads):
    given = dict(zip([((0, 0), "r"), ((0, 1), "r")], leads, strict=True))
    assert read_transitions(given) == ({pair: (state, None) for pair, state in given.items()}, False)


@pytest.mark.parametrize(
    "leads",
    [
        [((0, 1), "x"), ((1, 1), "y")],
        [((5, 5), "x"), ((6, 6), (7, 7))],
        [((0, 1), -1), ("goal", 10)],
        [[(0, 1), "x"], [(1, 1), "y"]],
    ],
)
def test_states_that_are_pairs_may_speak(leads):
    given = dict(zip([((0, 0), "r"), ((0, 1), "r")], leads, strict=True))
    assert read_transitions(given) == ({pair: tuple(lead) for pair, lead in given.items()}, True)


@pytest.mark.parametrize(
    "given",
    [
        {((0, 0), "r"): (0, 1), ((0, 1), "r"): ((0, 0), "x")},
        {((0, 0), "r"): (0, 1), ((0, 1), "r"): ((1, 1), "x")},
        {("a", 0): "b", ("b", 0): ("a", "x")},
        {"a": {0: "b"}, "b": {0: ["a", "x"]}},
        {((0, 0), "r"): ("goal", "x")},
    ],
)
def test_a_dictionary_that_can_be_read_in_two_ways_is_refused(given):
    with pytest.raises(
        ValueError, match=r"can be read in two ways: .* Give rows .* outputs=\{\(state, symbol\): output"
    ):
        read_transitions(given)


def test_outputs_of_their_own_say_that_values_are_states():
    given = {((0, 0), "r"): ("goal", "x")}
    assert read_transitions(given, {((0, 0), "r"): 1}) == ({((0, 0), "r"): (("goal", "x"), 1)}, True)


def test_a_graph_must_have_directions():
    class Undirected(Graph):
        def is_directed(self):
            return False

    with pytest.raises(ValueError, match=r"undirected graph.*graph\.to_directed\(\)"):
        read_transitions(Undirected(edges(ROWS)))


def test_graphs_of_networkx():
    networkx = pytest.importorskip("networkx")
    graph = networkx.Graph()
    graph.add_edge("a", "b", symbol=0)
    with pytest.raises(ValueError, match="undirected graph"):
        read_transitions(graph)
    both = {("a", 0): ("b", None), ("b", 0): ("a", None)}
    assert read_transitions(graph.to_directed()) == (both, False)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("abc", TypeError, "expected a table"),
        (3, TypeError, "expected a table"),
        (None, TypeError, "expected a table"),
        ([], ValueError, "transitions is empty"),
        ({}, ValueError, "transitions is empty"),
        (["abc", "abd"], TypeError, r"transition 0 is 'abc'; .* fit\(strings, outputs\)"),
        ([1, 2], TypeError, "transition 0 is 1"),
        ([(1, 2)], ValueError, "of 2 entries"),
        ([(1, 2, 3, 4, 5)], ValueError, "of 5 entries"),
        (np.zeros(3), ValueError, r"shape \(3,\)"),
        ([(0, "a", float("nan"))], ValueError, "transition 0: next_state=nan equals nothing"),
        ([([0], "a", 1)], TypeError, r"transition 0: state=\[0\] is a list, which is not hashable"),
        ({"ab": "c"}, ValueError, "has the key 'ab'"),
        ({("a", 0): "b", "b": {0: "a"}}, ValueError, "mixes"),
        ([("a", "b", {"weight": 1})], ValueError, "edge 0, from 'a' to 'b', has the data"),
    ],
)
def test_what_is_no_table_is_refused(given, error, message):
    with pytest.raises(error, match=message):
        read_transitions(given)


@pytest.mark.parametrize("other", [("a", 0, "a", "x"), ("a", 0, "b", "y"), ("a", 0, "b", None)])
def test_a_contradiction_is_named(other):
    with pytest.raises(
        ValueError, match=r"Transitions 0 and 3 contradict each other: in state 'a' the symbol 0 leads to"
    ):
        read_transitions([*ROWS, other])


def test_outputs_must_be_those_of_the_table():
    with pytest.raises(ValueError, match="2 pairs for 3 transitions"):
        read_transitions([row[:3] for row in ROWS], {("a", 0): 1, ("b", 0): 2})
    with pytest.raises(ValueError, match="which have outputs already"):
        read_transitions(ROWS, dict.fromkeys(TABLE, 1))


def test_labels_are_those_of_dictionaries():
    assert type(read_label(np.int64(3), "label")) is int
    assert type(read_label(np.str_("a"), "label")) is str
    assert read_label(("a", 1), "label") == ("a", 1)
    assert read_label(None, "label") is None
    pd = pytest.importorskip("pandas")
    for unknown in (pd.NA, pd.NaT, np.nan):
        with pytest.raises(ValueError, match="equals nothing"):
            read_label(unknown, "label")


def test_strings_are_read_from_anything_in_order():
    assert read_string("ab", "s") == read_string(["a", "b"], "s") == read_string(iter("ab"), "s") == ["a", "b"]
    assert read_string(np.asarray([1, 2]), "s") == [1, 2]
    assert read_string("", "s") == []
    assert read_strings(np.zeros((2, 0)), "s") == [[], []]
    for wrong in (3, None, {"a": 1}, {"a", "b"}):
        with pytest.raises(TypeError, match="expected a string of symbols"):
            read_string(wrong, "s")
    for wrong in ("ab", 3, None, np.asarray(3)):
        with pytest.raises(TypeError, match="expected a list of strings|has no dimension"):
            read_strings(wrong, "s")
    with pytest.raises(ValueError, match=r"shape \(2, 2\)"):
        read_string(np.zeros((2, 2)), "s")


def test_times_that_are_none_are_no_labels():
    with pytest.raises(ValueError, match="equals nothing"):
        read_transitions([(np.datetime64("NaT"), "n", 1)])


def test_pairs_in_lists_as_json_has_them():
    assert read_transitions({"a": {"x": ["b", 1]}}) == ({("a", "x"): ("b", 1)}, True)

"""Transitions of a state machine in the forms that users have them, as one plain table; strings of symbols."""

from collections.abc import Iterable, Mapping
from numbers import Number
from typing import Any

import scipy.sparse

from skamem.core import arrays
from skamem.core.parameters import plain
from skamem.core.validation import type_of

__all__ = ["labels_of", "read_label", "read_string", "read_strings", "read_transitions"]

_COLUMNS = ("state", "symbol", "next_state", "output")
_ROW = "(state, symbol, next_state) or (state, symbol, next_state, output)"
_FORMS = (
    f"a table with the columns state, symbol, next_state and, where the machine speaks, output; rows {_ROW}; a "
    "dictionary {(state, symbol): next_state or (next_state, output)} or {state: {symbol: ...}}; edges (state, "
    "next_state, {'symbol': ..., 'output': ...}), or a graph with edges(data=True)"
)


def read_transitions(given, outputs=None, states=()):
    """The table of a machine.

    Parameters
    ----------
    given : table, mapping, iterable of rows or edges, or graph
        See `skamem.FiniteStateMemory.fit`.
    outputs : mapping, default=None
        ``{(state, symbol): output}``, where the table itself has none.
    states : iterable, default=()
        States that are known beside those of the table.

    Returns
    -------
    transitions : dict
        ``{(state, symbol): (next_state, output)}`` in the order given.
    has_outputs : bool
        Whether any transition has an output; those that have none then have the output None.

    Raises
    ------
    TypeError
        For what is no table in any of these forms, and labels that are not hashable.
    ValueError
        For an empty table, NaN among the labels, transitions that contradict each other, and tables that can be read
        in two ways.
    """
    _refuse_sparse(given, "transitions")
    if isinstance(given, str | bytes) or not (isinstance(given, Iterable) or hasattr(given, "edges")):
        raise TypeError(f"transitions={given!r} is {type_of(given)}; expected {_FORMS}.")
    if isinstance(given, Mapping):
        rows = _of_mapping(given, states, outputs is not None)
    elif callable(getattr(given, "edges", None)):
        rows = _of_rows(_edges(given))
    elif hasattr(given, "columns"):
        rows = _of_frame(given)
    else:
        rows = _of_rows(_listed(given))
    table: dict[tuple[Any, Any], tuple[Any, Any]] = {}
    first, has_outputs = {}, False
    for number, row in enumerate(rows):
        labels = [read_label(label, f"transition {number}: {name}") for name, label in zip(_COLUMNS, row, strict=False)]
        pair, leads = (labels[0], labels[1]), (labels[2], labels[3] if len(labels) > 3 else None)
        has_outputs = has_outputs or len(labels) > 3
        if table.setdefault(pair, leads) != leads:
            raise ValueError(
                f"Transitions {first[pair]} and {number} contradict each other: in state {pair[0]!r} the symbol "
                f"{pair[1]!r} {_told(table[pair])} and {_told(leads)}. A machine is deterministic: keep one of them, "
                "or make two states of it."
            )
        first.setdefault(pair, number)
    if outputs is not None:
        table, has_outputs = _with_outputs(table, outputs, has_outputs), True
    if not table:
        raise ValueError(f"transitions is empty: a machine needs one transition at least. Expected {_FORMS}.")
    return table, has_outputs


def _with_outputs(table, outputs, has_outputs):
    """The table with outputs that are given by pair."""
    if has_outputs or outputs.keys() != table.keys():
        raise ValueError(
            f"outputs has {len(outputs)} pairs for {len(table)} transitions"
            + (" which have outputs already" if has_outputs else "")
            + "; expected {(state, symbol): output} for each transition, or outputs in the table itself."
        )
    said = {pair: read_label(output, f"outputs[{pair!r}]") for pair, output in outputs.items()}
    return {pair: (leads[0], said[pair]) for pair, leads in table.items()}


def _told(leads):
    return f"leads to {leads[0]!r}" + ("" if leads[1] is None else f" with output {leads[1]!r}")


def _refuse_sparse(given, name):
    if scipy.sparse.issparse(given):
        raise TypeError(
            f"{name} is a sparse matrix, which has no labels; expected lists or an array, {name}.toarray() say."
        )


def _listed(given):
    """Rows of an array of any library, or of any iterable."""
    if arrays.is_array(given):
        given = arrays.to_numpy(given)
        if given.ndim != 2:
            raise ValueError(f"transitions has shape {tuple(given.shape)}; expected rows {_ROW}.")
        return given.tolist()
    return given


def _of_rows(rows):
    for number, row in enumerate(rows):
        if isinstance(row, str | bytes | Mapping) or not isinstance(row, Iterable):
            raise TypeError(
                f"transition {number} is {row!r}; expected {_ROW}, or an edge (state, next_state, {{'symbol': ...}}). "
                "To learn a machine from strings, give what it answers, too: fit(strings, outputs)."
            )
        row = tuple(row)
        if len(row) == 3 and isinstance(row[2], Mapping):
            yield from _of_edge(number, *row)
        elif len(row) in (3, 4):
            yield row
        else:
            raise ValueError(f"transition {number} is {row!r}, of {len(row)} entries; expected {_ROW}.")


def _edges(graph):
    if callable(getattr(graph, "is_directed", None)) and not graph.is_directed():
        raise ValueError(
            "transitions is an undirected graph, whose edges do not say which state comes first; expected a directed "
            "one. Build a DiGraph (MultiDiGraph for several symbols between two states), or give graph.to_directed() "
            "if every transition goes both ways."
        )
    return graph.edges(data=True)


def _of_edge(number, state, next_state, data):
    """An edge stands for a transition, or for several where its symbol is a list."""
    if "symbol" not in data:
        raise ValueError(
            f"edge {number}, from {state!r} to {next_state!r}, has the data {dict(data)!r}; expected an entry 'symbol' "
            "(a list for several symbols), and 'output' where the machine speaks."
        )
    symbols = data["symbol"] if isinstance(data["symbol"], list) else [data["symbol"]]
    for symbol in symbols:
        yield (state, symbol, next_state, data["output"]) if "output" in data else (state, symbol, next_state)


def _of_frame(frame):
    names = list(frame.columns)
    if {"state", "symbol", "next_state"} <= set(names):
        names = [name for name in _COLUMNS if name in names]
    elif any(isinstance(name, str) for name in names) or len(names) not in (3, 4):  # columns by number go by place
        raise ValueError(
            f"transitions has the columns {names!r}; expected {list(_COLUMNS)!r}, the last where the machine speaks. "
            "Rename them, or give transitions.to_numpy() for columns in this order."
        )
    return zip(*(list(frame[name]) for name in names), strict=True)


def _of_mapping(given, states, silent):
    nested = {state: leads for state, leads in given.items() if isinstance(leads, Mapping)}
    if nested and len(nested) < len(given):
        raise ValueError("transitions mixes {(state, symbol): ...} with {state: {symbol: ...}}; expected one of them.")
    flat = {(state, symbol): leads for state, inner in nested.items() for symbol, leads in inner.items()} or dict(given)
    wrong = [pair for pair in flat if not (isinstance(pair, tuple) and len(pair) == 2)]
    if wrong:
        raise ValueError(
            f"transitions has the key {wrong[0]!r}; expected pairs (state, symbol), or {{state: {{symbol: ...}}}}."
        )
    speaks = _speaks(flat, states, silent)
    for pair, leads in flat.items():
        yield (*pair, *leads) if speaks else (*pair, leads)


def _speaks(flat, known, silent):
    """Whether the values of a dictionary are pairs (next_state, output) rather than next states.

    All of them are the one or the other. A value that is itself a known state speaks for states, one that has a known
    state in it for pairs; where no state is known, what is built as the known ones are counts as known. Without any
    such evidence pairs have outputs, unless states are pairs themselves.
    """
    sources = {state for state, _ in flat} | set(known)
    kinds = {_kind(state) for state in sources}
    states, pairs = [], []
    for value in flat.values():
        if not isinstance(value, tuple | list) or len(value) != 2:
            states.append(value)
        elif not _hashable(value):  # a list, as JSON has them, is no state
            pairs.append(value)
        elif value in sources or value[0] in sources:
            (states if value in sources else pairs).append(value)
        elif (_kind(value) in kinds) != (_kind(value[0]) in kinds):
            (states if _kind(value) in kinds else pairs).append(value)
    undecided = not states and not pairs and any(isinstance(state, tuple) and len(state) == 2 for state in sources)
    if not undecided and not (states and pairs):
        return not states
    if silent:
        return False
    found = (
        f"{next(iter(flat.values()))!r} is a next state or has one in it, and no known state tells which"
        if undecided
        else f"{states[0]!r} is a next state, but {pairs[0]!r} a pair of a next state and an output"
    )
    raise ValueError(
        f"transitions can be read in two ways: {found}. The values of a dictionary are all next states, or all pairs "
        f"(next_state, output). Give rows {_ROW}, which leave no doubt; or next states, with "
        "outputs={(state, symbol): output}."
    )


def _kind(label):
    """How a label is built, so that a state that is not known is told from a state with its output."""
    label = plain(label)
    if isinstance(label, tuple):
        return (type(label), *map(_kind, label))
    return Number if isinstance(label, Number) else type(label)


def _hashable(label):
    try:
        hash(label)
    except TypeError:
        return False
    return True


def read_label(label, where):
    """A label as a dictionary keeps it: NumPy's scalars as Python's.

    Parameters
    ----------
    label : hashable
        State, symbol or output.
    where : str
        What it stands for, for the messages.

    Returns
    -------
    label : hashable

    Raises
    ------
    TypeError
        When it is not hashable.
    ValueError
        When it is NaN, which equals nothing.
    """
    given, label = label, plain(label)
    if not _hashable(label):
        raise TypeError(f"{where}={label!r} is {type_of(label)}, which is not hashable; expected a number, a "
                        "string, a tuple or the like.")  # fmt: skip
    if not _equals_itself(given):  # as it came: NumPy's NaT is None in Python
        raise ValueError(f"{where}={given!r} equals nothing, not even itself; expected a label. Give unknowns a name.")
    return label


def _equals_itself(label):
    try:
        return bool(label == label)
    except (TypeError, ValueError):  # pandas.NA
        return False


def labels_of(labels):
    """Distinct labels in the order in which they come."""
    return list(dict.fromkeys(labels))


def read_string(given, name):
    """One string of symbols as a list of labels.

    Parameters
    ----------
    given : str, array of one dimension, or other iterable of hashables
        The string.
    name : str
        The argument's name, for the messages.

    Returns
    -------
    symbols : list
    """
    _refuse_sparse(given, name)
    if isinstance(given, str):
        return list(given)
    if arrays.is_array(given):
        host = arrays.to_numpy(given)
        if host.ndim != 1:
            raise ValueError(
                f"{name} has shape {tuple(host.shape)}; expected one string of symbols, shape (n_symbols,)."
            )
        given = host.tolist()
    elif isinstance(given, Mapping | set | frozenset) or not isinstance(given, Iterable):
        raise TypeError(
            f"{name}={given!r} is {type_of(given)}; expected a string of symbols, such as 'abba' or [0, 1, 1]."
        )
    return [read_label(symbol, f"{name}[{position}]") for position, symbol in enumerate(given)]


def read_strings(given, name):
    """Several strings of symbols.

    Parameters
    ----------
    given : iterable of strings, or array of shape (n_strings, n_symbols)
        Of any lengths.
    name : str
        The argument's name, for the messages.

    Returns
    -------
    strings : list of list
    """
    _refuse_sparse(given, name)
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        one = f", [{given!r}] for one" if isinstance(given, str | bytes) else ""
        raise TypeError(f"{name}={given!r} is {type_of(given)}; expected a list of strings{one}.")
    if hasattr(given, "to_numpy"):  # a table: a string a row
        given = given.to_numpy()
    elif arrays.is_array(given):
        given = arrays.to_numpy(given)
    if getattr(given, "ndim", None) == 0:
        raise TypeError(f"{name}={given!r} has no dimension; expected a list of strings.")
    return [read_string(string, f"{name}[{number}]") for number, string in enumerate(given)]

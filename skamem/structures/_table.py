"""The plain table of a state machine, by label and by number, and what a machine says of a string it has read."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skamem.core.parameters import plain
from skamem.core.validation import check_sequence
from skamem.structures._transitions import labels_of

__all__ = ["MachineRun", "Table", "accepting_labels", "check_state", "is_binary"]


@dataclass(frozen=True, eq=False)
class MachineRun:
    """What a `FiniteStateMemory` did with one string.

    Parameters
    ----------
    states : tuple
        States visited: the start, and one after each symbol that was read.
    outputs : tuple or None
        An output for each symbol that was read; None for a machine without outputs.
    margins : ndarray of shape (n_symbols,)
        How far clean-up was from another answer in each step: the overlap of the recalled pattern with the code of the
        state that was taken, less the largest with another code, by the unit. In [0, 2]; 0 is a tie.
    sure : bool
        Whether every margin was so large that, at the `flip_rate` of the machine, any other state was right with less
        than its `error_rate`.
    halted : int or None
        Position of the symbol at which the machine halted, since what it should do was never stored; None if it read
        all.
    label : object
        Label of the last state, True or False in a recogniser; None where states have none, or the machine halted.

    Examples
    --------
    >>> from skamem import FiniteStateMemory
    >>> run = FiniteStateMemory(random_state=0).fit({("off", "press"): "on", ("on", "press"): "off"}).run(["press"])
    >>> run.states, run.final_state, run.sure
    (('off', 'on'), 'on', True)
    """

    states: tuple
    outputs: tuple | None
    margins: np.ndarray
    sure: bool
    halted: int | None
    label: Any

    @property
    def final_state(self):
        """The last state; None if the machine halted."""
        return self.states[-1] if self.halted is None else None


@dataclass(frozen=True)
class Table:
    """A machine's table.

    Parameters
    ----------
    transitions : dict
        ``{(state, symbol): (next_state, output)}``.
    states, symbols : list
        Labels, in the order of their numbers.
    outputs : list or None
        Likewise; None for a machine without.
    labels : dict or None
        ``{state: label}``.
    """

    transitions: dict
    states: list
    symbols: list
    outputs: list | None
    labels: dict | None

    @classmethod
    def of(cls, transitions, has_outputs, labels, first=()):
        """The table of some transitions, labels numbered as they come, those of the states in `first` before others."""
        found = [state for (state, _), (follower, _) in transitions.items() for state in (state, follower)]
        outputs = labels_of(output for _, output in transitions.values()) if has_outputs else None
        symbols = labels_of(symbol for _, symbol in transitions)
        return cls(transitions, labels_of([*first, *found]), symbols, outputs, labels)

    def numbers(self):
        """The transitions by number, int ndarrays of shape (n_transitions,): state, symbol, next state, output.

        The output is 0 where there is none.
        """
        state, symbol, output = map(_numbers, (self.states, self.symbols, self.outputs or ()))
        rows = [(state[s], symbol[a], state[t], output.get(o, 0)) for (s, a), (t, o) in self.transitions.items()]
        return np.asarray(rows, dtype=np.int64).T

    def known(self):
        """Mask of the pairs that are stored (n_states, n_symbols + 1); the last column is for any other symbol."""
        known = np.zeros((len(self.states), len(self.symbols) + 1), dtype=bool)
        state, symbol, _, _ = self.numbers()
        known[state, symbol] = True
        return known

    def coded(self, strings):
        """Strings by number, a list of int ndarrays; symbols that the table does not have get the next number."""
        symbol = _numbers(self.symbols)
        return [np.asarray([symbol.get(s, len(symbol)) for s in string], dtype=np.int64) for string in strings]

    def starts(self, start, n_strings):
        """Numbers (n_strings,) of the states to begin in: of one state, or of a list of them."""
        state = _numbers(self.states)
        if isinstance(start, list | np.ndarray):
            if len(start) != n_strings:
                raise ValueError(
                    f"start has {len(start)} entries for {n_strings} strings; expected one for each string."
                )
            return np.asarray([state[check_state(one, self.states, "start")] for one in start], dtype=np.int64)
        return np.full(n_strings, state[check_state(start, self.states, "start")], dtype=np.int64)

    def told(self, trace, symbols, known, sure_margin):
        """`MachineRun` of a trace; it ends at the first pair that is not `known`."""
        stored = known[trace.states[:-1], symbols]
        halted = None if stored.all() else int(np.argmin(stored))
        end = len(symbols) if halted is None else halted
        states = tuple(self.states[number] for number in trace.states[: end + 1].tolist())
        outputs = (
            None if self.outputs is None else tuple(self.outputs[number] for number in trace.outputs[:end].tolist())
        )
        label = self.labels[states[-1]] if self.labels is not None and halted is None else None
        sure = bool(np.all(trace.margins[:end] > sure_margin))
        return MachineRun(states, outputs, trace.margins[:end], sure, halted, label)

    def answers(self, labels):
        """Labels of strings as an ndarray.

        None, of a string that halted or ended where no label is, becomes "no" in a recogniser, and the label of most
        states elsewhere.
        """
        told = [label for label in self.labels.values() if label is not None]
        if is_binary(self.labels):
            rest = type(told[0])(0)
        else:
            rest = max(labels_of(told), key=told.count)
        return np.asarray([rest if label is None else label for label in labels], dtype=np.asarray(told).dtype)

    def refusal(self, string, name, states, symbols, known, first):
        """The error for the first pair of a string that is not `known`; `first` is the position of the first symbol."""
        position = int(np.argmin(known[states, symbols]))
        symbol, state = string[first + position], self.states[states[position]]
        there = [a for (s, a) in self.transitions if s == state]
        found = f"{name}[{first + position}] is {symbol!r}"
        if symbols[position] == len(self.symbols):
            return ValueError(
                f"{found}, a symbol that the machine does not know; expected one of {_some(self.symbols)}, or "
                "unknown='halt'."
            )
        return ValueError(
            f"{found} in state {state!r}, for which no transition is stored; stored there are {_some(there)}. Store it "
            "(partial_fit), or set unknown='halt' to end there, unknown='recall' to go on with what the memory recalls."
        )


def _numbers(labels):
    return {label: number for number, label in enumerate(labels)}


def _some(labels):
    """Some labels in a message."""
    return ", ".join(map(repr, labels[:10])) + (", ..." if len(labels) > 10 else "") if labels else "none"


def check_state(state, states, name):
    """A label of a state as the table has it; raise unless it is one."""
    try:
        if state in set(states):
            return state
    except TypeError:  # not hashable
        pass
    raise ValueError(f"{name}={state!r} is no state of the machine; expected one of {_some(states)}.")


def is_binary(labels):
    """Whether labels of states say yes or no: booleans, or 0 and 1."""
    return all(
        label is None or (isinstance(label, bool | int | float) and label in (0, 1)) for label in labels.values()
    )


def accepting_labels(accepting, states):
    """Labels of states from those that accept; None for a machine that is no recogniser.

    Parameters
    ----------
    accepting : iterable of states or None
        Where strings may end.
    states : list
        All states.

    Returns
    -------
    labels : dict or None
        ``{state: bool}``.
    """
    if accepting is None:
        return None
    accepting = check_sequence("accepting", accepting, "a list of states")
    accepted = {check_state(plain(state), states, "accepting") for state in accepting}
    return {state: state in accepted for state in states}

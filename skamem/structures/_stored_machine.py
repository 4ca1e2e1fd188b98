"""How a state machine is stored in a memory: from a table, from strings, piece by piece."""

from collections.abc import Mapping
from dataclasses import replace
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.utils import check_random_state

from skamem.core import arrays
from skamem.core.base import transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.pairs import PairMemory, PairMemoryEstimator
from skamem.core.parameters import Interval, Kind, Options, RandomState, plain
from skamem.core.warn import warn
from skamem.exceptions import CapacityWarning
from skamem.structures._engines import new_engine
from skamem.structures._inference import learnt_machine
from skamem.structures._storing import circuit_of, stored_table
from skamem.structures._table import Table, accepting_labels, check_state, is_binary
from skamem.structures._transitions import read_transitions

__all__ = ["StoredMachine"]


class StoredMachine(PairMemoryEstimator):
    """Abstract base of a state machine in a memory, as far as it stores; `_machine` has how it runs."""

    _parameters: ClassVar[dict[str, Kind]] = {
        "memory": PairMemory("as_field", "states and symbols with next states") | None,
        "n_units": Options("auto") | Interval(Integral, low=1),
        "flip_rate": Interval(Real, low=0, high=0.5, high_open=True),
        "error_rate": Interval(Real, low=0, high=1, low_open=True, high_open=True),
        "unknown": Options("raise", "halt", "recall"),
        "random_state": RandomState(),
    }

    @transactional
    def fit(self, transitions, outputs=None, *, start=None, accepting=None):
        """Store the table of a machine; or, with `outputs`, learn it from strings and what was answered to them.

        Parameters
        ----------
        transitions : table, dict, edges or graph; with `outputs` a list of strings
            The table of a machine: a DataFrame or rows with the columns state, symbol, next_state and, where the
            machine speaks, output; ``{(state, symbol): next_state}`` or ``{(state, symbol): (next_state, output)}``,
            nested as ``{state: {symbol: ...}}`` too; edges ``(state, next_state, {"symbol": ..., "output": ...})``, or
            a graph with ``edges(data=True)`` as networkx has them, a list of symbols standing for several transitions.
            The values of a dictionary are all next states, or all pairs of a next state and an output; where states are
            pairs themselves, known states tell which, and what is built as they are (see the user guide).
        outputs : dict, list, array or Series, default=None
            Of a table without outputs, ``{(state, symbol): output}``. To strings what was answered: a list of output
            strings, or labels, strings in an array being labels (see `fit_strings`).
        start : object, default=None
            The state in which strings begin; None takes the first one that the table names.
        accepting : iterable of states, default=None
            Where a string that ends is accepted; None for a machine that is no recogniser.

        Returns
        -------
        self : object
            The fitted machine.

        Raises
        ------
        TypeError
            For what is no table, and labels that are not hashable.
        ValueError
            For an empty table, transitions (or strings) that contradict each other, NaN among the labels, a dictionary
            that can be read in two ways, columns by other names, an undirected graph, and a start or accepting states
            that are not in the table. A failed call changes nothing.
        """
        if outputs is None or isinstance(outputs, Mapping):
            table = Table.of(*read_transitions(transitions, outputs), None)
            table = replace(table, labels=accepting_labels(accepting, table.states))
        elif start is None and accepting is None:
            machine = learnt_machine(transitions, outputs)
            table = Table.of(machine.transitions, machine.labels is None, machine.labels, first=[0])
        else:
            raise ValueError("start and accepting belong to a table; strings with outputs say both. Leave them out.")
        self.code_seed_ = int(check_random_state(self.random_state).randint(2**31 - 1))
        self.start_ = table.states[0] if start is None else check_state(plain(start), table.states, "start")
        return self._store(table, self._placement_for(_array_in(transitions), None), transitions, outputs)

    def fit_strings(self, inputs, outputs):
        """Learn a machine from strings and what was answered to them: `fit` with `outputs`.

        Parameters
        ----------
        inputs : list of strings, or array of shape (n_strings, n_symbols)
            Strings of symbols, of any lengths.
        outputs : list, array or Series
            For each string an output string of the same length, one output a symbol; or one label of the whole string,
            a number or a boolean. A str in a list is an output string, ``["no", "ok"]`` two outputs for each of two
            strings; in a NumPy array of one dimension or a Series, as scikit-learn has classes, it is a label.

        Returns
        -------
        self : object
            The fitted machine: its states are 0, 1, 2, ..., and it starts in 0. It answers all strings as they were
            answered, with as few states as state merging found (RPNI).

        Raises
        ------
        ValueError
            When two strings contradict each other, with their numbers and the position. A failed call changes nothing.
        """
        return self.fit(inputs, outputs)

    @transactional
    def partial_fit(self, transitions):
        """Store more transitions beside those stored before.

        Parameters
        ----------
        transitions : table, dict, edges or graph
            As in `fit`. A transition that is stored already may come again.

        Returns
        -------
        self : object
            The machine, as if all transitions had been stored at once: wider codes are drawn where they are needed. New
            states do not accept.

        Raises
        ------
        ValueError
            As `fit`, also for a transition that contradicts one that was stored. A failed call changes nothing.
        """
        if not hasattr(self, "states_"):
            return self.fit(transitions)
        new, has_outputs = read_transitions(transitions, states=self.states_)
        merged = dict(self.transitions_)
        for pair, leads in new.items():
            if merged.setdefault(pair, leads) != leads:
                raise ValueError(
                    f"In state {pair[0]!r} the symbol {pair[1]!r} leads to {merged[pair]!r} (next state, output), as "
                    f"stored before, and now to {leads!r}. A machine is deterministic: keep one, or fit anew."
                )
        table = Table.of(merged, has_outputs or self.outputs_ is not None, None, first=self.states_)
        if self.labels_ is not None:
            rest = False if is_binary(self.labels_) else None
            table = replace(table, labels={state: self.labels_.get(state, rest) for state in table.states})
        return self._store(table, arrays.placement_of(self.state_codes_), transitions)

    def _store(self, table, placement, X, y=None):
        """Set what is fitted from a whole table; `X` and `y` are what the user gave."""
        for name in ("transitions", "states", "symbols", "outputs", "labels"):
            setattr(self, f"{name}_", getattr(table, name))
        for _ in fit_tasks(self, [0], name="memory", n_tasks=1, X=X, y=y, attributes=dict):
            # Behind the other door the memory moves the codes itself.
            put = placement.asarray if self._backend is None else np.asarray
            rates = {"flip_rate": self.flip_rate, "error_rate": self.error_rate}
            stored = stored_table(table, self._new_memory, self.code_seed_, put, n_units=self.n_units, **rates)
            self.memory_, self.n_units_ = stored.memory, stored.n_units
            place = arrays.placement_of(self._home())
            self.state_codes_, self.symbol_codes_, self.output_codes_ = map(place.asarray, stored.codes)
        if stored.n_lost or stored.falls_short:
            warn(
                f"FiniteStateMemory stores {len(table.transitions)} transitions in codes of {self.n_units_} units: "
                f"{stored.n_lost} of them are recalled wrongly, and up to {100 * stored.flips:.0f} % of the units of "
                "one. More n_units hold more; memory=None, the default, needs the fewest.",
                CapacityWarning,
            )
        return self

    def _new_memory(self):
        memory = new_engine(self.memory, self.backend)
        given = memory.get_params(deep=False)
        # Codes of -1 and +1 are stored.
        settings = {"binarize": None if given.get("binarize") is None else 0.0}
        if given.get("activation") == "step":
            settings["activation"] = "sign"
        return memory.set_params(**{name: value for name, value in settings.items() if name in given})

    def _circuit(self):
        return circuit_of(self.memory_, self.state_codes_, self.symbol_codes_, self.output_codes_)

    def _table(self):
        return Table(self.transitions_, self.states_, self.symbols_, self.outputs_, self.labels_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # Tables of labels, dictionaries and strings: no matrix of numbers.
        tags.input_tags.two_d_array = False
        tags.input_tags.dict = tags.input_tags.string = True
        return tags


def _array_in(given):
    """What says where to compute: an array that the caller gave under array-API dispatch, else NumPy's."""
    follows = arrays.is_array(given) and not arrays.is_host(given)
    return given if follows and arrays.input_namespace(given) is arrays.namespace(given) else np.zeros(1)

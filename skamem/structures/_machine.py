"""FiniteStateMemory: a state machine whose table is an associative memory."""

from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, validation
from skamem.structures._codes import sure_margin
from skamem.structures._inference import read_answers
from skamem.structures._running import noise_seeds, recalled_numbers, traces
from skamem.structures._stored_machine import StoredMachine
from skamem.structures._table import is_binary
from skamem.structures._transitions import read_string, read_strings

__all__ = ["FiniteStateMemory"]


def _is_recogniser(machine):
    check_is_fitted(machine)
    if machine.labels_ is not None and is_binary(machine.labels_):
        return True
    raise AttributeError(
        "the machine has no accepting states. Give them with the table, "
        "fit(transitions, accepting=[...]), or learn them from strings labelled True and False."
    )


class FiniteStateMemory(StoredMachine):
    """State machine in an associative memory: (state, symbol) -> (next state, output), the state fed back.

    States, symbols and outputs are any labels that a dictionary takes. Each has a random code of -1 and +1; a state and
    a symbol are bound by the product of their codes, and a memory associates the bound code with the codes of the next
    state and the output. What it recalls as the next state is cleaned up to the nearest code of a state and fed back.

    Parameters
    ----------
    memory : estimator, default=None
        A heteroassociative memory with `as_field`. It is cloned, and set to pairs of patterns of -1 and +1:
        ``target="y"``, a threshold `binarize` of 0, ``activation="sign"`` in place of "step". None is
        ``DenseMemory("exponential")``, which holds very many transitions in few units.
    n_units : "auto" or int, default="auto"
        Width of the codes, >= 1. "auto" takes what the number of states and symbols, `flip_rate` and `error_rate` ask
        for (see the notes), and widens until the memory recalls all transitions within these.
    flip_rate : float, default=0.05
        Probability, in [0, 0.5), that a unit of the state is flipped in a step, which ``n_units="auto"`` allows for.
    error_rate : float, default=1e-12
        Probability, in (0, 1), of a wrong state in a step at that rate, which ``n_units="auto"`` stays below.
    unknown : {"raise", "halt", "recall"}, default="raise"
        What `run` does with a pair of state and symbol that was never stored: raise, end there, or go on with whatever
        the memory recalls.
    random_state : int, RandomState instance or None, default=None
        Draws the codes, in `fit`, and the seed of the noise in `run` where none is given.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to compute; given to the memory unless None. None follows the table (see the user guide on GPUs).

    Attributes
    ----------
    memory_ : estimator
        The fitted memory.
    states_ : list
        Labels of the states, in the order in which the table names them.
    symbols_ : list
        Labels of the symbols.
    outputs_ : list or None
        Labels of the outputs; None for a machine without.
    start_ : object
        The state in which strings begin.
    labels_ : dict or None
        ``{state: label}``: True and False where states accept or not; what `predict` says of a string that ends there.
    n_units_ : int
        Width of the codes.
    state_codes_ : array of shape (n_states, n_units)
        Entries in {-1, +1}.
    symbol_codes_ : array of shape (n_symbols, n_units)
        Entries in {-1, +1}.
    output_codes_ : array of shape (n_outputs, n_units) or None
        Entries in {-1, +1}.
    transitions_ : dict
        What was stored: ``{(state, symbol): (next_state, output)}``; outputs are None where there is none.
    code_seed_ : int
        Seed of the codes and of the noise.

    See Also
    --------
    DenseMemory : The memory that is used unless another is given.
    PseudoinverseMemory : A matrix of weights, exact for as many transitions as there are units.

    Notes
    -----
    A code of n units is taken for the wrong one of S states, when each of its units is flipped with probability p, with
    probability at most (S - 1) (1/2 + sqrt(p (1 - p)))^n: the union of Chernoff's bounds over random codes. The
    exponential memory errs on one of K transitions with probability at most K (K - 1) (cosh(1) / e)^n. So
    ``n_units="auto"`` begins with

    n = max(ln((S - 1) / error_rate) / -ln(1/2 + sqrt(p (1 - p))), ln(K (K - 1) / error_rate) / (1 - ln cosh 1))

    units, rounded up to a multiple of 8: 96 for 8 states and 4 symbols at p = .05. Then it asks the memory for every
    transition. A share q of units that come back wrong adds to p as flips do, p + q - 2 p q; if that asks for more
    units, it fits again with as many. Matrices of weights need about as many units as there are transitions, or more.

    Cost: `fit` that of the memory; a step of B strings the product of the clean-up, B n S, and those of the memory, in
    a dense one 3 B n K, for S states and K transitions.

    References
    ----------
    Hopfield (1982), PNAS 79:2554, doi:10.1073/pnas.79.8.2554.
    Kanerva (2009), Hyperdimensional Computing, Cognitive Computation 1:139, doi:10.1007/s12559-009-9009-8.

    Examples
    --------
    >>> from skamem import FiniteStateMemory
    >>> parity = {("even", "1"): "odd", ("odd", "1"): "even", ("even", "0"): "even", ("odd", "0"): "odd"}
    >>> machine = FiniteStateMemory(random_state=0).fit(parity)
    >>> machine.run("1101").states
    ('even', 'odd', 'even', 'even', 'odd')
    >>> machine.run("1101" * 100, noise=0.05).final_state  # 5 % of the units of the state flipped in each step
    'even'
    """

    def __init__(
        self,
        memory=None,
        *,
        n_units="auto",
        flip_rate=0.05,
        error_rate=1e-12,
        unknown="raise",
        random_state=None,
        backend=None,
    ):
        self.memory = memory
        self.n_units = n_units
        self.flip_rate = flip_rate
        self.error_rate = error_rate
        self.unknown = unknown
        self.random_state = random_state
        self.backend = backend

    # ------------------------------------------------------------------ running

    def run(self, symbols, start=None, *, noise=0.0, random_state=None):
        """Read one string.

        Parameters
        ----------
        symbols : str or iterable of symbols
            The string.
        start : object, default=None
            The state to begin in; None is `start_`.
        noise : float, default=0.0
            Probability that a unit of the state is flipped, anew in each step, before clean-up.
        random_state : int, RandomState instance or None, default=None
            Draws the noise; None takes a seed that `fit` drew.

        Returns
        -------
        run : MachineRun
            States visited, outputs, and how sure clean-up was.

        Raises
        ------
        ValueError
            For a start that is no state, and, with ``unknown="raise"``, for a state and symbol that were never stored.
        """
        check_is_fitted(self)
        strings = [read_string(symbols, "symbols")]
        return self._run(strings, ["symbols"], None if start is None else [start], noise, random_state)[0]

    def run_many(self, strings, start=None, *, noise=0.0, random_state=None):
        """Read many strings side by side: a step costs little more for a hundred than for one.

        Parameters
        ----------
        strings : list of strings, or array of shape (n_strings, n_symbols)
            Strings of symbols, of any lengths.
        start : object or list, default=None
            The state to begin in, or a list of one for each string; None is `start_`.
        noise : float, default=0.0
            Probability that a unit of the state is flipped, anew in each step, before clean-up.
        random_state : int, RandomState instance or None, default=None
            Draws the noise; None takes a seed that `fit` drew. Each string has noise of its own, which follows from
            the seed, the start and the symbols of the string. The same string given several times has other noise each
            time, the first time that of `run`.

        Returns
        -------
        runs : list of MachineRun
            In the order of `strings`. What is read of a string depends neither on its place nor on other strings.

        Raises
        ------
        ValueError
            As `run`, with the number of the string.
        """
        check_is_fitted(self)
        strings = read_strings(strings, "strings")
        names = [f"strings[{number}]" for number in range(len(strings))]
        return self._run(strings, names, start, noise, random_state)

    def _run(self, strings, names, start, noise=0.0, random_state=None, unknown=None):
        validation.check_number("noise", noise, low=0.0, high=1.0)
        unknown, table, circuit = unknown or self.unknown, self._table(), self._circuit()
        starts = table.starts(self.start_ if start is None else start, len(strings))
        coded, known = table.coded(strings), table.known()
        seeds = None
        if noise > 0:
            draw = check_random_state(self.code_seed_ if random_state is None else random_state)
            seeds = noise_seeds(int(draw.randint(2**31 - 1)), coded, starts)
        if unknown == "recall":
            known[:, :-1] = True

        def watch(number, first, states, symbols):
            if unknown != "halt" and not known[states, symbols].all():
                raise table.refusal(strings[number], names[number], states, symbols, known, first)

        found = traces(circuit, coded, starts, noise=noise, seeds=seeds, watch=watch, n_pairs=len(self.transitions_))
        rates = {"flip_rate": self.flip_rate, "error_rate": self.error_rate}
        sure = sure_margin(len(self.states_), self.n_units_, **rates)
        return [table.told(*pair, known, sure) for pair in zip(found, coded, strict=True)]

    def predict(self, X):
        """What the machine says of strings: labels of the states in which they end; its outputs; or those states.

        Parameters
        ----------
        X : list of strings, or array of shape (n_strings, n_symbols)
            Strings of symbols, of any lengths.

        Returns
        -------
        answers : array of shape (n_strings,), or list of tuples
            Where states have labels (accepting states, labelled strings) the label of each string's last state: a
            string that meets a pair which was never stored is not accepted, or has the label of most states. Else the
            outputs of each string; else its last state.
        """
        check_is_fitted(self)
        return self._answers(read_strings(X, "X"))

    def _answers(self, strings, noise=0.0, random_state=None):
        names = [f"X[{number}]" for number in range(len(strings))]
        unknown = None if self.labels_ is None else "halt"
        runs = self._run(strings, names, None, noise, random_state, unknown)
        if self.labels_ is not None:
            labels = self._table().answers([run.label for run in runs])
            is_here = self._backend is None and labels.dtype.kind in "biuf"  # as other numbers go back
            return arrays.placement_of(self.state_codes_).asarray(labels) if is_here else labels
        return [run.final_state if run.outputs is None else run.outputs for run in runs]

    @available_if(_is_recogniser)
    def accepts(self, strings):
        """Whether strings end in an accepting state.

        Parameters
        ----------
        strings : list of strings, or array of shape (n_strings, n_symbols)
            Strings of symbols, of any lengths.

        Returns
        -------
        accepted : bool array of shape (n_strings,)
            A string that meets a pair of state and symbol which was never stored is not accepted.
        """
        check_is_fitted(self)
        xp = arrays.namespace(self.state_codes_)
        answers = self._answers(read_strings(strings, "strings"))
        return answers.astype(bool) if arrays.is_host(answers) else xp.astype(answers, xp.bool)

    def score(self, X, y, *, noise=0.0, random_state=None):
        """Share of the answers that are right.

        Parameters
        ----------
        X : list of strings, or array of shape (n_strings, n_symbols)
            Strings of symbols, of any lengths.
        y : list
            Right answers, what `predict` should say: an output for each symbol, or a label for each string.
        noise : float, default=0.0
            As in `run`.
        random_state : int, RandomState instance or None, default=None
            As in `run`.

        Returns
        -------
        score : float
            In [0, 1]: share of the symbols whose output is right, or of the strings whose label is.
        """
        check_is_fitted(self)
        strings = read_strings(X, "X")
        says_words = self.labels_ is not None and any(isinstance(label, str | bytes) for label in self.labels_.values())
        truths, are_labels = read_answers(y, strings, "y", are_labels=says_words)
        if are_labels != (self.labels_ is not None) or not (are_labels or self.outputs_):
            kinds = {True: "a label for each string", False: "an output for each symbol"}
            has = (
                kinds[True]
                if self.labels_ is not None
                else kinds[False]
                if self.outputs_
                else "neither outputs nor labels"
            )
            raise ValueError(f"y has {kinds[are_labels]}, but the machine has {has}; expected the same of both.")
        answers = self._answers(strings, noise, random_state)
        if are_labels:
            right = [truth == answer for truth, answer in zip(truths, arrays.to_numpy(answers).tolist(), strict=True)]
        else:  # what a machine that halted did not say is wrong
            pairs = zip(truths, answers, strict=True)
            right = [a < len(told) and told[a] == truth for truths, told in pairs for a, truth in enumerate(truths)]
        if not right:
            raise ValueError("X has no symbols to score; expected one string at least that is not empty.")
        return sum(right) / len(right)

    # ------------------------------------------------------------------ the plain table

    def to_dict(self):
        """The table as the memory recalls it.

        Returns
        -------
        transitions : dict
            ``{(state, symbol): next_state}``, or ``{(state, symbol): (next_state, output)}`` for a machine with
            outputs, in the order of storing: each stored pair is asked for.
        """
        check_is_fitted(self)
        table = self._table()
        recalled = zip(table.transitions, *recalled_numbers(self._circuit(), table.numbers()), strict=True)
        if self.outputs_ is None:
            return {pair: self.states_[state] for pair, state, _ in recalled}
        return {pair: (self.states_[state], self.outputs_[output]) for pair, state, output in recalled}

    def to_table(self):
        """The table as the memory recalls it, a row for each transition.

        Returns
        -------
        table : pandas.DataFrame or list of dict
            With the columns state, symbol, next_state and, for a machine with outputs, output; a list of rows where
            pandas is not installed.
        """
        rows = []
        for (state, symbol), leads in self.to_dict().items():
            next_state, *output = (leads,) if self.outputs_ is None else leads
            row = {"state": state, "symbol": symbol, "next_state": next_state}
            rows.append(row | ({"output": output[0]} if output else {}))
        try:
            import pandas as pd
        except ImportError:
            return rows
        return pd.DataFrame(rows)

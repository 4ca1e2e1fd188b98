"""Learning a state machine from strings and what it answered: merging the states of their prefix tree."""

from dataclasses import dataclass
from typing import Any

from skamem.core import arrays
from skamem.core.validation import check_sequence
from skamem.structures._transitions import read_label, read_string, read_strings

__all__ = ["Machine", "learnt_machine", "read_answers"]


@dataclass(frozen=True)
class Machine:
    """A state machine that was learnt; its states are 0, 1, 2, ... and it starts in 0.

    Parameters
    ----------
    transitions : dict
        ``{(state, symbol): (next_state, output)}``, breadth first from the start.
    labels : dict or None
        ``{state: label}``, None for a state of which no string told; None where strings had no labels.
    """

    transitions: dict[tuple[int, Any], tuple[int, Any]]
    labels: dict[int, Any] | None


def read_answers(outputs, strings, name="outputs"):
    """What a machine answered: to each string one string of the same length, or one label.

    Parameters
    ----------
    outputs : iterable of strings, or of labels (numbers or booleans)
        One for each string.
    strings : list of list
        What was read, as `read_strings` gives it.
    name : str, default="outputs"
        The argument's name, for the messages.

    Returns
    -------
    answers : list
        Lists of outputs, or labels.
    are_labels : bool
        Which of both.

    Raises
    ------
    ValueError
        When there are more or less answers than strings, or an answer is not as long as its string.
    """
    expected = "one output string, or one number or boolean, for each input string"
    if hasattr(outputs, "to_numpy"):
        outputs = outputs.to_numpy()
    elif arrays.is_array(outputs):
        outputs = arrays.to_numpy(outputs)
    answers = check_sequence(name, outputs, expected)
    if len(answers) != len(strings):
        raise ValueError(f"{name} has {len(answers)} entries for {len(strings)} strings; expected {expected}.")
    if all(not hasattr(answer, "__len__") or getattr(answer, "ndim", 1) == 0 for answer in answers):
        return [read_label(getattr(a, "item", lambda a=a: a)(), f"{name}[{i}]") for i, a in enumerate(answers)], True
    answers = [read_string(answer, f"{name}[{number}]") for number, answer in enumerate(answers)]
    for number, (string, answer) in enumerate(zip(strings, answers, strict=True)):
        if len(string) != len(answer):
            raise ValueError(
                f"{name}[{number}] has {len(answer)} entries, but its string has {len(string)} symbols; expected an "
                "output for each symbol. To tell whole strings apart, label them by numbers or booleans."
            )
    return answers, False


def learnt_machine(inputs, outputs):
    """The smallest machine found that answers all strings as they were answered.

    The strings are laid into one tree, a state for each beginning of a string. Then states are merged, breadth first:
    each is merged with a state that is kept, if what both are known to answer from there on agrees, and is kept itself
    if there is none (RPNI). Of the kept ones it takes the first, or the one with the most answers in common; the
    smaller of the two machines is returned.

    Parameters
    ----------
    inputs : iterable of strings
        Strings of symbols.
    outputs : iterable
        See `read_answers`.

    Returns
    -------
    machine : Machine

    Raises
    ------
    ValueError
        When two strings contradict each other, saying which, and where.

    Notes
    -----
    Cost about O(n_symbols n_states) merges, each of which folds two subtrees. Given every string that tells two states
    apart, the machine is the least one there is; otherwise it is consistent, and small.

    References
    ----------
    Oncina and García (1992), Inferring regular languages in polynomial updated time, doi:10.1142/9789812797902_0004.
    Lang, Pearlmutter and Price (1998), Results of the Abbadingo One DFA learning competition, doi:10.1007/BFb0054059.
    """
    strings = read_strings(inputs, "inputs")
    if not strings or not any(strings):
        raise ValueError("inputs has no symbols to learn from; expected strings, one at least that is not empty.")
    answers, are_labels = read_answers(outputs, strings)
    machines = []
    for by_evidence in (False, True):
        tree = _Tree()
        for number, (string, answer) in enumerate(zip(strings, answers, strict=True)):
            tree.add(number, string, answer, are_labels)
        machines.append(_merged(tree, by_evidence, are_labels))
    return min(machines, key=lambda machine: len({state for state, _ in machine.transitions.values()} | {0}))


class _Tree:
    """States as numbers, merged by pointing to the state that they became; every change can be taken back."""

    def __init__(self):
        self.parent, self.next, self.output, self.label = [0], [{}], [{}], [None]
        self.strings: list[list[Any]] = []
        self.teller: list[dict[Any, int]] = [{}]  # the string that told an output first
        self._log: list[tuple[Any, Any, Any]] = []

    def add(self, number, string, answer, are_labels):
        state = 0
        self.strings.append(string)
        for position, symbol in enumerate(string):
            if symbol not in self.next[state]:
                self.next[state][symbol] = len(self.parent)
                self.output[state][symbol] = None if are_labels else answer[position]
                self.teller[state][symbol] = number
                self.parent.append(len(self.parent))
                for known in (self.next, self.output, self.teller):
                    known.append({})
                self.label.append(None)
            elif not are_labels and self.output[state][symbol] != answer[position]:
                other = self.teller[state][symbol]
                raise ValueError(
                    f"Strings {other} and {number} contradict each other at position {position}: both begin with "
                    f"{_shown(string[: position + 1])}, whose last symbol is answered by "
                    f"{self.output[state][symbol]!r} in string {other} and by {answer[position]!r} in string {number}. "
                    "No machine does both: mend or drop one of them."
                )
            state = self.next[state][symbol]
        if are_labels:
            if self.label[state] is not None and self.label[state][0] != answer:
                label, other = self.label[state]
                raise ValueError(
                    f"Strings {other} and {number} contradict each other at position {len(string)}, their end: both "
                    f"are {_shown(string)}, but string {other} is labelled {label!r} and string {number} {answer!r}. "
                    "No machine does both: mend or drop one of them."
                )
            self.label[state] = self.label[state] or (answer, number)

    def find(self, state):
        while self.parent[state] != state:
            state = self.parent[state]
        return state

    def fold(self, kept, gone):
        """Merge two states, with all that follows: how many answers agree; None, and no change, if some differ."""
        left, agreed = [(kept, gone)], 0
        while left:
            kept, gone = (self.find(state) for state in left.pop())
            if kept == gone:
                continue
            label, other = self.label[kept], self.label[gone]
            if label is not None and other is not None:
                if label[0] != other[0]:
                    return self.undo()
                agreed += 1
            elif other is not None:
                self._set(self.label, kept, other)
            self._set(self.parent, gone, kept)
            for symbol, follower in self.next[gone].items():
                if symbol not in self.next[kept]:
                    self._set(self.next[kept], symbol, follower)
                    self._set(self.output[kept], symbol, self.output[gone][symbol])
                elif self.output[kept][symbol] != self.output[gone][symbol]:
                    return self.undo()
                else:
                    agreed += self.output[kept][symbol] is not None
                    left.append((self.next[kept][symbol], follower))
        return agreed

    def _set(self, container, key, value):
        self._log.append((container, key, container.get(key) if isinstance(container, dict) else container[key]))
        container[key] = value

    def undo(self):
        """Take back what was folded since the last `keep`."""
        while self._log:
            container, key, before = self._log.pop()
            if before is None and isinstance(container, dict):
                del container[key]
            else:
                container[key] = before

    def keep(self):
        self._log.clear()


def _merged(tree, by_evidence, are_labels):
    """The machine that is left when no more states of the tree can be merged."""
    kept, number = [0], {0: 0}
    while (follower := _next_follower(tree, kept, number)) is not None:
        best = _best_merge(tree, kept, follower, by_evidence)
        if best is None:
            number[follower] = len(kept)
            kept.append(follower)
        else:
            tree.fold(best, follower)
            tree.keep()
    transitions = {}
    for state in kept:
        for symbol, follower in tree.next[state].items():
            transitions[number[state], symbol] = (number[tree.find(follower)], tree.output[state][symbol])
    labels = {number[state]: tree.label[state][0] if tree.label[state] else None for state in kept}
    return Machine(transitions, labels if are_labels else None)


def _next_follower(tree, kept, number):
    """The first state that a kept one leads to and that is not kept; None when there is none left."""
    for state in kept:  # all of them again: a merge may have given any of them another follower
        for follower in tree.next[state].values():
            follower = tree.find(follower)
            if follower not in number:
                return follower
    return None


def _best_merge(tree, kept, state, by_evidence):
    """The kept state to merge a state into; None if it differs from all of them."""
    best, most = None, -1
    for candidate in kept:
        agreed = tree.fold(candidate, state)
        if agreed is None:
            continue
        tree.undo()
        if agreed > most:
            best, most = candidate, agreed
        if not by_evidence:
            break
    return best


def _shown(string):
    """A string in a message: as text where its symbols are letters, shortened where it is long."""
    shown = string if len(string) <= 30 else [*string[:14], "...", *string[-14:]]
    if all(isinstance(symbol, str) and (len(symbol) == 1 or symbol == "...") for symbol in shown):
        return repr("".join(shown))
    return repr(shown)

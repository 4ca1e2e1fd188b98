"""Learning a state machine from strings and what it answered: merging the states of their prefix tree."""

import math
from collections import deque
from dataclasses import dataclass
from typing import Any

from skamem.core import arrays
from skamem.core.validation import check_sequence
from skamem.structures._transitions import read_label, read_string, read_strings

__all__ = ["Machine", "learnt_machine", "read_answers"]

_LONGEST_PAST = 12  # symbols; twelve answers of two kinds tell 4,096 states apart
_EVIDENCE = (12, 10, 9, 8, 7, 6, 5)  # answers in common that make two states the same, tried in turn
_LONG = 100  # symbols of a string, from where on the past says more than how strings branch


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


def read_answers(outputs, strings, name="outputs", *, are_labels=None):
    """What a machine answered: to each string one string of the same length, or one label.

    Parameters
    ----------
    outputs : iterable of strings, or of labels (numbers, booleans, strings in an array)
        One for each string.
    strings : list of list
        What was read, as `read_strings` gives it.
    name : str, default="outputs"
        The argument's name, for the messages.
    are_labels : bool, default=None
        Whether a str is a label, rather than a string of outputs; None for one that is in an array or a Series only,
        as scikit-learn has labels.

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
    expected = "one output string, or one number or boolean (or a str in an array) as its label, for each input string"
    if hasattr(outputs, "to_numpy"):
        outputs = outputs.to_numpy()
    if arrays.is_array(outputs):
        outputs = arrays.to_numpy(outputs).tolist()  # strings of NumPy's as Python's, too
        are_labels = are_labels is not False
    answers = check_sequence(name, outputs, expected)
    if len(answers) != len(strings):
        raise ValueError(f"{name} has {len(answers)} entries for {len(strings)} strings; expected {expected}.")
    if all(_is_scalar(answer) or (are_labels and isinstance(answer, str | bytes)) for answer in answers):
        labels = [read_label(getattr(a, "item", lambda a=a: a)(), f"{name}[{i}]") for i, a in enumerate(answers)]
        if None in labels:
            raise ValueError(f"{name}[{labels.index(None)}] is None; expected {expected}. Leave out what is not known.")
        return labels, True
    answers = [read_string(answer, f"{name}[{number}]") for number, answer in enumerate(answers)]
    for number, (string, answer) in enumerate(zip(strings, answers, strict=True)):
        if len(string) != len(answer):
            raise ValueError(
                f"{name}[{number}] has {len(answer)} entries, but its string has {len(string)} symbols; expected an "
                "output for each symbol. To tell whole strings apart, label them by numbers or booleans, or give their "
                "labels in a NumPy array."
            )
    return answers, False


def _is_scalar(answer):
    return not hasattr(answer, "__len__") or getattr(answer, "ndim", 1) == 0


def learnt_machine(inputs, outputs):
    """The smallest machine found that answers all strings as they were answered.

    The strings are laid into one tree, a state for each beginning of a string. Then states are merged, breadth first:
    each is merged with a state that is kept, if what both are known to answer from there on agrees, and is kept itself
    if there is none (RPNI). It is tried in two ways, with a merge into the first kept state that agrees, or into the
    one with the most answers in common; the smaller of the two machines is returned. Few long strings hardly branch, so
    that little speaks against a merge near the start; there, for the second way, states anywhere are merged before
    that have many answers in common, before them and after.

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
    apart, the machine is the least one there is; otherwise it is consistent, and mostly small.

    References
    ----------
    Oncina and García (1992), Inferring regular languages in polynomial updated time, doi:10.1142/9789812797902_0004.
    Lang, Pearlmutter and Price (1998), Results of the Abbadingo One DFA learning competition, doi:10.1007/BFb0054059.
    """
    strings = read_strings(inputs, "inputs")
    if not strings or not any(strings):
        raise ValueError("inputs has no symbols to learn from; expected strings, one at least that is not empty.")
    answers, are_labels = read_answers(outputs, strings)
    found, size = None, math.inf
    for by_evidence in (True, False):
        tree = _Tree()
        paths = [tree.add(n, *pair, are_labels) for n, pair in enumerate(zip(strings, answers, strict=True))]
        if by_evidence and not are_labels and sum(map(len, strings)) >= _LONG * len(strings):
            _merge_by_past(tree, paths, strings, answers)
        kept = _kept_states(tree, by_evidence, size)
        if kept is not None:
            found, size = _machine(tree, kept, are_labels), len(kept)
    return found


class _Tree:
    """States as numbers, merged by pointing to the state that they became; every change can be taken back."""

    def __init__(self):
        self.parent, self.next, self.output, self.label = [0], [{}], [{}], [None]
        self.kept: dict[int, int] = {0: 0}  # the states that are kept, with their numbers
        self.first_open = 0  # number of the first kept state that may lead to one that is not kept
        self.teller: list[dict[Any, int]] = [{}]  # the string that told an output first
        self._log: list[tuple[Any, Any, Any]] = []

    def add(self, number, string, answer, are_labels):
        """Lay a string into the tree; the states on its way, the first of them 0."""
        state, path = 0, [0]
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
            path.append(state)
        if are_labels:
            if self.label[state] is not None and self.label[state][0] != answer:
                label, other = self.label[state]
                raise ValueError(
                    f"Strings {other} and {number} contradict each other at position {len(string)}, their end: both "
                    f"are {_shown(string)}, but string {other} is labelled {label!r} and string {number} {answer!r}. "
                    "No machine does both: mend or drop one of them."
                )
            self.label[state] = self.label[state] or (answer, number)
        return path

    def find(self, state):
        """The state that a state became."""
        while self.parent[state] != state:
            state = self.parent[state]
        return state

    def shorten(self, state):
        """`find`, which leaves shorter ways behind it; while nothing waits to be taken back."""
        end = self.find(state)
        while self.parent[state] != end:
            self.parent[state], state = end, self.parent[state]
        return end

    def fold(self, kept, gone):
        """Merge two states, with all that follows: how many answers agree; None, and no change, if some differ."""
        left, agreed = deque([(self.shorten(kept), self.shorten(gone))]), 0
        while left:  # breadth first: states that differ mostly do so soon
            kept, gone = map(self.find, left.popleft())
            if kept == gone:
                continue
            if gone in self.kept or (kept not in self.kept and gone < kept):
                kept, gone = gone, kept
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
                    self.first_open = min(self.first_open, self.kept.get(kept, self.first_open))
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


def _merge_by_past(tree, paths, strings, answers):
    """Merge states that have much of their past and of what follows in common, most of it first.

    Every machine without superfluous states has symbols whose answers tell the state after them (a homing sequence):
    the longer the past that two states have in common, the surer they are the same.
    """
    pasts = [list(zip(string, answer, strict=True)) for string, answer in zip(strings, answers, strict=True)]
    differ = set()  # for good: what is known of states only grows
    for evidence in _EVIDENCE:
        for length in range(_LONGEST_PAST, 0, -1):
            first = {}
            for past, path in zip(pasts, paths, strict=True):
                for position in range(length, len(path)):
                    state = first.setdefault(tuple(past[position - length : position]), path[position])
                    pair = (tree.shorten(state), tree.shorten(path[position]))
                    if pair[0] == pair[1] or pair in differ:
                        continue
                    agreed = tree.fold(*pair)
                    if agreed is None:
                        differ.add(pair)
                    elif agreed + length >= evidence:
                        tree.keep()
                    else:
                        tree.undo()


def _kept_states(tree, by_evidence, fewer_than):
    """The states that are left when no more can be merged, breadth first; None if there are not `fewer_than` that."""
    kept = [0]
    while (follower := _next_follower(tree, kept)) is not None:
        best = _best_merge(tree, kept, follower, by_evidence)
        if best is not None:
            tree.fold(best, follower)
            tree.keep()
            continue
        tree.kept[follower] = len(kept)
        kept.append(follower)
        if len(kept) >= fewer_than:
            return None
    return kept


def _machine(tree, kept, are_labels):
    transitions = {}
    for state in kept:
        for symbol, follower in tree.next[state].items():
            transitions[tree.kept[state], symbol] = (tree.kept[tree.find(follower)], tree.output[state][symbol])
    labels = {tree.kept[state]: tree.label[state][0] if tree.label[state] else None for state in kept}
    return Machine(transitions, labels if are_labels else None)


def _next_follower(tree, kept):
    """The first state that a kept one leads to and that is not kept; None when there is none left."""
    for number in range(tree.first_open, len(kept)):  # those before have none, unless a fold gave them another follower
        tree.first_open = number
        for follower in tree.next[kept[number]].values():
            follower = tree.shorten(follower)
            if follower not in tree.kept:
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

"""Running a state machine that is kept in a memory: many strings at a time, a step for all of them at once."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from skamem.core import arrays
from skamem.core.rows import row_blocks
from skamem.core.threads import product_threads
from skamem.core.thresholds import sign
from skamem.structures._codes import CodeBook

__all__ = ["Circuit", "Trace", "losses", "noise_seeds", "recalled_numbers", "traces"]

_MOST_STRINGS = 1024  # that run side by side
_KEPT_BYTES = 2**24  # of what is kept of the steps on the device before it is looked at
_KEPT_STEPS = 512


@dataclass(frozen=True)
class Trace:
    """What became of one string, as numbers of states and outputs.

    Parameters
    ----------
    states : int ndarray of shape (n_symbols + 1,)
        The start, and the state after each symbol.
    outputs : int ndarray of shape (n_symbols,)
        Output with each symbol.
    margins : ndarray of shape (n_symbols,)
        By how much the overlap with the code of the state that was taken exceeds that with any other, by the unit.
    """

    states: np.ndarray
    outputs: np.ndarray
    margins: np.ndarray


@dataclass(frozen=True)
class Circuit:
    """A memory from bound codes of state and symbol to codes of the next state and the output, and the codes.

    Parameters
    ----------
    field : callable
        What recall of the memory follows, with `tolerance`.
    states, symbols : CodeBook
        Codes of the same width.
    outputs : CodeBook or None
        Codes of the outputs; None where the machine has none.
    """

    field: Any
    states: CodeBook
    symbols: CodeBook
    outputs: CodeBook | None

    def recalled(self, states, symbols):
        """Patterns in {-1, 0, +1} that the memory answers to states and symbols by number: the next state, the output.

        Bound by product: a state and a symbol whose codes are multiplied look like neither, so pairs that share one are
        as far apart as any. A sum or a concatenation would not do: no linear memory tells parity from it.
        """
        xp = self.states.xp
        cues = xp.take(self.states.codes, states, axis=0) * xp.take(self.symbols.codes, symbols, axis=0)
        # A unit whose field is 0 says nothing about the state.
        return sign(self.field(cues), 0.0, self.field.tolerance, xp=xp)

    def run(self, strings, flips):
        """Steps for all strings at once, and what clean-up made of each.

        Parameters
        ----------
        strings : int array of shape (n_strings, 1 + n_steps)
            Where the strings are, and the symbols that come.
        flips : array of shape (n_steps, n_strings, n_units) or None
            Factors -1 and +1 of the units of the state that is fed back.

        Returns
        -------
        told : tuple of arrays of shape (n_steps, n_strings)
            States, outputs (as states, where there are none) and margins.
        """
        xp, n_units = self.states.xp, self.states.codes.shape[1]
        winners, overlaps, answers = [], [], []
        states = strings[:, 0]
        for step in range(strings.shape[1] - 1):
            pattern = self.recalled(states, strings[:, step + 1])
            state = pattern[:, :n_units] if flips is None else pattern[:, :n_units] * flips[step, :, :]
            found = self.states.overlaps(state)
            states = xp.argmax(found, axis=1)
            winners.append(states)
            overlaps.append(found)
            if self.outputs is not None:
                answers.append(pattern[:, n_units:])
        taken = xp.stack(winners)
        margins = self.states.margins(xp.stack(overlaps), taken)
        said = taken if self.outputs is None else xp.argmax(self.outputs.overlaps(xp.stack(answers)), axis=-1)
        return taken, said, margins


def noise_seeds(seed, strings, starts):
    """Seeds of the noise of strings, each from what the string is rather than from where in the list it stands.

    Parameters
    ----------
    seed : int
        Of the whole.
    strings : list of int ndarray
        Symbols by number.
    starts : int ndarray of shape (n_strings,)
        Where each string begins.

    Returns
    -------
    seeds : list of uint32 ndarray
        What `numpy.random.RandomState` takes. The copies of a string are counted, and have a seed each: what is told by
        a hundred of them would be told by one otherwise.
    """
    copies: Counter[bytes] = Counter()
    seeds = []
    for string, start in zip(strings, starts, strict=True):
        content = hashlib.sha256(np.append(start, string).astype("<i8").tobytes()).digest()
        drawn = hashlib.sha256(content + np.asarray([seed, copies[content]], dtype="<i8").tobytes()).digest()
        copies[content] += 1
        seeds.append(np.frombuffer(drawn, dtype="<u4"))
    return seeds


def traces(circuit, strings, starts, *, n_pairs, noise=0.0, seeds=None, watch=None):
    """Run strings through a circuit, as many of them side by side as fit the working memory.

    Parameters
    ----------
    circuit : Circuit
        What runs.
    strings : list of int ndarray
        Symbols by number.
    starts : int ndarray of shape (n_strings,)
        Where each string begins.
    n_pairs : int
        Pairs that the memory holds.
    noise : float, default=0.0
        Probability that a unit of the state is flipped at each step.
    seeds : list, default=None
        Of the noise, from `noise_seeds`: each string has its own, so that it does not depend on the others.
    watch : callable, default=None
        ``(string, first, states, symbols)``: called for each string with some of its steps as soon as they are known,
        the states before the symbols; may raise.

    Returns
    -------
    traces : list of Trace
        In the order of `strings`.
    """
    n_states, n_units = circuit.states.codes.shape
    found = []
    for rows in row_blocks(len(strings), 10 * 8 * (n_pairs + n_states + n_units), at_most=_MOST_STRINGS):
        n_rows = rows.stop - rows.start
        draws = None if noise == 0 else [np.random.RandomState(seed) for seed in seeds[rows]]
        with product_threads(n_rows * n_units * max(n_pairs, 2 * n_units), circuit.states.xp):
            found += _side_by_side(circuit, strings, range(rows.start, rows.stop), starts, noise, draws, watch)
    return found


def _side_by_side(circuit, strings, numbers, starts, noise, draws, watch):
    """Traces of the strings of some numbers: the longest first, so that those that still run come before the others."""
    order = sorted(range(len(numbers)), key=lambda row: -len(strings[numbers[row]]))
    lengths = [len(strings[numbers[row]]) for row in order]
    place, (n_states, n_units) = arrays.placement_of(circuit.states.codes), circuit.states.codes.shape
    kept = [[[starts[number : number + 1]], [], []] for number in numbers]
    done = 0
    while done < lengths[0]:
        running = [row for row, length in zip(order, lengths, strict=True) if length > done]
        step_bytes = 4 * len(running) * (n_states + 3 * n_units)
        until = min(lengths[len(running) - 1], done + max(1, min(_KEPT_STEPS, _KEPT_BYTES // step_bytes)))
        some = np.stack([np.append(kept[row][0][-1][-1], strings[numbers[row]][done:until]) for row in running])
        flips = None if draws is None else _flips([draws[row] for row in running], until - done, n_units, noise)
        told = circuit.run(place.asarray(some), place.asarray(flips))
        told = [arrays.to_numpy(part) for part in told]
        for column, row in enumerate(running):
            if watch is not None:
                before = np.append(some[column, 0], told[0][:-1, column])
                watch(numbers[row], done, before, some[column, 1:])
            for parts, part in zip(kept[row], told, strict=True):
                parts.append(part[:, column])
        done = until
    empty = (starts[:0], starts[:0], np.empty(0, dtype=np.float32))
    return [
        Trace(*(np.concatenate([none, *parts]) for none, parts in zip(empty, story, strict=True))) for story in kept
    ]


def _flips(draws, n_steps, n_units, noise):
    """Factors (n_steps, n_strings, n_units), drawn for each string by its own generator."""
    flips = np.empty((n_steps, len(draws), n_units), dtype=np.float32)
    for row, draw in enumerate(draws):
        flips[:, row, :] = 1.0 - 2.0 * (draw.random_sample((n_steps, n_units)) < noise)
    return flips


def _pair_blocks(circuit, numbers):
    """(numbers, patterns that the memory recalls) of stored pairs, some at a time, on the device."""
    place, row_bytes = (
        arrays.placement_of(circuit.states.codes),
        8 * (numbers.shape[1] + 8 * circuit.states.codes.shape[1]),
    )
    for rows in row_blocks(numbers.shape[1], row_bytes, at_most=_MOST_STRINGS):
        some = [place.asarray(part) for part in numbers[:, rows]]
        yield some, circuit.recalled(some[0], some[1])


def losses(circuit, numbers):
    """What the memory loses of the pairs that are stored in it.

    Parameters
    ----------
    circuit : Circuit
        Of the memory.
    numbers : int ndarray of shape (4, n_pairs)
        States, symbols, next states and outputs by number.

    Returns
    -------
    flips : float
        Largest share of the units of a next state, or an output, that come back wrong.
    n_lost : int
        Pairs of which the next state or the output is taken for another one.
    """
    flips, n_lost, xp, n_units = 0.0, 0, circuit.states.xp, circuit.states.codes.shape[1]
    for some, pattern in _pair_blocks(circuit, numbers):
        lost = False
        parts = [(circuit.states, pattern[:, :n_units], some[2]), (circuit.outputs, pattern[:, n_units:], some[3])]
        for book, part, right in parts[: 1 if circuit.outputs is None else 2]:
            overlaps = book.overlaps(part)
            least = xp.min(xp.take_along_axis(overlaps, right[:, None], axis=1))
            flips = max(flips, (1.0 - float(least) / n_units) / 2.0)
            lost = lost | (xp.argmax(overlaps, axis=1) != right)
        n_lost += int(xp.count_nonzero(lost))
    return flips, n_lost


def recalled_numbers(circuit, numbers):
    """Next states and outputs that the memory recalls of stored pairs, by number: two lists of int."""
    states, outputs, n_units = [], [], circuit.states.codes.shape[1]
    for _, pattern in _pair_blocks(circuit, numbers):
        taken = circuit.states.xp.argmax(circuit.states.overlaps(pattern[:, :n_units]), axis=1)
        said = taken
        if circuit.outputs is not None:
            said = circuit.states.xp.argmax(circuit.outputs.overlaps(pattern[:, n_units:]), axis=1)
        states += arrays.to_numpy(taken).tolist()
        outputs += arrays.to_numpy(said).tolist()
    return states, outputs

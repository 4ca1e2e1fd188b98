"""Storing the table of a state machine in a memory, in codes that are wide enough."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skamem.core import arrays
from skamem.structures._codes import CodeBook, code_width, random_codes
from skamem.structures._running import Circuit, losses

__all__ = ["Stored", "circuit_of", "stored_table"]

_MOST_UNITS = 4096  # to which codes are widened for a memory that needs more than the formula: weights of 128 MiB
_WIDEST = 2**16  # that the formula may ask for


@dataclass(frozen=True)
class Stored:
    """A table in a memory.

    Parameters
    ----------
    memory : estimator
        Fitted.
    codes : tuple of float32 ndarray
        Of states, symbols and outputs; None in place of the last for a machine without.
    flips : float
        Largest share of units that the memory recalls wrongly.
    n_lost : int
        Transitions that it recalls wrongly.
    falls_short : bool
        Whether a width was to be chosen, and the errors asked for would take more units than may be chosen.
    """

    memory: Any
    codes: tuple
    flips: float
    n_lost: int
    falls_short: bool

    @property
    def n_units(self):
        """Width of the codes."""
        return self.codes[0].shape[1]


def stored_table(table, new_memory, seed, put, *, n_units, flip_rate, error_rate):
    """Store a table; with ``n_units="auto"`` in codes as wide as the errors of the memory ask for.

    Parameters
    ----------
    table : Table
        What is stored.
    new_memory : callable
        ``() -> memory``, not fitted.
    seed : int
        Draws the codes.
    put : callable
        Moves an array to where the memory is to compute.
    n_units : "auto" or int
        Width of the codes.
    flip_rate, error_rate : float
        See `code_width`.

    Returns
    -------
    stored : Stored

    Raises
    ------
    ValueError
        When the rates ask for codes that are wider than any memory takes.
    """
    seeds = np.random.RandomState(seed).randint(2**31 - 1, size=3)
    numbers = table.numbers()

    def width_at(rate):
        return code_width(len(table.states), len(table.transitions), flip_rate=rate, error_rate=error_rate)

    chosen = n_units == "auto"
    width = width_at(flip_rate) if chosen else int(n_units)
    if chosen and width > _WIDEST:
        raise ValueError(
            f"flip_rate={flip_rate!r} and error_rate={error_rate!r} ask for codes of {width} units; expected rates "
            f"that ask for {_WIDEST} at most. Lower flip_rate, or choose n_units."
        )
    while True:
        codes = [random_codes(len(labels or ()), width, one) for labels, one in zip(_labels(table), seeds, strict=True)]
        memory = new_memory().fit(*map(put, _associations(table, numbers, codes)))
        codes[2] = None if table.outputs is None else codes[2]
        place = arrays.placement_of(memory._home())
        flips, n_lost = losses(circuit_of(memory, *map(place.asarray, codes)), numbers)
        # Units that the memory itself recalls wrongly are flipped in every step, noise or not.
        needed = width_at(flip_rate + flips - 2.0 * flip_rate * flips)
        if not chosen or needed <= width or width >= _MOST_UNITS:
            return Stored(memory, tuple(codes), flips, n_lost, chosen and needed > width)
        width = min(_MOST_UNITS, 2 * width, needed)


def _labels(table):
    return table.states, table.symbols, table.outputs


def _associations(table, numbers, codes):
    """What the memory stores: bound codes of states and symbols, and the codes of what each pair leads to."""
    keys, targets = codes[0][numbers[0]] * codes[1][numbers[1]], codes[0][numbers[2]]
    if table.outputs is not None:
        targets = np.concatenate([targets, codes[2][numbers[3]]], axis=1)
    return keys, targets


def circuit_of(memory, state_codes, symbol_codes, output_codes):
    """The circuit of a fitted memory and its codes, which has one more code: of symbols that the table does not have.

    Parameters
    ----------
    memory : estimator
        Fitted.
    state_codes, symbol_codes : array of shape (n_states, n_units) or (n_symbols, n_units)
        Where the memory is.
    output_codes : array of shape (n_outputs, n_units) or None
        Likewise.

    Returns
    -------
    circuit : Circuit
    """
    xp = arrays.namespace(state_codes)
    symbols = xp.concat([symbol_codes, xp.ones_like(symbol_codes[:1, :])], axis=0)
    outputs = None if output_codes is None else CodeBook(output_codes, xp)
    return Circuit(memory.as_field(), CodeBook(state_codes, xp), CodeBook(symbols, xp), outputs)

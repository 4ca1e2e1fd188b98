"""Weights as factors: of few patterns of many units a product of two narrow matrices, never the wide one.

Functions here take a matrix of weights either way, as an array or as `Factors`; fields, rules and memories call them
and need not know which it is.
"""

from dataclasses import dataclass, replace
from typing import Any

from skamem.core import arrays
from skamem.core.rows import row_blocks, rows_in_cache

__all__ = [
    "Factors",
    "cast",
    "column_magnitudes",
    "corner",
    "diagonal",
    "largest_sum",
    "matrix",
    "namespace",
    "negative",
    "pays",
    "placed",
    "product",
    "rows",
    "summed",
]

# Numbers up to which weights are always a matrix: below it what is saved is little, and two products cost more calls.
_SMALL = 2**20
# Bytes of weights that are not worth a division into blocks.
_UNDIVIDED = 2**20


@dataclass(frozen=True)
class Factors:
    """The weights W = Aᵀ diag(c) B of shape (n_units, n_outputs), held as A, B and c.

    Parameters
    ----------
    inputs : array of shape (n_patterns, n_units)
        A: what states are compared with.
    outputs : array of shape (n_patterns, n_outputs), default=None
        B: what each overlap pushes towards; None for `inputs`, of weights that are symmetric.
    strengths : array of shape (n_patterns,), default=None
        c: how much each overlap counts; None for 1.

    Examples
    --------
    >>> import numpy as np
    >>> patterns = np.asarray([[1.0, -1.0, 1.0]])
    >>> weights = Factors(patterns)
    >>> weights.shape
    (3, 3)
    >>> product(np.asarray([[1.0, 1.0, 1.0]]), weights)
    array([[ 1., -1.,  1.]])
    """

    inputs: Any
    outputs: Any = None
    strengths: Any = None

    @property
    def shape(self):
        """(n_units, n_outputs)."""
        return self.inputs.shape[1], self.pushed.shape[1]

    @property
    def dtype(self):
        """Floating type of the factors."""
        return self.inputs.dtype

    @property
    def pushed(self):
        """B, whatever holds it."""
        return self.inputs if self.outputs is None else self.outputs

    def scaled(self, overlaps):
        """Overlaps (n_samples, n_patterns), each as much as it counts."""
        return overlaps if self.strengths is None else overlaps * self.strengths


def pays(n_patterns, n_units, n_outputs):
    """Whether factors are what to hold: fewer numbers than the matrix, and fewer multiplications a state.

    Parameters
    ----------
    n_patterns : int
        Patterns in all.
    n_units, n_outputs : int
        Shape of the weights.

    Returns
    -------
    pays : bool
        Never for weights of less than about a million numbers; for autoassociation if patterns are fewer than half of
        the units.

    Examples
    --------
    >>> pays(100, 20_000, 20_000), pays(100, 20_000, 2), pays(10, 100, 100)
    (True, False, False)
    """
    return n_units * n_outputs > _SMALL and n_patterns * (n_units + n_outputs) < n_units * n_outputs


def namespace(weights):
    """Array namespace of weights, either way."""
    return arrays.namespace(weights.inputs if isinstance(weights, Factors) else weights)


def product(states, weights):
    """``states @ weights``: fields of shape (n_samples, n_outputs).

    Parameters
    ----------
    states : array of shape (n_samples, n_units)
        States.
    weights : array or Factors of shape (n_units, n_outputs)
        Weights.

    Returns
    -------
    fields : array of shape (n_samples, n_outputs)
        Of whole numbers the same either way. Cost O(n_samples n_patterns (n_units + n_outputs)) for factors.
    """
    if not isinstance(weights, Factors):
        return states @ weights
    xp = arrays.namespace(states)
    return weights.scaled(states @ xp.matrix_transpose(weights.inputs)) @ weights.pushed


def diagonal(weights):
    """The diagonal of square weights: an array of shape (n_units,)."""
    if not isinstance(weights, Factors):
        return arrays.namespace(weights).linalg.diagonal(weights)
    xp, own = namespace(weights), weights.inputs * weights.pushed
    return xp.sum(own if weights.strengths is None else own * weights.strengths[:, None], axis=0)


def rows(weights, units):
    """Rows `units`, an int array, of the weights: what these units push, an array of shape (len(units), n_outputs)."""
    xp = namespace(weights)
    if not isinstance(weights, Factors):
        return xp.take(weights, units, axis=0)
    return weights.scaled(xp.matrix_transpose(xp.take(weights.inputs, units, axis=1))) @ weights.pushed


def column_magnitudes(weights):
    """Sum of the magnitudes of the weights into each output: of factors a bound on it that is near for random patterns.

    Parameters
    ----------
    weights : array or Factors of shape (n_units, n_outputs)
        Weights.

    Returns
    -------
    magnitudes : array of shape (n_outputs,)
        Of a matrix block by block, since it may be as large as memory allows. Of factors sqrt(n_units) times the norm,
        O(n_patterns² (n_units + n_outputs)): for normal weights that is 1.25 times the sum.
    """
    xp = namespace(weights)
    if isinstance(weights, Factors):
        inputs, pushed = weights.inputs, weights.pushed
        if weights.strengths is not None:
            pushed = pushed * weights.strengths[:, None]
        squares = xp.sum((inputs @ xp.matrix_transpose(inputs) @ pushed) * pushed, axis=0)
        return xp.sqrt(weights.shape[0] * arrays.clip(squares, min=0.0))
    row_bytes = 16 * weights.shape[1]
    if weights.shape[0] * row_bytes <= _UNDIVIDED:
        return xp.sum(xp.abs(weights), axis=0)
    blocks = row_blocks(weights.shape[0], row_bytes, at_most=rows_in_cache(row_bytes, xp))
    return sum(xp.sum(xp.abs(weights[rows, :]), axis=0) for rows in blocks)


def largest_sum(weights):
    """A bound on the numbers that a product of the weights with bipolar states meets on its way; an array of shape ().

    Parameters
    ----------
    weights : array or Factors of shape (n_units, n_outputs)
        Weights.

    Returns
    -------
    bound : array of shape ()
        Where the weights are whole numbers and this is below 2 ** 24, float32 is exact.
    """
    xp = namespace(weights)
    if not isinstance(weights, Factors):
        return xp.max(column_magnitudes(weights))
    met = xp.sum(xp.abs(weights.inputs), axis=1)
    met = met if weights.strengths is None else met * arrays.clip(xp.abs(weights.strengths), min=1.0)
    return xp.max(met @ arrays.clip(xp.abs(weights.pushed), min=1.0))


def cast(weights, dtype):
    """The weights in another floating type; no copy where they are of it."""
    xp = namespace(weights)

    def typed(values):
        return None if values is None else xp.astype(values, dtype, copy=False)

    if not isinstance(weights, Factors):
        return typed(weights)
    return Factors(typed(weights.inputs), typed(weights.outputs), typed(weights.strengths))


def placed(weights, placement, dtype):
    """The weights where a placement says, in a floating type; no copy where they are there already."""
    if not isinstance(weights, Factors):
        return placement.asarray(weights, dtype)
    return Factors(*(placement.asarray(part, dtype) for part in (weights.inputs, weights.outputs, weights.strengths)))


def corner(weights, n_units):
    """The weights among the first `n_units` units, of square weights; no copy."""
    if not isinstance(weights, Factors):
        return weights[:n_units, :n_units]
    outputs = None if weights.outputs is None else weights.outputs[:, :n_units]
    return replace(weights, inputs=weights.inputs[:, :n_units], outputs=outputs)


def matrix(weights):
    """The weights as an array, whatever that takes.

    Parameters
    ----------
    weights : array or Factors
        Of shape (n_units, n_outputs).

    Returns
    -------
    matrix : array of shape (n_units, n_outputs)
        An array itself.

    Raises
    ------
    MemoryError
        With what was needed, where there is no room for it.
    """
    if not isinstance(weights, Factors):
        return weights
    xp = namespace(weights)
    pushed = weights.pushed if weights.strengths is None else weights.strengths[:, None] * weights.pushed
    try:
        return xp.matrix_transpose(weights.inputs) @ pushed
    except MemoryError as error:
        n_units, n_outputs = weights.shape
        needed = n_units * n_outputs * (4 if weights.dtype == xp.float32 else 8) / 2**30
        raise MemoryError(
            f"The matrix of the weights of {n_units} x {n_outputs} units needs {needed:.1f} GiB. They are held as "
            f"{weights.inputs.shape[0]} factors, with which predict, recall, field and energy work without the matrix; "
            "as_field() gives them. float32 patterns need half."
        ) from error


def summed(weights, more, *, exact=False):
    """The sum of two weights: factors while that pays, else a matrix.

    Parameters
    ----------
    weights, more : array or Factors of shape (n_units, n_outputs)
        Weights. Neither is changed.
    exact : bool, default=False
        Whether factors are whole numbers: then patterns that both have count once, with the sum of their strengths, and
        what cancels is gone.

    Returns
    -------
    sum : array or Factors of shape (n_units, n_outputs)
    """
    if isinstance(weights, Factors) and isinstance(more, Factors):
        total = _merged(weights, more) if exact else _stacked(weights, more)
        if pays(total.inputs.shape[0], *total.shape):
            return total
        return matrix(total)
    return matrix(weights) + matrix(more)


def negative(weights):
    """The weights with the other sign."""
    if not isinstance(weights, Factors):
        return -weights
    return replace(weights, strengths=-_strengths(weights))


def _strengths(weights):
    return namespace(weights).ones_like(weights.inputs[:, 0]) if weights.strengths is None else weights.strengths


def _stacked(weights, more):
    xp, pair = namespace(weights), (weights, more)
    inputs = xp.concat([part.inputs for part in pair], axis=0)
    outputs = strengths = None
    if any(part.outputs is not None for part in pair):
        outputs = xp.concat([part.pushed for part in pair], axis=0)
    if any(part.strengths is not None for part in pair):
        strengths = xp.concat([_strengths(part) for part in pair])
    return Factors(inputs, outputs, strengths)


def _merged(weights, more):
    """`_stacked`, each pattern of `more` that is among those of `weights` added to it, what cancels left out."""
    if weights.inputs.shape[0] == 0:
        return more
    xp, same = namespace(weights), _equal_rows(more.inputs, weights.inputs)
    if weights.outputs is not None:
        same = same & _equal_rows(more.outputs, weights.outputs)
    first = same & (xp.cumulative_sum(xp.astype(same, xp.int64), axis=1) == 1)  # of equal ones that are stored
    strengths = _strengths(weights) + _strengths(more) @ xp.astype(first, weights.dtype)
    new = _picked(more, ~xp.any(same, axis=1))
    return _stacked(_picked(replace(weights, strengths=strengths), strengths != 0), new)


def _picked(weights, wanted):
    """The patterns where the mask says so."""
    xp, index = namespace(weights), namespace(weights).nonzero(wanted)[0]

    def taken(values):
        return None if values is None else xp.take(values, index, axis=0)

    return Factors(taken(weights.inputs), taken(weights.outputs), taken(weights.strengths))


def _equal_rows(rows, others):
    """Which rows of whole numbers equal which others, by one product: a·b = a·a = b·b in no other case."""
    xp = namespace(rows)
    overlaps = rows @ xp.matrix_transpose(others)
    own, theirs = xp.sum(rows * rows, axis=1), xp.sum(others * others, axis=1)
    return (overlaps == own[:, None]) & (overlaps == theirs[None, :])

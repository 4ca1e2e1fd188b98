"""Dynamics: from cues to recalled states, synchronously or one unit after another, for whole batches at once.

Rows are independent and leave the batch as soon as they are done, so a row's result does not depend on its neighbours.
"""

from dataclasses import dataclass
from typing import Any

from skamem.core import arrays
from skamem.core.thresholds import sign

__all__ = ["Recall", "asynchronous", "settle", "synchronous"]

_BLOCK = 64  # units whose fields are computed by one matrix product
_LEAF = 8  # units settled one by one before their flips are passed on by a product


@dataclass(frozen=True)
class Recall:
    """What recall gives back for each cue.

    Parameters
    ----------
    states : array of shape (n_samples, n_units)
        Final states.
    n_steps : int array of shape (n_samples,)
        Updates (sweeps, when asynchronous) made; the last one of a converged row changed nothing.
    converged : bool array of shape (n_samples,)
        Whether the row ended at a fixed point.
    cycle_length : int array of shape (n_samples,)
        1 for a fixed point, L > 1 for a cycle of L states, 0 when neither was found within the steps allowed.
    unresolved : bool array of shape (n_samples, n_units)
        Units that were unknown at the end and took the majority of the stored patterns.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem import HebbianMemory
    >>> recall = HebbianMemory().fit([[1, 1, -1, -1]]).recall([[1, 1, -1, 1]])
    >>> recall.states, recall.converged
    (array([[ 1.,  1., -1., -1.]]), array([ True]))
    """

    states: Any
    n_steps: Any
    converged: Any
    cycle_length: Any
    unresolved: Any


def synchronous(field, states, *, n_steps, threshold=sign, clamped=None):
    """Update all units at once, until each row is at a fixed point or `n_steps` updates are made.

    Parameters
    ----------
    field : callable
        ``states -> fields`` with an attribute ``tolerance``, such as `LinearField`.
    states : array of shape (n_samples, n_units)
        Start. Not changed.
    n_steps : int
        Updates at most, >= 0.
    threshold : callable, default=sign
        ``(field, states, tolerance, *, xp) -> states``.
    clamped : bool array of shape (n_samples, n_units), default=None
        Units held fixed.

    Returns
    -------
    recall : Recall
        States equal those of exactly `n_steps` updates: a row found on a cycle is left at the phase where it would end.
        `unresolved` is None: only an estimator knows what is stored. Cost one matrix product a step, over the rows that
        still move; memory, four arrays like `states`.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.core.fields import LinearField
    >>> swap = LinearField(np.asarray([[0.0, 1.0], [1.0, 0.0]]))
    >>> synchronous(swap, np.asarray([[1.0, -1.0]]), n_steps=100).cycle_length
    array([2])
    """

    def update(states, clamped):
        new = threshold(field(states), states, field.tolerance)
        return new if clamped is None else arrays.namespace(new).where(clamped, states, new)

    return _run(update, states, n_steps, clamped, axis=0)


def asynchronous(field, states, *, n_steps, order, threshold=sign, clamped=None):
    """Update the units one after another in the given order, sweep after sweep; every probe sees the same order.

    Blocked and exact: the fields of a block of units come from one matrix product; inside the block units are settled
    in sequence, and a flip is passed on to those after it by the block's own weights. The trajectory is that of the
    loop over single units, bit for bit for integer weights, at the speed of matrix products.

    Parameters
    ----------
    field : LinearField
        With square weights.
    states : array of shape (n_samples, n_units)
        Start. Not changed.
    n_steps : int
        Sweeps at most, >= 0.
    order : int array of shape (n_units,)
        Permutation of the units, the same in each sweep.
    threshold : callable, default=sign
        ``(field, states, tolerance, *, xp) -> states``.
    clamped : bool array of shape (n_samples, n_units), default=None
        Units held fixed.

    Returns
    -------
    recall : Recall
        As `synchronous` gives; a step is a sweep over all units.

    References
    ----------
    Hopfield (1982), PNAS 79:2554, doi:10.1073/pnas.79.8.2554.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.core.fields import LinearField
    >>> swap = LinearField(np.asarray([[0.0, 1.0], [1.0, 0.0]]))
    >>> asynchronous(swap, np.asarray([[1.0, -1.0]]), n_steps=100, order=np.asarray([0, 1])).states
    array([[-1., -1.]])
    """
    xp = arrays.namespace(states)
    cursor = field.cursor(order)
    n_units = states.shape[1]
    blocks = [slice(start, min(start + _BLOCK, n_units)) for start in range(0, n_units, _BLOCK)]

    def sweep(states, clamped):
        states = arrays.copy(states)
        for units in blocks:
            held = None if clamped is None else clamped[units, :]
            fields = cursor.field(states, units)
            tolerance = cursor.tolerance(units)
            block = _Block(fields, states[units, :], cursor.coupling(units), tolerance, threshold, held)
            block.settle(0, units.stop - units.start)
        return states

    def in_order(array):
        return None if array is None else xp.take(xp.matrix_transpose(array), order, axis=0)

    recall = _run(sweep, in_order(states), n_steps, in_order(clamped), axis=1)
    back = xp.argsort(order)
    final = xp.take(xp.matrix_transpose(recall.states), back, axis=1)
    return Recall(final, recall.n_steps, recall.converged, recall.cycle_length, recall.unresolved)


def settle(update, states, *, n_steps, clamped=None):
    """Iterate any map of states until each row is at a fixed point or on a cycle, or `n_steps` updates are made.

    Parameters
    ----------
    update : callable
        ``(states, clamped) -> states`` for the rows that still move; it must leave clamped units as they are.
    states : array of shape (n_samples, n_units)
        Start. Not changed.
    n_steps : int
        Updates at most, >= 0.
    clamped : array of shape (n_samples, n_units), default=None
        Handed to `update`, the rows that still move.

    Returns
    -------
    recall : Recall
        As `synchronous` gives.

    Examples
    --------
    >>> import numpy as np
    >>> settle(lambda states, clamped: np.floor(states / 2), np.asarray([[5.0], [1.0]]), n_steps=100).n_steps
    array([4, 2])
    """
    return _run(update, states, n_steps, clamped, axis=0)


class _Block:
    """Consecutive units, settled in sequence; changes `fields` and `states` (units, samples) in place."""

    def __init__(self, fields, states, coupling, tolerance, threshold, clamped):
        self.xp = arrays.namespace(states)
        self.fields, self.states, self.coupling, self.clamped = fields, states, coupling, clamped
        self.tolerance, self.threshold = tolerance, threshold
        # Ties of integer fields are kept by h + s / 2: its sign is that of h where h is not 0, and s where it is. One
        # pass in place of a comparison with the state; a unit's state changes only when its turn is over, so once is
        # enough.
        self.ties_folded = threshold is sign and not arrays.is_array(tolerance)
        if self.ties_folded:
            self.fields += 0.5 * states

    def decide(self, units):
        """New states of a unit, or of a slice of units."""
        fields, old = self.fields[units, :], self.states[units, :]
        if self.ties_folded:
            new = self.xp.sign(fields)
        else:
            tolerance = self.tolerance[units, :] if arrays.is_array(self.tolerance) else self.tolerance
            new = self.threshold(fields, old, tolerance, xp=self.xp)
        return new if self.clamped is None else self.xp.where(self.clamped[units, :], old, new)

    def settle(self, first, last):
        """Settle the units first, ..., last - 1; later fields of the block learn of it from the caller."""
        if last - first <= _LEAF:
            self._settle_leaf(first, last)
            return
        # Settle one half, pass its flips on to the other by one product, settle that.
        middle = (first + last) // 2
        head, tail = slice(first, middle), slice(middle, last)
        before = arrays.copy(self.states[head, :])
        self.settle(first, middle)
        self.fields[tail, :] += self.coupling[tail, head] @ (self.states[head, :] - before)
        self.settle(middle, last)

    def _settle_leaf(self, first, last):
        leaf = slice(first, last)
        # A leaf in which no unit wants to move stays as it is: the common case in every sweep but the first.
        if arrays.host_checks_are_free(self.xp) and not self.xp.any(self.decide(leaf) != self.states[leaf, :]):
            return
        for unit in range(first, last):
            new = self.decide(unit)
            if unit + 1 < last:
                flips = new - self.states[unit, :]
                self.fields[unit + 1 : last, :] += self.coupling[unit + 1 : last, unit][:, None] * flips[None, :]
            self.states[unit, :] = new


def _run(update, states, n_steps, clamped, axis):
    """Iterate ``update(states, clamped)``; samples lie along `axis`. Rows that are done leave the batch.

    Cycles are found by Brent's method: each state is compared with an anchor that is renewed at steps 1, 2, 4, 8, ...
    """
    xp = arrays.namespace(states)
    where = {"device": arrays.device(states)}
    units = 1 - axis
    n_samples = states.shape[axis]
    rows = xp.arange(n_samples, **where)
    cycle = xp.zeros(n_samples, dtype=xp.int64, **where)
    last = xp.full((n_samples,), n_steps, dtype=xp.int64, **where)
    anchor, anchor_step = states, 0
    finished = []
    step = 0
    while step < n_steps and rows.shape[0]:
        step += 1
        new = update(states, clamped)
        fixed = xp.all(new == states, axis=units)
        length = step - anchor_step
        returned = ~fixed & (cycle == 0) & xp.all(new == anchor, axis=units)
        # A row on a cycle runs on to the phase at which n_steps updates would have left it.
        last = xp.where(returned, xp.full_like(last, step + (n_steps - step) % length), last)
        cycle = xp.where(fixed, xp.ones_like(cycle), xp.where(returned, xp.full_like(cycle, length), cycle))
        states = new
        done = fixed | (last == step)
        if bool(xp.any(done)):
            keep = xp.nonzero(~done)[0]
            gone = xp.nonzero(done)[0]
            picked = [xp.take(a, gone, axis=0) for a in (rows, cycle, fixed)]
            finished.append((xp.take(states, gone, axis=axis), *picked, xp.full_like(gone, step)))
            rows, cycle, last = (xp.take(a, keep, axis=0) for a in (rows, cycle, last))
            states, anchor = xp.take(states, keep, axis=axis), xp.take(anchor, keep, axis=axis)
            clamped = None if clamped is None else xp.take(clamped, keep, axis=axis)
        if step & (step - 1) == 0:
            anchor, anchor_step = states, step
    if rows.shape[0] or not finished:  # no steps, or no rows
        finished.append((states, rows, cycle, cycle > 0, xp.full_like(rows, step)))
    return _gather(finished, axis, xp)


def _gather(finished, axis, xp):
    states, rows, cycle, fixed, n_steps = zip(*finished, strict=True)
    back = xp.argsort(xp.concat(rows))
    cycle, fixed, n_steps = (xp.take(xp.concat(part), back) for part in (cycle, fixed, n_steps))
    return Recall(xp.take(xp.concat(states, axis=axis), back, axis=axis), n_steps, fixed, cycle, None)

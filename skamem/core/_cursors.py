"""How units of a linear field are visited one after another, for whole batches of samples at once.

`skamem.core.fields` offers what is here, and says when dynamics ask for which.
"""

import copy

from skamem.core import arrays, factors
from skamem.core.factors import Factors
from skamem.core.rows import row_blocks
from skamem.core.threads import in_shares, product_threads
from skamem.core.thresholds import sign

__all__ = ["BipartiteCursor", "LinearCursor", "LinearWalker"]

_BLOCK = 128  # units whose fields are computed by one matrix product
# Units that decide together. Where looking at results is free, rounds end when nothing changes; elsewhere there are as
# many as units.
_HOST_LEAF, _DEVICE_LEAF = 32, 8


class LinearCursor:
    """Visits the units of a square `LinearField` one after another, in one order, for whole batches at once.

    Blocked and exact. The fields of a block of units come from one matrix product. Inside the block every unit is first
    decided as if no other had moved; then the moves of each are passed on to those after it, which decide again, until
    nothing changes. After k rounds the first k units are right, but as few moves matter, two or three rounds are enough
    for most blocks.

    Weights are reordered once, so that blocks are slices; states are held transposed, a unit a row. Of factors the
    overlaps of a sweep are kept, and take in what moved in each block.

    Parameters
    ----------
    field : LinearField
        With square weights.
    order : int array of shape (n_units,)
        Permutation of the units.
    """

    axis = 1
    """Along which samples lie in what `enter` returns."""

    def __init__(self, field, order):
        xp = factors.namespace(field.weights)
        self._incoming = (_FactoredIncoming if isinstance(field.weights, Factors) else _Incoming)(field.weights, order)
        self._order, self._back = order, xp.argsort(order)

        def column(values):
            return xp.take(values, order)[:, None] if arrays.is_array(values) else values

        self._tolerance, self._bias, self._diagonal = map(column, (field.tolerance, field.bias, field.diagonal))

    def enter(self, rows):
        """An array of shape (n_samples, n_units) as `sweep` wants it: in visiting order, transposed."""
        xp = arrays.namespace(rows)
        return xp.take(arrays.copy(xp.matrix_transpose(rows)), self._order, axis=0)

    def leave(self, columns):
        """What `enter` got, from what it returned."""
        xp = arrays.namespace(columns)
        return arrays.copy(xp.matrix_transpose(xp.take(columns, self._back, axis=0)))

    def sweep(self, states, *, threshold=sign, clamped=None, noise=None):
        """Visit every unit once.

        Parameters
        ----------
        states : array of shape (n_units, n_samples)
            As `enter` returns them. Not changed.
        threshold : callable, default=sign
            ``(field, states, tolerance, *, xp) -> states``.
        clamped : bool array of shape (n_units, n_samples), default=None
            Units held fixed.
        noise : array of shape (n_units, n_samples), default=None
            Added to the fields.

        Returns
        -------
        states : array of shape (n_units, n_samples)
            After the sweep. Cost: little more than one product of states and weights.
        """
        states = arrays.copy(states)

        def visit(samples):
            some, held, pushed = (None if values is None else values[:, samples] for values in (states, clamped, noise))
            self._visit(some, threshold, held, pushed)

        in_shares(visit, states.shape[1], self._incoming.work * states.shape[1], arrays.namespace(states))
        return states

    def _visit(self, states, threshold, clamped, noise):
        """Visit every unit of some samples, in place."""
        n_units = states.shape[0]
        incoming = self._incoming.of(states)
        # Smaller products than those the caller knows of: the leaves' are smaller still.
        with product_threads(min(_BLOCK, n_units) * n_units * states.shape[1], arrays.namespace(states)):
            for start in range(0, n_units, _BLOCK):
                units = slice(start, min(start + _BLOCK, n_units))
                before = incoming.before(units)
                block = _Block(
                    incoming.fields(units),
                    states[units, :],
                    self._incoming.coupling(units),
                    self._tolerance[units, :] if arrays.is_array(self._tolerance) else self._tolerance,
                    threshold,
                    None if clamped is None else clamped[units, :],
                )
                block.push(self._bias, self._diagonal, noise, units)
                block.settle(0, units.stop - units.start)
                incoming.moved(units, before)


class _Incoming:
    """What pushes the units of a block, of weights that are a matrix: its columns in visiting order."""

    def __init__(self, weights, order):
        self._columns = arrays.namespace(weights).matrix_transpose(_reordered(weights, order))
        self.work = weights.shape[0] * weights.shape[1]  # multiply-adds of a sweep of one sample

    def coupling(self, units):
        """Weights among the units of a slice."""
        return self._columns[units, units]

    def of(self, states):
        """Those of a sweep over `states` (n_units, n_samples), which change in place."""
        sweep = copy.copy(self)
        sweep._states = states
        return sweep

    def fields(self, units):
        """Fields of a slice of units."""
        return self._columns[units, :] @ self._states

    def before(self, units):
        """What `moved` wants to know of the units of a slice before they are visited."""

    def moved(self, units, before):
        """Take in what the units of a slice did: the states themselves say it."""


class _FactoredIncoming:
    """The same of weights that are factors: the overlaps of a sweep stand for all units that push."""

    def __init__(self, weights, order):
        xp = factors.namespace(weights)
        self._inputs = xp.take(weights.inputs, order, axis=1)
        pushed = self._inputs if weights.outputs is None else xp.take(weights.outputs, order, axis=1)
        self._pushed = pushed if weights.strengths is None else pushed * weights.strengths[:, None]
        self._transposed = xp.matrix_transpose
        self.work = 2 * self._inputs.shape[0] * self._inputs.shape[1]

    def coupling(self, units):
        return self._transposed(self._pushed[:, units]) @ self._inputs[:, units]

    def of(self, states):
        sweep = copy.copy(self)
        sweep._states, sweep._overlaps = states, self._inputs @ states
        return sweep

    def fields(self, units):
        return self._transposed(self._pushed[:, units]) @ self._overlaps

    def before(self, units):
        return arrays.copy(self._states[units, :])

    def moved(self, units, before):
        self._overlaps += self._inputs[:, units] @ (self._states[units, :] - before)


class _Block:
    """Consecutive units, settled in sequence; changes `fields` and `states` (units, samples) in place."""

    def __init__(self, fields, states, coupling, tolerance, threshold, clamped):
        self.xp = arrays.namespace(states)
        self.fields, self.states, self.coupling, self.clamped = fields, states, coupling, clamped
        self.tolerance, self.threshold = tolerance, threshold
        self.may_look = arrays.host_checks_are_free(self.xp)
        self.leaf = _HOST_LEAF if self.may_look else _DEVICE_LEAF
        self.leans = False

    def push(self, bias, diagonal, noise, units):
        """Add to the fields what does not come from other units; entries `units` of each array, or None."""
        if bias is not None:
            self.fields += bias[units, :]
        # Ties of integer fields are kept by h + s / 2: its sign is that of h where h is not 0, and s where it is. A
        # unit's state changes only when its turn is over, so once is enough.
        self.leans = noise is None and self.threshold is sign and not arrays.is_array(self.tolerance)
        own = 0.5 if self.leans else 0.0
        if diagonal is not None:
            own = own - diagonal[units, :]
        if self.leans or diagonal is not None:
            self.fields += own * self.states
        if noise is not None:
            self.fields += noise[units, :]

    def settle(self, first, last):
        """Settle the units first, ..., last - 1; later fields of the block learn of it from the caller."""
        if last - first <= self.leaf:
            self._settle_leaf(slice(first, last))
            return
        # Settle one half, pass its moves on to the other by one product, settle that.
        middle = (first + last) // 2
        head, tail = slice(first, middle), slice(middle, last)
        before = arrays.copy(self.states[head, :])
        self.settle(first, middle)
        self.fields[tail, :] += self.coupling[tail, head] @ (self.states[head, :] - before)
        self.settle(middle, last)

    def _settle_leaf(self, leaf):
        xp = self.xp
        fields, old = self.fields[leaf, :], self.states[leaf, :]
        new = self._decide(fields, leaf)
        if self.may_look and not xp.any(new != old):
            return
        # Of a unit on those after it: strictly below the diagonal, so that k rounds settle the first k units for good.
        push = xp.tril(self.coupling[leaf, leaf], k=-1)
        for _ in range(leaf.stop - leaf.start - 1):
            guess, new = new, self._decide(fields + push @ (new - old), leaf)
            if self.may_look and not xp.any(new != guess):
                break
        self.states[leaf, :] = new

    def _decide(self, fields, units):
        """New states of a slice of units."""
        old = self.states[units, :]
        if self.leans:
            new = arrays.sign(fields, self.xp)
        else:
            tolerance = self.tolerance[units, :] if arrays.is_array(self.tolerance) else self.tolerance
            new = self.threshold(fields, old, tolerance, xp=self.xp)
        return new if self.clamped is None else self.xp.where(self.clamped[units, :], old, new)


class LinearWalker:
    """Fields of a `LinearField` while single units move, another one for each sample.

    Parameters
    ----------
    field : LinearField
        With square weights.
    states : array of shape (n_samples, n_units)
        Start.
    """

    def __init__(self, field, states):
        xp = arrays.namespace(states)
        self._xp, self._fields, self._tolerance = xp, field(states), field.tolerance
        self._weights = field.weights
        self._diagonal = field.diagonal
        self._may_look = arrays.host_checks_are_free(xp)

    def field(self, units, states):
        """Fields (n_samples,) of one unit of each sample, which is in `states` (n_samples,)."""
        return self._xp.take_along_axis(self._fields, units[:, None], axis=1)[:, 0]

    def tolerance(self, units):
        """Magnitudes (n_samples,) up to which the fields of `units` count as 0; just 0.0 for exact weights."""
        return self._xp.take(self._tolerance, units) if arrays.is_array(self._tolerance) else self._tolerance

    def move(self, units, change):
        """Take in that the states of `units` (n_samples,) changed by `change` (n_samples,)."""
        xp = self._xp
        if not self._may_look:
            # On a device looking for the rows that moved would stop the queue: all are updated, most of them by 0.
            self._fields += self._push(units, change)
        elif len(rows := xp.nonzero(change)[0]):
            self._fields[rows] += self._push(units[rows], change[rows])

    def _push(self, units, change):
        push = change[:, None] * factors.rows(self._weights, units)
        if self._diagonal is None:
            return push
        itself = self._xp.arange(push.shape[1], device=arrays.device(push))[None, :] == units[:, None]
        return self._xp.where(itself, 0.0, push)


def _reordered(weights, order):
    """Rows and columns of a square matrix in another order, at the cost of one copy and not of two."""
    xp = arrays.namespace(weights)
    reordered = xp.empty_like(weights)
    for rows in row_blocks(weights.shape[0], 2 * 8 * weights.shape[1], at_most=max(_BLOCK, weights.shape[0] // 16)):
        reordered[rows, :] = xp.take(xp.take(weights, order[rows], axis=0), order, axis=1)
    return reordered


class BipartiteCursor:
    """Visits the second layer of a `BipartiteField`, then the first.

    Parameters
    ----------
    field : BipartiteField
        What units follow.
    """

    axis = 0
    """Along which samples lie in what `enter` returns."""

    def __init__(self, field):
        self._field = field

    def enter(self, rows):
        """An array of shape (n_samples, n_units) as `sweep` wants it: as it is."""
        return rows

    def leave(self, rows):
        """What `enter` got, from what it returned."""
        return rows

    def sweep(self, states, *, threshold=sign, clamped=None, noise=None):
        """Visit every unit once.

        Parameters
        ----------
        states : array of shape (n_samples, n_units)
            Not changed.
        threshold : callable, default=sign
            ``(field, states, tolerance, *, xp) -> states``, of a layer at a time.
        clamped : bool array of shape (n_samples, n_units), default=None
            Units held fixed.
        noise : array of shape (n_samples, n_units), default=None
            Added to the fields.

        Returns
        -------
        states : array of shape (n_samples, n_units)
            After the sweep.
        """
        field, xp = self._field, arrays.namespace(states)
        first, second = field.split(states)
        held = (None, None) if clamped is None else field.split(clamped)
        push = (None, None) if noise is None else field.split(noise)

        def visit(towards, others, own, held, push):
            fields, tolerance = towards(others), towards.tolerance
            if push is not None:
                fields, tolerance = fields + push, 0.0
            new = threshold(fields, own, tolerance, xp=xp)
            return new if held is None else xp.where(held, own, new)

        second = visit(field.there, first, second, held[1], push[1])
        first = visit(field.back, second, first, held[0], push[0])
        return xp.concat([first, second], axis=1)

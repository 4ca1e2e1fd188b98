"""Fields and landscapes: which way each unit is pushed, and the energy where there is one.

A *field* says, for given states, the push on every unit; dynamics need nothing else. A *landscape* is a field with an
energy, and obeys one law: field_i = [E(s_i = -1) - E(s_i = +1)] / 2, the other units held.

To visit units one after another, dynamics ask the field for a *cursor*, when all samples are visited in one order, or
for a *walker*, when each has an order of its own.
"""

import copy

from skamem.core import arrays
from skamem.core.thresholds import sign

__all__ = ["LinearCursor", "LinearField", "LinearWalker", "QuadraticLandscape"]

_BLOCK = 128  # units whose fields are computed by one matrix product
# Units that decide together. Where looking at results is free, rounds end when nothing changes; elsewhere there are as
# many as units.
_HOST_LEAF, _DEVICE_LEAF = 32, 8

# Rounding of a sum of real weights, in units of eps times the sum of their magnitudes: two orders of summation differ
# by less, while a true nonzero field of random weights is larger by about 1 / (eps sqrt(n)).
_ROUNDING = 8.0


class LinearField:
    """The field s W + b of a weight matrix of any shape and symmetry.

    Parameters
    ----------
    weights : array of shape (n_units, n_outputs)
        Weight from unit i to output j.
    bias : array of shape (n_outputs,), default=None
        Constant push on each output.
    zero_diagonal : bool, default=False
        Ignore the diagonal of square `weights`: no unit pushes itself.
    exact : bool, default=False
        Whether weights and bias are integers whose sums are exact; then a tie is a field of exactly 0. Otherwise fields
        within `noise` count as 0.
    noise : float, default=None
        Relative error of real weights: a field counts as 0 when its magnitude is at most `noise` times the sum of the
        magnitudes of the weights into the unit. None takes the rounding of the sum, 8 eps: for weights that are right
        to the last digit.

    Notes
    -----
    `weights` is kept, not copied: a diagonal to be ignored is subtracted from the field.

    Examples
    --------
    >>> import numpy as np
    >>> field = LinearField(np.asarray([[2.0, 1.0], [1.0, 2.0]]), zero_diagonal=True)
    >>> field(np.asarray([[1.0, -1.0]]))
    array([[-1.,  1.]])
    """

    def __init__(self, weights, bias=None, *, zero_diagonal=False, exact=False, noise=None):
        self.weights = weights
        self.bias = bias
        self.diagonal = arrays.namespace(weights).linalg.diagonal(weights) if zero_diagonal else None
        self.tolerance = 0.0 if exact else self._relative(noise)

    def _relative(self, noise):
        xp = arrays.namespace(self.weights)
        magnitude = xp.sum(xp.abs(self.weights), axis=0)
        if self.bias is not None:
            magnitude = magnitude + xp.abs(self.bias)
        noise = _ROUNDING * xp.finfo(self.weights.dtype).eps if noise is None else noise
        return noise * magnitude

    def __call__(self, states):
        """Fields of shape (n_samples, n_outputs) for states of shape (n_samples, n_units); one matrix product."""
        field = states @ self.weights
        if self.diagonal is not None:
            field -= states * self.diagonal
        if self.bias is not None:
            field += self.bias
        return field

    def narrowed(self):
        """This field in float32, twice as fast, if it is as exact there; else the field itself."""
        xp = arrays.namespace(self.weights)
        if arrays.is_array(self.tolerance) or self.weights.dtype != xp.float64:
            return self
        largest = xp.max(xp.sum(xp.abs(self.weights), axis=0))
        if self.bias is not None:
            largest = largest + xp.max(xp.abs(self.bias))
        if not bool(largest < arrays.WHOLE_IN_FLOAT32):
            return self
        narrow = copy.copy(self)
        for name in ("weights", "bias", "diagonal"):
            values = getattr(self, name)
            setattr(narrow, name, None if values is None else xp.astype(values, xp.float32))
        return narrow

    def cursor(self, order):
        """A `LinearCursor` that visits the units in the given order.

        Parameters
        ----------
        order : int array of shape (n_units,)
            Permutation of the units.

        Returns
        -------
        cursor : LinearCursor
        """
        return LinearCursor(self, order)

    def walker(self, states):
        """A `LinearWalker`: fields while single units move, another one for each sample.

        Parameters
        ----------
        states : array of shape (n_samples, n_units)
            Start.

        Returns
        -------
        walker : LinearWalker
        """
        return LinearWalker(self, states)


class LinearCursor:
    """Visits the units of a square `LinearField` one after another, in one order, for whole batches at once.

    Blocked and exact. The fields of a block of units come from one matrix product. Inside the block every unit is first
    decided as if no other had moved; then the moves of each are passed on to those after it, which decide again, until
    nothing changes. After k rounds the first k units are right, but as few moves matter, two or three rounds are enough
    for most blocks.

    Weights are reordered once, so that blocks are slices; states are held transposed, a unit a row.

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
        xp = arrays.namespace(field.weights)
        self._incoming = xp.matrix_transpose(xp.take(xp.take(field.weights, order, axis=1), order, axis=0))
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
        n_units = states.shape[0]
        states = arrays.copy(states)
        for start in range(0, n_units, _BLOCK):
            units = slice(start, min(start + _BLOCK, n_units))
            block = _Block(
                self._incoming[units, :] @ states,
                states[units, :],
                self._incoming[units, units],
                self._tolerance[units, :] if arrays.is_array(self._tolerance) else self._tolerance,
                threshold,
                None if clamped is None else clamped[units, :],
            )
            block.push(self._bias, self._diagonal, noise, units)
            block.settle(0, units.stop - units.start)
        return states


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
        push = xp.tril(self.coupling[leaf, leaf], k=-1)  # of a unit on those after it
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
            self._fields += self._push(units, change)
        elif len(rows := xp.nonzero(change)[0]):
            self._fields[rows] += self._push(units[rows], change[rows])

    def _push(self, units, change):
        push = change[:, None] * self._xp.take(self._weights, units, axis=0)
        if self._diagonal is None:
            return push
        itself = self._xp.arange(push.shape[1], device=arrays.device(push))[None, :] == units[:, None]
        return self._xp.where(itself, 0.0, push)


class QuadraticLandscape(LinearField):
    """The landscape E = -1/2 sᵀ W s - bᵀ s of symmetric weights, their diagonal ignored.

    Parameters
    ----------
    weights : array of shape (n_units, n_units)
        Symmetric.
    bias : array of shape (n_units,), default=None
        External field.
    exact : bool, default=False
        As in `LinearField`.
    noise : float, default=None
        As in `LinearField`.

    References
    ----------
    Hopfield (1982), PNAS 79:2554, doi:10.1073/pnas.79.8.2554.

    Examples
    --------
    >>> import numpy as np
    >>> flip_flop = QuadraticLandscape(np.asarray([[0.0, -1.0], [-1.0, 0.0]]))
    >>> flip_flop.energy(np.asarray([[1.0, -1.0], [1.0, 1.0]]))
    array([-1.,  1.])
    """

    def __init__(self, weights, bias=None, *, exact=False, noise=None):
        super().__init__(weights, bias, zero_diagonal=True, exact=exact, noise=noise)

    def energy(self, states):
        """Energy of shape (n_samples,) for states of shape (n_samples, n_units); one matrix product."""
        xp = arrays.namespace(states)
        energy = -0.5 * xp.sum(states * self(states), axis=1)
        if self.bias is not None:  # the field holds b once, the energy needs it in full
            energy = energy - 0.5 * (states @ self.bias)
        return energy

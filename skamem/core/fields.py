"""Fields and landscapes: which way each unit is pushed, and the energy where there is one.

A *field* says, for given states, the push on every unit; dynamics need nothing else. A *landscape* is a field with an
energy, and obeys one law: field_i = [E(s_i = -1) - E(s_i = +1)] / 2, the other units held.

To visit units one after another, dynamics ask the field for a *cursor*, when all samples are visited in one order, or
for a *walker*, when each has an order of its own.
"""

import copy

from skamem.core import arrays, factors
from skamem.core._cursors import BipartiteCursor, LinearCursor, LinearWalker

__all__ = ["BipartiteCursor", "BipartiteField", "LinearCursor", "LinearField", "LinearWalker", "QuadraticLandscape"]

# Rounding of a sum of real weights, in units of eps times the sum of their magnitudes: two orders of summation differ
# by less, while a true nonzero field of random weights is larger by about 1 / (eps sqrt(n)).
_ROUNDING = 8.0


class LinearField:
    """The field s W + b of a weight matrix of any shape and symmetry.

    Parameters
    ----------
    weights : array or `skamem.core.factors.Factors` of shape (n_units, n_outputs)
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
        self.diagonal = factors.diagonal(weights) if zero_diagonal else None
        self.tolerance = 0.0 if exact else self._relative(noise)

    def _relative(self, noise):
        xp = factors.namespace(self.weights)
        magnitude = factors.column_magnitudes(self.weights)
        if self.bias is not None:
            magnitude = magnitude + xp.abs(self.bias)
        noise = _ROUNDING * xp.finfo(self.weights.dtype).eps if noise is None else noise
        return noise * magnitude

    def __call__(self, states):
        """Fields of shape (n_samples, n_outputs) for states of shape (n_samples, n_units); one matrix product."""
        field = factors.product(states, self.weights)
        if self.diagonal is not None:
            field -= states * self.diagonal
        if self.bias is not None:
            field += self.bias
        return field

    def narrowed(self):
        """This field in float32, twice as fast, if it is as exact there; else the field itself."""
        xp = factors.namespace(self.weights)
        if arrays.is_array(self.tolerance) or self.weights.dtype != xp.float64:
            return self
        largest = factors.largest_sum(self.weights)
        if self.bias is not None:
            largest = largest + xp.max(xp.abs(self.bias))
        if not bool(largest < arrays.WHOLE_IN_FLOAT32):
            return self
        narrow = copy.copy(self)
        narrow.weights = factors.cast(self.weights, xp.float32)
        for name in ("bias", "diagonal"):
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


class QuadraticLandscape(LinearField):
    """The landscape E = -1/2 sᵀ W s - bᵀ s of symmetric weights, their diagonal taken as 0.

    Parameters
    ----------
    weights : array or `skamem.core.factors.Factors` of shape (n_units, n_units)
        Symmetric.
    bias : array of shape (n_units,), default=None
        External field.
    zero_diagonal : bool, default=True
        False lets a unit's own weight push it, too, to where it is: the field is then W_ii s_i off half the energy gap,
        and units are slower to change.
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

    def __init__(self, weights, bias=None, *, zero_diagonal=True, exact=False, noise=None):
        super().__init__(weights, bias, zero_diagonal=zero_diagonal, exact=exact, noise=noise)

    def energy(self, states):
        """Energy of shape (n_samples,) for states of shape (n_samples, n_units); one matrix product."""
        xp = arrays.namespace(states)
        fields = self(states)
        if self.diagonal is None:
            fields -= states * factors.diagonal(self.weights)
        energy = -0.5 * xp.sum(states * fields, axis=1)
        if self.bias is not None:  # the field holds b once, the energy needs it in full
            energy = energy - 0.5 * (states @ self.bias)
        return energy


class BipartiteField:
    """The landscape E(x, y) = -x W yᵀ - x·a - y·b of two layers that push each other, and no unit of its own layer.

    It is `QuadraticLandscape` of the units of both layers, x before y, without the blocks that are 0.

    Parameters
    ----------
    weights : array of shape (n_first, n_second)
        Between the layers.
    first_bias, second_bias : array of shape (n_first,) or (n_second,), default=None
        a and b: constant push on each unit.
    exact : bool, default=False
        As in `LinearField`.
    noise : float, default=None
        As in `LinearField`.

    Notes
    -----
    Its cursor visits a layer at a time, at the cost of one matrix product each: `skamem.core.dynamics.alternating` and,
    at a temperature, block Gibbs sampling by `skamem.core.dynamics.heat_bath`.

    References
    ----------
    Kosko (1988), IEEE Transactions on Systems, Man, and Cybernetics 18:49, doi:10.1109/21.87054.

    Examples
    --------
    >>> import numpy as np
    >>> pair = BipartiteField(np.asarray([[1.0], [-2.0]]))
    >>> pair(np.asarray([[1.0, -1.0, 1.0]]))
    array([[ 1., -2.,  3.]])
    >>> pair.energy(np.asarray([[1.0, -1.0, 1.0]]))
    array([-3.])
    """

    def __init__(self, weights, first_bias=None, second_bias=None, *, exact=False, noise=None):
        xp = arrays.namespace(weights)
        self.there = LinearField(weights, second_bias, exact=exact, noise=noise)
        self.back = LinearField(xp.matrix_transpose(weights), first_bias, exact=exact, noise=noise)
        self.n_first = weights.shape[0]
        self._exact, self._noise = exact, noise
        self.tolerance = 0.0 if exact else xp.concat([self.back.tolerance, self.there.tolerance])

    def split(self, states):
        """The two layers of arrays of shape (n_samples, n_first + n_second)."""
        return states[:, : self.n_first], states[:, self.n_first :]

    def __call__(self, states):
        """Fields of shape (n_samples, n_first + n_second), each layer's from the other; two matrix products."""
        first, second = self.split(states)
        return arrays.namespace(states).concat([self.back(second), self.there(first)], axis=1)

    def energy(self, states):
        """Energy of shape (n_samples,) for states of shape (n_samples, n_first + n_second); one matrix product."""
        first, second = self.split(states)
        energy = -arrays.namespace(states).sum(self.there(first) * second, axis=1)  # the second layer's bias with it
        return energy if self.back.bias is None else energy - first @ self.back.bias

    def cursor(self, order=None):
        """A `BipartiteCursor`; in a layer no order of units makes a difference, so `order` is not used."""
        return BipartiteCursor(self)

    def walker(self, states):
        """A `LinearWalker` of the units of both layers, on the whole matrix of their weights.

        Parameters
        ----------
        states : array of shape (n_samples, n_first + n_second)
            Start.

        Returns
        -------
        walker : LinearWalker
        """
        xp, weights = arrays.namespace(states), self.there.weights
        back = xp.matrix_transpose(weights)
        top = xp.concat([xp.zeros_like(weights @ back), weights], axis=1)
        whole = xp.concat([top, xp.concat([back, xp.zeros_like(back @ weights)], axis=1)], axis=0)
        biases = [xp.zeros_like(f.weights[0, :]) if f.bias is None else f.bias for f in (self.back, self.there)]
        return LinearField(whole, xp.concat(biases), exact=self._exact, noise=self._noise).walker(states)

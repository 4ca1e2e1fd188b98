"""Fields and landscapes: which way each unit is pushed, and the energy where there is one.

A *field* says, for given states, the push on every unit; dynamics need nothing else. A *landscape* is a field with an
energy, and obeys one law: field_i = [E(s_i = -1) - E(s_i = +1)] / 2, the other units held.

`LinearField.cursor` gives dynamics what they need to visit units one after another: the fields of a block of units in
one matrix product, and the coupling inside the block.
"""

from skamem.core import arrays

__all__ = ["LinearCursor", "LinearField", "QuadraticLandscape"]

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
        Whether the weights are integers whose sums are exact; then a tie is a field of exactly 0. Otherwise fields
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


class LinearCursor:
    """Fields of consecutive units of a square `LinearField`, in a fixed order of visits.

    Weights are reordered once, so that the blocks of a sweep are slices; states are held transposed, a unit a row, so
    that the fields of a block for all probes are one matrix product with contiguous rows.

    Parameters
    ----------
    field : LinearField
        With square weights.
    order : int array of shape (n_units,)
        Permutation of the units.
    """

    def __init__(self, field, order):
        xp = arrays.namespace(field.weights)
        incoming = xp.matrix_transpose(field.weights)
        self.order = order
        self._incoming = xp.take(xp.take(incoming, order, axis=0), order, axis=1)
        self._tolerance = xp.take(field.tolerance, order)[:, None] if arrays.is_array(field.tolerance) else None
        self._diagonal = None if field.diagonal is None else xp.take(field.diagonal, order)[:, None]
        self._bias = None if field.bias is None else xp.take(field.bias, order)[:, None]

    def field(self, states, units):
        """Fields (block, n_samples) of the units in slice `units`, for transposed states in visiting order."""
        field = self._incoming[units, :] @ states
        if self._diagonal is not None:
            field -= self._diagonal[units, :] * states[units, :]
        if self._bias is not None:
            field += self._bias[units, :]
        return field

    def coupling(self, units):
        """Weights (block, block) inside the slice `units`: entry (i, j) is the push of j on i."""
        return self._incoming[units, units]

    def tolerance(self, units):
        """Magnitudes (block, 1) up to which fields of the slice `units` count as 0; just 0.0 for exact weights."""
        return 0.0 if self._tolerance is None else self._tolerance[units, :]


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

    def __init__(self, weights, bias=None, *, exact=False):
        super().__init__(weights, bias, zero_diagonal=True, exact=exact)

    def energy(self, states):
        """Energy of shape (n_samples,) for states of shape (n_samples, n_units); one matrix product."""
        xp = arrays.namespace(states)
        energy = -0.5 * xp.sum(states * self(states), axis=1)
        if self.bias is not None:  # the field holds b once, the energy needs it in full
            energy = energy - 0.5 * (states @ self.bias)
        return energy

"""The field and landscape of dense associative memories: E(s) = -Σ_μ F(ξ^μ·s) for two-valued patterns ξ.

Overlaps of two-valued patterns are whole numbers, so F and its differences are tables, `DifferenceTables`.
"""

from skamem.core import arrays
from skamem.core._tables import DifferenceTables
from skamem.core.threads import in_shares
from skamem.core.thresholds import sign

__all__ = ["DenseCursor", "DenseField", "DenseLandscape", "DenseWalker", "DifferenceTables"]

_BLOCK = 64  # units whose fields are computed by one matrix product


class DenseField:
    """The field on output units: half the difference that each makes to Σ_μ F(ξ^μ·s + η^μ·t), all outputs t unknown.

    Parameters
    ----------
    patterns : array of shape (n_patterns, n_units)
        Entries in {-1, +1}; 0 takes no part.
    targets : array of shape (n_patterns, n_outputs)
        Associated patterns.
    interaction : object
        The energy function F.
    pattern_weight : array of shape (n_patterns,), default=None
        Factor of each pattern's F; None for 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.core.interactions import Polynomial
    >>> DenseField(np.asarray([[1.0, 1.0]]), np.asarray([[-1.0]]), Polynomial(2))(np.asarray([[1.0, 1.0]]))
    array([[-4.]])
    """

    def __init__(self, patterns, targets, interaction, pattern_weight=None):
        self.patterns, self.targets = patterns, targets
        self.pattern_weight = _weights_for(patterns, pattern_weight)
        self.tables = DifferenceTables(interaction, patterns.shape[1], self.pattern_weight, patterns)
        self.tolerance = 0.0

    def __call__(self, states):
        """Fields of shape (n_samples, n_outputs) for states of shape (n_samples, n_units), fields of rounding at 0."""
        xp = arrays.namespace(states)
        overlaps = states @ xp.matrix_transpose(self.patterns)

        def push(tables, overlaps, *others):
            weight, targets = (xp.astype(other, overlaps.dtype, copy=False) for other in others)
            rise = tables.rows(overlaps)("rise") * weight
            return 0.5 * (rise @ targets), xp.sum(xp.abs(rise), axis=1, keepdims=True)

        others = (self.pattern_weight, self.targets)

        def again(rows, fine):
            return push(fine, xp.astype(xp.take(overlaps, rows, axis=0), xp.float64), *others)

        return self.tables.decided(*push(self.tables, overlaps, *others), again)


class DenseLandscape:
    """The landscape E(s) = -Σ_μ F(ξ^μ·s), by differences of energy.

    Parameters
    ----------
    patterns : array of shape (n_patterns, n_units)
        Entries in {-1, +1}; 0 takes no part.
    interaction : object
        The energy function F.
    pattern_weight : array of shape (n_patterns,), default=None
        Factor of each pattern's F; None for 1.

    Notes
    -----
    A field counts as 0, a tie, when it is within the rounding of the sum that makes it; sums of whole numbers have no
    rounding.

    References
    ----------
    Krotov and Hopfield (2016), Dense Associative Memory for Pattern Recognition, arXiv:1606.01164, eqs. (2), (4).

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.core.interactions import Polynomial
    >>> landscape = DenseLandscape(np.asarray([[1.0, 1.0, -1.0]]), Polynomial(3))
    >>> landscape.energy(np.asarray([[1.0, 1.0, -1.0], [1.0, 1.0, 1.0]]))
    array([-27.,  -1.])
    >>> landscape(np.asarray([[1.0, 1.0, 1.0]]))
    array([[  1.,   1., -13.]])
    """

    tolerance = 0.0  # what is rounding has become 0 already

    def __init__(self, patterns, interaction, pattern_weight=None):
        xp = arrays.namespace(patterns)
        self.patterns, self.pattern_weight = patterns, _weights_for(patterns, pattern_weight)
        self.tables = DifferenceTables(interaction, patterns.shape[1], self.pattern_weight, patterns)
        self._weightless = pattern_weight is None
        self.complete = bool(xp.all(patterns != 0))

    def overlaps(self, states):
        """Overlaps of shape (n_samples, n_patterns); one matrix product."""
        return states @ arrays.namespace(states).matrix_transpose(self.patterns)

    def energy(self, states):
        """Energy of shape (n_samples,); its logarithm -ln Σ F where F itself overflows."""
        xp = arrays.namespace(states)
        lookup = self.tables.rows(self.overlaps(states))
        total = xp.sum(self.weighted(lookup("energy")), axis=1)
        if not self.tables.scaled:
            return -total
        size = xp.maximum(xp.abs(total), xp.asarray(xp.finfo(total.dtype).smallest_normal, dtype=total.dtype))
        return -xp.sign(total) * (xp.log(size) + lookup.log_factor[:, 0])

    def __call__(self, states):
        """Fields of shape (n_samples, n_units); two matrix products. Up to a factor for each row where F overflows."""
        return self.fields(self.overlaps(states), states, self.patterns)

    def fields(self, overlaps, states, patterns):
        """Fields of some units.

        Parameters
        ----------
        overlaps : array of shape (n_samples, n_patterns)
            Of the whole states.
        states : array of shape (n_samples, n_some)
            Of the units asked for, in {-1, 0, +1}.
        patterns : array of shape (n_patterns, n_some)
            Columns of these units.

        Returns
        -------
        fields : array of shape (n_samples, n_some)
        """
        xp = arrays.namespace(states)

        def again(rows, fine):
            some = (xp.astype(xp.take(part, rows, axis=0), xp.float64) for part in (overlaps, states))
            return self._push(fine, *some, xp.astype(patterns, xp.float64))

        return self.tables.decided(*self._push(self.tables, overlaps, states, patterns), again)

    def _push(self, tables, overlaps, states, patterns):
        """Fields, and the sum of the sizes of their terms."""
        xp = arrays.namespace(states)
        lookup = tables.rows(overlaps)
        rise, bend = self.weighted(lookup("mean_rise")), self.weighted(lookup("bend"))
        # A unit's own part of the overlap is taken out: F(o - ξσ + ξ) - F(o - ξσ - ξ) = ξ rise(o) - σ ξ² bend(o).
        own = xp.sum(bend, axis=1, keepdims=True) if self.complete else bend @ (patterns * patterns)
        push = rise @ patterns - states * own
        unknown = states == 0
        if bool(xp.any(unknown)):
            push = xp.where(unknown, self.weighted(lookup("rise")) @ patterns, push)
        return 0.5 * push, xp.sum(xp.abs(rise) + xp.abs(bend), axis=1, keepdims=True)

    def weighted(self, entries):
        """Entries for each pattern times its weight."""
        if self._weightless:
            return entries
        return entries * arrays.namespace(entries).astype(self.pattern_weight, entries.dtype, copy=False)

    def cursor(self, order):
        """A `DenseCursor` that visits the units in the given order.

        Parameters
        ----------
        order : int array of shape (n_units,)
            Permutation of the units.

        Returns
        -------
        cursor : DenseCursor
        """
        return DenseCursor(self, order)

    def walker(self, states):
        """A `DenseWalker`: fields while single units move, another one for each sample.

        Parameters
        ----------
        states : array of shape (n_samples, n_units)
            Start.

        Returns
        -------
        walker : DenseWalker
        """
        return DenseWalker(self, states)


class DenseCursor:
    """Visits the units of a `DenseLandscape` one after another, in one order, for whole batches at once.

    Blocked and exact. The fields of a block of units come from one matrix product. In each sample the first unit of the
    block that wants to move does; then the fields of that sample are computed anew. So a block costs one product, and
    one for each of its moves, over the samples that still move.

    Parameters
    ----------
    landscape : DenseLandscape
        What units follow.
    order : int array of shape (n_units,)
        Permutation of the units.
    """

    axis = 0
    """Along which samples lie in what `enter` returns."""

    def __init__(self, landscape, order):
        xp = arrays.namespace(order)
        self._landscape, self._order, self._back = landscape, order, xp.argsort(order)
        self._columns = xp.take(landscape.patterns, order, axis=1)
        self._rows = arrays.copy(xp.matrix_transpose(self._columns))

    def enter(self, rows):
        """An array of shape (n_samples, n_units) as `sweep` wants it: in visiting order."""
        return arrays.namespace(rows).take(rows, self._order, axis=1)

    def leave(self, rows):
        """What `enter` got, from what it returned."""
        return arrays.namespace(rows).take(rows, self._back, axis=1)

    def sweep(self, states, *, threshold=sign, clamped=None, noise=None):
        """Visit every unit once.

        Parameters
        ----------
        states : array of shape (n_samples, n_units)
            As `enter` returns them. Not changed.
        threshold : callable, default=sign
            ``(field, states, tolerance, *, xp) -> states``.
        clamped : bool array of shape (n_samples, n_units), default=None
            Units held fixed.
        noise : array of shape (n_samples, n_units), default=None
            Added to the fields.

        Returns
        -------
        states : array of shape (n_samples, n_units)
            After the sweep.
        """
        xp, (n_samples, n_units) = arrays.namespace(states), states.shape

        def visit(samples):
            own = (None if values is None else values[samples, :] for values in (clamped, noise))
            return self._visit(states[samples, :], threshold, *own)

        # At least the overlaps, and the fields of all units, from products with the patterns.
        work = 2 * self._rows.shape[1] * n_units * n_samples
        return xp.concat(in_shares(visit, n_samples, work, xp), axis=0)

    def _visit(self, states, threshold, clamped, noise):
        """States of some samples after every unit was visited once."""
        xp = arrays.namespace(states)
        overlaps = states @ self._rows
        settled = []
        for start in range(0, states.shape[1], _BLOCK):
            units = slice(start, min(start + _BLOCK, states.shape[1]))
            own = (None if clamped is None else clamped[:, units], None if noise is None else noise[:, units])
            overlaps, block = self._settle(overlaps, states[:, units], units, threshold, *own)
            settled.append(block)
        return xp.concat(settled, axis=1)

    def _settle(self, overlaps, states, units, threshold, clamped, noise):
        """(overlaps, states) after the units of a block have been visited."""
        xp = arrays.namespace(states)
        place = {"device": arrays.device(states)}
        columns, visits = self._columns[:, units], xp.arange(states.shape[1], **place)
        samples, next_visit = xp.arange(states.shape[0], **place), xp.zeros(states.shape[0], dtype=xp.int64, **place)
        done = []
        while samples.shape[0]:
            # A move changes every overlap, so every field of its sample: only the first move of a round is made, and
            # units that were visited before it are not asked again in this sweep.
            fields = self._landscape.fields(overlaps, states, columns)
            new = threshold(fields if noise is None else fields + noise, states, 0.0, xp=xp)
            moves = (new != states) & (visits[None, :] >= next_visit[:, None])
            if clamped is not None:
                moves = moves & ~clamped
            going = xp.any(moves, axis=1)
            first = xp.argmax(xp.astype(moves, xp.int64), axis=1)
            stay, go = xp.nonzero(~going)[0], xp.nonzero(going)[0]
            done.append([xp.take(part, stay, axis=0) for part in (samples, overlaps, states)])
            rest = (samples, overlaps, states, first, new, clamped, noise)
            samples, overlaps, states, first, new, clamped, noise = (
                None if part is None else xp.take(part, go, axis=0) for part in rest
            )
            moved = xp.where(visits[None, :] == first[:, None], new, states)
            change = xp.sum(moved - states, axis=1, keepdims=True)
            # One unit changed: its row of the patterns, and not a product over all units, updates the overlaps.
            overlaps = overlaps + change * xp.take(self._rows, first + units.start, axis=0)
            states, next_visit = moved, first + 1
        if len(done) == 1:
            return done[0][1:]
        samples, overlaps, states = (xp.concat(parts, axis=0) for parts in zip(*done, strict=True))
        back = xp.argsort(samples)
        return xp.take(overlaps, back, axis=0), xp.take(states, back, axis=0)


class DenseWalker:
    """Fields of a `DenseLandscape` while single units move, another one for each sample.

    Parameters
    ----------
    landscape : DenseLandscape
        What units follow.
    states : array of shape (n_samples, n_units)
        Start.
    """

    def __init__(self, landscape, states):
        xp = arrays.namespace(states)
        self._xp, self._landscape = xp, landscape
        self._overlaps = landscape.overlaps(states)
        self._rows = xp.matrix_transpose(landscape.patterns)

    def field(self, units, states):
        """Fields (n_samples,) of one unit of each sample, which is in `states` (n_samples,)."""
        xp, tables = self._xp, self._landscape.tables
        bits = xp.take(self._rows, units, axis=0)
        overlaps = self._overlaps - bits * states[:, None]

        def push(tables, overlaps, bits):
            terms = bits * self._landscape.weighted(tables.rows(overlaps)("rise"))
            return 0.5 * xp.sum(terms, axis=1, keepdims=True), xp.sum(xp.abs(terms), axis=1, keepdims=True)

        def again(rows, fine):
            return push(fine, *(xp.astype(xp.take(part, rows, axis=0), xp.float64) for part in (overlaps, bits)))

        return tables.decided(*push(tables, overlaps, bits), again)[:, 0]

    def tolerance(self, units):
        """Fields have no rounding left: 0.0."""
        return 0.0

    def move(self, units, change):
        """Take in that the states of `units` (n_samples,) changed by `change` (n_samples,)."""
        self._overlaps = self._overlaps + change[:, None] * self._xp.take(self._rows, units, axis=0)


def _weights_for(patterns, pattern_weight):
    if pattern_weight is not None:
        return pattern_weight
    return arrays.namespace(patterns).ones(patterns.shape[0], dtype=patterns.dtype, device=arrays.device(patterns))

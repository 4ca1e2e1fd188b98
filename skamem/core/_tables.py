"""Tables of an energy function and its differences, for whole overlaps of two-valued patterns.

Overlaps of two-valued patterns are whole numbers, so F and its differences are tables. A table entry is kept as a size
and the logarithm of a scale: sums over patterns are safe where F itself overflows, as exp(1000) does.
"""

import math

from skamem.core import arrays

__all__ = ["DifferenceTables"]

_ROUNDING = 8.0  # of a sum, in units of eps times the sum of the sizes of its terms


class DifferenceTables:
    """F(o), and the differences of F that fields are made of, for every whole overlap o.

    Parameters
    ----------
    interaction : object
        With `energy`, and `peak` and `factor_out` where it may overflow; see `skamem.core.interactions`.
    n_units : int
        Overlaps lie in [-n_units, n_units].
    pattern_weight : array of shape (n_patterns,)
        Factors of the terms that will be summed: they decide whether sums are exact, and whether they overflow.
    like : array of shape (n, m)
        An array of the type and the place where tables are wanted.

    Attributes
    ----------
    exact : bool
        Whether all sums are sums of whole numbers that the floating type holds.
    scaled : bool
        Whether entries are given up to a factor for each row of overlaps: fields then have the right sign only.
    """

    def __init__(self, interaction, n_units, pattern_weight, like):
        xp = self._xp = arrays.namespace(like)
        self._n_units = n_units
        self._made_of, self._fine = (interaction, n_units, pattern_weight, like[:1, :1]), None
        sizes, logs = _log_energies(interaction, n_units + 2, like)
        info = xp.finfo(like.dtype)
        magnitudes = logs + xp.log(xp.abs(xp.where(sizes == 0, 1.0, sizes)))
        # Logarithm of what no sum over patterns exceeds.
        most = float(xp.max(xp.where(sizes == 0, -math.inf, magnitudes)))
        most += math.log(4 * max(float(xp.sum(pattern_weight)), 1.0))
        # Decided for the type of the result: what float64 still holds may be far beyond float32.
        self.scaled = most >= math.log(float(info.max))
        whole = not self.scaled and _are_whole(pattern_weight) and _are_whole(sizes * xp.exp(logs))
        self.exact = whole and most < -math.log(float(info.eps))
        if self.scaled:
            # All of an entry's size goes to its logarithm; zeros get the smallest, so that differences are finite.
            least = xp.min(xp.where(sizes == 0, math.inf, magnitudes))
            sizes, logs = xp.sign(sizes), xp.where(sizes == 0, least, magnitudes)
        # F(o - 2), ..., F(o + 2), over the largest scale among them.
        windows = [slice(shift, shift + 2 * n_units + 1) for shift in range(5)]
        scale = xp.max(xp.stack([logs[window] for window in windows]), axis=0)
        below2, below, here, above, above2 = (sizes[window] * xp.exp(logs[window] - scale) for window in windows)
        entries = {
            "energy": here,
            "rise": above - below,
            "mean_rise": (above2 - below2) / 2,
            "bend": (above2 - 2 * here + below2) / 2,
        }
        if not self.scaled:
            entries = {name: entry * xp.exp(scale) for name, entry in entries.items()}
        self._scale = scale if self.scaled else None
        self._entries = {name: xp.astype(entry, like.dtype) for name, entry in entries.items()}

    def rows(self, overlaps):
        """A `_Lookup` for overlaps (n_samples, n_patterns), each a whole number."""
        xp = self._xp
        return _Lookup(self, xp.reshape(xp.astype(overlaps, xp.int64) + self._n_units, (-1,)), overlaps.shape)

    def decided(self, push, noise, again):
        """Fields that say which way, or 0 where neither this type nor float64 can tell.

        Parameters
        ----------
        push : array of shape (n_samples, n_some)
            Fields.
        noise : array of shape (n_samples, 1)
            What their rounding is at most, in units of eps; see `_ROUNDING`.
        again : callable
            ``(rows, tables) -> (push, noise)``: the same for some samples, with tables in float64.

        Returns
        -------
        push : array of shape (n_samples, n_some)
        """
        if self.exact:
            return push
        xp, dtype = self._xp, push.dtype
        doubtful = xp.abs(push) <= _ROUNDING * xp.finfo(dtype).eps * noise
        if dtype == xp.float64:
            return xp.where(doubtful, 0.0, push)
        # The few samples with a field within the rounding of float32 are computed in float64, so that both types recall
        # the same: with steep energies the terms of a sum are of very many sizes, and small ones may decide.
        rows = xp.nonzero(xp.any(doubtful, axis=1))[0]
        if not rows.shape[0]:
            return push
        fine = self._in_float64()
        better = fine.decided(*again(rows, fine), None)
        # Only their signs are compared: in size they may be beyond this type.
        size = arrays.clip(xp.abs(better), min=float(xp.finfo(dtype).smallest_normal), max=float(xp.finfo(dtype).max))
        better = xp.astype(xp.sign(better) * size, dtype)
        everyone = xp.arange(push.shape[0], device=arrays.device(push))
        place = arrays.clip(xp.searchsorted(rows, everyone), max=rows.shape[0] - 1)
        return xp.where(doubtful, xp.take(better, place, axis=0), push)

    def _in_float64(self):
        if self._fine is None:
            double = self._xp.float64
            weight, like = (self._xp.astype(array, double) for array in self._made_of[2:])
            self._fine = DifferenceTables(*self._made_of[:2], weight, like)
        return self._fine


class _Lookup:
    """Table entries at some overlaps."""

    def __init__(self, tables, index, shape):
        self._tables, self._index, self._shape = tables, index, shape
        self._factor, self.log_factor = None, 0.0
        if tables.scaled:
            xp, dtype = tables._xp, tables._entries["rise"].dtype
            scale = self._take(tables._scale)  # float64: its rounding would be that of F
            largest = xp.max(scale, axis=1, keepdims=True)
            self.log_factor = xp.astype(largest, dtype)
            self._factor = xp.astype(xp.exp(scale - largest), dtype)

    def _take(self, entry):
        xp = self._tables._xp
        return xp.reshape(xp.take(entry, self._index), self._shape)

    def __call__(self, name):
        entry = self._take(self._tables._entries[name])
        return entry if self._factor is None else entry * self._factor


def _are_whole(values):
    xp = arrays.namespace(values)
    return bool(xp.all(values == xp.round(values)))


def _log_energies(interaction, reach, like):
    """(sizes, logs) in float64 with F(o) = size exp(log), for o = -reach, ..., reach."""
    xp = arrays.namespace(like)
    overlaps = xp.arange(-reach, reach + 1, dtype=xp.float64, device=arrays.device(like))[:, None]
    with arrays.overflow_expected():
        energy = interaction.energy(overlaps)
    if bool(xp.all(xp.isfinite(energy))):
        return energy[:, 0], xp.zeros_like(energy[:, 0])
    if not all(hasattr(interaction, name) for name in ("peak", "factor_out")):
        raise ValueError(
            f"{interaction!r} overflows at overlaps of {reach} units; expected finite energies, or an interaction with "
            "`peak` and `factor_out` (see skamem.core.interactions)."
        )
    reduced, log_factor, _ = interaction.factor_out(overlaps, interaction.peak(overlaps))
    return interaction.energy(reduced)[:, 0], log_factor[:, 0]

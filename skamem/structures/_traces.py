"""Traces: sums of bound pairs, what is added to them and how they are read."""

from dataclasses import dataclass, replace
from typing import Any

from skamem.core import arrays
from skamem.core.binding import bind, superpose, unbind

__all__ = ["Traces"]

_CLEAR = 1.5  # in units of its noise: from there on a sum of weights is told from none


@dataclass(frozen=True)
class Traces:
    """What a holographic memory holds.

    Parameters
    ----------
    algebra : Algebra
        How pairs are bound.
    sums : array of shape (n_traces, n_units)
        Sums of bound pairs.
    key_sums : array of shape (n_traces, n_units) or None
        Sums of their keys, where what is read are means of values.
    mixing : Mixing or None
        What puts values into the length of a trace; None for values that have it.
    """

    algebra: Any
    sums: Any
    key_sums: Any
    mixing: Any

    def with_pairs(self, space, keys, values, weights):
        """The traces with pairs added, each as often as its weight says."""
        xp = arrays.namespace(keys)
        parts = list(space.sorted(keys, self._mixed(values), weights))
        sums = self.sums + xp.stack([superpose(k, v, self.algebra, weights=w) for k, v, w in parts])
        if self.key_sums is None:
            return replace(self, sums=sums)
        key_sums = self.key_sums + xp.stack([xp.sum(k * w[:, None], axis=0) for k, _, w in parts])
        return replace(self, sums=sums, key_sums=key_sums)

    def reader(self, space, mean=None):
        """The function ``keys (n_rows, n_units) -> read (n_rows, n_outputs)``.

        With the `mean` of all values what is read is an average of values, each weighted by the inner product of its
        key with that read with; else it is the value of the key, of its size.
        """
        xp, sums = arrays.namespace(self.sums), self.sums
        if mean is not None:
            # Deviations from the mean value: its own part of the trace is known, and would be noise.
            sums = sums - bind(self.key_sums, self._mixed(mean), algebra=self.algebra)
            noise = self._noise(space.n_inputs)

        def read(keys):
            where = space.places(keys)
            size = xp.max(xp.abs(keys), axis=1, keepdims=True)
            size = xp.where(size > 0, size, xp.ones_like(size))
            keys = keys / size  # what is squared below is neither too large nor too small
            found = self._unmixed(unbind(_rows(sums, where), keys, self.algebra))
            power = self.algebra.power(keys)
            weight = power * size
            if mean is not None:
                # Where all keys are far the sum of weights is next to 0, of either sign, and what was read is noise of
                # the same kind: divided by no less than a few times its size, it leaves the mean value. That counts as
                # one near key at least.
                least = _CLEAR * xp.sqrt(power) * _rows(noise, where)
                weight = xp.maximum(xp.maximum(weight, least), self._nearness(_rows(self.key_sums, where), keys))
            found = found / xp.where(weight > 0, weight, xp.ones_like(weight))
            return found if mean is None else mean + found

        return read

    def _nearness(self, sums, keys):
        """Sums of the inner products of stored keys with others, in units in which those of unitary ones are 1."""
        xp = arrays.namespace(keys)
        products = xp.real(sums * xp.conj(keys)) if self.algebra.is_complex else sums * keys
        return self.algebra.scale(keys.shape[1]) * xp.sum(products, axis=1, keepdims=True)

    def _noise(self, n_inputs):
        """Of the nearness of a unitary key that is far from all stored ones: standard deviation (n_traces, 1).

        The inner product of a vector with a random one of n units is its length over sqrt(n); features that came in
        fewer units make noise of their own number.
        """
        xp = arrays.namespace(self.key_sums)
        largest = xp.max(xp.abs(self.key_sums), axis=1, keepdims=True)
        largest = xp.where(largest > 0, largest, xp.ones_like(largest))
        power = self.algebra.power(self.key_sums / largest)
        return largest * xp.sqrt(power / min(n_inputs, self.sums.shape[1]))

    def _mixed(self, values):
        return values if self.mixing is None else self.mixing(values)

    def _unmixed(self, found):
        if self.mixing is not None:
            return self.mixing.back(found)
        return arrays.namespace(found).real(found) if self.algebra.is_complex else found


def _rows(sums, where):
    """The trace of each row; one for all where there is one only."""
    return sums[0, :] if where is None else arrays.namespace(sums).take(sums, where, axis=0)

"""Maps of nodes: combinations of products of functions of one variable each."""

import functools
import itertools

import numpy as np

from skamem.core import arrays

__all__ = ["EDGE", "MOMENT", "NodeMap", "row_products", "spread_of"]

EDGE = 1.6
"""Where the range of a node's output ends, in units of the root of its mean power `MOMENT`."""

MOMENT = 8
"""A high power: an output of bounded density then nearly fills its range, one of long tails leaves it seldom."""

_LEAST_POWER = 1e-24  # a row of next to no weight far from all others must not make the scale vanish
_SMALL = 1e-2  # what the size of a map is penalised, beside its roughness


def row_products(parts):
    """All products of one column of each part, row by row: (n_rows, product of the columns)."""
    xp, found = arrays.namespace(*parts), parts[0]
    for part in parts[1:]:
        found = xp.reshape(found[:, :, None] * part[:, None, :], (found.shape[0], found.shape[1] * part.shape[1]))
    return found


def spread_of(values, share, rounding=0.0):
    """(mean, scale) of a node's output, the scale of its eighth moment; 0 where it is constant up to `rounding`."""
    xp = arrays.namespace(values)
    mean = share @ values
    away = xp.abs(values - mean)
    peak = float(xp.max(away))
    if not peak > rounding:
        return mean, 0.0
    power = max(float(share @ (away / peak) ** MOMENT), _LEAST_POWER)
    return mean, EDGE * peak * power ** (1.0 / MOMENT)


class NodeMap:
    """What the nodes of as many inputs have in common: which products there are, and their penalty.

    Parameters
    ----------
    basis : object
        See `skamem.supervised.compositional._bases`.
    n_inputs : int
        Of the node.
    place : Placement
        Where to compute.
    dtype : dtype
        Floating type.
    """

    def __init__(self, basis, n_inputs, place, dtype):
        self.basis, self.n_inputs = basis, n_inputs
        self._place, self._dtype = place, dtype
        size, m = basis.n_functions, n_inputs
        self._shape = (size, size ** (m - 1))
        self._terms = np.arange(size**m)
        if basis.total_degree is not None:
            degrees = np.asarray([sum(d) for d in itertools.product(range(size), repeat=m)])
            self._terms = np.flatnonzero(degrees <= basis.total_degree)
        self.n_terms = len(self._terms)
        self._all = self.n_terms == size**m

    # Made when they are asked for: predictions of products that are all there need none of them where they compute.

    @functools.cached_property
    def _kept(self):
        return self._place.asarray(self._terms)

    @functools.cached_property
    def scatter(self):
        """Coefficients of all products from those of the terms, a matrix; None where all products are terms."""
        size = self._shape[0] * self._shape[1]
        return None if self._all else self._place.asarray(np.eye(size)[:, self._terms], self._dtype)

    @functools.cached_property
    def one(self):
        """Coefficients of the constant 1."""
        return self._place.asarray(self._constant(), self._dtype)

    @functools.cached_property
    def penalty(self):
        """Quadratic form of the coefficients, (n_terms, n_terms): roughness, and a little of the size."""
        basis, m = self.basis, self.n_inputs
        penalty = sum(
            self._kron([basis.roughness if k == i else basis.size for k in range(m)]) for i in range(m)
        ) + _SMALL * self._kron([basis.size] * m)
        one = self._constant()
        free = np.eye(self.n_terms) - np.outer(one, one) / (one @ one)  # constants are not penalised
        return self._place.asarray(free @ penalty[np.ix_(self._terms, self._terms)] @ free, self._dtype)

    def _constant(self):
        return self._kron([self.basis.one] * self.n_inputs)[self._terms]

    @staticmethod
    def _kron(parts):
        found = parts[0]
        for part in parts[1:]:
            found = np.kron(found, part)
        return found

    def terms(self, bases):
        """Products of the inputs' functions, (n_rows, n_terms); `bases` has (values, slopes) of each input."""
        products = row_products([values for values, _ in bases])
        return products if self._all else arrays.namespace(products).take(products, self._kept, axis=1)

    def _table(self, coef):
        xp = arrays.namespace(coef)
        return xp.reshape(coef if self._all else self.scatter @ coef, self._shape)

    def output(self, coef, bases):
        """The map with coefficients (n_terms,) at the rows."""
        xp, table = arrays.namespace(coef), self._table(coef)
        first = bases[0][0]
        if self.n_inputs == 1:
            return first @ table[:, 0]
        return xp.sum((first @ table) * row_products([values for values, _ in bases[1:]]), axis=1)

    def slopes(self, coef, bases):
        """Slopes of the map along each input, at the rows."""
        xp, table = arrays.namespace(coef), self._table(coef)
        (first, steep), rest = bases[0], bases[1:]
        if not rest:
            return [steep @ table[:, 0]]
        found = [xp.sum((steep @ table) * row_products([values for values, _ in rest]), axis=1)]
        along = first @ table
        for k in range(len(rest)):
            parts = [slopes if i == k else values for i, (values, slopes) in enumerate(rest)]
            found.append(xp.sum(along * row_products(parts), axis=1))
        return found

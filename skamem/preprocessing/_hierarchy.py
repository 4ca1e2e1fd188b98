"""Codebooks of parts, and above them books of tuples of codes, as a value: it codes rows and decodes codes."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from skamem.core import arrays
from skamem.core.rows import rows_in_cache

__all__ = ["Hierarchy", "largest_codes", "len_of", "whole_codes"]

# Of work arrays of a block: look-ups run at a third of the speed once they leave the cache, or memory is fetched anew
# for each. Few rows are bound by Python calls instead.
_CACHE_BYTES, _FEWEST_ROWS = 2**22, 256
# Distances closer than this, in units of rounding, tie: a row must get the same code in a batch and alone.
_TIE = 16.0


@dataclass(frozen=True)
class Hierarchy:
    """What a hierarchical quantiser knows.

    Parameters
    ----------
    parts : list of int ndarray
        Columns of each part; every column is in one.
    codebooks : list of arrays of shape (n_codes, n_columns)
        Of each part: the values that its codes stand for.
    nodes : list of lists of int ndarray
        For each level above the parts: which of the codes below each of its codes stands for.
    tables : list of lists of int arrays of shape (n_codes, n_below)
        For each of these nodes: the codes below that each of its codes stands for.
    places : dict, default=None
        What `places_of` gives, where the codebooks are.
    offset : array of shape (n_features,), default=None
        What to take off rows before they are compared, over `scale` and in the order of the parts; None for nothing.
    scale : float, default=1.0
        What to divide rows by first. The codebooks are those of rows over `scale`, less `offset`.
    """

    parts: list
    codebooks: list
    nodes: Any = ()
    tables: Any = ()
    places: Any = None
    offset: Any = None
    scale: float = 1.0

    @staticmethod
    def places_of(parts, nodes):
        """Where columns and codes go: index arrays on the host, the same for every row.

        Parameters
        ----------
        parts, nodes : list
            As above.

        Returns
        -------
        places : dict
            "cut": columns in the order of the parts; "joined": the way back; both None where that is the order of the
            columns. 0, 1, ...: for each level above the parts the way back to the order of the codes below.
        """
        cut = np.concatenate(parts)
        back = {level: np.argsort(np.concatenate(groups)) for level, groups in enumerate(nodes)}
        if np.all(np.diff(cut) == 1):
            return {"cut": None, "joined": None, **back}
        return {"cut": cut, "joined": np.argsort(cut), **back}

    @property
    def n_codes(self):
        """Number of codes of each node of the last level."""
        return [len_of(book) for book in (self.tables[-1] if self.tables else self.codebooks)]

    @cached_property
    def columns(self):
        """Columns of each node, ascending, for each level."""
        levels = [list(self.parts)]
        for level in self.nodes:
            levels.append([np.sort(np.concatenate([levels[-1][child] for child in node])) for node in level])
        return levels

    @cached_property
    def _places(self):
        return self.places_of(self.parts, self.nodes) if self.places is None else self.places

    @cached_property
    def _products(self):
        """What distances are made of: books times -2, squares of their rows, and bounds of the rounding of both.

        |x . c| <= sum |x| max |c| bounds the products of a part: a column of maxima for each node of the last level.
        """
        xp = arrays.namespace(*self.codebooks)
        squares = [xp.sum(book * book, axis=1)[:, None] for book in self.codebooks]
        above = list(range(len(self.parts)))
        for level in self.nodes:
            owners = {child: node for node, children in enumerate(level) for child in children.tolist()}
            above = [owners[place] for place in above]
        rows = xp.eye(len(self.n_codes), dtype=squares[0].dtype, device=arrays.device(squares[0]))
        largest, bounds = xp.zeros_like(rows[0, :]), []
        for columns, book, square, node in zip(self.parts, self.codebooks, squares, above, strict=True):
            largest = largest + rows[node, :] * xp.max(square)
            bounds.append(xp.broadcast_to(rows[node, :] * xp.max(xp.abs(book)), (len(columns), rows.shape[0])))
        return [-2.0 * book for book in self.codebooks], squares, xp.concat(bounds, axis=0), largest

    @property
    def row_bytes(self):
        """Bytes of work arrays that coding one row takes."""
        books = [*self.codebooks, *(table for level in self.tables for table in level)]
        return 8 * (4 * sum(map(len, self.parts)) + 3 * sum(map(len_of, books)))

    def rows_at_once(self, xp):
        """How many rows to code at once, for the processor's cache; None for no bound."""
        at_most = rows_in_cache(self.row_bytes, xp, _CACHE_BYTES)
        return None if at_most is None else max(at_most, _FEWEST_ROWS)

    def encode(self, X):
        """Codes of the last level that are nearest to rows: exactly, by look-up in the distances of the parts.

        Parameters
        ----------
        X : array of shape (n_rows, n_features)
            In the type of the codebooks.

        Returns
        -------
        codes : int array of shape (n_rows, n_nodes)
            Of codes equally near, up to rounding, the first.
        """
        xp = arrays.namespace(X)
        X, tolerances = self._cut(X)
        distances = self._part_distances(X)
        for level, tables in zip(self.nodes, self.tables, strict=True):
            distances = [
                sum_of_rows([distances[child] for child in node], table)
                for node, table in zip(level, tables, strict=True)
            ]
        codes = [_first_least(book, tolerances[:, node]) for node, book in enumerate(distances)]
        return xp.stack(codes, axis=1)

    def _cut(self, X):
        """Rows in the order of the parts and in their units; and distances that count as none, a node each."""
        xp = arrays.namespace(X)
        _, _, bounds, largest = self._products
        eps = _TIE * float(xp.finfo(X.dtype).eps)
        X = X if self._places["cut"] is None else xp.take(X, self._places["cut"], axis=1)
        if self.offset is None:
            return X, eps * (xp.abs(X) @ bounds + largest)
        with arrays.overflow_expected():
            X = X / self.scale
            X -= self.offset
            tolerances = eps * (xp.abs(X) @ bounds + largest)
        if not (arrays.host_checks_are_free(xp) and bool(xp.isfinite(xp.max(tolerances)))):
            most = float(xp.finfo(X.dtype).max) / (8 * X.shape[1])  # so that no product of a far row overflows
            X = arrays.clip(X, -most, most)
            tolerances = eps * (xp.abs(X) @ bounds + largest)
        return X, tolerances

    def _part_distances(self, X):
        """For each part the squared distances (n_codes, n_rows), less the row's own square."""
        xp = arrays.namespace(X)
        books, squares, _, _ = self._products
        distances, start = [], 0
        for book, square in zip(books, squares, strict=True):
            end = start + book.shape[1]
            product = book @ xp.matrix_transpose(X[:, start:end])
            product += square
            distances.append(product)
            start = end
        return distances

    def part_codes(self, codes):
        """Codes of the parts that codes of the last level stand for.

        Parameters
        ----------
        codes : int array of shape (n_rows, n_nodes)
            Codes of the last level.

        Returns
        -------
        codes : int array of shape (n_rows, n_parts)
        """
        xp = arrays.namespace(codes)
        for level in range(len(self.tables) - 1, -1, -1):
            below = [xp.take(table, codes[:, node], axis=0) for node, table in enumerate(self.tables[level])]
            codes = xp.take(xp.concat(below, axis=1), self._places[level], axis=1)
        return codes

    def decode(self, part_codes):
        """Rows that codes of the parts stand for.

        Parameters
        ----------
        part_codes : int array of shape (n_rows, n_parts)
            Codes of the parts.

        Returns
        -------
        X : array of shape (n_rows, n_features)
        """
        xp = arrays.namespace(part_codes)
        pieces = [xp.take(book, part_codes[:, part], axis=0) for part, book in enumerate(self.codebooks)]
        X, back = xp.concat(pieces, axis=1), self._places["joined"]
        return X if back is None else xp.take(X, back, axis=1)


def len_of(array):
    """Length of an array of any library."""
    return array.shape[0]


def sum_of_rows(books, table):
    """Sums of one row of each book, as a table picks them: (n_codes, n) from arrays (n_below, n)."""
    xp = arrays.namespace(table)
    total = xp.take(books[0], table[:, 0], axis=0)
    for place, book in enumerate(books[1:], 1):
        total += xp.take(book, table[:, place], axis=0)
    return total


def _first_least(distances, tolerance):
    """The first row in each column that is within a tolerance of the least."""
    xp = arrays.namespace(distances)
    near = distances <= xp.min(distances, axis=0) + tolerance
    return xp.argmax(xp.astype(near, xp.uint8), axis=0)


def largest_codes(X, n_codes):
    """Codes of the largest entries of rows that have one for every code of every node.

    Parameters
    ----------
    X : array of shape (n_rows, sum of n_codes)
        One-hot rows, or probabilities.
    n_codes : list of int
        Codes of each node.

    Returns
    -------
    codes : int array of shape (n_rows, n_nodes)
    """
    xp, codes, start = arrays.namespace(X), [], 0
    for n in n_codes:
        codes.append(xp.argmax(X[:, start : start + n], axis=1))
        start += n
    return xp.stack(codes, axis=1)


def whole_codes(codes, n_codes):
    """Codes as whole numbers.

    Parameters
    ----------
    codes : array of shape (n_rows, n_columns)
        Floats.
    n_codes : array of shape (n_columns,)
        How many codes there are in each column.

    Returns
    -------
    codes : int64 array of shape (n_rows, n_columns)

    Raises
    ------
    ValueError
        Unless each is the number of a code of its column.
    """
    xp = arrays.namespace(codes)
    if bool(xp.any((xp.floor(codes) != codes) | (codes < 0) | (codes >= xp.astype(n_codes, codes.dtype)))):
        raise ValueError(
            f"X has codes that there are not; expected whole numbers from 0 to below "
            f"{arrays.to_numpy(n_codes).tolist()[:10]}, column by column, as `transform` gives them with this `output`."
        )
    return xp.astype(codes, xp.int64)

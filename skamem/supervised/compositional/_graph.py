"""Graphs of compositional models: nested tuples of columns, and what they say node by node."""

from dataclasses import dataclass
from numbers import Integral

__all__ = ["MOST_INPUTS", "Graph", "balanced", "check_nesting"]

MOST_INPUTS = 3


@dataclass(frozen=True)
class Graph:
    """Nodes in the order in which they can be computed, the answer last.

    Parameters
    ----------
    inputs : tuple of tuple of (str, int)
        Of each node: ("column", j) for a column of X, or ("node", i) for the output of an earlier node.

    Examples
    --------
    >>> graph = Graph.of(((0, 1), 2))
    >>> graph.inputs
    ((('column', 0), ('column', 1)), (('node', 0), ('column', 2)))
    >>> graph.nested(["a", "b", "c"])
    (('a', 'b'), 'c')
    """

    inputs: tuple

    @classmethod
    def of(cls, nested):
        """The graph of nested tuples of column numbers; equal parts are one node."""
        inputs, known = [], {}

        def add(part):
            if not isinstance(part, tuple):
                return "column", int(part)
            if part not in known:
                found = tuple(add(child) for child in part)
                known[part] = len(inputs)
                inputs.append(found)
            return "node", known[part]

        add(nested)
        return cls(tuple(inputs))

    def __len__(self):
        return len(self.inputs)

    @property
    def columns(self):
        """Columns that occur, ascending."""
        return sorted({number for node in self.inputs for kind, number in node if kind == "column"})

    @property
    def columns_below(self):
        """Columns on which each node depends, ascending."""
        found = []
        for node in self.inputs:
            below = [found[i] if kind == "node" else [i] for kind, i in node]
            found.append(sorted({column for part in below for column in part}))
        return found

    def nested(self, labels=None):
        """Nested tuples of column numbers, or of their `labels`."""
        parts = []
        for node in self.inputs:
            parts.append(
                tuple(parts[i] if kind == "node" else i if labels is None else str(labels[i]) for kind, i in node)
            )
        return parts[-1]


def balanced(columns):
    """Nested tuples that halve a list of columns again and again.

    Parameters
    ----------
    columns : sequence of int
        At least one.

    Returns
    -------
    nested : tuple

    Examples
    --------
    >>> balanced([0, 1, 2, 3, 4])
    (((0, 1), 2), (3, 4))
    """

    def half(part):
        if len(part) == 1:
            return part[0]
        middle = (len(part) + 1) // 2
        return half(part[:middle]), half(part[middle:])

    columns = list(columns)
    return half(columns) if len(columns) > 1 else (columns[0],)


def check_nesting(graph, n_features, names):
    """A user's nested tuples with columns by number.

    Parameters
    ----------
    graph : nested tuples or lists
        Of column numbers, negative ones from the last, or names.
    n_features : int
        Columns of X.
    names : sequence of str or None
        Their names, if X has any.

    Returns
    -------
    nested : tuple
        Of numbers in [0, n_features).

    Raises
    ------
    ValueError
        For an empty node, one with more than three inputs, or a column that is not there.

    Examples
    --------
    >>> check_nesting(("a", ["c", 1]), 3, ["a", "b", "c"])
    (0, (2, 1))
    """

    def read(part):
        if isinstance(part, tuple | list):
            if not 1 <= len(part) <= MOST_INPUTS:
                raise ValueError(
                    f"graph has a node {part!r} of {len(part)} inputs; expected 1 to {MOST_INPUTS}. Nest it."
                )
            return tuple(map(read, part))
        if isinstance(part, str):
            if names is None or part not in set(names):
                known = "X has no names of columns" if names is None else f"those of X are {list(names)}"
                raise ValueError(f"graph has a column {part!r}, but {known}.")
            return [str(name) for name in names].index(part)
        is_index = isinstance(part, Integral) and not isinstance(part, bool)
        if not is_index or not -n_features <= part < n_features:
            raise ValueError(
                f"graph has a column {part!r}; expected names, or integers in [0, {n_features - 1}], or in "
                f"[{-n_features}, -1] from the last."
            )
        return int(part) % n_features

    return read(graph)

"""What a fitted composition computes, as a value."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skamem.core import arrays
from skamem.core.rows import row_blocks
from skamem.supervised.compositional._maps import NodeMap

__all__ = ["CompositionModel", "NodeGrid", "node_records"]

_MARGIN = 0.1  # of the range of the training rows, by which inputs may leave it
_MOST, _NARROW = 0.8, 0.5  # so many rows within so little of a column's range, [-1, 1]: the rest of it is nearly empty


@dataclass(frozen=True)
class NodeGrid:
    """The map of a node on a grid.

    Parameters
    ----------
    node : int
        Its number.
    names : list of str
        Of its inputs: columns, or "node i".
    grids : list of ndarray of shape (n_points,)
        Values of each input: of columns in the user's units, of nodes in units of their range.
    values : ndarray of shape (n_points,) * n_inputs
        What the node answers, the axes in the order of the inputs: in units of its range, or of y for the last node.
    """

    node: int
    names: list
    grids: list
    values: Any


def node_records(problem, state):
    """Fitted nodes: "inputs", "coef" (n_terms, n_outputs), and "low" and "high", the range of each input.

    Where a column is skewed, or has outliers, maps are free between its few large values; then the last node has
    "least" and "most" too, (n_outputs,), where its answers end: their range on the rows, and a tenth of it.
    """
    xp, records = problem.xp, []
    coefs = [coef[:, None] for coef in state.coefs] + [state.top]
    for inputs, coef in zip(problem.graph.inputs, coefs, strict=True):
        values = [problem.X[:, i] if kind == "column" else state.outputs[i] for kind, i in inputs]
        low = xp.stack([xp.min(part) for part in values])
        high = xp.stack([xp.max(part) for part in values])
        records.append({"inputs": inputs, "coef": coef, "low": low, "high": high})
    share = arrays.to_numpy(problem.share)
    if any(_is_crowded(arrays.to_numpy(problem.X[:, j]), share) for j in problem.graph.columns):
        answers = problem.targets - state.residuals
        least, most = xp.min(answers, axis=0), xp.max(answers, axis=0)
        room = _MARGIN * (most - least)
        records[-1] |= {"least": least - room, "most": most + room}
    return records


def _is_crowded(column, share):
    """Whether most rows lie in a small part of a column's range."""
    order = np.argsort(column, kind="stable")
    place = np.cumsum(share[order])
    ends = np.searchsorted(place, [0.5 - 0.5 * _MOST, 0.5 + 0.5 * _MOST])
    first, last = column[order[np.minimum(ends, len(order) - 1)]]
    return column[order[0]] < column[order[-1]] and last - first < _NARROW


@dataclass(frozen=True)
class CompositionModel:
    """Nodes, and the scales of the columns.

    Parameters
    ----------
    offset, scale : array of shape (n_features,)
        Of the columns.
    nodes : list of dict
        See `node_records`.
    basis : object
        Of the nodes' maps.
    placement : Placement
        Of the arrays.
    """

    offset: Any
    scale: Any
    nodes: list
    basis: Any
    placement: Any

    @classmethod
    def of(cls, estimator, placement):
        """The model of a fitted estimator, in the floating type to compute in."""
        dtype = placement.working_dtype
        nodes = [
            {name: part if name == "inputs" else placement.asarray(part, dtype) for name, part in node.items()}
            for node in estimator.nodes_
        ]
        offset, scale = (placement.asarray(part, dtype) for part in (estimator.offset_, estimator.scale_))
        return cls(offset, scale, nodes, estimator.basis_, placement)

    def map_of(self, number):
        """The `NodeMap` of a node."""
        node = self.nodes[number]
        return NodeMap(self.basis, len(node["inputs"]), self.placement, node["coef"].dtype)

    def answer(self, number, values):
        """Answers of a node, (n_rows, n_outputs), to values of its inputs, held near what it was fitted to."""
        xp, node, bases = self.placement.xp, self.nodes[number], []
        for k, part in enumerate(values):
            room = _MARGIN * (node["high"][k] - node["low"][k])
            bases.append(self.basis.values(arrays.clip(part, min=node["low"][k] - room, max=node["high"][k] + room)))
        this, coef = self.map_of(number), node["coef"]
        answers = xp.stack([this.output(coef[:, k], bases) for k in range(coef.shape[1])], axis=1)
        return xp.minimum(xp.maximum(answers, node["least"]), node["most"]) if "least" in node else answers

    def outputs(self, X):
        """Answers of the last node, (n_rows, n_outputs), block by block of rows."""
        row_bytes = 8 * (X.shape[1] + len(self.nodes) + 4 * self.basis.n_functions**2)
        for rows in row_blocks(X.shape[0], row_bytes):
            with arrays.overflow_expected():
                scaled = (self.placement.asarray(X[rows, :], self.offset.dtype) - self.offset) / self.scale
            found = []
            for number, node in enumerate(self.nodes):
                values = [scaled[:, i] if kind == "column" else found[i][:, 0] for kind, i in node["inputs"]]
                found.append(self.answer(number, values))
            yield found[-1]

    def grid(self, number, n_points, names):
        """The map of a node on a grid, in the model's units, as a `NodeGrid` on the host."""
        xp, node = self.placement.xp, self.nodes[number]
        lines = [
            xp.linspace(float(low), float(high), n_points, dtype=low.dtype, device=self.placement.device)
            for low, high in zip(node["low"], node["high"], strict=True)
        ]
        points = [xp.reshape(part, (-1,)) for part in xp.meshgrid(*lines, indexing="ij")]
        answers = arrays.to_numpy(self.answer(number, points))
        offset, scale = arrays.to_numpy(self.offset), arrays.to_numpy(self.scale)
        scale = np.where(np.isinf(scale), 0.0, scale)  # of a constant column, which stays at its offset
        grids = [
            arrays.to_numpy(line) * scale[i] + offset[i] if kind == "column" else arrays.to_numpy(line)
            for (kind, i), line in zip(node["inputs"], lines, strict=True)
        ]
        labels = [names[i] if kind == "column" else f"node {i}" for kind, i in node["inputs"]]
        return NodeGrid(number, labels, grids, answers.reshape((n_points,) * len(lines) + (-1,)))

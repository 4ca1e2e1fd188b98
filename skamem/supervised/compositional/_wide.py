"""A wide tree: the same graph with several channels from node to node, trained by Adam on batches of rows.

With one number from node to node the loss has many poor minima; with a few, signs and folds are no walls any more. What
a descent with noise finds is no composition of smooth maps yet, but it may be asked anywhere.
"""

import math

import numpy as np

from skamem.core import arrays
from skamem.training import Adam, batch_count, cosine_schedule, shuffled_batches

__all__ = ["WideTree", "trained"]

_CHANNELS, _UNITS = 2, 16
_EPOCHS, _BATCH, _RATE = 400, 64, 0.01


class WideTree:
    """Nodes of one hidden layer, ``tanh(inputs @ into + bias) @ out``, those of a depth and kind computed together.

    Parameters
    ----------
    graph : Graph
    n_outputs : int
        Of the last node; the others have two channels.
    place : Placement
        Where to compute.
    dtype : dtype
        Floating type.
    random_state : numpy.random.RandomState
        Draws the weights.
    """

    def __init__(self, graph, n_outputs, place, dtype, random_state):
        self.graph, self._groups, self.parameters = graph, _groups(graph), {}
        for number, nodes in enumerate(self._groups):
            n_inputs = sum(1 if kind == "column" else _CHANNELS for kind, _ in graph.inputs[nodes[0]])
            n_out = n_outputs if nodes[-1] == len(graph) - 1 else _CHANNELS
            drawn = {
                "into": random_state.standard_normal((len(nodes), n_inputs, _UNITS)) / math.sqrt(n_inputs),
                "bias": 0.5 * random_state.standard_normal((len(nodes), 1, _UNITS)),
                "out": 1.5 * random_state.standard_normal((len(nodes), _UNITS, n_out)) / math.sqrt(_UNITS),
            }
            for name, values in drawn.items():
                self.parameters[name, number] = place.asarray(values, dtype)
        self.parameters["level"] = place.asarray(np.zeros((1, n_outputs)), dtype)

    def run(self, X):
        """(answers, what `slopes` needs)."""
        xp, channels, kept = arrays.namespace(X), [None] * len(self.graph), []
        for number, nodes in enumerate(self._groups):
            inputs = xp.stack([self._inputs(node, X, channels) for node in nodes])
            hidden = xp.tanh(inputs @ self.parameters["into", number] + self.parameters["bias", number])
            out = hidden @ self.parameters["out", number]
            for place, node in enumerate(nodes):
                channels[node] = out[place, ...]
            kept.append((inputs, hidden))
        return channels[-1] + self.parameters["level"], kept

    def _inputs(self, node, X, channels):
        parts = [X[:, i : i + 1] if kind == "column" else channels[i] for kind, i in self.graph.inputs[node]]
        return arrays.namespace(X).concat(parts, axis=1)

    def slopes(self, kept, steep):
        """Gradients, by the parameters, of a loss that has the slopes `steep` by the answers."""
        xp, found, gradients = arrays.namespace(steep), [None] * len(self.graph), {}
        found[-1], gradients["level"] = steep, xp.sum(steep, axis=0)[None, :]
        for number in reversed(range(len(self._groups))):
            nodes, (inputs, hidden) = self._groups[number], kept[number]
            by_out = xp.stack([found[node] for node in nodes])
            by_sum = (by_out @ xp.matrix_transpose(self.parameters["out", number])) * (1.0 - hidden * hidden)
            gradients["out", number] = xp.matrix_transpose(hidden) @ by_out
            gradients["into", number] = xp.matrix_transpose(inputs) @ by_sum
            gradients["bias", number] = xp.sum(by_sum, axis=1, keepdims=True)
            if any(kind == "node" for kind, _ in self.graph.inputs[nodes[0]]):
                by_inputs = by_sum @ xp.matrix_transpose(self.parameters["into", number])
                for place, node in enumerate(nodes):
                    self._hand_down(node, by_inputs[place, ...], found)
        return gradients

    def _hand_down(self, node, by_inputs, found):
        first = 0
        for kind, i in self.graph.inputs[node]:
            width = 1 if kind == "column" else _CHANNELS
            if kind == "node":
                part = by_inputs[:, first : first + width]
                found[i] = part if found[i] is None else found[i] + part
            first += width


def _groups(graph):
    """Lists of nodes of equal depth and kinds of inputs, those computed first before; the last node alone."""
    depths, groups, last = [], {}, len(graph) - 1
    for number, node in enumerate(graph.inputs):
        depths.append(1 + max((depths[i] for kind, i in node if kind == "node"), default=-1))
        kinds = tuple(kind for kind, _ in node)
        groups.setdefault((depths[number], number == last, kinds), []).append(number)
    return [groups[key] for key in sorted(groups)]


def trained(problem, random_state):
    """A wide tree fitted to the rows of a problem, in single precision.

    Parameters
    ----------
    problem : Problem
    random_state : numpy.random.RandomState
        Draws the weights and the batches.

    Returns
    -------
    tree : WideTree
    """
    xp, place = problem.xp, arrays.placement_of(problem.X)
    X, targets, share = (xp.astype(part, xp.float32) for part in (problem.X, problem.targets, problem.share))
    tree = WideTree(problem.graph, targets.shape[1], place, xp.float32, random_state)
    adam, n_rows = Adam(tree.parameters, learning_rate=_RATE), X.shape[0]
    n_batches = batch_count(n_rows, _BATCH)
    for epoch in range(_EPOCHS):
        for number, batch in enumerate(shuffled_batches(n_rows, n_batches, random_state)):
            rows = place.asarray(batch)
            answers, kept = tree.run(xp.take(X, rows, axis=0))
            steep = answers - xp.take(targets, rows, axis=0)
            gradients = tree.slopes(kept, steep * xp.take(share, rows, axis=0)[:, None] * n_batches)
            adam.step(gradients, cosine_schedule(epoch * n_batches + number, _EPOCHS * n_batches))
    return tree

"""CompositionDisplay: the graph of a compositional model, each node a map of what it computes."""

from numbers import Integral

import numpy as np

from skamem.core import validation
from skamem.display._drawn import drawn_part
from skamem.display._style import BLUE

__all__ = ["CompositionDisplay"]


class CompositionDisplay:
    """A tree of heat maps: what each node makes of its inputs, columns at the bottom, the answer on top.

    A node of one input is a line; of three inputs the third is at the middle of its range.

    Parameters
    ----------
    grids : list of NodeGrid
        Maps of the nodes, the last one the answer, as `skamem.CompositionalRegressor.node_map` gives them.
    inputs : list of tuple of (str, int)
        Of each node: ("column", j) or ("node", i).
    confidence : float, default=None
        How sure the graph is, for the title; None for one that was given.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Behind the maps, with the connections and the names of the columns.
    axes_ : list of matplotlib Axes
        Of the nodes.
    figure_ : matplotlib Figure
        Their figure.

    See Also
    --------
    skamem.CompositionalRegressor : Learns such a graph.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import numpy as np
    >>> from skamem import CompositionalRegressor
    >>> from skamem.display import CompositionDisplay
    >>> X = np.random.default_rng(0).uniform(-1, 1, (200, 4))
    >>> model = CompositionalRegressor(random_state=0).fit(X, X[:, 0] * X[:, 1] + X[:, 2] * X[:, 3])
    >>> display = CompositionDisplay.from_estimator(model)
    >>> len(display.axes_)
    3
    >>> matplotlib.pyplot.close(display.figure_)
    """

    def __init__(self, grids, inputs, *, confidence=None):
        self.grids = grids
        self.inputs = inputs
        self.confidence = confidence

    @classmethod
    def from_estimator(cls, estimator, *, n_points=40, output=0, ax=None, cmap="viridis"):
        """Draw the graph of a fitted regressor.

        Parameters
        ----------
        estimator : CompositionalRegressor
            Fitted. Of a pipeline the last step, of a search the best one is drawn.
        n_points : int, default=40
            Points along each side of a map.
        output : int, default=0
            Which target's answer the last map shows, where there are several.
        ax : matplotlib Axes, default=None
            As `plot`.
        cmap : str or Colormap, default="viridis"
            As `plot`.

        Returns
        -------
        display : CompositionDisplay
            Drawn.

        Raises
        ------
        TypeError
            When the estimator has no `node_map`, or an argument is of the wrong type.
        ValueError
            For fewer than two points, or an output that is not there.
        """
        estimator = drawn_part(estimator, "node_map", missing="graph", expected="a CompositionalRegressor")
        _check_axes(ax)
        validation.check_number("n_points", n_points, kind=Integral, low=2)
        n_outputs = len(estimator.target_offset_)
        validation.check_number("output", output, kind=Integral, low=-n_outputs, high=n_outputs - 1)
        grids = [estimator.node_map(i, n_points=n_points) for i in range(len(estimator.nodes_))]
        inputs = [node["inputs"] for node in estimator.nodes_]
        last = grids[-1]
        if last.values.ndim > len(last.grids):
            grids[-1] = type(last)(last.node, last.names, last.grids, last.values[..., output])
        confidence = getattr(estimator, "graph_confidence_", None)
        return cls(grids, inputs, confidence=confidence).plot(ax=ax, cmap=cmap)

    def plot(self, *, ax=None, cmap="viridis"):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure whose size follows the graph.
        cmap : str or Colormap, default="viridis"
            Colours, from the least value of each map to its greatest.

        Returns
        -------
        display : CompositionDisplay
            Itself, with `ax_`, `axes_` and `figure_`.

        Raises
        ------
        TypeError
            When `ax` is no Axes.
        """
        _check_axes(ax)
        import matplotlib.pyplot as plt

        places, leaves, height = self._layout()
        width = max(leaves) + 1 if leaves else 1
        if ax is None:
            _, ax = plt.subplots(figsize=(max(3.0, 1.15 * width), 1.75 * height + 0.9), layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        ax.set(xlim=(-0.6, width - 0.4), ylim=(-0.4, height + 0.6))
        ax.axis("off")
        self._connect(ax, places, leaves)
        self.axes_ = [self._map(ax, place, grid, cmap) for place, grid in zip(places, self.grids, strict=True)]
        if self.confidence is not None:
            ax.set_title(f"graph learnt, confidence {self.confidence:.2f}")
        return self

    def _layout(self):
        """(x, y) of each node; columns by their x; the height of the tree."""
        places, leaves = [None] * len(self.inputs), {}

        def put(number):
            at, heights = [], [0]
            for kind, i in self.inputs[number]:
                if kind == "column":
                    at.append(len(leaves))
                    leaves[len(leaves)] = (number, i)
                else:
                    if places[i] is None:
                        put(i)
                    at.append(places[i][0])
                    heights.append(places[i][1])
            places[number] = float(np.mean(at)), max(heights) + 1

        put(len(self.inputs) - 1)
        return places, leaves, max(y for _, y in places)

    def _connect(self, ax, places, leaves):
        line = {"color": "0.6", "linewidth": 1.5, "zorder": 0}
        for number, (x, y) in enumerate(places):
            for kind, i in self.inputs[number]:
                if kind == "node":
                    ax.plot([places[i][0], x], [places[i][1], y], **line)
        for place, (number, column) in leaves.items():
            x, y = places[number]
            ax.plot([place, x], [0.1, y], **line)
            names, inputs = self.grids[number].names, self.inputs[number]
            name = names[inputs.index(("column", column))]
            ax.text(place, 0.0, name, ha="center", va="top", color=BLUE)

    @staticmethod
    def _map(ax, place, grid, cmap):
        x, y = place
        inset = ax.inset_axes([x - 0.42, y - 0.32, 0.84, 0.64], transform=ax.transData)
        values = np.asarray(grid.values)
        if values.ndim == 3:
            values = values[:, :, values.shape[2] // 2]
        if values.ndim == 1:
            inset.plot(grid.grids[0], values, color=BLUE)
        else:
            inset.imshow(values.T, origin="lower", aspect="auto", cmap=cmap)
            if np.ptp(values) > 0:
                inset.contour(values.T, levels=6, colors="white", linewidths=0.6)
        inset.set(xticks=[], yticks=[])
        return inset


def _check_axes(ax):
    if ax is not None and not hasattr(ax, "inset_axes"):
        raise TypeError(
            f"ax={ax!r} is {validation.type_of(ax)}; expected one matplotlib Axes, or None for a new figure."
        )

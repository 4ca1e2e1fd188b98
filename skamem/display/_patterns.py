"""PatternsDisplay: patterns and memories as images."""

import math

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays

__all__ = ["PatternsDisplay"]

_MOST_IMAGES = 100


class PatternsDisplay:
    """Patterns as images: cues, recalled patterns and targets side by side; memories, or filters of hidden units.

    Parameters
    ----------
    rows : dict of {str: array of shape (n_patterns, n_units)}
        One row of images for each entry, labelled by its key. A single entry fills a grid.
    image_shape : pair of int, default=None
        Height and width; None for square images.
    signed : bool, default=False
        Whether 0 is special: colours then diverge from it, symmetrically, up to the 99th percentile of the magnitudes.

    Attributes
    ----------
    ax_ : ndarray of shape (n_rows, n_columns) of matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        Its figure.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from skamem import PseudoinverseMemory
    >>> from skamem.datasets import corrupt, make_patterns
    >>> from skamem.display import PatternsDisplay
    >>> X = make_patterns(4, 64, random_state=0)
    >>> memory = PseudoinverseMemory().fit(X)
    >>> display = PatternsDisplay.from_estimator(memory, corrupt(X, "flip", 0.1, random_state=0), X)
    >>> [axis.get_ylabel() for axis in display.ax_[:, 0]]
    ['cue', 'recalled', 'stored']
    >>> matplotlib.pyplot.close(display.figure_)
    """

    def __init__(self, rows, *, image_shape=None, signed=False):
        self.rows = rows
        self.image_shape = image_shape
        self.signed = signed

    @classmethod
    def from_estimator(cls, estimator, X=None, y=None, *, image_shape=None, n_columns=10, ax=None):
        """Draw what a memory makes of cues, or, without cues, the memories themselves.

        Memories are drawn as they act on a feature in units of its spread, `memories_` times `scale_`, and so are the
        couplings of hidden units, of a deep belief network those of the first layer: red features speak for a memory or
        a hidden unit, blue ones against it.

        Parameters
        ----------
        estimator : object
            Fitted: anything whose `predict` returns patterns, or a Boltzmann machine, which reconstructs; without `X`,
            a dense memory, a restricted Boltzmann machine or a deep belief network.
        X : array-like of shape (n_patterns, n_units), default=None
            Cues; NaN is drawn grey.
        y : array-like of shape (n_patterns, n_units), default=None
            What should be recalled.
        image_shape : pair of int, default=None
            Height and width; None for square images.
        n_columns : int, default=10
            Columns of a grid of memories, of which at most 100 are drawn.
        ax : array of matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : PatternsDisplay
            Drawn.

        Raises
        ------
        NotFittedError
            When the estimator is not fitted.
        TypeError
            When the estimator has neither memories nor hidden units and there are no cues.
        """
        if X is not None:
            recall = estimator.predict if hasattr(estimator, "predict") else estimator.reconstruct
            return cls.from_predictions(X, recall(X), y, image_shape=image_shape, ax=ax)
        if hasattr(estimator, "fit"):
            check_is_fitted(estimator)
        filters = _filters(estimator)
        return cls({"": filters}, image_shape=image_shape, signed=True).plot(ax=ax, n_columns=n_columns)

    @classmethod
    def from_predictions(cls, cues, recalled, targets=None, *, image_shape=None, ax=None):
        """Draw cues, recalled patterns and, if given, targets.

        Parameters
        ----------
        cues : array-like of shape (n_patterns, n_units)
            What was shown; NaN is drawn grey.
        recalled : array-like of shape (n_patterns, n_units)
            What the memory made of it.
        targets : array-like of shape (n_patterns, n_units), default=None
            What should have been recalled.
        image_shape : pair of int, default=None
            Height and width; None for square images.
        ax : array of matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : PatternsDisplay
            Drawn.
        """
        rows = {"cue": cues, "recalled": recalled} | ({} if targets is None else {"stored": targets})
        return cls(rows, image_shape=image_shape).plot(ax=ax)

    def plot(self, *, ax=None, n_columns=10, cmap=None, colorbar=True):
        """Draw.

        Parameters
        ----------
        ax : array of matplotlib Axes, default=None
            Where to draw, one for each image, row by row; None makes a figure.
        n_columns : int, default=10
            Columns of a single entry's grid.
        cmap : str or matplotlib Colormap, default=None
            Colours; None is "RdBu_r" for signed images and "cividis" for others, which colour-blind people can read.
        colorbar : bool, default=True
            Whether to draw the scale of the colours.

        Returns
        -------
        display : PatternsDisplay
            Itself, with `ax_` and `figure_`.

        Raises
        ------
        ValueError
            When patterns are no images of the given shape, or there are too few axes.
        """
        import matplotlib.pyplot as plt

        names, images = list(self.rows), [self._images(values) for values in self.rows.values()]
        if len(images) == 1:
            grid = [images[0][start : start + n_columns] for start in range(0, len(images[0]), n_columns)]
            names = names + [""] * (len(grid) - 1)
        else:
            grid = images
        shape = len(grid), max(map(len, grid))
        if ax is None:
            # A label takes the room of an image.
            size = 0.8 * (shape[1] + 1.5), 0.8 * shape[0] + 0.2
            _, ax = plt.subplots(*shape, figsize=size, squeeze=False, layout="constrained")
        ax = np.asarray(ax, dtype=object).ravel()
        if ax.size < shape[0] * shape[1]:
            raise ValueError(f"ax has {ax.size} axes; expected {shape[0] * shape[1]}, one for each image.")
        self.ax_ = ax[: shape[0] * shape[1]].reshape(shape)
        self.figure_ = ax[0].figure
        values = np.concatenate([image.ravel() for image in images])
        values = values[np.isfinite(values)]
        low, high = self._limits(values)
        colours = plt.get_cmap(cmap or ("RdBu_r" if self.signed else "cividis")).with_extremes(bad="0.85")
        for axes, name, row in zip(self.ax_, names, grid, strict=True):
            for axis, image in zip(axes, row):  # noqa: B905  (the last row of a grid may be shorter)
                drawn = axis.imshow(image, cmap=colours, vmin=low, vmax=high, interpolation="nearest")
                axis.set(xticks=[], yticks=[])
            for axis in axes[len(row) :]:
                axis.set_axis_off()
            axes[0].set_ylabel(name, rotation=0, ha="right", va="center")
        if colorbar:
            options = {"label": "weight"} if self.signed else {}
            if np.any((values < low) | (values > high)):
                options["extend"] = "both"
            levels = np.unique(values)
            if len(levels) == 2:  # of two-valued patterns nothing lies between
                options["ticks"] = levels
            self.figure_.colorbar(drawn, ax=self.ax_, shrink=0.9, pad=0.02, **options)
        return self

    def _images(self, values):
        values = arrays.to_numpy(values) if arrays.is_array(values) else np.asarray(values)
        n_units = values.shape[1]
        shape = self.image_shape or (math.isqrt(n_units),) * 2
        if shape[0] * shape[1] != n_units:
            raise ValueError(
                f"Patterns of {n_units} units are no images of {shape[0]} x {shape[1]}; pass "
                "image_shape=(height, width)."
            )
        return values.reshape(len(values), *shape)

    def _limits(self, values):
        if not self.signed:
            return float(np.min(values, initial=np.inf)), float(np.max(values, initial=-np.inf))
        limit = float(np.percentile(np.abs(values), 99)) or 1.0
        return -limit, limit


def _filters(estimator):
    """Memories, or couplings of hidden units, as they act on features in units of their spread."""
    first = estimator.machines_[0] if hasattr(estimator, "machines_") else estimator
    if hasattr(first, "memories_") and hasattr(first, "scale_"):
        return arrays.to_numpy(first.memories_)[:_MOST_IMAGES] * arrays.to_numpy(first.scale_)
    if hasattr(first, "components_") and hasattr(first, "intercept_hidden_"):
        couplings = arrays.to_numpy(first.components_)[:_MOST_IMAGES]
        return couplings / arrays.to_numpy(first.sigma_) if hasattr(first, "sigma_") else couplings
    raise TypeError(
        f"{type(estimator).__name__} has no memories_ to draw; pass cues X, a fitted dense memory, or a fitted "
        "RestrictedBoltzmannMachine."
    )

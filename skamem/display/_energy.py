"""EnergyDisplay: energies of cues along recall."""

import numpy as np

from skamem.analysis import energy_path
from skamem.core import arrays
from skamem.display._style import BLUE, VERMILION, bare

__all__ = ["EnergyDisplay"]

_AXES = {"update": "updates of all units", "sweep": "sweeps over all units", "unit": "turns of single units",
         "prediction": "predictions"}  # fmt: skip


class EnergyDisplay:
    """Energies along recall, a line for each cue; steps on which an energy rises stand out.

    Parameters
    ----------
    path : EnergyPath
        From `skamem.analysis.energy_path`.
    levels : array-like of shape (n_levels,), default=None
        Energies to mark, such as those of the stored patterns.
    name : str, default=None
        What the memory is called, for the title.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        Its figure.
    lines_ : list of matplotlib Line2D
        One for each cue.

    See Also
    --------
    skamem.analysis.energy_path : The numbers.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from skamem import HopfieldNetwork
    >>> from skamem.datasets import corrupt, make_patterns
    >>> from skamem.display import EnergyDisplay
    >>> X = make_patterns(4, 50, random_state=0)
    >>> network = HopfieldNetwork(random_state=0).fit(X)
    >>> display = EnergyDisplay.from_estimator(network, corrupt(X, "flip", 0.3, random_state=0), X)
    >>> len(display.lines_), display.ax_.get_xlabel()
    (4, 'sweeps over all units')
    >>> matplotlib.pyplot.close(display.figure_)
    """

    def __init__(self, path, *, levels=None, name=None):
        self.path = path
        self.levels = levels
        self.name = name

    @classmethod
    def from_estimator(cls, estimator, cues, X=None, *, by="step", n_steps=None, name=None, ax=None):
        """Follow cues and draw.

        Parameters
        ----------
        estimator : object
            Fitted memory with `energy`.
        cues : array-like of shape (n_cues, n_units)
            Complete cues.
        X : array-like of shape (n_patterns, n_units), default=None
            Stored patterns, whose energies are marked.
        by : {"step", "unit"}, default="step"
            See `skamem.analysis.energy_path`.
        n_steps : int, default=None
            Likewise.
        name : str, default=None
            What the memory is called, for the title.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : EnergyDisplay
            Drawn.
        """
        path = energy_path(estimator, cues, by=by, n_steps=n_steps)
        if X is None:
            return cls(path, name=name).plot(ax=ax)
        levels = estimator.energy(X)
        return cls(path, levels=arrays.to_numpy(levels), name=name).plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : EnergyDisplay
            Itself, with `ax_`, `figure_` and `lines_`.
        """
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=(5, 3.6), layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        energies = np.asarray(self.path.energies)
        steps = np.arange(energies.shape[1])
        for level in np.unique([] if self.levels is None else self.levels):
            ax.axhline(level, color="0.6", linestyle="--", linewidth=1, zorder=0)
        crowd = {"alpha": max(0.25, min(1.0, 10 / len(energies))), "linewidth": 1.6}
        self.lines_ = [ax.plot(steps, energy, color=BLUE, **crowd)[0] for energy in energies]
        rises = self.path.rises
        for cue, step in zip(*np.nonzero(rises), strict=True):
            ax.plot(steps[step : step + 2], energies[cue, step : step + 2], color=VERMILION, linewidth=2, zorder=3)
        self._label(ax, int(np.sum(rises.any(axis=1))), len(energies))
        return self

    def _label(self, ax, n_rising, n_cues):
        found = f"{n_rising} of {n_cues} cues rise" if n_rising else "no cue rises"
        ax.set(
            xlabel=_AXES.get(self.path.step, self.path.step),
            ylabel="energy",
            title=f"{self.name}: {found}" if self.name else found.capitalize(),
        )
        ax.xaxis.get_major_locator().set_params(integer=True)
        bare(ax)
        if self.levels is not None:
            ax.plot([], [], color="0.6", linestyle="--", label="stored patterns")
        if n_rising:
            ax.plot([], [], color=VERMILION, linewidth=2, label="rising step")
        if n_rising or self.levels is not None:
            ax.legend(loc="best", framealpha=0.9)

"""BasinDisplay and BasinMapDisplay: how far from a stored pattern it is still recalled."""

import itertools
from collections.abc import Mapping

from skamem.analysis import BasinProfile, basin_map, basin_profile
from skamem.display._style import COLOURS, MARKERS, bare

__all__ = ["BasinDisplay", "BasinMapDisplay"]


class BasinDisplay:
    """Share of the states that recall their pattern, by the number of flipped units; several memories on one axis.

    Parameters
    ----------
    profiles : BasinProfile or dict of str to BasinProfile
        From `skamem.analysis.basin_profile`; a dict names them for the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        Its figure.
    lines_ : list of matplotlib Line2D
        One for each profile.

    See Also
    --------
    skamem.analysis.basin_profile : Measures profiles.
    BasinMapDisplay : One basin in two directions.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from skamem import HebbianMemory, PseudoinverseMemory
    >>> from skamem.datasets import make_patterns
    >>> from skamem.display import BasinDisplay
    >>> patterns = make_patterns(8, 100, random_state=0)
    >>> memories = {"Hebb": HebbianMemory().fit(patterns), "pseudoinverse": PseudoinverseMemory().fit(patterns)}
    >>> display = BasinDisplay.from_estimator(memories, patterns, n_probes=10, random_state=0)
    >>> display.ax_.get_xlabel()
    'units flipped'
    >>> matplotlib.pyplot.close(display.figure_)
    """

    def __init__(self, profiles):
        self.profiles = profiles

    @classmethod
    def from_estimator(cls, estimator, X, y=None, *, confidence=0.95, ax=None, **options):
        """Measure and draw.

        Parameters
        ----------
        estimator : object or dict of str to object
            Anything fitted with `predict`; a dict names several for the legend.
        X : array-like of shape (n_patterns, n_units)
            Stored patterns.
        y : array-like of shape (n_patterns,) or (n_patterns, n_outputs), default=None
            What they should recall; None for themselves.
        confidence : float in (0, 1) or None, default=0.95
            As `plot`.
        ax : matplotlib Axes, default=None
            As `plot`.
        **options
            As `skamem.analysis.basin_profile`.

        Returns
        -------
        display : BasinDisplay
            Drawn.
        """
        if isinstance(estimator, Mapping):
            profiles = {name: basin_profile(memory, X, y, **options) for name, memory in estimator.items()}
        else:
            profiles = basin_profile(estimator, X, y, **options)
        return cls(profiles).plot(confidence=confidence, ax=ax)

    @classmethod
    def from_profiles(cls, profiles, *, confidence=0.95, ax=None):
        """Draw what was measured.

        Parameters
        ----------
        profiles : BasinProfile or dict of str to BasinProfile
            A dict names them for the legend.
        confidence : float in (0, 1) or None, default=0.95
            As `plot`.
        ax : matplotlib Axes, default=None
            As `plot`.

        Returns
        -------
        display : BasinDisplay
            Drawn.
        """
        return cls(profiles).plot(confidence=confidence, ax=ax)

    def plot(self, *, confidence=0.95, ax=None):
        """Draw.

        Parameters
        ----------
        confidence : float in (0, 1) or None, default=0.95
            Coverage of the bands around the lines, Wilson's intervals at each distance; None draws no bands.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : BasinDisplay
            Itself, with `ax_`, `figure_` and `lines_`.
        """
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
        named = {None: self.profiles} if isinstance(self.profiles, BasinProfile) else self.profiles
        self.ax_, self.figure_, self.lines_ = ax, ax.figure, []
        styles = itertools.cycle(zip(COLOURS, MARKERS, strict=True))
        for (name, profile), (colour, marker) in zip(named.items(), styles, strict=False):
            (line,) = ax.plot(
                profile.distances, 100 * profile.share, color=colour, marker=marker, markersize=5, linewidth=1.8,
                label=name,
            )  # fmt: skip
            self.lines_.append(line)
            if confidence is not None:
                low, high = profile.interval(confidence)
                ax.fill_between(profile.distances, 100 * low, 100 * high, color=colour, alpha=0.25, linewidth=0)
        ax.set(xlabel="units flipped", ylabel="recalled, %", ylim=(-3, 103))
        _whole_ticks(ax.xaxis)
        bare(ax)
        if None not in named:
            ax.legend(frameon=False)
        return self


class BasinMapDisplay:
    """The basin of one pattern as a picture: share of the states that recall it, by the units flipped in two groups.

    The pattern is at the lower left. A round basin, one that depends on the number of flipped units alone, ends on a
    straight line from axis to axis.

    Parameters
    ----------
    basin : BasinMap
        From `skamem.analysis.basin_map`.
    name : str, default=None
        Title.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        Its figure.
    image_ : matplotlib QuadMesh
        The map.
    colorbar_ : matplotlib Colorbar or None
        Its scale.

    See Also
    --------
    skamem.analysis.basin_map : Measures the map.
    BasinDisplay : Basins by the number of flipped units alone.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from skamem import HebbianMemory
    >>> from skamem.datasets import make_patterns
    >>> from skamem.display import BasinMapDisplay
    >>> patterns = make_patterns(4, 40, random_state=0)
    >>> display = BasinMapDisplay.from_estimator(HebbianMemory().fit(patterns), patterns, n_probes=10, random_state=0)
    >>> display.ax_.get_ylabel()
    'flipped in first group'
    >>> matplotlib.pyplot.close(display.figure_)
    """

    def __init__(self, basin, *, name=None):
        self.basin = basin
        self.name = name

    @classmethod
    def from_estimator(cls, estimator, X, y=None, *, name=None, colorbar=True, ax=None, **options):
        """Measure and draw.

        Parameters
        ----------
        estimator : object
            Anything fitted with `predict`.
        X : array-like of shape (n_patterns, n_units)
            Stored patterns.
        y : array-like of shape (n_patterns,) or (n_patterns, n_outputs), default=None
            What they should recall; None for themselves.
        name : str, default=None
            Title.
        colorbar : bool, default=True
            As `plot`.
        ax : matplotlib Axes, default=None
            As `plot`.
        **options
            As `skamem.analysis.basin_map`.

        Returns
        -------
        display : BasinMapDisplay
            Drawn.
        """
        return cls(basin_map(estimator, X, y, **options), name=name).plot(colorbar=colorbar, ax=ax)

    def plot(self, *, colorbar=True, ax=None):
        """Draw.

        Parameters
        ----------
        colorbar : bool, default=True
            Draw the scale beside the map.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : BasinMapDisplay
            Itself, with `ax_`, `figure_`, `image_` and `colorbar_`.
        """
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=(4.4, 3.6), layout="constrained")
        rows, columns = self.basin.flips
        self.ax_, self.figure_ = ax, ax.figure
        self.image_ = ax.pcolormesh(
            columns, rows, 100 * self.basin.share, cmap="cividis", vmin=0, vmax=100, shading="nearest"
        )
        ax.set(xlabel="flipped in second group", ylabel="flipped in first group", aspect="equal", title=self.name or "")
        _whole_ticks(ax.xaxis)
        _whole_ticks(ax.yaxis)
        self.colorbar_ = self.figure_.colorbar(self.image_, ax=ax, label="recalled, %") if colorbar else None
        return self


def _whole_ticks(axis):
    """Ticks at whole numbers, unless the user placed them."""
    from matplotlib.ticker import MaxNLocator

    if isinstance(axis.get_major_locator(), MaxNLocator):
        axis.get_major_locator().set_params(integer=True)

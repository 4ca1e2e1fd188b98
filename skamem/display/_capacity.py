"""CapacityDisplay: how much memories recall of what they store, measured and predicted."""

import numpy as np

from skamem.analysis import CapacityCurve, capacity_curve
from skamem.core.validation import check_option
from skamem.display._style import COLOURS, MARKERS, bare

__all__ = ["CapacityDisplay"]

_LABELS = {
    "recalled": "patterns recalled without an error, %",
    "units_right": "units right, %",
    "bit_error": "wrong units, %",
    "overlap": "overlap with the stored pattern",
}


class CapacityDisplay:
    """Share recalled against load, for one or several memories: means and standard errors over seeds.

    Parameters
    ----------
    curves : CapacityCurve or dict of {str: CapacityCurve}
        From `skamem.analysis.capacity_curve`, by the names of the memories.
    predicted : dict of {str: float}, default=None
        Predicted numbers of patterns, by the names of the curves that they belong to: drawn as vertical lines.
    theory : dict of {str: callable}, default=None
        Functions from loads, an array, to what theory gives for the measure that is drawn: drawn as dashed lines.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        Its figure.
    lines_ : list of matplotlib ErrorbarContainer
        One for each curve.

    See Also
    --------
    skamem.analysis.capacity_curve : Measures a curve.
    skamem.analysis.capacity : Predicts numbers of patterns.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from skamem import HopfieldNetwork
    >>> from skamem.analysis import capacity
    >>> from skamem.display import CapacityDisplay
    >>> display = CapacityDisplay.from_estimator(
    ...     {"Hebb": HopfieldNetwork()}, 100, predicted={"Hebb": capacity(100, criterion="pattern")},
    ...     loads=[0.05, 0.1, 0.15], n_seeds=3, random_state=0,
    ... )  # fmt: skip
    >>> display.ax_.get_xlabel()
    'patterns stored / units'
    >>> matplotlib.pyplot.close(display.figure_)
    """

    def __init__(self, curves, *, predicted=None, theory=None):
        self.curves = curves
        self.predicted = predicted
        self.theory = theory

    @classmethod
    def from_estimator(
        cls, estimator, n_units=100, *, predicted=None, theory=None, measure="recalled", ax=None, **options
    ):
        """Measure and draw.

        Parameters
        ----------
        estimator : object or dict of {str: object}
            Memories with `fit` and `predict`, by name; a single one is called by its class.
        n_units : int, default=100
            Units of a pattern.
        predicted : dict of {str: float}, default=None
            Predicted numbers of patterns.
        theory : dict of {str: callable}, default=None
            What theory gives for a load.
        measure : {"recalled", "units_right", "bit_error", "overlap"}, default="recalled"
            As `plot`.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **options
            Of `skamem.analysis.capacity_curve`: ``loads`` or ``n_patterns``, ``n_seeds``, ``rate``, ``random_state``
            and others.

        Returns
        -------
        display : CapacityDisplay
            Drawn.
        """
        memories = estimator if isinstance(estimator, dict) else {type(estimator).__name__: estimator}
        curves = {name: capacity_curve(memory, n_units, **options) for name, memory in memories.items()}
        return cls(curves, predicted=predicted, theory=theory).plot(measure=measure, ax=ax)

    def plot(self, *, measure="recalled", ax=None):
        """Draw.

        Parameters
        ----------
        measure : {"recalled", "units_right", "bit_error", "overlap"}, default="recalled"
            See `skamem.analysis.CapacityCurve.values`.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : CapacityDisplay
            Itself, with `ax_`, `figure_` and `lines_`.

        Raises
        ------
        ValueError
            For an unknown measure, or a prediction for a curve that is not there.
        """
        import matplotlib.pyplot as plt

        check_option("measure", measure, tuple(_LABELS))
        curves = {None: self.curves} if isinstance(self.curves, CapacityCurve) else self.curves
        predicted, theory = (_for_curves(given, curves) for given in (self.predicted, self.theory))
        if ax is None:
            _, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
        self.ax_, self.figure_, self.lines_ = ax, ax.figure, []
        scale = 1 if measure == "overlap" else 100
        for index, (name, curve) in enumerate(curves.items()):
            # A second round of colours is not filled.
            colour = COLOURS[index % len(COLOURS)]
            if name in theory:
                loads = np.linspace(curve.loads[0], curve.loads[-1], 200)
                ax.plot(loads, scale * np.asarray(theory[name](loads)), "--", color=colour, linewidth=1.5)
            if name in predicted:
                ax.axvline(predicted[name] / curve.n_units, color=colour, linestyle=":", linewidth=1.8, zorder=1)
            self.lines_.append(
                ax.errorbar(
                    curve.loads, scale * curve.mean(measure), scale * curve.standard_error(measure), color=colour,
                    marker=MARKERS[index % len(MARKERS)], linestyle="none" if name in theory else "-", markersize=5,
                    markerfacecolor=colour if index < len(COLOURS) else "white", capsize=2, linewidth=1.5, label=name,
                )
            )  # fmt: skip
        self._decorate(measure, predicted, theory)
        return self

    def _decorate(self, measure, predicted, theory):
        if predicted:
            self.ax_.plot([], [], ":", color="0.3", linewidth=1.8, label="predicted capacity")
        if theory:
            self.ax_.plot([], [], "--", color="0.3", linewidth=1.5, label="theory")
        self.ax_.set(xlabel="patterns stored / units", ylabel=_LABELS[measure])
        if measure == "recalled":
            self.ax_.set_ylim(-3, 103)
        bare(self.ax_)
        if self.ax_.get_legend_handles_labels()[0]:
            self.ax_.legend(frameon=False)


def _for_curves(given, curves):
    """What is given for the curves by name; for a single curve without a name, the only entry."""
    given = dict(given or {})
    if None in curves:
        given = dict(zip(curves, given.values(), strict=False))
    strange = [name for name in given if name not in curves]
    if strange:
        raise ValueError(f"found a prediction for {strange[0]!r}; expected names of curves: {', '.join(curves)}.")
    return given

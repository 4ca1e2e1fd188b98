"""LikelihoodDisplay: how likely rows become as a machine learns."""

import itertools
from collections.abc import Mapping

import numpy as np

from skamem.analysis import LikelihoodCurve
from skamem.display._style import COLOURS, bare

__all__ = ["LikelihoodDisplay"]


class LikelihoodDisplay:
    """Log-likelihood against epochs, with a band for what is not known of ln Z; several machines on one axis.

    Parameters
    ----------
    curves : LikelihoodCurve or dict of {str: LikelihoodCurve}
        From `skamem.analysis.LikelihoodRecorder`, or what machines wrote down of themselves; a dict names them for the
        legend.
    levels : dict of {str: float}, default=None
        Values to mark, by name: a bound, or independent features.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        Its figure.
    lines_ : list of matplotlib Line2D
        One for each curve.
    bands_ : list of matplotlib artist or None
        What is not known of each curve; None where ln Z is exact.

    See Also
    --------
    skamem.analysis.LikelihoodRecorder : Records rows that are held back.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import numpy as np
    >>> from skamem import RestrictedBoltzmannMachine
    >>> from skamem.display import LikelihoodDisplay
    >>> X = np.repeat(np.eye(4), 25, axis=0)
    >>> machine = RestrictedBoltzmannMachine(4, max_iter=20, monitor="log_likelihood", random_state=0).fit(X)
    >>> display = LikelihoodDisplay.from_estimator(machine, levels={"bound": np.log(1 / 4)})
    >>> display.ax_.get_ylabel()
    'log-likelihood, nats a row'
    >>> matplotlib.pyplot.close(display.figure_)
    """

    def __init__(self, curves, *, levels=None):
        self.curves = curves
        self.levels = levels

    @classmethod
    def from_estimator(cls, estimator, *, levels=None, confidence=0.95, ax=None):
        """Draw what fitted machines wrote down of themselves.

        Parameters
        ----------
        estimator : RestrictedBoltzmannMachine or dict of {str: RestrictedBoltzmannMachine}
            Fitted with ``monitor="log_likelihood"``; a dict names several for the legend.
        levels : dict of {str: float}, default=None
            Values to mark, by name.
        confidence : float in (0, 1) or None, default=0.95
            As `plot`.
        ax : matplotlib Axes, default=None
            As `plot`.

        Returns
        -------
        display : LikelihoodDisplay
            Drawn.

        Raises
        ------
        ValueError
            For a machine that wrote down nothing, or something else.
        """
        if isinstance(estimator, Mapping):
            curves = {name: _recorded(machine) for name, machine in estimator.items()}
        else:
            curves = _recorded(estimator)
        return cls(curves, levels=levels).plot(confidence=confidence, ax=ax)

    def plot(self, *, confidence=0.95, ax=None):
        """Draw.

        Parameters
        ----------
        confidence : float in (0, 1) or None, default=0.95
            Coverage of the bands, normal intervals from the standard error of ln Z at each epoch; None draws no bands.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : LikelihoodDisplay
            Itself, with `ax_`, `figure_`, `lines_` and `bands_`.
        """
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
        self.ax_, self.figure_, self.lines_, self.bands_ = ax, ax.figure, [], []
        named = {None: self.curves} if isinstance(self.curves, LikelihoodCurve) else self.curves
        for (name, curve), colour in zip(named.items(), itertools.cycle(COLOURS), strict=False):
            self.lines_ += ax.plot(curve.epochs, curve.values, color=colour, linewidth=1.8, label=name)
            band = None
            if confidence is not None and np.any(curve.standard_error > 0):
                low, high = curve.interval(confidence)
                band = ax.fill_between(curve.epochs, low, high, color=colour, alpha=0.25, linewidth=0)
            self.bands_.append(band)
        styles = itertools.cycle(("--", ":", "-."))
        for (name, level), style in zip((self.levels or {}).items(), styles, strict=False):
            ax.axhline(level, color="0.3", linestyle=style, linewidth=1.3, zorder=0, label=name)
        ax.set(xlabel="epochs", ylabel="log-likelihood, nats a row")
        bare(ax)
        if None not in named or self.levels:
            ax.legend(frameon=False)
        return self


def _recorded(machine):
    """The `LikelihoodCurve` that a fitted machine wrote down."""
    if getattr(machine, "monitor", None) != "log_likelihood" or not getattr(machine, "monitor_curve_", None):
        raise ValueError(
            f"{type(machine).__name__} has no log-likelihoods of its epochs; fit a RestrictedBoltzmannMachine with "
            "monitor='log_likelihood', or pass the curve of a LikelihoodRecorder to LikelihoodDisplay."
        )
    values = np.asarray(machine.monitor_curve_)
    return LikelihoodCurve(np.arange(1, len(values) + 1), values, np.asarray(machine.monitor_errors_))

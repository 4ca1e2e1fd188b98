"""PruningPathDisplay: how accurate a network is as its weights go."""

import itertools
from collections.abc import Mapping

import numpy as np

from skamem.display._drawn import drawn_part
from skamem.display._style import COLOURS, MARKERS, bare

__all__ = ["PruningPathDisplay"]


class PruningPathDisplay:
    """Score against the share of the weights that is left; several prunings on one axis.

    Parameters
    ----------
    paths : Bunch or dict of {str: Bunch}
        The ``path_`` of a `MagnitudePruning`; a dict names several for the legend.
    score_name : str, default="score"
        Label of the axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        Its figure.
    lines_ : list of matplotlib Line2D
        One for each path.
    bands_ : list of matplotlib artist or None
        Standard deviation over the splits of each path; None where there was no cross-validation.
    levels_ : list of matplotlib Line2D
        The score of each whole network.

    See Also
    --------
    skamem.MagnitudePruning : Prunes.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from sklearn.datasets import load_iris
    >>> from skamem import DenseAMClassifier, MagnitudePruning
    >>> from skamem.display import PruningPathDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> pruning = MagnitudePruning(DenseAMClassifier(20, max_iter=20, random_state=0), n_rounds=3).fit(X, y)
    >>> display = PruningPathDisplay.from_estimator(pruning)
    >>> display.ax_.get_xlabel(), display.ax_.get_ylabel()
    ('weights left', 'score in training')
    >>> matplotlib.pyplot.close(display.figure_)
    """

    def __init__(self, paths, *, score_name="score"):
        self.paths = paths
        self.score_name = score_name

    @classmethod
    def from_estimator(cls, estimator, *, ax=None):
        """Draw the path of fitted prunings.

        Parameters
        ----------
        estimator : MagnitudePruning or dict of {str: MagnitudePruning}
            Fitted; a dict names several for the legend. Of pipelines the last step, of searches the best is drawn.
        ax : matplotlib Axes, default=None
            As `plot`.

        Returns
        -------
        display : PruningPathDisplay
            Drawn.

        Raises
        ------
        TypeError
            For what is no pruning.
        """
        named = estimator if isinstance(estimator, Mapping) else {None: estimator}
        said = {"missing": "path of prunings", "expected": "a MagnitudePruning, or a pipeline that ends in one"}
        paths = {name: drawn_part(pruning, "path_", **said).path_ for name, pruning in named.items()}
        tested = {"test_scores" in path for path in paths.values()}
        score_name = {(True,): "score in cross-validation", (False,): "score in training"}.get(tuple(tested), "score")
        return cls(paths if isinstance(estimator, Mapping) else paths[None], score_name=score_name).plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : PruningPathDisplay
            Itself, with `ax_`, `figure_`, `lines_`, `bands_` and `levels_`.
        """
        import matplotlib.pyplot as plt
        from matplotlib.ticker import FuncFormatter

        if ax is None:
            _, ax = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
        self.ax_, self.figure_, self.lines_, self.bands_, self.levels_ = ax, ax.figure, [], [], []
        named = {None: self.paths} if "sparsity" in self.paths else self.paths
        for (name, path), (colour, marker) in zip(named.items(), itertools.cycle(_STYLES), strict=False):
            left, score = 1.0 - np.asarray(path["sparsity"]), np.asarray(path["score"])
            self.lines_ += ax.plot(left, score, color=colour, marker=marker, markersize=4, linewidth=1.8, label=name)
            self.levels_.append(ax.axhline(score[0], color=colour, linestyle=":", linewidth=1.2, zorder=0))
            band = None
            if "std_test_score" in path:
                spread = np.asarray(path["std_test_score"])
                band = ax.fill_between(left, score - spread, score + spread, color=colour, alpha=0.2, linewidth=0)
            self.bands_.append(band)
        ax.set_xscale("log")
        if not ax.xaxis_inverted():
            ax.invert_xaxis()
        ax.xaxis.set_major_formatter(FuncFormatter(_percent))
        ax.xaxis.set_minor_formatter(FuncFormatter(_percent_of_few))
        ax.set(xlabel="weights left", ylabel=self.score_name)
        bare(ax)
        if None not in named:
            ax.legend(frameon=False)
        return self


_STYLES = tuple(zip(COLOURS, MARKERS, strict=True))


def _percent(share, position=None):
    return f"{100 * share:.3g} %"


def _percent_of_few(share, position=None):
    """Labels of 2 and 5 times a power of ten only: others would touch."""
    return _percent(share) if f"{share:e}"[0] in "25" and f"{share:.6e}"[2:8] == "000000" else ""

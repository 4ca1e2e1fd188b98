"""PrototypeDisplay: the two histograms of Krotov and Hopfield's Figure 3."""

import numpy as np

from skamem.analysis import decisive_memories, votes_per_memory
from skamem.display._style import BLUE, ORANGE, bare

__all__ = ["PrototypeDisplay"]

_MOST_BARS = 10


class PrototypeDisplay:
    """Features or prototypes? Histograms of how many classes a memory votes for, and how many memories decide.

    For prototypes both pile up at one: a memory stands for one class, and one memory decides about a sample. Features
    share.

    Parameters
    ----------
    votes : MemoryVotes
        From `skamem.analysis.votes_per_memory`.
    decisive : DecisiveMemories
        From `skamem.analysis.decisive_memories`.
    name : str, default=None
        What the memory is called, for the titles.

    Attributes
    ----------
    ax_ : ndarray of shape (2,) of matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        Its figure.

    See Also
    --------
    skamem.analysis.votes_per_memory : The first histogram's numbers.
    skamem.analysis.decisive_memories : The second one's.

    References
    ----------
    Krotov and Hopfield (2016), Dense Associative Memory for Pattern Recognition, arXiv:1606.01164, Figure 3.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from sklearn.datasets import load_iris
    >>> from skamem import DenseAMClassifier
    >>> from skamem.display import PrototypeDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> memory = DenseAMClassifier(20, degree=20, max_iter=50, random_state=0).fit(X, y)
    >>> display = PrototypeDisplay.from_estimator(memory, X, name="n = 20")
    >>> display.ax_[0].get_xlabel()
    'classes a memory votes for'
    >>> matplotlib.pyplot.close(display.figure_)
    """

    def __init__(self, votes, decisive, *, name=None):
        self.votes = votes
        self.decisive = decisive
        self.name = name

    @classmethod
    def from_estimator(cls, estimator, X, *, threshold=0.0, share=0.9, ax=None, name=None):
        """Count and draw.

        Parameters
        ----------
        estimator : DenseAMClassifier, or network with one hidden layer
            Fitted.
        X : array-like of shape (n_samples, n_features)
            Samples about which memories decide.
        threshold : float in [0, 1), default=0.0
            See `skamem.analysis.votes_per_memory`.
        share : float in (0, 1], default=0.9
            See `skamem.analysis.decisive_memories`.
        ax : pair of matplotlib Axes, default=None
            Where to draw; None makes a figure.
        name : str, default=None
            What the memory is called, for the titles.

        Returns
        -------
        display : PrototypeDisplay
            Drawn.
        """
        votes = votes_per_memory(estimator, threshold=threshold)
        return cls(votes, decisive_memories(estimator, X, share=share), name=name).plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw.

        Parameters
        ----------
        ax : pair of matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : PrototypeDisplay
            Itself, with `ax_` and `figure_`.
        """
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(1, 2, figsize=(7, 3), layout="constrained")
        self.ax_ = np.asarray(ax, dtype=object).ravel()
        if len(self.ax_) != 2:
            raise ValueError(f"ax has {len(self.ax_)} axes; expected 2, one for each histogram.")
        self.figure_ = self.ax_[0].figure
        prefix = f"{self.name}: " if self.name else ""
        _bars(self.ax_[0], self.votes.histogram(), BLUE, first=0)
        self.ax_[0].set(
            xlabel="classes a memory votes for",
            ylabel="memories, %",
            title=f"{prefix}{100 * self.votes.single_share:.0f} % for one class",
        )
        _bars(self.ax_[1], self.decisive.histogram(), ORANGE, first=1)
        self.ax_[1].set(
            xlabel="memories that decide",
            ylabel="samples, %",
            title=f"{prefix}one decides on {100 * self.decisive.single_share:.0f} %",
        )
        return self


def _bars(axis, counts, colour, *, first):
    """Bars of shares in percent; the last one collects what is beyond `_MOST_BARS`, an empty 0 is left out."""
    shares = 100 * counts / counts.sum()
    if first and not counts[0]:
        shares, start = shares[1:], 1
    else:
        start = 0
    shown = shares[: _MOST_BARS + 1 - start]
    labels = [str(start + i) for i in range(len(shown))]
    if len(shares) > len(shown):
        shown = np.append(shown[:-1], shares[len(shown) - 1 :].sum())
        labels[-1] += "+"
    axis.bar(range(len(shown)), shown, color=colour, edgecolor="white", linewidth=0.5)
    axis.set_xticks(range(len(shown)), labels)
    axis.set_ylim(0, 100)
    bare(axis)

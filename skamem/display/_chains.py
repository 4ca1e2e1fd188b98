"""ChainDisplay: what samples become along Gibbs chains."""

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays
from skamem.core.validation import check_number
from skamem.display._patterns import PatternsDisplay

__all__ = ["ChainDisplay"]


class ChainDisplay:
    """Samples along chains as images: a row for each chain, a column for each number of steps.

    Chains that look alike after many steps have mixed, or all sit in one mode; those that still look like their start
    have not.

    Parameters
    ----------
    states : array of shape (n_chains, n_records, n_features)
        Where the chains are.
    steps : sequence of int, length n_records
        After how many steps.
    image_shape : pair of int, default=None
        Height and width; None for square images.

    Attributes
    ----------
    ax_ : ndarray of shape (n_chains, n_records) of matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        Its figure.

    See Also
    --------
    PatternsDisplay : Cues, patterns and filters.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import numpy as np
    >>> from skamem import RestrictedBoltzmannMachine
    >>> from skamem.display import ChainDisplay
    >>> X = np.repeat(np.eye(4), 25, axis=0)
    >>> machine = RestrictedBoltzmannMachine(8, random_state=0).fit(X)
    >>> display = ChainDisplay.from_estimator(machine, n_chains=3, steps=(0, 1, 100), random_state=0)
    >>> display.states.shape, [axis.get_title() for axis in display.ax_[0]]
    ((3, 3, 4), ['0', '1', '100'])
    >>> matplotlib.pyplot.close(display.figure_)
    """

    def __init__(self, states, steps, *, image_shape=None):
        self.states = states
        self.steps = steps
        self.image_shape = image_shape

    @classmethod
    def from_estimator(
        cls, estimator, X=None, *, n_chains=5, steps=(0, 1, 10, 100, 1000), random_state=None, image_shape=None, ax=None
    ):
        """Let chains run and draw them.

        Parameters
        ----------
        estimator : RestrictedBoltzmannMachine
            Fitted: anything with `gibbs`.
        X : array-like of shape (n_chains, n_features), default=None
            Where chains start; None for independent features with the means of the data.
        n_chains : int, default=5
            Chains where `X` is None, >= 1.
        steps : sequence of int, default=(0, 1, 10, 100, 1000)
            After how many Gibbs steps to look; ascending, >= 0.
        random_state : int, RandomState instance or None, default=None
            Draws starts and units.
        image_shape : pair of int, default=None
            Height and width; None for square images.
        ax : array of matplotlib Axes, default=None
            As `plot`.

        Returns
        -------
        display : ChainDisplay
            Drawn.

        Raises
        ------
        TypeError
            When the estimator has no `gibbs`.
        ValueError
            For steps that are negative or do not ascend.
        """
        if not hasattr(estimator, "gibbs"):
            raise TypeError(
                f"{type(estimator).__name__} has no gibbs, so no chains to draw; pass a RestrictedBoltzmannMachine."
            )
        check_is_fitted(estimator)
        gaps = np.diff([0, *steps])
        if len(gaps) == 0 or not all(isinstance(step, int | np.integer) for step in steps) or np.any(gaps < 0):
            raise ValueError(
                f"steps={steps!r} do not ascend from 0 or more; expected whole numbers such as (0, 1, 10)."
            )
        random_state = check_random_state(random_state)
        v = _independent(estimator, n_chains, random_state) if X is None else X
        states = []
        for gap in gaps:
            v = estimator.gibbs(v, n_steps=int(gap), random_state=random_state)
            states.append(arrays.to_numpy(v) if arrays.is_array(v) else np.asarray(v))
        return cls(np.stack(states, axis=1), tuple(steps), image_shape=image_shape).plot(ax=ax)

    def plot(self, *, ax=None, cmap=None, colorbar=False):
        """Draw.

        Parameters
        ----------
        ax : array of matplotlib Axes, default=None
            Where to draw, one for each image, row by row; None makes a figure.
        cmap : str or matplotlib Colormap, default=None
            As `PatternsDisplay.plot`.
        colorbar : bool, default=False
            Whether to draw the scale of the colours.

        Returns
        -------
        display : ChainDisplay
            Itself, with `ax_` and `figure_`.
        """
        rows = {f"chain {number}": chain for number, chain in enumerate(self.states, start=1)}
        drawn = PatternsDisplay(rows, image_shape=self.image_shape).plot(
            ax=ax, n_columns=len(self.steps), cmap=cmap, colorbar=colorbar
        )
        self.ax_, self.figure_ = drawn.ax_, drawn.figure_
        for axis, step in zip(self.ax_[0], self.steps, strict=True):
            axis.set_title(str(step))
        return self


def _independent(machine, n_chains, random_state):
    """Rows of independent features, as annealing and tempering start from."""
    check_number("n_chains", n_chains, kind=int, low=1)
    rates = arrays.to_numpy(machine.base_rate_)
    shape = n_chains, len(rates)
    if hasattr(machine, "sigma_"):
        return rates + arrays.to_numpy(machine.sigma_) * random_state.standard_normal(shape)
    return (random_state.random_sample(shape) < 1 / (1 + np.exp(-rates))).astype(rates.dtype)

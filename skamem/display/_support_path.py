"""SupportPathDisplay: which features enter a sparse regression, and which number of them is chosen."""

import numpy as np
from sklearn.utils import check_array

from skamem.core import arrays
from skamem.display._drawn import drawn_part
from skamem.display._style import COLOURS, VERMILION, bare

__all__ = ["SupportPathDisplay"]

_GREY = "0.75"


class SupportPathDisplay:
    """Coefficients along a path of supports, and the criterion that chooses one of them.

    Parameters
    ----------
    sizes : array-like of int, shape (n_sizes,)
        Number of nonzero coefficients of each model; ascending.
    coefs : array-like of shape (n_sizes, n_features)
        Coefficients of each model.
    criterion : array-like of shape (n_sizes,)
        What chose among them.
    chosen : int
        Index of the model that was chosen.
    feature_names : sequence of str, default=None
        Names of the features; None numbers them.
    coef_name : str, default="coefficient"
        Label of the first axis.
    criterion_name : str, default="criterion"
        Label of the second axis.

    Attributes
    ----------
    ax_ : ndarray of shape (2,) of matplotlib Axes
        Coefficients above, criterion below.
    figure_ : matplotlib Figure
        Their figure.
    lines_ : list of matplotlib Line2D
        One for each feature that some model has, in the order of the features.

    See Also
    --------
    skamem.IHTRegressor : Chooses by an information criterion.
    skamem.IHTRegressorCV : Chooses by cross-validation.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from sklearn.datasets import load_diabetes
    >>> from skamem import IHTRegressor
    >>> from skamem.display import SupportPathDisplay
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> display = SupportPathDisplay.from_estimator(IHTRegressor().fit(X, y))
    >>> display.ax_[1].get_xlabel()
    'nonzero coefficients'
    >>> matplotlib.pyplot.close(display.figure_)
    """

    def __init__(
        self, sizes, coefs, criterion, *, chosen, feature_names=None, coef_name="coefficient",
        criterion_name="criterion",
    ):  # fmt: skip
        self.sizes = sizes
        self.coefs = coefs
        self.criterion = criterion
        self.chosen = chosen
        self.feature_names = feature_names
        self.coef_name = coef_name
        self.criterion_name = criterion_name

    @classmethod
    def from_estimator(cls, estimator, X=None, *, target=0, n_labels=8, ax=None):
        """Draw the path of a fitted regressor.

        Parameters
        ----------
        estimator : IHTRegressor or IHTRegressorCV
            Fitted, with a path: not with one given size. Of a pipeline the last step, of a search the best is drawn.
        X : array-like of shape (n_samples, n_features), default=None
            Training data: each coefficient is then multiplied by the standard deviation of its feature, which makes
            those of different units comparable.
        target : int, default=0
            Column of y whose coefficients are drawn.
        n_labels : int, default=8
            As `plot`.
        ax : pair of matplotlib Axes, default=None
            As `plot`.

        Returns
        -------
        display : SupportPathDisplay
            Drawn.

        Raises
        ------
        TypeError
            For an estimator that keeps no path.
        ValueError
            When the estimator looked at one size only.
        """
        estimator = drawn_part(
            estimator, "path_", missing="path of sizes", expected="an IHTRegressor, an IHTRegressorCV or a pipeline "
            "that ends in one",
        )  # fmt: skip
        path = estimator.path_[target] if isinstance(estimator.path_, list) else estimator.path_
        criterion, chosen, criterion_name = _criterion_of(estimator, path)
        n_sizes = min(len(path.supports), len(criterion))
        if n_sizes < 2:
            raise ValueError(
                f"{type(estimator).__name__} has a path of {n_sizes} size; expected at least 2. Fit it with "
                "n_nonzero_coefs=None, or use IHTRegressorCV."
            )
        coefs = np.zeros((n_sizes, estimator.n_features_in_))
        for row, support, values in zip(coefs, path.supports, path.coefs, strict=False):
            row[support] = values if np.ndim(values) == 1 else values[target]
        if X is not None:
            coefs *= np.std(arrays.to_numpy(check_array(X)), axis=0)
        display = cls(
            np.array([len(support) for support in path.supports[:n_sizes]]), coefs, criterion[:n_sizes],
            chosen=min(chosen, n_sizes - 1), feature_names=getattr(estimator, "feature_names_in_", None),
            coef_name="coefficient" if X is None else "coefficient × std", criterion_name=criterion_name,
        )  # fmt: skip
        return display.plot(n_labels=n_labels, ax=ax)

    def plot(self, *, n_labels=8, ax=None):
        """Draw.

        Parameters
        ----------
        n_labels : int, default=8
            Most features with a colour and a name: those of the chosen model with the greatest coefficients. Others
            are grey.
        ax : pair of matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : SupportPathDisplay
            Itself, with `ax_`, `figure_` and `lines_`.
        """
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(
                2, 1, figsize=(6.4, 5.2), sharex=True, layout="constrained", gridspec_kw={"height_ratios": [2, 1]}
            )
        self.ax_ = np.asarray(ax, dtype=object).ravel()
        if len(self.ax_) != 2:
            raise ValueError(f"ax has {len(self.ax_)} axes; expected 2: for coefficients and for the criterion.")
        self.figure_ = self.ax_[0].figure
        self._plot_coefs(self.ax_[0], n_labels)
        self._plot_criterion(self.ax_[1])
        for axis in self.ax_:
            axis.axvline(self.sizes[self.chosen], color="0.3", linestyle=":", linewidth=1.5, zorder=0)
            bare(axis)
        return self

    def _plot_coefs(self, axis, n_labels):
        coefs = np.asarray(self.coefs)
        features = np.flatnonzero(np.any(coefs != 0, axis=0))
        at_choice = np.abs(coefs[self.chosen])
        named = [j for j in np.argsort(-at_choice, kind="stable")[:n_labels] if at_choice[j] > 0]
        self.lines_ = []
        for j in features:
            (line,) = axis.plot(self.sizes, coefs[:, j], color=_GREY, linewidth=1, zorder=1)
            self.lines_.append(line)
        for rank, j in enumerate(named):
            line = self.lines_[int(np.searchsorted(features, j))]
            line.set(color=COLOURS[rank % len(COLOURS)], linewidth=2, zorder=2, marker="o", markersize=4)
            # A second round of colours is dashed.
            line.set_linestyle("-" if rank < len(COLOURS) else "--")
            line.set_label(f"feature {j}" if self.feature_names is None else str(self.feature_names[j]))
        axis.axhline(0, color="black", linewidth=0.8, zorder=0)
        axis.set_ylabel(self.coef_name)
        if named:
            handles = [self.lines_[int(np.searchsorted(features, j))] for j in named]
            axis.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)

    def _plot_criterion(self, axis):
        axis.plot(self.sizes, self.criterion, color="black", linewidth=2, marker="o", markersize=4)
        axis.plot(self.sizes[self.chosen], self.criterion[self.chosen], "o", color=VERMILION, markersize=9)
        axis.set(xlabel="nonzero coefficients", ylabel=self.criterion_name)
        axis.xaxis.get_major_locator().set_params(integer=True)


def _criterion_of(estimator, path):
    """What chose among the sizes of `path`: its values, the index that it chose, and its name."""
    if not hasattr(estimator, "cv_results_"):
        return path.criterion, int(np.argmin(path.criterion)), estimator.criterion.upper()
    results = estimator.cv_results_
    chosen = estimator.n_nonzero_coefs_ - results["n_nonzero_coefs"][0]
    return results["mean_test_score"], int(chosen), "mean test score"

"""What pruning asks of a family of estimators: weights by name, and training from the start under masks."""

from abc import ABC, abstractmethod
from numbers import Integral

import numpy as np
import scipy.sparse
from sklearn.base import clone
from sklearn.utils.sparsefuncs import mean_variance_axis

from skamem.core import arrays
from skamem.core.rows import row_blocks, rows_in_cache

__all__ = ["Family", "column_spreads"]


class Family(ABC):
    """How the estimators of a family are trained, and trained again under masks; one for each set of rows.

    Parameters
    ----------
    estimator : estimator
        Not fitted, with a seed wherever it draws: it is cloned, and each clone draws the same numbers.
    X : array or csr matrix of shape (n_samples, n_features)
        Validated.
    y : array-like
        Targets.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights of the rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.cross_decomposition import PLSRegression
    >>> from skamem.supervised.pruning import Family
    >>> class Projections(Family):
    ...     def magnitudes(self, fitted):
    ...         return {"x_rotations_": np.abs(fitted.x_rotations_).max(axis=1) * self.spreads}
    ...
    ...     def retrain(self, plain, masks, rewind_to):
    ...         return PLSRegression(**self.estimator.get_params()).fit(self.X * masks["x_rotations_"], self.y)
    >>> X = np.random.default_rng(0).normal(size=(50, 3))
    >>> family = Projections(PLSRegression(1), X, X[:, 0])
    >>> sizes = family.magnitudes(family.fit())["x_rotations_"]
    >>> family.retrain(None, {"x_rotations_": sizes == sizes.max()}, "initial").coef_.round(3) + 0.0
    array([[1., 0., 0.]])
    """

    def __init__(self, estimator, X, y, sample_weight=None):
        self.estimator, self.X, self.y, self.sample_weight = estimator, X, y, sample_weight
        weights = np.ones(X.shape[0]) if sample_weight is None else sample_weight
        self.spreads = column_spreads(X, weights)

    def _weighted(self):
        return {} if self.sample_weight is None else {"sample_weight": self.sample_weight}

    def fit(self):
        """Fit the estimator to the rows as it is.

        Returns
        -------
        fitted : estimator
        """
        return clone(self.estimator).fit(self.X, self.y, **self._weighted())

    @abstractmethod
    def magnitudes(self, fitted):
        """Sizes of the weights, by which they are ranked.

        Parameters
        ----------
        fitted : estimator
            What `fit` or `retrain` returned.

        Returns
        -------
        magnitudes : dict of str to ndarray
            By names of the weights, in the order of the layers: their absolute values, times the standard deviation of
            their input where that is known, so that units of measure do not count.
        """

    @abstractmethod
    def retrain(self, before, masks, rewind_to):
        """The estimator, trained again with weights held at 0.

        Parameters
        ----------
        before : estimator
            What `fit` returned; where `rewind_to` is None, what `retrain` returned last.
        masks : dict of str to bool ndarray
            As `magnitudes` names and shapes them: False where the weight is 0.
        rewind_to : None, "initial", int or float in [0, 1)
            From where: the weights of `before`, the first ones, those after so many epochs, or after that share of
            them. Where a fit does not depend on where it starts, or cannot start elsewhere, None is "initial".

        Returns
        -------
        fitted : estimator
            Its weights outside the masks are exactly 0.
        """

    def weight_masks(self, masks):
        """Bring masks into the shapes of the fitted weights.

        Parameters
        ----------
        masks : dict of str to bool ndarray
            As `magnitudes` names and shapes them.

        Returns
        -------
        masks : list of bool ndarray
        """
        return list(masks.values())

    def first_layer(self, masks):
        """Say which features each unit of the first layer sees.

        Parameters
        ----------
        masks : dict of str to bool ndarray
            As `magnitudes` names and shapes them.

        Returns
        -------
        mask : bool ndarray of shape (n_units, n_features)
        """
        first = next(iter(masks.values()))
        return first.T if first.shape[0] == self.X.shape[1] else first


def epochs_before(rewind_to, n_epochs):
    """Epochs of a training of `n_epochs` that come before the point to rewind to.

    Parameters
    ----------
    rewind_to : "initial", int or float in [0, 1)
    n_epochs : int

    Returns
    -------
    epochs : int
        Less than `n_epochs`.

    Raises
    ------
    ValueError
        When the training was not so long.

    Examples
    --------
    >>> epochs_before("initial", 150), epochs_before(3, 150), epochs_before(0.1, 150)
    (0, 3, 15)
    """
    if isinstance(rewind_to, str):
        return 0
    if not isinstance(rewind_to, Integral):
        return int(rewind_to * n_epochs)
    if rewind_to >= n_epochs:
        raise ValueError(
            f"rewind_to={rewind_to!r} is after the training of the dense network, which took {n_epochs} epochs; "
            f"expected less than {n_epochs}, a share of them in [0, 1), or 'initial'."
        )
    return int(rewind_to)


def column_spreads(X, weights):
    """Standard deviation of each column.

    Parameters
    ----------
    X : array or csr matrix of shape (n_samples, n_features)
    weights : ndarray of shape (n_samples,)
        Of the rows.

    Returns
    -------
    spreads : ndarray of shape (n_features,)
        On the host, float64.

    Examples
    --------
    >>> column_spreads(np.asarray([[1.0, 2e200], [3.0, -2e200]]), np.ones(2))
    array([1.e+000, 2.e+200])
    """
    if scipy.sparse.issparse(X):
        return np.sqrt(mean_variance_axis(X, axis=0, weights=weights.astype(X.dtype))[1]).astype(np.float64)
    xp, place = arrays.namespace(X), arrays.placement_of(X)
    share = place.asarray(weights / weights.sum(), X.dtype)
    # On the scale of the range of each column: squares of 1e200 overflow, and those of a shifted column cancel.
    lowest, highest = xp.min(X, axis=0), xp.max(X, axis=0)
    unit = xp.where(highest > lowest, highest / 2 - lowest / 2, xp.ones_like(highest))
    row_bytes = 32 * X.shape[1]
    mean, square = 0.0, 0.0
    for rows in row_blocks(X.shape[0], row_bytes, at_most=rows_in_cache(row_bytes, xp)):
        mean = mean + share[rows] @ (X[rows, :] / unit - lowest / unit)
    for rows in row_blocks(X.shape[0], row_bytes, at_most=rows_in_cache(row_bytes, xp)):
        square = square + share[rows] @ (X[rows, :] / unit - lowest / unit - mean) ** 2
    spread = xp.where(highest > lowest, unit * xp.sqrt(square), xp.zeros_like(unit))
    return arrays.to_numpy(spread).astype(np.float64)

"""BipolarEncoder: codes of real features for memories with two-valued units, and back."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, OneToOneFeatureMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, least_squares
from skamem.core.base import SkamemTransformer, transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.parameters import Interval, Options, RandomState
from skamem.core.rows import Rows

__all__ = ["BipolarEncoder"]


class BipolarEncoder(SkamemTransformer):
    """Code real features as patterns of -1 and 1, so that memories with two-valued units serve real-valued data.

    Parameters
    ----------
    method : {"threshold", "median", "thermometer", "hyperplanes"}, default="threshold"
        "threshold": a unit a feature, on above `threshold`. "median": on above the feature's median, so that each unit
        is on for half of the samples. "thermometer": `n_bits` units a feature, one more on for each of equal steps from
        its minimum to its maximum: close values have close codes. "hyperplanes": `n_components` units that say on which
        side of a random hyperplane through the mean a sample lies; the share of equal units tells the angle between two
        samples.
    threshold : float, default=0.0
        For "threshold".
    n_bits : int, default=4
        Units a feature, >= 1, for "thermometer".
    n_components : int, default=256
        Units, >= 1, for "hyperplanes".
    output : {"bipolar", "binary"}, default="bipolar"
        Off is -1 or 0; on is 1.
    random_state : int, RandomState instance or None, default=None
        Draws the hyperplanes.
    backend : {None, "numpy", "cupy", "cupy:<index>", "torch", "torch:<device>"}, default=None
        Where to compute; None follows the input (see the user guide on GPUs).

    Attributes
    ----------
    thresholds_ : array of shape (n_features, n_bits)
        Value above which each unit of a feature is on; one a feature for "threshold" and "median".
    levels_ : array of shape (n_features, n_bits + 1)
        What `inverse_transform` gives for 0, 1, ... units on: the middle of the step for "thermometer", otherwise the
        mean of the values that `fit` saw on that side (the threshold, where it saw none).
    mean_ : array of shape (n_features,)
        For "hyperplanes": mean of the samples.
    planes_ : array of shape (n_features, n_components)
        For "hyperplanes": their normal vectors, drawn from a Gaussian.
    decoder_ : array of shape (n_components, n_features)
        For "hyperplanes": least-squares map from codes to samples less their mean.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, when `fit` saw any.

    See Also
    --------
    skamem.HebbianMemory : Stores the codes; its `binarize` alone does what "threshold" does.

    Notes
    -----
    NaN, an unknown value, is coded as NaN, unknown units, which memories recall. "hyperplanes" look at the known
    features of a sample, as if the others were at the mean; a sample of which nothing is known is all NaN. Units whose
    feature never varies carry nothing. Cost: O(n_samples n_features n_bits); for "hyperplanes" a matrix product, and
    in `fit` a least-squares problem with n_components unknowns.

    References
    ----------
    Charikar (2002), STOC '02:380, doi:10.1145/509907.509965 (hyperplanes).

    Examples
    --------
    >>> import numpy as np
    >>> from skamem import BipolarEncoder
    >>> X = np.asarray([[0.0, 5.0], [1.0, np.nan], [4.0, 9.0]])
    >>> encoder = BipolarEncoder("thermometer", n_bits=3).fit(X)
    >>> codes = encoder.transform(X)
    >>> codes
    array([[-1., -1., -1., -1., -1., -1.],
           [-1., -1., -1., nan, nan, nan],
           [ 1.,  1.,  1.,  1.,  1.,  1.]])
    >>> encoder.inverse_transform(codes)
    array([[0.5, 5.5],
           [0.5, nan],
           [3.5, 8.5]])
    """

    _parameters: ClassVar = {
        "method": Options("threshold", "median", "thermometer", "hyperplanes"),
        "threshold": Interval(Real),
        "n_bits": Interval(Integral, low=1),
        "n_components": Interval(Integral, low=1),
        "output": Options("bipolar", "binary"),
        "random_state": RandomState(),
    }

    def __init__(
        self,
        method="threshold",
        *,
        threshold=0.0,
        n_bits=4,
        n_components=256,
        output="bipolar",
        random_state=None,
        backend=None,
    ):
        self.method = method
        self.threshold = threshold
        self.n_bits = n_bits
        self.n_components = n_components
        self.output = output
        self.random_state = random_state
        self.backend = backend

    @property
    def _anchor(self):
        return "planes_" if hasattr(self, "planes_") else "thresholds_"

    @transactional
    def fit(self, X, y=None):
        """Learn thresholds, or draw hyperplanes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Real values; NaN is unknown.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted encoder.

        Raises
        ------
        TypeError
            For sparse input: its zeros would become units that are off, -1.
        ValueError
            For infinite entries. A failed call changes nothing.
        """
        X, placement = self._receive(X, reset=True, ensure_all_finite="allow-nan")
        X = placement.asarray(X)
        for _ in fit_tasks(self, [0], name="codes", n_tasks=1, X=X, attributes=dict):
            known = ~placement.xp.isnan(X)
            if self.method == "hyperplanes":
                self._fit_planes(X, known, placement)
            else:
                self._fit_thresholds(X, known)
        return self

    def _fit_thresholds(self, X, known):
        xp = arrays.namespace(X)
        if self.method == "thermometer":
            low, high = _range(X, known)
            step = (high - low)[:, None] / (self.n_bits + 1)
            numbered = xp.arange(self.n_bits + 1, dtype=X.dtype, device=arrays.device(X))[None, :]
            self.thresholds_ = low[:, None] + step * numbered[:, 1:]
            self.levels_ = low[:, None] + step * (numbered + 0.5)
            return
        cut = _median(X, known) if self.method == "median" else xp.full_like(X[0, :], float(self.threshold))
        above = known & (cut < X)
        sides = [_mean(X, side, default=cut) for side in (known & ~above, above)]
        self.thresholds_, self.levels_ = cut[:, None], xp.stack(sides, axis=1)

    def _fit_planes(self, X, known, placement):
        xp = placement.xp
        planes = check_random_state(self.random_state).standard_normal((X.shape[1], self.n_components))
        self.mean_ = _mean(X, known, default=xp.zeros_like(X[0, :]))
        self.planes_ = placement.asarray(planes, X.dtype)
        centred = xp.where(known, X - self.mean_, xp.zeros_like(X))
        codes = 2.0 * xp.astype(centred @ self.planes_ > 0, X.dtype) - 1.0
        self.decoder_ = least_squares.SOLVERS["svd"](codes, centred, alpha=0.0)

    def transform(self, X):
        """Code samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Real values; NaN is unknown.

        Returns
        -------
        codes : array of shape (n_samples, n_features_out)
            -1 or 0, 1, and NaN; dtype of `X`. The units of a feature stand side by side.
        """
        return self._map(X, "transform")

    def _map(self, X, method):
        check_is_fitted(self)
        X, placement = self._receive(X, reset=False, method=method, ensure_all_finite="allow-nan")
        code = self._side_of_planes if hasattr(self, "planes_") else self._above_thresholds
        off = -1.0 if self.output == "bipolar" else 0.0
        xp = placement.xp

        def codes():
            for _, values in Rows(X, placement, placement.working_dtype).blocks(4 * 8 * self._n_features_out):
                on, known = code(values)
                yield xp.where(known, xp.where(on, xp.ones_like(on, dtype=placement.dtype), off), xp.nan)

        return placement.give(codes(), X.shape[0])

    def _above_thresholds(self, X):
        xp = arrays.namespace(X)
        shape = (X.shape[0], self._n_features_out)
        known = xp.broadcast_to(~xp.isnan(X)[:, :, None], (*X.shape, self.thresholds_.shape[1]))
        return xp.reshape(X[:, :, None] > self.thresholds_, shape), xp.reshape(known, shape)

    def _side_of_planes(self, X):
        xp = arrays.namespace(X)
        unknown = xp.isnan(X)
        centred = xp.where(unknown, xp.zeros_like(X), X - self.mean_)
        return centred @ xp.astype(self.planes_, X.dtype, copy=False) > 0, ~xp.all(unknown, axis=1)[:, None]

    def inverse_transform(self, X):
        """Real values for codes, such as those that a memory recalled.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features_out)
            Codes as `transform` gives them; NaN is unknown.

        Returns
        -------
        values : array of shape (n_samples, n_features)
            `levels_` by the number of units on; a feature with an unknown unit is NaN. For "hyperplanes" the
            least-squares estimate, to which unknown units add nothing. dtype of `X`.
        """
        check_is_fitted(self)
        codes, placement = self._receive_outputs(
            X,
            self._n_features_out,
            method="inverse_transform",
            unit="unit of the code",
            ensure_all_finite="allow-nan",
        )
        decode, edge = self._from_levels, 0.0 if self.output == "bipolar" else 0.5
        if hasattr(self, "planes_"):
            decode = self._from_planes
        blocks = Rows(codes, placement).blocks(4 * 8 * (codes.shape[1] + self.n_features_in_))
        values = (decode(block > edge, ~placement.xp.isnan(block)) for _, block in blocks)
        return placement.give(values, codes.shape[0])

    def _from_levels(self, on, known):
        xp = arrays.namespace(on)
        shape = (on.shape[0], *self.thresholds_.shape)
        steps = xp.where(xp.reshape(on, shape), self.levels_[:, 1:] - self.levels_[:, :-1], 0.0)
        values = self.levels_[:, 0] + xp.sum(steps, axis=2)
        return xp.where(xp.all(xp.reshape(known, shape), axis=2), values, xp.nan)

    def _from_planes(self, on, known):
        xp = arrays.namespace(on)
        codes = xp.where(known, xp.where(on, xp.ones_like(on, dtype=self.decoder_.dtype), -1.0), 0.0)
        return self.mean_ + codes @ self.decoder_

    @property
    def _n_features_out(self):
        if hasattr(self, "planes_"):
            return self.planes_.shape[1]
        return self.thresholds_.shape[0] * self.thresholds_.shape[1]

    def get_feature_names_out(self, input_features=None):
        """Names of the units: those of the features, with a number for several units a feature; else numbered.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the input features.

        Returns
        -------
        names : ndarray of str
            One for each column of `transform`.
        """
        check_is_fitted(self)
        if hasattr(self, "planes_"):
            return ClassNamePrefixFeaturesOutMixin.get_feature_names_out(self, input_features)
        names, n_bits = OneToOneFeatureMixin.get_feature_names_out(self, input_features), self.thresholds_.shape[1]
        if n_bits == 1:
            return names
        return np.asarray([f"{name}_{bit}" for name in names for bit in range(n_bits)], dtype=object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True  # an unknown value
        return tags


def _mean(X, chosen, *, default):
    """Mean of the chosen entries of each column; `default` where there are none."""
    xp = arrays.namespace(X)
    count = xp.sum(xp.astype(chosen, X.dtype), axis=0)
    total = xp.sum(xp.where(chosen, X, xp.zeros_like(X)), axis=0)
    return xp.where(count > 0, total / xp.where(count > 0, count, xp.ones_like(count)), default)


def _range(X, known):
    """Smallest and largest known entry of each column; 0 and 0 where there are none."""
    xp = arrays.namespace(X)
    there = xp.any(known, axis=0)
    low, high = xp.min(xp.where(known, X, xp.inf), axis=0), xp.max(xp.where(known, X, -xp.inf), axis=0)
    return xp.where(there, low, 0.0), xp.where(there, high, 0.0)


def _median(X, known):
    """Median of the known entries of each column; 0 where there are none."""
    xp = arrays.namespace(X)
    ranked = xp.sort(xp.where(known, X, xp.inf), axis=0)
    count = xp.sum(xp.astype(known, xp.int64), axis=0)
    rank = xp.arange(X.shape[0], device=arrays.device(X))[:, None]
    middle = [xp.sum(xp.where(rank == place, ranked, 0.0), axis=0) for place in ((count - 1) // 2, count // 2)]
    return xp.where(count > 0, 0.5 * middle[0] + 0.5 * middle[1], 0.0)

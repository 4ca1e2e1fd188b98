"""StabilitySelection: features that are selected on most halves of the samples."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone, is_classifier
from sklearn.utils import Bunch, check_array, check_consistent_length, check_random_state

from skamem.core import arrays
from skamem.core.base import transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.columns import unmasked
from skamem.core.parameters import Interval, Options, RandomState
from skamem.core.validation import check_sample_weight
from skamem.core.warn import warn
from skamem.sparse._regressor import IHTRegressor
from skamem.sparse._selectors import ESTIMATOR, FeatureSelector, support_of, take

__all__ = ["StabilitySelection", "false_selections"]


class StabilitySelection(FeatureSelector):
    """Keep the features that an estimator selects on most halves of the samples, with a bound on the false ones.

    The samples are halved at random `n_pairs` times, the estimator selects features on each half, and those that it
    selects on at least a share `threshold_` of the halves are stable. What is false is bounded whatever the estimator
    and the distribution of X and y: it concerns features that a half selects no more often than a random choice would.

    Parameters
    ----------
    estimator : estimator, default=None
        With ``support_`` once fitted; it is cloned. None is ``IHTRegressor()``.
    n_select : int, default=None
        Number of features that each half selects, given to the estimator as its largest size. None leaves the size to
        the estimator; without an estimator it is √(0.8 n_features), or a quarter of the samples if that is less.
    threshold : float, default=None
        Share of the halves, in (0.5, 1]. None takes the least whose bound is `max_false`.
    max_false : float, default=1.0
        Bound on the expected number of false selections that `threshold` None aims at, > 0.
    n_pairs : int, default=50
        Number of times that the samples are halved, >= 1.
    assumption : {"unimodal", "worst-case"}, default="unimodal"
        What the bound supposes of how often the two halves of a pair agree on a false feature: that its distribution
        has one mode, or nothing.
    n_jobs : int, default=None
        Threads.
    random_state : int, RandomState or None, default=None
        Draws the halves; no other number depends on it.
    backend : None, "numpy", "cupy", "cupy:<index>", "torch" or "torch:<device>", default=None
        Given to the estimator unless None.

    Attributes
    ----------
    selection_frequencies_ : array of shape (n_features,)
        Share of the halves that select each feature.
    support_ : int array of shape (n_selected,)
        Features whose share is at least `threshold_`, ascending.
    support_names_ : array of str of shape (n_selected,)
        Their names; only if X had feature names.
    threshold_ : float
        Share that was asked for.
    n_select_ : float
        Mean number of features that a half selected.
    expected_false_ : float
        Bound on the expected number of false selections at `threshold_`.
    path_ : Bunch
        ``n_nonzero_coefs`` (n_sizes,) and ``frequencies`` (n_sizes, n_features): how often each feature is among the
        best of each size. Only of estimators with a ``path_``, such as `IHTRegressor`.
    n_features_in_ : int
    feature_names_in_ : array of str of shape (n_features,)
        Only if X had feature names that are all strings.

    Raises
    ------
    ValueError
        In `fit`: for options out of range, or fewer than 4 samples.

    Notes
    -----
    With q features selected on a half, of p, B pairs and a threshold τ, the expected number of selected ones of those
    features that a half selects with a probability of at most q/p is bounded by

        q²/p / (2τ - 1)                                  in any case,
        q²/p / (2 (2τ - 1 - 1/(2B)))                     if unimodal, τ <= 3/4,
        q²/p · 4 (1 - τ + 1/(2B)) / (1 + 1/B)            if unimodal, τ > 3/4.

    Cost of 2 `n_pairs` fits to half of the samples. For classifiers the halves keep the shares of the classes.

    References
    ----------
    Meinshausen and Bühlmann (2010), Journal of the Royal Statistical Society B 72:417,
    doi:10.1111/j.1467-9868.2010.00740.x.
    Shah and Samworth (2013), Journal of the Royal Statistical Society B 75:55,
    doi:10.1111/j.1467-9868.2011.01034.x (complementary pairs, and these bounds: their theorems 1 and 2).

    Examples
    --------
    >>> import numpy as np
    >>> from skamem import StabilitySelection
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((120, 500))
    >>> y = X[:, 7] - X[:, 42] + rng.standard_normal(120)
    >>> selector = StabilitySelection(n_select=5, random_state=0).fit(X, y)
    >>> selector.support_, selector.expected_false_ <= 1.0
    (array([ 7, 42]), True)
    """

    _anchor = "selection_frequencies_"
    _stays_home = ("path_",)
    _parameters: ClassVar = {
        "estimator": ESTIMATOR,
        "n_select": Interval(Integral, low=1) | None,
        "threshold": Interval(Real, low=0.5, high=1, low_open=True) | None,
        "max_false": Interval(Real, low=0, low_open=True),
        "n_pairs": Interval(Integral, low=1),
        "assumption": Options("unimodal", "worst-case"),
        "n_jobs": Interval(Integral) | None,
        "random_state": RandomState(),
    }

    def __init__(
        self,
        estimator=None,
        *,
        n_select=None,
        threshold=None,
        max_false=1.0,
        n_pairs=50,
        assumption="unimodal",
        n_jobs=None,
        random_state=None,
        backend=None,
    ):
        self.estimator = estimator
        self.n_select = n_select
        self.threshold = threshold
        self.max_false = max_false
        self.n_pairs = n_pairs
        self.assumption = assumption
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.backend = backend

    @transactional
    def fit(self, X, y=None, sample_weight=None):
        """Select on all halves, and count.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix of shape (n_samples, n_features)
            What the estimator takes.
        y : array-like
            What it takes.
        sample_weight : array-like of shape (n_samples,), default=None
            Passed on in halves; samples of weight 0 are absent.

        Returns
        -------
        self : StabilitySelection
        """
        named = X if hasattr(X, "iloc") else None
        X, placement = self._receive(X, reset=True, **self._reading)
        y, weights = self._targets(X, y), check_sample_weight(sample_weight, X, placement, placement.xp.float64)
        halves = self._halves(X, y, weights)
        template = self._sized(min(map(len, halves)))
        data = X if named is None else named
        options = {} if weights is None else {"sample_weight": arrays.to_numpy(weights)}

        def select(rows):
            some = {name: values[rows] for name, values in options.items()}
            return _selected(
                clone(template).fit(take(data, rows, axis=0), take(y, rows, axis=0), **some), self.n_features_in_
            )

        pairs = fit_tasks(self, range(self.n_pairs), name="pair", n_tasks=self.n_pairs, X=X, y=y)
        work = (delayed(select)(half) for pair in pairs for half in halves[2 * pair : 2 * pair + 2])
        self._summarise(Parallel(n_jobs=self.n_jobs, prefer="threads")(work), placement)
        return self

    def _targets(self, X, y):
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None: that is what features "
                "are selected for."
            )
        y = check_array(unmasked(y), ensure_2d=False, dtype=None, input_name="y")
        check_consistent_length(X, y)
        return y

    def _halves(self, X, y, weights):
        """Rows of every half, pair by pair."""
        rows = np.arange(X.shape[0]) if weights is None else np.flatnonzero(arrays.to_numpy(weights))
        if len(rows) < 4:
            raise ValueError(
                f"n_samples = {len(rows)}, but stability selection needs at least 4: each half needs two. Add samples."
            )
        strata = [rows]
        if is_classifier(self._template()):
            _, codes = np.unique(arrays.to_numpy(y)[rows], return_inverse=True)
            strata = [rows[codes.ravel() == k] for k in range(codes.max() + 1)]
        random_state = check_random_state(self.random_state)
        halves = []
        for _ in range(self.n_pairs):
            orders = [random_state.permutation(stratum) for stratum in strata]
            size = [len(order) // 2 for order in orders]
            for part in (slice(0, 1), slice(1, 2)):
                chosen = [order[part.start * k : part.stop * k] for order, k in zip(orders, size, strict=True)]
                halves.append(np.sort(np.concatenate(chosen)))
        return halves

    def _sized(self, n_rows):
        """The estimator, told how many features to select."""
        estimator, size = self._clone(), self.n_select
        if size is None and self.estimator is None:
            size = max(int(min(np.sqrt(0.8 * self.n_features_in_), n_rows / 2)), 1)
        if size is None:
            return estimator
        parameters = estimator.get_params(deep=False)
        most = min(size, self.n_features_in_, n_rows - 1)
        if isinstance(estimator, IHTRegressor):
            return _EndOfPath(estimator.set_params(n_nonzero_coefs=None, max_features=int(most)))
        for name in ("n_nonzero_coefs", "max_features"):
            if name in parameters:
                return estimator.set_params(**{name: int(most)})
        raise ValueError(
            f"n_select={size} is set, but estimator={estimator!r} has no n_nonzero_coefs or max_features to take it; "
            "set its size yourself and leave n_select=None."
        )

    def _summarise(self, found, placement):
        n_halves, p = len(found), self.n_features_in_
        counts = np.sum([mask for mask, _ in found], axis=0)
        self.n_select_ = float(counts.sum() / n_halves)
        self.selection_frequencies_ = placement.asarray(counts / n_halves, placement.dtype)
        self.threshold_, self.expected_false_ = self._threshold(n_halves // 2)
        # Counts are compared, as shares round.
        stable = counts >= np.ceil(self.threshold_ * n_halves - 1e-9)
        self.support_ = placement.asarray(np.flatnonzero(stable))
        if hasattr(self, "feature_names_in_"):
            self.support_names_ = self.feature_names_in_[stable]
        vars(self).pop("path_", None)
        if all(path is not None for _, path in found):
            sizes = np.arange(max(len(path) for _, path in found))
            table = np.zeros((len(sizes), p))
            for _, path in found:
                for size in sizes:
                    table[size, path[min(size, len(path) - 1)]] += 1 / n_halves
            self.path_ = Bunch(n_nonzero_coefs=sizes, frequencies=table)

    def _threshold(self, n_pairs):
        def bound(threshold):
            return false_selections(threshold, n_pairs, self.n_select_, self.n_features_in_, self.assumption)

        if self.threshold is not None:
            return float(self.threshold), bound(self.threshold)
        shares = np.arange(n_pairs + 1, 2 * n_pairs + 1) / (2 * n_pairs)
        bounds = np.array([bound(share) for share in shares])
        if bounds[-1] > self.max_false:
            warn(
                f"With {self.n_select_:g} of {self.n_features_in_} features selected on each half, no threshold bounds "
                f"the false ones by max_false={self.max_false:g}; at a threshold of 1 the bound is {bounds[-1]:.3g}. "
                "Lower n_select, or raise max_false."
            )
            return 1.0, float(bounds[-1])
        first = int(np.argmax(bounds <= self.max_false))
        return float(shares[first]), float(bounds[first])


class _EndOfPath:
    """An `IHTRegressor` whose selection is the end of its path, and that keeps the path."""

    def __init__(self, regressor):
        self.regressor = regressor

    def __sklearn_clone__(self):
        return _EndOfPath(clone(self.regressor))

    def fit(self, X, y, **options):
        paths = self.regressor.fit(X, y, **options).path_
        paths = paths if isinstance(paths, list) else [paths]
        self.support_ = np.unique(np.concatenate([path.supports[-1] for path in paths]))
        if len(paths) == 1:
            self.path_ = paths[0]
        return self


def _selected(estimator, n_features):
    """Mask of the selected features, and the supports of the path if there is one."""
    mask = np.zeros(n_features, dtype=bool)
    mask[arrays.to_numpy(support_of(estimator, n_features))] = True
    path = getattr(estimator, "path_", None)
    several = not isinstance(path, Bunch) or len(path.supports) < 2
    return mask, None if several else path.supports


def false_selections(threshold, n_pairs, n_selected, n_features, assumption="unimodal"):
    """Bound on the expected number of false selections; see `StabilitySelection`.

    Parameters
    ----------
    threshold : float
        τ, in (0.5, 1].
    n_pairs : int
        B.
    n_selected : float
        q, the mean number of features that a half selects.
    n_features : int
        p.
    assumption : {"unimodal", "worst-case"}, default="unimodal"
        The unimodal bound holds for q/p <= 1/√3 and thresholds not too close to one half; else this is the other.

    Returns
    -------
    bound : float
        At most q.
    """
    share = n_selected / n_features
    random, excess = share * n_selected, 2 * threshold - 1
    bounds = [n_selected, random / excess]
    spare = 1 / (2 * n_pairs)
    least = min(0.5 + share**2, 0.5 + spare + 0.75 * share**2)
    if assumption == "unimodal" and share <= 1 / np.sqrt(3) and threshold > least and excess > spare:
        if threshold <= 0.75:
            bounds.append(random / (2 * (excess - spare)))
        else:
            bounds.append(random * 4 * (1 - threshold + spare) / (1 + 1 / n_pairs))
    return float(min(bounds))

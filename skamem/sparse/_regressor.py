"""IHTRegressor: the estimator around the solver."""

import numbers

import numpy as np
import scipy.sparse
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils import Bunch, check_array, check_consistent_length
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays
from skamem.core.base import SkamemEstimator, transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.validation import check_number, check_option, check_sample_weight
from skamem.sparse._criteria import CRITERIA
from skamem.sparse._design import as_design
from skamem.sparse._problem import Problem
from skamem.sparse._solver import EFFORTS, Settings, solve_path, solve_size

__all__ = ["IHTRegressor"]


class IHTRegressor(MultiOutputMixin, RegressorMixin, SkamemEstimator):
    """Sparse linear regression: the best least squares with at most s nonzero coefficients.

    Minimises ‖y - X w - b‖² + alpha Σ_j (w_j ‖x_j - x̄_j‖)² subject to ‖w‖₀ <= s. Iterative hard thresholding gives a
    first support; exact exchanges of its members improve it until none lowers the loss. Features need no scaling: the
    support does not change when a column or y is multiplied by a constant.

    Parameters
    ----------
    n_nonzero_coefs : int, default=None
        Most nonzero coefficients s, 0 <= s <= min(n_samples, n_features). None lets `criterion` choose from a path of
        sizes. Fewer are used where fewer already fit y exactly, or where no further column is linearly independent
        (an intercept leaves n_samples - 1 such columns).
    alpha : float, default=0.0
        Ridge penalty, >= 0, on coefficients of columns scaled to unit length: dimensionless; 0.01 shrinks an isolated
        coefficient by 1 %.
    fit_intercept : bool, default=True
        Whether to fit an unpenalised intercept. Sparse X is not centred for it, only its products are.
    effort : {"auto", "fast", "swap", "thorough"}, default="auto"
        fast: hard thresholding only (a path: forward selection only). swap: and exchanges of members. auto: the same,
        and further starts where the margin is small. thorough: and a look at all columns in any case.
    criterion : {"gic", "bic", "ebic"}, default="gic"
        What chooses the size when `n_nonzero_coefs` is None.
    max_features : int, default=None
        Largest size that the path tries, for ``n_nonzero_coefs=None``; it then tries them all. None: n / (log log n ·
        log p) and half of the degrees of freedom, with an early stop once the criterion has long been rising.
    groups : array-like of shape (n_features,), default=None
        Not available yet.
    always_select : array-like of int, default=None
        Features that every support contains; they count in s. Constant columns are left out.
    positive : bool, default=False
        Not available yet.
    multi_output : {"joint", "independent"}, default="joint"
        Whether the columns of a 2-D y share one support (they are weighed by their scale) or have each their own.
    max_iter : int, default=100
        Most iterations of hard thresholding.
    tol : float, default=1e-7
        Least decrease of the loss, relative to it, that makes a change of support worthwhile.
    warm_start : bool, default=False
        Start hard thresholding from the support of the previous fit.
    backend : None, "numpy", "cupy", "cupy:<index>", "torch" or "torch:<device>", default=None
        Where passes over X run; None follows X.

    Attributes
    ----------
    coef_ : array of shape (n_features,) or (n_targets, n_features)
    intercept_ : float or array of shape (n_targets,)
    support_ : int array of shape (n_selected,)
        Selected features, ascending; with independent targets those selected for any.
    support_names_ : array of str of shape (n_selected,)
        Their names; only if X had feature names.
    margin_ : float
        Least loss that removing a member brings, over the greatest that adding a column takes away. Wrong supports had
        at most 2 on random designs; a heuristic, no proof. Infinite when nothing can be gained, NaN with
        ``effort="fast"``, the least with independent targets.
    swap_optimal_ : bool
        True when it was verified that no exchange of one member for any other column lowers the loss by more than
        `tol`.
    path_ : Bunch or list of Bunch
        The sizes looked at (one if `n_nonzero_coefs` is given): ``supports``, ``coefs`` and ``intercepts`` in the units
        of X and y, ``objective``, ``criterion``. A list with independent targets.
    n_passes_ : int
        Products with all of X that `fit` took.
    n_iter_ : int
        Iterations of hard thresholding, the most over targets.
    n_features_in_ : int
    feature_names_in_ : array of str of shape (n_features,)
        Only if X had feature names that are all strings.

    Raises
    ------
    ValueError
        In `fit`: when `n_nonzero_coefs` is larger than min(n_samples, n_features), for options or sample weights out of
        range, for NaN or infinite input. A failed `fit` changes nothing.

    Notes
    -----
    A fit costs about five passes over X where the margin is comfortable, and little memory beyond X. Selecting s
    columns is NP-hard; what is promised is that no single exchange improves the result (`swap_optimal_`).

    Integer sample weights are repetitions, in the criterion too.

    References
    ----------
    Blumensath and Davies (2009), Applied and Computational Harmonic Analysis 27:265, doi:10.1016/j.acha.2009.04.002.
    Foucart (2011), SIAM Journal on Numerical Analysis 49:2543, doi:10.1137/100806278.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem import IHTRegressor
    >>> X = np.random.default_rng(0).standard_normal((60, 200))
    >>> y = 3.0 * X[:, 4] - 2.0 * X[:, 70] + 1.0
    >>> model = IHTRegressor().fit(X, y)
    >>> model.support_
    array([ 4, 70])
    >>> model.coef_[model.support_].round(6)
    array([ 3., -2.])
    """

    _anchor = "coef_"

    def __init__(
        self,
        n_nonzero_coefs=None,
        *,
        alpha=0.0,
        fit_intercept=True,
        effort="auto",
        criterion="gic",
        max_features=None,
        groups=None,
        always_select=None,
        positive=False,
        multi_output="joint",
        max_iter=100,
        tol=1e-7,
        warm_start=False,
        backend=None,
    ):
        self.n_nonzero_coefs = n_nonzero_coefs
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.effort = effort
        self.criterion = criterion
        self.max_features = max_features
        self.groups = groups
        self.always_select = always_select
        self.positive = positive
        self.multi_output = multi_output
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.backend = backend

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @transactional
    def fit(self, X, y, sample_weight=None):
        """Find the support and its coefficients.

        Parameters
        ----------
        X : array or sparse matrix of shape (n_samples, n_features)
            Any units; CSC is the sparse format that is not converted.
        y : array of shape (n_samples,) or (n_samples, n_targets)
            Any units.
        sample_weight : array of shape (n_samples,), default=None
            >= 0, not all zero; a weight of 2 is a sample seen twice.

        Returns
        -------
        self : IHTRegressor
        """
        settings = self._check_options()
        earlier = self._earlier_support()
        X, placement = self._receive(X, reset=True, accept_sparse=("csc", "csr"))
        design = self._place(X, placement)
        y, y_ndim = _check_y(self, y, X, placement, design.wide)
        weights = check_sample_weight(sample_weight, X, placement, design.wide)
        solved = []
        for columns in self._target_blocks(y):
            problem = Problem(
                design, columns, weights, fit_intercept=self.fit_intercept, alpha=self.alpha,
                locked=self._check_always_select(X.shape[1]),
            )  # fmt: skip
            solved.append((problem, self._solve(problem, settings, earlier, X, y)))
        self._store(solved, y_ndim, y.shape[1], placement, design)
        return self

    def predict(self, X):
        """Predict with the selected features.

        Parameters
        ----------
        X : array or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        y : array of shape (n_samples,) or (n_samples, n_targets)
            In the namespace and type of X. Cost O(n_samples n_features n_targets).
        """
        check_is_fitted(self)
        X, placement = self._receive(X, reset=False, method="predict", accept_sparse=("csc", "csr"))
        if scipy.sparse.issparse(X):
            return X @ arrays.to_numpy(self.coef_).T + np.asarray(self.intercept_, dtype=X.dtype)
        X = placement.asarray(X)
        coef = placement.asarray(self.coef_, X.dtype)
        coef = coef if coef.ndim == 1 else placement.xp.matrix_transpose(coef)
        return placement.release(X @ coef + placement.asarray(self.intercept_, X.dtype))

    # -------------------------------------------------------------------------------------------------------- input

    def _check_options(self):
        if self.n_nonzero_coefs is not None:
            check_number("n_nonzero_coefs", self.n_nonzero_coefs, kind=numbers.Integral, low=0)
            if self.max_features is not None:
                raise ValueError(
                    f"n_nonzero_coefs={self.n_nonzero_coefs} and max_features={self.max_features} are both set; "
                    "max_features bounds the path of n_nonzero_coefs=None. Leave one of them None."
                )
        if self.max_features is not None:
            check_number("max_features", self.max_features, kind=numbers.Integral, low=0)
        check_number("alpha", self.alpha, low=0, high=np.inf, high_open=True)
        check_number("max_iter", self.max_iter, kind=numbers.Integral, low=1)
        check_number("tol", self.tol, low=0, high=1, high_open=True)
        for name, options in (
            ("effort", EFFORTS), ("criterion", tuple(CRITERIA)), ("multi_output", ("joint", "independent")),
            ("fit_intercept", (True, False)), ("warm_start", (True, False)), ("positive", (True, False)),
        ):  # fmt: skip
            check_option(name, getattr(self, name), options)
        for name, absent in (("groups", None), ("positive", False)):
            if getattr(self, name) is not absent:
                raise NotImplementedError(f"{name} is not available yet; leave {name}={absent}.")
        return Settings(self.effort, self.max_iter, self.tol, self.criterion)

    def _check_always_select(self, n_features):
        if self.always_select is None:
            return np.empty(0, dtype=np.intp)
        index = np.asarray(self.always_select)
        if index.size == 0:
            return np.empty(0, dtype=np.intp)
        if index.ndim != 1 or index.dtype.kind not in "iu" or index.min() < 0 or index.max() >= n_features:
            raise ValueError(
                f"always_select={self.always_select!r} is not a list of features; expected column indices in "
                f"[0, {n_features})."
            )
        index = np.unique(index)
        if self.n_nonzero_coefs is not None and len(index) > self.n_nonzero_coefs:
            raise ValueError(
                f"always_select names {len(index)} features, more than n_nonzero_coefs={self.n_nonzero_coefs}; they "
                "count among the selected ones. Raise n_nonzero_coefs or shorten the list."
            )
        return index

    def _place(self, X, placement):
        if scipy.sparse.issparse(X):
            if not arrays.same_place(X, placement):
                raise ValueError(
                    f"X is sparse and backend={self.backend!r} computes elsewhere; sparse input is supported on the "
                    "host. Use backend=None, or pass X.toarray() if it fits the device."
                )
            return as_design(X)
        return as_design(placement.asarray(X))

    def _target_blocks(self, y):
        if self.multi_output == "joint":
            return [y]
        return [y[:, k : k + 1] for k in range(y.shape[1])]

    def _earlier_support(self):
        if not self.warm_start or not hasattr(self, "support_"):
            return None
        return np.asarray(arrays.to_numpy(self.support_)), self.n_features_in_

    # ------------------------------------------------------------------------------------------------------ solving

    def _solve(self, problem, settings, earlier, X, y):
        start = None
        if earlier is not None and earlier[1] == problem.n_features:
            start = earlier[0][problem.usable[earlier[0]]]
        if self.n_nonzero_coefs is None:
            limit = None if self.max_features is None else min(self.max_features, *problem.design.shape)
            n_tasks = None if limit is None else limit + 1

            def track(points):
                return fit_tasks(self, points, name="size", n_tasks=n_tasks, X=X, y=y)

            return solve_path(problem, limit, settings, start, track)
        most = min(problem.n_rows, problem.n_features)
        if self.n_nonzero_coefs > most:
            raise ValueError(
                f"n_nonzero_coefs={self.n_nonzero_coefs} is more than min(n_samples, n_features) = {most} "
                f"(n_samples = {problem.n_rows}, n_features = {problem.n_features}); expected 0 <= n_nonzero_coefs <= "
                f"{most}. Lower it, or use n_nonzero_coefs=None to let the criterion choose."
            )
        return solve_size(problem, self.n_nonzero_coefs, settings, start)

    def _store(self, solved, y_ndim, n_targets, placement, design):
        n_features = design.shape[1]
        coef = np.zeros((n_targets, n_features))
        intercept = np.zeros(n_targets)
        paths, first = [], 0
        for problem, solution in solved:
            targets = slice(first, first + problem.n_targets)
            first = targets.stop
            support = solution.candidate.support
            coef[targets, support], intercept[targets] = problem.to_input_units(support, solution.coefs)
            paths.append(_path_bunch(problem, solution))
        candidates = [solution.candidate for _, solution in solved]
        support = np.unique(np.concatenate([c.support for c in candidates]))
        dtype = design.X.dtype
        single = y_ndim == 1
        self.coef_ = placement.asarray(coef[0] if single else coef, dtype)
        self.intercept_ = float(intercept[0]) if single else placement.asarray(intercept, dtype)
        self.support_ = placement.asarray(support)
        if hasattr(self, "feature_names_in_"):
            self.support_names_ = self.feature_names_in_[support]
        self.margin_ = float(min(c.margin for c in candidates))
        self.swap_optimal_ = all(c.swap_optimal for c in candidates)
        self.path_ = paths[0] if self.multi_output == "joint" else paths
        self.n_passes_ = design.n_passes
        self.n_iter_ = max(solution.n_iter for _, solution in solved)


def _check_y(estimator, y, X, placement, dtype):
    """Validated targets on the placement of X, made two-dimensional, and the dimensions they came with."""
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None: expected an array of shape "
            "(n_samples,) or (n_samples, n_targets)."
        )
    y = check_array(y, ensure_2d=False, dtype="numeric", input_name="y")
    check_consistent_length(X, y)
    if y.ndim > 2:
        raise ValueError(f"y has {y.ndim} dimensions; expected shape (n_samples,) or (n_samples, n_targets).")
    y = placement.asarray(y, dtype)
    return (y[:, None], 1) if y.ndim == 1 else (y, 2)


def _path_bunch(problem, solution):
    converted = [problem.to_input_units(point.support, point.coefs) for point in solution.points]
    return Bunch(
        supports=[point.support for point in solution.points],
        coefs=[slopes if problem.n_targets > 1 else slopes[0] for slopes, _ in converted],
        intercepts=[intercepts if problem.n_targets > 1 else float(intercepts[0]) for _, intercepts in converted],
        objective=np.array([point.loss for point in solution.points]) * problem.scale**2,
        criterion=np.array(solution.criteria),
    )

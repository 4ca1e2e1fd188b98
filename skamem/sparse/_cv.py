"""IHTRegressorCV: the number of coefficients by cross-validation."""

from numbers import Integral
from typing import ClassVar

import numpy as np
from sklearn.metrics import check_scoring

from skamem.core import arrays
from skamem.core.base import transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.parameters import BOOLEAN, COUNT, Interval, Scoring, Splits, plain
from skamem.core.warn import warn
from skamem.sparse._base import SparseLinearRegressor, check_held, path_bunch
from skamem.sparse._features import read_always_select, read_groups
from skamem.sparse._inputs import check_room, read_inputs, read_splits
from skamem.sparse._regressor import IHTRegressor
from skamem.sparse.objective._design import host
from skamem.sparse.objective._problem import Problem
from skamem.sparse.search._groups import count_selections
from skamem.sparse.search._path import default_max_size
from skamem.sparse.search._plan import Settings
from skamem.sparse.search._validation import CrossValidation

__all__ = ["IHTRegressorCV"]


class IHTRegressorCV(SparseLinearRegressor):
    """`IHTRegressor` with the number of nonzero coefficients chosen by cross-validation.

    The paths of all folds advance in lock step on their Gram matrices; each is what all samples give less the fold, so
    X is read once, and held-out errors need no predictions.

    Parameters
    ----------
    max_features : int, default=None
        Largest number of coefficients tried (of groups, with `groups`). None: as in `IHTRegressor`, with an early stop.
    cv : int, splitter or iterable of splits, default=None
        As in scikit-learn; None is 5 folds. Samples of weight zero are in none, and splits without others on both sides
        are left out.
    scoring : str or callable, default=None
        As in scikit-learn, greater is better, called without sample weights. None: the negative mean squared error,
        weighted by `sample_weight`, summed over targets.
    one_se : bool, default=False
        Take the smallest size whose mean score is within one standard error of the best.
    n_jobs : int, default=None
        Threads for folds that are fitted one by one: with more than 2000 features, `groups` or `positive`.
    alpha : float, default=0.0
        Ridge penalty, as in `IHTRegressor`.
    fit_intercept : bool, default=True
        Whether to fit an intercept.
    effort : {"swap", "fast", "auto", "thorough"}, default="swap"
        How to search at the chosen size; the paths use swaps, with "fast" forward selection. "swap" keeps the support
        of the path on all samples.
    groups : array-like of shape (n_features,), dict or callable, default=None
        As in `IHTRegressor`.
    always_select : array-like of int or str, default=None
        As in `IHTRegressor`.
    positive : bool, default=False
        As in `IHTRegressor`; for one target.
    max_iter : int, default=100
        As in `IHTRegressor`.
    tol : float, default=1e-7
        As in `IHTRegressor`.
    weight_kind : {"frequency", "precision"}, default="frequency"
        As in `IHTRegressor`.
    backend : None, "numpy", "cupy", "cupy:<index>", "torch" or "torch:<device>", default=None
        Where passes over X run; None follows X.

    Attributes
    ----------
    n_nonzero_coefs_ : int
        Chosen size (number of groups, with `groups`).
    cv_results_ : dict
        ``n_nonzero_coefs``, ``split<k>_test_score``, ``mean_test_score``, ``std_test_score``: one entry for each size.
    coef_ : array of shape (n_features,) or (n_targets, n_features)
        A 2-D y shares one support.
    intercept_ : float or array of shape (n_targets,)
    support_ : int array of shape (n_selected,)
        Selected features, ascending.
    support_names_ : array of str of shape (n_selected,)
        Their names; only if X had feature names.
    margin_ : float
        As in `IHTRegressor`.
    swap_optimal_ : bool
        As in `IHTRegressor`.
    path_ : Bunch
        As in `IHTRegressor`: on all samples.
    n_passes_ : float
        Products with all of X that `fit` took; parts of X count as parts.
    n_iter_ : int
        Iterations of hard thresholding at the chosen size; 1 where the path was kept.
    n_features_in_ : int
    feature_names_in_ : array of str of shape (n_features,)
        Only if X had feature names that are all strings.

    Raises
    ------
    ValueError
        In `fit`, as `IHTRegressor`, and for fewer samples than folds.

    Notes
    -----
    Cost O(n p²) for p <= 2000 features, and O(s p) for each size s and fold.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem import IHTRegressorCV
    >>> X = np.random.default_rng(0).standard_normal((80, 30))
    >>> y = 3.0 * X[:, 4] - 2.0 * X[:, 17] + np.random.default_rng(1).standard_normal(80)
    >>> model = IHTRegressorCV(one_se=True).fit(X, y)
    >>> model.support_
    array([ 4, 17])
    """

    _parameters: ClassVar = {
        "cv": Splits(),
        "scoring": Scoring(),
        "one_se": BOOLEAN,
        "n_jobs": COUNT | Interval(Integral, high=-1) | None,
    }

    def __init__(
        self,
        max_features=None,
        *,
        cv=None,
        scoring=None,
        one_se=False,
        n_jobs=None,
        alpha=0.0,
        fit_intercept=True,
        effort="swap",
        groups=None,
        always_select=None,
        positive=False,
        max_iter=100,
        tol=1e-7,
        weight_kind="frequency",
        backend=None,
    ):
        self.max_features = max_features
        self.cv = cv
        self.scoring = scoring
        self.one_se = one_se
        self.n_jobs = n_jobs
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.effort = effort
        self.groups = groups
        self.always_select = always_select
        self.positive = positive
        self.max_iter = max_iter
        self.tol = tol
        self.weight_kind = weight_kind
        self.backend = backend

    @transactional
    def fit(self, X, y, sample_weight=None):
        """Choose the size, and fit it to all samples.

        Parameters
        ----------
        X : array or sparse matrix of shape (n_samples, n_features)
            Any units.
        y : array of shape (n_samples,) or (n_samples, n_targets)
            Any units.
        sample_weight : array of shape (n_samples,), default=None
            >= 0, not all zero; used in fitting and in the default score. A sample of weight 0 is absent.

        Returns
        -------
        self : IHTRegressorCV
        """
        inputs = read_inputs(self, X, y, sample_weight)
        validation = self._validation(inputs)
        problem = validation.problem

        def track(steps):
            return fit_tasks(self, steps, name="size or fold", n_tasks=None, X=X, y=y)

        scores, points = validation.run(track)
        chosen = self._choose(scores, validation)
        solution = validation.final(points, chosen)
        self._summarise(scores, validation)
        # Not the size of that index: an exact fit drops idle members, and signs may leave fewer.
        self.n_nonzero_coefs_ = validation.n_selected(solution)
        self._store([(problem, solution)], inputs)
        self.path_ = path_bunch(problem, solution)
        self.n_iter_ = solution.n_iter
        return self

    def _validation(self, inputs):
        groups = read_groups(self)
        locked = read_always_select(self)

        def problem_of(weights):
            return Problem(
                inputs.design, inputs.y, weights, fit_intercept=self.fit_intercept, alpha=self.alpha, locked=locked,
                positive=self.positive, precisions=self.weight_kind == "precision",
                merge_copies=groups is None,
            )  # fmt: skip

        problem = problem_of(inputs.weights)
        check_room(problem, groups, size=None, max_features=plain(self.max_features))
        weights = None if inputs.weights is None else host(inputs.weights)
        splits = read_splits(self, arrays.to_numpy(inputs.y[:, 0]), weights)
        return CrossValidation(
            problem, problem_of, inputs.y, splits, self._largest(problem, splits, groups),
            self.max_features is not None, groups, Settings(self.effort, plain(self.max_iter), plain(self.tol)),
            self._score(inputs, splits), self.n_jobs,
        )  # fmt: skip

    def _largest(self, problem, splits, groups):
        n_samples = min(self._counted(problem.weight, train) for train, _ in splits)
        n_choices = problem.n_features if groups is None else len(groups)
        if self.max_features is None:
            most = min(n_choices, default_max_size(n_samples, problem.n_features))
        else:
            most = min(plain(self.max_features), n_choices, max(int(n_samples) - 1, 0))
        return max(most, count_selections(problem.locked, groups))

    def _counted(self, weights, rows):
        """Number of samples `rows` that a criterion counts; see `Problem.n_counted`."""
        if weights is None or self.weight_kind == "precision":
            return len(rows)
        return max(float(host(weights)[rows].sum()), len(rows))

    def _score(self, inputs, splits):
        """Function of ``(fold, support, slopes, intercepts)``, or None for the squared error."""
        if self.scoring is None:
            return None
        scorer = check_scoring(IHTRegressor(), self.scoring)
        placement, dtype = inputs.placement, inputs.design.X.dtype
        y = inputs.y[:, 0] if inputs.is_vector else inputs.y
        parts = [
            tuple(map(placement.release, (inputs.design.samples(test), inputs.design.pick(y, test))))
            for _, test in splits
        ]

        def score(fold, support, slopes, intercepts):
            coef = np.zeros((len(slopes), self.n_features_in_))
            coef[:, support] = slopes
            check_held(coef, support, placement, dtype)
            model = IHTRegressor(backend=self.backend)
            model.coef_ = placement.asarray(coef[0] if inputs.is_vector else coef, dtype)
            model.intercept_ = float(intercepts[0]) if inputs.is_vector else placement.asarray(intercepts, dtype)
            model.n_features_in_ = self.n_features_in_
            return float(scorer(model, *parts[fold]))

        return score

    def _choose(self, scores, validation):
        """Index of the best size, or of the smallest that is not clearly worse."""
        mean = scores.mean(axis=1)
        if not np.all(np.isfinite(mean)):
            if np.all(np.isnan(mean)):
                raise ValueError(
                    f"scoring={self.scoring!r} is NaN for every size; expected numbers. Choose another score, or "
                    "larger folds."
                )
            warn(f"One or more of the test scores are non-finite: {mean}. Sizes with NaN are not chosen.")
        best = validation.best(mean)
        if not self.one_se or scores.shape[1] == 1:
            return best
        error = _spread(scores[best], ddof=1) / np.sqrt(scores.shape[1])
        return validation.best(mean, error)

    def _summarise(self, scores, validation):
        self.cv_results_ = {f"split{k}_test_score": scores[:, k] for k in range(scores.shape[1])}
        self.cv_results_["mean_test_score"] = scores.mean(axis=1)
        self.cv_results_["std_test_score"] = _spread(scores)
        self.cv_results_["n_nonzero_coefs"] = validation.smallest_size() + np.arange(len(scores))


def _spread(scores, ddof=0):
    """Standard deviation over folds, of errors whose squares overflow too."""
    unit = np.max(np.abs(scores), axis=-1, keepdims=True)
    unit = np.where(np.isfinite(unit) & (unit > 0), unit, 1.0)
    return np.std(scores / unit, axis=-1, ddof=ddof) * unit[..., 0]

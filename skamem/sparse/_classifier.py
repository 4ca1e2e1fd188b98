"""IHTClassifier: sparse logistic regression."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.exceptions import ConvergenceWarning

from skamem.core import arrays
from skamem.core.base import transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.parameters import plain
from skamem.core.validation import check_labels, check_sample_weight
from skamem.core.warn import warn
from skamem.sparse._base import SparseLinearModel, check_size
from skamem.sparse._features import read_always_select, read_groups
from skamem.sparse._inputs import check_room, counting, read_samples
from skamem.sparse.search._logistic import LogisticSearch, log_logistic, logistic
from skamem.sparse.search._plan import Settings

__all__ = ["IHTClassifier"]


class IHTClassifier(ClassifierMixin, SparseLinearModel):
    """Logistic regression with at most s nonzero coefficients for each class.

    The search of `IHTRegressor` runs on quadratic models of the logistic loss, each at the refit of the support before;
    the best refit by its true loss is kept. More than two classes are each separated from the rest, with a support of
    their own.

    Parameters
    ----------
    n_nonzero_coefs : int, default=None
        Most nonzero coefficients a class, 0 <= s <= min(n_samples, n_features). None lets `criterion` choose.
    alpha : float, default=0.001
        Ridge penalty, >= 0, alpha/2 Σ_j (w_j ‖x_j - x̄_j‖)² next to the sum of log losses: it keeps coefficients finite
        where classes can be separated.
    fit_intercept : bool, default=True
        Whether to fit an unpenalised intercept.
    effort : {"swap", "fast", "auto", "thorough"}, default="swap"
        As in `IHTRegressor`, for each quadratic model.
    criterion : {"gicc", "gic", "bic", "ebic"}, default="gicc"
        Price of the size, added to the deviance, when `n_nonzero_coefs` is None; as in `IHTRegressor`.
    max_features : int, default=None
        Largest size tried, for ``n_nonzero_coefs=None``; None as in `IHTRegressor`.
    groups : array-like of shape (n_features,), dict or callable, default=None
        As in `IHTRegressor`.
    always_select : array-like of int or str, default=None
        Features that every support contains, by column or by name; they count in s.
    max_iter : int, default=10
        Most quadratic models.
    tol : float, default=1e-7
        As in `IHTRegressor`.
    weight_kind : {"frequency", "precision"}, default="frequency"
        As in `IHTRegressor`.
    backend : None, "numpy", "cupy", "cupy:<index>", "torch" or "torch:<device>", default=None
        Where passes over X run; None follows X.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted labels.
    coef_ : array of shape (1, n_features) or (n_classes, n_features)
        One row for two classes.
    intercept_ : array of shape (1,) or (n_classes,)
    support_ : int array of shape (n_selected,)
        Features selected for any class, ascending.
    support_names_ : array of str of shape (n_selected,)
        Their names; only if X had feature names.
    n_iter_ : int
        Quadratic models searched, the most over classes.
    n_features_in_ : int
    feature_names_in_ : array of str of shape (n_features,)
        Only if X had feature names that are all strings.

    Raises
    ------
    ValueError
        In `fit`: when `n_nonzero_coefs` is larger than min(n_samples, n_features), when y has one class, for options or
        weights out of range.

    Notes
    -----
    Cost of some fits of `IHTRegressor` a class, and O(n s²) for each refit.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem import IHTClassifier
    >>> X = np.random.default_rng(0).standard_normal((200, 50))
    >>> y = np.where(X[:, 3] - X[:, 30] > 0, "yes", "no")
    >>> model = IHTClassifier(2).fit(X, y)
    >>> model.support_, model.score(X, y)
    (array([ 3, 30]), 1.0)
    """

    def __init__(
        self,
        n_nonzero_coefs=None,
        *,
        alpha=1e-3,
        fit_intercept=True,
        effort="swap",
        criterion="gicc",
        max_features=None,
        groups=None,
        always_select=None,
        max_iter=10,
        tol=1e-7,
        weight_kind="frequency",
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
        self.max_iter = max_iter
        self.tol = tol
        self.weight_kind = weight_kind
        self.backend = backend

    @transactional
    def fit(self, X, y, sample_weight=None):
        """Find the supports and their coefficients.

        Parameters
        ----------
        X : array or sparse matrix of shape (n_samples, n_features)
            Any units.
        y : array-like of shape (n_samples,)
            Labels, numbers or strings.
        sample_weight : array of shape (n_samples,), default=None
            >= 0, not all zero, see `weight_kind`; a sample of weight 0 is absent.

        Returns
        -------
        self : IHTClassifier
        """
        design, placement = read_samples(self, X)
        settings = Settings(self.effort, plain(self.max_iter), plain(self.tol), self.criterion)
        size, limit = plain(self.n_nonzero_coefs), plain(self.max_features)
        self.classes_, codes = check_labels(y, design.X, owner=type(self).__name__)
        weights = check_sample_weight(sample_weight, design.X, placement, design.wide)
        weights = counting(weights, precisions=self.weight_kind == "precision")
        locked, groups = read_always_select(self), read_groups(self)
        searches = [
            LogisticSearch(
                design, design.asarray((codes == one).astype(np.float64))[:, None], weights, settings,
                fit_intercept=self.fit_intercept, alpha=self.alpha, locked=locked, groups=groups,
            )
            for one in ([1] if len(self.classes_) == 2 else range(len(self.classes_)))
        ]  # fmt: skip
        problem = searches[0].base
        if groups is None:
            shape = f"n_samples = {problem.n_rows}, n_features = {problem.n_features}"
            check_size(size, min(problem.n_rows, problem.n_features), f"min(n_samples, n_features) ({shape})")
        else:
            check_size(size, len(groups), "the number of groups; it counts groups")
        check_room(problem, groups, size=size, max_features=limit)
        found = [
            search.run(size, limit)
            for search in fit_tasks(self, searches, name="class", n_tasks=len(searches), X=X, y=y)
        ]
        # A callback may stop the fit: the classes that it did not come to have an intercept.
        found += [(search.refit(np.flatnonzero(problem.locked)), 1, True) for search in searches[len(found) :]]
        self._store(searches, [fit for fit, *_ in found], placement)
        self.n_iter_ = max(n_iter for _, n_iter, _ in found)
        if not all(converged for *_, converged in found):
            warn(
                f"Quadratic models still lower the loss after max_iter={self.max_iter} of them. Raise max_iter.",
                ConvergenceWarning,
            )
        return self

    def _store(self, searches, fits, placement):
        coef, intercept = np.zeros((len(fits), self.n_features_in_)), np.zeros(len(fits))
        for k, (search, fit) in enumerate(zip(searches, fits, strict=True)):
            coef[k, fit.support], intercept[k] = search.to_input_units(fit)
        self._store_model(coef, intercept, [fit.support for fit in fits], placement, searches[0].design.X.dtype)

    def decision_function(self, X):
        """Log odds of each class against the rest.

        Parameters
        ----------
        X : array or sparse matrix of shape (n_samples, n_features)
            As in `fit`.

        Returns
        -------
        scores : array of shape (n_samples,) for two classes, or (n_samples, n_classes)
            In the namespace of X.
        """
        scores, placement = self._scores(X, "decision_function")
        return placement.give(scores[:, 0] if scores.shape[1] == 1 else scores)

    def predict_proba(self, X):
        """Probabilities of the classes; those of more than two are scaled to sum to 1.

        Parameters
        ----------
        X : array or sparse matrix of shape (n_samples, n_features)
            As in `fit`.

        Returns
        -------
        probabilities : array of shape (n_samples, n_classes)
            Rows sum to 1.
        """
        scores, placement = self._scores(X, "predict_proba")
        if scores.shape[1] == 1:
            xp = arrays.namespace(scores)
            return placement.give(xp.concat([logistic(-scores), logistic(scores)], axis=1))
        return placement.give(_shares(log_logistic(scores))[0])

    def predict_log_proba(self, X):
        """Logarithms of the probabilities of the classes, finite where those are too small for a number.

        Parameters
        ----------
        X : array or sparse matrix of shape (n_samples, n_features)
            As in `fit`.

        Returns
        -------
        logarithms : array of shape (n_samples, n_classes)
            Of what `predict_proba` gives.
        """
        scores, placement = self._scores(X, "predict_log_proba")
        if scores.shape[1] == 1:
            xp = arrays.namespace(scores)
            return placement.give(xp.concat([log_logistic(-scores), log_logistic(scores)], axis=1))
        return placement.give(_shares(log_logistic(scores))[1])

    def predict(self, X):
        """Most probable class.

        Parameters
        ----------
        X : array or sparse matrix of shape (n_samples, n_features)
            As in `fit`.

        Returns
        -------
        labels : array of shape (n_samples,)
            In the namespace of `X` for numeric labels, NumPy for strings.
        """
        scores, placement = self._scores(X, "predict")
        xp = arrays.namespace(scores)
        winners = xp.argmax(scores, axis=1) if scores.shape[1] > 1 else xp.astype(scores[:, 0] > 0, xp.int64)
        return arrays.take_labels(self.classes_, placement.give(winners))


def _shares(logs):
    """exp(logs) scaled to rows that sum to 1, and the logarithms of that."""
    xp = arrays.namespace(logs)
    # Less the highest, so that a row whose odds all underflow still has a sum.
    logs = logs - xp.max(logs, axis=1, keepdims=True)
    odds = xp.exp(logs)
    total = xp.sum(odds, axis=1, keepdims=True)
    return odds / total, logs - xp.log(total)

"""What the regressors share: prediction, and the fitted attributes."""

import numpy as np
import scipy.sparse
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils import Bunch
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays
from skamem.core.base import SkamemEstimator

__all__ = ["SparseLinearModel"]


class SparseLinearModel(MultiOutputMixin, RegressorMixin, SkamemEstimator):
    """Abstract linear regressor with few nonzero coefficients; see `IHTRegressor` for the attributes."""

    _anchor = "coef_"

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = self._takes_many_targets()
        return tags

    def _takes_many_targets(self):
        return not self.positive

    def predict(self, X):
        """Predict with the selected features.

        Parameters
        ----------
        X : array or sparse matrix of shape (n_samples, n_features)
            As in `fit`.

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

    def _store(self, solved, inputs):
        """Set the fitted attributes from pairs (problem, solution), one for each block of targets."""
        coef = np.zeros((inputs.y.shape[1], self.n_features_in_))
        intercept = np.zeros(len(coef))
        first = 0
        for problem, solution in solved:
            targets = slice(first, first + problem.n_targets)
            first = targets.stop
            support = solution.candidate.support
            coef[targets, support], intercept[targets] = problem.to_input_units(support, solution.coefs)
        candidates = [solution.candidate for _, solution in solved]
        support = np.unique(np.concatenate([candidate.support for candidate in candidates]))
        placement, dtype = inputs.placement, inputs.design.X.dtype
        self.coef_ = placement.asarray(coef[0] if inputs.is_vector else coef, dtype)
        self.intercept_ = float(intercept[0]) if inputs.is_vector else placement.asarray(intercept, dtype)
        self.support_ = placement.asarray(support)
        if hasattr(self, "feature_names_in_"):
            self.support_names_ = self.feature_names_in_[support]
        self.margin_ = float(min(candidate.margin for candidate in candidates))
        self.swap_optimal_ = all(candidate.swap_optimal for candidate in candidates)
        self.n_passes_ = inputs.design.n_passes


def path_bunch(problem, solution):
    """The sizes that a solver looked at, in the units of X and y."""
    supports = [point.support for point in solution.points]
    # All sizes at once: a path of a small problem has more of them than it has work.
    index = np.concatenate(supports)
    slopes = np.concatenate([point.coefs for point in solution.points]) * (
        problem.inverse_norm[index, None] * problem.scale
    )
    ends = np.cumsum([len(support) for support in supports])
    offsets = np.cumsum(np.vstack([np.zeros((1, problem.n_targets)), slopes * problem.mean[index, None]]), axis=0)
    intercepts = problem.target_mean - np.diff(offsets[np.append(0, ends)], axis=0)
    single = problem.n_targets == 1
    return Bunch(
        supports=supports,
        coefs=np.split(slopes[:, 0] if single else slopes.T, ends[:-1], axis=-1),
        intercepts=list(intercepts[:, 0]) if single else list(intercepts),
        objective=np.array([point.loss for point in solution.points]) * problem.scale**2,
        criterion=np.array(solution.criteria),
    )

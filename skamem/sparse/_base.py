"""What the sparse linear models share: options, prediction, and the fitted attributes."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
import scipy.sparse
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils import Bunch
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays
from skamem.core.base import SkamemEstimator
from skamem.core.parameters import BOOLEAN, COUNT, Interval, Options, WithData
from skamem.sparse.objective._criteria import CRITERIA
from skamem.sparse.search._plan import EFFORTS, TEXTBOOK

__all__ = ["SparseLinearModel", "SparseLinearRegressor", "check_held", "check_size", "path_bunch"]


class SparseLinearModel(SkamemEstimator):
    """Abstract linear model with few nonzero coefficients; see `IHTRegressor` for the attributes."""

    _anchor = "coef_"
    _stays_home: ClassVar[tuple[str, ...]] = ("path_", "cv_results_")
    _parameters: ClassVar = {
        "n_nonzero_coefs": Interval(Integral, low=0) | None,
        "max_features": Interval(Integral, low=0) | None,
        "alpha": Interval(Real, low=0),
        "fit_intercept": BOOLEAN,
        "effort": Options(*(effort for effort in EFFORTS if effort not in TEXTBOOK)),
        "criterion": Options(*CRITERIA),
        "groups": WithData("None, or one label for each feature"),
        "always_select": WithData("None, or column indices or names"),
        "positive": BOOLEAN,
        "max_iter": COUNT,
        "tol": Interval(Real, low=0, high=1, high_open=True),
        "weight_kind": Options("frequency", "precision"),
    }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # Sparse input is computed on where it is: the host.
        tags.input_tags.sparse = self._backend is None or str(self._backend) == "numpy"
        return tags

    def _why_not_fitted(self):
        """Words for the error, where an estimator has seen rows and is not fitted yet; else None."""

    def _scores(self, X, method):
        """Linear predictor at X, for the public `method`, and the placement that gives it to the caller."""
        check_is_fitted(self, msg=self._why_not_fitted())
        X, placement = self._receive(X, reset=False, method=method, accept_sparse=("csc", "csr"))
        if scipy.sparse.issparse(X):
            return X @ arrays.to_numpy(self.coef_).T + arrays.to_numpy(placement.asarray(self.intercept_)), placement
        X, coef, intercept = (placement.asarray(a, placement.working_dtype) for a in (X, self.coef_, self.intercept_))
        coef = coef if coef.ndim == 1 else placement.xp.matrix_transpose(coef)
        return X @ coef + intercept, placement

    def _store_model(self, coef, intercept, supports, placement, dtype):
        """Set the attributes of a model whose rows of host `coef` have the nonzeros `supports`."""
        support = np.unique(np.concatenate(supports))
        check_held(coef, support, placement, dtype)
        self.coef_ = placement.asarray(coef, dtype)
        self.intercept_ = intercept if isinstance(intercept, float) else placement.asarray(intercept, dtype)
        self.support_ = placement.asarray(support)
        if hasattr(self, "feature_names_in_"):
            self.support_names_ = self.feature_names_in_[support]


class SparseLinearRegressor(MultiOutputMixin, RegressorMixin, SparseLinearModel):
    """Abstract linear regressor with few nonzero coefficients."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = self._takes_many_targets()
        return tags

    def _takes_many_targets(self):
        # Tags are asked for before parameters are checked, so that this may meet anything.
        return not BOOLEAN.accepts(self.positive) or not self.positive

    def _check_parameters(self):
        super()._check_parameters()
        if self.positive and self.always_select is not None:
            raise ValueError(
                "positive=True cannot be combined with always_select: the best nonnegative coefficient of a feature "
                "may be zero, and then it is not selected. Leave always_select=None."
            )

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
        scores, placement = self._scores(X, "predict")
        return placement.give(scores)

    def _store(self, solved, inputs):
        """Set the fitted attributes from pairs (problem, solution), one for each block of targets."""
        coef = np.zeros((inputs.y.shape[1], self.n_features_in_))
        intercept = np.zeros(len(coef))
        first = 0
        for problem, solution in solved:
            targets = slice(first, first + problem.n_targets)
            first = targets.stop
            support = solution.fit.support
            coef[targets, support], intercept[targets] = problem.to_input_units(support, solution.fit.coefs)
        fits = [solution.fit for _, solution in solved]
        if inputs.is_vector:
            coef, intercept = coef[0], float(intercept[0])
        supports = [fit.support for fit in fits]
        dtype = arrays.float_dtype(inputs.like, inputs.placement.xp)
        self._store_model(coef, intercept, supports, inputs.placement, dtype)
        self.margin_ = float(min(fit.margin for fit in fits))
        self.swap_optimal_ = all(fit.swap_optimal for fit in fits)
        self.n_passes_ = inputs.design.n_passes


def check_held(coef, support, placement, dtype):
    """Raise ValueError for coefficients that `dtype` cannot hold: predictions would be infinite, or constant.

    Parameters
    ----------
    coef : array of shape (n_features,) or (n_targets, n_features)
        Host, in double precision.
    support : int array
        Features that have any.
    placement : Placement
    dtype : dtype
        Of the fitted coefficients, where `placement` computes.
    """
    limits = placement.xp.finfo(dtype)
    most, least = float(limits.max), float(limits.smallest_normal)
    sizes = np.abs(np.atleast_2d(coef)[:, support])
    largest = sizes.max(axis=1, initial=0.0)
    wrong = np.flatnonzero((largest > most) | ((largest > 0.0) & (largest < least)))
    if not len(wrong):
        return
    column, value = support[np.argmax(sizes[wrong[0]])], largest[wrong[0]]
    name = arrays.dtype_name(placement.asarray(np.zeros(0), dtype))
    raise ValueError(
        f"The coefficient of feature {column} has magnitude {value:.3g}, which {name} cannot hold; expected "
        f"{least:.3g} to {most:.3g}. "
        "Rescale that feature or y" + (", or pass X in float64." if name == "float32" else ".")
    )


def check_size(size, most, bound):
    """Raise ValueError if `n_nonzero_coefs` is more than `most`, which is `bound` in words."""
    if size is not None and size > most:
        raise ValueError(
            f"n_nonzero_coefs={size} is more than {bound}; expected 0 <= n_nonzero_coefs <= {most}. Lower it, or "
            "use n_nonzero_coefs=None to let the criterion choose."
        )


def path_bunch(problem, solution):
    """The sizes that a solver looked at, in the units of X and y."""
    points = solution.points
    models = [problem.to_input_units(point.support, point.coefs) for point in points]
    single = problem.n_targets == 1
    return Bunch(
        supports=[point.support for point in points],
        coefs=[slopes[0] if single else slopes for slopes, _ in models],
        intercepts=[float(intercepts[0]) if single else intercepts for _, intercepts in models],
        objective=np.array([point.loss for point in points]) * problem.scale**2,
        criterion=np.array(solution.criteria),
    )

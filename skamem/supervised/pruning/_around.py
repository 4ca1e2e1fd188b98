"""What stands around an estimator that it fits: where it computes, what it draws, and the estimator's answers."""

from numbers import Integral

from sklearn.base import MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays
from skamem.core.base import SkamemEstimator
from skamem.core.parameters import Methods
from skamem.supervised.dense._classifier import DenseAMClassifier

__all__ = ["ESTIMATOR", "AroundEstimator"]

ESTIMATOR = Methods("fit", "get_params", noun="an estimator") | None
"""What may stand inside."""


def _inner_has(name):
    """Condition: the estimator, the fitted one if there is one, has such a member."""

    def has(pruning):
        getattr(getattr(pruning, "estimator_", None) or pruning._template(), name)
        return True

    return has


class AroundEstimator(MetaEstimatorMixin, SkamemEstimator):
    """Base of an estimator around another one: parameter ``estimator``, fitted ``estimator_``; not for direct use."""

    _anchor = "estimator_"
    _stays_home = ("masks_", "pruned_in_", "path_")

    def _template(self):
        return DenseAMClassifier() if self.estimator is None else self.estimator

    def _seeded(self, random_state):
        """Clone of the estimator that draws the same numbers in each fit."""
        estimator = clone(self._template())
        parameters = estimator.get_params(deep=True)
        names = [name for name in sorted(parameters) if name.rpartition("__")[2] == "random_state"]
        free = [name for name in names if not isinstance(parameters[name], Integral)]
        given = {name: int(random_state.randint(2**31)) for name in free}
        if self.backend is not None and "backend" in parameters:
            given["backend"] = self.backend
        return estimator.set_params(**given)

    @property
    def _backend(self):
        return self.backend if self.backend is not None else getattr(self._template(), "backend", None)

    def _largest_product(self, data):
        """Not known: the estimator, whose products they are, knows its own."""
        return 0

    def _home(self):
        estimator = getattr(self, "estimator_", None)
        if isinstance(estimator, SkamemEstimator):
            return estimator._home()
        coef = getattr(estimator, "coef_", None)
        return coef if arrays.is_array(coef) else None

    def _input_options(self):
        tags = get_tags(self).input_tags
        return {"accept_sparse": "csr" if tags.sparse else False, "ensure_all_finite": not tags.allow_nan}

    def _inside(self, values):
        """Values as the estimator is to have them: on the host where `backend` is set for one that knows of none."""
        follows = self.backend is None or isinstance(self._template(), SkamemEstimator)
        return values if follows or not arrays.is_array(values) else arrays.to_numpy(values)

    def _rows_inside(self, X, method):
        check_is_fitted(self)
        X, _ = self._receive(X, reset=False, method=method, **self._input_options())
        return self._inside(X)

    def _ask(self, method, X):
        X = self._rows_inside(X, method)
        return getattr(self.estimator_, method)(X)

    @available_if(_inner_has("predict"))
    def predict(self, X):
        """Predictions of the pruned estimator.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        y : array of shape (n_samples,) or (n_samples, n_outputs)
        """
        return self._ask("predict", X)

    @available_if(_inner_has("predict_proba"))
    def predict_proba(self, X):
        """Class probabilities of the pruned estimator.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        probabilities : array of shape (n_samples, n_classes)
        """
        return self._ask("predict_proba", X)

    @available_if(_inner_has("predict_log_proba"))
    def predict_log_proba(self, X):
        """Logarithms of the class probabilities of the pruned estimator.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        log_probabilities : array of shape (n_samples, n_classes)
        """
        return self._ask("predict_log_proba", X)

    @available_if(_inner_has("decision_function"))
    def decision_function(self, X):
        """Decision function of the pruned estimator.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        scores : array of shape (n_samples,) or (n_samples, n_classes)
        """
        return self._ask("decision_function", X)

    @available_if(_inner_has("score"))
    def score(self, X, y, sample_weight=None):
        """Score of the pruned estimator.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            As the estimator has it: accuracy or R².
        """
        X = self._rows_inside(X, "score")
        return self.estimator_.score(
            X, self._inside(y), **({} if sample_weight is None else {"sample_weight": sample_weight})
        )

    @property
    def classes_(self):
        """Class labels, where the estimator has them."""
        return self.estimator_.classes_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # Whatever the parameter is, scikit-learn may ask; `fit` refuses what is no estimator.
        inner = get_tags(self._template() if ESTIMATOR.accepts(self.estimator) else DenseAMClassifier())
        tags.estimator_type, tags.target_tags = inner.estimator_type, inner.target_tags
        tags.classifier_tags, tags.regressor_tags = inner.classifier_tags, inner.regressor_tags
        tags.input_tags.sparse, tags.input_tags.allow_nan = inner.input_tags.sparse, inner.input_tags.allow_nan
        tags.array_api_support = inner.array_api_support and self.backend is None
        return tags

"""Feature selection as a step of a pipeline: exactly the features that a sparse model selected."""

from typing import ClassVar

import numpy as np
import scipy.sparse
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.feature_selection import SelectorMixin
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays
from skamem.core.base import SkamemEstimator, transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.columns import unmasked
from skamem.core.parameters import Methods
from skamem.sparse._regressor import IHTRegressor

__all__ = ["ESTIMATOR", "FeatureSelector", "SupportSelector", "support_of", "take"]

ESTIMATOR = Methods("fit", "get_params", noun="an estimator") | None
"""What a selector selects by."""


class FeatureSelector(MetaEstimatorMixin, SelectorMixin, SkamemEstimator):
    """Abstract selector around an estimator; `support_` says which features it keeps."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # Whatever the parameter is, scikit-learn may ask; `fit` refuses what is no estimator.
        inner = get_tags(self._clone() if ESTIMATOR.accepts(self.estimator) else IHTRegressor())
        tags.target_tags.required = True
        tags.target_tags.multi_output = inner.target_tags.multi_output
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        return tags

    def _template(self):
        """The estimator that is cloned."""
        return IHTRegressor() if self.estimator is None else self.estimator

    def _clone(self):
        estimator = clone(self._template())
        if self.backend is not None and "backend" in estimator.get_params(deep=False):
            estimator.set_params(backend=self.backend)
        return estimator

    @property
    def _backend(self):
        return self.backend if self.backend is not None else getattr(self._template(), "backend", None)

    def _get_support_mask(self):
        check_is_fitted(self)
        mask = np.zeros(self.n_features_in_, dtype=bool)
        mask[arrays.to_numpy(self.support_)] = True
        return mask

    def transform(self, X):
        """Keep the selected columns.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix of shape (n_samples, n_features)
            As in `fit`.

        Returns
        -------
        X : array, DataFrame or sparse matrix of shape (n_samples, n_selected)
            Its selected columns, in its type.
        """
        check_is_fitted(self)
        if self._stays_on_host(X):
            self._check_parameters()
            return super().transform(unmasked(X))  # of any type of columns
        X, placement = self._receive(X, reset=False, method="transform", **self._reading)
        return placement.give(self._transform(X))

    def _stays_on_host(self, X):
        """Whether columns are picked on the host: nothing is computed that a device would do faster."""
        comes_back = self._backend is not None or arrays.is_host(self._home())
        return comes_back and (not arrays.is_array(X) or arrays.is_host(X))

    def _transform(self, X):
        # No column is an answer, too, and no cause for a warning.
        return take(X, self.get_support(indices=True), axis=1)

    def inverse_transform(self, X):
        """Put the selected columns back in their places, and zeros in the others.

        Parameters
        ----------
        X : array or sparse matrix of shape (n_samples, n_selected)
            What `transform` gives.

        Returns
        -------
        X : array or sparse matrix of shape (n_samples, n_features)
            Zero where no feature was selected.
        """
        check_is_fitted(self)
        support = self.get_support(indices=True)
        X, placement = self._receive_outputs(
            X, len(support), method="inverse_transform", unit="selected feature", ensure_min_features=0, **self._reading
        )
        if scipy.sparse.issparse(X):
            places = (np.ones(len(support)), (np.arange(len(support)), support))
            return X @ scipy.sparse.csr_array(places, shape=(len(support), self.n_features_in_), dtype=X.dtype)
        xp = arrays.namespace(X)
        zeros = xp.zeros((X.shape[0], 1), dtype=X.dtype, device=arrays.device(X))
        column = np.full(self.n_features_in_, len(support))
        column[support] = np.arange(len(support))
        return placement.give(take(xp.concat([X, zeros], axis=1), column, axis=1))

    @property
    def _reading(self):
        tags = get_tags(self).input_tags
        return {"accept_sparse": "csr" if tags.sparse else False, "ensure_all_finite": not tags.allow_nan}


def take(values, index, axis):
    """Rows (axis 0) or columns (axis 1) of an array, sparse matrix or DataFrame."""
    if hasattr(values, "iloc"):
        return values.iloc[index] if axis == 0 else values.iloc[:, index]
    if scipy.sparse.issparse(values):
        return values[index] if axis == 0 else values[:, index]
    xp = arrays.namespace(values)
    return xp.take(values, xp.asarray(index, device=arrays.device(values)), axis=axis)


class SupportSelector(FeatureSelector):
    """Keep exactly the features that an estimator selects.

    `sklearn.feature_selection.SelectFromModel` compares coefficients with their mean by default, and so drops selected
    features whose coefficients are small, which depends on their units; this keeps `support_`, all of it.

    Parameters
    ----------
    estimator : estimator, default=None
        With ``support_`` once fitted, indices or a mask: `IHTRegressor`, `IHTRegressorCV`, `IHTClassifier`,
        `StabilitySelection`, or a pipeline whose last step is one and whose other steps keep the columns. It is cloned.
        None is ``IHTRegressor()``.
    backend : None, "numpy", "cupy", "cupy:<index>", "torch" or "torch:<device>", default=None
        Given to the estimator unless None.

    Attributes
    ----------
    estimator_ : estimator
        Fitted.
    support_ : int array of shape (n_selected,)
        Selected features, ascending.
    n_features_in_ : int
    feature_names_in_ : array of str of shape (n_features,)
        Only if X had feature names that are all strings.

    Raises
    ------
    TypeError
        In `fit`: when the fitted estimator has no ``support_`` for the columns of X.

    Notes
    -----
    Cost: that of the estimator. `transform` and `get_support` are those of scikit-learn's selectors.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> from sklearn.pipeline import make_pipeline
    >>> from skamem import IHTRegressorCV, SupportSelector
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = make_pipeline(SupportSelector(IHTRegressorCV(one_se=True)), KNeighborsRegressor(20)).fit(X, y)
    >>> model[0].get_feature_names_out().tolist()
    ['sex', 'bmi', 'bp', 's3', 's5']
    """

    _anchor = "_fitted_array"
    _parameters: ClassVar = {"estimator": ESTIMATOR}

    def __init__(self, estimator=None, *, backend=None):
        self.estimator = estimator
        self.backend = backend

    @transactional
    def fit(self, X, y=None, sample_weight=None):
        """Fit the estimator, and keep what it selects.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix of shape (n_samples, n_features)
            What the estimator takes.
        y : array-like
            What it takes.
        sample_weight : array-like of shape (n_samples,), default=None
            Passed on unless None.

        Returns
        -------
        self : SupportSelector
        """
        X = unmasked(X)  # the estimator may be of another library
        self._receive(X, reset=True, **self._reading)
        estimator = self._clone()
        options = {} if sample_weight is None else {"sample_weight": sample_weight}
        for _ in fit_tasks(self, [0], name="estimator", n_tasks=1, X=X, y=y, attributes=dict, inner=estimator):
            self.estimator_ = estimator.fit(X, y, **options)
            self.support_ = support_of(self.estimator_, self.n_features_in_)
        return self

    def _moved(self, backend, placement):
        moved = super()._moved(backend, placement)
        if "estimator_" in moved:  # one of another library computes on the host wherever it is to be
            moved["support_"] = support_of(moved["estimator_"], self.n_features_in_)
        return moved

    @property
    def _fitted_array(self):
        return getattr(self.estimator_, "coef_", self.support_)  # where it computed


def support_of(estimator, n_features):
    """Ascending indices of the features that a fitted `estimator` of `n_features` columns selected.

    Raises
    ------
    TypeError
        When it does not say.
    """
    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    if not hasattr(last, "support_") or getattr(last, "n_features_in_", n_features) != n_features:
        raise TypeError(
            f"estimator={estimator!r} has no support_ for the {n_features} columns of X; expected an estimator that "
            "selects among them, such as IHTRegressor. Put steps that change the columns before the selector."
        )
    is_mask = arrays.to_numpy(last.support_).dtype.kind == "b"
    return np.flatnonzero(last.support_) if is_mask else last.support_

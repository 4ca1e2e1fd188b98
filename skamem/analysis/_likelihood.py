"""Likelihood along a fit: a curve, and a callback that records one on rows of one's own."""

import numbers
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from skamem.core.validation import check_number

__all__ = ["LikelihoodCurve", "LikelihoodRecorder"]


@dataclass(frozen=True, eq=False)
class LikelihoodCurve:
    """How likely rows are to a model as it learns.

    Parameters
    ----------
    epochs : ndarray of shape (n_records,)
        When: epochs, or steps, made; ascending.
    values : ndarray of shape (n_records,)
        Mean log-likelihood, nats a row.
    standard_error : ndarray of shape (n_records,)
        Of the estimate of ln Z, which all rows share; 0 where it is exact.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.analysis import LikelihoodCurve
    >>> curve = LikelihoodCurve(np.asarray([1, 2]), np.asarray([-25.0, -20.0]), np.asarray([0.0, 0.5]))
    >>> low, high = curve.interval()
    >>> low.round(2), high.round(2)
    (array([-25.  , -20.98]), array([-25.  , -19.02]))
    """

    epochs: np.ndarray
    values: np.ndarray
    standard_error: np.ndarray

    def interval(self, confidence=0.95):
        """Normal intervals of the values, for what is not known of ln Z.

        Parameters
        ----------
        confidence : float in (0, 1), default=0.95
            Coverage.

        Returns
        -------
        low, high : ndarray of shape (n_records,)
            In nats.
        """
        check_number("confidence", confidence, low=0.0, low_open=True, high=1.0, high_open=True)
        width = norm.ppf(0.5 + 0.5 * confidence) * np.asarray(self.standard_error)
        return self.values - width, self.values + width

    def to_frame(self):
        """The curve as a pandas DataFrame.

        Returns
        -------
        frame : pandas.DataFrame
            One row a record, by epoch.
        """
        import pandas as pd

        columns = {"log_likelihood": self.values, "standard_error": self.standard_error}
        return pd.DataFrame(columns, index=pd.Index(self.epochs, name="epoch"))


class LikelihoodRecorder:
    """Callback of scikit-learn (1.9): how likely rows are, epoch by epoch, to the machine that is being fitted.

    For rows that are held back, which `monitor` of `skamem.RestrictedBoltzmannMachine` never sees. Each fit starts a
    record of its own.

    Parameters
    ----------
    X : array-like or csr matrix of shape (n_samples, n_features)
        Rows.
    every : int, default=1
        Epochs from one record to the next, >= 1; ln Z is found anew for each.

    Attributes
    ----------
    curve : LikelihoodCurve
        Of the last fit.

    See Also
    --------
    skamem.display.LikelihoodDisplay : Draws curves.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem import RestrictedBoltzmannMachine
    >>> from skamem.analysis import LikelihoodRecorder
    >>> X = np.repeat(np.eye(4), 25, axis=0)
    >>> recorder = LikelihoodRecorder(X[::2], every=5)
    >>> machine = RestrictedBoltzmannMachine(4, max_iter=20, random_state=0).set_callbacks(recorder).fit(X[1::2])
    >>> recorder.curve.epochs
    array([ 5, 10, 15, 20])
    """

    def __init__(self, X, *, every=1):
        check_number("every", every, kind=numbers.Integral, low=1)
        self.X = X
        self.every = every
        self._records = []

    @property
    def curve(self):
        """The record of the last fit, a `LikelihoodCurve`."""
        epochs, values, errors = zip(*self._records, strict=True) if self._records else ((), (), ())
        return LikelihoodCurve(np.asarray(epochs, dtype=int), np.asarray(values), np.asarray(errors))

    def setup(self, estimator, context):
        """Scikit-learn calls it when a fit begins.

        Parameters
        ----------
        estimator : estimator
            What is fitted.
        context : sklearn.callback.CallbackContext
            The fit.
        """
        self._records = []

    def teardown(self, estimator, context):
        """Scikit-learn calls it when a fit is done.

        Parameters
        ----------
        estimator : estimator
            What was fitted.
        context : sklearn.callback.CallbackContext
            The fit.
        """

    def on_fit_task_begin(self, estimator, context):
        """Scikit-learn calls it when an epoch begins.

        Parameters
        ----------
        estimator : estimator
            What is fitted.
        context : sklearn.callback.CallbackContext
            The epoch.
        """

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        """Scikit-learn calls it when an epoch is done; writes a record.

        Parameters
        ----------
        estimator : estimator
            What is fitted.
        context : sklearn.callback.CallbackContext
            The epoch.
        fitted_estimator : estimator, default=None
            The machine as it is then.
        """
        if fitted_estimator is None or context.parent is None:
            return
        epoch = fitted_estimator.n_iter_
        if epoch % self.every == 0:
            value = fitted_estimator.score(self.X)
            self._records.append((epoch, value, fitted_estimator.log_partition().standard_error))

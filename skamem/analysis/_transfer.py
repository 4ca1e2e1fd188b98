"""Transfer of adversarial samples: do those made against one classifier fool another."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from skamem.analysis._attack import attack
from skamem.analysis._intervals import wilson_interval
from skamem.core import arrays, validation

__all__ = ["TransferTable", "transfer_table"]


@dataclass(frozen=True, eq=False)
class TransferTable:
    """Result of `transfer_table`.

    Parameters
    ----------
    names : tuple of str
        Names of the classifiers.
    errors : ndarray of shape (n_classifiers, n_classifiers)
        Entry (i, j): error of classifier j on the samples made against classifier i; the diagonal is the white-box
        error.
    clean_errors : ndarray of shape (n_classifiers,)
        Errors on the unchanged samples.
    n_samples : int
        Number of samples.
    eps : float
        Largest change allowed.

    Examples
    --------
    >>> from skamem.analysis import TransferTable
    >>> errors = np.asarray([[0.75, 0.25], [0.25, 0.5]])
    >>> table = TransferTable(("left", "right"), errors, np.asarray([0.0, 0.25]), 100, 0.1)
    >>> table.to_frame()
    target          left  right
    made against
    (unchanged)     0.00   0.25
    left            0.75   0.25
    right           0.25   0.50
    """

    names: tuple
    errors: np.ndarray
    clean_errors: np.ndarray
    n_samples: int
    eps: float

    def error_interval(self, confidence=0.95):
        """Wilson's confidence intervals of `errors`.

        Parameters
        ----------
        confidence : float in (0, 1), default=0.95
            Coverage of each.

        Returns
        -------
        low, high : ndarray of shape (n_classifiers, n_classifiers)
            The ends.
        """
        return wilson_interval(np.rint(self.errors * self.n_samples), self.n_samples, confidence)

    def to_frame(self):
        """The errors as a pandas DataFrame.

        Returns
        -------
        frame : pandas.DataFrame
            One column for each classifier; one row for the unchanged samples and one for those made against each.
        """
        import pandas as pd

        index = pd.Index(["(unchanged)", *self.names], name="made against")
        columns = pd.Index(self.names, name="target")
        return pd.DataFrame(np.vstack([self.clean_errors, self.errors]), index=index, columns=columns)


def transfer_table(classifiers, X, y, *, eps, **options):
    """Error of each classifier on the adversarial samples made against each other.

    Parameters
    ----------
    classifiers : dict of {str: classifier}
        Fitted, each a `DenseAMClassifier` or a network with one hidden layer, by the names the table shall have.
    X : array-like of shape (n_samples, n_features)
        Samples.
    y : array-like of shape (n_samples,)
        Their true labels.
    eps : float >= 0
        Radius of the ball, in units of the features.
    **options
        Further options of `attack`.

    Returns
    -------
    table : TransferTable
        With ``errors``, ``clean_errors``, ``error_interval()`` and ``to_frame()``.

    Raises
    ------
    TypeError
        When `classifiers` is no dict, or one of them has no known gradient.
    ValueError
        As `attack`.

    Notes
    -----
    A memory that looks robust to its own samples, but is fooled by those of others, had its gradient masked. Cost: one
    `attack` and n_classifiers times `predict` for each classifier.

    References
    ----------
    Papernot, McDaniel and Goodfellow (2016), Transferability in Machine Learning, arXiv:1605.07277.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skamem import DenseAMClassifier
    >>> from skamem.analysis import transfer_table
    >>> X, y = load_digits(return_X_y=True)
    >>> X = X / 16
    >>> memories = {
    ...     f"n = {n}": DenseAMClassifier(50, degree=n, max_iter=20, random_state=0).fit(X[:900], y[:900])
    ...     for n in (2, 3)
    ... }
    >>> table = transfer_table(memories, X[900:1000], y[900:1000], eps=0.1, clip=(0, 1))
    >>> table.names, table.errors.shape
    (('n = 2', 'n = 3'), (2, 2))
    """
    if not isinstance(classifiers, Mapping) or not classifiers:
        raise TypeError(
            f"classifiers is {validation.type_of(classifiers)}; expected a dict of fitted classifiers by name."
        )
    found = [attack(classifier, X, y, eps=eps, **options) for classifier in classifiers.values()]
    truth = np.asarray(arrays.to_numpy(y) if arrays.is_array(y) else y)
    errors = [
        [float(np.mean(arrays.to_numpy(target.predict(made.samples)) != truth)) for target in classifiers.values()]
        for made in found
    ]
    clean = np.asarray([made.clean_error for made in found])
    return TransferTable(tuple(classifiers), np.asarray(errors), clean, len(truth), float(eps))

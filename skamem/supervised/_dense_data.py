"""Training data of a dense memory: labels to codes, equal rows merged, rows standardised on their way into a batch."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from skamem.core import arrays

__all__ = ["RowSource", "TrainingSet", "class_weights", "known_codes", "label_targets", "merged_rows"]

# Keys of equal rows differ by rounding only; rows this close are compared entry by entry.
_KEY_TOLERANCE = 1e-9


def known_codes(y, X, classes, owner):
    """Class indices of labels whose classes are known.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels.
    X : array or sparse matrix of shape (n_samples, n_features)
        For its length.
    classes : ndarray of shape (n_classes,)
        Known classes, sorted.
    owner : str
        Estimator's name, for the messages.

    Returns
    -------
    codes : ndarray of shape (n_samples,)
        On the host.

    Raises
    ------
    ValueError
        When y is missing, of another length than X, or has labels that `classes` lacks.
    """
    if y is None:
        raise ValueError(f"{owner} requires y to be passed, but the target y is None: expected one label a row of X.")
    y = column_or_1d(arrays.to_numpy(y) if arrays.is_array(y) else y, warn=True)
    check_consistent_length(X, y)
    check_classification_targets(y)
    new = np.setdiff1d(y, classes)
    if new.size:
        raise ValueError(
            f"y has labels {new[:5].tolist()} that are not in classes {classes.tolist()}; pass all labels as `classes` "
            "in the first call of partial_fit."
        )
    return np.searchsorted(classes, y)


def class_weights(class_weight, classes, codes, weights):
    """Row weights multiplied by the weights of their classes.

    Parameters
    ----------
    class_weight : None, dict or "balanced"
        "balanced" gives every class present the same total weight.
    classes : ndarray of shape (n_classes,)
        Labels.
    codes : ndarray of shape (n_samples,)
        Class index of each row.
    weights : ndarray of shape (n_samples,)
        Sample weights.

    Returns
    -------
    weights : ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        For another string, unknown labels or negative weights.
    """
    if class_weight is None:
        return weights
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise ValueError(f"class_weight={class_weight!r}; expected None, 'balanced' or a dict {{label: weight}}.")
        totals = np.bincount(codes, weights=weights, minlength=len(classes))
        present = totals > 0
        factors = np.zeros(len(classes))
        factors[present] = totals.sum() / (present.sum() * totals[present])
        return weights * factors[codes]
    labels = classes.tolist()
    unknown = [label for label in class_weight if label not in labels]
    if unknown:
        raise ValueError(f"class_weight has labels {unknown} that are not in y, whose classes are {labels}.")
    factors = np.asarray([class_weight.get(label, 1.0) for label in labels], dtype=np.float64)
    if not np.all(factors >= 0):
        raise ValueError(f"class_weight={class_weight!r} has negative weights; expected weights >= 0.")
    return weights * factors[codes]


def merged_rows(X, codes, weights):
    """Rows of positive weight, equal ones merged, in an order that depends on their values only.

    A fit that starts from this cannot tell a row of weight 3 from three equal rows, nor one order of the rows from
    another.

    Parameters
    ----------
    X : array or csr matrix of shape (n_samples, n_features)
        Rows.
    codes : ndarray of shape (n_samples,)
        Class index of each row; only rows of one class are merged.
    weights : ndarray of shape (n_samples,)
        Not negative.

    Returns
    -------
    index : ndarray of shape (n_rows,)
        Which rows of X to use.
    weights : ndarray of shape (n_rows,)
        Their total weights.

    Notes
    -----
    Rows are sorted by a fixed random projection, so that only neighbours need comparing: cost O(n_samples n_features).
    """
    kept = np.flatnonzero(weights > 0)
    key = _projection(X)[kept] + 2.0 * codes[kept]
    kept = kept[np.argsort(key, kind="stable")]
    key = np.sort(key)
    starts = np.ones(len(kept), dtype=bool)
    close = np.flatnonzero(np.diff(key) <= _KEY_TOLERANCE)
    starts[close + 1] = ~_equal_rows(X, kept[close], kept[close + 1])
    starts[close + 1] |= codes[kept[close]] != codes[kept[close + 1]]
    starts = np.flatnonzero(starts)
    return kept[starts], np.add.reduceat(weights[kept], starts) if len(kept) else weights[kept]


def _projection(X):
    """One number per row in [-1, 1], on the host: a random projection of the features over their largest magnitudes."""
    # float64, and the same direction always: every backend must sort the rows alike.
    direction = np.random.RandomState(0).standard_normal(X.shape[1])
    direction /= np.abs(direction).sum()
    if scipy.sparse.issparse(X):
        largest = abs(X).max(axis=0).toarray().ravel()
        return X.astype(np.float64) @ (direction / np.where(largest > 0, largest, 1.0))
    xp = arrays.namespace(X)
    place = arrays.placement_of(X)
    largest = arrays.to_numpy(xp.max(xp.abs(X), axis=0)).astype(np.float64)
    direction = place.asarray(direction / np.where(largest > 0, largest, 1.0))
    blocks = arrays.row_blocks(X.shape[0], 8 * X.shape[1])
    return np.concatenate([arrays.to_numpy(xp.astype(X[rows, :], xp.float64) @ direction) for rows in blocks])


def _equal_rows(X, first, second):
    if len(first) == 0:
        return np.zeros(0, dtype=bool)
    if scipy.sparse.issparse(X):
        return np.asarray(abs(X[first] - X[second]).sum(axis=1)).ravel() == 0
    xp = arrays.namespace(X)
    place = arrays.placement_of(X)
    blocks = arrays.row_blocks(len(first), 3 * X.shape[1] * 8)
    equal = [
        xp.all(xp.take(X, place.asarray(first[b]), axis=0) == xp.take(X, place.asarray(second[b]), axis=0), axis=1)
        for b in blocks
    ]
    return arrays.to_numpy(xp.concat(equal))


@dataclass(frozen=True)
class RowSource:
    """Standardised rows v = (x - offset) / scale, dense or made dense batch by batch.

    Parameters
    ----------
    rows : array or csr matrix of shape (n_rows, n_features)
        A dense array holds v already; a sparse one holds x.
    offset, scale : array of shape (n_features,)
        Used for sparse rows.
    placement : Placement
        Where batches are wanted.
    """

    rows: Any
    offset: Any
    scale: Any
    placement: Any

    def __len__(self):
        """Number of rows."""
        return self.rows.shape[0]

    def take(self, index):
        """Copy of the rows `index` (host or device integers), of shape (len(index), n_features)."""
        if scipy.sparse.issparse(self.rows):
            batch = self.placement.asarray(self.rows[arrays.to_numpy(index)], self.offset.dtype)
            batch -= self.offset
            batch /= self.scale
            return batch
        return self.placement.xp.take(self.rows, self.placement.asarray(index), axis=0)


@dataclass(frozen=True)
class TrainingSet:
    """Rows, targets and weights of one fit, on their placement.

    Parameters
    ----------
    rows : RowSource
        Standardised rows.
    codes : ndarray of shape (n_rows,)
        Class indices, on the host.
    targets : array of shape (n_rows, n_classes)
        +1 for the row's class, -1 for the others.
    weights : array of shape (n_rows,)
        Row weights with mean 1.
    """

    rows: RowSource
    codes: Any
    targets: Any
    weights: Any

    def __len__(self):
        """Number of rows."""
        return len(self.rows)


def label_targets(codes, n_classes, placement, dtype):
    """Targets t = +1 for the row's class and -1 for the others, of shape (n_rows, n_classes)."""
    targets = np.full((len(codes), n_classes), -1.0)
    targets[np.arange(len(codes)), codes] = 1.0
    return placement.asarray(targets, dtype)

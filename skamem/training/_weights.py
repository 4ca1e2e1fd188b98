"""What a row counts: weights of its class, and one row for all that are equal."""

import numpy as np
import scipy.sparse

from skamem.core import arrays
from skamem.core.rows import Rows, row_blocks, rows_in_cache

__all__ = ["check_two_classes", "class_weights", "column_peaks", "merged_rows"]

# Keys of equal rows differ by rounding only; rows this close are compared entry by entry.
_KEY_TOLERANCE = 1e-9


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

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.training import class_weights
    >>> class_weights("balanced", np.asarray(["a", "b"]), np.asarray([0, 0, 0, 1]), np.ones(4))
    array([0.66666667, 0.66666667, 0.66666667, 2.        ])
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


def check_two_classes(codes, weights):
    """Raise unless rows of two classes at least count.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,)
        Class index of each row.
    weights : ndarray of shape (n_samples,)
        What the rows count.

    Raises
    ------
    ValueError
        When all rows of positive weight are of one class.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.training import check_two_classes
    >>> check_two_classes(np.asarray([0, 0, 1]), np.ones(3))
    """
    if len(np.unique(codes[weights > 0])) < 2:
        raise ValueError("Rows of positive weight are of one class only; expected at least 2 classes.")


def merged_rows(X, keys, weights):
    """Rows of positive weight, equal ones merged, in an order that depends on their values only.

    A fit that starts from this cannot tell a row of weight 3 from three equal rows, nor one order of the rows from
    another.

    Parameters
    ----------
    X : array or csr matrix of shape (n_samples, n_features)
        Rows.
    keys : ndarray of shape (n_samples,)
        Class index of each row, or another number of its target; only rows of one key are merged.
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

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.training import merged_rows
    >>> X = np.asarray([[1.0, 2.0], [5.0, 5.0], [1.0, 2.0]])
    >>> index, weights = merged_rows(X, np.zeros(3, dtype=int), np.asarray([1.0, 1.0, 2.0]))
    >>> X[index].tolist(), weights
    ([[1.0, 2.0], [5.0, 5.0]], array([3., 1.]))
    """
    kept = np.flatnonzero(weights > 0)
    # A row without weight must not be seen at all: the largest magnitudes, by which features are scaled, would be its.
    key = _projection(X, kept) + 2.0 * keys[kept]
    kept = kept[np.argsort(key, kind="stable")]
    key = np.sort(key)
    starts = np.ones(len(kept), dtype=bool)
    close = np.flatnonzero(np.diff(key) <= _KEY_TOLERANCE)
    starts[close + 1] = ~_equal_rows(X, kept[close], kept[close + 1])
    starts[close + 1] |= keys[kept[close]] != keys[kept[close + 1]]
    starts = np.flatnonzero(starts)
    return kept[starts], np.add.reduceat(weights[kept], starts) if len(kept) else weights[kept]


def column_peaks(X):
    """Largest magnitude of each feature, without a copy of X.

    Parameters
    ----------
    X : array of shape (n_samples, n_features)
        Rows.

    Returns
    -------
    peaks : array of shape (n_features,)

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.training import column_peaks
    >>> column_peaks(np.asarray([[1.0, -2.0], [0.5, 1.0]]))
    array([1., 2.])
    """
    xp = arrays.namespace(X)
    return xp.maximum(xp.max(X, axis=0), -xp.min(X, axis=0))


def _projection(X, kept):
    """One number for each of the rows `kept` (increasing) in [-1, 1], on the host.

    A random projection of the features over their largest magnitudes.
    """
    # float64, and the same direction always: every backend must sort the rows alike.
    direction = np.random.RandomState(0).standard_normal(X.shape[1])
    direction /= np.abs(direction).sum()
    if scipy.sparse.issparse(X):
        X = X if len(kept) == X.shape[0] else X[kept]
        largest = abs(X).max(axis=0).toarray().ravel()
        return X.astype(np.float64) @ (direction / np.where(largest > 0, largest, 1.0))
    xp, place = arrays.namespace(X), arrays.placement_of(X)
    largest = np.zeros(X.shape[1])
    for block in _blocks(X, kept):
        largest = np.maximum(largest, arrays.to_numpy(column_peaks(block)))
    direction = place.asarray(direction / np.where(largest > 0, largest, 1.0))
    return np.concatenate([arrays.to_numpy(xp.astype(block, xp.float64) @ direction) for block in _blocks(X, kept)])


def _blocks(X, kept):
    """Yield the rows `kept`, in blocks, and without a copy where they are all of X: X may be more than memory holds."""
    rows, row_bytes = Rows(X, arrays.placement_of(X), X.dtype), 8 * X.shape[1]
    for part in row_blocks(len(kept), row_bytes, at_most=rows_in_cache(row_bytes, arrays.namespace(X))):
        yield rows.block(part) if len(kept) == len(rows) else rows.take(kept[part])


def _equal_rows(X, first, second):
    if len(first) == 0:
        return np.zeros(0, dtype=bool)
    if scipy.sparse.issparse(X):
        return np.asarray(abs(X[first] - X[second]).sum(axis=1)).ravel() == 0
    xp = arrays.namespace(X)
    place = arrays.placement_of(X)
    row_bytes = 3 * X.shape[1] * 8
    blocks = row_blocks(len(first), row_bytes, at_most=rows_in_cache(row_bytes, xp))
    equal = [
        xp.all(xp.take(X, place.asarray(first[b]), axis=0) == xp.take(X, place.asarray(second[b]), axis=0), axis=1)
        for b in blocks
    ]
    return arrays.to_numpy(xp.concat(equal))

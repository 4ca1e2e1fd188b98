"""Training data of a dense memory: labels to codes, equal rows merged, rows standardised on their way into a batch."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from skamem.core import arrays
from skamem.core.rows import row_blocks
from skamem.core.validation import check_labels

__all__ = [
    "ClassTargets",
    "RealTargets",
    "RowSource",
    "TrainingSet",
    "cached_blocks",
    "class_weights",
    "column_peaks",
    "known_classes",
    "known_codes",
    "merged_rows",
    "training_set",
]

# Keys of equal rows differ by rounding only; rows this close are compared entry by entry.
_KEY_TOLERANCE = 1e-9
# Bytes of work arrays of a block on the host: more would leave the processor's cache for nothing.
_HOST_BYTES = 2**24


def known_classes(known, classes, y, X, owner):
    """Classes of a call of `partial_fit`.

    Parameters
    ----------
    known : ndarray of shape (n_classes,) or None
        Those of the first call; None in the first call.
    classes : array-like of shape (n_classes,) or None
        What the user passed.
    y : array-like of shape (n_samples,)
        Labels: the classes of a first call without `classes`.
    X : array or sparse matrix of shape (n_samples, n_features)
        For its length.
    owner : str
        Estimator's name, for the messages.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        Sorted.

    Raises
    ------
    ValueError
        When `classes` differ from those known.
    """
    if classes is None:
        return check_labels(y, X, owner=owner)[0] if known is None else known
    classes = check_labels(classes, classes, owner=owner)[0]
    if known is not None and not np.array_equal(classes, known):
        raise ValueError(
            f"classes={classes.tolist()} differ from those of the first call, {known.tolist()}; pass the same, or none."
        )
    return classes


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
    """
    kept = np.flatnonzero(weights > 0)
    key = _projection(X)[kept] + 2.0 * keys[kept]
    kept = kept[np.argsort(key, kind="stable")]
    key = np.sort(key)
    starts = np.ones(len(kept), dtype=bool)
    close = np.flatnonzero(np.diff(key) <= _KEY_TOLERANCE)
    starts[close + 1] = ~_equal_rows(X, kept[close], kept[close + 1])
    starts[close + 1] |= keys[kept[close]] != keys[kept[close + 1]]
    starts = np.flatnonzero(starts)
    return kept[starts], np.add.reduceat(weights[kept], starts) if len(kept) else weights[kept]


def cached_blocks(n_rows, row_bytes, xp):
    """Row slices within scikit-learn's working_memory and, on the host, within the processor's cache.

    Parameters
    ----------
    n_rows : int
        Rows to stream over.
    row_bytes : int
        Bytes of work arrays that one row needs.
    xp : module
        Array namespace.

    Yields
    ------
    rows : slice
    """
    length = max(16, _HOST_BYTES // row_bytes) if arrays.host_checks_are_free(xp) else n_rows
    for rows in row_blocks(n_rows, row_bytes):
        n_block = rows.stop - rows.start
        yield from (
            slice(rows.start + start, min(rows.start + start + length, rows.stop))
            for start in range(0, n_block, length)
        )


def column_peaks(X):
    """Largest magnitude of each feature, without a copy of X."""
    xp = arrays.namespace(X)
    return xp.maximum(xp.max(X, axis=0), -xp.min(X, axis=0))


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
    largest = arrays.to_numpy(column_peaks(X)).astype(np.float64)
    direction = place.asarray(direction / np.where(largest > 0, largest, 1.0))
    blocks = cached_blocks(X.shape[0], 8 * X.shape[1], xp)
    return np.concatenate([arrays.to_numpy(xp.astype(X[rows, :], xp.float64) @ direction) for rows in blocks])


def _equal_rows(X, first, second):
    if len(first) == 0:
        return np.zeros(0, dtype=bool)
    if scipy.sparse.issparse(X):
        return np.asarray(abs(X[first] - X[second]).sum(axis=1)).ravel() == 0
    xp = arrays.namespace(X)
    place = arrays.placement_of(X)
    blocks = cached_blocks(len(first), 3 * X.shape[1] * 8, xp)
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


class ClassTargets:
    """Targets t = +1 for the row's class and -1 for the others.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,)
        Class index of each row, on the host.
    n_outputs : int
        Number of classes.
    """

    def __init__(self, codes, n_outputs):
        self.codes = self.keys = self.strata = codes
        self.n_outputs = n_outputs

    def settle(self, index, weights):
        """Nothing to learn from the rows that train."""

    def take(self, index, placement, dtype):
        """Targets of the rows `index`, of shape (len(index), n_outputs)."""
        targets = np.full((len(index), self.n_outputs), -1.0)
        targets[np.arange(len(index)), self.codes[index]] = 1.0
        return placement.asarray(targets, dtype)

    def score(self, potentials, index, weights):
        """Weighted accuracy of potentials (on the host) for the rows `index`."""
        return float(np.average(np.argmax(potentials, axis=1) == self.codes[index], weights=weights))


class RealTargets:
    """Real targets, standardised once it is known which rows train.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_outputs)
        Targets in the user's units, on the host.
    offset, scale : ndarray of shape (n_outputs,), default=None
        Known mean and standard deviation; None waits for `settle`.
    """

    strata = None

    def __init__(self, values, offset=None, scale=None):
        self._values, self.offset, self.scale = values, offset, scale
        self.n_outputs = values.shape[1]
        # Equal rows are merged where all targets are equal.
        self.keys = np.unique(values, axis=0, return_inverse=True)[1].ravel()

    def settle(self, index, weights):
        """Take mean and standard deviation from the rows `index`, unless they are known."""
        if self.offset is not None:
            return
        values, share = self._values[index], weights / weights.sum()
        self.offset = share @ values
        spread = np.sqrt(share @ (values - self.offset) ** 2)
        # A target that does not vary but for rounding stays at its mean.
        self.scale = np.where(spread > 1e-12 * np.abs(self.offset), spread, 1.0)

    @property
    def codes(self):
        """Above or below the mean of the first target: what stands in for classes when noise is set."""
        return (self._values[:, 0] > self.offset[0]).astype(np.int64)

    def take(self, index, placement, dtype):
        """Standardised targets of the rows `index`, of shape (len(index), n_outputs)."""
        return placement.asarray((self._values[index] - self.offset) / self.scale, dtype)

    def score(self, potentials, index, weights):
        """Weighted R² over all outputs of potentials (on the host) for the rows `index`."""
        values = (self._values[index] - self.offset) / self.scale
        spread = values - np.average(values, axis=0, weights=weights)
        missed = np.average((potentials - values) ** 2, axis=0, weights=weights).sum()
        return 1.0 - float(missed) / float(np.average(spread**2, axis=0, weights=weights).sum() or 1.0)


@dataclass(frozen=True)
class TrainingSet:
    """Rows, targets and weights of one fit, on their placement.

    Parameters
    ----------
    rows : RowSource
        Standardised rows.
    codes : ndarray of shape (n_rows,)
        Class indices, on the host.
    targets : array of shape (n_rows, n_outputs)
        What the outputs should be.
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


def training_set(rows, targets, index, weights):
    """Training set of the rows `index`.

    Parameters
    ----------
    rows : RowSource
        Those rows.
    targets : ClassTargets or RealTargets
        Of all rows.
    index : ndarray of shape (n_rows,)
        Their indices.
    weights : ndarray of shape (n_rows,)
        Their weights.

    Returns
    -------
    data : TrainingSet
    """
    place, dtype = rows.placement, rows.offset.dtype
    return TrainingSet(
        rows, targets.codes[index], targets.take(index, place, dtype), place.asarray(weights / weights.mean(), dtype)
    )

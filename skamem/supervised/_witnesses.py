"""How sure a classifier may be: one scale of its fields, from rows that it has not stored."""

import numpy as np
import scipy.optimize
import scipy.sparse
import scipy.special

from skamem.core import arrays

__all__ = ["MAX_WITNESSES", "held_back", "rows_of", "softmax_scale"]

MAX_WITNESSES = 512  # rows that are held back, about
_SPLIT = 5  # one row in so many is held back where that is fewer
_SAME = 16.0  # in units of rounding: rows whose places in an order by content are no farther apart are copies


def held_back(X, weight):
    """Mask of the rows that witness for a memory of the others, on the host; None when rows are too much alike.

    Rows are taken evenly along an order by content, copies of a row all or none, so that neither their order nor
    repetitions in place of weights change what is held back.
    """
    direction = np.random.RandomState(0).standard_normal(X.shape[1])
    if scipy.sparse.issparse(X):
        places = np.nan_to_num(X @ direction)
    else:
        xp = arrays.namespace(X)
        known = xp.where(xp.isnan(X), xp.zeros_like(X), X)
        places = arrays.to_numpy(known @ arrays.placement_of(X).asarray(direction, X.dtype)).astype(np.float64)
    counted = np.ones(X.shape[0], dtype=bool) if weight is None else weight > 0
    order = np.argsort(places, kind="stable")
    order = order[counted[order]]
    eps = np.finfo(X.dtype if isinstance(X.dtype, np.dtype) else np.float64).eps
    rounding = _SAME * X.shape[1] ** 0.5 * eps * np.abs(places[order]).max(initial=0.0)
    groups = np.cumsum(np.diff(places[order], prepend=places[order[:1]]) > rounding)
    split = max(_SPLIT, -(-len(groups) // MAX_WITNESSES))
    held = np.zeros(X.shape[0], dtype=bool)
    held[order[groups % split == split // 2]] = True
    return held if held.any() else None


def rows_of(X, codes, weight, index):
    """The rows of an index array: patterns where they are, codes and weights on the host."""
    if scipy.sparse.issparse(X) or arrays.is_host(X):
        taken = X[index]
    else:
        place = arrays.placement_of(X)
        taken = place.xp.take(X, place.asarray(index), axis=0)
    return taken, codes[index], None if weight is None else weight[index]


def softmax_scale(fields, codes, weight, class_counts):
    """The factor on `fields` that makes softmax most likely for labels smoothed as Platt's.

    Parameters
    ----------
    fields : ndarray of shape (n_rows, n_classes)
        Of the rows that witness.
    codes : int ndarray of shape (n_rows,)
        Their classes.
    weight : ndarray of shape (n_rows,)
        Their weights.
    class_counts : ndarray of shape (n_classes,)
        Weights of the classes, of all rows: the more there are of a class, the surer its label.

    Returns
    -------
    scale : float
        > 0.
    """
    n_classes = fields.shape[1]
    counts = class_counts[codes]
    targets = np.repeat(1.0 / (counts + n_classes)[:, None], n_classes, axis=1)
    targets[np.arange(len(codes)), codes] = (counts + 1.0) / (counts + n_classes)
    unit = np.sqrt(np.mean(fields**2)) or 1.0

    def slope(log_scale):
        # Derivative of the (convex) cross-entropy with respect to the scale.
        likely = scipy.special.softmax(np.exp(log_scale) / unit * fields, axis=1)
        return np.average(((likely - targets) * fields).sum(axis=1), weights=weight)

    low, high = -7.0, 7.0
    if slope(low) >= 0.0 or slope(high) <= 0.0:  # no optimum between: fields that say nothing, or say all
        return float(np.exp(low if slope(low) >= 0.0 else high) / unit)
    return float(np.exp(scipy.optimize.brentq(slope, low, high, xtol=1e-13)) / unit)

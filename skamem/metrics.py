"""How well was a pattern recalled? Measures between recalled and true patterns, for two-valued units."""

from sklearn.utils import check_array, check_consistent_length

from skamem.core import arrays
from skamem.core.columns import unmasked

__all__ = ["exact_recall_score", "overlap_score", "unit_accuracy"]


def _agreement(y_true, y_pred):
    """Matrix of agreements as bool (n_samples, n_units), and its namespace. NaN in `y_true` agrees with everything."""
    y_true = check_array(unmasked(y_true), input_name="y_true", ensure_all_finite="allow-nan")
    y_pred = check_array(unmasked(y_pred), input_name="y_pred")
    check_consistent_length(y_true, y_pred)
    if tuple(y_true.shape) != tuple(y_pred.shape):
        raise ValueError(
            f"y_true has shape {tuple(y_true.shape)} and y_pred {tuple(y_pred.shape)}; expected the same shape."
        )
    place = arrays.placement_of(y_pred)
    y_true = place.asarray(y_true)
    return y_true == y_pred, place.xp.isnan(y_true) if place.xp.isdtype(y_true.dtype, "real floating") else None


def unit_accuracy(y_true, y_pred):
    """Mean fraction of units recalled right.

    Parameters
    ----------
    y_true : array-like of shape (n_samples, n_units)
        True patterns, in the coding of `y_pred`; units that are NaN are left out.
    y_pred : array-like of shape (n_samples, n_units)
        Recalled patterns.

    Returns
    -------
    accuracy : float
        In [0, 1]; .5 is chance for balanced random patterns. Cost O(size).

    Raises
    ------
    ValueError
        When the shapes differ.

    Examples
    --------
    >>> unit_accuracy([[1, -1, 1, -1]], [[1, -1, 1, 1]])
    0.75
    """
    agree, unknown = _agreement(y_true, y_pred)
    xp = arrays.namespace(agree)
    if unknown is None:
        return float(xp.count_nonzero(agree)) / (agree.shape[0] * agree.shape[1])
    known = ~unknown
    return float(xp.count_nonzero(agree & known)) / max(1.0, float(xp.count_nonzero(known)))


def overlap_score(y_true, y_pred):
    """Mean overlap of recalled and true patterns: 1 for equal, 0 for unrelated, -1 for complements.

    m = 2 (fraction of units right) - 1, which for bipolar patterns is the mean of x·y / n_units.

    Parameters
    ----------
    y_true : array-like of shape (n_samples, n_units)
        True patterns, in the coding of `y_pred`; units that are NaN are left out.
    y_pred : array-like of shape (n_samples, n_units)
        Recalled patterns.

    Returns
    -------
    overlap : float
        In [-1, 1]. Cost O(size).

    Raises
    ------
    ValueError
        When the shapes differ.

    Examples
    --------
    >>> overlap_score([[1, -1, 1, -1]], [[1, -1, 1, 1]])
    0.5
    """
    return 2.0 * unit_accuracy(y_true, y_pred) - 1.0


def exact_recall_score(y_true, y_pred):
    """Fraction of patterns recalled without a single wrong unit.

    Parameters
    ----------
    y_true : array-like of shape (n_samples, n_units)
        True patterns, in the coding of `y_pred`; units that are NaN are left out.
    y_pred : array-like of shape (n_samples, n_units)
        Recalled patterns.

    Returns
    -------
    fraction : float
        In [0, 1]. Cost O(size).

    Raises
    ------
    ValueError
        When the shapes differ.

    Examples
    --------
    >>> exact_recall_score([[1, -1], [1, 1]], [[1, -1], [1, -1]])
    0.5
    """
    agree, unknown = _agreement(y_true, y_pred)
    xp = arrays.namespace(agree)
    whole = xp.all(agree if unknown is None else agree | unknown, axis=1)
    return float(xp.count_nonzero(whole)) / whole.shape[0]

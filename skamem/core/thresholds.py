"""What a unit does with its field: threshold functions, and the thresholding operators of sparse recovery."""

from dataclasses import dataclass

from skamem.core import arrays

__all__ = ["THRESHOLDS", "KCap", "k_cap", "sign", "step"]


def sign(field, states, tolerance=0.0, *, xp=None):
    """Bipolar threshold: the sign of the field, and the present state where the field is 0.

    Parameters
    ----------
    field : array of any shape
        Push on each unit.
    states : array of the same shape
        Present states in {-1, 0, +1}; 0 is unknown.
    tolerance : float or array broadcastable to `field`, default=0.0
        The field counts as 0 when its magnitude is at most this: the rounding of a sum of real weights. Integer
        weights need none: their sums are exact, so ties are ties.
    xp : module, default=None
        Namespace of the arrays, for callers in a loop; None looks it up.

    Returns
    -------
    states : array of the same shape
        New states; cost O(size).

    Examples
    --------
    >>> import numpy as np
    >>> sign(np.asarray([2.0, 0.0, -1.0]), np.asarray([-1.0, -1.0, -1.0]))
    array([ 1., -1., -1.])
    """
    xp = xp or arrays.namespace(field)
    return xp.where(xp.abs(field) <= tolerance, states, arrays.sign(field, xp))


def step(field, states, tolerance=0.0, *, xp=None):
    """Binary threshold: 1 where the field is positive, 0 where it is negative, the present state where it is 0.

    Parameters
    ----------
    field : array of any shape
        Push on each unit.
    states : array of the same shape
        Present states in {0, 1}.
    tolerance : float or array broadcastable to `field`, default=0.0
        As in `sign`.
    xp : module, default=None
        As in `sign`.

    Returns
    -------
    states : array of the same shape
        New states; cost O(size).

    Examples
    --------
    >>> import numpy as np
    >>> step(np.asarray([2.0, 0.0, -1.0]), np.asarray([0.0, 1.0, 1.0]))
    array([1., 1., 0.])
    """
    xp = xp or arrays.namespace(field)
    return xp.where(xp.abs(field) <= tolerance, states, xp.astype(field > 0, field.dtype))


THRESHOLDS = {"sign": sign, "step": step}
"""Threshold functions by name: ``(field, states, tolerance, *, xp) -> states``."""


def k_cap(values, k, tolerance=0.0, *, xp=None):
    """Mask of the `k` largest entries of each row (k winners take all).

    Parameters
    ----------
    values : array of shape (n_samples, n_units)
        Compared as they are, not by magnitude.
    k : int
        Winners a row, 1 <= k <= n_units.
    tolerance : float, or array of shape (n_units,) or (n_samples, 1), default=0.0
        Entries that are nearer than this to the k-th largest are equal to it: the rounding of a sum of real weights.
    xp : module, default=None
        As in `sign`.

    Returns
    -------
    winners : bool array of shape (n_samples, n_units)
        Exactly `k` True a row; among equal values the lower index wins. Cost O(n_samples n_units) in host memory, where
        entries need not be sorted; O(n_samples n_units log n_units) elsewhere.

    Examples
    --------
    >>> import numpy as np
    >>> k_cap(np.asarray([[3.0, 1.0, 3.0, 2.0]]), 2)
    array([[ True, False,  True, False]])
    """
    xp = xp or arrays.namespace(values)
    level = arrays.kth_largest(values, k, xp)
    at_least = values >= level - tolerance
    if arrays.host_checks_are_free(xp) and bool(xp.all(xp.count_nonzero(at_least, axis=-1) == k)):
        return at_least  # nothing ties with the k-th: the usual case of real values
    above = values > level + tolerance
    level_with = ~above & at_least
    # Fewer than k are above, and with those at the level at least k: the first of these take the places that are left.
    left = k - xp.sum(xp.astype(above, xp.int64), axis=-1, keepdims=True)
    return above | (level_with & (xp.cumulative_sum(xp.astype(level_with, xp.int64), axis=-1) <= left))


@dataclass(frozen=True)
class KCap:
    """Threshold on whole rows: the `k` units with the largest fields are 1, the others 0, whatever they were.

    For synchronous updates; units cannot be ranked one at a time. Clamped units are set afterwards and take no places.

    Parameters
    ----------
    k : int
        Units that are on, 1 <= k <= n_units. Among equal fields the lower index wins.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.core.dynamics import synchronous
    >>> from skamem.core.fields import LinearField
    >>> ring = LinearField(np.roll(np.eye(4), 1, axis=1))  # each unit pushes the next
    >>> synchronous(ring, np.asarray([[1.0, 1.0, 0.0, 0.0]]), n_steps=2, threshold=KCap(2)).states
    array([[0., 0., 1., 1.]])
    """

    k: int
    whole_rows = True

    def __call__(self, field, states, tolerance=0.0, *, xp=None):
        """New states from fields of shape (n_samples, n_units)."""
        xp = xp or arrays.namespace(field)
        return xp.astype(k_cap(field, self.k, tolerance, xp=xp), field.dtype)

"""Restricted isometry constants: how far sets of columns are from orthogonal."""

import itertools
import math
import numbers
from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_array, check_random_state

from skamem.core import arrays
from skamem.core.validation import check_number, check_option

__all__ = ["RestrictedIsometry", "restricted_isometry"]

_MOST_SUBSETS = 5_000_000
_CHUNK = 20_000


@dataclass(frozen=True)
class RestrictedIsometry:
    """Result of `restricted_isometry`.

    Parameters
    ----------
    constant : float
        δ_s, or a lower bound on it; >= 0.
    is_lower_bound : bool
        True when subsets were sampled: the constant itself is at least this large.
    support : ndarray of shape (s,)
        Columns on which it is attained.
    n_subsets : int
        Sets of columns looked at.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.sparse import restricted_isometry
    >>> restricted_isometry(np.eye(4), 2).is_lower_bound
    False
    """

    constant: float
    is_lower_bound: bool
    support: np.ndarray
    n_subsets: int


def restricted_isometry(X, s, *, method="exact", normalize=True, n_samples=10_000, random_state=None):
    """Restricted isometry constant δ_s of a matrix.

    The least δ with (1 - δ) ‖v‖² <= ‖X v‖² <= (1 + δ) ‖v‖² for all v with at most s nonzeros: the greatest distance
    from 1 of an eigenvalue of the Gram matrix of s columns. Guarantees for iterative hard thresholding are stated in
    such constants [1]_.

    Parameters
    ----------
    X : array of shape (n_samples, n_features)
        On any backend; computed on the host.
    s : int
        Columns a set, 1 <= s <= n_features.
    method : {"exact", "sample"}, default="exact"
        "exact" looks at all (n_features choose s) sets. "sample" looks at random sets and improves the best by
        exchanges of single columns: a lower bound.
    normalize : bool, default=True
        Whether to scale columns to unit length first, as the definition presumes.
    n_samples : int, default=10000
        Sets that "sample" draws, >= 1.
    random_state : int, RandomState instance or None, default=None
        For "sample".

    Returns
    -------
    result : RestrictedIsometry
        With ``constant``, ``is_lower_bound``, ``support`` and ``n_subsets``.

    Raises
    ------
    ValueError
        When `s` or `method` is out of range, a column is zero, or "exact" would look at more than five million sets.

    Notes
    -----
    Cost O(s³) for each set. To compute the constant is NP-hard in general.

    References
    ----------
    .. [1] Blumensath and Davies (2009), Applied and Computational Harmonic Analysis 27:265,
       doi:10.1016/j.acha.2009.04.002.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.sparse import restricted_isometry
    >>> X = np.asarray([[1.0, 0.0, 0.6], [0.0, 1.0, 0.8]])
    >>> result = restricted_isometry(X, 2)
    >>> round(result.constant, 6), result.support
    (0.8, array([1, 2]))
    """
    X = np.asarray(arrays.to_numpy(check_array(X, dtype="numeric")), dtype=np.float64)
    p = X.shape[1]
    check_number("s", s, kind=numbers.Integral, low=1, high=p)
    check_option("method", method, ("exact", "sample"))
    check_number("n_samples", n_samples, kind=numbers.Integral, low=1)
    check_option("normalize", normalize, (True, False))
    largest = np.abs(X).max(axis=0)
    if not np.all(largest > 0):
        raise ValueError(f"Column {int(np.argmin(largest))} of X is zero; drop it: no set with it is near orthogonal.")
    if normalize:
        X = X / largest  # first, since squares overflow where values do not
        X = X / np.linalg.norm(X, axis=0)
    elif largest.max() > 1e150 or largest.min() < 1e-150:
        raise ValueError(
            f"X has columns with magnitudes from {largest.min():.1e} to {largest.max():.1e}, whose squares double "
            "precision does not hold; expected between 1e-150 and 1e150. Rescale X, or use normalize=True."
        )
    gram = X.T @ X
    if method == "sample":
        return _sampled(gram, int(s), int(n_samples), check_random_state(random_state))
    n_subsets = math.comb(p, int(s))
    if n_subsets > _MOST_SUBSETS:
        raise ValueError(
            f"method='exact' would look at {n_subsets:,} sets of {s} of {p} columns; expected at most "
            f"{_MOST_SUBSETS:,}. Use method='sample' for a lower bound."
        )
    best, support = _worst(gram, itertools.combinations(range(p), int(s)))
    return RestrictedIsometry(best, False, support, n_subsets)


def _distances(gram, sets):
    """Greatest distance of an eigenvalue from 1, for each row of `sets`."""
    values = np.linalg.eigvalsh(gram[sets[:, :, None], sets[:, None, :]])
    return np.maximum(values[:, -1] - 1.0, 1.0 - values[:, 0])


def _worst(gram, sets):
    best, support = -np.inf, None
    while chunk := list(itertools.islice(sets, _CHUNK)):
        chunk = np.array(chunk)
        distances = _distances(gram, chunk)
        worst = int(np.argmax(distances))
        if distances[worst] > best:
            best, support = float(distances[worst]), chunk[worst]
    return best, support


def _sampled(gram, s, n_samples, rng):
    p = len(gram)
    best, support = _worst(gram, (np.sort(rng.choice(p, s, replace=False)) for _ in range(n_samples)))
    n_looked = n_samples
    while True:
        outside = np.setdiff1d(np.arange(p), support)
        exchanged = [np.sort(np.append(np.delete(support, i), j)) for i in range(s) for j in outside]
        n_looked += len(exchanged)
        better, candidate = _worst(gram, iter(exchanged))
        if candidate is None or better <= best:
            return RestrictedIsometry(best, True, support, n_looked)
        best, support = better, candidate

"""How much one vector holds: accuracy of a holographic trace, and errors of users who share a channel."""

import numpy as np
from scipy.special import log_ndtr
from scipy.stats import binom

from skamem.core.binding import resolve_algebra
from skamem.core.parameters import COUNT

__all__ = ["cdma_bit_error", "holographic_accuracy"]

_NODES = 200  # of the quadrature: the integrand is a smooth step


def holographic_accuracy(n_units, n_pairs, n_candidates=None, algebra="hrr"):
    """Probability that the value of a key is found among candidates, read from a sum of bound pairs.

    Parameters
    ----------
    n_units : int or array-like
        Length of the vectors.
    n_pairs : int or array-like
        Pairs in the trace.
    n_candidates : int or array-like, default=None
        Values that what was read is compared with, the right one included; None for as many as there are pairs.
    algebra : {"hrr", "fhrr", "map"} or Algebra, default="hrr"
        How pairs are bound.

    Returns
    -------
    accuracy : float or ndarray
        For independent unitary keys and values, such as `skamem.core.binding.random_keys` draws.

    Raises
    ------
    TypeError, ValueError
        For what are no counts, or no algebra.

    See Also
    --------
    skamem.HolographicMemory : The memory.

    Notes
    -----
    The similarity with the right value is 1 and noise from the other m - 1 pairs, that with a wrong one noise of m. A
    pair adds 1 / n to the variance (1 / 2n for complex units), so the signal-to-noise ratio falls as sqrt(n / m). The
    right one wins with probability ∫ φ(z) Φ((1 + s₀ z) / s₁)^(N - 1) dz with s₀² = (m - 1) / n and s₁² = m / n; one
    quadrature. Exact for many units; the sum of the noise of one trace is taken as independent between candidates.

    References
    ----------
    Plate (1995), Holographic reduced representations, IEEE Transactions on Neural Networks 6:623.

    Examples
    --------
    >>> from skamem.analysis import holographic_accuracy
    >>> [round(float(holographic_accuracy(1024, m, 1000)), 3) for m in (10, 50, 100, 200)]
    [1.0, 0.889, 0.486, 0.177]
    """
    freedom = resolve_algebra(algebra).freedom
    n_candidates = n_pairs if n_candidates is None else n_candidates
    n, m, candidates = _counts(n_units=n_units, n_pairs=n_pairs, n_candidates=n_candidates)
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    right, wrong = (np.sqrt((m - less) / (freedom * n))[..., None] for less in (1, 0))
    wins = np.exp((candidates[..., None] - 1) * log_ndtr((1 + right * nodes) / wrong))
    return _given(wins @ (weights / weights.sum()))


def cdma_bit_error(n_units, n_users):
    """Probability that a user's bit is heard wrong when users with random ±1 codes share a channel.

    Parameters
    ----------
    n_units : int or array-like
        Chips of a code.
    n_users : int or array-like
        Users who send ±1 at once.

    Returns
    -------
    error : float or ndarray
        For independent codes of fair signs, heard by correlation (`skamem.core.binding.despread`) and a threshold at 0,
        where a tie is right half of the time.

    Raises
    ------
    TypeError, ValueError
        For what are no counts.

    Notes
    -----
    Each chip of each other user adds a fair sign to the correlation, so with M = n (K - 1) of them the error is
    P(B < (M - n) / 2) + P(B = (M - n) / 2) / 2 for binomial B of M fair coins: exact. Its limit for many users is
    Q(sqrt(n / (K - 1))).

    References
    ----------
    Pursley (1977), Performance evaluation for phase-coded spread-spectrum multiple-access communication, Part I, IEEE
    Transactions on Communications 25:795.

    Examples
    --------
    >>> from skamem.analysis import cdma_bit_error
    >>> [round(float(cdma_bit_error(32, users)), 4) for users in (1, 2, 8, 32)]
    [0.0, 0.0, 0.0163, 0.1549]
    """
    n, users = _counts(n_units=n_units, n_users=n_users)
    signs = n * (users - 1)
    below = (signs - n) / 2
    tie = np.where(below == np.floor(below), binom.pmf(np.floor(below), signs, 0.5), 0.0)
    return _given(np.where(users > 1, binom.cdf(np.ceil(below) - 1, signs, 0.5) + tie / 2, 0.0))


def _counts(**given):
    """Counts as arrays of one shape, in float64."""
    found = []
    for name, values in given.items():
        for value in np.ravel(np.asarray(values, dtype=object)):
            if not COUNT.accepts(value):
                COUNT.refuse(name, value)
        found.append(np.asarray(values, dtype=np.float64))
    return np.broadcast_arrays(*found)


def _given(values):
    return float(values) if np.ndim(values) == 0 else values

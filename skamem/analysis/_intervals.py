"""Confidence intervals of proportions."""

import numbers

import numpy as np
from scipy.special import ndtri

from skamem.core.validation import check_number

__all__ = ["wilson_interval"]


def wilson_interval(n_successes, n_trials, confidence=0.95):
    """Wilson's score interval of a proportion.

    Unlike the normal approximation it stays within [0, 1] and keeps its coverage near the ends.

    Parameters
    ----------
    n_successes : int or array of int
        How often it happened; in [0, n_trials].
    n_trials : int
        How often it could; at least 1.
    confidence : float in (0, 1), default=0.95
        Coverage.

    Returns
    -------
    low, high : float or ndarray
        The ends, in [0, 1].

    Raises
    ------
    ValueError
        When a parameter is out of range.

    References
    ----------
    Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22:209,
    doi:10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> from skamem.analysis import wilson_interval
    >>> low, high = wilson_interval(1, 10)
    >>> round(float(low), 4), round(float(high), 4)
    (0.0179, 0.4042)
    """
    check_number("confidence", confidence, low=0, high=1, low_open=True, high_open=True)
    n_trials = int(check_number("n_trials", n_trials, kind=numbers.Integral, low=1))
    n_successes = np.asarray(n_successes)
    if n_successes.dtype.kind not in "biuf":
        raise TypeError(f"n_successes={n_successes!r} has no numbers; expected counts between 0 and {n_trials=}.")
    if np.any((n_successes < 0) | (n_successes > n_trials)):
        raise ValueError(f"n_successes={n_successes} is out of range; expected between 0 and n_trials={n_trials}.")
    z = ndtri((1 + confidence) / 2)
    share = n_successes / n_trials
    centre = share + z**2 / (2 * n_trials)
    half = z * np.sqrt(share * (1 - share) / n_trials + z**2 / (4 * n_trials**2))
    scale = 1 + z**2 / n_trials
    return np.maximum((centre - half) / scale, 0.0), np.minimum((centre + half) / scale, 1.0)

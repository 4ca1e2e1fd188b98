"""Confidence intervals of proportions."""

import numpy as np
from scipy.special import ndtri

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
    z = ndtri((1 + confidence) / 2)
    share = np.asarray(n_successes) / n_trials
    centre = share + z**2 / (2 * n_trials)
    half = z * np.sqrt(share * (1 - share) / n_trials + z**2 / (4 * n_trials**2))
    scale = 1 + z**2 / n_trials
    return np.maximum((centre - half) / scale, 0.0), np.minimum((centre + half) / scale, 1.0)

"""What gaps hide may be larger, or smaller, than what is known: how much each hidden entry tells of gaps.

That an entry is missing may depend on its value. Then what the other columns say of it is not the same at gaps as at
known entries, and the difference tells how the odds of a gap change with the value: as e^(bx), an exponential tilt (Kim
and Yu, 2011, A semiparametric estimation of mean functionals with nonignorable missing data, JASA 106).
"""

import numpy as np

__all__ = ["likeness_to_gaps"]

_STEEPEST = 3.0  # b, per standard deviation, at most
_MOST = 4.0  # what an entry counts at most, beside the average one: few may not decide alone
_CERTAIN = 2.0  # standard errors within which a difference is none


def likeness_to_gaps(values, said, hidden, gaps):
    """Weights of hidden entries by which they are as gaps are.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        Standardised.
    said : ndarray of shape (n_rows, n_columns)
        What the linear memory says of entries that are hidden or missing.
    hidden, gaps : bool ndarray of shape (n_rows, n_columns)
        Entries whose values are known, and those whose values are not.

    Returns
    -------
    weights : ndarray of shape (n_rows, n_columns)
        1 where nothing is hidden, and in columns whose gaps are as hidden entries are, or not known to be otherwise.
        They sum to the number of unweighted entries that would tell as much, sum(w)² / sum(w²) at equal weights.
    """
    count, missing = np.maximum(hidden.sum(axis=0), 1), np.maximum(gaps.sum(axis=0), 1)
    truth = _centred(values, hidden, count)[0]
    guess, usual = _centred(said, hidden, count)
    at_gaps, unusual = _centred(said, gaps, missing)
    apart = unusual - usual
    uncertain = (guess**2).sum(axis=0) / count**2 + (at_gaps**2).sum(axis=0) / missing**2
    covariance = (truth * guess).sum(axis=0) / count
    told = (covariance > 1e-9) & (count > 1) & (missing > 1) & (apart**2 > _CERTAIN**2 * uncertain)
    # What is left of the difference when its square is made less by what chance alone would add.
    steepness = np.where(told, apart - _CERTAIN**2 * uncertain / np.where(told, apart, 1.0), 0.0)
    steepness = np.clip(steepness / np.where(told, covariance, 1.0), -_STEEPEST, _STEEPEST)
    powers = truth * steepness
    tilted = np.where(hidden, np.exp(powers - powers.max(axis=0, initial=0.0)), 0.0)
    tilted = np.minimum(tilted, _MOST * tilted.sum(axis=0) / count)
    total, squares = tilted.sum(axis=0), (tilted**2).sum(axis=0)
    return np.where(hidden & told, tilted * (total / np.where(squares > 0.0, squares, 1.0)), 1.0)


def _centred(values, mask, count):
    """Deviations within a mask, 0 outside, and means."""
    mean = np.where(mask, values, 0.0).sum(axis=0) / count
    return np.where(mask, values - mean, 0.0), mean

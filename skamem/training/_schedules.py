"""Learning-rate schedules: the factor in (0, 1] that multiplies the rate of an update."""

import math

__all__ = ["cosine_schedule", "rising_schedule"]


def cosine_schedule(step, n_updates, warm_up=0.05):
    """Learning-rate factor: a linear rise over the first 5 % of the updates, then a cosine down to 0.

    Parameters
    ----------
    step : int
        Updates done before this one.
    n_updates : int
        Updates in all.
    warm_up : float, default=0.05
        Share of the rise.

    Returns
    -------
    factor : float
        In (0, 1].

    Examples
    --------
    >>> from skamem.training import cosine_schedule
    >>> [round(cosine_schedule(step, 40), 2) for step in (0, 1, 21, 39)]
    [0.5, 1.0, 0.5, 0.0]
    """
    rise = max(1, int(warm_up * n_updates))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, n_updates - rise)))


def rising_schedule(step, rise=50):
    """Learning-rate factor: a linear rise over the first updates, then 1, for runs whose end is not known.

    Parameters
    ----------
    step : int
        Updates done before this one, those of earlier calls included.
    rise : int, default=50
        Updates of the rise.

    Returns
    -------
    factor : float
        In (0, 1].

    Examples
    --------
    >>> from skamem.training import rising_schedule
    >>> [rising_schedule(step) for step in (0, 24, 49, 1000)]
    [0.02, 0.5, 1.0, 1.0]
    """
    return min(1.0, (step + 1) / rise)

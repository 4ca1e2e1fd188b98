"""First memories: overlaps z start with root mean square 0.4 and potentials Φ with 0.5, whatever the data."""

import numpy as np

from skamem.core import arrays
from skamem.supervised.dense._defaults import INITIAL_MEMORY, INITIAL_PEAK, INITIAL_POTENTIAL, NARROW_WIDTH

__all__ = [
    "initial_recognition",
    "initial_visible",
    "mean_peak",
    "narrow_mask",
    "peak_and_level",
    "probe_rows",
    "root_mean_square",
]

_PROBE_ROWS = 256


def initial_visible(rows, n_memories, temperature, init, fit_intercept, random_state):
    """First memories over their temperature, W/T, with the weight of the clamped unit as the last column.

    Parameters
    ----------
    rows : StandardRows
        Standardised rows.
    n_memories : int
        Number of memories.
    temperature : float
        T.
    init : {"random", "data"}
        "random" draws N(0, 0.05²); "data" takes training rows plus a little noise, scaled to the same size.
    fit_intercept : bool
        Whether the clamped unit has a weight; else 0.
    random_state : RandomState
        Draws them, on the host.

    Returns
    -------
    visible : array of shape (n_memories, n_features)
    bias : array of shape (n_memories,)
    chosen : ndarray of shape (n_memories,) or None
        For "data": the rows that became memories.
    """
    place, n_features = rows.placement, rows.n_features
    dtype = rows.offset.dtype
    drawn = random_state.standard_normal((n_memories, n_features + 1))
    bias = place.asarray(INITIAL_MEMORY / temperature * drawn[:, -1] * fit_intercept, dtype)
    if init == "random":
        return place.asarray(INITIAL_MEMORY / temperature * drawn[:, :-1], dtype), bias, None
    chosen = random_state.randint(0, len(rows), n_memories)
    visible = rows.take(chosen) + place.asarray(0.3 * drawn[:, :-1], dtype)
    norms = place.xp.sqrt(place.xp.sum(visible * visible, axis=1))[:, None]
    return visible * (INITIAL_MEMORY / temperature * n_features**0.5 / norms), bias, chosen


def narrow_mask(n_memories, n_features, share, random_state):
    """Which features each memory sees: a random share of the memories one to three of them, the others all.

    A class often depends on a few columns of a table, each by a function of its own; on that most weights of a memory
    are in the way, and what they learn of the other columns is noise. Trees make the same guess.

    Parameters
    ----------
    n_memories, n_features : int
        Sizes.
    share : float
        Of the memories, about.
    random_state : RandomState
        Draws which memories, how many features and which.

    Returns
    -------
    mask : ndarray of shape (n_memories, n_features)
        Boolean.

    Examples
    --------
    >>> import numpy as np
    >>> mask = narrow_mask(1000, 10, 0.5, np.random.RandomState(0))
    >>> sorted(set(mask.sum(axis=1).tolist())), bool(0.4 < np.mean(mask.sum(axis=1) < 10) < 0.6)
    ([1, 2, 3, 10], True)
    """
    narrow = random_state.uniform(size=n_memories) < share
    widths = np.where(narrow, random_state.randint(1, NARROW_WIDTH + 1, n_memories), n_features)
    order = np.argsort(random_state.uniform(size=(n_memories, n_features)), axis=1)
    return order < widths[:, None]


def probe_rows(rows, random_state):
    """A few random training rows, 256 at most, of shape (n_probes, n_features)."""
    return rows.take(random_state.randint(0, len(rows), min(len(rows), _PROBE_ROWS)))


def mean_peak(overlaps):
    """Overlap with the best matching memory, as a mean over rows."""
    xp = arrays.namespace(overlaps)
    peak = float(xp.mean(xp.max(overlaps, axis=1)))
    return peak if peak > 0 else 1.0


def peak_and_level(degree, fit_intercept, copied):
    """Where overlaps start under a high degree, or with memories copied from the data.

    z^n = (b + δ)^n is about b^n exp(n δ / b): for every memory to have a say, the deviations δ of a row's overlaps must
    shrink as 1 / n, around a level b near 1 that the clamped unit provides. The best match starts at 1.2, as it does
    with random memories at low degree. For random memories n δ / b is small there, so that all of them learn: starting
    at 6, those of degree 30 in benchmarks/adversarial.py misread 8 % of the images instead of 3 %. Copied ones, to stay
    the prototypes that they are, start at 6.

    Parameters
    ----------
    degree : float
        n, or 0 for an interaction without.
    fit_intercept : bool
        Whether there is a clamped unit.
    copied : bool
        Whether memories are copied from the data.

    Returns
    -------
    peak : float
        Deviation of the best matching memory.
    level : float
        Level b.

    Examples
    --------
    >>> peak_and_level(3, True, True), peak_and_level(30, True, True), peak_and_level(30, False, True)
    ((1.2, 0.0), (0.2, 1.0), (1.2, 0.0))
    >>> peak_and_level(30, True, False)[0]
    0.05
    """
    if not (degree and fit_intercept):
        return INITIAL_PEAK, 0.0
    peak = min(INITIAL_PEAK, (6.0 if copied else 1.5) / degree)
    return peak, INITIAL_PEAK - peak


def initial_recognition(drawn, overlaps, readout):
    """Recognition weights A scaled so that the potentials Φ start with root mean square 0.5.

    Parameters
    ----------
    drawn : array of shape (n_memories, n_classes)
        Their directions.
    overlaps : array of shape (n_samples, n_memories)
        Z of some training rows.
    readout : object
        With `potentials`; best the linear one, whose potentials are in proportion to A.

    Returns
    -------
    recognition : array of shape (n_memories, n_classes)
    """
    rms = root_mean_square(readout.potentials(overlaps, drawn))
    return drawn * (INITIAL_POTENTIAL / rms if rms > 0 else 1.0)


def root_mean_square(values):
    """Root mean square of an array, as a float."""
    xp = arrays.namespace(values)
    return float(xp.sqrt(xp.mean(values * values)))

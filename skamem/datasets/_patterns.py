"""Pattern makers, a small built-in set, and corruption of patterns into cues."""

import numbers

import numpy as np
from sklearn.utils import Bunch, check_array, check_random_state

from skamem.core import arrays, validation
from skamem.core.columns import unmasked

__all__ = ["CORRUPTIONS", "corrupt", "load_letters", "make_patterns"]


def make_patterns(n_patterns=10, n_units=100, *, activity=0.5, coding="bipolar", random_state=None):
    """Random independent patterns, the theorist's data.

    Parameters
    ----------
    n_patterns : int, default=10
        Patterns, >= 1.
    n_units : int, default=100
        Units a pattern, >= 1.
    activity : float, default=0.5
        Probability in [0, 1] that a unit is on.
    coding : {"bipolar", "binary"}, default="bipolar"
        Off is -1 or 0; on is 1.
    random_state : int, RandomState instance or None, default=None
        Draws the patterns.

    Returns
    -------
    patterns : ndarray of shape (n_patterns, n_units)
        float64.

    Raises
    ------
    ValueError
        For sizes or an activity out of range.

    Examples
    --------
    >>> from skamem.datasets import make_patterns
    >>> make_patterns(2, 4, random_state=0)
    array([[-1., -1., -1., -1.],
           [ 1., -1.,  1., -1.]])
    """
    validation.check_number("n_patterns", n_patterns, kind=numbers.Integral, low=1)
    validation.check_number("n_units", n_units, kind=numbers.Integral, low=1)
    validation.check_number("activity", activity, low=0.0, high=1.0)
    validation.check_option("coding", coding, ("bipolar", "binary"))
    on = check_random_state(random_state).random_sample((n_patterns, n_units)) < activity
    return np.where(on, 1.0, -1.0 if coding == "bipolar" else 0.0)


def _flip(X, rate, rng):
    if np.isnan(X).all():  # which has no range
        return X
    low, high = np.nanmin(X), np.nanmax(X)
    return np.where(_chosen(X.shape, rate, rng), low + high - X, X)


def _mask(X, rate, rng):
    return np.where(_chosen(X.shape, rate, rng), np.nan, X)


def _occlude(X, rate, rng):
    n_units = X.shape[1]
    hidden = round(rate * n_units)
    start = rng.randint(0, n_units - hidden + 1, size=(X.shape[0], 1))
    unit = np.arange(n_units)
    return np.where((unit >= start) & (unit < start + hidden), np.nan, X)


def _erase(X, rate, rng):
    return np.where(np.arange(X.shape[1]) >= X.shape[1] - round(rate * X.shape[1]), np.nan, X)


def _gaussian(X, rate, rng):
    return X + rate * np.nanstd(X) * rng.standard_normal(X.shape)


def _chosen(shape, rate, rng):
    """Mask of exactly round(rate * n_units) random units a row."""
    rank = rng.random_sample(shape).argsort(axis=1).argsort(axis=1)
    return rank < round(rate * shape[1])


CORRUPTIONS = {"flip": _flip, "mask": _mask, "occlude": _occlude, "erase": _erase, "gaussian": _gaussian}
"""Corruptions by name: ``(X, rate, rng) -> cues``."""


def corrupt(X, kind="flip", rate=0.2, *, random_state=None):
    """Turn patterns into cues.

    Parameters
    ----------
    X : array-like of shape (n_patterns, n_units)
        Patterns; two-valued or real.
    kind : {"flip", "mask", "occlude", "erase", "gaussian"} or callable, default="flip"
        "flip" reflects random units about the middle of the data's range (on becomes off); "mask" makes random units
        unknown (NaN); "occlude" makes a contiguous stretch at a random place unknown; "erase" makes the last units
        unknown (the lower part of an image); "gaussian" adds noise, `rate` in standard deviations of the data. A
        callable gets ``(X, rate, rng)`` and returns the cues.
    rate : float, default=0.2
        Fraction of the units, in [0, 1]: exactly round(rate * n_units) a row. For "gaussian", any value >= 0.
    random_state : int, RandomState instance or None, default=None
        Draws the units.

    Returns
    -------
    cues : array of shape (n_patterns, n_units)
        float32 for float32 input, else float64, where `X` was (they are made on the host). `X` is not changed.

    Raises
    ------
    ValueError
        For an unknown kind or a rate out of range.

    Examples
    --------
    >>> from skamem.datasets import corrupt
    >>> corrupt([[1, -1, 1, -1]], "erase", 0.5)
    array([[ 1., -1., nan, nan]])
    """
    X = unmasked(X)
    xp = arrays.input_namespace(X)
    X = check_array(X, dtype=(xp.float64, xp.float32), ensure_all_finite="allow-nan")
    place, X = arrays.placement_of(X), arrays.to_numpy(X)
    if not callable(kind):
        validation.check_option("kind", kind, tuple(CORRUPTIONS))
    validation.check_number("rate", rate, low=0.0, high=None if kind == "gaussian" else 1.0)
    make = kind if callable(kind) else CORRUPTIONS[kind]
    # A stream of its own: the seed that made the patterns would spoil just the units that it switched on.
    stream = np.random.RandomState(check_random_state(random_state).randint(2**31 - 1))
    return place.asarray(np.asarray(make(X, rate, stream), dtype=X.dtype))


_LETTERS = {
    "A": ".###. #...# #...# ##### #...# #...# #...#",
    "B": "####. #...# #...# ####. #...# #...# ####.",
    "C": ".#### #.... #.... #.... #.... #.... .####",
    "D": "####. #...# #...# #...# #...# #...# ####.",
    "E": "##### #.... #.... ####. #.... #.... #####",
    "F": "##### #.... #.... ####. #.... #.... #....",
    "G": ".#### #.... #.... #..## #...# #...# .####",
    "H": "#...# #...# #...# ##### #...# #...# #...#",
    "I": "##### ..#.. ..#.. ..#.. ..#.. ..#.. #####",
    "J": "..### ...#. ...#. ...#. ...#. #..#. .##..",
    "K": "#...# #..#. #.#.. ##... #.#.. #..#. #...#",
    "L": "#.... #.... #.... #.... #.... #.... #####",
    "M": "#...# ##.## #.#.# #.#.# #...# #...# #...#",
    "N": "#...# ##..# ##..# #.#.# #..## #..## #...#",
    "O": ".###. #...# #...# #...# #...# #...# .###.",
    "P": "####. #...# #...# ####. #.... #.... #....",
    "Q": ".###. #...# #...# #...# #.#.# #..#. .##.#",
    "R": "####. #...# #...# ####. #.#.. #..#. #...#",
    "S": ".#### #.... #.... .###. ....# ....# ####.",
    "T": "##### ..#.. ..#.. ..#.. ..#.. ..#.. ..#..",
    "U": "#...# #...# #...# #...# #...# #...# .###.",
    "V": "#...# #...# #...# #...# #...# .#.#. ..#..",
    "W": "#...# #...# #...# #.#.# #.#.# ##.## #...#",
    "X": "#...# #...# .#.#. ..#.. .#.#. #...# #...#",
    "Y": "#...# #...# .#.#. ..#.. ..#.. ..#.. ..#..",
    "Z": "##### ....# ...#. ..#.. .#... #.... #####",
}


def load_letters(*, return_X_y=False):
    """The capital letters as 7 x 5 bipolar images: a small, strongly correlated set of patterns.

    Parameters
    ----------
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    letters : Bunch or (ndarray, ndarray)
        ``data`` of shape (26, 35) with entries -1 and 1, ``target`` of shape (26,) with the letters, ``images`` of
        shape (26, 7, 5), ``image_shape`` (7, 5).

    Examples
    --------
    >>> from skamem.datasets import load_letters
    >>> letters = load_letters()
    >>> for row in letters.images[0]:
    ...     print("".join("#" if pixel > 0 else "." for pixel in row))
    .###.
    #...#
    #...#
    #####
    #...#
    #...#
    #...#
    """
    validation.check_option("return_X_y", return_X_y, (True, False))
    target = np.asarray(list(_LETTERS))
    data = np.asarray([[1.0 if c == "#" else -1.0 for c in rows if c != " "] for rows in _LETTERS.values()])
    if return_X_y:
        return data, target
    return Bunch(data=data, target=target, images=data.reshape(-1, 7, 5), image_shape=(7, 5))

"""How much does a memory hold? Measured: patterns recalled against patterns stored, over seeds."""

import math
import numbers
import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.base import clone

from skamem.analysis._probing import Probing, in_parallel, task_seeds
from skamem.core.validation import check_number, check_option, type_of
from skamem.datasets import corrupt, make_patterns
from skamem.exceptions import CapacityWarning

__all__ = ["CapacityCurve", "capacity_curve"]

MEASURES = ("recalled", "units_right", "bit_error", "overlap")


@dataclass(frozen=True, eq=False)
class CapacityCurve:
    """Result of `capacity_curve`.

    Parameters
    ----------
    n_units : int
        Units of a pattern.
    n_patterns : int ndarray of shape (n_loads,)
        Patterns stored; ascending.
    recalled : ndarray of shape (n_loads, n_seeds)
        Share of the patterns that were recalled without an error.
    units_right : ndarray of shape (n_loads, n_seeds)
        Share of the units that were right.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.analysis import CapacityCurve
    >>> recalled = np.asarray([[1.0, 1.0], [0.8, 0.6], [0.1, 0.3]])
    >>> curve = CapacityCurve(100, np.asarray([10, 20, 30]), recalled, 1 - (1 - recalled) / 50)
    >>> curve.mean(), curve.standard_error()
    (array([1. , 0.7, 0.2]), array([0. , 0.1, 0.1]))
    >>> curve.capacity(0.5)[0]
    24.0
    """

    n_units: int
    n_patterns: np.ndarray
    recalled: np.ndarray
    units_right: np.ndarray

    @property
    def loads(self):
        """Patterns by units."""
        return self.n_patterns / self.n_units

    def values(self, measure="recalled"):
        """What was measured, for each load and seed.

        Parameters
        ----------
        measure : {"recalled", "units_right", "bit_error", "overlap"}, default="recalled"
            Share of the patterns without an error, share of units right or wrong, or 2 (units right) - 1.

        Returns
        -------
        values : ndarray of shape (n_loads, n_seeds)
        """
        check_option("measure", measure, MEASURES)
        if measure == "recalled":
            return self.recalled
        if measure == "units_right":
            return self.units_right
        return 1 - self.units_right if measure == "bit_error" else 2 * self.units_right - 1

    def mean(self, measure="recalled"):
        """Mean over seeds.

        Parameters
        ----------
        measure : str, default="recalled"
            As `values`.

        Returns
        -------
        mean : ndarray of shape (n_loads,)
        """
        return self.values(measure).mean(axis=1)

    def standard_error(self, measure="recalled"):
        """Standard error of the mean over seeds.

        Parameters
        ----------
        measure : str, default="recalled"
            As `values`.

        Returns
        -------
        standard_error : ndarray of shape (n_loads,)
            NaN for a single seed.
        """
        values = self.values(measure)
        if values.shape[1] == 1:
            return np.full(len(values), np.nan)
        return values.std(axis=1, ddof=1) / math.sqrt(values.shape[1])

    def capacity(self, level=0.5, *, measure="recalled"):
        """Number of patterns at which the mean over seeds crosses a level, by interpolation.

        Parameters
        ----------
        level : float, default=0.5
            What still counts as holding.
        measure : str, default="recalled"
            As `values`.

        Returns
        -------
        n_patterns : float
            Where the mean first passes from one side of the level to the other; NaN where it does not within the loads
            that were measured.
        error : float
            Its standard error, by the jackknife over seeds; NaN for a single seed.
        """
        values = self.values(measure)
        n_seeds = values.shape[1]
        crossing = _crossing(self.n_patterns, values, level)
        if n_seeds == 1:
            return crossing, math.nan
        without_one = [_crossing(self.n_patterns, np.delete(values, seed, axis=1), level) for seed in range(n_seeds)]
        return crossing, math.sqrt((n_seeds - 1) * np.var(without_one))

    def to_frame(self):
        """The curve as a pandas DataFrame.

        Returns
        -------
        frame : pandas.DataFrame
            One row a load: ``n_patterns``, ``load``, and mean and standard error of ``recalled`` and ``units_right``.
        """
        import pandas as pd

        columns = {"n_patterns": self.n_patterns, "load": self.loads}
        for measure in ("recalled", "units_right"):
            columns |= {measure: self.mean(measure), f"{measure}_error": self.standard_error(measure)}
        return pd.DataFrame(columns)


def _crossing(x, values, level):
    """Where the line through the means over seeds first crosses the level."""
    y = values.mean(axis=1)
    above = y >= level
    changes = np.flatnonzero(above[1:] != above[:-1])
    if not len(changes):
        return math.nan
    i = changes[0]
    return float(x[i] + (x[i + 1] - x[i]) * (level - y[i]) / (y[i + 1] - y[i]))


def capacity_curve(
    memory, n_units=100, *, loads=None, n_patterns=None, n_seeds=10, corruption="flip", rate=0.0,
    patterns=make_patterns, tolerance=0.0, n_jobs=None, random_state=None, progress=False,
):  # fmt: skip
    """Measure how many patterns a memory recalls, against how many it stores.

    For each number of patterns and each seed a copy of the memory stores new random patterns and is asked for them.

    Parameters
    ----------
    memory : object
        Anything with `fit` and `predict`: a memory, a pipeline that ends in one, a user's own. It is copied, not
        changed; the copies' parameters called ``random_state`` are drawn from that of the curve.
    n_units : int, default=100
        Units of a pattern.
    loads : array-like of float, default=None
        Patterns by units at which to measure: numbers of patterns are rounded, and at least 1. Give these or
        `n_patterns`.
    n_patterns : array-like of int, default=None
        Numbers of patterns at which to measure.
    n_seeds : int, default=10
        Draws of patterns for each load.
    corruption : str or callable, default="flip"
        How patterns become cues: see `skamem.datasets.corrupt`.
    rate : float, default=0.0
        How much of a pattern is spoiled; 0 asks with the stored patterns themselves.
    patterns : callable, default=make_patterns
        ``patterns(n_patterns, n_units, random_state=...)`` returns patterns, one a row, or a pair (X, y) of patterns
        and what is associated with them.
    tolerance : float, default=0.0
        Largest difference of a recalled unit from its target that still counts as right.
    n_jobs : int, default=None
        Workers; see joblib.
    random_state : int, RandomState instance or None, default=None
        Draws the seeds. Results are the same for every `n_jobs`.
    progress : bool or callable, default=False
        True shows a progress bar (needs rich); a callable is called as ``progress(n_done, n_tasks)``.

    Returns
    -------
    curve : CapacityCurve
        With ``n_patterns``, ``loads``, ``recalled``, ``units_right``, ``mean()``, ``standard_error()``, ``capacity()``
        and ``to_frame()``.

    Raises
    ------
    TypeError
        When the memory has no `fit` or no `predict`.
    ValueError
        When a parameter is out of range, or not exactly one of `loads` and `n_patterns` is given.

    Warns
    -----
    UserWarning
        What the memories warn of, but for `CapacityWarning`: overload is what is studied.

    See Also
    --------
    capacity : What theory predicts.
    skamem.display.CapacityDisplay : Draws curves.

    Notes
    -----
    A stable pattern is not yet a memory: a unit matrix keeps everything. Give a `rate` to see what is repaired.
    Cost: ``n_seeds`` times the number of loads, a fit and a recall each.

    Examples
    --------
    >>> from skamem import HopfieldNetwork
    >>> from skamem.analysis import capacity_curve
    >>> curve = capacity_curve(HopfieldNetwork(), 100, loads=[0.05, 0.1, 0.2], n_seeds=5, random_state=0)
    >>> curve.n_patterns, curve.mean().round(1)
    (array([ 5, 10, 20]), array([1. , 1. , 0.5]))
    """
    for method in ("fit", "predict"):
        if not callable(getattr(memory, method, None)):
            raise TypeError(f"{type(memory).__name__} has no {method}; expected a memory, or anything like one.")
    check_number("n_units", n_units, kind=numbers.Integral, low=1)
    n_seeds = int(check_number("n_seeds", n_seeds, kind=numbers.Integral, low=1))
    check_number("rate", rate, low=0, high=1)
    if not callable(patterns):
        raise TypeError(f"patterns={patterns!r} is {type_of(patterns)}; expected a function, as make_patterns.")
    counts = _counts(n_units, loads, n_patterns)

    def measure(count, seed):
        return _measure(memory, count, n_units, np.random.RandomState(seed), patterns, corruption, rate, tolerance)

    seeds = task_seeds(random_state, len(counts) * n_seeds)
    tasks = zip(np.repeat(counts, n_seeds).tolist(), seeds.tolist(), strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CapacityWarning)
        found = in_parallel(measure, tasks, n_jobs=n_jobs, progress=progress, name="capacity")
    recalled, units_right = np.reshape(found, (len(counts), n_seeds, 2)).transpose(2, 0, 1)
    return CapacityCurve(int(n_units), counts, recalled, units_right)


def _counts(n_units, loads, n_patterns):
    """Numbers of patterns, ascending, each once."""
    if (loads is None) == (n_patterns is None):
        given = "neither" if loads is None else "both"
        raise ValueError(f"found {given} of loads and n_patterns; expected one of them.")
    name, numbers_given = ("n_patterns", n_patterns) if loads is None else ("loads", loads)
    values = np.atleast_1d(numbers_given)
    if (
        values.ndim != 1
        or not values.size
        or values.dtype.kind not in "iuf"
        or not np.all((values > 0) & np.isfinite(values))
    ):
        raise ValueError(f"{name}={numbers_given!r}; expected a list of numbers > 0.")
    if loads is None and np.any(values != np.rint(values)):
        raise ValueError(f"n_patterns={n_patterns!r}; expected whole numbers. For shares of n_units give loads.")
    counts = np.rint(values if loads is None else values * n_units)
    return np.unique(np.maximum(counts, 1)).astype(int)


def _measure(memory, count, n_units, rng, patterns, corruption, rate, tolerance):
    """Share of patterns recalled without an error, and share of units right, by one copy of the memory."""
    made = patterns(count, n_units, random_state=rng)
    X, y = made if isinstance(made, tuple) else (made, None)
    memory = _copy(memory, rng)
    memory.fit(*made) if isinstance(made, tuple) else memory.fit(X)
    probing = Probing.of(memory, X, y, tolerance=tolerance)
    cues = corrupt(X, corruption, rate, random_state=rng) if rate else X
    found, expected = probing.ask(cues), probing.targets
    right = probing.agrees(found.ravel(), expected.ravel()).reshape(expected.shape)
    return right.reshape(len(right), -1).all(axis=1).mean(), right.mean()


def _copy(memory, rng):
    """A copy that is not fitted, with random states of its own."""
    memory = clone(memory, safe=False)
    if hasattr(memory, "get_params"):
        names = sorted(name for name in memory.get_params() if name.split("__")[-1] == "random_state")
        memory.set_params(**{name: rng.randint(2**31 - 1) for name in names})
    return memory

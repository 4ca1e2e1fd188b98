"""How wide the basins of attraction are: the share of the states around a stored pattern that recall it."""

import numbers
from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state

from skamem.analysis._intervals import wilson_interval
from skamem.analysis._probing import Probing
from skamem.analysis._shells import Shells, count_recalled
from skamem.core.validation import check_number, check_sequence

__all__ = ["BasinMap", "BasinProfile", "attraction_index", "basin_map", "basin_profile"]

# Distances of a profile, and values on an axis of a map, unless the user names them: enough for a picture.
_MOST_STEPS = 26


@dataclass(frozen=True, eq=False)
class BasinProfile:
    """Result of `basin_profile`.

    Parameters
    ----------
    distances : int ndarray of shape (n_distances,)
        Units flipped.
    counts : int ndarray of shape (n_patterns, n_distances)
        States at that distance that recalled the pattern.
    n_probes : int ndarray of shape (n_distances,)
        States at that distance that were asked, of each pattern.
    exhaustive : bool ndarray of shape (n_distances,)
        Whether these were all of them.

    Examples
    --------
    >>> from skamem.analysis import BasinProfile
    >>> counts = np.asarray([[1, 10, 50], [1, 8, 30]])
    >>> profile = BasinProfile(np.arange(3), counts, np.asarray([1, 10, 100]), np.asarray([True, True, False]))
    >>> profile.share, profile.radius(0.5), profile.attraction_index
    (array([1. , 0.9, 0.4]), 1.0, 1.7)
    """

    distances: np.ndarray
    counts: np.ndarray
    n_probes: np.ndarray
    exhaustive: np.ndarray

    @property
    def share(self):
        """p_h, the share of the states at each distance that recall their pattern: the mean over the patterns."""
        return np.mean(self.pattern_shares, axis=0)

    @property
    def pattern_shares(self):
        """The same for each pattern, shape (n_patterns, n_distances)."""
        return self.counts / self.n_probes

    def interval(self, confidence=0.95):
        """Wilson interval of `share`, for these stored patterns; nothing but the share where all states were asked.

        Parameters
        ----------
        confidence : float in (0, 1), default=0.95
            Coverage at each distance, at least: equally many probes of each pattern make the share more precise than
            probes of patterns drawn at random would.

        Returns
        -------
        low, high : ndarray of shape (n_distances,)
            The ends, in [0, 1].
        """
        n_patterns, totals = len(self.counts), self.counts.sum(axis=0)
        ends = [
            wilson_interval(total, int(n_patterns * n), confidence=confidence)
            for total, n in zip(totals, self.n_probes, strict=True)
        ]
        return tuple(np.where(self.exhaustive, self.share, end) for end in np.transpose(ends))

    @property
    def attraction_index(self):
        """I = Σ h p_h over every h from the least to the greatest distance; between those asked p_h is interpolated."""
        every = np.arange(self.distances[0], self.distances[-1] + 1)
        return float(np.sum(every * np.interp(every, self.distances, self.share)))

    def radius(self, share=0.5):
        """How far out patterns are recalled.

        Parameters
        ----------
        share : float in (0, 1], default=0.5
            Of the states at a distance.

        Returns
        -------
        radius : float
            Greatest distance up to which this share of the states is recalled, at that and all lesser distances asked;
            NaN if it is not even at the least.
        """
        check_number("share", share, low=0, high=1, low_open=True)
        reached = np.cumprod(self.share >= share).sum()
        return float(self.distances[reached - 1]) if reached else float("nan")

    def to_frame(self):
        """The profile as a pandas DataFrame.

        Returns
        -------
        frame : pandas.DataFrame
            One row a distance; columns ``share``, ``low`` and ``high`` (95 % Wilson interval), ``n_recalled`` and
            ``n_probes`` over all patterns, ``exhaustive``.
        """
        import pandas as pd

        low, high = self.interval()
        columns = {
            "share": self.share,
            "low": low,
            "high": high,
            "n_recalled": self.counts.sum(axis=0),
            "n_probes": len(self.counts) * self.n_probes,
            "exhaustive": self.exhaustive,
        }
        return pd.DataFrame(columns, index=pd.Index(self.distances, name="distance"))


@dataclass(frozen=True, eq=False)
class BasinMap:
    """Result of `basin_map`.

    Parameters
    ----------
    groups : tuple of two int ndarray
        Units of the two groups.
    flips : tuple of two int ndarray
        Units flipped in the first group, for each row of the map, and in the second, for each column.
    counts : int ndarray of shape (n_rows, n_columns)
        States of a cell that recalled the pattern.
    n_probes : int ndarray of shape (n_rows, n_columns)
        States of a cell that were asked.
    exhaustive : bool ndarray of shape (n_rows, n_columns)
        Whether these were all of them.

    Examples
    --------
    >>> from skamem.analysis import BasinMap
    >>> one = np.asarray([[1]])
    >>> BasinMap((np.arange(2), np.arange(2, 4)), (np.arange(1), np.arange(1)), one, one, one > 0).share
    array([[1.]])
    """

    groups: tuple
    flips: tuple
    counts: np.ndarray
    n_probes: np.ndarray
    exhaustive: np.ndarray

    @property
    def share(self):
        """Share of the states of each cell that recalled the pattern."""
        return self.counts / self.n_probes

    def to_frame(self):
        """The map as a pandas DataFrame.

        Returns
        -------
        frame : pandas.DataFrame
            One row a cell, indexed by the flips in both groups; columns ``share``, ``n_recalled``, ``n_probes``,
            ``exhaustive``.
        """
        import pandas as pd

        columns = {
            "share": self.share.ravel(),
            "n_recalled": self.counts.ravel(),
            "n_probes": self.n_probes.ravel(),
            "exhaustive": self.exhaustive.ravel(),
        }
        return pd.DataFrame(columns, index=pd.MultiIndex.from_product(self.flips, names=["first", "second"]))


def basin_profile(
    memory, X, y=None, *, distances=None, n_probes=500, tolerance=0.0, n_jobs=None, random_state=None, progress=False
):  # fmt: skip
    """Share of the states at each Hamming distance from a stored pattern that recall it.

    At distances that at most `n_probes` states have, all of them are asked, once each. Elsewhere `n_probes` states are
    drawn for each pattern, independently and uniformly from all those with exactly that many units flipped.

    Parameters
    ----------
    memory : object
        Anything fitted with `predict`: a memory, a pipeline that ends in one, a `MemoryClassifier`, your own.
    X : array-like of shape (n_patterns, n_units)
        Stored patterns, or some of them. A flip reflects a unit about the middle of the least and the greatest value in
        `X`: -1 and 1 change places, or 0 and 1.
    y : array-like of shape (n_patterns,) or (n_patterns, n_outputs), default=None
        What they should recall, patterns or labels; None for themselves.
    distances : array-like of int, default=None
        Numbers of flipped units, ascending, from 0 to n_units. None for 0 to n_units // 2, in steps that make them 26
        at most.
    n_probes : int, default=500
        States at most for each pattern and distance, >= 1. 500 tell the share of a single pattern to within 4.5 %.
    tolerance : float, default=0.0
        Largest difference of a recalled unit from its target that still counts as recall; for real-valued memories.
    n_jobs : int, default=None
        Workers of joblib: None is 1 unless a `joblib.parallel_config` says otherwise, -1 all processors. The numbers do
        not depend on it.
    random_state : int, RandomState instance or None, default=None
        Draws the states.
    progress : bool or callable, default=False
        True shows a progress bar (needs rich); a callable is called as ``progress(n_done, n_tasks)``.

    Returns
    -------
    profile : BasinProfile
        With ``distances``, ``counts``, ``share``, ``interval()``, ``attraction_index``, ``radius()`` and
        ``to_frame()``.

    Raises
    ------
    TypeError
        When `memory` has no `predict`.
    ValueError
        When a parameter is out of range, or `X` and `y` do not fit.

    See Also
    --------
    basin_map : The same in two directions.
    skamem.display.BasinDisplay : Draws profiles.

    Notes
    -----
    A memory that stores complements, as Hebbian ones do without bias, recalls nothing beyond n_units / 2: there the
    complement is nearer. Cost: a `predict` of n_patterns n_probes states a distance; memory does not grow with their
    number.

    References
    ----------
    Rojas (1996), Neural Networks: A Systematic Introduction, Springer, chapter 12, doi:10.1007/978-3-642-61068-4.

    Examples
    --------
    >>> from skamem import HebbianMemory
    >>> from skamem.analysis import basin_profile
    >>> from skamem.datasets import make_patterns
    >>> patterns = make_patterns(3, 25, random_state=0)
    >>> once, often = (HebbianMemory(n_recall_steps=n).fit(patterns) for n in (1, 100))
    >>> basin_profile(once, patterns, distances=[0, 3, 6, 9], random_state=0).share.round(2)
    array([1.  , 0.99, 0.84, 0.44])
    >>> basin_profile(often, patterns, distances=[0, 3, 6, 9], random_state=0).share.round(2)
    array([1.  , 0.99, 0.84, 0.49])
    """
    probing = Probing.of(memory, X, y, tolerance=tolerance)
    n_patterns, n_units = probing.patterns.shape
    distances = _steps("distances", distances, n_units // 2, n_units)
    check_number("n_probes", n_probes, kind=numbers.Integral, low=1)
    shells = Shells.of((np.arange(n_units),), distances[:, None], n_probes)
    counts = count_recalled(
        probing, np.arange(n_patterns), shells,
        n_jobs=n_jobs, random_state=random_state, progress=progress, name="basin profile",
    )  # fmt: skip
    return BasinProfile(distances, counts, shells.n_probes, shells.exhaustive)


def attraction_index(memory, X=None, y=None, **options):
    """Index of attraction: one number for the width of basins, I = Σ h p_h.

    Defined in [1]_. p_h is the share of the states at Hamming distance h from a stored pattern that recall it. Recall
    from far away counts more than from nearby, where any memory succeeds.

    Parameters
    ----------
    memory : object or BasinProfile
        Anything fitted with `predict`, or a profile of it.
    X : array-like of shape (n_patterns, n_units)
        Stored patterns; not to be given with a profile.
    y : array-like of shape (n_patterns,) or (n_patterns, n_outputs), default=None
        What they should recall; None for themselves.
    **options
        As `basin_profile`.

    Returns
    -------
    index : float
        The sum over every h from the least to the greatest distance, by default from 0 to about n_units / 2. Shares at
        distances that were not asked are interpolated linearly, so that their spacing hardly matters. Where complements
        are stored too, the index is at most the sum of all h below n_units / 2: 10 for 10 units.

    Raises
    ------
    TypeError
        When neither a profile nor a memory and patterns are given.
    ValueError
        As `basin_profile`.

    References
    ----------
    .. [1] Rojas (1996), Neural Networks: A Systematic Introduction, Springer, chapter 12,
       doi:10.1007/978-3-642-61068-4.

    Examples
    --------
    >>> from skamem import HebbianMemory
    >>> from skamem.analysis import attraction_index
    >>> from skamem.datasets import make_patterns
    >>> patterns = make_patterns(3, 25, random_state=0)
    >>> once, often = (HebbianMemory(n_recall_steps=n).fit(patterns) for n in (1, 100))
    >>> attraction_index(once, patterns) < attraction_index(often, patterns)
    True
    """
    if isinstance(memory, BasinProfile):
        if X is not None or y is not None or options:
            raise TypeError("A profile was measured already; expected it alone, without X, y or options.")
        return memory.attraction_index
    if X is None:
        raise TypeError(f"{type(memory).__name__} was given without X; expected a BasinProfile, or a memory and X.")
    return basin_profile(memory, X, y, **options).attraction_index


def basin_map(
    memory, X, y=None, *, pattern=0, groups=None, flips=None, n_probes=100, tolerance=0.0, n_jobs=None,
    random_state=None, progress=False,
):  # fmt: skip
    """Map of the basin of one pattern: share of the states that recall it, by the units flipped in two groups.

    Parameters
    ----------
    memory : object
        Anything fitted with `predict`: a memory, a pipeline that ends in one, a `MemoryClassifier`, your own.
    X : array-like of shape (n_patterns, n_units)
        Stored patterns. A flip reflects a unit about the middle of the least and the greatest value in `X`.
    y : array-like of shape (n_patterns,) or (n_patterns, n_outputs), default=None
        What they should recall, patterns or labels; None for themselves.
    pattern : int, default=0
        Row of `X` that the map is about.
    groups : array-like of bool of shape (n_units,), default=None
        Units of the first group. None draws half of them.
    flips : pair of array-like of int, default=None
        Units flipped in the first and in the second group, ascending. None for 0 to the size of the group, in steps
        that make them 26 at most.
    n_probes : int, default=100
        States at most for each cell, >= 1: all states of the cell where it has no more, else drawn uniformly from them.
    tolerance : float, default=0.0
        Largest difference of a recalled unit from its target that still counts as recall; for real-valued memories.
    n_jobs : int, default=None
        Workers of joblib: None is 1 unless a `joblib.parallel_config` says otherwise, -1 all processors. The numbers do
        not depend on it.
    random_state : int, RandomState instance or None, default=None
        Draws the groups, then the states.
    progress : bool or callable, default=False
        True shows a progress bar (needs rich); a callable is called as ``progress(n_done, n_tasks)``.

    Returns
    -------
    basin : BasinMap
        With ``groups``, ``flips``, ``counts``, ``share`` and ``to_frame()``.

    Raises
    ------
    TypeError
        When `memory` has no `predict`.
    ValueError
        When a parameter is out of range, a group is empty, or `X` and `y` do not fit.

    See Also
    --------
    basin_profile : By the number of flipped units alone, for all patterns.
    skamem.display.BasinMapDisplay : Draws the map.

    Notes
    -----
    Cost: a `predict` of at most n_probes states a cell.

    References
    ----------
    Rojas (1996), Neural Networks: A Systematic Introduction, Springer, chapter 12, doi:10.1007/978-3-642-61068-4.

    Examples
    --------
    >>> from skamem import HebbianMemory
    >>> from skamem.analysis import basin_map
    >>> from skamem.datasets import make_patterns
    >>> patterns = make_patterns(2, 8, random_state=0)
    >>> basin_map(HebbianMemory().fit(patterns), patterns, random_state=0).share.round(1)
    array([[1. , 1. , 1. , 0.8, 0. ],
           [1. , 0.9, 0.5, 0. , 0. ],
           [0.8, 0.5, 0. , 0. , 0. ],
           [0.5, 0. , 0. , 0. , 0. ],
           [0. , 0. , 0. , 0. , 0. ]])
    """
    probing = Probing.of(memory, X, y, tolerance=tolerance)
    n_patterns, n_units = probing.patterns.shape
    check_number("pattern", pattern, kind=numbers.Integral, low=0, high=n_patterns - 1)
    check_number("n_probes", n_probes, kind=numbers.Integral, low=1)
    rng = check_random_state(random_state)
    groups = _two_groups(groups, n_units, rng)
    flips = (None, None) if flips is None else check_sequence("flips", flips, "one list for each group", length=2)
    flips = tuple(_steps("flips", some, len(group), len(group)) for some, group in zip(flips, groups, strict=True))
    cells = np.stack(np.meshgrid(*flips, indexing="ij"), axis=-1)
    shells = Shells.of(groups, cells.reshape(-1, 2), n_probes)
    counts = count_recalled(
        probing, np.asarray([pattern]), shells,
        n_jobs=n_jobs, random_state=rng, progress=progress, name="basin map",
    )  # fmt: skip
    shape = cells.shape[:2]
    return BasinMap(groups, flips, *(part.reshape(shape) for part in (counts, shells.n_probes, shells.exhaustive)))


def _steps(name, given, usual, limit):
    """Ascending numbers of flips as an array: those given, none beyond `limit`, or some from 0 to `usual`."""
    if given is None:
        return np.arange(0, usual + 1, 1 + usual // _MOST_STEPS)
    steps = np.atleast_1d(np.asarray(given))
    if steps.ndim != 1 or not steps.size or steps.dtype.kind not in "iu" or np.any(np.diff(steps) <= 0):
        raise ValueError(f"{name}={given!r}; expected ascending integers, each once.")
    if steps[0] < 0 or steps[-1] > limit:
        raise ValueError(
            f"{name} reach from {steps[0]} to {steps[-1]}; expected 0 to {limit}, as many as there are units."
        )
    return steps.astype(int)


def _two_groups(groups, n_units, rng):
    """Indices of the units of both groups."""
    if groups is None:
        first = np.zeros(n_units, dtype=bool)
        first[rng.permutation(n_units)[: n_units // 2]] = True
    else:
        first = np.asarray(groups)
        if first.shape != (n_units,) or first.dtype != bool:
            raise ValueError(
                f"groups has shape {first.shape} and type {first.dtype}; expected ({n_units},) and bool: True for the "
                "units of the first group."
            )
    if first.all() or not first.any():
        raise ValueError(f"One of the two groups of {n_units} units is empty; expected a unit in each.")
    return np.flatnonzero(first), np.flatnonzero(~first)

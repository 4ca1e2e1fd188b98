"""What else a memory holds: its fixed points, those that nobody stored among them."""

import itertools
import math
import numbers
from dataclasses import dataclass

import numpy as np

from skamem.analysis._endings import Endings, endings, has_energy
from skamem.analysis._probing import Probing, in_parallel, task_seeds
from skamem.core.validation import check_number, check_sequence

__all__ = ["SpuriousStates", "spurious_states"]

_KINDS = ("stored", "complement", "mixture", "other")
_EXHAUSTIVE = 20  # units up to which all states are asked
_PROBES = 8192  # states that one task asks
_MOST_MIXED = 2**27  # units of mixtures that one size may cost


@dataclass(frozen=True, eq=False)
class SpuriousStates:
    """Result of `spurious_states`: the fixed points that were found, sorted by kind and share.

    Parameters
    ----------
    states : ndarray of shape (n_states, n_units)
        Fixed points, with the two values of the patterns.
    kinds : ndarray of str, shape (n_states,)
        "stored", "complement", "mixture" or "other".
    n_mixed : int ndarray of shape (n_states,)
        How many patterns a mixture is made of, the fewest that will do; 0 for other kinds.
    shares : ndarray of shape (n_states,)
        Share of the probes that `predict` takes there. What is missing from 1 ends nowhere: on cycles.
    energies : ndarray of shape (n_states,) or None
        Their energies, where the memory has them.
    n_probes : int
        States that were asked.
    exhaustive : bool
        Whether these were all states there are, so that no fixed point is missing.
    mixture_sizes : tuple of int
        Numbers of patterns whose mixtures were looked for.

    Examples
    --------
    >>> from skamem import HopfieldNetwork
    >>> from skamem.analysis import spurious_states
    >>> patterns = [[1, 1, 1, 1, -1, -1, -1, -1], [1, 1, -1, -1, 1, 1, -1, -1]]
    >>> found = spurious_states(HopfieldNetwork().fit(patterns), patterns)
    >>> found.exhaustive, found.counts
    (True, {'stored': 2, 'complement': 2, 'mixture': 0, 'other': 0})
    """

    states: np.ndarray
    kinds: np.ndarray
    n_mixed: np.ndarray
    shares: np.ndarray
    energies: np.ndarray | None
    n_probes: int
    exhaustive: bool
    mixture_sizes: tuple

    @property
    def counts(self):
        """Number of fixed points of each kind: a dict of {str: int}."""
        return {kind: int(np.sum(self.kinds == kind)) for kind in _KINDS}

    @property
    def share_by_kind(self):
        """Share of the probes that ends at fixed points of each kind: a dict of {str: float}."""
        return {kind: float(np.sum(self.shares[self.kinds == kind])) for kind in _KINDS}

    def to_frame(self):
        """The fixed points as a pandas DataFrame.

        Returns
        -------
        frame : pandas.DataFrame
            One row a fixed point, columns ``kind``, ``n_mixed``, ``share`` and, where there is one, ``energy``.
        """
        import pandas as pd

        columns = {"kind": self.kinds, "n_mixed": self.n_mixed, "share": self.shares}
        if self.energies is not None:
            columns["energy"] = self.energies
        return pd.DataFrame(columns).rename_axis("state")


def spurious_states(
    memory,
    X,
    *,
    n_probes=10_000,
    mixture_sizes=(3, 5, 7),
    tolerance=0.0,
    n_jobs=None,
    random_state=None,
    progress=False,
):
    """Fixed points of a memory, and which of them were stored.

    Up to 20 units every state is asked. Beyond, random states are followed to where they end, and stored patterns and
    their complements are tried: the fixed points found are some of those there are, the easiest to fall into.

    Parameters
    ----------
    memory : object
        Autoassociative and fitted: anything whose `predict` returns patterns of two values.
    X : array-like of shape (n_patterns, n_units)
        Stored patterns, of two values.
    n_probes : int, default=10000
        Random states that are asked when there are more than 20 units, >= 1; each unit is on with probability 1/2.
    mixture_sizes : sequence of odd int >= 3, default=(3, 5, 7)
        A mixture is the sign of a sum of that many stored patterns, each added or subtracted. A size whose mixtures
        would be too many (more than 2**27 units in all: size 7 of 18 patterns of 100 units) is left out.
    tolerance : float, default=0.0
        Largest difference of a recalled unit from one of the two values that still counts as that value.
    n_jobs : int, default=None
        Workers of joblib: None is 1 unless a `joblib.parallel_config` says otherwise, -1 all processors. Results do not
        depend on it.
    random_state : int, RandomState instance or None, default=None
        Draws the random states.
    progress : bool or callable, default=False
        True shows a progress bar (needs rich); a callable is called as ``progress(n_done, n_tasks)``.

    Returns
    -------
    found : SpuriousStates
        With ``states``, ``kinds``, ``shares``, ``counts``, ``share_by_kind``, ``exhaustive`` and ``to_frame()``.

    Raises
    ------
    TypeError
        When the memory has no `predict`.
    ValueError
        For patterns that are not of two values, memories that do not return such patterns, and options out of range.

    See Also
    --------
    attractors : Where probes of your own end, cycles included.

    Notes
    -----
    A state is a fixed point when ``predict(s)`` is s and, if the memory has `recall`, when that says that s did not
    move at all: a state on a cycle may be back at the last step. A unit that ties keeps its state, which makes more
    fixed points than breaking ties. A state that is of several kinds takes the first: stored, complement, mixture of
    the fewest patterns. In few units chance makes mixtures: of 7 patterns there are 1080 signed sums of 3, 5 or 7, and
    10 units have only 1024 states.

    Cost: a `predict` of 2**n_units states, or of `n_probes`, in blocks, and the search for mixtures.

    References
    ----------
    Amit, Gutfreund and Sompolinsky (1985), Physical Review A 32:1007, doi:10.1103/PhysRevA.32.1007.

    Examples
    --------
    >>> from skamem import HopfieldNetwork
    >>> from skamem.analysis import spurious_states
    >>> from skamem.datasets import make_patterns
    >>> X = make_patterns(3, 12, random_state=0)
    >>> spurious_states(HopfieldNetwork("pseudoinverse", random_state=0).fit(X), X).counts
    {'stored': 3, 'complement': 3, 'mixture': 2, 'other': 0}
    """
    check_number("n_probes", n_probes, kind=numbers.Integral, low=1)
    mixture_sizes = _check_sizes(mixture_sizes)
    corners = _Corners.of(memory, X, tolerance)
    exhaustive = corners.n_units <= _EXHAUSTIVE
    n_probes = 2**corners.n_units if exhaustive else n_probes
    tasks = _exhaustive_tasks(corners) if exhaustive else _random_tasks(corners, n_probes, random_state)
    blocks = in_parallel(_ends, tasks, n_jobs=n_jobs, progress=progress, name="following states")

    stored = corners.stored
    nobody = np.zeros(2 * len(stored))
    ends, counts = zip(*blocks, (np.concatenate([stored, ~stored]), nobody), strict=True)
    on, counts = _distinct(np.concatenate(ends), np.concatenate(counts))
    parts = [(corners, on[start : start + _PROBES]) for start in range(0, len(on), _PROBES)]
    fixed = np.concatenate(in_parallel(_are_fixed, parts, n_jobs=n_jobs))
    on, shares = on[fixed], counts[fixed] / n_probes

    rank, n_mixed, searched = _classify(on, stored, mixture_sizes)
    order = np.lexsort((-shares, n_mixed, rank))
    on = on[order]
    states = corners.values(on)
    energies = Endings(states).energy(memory, corners.probing.place) if has_energy(memory) and len(states) else None
    kinds = np.asarray(_KINDS)[rank[order]]
    return SpuriousStates(states, kinds, n_mixed[order], shares[order], energies, n_probes, exhaustive, searched)


def _check_sizes(sizes):
    sizes = check_sequence("mixture_sizes", sizes, "a list of odd numbers")
    for size in sizes:
        check_number("mixture_sizes", size, kind=numbers.Integral, low=3)
        if size % 2 == 0:
            raise ValueError(
                f"mixture_sizes has {size}; expected odd numbers, as sums of even numbers of patterns tie."
            )
    return tuple(sorted(sizes))


# --------------------------------------------------------------------------- asking


@dataclass(frozen=True, eq=False)
class _Corners:
    """The states that a memory of two-valued units may be in, as rows of bool: which units are on."""

    probing: Probing
    inside: tuple  # the two values, off and on, of what is given to the memory
    outside: tuple  # ... and of what it returns

    @classmethod
    def of(cls, memory, X, tolerance):
        probing = Probing.of(memory, X, tolerance=tolerance)
        inside, targets = np.unique(probing.patterns), probing.targets
        if len(inside) != 2:
            raise ValueError(
                f"X has {len(inside)} different values; expected 2, off and on: fixed points are counted among the "
                "states of two-valued units."
            )
        same = probing.ask(probing.patterns[:1]).shape == probing.patterns[:1].shape == targets[:1].shape
        if not same or not np.array_equal(targets == targets.max(), probing.patterns == inside[1]):
            raise ValueError(
                f"{type(memory).__name__} does not recall the patterns X themselves; expected an autoassociative "
                "memory whose patterns are on where X is."
            )
        return cls(probing, (float(inside[0]), float(inside[1])), (float(targets.min()), float(targets.max())))

    @property
    def on_device(self):
        return self.probing.on_device

    @property
    def n_units(self):
        return self.probing.patterns.shape[1]

    @property
    def stored(self):
        """Stored patterns, without repetitions."""
        return np.unique(self.probing.patterns == self.inside[1], axis=0)

    def values(self, on):
        """States as the memory wants them."""
        return np.where(on, self.inside[1], self.inside[0])

    def follow(self, on):
        """Where states lead, and whether they come to rest there."""
        found = endings(self.probing.memory, self.values(on), self.probing.place)
        end = found.states > sum(self.outside) / 2
        rests = self.probing.agrees(found.states, np.where(end, self.outside[1], self.outside[0]))
        if found.cycle_length is not None:
            # 0: neither fixed point nor cycle was seen. To within a tolerance it may be a fixed point all the same.
            rests = rests & ((found.cycle_length == 1) | ((found.cycle_length == 0) & (self.probing.tolerance > 0)))
        return end, rests


def _exhaustive_tasks(corners):
    total = 2**corners.n_units
    for start in range(0, total, _PROBES):
        yield corners, start, min(start + _PROBES, total), None


def _random_tasks(corners, n_probes, random_state):
    starts = range(0, n_probes, _PROBES)
    for start, seed in zip(starts, task_seeds(random_state, len(starts)), strict=True):
        yield corners, start, min(start + _PROBES, n_probes), seed


def _ends(corners, start, stop, seed):
    """Distinct states at which probes come to rest, and how many of them do."""
    if seed is None:
        bits = np.arange(corners.n_units)[::-1]
        probes = (np.arange(start, stop)[:, None] >> bits) & 1 == 1
    else:
        probes = np.random.RandomState(seed).random_sample((stop - start, corners.n_units)) < 0.5
    ends, rests = corners.follow(probes)
    return _distinct(ends[rests], np.ones(np.sum(rests)))


def _are_fixed(corners, on):
    end, rests = corners.follow(on)
    return rests & (end == on).all(axis=1)


def _distinct(on, counts):
    """Distinct rows, and the sums of their counts."""
    packed, which = np.unique(np.packbits(on, axis=1), axis=0, return_inverse=True)
    sums = np.bincount(which.ravel(), weights=counts, minlength=len(packed))
    return np.unpackbits(packed, axis=1, count=on.shape[1]).astype(bool), sums


# --------------------------------------------------------------------------- telling what they are


def _classify(on, stored, sizes):
    """Index into `_KINDS`, size of the mixture or 0, and the sizes that were searched."""
    rank = np.full(len(on), _KINDS.index("other"))
    n_mixed = np.zeros(len(on), dtype=int)
    keys, patterns = _keys(on), _keys(stored)
    rank[np.isin(keys, _keys(~stored))] = _KINDS.index("complement")
    rank[np.isin(keys, patterns)] = _KINDS.index("stored")
    searched = []
    for size in sizes:
        n_units = math.comb(len(stored), size) * 2 ** (size - 1) * on.shape[1]
        if not 0 < n_units <= _MOST_MIXED:
            continue
        searched.append(size)
        left = np.flatnonzero(rank == _KINDS.index("other"))
        mixed = left[_are_mixtures(_keys(_one_sided(on[left])), stored, size)]
        rank[mixed], n_mixed[mixed] = _KINDS.index("mixture"), size
    return rank, n_mixed, tuple(searched)


def _are_mixtures(keys, stored, size):
    """Which of the states, up to complements, are signs of a signed sum of `size` stored patterns."""
    found = np.zeros(len(keys), dtype=bool)
    signs = np.asarray([(1, *rest) for rest in itertools.product((1, -1), repeat=size - 1)], dtype=np.int8)
    bipolar = np.where(stored, 1, -1).astype(np.int8)
    subsets = itertools.combinations(range(len(stored)), size)
    at_once = max(1, 2**20 // (len(signs) * stored.shape[1]))
    while len(keys) and (chosen := list(itertools.islice(subsets, at_once))):
        sums = np.einsum("sk,ckn->csn", signs, bipolar[np.asarray(chosen)])
        found |= np.isin(keys, _keys(_one_sided(sums.reshape(-1, stored.shape[1]) > 0)))
    return found


def _one_sided(on):
    """Each state or its complement, whichever has the first unit on."""
    return on ^ ~on[:, :1]


def _keys(on):
    """One comparable entry for each row of bool."""
    packed = np.packbits(on, axis=1)
    return packed.view(f"V{packed.shape[1]}").ravel()

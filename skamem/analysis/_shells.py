"""States around stored patterns: all of those with so many units flipped, or a fair sample of them.

A shell is the set of states at a given number of flips from a pattern in each of some groups of units. One group of all
units gives the shells of constant Hamming distance; two groups give the cells of a basin map.
"""

import math
from dataclasses import dataclass

import numpy as np

from skamem.analysis._probing import in_parallel, task_seeds

__all__ = ["Shells", "count_recalled"]

# Units of all probes of a task together: large enough to be worth a call of `predict`, small enough that 100,000 probes
# are many tasks, and never depending on the number of jobs, because each task has a seed of its own.
_TASK_SIZE = 2**19


@dataclass(frozen=True, eq=False)
class Shells:
    """Which states around a pattern are asked.

    Parameters
    ----------
    groups : tuple of int ndarray
        Disjoint units of each group.
    flips : int ndarray of shape (n_shells, n_groups)
        Units flipped in each group.
    n_probes : int ndarray of shape (n_shells,)
        States asked of each pattern in each shell.
    exhaustive : bool ndarray of shape (n_shells,)
        Whether these are all states of the shell, once each.

    Examples
    --------
    >>> shells = Shells.of((np.arange(10),), np.asarray([[0], [1], [5]]), 100)
    >>> shells.n_probes, shells.exhaustive
    (array([  1,  10, 100]), array([ True,  True, False]))
    """

    groups: tuple
    flips: np.ndarray
    n_probes: np.ndarray
    exhaustive: np.ndarray

    @classmethod
    def of(cls, groups, flips, n_probes):
        """Shells that are asked exhaustively where they have at most `n_probes` states, else `n_probes` times."""
        n_states = [
            math.prod(math.comb(len(group), int(n)) for group, n in zip(groups, row, strict=True)) for row in flips
        ]
        exhaustive = np.asarray([states <= n_probes for states in n_states])
        return cls(groups, flips, np.asarray([min(states, n_probes) for states in n_states]), exhaustive)

    def masks(self, shell, ranks, n_units, rng):
        """Which units are flipped.

        Parameters
        ----------
        shell : int
            Index of the shell.
        ranks : int ndarray of shape (n_rows,)
            Which of its states, where it is exhaustive; elsewhere each row is drawn anew.
        n_units : int
            Units of a state.
        rng : RandomState
            Draws.

        Returns
        -------
        masks : bool ndarray of shape (n_rows, n_units)
        """
        masks = np.zeros((len(ranks), n_units), dtype=bool)
        for group, n_flips in zip(self.groups, self.flips[shell].tolist(), strict=True):
            if self.exhaustive[shell]:
                ranks, own = np.divmod(ranks, math.comb(len(group), n_flips))
                masks[:, group] = _ranked(own, len(group), n_flips)
            else:
                masks[:, group] = _drawn(rng, len(ranks), len(group), n_flips)
        return masks


def _ranked(ranks, n_units, n_flips):
    """The sets of `n_flips` units that have these ranks in lexicographic order, as masks."""
    if 2 * n_flips > n_units:  # keeps the binomials below within the number of sets
        return ~_ranked(ranks, n_units, n_units - n_flips)
    masks = np.zeros((len(ranks), n_units), dtype=bool)
    if not n_flips:
        return masks
    missing = np.full(len(ranks), n_flips)
    for unit in range(n_units):
        n_after = n_units - unit - 1
        with_unit = np.asarray([0, *(math.comb(n_after, k) for k in range(n_flips))])[missing]
        masks[:, unit] = chosen = ranks < with_unit
        ranks = np.where(chosen, ranks, ranks - with_unit)
        missing = missing - chosen
    return masks


def _drawn(rng, n_rows, n_units, n_flips):
    """Random sets of `n_flips` units, all equally likely, as masks: Floyd's algorithm on all rows at once."""
    if 2 * n_flips > n_units:
        return ~_drawn(rng, n_rows, n_units, n_units - n_flips)
    masks, rows = np.zeros((n_rows, n_units), dtype=bool), np.arange(n_rows)
    for newest in range(n_units - n_flips, n_units):
        unit = rng.randint(newest + 1, size=n_rows)
        unit[masks[rows, unit]] = newest
        masks[rows, unit] = True
    return masks


def count_recalled(probing, owners, shells, *, n_jobs, random_state, progress, name):
    """How many states of each shell around each pattern lead to its target.

    Parameters
    ----------
    probing : Probing
        The memory and its patterns.
    owners : int ndarray of shape (n_owners,)
        Indices of the patterns that are asked about.
    shells : Shells
        The states.
    n_jobs, random_state, progress, name
        As in `in_parallel` and `task_seeds`.

    Returns
    -------
    counts : int ndarray of shape (n_owners, n_shells)
    """
    # Rows in the order of shells, then patterns, then ranks; a task is a stretch of them.
    ends = len(owners) * np.cumsum(shells.n_probes)
    n_rows = max(1, _TASK_SIZE // probing.patterns.shape[1])
    starts = range(0, int(ends[-1]), n_rows)
    seeds = task_seeds(random_state, len(starts))
    tasks = (
        (probing, owners, shells, ends, start, min(start + n_rows, int(ends[-1])), seed)
        for start, seed in zip(starts, seeds, strict=True)
    )
    counts = np.zeros((len(shells.n_probes), len(owners)), dtype=int)
    for first, recalled in in_parallel(_ask, tasks, n_jobs=n_jobs, progress=progress, name=name):
        counts.reshape(-1)[first : first + len(recalled)] += recalled
    return counts.T


def _ask(probing, owners, shells, ends, start, stop, seed):
    """Recalled probes of each pair (shell, pattern) that has some of these rows: the first pair, and their counts."""
    rng, rows = np.random.RandomState(seed), np.arange(start, stop)
    shell_of = np.searchsorted(ends, rows, side="right")
    place = rows - np.concatenate([[0], ends])[shell_of]
    owner_of, ranks = np.divmod(place, shells.n_probes[shell_of])
    n_units = probing.patterns.shape[1]
    masks = [shells.masks(shell, ranks[shell_of == shell], n_units, rng) for shell in np.unique(shell_of)]
    asked = owners[owner_of]
    recalled = probing.recalled(probing.flipped(probing.patterns[asked], np.concatenate(masks)), asked)
    pairs = shell_of * len(owners) + owner_of
    return pairs[0], np.bincount(pairs - pairs[0], weights=recalled).astype(int)

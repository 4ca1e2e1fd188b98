"""Where probes end: attractors and the shares of the probes that each one caught."""

from dataclasses import dataclass

import numpy as np

from skamem.analysis._endings import Endings, endings, has_energy, limited
from skamem.analysis._probing import InputPlace, in_parallel
from skamem.core.validation import check_number

__all__ = ["Attractors", "attractors"]

_PROBES = 2048  # that one task asks


@dataclass(frozen=True, eq=False)
class Attractors:
    """Result of `attractors`: the states at which probes ended, those that caught most first.

    Parameters
    ----------
    states : ndarray of shape (n_attractors, ...)
        Last states, or whatever `predict` gives; of a cycle, one of its states.
    counts : int ndarray of shape (n_attractors,)
        Probes that each one caught.
    owners : int ndarray of shape (n_probes,)
        Index of the attractor of each probe.
    cycle_lengths : int ndarray of shape (n_attractors,) or None
        1 for a fixed point, L > 1 for a cycle of L states, 0 where recall stopped before it settled; None for memories
        without `recall`.
    energies : ndarray of shape (n_attractors,) or None
        Energies of `states`, where the memory has them.

    Examples
    --------
    >>> from skamem import HopfieldNetwork
    >>> from skamem.analysis import attractors
    >>> flip_flop = HopfieldNetwork.from_weights([[0, -1], [-1, 0]])
    >>> found = attractors(flip_flop, [[1, -1], [-1, 1], [1, -1], [1, -1]])
    >>> found.states, found.shares
    (array([[ 1., -1.],
           [-1.,  1.]]), array([0.75, 0.25]))
    """

    states: np.ndarray
    counts: np.ndarray
    owners: np.ndarray
    cycle_lengths: np.ndarray | None
    energies: np.ndarray | None

    @property
    def shares(self):
        """Share of the probes that each attractor caught (n_attractors,); they sum to 1."""
        return self.counts / len(self.owners)

    def to_frame(self):
        """The attractors as a pandas DataFrame.

        Returns
        -------
        frame : pandas.DataFrame
            One row an attractor, columns ``count``, ``share`` and, where known, ``cycle_length`` and ``energy``.
        """
        import pandas as pd

        columns = {"count": self.counts, "share": self.shares}
        if self.cycle_lengths is not None:
            columns["cycle_length"] = self.cycle_lengths
        if self.energies is not None:
            columns["energy"] = self.energies
        return pd.DataFrame(columns).rename_axis("attractor")


def attractors(memory, probes, *, tolerance=0.0, n_jobs=None, progress=False):
    """Where probes end, and how many end there.

    Parameters
    ----------
    memory : object
        Fitted: anything with `predict`. With `recall` the lengths of cycles are known, with `energy` the energies.
    probes : array-like of shape (n_probes, n_units)
        Cues: corrupted patterns, random states (`skamem.datasets.make_patterns`), all states of a small memory.
    tolerance : float, default=0.0
        Largest difference of a unit between states that still count as the same; for real-valued memories, whose last
        states differ by a little.
    n_jobs : int, default=None
        Workers of joblib: None is 1 unless a `joblib.parallel_config` says otherwise, -1 all processors. Results do not
        depend on it.
    progress : bool or callable, default=False
        True shows a progress bar (needs rich); a callable is called as ``progress(n_done, n_tasks)``.

    Returns
    -------
    found : Attractors
        With ``states``, ``counts``, ``shares``, ``owners``, ``cycle_lengths``, ``energies`` and ``to_frame()``.

    Raises
    ------
    TypeError
        When the memory has no `predict`.
    ValueError
        For probes with unknown (NaN) units, and a negative tolerance.

    See Also
    --------
    spurious_states : The fixed points among all states, and which of them were stored.

    Notes
    -----
    Probes that end on one cycle in different phases count as one attractor if the memory has `n_recall_steps`, so that
    the cycle can be walked. Recall that stops early (``n_recall_steps=1``) ends at states that are no attractors in the
    strict sense: their cycle length is 0. Cost of a `predict`, in blocks.

    Examples
    --------
    >>> from skamem import HopfieldNetwork
    >>> from skamem.analysis import attractors
    >>> from skamem.datasets import make_patterns
    >>> network = HopfieldNetwork(random_state=0).fit(make_patterns(3, 40, random_state=0))
    >>> found = attractors(network, make_patterns(1000, 40, random_state=1))
    >>> found.counts, found.cycle_lengths  # three patterns and their complements
    (array([233, 192, 155, 146, 140, 134]), array([1, 1, 1, 1, 1, 1]))
    """
    if not callable(getattr(memory, "predict", None)):
        raise TypeError(f"{type(memory).__name__} has no predict; expected a fitted memory, or anything like one.")
    check_number("tolerance", tolerance, low=0.0)
    probes, place = InputPlace.check(probes)
    tasks = [(memory, probes[start : start + _PROBES], place) for start in range(0, len(probes), _PROBES)]
    ends = _joined(in_parallel(endings, tasks, n_jobs=n_jobs, progress=progress, name="following probes"))
    phases = _first_phases(memory, ends, place)

    first, owners = _grouped(phases, tolerance)
    counts = np.bincount(owners)
    order = np.argsort(-counts, kind="stable")
    chosen = first[order]
    lengths = None
    if ends.cycle_length is not None:
        # Of the probes that came to one state some may have had no step left to see that it is a fixed point.
        lengths = np.zeros_like(counts)
        np.maximum.at(lengths, owners, ends.cycle_length)
        lengths = lengths[order]
    inputs = None if ends.inputs is None else ends.inputs[chosen]
    energies = None
    if has_energy(memory) and (inputs is not None or phases.shape == probes.shape):
        energies = Endings(phases[chosen], inputs=inputs).energy(memory, place)
    return Attractors(phases[chosen], counts[order], np.argsort(order)[owners], lengths, energies)


def _joined(parts):
    """Endings of all probes."""

    def joined(name):
        values = [getattr(part, name) for part in parts]
        return None if values[0] is None else np.concatenate(values)

    return Endings(*(joined(name) for name in ("states", "cycle_length", "n_steps", "inputs")))


def _first_phases(memory, ends, place):
    """Last states; those on a cycle at the phase that comes first in the order of its states."""
    if ends.cycle_length is None or not hasattr(memory, "n_recall_steps"):
        return ends.states
    on_cycle = np.flatnonzero(ends.cycle_length > 1)
    if not len(on_cycle):
        return ends.states
    step = limited(memory, 1)
    states = first = ends.states[on_cycle]
    for _ in range(ends.cycle_length.max() - 1):
        states = endings(step, states, place).states
        earlier = np.asarray([tuple(new) < tuple(old) for new, old in zip(states, first, strict=True)])
        first = np.where(earlier[:, None], states, first)
    phases = ends.states.copy()
    phases[on_cycle] = first
    return phases


def _grouped(states, tolerance):
    """Index of the first state of each group, and the group of each state."""
    _, first, owners = np.unique(states, axis=0, return_index=True, return_inverse=True)
    owners = owners.ravel()
    if not tolerance or states.dtype.kind not in "biuf":
        return first, owners
    distinct, kept, group = states[first], [], np.full(len(first), -1)
    for state in np.argsort(-np.bincount(owners), kind="stable"):  # what catches most stands for what is near it
        if group[state] < 0:
            near = np.abs(distinct - distinct[state]).reshape(len(distinct), -1).max(axis=1) <= tolerance
            group[near & (group < 0)] = len(kept)
            kept.append(state)
    return first[kept], group[owners]

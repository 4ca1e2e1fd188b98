"""Walks of a fitted sequence memory from cues: the trajectory, and the cycle that each one ends in."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import get_config

from skamem.core.dynamics import cycle_entry, settle
from skamem.core.rows import row_blocks
from skamem.structures._reading import windows_from
from skamem.structures._stepping import StateGraph, cell_size, cells
from skamem.structures._succession import distinct
from skamem.structures._tracking import followed, stored_cycle

__all__ = ["Walks"]


@dataclass(frozen=True)
class _Cycle:
    """A final cycle: its windows in their order, its states, and what it is."""

    place: dict
    states: Any
    sequence: int
    stored_share: float


class Walks:
    """Walks through the states of one memory.

    Parameters
    ----------
    ask : callable
        Windows (n_windows, order, n_units) on the host to the states that follow.
    nearest : callable
        States (n_states, n_units) on the host to rows of `patterns`; -1 for none.
    patterns : ndarray of shape (n_patterns, n_units)
        Stored patterns, on the host.
    sequences : tuple
        The `Succession` of the rows, and int ndarrays (n_patterns,): the sequence of each, and its place there.
    order : int
        Patterns in a window.
    """

    def __init__(self, ask, nearest, patterns, sequences, order):
        self._ask, self._nearest, self._order = ask, nearest, order
        self._succession, self._sequence, self._position = sequences
        self._longest = int(self._position.max()) + 1
        self._pattern, _ = distinct(cells(patterns, cell_size(patterns)))
        self._distinct = patterns[np.unique(self._pattern, return_index=True)[1]]
        in_turn = np.lexsort((self._position, self._sequence))
        self._windows = np.append(self._pattern, -1)[self._succession.windows(order)[in_turn]]
        self._begin_graph()

    def _begin_graph(self):
        self.graph, self._cycles = StateGraph(self._ask, self._distinct, self._windows), {}

    def follow(self, cues, n_steps, max_steps):
        """Follow cues (n_cues, n_patterns, n_units) on the host, in blocks: a dict of what `SequenceRecall` has."""
        parts, budget = [], get_config()["working_memory"] * 2**20
        state_bytes = cues.itemsize * cues.shape[2]
        # A cue meets few states as a rule, but may meet another one at every step.
        for rows in row_blocks(len(cues), 3 * state_bytes * (n_steps + 1) + (2 * state_bytes + 600) * max_steps):
            if self.graph.n_bytes > budget:
                self._begin_graph()
            start = self.graph.enter(windows_from(cues[rows], self._order, self._ask), rows.start)
            parts.append(self._walk(start, n_steps, max_steps))
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0] if name != "cycle"}
        return joined | {"cycle": [cycle for part in parts for cycle in part["cycle"]]}

    def _walk(self, start, n_steps, max_steps):
        graph = self.graph
        recall = settle(graph.follow, start, n_steps=max_steps, n_kept=n_steps)
        entry, first = cycle_entry(graph.follow, start, recall.cycle_length)
        path = recall.trajectory[:, :, 0] if n_steps else start
        members = graph.members(path)
        # What was before the start helps to tell which of several equal patterns it is.
        known = np.concatenate([members[:, 0, :-1], members[:, :, -1]], axis=1)
        visited = followed(self._labels(known), self._pattern, self._succession)[:, members.shape[2] - 1 :]
        first = first[:, 0].tolist()
        cycles = [self._cycle(n) if time >= 0 else None for n, time in zip(first, entry, strict=True)]
        return {
            "states": graph.patterns(members[:, :, -1]),
            "visited": visited,
            "cycle": [None if cycle is None else cycle.states for cycle in cycles],
            "cycle_length": recall.cycle_length,
            "entry_time": entry,
            "sequence": np.asarray([-1 if cycle is None else cycle.sequence for cycle in cycles]),
            "position": np.asarray(
                [-1 if cycle is None else cycle.place[n] for cycle, n in zip(cycles, first, strict=True)]
            ),
            "stored_share": np.asarray([np.nan if cycle is None else cycle.stored_share for cycle in cycles]),
        }

    def _labels(self, numbers):
        """The distinct stored pattern that each pattern of the graph is; -1 for none."""
        asked, back = np.unique(numbers, return_inverse=True)
        labels = np.where(asked < len(self._distinct), asked, -1)
        others = asked[labels < 0]
        if len(others):
            near = self._nearest(self.graph.patterns(others))
            labels[labels < 0] = np.append(self._pattern, -1)[near]
        return labels[np.reshape(back, numbers.shape)]

    def _cycle(self, number):
        """The cycle through a window."""
        if number in self._cycles:
            return self._cycles[number]
        windows = [number]
        while (following := int(self.graph.follow(np.asarray([[windows[-1]]]))[0, 0])) != windows[0]:
            windows.append(following)
        members = self.graph.members(np.asarray(windows))
        labels = self._labels(members[:, -1])
        row = stored_cycle(labels, self._pattern, self._succession, self._longest)
        if row >= 0:
            begin = -int(self._position[row]) % len(windows)
        else:  # whoever comes to it first: the cycle begins at the same state
            keys = [self.graph.patterns(window).tobytes() for window in members]
            begin = keys.index(min(keys))
        windows = windows[begin:] + windows[:begin]
        place = {window: index for index, window in enumerate(windows)}
        states = self.graph.patterns(np.roll(members[:, -1], -begin))
        sequence = -1 if row < 0 else int(self._sequence[row])
        cycle = _Cycle(place, states, sequence, float(np.mean(labels >= 0)))
        self._cycles.update(dict.fromkeys(windows, cycle))
        return cycle

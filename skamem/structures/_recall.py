"""What recall of a sequence gives back."""

from dataclasses import dataclass, fields
from typing import Any

__all__ = ["SequenceRecall", "recall_of"]


@dataclass(frozen=True)
class SequenceRecall:
    """Where a cue leads, step by step, and the cycle that it ends in.

    Shapes are those for several cues; for a single one (a 1-D cue) the axis of cues is missing.

    Parameters
    ----------
    states : array of shape (n_cues, n_steps + 1, n_units)
        The cue's last pattern as the memory reads it, and the states after each step.
    visited : int array of shape (n_cues, n_steps + 1)
        Row of `patterns_` that each of them is; -1 where it is no stored pattern. Where sequences share a pattern it is
        the row that continues the walk.
    cycle : tuple of arrays of shape (cycle_length, n_units)
        States of the final cycle of each cue, whatever they are; None where none was found. A stored sequence begins
        with its first pattern. Cues that end in one cycle share one array.
    cycle_length : int array of shape (n_cues,)
        1 for a fixed point, L for a cycle of L states, 0 where none was found within the steps allowed.
    entry_time : int array of shape (n_cues,)
        Steps before the first state of the cycle, 0 if the cue lies on it; -1 where none was found.
    sequence : int array of shape (n_cues,)
        Index of the stored sequence that the final cycle is; -1 if it is none.
    label : tuple
        Label (an entry of `groups_`) of that sequence; None if it is none.
    position : int array of shape (n_cues,)
        At which place of `cycle` the walk enters it; -1 where no cycle was found.
    stored_share : array of shape (n_cues,)
        Share of the states of the final cycle that are stored patterns: 0 for a cycle that holds nothing that was
        stored, 1 with sequence -1 for stored patterns that follow each other in another order. NaN where there is
        none.

    Examples
    --------
    >>> from skamem import SequenceMemory
    >>> recall = SequenceMemory().fit([[1, 1, -1], [1, -1, 1], [-1, 1, 1]]).recall_sequence([1, -1, 1], 3)
    >>> recall.visited, int(recall.cycle_length), recall.label
    (array([1, 2, 0, 1]), 3, 0)
    """

    states: Any
    visited: Any
    cycle: Any
    cycle_length: Any
    entry_time: Any
    sequence: Any
    label: Any
    position: Any
    stored_share: Any


def recall_of(found, placement, labels, is_single):
    """A `SequenceRecall` for the caller.

    Parameters
    ----------
    found : dict
        Its entries but `label`, on the host, a cue along the first axis.
    placement : Placement
        Where the caller's arrays are.
    labels : list
        Labels of the stored sequences.
    is_single : bool
        Whether there is one cue only, and no axis for it.

    Returns
    -------
    recall : SequenceRecall
    """
    given = {}  # cues that end in one cycle share its array
    cycles = [None if one is None else given.setdefault(id(one), placement.give(one)) for one in found["cycle"]]
    entries = {name: placement.give(values) for name, values in found.items() if name != "cycle"}
    entries["cycle"] = tuple(cycles)
    entries["label"] = tuple(None if index < 0 else labels[index] for index in found["sequence"].tolist())
    entries = {field.name: entries[field.name] for field in fields(SequenceRecall)}
    if is_single:
        entries = {name: values[0] if isinstance(values, tuple) else values[0, ...] for name, values in entries.items()}
    return SequenceRecall(**entries)

"""
A melody from four notes
========================

A memory in which each note recalls the next plays a melody from its first four notes, also from spoiled ones. Where
melodies repeat themselves or cross, one note does not say what comes next: the last few notes together do.
"""

# %%
# Two melodies, a note a step, and a rest at the end of each; the pattern of a note is a random code of 100 units. Both
# come back to their beginnings, so they are closed sequences.

import warnings

import matplotlib.pyplot as plt
import numpy as np

from skamem import SequenceMemory
from skamem.datasets import corrupt, make_patterns
from skamem.exceptions import CapacityWarning

SCALE = ["rest", "C", "D", "E", "F", "G", "A"]
MELODIES = {
    "Twinkle": "CCGGAAG FFEEDDC GGFFEED GGFFEED CCGGAAG FFEEDDC",
    "Ode to Joy": "EEFGGFED CCDEEDD EEFGGFED CCDEDCC",
}
codes = dict(zip(SCALE, make_patterns(len(SCALE), 100, random_state=0), strict=True))
notes = {name: [*text.replace(" ", ""), "rest"] for name, text in MELODIES.items()}
X = [np.asarray([codes[note] for note in melody]) for melody in notes.values()]


def heard(states):
    """Index of the note in `SCALE` that each state is; -1 for none."""
    near = states @ np.asarray(list(codes.values())).T / 100
    return np.where(near.max(axis=1) > 0.9, near.argmax(axis=1), -1)


# %%
# With ``order=1`` a note leads to the notes that follow it anywhere, and ``fit`` says so. It also says how many notes
# decide: a memory of that order is fitted next.

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always", CapacityWarning)
    memory = SequenceMemory(order=1).fit(X, groups=list(notes))
print(caught[0].message)
needed = memory.order_needed_
warnings.simplefilter("ignore", CapacityWarning)
memories = {
    order: SequenceMemory(order=order).fit(X, groups=list(notes)) for order in (1, 4, needed)
}

# %%
# The cue is the rest and the first four notes, with 20 % of the units of each flipped. In the figure every row is a
# note of the scale; the cue is grey, what was recalled blue where it is right, and orange where the melody goes on
# otherwise.

figure, axes = plt.subplots(
    len(memories), 2, figsize=(10, 5.5), sharex="col", sharey=True, layout="constrained"
)
for column, (name, melody) in enumerate(notes.items()):
    begin = [codes["rest"], *(codes[note] for note in melody[:4])]
    spoiled = corrupt(begin, "flip", 0.2, random_state=column)
    truth = np.asarray([SCALE.index(note) for note in melody])
    for axis, (order, memory) in zip(axes[:, column], memories.items(), strict=True):
        recall = memory.recall_sequence([spoiled], len(melody) - 4)
        played = np.concatenate([truth[:4], heard(recall.states[0, 1:])])
        right = played[: len(truth)] == truth
        label = recall.label[0] or "no stored melody"
        print(
            f"{name:10} order {order:2}: {right[4:].sum()} of {len(truth) - 4} notes right; "
            f"ends in a cycle of {recall.cycle_length[0]}, {label}"
        )
        for time, note in enumerate(played[: len(truth)]):
            color = "0.6" if time < 4 else "#0072b2" if right[time] else "#e69f00"
            if note < 0:
                axis.axvspan(time, time + 1, color="#e69f00", alpha=0.15, linewidth=0)
            else:
                axis.broken_barh([(time, 0.9)], (note - 0.4, 0.8), color=color)
        axis.set(
            title=f"{name if order == 1 else ''}\norder {order}: {right[4:].mean():.0%} right".strip(),
            yticks=range(len(SCALE)),
            yticklabels=SCALE,
        )
    axis.set_xlabel("note of the melody")
plt.show()

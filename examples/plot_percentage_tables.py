"""
From how far away does a memory recall, in one step and with feedback?
======================================================================

The share of all states at Hamming distance h from a stored pattern that lead to it: 10 units, m = 1 to 10 random
patterns, Hebbian weights. The first table lets the memory answer once; the second feeds the answer back until nothing
changes any more. This is the experiment of chapter 12 of `Rojas, Neural Networks (1996)
<https://doi.org/10.1007/978-3-642-61068-4>`_, repeated for many draws of the patterns.
"""

# %%
# Ten units have so few states that :func:`~skamem.analysis.basin_profile` asks all of them. Both memories get the same
# patterns, 50 draws of them for each m.

import warnings

import matplotlib.pyplot as plt
import numpy as np

from skamem import HebbianMemory
from skamem.analysis import basin_profile
from skamem.datasets import make_patterns
from skamem.exceptions import CapacityWarning

warnings.simplefilter(
    "ignore", CapacityWarning
)  # ten patterns are too many for ten units: that is what we look at

n_units, n_draws, loads, distances = 10, 50, np.arange(1, 11), np.arange(5)
steps = {"one step": 1, "feedback": 100}
tables = {name: np.zeros((len(loads), len(distances))) for name in steps}
rng = np.random.RandomState(0)
for row, m in enumerate(loads):
    for _ in range(n_draws):
        patterns = make_patterns(m, n_units, random_state=rng)
        for name, n_steps in steps.items():
            memory = HebbianMemory(n_recall_steps=n_steps).fit(patterns)
            tables[name][row] += (
                100 * basin_profile(memory, patterns, distances=distances).share / n_draws
            )

for name, table in tables.items():
    print(f"\nrecalled, %: {name}\n  m" + "".join(f"{f'h = {h}':>8}" for h in distances))
    for m, shares in zip(loads, table, strict=True):
        print(f"{m:3}" + "".join(f"{share:8.1f}" for share in shares))

# %%
# A single pattern draws in everything that is nearer to it than to its complement, and every further one makes the
# basins smaller. With two patterns one step says it all: their sum and their difference have no other signs than those
# of the patterns. From three on feedback helps from afar, where one step comes closer but does not arrive yet. Near
# patterns it can do harm: what one step hits by chance, the next one leaves, unless the pattern is stable.

figure, axes = plt.subplots(1, 2, figsize=(7, 4.6), sharey=True, layout="constrained")
for axis, (name, table) in zip(axes, tables.items(), strict=True):
    image = axis.pcolormesh(
        distances, loads, table, cmap="cividis", vmin=0, vmax=100, shading="nearest"
    )
    for (row, column), share in np.ndenumerate(table):
        colour = "black" if share > 55 else "white"
        axis.text(
            distances[column],
            loads[row],
            f"{share:.0f}",
            ha="center",
            va="center",
            color=colour,
            fontsize=11,
        )
    axis.set(title=name, xlabel="h, units flipped", xticks=distances, yticks=loads)
axes[0].set_ylabel("m, patterns stored")
axes[0].invert_yaxis()
figure.suptitle("Recalled, % (10 units): feedback helps from afar")
plt.show()

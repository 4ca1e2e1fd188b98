"""
What does a basin of attraction look like?
==========================================

Round, and smaller the more is stored. A basin in a hundred dimensions cannot be drawn, but this can: split the units
into two halves and count the flips in each. The stored pattern is at the lower left of each map; the colour is the
share of the states that feedback takes to it.
"""

# %%
# Where the border runs straight from axis to axis, it does not matter *which* units are wrong, only how many. At 50
# flips a state is as near to the pattern as to its complement, and beyond it is the complement's.

import warnings

import matplotlib.pyplot as plt
import numpy as np

from skamem import HebbianMemory
from skamem.analysis import basin_map, basin_profile
from skamem.datasets import make_patterns
from skamem.display import BasinMapDisplay
from skamem.exceptions import CapacityWarning

warnings.simplefilter("ignore", CapacityWarning)  # 15 patterns are one too many for 100 units
n_units = 100
patterns = make_patterns(15, n_units, random_state=0)
figure, axes = plt.subplots(
    2, 2, figsize=(6.6, 5.6), sharex=True, sharey=True, layout="constrained"
)
print("m    half of the states are recalled up to    cells of the map recalled by half")
for axis, m in zip(axes.flat, (4, 6, 10, 15), strict=True):
    stored = patterns[:m]
    memory = HebbianMemory().fit(stored)
    basin = basin_map(memory, stored, groups=np.arange(n_units) < 50, n_probes=40, random_state=0)
    profile = basin_profile(memory, stored[:1], distances=range(51), n_probes=400, random_state=0)
    print(f"{m:<5}{profile.radius(0.5):.0f} flips{100 * np.mean(basin.share >= 0.5):42.0f} %")
    display = BasinMapDisplay(basin, name=f"{m} patterns stored").plot(ax=axis, colorbar=False)
    axis.set(xlabel="", ylabel="", xticks=range(0, 51, 10), yticks=range(0, 51, 10))
figure.supxlabel("flipped among units 51 to 100", fontsize="medium")
figure.supylabel("flipped among units 1 to 50", fontsize="medium")
figure.colorbar(display.image_, ax=axes, label="recalled, %")
plt.show()

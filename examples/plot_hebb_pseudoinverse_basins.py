"""
How much wider are the basins of a pseudoinverse memory?
========================================================

Among random patterns somewhat wider than those of Hebbian weights. Among correlated ones it is all or nothing: of ten
images of digits Hebb recalls none, while the pseudoinverse, which takes correlations out, recalls them all.
"""

# %%
# Ten patterns of 64 units in each case, random ones and one image of each digit, black and white. Both memories feed
# back until nothing changes; both without diagonal, which is the better choice against noise.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from skamem import HebbianMemory, PseudoinverseMemory
from skamem.analysis import basin_profile
from skamem.datasets import make_patterns
from skamem.display import BasinDisplay
from skamem.exceptions import CapacityWarning

warnings.simplefilter("ignore", CapacityWarning)
images, labels = load_digits(return_X_y=True)
digits = np.asarray([images[labels == label][0] for label in range(10)])
settings = {
    "random patterns": make_patterns(10, 64, random_state=0),
    "digits": np.where(digits > 7, 1.0, -1.0),
}

figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), sharey=True, layout="constrained")
for axis, (title, patterns) in zip(axes, settings.items(), strict=True):
    overlaps = patterns @ patterns.T / 64 - np.eye(10)
    print(f"{title}: mean overlap of two patterns {np.abs(overlaps).sum() / 90:.2f}")
    memories = {"pseudoinverse": PseudoinverseMemory(), "Hebb": HebbianMemory(zero_diagonal=True)}
    profiles = {
        name: basin_profile(memory.fit(patterns), patterns, n_probes=200, random_state=0)
        for name, memory in memories.items()
    }
    for name, profile in profiles.items():
        at_0, at_16 = profile.share[[0, 8]]
        print(
            f"  {name:14} recalls {at_0:4.0%} of the patterns, {at_16:3.0%} of the states with 16 units flipped"
        )
    BasinDisplay.from_profiles(profiles, ax=axis)
    axis.set(title=title, ylabel="" if axis is axes[1] else "recalled, %")
axes[1].get_legend().remove()
plt.show()

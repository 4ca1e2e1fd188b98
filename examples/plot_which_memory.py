"""
Which memory for which patterns?
================================

Patterns that resemble each other, or many of them, ask for more than correlations: 26 letters of 35 pixels overload
every memory that keeps one number per pair of pixels, and a dense memory of high degree holds them all. A few random
patterns are little trouble for any of them.
"""

# %%
# Asked with 30 % of the units unknown, which stay as they are where they are known (``missing="clamp"``), and with one
# unit in twenty wrong. The nearest stored pattern is the yardstick: where all patterns may be kept and nothing but the
# best match is wanted, it answers as well, and a search for neighbours is enough.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skamem import DenseMemory, HebbianMemory, HopfieldNetwork, PseudoinverseMemory
from skamem.datasets import corrupt, load_letters, make_patterns
from skamem.exceptions import CapacityWarning
from skamem.metrics import exact_recall_score
from skamem.model_selection import make_denoising_scorer

# To go beyond limits is what we are here for.
warnings.simplefilter("ignore", CapacityWarning)
warnings.simplefilter("ignore", ConvergenceWarning)

memories = {
    "HebbianMemory": HebbianMemory(),
    'HopfieldNetwork("storkey")': HopfieldNetwork("storkey", random_state=0),
    'HopfieldNetwork("perceptron")': HopfieldNetwork("perceptron", random_state=0),
    "PseudoinverseMemory": PseudoinverseMemory(),
    "DenseMemory(degree=3)": DenseMemory(degree=3, random_state=0),
    "DenseMemory(degree=5)": DenseMemory(degree=5, random_state=0),
    "DenseMemory(degree=9)": DenseMemory(degree=9, random_state=0),
}
patterns = {
    "26 letters of 35 pixels": load_letters().data,
    "26 random patterns of 200 units": make_patterns(26, 200, random_state=0),
}
damages = {"30 % unknown": ("mask", 0.3, "clamp"), "5 % wrong": ("flip", 0.05, "free")}
N_REPEATS = 20


def nearest(stored, kind, rate):
    """Share of the cues whose nearest stored pattern, over the units that are known, is their own."""
    rng = np.random.RandomState(0)
    cues = np.vstack([corrupt(stored, kind, rate, random_state=rng) for _ in range(N_REPEATS)])
    found = stored[np.argmax(np.nan_to_num(cues) @ stored.T, axis=1)]
    return exact_recall_score(np.tile(stored, (N_REPEATS, 1)), found)


print("Recalled exactly, % of the cues")
print(" " * 32 + "".join(f"{name:>36}" for name in patterns))
print(f"{'':32}" + "".join(f"{damage:>18}" for _ in patterns for damage in damages))
shares = {}
for name in [*memories, "nearest stored pattern"]:
    for set_name, stored in patterns.items():
        for damage, (kind, rate, missing) in damages.items():
            if name in memories:
                memory = memories[name].set_params(missing=missing).fit(stored)
                share = make_denoising_scorer(kind, rate, n_repeats=N_REPEATS)(memory, stored)
            else:
                share = nearest(stored, kind, rate)
            shares[name, set_name, damage] = 100 * share
    row = [shares[name, set_name, damage] for set_name in patterns for damage in damages]
    print(f"{name:32}" + "".join(f"{share:18.1f}" for share in row))

figure, axes = plt.subplots(1, 2, figsize=(9, 3.9), sharey=True, layout="constrained")
names = [*memories, "nearest stored pattern"][::-1]
for axis, set_name in zip(axes, patterns, strict=True):
    for damage, colour, marker in zip(damages, ("#0072B2", "#D55E00"), "os", strict=True):
        values = [shares[name, set_name, damage] for name in names]
        axis.plot(values, names, marker, color=colour, label=damage, clip_on=False)
    axis.set(title=set_name, xlabel="recalled exactly, % of the cues", xlim=(0, 100))
    axis.grid(axis="y", color="0.9")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
handles, labels = axes[0].get_legend_handles_labels()
figure.legend(handles, labels, frameon=False, loc="outside lower center", ncols=2)
plt.show()

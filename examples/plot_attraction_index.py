"""
Does feedback widen the basins?
===============================

Yes, by its index of attraction, Σ h p\\ :sub:`h`: the shares p\\ :sub:`h` of the states at distance h that recall their
pattern, added up with the distance as their weight. Chapter 12 of `Rojas, Neural Networks (1996)
<https://doi.org/10.1007/978-3-642-61068-4>`_ compares memories by it.
"""

# %%
# One pattern alone reaches the most there can be in one step already: whatever is nearer to it than to its complement.
# With ten units all states are asked, with a hundred a sample of them. Each point is the mean over draws of random
# patterns, the same ones for both memories, with its standard error.

import warnings

import matplotlib.pyplot as plt
import numpy as np

from skamem import HebbianMemory
from skamem.analysis import attraction_index
from skamem.datasets import make_patterns
from skamem.exceptions import CapacityWarning

warnings.simplefilter("ignore", CapacityWarning)
steps = {"feedback": 100, "one step": 1}


def measure(n_units, loads, n_draws, **options):
    """Index of attraction, shape (memories, loads, draws)."""
    rng = np.random.RandomState(0)
    found = np.zeros((len(steps), len(loads), n_draws))
    for column, m in enumerate(loads):
        for draw in range(n_draws):
            patterns = make_patterns(m, n_units, random_state=rng)
            for row, n_steps in enumerate(steps.values()):
                memory = HebbianMemory(n_recall_steps=n_steps).fit(patterns)
                found[row, column, draw] = attraction_index(
                    memory, patterns, random_state=0, **options
                )
    return found


settings = {
    10: {"loads": np.arange(1, 11), "n_draws": 30},
    100: {"loads": np.asarray([1, 2, 4, 6, 8, 10, 12, 15, 20, 30]), "n_draws": 5, "n_probes": 5},
}
figure, axes = plt.subplots(1, 2, figsize=(7.5, 3.6), layout="constrained")
for axis, (n_units, options) in zip(axes, settings.items(), strict=True):
    indices, loads = measure(n_units, **options), options["loads"]
    print(f"\n{n_units} units, m =" + "".join(f"{m:8}" for m in loads))
    for name, colour, marker, values in zip(
        steps, ("#0072B2", "#D55E00"), "os", indices, strict=True
    ):
        mean, error = values.mean(axis=1), values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
        print(f"{name:>14} " + "".join(f"{value:8.2f}" for value in mean))
        axis.errorbar(
            loads, mean, error, color=colour, marker=marker, markersize=5, linewidth=1.8, label=name
        )
    axis.set(title=f"{n_units} units", xlabel="m, patterns stored", ylim=(0, None))
    axis.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("index of attraction, Σ h p$_h$")
axes[1].legend(frameon=False)
plt.show()

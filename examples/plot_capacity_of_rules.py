"""
How many patterns does each learning rule hold?
===============================================

Random patterns, the same network: Hebb's rule holds about a tenth as many patterns as there are units, the
pseudoinverse nearly as many as there are units, perceptron learning more. Energies of higher degree hold orders of
magnitude more. But to hold is not to repair: ask with spoiled cues, and the order changes.
"""

# %%
# `capacity_curve` stores random patterns, more and more of them, and asks for each; several seeds give error bars.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skamem import DenseMemory, HopfieldNetwork
from skamem.analysis import capacity, capacity_curve
from skamem.display import CapacityDisplay

warnings.simplefilter("ignore", ConvergenceWarning)  # the perceptron's, beyond what it can hold

n_units = 50
memories = {
    "Hebb": (HopfieldNetwork(), np.geomspace(0.06, 0.5, 8)),
    "Storkey": (HopfieldNetwork("storkey"), np.geomspace(0.15, 1, 8)),
    "pseudoinverse": (HopfieldNetwork("pseudoinverse"), [0.2, 0.3, 0.4, 0.5, 0.6, 0.74, 0.9, 0.98]),
    "perceptron": (
        HopfieldNetwork("perceptron", max_epochs=100),
        [0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.2, 1.4],
    ),
    "dense, degree 3": (DenseMemory(degree=3), np.geomspace(0.5, 8, 8)),
    "dense, degree 4": (DenseMemory(degree=4), np.geomspace(7, 28, 4)),
}
n_seeds = {"perceptron": 3, "dense, degree 4": 3}  # slow ones; 8 for the others
curves = {
    rate: {
        name: capacity_curve(
            memory, n_units, loads=loads, n_seeds=n_seeds.get(name, 8), rate=rate, random_state=0
        )
        for name, (memory, loads) in memories.items()
    }
    for rate in (0.0, 0.1)
}

# %%
# What theory says of large networks, as dotted lines: n / (2 ln n), n / sqrt(2 ln n), n - 1 and 2 n patterns for the
# four rules, and eq. (6) of Krotov and Hopfield for the dense memories. Where there is a logarithm, that is where a
# pattern begins to lose its first bit; so they are compared with the load at which 9 of 10 patterns are recalled.
# Gardner's 2 n is for weights that need not be symmetric, and for more than the 100 passes that ours get. The curve of
# the pseudoinverse ends at n - 1: with n independent patterns its weights are those of the identity, which keeps every
# state and remembers none.

predicted = {
    "Hebb": capacity(n_units, criterion="pattern"),
    "Storkey": capacity(n_units, model="storkey"),
    "pseudoinverse": capacity(n_units, model="pseudoinverse"),
    "perceptron": capacity(n_units, model="perceptron"),
    "dense, degree 3": capacity(n_units, model="polynomial", degree=3),
    "dense, degree 4": capacity(n_units, model="polynomial", degree=4),
}


def load_of(curve):
    """Load at which 9 of 10 patterns are recalled, or that it is beyond the loads that were measured."""
    n_patterns, error = curve.capacity(0.9)
    return (
        f"> {curve.loads[-1]:.2f}"
        if np.isnan(n_patterns)
        else f"{n_patterns / n_units:.2f} ± {error / n_units:.2f}"
    )


print(f"Patterns by units at which 9 of 10 patterns are recalled, n = {n_units}")
print(f"{'':18}{'predicted':>10}{'whole cues':>18}{'10 % flipped':>18}")
for name in memories:
    measured = "".join(f"{load_of(curves[rate][name]):>18}" for rate in curves)
    print(f"{name:18}{predicted[name] / n_units:10.2f}{measured}")
print(f"dense, exponential: 2^(n/2) = {capacity(n_units, model='exponential'):.1e} patterns")

# %%
# Above, do stored patterns stay? Below, are they recovered from cues with 10 % of their units flipped? The perceptron's
# patterns stay longest, but learnt without a margin (`kappa`) they attract little.

figure, axes = plt.subplots(2, 1, figsize=(7, 7), sharex=True, layout="constrained")
CapacityDisplay(curves[0.0], predicted=predicted).plot(ax=axes[0])
CapacityDisplay(curves[0.1]).plot(ax=axes[1])
axes[0].set(xscale="log", xlabel="", ylabel="recalled, %", title="cue: the pattern itself")
axes[1].set(ylabel="recalled, %", title="cue: 10 % of the units flipped")
axes[1].set_xticks([0.1, 0.3, 1, 3, 10, 30], ["0.1", "0.3", "1", "3", "10", "30"])
handles, labels = axes[0].get_legend_handles_labels()
for axis in axes:
    axis.get_legend().remove()
figure.legend(
    handles,
    labels,
    loc="outside lower center",
    ncols=4,
    frameon=False,
    columnspacing=1,
    fontsize="small",
)

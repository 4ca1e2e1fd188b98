"""
One pool cell makes softmax, or a cap
=====================================

Attention divides exp(β q) by its sum, and k-cap lets the k largest inputs fire. Both look at all units at once, which
no unit can. A single inhibitory cell that hears all units and answers all of them alike is enough: if it divides what
they do, they settle at the softmax, and at what :class:`~skamem.ModernHopfieldMemory` weighs patterns with; if it
subtracts, and grows until k of them fire, it settles between the k-th and the next input, and they at the k-cap of
:class:`~skamem.core.thresholds.KCap`. Both circuits are integrated here as differential equations.
"""

# %%
# A pool cell that divides: softmax
# ---------------------------------
# Unit i is driven by exp(β q_i), and the pool cell P divides it. P grows while the units sum to more than 1, and
# shrinks while they sum to less:
#
# .. math::
#
#    \tau \dot a_i = -a_i + \frac{e^{\beta q_i}}{P}, \qquad
#    \tau_P \dot P = P \left(\sum_i a_i - 1\right).
#
# At rest the units sum to 1, so that P is the sum of the drives and a_i is softmax(β q)_i. The same P does for every
# unit.

import matplotlib.pyplot as plt
import numpy as np
from scipy.integrate import solve_ivp
from scipy.special import softmax

from skamem import ModernHopfieldMemory
from skamem.core.thresholds import KCap

rng = np.random.default_rng(0)
N_UNITS, N_FEATURES, BETA = 12, 100, 3.0
patterns = rng.standard_normal((N_UNITS, N_FEATURES))
patterns /= np.linalg.norm(patterns, axis=1, keepdims=True)
cue = patterns[[1, 3, 7, 10]].T @ [0.6, 1.0, 0.5, 0.8]
inputs = patterns @ cue  # q, what each unit hears: one unit a stored pattern


def divisive(t, state, drive):
    """Units, and the logarithm of the pool cell, which keeps it positive."""
    units, pool = state[:-1], np.exp(state[-1])
    return np.append(-units + drive / pool, units.sum() - 1.0)


times = np.linspace(0, 40, 401)
start = np.append(np.full(N_UNITS, 0.25), 0.0)
tight = {"rtol": 1e-11, "atol": 1e-13}
soft = solve_ivp(
    divisive, (0, 60), start, args=(np.exp(BETA * inputs),), dense_output=True, **tight
)
settled = soft.y[:-1, -1]
print(f"largest difference from softmax: {np.abs(settled - softmax(BETA * inputs)).max():.1e}")

memory = ModernHopfieldMemory(BETA, similarity="dot", n_recall_steps=1).fit(patterns)
recalled = memory.predict(cue[None])[0]
print(
    f"... of the pattern they recall from ModernHopfieldMemory's: {np.abs(settled @ patterns - recalled).max():.1e}"
)
print(
    f"the pool cell is {np.exp(soft.y[-1, -1]):.6f}, the sum of the drives {np.exp(BETA * inputs).sum():.6f}"
)

# %%
# A pool cell that subtracts: the k-cap
# -------------------------------------
# Unit i fires as far as its input exceeds the pool cell θ, on a steep slope γ; θ rises while more than k units fire:
#
# .. math::
#
#    \tau \dot a_i = -a_i + \sigma(\gamma (q_i - \theta)), \qquad
#    \tau_\theta \dot \theta = \sum_i a_i - k.
#
# At rest exactly k units' worth fire. As γ grows, these are the k units of the largest input, each at 1: the distance
# from the cap falls as exp(-γ d / 2), with d the gap between the k-th input and the next. Inside the gap the pool cell
# drifts to its middle, the more slowly the steeper the units are: the circuit is at the cap long before it is at rest.

K = 4
ordered = np.sort(inputs)[::-1]
gap = ordered[K - 1] - ordered[K]
cap = KCap(K)(inputs[None], None)[0]


def sigmoid(x):
    """1 / (1 + exp(-x)) without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def subtractive(t, state, gain):
    """Units and the pool cell, which is slower the steeper they are, as a loop must be."""
    units, pool = state[:-1], state[-1]
    return np.append(-units + sigmoid(gain * (inputs - pool)), 2.0 / gain * (units.sum() - K))


gains = np.array([10.0, 20.0, 30.0, 40.0, 50.0, 60.0])
errors, runs = [], {}
for gain in gains:
    begin = np.append(np.full(N_UNITS, 0.25), 0.0)
    runs[gain] = solve_ivp(
        subtractive, (0, 20_000), begin, method="LSODA", args=(gain,), dense_output=True, **tight
    )
    errors.append(np.abs(runs[gain].y[:-1, -1] - cap).max())
predicted = 1.0 / (1.0 + np.exp(gains * gap / 2))
print(f"\nthe {K} largest inputs are {gap:.3f} above the rest")
print("slope   largest difference from the k-cap   1 / (1 + exp(γ d / 2))")
for gain, error, value in zip(gains, errors, predicted, strict=True):
    print(f"{gain:5.0f}   {error:14.1e}   {value:28.1e}")
steepest = runs[gains[-1]]
print(
    f"pool cell at rest: {steepest.y[-1, -1]:.4f}, between {ordered[K]:.4f} and {ordered[K - 1]:.4f}"
)

# %%
# One cell that all hear alike
# ----------------------------
# Left, the units on their way to the softmax, dotted. Middle, the same inputs under subtraction: the pool cell, black,
# rises until only four inputs exceed it. Right, how near the steep circuit comes to the cap.

figure, axes = plt.subplots(1, 3, figsize=(10.5, 3.5), layout="constrained")
strongest = np.argsort(-inputs)
colours = {unit: "#0072B2" if rank < K else "0.7" for rank, unit in enumerate(strongest)}
for unit in strongest[::-1]:
    axes[0].plot(times, soft.sol(times)[unit], color=colours[unit], linewidth=1.6)
    axes[0].plot(
        [40, 42], [softmax(BETA * inputs)[unit]] * 2, color="black", linestyle=":", linewidth=1.4
    )
axes[0].set(xlabel="time, τ", ylabel="activity", title="Dividing: softmax")

shown_gain = 40.0
early = np.linspace(0, 150, 601)
for unit in strongest[::-1]:
    axes[1].plot(early, runs[shown_gain].sol(early)[unit], color=colours[unit], linewidth=1.6)
axes[1].plot(early, runs[shown_gain].sol(early)[-1], color="black", linewidth=2)
axes[1].set(
    xlabel="time, τ",
    ylabel="activity, and the pool cell",
    title=f"Subtracting: {K} of {N_UNITS} fire",
)

axes[2].semilogy(gains, errors, "o", color="#0072B2", label="integrated")
axes[2].semilogy(gains, predicted, "--", color="#E69F00", label="1 / (1 + exp(γ d / 2))")
axes[2].set(xlabel="slope of the units, γ", ylabel="largest difference from the k-cap")
axes[2].set_title("The steeper, the nearer to the cap")
axes[2].legend(frameon=False)
for axis in axes:
    axis.spines[["top", "right"]].set_visible(False)
plt.show()

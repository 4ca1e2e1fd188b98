"""
How many bits does one step of a Hebbian memory spoil?
======================================================

1 % of them at 0.18 random patterns a unit; at 0.32 if units keep their connection to themselves. The distribution of
the crosstalk is known exactly, and is nearly normal.
"""

# %%
# A bit of a stored pattern is held by its own pattern and pushed by the m - 1 others, each through n - 1 units: a sum
# of (m - 1)(n - 1) fair signs. It turns the bit where it falls below -(n - 1), or below -(n + m - 1) if the other
# patterns hold the bit through the diagonal, too. `bit_error_probability` is this binomial law; for large n it becomes
# the tail of a normal distribution.

import matplotlib.pyplot as plt
import numpy as np

from skamem import HebbianMemory
from skamem.analysis import bit_error_probability, capacity, capacity_curve

n_units = 500
loads = [0.08, 0.10, 0.12, 0.15, 0.18, 0.20, 0.25, 0.32, 0.35, 0.42, 0.50]
kinds = {"without the diagonal": True, "with the diagonal": False}
curves = {}
for name, zero_diagonal in kinds.items():
    memory = HebbianMemory(n_recall_steps=1, zero_diagonal=zero_diagonal)
    curves[name] = capacity_curve(memory, n_units, loads=loads, n_seeds=8, random_state=0)

# %%
# Wrong bits in percent, measured (with the standard error over draws of the patterns) and predicted.

for name, curve in curves.items():
    print(f"{name}\n{'load':>6}{'measured':>20}{'exact law':>12}{'normal law':>12}")
    means, errors = 100 * curve.mean("bit_error"), 100 * curve.standard_error("bit_error")
    exact, normal = (
        100 * bit_error_probability(n_units, curve.n_patterns, zero_diagonal=kinds[name], law=law)
        for law in ("exact", "gaussian")
    )
    for row in zip(curve.loads, means, errors, exact, normal, strict=True):
        print("{:6.2f}{:11.4f} ± {:.4f}{:12.4f}{:12.4f}".format(*row))
    load, error = (value / n_units for value in curve.capacity(0.01, measure="bit_error"))
    predicted = capacity(n_units, criterion="bit_error", zero_diagonal=kinds[name]) / n_units
    print(f"1 % at load {load:.4f} ± {error:.4f}; predicted {predicted:.4f}\n")

# %%
# Points are measured, lines are the laws: they can hardly be told apart.

figure, axis = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
counts = np.arange(35, 256)
styles = {"without the diagonal": ("#0072B2", "o"), "with the diagonal": ("#D55E00", "s")}
for name, (colour, marker) in styles.items():
    for law, style in (
        ("exact", {"color": colour}),
        ("gaussian", {"color": "black", "linestyle": ":"}),
    ):
        errors = bit_error_probability(n_units, counts, zero_diagonal=kinds[name], law=law)
        axis.plot(counts / n_units, 100 * errors, linewidth=1.5, **style)
    curve = curves[name]
    means, errors = 100 * curve.mean("bit_error"), 100 * curve.standard_error("bit_error")
    axis.errorbar(
        curve.loads,
        means,
        errors,
        color=colour,
        marker=marker,
        linestyle="none",
        capsize=2,
        label=name,
    )
axis.plot([], [], color="0.4", label="exact law")
axis.plot([], [], ":", color="black", label="normal law")
axis.axhline(1, color="0.7", linewidth=1, zorder=0)
axis.vlines([0.18, 0.32], 0.005, 1, color="0.7", linewidth=1, zorder=0)
axis.set(
    yscale="log",
    ylim=(0.005, 12),
    xlabel="patterns stored / units",
    ylabel="wrong bits after one step, %",
)
axis.set_title("1 % of the bits are wrong near load 0.18, or 0.32 with the diagonal")
axis.set_yticks([0.01, 0.1, 1, 10], ["0.01", "0.1", "1", "10"])
axis.set_xticks([0.1, 0.18, 0.32, 0.4, 0.5])
axis.legend(frameon=False, loc="lower right")
axis.spines[["top", "right"]].set_visible(False)

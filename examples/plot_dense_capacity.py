"""
How fast does the capacity of a dense memory grow?
==================================================

As N^(n-1) for N units and an energy of degree n: lines of slope 1, 2 and 3 on double logarithmic axes, which is what
`Krotov and Hopfield 2016 <https://arxiv.org/abs/1606.01164>`_ predict, and what is measured.
"""

# %%
# Two criteria. Eq. (5): the number K of patterns at which a given share of bits, here 0.5 %, is wrong after one step.
# Eq. (6): the number at which a pattern still comes back without an error, K = N^(n-1) / (2 (2n-3)!! ln N). A pattern
# is expected to have 1 / (2 sqrt(π ln N)) wrong bits there, a tenth or so: nine of ten patterns are whole.

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import NullFormatter

from skamem import DenseMemory
from skamem.analysis import capacity, capacity_curve

sizes = {2: [50, 100, 200, 400], 3: [30, 50, 80, 130], 4: [20, 26, 35, 46]}
around = np.asarray([0.65, 0.85, 1.1, 1.4])
found = {}
print("           0.5 % of the bits wrong         9 of 10 patterns whole")
print("  n    N           measured    theory           measured   eq. (6)")
for degree, units in sizes.items():
    for n_units in units:
        memory = DenseMemory("polynomial", degree=degree, update="sync", n_recall_steps=1)
        theory = {"model": "polynomial", "degree": degree}
        few_errors = capacity(n_units, **theory, criterion="bit_error", error=0.005)
        no_error = capacity(n_units, **theory, criterion="pattern")
        counts = np.rint(np.concatenate([few_errors * around, no_error * around])).astype(int)
        n_seeds = max(
            4, round(50_000 / (few_errors * n_units))
        )  # about the same number of bits for all
        curve = capacity_curve(memory, n_units, n_patterns=counts, n_seeds=n_seeds, random_state=0)
        bits, whole = curve.capacity(0.005, measure="bit_error"), curve.capacity(0.9)
        found[degree, n_units] = few_errors, no_error, bits, whole
        cells = [f"{value:.1f} ± {error:.1f}" for value, error in (bits, whole)]
        print(
            f"{degree:3}{n_units:5}{cells[0]:>19}{few_errors:10.1f}{cells[1]:>19}{no_error:10.1f}"
        )

# %%
# The exponent between the smallest and the largest network. Theory for infinite N says n - 1; the logarithm of eq. (6)
# takes some away, and networks of few units hold less than that law says, since their noise has heavier tails than a
# normal distribution, the more so the higher the degree.

for degree, units in sizes.items():
    first, last = (found[degree, n_units] for n_units in (units[0], units[-1]))
    size = np.log(units[-1] / units[0])
    measured = [np.log(last[i][0] / first[i][0]) / size for i in (2, 3)]
    theory = [np.log(last[i] / first[i]) / size for i in (0, 1)]
    print(f"n = {degree}: 0.5 % wrong, N^{measured[0]:.2f} (theory at these N: {theory[0]:.2f}); "
          f"9 of 10 whole, N^{measured[1]:.2f} (theory: {theory[1]:.2f})")  # fmt: skip

# %%
# Lines are theory, points are measured; where no error bar is seen, it is smaller than the point.

colours, markers = {2: "#0072B2", 3: "#E69F00", 4: "#009E73"}, {2: "o", 3: "s", 4: "^"}
figure, axis = plt.subplots(figsize=(7, 5), layout="constrained")
for degree, units in sizes.items():
    N = np.geomspace(units[0] / 1.15, units[-1] * 1.15, 50).astype(int)
    theory = {"model": "polynomial", "degree": degree}
    lines = [
        [capacity(int(n), **theory, criterion=kind, error=0.005) for n in N]
        for kind in ("bit_error", "pattern")
    ]
    measured = [found[degree, n_units] for n_units in units]
    for line, index, style, face in zip(
        lines, (2, 3), ("-", "--"), (colours[degree], "white"), strict=True
    ):
        axis.plot(N, line, style, color=colours[degree], linewidth=1.5)
        values, errors = np.transpose([row[index] for row in measured])
        axis.errorbar(
            units, values, errors, color=colours[degree], marker=markers[degree], markerfacecolor=face,
            linestyle="none", markersize=7, capsize=2,
        )  # fmt: skip
    axis.annotate(f"n = {degree}", (N[-1], lines[0][-1]), (5, -12), textcoords="offset points", color=colours[degree],
                  fontsize="large")  # fmt: skip
axis.plot([], [], "ko-", label="0.5 % of the bits wrong, eq. (5)")
axis.plot([], [], "ko--", markerfacecolor="white", label="9 of 10 patterns whole, eq. (6)")
axis.set(
    xscale="log",
    yscale="log",
    xlabel="units N",
    ylabel="patterns K",
    title="Capacity grows as $N^{n-1}$",
)
axis.set_xticks([10, 20, 50, 100, 200, 500], ["10", "20", "50", "100", "200", "500"])
axis.xaxis.set_minor_formatter(NullFormatter())
axis.set_xlim(14, 700)
axis.legend(loc="lower right", frameon=False)
axis.spines[["top", "right"]].set_visible(False)

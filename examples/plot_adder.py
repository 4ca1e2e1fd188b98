"""
Can a noisy memory add without an error?
========================================

It can, if its codes are wide enough: an adder whose carry is an association, cleaned up in every step, is right with
15 % of its units flipped. How wide is enough is a short calculation.
"""

# %%
# The serial adder reads the digits of two binary numbers, the lowest first. Its state is the carry, its output the
# digit of the sum. The eight transitions are kept in an associative memory, from codes of carry and digits to codes
# of the next carry and the digit of the sum. In every step noise flips units of the carry that is fed back; then the
# nearest code is taken in its place.

import matplotlib.pyplot as plt
import numpy as np

from skamem import FiniteStateMemory

bits = (0, 1)
table = {
    (carry, (a, b)): ((a + b + carry) // 2, (a + b + carry) % 2)
    for carry in bits
    for a in bits
    for b in bits
}
adder = FiniteStateMemory(n_units=96, random_state=0).fit(table)
a, b = 0xDEADBEEF, 0x0BADCAFE
digits = [(a >> place & 1, b >> place & 1) for place in range(33)]
runs = {noise: adder.run(digits, noise=noise) for noise in (0.0, 0.15)}
for noise, run in runs.items():
    total = sum(digit << place for place, digit in enumerate(run.outputs))
    print(f"{noise:4.0%} noise: {a:,} + {b:,} = {total:,}, least margin {run.margins.min():.2f}")
    assert total == a + b

# %%
# Clean-up errs when a wrong code is as near as the right one: of the units in which both differ, half or more were
# flipped. A unit of two random codes differs with probability 1/2, and then is flipped with probability p. The law of
# the sum is a convolution, and times the number of wrong codes, S - 1, it bounds the error; Chernoff's bound of it,
# (S - 1) (1/2 + sqrt(p (1 - p)))^n, is the formula that chooses the width.


def pair_law(n_units, flip_rate):
    """Probability that one wrong code is nearer than the right one; a tie counts half."""
    step = np.asarray([(1 - flip_rate) / 2, 0.5, flip_rate / 2])  # the wrong code gains -2, 0 or 2
    law = np.ones(1)
    for _ in range(n_units):
        law = np.convolve(law, step)
    return law[n_units + 1 :].sum() + law[n_units] / 2


# %%
# Measured: machines of eight states in a ring, 5 % of the units flipped, another draw of the codes each. A step
# counts as an error if it does not lead to the next state of the ring.

n_states, flip_rate, n_machines = 8, 0.05, 40
ring = {(state, "on"): (state + 1) % n_states for state in range(n_states)}
widths = np.asarray([16, 20, 24, 28, 32])
shares = np.zeros((len(widths), n_machines))
for row, width in enumerate(widths):
    for seed in range(n_machines):
        machine = FiniteStateMemory(n_units=int(width), random_state=seed).fit(ring)
        states = np.asarray(
            [run.states for run in machine.run_many([["on"] * 60] * 100, noise=flip_rate)]
        )
        shares[row, seed] = np.mean(states[:, 1:] != (states[:, :-1] + 1) % n_states)
means = shares.mean(axis=1)
errors = shares.std(axis=1, ddof=1) / np.sqrt(n_machines)
lines = np.arange(12, 100)
law = np.asarray([(n_states - 1) * pair_law(int(width), flip_rate) for width in lines])
bound = (n_states - 1) * (0.5 + np.sqrt(flip_rate * (1 - flip_rate))) ** lines
chosen = FiniteStateMemory(random_state=0).fit(ring).n_units_
for width, mean, error in zip(widths, means, errors, strict=True):
    print(f"{width:3d} units: {mean:.6f} ± {error:.6f}, law {law[width - 12]:.6f}")

# %%
# Left: the carry along the sum, and by how much clean-up preferred it. Without noise the margin is what is left by
# the overlap of the two codes; noise takes its share and never all. Right: each unit more divides the errors by 1.4.
# The width chosen by default stands for less than one error in 10¹² steps.

figure = plt.figure(figsize=(9.4, 4.4), layout="constrained")
grid = figure.add_gridspec(2, 2, width_ratios=(1.15, 1), height_ratios=(1, 2.2))
top, bottom, right = (
    figure.add_subplot(grid[0, 0]),
    figure.add_subplot(grid[1, 0]),
    figure.add_subplot(grid[:, 1]),
)
steps = np.arange(1, 34)
top.step(np.arange(34), runs[0.15].states, where="mid", color="black", linewidth=1.5)
top.set(yticks=[0, 1], ylabel="carry", xlim=(0, 34), ylim=(-0.3, 1.3), xticklabels=[])
top.set_title("Every carry of a 33-digit sum is right under noise")
for (noise, run), colour, marker in zip(
    runs.items(), ("#0072B2", "#D55E00"), ("o", "s"), strict=True
):
    bottom.plot(
        steps,
        run.margins,
        color=colour,
        marker=marker,
        markersize=4,
        linewidth=1,
        label=f"{noise:.0%} of the units flipped",
    )
bottom.axhline(0, color="0.4", linewidth=1)
bottom.text(33.5, 0.02, "a tie", ha="right", va="bottom", color="0.3")
bottom.set(
    xlabel="step, lowest digit first", ylabel="margin of clean-up", xlim=(0, 34), ylim=(0, 1.25)
)
bottom.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 0.08))

right.plot(lines, bound, ":", color="black", label="Chernoff's bound, which chooses")
right.plot(lines, law, color="0.4", label="union of exact laws")
right.errorbar(
    widths,
    means,
    errors,
    color="#0072B2",
    marker="o",
    linestyle="none",
    capsize=2,
    label="measured",
)
right.plot([chosen], [bound[chosen - 12]], "*", color="#D55E00", markersize=12, label="the default")
right.set(yscale="log", ylim=(1e-15, 1), xlabel="units of a code", ylabel="wrong states a step")
right.set_title("Errors fall exponentially with the width")
right.legend(frameon=False)
for axis in (top, bottom, right):
    axis.spines[["top", "right"]].set_visible(False)

"""
Which degree solves XOR?
========================

Exclusive or is what a perceptron cannot learn. A dense associative memory that simply stores the four lines of the
truth table, nothing trained, completes the third unit from the first two as soon as its energy goes beyond pairs of
units (`Krotov and Hopfield 2016 <https://arxiv.org/abs/1606.01164>`_).
"""

# %%
# The four lines of the table, x, y and z = x XOR y in {-1, +1}, are the memories, and the third unit takes the sign of
# the energy difference between z = -1 and z = +1, eq. (9). For F(s) = s^n the energy is constant for even n; for odd n
# it is a multiple of x y z, which is 0 for n = 1. So odd n >= 3 succeed. With the rectified F every n >= 2 does.

import matplotlib.pyplot as plt
import numpy as np

from skamem import DenseAMClassifier
from skamem.core.interactions import Polynomial, RectifiedPolynomial

inputs = np.asarray([[-1, -1], [-1, 1], [1, -1], [1, 1]])
truth = np.asarray([-1, 1, 1, -1])
table = np.column_stack([inputs, truth])


def push(interaction, points):
    """E(z = -1) - E(z = +1) for each point (x, y): positive where the third unit turns on."""
    off, on = (interaction.energy(np.column_stack([points, np.full(len(points), z)]) @ table.T) for z in (-1.0, 1.0))
    return on.sum(axis=1) - off.sum(axis=1)


print("Third unit right for how many of the four lines (0 push: undecided)")
print(f"{'n':>4}{'polynomial':>14}{'rectified':>14}")
for n in range(1, 7):
    right = [np.sum(np.sign(push(F(n), inputs)) == truth) for F in (Polynomial, RectifiedPolynomial)]
    print(f"{n:4}{right[0]:14}{right[1]:14}")

# %%
# The push on the third unit, for inputs between the corners too. Where it is white the memory has no opinion.

grid = np.linspace(-1.5, 1.5, 121)
points = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
figure, axes = plt.subplots(2, 6, figsize=(9, 3.6), sharex=True, sharey=True, layout="constrained")
for row, F in zip(axes, (Polynomial, RectifiedPolynomial), strict=True):
    for n, axis in enumerate(row, start=1):
        values = push(F(n), points).reshape(121, 121)
        size = np.max(np.abs(values))
        scaled = values / size if size > 1e-9 else 0 * values
        drawn = axis.pcolormesh(grid, grid, scaled, cmap="RdBu_r", vmin=-1, vmax=1, shading="auto")
        for point, z in zip(inputs, truth, strict=True):
            axis.plot(*point, "o" if z > 0 else "s", color="white", mec="black", ms=6)
        axis.set(xticks=[-1, 1], yticks=[-1, 1], aspect="equal", title=f"n = {n}")
    row[0].set_ylabel("$F = s^n$" if F is Polynomial else "$F = s_+^n$")
figure.colorbar(drawn, ax=axes, label="push, scaled", shrink=0.9)
figure.suptitle("XOR by four memories: circles should be pushed up (red), squares down (blue)")

# %%
# The classifier is not given the table as memories but learns its own, so that every degree will do: at n = 1 its
# memories are units that are on or off, at n = 2 they are rectified linear units.

for n in (1, 2, 3, 6):
    memory = DenseAMClassifier(50, degree=n, random_state=0).fit(inputs, truth)
    print(f"DenseAMClassifier, n = {n}: {memory.score(inputs, truth):.0%} of the table")

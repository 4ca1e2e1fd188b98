"""
Which degree solves XOR?
========================

Exclusive or is what a perceptron cannot learn. A dense associative memory that simply stores the four lines of the
truth table, nothing trained, completes the third unit from the first two as soon as its energy goes beyond pairs of
units (`Krotov and Hopfield 2016 <https://arxiv.org/abs/1606.01164>`_).
"""

# %%
# The four lines of the table, x, y and z = x XOR y in {-1, +1}, are stored. Recall holds x and y and fills in the third
# unit, which is unknown (NaN): it takes the value of lower energy, and is reported as unresolved where both values have
# the same. Its field is half the difference of these energies, eq. (8). For F(s) = s^n, eq. (7), the energy is constant
# for even n, and for odd n the field is (3^n - 3) z: nothing for n = 1, right for n = 3, 5, ... The rectified F has
# half of that for every n.

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap

from skamem import DenseAMClassifier, DenseMemory

inputs = np.asarray([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
truth = np.asarray([-1.0, 1.0, 1.0, -1.0])
table = np.column_stack([inputs, truth])
cues = np.column_stack([inputs, np.full(4, np.nan)])
degrees = range(1, 7)
energies = {"polynomial": "$F(s) = s^n$", "rectified_polynomial": "$F(s) = s_+^n$"}

answers, fields = {}, {}
print("Lines of the table that are completed, right / undecided, and the field of the third unit")
print("n".rjust(4) + "".join(f"{name:>27}" for name in energies) + f"{'3^n - 3':>10}")
for n in degrees:
    line = f"{n:4}"
    for name in energies:
        memory = DenseMemory(name, degree=n, missing="clamp", random_state=0).fit(table)
        recall, field = memory.recall(cues), memory.field(cues)[:, 2]
        answers[name, n], fields[name, n] = (
            np.where(recall.unresolved[:, 2], 0.0, recall.states[:, 2]),
            field,
        )
        right, undecided = np.sum(answers[name, n] == truth), np.sum(answers[name, n] == 0)
        line += f"{right:9} / {undecided},  field {np.max(np.abs(field)):4.0f}"
    print(f"{line}{3**n - 3:10}")

# %%
# What each memory answers to the four inputs, and the field that decides it.

figure, axes = plt.subplots(2, 6, figsize=(9, 4.2), sharex=True, sharey=True, layout="constrained")
colours = ListedColormap(["#0072B2", "white", "#E69F00"])
for row, (name, formula) in zip(axes, energies.items(), strict=True):
    for n, axis in zip(degrees, row, strict=True):
        axis.imshow(answers[name, n].reshape(2, 2).T, cmap=colours, vmin=-1, vmax=1, origin="lower")
        for index, answer in enumerate(answers[name, n]):
            colour = "white" if answer < 0 else "black"
            text = f"{fields[name, n][index]:+.0f}" if answer else "0"
            axis.text(
                *divmod(index, 2), text, ha="center", va="center", color=colour, fontsize="large"
            )
        solved = ": XOR" if np.array_equal(answers[name, n], truth) else ""
        axis.set(xticks=[0, 1], yticks=[0, 1], title=f"n = {n}{solved}")
        axis.set_xticklabels(["-1", "+1"])
        axis.set_yticklabels(["-1", "+1"])
    row[0].set_ylabel(f"{formula}\n\ny")
for axis in axes[1]:
    axis.set_xlabel("x")
for colour, label in (("#E69F00", "recalls +1"), ("#0072B2", "recalls -1"), ("white", "undecided")):
    figure.axes[0].scatter([], [], marker="s", s=80, color=colour, edgecolor="black", label=label)
figure.legend(loc="outside lower center", ncols=3, frameon=False)
figure.suptitle("The third unit, by the first two; numbers are its field")
plt.show()

# %%
# The classifier is not given the table as memories but learns its own, so that every degree will do: at n = 1 its
# memories are units that are on or off, at n = 2 they are rectified linear units.

for n in (1, 2, 3, 6):
    memory = DenseAMClassifier(50, degree=n, random_state=0).fit(inputs, truth)
    print(f"DenseAMClassifier, n = {n}: {memory.score(inputs, truth):.0%} of the table")

"""
One knob from look-up to learning: how wide should a kernel be?
===============================================================

A memory that interpolates what it stored with Gaussians of width σ recalls all of it, whatever σ is. What σ decides is
how it answers to cues that it has never seen: a narrow Gaussian gives a look-up table, a wide one learns (see `Poggio
2021 <https://cbmm.mit.edu/publications/associative-memories-deep-networks>`_ on memory and generalisation).
"""

# %%
# Twelve values of a function
# ---------------------------
# The narrow memory answers with the values that it stored, and with their mean anywhere else. As soon as neighbouring
# Gaussians overlap, it draws a curve through them.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from skamem import KernelMemory, MemoryClassifier


def memory_of_width(sigma):
    """A memory that interpolates with Gaussians, exp(-d²/2σ²)."""
    return KernelMemory(gamma=1 / (2 * sigma**2), alpha=1e-6, target="y")


def function(x):
    """What is to be learnt."""
    return np.sin(2 * np.pi * x) + 0.5 * np.cos(6 * np.pi * x)


stored = np.linspace(0, 1, 12)[:, None]
line = np.linspace(0, 1, 600)[:, None]
curves = {}
print("Twelve values of a function: largest error at stored points, mean error between them")
for sigma in (0.008, 0.03, 0.15):
    memory = memory_of_width(sigma).fit(stored, function(stored))
    curves[sigma] = memory.predict(line)
    at_stored = np.max(np.abs(memory.predict(stored) - function(stored)))
    between = np.mean(np.abs(curves[sigma] - function(line)))
    print(f"sigma = {sigma:<6}{at_stored:10.0e}{between:10.3f}")

# %%
# Six hundred digits
# ------------------
# The same with images and their labels. The smaller σ, the more of the other 1197 images are like nothing that is
# stored: what remains is the mean, by which the commonest class wins. The class that stands out from the mean is then
# that of the nearest neighbour, as long as it stands out by more than rounding. Widths beyond the distance of
# neighbours learn: they are right more often than the nearest neighbour.

X, y = load_digits(return_X_y=True)
X_stored, X_new, y_stored, y_new = train_test_split(
    X / 16, y, train_size=600, random_state=0, stratify=y
)
neighbour = KNeighborsClassifier(1).fit(X_stored, y_stored)
spacing = np.median(NearestNeighbors(n_neighbors=2).fit(X_stored).kneighbors(X_stored)[0][:, 1])

widths = np.geomspace(0.1, 30, 16)
errors = {"stored": [], "new": []}
print(f"\nDigits: median distance of a stored image to the nearest other one {spacing:.2f}")
print("sigma   error on stored, %   on new, %   stands out as the nearest neighbour does, %")
for sigma in widths:
    classifier = MemoryClassifier(memory_of_width(sigma)).fit(X_stored, y_stored)
    errors["stored"].append(1 - classifier.score(X_stored, y_stored))
    errors["new"].append(1 - classifier.score(X_new, y_new))
    stands_out = classifier.decision_function(X_new) - classifier.memory_.offset_
    agree = np.mean(classifier.classes_[np.argmax(stands_out, axis=1)] == neighbour.predict(X_new))
    print(
        f"{sigma:5.2f}{100 * errors['stored'][-1]:18.1f}{100 * errors['new'][-1]:14.1f}{100 * agree:28.1f}"
    )
error_of_neighbour = 1 - neighbour.score(X_new, y_new)
best = int(np.argmin(errors["new"]))
print(f"nearest neighbour: {100 * error_of_neighbour:.1f} % on new images; best width {widths[best]:.1f}: "
      f"{100 * errors['new'][best]:.1f} %")  # fmt: skip

# %%
# Both in one picture.

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
styles = ("#E69F00", "-"), ("#56B4E9", "--"), ("#0072B2", "-")
for (sigma, curve), (colour, style) in zip(curves.items(), styles, strict=True):
    left.plot(line, curve, style, color=colour, linewidth=2, label=f"σ = {sigma}")
left.plot(stored, function(stored), "o", color="black", label="stored", zorder=3)
left.set(
    xlabel="cue x", ylabel="recalled value", title="A function from 12 values", ylim=(-1.7, 2.3)
)
left.legend(frameon=False, loc="upper right", ncols=2)

right.semilogx(
    widths, 100 * np.asarray(errors["new"]), "o-", color="#D55E00", linewidth=2, label="new images"
)
right.semilogx(
    widths, 100 * np.asarray(errors["stored"]), "s--", color="#0072B2", ms=4, label="stored images"
)
right.axhline(
    100 * error_of_neighbour, color="black", linestyle=":", label="nearest neighbour, new images"
)
right.axvline(spacing, ymax=0.7, color="0.6", linewidth=1)
right.text(1.1 * spacing, 0.3, "distance to the\nnearest image", color="0.3")
right.set(
    xlabel="width σ (pixels in [0, 1])", ylabel="error, %", title="Digits: look-up, then learning"
)
right.set_yscale("symlog", linthresh=1)
right.set_yticks([0, 1, 2, 5, 10, 20, 50, 100], ["0", "1", "2", "5", "10", "20", "50", "100"])
right.set_ylim(-0.1, 120)
right.legend(frameon=False, loc="upper right")
for axis in (left, right):
    axis.spines[["top", "right"]].set_visible(False)
plt.show()

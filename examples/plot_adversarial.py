"""
Are memories of high degree harder to fool?
===========================================

A few pixels changed on purpose make a classifier err. A memory of prototypes should be harder to fool than one of
features, because the change has to turn one digit into another (`Krotov and Hopfield 2018
<https://arxiv.org/abs/1701.00939>`_). `attack` climbs the exact gradient of the margin, to find out.
"""

# %%
# Five classifiers of the same size on digits with pixels in [0, 1]; every pixel may change by eps at most.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skamem import DenseAMClassifier
from skamem.analysis import attack, transfer_table
from skamem.display import PatternsDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X / 16, y, test_size=497, random_state=0, stratify=y
)
classifiers = {
    f"n = {degree}": DenseAMClassifier(100, degree=degree, init=init, random_state=0)
    for degree, init in ((2, "random"), (3, "random"), (20, "data"), (30, "data"))
} | {"MLP": MLPClassifier((100,), max_iter=500, random_state=0)}
for classifier in classifiers.values():
    classifier.fit(X_train, y_train)

# %%
# Each classifier against the samples made for it (diagonal), and for the others: error in %.

table = transfer_table(classifiers, X_test, y_test, eps=0.1, clip=(0, 1))
low, high = table.error_interval()
print((100 * table.to_frame()).round(1).to_string())
for name, error, *ends in zip(table.names, *map(np.diag, (table.errors, low, high)), strict=True):
    print(
        f"{name}: {100 * error:.1f} % on its own, 95 % interval {100 * ends[0]:.1f} to {100 * ends[1]:.1f}"
    )

# %%
# More steps, other step sizes and restarts must not find many more errors, or the gradient was masked. It is when the
# loss of the training climbs, whose slope vanishes where class units are saturated: it would praise high degrees more
# than they deserve.

checks = {
    "one step (FGSM)": {"method": "fgsm"},
    "10 steps": {},
    "40 steps": {"n_steps": 40},
    "40 large steps": {"n_steps": 40, "step_size": 0.05},
    "5 restarts": {"n_restarts": 5, "random_state": 0},
    "10 steps, training loss": {"loss": "power"},
}
print(f"{'':26}" + "".join(f"{name:>9}" for name in classifiers))
for check, settings in checks.items():
    errors = [
        attack(each, X_test, y_test, eps=0.1, clip=(0, 1), **settings).error
        for each in classifiers.values()
    ]
    print(f"{check:26}" + "".join(f"{100 * error:9.1f}" for error in errors))

# %%
# How the error grows with eps, with 95 % intervals.

radii = np.asarray([0, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2])
colours = ["#0072B2", "#56B4E9", "#D55E00", "#E69F00", "#000000"]
figure, axis = plt.subplots(figsize=(6.5, 4), layout="constrained")
lines = ["o-", "s--", "D-", "^--", "x:"]
for (name, classifier), colour, line in zip(classifiers.items(), colours, lines, strict=True):
    found = [attack(classifier, X_test, y_test, eps=eps, clip=(0, 1)) for eps in radii]
    ends = 100 * np.asarray([each.error_interval() for each in found])
    axis.plot(radii, [100 * each.error for each in found], line, color=colour, ms=5, label=name)
    axis.fill_between(radii, *ends.T, color=colour, alpha=0.15, linewidth=0)
axis.set(
    xlabel="largest change of a pixel, eps (pixels in [0, 1])",
    ylabel="error on attacked digits, %",
    ylim=(0, 100),
)
axis.set_title("Digits under attack: prototypes (n = 20, 30) resist longest")
axis.legend(frameon=False)
axis.spines[["top", "right"]].set_visible(False)

# %%
# Ten digits, and what has become of them at eps = 0.2, by how each memory reads them.

first = [np.flatnonzero(y_test == digit)[0] for digit in range(10)]
rows = {"as it was": X_test[first]}
readings = {}
for name in ("n = 2", "n = 30"):
    found = attack(classifiers[name], X_test[first], y_test[first], eps=0.2, clip=(0, 1))
    rows[f"against {name}"], readings[f"against {name}"] = found.samples, found.predictions
display = PatternsDisplay(rows).plot(cmap="gray_r", colorbar=False)
for axes, labels in zip(display.ax_[1:], readings.values(), strict=True):
    for axis, label in zip(axes, labels, strict=True):
        axis.set_title(f"read as {label}", fontsize="small")

"""
From features to prototypes: what do memories of growing degree look like?
==========================================================================

At a low degree n the memories of a dense associative memory are features: strokes that many digits share, so that one
memory votes for several classes and many decide together. At a high degree they are prototypes: digits that stand for
one class, and the best matching one decides alone (`Krotov and Hopfield 2016 <https://arxiv.org/abs/1606.01164>`_,
Figure 3).
"""

# %%
# Four memories of the same size, trained on 1300 images of 8 x 8 pixels. High degrees start from training images and
# stay near them. `votes_per_memory` counts the classes for which a memory's recognition unit is on, and
# `decisive_memories` the memories that contribute at least 0.9 of the largest contribution to the predicted class.

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skamem import DenseAMClassifier
from skamem.display import PatternsDisplay, PrototypeDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X / 8 - 1, y, test_size=497, random_state=0, stratify=y
)
memories = {
    f"n = {degree}": DenseAMClassifier(100, degree=degree, init=init, random_state=0).fit(
        X_train, y_train
    )
    for degree, init in ((2, "random"), (3, "random"), (20, "data"), (30, "data"))
}

# %%
# The first 25 memories of each: at n = 2 and 3 a few pixels here and there, at n = 20 and 30 whole digits. Red pixels
# speak for the memory, blue ones against it; each image is scaled by its largest weight, which the colour bar calls 1.

figure = plt.figure(figsize=(9, 8.2), layout="constrained")
panels = figure.subfigures(2, 2, wspace=0.05, hspace=0.05)
for panel, (name, memory) in zip(panels.ravel(), memories.items(), strict=True):
    weights = (
        memory.memories_[:25] * memory.scale_
    )  # by a pixel's spread: how much it can contribute
    images = weights / abs(weights).max(axis=1, keepdims=True)
    PatternsDisplay({"": images}, signed=True).plot(ax=panel.subplots(5, 5), n_columns=5)
    panel.suptitle(name, fontsize="x-large")

# %%
# The same in numbers. Both histograms pile up at one as n grows.

figure, axes = plt.subplots(4, 2, figsize=(8, 8), layout="constrained")
print(f"{'':8}{'accuracy':>10}{'vote for one class':>22}{'one memory decides':>22}")
for pair, (name, memory) in zip(axes, memories.items(), strict=True):
    display = PrototypeDisplay.from_estimator(memory, X_test, ax=pair, name=name)
    votes, decisive = display.votes.single_share, display.decisive.single_share
    print(
        f"{name:8}{memory.score(X_test, y_test):10.3f}{100 * votes:20.0f} %{100 * decisive:20.0f} %"
    )
for axis in axes[:-1].ravel():
    axis.set_xlabel("")

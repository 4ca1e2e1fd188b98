"""
Pruned on moved images, a network comes to look at spots
========================================================

What does a network keep when nine of ten of its weights have to go? Pruning by magnitude takes the smallest weights
away, sets the others back to where they started and trains again, round by round. On digits that were moved about, the
units that survive look at spots, pixels near to each other, as those of a convolutional network are made to; on digits
that stay in place they do not.
"""

# %%
# Digits with a margin of two pixels, in six copies each: moved by up to two pixels, or left where they are.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skamem import DenseAMClassifier, MagnitudePruning
from skamem.datasets import make_transformed
from skamem.display import PruningPathDisplay

images, labels = load_digits(return_X_y=True)
images = np.pad(images.reshape(-1, 8, 8) / 16, ((0, 0), (2, 2), (2, 2)))
images, images_test, y, y_test = train_test_split(
    images, labels, test_size=0.3, stratify=labels, random_state=0
)


def copies(images, shift, seed):
    moved, which = make_transformed(images, shift=shift, n_copies=6, random_state=seed)
    return moved.reshape(len(moved), -1), which


# %%
# A dense associative memory of 200 memories, pruned in four rounds to a tenth of its 30,800 weights. ``locality_``
# compares the mean distance of the pixels that a memory keeps with that in masks that have the same margins: as many
# pixels for each memory, as many memories for each pixel. A mask drawn evenly would be the wrong null: the middle of
# the image matters anyway.

prunings = {}
for name, shift in (("moved", 2), ("in place", 0)):
    (X, which), (X_test, which_test) = copies(images, shift, 0), copies(images_test, shift, 1)
    network = DenseAMClassifier(200, max_iter=25, random_state=0)
    pruning = MagnitudePruning(network, n_rounds=4, image_shape=(12, 12), random_state=0)
    prunings[name] = pruning.fit(X, y[which])
    whole = network.fit(X, y[which]).score(X_test, y_test[which_test])
    locality = pruning.locality_
    print(
        f"{name}: accuracy on new digits {whole:.3f}, pruned {pruning.score(X_test, y_test[which_test]):.3f}; pixels "
        f"{locality.mean_distance:.2f} apart, by chance {locality.null_mean:.2f} ± {locality.null_std:.2f} "
        f"(z = {locality.z:.1f}, p = {locality.p_value:.4f})"
    )

# %%
# Left, the score in training against what is left of the weights; right, the masks of five memories, those that keep
# most pixels, and how many memories keep each pixel.

figure = plt.figure(figsize=(9.5, 4.2), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=[1.1, 1])
PruningPathDisplay.from_estimator(prunings, ax=left.subplots())
for part, (name, pruning) in zip(right.subfigures(2, 1), prunings.items(), strict=True):
    mask = pruning.masks_[0]
    axes = part.subplots(1, 6)
    part.suptitle(
        f"{name}: z = {pruning.locality_.z:.1f}", x=0.02, horizontalalignment="left", fontsize=10
    )
    for axis, unit in zip(axes[:5], np.argsort(-mask.sum(axis=1), kind="stable"), strict=False):
        axis.imshow(mask[unit].reshape(12, 12), cmap="Greys")
    axes[5].imshow(mask.sum(axis=0).reshape(12, 12), cmap="viridis")
    axes[5].set_title("all", fontsize=9)
    for axis in axes:
        axis.set(xticks=[], yticks=[])
plt.show()

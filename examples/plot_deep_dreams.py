"""
What does a deep belief network dream of?
=========================================

Of digits, all ten of them. In a stack of restricted Boltzmann machines the top one is free to wander: it holds what the
layers below have left of the images, and whatever state it is in, the layers below can show.
"""

# %%
# Two layers learn 8 x 8 digits, each from the hidden probabilities of the one below; no label is shown. ``sample``
# lets the top layer wander and looks down. A classifier that knows real digits reads the dreams.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from skamem import DeepBeliefNetwork, RestrictedBoltzmannMachine

X, y = load_digits(return_X_y=True)
X = X / 16
layers = RestrictedBoltzmannMachine(learning_rate=0.3, max_iter=100)
network = DeepBeliefNetwork((100, 100), rbm=layers, random_state=0).fit(X)

dreams = network.sample(1000, n_steps=200, random_state=0)
reader = SVC(C=10, random_state=0).fit(X, y)
read = reader.predict(dreams)
shares = np.bincount(read, minlength=10) / len(read)
noise = np.random.default_rng(0).random((1000, 64)) < X.mean(axis=0)
print(f"dreams of each digit: {np.array2string(100 * shares, precision=0)} %")

# %%
# How near is a dream to what was seen? About as near as one image is to the next; pixels that know nothing of each
# other are far away.


def nearest(rows, *, skip=0):
    """Distance from each row to the nearest image, the first `skip` left out."""
    return np.sort(np.linalg.norm(rows[:, None] - X[None], axis=2), axis=1)[:, skip]


distances = {
    "images": nearest(X[:200], skip=1),
    "dreams": nearest(dreams[:200]),
    "independent pixels": nearest(noise[:200].astype(float)),
}
for label, values in distances.items():
    print(f"{label}: nearest image at {np.median(values):.2f} in the median")

# %%
# Left: some dreams, under the digit that each is read as. Right: how many there are of each.

figure, (left, right) = plt.subplots(
    1, 2, figsize=(9, 3.4), width_ratios=(1.7, 1), layout="constrained"
)
left.set_axis_off()
grid = left.get_subplotspec().subgridspec(5, 10)
for digit in range(10):
    for row, dream in enumerate(dreams[read == digit][:5]):
        axis = figure.add_subplot(grid[row, digit])
        axis.imshow(dream.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        axis.set(xticks=[], yticks=[])
        if row == 0:
            axis.set_title(str(digit), fontsize="medium")
right.bar(range(10), 100 * shares, color="#0072B2")
right.axhline(10, color="black", linestyle=":", label="a tenth, as in the data")
right.set(xticks=range(10), xlabel="read as", ylabel="share of 1,000 dreams, %")
right.spines[["top", "right"]].set_visible(False)
right.legend(frameon=False)
plt.show()

"""
Who learns bars and stripes?
============================

A Boltzmann machine whose samples come from chains that mix. Images whose rows, or whose columns, are each of one colour
are easy to describe and hard to model: every pixel is on half of the time, and only all together say what is allowed.
"""

# %%
# There are 14 such images of 3 x 3 pixels. A model that gives each of them the same probability, and nothing to the
# other 498, reaches -ln 14 nats an image: no model has more. Three machines of 12 hidden units learn them and differ in
# where the samples come from that learning compares the data with.

import itertools

import matplotlib.pyplot as plt
import numpy as np

from skamem import RestrictedBoltzmannMachine
from skamem.display import LikelihoodDisplay

lines = np.asarray(list(itertools.product([0.0, 1.0], repeat=3)))
stripes = np.repeat(lines[:, :, None], 3, axis=2)
images = np.unique(np.concatenate([stripes, stripes.transpose(0, 2, 1)]).reshape(-1, 9), axis=0)
X = np.tile(images, (20, 1))
bound = -np.log(len(images))
print(f"{len(images)} images, bound {bound:.3f} nats")

samplers = {
    "pt": "parallel tempering",
    "pcd": "persistent chains",
    "cd": "contrastive divergence",
}
machines = {
    label: RestrictedBoltzmannMachine(
        12, sampler=name, max_iter=400, monitor="log_likelihood", random_state=0
    ).fit(X)
    for name, label in samplers.items()
}
allowed = {tuple(image) for image in images}
drawn, right = {}, {}
for label, machine in machines.items():
    sample = machine.sample(1000, n_steps=200, random_state=0)
    right[label] = np.asarray([tuple(image) in allowed for image in sample])
    drawn[label] = sample
    print(
        f"{label:>22}: {machine.score(X):.3f} nats, {right[label].mean():.1%} of its samples are "
        "bars or stripes"
    )

# %%
# With so few units ln Z is exact, so that every point of the curves is the truth. Right: samples of each machine; those
# that are neither bars nor stripes have a red frame.

figure, (left, side) = plt.subplots(
    1, 2, figsize=(9, 3.6), width_ratios=(1.1, 1), layout="constrained"
)
LikelihoodDisplay.from_estimator(machines, levels={"bound, -ln 14": bound}, ax=left)
left.set(ylim=(-4.3, -2.5), ylabel="log-likelihood, nats an image")

side.set_axis_off()
grid = side.get_subplotspec().subgridspec(4, 8)
rows = {"data": images[:8]} | drawn
for row, (label, values) in enumerate(rows.items()):
    for column in range(8):
        axis = figure.add_subplot(grid[row, column])
        axis.imshow(values[column].reshape(3, 3), cmap="gray_r", vmin=0, vmax=1)
        axis.set(xticks=[], yticks=[])
        if label in right and not right[label][column]:
            axis.spines[:].set(color="#D55E00", linewidth=3)
        if column == 0:
            share = f"\n{right[label].mean():.0%} right" if label in right else ""
            axis.set_ylabel(label.replace(" ", "\n") + share, rotation=0, ha="right", va="center")
plt.show()

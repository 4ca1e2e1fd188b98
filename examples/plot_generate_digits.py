"""
What does a Boltzmann machine know of digits?
=============================================

Which pixels go together: enough to draw digits that nobody wrote, to complete half of one, to tell digits apart, and to
say how probable a picture is. The likelihood of pictures that were never shown tells how many hidden units pay, which
no error of reconstruction can.
"""

# %%
# Binary images of 8 x 8 pixels train restricted Boltzmann machines of growing size. Their score is the mean
# log-likelihood, exact where one layer has at most 20 units and by annealed importance sampling beyond; independent
# pixels set the mark to beat.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from skamem import RestrictedBoltzmannMachine
from skamem.display import PatternsDisplay

images, labels = load_digits(return_X_y=True)
images = (images >= 8).astype(float)
train, test, y_train, y_test = train_test_split(images, labels, test_size=0.3, random_state=0)

means = (train.sum(axis=0) + 0.5) / (len(train) + 1)
pixels = np.mean(test @ np.log(means) + (1 - test) @ np.log(1 - means))
print(f"independent pixels: {pixels:.2f} nats an image that was not trained on")

sizes = (4, 16, 64, 256)
machines, scores = {}, {}
for size in sizes:
    machine = RestrictedBoltzmannMachine(size, random_state=0).fit(train)
    machines[size], scores[size] = machine, (machine.score(train), machine.score(test))
    print(
        f"{size:4} hidden units: {scores[size][0]:.2f} trained, {scores[size][1]:.2f} not, "
        f"ln Z +- {machine.log_partition_error_:.3f}"
    )

# %%
# Left: the likelihood rises with the hidden units, for images that were trained on and for others; beyond 64 by little.
# Right: the machine of 64 units draws images of its own, and completes the lower halves of images it has not seen. A
# logistic regression on its hidden probabilities reads both, the numbers beneath.

figure, (left, right) = plt.subplots(
    1, 2, figsize=(9, 3.8), width_ratios=(1, 1.5), layout="constrained"
)
for column, (label, colour) in enumerate(
    (("trained on", "#999999"), ("not trained on", "#0072B2"))
):
    left.semilogx(sizes, [scores[size][column] for size in sizes], "o-", color=colour, label=label)
left.axhline(pixels, color="black", linestyle=":", label="independent pixels")
left.set(xlabel="hidden units", ylabel="log-likelihood, nats an image", xticks=sizes)
left.set_xticklabels([str(size) for size in sizes])
left.minorticks_off()
left.legend(frameon=False)

machine = machines[64]
reader = LogisticRegression(C=10, max_iter=2000).fit(machine.transform(train), y_train)
right_share = reader.score(machine.transform(test), y_test)
print(
    f"read from the hidden probabilities: {right_share:.1%} of the images not trained on are right"
)
cues = test[:8].copy()
cues[:, 32:] = np.nan
rows = {
    "drawn": machine.sample(8, random_state=0),
    "cue": cues,
    "completed": machine.reconstruct(cues, n_steps=50, clamped=True),
    "truth": test[:8],
}
right.set_axis_off()
grid = right.get_subplotspec().subgridspec(4, 8)
axes = np.asarray([[figure.add_subplot(grid[i, j]) for j in range(8)] for i in range(4)])
for row, (label, values) in zip(axes, rows.items(), strict=True):
    read = reader.predict(machine.transform(values)) if label in ("drawn", "completed") else None
    for column, (axis, value) in enumerate(zip(row, values, strict=True)):
        if read is not None:
            axis.set_xlabel(str(read[column]), labelpad=1)
        axis.imshow(np.ma.masked_invalid(value.reshape(8, 8)), cmap="gray_r", vmin=0, vmax=1)
        axis.set(xticks=[], yticks=[], facecolor="#d0e4f5")
    row[0].set_ylabel(label, rotation=0, ha="right", va="center")
plt.show()

# %%
# What the hidden units look for: their couplings with the pixels.

PatternsDisplay({"": machine.components_[:32]}, signed=True).plot()
plt.show()

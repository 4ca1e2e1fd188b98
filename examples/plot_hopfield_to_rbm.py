"""
Is a Hopfield network a Boltzmann machine?
==========================================

Yes, of one pattern a hidden unit, and a start from which learning is ahead. Patterns stored by the projection rule have
couplings that fall into two factors; a layer of Gaussian hidden units between them leaves the same energy when it is
summed out (Smart and Zilman, 2021, `arXiv:2101.11744 <https://arxiv.org/abs/2101.11744>`__).
"""

# %%
# One prototype for each of ten digits, thresholded means of 8 x 8 images, is stored both ways. Of any image the network
# knows the energy, and the machine, which is a probability, the free energy: they differ by a constant.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skamem import HopfieldNetwork, RestrictedBoltzmannMachine
from skamem.display import LikelihoodDisplay
from skamem.generative import hopfield_to_rbm

X, y = load_digits(return_X_y=True)
X = (X >= 8).astype(float)
train, test, labels, _ = train_test_split(X, y, test_size=0.3, random_state=0)
prototypes = np.asarray([train[labels == digit].mean(axis=0).round() for digit in range(10)])

network = HopfieldNetwork("pseudoinverse").fit(2 * prototypes - 1)
machine = hopfield_to_rbm(prototypes)
difference = machine.free_energy(test) - network.energy(2 * test - 1)
print(f"free energy less energy: {difference.mean():.6f} +- {np.std(difference):.0e}")

# %%
# As a probability it can be drawn from, at any temperature: near 0 samples are the patterns and, since the energy does
# not know black from white, their complements. And it can learn. ``init=prototypes`` stores the patterns
# about the means of the data, with binary hidden units as well, and training goes on from there.

draws = {
    f"T = {temperature}": hopfield_to_rbm(prototypes, temperature=temperature).sample(
        10, n_steps=300, random_state=0
    )
    for temperature in (0.2, 0.5, 1.0)
}
machines = {
    label: RestrictedBoltzmannMachine(
        10, init=init, max_iter=100, monitor="log_likelihood", random_state=0
    ).fit(train)
    for label, init in (("prototypes", prototypes), ("random couplings", "random"))
}
for label, fitted in machines.items():
    curve = np.asarray(fitted.monitor_curve_)
    print(
        f"from {label}: {curve[0]:.2f} nats after 1 epoch, {curve[19]:.2f} after 20, "
        f"{curve[-1]:.2f} after 100; images not trained on {fitted.score(test):.2f}"
    )
means = (train.sum(axis=0) + 0.5) / (len(train) + 1)
independent = np.mean(train @ np.log(means) + (1 - train) @ np.log(1 - means))

figure, (left, right) = plt.subplots(
    1, 2, figsize=(9, 3.6), width_ratios=(1, 1.2), layout="constrained"
)
LikelihoodDisplay.from_estimator(machines, levels={"independent pixels": independent}, ax=left)
left.set(ylabel="log-likelihood, nats an image", title="learning from ...")

right.set_axis_off()
right.set_title("the network, and samples of the machine that it is")
grid = right.get_subplotspec().subgridspec(4, 10)
for row, (label, values) in enumerate(({"stored": prototypes} | draws).items()):
    for column in range(10):
        axis = figure.add_subplot(grid[row, column])
        axis.imshow(values[column].reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        axis.set(xticks=[], yticks=[])
        if column == 0:
            axis.set_ylabel(label, rotation=0, ha="right", va="center")
plt.show()

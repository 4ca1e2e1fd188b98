"""
Is a dense associative memory a neural network?
===============================================

Yes: read by eq. (10), a dense memory is a network with one hidden layer, whose activation function is the derivative of
the energy (`Krotov and Hopfield 2016 <https://arxiv.org/abs/1606.01164>`_). `to_mlp` writes it down, `from_mlp` goes
back.
"""

# %%
# A memory of each energy, and the network it is: the outputs agree to rounding.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skamem import DenseAMClassifier
from skamem.core.interactions import INTERACTIONS, resolve_interaction

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 8 - 1, y, random_state=0, stratify=y)
print(f"{'energy':24}{'memory right':>14}{'network right':>15}{'outputs differ by':>19}")
differences = {}
for name in INTERACTIONS:
    memory = DenseAMClassifier(50, interaction=name, max_iter=40, random_state=0).fit(
        X_train, y_train
    )
    network = memory.to_mlp()
    ours, theirs = memory.decision_function(X_test), network.decision_function(X_test)
    differences[name] = np.max(np.abs(ours - theirs)) / np.max(np.abs(ours))
    scores = memory.score(X_test, y_test), network.score(X_test, y_test)
    print(f"{name:24}{scores[0]:14.4f}{scores[1]:15.4f}{differences[name]:19.1e}")

# %%
# And back: scikit-learn's network with ReLU units is the memory of degree 2.

trained = MLPClassifier((50,), max_iter=300, random_state=0).fit(X_train, y_train)
memory = DenseAMClassifier.from_mlp(trained)
agree = np.mean(memory.predict(X_test) == trained.predict(X_test))
print(f"MLPClassifier(relu) as {memory.interaction}: {agree:.0%} of the predictions equal")

# %%
# Energies, the activation functions that they become, and how little the outputs differ, relative to the largest one.

z = np.linspace(-2, 2, 201)
figure, axes = plt.subplots(1, 3, figsize=(9, 3.6), layout="constrained")
colours = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"]
styles = ["-", "--", "-.", ":", (0, (5, 1, 1, 1))]
for row, (name, colour, style) in enumerate(zip(INTERACTIONS, colours, styles, strict=True)):
    interaction = resolve_interaction(name, 3 if name == "rectified_polynomial" else 2)
    label = (
        f"{name.replace('_', ' ')}, n = {interaction.degree}"
        if hasattr(interaction, "degree")
        else name
    )
    axes[0].plot(z, interaction.energy(z), color=colour, linestyle=style, linewidth=2, label=label)
    axes[1].plot(z, interaction.slope(z), color=colour, linestyle=style, linewidth=2)
    axes[2].plot(differences[name], row, "o", color=colour, ms=8)
axes[0].set(title="energy of a memory", xlabel="overlap z", ylabel="F(z)", ylim=(-1, 5))
axes[1].set(
    title="activation of a hidden unit", xlabel="input z", ylabel="f(z) = F'(z)", ylim=(-4, 5)
)
axes[2].axvline(np.finfo(float).eps, color="0.6", linewidth=1)
axes[2].text(1.2 * np.finfo(float).eps, 4.6, "rounding of one number", color="0.3")
axes[2].set(
    title="memory against network",
    xlabel="largest difference of outputs",
    xscale="log",
    xlim=(1e-16, 1e-13),
)
axes[2].set(yticks=[], ylim=(-0.5, 5.2))
figure.legend(loc="outside lower center", ncols=5, frameon=False, fontsize="small")
for axis in axes:
    axis.spines[["top", "right"]].set_visible(False)
axes[2].spines["left"].set_visible(False)
plt.show()

"""
How deep must a linear residual network be?
===========================================

The least-squares memory W = X⁺ Y needs the inverse of X Xᵀ. Its Neumann series, cut off after L terms, is a residual
network of L layers that share their weights, which is the same as a recurrent network run for L steps (Liao and Poggio
2016, CBMM Memo 47), and the same as L steps of gradient descent. One layer is a Hebbian memory, infinitely many are the
pseudoinverse: ``PseudoinverseMemory(solver="neumann", n_layers=L)`` is anything between.
"""

# %%
# Thirty patterns of a hundred units. The error of W, in the spectral norm, should be `max |1 - c σᵢ²|^L`, with c the
# step and σᵢ the singular values of X: the smallest or the largest of them decides. The default step is c = 1 / σ²max,
# the best one c = 2 / (σ²max + σ²min). With ``hyperpower=True`` a layer doubles the number of terms, so that L layers
# do what 2^L did.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skamem import HebbianMemory, PseudoinverseMemory
from skamem.core.least_squares import invert_gram
from skamem.datasets import corrupt, make_patterns
from skamem.exceptions import CapacityWarning
from skamem.metrics import exact_recall_score

warnings.simplefilter("ignore", ConvergenceWarning)  # a series cut short is what this page is about

X = make_patterns(30, 100, random_state=0)
projector = PseudoinverseMemory().fit(X).weights_
squares = np.linalg.svd(X, compute_uv=False) ** 2
steps = {"c = 1/σ²max": 1 / squares[0], "best c": 2 / (squares[0] + squares[-1])}


def network(n_layers, **options):
    """The residual network of `n_layers` layers."""
    return PseudoinverseMemory(solver="neumann", n_layers=n_layers, **options).fit(X)


def error(memory):
    """Distance of a memory's weights from the pseudoinverse, relative to it, in the spectral norm."""
    return np.linalg.norm(memory.weights_ - projector, 2) / np.linalg.norm(projector, 2)


depths = np.unique(np.geomspace(1, 128, 15).round().astype(int))
found = {
    name: [error(network(depth, step=step)) for depth in depths] for name, step in steps.items()
}
laws = {name: np.max(np.abs(1 - step * squares)) ** depths for name, step in steps.items()}
doubled = np.arange(1, 9)
found["hyperpower"] = [error(network(depth, hyperpower=True)) for depth in doubled]
laws["hyperpower"] = np.max(np.abs(1 - squares / squares[0])) ** (2.0**doubled)
for name, errors in found.items():
    off = np.max(np.abs(np.asarray(errors) - laws[name]))
    print(
        f"{name:14} error after the last of {len(errors)} depths {errors[-1]:.1e}, off the law by {off:.0e} at most"
    )

# %%
# Gradient descent on ‖X W - X‖² from zero takes the same steps, to rounding.

step, weights = steps["c = 1/σ²max"], np.zeros((100, 100))
difference = 0.0
for depth in range(1, 65):
    weights -= step * X.T @ (X @ weights - X)
    if depth in (1, 2, 4, 8, 16, 32, 64):
        difference = max(difference, np.max(np.abs(weights - network(depth, step=step).weights_)))
print(f"gradient descent, 1 to 64 steps: weights differ by {difference:.0e} at most")

# %%
# The condition is that the spectral radius of I - c X Xᵀ is below 1: a step below 2 / σ²max. Here is the same network,
# written as the recurrent net that it is, with the condition violated: a step 1 % beyond the limit diverges at the rate
# of the radius. ``skamem.core.least_squares.invert_gram``, which gives the inverse, refuses it.

gram = X @ X.T
violated, ending = [], float(2.02 / squares[0])
inverse = np.zeros_like(gram)
for _ in range(128):
    inverse = inverse + ending * (np.eye(len(gram)) - gram @ inverse)
    violated.append(np.linalg.norm(inverse @ gram - np.eye(len(gram)), 2))
radius = np.max(np.abs(1 - ending * squares))
print(
    f"step 2.02/σ²max: radius {radius:.2f}, error {violated[-1]:.1f} after 128 steps, the law {radius**128:.1f}"
)
try:
    invert_gram(X, step=ending)
except ValueError as error:
    print("refused:", error)
kept = invert_gram(X, n_layers=128, step=steps["best c"])
print(f"best step: error {np.linalg.norm(kept @ gram - np.eye(len(gram)), 2):.0e} after 128")

# %%
# What depth is good for: the share of cues, with 10 % of their units flipped, from which the whole pattern comes back.
# One layer is Hebb's rule and does for a few patterns; the more patterns, the more layers pay. But not all of them:
# where patterns are too many for the pseudoinverse to repair cues, a network of moderate depth does better, as gradient
# descent that is stopped early does better than descent to the end.

depths_of_recall = (1, 2, 3, 4, 6, 8, 12, 16, 32, 64, 128)
loads = (5, 15, 30, 45, 55)
shares = {}
print(
    "\ncues recalled exactly, %     Hebb"
    + "".join(f"{depth:>5}" for depth in depths_of_recall)
    + "  pseudoinverse"
)
for load in loads:
    patterns = make_patterns(load, 100, random_state=1)
    cues = np.vstack([corrupt(patterns, "flip", 0.1, random_state=seed) for seed in range(20)])

    def recalled(memory, patterns=patterns, cues=cues):
        """Share of the cues from which the whole pattern comes back."""
        with warnings.catch_warnings():  # overloading Hebb's rule is the point
            warnings.simplefilter("ignore", CapacityWarning)
            return exact_recall_score(
                np.tile(patterns, (20, 1)), memory.fit(patterns).predict(cues)
            )

    networks = [PseudoinverseMemory(solver="neumann", n_layers=depth) for depth in depths_of_recall]
    hebb, *deep, last = map(
        recalled, [HebbianMemory(zero_diagonal=True), *networks, PseudoinverseMemory()]
    )
    shares[load] = deep
    print(f"{load} patterns".ljust(24) + f"{100 * hebb:9.0f}" + "".join(f"{100 * share:5.0f}" for share in deep)
          + f"{100 * last:15.0f}")  # fmt: skip

# %%
# Dots are measured, lines are the law.

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
axes_of = {"c = 1/σ²max": depths, "best c": depths, "hyperpower": doubled}
styles = ("#0072B2", "o"), ("#E69F00", "s"), ("#009E73", "^")
for (name, errors), (colour, marker) in zip(found.items(), styles, strict=True):
    left.loglog(axes_of[name], laws[name], "-", color=colour)
    left.loglog(axes_of[name], errors, marker, color=colour, ms=5, label=name)
left.loglog(
    range(1, 129), violated, color="#D55E00", linewidth=2, label="c = 2.02/σ²max: too large"
)
left.set(
    xlabel="layers L",
    ylabel="error of the weights, relative",
    title="Error: dots measured, lines the law",
)
left.set_ylim(1e-13, 100)
left.set_xticks([1, 2, 4, 8, 16, 32, 64, 128], ["1", "2", "4", "8", "16", "32", "64", "128"])
left.legend(frameon=False, loc="lower left")
colours = ("#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00")
for (load, share), colour, marker in zip(shares.items(), colours, "osv^D", strict=True):
    right.semilogx(
        depths_of_recall,
        100 * np.asarray(share),
        marker + "-",
        color=colour,
        label=f"{load} patterns",
    )
right.set_xticks([1, 2, 4, 8, 16, 32, 64, 128], ["1", "2", "4", "8", "16", "32", "64", "128"])
right.set(xlabel="layers L", ylabel="cues recalled exactly, %", ylim=(-3, 103))
right.set_title("100 units, cues with a tenth flipped")
right.legend(frameon=False)
for axis in (left, right):
    axis.spines[["top", "right"]].set_visible(False)
plt.show()

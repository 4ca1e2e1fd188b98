"""
Does recall always go downhill?
===============================

One unit after another, yes, if weights are symmetric and no unit pushes itself (`Hopfield 1982
<https://doi.org/10.1073/pnas.79.8.2554>`_). All units at once, or with other weights, states may run in circles.
"""

# %%
# A network with random symmetric weights, and 8 random states. With a unit at a time no energy ever rises. Updated all
# at once each rises at some step, and all but one end where two states alternate.

import matplotlib.pyplot as plt
import numpy as np

from skamem import HopfieldNetwork
from skamem.analysis import attractors
from skamem.core.dynamics import asynchronous
from skamem.core.fields import LinearField
from skamem.datasets import make_patterns
from skamem.display import EnergyDisplay

random_state = np.random.RandomState(0)
weights = random_state.standard_normal((50, 50))
weights = (weights + weights.T) / np.sqrt(2 * 50)
cues = make_patterns(8, 50, random_state=1)

figure, axes = plt.subplots(1, 2, figsize=(8.5, 3.8), layout="constrained")
for axis, update, by in zip(axes, ("async", "sync"), ("unit", "step"), strict=True):
    network = HopfieldNetwork.from_weights(weights, update=update, random_state=0)
    name = "One at a time" if update == "async" else "All at once"
    path = EnergyDisplay.from_estimator(
        network, cues, by=by, n_steps=None if by == "unit" else 20, name=name, ax=axis
    ).path
    lengths, counts = np.unique(attractors(network, cues).cycle_lengths, return_counts=True)
    print(
        f"{name}: {np.sum(path.rises.any(axis=1))} of {len(cues)} cues rise; cycle lengths of the",
        end=" ",
    )
    print(f"attractors: {dict(zip(lengths.tolist(), counts.tolist(), strict=True))}")

# %%
# Both conditions are needed. Two units of which the second follows the first, and the first does the opposite of the
# second (asymmetric weights), go round in a circle of four states; three units that push themselves away from where
# they are (negative diagonal) never rest, one at a time or not: counterexamples after Rojas, *Neural Networks* (1996),
# chapter 13.

restless = {
    "Asymmetric: 2 units": np.asarray([[0.0, 1.0], [-1.0, 0.0]]),
    "Negative diagonal: 3 units": -np.eye(3),
}
figure, axes = plt.subplots(1, 2, figsize=(8.5, 2), layout="constrained")
for axis, (name, weights) in zip(axes, restless.items(), strict=True):
    field, n_units = LinearField(weights), len(weights)
    states = [np.ones((1, n_units))]
    for _ in range(4):
        for unit in range(n_units):
            held = np.arange(n_units)[None, :] != unit
            states.append(
                asynchronous(
                    field, states[-1], n_steps=1, order=np.arange(n_units), clamped=held
                ).states
            )
    found = asynchronous(field, states[0], n_steps=100, order=np.arange(n_units))
    print(
        f"{name}, one at a time: comes to rest: {found.converged[0]}, cycle of {found.cycle_length[0]} sweeps"
    )
    axis.imshow(np.concatenate(states).T, cmap="cividis", aspect="auto", interpolation="nearest")
    axis.set(
        yticks=range(n_units),
        xlabel="turns of single units",
        ylabel="unit",
        title=f"{name} never rest",
    )
    axis.set_yticks(np.arange(n_units - 1) + 0.5, minor=True)
    axis.grid(which="minor", color="white", linewidth=2)
plt.show()

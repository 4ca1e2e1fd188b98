"""
An assembly forms
=================

A stimulus is held before an area of neurons that are wired at random. In each round the neurons that receive most
fire, and synapses between neurons that fire one after the other grow by a tenth: after a few rounds the same neurons
fire again and again, an assembly of the stimulus. Half of them call the others up without the stimulus, as soon as the
synapses among them have grown enough. That takes more rounds than coming to rest, and until then two assemblies can
still be brought to share neurons.

Papadimitriou, Vempala, Mitropolsky, Collins and Maass (2020), Brain computation by assemblies of neurons, PNAS
117:14464.
"""

# %%
# Who fires, round after round
# ----------------------------

import matplotlib.pyplot as plt
import numpy as np

from skamem.structures import AssemblyNetwork

N_NEURONS, N_ROUNDS, N_GRAPHS = 2000, 10, 4
BLUE, ORANGE, GREY = "#0072B2", "#E69F00", "0.6"
overlap = AssemblyNetwork.overlap


def new_brain(seed):
    """One area, two stimuli that share no more inputs than by chance."""
    brain = AssemblyNetwork(random_state=seed)
    brain.add_area("A", N_NEURONS)
    brain.add_stimulus("x")
    brain.add_stimulus("y")
    return brain


brain = new_brain(0)
caps = [each["A"] for each in brain.fire([("x", "A"), ("A", "A")], N_ROUNDS)]
assembly = caps[-1]
print(f"of {N_NEURONS} neurons {len(assembly)} fire in each round; at rest after {len(caps)}")
print(
    "of the final assembly fire, round by round:",
    *(f"{overlap(cap, assembly):.0%}" for cap in caps),
)

# %%
# What a stimulus must be held for
# --------------------------------
# For each number of rounds two stimuli are projected, one after the other. A random half of each assembly is then
# completed; the two stimuli are presented together, twice, for as many rounds; and we look how much of their assemblies
# they share.

rounds = np.arange(2, N_ROUNDS + 1)
completed, apart, together = np.empty((3, len(rounds), N_GRAPHS))
for column, n_rounds in enumerate(rounds):
    for seed in range(N_GRAPHS):
        brain, rng = new_brain(seed), np.random.default_rng(seed)
        x, y = (brain.project(stimulus, "A", n_rounds) for stimulus in "xy")
        apart[column, seed] = overlap(x, y)
        halves = [rng.permutation(those)[: len(those) // 2] for those in (x, y)]
        ends = [brain.complete("A", half) for half in halves]
        completed[column, seed] = np.mean(
            [overlap(end, those) for end, those in zip(ends, (x, y), strict=True)]
        )
        for _ in range(2):
            brain.associate("x", "y", "A", n_rounds)
        together[column, seed] = overlap(
            *(brain.project(stimulus, "A", learn=False) for stimulus in "xy")
        )

print("\nrounds   recalled from half   two assemblies share   after presenting both together")
for n_rounds, *values in zip(rounds, completed, apart, together, strict=True):
    told = [
        f"{100 * value.mean():8.0f} ± {100 * value.std(ddof=1) / N_GRAPHS**0.5:2.0f} %"
        for value in values
    ]
    print(f"{n_rounds:4d}  " + "       ".join(told))

# %%
# The neurons are numbered by the first round in which they fired. The first rounds only try; then some of those that
# fired keep each other firing.

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
order = list(dict.fromkeys(neuron for cap in caps for neuron in cap.tolist()))
place = {neuron: number for number, neuron in enumerate(order)}
for number, cap in enumerate(caps, start=1):
    for those, colour in (
        (np.setdiff1d(cap, assembly), GREY),
        (np.intersect1d(cap, assembly), BLUE),
    ):
        left.scatter(
            np.full(len(those), number),
            [place[neuron] for neuron in those],
            s=26,
            c=colour,
            marker="_",
        )
left.set(xlabel="round", ylabel="neurons, as they first fired", xticks=range(1, len(caps) + 1))
left.set_title("The same neurons (blue) come to fire")
shown = (
    (completed, "recalled from a half", BLUE, "o-"),
    (apart, "shared by two assemblies", GREY, "s--"),
)
shown += ((together, "... once presented together", ORANGE, "^-"),)
for values, label, colour, style in shown:
    error = 100 * values.std(axis=1, ddof=1) / N_GRAPHS**0.5
    right.errorbar(
        rounds, 100 * values.mean(axis=1), error, fmt=style, color=colour, label=label, linewidth=2
    )
right.set(
    xlabel="rounds for which each stimulus is held",
    ylabel="neurons of an assembly, %",
    ylim=(-4, 104),
)
right.set_yticks(range(0, 101, 25))
right.set_title("Held long, it completes itself and keeps apart", fontsize=11)
right.legend(
    frameon=False, loc="center left", bbox_to_anchor=(0.0, 0.45), fontsize=8, handlelength=1
)
for axis in (left, right):
    axis.spines[["top", "right"]].set_visible(False)
plt.show()

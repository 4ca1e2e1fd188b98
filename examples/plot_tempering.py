"""
Which sampler crosses a valley?
===============================

Parallel tempering. A Boltzmann machine learns from the difference between the data and its own samples; chains of Gibbs
steps that never leave one mode of the data tell it nothing about the others.
"""

# %%
# Two kinds of rows, far apart: thirty units that are mostly off, or mostly on, one in ten flipped. Three machines of
# four hidden units learn them, their samples from contrastive divergence (chains that start at the data), persistent
# chains, and parallel tempering. With four hidden units everything is exact: ln Z, and how much probability a machine
# gives to each kind, a sum over the 16 hidden states.

import itertools

import matplotlib.pyplot as plt
import numpy as np

from skamem import RestrictedBoltzmannMachine

rng = np.random.default_rng(0)
kind = rng.random(1000) < 0.2  # one row in five is of the second kind
X = (kind[:, None] ^ (rng.random((1000, 30)) < 0.1)).astype(float)
share = kind.mean()
best = np.log(0.2) * 0.2 + np.log(0.8) * 0.8 + 30 * (0.1 * np.log(0.1) + 0.9 * np.log(0.9))
print(f"The source itself has {best:.2f} nats a row")

states = np.asarray(list(itertools.product([0.0, 1.0], repeat=4)))


def share_of_second_kind(machine):
    """Probability of the hidden states in which most units are on."""
    drive = states @ machine.components_ + machine.intercept_visible_
    log_p = states @ machine.intercept_hidden_ + np.logaddexp(0, drive).sum(axis=1)
    p = np.exp(log_p - np.logaddexp.reduce(log_p))
    return p[machine.inverse_transform(states).mean(axis=1) > 0.5].sum()


samplers = {
    "cd": "contrastive divergence",
    "pcd": "persistent chains",
    "pt": "parallel tempering",
}
machines, shares = {}, {}
for name, label in samplers.items():
    machine = RestrictedBoltzmannMachine(4, sampler=name, learning_rate=0.1, random_state=0).fit(X)
    machines[name] = machine
    shares[name] = share_of_second_kind(machine)
    print(f"{label:>24}: {machine.score(X):.2f} nats, {shares[name]:.0%} for the second kind")
print(f"{'data':>24}: {share:.0%}")

# %%
# A chain of the machine that tempering taught: single Gibbs steps stay in the mode where they start.

machine = machines["pt"]
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for start, colour in ((0.0, "#0072B2"), (1.0, "#E69F00")):
    v, trace = np.full((1, 30), start), []
    for step in range(300):
        v = machine.gibbs(v, random_state=step)
        trace.append(v.mean())
    axes[0].plot(trace, color=colour, linewidth=0.8)
axes[0].set(xlabel="Gibbs step", ylabel="share of units on", ylim=(0, 1), title="two Gibbs chains")

width, places = 0.2, np.arange(2)
colours = ("#56B4E9", "#E69F00", "#009E73")
for index, (name, label) in enumerate(samplers.items()):
    heights = [1 - shares[name], shares[name]]
    axes[1].bar(places + (index - 1) * width, heights, width, label=label, color=colours[index])
axes[1].plot([-0.5, 0.5], [1 - share] * 2, "k:", [0.5, 1.5], [share] * 2, "k:")
axes[1].set(ylabel="probability", title="what each machine learnt; dotted: data")
axes[1].set_xticks(places, ["mostly off", "mostly on"])
figure.legend(
    *axes[1].get_legend_handles_labels(), frameon=False, loc="outside lower center", ncols=3
)
plt.show()

"""
What does a memory hold that nobody stored?
===========================================

Patterns are stored as fixed points, and others come with them: the complement of each pattern, mixtures of several, and
some that resemble none. With 10 units all 1024 states can be asked: an experiment after Rojas, *Neural Networks*
(1996), chapter 12.
"""

# %%
# Two to seven random patterns are stored in a correlation matrix, 40 times each.
# :func:`~skamem.analysis.spurious_states` finds all fixed points and says what they are. Two things decide how many
# there are: whether units push themselves (the diagonal), and what a unit does that is pushed neither way. In skamem it
# keeps its state; in many textbooks it turns on. Such a memory is quickly written, and analysed like any other.

import warnings

import matplotlib.pyplot as plt
import numpy as np

from skamem import HebbianMemory
from skamem.analysis import spurious_states
from skamem.datasets import make_patterns
from skamem.exceptions import CapacityWarning

warnings.simplefilter("ignore", CapacityWarning)  # overload is what we look at


class TiesTurnOn:
    """One step of the correlation matrix with its diagonal; a unit that is pushed neither way turns on."""

    def fit(self, X):
        self.weights = X.T @ X
        return self

    def predict(self, X):
        return np.where(X @ self.weights >= 0, 1.0, -1.0)


# %%
# Only mixtures of three patterns are told apart here: of those of five or seven there are so many that they would cover
# most of the 1024 states by chance.

memories = {
    "with the diagonal": HebbianMemory(),
    "with it, ties turn on": TiesTurnOn(),
    "without the diagonal": HebbianMemory(zero_diagonal=True),
}
sizes, draws = np.arange(2, 8), 40
counts, ends = {}, {}
for name, memory in memories.items():
    for m in sizes:
        drawn = (make_patterns(m, 10, random_state=draw) for draw in range(draws))
        found = [spurious_states(memory.fit(X), X, mixture_sizes=(3,)) for X in drawn]
        counts[name, m] = np.asarray([list(one.counts.values()) for one in found])
        ends[name, m] = [
            100 * np.mean([np.sum(one.shares[one.kinds == "stored"]) for one in found])
        ]
        ends[name, m] += [100 - 100 * np.mean([np.sum(one.shares) for one in found])]

kinds = list(found[0].counts)
for name in memories:
    print(f"Fixed points, {name} (mean of {draws} draws, standard error of the sum)")
    print("  m" + "".join(f"{kind:>12}" for kind in kinds) + f"{'sum':>14}")
    for m in sizes:
        row, total = counts[name, m].mean(axis=0), counts[name, m].sum(axis=1)
        print(
            f"{m:3}"
            + "".join(f"{n:12.1f}" for n in row)
            + f"{total.mean():9.1f} ± {total.std() / draws**0.5:.1f}"
        )

# %%
# With the diagonal nearly every pattern is stored, among so many other fixed points that few states lead to it; most of
# those that two patterns bring are ties. Without the diagonal there are few others, but of seven patterns five are
# lost, and a quarter to a half of the states end at no fixed point: they run on cycles.

print("Of all states (%), with the diagonal and without:")
for m in sizes:
    with_diagonal, _, without = (ends[name, m] for name in memories)
    for what, share, share_without in zip(
        ("at a stored pattern", "on a cycle"), with_diagonal, without, strict=True
    ):
        print(f"m = {m}: {share:2.0f}, {share_without:2.0f} end {what}")

figure, axes = plt.subplots(1, 3, figsize=(9, 3.6), sharex=True, layout="constrained")
colours = ("#0072b2", "#56b4e9", "#e69f00", "#999999")
for name, axis in zip(memories, axes, strict=True):
    bottom = np.zeros(len(sizes))
    for index, (kind, colour) in enumerate(zip(kinds, colours, strict=True)):
        height = np.asarray([counts[name, m][:, index].mean() for m in sizes])
        axis.bar(
            sizes, height, bottom=bottom, color=colour, edgecolor="white", linewidth=0.5, label=kind
        )
        bottom += height
    axis.plot(sizes, sizes, "k_", markersize=16, markeredgewidth=2, label="patterns given")
    axis.set(
        xlabel="patterns given",
        title=name,
        xticks=sizes,
        ylim=(0, 10 if "without" in name else 130),
    )
    axis.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("fixed points of 10 units")
axes[1].legend(loc="upper left", frameon=False)
plt.show()

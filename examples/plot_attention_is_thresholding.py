"""
Attention is one thresholded iteration
======================================

Iterative hard thresholding looks for the few stored patterns, columns of A, whose combination is the cue y:
x ← H_s(x + Aᵀ(y - A x)), where H_s keeps the s largest entries. Started at zero, its first iterate is H_s(Aᵀ y):
compare the cue with all patterns, keep the best. Self-attention compares in the same way and keeps softly,
softmax(β Aᵀ y). How much do further iterations find that the first one, and attention with it, cannot?
"""

# %%
# One iteration and attention look at the same patterns
# -----------------------------------------------------
# Softmax does not change the order of its inputs, so the s greatest attention weights stand where H_s keeps positive
# scores. What the inverse temperature β sets is how much of the weight falls on them.

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import softmax

from skamem import IHTSparseCoder

N_UNITS, N_PATTERNS, N_CUES = 64, 256, 200
rng = np.random.default_rng(0)
patterns = rng.standard_normal((N_PATTERNS, N_UNITS))
patterns /= np.linalg.norm(patterns, axis=1, keepdims=True)


def mixtures(s, noise=0.05):
    """Cues that are sums of s stored patterns and some noise, and which patterns those are."""
    members = np.array([rng.choice(N_PATTERNS, s, replace=False) for _ in range(N_CUES)])
    weights = rng.uniform(1, 2, (N_CUES, s))
    cues = np.einsum("cs,csn->cn", weights, patterns[members])
    return cues + noise * rng.standard_normal(cues.shape), np.sort(members, axis=1)


def keep_largest(x, s):
    """H_s of every row, and the places it keeps."""
    places = np.sort(np.argpartition(-np.abs(x), s - 1, axis=1)[:, :s], axis=1)
    kept = np.zeros_like(x)
    np.put_along_axis(kept, places, np.take_along_axis(x, places, axis=1), axis=1)
    return kept, places


def iterated(cues, s, n_iter):
    """Places of H_s after `n_iter` iterations from zero; the step is one over the squared norm of the patterns."""
    step, x = 1 / np.linalg.norm(patterns, 2) ** 2, np.zeros((N_CUES, N_PATTERNS))
    for _ in range(n_iter):
        x, places = keep_largest(x + step * (cues - x @ patterns) @ patterns.T, s)
    return places


cues, members = mixtures(3)
scores = cues @ patterns.T
_, first = keep_largest(np.maximum(scores, 0.0), 3)
print("β     weight on the 3 greatest   they are those of one iteration")
temperatures = (1, 3, 10, 30, 100)
shares = []
for beta in temperatures:
    attention = softmax(beta * scores, axis=1)
    kept, places = keep_largest(attention, 3)
    shares.append(kept.sum(axis=1).mean())
    print(f"{beta:<5d} {100 * shares[-1]:6.1f} %                   {np.mean(places == first):.0%}")

# %%
# Further iterations find what the first one misses
# -------------------------------------------------
# The first look confuses a pattern that is in the mixture with one that resembles several of its members. Later
# iterations look again at what is left after the present combination; exchanges of members, which
# :class:`~skamem.IHTSparseCoder` adds, repair what they still have wrong.

sizes = (1, 2, 3, 4, 6, 8, 10)
found = {"one iteration = attention": [], "100 iterations": [], "IHTSparseCoder": []}
for s in sizes:
    cues, members = mixtures(s)
    codes = IHTSparseCoder(patterns, s).fit_transform(cues)
    guesses = (iterated(cues, s, 1), iterated(cues, s, 100), keep_largest(codes, s)[1])
    for rates, places in zip(found.values(), guesses, strict=True):
        rates.append(np.mean(np.all(places == members, axis=1)))

print(f"\ncues of s of {N_PATTERNS} patterns in {N_UNITS} units whose members are all found")
print("s".ljust(28) + "".join(f"{s:7d}" for s in sizes))
for name, rates in found.items():
    print(name.ljust(28) + "".join(f"{rate:7.0%}" for rate in rates))

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for (name, rates), style in zip(found.items(), ("o-", "s--", "^-"), strict=True):
    left.plot(sizes, 100 * np.array(rates), style, color={"o": "#0072B2", "s": "#E69F00", "^": "#009E73"}[style[0]],
              linewidth=2, label=name)  # fmt: skip
left.set(
    xlabel="patterns in the mixture, s", ylabel="cues with all members found, %", ylim=(-3, 103)
)
left.set_title("Who finds all members of a mixture?")
left.legend(frameon=False, loc="upper right", bbox_to_anchor=(1, 0.93))
right.semilogx(temperatures, 100 * np.array(shares), "o-", color="#0072B2", linewidth=2)
right.set(xlabel="inverse temperature β", ylabel="attention on the 3 greatest, %", ylim=(-3, 103))
right.set_title("Attention keeps softly what H keeps")
for axis in (left, right):
    axis.spines[["top", "right"]].set_visible(False)
plt.show()

"""
Is a Hopfield network a magnet?
===============================

Its energy is that of an Ising model. With equal weights between neighbours on a square lattice the network magnetises
below a critical temperature, where Onsager's solution of 1944 says it should: at 2 / ln(1 + √2) = 2.269.
"""

# %%
# Weights of 1 between neighbours on a torus, no bias: :meth:`~skamem.HopfieldNetwork.from_weights` makes the network,
# ``sample`` sets its units at random at a temperature (Glauber dynamics), `energy` is what physicists call H.

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import ellipkm1

from skamem import HopfieldNetwork


def magnet(side):
    """Units on a square lattice whose edges are joined, each of which pulls its four neighbours."""
    weights = np.zeros((side, side, side, side))
    row, column = np.indices((side, side))
    for d_row, d_column in ((0, 1), (1, 0), (0, -1), (-1, 0)):
        weights[row, column, (row + d_row) % side, (column + d_column) % side] = 1.0
    return HopfieldNetwork.from_weights(weights.reshape(side**2, side**2))


def measured(network, temperatures, *, n_chains, n_steps, random_state):
    """Energy and magnetisation a unit, from cold to hot: each temperature starts where the last one ended."""
    states, results = np.ones((n_chains, network.n_features_in_)), []
    for temperature in temperatures:
        states = network.sample(
            start=states, temperature=temperature, n_steps=n_steps, random_state=random_state
        )
        results.append(
            np.column_stack([network.energy(states) / states.shape[1], np.abs(states.mean(axis=1))])
        )
    return np.asarray(results)


temperatures = np.asarray([1.0, 1.5, 1.8, 2.0, 2.1, 2.2, 2.3, 2.4, 2.6, 3.0, 3.5, 4.0])
critical = 2 / np.log(1 + np.sqrt(2))
random_state = np.random.RandomState(0)
small, large = magnet(4), magnet(16)
sampled = measured(small, temperatures, n_chains=2000, n_steps=50, random_state=random_state)
sampled_large = measured(large, temperatures, n_chains=100, n_steps=200, random_state=random_state)

# %%
# For 4 x 4 units all 65,536 states can be weighed with exp(-E / T): sampling has to agree with that.

states = 2.0 * ((np.arange(2**16)[:, None] >> np.arange(16)) & 1) - 1
values = np.column_stack([small.energy(states) / 16, np.abs(states.mean(axis=1))])


def exact(temperature):
    """Mean energy and magnetisation a unit of the small lattice."""
    weight = np.exp(-16 * (values[:, 0] - values[:, 0].min()) / temperature)
    return weight @ values / weight.sum()


print("4 x 4 units, of 2000 samples: mean (standard errors from the exact one)")
print("   T |  energy exact  sampled         | |magnetisation| exact  sampled")
for temperature, result in zip(temperatures, sampled, strict=True):
    mean, error, truth = (
        result.mean(axis=0),
        result.std(axis=0) / len(result) ** 0.5,
        exact(temperature),
    )
    (e, m), (de, dm) = mean, (mean - truth) / error
    print(
        f"{temperature:4.1f} | {truth[0]:13.4f} {e:8.4f} ({de:+.1f})  | {truth[1]:21.4f} {m:8.4f} ({dm:+.1f})"
    )

# %%
# The infinite lattice: Onsager's energy, and the magnetisation that he announced and Yang proved.


def onsager(temperature):
    """Energy and magnetisation a unit of the infinite lattice."""
    K = 1 / temperature
    modulus = 2 * np.tanh(2 * K) ** 2 - 1  # the complementary one, 0 at the critical temperature
    energy = -(1 + 2 / np.pi * modulus * ellipkm1(modulus**2)) / np.tanh(2 * K)
    return energy, np.maximum(0, 1 - np.sinh(2 * K) ** -4.0) ** 0.125


print(
    f"At the critical temperature Onsager's energy is {onsager(critical - 1e-9)[0]:.5f}: minus the root of 2"
)
print("   T | 16 x 16 sampled, infinite lattice: energy, |magnetisation|")
for temperature, result in zip(temperatures, sampled_large, strict=True):
    (e, m), (e_infinite, m_infinite) = result.mean(axis=0), onsager(temperature)
    print(f"{temperature:4.1f} | {e:.3f}, {e_infinite:.3f}   {m:.3f}, {m_infinite:.3f}")

# %%
# In 16 x 16 units the fall is rounded, as in every finite magnet, but it is where Onsager put it.

axis = np.linspace(1, 4, 301)
truth, infinite = np.asarray([exact(temperature) for temperature in axis]), onsager(axis)
figure, axes = plt.subplots(1, 2, figsize=(8.5, 3.7), sharex=True, layout="constrained")
for column, (ax, name) in enumerate(zip(axes, ("energy per unit", "|magnetisation|"), strict=True)):
    ax.axvline(critical, color="0.7", linestyle=":", linewidth=1.5)
    ax.plot(axis, infinite[column], color="black", linewidth=1.5, label="infinite, Onsager")
    ax.plot(axis, truth[:, column], color="#0072b2", linewidth=1.5, label="4 x 4, all states")
    ax.plot(
        temperatures,
        sampled[..., column].mean(axis=1),
        "o",
        color="#0072b2",
        label="4 x 4, sampled",
    )
    ax.plot(
        temperatures,
        sampled_large[..., column].mean(axis=1),
        "s",
        color="#d55e00",
        label="16 x 16, sampled",
    )
    ax.set(xlabel="temperature", ylabel=name)
    ax.spines[["top", "right"]].set_visible(False)
axes[0].legend(frameon=False, loc="lower right")
figure.suptitle(f"A Hopfield network on a lattice magnetises below T = {critical:.3f}")
plt.show()

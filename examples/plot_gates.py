"""
Which logic gates can a Hopfield network be?
============================================

A network with an energy can hold a truth table as its valleys. A flip-flop is one, OR works when its inputs are held,
and XOR needs a unit that nobody sees.
"""

# %%
# **A flip-flop** is two units that push each other away. Of its four states two are stable; the energy over all
# in-between states shows them as the low corners.

import itertools

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import linprog

from skamem import HopfieldNetwork

flip_flop = HopfieldNetwork.from_weights([[0, -1], [-1, 0]])
corners = np.asarray(list(itertools.product([-1.0, 1.0], repeat=2)))
stable = flip_flop.predict(corners) == corners
print("stable states:", corners[stable.all(axis=1)].astype(int).tolist())

axis = np.linspace(-1, 1, 41)
first, second = np.meshgrid(axis, axis)
weights, bias = flip_flop.to_ising()
states = np.stack([first, second], axis=-1)
energy = -0.5 * np.einsum("...i,ij,...j", states, weights, states) - states @ bias

figure, ax = plt.subplots(figsize=(5, 4), layout="constrained")
surface = ax.contourf(first, second, energy, levels=21, cmap="cividis")
figure.colorbar(surface, ax=ax, label="energy")
for corner, is_stable in zip(corners, stable.all(axis=1), strict=True):
    style = {
        "color": "black" if not is_stable else "white",
        "marker": "X" if not is_stable else "o",
    }
    ax.plot(
        *corner, markersize=13, markeredgecolor="black", clip_on=False, linestyle="none", **style
    )
ax.set(xlabel="first unit", ylabel="second unit", title="Flip-flop: valleys (o) and peaks (x)")

# %%
# **Whether weights exist at all** is a question for a linear program: every unit of every row must be pushed towards
# its own sign, and the pushes are linear in the n (n - 1) / 2 weights and n biases.


def can_be_stable(table):
    """Whether symmetric weights and biases make every row of a table of signs strictly stable."""
    n_units = table.shape[1]
    pairs = list(itertools.combinations(range(n_units), 2))
    pushes = []
    for row, unit in itertools.product(table, range(n_units)):
        push = np.zeros(len(pairs) + n_units)
        for index, pair in enumerate(pairs):
            if unit in pair:
                push[index] = row[pair[0]] * row[pair[1]]
        push[len(pairs) + unit] = row[unit]
        pushes.append(push)
    found = linprog(
        np.zeros(len(pushes[0])),
        A_ub=-np.asarray(pushes),
        b_ub=-np.ones(len(pushes)),
        bounds=(None, None),
    )
    return found.status == 0


inputs = corners
tables = {
    "AND": np.column_stack([inputs, np.where(inputs.sum(axis=1) > 0, 1.0, -1.0)]),
    "OR": np.column_stack([inputs, np.where(inputs.sum(axis=1) < 0, -1.0, 1.0)]),
    "XOR": np.column_stack([inputs, -inputs.prod(axis=1)]),
}
for name, table in tables.items():
    print(f"{name:4} all three units strictly stable: {can_be_stable(table)}")

# %%
# None is: a row and its neighbour that differ in one input only would need that input pushed both ways by one field.
# But a gate need not hold its inputs. **With its inputs clamped** OR is easy:

gate = HopfieldNetwork.from_weights([[0, 0, 1], [0, 0, 1], [1, 1, 0]], bias=[0, 0, 1])
cues = np.column_stack([inputs, np.full(4, np.nan)])
print(
    "OR, inputs clamped:",
    gate.recall(cues, clamped=[True, True, False]).states[:, 2].astype(int).tolist(),
)

# %%
# **XOR** is not linear in its inputs, so no three units do it even so. A fourth, hidden unit that says AND does: the
# lowest energy that the held inputs allow has the right output. Going down alone may end in the other valley of the two
# free units; cooled slowly the network mostly finds the deeper one.

network = HopfieldNetwork.from_weights(
    [[0, 0, 1, 2], [0, 0, 1, 2], [1, 1, 0, -3], [2, 2, -3, 0]], bias=[0, 0, -1.5, -2]
)
print(" x  y | E(z=-1)  E(z=+1) | z = x XOR y")
lowest = np.empty((4, 2))
for row, (x, y, z) in enumerate(tables["XOR"].astype(int)):
    lowest[row] = [
        min(network.energy([[x, y, out, hidden]])[0] for hidden in (-1, 1)) for out in (-1, 1)
    ]
    print(f"{x:2} {y:2} | {lowest[row, 0]:7.1f}  {lowest[row, 1]:7.1f} | {z:2}")
held = [True, True, False, False]
states, random_state = (
    np.column_stack([np.tile(inputs, (500, 1)), np.ones((2000, 2))]),
    np.random.RandomState(0),
)
for temperature in (4.0, 2.0, 1.0, 0.5, 0.3, 0.2):
    options = {
        "temperature": temperature,
        "n_steps": 20,
        "clamped": held,
        "random_state": random_state,
    }
    states = network.sample(start=states, **options)
    right = np.mean(states[:, 2] == np.tile(tables["XOR"][:, 2], 500))
    print(f"temperature {temperature:.1f}: {100 * right:5.1f} % of the outputs are right")

figure, ax = plt.subplots(figsize=(5.5, 3.5), layout="constrained")
places = np.arange(4)
ax.bar(places - 0.2, lowest[:, 0], width=0.38, color="#0072b2", label="output -1")
ax.bar(places + 0.2, lowest[:, 1], width=0.38, color="#e69f00", label="output +1")
right = (tables["XOR"][:, 2] > 0).astype(int)
ax.plot(
    places - 0.2 + 0.4 * right,
    lowest[places, right] + 0.3,
    "o",
    color="white",
    mec="black",
    label="x XOR y",
)
ax.set_xticks(places, [f"({int(x):+d}, {int(y):+d})" for x, y in inputs])
ax.set(
    xlabel="inputs, held",
    ylabel="lowest energy",
    title="XOR with a hidden unit: the right output lies lower",
)
ax.axhline(0, color="black", linewidth=0.8)
ax.legend(loc="lower right", bbox_to_anchor=(0.97, 0.0))
plt.show()

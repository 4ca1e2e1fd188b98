"""
Where does a linear memory go that hears itself?
================================================

To the eigenvector of its largest eigenvalue, if there is one; a rotation by a right angle comes back after four steps;
one by an irrational part of a turn never does.
"""

# %%
# The output of a linear memory, :math:`a W`, is fed back as its input, at unit length. Three matrices show the three
# things that can happen (Rojas, *Neural Networks*, 1996, chapter 12, calls it an eigenvector automaton).

import matplotlib.pyplot as plt
import numpy as np

from skamem import HebbianMemory
from skamem.analysis import linear_orbit


def rotation(angle):
    """The matrix W for which a W is the state a, turned."""
    return np.asarray([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


matrices = {
    "a dominant eigenvalue": [[2.0, 0.5], [0.5, 1.0]],
    "a right angle": rotation(np.pi / 2),
    "an angle of 1 radian": rotation(1.0),
}
starts = {"a dominant eigenvalue": [-0.4, 0.9]}
orbits = {
    name: linear_orbit(W, starts.get(name, [0.8, 0.6]), n_steps=400) for name, W in matrices.items()
}

for name, orbit in orbits.items():
    values = np.round(np.linalg.eigvals(matrices[name]), 4)
    found = (
        "none"
        if orbit.direction is None
        else f"{orbit.eigenvalue:.4f} along {np.round(orbit.direction, 4)}"
    )
    print(
        f"{name:22} eigenvalues {values}; found {found}; period {orbit.period or 'none in 400 steps'}"
    )

# %%
# The first orbit closes in on its eigenvector as fast as powers of the ratio of the eigenvalues fall. The other two
# matrices have no real eigenvalue, and their orbits no limit.

figure, axes = plt.subplots(1, 3, figsize=(9, 3.5), layout="constrained")
circle = np.linspace(0, 2 * np.pi, 200)
for axis, (name, orbit), n_shown in zip(axes, orbits.items(), (8, 4, 44), strict=True):
    axis.plot(np.cos(circle), np.sin(circle), color="0.85", linewidth=1, zorder=0)
    x, y = orbit.states[: n_shown + 1].T
    axis.plot(
        x,
        y,
        color="#0072b2",
        linewidth=0.8 if n_shown > 10 else 1.5,
        alpha=0.5 if n_shown > 10 else 1,
    )
    axis.plot(x, y, "o", color="#0072b2", markersize=4)
    axis.plot(x[0], y[0], "s", color="#e69f00", markersize=9, label="start")
    if orbit.direction is not None:
        axis.annotate(
            "",
            orbit.direction * 1.25,
            (0, 0),
            arrowprops={"arrowstyle": "->", "color": "#d55e00", "lw": 2},
        )
    period = (
        "never back"
        if not orbit.period
        else f"period {orbit.period}"
        if orbit.period > 1
        else "to the eigenvector"
    )
    axis.set(
        xticks=[-1, 0, 1],
        yticks=[-1, 0, 1],
        aspect="equal",
        xlabel="first unit",
        title=f"{name}:\n{period}",
    )
    axis.set(xlim=(-1.35, 1.35), ylim=(-1.35, 1.35))
axes[0].set_ylabel("second unit")
axes[0].legend(frameon=False, loc="lower left")

# %%
# In a correlation matrix the dominant eigenvector is the pattern that was stored most often. Stored patterns that are
# orthogonal are the eigenvectors; without thresholds the memory forgets all but one of them.

patterns = np.asarray([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1]])
memory = HebbianMemory(activation="identity").fit(patterns, sample_weight=[1, 3, 2])
orbit = linear_orbit(memory, [1.0, 0.2, 0.9, 0.1])
print(
    "in units of half a length, after 1, 10, 100 steps:",
    *(np.round(2 * orbit.states[step], 2) for step in (1, 10, 100)),
)
print(f"eigenvalue {orbit.eigenvalue:.3f}, growth at first {orbit.growth[0]:.3f}")
plt.show()

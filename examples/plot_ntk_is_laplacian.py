"""
Is the neural tangent kernel more than a Laplacian?
===================================================

An infinitely wide ReLU network, trained by gradient descent, interpolates with a kernel of its own, the neural tangent
kernel. Between points of a sphere that kernel and the Laplacian, exp(-γ ‖x - y‖), span the same functions (`Geifman et
al. 2020 <https://arxiv.org/abs/2007.01580>`_, `Chen and Xu 2020 <https://arxiv.org/abs/2009.10683>`_). How much alike
are they as kernels of a memory?
"""

# %%
# The kernels
# -----------
# On the sphere both depend on the angle θ alone. The tangent kernel of `depth` hidden layers has a closed form; the
# Laplacian that fits it best, a exp(-γ d) + b with d the distance, is found for each depth.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skamem import KernelMemory


def tangent_kernel(cosine, depth):
    """What `KernelMemory(kernel="ntk")` computes, for unit vectors: 1 at angle 0."""
    total = cosine
    for _ in range(depth):
        cosine = np.clip(cosine, -1, 1)
        opening = np.pi - np.arccos(cosine)
        cosine, total = (cosine * opening + np.sqrt(1 - cosine**2)) / np.pi, total * opening / np.pi
        total = total + cosine
    return total / (depth + 1)


def fitted(kernel, shape):
    """The γ for which shape(γ) correlates best with a kernel, that correlation, and the fit itself."""
    gammas = np.geomspace(0.05, 20, 400)
    correlations = [np.corrcoef(shape(gamma), kernel)[0, 1] for gamma in gammas]
    best = int(np.argmax(correlations))
    slope, intercept = np.polyfit(shape(gammas[best]), kernel, 1)
    return gammas[best], correlations[best], slope * shape(gammas[best]) + intercept


angles = np.linspace(0, np.pi, 361)
distances = 2 * np.sin(angles / 2)
depths = (1, 2, 3, 5, 10, 20)
kernels = {depth: tangent_kernel(np.cos(angles), depth) for depth in depths}
laplacians = {
    depth: fitted(kernels[depth], lambda gamma: np.exp(-gamma * distances)) for depth in depths
}
gaussians = {
    depth: fitted(kernels[depth], lambda gamma: np.exp(-gamma * distances**2)) for depth in depths
}
print("Correlation of the tangent kernel with the best fitting")
print("depth   Laplacian   (its gamma)   Gaussian")
for depth in depths:
    gamma, correlation, _ = laplacians[depth]
    print(f"{depth:5}{correlation:12.4f}{gamma:13.2f}{gaussians[depth][1]:12.4f}")

# %%
# What they can represent
# -----------------------
# A Gaussian correlates as well, at small depths. What sets it apart is how fast the eigenvalues fall: which functions
# are cheap for the kernel. On a circle the eigenfunctions are waves, and eigenvalues fall as the wave number to the
# power -2, for the Laplacian and the tangent kernel; faster than any power for the Gaussian. One hidden layer without
# biases is an exception: it has no odd waves but the first.

n_points, waves = 4096, np.arange(1, 65)
circle = 2 * np.pi * np.arange(n_points) / n_points
chords = 2 * np.abs(np.sin(circle / 2))
on_circle = {
    "tangent, depth 1": tangent_kernel(np.cos(circle), 1),
    "tangent, depth 3": tangent_kernel(np.cos(circle), 3),
    "Laplacian": np.exp(-laplacians[3][0] * chords),
    "Gaussian": np.exp(-gaussians[3][0] * chords**2),
}
spectra = {name: np.fft.rfft(kernel).real[waves] / n_points for name, kernel in on_circle.items()}
shown = np.asarray([1, 2, 3, 8, 9, 32, 33, 64])
print("\nEigenvalues on the circle, and the power by which they fall from wave 32 to wave 64")
print("wave".ljust(18) + "".join(f"{wave:9}" for wave in shown) + "    power")
for name, spectrum in spectra.items():
    fall = np.log2(spectrum[63] / spectrum[31]) if spectrum[63] > 1e-15 else -np.inf  # rounding
    print(
        name.ljust(18)
        + "".join(f"{abs(spectrum[wave - 1]):9.0e}" for wave in shown)
        + f"{fall:9.2f}"
    )

# %%
# What they recall
# ----------------
# Six hundred digits of unit length with their labels are stored, and 1197 others shown: what do memories with these
# kernels make of them, before the largest field is chosen?

X, y = load_digits(return_X_y=True)
X /= np.linalg.norm(X, axis=1, keepdims=True)
X_stored, X_new, y_stored, y_new = train_test_split(
    X, y, train_size=600, random_state=0, stratify=y
)
one_hot = np.where(y_stored[:, None] == np.arange(10), 1.0, -1.0)


def recalled(kernel, **options):
    """Fields of the ten classes, for the new digits."""
    return (
        KernelMemory(kernel, target="y", alpha=1e-6, **options)
        .fit(X_stored, one_hot)
        .predict(X_new)
    )


fields = {}
print("\nDigits: correlation of fields with those of the tangent kernel, and equal labels, %")
print("depth   Laplacian       Gaussian        error, %: tangent   Laplacian   Gaussian")
for depth in depths:
    tangent = recalled("ntk", depth=depth)
    others = (
        recalled("laplacian", gamma=laplacians[depth][0]),
        recalled("rbf", gamma=gaussians[depth][0]),
    )
    fields[depth] = tangent, *others
    labels = [np.argmax(each, axis=1) for each in fields[depth]]
    line = f"{depth:5}"
    for other, label in zip(others, labels[1:], strict=True):
        line += f"{np.corrcoef(tangent.ravel(), other.ravel())[0, 1]:10.4f}{100 * np.mean(label == labels[0]):6.1f}"
    wrong = [100 * np.mean(label != y_new) for label in labels]
    print(f"{line}{wrong[0]:20.1f}{wrong[1]:12.1f}{wrong[2]:11.1f}")

# %%
# The three answers: as kernels nearly the same, as spaces of functions the same, as memories nearly the same.

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(10, 3.8), layout="constrained")
for depth, colour in zip((1, 3, 10), ("#E69F00", "#009E73", "#0072B2"), strict=True):
    left.plot(
        np.degrees(angles),
        kernels[depth],
        color=colour,
        linewidth=2,
        label=f"tangent, depth {depth}",
    )
    left.plot(np.degrees(angles), laplacians[depth][2], color="black", linestyle=":", linewidth=1.5)
left.plot([], [], color="black", linestyle=":", label="best Laplacian")
left.set(xlabel="angle θ, degrees", ylabel="kernel", title="Kernels", xticks=[0, 45, 90, 135, 180])
left.legend(frameon=False)

styles = ("#E69F00", "o"), ("#009E73", "o"), ("black", "x"), ("#CC79A7", "^")
for (name, spectrum), (colour, marker) in zip(spectra.items(), styles, strict=True):
    positive = spectrum > 1e-8
    middle.loglog(waves[positive], spectrum[positive], marker, color=colour, ms=4, label=name)
middle.loglog(waves[9:], 0.6 * waves[9:] ** -2.0, color="0.5", linewidth=1)
middle.text(30, 1e-3, "$k^{-2}$", color="0.3")
middle.set(xlabel="wave number k", ylabel="eigenvalue", title="Waves on the circle", ylim=(1e-6, 1))
middle.legend(frameon=False, loc="upper right", handletextpad=0.1)

tangent, laplacian, gaussian = fields[3]
right.plot(
    tangent[:300].ravel(),
    gaussian[:300].ravel(),
    "^",
    color="#CC79A7",
    ms=3,
    alpha=0.5,
    label="Gaussian",
)
right.plot(
    tangent[:300].ravel(), laplacian[:300].ravel(), "x", color="black", ms=3, label="Laplacian"
)
right.set(
    xlabel="field by tangent kernel, depth 3",
    ylabel="field by another kernel",
    title="Recalled classes",
)
right.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6))
right.legend(frameon=False, loc="upper left", markerscale=2, handletextpad=0.1)
for axis in (left, middle, right):
    axis.spines[["top", "right"]].set_visible(False)
plt.show()

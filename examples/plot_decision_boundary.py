"""
What do decision boundaries of memories look like?
==================================================

Smooth where memories vote together, jagged where the nearest one decides: two half-moons, and the decision boundary
that each classifier draws between them.
"""

# %%
# Crosses are new points. The pseudoinverse of the two coordinates can only draw a straight line; coded on thermometers
# it bends. A kernel, or memories that are learnt, follow the moons.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skamem import (
    BipolarEncoder,
    DenseAMClassifier,
    KernelMemory,
    MemoryClassifier,
    ModernHopfieldMemory,
    PseudoinverseMemory,
)

X, y = make_moons(400, noise=0.25, random_state=0)
X_train, X_new, y_train, y_new = train_test_split(X, y, test_size=0.5, random_state=0)
classifiers = {
    "one nearest neighbour": KNeighborsClassifier(1),
    "pseudoinverse of codes": make_pipeline(
        BipolarEncoder("thermometer", n_bits=8), MemoryClassifier(PseudoinverseMemory())
    ),
    "modern Hopfield memory": MemoryClassifier(ModernHopfieldMemory()),
    "kernel memory": MemoryClassifier(KernelMemory()),
    "dense memory, degree 3": DenseAMClassifier(50, degree=3, random_state=0),
    "dense, degree 20, from rows": DenseAMClassifier(50, degree=20, init="data", random_state=0),
}

figure, axes = plt.subplots(2, 3, figsize=(9, 5.6), layout="constrained")
print(f"{'':30}right on new points, %")
for axis, (name, classifier) in zip(axes.flat, classifiers.items(), strict=True):
    model = make_pipeline(StandardScaler(), classifier).fit(X_train, y_train)
    score = 100 * model.score(X_new, y_new)
    print(f"{name:30}{score:8.1f}")
    DecisionBoundaryDisplay.from_estimator(
        model, X, response_method="predict", ax=axis, alpha=0.4, cmap="cividis", grid_resolution=150
    )
    for points, labels, marker in ((X_train, y_train, "o"), (X_new, y_new, "x")):
        colours = np.where(labels == 1, "#B58900", "#00204C")
        axis.scatter(*points.T, c=colours, marker=marker, s=10, linewidths=0.8)
    axis.set(title=f"{name}: {score:.1f} %", xticks=[], yticks=[], xlabel="", ylabel="")
plt.show()

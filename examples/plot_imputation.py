"""
Half an image is enough: a memory completes digits better than neighbours do
============================================================================

Half of the pixels of scikit-learn's digits are missing, in the stored images as in those to complete.
:class:`~skamem.ModernHopfieldMemory` averages stored images by a softmax of their similarity,
:class:`~skamem.KernelMemory` interpolates between them; both take ``NaN`` as it comes and keep what is known. They
stand where :class:`~sklearn.impute.KNNImputer` stands.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.impute import KNNImputer, SimpleImputer

from skamem import KernelMemory, ModernHopfieldMemory

X = load_digits().data / 16
missing = np.random.default_rng(0).random(X.shape) < 0.5
holes = np.where(missing, np.nan, X)

# %%
# Four imputers, one interface
# ----------------------------

imputers = {
    "mean": SimpleImputer(keep_empty_features=True),
    "KNNImputer": KNNImputer(n_neighbors=20, keep_empty_features=True),
    "ModernHopfieldMemory": ModernHopfieldMemory(
        missing="clamp", similarity="local", n_recall_steps=2, keep_empty_features=True
    ),
    "KernelMemory": KernelMemory(
        "laplacian", missing="clamp", n_components=300, keep_empty_features=True, random_state=0
    ),
}
filled, titles = {}, {}
for name, imputer in imputers.items():
    start = time.perf_counter()
    filled[name] = imputer.fit_transform(holes)
    seconds = time.perf_counter() - start
    error = np.sqrt(np.mean((filled[name] - X)[missing] ** 2))
    titles[name] = f"{name}\nRMSE {error:.3f}"
    print(f"{name:22} RMSE {error:.3f}  {seconds:5.1f} s")

# %%
# What they see, and what they make of it
# ---------------------------------------

shown = [3, 5, 8, 14, 27, 42]
columns = {"image": X, "half of it": holes, **filled}
figure, axes = plt.subplots(len(shown), len(columns), figsize=(8.4, 8.0))
for row, sample in zip(axes, shown, strict=True):
    for axis, table in zip(row, columns.values(), strict=True):
        axis.imshow(table[sample].reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        axis.set(xticks=[], yticks=[], facecolor="#f2d9c9")  # unknown pixels show the ground
for axis, name in zip(axes[0], columns, strict=True):
    axis.set_title(titles.get(name, name), fontsize=7)
figure.tight_layout()
plt.show()

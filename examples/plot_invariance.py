"""
What does a projection learn to ignore?
=======================================

Movements. An image moved by two pixels is the same image to us, and another one to a distance of pixels. Shown moved
copies of some images, :class:`~skamem.InvariantProjection` finds the features that movements leave alone, and so
recognises moved images of classes that it has never seen.
"""

# %%
# Digits of unit sum (else the amount of ink tells images apart), moved by up to two of 14 pixels and turned by up to 15
# degrees. The projection learns from copies of images of seven digits; it knows which copies are of one image, and no
# classes. Copies of images of the other three are then compared by distance: are two of one image, or of two?

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from skamem import InvariantProjection
from skamem.datasets import make_transformed

digits = load_digits()
images = np.pad(digits.images, ((0, 0), (3, 3), (3, 3)))
images /= images.mean(axis=(1, 2), keepdims=True)
unseen = np.isin(digits.target, (2, 5, 9))
moves = {"shift": 2, "rotation": 15, "n_copies": 8}
moved, identity = make_transformed(images[~unseen], **moves, random_state=0)
X, labels = moved.reshape(len(moved), -1), digits.target[~unseen][identity]
moved, whose = make_transformed(images[unseen], **moves, random_state=1)
new = moved.reshape(len(moved), -1)

# %%
# A linear function of pixels that movements leave alone says little: where the ink is, they change. Products of two
# features, as in a spectrum, can say much more; 25 principal components have 350 of them.

projection = InvariantProjection().fit(X, identity)
of_products = make_pipeline(
    PCA(25, random_state=0), PolynomialFeatures(2, include_bias=False), InvariantProjection()
)
of_products.fit(X, identity)
features = {
    "pixels": new,
    "PCA, 10 components": PCA(10, random_state=0).fit(X).transform(new),
    "LDA by class": LinearDiscriminantAnalysis().fit(X, labels).transform(new),
    "projection": projection.transform(new),
    "projection of products": of_products.transform(new),
}


def distances(features):
    """Between two copies of one image, and between copies of two images."""
    copies = features.reshape(8, -1, features.shape[1])
    same = np.linalg.norm(copies[1:] - copies[:-1], axis=2).ravel()
    different = np.linalg.norm(copies[1:] - np.roll(copies[:-1], 1, axis=1), axis=2).ravel()
    return same, different


figure = plt.figure(figsize=(9, 5), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=(1, 1.1))
axis = right.subplots()
print(f"{'features':24}{'number':>8}{'AUC':>8}")
for name, values in features.items():
    same, different = distances(values)
    truth = np.repeat([1, 0], [same.size, different.size])
    nearness = -np.concatenate([same, different])
    area = roc_auc_score(truth, nearness)
    print(f"{name:24}{values.shape[1]:8}{area:8.3f}")
    axis.plot(*roc_curve(truth, nearness)[:2], label=f"{name}: AUC {area:.2f}")
axis.plot([0, 1], [0, 1], color="0.7", linestyle=":")
axis.set(xlabel="two images taken for one", ylabel="one image recognised", aspect="equal")
axis.legend(loc="lower right", fontsize="small")
axis.set_title("Which copies are of one image?")

pictures, clouds = left.subfigures(2, 1, height_ratios=(1, 1.3))
axes = pictures.subplots(3, 7, subplot_kw={"xticks": [], "yticks": []})
shown = [0, 1, 7]
for image, (row, colour) in zip(shown, enumerate(("C0", "C1", "C2")), strict=True):
    for copy, cell in enumerate(axes[row]):
        cell.imshow(moved[whose == image][copy], cmap="cividis")
        cell.spines[:].set(color=colour, linewidth=2)
pictures.suptitle("Copies of three images")
for axis, name in zip(
    clouds.subplots(1, 2), ("PCA, 10 components", "projection of products"), strict=True
):
    axis.scatter(*features[name].T[:2], s=2, color="0.85")
    for image, colour in zip(shown, ("C0", "C1", "C2"), strict=True):
        axis.scatter(*features[name][whose == image].T[:2], s=14, color=colour)
    axis.set(title=name, xticks=[], yticks=[])
clouds.supxlabel("the first two features", fontsize="medium")
plt.show()

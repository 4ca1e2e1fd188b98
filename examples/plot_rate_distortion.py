"""
Parts spend bits, tuples of parts save numbers, and a flat codebook is nearest for its bits
===========================================================================================

What does it cost to replace an image by codes? Three things: bits an image, numbers stored in the codebook, and what is
lost. A flat codebook of whole images is the nearest that there is for its bits, and stores the most. Codebooks of
patches store little and get near by spending bits. A second level, whose codes are tuples of patches, spends as few
bits as the flat book and stores a fraction of its numbers; on images that were not trained on it loses little more.
"""

# %%
# Digits of 8 x 8 pixels, 1,200 to learn from and the others to judge by. Flat codebooks are the best of ten starts of
# k-means; patches are 4 x 4, four to an image. All losses are mean squared distances on images not seen, as a share of
# their distance from the mean image.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skamem import HierarchicalVectorQuantizer

train, new = train_test_split(load_digits().data, train_size=1200, random_state=0)
total = np.mean(np.sum((new - train.mean(axis=0)) ** 2, axis=1))

flat = []
for n_codes in (4, 8, 16, 32, 64, 128, 256):
    means = KMeans(n_codes, n_init=10, random_state=0).fit(train)
    flat.append(
        (np.log2(n_codes), means.cluster_centers_.size, -means.score(new) / len(new) / total)
    )


def quantized(n_codes):
    """Bits an image, numbers stored and loss of a quantizer of patches; and the quantizer."""
    quantizer = HierarchicalVectorQuantizer(
        n_codes, image_shape=(8, 8), patch_size=4, random_state=0
    )
    quantizer.fit(train)
    return (quantizer.rate_, quantizer.n_stored_, -quantizer.score(new) / total), quantizer


parts = [quantized(n_codes)[0] for n_codes in (4, 8, 16, 32, 64, 128)]
two_levels = [
    quantized((n_codes // 4, n_codes))[0] for n_codes in (16, 32, 64, 128, 256, 512, 1024)
]

print("                   bits  stored  loss on new images")
for name, points in (("flat", flat), ("patches alone", parts), ("two levels", two_levels)):
    for bits, stored, loss in points:
        print(f"{name:16} {bits:6.1f} {stored:7}  {loss:.3f}")

# %%
# Left, the loss against bits: nothing is below the flat book where it has enough to learn from, and patches alone go on
# with bits that no flat book could afford. Right, the same against numbers stored: the order is the reverse. Codes of
# 10 bits take 1,024 images to hold in a flat book, nearly all that there are to learn from; two levels go on.

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True, layout="constrained")
looks = {
    "flat, best of ten starts": (flat, "o-", "#0072B2"),
    "patches alone": (parts, "s-", "#E69F00"),
    "two levels": (two_levels, "D-", "#009E73"),
}
for label, (points, style, colour) in looks.items():
    bits, stored, loss = np.transpose(points)
    left.plot(bits, loss, style, color=colour, ms=5, label=label)
    right.semilogx(stored, loss, style, color=colour, ms=5, label=label)
left.set(
    xlabel="bits an image", ylabel="share of the variance lost, new images", title="Loss for bits"
)
right.set(xlabel="numbers stored", title="Loss for numbers stored")
left.legend(frameon=False)
for axis in (left, right):
    axis.set_ylim(bottom=0)
    axis.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# The same images at 8 bits, from a flat book of 16,384 numbers and from two levels of 5,120; and with patches alone at
# 24 bits from 4,096.

images = new[:8]
means = KMeans(256, n_init=10, random_state=0).fit(train)
rows = {
    "new images": images,
    "flat\n8 bits, 16,384 numbers": means.cluster_centers_[means.predict(images)],
    "two levels\n8 bits, 5,120 numbers": quantized((64, 256))[1].quantize(images),
    "patches alone\n24 bits, 4,096 numbers": quantized(64)[1].quantize(images),
}
figure, axes = plt.subplots(len(rows), len(images), figsize=(9, 4.4), layout="constrained")
for (label, shown), line in zip(rows.items(), axes, strict=True):
    line[0].text(-0.4, 0.5, label, ha="right", va="center", transform=line[0].transAxes, fontsize=9)
    for image, axis in zip(shown, line, strict=True):
        axis.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
        axis.axis("off")
plt.show()

"""
Which code brings grey values back?
===================================

Memories of two-valued units store codes of real values, and what they recall is decoded. One unit a pixel knows black
and white only; several units a pixel, as on a thermometer, keep the shades.
"""

# %%
# Ten digits with 17 shades of grey are coded, stored, and recalled from noisy images of which the last two rows are
# missing. The memory repairs the code; what the code did not keep is lost.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from skamem import BipolarEncoder, PseudoinverseMemory

images = load_digits().data[:10]
rng = np.random.default_rng(0)
noisy = images + rng.normal(0.0, 3.0, images.shape)
noisy[:, 48:] = np.nan

codes = {
    "threshold": BipolarEncoder("threshold", threshold=7.5),
    "median": BipolarEncoder("median"),
    "thermometer, 2": BipolarEncoder("thermometer", n_bits=2),
    "thermometer, 8": BipolarEncoder("thermometer", n_bits=8),
    "hyperplanes, 512": BipolarEncoder("hyperplanes", n_components=512, random_state=0),
}
rows = {"cue": noisy}
print(f"{'code':18}{'units':>7}{'units recalled, %':>19}{'error of the image, of 16':>27}")
for name, code in codes.items():
    patterns = code.fit_transform(images)
    recalled = PseudoinverseMemory().fit(patterns).transform(code.transform(noisy))
    rows[name] = code.inverse_transform(recalled)
    right = 100 * np.mean(recalled == patterns)
    error = np.sqrt(np.mean((rows[name] - images) ** 2))
    print(f"{name:18}{patterns.shape[1]:7}{right:19.1f}{error:27.2f}")
rows["stored"] = images

figure, axes = plt.subplots(
    len(rows), 10, figsize=(8, 5.8), subplot_kw={"xticks": [], "yticks": []}
)
colours = plt.colormaps["cividis"].with_extremes(bad="0.85")  # missing pixels are grey
for axis_row, (name, row) in zip(axes, rows.items(), strict=True):
    for axis, image in zip(axis_row, row, strict=True):
        axis.imshow(image.reshape(8, 8), cmap=colours, vmin=0, vmax=16)
    axis_row[0].set_ylabel(name, rotation=0, ha="right", va="center")
figure.suptitle("Ten digits, coded, recalled and decoded")
figure.tight_layout()
plt.show()

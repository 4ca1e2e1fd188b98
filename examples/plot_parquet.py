"""
A folder of parquet goes in, a folder of recalled parquet comes out
===================================================================

Scanned letters, a third of their pixels unreadable, lie in a folder of parquet files, more of them perhaps than memory
holds. Dask reads the folder as one data frame; :func:`~skamem.distributed.predict_blocks` recalls it part by part, and
nothing is computed before the result is written. On a cluster nothing changes but a line,
``Client("scheduler:8786")``.
"""

import tempfile
from pathlib import Path

import dask.dataframe as dd
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skamem import DenseMemory
from skamem.datasets import corrupt, load_letters
from skamem.distributed import fit_blocks, predict_blocks

scratch = tempfile.TemporaryDirectory()
folder = Path(scratch.name)
letters = load_letters()
pixels = [f"pixel {pixel}" for pixel in range(35)]

# %%
# The scans
# ---------
# Ten thousand rows in four files; NaN is a pixel that could not be read.

rng = np.random.default_rng(0)
written = rng.integers(26, size=10_000)
scans = pd.DataFrame(
    corrupt(letters.data[written], "mask", 1 / 3, random_state=0), columns=pixels
).assign(letter=letters.target[written])
dd.from_pandas(scans, npartitions=4).to_parquet(folder / "scans")

# %%
# Learn, recall, write
# --------------------
# The memory learns the alphabet, the parts of a data frame as any other blocks. `recalled` is a recipe until
# ``to_parquet`` asks for it.

alphabet = pd.DataFrame(letters.data, columns=pixels)
memory = fit_blocks(
    DenseMemory(degree=9, missing="clamp", random_state=0), dd.from_pandas(alphabet, npartitions=2)
)

scanned = dd.read_parquet(folder / "scans")
recalled = predict_blocks(memory, scanned[pixels])
recalled.assign(letter=scanned["letter"]).to_parquet(folder / "recalled")

# %%
# What came of it
# ---------------
# Index, columns and types are those of the scans, so that pandas, polars or a data base goes on from here.

result = pd.read_parquet(folder / "recalled")
right = (result[pixels].to_numpy() == letters.data[written]).all(axis=1)
print(f"{right.mean():.1%} of {len(result)} letters are complete and without a wrong pixel")


# %%
shown = [np.flatnonzero(result["letter"] == letter)[place] for place, letter in enumerate("SKAMEM")]
figure, axes = plt.subplots(2, 6, figsize=(7.0, 2.9))
for row, frame in zip(axes, (scans, result), strict=True):
    for axis, scan in zip(row, shown, strict=True):
        image = np.ma.masked_invalid(frame[pixels].iloc[scan].to_numpy().reshape(7, 5))
        axis.imshow(image, cmap="Greys", vmin=-1, vmax=1)
        axis.set_facecolor("C1")
        axis.set(xticks=[], yticks=[])
axes[0, 0].set_ylabel("scans/")
axes[1, 0].set_ylabel("recalled/")
figure.suptitle("Unreadable pixels are orange")
figure.tight_layout()
plt.show()

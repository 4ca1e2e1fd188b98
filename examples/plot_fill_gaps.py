"""
Lines where data are straight, neighbours where they bend: a blend fills gaps best
==================================================================================

A third of the entries of each table is missing. :class:`~skamem.AssociativeImputer` blends a linear memory with
memories of similar rows, in proportions that it finds on entries it hides itself. scikit-learn's imputers are good at
one or the other: `IterativeImputer` where columns depend on one another linearly, `KNNImputer` where rows come in
groups.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer
from sklearn.preprocessing import StandardScaler

from skamem import AssociativeImputer

rng = np.random.default_rng(0)

# %%
# Four tables
# -----------
# Columns have mean 0 and variance 1, so that an error of 1 is that of the mean.

digits = load_digits().data[:600]
tables = {
    "iris": load_iris().data,
    "wine": load_wine().data,
    "breast cancer": load_breast_cancer().data,
    "digits": digits[:, digits.std(axis=0) > 1.0],
}
imputers = {
    "AssociativeImputer": AssociativeImputer(),
    "IterativeImputer": IterativeImputer(max_iter=5, tol=0.05),
    "KNNImputer": KNNImputer(),
}
errors = {name: [] for name in imputers}
for table in tables.values():
    X = StandardScaler().fit_transform(table)
    gone = rng.random(X.shape) < 1 / 3
    for name, imputer in imputers.items():
        filled = imputer.fit_transform(np.where(gone, np.nan, X))
        errors[name].append(np.sqrt(np.mean((filled - X)[gone] ** 2)))

# %%
# A curve, and what is uncertain about it
# ---------------------------------------
# Heights along a wave are missing for half of the points. The mean of what may be is a curve; draws scatter around it
# as the data do.

along = rng.uniform(0.0, 10.0, 400)
wave = np.stack([along, np.sin(along) + 0.2 * rng.standard_normal(400)], axis=1)
holes = wave.copy()
holes[::2, 1] = np.nan
imputer = AssociativeImputer(random_state=0).fit(holes)
(draw,) = imputer.sample(holes, n_draws=1)
line = imputer.transform(np.stack([np.linspace(0.0, 10.0, 200), np.full(200, np.nan)], axis=1))

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.6))
width = 0.26
for place, (name, values) in enumerate(errors.items()):
    left.bar(np.arange(len(tables)) + (place - 1) * width, values, width, label=name)
left.set_xticks(np.arange(len(tables)), tables)
left.set(ylabel="RMS error, in standard deviations", title="A third missing", ylim=(0.0, 1.0))
left.legend(frameon=False, fontsize=8)
right.scatter(*wave[1::2].T, s=9, color="0.7", label="known")
right.scatter(*draw[::2].T, s=9, color="C3", alpha=0.7, label="missing, one draw")
right.plot(*line.T, color="C0", lw=2, label="missing, their mean")
right.set(title="Heights that are missing", xlabel="place", ylabel="height", ylim=(-1.8, 2.4))
right.legend(
    frameon=False, fontsize=8, ncols=3, loc="upper center", columnspacing=0.8, handletextpad=0.3
)
figure.tight_layout()
plt.show()

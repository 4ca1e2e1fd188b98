"""
Associative memory in one minute
================================

Store handwritten digits and recall them from spoiled cues; search the parameters of a dense associative memory inside a
pipeline; compare it with scikit-learn's classifiers; select a few features of many. Everything on data that ships with
scikit-learn.
"""

# %%
# 1. Recall: how many digits can 64 units hold?
# ---------------------------------------------
# Images of 8 x 8 pixels become patterns of 64 two-valued units. A cue has 20 % of its pixels flipped, or its lower
# half erased (NaN: unknown). Digits resemble each other, so that correlations alone (`HebbianMemory`) do not tell them
# apart. `PseudoinverseMemory` decorrelates them: however many it stores, it keeps one number for each pair of pixels,
# and they suffice for ten or twenty digits. `DenseMemory` keeps the patterns and lets the best match decide.

import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import LassoCV, LogisticRegression, OrthogonalMatchingPursuitCV
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold, cross_validate
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from skamem import (
    DenseAMClassifier,
    DenseMemory,
    IHTRegressor,
    IHTRegressorCV,
    KernelMemory,
    MemoryClassifier,
    PseudoinverseMemory,
)
from skamem.datasets import corrupt
from skamem.metrics import exact_recall_score, unit_accuracy

# Small matrices: more BLAS threads would wait for each other, and times would not compare.
threadpool_limits(1)
start = time.perf_counter()
X, y = load_digits(return_X_y=True)
# The first digits of each class in turn: 0, 1, ..., 9, 0, 1, ...
turn = [np.flatnonzero(y == digit)[k] for k in range(8) for digit in range(10)]
sizes = (5, 10, 20, 40, 80)
memories = {
    "PseudoinverseMemory": PseudoinverseMemory(binarize=7.5),
    "DenseMemory": DenseMemory("exponential", binarize=7.5, random_state=0),
}
damages = {"20 % flipped": ("flip", 0.2, "free"), "half erased": ("erase", 0.5, "clamp")}

print("Digits of 64 pixels, recalled exactly from at least 90 % of 20 cues each")
print(f"{'':34}{'digits':>8}{'exact, %':>10}{'pixels right, %':>17}")
for name, memory in memories.items():
    for damage, (kind, rate, missing) in damages.items():
        memory.set_params(missing=missing)
        for m in sizes:
            patterns = X[turn[:m]]
            cues = np.vstack(
                [corrupt(patterns, kind, rate, random_state=seed) for seed in range(20)]
            )
            recalled = memory.fit(patterns).predict(cues)
            truth = memory.encode(np.tile(patterns, (20, 1)))
            exact = exact_recall_score(truth, recalled)
            if exact < 0.9:
                break
            held = f"{m:8}{100 * exact:10.0f}{100 * unit_accuracy(truth, recalled):17.1f}"
        print(f"{name:20}{damage:14}{held}")

# %%
# What that looks like for ten digits: the cue, what each memory makes of it, and the truth.

patterns = X[turn[:10]]
names, images = [], []
for damage, (kind, rate, missing) in damages.items():
    cues = corrupt(patterns, kind, rate, random_state=1)
    names.append(f"cue, {damage}")
    images.append(memory.encode(cues))
    for name, memory in memories.items():
        names.append(name)
        images.append(memory.set_params(missing=missing).fit(patterns).predict(cues))
names.append("stored")
images.append(memory.encode(patterns))

figure, axes = plt.subplots(7, 10, figsize=(8, 6.2), subplot_kw={"xticks": [], "yticks": []})
colours = plt.colormaps["cividis"].with_extremes(bad="0.85")  # unknown pixels are grey
for axis_row, name, row in zip(axes, names, images, strict=True):
    for axis, image in zip(axis_row, row, strict=True):
        axis.imshow(image.reshape(8, 8), cmap=colours, vmin=-1, vmax=1)
    axis_row[0].set_ylabel(name, rotation=0, ha="right", va="center")
figure.suptitle("Ten digits recalled from spoiled cues, 64 units")
figure.tight_layout()
figure.savefig("quickstart.png", dpi=100)
print("\nPicture: quickstart.png")

# %%
# 2. A grid search over a pipeline
# --------------------------------
# `DenseAMClassifier` is an estimator like any other: it clones, pickles and searches.

pipeline = make_pipeline(MinMaxScaler((-1, 1)), DenseAMClassifier(random_state=0))
grid = {"denseamclassifier__degree": [2, 3], "denseamclassifier__n_memories": [50, 100]}
folds = StratifiedKFold(3, shuffle=True, random_state=0)
search = GridSearchCV(pipeline, grid, cv=folds, n_jobs=2).fit(X, y)
print("\nGrid search of DenseAMClassifier on digits, 3-fold accuracy")
for parameters, accuracy in zip(
    search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
):
    print(f"  {accuracy:.4f}", {name.split("__")[1]: value for name, value in parameters.items()})

# %%
# 3. Against scikit-learn's classifiers
# -------------------------------------

classifiers = {
    "MemoryClassifier(KernelMemory())": MemoryClassifier(KernelMemory()),
    "DenseAMClassifier": DenseAMClassifier(random_state=0),
    "LogisticRegression": LogisticRegression(max_iter=1000),
    "KNeighborsClassifier": KNeighborsClassifier(),
    "SVC(rbf)": SVC(),
    "MLPClassifier": MLPClassifier(max_iter=500, random_state=0),
}
print("\nDigits, 5-fold cross-validation after MinMaxScaler((-1, 1)); times of one fold")
print(f"{'':34}{'accuracy':>10}{'fit, s':>10}{'predict, ms':>13}")
for name, classifier in classifiers.items():
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    result = cross_validate(make_pipeline(MinMaxScaler((-1, 1)), classifier), X, y, cv=folds)
    print(
        f"{name:34}{result['test_score'].mean():10.4f}{result['fit_time'].mean():10.2f}"
        f"{1000 * result['score_time'].mean():13.1f}"
    )

# %%
# 4. Sparse regression
# --------------------
# The ten diabetes variables, their squares and products: which few matter? `IHTRegressor` searches the support itself.

X, y = load_diabetes(return_X_y=True)
quadratic = make_pipeline(
    StandardScaler(), PolynomialFeatures(2, include_bias=False), StandardScaler()
)
regressors = {
    "IHTRegressor": IHTRegressor(),
    "IHTRegressorCV": IHTRegressorCV(),
    "OrthogonalMatchingPursuitCV": OrthogonalMatchingPursuitCV(),
    "LassoCV": LassoCV(max_iter=10_000),
}
print("\nDiabetes with quadratic terms (65 features), 10-fold cross-validation")
print(f"{'':34}{'R2':>10}{'features':>10}{'fit, s':>10}")
for name, regressor in regressors.items():
    folds = KFold(10, shuffle=True, random_state=0)
    result = cross_validate(
        make_pipeline(quadratic, regressor), X, y, cv=folds, return_estimator=True
    )
    used = np.mean([np.count_nonzero(model[-1].coef_) for model in result["estimator"]])
    print(
        f"{name:34}{result['test_score'].mean():10.3f}{used:10.1f}{result['fit_time'].mean():10.3f}"
    )

print(f"\nAll of it took {time.perf_counter() - start:.0f} s.")

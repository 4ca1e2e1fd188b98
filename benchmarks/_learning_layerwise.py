"""Tasks of ``benchmarks/learning.py``: networks that grow by stages."""

import time

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import (
    load_diabetes,
    load_digits,
    load_iris,
    make_friedman1,
    make_friedman2,
    make_friedman3,
    make_regression,
)
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from timing import medians, say

from skamem import LayerwiseClassifier, LayerwiseRegressor

N_ROWS = 500


def regression_sets():
    """Ten tables: (X, y) by name."""
    rng = np.random.RandomState(1)
    sets = {
        "friedman1": make_friedman1(N_ROWS, noise=1.0, random_state=0),
        "friedman2": make_friedman2(N_ROWS, noise=100.0, random_state=0),
        "friedman3": make_friedman3(N_ROWS, noise=0.1, random_state=0),
        "diabetes": load_diabetes(return_X_y=True),
        "linear": make_regression(N_ROWS, 20, n_informative=8, noise=50.0, random_state=0),
    }
    X = rng.uniform(-2, 2, (N_ROWS, 6))
    sets["products"] = X, X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) * X[:, 3] + 0.3 * rng.randn(N_ROWS)
    X = rng.randn(N_ROWS, 10)
    smooth = np.sin(2 * X[:, 0]) + np.abs(X[:, 1]) + 0.5 * X[:, 2] ** 2 + X[:, 3]
    sets["additive"] = X, smooth + 0.5 * rng.randn(N_ROWS)
    X = rng.randn(N_ROWS, 8)
    sets["mostly noise"] = X, X[:, 0] + 0.5 * X[:, 1] * X[:, 2] + 3 * rng.randn(N_ROWS)
    X = rng.uniform(-1, 1, (N_ROWS, 5))
    steps = 2.0 * (X[:, 0] > 0) + 3.0 * (X[:, 1] > 0.3) * (X[:, 2] < 0.2)
    sets["steps"] = X, steps + 0.3 * rng.randn(N_ROWS)
    X = rng.randn(N_ROWS, 4)
    sets["waves"] = X, np.cos(2 * np.linalg.norm(X, axis=1)) + 0.1 * rng.randn(N_ROWS)
    return sets


def regression(options):
    """R² of LayerwiseRegressor and MLPRegressor, defaults both, standardised features; three seeds, 5 folds.

    Two hundred epochs are not enough for MLPRegressor on targets far from unit spread: it also takes part with scaled
    targets.
    """
    contenders = {
        "layerwise": lambda seed: LayerwiseRegressor(random_state=seed),
        "MLPRegressor": lambda seed: MLPRegressor(random_state=seed),
        "MLPRegressor, scaled targets": lambda seed: TransformedTargetRegressor(
            MLPRegressor(random_state=seed), transformer=StandardScaler()
        ),
    }
    ranks, seconds = [], dict.fromkeys(contenders, 0.0)
    for table, (X, y) in regression_sets().items():
        means, told = [], []
        for name, make in contenders.items():
            scores, start = [], time.process_time()
            for seed in range(3):
                cv = KFold(5, shuffle=True, random_state=seed)
                scores.append(cross_val_score(make_pipeline(StandardScaler(), make(seed)), X, y, cv=cv).mean())
            seconds[name] += time.process_time() - start
            means.append(np.mean(scores))
            told.append(f"{name} {means[-1]:6.3f} ± {np.std(scores, ddof=1) / 3**0.5:.3f}")
        ranks.append(np.argsort(np.argsort(-np.asarray(means))) + 1)
        say(f"{table:13} R²  " + "   ".join(told))
    mean_ranks = dict(zip(contenders, np.mean(ranks, axis=0), strict=True))
    say("CPU seconds: " + ", ".join(f"{name} {value:.0f}" for name, value in seconds.items()))
    told = ", ".join(f"{name} {value:.2f}" for name, value in mean_ranks.items())
    say(f"mean rank: {told}", mean_ranks["layerwise"] == min(mean_ranks.values()))


def polynomials(options):
    """Back-fitted polynomials against least squares on PolynomialFeatures."""
    for n_features, degree in ((4, 2), (4, 3), (4, 4), (8, 3)):
        X, y = load_diabetes(return_X_y=True)
        X = StandardScaler().fit_transform(X)[:, [0, 2, 3, 8, 1, 4, 6, 9][:n_features]]
        fitted = LayerwiseRegressor(activation="polynomial", degree=degree, alpha=0.0, max_cycles=500).fit(X, y)
        terms = PolynomialFeatures(degree).fit_transform(X)
        best = LinearRegression().fit(terms, y).predict(terms)
        off = np.max(np.abs(fitted.predict(X) - best)) / np.std(y)
        cycles = [len(curve) - 1 for curve in fitted.cycle_curves_]
        say(f"{n_features} features, degree {degree}: off by {off:.1e} deviations of y, cycles {cycles}", off < 1e-6)


def digits(options):
    """Accuracy on digits, 5 folds, beside MLPClassifier."""
    X, y = load_digits(return_X_y=True)
    cv = StratifiedKFold(5, shuffle=True, random_state=0)
    for name, make in (("layerwise", LayerwiseClassifier), ("MLPClassifier", MLPClassifier)):
        start = time.process_time()
        scores = cross_val_score(make(random_state=0), X, y, cv=cv)
        took = time.process_time() - start
        text = f"digits {name}: {scores.mean():.4f} ± {scores.std(ddof=1) / 5**0.5:.4f}, {took:.0f} s of CPU"
        say(text, scores.mean() >= 0.975 if name == "layerwise" else None)


def small(options):
    """Seconds of a fit to iris, beside MLPClassifier."""
    X, y = load_iris(return_X_y=True)
    contenders = {
        "layerwise": lambda: LayerwiseClassifier(random_state=0).fit(X, y),
        "MLPClassifier": lambda: MLPClassifier(random_state=0, max_iter=500).fit(X, y),
    }
    found = medians(contenders, options.repeats)
    say("iris: " + ", ".join(f"{name} {1000 * value:.0f} ms" for name, value in found.items()))


def mnist(options):
    """Error on the last 10,000 training images of MNIST, trained on 50,000, beside MLPClassifier at equal time."""
    if options.mnist is None:
        say("mnist: give --mnist FILE")
        return
    data = np.load(options.mnist)
    X, y = data["X"].astype(np.float32) / 255, data["y"]
    train, test = slice(0, 50_000), slice(50_000, 60_000)
    wall, cpu = time.perf_counter(), time.process_time()
    ours = LayerwiseClassifier(2, n_units=1000, max_epochs=30, validation_fraction=0.1, random_state=0)
    ours.fit(X[train], y[train])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    for stage, predicted in enumerate(ours.staged_predict(X[test]), 1):
        say(f"mnist after stage {stage}: {100 * np.mean(predicted != y[test]):.2f} %")
    error = np.mean(predicted != y[test])
    say(f"mnist: {100 * error:.2f} % in {wall:.0f} s ({cpu:.0f} s of CPU)", error <= 0.018 and cpu <= 1200)
    network = MLPClassifier((1000,), random_state=0)
    start, n_epochs = time.process_time(), 0
    while time.process_time() - start < cpu:
        network.partial_fit(X[train], y[train], classes=np.arange(10))
        n_epochs += 1
    error = 100 * (1 - network.score(X[test], y[test]))
    say(f"MLPClassifier((1000,)) at equal time, {n_epochs} epochs: {error:.2f} %")


TASKS = {
    "layerwise-regression": regression,
    "layerwise-polynomials": polynomials,
    "layerwise-digits": digits,
    "layerwise-small": small,
    "layerwise-mnist": mnist,
}

"""Dense associative memory as a classifier: error and time against its peers, and speed against bare matrix products.

- ``python benchmarks/dense.py speed``: one epoch at K = 1000, batch 500, float32 against the two matrix products of
the same
  batches, against MLPClassifier, and `predict` against its product.
- ``python benchmarks/dense.py digits``: error by shuffled stratified 10-fold cross-validation.
- ``python benchmarks/dense.py mnist [--data mnist_train.npz]`` and ``fashion``: error on the last 10,000 of the
60,000 training
  images. The file has arrays X (60000 images) and y; without one, `fetch_openml` downloads the set. ``--test`` takes
  OpenML's 10,000 test images instead. ``--runs`` names the recipes, ``--seeds`` how many seeds each.
"""

import argparse
import statistics
import time

import numpy as np
from sklearn.datasets import fetch_openml, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

from skamem import DenseAMClassifier

PEERS = {
    "LogisticRegression": lambda seed: LogisticRegression(max_iter=200),
    "KNeighbors": lambda seed: KNeighborsClassifier(3),
    "SVC(rbf)": lambda seed: SVC(C=10),
    "MLP(1000)": lambda seed: MLPClassifier((1000,), batch_size=500, max_iter=20, random_state=seed),
    "HistGradientBoosting": lambda seed: HistGradientBoostingClassifier(random_state=seed),
}
# Recipes for images in [-1, 1].
RECIPES = {
    "n=3 K=1000": {"n_memories": 1000, "degree": 3, "max_iter": 24},
    "n=2 K=1000": {"n_memories": 1000, "degree": 2, "max_iter": 24},
    "default": {},
}


class Clock:
    """A callback that notes when each epoch ends."""

    def __init__(self):
        self.ends = []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch":
            self.ends.append(time.perf_counter())


def best_of(function, repeats):
    """Fastest of some runs, in seconds: what the machine can do when nothing else wants it."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def epoch_seconds(model, X, y):
    clock = Clock()
    model.set_params(max_iter=6).set_callbacks(clock).fit(X, y)
    return min(np.diff(clock.ends))


def mlp_epoch_seconds(X, y):
    """Fastest epoch of `partial_fit`, which takes one pass over the rows."""
    network = MLPClassifier((1000,), batch_size=500, random_state=0).partial_fit(X, y, classes=np.unique(y))
    return best_of(lambda: network.partial_fit(X, y), 5)


def speed(options):
    """Fastest of several runs of everything, taken in turns, so that other work on the machine counts little."""
    rng = np.random.RandomState(0)
    n_rows, n_features, n_memories, batch = 10_000, 784, 1000, 500
    X = rng.uniform(-1, 1, (n_rows, n_features)).astype(np.float32)
    y = rng.randint(0, 10, n_rows)
    W = rng.standard_normal((n_memories, n_features)).astype(np.float32)
    dZ = rng.standard_normal((batch, n_memories)).astype(np.float32)
    batches = [X[i : i + batch].copy() for i in range(0, n_rows, batch)]
    settings = {"n_memories": n_memories, "batch_size": batch, "noise": 0, "random_state": 0}
    models = {readout: DenseAMClassifier(readout=readout, **settings) for readout in ("linear", "exact")}
    seconds = {}

    def note(name, value):
        seconds[name] = min(value, seconds.get(name, np.inf))

    for _ in range(options.repeats):
        note("product of a prediction", best_of(lambda: [rows @ W.T for rows in batches], 5))
        note("both products of an epoch", best_of(lambda: [(rows @ W.T, dZ.T @ rows) for rows in batches], 5))
        for readout, model in models.items():
            note(f"{readout} epoch", epoch_seconds(model, X, y))
            note(f"{readout} predict", best_of(lambda model=model: model.predict(X), 5))
        note("MLPClassifier epoch", mlp_epoch_seconds(X, y))
    bare, forward, mlp = (
        seconds[name] for name in ("both products of an epoch", "product of a prediction", "MLPClassifier epoch")
    )
    for name, value in seconds.items():
        print(f"{name:28s} {1000 * value:7.1f} ms")
    print(f"MLPClassifier epoch / products {mlp / bare:.2f}")
    for readout, goal in {"linear": 1.6, "exact": 2.2}.items():
        epoch, predict = seconds[f"{readout} epoch"], seconds[f"{readout} predict"]
        print(
            f"{readout}: epoch / products {epoch / bare:.2f} (goal {goal}), / MLPClassifier {epoch / mlp:.2f} (goal 1.1), "
            f"predict / product {predict / forward:.2f} (goal 1.3)"
        )


def digits(options):
    X, y = load_digits(return_X_y=True)
    X = (X / 8 - 1).astype(np.float32)
    models = {f"DenseAM {name}": lambda seed, kw=kw: DenseAMClassifier(random_state=seed, **kw) for name, kw in {
        "default": {}, "n=5": {"degree": 5}, "n=2": {"degree": 2}}.items()}  # fmt: skip
    for name, make in (models | PEERS).items():
        scores, start = [], time.perf_counter()
        for seed in range(options.seeds):
            for train, test in StratifiedKFold(10, shuffle=True, random_state=seed).split(X, y):
                scores.append(make(seed).fit(X[train], y[train]).score(X[test], y[test]))
        seconds = (time.perf_counter() - start) / len(scores)
        print(f"{name:24s} accuracy {np.mean(scores):.4f}, {seconds:.2f} s a fit", flush=True)


def images(options):
    """(training rows in [-1, 1], labels, rows held back, labels)."""
    if options.data:
        with np.load(options.data) as file:
            X, y = file["X"].reshape(len(file["y"]), -1), file["y"]
    else:
        name = {"mnist": "mnist_784", "fashion": "Fashion-MNIST"}[options.task]
        X, y = fetch_openml(name, version=1, return_X_y=True, as_frame=False, parser="liac-arff")
        y = y.astype(int)
    X = (X / 127.5 - 1).astype(np.float32)
    if options.test:
        return X[:60_000], y[:60_000], X[60_000:], y[60_000:]
    return X[:50_000], y[:50_000], X[50_000:60_000], y[50_000:60_000]


def compare(options):
    X, y, X_test, y_test = images(options)
    models = {f"DenseAM {name}": lambda seed, kw=kw: DenseAMClassifier(random_state=seed, **kw)
              for name, kw in RECIPES.items()} | PEERS  # fmt: skip
    for name, make in models.items():
        if options.runs and not any(run in name for run in options.runs):
            continue
        errors, seconds = [], []
        for seed in range(options.seeds):
            start = time.perf_counter()
            model = make(seed).fit(X, y)
            seconds.append(time.perf_counter() - start)
            errors.append(100 * np.mean(model.predict(X_test) != y_test))
        shown = ", ".join(f"{error:.2f}" for error in errors)
        print(f"{name:28s} error {np.mean(errors):.2f} % ({shown}), fit {np.mean(seconds):.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["speed", "digits", "mnist", "fashion"])
    parser.add_argument("--data", help="npz file with X and y")
    parser.add_argument("--test", action="store_true", help="error on the test images of OpenML")
    parser.add_argument("--runs", nargs="*", help="parts of names; default all")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    {"speed": speed, "digits": digits}.get(options.task, compare)(options)


if __name__ == "__main__":
    main()

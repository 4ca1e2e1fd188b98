"""Dense associative memory: speed against bare matrix products, error and time against its peers, memory.

``python benchmarks/dense.py [TASK ...]`` prints numbers, and whether they meet their goal where there is one. Tasks,
all of them if none is named:

speed
    One epoch at K = 1000, batch 500, float32 against the two matrix products of the same batches and against
    MLPClassifier; `predict` against its product. Set OMP_NUM_THREADS to choose the threads; on one of them ``--cpu``
    counts processor seconds, which other work on the machine changes little.
memory
    Peak of `fit` against data, parameters and one batch's work arrays.
digits
    Accuracy by shuffled stratified 10-fold cross-validation.
mnist, fashion
    Error on the last 10,000 of the 60,000 training images, or with ``--test`` on the 10,000 test images of OpenML.
    The images come from OpenML, or from a path: an npz file with arrays X and y, or a folder with the idx files
    (Debian's package dataset-fashion-mnist puts them into /usr/share/datasets/fashion-mnist).
regression
    R² of DenseAMRegressor by shuffled 5-fold cross-validation.
paper
    Figures 2 and 3 of Krotov and Hopfield (2016) on MNIST by their descent: epochs until the error falls below 2 %,
    votes and decisive memories. Runs only when named: eight runs of an hour of one core each, or fewer by
    ``--settings``, ``--epochs`` and ``--memories``. ``--figures FOLDER`` draws memories.

``--seeds`` says how many seeds each, ``--runs`` names parts of the models' names.
"""

import argparse
import gzip
import statistics
import time
import tracemalloc
import urllib.error
from pathlib import Path

import numpy as np
from _dense_paper import paper
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import fetch_openml, load_diabetes, load_digits, make_friedman1, make_friedman2, make_friedman3
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from skamem import DenseAMClassifier, DenseAMRegressor

PEERS = {
    "LogisticRegression": lambda seed: LogisticRegression(max_iter=200),
    "KNeighbors": lambda seed: KNeighborsClassifier(3),
    "SVC(rbf)": lambda seed: SVC(C=10),
    "MLP(1000)": lambda seed: MLPClassifier((1000,), batch_size=500, max_iter=20, random_state=seed),
    "HistGradientBoosting": lambda seed: HistGradientBoostingClassifier(random_state=seed),
}
# What images want: pixels have one unit, and rows moved uphill in the loss.
IMAGES = {"scale": "global", "adversarial": 2}
# Settings of DenseAMClassifier for images in [-1, 1], and the error in per cent to stay below.
MNIST = {
    "n=3 K=1000": ({"n_memories": 1000, "max_iter": 24}, 1.45),
    "recipe K=500": (IMAGES | {"n_memories": 500, "max_iter": 16, "learning_rate_init": 2e-3}, None),
    "recipe K=1000": (IMAGES | {"n_memories": 1000, "max_iter": 24}, 1.25),
    "recipe K=2000": (
        IMAGES | {"n_memories": 2000, "max_iter": 24, "adversarial": 4, "learning_rate_init": 3e-3},
        1.0,
    ),
    "n=3 adversarial": ({"n_memories": 1000, "max_iter": 30, "adversarial": 2}, 1.2),
    "n=20 adversarial": ({"n_memories": 1000, "max_iter": 30, "adversarial": 2, "degree": 20}, 1.6),
    "n=30 adversarial": ({"n_memories": 1000, "max_iter": 30, "adversarial": 2, "degree": 30}, 1.6),
    "default": ({}, None),
}
FASHION = {
    "n=3 K=1000": ({"n_memories": 1000, "max_iter": 20, "scale": None, "noise": 0.3, "temperature": 5}, None),
    "n=3 adversarial": ({"n_memories": 1000, "max_iter": 30, "adversarial": 0.4}, 9.5),
    "default": ({}, None),
}
# ... and the accuracy to reach.
DIGITS = {
    "default": ({}, 0.985),
    "exact": ({"readout": "exact"}, None),
    "n=5": ({"degree": 5}, 0.985),
}
REGRESSION = {
    "diabetes": lambda: load_diabetes(return_X_y=True),
    "friedman1": lambda: make_friedman1(1000, noise=1.0, random_state=0),
    "friedman2": lambda: make_friedman2(1000, noise=100.0, random_state=0),
    "friedman3": lambda: make_friedman3(1000, noise=0.1, random_state=0),
}
# Those that need it see scaled features, and scaled targets.
REGRESSORS = {
    "DenseAMRegressor": lambda seed: make_pipeline(StandardScaler(), DenseAMRegressor(random_state=seed)),
    "RidgeCV": lambda seed: RidgeCV(),
    "KNeighborsRegressor": lambda seed: _scaled(KNeighborsRegressor()),
    "SVR": lambda seed: _scaled(SVR()),
    "MLPRegressor": lambda seed: _scaled(MLPRegressor(random_state=seed, max_iter=500)),
    "HistGradientBoosting": lambda seed: HistGradientBoostingRegressor(random_state=seed),
}


class Clock:
    """A callback that notes when each epoch ends."""

    def __init__(self, clock):
        self.clock, self.ends = clock, []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch":
            self.ends.append(self.clock())


def best_of(function, repeats, clock):
    """Fastest of some runs, in seconds: what the machine can do when nothing else wants it."""
    return min(timed(function, clock)[0] for _ in range(repeats))


def timed(function, clock=time.perf_counter):
    start = clock()
    result = function()
    return clock() - start, result


def verdict(value, goal, *, at_most=True):
    """What to print after a number with a goal."""
    if goal is None:
        return ""
    met = value <= goal if at_most else value >= goal
    return f"  goal {'<=' if at_most else '>='} {goal}: {'met' if met else 'MISSED'}"


def epoch_seconds(model, X, y, clock):
    record = Clock(clock)
    model.set_params(max_iter=6).set_callbacks(record).fit(X, y)
    return min(np.diff(record.ends))


def mlp_epoch_seconds(X, y, clock):
    """Fastest epoch of `partial_fit`, which takes one pass over the rows."""
    network = MLPClassifier((1000,), batch_size=500, random_state=0).partial_fit(X, y, classes=np.unique(y))
    return best_of(lambda: network.partial_fit(X, y), 5, clock)


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
    seconds, clock = {}, time.process_time if options.cpu else time.perf_counter

    def note(name, value):
        seconds[name] = min(value, seconds.get(name, np.inf))

    for _ in range(options.repeats):
        note("product", best_of(lambda: [rows @ W.T for rows in batches], 5, clock))
        note("products", best_of(lambda: [(rows @ W.T, dZ.T @ rows) for rows in batches], 5, clock))
        note("MLPClassifier epoch", mlp_epoch_seconds(X, y, clock))
        for readout, model in models.items():
            note(f"{readout} epoch", epoch_seconds(model, X, y, clock))
            note(f"{readout} predict", best_of(lambda model=model: model.predict(X), 5, clock))
    for name, value in seconds.items():
        print(f"{name:40s} {1000 * value:8.1f} ms")
    goals = {
        ("MLPClassifier epoch", "products"): None,
        ("linear epoch", "products"): 1.6,
        ("exact epoch", "products"): 2.2,
        ("linear epoch", "MLPClassifier epoch"): 1.1,
        ("exact epoch", "MLPClassifier epoch"): 1.1,
        ("linear predict", "product"): 1.3,
        ("exact predict", "product"): 1.3,
    }
    for (name, unit), goal in goals.items():
        ratio = seconds[name] / seconds[unit]
        print(f"{f'{name} / {unit}':40s} {ratio:8.2f}{verdict(ratio, goal)}", flush=True)


def memory(options):
    """Peak of what `fit` allocates, the caller's X included, in units of data + parameters + one batch's overlaps."""
    n_rows, n_features, n_memories, batch = 20_000, 784, 1000, 500
    X = np.random.RandomState(0).uniform(-1, 1, (n_rows, n_features)).astype(np.float32)
    y = np.arange(n_rows) % 10
    unit = X.itemsize * (X.size + n_memories * (n_features + 11) + batch * n_memories)
    for readout in ("linear", "exact"):
        model = DenseAMClassifier(n_memories, readout=readout, batch_size=batch, max_iter=1, random_state=0)
        tracemalloc.start()
        model.fit(X, y)
        peak = tracemalloc.get_traced_memory()[1] + X.nbytes
        tracemalloc.stop()
        print(f"{readout:40s} {peak / unit:8.2f}{verdict(peak / unit, 3)}", flush=True)


def dense_models(recipes, options):
    """{name: (seed -> classifier, goal)} of recipes and peers that were asked for."""
    models = {
        f"DenseAM {name}": (lambda seed, kw=kw: DenseAMClassifier(random_state=seed, **kw), goal)
        for name, (kw, goal) in recipes.items()
    }
    models |= {name: (make, None) for name, make in PEERS.items()}
    return {k: v for k, v in models.items() if not options.runs or any(run in k for run in options.runs)}


def digits(options):
    X, y = load_digits(return_X_y=True)
    X = (X / 8 - 1).astype(np.float32)
    for name, (make, goal) in dense_models(DIGITS, options).items():
        scores, seconds = [], []
        for seed in range(options.seeds):
            for train, test in StratifiedKFold(10, shuffle=True, random_state=seed).split(X, y):
                elapsed, model = timed(lambda: make(seed).fit(X[train], y[train]))  # noqa: B023
                seconds.append(elapsed)
                scores.append(model.score(X[test], y[test]))
        mean = np.mean(scores)
        print(
            f"{name:28s} accuracy {mean:.4f}, {np.mean(seconds):.2f} s a fit{verdict(mean, goal, at_most=False)}",
            flush=True,
        )


def read_idx(path):
    """Array in a gzipped idx file of bytes."""
    content = gzip.decompress(path.read_bytes())
    n_axes = content[3]
    shape = np.frombuffer(content, ">u4", n_axes, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * n_axes).reshape(shape)


def images(task, path, *, test):
    """(training rows in [-1, 1], labels, rows held back, labels)."""
    if path and Path(path).is_dir():
        X, y = (
            np.concatenate([read_idx(next(Path(path).glob(f"{part}-{kind}*.gz"))) for part in ("train", "t10k")])
            for kind in ("images", "labels")
        )
    elif path:
        with np.load(path) as file:
            X, y = file["X"], file["y"]
    else:
        name = {"mnist": "mnist_784", "fashion": "Fashion-MNIST"}[task]
        X, y = fetch_openml(name, version=1, return_X_y=True, as_frame=False, parser="liac-arff")
    X, y = (X.reshape(len(X), -1) / 127.5 - 1).astype(np.float32), y.astype(int)
    train, held = (slice(0, 60_000), slice(60_000, None)) if test else (slice(0, 50_000), slice(50_000, 60_000))
    if len(y[held]) == 0:
        raise SystemExit(f"{path} has {len(y)} images; --test needs the 10,000 test images after the 60,000 others.")
    return X[train], y[train], X[held], y[held]


def compare(task, recipes, options):
    try:
        X, y, X_test, y_test = images(task, getattr(options, task), test=options.test)
    except (urllib.error.URLError, OSError) as reason:
        print(f"not measured: no images ({reason}); pass --{task} PATH")
        return
    for name, (make, goal) in dense_models(recipes, options).items():
        errors, seconds, cpu = [], [], []
        for seed in range(options.seeds):
            start = time.process_time()
            elapsed, model = timed(lambda: make(seed).fit(X, y))  # noqa: B023
            seconds.append(elapsed)
            cpu.append(time.process_time() - start)
            errors.append(100 * np.mean(model.predict(X_test) != y_test))
        mean, shown = np.mean(errors), ", ".join(f"{error:.2f}" for error in errors)
        print(
            f"{name:28s} error {mean:5.2f} % ({shown}), fit {np.mean(seconds):4.0f} s, CPU {np.mean(cpu):4.0f} s"
            f"{verdict(mean, goal)}",
            flush=True,
        )


def _scaled(regressor):
    return make_pipeline(StandardScaler(), TransformedTargetRegressor(regressor, transformer=StandardScaler()))


def regression(options):
    print(f"{'':24s}" + "".join(f"{name:>12s}" for name in REGRESSION) + "     s a fit")
    for name, make in REGRESSORS.items():
        means, seconds = [], []
        for load in REGRESSION.values():
            X, y = load()
            scores = []
            for seed in range(options.seeds):
                for train, test in KFold(5, shuffle=True, random_state=seed).split(X):
                    elapsed, model = timed(lambda: make(seed).fit(X[train], y[train]))  # noqa: B023
                    seconds.append(elapsed)
                    scores.append(model.score(X[test], y[test]))
            means.append(np.mean(scores))
        shown = "".join(f"{mean:12.3f}" for mean in means)
        print(f"{name:24s}{shown}{statistics.mean(seconds):12.2f}", flush=True)


TASKS = {
    "speed": speed,
    "memory": memory,
    "digits": digits,
    "mnist": lambda options: compare("mnist", MNIST, options),
    "fashion": lambda options: compare("fashion", FASHION, options),
    "regression": regression,
    "paper": lambda options: paper(images("mnist", options.mnist, test=options.test), options),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", default="all", choices=[*TASKS, "all"])
    for task in ("mnist", "fashion"):
        parser.add_argument(f"--{task}", metavar="PATH", help="npz file with X and y, or folder with idx files")
    parser.add_argument("--test", action="store_true", help="error on the test images")
    parser.add_argument("--runs", nargs="*", help="parts of names; default all")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3, help="rounds of the speed task")
    parser.add_argument("--cpu", action="store_true", help="processor seconds in the speed task")
    parser.add_argument("--memories", type=int, default=2000, help="memories of the paper's runs")
    parser.add_argument("--epochs", type=int, default=500, help="epochs of the paper's runs, at most")
    parser.add_argument("--settings", type=int, default=3, help="settings of the paper's runs")
    parser.add_argument("--figures", metavar="FOLDER", help="where to draw the memories of the paper's runs")
    options = parser.parse_args()
    for task in [task for task in TASKS if task != "paper"] if "all" in options.tasks else options.tasks:
        print(f"== {task}", flush=True)
        TASKS[task](options)


if __name__ == "__main__":
    main()

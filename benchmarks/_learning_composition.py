"""Tasks of ``benchmarks/learning.py``: composition."""

import time
import warnings
from math import comb

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPRegressor
from timing import say

from skamem import CompositionalRegressor

N_TEST = 2000
NODES = (
    lambda a, b: a * b,
    lambda a, b: np.tanh(a + b),
    lambda a, b: np.sin(a + b),
    lambda a, b: np.sqrt(1 + a * a + b * b),
    lambda a, b: a + b * b,
    lambda a, b: a * b + a,
    lambda a, b: np.exp(-((a - b) ** 2) / 2),
    lambda a, b: np.tanh(a - 2 * b),
)


def problem(n_features, n_rows, seed, noise=0.01):
    """(X, y, X_test, y_test, tree): a random tree of random nodes, each standardised, columns in disorder.

    The seed alone decides the function; more rows are the same ones and some more.
    """
    rng = np.random.RandomState(seed)
    columns = [int(j) for j in rng.permutation(n_features)]
    kinds = rng.randint(len(NODES), size=n_features - 1)
    test = rng.uniform(-1.7, 1.7, (N_TEST, n_features))
    X = np.concatenate([rng.uniform(-1.7, 1.7, (n_rows, n_features)), test])
    remaining = iter(kinds)

    def build(part):
        if len(part) == 1:
            return part[0], X[:, part[0]]
        (left, a), (right, b) = build(part[: len(part) // 2]), build(part[len(part) // 2 :])
        values = NODES[next(remaining)](a, b)
        known = values[n_rows:]
        return (left, right), (values - known.mean()) / known.std()

    tree, y = build(columns)
    train, test = slice(0, n_rows), slice(n_rows, None)
    return X[train], y[train] + noise * rng.standard_normal(n_rows), X[test], y[test], tree


def peers():
    """Models that know of no graph, tuned by cross-validation."""
    return {
        "KernelRidge": GridSearchCV(
            KernelRidge(kernel="rbf"), {"gamma": [0.02, 0.05, 0.1, 0.2], "alpha": [1e-4, 1e-3, 1e-2]}, cv=3
        ),
        "MLPRegressor": GridSearchCV(
            MLPRegressor(max_iter=300, random_state=0),
            {"hidden_layer_sizes": [(100,), (64, 64)], "alpha": [1e-4, 1e-2]},
            cv=3,
        ),
        "HistGradientBoosting": GridSearchCV(
            HistGradientBoostingRegressor(random_state=0), {"learning_rate": [0.05, 0.1], "max_iter": [100, 300]}, cv=3
        ),
    }


def accuracy(options):
    """R² with the graph given, beside tuned peers."""
    for n_features, n_rows, goal in ((8, 2000, 0.99), (16, 4000, 0.98)):
        found, seconds = [], []
        for seed in range(options.repeats):
            X, y, X_test, y_test, tree = problem(n_features, n_rows, seed)
            start = time.process_time()
            model = CompositionalRegressor(tree, random_state=0).fit(X, y)
            seconds.append(time.process_time() - start)
            found.append(model.score(X_test, y_test))
        told = " ".join(f"{score:.4f}" for score in found)
        met = float(np.median(found)) >= goal
        say(f"d={n_features}, {n_rows} rows: R² {told}; {np.median(seconds):.1f} s a fit", met)
        X, y, X_test, y_test, _ = problem(n_features, n_rows, 0)
        for name, peer in peers().items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                say(f"  {name}, first function: R² {peer.fit(X, y).score(X_test, y_test):.4f}")


def unordered(tree):
    """A tree without the order of its branches."""
    return frozenset(map(unordered, tree)) if isinstance(tree, tuple) else tree


def graphs(options):
    """How often the tree of eight columns is found, ten functions."""
    right = 0
    for seed in range(10):
        X, y, _, _, tree = problem(8, 2000, seed)
        model = CompositionalRegressor("learn", n_restarts=1, max_iter=20, tol=0.01, random_state=0).fit(X, y)
        same = unordered(model.graph_) == unordered(tree)
        right += same
        say(f"  seed {seed}: {'found' if same else 'not found'}, confidence {model.graph_confidence_:.2f}")
    say(f"trees found: {right} of 10", right >= 8)


def curves(options):
    """Rows needed for R² >= 0.95, and numbers to learn: the tree's, and a dense polynomial's of degree d."""
    for n_features in (4, 8, 16):
        needed = []
        for seed in range(3):
            for n_rows in (50, 100, 200, 400, 800, 1600, 3200):
                X, y, X_test, y_test, tree = problem(n_features, n_rows, seed)
                model = CompositionalRegressor(tree, random_state=0, n_restarts=3).fit(X, y)
                if model.score(X_test, y_test) >= 0.95:
                    needed.append(n_rows)
                    break
            else:
                needed.append(f"> {n_rows}")
        dense = comb(2 * n_features, n_features)
        told = ", ".join(map(str, needed))
        say(f"d={n_features}: rows {told}; coefficients {model.n_parameters_}, dense polynomial {dense}")


TASKS = {"composition": accuracy, "composition-graphs": graphs, "composition-curves": curves}

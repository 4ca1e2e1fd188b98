"""Does DenseAMClassifier serve as a drop-in, with its defaults, on small data sets that it was not tuned for?

Mean accuracy over ``StratifiedKFold(5, shuffle=True, random_state=s)``, s = 0 .. 4, against classifiers everybody
knows, the margin to the best of them, and the margin allowed.

Run ``python benchmarks/dropin.py`` (all), ``python benchmarks/dropin.py iris wine``, or with parameters of the dense
memory: ``python benchmarks/dropin.py iris --set readout=exact n_memories=200``. ``--no-peers`` leaves the others out.
"""

import argparse
import ast
import time

import numpy as np
from sklearn import datasets
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC

from skamem import DenseAMClassifier

# name: (loader, preprocessing, how far below the best peer is allowed)
DATASETS = {
    "digits": (lambda: datasets.load_digits(return_X_y=True), MinMaxScaler((-1, 1)), 0.005),
    "breast_cancer": (lambda: datasets.load_breast_cancer(return_X_y=True), StandardScaler(), 0.015),
    "wine": (lambda: datasets.load_wine(return_X_y=True), StandardScaler(), 0.015),
    "iris": (lambda: datasets.load_iris(return_X_y=True), StandardScaler(), 0.015),
    "moons": (lambda: datasets.make_moons(400, noise=0.2, random_state=0), None, 0.02),
    "circles": (lambda: datasets.make_circles(400, noise=0.1, factor=0.5, random_state=0), None, 0.02),
    "wine, unscaled": (lambda: datasets.load_wine(return_X_y=True), None, None),
    "cancer, unscaled": (lambda: datasets.load_breast_cancer(return_X_y=True), None, None),
}
PEERS = {
    "LogisticRegression": LogisticRegression(max_iter=5000),
    "KNeighbors": KNeighborsClassifier(),
    "SVC": SVC(),
    "MLP": MLPClassifier(max_iter=1000, random_state=0),
}
MIN_ACCURACY = {"digits": 0.98}


def accuracy(estimator, scaler, X, y, seeds):
    """(mean accuracy over the folds of all seeds, seconds a fit)."""
    model = estimator if scaler is None else make_pipeline(scaler, estimator)
    scores, seconds = [], 0.0
    for seed in seeds:
        for train, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(X, y):
            fitted = clone(model)
            start = time.perf_counter()
            fitted.fit(X[train], y[train])
            seconds += time.perf_counter() - start
            scores.append(np.mean(fitted.predict(X[test]) == y[test]))
    return float(np.mean(scores)), seconds / len(scores)


def parameters(settings):
    """``name=value`` strings as a dict; values are Python literals or plain strings."""
    values = {}
    for setting in settings:
        name, _, text = setting.partition("=")
        try:
            values[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            values[name] = text
    return values


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="*", help=f"any of {', '.join(DATASETS)}; default all")
    parser.add_argument("--set", nargs="*", default=[], metavar="name=value", help="parameters of DenseAMClassifier")
    parser.add_argument("--seeds", type=int, default=5, help="number of cross-validation seeds")
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    dense = DenseAMClassifier(random_state=0, **parameters(options.set))
    peers = {} if options.no_peers else PEERS
    for name in options.datasets or DATASETS:
        load, scaler, allowed = DATASETS[name]
        X, y = load()
        score, seconds = accuracy(dense, scaler, X, y, range(options.seeds))
        others = {peer: accuracy(model, scaler, X, y, range(options.seeds))[0] for peer, model in peers.items()}
        line = f"{name:17s} DenseAM {score:.4f} ({seconds:.2f} s a fit)"
        line += "".join(f" | {peer} {value:.4f}" for peer, value in others.items())
        if others:
            margin = score - max(others.values())
            line += f" | to the best {margin:+.4f}"
            if allowed is not None:
                met = margin >= -allowed and score >= MIN_ACCURACY.get(name, 0)
                line += f" (allowed {-allowed:+.3f}): {'met' if met else 'NOT MET'}"
        print(line, flush=True)


if __name__ == "__main__":
    main()

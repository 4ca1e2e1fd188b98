"""DenseAMClassifier with its defaults on a folder of tables, one CSV each whose last column is `class`; regression too.

Columns of text are categories, empty cells are missing: numbers are imputed by their mean and standardised, categories
by the most frequent and one-hot encoded. Five folds, accuracy, log loss, expected calibration error (of the confidence
in the predicted class; all rows of the five folds in ten bins), CPU of fits and predictions on one thread, and the rank
among scikit-learn's classifiers with their defaults. Their figures come from ``measured.json`` in the folder
({table: {peer: [accuracy, CPU seconds]}}) where it is, and are measured with ``--peers``, which adds log losses and
calibration errors; ``--cache FILE`` keeps what was measured of them.

Run ``python benchmarks/tables.py FOLDER`` (all), ``python benchmarks/tables.py FOLDER iris heart``, other folds with
``--seed``, other parameters with ``--set noise=0``; ``python benchmarks/tables.py --regression`` compares
DenseAMRegressor on made sets and diabetes, and needs no folder.
"""

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from dropin import parameters
from scipy.stats import rankdata
from sklearn import datasets
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, SVR
from threadpoolctl import threadpool_limits
from timing import say

from skamem import DenseAMClassifier, DenseAMRegressor

PEERS = {
    "svc": SVC(),
    "knn": KNeighborsClassifier(),
    "mlp": MLPClassifier(max_iter=500, random_state=0),
    "lr": LogisticRegression(max_iter=2000),
    "hgb": HistGradientBoostingClassifier(random_state=0),
    "rf": RandomForestClassifier(random_state=0),
}
# Of probabilities.
PROBABILITY_PEERS = {"svc": CalibratedClassifierCV(SVC(), ensemble=False), "mlp": PEERS["mlp"]}
REGRESSION_PEERS = {
    "svr": SVR(),
    "mlp": MLPRegressor(max_iter=500, random_state=0),
    "kernel ridge": KernelRidge(kernel="rbf"),
}


def read_table(path):
    """(columns, labels, preprocessing) of a CSV."""
    frame = pd.read_csv(path)
    labels = frame.pop("class").astype(str).to_numpy()
    numbers = [name for name in frame if pd.api.types.is_numeric_dtype(frame[name])]
    categories = [name for name in frame if name not in numbers]
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    preprocessing = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
            ("categories", make_pipeline(SimpleImputer(strategy="most_frequent"), encoder), categories),
        ]
    )
    return frame, labels, preprocessing


def folds_of(path, seed):
    """[(X, y, X_test, y_test)], preprocessed."""
    frame, labels, preprocessing = read_table(path)
    parts = []
    for train, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(frame, labels):
        X = preprocessing.fit_transform(frame.iloc[train])
        parts.append((X, labels[train], preprocessing.transform(frame.iloc[test]), labels[test]))
    return parts


def calibration_error(confidences, right, n_bins=10):
    """Expected calibration error: mean confidence against accuracy in equal bins of confidence, weighted by rows."""
    bins = np.minimum((confidences * n_bins).astype(int), n_bins - 1)
    gaps = np.bincount(bins, weights=confidences - right, minlength=n_bins)
    return float(np.abs(gaps).sum() / len(confidences))


def measured(estimator, folds, of_probabilities):
    """[accuracy, CPU seconds of all fits and predictions, log loss or None, calibration error or None]."""
    accuracies, losses, confidences, right, seconds = [], [], [], [], 0.0
    for X, y, X_test, y_test in folds:
        fitted = clone(estimator)
        start = time.process_time()
        found = fitted.fit(X, y).predict(X_test)
        seconds += time.process_time() - start
        accuracies.append(np.mean(found == y_test))
        if of_probabilities:
            probabilities = fitted.predict_proba(X_test)
            losses.append(log_loss(y_test, probabilities, labels=fitted.classes_))
            confidences.append(probabilities.max(axis=1))
            right.append(fitted.classes_[probabilities.argmax(axis=1)] == y_test)
    loss, error = None, None
    if of_probabilities:
        loss, error = float(np.mean(losses)), calibration_error(np.concatenate(confidences), np.concatenate(right))
    return [float(np.mean(accuracies)), seconds, loss, error]


def peers_of(name, folds, known, options):
    """{peer: [accuracy, CPU seconds, log loss or None, calibration error or None]}, known or measured."""
    found = {peer: [*values, None, None][:4] for peer, values in known.get(name, {}).items()}
    found.pop("dense", None)
    if options.peers:
        for peer, model in PEERS.items():
            if peer not in found:
                found[peer] = measured(model, folds, of_probabilities=False)
        for peer, model in PROBABILITY_PEERS.items():
            if found[peer][3] is None:
                fresh = measured(model, folds, of_probabilities=True)
                # Of one and the same classifier all is taken anew: its time stands beside the dense memory's.
                found[peer] = fresh if model is PEERS[peer] else [*found[peer][:2], *fresh[2:]]
    return found


def classify(options):
    """Print a line for each table, and the means."""
    paths = [Path(options.folder, f"{name}.csv") for name in options.tables]
    paths = paths or sorted(Path(options.folder).glob("*.csv"))
    known = {}
    for source in (Path(options.folder, "measured.json"), options.cache):
        if source and Path(source).exists():
            known |= json.loads(Path(source).read_text())
    dense = DenseAMClassifier(random_state=0, **parameters(options.set))
    rows = {}
    for path in paths:
        folds = folds_of(path, options.seed)
        results = {"dense": measured(dense, folds, of_probabilities=True)}
        peers = peers_of(path.stem, folds, known if options.seed == 99 else {}, options)
        rows[path.stem] = results | peers
        known[path.stem] = peers
        if options.cache:
            Path(options.cache).write_text(json.dumps(known, indent=1))
        print(line_of(path.stem, rows[path.stem]), flush=True)
    summary(rows)


def line_of(name, results):
    """One table in words."""
    accuracy, seconds = results["dense"][:2]
    text = f"{name:16s} {accuracy:.4f}"
    if len(results) > 1:
        scores = [round(values[0], 10) for values in results.values()]
        text += f" rank {rankdata([-score for score in scores])[0]:3.1f} |"
        text += "".join(f" {peer} {values[0]:.3f}" for peer, values in results.items() if peer != "dense")
    for column, title in ((2, "log loss"), (3, "ECE")):
        known = {c: results[c][column] for c in ("dense", *PROBABILITY_PEERS) if c in results}
        text += f" | {title} {known.pop('dense'):.3f}"
        text += "".join(f" {c} {value:.3f}" for c, value in known.items() if value is not None)
    return text + f" | {seconds:.1f} s" + (f", mlp {results['mlp'][1]:.1f} s" if "mlp" in results else "")


def summary(rows):
    """Print means and goals."""
    contenders = list(next(iter(rows.values())))
    accuracies = np.asarray([[row[c][0] for c in contenders] for row in rows.values()])
    if len(contenders) == 1:
        say(f"mean accuracy {accuracies.mean():.4f}")
        return
    ranks = np.asarray([rankdata(-np.round(scores, 10)) for scores in accuracies])
    mean_ranks = ranks.mean(axis=0)
    error = ranks[:, 0].std(ddof=1) / len(ranks) ** 0.5 if len(ranks) > 1 else np.nan
    say("mean rank " + ", ".join(f"{c} {rank:.2f}" for c, rank in zip(contenders, mean_ranks, strict=True)))
    say(f"dense {mean_ranks[0]:.2f} (standard error {error:.2f}), goal first and <= 2.6", _first(mean_ranks, 2.6))
    means = accuracies.mean(axis=0)
    say("mean accuracy " + ", ".join(f"{c} {mean:.4f}" for c, mean in zip(contenders, means, strict=True)))
    say(f"dense {means[0]:.4f}, goal .860", means[0] >= 0.86)
    behind = accuracies[:, 0] - accuracies[:, contenders.index("svc")]
    worst = int(behind.argmin())
    say(f"furthest below svc: {list(rows)[worst]} {behind[worst]:+.4f}, goal -.02", behind[worst] >= -0.02)
    share = sum(row["dense"][1] for row in rows.values()) / sum(row["mlp"][1] for row in rows.values())
    say(f"CPU {share:.2f} of mlp's, goal 1, better .5", share <= 1)
    for column, title in ((2, "log loss"), (3, "calibration error")):
        values = [[row[c][column] for c in ("dense", *PROBABILITY_PEERS)] for row in rows.values()]
        if any(value is None for row_values in values for value in row_values):
            continue
        means = np.mean(values, axis=0)
        text = ", ".join(f"{c} {mean:.4f}" for c, mean in zip(("dense", *PROBABILITY_PEERS), means, strict=True))
        say(f"mean {title} {text}, goal no larger", means[0] <= means[1:].min())


def _first(mean_ranks, most):
    return mean_ranks[0] <= min(most, mean_ranks[1:].min())


def regression_sets():
    """{name: (X, y)}: made sets at several levels of noise, with outliers and interactions, and diabetes."""
    sets = {"diabetes": datasets.load_diabetes(return_X_y=True)}
    for noise in (0.0, 1.0, 5.0):
        sets[f"friedman1, noise {noise:g}"] = datasets.make_friedman1(400, noise=noise, random_state=0)
    for make, noises in ((datasets.make_friedman2, (0.0, 200.0)), (datasets.make_friedman3, (0.0, 0.3))):
        for noise in noises:
            sets[f"{make.__name__[5:]}, noise {noise:g}"] = make(400, noise=noise, random_state=0)
    rng = np.random.RandomState(0)
    X = rng.standard_normal((300, 8))
    interactions = X[:, 0] * X[:, 1] + X[:, 2] * X[:, 3] * (X[:, 4] > 0)
    for noise in (0.1, 1.0):
        sets[f"interactions, noise {noise:g}"] = X, interactions + noise * rng.standard_normal(300)
    smooth = np.sin(2 * X[:, 0]) + X[:, 1]
    sets["outliers"] = X, smooth + np.where(rng.uniform(size=300) < 0.05, 10, 0.2) * rng.standard_normal(300)
    sets["linear, 20 features"] = datasets.make_regression(300, 20, n_informative=10, noise=50.0, random_state=0)
    return sets


def regress(options):
    """Print R² of each set, and the mean ranks."""
    contenders = {"dense": DenseAMRegressor(random_state=0, **parameters(options.set))} | REGRESSION_PEERS
    scores, seconds = [], dict.fromkeys(contenders, 0.0)
    for name, (X, y) in regression_sets().items():
        scores.append([])
        for contender, model in contenders.items():
            start = time.process_time()
            found = [
                make_pipeline(StandardScaler(), clone(model)).fit(X[train], y[train]).score(X[test], y[test])
                for train, test in KFold(5, shuffle=True, random_state=options.seed).split(X)
            ]
            seconds[contender] += time.process_time() - start
            scores[-1].append(float(np.mean(found)))
        print(f"{name:24s} R² " + " | ".join(f"{c} {s:.3f}" for c, s in zip(contenders, scores[-1], strict=True)))
    ranks = np.mean([rankdata(-np.asarray(row)) for row in scores], axis=0)
    text = ", ".join(f"{c} {rank:.2f} ({seconds[c]:.1f} s)" for c, rank in zip(contenders, ranks, strict=True))
    say(f"mean rank {text}, goal: the peers' or better", ranks[0] <= ranks[1:].min())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", help="folder of CSV files")
    parser.add_argument("tables", nargs="*", help="names of tables; default all")
    parser.add_argument("--set", nargs="*", default=[], metavar="name=value", help="parameters of the dense memory")
    parser.add_argument("--seed", type=int, default=99, help="of the folds; known figures of peers hold for 99")
    parser.add_argument("--peers", action="store_true", help="measure what is not known of the peers")
    parser.add_argument("--cache", help="JSON file that keeps the peers' figures")
    parser.add_argument("--regression", action="store_true")
    options = parser.parse_args()
    if not (options.folder or options.regression):
        parser.error("a folder, or --regression")
    warnings.simplefilter("ignore", ConvergenceWarning)
    with threadpool_limits(1):
        if options.regression:
            regress(options)
        if options.folder:
            classify(options)


if __name__ == "__main__":
    main()

"""Tasks of ``benchmarks/learning.py``: invariance."""

import warnings

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures
from timing import medians, say

from skamem import InvariantProjection
from skamem.datasets import make_transformed

MOVES = {"shift": 2, "rotation": 15}
N_UNSEEN = 300  # images of classes never seen, of which copies are compared
N_COMPONENTS = (2, 5, 10, 20, 40)  # of PCA, scaled to unit variance or not; the best is taken


def invariance(options):
    """Are copies of an image told from copies of others, on classes never seen?

    By pixels, and by products of two of their principal components.
    """
    for products in (False, True):
        _compare("digits", *_digits(), (30, 100, 400, 1200), products, n_seeds=10)
        if options.mnist:
            _compare("MNIST", *_mnist(options.mnist), (50, 200, 1000), products, n_seeds=5)


def invariance_time(options):
    """Seconds to fit, and to make what is fitted; beside discriminant analysis."""
    images, _ = _digits()
    images = np.repeat(images, 4, axis=0)
    X, identity = make_transformed(images, **MOVES, n_copies=2, random_state=0)
    X = X.reshape(len(X), -1)
    times = medians(
        {
            "make_transformed": lambda: make_transformed(images, **MOVES, n_copies=2, random_state=0),
            "InvariantProjection": lambda: InvariantProjection().fit(X, identity),
            "LDA by class": lambda: LinearDiscriminantAnalysis().fit(X, identity % 10),
        },
        options.repeats,
    )
    for name, seconds in times.items():
        say(f"{len(X)} images of {X.shape[1]} pixels, {name}: {seconds:.2f} s")


def _digits():
    digits = load_digits()
    return np.pad(digits.images, ((0, 0), (3, 3), (3, 3))), digits.target  # so that movements cut nothing


def _mnist(file):
    with np.load(file) as data:
        chosen = np.random.RandomState(0).permutation(len(data["y"]))[:20_000]
        return data["X"][chosen].reshape(-1, 28, 28).astype(np.float32), data["y"][chosen]


def _compare(name, images, labels, sizes, products, n_seeds):
    ink = images.sum(axis=(1, 2), keepdims=True)
    if not products:
        say(f"{name}, AUC by the amount of ink alone: {_mean([_ink(images, labels, seed) for seed in range(n_seeds)])}")
    for n_identities in sizes:
        scores = [_scores(images / ink, labels, n_identities, seed, products) for seed in range(n_seeds)]
        say(
            f"{name}, {'products' if products else 'pixels'}, {n_identities} identities, {n_seeds} seeds, "
            f"{scores[0]['copies']} copies each:"
        )
        for key in [name for name in scores[0] if name != "copies"]:
            say(f"  {key:<34} {_mean_of(scores, key)}")
        ours = [score["projection"] for score in scores]
        for peer in ("raw", "PCA, the best of ten", "LDA by class", "LDA by class, shrunk", "LDA by identity"):
            margins = [mine - score[peer] for mine, score in zip(ours, scores, strict=True)]
            goal = 0.0 if peer == "LDA by identity" else 0.05
            say(f"  above {peer}: {_mean(margins)}", float(np.mean(margins)) >= goal)


def _ink(images, labels, seed):
    rng = np.random.RandomState(seed)
    rows, whose, _ = _copies(images, labels, np.isin(labels, rng.permutation(10)[:3]), N_UNSEEN, 6, rng)
    return _same_or_different(rows.sum(axis=1, keepdims=True), whose)


def _scores(images, labels, n_identities, seed, products):
    """AUC of distances between copies of one image against those of two, by features."""
    rng = np.random.RandomState(seed)
    unseen = np.isin(labels, rng.permutation(10)[:3])
    n_copies = 10
    X, identity, y = _copies(images, labels, ~unseen, n_identities, n_copies, rng)
    rows, whose, _ = _copies(images, labels, unseen, N_UNSEEN, 6, rng)
    X, rows = X / X.std(), rows / X.std()
    if products:
        features = make_pipeline(PCA(25, random_state=0), PolynomialFeatures(2, include_bias=False)).fit(X)
        X, rows = features.transform(X), features.transform(rows)
    principal = PCA(max(N_COMPONENTS), random_state=0).fit(X)
    deviations = np.sqrt(principal.explained_variance_)
    projection = InvariantProjection().fit(X, identity)
    unshrunk = clone(projection).set_params(n_components=projection.n_components_, shrinkage=None)
    found = {
        "copies": n_copies,
        "components": projection.n_components_,
        "shrinkage": projection.shrinkage_,
        "raw": _same_or_different(rows, whose),
        "PCA, the best of ten": max(
            _same_or_different(features[:, :n], whose)
            for features in (principal.transform(rows), principal.transform(rows) / deviations)
            for n in N_COMPONENTS
        ),
        "projection": _same_or_different(projection.transform(rows), whose),
    }
    peers = {
        "LDA by class": (LinearDiscriminantAnalysis(), y),
        "LDA by class, shrunk": (LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto"), y),
        "LDA by identity": (unshrunk, identity),
    }
    for name, (peer, targets) in peers.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pixels that never vary
            # Discriminant analysis takes pixels of 1e-3 for constant ones, and those that are for reasons to fail.
            fitted = make_pipeline(_Varying(), peer).fit(X, targets)
        found[name] = _same_or_different(fitted.transform(rows), whose)
    every = clone(projection).set_params(n_components=None).fit(X, identity).transform(rows)
    found["best number of components"] = max(_same_or_different(every[:, :n], whose) for n in range(1, 16))
    return found


class _Varying:
    """Columns that vary, all by one scale, for peers that others break."""

    def fit(self, X, y=None):
        deviations = X.std(axis=0)
        self.kept, self.scale = deviations > 0, deviations.max()
        return self

    def transform(self, X):
        return X[:, self.kept] / self.scale

    def fit_transform(self, X, y=None):
        return self.fit(X).transform(X)


def _copies(images, labels, chosen, n_images, n_copies, rng):
    index = rng.permutation(np.flatnonzero(chosen))[:n_images]
    moved, identity = make_transformed(images[index], **MOVES, n_copies=n_copies, random_state=rng)
    return moved.reshape(len(moved), -1), identity, labels[index][identity]


def _same_or_different(features, whose):
    """Copies of one image are alternately compared with each other and with those of the next image."""
    copies = features.reshape(-1, whose.max() + 1, features.shape[1])
    same = np.linalg.norm(copies[1:] - copies[:-1], axis=2).ravel()
    different = np.linalg.norm(copies[1:] - np.roll(copies[:-1], 1, axis=1), axis=2).ravel()
    return roc_auc_score(np.repeat([1, 0], [same.size, different.size]), -np.concatenate([same, different]))


def _mean(values):
    return f"{np.mean(values):.3f} (standard error {np.std(values, ddof=1) / np.sqrt(len(values)):.3f})"


def _mean_of(scores, key):
    return _mean([score[key] for score in scores])


TASKS = {"invariance": invariance, "invariance_time": invariance_time}

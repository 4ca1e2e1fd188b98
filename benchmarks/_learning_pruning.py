"""Tasks of ``benchmarks/learning.py``: pruning, and whether what it leaves is local."""

import time
import warnings

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from timing import say

from skamem import DenseAMClassifier, MagnitudePruning
from skamem.datasets import make_transformed
from skamem.supervised.pruning import mask_locality

N_IMAGES, N_TEST, N_COPIES, SHIFT = 2000, 4000, 5, 2


def images_of(options):
    """(images, labels, new images, their labels): MNIST at half its resolution, or digits with a margin."""
    if options.mnist:
        data = np.load(options.mnist)
        images = data["X"].reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)) / 255
        first, last = slice(0, N_IMAGES), slice(-N_TEST, None)
        return images[first], data["y"][first], images[last], data["y"][last]
    images, labels = load_digits(return_X_y=True)
    images = np.pad(images.reshape(-1, 8, 8) / 16, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT)))
    images, new, y, y_new = train_test_split(images, labels, test_size=0.3, stratify=labels, random_state=0)
    return images, y, new, y_new


def copies(images, labels, shift, seed):
    """As many rows for images in place as for moved ones."""
    moved, which = make_transformed(images, shift=shift, n_copies=N_COPIES, random_state=seed)
    return moved.reshape(len(moved), -1), labels[which]


def locality(network, sparsities, options):
    """Masks of moved images and of images in place: their locality, and the accuracy before and after."""
    warnings.simplefilter("ignore", ConvergenceWarning)  # epochs are counted out
    images, labels, new, labels_new = images_of(options)
    shape, z = images.shape[1:], {}
    for name, shift in (("moved", SHIFT), ("in place", 0)):
        X, y = copies(images, labels, shift, 0)
        X_new, y_new = copies(new, labels_new, shift, 1)
        whole = clone(network).fit(X, y).score(X_new, y_new)
        for sparsity in sparsities:
            start = time.perf_counter()
            pruning = MagnitudePruning(network, sparsity=sparsity, fraction=0.3, image_shape=shape, random_state=0)
            pruned = pruning.fit(X, y).score(X_new, y_new)
            seconds, found = time.perf_counter() - start, pruning.locality_
            z[name, sparsity] = found.z
            say(
                f"{name}, sparsity {pruning.sparsity_:.3f}: {found.mean_distance:.3f} pixels apart, by chance "
                f"{found.null_mean:.3f} ± {found.null_std:.3f}, z = {found.z:.1f}, p = {found.p_value:.4f} "
                f"({seconds:.0f} s)",
                found.p_value < 0.001 if shift else None,
            )
            say(f"    accuracy on new images {whole:.4f}, pruned {pruned:.4f}", pruned > whole - 0.01)
    for sparsity in sparsities:
        moved, still = z["moved", sparsity], z["in place", sparsity]
        say(f"sparsity {sparsity}: z of moved images {moved:.1f}, of images in place {still:.1f}", moved > still)


def pruned_perceptron(options):
    """MLPClassifier of 400 hidden units."""
    locality(MLPClassifier((400,), max_iter=30, tol=0.0, n_iter_no_change=30, random_state=0), (0.9, 0.95), options)


def pruned_memories(options):
    """DenseAMClassifier of 400 memories."""
    network = DenseAMClassifier(400, max_iter=30, noise=0.3, weight_decay=0.2, random_state=0)
    locality(network, (0.9, 0.95), options)


def null_of_masks(options):
    """Share of p-values below 0.05 for masks that are drawn by pixel weights, which are as local as chance has them."""
    rng = np.random.default_rng(0)
    centre = np.exp(-(np.linalg.norm(np.indices((14, 14)) - 6.5, axis=0) ** 2) / 20).ravel()
    p = [
        mask_locality(rng.random((100, 196)) < 0.2 * centre, (14, 14), n_permutations=199, random_state=seed).p_value
        for seed in range(100)
    ]
    share = np.mean(np.asarray(p) <= 0.05)
    say(f"masks drawn by pixel weights: {share:.2f} of the p-values below 0.05", share <= 0.12)


def one_shot(options):
    """Accuracy on new digits after one round and after many, by estimator and scope."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    X, y = load_digits(return_X_y=True)
    X, X_new, y, y_new = train_test_split(X / 16, y, test_size=0.5, stratify=y, random_state=0)
    networks = {
        "DenseAMClassifier": DenseAMClassifier(100, max_iter=40, noise=0.3, weight_decay=0.2, random_state=0),
        "MLPClassifier": MLPClassifier(max_iter=60, random_state=0),
        "LogisticRegression": LogisticRegression(max_iter=500),
    }
    for name, network in networks.items():
        told = [f"whole {clone(network).fit(X, y).score(X_new, y_new):.3f}"]
        for scope in ("global", "layer"):
            for n_rounds in (1, 8):
                pruning = MagnitudePruning(network, n_rounds=n_rounds, scope=scope, random_state=0).fit(X, y)
                told.append(f"{scope}, {n_rounds} rounds {pruning.score(X_new, y_new):.3f}")
        say(f"{name:20} sparsity 0.9  " + "   ".join(told))


TASKS = {
    "pruned_perceptron": pruned_perceptron,
    "pruned_memories": pruned_memories,
    "null_of_masks": null_of_masks,
    "one_shot": one_shot,
}

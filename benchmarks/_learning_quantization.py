"""Tasks of ``benchmarks/learning.py``: quantization."""

import statistics
import time

import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from timing import say

from skamem import HierarchicalVectorQuantizer

N_TRAIN = 10_000  # images of MNIST: ten starts of k-means on all of them would take an hour


class Flat:
    """k-means with ten starts, asked as a quantizer is."""

    def __init__(self, n_codes, **options):
        self.n_codes, self.options = n_codes, {"n_init": 10, "random_state": 0, **options}

    def fit(self, X):
        self.means = KMeans(self.n_codes, **self.options).fit(X)
        self.rate_, self.n_stored_ = np.log2(self.n_codes), self.means.cluster_centers_.size
        return self

    def transform(self, X):
        return self.means.predict(X)

    def score(self, X):
        return self.means.score(X) / len(X)


def encoding_times(contenders, X, repeats):
    """Median microseconds of CPU time a row, in turn: other processes do not count."""
    times = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, model in contenders.items():
            start = time.process_time()
            model.transform(X)
            times[name].append(time.process_time() - start)
    return {name: 1e6 * statistics.median(values) / len(X) for name, values in times.items()}


def compared(train, new, image_shape, patch_size, sizes, repeats):
    """Flat books, patches alone and two levels: at equal numbers stored, and at equal rate."""
    options = {"image_shape": image_shape, "patch_size": patch_size, "output": "top", "random_state": 0}
    total = np.mean(np.sum((new - train.mean(axis=0)) ** 2, axis=1))
    for size in sizes:
        two = HierarchicalVectorQuantizer((size // 4, size), **options)
        contenders = {
            "flat": Flat(size),
            "two levels": two,
            "patches alone": HierarchicalVectorQuantizer(size, **options),
        }
        for model in contenders.values():
            model.fit(train)
        contenders["flat of as many numbers"] = Flat(round(two.n_stored_ / train.shape[1])).fit(train)
        times = encoding_times(contenders, new, repeats)
        lost = {}
        for name, model in contenders.items():
            seen, lost[name] = -model.score(train) / total, -model.score(new) / total
            say(
                f"{size:4} {name:24} {model.rate_:6.1f} bits {model.n_stored_:7} numbers   distortion in training "
                f"{seen:.3f}, new {lost[name]:.3f}   {times[name]:6.2f} us a row"
            )
        flat, more, less = (contenders[name] for name in ("flat", "patches alone", "flat of as many numbers"))
        share = lost["patches alone"] / lost["flat"]
        say(
            f"     equal numbers: patches lose {share:.2f} of what flat loses, with {more.rate_ / flat.rate_:.1f} "
            "times the bits",
            share < 1,
        )
        say(
            f"     equal rate: two levels store {two.n_stored_ / flat.n_stored_:.2f} of the numbers and lose "
            f"{lost['two levels'] / lost['flat']:.2f} of what flat loses, coding takes "
            f"{times['two levels'] / times['flat']:.2f} of its time",
            two.n_stored_ < 0.5 * flat.n_stored_,
        )
        share = lost["two levels"] / lost["flat of as many numbers"]
        say(
            f"     {two.n_stored_} against {less.n_stored_} numbers: two levels lose {share:.2f} of what flat loses",
            share < 1,
        )


def digits(options):
    """Digits: 1,200 to learn from, the others to judge by."""
    train, new = train_test_split(load_digits().data, train_size=1200, random_state=0)
    compared(train, new, (8, 8), 4, (16, 64, 256), options.repeats)


def mnist(options):
    """MNIST in patches of 7 x 7: trained on 10,000 images, judged by the last 10,000 of the training file."""
    if options.mnist is None:
        say("mnist: give --mnist FILE")
        return
    X = np.load(options.mnist)["X"].astype(np.float32) / 255
    compared(X[:N_TRAIN], X[-10_000:], (28, 28), 7, (64, 256), options.repeats)


def coding(options):
    """Time to code MNIST by 1,024 codes of whole images: the books need not be good for that."""
    if options.mnist is None:
        say("coding: give --mnist FILE")
        return
    X = np.load(options.mnist)["X"].astype(np.float32) / 255
    train, new = X[:2000], X[-10_000:]
    quick = {"image_shape": (28, 28), "output": "top", "random_state": 0, "max_iter": 1}
    contenders = {
        "flat": Flat(1024, n_init=1, max_iter=3).fit(train),
        "two levels": HierarchicalVectorQuantizer((64, 1024), **quick).fit(train),
        "three levels": HierarchicalVectorQuantizer((32, 64, 1024), **quick).fit(train),
    }
    times = encoding_times(contenders, new, options.repeats)
    for name, micro in times.items():
        say(f"1024 codes, {name}: {micro:.2f} us a row", None if name == "flat" else micro < times["flat"])


TASKS = {"quantization-digits": digits, "quantization-mnist": mnist, "quantization-coding": coding}

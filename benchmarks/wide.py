"""Wide data: few patterns of many units, whose weights are held as factors.

Run: python benchmarks/wide.py [fit images narrow] [--cues 1000] [--side 200]

``fit``: 100 patterns of 20,000 units, seconds and the peak of what is allocated beside the data. ``images``: 100
patterns of 200 x 200 pixels, and cues with 30 % of the pixels flipped, recalled one unit after another. ``narrow``:
with more patterns than half of the units the weights are a matrix, as they were: recall beside a bare product.
"""

import argparse
import time
import tracemalloc
import warnings

import numpy as np
from threadpoolctl import threadpool_limits
from timing import medians, say

from skamem import HebbianMemory, HopfieldNetwork, MemoryClassifier, PseudoinverseMemory
from skamem.core.factors import Factors
from skamem.datasets import make_patterns


def measured(run):
    """Seconds of a run, and in another run the peak of bytes allocated."""
    start = time.perf_counter()
    run()
    seconds = time.perf_counter() - start
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return seconds, peak


def fit(options):
    n_patterns, n_units = 100, 20_000
    X, y = make_patterns(n_patterns, n_units, random_state=0), np.arange(n_patterns) % 2
    say(f"{n_patterns} patterns of {n_units:,} units, float64, {X.nbytes / 1e6:.0f} MB")
    for estimator in (
        HebbianMemory(),
        PseudoinverseMemory(),
        HopfieldNetwork(),
        HopfieldNetwork("pseudoinverse"),
        MemoryClassifier(),
    ):
        seconds, peak = measured(lambda estimator=estimator: estimator.fit(X, y))
        name = f"{type(estimator).__name__}({getattr(estimator, 'rule', '')})"
        say(
            f"  {name:32s} fit {seconds:6.2f} s, peak {peak / X.nbytes:5.1f} x the data",
            seconds < 1 and peak < 10 * X.nbytes,
        )


def images(options):
    n_units = options.side**2
    X = make_patterns(100, n_units, random_state=0)
    cues = np.tile(X, (-(-options.cues // 100), 1))[: options.cues]
    cues = np.where(np.random.default_rng(1).random(cues.shape) < 0.3, -cues, cues)
    say(f"100 patterns of {options.side} x {options.side} pixels, {options.cues} cues with 30 % flips, asynchronous")
    for dtype in ("float64", "float32"):
        network = HopfieldNetwork(random_state=0).fit(X.astype(dtype))
        there = cues.astype(dtype)
        start = time.perf_counter()
        recall = network.recall(there)
        seconds = time.perf_counter() - start
        some = there[: max(1, options.cues // 10)]
        tracemalloc.start()
        network.recall(some)
        small = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        right = float((recall.states == np.tile(X, (-(-options.cues // 100), 1))[: options.cues]).all(axis=1).mean())
        say(
            f"  {dtype}: {seconds:.1f} s, {recall.n_steps.max()} sweeps at most, {100 * right:.1f} % exact",
            seconds < 60,
        )
        say(f"  peak of a tenth of the cues {small / 1e6:.0f} MB beside {some.nbytes / 1e6:.0f} MB of cues")
        tracemalloc.start()
        network.recall(there)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        say(f"  peak of all {peak / 1e6:.0f} MB beside {there.nbytes / 1e6:.0f} MB of cues", peak < 1e9)


def narrow(options):
    X = make_patterns(1000, 1500, random_state=0)
    memory = HebbianMemory(n_recall_steps=1, check_stored=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        memory.fit(X)
    weights = memory.correlation_
    kind = "factors" if isinstance(memory.as_field().weights, Factors) else "a matrix"
    times = medians({"recall": lambda: memory.predict(X), "products": lambda: np.sign(X @ weights)}, options.repeats)
    say(f"1,000 patterns of 1,500 units are held as {kind}", kind == "a matrix")
    say(f"  a step of recall takes {times['recall'] / times['products']:.2f} x the bare product and its sign")


TASKS = {"fit": fit, "images": images, "narrow": narrow}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", choices=[*TASKS, []], default=[])
    parser.add_argument("--threads", type=int, default=1, help="threads of the BLAS")
    parser.add_argument("--cues", type=int, default=1000, help="cues to recall")
    parser.add_argument("--side", type=int, default=200, help="pixels of a side of the images")
    parser.add_argument("--repeats", type=int, default=5, help="repeats of what is timed")
    options = parser.parse_args()
    with threadpool_limits(options.threads):
        for name in options.tasks or TASKS:
            TASKS[name](options)


if __name__ == "__main__":
    main()

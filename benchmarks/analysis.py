"""Analysis side by side: a basin profile of 100,000 probes by one job and by two.

Run: python benchmarks/analysis.py [--probes 100000] [--repeats 7]

One BLAS thread a job. All contenders in turn within one run, after a first call that starts the workers; the best of
the repeats, since other load can only slow them. The numbers must be the same. Threads are there for comparison, and so
is what two processors are worth on this machine at all: matrix products of two threads, which share nothing.
"""

import argparse
import threading
import time
import warnings

import joblib
import numpy as np
from threadpoolctl import threadpool_limits

from skamem import HebbianMemory, HopfieldNetwork
from skamem.analysis import basin_profile
from skamem.datasets import make_patterns
from skamem.exceptions import CapacityWarning

CASES = {
    "100 units, at once": HebbianMemory(),
    "500 units, at once": HebbianMemory(),
    "200 units, in turn": HopfieldNetwork(random_state=0),
}


def seconds(run):
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result


def profile(memory, patterns, n_probes, n_jobs, backend):
    distances = np.linspace(0, patterns.shape[1] // 2, 21).astype(int)
    with joblib.parallel_config(backend=backend):
        return basin_profile(
            memory, patterns, distances=distances, n_probes=max(1, n_probes // (len(patterns) * len(distances))),
            n_jobs=n_jobs, random_state=0,
        )  # fmt: skip


def products(n_threads):
    """Matrix products, divided among threads."""

    def work():
        matrix = np.random.RandomState(0).normal(size=(500, 500))
        for _ in range(60 // n_threads):
            matrix @ matrix

    threads = [threading.Thread(target=work) for _ in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def compare(name, contenders, repeats):
    best, results = {}, {}
    for _ in range(repeats):
        for label, run in contenders.items():
            spent, results[label] = seconds(run)
            best[label] = min(best.get(label, np.inf), spent)
    first, *others = best
    line = f"{name:22}{first} {best[first]:6.2f} s"
    for label in others:
        line += f"   {label} {best[label]:6.2f} s, x{best[first] / best[label]:4.2f}"
    print(line)
    return results.values()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--probes", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    warnings.simplefilter("ignore", CapacityWarning)
    with threadpool_limits(1):
        for name, memory in CASES.items():
            n_units = int(name.split()[0])
            patterns = make_patterns(n_units // 12, n_units, random_state=0)
            memory.fit(patterns)

            def asking(n_jobs, backend, memory=memory, patterns=patterns):
                return lambda: profile(memory, patterns, options.probes, n_jobs, backend)

            asking(2, "loky")()
            contenders = {"1 job": asking(1, "loky"), "2 jobs": asking(2, "loky"), "2 threads": asking(2, "threading")}
            found = compare(name, contenders, options.repeats)
            assert len({result.counts.tobytes() for result in found}) == 1, "the numbers depend on the jobs"
        compare("matrix products", {"1 thread": lambda: products(1), "2 threads": lambda: products(2)}, options.repeats)


if __name__ == "__main__":
    main()

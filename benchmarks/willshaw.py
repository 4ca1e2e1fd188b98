"""Binary weights: how much a WillshawMemory holds, how well it recalls, and what a large one costs.

Run: python benchmarks/willshaw.py [--units 100000 --pairs 100000] [--storage auto] [--skip-statistics]

Prints, for growing nets at the optimum k = log2 n with half of the synapses on: the false-one rate measured against the
exact sum and the independence approximation, and bits a synapse measured against what the exact sum predicts (the limit
is ln 2 = .693). Then the share of patterns recalled without a fault from parts of them, with and without feedback. Then
time and peak memory of one large net of k = 17.
"""

import argparse
import math
import resource
import time
import warnings
from fractions import Fraction

import numpy as np
import scipy.sparse

from skamem import WillshawMemory
from skamem.exceptions import CapacityWarning


def sparse_patterns(n_patterns, n_units, n_active, rng):
    """Random patterns with exactly `n_active` active units, as csr."""
    units = rng.randint(n_units, size=(n_patterns, n_active))
    while True:
        units.sort(axis=1)
        again = np.flatnonzero((np.diff(units, axis=1) == 0).any(axis=1))
        if not len(again):
            break
        units[again] = rng.randint(n_units, size=(len(again), n_active))
    ends = np.arange(0, units.size + 1, n_active)
    ones = np.ones(units.size, dtype=np.float32)
    return scipy.sparse.csr_array((ones, units.ravel(), ends), shape=(n_patterns, n_units))


def parts_of(patterns, n_kept, rng):
    """Cues: `n_kept` active units of each pattern."""
    n_active = patterns.indptr[1]
    chosen = rng.random_sample((patterns.shape[0], n_active)).argsort(axis=1)[:, :n_kept]
    units = np.take_along_axis(patterns.indices.reshape(-1, n_active), np.sort(chosen, axis=1), axis=1)
    ends = np.arange(0, units.size + 1, n_kept)
    return scipy.sparse.csr_array((np.ones(units.size, dtype=np.float32), units.ravel(), ends), shape=patterns.shape)


def false_one_rate(n_units, n_active, n_patterns):
    """Exact, for pairs: a unit that is off in y has a synapse from all active units of x, by inclusion-exclusion."""
    total = 0.0
    for s in range(n_active + 1):
        none_active = Fraction(math.comb(n_units - s, n_active), math.comb(n_units, n_active))
        left_off = 1 - Fraction(n_active, n_units) * (1 - none_active)
        total += (-1) ** s * math.comb(n_active, s) * math.exp((n_patterns - 1) * math.log(left_off))
    return total


def bits_per_synapse(n_units, n_active, n_patterns, false_rate):
    """Information of the recalled outputs about the stored ones, which have no missing ones, over n² synapses.

    Choosing k of n units takes log2 C(n, k) bits; of the k + e units that recall gives, log2 C(k + e, k) are left open.
    """
    expected = n_active + false_rate * (n_units - n_active)

    def log2_choose(n):
        return (math.lgamma(n + 1) - math.lgamma(n_active + 1) - math.lgamma(n - n_active + 1)) / math.log(2)

    return n_patterns * (log2_choose(n_units) - log2_choose(expected)) / n_units**2


def capacity(sizes, rng):
    print("\npairs at k = log2 n, half of the synapses on, one pass from whole cues (1000 of them)")
    print(f"{'n':>6}{'k':>4}{'pairs':>9}{'on':>7}  false ones: {'measured':>9}{'exact':>9}{'p^k':>9}  "
          f"bits a synapse: {'measured':>9}{'exact':>8}{'seconds':>9}")  # fmt: skip
    for n in sizes:
        k = round(math.log2(n))
        m = round(math.log(2) * n**2 / k**2)
        X, Y = sparse_patterns(m, n, k, rng), sparse_patterns(m, n, k, rng)
        start = time.perf_counter()
        memory = WillshawMemory(target="y").fit(X, Y)
        shown = rng.permutation(m)[:1000]
        recalled = memory.recall(X[shown]).states
        seconds = time.perf_counter() - start
        assert (recalled.multiply(Y[shown])).nnz == k * len(shown)  # no stored one is missed
        measured = (recalled.nnz - k * len(shown)) / (len(shown) * (n - k))
        exact, density = false_one_rate(n, k, m), memory.density_
        print(f"{n:6}{k:4}{m:9}{density:7.3f}  {'':12}{measured:9.5f}{exact:9.5f}{0.5**k:9.5f}  {'':16}"
              f"{bits_per_synapse(n, k, m, measured):9.3f}{bits_per_synapse(n, k, m, exact):8.3f}"
              f"{seconds:9.1f}")  # fmt: skip


def feedback(rng):
    print("\npatterns recalled without a fault, in %, from 6 of 10 active units of 1024 (500 cues)")
    rules = {"match, 1 step": ("match", 1), "match": ("match", 100), "winners": ("winners", 100), "sum >= 6": (6, 1)}
    print(f"{'synapses on':>12}{'patterns':>10}" + "".join(f"{name:>15}" for name in rules))
    for on in (0.1, 0.2, 0.3, 0.35, 0.4, 0.5):
        m = round(-math.log(1 - on) * 1024**2 / 10**2)
        patterns = sparse_patterns(m, 1024, 10, rng)
        cues, row = parts_of(patterns[:500], 6, rng), f"{on:12.2f}{m:10}"
        for threshold, n_steps in rules.values():
            memory = WillshawMemory(threshold, n_recall_steps=n_steps).fit(patterns)
            wrong = np.diff((memory.transform(cues) != patterns[:500]).tocsr().indptr)
            row += f"{100 * np.mean(wrong == 0):15.1f}"
        print(row)


def large(n_units, n_pairs, storage, rng):
    print(f"\n{n_units} units, 17 active, {n_pairs} pairs, storage={storage!r}")
    X, Y = sparse_patterns(n_pairs, n_units, 17, rng), sparse_patterns(n_pairs, n_units, 17, rng)
    print(f"  peak memory before              {peak():8.2f} GiB")
    start = time.perf_counter()
    memory = WillshawMemory(target="y", storage=storage).fit(X, Y)
    print(f"  stored as {memory.storage_:22}{time.perf_counter() - start:8.1f} s, peak {peak():.2f} GiB")
    expected = 1 - (1 - 17**2 / n_units**2) ** n_pairs
    print(f"  synapses on                     {memory.density_:8.6f} (law: {expected:.6f})")
    start = time.perf_counter()
    recalled = memory.recall(parts_of(X[:1000], 12, rng)).states
    print(f"  1000 cues, 12 of 17 active units{time.perf_counter() - start:8.1f} s, peak {peak():.2f} GiB")
    print(f"  missed ones {17000 - recalled.multiply(Y[:1000]).nnz}, false ones {(recalled - Y[:1000]).nnz}")


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--units", type=int, default=100_000)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--storage", default="auto", choices=["auto", "sparse", "packed"])
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256, 512, 1024, 2048, 4096])
    parser.add_argument("--skip-statistics", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", CapacityWarning)
    rng = np.random.RandomState(0)
    if not arguments.skip_statistics:
        capacity(arguments.sizes, rng)
        feedback(rng)
    large(arguments.units, arguments.pairs, arguments.storage, rng)


if __name__ == "__main__":
    main()

"""Recall speed: asynchronous against synchronous, against bare matrix products, and against honest loops.

Run: python benchmarks/recall.py [--threads 1] [--repeats 7]

Every ratio is taken within one run, the contenders in turn, medians over the repeats. BLAS threads are pinned.
"""

import argparse
import statistics
import time

import numpy as np
from threadpoolctl import threadpool_limits

from skamem import HebbianMemory
from skamem.datasets import corrupt, make_patterns


def loop_sync(weights, states, n_steps=100):
    """The honest four lines."""
    for _ in range(n_steps):
        field = states @ weights
        new = np.where(field == 0, states, np.sign(field))
        if (new == states).all():
            break
        states = new
    return states


def loop_async(weights, state, order, n_sweeps=100):
    """One unit of one probe at a time."""
    state = state.copy()
    for _ in range(n_sweeps):
        before = state.copy()
        for unit in order:
            field = weights[unit] @ state
            if field != 0:
                state[unit] = 1.0 if field > 0 else -1.0
        if (before == state).all():
            break
    return state


def medians(contenders, repeats):
    """Median seconds of each contender, run in turn."""
    times = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, run in contenders.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def compare(n_units, n_patterns, n_probes, rate, dtype, repeats):
    patterns = make_patterns(n_patterns, n_units, random_state=0).astype(dtype)
    which = np.random.RandomState(1).randint(n_patterns, size=n_probes)
    cues = corrupt(patterns[which], "flip", rate, random_state=2)
    sync = HebbianMemory(zero_diagonal=True).fit(patterns)
    asynchronous = HebbianMemory(zero_diagonal=True, update="async", random_state=0).fit(patterns)
    one_sweep = HebbianMemory(zero_diagonal=True, update="async", n_recall_steps=1, random_state=0).fit(patterns)
    weights = sync.correlation_ - np.diag(np.diag(sync.correlation_))
    order = np.random.RandomState(asynchronous.order_seed_).permutation(n_units)
    few = min(5, n_probes)

    assert np.array_equal(sync.predict(cues), loop_sync(weights, cues))
    expected = np.vstack([loop_async(weights, cue, order) for cue in cues[:few]])
    assert np.array_equal(asynchronous.predict(cues)[:few], expected)

    seconds = medians(
        {
            "bare product S @ W": lambda: cues @ weights,
            "synchronous": lambda: sync.predict(cues),
            "4-line NumPy loop, synchronous": lambda: loop_sync(weights, cues),
            "asynchronous, one sweep": lambda: one_sweep.predict(cues),
            "asynchronous": lambda: asynchronous.predict(cues),
            "one unit at a time": lambda: [loop_async(weights, cue, order) for cue in cues[:few]],
        },
        repeats,
    )
    print(f"\n{n_units} units, {n_patterns} patterns, {n_probes} probes, {100 * rate:.0f} % flips, {np.dtype(dtype)}")
    for name, value in seconds.items():
        probes = few if name == "one unit at a time" else n_probes
        print(f"  {name:32}{1e3 * value:9.1f} ms {1e6 * value / probes:11.1f} µs a probe")
    one_probe = seconds["one unit at a time"] / few / (seconds["asynchronous"] / n_probes)
    print(f"  asynchronous / synchronous          {seconds['asynchronous'] / seconds['synchronous']:8.2f}")
    print(f"  synchronous / 4-line loop           "
          f"{seconds['synchronous'] / seconds['4-line NumPy loop, synchronous']:8.2f}")  # fmt: skip
    print(f"  one asynchronous sweep / bare       "
          f"{seconds['asynchronous, one sweep'] / seconds['bare product S @ W']:8.2f}")  # fmt: skip
    print(f"  one unit at a time / asynchronous   {one_probe:8.1f}   (per probe)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    print(f"numpy {np.__version__}, {arguments.threads} BLAS thread(s)")
    with threadpool_limits(arguments.threads):
        for n_probes in (1000, 200):
            for dtype in (np.float64, np.float32):
                compare(1000, 50, n_probes, 0.1, dtype, arguments.repeats)


if __name__ == "__main__":
    main()

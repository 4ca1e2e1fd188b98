"""Work on Dask's workers: two against one, and stored patterns in shards against one memory.

    python benchmarks/workers.py                    all
    python benchmarks/workers.py fit shards         some
    python benchmarks/workers.py fit --rows 200000

Workers are processes of this machine with one thread each. One and two of them take turns, so that what else the
machine does meets both alike; its load is printed. On a busy machine waiting for it hides what a second worker gains:
what the busiest worker computed, in seconds of its processor, is printed, too, and the ratio is the gain where nothing
else runs. Blocks are drawn on the workers, in less time than they are learnt.

(Not called distributed.py: beside it, ``import distributed`` would find it.)
"""

import argparse
import contextlib
import os
import statistics
import time
import warnings

import dask
import numpy as np
from distributed import Client, LocalCluster
from timing import say

from skamem import HebbianMemory, InvariantProjection, ModernHopfieldMemory
from skamem.distributed import ShardedMemory, fit_blocks
from skamem.exceptions import CapacityWarning

N_UNITS = 512


@contextlib.contextmanager
def workers(number):
    """A client of so many single-threaded processes, warmed up."""
    with (
        LocalCluster(n_workers=number, threads_per_worker=1, dashboard_address=":0", silence_logs="ERROR") as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        client.run(_warm_up)
        yield client


def _warm_up():
    import skamem  # noqa: F401


def _signs(seed, n_rows):
    """A block of patterns, from random bits: far faster than it is learnt."""
    bits = np.frombuffer(np.random.default_rng(seed).bytes(n_rows * N_UNITS // 8), dtype=np.uint8)
    patterns = np.unpackbits(bits).reshape(n_rows, N_UNITS).astype(np.float32)
    patterns *= 2.0
    patterns -= 1.0
    return patterns


def _identified(seed, n_rows):
    return _signs(seed, n_rows), np.arange(n_rows) % 100


def fit(options):
    """fit_blocks on one worker and on two, in turn."""
    n_rows = 20_000
    n_blocks = options.rows // n_rows
    for estimator, load in (
        (HebbianMemory(check_stored=False, coding="bipolar", random_state=0), _signs),
        (InvariantProjection(), _identified),
    ):
        name = type(estimator).__name__
        times, computed = {1: [], 2: []}, {1: [], 2: []}
        found = {}
        with workers(1) as one, workers(2) as two:
            for _ in range(options.repeats):
                for number, client in ((1, one), (2, two)):
                    recipes = [dask.delayed(load)(seed, n_rows) for seed in range(n_blocks)]
                    before, start = client.run(time.process_time), time.perf_counter()
                    found[number] = fit_blocks(estimator, recipes, client=client)
                    times[number].append(time.perf_counter() - start)
                    after = client.run(time.process_time)
                    computed[number].append(max(after[worker] - before[worker] for worker in after))
        start = time.perf_counter()
        load(0, n_rows)
        reading = (time.perf_counter() - start) * n_blocks
        ratio, alone = (
            statistics.median(a / b for a, b in zip(taken[1], taken[2], strict=True)) for taken in (times, computed)
        )
        fitted = "weights_" if hasattr(found[1], "weights_") else "components_"
        same = np.array_equal(getattr(found[1], fitted), getattr(found[2], fitted))
        say(
            f"{name} {n_blocks * n_rows} x {N_UNITS}: one worker {statistics.median(times[1]):.1f} s (drawing blocks "
            f"{reading:.1f} s of it), two {statistics.median(times[2]):.1f} s; {ratio:.2f} times as fast "
            f"at load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; the busiest computed "
            f"{statistics.median(computed[1]):.1f} and {statistics.median(computed[2]):.1f} s, {alone:.2f} times less; "
            f"the same to the last bit: {same}",
            ratio >= 1.6 and same,
        )


def _points(seed, n_rows):
    return np.random.default_rng(seed).standard_normal((n_rows, 32))


def shards(options):
    """Patterns in shards on two workers, against all of them in one memory."""
    n_rows = 100_000
    seeds = range(options.patterns // n_rows)
    patterns = np.concatenate([_points(seed, n_rows) for seed in seeds])
    cues = patterns[:: len(patterns) // 256][:256] + 0.3 * np.random.default_rng(9).standard_normal((256, 32))
    cues[::4, :8] = np.nan
    for memory in (ModernHopfieldMemory(), ModernHopfieldMemory(beta=0.5, n_recall_steps=3)):
        start = time.perf_counter()
        one = memory.fit(patterns)
        fitted = time.perf_counter()
        expected = one.predict(cues)
        asked = time.perf_counter()
        with workers(2) as client:
            recipes = [dask.delayed(_points)(seed, n_rows) for seed in seeds]
            begun = time.perf_counter()
            many = ShardedMemory(memory, client=client).fit(recipes)
            stored = time.perf_counter()
            found = many.predict(cues)
            done = time.perf_counter()
        gap = np.abs(found - expected).max()
        beta_gap = abs(many.beta_ / one.beta_ - 1)
        say(
            f"{many.n_patterns_} patterns of 32 units, beta={one.beta_:.4g}, n_recall_steps={memory.n_recall_steps}: "
            f"{many.n_shards_} shards differ from one memory by {gap:.1e}, in beta by {beta_gap:.1e}; fit "
            f"{fitted - start:.1f} and {stored - begun:.1f} s (patterns drawn anew), 256 cues {asked - fitted:.1f} and "
            f"{done - stored:.1f} s",
            gap <= 1e-5,
        )


TASKS = {"fit": fit, "shards": shards}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", choices=[*TASKS, []], default=[])
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows to fit")
    parser.add_argument("--patterns", type=int, default=2_000_000, help="patterns to store")
    parser.add_argument("--repeats", type=int, default=3, help="turns of one worker and two")
    options = parser.parse_args()
    warnings.simplefilter(
        "ignore", CapacityWarning
    )  # more patterns than anything recalls: it is time that is asked for
    for name in options.tasks or TASKS:
        TASKS[name](options)


if __name__ == "__main__":
    main()

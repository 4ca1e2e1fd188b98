"""Streams: memories fitted to more rows than memory holds, what that takes, and how time grows with rows.

Run: python benchmarks/streams.py [generated mapped exponents] [--rows 10000000] [--mapped-rows 1000000] [--block 50000]

``generated``: blocks of rows are made one by one and learnt by ``partial_fit``, of patterns of ±1 (HebbianMemory) and
of real rows (PseudoinverseMemory); at 10⁷ x 256 float32 that is a stream of 10 GB to each of them, 20 in all.
``mapped``: a file of 10⁶ x 256 goes to ``fit`` as a memory map, and again block by block. Each runs in a process of its
own, whose peak of memory is read from the kernel: all pages, and those that are no pages of a file, which the kernel
takes back when it needs them. ``exponents``: the exponent of time against rows, for what is learnt from sums and for
all that answers row by row.
"""

import argparse
import multiprocessing
import statistics
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.base import clone
from threadpoolctl import threadpool_limits
from timing import say

import skamem
from skamem import (
    BidirectionalMemory,
    HebbianMemory,
    HolographicMemory,
    HopfieldNetwork,
    InvariantProjection,
    PseudoinverseMemory,
    WillshawMemory,
)

UNITS, LATENT = 256, 64
LIMIT = 2**30
PREFIX = 100_000
LINEAR = 0.1  # exponents are to be 1 within it

HEBBIAN = HebbianMemory(check_stored=False)
PROJECTION = PseudoinverseMemory(binarize=None, activation="identity", check_stored=False)


def block(start, n_rows, kind):
    """Rows of a stream, the same whatever the block they come in if blocks begin alike: ±1, or real ones of rank 64."""
    rng = np.random.default_rng([start, kind == "real"])
    directions = np.random.default_rng(0).standard_normal((LATENT, UNITS), dtype=np.float32)
    rows = rng.standard_normal((n_rows, LATENT), dtype=np.float32) @ directions
    return rows if kind == "real" else np.where(rows > 0, np.float32(1), np.float32(-1))


def blocks(n_rows, size, kind):
    for start in range(0, n_rows, size):
        yield block(start, min(size, n_rows - start), kind)


# ------------------------------------------------------------------------------------------------ memory of a process


class Peak:
    """The largest resident memory within the context, in bytes: ``total``, and ``anonymous``, without files."""

    def __enter__(self):
        self.total = self.anonymous = 0
        self._done = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()
        return self

    def __exit__(self, *error):
        self._done.set()
        self._watch.join()

    def _look(self):
        while not self._done.wait(0.02):
            status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
            total, anonymous = (1024 * int(status[name].split()[0]) for name in ("VmRSS", "RssAnon"))
            self.total, self.anonymous = max(self.total, total), max(self.anonymous, anonymous)


def apart(function, *arguments):
    """What a function returns in a new process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def difference(found, expected):
    """Largest difference, by the largest number there is."""
    return float(np.max(np.abs(np.asarray(found, dtype=float) - expected)) / np.max(np.abs(expected)))


# ------------------------------------------------------------------------------------------------------------ streams


def learn_generated(kind, n_rows, size):
    memory = clone(HEBBIAN if kind == "signs" else PROJECTION)
    n_prefix = min(PREFIX, n_rows) // size * size or size
    with threadpool_limits(1), warnings.catch_warnings(), Peak() as peak:
        warnings.simplefilter("ignore")
        start, prefix = time.perf_counter(), None
        for rows in blocks(n_rows, size, kind):
            memory.partial_fit(rows)
            if memory.n_patterns_ == n_prefix:
                prefix = memory.weights_
        seconds = time.perf_counter() - start
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        held = clone(memory).fit(np.concatenate(list(blocks(n_prefix, size, kind))))
    rank = float(np.trace(memory.weights_))
    return seconds, peak.total, peak.anonymous, difference(prefix, held.weights_), rank


def generated(options):
    for kind, name in (("signs", "HebbianMemory"), ("real", "PseudoinverseMemory")):
        seconds, total, anonymous, off, rank = apart(learn_generated, kind, options.rows, options.block)
        size = 4 * UNITS * options.rows / 1e9
        say(
            f"{name}: {options.rows:,} x {UNITS} float32 in blocks of {options.block:,}, {size:.1f} GB: {seconds:.0f} s"
        )
        say(f"  peak of resident memory {total / 1e9:.2f} GB, {anonymous / 1e9:.2f} without files", total < LIMIT)
        say(f"  weights of a prefix of about {PREFIX:,} rows, off from the fit in memory by {off:.1e}", off < 1e-5)
        if kind == "real":
            say(f"  trace of the projector {rank:.4f} (the rows have rank {LATENT})", abs(rank - LATENT) < 1e-2)


def learn_mapped(path, kind, n_rows, way, size):
    memory = clone(HEBBIAN if kind == "signs" else PROJECTION)
    with threadpool_limits(1), warnings.catch_warnings(), Peak() as peak:
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        if way == "fit":
            memory.fit(np.memmap(path, np.float32, "r", shape=(n_rows, UNITS)))
        else:
            for first in range(0, n_rows, size):  # a map of its own for each block: pages that were read are given back
                rows = np.memmap(path, np.float32, "r", shape=(n_rows, UNITS))[first : first + size]
                memory.partial_fit(rows)
        seconds = time.perf_counter() - start
    return seconds, peak.total, peak.anonymous, memory.weights_


def mapped(options):
    n_rows = options.mapped_rows
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for kind, name in (("signs", "HebbianMemory"), ("real", "PseudoinverseMemory")):
            path = Path(folder) / kind
            with path.open("wb") as file:
                for rows in blocks(n_rows, options.block, kind):
                    rows.tofile(file)
            say(f"{name}: a memory map of {n_rows:,} x {UNITS}, {path.stat().st_size / 1e9:.1f} GB")
            weights = {}
            for way in ("fit", "partial_fit"):
                seconds, total, anonymous, weights[way] = apart(learn_mapped, path, kind, n_rows, way, options.block)
                text = f"  {way}: {seconds:.1f} s, peak {total / 1e9:.2f} GB, {anonymous / 1e9:.2f} without files"
                say(text, (anonymous if way == "fit" else total) < LIMIT)
            off = difference(weights["partial_fit"], weights["fit"])
            say(f"  weights of both ways differ by {off:.1e}", off < 1e-4)
            path.unlink()


# ---------------------------------------------------------------------------------------------------------- exponents

STATISTICS = [
    HEBBIAN,
    PseudoinverseMemory(check_stored=False),
    HopfieldNetwork(check_stored=False),
    HopfieldNetwork("pseudoinverse", check_stored=False),
    BidirectionalMemory(),
    WillshawMemory(storage="packed"),
    HolographicMemory("passthrough"),
    InvariantProjection(),
]
ANSWERS = ("predict", "transform", "field", "energy", "decision_function", "predict_proba", "score_samples", "top_k")
ANSWERS += ("encode", "reconstruct", "quantize", "free_energy")
LEFT_OUT = {"FiniteStateMemory"}  # strings of letters, not rows


def estimators():
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests._estimators import ESTIMATORS, small

    return [small(Estimator) for Estimator in ESTIMATORS if Estimator.__name__ not in LEFT_OUT]


def exponent(run, sizes, repeats):
    """Exponent of the least of a few times of the processor against rows, a line through their logarithms."""
    seconds = []
    for n_rows in sizes:
        times = []
        for _ in range(repeats):
            start = time.process_time()
            run(n_rows)
            times.append(time.process_time() - start)
        seconds.append(min(times))
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0]), seconds[-1]


def tell(name, run, options, limit):
    """The exponent over sizes from one that takes long enough for a clock to sixteen times it."""
    n_rows = 500
    while n_rows < options.largest:
        start = time.process_time()
        run(n_rows)
        if time.process_time() - start > limit:
            break
        n_rows *= 2
    sizes = [n_rows, 4 * n_rows, 16 * n_rows]
    found, seconds = exponent(run, sizes, options.repeats)
    say(f"{name:46s} {found:5.2f}   ({sizes[-1]:,} rows in {seconds:.2f} s)", abs(found - 1) <= LINEAR)
    return found


def exponents(options):
    warnings.simplefilter("ignore")
    rng, found = np.random.default_rng(0), []

    def rows_of(n_rows, n_units=64):
        return np.where(rng.random((n_rows, n_units), dtype=np.float32) < 0.5, np.float32(-1), np.float32(1))

    say("exponent of time against rows: what is learnt from sums")
    pool = rows_of(options.largest * 16)
    outputs, few = pool[:, :16], np.where(rng.random((options.largest * 16, 64), dtype=np.float32) < 0.05, 1.0, 0.0)
    for estimator in STATISTICS:
        name = type(estimator).__name__

        def fit(n_rows, estimator=estimator, name=name):
            X = few[:n_rows] if name == "WillshawMemory" else pool[:n_rows]
            y = np.arange(n_rows) % 50 if name == "InvariantProjection" else outputs[:n_rows]
            clone(estimator).fit(X, y)

        options_of = ", ".join(
            f"{key}={value!r}" for key, value in (("rule", getattr(estimator, "rule", None)),) if value
        )
        found.append(tell(f"{name}({options_of}).fit", fit, options, 0.015))
    say("what answers row by row")
    base, labels = rows_of(60, 40).astype(float), np.arange(60) % 3
    for estimator in estimators():
        pairs = (
            getattr(estimator, "target", "self") == "y" or not estimator.__sklearn_tags__().target_tags.single_output
        )
        estimator.fit(base, base[:, :5] if pairs else labels)
        for method in ANSWERS:
            if not hasattr(estimator, method):
                continue
            cues = base[rng.integers(0, 60, 16 * options.largest)]

            def ask(n_rows, estimator=estimator, method=method, cues=cues):
                getattr(estimator, method)(cues[:n_rows])

            try:
                ask(10)
            except (TypeError, ValueError, AttributeError) as error:
                say(f"{type(estimator).__name__}.{method}: {str(error)[:60]}")
                continue
            found.append(tell(f"{type(estimator).__name__}.{method}", ask, options, 0.015))
    off = [value for value in found if abs(value - 1) > LINEAR]
    say(f"{len(found)} exponents, median {statistics.median(found):.2f}, {len(off)} beyond 1.0 ± {LINEAR}")


TASKS = {"generated": generated, "mapped": mapped, "exponents": exponents}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", choices=[*TASKS, []], default=[])
    parser.add_argument("--rows", type=int, default=200_000, help="rows of the generated stream; 10⁷ are 10 GB")
    parser.add_argument("--mapped-rows", type=int, default=100_000, help="rows of the memory-mapped file")
    parser.add_argument("--block", type=int, default=50_000, help="rows of a block")
    parser.add_argument("--largest", type=int, default=8000, help="rows from which exponents are measured, at most")
    parser.add_argument("--repeats", type=int, default=3, help="repeats of what is timed")
    parser.add_argument("--folder", help="where the memory-mapped file is made")
    options = parser.parse_args()
    print(f"skamem {skamem.__version__}, one thread of the BLAS")
    with threadpool_limits(1):
        for name in options.tasks or TASKS:
            TASKS[name](options)


if __name__ == "__main__":
    main()

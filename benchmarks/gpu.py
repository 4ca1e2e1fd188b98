"""NumPy against CuPy and PyTorch on a GPU: seconds over sizes, and from which size the device pays.

``python benchmarks/gpu.py [TASK ...]`` measures on whatever device is there; ``--device cpu`` runs the same on the CPU,
with PyTorch in place of a device, which shows that the script works and nothing about GPUs. Tasks, all of them if none
is named:

fit
    DenseAMClassifier.fit: 3 epochs of as many memories as the size says, 256 features, 4 rows a memory.
recall
    HopfieldNetwork.predict, all units at once: as many units and cues as the size says.
lookup
    ModernHopfieldMemory.predict: 1000 cues of 128 features, 10 stored patterns for each unit of size.
rbm
    RestrictedBoltzmannMachine.fit: 2 epochs of as many hidden units, 4 rows a unit, 256 visible units.
impute
    KernelMemory.transform of rows of which a fifth is unknown: as many patterns, 64 columns. AssociativeImputer works
    on the host wherever it is told to be, so it is not measured.
iht
    IHTRegressor.fit of 10 out of as many columns, 4 rows a column: passes over X on the device, supports on the host.

Each is run once to warm up (kernels are compiled then), then timed, `--repeats` in turn; fitted models are moved with
`to`. Beside the time stands how far the answer is from NumPy's. `--dtype float32` is what cards are made for.
"""

import argparse
import copy
import importlib.util
import os
import platform

import numpy as np
from sklearn.base import clone
from timing import medians, say

from skamem import (
    DenseAMClassifier,
    HopfieldNetwork,
    IHTRegressor,
    KernelMemory,
    ModernHopfieldMemory,
    RestrictedBoltzmannMachine,
)
from skamem.datasets import corrupt, make_patterns


def fit(size, dtype, rng):
    X = rng.normal(size=(4 * size, 256)).astype(dtype)
    y = rng.randint(10, size=len(X))
    model = DenseAMClassifier(size, max_iter=3, batch_size=min(500, size), noise=0.0, weight_decay=0.0, random_state=0)
    return lambda backend: _fitting(model, backend, X, y, lambda fitted: fitted.decision_function(X[:100]))


def recall(size, dtype, rng):
    patterns = make_patterns(max(2, size // 20), size, random_state=0).astype(dtype)
    cues = corrupt(patterns[rng.randint(len(patterns), size=size)], "flip", 0.2, random_state=1)
    memory = HopfieldNetwork(update="sync", check_stored=False).fit(patterns)
    return lambda backend: _asking(memory, backend, lambda moved: moved.predict(cues))


def lookup(size, dtype, rng):
    patterns = rng.normal(size=(10 * size, 128)).astype(dtype)
    cues = (patterns[:1000] + 0.1 * rng.normal(size=patterns[:1000].shape)).astype(dtype)
    memory = ModernHopfieldMemory(1.0).fit(patterns)
    return lambda backend: _asking(memory, backend, lambda moved: moved.predict(cues))


def rbm(size, dtype, rng):
    X = (rng.uniform(size=(4 * size, 256)) < 0.3).astype(dtype)
    model = RestrictedBoltzmannMachine(size, max_iter=2, batch_size=min(500, size), random_state=0)
    return lambda backend: _fitting(model, backend, X, None, lambda fitted: fitted.transform(X[:100]))


def impute(size, dtype, rng):
    X = (rng.normal(size=(size, 8)) @ rng.normal(size=(8, 64))).astype(dtype)
    gaps = np.where(rng.uniform(size=X.shape) < 0.2, np.nan, X).astype(dtype)
    memory = KernelMemory(alpha=1e-3, missing="clamp", n_recall_steps=3).fit(X)
    return lambda backend: _asking(memory, backend, lambda moved: moved.transform(gaps))


def iht(size, dtype, rng):
    X = rng.normal(size=(4 * size, size)).astype(dtype)
    y = X[:, :10] @ np.arange(1.0, 11.0) + rng.normal(size=len(X))
    model = IHTRegressor(10, effort="fast")
    return lambda backend: _fitting(model, backend, X, y, lambda fitted: fitted.predict(X[:100]))


TASKS = {task.__name__: task for task in (fit, recall, lookup, rbm, impute, iht)}
SIZES = [64, 256, 1024, 4096]


def _fitting(model, backend, X, y, ask):
    """(what is timed, an answer to compare) of a model that is fitted there."""
    there = clone(model).to(backend)

    def run():
        there.fit(X, y)
        wait(backend)

    return run, lambda: ask(there)


def _asking(memory, backend, ask):
    """(what is timed, an answer to compare) of a fitted model that is moved there."""
    there = copy.copy(memory).to(backend)
    return lambda: ask(there), lambda: ask(there)


def wait(backend):
    """Until the device has done what it was told; answers wait by themselves, as they come back as NumPy."""
    library, _, where = backend.partition(":")
    if library == "cupy":
        importlib.import_module("cupy").cuda.Device().synchronize()
    elif where.startswith("cuda"):
        importlib.import_module("torch").cuda.synchronize()


def backends(device):
    """What there is: (names for ``backend=``, what they run on)."""
    if device == "cpu":
        names = ["torch"] if importlib.util.find_spec("torch") else []
        return names, f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, no GPU"
    found, card = [], None
    for name in ("cupy", "torch"):
        try:
            library = importlib.import_module(name)
        except ImportError:
            continue
        if library.cuda.is_available():
            found.append("cupy" if name == "cupy" else "torch:cuda")
            if name == "torch":
                card = library.cuda.get_device_name()
            else:
                card = card or library.cuda.runtime.getDeviceProperties(0)["name"].decode()
    if not found:
        raise SystemExit("no GPU that CuPy or PyTorch finds; --device cpu shows that the script runs")
    return found, card


def measure(name, size, names, options):
    """Seconds of each backend at a size, said; by name."""
    prepared = TASKS[name](size, options.dtype, np.random.RandomState(0))
    parts = {backend: prepared(backend) for backend in ["numpy", *names]}
    for run, _ in parts.values():
        run()
    seconds = medians({backend: run for backend, (run, _) in parts.items()}, options.repeats)
    answers = {backend: ask() for backend, (_, ask) in parts.items()}
    line = f"{name:<7} {size:>6}   numpy {1e3 * seconds['numpy']:9.2f} ms"
    for backend in names:
        far = np.max(np.abs(answers[backend] - answers["numpy"])) / max(1e-30, np.max(np.abs(answers["numpy"])))
        ratio = seconds["numpy"] / seconds[backend]
        line += f"   {backend} {1e3 * seconds[backend]:9.2f} ms, {ratio:6.2f} x, answer within {far:.0e}"
    say(line)
    return seconds


def pays_from(sizes, slower, faster):
    """The size from which on one is faster at every size; None if it is not at the largest."""
    first = None
    for size, a, b in zip(sizes, slower, faster, strict=True):
        first = (first or size) if b < a else None
    return first


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", choices=[*TASKS, []], default=[])
    parser.add_argument("--device", choices=["gpu", "cpu"], default="gpu")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    names, card = backends(options.device)
    say(f"{card}; {options.dtype}, median of {options.repeats}, NumPy on {os.cpu_count()} cores")
    for name in options.tasks or TASKS:
        seconds = [measure(name, size, names, options) for size in options.sizes]
        for backend in names:
            size = pays_from(options.sizes, [s["numpy"] for s in seconds], [s[backend] for s in seconds])
            say(f"{name:<7} {backend} pays " + (f"from {size} on" if size else f"at no size up to {options.sizes[-1]}"))


if __name__ == "__main__":
    main()

"""ModernHopfieldMemory: speed of a step, memory at a million patterns, and completion against KNNImputer.

Run: python benchmarks/modern.py [speed] [memory] [table] [large] [--threads 1 2] [--repeats 7]

Every ratio is taken within one run, the contenders in turn, medians over the repeats. BLAS threads are pinned.
"""

import argparse
import subprocess
import sys
import time
from functools import partial

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.impute import KNNImputer
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits
from timing import medians

from skamem import KernelMemory, ModernHopfieldMemory


def torch_attention(patterns, cues, beta):
    """The core of hflayers, by its public formula: softmax(β Q Kᵀ) V."""
    try:
        import torch
    except ImportError:
        return None
    keys, queries = torch.from_numpy(patterns), torch.from_numpy(cues)
    return lambda: torch.softmax(beta * (queries @ keys.T), dim=1) @ keys


def speed(threads, repeats):
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        patterns = rng.standard_normal((10_000, 512)).astype(dtype)
        cues = (patterns[:1000] + 0.3 * rng.standard_normal((1000, 512))).astype(dtype)
        nearest = ModernHopfieldMemory(0.05).fit(patterns)
        dot = ModernHopfieldMemory(0.05, similarity="dot").fit(patterns)
        scores = 0.05 * (cues @ patterns.T)

        def bare(cues=cues, patterns=patterns, scores=scores):
            return cues @ patterns.T, np.exp(scores), scores @ patterns

        attention = torch_attention(patterns, cues, 0.05)
        contenders = {"two bare products and exp": bare, "nearest": partial(nearest.predict, cues)}
        contenders["dot"] = partial(dot.predict, cues)
        if attention is not None:
            assert np.allclose(attention().numpy(), dot.predict(cues), atol=1e-4)
            contenders["torch softmax attention"] = attention
        with threadpool_limits(threads):
            if attention is not None:
                import torch

                torch.set_num_threads(threads)
            seconds = medians(contenders, repeats)
        print(f"\none step, 10,000 patterns, 1,000 cues, 512 units, {np.dtype(dtype)}, {threads} thread(s)")
        for name, value in seconds.items():
            ratio = value / seconds["two bare products and exp"]
            print(f"  {name:28}{1e3 * value:9.1f} ms   {ratio:5.2f} x bare")


def memory():
    """Peak memory beyond the input, in a process of its own."""
    script = (
        "import resource, numpy as np; from skamem import ModernHopfieldMemory; "
        "X = np.random.default_rng(0).standard_normal((1_000_000, 64)); "
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024; "
        "before = peak(); memory = ModernHopfieldMemory(0.5).fit(X); stored = peak(); "
        "memory.predict(X[:1000]); print(before, stored, peak())"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    before, stored, recalled = map(float, result.stdout.split())
    print("\n1,000,000 patterns, 64 units, float64 (488 MiB), 1,000 cues; working_memory 1024 MiB")
    print(f"  with the input in memory {before:7.0f} MiB")
    print(f"  peak of fit              {stored - before:7.0f} MiB more (it keeps a copy)")
    print(f"  peak of predict          {recalled - stored:7.0f} MiB more than that")


def low_rank(n_samples, n_units, seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_samples, 10)) @ rng.standard_normal((10, n_units))
    return StandardScaler().fit_transform(X + rng.standard_normal(X.shape))


# name: (data, number of masks); few entries and heavy tails make one mask of breast_cancer say little
DATA = {
    "digits / 16": (lambda: load_digits().data / 16, 1),
    "breast_cancer, standardised": (lambda: StandardScaler().fit_transform(load_breast_cancer().data), 6),
    "low rank 2,000 x 50": (lambda: low_rank(2000, 50, 0), 1),
}
NEIGHBOURS = [(k, w) for k in (5, 10, 20) for w in ("uniform", "distance")]
MEMORIES = {
    "modern": ModernHopfieldMemory(missing="clamp"),
    "modern, local": ModernHopfieldMemory(missing="clamp", similarity="local"),
    "modern, local, 2 steps": ModernHopfieldMemory(missing="clamp", similarity="local", n_recall_steps=2),
    "kernel, 300 components": KernelMemory(missing="clamp", n_components=300, random_state=0),
}


def error(imputer, X, holes):
    return float(np.sqrt(np.mean((imputer.fit_transform(holes) - X)[np.isnan(holes)] ** 2)))


def table():
    print(f"\nRMSE on missing entries; KNNImputer at the best of {len(NEIGHBOURS)} settings")
    print(f"{'':36}{'KNNImputer':>12}" + "".join(f"{name:>25}" for name in MEMORIES))
    for name, (load, n_seeds) in DATA.items():
        X = load()
        for rate in (0.1, 0.3, 0.5):
            rows = []
            for seed in range(n_seeds):
                holes = np.where(np.random.default_rng(seed).random(X.shape) < rate, np.nan, X)
                best = min(error(KNNImputer(n_neighbors=k, weights=w), X, holes) for k, w in NEIGHBOURS)
                rows.append([best, *(error(memory, X, holes) for memory in MEMORIES.values())])
            best, *ours = np.mean(rows, axis=0)
            print(
                f"  {name:28}{100 * rate:3.0f} % {best:12.4f}" + "".join(f"{value:25.4f}" for value in ours), flush=True
            )


def large():
    X = low_rank(10_000, 50, 0)
    holes = np.where(np.random.default_rng(0).random(X.shape) < 0.3, np.nan, X)
    print("\nlow rank, 10,000 x 50, 30 % missing, one thread")
    contenders = {"KNNImputer(20, distance)": KNNImputer(n_neighbors=20, weights="distance"), **MEMORIES}
    reference = None
    with threadpool_limits(1):
        for name, imputer in contenders.items():
            start, cpu = time.perf_counter(), time.process_time()
            rmse = error(imputer, X, holes)
            seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
            reference = reference or (seconds, cpu)
            print(
                f"  {name:28} RMSE {rmse:.4f}  {seconds:6.1f} s ({reference[0] / seconds:5.1f} x faster), "
                f"{cpu:6.1f} s of processor ({reference[1] / cpu:5.1f} x)",
                flush=True,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help="speed, memory, table, large; all of them when none is named")
    parser.add_argument("--threads", nargs="*", type=int, default=[1, 2])
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    parts = arguments.parts or ["speed", "memory", "table", "large"]
    if "speed" in parts:
        for threads in arguments.threads:
            speed(threads, arguments.repeats)
    if "memory" in parts:
        memory()
    if "table" in parts:
        table()
    if "large" in parts:
        large()

"""Tasks of ``benchmarks/structures.py``: binding, holographic memory and spread spectrum.

``torchhd`` (``pip install torch-hd``) is the peer; without it the tasks say so and go on.
"""

import functools
import math

import numpy as np
import scipy.fft
from sklearn.datasets import load_diabetes, load_digits, make_friedman1
from sklearn.kernel_approximation import RBFSampler
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import KFold, cross_val_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from timing import medians, say

from skamem import HolographicMemory, MemoryClassifier
from skamem.analysis import cdma_bit_error, holographic_accuracy
from skamem.core.binding import (
    ALGEBRAS,
    bind,
    bundle,
    despread,
    inverse,
    random_keys,
    similarity,
    spread,
    superpose,
    unbind,
)

N_UNITS, N_PAIRS = 1024, 10_000


def _torchhd():
    try:
        import torch
        import torchhd
    except ImportError as error:
        say(f"  torchhd: {error}; pip install torch-hd to compare")
        return None
    return torch, torchhd


def _tensors(torch, torchhd, algebra, *vectors):
    kind = {"hrr": torchhd.HRRTensor, "fhrr": torchhd.FHRRTensor, "map": torchhd.MAPTensor}[algebra]
    return [torch.as_tensor(each).as_subclass(kind) for each in vectors]


def _direct(x, y, algebra):
    """Products by the definition, O(n²) under hrr: the rows of a circulant matrix."""
    if algebra != "hrr":
        return x * y
    index = (np.arange(len(x))[:, None] - np.arange(len(x))) % len(x)
    return y[index] @ x


def exactness(options):
    """Binding beside the direct sum, and beside torchhd."""
    say("Binding: largest difference, in units of the product of the norms")
    peer = _torchhd()
    for algebra in ALGEBRAS:
        worst = 0.0
        for n_units in (1, 2, 7, 64, 1000, 1024):
            x, y = random_keys(2, n_units, algebra=algebra, unitary=False, random_state=n_units)
            size = np.linalg.norm(x) * np.linalg.norm(y)
            for found, expected in (
                (bind(x, y, algebra=algebra), _direct(x, y, algebra)),
                (unbind(x, y, algebra), _direct(x, inverse(y, algebra), algebra)),
            ):
                worst = max(worst, float(np.max(np.abs(found - expected))) / size)
        say(f"  {algebra:4s} direct sums: {worst:.1e}", worst <= 1e-12)
        if peer:
            x, y = (random_keys(50, N_UNITS, algebra=algebra, random_state=seed) for seed in (0, 1))
            a, b = _tensors(*peer, algebra, x, y)
            pairs = [
                (bind(x, y, algebra=algebra), peer[1].bind(a, b)),
                (bundle(x, y, algebra=algebra), peer[1].bundle(a, b)),
                (inverse(x, algebra), peer[1].inverse(a)),
                (unbind(x, y, algebra), peer[1].bind(a, peer[1].inverse(b))),
                (similarity(x, y, algebra), peer[1].cosine_similarity(a, b)),
            ]
            worst = max(float(np.max(np.abs(found - np.asarray(other)))) for found, other in pairs)
            say(f"  {algebra:4s} torchhd:     {worst:.1e}", worst <= 1e-6)


def throughput(options):
    """Pairs a second beside torchhd, float32, the same number of threads."""
    peer = _torchhd()
    if peer:
        peer[0].set_num_threads(options.threads)
    with scipy.fft.set_workers(options.threads):
        for algebra in ALGEBRAS:
            _throughput_of(algebra, peer, options)


def _throughput_of(algebra, peer, options):
    keys, values = (
        random_keys(N_PAIRS, N_UNITS, algebra=algebra, random_state=seed, dtype="float32") for seed in (0, 1)
    )
    contenders = {"skamem": lambda: unbind(superpose(keys, values, algebra), keys, algebra)}
    if peer:
        torch, torchhd = peer
        a, b = _tensors(torch, torchhd, algebra, keys, values)
        contenders["torchhd"] = lambda: torchhd.bind(torchhd.hash_table(a, b), torchhd.inverse(a))
    _compare(f"{algebra}: bind, bundle and unbind {N_PAIRS} pairs", contenders, N_PAIRS, options)
    if algebra == "hrr":
        cues = keys[:1000]
        memory = HolographicMemory().fit(keys, values)
        contenders = {"skamem": lambda: memory.predict(cues)}
        if peer:
            trace, few = _tensors(torch, torchhd, algebra, memory.trace_[0], cues)

            def read():
                return torchhd.bind(trace, torchhd.inverse(few))

            contenders["torchhd"] = lambda: b[torchhd.cosine_similarity(read(), b).argmax(dim=1)]
            contenders["torchhd, dot product"] = lambda: b[torchhd.dot_similarity(read(), b).argmax(dim=1)]
        _compare(f"{algebra}: unbind and clean up 1000 cues among {N_PAIRS}", contenders, 1000, options)
        if peer:

            def one_by_one():
                return [torchhd.cleanup(row, b) for row in read()[:20]]

            contenders = {"skamem": lambda: [memory.predict(cue[None]) for cue in cues[:20]], "torchhd": one_by_one}
            _compare(f"{algebra}: clean up one cue at a time among {N_PAIRS}", contenders, 20, options)


def _compare(what, contenders, n, options):
    times = medians(contenders, options.repeats)
    rates = ", ".join(f"{name} {n / seconds:,.0f}/s" for name, seconds in times.items())
    ratio = times.get("torchhd", math.nan) / times["skamem"]
    say(f"{what}: {rates}; {ratio:.1f} times torchhd", ratio >= 1.5 if "torchhd" in times else None)


def accuracy(options):
    """Share of values found among 1000, of 1 to 200 pairs in 1024 units, beside the prediction."""
    n_candidates, n_traces = 1000, 40
    say(f"Values found among {n_candidates}, n = {N_UNITS}, {n_traces} traces; standard errors between traces")
    for algebra in ALGEBRAS:
        rng, far = np.random.RandomState(0), 0.0
        values = random_keys(n_candidates, N_UNITS, algebra=algebra, random_state=rng)
        line = []
        for n_pairs in (1, 10, 25, 50, 75, 100, 150, 200):
            rates = []
            for _ in range(n_traces):
                keys = random_keys(n_pairs, N_UNITS, algebra=algebra, random_state=rng)
                chosen = rng.choice(n_candidates, n_pairs, replace=False)
                read = unbind(superpose(keys, values[chosen], algebra), keys, algebra)
                rates.append(np.mean(similarity(read, values, algebra).argmax(axis=1) == chosen))
            predicted = holographic_accuracy(N_UNITS, n_pairs, n_candidates, algebra)
            error = max(np.std(rates) / math.sqrt(n_traces), math.sqrt(1e-4 / (n_traces * n_pairs)))
            far = max(far, (abs(np.mean(rates) - predicted) - 0.005) / error)
            line.append(f"{n_pairs}: {np.mean(rates):.3f} +- {error:.3f} ({predicted:.3f})")
        say(f"  {algebra}: " + ", ".join(line), far <= 4.0)


def cdma(options):
    """Bit errors of 1 to 64 users with random codes of 31 chips, beside the exact law."""
    n_units, n_draws, rng = 31, 4000, np.random.default_rng(0)
    say(f"Bit errors, {n_units} chips, {n_draws} draws of codes, one user heard in each; exact law in brackets")
    far, line = 0.0, []
    for n_users in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64):
        wrong = 0
        for _ in range(n_draws):
            codes = rng.choice([-1.0, 1.0], (n_users, n_units))
            bits = rng.choice([-1.0, 1.0], (n_users,))
            heard = despread(spread(bits, codes), codes[:1])
            wrong += (heard[0] >= 0) != (bits[0] > 0)
        exact = cdma_bit_error(n_units, n_users)
        error = math.sqrt(exact * (1 - exact) / n_draws)
        far = max(far, abs(wrong / n_draws - exact) / error if exact * n_draws > 1 else 0.0)
        line.append(f"{n_users}: {wrong / n_draws:.4f} +- {error:.4f} ({exact:.4f})")
    say("  " + ", ".join(line) + f"; farthest {far:.1f} standard errors", far <= 4.0)


def _gaussian(gamma, distances):
    return np.exp(-gamma * distances**2)


def features(options):
    """Errors of memories with random features, which are not trained, beside kernel ridge regression and its width."""
    say("R² of regression (5 folds): kernel ridge, kernel average, and one trace of n units, untrained as the average")
    for name, (X, y) in {
        "diabetes": load_diabetes(return_X_y=True),
        "friedman 1": make_friedman1(600, noise=1.0, random_state=0),
    }.items():
        y = (y - y.mean()) / y.std()
        folds = KFold(5, shuffle=True, random_state=0)
        gamma = 2.0 / X.shape[1]
        ridge = make_pipeline(StandardScaler(), KernelRidge(kernel="rbf", gamma=gamma / 20, alpha=0.3))
        average = make_pipeline(StandardScaler(), KNeighborsRegressor(300, weights=functools.partial(_gaussian, gamma)))
        line = [
            f"{what} {cross_val_score(model, X, y, cv=folds).mean():.3f}"
            for what, model in {"kernel ridge": ridge, "kernel average": average}.items()
        ]
        for n_units in (250, 1000, 4000):
            kernel = RBFSampler(gamma=gamma, n_components=n_units, random_state=0)
            memory = make_pipeline(StandardScaler(), HolographicMemory("passthrough", features=kernel, random_state=0))
            line.append(f"{n_units}: {cross_val_score(memory, X, y[:, None], cv=folds).mean():.3f}")
        say(f"  {name}: " + ", ".join(line))
    X, y = load_digits(return_X_y=True)
    line = []
    for n_units in (500, 2000, 8000):
        kernel = RBFSampler(gamma=0.3 / 256, n_components=n_units, random_state=0)
        memory = MemoryClassifier(HolographicMemory(features=kernel, random_state=0), fit_intercept=False)
        line.append(f"{n_units}: {cross_val_score(memory, X, y, cv=3).mean():.3f}")
    say("  accuracy on digits (ten classes in one vector): " + ", ".join(line))


TASKS = {
    "binding": exactness,
    "binding_speed": throughput,
    "holographic": accuracy,
    "cdma": cdma,
    "features": features,
}

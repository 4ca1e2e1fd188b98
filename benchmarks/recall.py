"""Recall speed: against bare matrix products, honest NumPy loops, and other packages.

Run: python benchmarks/recall.py [--threads 1] [--repeats 7]

Every ratio is taken within one run, the contenders in turn, medians over the repeats. BLAS threads are pinned. Before
anything is timed, all contenders must recall the same. Peers that are not installed are left out:
``pip install hopfieldkit hopfieldnetwork torch torch-hd tqdm``.
"""

import argparse
import contextlib
import io

import numpy as np
from threadpoolctl import threadpool_limits
from timing import medians

from skamem import DenseMemory, HopfieldNetwork
from skamem.core.dynamics import asynchronous
from skamem.core.fields import LinearField
from skamem.datasets import corrupt, make_patterns

try:
    import hopfieldkit
except ImportError:
    hopfieldkit = None
try:
    from hopfieldnetwork import HopfieldNetwork as LoopNetwork
except ImportError:
    LoopNetwork = None
try:
    import torch
    import torchhd
except ImportError:
    torchhd = None


# ---------------------------------------------------------------------------------------------- honest loops


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


def loop_dense(patterns, states, order, degree=3, n_sweeps=100):
    """One unit of all probes at a time: the energies of both its values, from the patterns."""
    states = states.copy()
    for _ in range(n_sweeps):
        before = states.copy()
        for unit in order:
            rest = states @ patterns.T - np.outer(states[:, unit], patterns[:, unit])
            gap = ((rest + patterns[:, unit]) ** degree - (rest - patterns[:, unit]) ** degree).sum(axis=1)
            states[:, unit] = np.where(gap == 0, states[:, unit], np.sign(gap))
        if (before == states).all():
            break
    return states


# ---------------------------------------------------------------------------------------------------- timing


def show(title, seconds, probes):
    print(f"\n{title}")
    for name, value in seconds.items():
        print(f"  {name:38}{1e3 * value:10.1f} ms {1e6 * value / probes.get(name, probes['']):11.1f} µs a probe")


def ratio(name, value, goal):
    print(f"  {name:58}{value:8.2f}   goal {goal}")


def peers(patterns, cues):
    """Other packages on the first cues, by name: functions without arguments that return recalled states."""
    found, n_units = {}, patterns.shape[1]
    if hopfieldkit:
        kit = hopfieldkit.HopfieldNetwork(n_units).fit(patterns)
        found["hopfieldkit, asynchronous"] = lambda: np.asarray([kit.recall(cue, seed=0) for cue in cues])
    if LoopNetwork:
        loop = LoopNetwork(N=n_units)
        loop.train_pattern(patterns.T.astype("int8"))

        def recall_all(kind):
            states = []
            for cue in cues.astype("int8"):
                loop.set_initial_neurons_state(cue.copy())
                with contextlib.redirect_stdout(io.StringIO()):
                    loop.update_neurons(1, kind, run_max=True)
                states.append(loop.S.copy())
            return np.asarray(states)

        found["hopfieldnetwork, asynchronous"] = lambda: recall_all("async")
        found["hopfieldnetwork, synchronous"] = lambda: recall_all("sync")
    return found


def networks(n_units, n_patterns, n_probes, dtype, repeats):
    """HopfieldNetwork against the loops and the packages."""
    patterns = make_patterns(n_patterns, n_units, random_state=0).astype(dtype)
    which = np.random.RandomState(1).randint(n_patterns, size=n_probes)
    truth, cues = patterns[which], corrupt(patterns[which], "flip", 0.1, random_state=2)
    in_turn = HopfieldNetwork(random_state=0).fit(patterns)
    at_once = HopfieldNetwork(update="sync").fit(patterns)
    weights = (patterns.T @ patterns) * (1 - np.eye(n_units, dtype=dtype))
    order = np.random.RandomState(in_turn.order_seed_).permutation(n_units)
    few = min(5, n_probes)
    others = peers(patterns, cues[:few])

    assert np.array_equal(at_once.predict(cues), loop_sync(weights, cues))
    one_by_one = np.vstack([loop_async(weights, cue, order) for cue in cues[:few]])
    assert np.array_equal(in_turn.predict(cues)[:few], one_by_one)
    assert np.array_equal(in_turn.predict(cues), truth)
    for name, run in others.items():
        assert np.array_equal(run(), truth[:few]), name

    field = LinearField(weights, exact=True, zero_diagonal=True)
    swept = asynchronous(field, cues, n_steps=1, order=order).states
    seconds = medians(
        {
            "bare product S @ W": lambda: cues @ weights,
            "one sweep": lambda: asynchronous(field, cues, n_steps=1, order=order),
            "a sweep after one": lambda: asynchronous(field, swept, n_steps=1, order=order),
            "HopfieldNetwork, synchronous": lambda: at_once.predict(cues),
            "4-line NumPy loop, synchronous": lambda: loop_sync(weights, cues),
            "HopfieldNetwork, asynchronous": lambda: in_turn.predict(cues),
            "NumPy loop, one unit of one probe": lambda: [loop_async(weights, cue, order) for cue in cues[:few]],
            **others,
        },
        repeats,
    )
    probes = {"": n_probes, "NumPy loop, one unit of one probe": few, **dict.fromkeys(others, few)}
    show(f"{n_units} units, {n_patterns} patterns, {n_probes} probes, 10 % flips, {np.dtype(dtype)}", seconds, probes)
    bare = seconds["bare product S @ W"]
    ratio("one sweep / bare product", seconds["one sweep"] / bare, "2.2 for 1000 probes, 3.5 for 200")
    ratio("a sweep after one / bare product", seconds["a sweep after one"] / bare, "less")
    loop = seconds["4-line NumPy loop, synchronous"]
    ratio("synchronous / 4-line loop", seconds["HopfieldNetwork, synchronous"] / loop, "1")
    for name in ("NumPy loop, one unit of one probe", *others):
        kind = "synchronous" if name.endswith(" synchronous") else "asynchronous"
        ours = seconds[f"HopfieldNetwork, {kind}"] / n_probes
        ratio(f"{name} / ours, per probe", seconds[name] / few / ours, "30 for hopfieldkit")
    if torchhd:
        memory = torchhd.memory.Hopfield(n_units)
        memory.write(torch.as_tensor(patterns, dtype=torch.float32))
        once = np.sign(memory.read(torch.as_tensor(cues, dtype=torch.float32)).numpy())
        percent = 100 * np.mean((once == truth).all(axis=1))
        print(f"  torchhd reads in one step, without feedback: {percent:.0f} % recalled")


def dense(repeats):
    """DenseMemory against a vectorised loop over units that computes all overlaps anew."""
    n_units, n_patterns, n_probes = 500, 1000, 100
    patterns = make_patterns(n_patterns, n_units, random_state=0)
    cues = corrupt(patterns[:n_probes], "flip", 0.1, random_state=2)
    memory = DenseMemory(random_state=0).fit(patterns)
    order = np.random.RandomState(memory.order_seed_).permutation(n_units)
    assert np.array_equal(memory.predict(cues), loop_dense(patterns, cues, order))
    seconds = medians(
        {
            "DenseMemory, asynchronous": lambda: memory.predict(cues),
            "NumPy loop, one unit of all probes": lambda: loop_dense(patterns, cues, order),
        },
        min(repeats, 3),
    )
    show(f"degree 3, {n_units} units, {n_patterns} patterns, {n_probes} probes, 10 % flips", seconds, {"": n_probes})
    fast, slow = seconds.values()
    ratio("NumPy loop / DenseMemory", slow / fast, "10")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    print(f"numpy {np.__version__}, {arguments.threads} BLAS thread(s)")
    with threadpool_limits(arguments.threads):
        for n_probes in (1000, 200):
            for dtype in (np.float64, np.float32):
                networks(1000, 50, n_probes, dtype, arguments.repeats)
        dense(arguments.repeats)


if __name__ == "__main__":
    main()

"""Tasks of ``benchmarks/structures.py``: assemblies."""

import resource
import time

import numpy as np
import scipy.sparse
from sklearn.base import clone
from timing import medians, say

from skamem import AssemblyClassifier, AssemblyMemory
from skamem.structures import AssemblyNetwork


def random_stimuli(n, n_inputs, n_active, seed):
    """Random sets of inputs, one a row."""
    order = np.argsort(np.random.default_rng(seed).random((n, n_inputs)), axis=1)
    X = np.zeros((n, n_inputs))
    np.put_along_axis(X, order[:, :n_active], 1.0, axis=1)
    return X


def promises(memory, X, seed):
    """Rounds to rest, overlap of different assemblies, recall from the stimulus, and from a random half."""
    rng = np.random.default_rng(seed)
    memory = clone(memory).set_params(random_state=seed).fit(X)
    stored, k = memory.assemblies_, memory.n_active_
    halves = stored.copy()
    for row in range(len(X)):
        neurons = slice(*halves.indptr[row : row + 2])
        halves.data[neurons] = rng.permutation(np.arange(k) < k // 2)
    sparse = scipy.sparse.csr_array(X)
    recalled = memory.transform(sparse).multiply(stored).sum(axis=1) / k
    completed = memory.complete(halves).multiply(stored).sum(axis=1) / k
    shared = (stored @ stored.T).toarray()[~np.eye(len(X), dtype=bool)] / k
    return memory.n_rounds_.mean(), shared.mean(), recalled.mean(), completed.mean(), completed.min()


def shown_together(name, memory, X, n_graphs):
    """Print the promises with standard errors over graphs."""
    start = time.perf_counter()
    found = np.array([promises(memory, X, seed) for seed in range(n_graphs)])
    mean, error = found.mean(axis=0), found.std(axis=0, ddof=1) / n_graphs**0.5
    chance = memory.n_neurons**-0.5
    met = mean[0] <= 10 and mean[1] < 0.05 and mean[2] > 0.98 and mean[3] >= 0.95
    print(f"\n{name}: {len(X)} stimuli, {n_graphs} graphs, {time.perf_counter() - start:.0f} s")
    say(f"  rounds until the same neurons fire   {mean[0]:6.2f} ± {error[0]:.2f}   (at most 10)")
    say(f"  overlap of different assemblies      {mean[1]:6.3f} ± {error[1]:.3f}   (chance {chance:.3f}; below 0.05)")
    say(f"  recalled from its stimulus           {mean[2]:6.3f} ± {error[2]:.3f}   (above 0.98)")
    worst = found[:, 4].min()
    say(f"  recalled from half of it             {mean[3]:6.3f} ± {error[3]:.3f}   (0.95; the worst {worst:.3f})", met)


def assemblies(options):
    """What is promised, at one setting each; the operations; speed; memory."""
    shown_together("n = 4000, the defaults else", AssemblyMemory(4000), random_stimuli(8, 1000, 50, 0), 10)
    operations(5)
    speed(options)
    classes()
    large = AssemblyMemory(100_000, p=0.05, max_weight=2.5)
    shown_together("n = 100,000, p = 0.05, max_weight = 2.5", large, random_stimuli(10, 3160, 316, 0), 3)
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    say(f"peak memory at n = 100,000: {gigabytes:.1f} GiB (below 8)", gigabytes < 8)


def operations(n_graphs):
    """Similar stimuli, association, merge, reciprocal projection."""
    found = []
    for seed in range(n_graphs):
        brain = AssemblyNetwork(random_state=seed)
        overlap = brain.overlap
        for area in "ABC":
            brain.add_area(area)
        for name in ("x", "y", "z"):
            brain.add_stimulus(name)
        brain.add_stimulus("like x", like="x", similarity=0.8)
        x, y = brain.project("x", "A", 5), brain.project("y", "A", 5)
        similar = overlap(brain.project("like x", "A", learn=False), x)
        apart = overlap(x, y)
        for _ in range(2):
            brain.associate("x", "y", "A", 5)
        together = overlap(brain.project("x", "A", learn=False), brain.project("y", "A", learn=False))
        brain.project("x", "B")
        brain.project("z", "C")
        brain.add_area("D")
        merged = brain.merge("B", "C", "D")
        parents = []
        for stimulus, area in (("x", "B"), ("z", "C")):
            brain.project(stimulus, area, learn=False)
            parents.append(overlap(brain.project(area, "D", learn=False), merged))
        found.append([similar, apart, together, min(parents)])
    mean, error = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / n_graphs**0.5
    print(f"\nn = 2000, {n_graphs} graphs")
    say(f"  overlap for stimuli that share 80 %      {mean[0]:.2f} ± {error[0]:.2f}", mean[0] > 0.5)
    say(f"  two assemblies overlap by                {mean[1]:.2f} ± {error[1]:.2f}")
    say(f"  after their stimuli were shown together  {mean[2]:.2f} ± {error[2]:.2f}", mean[2] > mean[1] + 0.3)
    say(f"  a merged assembly from the worse parent  {mean[3]:.2f} ± {error[3]:.2f}", mean[3] > 0.9)


# ------------------------------------------------------------------------------------------------------------- speed

N_NEURONS, DENSITY, BETA, MOST, N_ROUNDS = 5000, 0.1, 0.1, 2.0, 20


def top(inputs, k):
    """The k neurons that receive most, lower indices first among equals."""
    return np.sort(np.argsort(-inputs, kind="stable")[:k])


def in_loops(afferent, recurrent, speakers, k):
    """Winner after winner and synapse after synapse, in Python; lists of (target, weight)."""
    cap, n = [], N_NEURONS
    for _ in range(N_ROUNDS):
        inputs = [0.0] * n
        for synapses, firing in ((afferent, speakers), (recurrent, cap)):
            for source in firing:
                for target, weight in synapses[source].items():
                    inputs[target] += weight
        new = sorted(sorted(range(n), key=lambda neuron: -inputs[neuron])[:k])
        for synapses, firing in ((afferent, speakers), (recurrent, cap)):
            for source in firing:
                row = synapses[source]
                for target in new:
                    if target in row:
                        row[target] = min(row[target] * (1 + BETA), MOST)
        if new == cap:
            return np.array(cap)
        cap = new
    return np.array(cap)


def dense_rows(afferent, recurrent, speakers, k):
    """Rows of dense matrices added up by NumPy."""
    cap = np.zeros(0, dtype=int)
    for _ in range(N_ROUNDS):
        new = top(afferent[speakers].sum(axis=0) + recurrent[cap].sum(axis=0), k)
        for W, firing in ((afferent, speakers), (recurrent, cap)):
            block = np.ix_(firing, new)
            W[block] = np.minimum(W[block] * (1 + BETA), np.where(W[block] > 0, MOST, 0))
        if np.array_equal(new, cap):
            return cap
        cap = new
    return cap


def csc_columns(afferent, recurrent, speakers, k):
    """All columns of csc matrices added up by SciPy, the winners' columns strengthened."""
    cap = np.zeros(0, dtype=int)
    for _ in range(N_ROUNDS):
        masks = []
        for W, firing in ((afferent, speakers), (recurrent, cap)):
            mask = np.zeros(W.shape[0], dtype=np.float32)
            mask[firing] = 1.0
            masks.append(mask)
        new = top(sum(mask @ W for mask, W in zip(masks, (afferent, recurrent), strict=True)), k)
        for W, mask in zip((afferent, recurrent), masks, strict=True):
            for neuron in new:
                column = slice(W.indptr[neuron], W.indptr[neuron + 1])
                grows = mask[W.indices[column]] > 0
                W.data[column] = np.where(grows, np.minimum(W.data[column] * (1 + BETA), MOST), W.data[column])
        if np.array_equal(new, cap):
            return cap
        cap = new
    return cap


def new_brain():
    """An area and a stimulus, the graphs drawn."""
    brain = AssemblyNetwork(p=DENSITY, beta=BETA, max_weight=MOST, homeostasis=False, random_state=0)
    brain.add_area("A", N_NEURONS)
    brain.add_stimulus("x", round(N_NEURONS**0.5))
    return brain, [brain.weights("x", "A"), brain.weights("A", "A")]


def as_lists(W):
    """For each source its targets and their weights."""
    rows = [slice(*W.indptr[row : row + 2]) for row in range(W.shape[0])]
    return [dict(zip(W.indices[row].tolist(), W.data[row].tolist(), strict=True)) for row in rows]


def speed(options):
    """The same projection by the package, in Python loops, and in two vectorised ways; all stop at rest."""
    brain, graphs = new_brain()
    speakers, k = brain.firing("x"), len(brain.firing("x"))
    expected = brain.project("x", "A", N_ROUNDS)
    ways = {
        "Python loops": (in_loops, as_lists),
        "dense rows in NumPy": (dense_rows, lambda W: W.toarray()),
        "csc columns in SciPy": (csc_columns, lambda W: W.tocsc()),
    }
    print()
    for name, (way, form) in ways.items():
        found = way(*map(form, graphs), speakers, k)
        assert brain.overlap(found, expected) > 0.9, name  # float32 sums break some ties otherwise
        repeats = 1 if way is in_loops else options.repeats
        brains = [new_brain()[0] for _ in range(repeats)]
        copies = [list(map(form, graphs)) for _ in range(repeats)]  # what learns, learns once

        def ours(brains=brains):
            brains.pop().project("x", "A", N_ROUNDS)

        def theirs(way=way, copies=copies):
            way(*copies.pop(), speakers, k)

        times = medians({"skamem": ours, name: theirs}, repeats)
        ratio, goal = times[name] / times["skamem"], 20 if way is in_loops else 1
        say(
            f"a projection, n = {N_NEURONS}, p = {DENSITY}: skamem {1e3 * times['skamem']:.1f} ms, {name} "
            f"{ratio:.1f} times that (more than {goal})",
            ratio > goal,
        )


def classes():
    """Noisy copies of ten stimuli, told apart by one assembly for each."""
    accuracy = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        X, y = random_stimuli(10, 200, 40, seed), np.arange(400) % 10
        noisy = np.where(rng.random((400, 200)) < 0.1, 1.0 - X[y], X[y])
        accuracy.append(AssemblyClassifier(random_state=seed).fit(noisy[:100], y[:100]).score(noisy[100:], y[100:]))
    mean, error = np.mean(accuracy), np.std(accuracy, ddof=1) / 5**0.5
    say(f"\nten classes, 10 % of the inputs flipped: accuracy {mean:.3f} ± {error:.3f}", mean > 0.95)


TASKS = {"assemblies": assemblies}

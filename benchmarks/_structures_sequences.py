"""Tasks of ``benchmarks/structures.py``: sequences."""

import math
import time
import warnings

import numpy as np
from timing import say

from skamem import HebbianMemory, PseudoinverseMemory, SequenceMemory
from skamem.datasets import corrupt, make_patterns
from skamem.exceptions import CapacityWarning

ALPHA_C = 0.269  # Düring, Coolen and Sherrington (1998): parallel updates, zero temperature


def stored(memory, n_patterns, n_units, seed):
    """A fitted memory of one random ring, and its patterns."""
    patterns = make_patterns(n_patterns, n_units, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CapacityWarning)
        return SequenceMemory(memory, check_stored=False).fit(patterns), patterns


def from_thirty_percent(options):
    """A Hebbian ring of 25 patterns of 500 units, from every pattern with 30 % of its units wrong."""
    n_right = n_exact = 0
    entries, wrong = [], []
    for seed in range(20):
        memory, patterns = stored(HebbianMemory(), 25, 500, seed)
        recall = memory.recall_sequence(corrupt(patterns, "flip", 0.3, random_state=seed))
        n_right += int(np.sum(recall.sequence == 0))
        n_exact += sum(np.array_equal(cycle, patterns) for cycle in recall.cycle)
        wrong.append(np.mean(recall.cycle[0] != patterns))
        entries += recall.entry_time.tolist()
    say(
        f"Hebb, 25 patterns of 500 units, 30 % of a cue's units wrong: {n_right} of 500 cues end in the stored ring, "
        f"after {np.mean(entries):.1f} steps",
        n_right == 500,
    )
    expected = 0.5 * math.erfc(math.sqrt(500 / 25 / 2))
    say(
        f"of 20 such rings {sum(share > 0 for share in wrong)} have a unit wrong ({n_exact} cues end in one without), "
        f"{np.mean(wrong):.1e} of all units; one step of crosstalk N(0, m/n): {expected:.1e}"
    )


def theory_of_retrieval(alpha):
    """Overlap of retrieval at a load: m = erf(m / sqrt(2 alpha r)), with the noise alpha r of the crosstalk.

    What a pattern did to the noise comes back at other steps only, so that parts from all earlier steps add up, each
    damped by the gain G of one step once more: r = 1 / (1 - G²), G = sqrt(2 / (pi alpha r)) exp(-m² / (2 alpha r)).
    Düring, Coolen and Sherrington (1998), zero temperature; solved from m = 1 downwards.
    """
    m, r = 1.0, 1.0
    for _ in range(20_000):
        noise = alpha * r
        m_new = math.erf(m / math.sqrt(2 * noise))
        gain = math.sqrt(2 / (math.pi * noise)) * math.exp(-(m**2) / (2 * noise))
        r_new = 1 / max(1e-12, 1 - gain**2)
        m, r = 0.5 * (m + m_new), 0.5 * (r + r_new)
        if m < 1e-3 or gain >= 1:
            return 0.0
    return m


def theoretical_capacity():
    """The load at which the overlap of `theory_of_retrieval` vanishes."""
    low, high = 0.1, 0.5
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if theory_of_retrieval(middle) > 0.1 else (low, middle)
    return low


def overlap_kept(alpha, n_units, seed, n_steps=100):
    """Overlap with the ring after some steps from one of its patterns."""
    memory, patterns = stored(HebbianMemory(), round(alpha * n_units), n_units, seed)
    start = np.arange(0, len(patterns), max(1, len(patterns) // 4))[:4]
    states = memory.recall_sequence(patterns[start], n_steps, max_steps=n_steps).states[:, -1]
    return float(np.mean(np.sum(states * patterns[(start + n_steps) % len(patterns)], axis=1) / n_units))


def limit_of(n_units, seed):
    """Load at which a random ring is lost: halving between .2 and .35; lost is an overlap below 1/2."""
    low, high = 0.2, 0.35
    while high - low > 0.004:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if overlap_kept(middle, n_units, seed) > 0.5 else (low, middle)
    return 0.5 * (low + high)


def hebbian_capacity(options):
    """Load up to which Hebbian rings are recalled, against theory, for growing numbers of units."""
    theory, sizes, found = theoretical_capacity(), {500: 10, 1000: 10, 2000: 6}, {}
    say(f"theory, solved here: alpha_c = {theory:.4f}; Düring, Coolen and Sherrington (1998): {ALPHA_C}")
    for n_units, n_draws in sizes.items():
        limits = [limit_of(n_units, seed) for seed in range(n_draws)]
        found[n_units] = np.mean(limits), np.std(limits, ddof=1) / math.sqrt(len(limits))
        say(f"Hebb, {n_units} units: rings are lost at a load of {found[n_units][0]:.4f} ± {found[n_units][1]:.4f}")
    for alpha in (0.1, 0.15, 0.2, 0.25):
        kept = [overlap_kept(alpha, 2000, seed) for seed in range(3)]
        expected = theory_of_retrieval(alpha)
        say(
            f"Hebb, 2000 units, load {alpha}: overlap {np.mean(kept):.4f} ± {np.std(kept, ddof=1) / math.sqrt(3):.4f}, "
            f"theory {expected:.4f}",
            abs(np.mean(kept) - expected) < 0.01,
        )
    mean, error = found[2000]
    say(f"capacity at 2000 units against {ALPHA_C}", abs(mean - ALPHA_C) < 0.01 + 2 * error)


def pseudoinverse(options):
    """Least squares: exact up to as many patterns as units, and what that costs in tolerance of noise."""
    n_units = 200
    for load in (0.25, 0.5, 0.75, 0.9, 1.0):
        shares = {rate: [] for rate in (0.0, 0.02, 0.05, 0.1, 0.2)}
        exact = True
        for seed in range(5):
            memory, patterns = stored(PseudoinverseMemory(), round(load * n_units), n_units, seed)
            following = np.roll(patterns, -1, axis=0)
            exact = exact and np.array_equal(memory.predict(patterns), following)
            for rate, share in shares.items():
                recall = memory.recall_sequence(corrupt(patterns[:40], "flip", rate, random_state=seed), 1)
                share.append(np.mean(recall.sequence == 0))
        rows = ", ".join(f"{rate:.0%}: {np.mean(share):.2f}" for rate, share in shares.items())
        say(
            f"pseudoinverse, {round(load * n_units)} patterns of {n_units} units; end in the ring from flips of {rows}",
            exact,
        )


def exponential(options):
    """A ring of 5,000 patterns of 200 units, from cues with one unit in five flipped."""
    start = time.perf_counter()
    memory, patterns = stored(None, 5000, 200, 0)
    fitted = time.perf_counter()
    cues = corrupt(patterns, "flip", 0.2, random_state=1)
    right = np.all(memory.predict(cues) == np.roll(patterns, -1, axis=0), axis=1)
    asked = time.perf_counter()
    recall = memory.recall_sequence(cues[:100], 10)
    walked = time.perf_counter()
    say(
        f"exponential, 5,000 patterns of 200 units, 20 % flipped: {right.mean():.4f} of the successors right",
        right.all(),
    )
    whole = np.array_equal(recall.cycle[0], patterns) and set(recall.cycle_length.tolist()) == {5000}
    say(
        f"exponential, 100 such cues: all end in the ring of 5,000, from step {recall.entry_time.max()} on; fit "
        f"{fitted - start:.1f} s, predict of 5,000 {asked - fitted:.1f} s, 100 walks {walked - asked:.1f} s",
        whole and recall.entry_time.max() == 1,
    )


def crossing(options):
    """Two rings that share two patterns: told apart by order 3; order 1 names what it cannot tell."""
    n_right = n_cues = 0
    named = True
    for seed in range(50):
        first, second = make_patterns(20, 200, random_state=seed).reshape(2, 10, 200)
        second = np.concatenate([second[:4], first[4:6], second[6:]])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            memory = SequenceMemory().fit([first, second])
        named = named and memory.ambiguous_.tolist() == [5, 15] and memory.order_needed_ == 3
        named = named and len(caught) == 1 and "row 5" in str(caught[0].message) and "order=3" in str(caught[0].message)
        memory = SequenceMemory(order=memory.order_needed_).fit([first, second])
        named = named and memory.ambiguous_.size == 0
        for index, ring in enumerate((first, second)):
            cues = [corrupt(np.roll(ring, -at, axis=0)[:3], "flip", 0.2, random_state=at) for at in range(10)]
            recall = memory.recall_sequence(cues, 20)
            n_right += int(np.sum(recall.sequence == index))
            n_cues += 10
    found = f"{n_right} of {n_cues} fragments of three patterns find their ring"
    say(f"rings of 10 that share 2 patterns, order 3, 20 % flipped: {found}", n_right == n_cues)
    say("order 1 names the ambiguous patterns, and the order that is needed, in 50 of 50 draws", named)


def final_cycles(options):
    """Every final cycle, whatever it holds: against a walk that keeps all states, beyond the capacity."""
    same = kinds = 0
    counts = {"stored": 0, "nothing stored": 0, "some stored": 0}
    for seed in range(20):
        memory, _ = stored(HebbianMemory(), 8 + seed % 5, 40, seed)
        cues = np.sign(np.random.default_rng(seed).standard_normal((50, 40)))
        recall = memory.recall_sequence(cues, 5)
        for cue, length, entry, cycle in zip(cues, recall.cycle_length, recall.entry_time, recall.cycle, strict=True):
            seen, state = {}, cue
            while state.tobytes() not in seen:
                seen[state.tobytes()] = len(seen)
                state = memory.predict(state[None])[0]
            first = seen[state.tobytes()]
            kept = {row.tobytes() for row in cycle}
            same += (length, entry, kept) == (len(seen) - first, first, {k for k, at in seen.items() if at >= first})
        for sequence, share in zip(recall.sequence, recall.stored_share, strict=True):
            counts["stored" if sequence >= 0 else "nothing stored" if share == 0 else "some stored"] += 1
        kinds += len(recall.cycle)
    listed = ", ".join(f"{name} {count}" for name, count in counts.items())
    say(
        f"final cycles of {kinds} random cues, 40 units, load .2 to .3: {same} as a walk that keeps all states finds "
        f"them, {listed}",
        same == kinds and counts["nothing stored"] > 0,
    )


TASKS = {
    "sequences-hebbian": from_thirty_percent,
    "sequences-capacity": hebbian_capacity,
    "sequences-pseudoinverse": pseudoinverse,
    "sequences-exponential": exponential,
    "sequences-crossing": crossing,
    "sequences-cycles": final_cycles,
}

"""How many patterns memories hold: measured against theory, with error bars over seeds.

Run: python benchmarks/capacity.py [part ...] [--seeds 5]

Patterns are random and unbiased. Parts:

- ``one-step``: the load at which one synchronous step spoils 1 % of the bits of stored patterns, with and without the
  diagonal, against the exact law.
- ``retrieval``: mean overlap with the pattern that asynchronous recall started from, for Hebb's rule; theory (Amit,
  Gutfreund and Sompolinsky 1985) gives .997 at load .10, .993 at .12, none above .138 for infinite networks.
- ``rules``: the same for all rules beyond Hebb's limit; the projection at load .9; the symmetric perceptron at 1.5.
- ``dense``: bit errors of degree 3 against Q(signal / noise) with the exact moments of the noise.
"""

import argparse
import warnings

import numpy as np

from skamem import DenseMemory, HebbianMemory, HopfieldNetwork
from skamem.analysis import bit_error_probability, retrieval_overlap
from skamem.datasets import make_patterns
from skamem.exceptions import CapacityWarning


def over_seeds(measure, seeds):
    """Mean and standard error of a measurement over seeds."""
    values = np.asarray([measure(seed) for seed in range(seeds)])
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(seeds)


# ---------------------------------------------------------------------------------------------------- one step


def one_percent_load(errors, loads):
    """Load at which errors pass 1 %, by interpolation of their logarithm."""
    return np.interp(np.log(0.01), np.log(np.maximum(errors, 1e-6)), loads)


def one_step(seeds):
    print(
        "\nOne step, load at which 1 % of the bits are wrong (goals: .18 +- .02 without the diagonal, about .32 with)"
    )
    for diagonal in (False, True):
        loads = np.linspace(0.24, 0.40, 9) if diagonal else np.linspace(0.12, 0.24, 7)
        for n_units in (200, 500, 1000):
            counts = np.rint(loads * n_units).astype(int)

            def measure(seed, counts=counts, n_units=n_units, diagonal=diagonal):
                errors = []
                for count in counts:
                    patterns = make_patterns(count, n_units, random_state=seed)
                    memory = HebbianMemory(n_recall_steps=1, zero_diagonal=not diagonal).fit(patterns)
                    errors.append(np.mean(memory.predict(patterns) != patterns))
                return [one_percent_load(errors, counts / n_units)]

            (mean,), (error,) = over_seeds(measure, seeds)
            law = one_percent_load(bit_error_probability(n_units, counts, zero_diagonal=not diagonal), counts / n_units)
            name = "with" if diagonal else "without"
            print(f"  {name:8} diagonal, n = {n_units:5}: {mean:.4f} +- {error:.4f}   exact law {law:.4f}")
    for diagonal, expected in ((False, 0.00967), (True, 0.00281)):
        law = bit_error_probability(1000, 184, zero_diagonal=not diagonal)
        print(f"  exact law at n = 1000, m = 184, diagonal {diagonal}: {law:.5f} (literature {expected})")


# --------------------------------------------------------------------------------------------------- retrieval


def overlaps(network, loads, n_units, seed):
    """Mean overlap of stored patterns with where recall takes them."""
    found = []
    for load in loads:
        patterns = make_patterns(round(load * n_units), n_units, random_state=seed)
        recalled = network(seed).fit(patterns).predict(patterns)
        found.append(np.mean(recalled * patterns))
    return found


def retrieval(seeds):
    print("\nAsynchronous retrieval with Hebb's rule: mean overlap (goals for n >= 1000: .997, .995, below .8 at .16)")
    loads = (0.10, 0.12, 0.14, 0.16)
    for n_units in (250, 500, 1000, 2000):

        def measure(seed, n_units=n_units):
            return overlaps(lambda seed: HopfieldNetwork(random_state=seed), loads, n_units, seed)

        mean, error = over_seeds(measure, seeds)
        cells = "   ".join(f"{load:.2f}: {m:.4f} +- {e:.4f}" for load, m, e in zip(loads, mean, error, strict=True))
        print(f"  n = {n_units:5}  {cells}")
    print("  infinite n " + "   ".join(f"{load:.2f}: {retrieval_overlap(load):.4f}          " for load in loads))
    print("  load at which the mean overlap falls below .85 (theory: .138 for infinite n)")
    loads = np.arange(0.13, 0.215, 0.01)
    for n_units in (250, 500, 1000):

        def half_point(seed, n_units=n_units):
            found = overlaps(lambda seed: HopfieldNetwork(random_state=seed), loads, n_units, seed)
            return [np.interp(-0.85, -np.minimum.accumulate(found), loads)]

        (mean,), (error,) = over_seeds(half_point, seeds)
        print(f"  n = {n_units:5}  {mean:.4f} +- {error:.4f}")


def rules(seeds):
    n_units = 200
    print(f"\nRules at n = {n_units}: mean overlap after asynchronous recall of stored patterns")
    loads = (0.10, 0.14, 0.20, 0.30, 0.50, 0.90)
    print("  load                     " + "   ".join(f"{load:15.2f}" for load in loads))
    for rule in ("hebbian", "storkey", "pseudoinverse"):

        def measure(seed, rule=rule):
            return overlaps(lambda seed: HopfieldNetwork(rule, random_state=seed), loads, n_units, seed)

        mean, error = over_seeds(measure, seeds)
        print(f"  {rule:24} " + "   ".join(f"{m:.4f} +- {e:.4f}" for m, e in zip(mean, error, strict=True)))

    def projection(seed):
        patterns = make_patterns(180, n_units, random_state=seed)
        network = HopfieldNetwork("pseudoinverse", random_state=seed).fit(patterns)
        probes = np.random.default_rng(seed).choice([-1.0, 1.0], (200, n_units))
        fixed = [np.mean((network.predict(X) == X).all(axis=1)) for X in (patterns, probes)]
        return fixed

    mean, error = over_seeds(projection, seeds)
    print(f"  projection at load .9: stored patterns fixed {mean[0]:.4f} +- {error[0]:.4f}, "
          f"random probes fixed {mean[1]:.4f} +- {error[1]:.4f}")  # fmt: skip

    def perceptron(seed, budget=10_000):
        patterns = make_patterns(150, 100, random_state=seed)
        network = HopfieldNetwork("perceptron", max_epochs=budget, random_state=seed).fit(patterns)
        return [np.mean((network.predict(patterns) == patterns).all(axis=1))]

    (mean,), (error,) = over_seeds(perceptron, min(seeds, 3))
    print(f"  symmetric perceptron, n = 100, load 1.5, within 10,000 epochs: fixed {mean:.4f} +- {error:.4f}")


# ------------------------------------------------------------------------------------------------------- dense


def dense(seeds):
    print("\nDense memories, one step from stored patterns: bit errors against Q(signal / noise)")
    cases = [
        ("polynomial", 2, 1000, 140),
        ("polynomial", 3, 100, 500),
        ("polynomial", 3, 200, 3000),
        ("polynomial", 4, 50, 2000),
        ("rectified_polynomial", 3, 100, 1000),
    ]
    for interaction, degree, n_units, n_patterns in cases:

        def measure(seed, case=(interaction, degree, n_units, n_patterns)):
            interaction, degree, n_units, n_patterns = case
            patterns = make_patterns(n_patterns, n_units, random_state=seed)
            memory = DenseMemory(interaction, degree=degree, update="sync", n_recall_steps=1).fit(patterns)
            return [np.mean(memory.predict(patterns) != patterns)]

        (mean,), (error,) = over_seeds(measure, seeds)
        law = bit_error_probability(n_units, n_patterns, model=interaction, degree=degree)
        binomial = np.sqrt(law * (1 - law) / (seeds * n_units * n_patterns))
        print(f"  {interaction:21} degree {degree}, n = {n_units:4}, {n_patterns:4} patterns: {mean:.5f} +- {error:.5f}"
              f"   theory {law:.5f}, binomial error {binomial:.5f}")  # fmt: skip


def main():
    parts = {"one-step": one_step, "retrieval": retrieval, "rules": rules, "dense": dense}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(parts)}; all by default")
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", CapacityWarning)
    for name in arguments.parts or parts:
        parts[name](arguments.seeds)


if __name__ == "__main__":
    main()

"""Thousands of hostile and unusual cases: ``python -m tests.fuzz --cases 20000 --n-jobs 4``.

Prints how the cases of each estimator ended, and for each kind of finding its number and the least case that shows it.
``python -m tests.fuzz "Case(...)"`` runs one case again and says what came of each call.
"""

import argparse
from collections import Counter, defaultdict

from joblib import Parallel, delayed

from tests._estimators import ESTIMATORS

from ._cases import draw_case, read_case, run, shrink

WORDS = ("ok", "clear error", "undocumented")
TOGETHER = 20


def outcomes(Estimator, seeds):
    """(seed, outcome) of some cases."""
    return [(Estimator, seed, run(draw_case(seed, Estimator))) for seed in seeds]


def least_case(Estimator, seed, finding):
    """The line that reproduces a finding."""
    return shrink(draw_case(seed, Estimator), finding)


def search(estimators, n_cases, first_seed, n_jobs, *, shrunk=True):
    """Print the table, then the findings; their number."""
    seeds = range(first_seed, first_seed + -(-n_cases // len(estimators)))
    blocks = [seeds[start : start + TOGETHER] for start in range(0, len(seeds), TOGETHER)]
    work = (delayed(outcomes)(Estimator, block) for block in blocks for Estimator in estimators)
    words, found = defaultdict(Counter), defaultdict(list)
    for Estimator, seed, outcome in (one for batch in Parallel(n_jobs, return_as="generator")(work) for one in batch):
        words[Estimator.__name__][outcome.word] += 1
        for finding in outcome.findings:
            found[Estimator, finding.call, finding.kind].append((seed, finding))
    print(f"{'':24}" + "".join(f"{word:>14}" for word in WORDS))
    for name, counts in words.items():
        print(f"{name:24}" + "".join(f"{counts[word]:14d}" for word in WORDS))
    kinds = sorted(found.items(), key=lambda item: (item[0][0].__name__, -len(item[1])))
    least = [None] * len(kinds)
    if shrunk:
        least = Parallel(n_jobs)(delayed(least_case)(key[0], *seen[0]) for key, seen in kinds)
    for ((Estimator, call, kind), seen), case in zip(kinds, least, strict=True):
        seed, finding = seen[0]
        print(f"\n{Estimator.__name__}.{call}: {kind} ({len(seen)} times, first at seed {seed}): {finding.detail}")
        if case is not None:
            print(f'    python -m tests.fuzz "{case}"')
    return len(kinds)


def main():
    """Run one case, or many."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="?", help="a Case(...) to run again")
    parser.add_argument("--cases", type=int, default=20_000, help="in all")
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--n-jobs", type=int, default=1)
    parser.add_argument("--estimator", nargs="*", default=[], help="names; all when left out")
    parser.add_argument("--no-shrink", action="store_true")
    options = parser.parse_args()
    if options.case:
        outcome = run(read_case(options.case))
        print(outcome.word, *outcome.findings, sep="\n")
        return
    estimators = [kind for kind in ESTIMATORS if not options.estimator or kind.__name__ in options.estimator]
    search(estimators, options.cases, options.seed, options.n_jobs, shrunk=not options.no_shrink)


if __name__ == "__main__":
    main()

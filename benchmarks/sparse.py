"""Sparse regression: support recovery, time and memory of IHTRegressor against scikit-learn, abess and skglm.

``python benchmarks/sparse.py [goals ...] [--seed 1000] [--repeats 5]`` prints eight goals and whether each is met. All
solvers of a goal run interleaved in one process on the same data with one BLAS thread; times are process CPU time,
medians, and ratios are to IHTRegressor. Every solver is told the true number of coefficients unless it is chosen by
cross-validation. Data are drawn from `--seed` onwards: give one that nobody has tuned on.

- ``large``: 2000 x 20000, 50 coefficients, 20 dB: time, memory and passes over X.
- ``correlated``: 1000 x 10000, 50 coefficients, AR(1) correlation .9.
- ``small``: 200 x 1000, 25 coefficients, correlation .9.
- ``recovery``: noiseless, 300 x 1000, sparsity up to half of the samples.
- ``cv``: cross-validation, 20000 x 200, 1000 x 400, and diabetes with quadratic terms.
- ``laws``: what must hold exactly.
- ``sizes``: sizes other than the true one, which paths, searches and guesses ask for, in times of the true one.
- ``exact``: sizes 1 to 6 of 28 features, and 1 to 4 of diabetes with products, against all subsets.
- ``searches``, only if named: 15 sizes by a path, by cross-validation, and by searches one by one. Without a goal.
- ``hard``, only if named: fewer samples or more noise, without a goal.
- ``decoys``, only if named: noisy sums of true columns stand beside these; what margins say then. Without a goal.

Peers: ``pip install -e ".[bench]"``; those that are not installed are left out, and their goals read "not measured".
"""

import argparse
import math
import tracemalloc

import numpy as np
from sklearn.linear_model import OrthogonalMatchingPursuit, OrthogonalMatchingPursuitCV
from sklearn.model_selection import GridSearchCV
from sparse_peers import ABESS, MCP, OMP, OURS, Timings, cross_validated_solvers, solvers
from sparse_problems import best_subset, decoyed, exchanged, least_loss, loss, quadratic_diabetes, regression, summed
from threadpoolctl import threadpool_info, threadpool_limits

from skamem.sparse import IHTRegressor, IHTRegressorCV


def verdict(goal, value, met):
    """Print a goal, what was measured, and whether it is met."""
    outcome = "not measured" if math.isnan(value) else "met" if met else "MISSED"
    print(f"  -> {goal}: {value:.4g}: {outcome}", flush=True)


def at_least(goal, value, bound):
    verdict(goal, value, value >= bound)


def compare(problems, s, peers):
    """Time all `peers` on `problems`; prints a line each. Returns the times and shares of exactly found supports."""
    times, exact = Timings(peers), {name: [] for name in peers}
    warm_up = regression(0, 50, 60, 2)[:2]
    for solver in peers.values():  # compilers and lazy imports
        Timings([OURS]).call(OURS, solver, *warm_up, 2)
    wrong_margins, passes = [], []
    for X, y, support in problems:
        for name, solver in peers.items():
            found, model = times.call(name, solver, X, y, s)
            exact[name].append(np.array_equal(found, support))
            if name == OURS:
                passes.append(model.n_passes_)
                wrong_margins += [] if exact[name][-1] else [model.margin_]
    share = {name: 100 * np.mean(found) for name, found in exact.items()}
    for name in peers:
        print(f"  {times.line(name)}  exact {share[name]:4.0f} %")
    greatest = f", greatest margin of a wrong support {max(wrong_margins):.2f}" if wrong_margins else ""
    print(f"  {OURS}: {np.median(passes):.0f} passes over X (most {max(passes):.0f}){greatest}", flush=True)
    return times, share


def large(seed, repeats):
    print("1. 2000 x 20000, 50 coefficients, 20 dB")
    times, _ = compare((regression(seed + k, 2000, 20000, 50) for k in range(repeats)), 50, solvers())
    X, y, _ = regression(seed, 2000, 20000, 50)
    tracemalloc.start()
    model = IHTRegressor(50).fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    at_least("OMP / ours >= 15", times.ratio(OMP), 15)
    at_least("abess / ours >= 15", times.ratio(ABESS), 15)
    verdict("memory beyond X < 10 % of X", 100 * peak / X.nbytes, peak < 0.1 * X.nbytes)
    verdict("passes over X <= 7", model.n_passes_, model.n_passes_ <= 7)


def correlated(seed, repeats):
    print("2. 1000 x 10000, 50 coefficients, correlation .9 (no L0Learn: it needs R)")
    problems = (regression(seed + k, 1000, 10000, 50, rho=0.9) for k in range(repeats))
    times, exact = compare(problems, 50, solvers())
    at_least("exact >= 100 %", exact[OURS], 100)
    verdict("where OMP has 0 %", exact[OMP], exact[OMP] == 0)
    at_least("OMP / ours >= 5", times.ratio(OMP), 5)


def small(seed, repeats):
    print("3. 200 x 1000, 25 coefficients, correlation .9")
    problems = (regression(seed + k, 200, 1000, 25, rho=0.9) for k in range(4 * repeats))
    times, exact = compare(problems, 25, solvers())
    at_least("exact >= 100 %", exact[OURS], 100)
    at_least("abess / ours >= 1", times.ratio(ABESS), 1)


def hard(seed, repeats):
    print("   Harder problems, without a goal")
    for n, p, s, rho, decibel in (
        (100, 1000, 10, 0.9, 10), (200, 1000, 40, 0.5, 20), (100, 500, 12, 0.95, 20), (300, 2000, 60, 0.0, 20),
        (150, 2000, 30, 0.5, 30),
    ):  # fmt: skip
        print(f"   {n} x {p}, {s} coefficients, correlation {rho}, {decibel} dB")
        problems = (regression(seed + k, n, p, s, rho=rho, decibel=decibel) for k in range(4 * repeats))
        compare(problems, s, solvers(mcp=False))


def recovery(seed, repeats):
    print("4. Noiseless 300 x 1000")
    for coefs, fraction, goal in (("gaussian", 0.4, 100), ("gaussian", 0.5, 60), ("signs", 0.3, 70)):
        s = round(fraction * 300)
        print(f"  {coefs} coefficients, s/n = {fraction}")
        problems = (regression(seed + k, 300, 1000, s, decibel=None, coefs=coefs) for k in range(4 * repeats))
        _, exact = compare(problems, s, solvers(mcp=False))
        at_least(f"exact >= {goal} %", exact[OURS], goal)


def cv(seed, repeats):
    print("5. Five folds")
    cases = {
        "20000 x 200, at most 30": (*regression(seed, 20000, 200, 15, rho=0.8, decibel=3.0)[:2], 30),
        "1000 x 400, at most 30": (*regression(seed, 1000, 400, 20, rho=0.8, decibel=3.0)[:2], 30),
        "diabetes with products, at most 15": (*quadratic_diabetes(), 15),
    }
    ratios = {}
    for case, (X, y, s) in cases.items():
        print(f"  {case}")
        peers = cross_validated_solvers()
        times = Timings(peers)
        for solver in peers.values():
            Timings([OURS]).call(OURS, solver, X[:500], y[:500], s)
        for _ in range(max(repeats, 3) * (1 if len(X) > 5000 else 5)):
            for name, solver in peers.items():
                times.call(name, solver, X, y, s)
        for name in peers:
            print(f"  {times.line(name)}")
        ratios[case] = times
    wide, middle, diabetes = ratios.values()
    at_least("20000 x 200: OMPCV / ours >= 6", wide.ratio(OMP), 6)
    at_least("20000 x 200: abess / ours >= 60", wide.ratio(ABESS), 60)
    at_least("1000 x 400: OMPCV / ours >= 1", middle.ratio(OMP), 1)
    at_least("diabetes: OMPCV / ours >= 1", diabetes.ratio(OMP), 1)


def laws(seed, repeats):
    print("6. Laws: violations, none allowed")
    count = dict.fromkeys(
        (
            "columns in other units change the support",
            "y in other units changes the support",
            "the loss rises with the size (effort='thorough', path and single sizes)",
            "a certified support loses to an exchange",
            "a support loses to the best of all subsets",
            "path and single size differ (effort='thorough')",
        ),
        0,
    )
    rescaled, shrunk, rises, refuted, beaten, differs = count
    n_fits = n_rises = 0
    for k in range(repeats):
        X, y, _ = regression(seed + k, 60, 40, 6, rho=0.7, decibel=3.0)
        units = 10.0 ** np.random.default_rng(seed + k).uniform(-12, 12, 40)
        path = IHTRegressor(max_features=12, effort="thorough").fit(X, y).path_
        losses = []
        for s in range(1, 13):
            model = IHTRegressor(s).fit(X, y)
            losses.append(loss(X, y, model.support_))
            count[rescaled] += not np.array_equal(IHTRegressor(s).fit(X * units, y).support_, model.support_)
            count[shrunk] += not np.array_equal(IHTRegressor(s).fit(X, 1e-7 * y).support_, model.support_)
            if model.swap_optimal_:
                others = exchanged(model.support_, 40)
                count[refuted] += any(loss(X, y, other) < losses[-1] * (1 - 2e-7) for other in others)
            thorough = IHTRegressor(s, effort="thorough").fit(X, y)
            count[differs] += not np.array_equal(thorough.support_, path.supports[s])
            n_fits += 4
        count[rises] += int(np.sum(np.diff(path.objective) > 1e-9 * path.objective[0]))
        n_rises += int(np.sum(np.diff(losses) > 1e-9 * losses[0]))
        X, y, _ = regression(seed + k, 40, 16, 5, rho=0.9, decibel=3.0)
        for s in range(1, 5):
            count[beaten] += loss(X, y, IHTRegressor(s).fit(X, y).support_) > least_loss(X, y, s) * (1 + 1e-9)
            n_fits += 1
    print(f"  {n_fits} fits; effort='auto' does not promise falling losses: {n_rises} rises between sizes fitted alone")
    for law, violations in count.items():
        verdict(law, violations, violations == 0)


def sizes(seed, repeats):
    print("7. Sizes other than the true one")
    diabetes = quadratic_diabetes()
    for title, (X, y), true, others, times in (
        ("300 x 1000, 10 true", regression(seed, 300, 1000, 10)[:2], 10, (1, 2, 3, 5, 9, 12, 20), 5 * repeats),
        ("2000 x 20000, 50 true", regression(seed, 2000, 20000, 50)[:2], 50, (1, 5, 10, 25, 60), repeats),
        ("diabetes with products, 9 taken for true", diabetes, 9, (1, 3, 6, 12, 15), 5 * repeats),
    ):
        print(f"  {title}")
        best = {}
        for s in (true, *others):
            peers = solvers(mcp=False)
            least, models = Timings([OURS, OMP]), {}
            for _ in range(max(times, 3)):
                for name in (OURS, OMP):
                    _, models[name] = least.call(name, peers[name], X, y, s)
            ours, omp = min(least.seconds[OURS]), min(least.seconds[OMP])
            best[s] = ours
            model = models[OURS]
            residual = np.sum((y - model.predict(X)) ** 2) / np.sum((y - models[OMP].predict(X)) ** 2)
            print(
                f"  size {s:3d}: {1e3 * ours:7.1f} ms, {model.n_passes_:3.0f} passes, margin {model.margin_:.3g}; "
                f"x{ours / best[true]:5.2f} the true size, x{ours / omp:5.2f} OMP, loss x{residual:.4f} OMP's"
            )
            verdict(
                "  at most 1.5 of the true size, or below OMP / 3", ours / best[true], _cheap(ours, best[true], omp)
            )


def _cheap(seconds, true, omp):
    return seconds <= 1.5 * true or 3 * seconds <= omp


def exact(seed, repeats):
    print("8. Against all subsets")
    cases = [(regression(seed + k, 60, 28, 6, rho=0.8, decibel=3.0)[:2], 6) for k in range(repeats)]
    found = wanted = 0
    for (X, y), most in [*cases, (quadratic_diabetes(), 4)]:
        for s in range(1, most + 1):
            wanted += 1
            found += np.array_equal(IHTRegressor(s).fit(X, y).support_, best_subset(X, y, s))
        print(f"  {len(X)} x {X.shape[1]}: {found} of {wanted} sizes so far have the best of all supports", flush=True)
    verdict("share with the best of all supports >= 100 %", 100 * found / wanted, found == wanted)


def decoys(seed, repeats):
    print("Decoys, 200 x 500, 6 true columns in groups, each with two noisy sums")
    for group, spread, noise in ((2, 0.3, 0.1), (2, 0.6, 0.1), (2, 0.6, 0.5), (3, 0.3, 0.1), (3, 0.6, 0.1)):
        problems = [decoyed(seed + k, 200, 500, 6, group, spread=spread, noise=noise) for k in range(repeats)]
        _say_of_decoys(f"groups of {group}, spread {spread}, noise {noise}", problems)
    print("Decoys, 120 x 46, 4 true columns, with a noisy sum of each two; 8 times as many")
    _say_of_decoys("all sums of two", [summed(seed + k) for k in range(8 * repeats)])


def searches(seed, repeats):
    print("15 sizes of diabetes with products, 5 folds")
    X, y = quadratic_diabetes()
    sizes = list(range(1, 16))
    grid = {"n_nonzero_coefs": sizes}
    ways = {
        OURS: lambda: IHTRegressorCV(15, cv=5).fit(X, y),
        OMP: lambda: OrthogonalMatchingPursuitCV(max_iter=15, cv=5).fit(X, y),
        "grid search, ours": lambda: GridSearchCV(IHTRegressor(), grid, cv=5).fit(X, y),
        "grid search, OMP": lambda: GridSearchCV(OrthogonalMatchingPursuit(), grid, cv=5).fit(X, y),
        "path, no folds": lambda: IHTRegressor(max_features=15).fit(X, y),
        "one by one, no folds": lambda: [IHTRegressor(size).fit(X, y) for size in sizes],
    }
    times = Timings(ways)
    for _ in range(max(repeats, 3)):
        for name, way in ways.items():
            times.call(name, way)
    for name in ways:
        print(f"  {times.line(name)}", flush=True)


def _say_of_decoys(name, problems):
    """Print how often each effort ends at a loss no greater than that of the true support, and what margins said."""
    found, margins, excess = {"auto": 0, "thorough": 0}, [], []
    for X, y, support in problems:
        least = loss(X, y, support)
        for effort in found:
            model = IHTRegressor(len(support), effort=effort).fit(X, y)
            ratio = loss(X, y, model.support_) / least
            is_right = ratio <= 1 + 1e-9
            found[effort] += is_right
            margins += [] if is_right else [model.margin_]
            excess += [] if is_right else [ratio]
    shares = ", ".join(f"{effort} {100 * count / len(problems):.0f} %" for effort, count in found.items())
    print(
        f"  {name}: as good as the truth {shares}; of those worse, greatest margin {max(margins, default=0.0):.2f}, "
        f"greatest loss {max(excess, default=1.0):.2f} times that of the truth",
        flush=True,
    )


GOALS = {
    "large": large, "correlated": correlated, "small": small, "recovery": recovery, "cv": cv, "laws": laws,
    "sizes": sizes, "exact": exact,
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "goals",
        nargs="*",
        default=list(GOALS),
        help=f"of {', '.join(GOALS)}, decoys, hard, searches; all but those three",
    )
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with threadpool_limits(1):
        threads = {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
        print(f"BLAS threads: {threads}; process CPU time, medians; seeds from {options.seed}; ratios to {OURS}")
        left_out = {ABESS, MCP} - set(solvers())
        print(f"peers not installed: {', '.join(sorted(left_out)) or 'none'}; not compared: L0Learn (needs R)")
        for goal in options.goals:
            {**GOALS, "decoys": decoys, "hard": hard, "searches": searches}[goal](options.seed, options.repeats)


if __name__ == "__main__":
    main()

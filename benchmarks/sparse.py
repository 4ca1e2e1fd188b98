"""Sparse regression: support recovery, time and memory of IHTRegressor against scikit-learn, abess and skglm.

``python benchmarks/sparse.py [goals ...] [--seed 1000] [--repeats 5]`` prints six goals. All solvers of a goal run
interleaved in one process on the same data with one BLAS thread; times are process CPU time, medians; every solver is
told the true number of coefficients unless it is chosen by cross-validation. Data are drawn from `--seed` onwards.

- ``large``: 2000 x 20000, 50 of 20 dB: time, memory and passes over X.
- ``correlated``: 1000 x 10000, 50, AR(1) correlation .9.
- ``small``: 200 x 1000, 25, correlation .9.
- ``recovery``: noiseless, 300 x 1000, sparsity up to half of the samples.
- ``cv``: cross-validation, 20000 x 200, 1000 x 400, and diabetes with quadratic terms.
- ``laws``: what must hold exactly.

Peers that are not installed are left out: ``pip install abess skglm``.
"""

import argparse
import itertools
import statistics
import time
import tracemalloc
import warnings

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LassoCV, OrthogonalMatchingPursuit, OrthogonalMatchingPursuitCV
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from threadpoolctl import threadpool_limits

from skamem.sparse import IHTRegressor, IHTRegressorCV

try:
    import abess
except ImportError:
    abess = None
try:
    from skglm.datafits import Quadratic
    from skglm.penalties import MCPenalty
    from skglm.solvers import AndersonCD
except ImportError:
    AndersonCD = None


def regression(seed, n, p, s, *, rho=0.0, decibel=20.0, coefs="uniform"):
    """Gaussian design with AR(1) correlation `rho`, s coefficients, and noise at a signal-to-noise ratio or none."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    for j in range(1, p if rho else 0):
        X[:, j] = rho * X[:, j - 1] + np.sqrt(1 - rho**2) * X[:, j]
    support = np.sort(rng.choice(p, s, replace=False))
    signs = rng.choice([-1.0, 1.0], s)
    weights = {"uniform": signs * rng.uniform(1, 2, s), "gaussian": rng.standard_normal(s), "signs": signs}[coefs]
    signal = X[:, support] @ weights
    noise = 0.0 if decibel is None else np.sqrt(np.mean(signal**2) / 10 ** (decibel / 10))
    return X, signal + noise * rng.standard_normal(n), support


# ------------------------------------------------------------------------------- solvers: (X, y, s) -> support


def ours(X, y, s):
    return IHTRegressor(s).fit(X, y).support_


def omp(X, y, s):
    return np.flatnonzero(OrthogonalMatchingPursuit(n_nonzero_coefs=s).fit(X, y).coef_)


def abess_solver(X, y, s):
    return np.flatnonzero(abess.LinearRegression(support_size=[s]).fit(X, y).coef_)


def skglm_mcp(X, y, s):
    """Along a path of the minimax concave penalty, the first with s coefficients; its s largest."""
    X, y = np.asfortranarray(X - X.mean(axis=0)), y - y.mean()
    scale = np.linalg.norm(X, axis=0) / np.sqrt(len(X))
    X /= scale
    largest = np.abs(X.T @ y).max() / len(X)
    alphas = largest * np.geomspace(1.0, 1e-2, 50)
    solver = AndersonCD(tol=1e-4, fit_intercept=False, warm_start=True)
    coefs = np.zeros(X.shape[1])
    for alpha in alphas:
        coefs = solver.solve(X, y, Quadratic(), MCPenalty(alpha, 3.0), w_init=coefs)[0]
        if np.count_nonzero(coefs) >= s:
            break
    return np.sort(np.argsort(-np.abs(coefs))[:s])


def peers(*, slow=True):
    solvers = {"IHTRegressor": ours, "OMP (scikit-learn)": omp}
    if abess is not None:
        solvers["abess"] = abess_solver
    if AndersonCD is not None and slow:
        solvers["MCP path (skglm)"] = skglm_mcp
    return solvers


def cpu(function, *args):
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = function(*args)
    return time.process_time() - start, result


def compare(problems, s, solvers):
    """Median CPU time and share of exactly recovered supports of each solver; the first is ours."""
    times, exact = {k: [] for k in solvers}, {k: [] for k in solvers}
    warm = regression(0, 50, 60, 2)[:2]
    for solver in solvers.values():  # compilers and lazy imports
        cpu(solver, *warm, 2)
    for X, y, support in problems:
        for name, solver in solvers.items():
            elapsed, found = cpu(solver, X, y, s)
            times[name].append(elapsed)
            exact[name].append(np.array_equal(found, support))
    mine = statistics.median(times["IHTRegressor"])
    for name in solvers:
        median = statistics.median(times[name])
        print(f"  {name:20s} {1e3 * median:9.1f} ms  x{median / mine:6.1f}  exact {100 * np.mean(exact[name]):4.0f} %")
    return exact


# ------------------------------------------------------------------------------------------------------- goals


def large(seed, repeats):
    print("1. 2000 x 20000, 50 coefficients, 20 dB. Goal: OMP and abess x15, memory < 10 % of X, at most 7 passes")
    compare((regression(seed + k, 2000, 20000, 50) for k in range(repeats)), 50, peers())
    X, y, _ = regression(seed, 2000, 20000, 50)
    tracemalloc.start()
    model = IHTRegressor(50).fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(f"  memory beyond X: {peak / 2**20:.0f} MiB, {100 * peak / X.nbytes:.1f} % of X; passes: {model.n_passes_}")


def correlated(seed, repeats):
    print("2. 1000 x 10000, 50 coefficients, correlation .9. Goal: 100 % exact where OMP has 0, OMP x5")
    compare((regression(seed + k, 1000, 10000, 50, rho=0.9) for k in range(repeats)), 50, peers())


def small(seed, repeats):
    print("3. 200 x 1000, 25 coefficients, correlation .9. Goal: 100 % exact, abess x1")
    compare((regression(seed + k, 200, 1000, 25, rho=0.9) for k in range(4 * repeats)), 25, peers())
    for n, p, s, rho, decibel in (
        (100, 1000, 10, 0.9, 10), (200, 1000, 40, 0.5, 20), (100, 500, 12, 0.95, 20), (300, 2000, 60, 0.0, 20),
        (150, 2000, 30, 0.5, 30),
    ):  # fmt: skip
        print(f"   {n} x {p}, {s} coefficients, correlation {rho}, {decibel} dB (no goal)")
        problems = (regression(seed + k, n, p, s, rho=rho, decibel=decibel) for k in range(4 * repeats))
        compare(problems, s, peers(slow=False))


def recovery(seed, repeats):
    print("4. Noiseless 300 x 1000. Goal: Gaussian 100 % at .4 and 60 % at .5 of the samples, signs 70 % at .3")
    for coefs, share in (("gaussian", 0.4), ("gaussian", 0.5), ("signs", 0.3)):
        s = round(share * 300)
        print(f"  {coefs} coefficients, s/n = {share}")
        problems = (regression(seed + k, 300, 1000, s, decibel=None, coefs=coefs) for k in range(4 * repeats))
        compare(problems, s, peers(slow=False))


def cv(seed, repeats):
    print("5. Five folds, at most 30 coefficients. Goal: 20000 x 200 OMPCV x6, abess x60; diabetes OMPCV x1")
    X, y = load_diabetes(return_X_y=True)
    Z = PolynomialFeatures(2, include_bias=False).fit_transform(StandardScaler().fit_transform(X))
    Z = StandardScaler().fit_transform(Z)
    cases = {
        "20000 x 200": (*regression(seed, 20000, 200, 15, rho=0.8, decibel=3.0)[:2], 30),
        "1000 x 400": (*regression(seed, 1000, 400, 20, rho=0.8, decibel=3.0)[:2], 30),
        "diabetes, quadratic": (Z, y, 15),
    }
    solvers = {
        "IHTRegressorCV": lambda X, y, s: IHTRegressorCV(s, cv=5).fit(X, y),
        "OMPCV (scikit-learn)": lambda X, y, s: OrthogonalMatchingPursuitCV(max_iter=s, cv=5).fit(X, y),
        "LassoCV (scikit-learn)": lambda X, y, s: LassoCV(cv=5).fit(X, y),
    }
    if abess is not None:
        solvers["abess"] = lambda X, y, s: abess.LinearRegression(support_size=range(s + 1), cv=5).fit(X, y)
    for case, (X, y, s) in cases.items():
        print(f"  {case}")
        times = {name: [] for name in solvers}
        for _ in range(max(repeats, 3)):
            for name, solver in solvers.items():
                times[name].append(cpu(solver, X, y, s)[0])
        mine = statistics.median(times["IHTRegressorCV"])
        for name, elapsed in times.items():
            median = statistics.median(elapsed)
            print(f"    {name:22s} {1e3 * median:9.1f} ms  x{median / mine:6.2f}  (least {1e3 * min(elapsed):.1f} ms)")


def laws(seed, repeats):
    print("6. Laws: counts of violations")
    scaled = shrunk = rises = swaps = beaten = n_fits = 0
    for k in range(repeats):
        X, y, _ = regression(seed + k, 60, 40, 6, rho=0.7, decibel=3.0)
        rng = np.random.default_rng(seed + k)
        units = 10.0 ** rng.uniform(-12, 12, 40)
        losses = []
        for s in range(1, 13):
            model = IHTRegressor(s).fit(X, y)
            scaled += not np.array_equal(IHTRegressor(s).fit(X * units, y).support_, model.support_)
            shrunk += not np.array_equal(IHTRegressor(s).fit(X, 1e-7 * y).support_, model.support_)
            losses.append(loss(X, y, model.support_))
            n_fits += 1
            if model.swap_optimal_:
                swaps += any(loss(X, y, other) < losses[-1] * (1 - 2e-7) for other in exchanged(model.support_, 40))
        rises += int(np.sum(np.diff(losses) > 1e-9 * losses[0]))
        X, y, _ = regression(seed + k, 40, 16, 5, rho=0.9, decibel=3.0)
        for s in range(1, 8):
            best = min(loss(X, y, subset) for subset in itertools.combinations(range(16), s)) if s < 5 else None
            beaten += best is not None and loss(X, y, IHTRegressor(s).fit(X, y).support_) > best * (1 + 1e-9)
    print(f"  columns rescaled {scaled}, y rescaled {shrunk}, f(s) rises {rises}, swap_optimal_ refuted {swaps}, "
          f"beaten by exhaustive search {beaten}; {n_fits} fits")  # fmt: skip


def loss(X, y, support):
    A = np.c_[np.ones(len(X)), X[:, list(support)]]
    return float(np.sum((y - A @ np.linalg.lstsq(A, y, rcond=None)[0]) ** 2))


def exchanged(support, p):
    for i, j in itertools.product(range(len(support)), np.setdiff1d(np.arange(p), support)):
        yield np.append(np.delete(support, i), j)


GOALS = {"large": large, "correlated": correlated, "small": small, "recovery": recovery, "cv": cv, "laws": laws}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("goals", nargs="*", default=list(GOALS), help=f"of {', '.join(GOALS)}; all by default")
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print(f"one BLAS thread, process CPU time, medians; seeds from {options.seed}; ratios to the first line")
    with threadpool_limits(1):
        for goal in options.goals:
            GOALS[goal](options.seed, options.repeats)


if __name__ == "__main__":
    main()

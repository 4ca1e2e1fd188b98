"""Is the support found the best there is? IHTRegressor against branch and bound, which proves that its own are.

l0bnb (Hazimeh, Mazumder and Saab, 2022, Mathematical Programming 196:347, doi:10.1007/s10107-021-01712-4) needs
NumPy < 2, so it gets an environment of its own, whose Python is named here:

    python -m venv bnb && bnb/bin/pip install "numpy<2" l0bnb
    python benchmarks/branch_and_bound.py bnb/bin/python [--problems 3] [--seed 0] [--seconds 60]

Of each problem l0bnb walks down its penalty, up to five members, within --seconds for a step; what it took longer for
is not proven and left out. Every size on its path has the least loss of all supports of that size, up to the gap of
1e-4 that it proves; ridge and units are the same for both. Printed is, size by size, whether ours has the same support,
and the ratio of the losses.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

RIDGE = 0.01  # of both, on coefficients of columns of unit length
# Samples, features, members (of the truth, and most of a path), correlation, decibels.
SHAPES = {"100 x 40, correlation .5": (100, 40, 5, 0.5, 10.0), "200 x 100, correlation .3": (200, 100, 5, 0.3, 20.0)}


def solve(folder, seconds):
    """In the other environment: a line of JSON for each problem of a folder, supports and seconds."""
    from l0bnb import fit_path

    warm_up = np.random.default_rng(0).standard_normal((30, 6))
    fit_path(warm_up, warm_up[:, 0] + warm_up[:, 5], max_nonzeros=2)  # compile
    for file in sorted(Path(folder).iterdir()):
        data, start = np.load(file), time.process_time()
        path = fit_path(
            data["X"], data["y"], lambda_2=RIDGE / 2, max_nonzeros=data["most"], gap_tol=1e-4, time_limit=seconds
        )
        proven = [np.flatnonzero(step["B"]).tolist() for step in path if not step["Time_exceeded"]]
        print(json.dumps({"supports": proven, "seconds": time.process_time() - start}), flush=True)


def paths_of(python, problems, seconds):
    """Yield what `solve` prints of each (X, y, largest size), run by another Python."""
    with tempfile.TemporaryDirectory() as folder:
        for k, (X, y, most) in enumerate(problems):
            np.savez(Path(folder) / f"{k:04d}.npz", X=X, y=y, most=most)
        command = [python, __file__, "--solve", folder, "--seconds", str(seconds)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PATH": ""}) as other:
            yield from (json.loads(line) for line in other.stdout if line.startswith("{"))


def loss(X, y, support):
    """What ridge regression on a support leaves, and its penalty."""
    A = X[:, support] - X[:, support].mean(axis=0)
    A, b = A / np.linalg.norm(A, axis=0), y - y.mean()
    w = np.linalg.solve(A.T @ A + RIDGE * np.eye(len(support)), A.T @ b)
    return np.sum((b - A @ w) ** 2) + RIDGE * np.sum(w**2)


def compare(title, theirs, X, y):
    """Print how the sizes of one path compare; returns how many there are and how many agree."""
    from skamem import IHTRegressor

    start, same, ratios = time.process_time(), [], []
    for support in theirs["supports"]:
        found = IHTRegressor(len(support), alpha=RIDGE).fit(X, y).support_
        same.append(np.array_equal(found, support))
        ratios.append(loss(X, y, found) / loss(X, y, support))
    ours = time.process_time() - start
    sizes = [len(support) for support in theirs["supports"]]
    print(
        f"{title}: sizes {sizes}, same support {sum(same)} of {len(same)}, our loss x{max(ratios, default=1):.6f} at "
        f"most; {ours:.2f} s, l0bnb {theirs['seconds']:.1f} s",
        flush=True,
    )
    return len(same), sum(same)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("python", nargs="?", default=sys.executable, help="Python of an environment with l0bnb")
    parser.add_argument("--problems", type=int, default=3, help="problems of each shape")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60.0, help="most seconds for one step of a path of l0bnb")
    parser.add_argument("--solve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.solve:
        solve(options.solve, options.seconds)
        return
    from sparse_problems import regression

    titles, problems = [], []
    for title, (n, p, s, rho, decibel) in SHAPES.items():
        for k in range(options.problems):
            X, y, _ = regression(options.seed + k, n, p, s, rho=rho, decibel=decibel)
            titles.append(title)
            problems.append((X, y, s))
    theirs = paths_of(options.python, problems, options.seconds)
    counts = [compare(title, path, X, y) for title, path, (X, y, _) in zip(titles, theirs, problems, strict=True)]
    wanted, found = np.sum(counts, axis=0)
    print(f"the best support, by proof: {found} of {wanted} sizes")


if __name__ == "__main__":
    main()

"""How many features? Information criteria, cross-validation and abess, from n << p to n >> p.

    python benchmarks/criteria.py [--repeats 40] [--seed 0]

For each shape (n samples, p features, s of them true, signal-to-noise ratio, correlation of neighbours): the excess
risk E(f̂ - f)² as a fraction of the signal's variance, with its standard error over the repeats, and how often exactly
the true features were found. All criteria choose from the same path. abess is left out where it is not installed.
"""

import argparse

import numpy as np

from skamem.sparse import IHTRegressor, IHTRegressorCV
from skamem.sparse.objective._criteria import CRITERIA

try:
    import abess
except ImportError:
    abess = None

SHAPES = [
    (30, 10, 2, 1.0, 0.0),
    (40, 5000, 2, 10.0, 0.0),
    (100, 1000, 5, 2.0, 0.5),
    (200, 5000, 2, 0.5, 0.0),
    (300, 200, 8, 1.0, 0.7),
    (2000, 100, 10, 0.5, 0.5),
]


class Problem:
    """A Gaussian design with neighbours correlated by `rho`, and s coefficients in ±[1, 2]."""

    def __init__(self, seed, n, p, s, snr, rho):
        rng = np.random.default_rng([seed, n, p])
        self.X, self.rho = rng.standard_normal((n, p)), rho
        for j in range(1, p if rho else 0):
            self.X[:, j] = rho * self.X[:, j - 1] + np.sqrt(1 - rho**2) * self.X[:, j]
        self.coef = np.zeros(p)
        self.support = np.sort(rng.choice(p, s, replace=False))
        self.coef[self.support] = rng.choice([-1, 1], s) * rng.uniform(1, 2, s)
        self.signal = self._variance(self.coef)
        self.y = self.X @ self.coef + np.sqrt(self.signal / snr) * rng.standard_normal(n)

    def _variance(self, coef):
        index = np.flatnonzero(coef)
        return coef[index] @ self.rho ** np.abs(np.subtract.outer(index, index)) @ coef[index]

    def judge(self, coef):
        """Excess risk, and whether the features are the true ones."""
        found = np.array_equal(np.flatnonzero(coef), self.support)
        return self._variance(coef - self.coef) / self.signal, found


def contenders():
    """Functions of (X, y) that give coefficients."""
    found = {name: lambda X, y, name=name: IHTRegressor(criterion=name).fit(X, y).coef_ for name in CRITERIA}
    found["5 folds"] = lambda X, y: IHTRegressorCV().fit(X, y).coef_
    found["5 folds, one_se"] = lambda X, y: IHTRegressorCV(one_se=True).fit(X, y).coef_
    for criterion in ("gic", "ebic") if abess is not None else ():
        found[f"abess {criterion}"] = lambda X, y, c=criterion: abess.LinearRegression(ic_type=c).fit(X, y).coef_
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for shape in SHAPES:
        print("\nn = {}, p = {}, s = {}, SNR = {:g}, correlation {:g}".format(*shape))
        problems = [Problem(options.seed + k, *shape) for k in range(options.repeats)]
        for name, fit in contenders().items():
            risks, found = zip(*(one.judge(fit(one.X, one.y)) for one in problems), strict=True)
            error = np.std(risks, ddof=1) / np.sqrt(len(risks))
            print(f"  {name:16s} risk {np.mean(risks):.3f} ± {error:.3f}   exact {np.mean(found):.2f}")


if __name__ == "__main__":
    main()

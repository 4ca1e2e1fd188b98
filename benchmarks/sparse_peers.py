"""Solvers that the sparse benchmarks compare, and how they are timed.

A solver takes (X, y, s) and returns the support and the fitted model. abess and skglm are left out where they are not
installed (the extra `bench` has them). L0Learn is not here: it is an R package.
"""

import statistics
import time
import warnings

import numpy as np
from sklearn.linear_model import LassoCV, OrthogonalMatchingPursuit, OrthogonalMatchingPursuitCV

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

OURS, OMP, ABESS, MCP, LASSO = "IHTRegressor", "OMP (scikit-learn)", "abess", "MCP path (skglm)", "lasso (scikit-learn)"


def solvers(*, mcp=True):
    """Installed solvers for a given size, ours first."""
    found = {OURS: _ours, OMP: _omp}
    if abess is not None:
        found[ABESS] = _abess
    if AndersonCD is not None and mcp:
        found[MCP] = _mcp
    return found


def cross_validated_solvers():
    """Installed solvers that choose the size by five folds, ours first; here s is the largest size."""
    found = {
        OURS: lambda X, y, s: IHTRegressorCV(s, cv=5).fit(X, y),
        OMP: lambda X, y, s: OrthogonalMatchingPursuitCV(max_iter=s, cv=5).fit(X, y),
        LASSO: lambda X, y, s: LassoCV(cv=5).fit(X, y),
    }
    if abess is not None:
        found[ABESS] = lambda X, y, s: abess.LinearRegression(support_size=range(s + 1), cv=5).fit(X, y)
    return found


def _ours(X, y, s):
    model = IHTRegressor(s).fit(X, y)
    return model.support_, model


def _omp(X, y, s):
    model = OrthogonalMatchingPursuit(n_nonzero_coefs=s).fit(X, y)
    return np.flatnonzero(model.coef_), model


def _abess(X, y, s):
    model = abess.LinearRegression(support_size=[s]).fit(X, y)
    return np.flatnonzero(model.coef_), model


def _mcp(X, y, s):
    """The first with s coefficients along a path of the minimax concave penalty; its s largest."""
    X, y = np.asfortranarray(X - X.mean(axis=0)), y - y.mean()
    X /= np.linalg.norm(X, axis=0) / np.sqrt(len(X))
    largest = np.abs(X.T @ y).max() / len(X)
    solver = AndersonCD(tol=1e-4, fit_intercept=False, warm_start=True)
    coefs = np.zeros(X.shape[1])
    for alpha in largest * np.geomspace(1.0, 1e-2, 50):
        coefs = solver.solve(X, y, Quadratic(), MCPenalty(alpha, 3.0), w_init=coefs)[0]
        if np.count_nonzero(coefs) >= s:
            break
    return np.sort(np.argsort(-np.abs(coefs))[:s]), solver


class Timings:
    """Process CPU time of each solver, by name; the first is ours."""

    def __init__(self, names):
        self.seconds = {name: [] for name in names}

    def call(self, name, solver, *args):
        """Run `solver`, note its time, and return what it returned."""
        start = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = solver(*args)
        self.seconds[name].append(time.process_time() - start)
        return result

    def median(self, name):
        return statistics.median(self.seconds[name])

    def ratio(self, name):
        """How many times slower than ours; NaN where the solver is not installed."""
        return self.median(name) / self.median(OURS) if name in self.seconds else float("nan")

    def line(self, name):
        return f"{name:20s} {1e3 * self.median(name):9.1f} ms  x{self.ratio(name):7.2f}"

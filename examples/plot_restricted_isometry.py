"""
How many rows make a random matrix nearly orthogonal?
=====================================================

Sparse coefficients can be found from few rows because any few columns of a random matrix are nearly orthogonal. How
nearly, says the restricted isometry constant δₛ: vectors with s nonzeros change their squared length by a factor
between 1 - δₛ and 1 + δₛ. To compute it is hard; for 20 columns it can still be done. Is it what decides whether
iterative hard thresholding finds the coefficients?
"""

# %%
# Constants
# ---------
# Up to six columns a set the constants are exact: all sets were looked at. Beyond they are lower bounds from sampled
# sets, which are improved by exchanging columns. Gaussian matrices and matrices of random signs hardly differ, and four
# times as many rows about halve the constant.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skamem import IHTRegressor
from skamem.sparse import restricted_isometry

N_COLUMNS = 20
rng = np.random.default_rng(0)
makers = {
    "Gaussian": lambda n_rows: rng.standard_normal((n_rows, N_COLUMNS)),
    "signs": lambda n_rows: rng.choice([-1.0, 1.0], (n_rows, N_COLUMNS)),
}
sizes, beyond = np.arange(1, 7), np.arange(6, 13, 2)
exact, sampled = {}, {}
options = {"method": "sample", "n_samples": 1000, "random_state": 0}
print(f"δₛ of matrices with {N_COLUMNS} columns; ≥ marks a lower bound")
print(
    "rows".ljust(16)
    + "".join(f"s = {s}".rjust(8) for s in (2, 4, 6, 8, 12))
    + "   sampled / exact, s ≤ 6"
)
for n_rows in (40, 160, 640):
    for name, make in makers.items():
        X = make(n_rows)
        exact[name, n_rows] = [restricted_isometry(X, s).constant for s in sizes]
        sampled[name, n_rows] = [restricted_isometry(X, s, **options).constant for s in beyond]
        again = [restricted_isometry(X, s, **options).constant for s in (2, 4, 6)]
        known, bounds = exact[name, n_rows][1::2], sampled[name, n_rows][1::2]
        shown = [f"{delta:8.2f}" for delta in known] + [
            f"≥ {delta:.2f}".rjust(8) for delta in bounds
        ]
        ratio = np.min(np.divide(again, known))
        print(f"{n_rows:4} {name:11}" + "".join(shown) + f"{ratio:14.2f} or more")

# %%
# What they promise, and what happens
# -----------------------------------
# Iterative hard thresholding, x ← Hₛ(x + Aᵀ(y - A x)), finds all vectors with s nonzeros when δ₃ₛ < 1/2 (Foucart 2012,
# Sparse recovery algorithms, in Approximation Theory XIII). For s = 2 that is δ₆. The promise is for the worst vector;
# random ones are found from far fewer rows, and a search that exchanges members needs hardly more rows than there are
# unknowns.


def keep_largest(x, s):
    """Hₛ: all but the s largest entries become 0."""
    kept = np.zeros_like(x)
    places = np.argsort(-np.abs(x))[:s]
    kept[places] = x[places]
    return kept


def unit_step(X, y, s):
    """The places that iterative hard thresholding finds with a step of 1, on columns of unit length."""
    A, x = X / np.linalg.norm(X, axis=0), np.zeros(X.shape[1])
    with np.errstate(over="ignore", invalid="ignore"):  # with too few rows it diverges
        for _ in range(100):
            x = keep_largest(x + A.T @ (y - A @ x), s)
    return np.flatnonzero(x)


def by_regressor(effort):
    """The places that `IHTRegressor` finds."""

    def places(X, y, s):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = IHTRegressor(s, effort=effort, fit_intercept=False).fit(X, y)
        return np.flatnonzero(model.coef_)

    return places


S, N_DRAWS = 2, 30
rows = np.asarray([4, 8, 12, 16, 24, 32, 48, 64, 128, 192, 256])
methods = {
    "unit step": unit_step,
    "plain": by_regressor("plain"),
    "IHTRegressor": by_regressor("auto"),
}
constants = []
found = {name: [] for name in methods}
print(f"\nδ₆, and how often the right 2 of {N_COLUMNS} columns are found, %")
print("rows        δ₆" + "".join(f"{name:>14}" for name in methods))
for n_rows in rows:
    constants.append(restricted_isometry(makers["Gaussian"](n_rows), 3 * S).constant)
    right = dict.fromkeys(methods, 0)
    for _ in range(N_DRAWS):
        X, members = makers["Gaussian"](n_rows), np.sort(rng.choice(N_COLUMNS, S, replace=False))
        y = X[:, members] @ (rng.choice([-1, 1], S) * rng.uniform(1, 2, S))
        for name, method in methods.items():
            right[name] += np.array_equal(method(X, y, S), members)
    for name, count in right.items():
        found[name].append(count / N_DRAWS)
    print(
        f"{n_rows:4}{constants[-1]:10.2f}"
        + "".join(f"{100 * values[-1]:14.0f}" for values in found.values())
    )
promised = rows[np.asarray(constants) < 0.5][0]
always = {
    name: rows[np.flatnonzero(np.asarray(values) < 1)[-1:] + 1] for name, values in found.items()
}
print(f"promised from {promised} rows; always found from", end=" ")
print(", ".join(f"{each[0] if len(each) else rows[0]} ({name})" for name, each in always.items()))

# %%
# Both on one axis of rows.

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
colours = {40: "#D55E00", 160: "#E69F00", 640: "#0072B2"}
for (name, n_rows), values in exact.items():
    style = {"color": colours[n_rows], "marker": "o" if name == "Gaussian" else "s", "ms": 5}
    left.plot(sizes, values, linestyle="-", **style)
    left.plot(beyond, sampled[name, n_rows], linestyle=":", markerfacecolor="white", **style)
for n_rows, colour in colours.items():
    left.text(12.4, sampled["Gaussian", n_rows][-1], f"{n_rows} rows", color=colour, va="center")
for label, style in {
    "Gaussian": {"marker": "o", "linestyle": ""},
    "signs": {"marker": "s", "linestyle": ""},
    "exact": {"marker": "", "linestyle": "-"},
    "lower bound": {"marker": "", "linestyle": ":"},
}.items():
    left.plot([], [], color="0.3", label=label, **style)
left.set(
    xlabel="columns in a set, s", ylabel="isometry constant $δ_s$", title="How far from orthogonal?"
)
left.set(xlim=(0.5, 15), ylim=(-0.1, 2.2))
left.set_xticks(range(2, 13, 2))
left.legend(frameon=False, loc="upper left")

right.semilogx(rows, constants, "o-", color="black", ms=4, label="$δ_6$")
right.axhline(0.5, color="0.6", linewidth=1)
right.text(22, 0.52, "promise: $δ_6$ < 1/2", color="0.3", va="bottom")
lines = ("#D55E00", "^-"), ("#E69F00", "v--"), ("#0072B2", "D-")
for (name, values), (colour, line) in zip(found.items(), lines, strict=True):
    right.semilogx(rows, values, line, color=colour, ms=5, label=f"found: {name}")
right.set_xticks([4, 8, 16, 32, 64, 128, 256], ["4", "8", "16", "32", "64", "128", "256"])
right.set(
    xlabel="rows",
    ylabel="constant; share of draws found",
    title="Finding 2 of 20 columns",
    ylim=(-0.05, 2.5),
)
right.legend(frameon=False, loc="upper right")
for axis in (left, right):
    axis.spines[["top", "right"]].set_visible(False)
    axis.minorticks_off()
plt.show()

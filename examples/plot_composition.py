"""
A function composed of functions of two variables is learnt from few rows, and so is its graph
==============================================================================================

Learning a function of eight variables should take exponentially many rows. It does not if the function is composed of
functions of two: then there are seven small maps to learn. Which variables belong together shows in the partial
derivatives: inside h(g(a, b), rest) the ratio of those by a and b depends on a and b alone.
"""

# %%
# Four pairs, joined by two, joined by one, the columns in disorder, with 1 % of noise.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_ridge import KernelRidge
from sklearn.neural_network import MLPRegressor

from skamem import CompositionalRegressor
from skamem.display import CompositionDisplay

warnings.simplefilter("ignore", ConvergenceWarning)  # networks stop at max_iter

rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, (1800, 8))
first = np.tanh(2 * X[:, 0] * X[:, 3]) + np.sqrt(0.2 + X[:, 5] ** 2 + X[:, 6] ** 2)
second = np.sin(2 * X[:, 1] + X[:, 2]) - X[:, 4] * X[:, 7]
y = np.tanh(first - 1) * second
y = (y - y.mean()) / y.std()
X_test, y_test = X[800:], y[800:]
X, y = X[:800], y[:800] + 0.01 * rng.standard_normal(800)

# %%
# The graph is found from the rows: pairs by their derivatives, then trees one exchange away are fitted. How much worse
# the best of these does says how sure the graph is.

model = CompositionalRegressor("learn", random_state=0).fit(X, y)
print("graph", model.graph_)
print(f"confidence {model.graph_confidence_:.2f}, R² on new rows {model.score(X_test, y_test):.4f}")
for tree, error in model.graph_scores_[:3]:
    print(f"cross-validated error {error:.5f}: {tree}")
CompositionDisplay.from_estimator(model)

# %%
# How many rows does it take? Given the graph, beside models that know of none. All peers would have to fill eight
# dimensions.

sizes = (100, 200, 400, 800)
peers = {
    "composition": CompositionalRegressor(model.graph_, n_restarts=2, random_state=0),
    "kernel ridge": KernelRidge(kernel="rbf", gamma=0.2, alpha=1e-3),
    "network": MLPRegressor(
        hidden_layer_sizes=(64, 64), max_iter=300, learning_rate_init=3e-3, random_state=0
    ),
    "boosted trees": HistGradientBoostingRegressor(max_iter=150, random_state=0),
}
errors = {
    name: [1 - peer.fit(X[:n], y[:n]).score(X_test, y_test) for n in sizes]
    for name, peer in peers.items()
}
for name, found in errors.items():
    print(f"{name:14}", " ".join(f"{error:.4f}" for error in found))
print(f"coefficients of the composition: {peers['composition'].n_parameters_}")

# %%
# The composition's error falls to the noise; the others' hardly falls.

figure, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
styles = zip(errors.items(), ("#0072B2", "#D55E00", "#009E73", "#CC79A7"), "os^D", strict=True)
for (name, found), colour, marker in styles:
    ax.loglog(sizes, found, color=colour, marker=marker, label=name)
ax.set(xlabel="rows", ylabel="1 - R² on new rows", title="Eight variables, seven nodes")
ax.set_xticks(sizes, [str(n) for n in sizes])
ax.minorticks_off()
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)
plt.show()

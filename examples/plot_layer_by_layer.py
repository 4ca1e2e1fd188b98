"""
Learning layer by layer reaches what learning end to end does
=============================================================

Must an error travel back through all layers of a network? Here none does: a layer is added with connections of its own
to the output, its units learn for a while from what the layers before have left, then the readouts of all layers are
fitted together, in closed form. The training loss never rises; on new rows the network does as well as one that is
trained as a whole for the same time.
"""

# %%
# Five hundred rows of Friedman's function of ten features, five of which say nothing, with noise. The network is usable
# after every stage: ``staged_predict`` answers as it stood then.

import time
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_friedman1
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler

from skamem import LayerwiseRegressor

warnings.simplefilter("ignore", ConvergenceWarning)  # the peer is stopped when its time is over

X, y = make_friedman1(1500, noise=1.0, random_state=0)
X_test, y_test, X, y = X[500:], y[500:], X[:500], y[:500]
X_test = (X_test - X.mean(axis=0)) / X.std(axis=0)
X = (X - X.mean(axis=0)) / X.std(axis=0)
unit = np.var(
    y_test
)  # errors as shares of the variance; that of the noise is what no model can go below

LayerwiseRegressor(1).fit(X, y)  # loads the libraries, so that the clock starts on learning
start = time.process_time()
network = LayerwiseRegressor(random_state=0).fit(X, y)
seconds = time.process_time() - start
train = [np.mean((predicted - y) ** 2) / unit for predicted in network.staged_predict(X)]
test = [np.mean((predicted - y_test) ** 2) / unit for predicted in network.staged_predict(X_test)]
for stage, (seen, new) in enumerate(zip(train, test, strict=True), 1):
    print(f"stage {stage:2}: error in training {seen:.3f}, on new rows {new:.3f}")
print(f"{network.n_stages_} stages in {seconds:.1f} s of CPU time")

# %%
# The same time for networks that are trained as a whole, of one layer and of two, with targets scaled as ours are, and
# for the mean of three seeds each.


def end_to_end(layers, seed):
    """Test error of a network after as many epochs as fit into `seconds`, and their number."""
    scaler = StandardScaler().fit(y[:, None])
    target = scaler.transform(y[:, None])[:, 0]
    peer = MLPRegressor(hidden_layer_sizes=layers, batch_size=32, random_state=seed)
    start = time.process_time()
    while time.process_time() - start < seconds:
        peer.partial_fit(X, target)
    answered = scaler.inverse_transform(peer.predict(X_test)[:, None])[:, 0]
    return np.mean((answered - y_test) ** 2) / unit, peer.t_ // len(X)


peers = {}
for layers in ((100,), (100, 100)):
    found = [end_to_end(layers, seed) for seed in range(3)]
    peers[layers] = np.mean([error for error, _ in found])
    print(
        f"end to end, layers {layers}: error on new rows {peers[layers]:.3f} after {found[0][1]} epochs"
    )

# %%
# Back-fitting is what joins the stages. In a polynomial each stage is a degree, and each correction is optimal for what
# the degrees before have left (Poggio 1975); but the degrees overlap, so that their sum is not yet the best polynomial.
# Cycles over the stages make it so, by many powers of ten a cycle. How far the loss is from least squares:

few = X[:, :5]
polynomial = LayerwiseRegressor(activation="polynomial", degree=4, alpha=0.0, max_cycles=60).fit(
    few, y
)
for degree, curve in enumerate(polynomial.cycle_curves_, 1):
    print(
        f"degree {degree}: loss {curve[0]:.4f} before back-fitting, {curve[-1]:.4f} after {len(curve) - 1} cycles"
    )

# %%
# Left, errors against stages; right, the distance of the loss from the least-squares optimum, cycle by cycle.

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
stages = np.arange(1, len(train) + 1)
left.semilogy(stages, train, "o-", color="#0072B2", label="in training")
left.semilogy(stages, test, "s-", color="#D55E00", label="on new rows")
for (layers, error), style in zip(peers.items(), ("--", ":"), strict=True):
    left.axhline(
        error, color="0.3", linestyle=style, label=f"end to end, {len(layers)} layer(s), equal time"
    )
left.axhline(1 / unit, color="#009E73", linewidth=1, label="variance of the noise")
left.set(xlabel="stages", ylabel="squared error / variance", title="Errors, stage by stage")
left.set_xticks(stages)
left.legend(frameon=False, fontsize=8)
for degree, curve, colour in zip(
    (2, 3, 4), polynomial.cycle_curves_[1:], ("#56B4E9", "#E69F00", "#CC79A7"), strict=True
):
    above = np.asarray(curve) - curve[-1]
    shown = above > 1e-14
    right.semilogy(
        np.arange(len(curve))[shown],
        above[shown],
        "o-",
        ms=4,
        color=colour,
        label=f"degree {degree}",
    )
right.set(
    xlabel="back-fitting cycles",
    ylabel="loss above its optimum",
    title="Back-fitting of polynomial stages",
)
right.legend(frameon=False)
for axis in (left, right):
    axis.spines[["top", "right"]].set_visible(False)
plt.show()

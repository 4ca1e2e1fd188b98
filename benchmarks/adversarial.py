"""Feature to prototype on MNIST: how memories of low and high degree vote, decide, and withstand adversarial samples.

``python benchmarks/adversarial.py [--data mnist_train.npz] [--models folder]``

Trains on the first 50,000 training images (pixels in [0, 1]), attacks some of the last 10,000. The file has arrays X
(60000 images) and y; without one, `fetch_openml` downloads the set. Fitted models are kept in ``--models`` and found
there again. It prints

1. error on the 10,000, share of memories that vote for one class, share of images about which one memory decides
   (Krotov and Hopfield 2016, Figure 3);
2. error under white-box attacks within the l_inf ball of radius eps, with 95 % Wilson intervals, and what happens with
   more steps, other step sizes, restarts and the loss of the training: if the error rose much, the gradient was masked;
3. error on samples made against the other memories.

The low degrees start from random memories and the high ones from training images, as they train best; two controls
change places, because a start from images is a step to prototypes by itself.
"""

import argparse
import time
from pathlib import Path

import joblib
import numpy as np
from sklearn.datasets import fetch_openml

from skamem import DenseAMClassifier
from skamem.analysis import attack, decisive_memories, transfer_table, votes_per_memory

MODELS = {
    "n=2": {"degree": 2},
    "n=3": {"degree": 3},
    "n=20 data": {"degree": 20, "init": "data"},
    "n=30 data": {"degree": 30, "init": "data"},
    "n=2 data": {"degree": 2, "init": "data"},
    "n=30": {"degree": 30},
}
LOW, HIGH = ("n=2", "n=3"), ("n=20 data", "n=30 data")
ATTACKS = {
    "FGSM": {"method": "fgsm"},
    "PGD-10": {},
    "PGD-40": {"n_steps": 40},
    "PGD-100": {"n_steps": 100},
    "half steps": {"n_steps": 40, "step_size": 0.0125},
    "double steps": {"n_steps": 40, "step_size": 0.05},
    "5 restarts": {"n_steps": 20, "n_restarts": 5},
    "training loss": {"loss": "power"},
}


def images(options):
    """(training rows, labels, rows held back, labels), pixels in [0, 1]."""
    if options.data:
        with np.load(options.data) as file:
            X, y = file["X"].reshape(len(file["y"]), -1), file["y"]
    else:
        X, y = fetch_openml("mnist_784", version=1, return_X_y=True, as_frame=False, parser="liac-arff")
        y = y.astype(int)
    X = X[:60_000].astype(np.float32) / np.float32(255)
    return X[: options.rows], y[: options.rows], X[50_000:], y[50_000:60_000]


def fitted(name, parameters, X, y, options):
    """The memory, from its file if there is one."""
    path = options.models and Path(options.models, f"{name} {len(X)} {options.memories} {options.epochs}.joblib")
    if path and path.exists():
        return joblib.load(path)
    start = time.perf_counter()
    model = DenseAMClassifier(options.memories, max_iter=options.epochs, random_state=0, **parameters).fit(X, y)
    print(f"{name} trained in {time.perf_counter() - start:.0f} s", flush=True)
    if path:
        joblib.dump(model, path)
    return model


def shown(found):
    low, high = found.error_interval()
    return f"{100 * found.error:5.1f} ({100 * low:4.1f}-{100 * high:4.1f})"


def prototypes(models, X, y):
    print(f"\n{'':12}{'error %':>10}{'votes for one class %':>24}{'one decisive memory %':>24}")
    for name, model in models.items():
        error = 100 * np.mean(model.predict(X) != y)
        votes, decisive = votes_per_memory(model).single_share, decisive_memories(model, X).single_share
        print(f"{name:12}{error:10.2f}{100 * votes:24.1f}{100 * decisive:24.1f}", flush=True)


def white_box(models, X, y, eps):
    """Print all attacks; return those of PGD-10 and the worst case over all of them."""
    standard, worst = {}, {}
    print(f"\nWhite box, {len(X)} images, l_inf, eps {eps}: error %, 95 % interval")
    print(f"{'':16}" + "".join(f"{name:>20}" for name in models))
    for attack_name, settings in ATTACKS.items():
        row = f"{attack_name:16}"
        for name, model in models.items():
            found = attack(model, X, y, eps=eps, clip=(0, 1), random_state=0, **settings)
            if attack_name == "PGD-10":
                standard[name] = found
            worst[name] = found.fooled | worst.get(name, False)
            row += f"{shown(found):>20}"
        print(row, flush=True)
    print(f"{'any of these':16}" + "".join(f"{100 * np.mean(fooled):20.1f}" for fooled in worst.values()))
    return standard, worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="npz file with X and y")
    parser.add_argument("--models", help="folder in which fitted models are kept")
    parser.add_argument("--rows", type=int, default=50_000, help="training images")
    parser.add_argument("--attacked", type=int, default=1000, help="images attacked")
    parser.add_argument("--memories", type=int, default=500)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--eps", type=float, default=0.1)
    options = parser.parse_args()
    X, y, X_held, y_held = images(options)
    models = {name: fitted(name, parameters, X, y, options) for name, parameters in MODELS.items()}
    prototypes(models, X_held, y_held)
    X_held, y_held = X_held[: options.attacked], y_held[: options.attacked]
    standard, worst = white_box(models, X_held, y_held, options.eps)
    print("\nTransfer of PGD-10: error %")
    table = transfer_table(models, X_held, y_held, eps=options.eps, clip=(0, 1), random_state=0)
    print((100 * table.to_frame()).round(1).to_string())
    for high in HIGH:
        for low in LOW:
            apart = standard[high].error_interval()[1] < standard[low].error_interval()[0]
            checked = np.mean(worst[high]) < np.mean(worst[low])
            print(f"{high} below {low}: intervals apart {apart}, also under the worst of all attacks {checked}")


if __name__ == "__main__":
    main()

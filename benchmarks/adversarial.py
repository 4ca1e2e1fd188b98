"""Feature to prototype on MNIST: how memories of low and high degree vote, decide, and withstand adversarial samples.

``python benchmarks/adversarial.py [--data mnist_train.npz] [--models folder]``

Trains on the first 50,000 training images (pixels in [0, 1]), attacks some of the last 10,000. The file has arrays X
(60000 images) and y; without one, `fetch_openml` downloads the set. Fitted models are kept in ``--models`` and found
there again. It prints

1. error on the 10,000, share of memories that vote for one class, share of images about which one memory decides
   (Krotov and Hopfield 2016, Figure 3);
2. error under white-box attacks within the l_inf ball of radius eps, with 95 % Wilson intervals: by the margin with
   other numbers and lengths of steps and with restarts, and by the loss of the training. Where one of them finds many
   more errors than another, that other one saw a masked gradient. "Worst case" counts images that any of them fooled;
3. error on samples made against the other memories.

The low degrees start from random memories and the high ones from training images, and stay prototypes; two controls
change places, because a start from images is a step to prototypes by itself. The last memory was trained adversarially.
"""

import argparse
import time
from pathlib import Path

import joblib
import numpy as np
from sklearn.datasets import fetch_openml

from skamem import DenseAMClassifier
from skamem.analysis import attack, decisive_memories, transfer_table, votes_per_memory, wilson_interval

MODELS = {
    "n=2": {"degree": 2},
    "n=3": {"degree": 3},
    "n=20 data": {"degree": 20, "init": "data"},
    "n=30 data": {"degree": 30, "init": "data"},
    "n=2 data": {"degree": 2, "init": "data"},
    "n=30": {"degree": 30},
    "n=3 adversarial": {"degree": 3, "adversarial": 2},
}
PAIRS = [(low, high) for low in ("n=2", "n=3", "n=2 data") for high in ("n=20 data", "n=30 data")]
ATTACKS = {
    "FGSM": {"method": "fgsm"},
    "PGD-10": {},
    "PGD-40": {"n_steps": 40},
    "PGD-100": {"n_steps": 100},
    "40 x .0125": {"n_steps": 40, "step_size": 0.0125},
    "40 x .05": {"n_steps": 40, "step_size": 0.05},
    "5 restarts": {"n_steps": 40, "step_size": 0.05, "n_restarts": 5},
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
    path = options.models and Path(
        options.models, f"{name} {len(X)} {options.memories} {options.epochs} {options.seed}.joblib"
    )
    if path and path.exists():
        return joblib.load(path)
    start = time.perf_counter()
    model = DenseAMClassifier(options.memories, max_iter=options.epochs, random_state=options.seed, **parameters).fit(
        X, y
    )
    print(f"{name} trained in {time.perf_counter() - start:.0f} s", flush=True)
    if path:
        joblib.dump(model, path)
    return model


def prototypes(models, X, y):
    print(f"\n{'':12}{'error %':>10}{'votes for one class %':>24}{'one decisive memory %':>24}")
    for name, model in models.items():
        error = 100 * np.mean(model.predict(X) != y)
        votes, decisive = votes_per_memory(model).single_share, decisive_memories(model, X).single_share
        print(f"{name:12}{error:10.2f}{100 * votes:24.1f}{100 * decisive:24.1f}", flush=True)


def white_box(models, X, y, eps):
    """Print all attacks; return by model the images that PGD-10 fooled, and those that any attack did."""
    standard, worst = {}, {}
    print(f"\nWhite box, {len(X)} images, l_inf, eps {eps}: error %, 95 % interval")
    print(f"{'':16}" + "".join(f"{name:>19}" for name in models))
    for attack_name, settings in ATTACKS.items():
        row = f"{attack_name:16}"
        for name, model in models.items():
            fooled = attack(model, X, y, eps=eps, clip=(0, 1), random_state=0, **settings).fooled
            if attack_name == "PGD-10":
                standard[name] = fooled
            worst[name] = fooled | worst.get(name, False)
            row += shown(fooled)
        print(row, flush=True)
    print(f"{'worst case':16}" + "".join(map(shown, worst.values())))
    return standard, worst


def interval(fooled):
    return wilson_interval(np.sum(fooled), len(fooled))


def shown(fooled):
    low, high = interval(fooled)
    return f"{100 * np.mean(fooled):7.1f} ({100 * low:4.1f}-{100 * high:4.1f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="npz file with X and y")
    parser.add_argument("--models", help="folder in which fitted models are kept")
    parser.add_argument("--rows", type=int, default=50_000, help="training images")
    parser.add_argument("--attacked", type=int, default=1000, help="images attacked")
    parser.add_argument("--memories", type=int, default=500)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="of the training")
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
    print()
    for low, high in PAIRS:
        apart = [interval(fooled[high])[1] < interval(fooled[low])[0] for fooled in (standard, worst)]
        print(f"{high} below {low}, intervals apart: PGD-10 {apart[0]}, worst case {apart[1]}")


if __name__ == "__main__":
    main()

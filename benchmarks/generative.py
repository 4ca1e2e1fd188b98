"""Boltzmann machines: what they learn, how far ln Z can be trusted, and speed beside their peers.

``python benchmarks/generative.py [TASK ...] [--mnist FILE] [--threads 1] [--repeats 5]`` prints numbers, and whether
they meet their goal where there is one. Tasks, all but the last two if none is named:

bars
    Bars and stripes, 3 x 3 and 4 x 4: exact log-likelihood of each sampler against the bound -ln(number of patterns).
annealing
    ln Z of 20 machines of 15 hidden units, trained ones and badly mixing ones, against the sum over all states.
digits
    scikit-learn's digits, 128 hidden units, beside BernoulliRBM, and rbms and learnergy where they are installed: time
    of an epoch at the same settings, and likelihood of held-back images after equal times, each at its best rate.
modes
    Two modes far apart: what each sampler learns.
hopfield
    Digits: likelihood after some epochs from small random couplings and from a Hopfield network of 20 prototypes.
pipeline
    scikit-learn's example of BernoulliRBM: digits, each shifted by a pixel in four directions, hidden probabilities
    before a logistic regression.
tables
    Deep belief classifier and regressor beside scikit-learn's perceptrons, all with their defaults, cross-validated on
    scikit-learn's tables.
backpropagation
    784-500-500-2000: time of an update with labels beside that of its bare products.
mnist
    16 and 500 hidden units on the binarised images of ``--mnist``, an npz file with arrays X and y; trained on all but
    the last 10,000, which validate.
belief
    Deep belief classifier 784-500-500-2000 on the same split.
"""

import argparse
import itertools
import time
import warnings

import numpy as np
from _generative_belief import backpropagation, belief, split, tables  # noqa: F401 - tasks, called by name
from _generative_peers import trainers
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import BernoulliRBM
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import minmax_scale
from threadpoolctl import threadpool_limits
from timing import medians, say

from skamem import RestrictedBoltzmannMachine

TASKS = ("bars", "annealing", "digits", "modes", "hopfield", "pipeline", "tables", "backpropagation", "mnist", "belief")


def bars_and_stripes(side):
    """All images of `side` x `side` pixels whose rows, or whose columns, are alike: those of one colour twice."""
    lines = np.asarray(list(itertools.product([0.0, 1.0], repeat=side)))
    stripes = np.repeat(lines[:, :, None], side, axis=2)
    return np.concatenate([stripes.reshape(len(lines), -1), stripes.transpose(0, 2, 1).reshape(len(lines), -1)])


def bars(options):
    for side, n_hidden in ((3, 12), (4, 16)):
        X = np.tile(bars_and_stripes(side), (20, 1))
        _, counts = np.unique(X, axis=0, return_counts=True)
        bound = float(counts / len(X) @ np.log(counts / len(X)))
        for sampler in ("pt", "pcd", "cd"):
            # Chains that mix slowly follow a model that changes slowly.
            slow = {"learning_rate": 0.05, "n_gibbs_steps": 5, "max_iter": 1000} if sampler == "pcd" else {}
            found = [
                RestrictedBoltzmannMachine(n_hidden, sampler=sampler, random_state=seed, **slow).fit(X).score(X)
                for seed in range(3)
            ]
            met = None if sampler == "cd" else min(found) > bound - 0.1
            say(f"bars {side} x {side}, {sampler:>3}: {np.round(found, 3)} nats, bound {bound:.3f}", met)


def annealing(options):
    images = (load_digits().data >= 8).astype(float)
    within, doubted = 0, 0
    for seed in range(20):
        if seed < 10:
            machine = RestrictedBoltzmannMachine(15, max_iter=5 * (seed + 1), random_state=seed).fit(images)
        else:  # couplings of every strength up to where chains stick
            rng = np.random.default_rng(seed)
            weights = rng.normal(0, 0.2 * (seed - 9), (15, 40))
            machine = RestrictedBoltzmannMachine.from_parameters(weights, rng.normal(size=40), rng.normal(size=15))
        exact = machine.log_partition().value
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = machine.log_partition(n_steps=2000, random_state=seed)
        error = abs(found.value - exact) / max(found.standard_error, 1e-12)
        within += error <= 3
        doubted += error > 3 and bool(found.doubts)
    say(f"annealing: {within} of 20 within 3 standard errors, {doubted} of the others doubted", within + doubted == 20)


def digits(options):
    X = (load_digits().data / 16).astype(np.float32)
    order = np.random.RandomState(0).permutation(len(X))
    train, test = X[order[:1400]], X[order[1400:]]
    peers = trainers()
    settings = {"batch_size": 100, "learning_rate": 0.05, "random_state": 0, "max_iter": 20}
    runs = {
        "ours": lambda: RestrictedBoltzmannMachine(128, **settings).fit(train),
        "ours, plain": lambda: RestrictedBoltzmannMachine(128, momentum=0.0, centered=False, **settings).fit(train),
    }
    for name, (trainer, _) in peers.items():
        runs[name] = lambda trainer=trainer: trainer(train, 128, 20, 0.05)
    times = medians(runs, options.repeats)
    centred, plain = (1e3 * times[name] / 20 for name in ("ours", "ours, plain"))
    say(f"digits: an epoch {centred:.2f} ms, {plain:.2f} ms with the plain gradient and no momentum, as BernoulliRBM")
    for name in peers:
        ratio, plain = times[name] / times["ours"], times[name] / times["ours, plain"]
        goal, same = (2, plain) if name == "BernoulliRBM" else (3, ratio)
        say(f"digits: an epoch of {name} {ratio:.2f} times that, {plain:.2f} times the plain one", same >= goal)
    taken = 300 / 20 * times["ours"]
    found = {
        rate: RestrictedBoltzmannMachine(128, max_iter=300, learning_rate=rate, random_state=0).fit(train).score(test)
        for rate in ("auto", 0.05, 0.1, 0.2, 0.4)
    }
    ours = max(found.values())
    say(f"digits: {found['auto']:.2f} nats after {taken:.1f} s, {ours:.2f} at the best of four rates")
    for name, (trainer, rates) in peers.items():
        n_epochs = max(1, int(20 * taken / times[name]))
        parameters = [trainer(train, 128, n_epochs, rate) for rate in rates]
        best = max(RestrictedBoltzmannMachine.from_parameters(*given).score(test) for given in parameters)
        say(f"digits: {name} {best:.2f} nats at the best of its rates after {n_epochs} epochs, as long", ours > best)


def modes(options):
    rng = np.random.default_rng(0)
    kind = rng.random(1000) < 0.2
    X = (kind[:, None] ^ (rng.random((1000, 30)) < 0.1)).astype(float)
    for sampler in ("cd", "pcd", "pt"):
        found = [RestrictedBoltzmannMachine(4, sampler=sampler, random_state=seed).fit(X).score(X) for seed in range(5)]
        say(f"modes, {sampler:>3}: {np.mean(found):.2f} +- {np.std(found) / 5**0.5:.2f} nats, the source itself -10.25")


def hopfield(options):
    X = (load_digits().data >= 8).astype(float)
    order = np.random.RandomState(0).permutation(len(X))
    train, test = X[order[:1400]], X[order[1400:]]
    for n_hidden, n_seeds in ((20, 5), (64, 3)):
        for n_epochs in (5, 20, 50, 100, 400):
            found = {"random": [], "Hopfield": []}
            for seed in range(n_seeds):
                centres = KMeans(20, n_init=1, random_state=seed).fit(train).cluster_centers_
                for name, init in (("random", "random"), ("Hopfield", np.round(centres))):
                    machine = RestrictedBoltzmannMachine(n_hidden, init=init, max_iter=n_epochs, random_state=seed)
                    found[name].append(machine.fit(train).score(test))
            gain = np.subtract(found["Hopfield"], found["random"])
            say(
                f"hopfield, {n_hidden} hidden, {n_epochs:3} epochs: {np.mean(found['random']):.2f} nats from random, "
                f"{np.mean(found['Hopfield']):.2f} from the network; gain {gain.mean():.2f}, least {gain.min():.2f}",
                gain.min() > 0 if n_epochs <= 20 else None,  # later the random start catches up,
            )


def shifted(images):
    """Images of 8 x 8 pixels, then copies shifted by a pixel to each side, as in scikit-learn's example."""
    grid = np.pad(images.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    moves = [(1, 1), (2, 1), (0, 1), (1, 2), (1, 0)]
    return np.concatenate([grid[:, row : row + 8, column : column + 8].reshape(-1, 64) for row, column in moves])


def pipeline(options):
    images, labels = load_digits(return_X_y=True)
    X, y = minmax_scale(shifted(images)), np.tile(labels, 5)
    theirs = {"learning_rate": 0.06, "n_iter": 10}
    machines = {
        "BernoulliRBM": lambda seed: BernoulliRBM(100, random_state=seed, **theirs),
        "ours, the same": lambda seed: RestrictedBoltzmannMachine(
            100, learning_rate=0.06, batch_size=10, max_iter=10, centered=False, random_state=seed
        ),
        "ours, not centred": lambda seed: RestrictedBoltzmannMachine(100, centered=False, random_state=seed),
        "our defaults": lambda seed: RestrictedBoltzmannMachine(100, random_state=seed),
    }
    found = {name: [] for name in ("pixels", *machines)}
    for seed in range(5):
        train, test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=seed)
        for name in found:
            # C is the example's; its tol=1 is so coarse that a solver may stop where it starts.
            head = LogisticRegression(C=100.0 if name == "pixels" else 6000.0, solver="newton-cg", tol=1e-3)
            model = head if name == "pixels" else make_pipeline(machines[name](seed), head)
            found[name].append(100 * model.fit(train, y_train).score(test, y_test))
    for name, scores in found.items():
        met = np.mean(scores) >= np.mean(found["BernoulliRBM"]) if name.startswith("our") else None
        error = np.std(scores, ddof=1) / len(scores) ** 0.5
        say(f"pipeline, {name}: {np.mean(scores):.1f} +- {error:.1f} % right, {np.round(scores, 1)}", met)


def mnist(options):
    (train, _), (test, _) = split(options)
    train, test = ((rows >= 128).astype(np.float32) for rows in (train, test))
    # With a small rate and a pull to 0 chains still move between the modes of a large machine: without, none tells Z.
    gentle = {"max_iter": 10, "learning_rate": 0.05, "weight_decay": 3e-4}
    for n_hidden, settings, n_steps, goal in ((16, {"max_iter": 15}, "auto", -143.0), (500, gentle, 4000, -88.0)):
        start = time.process_time()
        machine = RestrictedBoltzmannMachine(n_hidden, random_state=0, **settings).fit(train)
        trained = time.process_time()
        z = machine.log_partition(n_steps=n_steps, random_state=1)
        taken, annealed = trained - start, time.process_time() - trained
        score, reverse = (-float(machine.free_energy(test).mean()) - value for value in (z.value, z.reverse))
        found = "exact"
        if z.method == "ais":
            found = f"+- {z.standard_error:.2f}, reverse {reverse:.2f}, {z.effective_sample_size:.1f} chains count"
        say(
            f"mnist, {n_hidden} hidden: {score:.2f} nats, {found}; {settings}; processor: {taken:.0f} s to train, "
            f"{annealed:.0f} s for ln Z" + (f"; in doubt: {z.doubts}" if z.doubts else ""),
            score >= goal and not z.doubts,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", choices=[*TASKS, []], default=[])
    parser.add_argument("--mnist")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with threadpool_limits(options.threads):
        for task in options.tasks or TASKS[:-2]:
            globals()[task](options)


if __name__ == "__main__":
    main()

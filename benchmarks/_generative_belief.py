"""Tasks of generative.py: deep belief nets that learn labels, their accuracy and what an update costs."""

import itertools
import os
import time
import warnings

import numpy as np
from sklearn.base import is_classifier
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from timing import say

from skamem import DeepBeliefClassifier, DeepBeliefRegressor, RestrictedBoltzmannMachine


def split(options):
    with np.load(options.mnist) as file:
        X, y = file["X"], file["y"]
    return (X[:-10_000], y[:-10_000]), (X[-10_000:], y[-10_000:])


def tables(options):
    """Means over folds and seeds, features and targets of the perceptrons scaled.

    The error is that of the paired difference, folds taken as independent.
    """
    for load in (load_iris, load_wine, load_breast_cancer, load_digits, load_diabetes):
        X, y = load(return_X_y=True)
        ours, theirs = DeepBeliefClassifier(), MLPClassifier()
        if load is load_diabetes:
            ours = DeepBeliefRegressor()
            theirs = TransformedTargetRegressor(MLPRegressor(), transformer=StandardScaler())
        folds = StratifiedKFold if is_classifier(ours) else KFold
        found, cpu = {"ours": [], "theirs": []}, {"ours": 0.0, "theirs": 0.0}
        for seed in range(2):
            for name, model in (("ours", ours), ("theirs", theirs)):
                getattr(model, "regressor", model).set_params(random_state=seed)
                scaled = make_pipeline(StandardScaler(), model) if name == "theirs" else model
                start = time.process_time()
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # perceptrons that want more epochs
                    found[name] += [*cross_val_score(scaled, X, y, cv=folds(5, shuffle=True, random_state=seed))]
                cpu[name] += (time.process_time() - start) / 10
        gain = np.subtract(found["ours"], found["theirs"])
        error = gain.std(ddof=1) / len(gain) ** 0.5
        say(
            f"tables, {load.__name__[5:]}: {np.mean(found['ours']):.4f} in {cpu['ours']:.2f} s a fit, "
            f"perceptron {np.mean(found['theirs']):.4f} in {cpu['theirs']:.2f} s; "
            f"difference {gain.mean():.4f} +- {error:.4f}",
            gain.mean() > -2 * error,
        )


def backpropagation(options):
    widths, n_rows, n_epochs = (784, 500, 500, 2000, 10), 2000, 5
    rng = np.random.default_rng(0)
    X, y = rng.random((n_rows, widths[0]), dtype=np.float32), np.arange(n_rows) % widths[-1]
    for batch_size in (100, 200):
        for dropout in (0.0, 0.2):
            model = DeepBeliefClassifier(
                widths[1:-1],
                rbm=RestrictedBoltzmannMachine(max_iter=1),
                dropout=dropout,
                batch_size=batch_size,
                random_state=0,
            )
            taken = []
            for epochs in (1, 1 + n_epochs):
                start = time.process_time()
                model.set_params(max_iter=epochs).fit(X, y)
                taken.append(time.process_time() - start)
            layers = [rng.random((batch_size, width), dtype=np.float32) for width in widths]
            weights = [rng.random(shape, dtype=np.float32) for shape in itertools.pairwise(widths)]
            n_updates, start = n_epochs * n_rows // batch_size, time.process_time()
            for _ in range(n_updates):
                for depth, w in enumerate(weights):
                    layers[depth] @ w
                    layers[depth].T @ layers[depth + 1]
                    if depth:
                        layers[depth + 1] @ w.T
            bare = time.process_time() - start
            update, product = (1e3 * seconds / n_updates for seconds in (taken[1] - taken[0], bare))
            say(
                f"backpropagation, batch {batch_size}, dropout {dropout}: {update:.1f} ms an update, "
                f"{update / product:.2f} times its products"
            )


class Progress:
    """Callback that says how many held-back rows a deep belief net gets wrong, every few epochs with labels."""

    max_propagation_depth = 0

    def __init__(self, X, y, every=5):
        self.X, self.y, self.every = X, y, every
        self.start, self.cpu = time.perf_counter(), time.process_time()

    def say(self, what, estimator):
        error = f", {100 * (1 - estimator.score(self.X, self.y)):.2f} % wrong" if estimator is not None else ""
        wall, cpu = time.perf_counter() - self.start, time.process_time() - self.cpu
        say(f"belief: {what} after {wall:.0f} s, {cpu:.0f} s of a processor, load {os.getloadavg()[0]:.1f}{error}")

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        if context.task_name == "epoch" and context.task_id == 0:
            self.say("pretrained", None)

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.task_name == "epoch" and (context.task_id + 1) % self.every == 0:
            self.say(f"epoch {context.task_id + 1}", fitted_estimator)


def belief(options):
    (train, labels), (test, truth) = split(options)
    train, test = ((rows / 255).astype(np.float32) for rows in (train, test))
    # Layers that were pretrained are moved with care: a low rate, and units left out.
    model = DeepBeliefClassifier((500, 500, 2000), learning_rate=0.003, dropout=0.5, max_iter=60, random_state=0)
    say(f"belief: {model!r}, {options.threads} threads")
    model.set_callbacks(Progress(test, truth))
    start, cpu = time.perf_counter(), time.process_time()
    wrong = int((model.fit(train, labels).predict(test) != truth).sum())
    wall, cpu = ((now - then) / 60 for now, then in ((time.perf_counter(), start), (time.process_time(), cpu)))
    say(
        f"belief: {wrong} of {len(truth)} wrong after {wall:.1f} minutes, {cpu:.1f} of a processor",
        wrong <= 0.013 * len(truth) and min(wall, cpu) <= 30,
    )

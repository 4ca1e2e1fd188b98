"""The run over the epochs, on two models that no estimator here has: a network of two layers, and a small RBM."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning

from skamem.core import arrays
from skamem.training import Adam, Momentum, Watch, batch_count, cosine_schedule, run_epochs, shuffled_batches, uploaded


class Verbose(BaseEstimator):
    verbose = True


class Backpropagation:
    """Two layers, tanh and logistic, on the exclusive or of two inputs."""

    def __init__(self, dtype=np.float64, n_epochs=200):
        rng = np.random.RandomState(0)
        self.X = np.asarray([[0, 0], [0, 1], [1, 0], [1, 1]] * 8, dtype=dtype)
        self.y = (self.X[:, :1] != self.X[:, 1:]).astype(dtype)
        shapes = {"W1": (2, 8), "b1": (8,), "W2": (8, 1), "b2": (1,)}
        start = {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}
        self.optimizer, self.parameters = Adam(start, learning_rate=0.05), start
        self.random_state, self.n_updates = rng, 4 * n_epochs

    def outputs(self, X):
        p = self.parameters
        hidden = np.tanh(X @ p["W1"] + p["b1"])
        return hidden, 1 / (1 + np.exp(-(hidden @ p["W2"] + p["b2"])))

    def epoch(self, number):
        losses, place = [], arrays.placement_of(self.X)
        batches = shuffled_batches(len(self.X), batch_count(len(self.X), 8), self.random_state)
        for i, index in enumerate(uploaded(batches, place)):
            X, y = self.X[index], self.y[index]
            hidden, outputs = self.outputs(X)
            losses.append(-np.mean(np.log(np.where(y > 0, outputs, 1 - outputs))))
            d_outputs = (outputs - y) / len(X)
            d_hidden = (d_outputs @ self.parameters["W2"].T) * (1 - hidden**2)
            gradients = {"W1": X.T @ d_hidden, "b1": d_hidden.sum(axis=0)}
            gradients |= {"W2": hidden.T @ d_outputs, "b2": d_outputs.sum(axis=0)}
            self.optimizer.step(gradients, cosine_schedule(4 * number + i, self.n_updates))
        return np.mean(losses)


class Boltzmann:
    """Persistent contrastive divergence: the trainer has a gradient and chains of its own."""

    def __init__(self):
        self.rng = np.random.RandomState(0)
        self.X = np.repeat([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]], 20, axis=0)
        self.parameters = {"W": 0.1 * self.rng.standard_normal((4, 3)), "visible": np.zeros(4), "hidden": np.zeros(3)}
        self.optimizer = Momentum(self.parameters, learning_rate=0.05, momentum=0.5, decay=1e-3)
        self.chains = self.rng.uniform(size=(40, 4)).round()

    def on(self, field):
        return 1 / (1 + np.exp(-field))

    def epoch(self, number):
        p = self.parameters
        draw = lambda probability: (self.rng.uniform(size=probability.shape) < probability).astype(float)  # noqa: E731
        for _ in range(2):
            hidden = draw(self.on(self.chains @ p["W"] + p["hidden"]))
            self.chains = draw(self.on(hidden @ p["W"].T + p["visible"]))
        gradients = {name: np.zeros_like(value) for name, value in p.items()}
        for rows, sign in ((self.X, -1), (self.chains, 1)):
            hidden = self.on(rows @ p["W"] + p["hidden"])
            gradients["W"] += sign * rows.T @ hidden / 40
            gradients["visible"] += sign * rows.mean(axis=0)
            gradients["hidden"] += sign * hidden.mean(axis=0)
        self.optimizer.step(gradients)
        reconstructed = self.on(self.on(self.X @ p["W"] + p["hidden"]) @ p["W"].T + p["visible"])
        return np.mean((reconstructed - self.X) ** 2)


def nothing(parameters, losses):
    return {}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_network_learns_the_exclusive_or(dtype):
    trainer = Backpropagation(dtype)
    parameters, losses = run_epochs(None, range(200), trainer, attributes=nothing)
    assert len(losses) == 200
    assert losses[-1] < 0.1 < losses[0]
    assert_array_equal(trainer.outputs(trainer.X)[1] > 0.5, trainer.y > 0.5)
    assert {value.dtype for value in parameters.values()} == {np.dtype(dtype)}


def test_a_boltzmann_machine_learns_two_patterns():
    _, losses = run_epochs(None, range(600), Boltzmann(), attributes=nothing)
    assert np.mean(losses[-20:]) < 0.05 < losses[0]


def test_losses_are_printed_if_asked(capsys):
    run_epochs(Verbose(), range(2), Backpropagation(), attributes=nothing)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"Epoch {i}: loss ") for i, line in enumerate(lines, 1))


def watch_of(scores, patience=4):
    scores = iter(scores)
    return Watch(lambda parameters: (0.0, -next(scores)), patience, 1e-3)


def test_watch_keeps_the_best_and_stops():
    watch = watch_of([0.1, 0.5, 0.4, 0.5, 0.500001, 0.2, 0.9])
    stops = [watch.update({"x": np.asarray([float(i)])}) for i in range(6)]
    assert stops == [False, False, False, False, False, True]
    assert_array_equal(watch.best["x"], [4.0])


def test_the_loss_decides_and_scores_are_told():
    found = iter([(1.0, 0.9), (0.5, 0.8), (0.9, 0.5), (1.0, 0.6), (1.0, 0.4999), (1.0, 0.7)])
    watch = Watch(lambda parameters: next(found), 3, 1e-3)
    stops = [watch.update({"x": np.asarray([float(i)])}) for i in range(6)]
    assert stops == [False] * 5 + [True]
    assert_array_equal(watch.best["x"], [4.0])
    assert watch.scores == [1.0, 0.5, 0.9, 1.0, 1.0, 1.0]
    assert watch.losses == [0.9, 0.8, 0.5, 0.6, 0.4999, 0.7]


def test_a_loss_that_is_no_number_is_no_improvement():
    found = iter([(1.0, 0.5), (1.0, float("nan")), (1.0, 0.4)])
    watch = Watch(lambda parameters: next(found), 2, 0.0)
    assert [watch.update({"x": np.asarray([float(i)])}) for i in range(3)] == [False, False, False]
    assert_array_equal(watch.best["x"], [2.0])


def test_a_watch_gives_the_best_parameters_and_their_losses():
    trainer = Backpropagation()
    parameters, losses = run_epochs(None, range(50), trainer, attributes=nothing, watch=watch_of([3, 2, 1], 2))
    assert len(losses) == 3
    again = Backpropagation()
    again.epoch(0)
    for name, value in again.parameters.items():
        assert_array_equal(parameters[name], value)


def test_early_stopping_that_never_stops_says_so():
    message = "Early stopping did not stop within 3 epochs: .* Raise max_iter, or lower n_iter_no_change"
    with pytest.warns(ConvergenceWarning, match=message):
        run_epochs(None, range(3), Backpropagation(), attributes=nothing, watch=watch_of([1, 2, 3, 4]))
    run_epochs(None, range(3), Backpropagation(), attributes=nothing, watch=watch_of([3, 2, 1, 0], 2))
    run_epochs(None, range(3), Backpropagation(), attributes=nothing)

"""LikelihoodRecorder writes down what the machine of each epoch says of rows that are held back."""

import numpy as np
import pytest

from skamem import BoltzmannMachine, RestrictedBoltzmannMachine
from skamem.analysis import LikelihoodCurve, LikelihoodRecorder
from skamem.core.callbacks import CALLBACKS_AVAILABLE

RNG = np.random.default_rng(0)
BITS = (RNG.random((120, 8)) < RNG.choice([0.1, 0.9], (3, 8))[RNG.integers(3, size=120)]).astype(float)
TRAIN, HELD = BITS[:80], BITS[80:]

callbacks = pytest.mark.skipif(not CALLBACKS_AVAILABLE, reason="scikit-learn before 1.9 has no callbacks")


@callbacks
def test_it_records_the_machine_of_each_epoch():
    """The record of the training rows is what the monitor writes down; the last one is the fitted machine's score."""
    recorders = LikelihoodRecorder(TRAIN), LikelihoodRecorder(HELD, every=3)
    machine = RestrictedBoltzmannMachine(4, max_iter=7, monitor="log_likelihood", random_state=0)
    machine.set_callbacks(*recorders).fit(TRAIN)
    every, third = (recorder.curve for recorder in recorders)
    np.testing.assert_array_equal(every.epochs, range(1, 8))
    np.testing.assert_allclose(every.values, machine.monitor_curve_, rtol=1e-10)
    np.testing.assert_array_equal(every.standard_error, machine.monitor_errors_)
    np.testing.assert_array_equal(third.epochs, [3, 6])
    assert every.values[-1] == pytest.approx(machine.score(TRAIN), rel=1e-10)
    again = RestrictedBoltzmannMachine(4, max_iter=7, monitor="log_likelihood", random_state=0).fit(TRAIN)
    np.testing.assert_array_equal(machine.components_, again.components_, "to look changes nothing")


@callbacks
def test_errors_are_those_of_ln_z():
    X = np.repeat(RNG.integers(2, size=(30, 25)), 4, axis=0).astype(float)
    recorder = LikelihoodRecorder(X)
    machine = RestrictedBoltzmannMachine(22, max_iter=2, random_state=0).set_callbacks(recorder).fit(X)
    assert recorder.curve.standard_error[-1] == machine.log_partition_error_ > 0


@callbacks
def test_each_fit_starts_a_record_and_chains_of_full_machines_are_recorded():
    recorder = LikelihoodRecorder(HELD, every=10)
    machine = BoltzmannMachine(method="gibbs", max_iter=30, random_state=0).set_callbacks(recorder)
    for _ in range(2):
        machine.fit(TRAIN)
        np.testing.assert_array_equal(recorder.curve.epochs, [10, 20, 30])
    assert recorder.curve.values[-1] == pytest.approx(machine.score(HELD), rel=1e-10)
    assert recorder.curve.values[-1] > recorder.curve.values[0]


def test_a_curve_is_a_table():
    curve = LikelihoodCurve(np.asarray([1, 2]), np.asarray([-3.0, -2.0]), np.asarray([0.0, 0.1]))
    frame = curve.to_frame()
    assert list(frame.columns) == ["log_likelihood", "standard_error"]
    assert frame.index.name == "epoch"
    assert LikelihoodRecorder(HELD).curve.values.shape == (0,)
    with pytest.raises(ValueError, match="every=0"):
        LikelihoodRecorder(HELD, every=0)
    with pytest.raises(ValueError, match="confidence=1"):
        curve.interval(1.0)

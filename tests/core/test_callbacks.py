"""fit_tasks: the steps of a fit, told to scikit-learn's callbacks, or to nobody."""

import importlib.util
import sys

import pytest
from sklearn.base import BaseEstimator

from skamem.core import callbacks
from skamem.core.callbacks import CALLBACKS_AVAILABLE, CallbackSupportMixin, fit_tasks, with_callbacks

needs_callbacks = pytest.mark.skipif(not CALLBACKS_AVAILABLE, reason="scikit-learn before 1.9 has no callbacks")


class Recorder:
    """A callback that writes down its events, and asks to stop after a given task."""

    def __init__(self, stop_after=None):
        self.events, self.stop_after = [], stop_after

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None):
        self.events.append(f"begin {context.task_name} {X}")

    def on_fit_task_end(self, estimator, context, *, X=None):
        self.events.append(f"end {context.task_name} {context.task_id}")
        return context.task_name == "step" and context.task_id == self.stop_after


class Walker(CallbackSupportMixin, BaseEstimator):
    """Walks through its tasks; does not survive the one called "hole"."""

    @with_callbacks
    def fit(self, X):
        self.seen = []
        for task in fit_tasks(self, X, name="step", n_tasks=len(X), X="data"):
            assert task != "hole", "fell"
            self.seen.append(task)
        return self


def test_without_callbacks_it_is_a_plain_loop():
    assert Walker().fit("abc").seen == ["a", "b", "c"]


@needs_callbacks
def test_every_step_begins_and_ends_inside_the_fit():
    recorder = Recorder()
    walker = Walker().set_callbacks(recorder).fit("ab")
    assert walker.seen == ["a", "b"]
    steps = ["begin step data", "end step 0", "begin step data", "end step 1"]
    assert recorder.events == ["setup", "begin fit data", *steps, "end fit 0", "teardown"]


@needs_callbacks
def test_a_callback_stops_the_loop_cleanly():
    recorder = Recorder(stop_after=1)
    assert Walker().set_callbacks(recorder).fit("abc").seen == ["a", "b"]
    assert recorder.events[-2:] == ["end fit 0", "teardown"]


@needs_callbacks
def test_a_step_that_fails_still_tears_down():
    recorder = Recorder()
    with pytest.raises(AssertionError, match="fell"):
        Walker().set_callbacks(recorder).fit(["a", "hole"])
    assert recorder.events[-2:] == ["begin step data", "teardown"]


def test_older_versions_of_scikit_learn_have_stand_ins(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.callback", None)
    spec = importlib.util.spec_from_file_location("callbacks_before_1_9", callbacks.__file__)
    old = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(old)
    assert not old.CALLBACKS_AVAILABLE

    class Estimator(old.CallbackSupportMixin):
        @old.with_callbacks
        def fit(self, X):
            """Documented."""
            return list(old.fit_tasks(self, X, name="step", n_tasks=len(X)))

    assert Estimator().fit("abc") == ["a", "b", "c"]
    assert Estimator.fit.__doc__ == "Documented."

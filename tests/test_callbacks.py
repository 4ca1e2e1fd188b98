"""scikit-learn's fit callbacks reach every estimator, and leave it as they should."""

import warnings

import numpy as np
import pytest
import sklearn
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skamem import HebbianMemory, MemoryClassifier, PseudoinverseMemory
from skamem.core.callbacks import CALLBACKS_AVAILABLE
from skamem.datasets import make_patterns

from ._estimators import ESTIMATORS, answer, small, targets

pytestmark = [
    pytest.mark.skipif(not CALLBACKS_AVAILABLE, reason="scikit-learn before 1.9 has no callbacks"),
    pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

X, labels = (part[:60] for part in load_digits(return_X_y=True))
every_estimator = pytest.mark.parametrize(
    ("Estimator", "y"), [pytest.param(kind, targets(kind, labels), id=kind.__name__) for kind in ESTIMATORS]
)


class Recorder:
    """Writes down its events; asks to stop at the end of the first task of an estimator; fails where it is told to."""

    max_propagation_depth = None  # propagates from searches and pipelines to what they fit

    def __init__(self, *, stop=False, fail_at=None):
        self.events, self.stop, self.fail_at = [], stop, fail_at

    def note(self, event, estimator, context):
        self.events.append((event, context.estimator_name, context.task_name, context.task_id))
        if event == self.fail_at:
            raise ZeroDivisionError(event)

    def setup(self, estimator, context):
        self.note("setup", estimator, context)

    def teardown(self, estimator, context):
        self.note("teardown", estimator, context)

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None):
        self.note("begin", estimator, context)

    def on_fit_task_end(self, estimator, context):
        self.note("end", estimator, context)
        return self.stop and context.parent is not None

    def of(self, Estimator):
        return [event for event in self.events if event[1] == Estimator.__name__]


class Watcher(Recorder):
    """Recalls with the estimator as it stands at the end of each task."""

    def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None):
        self.note("end", estimator, context)
        if fitted_estimator is not None:
            assert fitted_estimator is not estimator
            self.events.append((type(fitted_estimator), answer(fitted_estimator, X)))


@every_estimator
def test_tasks_begin_and_end_inside_one_another(Estimator, y):
    recorder = Recorder()
    fitted = small(Estimator).set_callbacks(recorder).fit(X, y)
    assert recorder.events[0][0] == "setup"
    assert recorder.events[-1][0] == "teardown"
    running = []
    for event, *task in recorder.events[1:-1]:
        if event == "begin":
            running.append(task)
        else:
            assert (event, task) == ("end", running.pop())
    assert running == []
    assert len(recorder.events) >= 6  # the fit, and a task inside it
    np.testing.assert_array_equal(answer(fitted, X), answer(small(Estimator).fit(X, y), X))


@every_estimator
def test_callbacks_may_ask_for_a_working_estimator(Estimator, y):
    watcher = Watcher()
    fitted = small(Estimator).set_callbacks(watcher).fit(X, y)
    seen = [predicted for kind, predicted in (event[:2] for event in watcher.events) if kind is Estimator]
    for predicted in seen:
        assert predicted.shape == answer(fitted, X).shape
    if seen:  # the last one looks at the end of the fit
        np.testing.assert_array_equal(seen[-1], answer(fitted, X))


@every_estimator
def test_a_callback_stops_a_fit_cleanly(Estimator, y):
    recorder = Recorder(stop=True)
    stopped = small(Estimator).set_callbacks(recorder).fit(X, y)
    assert [event[0] for event in recorder.events[-2:]] == ["end", "teardown"]
    assert answer(stopped, X).shape == answer(small(Estimator).fit(X, y), X).shape


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_stopped_memory_holds_what_it_saw(method):
    patterns = make_patterns(5, 60, random_state=0)
    with config_context(working_memory=1e-6):  # a block for each pattern
        memory = HebbianMemory().set_callbacks(Recorder(stop=True))
        getattr(memory, method)(patterns)
    assert memory.n_patterns_ == 1
    np.testing.assert_array_equal(memory.correlation_, np.outer(patterns[0], patterns[0]))
    with config_context(working_memory=1e-6):
        memory = PseudoinverseMemory().fit(patterns[:1]).set_callbacks(Recorder(stop=True)).partial_fit(patterns[1:])
    assert memory.n_patterns_ == 2
    np.testing.assert_allclose(patterns[:2] @ memory.weights_, patterns[:2], atol=1e-9)


@every_estimator
@pytest.mark.parametrize("fail_at", ["setup", "begin", "end", "teardown"])
def test_a_callback_that_fails_leaves_the_estimator_as_it_was(Estimator, y, fail_at):
    fitted = small(Estimator).fit(X, y)
    fitted.set_callbacks(Recorder(fail_at=fail_at))
    before = dict(vars(fitted))
    with pytest.raises(ZeroDivisionError):
        fitted.fit(X[::2], y[::2])
    assert vars(fitted).keys() == before.keys()
    assert all(vars(fitted)[name] is value for name, value in before.items())


@every_estimator
def test_callbacks_survive_clone_and_are_no_parameters(Estimator, y):
    recorder = Recorder()
    estimator = small(Estimator).set_callbacks(recorder)
    assert estimator.get_params() == small(Estimator).get_params()
    clone(estimator).fit(X, y)
    assert recorder.of(Estimator)


def no_score(estimator, X, y):
    return 0.0


@every_estimator
def test_a_search_over_a_pipeline_reports_each_fit(Estimator, y):
    recorder = Recorder()
    pipeline = make_pipeline(StandardScaler(), small(Estimator))
    search = GridSearchCV(pipeline, {"standardscaler__with_mean": [True, False]}, cv=2, scoring=no_score).set_callbacks(
        recorder
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not support callbacks")  # those of scikit-learn that do not
        search.fit(X, y)
    events = [event[0] for event in recorder.of(Estimator)]
    assert events.count("begin") == events.count("end") >= 2 * 2 + 1  # splits, candidates, the final fit
    assert [event[0] for event in recorder.events].count("setup") == 1


@every_estimator
def test_progress_bars_work(Estimator, y, capsys):
    pytest.importorskip("rich")
    from sklearn.callback import ProgressBar

    small(Estimator).set_callbacks(ProgressBar()).fit(X, y)
    assert Estimator.__name__ in capsys.readouterr().out


def test_a_memory_inside_a_classifier_reports_to_the_classifiers_callbacks():
    recorder = Recorder()
    MemoryClassifier(HebbianMemory()).set_callbacks(recorder).fit(X, labels)
    assert recorder.of(HebbianMemory)
    assert [event[0] for event in recorder.events].count("teardown") == 1


def test_scikit_learn_has_callbacks_where_we_say_so():
    assert (tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 9)) == CALLBACKS_AVAILABLE

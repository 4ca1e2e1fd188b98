"""What every estimator inherits: all-or-nothing fits, both doors, pickles that travel."""

import copy
import inspect
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.metaestimators import available_if

from skamem.core import arrays
from skamem.core.base import SkamemEstimator, SkamemTransformer, transactional

X = np.arange(6.0).reshape(3, 2)


class Sum(SkamemEstimator):
    """The smallest estimator: it adds up what it sees."""

    _anchor = "sum_"

    def __init__(self, backend=None):
        self.backend = backend

    @transactional
    def fit(self, X, y=None):
        self.half_done_ = True
        X, placement = self._receive(X, reset=True)
        self.sum_ = placement.xp.sum(placement.asarray(X), axis=0)
        if y == "late":
            raise KeyboardInterrupt
        return self

    def predict(self, X):
        X, placement = self._receive(X, reset=False, method="predict")
        return placement.release(placement.asarray(X) + self.sum_)


@pytest.mark.parametrize(("bad", "y", "error"), [([["a"]], None, ValueError), (X + 1, "late", KeyboardInterrupt)])
def test_a_fit_that_fails_leaves_no_trace(bad, y, error):
    fresh, fitted = Sum(), Sum().fit(X)
    for estimator in (fresh, fitted):
        before = dict(vars(estimator))
        with pytest.raises(error):
            estimator.fit(bad, y)
        assert vars(estimator) == before
        assert all(vars(estimator)[name] is value for name, value in before.items())


def test_the_decorator_keeps_name_and_documentation():
    assert Sum.fit.__name__ == "fit"
    assert transactional(arrays.copy).__doc__ == arrays.copy.__doc__


def test_door_1_follows_the_input(place, dispatched):
    with dispatched():
        estimator = Sum().fit(place.put(X))
        np.testing.assert_array_equal(place.get(estimator.predict(place.put(X))), X + X.sum(axis=0))
        with pytest.raises(ValueError, match=r"Sum\.predict\(\) must use the same namespace and the same device"):
            estimator.predict(X)
    assert isinstance(Sum().fit(X).predict(X), np.ndarray)


def test_door_1_does_not_mix_devices(dispatched):
    xp = pytest.importorskip("array_api_strict")
    with dispatched():
        estimator = Sum().fit(xp.asarray(X, device=xp.Device("device1")))
        with pytest.raises(ValueError, match="same device.*Found array_api_strict on .*CPU_DEVICE.*expected .*device1"):
            estimator.predict(xp.asarray(X))


@pytest.mark.parametrize("backend", ["numpy", "cupy", "cupy:1", "torch"])
def test_door_2_takes_the_host_and_gives_it_back(backend, fake_cupy):
    if backend == "torch":
        pytest.importorskip("torch")
    with fake_cupy():
        estimator = Sum(backend=backend).fit(X)
        assert arrays.is_host(estimator.sum_) == (backend == "numpy")
        predicted = estimator.predict(X)
        assert type(predicted) is np.ndarray
        np.testing.assert_array_equal(predicted, X + X.sum(axis=0))


def test_pickles_hold_no_device_array(place, dispatched):
    with dispatched():
        estimator = Sum().fit(place.put(X))
    loaded = pickle.loads(pickle.dumps(estimator))
    assert type(loaded.sum_) is np.ndarray
    np.testing.assert_array_equal(loaded.predict(X), X + X.sum(axis=0))


def test_a_pickle_returns_to_its_device_where_there_is_one(fake_cupy):
    with fake_cupy() as cupy:
        pickled = pickle.dumps(Sum(backend="cupy:1").fit(X))
        assert pickle.loads(pickled).sum_.device == cupy.cuda.Device(1)
    loaded = pickle.loads(pickled)  # no CuPy on this machine
    np.testing.assert_array_equal(loaded.predict(X), X + X.sum(axis=0))


def test_copies_stay_where_they_are(place, dispatched):
    with dispatched():
        estimator = Sum().fit(place.put(X))
        for twin in (copy.copy(estimator), copy.deepcopy(estimator)):
            np.testing.assert_array_equal(place.get(twin.predict(place.put(X))), X + X.sum(axis=0))
    assert copy.copy(estimator).sum_ is estimator.sum_ is not copy.deepcopy(estimator).sum_


def test_clones_forget_what_was_fitted():
    assert vars(clone(Sum(backend="numpy").fit(X))) == {"backend": "numpy"}


class Shift(SkamemTransformer):
    """A member of every kind, some under a condition."""

    _anchor = "offset_"

    def __init__(self, able=True, backend=None):
        self.able = able
        self.backend = backend

    def fit(self, X, y=None):
        X, placement = self._receive(X, reset=True)
        self.offset_ = placement.xp.sum(placement.asarray(X), axis=0)
        return self

    @classmethod
    def of(cls, offset, **parameters):
        """The shift by an offset."""
        shift = cls(**parameters)
        place = arrays.resolve_backend(shift.backend, offset)
        place.use()
        shift.offset_ = place.asarray(offset)
        return shift

    @property
    def double_(self):
        """Twice the offset."""
        return 2.0 * self.offset_

    @available_if(lambda shift: shift.able)
    def transform(self, X):
        """Shift."""
        X, placement = self._receive(X, reset=False, method="transform")
        return placement.release(placement.asarray(X) + self.offset_)

    @available_if(lambda shift: shift.able)
    def total(self):
        """Sum of the offset."""
        return float(arrays.namespace(self.offset_).sum(self.offset_))

    def get_feature_names_out(self, input_features=None):
        return np.asarray(["a", "b"])


def test_every_kind_of_member_runs_on_the_device_and_gives_back_the_callers(fake_cupy):
    with fake_cupy() as cupy:
        shift = Shift(backend="cupy:1").fit(X)
        assert shift.double_.device == Shift.of(X[0], backend="cupy:1").double_.device == cupy.cuda.Device(1)
        assert (shift.total(), shift.fit_transform(X).shape) == (15.0, X.shape)
        assert cupy.cuda.Device() == cupy.cuda.Device(0)
        with pytest.raises(KeyboardInterrupt):
            Sum(backend="cupy:1").fit(X, "late")
        assert cupy.cuda.Device() == cupy.cuda.Device(0)


class Sealed(Sum):
    """It opens under a condition that has words of its own."""

    def _opens(self):
        if not hasattr(self, "sum_"):
            raise NotFittedError("Sealed is not fitted yet.")
        raise AttributeError("Sealed never opens; use Sum.")

    @available_if(_opens)
    def open(self):
        """Never."""


def test_the_words_of_a_condition_reach_the_user():
    fitted = Sealed().fit(X)
    assert not hasattr(fitted, "open")
    assert not hasattr(Sealed(), "open")
    with pytest.raises(AttributeError, match="'Sealed' has no attribute 'open': Sealed never opens; use Sum"):
        fitted.open()
    with pytest.raises(NotFittedError, match="not fitted yet"):
        Sealed().open()


def test_a_condition_may_stand_on_transform_and_output_can_still_be_set():
    pytest.importorskip("pandas")
    for name in ("transform", "fit_transform", "total"):
        assert hasattr(Shift().fit(X), name)
        assert not hasattr(Shift(able=False).fit(X), name)
        assert callable(getattr(Shift, name))
    frame = Shift().set_output(transform="pandas").fit_transform(X)
    assert frame.columns.tolist() == ["a", "b"]


class Twice(Sum):
    """One with an attribute that is computed when it is asked for."""

    @property
    def double_(self):
        """Two times the sum."""
        return 2 * self.sum_


def test_a_computed_attribute_is_there_once_fitted():
    with pytest.raises(NotFittedError, match="This Twice instance is not fitted yet"):
        _ = Twice().double_
    assert not hasattr(Twice(), "double_")
    np.testing.assert_array_equal(Twice().fit(X).double_, [12.0, 18.0])
    assert Twice.double_.__doc__ == "Two times the sum."


def test_members_keep_names_documentation_and_signatures():
    assert [Shift.of.__doc__, Shift.double_.__doc__] == ["The shift by an offset.", "Twice the offset."]
    assert [Shift.transform.__doc__, Shift.total.__doc__] == ["Shift.", "Sum of the offset."]
    assert str(inspect.signature(Shift.of)) == "(offset, **parameters)"
    assert str(inspect.signature(Shift.transform)) == "(self, X)"

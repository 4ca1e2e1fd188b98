"""One rule of precision: compute in the wider of what was fitted and what comes, answer in the type that came."""

import numpy as np
import pytest
from sklearn.base import clone

from ._estimators import ESTIMATORS, answer, small, targets

pytestmark = [
    pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(40, 12))
ROWS = RNG.uniform(size=(30, 12))
LABELS = np.arange(40) % 2
every_estimator = pytest.mark.parametrize("Estimator", ESTIMATORS)


def fitted(Estimator, dtype, backend=None):
    return small(Estimator).set_params(backend=backend).fit(X.astype(dtype), targets(Estimator, LABELS))


@every_estimator
@pytest.mark.parametrize("backend", [None, "torch", "cupy:1"])
def test_single_rows_on_a_double_model(Estimator, backend, fake_cupy):
    if backend == "torch":
        pytest.importorskip("torch")
    rows = ROWS.astype(np.float32)
    expected = answer(fitted(Estimator, np.float64), rows.astype(np.float64))
    with fake_cupy():
        found = answer(fitted(Estimator, np.float64, backend), rows)
    assert found.dtype == (np.float32 if expected.dtype == np.float64 and found.dtype.kind == "f" else expected.dtype)
    np.testing.assert_allclose(found, expected.astype(found.dtype), rtol=1e-6, atol=1e-7)


@every_estimator
@pytest.mark.parametrize("backend", [None, "torch", "cupy:1"])
def test_double_rows_on_a_single_model(Estimator, backend, fake_cupy):
    if backend == "torch":
        pytest.importorskip("torch")
    with fake_cupy():
        there = fitted(Estimator, np.float32, backend)
        found, narrow = answer(there, ROWS), answer(there, ROWS.astype(np.float32))
    assert found.dtype.kind != "f" or found.dtype == np.float64
    np.testing.assert_allclose(found, narrow, rtol=1e-3, atol=1e-4)


@every_estimator
def test_libraries_that_do_not_promote(Estimator, place, dispatched):
    there = small(Estimator)
    with dispatched():
        there.fit(place.put(X), place.put(targets(Estimator, LABELS)))
        found = place.get(answer(there, place.put(ROWS.astype(np.float32))))
    expected = answer(fitted(Estimator, np.float64), ROWS.astype(np.float32).astype(np.float64))
    np.testing.assert_allclose(found, expected.astype(found.dtype), rtol=1e-6, atol=1e-7)


@every_estimator
def test_weights_keep_their_precision_beside_single_data(Estimator):
    y, weights = targets(Estimator, LABELS), np.full(len(X), 1e-60)
    single, double = clone(small(Estimator)), clone(small(Estimator))
    try:
        double.fit(X, y, sample_weight=weights)
    except TypeError:
        pytest.skip("takes no weights")
    try:
        single.fit(X.astype(np.float32), y, sample_weight=weights)
    except ValueError as error:  # where the scale of the weights means something
        told = str(error)
        assert "32 bits" in told
        return
    np.testing.assert_allclose(answer(single, ROWS), answer(double, ROWS), rtol=1e-2, atol=1e-3)

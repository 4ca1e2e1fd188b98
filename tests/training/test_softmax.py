"""Logarithms of class probabilities."""

import numpy as np
from scipy.special import log_softmax as reference

from skamem.core import arrays
from skamem.training import log_softmax


def test_as_scipy_everywhere_and_without_overflow(place):
    outputs = np.random.default_rng(0).standard_normal((5, 4)) * np.asarray([[1.0], [1e-3], [50.0], [1e4], [1e300]])
    np.testing.assert_allclose(arrays.to_numpy(log_softmax(place.put(outputs))), reference(outputs, axis=1), rtol=1e-14)


def test_float32_stays():
    assert log_softmax(np.zeros((2, 3), dtype=np.float32)).dtype == np.float32

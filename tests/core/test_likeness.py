"""What went through a pickle is like what it was; what was changed is not."""

import functools
import pickle
import subprocess
import sys
from dataclasses import dataclass

import cloudpickle
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.decomposition import PCA
from sklearn.kernel_approximation import RBFSampler
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer

from skamem.core.likeness import is_alike


def power(X, degree=2):
    return X**degree


def scaled(factor):
    return lambda X: factor * X


def counting():
    def count(n):
        return n and count(n - 1)

    return count


@dataclass
class WithEquality:
    width: int


class Plain:
    def __init__(self, width):
        self.width = width

    def __call__(self, X):
        return X[:, : self.width]


class Holder:
    def __init__(self):
        self.itself = self


ARRAY = np.array([1.0, np.nan])
PAIRS = {
    "numbers": (2, 3),
    "none": (None, 0),
    "strings": ("a", "b"),
    "lists": ([1, "a"], [1, "b"]),
    "lists of other lengths": ([1], [1, 2]),
    "tuples": ((1, 2), (1, 3)),
    "dicts": ({"a": ARRAY}, {"a": 2 * ARRAY}),
    "arrays": (ARRAY, np.array([1.0, 2.0])),
    "arrays of objects": (np.array(["a", None], dtype=object), np.array(["a", 1], dtype=object)),
    "sparse": (scipy.sparse.csr_array([[1.0, 0.0]]), scipy.sparse.csr_array([[1.0, 2.0]])),
    "frames": (pd.DataFrame({"a": [1.0, np.nan]}), pd.DataFrame({"b": [1.0, np.nan]})),
    "functions": (power, scaled),
    "enclosed values": (scaled(2.0), scaled(3.0)),
    "functions that call themselves": (counting(), power),
    "partial": (functools.partial(power, degree=3), functools.partial(power, degree=4)),
    "methods": (Plain(2).__call__, Plain(3).__call__),
    "callable objects": (Plain(2), Plain(3)),
    "objects with equality": (WithEquality(2), WithEquality(3)),
    "objects that hold themselves": (Holder(), Plain(3)),
    "classes": (Plain, Holder),
    "random states": (np.random.RandomState(0), np.random.RandomState(1)),
    "estimators": (RBFSampler(gamma=1.0), RBFSampler(gamma=2.0)),
    "classes of estimators": (RBFSampler(), PCA()),
    "fitted estimators": (PCA().fit([[0.0, 1.0], [1.0, 0.0]]), PCA().fit([[0.0, 1.0], [2.0, 0.0]])),
    "pipelines": (make_pipeline(PCA(), RBFSampler(gamma=1.0)), make_pipeline(PCA(), RBFSampler(gamma=2.0))),
    "unions": (make_union(PCA(2)), make_union(PCA(3))),
    "functions inside": (FunctionTransformer(scaled(2.0)), FunctionTransformer(scaled(3.0))),
}


@pytest.mark.parametrize("kind", PAIRS)
def test_a_copy_is_alike_and_what_was_changed_is_not(kind):
    one, other = PAIRS[kind]
    for value in (one, other):
        assert is_alike(value, value)
        assert is_alike(value, cloudpickle.loads(cloudpickle.dumps(value)))
    assert not is_alike(one, other)
    assert not is_alike(other, one)


def test_numbers_compare_by_value():
    assert is_alike(1, 1.0)
    assert is_alike(np.float64(2.0), 2)
    assert is_alike(float("nan"), np.float32("nan"))
    assert not is_alike(float("nan"), 1.0)
    assert not is_alike(ARRAY, 1.0)


def test_functions_of_a_script_are_alike_after_a_pickle():
    script = (
        "import cloudpickle, pickle\n"
        "from skamem.core.likeness import is_alike\n"
        "def cosines(X):\n    return X + 1\n"
        "copied = pickle.loads(cloudpickle.dumps(cosines))\n"
        "assert copied is not cosines and copied != cosines\n"
        "assert is_alike(copied, cosines)\n"
        "assert not is_alike(copied, lambda X: X + 1)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_objects_are_left_as_they_are():
    estimator = make_pipeline(PCA(), FunctionTransformer(power))
    before = pickle.dumps(estimator)
    is_alike(estimator, make_pipeline(PCA(), FunctionTransformer(power)))
    assert pickle.dumps(estimator) == before

"""Memories that learn by correlation forget as exactly as they store."""

import numpy as np
import pytest
import scipy.sparse
from sklearn.exceptions import NotFittedError

from skamem import BidirectionalMemory, HebbianMemory
from skamem.datasets import make_patterns

X, Y = make_patterns(10, 60, random_state=0), make_patterns(10, 24, random_state=1)
MEMORIES = [HebbianMemory(), HebbianMemory("y", activation="step"), BidirectionalMemory()]
every_memory = pytest.mark.parametrize("memory", MEMORIES, ids=["self", "pairs", "bidirectional"])
pytestmark = pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")


@every_memory
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("weight", [None, np.arange(10)], ids=["once", "often"])
@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array])
def test_what_is_forgotten_never_was_there(memory, dtype, weight, container):
    kept, gone = slice(0, 7), slice(7, 10)
    x = container(X.astype(dtype))

    def part(rows):
        return x[rows], Y[rows], None if weight is None else weight[rows]

    never = memory.fit(*part(kept))
    expected = {name: getattr(never, name) for name in vars(never) if name.endswith("_") or name == "_exact"}
    forgot = memory.fit(*part(slice(0, 10))).forget(*part(gone))
    assert forgot is memory
    for name, value in expected.items():
        if name != "order_seed_":
            np.testing.assert_array_equal(getattr(forgot, name), value, err_msg=name)
            assert np.asarray(getattr(forgot, name)).dtype == np.asarray(value).dtype


@every_memory
def test_real_weights_are_forgotten_to_rounding(memory):
    weight = np.linspace(0.1, 1.0, 10)
    memory.fit(X, Y, weight).forget(X[7:], Y[7:], weight[7:])
    forgot = memory.correlation_
    np.testing.assert_allclose(forgot, memory.fit(X[:7], Y[:7], weight[:7]).correlation_, atol=1e-13)
    assert not memory._exact


@every_memory
def test_no_more_is_forgotten_than_is_stored(memory):
    memory.fit(X[:3], Y[:3])
    before = dict(vars(memory))
    with pytest.raises(ValueError, match=r"forget\(\) found 4 patterns of total weight 4; expected at most"):
        memory.forget(X[:4], Y[:4])
    with pytest.raises(ValueError, match="of total weight 5"):
        memory.forget(X[:1], Y[:1], [5.0])
    assert all(vars(memory)[name] is value for name, value in before.items())
    assert memory.forget(X[:3], Y[:3]).n_patterns_ == 0
    assert not memory.correlation_.any()


@every_memory
def test_forgetting_comes_after_storing(memory):
    with pytest.raises(NotFittedError):
        type(memory)().forget(X, Y)

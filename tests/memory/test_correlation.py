"""Memories that learn by correlation forget as exactly as they store."""

import inspect
import pickle
import tracemalloc

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skamem import BidirectionalMemory, HebbianMemory, HopfieldNetwork, PseudoinverseMemory
from skamem.core import factors
from skamem.datasets import corrupt, make_patterns

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
    names = ["correlation_", *(name for name in vars(never) if name.endswith("_") or name == "_exact")]
    expected = {name: getattr(never, name) for name in names}
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


# ------------------------------------------------------------------------------ few patterns of many units: factors


@pytest.fixture
def factored(monkeypatch):
    """Weights of any size are held as factors where that is fewer numbers."""
    return lambda wanted: monkeypatch.setattr(factors, "_SMALL", 0 if wanted else 2**40)


MEMORIES_THAT_MAY = {
    "hebbian": HebbianMemory(random_state=0),
    "hebbian async": HebbianMemory(update="async", zero_diagonal=True, missing="clamp", random_state=0),
    "pairs": HebbianMemory("y"),
    "linear": HebbianMemory("y", activation="identity", binarize=None),
    "hopfield": HopfieldNetwork(random_state=0),
    "biased": HopfieldNetwork(fit_intercept=True, random_state=0),
    "projection": HopfieldNetwork("pseudoinverse", random_state=0),
    "pseudoinverse": PseudoinverseMemory(random_state=0),
    "cholesky": PseudoinverseMemory(solver="cholesky", alpha=0.5, update="async", random_state=0),
    "series": PseudoinverseMemory(solver="neumann", n_layers=500, random_state=0),
    "pseudoinverse pairs": PseudoinverseMemory("y", activation="identity"),
}


def history(memory):
    """All that a memory says while it stores in pieces, weighted, and forgets; and whether it held factors."""
    many, targets = make_patterns(60, 100, random_state=2), make_patterns(60, 90, random_state=3)
    cues = corrupt(np.tile(many[:9], (3, 1)), "flip", 0.2, random_state=4)
    cues[::3, :20] = np.nan
    paired, weighs = memory.target == "y", "sample_weight" in inspect.signature(type(memory).fit).parameters
    told, held = [], []

    def part(rows):
        given = (many[rows], targets[rows]) if paired else (many[rows],)
        return given, {"sample_weight": np.arange(60)[rows] % 3 + 1.0} if weighs else {}

    def follow(step, rows):
        given, weight = part(rows)
        step(*given, **weight)
        held.append(any(isinstance(value, factors.Factors) for value in vars(memory).values()))
        told.extend([memory.predict(cues), memory.field(cues), memory.weights_, memory.n_patterns_])
        told.append(pickle.loads(pickle.dumps(memory)).predict(cues))
        if hasattr(memory, "energy"):
            told.append(memory.energy(cues))

    follow(memory.fit, slice(0, 9))
    follow(memory.partial_fit, slice(9, 14))
    if hasattr(memory, "forget"):
        follow(memory.forget, slice(5, 12))
    follow(memory.partial_fit, slice(14, 60))
    return told, held


@pytest.mark.parametrize("name", MEMORIES_THAT_MAY)
def test_factors_change_nothing(name, factored):
    factored(True)
    few, held = history(clone(MEMORIES_THAT_MAY[name]))
    assert held == [True] * (len(held) - 1) + [False]  # beyond half of the units: a matrix
    factored(False)
    expected, held = history(clone(MEMORIES_THAT_MAY[name]))
    assert not any(held)
    whole = name in ("hebbian", "hebbian async", "pairs", "hopfield", "biased")
    for one, other in zip(few, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0 if whole else 1e-7, atol=0 if whole else 1e-9)


def test_many_units_take_the_room_of_their_patterns():
    """20,000 units, whose weights would take 3.2 GB."""
    patterns = make_patterns(20, 20_000, random_state=0)
    cues = corrupt(patterns, "flip", 0.3, random_state=1)
    for memory in (HebbianMemory(), PseudoinverseMemory(), HopfieldNetwork(random_state=0)):
        tracemalloc.start()
        memory.fit(patterns)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 10 * patterns.nbytes
        np.testing.assert_array_equal(memory.predict(cues), patterns)


def test_what_the_caller_does_to_his_patterns_later_is_his_affair(factored):
    factored(True)
    mine = make_patterns(3, 60, random_state=0)
    memory = HebbianMemory("y", activation="identity", binarize=None).fit(mine, mine)
    before = memory.predict(mine)
    theirs = mine.copy()
    mine[:] = 0.0
    np.testing.assert_array_equal(memory.predict(theirs), before)

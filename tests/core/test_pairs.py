"""Which memories may store pairs inside another estimator, and how one is set up."""

import pytest

from skamem import BidirectionalMemory, BipolarEncoder, HebbianMemory, HopfieldNetwork
from skamem.core.pairs import PairMemory, new_engine

KIND = PairMemory("field", "patterns with labels")


@pytest.mark.parametrize("memory", [HebbianMemory(), HebbianMemory("y"), BidirectionalMemory()], ids=repr)
def test_memories_with_a_target_or_that_always_store_pairs_may_be_one(memory):
    assert KIND.accepts(memory)


@pytest.mark.parametrize("memory", [HebbianMemory, HopfieldNetwork(), BipolarEncoder(), "hebbian", 3], ids=repr)
def test_others_are_refused_with_what_is_missing_and_what_would_do(memory):
    assert not KIND.accepts(memory)
    with pytest.raises(TypeError, match="cannot associate patterns with labels; expected a memory with target='y' and"):
        KIND.refuse("memory", memory)


def test_what_it_is_asked_by_must_be_there():
    assert PairMemory("predict", "").accepts(BidirectionalMemory())
    assert not PairMemory("no_such_method", "").accepts(HebbianMemory())


def test_an_engine_is_a_copy_that_stores_pairs_where_it_is_told():
    memory = HebbianMemory(n_recall_steps=3)
    engine = new_engine(memory, "numpy")
    assert (engine.target, engine.backend, engine.n_recall_steps) == ("y", "numpy", 3)
    assert (memory.target, memory.backend) == ("self", None)
    assert new_engine(HebbianMemory(backend="torch"), None).backend == "torch"

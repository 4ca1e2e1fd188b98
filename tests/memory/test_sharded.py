"""Patterns in several places recall as one memory of all of them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skamem import KernelMemory, ModernHopfieldMemory
from skamem.core.reduction import PairwiseReduction
from skamem.memory._sharded import ShardedKernelMemory, ShardedModernHopfieldMemory, modern_shard
from skamem.memory._softmax import Readout, soft_mean, soft_sums

RNG = np.random.default_rng(0)
PATTERNS = RNG.standard_normal((600, 8)) + 3.0
CUES = PATTERNS[:60] + 0.3 * RNG.standard_normal((60, 8))
HOLES = np.where(RNG.random(CUES.shape) < 0.2, np.nan, CUES)
HOLES[0] = np.nan
GAPS = np.where(RNG.random(PATTERNS.shape) < 0.1, np.nan, PATTERNS)
WEIGHT = RNG.integers(1, 4, 600).astype(float)
VALUES = RNG.standard_normal((600, 3))


class Local:
    """Shards in a list."""

    def __init__(self, shards):
        self.shards = shards

    def each(self, function, *args, own=None):
        own = [()] * len(self.shards) if own is None else [(part,) for part in own]
        return [function(shard, *mine, *args) for shard, mine in zip(self.shards, own)]

    def merged(self, function, merge, *args):
        tree = PairwiseReduction(merge)
        for part in self.each(function, *args):
            tree.add(part)
        return tree.result()

    def changed(self, function, *args):
        return Local(self.each(function, *args))


def sharded(memory, X, y=None, sample_weight=None, cuts=(1, 130, 400)):
    """The same memory, its patterns cut into shards of unequal lengths."""

    def pieces(array):
        return [None] * (len(cuts) + 1) if array is None else np.split(array, cuts)

    opened = ShardedModernHopfieldMemory(**memory.get_params())
    parts = zip(pieces(X), pieces(y), pieces(sample_weight))
    return opened.open(Local([modern_shard(opened, *part) for part in parts]))


CASES = {
    "plain": (ModernHopfieldMemory(), PATTERNS, None, None),
    "steps and weights": (ModernHopfieldMemory(n_recall_steps=5), PATTERNS, None, WEIGHT),
    "gaps": (ModernHopfieldMemory(), GAPS, None, None),
    "gaps in one shard": (ModernHopfieldMemory(), np.where(np.arange(600)[:, None] < 590, PATTERNS, GAPS), None, None),
    "clamped": (ModernHopfieldMemory(beta=2.0, missing="clamp", add_indicator=True), GAPS, None, WEIGHT),
    "rejecting": (ModernHopfieldMemory(max_distance=0.8), PATTERNS, None, None),
    "dot": (ModernHopfieldMemory(beta=0.3, similarity="dot"), PATTERNS, None, None),
    "local": (ModernHopfieldMemory(beta=3.0, similarity="local"), GAPS, None, WEIGHT),
    "pairs": (ModernHopfieldMemory(target="y"), GAPS, VALUES, WEIGHT),
    "far from 0": (ModernHopfieldMemory(), PATTERNS + 1e6, None, None),
    "tiny": (ModernHopfieldMemory(), 1e-100 * PATTERNS, None, None),
    "sharp": (ModernHopfieldMemory(beta=1e6), PATTERNS, None, None),
    "a unit that nobody knows": (
        ModernHopfieldMemory(keep_empty_features=True),
        np.where(np.arange(8) == 2, np.nan, PATTERNS),
        None,
        None,
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("cues", [CUES, HOLES], ids=["complete", "with gaps"])
def test_shards_recall_as_one_memory(case, cues):
    memory, X, y, weight = CASES[case]
    scale = 1e-100 if case == "tiny" else 1.0
    cues = scale * cues + (1e6 if case == "far from 0" else 0.0)
    one, many = clone(memory).fit(X, y, weight), sharded(memory, X, y, weight)
    assert many.beta_ == pytest.approx(one.beta_, rel=1e-7)
    said, found = one.recall(cues), many.recall(cues)
    assert_allclose(found.states, said.states, rtol=0, atol=scale * (1e-6 if case == "far from 0" else 1e-10))
    for name in ("n_steps", "converged", "unresolved"):
        assert_array_equal(getattr(found, name), getattr(said, name))
    assert_array_equal(many.never_known_, one.never_known_)
    assert_array_equal(many.with_gaps_, one.with_gaps_)
    if memory.target == "self":
        assert many.transform(cues).shape == one.transform(cues).shape


def test_float32_stays_float32():
    one = ModernHopfieldMemory().fit(PATTERNS.astype("f4"))
    many = sharded(ModernHopfieldMemory(), PATTERNS.astype("f4"))
    found = many.predict(CUES.astype("f4"))
    assert found.dtype == np.float32
    assert_allclose(found, one.predict(CUES.astype("f4")), atol=1e-5)


def test_similarities_that_overflow_alone_do_not_when_merged():
    """Shards that are far from a cue must not take part, however large beta is."""

    def sums(top):
        similarities = [(slice(0, 2), np.array([[top, top - 1.0]]))]
        return soft_sums(similarities, readout, 1e4)

    readout = Readout(np.array([[1.0], [5.0]]))
    near, far = sums(-1.0), sums(-1e4)
    for merged in (near.merged(far), far.merged(near)):
        assert soft_mean(merged, readout, None) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("memory", "X", "words"),
    [
        (ModernHopfieldMemory(beta="held-out"), PATTERNS, "Give a number"),
        (ModernHopfieldMemory(missing="clamp"), PATTERNS, "Give a number"),
        (ModernHopfieldMemory(n_recall_steps=2), GAPS, "n_recall_steps=1"),
    ],
)
def test_what_shards_do_not_do_is_said(memory, X, words):
    with pytest.raises(ValueError, match=words):
        sharded(memory, X)


def test_shards_that_do_not_fit_together():
    memory = ShardedModernHopfieldMemory(beta=1.0)
    shards = [modern_shard(memory, PATTERNS[:5]), modern_shard(memory, PATTERNS[5:9, :7])]
    with pytest.raises(ValueError, match="Block 1 has as many columns as 7, but block 0 has 8"):
        memory.open(Local(shards))
    assert not hasattr(memory, "beta_")


@pytest.mark.parametrize("kernel", ["rbf", "laplacian", "poly", "ntk", "cosine"])
@pytest.mark.parametrize("options", [{}, {"missing": "clamp", "n_recall_steps": 3}, {"target": "y"}], ids=str)
def test_kernels_add_up(kernel, options):
    memory = KernelMemory(kernel, **options).fit(PATTERNS, VALUES)
    many = ShardedKernelMemory(**memory.get_params())
    many.open(Local(many.deal(memory, 7)))
    said, found = memory.recall(HOLES), many.recall(HOLES)
    assert_allclose(found.states, said.states, rtol=1e-7, atol=1e-7)
    assert_array_equal(found.n_steps, said.n_steps)

"""Patterns on workers: what is special about Dask; that shards recall as one memory says tests/memory/test_sharded."""

import copy
import os
import pickle
import signal

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError

from skamem import HebbianMemory, KernelMemory, ModernHopfieldMemory
from skamem.distributed import ShardedMemory

RNG = np.random.default_rng(0)
PATTERNS = RNG.standard_normal((600, 8)) + 3.0
CUES = PATTERNS[:60] + 0.3 * RNG.standard_normal((60, 8))
CUES[::3, 2] = np.nan
VALUES = RNG.standard_normal((600, 3))
ONE = ModernHopfieldMemory(n_recall_steps=3).fit(PATTERNS)


def assert_recalls_alike(many, one, atol=1e-10):
    said, found = one.recall(CUES), many.recall(CUES)
    assert_allclose(found.states, said.states, atol=atol, rtol=0)
    assert_array_equal(found.n_steps, said.n_steps)
    assert_allclose(many.predict(CUES), said.states, atol=atol, rtol=0)


def test_shards_come_from_any_blocks(tmp_path):
    np.save(tmp_path / "patterns.npy", PATTERNS)
    sources = [
        da.from_array(PATTERNS, chunks=(150, 3)),
        PATTERNS,
        np.load(tmp_path / "patterns.npy", mmap_mode="r"),
        (PATTERNS[start : start + 150] for start in range(0, 600, 150)),
        [PATTERNS[:0], *np.split(PATTERNS, 4)],
    ]
    for blocks in sources:
        many = ShardedMemory(ModernHopfieldMemory(n_recall_steps=3)).fit(blocks, block_size=150)
        assert (many.n_shards_, many.n_patterns_, many.n_features_in_) == (4, 600, 8)
        assert many.beta_ == pytest.approx(ONE.beta_)
        assert_recalls_alike(many, ONE)
        assert_allclose(many.transform(CUES), ONE.transform(CUES))
        assert many.score(CUES) == pytest.approx(ONE.score(CUES))


def test_frames_with_targets_and_weights_by_name():
    frame = pd.DataFrame(PATTERNS, columns=list("abcdefgh")).assign(weight=1.0 + np.arange(600) % 3)
    frame[["u", "v", "w"]] = VALUES
    many = ShardedMemory(ModernHopfieldMemory(target="y")).fit(
        dd.from_pandas(frame, npartitions=3), ["u", "v", "w"], sample_weight="weight"
    )
    one = ModernHopfieldMemory(target="y").fit(frame[list("abcdefgh")], VALUES, frame["weight"])
    cues = pd.DataFrame(CUES, columns=list("abcdefgh"))
    assert_allclose(many.predict(cues), one.predict(cues))
    with pytest.raises(ValueError, match="feature names"):
        many.predict(cues.rename(columns={"a": "z"}))


@pytest.mark.parametrize("options", [{}, {"missing": "clamp", "n_recall_steps": 3}, {"target": "y"}], ids=str)
def test_kernel_memories_are_dealt_out(options, client):
    one = KernelMemory(**options).fit(PATTERNS, VALUES)
    many = ShardedMemory(KernelMemory(**options), client=client).fit(da.from_array(PATTERNS, chunks=(200, -1)), VALUES)
    assert (many.n_shards_, many.n_patterns_) == (2, 600)
    assert_recalls_alike(many, one, atol=1e-8)


def test_workers_of_one_process(client):
    many = ShardedMemory(ModernHopfieldMemory(n_recall_steps=3), client=client).fit(PATTERNS, block_size=90)
    assert_recalls_alike(many, ONE)


@pytest.mark.slow
def test_a_worker_that_dies_takes_no_pattern_with_it(cluster, tmp_path):
    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    recipes = [dask.delayed(lambda start: PATTERNS[start : start + 100])(start) for start in range(0, 600, 100)]
    many = ShardedMemory(ModernHopfieldMemory(n_recall_steps=3), client=cluster).fit(recipes)
    assert_recalls_alike(many, ONE)
    flag = tmp_path / "died"
    before = set(cluster.scheduler_info()["workers"])

    def once():
        if not flag.exists():
            flag.touch()
            die()

    cluster.submit(once, workers=[min(before)], allow_other_workers=True, pure=False).result()
    assert flag.exists()
    assert_recalls_alike(many, ONE)


@pytest.mark.parametrize(
    ("estimator", "blocks", "error", "words"),
    [
        (HebbianMemory(), PATTERNS, TypeError, "fit_blocks"),
        (KernelMemory(n_components=5), PATTERNS, ValueError, "nothing to shard"),
        (ModernHopfieldMemory(backend="torch"), PATTERNS, ValueError, "host memory"),
        (ModernHopfieldMemory(), [], ValueError, "no patterns"),
        (KernelMemory(), [PATTERNS[:0]], ValueError, "no patterns"),
        (ModernHopfieldMemory(), [PATTERNS, np.full((1, 8), np.inf)], ValueError, "infinity"),
        (ModernHopfieldMemory(), [PATTERNS, PATTERNS[:, 1:]], ValueError, "Block 1"),
    ],
)
def test_what_cannot_be_sharded_is_said_and_changes_nothing(estimator, blocks, error, words):
    memory = ShardedMemory(estimator)
    with pytest.raises(error, match=words):
        memory.fit(blocks)
    with pytest.raises(NotFittedError):
        memory.predict(CUES)


def test_what_lies_on_workers_is_not_pickled(client):
    memory = ShardedMemory(ModernHopfieldMemory())
    assert repr(memory) == "ShardedMemory(ModernHopfieldMemory())"
    assert repr(pickle.loads(pickle.dumps(memory))) == repr(memory)
    assert "client=<Client" in repr(ShardedMemory(ModernHopfieldMemory(), client=client))
    for kept in (memory.fit(PATTERNS), ShardedMemory(ModernHopfieldMemory(), client=client)):
        for copied in (pickle.dumps, copy.deepcopy):
            with pytest.raises(TypeError, match="cannot be pickled or copied"):
                copied(kept)


@pytest.mark.parametrize("estimator", [ModernHopfieldMemory(), KernelMemory()], ids=["softmax", "kernel"])
def test_a_loader_that_fails_names_its_block(estimator):
    def load(number):
        if number == 1:
            raise OSError("no such file")
        return PATTERNS[:10]

    with pytest.raises(OSError, match="no such file") as caught:
        ShardedMemory(estimator).fit([dask.delayed(load)(number) for number in range(3)])
    assert caught.value.__notes__ == ["in block 1 of ShardedMemory.fit"]

"""Answers to blocks: nothing before it is asked for, then what the estimator answers to all rows."""

import pickle

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal

from skamem import AssociativeImputer, DenseAMClassifier, HebbianMemory, InvariantProjection, ModernHopfieldMemory
from skamem.datasets import corrupt, make_patterns
from skamem.distributed import ShardedMemory, fit_blocks, predict_blocks

PATTERNS = make_patterns(5, 60, random_state=0)
CUES = corrupt(np.repeat(PATTERNS, 6, axis=0), "flip", 0.2, random_state=1)
MEMORY = HebbianMemory(random_state=0).fit(PATTERNS)
UNITS = [f"unit {unit}" for unit in range(60)]
FRAME = pd.DataFrame(CUES, columns=UNITS, index=np.arange(100, 130))
NAMED = HebbianMemory(random_state=0).fit(pd.DataFrame(PATTERNS, columns=UNITS))

RNG = np.random.default_rng(0)
POINTS = RNG.standard_normal((90, 3))
SIDES = np.array(["a", "bcd"])[1 * (POINTS[:, 0] > 0)]
CLASSIFIER = DenseAMClassifier(5, max_iter=20, random_state=0).fit(POINTS, SIDES)


def assert_as_promised(lazy, computed):
    """What was said of type and shape before is what comes."""
    assert lazy.dtype == computed.dtype
    assert len(lazy.shape) == computed.ndim
    assert all(said == found or np.isnan(said) for said, found in zip(lazy.shape, computed.shape))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("chunks", [(7, -1), (10, 13), (-1, -1)])
@pytest.mark.parametrize("method", ["predict", "transform", "field"])
def test_a_dask_array_is_answered_by_one(method, chunks, dtype):
    lazy = predict_blocks(MEMORY, da.from_array(CUES.astype(dtype), chunks=chunks), method)
    answers = getattr(MEMORY, method)(CUES.astype(dtype))
    assert_as_promised(lazy, answers)
    assert_array_equal(lazy.compute(), answers)
    assert_array_equal(lazy[8:12, 3].compute(), answers[8:12, 3])


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_answers_of_a_classifier(method):
    lazy = predict_blocks(CLASSIFIER, da.from_array(POINTS, chunks=(40, -1)), method)
    answers = getattr(CLASSIFIER, method)(POINTS)
    assert_as_promised(lazy, answers)
    assert_array_equal(lazy.compute(), answers)


def test_chunks_of_unknown_sizes_and_empty_ones():
    cues = dd.from_pandas(FRAME, npartitions=3)
    lazy = predict_blocks(MEMORY, cues[cues["unit 0"] > 5].to_dask_array())
    assert lazy.compute().shape == (0, 60)
    lazy = predict_blocks(MEMORY, cues.to_dask_array())
    assert_array_equal(lazy.compute(), MEMORY.predict(CUES))
    lazy = predict_blocks(MEMORY, cues.to_dask_array(), "energy")
    assert lazy.ndim == 1
    assert_array_equal(lazy.compute(), MEMORY.energy(CUES))


def test_a_dask_dataframe_keeps_index_divisions_and_names():
    cues = dd.from_pandas(FRAME, npartitions=3)
    lazy = predict_blocks(NAMED, cues)
    expected = pd.DataFrame(NAMED.predict(FRAME), index=FRAME.index, columns=UNITS)
    assert lazy.divisions == cues.divisions
    assert list(lazy.columns) == UNITS
    pd.testing.assert_frame_equal(lazy.compute(), expected)
    assert_array_equal(lazy.dtypes, expected.dtypes)
    some = predict_blocks(NAMED, cues[cues["unit 0"] > 0])
    pd.testing.assert_frame_equal(some.compute(), expected[FRAME["unit 0"] > 0])
    none = predict_blocks(NAMED, cues[cues["unit 0"] > 5])
    pd.testing.assert_frame_equal(none.compute(), expected[:0])


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_names_of_the_answers_of_a_classifier(method):
    frame = pd.DataFrame(POINTS, columns=list("xyz"))
    classifier = DenseAMClassifier(5, max_iter=20, random_state=0).fit(frame, SIDES)
    lazy = predict_blocks(classifier, dd.from_pandas(frame, npartitions=2), method)
    found = lazy.compute()
    assert_array_equal(found, getattr(classifier, method)(frame))
    if method == "predict":
        assert (lazy.name, found.name, lazy.dtype) == ("predict", "predict", found.dtype)
    else:
        assert list(lazy.columns) == list(found.columns) == ["a", "bcd"]


def test_names_where_the_estimator_has_none():
    pairs = HebbianMemory(target="y").fit(FRAME[:2], CUES[:2, :3])
    frame = dd.from_pandas(FRAME, npartitions=2)
    assert list(predict_blocks(pairs, frame).columns) == ["hebbianmemory0", "hebbianmemory1", "hebbianmemory2"]
    assert list(predict_blocks(NAMED, frame, "field").columns) == UNITS


def test_tables_of_mixed_columns_keep_their_types():
    table = pd.DataFrame({"height": [1.0, np.nan, 3.0, 2.0] * 5, "kind": pd.Categorical(["a", "b", None, "a"] * 5)})
    imputer = AssociativeImputer(random_state=0).set_output(transform="pandas").fit(table)
    lazy = predict_blocks(imputer, dd.from_pandas(table, npartitions=1), "transform")
    pd.testing.assert_frame_equal(lazy.compute(), imputer.transform(table))


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of Dask, by pandas
def test_a_filled_table_goes_to_parquet(tmp_path):
    table = pd.DataFrame({"height": [1.0, np.nan, 3.0, 2.0] * 5, "kind": ["a", "b", None, "a"] * 5})
    imputer = AssociativeImputer(random_state=0).set_output(transform="pandas").fit(table)
    lazy = predict_blocks(imputer, dd.from_pandas(table, npartitions=2), method="transform")
    lazy.to_parquet(str(tmp_path / "filled"))
    filled = dd.read_parquet(str(tmp_path / "filled")).compute()
    assert not filled.isna().any(axis=None)
    assert_array_equal(filled["kind"], imputer.transform(table)["kind"])


def test_pandas_output_of_scikit_learn_is_taken_as_it_is():
    frame = pd.DataFrame(POINTS, columns=list("xyz"))
    projection = InvariantProjection(1).set_output(transform="pandas").fit(frame, np.arange(90) % 9)
    lazy = predict_blocks(projection, dd.from_pandas(frame, npartitions=2), "transform")
    pd.testing.assert_frame_equal(lazy.compute(), projection.transform(frame))


def test_iterables_are_answered_one_by_one():
    asked = []

    def blocks():
        for start in range(0, 30, 10):
            asked.append(start)
            yield CUES[start : start + 10]

    answers = predict_blocks(MEMORY, blocks())
    assert asked == []
    assert_array_equal(next(answers), MEMORY.predict(CUES[:10]))
    assert asked == [0]
    assert_array_equal(np.concatenate(list(answers)), MEMORY.predict(CUES[10:]))
    told = next(predict_blocks(MEMORY, [(CUES, "labels")], "recall"))
    assert_array_equal(told.states, MEMORY.predict(CUES))


def test_tables_are_answered_block_by_block(tmp_path):
    np.save(tmp_path / "cues.npy", CUES)
    pairs = HebbianMemory(target="y").fit(PATTERNS, PATTERNS)
    for table, memory in (
        (CUES, MEMORY),
        (np.load(tmp_path / "cues.npy", mmap_mode="r"), MEMORY),
        (FRAME, NAMED),
        (scipy.sparse.csr_array(CUES), pairs),
    ):
        answers = list(predict_blocks(memory, table, block_size=7))
        assert [len(block) for block in answers] == [7, 7, 7, 7, 2]
        assert_array_equal(np.concatenate(answers), memory.predict(table))


def test_recipes_are_answered_by_recipes():
    recipes = [dask.delayed(lambda start: CUES[start : start + 10])(start) for start in range(0, 30, 10)]
    answers = list(predict_blocks(MEMORY, recipes))
    assert all(hasattr(answer, "compute") for answer in answers)
    assert_array_equal(np.concatenate(dask.compute(*answers)), MEMORY.predict(CUES))


@pytest.mark.parametrize(
    ("estimator", "method", "error", "words"),
    [
        (HebbianMemory(), "predict", Exception, "not fitted"),
        (MEMORY, "predict_proba", AttributeError, "predict_proba"),
        (ModernHopfieldMemory().fit(CUES), "recall", TypeError, "answered a Recall"),
    ],
)
def test_what_cannot_be_done_is_said(estimator, method, error, words):
    with pytest.raises(error, match=words):
        predict_blocks(estimator, da.from_array(CUES, chunks=(10, -1)), method)


@pytest.mark.parametrize(
    "method", ["fit", "partial_fit", "fit_transform", "merge", "forget", "set_params", "to", "__init__", "weights_", 3]
)
@pytest.mark.parametrize("blocks", [da.from_array(CUES, chunks=(10, -1)), [CUES], CUES], ids=["dask", "list", "array"])
def test_methods_that_change_the_estimator_are_refused(method, blocks):
    memory = HebbianMemory(random_state=0).fit(PATTERNS)
    before = pickle.dumps(memory)
    with pytest.raises((ValueError, TypeError, AttributeError), match="method"):
        predict_blocks(memory, blocks, method)
    assert pickle.dumps(memory) == before


def test_shards_are_asked_themselves():
    with pytest.raises(TypeError, match="Ask memory.predict"):
        predict_blocks(ShardedMemory(ModernHopfieldMemory()).fit([PATTERNS]), [CUES])


def test_meta_stands_for_the_question_about_ones():
    class NoOnes(HebbianMemory):
        def predict(self, X):
            if (X == 1).all():
                raise ValueError("no ones")
            return super().predict(X)

    cues = da.from_array(CUES, chunks=(10, -1))
    memory = NoOnes(random_state=0).fit(PATTERNS)
    with pytest.raises(ValueError, match="no ones") as caught:
        predict_blocks(memory, cues)
    assert "give meta" in caught.value.__notes__[0]
    assert_array_equal(predict_blocks(memory, cues, meta=np.empty((0, 60))).compute(), MEMORY.predict(CUES))


@pytest.mark.slow
def test_workers_answer(cluster):
    fitted = fit_blocks(InvariantProjection(1), POINTS, np.arange(90) % 9, client=cluster)
    lazy = predict_blocks(fitted, da.from_array(POINTS, chunks=(20, -1)), "transform")
    assert_array_equal(cluster.gather(cluster.compute(lazy)), fitted.transform(POINTS))

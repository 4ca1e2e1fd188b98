"""What is fitted depends on blocks and their order: not on where they come from, nor on the workers."""

import os
import signal
import time

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_info, threadpool_limits

from skamem import (
    DenseAMClassifier,
    HebbianMemory,
    HierarchicalVectorQuantizer,
    HolographicMemory,
    InvariantProjection,
    KernelMemory,
)
from skamem.distributed import fit_blocks
from skamem.exceptions import CapacityWarning
from tests._estimators import ESTIMATORS, small
from tests.distributed.conftest import two_workers

MERGING = [Estimator for Estimator in ESTIMATORS if callable(getattr(small(Estimator), "merge", None))]
STEPWISE = [
    Estimator for Estimator in ESTIMATORS if hasattr(small(Estimator), "partial_fit") and Estimator not in MERGING
]

RNG = np.random.default_rng(0)
X = RNG.standard_normal((600, 6)) + np.arange(600)[:, None] % 30 * [1.0, 0, 0, 0, 0, 0.5]
IDENTITY = np.arange(600) % 30
WEIGHT = RNG.integers(1, 4, 600).astype(float)
BLOCKS = [slice(start, start + 100) for start in range(0, 600, 100)]


def rows_of(Estimator):
    """Rows for an estimator: of two values, which any memory takes."""
    if Estimator is InvariantProjection:
        return X, IDENTITY
    patterns = np.where(RNG.random((120, 40)) < 0.5, -1.0, 1.0)
    patterns[:, 0] = np.where(np.arange(120) % 2, -1.0, 1.0)
    if Estimator.__name__ == "WillshawMemory":
        patterns = (RNG.random((120, 40)) < 0.1).astype(float)
    tags = small(Estimator).__sklearn_tags__()
    if not tags.target_tags.required:
        return patterns, None
    if tags.estimator_type == "classifier":
        return patterns, (patterns[:, 0] > 0).astype(int)
    return patterns, patterns[:, 0] if tags.target_tags.single_output else patterns[:, :3]


def fitted_arrays(estimator):
    return {
        name: np.asarray(value)
        for name, value in vars(estimator).items()
        if name.endswith("_") and name[0] != "_" and name != "order_seed_" and np.asarray(value).dtype.kind in "iufb"
    }


def assert_fitted_alike(one, other, rtol=0.0, atol=0.0):
    one, other = fitted_arrays(one), fitted_arrays(other)
    assert one.keys() == other.keys() != set()
    for name, value in one.items():
        assert_allclose(other[name], value, rtol=rtol, atol=atol, err_msg=name)


REFERENCE = InvariantProjection().fit(X, IDENTITY, WEIGHT)


REFERENCE_OF_BLOCKS = fit_blocks(InvariantProjection(), X, IDENTITY, block_size=100)


def cut(array):
    return [array[rows] for rows in BLOCKS]


def frame():
    return pd.DataFrame(X, columns=list("abcdef")).assign(identity=IDENTITY, weight=WEIGHT)


def generator():
    yield from zip(cut(X), cut(IDENTITY), cut(WEIGHT), strict=True)


def recipes():
    return [dask.delayed(lambda rows: (X[rows], IDENTITY[rows], WEIGHT[rows]))(rows) for rows in BLOCKS]


SOURCES = {
    "array": lambda: (X, IDENTITY, WEIGHT),
    "list of arrays": lambda: (cut(X), cut(IDENTITY), cut(WEIGHT)),
    "generator of triples": lambda: (generator(), None, None),
    "generator of rows": lambda: (iter(cut(X)), iter(cut(IDENTITY)), iter(cut(WEIGHT))),
    "recipes": lambda: (recipes(), None, None),
    "dask array": lambda: (da.from_array(X, chunks=(100, 4)), da.from_array(IDENTITY, chunks=70), WEIGHT),
    "dask array of unknown sizes": lambda: (
        dd.from_pandas(frame(), npartitions=6)[list("abcdef")].to_dask_array(),
        da.from_array(IDENTITY, chunks=100),
        da.from_array(WEIGHT, chunks=100),
    ),
    "frame": lambda: (frame(), "identity", "weight"),
    "list of frames": lambda: (cut(frame()), "identity", "weight"),
    "dask dataframe": lambda: (dd.from_pandas(frame(), npartitions=6), "identity", "weight"),
    "dask dataframe and series": lambda: (
        dd.from_pandas(frame()[list("abcdef")], npartitions=6),
        dd.from_pandas(frame()["identity"], npartitions=6),
        dd.from_pandas(frame()["weight"], npartitions=6),
    ),
}


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_gives_the_fit_to_all_rows(source):
    blocks, y, sample_weight = SOURCES[source]()
    fitted = fit_blocks(InvariantProjection(), blocks, y, sample_weight=sample_weight, block_size=100)
    assert fitted.n_samples_seen_ == REFERENCE.n_samples_seen_
    assert_fitted_alike(REFERENCE, fitted, atol=1e-10)
    if "frame" in source:
        assert_array_equal(fitted.feature_names_in_, list("abcdef"))


@pytest.mark.parametrize("rows", [slice(None), slice(7, None), slice(3, 590, 2)])
@pytest.mark.parametrize("kind", ["npy", "raw"])
def test_workers_open_the_file_of_a_memmap(tmp_path, kind, rows, monkeypatch):
    path = tmp_path / "rows"
    if kind == "npy":
        with path.open("wb") as file:
            np.save(file, X)
        mapped = np.load(path, mmap_mode="r")
    else:
        X.tofile(path)
        mapped = np.memmap(path, dtype=X.dtype, mode="r", shape=X.shape)
    sent = []
    monkeypatch.setattr(np.memmap, "__reduce__", lambda array: sent.append(array))
    fitted = fit_blocks(InvariantProjection(), mapped[rows, 1:], IDENTITY[rows], block_size=64)
    assert_fitted_alike(InvariantProjection().fit(X[rows, 1:], IDENTITY[rows]), fitted, atol=1e-10)
    assert not sent


def test_a_changed_copy_of_a_file_is_what_counts(tmp_path):
    X.tofile(tmp_path / "rows")
    mapped = np.memmap(tmp_path / "rows", dtype=X.dtype, mode="c", shape=X.shape)
    mapped *= 2.0
    fitted = fit_blocks(InvariantProjection(), mapped, IDENTITY, block_size=100)
    assert_fitted_alike(InvariantProjection().fit(2.0 * X, IDENTITY), fitted, atol=1e-10)


def test_labels_that_are_strings_are_no_names_of_columns():
    names = [f"thing {identity}" for identity in IDENTITY]
    fitted = fit_blocks(InvariantProjection(), X, names, block_size=100)
    assert_allclose(fitted.components_, InvariantProjection().fit(X, names).components_, atol=1e-10)
    fitted = fit_blocks(InvariantProjection(), da.from_array(X, chunks=(100, -1)), names)
    assert_allclose(fitted.components_, InvariantProjection().fit(X, names).components_, atol=1e-10)


def test_sparse_rows_and_pairs_of_patterns():
    patterns = np.where(RNG.random((60, 30)) < 0.5, 0.0, 1.0)
    memory = HebbianMemory(target="y", coding="binary", random_state=0)
    pairs = clone(memory).fit(patterns, patterns[:, :8])
    assert_fitted_alike(pairs, fit_blocks(memory, patterns, patterns[:, :8], block_size=30))
    assert_fitted_alike(pairs, fit_blocks(memory, scipy.sparse.coo_array(patterns), patterns[:, :8], block_size=30))


def test_blocks_without_rows_or_weight_are_left_out():
    weight = WEIGHT.copy()
    weight[100:200] = 0.0
    blocks = [(X[:0], IDENTITY[:0], weight[:0]), *zip(cut(X), cut(IDENTITY), cut(weight), strict=True)]
    fitted = fit_blocks(InvariantProjection(), blocks)
    assert_fitted_alike(InvariantProjection().fit(X, IDENTITY, weight), fitted, atol=1e-10)
    with pytest.raises(ValueError, match="no rows"):
        fit_blocks(InvariantProjection(), [(X[:0], IDENTITY[:0])])
    with pytest.raises(ValueError, match="no rows"):
        fit_blocks(InvariantProjection(), [])


@pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")
@pytest.mark.parametrize("Estimator", MERGING)
def test_what_merges_learns_in_blocks_what_it_learns_at_once(Estimator):
    rows, y = rows_of(Estimator)
    estimator = small(Estimator)
    fitted = fit_blocks(estimator, rows, y, block_size=25)
    whole = clone(estimator).partial_fit(rows, y) if hasattr(estimator, "partial_fit") else estimator.fit(rows, y)
    assert not any(name.endswith("_") for name in vars(estimator) if not name.startswith("_"))
    asks = "predict" if hasattr(whole, "predict") else "transform"
    answers = getattr(whole, asks)(rows)
    assert_allclose(getattr(fitted, asks)(rows), answers, atol=1e-8 * np.abs(answers).max())


@pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")
@pytest.mark.parametrize("Estimator", STEPWISE)
def test_what_does_not_merge_learns_block_after_block(Estimator):
    rows, y = rows_of(Estimator)
    estimator = small(Estimator)
    if not estimator.__sklearn_tags__().input_tags.two_d_array:
        pytest.skip("reads strings")
    options = {"classes": [0, 1]} if estimator.__sklearn_tags__().estimator_type == "classifier" else {}
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=0)
    fitted, whole = fit_blocks(estimator, rows, y, block_size=50, **options), clone(estimator)
    for start in range(0, len(rows), 50):
        block = slice(start, start + 50)
        whole.partial_fit(rows[block], None if y is None else y[block], **options)
    assert_fitted_alike(whole, fitted)


def test_estimators_of_scikit_learn_learn_block_after_block():
    labels = (X[:, 0] > 10).astype(int)
    fitted = fit_blocks(SGDClassifier(random_state=0), X, labels, block_size=100, classes=[0, 1])
    whole = SGDClassifier(random_state=0)
    for rows in BLOCKS:
        whole.partial_fit(X[rows], labels[rows], classes=[0, 1])
    assert_array_equal(fitted.coef_, whole.coef_)


def test_threads_of_the_blas_are_one_in_a_task():
    counts = []

    class Watching(InvariantProjection):
        def partial_fit(self, X, y=None, sample_weight=None):
            counts.extend(library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas")
            return super().partial_fit(X, y, sample_weight)

    with threadpool_limits(2):
        fit_blocks(Watching(), X, IDENTITY, block_size=100)
    assert set(counts) == {1}


# ------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("estimator", "blocks", "options", "error", "words"),
    [
        (KernelMemory(), X, {}, TypeError, "neither merge nor partial_fit"),
        (make_pipeline(InvariantProjection()), X, {"y": IDENTITY}, TypeError, "predict_blocks"),
        (3, X, {}, TypeError, "an int has neither"),
        (HebbianMemory(), "rows.npy", {}, TypeError, "mmap_mode"),
        (HebbianMemory(), 3, {}, TypeError, "iterable of blocks"),
        (HebbianMemory(), dask.delayed(X), {}, TypeError, "iterable of blocks"),
        (HebbianMemory(), {"a": X}, {}, TypeError, "iterable of blocks"),
        (InvariantProjection(), X, {"y": IDENTITY[:5]}, ValueError, "5 rows; expected 600"),
        (InvariantProjection(), X, {"y": da.from_array(IDENTITY)}, TypeError, "both"),
        (InvariantProjection(), da.from_array(X), {"y": IDENTITY[:5]}, ValueError, "5 rows; expected 600"),
        (InvariantProjection(), dd.from_pandas(frame(), npartitions=2), {"y": IDENTITY}, TypeError, "name of a column"),
        (InvariantProjection(), frame(), {"y": "who"}, ValueError, "lacks"),
        (InvariantProjection(), X, {"y": "who"}, TypeError, "expected a data frame"),
        (InvariantProjection(), cut(X), {"y": IDENTITY}, TypeError, "pairs"),
        (InvariantProjection(), cut(X), {"y": cut(IDENTITY)[:2]}, ValueError, "2 blocks; expected 6"),
        (InvariantProjection(), cut(X)[:2], {"y": cut(IDENTITY)}, ValueError, "6 blocks; expected 2"),
        (InvariantProjection(), cut(X), {"y": iter(cut(IDENTITY)[:2])}, ValueError, "y ended before block 2"),
        (InvariantProjection(), iter(cut(X)[:2]), {"y": iter(cut(IDENTITY))}, ValueError, "y goes on after the 2"),
        (
            InvariantProjection(),
            iter(cut(X)[:2]),
            {"y": iter(cut(IDENTITY)[:2]), "sample_weight": cut(WEIGHT)},
            ValueError,
            "sample_weight goes on after the 2 blocks",
        ),
        (InvariantProjection(), X, {"y": 0}, TypeError, "y=0 names columns"),
        (InvariantProjection(), cut(frame()), {"y": [0, 1, 2, 3, 4, 5]}, TypeError, "iterable of as many"),
        (InvariantProjection(), X, {"y": IDENTITY, "client": "tcp://host:1"}, TypeError, "client is a str"),
        (HolographicMemory(n_components=64), X, {"y": X}, ValueError, "random_state=None draws other"),
        (HolographicMemory(n_traces=2), X, {"y": X}, ValueError, "such as random_state=0"),
        (HolographicMemory(features=RBFSampler()), X, {"y": X}, ValueError, "features__random_state=None"),
        (InvariantProjection(), [(X, IDENTITY)], {"y": [IDENTITY]}, ValueError, "give it once"),
        (InvariantProjection(), [(X, IDENTITY, WEIGHT, WEIGHT)], {}, ValueError, "tuple of 4"),
        (InvariantProjection(), X, {"y": IDENTITY, "block_size": 0}, ValueError, "block_size"),
    ],
)
def test_what_cannot_be_done_is_said(estimator, blocks, options, error, words):
    with pytest.raises(error, match=words):
        fit_blocks(estimator, blocks, **options)


def test_an_error_names_its_block():
    bad = X.copy()
    bad[250, 0] = np.inf
    with pytest.raises(ValueError, match="infinity") as caught:
        fit_blocks(InvariantProjection(), bad, IDENTITY, block_size=100)
    assert caught.value.__notes__ == ["in block 2 of fit_blocks"]


def test_a_merge_that_fails_names_its_blocks():
    blocks = [(X[:100], IDENTITY[:100])] * 2 + [(X[:100, :4], IDENTITY[:100])] * 2
    with pytest.raises(ValueError, match="has 4 features; expected 6") as caught:
        fit_blocks(InvariantProjection(), blocks)
    assert caught.value.__notes__ == ["when blocks 0 to 1 and blocks 2 to 3 of fit_blocks were merged"]


@pytest.mark.parametrize("on_workers", [False, True])
def test_sources_that_fail_name_the_block(on_workers, request):
    somewhere = request.getfixturevalue("client") if on_workers else None

    def load(number):
        if number == 3:
            raise OSError("no such file")
        return X[BLOCKS[number]], IDENTITY[BLOCKS[number]]

    delayed = dask.delayed(load)
    with pytest.raises(OSError, match="no such file") as caught:
        fit_blocks(InvariantProjection(), [delayed(number) for number in range(6)], client=somewhere)
    assert caught.value.__notes__ == ["in block 3 of fit_blocks"]
    with pytest.raises(OSError, match="no such file") as caught:
        fit_blocks(InvariantProjection(), map(load, range(6)), client=somewhere)
    assert caught.value.__notes__ == ["in block 3, when it was read"]


def test_recipes_may_share_steps_and_lie_on_workers(client):
    loads = []
    whole = dask.delayed(lambda: loads.append(1) or (X, IDENTITY))()
    parts = [dask.delayed(lambda whole, rows: tuple(part[rows] for part in whole))(whole, rows) for rows in BLOCKS]
    assert_fitted_alike(REFERENCE_OF_BLOCKS, fit_blocks(InvariantProjection(), parts))
    assert loads == [1]
    there = client.scatter(X)
    parts = [
        (dask.delayed(lambda X, rows: X[rows])(there, rows), dask.delayed(IDENTITY[rows])) for rows in BLOCKS
    ]  # fmt: skip
    assert_fitted_alike(REFERENCE_OF_BLOCKS, fit_blocks(InvariantProjection(), parts, client=client))


def test_columns_may_be_named_by_numbers():
    table = pd.DataFrame(np.column_stack([IDENTITY, X]))
    fitted = fit_blocks(InvariantProjection(), table, 0, block_size=100)
    assert_fitted_alike(REFERENCE_OF_BLOCKS, fitted)
    fitted = fit_blocks(InvariantProjection(), dd.from_pandas(table, npartitions=6), 0, sample_weight=2)
    assert fitted.n_features_in_ == 6
    with pytest.raises(ValueError, match="lacks"):
        fit_blocks(InvariantProjection(), table, 9)


def test_a_parameter_called_merge_is_no_method():
    rows = X[:, :4]
    quantizer = small(HierarchicalVectorQuantizer)
    assert not callable(quantizer.merge)
    with pytest.raises(TypeError, match="neither merge nor partial_fit"):
        fit_blocks(quantizer, rows)


def test_warnings_come_to_the_caller_once(client):
    patterns = np.sign(np.random.default_rng(0).standard_normal((40, 50)))
    for somewhere in (None, client):
        with pytest.warns(CapacityWarning, match="stores 40 patterns") as caught:
            fit_blocks(HebbianMemory(coding="bipolar"), patterns, block_size=10, client=somewhere)
        assert [warning.filename for warning in caught] == [__file__]


# ------------------------------------------------------------------------------------------ two workers


def assert_workers_give_what_threads_give(client):
    expected = fit_blocks(InvariantProjection(), X, IDENTITY, block_size=50)
    of_data = fit_blocks(InvariantProjection(), X, IDENTITY, block_size=50, client=client)
    chunks = da.from_array(X, chunks=(50, -1))
    of_recipes = fit_blocks(InvariantProjection(), chunks, IDENTITY, client=client)
    assert_fitted_alike(expected, of_data)
    assert_fitted_alike(expected, of_recipes)

    patterns = np.sign(RNG.standard_normal((8, 200)))
    with client.as_current():
        memory = fit_blocks(HebbianMemory(check_stored=False), da.from_array(patterns, chunks=(2, -1)))
    assert_array_equal(memory.weights_, HebbianMemory(check_stored=False).fit(patterns).weights_)

    labels = IDENTITY % 2
    with pytest.warns(UserWarning, match="in sequence"):
        chained = fit_blocks(SGDClassifier(random_state=0), X, labels, block_size=300, client=client, classes=[0, 1])
    whole = SGDClassifier(random_state=0).partial_fit(X[:300], labels[:300], classes=[0, 1])
    assert_array_equal(chained.coef_, whole.partial_fit(X[300:], labels[300:]).coef_)


def test_workers_of_one_process_give_what_threads_give(client):
    assert_workers_give_what_threads_give(client)


@pytest.mark.slow
def test_two_processes_give_what_threads_give(cluster):
    assert_workers_give_what_threads_give(cluster)


def slow_recipes(delays):
    def load(rows, delay):
        time.sleep(delay)
        return X[rows], IDENTITY[rows]

    return [dask.delayed(load)(rows, delay) for rows, delay in zip(BLOCKS, delays)]


@pytest.mark.slow
def test_the_order_in_which_workers_end_changes_nothing(cluster):
    first = fit_blocks(InvariantProjection(), slow_recipes([0.5, 0, 0.2, 0, 0, 0.1]), client=cluster)
    second = fit_blocks(InvariantProjection(), slow_recipes([0, 0.1, 0, 0.3, 0.5, 0]), client=cluster)
    assert_fitted_alike(first, second)


@pytest.mark.slow
@pytest.mark.parametrize("source", ["recipes", "data"])
def test_a_worker_that_dies_half_way_changes_nothing(cluster, tmp_path, source):
    flag = str(tmp_path / "died")

    def load(rows):
        if rows.start == 400 and not os.path.exists(flag):
            time.sleep(0.5)  # others are learnt by now, by this worker, too
            with open(flag, "w"):
                os.kill(os.getpid(), signal.SIGKILL)
        return X[rows], IDENTITY[rows]

    class Dying(InvariantProjection):
        def partial_fit(self, X, y=None, sample_weight=None):
            if X[0, 0] == marked:
                load(slice(400, 500))
            return super().partial_fit(X, y, sample_weight)

    marked = X[400, 0]
    expected = fit_blocks(InvariantProjection(), X, IDENTITY, block_size=100)
    if source == "recipes":
        found = fit_blocks(InvariantProjection(), [dask.delayed(load)(rows) for rows in BLOCKS], client=cluster)
    else:
        found = fit_blocks(Dying(), zip(cut(X), cut(IDENTITY), strict=True), client=cluster)
    assert os.path.exists(flag)
    assert_fitted_alike(expected, found)


@pytest.mark.slow
def test_a_chain_survives_a_worker(cluster, tmp_path):
    flag = str(tmp_path / "died")

    def load(rows):
        if rows.start == 400 and not os.path.exists(flag):
            with open(flag, "w"):
                os.kill(os.getpid(), signal.SIGKILL)
        return X[rows], IDENTITY[rows] % 2

    model = DenseAMClassifier(5, max_iter=2, random_state=0)
    recipes = [dask.delayed(load)(rows) for rows in BLOCKS]
    with pytest.warns(UserWarning, match="in sequence"):
        found = fit_blocks(model, recipes, classes=[0, 1], client=cluster)
    assert os.path.exists(flag)
    assert_fitted_alike(fit_blocks(model, X, IDENTITY % 2, block_size=100, classes=[0, 1]), found)


@pytest.mark.slow
def test_threads_of_the_blas_on_workers_are_one(monkeypatch):
    def counts():
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    class Watching(InvariantProjection):
        def partial_fit(self, X, y=None, sample_weight=None):
            self.seen_ = counts() | getattr(self, "seen_", set())
            return super().partial_fit(X, y, sample_weight)

        def merge(self, other):
            self.seen_ = counts() | self.seen_ | other.seen_
            return super().merge(other)

    # Unasked Dask gives a process of its own one thread of the BLAS; here the user says two, and tasks still take one.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "2")
    with two_workers(n_workers=1, threads_per_worker=2) as client:
        assert all(found == {2} for found in client.run(_counts_of_numpy).values())
        fitted = fit_blocks(Watching(), X, IDENTITY, block_size=100, client=client)
        assert fitted.seen_ == {1}
        assert all(found == {2} for found in client.run(_counts_of_numpy).values())


def _counts_of_numpy():
    import numpy  # noqa: F401, ICN001  so that its BLAS is there
    from threadpoolctl import threadpool_info

    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


@pytest.mark.slow
def test_a_stream_is_not_held():
    held, most = set(), []

    class Rows(np.ndarray):
        def __array_finalize__(self, other):
            pass

    def stream():
        import gc
        import weakref

        for number in range(64):
            rows = X[:100].copy().view(Rows)
            held.add(number)
            weakref.finalize(rows, held.discard, number)
            most.append(len(held))
            if number % 8 == 0:
                gc.collect()
            yield rows, IDENTITY[:100]

    fitted = fit_blocks(InvariantProjection(), stream())
    assert fitted.n_samples_seen_ == 6400
    assert max(most) <= 32

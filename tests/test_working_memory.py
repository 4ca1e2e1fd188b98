"""What recall takes beyond its input and its answers follows scikit-learn's working memory, for every memory."""

import dataclasses
import functools
import inspect
import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from sklearn import config_context

from skamem import (
    BidirectionalMemory,
    DenseAMClassifier,
    DenseAMRegressor,
    DenseMemory,
    HebbianMemory,
    HierarchicalVectorQuantizer,
    HopfieldNetwork,
    KernelMemory,
    MemoryClassifier,
    ModernHopfieldMemory,
    PseudoinverseMemory,
    WillshawMemory,
)

from ._estimators import ESTIMATORS, small

pytestmark = pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")

RNG = np.random.default_rng(0)
BIPOLAR = np.sign(RNG.standard_normal((3000, 40)))
REAL = RNG.standard_normal((3000, 20))
HOLES = np.where(RNG.random(REAL.shape) < 0.2, np.nan, REAL)
SPARSE = (RNG.random((2000, 200)) < 0.05) * 1.0
WORKING_MEMORY = 8  # MiB


def peak(function):
    """Bytes that a call takes at most, beyond what there was."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


CASES = {
    "hebbian": (HebbianMemory(n_recall_steps=5), BIPOLAR, 3),
    "pseudoinverse": (PseudoinverseMemory(n_recall_steps=5), BIPOLAR, 3),
    "hopfield": (HopfieldNetwork(n_recall_steps=5, update="sync"), BIPOLAR, 3),
    "dense": (DenseMemory(degree=3, n_recall_steps=1), BIPOLAR[:600], 600),
    "dense, sync": (DenseMemory(degree=3, update="sync", n_recall_steps=2), BIPOLAR, 1000),
    "willshaw": (WillshawMemory(), SPARSE, 100),
    "bidirectional": (BidirectionalMemory(), BIPOLAR, 3),
    "modern": (ModernHopfieldMemory(), REAL, 3000),
    "modern, local": (ModernHopfieldMemory(similarity="local"), REAL, 3000),
    "modern, completion": (ModernHopfieldMemory(5.0, missing="clamp", n_recall_steps=2), HOLES[:1500], 1500),
    "kernel": (KernelMemory(n_recall_steps=2), REAL, 500),
    "kernel, completion": (KernelMemory(missing="clamp", n_components=100, random_state=0), HOLES, 500),
}


@pytest.mark.filterwarnings("ignore:KernelMemory completed:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("case", CASES)
def test_recall_stays_within_working_memory(case):
    memory, X, n_patterns = CASES[case]
    memory.fit(X[:n_patterns], X[:n_patterns])
    for name in ("predict", "field", "energy"):
        if not hasattr(memory, name) or (isinstance(memory, BidirectionalMemory) and name == "energy"):
            continue
        method = getattr(memory, name)
        with config_context(working_memory=WORKING_MEMORY):
            assert peak(lambda method=method: method(X)) < 1.3 * WORKING_MEMORY * 2**20 + 6 * X.nbytes, name


@pytest.mark.parametrize("memory", [HopfieldNetwork(update="sync"), HebbianMemory(), PseudoinverseMemory()])
def test_recall_does_not_copy_the_weights(memory):
    X = np.sign(RNG.standard_normal((8, 2500)))
    memory.fit(X)
    memory.predict(X)
    assert peak(lambda: memory.predict(X)) < 0.3 * memory.weights_.nbytes


@pytest.mark.parametrize("beta", ["separation", "held-out"])
@pytest.mark.parametrize("holes", [False, True])
def test_choosing_beta_stays_within_working_memory(beta, holes):
    X = RNG.standard_normal((20_000, 10))
    X = np.where(RNG.random(X.shape) < 0.1, np.nan, X) if holes else X
    with config_context(working_memory=WORKING_MEMORY):
        assert peak(lambda: ModernHopfieldMemory(beta).fit(X)) < 1.3 * WORKING_MEMORY * 2**20 + 6 * X.nbytes


def test_sparse_features_of_a_classifier_are_made_dense_once():
    X = scipy.sparse.random_array((500, 1200), density=0.01, format="csr", rng=np.random.default_rng(0))
    y = np.arange(500) % 3
    dense = 8 * X.shape[0] * X.shape[1]
    moments = 8 * X.shape[1] ** 2
    # The patterns, two singular factors and the solver's copy; then the moments, which partial_fit needs.
    assert peak(lambda: MemoryClassifier().fit(X, y)) < 4.2 * dense + 0.2 * moments
    assert peak(lambda: MemoryClassifier(HebbianMemory(binarize=None)).fit(X, y)) < 1.5 * dense


@pytest.mark.parametrize("method", ["transform", "quantize", "score"])
def test_coding_stays_within_working_memory(method):
    X = RNG.standard_normal((20_000, 30))
    quantizer = HierarchicalVectorQuantizer((16, 200), random_state=0).fit(X[:1000])
    with config_context(working_memory=WORKING_MEMORY):
        # Beside it what is given back, in blocks and joined.
        assert peak(lambda: getattr(quantizer, method)(X)) < 1.3 * WORKING_MEMORY * 2**20 + 2 * X.nbytes
    # That no bound stands in the way of the test: all rows at once would take more.
    assert 8 * 200 * len(X) > 1.3 * WORKING_MEMORY * 2**20 + 2 * X.nbytes


@pytest.fixture(scope="module")
def long_file(tmp_path_factory):
    """A float32 table of 80 MB in a file, rows of two classes that differ in ten features."""
    path = tmp_path_factory.mktemp("long") / "X.npy"
    X = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(80_000, 250))
    y = np.arange(len(X)) % 2
    for start in range(0, len(X), 10_000):
        X[start : start + 10_000] = RNG.standard_normal((10_000, 250))
        X[start : start + 10_000, :10] += y[start : start + 10_000, None]
    del X
    return path, y


@pytest.mark.slow
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("estimator", [DenseAMClassifier, DenseAMRegressor])
def test_dense_memories_learn_from_a_file_without_a_copy_of_it(estimator, weighted, early_stopping, long_file):
    path, y = long_file
    X = np.load(path, mmap_mode="r")
    weights = (np.arange(len(X)) % 5 > 0) * 1.0 if weighted else None
    settings = {"max_iter": 2, "early_stopping": early_stopping, "n_iter_no_change": 1, "tol": 1.0, "random_state": 0}
    model, twin = (estimator(20, **settings) for _ in range(2))
    # Index, keys and targets of the rows are there, and blocks of 16 MB.
    assert peak(lambda: model.fit(X, y, sample_weight=weights)) < 0.6 * X.nbytes
    assert peak(lambda: twin.fit(np.load(path), y, sample_weight=weights)) > 2 * X.nbytes
    for name in ("memories_", "intercept_", "recognition_", "offset_", "scale_", "loss_curve_"):
        np.testing.assert_array_equal(getattr(model, name), getattr(twin, name))
    assert peak(lambda: model.predict(X)) < 0.6 * X.nbytes


# ------------------------------------------------------------------------------- every estimator, as the guide tells

N_ROWS = 300, 3000
ANSWERS = ("predict", "transform", "recall", "field", "energy", "score", "decision_function", "predict_proba")
ANSWERS += ("predict_log_proba", "score_samples", "free_energy", "encode", "top_k", "quantize", "inverse_transform")
ANSWERS += ("predict_inverse", "reconstruct")
GUIDE = Path(__file__).parents[1] / "docs" / "user_guide" / "large.rst"


def documented():
    """Peaks that the guide's table names, of answers and of `score`, by estimator."""
    table = re.findall(r"   \* - :class:`~skamem.(\w+)`\n     - (.+)\n     - (.+)\n", GUIDE.read_text())
    return {name: [float("inf") if peak == "–" else float(peak) for peak in peaks] for name, *peaks in table}


def size_of(result):
    """Bytes of what a method gave: an array, a frame, or a dataclass of arrays."""
    if scipy.sparse.issparse(result):
        return result.data.nbytes + result.indices.nbytes + result.indptr.nbytes
    if dataclasses.is_dataclass(result):
        return sum(size_of(getattr(result, field.name)) for field in dataclasses.fields(result))
    return sum(map(size_of, result)) if isinstance(result, tuple) else getattr(result, "nbytes", 0)


def asked_by(estimator, method, n_rows, rows, labels):
    """Arguments of a method for so many rows like those of the fit; None where it does not ask about rows."""
    pick = np.random.default_rng(1).integers(0, len(rows), n_rows)
    X = np.where(np.random.default_rng(2).random((n_rows, rows.shape[1])) < 0.02, -rows[pick], rows[pick])
    if method == "inverse_transform":
        X = np.asarray(estimator.transform(X))
    if method == "predict_inverse":
        X = labels[pick]
    supervised = method == "score" and "y" in inspect.signature(estimator.score).parameters
    return (X, labels[pick]) if supervised else (X,)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("Estimator", [E for E in ESTIMATORS if E.__name__ != "FiniteStateMemory"])
def test_peaks_are_those_of_the_guide(Estimator):
    """What a call takes grows with its rows as the guide says: in units of the rows that go in and come out."""
    rows, labels = np.sign(np.random.default_rng(0).standard_normal((60, 40))), np.arange(60) % 3
    estimator = small(Estimator)
    if getattr(estimator, "target", "self") == "y":
        labels = rows[:, :5]
    elif not estimator.__sklearn_tags__().target_tags.single_output:
        labels = labels[:, None]
    estimator.fit(rows, labels)
    growths = {}
    for method in filter(lambda name: hasattr(estimator, name), ANSWERS):
        if (Estimator.__name__, method) == ("AssemblyMemory", "score"):  # asks all pairs of rows
            continue
        found = []
        for n_rows in N_ROWS:
            arguments = asked_by(estimator, method, n_rows, rows, labels)
            ask = functools.partial(getattr(estimator, method), *arguments)
            with config_context(working_memory=0.25):
                out = 0 if method == "score" else size_of(ask())  # first, for what is kept for the next time
                found.append((peak(ask), arguments[0].nbytes + out))
        growths[method] = (found[1][0] - found[0][0]) / (found[1][1] - found[0][1])
    answers, score = documented()[Estimator.__name__]
    over = {name: growth for name, growth in growths.items() if growth > (score if name == "score" else answers)}
    assert not over


def test_the_guide_has_all_estimators():
    assert documented().keys() == {Estimator.__name__ for Estimator in ESTIMATORS} - {"FiniteStateMemory"}

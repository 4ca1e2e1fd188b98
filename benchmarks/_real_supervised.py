"""Real cases of dense classifiers and regressors, and of what every estimator owes."""

import tracemalloc

import numpy as np
import scipy.sparse
from _real_cases import case, caught, refusal, timed
from sklearn import config_context
from sklearn.base import is_classifier, is_regressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import KFold
from threadpoolctl import threadpool_limits

import skamem
from skamem import (
    DenseAMClassifier,
    DenseAMRegressor,
    DenseMemory,
    HopfieldNetwork,
    IHTClassifier,
    IHTRegressor,
    IHTRegressorCV,
    MemoryClassifier,
    ModernHopfieldMemory,
    PseudoinverseMemory,
)


@case(25, "DenseAMRegressor: a constant target, one constant output of two", "the constant, exactly")
def constant_target():
    X = np.random.default_rng(0).standard_normal((60, 3))
    one = DenseAMRegressor(20, random_state=0).fit(X, np.full(60, 7.3)).predict(X)
    two = DenseAMRegressor(20, random_state=0).fit(X, np.c_[X[:, 0], np.full(60, 7.3)]).predict(X)[:, 1]
    error = float(max(np.abs(one - 7.3).max(), np.abs(two - 7.3).max()))
    return f"error {error:.1e}", error == 0


@case(25, "DenseAMRegressor: target 1e9 + 1e-3 x", "R² as for x")
def offset_target():
    x = np.random.default_rng(0).standard_normal((200, 1))
    targets = (x[:, 0], 1e9 + 1e-3 * x[:, 0])
    scores = [DenseAMRegressor(30, random_state=0).fit(x, y).score(x, y) for y in targets]
    return f"{scores[1]:.3f} ({scores[0]:.3f})", scores[1] >= scores[0] - 0.02


@case(
    25,
    "a class of one member with early stopping; classes=[2]; 0/1 columns as labels",
    "fits or names it; 'classes'; a remedy",
)
def bad_labels():
    X, y = load_iris(return_X_y=True)
    lonely = np.where(np.arange(150) == 7, 9, y)
    model = DenseAMClassifier(10, max_iter=3, early_stopping=True, random_state=0)
    message = refusal(lambda: model.fit(X, lonely))
    first = message is None or "9" in message
    second = "classes" in (refusal(lambda: DenseAMClassifier(10).partial_fit(X, y, classes=[2])) or "")
    columns = refusal(lambda: DenseAMClassifier(10).fit(X, np.eye(3, dtype=int)[y])) or ""
    third = "MultiOutputClassifier" in columns or "OneVsRest" in columns
    return f"{first}, {second}, {third}", first and second and third


@case(25, 'init="data", degree=10: predict_log_proba', "log of predict_proba where that is not 0")
def log_probabilities():
    X, y = load_iris(return_X_y=True)
    model = DenseAMClassifier(30, init="data", degree=10, max_iter=20, random_state=0).fit(X, y)
    proba, logs = model.predict_proba(X), model.predict_log_proba(X)
    wrong = int((np.abs(logs - np.log(np.where(proba > 0, proba, 1)))[proba > 0] > 1e-6).sum())
    return f"{wrong} differ", wrong == 0 and not np.isnan(logs).any()


@case(9, "rows of weight 0 against their absence: 7 estimators", "the same answers")
def zero_weight():
    X, y = load_diabetes(return_X_y=True)
    X, y = X[:80], y[:80]
    X_more = np.vstack([X, 50 * X[:20] + 3])
    weights = np.r_[np.ones(80), np.zeros(20)]
    differ = []
    for model in (
        IHTRegressor(),
        IHTRegressorCV(cv=KFold(4, shuffle=True, random_state=0)),
        IHTClassifier(),
        DenseAMClassifier(10, max_iter=3, random_state=0),
        DenseAMRegressor(10, max_iter=3, random_state=0),
        MemoryClassifier(),
        PseudoinverseMemory("y", binarize=None, activation="identity"),
    ):
        targets = y > 140 if is_classifier(model) else y if is_regressor(model) else y[:, None]
        more = np.concatenate([targets, targets[:20][::-1]])
        whole = model.fit(X, targets).predict(X)
        if isinstance(model, IHTRegressorCV):
            model.set_params(cv=[(part, rest) for part, rest in KFold(4, shuffle=True, random_state=0).split(X)])
        if not np.allclose(model.fit(X_more, more, sample_weight=weights).predict(X), whole, rtol=1e-6):
            differ.append(type(model).__name__)
    return f"differ: {differ}", not differ


def peak(call):
    """MB of the most that Python's allocators held during a call."""
    tracemalloc.start()
    call()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 2**20


@case(
    31,
    "peaks under working_memory=16: DenseMemory of 20000 patterns; HopfieldNetwork of 1500 units",
    "at most 60 MB; 1.3 copies of W",
)
def peaks_of_memories():
    rng = np.random.default_rng(0)
    stored = rng.choice([-1.0, 1.0], size=(20_000, 20))
    memory = DenseMemory(update="sync", n_recall_steps=1).fit(stored)
    network, _ = caught(lambda: HopfieldNetwork().fit(rng.choice([-1.0, 1.0], size=(5, 1500))))
    cues = rng.choice([-1.0, 1.0], size=(70, 1500))
    with config_context(working_memory=16):
        dense = peak(lambda: memory.predict(stored[:2000]))
        copies = peak(lambda: network.predict(cues)) / (1500**2 * 8 / 2**20)
    return f"{dense:.0f} MB; {copies:.2f} copies", dense <= 60 and copies <= 1.3


@case(
    31,
    "csr 2000 x 4000 with 1 %: DenseAMClassifier, MemoryClassifier under working_memory=16",
    "below the dense table's 61 MB",
)
def peaks_of_classifiers():
    X = scipy.sparse.random(2000, 4000, 0.01, format="csr", random_state=0)
    y = np.arange(2000) % 2
    with config_context(working_memory=16):
        dense = peak(lambda: DenseAMClassifier(10, max_iter=1, random_state=0).fit(X, y))
        memory = peak(lambda: MemoryClassifier(ModernHopfieldMemory(1.0)).fit(X, y))
    return f"{dense:.0f} MB, {memory:.0f} MB", max(dense, memory) <= 61


WRONG = ("foo", -1, 1.5, np.nan, np.inf, -np.inf, None, True, [], 1j, b"x", np.array([1.0, 2.0]))
SAID = ("ValueError", "TypeError")


def _fits_of_wrong_values():
    """(estimator, parameter, value, what happened) of every parameter and twelve values."""
    rng = np.random.default_rng(0)
    X = rng.choice([-1.0, 1.0], size=(20, 6))
    for name in skamem.__all__:
        Estimator = getattr(skamem, name)
        if not hasattr(Estimator, "get_params"):
            continue
        base = Estimator()
        quick = {"max_iter": 2, "n_memories": 5, "random_state": 0, "max_epochs": 5}
        quick = {key: value for key, value in quick.items() if key in base.get_params(deep=False)}
        y = np.arange(20) % 2 if not is_regressor(base) else rng.standard_normal(20)
        y = y if base.__sklearn_tags__().target_tags.single_output else X[:, :2]
        for parameter in base.get_params(deep=False):
            for value in WRONG:
                try:
                    caught(lambda: Estimator(**(quick | {parameter: value})).fit(X, y))  # noqa: B023
                    yield name, parameter, value, "taken"
                except Exception as error:
                    clear = type(error).__name__ in SAID and parameter in str(error)
                    yield name, parameter, value, "clear" if clear else type(error).__name__


@case(33, "every parameter of every estimator, 12 wrong values: errors that do not name it", "0")
def parameters():
    unclear, foo, total = [], [], 0
    for name, parameter, value, happened in _fits_of_wrong_values():
        total += 1
        if happened not in ("taken", "clear"):
            unclear.append(f"{name}.{parameter}={value!r}")
        if happened == "taken" and isinstance(value, str) and parameter != "random_state":
            foo.append(f"{name}.{parameter}")
    return f"{len(unclear)} of {total}, 'foo' taken {len(foo)} times {unclear[:1]}", not unclear and not foo


@case(33, "8-bit integers: batch_size=np.int8(100), n_nonzero_coefs, max_iter, n_memories", "as the plain number")
def small_integers():
    X, y = load_diabetes(return_X_y=True)
    failed = []
    for model, name, value in (
        (DenseAMRegressor(20, max_iter=2), "batch_size", 100),
        (DenseAMRegressor(20, max_iter=2), "max_iter", 3),
        (DenseAMRegressor(20, max_iter=2), "n_memories", 100),
        (IHTRegressor(), "n_nonzero_coefs", 5),
        (IHTRegressor(), "max_features", 5),
    ):
        if "random_state" in model.get_params():
            model.set_params(random_state=0)
        wanted = model.set_params(**{name: value}).fit(X, y).predict(X)
        try:
            same = np.array_equal(model.set_params(**{name: np.int8(value)}).fit(X, y).predict(X), wanted)
        except Exception:
            same = False
        failed += [] if same else [name]
    return f"failed: {failed}", not failed


@case(
    34,
    "float32 data with float64 weights of 1e-100; float32 rows on a float64 torch model",
    "as weights of 1; an answer",
)
def mixed_precision():
    X, y = load_iris(return_X_y=True)
    X32 = X.astype(np.float32)
    answers = []
    for model in (MemoryClassifier(), IHTClassifier(2), DenseAMClassifier(10, max_iter=3, random_state=0)):
        wanted = model.fit(X32, y).predict(X32)
        try:
            answers.append(
                bool(np.mean(model.fit(X32, y, sample_weight=np.full(150, 1e-100)).predict(X32) == wanted) > 0.99)
            )
        except ValueError:
            answers.append(True)
    on_torch = (MemoryClassifier(backend="torch"), IHTClassifier(2, backend="torch"))
    answers += [len(model.fit(X, y).predict(X32)) == 150 for model in on_torch]
    return str(answers), all(answers)


@case(
    35,
    "IHTClassifier(max_iter=1); early stopping that never stopped; a generator as cv, twice",
    "2 ConvergenceWarnings; two fits",
)
def convergence_warnings():
    X, y = load_iris(return_X_y=True)
    rng = np.random.default_rng(0)
    wide = rng.standard_normal((60, 200))
    said = [bool(caught(lambda: IHTClassifier(8, max_iter=1).fit(wide, np.arange(60) % 2))[1])]
    stopping = DenseAMClassifier(20, max_iter=2, early_stopping=True, n_iter_no_change=50, random_state=0)
    said.append(bool(caught(lambda: stopping.fit(X, y))[1]))
    model = IHTRegressorCV(cv=KFold(3).split(X))
    model.fit(X, X[:, 0])
    said.append(refusal(lambda: model.fit(X, X[:, 0])) is None)
    return str(said), all(said)


@case(36, "DenseAMClassifier, 150 rows, 100 memories: seconds with two threads over one", "at most 1.3")
def threads():
    X, y = load_iris(return_X_y=True)
    seconds = []
    for limit in (1, 2):
        with threadpool_limits(limit):
            seconds.append(timed(lambda: DenseAMClassifier(100, max_iter=100, random_state=0).fit(X, y), 3))
    return f"{seconds[1] / seconds[0]:.2f}", seconds[1] <= 1.3 * seconds[0]


@case(37, "hostile cases of tests/fuzz, 20 an estimator", "0 undocumented")
def hostile():
    from tests._estimators import ESTIMATORS
    from tests.fuzz._cases import draw_case, run

    outcomes = [run(draw_case(seed, Estimator)).word for Estimator in ESTIMATORS for seed in range(20)]
    return f"{outcomes.count('undocumented')} of {len(outcomes)}", outcomes.count("undocumented") == 0

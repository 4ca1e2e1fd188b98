"""Every warning names the caller's line: each call of `warn` in the package is provoked here."""

import ast
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import skamem
from skamem import (
    AssemblyMemory,
    AssociativeImputer,
    BoltzmannMachine,
    CompositionalRegressor,
    DenseAMClassifier,
    FiniteStateMemory,
    HebbianMemory,
    HopfieldNetwork,
    IHTClassifier,
    IHTRegressor,
    IHTRegressorCV,
    KernelMemory,
    LayerwiseRegressor,
    MagnitudePruning,
    MemoryClassifier,
    PseudoinverseMemory,
    RestrictedBoltzmannMachine,
    SequenceMemory,
    StabilitySelection,
    WillshawMemory,
)
from skamem.core.warn import collected_warnings, warn, warn_of_collected
from skamem.distributed import fit_blocks

PACKAGE = Path(skamem.__file__).parent
RNG = np.random.default_rng(0)
PATTERNS = np.where(RNG.standard_normal((30, 20)) > 0, 1.0, -1.0)
REAL = RNG.standard_normal((30, 20))
GAPS = np.where(RNG.uniform(size=REAL.shape) < 0.3, np.nan, REAL)
Y = RNG.standard_normal(30)
LABELS = np.arange(30) % 2
DENSE = {"n_memories": 10, "random_state": 0}


def diverging():
    with np.errstate(all="ignore"):
        DenseAMClassifier(**DENSE, learning_rate_init=1e30, max_iter=50, interaction="polynomial").fit(
            REAL.astype(np.float32), LABELS
        )


def couplings(n_units):
    """Of a spin glass: annealing finds few of its states."""
    weights = 20.0 * np.random.default_rng(1).standard_normal((n_units, n_units))
    return np.triu(weights, 1) + np.triu(weights, 1).T


def rough_partition():
    rbm = RestrictedBoltzmannMachine.from_parameters(couplings(30), np.zeros(30), np.zeros(30))
    rbm.log_partition(n_steps=1, n_chains=2)


def partly_nan(estimator, X, y):
    return np.nan if np.count_nonzero(estimator.coef_) == 1 else -1.0


def strangers():
    """A sequence of which nothing is stored."""
    return SequenceMemory().fit(PATTERNS[:10]).score(PATTERNS[10:20])


def nothing_to_prune():
    """A layerwise network whose units explain nothing keeps none."""
    linear = REAL[:, 0] + REAL[:, 1]
    MagnitudePruning(LayerwiseRegressor(1, n_units=5, random_state=0), n_rounds=1).fit(REAL, linear)


def idle_workers():
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0") as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        fit_blocks(SGDClassifier(), REAL, LABELS, block_size=20, client=client, classes=[0, 1])


CASES = {
    "the function": lambda: warn("so many"),
    "fit": lambda: HebbianMemory().fit(PATTERNS),
    "fit_transform": lambda: HebbianMemory().fit_transform(PATTERNS),
    "partial_fit": lambda: HebbianMemory().partial_fit(PATTERNS),
    "a pipeline": lambda: make_pipeline(HebbianMemory()).fit(PATTERNS),
    "a search": lambda: GridSearchCV(HebbianMemory(), {"update": ["sync"]}, cv=2, scoring=lambda *_: 0.0).fit(PATTERNS),
    "a rule": lambda: HopfieldNetwork("perceptron", max_epochs=1).fit(PATTERNS),
    "a dense net": lambda: WillshawMemory().fit(PATTERNS),
    "a series": lambda: PseudoinverseMemory(solver="neumann", n_layers=1).fit(PATTERNS[:5]),
    "a completion": lambda: KernelMemory(n_recall_steps=1, alpha=1e-6).fit(GAPS),
    "a divergence": diverging,
    "a watch": lambda: DenseAMClassifier(**DENSE, early_stopping=True, max_iter=2).fit(REAL, LABELS),
    "a column": lambda: MemoryClassifier().fit(REAL, LABELS[:, None]),
    "a solver": lambda: IHTRegressor(3, effort="plain", max_iter=1).fit(PATTERNS, Y),
    "a classifier": lambda: IHTClassifier(3, max_iter=1).fit(REAL, REAL[:, 0] + REAL[:, 1] + 0.3 * Y > 0),
    "a score": lambda: IHTRegressorCV(scoring=partly_nan, max_features=3).fit(REAL, Y),
    "dependent members": lambda: IHTRegressor(3, always_select=[0, 1]).fit(np.repeat(REAL, 2, axis=1), Y),
    "a range": lambda: RestrictedBoltzmannMachine(3, max_iter=1).fit(3.0 * PATTERNS),
    "a range of a network": lambda: BoltzmannMachine(max_iter=1).fit(3.0 * PATTERNS),
    "an estimate": rough_partition,
    "an estimate of a network": lambda: BoltzmannMachine.from_weights(couplings(25), np.zeros(25)).log_partition(),
    "a residual": lambda: IHTRegressor(max_residual=1e-9, max_features=1).fit(REAL, Y),
    "equal stimuli": lambda: AssemblyMemory(100, random_state=0).fit(1.0 + RNG.uniform(size=(3, 20))),
    "a long sequence": lambda: SequenceMemory(HebbianMemory()).fit(PATTERNS),
    "a pattern that comes again": lambda: SequenceMemory().fit(PATTERNS[[0, 1, 0, 2]]),
    "a threshold": lambda: SequenceMemory(HebbianMemory()).fit([[1.0, 2.0], [3.0, 4.0], [-1.0, 1.0]]),
    "sequences of others": strangers,
    "a machine": lambda: FiniteStateMemory(n_units=2).fit({(s, a): s ^ a for s in range(8) for a in range(8)}),
    "a column without entries": lambda: AssociativeImputer().fit(np.column_stack([REAL, np.full(30, np.nan)])),
    "a blank pattern": lambda: HebbianMemory().fit(np.vstack([PATTERNS[:3], np.full((1, 20), np.nan)])),
    "a composition": lambda: CompositionalRegressor(n_knots=2, n_restarts=1, max_iter=1).fit(REAL[:, :4], Y),
    "a sparsity": lambda: MagnitudePruning(LinearRegression(), sparsity=0.99, n_rounds=1).fit(REAL, Y),
    "nothing to prune": nothing_to_prune,
    "a worker": lambda: fit_blocks(HebbianMemory(coding="bipolar"), PATTERNS, block_size=10),
    "idle workers": idle_workers,
    "a bound": lambda: StabilitySelection(n_select=5, max_false=1e-4, n_pairs=4, random_state=0).fit(REAL, Y),
}


def given_by(case):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        CASES[case]()
    return caught


@pytest.mark.parametrize("case", CASES)
def test_the_caller_is_named(case):
    caught = given_by(case)
    assert caught
    assert {warning.filename for warning in caught} == {__file__}


def calls_of_warn():
    """Where the package warns: (module, what the message says for sure)."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "warn":
                constants = [part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant)]
                texts = [text for text in constants if isinstance(text, str)]
                yield pytest.param(max(texts, key=len), id=f"{path.relative_to(PACKAGE)}:{node.lineno}")


def test_the_package_warns_through_one_function():
    for path in PACKAGE.rglob("*.py"):
        if path != PACKAGE / "core" / "warn.py":
            calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
            assert not {ast.unparse(call) for call in calls} & {"warnings.warn", "warnings.warn_explicit"}, path


@pytest.fixture(scope="module")
def messages():
    return [str(warning.message) for case in CASES for warning in given_by(case)]


@pytest.mark.parametrize("text", [*calls_of_warn()])
def test_every_call_of_warn_is_provoked(text, messages):
    # A message that is made elsewhere has little text of its own here: its class and parameter are enough.
    assert any(text in message for message in messages)


def test_warnings_are_kept_by_class_in_the_thread_that_asks():
    with collected_warnings() as kept:
        warn("one")
        warn("slow", RuntimeWarning)
        with ThreadPoolExecutor() as pool, pytest.warns(UserWarning, match="elsewhere"):
            pool.submit(warn, "elsewhere").result()
        warn("two")
        with collected_warnings() as inner:
            warn("inner")
        warn_of_collected(inner)
    assert kept == {UserWarning: "inner", RuntimeWarning: "slow"}
    with pytest.warns(UserWarning, match="inner") as caught, pytest.warns(RuntimeWarning, match="slow"):
        warn_of_collected(kept)
    assert caught[0].filename == __file__

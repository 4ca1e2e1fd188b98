"""scikit-learn's own checks, on every public estimator, in default and in other settings."""

import inspect
import re
import unittest

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier
from sklearn.utils import estimator_html_repr
from sklearn.utils.estimator_checks import check_array_api_input_and_values, parametrize_with_checks

import skamem
from skamem import (
    AssemblyMemory,
    BidirectionalMemory,
    BipolarEncoder,
    CompositionalRegressor,
    DenseAMClassifier,
    DenseAMRegressor,
    DenseMemory,
    HebbianMemory,
    HopfieldNetwork,
    IHTRegressor,
    KernelMemory,
    LayerwiseRegressor,
    MagnitudePruning,
    MemoryClassifier,
    ModernHopfieldMemory,
    PseudoinverseMemory,
    RestrictedBoltzmannMachine,
    WillshawMemory,
)

from ._estimators import CHECKED, ESTIMATORS, answer, small, targets
from ._places import dispatched, skip_unless_required
from ._settings import MORE_SETTINGS, expected_failures
from .fuzz._grammar import values_of

pytestmark = [
    pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning"),  # the checks store hundreds of patterns
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

# A new estimator is checked with its defaults by being in skamem.__all__.
# Deep belief nets have one small layer here, areas few neurons, compositions few knots, and what is pruned is small:
# with their defaults these checks would take ten minutes.
QUICKER = {
    MagnitudePruning: {"estimator": DenseAMClassifier(20, max_iter=60), "n_rounds": 2, "sparsity": 0.5},
    AssemblyMemory: {"n_neurons": 200, "n_rounds": 6},
    CompositionalRegressor: {"n_restarts": 1, "n_knots": 2, "max_iter": 20},
}
DEFAULTS = [
    Estimator((20,), rbm=RestrictedBoltzmannMachine(max_iter=20))
    if hasattr(Estimator(), "layers")
    else Estimator(**QUICKER.get(Estimator, {}))
    for Estimator in ESTIMATORS
]
TAKE_LONG = [estimator for estimator in DEFAULTS if isinstance(estimator, DenseAMClassifier | DenseAMRegressor)]
SETTINGS = [
    HebbianMemory("y"),
    HebbianMemory("y", activation="step"),
    HebbianMemory(update="async", zero_diagonal=True, n_recall_steps=3),
    HebbianMemory(activation="identity", binarize=None),
    HebbianMemory(activation="step", coding="bipolar"),
    HebbianMemory(missing="clamp", coding="binary"),
    HebbianMemory(backend="torch"),
    PseudoinverseMemory("y"),
    PseudoinverseMemory("y", activation="identity", binarize=None),
    PseudoinverseMemory(solver="cholesky", alpha=0.1),
    PseudoinverseMemory(solver="neumann", n_layers=20),
    PseudoinverseMemory(solver="neumann", n_layers=5, hyperpower=True, update="async"),
    PseudoinverseMemory(activation="identity"),
    HopfieldNetwork("storkey"),
    HopfieldNetwork("pseudoinverse", fit_intercept=True, update="sync"),
    HopfieldNetwork("perceptron", max_epochs=20, missing="clamp"),
    DenseMemory(degree=2, update="sync"),
    DenseMemory("exponential", missing="clamp"),
    DenseMemory("rectified_polynomial", degree=2.5, target="y"),
    WillshawMemory(target="y"),
    WillshawMemory("winners", storage="sparse"),
    WillshawMemory(2, storage="packed", missing="clamp", n_recall_steps=3),
    WillshawMemory(storage="dense"),
    BidirectionalMemory(missing="clamp", coding="binary"),
    BipolarEncoder("median", output="binary"),
    BipolarEncoder("thermometer"),
    BipolarEncoder("hyperplanes", n_components=20, random_state=0),
    MemoryClassifier(HebbianMemory()),
    MemoryClassifier(PseudoinverseMemory()),
    MemoryClassifier(PseudoinverseMemory(solver="cholesky", alpha=1.0, binarize=None), fit_intercept=False),
    MemoryClassifier(backend="torch"),
    DenseAMClassifier(n_memories=20, max_iter=50),
    DenseAMClassifier(readout="exact", n_memories=20, max_iter=50),
    DenseAMRegressor(n_memories=40, max_iter=100),
    IHTRegressor(2),
    ModernHopfieldMemory(1.0, similarity="dot", n_recall_steps=3),
    ModernHopfieldMemory(missing="clamp", similarity="local", n_recall_steps=2, add_indicator=True),
    ModernHopfieldMemory("held-out", target="y", similarity="local"),
    ModernHopfieldMemory(missing="clamp", keep_empty_features=True, max_distance=10.0, backend="torch"),
    KernelMemory("ntk", target="y"),
    KernelMemory("laplacian", missing="clamp", add_indicator=True),
    KernelMemory(n_components=500, missing="clamp"),
    MemoryClassifier(KernelMemory()),
    MemoryClassifier(ModernHopfieldMemory()),
    MagnitudePruning(LogisticRegression(max_iter=1000), sparsity=0.2),
    MagnitudePruning(Ridge(solver="svd"), sparsity=0.5, scope="layer"),
    MagnitudePruning(MLPClassifier((20,), max_iter=60), sparsity=0.3, n_rounds=1, scope="layer", rewind_to=0.1),
    MagnitudePruning(
        LayerwiseRegressor(2, n_units=10, max_epochs=5, alpha=0.1, early_stopping=False), sparsity=0.5, n_rounds=1
    ),
]

# Of no concern to the checks: what is printed, threads, and what depends on the data. A search for a graph fits dozens
# of compositions, which would take the checks a quarter of an hour.
OTHER_PARAMETERS = {"verbose", "n_jobs", "class_weight", "warm_start", "graph"}


@pytest.mark.slow
@parametrize_with_checks(TAKE_LONG)
def test_scikit_learn_check_that_takes_long(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(MORE_SETTINGS, expected_failed_checks=expected_failures, xfail_strict=False)
def test_scikit_learn_check_in_more_settings(estimator, check):
    if getattr(estimator, "backend", None) == "torch":
        pytest.importorskip("torch")
    check(estimator)


@parametrize_with_checks(
    [*(one for one in DEFAULTS if type(one) in CHECKED and one not in TAKE_LONG), *SETTINGS],
    expected_failed_checks=expected_failures,
    xfail_strict=False,
)
def test_scikit_learn_check(estimator, check):
    if getattr(estimator, "backend", None) == "torch":
        pytest.importorskip("torch")
    check(estimator)


def test_no_estimator_is_missed():
    names = {name for name in skamem.__all__ if isinstance(getattr(skamem, name), type)}
    assert {type(estimator).__name__ for estimator in DEFAULTS} == names
    assert {type(estimator).__name__ for estimator in SETTINGS} <= names


@pytest.mark.parametrize("Estimator", CHECKED)
def test_every_option_comes_twice(Estimator):
    settings = [one.get_params(deep=False) for one in [*DEFAULTS, *SETTINGS, *MORE_SETTINGS] if type(one) is Estimator]
    seldom = []
    for name in Estimator().get_params(deep=False).keys() - OTHER_PARAMETERS:
        options = [value for value in values_of(Estimator, name)[0] if value is None or isinstance(value, str | bool)]
        for option in options if len(options) > 1 else ():
            times = sum(type(given[name]) is type(option) and given[name] == option for given in settings)
            seldom += [f"{name}={option!r} ({times})"] if times < 2 else []
    assert not seldom


@pytest.mark.parametrize("library", ["array_api_strict", "torch"])
def test_scikit_learns_array_api_checks_are_not_skipped(library):
    with dispatched():  # skips, or fails where SKAMEM_REQUIRE_ARRAY_API is set
        try:
            check_array_api_input_and_values("HebbianMemory", HebbianMemory(), array_namespace=library)
        except unittest.SkipTest as reason:
            skip_unless_required(str(reason))


@pytest.mark.parametrize("estimator", DEFAULTS, ids=lambda estimator: type(estimator).__name__)
def test_the_html_links_to_the_reference(estimator):
    assert f"/api/skamem.{type(estimator).__name__}.html" in estimator_html_repr(estimator)


@pytest.mark.parametrize("estimator", DEFAULTS, ids=lambda estimator: type(estimator).__name__)
def test_only_the_first_parameter_is_positional(estimator):
    names = list(estimator.get_params(deep=False))
    with pytest.raises(TypeError, match="positional argument"):
        type(estimator)(*[None] * len(names))


@pytest.mark.parametrize("estimator", DEFAULTS, ids=lambda estimator: type(estimator).__name__)
def test_a_refit_forgets_the_fit_before(estimator):
    rng = np.random.default_rng(0)
    X, y = rng.choice([-1.0, 1.0], size=(40, 12)), targets(type(estimator), np.arange(40) % 2)
    estimator = small(type(estimator))
    twice = clone(estimator).fit(X[20:, :9], y[20:]).fit(X, y)
    np.testing.assert_array_equal(answer(twice, X), answer(clone(estimator).fit(X, y), X))


OTHER = {"early_stopping": True, "fit_intercept": True, "method": "hyperplanes", "storage": "packed", "n_components": 3}
OTHER |= {
    "solver": "cholesky",
    "target": "y",
    "add_indicator": True,
    "missing": "clamp",
    "effort": "fast",
}


def settings(estimator):
    """Every parameter's other options, one at a time: together they set all attributes that there are."""
    names = estimator.get_params().keys()
    for name in OTHER.keys() & names:
        yield {name: OTHER[name]}
    for name in sorted(names & type(estimator)._kinds.keys() - {"backend"}):
        kind = type(estimator)._kinds[name]
        for part in getattr(kind, "kinds", [kind]):
            yield from ({name: option} for option in getattr(part, "options", ()))


@pytest.mark.parametrize("estimator", DEFAULTS, ids=lambda estimator: type(estimator).__name__)
def test_no_attribute_outlives_the_fit_that_set_it(estimator):
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    X, labels = rng.choice([-1.0, 1.0], size=(40, 12)), np.arange(40) % 2
    X[3, 4:] = X[5, :2] = np.nan if estimator.__sklearn_tags__().input_tags.allow_nan else 1.0
    frame, y = pd.DataFrame(X).add_prefix("unit"), targets(type(estimator), labels)
    known = np.nan_to_num(X)
    fresh = set(vars(small(type(estimator)).fit(known, y)))
    n_settings = 0
    for options in settings(estimator):
        try:
            rich = (
                small(type(estimator)).set_params(**options).fit(frame, X[:, :2] if options.get("target") == "y" else y)
            )
        except ValueError:  # these options ask for others, or for other data
            continue
        n_settings += 1
        assert set(vars(rich.set_params(**small(type(estimator)).get_params()).fit(known, y))) == fresh, options
    assert n_settings or not list(settings(estimator))


@pytest.mark.parametrize("Estimator", [IHTRegressor, DenseAMClassifier, DenseAMRegressor])
def test_a_warm_start_keeps_where_it_starts_from_and_nothing_else(Estimator):
    pd = pytest.importorskip("pandas")
    X, y = pd.DataFrame(np.random.default_rng(0).standard_normal((40, 12))).add_prefix("unit"), np.arange(40) % 2
    rich = small(Estimator).set_params(warm_start=True)
    if "early_stopping" in rich.get_params():
        rich.set_params(early_stopping=True)
    rich.fit(X, y).set_params(**small(Estimator).get_params() | {"warm_start": True})
    assert set(vars(rich.fit(X.to_numpy(), y))) == set(vars(small(Estimator).fit(X.to_numpy(), y)))


def documented_attributes(Estimator):
    """Names in the section Attributes of a numpydoc docstring."""
    section = re.search(
        r"^Attributes\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)", inspect.getdoc(Estimator), re.MULTILINE | re.DOTALL
    )
    return {name for line in re.findall(r"^([\w, ]+) :", section[1], re.MULTILINE) for name in line.split(", ")}


@pytest.mark.parametrize("estimator", DEFAULTS + SETTINGS, ids=repr)
def test_every_fitted_attribute_is_documented(estimator):
    if (estimator.get_params().get("backend") or "").startswith("torch"):
        pytest.importorskip("torch")
    Estimator, rng = type(estimator), np.random.default_rng(0)
    X, y = rng.choice([-1.0, 1.0], size=(40, 12)), np.arange(40) % 2
    if getattr(estimator, "target", None) == "y" or not estimator.__sklearn_tags__().target_tags.single_output:
        y = y[:, None] * 2.0 - 1.0
    short = {name: 3 for name in ("max_iter", "n_memories") if hasattr(estimator, name)}
    fitted = clone(estimator).set_params(**short).fit(X, y)
    there = {name for name in dir(fitted) if re.fullmatch(r"[a-z]\w*[a-z0-9]_", name) and hasattr(fitted, name)}
    documented = documented_attributes(Estimator)
    assert {"n_features_in_", "feature_names_in_"} <= documented or Estimator not in CHECKED
    assert there <= documented


@pytest.mark.parametrize("estimator", DEFAULTS, ids=lambda estimator: type(estimator).__name__)
def test_fitted_attributes_are_there_once_fitted(estimator):
    assert not [name for name in dir(estimator) if name.endswith("_") and name[0] != "_" and hasattr(estimator, name)]


@pytest.mark.parametrize("Estimator", CHECKED)
def test_columns_of_text_are_named_in_fit_and_after_it(Estimator):
    pd = pytest.importorskip("pandas")
    estimator = small(Estimator)
    if estimator.__sklearn_tags__().input_tags.categorical:
        pytest.skip("takes text")
    X = pd.DataFrame(np.random.default_rng(0).choice([0.0, 1.0], size=(40, 12)), columns=list("abcdefghijkl"))
    words, y = X.assign(colour="red").drop(columns="l"), targets(Estimator, np.arange(40) % 2)
    with pytest.raises(ValueError, match=r"^Feature 'colour' of X: could not convert string to float: 'red'; exp"):
        estimator.fit(words, y)
    answer(estimator.fit(X.to_numpy(), y), X.to_numpy())
    rows = X.to_numpy().astype(object)
    rows[3, 2] = "red"
    if hasattr(estimator, "get_support"):
        return  # it picks columns, whatever they hold
    with pytest.raises(
        ValueError, match=r"^Feature 2 of X: could not convert string to float: 'red'; expected numbers"
    ):
        answer(estimator, rows)


NUMBERS = {"alpha": 0.1, "power": 2.0, "learning_rate_init": 0.01, "weight_decay": 0.1, "noise": 0.1, "momentum": 0.5}


@pytest.mark.parametrize("scalar", [np.float64, np.float32])
@pytest.mark.parametrize("backend", [None, "torch"])
@pytest.mark.parametrize(
    "estimator",
    [
        PseudoinverseMemory("y"),
        PseudoinverseMemory("y", solver="cholesky"),
        PseudoinverseMemory("y", solver="neumann", step=1e-3),
        DenseAMClassifier(degree=np.int64(3), temperature=2.0, n_memories=10, max_iter=2),
        DenseAMClassifier(degree=np.float64(3), temperature=2.0, n_memories=10, max_iter=2, readout="exact"),
        DenseAMClassifier(degree=np.int64(2), temperature=2.0, n_memories=10, max_iter=2, solver="paper"),
        IHTRegressor(np.int64(2)),
    ],
)
def test_numbers_of_a_grid_of_arrays_leave_float32_alone(estimator, backend, scalar):
    if backend:
        pytest.importorskip(backend)
    X = np.random.default_rng(0).standard_normal((30, 6)).astype(np.float32)
    y = np.arange(30) % 2
    y = y[:, None] if getattr(estimator, "target", "") == "y" else y
    given = estimator.get_params() | NUMBERS
    numbers = {name: scalar(given[name]) for name in estimator.get_params() if isinstance(given[name], float)}
    assert numbers
    fitted = clone(estimator).set_params(backend=backend, **numbers).fit(X, y)
    assert str(getattr(fitted, fitted._anchor).dtype).endswith("float32")
    predicted = getattr(fitted, "decision_function", fitted.predict)(X)
    assert predicted.dtype == np.float32

"""PseudoinverseMemory: the laws of the projection."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from skamem import HebbianMemory, HopfieldNetwork, PseudoinverseMemory
from skamem.core.least_squares import SOLVERS
from skamem.datasets import corrupt, load_letters, make_patterns
from skamem.exceptions import CapacityWarning

SETTINGS = {
    "svd": {},
    "cholesky": {"solver": "cholesky"},
    "neumann": {"solver": "neumann", "n_layers": 2000},
    "hyperpower": {"solver": "neumann", "n_layers": 12, "hyperpower": True},
}


def test_every_solver_is_tested():
    assert {options.get("solver", "svd") for options in SETTINGS.values()} == set(SOLVERS)


# -------------------------------------------------------------------------------------------------- the weights


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("target", ["self", "y"])
@pytest.mark.parametrize("alpha", [0.0, 2.0])
def test_weights_are_the_least_squares_solution(setting, target, alpha):
    X, Y = make_patterns(12, 40, random_state=0), make_patterns(12, 5, random_state=1)
    truth = X if target == "self" else Y
    memory = PseudoinverseMemory(target, alpha=alpha, **SETTINGS[setting]).fit(X, Y)
    expected = np.linalg.lstsq(X.T @ X + alpha * np.eye(40), X.T @ truth)[0]
    np.testing.assert_allclose(memory.weights_, expected, atol=1e-9)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("target", ["self", "y"])
def test_storing_in_pieces_is_storing_at_once(setting, target):
    X, Y = make_patterns(12, 40, random_state=0), make_patterns(12, 5, random_state=1)
    weight = np.random.default_rng(0).uniform(0.5, 2.0, 12)
    options = SETTINGS[setting] | ({"n_layers": 4000} if setting == "neumann" else {})
    whole = PseudoinverseMemory(target, random_state=0, **options).fit(X, Y, weight)
    pieces = PseudoinverseMemory(target, random_state=0, **options)
    for rows in (slice(0, 1), slice(1, 5), slice(5, 12)):
        assert pieces.partial_fit(X[rows], Y[rows], weight[rows]) is pieces
    assert vars(whole).keys() == vars(pieces).keys()
    for name in ("weights_", "gram_", "pattern_sum_", "n_patterns_", "total_weight_", "order_seed_"):
        np.testing.assert_allclose(getattr(pieces, name), getattr(whole, name), atol=1e-9)
    assert (whole.cross_ is None) == (pieces.cross_ is None) == (target == "self")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_pieces_keep_the_dtype(dtype):
    X = make_patterns(12, 40, random_state=0).astype(dtype)
    memory = PseudoinverseMemory().fit(X[:6]).partial_fit(X[6:])
    assert memory.weights_.dtype == memory.gram_.dtype == dtype
    np.testing.assert_allclose(X @ memory.weights_, X, atol=1e-3 if dtype == "float32" else 1e-9)


@pytest.mark.parametrize("setting", SETTINGS)
def test_independent_patterns_are_stored_whatever_their_weights(setting):
    X, Y = make_patterns(12, 40, random_state=0), make_patterns(12, 5, random_state=1)
    weight = np.random.default_rng(0).uniform(0.5, 2.0, 12)
    options = SETTINGS[setting] | ({"n_layers": 4000} if setting == "neumann" else {})
    memory = PseudoinverseMemory("y", **options).fit(X, Y, weight)
    np.testing.assert_allclose(memory.field(X), Y, atol=1e-8)


@pytest.mark.parametrize("join", ["partial_fit", "merge"])
@pytest.mark.parametrize("target", ["self", "y"])
def test_parts_have_the_digits_of_one_fit_far_from_zero(target, join):
    """Sums of squares would have half of them, and take columns that differ by a millionth for equal."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 5)) + 1e6
    X, Y = np.c_[X, np.ones(60)], X @ rng.standard_normal((5, 2))
    memory = PseudoinverseMemory(target, binarize=None, activation="identity")
    whole, pieces = clone(memory).fit(X, Y), clone(memory)
    for rows in np.array_split(np.arange(60), 4):
        if join == "merge":
            pieces.merge(clone(memory).fit(X[rows], Y[rows]))
        else:
            pieces.partial_fit(X[rows], Y[rows])
    truth = X if target == "self" else Y
    np.testing.assert_allclose(whole.field(X), truth, rtol=1e-8)
    np.testing.assert_allclose(pieces.field(X), truth, rtol=1e-8)


def test_a_weight_of_k_stores_a_pattern_k_times():
    X, Y = np.random.default_rng(0).standard_normal((30, 6)), make_patterns(30, 2, random_state=1)
    counts = np.random.default_rng(1).integers(0, 4, 30)
    options = {"binarize": None, "alpha": 0.5}
    weighted = PseudoinverseMemory("y", **options).fit(X, Y, counts)
    repeated = PseudoinverseMemory("y", **options).fit(np.repeat(X, counts, axis=0), np.repeat(Y, counts, axis=0))
    np.testing.assert_allclose(weighted.weights_, repeated.weights_, rtol=1e-9)
    assert not np.allclose(weighted.weights_, PseudoinverseMemory("y", **options).fit(X, Y).weights_)


@pytest.mark.parametrize("hyperpower", [False, True])
@pytest.mark.parametrize("unit", [1.0, 1e-4, 1e-8, 1e-152, 1e150])
@pytest.mark.parametrize("target", ["self", "y"])
def test_a_series_of_dependent_units_in_any_unit(target, unit, hyperpower):
    A = np.random.default_rng(0).standard_normal((30, 3))
    X = np.c_[A, A[:, 0], np.zeros(30)] * unit
    memory = PseudoinverseMemory(target, solver="neumann", hyperpower=hyperpower, binarize=None, activation="identity")
    expected = np.diag([0.5, 1.0, 1.0, 0.5, 0.0])
    expected[0, 3] = expected[3, 0] = 0.5
    np.testing.assert_allclose(memory.fit(X, X).weights_, expected, atol=1e-9)
    np.testing.assert_allclose(memory.fit(X[:9], X[:9]).partial_fit(X[9:], X[9:]).weights_, expected, atol=1e-9)


# --------------------------------------------------------------------------------------------------- the recall


@pytest.mark.parametrize("n_patterns", [1, 60, 108])
def test_every_independent_pattern_is_a_fixed_point_and_random_ones_are_not(n_patterns):
    patterns, probes = make_patterns(n_patterns, 120, random_state=0), make_patterns(50, 120, random_state=1)
    memory = PseudoinverseMemory(zero_diagonal=False).fit(patterns)
    np.testing.assert_array_equal(memory.predict(patterns), patterns)
    np.testing.assert_allclose(memory.field(patterns), patterns, atol=1e-9)
    linear = PseudoinverseMemory(activation="identity").fit(patterns)
    assert np.all(np.linalg.norm(linear.predict(probes) - probes, axis=1) > 1.0)


def test_a_binary_unit_that_was_switched_off_is_resolved():
    # Under "step" a unit that is off is at 0, as an unknown one is; what tells them apart is whether there was a push.
    patterns = np.asarray([[1.0, 1.0, 0.0, 0.0], [0.0, 1.0, 1.0, 0.0]])  # the ends inhibit each other: weight -1/3
    memory = PseudoinverseMemory(activation="step", missing="clamp").fit(patterns)
    recall = memory.recall([[1.0, 0.0, np.nan, np.nan]])
    assert recall.unresolved.tolist() == [[False, False, False, True]]  # nothing pushes the last unit
    assert recall.states.tolist() == [[1.0, 0.0, 0.0, 0.0]]


@pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")
@pytest.mark.parametrize("data", ["digits", "random"])
@pytest.mark.parametrize("in_pieces", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_stored_patterns_are_fixed_where_no_margin_is_left(data, in_pieces, dtype):
    # Where a unit's diagonal weight is 1, its field without the diagonal is 0: a tie, not what rounding leaves of it.
    X = load_digits().data[:60] if data == "digits" else make_patterns(60, 60, random_state=0)
    memory = PseudoinverseMemory().fit(X[: 30 if in_pieces else 60].astype(dtype))
    if in_pieces:
        memory.partial_fit(X[30:].astype(dtype))
    assert np.mean(np.diag(memory.weights_) > 0.999) > 0.5
    np.testing.assert_array_equal(memory.predict(X), memory.encode(X))


def test_correlated_patterns_are_stored_too():
    letters = load_letters().data
    np.testing.assert_array_equal(PseudoinverseMemory(zero_diagonal=False).fit(letters).predict(letters), letters)
    with pytest.warns(CapacityWarning):
        assert np.mean(HebbianMemory(zero_diagonal=False).fit(letters).predict(letters) == letters) < 0.9


def test_without_its_diagonal_it_repairs_cues():
    # 120 units, 60 patterns, 5 % noise: 6 % of the rows come back with the diagonal, 99.7 % without (design notes). The
    # bounds leave more than six standard deviations of 300 rows.
    patterns = make_patterns(60, 120, random_state=0)
    cues = corrupt(np.tile(patterns, (5, 1)), "flip", 0.05, random_state=1)
    recalled = {}
    for zero_diagonal in ("auto", True, False):
        memory = PseudoinverseMemory(zero_diagonal=zero_diagonal).fit(patterns)
        recalled[zero_diagonal] = np.mean(np.all(memory.predict(cues) == np.tile(patterns, (5, 1)), axis=1))
    assert recalled["auto"] == recalled[True] > 0.97
    assert recalled[False] < 0.15


def test_the_linear_projection_is_the_nearest_point_of_the_span():
    rng = np.random.default_rng(0)
    patterns, cues = rng.standard_normal((8, 20)), rng.standard_normal((30, 20))
    memory = PseudoinverseMemory(activation="identity", binarize=None).fit(patterns)  # "auto" keeps the diagonal
    projected = memory.predict(cues)
    np.testing.assert_allclose((cues - projected) @ patterns.T, 0.0, atol=1e-10)
    np.testing.assert_allclose(memory.predict(projected), projected, atol=1e-10)
    hebbian = HebbianMemory(activation="identity", binarize=None).fit(patterns).predict(cues)
    assert np.all(np.linalg.norm(cues - hebbian, axis=1) > np.linalg.norm(cues - projected, axis=1))


@pytest.mark.filterwarnings("ignore:The Neumann series:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")
def test_a_series_cut_short_is_no_projection_yet():
    patterns = make_patterns(30, 60, random_state=0)
    errors = [
        np.linalg.norm(patterns @ PseudoinverseMemory(solver="neumann", n_layers=n).fit(patterns).weights_ - patterns)
        for n in (1, 10, 100)
    ]
    assert errors[0] > 2 * errors[1] > 4 * errors[2] > 0


# ------------------------------------------------------------------------------------------ limits and bad input


@pytest.mark.parametrize(("n_patterns", "warns"), [(19, False), (20, True)])
@pytest.mark.filterwarnings("error")
def test_as_many_patterns_as_units_are_warned_of(n_patterns, warns):
    patterns = make_patterns(n_patterns, 20, random_state=0)
    if warns:
        with pytest.warns(
            CapacityWarning, match="20 patterns in 20 units, beyond the limit of about 19.*W is the identity"
        ):
            PseudoinverseMemory().fit(patterns)
    else:
        PseudoinverseMemory().fit(patterns)
    PseudoinverseMemory(activation="identity").fit(patterns)


def test_cholesky_refuses_dependent_patterns_and_says_what_to_do():
    patterns = make_patterns(5, 20, random_state=0)
    twice = np.concatenate([patterns, patterns[:1]])
    memory = PseudoinverseMemory(solver="cholesky").fit(patterns)
    before = dict(vars(memory))
    with pytest.raises(ValueError, match=r"linearly dependent patterns.*Use solver='svd', or alpha > 0"):
        memory.fit(twice)
    assert vars(memory) == before
    PseudoinverseMemory(solver="cholesky", alpha=0.1).fit(twice)
    np.testing.assert_array_equal(PseudoinverseMemory().fit(twice).predict(twice), twice)


@pytest.mark.parametrize("solver", SOLVERS)
def test_dependent_patterns_arrive_in_pieces(solver):
    # A stream repeats itself.
    patterns = make_patterns(5, 20, random_state=0)
    memory = PseudoinverseMemory(solver=solver, n_layers=500).fit(patterns).partial_fit(patterns[:2])
    np.testing.assert_allclose(patterns @ memory.weights_, patterns, atol=1e-6)


@pytest.mark.parametrize("in_pieces", [False, True])
@pytest.mark.parametrize("target", ["self", "y"])
def test_doubling_layers_survive_repeated_patterns(target, in_pieces):
    rng = np.random.default_rng(0)
    for _ in range(50):
        patterns = np.sign(rng.standard_normal((rng.integers(2, 12), 20)))
        patterns, values = np.concatenate([patterns, patterns[:2]]), np.sign(rng.standard_normal((20, 3)))
        values = np.sign(patterns @ values + 0.5)
        memory = PseudoinverseMemory(target, solver="neumann", hyperpower=True)
        if in_pieces:
            memory.fit(patterns[:-2], values[:-2]).partial_fit(patterns[-2:], values[-2:])
        else:
            memory.fit(patterns, values)
        truth = patterns if target == "self" else values
        np.testing.assert_allclose(memory.weights_, np.linalg.pinv(patterns) @ truth, atol=1e-7)


def test_a_series_far_from_its_end_is_reported():
    rng = np.random.default_rng(0)
    U, _, Vt = np.linalg.svd(rng.standard_normal((10, 30)), full_matrices=False)
    patterns = U * np.geomspace(1.0, 1e-2, 10) @ Vt
    for solver in ({"n_layers": 100}, {"n_layers": 3, "hyperpower": True}):
        with pytest.warns(ConvergenceWarning, match=r"leaves the weights .* % away from the least-squares solution"):
            PseudoinverseMemory(solver="neumann", binarize=None, activation="identity", **solver).fit(patterns)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"solver": "qr"}, ValueError, "solver='qr' is not an option; expected one of 'svd', 'cholesky', 'neumann'"),
        ({"zero_diagonal": "maybe"}, ValueError, "zero_diagonal='maybe' is not an option"),
        ({"alpha": -1.0}, ValueError, "0.0 <= alpha"),
        ({"alpha": "a"}, TypeError, "alpha='a' is a str; expected a number"),
        ({"n_layers": 0}, ValueError, "1 <= n_layers"),
        ({"step": 0.0}, ValueError, "0.0 < step"),
        ({"step": "small"}, ValueError, "step='small' is not an option; expected 'auto', or a number > 0.0"),
        ({"solver": "neumann", "step": 1.0}, ValueError, r"does not converge; expected 0 < step < .*step='auto'"),
        ({"solver": "neumann", "step": 1.0, "hyperpower": True}, ValueError, "does not converge"),
        ({"solver": "neumann", "hyperpower": "yes"}, ValueError, "hyperpower='yes' is not an option"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_bad_parameters_are_refused(options, error, message, method):
    memory = PseudoinverseMemory().fit(make_patterns(5, 20, random_state=0)).set_params(**options)
    before = dict(vars(memory))
    with pytest.raises(error, match=message):
        getattr(memory, method)(make_patterns(5, 20, random_state=1))
    assert vars(memory) == before


@pytest.mark.parametrize("Memory", [PseudoinverseMemory, lambda: HopfieldNetwork(rule="pseudoinverse")])
def test_a_pattern_of_one_known_unit_is_not_called_dependent(Memory):
    alone = np.full((1, 500), np.nan)
    alone[0, 3] = 1.0
    memory = Memory().fit(make_patterns(20, 500, random_state=0))
    with pytest.warns(CapacityWarning, match=r"1 of the 1 .* not held: .* too few of their units are known"):
        memory.partial_fit(alone)


def test_patterns_without_weight_are_told():
    patterns = make_patterns(3, 100, random_state=0)
    patterns[0] = np.nan
    with pytest.warns(CapacityWarning, match=r"None of them has any weight|no known unit"):
        PseudoinverseMemory().fit(patterns, sample_weight=[1.0, 0.0, 0.0])


@pytest.mark.parametrize("solver", ["svd", "cholesky", "neumann"])
@pytest.mark.parametrize("target", ["self", "y"])
@pytest.mark.parametrize("weight", [None, np.linspace(0.5, 2.0, 300)], ids=["once", "weighted"])
def test_more_rows_than_working_memory_holds_are_read_in_blocks(solver, target, weight):
    """By factorisation of the rows, not by their Gram matrix: the weights are those of all at once, to rounding."""
    X = make_patterns(300, 20, random_state=0) + 0.5 * np.random.default_rng(0).standard_normal((300, 20))
    Y = make_patterns(300, 6, random_state=1)
    options = {"alpha": 0.3, "solver": solver, "binarize": None, "activation": "identity", "n_layers": 500}
    memory = PseudoinverseMemory(target, **options)
    whole = clone(memory).fit(X, Y, weight)
    with config_context(working_memory=0.03):
        pieces = clone(memory).fit(X, Y, weight)
    np.testing.assert_allclose(pieces.weights_, whole.weights_, atol=1e-10)
    np.testing.assert_allclose(pieces.gram_, whole.gram_, atol=1e-10)
    assert pieces.n_patterns_ == 300
    np.testing.assert_allclose(pieces.pattern_sum_, whole.pattern_sum_, atol=1e-10)
    assert pieces.partial_fit(X, Y, weight).n_patterns_ == 600

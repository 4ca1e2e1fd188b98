"""Theory against enumeration, against itself, and against published numbers."""

import itertools
import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm

from skamem import DenseMemory
from skamem.analysis import bit_error_probability, capacity, crosstalk, retrieval_overlap
from skamem.analysis._capacity import _PREDICTIONS
from skamem.datasets import make_patterns

DIAGONAL = pytest.mark.parametrize("zero_diagonal", [True, False])


@DIAGONAL
@pytest.mark.parametrize(("n_units", "n_patterns"), [(2, 1), (2, 3), (3, 2), (3, 5), (4, 4), (5, 3), (8, 2)])
def test_the_exact_law_is_the_share_of_all_sets_of_patterns(n_units, n_patterns, zero_diagonal):
    # The first pattern may be all ones, and its first bit stands for all, by symmetry.
    first = np.ones((1, n_units))
    wrong, n_sets = 0, 0
    for bits in itertools.product((-1.0, 1.0), repeat=n_units * (n_patterns - 1)):
        patterns = np.concatenate([first, np.reshape(bits, (n_patterns - 1, n_units))])
        weights = patterns.T @ patterns
        if zero_diagonal:
            np.fill_diagonal(weights, 0)
        wrong += (first @ weights)[0, 0] < 0
        n_sets += 1
    found = bit_error_probability(n_units, n_patterns, zero_diagonal=zero_diagonal)
    assert found == pytest.approx(wrong / n_sets, rel=1e-12)


@DIAGONAL
@pytest.mark.parametrize("n_units", [100, 200, 500, 1000])
def test_measured_errors_are_those_predicted(n_units, zero_diagonal):
    # Bits of one draw share overlaps and are not independent (the binomial error is about half of the true one), draws
    # are: 40 of them, and a deviation of 4 of their standard errors. Without a mistake it fails in 8 cases of 30,000
    # (t distribution, 39 degrees of freedom).
    n_patterns, n_draws = round((0.2 if zero_diagonal else 0.35) * n_units), 40
    shares = [
        crosstalk(make_patterns(n_patterns, n_units, random_state=seed), zero_diagonal=zero_diagonal).unstable_share
        for seed in range(n_draws)
    ]
    law = bit_error_probability(n_units, n_patterns, zero_diagonal=zero_diagonal)
    error = np.std(shares, ddof=1) / math.sqrt(n_draws)
    assert abs(np.mean(shares) - law) < 4 * error
    assert error < 0.06 * law, "or the test could not fail"


@pytest.mark.parametrize(
    ("model", "degree", "n_units", "n_patterns", "printed"),
    [
        ("polynomial", 2, 100, 14, "0.00289"),
        ("polynomial", 2, 1000, 140, "0.00367"),
        ("polynomial", 2, 500, 92, "0.0096"),
        ("polynomial", 2, 1000, 185, "0.0099"),
        ("polynomial", 3, 100, 500, "0.00517"),
        ("polynomial", 3, 200, 3000, "0.01785"),
        ("polynomial", 4, 50, 2000, "0.0220"),
        ("rectified_polynomial", 3, 100, 1000, "0.00518"),
    ],
)
def test_dense_errors_are_known_to_the_digits_printed(model, degree, n_units, n_patterns, printed):
    found = bit_error_probability(n_units, n_patterns, model=model, degree=degree)
    assert f"{found:.{len(printed) - 2}f}" == printed


def test_hebbian_errors_are_known_to_the_digits_printed():
    assert f"{bit_error_probability(1000, 184):.5f}" == "0.00967"
    assert f"{bit_error_probability(1000, 184, zero_diagonal=False):.5f}" == "0.00281"
    assert f"{bit_error_probability(500, 92, zero_diagonal=False, law='gaussian'):.4f}" == "0.0028"


@pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")
@pytest.mark.parametrize(("model", "degree", "n_patterns"), [("polynomial", 3, 200), ("rectified_polynomial", 3, 350)])
def test_dense_memories_make_the_errors_predicted(model, degree, n_patterns):
    # 10 draws, 4.8 of their standard errors: it fails without a mistake in 1 case of 1000. The law is an approximation,
    # good to some percent here.
    memory = DenseMemory(model, degree=degree, update="sync", n_recall_steps=1)
    shares = []
    for seed in range(10):
        patterns = make_patterns(n_patterns, 50, random_state=seed)
        shares.append(np.mean(memory.fit(patterns).predict(patterns) != patterns))
    law = bit_error_probability(50, n_patterns, model=model, degree=degree)
    assert 0.005 < law < 0.03
    assert abs(np.mean(shares) - law) < 4.8 * np.std(shares, ddof=1) / math.sqrt(10) + 0.05 * law


@pytest.mark.parametrize("law", ["gaussian", "asymptotic"])
def test_degree_2_is_the_hebb_rule(law):
    counts = np.arange(1, 200)
    hebbian = bit_error_probability(150, counts, law=law)
    assert_allclose(bit_error_probability(150, counts, model="polynomial", degree=2, law=law), hebbian, rtol=1e-10)


@pytest.mark.parametrize("model", ["polynomial", "rectified_polynomial"])
@pytest.mark.parametrize("degree", [1, 2, 3, 5])
def test_laws_agree_in_large_networks(model, degree):
    n_patterns = 1 + round(3000 ** (degree - 1) / math.prod(range(2 * degree - 3, 0, -2)) / 4)
    laws = [
        norm.isf(bit_error_probability(3000, n_patterns, model=model, degree=degree, law=law))
        for law in ("gaussian", "asymptotic")
    ]
    if n_patterns > 1:
        assert_allclose(*laws, rtol=0.01)


@DIAGONAL
def test_the_binomial_law_becomes_normal(zero_diagonal):
    counts = np.asarray([800, 1000, 1500])
    laws = [bit_error_probability(5001, counts, zero_diagonal=zero_diagonal, law=law) for law in ("exact", "gaussian")]
    assert_allclose(*laws, rtol=0.02)


@DIAGONAL
@pytest.mark.parametrize("law", ["exact", "gaussian", "asymptotic"])
def test_more_patterns_make_more_errors(law, zero_diagonal):
    # Every other one: whether a field can be exactly 0 depends on whether there are even or odd many.
    errors = bit_error_probability(101, np.arange(1, 101, 2), zero_diagonal=zero_diagonal, law=law)
    assert errors[0] == 0
    assert np.all(np.diff(errors) >= 0)
    assert np.all(np.diff(bit_error_probability(101, np.arange(500, 600), model="polynomial", law="gaussian")) > 0)
    more_units = [bit_error_probability(n, 40, zero_diagonal=zero_diagonal, law=law) for n in range(81, 201, 2)]
    assert np.all(np.diff(more_units) < 0)


def test_the_diagonal_bounds_the_error():
    errors = bit_error_probability(1000, np.arange(1, 5000, 10), zero_diagonal=False)
    assert 0.022 < errors.max() < norm.sf(2)


def test_shapes_of_answers():
    assert isinstance(bit_error_probability(50, 10), float)
    assert bit_error_probability(50, [[10, 20]]).shape == (1, 2)
    assert bit_error_probability(50, 10.5, law="gaussian") > 0
    assert isinstance(retrieval_overlap(0.1), float)
    assert retrieval_overlap([[0.1, 0.2]]).shape == (1, 2)
    assert all(isinstance(capacity(100, model=model), float) for model in _PREDICTIONS)


def test_high_degrees_do_not_overflow():
    assert 0.001 < bit_error_probability(1000, 1e127, model="polynomial", degree=120) < 0.49


# ------------------------------------------------------------------------------------------------------- feedback


def test_overlaps_of_amit_gutfreund_and_sompolinsky():
    loads, printed = [0.05, 0.10, 0.12, 0.13, 0.1375], ["1.0000", "0.9980", "0.9932", "0.9872", "0.9730"]
    assert [f"{overlap:.4f}" for overlap in retrieval_overlap(loads)] == printed
    assert retrieval_overlap(0) == 1
    assert_array_equal(retrieval_overlap([0.138, 0.2, 10]), 0)


def test_overlaps_solve_the_equation_and_are_the_largest_that_do():
    y = np.linspace(0.01, 8, 8000)
    for load in np.linspace(0.01, 0.137, 9):
        side = y * (math.sqrt(2 * load) + 2 / math.sqrt(math.pi) * np.exp(-(y**2))) - np.vectorize(math.erf)(y)
        last = np.flatnonzero(np.diff(np.sign(side)))[-1]
        assert_allclose(retrieval_overlap(load), math.erf(y[last]), atol=2e-3)
    assert np.all(np.diff(retrieval_overlap(np.linspace(0.03, 0.1379, 50))) < 0)


# ------------------------------------------------------------------------------------------------------- capacity


def test_capacities_of_the_literature():
    cubic = [capacity(n, model="polynomial", degree=3) for n in (100, 200, 500, 1000)]
    assert [f"{value:.0f}" for value in cubic] == ["362", "1258", "6705", "24127"]
    square = [capacity(n, model="polynomial", degree=2) for n in (100, 200, 500, 1000)]
    assert [f"{value:.1f}" for value in square] == ["10.9", "18.9", "40.2", "72.4"]
    assert_allclose(square, [capacity(n, criterion="pattern") for n in (100, 200, 500, 1000)])
    assert capacity(1000) == pytest.approx(138, abs=0.5)
    assert capacity(1000, criterion="all_patterns") == pytest.approx(1000 / (4 * math.log(1000)))
    assert capacity(10**6, criterion="bit_error") / 10**6 == pytest.approx(0.1848, abs=5e-5)
    assert capacity(10**6, criterion="bit_error", error=0.005) / 10**6 == pytest.approx(0.1507, abs=5e-5)
    assert capacity(1000, criterion="bit_error", zero_diagonal=False) / 1000 == pytest.approx(0.32, abs=0.01)
    assert capacity(100, model="storkey") == pytest.approx(100 / math.sqrt(2 * math.log(100)))
    assert (capacity(100, model="pseudoinverse"), capacity(100, model="perceptron")) == (99, 200)
    assert (capacity(40, model="exponential"), capacity(5000, model="exponential")) == (2**20, math.inf)


def test_half_of_the_synapses_of_a_willshaw_net_are_on():
    for n_units, n_active in ((1000, None), (1000, 30), (64, 4)):
        n_patterns = capacity(n_units, model="willshaw", n_active=n_active)
        share = ((n_active or math.log2(n_units)) / n_units) ** 2
        assert 1 - (1 - share) ** n_patterns == pytest.approx(0.5)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"zero_diagonal": False},
        {"model": "polynomial", "degree": 4},
        {"model": "rectified_polynomial", "degree": 2.5},
    ],
)
@pytest.mark.parametrize("error", [0.001, 0.01, 0.02])
def test_the_capacity_is_where_the_error_is_reached(options, error):
    n_patterns = capacity(300, criterion="bit_error", error=error, **options)
    assert bit_error_probability(300, n_patterns, law="gaussian", **options) == pytest.approx(error, rel=1e-6)


def test_errors_that_the_diagonal_prevents_are_never_reached():
    assert capacity(300, criterion="bit_error", error=0.03, zero_diagonal=False) == math.inf


@pytest.mark.parametrize("model", [model for model in _PREDICTIONS if model != "exponential"])
def test_larger_networks_hold_more(model):
    for criterion in _PREDICTIONS[model]:
        assert np.all(np.diff([capacity(n, model=model, criterion=criterion) for n in range(10, 200)]) > 0)


# ----------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_units": 1, "n_patterns": 3}, "n_units=1 is out of range"),
        ({"n_units": 10, "n_patterns": 0}, "expected numbers of patterns >= 1"),
        ({"n_units": 10, "n_patterns": ["a"]}, "expected numbers of patterns >= 1"),
        ({"n_units": 10, "n_patterns": 2.5}, "expects whole numbers"),
        (
            {"n_units": 10, "n_patterns": 3, "model": "storkey"},
            "model='storkey' is not an option; expected one of 'heb",
        ),
        ({"n_units": 10, "n_patterns": 3, "model": "polynomial", "law": "exact"}, "Use law='gaussian'"),
        ({"n_units": 10, "n_patterns": 3, "model": "polynomial", "degree": 2.5}, "Use RectifiedPolynomial"),
        ({"n_units": 10, "n_patterns": 3, "law": "poisson"}, "law='poisson' is not an option"),
    ],
)
def test_bad_questions_about_errors(options, message):
    with pytest.raises(ValueError, match=message):
        bit_error_probability(**options)


def test_bad_questions_about_capacity():
    with pytest.raises(ValueError, match="not known for model='storkey'; expected one of hebbian: 'retrieval', 'patt"):
        capacity(100, model="storkey", criterion="retrieval")
    with pytest.raises(ValueError, match="model='modern' is not an option; expected one of 'hebbian', 'storkey'"):
        capacity(100, model="modern")
    with pytest.raises(ValueError, match="error=0.5 is out of range"):
        capacity(100, criterion="bit_error", error=0.5)
    with pytest.raises(ValueError, match="n_active=200 is out of range"):
        capacity(100, model="willshaw", n_active=200)
    with pytest.raises(ValueError, match="degree=0"):
        capacity(100, model="polynomial", degree=0)
    with pytest.raises(TypeError, match="n_units=10.5 is a float"):
        capacity(10.5)


@pytest.mark.parametrize("load", [-0.1, [0.1, np.nan], "a"])
def test_bad_loads(load):
    with pytest.raises(ValueError, match="expected numbers of patterns by numbers of units"):
        retrieval_overlap(load)

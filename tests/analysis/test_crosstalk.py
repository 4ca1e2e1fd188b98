"""Crosstalk against its definition, and against what memories do in one step."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skamem import HebbianMemory
from skamem.analysis import crosstalk
from skamem.datasets import make_patterns
from skamem.exceptions import CapacityWarning

DIAGONAL = pytest.mark.parametrize("zero_diagonal", [True, False])


@DIAGONAL
def test_crosstalk_is_its_definition(zero_diagonal):
    X = make_patterns(5, 7, random_state=0)
    found = crosstalk(X, zero_diagonal=zero_diagonal).values
    for p, x in enumerate(X):
        for i in range(7):
            push = sum(X[q, i] * X[q, j] * x[j] for q in range(5) for j in range(7) if q != p and j != i)
            assert found[p, i] == pytest.approx(-x[i] * push / (6 if zero_diagonal else 6 + 5))


def test_crosstalk_of_pairs_is_its_definition():
    X, y = make_patterns(5, 7, random_state=0), make_patterns(5, 3, random_state=1)
    found = crosstalk(X, y).values
    for p, i in np.ndindex(5, 3):
        push = sum(y[q, i] * (X[q] @ X[p]) for q in range(5) if q != p)
        assert found[p, i] == pytest.approx(-y[p, i] * push / 7)


@DIAGONAL
@pytest.mark.parametrize("n_patterns", [1, 4, 10, 40])
def test_unstable_bits_are_those_that_a_step_turns(n_patterns, zero_diagonal):
    # Small and even: many fields are exactly 0, where the bit stays.
    X = make_patterns(n_patterns, 20, random_state=3)
    found = crosstalk(X, zero_diagonal=zero_diagonal)
    step = HebbianMemory(n_recall_steps=1, zero_diagonal=zero_diagonal, binarize=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CapacityWarning)
        turned = step.fit(X).predict(X) != X
    assert_array_equal(found.values > 1, turned)
    assert found.unstable_share == turned.mean()


def test_unstable_bits_of_pairs_are_those_recalled_wrong():
    X, y = make_patterns(9, 21, random_state=0), make_patterns(9, 30, random_state=1)
    wrong = HebbianMemory(target="y").fit(X, y).predict(X) != y
    assert wrong.any()
    assert_array_equal(crosstalk(X, y).values > 1, wrong)


@DIAGONAL
def test_orthogonal_patterns_do_not_disturb_each_other(zero_diagonal):
    two = np.asarray([[1, 1], [1, -1]])
    X = np.kron(np.kron(two, two), two)[:4]
    values = crosstalk(X, zero_diagonal=zero_diagonal).values
    # All but the bits themselves: without the diagonal the others take away what they gave there.
    assert_allclose(values, 3 / 7 if zero_diagonal else 3 / 11)
    assert_array_equal(crosstalk(X, X).values, 0)


@DIAGONAL
def test_random_patterns_have_the_standard_deviation_expected(zero_diagonal):
    # 20 draws: the mean of the variance within 4 of its standard errors, which fails by chance in 1 case of 1000.
    found = [crosstalk(make_patterns(30, 100, random_state=s), zero_diagonal=zero_diagonal) for s in range(20)]
    ratios = [result.std**2 / result.expected_std**2 for result in found]
    error = np.std(ratios, ddof=1) / np.sqrt(20)
    assert abs(np.mean(ratios) - 1) < 4 * error < 0.2
    assert found[0].expected_std == pytest.approx(np.sqrt(29 / 99) if zero_diagonal else np.sqrt(29 * 99) / 129)
    X, y = make_patterns(30, 100, random_state=0), make_patterns(30, 500, random_state=1)
    pairs = crosstalk(X, y)
    assert pairs.std == pytest.approx(pairs.expected_std, rel=0.1)
    assert pairs.expected_std == pytest.approx(np.sqrt(29 / 100))


def test_input_may_live_elsewhere(place, dispatched):
    X = make_patterns(6, 30, random_state=0)
    with dispatched():
        found = crosstalk(place.put(X))
    assert isinstance(found.values, np.ndarray)
    assert_array_equal(found.values, crosstalk(X).values)


def test_frames():
    pytest.importorskip("pandas")
    found = crosstalk(make_patterns(3, 5, random_state=0))
    frame = found.to_frame()
    assert (frame.index.name, frame.columns.name, frame.shape) == ("pattern", "unit", (3, 5))
    assert_array_equal(frame.to_numpy(), found.values)


def test_bad_input_is_refused():
    X = make_patterns(3, 5, random_state=0)
    with pytest.raises(ValueError, match=r"X has an entry 0; expected patterns of -1 and \+1.*2 \* X - 1"):
        crosstalk((X + 1) / 2)
    with pytest.raises(ValueError, match="y has an entry -?2"):
        crosstalk(X, 2 * X)
    with pytest.raises(ValueError, match="inconsistent"):
        crosstalk(X, X[:2])
    with pytest.raises(ValueError, match="zero_diagonal='no' is not an option"):
        crosstalk(X, zero_diagonal="no")

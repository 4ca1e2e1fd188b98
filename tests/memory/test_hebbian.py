"""HebbianMemory: the laws of the correlation matrix."""

import warnings

import numpy as np
import pytest
from scipy.linalg import hadamard
from scipy.stats import binom, norm
from sklearn import config_context

from skamem import HebbianMemory
from skamem.core.rules import hebbian
from skamem.datasets import corrupt, make_patterns
from skamem.exceptions import CapacityWarning

overload = pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")


# ------------------------------------------------------------------------------------------------- the weights


@pytest.mark.parametrize("target", ["self", "y"])
def test_weights_are_the_rule(target):
    X, Y = make_patterns(3, 40, random_state=0), make_patterns(3, 7, random_state=1)
    memory = HebbianMemory(target).fit(X, Y)
    np.testing.assert_allclose(memory.weights_, hebbian(X, Y if target == "y" else X), rtol=1e-15)
    np.testing.assert_array_equal(memory.correlation_, np.rint(memory.correlation_))
    np.testing.assert_allclose(memory.field(X), X @ memory.weights_, rtol=1e-12)


@overload
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("options", [{}, {"target": "y"}, {"activation": "step"}, {"update": "async"}])
def test_storing_in_pieces_is_storing_at_once(dtype, options):
    X, Y = make_patterns(9, 40, random_state=0).astype(dtype), make_patterns(9, 7, random_state=1)
    weight = np.asarray([1.0, 2.0, 1.0, 1.0, 0.0, 3.0, 1.0, 1.0, 1.0])
    whole, pieces = (HebbianMemory(random_state=0).set_params(**options) for _ in range(2))
    assert whole.fit(X, Y, weight) is whole
    for rows in (slice(0, 1), slice(1, 4), slice(4, 5), slice(5, 9)):
        if weight[rows].any():
            assert pieces.partial_fit(X[rows], Y[rows], weight[rows]) is pieces
    assert vars(whole).keys() == vars(pieces).keys()
    for name in ("correlation_", "weights_", "pattern_sum_", "n_patterns_", "total_weight_", "order_seed_"):
        np.testing.assert_array_equal(getattr(pieces, name), getattr(whole, name))
        assert np.asarray(getattr(pieces, name)).dtype == np.asarray(getattr(whole, name)).dtype
    assert whole.weights_.dtype == dtype


@overload
@pytest.mark.parametrize("options", [{}, {"target": "y"}, {"activation": "identity", "binarize": None}])
def test_a_weight_of_k_stores_a_pattern_k_times(options):
    X, Y = make_patterns(6, 40, random_state=0), make_patterns(6, 7, random_state=1)
    counts = np.asarray([3, 0, 1, 2, 1, 1])
    weighted = HebbianMemory(**options).fit(X, Y, counts)
    repeated = HebbianMemory(**options).fit(np.repeat(X, counts, axis=0), np.repeat(Y, counts, axis=0))
    np.testing.assert_array_equal(weighted.correlation_, repeated.correlation_)
    np.testing.assert_array_equal(weighted.pattern_sum_, repeated.pattern_sum_)
    assert (weighted.n_patterns_, weighted.total_weight_) == (5, 8.0)


@overload
@pytest.mark.parametrize("factor", [0.1, 1e-6, 1e6])
def test_a_common_factor_of_the_weights_does_not_matter(factor):
    patterns, cues = make_patterns(12, 40, random_state=0), make_patterns(100, 40, random_state=1)
    recalled = HebbianMemory(zero_diagonal=True).fit(patterns).predict(cues)  # fields tie
    weighted = HebbianMemory(zero_diagonal=True).fit(patterns, sample_weight=np.full(12, factor))
    np.testing.assert_array_equal(weighted.predict(cues), recalled)
    weighted.partial_fit(patterns)  # integers, on top of what is none
    np.testing.assert_array_equal(weighted.predict(cues), recalled)


@overload
@pytest.mark.parametrize("update", ["sync", "async"])
def test_float32_is_left_where_it_could_not_hold_the_sums(update):
    # Two patterns of nearly equal weight: pushes of 2^24 that differ by 1 are told apart, and equal ones are a tie.
    patterns = np.asarray([[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, -1.0, -1.0]])
    cues = np.asarray([[1.0, -1.0, -1.0, 1.0], [-1.0, 1.0, 1.0, -1.0], [1.0, 1.0, 1.0, -1.0]])
    for weights in ([2**24 + 1, 2**24], [2**24, 2**24], [2**22 + 1, 2**22]):
        wide = HebbianMemory(update=update, random_state=0).fit(patterns, sample_weight=weights)
        narrow = HebbianMemory(update=update, random_state=0).fit(patterns.astype("float32"), sample_weight=weights)
        np.testing.assert_array_equal(narrow.correlation_, wide.correlation_)
        assert narrow.correlation_.dtype == "float64"
        np.testing.assert_array_equal(narrow.predict(cues.astype("float32")), wide.predict(cues))
        assert narrow.predict(cues.astype("float32")).dtype == "float32"
    pieces = HebbianMemory().fit(patterns.astype("float32"))
    assert pieces.correlation_.dtype == "float32"
    assert pieces.partial_fit(patterns.astype("float32"), sample_weight=[2**24 + 1, 1]).correlation_.dtype == "float64"
    assert pieces.correlation_[0, 2] == 2**24


# -------------------------------------------------------------------------------------------------- the recall


def test_orthogonal_patterns_do_not_disturb_each_other():
    X, Y = hadamard(32)[1:5].astype(float), make_patterns(4, 9, random_state=0)
    identity = HebbianMemory(activation="identity").fit(X)
    np.testing.assert_array_equal(identity.predict(X), X)
    pairs = HebbianMemory("y").fit(X, Y)
    np.testing.assert_array_equal(pairs.field(X), Y)
    # One unit of 32 flipped: every overlap moves by 2/32, so no output changes its sign.
    np.testing.assert_array_equal(pairs.predict(corrupt(X, "flip", 1 / 32, random_state=0)), Y)


def one_step_error(n_units, n_patterns, *, zero_diagonal):
    """Probability that (m - 1)(n - 1) fair signs outweigh the signal: n - 1, and m from the unit itself."""
    n_signs = (n_patterns - 1) * (n_units - 1)
    signal = n_units - 1 + (0 if zero_diagonal else n_patterns)
    return binom.cdf((n_signs - signal - 1) // 2, n_signs, 0.5)  # their sum is 2 * (number of +1) - n_signs


@overload
@pytest.mark.parametrize(("zero_diagonal", "published"), [(True, 0.00967), (False, 0.00281)])
def test_one_step_errors_follow_their_exact_law(zero_diagonal, published):
    n_units, n_patterns, n_draws = 1000, 184, 3
    law = one_step_error(n_units, n_patterns, zero_diagonal=zero_diagonal)
    assert law == pytest.approx(published, abs=1e-5)
    wrong = 0
    for seed in range(n_draws):
        patterns = make_patterns(n_patterns, n_units, random_state=seed)
        memory = HebbianMemory(n_recall_steps=1, zero_diagonal=zero_diagonal).fit(patterns)
        wrong += np.count_nonzero(memory.predict(patterns) != patterns)
    # Units of one memory depend on each other: counts of 40 memories varied 1.53 times as much as if not.
    # Eight standard deviations of independent ones are 5.2 of these: an error probability of 2e-7.
    n_trials = n_draws * n_patterns * n_units
    assert abs(wrong - n_trials * law) < 8 * np.sqrt(n_trials * law * (1 - law))


def test_the_rule_of_thumb_is_the_gaussian_limit_of_the_law():
    for n_patterns in (100, 184, 300):
        gaussian = norm.sf(np.sqrt(1000 / n_patterns))
        assert one_step_error(1000, n_patterns, zero_diagonal=True) == pytest.approx(gaussian, rel=0.1)


@overload
@pytest.mark.parametrize(("load", "holds"), [(0.10, True), (0.18, False)])
def test_recall_breaks_down_between_loads(load, holds):
    # Amit, Gutfreund and Sompolinsky (1985): below .138 patterns stay within 1.5 % of the cue, above they are lost. At
    # these two loads, overlaps of 20 memories of 1000 units were .998 +- .0005 and .52 +- .05.
    patterns = make_patterns(round(1000 * load), 1000, random_state=0)
    memory = HebbianMemory(zero_diagonal=True, update="async", random_state=0).fit(patterns)
    overlap = np.mean(memory.predict(patterns[:40]) * patterns[:40])
    assert overlap > 0.98 if holds else overlap < 0.8


@overload
def test_the_diagonal_holds_units_where_they_are():
    patterns = make_patterns(30, 100, random_state=0)
    cues = corrupt(patterns, "flip", 0.2, random_state=0)
    moved = {}
    for zero_diagonal in (False, True):
        memory = HebbianMemory(zero_diagonal=zero_diagonal, n_recall_steps=1).fit(patterns)
        moved[zero_diagonal] = memory.predict(cues) != cues
        expected = cues @ (memory.weights_ - zero_diagonal * 0.3 * np.eye(100))
        np.testing.assert_allclose(memory.field(cues), expected, atol=1e-12)
    assert np.all(moved[True] | ~moved[False])  # whatever moves with the diagonal moves without
    assert moved[True].sum() > 1.2 * moved[False].sum()


# ------------------------------------------------------------------------------------------------ the warning


@pytest.mark.parametrize(("n_patterns", "warns"), [(13, False), (14, True)])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_more_patterns_than_the_limit_are_warned_of(n_patterns, warns, method):
    patterns = make_patterns(n_patterns, 100, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        getattr(HebbianMemory(), method)(patterns)
    assert [w.category for w in caught] == [CapacityWarning] * warns
    if warns:
        assert "stores 14 patterns in 100 units, beyond the limit of about 13.8" in str(caught[0].message)
        assert "PseudoinverseMemory" in str(caught[0].message)
        assert caught[0].filename == __file__


def test_the_warning_counts_what_was_stored_before():
    patterns = make_patterns(14, 100, random_state=0)
    memory = HebbianMemory().fit(patterns[:8])
    with pytest.warns(CapacityWarning, match="stores 14 patterns"):
        memory.partial_fit(patterns[8:])


@pytest.mark.parametrize("options", [{"target": "y"}, {"activation": "identity"}, {"activation": "step"}])
def test_the_limit_is_that_of_sign_feedback(options):
    patterns = make_patterns(30, 100, random_state=0)
    HebbianMemory(**options).fit(patterns, patterns)  # a warning would be an error


def test_a_block_at_a_time_gives_the_same_integers():
    patterns = make_patterns(5, 40, random_state=0)
    with config_context(working_memory=1e-6):
        streamed = HebbianMemory().fit(patterns)
    np.testing.assert_array_equal(streamed.correlation_, HebbianMemory().fit(patterns).correlation_)

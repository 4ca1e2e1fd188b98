"""Measured capacity: of memories whose curve is known, of foreign ones, alike for every number of jobs."""

import math
import warnings
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline

from skamem import BipolarEncoder, HebbianMemory, HopfieldNetwork, PseudoinverseMemory, WillshawMemory
from skamem.analysis import CapacityCurve, bit_error_probability, capacity_curve, retrieval_overlap
from skamem.datasets import corrupt, make_patterns


class Perfect:
    """A foreign memory that knows the nearest pattern: it has fit and predict, and that is all."""

    def fit(self, X, y=None):
        self.patterns, self.answers = X, X if y is None else y

    def predict(self, X):
        return self.answers[np.argmax(np.nan_to_num(X) @ self.patterns.T, axis=1)]


class Forgetful(Perfect):
    """Keeps the first three patterns, and inverts the others' last unit."""

    def predict(self, X):
        recalled = X.copy()
        recalled[3:, -1] *= -1
        return recalled


def pairs(n_patterns, n_units, *, random_state):
    return make_patterns(n_patterns, n_units, random_state=random_state), np.arange(n_patterns) % 3


@pytest.mark.parametrize("options", [{}, {"rate": 0.1}, {"corruption": "mask", "rate": 0.3}, {"patterns": pairs}])
def test_a_perfect_memory_recalls_everything(options):
    curve = capacity_curve(Perfect(), 200, n_patterns=[1, 5, 20], n_seeds=2, random_state=0, **options)
    assert_array_equal(curve.n_patterns, [1, 5, 20])
    for measure, value in (("recalled", 1), ("units_right", 1), ("overlap", 1), ("bit_error", 0)):
        assert_array_equal(curve.mean(measure), value)
        assert_array_equal(curve.standard_error(measure), 0)
    assert all(map(math.isnan, curve.capacity()))


def test_shares_are_counted():
    curve = capacity_curve(Forgetful(), 10, n_patterns=[3, 4, 12], n_seeds=2, random_state=0)
    assert_allclose(curve.recalled, [[1, 1], [3 / 4, 3 / 4], [1 / 4, 1 / 4]])
    assert_allclose(curve.mean("bit_error"), [0, 1 / 40, 9 / 120])
    assert_allclose(curve.mean("overlap"), 1 - 2 * curve.mean("bit_error"))
    assert_allclose(curve.loads, [0.3, 0.4, 1.2])
    assert_allclose(curve.capacity(0.5), [8, 0])
    assert_allclose(curve.capacity(1 / 80, measure="bit_error"), [3.5, 0])


def test_the_given_memory_is_left_alone():
    foreign, ours = Perfect(), HebbianMemory(random_state=7)
    for memory in (foreign, ours):
        capacity_curve(memory, 20, n_patterns=[2], n_seeds=1)
    assert not hasattr(foreign, "patterns")
    assert not hasattr(ours, "n_patterns_")
    assert ours.random_state == 7


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize(
    "memory", [HopfieldNetwork(random_state=0), make_pipeline(BipolarEncoder(), HopfieldNetwork())]
)
def test_numbers_do_not_depend_on_jobs_or_progress(memory, n_jobs):
    options = {"n_units": 40, "loads": [0.1, 0.3], "n_seeds": 3, "rate": 0.1, "random_state": 1}
    calls = []
    found = capacity_curve(memory, n_jobs=n_jobs, progress=lambda *call: calls.append(call), **options)
    expected = capacity_curve(memory, **options)
    assert_array_equal(found.recalled, expected.recalled)
    assert_array_equal(found.units_right, expected.units_right)
    assert calls == [(done, 6) for done in range(1, 7)]
    assert 0 < expected.mean()[-1] < 1, "or the test is too easy"
    assert not np.array_equal(capacity_curve(memory, **options | {"random_state": 2}).units_right, found.units_right)


def test_seeds_are_drawn_one_by_one():
    curve = capacity_curve(HebbianMemory(zero_diagonal=True), 50, loads=[0.2], n_seeds=6, random_state=0)
    assert len(np.unique(curve.units_right)) > 1
    assert_allclose(curve.standard_error(), curve.recalled.std(axis=1, ddof=1) / math.sqrt(6))


def test_errors_of_one_step_are_those_predicted():
    # 30 draws, 4 of their standard errors: it fails without a mistake in 4 cases of 10,000, for each of three loads.
    memory = HebbianMemory(n_recall_steps=1, zero_diagonal=True)
    curve = capacity_curve(memory, 100, loads=[0.15, 0.2, 0.3], n_seeds=30, random_state=0)
    law = bit_error_probability(100, curve.n_patterns)
    assert np.all(np.abs(curve.mean("bit_error") - law) < 4 * curve.standard_error("bit_error"))


def test_known_limits():
    # The projection keeps independent patterns; 40 random ones of 50 units are dependent with a negligible probability.
    # It repairs hardly any of them.
    memory, options = PseudoinverseMemory(), {"n_patterns": [10, 40], "n_seeds": 3, "random_state": 0}
    assert_array_equal(capacity_curve(memory, 50, **options).mean(), 1)
    repaired = capacity_curve(memory, 50, rate=0.1, **options).mean()
    assert repaired[0] > 0.9 > 0.1 > repaired[1]


def test_overlaps_after_feedback_are_those_of_theory():
    # Single draws spread by .0003 at load .1, where infinite networks keep .9980. At .16 those keep nothing, these .75,
    # with a spread of .02: finite networks have no sharp limit.
    overlap = capacity_curve(HopfieldNetwork(), 1000, loads=[0.1, 0.16], n_seeds=2, random_state=0).mean("overlap")
    assert overlap[0] == pytest.approx(retrieval_overlap(0.1), abs=0.002)
    assert overlap[1] < 0.9


def test_sparse_patterns_of_a_willshaw_net():
    maker = partial(make_patterns, activity=0.06, coding="binary")
    curve = capacity_curve(WillshawMemory(), 100, n_patterns=[20, 400], patterns=maker, n_seeds=2, random_state=0)
    assert curve.mean()[0] > 0.8 > 0.2 > curve.mean()[1]


def test_real_values_may_be_off_by_the_tolerance():
    class Vague(Perfect):
        def predict(self, X):
            return super().predict(X) + 0.1

    options = {"n_units": 30, "n_patterns": [4], "n_seeds": 1}
    assert capacity_curve(Vague(), tolerance=0.2, **options).mean() == [1]
    assert capacity_curve(Vague(), **options).mean("units_right") == [0]


def test_overload_is_no_news_but_other_warnings_are():
    class Warning_(Perfect):
        def fit(self, X, y=None):
            warnings.warn("strange patterns", UserWarning, stacklevel=1)
            super().fit(X, y)

    capacity_curve(HebbianMemory(), 20, n_patterns=[30], n_seeds=2, n_jobs=2)  # warnings are errors here
    with pytest.warns(UserWarning, match="strange"):
        capacity_curve(Warning_(), 20, n_patterns=[3], n_seeds=1)


def test_loads_are_rounded_sorted_and_taken_once():
    curve = capacity_curve(Perfect(), 100, loads=[0.302, 0.001, 0.298, 0.1], n_seeds=1)
    assert_array_equal(curve.n_patterns, [1, 10, 30])
    assert np.isnan(curve.standard_error()).all()


def curve_of(*rows):
    recalled = np.asarray(rows, dtype=float)
    return CapacityCurve(10, np.arange(1, 1 + len(rows)) * 10, recalled, 1 - (1 - recalled) / 2)


def test_capacity_is_where_the_mean_first_crosses():
    curve = curve_of([1, 1], [0.4, 0.6], [0.6, 0.8], [0, 0])
    assert_allclose(curve.capacity(0.75)[0], 15)
    assert_allclose(curve.capacity(0.9, measure="units_right")[0], curve.capacity(0.8)[0])
    # The jackknife: without either seed the line is the other seed's.
    left_out = [(10 + 10 * 0.25 / 0.4), (10 + 10 * 0.25 / 0.6)]
    assert_allclose(curve.capacity(0.75)[1], abs(left_out[0] - left_out[1]) / 2)
    assert math.isnan(curve_of([1], [0.2]).capacity()[1])
    assert math.isnan(curve_of([1, 1], [0.9, 0.8]).capacity()[0])


def test_frames():
    pytest.importorskip("pandas")
    curve = curve_of([1, 1], [0.4, 0.6])
    frame = curve.to_frame()
    assert list(frame) == ["n_patterns", "load", "recalled", "recalled_error", "units_right", "units_right_error"]
    assert_array_equal(frame["recalled"], curve.mean())
    assert_array_equal(frame["units_right_error"], curve.standard_error("units_right"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "found neither of loads and n_patterns"),
        ({"loads": [0.1], "n_patterns": [1]}, "found both of loads and n_patterns"),
        ({"loads": []}, "expected a list of numbers > 0"),
        ({"loads": [0.1, -1]}, "expected a list of numbers > 0"),
        ({"n_patterns": [1.5]}, "For shares of n_units give loads"),
        ({"loads": [0.1], "n_seeds": 0}, "n_seeds=0 is out of range"),
        ({"loads": [0.1], "rate": 2.0}, "rate=2.0 is out of range"),
        ({"loads": [0.1], "corruption": "burn", "rate": 0.1}, "kind='burn' is not an option"),
        ({"loads": [0.1], "tolerance": -1.0}, "tolerance=-1.0 is out of range"),
    ],
)
def test_bad_input_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        capacity_curve(Perfect(), 20, **options)


def test_what_is_no_memory_is_refused():
    with pytest.raises(TypeError, match="object has no fit; expected a memory"):
        capacity_curve(object(), 20, loads=[0.1])
    with pytest.raises(TypeError, match="BipolarEncoder has no predict"):
        capacity_curve(BipolarEncoder(), 20, loads=[0.1])
    with pytest.raises(ValueError, match="measure='speed' is not an option; expected one of 'recalled'"):
        curve_of([1, 1]).mean("speed")


def test_cues_are_corrupted_patterns():
    seen = []

    class Spy(Perfect):
        def predict(self, X):
            seen.append((self.patterns, X))
            return super().predict(X)

    capacity_curve(Spy(), 40, n_patterns=[5], n_seeds=1, rate=0.25, random_state=0)
    stored, cues = seen[0]
    assert_array_equal((cues != stored).sum(axis=1), 10)
    assert corrupt(stored, "flip", 0.25, random_state=0).shape == cues.shape

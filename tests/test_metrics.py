"""Measures of recall against counting by hand."""

import numpy as np
import pytest

from skamem import metrics
from skamem.datasets import corrupt, make_patterns
from skamem.metrics import exact_recall_score, overlap_score, unit_accuracy

METRICS = {"exact_recall_score": exact_recall_score, "overlap_score": overlap_score, "unit_accuracy": unit_accuracy}
TRUE = make_patterns(40, 10, random_state=0)
RECALLED = corrupt(TRUE, "flip", 0.2, random_state=0)
RECALLED[:10] = TRUE[:10]


def test_every_metric_is_tested():
    assert sorted(METRICS) == sorted(metrics.__all__)


@pytest.mark.parametrize("metric", METRICS)
def test_perfect_recall_scores_1(metric):
    assert METRICS[metric](TRUE, TRUE) == 1.0


def test_values():
    assert unit_accuracy(TRUE, RECALLED) == pytest.approx((10 * 1.0 + 30 * 0.8) / 40)
    assert overlap_score(TRUE, RECALLED) == pytest.approx(np.mean(np.sum(TRUE * RECALLED, axis=1) / 10))
    assert exact_recall_score(TRUE, RECALLED) == 10 / 40


def test_complements_and_chance():
    assert overlap_score(TRUE, -TRUE) == -1.0
    assert unit_accuracy(TRUE, -TRUE) == exact_recall_score(TRUE, -TRUE) == 0.0
    others = make_patterns(1000, 100, random_state=1)
    # Standard deviation of the overlap of 10^5 random units: .0032. A chance failure in 1.7 million seeds.
    assert abs(overlap_score(make_patterns(1000, 100, random_state=2), others)) < 5 * 0.0032


@pytest.mark.parametrize("metric", METRICS)
def test_the_coding_does_not_matter(metric):
    binary = METRICS[metric]((TRUE + 1) / 2, (RECALLED + 1) / 2)
    assert binary == pytest.approx(METRICS[metric](TRUE, RECALLED))


@pytest.mark.parametrize("metric", METRICS)
def test_unknown_truths_are_left_out(metric):
    truth = TRUE.copy()
    truth[:, 6:] = np.nan
    assert METRICS[metric](truth, RECALLED) == pytest.approx(METRICS[metric](TRUE[:, :6], RECALLED[:, :6]))


@pytest.mark.parametrize("metric", METRICS)
def test_bad_input_is_refused(metric):
    with pytest.raises(ValueError, match=r"shape \(40, 10\) and y_pred \(40, 9\); expected the same shape"):
        METRICS[metric](TRUE, RECALLED[:, :9])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        METRICS[metric](TRUE, RECALLED[:9])
    with pytest.raises(ValueError, match="y_pred contains NaN"):
        METRICS[metric](TRUE, corrupt(TRUE, "mask", 0.1, random_state=0))


@pytest.mark.parametrize("metric", METRICS)
def test_every_library_counts_the_same(metric, place, dispatched):
    truth = TRUE.copy()
    truth[:, 6:] = np.nan
    with dispatched():
        for true in (TRUE, truth, TRUE.astype(int)):
            found = METRICS[metric](place.put(true), place.put(RECALLED.astype(true.dtype)))
            assert type(found) is float
            assert found == pytest.approx(METRICS[metric](true, RECALLED))

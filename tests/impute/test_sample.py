"""Samples of streams: even, bounded, and the same however the stream was cut and merged."""

import numpy as np
import pytest

from skamem.impute._sample import sampled


def stream(n_rows=3000, seed=0):
    codes = np.random.default_rng(seed).integers(0, 4, (n_rows, 3)).astype(float)  # 64 different rows, many times each
    codes[::5, 1] = np.nan
    return codes


def parts(codes, cuts, at_most):
    return [
        sampled(part, n_before=start, at_most=at_most)
        for part, start in zip(np.split(codes, cuts), [0, *cuts], strict=True)
    ]


def test_few_rows_are_all_kept_in_their_order():
    codes = stream(100)
    one, two, three = parts(codes, [30, 31], 100)
    for merged in (one.merged(two, 100).merged(three, 100), one.merged(two.merged(three, 100), 100)):
        np.testing.assert_array_equal(merged.codes, codes)
        assert merged.n_seen == 100
        assert merged.had_gaps.tolist() == [False, True, False]


@pytest.mark.parametrize("at_most", [1, 50, 700])
def test_a_stream_cut_anywhere_gives_the_same_sample(at_most):
    codes = stream()
    whole = sampled(codes, n_before=0, at_most=at_most)
    assert len(whole.codes) == at_most
    for cuts in ([10], [1500], [400, 401, 2900]):
        some = parts(codes, cuts, at_most)
        forward, backward = some[0], some[-1]
        for part in some[1:]:
            forward = forward.merged(part, at_most)
        for part in some[-2::-1]:
            backward = part.merged(backward, at_most)
        for merged in (forward, backward):
            np.testing.assert_array_equal(merged.codes, whole.codes)
            np.testing.assert_array_equal(merged.priorities, whole.priorities)
            assert merged.reach == whole.reach


@pytest.mark.parametrize("constant", [False, True])
def test_every_place_has_the_same_chance(constant):
    """Counts by tenths of the stream, of equal rows too: chi-square of 9 degrees, above 33 once in 10⁴ seeds."""
    codes = np.ones((20_000, 2)) if constant else stream(20_000)
    codes = np.c_[codes, np.arange(20_000)]
    if constant:
        codes[:, -1] = codes[:, -1] // 2000
    kept = sampled(codes, n_before=7, at_most=2000).codes[:, -1]
    counts = np.bincount((kept if constant else kept // 2000).astype(int), minlength=10)
    assert ((counts - 200.0) ** 2 / (200.0 * 0.9)).sum() < 33.0


def test_samples_of_other_sizes_keep_what_both_know_all_of():
    codes = stream()
    small, large = sampled(codes[:1500], n_before=0, at_most=30), sampled(codes[1500:], n_before=1500, at_most=600)
    merged = small.merged(large, 600)
    assert merged.reach == small.reach
    assert (merged.priorities <= small.reach).all()
    # About 30 of each half: 60 give or take 5.5, 5 standard errors.
    assert 33 < len(merged.codes) < 88


def test_zeros_and_gaps_have_one_priority_each():
    one = np.asarray([[0.0, np.nan, 2.0]])
    other = np.asarray([[-0.0, -np.nan, 2.0]])
    first, second = (sampled(codes, n_before=3, at_most=5).priorities for codes in (one, other))
    np.testing.assert_array_equal(first, second)

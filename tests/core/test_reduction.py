"""Which parts are merged with which depends on their number and their order alone."""

import numpy as np
import pytest

from skamem.core.reduction import PairwiseReduction


def reduced(parts, merge="({}{})".format):
    reduction = PairwiseReduction(merge)
    for part in parts:
        reduction.add(part)
    return reduction.result()


@pytest.mark.parametrize("n_parts", range(1, 18))
def test_parts_keep_their_order(n_parts):
    names = [chr(ord("a") + part) for part in range(n_parts)]
    assert reduced(names).replace("(", "").replace(")", "") == "".join(names)


@pytest.mark.parametrize("length", [1, 2, 4, 8])
@pytest.mark.parametrize("n_parts", range(1, 18))
def test_roots_of_windows_give_the_same_tree(n_parts, length):
    names = [chr(ord("a") + part) for part in range(n_parts)]
    windows = [reduced(names[start : start + length]) for start in range(0, n_parts, length)]
    assert reduced(windows) == reduced(names)


def test_what_was_there_before_is_merged_last():
    reduction = PairwiseReduction("({}{})".format)
    reduction.add("0", first=True)
    for part in "abc":
        reduction.add(part)
    assert reduction.result() == "(0((ab)c))"


def test_nothing_gives_nothing():
    assert reduced([]) is None


def test_sums_of_many_parts_keep_their_digits():
    parts = np.full(2**16 - 1, 0.1, dtype=np.float32)
    assert reduced(parts, np.add) == pytest.approx(6553.5, rel=1e-6)
    assert abs(float(np.cumsum(parts)[-1]) - 6553.5) > 1e-2  # one after the other they do not

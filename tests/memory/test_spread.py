"""Centre, variance and unit of patterns, whatever their offset and their scale."""

import numpy as np
import pytest

from skamem.memory._spread import by_content, evenly, half_norms, measured_spread

RNG = np.random.default_rng(0)
PATTERNS = RNG.standard_normal((80, 7)) * np.asarray([1.0, 2.0, 1.0, 0.5, 1.0, 3.0, 0.0])
KNOWN = RNG.random(PATTERNS.shape) < 0.7
WEIGHT = RNG.uniform(0.5, 2.0, 80)


@pytest.mark.parametrize("known", [None, KNOWN])
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (1e-150, 0.0), (1e150, 0.0), (1.0, 1e8), (1e-140, 1e-132)])
def test_moments_are_those_of_the_known_entries(known, weight, scale, offset):
    found = measured_spread(scale * PATTERNS + offset, known, weight, owner="memory")
    counted = (np.ones_like(PATTERNS) if known is None else known) * (1.0 if weight is None else weight[:, None])
    centre = (counted * PATTERNS).sum(axis=0) / counted.sum(axis=0)
    deviations = (PATTERNS - centre) * (counted > 0)
    tolerance = 1e-12 + 1e-15 * abs(offset / scale)
    np.testing.assert_allclose((found.centre - offset) / scale, centre, atol=10 * tolerance)
    variance = (counted * deviations**2).sum() / counted.sum()
    assert float(found.variance) / scale / scale == pytest.approx(variance, rel=10 * tolerance)
    np.testing.assert_allclose(
        found.half_norms / scale / scale, 0.5 * (deviations**2).sum(axis=1), rtol=1e-6, atol=10 * tolerance
    )
    assert 2 ** round(np.log2(found.unit)) == found.unit
    assert 0.7 <= found.unit / scale / variance**0.5 <= 1.5
    assert found.is_offset == (offset > 0)


def test_patterns_that_are_all_the_same_have_a_unit():
    same = measured_spread(np.full((3, 2), 5.0), None, None, owner="memory")
    assert same.unit == 1.0
    assert float(same.variance) == 0.0
    np.testing.assert_array_equal(half_norms(np.full((3, 2), 5.0), same.centre, same.unit), np.zeros(3))


@pytest.mark.parametrize(
    ("dtype", "scale"), [("float64", 1e160), ("float64", 1e-160), ("float32", 1e20), ("float32", 1e-22)]
)
def test_what_has_no_square_is_refused(dtype, scale):
    with pytest.raises(ValueError, match=r"found patterns that deviate by up to .*expected a number between .*Scale X"):
        measured_spread((scale * PATTERNS).astype(dtype), None, None, owner="memory")


@pytest.mark.parametrize("known", [None, KNOWN])
def test_an_order_by_content_does_not_depend_on_places_offsets_or_units(known):
    def order(patterns, known):
        return by_content(patterns, known, measured_spread(patterns, known, None, owner="memory"))

    found = order(PATTERNS, known)
    assert sorted(found.tolist()) == list(range(80))
    shuffle = RNG.permutation(80)
    np.testing.assert_array_equal(shuffle[order(PATTERNS[shuffle], None if known is None else known[shuffle])], found)
    np.testing.assert_array_equal(order(3e-9 * PATTERNS + 0.1, known), found)
    assert evenly(found, 200).tolist() == found.tolist()
    assert evenly(np.arange(100), 4).tolist() == [12, 37, 62, 87]

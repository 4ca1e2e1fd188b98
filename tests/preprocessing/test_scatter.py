"""Scatter within groups and in total: what it sums, that it merges, and the shrinkage it asks for."""

import numpy as np
import pytest

from skamem.core.scatter import unit_of
from skamem.preprocessing import _scatter

RNG = np.random.RandomState(0)
GROUPS = RNG.randint(6, size=50)
WEIGHTS = RNG.randint(1, 4, size=50).astype(float)
X = RNG.standard_normal((50, 4)) + RNG.standard_normal((6, 4))[GROUPS]


def scatter_of(X, groups, weight=None):
    labels, codes = np.unique(groups, return_inverse=True)
    return _scatter.grouped_scatter(X, codes, labels, weight)


def check_same(found, expected, rtol=1e-12):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        size = np.max(np.abs(value)) if np.asarray(value).dtype.kind == "f" else 0
        np.testing.assert_allclose(found[name], value, rtol=rtol, atol=rtol * size, err_msg=name)


@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_sums_are_those_of_repeated_rows(offset):
    rows = np.repeat(X, WEIGHTS.astype(int), axis=0)
    groups = np.repeat(GROUPS, WEIGHTS.astype(int))
    found = scatter_of(X + offset, GROUPS, WEIGHTS)
    check_same({**found, "mean": found["mean"] - offset, "means": found["means"] - offset}, scatter_of(rows, groups),
               rtol=1e-12 if offset == 0 else 1e-6)  # fmt: skip
    centred = rows - rows.mean(axis=0)
    np.testing.assert_allclose(found["total"], centred.T @ centred, rtol=1e-5, atol=1e-5)
    within = rows - np.stack([rows[groups == group].mean(axis=0) for group in range(6)])[groups]
    np.testing.assert_allclose(found["within"], within.T @ within, rtol=1e-5, atol=1e-5)
    for group in range(6):
        np.testing.assert_allclose(found["spreads"][group], (within[groups == group] ** 2).sum(axis=0), rtol=1e-5)


@pytest.mark.parametrize("offset", [0.0, 1e8])
@pytest.mark.parametrize("cuts", [(25,), (1, 2, 49), (10, 20, 30, 40)])
def test_merged_parts_are_the_whole_in_any_order(cuts, offset):
    whole, moved = scatter_of(X, GROUPS, WEIGHTS), X + offset
    parts = [scatter_of(moved[rows], GROUPS[rows], WEIGHTS[rows]) for rows in np.split(np.arange(50), cuts)]
    for order in (parts, parts[::-1]):
        together = order[0]
        for part in order[1:]:
            together = _scatter.merged(together, part)
        together = {**together, "mean": together["mean"] - offset, "means": together["means"] - offset}
        check_same(together, whole, rtol=1e-12 if offset == 0 else 1e-6)


@pytest.mark.parametrize("magnitude", [0.0, 1e-320, 1e-200, 1e-9, 1.0, 1e9, 1e200, 1.7e308])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_units_leave_room_for_squares(magnitude, dtype):
    rows = np.full((2, 2), min(magnitude, float(np.finfo(dtype).max)), dtype=dtype)
    unit = unit_of(rows)
    assert np.log2(unit) == round(np.log2(unit))
    squares = (rows / dtype(unit)) ** 2
    assert squares.max() < np.finfo(dtype).max ** 0.9
    assert squares.max() > 1 or rows.max() < np.finfo(dtype).smallest_normal


def test_sums_in_other_units_are_those_of_the_rows():
    whole = scatter_of(X, GROUPS, WEIGHTS)
    labels, codes = np.unique(GROUPS, return_inverse=True)
    halves = []
    for rows, unit in ((slice(0, 20), 0.25), (slice(20, 50), 2.0**9)):
        present, inside = np.unique(codes[rows], return_inverse=True)
        halves.append(_scatter.grouped_scatter(X[rows] / unit, inside, labels[present], WEIGHTS[rows], unit))
    for one, other in (halves, halves[::-1]):
        found = _scatter.merged(one, other)
        assert found["unit"] == 2.0**9
        back = {name: 2.0**9 * found[name] for name in ("mean", "means")}
        back |= {name: 2.0**18 * found[name] for name in ("spreads", "within", "total")}
        check_same(found | back | {"unit": 1.0}, whole)


def test_effective_rows_are_the_rows_where_groups_are_alike():
    """Gaussian rows of one scatter: one estimate of 2000 (groups of two) has a standard deviation of about 5 %."""
    rng = np.random.RandomState(0)
    groups = np.repeat(np.arange(1000), 4)
    rows = rng.standard_normal((4000, 6)) * [1.0, 2.0, 0.5, 3.0, 1.0, 2.0]
    assert _scatter.effective_rows(scatter_of(rows, groups)) == pytest.approx(3000 * (4 / 3) ** 0, rel=0.25)
    factor = np.where(np.arange(1000) % 10 == 0, 5.0, 0.2)[groups][:, None]  # a tenth of the groups has all the scatter
    assert _scatter.effective_rows(scatter_of(rows * factor, groups)) < 600


def test_shrinkage_falls_with_the_rows_and_knows_no_scale():
    rng = np.random.RandomState(0)
    found = []
    for n_groups in (200, 1000, 5000):
        groups = np.repeat(np.arange(n_groups), 3)
        rows = rng.standard_normal((3 * n_groups, 8)) * np.arange(1.0, 9.0)
        found.append(_scatter.shrinkage_of(scatter_of(rows, groups)))
        scaled = scatter_of(np.column_stack([1e-3 * rows, np.full(len(rows), 7.0)]), groups, np.full(len(rows), 0.5))
        assert _scatter.shrinkage_of(scaled) == pytest.approx(found[-1], rel=1e-9)
    assert 0.1 > found[0] > 3 * found[1] > 9 * found[2] > 0  # as 1 / n
    few = rng.standard_normal((30, 100))  # alike in all features
    assert _scatter.shrinkage_of(scatter_of(few, np.arange(30) // 2)) == 0.1
    sphere = scatter_of(np.vstack([np.eye(4), -np.eye(4)]) + 0.0, np.repeat([0], 8))
    assert _scatter.shrinkage_of(sphere) == 0  # a sphere is one already


def test_rank_is_that_of_the_few_directions_that_tell_groups_apart():
    shares = np.asarray([0.01, 0.02, 0.01, 0.9, 0.95, 1.0, 1.0])
    assert _scatter.rank_of(np.sort(shares), weight=1e9, n_groups=10) == 3
    assert _scatter.rank_of(np.ones(5), weight=100, n_groups=10) == 1
    # Two rows a group: half of the scatter within is lost to the means, and shares of .5 tell nothing.
    assert _scatter.rank_of(np.asarray([0.01, 0.5, 0.5, 0.5]), weight=200, n_groups=100) == 1

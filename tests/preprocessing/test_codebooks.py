"""The descent never rises, each of its steps is what brute force finds, and its numbers are those of the rows."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from skamem.preprocessing._codebooks import Descent, first_hierarchy, standardised
from skamem.preprocessing._hierarchy import Hierarchy
from skamem.preprocessing._parts import column_parts, merged, patch_parts

DIGITS = load_digits().data[:500]


def layout(n_levels):
    parts, grid = patch_parts((8, 8), 2, 64)
    return parts, merged(grid, None, n_levels - 1)


def brute_force(hierarchy, X, weights):
    codes = hierarchy.encode(X)
    off = X - hierarchy.decode(hierarchy.part_codes(codes))
    return np.average((off**2).sum(axis=1), weights=weights)


@pytest.mark.parametrize("n_codes", [[8], [4, 12], [8, 64], [4, 8, 20], [3, 3, 3], [16, 4]])
def test_the_distortion_falls_and_is_that_of_the_rows(n_codes):
    X, _, _ = standardised(DIGITS, np.ones(len(DIGITS)))
    weights = np.random.default_rng(0).integers(1, 5, len(X)).astype(float)
    start = first_hierarchy(X, weights, *layout(len(n_codes)), n_codes, n_init=1, seed=0)
    descent = Descent(start, X, weights)
    seen = [descent.distortion]
    while descent.step():
        seen.append(descent.distortion)
        assert seen[-1] == pytest.approx(brute_force(descent.hierarchy, X, weights), rel=1e-10)
        assert len(seen) < 200
    assert np.all(np.diff(seen) < 0)
    assert len(seen) > 1 or n_codes[-1] <= n_codes[0]  # else k-means of the rows has left nothing to do


@pytest.mark.parametrize("n_codes", [[4, 12], [4, 8, 20]])
def test_from_a_bad_start_it_goes_down_too_and_uses_idle_codes(n_codes):
    X, _, _ = standardised(DIGITS, np.ones(len(DIGITS)))
    weights = np.ones(len(X))
    good = first_hierarchy(X, weights, *layout(len(n_codes)), n_codes, n_init=1, seed=0)
    tables = [[table[np.arange(len(table)) // 2] for table in level] for level in good.tables]  # half of the codes idle
    descent = Descent(Hierarchy(good.parts, good.codebooks, good.nodes, tables), X, weights)
    seen = [descent.distortion]
    while descent.step():
        seen.append(descent.distortion)
    assert np.all(np.diff(seen) < 0)
    assert seen[-1] < 1.1 * brute_force(good, X, weights)
    assert len(np.unique(descent.hierarchy.encode(X))) > 0.8 * n_codes[-1]


def test_where_it_ends_no_tuple_and_no_centre_is_better():
    X, _, _ = standardised(DIGITS, np.ones(len(DIGITS)))
    weights = np.ones(len(X))
    parts, nodes = layout(2)
    descent = Descent(first_hierarchy(X, weights, parts, nodes, [4, 10], n_init=1, seed=0), X, weights)
    while descent.step():
        pass
    hierarchy = descent.hierarchy
    codes, table = hierarchy.encode(X)[:, 0], hierarchy.tables[0][0]
    for part, (columns, book) in enumerate(zip(parts, hierarchy.codebooks, strict=True)):
        for code in np.unique(codes):
            members = X[codes == code][:, columns]
            losses = ((members[:, None, :] - book) ** 2).sum(axis=(0, 2))
            assert losses[table[code, part]] <= losses.min() * (1 + 1e-9)
        for value in np.unique(table[codes, part]):
            members = X[table[codes, part] == value][:, columns]
            np.testing.assert_allclose(book[value], members.mean(axis=0), atol=1e-12)


def test_as_many_codes_as_rows_are_exact():
    X, _, _ = standardised(np.unique(DIGITS[:30], axis=0), np.ones(30))
    hierarchy = first_hierarchy(X, np.ones(30), *layout(3), [30, 30, 30], n_init=1, seed=0)
    descent = Descent(hierarchy, X, np.ones(30))
    assert descent.distortion == 0.0
    assert not descent.step()


def test_many_rows_go_by_mini_batches():
    X = np.random.default_rng(0).standard_normal((12_000, 4))
    rows, _, _ = standardised(X, np.ones(len(X)))
    start = first_hierarchy(rows, np.ones(len(X)), column_parts(2, 4), [], [8], n_init=1, seed=0)
    descent = Descent(start, rows, np.ones(len(X)))
    assert descent.step()
    # Eight levels of a two-dimensional Gaussian leave about a quarter of its variance, by Monte Carlo.
    assert 0.2 < descent.distortion / np.sum(rows.var(axis=0)) < 0.3


@pytest.mark.parametrize("factor", [1e-300, 1.0, 1e300])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_rows_are_of_magnitude_one_whatever_their_unit(factor, offset):
    X = (DIGITS[:50] + offset) * factor
    weights = np.arange(1.0, 51.0)
    rows, mean, scale = standardised(X, weights)
    assert 0.5 <= np.abs(rows).max() <= 2.0
    np.testing.assert_allclose(weights @ rows, 0.0, atol=1e-6)
    np.testing.assert_allclose(rows + mean / scale, X / scale, rtol=1e-12)
    assert np.log2(scale) == round(np.log2(scale))


def test_rows_that_are_all_alike_stay():
    rows, mean, scale = standardised(np.full((3, 2), 7.5, dtype=np.float32), np.ones(3))
    assert rows.dtype == np.float32
    assert not rows.any()
    assert mean.tolist() == [7.5, 7.5]
    assert scale > 0

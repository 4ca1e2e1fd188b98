"""Rows are cut into parts, and parts are grouped, so that everything is somewhere once."""

import numpy as np
import pytest

from skamem.preprocessing._parts import column_parts, merged, patch_parts


def is_partition(groups, n):
    return sorted(np.concatenate(groups).tolist()) == list(range(n))


@pytest.mark.parametrize("n_features", [1, 2, 3, 8, 16, 17, 100])
def test_by_default_a_table_is_cut_into_parts_of_eight_columns_at_most(n_features):
    parts = column_parts(None, n_features)
    assert is_partition(parts, n_features)
    assert len(parts) >= min(n_features, 2)
    assert max(map(len, parts)) <= 8


def test_columns_go_by_index_or_by_name():
    names = np.asarray(["a", "b", "c", "d"])
    for groups in ([[3, 0], [1, 2]], [("d", "a"), ["b", "c"]], np.asarray([[3, 0], [2, 1]])):
        assert [part.tolist() for part in column_parts(groups, 4, names)] == [[0, 3], [1, 2]]
    assert [part.tolist() for part in column_parts(["a", ["b", "c", "d"]], 4, names)] == [[0], [1, 2, 3]]
    assert [part.tolist() for part in column_parts(2, 5)] == [[0, 1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("groups", "names", "message"),
    [
        ([[0, 1]], None, "groups leave out columns"),
        ([[0, 1], [1, 2]], None, "groups repeat columns"),
        ([[0, 1], [2, 2]], None, "groups repeat columns"),
        ([[0, 1], [2, 3]], None, "groups have a part"),
        ([[0, 1], [-1]], None, "groups have a part"),
        ([[0, 1], []], None, "groups have a part"),
        ([[0, 1.5], [2]], None, "groups have a part"),
        ([[0, True], [2]], None, "groups have a part"),
        ([["a", 1], [2]], ["a", "b", "c"], "groups have a part"),
        ([["a"], ["b", "z"]], ["a", "b", "c"], "groups name .*'z'.*which X does not have"),
        ([["a"], ["b"]], ["a", "b", "c"], "groups leave out columns .*'c'"),
        ([["a"], ["b"]], None, "groups name columns, .* but X has no names"),
        ([], None, "groups leave out"),
        (4, None, "groups=4 parts of 3 columns"),
        (0, None, "groups=0 parts of 3 columns"),
    ],
)
def test_groups_that_are_no_partition_are_refused(groups, names, message):
    with pytest.raises(ValueError, match=message):
        column_parts(groups, 3, None if names is None else np.asarray(names))


@pytest.mark.parametrize("groups", ["abc", {"a": 1}, 1.5, [0, 1, 2], True])
def test_what_is_no_list_of_lists_is_refused(groups):
    with pytest.raises(TypeError, match="groups"):
        column_parts(groups, 3)


@pytest.mark.parametrize(
    ("shape", "size", "grid"),
    [
        ((8, 8), None, (2, 2)),
        ((28, 28), None, (4, 4)),
        ((8, 8), 3, (3, 3)),
        ((4, 6), (4, 2), (1, 3)),
        ((1, 5), None, (1, 2)),
        ((4, 4, 3), 2, (2, 2)),
    ],
)
def test_patches_cover_the_image_once(shape, size, grid):
    n = int(np.prod(shape))
    parts, found = patch_parts(shape, size, n)
    assert found == grid
    assert len(parts) == grid[0] * grid[1]
    assert is_partition(parts, n)


def test_a_patch_is_a_rectangle_of_the_image():
    parts, _ = patch_parts((4, 4), 2, 16)
    assert [part.tolist() for part in parts] == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]
    coloured, _ = patch_parts((2, 2, 3), (1, 2), 12)
    assert [part.tolist() for part in coloured] == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]


def test_images_of_another_size_and_larger_patches_are_refused():
    with pytest.raises(ValueError, match=r"image_shape=\(8, 8\) has 64 values, but X has 60 columns"):
        patch_parts((8, 8), None, 60)
    with pytest.raises(ValueError, match=r"patch_size=\(9, 2\) is larger than the image"):
        patch_parts((8, 8), (9, 2), 64)


def test_neighbours_are_merged_along_each_axis():
    levels = merged((4, 4), None, 2)
    assert [group.tolist() for group in levels[0]] == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]
    assert [group.tolist() for group in levels[1]] == [[0, 1, 2, 3]]
    assert [group.tolist() for group in merged((5,), 2, 1)[0]] == [[0, 1], [2, 3], [4]]
    assert [group.tolist() for group in merged((2, 3), (1, None), 2)[0]] == [[0], [1], [2], [3], [4], [5]]
    assert merged((3,), None, 0) == []


@pytest.mark.parametrize("grid", [(1,), (7,), (3, 5), (1, 1)])
@pytest.mark.parametrize("merge", [None, 1, 2, 10**9, (2, None, 1)])
def test_every_code_has_one_code_above(grid, merge):
    n = int(np.prod(grid))
    for level in merged(grid, merge, 3):
        assert is_partition(level, n)
        n = len(level)

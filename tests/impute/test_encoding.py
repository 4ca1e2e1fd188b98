"""Features as columns and back."""

import numpy as np
import pytest

from skamem.impute._encoding import learnt_encoding

CODES = np.asarray([[1.0, 0.0], [2.0, 1.0], [np.nan, 1.0], [4.0, np.nan], [5.0, 2.0]])
IS_CATEGORY = np.asarray([False, True])


def test_columns_are_standardised_and_codes_come_back():
    encoding = learnt_encoding(CODES, IS_CATEGORY)
    columns, known = encoding.columns(CODES)
    assert columns.shape == (5, 4)
    for column, there in zip(columns.T, known.T):
        assert abs(column[there].mean()) < 1e-12
        assert abs(column[there].std() - 1.0) < 1e-12
        assert (column[~there] == 0.0).all()
    back = encoding.codes(encoding.scores(columns))
    given = ~np.isnan(CODES)
    np.testing.assert_allclose(back[given], CODES[given])
    assert encoding.scores(columns)[3, 1:].sum() == pytest.approx(1.0)  # shares of the vote
    np.testing.assert_allclose([encoding.importance[:1].sum(), encoding.importance[1:].sum()], 1.0)


@pytest.mark.parametrize("scale", [1e-300, 1e-12, 1.0, 1e12, 1e300])
def test_any_scale_and_offset(scale):
    codes = CODES[:, :1] * scale + 3.0 * scale
    columns, _ = learnt_encoding(codes, np.asarray([False])).columns(codes)
    expected, _ = learnt_encoding(CODES[:, :1], np.asarray([False])).columns(CODES[:, :1])
    np.testing.assert_allclose(columns, expected, rtol=1e-9)


def test_only_frequent_categories_have_columns():
    alone = learnt_encoding(np.arange(50.0)[:, None], np.asarray([True]))
    assert len(alone.feature) == 1
    often = np.repeat(np.arange(50.0), np.arange(50) + 1)[:, None]
    assert learnt_encoding(often, np.asarray([True])).level.tolist() == list(range(20, 50))
    many = learnt_encoding(np.tile(often, (1, 60)), np.ones(60, bool))
    assert len(many.feature) == 240


def test_features_of_which_nothing_is_known_have_no_column():
    encoding = learnt_encoding(np.full((3, 2), np.nan), IS_CATEGORY)
    assert encoding.columns(np.full((3, 2), np.nan))[0].shape == (3, 0)
    assert list(encoding.blocks()) == []

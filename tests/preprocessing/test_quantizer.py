"""HierarchicalVectorQuantizer: laws of its score, codes and rates, and what users do with it."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skamem import HierarchicalVectorQuantizer

DIGITS, LABELS = (part[:600] for part in load_digits(return_X_y=True))
NEW = load_digits().data[600:900]
SETTINGS = {
    "one part, one level": {"n_codes": 10, "groups": 1},
    "parts": {"n_codes": 8, "image_shape": (8, 8)},
    "default": {},
    "two levels": {"n_codes": (8, 32), "image_shape": (8, 8)},
    "two levels, four codes a row": {"n_codes": (8, 16), "image_shape": (8, 8), "patch_size": 2, "merge": 2},
    "three levels": {"n_codes": (4, 8, 32), "image_shape": (8, 8), "patch_size": 2},
    "uneven patches": {"n_codes": (4, 8), "image_shape": (8, 8), "patch_size": 3},
    "columns": {"n_codes": (6, 20), "groups": [range(0, 64, 3), range(1, 64, 3), range(2, 64, 3)]},
}


def quantizer(name, **more):
    return HierarchicalVectorQuantizer(**{"random_state": 0, **SETTINGS[name], **more})


def distortion(X, restored, weights=None):
    return np.average(((X - restored) ** 2).sum(axis=1), weights=weights)


every_setting = pytest.mark.parametrize("name", SETTINGS)


# ------------------------------------------------------------------------------------------------------------- laws


@every_setting
def test_the_distortion_never_rises_and_ends_as_the_score(name):
    fitted = quantizer(name, tol=0.0).fit(DIGITS)
    assert np.all(np.diff(fitted.distortion_curve_) < 0)
    assert fitted.n_iter_ == len(fitted.distortion_curve_) >= 1
    assert -fitted.score(DIGITS) == pytest.approx(fitted.distortion_curve_[-1], rel=1e-9)


@every_setting
@pytest.mark.parametrize("output", ["codes", "top", "one-hot"])
def test_the_score_is_brute_force_and_decoding_undoes_coding(name, output):
    fitted = quantizer(name, output=output).fit(DIGITS)
    codes = fitted.transform(NEW)
    restored = fitted.inverse_transform(codes)
    weights = np.arange(len(NEW)) % 3
    np.testing.assert_allclose(fitted.quantize(NEW), restored, rtol=1e-12)
    assert -fitted.score(NEW) == pytest.approx(distortion(NEW, restored), rel=1e-9)
    assert -fitted.score(NEW, sample_weight=weights) == pytest.approx(distortion(NEW, restored, weights), rel=1e-9)
    np.testing.assert_allclose(fitted.inverse_transform(fitted.transform(restored)), restored, rtol=1e-12)
    assert codes.shape == (len(NEW), len(fitted.get_feature_names_out()))


@every_setting
def test_rate_and_numbers_stored_are_counted(name):
    fitted = quantizer(name).fit(DIGITS)
    top = clone(fitted).set_params(output="top").fit(DIGITS).transform(DIGITS)
    last = fitted.tables_[-1] if fitted.tables_ else fitted.codebooks_
    assert fitted.rate_ == pytest.approx(sum(np.log2(len(book)) for book in last))
    assert all(column.max() < len(book) for column, book in zip(top.T, last, strict=True))
    stored = [*fitted.codebooks_, *(table for level in fitted.tables_ for table in level)]
    assert fitted.n_stored_ == sum(map(np.size, stored))
    assert len(np.unique(fitted.quantize(DIGITS), axis=0)) <= 2**fitted.rate_ * (1 + 1e-9)


def test_one_part_and_one_level_are_k_means():
    fitted = quantizer("one part, one level", tol=0.0).fit(DIGITS)
    (centres,) = fitted.codebooks_
    means = KMeans(10, init=centres, n_init=1, tol=0.0).fit(DIGITS)
    np.testing.assert_allclose(means.cluster_centers_, centres, atol=1e-9)
    assert -fitted.score(DIGITS) * len(DIGITS) == pytest.approx(means.inertia_)
    np.testing.assert_array_equal(fitted.transform(NEW)[:, 0], means.predict(NEW))
    starts = [KMeans(10, n_init=1, random_state=seed).fit(DIGITS).inertia_ for seed in range(10)]
    assert min(starts) * 0.98 < means.inertia_ < max(starts) * 1.02


def test_one_level_is_k_means_of_each_part():
    fitted = quantizer("parts", tol=0.0).fit(DIGITS)
    for part, columns in enumerate(fitted.parts_):
        means = KMeans(8, init=fitted.codebooks_[part], n_init=1, tol=0.0).fit(DIGITS[:, columns])
        np.testing.assert_allclose(means.cluster_centers_, fitted.codebooks_[part], atol=1e-9)
        np.testing.assert_array_equal(fitted.transform(DIGITS)[:, part], means.labels_)


@pytest.mark.parametrize("n_codes", [8, (8, 32)])
def test_the_order_of_groups_columns_and_rows_does_not_matter(n_codes):
    groups = [list(range(start, 64, 4)) for start in range(4)]
    fitted = HierarchicalVectorQuantizer(n_codes, groups=groups, random_state=0).fit(DIGITS)
    turned = [groups[place][::-1] for place in (2, 0, 3, 1)]
    other = HierarchicalVectorQuantizer(n_codes, groups=turned, random_state=0).fit(DIGITS[::-1])
    np.testing.assert_allclose(other.quantize(NEW), fitted.quantize(NEW), rtol=1e-9)
    np.testing.assert_allclose(other.transform(NEW), fitted.transform(NEW)[:, [2, 0, 3, 1]])
    assert other.distortion_curve_ == pytest.approx(fitted.distortion_curve_, rel=1e-9)


def test_weights_are_repeats_and_rows_of_weight_zero_are_not_there():
    weights = np.random.default_rng(0).integers(0, 4, len(DIGITS))
    heavy = DIGITS.copy()
    heavy[weights == 0] = 1e9
    weighted = quantizer("two levels").fit(heavy, sample_weight=weights)
    repeated = quantizer("two levels").fit(np.repeat(DIGITS, weights, axis=0))
    np.testing.assert_allclose(weighted.quantize(NEW), repeated.quantize(NEW), rtol=1e-9, atol=1e-12)
    scaled = quantizer("two levels").fit(heavy, sample_weight=1e-200 * weights)
    np.testing.assert_allclose(scaled.quantize(NEW), repeated.quantize(NEW), rtol=1e-9, atol=1e-12)


def test_more_bits_and_more_numbers_lower_the_distortion():
    found = [-quantizer("two levels", n_codes=n_codes).fit(DIGITS).score(DIGITS) for n_codes in ((4, 32), (16, 32))]
    assert found[0] > found[1]
    found = [-quantizer("parts", n_codes=n_codes).fit(DIGITS).score(NEW) for n_codes in (2, 8, 32)]
    assert found[0] > found[1] > found[2]
    # Parts alone: more bits than a flat book of as many numbers, and nearer.
    flat = KMeans(32, n_init=10, random_state=0).fit(DIGITS)
    assert found[2] < distortion(NEW, flat.cluster_centers_[flat.predict(NEW)])


def test_two_levels_store_less_than_a_flat_book_of_their_rate_and_no_less_distorted():
    two = quantizer("two levels", n_codes=(16, 64)).fit(DIGITS)
    flat = KMeans(64, n_init=10, random_state=0).fit(DIGITS)
    assert two.rate_ == 6.0
    assert two.n_stored_ == 16 * 64 + 64 * 4 < flat.cluster_centers_.size / 3
    assert distortion(DIGITS, two.quantize(DIGITS)) > flat.inertia_ / len(DIGITS)
    equal = KMeans(two.n_stored_ // 64, n_init=10, random_state=0).fit(DIGITS)  # as many numbers
    assert -two.score(DIGITS) < equal.inertia_ / len(DIGITS)


# --------------------------------------------------------------------------------------------------- unusual data


def test_fewer_distinct_rows_than_codes_are_kept_exactly():
    X = np.tile(DIGITS[:5], (10, 1))
    fitted = quantizer("two levels").fit(X)
    assert fitted.rate_ == pytest.approx(np.log2(5))
    np.testing.assert_allclose(fitted.quantize(X), X, atol=1e-12)
    assert fitted.distortion_curve_ == [pytest.approx(0.0, abs=1e-20)]


def test_constant_columns_and_tables_take_one_code():
    X = DIGITS.copy()
    X[:, :32] = 3.0
    fitted = quantizer("parts").fit(X)
    assert [len(book) for book in fitted.codebooks_] == [1, 1, 8, 8]
    np.testing.assert_allclose(fitted.quantize(X)[:, :32], 3.0)
    same = HierarchicalVectorQuantizer().fit(np.full((6, 5), 2.5))
    assert same.rate_ == 0.0
    assert same.score(np.full((2, 5), 2.5)) == 0.0
    assert quantizer("one part, one level").fit(DIGITS[:1]).transform(NEW).max() == 0


@pytest.mark.parametrize("factor", [2.0**-500, 2.0**500])
def test_units_do_not_matter(factor):
    fitted, plain = quantizer("two levels").fit(DIGITS * factor), quantizer("two levels").fit(DIGITS)
    np.testing.assert_array_equal(fitted.transform(NEW * factor), plain.transform(NEW))
    np.testing.assert_allclose(fitted.quantize(NEW * factor), plain.quantize(NEW) * factor, rtol=1e-12)


@pytest.mark.parametrize("factor", [2.0**-700, 2.0**700])
def test_units_whose_squares_no_float_holds_are_refused(factor):
    with pytest.raises(ValueError, match=r"whose square no float holds.*Divide X by its magnitude"):
        quantizer("two levels").fit(DIGITS * factor)
    few = DIGITS[:3] * factor  # kept exactly: nothing is lost
    assert quantizer("two levels").fit(few).distortion_curve_ == [0.0]


def test_an_offset_costs_no_codes():
    fitted = quantizer("two levels", output="top").fit(DIGITS + 2.0**30)
    every = fitted.inverse_transform(np.arange(32)[:, None]) - 2.0**30
    least = ((NEW[:, None, :] - every) ** 2).sum(axis=2).min(axis=1)
    assert -fitted.score(NEW + 2.0**30) == pytest.approx(least.mean(), rel=1e-7)
    assert fitted.score(NEW + 2.0**30) == pytest.approx(quantizer("two levels").fit(DIGITS).score(NEW), rel=0.05)


def test_far_rows_get_the_code_on_their_side():
    fitted = HierarchicalVectorQuantizer(2, groups=1, random_state=0).fit([[0.0, 0.0], [1.0, 1.0], [0.1, 0.0]])
    codes = fitted.transform([[-1e300, 0.0], [1e300, 1e300], [1.7e308, -1.0]])[:, 0]
    near = fitted.transform([[-10.0, 0.0], [10.0, 10.0], [10.0, -1.0]])[:, 0]
    np.testing.assert_array_equal(codes, near)
    assert fitted.score([[1e300, 0.0]]) == -np.inf


def test_single_precision_stays_and_agrees():
    single = quantizer("two levels").fit(DIGITS.astype(np.float32))
    double = quantizer("two levels").fit(DIGITS)
    assert {book.dtype for book in single.codebooks_} == {np.dtype(np.float32)}
    assert single.quantize(NEW.astype(np.float32)).dtype == np.float32
    assert single.inverse_transform(single.transform(NEW)).dtype == np.float32
    assert single.score(NEW) == pytest.approx(double.score(NEW), rel=0.03)  # other near ties on the way, at most


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_unknown_and_infinite_values_are_refused_and_nothing_changes(wrong):
    X = DIGITS.copy()
    X[3, 5] = wrong
    fitted = quantizer("two levels").fit(DIGITS)
    before = dict(vars(fitted))
    with pytest.raises(ValueError, match="contains (NaN|infinity)"):
        fitted.fit(X)
    assert vars(fitted) == before
    with pytest.raises(ValueError, match="contains (NaN|infinity)"):
        fitted.transform(X)


# ------------------------------------------------------------------------------------------------------ parameters


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_codes": 0}, "n_codes=0 is out of range"),
        ({"n_codes": (8, 0)}, "n_codes=0 is out of range"),
        ({"n_codes": ()}, "n_codes"),
        ({"image_shape": (8, 8), "groups": 2}, "expected one of them"),
        ({"image_shape": (8, 9)}, "has 72 values, but X has 64 columns"),
        ({"image_shape": (64,)}, "image_shape=.* has 1 entries"),
        ({"image_shape": (8, 8), "patch_size": 9}, "larger than the image"),
        ({"patch_size": 2}, "patch_size=2 without image_shape"),
        ({"n_codes": (4, 8), "merge": (2, 2)}, r"merge=\(2, 2\) has 2 entries; expected 1"),
        ({"groups": 65}, "groups=65 parts of 64 columns"),
        ({"groups": [["a"], ["b"]]}, "X has no names"),
        ({"groups": [range(60)]}, "groups leave out columns"),
        ({"output": "bits"}, "output='bits' is not an option"),
        ({"max_iter": 0}, "max_iter=0 is out of range"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises((ValueError, TypeError), match=message):
        HierarchicalVectorQuantizer(**settings).fit(DIGITS)


def test_codes_that_there_are_not_are_refused():
    fitted = quantizer("two levels").fit(DIGITS)
    with pytest.raises(ValueError, match="X has 3 columns; expected 4, one for each code"):
        fitted.inverse_transform([[0, 0, 0]])
    with pytest.raises(ValueError, match="codes that there are not"):
        fitted.inverse_transform([[0, 0, 0, 8]])
    with pytest.raises(ValueError, match="codes that there are not"):
        fitted.inverse_transform([[0, 0, 0.5, 0]])
    np.testing.assert_array_equal(  # a tuple of codes that the level above does not know
        fitted.inverse_transform([[0, 1, 2, 3]])[0, fitted.parts_[2]], fitted.codebooks_[2][2]
    )


# ------------------------------------------------------------------------------------------------ what users do


def test_columns_of_a_frame_are_grouped_by_name():
    pd = pytest.importorskip("pandas")
    frame = load_iris(as_frame=True).data
    petal, sepal = ([name for name in frame if name.startswith(word)] for word in ("petal", "sepal"))
    fitted = HierarchicalVectorQuantizer((6, 12), groups=[petal, sepal], random_state=0).fit(frame)
    assert [part.tolist() for part in fitted.parts_] == [[2, 3], [0, 1]]
    codes = fitted.set_output(transform="pandas").transform(frame)
    assert isinstance(codes, pd.DataFrame)
    assert codes.columns.tolist() == ["hierarchicalvectorquantizer0", "hierarchicalvectorquantizer1"]
    assert codes.dtypes.tolist() == [np.int64, np.int64]
    assert distortion(frame.to_numpy(), fitted.inverse_transform(codes)) < 0.2 * frame.var().sum()
    with pytest.raises(ValueError, match="which X does not have"):
        HierarchicalVectorQuantizer(groups=[petal, [*sepal[1:], "sepal"]]).fit(frame)


def test_a_search_over_the_numbers_of_codes_takes_the_most():
    search = GridSearchCV(quantizer("two levels"), {"n_codes": [(2, 4), (8, 32)]}, cv=3).fit(DIGITS)
    assert search.best_params_ == {"n_codes": (8, 32)}
    assert search.cv_results_["mean_test_score"].max() < 0


def test_one_hot_codes_feed_a_linear_model():
    pipeline = make_pipeline(
        StandardScaler(),
        HierarchicalVectorQuantizer(32, image_shape=(8, 8), patch_size=4, output="one-hot", random_state=0),
        LogisticRegression(),
    )
    pipeline.fit(DIGITS, LABELS)
    labels = load_digits().target[600:900]
    assert pipeline.score(NEW, labels) > 0.8
    hot = pipeline[:-1].transform(NEW)
    assert set(np.unique(hot)) == {0.0, 1.0}
    np.testing.assert_array_equal(hot.sum(axis=1), 4.0)

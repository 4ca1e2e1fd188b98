"""InvariantProjection: discriminant analysis without shrinkage, one fit in any pieces, features that ignore moves."""

import pickle

import numpy as np
import pytest
import scipy.linalg
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from skamem import InvariantProjection
from skamem.datasets import make_transformed, stream_transformed

RNG = np.random.RandomState(0)
IDENTITY = np.repeat(np.arange(15), 8)
MIX = RNG.standard_normal((6, 6))
X = RNG.standard_normal((15, 6))[IDENTITY] @ RNG.standard_normal((6, 6)) + RNG.standard_normal((120, 6)) @ MIX
every_shrinkage = pytest.mark.parametrize("shrinkage", [None, "auto", 0.3, 1.0])


def same_space(A, B, atol=1e-8):
    return np.max(scipy.linalg.subspace_angles(A, B)) < atol


def check_same(found, expected, rtol=1e-9):
    for name in ("components_", "eigenvalues_", "mean_", "shrinkage_", "decoder_", "n_samples_seen_"):
        value = getattr(expected, name)
        np.testing.assert_allclose(
            getattr(found, name), value, rtol=rtol, atol=rtol * np.max(np.abs(value)), err_msg=name
        )
    assert found.identities_ == expected.identities_


# ------------------------------------------------------------------------------------------------------- what it is


@pytest.mark.parametrize("solver", ["eigen", "svd"])
@pytest.mark.parametrize("n_components", [1, 3, 5])
def test_without_shrinkage_it_is_discriminant_analysis_by_identity(solver, n_components):
    projection = InvariantProjection(n_components, shrinkage=None).fit(X, IDENTITY)
    analysis = LinearDiscriminantAnalysis(solver=solver).fit(X, IDENTITY)
    assert same_space(projection.components_.T, analysis.scalings_[:, :n_components])
    ours, theirs = projection.transform(X), analysis.transform(X)[:, :n_components]
    np.testing.assert_allclose(
        np.abs(np.corrcoef(ours.T, theirs.T)[:n_components, n_components:]), np.eye(n_components), atol=1e-8
    )


def test_eigenvalues_are_the_share_of_variance_within_identities():
    projection = InvariantProjection(None, shrinkage=None).fit(X, IDENTITY)
    features = projection.transform(X)
    means = np.stack([features[i == IDENTITY].mean(axis=0) for i in range(15)])[IDENTITY]
    np.testing.assert_allclose(np.cov(features.T, bias=True), np.eye(6), atol=1e-12)
    np.testing.assert_allclose(np.cov((features - means).T, bias=True), np.diag(projection.eigenvalues_), atol=1e-12)
    assert np.all(np.diff(projection.eigenvalues_) >= 0)


@every_shrinkage
def test_features_have_unit_variance_and_mean_zero(shrinkage):
    features = InvariantProjection(None, shrinkage=shrinkage).fit_transform(X + 100, IDENTITY)
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-11)
    np.testing.assert_allclose(features.std(axis=0), 1, rtol=1e-10)


def test_shrinkage_solves_the_problem_with_a_sphere():
    projection = InvariantProjection(None, shrinkage=0.3).fit(X, IDENTITY)
    means = np.stack([X[i == IDENTITY].mean(axis=0) for i in range(15)])[IDENTITY]
    within, between = np.cov((X - means).T, bias=True), np.cov(means.T, bias=True)
    within = 0.7 * within + 0.3 * np.trace(within) / 6 * np.eye(6)
    values, vectors = scipy.linalg.eigh(within, within + between)
    np.testing.assert_allclose(projection.eigenvalues_, values, rtol=1e-10)
    for k in range(6):
        assert same_space(projection.components_[k : k + 1].T, vectors[:, k : k + 1])


def test_decoding_all_components_gives_rows_back_and_few_their_best_estimate():
    projection = InvariantProjection(None, shrinkage="auto").fit(X, IDENTITY)
    np.testing.assert_allclose(projection.inverse_transform(projection.transform(X)), X, rtol=1e-9)
    few = InvariantProjection(2, shrinkage=0.2).fit(X, IDENTITY)
    features = np.column_stack([np.ones(120), few.transform(X)])
    best = features @ np.linalg.lstsq(features, X, rcond=None)[0]
    np.testing.assert_allclose(few.inverse_transform(few.transform(X)), best, atol=1e-9)


# --------------------------------------------------------------------------------------- rows in pieces, in any order


@every_shrinkage
@pytest.mark.parametrize("n_blocks", [2, 7, 40])
def test_blocks_in_any_order_are_one_fit(shrinkage, n_blocks):
    whole = InvariantProjection(None, shrinkage=shrinkage).fit(X, IDENTITY)
    for seed in range(3):
        order = np.random.RandomState(seed).permutation(120)
        pieces = InvariantProjection(None, shrinkage=shrinkage)
        for rows in np.array_split(order, n_blocks):
            pieces.partial_fit(X[rows], IDENTITY[rows])
        check_same(pieces, whole)
        check_same(InvariantProjection(None, shrinkage=shrinkage).fit(X[order], IDENTITY[order]), whole)


def test_working_memory_and_blocks_change_nothing_but_rounding():
    rows = np.random.RandomState(0).standard_normal((5000, 6)) + 1e4  # several blocks
    identity = np.arange(5000) % 700
    whole = InvariantProjection(None).fit(rows, identity)
    with config_context(working_memory=1e-2):
        check_same(InvariantProjection(None).fit(rows, identity), whole, rtol=1e-7)


def test_merged_projections_have_seen_the_rows_of_both():
    whole = InvariantProjection(None).fit(X, IDENTITY)
    for left in (IDENTITY % 2 == 0, np.arange(120) < 43, np.arange(120) % 8 == 0):
        one = InvariantProjection(None).partial_fit(X[left], IDENTITY[left])
        other = InvariantProjection(1, shrinkage=None).partial_fit(X[~left], IDENTITY[~left])
        before = pickle.dumps(other)
        check_same(one.merge(other), whole)
        assert pickle.dumps(other) == before


def test_merging_may_be_how_it_begins():
    waiting = InvariantProjection().partial_fit(X[:8], IDENTITY[:8])  # of one identity
    begun = InvariantProjection().merge(waiting)
    assert not hasattr(begun, "components_")
    assert begun.identities_ == [0]
    check_same(begun.merge(InvariantProjection().fit(X[8:], IDENTITY[8:])), InvariantProjection().fit(X, IDENTITY))
    check_same(InvariantProjection(2).merge(InvariantProjection().fit(X, IDENTITY)),
               InvariantProjection(2).fit(X, IDENTITY), rtol=0)  # fmt: skip
    assert waiting.n_samples_seen_ == 8


def test_directions_without_any_scatter_within_do_not_depend_on_rounding():
    rows = np.random.RandomState(0).standard_normal((15, 20))
    identity = np.arange(15) % 3
    expected = InvariantProjection(None, shrinkage=None).fit(rows, identity)
    assert np.all(expected.eigenvalues_ < 1e-9)
    for seed in range(3):
        order = np.random.RandomState(seed).permutation(15)
        found = InvariantProjection(None, shrinkage=None).fit(2 * rows[order] + 1, identity[order])
        np.testing.assert_allclose(2 * found.components_, expected.components_, rtol=1e-8, atol=1e-8)


def test_names_of_identities_do_not_matter():
    numbers = InvariantProjection(None).fit(X, IDENTITY)
    names = np.asarray([f"p{(7 * i) % 15:02}" for i in range(15)])[IDENTITY]
    by_name = InvariantProjection(None).fit(X, names)
    np.testing.assert_allclose(by_name.components_, numbers.components_, atol=1e-10)
    assert by_name.identities_ == sorted(set(names))


@every_shrinkage
def test_weights_count_rows(shrinkage):
    weight = np.random.RandomState(0).randint(0, 4, size=120)
    weight[IDENTITY == 3] = 0
    weighted = InvariantProjection(shrinkage=shrinkage).fit(X, IDENTITY, sample_weight=weight)
    check_same(
        weighted,
        InvariantProjection(shrinkage=shrinkage).fit(np.repeat(X, weight, axis=0), np.repeat(IDENTITY, weight)),
    )
    assert 3 not in weighted.identities_
    other = InvariantProjection(3, shrinkage=shrinkage).fit(X, IDENTITY, sample_weight=1e-5 * weight)
    expected = InvariantProjection(3, shrinkage=shrinkage).fit(X, IDENTITY, sample_weight=weight)
    np.testing.assert_allclose(other.components_, expected.components_, rtol=1e-8)


@pytest.mark.parametrize("factor", [0.5, 1 / len(X), 1e-12])
def test_weights_below_1_are_relative(factor):
    rng = np.random.RandomState(0)
    weight = rng.randint(1, 5, size=len(X)) / 4.0
    for weights in (np.ones(len(X)), weight):
        expected = InvariantProjection().fit(X, IDENTITY, sample_weight=weights)
        assert expected.n_components_ > 1
        found = InvariantProjection().fit(X, IDENTITY, sample_weight=factor * weights)
        np.testing.assert_allclose(found.components_, expected.components_, rtol=1e-8)
        pieces = InvariantProjection().partial_fit(X[::2], IDENTITY[::2], sample_weight=factor * weights[::2])
        pieces.partial_fit(X[1::2], IDENTITY[1::2], sample_weight=factor * weights[1::2])
        np.testing.assert_allclose(pieces.components_, expected.components_, rtol=1e-8)


# ------------------------------------------------------------------------------------------------------------- units


@every_shrinkage
def test_blocks_of_very_different_magnitude_are_one_fit(shrinkage):
    rows = np.where(np.arange(len(X)) < 20, 1e-200, 1e150)[:, None] * X
    for parts in ((rows[:20], rows[20:]), (rows[:50], rows[50:])):
        pieces, start = InvariantProjection(None, shrinkage=shrinkage), 0
        for part in parts:
            pieces.partial_fit(part, IDENTITY[start : start + len(part)])
            start += len(part)
        check_same(pieces, InvariantProjection(None, shrinkage=shrinkage).fit(rows, IDENTITY))


def test_without_shrinkage_units_do_not_matter():
    plain = InvariantProjection(3, shrinkage=None).fit(X, IDENTITY)
    units = np.asarray([1e-12, 1e9, 1.0, 1e3, 1e-5, 1e6])
    scaled = InvariantProjection(3, shrinkage=None).fit(X * units, IDENTITY)
    np.testing.assert_allclose(
        scaled.transform(X * units) * np.sign(np.sum(scaled.transform(X * units) * plain.transform(X), axis=0)),
        plain.transform(X),
        atol=1e-7,
    )


@every_shrinkage
@pytest.mark.parametrize(
    ("scale", "offset"), [(1e-6, 0.0), (1e100, 0.0), (1e-300, 0.0), (1e307, 0.0), (1.0, 1e9), (1e3, -1e9)]
)
def test_scale_and_origin_do_not_matter(shrinkage, scale, offset):
    plain = InvariantProjection(shrinkage=shrinkage).fit(X, IDENTITY)
    moved = InvariantProjection(shrinkage=shrinkage).fit(scale * X + offset, IDENTITY)
    np.testing.assert_allclose(moved.transform(scale * X + offset), plain.transform(X), atol=1e-5)


@every_shrinkage
def test_columns_without_variance_change_nothing(shrinkage):
    plain = InvariantProjection(shrinkage=shrinkage).fit(X, IDENTITY)
    constants = np.broadcast_to([0.0, 0.1, -1e6, 1e-30], (120, 4))
    wider = InvariantProjection(shrinkage=shrinkage).fit(np.column_stack([constants, X]), IDENTITY)
    np.testing.assert_allclose(wider.components_[:, 4:], plain.components_, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(wider.components_[:, :4], 0)


def test_repeated_columns_change_nothing_without_shrinkage():
    plain = InvariantProjection(3, shrinkage=None).fit(X, IDENTITY).transform(X)
    both = np.column_stack([X, X @ np.ones(6), X[:, 0]])
    found = InvariantProjection(3, shrinkage=None).fit(both, IDENTITY).transform(both)
    np.testing.assert_allclose(found * np.sign(np.sum(found * plain, axis=0)), plain, atol=1e-8)


@pytest.mark.parametrize("offset", [0.0, 1e5])
def test_single_precision_is_kept_and_enough(offset):
    narrow = (X + offset).astype(np.float32)
    fitted = InvariantProjection(3).fit(narrow, IDENTITY)
    assert fitted.components_.dtype == fitted.mean_.dtype == fitted.transform(narrow).dtype == np.float32
    wide = InvariantProjection(3).fit(narrow.astype(np.float64), IDENTITY)
    np.testing.assert_allclose(fitted.transform(narrow), wide.transform(narrow.astype(np.float64)), atol=2e-5)


@pytest.mark.parametrize("shrinkage", ["auto", 0.3])
def test_more_features_than_rows(shrinkage):
    rng = np.random.RandomState(0)
    nuisance = 3 * rng.standard_normal((5, 300))

    def taken(rows):
        return rows + rng.standard_normal((len(rows), 5)) @ nuisance

    wide = taken(rng.standard_normal((15, 300))[IDENTITY])
    fitted = InvariantProjection(None, shrinkage=shrinkage).fit(wide, IDENTITY)
    assert fitted.n_components_ == 14  # one less than identities
    assert InvariantProjection(40).fit(wide, IDENTITY).n_components_ == 14

    unseen = rng.standard_normal((30, 300))
    takes = taken(unseen), taken(unseen)

    def recognised(one, other):
        apart = np.linalg.norm(one[:, None] - other[None], axis=2)
        return np.mean(apart.argmin(axis=1) == np.arange(30))

    assert recognised(*takes) < 0.2
    assert recognised(*map(fitted.transform, takes)) > 0.6


# ----------------------------------------------------------------------------------------------- what it is there for


def moved_digits(seed, n_identities, n_copies=10):
    """Copies of digits of unit sum: of classes to learn from, and of others."""
    digits = load_digits()
    images = np.pad(digits.images, ((0, 0), (3, 3), (3, 3)))
    images /= images.sum(axis=(1, 2), keepdims=True)
    rng = np.random.RandomState(seed)
    unseen = np.isin(digits.target, rng.permutation(10)[:3])
    parts = []
    for chosen, n in ((~unseen, n_identities), (unseen, 200)):
        index = rng.permutation(np.flatnonzero(chosen))[:n]
        moved, identity = make_transformed(images[index], shift=2, rotation=15, n_copies=n_copies, random_state=rng)
        parts.append((moved.reshape(len(moved), -1), identity, digits.target[index][identity]))
    return parts


def same_or_different(features, identity):
    """AUC of the distance of two copies of one image, against copies of two."""
    n = identity.max() + 1
    copies = features.reshape(-1, n, features.shape[1])
    same = np.linalg.norm(copies[1:] - copies[:-1], axis=2).ravel()
    different = np.linalg.norm(copies[1:] - np.roll(copies[:-1], 1, axis=1), axis=2).ravel()
    return roc_auc_score(np.repeat([1, 0], [same.size, different.size]), -np.concatenate([same, different]))


@pytest.mark.parametrize("n_identities", [40, 400])
def test_moved_images_of_classes_never_seen_are_recognised(n_identities):
    """Means over five seeds; differences between two methods have a standard error of .01 about."""
    scores = {"raw": [], "classes": [], "unshrunk": [], "projected": []}
    for seed in range(5):
        (X, identity, labels), (unseen, whose, _) = moved_digits(seed, n_identities)
        fitted = InvariantProjection().fit(X, identity)
        unshrunk = clone(fitted).set_params(n_components=fitted.n_components_, shrinkage=None).fit(X, identity)
        classes = LinearDiscriminantAnalysis().fit(X, labels)
        found = {"raw": unseen, "classes": classes.transform(unseen), "unshrunk": unshrunk.transform(unseen)}
        for name, features in (found | {"projected": fitted.transform(unseen)}).items():
            scores[name].append(same_or_different(features, whose))
    means = {name: np.mean(values) for name, values in scores.items()}
    assert means["projected"] > max(means["raw"], means["classes"]) + 0.04
    if n_identities == 40:
        assert means["projected"] > means["unshrunk"] + 0.01


def test_streams_of_virtual_examples_are_the_fit_to_all_of_them():
    images = load_digits().images[:60]
    moved, identity = make_transformed(images, shift=1, n_copies=6, random_state=0)
    whole = InvariantProjection(5).fit(moved.reshape(-1, 64), identity)
    streamed = InvariantProjection(5)
    stream = stream_transformed(images, shift=1, n_copies=6, batch_size=25, random_state=0)
    for n_seen, (block, whose) in enumerate(stream):
        streamed.partial_fit(block.reshape(-1, 64), whose)
        if n_seen == 1:  # no image has come twice
            with pytest.raises(NotFittedError, match="no two rows of one identity that differ"):
                streamed.transform(block.reshape(-1, 64))
    check_same(streamed, whole, rtol=1e-7)


def test_it_works_in_pipelines_searches_and_data_frames():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X).add_prefix("x")
    pipeline = make_pipeline(InvariantProjection(), KNeighborsClassifier(3))
    search = GridSearchCV(pipeline, {"invariantprojection__n_components": [1, 4, None]}, cv=3)
    assert search.fit(frame, IDENTITY).best_score_ > 0.3  # by chance .07
    projected = InvariantProjection(2).set_output(transform="pandas").fit_transform(frame, IDENTITY)
    assert projected.columns.tolist() == ["invariantprojection0", "invariantprojection1"]


# ----------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (X, None, "requires y to be passed"),
        (X, IDENTITY[:-1], "inconsistent numbers of samples"),
        (X, np.zeros(120), "at least 2 identities"),
        (X, np.arange(120), "no two rows of one identity that differ"),
        (X[IDENTITY * 8], IDENTITY, "no two rows of one identity that differ"),
        (np.full((120, 3), 0.1), IDENTITY, "no column of X that varies"),
        (1e-310 * X, IDENTITY, "varies by so little that no float holds its inverse"),
        (X, np.where(IDENTITY == 0, np.nan, IDENTITY), "y contains NaN"),
        (X, np.column_stack([IDENTITY, IDENTITY]), "1d array"),
    ],
)
def test_what_says_nothing_is_refused_and_changes_nothing(X, y, message):
    fitted = InvariantProjection().fit(globals()["X"], IDENTITY)
    before = dict(vars(fitted))
    with pytest.raises(ValueError, match=message):
        fitted.fit(X, y)
    assert vars(fitted) == before


def test_numbers_and_strings_are_no_identities_of_one_kind():
    numbers, names = InvariantProjection().fit(X, IDENTITY), InvariantProjection().fit(X, IDENTITY.astype(str))
    for one, other in ((numbers, names), (names, numbers)):
        before = dict(vars(one))
        with pytest.raises(ValueError, match="all as numbers or all as strings"):
            one.partial_fit(X, np.asarray(other.identities_)[IDENTITY])
        with pytest.raises(ValueError, match="other has identities such as"):
            one.merge(other)
        assert vars(one) == before


def test_strings_may_come_as_objects():
    names = np.asarray([f"p{i:02}" for i in range(15)])[IDENTITY]
    whole = InvariantProjection(None).fit(X, names)
    pieces = InvariantProjection(None).partial_fit(X[::2], names[::2].astype(object)).partial_fit(X[1::2], names[1::2])
    check_same(pieces.partial_fit(X[:1], names[:1].astype(object), sample_weight=1e-12), whole)


def test_merging_asks_for_its_like():
    fitted = InvariantProjection().fit(X, IDENTITY)
    with pytest.raises(TypeError, match="expected a fitted InvariantProjection"):
        fitted.merge(LinearDiscriminantAnalysis())
    for one in (fitted, InvariantProjection()):
        with pytest.raises(NotFittedError, match="other is an InvariantProjection that is not fitted"):
            one.merge(InvariantProjection())
    with pytest.raises(ValueError, match="other has 4 features; expected 6"):
        fitted.merge(InvariantProjection().fit(X[:, :4], IDENTITY))

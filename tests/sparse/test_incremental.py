"""Fits to sums: rows in blocks, parts that merge, moments of somebody else; they are what `fit` gives to all rows."""

import itertools

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression

from skamem.sparse import IHTRegressor

N, P = 240, 90
SETTINGS = {
    "path": {},
    "one size": {"n_nonzero_coefs": 5},
    "no intercept": {"n_nonzero_coefs": 5, "fit_intercept": False},
    "ridge": {"n_nonzero_coefs": 5, "alpha": 0.1},
    "fast": {"n_nonzero_coefs": 5, "effort": "fast"},
    "thorough": {"n_nonzero_coefs": 3, "effort": "thorough"},
    "normalized": {"n_nonzero_coefs": 5, "effort": "normalized", "max_iter": 3000},
    "groups": {"n_nonzero_coefs": 3, "groups": np.arange(P) // 3},
    "always": {"n_nonzero_coefs": 5, "always_select": [70]},
    "positive": {"n_nonzero_coefs": 5, "positive": True, "multi_output": "independent"},
    "independent": {"multi_output": "independent", "max_features": 7},
    "precision": {"weight_kind": "precision"},
    "best": {"n_nonzero_coefs": 5, "n_best": 3},
    "enough": {"max_residual": 350.0},
}


def data(seed=0, *, two=False, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N, P)) * 10.0 ** rng.uniform(-2, 2, P) + rng.standard_normal(P)
    shape = X / X.std(axis=0)
    y = shape[:, :5] @ [2.0, -1.5, 1.0, 1.0, -0.7] + 0.5 * rng.standard_normal(N) + 3.0
    if two:
        y = np.c_[y, shape[:, 2] - shape[:, 7] + rng.standard_normal(N)]
    return X.astype(dtype), y.astype(dtype), rng.integers(0, 3, N).astype(dtype)


def in_blocks(model, X, y, weight=None, n_blocks=4, order=None):
    edges = np.linspace(0, y.shape[0], n_blocks + 1).astype(int).tolist()
    blocks = [slice(*pair) for pair in itertools.pairwise(edges)]
    for rows in [blocks[i] for i in order] if order is not None else blocks:
        model.partial_fit(X[rows, ...], y[rows, ...], None if weight is None else weight[rows])
    return model


def of_moments(model, X, y, weight=None, **options):
    weight = np.ones(len(y)) if weight is None else weight
    WX = weight[:, None] * X
    return model.fit_moments(
        WX.T @ X, WX.T @ y, y.T @ (y * weight if y.ndim == 1 else y * weight[:, None]), np.count_nonzero(weight),
        X_mean=WX.sum(axis=0) / weight.sum(), y_mean=weight @ y / weight.sum(), total_weight=weight.sum(), **options,
    )  # fmt: skip


def check_same(found, expected, rtol=1e-8):
    np.testing.assert_array_equal(found.support_, expected.support_)
    size = np.max(np.abs(expected.coef_), axis=-1, keepdims=True)
    np.testing.assert_allclose(found.coef_ / size, expected.coef_ / size, rtol=0, atol=rtol)
    np.testing.assert_allclose(found.intercept_, expected.intercept_, rtol=rtol, atol=1e-9)
    assert found.margin_ == pytest.approx(expected.margin_, rel=1e-5, nan_ok=True)
    assert found.swap_optimal_ == expected.swap_optimal_


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("two", [False, True])
@pytest.mark.parametrize("setting", SETTINGS)
def test_blocks_parts_and_moments_give_what_all_rows_give(setting, two, weighted):
    X, y, weight = data(two=two)
    weight = weight if weighted else None
    model = IHTRegressor(**SETTINGS[setting])
    whole = clone(model).fit(X, y, weight)
    blocks = in_blocks(clone(model), X, y, weight)
    other_order = in_blocks(clone(model), X, y, weight, 7, order=[3, 0, 6, 5, 1, 2, 4])
    halves = [
        in_blocks(clone(model), X[rows], y[rows], None if weight is None else weight[rows])
        for rows in (slice(0, 100), slice(100, None))
    ]
    merged = clone(model).merge(halves[0]).merge(halves[1])
    for found in (blocks, other_order, merged, of_moments(clone(model), X, y, weight)):
        check_same(found, whole)
        assert found.n_samples_seen_ == (N if weight is None else weight.sum())
    assert whole.coef_.shape == blocks.coef_.shape
    if "n_best" in SETTINGS[setting]:
        for one, other in zip(blocks.alternatives_.supports, whole.alternatives_.supports, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("two", [False, True])
@pytest.mark.parametrize("setting", ["path", "one size", "no intercept", "ridge", "always", "independent", "precision"])
def test_a_fit_to_few_features_can_go_on(setting, two):
    X, y, weight = data(two=two)
    model = IHTRegressor(**SETTINGS[setting])
    X[:, 80] = 0.3
    whole = clone(model).fit(X, y, weight)
    check_same(clone(model).fit(X[:100], y[:100], weight[:100]).partial_fit(X[100:], y[100:], weight[100:]), whole)
    parts = [clone(model).fit(X[rows], y[rows], weight[rows]) for rows in (slice(0, 90), slice(90, None))]
    check_same(parts[0].merge(parts[1]), whole)


def test_a_fit_to_many_features_says_that_it_cannot():
    X, y, _ = data()
    X = np.c_[X, X + np.random.default_rng(1).standard_normal(X.shape)]
    fitted, begun = IHTRegressor(3).fit(X, y), IHTRegressor(3).partial_fit(X, y)
    for call in (lambda: fitted.partial_fit(X, y), lambda: fitted.merge(begun), lambda: begun.merge(fitted)):
        with pytest.raises(ValueError, match="kept no sums"):
            call()
    fitted.fit(X, y)
    begun.fit(X, y)  # anew
    with pytest.raises(ValueError, match="kept no sums"):
        begun.partial_fit(X, y)


def test_weights_are_repetitions():
    X, y, weight = data()
    check_same(in_blocks(IHTRegressor(), X, y, weight),
               IHTRegressor().partial_fit(*(np.repeat(a, weight.astype(int), axis=0) for a in (X, y))))  # fmt: skip


def test_rows_of_weight_zero_may_hold_anything_finite():
    X, y, weight = data()
    huge = X.copy()
    huge[weight == 0] = 1e200
    check_same(in_blocks(IHTRegressor(5), huge, y, weight), IHTRegressor(5).fit(X[weight > 0], y[weight > 0],
                                                                               weight[weight > 0]))  # fmt: skip


def test_units_and_origins_do_not_matter():
    """As of `fit`: columns from 1e-120 to 1e120, and as far from 0 as leaves them nine digits."""
    X, y, _ = data()
    scales = 10.0 ** np.random.default_rng(1).uniform(-120, 120, P)
    plain, scaled = IHTRegressor().fit(X, y), in_blocks(IHTRegressor(), X * scales, 1e-100 * y)
    np.testing.assert_array_equal(scaled.support_, plain.support_)
    np.testing.assert_allclose(scaled.coef_ * scales * 1e100, plain.coef_, rtol=1e-8, atol=1e-12)
    far = in_blocks(IHTRegressor(), X + 1e7 * X.std(axis=0), y)
    np.testing.assert_array_equal(far.support_, plain.support_)
    np.testing.assert_allclose(far.coef_, plain.coef_, rtol=1e-6)


def test_an_exact_fit_ends_where_fit_ends():
    X, _, _ = data()
    y = X[:, 3] / X[:, 3].std() - X[:, 8] / X[:, 8].std() + 2.0
    for model in (in_blocks(IHTRegressor(), X, y), in_blocks(IHTRegressor(6), X, y), of_moments(IHTRegressor(), X, y)):
        assert model.support_.tolist() == [3, 8]
        np.testing.assert_allclose(model.predict(X), y, atol=1e-8)


def test_copies_and_constants_are_left_out_as_by_fit():
    X, y, _ = data()
    X = np.c_[np.full(N, 0.1), X[:, 0] * 3.0, X, X[:, 1] * -0.5, np.zeros(N)]
    check_same(in_blocks(IHTRegressor(5), X, y), IHTRegressor(5).fit(X, y))
    assert in_blocks(IHTRegressor(2), X, np.full(N, 0.7)).support_.tolist() == []


@pytest.mark.parametrize("share", [1e-4, 1e-5, 3e-6, 1e-6])
@pytest.mark.parametrize("seed", range(3))
def test_columns_are_told_apart_as_far_as_squares_tell_them(seed, share):
    rng = np.random.default_rng(seed)
    trend, noise = np.linspace(-1.0, 1.0, 2000)[:, None], rng.standard_normal((2000, 24))
    X = trend + share * noise
    y = (X[:, 0] - X[:, 1]) / share
    model = in_blocks(IHTRegressor(2), X, y)
    assert model.support_.tolist() == IHTRegressor(2).fit(X, y).support_.tolist() == [0, 1]
    # A square of the distance, share², is known to eps of the whole.
    np.testing.assert_allclose(model.coef_[:2] * share, [1.0, -1.0], rtol=max(1e-6, 100 * 2.2e-16 / share**2))


def test_sparse_and_dense_blocks_are_alike():
    X, y, weight = data()
    X = np.where(np.random.default_rng(0).random(X.shape) < 0.2, X, 0.0)
    expected = in_blocks(IHTRegressor(5), X, y, weight)
    for kind in (scipy.sparse.csr_array, scipy.sparse.csc_matrix):
        blocks = in_blocks(IHTRegressor(5), scipy.sparse.csr_array(X), y, weight)
        check_same(blocks, expected)
        check_same(IHTRegressor(5).partial_fit(kind(X), y, weight), expected)


def test_rows_are_counted_until_there_are_enough():
    X, y, _ = data()
    model = IHTRegressor(5)
    for row in range(4):
        model.partial_fit(X[row : row + 1], y[row : row + 1])
        assert model.n_samples_seen_ == row + 1
    with pytest.raises(NotFittedError, match="has seen 4 rows and needs 5"):
        model.predict(X)
    begun = IHTRegressor(5).merge(model)
    with pytest.raises(NotFittedError):
        begun.predict(X)
    check_same(begun.partial_fit(X[4:], y[4:]), IHTRegressor(5).fit(X, y))
    with pytest.raises(ValueError, match="n_nonzero_coefs=5 is more than"):
        IHTRegressor(5).fit_moments(np.eye(4), np.ones(4), 10.0, 100, X_mean=np.zeros(4), y_mean=0.0)
    with pytest.raises(ValueError, match="n_nonzero_coefs=5 is more than"):
        of_moments(IHTRegressor(5), X[:4], y[:4])


def test_moments_about_the_means_and_about_zero():
    X, y, _ = data()
    A, b = X - X.mean(axis=0), y - y.mean()
    moments = (A.T @ A, A.T @ b, [[b @ b]], N)
    whole, centred = IHTRegressor(5).fit(X, y), IHTRegressor(5).fit(A, b)
    check_same(IHTRegressor(5).fit_moments(*moments, X_mean=X.mean(axis=0), y_mean=y.mean(), centered=True), whole)
    check_same(IHTRegressor(5).fit_moments(*moments, centered=True), centred)
    check_same(IHTRegressor(5, fit_intercept=False).fit_moments(X.T @ X, X.T @ y, y @ y, N),
               IHTRegressor(5, fit_intercept=False).fit(X, y))  # fmt: skip
    check_same(
        IHTRegressor(5, fit_intercept=False).fit_moments(
            *moments, X_mean=X.mean(axis=0), y_mean=y.mean(), centered=True
        ),
        IHTRegressor(5, fit_intercept=False).fit(X, y),
    )
    with pytest.raises(ValueError, match="fit_intercept=True needs the means"):
        IHTRegressor(5).fit_moments(X.T @ X, X.T @ y, y @ y, N)
    blind = IHTRegressor(5, fit_intercept=False).fit_moments(X.T @ X, X.T @ y, y @ y, N)
    check_same(clone(blind).merge(blind).partial_fit(X, y), IHTRegressor(5, fit_intercept=False).fit(X, y))
    with pytest.raises(ValueError, match="fit_intercept=True needs the means"):
        blind.set_params(fit_intercept=True).partial_fit(X, y)


def test_moments_go_on_with_rows():
    X, y, weight = data(two=True)
    begun = of_moments(IHTRegressor(), X[:100], y[:100], weight[:100])
    check_same(begun.partial_fit(X[100:], y[100:], weight[100:]), IHTRegressor().fit(X, y, weight))


def test_names_come_with_the_gram_matrix():
    X, y, _ = data()
    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(P)])
    mean = {"X_mean": frame.mean(), "y_mean": y.mean()}
    model = IHTRegressor(5, always_select=["c70"]).fit_moments(frame.T @ frame, frame.T @ y, y @ y, N, **mean)
    assert "c70" in model.support_names_
    check_same(model, IHTRegressor(5, always_select=["c70"]).fit(frame, y))
    backwards = IHTRegressor(5).partial_fit(frame[frame.columns[::-1]], y)
    with pytest.raises(ValueError, match="in another order"):
        model.merge(backwards)


def test_what_cannot_be_moments_is_refused():
    X, y, _ = data()
    G, c, s = X.T @ X, X.T @ y, y @ y
    means = {"X_mean": X.mean(axis=0), "y_mean": y.mean()}
    cases = [
        ((G[:5], c, s, N), "expected a square"),
        ((G, c[:5], s, N), "Xy has shape"),
        ((G, c, [s, s], N), "yy has shape"),
        ((G + np.triu(G, 1), c, s, N), "not symmetric"),
        ((G - 2 * np.diag(np.diagonal(G)), c, s, N), "squared means"),
        ((G, c, s, 0), "n_samples"),
        ((G, c, s, 100 * N), "squared means"),
        ((G, c, 0.5 * s, N), "less than the columns of X explain|squared means"),
        ((G, np.nan * c, s, N), "NaN"),
    ]
    model = IHTRegressor(5).partial_fit(X, y)
    before = dict(vars(model))
    for moments, words in cases:
        with pytest.raises(ValueError, match=words):
            model.fit_moments(*moments, **means)
        assert all(vars(model)[name] is value for name, value in before.items())
    indefinite = np.eye(3) - 0.9 * (np.ones((3, 3)) - np.eye(3))
    with pytest.raises(ValueError, match="not positive semidefinite"):
        IHTRegressor(1).fit_moments(indefinite, np.zeros(3), 1.0, 9, centered=True)
    with pytest.raises(ValueError, match="not in the range"):
        IHTRegressor(1).fit_moments(np.ones((2, 2)), [1.0, 0.0], 1.0, 9, centered=True)


def test_a_failed_call_changes_nothing():
    X, y, weight = data()
    model = IHTRegressor(3).partial_fit(X, y)
    before = dict(vars(model))
    holes = X.copy()
    holes[7, 3] = np.nan
    calls = {
        "NaN": lambda: model.partial_fit(holes, y),
        "features": lambda: model.partial_fit(X[:, :5], y),
        "a one-dimensional y": lambda: model.partial_fit(X, np.c_[y, y]),
        "has 5 features": lambda: model.merge(IHTRegressor(3).partial_fit(X[:, :5], y)),
        "2 targets": lambda: model.merge(IHTRegressor(3).partial_fit(X, np.c_[y, y])),
        "squares overflow": lambda: model.partial_fit(X, 1e200 * y),
        "sample_weight": lambda: model.partial_fit(X, y, -weight),
        "sample_weight is so large": lambda: model.partial_fit(X, y, 1e305 * weight),
    }
    for words, call in calls.items():
        with pytest.raises(ValueError, match=words):
            call()
        assert all(vars(model)[name] is value for name, value in before.items())
    with pytest.raises(TypeError, match="expected an IHTRegressor"):
        model.merge(LinearRegression())
    with pytest.raises(NotFittedError):
        model.merge(IHTRegressor())
    with pytest.raises(ValueError, match="shared support is for one target"):
        IHTRegressor(positive=True).fit_moments(np.eye(2), np.zeros((2, 2)), np.ones(2), 9, centered=True)


def test_other_is_not_changed():
    X, y, _ = data()
    one, other = IHTRegressor(3).partial_fit(X[:100], y[:100]), IHTRegressor(4).partial_fit(X[100:], y[100:])
    before = dict(vars(other))
    assert one.merge(other) is one
    assert all(vars(other)[name] is value for name, value in before.items())
    np.testing.assert_array_equal(other.coef_, IHTRegressor(4).partial_fit(X[100:], y[100:]).coef_)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("two", [False, True])
def test_every_namespace_gives_the_numpy_result(place, dispatched, two, dtype):
    X, y, weight = data(two=two, dtype=dtype)
    expected = in_blocks(IHTRegressor(5), X, y, weight)
    with dispatched():
        there = in_blocks(IHTRegressor(5), *map(place.put, (X, y, weight)), n_blocks=1)
        merged = IHTRegressor(5).merge(there).merge(there)
        assert there.coef_.dtype == place.put(X).dtype
        np.testing.assert_array_equal(place.get(there.support_), expected.support_)
        np.testing.assert_allclose(place.get(there.coef_), expected.coef_, rtol=1e-9 if dtype == "float64" else 1e-4)
        np.testing.assert_allclose(place.get(merged.coef_), expected.coef_, rtol=1e-9 if dtype == "float64" else 1e-4)
        moments = of_moments(IHTRegressor(5), *map(np.asarray, (X, y)))
        moved = IHTRegressor(5).fit_moments(
            place.put(X.T @ X), place.put(X.T @ y), place.put(np.atleast_2d(y.T @ y)), N,
            X_mean=place.put(X.mean(axis=0)), y_mean=place.put(np.atleast_1d(y.mean(axis=0))),
        )  # fmt: skip
        np.testing.assert_array_equal(place.get(moved.support_), moments.support_)
    behind = in_blocks(IHTRegressor(5, backend="torch"), X, y, weight)
    assert isinstance(behind.predict(X), np.ndarray)
    np.testing.assert_array_equal(behind.support_, expected.support_)


@pytest.mark.slow
def test_a_stream_takes_memory_that_does_not_grow_with_it():
    import tracemalloc

    rng = np.random.default_rng(0)
    beta = np.zeros(64)
    beta[[3, 40]] = 1.0, -2.0
    peaks = []
    for n_blocks in (2, 20):
        model = IHTRegressor(2)
        tracemalloc.start()
        for _ in range(n_blocks):
            X = rng.standard_normal((10_000, 64), dtype=np.float32)
            model.partial_fit(X, X @ beta + rng.standard_normal(10_000))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert model.support_.tolist() == [3, 40]
    assert peaks[1] < 1.2 * peaks[0]

"""HolographicMemory: its trace is a sum of bound pairs, read by keys and cleaned up; averages under features."""

import functools
import pickle

import cloudpickle
import numpy as np
import pytest
import scipy.sparse
from scipy import stats
from sklearn.base import clone
from sklearn.datasets import load_digits, make_regression
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skamem import (
    HebbianMemory,
    HolographicMemory,
    KernelMemory,
    MemoryClassifier,
    ModernHopfieldMemory,
)
from skamem.core.binding import ALGEBRAS, bind, bundle, random_keys, unitary
from skamem.structures._nearest import ValueTable, nearest, prepared

every_algebra = pytest.mark.parametrize("algebra", ALGEBRAS)
RBF = RBFSampler(gamma=0.5, n_components=3000, random_state=0)


def pairs(n_pairs=20, n_units=512, n_outputs=None, *, algebra="hrr", seed=0):
    """Noise-like real keys that are unitary where the algebra is real, and ±1 values."""
    rng = np.random.default_rng(seed)
    draw = "map" if algebra == "map" else "hrr"
    keys = random_keys(n_pairs, n_units, algebra=draw, random_state=seed)
    return keys, rng.choice([-1.0, 1.0], size=(n_pairs, n_outputs or n_units))


# ------------------------------------------------------------------------------------------------ what it computes


@pytest.mark.parametrize("algebra", ["hrr", "map"])
def test_the_trace_is_the_sum_of_bound_pairs(algebra):
    keys, values = pairs(algebra=algebra)
    memory = HolographicMemory(algebra=algebra).fit(keys, values)
    np.testing.assert_allclose(memory.trace_, bundle(bind(keys, values, algebra=algebra))[None], atol=1e-10)


@every_algebra
@pytest.mark.parametrize("n_outputs", [None, 64, 1])
@pytest.mark.parametrize("n_traces", [1, 4])
def test_one_pair_with_a_unitary_key_is_read_exactly_and_twenty_after_cleaning(algebra, n_outputs, n_traces):
    keys, values = pairs(n_outputs=n_outputs, algebra=algebra)
    memory = HolographicMemory(algebra=algebra, unitary=True, n_traces=n_traces, random_state=0)
    np.testing.assert_allclose(memory.fit(keys[:1], values[:1]).field(keys[:1]), values[:1], atol=1e-10)
    # Two values of 64 signs differ in 32 +- 4 of them: 14 of them and a noise of 6 are 9 sd from a mistake.
    if n_outputs != 1:
        np.testing.assert_array_equal(memory.fit(keys, values).predict(keys), values)


@every_algebra
def test_reading_has_the_size_of_the_value_whatever_that_of_the_key(algebra):
    keys, values = pairs(3, algebra=algebra)
    expected = HolographicMemory(algebra=algebra, random_state=0).fit(keys, values).field(keys)
    for scale in (1e-100, 3.0, 1e100):
        memory = HolographicMemory(algebra=algebra, random_state=0).fit(scale * keys, values)
        np.testing.assert_allclose(memory.field(scale * keys), expected, rtol=1e-9, atol=1e-9)


@every_algebra
def test_noise_falls_as_the_square_root_of_the_length(algebra):
    # 400 x 64 readings: their mean square is known within 2 %; 10 % are more than 4.9 sd, wrong once in a million.
    for n_units in (256, 1024):
        keys, values = pairs(40, n_units, 64, algebra=algebra)
        memory = HolographicMemory(algebra=algebra, unitary=True, random_state=0).fit(keys, values)
        noise = np.mean((memory.field(keys) - values) ** 2)
        expected = 39 * 64 / (n_units * ALGEBRAS[algebra].freedom)
        assert noise == pytest.approx(expected, rel=0.2)


def test_keys_are_made_unitary_on_demand():
    rng = np.random.default_rng(0)
    keys, values = rng.standard_normal((2, 30, 256))
    found = HolographicMemory(unitary=True).fit(keys, values).trace_
    np.testing.assert_allclose(found, HolographicMemory().fit(unitary(keys), values).trace_, atol=1e-10)


def test_more_traces_hold_more():
    keys, values = pairs(300, 256)
    few, many = (HolographicMemory(n_traces=n, random_state=0).fit(keys, values) for n in (1, 20))
    right = [np.mean(np.all(memory.predict(keys) == values, axis=1)) for memory in (few, many)]
    assert right[0] < 0.2
    assert right[1] > 0.8
    assert many.trace_.shape == (20, 256)


# ----------------------------------------------------------------------------------------------- pieces, forgetting


@every_algebra
@pytest.mark.parametrize("n_traces", [1, 3])
@pytest.mark.parametrize("features", [None, RBF])
def test_pieces_equal_one_fit_and_forgetting_undoes_them(algebra, n_traces, features):
    keys, values = pairs(30, 64, 5, algebra=algebra)
    weights = np.random.default_rng(1).integers(1, 4, 30)
    memory = HolographicMemory(algebra=algebra, n_traces=n_traces, features=features, random_state=0)
    whole = clone(memory).fit(keys, values, weights)
    pieces = clone(memory).fit(keys[:10], values[:10], weights[:10])
    before = dict(vars(pieces))
    pieces.partial_fit(keys[10:], values[10:], weights[10:])
    for name in ("trace_", "output_sum_", "weight_sum_", "values_", "value_counts_"):
        np.testing.assert_allclose(getattr(pieces, name), getattr(whole, name), atol=1e-10, err_msg=name)
    np.testing.assert_array_equal(pieces.predict(keys), whole.predict(keys))
    pieces.forget(keys[10:], values[10:], weights[10:])
    for name in ("trace_", "key_sum_", "output_sum_", "weight_sum_", "value_counts_"):
        if before[name] is not None:
            np.testing.assert_allclose(getattr(pieces, name), before[name], atol=1e-10, err_msg=name)
    np.testing.assert_array_equal(pieces.values_, before["values_"])


def test_a_pair_of_weight_two_is_two_pairs_and_one_of_weight_zero_none():
    keys, values = pairs(5, 64)
    weighted = HolographicMemory().fit(keys, values, [2, 1, 0, 1, 1])
    repeated = HolographicMemory().fit(keys[[0, 0, 1, 3, 4]], values[[0, 0, 1, 3, 4]])
    np.testing.assert_allclose(weighted.trace_, repeated.trace_, atol=1e-12)
    np.testing.assert_array_equal(weighted.values_, repeated.values_)
    np.testing.assert_array_equal(weighted.value_counts_, repeated.value_counts_)


def test_rows_may_come_in_any_order():
    keys, values = pairs(30, 64, 3)  # eight values, most of them often
    order = np.random.default_rng(0).permutation(30)
    memory, other = (HolographicMemory(random_state=0).fit(keys[rows], values[rows]) for rows in (slice(None), order))
    np.testing.assert_array_equal(memory.values_, other.values_)
    np.testing.assert_array_equal(memory.predict(keys), other.predict(keys))
    assert memory.value_counts_.sum() == 30
    assert len(memory.values_) == len(np.unique(values, axis=0))


def test_what_is_not_held_cannot_be_forgotten_and_nothing_changes():
    keys, values = pairs(3, 32)
    memory = HolographicMemory().fit(keys, values)
    before = dict(vars(memory))
    for X, y, weight, message in [
        (keys[:1], -values[:1], None, "does not hold the value"),
        (keys[:1], values[:1], [2.0], "does not hold the value"),
        (keys, values, None, "would leave no pair"),
        (keys[:1], values[:1, :5], None, "y has 5 columns"),
    ]:
        with pytest.raises(ValueError, match=message):
            memory.forget(X, y, weight)
        assert all(vars(memory)[name] is value for name, value in before.items())


CHANGES = [
    {"algebra": "fhrr"},
    {"unitary": True},
    {"n_components": 100},
    {"n_traces": 2},
    {"features": RBFSampler(gamma=3.0, n_components=500, random_state=0)},
    {"features__gamma": 3.0},
    {"features": None},
    {"memory": "passthrough"},
    {"memory": ModernHopfieldMemory()},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_what_is_set_after_fit_waits_for_the_next_fit(change):
    keys, values = pairs(9, 64, 5)
    features = RBFSampler(gamma=0.5, n_components=500, random_state=0)
    memory = HolographicMemory(features=features, random_state=0).fit(keys, values)
    field, recalled = memory.field(keys), memory.predict(keys)
    left = pickle.loads(pickle.dumps(memory)).forget(keys[:2], values[:2]).predict(keys)
    memory.set_params(**change)
    np.testing.assert_array_equal(memory.field(keys), field)
    np.testing.assert_array_equal(memory.predict(keys), recalled)
    before = dict(vars(memory))
    with pytest.raises(
        ValueError,
        match=f"partial_fit goes on with {next(iter(change)).partition('__')[0]}=.*; call fit to start anew",
    ):
        memory.partial_fit(keys, values)
    assert all(vars(memory)[name] is value for name, value in before.items())
    np.testing.assert_array_equal(memory.forget(keys[:2], values[:2]).predict(keys), left)
    memory.fit(keys, values).partial_fit(keys, values)


def test_what_is_set_to_the_same_again_goes_on():
    keys, values = pairs(9, 64, 5)
    features = [RBFSampler(gamma=0.5, n_components=500, random_state=0) for _ in range(2)]
    memory = HolographicMemory(features=features[0], n_traces=2, random_state=0).fit(keys, values)
    memory.set_params(features=features[1], n_traces=np.int64(2), algebra="hrr", random_state=3)
    memory.partial_fit(keys, values)
    pickle.loads(pickle.dumps(memory)).partial_fit(keys, values)


# ------------------------------------------------------------------------------------------------------- cleaning up


@pytest.mark.parametrize(
    "memory", [ModernHopfieldMemory(), HebbianMemory(check_stored=False), KernelMemory("linear", alpha=0.0), None]
)
def test_any_memory_cleans_up(memory):
    keys, values = pairs(8, 512)
    holographic = HolographicMemory(memory).fit(keys, values)
    assert np.mean(np.sign(holographic.predict(keys)) == values) > 0.99
    assert np.mean(np.sign(holographic.field(keys)) == values) < 0.9  # there was something to clean
    if memory is not None:
        np.testing.assert_array_equal(holographic.memory_.predict(holographic.field(keys)), holographic.predict(keys))


def test_the_memory_that_cleans_up_is_told_to_store_values_with_themselves_and_where():
    keys, values = pairs(4, 128)
    memory = HolographicMemory(ModernHopfieldMemory(target="y"), backend="torch").fit(keys, values)
    assert memory.memory_.target == "self"
    assert memory.memory_.backend == "torch"
    assert type(memory.predict(keys)) is np.ndarray


def test_binary_values_are_cleaned_by_a_binary_memory():
    keys, values = pairs(6, 1024)
    binary = (values > 0).astype(float)
    memory = HolographicMemory(HebbianMemory(binarize=0.5, coding="binary", check_stored=False)).fit(keys, binary)
    assert np.mean(memory.predict(keys) == binary) > 0.99


def test_the_nearest_of_values_far_from_zero_is_found_and_ties_go_to_the_first():
    values = np.asarray([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    read = np.asarray([[0.9, 0.1], [0.5, 0.5], [-3.0, -3.0], [0.5, 0.0]])
    for scale, offset in [(1.0, 0.0), (1.0, 1e8), (1e-200, 0.0), (1e200, 0.0), (1e150, 1e152)]:
        found = nearest(scale * read + offset, *prepared(scale * values + offset))
        np.testing.assert_array_equal(found[[0, 2]], [1, 0])
    np.testing.assert_array_equal(nearest(read, *prepared(values)), [1, 0, 0, 0])
    np.testing.assert_array_equal(nearest(read.astype("f4"), *prepared(values)), [1, 0, 0, 0])
    np.testing.assert_array_equal(nearest(read[:0], *prepared(values)), [])
    np.testing.assert_array_equal(nearest(read, *prepared(values[:1])), [0, 0, 0, 0])


def test_the_nearest_is_that_of_brute_force():
    rng = np.random.default_rng(0)
    values, read = rng.standard_normal((700, 9)) * rng.uniform(0.1, 3, (700, 1)), rng.standard_normal((300, 9))
    distances = np.sum((read[:, None] - values) ** 2, axis=2)
    np.testing.assert_array_equal(nearest(read, *prepared(values)), distances.argmin(axis=1))


def test_a_table_of_values_counts():
    table = ValueTable.of(np.asarray([[1.0], [-0.0], [1.0], [0.0]]), np.asarray([1.0, 2.0, 0.5, 1.0]))
    held = dict(zip(table.values[:, 0], table.counts, strict=True))
    assert held == {0.0: 3.0, 1.0: 1.5}
    less = table.without(ValueTable(np.asarray([[1.0]]), np.asarray([1.5])), "It")
    np.testing.assert_array_equal(less.values, [[0.0]])


# ----------------------------------------------------------------------------------------------------------- features


@every_algebra
def test_features_average_the_values_of_near_cues_by_their_kernel(algebra):
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, (200, 1))
    y = np.column_stack([np.sin(2 * X), np.cos(2 * X)])
    cues = np.linspace(-1.5, 1.5, 50)[:, None]
    features = RBFSampler(gamma=8.0, n_components=8000, random_state=0)
    memory = HolographicMemory("passthrough", features=features, algebra=algebra, random_state=0).fit(X, y)
    kernel = rbf_kernel(cues, X, gamma=8.0)
    smoothed = kernel @ y / kernel.sum(axis=1, keepdims=True)
    assert memory.values_ is None
    assert np.sqrt(np.mean((memory.predict(cues) - smoothed) ** 2)) < 0.1
    # Far from all cues the answer is the mean of the values, and noise.
    far = memory.predict(rng.uniform(100.0, 200.0, (200, 1)))
    np.testing.assert_allclose(far.mean(axis=0), y.mean(axis=0), atol=0.2)


@pytest.mark.parametrize("n_traces", [1, 3])
@every_algebra
def test_far_from_all_cues_the_answer_is_near_the_mean_and_not_beyond_it(algebra, n_traces):
    rng = np.random.default_rng(0)
    X, far = rng.uniform(-3, 3, (400, 1)), rng.uniform(4, 100, (2000, 1))
    y = np.sin(2 * X) + 5
    for n_features in (100, 1000):
        features = RBFSampler(gamma=10.0, n_components=n_features, random_state=0)
        memory = HolographicMemory(
            "passthrough", features=features, algebra=algebra, n_traces=n_traces, random_state=0
        ).fit(X, y)
        found = memory.predict(far)
        # Noise of the values' spread, .7, is divided by 1.5 times its size or more; products of unit by unit have up
        # to sqrt(3) times as much, as normal entries of the value are squared. Five standard deviations of it.
        noise = 0.7 * np.sqrt(3.0) / 1.5
        assert np.abs(found - 5.0).max() < 5.0 * noise


@pytest.mark.parametrize("scale", [1e-160, 1e160])
def test_the_noise_of_features_is_in_their_units(scale):
    X = np.random.default_rng(0).uniform(-3, 3, (50, 1))
    one, other = (
        HolographicMemory("passthrough", features=lambda cues, by=by: by * np.cos(cues * np.arange(1.0, 65)))
        .fit(X, np.sin(X))
        .predict(X)
        for by in (1.0, scale)
    )
    np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)


def test_near_cues_recall_what_is_stored_near_them():
    rng = np.random.default_rng(0)
    X, y = rng.uniform(-5, 5, (20, 3)), np.eye(20)
    memory = HolographicMemory(features=RBF, random_state=0).fit(X, y)
    assert np.mean(np.all(memory.predict(X + 0.05 * rng.standard_normal(X.shape)) == y, axis=1)) > 0.9


def test_phasors_of_a_function_are_a_kernel_under_fhrr():
    rng = np.random.default_rng(0)
    frequencies = rng.standard_normal((2, 4000))
    X = rng.uniform(-3, 3, (60, 2))
    y = np.sin(X[:, :1])
    memory = HolographicMemory(
        "passthrough", algebra="fhrr", features=lambda cues: np.exp(1j * cues @ frequencies), random_state=0
    ).fit(X, y)
    assert memory.key_codes_ is None  # phasors are taken as they are
    kernel = rbf_kernel(X, gamma=0.5)
    np.testing.assert_allclose(memory.predict(X), kernel @ y / kernel.sum(axis=1, keepdims=True), atol=0.25)


def test_it_classifies_and_regresses_beside_others():
    X, y = load_digits(n_class=4, return_X_y=True)
    features = RBFSampler(gamma=0.001, n_components=3000, random_state=0)
    classifier = MemoryClassifier(HolographicMemory(features=features, random_state=0), fit_intercept=False)
    assert cross_val_score(classifier, X, y, cv=3).min() > 0.9
    X, y = make_regression(300, 3, noise=1.0, random_state=0)
    smoother = HolographicMemory("passthrough", features=RBF, random_state=0)
    assert cross_val_score(smoother, X, y[:, None], cv=3).mean() > 0.5


def test_a_grid_search_finds_the_width():
    rng = np.random.default_rng(0)
    X = rng.uniform(-3, 3, (300, 1))
    y = np.sin(3 * X) + 0.1 * rng.standard_normal(X.shape)
    memory = HolographicMemory("passthrough", features=RBFSampler(n_components=3000, random_state=0), random_state=0)
    search = GridSearchCV(memory, {"features__gamma": [1e-3, 10.0, 1e5]}, cv=3).fit(X, y)
    assert search.best_params_ == {"features__gamma": 10.0}
    assert search.best_score_ > 0.8
    make_pipeline(clone(memory)).fit(X, y).predict(X)


# ------------------------------------------------------------------------------------------------------- odd input


def test_unknown_units_of_a_key_say_nothing():
    keys, values = pairs(5, 1024)
    memory = HolographicMemory().fit(keys, values)
    holes = np.where(np.random.default_rng(0).uniform(size=keys.shape) < 0.4, np.nan, keys)
    np.testing.assert_array_equal(memory.predict(holes), values)
    np.testing.assert_array_equal(memory.field(np.full((1, 1024), np.nan)), np.zeros((1, 1024)))
    np.testing.assert_array_equal(memory.predict(np.zeros((1, 1024))), memory.predict(np.full((1, 1024), np.nan)))


def test_sparse_cues_and_values_are_as_dense_ones():
    keys, values = pairs(6, 64, 9)
    sparse = [scipy.sparse.csr_array(each) for each in (keys, values)]
    for features in (None, RBF):
        memory = HolographicMemory(features=features, random_state=0)
        expected = clone(memory).fit(keys, values)
        found = clone(memory).fit(*sparse)
        np.testing.assert_allclose(found.trace_, expected.trace_, atol=1e-12)
        np.testing.assert_array_equal(found.predict(sparse[0]), expected.predict(keys))


@pytest.mark.parametrize(
    ("settings", "X", "y", "error", "message"),
    [
        ({}, np.ones((3, 4)), None, ValueError, "HolographicMemory requires y to be passed"),
        ({}, np.ones((3, 4)), np.ones(3), ValueError, r"y is 1-D; expected shape .*reshape\(-1, 1\)"),
        ({}, np.ones((3, 4)), np.full((3, 2), np.nan), ValueError, "y contains NaN"),
        ({}, np.full((3, 4), np.inf), np.ones((3, 2)), ValueError, "infinity"),
        ({}, np.ones((3, 4)) * 1j, np.ones((3, 2)), ValueError, r"Complex data .* found X .*; expected real .*hstack"),
        ({"algebra": "fhrr"}, [[1j, 1.0]], [[1.0]], ValueError, r"found X of type complex128; expected real"),
        ({}, np.ones((3, 4)), np.ones((3, 2)) * 1j, ValueError, r"found y of type complex128; expected real"),
        ({}, np.ones((3, 4)), np.ones((2, 2)), ValueError, "inconsistent numbers of samples"),
        ({"n_components": 2}, np.ones((3, 4)), np.ones((3, 5)), ValueError, "n_components >= 5"),
        ({"n_components": 0}, np.ones((3, 4)), np.ones((3, 5)), ValueError, "n_components=0"),
        ({"n_traces": 1.5}, np.ones((3, 4)), np.ones((3, 5)), TypeError, "n_traces=1.5"),
        ({"algebra": "tensor"}, np.ones((3, 4)), np.ones((3, 5)), ValueError, "'hrr', 'fhrr', 'map'"),
        ({"memory": "none"}, np.ones((3, 4)), np.ones((3, 5)), ValueError, "'passthrough'"),
        ({"memory": ModernHopfieldMemory}, np.ones((3, 4)), np.ones((3, 5)), TypeError, "an autoassociative memory"),
        ({"features": "rbf"}, np.ones((3, 4)), np.ones((3, 5)), TypeError, "a transformer with `fit` and `transform`"),
        ({"features": RBF}, np.full((3, 4), np.nan), np.ones((3, 5)), ValueError, "NaN"),
        ({"features": np.sum}, np.ones((3, 4)), np.ones((3, 5)), ValueError, r"expected shape \(1, n_features\)"),
        ({"features": np.log}, -np.ones((3, 4)), np.ones((3, 5)), ValueError, "features have entries that are not"),
        ({"features": lambda X: X * 1j}, np.ones((3, 4)), np.ones((3, 5)), ValueError, "complex; .*'fhrr'"),
        ({}, np.full((3, 4), 1e200), np.full((3, 5), 1e200), ValueError, "no longer finite"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning", "ignore:overflow:RuntimeWarning")
def test_what_cannot_be_stored_is_refused_and_leaves_nothing(settings, X, y, error, message):
    memory = HolographicMemory(**settings)
    with pytest.raises(error, match=message):
        memory.fit(X, y)
    assert not [name for name in vars(memory) if name.endswith("_")]


def test_features_that_change_their_number_are_refused():
    keys, values = pairs(6, 16, 3)
    memory = HolographicMemory(features=lambda cues: np.ones((len(cues), 5 + (len(cues) > 4)))).fit(
        keys[:4], values[:4]
    )
    with pytest.raises(ValueError, match="6 columns; expected 5, as in fit"):
        memory.predict(keys)


def test_float32_stays_and_a_pickle_recalls_the_same():
    keys, values = pairs(10, 256)
    memory = HolographicMemory(ModernHopfieldMemory(), algebra="fhrr", random_state=0)
    memory.fit(keys.astype("f4"), values)
    assert memory.trace_.dtype == "complex64"
    assert memory.predict(keys.astype("f4")).dtype == memory.field(keys.astype("f4")).dtype == "float32"
    assert memory.predict(keys).dtype == "float64"
    again = pickle.loads(pickle.dumps(memory))
    np.testing.assert_array_equal(again.predict(keys), memory.predict(keys))


def test_chance_alone_decides_beyond_what_a_trace_holds():
    # 2000 pairs in 64 numbers: recall is next to guessing among 2000; 20 right are improbable below 1e-6 at 0.2 %.
    keys, values = pairs(2000, 64)
    right = np.sum(np.all(HolographicMemory().fit(keys, values).predict(keys) == values, axis=1))
    assert right <= stats.binom.ppf(1 - 1e-6, 2000, 0.004)


# -------------------------------------------------------------------------------------------------------- merging


@every_algebra
@pytest.mark.parametrize("n_traces", [1, 3])
@pytest.mark.parametrize("features", [None, RBFSampler(n_components=200, random_state=0), np.cos], ids=str)
@pytest.mark.parametrize("memory", [None, "passthrough", ModernHopfieldMemory(9.0)], ids=str)
def test_traces_of_parts_add_up(algebra, n_traces, features, memory):
    keys, values = pairs(12, 64, 20, algebra=algebra)
    weight = np.arange(12) % 3 + 0.5
    options = {"algebra": algebra, "n_traces": n_traces, "features": features, "memory": memory, "random_state": 0}
    one, other, whole = (
        HolographicMemory(**options).fit(keys[part], values[part], weight[part])
        for part in (slice(0, 5), slice(5, 12), slice(0, 12))
    )
    before = pickle.dumps(other)
    assert one.merge(other) is one
    assert pickle.dumps(other) == before
    for merged in (one, HolographicMemory(**options).merge(other).merge(one.__class__(**options).fit(
        keys[:5], values[:5], weight[:5]))):  # fmt: skip
        for name in ("trace_", "key_sum_", "output_sum_", "weight_sum_", "values_", "value_counts_"):
            expected = getattr(whole, name)
            if expected is None:
                assert getattr(merged, name) is None
                continue
            np.testing.assert_allclose(getattr(merged, name), expected, atol=1e-10, err_msg=name)
        np.testing.assert_allclose(merged.predict(keys), whole.predict(keys), atol=1e-8)


def test_traces_of_other_codes_or_features_do_not_add_up():
    keys, values = pairs(10, 64, 20)
    fitted = HolographicMemory(random_state=0).fit(keys, values)
    before = dict(vars(fitted))
    for other, message in (
        (HolographicMemory(random_state=1).fit(keys, values), "drawn other random codes"),
        (HolographicMemory(algebra="map", random_state=0).fit(keys, values), "algebra='map'; expected algebra='hrr'"),
        (HolographicMemory(random_state=0).fit(keys, values[:, :7]), "y of 7 columns; expected 20"),
        (HolographicMemory("passthrough", random_state=0).fit(keys, values), "memory='passthrough'; expected memory=N"),
    ):
        with pytest.raises(ValueError, match=message):
            fitted.merge(other)
    assert vars(fitted) == before
    nystroem = HolographicMemory(features=Nystroem(n_components=5, random_state=0), random_state=0)
    with pytest.raises(ValueError, match="fitted its features otherwise"):
        clone(nystroem).fit(keys[:5], values[:5]).merge(clone(nystroem).fit(keys[5:], values[5:]))


def _cosines(X):
    return np.cos(X)


@pytest.mark.parametrize(
    "features",
    [
        make_pipeline(FunctionTransformer(np.sin), RBFSampler(n_components=200, random_state=0)),
        make_pipeline(FunctionTransformer(lambda X: 2.0 * X), RBFSampler(n_components=200, random_state=0)),
        lambda X: np.tanh(X),
        functools.partial(np.add, 1.0),
        _cosines,
    ],
    ids=["pipeline", "lambda inside", "lambda", "partial", "function"],
)
def test_copies_of_features_from_elsewhere_merge(features):
    keys, values = pairs(12, 64, 20)
    memory = HolographicMemory(features=features, random_state=0)
    one, other = (
        cloudpickle.loads(cloudpickle.dumps(clone(memory))).fit(keys[part], values[part])
        for part in (slice(0, 5), slice(5, 12))
    )
    whole = clone(memory).fit(keys, values)
    merged = clone(memory).merge(one).merge(cloudpickle.loads(cloudpickle.dumps(other)))
    np.testing.assert_allclose(merged.trace_, whole.trace_, atol=1e-10)
    merged.partial_fit(keys, values)


def test_features_that_differ_inside_do_not_merge():
    keys, values = pairs(12, 64, 20)
    memory = HolographicMemory(features=make_pipeline(RBFSampler(gamma=1.0, random_state=0)), random_state=0)
    fitted = clone(memory).fit(keys, values)
    other = clone(memory).set_params(features__rbfsampler__gamma=2.0).fit(keys, values)
    with pytest.raises(ValueError, match="gamma=2.0"):
        fitted.merge(other)
    # What was set after a fit does not count: pairs are read as they were stored.
    fitted.merge(clone(memory).fit(keys, values).set_params(features__rbfsampler__gamma=3.0))
    with pytest.raises(ValueError, match="partial_fit goes on with features="):
        fitted.set_params(features__rbfsampler__gamma=3.0).partial_fit(keys, values)


@pytest.mark.parametrize("algebra", ["hrr", "fhrr"])
def test_traces_merge_wherever_they_are(algebra, place, dispatched):
    keys, values = pairs(10, 64, 20)
    memory = HolographicMemory(algebra=algebra, random_state=0)
    whole, here = clone(memory).fit(keys, values), clone(memory).fit(keys[:4], values[:4])
    with dispatched():
        there = clone(memory).fit(place.put(keys[4:]), place.put(values[4:]))
        np.testing.assert_allclose(clone(memory).merge(here).merge(there).trace_, whole.trace_, atol=1e-10)
        np.testing.assert_allclose(place.get(there.merge(here).trace_), whole.trace_, atol=1e-10)
        np.testing.assert_array_equal(place.get(there.predict(place.put(keys))), whole.predict(keys))

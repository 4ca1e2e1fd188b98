"""What was learnt apart and merged is what is learnt together: sums that are sums of parts."""

import copy
import inspect
import itertools
import pickle

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skamem import (
    BidirectionalMemory,
    DenseMemory,
    HebbianMemory,
    HopfieldNetwork,
    IHTRegressor,
    InvariantProjection,
    ModernHopfieldMemory,
    PseudoinverseMemory,
    WillshawMemory,
)
from skamem.core import factors
from skamem.core.factors import Factors
from skamem.core.merging import MergeableEstimator
from skamem.datasets import make_patterns

pytestmark = pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")

N = 18
X, Y = make_patterns(N, 40, random_state=0), make_patterns(N, 12, random_state=1)
FEW = (np.random.default_rng(2).random((N, 40)) < 0.1) * 1.0
WEIGHT = np.arange(N) % 4 + 1.0
REAL = np.random.default_rng(4).standard_normal(X.shape)
HOLES = np.where(np.random.default_rng(5).random(X.shape) < 0.2, np.nan, REAL)
CUES = np.where(np.random.default_rng(3).random(X.shape) < 0.1, -X, X)

CASES = {
    "hebbian": HebbianMemory(random_state=0),
    "pairs": HebbianMemory("y", activation="step", random_state=0),
    "linear": HebbianMemory("y", activation="identity", binarize=None, random_state=0),
    "bidirectional": BidirectionalMemory(),
    "projection": PseudoinverseMemory(random_state=0),
    "projection of pairs": PseudoinverseMemory("y", random_state=0),
    "ridge": PseudoinverseMemory(solver="cholesky", alpha=0.5, random_state=0),
    "series": PseudoinverseMemory(solver="neumann", n_layers=200, alpha=1.0, random_state=0),
    "network": HopfieldNetwork(random_state=0),
    "biased network": HopfieldNetwork(fit_intercept=True, random_state=0),
    "projecting network": HopfieldNetwork("pseudoinverse", random_state=0),
    "biased projecting network": HopfieldNetwork("pseudoinverse", fit_intercept=True, random_state=0),
    "dense": DenseMemory(random_state=0),
    "dense pairs": DenseMemory(target="y", random_state=0),
    "modern, real": ModernHopfieldMemory(),
    "modern, real, with gaps": ModernHopfieldMemory(missing="clamp", n_recall_steps=2),
    "modern, real pairs": ModernHopfieldMemory(2.0, target="y"),
    "willshaw": WillshawMemory(),
    "willshaw, packed": WillshawMemory(storage="packed"),
    "willshaw, dense": WillshawMemory(storage="dense"),
    "willshaw, pairs": WillshawMemory("winners", target="y"),
}
EXACT = {"hebbian", "pairs", "bidirectional", "network", "biased network", "willshaw"}
EXACT |= {"willshaw, packed", "willshaw, dense", "willshaw, pairs", "dense", "dense pairs"}
every_case = pytest.mark.parametrize("case", CASES)


def data(case, dtype="float64"):
    inputs = FEW if "willshaw" in case else X if "real" not in case else REAL if "gaps" not in case else HOLES
    return inputs.astype(dtype), Y.astype(dtype)


def learnt(estimator):
    """What was learnt, by the names that users know."""
    names = ("correlation_", "couplings_", "weights_", "bias_", "gram_", "cross_", "patterns_", "targets_", "density_")
    names += (
        "pattern_weight_",
        "known_",
        "values_",
        "sample_weight_",
        "beta_",
        "pattern_sum_",
        "input_sum_",
        "n_patterns_",
        "total_weight_",
        "fewest_active_",
    )
    names += ("storage_", "coding_", "input_coding_", "n_features_in_", "_exact")
    names += ("order_seed_",) if "random_state" in estimator.get_params() else ()
    found = {name: getattr(estimator, name) for name in names if getattr(estimator, name, None) is not None}
    dense = {name: value.toarray() if scipy.sparse.issparse(value) else value for name, value in found.items()}
    return dense | {"predicted": estimator.predict(CUES)}


def check_same(found, expected, *, exact, tolerance=1e-8, but=()):
    found, expected = learnt(found), learnt(expected)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if name in but:
            continue
        if exact or isinstance(value, str):
            np.testing.assert_array_equal(found[name], value, err_msg=name)
            assert np.asarray(found[name]).dtype == np.asarray(value).dtype, name
        else:
            np.testing.assert_allclose(found[name], value, atol=tolerance, rtol=tolerance, err_msg=name)


def fit(estimator, part, case, *, weight=None, container=np.asarray, method="fit", dtype="float64"):
    inputs, outputs = data(case, dtype)
    weight = () if weight is None else (weight[part],)
    return getattr(estimator, method)(container(inputs[part]), outputs[part], *weight)


def takes_weights(case):
    return "network" not in case


@pytest.fixture(params=[False, True], ids=["matrix", "factors"])
def factored(request, monkeypatch):
    """Weights of any size as factors where that is fewer numbers, or never."""
    monkeypatch.setattr(factors, "_SMALL", 0 if request.param else 2**40)
    return request.param


@every_case
@pytest.mark.parametrize("weighted", [False, True], ids=["once", "weighted"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_parts_merged_are_the_whole(case, weighted, dtype, factored):
    if weighted and not takes_weights(case):
        pytest.skip("no sample_weight")
    options = {"weight": WEIGHT if weighted else None, "dtype": dtype}
    parts = slice(0, 7), slice(7, N)
    one, other = (fit(clone(CASES[case]), part, case, **options) for part in parts)
    before = copy.deepcopy(other)
    exact = case in EXACT
    tolerance = 1e-8 if dtype == "float64" else 2e-3
    whole = fit(clone(CASES[case]), slice(0, N), case, **options)
    pieces = fit(fit(clone(CASES[case]), parts[0], case, **options), parts[1], case, method="partial_fit", **options)
    assert one.merge(other) is one
    check_same(one, pieces, exact=exact, tolerance=tolerance)
    check_same(one, whole, exact=exact, tolerance=tolerance)
    check_same(other, before, exact=True)


@every_case
def test_the_order_and_the_brackets_do_not_matter(case, factored):
    def part(start):
        return fit(clone(CASES[case]), slice(start, start + 6), case)

    whole = fit(clone(CASES[case]), slice(0, N), case)
    left = part(0).merge(part(6)).merge(part(12))
    right = part(0).merge(part(6).merge(part(12)))
    turned = part(12).merge(part(0)).merge(part(6))
    exact = case in EXACT
    check_same(left, whole, exact=exact)
    check_same(right, whole, exact=exact)
    rows = ("patterns_", "targets_", "values_", "known_")  # in the order in which they came
    check_same(turned, whole, exact=exact, but=rows)


@every_case
def test_an_empty_estimator_takes_over_what_the_other_learnt(case, factored):
    fitted = fit(clone(CASES[case]), slice(0, N), case)
    taken = clone(CASES[case]).merge(fitted)
    check_same(taken, fitted, exact=True)
    # What it learns from then on is its own.
    fit(taken, slice(0, 3), case, method="partial_fit")
    check_same(fitted, fit(clone(CASES[case]), slice(0, N), case), exact=True)


@every_case
def test_merging_with_oneself_stores_all_twice(case):
    twice = fit(clone(CASES[case]), slice(0, N), case)
    twice.merge(twice)
    again = fit(fit(clone(CASES[case]), slice(0, N), case), slice(0, N), case, method="partial_fit")
    check_same(twice, again, exact=case in EXACT)


@every_case
def test_what_travelled_merges(case, factored):
    one, other = (fit(clone(CASES[case]), part, case) for part in (slice(0, 7), slice(7, N)))
    loaded = pickle.loads(pickle.dumps(one)).merge(pickle.loads(pickle.dumps(other)))
    check_same(pickle.loads(pickle.dumps(loaded)), one.merge(other), exact=True)


@every_case
def test_parts_may_live_elsewhere(case, place, dispatched):
    """A part from another array library, or with another ``backend=``, is brought to where the estimator computes."""
    estimator = CASES[case]
    if getattr(estimator, "storage", "") == "packed":
        pytest.skip("host only")
    inputs, outputs = data(case)
    here = fit(clone(estimator), slice(0, 7), case)
    whole = fit(clone(estimator), slice(0, N), case)
    behind = clone(estimator).set_params(backend="torch").fit(inputs[7:], outputs[7:])
    with dispatched():
        there = clone(estimator).fit(place.put(inputs[7:]), place.put(outputs[7:]))
        back = clone(there).merge(there).merge(here)
        recalled = place.get(back.predict(place.put(CUES)))
    for one in (clone(here).merge(here).merge(there), clone(here).merge(here).merge(behind)):
        check_same(one, whole, exact=case in EXACT, but=("patterns_", "targets_", "values_", "known_"))
    np.testing.assert_allclose(recalled, whole.predict(CUES), atol=1e-8)


@pytest.mark.parametrize("one", [np.float32, np.float64])
@pytest.mark.parametrize("other", [np.float32, np.float64])
def test_the_wider_type_holds_both(one, other):
    merged = HebbianMemory().fit(X.astype(one)).merge(HebbianMemory().fit(X.astype(other)))
    assert merged.correlation_.dtype == np.result_type(one, other)


def test_whole_numbers_beyond_float32_widen():
    """Two halves that float32 holds, whose sum it does not: the sum is still exact."""
    heavy = np.full(N, 8000.0)
    half = HebbianMemory().fit(X.astype("f4"), sample_weight=heavy)
    assert half.correlation_.dtype == np.float32
    merged = HebbianMemory().merge(half).merge(half)
    np.testing.assert_array_equal(merged.correlation_, 2 * (X * heavy[:, None]).T @ X)
    assert merged.correlation_.dtype == np.float64


def test_few_patterns_stay_factors_and_many_become_a_matrix(monkeypatch):
    monkeypatch.setattr(factors, "_SMALL", 0)
    for estimator, name in ((HebbianMemory(), "_learnt"), (PseudoinverseMemory(), "_weights")):
        few = clone(estimator).fit(X[:6]).merge(clone(estimator).fit(X[6:12]))
        assert isinstance(getattr(few, name), Factors)
        many = few.merge(clone(estimator).fit(make_patterns(12, 40, random_state=9)))
        assert not isinstance(getattr(many, name), Factors)


def test_other_solvers_solve_anew():
    fitted = PseudoinverseMemory(alpha=0.0).fit(X)
    taken = PseudoinverseMemory(alpha=3.0).merge(fitted)
    np.testing.assert_allclose(taken.weights_, PseudoinverseMemory(alpha=3.0).fit(X).weights_, atol=1e-10)


@pytest.mark.parametrize("mine", ["auto", "sparse", "packed", "dense"])
@pytest.mark.parametrize("theirs", ["auto", "sparse", "packed", "dense"])
@pytest.mark.parametrize("density", [0.02, 0.3])
def test_binary_synapses_merge_whatever_form_they_have(mine, theirs, density):
    patterns = (np.random.default_rng(5).random((40, 100)) < density) * 1.0
    one = WillshawMemory(storage=mine).fit(patterns[:20])
    one.merge(WillshawMemory(storage=theirs).fit(patterns[20:]))
    whole = WillshawMemory(storage=mine).fit(patterns)
    found, expected = (memory.weights_ for memory in (one, whole))
    found, expected = (w.toarray() if scipy.sparse.issparse(w) else w for w in (found, expected))
    np.testing.assert_array_equal(found, expected)
    assert one.fewest_active_ == whole.fewest_active_
    assert one.storage_ == whole.storage_ or (mine, theirs) == ("auto", "packed")


def test_warns_as_storing_does():
    with pytest.warns(UserWarning, match="beyond the limit of about"):
        HebbianMemory().fit(X[:4]).merge(HebbianMemory(check_stored=False).fit(X[4:]))


REFUSED = {
    "another class": (HebbianMemory(), lambda: PseudoinverseMemory().fit(X), TypeError, "expected a fitted Hebbian"),
    "no estimator": (HebbianMemory(), lambda: X, TypeError, "other is .*; expected a fitted HebbianMemory"),
    "a class": (HebbianMemory(), lambda: HebbianMemory, TypeError, "expected a fitted HebbianMemory"),
    "not fitted": (HebbianMemory(), HebbianMemory, NotFittedError, "other is a HebbianMemory that is not fitted"),
    "features": (HebbianMemory(), lambda: HebbianMemory().fit(X[:, :9]), ValueError, "has 9 features; expected 40"),
    "outputs": (HebbianMemory("y"), lambda: HebbianMemory("y").fit(X, Y[:, :4]), ValueError, "y of 4 columns; exp"),
    "target": (HebbianMemory(), lambda: HebbianMemory("y").fit(X, X), ValueError, "target='y'; expected target='self'"),
    "threshold": (HebbianMemory(), lambda: HebbianMemory(binarize=0.5).fit(X), ValueError, "binarize=0.5; expected"),
    "units": (HebbianMemory(), lambda: HebbianMemory(activation="step").fit(X), ValueError, "'step'; expected"),
    "rule": (HopfieldNetwork(), lambda: HopfieldNetwork("pseudoinverse").fit(X), ValueError, "rule='pseudoinverse'"),
    "a bias": (HopfieldNetwork(), lambda: HopfieldNetwork(fit_intercept=True).fit(X), ValueError, "fit_intercept=True"),
    "a bias, unsaid": (
        HopfieldNetwork(),
        lambda: HopfieldNetwork(fit_intercept=True).fit(X).set_params(fit_intercept=False),
        ValueError,
        "other was fitted with fit_intercept=True; expected fit_intercept=False",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_and_changes_nothing(name):
    estimator, make, error, message = REFUSED[name]
    fitted, other = clone(estimator).fit(X, Y), make()
    before = dict(vars(fitted))
    with pytest.raises(error, match=message):
        fitted.merge(other)
    assert vars(fitted).keys() == before.keys()
    assert all(vars(fitted)[key] is value for key, value in before.items())


def test_features_of_other_names_are_refused():
    pd = pytest.importorskip("pandas")
    names = [f"u{i}" for i in range(X.shape[1])]
    groups = np.arange(N) % 3
    for estimator in (
        HebbianMemory(),
        ModernHopfieldMemory(),
        WillshawMemory(),
        InvariantProjection(),
        IHTRegressor(1),
    ):
        learn = "partial_fit" if isinstance(estimator, IHTRegressor) else "fit"
        one, other = (
            getattr(clone(estimator), learn)(pd.DataFrame(REAL, columns=columns), groups)
            for columns in (names, names[::-1])
        )
        with pytest.raises(ValueError, match=r"another order, u39, .*; expected u0, "):
            one.merge(other)
        assert list(clone(estimator).merge(one).feature_names_in_) == names
        getattr(clone(estimator), learn)(REAL, groups).merge(one)  # where one has no names, places count


CHANGED = [
    (HopfieldNetwork("hebbian"), {"rule": "pseudoinverse"}),
    (HopfieldNetwork("pseudoinverse"), {"rule": "hebbian"}),
    (HopfieldNetwork("storkey"), {"rule": "hebbian"}),
    (HopfieldNetwork(), {"fit_intercept": True}),
    (HopfieldNetwork(), {"binarize": 0.5}),
    (HebbianMemory(activation="step"), {"activation": "sign"}),
    (HebbianMemory("y"), {"target": "self"}),
    (PseudoinverseMemory(), {"binarize": None}),
    (BidirectionalMemory(), {"binarize": 0.5}),
    (DenseMemory(), {"target": "y"}),
    (WillshawMemory(), {"binarize": 0.5}),
    (ModernHopfieldMemory(), {"target": "y"}),
]


@pytest.mark.parametrize(("estimator", "change"), CHANGED)
@pytest.mark.parametrize("method", ["partial_fit", "forget", "merge"])
def test_what_learning_depends_on_does_not_change_between_calls(estimator, change, method):
    """Two kinds of sums in one are neither; what was remembered travels, and `fit` starts anew."""
    estimator = clone(estimator)
    fitted = pickle.loads(pickle.dumps(estimator.fit(X[:9], Y[:9]).set_params(**change)))
    if not hasattr(fitted, method):
        pytest.skip("no such method")
    other = clone(fitted).fit(X[9:], Y[9:])
    data = {"forget": (X[:1], Y[:1]), "partial_fit": (X[9:], Y[9:]), "merge": (other,)}[method]
    if method == "forget" and "y" not in inspect.signature(fitted.forget).parameters:
        data = data[:1]
    before = dict(vars(fitted))
    name = next(iter(change))
    with pytest.raises(ValueError, match=f"{method} goes on with {name}=.*, but found {name}=.*; call fit"):
        getattr(fitted, method)(*data)
    assert vars(fitted) == before
    fitted.fit(X[:9], Y[:9])
    getattr(fitted, method)(*data)


def test_what_the_other_was_fitted_with_counts():
    one = HopfieldNetwork().fit(X[:9])
    other = HopfieldNetwork("pseudoinverse").fit(X[9:]).set_params(rule="hebbian")
    with pytest.raises(ValueError, match="other was fitted with rule='pseudoinverse'; expected rule='hebbian'"):
        one.merge(other)
    alike = HopfieldNetwork().fit(X[9:]).set_params(rule="pseudoinverse")
    np.testing.assert_array_equal(one.merge(alike).couplings_, HopfieldNetwork().fit(X).couplings_)


ON, ZEROS, SIGNS = np.ones((3, 8)), (X[:4, :8] > 0) * 1.0, X[4:9, :8]


@pytest.mark.parametrize(
    "parts", [*itertools.permutations([ON, ZEROS, SIGNS]), (ON, ZEROS), (ZEROS, ON), (ON, SIGNS), (SIGNS, ON), (ON, ON)]
)
@pytest.mark.parametrize(
    "memory",
    [HebbianMemory(), HebbianMemory("y"), BidirectionalMemory(), DenseMemory(random_state=0), WillshawMemory()],
)
def test_merged_parts_have_the_coding_of_all_patterns_whatever_the_order(memory, parts):
    def codings(fitted):
        return fitted.coding_, getattr(fitted, "input_coding_", None)

    whole = clone(memory).fit(np.concatenate(parts), np.concatenate(parts))
    streamed, merged, fitted = clone(memory), clone(memory), [clone(memory).fit(part, part) for part in parts]
    for part in parts:
        streamed.partial_fit(part, part)
    for one in fitted:
        merged.merge(one)
    right = fitted[-1]
    for one in fitted[-2::-1]:
        right = clone(memory).merge(one).merge(right)
    assert codings(merged) == codings(right) == codings(whole)
    first = next((one.coding_ for one, part in zip(fitted, parts, strict=True) if part is not ON), "bipolar")
    assert streamed.coding_ == first  # the first that tells it: recall does not change its coding on the way
    if first == whole.coding_:
        np.testing.assert_array_equal(streamed.predict(parts[0]), whole.predict(parts[0]))


def test_patterns_of_two_codings_are_refused_where_none_is_a_threshold():
    ones, zeros, signs = (HebbianMemory(binarize=None).fit(part) for part in (ON, ZEROS, SIGNS))
    for one, other in ((zeros, signs), (signs, zeros)):
        with pytest.raises(ValueError, match=f"other has {other.coding_} patterns; expected {one.coding_} ones"):
            clone(one).merge(one).merge(other)
    for part, coding in ((zeros, "binary"), (signs, "bipolar")):
        assert clone(ones).merge(ones).merge(part).coding_ == clone(ones).merge(part).merge(ones).coding_ == coding
    assert clone(ones).partial_fit(ON).partial_fit(ZEROS).coding_ == "binary"


def test_what_was_fitted_before_settings_were_remembered_goes_on():
    old, other = HopfieldNetwork().fit(X[:9]), HopfieldNetwork().fit(X[9:])
    del old._settings, other._settings
    np.testing.assert_array_equal(old.merge(other).couplings_, HopfieldNetwork().fit(X).couplings_)
    assert old.partial_fit(X[:2]).forget(X[:2]).n_patterns_ == N


@pytest.mark.parametrize("rule", ["storkey", "perceptron", lambda patterns: patterns.T @ patterns])
def test_rules_that_do_not_add_up_have_no_merge(rule):
    assert not hasattr(HopfieldNetwork(rule), "merge")
    with pytest.raises(AttributeError, match="merge needs rule='hebbian' or rule='pseudoinverse'"):
        HopfieldNetwork(rule).fit(X).merge(HopfieldNetwork(rule).fit(X))


def test_the_base_asks_how_to_add():
    with pytest.raises(TypeError, match="abstract"):
        MergeableEstimator()

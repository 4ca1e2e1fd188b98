"""HopfieldNetwork: rules, hand-made networks, temperature, and the classics of the literature."""

import itertools
import warnings

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from skamem import HebbianMemory, HopfieldNetwork
from skamem.core import rules
from skamem.core.dynamics import asynchronous, synchronous
from skamem.core.fields import LinearField
from skamem.datasets import corrupt, make_patterns
from skamem.exceptions import CapacityWarning
from skamem.model_selection import StoredPatternsSplit, make_denoising_scorer

pytestmark = pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")

every_rule = pytest.mark.parametrize("rule", rules.RULES)
PATTERNS = make_patterns(6, 80, random_state=0)
CUES = corrupt(np.tile(PATTERNS, (5, 1)), "flip", 0.1, random_state=1)


def every_state(n_units):
    return np.asarray(list(itertools.product([-1.0, 1.0], repeat=n_units)))


# ------------------------------------------------------------------------------------------------------ learning


@every_rule
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_weights_are_those_of_the_rule(rule, fit_intercept):
    network = HopfieldNetwork(rule, fit_intercept=fit_intercept).fit(PATTERNS)
    X = np.hstack([PATTERNS, np.ones((6, 1))]) if fit_intercept else PATTERNS
    options = {"fit_intercept": fit_intercept} if "fit_intercept" in rules.RULES[rule].options else {}
    W = rules.RULES[rule](X, **options) * (81 / 80 if rule == "hebbian" and fit_intercept else 1)
    np.testing.assert_allclose(network.weights_, (W - np.diag(np.diag(W)))[:80, :80], atol=1e-12)
    np.testing.assert_allclose(network.bias_, W[80, :80] if fit_intercept else np.zeros(80), atol=1e-12)
    np.testing.assert_array_equal(network.predict(PATTERNS), PATTERNS)
    np.testing.assert_allclose(
        network.energy(CUES),
        [-0.5 * s @ network.weights_ @ s - network.bias_ @ s for s in CUES],
        rtol=1e-10,
    )


def test_a_callable_is_a_rule():
    network = HopfieldNetwork(rules.storkey).fit(PATTERNS)
    np.testing.assert_array_equal(network.weights_, HopfieldNetwork("storkey").fit(PATTERNS).weights_)
    with pytest.raises(ValueError, match=r"returned weights of shape \(3, 3\); expected \(80, 80\)"):
        HopfieldNetwork(lambda X: np.eye(3)).fit(PATTERNS)
    with pytest.raises(ValueError, match="not symmetric: two entries differ by 1"):
        HopfieldNetwork(lambda X: np.eye(80, k=1)).fit(PATTERNS)


@pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_patterns", [50, 60])
def test_a_projection_onto_everything_has_no_opinion(n_patterns, dtype):
    # All fields are 0 without the diagonal; what the solver leaves in them decides nothing.
    X = make_patterns(n_patterns, 50, random_state=0).astype(dtype)
    np.testing.assert_array_equal(HopfieldNetwork("pseudoinverse", random_state=0).fit(X).predict(X), X)


@pytest.mark.parametrize("rule", ["hebbian", "storkey", "pseudoinverse"])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_storing_in_pieces_is_storing_at_once(rule, fit_intercept):
    together = HopfieldNetwork(rule, fit_intercept=fit_intercept, random_state=0).fit(
        np.vstack([PATTERNS, PATTERNS[:1]])
    )
    apart = clone(together)
    for piece in (PATTERNS[:1], PATTERNS[1:4], PATTERNS[4:], PATTERNS[:1]):
        apart.partial_fit(piece)
    np.testing.assert_allclose(apart.weights_, together.weights_, atol=1e-12)
    np.testing.assert_allclose(apart.bias_, together.bias_, atol=1e-12)
    assert (apart.n_patterns_, apart.order_seed_) == (7, together.order_seed_)


@pytest.mark.parametrize("rule", ["perceptron", rules.hebbian])
def test_rules_that_need_all_patterns_have_no_partial_fit(rule):
    network = HopfieldNetwork(rule).fit(PATTERNS)
    assert not hasattr(network, "partial_fit")
    assert not hasattr(network, "forget")


@pytest.mark.parametrize("fit_intercept", [False, True])
def test_forgetting_undoes_storing(fit_intercept):
    network = HopfieldNetwork(fit_intercept=fit_intercept, random_state=0).fit(PATTERNS)
    kept = HopfieldNetwork(fit_intercept=fit_intercept, random_state=0).fit(PATTERNS[:4])
    network.forget(PATTERNS[4:])
    np.testing.assert_array_equal(network.couplings_, kept.couplings_)
    np.testing.assert_array_equal(network.pattern_sum_, kept.pattern_sum_)
    assert (network.n_patterns_, network.total_weight_) == (4, 4.0)
    before = dict(vars(network))
    with pytest.raises(ValueError, match="80 features"):
        network.forget(PATTERNS[:, :7])
    with pytest.raises(ValueError, match="found 6 patterns of total weight 6; expected at most what is stored, 4 of"):
        network.forget(PATTERNS)
    assert vars(network) == before


def test_an_overloaded_network_warns():
    with pytest.warns(CapacityWarning, match="stores 20 patterns in 80 units"):
        HopfieldNetwork().fit(make_patterns(20, 80, random_state=0))


def test_a_perceptron_that_cannot_learn_warns():
    contradiction = np.asarray([[1.0, 1.0, -1.0], [1.0, -1.0, 1.0], [-1.0, 1.0, 1.0], [-1.0, -1.0, -1.0]])
    with pytest.warns(ConvergenceWarning, match="left . of 4 patterns unstable after 50 epochs"):
        HopfieldNetwork("perceptron", max_epochs=50).fit(contradiction)


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("kappa", [0.0, 0.5])
def test_a_perceptron_stores_with_its_margin(kappa, fit_intercept):
    patterns = make_patterns(40, 80, random_state=0)
    network = HopfieldNetwork("perceptron", kappa=kappa, fit_intercept=fit_intercept).fit(patterns)
    fields = patterns @ network.weights_ + network.bias_
    margins = np.min(patterns * fields / np.linalg.norm(network.weights_, axis=0), axis=1)
    assert margins.min() > kappa
    np.testing.assert_allclose(network.margins_, margins)
    assert not hasattr(network.set_params(rule="hebbian").fit(patterns[:5]), "margins_")


@pytest.mark.parametrize(("kappa", "n_patterns"), [(3.0, 40), (5.0, 20)])
def test_a_margin_that_is_not_reached_is_reported(kappa, n_patterns):
    patterns = make_patterns(n_patterns, 60, random_state=0)
    network = HopfieldNetwork("perceptron", kappa=kappa, max_epochs=200)
    with pytest.warns(ConvergenceWarning) as caught:
        network.fit(patterns)
    n_short = np.count_nonzero(network.margins_ <= kappa)
    message = f"left {n_short} of {n_patterns} patterns below the margin kappa={kappa:g} (the least is "
    assert f"{message}{network.margins_.min():.3g}) after 200 epochs" in str(caught[0].message)
    assert n_short > 0


@pytest.mark.parametrize(
    "patterns", [[[1, 1, -1, -1, 1]], [[1, -1, 1, -1, 1, 1]], make_patterns(1, 40, random_state=3)]
)
def test_a_pattern_and_its_complement_are_stored_beside_a_bias(patterns):
    both = np.vstack([patterns, -np.asarray(patterns)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the unit that is always on has nothing to satisfy
        network = HopfieldNetwork("perceptron", fit_intercept=True, random_state=0).fit(both)
    np.testing.assert_array_equal(network.predict(both), both)
    assert network.margins_.min() > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_perceptron_holds_a_load_of_three_halves(seed):
    patterns = make_patterns(150, 100, random_state=seed)
    network = HopfieldNetwork("perceptron", max_epochs=20_000, random_state=0).fit(patterns)
    np.testing.assert_array_equal(network.predict(patterns), patterns)


# ------------------------------------------------------------------------------------------------- recalling


@pytest.mark.parametrize("update", ["sync", "async"])
def test_it_recalls_as_a_hebbian_memory_without_diagonal(update):
    network = HopfieldNetwork(update=update, random_state=3).fit(PATTERNS)
    memory = HebbianMemory(update=update, zero_diagonal=True, random_state=3).fit(PATTERNS)
    hard = corrupt(np.tile(PATTERNS, (20, 1)), "flip", 0.4, random_state=0)
    for name, value in vars(memory.recall(hard)).items():
        np.testing.assert_array_equal(getattr(network.recall(hard), name), value)
    np.testing.assert_allclose(network.energy(hard), memory.energy(hard))


@every_rule
def test_random_orders_lead_to_fixed_points_downhill(rule):
    network = HopfieldNetwork(rule).fit(PATTERNS)
    starts = np.random.default_rng(0).choice([-1.0, 1.0], (30, 80))
    recall = network.recall(starts, order="random", random_state=0)
    assert recall.converged.all()
    np.testing.assert_array_equal(network.predict(recall.states), recall.states)
    assert np.all(network.energy(recall.states) < network.energy(starts))
    again = network.recall(starts, order="random", random_state=0)
    np.testing.assert_array_equal(again.states, recall.states)
    assert not np.array_equal(network.recall(starts, order="random", random_state=1).states, recall.states)


def test_synchronous_recall_has_period_one_or_two():
    network = HopfieldNetwork(update="sync").fit(make_patterns(12, 60, random_state=0))
    recall = network.recall(np.random.default_rng(0).choice([-1.0, 1.0], (500, 60)))
    assert set(recall.cycle_length) == {1, 2}


@pytest.mark.parametrize("order", ["shared", "random"])
@pytest.mark.parametrize("coding", ["bipolar", "binary"])
def test_cold_recall_repairs_and_hot_recall_does_not(order, coding):
    low = 0.0 if coding == "binary" else -1.0
    patterns, cues = (np.where(X > 0, 1.0, low) for X in (PATTERNS, CUES))
    network = HopfieldNetwork(n_recall_steps=10).fit(patterns)
    truth = np.tile(patterns, (5, 1))
    cold, hot = (network.recall(cues, temperature=t, order=order, random_state=0).states for t in (0.01, 100.0))
    np.testing.assert_array_equal(cold, truth)
    assert 0.4 < np.mean(hot == truth) < 0.6
    assert set(np.unique(hot)) == {low, 1.0}


@pytest.mark.parametrize("binarize", [0.0, 5.0, None])
@pytest.mark.parametrize("coding", ["bipolar", "binary"])
def test_samples_have_the_distribution_of_boltzmann(coding, binarize):
    """10,000 chains, 4 units: chi-square below its 1 - 1e-4 quantile; fails by chance once in 10,000 seeds."""
    rng = np.random.default_rng(0)
    W = rng.standard_normal((4, 4))
    network = HopfieldNetwork.from_weights(W + W.T, rng.standard_normal(4), coding=coding, binarize=binarize)
    states = network.sample(10_000, temperature=2.0, n_steps=30, random_state=0)
    low = -1.0 if coding == "bipolar" else 0.0
    assert set(np.unique(states)) == {low, 1.0}
    every = every_state(4)
    J, h = network.to_ising()
    expected = np.exp([(0.5 * s @ J @ s + h @ s) / 2.0 for s in every])
    expected *= 10_000 / expected.sum()
    code = 2 ** np.arange(4)
    counts = np.bincount((states > 0) @ code, minlength=16)[(every > 0) @ code]
    assert np.sum((counts - expected) ** 2 / expected) < scipy.stats.chi2.ppf(1 - 1e-4, 15)


def test_samples_start_where_they_are_told_to_and_hold_what_is_clamped():
    network = HopfieldNetwork().fit(PATTERNS)
    np.testing.assert_array_equal(network.sample(start=CUES, n_steps=0), CUES)
    held = np.arange(80) < 40
    states = network.sample(start=CUES, temperature=50.0, n_steps=2, clamped=held, random_state=0)
    np.testing.assert_array_equal(states[:, held], CUES[:, held])
    assert np.mean(states[:, ~held] != CUES[:, ~held]) > 0.3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": "none"}, "order='none'"),
        ({"temperature": -1.0}, "temperature"),
        ({"clamped": [True]}, "clamped has shape"),
    ],
)
def test_bad_recall_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        HopfieldNetwork().fit(PATTERNS).recall(CUES, **options)


# ------------------------------------------------------------------------------------- hand-made networks


def test_a_flip_flop_has_its_two_states():
    flip_flop = HopfieldNetwork.from_weights([[0, -1], [-1, 0]])
    recall = flip_flop.recall(every_state(2))
    stable = every_state(2)[(recall.states == every_state(2)).all(axis=1)]
    np.testing.assert_array_equal(stable, [[-1, 1], [1, -1]])
    np.testing.assert_array_equal(flip_flop.energy([[1, -1], [1, 1]]), [-1, 1])
    assert recall.converged.all()


OR = np.asarray([[-1, -1, -1], [-1, 1, 1], [1, -1, 1], [1, 1, 1]], dtype=float)


def test_or_works_with_its_inputs_clamped():
    gate = HopfieldNetwork.from_weights([[0, 0, 1], [0, 0, 1], [1, 1, 0]], [0, 0, 1])
    cues = OR.copy()
    cues[:, 2] = np.nan
    np.testing.assert_array_equal(gate.recall(cues, clamped=[True, True, False]).states, OR)


def test_or_has_no_strictly_stable_table():
    """Its rows (-1, 1, 1) and (1, 1, 1) ask for both signs of one field of the first unit: only a tie serves."""
    assert separable(OR, strict=True) is False
    assert separable(OR, strict=False) is True


XOR = np.asarray([[x, y, -x * y] for x, y in itertools.product([-1.0, 1.0], repeat=2)])


def test_exclusive_or_needs_a_hidden_unit():
    assert separable(XOR, strict=True) is False
    hidden = np.hstack([XOR, np.where(XOR[:, :1] + XOR[:, 1:2] > 0, 1.0, -1.0)])  # AND of the inputs
    assert separable(hidden, units=[2, 3], strict=True) is True
    network = HopfieldNetwork.from_weights(
        [[0, 0, 1, 2], [0, 0, 1, 2], [1, 1, 0, -3], [2, 2, -3, 0]], bias=[0, 0, -1.5, -2]
    )
    for x, y, z in XOR:  # with its inputs clamped the output of lowest energy is the right one
        states = np.asarray([[x, y, out, inner] for out in (-1, 1) for inner in (-1, 1)])
        assert states[np.argmin(network.energy(states)), 2] == z
    held = network.recall(hidden, clamped=[True, True, False, False])
    np.testing.assert_array_equal(held.states, hidden)
    assert held.converged.all()


def separable(table, *, strict, units=None):
    """Whether symmetric weights and biases hold every row of a table stable: a linear program decides."""
    n_units = table.shape[1]
    pairs = list(itertools.combinations(range(n_units), 2))
    rows = []
    for state, unit in itertools.product(table, range(n_units) if units is None else units):
        row = np.zeros(len(pairs) + n_units)
        for entry, (i, j) in enumerate(pairs):
            if unit in (i, j):
                row[entry] = state[unit] * state[j if unit == i else i]
        row[len(pairs) + unit] = state[unit]
        rows.append(row)
    # Without strictness ties will do, but for the output.
    output = [strict or unit == n_units - 1 for _, unit in itertools.product(table, units or range(n_units))]
    margins = {"A_ub": -np.asarray(rows), "b_ub": -np.asarray(output, dtype=float)}
    return scipy.optimize.linprog(np.zeros(len(rows[0])), bounds=(None, None), **margins).status == 0


def test_the_perceptron_finds_weights_wherever_there_are_some():
    """Against the linear program, on random tables of five units."""
    rng, seen = np.random.default_rng(0), set()
    for _ in range(20):
        table = np.unique(rng.choice([-1.0, 1.0], (5, 5)), axis=0)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            network = HopfieldNetwork("perceptron", fit_intercept=True, max_epochs=300).fit(table)
        unstable = any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
        possible = separable(table, strict=True)
        if possible:
            assert not unstable
            assert np.all(table * (table @ network.weights_ + network.bias_) > 0)
        seen.add(possible)
    assert seen == {True, False}


def test_without_symmetry_or_with_a_diagonal_a_network_may_cycle():
    """The counterexamples of the lecture: three units in a ring, and one unit that pushes itself away."""
    ring = LinearField(np.roll(np.eye(3), 1, axis=1), exact=True)
    assert synchronous(ring, np.asarray([[1.0, -1.0, -1.0]]), n_steps=50).cycle_length[0] == 3
    asymmetric = LinearField(np.asarray([[0.0, 1.0], [-1.0, 0.0]]), exact=True)
    recall = asynchronous(asymmetric, np.ones((1, 2)), n_steps=50, order=np.arange(2))
    assert recall.cycle_length[0] == 2
    negative = LinearField(-np.eye(1), exact=True)
    assert asynchronous(negative, np.ones((1, 1)), n_steps=50, order=np.arange(1)).cycle_length[0] == 2


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_given_weights_are_kept(dtype):
    rng = np.random.default_rng(0)
    W, b = rng.standard_normal((5, 5)).astype(dtype), rng.standard_normal(5).astype(dtype)
    W += W.T
    network = HopfieldNetwork.from_weights(W, b, random_state=0)
    np.testing.assert_allclose(network.weights_, W - np.diag(np.diag(W)), rtol=1e-6)
    np.testing.assert_allclose(network.bias_, b, rtol=1e-6)
    assert network.weights_.dtype == network.bias_.dtype == np.dtype(dtype)
    assert network.predict(every_state(5).astype(dtype)).dtype == np.dtype(dtype)
    assert not HopfieldNetwork.from_weights(W).bias_.any()
    J, h = network.to_ising()
    np.testing.assert_array_equal(J, network.weights_)
    np.testing.assert_array_equal(h, network.bias_)


def test_patterns_join_given_weights():
    start = HopfieldNetwork().fit(PATTERNS[:3])
    network = HopfieldNetwork.from_weights(start.weights_).partial_fit(PATTERNS[3:])
    np.testing.assert_allclose(network.weights_, HopfieldNetwork().fit(PATTERNS).weights_, atol=1e-12)


@pytest.mark.parametrize(
    ("weights", "bias", "message"),
    [
        (np.ones((2, 3)), None, r"shape \(2, 3\); expected a square matrix"),
        (np.asarray([[0.0, 1.0], [0.5, 0.0]]), None, "not symmetric: two entries differ by 0.5"),
        (np.eye(2), [1.0], r"bias has shape \(1,\); expected \(2,\)"),
        (np.asarray([[0.0, np.nan], [np.nan, 0.0]]), None, "NaN"),
    ],
)
def test_bad_weights_are_refused(weights, bias, message):
    with pytest.raises(ValueError, match=message):
        HopfieldNetwork.from_weights(weights, bias)


# ------------------------------------------------------------------------------------------- selecting a rule


def test_a_search_ranks_rules_as_their_basins_do():
    patterns = make_patterns(16, 80, random_state=0)  # load .2: beyond Hebb, within the others
    search = GridSearchCV(
        HopfieldNetwork(random_state=0),
        {"rule": ["hebbian", "storkey", "pseudoinverse"]},
        cv=StoredPatternsSplit(),
        scoring=make_denoising_scorer("flip", 0.1, random_state=0),
    ).fit(patterns)
    scores = dict(zip(search.cv_results_["param_rule"], search.cv_results_["mean_test_score"], strict=True))
    measured = {}
    cues = corrupt(np.tile(patterns, (20, 1)), "flip", 0.1, random_state=5)
    for rule in scores:
        recalled = HopfieldNetwork(rule, random_state=0).fit(patterns).predict(cues)
        measured[rule] = np.mean(recalled == np.tile(patterns, (20, 1)))
    assert sorted(scores, key=scores.get) == sorted(measured, key=measured.get)
    assert min(scores, key=scores.get) == "hebbian"


@pytest.mark.parametrize("parameters", [{}, {"coding": "binary"}, {"rule": "storkey"}])
def test_an_intercept_without_a_bias_is_refused(parameters):
    weights = np.asarray([[0.0, 1.0], [1.0, 0.0]])
    with pytest.raises(ValueError, match="fit_intercept=True, but bias is None"):
        HopfieldNetwork.from_weights(weights, fit_intercept=True, **parameters)
    network = HopfieldNetwork.from_weights(weights, [0.5, 0.0], fit_intercept=True, **parameters)
    np.testing.assert_array_equal(network.bias_, [0.5, 0.0])


def test_energy_counts_the_bias_and_units_as_signs_in_any_coding():
    weights, bias = np.asarray([[0.0, 1.0], [1.0, 0.0]]), np.asarray([0.5, -0.25])
    states = np.asarray([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    signs = 2 * states - 1
    expected = [-0.5 * s @ weights @ s - bias @ s for s in signs]
    binary = HopfieldNetwork.from_weights(weights, bias, coding="binary")
    np.testing.assert_allclose(binary.energy(states), expected)
    np.testing.assert_allclose(HopfieldNetwork.from_weights(weights, bias).energy(signs), expected)

"""Learning rules: laws that hold for every entry of the registry, and each rule against its own formula."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import hadamard

from skamem.core import rules
from skamem.core.fields import LinearField
from skamem.core.rules import RULES, correlation, hebbian, perceptron, pseudoinverse, storkey


def random_patterns(n_patterns, n_units, seed=0):
    return np.random.default_rng(seed).choice([-1.0, 1.0], size=(n_patterns, n_units))


def stable(patterns, weights, *, zero_diagonal=True):
    """Per unit: whether it is held where the pattern has it."""
    return patterns * LinearField(weights, zero_diagonal=zero_diagonal)(patterns) > 0


# ------------------------------------------------------------------------------------- every rule there is


@pytest.mark.parametrize("rule", RULES)
def test_a_few_patterns_are_stored(rule):
    patterns = random_patterns(5, 100)
    assert stable(patterns, RULES[rule](patterns)).all()
    assert not stable(random_patterns(5, 100, seed=1), RULES[rule](patterns)).all(axis=1).any()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_weights_are_symmetric_and_patterns_stay_as_they_are(rule, dtype):
    patterns = random_patterns(6, 20).astype(dtype)
    given = patterns.copy()
    weights = RULES[rule](patterns)
    assert weights.shape == (20, 20)
    assert weights.dtype == dtype
    np.testing.assert_allclose(weights, weights.T, atol=1e-6)
    np.testing.assert_array_equal(patterns, given)


@pytest.mark.parametrize("rule", RULES)
def test_renumbering_units_renumbers_weights(rule):
    patterns, order = random_patterns(40, 50), np.random.default_rng(1).permutation(50)
    weights = RULES[rule](patterns)
    np.testing.assert_allclose(RULES[rule](patterns[:, order]), weights[np.ix_(order, order)], atol=1e-9)


@pytest.mark.parametrize("rule", RULES)
def test_swapping_the_two_values_of_a_unit_flips_its_weights(rule):
    patterns, flip = random_patterns(40, 50), random_patterns(1, 50, seed=1)[0]
    expected = flip[:, None] * RULES[rule](patterns) * flip
    np.testing.assert_allclose(RULES[rule](patterns * flip), expected, atol=1e-9)


@pytest.mark.parametrize("rule", RULES)
def test_every_library_learns_the_same(place, rule):
    patterns = random_patterns(12, 20)
    np.testing.assert_allclose(
        place.get(RULES[rule](place.put(patterns))), RULES[rule](patterns), rtol=1e-9, atol=1e-12
    )


# ------------------------------------------------------------------------------------------------- hebbian


def test_hebbian_recalls_orthogonal_patterns_perfectly():
    X, Y = hadamard(16)[1:8].astype(float), random_patterns(7, 5)
    np.testing.assert_array_equal(X @ hebbian(X), X)
    np.testing.assert_array_equal(X @ hebbian(X, Y), Y)


def test_hebbian_output_is_signal_plus_crosstalk():
    X, Y = random_patterns(7, 16), random_patterns(7, 5, seed=1)
    for p in range(7):
        crosstalk = sum(Y[q] * (X[q] @ X[p]) for q in range(7) if q != p) / 16
        np.testing.assert_allclose(X[p] @ hebbian(X, Y), Y[p] + crosstalk)


def test_correlation_is_hebbian_in_integers():
    X, Y = random_patterns(7, 12), random_patterns(7, 5, seed=1)
    np.testing.assert_array_equal(correlation(X), np.rint(12 * hebbian(X)))
    np.testing.assert_array_equal(correlation(X, Y), sum(np.outer(x, y) for x, y in zip(X, Y)))


def test_a_weight_of_k_stores_a_pattern_k_times():
    X, counts = random_patterns(7, 12), np.asarray([3, 0, 1, 1, 2, 5, 1])
    weighted = correlation(X, sample_weight=counts.astype(float))
    np.testing.assert_array_equal(weighted, correlation(np.repeat(X, counts, axis=0)))


# ------------------------------------------------------------------------------------------- pseudoinverse


@pytest.mark.parametrize("n_patterns", [1, 10, 36])
def test_pseudoinverse_is_the_projector_on_the_patterns(n_patterns):
    patterns = random_patterns(n_patterns, 40)
    W = pseudoinverse(patterns)
    np.testing.assert_allclose(W, W.T, atol=1e-12)
    np.testing.assert_allclose(W @ W, W, atol=1e-12)
    np.testing.assert_allclose(patterns @ W, patterns, atol=1e-10)
    assert np.trace(W) == pytest.approx(n_patterns)
    # ... and not the identity: a random probe keeps only its part in their span, n_patterns / n_units of it on average.
    probes = random_patterns(50, 40, seed=1)
    assert np.all(np.linalg.norm(probes @ W - probes, axis=1) > 0.1)


def test_pseudoinverse_keeps_correlated_patterns_apart():
    patterns = np.ones((20, 40))
    patterns[np.arange(20), np.arange(20)] = -1.0  # any two differ in 2 units of 40
    assert stable(patterns, pseudoinverse(patterns), zero_diagonal=False).all()
    assert not stable(patterns, hebbian(patterns), zero_diagonal=False).all(axis=1).any()


def test_pseudoinverse_associates_pairs():
    X, Y = random_patterns(30, 40), random_patterns(30, 5, seed=1)
    np.testing.assert_allclose(X @ pseudoinverse(X, Y), Y, atol=1e-10)
    np.testing.assert_allclose(pseudoinverse(X, Y, solver="cholesky"), pseudoinverse(X, Y), atol=1e-9)


# ------------------------------------------------------------------------------------------------- storkey


def test_storkey_is_its_formula():
    patterns = random_patterns(4, 6)
    n_units = 6
    W = np.zeros((n_units, n_units))
    for x in patterns:
        h = np.zeros_like(W)
        for i in range(n_units):
            for j in range(n_units):
                h[i, j] = sum(W[i, k] * x[k] for k in range(n_units) if k not in (i, j))
        W = W + (np.outer(x, x) - x[:, None] * h.T - h * x) / n_units
    np.testing.assert_allclose(storkey(patterns), W, rtol=1e-12, atol=1e-15)


def test_storkey_holds_more_than_hebbian():
    patterns = random_patterns(25, 100)  # Hebb's limit is about 13.8
    assert stable(patterns, storkey(patterns)).mean(axis=1).min() > stable(patterns, hebbian(patterns)).mean()
    assert (
        stable(patterns, storkey(patterns)).all(axis=1).sum()
        > 2 * stable(patterns, hebbian(patterns)).all(axis=1).sum()
    )


# ---------------------------------------------------------------------------------------------- perceptron


@pytest.mark.parametrize("seed", range(3))
def test_perceptron_stores_as_many_random_patterns_as_units(seed):
    patterns = random_patterns(40, 40, seed)
    W = perceptron(patterns)
    assert stable(patterns, W).all()
    np.testing.assert_array_equal(np.diag(W), 0.0)


@pytest.mark.parametrize("kappa", [0.1, 0.5])
def test_perceptron_reaches_its_margin(kappa):
    patterns = random_patterns(20, 60)
    W = perceptron(patterns, kappa=kappa)
    assert np.all(patterns * (patterns @ W) > kappa * np.linalg.norm(W, axis=0))
    without = perceptron(patterns)
    assert not np.all(patterns * (patterns @ without) > kappa * np.linalg.norm(without, axis=0))


def test_an_epoch_of_the_perceptron_learns_all_that_is_wrong_at_once():
    patterns, W = random_patterns(12, 15), np.zeros((15, 15))
    for _ in range(3):
        push = np.where(patterns * (patterns @ W) <= 0, patterns, 0.0)
        W = W + (patterns.T @ push + push.T @ patterns) * (1 - np.eye(15))
    np.testing.assert_array_equal(perceptron(patterns, max_epochs=3) * 15, W)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_margins_are_fields_by_norms(place, dtype):
    patterns, W = random_patterns(9, 12).astype(dtype), np.random.default_rng(0).standard_normal((12, 12)).astype(dtype)
    W = W + W.T
    patterns[2, 3] = 0.0
    off = W - np.diag(np.diag(W))
    every = np.where(patterns == 0, np.inf, patterns * (patterns @ off) / np.linalg.norm(off, axis=0))
    np.testing.assert_allclose(rules.stability_margins(patterns, W), every.min(axis=1), rtol=1e-5)
    free = np.where(patterns == 0, np.inf, patterns * (patterns @ off) / np.linalg.norm(off[:11], axis=0))[:, :11]
    margins = rules.stability_margins(place.put(patterns), place.put(W), fit_intercept=True)
    np.testing.assert_allclose(place.get(margins), free.min(axis=1), rtol=1e-5)


def test_perceptron_stops_at_max_epochs():
    contradiction = np.asarray([[1.0, 1.0], [1.0, -1.0]])  # one field has to have both signs
    W = perceptron(contradiction, max_epochs=3)
    assert np.all(np.isfinite(W))
    assert not stable(contradiction, W).all()


# ------------------------------------------------------------------------------------------------ the registry


def test_the_registry_holds_public_functions():
    assert set(RULES) <= set(rules.__all__)
    assert all(rule.weights is getattr(rules, name) for name, rule in RULES.items())


@pytest.mark.parametrize("name", RULES)
def test_a_record_says_what_its_rule_does(name):
    rule, patterns = RULES[name], random_patterns(8, 30)
    couplings = rule.learn(patterns)
    np.testing.assert_allclose(rule.scale(30) * couplings, rule(patterns), atol=1e-12)
    if rule.exact:
        np.testing.assert_array_equal(couplings, np.rint(couplings))
    if rule.is_incremental:
        np.testing.assert_allclose(rule.learn(patterns[5:], rule.learn(patterns[:5])), couplings, atol=1e-10)
    if rule.additive:
        gone = couplings - rule.learn(patterns[5:])
        np.testing.assert_allclose(gone, rule.learn(patterns[:5]), atol=1e-10)
    assert rule.capacity is None or (1 < rule.capacity(30) <= 30 and rule.remedy)
    assert rule.shortfall is None or rule.shortfall(rules.stability_margins(patterns, couplings)) is None


def test_the_critical_load_solves_its_equation():
    from skamem.analysis import retrieval_overlap

    assert retrieval_overlap(rules.CRITICAL_LOAD) == pytest.approx(0.967, abs=1e-3)
    assert retrieval_overlap(rules.CRITICAL_LOAD * (1 + 1e-9)) == 0.0


def anti_hebbian(patterns):
    """Hebb's rule of patterns and less of their mean: not registered in the package."""
    centred = patterns - 0.1 * patterns.mean(axis=0)
    return centred.T @ centred / patterns.shape[1]


@pytest.mark.parametrize("entry", [anti_hebbian, rules.Rule(anti_hebbian, capacity=lambda n: 2, remedy="Use fewer.")])
def test_one_entry_makes_a_rule_usable_by_name(entry, monkeypatch):
    from skamem import HopfieldNetwork
    from skamem.exceptions import CapacityWarning

    with pytest.raises(ValueError, match="rule='anti_hebbian' is not an option"):
        HopfieldNetwork("anti_hebbian").fit(random_patterns(3, 60))
    monkeypatch.setitem(RULES, "anti_hebbian", entry)
    patterns = random_patterns(3, 60)
    network = HopfieldNetwork("anti_hebbian", random_state=0)
    if isinstance(entry, rules.Rule):
        with pytest.warns(CapacityWarning, match=r"stores 3 patterns in 60 units, beyond .* about 2: .* Use fewer\."):
            network.fit(patterns)
    else:
        network.fit(patterns)
    W = anti_hebbian(patterns)
    np.testing.assert_array_equal(network.weights_, W - np.diag(np.diag(W)))
    np.testing.assert_array_equal(network.predict(patterns), patterns)
    assert not hasattr(network, "partial_fit")
    with pytest.raises(ValueError, match=r"rule='foo' is not an option; expected one of .*'anti_hebbian'"):
        HopfieldNetwork("foo").fit(patterns)


def test_the_documentation_lists_what_is_registered(monkeypatch):
    root = Path(__file__).parents[2]
    if not (root / "docs").exists():
        pytest.skip("the documentation is not part of this distribution")
    for folder in ("docs/_ext", "tools"):
        monkeypatch.syspath_prepend(str(root / folder))
    reference = importlib.import_module("reference")
    monkeypatch.setitem(RULES, "anti_hebbian", rules.Rule(anti_hebbian))
    table = reference._registry_table(*reference.REGISTRIES["rules"])
    for name in RULES:
        assert f"``'{name}'``" in table
    assert ":func:`~skamem.core.rules.hebbian`: Outer-product (Hebb) weights." in table
    assert "anti_hebbian`: Hebb's rule of patterns and less of their mean" in table

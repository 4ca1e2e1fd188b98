"""Weights of the memories: non-negative, at most 1 together, best on much evidence and careful on little."""

import numpy as np

from skamem.impute._blend import Evidence


def weights_of(candidates, truth, feature=0, n_features=1, weight=None):
    evidence = Evidence(n_features, candidates.shape[1])
    ones = np.ones(len(truth))
    evidence.add(candidates, truth, ones, feature, ones if weight is None else weight)
    return evidence, evidence.weights()


def test_much_evidence_finds_the_mixture():
    said = np.random.default_rng(0).standard_normal((20_000, 3))
    evidence, weights = weights_of(said, said @ [0.2, 0.0, 0.8])
    np.testing.assert_allclose(weights[0], [0.2, 0.0, 0.8], atol=0.02)
    assert evidence.deviations(weights)[0] < 0.1


def test_clear_evidence_outweighs_the_priors():
    random = np.random.default_rng(0)
    truth = random.standard_normal(3000)
    evidence, weights = weights_of(truth[:, None] + random.standard_normal((3000, 3)) * [0.3, 0.03, 0.001], truth)
    assert weights[0, 2] > 0.8  # .55 with the whole prior
    assert 0.0 < evidence.deviations(weights)[0] < 0.006  # .014


def test_no_evidence_is_the_linear_memory_alone():
    assert Evidence(4, 3).weights().tolist() == [[1.0, 0.0, 0.0]] * 4
    _, weights = weights_of(np.random.default_rng(0).standard_normal((1, 3)), np.ones(1))
    assert weights[0, 0] > 0.8


def test_weights_never_exceed_one_nor_fall_below_zero():
    random = np.random.default_rng(0)
    for _ in range(20):
        said, truth = random.standard_normal((50, 4)), 5.0 * random.standard_normal(50)
        _, weights = weights_of(said, truth + said.sum(axis=1))
        assert (weights >= 0.0).all()
        assert weights.sum() <= 1.0 + 1e-9


def test_what_says_nothing_leaves_the_mean():
    random = np.random.default_rng(0)
    _, weights = weights_of(random.standard_normal((5000, 3)), random.standard_normal(5000))
    assert weights.sum() < 0.1


def test_a_feature_with_little_evidence_follows_the_others():
    random = np.random.default_rng(0)
    evidence = Evidence(2, 2)
    said = random.standard_normal((5000, 2))
    evidence.add(said, said @ [0.3, 0.7], np.ones(5000), 0, np.ones(5000))
    evidence.add(said[:2], said[:2] @ [1.0, 0.0], np.ones(2), 1, np.ones(2))
    weights = evidence.weights()
    np.testing.assert_allclose(weights[1], weights[0], atol=0.1)


def test_an_entry_of_weight_three_is_three_entries():
    random = np.random.default_rng(0)
    said, truth, weight = random.standard_normal((40, 3)), random.standard_normal(40), np.arange(40) % 4
    weighted, found = weights_of(said, truth, weight=weight.astype(float))
    again, expected = weights_of(np.repeat(said, weight, axis=0), np.repeat(truth, weight))
    np.testing.assert_allclose(found, expected, atol=1e-10)
    np.testing.assert_allclose(weighted.deviations(found), again.deviations(expected))


def test_evidence_without_the_last_candidate_is_that_about_the_others():
    random = np.random.default_rng(0)
    truth = random.standard_normal(300)
    said = truth[:, None] + random.standard_normal((300, 3))
    evidence, weights = weights_of(said, truth)
    fewer, expected = weights_of(said[:, :2], truth)
    found = evidence.without_last()
    np.testing.assert_array_equal(found.weights(), fewer.weights())
    np.testing.assert_allclose(evidence.error(weights), ((said @ weights[0] - truth) ** 2).sum())
    np.testing.assert_allclose(found.error(expected), ((said[:, :2] @ expected[0] - truth) ** 2).sum())

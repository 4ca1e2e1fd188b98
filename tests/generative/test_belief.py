"""DeepBeliefNetwork: layers that each learn what the one below tells."""

import itertools
import pickle

import numpy as np
import pytest
import scipy.sparse
from sklearn.model_selection import GridSearchCV

from skamem import DeepBeliefNetwork, RestrictedBoltzmannMachine

RNG = np.random.default_rng(0)
BITS = (RNG.random((120, 12)) < RNG.choice([0.1, 0.9], (4, 12))[RNG.integers(4, size=120)]).astype(float)
FAST = RestrictedBoltzmannMachine(max_iter=5)


def network(layers=(8, 5), **kwargs):
    return DeepBeliefNetwork(layers, **{"rbm": FAST, "random_state": 0} | kwargs)


def test_it_is_the_stack_of_its_machines():
    fitted = network().fit(BITS)
    one, two = fitted.machines_
    np.testing.assert_array_equal(fitted.transform(BITS), two.transform(one.transform(BITS)))
    again = RestrictedBoltzmannMachine(5, max_iter=5, random_state=two.random_state).fit(one.transform(BITS))
    np.testing.assert_array_equal(again.components_, two.components_)
    np.testing.assert_array_equal(
        fitted.inverse_transform(fitted.transform(BITS)),
        one.inverse_transform(two.inverse_transform(fitted.transform(BITS))),
    )


def test_machines_of_ones_own_and_gaussian_features():
    layers = (RestrictedBoltzmannMachine(6, visible="gaussian", max_iter=3), 4)
    fitted = network(layers).fit(3 + BITS)
    assert [machine.visible for machine in fitted.machines_] == ["gaussian", "binary"]
    assert layers[0].random_state is None
    gaussian = network(rbm=RestrictedBoltzmannMachine(visible="gaussian", max_iter=3)).fit(3 + BITS)
    assert [machine.visible for machine in gaussian.machines_] == ["gaussian", "binary"]


def test_it_dreams_of_what_it_saw():
    X = np.repeat([[0.0] * 6 + [1.0] * 6, [1.0] * 6 + [0.0] * 6], 60, axis=0)
    fitted = network((6, 4), rbm=RestrictedBoltzmannMachine(max_iter=150)).fit(X)
    dreams = fitted.sample(200, n_steps=100, random_state=0).round()
    seen = [(dreams == row).all(axis=1).mean() for row in X[[0, -1]]]
    assert sum(seen) > 0.8
    assert min(seen) > 0.1  # persistent chains hold shares of modes only roughly
    np.testing.assert_array_equal(dreams, fitted.sample(200, n_steps=100, random_state=0).round())
    assert network((6,)).fit(X).sample(3, n_steps=5).shape == (3, 12)


def test_csr_rows():
    np.testing.assert_allclose(
        network().fit(scipy.sparse.csr_array(BITS)).transform(scipy.sparse.csr_array(BITS)),
        network().fit(BITS).transform(BITS),
        rtol=1e-7,
    )


@pytest.mark.parametrize(
    ("layers", "rbm", "message"),
    [
        ((), None, "layers="),
        ("ab", None, "layers='ab'"),
        ((3, 0), None, "has 0"),
        ((3, "x"), None, "has 'x'"),
        ((3,), "x", "rbm='x'"),
        ((RestrictedBoltzmannMachine(3, hidden="gaussian"),), None, "Gaussian hidden"),
    ],
)
def test_bad_layers_are_named(layers, rbm, message):
    with pytest.raises((TypeError, ValueError), match=message):
        DeepBeliefNetwork(layers, rbm=rbm).fit(BITS)


def test_sizes_and_units_by_default_follow_the_rows():
    auto = [machine.n_components for machine in DeepBeliefNetwork(rbm=FAST).fit(BITS).machines_]
    assert auto == [32, 32]
    assert [machine.visible for machine in DeepBeliefNetwork((4, 3)).fit(BITS).machines_] == ["binary", "binary"]
    fitted = DeepBeliefNetwork((4, 3)).fit(3 - BITS)  # no warning: they are taken as real numbers
    assert [machine.visible for machine in fitted.machines_] == ["gaussian", "binary"]
    assert np.abs(fitted.reconstruct(3 - BITS) - (3 - BITS)).mean() < 0.5


def test_the_score_of_one_layer_is_that_of_its_machine():
    fitted = network((6,)).fit(BITS)
    np.testing.assert_allclose(fitted.score_samples(BITS), fitted.machines_[0].score_samples(BITS), rtol=1e-12)


@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_array])
def test_the_score_of_two_layers_is_a_bound(kind):
    fitted = network((6, 4), rbm=RestrictedBoltzmannMachine(max_iter=100)).fit(BITS)
    scores = fitted.score_samples(kind(BITS))
    np.testing.assert_array_equal(scores, fitted.score_samples(kind(BITS)))
    np.testing.assert_allclose(scores[7:8], fitted.score_samples(kind(BITS[7:8])), rtol=1e-9)  # rows are on their own
    assert fitted.score(BITS) == pytest.approx(scores.mean())
    states = np.asarray(list(itertools.product([0.0, 1.0], repeat=12)))
    assert np.exp(fitted.score_samples(states)).sum() < 1.0  # a bound of probabilities
    independent = BITS @ np.log(BITS.mean(axis=0)) + (1 - BITS) @ np.log1p(-BITS.mean(axis=0))
    assert scores.mean() > independent.mean() + 0.1


def test_searches_need_no_scorer():
    rbm = RestrictedBoltzmannMachine(max_iter=100)
    grid = {"rbm__learning_rate": [1e-6, 0.1], "layers": [(6, 4)]}
    search = GridSearchCV(network(rbm=rbm), grid, cv=2).fit(BITS)
    assert search.best_params_["rbm__learning_rate"] == 0.1


def test_gaps_are_filled_by_what_goes_with_the_rest():
    X = np.repeat([[0.0] * 6 + [1.0] * 6, [1.0] * 6 + [0.0] * 6], 60, axis=0)
    fitted = network((6, 4), rbm=RestrictedBoltzmannMachine(max_iter=150)).fit(X)
    cues = X[[0, -1]].copy()
    cues[:, 4:8] = np.nan
    np.testing.assert_array_equal(fitted.reconstruct(cues).round(), X[[0, -1]])
    clamped = fitted.reconstruct(cues, clamped=True)
    np.testing.assert_array_equal(clamped[:, :4], cues[:, :4])
    np.testing.assert_allclose(fitted.reconstruct(X[:3]), fitted.inverse_transform(fitted.transform(X[:3])), rtol=1e-9)
    both = np.concatenate([cues, X[5:6]])
    np.testing.assert_allclose(fitted.reconstruct(both)[2:], fitted.reconstruct(X[5:6]), rtol=1e-9)


def test_names_frames_and_pickles():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(BITS).add_prefix("bit")
    fitted = network().fit(frame)
    assert fitted.get_feature_names_out().tolist() == [f"deepbeliefnetwork{i}" for i in range(5)]
    loaded = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(loaded.score_samples(frame), fitted.score_samples(frame))
    np.testing.assert_array_equal(
        loaded.sample(3, n_steps=5, random_state=0), fitted.sample(3, n_steps=5, random_state=0)
    )
    with pytest.raises(ValueError, match="feature names"):
        fitted.transform(frame[frame.columns[::-1]])

"""DeepBeliefNetwork: layers that each learn what the one below tells."""

import numpy as np
import pytest
import scipy.sparse

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

"""RestrictedBoltzmannMachine: what it learns, draws, fills in and says of itself."""

import pickle

import numpy as np
import pytest
import scipy.sparse
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import BernoulliRBM

from skamem import RestrictedBoltzmannMachine

from ._machines import machine, states

DIGITS = (load_digits().data / 16).astype(np.float32)
RNG = np.random.default_rng(0)
BITS = (RNG.random((200, 12)) < RNG.choice([0.1, 0.9], (4, 12))[RNG.integers(4, size=200)]).astype(float)


def rbm(*args, **kwargs):
    return RestrictedBoltzmannMachine(*args, **{"max_iter": 20, "random_state": 0} | kwargs)


def given(m, **kwargs):
    return RestrictedBoltzmannMachine.from_parameters(m.weights.T, m.visible, m.hidden, sigma=m.sigma, **kwargs)


def independent_bits(train, test):
    p = (train.sum(axis=0) + 0.5) / (train.shape[0] + 1)
    p = np.asarray(p).ravel()
    on = np.asarray(test.mean(axis=0)).ravel()
    return (on * np.log(p) + (1 - on) * np.log(1 - p)).sum()


# ------------------------------------------------------------------------------------------ exact answers


def test_probabilities_of_all_states_sum_to_one():
    fitted = given(machine())
    assert np.exp(fitted.score_samples(states(5))).sum() == pytest.approx(1, rel=1e-12)
    assert fitted.log_partition_error_ == 0


def test_density_of_gaussian_units_integrates_to_one():
    fitted = given(machine("gaussian", n_visible=1, n_hidden=3))
    grid = np.linspace(-40, 40, 100_001)[:, None]
    assert np.exp(fitted.score_samples(grid)).sum() * 80 / 100_000 == pytest.approx(1, rel=1e-8)


def test_pseudo_likelihood_is_the_sum_of_the_conditionals():
    fitted = given(machine())
    log_p = fitted.score_samples(states(5)).reshape((2,) * 5)
    expected = np.zeros((2,) * 5)
    for unit in range(5):
        expected += log_p - np.logaddexp(*np.moveaxis(log_p, unit, 0)).repeat(2).reshape(
            np.moveaxis(log_p, unit, -1).shape
        ).transpose(np.argsort([*[axis for axis in range(5) if axis != unit], unit]))
    np.testing.assert_allclose(fitted.pseudo_likelihood(states(5)), expected.ravel(), rtol=1e-10)
    np.testing.assert_allclose(fitted.pseudo_likelihood(states(5), per_unit=True), expected.ravel() / 5, rtol=1e-10)


def test_only_binary_units_have_a_pseudo_likelihood():
    assert not hasattr(RestrictedBoltzmannMachine(visible="gaussian"), "pseudo_likelihood")


# ------------------------------------------------------------------------------------------ learning


@pytest.mark.parametrize("sampler", ["pcd", "cd", "pt"])
@pytest.mark.parametrize("visible", ["binary", "gaussian"])
def test_it_learns_more_than_the_means(sampler, visible):
    fitted = rbm(8, sampler=sampler, visible=visible, max_iter="auto").fit(BITS)
    if visible == "binary":
        floor = independent_bits(BITS, BITS)
    else:
        floor = -0.5 * np.log(2 * np.pi * np.e * BITS.var(axis=0)).sum()
    assert fitted.score(BITS) > floor + 1.0


def test_sparse_text_does_not_turn_all_hidden_units_on():
    """BernoulliRBM's known failure: it ends below independent bits where these defaults do not."""
    rng = np.random.default_rng(0)
    topics = rng.gamma(0.1, size=(5, 300)) / np.arange(1, 301)
    topics /= topics.sum(axis=1, keepdims=True)
    X = np.zeros((600, 300))
    for row, topic in zip(X, rng.integers(5, size=600), strict=True):
        row[rng.choice(300, 20, p=topics[topic])] = 1
    train, test = scipy.sparse.csr_array(X[:400]), scipy.sparse.csr_array(X[400:])
    ours = rbm(12, max_iter="auto").fit(train)
    theirs = BernoulliRBM(12, random_state=0).fit(train)
    theirs = RestrictedBoltzmannMachine.from_parameters(
        theirs.components_, theirs.intercept_visible_, theirs.intercept_hidden_
    )
    floor = independent_bits(train, test)
    assert theirs.score(test) < floor < ours.score(test) - 3


@pytest.mark.parametrize("visible", ["binary", "gaussian"])
def test_csr_and_dense_rows_teach_the_same(visible):
    dense, sparse = (rbm(6, visible=visible).fit(X) for X in (BITS, scipy.sparse.csr_array(BITS)))
    np.testing.assert_allclose(sparse.components_, dense.components_, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(sparse.transform(scipy.sparse.csr_array(BITS)), dense.transform(BITS), rtol=1e-8)


def test_partial_fit_reaches_what_fit_reaches():
    """As scikit-learn's own test of BernoulliRBM, on digits."""
    whole = rbm(64, batch_size=20, max_iter=10).fit(DIGITS)
    parts = rbm(64, batch_size=20)
    for _ in range(10):
        for batch in np.array_split(DIGITS, 90):
            assert parts.partial_fit(batch) is parts
    assert parts.components_.dtype == whole.components_.dtype == np.float32
    assert parts.score(DIGITS) == pytest.approx(whole.score(DIGITS), abs=1.0)


def test_a_pickled_machine_goes_on_as_the_original():
    one = rbm(6).partial_fit(BITS[:50])
    two = pickle.loads(pickle.dumps(one))
    np.testing.assert_array_equal(one.partial_fit(BITS[50:]).components_, two.partial_fit(BITS[50:]).components_)


def test_a_failed_partial_fit_draws_nothing():
    one, two = rbm(6).partial_fit(BITS[:50]), rbm(6).partial_fit(BITS[:50])
    with pytest.raises(ValueError, match="NaN"):
        one.partial_fit(np.full((3, 12), np.nan))
    np.testing.assert_array_equal(one.partial_fit(BITS[50:]).components_, two.partial_fit(BITS[50:]).components_)


def test_partial_fit_keeps_the_number_of_units():
    with pytest.raises(ValueError, match="n_components=6.* found 7"):
        rbm(6).partial_fit(BITS).set_params(n_components=7).partial_fit(BITS)


@pytest.mark.parametrize("sampler", ["pcd", "cd", "pt"])
def test_partial_fit_with_every_sampler_and_unit(sampler):
    for visible in ("binary", "gaussian"):
        fitted = rbm(6, sampler=sampler, visible=visible).partial_fit(BITS).partial_fit(BITS)
        assert np.isfinite(fitted.components_).all()
        assert fitted.n_iter_ == 2


@pytest.mark.parametrize(("offset", "scale"), [(0.0, 1.0), (1e6, 1.0), (-3.0, 1e-8), (0.0, 1e8)])
def test_units_of_gaussian_features_do_not_matter(offset, scale):
    X = np.sin(np.arange(400.0) ** 1.5).reshape(100, 4)
    plain = rbm(5, visible="gaussian").fit(X)
    moved = rbm(5, visible="gaussian").fit(offset + scale * X)
    np.testing.assert_allclose(moved.transform(offset + scale * X), plain.transform(X), rtol=1e-4, atol=1e-5)
    assert moved.score(offset + scale * X) == pytest.approx(plain.score(X) - 4 * np.log(scale), abs=1e-3)


def test_given_sigma_is_kept():
    fitted = rbm(5, visible="gaussian", sigma=0.25).fit(BITS)
    np.testing.assert_allclose(fitted.sigma_, 0.25)
    with pytest.raises(ValueError, match="sigma=-1"):
        rbm(5, visible="gaussian", sigma=-1).fit(BITS)


def test_values_outside_the_unit_interval_are_reported_and_clipped():
    with pytest.warns(UserWarning, match=r"found values from -2 to 3; .*MinMaxScaler") as caught:
        loud = rbm(5).fit(5 * BITS - 2)
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(loud.components_, rbm(5).fit(BITS).components_)


def test_huge_values_do_not_overflow():
    fitted = rbm(5).fit(BITS)
    for X in (np.full((2, 12), 1e5), np.full((2, 12), -1e5)):
        assert np.isfinite(fitted.transform(X)).all()
        assert np.isfinite(fitted.free_energy(X)).all()
    wide = given(machine(scale=1e5))
    assert np.isfinite(wide.transform(states(5))).all()
    assert np.isfinite(wide.score_samples(states(5))).all()


def test_constant_columns_are_learnt():
    X = np.column_stack([BITS, np.zeros(200), np.ones(200)])
    for visible in ("binary", "gaussian"):
        fitted = rbm(5, visible=visible).fit(X)
        filled = fitted.reconstruct(np.full((1, 14), np.nan))
        np.testing.assert_allclose(filled[0, 12:], [0, 1], atol=0.05)


# ------------------------------------------------------------------------------------------ draws


def test_sampled_hidden_units_have_the_probabilities():
    fitted = rbm(20).fit(BITS)
    mean = np.mean([fitted.sample_hiddens(BITS[:3], random_state=seed) for seed in range(400)], axis=0)
    # 60 means of 400 fair-or-worse draws within five standard errors: fails once in 30,000 choices of seeds.
    np.testing.assert_allclose(mean, fitted.transform(BITS[:3]), atol=5 * 0.5 / 20)


@pytest.mark.parametrize("kind", ["binary", "gaussian"])
def test_samples_follow_the_model(kind):
    m = machine(kind, scale=0.5)
    fitted = given(m)
    sample = fitted.sample(4000, n_steps=60, random_state=0)
    h = states(4)
    p = np.exp(-m.hidden_free_energy(h) - fitted.log_partition_)
    expected = p @ m.visible_mean(h)
    spread = 0.5 if kind == "binary" else sample.std(axis=0)
    np.testing.assert_allclose(sample.mean(axis=0), expected, atol=np.max(5 * spread / 4000**0.5))


@pytest.mark.parametrize("method", ["sample", "gibbs", "sample_hiddens", "sample_visibles", "reconstruct"])
def test_one_seed_one_result(method):
    fitted = rbm(6).fit(BITS)
    ask = {
        "sample": lambda seed: fitted.sample(5, n_steps=10, random_state=seed),
        "gibbs": lambda seed: fitted.gibbs(BITS, n_steps=2, random_state=seed),
        "sample_hiddens": lambda seed: fitted.sample_hiddens(BITS, random_state=seed),
        "sample_visibles": lambda seed: fitted.sample_visibles(BITS[:, :6], random_state=seed),
        "reconstruct": lambda seed: fitted.reconstruct(BITS, noise=True, random_state=seed),
    }[method]
    np.testing.assert_array_equal(ask(1), ask(1))
    assert not np.array_equal(ask(1), ask(2))


def test_gibbs_of_no_steps_stays():
    np.testing.assert_array_equal(rbm(6).fit(BITS).gibbs(BITS, n_steps=0), BITS)


# ------------------------------------------------------------------------------------------ gaps


@pytest.mark.parametrize("noise", [False, True])
def test_gaps_are_filled_better_than_by_means(noise):
    fitted = rbm(12, max_iter="auto").fit(BITS[:150])
    cues = BITS[150:].copy()
    cues[:, ::3] = np.nan
    filled = fitted.reconstruct(cues, clamped=True, noise=noise, n_steps=50, random_state=0)
    known = ~np.isnan(cues)
    np.testing.assert_array_equal(filled[known], cues[known])
    error = np.abs(filled - BITS[150:])[~known].mean()
    assert error < 0.7 * np.abs(BITS[:150].mean(axis=0) - BITS[150:])[~known].mean()


def test_a_row_is_filled_alone_as_in_a_batch():
    fitted = rbm(12).fit(BITS)
    cues = BITS[:30].copy()
    cues[RNG.random(cues.shape) < 0.3] = np.nan
    whole = fitted.reconstruct(cues)
    for row in range(30):
        np.testing.assert_allclose(fitted.reconstruct(cues[row : row + 1])[0], whole[row], rtol=1e-12)


# ------------------------------------------------------------------------------------------ in scikit-learn


def test_a_search_without_a_scorer_picks_what_generalises():
    search = GridSearchCV(rbm(max_iter=100), {"n_components": [1, 6], "learning_rate": [1e-4, 0.1]}, cv=3)
    search.fit(BITS)
    assert search.best_params_ == {"n_components": 6, "learning_rate": 0.1}


@pytest.mark.parametrize("monitor", ["pseudo_likelihood", "log_likelihood"])
def test_the_monitor_watches_the_likelihood_rise(monitor, capsys):
    fitted = rbm(6, monitor=monitor, verbose=True, max_iter=100).fit(BITS)
    assert len(fitted.monitor_curve_) == 100
    assert fitted.monitor_curve_[-1] > fitted.monitor_curve_[0] + 0.5
    assert f"Epoch 100, {monitor}" in capsys.readouterr().out


@pytest.mark.parametrize("visible", ["binary", "gaussian"])
def test_both_doors(visible, place, dispatched):
    X = BITS.astype(np.float32)
    here = rbm(6, visible=visible, sampler="pt").fit(X)
    with dispatched():
        there = rbm(6, visible=visible, sampler="pt").fit(place.put(X))
        np.testing.assert_allclose(place.get(there.transform(place.put(X))), here.transform(X), atol=2e-3)
        np.testing.assert_allclose(place.get(there.score_samples(place.put(X))), here.score_samples(X), rtol=1e-2)
        cue = X[:4].copy()
        cue[:, :3] = np.nan
        np.testing.assert_allclose(place.get(there.reconstruct(place.put(cue))), here.reconstruct(cue), atol=5e-3)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"n_components": 0}, "n_components=0"),
        ({"visible": "bernoulli"}, "visible='bernoulli'"),
        ({"sampler": None}, "sampler=None"),
        ({"learning_rate": 0.0}, "learning_rate=0.0"),
        ({"learning_rate": np.inf}, "learning_rate=inf"),
        ({"momentum": 1.0}, "momentum=1.0"),
        ({"batch_size": "all"}, "batch_size='all'"),
        ({"n_chains": 2.5}, "n_chains=2.5"),
        ({"monitor": "loss"}, "monitor='loss'"),
    ],
)
def test_bad_parameters_are_named(bad, message):
    with pytest.raises((TypeError, ValueError), match=message.replace("(", r"\(")):
        rbm(**{"n_components": 3} | bad).fit(BITS)


def test_from_parameters_checks_shapes():
    for arguments, message in [
        (([[1.0, 2.0]], [0.0], [0.0]), "intercept_visible has shape"),
        (([[1.0, 2.0]], [0.0, 0.0], [0.0, 1.0]), "intercept_hidden has shape"),
    ]:
        with pytest.raises(ValueError, match=message):
            RestrictedBoltzmannMachine.from_parameters(*arguments)
    with pytest.raises(ValueError, match="H has 2 columns; expected 4"):
        given(machine()).inverse_transform([[0.0, 1.0]])

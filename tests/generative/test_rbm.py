"""RestrictedBoltzmannMachine: what it learns, draws, fills in and says of itself."""

import pickle

import numpy as np
import pytest
import scipy.sparse
from scipy.special import expit, logsumexp
from scipy.stats import chi2
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


@pytest.mark.parametrize("kind", ["binary", "gaussian"])
def test_given_parameters_mean_what_the_formulas_say(kind):
    """E = -vᵀWh - bᵀv - cᵀh, and Σ (v_i - b_i)² / 2σ_i² - Σ v_i W_ij h_j / σ_i² - cᵀh, W = ``components_.T``."""
    rng = np.random.default_rng(3)
    components, b, c = rng.standard_normal((4, 5)), rng.standard_normal(5), rng.standard_normal(4)
    sigma = None if kind == "binary" else rng.uniform(0.5, 1.5, 5)
    fitted = RestrictedBoltzmannMachine.from_parameters(components, b, c, sigma=sigma)
    v, h = states(5) if kind == "binary" else rng.standard_normal((9, 5)), states(4)
    if kind == "binary":
        energies = -(v @ components.T @ h.T) - (v @ b)[:, None] - h @ c
        mean = expit(h @ components + b)
    else:
        alone = ((v - b) ** 2 / (2 * sigma**2)).sum(axis=1)
        energies = alone[:, None] - (v / sigma**2) @ components.T @ h.T - h @ c
        mean = b + h @ components
    log_p = -energies
    np.testing.assert_allclose(fitted.free_energy(v), -logsumexp(log_p, axis=1), rtol=1e-10)
    given_v = np.exp(log_p - logsumexp(log_p, axis=1, keepdims=True))
    np.testing.assert_allclose(fitted.transform(v), given_v @ h, atol=1e-12)
    np.testing.assert_allclose(fitted.inverse_transform(h), mean, atol=1e-12)
    if kind == "binary":
        expected = logsumexp(log_p, axis=1) - logsumexp(log_p)
        np.testing.assert_allclose(fitted.score_samples(v), expected, rtol=1e-10)
        assert fitted.score(v) == pytest.approx(expected.mean(), rel=1e-12)
    for name, values in [("components_", components), ("intercept_visible_", b), ("intercept_hidden_", c)]:
        np.testing.assert_array_equal(getattr(fitted, name), values)
    assert not hasattr(fitted, "sigma_") if sigma is None else np.array_equal(fitted.sigma_, sigma)


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


def test_hidden_units_are_not_left_half_on():
    """Features nearly linear in the input tell a classifier no more than the input does."""
    X = (load_digits().data[:600] >= 8).astype(float)
    hidden = rbm(100, max_iter=100).fit(X).transform(X)
    assert hidden.mean() < 0.4  # first biases of 0 lead to 0.50


def test_hidden_units_do_not_learn_the_same():
    """Units that start nearly alike take the same step, all at once, until many hardly vary any more."""
    X = (load_digits().data[:600] >= 8).astype(float)
    fitted = rbm(100, max_iter=20).fit(X)
    alike = np.corrcoef(fitted.transform(X).T)[np.triu_indices(100, 1)]
    assert np.abs(alike).mean() < 0.37  # first couplings of a hundredth, and biases of -1, lead to 0.45


@pytest.mark.parametrize("n_hidden", [3, 200])
@pytest.mark.parametrize("visible", ["binary", "gaussian"])
def test_learning_starts_about_the_means_of_both_layers(visible, n_hidden):
    """Hidden units seldom on, visible ones where independent units are, and no drive that varies by more than half."""
    scale = 1.0 if visible == "binary" else BITS.std(axis=0)
    first = rbm(n_hidden, visible=visible, learning_rate=1e-12, max_iter=1).fit(BITS)
    means = BITS.mean(axis=0)
    at_means = first.transform(means[None])[0]
    np.testing.assert_allclose(at_means, expit(-2.0), rtol=1e-6)
    seen = first.intercept_visible_ + at_means @ first.components_
    np.testing.assert_allclose(seen, first.base_rate_, rtol=1e-6, atol=1e-8)
    couplings, on = first.components_ / scale, expit(-2.0)
    variance = BITS.var(axis=0).sum() if visible == "binary" else 12
    drives = couplings.std() * np.sqrt([variance, n_hidden * on * (1 - on)])
    assert drives.max() == pytest.approx(0.5, rel=0.3)  # 36 couplings at least, whose deviation has an error of 12 %


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
    with pytest.raises(ValueError, match="n_components=6, but found n_components=7; call fit"):
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


def test_the_noise_of_far_clusters_is_found():
    """Their centres are ten standard deviations apart: the spread of the columns is five times the noise."""
    rng = np.random.default_rng(0)
    X = np.where(rng.random((400, 1)) < 0.5, 5.0, -5.0) + rng.standard_normal((400, 4))
    fitted = rbm(8, visible="gaussian", max_iter="auto").fit(X)
    np.testing.assert_allclose(fitted.sigma_, 1.0, atol=0.25)  # 400 rows know them to .04
    entropy = 2 * np.log(2 * np.pi * np.e) + np.log(2)
    assert fitted.score(X) > -entropy - 2.0  # independent columns are 5.8 below


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


def test_huge_gaussian_values_do_not_overflow():
    fitted = rbm(5, visible="gaussian").fit(BITS)
    for X in (np.full((2, 12), 1e5), np.full((2, 12), -1e5), 1e5 * BITS[:4]):
        for found in (fitted.transform(X), fitted.free_energy(X), fitted.score_samples(X), fitted.reconstruct(X)):
            assert np.isfinite(found).all()
    assert np.isfinite(rbm(5, visible="gaussian").fit(1e5 * BITS).score(1e5 * BITS))


@pytest.mark.parametrize("visible", ["binary", "gaussian"])
@pytest.mark.parametrize(("given_type", "kept"), [("float32", "float32"), ("float64", "float64"), ("int64", "float64")])
def test_types_are_kept(visible, given_type, kept):
    X = BITS.astype(given_type)
    fitted = rbm(4, visible=visible, max_iter=2).fit(X).partial_fit(X)
    attributes = [name for name in vars(fitted) if isinstance(getattr(fitted, name), np.ndarray)]
    assert {"components_", "intercept_visible_", "intercept_hidden_", "base_rate_", "chains_"} <= set(attributes)
    found = {name: getattr(fitted, name) for name in attributes}
    H = found["transform"] = fitted.transform(X)
    found["fit_transform"] = rbm(4, visible=visible, max_iter=2).fit_transform(X)
    for method in ("sample_hiddens", "gibbs", "reconstruct", "free_energy", "score_samples"):
        found[method] = getattr(fitted, method)(X)
    found["sample"] = fitted.sample(3, n_steps=2)
    found["sample_visibles"], found["inverse_transform"] = fitted.sample_visibles(H), fitted.inverse_transform(H)
    assert {name: str(values.dtype) for name, values in found.items()} == dict.fromkeys(found, kept)


def test_constant_columns_are_learnt():
    X = np.column_stack([BITS, np.zeros(200), np.ones(200)])
    for visible in ("binary", "gaussian"):
        fitted = rbm(5, visible=visible).fit(X)
        filled = fitted.reconstruct(np.full((1, 14), np.nan))
        np.testing.assert_allclose(filled[0, 12:], [0, 1], atol=0.05)


# ------------------------------------------------------------------------------------------ draws


def test_sampled_hidden_units_have_the_probabilities():
    fitted = rbm(20).fit(BITS)
    mean = np.mean([fitted.sample_hiddens(BITS[:3], random_state=seed) for seed in range(2500)], axis=0)
    # 60 means of 2,500 fair-or-worse draws within five standard errors: fails once in 30,000 choices of seeds.
    np.testing.assert_allclose(mean, fitted.transform(BITS[:3]), atol=5 * 0.5 / 50)


def test_a_hundred_draws_of_digits_are_within_a_tenth():
    """As scikit-learn's own test of BernoulliRBM, with its numbers of units, rows and draws."""
    fitted = rbm(2, batch_size=5, max_iter=5).fit(DIGITS[:100])
    random_state = np.random.RandomState(0)
    draws = np.mean([fitted.sample_hiddens(DIGITS[:1], random_state=random_state) for _ in range(100)], axis=0)
    np.testing.assert_allclose(draws, fitted.transform(DIGITS[:1]), atol=0.1)


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


@pytest.mark.parametrize("method", ["sample", "gibbs"])
def test_states_are_as_frequent_as_they_are_probable(method):
    fitted = given(machine(n_visible=4, n_hidden=3, scale=1.5))
    if method == "sample":
        v = fitted.sample(10_000, n_steps=30, random_state=0)
    else:
        v = fitted.gibbs(np.zeros((10_000, 4)), n_steps=80, random_state=0)
    expected = 10_000 * np.exp(fitted.score_samples(states(4)))
    counts = np.bincount((v @ [8, 4, 2, 1]).astype(int), minlength=16)
    # A chi-square test that fails once in 10,000 seeds.
    assert chi2.sf(((counts - expected) ** 2 / expected).sum(), 15) > 1e-4


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
    """Few rows of a source that can be drawn again: the setting that fits them best is not the one that is chosen."""
    rng = np.random.default_rng(1)
    centres = rng.choice([0.1, 0.9], (4, 14))
    train, fresh = ((rng.random((n, 14)) < centres[rng.integers(4, size=n)]).astype(float) for n in (60, 4000))
    grid = {"n_components": [1, 14], "learning_rate": [1e-3, 0.1, 1.0]}
    search = GridSearchCV(rbm(max_iter=150), grid, cv=4).fit(train)
    fitted = [rbm(max_iter=150, **options).fit(train) for options in search.cv_results_["params"]]
    on_train, on_fresh = ([machine.score(X) for machine in fitted] for X in (train, fresh))
    assert search.best_index_ == np.argmax(on_fresh) != np.argmax(on_train)
    assert search.best_params_ == {"n_components": 14, "learning_rate": 0.1}
    assert on_fresh[search.best_index_] > on_fresh[np.argmax(on_train)] + 0.5
    assert on_fresh[search.best_index_] > independent_bits(train, fresh) + 1.0


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


@pytest.mark.parametrize(("scale", "dtype"), [(1e300, np.float64), (1e200, np.float64), (1e37, np.float32)])
def test_features_whose_squares_overflow_are_named(scale, dtype):
    X = np.column_stack([np.random.default_rng(0).random((20, 2)), scale * np.arange(20.0)]).astype(dtype)
    with pytest.raises(ValueError, match=r"Feature 2 has a standard deviation of .*square"):
        RestrictedBoltzmannMachine(2, visible="gaussian", max_iter=1).fit(X)

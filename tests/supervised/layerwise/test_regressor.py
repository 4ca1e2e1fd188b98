"""LayerwiseRegressor: the loss never rises, polynomials reach least squares, and hostile tables do no harm."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, make_friedman1
from sklearn.linear_model import LinearRegression, RidgeCV
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from skamem import LayerwiseRegressor
from skamem.core.interactions import Softplus

SMALL = LayerwiseRegressor(4, n_units=20, random_state=0)
X, y = make_friedman1(200, noise=0.5, random_state=0)


def losses(regressor, X, y):
    """Mean squared error in training after each stage."""
    return np.asarray([np.mean((p - y) ** 2) for p in regressor.staged_predict(X)])


# ---------------------------------------------------------------------------------------------------------- the law

SETTINGS = {
    "default": SMALL,
    "wide": clone(SMALL).set_params(deep=False),
    "all rows": clone(SMALL).set_params(early_stopping=False),
    "least squares": clone(SMALL).set_params(alpha=0.0, early_stopping=False),
    "random units": clone(SMALL).set_params(max_epochs=0, alpha="gcv"),
    "quadratic units": clone(SMALL).set_params(activation="rectified_polynomial"),
    "smooth units": clone(SMALL).set_params(activation=Softplus()),
    "polynomial": LayerwiseRegressor(activation="polynomial", degree=3),
    "no cycles": clone(SMALL).set_params(max_cycles=0),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_the_training_loss_never_rises(case):
    fitted = clone(SETTINGS[case]).fit(X, y)
    found = losses(fitted, X, y)
    assert len(found) == fitted.n_stages_ == len(fitted.loss_curve_)
    assert np.all(np.diff(fitted.loss_curve_) <= 0)
    assert np.all(np.diff(found) <= 0)
    assert found[0] <= np.var(y)
    np.testing.assert_allclose(found / np.var(y), fitted.loss_curve_, rtol=1e-9)
    for curve in fitted.cycle_curves_:
        assert np.all(np.diff(curve) <= 0)


def test_the_law_holds_for_noise_that_nothing_explains():
    noise = np.random.RandomState(0).standard_normal(200)
    for early_stopping in (True, False):
        fitted = clone(SMALL).set_params(early_stopping=early_stopping).fit(X, noise)
        assert np.all(np.diff(losses(fitted, X, noise)) <= 0)


def test_few_noisy_rows_of_a_linear_target_get_a_ridge_regression():
    errors = {"ours": [], "ridge": []}
    for seed in range(20):
        rng = np.random.RandomState(seed)
        X, weights = rng.standard_normal((540, 8)), rng.standard_normal(8)
        y = X @ weights
        noisy = y[:40] + np.std(y) * rng.standard_normal(40)
        models = {"ours": LayerwiseRegressor(random_state=seed), "ridge": RidgeCV(np.logspace(-2, 3, 21))}
        for name, regressor in models.items():
            regressor.fit(X[:40], noisy)
            errors[name].append(np.mean((regressor.predict(X[40:]) - y[40:]) ** 2) / np.var(y))
    # Where stages are kept that chance explains, the mean is .6 above; without, it differs by less than .02.
    assert np.mean(errors["ours"]) < np.mean(errors["ridge"]) + 0.1


def test_the_last_stage_is_the_prediction():
    fitted = clone(SMALL).fit(X, y)
    assert fitted.n_stages_ > 1
    np.testing.assert_array_equal(list(fitted.staged_predict(X))[-1], fitted.predict(X))


def test_a_network_of_fewer_stages_is_the_beginning_of_one_of_more():
    many = clone(SMALL).set_params(n_units=8)  # too few units for one stage
    X, y = make_friedman1(300, noise=0.3, random_state=0)
    few, many = clone(many).set_params(n_stages=2).fit(X, y), many.fit(X, y)
    assert many.n_stages_ > 2
    np.testing.assert_array_equal(list(many.staged_predict(X))[1], few.predict(X))


# -------------------------------------------------------------------------------------- the optimum of the polynomials


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
def test_back_fitting_reaches_the_least_squares_polynomial(degree):
    table, target = load_diabetes(return_X_y=True)
    table = table[:, [0, 2, 3, 8]]
    fitted = LayerwiseRegressor(activation="polynomial", degree=degree, alpha=0.0, max_cycles=500).fit(table, target)
    terms = PolynomialFeatures(degree).fit_transform(StandardScaler().fit_transform(table))
    best = LinearRegression().fit(terms, target).predict(terms)
    np.testing.assert_allclose(fitted.predict(table), best, rtol=0, atol=1e-6 * np.std(target))
    assert fitted.n_stages_ == degree


def test_each_correction_is_optimal_for_what_is_left():
    # Stage by stage, before back-fitting: the linear fit, then the quadratic forms that fit its residual best.
    fitted = LayerwiseRegressor(activation="polynomial", degree=2, alpha=0.0, max_cycles=0).fit(X[:, :3], y)
    scaled = StandardScaler().fit_transform(X[:, :3])
    linear = LinearRegression().fit(scaled, y).predict(scaled)
    squares = PolynomialFeatures(2).fit_transform(scaled)[:, 4:]
    corrected = linear + LinearRegression().fit(squares, y - linear).predict(squares)
    first, second = fitted.staged_predict(X[:, :3])
    np.testing.assert_allclose(first, linear, atol=1e-9)
    np.testing.assert_allclose(second, corrected, atol=1e-9)


def test_a_polynomial_is_found_exactly():
    table = np.random.RandomState(0).standard_normal((100, 3))
    target = 1 + table[:, 0] * table[:, 1] - 2 * table[:, 2] ** 3
    fitted = LayerwiseRegressor(activation="polynomial", degree=3, alpha=0.0, max_cycles=500).fit(table, target)
    np.testing.assert_allclose(fitted.predict(table), target, atol=1e-6)


def test_too_many_monomials_are_refused():
    with pytest.raises(ValueError, match="Lower the degree"):
        LayerwiseRegressor(activation="polynomial", degree=3).fit(np.ones((5, 60)), np.arange(5.0))


# --------------------------------------------------------------------------------------------------------- the ridge


def test_the_linear_stage_is_ridge_regression_with_a_penalty_by_cross_validation():
    table, target = load_diabetes(return_X_y=True)
    fitted = LayerwiseRegressor(1, alpha="gcv").fit(table, target)
    scaled = StandardScaler().fit_transform(table)
    grid = 10.0 ** np.arange(-6, 4, 0.5) * len(table)
    peer = RidgeCV(alphas=grid).fit(scaled, target)  # leave one out, of which generalised cross-validation is a mean
    assert fitted.score(table, target) == pytest.approx(peer.score(scaled, target), abs=0.003)


def test_noise_alone_is_not_learned():
    rng = np.random.RandomState(0)
    table = rng.standard_normal((300, 8))
    target = table[:, 0] + 3 * rng.standard_normal(300)
    scores = cross_val_score(LayerwiseRegressor(random_state=0), table, target, cv=5)
    assert scores.mean() > -0.05  # the best possible is .1; trained to the end a network falls to -1


# --------------------------------------------------------------------------------------------------- hostile tables

HARD = {
    "constant target": (X, np.full(200, 7.0)),
    "one row": (X[:1], y[:1]),
    "two rows": (X[:2], y[:2]),
    "constant column": (np.c_[X, np.full(200, 1e9)], y),
    "duplicated columns": (np.c_[X, X], y),
    "more features than rows": (np.random.RandomState(0).standard_normal((30, 100)), y[:30]),
    "huge": (X * 1e100, y * 1e100),
    "tiny": (X * 1e-100, y * 1e-100),
    "far from 0": (X + 1e6, y + 1e6),
    "an outlier": (np.r_[X[:-1], X[-1:] + 1e6], y),
}


@pytest.mark.parametrize("case", HARD)
@pytest.mark.parametrize("activation", ["relu", "polynomial"])
def test_hostile_tables(case, activation):
    table, target = HARD[case]
    if activation == "polynomial" and table.shape[1] > 50:
        table = table[:, :50]
    fitted = clone(SMALL).set_params(activation=activation).fit(table, target)
    predicted = fitted.predict(table)
    assert np.all(np.isfinite(predicted))
    unit = np.max(np.abs(target))
    spread = np.mean(((target - target.mean()) / unit) ** 2)
    assert np.mean(((predicted - target) / unit) ** 2) <= spread * (1 + 1e-9) + 1e-25


@pytest.mark.parametrize("factor", [1e-100, 1e100])
def test_units_do_not_matter(factor):
    plain = clone(SMALL).fit(X, y).predict(X)
    scaled = clone(SMALL).fit(X * factor, y / factor).predict(X * factor)
    np.testing.assert_allclose(scaled * factor, plain, rtol=1e-6)


def test_a_constant_target_is_answered():
    fitted = clone(SMALL).fit(X, np.full(200, 0.1))
    np.testing.assert_array_equal(fitted.predict(X[::-1] * 3), np.full(200, 0.1))


def test_what_did_not_vary_in_training_says_nothing_later():
    fitted = clone(SMALL).fit(np.c_[X, np.ones(200)], y)
    np.testing.assert_array_equal(fitted.predict(np.c_[X, np.full(200, 1e6)]), fitted.predict(np.c_[X, np.ones(200)]))


def test_weights_are_repeats_and_rows_without_weight_are_not_seen():
    weight = np.arange(200) % 3
    seen = np.repeat(np.arange(200), weight)
    weighted = clone(SMALL).fit(X, y, sample_weight=weight)
    repeated = clone(SMALL).fit(X[seen], y[seen])
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-9)
    np.testing.assert_allclose(clone(SMALL).fit(X, y, weight * 1e-200).predict(X), weighted.predict(X), rtol=1e-6)
    spoiled = np.where((weight == 0)[:, None], 1e6, X)
    np.testing.assert_array_equal(clone(SMALL).fit(spoiled, y, weight).predict(X), weighted.predict(X))


def test_the_order_of_the_rows_does_not_matter():
    order = np.random.RandomState(0).permutation(200)
    np.testing.assert_allclose(
        clone(SMALL).fit(X[order], y[order]).predict(X), clone(SMALL).fit(X, y).predict(X), rtol=1e-9
    )


# ------------------------------------------------------------------------------------------------- what "auto" means


def test_auto_noise_is_a_tenth_of_the_spread_along_the_first_principal_component():
    rng = np.random.RandomState(0)
    common = rng.standard_normal((200, 1))
    for table in (X, X @ rng.standard_normal((10, 10)), common + 0.3 * rng.standard_normal((200, 10))):
        largest = np.linalg.eigvalsh(np.corrcoef(table.T))[-1]
        auto = clone(SMALL).set_params(n_stages=2).fit(table, y)
        given = clone(SMALL).set_params(n_stages=2, noise=0.1 * largest**0.5).fit(table, y)
        np.testing.assert_allclose(auto.predict(table), given.predict(table), rtol=1e-6)


def test_auto_noise_is_also_found_where_the_linear_stage_is_of_no_use():
    even = np.abs(X[:, :1] - 0.5) + np.zeros_like(X[:, :1])
    table = np.r_[X - 0.5, 0.5 - X]
    target = np.r_[even, even][:, 0]
    auto = clone(SMALL).set_params(n_stages=2, noise="auto").fit(table, target)
    silent = clone(SMALL).set_params(n_stages=2, noise=0.0).fit(table, target)
    assert np.max(np.abs(auto.predict(table) - silent.predict(table))) > 1e-3


# ----------------------------------------------------------------------------------------------------- the interface


def test_several_targets_and_single_precision():
    both = np.c_[y, -2 * y + 1].astype(np.float32)
    fitted = clone(SMALL).fit(X.astype(np.float32), both)
    assert all(part.dtype == np.float32 for stage in fitted.coefs_ for part in stage)
    predicted = fitted.predict(X.astype(np.float32))
    assert predicted.shape == (200, 2)
    assert predicted.dtype == np.float32
    np.testing.assert_allclose(predicted[:, 1], 1 - 2 * predicted[:, 0], rtol=1e-3, atol=1e-2)
    double = clone(SMALL).fit(X, both).score(X, both)
    assert fitted.score(X.astype(np.float32), both) == pytest.approx(double, abs=0.03)


def test_little_working_memory_gives_the_same():
    from sklearn import config_context

    plain = clone(SMALL).fit(X, y)
    with config_context(working_memory=0.02):
        frugal = clone(SMALL).fit(X, y)
        np.testing.assert_allclose(frugal.predict(X), plain.predict(X), rtol=1e-6)


def test_a_search_over_a_pipeline():
    grid = {"layerwiseregressor__n_units": [5, 20], "layerwiseregressor__activation": ["relu", "polynomial"]}
    search = GridSearchCV(make_pipeline(StandardScaler(), clone(SMALL)), grid, cv=2).fit(X, y)
    assert search.best_score_ > 0.75


def test_verbose_tells_of_every_stage(capsys):
    fitted = clone(SMALL).set_params(verbose=True).fit(X, y)
    assert capsys.readouterr().out.count("Stage") >= fitted.n_stages_


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_better_than_a_network_trained_as_a_whole_on_friedman():
    from sklearn.neural_network import MLPRegressor

    table, target = make_friedman1(500, noise=1.0, random_state=0)
    ours = cross_val_score(LayerwiseRegressor(random_state=0), table, target, cv=5).mean()
    network = make_pipeline(StandardScaler(), MLPRegressor(random_state=0))
    assert ours > cross_val_score(network, table, target, cv=5).mean()
    assert ours > 0.88

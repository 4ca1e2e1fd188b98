"""What is laid down for each family of estimators: exact zeros, the same training with open masks, names and shapes."""

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import (
    Lasso,
    LinearRegression,
    LogisticRegression,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.svm import LinearSVC

from skamem import DenseAMClassifier, DenseAMRegressor, LayerwiseClassifier, LayerwiseRegressor
from skamem.supervised.pruning import FAMILIES, Family
from skamem.supervised.pruning._families import LinearModels, family_of
from skamem.supervised.pruning._family import column_spreads, epochs_before

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = (part[:200] for part in load_digits(return_X_y=True))
NETWORKS = {
    "dense": DenseAMClassifier(12, max_iter=6, random_state=0),
    "dense, as in the paper": DenseAMClassifier(12, max_iter=6, random_state=0, solver="paper", readout="exact"),
    "dense, early stopping": DenseAMClassifier(12, max_iter=8, random_state=0, early_stopping=True, n_iter_no_change=2),
    "dense regressor": DenseAMRegressor(12, max_iter=6, random_state=0, init="data"),
    "layers": LayerwiseClassifier(3, n_units=10, max_epochs=5, early_stopping=False, random_state=0),
    "layers of a regressor, some dropped": LayerwiseRegressor(
        8, n_units=20, max_epochs=5, n_iter_no_change=3, random_state=3
    ),
    "random layers": LayerwiseRegressor(3, n_units=20, max_epochs=0, alpha=0.1, early_stopping=False, random_state=0),
    "perceptron": MLPClassifier((12,), max_iter=6, random_state=0),
    "perceptrons": MLPRegressor(hidden_layer_sizes=(12, 8), max_iter=6, random_state=0, activation="tanh"),
}
LINEAR = {
    "ridge": Ridge(),
    "least squares": LinearRegression(),
    "lasso": Lasso(alpha=0.01),
    "logistic": LogisticRegression(max_iter=50),
    "one against the rest": RidgeClassifier(),
    "margins": LinearSVC(random_state=0),
    "descent": SGDClassifier(random_state=0),
}


def weights_of(fitted):
    """Fitted weights in the order of their names, whatever the family calls them."""
    if hasattr(fitted, "memories_"):
        return [fitted.memories_, fitted.recognition_]
    if hasattr(fitted, "stages_"):
        return [stage["weights"] for stage in fitted.stages_ if "weights" in stage]
    return fitted.coefs_ if hasattr(fitted, "coefs_") else [fitted.coef_]


def opened(estimator, rows=X, **options):
    family = family_of(estimator)(estimator, rows, y, **options)
    plain = family.fit()
    return family, plain, family.magnitudes(plain)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("rewind_to", ["initial", 2, 0.5])
def test_with_open_masks_it_is_the_plain_fit_to_the_last_bit(name, rewind_to):
    family, plain, sizes = opened(NETWORKS[name])
    masks = {key: np.ones(values.shape, dtype=bool) for key, values in sizes.items()}
    again = family.retrain(plain, masks, rewind_to)
    for one, other in zip(weights_of(plain), weights_of(again), strict=True):
        assert_array_equal(one, other)
    ask = "predict_proba" if hasattr(plain, "predict_proba") else "predict"
    assert_array_equal(getattr(plain, ask)(X), getattr(again, ask)(X))


@pytest.mark.parametrize("early_stopping", [False, True])
def test_what_the_rows_chose_is_taken_over(early_stopping, monkeypatch):
    network = DenseAMClassifier(20, max_iter=60, early_stopping=early_stopping, random_state=0)
    family, plain, sizes = opened(network)
    masks = {key: values > np.median(values) for key, values in sizes.items()}
    again = clone(network).fit_masked(X, y, masks)
    monkeypatch.setattr("skamem.supervised.dense._recipes.choose", lambda *_: pytest.fail("chose once more"))
    assert_array_equal(family.retrain(plain, masks, "initial").memories_, again.memories_)


def test_choices_are_taken_over_from_what_made_some():
    masks = {"memories_": np.ones((5, X.shape[1]), dtype=bool)}
    for like in (DenseAMClassifier(5), LogisticRegression().fit(X, y)):
        with pytest.raises(ValueError, match="like=.* is not fitted by fit of DenseAMClassifier"):
            DenseAMClassifier(5).fit_masked(X, y, masks, like=like)
    with pytest.raises(ValueError, match="start=None goes on from the weights of like"):
        DenseAMClassifier(5).fit_masked(X, y, masks, start=None)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("rewind_to", [None, "initial", 2])
def test_masked_weights_are_exactly_0_and_the_others_learn(name, rewind_to):
    family, plain, sizes = opened(NETWORKS[name])
    rng = np.random.default_rng(0)
    masks = {key: rng.random(values.shape) < 0.4 for key, values in sizes.items()}
    fitted = family.retrain(plain, masks, rewind_to)
    for weights, mask, before in zip(weights_of(fitted), family.weight_masks(masks), weights_of(plain), strict=True):
        assert weights.shape == mask.shape
        assert np.all(weights[~mask] == 0)
        learned = mask & (before != 0)  # those of pixels that are never on stay 0
        assert np.sum(weights[learned] != 0) >= 0.9 * learned.sum()
    assert_array_equal(weights_of(plain)[0], before_again(NETWORKS[name]))


def before_again(network):
    return weights_of(clone(network).fit(X, y))[0]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_feature_that_no_unit_sees_does_not_count(name):
    family, plain, sizes = opened(NETWORKS[name])
    masks = {key: np.ones(values.shape, dtype=bool) for key, values in sizes.items()}
    for key, mask in masks.items():
        if mask.shape[0] == X.shape[1] or key.startswith("stages_"):
            mask[20] = False
        elif mask.shape[1] == X.shape[1]:
            mask[:, 20] = False
    fitted = family.retrain(plain, masks, "initial")
    assert_array_equal(family.first_layer(masks).all(axis=0), np.arange(64) != 20)
    if name.startswith(("dense", "perceptron")):  # the linear stage of the layerwise networks is not pruned
        changed = X.copy()
        changed[:, 20] = 0.0
        assert_array_equal(fitted.predict(changed), fitted.predict(X))


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_matrix])
def test_a_linear_model_is_the_one_on_the_columns_that_are_left(name, kind):
    family, plain, sizes = opened(LINEAR[name], kind(X))
    mask = sizes["coef_"] >= np.median(sizes["coef_"])
    fitted = family.retrain(plain, {"coef_": mask}, "initial")
    (expanded,) = family.weight_masks({"coef_": mask})
    assert expanded.shape == fitted.coef_.shape
    assert np.all(fitted.coef_[~expanded] == 0)
    fewer = clone(LINEAR[name]).fit(kind(X[:, mask]), y)
    tolerance = {"margins": 0.05, "ridge": 0.01}.get(name, 1e-4)  # iterative solvers stop early
    assert_allclose(fitted.coef_[..., mask], fewer.coef_, atol=tolerance * np.max(np.abs(fewer.coef_)))


@pytest.mark.parametrize("name", ["dense", "dense regressor", "dense, as in the paper", "perceptron", "perceptrons"])
def test_training_goes_on_from_where_the_weights_are(name):
    network = clone(NETWORKS[name])
    _, before, sizes = opened(network)
    still = clone(network).set_params(learning_rate_init=1e-12)
    masks = {key: values > np.median(values) for key, values in sizes.items()}
    again = family_of(still)(still, X, y).retrain(before, masks, None)
    for one, other, mask in zip(weights_of(again), weights_of(before), masks.values(), strict=True):
        if hasattr(before, "_recipe"):  # whose choices, the rate too, are taken over
            assert np.corrcoef(one[mask], other[mask])[0, 1] > 0.5
        else:
            assert_allclose(one, np.where(mask, other, 0.0), atol=1e-9)


@pytest.mark.parametrize("activation", ["relu", "identity"])
def test_a_weight_counts_by_what_it_brings_to_the_outputs(activation):
    network = MLPClassifier((12, 7), max_iter=6, random_state=0, activation=activation)
    family, plain, sizes = opened(network)
    # What goes into a unit may be larger, and what comes from it smaller: the network is the same.
    factors = np.geomspace(0.1, 10, 12)
    plain.coefs_[0] *= factors
    plain.intercepts_[0] *= factors
    plain.coefs_[1] /= factors[:, None]
    for name, again in family.magnitudes(plain).items():
        assert_allclose(again, sizes[name], rtol=1e-9)
    plain.coefs_[2][3] = 0.0  # a unit that nothing comes from
    without = family.magnitudes(plain)
    assert np.all(without["coefs_[1]"][:, 3] == 0)
    assert np.all(without["coefs_[2]"][3] == 0)


def test_the_last_weights_count_by_what_they_add_to_the_variance_of_the_outputs():
    _, plain, sizes = opened(MLPRegressor(hidden_layer_sizes=(9,), max_iter=6, random_state=0))
    hidden = np.maximum(X @ plain.coefs_[0] + plain.intercepts_[0], 0)
    assert_allclose(sizes["coefs_[1]"], np.abs(hidden.std(axis=0)[:, None] * plain.coefs_[1]), rtol=1e-9)


@pytest.mark.parametrize("name", ["dense", "dense regressor", "dense, as in the paper"])
def test_magnitudes_of_memories_do_not_depend_on_the_sign_of_what_they_see_and_say(name):
    family, plain, sizes = opened(NETWORKS[name])
    assert all(np.all(np.isfinite(values)) for values in sizes.values())
    plain.recognition_[4] = 0.0
    without = family.magnitudes(plain)
    assert np.all(without["memories_"][4] == 0)
    assert np.all(without["recognition_"][4] == 0)


def test_the_penalty_is_that_which_the_weights_make_likely():
    network = MLPClassifier((12,), max_iter=6, random_state=0)
    family, plain, _ = opened(network)
    alpha = family._evident_alpha(plain)
    n_weights = sum(weights.size for weights in plain.coefs_)
    squares = sum(np.sum(weights**2) for weights in plain.coefs_)
    assert 1e-4 < alpha < n_weights / squares  # of 200 rows in one batch
    masks = {key: values > np.median(values) for key, values in family.magnitudes(plain).items()}
    strong = clone(network).set_params(alpha=2 * alpha)
    own = family_of(strong)(strong, X, y).retrain(plain, masks, None)
    assert own.alpha == 2 * alpha
    assert family.retrain(plain, masks, None).alpha == network.alpha  # in training alone it is another


def test_the_unit_of_a_column_does_not_change_its_magnitude():
    rng = np.random.default_rng(0)
    rows, units = rng.standard_normal((200, 8)), 2.0 ** np.array([0, 4, -4, 0, 3, 0, -5, 0])
    first, scaled = (LinearModels(LinearRegression(), part, rows @ np.arange(8.0)) for part in (rows, rows * units))
    one, other = (part.magnitudes(part.fit())["coef_"] for part in (first, scaled))
    assert_allclose(one, other, rtol=1e-9, atol=1e-12)
    # Standardised inside, a layerwise network is the same network for any units.
    network = LayerwiseRegressor(3, n_units=10, max_epochs=5, alpha=0.1, early_stopping=False, random_state=0)
    first, scaled = (family_of(network)(network, part, rows @ np.arange(8.0)) for part in (rows, rows * units))
    for one, other in zip(*(part.magnitudes(part.fit()).values() for part in (first, scaled)), strict=True):
        assert_allclose(one, other, rtol=1e-6, atol=1e-9)


def test_spreads_are_weighted_and_do_not_overflow():
    rng = np.random.default_rng(0)
    rows, weights = rng.standard_normal((50, 4)), rng.integers(0, 4, 50)
    repeated = np.repeat(rows, weights, axis=0).std(axis=0)
    assert_allclose(column_spreads(rows, weights.astype(float)), repeated)
    assert_allclose(column_spreads(scipy.sparse.csr_matrix(rows), weights.astype(float)), repeated)
    far = rows * np.array([1e-200, 1e200, 1.0, 0.0]) + np.array([0.0, 0.0, 1e8, 3.0])
    assert_allclose(column_spreads(far, np.ones(50)) / rows.std(axis=0), [1e-200, 1e200, 1.0, 0.0], rtol=1e-6)


def test_epochs_before_the_point_to_rewind_to():
    assert [epochs_before(at, 10) for at in ("initial", 0, 9, 0.0, 0.25, 0.99)] == [0, 0, 9, 0, 2, 9]
    with pytest.raises(ValueError, match="rewind_to=10 is after the training .* took 10 epochs"):
        epochs_before(10, 10)


def test_families_are_found_by_the_class_and_may_be_entered():
    class OwnNetwork(MLPClassifier):
        pass

    class OwnFamily(Family):
        def magnitudes(self, fitted):
            return {}

        def retrain(self, plain, masks, rewind_to):
            return plain

    assert family_of(OwnNetwork()) is FAMILIES[MLPClassifier]
    FAMILIES[OwnNetwork] = OwnFamily
    try:
        assert family_of(OwnNetwork()) is OwnFamily
    finally:
        del FAMILIES[OwnNetwork]
    assert family_of(Ridge()) is LinearModels


def test_what_has_no_weights_is_refused_with_what_has():
    with pytest.raises(TypeError, match=r"RandomForestClassifier.*no weights.*expected DenseAMClassifier.*coef_"):
        opened(RandomForestClassifier(2))

"""scikit-learn's perceptrons: the training under open masks is theirs, to the last bit."""

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skamem.supervised.pruning._mlp import check_trainable, spreads_and_slopes, train_masked

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = (part[:300] for part in load_digits(return_X_y=True))
X = X / 16
CLASSIFIERS = {
    "adam": MLPClassifier((20, 10), max_iter=6, random_state=0),
    "descent": MLPClassifier((20,), max_iter=6, random_state=1, solver="sgd", learning_rate_init=0.1),
    "its rate falls": MLPClassifier(
        (20,), max_iter=6, random_state=1, solver="sgd", learning_rate="invscaling", learning_rate_init=0.5,
        nesterovs_momentum=False,
    ),
    "early stopping": MLPClassifier((20,), random_state=0, early_stopping=True, n_iter_no_change=2, tol=0.02),
    "converges": MLPClassifier((20,), random_state=0, n_iter_no_change=2, tol=0.1, shuffle=False, alpha=0.1),
}  # fmt: skip
REGRESSORS = {
    "regression": MLPRegressor(hidden_layer_sizes=(20,), max_iter=6, random_state=0, activation="tanh"),
    "regression, early stopping": MLPRegressor(
        hidden_layer_sizes=(20,), max_iter=30, random_state=0, early_stopping=True, n_iter_no_change=2
    ),
}
TARGETS = {
    "classes": y,
    "two classes": y > 4,
    "labels": np.c_[y > 4, y % 2],
    "words": np.asarray(list("abcdefghij"))[y],
}
CASES = [
    *((CLASSIFIERS[name], target) for name in CLASSIFIERS for target in ("classes", "two classes")),
    (CLASSIFIERS["adam"], "labels"),
    (CLASSIFIERS["adam"], "words"),
    *((regressor, "classes") for regressor in REGRESSORS.values()),
    (REGRESSORS["regression"], "labels"),
]


def open_masks(fitted):
    return [np.ones(weights.shape, dtype=bool) for weights in fitted.coefs_]


@pytest.mark.parametrize(("network", "target"), CASES)
@pytest.mark.parametrize("start", [0, 2])
def test_with_open_masks_it_is_the_networks_own_fit(network, target, start):
    targets = TARGETS[target].astype(float) if isinstance(network, MLPRegressor) else TARGETS[target]
    plain = clone(network).fit(X, targets)
    again = train_masked(network, X, targets, None, open_masks(plain), start)
    for one, other in zip(plain.coefs_ + plain.intercepts_, again.coefs_ + again.intercepts_, strict=True):
        assert_array_equal(one, other)
    assert again.get_params() == plain.get_params()
    for name in ("n_iter_", "t_", "loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_"):
        assert getattr(again, name) == getattr(plain, name), name
    assert vars(again).keys() == vars(plain).keys()


@pytest.mark.parametrize("kind", [np.float32, scipy.sparse.csr_matrix])
def test_rows_of_another_kind(kind):
    rows = X.astype(kind) if kind is np.float32 else kind(X)
    plain = clone(CLASSIFIERS["adam"]).fit(rows, y)
    again = train_masked(CLASSIFIERS["adam"], rows, y, None, open_masks(plain), 0)
    assert_array_equal(again.predict_proba(rows), plain.predict_proba(rows))
    assert again.coefs_[0].dtype == plain.coefs_[0].dtype


@pytest.mark.parametrize("batch_size", [7, 200])
def test_batches_that_lack_classes_and_rows_with_weights(batch_size):
    pytest.importorskip("sklearn", minversion="1.7")  # the first with weights of rows
    network = clone(CLASSIFIERS["adam"]).set_params(batch_size=batch_size)
    weights = np.random.default_rng(0).random(len(X))
    for given in (None, weights):
        plain = clone(network).fit(X, y, sample_weight=given)
        again = train_masked(network, X, y, given, open_masks(plain), 0)
        for one, other in zip(plain.coefs_, again.coefs_, strict=True):
            assert_allclose(one, other, atol=1e-10)


@pytest.mark.parametrize("network", [*CLASSIFIERS.values(), *REGRESSORS.values()])
@pytest.mark.parametrize("start", [0, 2])
def test_masked_weights_are_0_and_take_no_part(network, start):
    rng = np.random.default_rng(0)
    plain = clone(network).fit(X, y)
    masks = [rng.random(weights.shape) < 0.3 for weights in plain.coefs_]
    masks[0][5] = False  # a feature that no unit sees
    fitted = train_masked(network, X, y, None, masks, start)
    for weights, mask in zip(fitted.coefs_, masks, strict=True):
        assert np.all(weights[~mask] == 0)
        assert np.mean(weights[mask] != 0) > 0.9
    if start == 0:
        changed = X.copy()
        changed[:, 5] = rng.permutation(changed[:, 5])
        again = train_masked(network, changed, y, None, masks, start)
        assert_allclose(again.coefs_[-1], fitted.coefs_[-1], atol=1e-12)


def test_what_cannot_be_repeated_is_refused():
    with pytest.raises(ValueError, match="solver='lbfgs'.*expected solver='adam' or 'sgd'"):
        check_trainable(MLPClassifier(solver="lbfgs"))
    with pytest.raises(ValueError, match="learning_rate='adaptive'.*expected"):
        check_trainable(MLPRegressor(solver="sgd", learning_rate="adaptive"))
    check_trainable(MLPRegressor(solver="adam", learning_rate="adaptive"))  # of no meaning to adam


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_units_vary_and_slope_as_they_do(activation):
    network = MLPClassifier((6, 5), activation=activation, max_iter=3, random_state=0).fit(X, y)
    weights = np.random.default_rng(0).integers(0, 3, len(X))
    spreads, slopes = spreads_and_slopes(network, X, weights)
    rows, step = np.repeat(X, weights, axis=0), 1e-6
    values = rows
    functions = {"identity": lambda z: z, "logistic": lambda z: 1 / (1 + np.exp(-z)), "tanh": np.tanh}
    function = functions.get(activation, lambda z: np.maximum(z, 0))
    for coefs, biases, spread, slope in zip(network.coefs_, network.intercepts_, spreads, slopes, strict=False):
        sums = values @ coefs + biases
        values = function(sums)
        assert_allclose(spread, values.std(axis=0), atol=1e-9)
        numeric = (function(sums + step) - function(sums - step)) / (2 * step)
        assert_allclose(slope, np.mean(numeric**2, axis=0), atol=1e-4)
    for one, other in zip(spreads_and_slopes(network, scipy.sparse.csr_matrix(X), weights)[0], spreads, strict=True):
        assert_allclose(one, other)


def test_spreads_of_units_far_from_zero_keep_their_digits():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 3))
    network = MLPRegressor(hidden_layer_sizes=(4,), activation="identity", max_iter=1, random_state=0).fit(X, X[:, 0])
    near, _ = spreads_and_slopes(network, X, None)
    network.intercepts_[0] = network.intercepts_[0] + 1e8
    far, _ = spreads_and_slopes(network, X, None)
    assert_allclose(far[0], near[0], rtol=1e-6)

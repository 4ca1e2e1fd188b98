"""Deep belief classifier: weights of rows and classes, and accuracy beside a network from a random start."""

import numpy as np
import pytest
import scipy.sparse
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from skamem import DeepBeliefClassifier, RestrictedBoltzmannMachine

X, Y = load_digits(return_X_y=True)
X = X / 16
SHORT = RestrictedBoltzmannMachine(max_iter=5)


def classifier(layers=(32, 16), **kwargs):
    return DeepBeliefClassifier(layers, **{"rbm": SHORT, "random_state": 0} | kwargs)


def test_digits_are_learnt():
    fitted = classifier((64, 64)).fit(X[:1200], Y[:1200])
    assert fitted.score(X[1200:], Y[1200:]) > 0.9
    assert fitted.loss_curve_[-1] < 0.1 * fitted.loss_curve_[0]
    proba = fitted.predict_proba(X[:50])
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(X[:50])), proba)


def test_csr_rows_and_labels_of_any_kind():
    names = np.asarray(["odd", "even"])[Y % 2]
    sparse = classifier(max_iter=5).fit(scipy.sparse.csr_array(X), names)
    dense = classifier(max_iter=5).fit(X, names)
    np.testing.assert_allclose(sparse.predict_proba(scipy.sparse.csr_array(X)), dense.predict_proba(X), rtol=1e-5)
    assert set(sparse.predict(X)) <= {"odd", "even"}


@pytest.mark.parametrize("load", [load_wine, load_breast_cancer])
def test_defaults_classify_tables_in_any_units(load):
    rows, labels = load(return_X_y=True)
    rows, held, labels, truth = train_test_split(rows, labels, stratify=labels, random_state=0)
    fitted = DeepBeliefClassifier(random_state=0).fit(rows, labels)
    assert fitted.score(held, truth) > 0.93
    moved = DeepBeliefClassifier(random_state=0).fit(1e3 - 1e-2 * rows, labels)
    assert (moved.predict(1e3 - 1e-2 * held) == fitted.predict(held)).mean() > 0.95


def test_class_weights_are_row_weights():
    labels = (Y == 3).astype(int)
    weighted = classifier(max_iter=3, class_weight={0: 1.0, 1: 4.0}).fit(X, labels)
    same = classifier(max_iter=3).fit(X, labels, sample_weight=1.0 + 3.0 * labels)
    np.testing.assert_array_equal(weighted.predict_proba(X), same.predict_proba(X))
    balanced = classifier(max_iter=3, class_weight="balanced").fit(X, labels)
    plain = classifier(max_iter=3).fit(X, labels)
    assert balanced.predict_proba(X)[:, 1].mean() > 3 * plain.predict_proba(X)[:, 1].mean()


def test_weights_move_the_boundary():
    """Rows that contradict each other: the heavier ones win, in the odds that weights say."""
    rows, labels = np.repeat(np.eye(2), [1, 1], axis=0)[[0, 0, 1, 1]], np.asarray([0, 1, 0, 1])
    weights = np.asarray([1.0, 3.0, 5.0, 5.0])
    fitted = classifier((8,), max_iter=300, dropout=0.0).fit(rows, labels, sample_weight=weights)
    np.testing.assert_allclose(fitted.predict_proba(np.eye(2))[:, 1], [0.75, 0.5], atol=0.03)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sample_weight": -np.ones(len(Y))}, "negative"),
        ({"sample_weight": np.zeros(len(Y))}, "all zero"),
        ({"sample_weight": (Y == 0).astype(float)}, "one class only"),
        ({"sample_weight": np.ones(3)}, r"shape \(3,\)"),
    ],
)
def test_bad_weights_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        classifier(max_iter=1).fit(X, Y, **options)


@pytest.mark.slow
def test_it_beats_a_linear_model_on_digits():
    train, test = (X[:1200], Y[:1200]), (X[1200:], Y[1200:])
    linear = LogisticRegression(max_iter=1000).fit(*train).score(*test)
    assert DeepBeliefClassifier(random_state=0).fit(*train).score(*test) > linear + 0.01

"""LayerwiseClassifier: the logistic loss never rises, probabilities are honest, and hostile tables do no harm."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.preprocessing import StandardScaler

from skamem import LayerwiseClassifier

SMALL = LayerwiseClassifier(4, n_units=15, random_state=0)
X, y = make_classification(150, 6, n_informative=4, n_classes=3, n_clusters_per_class=2, random_state=0)

SETTINGS = {
    "default": SMALL,
    "wide": clone(SMALL).set_params(deep=False),
    "all rows": clone(SMALL).set_params(early_stopping=False),
    "least squares": clone(SMALL).set_params(alpha=0.0, early_stopping=False),
    "random units": clone(SMALL).set_params(max_epochs=0, alpha="gcv"),
    "exponential units": clone(SMALL).set_params(activation="exponential"),
    "polynomial": LayerwiseClassifier(activation="polynomial", degree=3, random_state=0),
    "no cycles": clone(SMALL).set_params(max_cycles=0),
}


@pytest.mark.parametrize("case", SETTINGS)
@pytest.mark.parametrize("labels", [y, y > 0, np.random.RandomState(0).permutation(y)], ids=["three", "two", "noise"])
def test_the_training_loss_never_rises(case, labels):
    fitted = clone(SETTINGS[case]).fit(X, labels)
    found = [log_loss(labels, p) for p in fitted.staged_predict_proba(X)]
    assert len(found) == fitted.n_stages_
    assert np.all(np.diff(fitted.loss_curve_) <= 0)
    assert np.all(np.diff(found) <= 0)
    np.testing.assert_allclose(found, fitted.loss_curve_, rtol=1e-6, atol=1e-9)
    shares = np.bincount(labels.astype(int)) / len(labels)
    assert found[0] <= -np.sum(shares * np.log(shares)) + 1e-12
    for curve in fitted.cycle_curves_:
        assert np.all(np.diff(curve) <= 0)


def test_the_last_stage_is_the_answer():
    fitted = clone(SMALL).fit(X, y)
    np.testing.assert_array_equal(list(fitted.staged_predict(X))[-1], fitted.predict(X))
    np.testing.assert_array_equal(list(fitted.staged_predict_proba(X))[-1], fitted.predict_proba(X))


def test_the_linear_stage_is_logistic_regression():
    alpha = 0.01
    fitted = LayerwiseClassifier(1, alpha=alpha, max_cycles=500).fit(X, y)
    peer = LogisticRegression(C=1 / (alpha * len(X)), tol=1e-10, max_iter=10_000)
    scaled = StandardScaler().fit_transform(X)
    expected = peer.fit(scaled, y).predict_proba(scaled)
    np.testing.assert_allclose(fitted.predict_proba(X), expected, atol=0.005)


def test_probabilities_and_scores_agree():
    fitted = clone(SMALL).fit(X, y)
    probabilities, scores = fitted.predict_proba(X), fitted.decision_function(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), scores.argmax(axis=1))
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(X)), probabilities)
    two = clone(SMALL).fit(X, y > 0)
    odds = np.log(two.predict_proba(X)[:, 1] / two.predict_proba(X)[:, 0])
    np.testing.assert_allclose(two.decision_function(X), odds, atol=1e-6)


def test_labels_of_noise_get_the_class_shares():
    rng = np.random.RandomState(0)
    table, labels = rng.standard_normal((400, 5)), rng.choice(3, 400, p=[0.6, 0.3, 0.1])
    fitted = LayerwiseClassifier(random_state=0).fit(table[:300], labels[:300])
    shares = np.bincount(labels[:300]) / 300
    chance = log_loss(labels[300:], np.tile(shares, (100, 1)))
    assert log_loss(labels[300:], fitted.predict_proba(table[300:])) < chance + 0.05


def test_where_nothing_is_found_the_shares_are_answered_exactly():
    table, labels = np.repeat(np.random.RandomState(0).uniform(size=(5, 3)), 8, axis=0), np.arange(40) % 2
    fitted = LayerwiseClassifier(2, random_state=0, early_stopping=False, max_epochs=0).fit(table, labels)
    np.testing.assert_allclose(fitted.decision_function(table), np.zeros(40), atol=1e-12)


def test_weights_of_classes_and_rows():
    weight = np.where(y == 2, 3.0, 1.0)
    by_row = clone(SMALL).fit(X, y, sample_weight=weight)
    by_class = clone(SMALL).set_params(class_weight={2: 3.0}).fit(X, y)
    np.testing.assert_allclose(by_row.predict_proba(X), by_class.predict_proba(X), rtol=1e-9)
    seen = np.repeat(np.arange(150), weight.astype(int))
    np.testing.assert_allclose(clone(SMALL).fit(X[seen], y[seen]).predict_proba(X), by_row.predict_proba(X), rtol=1e-6)


HARD = {
    "constant columns": (np.c_[X, np.full(150, 1e9), np.zeros(150)], y),
    "duplicated columns": (np.c_[X, X], y),
    "two rows": (X[:2], [0, 1]),
    "single members": (X[:6], [0, 1, 2, 3, 4, 5]),
    "more features than rows": (np.random.RandomState(0).standard_normal((30, 100)), np.arange(30) % 3),
    "huge": (X * 1e100, y),
    "tiny": (X * 1e-100, y),
    "separable": (np.arange(40.0)[:, None], np.arange(40) >= 20),
    "strings": (X, np.asarray(["a", "b", "c"])[y]),
}


@pytest.mark.parametrize("case", HARD)
def test_hostile_tables(case):
    table, labels = HARD[case]
    fitted = clone(SMALL).fit(table, labels)
    probabilities = fitted.predict_proba(table)
    assert np.all(np.isfinite(probabilities))
    assert fitted.score(table, labels) >= np.max(np.unique(labels, return_counts=True)[1]) / len(labels)


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="one class"):
        clone(SMALL).fit(X, np.zeros(150))
    with pytest.raises(ValueError, match="one class"):
        clone(SMALL).fit(X, y, sample_weight=(y == 1) * 1.0)


def test_iris():
    table, labels = load_iris(return_X_y=True)
    cv = StratifiedKFold(5, shuffle=True, random_state=0)
    assert cross_val_score(LayerwiseClassifier(random_state=0), table, labels, cv=cv).mean() >= 0.94


@pytest.mark.slow
def test_digits():
    table, labels = load_digits(return_X_y=True)
    cv = StratifiedKFold(5, shuffle=True, random_state=0)
    classifier = LayerwiseClassifier(random_state=0)
    assert cross_val_score(classifier, table, labels, cv=cv).mean() >= 0.975


def test_few_noisy_rows_get_as_good_probabilities_as_of_a_logistic_regression():
    losses = {"ours": [], "peer": []}
    for seed in range(10):
        rng = np.random.RandomState(seed)
        X, weights = rng.standard_normal((1040, 8)), rng.standard_normal(8)
        drive = X @ weights
        y = (drive + np.std(drive) * rng.standard_normal(1040) > 0).astype(int)
        peer = GridSearchCV(LogisticRegression(), {"C": np.logspace(-4, 4, 10)}, scoring="neg_log_loss")
        for name, classifier in {"ours": LayerwiseClassifier(random_state=seed), "peer": peer}.items():
            probabilities = classifier.fit(X[:40], y[:40]).predict_proba(X[40:])
            losses[name].append(log_loss(y[40:], probabilities))
    assert np.mean(losses["ours"]) < np.mean(losses["peer"]) + 0.1

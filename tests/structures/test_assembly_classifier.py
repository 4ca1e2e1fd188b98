"""AssemblyClassifier: noisy copies of stimuli told apart, and the conventions of classifiers."""

import numpy as np
import pytest
import scipy.sparse
from sklearn import config_context
from sklearn.model_selection import GridSearchCV

from skamem import AssemblyClassifier

N_INPUTS = 120


def problem(n=120, noise=0.08, seed=0):
    rng = np.random.default_rng(seed)
    prototypes = rng.random((4, N_INPUTS)) < 0.2
    y = np.arange(n) % 4
    return np.where(rng.random((n, N_INPUTS)) < noise, ~prototypes[y], prototypes[y]).astype(float), y


@pytest.fixture(scope="module")
def classifier():
    return AssemblyClassifier(500, random_state=0).fit(*(part[:60] for part in problem()))


def test_noisy_copies_of_stimuli_are_told_apart(classifier):
    X, y = problem()
    assert classifier.score(X[60:], y[60:]) > 0.95  # no error for any of 20 seeds
    assert classifier.assemblies_.sum(axis=1).tolist() == [22.0] * 4
    shared = classifier.assemblies_ @ classifier.assemblies_.T / 22
    assert shared[~np.eye(4, dtype=bool)].max() < 0.3
    assert classifier.class_count_.tolist() == [15.0] * 4
    assert np.all(classifier.firing_counts_.sum(axis=1) == 15 * 22)


def test_samples_of_a_class_fire_their_assembly_more_than_without_learning(classifier):
    X, y = problem()
    fresh = AssemblyClassifier(500, beta=0.0, random_state=0).fit(X[:60], y[:60])
    shares = [np.sum(fitted.firing_counts_ * fitted.assemblies_) / (60 * 22) for fitted in (classifier, fresh)]
    assert shares[0] > shares[1] + 0.05


def test_scores_are_the_log_likelihood_of_what_fires(classifier):
    X, _ = problem()
    drive = X @ classifier.input_weights_.toarray()
    weights = classifier.input_weights_.toarray()
    share = drive / np.maximum(weights.sum(axis=0), 1)
    fires = np.zeros_like(share)
    np.put_along_axis(fires, np.argsort(-np.round(share, 12), axis=1, kind="stable")[:, :22], 1.0, axis=1)
    rates = (classifier.firing_counts_ + 0.5) / (classifier.class_count_[:, None] + 1.0)
    expected = fires @ np.log(rates).T + (1 - fires) @ np.log(1 - rates).T
    np.testing.assert_allclose(classifier.decision_function(X), expected, rtol=1e-5)


def test_two_classes_have_one_score():
    X, y = problem()
    fitted = AssemblyClassifier(300, random_state=0).fit(X, y > 1)
    scores = fitted.decision_function(X)
    assert scores.shape == (120,)
    np.testing.assert_array_equal(fitted.predict(X), scores > 0)


def test_labels_may_be_words_and_data_sparse(classifier):
    X, y = problem()
    words = np.asarray(["d", "a", "c", "b"])[y]
    fitted = AssemblyClassifier(500, random_state=0).fit(scipy.sparse.csr_array(X[:60]), words[:60])
    assert fitted.classes_.tolist() == ["a", "b", "c", "d"]
    assert np.mean(fitted.predict(scipy.sparse.csr_array(X[60:])) == words[60:]) > 0.95
    again = AssemblyClassifier(500, random_state=0).fit(scipy.sparse.csr_array(X[:60]), y[:60])
    np.testing.assert_array_equal(again.decision_function(X), classifier.decision_function(X))


def test_pieces_add_up():
    X, y = problem()
    fitted = AssemblyClassifier(500, random_state=0).partial_fit(X[:20], y[:20], classes=[0, 1, 2, 3, 4])
    counts = fitted.firing_counts_.copy()
    fitted.partial_fit(X[20:60], y[20:60])
    assert fitted.class_count_.tolist() == [15.0, 15.0, 15.0, 15.0, 0.0]
    assert np.all(fitted.firing_counts_ >= counts)
    assert fitted.score(X[60:], y[60:]) > 0.95
    assert np.isfinite(fitted.decision_function(X)).all()
    with pytest.raises(ValueError, match="labels \\[7\\] that are not in classes"):
        fitted.partial_fit(X[:2], [0, 7])


def test_blocks_change_nothing(classifier):
    X, y = problem()
    with config_context(working_memory=1e-3):
        fitted = AssemblyClassifier(500, random_state=0).fit(X[:60], y[:60])
        np.testing.assert_array_equal(fitted.decision_function(X), classifier.decision_function(X))


def test_a_search_tells_settings_apart():
    X, y = problem(noise=0.2)
    search = GridSearchCV(AssemblyClassifier(random_state=0), {"n_neurons": [5, 500]}, cv=3).fit(X, y)
    assert search.best_params_ == {"n_neurons": 500}
    assert search.best_score_ > search.cv_results_["mean_test_score"].min() + 0.2


def test_labels_of_one_class_are_refused():
    X, _ = problem()
    with pytest.raises(ValueError, match="only one class"):
        AssemblyClassifier(50).fit(X, np.zeros(len(X)))

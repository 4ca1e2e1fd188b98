"""MemoryClassifier: labels as patterns; least squares in disguise when the memory is a pseudoinverse."""

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse
from scipy.linalg import hadamard
from scipy.special import log_softmax
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, StratifiedShuffleSplit, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

from skamem import (
    HebbianMemory,
    HolographicMemory,
    KernelMemory,
    MemoryClassifier,
    ModernHopfieldMemory,
    PseudoinverseMemory,
)
from skamem.datasets import corrupt

X, y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
MEMORIES = {
    "default": None,
    "pseudoinverse": PseudoinverseMemory(),
    "hebbian": HebbianMemory(),
    "ridge": PseudoinverseMemory(solver="cholesky", alpha=1.0, binarize=None),
    "hebbian, real input": HebbianMemory(binarize=None),
}
every_memory = pytest.mark.parametrize("memory", MEMORIES.values(), ids=MEMORIES)


def one_hot(y):
    return np.where(y[:, None] == np.unique(y), 1.0, -1.0)


# ------------------------------------------------------------------------------------------------ what it computes


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_by_default_it_is_linear_least_squares_on_bipolar_labels(fit_intercept):
    design = np.column_stack([X, np.ones(len(X))]) if fit_intercept else X
    expected = design @ np.linalg.lstsq(design, one_hot(y))[0]
    classifier = MemoryClassifier(fit_intercept=fit_intercept).fit(X, y)
    np.testing.assert_allclose(classifier.decision_function(X), expected, atol=1e-9)
    np.testing.assert_array_equal(classifier.predict(X), expected.argmax(axis=1))


@every_memory
def test_fields_are_those_of_the_memory_on_pairs(memory):
    classifier = MemoryClassifier(memory, fit_intercept=False).fit(X, y)
    pairs = clone(memory or PseudoinverseMemory(binarize=None)).set_params(target="y").fit(X, one_hot(y))
    np.testing.assert_allclose(classifier.decision_function(X), pairs.field(X), atol=1e-12)


def test_an_intercept_separates_away_from_the_origin():
    X = np.arange(4.0, 8.0)[:, None]
    y = X[:, 0] > 5.5
    assert MemoryClassifier().fit(X, y).score(X, y) == 1.0
    assert MemoryClassifier(fit_intercept=False).fit(X, y).score(X, y) == 0.5


def test_orthogonal_prototypes_are_told_apart_by_hebb():
    prototypes, labels = hadamard(64)[1:11].astype(float), np.arange(10)
    classifier = MemoryClassifier(HebbianMemory(), fit_intercept=False).fit(prototypes, labels)
    cues = corrupt(np.tile(prototypes, (5, 1)), "flip", 0.1, random_state=0)
    assert classifier.score(cues, np.tile(labels, 5)) == 1.0


def test_it_classifies_digits():
    # Measured .93 by 5-fold cross-validation with the default memory; .10 is chance.
    assert cross_val_score(MemoryClassifier(), *load_digits(return_X_y=True), cv=5).mean() > 0.88


# -------------------------------------------------------------------------------------------------- its interface


@every_memory
@pytest.mark.parametrize("names", [["setosa", "versicolor", "virginica"], [-5, 0, 40], [1.0, 2.0, 7.0]])
def test_labels_come_back_as_they_were(memory, names):
    labels = np.asarray(names)[y]
    classifier = MemoryClassifier(memory).fit(X, labels)
    assert classifier.classes_.tolist() == names
    predicted = classifier.predict(X)
    assert predicted.dtype == labels.dtype
    np.testing.assert_array_equal(predicted, np.asarray(names)[MemoryClassifier(memory).fit(X, y).predict(X)])


@every_memory
def test_predictions_scores_and_probabilities_agree(memory):
    classifier = MemoryClassifier(memory).fit(X, y)
    scores, probabilities = classifier.decision_function(X), classifier.predict_proba(X)
    assert scores.shape == probabilities.shape == (150, 3)
    np.testing.assert_array_equal(classifier.predict(X), scores.argmax(axis=1))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert np.all(probabilities > 0)
    order = np.argsort(scores, axis=1, kind="stable")
    assert np.all(np.diff(np.take_along_axis(probabilities, order, axis=1), axis=1) >= 0)


@every_memory
def test_two_classes_have_one_score(memory):
    two = y < 2
    classifier = MemoryClassifier(memory).fit(X[two], y[two])
    scores, probabilities = classifier.decision_function(X[two]), classifier.predict_proba(X[two])
    assert scores.shape == (100,)
    np.testing.assert_array_equal(classifier.predict(X[two]), (scores > 0).astype(int))
    np.testing.assert_allclose(np.log(probabilities[:, 1] / probabilities[:, 0]), classifier.scale_ * scores, atol=1e-9)


def smoothed_loss(fields, y, weight, scale):
    """Mean cross-entropy of softmax(scale * fields) against labels smoothed as Platt (1999) has it."""
    counts = np.bincount(y, weights=weight)[y]
    n_classes = fields.shape[1]
    targets = np.repeat(1.0 / (counts + n_classes)[:, None], n_classes, axis=1)
    targets[np.arange(len(y)), y] = (counts + 1.0) / (counts + n_classes)
    return -np.average(np.sum(targets * log_softmax(scale * fields, axis=1), axis=1), weights=weight)


@every_memory
@pytest.mark.parametrize("weighted", [False, True])
def test_the_scale_of_probabilities_is_the_most_likely(memory, weighted):
    weight = np.random.default_rng(0).uniform(0.5, 3.0, len(y)) if weighted else np.ones(len(y))
    classifier = MemoryClassifier(memory).fit(X, y, weight if weighted else None)
    fields = classifier.decision_function(X)
    losses = [smoothed_loss(fields, y, weight, factor * classifier.scale_) for factor in (0.98, 1.0, 1.02)]
    assert losses[1] < min(losses[0], losses[2])


def test_probabilities_of_fields_that_say_nothing_or_everything_are_finite():
    for features, labels in ((np.zeros((4, 2)), [0, 1, 0, 1]), (np.eye(4), [0, 1, 2, 3])):
        probabilities = MemoryClassifier().fit(features, labels).predict_proba(features)
        assert np.all(np.isfinite(probabilities))


@every_memory
def test_a_weight_of_k_is_k_samples(memory):
    counts = np.random.default_rng(0).integers(0, 3, len(y))
    weighted = MemoryClassifier(memory).fit(X, y, counts)
    repeated = MemoryClassifier(memory).fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
    np.testing.assert_allclose(weighted.decision_function(X), repeated.decision_function(X), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-6)


@every_memory
@pytest.mark.parametrize("container", [scipy.sparse.csr_array, scipy.sparse.csr_matrix])
def test_sparse_features_are_as_good_as_dense_ones(memory, container):
    digits, labels = load_digits(return_X_y=True)
    digits, labels = digits[:200], labels[:200]
    dense, sparse = (
        MemoryClassifier(memory).fit(digits, labels),
        MemoryClassifier(memory).fit(container(digits), labels),
    )
    expected = dense.decision_function(digits)
    np.testing.assert_allclose(sparse.decision_function(container(digits)), expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(sparse.predict(digits), dense.predict(digits))


# ------------------------------------------------------------------------------------------------ no own witness

LOOK_UP = {
    "modern": ModernHopfieldMemory(),
    "modern, held-out, local": ModernHopfieldMemory("held-out", similarity="local"),
    "kernel": KernelMemory(),
    "narrow kernel": KernelMemory(gamma=10.0, alpha=0.0),
}
every_look_up = pytest.mark.parametrize("memory", LOOK_UP.values(), ids=LOOK_UP)


@every_look_up
def test_a_look_up_memory_is_no_surer_than_it_may_be(memory):
    # A table that votes for its own rows looks infallible. Held-out log loss on five splits of three tables.
    ours, theirs = [], []
    for load in (load_iris, load_wine, load_breast_cancer):
        data, labels = load(return_X_y=True)
        data = StandardScaler().fit_transform(data)
        chance = np.log(len(np.unique(labels)))
        for train, test in StratifiedShuffleSplit(5, test_size=0.3, random_state=0).split(data, labels):
            for found, model in ((ours, MemoryClassifier(memory)), (theirs, KNeighborsClassifier())):
                found.append(log_loss(labels[test], model.fit(data[train], labels[train]).predict_proba(data[test])))
            assert ours[-1] < chance + 0.15
    if memory is not LOOK_UP["narrow kernel"]:  # that one has learnt next to nothing
        assert np.mean(ours) < np.mean(theirs)


@every_look_up
def test_neither_order_nor_repetition_changes_the_scale(memory):
    order = np.random.default_rng(0).permutation(len(y))
    scale = MemoryClassifier(memory).fit(X, y).scale_
    assert MemoryClassifier(memory).fit(X[order], y[order]).scale_ == pytest.approx(scale, rel=1e-6)
    counts = np.random.default_rng(1).integers(0, 3, len(y))
    memory = clone(memory).set_params(**({"beta": 2.0} if hasattr(memory, "beta") else {"gamma": 0.3, "alpha": 0.1}))
    weighted = MemoryClassifier(memory).fit(X, y, counts)
    repeated = MemoryClassifier(memory).fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
    assert weighted.scale_ == pytest.approx(repeated.scale_, rel=1e-6)


def test_few_rows_witness_and_only_for_a_memory_of_the_others():
    asked = []

    class Recorder(ModernHopfieldMemory):
        def field(self, X):
            asked.append((self.patterns_.copy(), np.asarray(X)))
            return super().field(X)

    rng = np.random.default_rng(0)
    data = rng.standard_normal((4000, 3))
    data[2000:2100] = data[:100]  # copies go together
    MemoryClassifier(Recorder(1.0), fit_intercept=False).fit(data, rng.integers(0, 2, 4000))
    ((stored, cues),) = asked
    assert 300 < len(cues) < 700
    assert not {row.tobytes() for row in cues} & {row.tobytes() for row in stored}


# ----------------------------------------------------------------------------- unknown units, weights, pieces, ties


@pytest.mark.parametrize("memory", [None, HebbianMemory(binarize=None), ModernHopfieldMemory(), KernelMemory()])
def test_unknown_units_are_taken_where_the_memory_takes_them(memory):
    holes = np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the kernel's completion
        classifier = MemoryClassifier(memory).fit(holes, y)
    assert get_tags(classifier).input_tags.allow_nan
    assert np.isfinite(classifier.predict_proba(holes)).all()
    assert classifier.score(holes, y) > 0.7
    extended = np.column_stack([holes, np.ones(len(X))])
    np.testing.assert_allclose(classifier.decision_function(holes), classifier.memory_.field(extended), atol=1e-12)


@every_memory
def test_class_weights_are_weights_of_rows(memory):
    weights = {0: 1.0, 1: 3.0, 2: 0.5}
    given = MemoryClassifier(memory, class_weight=weights).fit(X, y, np.full(150, 2.0))
    rows = MemoryClassifier(memory).fit(X, y, 2.0 * np.asarray([1.0, 3.0, 0.5])[y])
    np.testing.assert_allclose(given.predict_proba(X), rows.predict_proba(X), rtol=1e-12)
    few = np.r_[0:50, 50:60, 100:150]
    balanced = MemoryClassifier(memory, class_weight="balanced").fit(X[few], y[few])
    counts = np.bincount(y[few])
    rows = MemoryClassifier(memory).fit(X[few], y[few], (len(few) / (3 * counts))[y[few]])
    np.testing.assert_allclose(balanced.decision_function(X), rows.decision_function(X), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("memory", [None, HebbianMemory(binarize=None), ModernHopfieldMemory(2.0)])
def test_pieces_give_the_fields_of_the_whole(memory):
    order = np.argsort(y % 3, kind="stable")  # class by class: the first piece knows one class only
    whole = MemoryClassifier(memory).fit(X[order], y[order])
    pieces = MemoryClassifier(memory)
    for start in range(0, 150, 50):
        rows = order[start : start + 50]
        assert pieces.partial_fit(X[rows], y[rows], classes=[0, 1, 2] if start == 0 else None) is pieces
    np.testing.assert_allclose(pieces.decision_function(X), whole.decision_function(X), rtol=1e-6, atol=1e-8)
    assert pieces.scale_ > 0
    before = dict(vars(pieces))
    with pytest.raises(ValueError, match="not in classes"):
        pieces.partial_fit(X[:2], [0, 7])
    with pytest.raises(ValueError, match="features"):
        pieces.partial_fit(X[:2, :2], [0, 1])
    assert vars(pieces) == before


def test_pieces_need_a_memory_that_learns_in_pieces():
    assert not hasattr(MemoryClassifier(KernelMemory()), "partial_fit")
    with pytest.raises(AttributeError) as caught:
        MemoryClassifier(KernelMemory()).partial_fit  # noqa: B018
    assert "partial_fit where its memory has it; found memory=KernelMemory()" in str(caught.value.__cause__)


def test_copies_with_two_labels_are_a_tie_alone_as_among_others():
    rng = np.random.default_rng(0)
    data = rng.standard_normal((30, 7))
    classifier = MemoryClassifier(ModernHopfieldMemory(50.0)).fit(np.vstack([data] * 3), np.repeat([2, 0, 1], 30))
    assert (classifier.predict(data) == 0).all()
    assert [classifier.predict(data[row : row + 1])[0] for row in range(30)] == [0] * 30
    np.testing.assert_allclose(classifier.predict_proba(data), 1 / 3)


@every_memory
def test_logarithms_of_probabilities_are_finite_where_these_are_not_numbers(memory):
    classifier = MemoryClassifier(memory).fit(X, y)
    np.testing.assert_allclose(np.exp(classifier.predict_log_proba(X)), classifier.predict_proba(X), rtol=1e-12)
    with np.errstate(over="raise", invalid="raise"):
        assert np.isfinite(classifier.predict_log_proba(1e6 * X)).all()


def test_the_memory_given_is_cloned():
    memory = HebbianMemory(random_state=3)
    classifier = MemoryClassifier(memory).fit(X, y)
    assert memory.target == "self"
    assert not hasattr(memory, "weights_")
    assert classifier.memory_.random_state == 3
    search = GridSearchCV(MemoryClassifier(PseudoinverseMemory(binarize=None)), {"memory__alpha": [3.0, 4.0]}, cv=3)
    assert search.fit(X, y).best_estimator_.memory_.alpha == search.best_params_["memory__alpha"]


def test_pickle_and_names():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abcd"))
    classifier = MemoryClassifier().fit(frame, pd.Series(y))
    assert classifier.feature_names_in_.tolist() == list("abcd")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(classifier)).predict(frame), classifier.predict(frame))
    skops = pytest.importorskip("skops.io")
    stored = skops.dumps(classifier)
    loaded = skops.loads(stored, trusted=skops.get_untrusted_types(data=stored))
    np.testing.assert_array_equal(loaded.predict_proba(frame), classifier.predict_proba(frame))


# ------------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize("memory", [LogisticRegression(), "hebbian", 3])
def test_what_cannot_associate_is_refused_with_names_of_those_that_can(memory):
    with pytest.raises(
        TypeError, match=r"cannot associate patterns with labels; expected .*HebbianMemory, Pseudoinverse"
    ):
        MemoryClassifier(memory).fit(X, y)


@pytest.mark.parametrize(
    ("features", "labels", "weight", "message"),
    [
        (X, np.ones(150), None, "at least 2 classes, but y has only one class"),
        (X, y, -np.ones(150), "negative"),
        (X, y, np.zeros(150), "all zero"),
        (X, y[:100], None, "inconsistent numbers of samples"),
        (X, X[:, 0] + 0.01, None, "Unknown label type"),
        (np.full_like(X, np.inf), y, None, "infinity"),
        (X, np.eye(3)[y].astype(int), None, "one label|multilabel|1d|one output"),
        (X[:0], y[:0], None, "0 sample"),
        ([["a", "b"]] * 150, y, None, "could not convert string"),
        (X, None, None, "requires y to be passed"),
    ],
)
def test_a_failed_fit_changes_nothing(features, labels, weight, message):
    classifier = MemoryClassifier().fit(X, y)
    before = dict(vars(classifier))
    with pytest.raises(ValueError, match=message):
        classifier.fit(features, labels, weight)
    assert vars(classifier) == before


# ------------------------------------------------------------------------------------------------ parts


@pytest.mark.parametrize("name", ["memory", "fit_intercept"])
def test_the_memory_stays_that_of_the_first_part(name):
    classifier = MemoryClassifier(HebbianMemory(binarize=None)).fit(X, y)
    classifier.set_params(**{name: {"memory": ModernHopfieldMemory(), "fit_intercept": False}[name]})
    with pytest.raises(ValueError, match=f"partial_fit goes on with {name}=.*call fit to start anew"):
        classifier.partial_fit(X, y)
    classifier.set_params(memory=HebbianMemory(binarize=None), fit_intercept=True).partial_fit(X, y)  # an equal one


# ------------------------------------------------------------------------------------------------ what is not known


@pytest.mark.parametrize(
    "memory", [None, HebbianMemory(), ModernHopfieldMemory(), KernelMemory(), HolographicMemory()], ids=repr
)
@pytest.mark.parametrize("in_parts", [False, True])
def test_of_a_row_without_a_known_feature_classes_are_as_likely_as_they_came(memory, in_parts):
    some = y > 0
    rows, labels, blank = X[some][:70], y[some][:70], np.full((2, 4), np.nan)  # 50 of one class, 20 of another
    classifier = MemoryClassifier(memory)
    if not in_parts:
        classifier.fit(rows, labels)
    elif not hasattr(classifier, "partial_fit"):
        pytest.skip("learns at once")
    else:
        classifier.partial_fit(rows[:60], labels[:60], [1, 2]).partial_fit(rows[60:], labels[60:])
    expected = np.asarray([51.0, 21.0]) / 72.0
    mixed = np.concatenate([rows[:3], blank])
    for cues in (blank, scipy.sparse.csr_array(blank)):
        np.testing.assert_allclose(classifier.predict_proba(cues), [expected, expected], rtol=1e-9)
    np.testing.assert_allclose(classifier.predict_proba(mixed)[3:], [expected, expected], rtol=1e-9)
    np.testing.assert_allclose(classifier.predict_proba(mixed)[:3], classifier.predict_proba(rows[:3]), rtol=1e-9)
    assert classifier.predict(blank).tolist() == [1, 1]


def test_features_far_from_one_do_not_hide_the_intercept():
    """Far from the origin nothing but the intercept tells classes apart; whatever the unit, it does."""
    rows = np.random.default_rng(0).standard_normal((40, 2)) + 50.0
    labels = rows[:, 0] > 50.0
    for memory in (None, PseudoinverseMemory(binarize=None, solver="svd")):
        expected = MemoryClassifier(memory).fit(rows, labels)
        for factor in (1e-200, 1e-12, 1e12, 1e200):
            found = MemoryClassifier(memory).fit(factor * rows, labels)
            assert (found.predict(factor * rows) == expected.predict(rows)).all()
            sparse = MemoryClassifier(memory).fit(scipy.sparse.csr_array(factor * rows), labels)
            assert (sparse.predict(factor * rows) == expected.predict(rows)).all()

"""MagnitudePruning: the rounds, what they leave, and that it stands for its estimator."""

import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from skamem import DenseAMClassifier, DenseAMRegressor, LayerwiseClassifier, LayerwiseRegressor, MagnitudePruning

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = (part[:300] for part in load_digits(return_X_y=True))
X = X / 16
DENSE = DenseAMClassifier(20, max_iter=8, random_state=0)
ESTIMATORS = [
    DENSE,
    DenseAMRegressor(20, max_iter=8, random_state=0),
    MLPClassifier((15,), max_iter=8, random_state=0),
    MLPRegressor(hidden_layer_sizes=(15,), max_iter=8, random_state=0),
    LayerwiseClassifier(3, n_units=10, max_epochs=5, early_stopping=False, random_state=0),
    LayerwiseRegressor(3, n_units=10, max_epochs=30, random_state=0),
    LogisticRegression(max_iter=100),
    Ridge(),
]
every_estimator = pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__)


def answers(fitted):
    names = ("predict", "predict_proba", "decision_function")
    return [getattr(fitted, name)(X) for name in names if hasattr(fitted, name)]


@every_estimator
@pytest.mark.parametrize("scope", ["global", "layer"])
def test_sparsity_is_as_asked_to_one_weight_and_what_went_is_0(estimator, scope):
    pruning = MagnitudePruning(estimator, sparsity=0.8, n_rounds=3, scope=scope).fit(X, y)
    n_all, n_left = sum(mask.size for mask in pruning.masks_), sum(mask.sum() for mask in pruning.masks_)
    unit = len(getattr(pruning, "classes_", [1])) if isinstance(estimator, LogisticRegression) else len(pruning.masks_)
    assert abs(n_left - 0.2 * n_all) <= unit  # a weight, one for each layer, or one feature of a linear model
    assert pruning.sparsity_ == pruning.path_.sparsity[-1] == 1 - n_left / n_all
    assert pruning.path_.n_weights[0] == n_all
    assert np.all(np.diff(pruning.path_.n_weights) < 0)
    for name, mask in zip(pruning.mask_names_, pruning.masks_, strict=True):
        weights = eval(f"fitted.{name}", {"fitted": pruning.estimator_})  # the names are what they say
        assert weights.shape == mask.shape
        assert np.all(weights[~mask] == 0)


@every_estimator
def test_masks_are_nested_and_the_rounds_tell_them(estimator):
    pruning = MagnitudePruning(estimator, sparsity=0.8, n_rounds=4).fit(X, y)
    for went, mask in zip(pruning.pruned_in_, pruning.masks_, strict=True):
        assert_array_equal(went == 0, mask)
        assert went.max() <= 4
    for number, n_weights in enumerate(pruning.path_.n_weights):
        assert sum(np.sum((went == 0) | (went > number)) for went in pruning.pruned_in_) == n_weights


@every_estimator
def test_a_sparsity_of_0_is_the_plain_fit(estimator):
    pruning = MagnitudePruning(estimator, sparsity=0.0, random_state=3).fit(X, y)
    for one, other in zip(answers(pruning), answers(clone(estimator).fit(X, y)), strict=True):
        assert_array_equal(one, other)
    assert pruning.sparsity_ == 0
    assert all(mask.all() for mask in pruning.masks_)
    assert pruning.path_.score.shape == (1,)


@every_estimator
def test_one_seed_gives_one_result(estimator):
    free = clone(estimator).set_params(random_state=None)
    first, second, other = (
        MagnitudePruning(free, sparsity=0.5, n_rounds=1, random_state=seed).fit(X, y) for seed in (0, 0, 1)
    )
    for one, again in zip(answers(first), answers(second), strict=True):
        assert_array_equal(one, again)
    if not isinstance(estimator, LogisticRegression | Ridge):  # these draw nothing
        assert np.any(answers(first)[-1] != answers(other)[-1])


def test_it_stands_for_its_estimator():
    assert is_classifier(MagnitudePruning())
    assert is_classifier(MagnitudePruning(MLPClassifier()))
    assert is_regressor(MagnitudePruning(Ridge()))
    assert hasattr(MagnitudePruning(DENSE), "predict_proba")
    assert not hasattr(MagnitudePruning(Ridge()), "predict_proba")
    assert not hasattr(MagnitudePruning(SVC()), "predict_proba") or hasattr(SVC(), "predict_proba")
    fitted = MagnitudePruning(Ridge(), sparsity=0.5).fit(X, y)
    assert not hasattr(fitted, "classes_")
    assert not hasattr(fitted, "decision_function")
    words = np.asarray(list("abcdefghij"))[y]
    pruning = MagnitudePruning(DENSE, sparsity=0.5, n_rounds=1).fit(X, words)
    assert pruning.classes_.tolist() == list("abcdefghij")
    assert set(pruning.predict(X)) <= set("abcdefghij")
    assert pruning.score(X, words) == np.mean(pruning.predict(X) == words) == pruning.path_.score[-1]


def test_names_of_features_are_those_of_the_table():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X).add_prefix("pixel")
    pruning = MagnitudePruning(DENSE, sparsity=0.5, n_rounds=1).fit(frame, y)
    assert pruning.feature_names_in_.tolist() == frame.columns.tolist()
    assert_array_equal(pruning.predict(frame), pruning.predict(frame))
    with pytest.raises(ValueError, match="feature names"):
        pruning.predict(frame.iloc[:, ::-1])


def test_searches_reach_sparsity_and_the_estimator_inside():
    pipeline = make_pipeline(StandardScaler(), MagnitudePruning(DENSE, n_rounds=1))
    grid = {"magnitudepruning__sparsity": [0.3, 0.9], "magnitudepruning__estimator__n_memories": [1, 20]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, y)
    best, found = search.best_estimator_[-1], search.best_params_
    assert best.estimator_.memories_.shape == (found["magnitudepruning__estimator__n_memories"], 64)
    assert abs(best.sparsity_ - found["magnitudepruning__sparsity"]) < 0.01


def test_the_path_is_scored_on_rows_left_out():
    cv = KFold(3)
    pruning = MagnitudePruning(DENSE, sparsity=0.8, n_rounds=2, cv=cv, scoring="neg_log_loss").fit(X, y)
    path = pruning.path_
    assert path.test_scores.shape == (3, 3)
    assert_allclose(path.score, path.test_scores.mean(axis=1))
    for column, (train, test) in zip(path.test_scores.T, cv.split(X), strict=True):
        alone = MagnitudePruning(DENSE, sparsity=0.8, n_rounds=2, scoring="neg_log_loss").fit(X[train], y[train])
        probabilities = alone.predict_proba(X[test])
        found = np.log(probabilities[np.arange(len(test)), y[test]]).mean()
        assert_allclose(column[-1], found, rtol=1e-6)
    plain = MagnitudePruning(DENSE, sparsity=0.8, n_rounds=2).fit(X, y)
    assert_array_equal(plain.predict_proba(X), pruning.predict_proba(X))
    assert "test_scores" not in plain.path_


def test_weights_of_rows_go_to_the_estimator_where_it_takes_them():
    weights = np.random.default_rng(0).integers(0, 3, len(X))
    one = MagnitudePruning(DENSE, sparsity=0.8, n_rounds=2).fit(X, y, sample_weight=weights)
    other = MagnitudePruning(DENSE, sparsity=0.8, n_rounds=2).fit(np.repeat(X, weights, 0), np.repeat(y, weights))
    assert_allclose(one.predict_proba(X), other.predict_proba(X), atol=1e-9)
    with pytest.raises(ValueError, match="KNeighborsClassifier does not take it"):
        MagnitudePruning(KNeighborsClassifier()).fit(X, y, sample_weight=weights)


def test_locality_is_that_of_the_first_layer():
    pruning = MagnitudePruning(DENSE, sparsity=0.8, n_rounds=1, image_shape=(8, 8), random_state=0).fit(X, y)
    assert pruning.locality_.n_units == np.sum(pruning.masks_[0].sum(axis=1) > 1)
    assert 0 < pruning.locality_.mean_distance < 10
    assert not hasattr(MagnitudePruning(DENSE, sparsity=0.8, n_rounds=1).fit(X, y), "locality_")
    with pytest.raises(ValueError, match=r"image_shape=\(28, 28\) has 784 pixels, but X has 64"):
        MagnitudePruning(DENSE, image_shape=(28, 28)).fit(X, y)


def test_a_late_start_is_another_network_and_too_late_a_one_is_refused():
    early, late = (MagnitudePruning(DENSE, sparsity=0.8, n_rounds=1, rewind_to=at).fit(X, y) for at in ("initial", 4))
    assert np.any(early.estimator_.memories_ != late.estimator_.memories_)
    share = MagnitudePruning(DENSE, sparsity=0.8, n_rounds=1, rewind_to=0.5).fit(X, y)
    assert_array_equal(share.estimator_.memories_, late.estimator_.memories_)
    before = dict(vars(late))
    with pytest.raises(ValueError, match="rewind_to=8 is after the training"):
        late.set_params(rewind_to=8).fit(X, y)
    assert vars(late) == before | {"rewind_to": 8}


def test_each_round_goes_on_from_the_last_unless_weights_are_set_back():
    network = DenseAMClassifier(60, max_iter=8, random_state=0)
    first, going_on = (
        MagnitudePruning(network, sparsity=0.97, n_rounds=6, rewind_to=at, scoring="neg_log_loss").fit(X, y).path_
        for at in ("initial", None)
    )
    assert first.score[0] == going_on.score[0]
    assert going_on.score[-1] > first.score[-1]  # -0.91 and -1.31, with this seed


def test_no_weights_are_no_error():
    line = np.linspace(0, 1, 40)[:, None]
    network = LayerwiseRegressor(2, random_state=0)
    with pytest.warns(UserWarning, match="no weights to prune"):
        pruning = MagnitudePruning(network, image_shape=(1, 1)).fit(line, line[:, 0])
    assert_array_equal(pruning.predict(line), clone(network).fit(line, line[:, 0]).predict(line))
    assert (pruning.masks_, pruning.sparsity_) == ([], 0.0)


def test_it_travels():
    pruning = MagnitudePruning(DENSE, sparsity=0.8, n_rounds=1, image_shape=(8, 8)).fit(X, y)
    again = pickle.loads(pickle.dumps(pruning))
    assert_array_equal(again.predict_proba(X), pruning.predict_proba(X))
    assert again.path_.n_weights.tolist() == pruning.path_.n_weights.tolist()
    assert again.locality_.z == pruning.locality_.z


def test_a_round_that_takes_nothing_trains_nothing():
    class Counted(Ridge):
        fits = 0

        def fit(self, X, y, sample_weight=None):
            Counted.fits += 1
            return super().fit(X, y, sample_weight)

    with pytest.warns(UserWarning, match=r"sparsity=0.9 cannot be reached: .* 0.5 was reached"):
        pruning = MagnitudePruning(Counted(), sparsity=0.9).fit(X[:, 20:22], y)
    assert pruning.path_.n_weights.tolist() == [2, 2, *[1] * 10]
    assert Counted.fits == 2


class Untrained(BaseEstimator):
    """What must not be trained."""

    def fit(self, X, y=None):
        raise AssertionError("trained before it was refused")


class UntrainedForest(RandomForestClassifier):
    fit = Untrained.fit


@pytest.mark.parametrize(
    "estimator",
    [
        StandardScaler(),
        Untrained(),
        make_pipeline(Untrained(), Ridge()),
        make_pipeline(StandardScaler(), make_pipeline(Untrained(), MLPClassifier())),
        GridSearchCV(make_pipeline(Untrained(), Ridge()), {}),
        VotingClassifier([("one", UntrainedForest())]),
        KNeighborsClassifier(),
        SVC(),
    ],
    ids=["scaler", "no predictor", "pipeline", "nested", "search", "vote", "neighbours", "kernel"],
)
@pytest.mark.parametrize("cv", [None, 2])
def test_what_has_no_weights_is_refused_before_it_is_trained(estimator, cv):
    pruning = MagnitudePruning(estimator, cv=cv, scoring="accuracy" if cv else None)
    name = type(estimator).__name__
    with pytest.raises(
        TypeError, match=rf"estimator is an? {name}, which has no weights .* expected DenseAM"
    ) as refused:
        pruning.fit(X, y)
    assert "random_state" not in str(refused.value)


def test_models_with_coefficients_are_not_refused():
    for estimator in (SVC(kernel="linear"), LinearSVC(), SGDClassifier(), LogisticRegression(max_iter=50)):
        assert MagnitudePruning(estimator, sparsity=0.5, n_rounds=1).fit(X, y).sparsity_ == pytest.approx(0.5, abs=0.02)


def test_folds_may_find_other_stages():
    network = LayerwiseRegressor(3, n_units=5, max_epochs=5, random_state=0)
    rows, values = X[:120], np.where(np.arange(120) < 40, y[:120], X[:120] @ np.ones(64))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # where a fold keeps no stage of units
        pruning = MagnitudePruning(network, sparsity=0.5, n_rounds=3, cv=KFold(3)).fit(rows, values)
    assert pruning.path_.test_scores.shape == (4, 3)

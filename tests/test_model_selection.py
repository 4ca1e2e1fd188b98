"""Selecting a memory by what it is for."""

import pickle

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer, FunctionTransformer

from skamem import HebbianMemory, PseudoinverseMemory
from skamem.datasets import corrupt, make_patterns
from skamem.datasets._patterns import CORRUPTIONS
from skamem.metrics import exact_recall_score, overlap_score, unit_accuracy
from skamem.model_selection import StoredPatternsSplit, make_denoising_scorer

pytestmark = pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")
METRICS = {"exact": exact_recall_score, "overlap": overlap_score, "units": unit_accuracy}


@pytest.fixture
def patterns():
    return make_patterns(12, 100, random_state=0)


# ------------------------------------------------------------------------------------------------ the splitter


@pytest.mark.parametrize("n_repeats", [1, 3])
def test_train_and_test_are_everything(n_repeats, patterns):
    splitter = StoredPatternsSplit(n_repeats)
    splits = list(splitter.split(patterns))
    assert len(splits) == splitter.get_n_splits() == splitter.get_n_splits(patterns) == n_repeats
    for train, test in splits:
        np.testing.assert_array_equal(train, np.arange(12))
        np.testing.assert_array_equal(test, np.arange(12))


def test_bad_repeats_are_refused():
    with pytest.raises(ValueError, match="1 <= n_repeats"):
        StoredPatternsSplit(0).get_n_splits()


# -------------------------------------------------------------------------------------------------- the scorer


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_the_score_is_the_metric_of_recall_from_corrupted_cues(metric, kind, patterns):
    memory = HebbianMemory(zero_diagonal=True).fit(patterns)
    scorer = make_denoising_scorer(kind, 0.3, metric=metric, random_state=3)
    recalled = memory.predict(corrupt(patterns, kind, 0.3, random_state=3))
    assert scorer(memory, patterns) == METRICS[metric](patterns, recalled)
    assert scorer(memory, patterns) == scorer(memory, patterns)  # an int: the same cues for every candidate


def test_repeats_are_averaged(patterns):
    memory = HebbianMemory(n_recall_steps=1).fit(patterns)
    rng = np.random.RandomState(0)
    once = [make_denoising_scorer("flip", 0.4, metric="units", random_state=rng)(memory, patterns) for _ in range(5)]
    assert len(set(once)) > 1
    many = make_denoising_scorer("flip", 0.4, metric="units", n_repeats=5, random_state=0)(memory, patterns)
    assert many == pytest.approx(np.mean(once))


def test_a_metric_and_a_corruption_may_be_callables(patterns):
    def most_wrong(truth, recalled):
        return -float(np.max(np.count_nonzero(truth != recalled, axis=1)))

    scorer = make_denoising_scorer(lambda X, rate, rng: -X, metric=most_wrong)
    assert scorer(HebbianMemory().fit(patterns), patterns) == -100.0


@pytest.mark.parametrize("coding", ["bipolar", "binary"])
@pytest.mark.parametrize("stored", ["bipolar", "binary", "real"])
def test_perfect_recall_scores_1_in_every_coding(stored, coding):
    patterns = make_patterns(4, 100, coding="binary" if stored == "binary" else "bipolar", random_state=0)
    if stored == "real":
        patterns = patterns * np.random.default_rng(0).uniform(0.5, 2.0, patterns.shape)
    memory = HebbianMemory(coding=coding).fit(patterns)
    assert make_denoising_scorer("flip", 0.1)(memory, patterns) == 1.0


def test_pairs_are_scored_by_their_targets():
    X, Y = make_patterns(4, 100, random_state=0), make_patterns(4, 7, coding="binary", random_state=1)
    memory, scorer = HebbianMemory("y").fit(X, Y), make_denoising_scorer("flip", 0.1)
    assert scorer(memory, X, Y) == 1.0
    assert scorer(memory, X, 1.0 - Y) == 0.0


def test_labels_are_ignored_by_autoassociation(patterns):
    memory, scorer = HebbianMemory().fit(patterns), make_denoising_scorer("flip", 0.2)
    assert scorer(memory, patterns, np.arange(12)) == scorer(memory, patterns)


def test_a_pipeline_that_ends_in_a_memory_can_be_scored(patterns):
    scorer, plain = make_denoising_scorer("flip", 0.1, metric="units"), HebbianMemory().fit(patterns)
    shifted = make_pipeline(FunctionTransformer(np.negative), HebbianMemory()).fit(patterns)
    assert scorer(shifted, patterns) == scorer(plain, patterns)
    coded = make_pipeline(Binarizer(), HebbianMemory()).fit(patterns)
    assert scorer(coded, patterns) == scorer(plain, patterns)


def test_sparse_patterns_can_be_scored(patterns):
    from scipy.sparse import csr_array

    scorer = make_denoising_scorer("flip", 0.2, metric="units")
    binary = (patterns + 1.0) / 2.0
    memory = HebbianMemory().fit(binary)
    assert scorer(memory, csr_array(binary)) == scorer(memory, binary)


def test_scorers_travel_to_workers(patterns):
    scorer = make_denoising_scorer("mask", 0.3, metric="overlap", n_repeats=2, random_state=1)
    memory = HebbianMemory().fit(patterns)
    assert pickle.loads(pickle.dumps(scorer))(memory, patterns) == scorer(memory, patterns)
    assert repr(scorer) == "make_denoising_scorer('mask', 0.3, metric='overlap', n_repeats=2, random_state=1)"
    assert eval(repr(scorer))(memory, patterns) == scorer(memory, patterns)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"corruption": "smudge"}, "corruption='smudge' is not an option"),
        ({"metric": "beauty"}, "expected one of 'exact', 'overlap', 'units'"),
        ({"rate": 1.5}, "0.0 <= rate <= 1.0"),
        ({"n_repeats": 0}, "1 <= n_repeats"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        make_denoising_scorer(**options)


# ------------------------------------------------------------------------------------------------- the question


def best(scoring, cv, patterns):
    # The diagonal holds units where they are: a copy of the cue at load .5, where without it cues are repaired.
    search = GridSearchCV(PseudoinverseMemory(), {"zero_diagonal": [True, False]}, scoring=scoring, cv=cv)
    return search.fit(patterns).best_params_["zero_diagonal"]


def test_the_plain_score_picks_the_worse_memory_and_the_denoising_score_the_better():
    patterns = make_patterns(60, 120, random_state=0)
    cues = corrupt(patterns, "flip", 0.05, random_state=7)
    recalls = {
        zero_diagonal: exact_recall_score(
            patterns, PseudoinverseMemory(zero_diagonal=zero_diagonal).fit(patterns).predict(cues)
        )
        for zero_diagonal in (True, False)
    }
    assert recalls[True] > recalls[False] + 0.5  # what "better" means
    assert best(None, 5, patterns) is False
    assert best(make_denoising_scorer("flip", 0.05), StoredPatternsSplit(), patterns) is True


def test_cross_validation_of_stored_patterns(patterns):
    scores = cross_val_score(
        HebbianMemory(zero_diagonal=True),
        patterns,
        scoring=make_denoising_scorer("flip", 0.3, random_state=np.random.RandomState(0), metric="units"),
        cv=StoredPatternsSplit(4),
    )
    assert len(set(scores)) > 1  # other cues in each split


def test_a_search_reaches_into_a_pipeline_with_labels():
    prototypes = make_patterns(3, 60, random_state=0)
    labels = np.repeat([0, 1, 2], 10)
    X = corrupt(prototypes[labels], "flip", 0.1, random_state=0)
    pipeline = make_pipeline(HebbianMemory(), LogisticRegression())
    search = GridSearchCV(pipeline, {"hebbianmemory__zero_diagonal": [True, False]}, cv=3).fit(X, labels)
    assert search.best_score_ > 0.9


def test_a_grid_may_be_made_of_arrays():
    grid = {"update": np.array(["sync", "async"]), "zero_diagonal": np.array([True, False])}
    search = GridSearchCV(
        HebbianMemory(), grid, scoring=make_denoising_scorer(), cv=StoredPatternsSplit(), error_score="raise"
    ).fit(make_patterns(4, 60, random_state=0))
    assert len(search.cv_results_["params"]) == 4

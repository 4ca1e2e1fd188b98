"""AssemblyMemory: what the theory promises, shown together; the conventions of the package; bad input."""

import pickle

import numpy as np
import pytest
import scipy.sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skamem import AssemblyMemory
from skamem.exceptions import CapacityWarning
from skamem.model_selection import StoredPatternsSplit

N_INPUTS = 200


def stimuli(n=8, n_active=30, seed=0):
    rng = np.random.default_rng(seed)
    X = np.zeros((n, N_INPUTS))
    for row in X:
        row[rng.choice(N_INPUTS, n_active, replace=False)] = 1.0
    return X


@pytest.fixture(scope="module")
def memory():
    return AssemblyMemory(4000, random_state=0).fit(stimuli())


def overlaps(A, B):
    return A @ B.T / np.maximum(1, A.sum(axis=1))[:, None]


# ------------------------------------------------------------------------------------------------- what is promised


def test_assemblies_form_stay_apart_and_complete_themselves(memory):
    # One setting for all; of 20 graphs none came near a bound.
    A = memory.transform(stimuli())
    assert memory.n_rounds_.max() <= 15
    np.testing.assert_array_equal(A, memory.assemblies_.toarray())
    assert memory.n_active_ == 63
    assert np.all(A.sum(axis=1) == 63)
    between = overlaps(A, A)[~np.eye(8, dtype=bool)]
    assert between.mean() < 0.06  # chance: 0.016; inputs of two stimuli overlap by 0.15
    half = A * (np.cumsum(A, axis=1) % 2 == 1)
    completed = np.sum(memory.complete(half) * A, axis=1) / 63
    assert completed.mean() >= 0.95


def test_similar_stimuli_lead_to_overlapping_assemblies(memory):
    X = stimuli()
    near = X.copy()
    for row in near:
        on = np.flatnonzero(row)
        row[on[:5]], row[np.flatnonzero(row == 0)[:5]] = 0.0, 1.0
    A, B = memory.transform(X), memory.transform(near)
    assert np.diag(overlaps(A, B)).min() > 0.8
    # Without learning too: overlap grows with similarity.
    fresh = AssemblyMemory(4000, beta=0.0, random_state=1).fit(X)
    unlearnt = np.diag(overlaps(fresh.transform(X), fresh.transform(near))).mean()
    assert 0.15 < unlearnt < 1.0  # chance: 0.016


def test_without_bounds_on_weights_the_first_assemblies_take_all():
    settings = {"n_neurons": 1000, "n_rounds": 40, "random_state": 0}
    bounded = AssemblyMemory(**settings).fit(stimuli())
    free = AssemblyMemory(max_weight=None, homeostasis=False, **settings).fit(stimuli())
    assert overlaps(*[free.assemblies_.toarray()] * 2).mean() > 0.8
    assert overlaps(*[bounded.assemblies_.toarray()] * 2).mean() < 0.3  # 1/8 with themselves
    assert bounded.score(stimuli()) > free.score(stimuli()) + 0.5


def test_without_plasticity_weights_stay_and_stimuli_recall_what_the_graph_says():
    memory = AssemblyMemory(300, beta=0.0, random_state=0).fit(stimuli())
    assert np.all(memory.recurrent_weights_.data == 1.0)
    assert np.all(memory.input_weights_.data == 1.0)
    np.testing.assert_array_equal(memory.assemblies_.toarray(), memory.transform(stimuli()))


def test_weights_stand_on_edges_only_and_within_bounds(memory):
    fresh = clone(memory).set_params(beta=0.0).fit(stimuli())
    for name in ("input_weights_", "recurrent_weights_"):
        learnt, drawn = getattr(memory, name), getattr(fresh, name)
        np.testing.assert_array_equal(learnt.indices, drawn.indices)
        assert learnt.data.min() == 1.0
        assert 1.0 < learnt.data.max() <= 2.0
    assert memory.recurrent_weights_.diagonal().max() == 0.0
    np.testing.assert_allclose(memory.recurrent_weights_.astype(float).sum(axis=0), memory.weight_sums_)


def test_a_stimulus_counts_the_same_however_many_inputs_it_has():
    X = np.zeros((3, N_INPUTS))
    X[0, :3], X[1, 3:40], X[2, 100:] = 1.0, 1.0, 1.0
    memory = AssemblyMemory(random_state=0).fit(X)
    A = memory.transform(X)
    np.testing.assert_array_equal(A, memory.assemblies_.toarray())
    assert overlaps(A, A)[~np.eye(3, dtype=bool)].max() < 0.2


def test_graded_stimuli_have_no_scale():
    X = stimuli() * np.random.default_rng(0).random((8, N_INPUTS))
    memory = AssemblyMemory(300, binarize=None, random_state=0).fit(X)
    np.testing.assert_array_equal(memory.transform(X), memory.transform(X * 1e-5 * np.arange(1, 9)[:, None]))
    np.testing.assert_array_equal(
        AssemblyMemory(300, binarize=None, random_state=0).fit(stimuli()).transform(stimuli()),
        AssemblyMemory(300, random_state=0).fit(stimuli()).transform(stimuli()),
    )


# ------------------------------------------------------------------------------------------------------ conventions


def test_in_pieces_is_at_once():
    X = stimuli()
    whole = AssemblyMemory(300, random_state=0).fit(X)
    pieces = AssemblyMemory(300, random_state=0).partial_fit(X[:3])
    weights = pieces.recurrent_weights_
    before = weights.data.copy()
    pieces.partial_fit(X[3:4]).partial_fit(X[4:])
    np.testing.assert_array_equal(weights.data, before)  # what was handed out does not change
    for name in ("assemblies_", "recurrent_weights_", "input_weights_"):
        np.testing.assert_array_equal(getattr(whole, name).toarray(), getattr(pieces, name).toarray())
    np.testing.assert_array_equal(whole.n_rounds_, pieces.n_rounds_)


def test_a_seed_says_all_and_another_gives_another_graph():
    first, again, other = (AssemblyMemory(300, random_state=seed).fit(stimuli()) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.transform(stimuli()), again.transform(stimuli()))
    assert not np.array_equal(first.transform(stimuli()), other.transform(stimuli()))


@pytest.mark.parametrize("working_memory", [1e-3, 1.0])
def test_blocks_change_nothing(memory, working_memory):
    X = stimuli(20, seed=3)
    expected, score = memory.transform(X), memory.score(X)
    with config_context(working_memory=working_memory):
        np.testing.assert_array_equal(memory.transform(X), expected)
        assert memory.score(X) == score
        fitted = AssemblyMemory(300, random_state=0).fit(X)
    np.testing.assert_array_equal(fitted.transform(X), AssemblyMemory(300, random_state=0).fit(X).transform(X))


def test_csr_stimuli_give_csr_assemblies(memory):
    X = stimuli()
    sparse = memory.transform(scipy.sparse.csr_matrix(X, dtype=np.float32))
    assert scipy.sparse.issparse(sparse)
    assert sparse.dtype == np.float32
    np.testing.assert_array_equal(sparse.toarray(), memory.transform(X))
    np.testing.assert_array_equal(memory.complete(sparse).toarray(), memory.complete(sparse.toarray()))
    assert memory.score(scipy.sparse.csr_array(X)) == memory.score(X)
    again = clone(memory).fit(scipy.sparse.csr_array(X))
    np.testing.assert_array_equal(again.assemblies_.toarray(), memory.assemblies_.toarray())
    with pytest.raises(TypeError, match="Use transform"):
        memory.predict(scipy.sparse.csr_array(X))


def test_unknown_inputs_and_neurons_are_silent(memory):
    X = stimuli()
    holes = np.where(np.random.default_rng(0).random(X.shape) < 0.3, np.nan, X)
    np.testing.assert_array_equal(memory.transform(holes), memory.transform(np.nan_to_num(holes)))
    A = memory.transform(X)
    gaps = np.where(np.random.default_rng(0).random(A.shape) < 0.3, np.nan, A)
    np.testing.assert_array_equal(memory.complete(gaps), memory.complete(np.nan_to_num(gaps)))
    assert np.mean(np.sum(memory.complete(gaps) * A, axis=1) / 63) > 0.95


def test_a_pickle_answers_alike(memory):
    twin = pickle.loads(pickle.dumps(memory))
    np.testing.assert_array_equal(twin.transform(stimuli()), memory.transform(stimuli()))
    np.testing.assert_array_equal(twin.fit(stimuli()).transform(stimuli()), memory.transform(stimuli()))


def test_names_of_neurons(memory):
    assert memory.get_feature_names_out()[:2].tolist() == ["assemblymemory0", "assemblymemory1"]


# --------------------------------------------------------------------------------------------------------- choosing


def test_the_score_is_the_margin_of_completion():
    X = stimuli()
    memory = AssemblyMemory(500, random_state=0).fit(X)
    A = memory.transform(X)
    half = np.where(A * (np.cumsum(A, axis=1) % 2 == 1), A, 0)
    shared = overlaps(A, memory.complete(half)).T
    others = np.where(np.eye(8, dtype=bool), 0, shared).max(axis=1)
    assert memory.score(X) == pytest.approx(np.mean(np.diag(shared) - others))
    assert memory.score(X[:1]) == pytest.approx(shared[0, 0])
    assert memory.score(np.tile(X[:1], (3, 1))) == pytest.approx(shared[0, 0])  # equal stimuli are no rivals
    assert memory.score(np.zeros((2, N_INPUTS))) == 0.0


def test_a_search_finds_settings_that_remember():
    search = GridSearchCV(
        AssemblyMemory(500, random_state=0),
        {"beta": [0.0, 0.1], "max_weight": [1.2, 2.0, None]},
        cv=StoredPatternsSplit(),
    ).fit(stimuli())
    assert search.best_params_ == {"beta": 0.1, "max_weight": 2.0}


def test_assemblies_are_features():
    X = np.concatenate([stimuli(2)] * 20)
    noisy = np.where(np.random.default_rng(0).random(X.shape) < 0.05, 1.0 - X, X)
    pipeline = make_pipeline(AssemblyMemory(300, random_state=0), LogisticRegression()).fit(noisy, np.arange(40) % 2)
    assert pipeline.score(noisy, np.arange(40) % 2) == 1.0


# -------------------------------------------------------------------------------------------------------- odd input


def test_one_of_one():
    memory = AssemblyMemory(1).fit([[1.0]])
    np.testing.assert_array_equal(
        memory.transform([[1.0], [0.0]]), [[0.0], [0.0]] if memory.p_ == 0 else memory.transform([[1.0], [0.0]])
    )
    assert AssemblyMemory(1, p=1.0).fit([[1.0]]).transform([[1.0], [0.0]]).tolist() == [[1.0], [0.0]]


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_no_synapses_and_all_synapses(p):
    memory = AssemblyMemory(50, p=p, random_state=0).fit(stimuli())
    assert np.all(memory.transform(stimuli()).sum(axis=1) == (7 if p else 0))
    assert np.all(memory.complete(np.zeros((2, 50))) == 0)
    assert memory.recurrent_weights_.nnz == p * 50 * 49


def test_a_stimulus_without_active_inputs_has_no_assembly():
    X = stimuli()
    X[2] = 0.0
    memory = AssemblyMemory(100, random_state=0).fit(X)
    assert memory.assemblies_.sum(axis=1).tolist() == [10.0, 10.0, 0.0, *[10.0] * 5]
    assert np.isfinite(memory.score(X))


def test_stimuli_that_are_all_alike_are_warned_of():
    with pytest.warns(CapacityWarning, match="All 5 stimuli have the same active inputs"):
        AssemblyMemory(50).fit(np.random.default_rng(0).random((5, 4)))


@pytest.mark.parametrize(
    ("settings", "X", "error", "message"),
    [
        ({"n_active": 51}, stimuli(), ValueError, "n_active=51 neurons cannot fire in an area of n_neurons=50"),
        ({"p": 1.5}, stimuli(), ValueError, "p=1.5 is out of range"),
        ({"beta": -0.1}, stimuli(), ValueError, "beta=-0.1 is out of range"),
        ({"max_weight": 0.5}, stimuli(), ValueError, "max_weight=0.5 is out of range"),
        ({"n_neurons": 0}, stimuli(), ValueError, "n_neurons=0 is out of range"),
        ({"binarize": None}, -stimuli(), ValueError, "Negative values in data passed to AssemblyMemory"),
        ({}, np.full((2, 3), np.inf), ValueError, "infinity"),
        ({}, np.empty((0, 3)), ValueError, "0 sample"),
    ],
)
def test_bad_input_is_refused_and_changes_nothing(settings, X, error, message):
    memory = AssemblyMemory(50, random_state=0).fit(stimuli())
    memory.set_params(**settings)
    before = dict(vars(memory))
    for method in (memory.fit, memory.partial_fit):
        with pytest.raises(error, match=message if method == memory.fit else None):
            method(X)
        assert vars(memory).keys() == before.keys()
        assert all(vars(memory)[name] is value for name, value in before.items())


def test_the_area_stays_as_it_was_drawn():
    memory = AssemblyMemory(100, random_state=0).fit(stimuli())
    expected = memory.transform(stimuli())
    memory.set_params(n_neurons=50, n_active=3, p=1.0)
    np.testing.assert_array_equal(memory.transform(stimuli()), expected)
    np.testing.assert_array_equal(memory.complete(expected).shape, (8, 100))
    assert len(memory.get_feature_names_out()) == 100
    with pytest.raises(
        ValueError, match="partial_fit goes on with n_neurons=100, n_active='auto', p='auto', but found"
    ):
        memory.partial_fit(stimuli(2, seed=1))
    memory.set_params(n_neurons=100, n_active="auto", p="auto").partial_fit(stimuli(2, seed=1))
    assert memory.assemblies_.shape == (10, 100)
    with pytest.raises(ValueError, match="parts has 50 columns; expected 100"):
        memory.complete(np.ones((1, 50)))


def test_parts_of_another_width_are_refused(memory):
    with pytest.raises(ValueError, match="parts has 5 columns; expected 4000, one for each neuron"):
        memory.complete(np.ones((2, 5)))

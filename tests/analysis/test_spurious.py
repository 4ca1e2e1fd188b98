"""Fixed points of a memory are those that enumeration finds, and are what they are said to be."""

import itertools
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_frame_equal
from scipy.linalg import hadamard
from sklearn.pipeline import make_pipeline

from skamem import (
    BidirectionalMemory,
    BipolarEncoder,
    DenseMemory,
    HebbianMemory,
    HopfieldNetwork,
    MemoryClassifier,
    PseudoinverseMemory,
)
from skamem.analysis import _spurious, spurious_states
from skamem.datasets import make_patterns

pytestmark = pytest.mark.filterwarnings("ignore::skamem.exceptions.CapacityWarning")
N = 8
STATES = np.asarray(list(itertools.product([-1.0, 1.0], repeat=N)))


class Linear:
    """A foreign memory: one step of a weight matrix, and nothing but predict; ties turn on."""

    def __init__(self, weights):
        self.weights = weights

    def predict(self, X):
        return np.where(X @ self.weights >= 0, 1.0, -1.0)


class Identity:
    """Keeps everything, scaled."""

    def __init__(self, scale=1.0):
        self.scale = scale

    def predict(self, X):
        return self.scale * X


def as_set(states):
    return {tuple(row) for row in np.asarray(states).tolist()}


def hebb(X, zero_diagonal):
    weights = X.T @ X
    return weights - np.diag(np.diag(weights)) if zero_diagonal else weights


def stable_under(weights, bias=0.0):
    """States in which no unit is pushed away from where it is."""
    return STATES[np.all(STATES * (STATES @ weights + bias) >= -1e-9, axis=1)]


def lowest(energy):
    """States from which no single flip goes down."""
    flipped = STATES[:, None, :] * (1 - 2 * np.eye(N))
    gap = energy(flipped.reshape(-1, N)).reshape(-1, N) - energy(STATES)[:, None]
    return STATES[np.all(gap >= -1e-9, axis=1)]


@pytest.fixture(params=[2, 3, 5])
def X(request):
    return make_patterns(request.param, N, random_state=request.param)


@pytest.mark.parametrize("zero_diagonal", [False, True])
@pytest.mark.parametrize("update", ["sync", "async"])
def test_hebbian_memories_hold_what_enumeration_finds(X, zero_diagonal, update):
    memory = HebbianMemory(zero_diagonal=zero_diagonal, update=update, random_state=0).fit(X)
    found = spurious_states(memory, X)
    assert found.exhaustive
    assert found.n_probes == 2**N
    assert as_set(found.states) == as_set(stable_under(hebb(X, zero_diagonal)))
    assert len(as_set(found.states)) == len(found.states)


@pytest.mark.parametrize("rule", ["hebbian", "storkey", "pseudoinverse", "perceptron"])
def test_hopfield_networks_hold_what_enumeration_finds(X, rule):
    network = HopfieldNetwork(rule, fit_intercept=rule == "perceptron", random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the perceptron may not converge
        network.fit(X)
    assert as_set(spurious_states(network, X).states) == as_set(stable_under(network.weights_, network.bias_))


def test_other_memories_hold_what_enumeration_finds(X):
    weights = np.linalg.pinv(X) @ X
    memory = PseudoinverseMemory().fit(X)
    assert as_set(spurious_states(memory, X).states) == as_set(stable_under(weights - np.diag(np.diag(weights))))
    memory = DenseMemory(degree=3, random_state=0).fit(X)
    assert as_set(spurious_states(memory, X).states) == as_set(lowest(lambda s: -np.sum((s @ X.T) ** 3, axis=1)))
    memory = Linear(X.T @ X)
    assert as_set(spurious_states(memory, X).states) == as_set(STATES[np.all(memory.predict(STATES) == STATES, axis=1)])


def test_binary_patterns_have_the_same_fixed_points(X):
    binary = (X + 1) / 2
    bipolar = spurious_states(HebbianMemory().fit(X), X)
    for memory in (
        HebbianMemory(),
        HebbianMemory(coding="bipolar"),
        make_pipeline(BipolarEncoder("threshold"), HebbianMemory()),
    ):
        found = spurious_states(memory.fit(binary), binary)
        assert as_set(found.states) == as_set((bipolar.states + 1) / 2)
        assert found.counts == bipolar.counts


def test_complements_are_as_stable_and_as_wide():
    X = make_patterns(4, 10, random_state=3)
    found = spurious_states(HebbianMemory(zero_diagonal=True).fit(X), X)
    shares = dict(zip(map(tuple, found.states.tolist()), found.shares, strict=True))
    assert {tuple(-np.asarray(state)): share for state, share in shares.items()} == shares
    assert found.counts["stored"] == found.counts["complement"] > 0


def test_three_orthogonal_patterns_bring_their_eight_mixtures():
    X = hadamard(8)[[1, 2, 4]].astype(float)
    found = spurious_states(HopfieldNetwork(random_state=0).fit(X), X)
    mixtures = {tuple(np.sign(np.asarray(signs) @ X)) for signs in itertools.product([-1, 1], repeat=3)}
    assert found.counts == {"stored": 3, "complement": 3, "mixture": 8, "other": 0}
    assert as_set(found.states[found.kinds == "mixture"]) == mixtures
    assert_array_equal(found.n_mixed, [0] * 6 + [3] * 8)
    assert_allclose(found.energies[6:], np.full(8, found.energies[6]))
    assert found.energies[6] > found.energies[0]


@pytest.mark.parametrize("sizes", [(3,), (3, 5, 7), (5, 3), ()])
def test_kinds_are_those_of_enumeration(sizes):
    X = make_patterns(7, 10, random_state=1)
    expected = {}
    for size in sorted(sizes, reverse=True):
        for chosen in itertools.combinations(X, size):
            for signs in itertools.product([-1, 1], repeat=size):
                expected[tuple(np.sign(np.asarray(signs) @ np.asarray(chosen)))] = ("mixture", size)
    expected |= dict.fromkeys(as_set(-X), ("complement", 0)) | dict.fromkeys(as_set(X), ("stored", 0))
    found = spurious_states(Identity(), X, mixture_sizes=sizes)
    assert len(found.states) == 2**10
    assert found.mixture_sizes == tuple(sorted(sizes))
    for state, kind, n_mixed in zip(found.states.tolist(), found.kinds, found.n_mixed, strict=True):
        assert (kind, n_mixed) == expected.get(tuple(state), ("other", 0))


def test_mixtures_that_would_be_too_many_are_not_searched(monkeypatch):
    X = make_patterns(7, 10, random_state=1)
    monkeypatch.setattr(_spurious, "_MOST_MIXED", 35 * 4 * 10)
    assert spurious_states(Identity(), X).mixture_sizes == (3, 7)
    assert spurious_states(Identity(), X[:2]).mixture_sizes == ()


def test_shares_are_those_of_all_states():
    X = make_patterns(3, 10, random_state=0)
    memory = HebbianMemory(zero_diagonal=True).fit(X)
    found = spurious_states(memory, X)
    recall = memory.recall(2.0 * ((np.arange(1024)[:, None] >> np.arange(10)) & 1) - 1)
    for state, share in zip(found.states, found.shares, strict=True):
        assert share == np.mean(recall.converged & (recall.states == state).all(axis=1))
    assert_allclose(1 - found.shares.sum(), np.mean(~recall.converged))
    assert found.shares.sum() < 1  # cycles: the test can fail
    assert_allclose(
        list(found.share_by_kind.values()), [found.shares[found.kinds == kind].sum() for kind in found.counts]
    )


@pytest.mark.parametrize("n_recall_steps", [2, 100])
def test_states_that_come_back_are_not_fixed(n_recall_steps):
    flip_flop = HopfieldNetwork.from_weights([[0, -1], [-1, 0]], update="sync", n_recall_steps=n_recall_steps)
    assert_array_equal(flip_flop.predict([[1, 1]]), [[1, 1]])
    found = spurious_states(flip_flop, [[1, -1]])
    assert as_set(found.states) == {(1, -1), (-1, 1)}
    assert_array_equal(found.kinds, ["stored", "complement"])


def test_within_a_tolerance_values_count_as_the_two():
    X = make_patterns(2, 5, random_state=0)
    assert len(spurious_states(Identity(0.9), X).states) == 0
    assert len(spurious_states(Identity(0.9), X, tolerance=0.11).states) == 2**5


def test_samples_find_true_fixed_points(monkeypatch):
    X = make_patterns(4, 12, random_state=5)
    memory = HopfieldNetwork(random_state=0).fit(X)
    every = spurious_states(memory, X)
    monkeypatch.setattr(_spurious, "_EXHAUSTIVE", 11)
    sampled = spurious_states(memory, X, n_probes=300, random_state=0)
    assert not sampled.exhaustive
    assert sampled.n_probes == 300
    assert as_set(sampled.states) <= as_set(every.states)
    assert sampled.counts["stored"] == every.counts["stored"]
    # 300 draws: each true share is off by more than 5 standard errors with a probability below 1e-6.
    shares = dict(zip(map(tuple, every.states.tolist()), every.shares, strict=True))
    for state, share in zip(sampled.states.tolist(), sampled.shares, strict=True):
        truth = shares[tuple(state)]
        assert abs(share - truth) <= 5 * np.sqrt(truth * (1 - truth) / 300)
    assert as_set(spurious_states(memory, X, n_probes=1, random_state=0).states) >= as_set(every.states[:4])


@pytest.mark.parametrize("n_units", [10, 24])
def test_numbers_do_not_depend_on_jobs_blocks_or_progress(n_units, monkeypatch):
    X = make_patterns(3, n_units, random_state=0)
    memory = HebbianMemory().fit(X)
    options = {"n_probes": 20_000, "random_state": 0}
    found, calls = spurious_states(memory, X, **options), []
    again = spurious_states(memory, X, n_jobs=2, progress=lambda *call: calls.append(call), **options)
    assert_frame_equal(found.to_frame(), again.to_frame())
    assert_array_equal(found.states, again.states)
    assert calls[-1] == ((1, 1) if n_units == 10 else (3, 3))
    if n_units == 10:
        monkeypatch.setattr(_spurious, "_PROBES", 100)
        assert_frame_equal(found.to_frame(), spurious_states(memory, X, n_jobs=2).to_frame())


def test_the_frame_has_a_row_for_each():
    X = make_patterns(2, 6, random_state=0)
    frame = spurious_states(HopfieldNetwork(random_state=0).fit(X), X).to_frame()
    assert list(frame) == ["kind", "n_mixed", "share", "energy"]
    assert list(spurious_states(Identity(), X).to_frame()) == ["kind", "n_mixed", "share"]


def test_input_goes_where_the_patterns_are(place, dispatched):
    X = make_patterns(3, N, random_state=0)
    expected = spurious_states(HopfieldNetwork(random_state=0).fit(X), X)
    with dispatched():
        stored = place.put(X)
        found = spurious_states(HopfieldNetwork(random_state=0).fit(stored), stored)
    assert_frame_equal(found.to_frame(), expected.to_frame())
    assert_array_equal(found.states, expected.states)


def test_bad_input_is_refused():
    X = make_patterns(3, N, random_state=0)
    memory = HebbianMemory().fit(X)
    with pytest.raises(TypeError, match="no predict"):
        spurious_states(object(), X)
    with pytest.raises(ValueError, match="24 different values; expected 2"):
        spurious_states(memory, np.arange(24.0).reshape(3, N))
    with pytest.raises(ValueError, match="does not recall the patterns X themselves"):
        spurious_states(memory, X + 5)  # all on, for this memory
    with pytest.raises(ValueError, match="mixture_sizes has 4; expected odd"):
        spurious_states(memory, X, mixture_sizes=(3, 4))
    pairs = BidirectionalMemory().fit(X, X[:, :3])
    for other in (MemoryClassifier().fit(X, [0, 1, 1]), pairs):
        with pytest.raises(ValueError, match="does not recall the patterns X themselves"):
            spurious_states(other, X)
    for options in ({"n_probes": 0}, {"tolerance": -1}, {"mixture_sizes": (1,)}):
        with pytest.raises(ValueError, match=next(iter(options))):
            spurious_states(memory, X, **options)

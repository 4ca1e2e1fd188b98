"""Attacks: within their bounds, consistent, the stronger the more is allowed, the same on all backends."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier

from skamem import DenseAMClassifier, DenseAMRegressor
from skamem.analysis import attack
from skamem.analysis._balls import BALLS

X, Y = load_digits(return_X_y=True)
X, X_HELD, Y, Y_HELD = X[:600] / 16, X[1000:1080] / 16, Y[:600], Y[1000:1080]
RADIUS = {"linf": 0.1, "l2": 0.6}
every_norm = pytest.mark.parametrize("norm", BALLS)
every_readout = pytest.mark.parametrize("readout", ["exact", "linear"])


@pytest.fixture(scope="module")
def memories():
    """Fitted memories by readout."""
    return {
        readout: DenseAMClassifier(30, readout=readout, max_iter=20, random_state=0).fit(X, Y)
        for readout in ("exact", "linear")
    }


@every_norm
@every_readout
@pytest.mark.parametrize("clip", [None, (0, 1)])
@pytest.mark.parametrize("method", ["fgsm", "pgd"])
def test_samples_stay_within_bounds_and_say_what_they_do(memories, norm, readout, clip, method):
    memory, eps = memories[readout], RADIUS[norm]
    found = attack(memory, X_HELD, Y_HELD, norm=norm, eps=eps, clip=clip, method=method, n_steps=5)
    distances = BALLS[norm](eps).length(found.samples - X_HELD)
    assert np.max(distances) <= eps * (1 + 1e-12)
    assert_allclose(found.distances, distances)
    if clip:
        assert np.min(found.samples) >= 0
        assert np.max(found.samples) <= 1
    assert_array_equal(found.predictions, memory.predict(found.samples))
    assert_array_equal(found.fooled, found.predictions != Y_HELD)
    assert_array_equal(found.correct, memory.predict(X_HELD) == Y_HELD)
    assert_array_equal(found.success, found.fooled & found.correct)
    assert found.error == np.mean(found.fooled)
    assert found.clean_error == pytest.approx(1 - memory.score(X_HELD, Y_HELD))
    assert np.all(found.fooled | found.correct), "what was wrong stays wrong"
    assert found.error > found.clean_error + 0.1


@every_norm
@pytest.mark.parametrize("loss", ["margin", "power"])
def test_fgsm_is_the_first_step_of_pgd(memories, norm, loss):
    options = {"norm": norm, "eps": RADIUS[norm], "clip": (0, 1), "loss": loss}
    one = attack(memories["linear"], X_HELD, Y_HELD, method="fgsm", **options)
    other = attack(memories["linear"], X_HELD, Y_HELD, n_steps=1, step_size=RADIUS[norm], **options)
    assert_array_equal(one.samples, other.samples)


@every_norm
def test_a_small_step_climbs_by_the_slope_of_the_margin(memories, norm):
    # To first order the margin grows by eps times the dual norm of its gradient; nothing else grows it faster.
    memory, eps = memories["linear"], 1e-6

    def margins(rows):
        potentials = memory.decision_function(rows)
        true = np.arange(10) == Y_HELD[:, None]
        return np.max(np.where(true, -np.inf, potentials), axis=1) - potentials[true]

    found = attack(memory, X_HELD, Y_HELD, norm=norm, eps=eps, method="fgsm")
    gain = margins(found.samples) - margins(X_HELD)
    assert np.all(gain > 0)
    rng = np.random.RandomState(0)
    for _ in range(20):
        assert np.all(margins(BALLS[norm](eps).random_points(X_HELD, rng)) - margins(X_HELD) <= gain * (1 + 1e-4))


@every_norm
def test_error_grows_with_eps_and_ends_at_one(memories, norm):
    radii = [0, *(RADIUS[norm] * np.asarray([0.25, 0.5, 1, 2, 10]))]
    errors = [attack(memories["linear"], X_HELD, Y_HELD, norm=norm, eps=eps, n_steps=20).error for eps in radii]
    assert errors == sorted(errors)
    assert errors[0] == pytest.approx(1 - memories["linear"].score(X_HELD, Y_HELD))
    assert errors[-1] == 1


@every_norm
def test_restarts_never_hurt(memories, norm):
    options = {"norm": norm, "eps": RADIUS[norm], "n_steps": 1, "random_state": 0}
    found = [attack(memories["exact"], X_HELD, Y_HELD, n_restarts=n, **options) for n in (1, 2, 32)]
    for fewer, more in pairwise(found):
        assert np.all(more.fooled >= fewer.fooled)
    assert np.sum(found[2].fooled) > np.sum(found[0].fooled)


def test_the_answer_does_not_depend_on_blocks_and_repeats(memories):
    options = {"eps": 0.05, "n_steps": 2, "n_restarts": 4, "random_state": 0}
    whole = attack(memories["linear"], X_HELD, Y_HELD, **options)
    with config_context(working_memory=0.2):
        pieces = attack(memories["linear"], X_HELD, Y_HELD, **options)
    assert_allclose(pieces.samples, whole.samples, atol=1e-12)
    assert_array_equal(attack(memories["linear"], X_HELD, Y_HELD, **options).samples, whole.samples)


def test_a_memory_and_the_network_it_is_have_the_same_weak_points(memories):
    found = attack(memories["linear"], X_HELD, Y_HELD, eps=0.05)
    dual = attack(memories["linear"].to_mlp(), X_HELD, Y_HELD, eps=0.05)
    assert_array_equal(dual.fooled, found.fooled)
    assert_allclose(dual.samples, found.samples, atol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 10])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_networks_of_scikit_learn_are_attacked(n_classes):
    network = MLPClassifier((30,), max_iter=30, random_state=0).fit(X, Y % n_classes)
    found = attack(network, X_HELD, Y_HELD % n_classes, eps=0.1, clip=(0, 1))
    assert_array_equal(found.predictions, network.predict(found.samples))
    assert found.error > found.clean_error + 0.2


def test_labels_may_be_strings_and_frames_are_taken(memories):
    pd = pytest.importorskip("pandas")
    names = np.asarray([f"digit {y}" for y in range(10)])
    frame = pd.DataFrame(X).add_prefix("pixel ")
    memory = DenseAMClassifier(30, max_iter=20, random_state=0).fit(frame, names[Y])
    found = attack(memory, pd.DataFrame(X_HELD).add_prefix("pixel "), names[Y_HELD], eps=0.1)
    plain = attack(memories["linear"], X_HELD, Y_HELD, eps=0.1)
    assert_array_equal(found.predictions, names[plain.predictions])
    frame = found.to_frame()
    assert list(frame.columns) == ["prediction", "correct", "fooled", "distance"]
    assert frame["fooled"].mean() == found.error
    low, high = found.error_interval()
    assert low < found.error < high


def test_float32_stays_float32():
    memory = DenseAMClassifier(30, degree=20, init="data", max_iter=20, random_state=0).fit(X.astype("f"), Y)
    found = attack(memory, X_HELD.astype("f"), Y_HELD, eps=0.1, clip=(0, 1), n_restarts=2, random_state=0)
    assert found.samples.dtype == np.float32
    assert found.error > found.clean_error
    assert attack(memory, X_HELD, Y_HELD, eps=0.1).samples.dtype == np.float64


@every_readout
@pytest.mark.parametrize("door", ["input", "backend"])
@every_norm
def test_backends_agree(memories, place, dispatched, readout, door, norm):
    options = {"norm": norm, "eps": RADIUS[norm] / 2, "n_steps": 3, "n_restarts": 2, "random_state": 0, "clip": (0, 1)}
    expected = attack(memories[readout], X_HELD, Y_HELD, **options)
    settings = memories[readout].get_params()
    if door == "backend":
        name = {"torch": "torch", "cupy": "cupy"}.get(place.xp.__name__.rpartition(".")[2])
        if name is None:
            pytest.skip("no name for the backend= door")
        memory = DenseAMClassifier(**(settings | {"backend": name, "max_iter": 1})).fit(X, Y)
        moved(memory, memories[readout], place.put)
        found = attack(memory, X_HELD, Y_HELD, **options)
        assert isinstance(found.samples, np.ndarray)
        samples, predictions = found.samples, found.predictions
    else:
        with dispatched():
            memory = DenseAMClassifier(**(settings | {"max_iter": 1})).fit(place.put(X), place.put(Y))
            moved(memory, memories[readout], place.put)
            found = attack(memory, place.put(X_HELD), place.put(Y_HELD), **options)
            samples, predictions = place.get(found.samples), place.get(found.predictions)
    # A pixel that is always 0 has no weight: its value may come from another restart where margins tie to rounding.
    alive = np.any(memories[readout].memories_ != 0, axis=0)
    assert_allclose(samples[:, alive], expected.samples[:, alive], atol=1e-6)
    assert_array_equal(predictions, expected.predictions)
    assert_array_equal(found.fooled, expected.fooled)


def moved(memory, source, put):
    """Give `memory` the fitted arrays of `source`, so that both are the same memory."""
    for name in ("memories_", "intercept_", "recognition_", "offset_", "scale_"):
        setattr(memory, name, put(getattr(source, name)))
    memory.temperature_ = source.temperature_


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"eps": -0.1}, "eps=-0.1 is out of range"),
        ({"norm": "l1"}, "norm='l1' is not an option"),
        ({"method": "cw"}, "method='cw' is not an option"),
        ({"loss": "log"}, "loss='log' is not an option"),
        ({"n_steps": 0}, "n_steps=0 is out of range"),
        ({"n_restarts": 0}, "n_restarts=0 is out of range"),
        ({"step_size": 0}, "step_size=0 is out of range"),
        ({"clip": (0, 0.5)}, r"X has values from 0 to 1, but clip=\(0, 0.5\)"),
    ],
)
def test_bad_options_are_named(memories, options, message):
    with pytest.raises(ValueError, match=message):
        attack(memories["linear"], X_HELD, Y_HELD, **({"eps": 0.1} | options))


def test_bad_input_is_named(memories):
    with pytest.raises(ValueError, match=r"y has labels \[11\]; expected those of fit"):
        attack(memories["linear"], X_HELD[:2], [1, 11], eps=0.1)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        attack(memories["linear"], X_HELD, Y_HELD[:3], eps=0.1)
    with pytest.raises(NotFittedError):
        attack(DenseAMClassifier(), X_HELD, Y_HELD, eps=0.1)
    with pytest.raises(TypeError, match="DenseAMRegressor has no memories to look into"):
        attack(DenseAMRegressor(), X_HELD, Y_HELD, eps=0.1)

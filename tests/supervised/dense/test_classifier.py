"""DenseAMClassifier as scikit-learn sees it: fits, weights, backends, failures; small and seeded."""

import pickle
import tracemalloc

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_digits, make_blobs, make_circles
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skamem.analysis import attack
from skamem.core import arrays
from skamem.core.callbacks import CALLBACKS_AVAILABLE
from skamem.core.interactions import INTERACTIONS
from skamem.supervised import DenseAMClassifier
from skamem.supervised.dense import _scaling
from skamem.training import shuffled_blocks

SMALL = {"n_memories": 30, "max_iter": 40, "random_state": 0}


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:300] / 8 - 1, y[:300]


@pytest.fixture
def blobs():
    return make_blobs(60, centers=3, n_features=4, cluster_std=1.5, random_state=0)


@parametrize_with_checks(  # with its defaults: tests/test_estimators.py, among the slow ones
    [
        DenseAMClassifier(40, readout="exact", max_iter=60),
        DenseAMClassifier(40, solver="paper", max_iter=100),
        DenseAMClassifier(40, interaction="logcosh", class_weight="balanced", scale="global", power=1, max_iter=100),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("readout", ["exact", "linear"])
@pytest.mark.parametrize("solver", ["adam", "paper"])
def test_training_lowers_the_loss_and_separates(digits, readout, solver):
    X, y = digits
    model = DenseAMClassifier(60, readout=readout, solver=solver, max_iter=150, random_state=0).fit(X, y)
    assert len(model.loss_curve_) == model.n_iter_ == 150
    assert model.loss_curve_[-1] < 0.2 * model.loss_curve_[0]
    assert model.score(X, y) > 0.95


@pytest.mark.parametrize("interaction", INTERACTIONS)
@pytest.mark.parametrize("readout", ["exact", "linear"])
def test_every_interaction_learns(digits, interaction, readout):
    X, y = digits
    model = DenseAMClassifier(interaction=interaction, degree=2, readout=readout, **SMALL).fit(X, y)
    assert model.score(X, y) > 0.85


@pytest.mark.parametrize("readout", ["exact", "linear"])
def test_decision_function_is_the_equation_in_user_units(blobs, readout):
    X, y = blobs
    model = DenseAMClassifier(degree=3, readout=readout, **SMALL).fit(X, y)
    overlaps = (X - model.offset_) @ model.memories_.T + model.intercept_
    T, U = model.temperature_, model.recognition_
    if readout == "linear":
        expected = (2 / T) * (3 * np.maximum(overlaps / T, 0) ** 2) @ U
    else:
        z = (overlaps - U.sum(axis=1)) / T
        off = np.maximum(z, 0) ** 3
        expected = np.stack([(np.maximum(z + 2 * u / T, 0) ** 3 - off).sum(axis=1) for u in U.T], axis=1)
    assert_allclose(model.decision_function(X), expected, rtol=1e-9, atol=1e-12)


def test_probabilities_rank_as_the_decision_function_and_sum_to_one(digits):
    X, y = digits
    model = DenseAMClassifier(**SMALL).fit(X, y)
    probabilities = model.predict_proba(X)
    assert_allclose(probabilities.sum(axis=1), 1)
    assert_array_equal(np.argsort(probabilities, axis=1), np.argsort(model.decision_function(X), axis=1))
    assert_array_equal(model.classes_[np.argmax(probabilities, axis=1)], model.predict(X))
    assert_allclose(model.predict_log_proba(X), np.log(probabilities), rtol=1e-9)
    assert np.all(np.isfinite(model.predict_log_proba(1e6 * X)))


def test_two_classes_have_one_score(blobs):
    X, y = blobs
    X, y = X[y < 2], np.where(y[y < 2] == 0, "no", "yes")
    model = DenseAMClassifier(**SMALL).fit(X, y)
    scores = model.decision_function(X)
    assert scores.shape == (len(X),)
    assert_array_equal(model.predict(X), np.where(scores > 0, "yes", "no"))
    odds = np.log(model.predict_proba(X)[:, 1] / model.predict_proba(X)[:, 0])
    assert_allclose(odds, (2 * model.power - 1) * scores, rtol=1e-6)


@pytest.mark.parametrize("power", [1, 2, 4])
def test_probabilities_are_those_that_minimise_the_expected_loss(power):
    # Two inputs whose labels are random, with these frequencies: that the memories can only learn the frequencies.
    for frequencies in ([[0.7, 0.3], [0.2, 0.8]], [[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]):
        n_classes = len(frequencies[0])
        X, y = np.repeat([[0.0], [1.0]], n_classes, axis=0), np.tile(np.arange(n_classes), 2)
        model = DenseAMClassifier(20, power=power, noise=0, weight_decay=0, max_iter=2000, random_state=0)
        model.fit(X, y, np.ravel(frequencies))
        assert_allclose(model.predict_proba([[0.0], [1.0]]), frequencies, atol=0.01)


@pytest.mark.parametrize(
    "options", [{}, {"class_weight": "balanced"}, {"solver": "paper"}, {"readout": "exact"}, {"adversarial": 0.3}]
)
def test_weights_are_repetitions_and_order_does_not_matter(blobs, options):
    X, y = blobs
    rng = np.random.RandomState(0)
    weights = rng.randint(0, 4, len(X))
    X = X + 1.0  # no symmetry to help
    expected = DenseAMClassifier(**SMALL, **options).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    order = rng.permutation(len(X))
    for found in (
        DenseAMClassifier(**SMALL, **options).fit(X, y, weights),
        DenseAMClassifier(**SMALL, **options).fit(X[order], y[order], weights[order]),
        DenseAMClassifier(**SMALL, **options).fit(X, y, 0.25 * weights),
    ):
        assert_allclose(found.decision_function(X), expected.decision_function(X), rtol=1e-9, atol=1e-12)


def test_class_weights_multiply_sample_weights(blobs):
    X, y = blobs
    by_class = DenseAMClassifier(class_weight={0: 3.0}, **SMALL).fit(X, y)
    by_sample = DenseAMClassifier(**SMALL).fit(X, y, np.where(y == 0, 3.0, 1.0))
    plain = DenseAMClassifier(**SMALL).fit(X, y)
    assert_array_equal(by_class.memories_, by_sample.memories_)
    assert not np.allclose(by_class.memories_, plain.memories_)


@pytest.mark.parametrize("readout", ["exact", "linear"])
def test_float32_stays(digits, readout):
    X, y = digits
    model = DenseAMClassifier(readout=readout, **SMALL).fit(X.astype(np.float32), y)
    for name in ("memories_", "intercept_", "recognition_", "offset_", "scale_"):
        assert getattr(model, name).dtype == np.float32
    assert model.predict_proba(X.astype(np.float32)).dtype == np.float32
    wide = DenseAMClassifier(readout=readout, **SMALL).fit(X, y)
    assert wide.memories_.dtype == np.float64
    assert_allclose(model.decision_function(X.astype(np.float32)), wide.decision_function(X), atol=0.05)


@pytest.mark.parametrize("readout", ["exact", "linear"])
@pytest.mark.parametrize("kept_sparse", [False, True])
def test_sparse_equals_dense(digits, readout, kept_sparse, monkeypatch):
    if kept_sparse:  # as if the data were large
        monkeypatch.setattr(_scaling, "_SMALL_BYTES", 0)
    X, y = digits
    X = np.where(X > 0, X, 0)
    expected = DenseAMClassifier(readout=readout, **SMALL).fit(X, y).decision_function(X)
    for kind in (scipy.sparse.csr_array, scipy.sparse.csr_matrix, scipy.sparse.csc_array):
        found = DenseAMClassifier(readout=readout, **SMALL).fit(kind(X), y).decision_function(kind(X))
        assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("options", [{}, {"readout": "exact"}, {"solver": "paper"}, {"init": "data"}])
def test_every_backend_gives_the_same(place, dispatched, digits, options):
    X, y = digits
    weights = np.linspace(0, 2, len(X))
    expected = DenseAMClassifier(**SMALL, **options).fit(X, y, weights)
    with dispatched():
        found = DenseAMClassifier(**SMALL, **options).fit(place.put(X), place.put(y), place.put(weights))
        for name in ("memories_", "intercept_", "recognition_", "offset_", "scale_"):
            assert_allclose(place.get(getattr(found, name)), getattr(expected, name), rtol=1e-6, atol=1e-9)
        assert_allclose(
            place.get(found.decision_function(place.put(X))), expected.decision_function(X), rtol=1e-6, atol=1e-9
        )
        assert_allclose(place.get(found.predict_proba(place.put(X))), expected.predict_proba(X), rtol=1e-6, atol=1e-9)
        assert_array_equal(place.get(found.predict(place.put(X))), expected.predict(X))
    home = pickle.loads(pickle.dumps(found))
    assert arrays.is_host(home.memories_)


@pytest.mark.parametrize("backend", ["numpy", "torch", "torch:cpu"])
@pytest.mark.parametrize("readout", ["exact", "linear"])
def test_backend_door(digits, backend, readout):
    if backend.startswith("torch"):
        pytest.importorskip("torch")
    X, y = digits
    labels = np.asarray([f"digit {d}" for d in range(10)])[y]
    expected = DenseAMClassifier(readout=readout, **SMALL).fit(X, labels)
    found = DenseAMClassifier(readout=readout, backend=backend, **SMALL).fit(X, labels)
    for method in ("decision_function", "predict_proba"):
        result = getattr(found, method)(X)
        assert isinstance(result, np.ndarray)
        assert_allclose(result, getattr(expected, method)(X), rtol=1e-6, atol=1e-9)
    assert_array_equal(found.predict(X), expected.predict(X))
    again = pickle.loads(pickle.dumps(found))
    assert_array_equal(again.predict(X), expected.predict(X))


@pytest.mark.parametrize("readout", ["exact", "linear"])
def test_epochs_do_not_wait_for_the_device(fake_cupy, dispatched, digits, readout):
    X, y = digits
    counts = []
    for max_iter in (3, 9):
        with fake_cupy() as cupy, dispatched():
            data = cupy.asarray(X)
            syncs, uploads = cupy.host_syncs.total(), len(cupy.uploads)
            DenseAMClassifier(20, readout=readout, batch_size=50, max_iter=max_iter, random_state=0).fit(data, y)
            counts.append((cupy.host_syncs.total() - syncs, len(cupy.uploads) - uploads))
    (syncs, uploads), (more_syncs, more_uploads) = counts
    assert more_syncs == syncs
    assert more_uploads == uploads + 6  # the order of the rows, once an epoch


def test_a_seed_is_a_result(digits):
    X, y = digits
    one, same, other = (DenseAMClassifier(**{**SMALL, "random_state": seed}).fit(X, y) for seed in (0, 0, 1))
    assert_array_equal(one.memories_, same.memories_)
    assert not np.allclose(one.memories_, other.memories_)


def test_partial_fit_learns_and_goes_on_after_a_pickle(digits):
    X, y = digits
    model = DenseAMClassifier(60, random_state=0)
    assert model.partial_fit(X[:100], y[:100], classes=range(10)) is model
    for _ in range(40):
        for rows in (slice(0, 100), slice(100, 200), slice(200, 300)):
            model.partial_fit(X[rows], y[rows])
    assert model.n_iter_ == len(model.loss_curve_) == 121
    assert model.score(X, y) > 0.95
    copy = pickle.loads(pickle.dumps(model))
    assert_array_equal(model.partial_fit(X, y).memories_, copy.partial_fit(X, y).memories_)


def in_blocks(model, X, y, n_epochs, **options):
    """Train a model as the guide says, on rows of which a block has few classes: blocks in random order, a buffer."""
    rng, starts = np.random.RandomState(0), range(0, len(X), 100)
    for epoch in range(n_epochs):
        model.set_params(learning_rate_init=1e-3 * (1 - epoch / n_epochs))
        blocks = ((X[start : start + 100], y[start : start + 100]) for start in rng.permutation(starts))
        for block in shuffled_blocks(blocks, 500, rng):
            model.partial_fit(*block, **options)
    return model


@pytest.mark.slow
def test_epochs_over_shuffled_blocks_come_near_to_fit():
    X, y = load_digits(return_X_y=True)
    train, test = train_test_split(np.arange(len(y)), random_state=0, stratify=y)
    train = train[np.argsort(y[train], kind="stable")]
    # Binomial standard error of either score .006; seeds 0 to 2 differ by .002 to .009 from fit.
    settings = {"n_memories": 100, "weight_decay": 2000 / len(train), "random_state": 0}
    whole = DenseAMClassifier(**settings).fit(X[train], y[train])
    pieces = in_blocks(DenseAMClassifier(**settings), X[train], y[train], 60, classes=range(10))
    assert pieces.score(X[test], y[test]) > whole.score(X[test], y[test]) - 0.015
    assert pieces.n_samples_seen_ == 60 * len(train)


def test_partial_fit_goes_on_after_fit(digits):
    X, y = digits
    model = DenseAMClassifier(**SMALL).fit(X, y)
    before, scale = model.loss_curve_[-1], model.scale_
    model.partial_fit(X, y)
    assert_array_equal(model.scale_, scale)
    assert model.loss_curve_[-1] < 3 * before
    assert model.n_iter_ == 41


def test_warm_start_starts_where_it_stopped(digits):
    X, y = digits
    model = DenseAMClassifier(warm_start=True, **SMALL).fit(X, y)
    before = model.loss_curve_[-1]
    model.fit(X, y)
    assert model.loss_curve_[0] < 2 * before
    with pytest.raises(ValueError, match="warm_start=True continues with classes"):
        model.fit(X[y < 5], y[y < 5])
    model.set_params(n_memories=31)
    with pytest.raises(ValueError, match="warm_start=True continues with memories of shape"):
        model.fit(X, y)


def test_early_stopping_keeps_the_best_memories(digits):
    X, y = digits
    model = DenseAMClassifier(60, early_stopping=True, n_iter_no_change=5, max_iter=500, random_state=0).fit(X, y)
    assert model.n_iter_ < 500
    assert len(model.validation_scores_) == model.n_iter_
    assert int(np.argmin(model.validation_losses_)) <= model.n_iter_ - 5
    patient = DenseAMClassifier(60, early_stopping=True, n_iter_no_change=1000, max_iter=500, random_state=0)
    with pytest.warns(ConvergenceWarning, match="did not stop within 500 epochs"):
        again = patient.fit(X, y)
    assert_allclose(again.validation_scores_[: model.n_iter_], model.validation_scores_)


@pytest.mark.skipif(not CALLBACKS_AVAILABLE, reason="scikit-learn < 1.9 has no callbacks")
def test_callbacks_see_every_epoch_and_may_stop(digits):
    from sklearn.callback import FitCallback

    class Stop(FitCallback):
        seen = 0

        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
            if context.task_name != "epoch":
                return False
            Stop.seen += 1
            assert fitted_estimator.n_iter_ == Stop.seen
            assert fitted_estimator.predict(X).shape == y.shape
            return Stop.seen >= 7

    X, y = digits
    model = DenseAMClassifier(**SMALL).set_callbacks(Stop()).fit(X, y)
    assert Stop.seen == model.n_iter_ == 7
    assert model.score(X, y) > 0.1


@pytest.mark.filterwarnings("ignore:Early stopping did not stop")
def test_verbose_reports_epochs(blobs, capsys):
    DenseAMClassifier(10, max_iter=3, verbose=True, early_stopping=True, random_state=0).fit(*blobs)
    assert capsys.readouterr().out.count("validation score") == 3


@pytest.mark.parametrize("readout", ["exact", "linear"])
def test_unscaled_and_constant_features_do_not_collapse(digits, readout):
    X, y = digits
    rng = np.random.RandomState(0)
    units = 10.0 ** rng.randint(-6, 7, X.shape[1])
    shifted = np.concatenate([(X + rng.uniform(-3, 3, X.shape[1])) * units, np.full((len(X), 2), [1e9, -3.0])], axis=1)
    model = make_pipeline(StandardScaler(), DenseAMClassifier(60, readout=readout, max_iter=150, random_state=0))
    assert model.fit(shifted, y).score(shifted, y) > 0.9
    one_scale = np.concatenate([1e4 * X + 1e6, np.full((len(X), 1), 1e9)], axis=1).astype(np.float32)
    raw = DenseAMClassifier(readout=readout, **SMALL).fit(one_scale, y)
    assert raw.score(one_scale, y) > 0.9
    moved = one_scale.copy()
    moved[:, -1] = 0  # a feature that was constant in training tells nothing
    assert_array_equal(raw.predict(moved), raw.predict(one_scale))


def test_features_without_any_spread(blobs):
    X, y = np.ones_like(blobs[0]), blobs[1]
    assert np.all(np.isfinite(DenseAMClassifier(**SMALL).fit(X, y).decision_function(X)))


@pytest.mark.parametrize("degree", [20, 30, 100])
def test_high_degrees_stay_finite_in_float32(digits, degree):
    X, y = digits
    X = X.astype(np.float32)
    model = DenseAMClassifier(60, degree=degree, init="data", max_iter=60, random_state=0).fit(X, y)
    assert np.all(np.isfinite(model.loss_curve_))
    for factor in (1e-3, 1.0, 1e3):
        assert np.all(np.isfinite(model.decision_function(factor * X)))
    assert model.score(X, y) > 0.8


@pytest.mark.parametrize("solver", ["adam", "paper"])
def test_adversarial_training_makes_robust(digits, solver):
    X, y = digits
    settings = {"n_memories": 60, "solver": solver, "max_iter": 150, "noise": 0, "random_state": 0}
    plain, robust = (DenseAMClassifier(adversarial=r, **settings).fit(X[:200], y[:200]) for r in (0.0, 1.5))
    errors = [attack(m, X[200:], y[200:], eps=1.2, norm="l2", random_state=0).error for m in (plain, robust)]
    assert errors[1] < 0.85 * errors[0]  # with seeds 0 to 3: .68 to .79
    assert robust.score(X[200:], y[200:]) > plain.score(X[200:], y[200:]) - 0.02


def test_adversarial_training_takes_the_place_of_noise(blobs):
    X, y = blobs
    assert DenseAMClassifier(**SMALL).fit(X, y).noise_ > 0
    assert DenseAMClassifier(adversarial=0.1, **SMALL).fit(X, y).noise_ == 0
    assert DenseAMClassifier(adversarial=0.1, noise=0.2, **SMALL).fit(X, y).noise_ == 0.2


def test_circles_need_the_clamped_unit():
    X, y = make_circles(200, noise=0.1, factor=0.5, random_state=0)
    with_unit, without = (
        DenseAMClassifier(60, degree=3, interaction="polynomial", fit_intercept=f, max_iter=400, random_state=0).fit(
            X, y
        )
        for f in (True, False)
    )
    # Φ is a quadratic form of (x, 1), or of x alone, whose sign is one along every ray: no circle.
    assert with_unit.score(X, y) > 0.97
    assert without.score(X, y) < 0.75
    assert np.all(without.intercept_ == 0)


@pytest.mark.parametrize("options", [{}, {"readout": "exact"}, {"adversarial": 1.0}], ids=str)
def test_fit_needs_little_memory_beyond_data_and_parameters(options):
    n_rows, n_features, n_memories, batch_size = 4000, 400, 200, 200
    X = np.random.RandomState(0).standard_normal((n_rows, n_features)).astype(np.float32)
    y = np.arange(n_rows) % 10
    model = DenseAMClassifier(n_memories, batch_size=batch_size, max_iter=2, noise=0, random_state=0, **options)
    tracemalloc.start()
    model.fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    numbers = X.size + n_memories * (n_features + 11) + batch_size * n_memories
    assert peak + X.nbytes < 3 * 4 * numbers


@pytest.mark.parametrize("readout", ["exact", "linear"])
def test_predict_streams_within_the_working_memory(readout):
    X = np.random.RandomState(0).standard_normal((20_000, 20)).astype(np.float32)
    model = DenseAMClassifier(500, readout=readout, max_iter=1, random_state=0).fit(X[:100], np.arange(100) % 3)
    model.predict(X[:100])
    tracemalloc.start()
    with config_context(working_memory=2):
        model.predict(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # All overlaps at once would be 38 MiB.
    assert peak < 4 * 2**20


def test_grid_search_and_clone(blobs):
    X, y = blobs
    search = GridSearchCV(
        make_pipeline(StandardScaler(), DenseAMClassifier(**SMALL)), {"denseamclassifier__degree": [2, 3]}, cv=2
    )
    assert search.fit(X, y).best_score_ > 0.8
    assert clone(search.best_estimator_[-1]).get_params() == search.best_estimator_[-1].get_params()


BAD_PARAMETERS = [
    ({"degree": 0.5}, ValueError, r"degree=0.5; expected a finite number >= 1"),
    ({"degree": "3"}, ValueError, r"degree='3'; expected"),
    ({"n_memories": 0}, ValueError, r"n_memories=0 is out of range"),
    ({"n_memories": 2.5}, TypeError, r"expected an integer"),
    ({"batch_size": 0}, ValueError, r"batch_size"),
    ({"max_iter": 0}, ValueError, r"max_iter"),
    ({"readout": "both"}, ValueError, r"readout='both' is not an option; expected one of 'exact', 'linear'"),
    ({"solver": "sgd"}, ValueError, r"solver='sgd'"),
    ({"scale": "auto"}, ValueError, r"scale='auto'"),
    ({"init": "zeros"}, ValueError, r"init='zeros'"),
    ({"interaction": "cubic"}, ValueError, r"interaction='cubic' is unknown"),
    ({"interaction": 3}, TypeError, r"no `energy` and `slope` methods"),
    ({"temperature": -1}, ValueError, r"temperature=-1 is out of range"),
    ({"temperature": (1.0, 2.0)}, ValueError, r"for solver='paper', a pair"),
    ({"noise": -0.1}, ValueError, r"noise"),
    ({"adversarial": -0.1}, ValueError, r"adversarial=-0.1 is out of range"),
    ({"adversarial": "auto"}, TypeError, r"adversarial"),
    ({"weight_decay": -1}, ValueError, r"weight_decay"),
    ({"learning_rate_init": 0}, ValueError, r"learning_rate_init"),
    ({"power": 0}, ValueError, r"power"),
    ({"momentum": 1.0}, ValueError, r"momentum"),
    ({"class_weight": "even"}, ValueError, r"class_weight='even'; expected None, 'balanced' or a dict"),
    ({"class_weight": {7: 1.0}}, ValueError, r"class_weight has labels \[7\] that are not in y"),
    ({"class_weight": {0: -1.0}}, ValueError, r"negative weights"),
    ({"backend": "gpu"}, ValueError, r"backend='gpu' is unknown"),
]


@pytest.mark.parametrize(
    ("parameters", "error", "message"), BAD_PARAMETERS, ids=lambda p: str(p) if isinstance(p, dict) else ""
)
def test_bad_parameters_leave_a_fitted_model_alone(blobs, parameters, error, message):
    X, y = blobs
    model = DenseAMClassifier(**SMALL).fit(X, y)
    expected = model.decision_function(X)
    good = model.get_params()
    model.set_params(**parameters)
    before = dict(vars(model))
    with pytest.raises(error, match=message):
        model.fit(X, y)
    assert vars(model) == before
    assert_array_equal(model.set_params(**good).decision_function(X), expected)


def bad_data(X, y):
    with_nan, with_inf = X.copy(), X.copy()
    with_nan[3, 1], with_inf[3, 1] = np.nan, np.inf
    weights = np.ones(len(X))
    return {
        "NaN": ((with_nan, y), "NaN"),
        "infinity": ((with_inf, y), "infinity"),
        "strings": ((np.full(X.shape, "a"), y), "could not convert|dtype"),
        "one class": ((X, np.zeros(len(X))), "at least 2 classes"),
        "one class left": ((X, y, weights * (y == 0)), "one class only"),
        "negative weight": ((X, y, -weights), "negative entries"),
        "zero weights": ((X, y, 0 * weights), "all zero"),
        "short weights": ((X, y, weights[1:]), "one weight for each row"),
        "no y": ((X, None), "requires y to be passed"),
        "short y": ((X, y[1:]), "inconsistent numbers of samples"),
        "continuous y": ((X, y + 0.5 * X[:, 0]), "Unknown label type"),
        "empty": ((X[:0], y[:0]), "0 sample"),
    }


@pytest.mark.parametrize("case", bad_data(np.zeros((4, 2)), np.zeros(4)))
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_bad_data_leave_a_fitted_model_alone(blobs, case, method):
    X, y = blobs
    arguments, message = bad_data(X, y)[case]
    if method == "partial_fit":
        if case.startswith("one class"):
            pytest.skip("a batch of one class is fine")
        arguments = (*arguments[:2], None, *arguments[2:])
    model = DenseAMClassifier(**SMALL).fit(X, y)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(*arguments)
    assert vars(model) == before


def test_wrong_number_of_features(blobs):
    X, y = blobs
    model = DenseAMClassifier(**SMALL).fit(X, y)
    with pytest.raises(ValueError, match="3 features"):
        model.predict(X[:, :3])
    with pytest.raises(ValueError, match="3 features"):
        model.partial_fit(X[:, :3], y)
    with pytest.raises(NotFittedError):
        DenseAMClassifier().predict(X)


def test_partial_fit_checks_labels(blobs):
    X, y = blobs
    model = DenseAMClassifier(**SMALL)
    model.partial_fit(X, y, classes=[0, 1, 2, 3])
    assert_array_equal(model.classes_, [0, 1, 2, 3])
    with pytest.raises(ValueError, match=r"y has labels \[7\]"):
        model.partial_fit(X, np.where(y == 0, 7, y))
    with pytest.raises(ValueError, match="differ from those of the first call"):
        model.partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="at least 2 classes"):
        DenseAMClassifier(**SMALL).partial_fit(X, np.zeros(len(X)))


def test_divergence_is_reported(blobs):
    X, y = blobs
    with pytest.warns(UserWarning, match="training diverged"), np.errstate(all="ignore"):
        DenseAMClassifier(10, learning_rate_init=1e30, max_iter=50, interaction="polynomial", random_state=0).fit(
            X.astype(np.float32), y
        )


@pytest.mark.parametrize(
    ("options", "remedies"),
    [
        ({"weight_decay": 1e6}, "Try a lower weight_decay than 1000000.0."),
        ({"learning_rate_init": 1e30}, "Try a lower learning_rate_init than 1e+30 or a lower degree than 3."),
        (
            {"learning_rate_init": 1e30, "scale": None, "interaction": "exponential"},
            "Try a lower learning_rate_init than 1e+30 or scale='feature'.",
        ),
        (
            {"temperature": 1e-6, "interaction": "exponential"},
            "Try a higher temperature than 1e-06 or a learning_rate_init below 0.004, which 'auto' was.",
        ),
    ],
    ids=str,
)
def test_divergence_names_what_was_set(blobs, options, remedies):
    X, y = blobs
    with pytest.warns(ConvergenceWarning, match="training diverged") as caught:
        DenseAMClassifier(10, max_iter=200, random_state=0, **options).fit(X.astype(np.float32), y)
    assert str(caught[0].message).endswith(remedies)


@pytest.mark.parametrize(
    "options", [{"learning_rate_init": 1e30}, {"temperature": 1e-6, "interaction": "exponential"}], ids=str
)
def test_what_diverges_leaves_finite_arrays_and_one_warning(blobs, options):
    X, y = blobs
    X = X.astype(np.float32)
    with pytest.warns(ConvergenceWarning, match="diverged, and memories that overflowed are silent") as caught:
        model = DenseAMClassifier(10, max_iter=5, random_state=0, **options).fit(X, y)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert np.all(np.isfinite(model.memories_))
    assert np.all(np.isfinite(model.predict_log_proba(X)))


@pytest.mark.parametrize("settings", [{"degree": 10}, {"degree": 30}, {"degree": 4, "readout": "exact"}], ids=str)
def test_log_probabilities_are_the_logarithms(digits, settings):
    X, y = digits
    model = DenseAMClassifier(30, init="data", max_iter=10, random_state=0, **settings).fit(X, y)
    rows = np.concatenate([X, 10 * X])
    probabilities, logarithms = model.predict_proba(rows), model.predict_log_proba(rows)
    some = probabilities > 1e-300  # below, probabilities lose digits
    assert_allclose(logarithms[some], np.log(probabilities[some]), rtol=1e-12, atol=1e-12)
    assert np.all(np.isfinite(logarithms))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("readout", ["exact", "linear"])
@pytest.mark.parametrize("interaction", list(INTERACTIONS))
def test_far_rows_have_probabilities_and_no_warnings(blobs, interaction, readout, dtype):
    X, y = blobs
    model = DenseAMClassifier(10, interaction=interaction, readout=readout, max_iter=5, random_state=0)
    model.fit(X.astype(dtype), y)
    for far in (1e3, 1e10, 0.01 * np.finfo(dtype).max):
        rows = (far / np.max(np.abs(X)) * X).astype(dtype)
        assert_allclose(np.sum(model.predict_proba(rows), axis=1), 1, rtol=1e-5)
        assert np.all(np.isfinite(model.decision_function(rows)))


def test_a_class_of_one_row_trains_under_early_stopping(blobs):
    X, y = blobs
    y = np.where(np.arange(len(y)) == 7, 9, y)
    model = DenseAMClassifier(40, early_stopping=True, noise=0, random_state=0).fit(X, y)
    assert_array_equal(model.classes_, [0, 1, 2, 9])
    with pytest.raises(ValueError, match="early_stopping=True holds rows back, but of distinct rows no class has 2"):
        model.fit(X[:2], [0, 1])


def test_a_weight_of_zero_is_absence(blobs):
    X, y = blobs
    far = np.concatenate([1e6 * X[:5], X, -1e9 * X[:3]])
    labels = np.concatenate([y[:5], y, y[:3]])
    weights = np.repeat([0.0, 1.0, 0.0], [5, len(X), 3])
    for early_stopping in (False, True):
        options = SMALL | {"early_stopping": early_stopping, "n_iter_no_change": 3, "max_iter": 300}
        with_zeros = DenseAMClassifier(**options).fit(far, labels, sample_weight=weights)
        without = DenseAMClassifier(**options).fit(X, y)
        assert_array_equal(with_zeros.memories_, without.memories_)
        assert with_zeros.noise_ == without.noise_
    with_zeros, without = DenseAMClassifier(**SMALL), DenseAMClassifier(**SMALL)
    for _ in range(2):
        with_zeros.partial_fit(far, labels, sample_weight=weights)
        without.partial_fit(X, y)
    assert_array_equal(with_zeros.memories_, without.memories_)


def test_a_refit_forgets_the_validation_scores(blobs):
    model = DenseAMClassifier(10, early_stopping=True, n_iter_no_change=2, random_state=0).fit(*blobs)
    assert model.validation_scores_
    assert not hasattr(model.set_params(early_stopping=False, max_iter=2).fit(*blobs), "validation_scores_")


@pytest.mark.parametrize("options", [{}, {"solver": "paper"}, {"noise": 0.3}, {"early_stopping": True}], ids=str)
@pytest.mark.filterwarnings("ignore:Early stopping did not stop")
def test_sparse_tables_stay_sparse(options):
    X, y = scipy.sparse.random(2000, 4000, 0.01, format="csr", random_state=0), np.arange(2000) % 3
    model = DenseAMClassifier(10, max_iter=1, random_state=0, **options)
    with config_context(working_memory=16):
        peaks = []
        for call in (lambda: model.fit(X, y), lambda: model.predict(X)):
            tracemalloc.start()
            call()
            peaks.append(tracemalloc.get_traced_memory()[1] / 2**20)
            tracemalloc.stop()
    # The dense table has 61 MB; noise takes 32 of the fit.
    assert peaks[0] < 48
    assert peaks[1] < 16

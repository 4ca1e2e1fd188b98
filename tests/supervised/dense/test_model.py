"""Gradients by the input against finite differences, and contributions that add up to the potentials."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context

from skamem import DenseAMClassifier, DenseAMRegressor
from skamem.core.interactions import INTERACTIONS, resolve_interaction
from skamem.supervised.dense._losses import PowerLoss
from skamem.supervised.dense._model import DenseModel, opened

RNG = np.random.RandomState(0)
X, Y = RNG.standard_normal((40, 6)) * [1, 2, 3, 1, 1, 5] + 4, np.arange(40) % 3
SETTINGS = [
    *[{"degree": n} for n in (1, 2, 3, 5, 20, 2.5)],
    *[{"degree": n, "interaction": "polynomial"} for n in (2, 3)],
    *[{"interaction": name} for name in ("exponential", "logcosh", "softplus")],
]
every_setting = pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: "-".join(map(str, s.values())))
every_readout = pytest.mark.parametrize("readout", ["exact", "linear"])


def memory_of(readout="linear", dtype=np.float64, **settings):
    model = DenseAMClassifier(8, readout=readout, max_iter=20, random_state=0, **settings)
    return model.fit(X.astype(dtype), Y)


view_of = DenseModel.of


def potentials_of(model, points):
    """Eq. (9) or (10) in the user's units as they stand; with extended precision, because they cancel."""
    interaction = resolve_interaction(model.interaction, model.degree)
    T, U = np.longdouble(model.temperature_), model.recognition_.astype(np.longdouble)
    z = ((points.astype(np.longdouble) - model.offset_) @ model.memories_.T + model.intercept_) / T
    if model.readout == "linear":
        return (2 / T) * interaction.slope(z) @ U
    z = z - U.sum(axis=1) / T
    return np.stack([np.sum(interaction.energy(z + 2 * u / T) - interaction.energy(z), axis=1) for u in U.T], axis=1)


def difference(function, points, step=1e-5):
    """Central differences of a function of rows, to fourth order."""
    gradient = np.empty_like(points)
    for i in range(points.shape[1]):
        shift = np.zeros(points.shape[1])
        shift[i] = step
        near, far = (function(points + k * shift) - function(points - k * shift) for k in (1, 2))
        gradient[:, i] = (8 * near - far) / (12 * step)
    return gradient


def smooth_rows(model, view):
    """Rows on which no rectifier turns within the reach of the differences."""
    on = view.overlaps(X)[:, :, None] + np.concatenate([np.zeros((8, 1)), view.memories.recognition], axis=1)
    rows = X[np.all(np.abs(on) > 1e-3, axis=(1, 2))]
    assert len(rows) >= 5
    return rows


@every_setting
@every_readout
def test_margin_gradient_is_exact(settings, readout):
    model = memory_of(readout, **settings)
    view = view_of(model)
    rows = smooth_rows(model, view)
    n = np.arange(len(rows))
    codes, rivals = n % 3, (n + 1) % 3

    def margin(points):
        potentials = potentials_of(model, points)
        return potentials[n, rivals] - potentials[n, codes]

    gradient, expected = view.margin_gradient(view.overlaps(rows), rivals, codes), difference(margin, rows)
    assert_allclose(gradient, expected, rtol=1e-6, atol=1e-6 * np.max(np.abs(expected)))
    assert np.any(expected != 0) or (settings.get("degree") == 1 and readout == "linear")


@every_setting
@every_readout
def test_loss_gradient_is_exact(settings, readout):
    model = memory_of(readout, **settings)
    view = view_of(model)
    rows = smooth_rows(model, view)
    codes = np.arange(len(rows)) % 3
    targets = np.where(codes[:, None] == np.arange(3), 1.0, -1.0)

    def loss(points):
        return np.sum(((1 - targets * np.tanh(potentials_of(model, points))) / 2) ** 4, axis=1)

    assert view.loss == PowerLoss(2.0)
    gradient, expected = view.loss_gradient(view.overlaps(rows), codes), difference(loss, rows)
    assert_allclose(gradient, expected, rtol=1e-6, atol=1e-6 * max(1e-3, np.max(np.abs(expected))))


@every_setting
@every_readout
def test_contributions_add_up_to_the_potentials(settings, readout):
    model = memory_of(readout, **settings)
    view = view_of(model)
    overlaps = view.overlaps(X)
    potentials = model.decision_function(X)
    sums = np.stack([np.sum(view.contributions(overlaps, np.full(len(X), a)), axis=1) for a in range(3)], axis=1)
    scale = np.max(np.abs(potentials), axis=1) / np.max(np.abs(sums), axis=1)  # a positive factor per row
    assert_allclose(sums * scale[:, None], potentials, rtol=1e-9, atol=1e-9 * np.max(np.abs(potentials)))


@every_readout
def test_degree_100_in_float32_keeps_directions(readout):
    # Potentials of such rows overflow by far; the gradient of a row may be scaled, its direction must be right.
    low, high = (memory_of(readout, dtype, degree=100) for dtype in (np.float32, np.float64))
    vars(high).update({name: value.astype(float) for name, value in vars(low).items() if hasattr(value, "astype")})
    rows, codes, rivals = (3 * X).astype(np.float32), Y, (Y + 1) % 3
    directions = []
    for model in (low, high):
        view = view_of(model)
        gradient = view.margin_gradient(view.overlaps(rows), rivals, codes)
        assert np.all(np.isfinite(gradient))
        directions.append(gradient / np.max(np.abs(gradient), axis=1, keepdims=True))
    assert directions[0].dtype == np.float32
    assert_allclose(*directions, atol=2e-3)


@every_readout
def test_the_rival_is_the_strongest_other_class(readout):
    model = memory_of(readout)
    potentials = model.decision_function(X)
    margins, rivals = view_of(model).margins(potentials, Y)
    for row, true, margin, rival in zip(potentials, Y, margins, rivals):
        others = np.delete(row, true)
        assert rival != true
        assert row[rival] == np.max(others)
        assert_allclose(margin, np.max(others) - row[true])


def test_a_memory_and_its_network_have_the_same_gradient():
    model = memory_of()
    found = []
    for memory in (model, DenseAMClassifier.from_mlp(model.to_mlp())):
        view = view_of(memory)
        found.append(view.margin_gradient(view.overlaps(X), (Y + 1) % 3, Y))
    assert_allclose(*found, rtol=1e-9, atol=1e-12)


def test_every_interaction_is_here():
    assert set(INTERACTIONS) == {s.get("interaction", "rectified_polynomial") for s in SETTINGS}


@pytest.mark.parametrize("shift", [0.0, 1e4])
def test_outputs_are_the_potentials_block_by_block(shift):
    model = DenseAMClassifier(8, max_iter=5, random_state=0).fit(X + shift, Y)
    view, rows = opened(model, (X + shift).tolist())
    assert (view.offset is None) == (shift == 0)
    expected = view.potentials(view.overlaps(rows))
    assert_allclose(view.outputs(rows), expected)
    with config_context(working_memory=1e-9):
        assert len(list(view.blocks(40))) == 40
        assert_allclose(view.outputs(rows), expected, rtol=1e-12)
    winners = np.argmax(view.outputs(rows, winner_only=True), axis=1)
    assert np.array_equal(model.classes_[winners], model.predict(X + shift))


def test_a_regressor_has_a_model_too():
    model = DenseAMRegressor(8, max_iter=5, random_state=0).fit(X, X[:, :2])
    view, rows = opened(model, X)
    assert view.loss is None
    assert_allclose(view.outputs(rows) * model.target_scale_ + model.target_offset_, model.predict(X))


@every_readout
def test_how_far_potentials_follow_the_weights(readout):
    model = memory_of(readout)
    weights = np.arange(40) % 3
    spreads, reach = view_of(model).spreads_and_reach(X, weights)
    rows, step = np.repeat(X, weights, axis=0), 1e-6

    def potentials():
        view = view_of(model)
        return view.potentials(view.overlaps(rows))

    for memory in range(8):
        ends = []
        for sign in (1, -1):
            model.intercept_[memory] += sign * step
            ends.append(potentials())
            model.intercept_[memory] -= sign * step
        slopes = model.temperature_ * (ends[0] - ends[1]) / (2 * step)
        assert_allclose(reach[memory], np.sqrt(np.mean(np.sum(slopes**2, axis=1))), rtol=1e-4, atol=1e-8)
    overlaps = view_of(model).overlaps(rows)
    assert_allclose(spreads, 2 * resolve_interaction(model.interaction, model.degree).slope(overlaps).std(axis=0))


CHANGES = {"degree": 7, "interaction": "exponential", "readout": "exact", "power": 1, "scale": None, "temperature": 9.0}


@pytest.mark.parametrize("learn", ["fit", "partial_fit", "from_mlp", "pickle", "earlier pickle"])
@pytest.mark.parametrize("kind", [DenseAMClassifier, DenseAMRegressor])
def test_parameters_changed_after_the_fit_change_no_answer(kind, learn):
    model = kind(8, max_iter=20, random_state=0)
    model = getattr(model, "partial_fit" if learn == "partial_fit" else "fit")(X, Y)
    if learn == "from_mlp":
        if kind is DenseAMRegressor:
            pytest.skip("regressors have no such method")
        model = DenseAMClassifier.from_mlp(model.to_mlp())
    elif learn == "pickle":
        model = pickle.loads(pickle.dumps(model))
    elif learn == "earlier pickle":
        twin, state = kind(), model.__getstate__()
        twin.__setstate__({k: v for k, v in state.items() if k not in ("interaction_", "readout_", "power_")})
        model = twin
    answers = [name for name in ("predict", "decision_function", "predict_proba") if hasattr(model, name)]
    before = [getattr(model, name)(X) for name in answers]
    model.set_params(**{name: value for name, value in CHANGES.items() if name in model.get_params()})
    for name, answer in zip(answers, before, strict=True):
        assert_array_equal(getattr(model, name)(X), answer)
    if kind is DenseAMClassifier:
        assert_allclose(model.to_mlp().decision_function(X), model.decision_function(X), rtol=1e-9, atol=1e-9)


def test_what_was_changed_counts_from_the_next_fit_on():
    model = memory_of().set_params(degree=5, readout="exact", power=1)
    assert_array_equal(model.fit(X, Y).predict_proba(X), memory_of("exact", degree=5, power=1).predict_proba(X))

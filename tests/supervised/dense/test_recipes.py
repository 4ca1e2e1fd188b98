"""What the two recipes answer differently."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skamem import DenseAMClassifier
from skamem.core import arrays
from skamem.core.interactions import RectifiedPolynomial
from skamem.supervised.dense._losses import PowerLoss
from skamem.supervised.dense._network import Memories, Network
from skamem.supervised.dense._recipes import RECIPES
from skamem.supervised.dense._scaling import standardized, training_set
from skamem.supervised.dense._start import root_mean_square
from skamem.training import ClassTargets

every_recipe = pytest.mark.parametrize("solver", list(RECIPES))


def training_data(n_rows=200, n_features=30):
    rng = np.random.RandomState(0)
    X, codes = 17 * rng.standard_normal((n_rows, n_features)) + 4, rng.randint(0, 3, n_rows)
    rows, _ = standardized(X, np.arange(n_rows), np.ones(n_rows), "global", arrays.placement_of(X), np.float64)
    return training_set(rows, ClassTargets(codes, 3), np.arange(n_rows), np.ones(n_rows))


def recipe_of(solver, **options):
    model = DenseAMClassifier(500, solver=solver, **options)
    return RECIPES[solver].of(model, RectifiedPolynomial(model.degree))


def settled(data, n_memories=256, **options):
    model = DenseAMClassifier(n_memories, **({"weight_decay": 1.0} | options))
    return RECIPES["adam"].of(model, RectifiedPolynomial(model.degree)).settled(data, PowerLoss(2.0), 100)


@every_recipe
@pytest.mark.parametrize("degree", [2, 3])
def test_both_start_with_potentials_of_one_size(solver, degree):
    data = training_data()
    optimizer = recipe_of(solver, degree=degree).by_rule(200).begin(data, np.random.RandomState(0))
    memories, rows = Memories(**optimizer.parameters), data.rows.take(np.arange(200))
    network = Network.of("linear", RectifiedPolynomial(degree), 3, arrays.namespace(rows), np.float64)
    assert_allclose(root_mean_square(network.potentials(rows, memories)), 0.5, rtol=0.25)
    assert memories.visible.shape == (500, 30)
    assert optimizer.temperature > 0


@every_recipe
def test_both_go_on_from_given_memories(solver):
    rng = np.random.RandomState(0)
    given = Memories(0.1 * rng.standard_normal((4, 5)), np.zeros(4), 0.1 * rng.standard_normal((4, 3)))
    optimizer = recipe_of(solver).by_rule(100).resume(Memories(*map(np.copy, given)), 2.0)
    for name, value in optimizer.parameters.items():
        assert_allclose(value, getattr(given, name), rtol=1e-15)
    assert optimizer.temperature == 2.0


def test_what_they_answer_differently():
    adam, paper = (recipe_of(solver) for solver in ("adam", "paper"))
    data, codes = training_data(), np.repeat([0, 1], [90, 10])
    assert (adam.n_epochs(10), paper.n_epochs(10)) == (75, 500)
    assert adam.noise_level(data, np.random.RandomState(0)) > 0 == paper.noise_level(data, np.random.RandomState(0))
    assert recipe_of("adam", adversarial=0.1).noise_level(data, np.random.RandomState(0)) == 0
    shuffled, balanced = (
        np.concatenate(recipe.batches(codes, 4, np.random.RandomState(0))) for recipe in (adam, paper)
    )
    assert_array_equal(np.bincount(codes[shuffled]), [90, 10])
    assert_array_equal(np.bincount(codes[balanced]), [50, 50])


def test_short_trainings_take_large_steps():
    data = training_data()
    for options, n_epochs, rate in (
        ({}, 250, 4e-3),  # 200 rows: 2 batches an epoch
        ({"learning_rate_init": 2e-3}, 500, 2e-3),
        ({"max_iter": 1000}, 1000, 2e-3),
        ({"max_iter": 10000}, 10000, 1e-3),
    ):
        recipe = recipe_of("adam", weight_decay=1.0, **options).settled(data, None, 100)
        assert (recipe.n_epochs(2), recipe.rate) == (n_epochs, rate)
    assert recipe_of("adam").by_rule(200).rate == 1e-3


def test_memories_learn_in_groups_where_their_potentials_add_up():
    data = training_data()

    assert [settled(data, n_memories).n_groups for n_memories in (256, 130, 127, 50)] == [4, 2, 1, 1]
    for options in ({"readout": "exact"}, {"init": "data"}, {"degree": 20}):
        assert settled(data, **options).n_groups == 1


def test_half_of_the_memories_are_narrow_where_they_cover_the_features():
    data = training_data()  # 30 features: 240 views
    assert [settled(data, n_memories).narrow_share for n_memories in (256, 240, 239, 50)] == [0.5, 0.5, 0.0, 0.0]
    for options in ({"scale": "global"}, {"scale": None}, {"readout": "exact"}, {"init": "data"}, {"degree": 20}):
        assert settled(data, **options).narrow_share == 0.0


@pytest.mark.parametrize("narrow_share", [0.0, 0.5])
def test_overlaps_and_potentials_start_alike_with_narrow_memories(narrow_share):
    data = training_data()
    recipe = dataclasses.replace(recipe_of("adam").by_rule(200), narrow_share=narrow_share)
    optimizer = recipe.begin(data, np.random.RandomState(0))
    memories, rows = Memories(**optimizer.parameters), data.rows.take(np.arange(200))
    network = Network.of("linear", RectifiedPolynomial(3), 3, arrays.namespace(rows), np.float64)
    assert_allclose(root_mean_square(network.overlaps(rows, memories)), 0.4, rtol=0.1)
    assert_allclose(root_mean_square(network.potentials(rows, memories)), 0.5, rtol=0.25)


def test_what_narrow_memories_do_not_see_changes_nothing_in_them():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((120, 6))
    model = DenseAMClassifier(60, weight_decay=1.0, max_iter=5, random_state=0).fit(X, X[:, 0] > 0)
    seen = model.memories_ != 0
    assert set(seen.sum(axis=1)) == {1, 2, 3, 6}
    unseen = int(np.flatnonzero(~seen[:, 0] & seen.any(axis=1))[0])
    moved = X + np.asarray([5.0, 0, 0, 0, 0, 0])
    before, after = ((rows - model.offset_) @ model.memories_.T for rows in (X, moved))
    assert_array_equal(before[:, unseen], after[:, unseen])


def test_groups_decay_apart():
    data = training_data()
    recipe = dataclasses.replace(settled(data), group_decays=(0.0, 0.0, 30.0, 30.0))
    optimizer = recipe.begin(data, np.random.RandomState(0))
    before = {name: np.copy(value) for name, value in optimizer.parameters.items()}
    optimizer.step({name: np.zeros_like(value) for name, value in before.items()})
    for name in ("visible", "recognition"):
        expected = before[name] * np.repeat([1.0, 1 - 30 * recipe.rate], 128)[:, None]
        assert_allclose(optimizer.parameters[name], expected, rtol=1e-12)
    assert_array_equal(optimizer.parameters["bias"], before["bias"])


def test_overlaps_start_around_a_level_from_degree_4_on():
    def level(degree):
        recipe = recipe_of("adam", degree=degree).by_rule(200)
        return np.mean(recipe.begin(training_data(), np.random.RandomState(0)).parameters["bias"])

    assert_allclose([level(3), level(4)], [0.0, 1.2 - 1.5 / 4], atol=0.1)


@every_recipe
def test_parameters_given_are_taken(solver):
    recipe = recipe_of(solver, max_iter=7, noise=0.25)
    assert recipe.n_epochs(100) == 7
    assert recipe.noise_level(None, None) == 0.25

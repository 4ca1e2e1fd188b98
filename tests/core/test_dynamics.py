"""Recall of batches against literal loops over one row, one unit, one step at a time; on integers, bit for bit."""

import numpy as np
import pytest

from skamem.core.dense import DenseLandscape
from skamem.core.dynamics import (
    Recall,
    alternating,
    asynchronous,
    cycle_entry,
    heat_bath,
    settle,
    synchronous,
    wander,
)
from skamem.core.fields import BipartiteField, LinearField, QuadraticLandscape
from skamem.core.interactions import Exponential, Polynomial, RectifiedPolynomial
from skamem.core.thresholds import THRESHOLDS, sign
from skamem.core.thresholds import step as step_threshold

LOW = {"sign": -1.0, "step": 0.0}


def integer_weights(n_units, rng, symmetry):
    """Small integers: ties are frequent. Under synchronous update antisymmetric ones cycle with period 4."""
    W = rng.integers(-2, 3, size=(n_units, n_units)).astype(float)
    return {"symmetric": np.triu(W) + np.triu(W, 1).T, "none": W, "antisymmetric": np.triu(W, 1) - np.triu(W, 1).T}[
        symmetry
    ]


def sweep_literally(field, state, order, low, clamped):
    """One unit after another, each seeing those before it."""
    state = state.copy()
    for unit in order:
        h = field(state[None, :])[0, unit]
        if h != 0 and not clamped[unit]:
            state[unit] = 1.0 if h > 0 else low
    return state


def update_literally(field, state, order, low, clamped):
    """All units at once; the order does not matter."""
    h = field(state[None, :])[0]
    return np.where((h == 0) | clamped, state, np.where(h > 0, 1.0, low))


def trajectory(update, state, n_steps):
    """The states 0, ..., n_steps, or to the first fixed point; and the first index of each."""
    states, first_seen = [state], {state.tobytes(): 0}
    for step in range(1, n_steps + 1):
        states.append(update(states[-1]))
        first_seen.setdefault(states[-1].tobytes(), step)
        if np.array_equal(states[-1], states[-2]):
            break
    return states, first_seen


def check_against_literal_steps(recall, states, n_steps, update, clamped):
    """Each row of a Recall tells the story of the loop."""
    kinds = set()
    for row, start in enumerate(states):
        path, first_seen = trajectory(lambda s, row=row: update(s, clamped[row]), start, n_steps)
        np.testing.assert_array_equal(recall.states[row], path[-1])
        made, length = recall.n_steps[row], recall.cycle_length[row]
        if len(path) > 1 and np.array_equal(path[-1], path[-2]):
            assert (recall.converged[row], length, made) == (True, 1, len(path) - 1)
        else:
            assert not recall.converged[row]
            np.testing.assert_array_equal(
                recall.states[row], path[made]
            )  # a cycle may be left early, at its last phase
            tail, repeats = len(first_seen), n_steps + 1 > len(first_seen)
            true_length = tail - first_seen[update(path[tail - 1], clamped[row]).tobytes()] if repeats else 0
            found_by = 2 * tail + true_length  # Brent's anchor: a power of two beyond the tail, then one round
            assert length == true_length or (length == 0 and n_steps < found_by)
        kinds.add(min(int(length), 3))
    return kinds


SIZES = [1, 2, 7, 8, 9, 63, 64, 65, 130]


@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize("with_clamped", [False, True])
@pytest.mark.parametrize("symmetry", ["symmetric", "none"])
@pytest.mark.parametrize("zero_diagonal", [True, False])
@pytest.mark.parametrize("n_units", SIZES)
def test_asynchronous_is_the_loop_over_single_units(n_units, zero_diagonal, symmetry, with_clamped, threshold):
    rng = np.random.default_rng(n_units)
    field = LinearField(
        integer_weights(n_units, rng, symmetry),
        rng.integers(-1, 2, n_units).astype(float),
        zero_diagonal=zero_diagonal,
        exact=True,
    )
    states = rng.choice([LOW[threshold], 0.0, 1.0], size=(6, n_units))
    clamped = rng.random(states.shape) < (0.3 if with_clamped else 0.0)
    order = rng.permutation(n_units)
    given, n_steps = states.copy(), 9
    recall = asynchronous(
        field,
        states,
        n_steps=n_steps,
        order=order,
        threshold=THRESHOLDS[threshold],
        clamped=clamped if with_clamped else None,
    )
    np.testing.assert_array_equal(states, given)

    def update(state, held):
        return sweep_literally(field, state, order, LOW[threshold], held)

    check_against_literal_steps(recall, states, n_steps, update, clamped)


@pytest.mark.parametrize("with_clamped", [False, True])
@pytest.mark.parametrize("dynamics", ["asynchronous", "heat_bath"])
@pytest.mark.parametrize("kind", ["quadratic", "dense"])
def test_threads_that_share_the_rows_out_change_nothing(kind, dynamics, with_clamped, monkeypatch):
    rng = np.random.default_rng(0)
    if kind == "quadratic":
        field, module = QuadraticLandscape(integer_weights(150, rng, "symmetric"), exact=True), "_cursors"
    else:
        field, module = DenseLandscape(rng.choice([-1.0, 1.0], size=(60, 150)), Polynomial(3)), "dense"
    states = rng.choice([-1.0, 1.0], size=(10, 150))
    clamped = rng.random(states.shape) < 0.3 if with_clamped else None

    def run():
        if dynamics == "asynchronous":
            return asynchronous(field, states, n_steps=20, order=np.arange(150)[::-1], clamped=clamped)
        noisy = {"temperature": 30.0, "random_state": np.random.RandomState(0)}
        return heat_bath(field, states, n_steps=5, clamped=clamped, **noisy)

    alone, shares = run(), []

    def in_three(function, n_rows, n_multiplications, xp=None):
        shares.append(n_rows)
        return [function(rows) for rows in (slice(0, 3), slice(3, 4), slice(4, n_rows)) if rows.start < n_rows]

    monkeypatch.setattr(f"skamem.core.{module}.in_shares", in_three)
    shared = run()
    assert shares[0] == 10
    np.testing.assert_array_equal(shared.states, alone.states)
    np.testing.assert_array_equal(shared.n_steps, alone.n_steps)


@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize("with_clamped", [False, True])
@pytest.mark.parametrize("n_steps", [0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 33, 60])
def test_synchronous_is_exactly_n_steps_updates(n_steps, with_clamped, threshold):
    """Fixed points, cycles of period 2 and longer ones (asymmetric weights), in one batch."""
    kinds = set()
    for symmetry in ("symmetric", "none", "antisymmetric"):
        rng = np.random.default_rng(0)
        field = LinearField(integer_weights(9, rng, symmetry), exact=True)
        states = rng.choice([LOW[threshold], 1.0], size=(30, 9))
        clamped = rng.random(states.shape) < (0.2 if with_clamped else 0.0)
        recall = synchronous(
            field,
            states,
            n_steps=n_steps,
            threshold=THRESHOLDS[threshold],
            clamped=clamped if with_clamped else None,
        )

        def update(state, held, field=field):
            return update_literally(field, state, None, LOW[threshold], held)

        kinds |= check_against_literal_steps(recall, states, n_steps, update, clamped)
    if n_steps >= 33:
        assert kinds == {1, 2, 3}  # 3 stands for longer cycles


@pytest.mark.parametrize("length", [1, 2, 3, 5, 8, 21])
@pytest.mark.parametrize("n_steps", [64, 65, 100])
def test_a_rotation_cycles_with_the_length_of_the_ring(length, n_steps):
    ring = np.roll(np.eye(length), 1, axis=1)  # unit i hands its state to i + 1
    start = np.ones((1, length))
    start[0, 0] = -1.0
    recall = synchronous(LinearField(ring, exact=True), start, n_steps=n_steps)
    np.testing.assert_array_equal(recall.states, np.roll(start, n_steps, axis=1))
    assert recall.cycle_length.tolist() == [length]
    assert recall.converged.tolist() == [length == 1]


def test_too_few_steps_are_said_to_be_too_few():
    chain = LinearField(np.eye(6, k=1), exact=True)  # a wave that runs once down a chain
    start = np.asarray([[1.0, -1.0, -1.0, -1.0, -1.0, -1.0]])
    for n_steps, converged in [(3, False), (5, False), (6, True)]:
        recall = synchronous(chain, start, n_steps=n_steps)
        assert (recall.n_steps[0], recall.converged[0], recall.cycle_length[0]) == (n_steps, converged, converged)
        assert np.all(recall.states[0, : n_steps + 1] == 1.0)
        assert np.all(recall.states[0, n_steps + 1 :] == -1.0)


@pytest.mark.parametrize("clamp", [False, True])
@pytest.mark.parametrize("n_units", [5, 40, 100])
def test_energy_never_rises_when_units_move_one_at_a_time(n_units, clamp):
    rng = np.random.default_rng(n_units)
    bias = rng.standard_normal(n_units)
    W = rng.standard_normal((n_units, n_units))
    landscape = QuadraticLandscape(W + W.T, bias)
    states = rng.choice([-1.0, 1.0], size=(20, n_units))
    clamped = rng.random(states.shape) < 0.3 if clamp else None
    energy, moved = landscape.energy(states), 0
    for _ in range(60):
        before = states
        states = asynchronous(landscape, states, n_steps=1, order=rng.permutation(n_units), clamped=clamped).states
        flipped = np.any(states != before, axis=1)
        new_energy = landscape.energy(states)
        assert np.all(new_energy[flipped] < energy[flipped])
        energy, moved = new_energy, moved + np.count_nonzero(flipped)
        if clamp:
            np.testing.assert_array_equal(states[clamped], before[clamped])
    assert moved > 0
    assert not flipped.any()  # it stops in finite time


@pytest.mark.parametrize("dynamics", ["synchronous", "asynchronous"])
def test_a_row_does_not_depend_on_its_neighbours(dynamics):
    rng = np.random.default_rng(0)
    field = LinearField(integer_weights(70, rng, "none"), exact=True)
    states = rng.choice([-1.0, 1.0], size=(12, 70))
    recalled = run(dynamics, field, states)
    for row in range(len(states)):
        alone = run(dynamics, field, states[row : row + 1])
        for name in ("states", "n_steps", "converged", "cycle_length"):
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(recalled, name)[row])


@pytest.mark.parametrize("dynamics", ["synchronous", "asynchronous"])
@pytest.mark.parametrize("n_rows", [0, 1])
def test_results_have_one_entry_a_row_even_for_no_rows(dynamics, n_rows):
    recall = run(dynamics, LinearField(np.eye(3), exact=True), np.ones((n_rows, 3)))
    assert recall.states.shape == (n_rows, 3)
    assert recall.n_steps.shape == recall.converged.shape == recall.cycle_length.shape == (n_rows,)


@pytest.mark.parametrize(("threshold", "dtype"), [("sign", "float64"), ("step", "float32")])
@pytest.mark.parametrize("dynamics", ["synchronous", "asynchronous"])
def test_every_library_runs_the_same_steps(place, dynamics, threshold, dtype):
    rng = np.random.default_rng(3)
    W, states = integer_weights(70, rng, "symmetric"), rng.choice([LOW[threshold], 1.0], size=(4, 70))
    clamped = rng.random(states.shape) < 0.1
    options = {"threshold": THRESHOLDS[threshold]}
    expected = run(dynamics, LinearField(W, exact=True), states, clamped=clamped, **options)
    moved = [place.put(array.astype(dtype)) for array in (W, states)]
    found = run(
        dynamics, LinearField(moved[0], exact=True), moved[1], clamped=place.put(clamped), place=place, **options
    )
    assert found.states.dtype == moved[1].dtype
    for name in ("states", "n_steps", "converged", "cycle_length"):
        np.testing.assert_array_equal(place.get(getattr(found, name)), getattr(expected, name))


def run(dynamics, field, states, *, place=None, **options):
    """Some steps, asynchronous in some order."""
    if dynamics == "synchronous":
        return synchronous(field, states, n_steps=7, **options)
    order = np.random.default_rng(1).permutation(states.shape[1])
    return asynchronous(field, states, n_steps=7, order=place.put(order) if place else order, **options)


LANDSCAPES = {
    "quadratic": lambda rng: QuadraticLandscape(symmetric(40, rng), rng.standard_normal(40)),
    "cubic": lambda rng: DenseLandscape(rng.choice([-1.0, 1.0], (12, 40)), Polynomial(3)),
    "rectified": lambda rng: DenseLandscape(rng.choice([-1.0, 1.0], (12, 40)), RectifiedPolynomial(4)),
    "fractional": lambda rng: DenseLandscape(rng.choice([-1.0, 1.0], (12, 40)), RectifiedPolynomial(2.5)),
    "exponential": lambda rng: DenseLandscape(rng.choice([-1.0, 1.0], (12, 40)), Exponential()),
}


def symmetric(n_units, rng):
    W = rng.standard_normal((n_units, n_units))
    return W + W.T


@pytest.mark.parametrize("dynamics", ["asynchronous", "wander"])
@pytest.mark.parametrize("landscape", LANDSCAPES)
def test_energy_falls_sweep_by_sweep_to_a_fixed_point(landscape, dynamics):
    rng = np.random.default_rng(1)
    landscape, states = LANDSCAPES[landscape](rng), rng.choice([-1.0, 1.0], (25, 40))
    random_state, energy, moved = np.random.RandomState(0), landscape.energy(states), 0
    for _ in range(100):
        if dynamics == "wander":
            recall = wander(landscape, states, n_steps=1, random_state=random_state)
        else:
            recall = asynchronous(landscape, states, n_steps=1, order=rng.permutation(40))
        flipped = np.any(recall.states != states, axis=1)
        np.testing.assert_array_equal(recall.converged, ~flipped)
        states, new_energy = recall.states, landscape.energy(recall.states)
        assert np.all(new_energy[flipped] < energy[flipped])
        energy, moved = new_energy, moved + flipped.sum()
        if not flipped.any():
            break
    assert moved > 0
    assert not flipped.any()


def test_random_orders_leave_by_themselves_and_hold_what_is_clamped():
    rng = np.random.default_rng(0)
    landscape, states = QuadraticLandscape(symmetric(30, rng)), rng.choice([-1.0, 1.0], (10, 30))
    clamped = rng.random(states.shape) < 0.3
    recall = wander(landscape, states, n_steps=50, random_state=np.random.RandomState(0), clamped=clamped)
    np.testing.assert_array_equal(recall.states[clamped], states[clamped])
    assert recall.converged.all()
    assert len(set(recall.n_steps)) > 1
    fields = landscape(recall.states)
    assert np.all((fields * recall.states > 0) | clamped)


def test_random_orders_have_no_cycles():
    ring = LinearField(np.roll(np.eye(5), 1, axis=1), exact=True)
    start = np.asarray([[1.0, -1.0, 1.0, -1.0, 1.0]])
    recall = wander(ring, start, n_steps=1, random_state=np.random.RandomState(0))
    assert (recall.converged[0], recall.cycle_length[0], recall.n_steps[0]) == (False, 0, 1)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(
    ("kind", "low"), [("quadratic", -1.0), ("quadratic", 0.0), ("bipartite", -1.0), ("bipartite", 0.0), ("cubic", -1.0)]
)
def test_a_heat_bath_reaches_the_distribution_of_boltzmann(kind, low, shared):
    """20,000 chains, 5 units: chi-square below its 1 - 1e-4 quantile, so this fails by chance once in 10,000 seeds."""
    from scipy.stats import chi2

    rng = np.random.default_rng(0)
    if kind == "quadratic":
        landscape = QuadraticLandscape(symmetric(5, rng) / 2, rng.standard_normal(5) / 2)
    elif kind == "bipartite":
        landscape = BipartiteField(rng.standard_normal((3, 2)), rng.standard_normal(3) / 2, rng.standard_normal(2) / 2)
    else:
        landscape = DenseLandscape(rng.choice([-1.0, 1.0], (3, 5)), Polynomial(3), np.full(3, 0.03))
    n_chains, temperature = 20_000, 1.5
    states = rng.choice([low, 1.0], (n_chains, 5))
    bath = {"temperature": temperature, "random_state": np.random.RandomState(0), "shared": shared}
    recall = heat_bath(landscape, states, n_steps=30, threshold=sign if low else step_threshold, **bath)
    every = np.asarray(np.meshgrid(*[[low, 1.0]] * 5)).reshape(5, -1).T
    expected = np.exp(-landscape.energy(every) / temperature)
    expected *= n_chains / expected.sum()
    code = 2.0 ** np.arange(5)
    counts = np.asarray([(recall.states @ code == state @ code).sum() for state in every])
    assert np.sum((counts - expected) ** 2 / expected) < chi2.ppf(1 - 1e-4, 31)
    assert not recall.converged.any()
    assert np.all(recall.n_steps == 30)


@pytest.mark.parametrize("shared", [True, False])
def test_a_heat_bath_holds_what_is_clamped(shared):
    rng = np.random.default_rng(0)
    states, clamped = rng.choice([-1.0, 1.0], (50, 20)), rng.random((50, 20)) < 0.5
    hot = {"temperature": 100.0, "random_state": np.random.RandomState(0), "shared": shared, "clamped": clamped}
    recall = heat_bath(QuadraticLandscape(symmetric(20, rng)), states, n_steps=3, **hot)
    np.testing.assert_array_equal(recall.states[clamped], states[clamped])
    assert 0.3 < np.mean(recall.states[~clamped] != states[~clamped]) < 0.7


@pytest.mark.parametrize("dynamics", [wander, heat_bath])
@pytest.mark.parametrize("landscape", ["quadratic", "cubic"])
def test_every_library_makes_the_same_random_moves(dynamics, landscape, place):
    rng = np.random.default_rng(0)
    W, patterns = np.rint(3 * symmetric(12, rng)), rng.choice([-1.0, 1.0], (4, 12))
    states = rng.choice([-1.0, 1.0], (6, 12))
    options = {"temperature": 2.0} if dynamics is heat_bath else {}

    def run(put):
        field = (
            QuadraticLandscape(put(W), exact=True)
            if landscape == "quadratic"
            else DenseLandscape(put(patterns), Polynomial(3))
        )
        return dynamics(field, put(states), n_steps=4, random_state=np.random.RandomState(0), **options)

    np.testing.assert_array_equal(place.get(run(place.put).states), run(lambda array: array).states)


# -------------------------------------------------------------------------------------------- states on the way


def on_the_way(dynamics, field, states, *, n_steps, n_kept=0, seed=0, place=None, **options):
    """Recall by the dynamics of a name, with the same order and the same noise whatever the number of steps."""
    options |= {"n_steps": n_steps, "n_kept": n_kept}
    if dynamics in ("heat bath", "wander"):
        random = np.random.RandomState(seed)
        if dynamics == "wander":
            return wander(field, states, random_state=random, **options)
        return heat_bath(field, states, temperature=2.0, random_state=random, **options)
    if dynamics == "alternating":
        return alternating(field, states, **options)
    if dynamics == "asynchronous":
        order = np.random.default_rng(1).permutation(states.shape[1])
        return asynchronous(field, states, order=place.put(order) if place else order, **options)
    return synchronous(field, states, **options)


@pytest.mark.parametrize("with_clamped", [False, True])
@pytest.mark.parametrize("n_kept", [1, 4, 40])
@pytest.mark.parametrize("dynamics", ["synchronous", "asynchronous", "alternating", "heat bath"])
def test_a_trajectory_holds_the_states_of_every_step(dynamics, n_kept, with_clamped):
    rng = np.random.default_rng(0)
    W = integer_weights(10, rng, "antisymmetric")  # fixed points, cycles of several lengths
    field = BipartiteField(W[:4, 4:], exact=True) if dynamics == "alternating" else LinearField(W, exact=True)
    states = rng.choice([-1.0, 1.0], (40, 10))
    clamped = rng.random(states.shape) < 0.2 if with_clamped else None
    whole = on_the_way(dynamics, field, states, n_steps=30, n_kept=n_kept, clamped=clamped)
    assert whole.trajectory.shape == (40, min(n_kept, 30) + 1, 10)
    for step_, kept in enumerate(np.moveaxis(whole.trajectory, 1, 0)):
        now = on_the_way(dynamics, field, states, n_steps=step_, clamped=clamped)
        np.testing.assert_array_equal(kept, now.states)
    bare = on_the_way(dynamics, field, states, n_steps=30, clamped=clamped)
    assert type(bare) is Recall
    for name in ("states", "n_steps", "converged", "cycle_length"):
        np.testing.assert_array_equal(getattr(bare, name), getattr(whole, name))
    if dynamics == "synchronous" and not with_clamped:
        assert whole.cycle_length.max() > 1
        assert np.any(whole.n_steps < n_kept) or n_kept < 40


def test_a_trajectory_of_random_orders_goes_downhill_and_stays():
    rng = np.random.default_rng(0)
    landscape, states = QuadraticLandscape(symmetric(30, rng)), rng.choice([-1.0, 1.0], (10, 30))
    recall = on_the_way("wander", landscape, states, n_steps=50, n_kept=20)
    energies = np.stack([landscape.energy(kept) for kept in np.moveaxis(recall.trajectory, 1, 0)])
    assert np.all(np.diff(energies, axis=0) <= 1e-12)
    np.testing.assert_array_equal(recall.trajectory[:, -1], recall.states)


@pytest.mark.parametrize("dynamics", ["synchronous", "asynchronous"])
def test_every_library_keeps_the_same_trajectory(place, dynamics):
    rng = np.random.default_rng(0)
    W, states = integer_weights(9, rng, "antisymmetric"), rng.choice([-1.0, 1.0], (20, 9))
    expected = on_the_way(dynamics, LinearField(W, exact=True), states, n_steps=12, n_kept=7)
    field = LinearField(place.put(W), exact=True)
    found = on_the_way(dynamics, field, place.put(states), n_steps=12, n_kept=7, place=place)
    np.testing.assert_array_equal(place.get(found.trajectory), expected.trajectory)


def test_a_trajectory_of_no_rows_or_no_steps_is_the_start():
    field = LinearField(np.eye(3), exact=True)
    assert synchronous(field, np.ones((0, 3)), n_steps=5, n_kept=2).trajectory.shape == (0, 3, 3)
    np.testing.assert_array_equal(
        synchronous(field, np.ones((2, 3)), n_steps=0, n_kept=2).trajectory, np.ones((2, 1, 3))
    )


def test_alternating_layers_never_climb_and_end():
    rng = np.random.default_rng(0)
    pair = BipartiteField(rng.standard_normal((30, 20)), rng.standard_normal(30), rng.standard_normal(20))
    states = rng.choice([-1.0, 1.0], (60, 50))
    recall = alternating(pair, states, n_steps=100, n_kept=100)
    energies = np.stack([pair.energy(kept) for kept in np.moveaxis(recall.trajectory, 1, 0)])
    assert np.all(np.diff(energies, axis=0) <= 1e-10)
    assert recall.converged.all()
    np.testing.assert_array_equal(np.sign(pair(recall.states)), recall.states)
    alone = [alternating(pair, row[None, :], n_steps=100).states[0] for row in states]
    np.testing.assert_array_equal(alone, recall.states)


def test_any_map_settles():
    recall = settle(lambda states, clamped: (states + 1) % 3, np.asarray([[0.0], [1.0]]), n_steps=7, n_kept=7)
    np.testing.assert_array_equal(recall.cycle_length, [3, 3])
    np.testing.assert_array_equal(recall.states[:, 0], [1.0, 2.0])
    np.testing.assert_array_equal(recall.trajectory[0, :, 0], np.arange(8) % 3)


def test_cycles_are_entered_where_a_walk_that_remembers_finds_it():
    rng = np.random.default_rng(0)
    table = rng.integers(300, size=300)  # a random map: tails and cycles of many lengths
    start = np.arange(300.0)[:, None]

    def update(states, clamped):
        return table[states[:, 0].astype(int)][:, None].astype(float)

    recall = settle(update, start, n_steps=1000)
    entry, states = cycle_entry(update, start, recall.cycle_length)
    for first in range(300):
        seen, state = {}, first
        while state not in seen:
            seen[state] = len(seen)
            state = table[state]
        assert (entry[first], states[first, 0]) == (seen[state], state)
        assert recall.cycle_length[first] == len(seen) - seen[state]
    assert len(set(entry.tolist())) > 10


def test_without_a_cycle_there_is_no_entry():
    entry, states = cycle_entry(lambda states, clamped: states + 1.0, np.asarray([[3.0]]), np.asarray([0]))
    assert (entry[0], states[0, 0]) == (-1, 3.0)
    assert cycle_entry(lambda states, clamped: states, np.zeros((0, 1)), np.zeros(0, dtype=int))[0].shape == (0,)

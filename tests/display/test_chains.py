"""ChainDisplay draws the states that Gibbs chains pass, in the order of the steps."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skamem import HopfieldNetwork, RestrictedBoltzmannMachine

plt = pytest.importorskip("matplotlib.pyplot")

from skamem.display import ChainDisplay  # noqa: E402

X = np.repeat(np.eye(4), 10, axis=0)
MACHINE = RestrictedBoltzmannMachine(3, max_iter=5, random_state=0).fit(X)


def drawn(display):
    return np.asarray([[np.ma.getdata(axis.images[0].get_array()).ravel() for axis in row] for row in display.ax_])


def test_it_follows_the_chains_of_gibbs():
    display = ChainDisplay.from_estimator(MACHINE, X[:2], steps=(0, 1, 4), random_state=7)
    random_state = np.random.RandomState(7)
    states, v = [], X[:2]
    for gap in (0, 1, 3):
        v = MACHINE.gibbs(v, n_steps=gap, random_state=random_state)
        states.append(v)
    assert_array_equal(display.states, np.stack(states, axis=1))
    assert_array_equal(drawn(display), display.states)
    assert [axis.get_title() for axis in display.ax_[0]] == ["0", "1", "4"]
    assert [axis.get_ylabel() for axis in display.ax_[:, 0]] == ["chain 1", "chain 2"]


@pytest.mark.parametrize("visible", ["binary", "gaussian"])
def test_without_rows_chains_start_at_independent_features(visible):
    rows = np.where(np.arange(4) == 1, 0.5, 1.0) * X + np.r_[5.0, 0, 0, 0] * (visible == "gaussian")
    machine = RestrictedBoltzmannMachine(3, visible=visible, max_iter=2, random_state=0).fit(rows)
    start = ChainDisplay.from_estimator(machine, n_chains=60, steps=[0], random_state=0).states[:, 0, :]
    # Four means of 60 rows, of a standard deviation of 1/2 at most, within five standard errors of those of the data.
    np.testing.assert_allclose(start.mean(axis=0), rows.mean(axis=0), atol=5 * 0.5 / 60**0.5)
    assert set(np.unique(start)) == {0, 1} if visible == "binary" else start[:, 0].min() > 2


def test_one_seed_one_picture_and_axes_of_ones_own():
    figure, axes = plt.subplots(2, 2)
    options = {"n_chains": 2, "steps": (1, 2), "random_state": 3}
    display = ChainDisplay.from_estimator(MACHINE, ax=axes, **options)
    assert display.figure_ is figure
    assert_array_equal(display.ax_, axes)
    assert_array_equal(display.states, ChainDisplay.from_estimator(MACHINE, **options).states)
    assert len(figure.axes) == 4, "no colour bar"


def test_a_single_chain_is_a_row():
    assert ChainDisplay.from_estimator(MACHINE, n_chains=1, steps=(0, 1, 2)).ax_.shape == (1, 3)


def test_bad_input_is_named():
    with pytest.raises(TypeError, match="HopfieldNetwork has no gibbs"):
        ChainDisplay.from_estimator(HopfieldNetwork(check_stored=False).fit(np.ones((1, 4))))
    for steps in [(3, 1), (-1, 2), (), (0.5, 1)]:
        with pytest.raises(ValueError, match="steps="):
            ChainDisplay.from_estimator(MACHINE, steps=steps)
    with pytest.raises(ValueError, match="n_chains=0"):
        ChainDisplay.from_estimator(MACHINE, n_chains=0)

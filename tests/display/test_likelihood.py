"""LikelihoodDisplay draws recorded likelihoods, and as a band what is not known of ln Z."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skamem import RestrictedBoltzmannMachine
from skamem.analysis import LikelihoodCurve

plt = pytest.importorskip("matplotlib.pyplot")

from skamem.display import LikelihoodDisplay  # noqa: E402

X = np.repeat(np.eye(4), 10, axis=0)
CURVE = LikelihoodCurve(np.asarray([5, 10, 15]), np.asarray([-3.0, -2.0, -1.5]), np.asarray([0.0, 0.1, 0.2]))


def learnt(**options):
    return RestrictedBoltzmannMachine(
        3, **{"max_iter": 4, "monitor": "log_likelihood", "random_state": 0} | options
    ).fit(X)


def test_it_draws_what_the_machine_wrote_down():
    machine = learnt()
    display = LikelihoodDisplay.from_estimator(machine)
    (line,) = display.lines_
    assert_array_equal(line.get_xdata(), [1, 2, 3, 4])
    assert_array_equal(line.get_ydata(), machine.monitor_curve_)
    assert display.bands_ == [None], "ln Z is exact"
    assert display.ax_.get_legend() is None


def test_the_band_is_the_interval_of_ln_z():
    display = LikelihoodDisplay(CURVE).plot(confidence=0.9)
    low, high = CURVE.interval(0.9)
    assert_allclose((high - low) / 2, 1.6449 * CURVE.standard_error, rtol=1e-4)
    (band,) = display.bands_
    x, y = band.get_paths()[0].vertices.T
    for epoch, ends in zip(CURVE.epochs, zip(low, high, strict=True), strict=True):
        at = y[x == epoch]
        assert_allclose([at.min(), at.max()], ends)
    assert LikelihoodDisplay(CURVE).plot(confidence=None).bands_ == [None]


def test_names_and_levels_stand_in_the_legend():
    machines = {"cd": learnt(sampler="cd"), "pcd": learnt()}
    _, ax = plt.subplots()
    display = LikelihoodDisplay.from_estimator(machines, levels={"bound": np.log(1 / 4)}, ax=ax)
    assert display.ax_ is ax
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["cd", "pcd", "bound"]
    assert ax.lines[-1].get_ydata()[0] == np.log(1 / 4)


@pytest.mark.parametrize("monitor", [None, "pseudo_likelihood"])
def test_a_machine_without_a_record_is_refused(monitor):
    with pytest.raises(ValueError, match="no log-likelihoods of its epochs; .*monitor='log_likelihood'"):
        LikelihoodDisplay.from_estimator(learnt(monitor=monitor))

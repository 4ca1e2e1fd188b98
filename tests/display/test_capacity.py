"""CapacityDisplay draws the means and errors of curves, and what was predicted, where it belongs."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skamem import HebbianMemory, HopfieldNetwork
from skamem.analysis import CapacityCurve, capacity_curve, retrieval_overlap

plt = pytest.importorskip("matplotlib.pyplot")

from skamem.display import CapacityDisplay  # noqa: E402


def curve_of(*means):
    recalled = np.asarray(means)[:, None] + [[-0.1, 0.1]]
    return CapacityCurve(10, 5 * np.arange(1, 1 + len(means)), recalled, (1 + recalled) / 2)


def bar_lengths(drawn):
    _, _, (bars,) = drawn
    return np.asarray([np.ptp(segment[:, 1]) for segment in bars.get_segments()])


def legend(axis):
    return [text.get_text() for text in axis.get_legend().get_texts()]


def test_from_estimator_draws_what_is_measured():
    options = {"loads": [0.05, 0.2], "n_seeds": 3, "random_state": 0, "rate": 0.1}
    memories = {"sync": HebbianMemory(zero_diagonal=True), "async": HopfieldNetwork()}
    display = CapacityDisplay.from_estimator(memories, 60, predicted={"async": 9}, **options)
    for name, drawn in zip(memories, display.lines_):
        curve = capacity_curve(memories[name], 60, **options)
        assert_allclose(drawn[0].get_xydata(), np.c_[curve.loads, 100 * curve.mean()])
        assert_allclose(bar_lengths(drawn), 200 * curve.standard_error())
    assert set(legend(display.ax_)) == {"sync", "async", "predicted capacity"}
    (predicted,) = (line for line in display.ax_.lines if line.get_linestyle() == ":" and len(line.get_xdata()))
    assert_allclose(predicted.get_xdata(), 9 / 60)
    assert predicted.get_color() == display.lines_[1][0].get_color()
    assert display.figure_ is display.ax_.figure


def test_one_memory_is_called_by_its_class():
    display = CapacityDisplay.from_estimator(HopfieldNetwork(), 20, loads=[0.05], n_seeds=1)
    assert legend(display.ax_) == ["HopfieldNetwork"]


def test_one_curve_needs_no_name():
    display = CapacityDisplay(curve_of(0.9, 0.5), predicted={"theory": 7}).plot()
    assert legend(display.ax_) == ["predicted capacity"]
    assert CapacityDisplay(curve_of(0.9, 0.5)).plot().ax_.get_legend() is None


def test_theory_is_drawn_over_the_loads_that_were_measured():
    curve = curve_of(0.9, 0.5, 0.2)
    display = CapacityDisplay({"Hebb": curve}, theory={"Hebb": lambda load: retrieval_overlap(load / 10)})
    axis = display.plot(measure="overlap").ax_
    (theory,) = (line for line in axis.lines if line.get_linestyle() == "--" and len(line.get_xdata()))
    assert_allclose(theory.get_xdata()[[0, -1]], curve.loads[[0, -1]])
    assert_allclose(theory.get_ydata(), retrieval_overlap(theory.get_xdata() / 10))
    assert axis.get_ylabel() == "overlap with the stored pattern"
    assert_allclose(display.lines_[0][0].get_ydata(), curve.mean("overlap"))
    assert display.lines_[0][0].get_linestyle() == "None"


@pytest.mark.parametrize("measure", ["recalled", "units_right", "bit_error"])
def test_shares_are_in_percent(measure):
    curve = curve_of(0.9, 0.5)
    display = CapacityDisplay(curve).plot(measure=measure)
    assert_allclose(display.lines_[0][0].get_ydata(), 100 * curve.mean(measure))
    assert_allclose(bar_lengths(display.lines_[0]), 200 * curve.standard_error(measure))
    assert display.ax_.get_ylabel().endswith("%")


def test_curves_are_told_apart():
    display = CapacityDisplay({str(i): curve_of(0.9, 0.5) for i in range(12)}).plot()
    looks = {(line.get_color(), line.get_marker(), line.get_markerfacecolor()) for line, *_ in display.lines_}
    assert len(looks) == 12


def test_it_draws_where_it_is_told():
    figure, axis = plt.subplots()
    display = CapacityDisplay(curve_of(0.9, 0.5)).plot(ax=axis)
    assert display.ax_ is axis
    assert display.figure_ is figure


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="found a prediction for 'Hopfield'; expected names of curves: Hebb"):
        CapacityDisplay({"Hebb": curve_of(0.9)}, predicted={"Hopfield": 3}).plot()
    with pytest.raises(ValueError, match="measure='speed' is not an option"):
        CapacityDisplay(curve_of(0.9)).plot(measure="speed")

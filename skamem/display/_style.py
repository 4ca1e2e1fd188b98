"""What displays have in common: colours that colour-blind people can tell apart, and markers that go with them."""

__all__ = ["BLUE", "COLOURS", "MARKERS", "ORANGE", "VERMILION", "bare"]

BLUE, VERMILION, ORANGE = "#0072B2", "#D55E00", "#E69F00"

COLOURS = (BLUE, VERMILION, "#009E73", "#CC79A7", ORANGE, "#56B4E9")
"""Okabe and Ito's palette without its yellow and black, for one line after another."""

MARKERS = ("o", "s", "^", "D", "v", "P")
"""One for each colour, so that lines can be told apart without colours, too."""


def bare(ax):
    """Take away the frame's top and right."""
    ax.spines[["top", "right"]].set_visible(False)

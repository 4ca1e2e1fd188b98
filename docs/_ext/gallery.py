"""The order of the gallery; conf.py names it by a string, so that Sphinx can compare configurations."""


def tour_first(filename):
    """Sort key of an example: the tour, then the others by name."""
    return filename != "quickstart.py", filename

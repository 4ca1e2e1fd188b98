"""For pytest, tests and doctests alike."""

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _doctest_surroundings(request):
    """In a doctest `np` is NumPy, and print options that one example sets do not reach the next."""
    if isinstance(request.node, pytest.DoctestItem):
        request.getfixturevalue("doctest_namespace")["np"] = np
        with np.printoptions():
            yield
    else:
        yield

"""Fixtures that several folders share; they stand in for imports from this folder, too."""

import pytest

from skamem.generative import _network_queries

from . import _places


@pytest.fixture(params=_places.PLACES)
def place(request):
    """A library and device other than NumPy; a test that asks for it runs on all of them."""
    with _places.open_place(request.param) as place:
        yield place


@pytest.fixture
def dispatched():
    """``with dispatched():`` estimators follow their input."""
    return _places.dispatched


@pytest.fixture
def fake_cupy():
    """``with fake_cupy() as cupy:`` there is a CuPy."""
    return _places.fake_cupy


@pytest.fixture
def short_annealing(monkeypatch):
    """Rough partition functions of networks: for tests that ask where numbers lie, not how good they are."""
    monkeypatch.setitem(_network_queries._ANNEALING, "n_steps", 50)

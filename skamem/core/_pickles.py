"""Estimators that travel: their arrays, wherever they live, come home for a pickle and go back after it."""

from skamem.core import arrays
from skamem.core.factors import Factors

__all__ = ["home_state", "map_arrays", "map_leaves", "restored"]

_FACTORS = "skamem.core.factors.Factors"  # the key under which a dict holds the parts of factors


def home_state(state):
    """Copy of an estimator's ``__dict__`` with device arrays brought to the host, and the names of those moved.

    Factors become plain containers, so that a file needs to name no class but the estimator's; `restored` is the way
    back.

    Parameters
    ----------
    state : dict
        Attributes by name; arrays may stand in nested dicts, lists and tuples.

    Returns
    -------
    state : dict
        Attributes by name, all arrays NumPy.
    moved : list of str
        Names of the attributes that were elsewhere, or held an array that was.
    """
    state = {name: _plain(value) for name, value in state.items()}
    moved = [name for name, value in state.items() if _is_away(value)]
    return {**state, **{name: map_arrays(arrays.to_numpy, state[name]) for name in moved}}, moved


def map_arrays(function, value):
    """Apply a function to an array, or to all arrays in nested containers; other values pass unchanged.

    Parameters
    ----------
    function : callable
        From array to array.
    value : object
        What an attribute of an estimator holds.

    Returns
    -------
    value : object
        Of the same structure, the containers new.

    Examples
    --------
    >>> import numpy as np
    >>> map_arrays(lambda a: a + 1, {"n": 3, "moments": [np.zeros(2), np.ones(1)]})
    {'n': 3, 'moments': [array([1., 1.]), array([2.])]}
    """
    return map_leaves(lambda leaf: function(leaf) if arrays.is_array(leaf) else leaf, value)


def map_leaves(function, value):
    """Apply a function to whatever is no container: what stands in nested dicts, lists, tuples and factors.

    Parameters
    ----------
    function : callable
        From value to value.
    value : object
        What an attribute of an estimator holds.

    Returns
    -------
    value : object
        Of the same structure, the containers new.
    """
    if isinstance(value, dict):
        return {key: map_leaves(function, entry) for key, entry in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map_leaves(function, entry) for entry in value)
    if isinstance(value, Factors):
        return Factors(*(map_leaves(function, part) for part in (value.inputs, value.outputs, value.strengths)))
    return function(value)


def restored(value):
    """What an attribute of an estimator held, from what `home_state` made of it."""
    if isinstance(value, dict) and set(value) == {_FACTORS}:
        return Factors(*value[_FACTORS])
    return value


def _plain(value):
    return {_FACTORS: [value.inputs, value.outputs, value.strengths]} if isinstance(value, Factors) else value


def _is_away(value):
    """Whether a value is an array elsewhere than on the host, or holds one."""
    if isinstance(value, dict):
        return any(map(_is_away, value.values()))
    if type(value) in (list, tuple):
        return any(map(_is_away, value))
    return arrays.is_array(value) and not arrays.is_host(value)

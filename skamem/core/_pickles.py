"""Estimators that travel: their arrays, wherever they live, come home for a pickle and go back after it."""

from skamem.core import arrays

__all__ = ["home_state", "map_arrays"]


def home_state(state):
    """Copy of an estimator's ``__dict__`` with device arrays brought to the host, and the names of those moved.

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
    moved = [name for name, value in state.items() if _is_away(value)]
    return {**state, **{name: map_arrays(arrays.to_numpy, state[name]) for name in moved}}, moved


def map_arrays(function, value):
    """Apply a function to an array, or to all arrays in nested dicts, lists and tuples; other values pass unchanged.

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
    if arrays.is_array(value):
        return function(value)
    if isinstance(value, dict):
        return {key: map_arrays(function, entry) for key, entry in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map_arrays(function, entry) for entry in value)
    return value


def _is_away(value):
    """Whether a value is an array elsewhere than on the host, or holds one."""
    if isinstance(value, dict):
        return any(map(_is_away, value.values()))
    if type(value) in (list, tuple):
        return any(map(_is_away, value))
    return arrays.is_array(value) and not arrays.is_host(value)

"""The eigenvector automaton: a linear memory that is fed its own output."""

import numbers
from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_array

from skamem.analysis._probing import on_host
from skamem.core.validation import check_number, check_option

__all__ = ["LinearOrbit", "linear_orbit"]


@dataclass(frozen=True, eq=False)
class LinearOrbit:
    """Result of `linear_orbit`.

    Parameters
    ----------
    states : ndarray of shape (n_steps + 1, n_units)
        The start and the states after each step.
    growth : ndarray of shape (n_steps,)
        Factor by which each step changed the length of the state.
    period : int
        After how many steps the last state came back: 1 for a fixed point, 0 if it never did.
    direction : ndarray of shape (n_units,) or None
        Eigenvector of length 1 that the last state points along; None if it points along none.
    eigenvalue : float
        Its eigenvalue; NaN if there is none.

    Examples
    --------
    >>> from skamem.analysis import linear_orbit
    >>> orbit = linear_orbit([[0.0, 1.0], [-1.0, 0.0]], [1.0, 0.0], n_steps=8)  # turns by a right angle
    >>> orbit.period, orbit.direction is None
    (4, True)
    """

    states: np.ndarray
    growth: np.ndarray
    period: int
    direction: np.ndarray | None
    eigenvalue: float

    def to_frame(self):
        """The orbit as a pandas DataFrame.

        Returns
        -------
        frame : pandas.DataFrame
            One row a step, columns ``growth`` (NaN for the start) and ``unit0``, ``unit1``, ...
        """
        import pandas as pd

        units = {f"unit{index}": values for index, values in enumerate(self.states.T)}
        return pd.DataFrame({"growth": np.concatenate([[np.nan], self.growth])} | units).rename_axis("step")


def linear_orbit(weights, start, *, n_steps=100, normalize=True, tolerance=1e-9):
    """Follow the linear iteration a <- a W, which turns to the eigenvector of the dominant eigenvalue if there is one.

    Parameters
    ----------
    weights : array-like of shape (n_units, n_units), or object
        W, or a memory that has it as `weights_`.
    start : array-like of shape (n_units,)
        First state.
    n_steps : int, default=100
        Steps, >= 1.
    normalize : bool, default=True
        Bring every state to length 1, the start included, so that only directions count.
    tolerance : float, default=1e-9
        Difference, relative to the length of the state, below which states count as the same.

    Returns
    -------
    orbit : LinearOrbit
        With ``states``, ``growth``, ``period``, ``direction``, ``eigenvalue`` and ``to_frame()``.

    Raises
    ------
    ValueError
        When W is not square, `start` does not fit it or is zero, or states grow beyond what floats can hold.

    Notes
    -----
    Three ends are typical: a single dominant eigenvalue draws (nearly) every start to its eigenvector, as fast as
    powers of the ratio of the second largest magnitude to the largest fall; a rotation by a rational part of a full
    turn comes back; one by an irrational part never does. A negative dominant eigenvalue gives a direction, and period
    2. While the state still turns by more than `tolerance` a step, there is neither: take more steps. A state that
    becomes zero stays there. Cost O(n_steps n_units²).

    References
    ----------
    Rojas (1996), Neural Networks: A Systematic Introduction, chapter 12, Springer, ISBN 978-3-540-60505-8.

    Examples
    --------
    >>> from skamem.analysis import linear_orbit
    >>> orbit = linear_orbit([[2.0, 0.0], [0.0, 1.0]], [1.0, 1.0])
    >>> orbit.direction.round(6), round(orbit.eigenvalue, 6), orbit.period
    (array([1., 0.]), 2.0, 1)
    """
    check_number("n_steps", n_steps, kind=numbers.Integral, low=1)
    check_option("normalize", normalize, (True, False))
    check_number("tolerance", tolerance, low=0.0)
    weights, start = _check(weights, start)
    states, growth = np.empty((n_steps + 1, len(start))), np.zeros(n_steps)
    states[0] = start / np.linalg.norm(start) if normalize else start
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(n_steps):
            new, length = states[step] @ weights, np.linalg.norm(states[step])
            growth[step] = np.linalg.norm(new) / length if length else 0.0
            states[step + 1] = new / np.linalg.norm(new) if normalize and growth[step] else new
    if not np.isfinite(growth).all():
        beyond = int(np.argmin(np.isfinite(growth)))
        raise ValueError(
            f"States overflow after {beyond} steps; expected finite ones. Use normalize=True, or fewer steps."
        )
    return LinearOrbit(states, growth, _period(states, tolerance), *_eigenpair(weights, states[-1], tolerance))


def _check(weights, start):
    weights = check_array(on_host(getattr(weights, "weights_", weights)), dtype=float, input_name="weights")
    start = check_array(on_host(start), ensure_2d=False, dtype=float, input_name="start")
    if weights.shape[0] != weights.shape[1]:
        raise ValueError(f"weights have shape {weights.shape}; expected a square matrix, so that output can be input.")
    if start.shape != weights.shape[:1]:
        raise ValueError(f"start has shape {start.shape}; expected {weights.shape[:1]}, one entry a unit.")
    if not start.any():
        raise ValueError("start is zero, and stays so; expected some entry that is not.")
    return weights, start


def _period(states, tolerance):
    """Steps since the last state was last seen."""
    last = states[-1]
    same = np.linalg.norm(states[:-1] - last, axis=1) <= tolerance * np.linalg.norm(last)
    seen = np.flatnonzero(same)
    return int(len(states) - 1 - seen[-1]) if len(seen) else 0


def _eigenpair(weights, state, tolerance):
    """Unit vector and eigenvalue, if `state` is an eigenvector."""
    length = np.linalg.norm(state)
    if not length:
        return None, np.nan
    direction = state / length
    image = direction @ weights
    value = float(image @ direction)
    if np.linalg.norm(image - value * direction) > tolerance * np.linalg.norm(image):
        return None, np.nan
    return direction, value

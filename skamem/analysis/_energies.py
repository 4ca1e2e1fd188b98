"""Energies along recall: how cues go downhill."""

import numbers
from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state

from skamem.analysis._endings import Endings, endings, has_energy, limited
from skamem.analysis._probing import InputPlace, on_host
from skamem.core.validation import check_number, check_option

__all__ = ["EnergyPath", "energy_path"]

_STEPS = 100  # at most, of memories that do not say


@dataclass(frozen=True, eq=False)
class EnergyPath:
    """Result of `energy_path`.

    Parameters
    ----------
    energies : ndarray of shape (n_cues, n_steps + 1)
        Energy of each cue, and after each step. Rows that are done stay where they are.
    step : str
        What a step is: "update", "sweep", "unit" or "prediction".

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.analysis import EnergyPath
    >>> path = EnergyPath(np.asarray([[0.0, -2.0, -3.0], [-1.0, 1.0, 1.0]]), "update")
    >>> path.rises
    array([[False, False],
           [ True, False]])
    """

    energies: np.ndarray
    step: str

    @property
    def rises(self):
        """On which steps a cue's energy rises by more than rounding: bool of shape (n_cues, n_steps)."""
        rounding = np.finfo(self.energies.dtype).eps ** 0.5
        return np.diff(self.energies, axis=1) > rounding * np.max(np.abs(self.energies))

    def to_frame(self):
        """The path as a pandas DataFrame.

        Returns
        -------
        frame : pandas.DataFrame
            One row a cue, one column a step.
        """
        import pandas as pd

        return pd.DataFrame(self.energies).rename_axis(index="cue", columns=self.step)


def energy_path(memory, cues, *, by="step", n_steps=None):
    """Energy step by step along recall.

    Parameters
    ----------
    memory : object
        Fitted, with `energy` and `predict`.
    cues : array-like of shape (n_cues, n_units)
        Complete cues: without unknown (NaN) units.
    by : {"step", "unit"}, default="step"
        "step": after each step of recall, as the memory counts them: updates of all units or, for ``update="async"``,
        sweeps over them. "unit": after each unit's turn; for memories with ``update="async"``.
    n_steps : int, default=None
        Steps (sweeps, by unit) at most, >= 1; None for those that recall takes.

    Returns
    -------
    path : EnergyPath
        With ``energies``, ``rises`` and ``to_frame()``.

    Raises
    ------
    TypeError
        When the memory has no energy.
    ValueError
        For cues with unknown units, and for ``by="unit"`` where units are not updated one after another.

    Notes
    -----
    One unit after another, energies never rise in networks with symmetric weights and in dense memories; all at once
    they may. A memory without `n_recall_steps` is asked to predict from its predictions, again and again, until nothing
    changes. Cost: as many calls of recall as there are steps, the k-th of k steps; by unit, one for each unit and
    sweep.

    References
    ----------
    Hopfield (1982), PNAS 79:2554, doi:10.1073/pnas.79.8.2554.

    Examples
    --------
    >>> from skamem import HopfieldNetwork
    >>> from skamem.analysis import energy_path
    >>> flip_flop = HopfieldNetwork.from_weights([[0, -1], [-1, 0]], random_state=0)
    >>> energy_path(flip_flop, [[1, 1]], by="unit").energies
    array([[ 1., -1., -1., -1., -1.]])
    >>> at_once = HopfieldNetwork.from_weights([[0, -1], [-1, 0]], [0.5, 0.5], update="sync")
    >>> energy_path(at_once, [[1, 1]], n_steps=3).energies
    array([[0., 2., 0., 2.]])
    """
    check_option("by", by, ("step", "unit"))
    if n_steps is not None:
        check_number("n_steps", n_steps, kind=numbers.Integral, low=1)
    if not (has_energy(memory) and callable(getattr(memory, "predict", None))):
        raise TypeError(f"{type(memory).__name__} has no energy; expected a fitted memory with energy and predict.")
    cues, place = InputPlace.check(cues)
    energies = [on_host(memory.energy(place.asarray(cues)))]
    update = getattr(memory, "update", None)
    if by == "unit":
        if update != "async":
            raise ValueError(
                f"by='unit' needs units that are updated one after another; found {type(memory).__name__} with "
                f"update={update!r}, expected 'async'. Use by='step'."
            )
        steps, name = _units(memory, cues, place, n_steps), "unit"
    elif hasattr(memory, "n_recall_steps"):
        steps, name = _steps(memory, cues, place, n_steps), "sweep" if update == "async" else "update"
    else:
        steps, name = _predictions(memory, cues, place, n_steps), "prediction"
    energies += [ends.energy(memory, place) for ends in steps]
    return EnergyPath(np.stack(energies, axis=1), name)


def _n_steps(memory, cues, place, n_steps):
    if n_steps is not None:
        return n_steps
    taken = endings(memory, cues, place).n_steps
    return memory.n_recall_steps if taken is None else int(np.max(taken))


def _steps(memory, cues, place, n_steps):
    # From the cues each time, not from the last states: a memory of pairs has more than these to go on with.
    for step in range(1, _n_steps(memory, cues, place, n_steps) + 1):
        yield endings(limited(memory, step), cues, place)


def _units(memory, cues, place, n_steps):
    n_units, one_sweep, states = cues.shape[1], limited(memory, 1), cues
    order = check_random_state(memory.order_seed_).permutation(n_units)  # the memory's own
    for _ in range(_n_steps(memory, cues, place, n_steps)):
        for unit in order:
            recall = one_sweep.recall(place.asarray(states), clamped=np.arange(n_units) != unit)
            states = on_host(recall.states)
            yield Endings(states)


def _predictions(memory, cues, place, n_steps):
    states = cues
    for _ in range(_STEPS if n_steps is None else n_steps):
        ends = endings(memory, states, place)
        yield ends
        if np.array_equal(ends.states, states):
            return
        states = ends.states

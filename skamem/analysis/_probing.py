"""How analysis asks a memory: of any object with `predict`, on the host, in tasks that may run side by side.

Random numbers belong to tasks, and tasks do not depend on the number of jobs: results are the same for every `n_jobs`.
"""

import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_array, check_consistent_length, check_random_state
from sklearn.utils.parallel import Parallel, delayed

from skamem.core import arrays, validation
from skamem.core.coding import perfect_recall
from skamem.core.columns import unmasked
from skamem.core.validation import check_number

__all__ = ["InputPlace", "Probing", "in_parallel", "on_host", "task_seeds"]


@dataclass(frozen=True, eq=False)
class InputPlace:
    """How a memory expects its input: as the patterns were given that its user knows it by.

    Parameters
    ----------
    placement : Placement
        Library and device of arrays.
    columns : pandas.Index or None
        Names of the units of data frames; None for arrays.
    """

    placement: Any
    columns: Any = None

    @classmethod
    def check(cls, X):
        """Validated patterns, on the host, and the place of what was given.

        Parameters
        ----------
        X : array-like of shape (n_patterns, n_units)
            Arrays of any library, or a pandas data frame; without unknown units.

        Returns
        -------
        X : ndarray of shape (n_patterns, n_units)
        place : InputPlace
        """
        columns = X.columns if hasattr(X, "iloc") else None
        X = check_array(unmasked(X), ensure_all_finite="allow-nan")
        place, X = arrays.placement_of(X), on_host(X)
        unknown = np.isnan(X).any(axis=1) if X.dtype.kind == "f" else np.zeros(len(X), dtype=bool)
        if unknown.any():
            raise ValueError(
                f"Row {int(np.argmax(unknown))} has unknown units (NaN); expected complete states. Leave such rows "
                "out, or complete them by recall first."
            )
        return X, cls(place, columns)

    def asarray(self, states):
        """States as input of the memory."""
        if self.columns is None:
            return self.placement.asarray(states)
        import pandas as pd

        return pd.DataFrame(states, columns=self.columns)

    @property
    def on_device(self):
        """Whether the memory expects other arrays than NumPy's."""
        return not arrays.is_host(self.placement.asarray(0.0))


@dataclass(frozen=True, eq=False)
class Probing:
    """A memory, what it stores, and what counts as recall.

    Parameters
    ----------
    memory : object
        Anything fitted with `predict`: a memory, a pipeline that ends in one, a `MemoryClassifier`, a user's own.
    patterns : ndarray of shape (n_patterns, n_units)
        Stored patterns.
    targets : ndarray of shape (n_patterns,) or (n_patterns, n_outputs)
        What they recall: themselves, associated patterns, or labels.
    tolerance : float
        Largest difference of a recalled unit from its target that still counts as recall.
    place : InputPlace
        How the memory expects its input.
    """

    memory: Any
    patterns: np.ndarray
    targets: np.ndarray
    tolerance: float
    place: Any

    @classmethod
    def of(cls, memory, X, y=None, *, tolerance=0.0):
        """Check what the user gave.

        Parameters
        ----------
        memory : object
            See the class.
        X : array-like of shape (n_patterns, n_units)
            Stored patterns.
        y : array-like of shape (n_patterns,) or (n_patterns, n_outputs), default=None
            What they recall; None for themselves.
        tolerance : float, default=0.0
            See the class.

        Returns
        -------
        probing : Probing
        """
        if not callable(getattr(memory, "predict", None)):
            raise TypeError(f"{type(memory).__name__} has no predict; expected a fitted memory, or anything like one.")
        validation.check_number("tolerance", tolerance, low=0.0)
        X, place = InputPlace.check(X)
        if y is not None:
            y = check_array(unmasked(y), ensure_2d=False, dtype=None, input_name="y")
            check_consistent_length(X, y)
            if y.ndim == 1 and hasattr(memory, "encode"):
                raise ValueError(
                    f"y is 1-D, but {type(memory).__name__} recalls patterns; expected shape (n_patterns, n_outputs), "
                    "or no y for a memory that recalls the patterns themselves."
                )
        targets = on_host(perfect_recall(memory, place.asarray(X), y))
        return cls(memory, X, targets, float(tolerance), place)

    @property
    def values(self):
        """The least and the greatest value of a unit; flipping reflects about their middle.

        Patterns of one value only are flipped about 0.
        """
        low, high = float(np.min(self.patterns)), float(np.max(self.patterns))
        if low == high:
            if low == 0.0:
                raise ValueError("All units of X are 0; expected two values, such as -1 and 1 or 0 and 1, to flip.")
            return -abs(low), abs(low)
        return low, high

    @property
    def on_device(self):
        """Whether the memory expects other arrays than NumPy's."""
        return self.place.on_device

    def flipped(self, states, chosen):
        """States with the chosen units flipped.

        Parameters
        ----------
        states : ndarray of shape (n_states, n_units)
            Any states.
        chosen : bool ndarray of shape (n_states, n_units)
            Which units.

        Returns
        -------
        flipped : ndarray of shape (n_states, n_units)
        """
        return np.where(chosen, sum(self.values) - states, states)

    def ask(self, probes):
        """What the memory predicts, on the host."""
        return on_host(self.memory.predict(self.place.asarray(probes)))

    def recalled(self, probes, owners):
        """Whether each probe leads to the target of the pattern that owns it.

        Parameters
        ----------
        probes : ndarray of shape (n_probes, n_units)
            Cues.
        owners : int ndarray of shape (n_probes,)
            Index of the pattern that each one was made of.

        Returns
        -------
        recalled : bool ndarray of shape (n_probes,)
        """
        return self.agrees(self.ask(probes), self.targets[owners])

    def agrees(self, found, expected):
        """Whether rows agree: labels if they are equal, patterns if no unit differs by more than the tolerance."""
        if self.tolerance and expected.dtype.kind in "biuf":
            equal = np.abs(found - expected) <= self.tolerance
        else:
            equal = found == expected
        return equal if equal.ndim == 1 else equal.all(axis=1)


def on_host(array):
    """Any array or array-like as NumPy."""
    return arrays.to_numpy(array) if arrays.is_array(array) else np.asarray(array)


def task_seeds(random_state, n_tasks):
    """One seed for each task."""
    return check_random_state(random_state).randint(2**31 - 1, size=n_tasks)


def in_parallel(function, tasks, *, n_jobs=None, progress=False, name="probing"):
    """``[function(*task) for task in tasks]``, in order, on several processors.

    Parameters
    ----------
    function : callable
        Its results depend on its arguments only; it may run in another process.
    tasks : list of tuple
        Arguments of each call. If one of the first call's says that it is ``on_device``, threads are used.
    n_jobs : int, default=None
        Workers of joblib: None is 1 unless a `joblib.parallel_config` says otherwise, -1 all processors.
    progress : bool or callable, default=False
        True shows a progress bar (needs rich); a callable is called as ``progress(n_done, n_tasks)``.
    name : str
        What the bar is labelled with.

    Returns
    -------
    results : list

    Raises
    ------
    TypeError, ValueError
        When `n_jobs` is no number of workers.
    """
    if n_jobs is not None and check_number("n_jobs", n_jobs, kind=numbers.Integral) == 0:
        raise ValueError("n_jobs=0 is out of range; expected a number of workers, -1 for all processors, or None.")
    tasks = list(tasks)
    # Processes: asynchronous recall spends much of its time under the interpreter's lock (benchmarks/analysis.py: two
    # processes make it 1.8 times as fast, two threads 1.5 times), and joblib gives each process its share of the BLAS
    # threads. But a memory on a device is not sent around.
    here = any(getattr(argument, "on_device", False) for task in tasks[:1] for argument in task)
    work = Parallel(n_jobs=n_jobs, prefer="threads" if here else "processes", return_as="generator")
    results = work(delayed(function)(*task) for task in tasks)
    return list(_reported(results, len(tasks), progress, name))


def _reported(results, n_tasks, progress, name):
    if progress is True:
        try:
            from rich.progress import track
        except ImportError as error:
            raise ImportError("progress=True needs rich: pip install rich, or give a function.") from error
        yield from track(results, description=name, total=n_tasks)
        return
    for done, result in enumerate(results, start=1):
        if callable(progress):
            progress(done, n_tasks)
        yield result

"""Memories of pairs inside other estimators: which may be one, how it is set up, and how it reads what it recalled."""

from dataclasses import dataclass

from sklearn.base import clone

from skamem.core import arrays
from skamem.core.parameters import Kind
from skamem.memory import DenseMemory

__all__ = ["PairMemory", "new_engine", "readable"]


class PairMemory(Kind):
    """A memory that can store pairs of patterns; the estimator around it sets its `target`.

    Parameters
    ----------
    method : str
        What the estimator asks it by.
    aim : str
        What it is to associate, for the message.
    """

    def __init__(self, method, aim):
        self.method, self.aim = method, aim

    def accepts(self, value):
        if isinstance(value, type) or not all(hasattr(value, name) for name in (self.method, "set_params")):
            return False
        return "target" in value.get_params(deep=False) or getattr(value, "target", None) == "y"

    def concerns(self, value):
        return value is not None

    def refuse(self, name, value):
        raise TypeError(f"{name}={value!r} cannot associate {self.aim}; expected {self}.")

    def __str__(self):
        return f"a memory with target='y' and {self.method}, such as DenseMemory, HebbianMemory or PseudoinverseMemory"


def new_engine(memory, backend):
    """A copy of a user's memory that stores pairs, where it is to compute.

    Parameters
    ----------
    memory : estimator or None
        What `PairMemory` accepts, not changed; None for ``DenseMemory("exponential")``, which holds most.
    backend : str or None
        For its ``backend=``; None leaves that as it is.

    Returns
    -------
    engine : estimator
        Not fitted.
    """
    engine = DenseMemory("exponential") if memory is None else clone(memory)
    if "target" in engine.get_params(deep=False):
        engine.set_params(target="y")
    return engine if backend is None else engine.set_params(backend=backend)


@dataclass(frozen=True)
class _Levels:
    """The threshold of a memory's inputs, and the states that its outputs take for off and on."""

    threshold: float
    off: float
    on: float = 1.0


def _levels(engine):
    """Levels of a memory with a threshold that its own states are on the wrong side of; None of any other."""
    threshold = getattr(engine, "binarize", None)
    if threshold is None or getattr(engine, "activation", "sign") == "identity":
        return None
    levels = _Levels(float(threshold), 0.0 if getattr(engine, "coding_", "bipolar") == "binary" else -1.0)
    return None if levels.off <= levels.threshold < levels.on else levels


def readable(engine, states):
    """States that a memory recalled, as values that it reads as these states.

    They are the states themselves, but for a memory with a threshold (``binarize=5.0``) above or below both of them.

    Parameters
    ----------
    engine : estimator
        Fitted.
    states : array
        In the coding in which it recalls; NaN is unknown, and stays so.

    Returns
    -------
    values : array
        Of the shape and type of `states`.
    """
    levels = _levels(engine)
    if levels is None:
        return states
    xp = arrays.namespace(states)
    most = float(xp.finfo(states.dtype).max)  # beyond it the threshold is one that no value reaches
    above, below = (max(-most, min(most, levels.threshold + way * max(1.0, abs(levels.threshold)))) for way in (1, -1))
    values = xp.where(states > 0.5 * (levels.off + levels.on), above, below)
    return xp.where(xp.isnan(states), states, xp.astype(values, states.dtype))

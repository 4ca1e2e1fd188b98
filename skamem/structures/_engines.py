"""Memories of pairs inside other estimators: which may be one, how it is set up, and how it reads what it recalled."""

from sklearn.base import clone

from skamem.core import arrays
from skamem.core.parameters import Kind
from skamem.memory import DenseMemory

__all__ = ["PairMemory", "levels_of", "new_engine", "readable"]


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


def levels_of(engine):
    """The states that the outputs of a fitted memory with a threshold take for off and on; None of any other."""
    if not hasattr(engine, "binarize") or getattr(engine, "activation", "sign") == "identity":
        return None
    coding = getattr(engine, "output_coding_", getattr(engine, "coding_", "bipolar"))
    return (0.0 if coding == "binary" else -1.0), 1.0


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
    levels, threshold = levels_of(engine), getattr(engine, "binarize", None)
    if levels is None or threshold is None or levels[0] <= threshold < levels[1]:
        return states
    threshold = float(threshold)
    xp = arrays.namespace(states)
    most = float(xp.finfo(states.dtype).max)  # beyond it the threshold is one that no value reaches
    above, below = (max(-most, min(most, threshold + way * max(1.0, abs(threshold)))) for way in (1, -1))
    values = xp.where(states > 0.5 * sum(levels), above, below)
    return xp.where(xp.isnan(states), states, xp.astype(values, states.dtype))

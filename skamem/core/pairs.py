"""Memories of pairs inside other estimators: which may be one, and how it is set up."""

from abc import ABC

from sklearn.base import clone

from skamem.core.base import SkamemEstimator
from skamem.core.parameters import Kind

__all__ = ["PairMemory", "PairMemoryEstimator", "new_engine"]


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
        return f"a memory with target='y' and {self.method}, such as HebbianMemory, PseudoinverseMemory or DenseMemory"


def new_engine(memory, backend):
    """A copy of a memory that stores pairs, where it is to compute.

    Parameters
    ----------
    memory : estimator
        What `PairMemory` accepts; not changed.
    backend : str or None
        For its ``backend=``; None leaves that as it is.

    Returns
    -------
    engine : estimator
        Not fitted.
    """
    engine = clone(memory)
    if "target" in engine.get_params(deep=False):
        engine.set_params(target="y")
    return engine if backend is None else engine.set_params(backend=backend)


class PairMemoryEstimator(SkamemEstimator, ABC):
    """Abstract base of estimators around a memory of pairs: parameter ``memory``, fitted ``memory_``.

    They compute where their memory does; what their own ``backend`` says goes to it.
    """

    def _largest_product(self, data):
        """Not known: the memory, whose products they are, knows its own."""
        return 0

    def _home(self):
        # Where the memory computes; one of the user's own looks itself whether cues are where it is.
        memory = getattr(self, "memory_", None)
        return memory._home() if isinstance(memory, SkamemEstimator) else None

    @property
    def _backend(self):
        return self.backend if self.backend is not None else getattr(self.memory, "backend", None)

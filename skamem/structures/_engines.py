"""Memories of pairs inside other estimators: which one unless told, and how it reads what it recalled."""

from skamem.core import arrays, pairs
from skamem.memory import DenseMemory

__all__ = ["levels_of", "new_engine", "readable"]


def new_engine(memory, backend):
    """`skamem.core.pairs.new_engine` of a user's memory; None is ``DenseMemory("exponential")``, which holds most."""
    return pairs.new_engine(DenseMemory("exponential") if memory is None else memory, backend)


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

"""Warnings that skamem gives."""

__all__ = ["CapacityWarning"]


class CapacityWarning(UserWarning):
    """A memory was asked to store more patterns than its learning rule is known to hold.

    The message gives the load, the limit and what to use instead. Silence it with
    ``warnings.simplefilter("ignore", CapacityWarning)`` when overload is what you study.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np
    >>> from skamem import HebbianMemory
    >>> from skamem.exceptions import CapacityWarning
    >>> patterns = np.sign(np.random.default_rng(0).standard_normal((30, 100)))
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     _ = HebbianMemory().fit(patterns)
    >>> caught[0].category is CapacityWarning
    True
    """

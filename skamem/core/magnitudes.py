"""Whether what is made of values, products of several, are numbers of their type, and a unit in which they are."""

import math

from skamem.core import arrays

__all__ = ["check_products", "power_of_two"]


def check_products(factors, *, owner, made):
    """Raise unless products of real patterns are numbers of their type, with room to add a thousand of them.

    Parameters
    ----------
    factors : list of arrays
        Finite patterns, one for each factor: twice the same for its squares.
    owner : str
        Estimator's name, for the message.
    made : str
        What the products are, for the message.

    Raises
    ------
    ValueError
        When the products of the largest magnitudes overflow, or vanish.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.asarray([[1e200]])
    >>> check_products([X, X], owner="HebbianMemory", made="their squares")
    Traceback (most recent call last):
        ...
    ValueError: HebbianMemory found patterns with values up to 1e+200: their squares are no numbers of float64. Scale
    them first, with StandardScaler say.
    """
    xp = arrays.namespace(factors[0])
    largest = [max(float(xp.max(factor)), -float(xp.min(factor))) for factor in factors]
    if 0.0 in largest:
        return
    limits = xp.finfo(factors[0].dtype)
    size = sum(map(math.log2, largest))
    if not math.log2(limits.smallest_normal) + 10 <= size <= math.log2(limits.max) - 10:
        worst = max(largest, key=lambda value: abs(math.log2(value)))
        raise ValueError(
            f"{owner} found patterns with values up to {worst:.3g}: {made} are no numbers of "
            f"{arrays.dtype_name(factors[0])}. Scale them first, with StandardScaler say."
        )


def power_of_two(values):
    """The magnitude of values: a unit in which the largest of them is in [1, 2), to divide by without rounding.

    Parameters
    ----------
    values : array or float
        Finite.

    Returns
    -------
    unit : float
        1 where all values are 0.

    Examples
    --------
    >>> power_of_two(3.0), power_of_two(-0.3), power_of_two(0.0)
    (2.0, 0.25, 1.0)
    """
    if not isinstance(values, float):
        xp = arrays.namespace(values)
        values = float(xp.max(xp.abs(values)))
    return math.ldexp(1.0, math.frexp(values)[1] - 1) if values else 1.0

"""Crosstalk: what stored patterns do to each other's bits in one step of a Hebbian memory."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_array, check_consistent_length

from skamem.core import arrays
from skamem.core.validation import check_option

__all__ = ["Crosstalk", "crosstalk"]


@dataclass(frozen=True, eq=False)
class Crosstalk:
    """Result of `crosstalk`.

    Parameters
    ----------
    values : ndarray of shape (n_patterns, n_units)
        Push of all other patterns against a bit, in units of what holds it in place. Above 1 the bit turns in one step;
        at exactly 1 its field is 0, and it stays.
    expected_std : float
        Standard deviation that random patterns of this number and size have.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.analysis import Crosstalk
    >>> Crosstalk(np.asarray([[0.5, -1.5], [1.5, 0.0]]), 1.0).unstable_share
    0.25
    """

    values: np.ndarray
    expected_std: float

    @property
    def unstable_share(self):
        """Share of the bits that turn in one step from their pattern."""
        return float(np.mean(self.values > 1))

    @property
    def std(self):
        """Standard deviation of the values."""
        return float(np.std(self.values))

    def to_frame(self):
        """The values as a pandas DataFrame.

        Returns
        -------
        frame : pandas.DataFrame
            One row a pattern, one column a unit.
        """
        import pandas as pd

        return pd.DataFrame(self.values).rename_axis(index="pattern", columns="unit")


def crosstalk(X, y=None, *, zero_diagonal=True):
    """Crosstalk that each bit suffers from the other stored patterns, under Hebb's rule.

    Recalled from itself, a bit of a stored pattern is held by its own pattern and pushed by all others. Where their
    push exceeds what holds it, it is wrong after one step.

    Parameters
    ----------
    X : array-like of shape (n_patterns, n_units)
        Stored patterns, -1 and +1.
    y : array-like of shape (n_patterns, n_outputs), default=None
        Associated patterns, -1 and +1; None for the patterns themselves.
    zero_diagonal : bool, default=True
        Whether units have no connection to themselves; only without `y`. With one, other patterns hold a bit, too.

    Returns
    -------
    crosstalk : Crosstalk
        With ``values``, ``unstable_share``, ``std``, ``expected_std`` and ``to_frame()``.

    Raises
    ------
    ValueError
        For patterns that are not bipolar, or not as many in `y` as in `X`.

    See Also
    --------
    bit_error_probability : The share of unstable bits that random patterns have.

    Notes
    -----
    Without the diagonal, bit i of pattern p is held with strength n - 1, and its crosstalk is
    -x_i Σ_{l≠p} x^l_i Σ_{j≠i} x^l_j x_j / (n - 1), for random patterns nearly normal with variance (m - 1) / (n - 1).
    With the diagonal it is held with n + m - 1, under ``y`` with n. Cost O(n_patterns n_units²), two matrix products.

    Examples
    --------
    >>> from skamem.analysis import crosstalk
    >>> from skamem.datasets import make_patterns
    >>> found = crosstalk(make_patterns(180, 1000, random_state=0))
    >>> round(found.std, 2), round(found.expected_std, 2), round(found.unstable_share, 3)
    (0.42, 0.42, 0.009)
    """
    check_option("zero_diagonal", zero_diagonal, (True, False))
    X = _bipolar(X, "X")
    n_patterns, n_units = X.shape
    noise = n_units * (n_patterns - 1)
    if y is None:
        # The diagonal of XᵀX is n_patterns everywhere: each pattern holds its own bits, whether it is p or another.
        fields = X * (X @ (X.T @ X)) - n_patterns
        held, noise = n_units - 1 + (0 if zero_diagonal else n_patterns), (n_units - 1) * (n_patterns - 1)
        pushed = (n_units - 1) - fields
    else:
        y = _bipolar(y, "y")
        check_consistent_length(X, y)
        held, pushed = n_units, n_units - y * (X @ (X.T @ y))
    return Crosstalk(pushed / held, float(np.sqrt(noise)) / held)


def _bipolar(patterns, name):
    patterns = check_array(patterns, input_name=name)
    patterns = np.asarray(arrays.to_numpy(patterns) if arrays.is_array(patterns) else patterns, dtype=np.float64)
    strange = patterns[np.abs(patterns) != 1]
    if strange.size:
        raise ValueError(
            f"{name} has an entry {strange[0]:g}; expected patterns of -1 and +1. Of patterns of 0 and 1, give "
            f"2 * {name} - 1."
        )
    return patterns

"""What the outputs of a trained network should be: classes as on and off, or real targets, standardised."""

import numpy as np

__all__ = ["ClassTargets", "RealTargets", "orientations"]


class ClassTargets:
    """Targets 1 for the row's class and `off` for the others.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,)
        Class index of each row, on the host.
    n_outputs : int
        Number of classes.
    off : float, default=-1.0
        Target of the other classes.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.core import arrays
    >>> from skamem.training import ClassTargets
    >>> codes = np.asarray([1, 0])
    >>> ClassTargets(codes, 3, off=0.0).take(codes, arrays.placement_of(codes), np.float64)
    array([[1., 0., 0.],
           [0., 1., 0.]])
    """

    signs = 1.0

    def __init__(self, codes, n_outputs, off=-1.0):
        self.codes = self.keys = self.strata = codes
        self.n_outputs = n_outputs
        self.constant = None
        self._off = off

    def settle(self, index, weights):
        """Nothing to learn from the rows that train.

        Parameters
        ----------
        index : ndarray of shape (n_rows,)
            Row indices.
        weights : ndarray of shape (n_rows,)
            Their weights.
        """

    def take(self, index, placement, dtype):
        """Targets of the rows `index`, of shape (len(index), n_outputs).

        Parameters
        ----------
        index : ndarray of shape (n_rows,)
            Row indices.
        placement : Placement
            Where they are wanted.
        dtype : dtype
            Floating type.

        Returns
        -------
        targets : array of shape (n_rows, n_outputs)
        """
        targets = np.full((len(index), self.n_outputs), self._off)
        targets[np.arange(len(index)), self.codes[index]] = 1.0
        return placement.asarray(targets, dtype)

    def score(self, potentials, index, weights):
        """Weighted accuracy of potentials (on the host) for the rows `index`.

        Parameters
        ----------
        potentials : ndarray of shape (n_rows, n_outputs)
            What the network answers, in the units of `take`.
        index : ndarray of shape (n_rows,)
            Row indices.
        weights : ndarray of shape (n_rows,)
            Their weights.

        Returns
        -------
        score : float
        """
        return float(np.average(np.argmax(potentials, axis=1) == self.codes[index], weights=weights))


class RealTargets:
    """Real targets, standardised once it is known which rows train.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_outputs)
        Targets in the user's units, on the host.
    offset, scale : ndarray of shape (n_outputs,), default=None
        Known mean and standard deviation; None waits for `settle`.
    signs : ndarray of shape (n_outputs,), default=None
        1 or -1, the `orientations`: with them `keys` and `codes` are those of the mirrored targets, too; None is all 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.training import RealTargets
    >>> targets = RealTargets(np.asarray([[1.0], [3.0], [100.0]]))
    >>> targets.settle(np.asarray([0, 1]), np.ones(2))
    >>> targets.offset, targets.scale
    (array([2.]), array([1.]))
    """

    strata = None

    def __init__(self, values, offset=None, scale=None, signs=None):
        self._values, self.offset, self.scale = values, offset, scale
        self.signs = np.ones(values.shape[1]) if signs is None else signs
        self.n_outputs = values.shape[1]
        self.constant = None
        # Equal rows are merged where all targets are equal.
        self.keys = np.unique(values * self.signs, axis=0, return_inverse=True)[1].ravel()

    def settle(self, index, weights):
        """Take mean and standard deviation from the rows `index`, unless they are known.

        Parameters
        ----------
        index : ndarray of shape (n_rows,)
            Row indices.
        weights : ndarray of shape (n_rows,)
            Their weights.
        """
        if self.offset is not None:
            return
        values, share = self._values[index], weights / weights.sum()
        lowest, highest = values.min(axis=0), values.max(axis=0)
        self.constant = lowest == highest
        # Of a constant the mean is off by rounding, of what varies it does not matter.
        self.offset = np.where(self.constant, lowest, share @ values)
        # Units first, since squares of 1e200 overflow; a power of two, since it divides without rounding.
        deviations = values - self.offset
        unit = np.ldexp(1.0, np.frexp(np.max(np.abs(deviations), axis=0))[1] - 1)
        spread = unit * np.sqrt(share @ (deviations / unit) ** 2)
        # A target that does not vary but for rounding stays at its mean.
        self.scale = np.where(spread > 8 * np.finfo(float).eps * np.abs(self.offset), spread, 1.0)

    @property
    def codes(self):
        """On which side of the mean the first target is: what stands in for classes when noise is set."""
        return (self.signs[0] * (self._values[:, 0] - self.offset[0]) > 0).astype(np.int64)

    def take(self, index, placement, dtype):
        """Standardised targets of the rows `index`, of shape (len(index), n_outputs).

        Parameters
        ----------
        index : ndarray of shape (n_rows,)
            Row indices.
        placement : Placement
            Where they are wanted.
        dtype : dtype
            Floating type.

        Returns
        -------
        targets : array of shape (n_rows, n_outputs)
        """
        return placement.asarray((self._values[index] - self.offset) / self.scale, dtype)

    def score(self, potentials, index, weights):
        """Weighted R² over all outputs of potentials (on the host) for the rows `index`.

        Parameters
        ----------
        potentials : ndarray of shape (n_rows, n_outputs)
            What the network answers, in the units of `take`.
        index : ndarray of shape (n_rows,)
            Row indices.
        weights : ndarray of shape (n_rows,)
            Their weights.

        Returns
        -------
        score : float
        """
        values = (self._values[index] - self.offset) / self.scale
        spread = values - np.average(values, axis=0, weights=weights)
        missed = np.average((potentials - values) ** 2, axis=0, weights=weights).sum()
        return 1.0 - float(missed) / float(np.average(spread**2, axis=0, weights=weights).sum() or 1.0)


def orientations(values, weights):
    """Signs that turn when targets are mirrored, so that what starts from them is the mirror image for -y.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_outputs)
        Targets.
    weights : ndarray of shape (n_samples,)
        Row weights, >= 0.

    Returns
    -------
    signs : ndarray of shape (n_outputs,)
        -1 where the mean is below the middle of the range, else 1; 1 too where both are the same up to rounding: of
        symmetric targets nothing tells which way is up.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.training import orientations
    >>> values = np.asarray([[0.0, 0.0], [1.0, -1.0], [10.0, -10.0]])
    >>> orientations(values, np.ones(3)), orientations(-values, np.ones(3))
    (array([-1.,  1.]), array([ 1., -1.]))
    """
    seen = weights > 0
    values, share = values[seen] / 2, weights[seen] / weights.sum()  # halves: sums of the largest numbers overflow
    lowest, highest = values.min(axis=0), values.max(axis=0)
    above = share @ values - (lowest / 2 + highest / 2)
    rounding = 1e-9 * (highest - lowest) + 1e-12 * np.maximum(np.abs(lowest), np.abs(highest))
    return np.where(above < -rounding, -1.0, 1.0)

"""Stages: what a layer computes from the features, and from the layer before it.

A stage is a dict of arrays, so that it travels with the estimator: "columns", which features its monomials multiply, or
"weights" and "bias" of its units; and "offset" and "scale", which make its outputs of mean 0 and about unit spread.
"""

import itertools
import math

import numpy as np

from skamem.core import arrays
from skamem.core.rows import row_blocks, rows_in_cache
from skamem.training import column_peaks

__all__ = ["Features", "column_scales", "common_scale", "monomials", "n_monomials", "outputs_of", "raw_outputs"]

_MOST_SPREADS = 6.0
"""How many spreads from the mean a column reaches at most. Beyond it its largest deviation sets the scale: a pixel that
is rarely on would else be blown up until it decides."""


def column_scales(values, share):
    """Mean and scale of columns, robust to their size.

    Parameters
    ----------
    values : array of shape (n_rows, n_columns)
        Finite.
    share : array of shape (n_rows,)
        Weights of the rows, of sum 1.

    Returns
    -------
    offset : array of shape (n_columns,)
        Means.
    scale : array of shape (n_columns,)
        Standard deviations, or a sixth of the largest deviation if that is more; infinite where a column does not vary.

    Examples
    --------
    >>> import numpy as np
    >>> column_scales(np.asarray([[1.0, 7.0], [3.0, 7.0]]), np.asarray([0.5, 0.5]))
    (array([2., 7.]), array([ 1., inf]))
    """
    xp = arrays.namespace(values)
    lowest, highest = xp.min(values, axis=0), xp.max(values, axis=0)
    mean = xp.where(lowest == highest, lowest, share @ values)
    size = column_peaks(values)
    squares, rest = xp.zeros_like(mean), xp.zeros_like(mean)
    # Largest deviation first: squares of 1e200 overflow.
    peak = xp.maximum(highest - mean, mean - lowest)
    unit = xp.where(peak > 0, peak, xp.ones_like(peak))
    row_bytes = 24 * values.shape[1]
    for rows in row_blocks(values.shape[0], row_bytes, at_most=rows_in_cache(row_bytes, xp)):
        deviations = (values[rows, :] - mean) / unit
        rest += share[rows] @ deviations
        squares += share[rows] @ (deviations * deviations)
    # The mean of a large constant is off by rounding, and the rest would look like spread.
    spread = unit * xp.sqrt(arrays.clip(squares - rest * rest, min=0.0))
    varies = (spread > 8 * xp.finfo(values.dtype).eps * size) & (lowest < highest)
    scale = xp.maximum(spread, peak / _MOST_SPREADS)
    return mean + unit * rest, xp.where(varies, scale, xp.full_like(scale, xp.inf))


def common_scale(scale):
    """One scale for the units of a stage, the root mean square of theirs; units that do not vary keep theirs, infinite.

    A unit that few training rows bring over its threshold, and hardly, says next to nothing: a scale of its own would
    make it loud for rows to come.

    Parameters
    ----------
    scale : array of shape (n_units,)
        Of each unit.

    Returns
    -------
    scale : array of shape (n_units,)
    """
    xp = arrays.namespace(scale)
    varies = xp.isfinite(scale)
    largest = xp.max(xp.where(varies, scale, xp.zeros_like(scale)))
    relative = xp.where(varies, scale, xp.zeros_like(scale)) / xp.where(largest > 0, largest, xp.ones_like(largest))
    return xp.where(varies, largest * xp.sqrt(xp.mean(relative * relative)), scale)


def n_monomials(n_features, degree):
    """How many monomials of this degree there are."""
    return math.comb(n_features + degree - 1, degree)


def monomials(n_features, degree, placement):
    """Stage of all monomials of a degree, not yet scaled.

    Parameters
    ----------
    n_features, degree : int
        At least 1.
    placement : Placement
        Where to put it.

    Returns
    -------
    stage : dict of str to array
        "columns", of shape (n_monomials, degree).
    """
    if degree == 1:
        columns = np.arange(n_features)[:, None]
    else:
        combinations = itertools.combinations_with_replacement(range(n_features), degree)
        columns = np.fromiter(itertools.chain.from_iterable(combinations), dtype=np.int64).reshape(-1, degree)
    return {"columns": placement.asarray(columns)}


def n_units(stage):
    """Number of outputs of a stage."""
    return stage["columns"].shape[0] if "columns" in stage else stage["bias"].shape[0]


def raw_outputs(stage, activation, X, previous):
    """Outputs of a stage before they are centred and scaled.

    Parameters
    ----------
    stage : dict of str to array
    activation : object
        With `energy`, the function of the units.
    X : array of shape (n_rows, n_features)
        Scaled features.
    previous : array of shape (n_rows, n_units) or None
        Outputs of the stage before it that it sees.

    Returns
    -------
    outputs : array of shape (n_rows, n_units)
    """
    xp = arrays.namespace(X)
    if "columns" in stage:
        columns = stage["columns"]
        if columns.shape[1] == 1:
            return X
        product = xp.take(X, columns[:, 0], axis=1)
        for factor in range(1, columns.shape[1]):
            product = product * xp.take(X, columns[:, factor], axis=1)
        return product
    weights, n_features = stage["weights"], X.shape[1]
    overlaps = X @ weights[:n_features, :] + stage["bias"]
    if weights.shape[0] > n_features:
        overlaps += previous @ weights[n_features:, :]
    return activation.energy(overlaps)


def outputs_of(stages, activation, X):
    """Outputs of all stages for a block of rows.

    Parameters
    ----------
    stages : list of dict
    activation : object
        With `energy`.
    X : array of shape (n_rows, n_features)
        Scaled features.

    Yields
    ------
    outputs : array of shape (n_rows, n_units)
        Of each stage in turn, of mean 0 and about unit spread in training.
    """
    previous = None
    for stage in stages:
        found = (raw_outputs(stage, activation, X, previous) - stage["offset"]) / stage["scale"]
        if "weights" in stage:
            previous = found
        yield found


class Features:
    """Outputs of the stages on the training rows: kept while scikit-learn's working memory lasts, else made again.

    Parameters
    ----------
    X : array of shape (n_rows, n_features)
        Scaled features.
    activation : object
        With `energy`.
    """

    def __init__(self, X, activation):
        self.X, self.activation = X, activation
        self.stages, self._kept = [], []

    def __len__(self):
        return len(self.stages)

    def add(self, stage, outputs):
        """Add a stage with its outputs on all rows."""
        self.stages.append(stage)
        self._kept.append(outputs)
        # A single block says that everything fits.
        if len(list(row_blocks(self.X.shape[0], self._row_bytes()))) > 1:
            self._kept = [None] * len(self.stages)

    def _row_bytes(self):
        return 8 * sum(n_units(stage) for stage in self.stages)

    def blocks(self):
        """Yield (rows, outputs of each stage) for slices of the rows."""
        if all(kept is not None for kept in self._kept):
            yield slice(0, self.X.shape[0]), self._kept
            return
        for rows in row_blocks(self.X.shape[0], 3 * self._row_bytes()):
            yield rows, list(outputs_of(self.stages, self.activation, self.X[rows, :]))

    def last_units(self):
        """Outputs of the last stage of units, on all rows; None where there is none."""
        positions = [i for i, stage in enumerate(self.stages) if "weights" in stage]
        if not positions:
            return None
        parts = [found[positions[-1]] for _, found in self.blocks()]
        return parts[0] if len(parts) == 1 else arrays.namespace(*parts).concat(parts, axis=0)

    def combined(self, coefs):
        """The level ``coefs[0]`` and the sum over stages of outputs times the further `coefs`: (n_rows, n_outputs)."""
        level, parts = coefs[0], []
        for rows, found in self.blocks():
            zero = arrays.namespace(level).zeros(
                (rows.stop - rows.start, level.shape[1]), dtype=level.dtype, device=arrays.device(level)
            )
            parts.append(sum((H @ A for H, A in zip(found, coefs[1:], strict=True)), start=zero + level))
        return parts[0] if len(parts) == 1 else arrays.namespace(*parts).concat(parts, axis=0)

    def correlated(self, residuals):
        """Ones, and outputs of each stage, transposed, times `residuals` of shape (n_rows, n_columns)."""
        xp, total = arrays.namespace(residuals), None
        for rows, found in self.blocks():
            part = [xp.sum(residuals[rows, :], axis=0)[None, :], *(H.T @ residuals[rows, :] for H in found)]
            total = part if total is None else [a + b for a, b in zip(total, part, strict=True)]
        return total

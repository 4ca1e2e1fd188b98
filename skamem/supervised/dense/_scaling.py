"""What a dense memory sets by itself: the scale of the data, the temperature, the noise, the first memories.

The defaults were found on nine small data sets and MNIST so that one setting serves all. Their common idea: overlaps
z start with root mean square 0.4 and potentials Φ with 0.5, whatever the number, the units and the spread of the
features.
"""

import numpy as np
import scipy.sparse

from skamem.core import arrays
from skamem.supervised.dense._data import RowSource, cached_blocks, column_peaks

__all__ = [
    "LOW_DEGREE",
    "SCALES",
    "auto_decay",
    "auto_epochs",
    "auto_noise",
    "auto_temperature",
    "initial_recognition",
    "initial_visible",
    "mean_peak",
    "peak_and_level",
    "probe_rows",
    "root_mean_square",
    "scaled_rows",
    "standardized",
]

_INITIAL_MEMORY = 0.05  # root mean square of the memories' entries at the start
_INITIAL_OVERLAP = 0.4  # ... of the overlaps z
_INITIAL_POTENTIAL = 0.5  # ... of the potentials Φ
_INITIAL_PEAK = 1.2  # ... of the overlap with the best matching memory, where that counts
_NOISE_ROWS = 1000
_PROBE_ROWS = 256
_SMALL_SPARSE_BYTES = 2**24

LOW_DEGREE = 5
"""Up to this degree the root mean square of all overlaps sets the temperature, above it their peak."""

SCALES = ("feature", "global", None)
"""Ways to scale the features."""


def standardized(X, index, weights, scale, placement, dtype):
    """Rows v = (x - offset) / scale with mean 0 and root mean square 1 over all entries.

    Parameters
    ----------
    X : array or csr matrix of shape (n_samples, n_features)
        Rows as the user gave them.
    index : ndarray of shape (n_rows,)
        Which rows to take.
    weights : ndarray of shape (n_rows,)
        Row weights of the mean and the spread.
    scale : {"global", "feature", None}
        "global" divides all features by one number; "feature" first brings features of more than median spread down
        to the median, never up, so that a nearly constant feature is not blown up; None uses the values as given,
        offset 0.
    placement : Placement
        Where to put them.
    dtype : dtype
        Floating type.

    Returns
    -------
    rows : RowSource
        With `offset` and `scale`, both of shape (n_features,).
    constant : array of shape (n_features,)
        Boolean: features without spread.
    """
    xp = placement.xp
    if scale is None:
        ones = placement.asarray(np.ones(X.shape[1]), dtype)
        return scaled_rows(X, index, 0 * ones, ones, placement), ones < 0
    sparse = scipy.sparse.issparse(X) and not _fits_dense(X)
    values = X[index] if sparse else xp.take(placement.asarray(X, dtype), placement.asarray(index), axis=0)
    share = placement.asarray(weights / weights.sum(), dtype)
    mean, size, spread = (_sparse_moments if sparse else _center)(values, share, placement, dtype)
    # A spread within the rounding of the mean is no spread.
    constant = spread <= 8 * xp.finfo(dtype).eps * size
    spread = xp.where(constant, xp.zeros_like(spread), spread)
    factor = _feature_factor(spread, scale, placement, dtype)
    rms = float(xp.sqrt(xp.mean((spread / factor) ** 2)))
    factor = factor * (rms if rms > 0 else 1.0)
    if not sparse:
        values /= factor
    return RowSource(values, mean, factor, placement), constant


def _fits_dense(X):
    """Whether a sparse X is so small that taking batches from it costs more than keeping it dense."""
    return X.shape[0] * X.shape[1] * 8 <= _SMALL_SPARSE_BYTES


def scaled_rows(X, index, offset, scale, placement):
    """Rows v = (x - offset) / scale for a known offset and scale.

    Parameters
    ----------
    X : array or csr matrix of shape (n_samples, n_features)
        Rows as the user gave them.
    index : ndarray of shape (n_rows,)
        Which rows to take.
    offset, scale : array of shape (n_features,)
        On the placement.
    placement : Placement
        Where to put them.

    Returns
    -------
    rows : RowSource
    """
    if scipy.sparse.issparse(X) and not _fits_dense(X):
        return RowSource(X[index], offset, scale, placement)
    values = placement.xp.take(placement.asarray(X, offset.dtype), placement.asarray(index), axis=0)
    values -= offset
    values /= scale
    return RowSource(values, offset, scale, placement)


def _center(values, share, placement, dtype):
    """Subtract the weighted mean in place; return it, the largest magnitude and the weighted spread per feature."""
    xp = placement.xp
    size = column_peaks(values)
    mean = share @ values
    values -= mean
    # Once more: in float32 the mean of a large constant is a little off, and the rest would look like spread.
    rest = share @ values
    values -= rest
    # Largest deviation first: squares of 1e20 overflow float32.
    peak = column_peaks(values)
    peak = xp.where(peak > 0, peak, xp.ones_like(peak))
    spread = xp.zeros_like(peak)
    for rows in cached_blocks(values.shape[0], 2 * values.shape[1] * 8, xp):
        spread += share[rows] @ (values[rows, :] / peak) ** 2
    return mean + rest, size, peak * xp.sqrt(spread)


def _sparse_moments(values, share, placement, dtype):
    """The same of a csr matrix, which stays as it is."""
    share = arrays.to_numpy(share).astype(np.float64)
    values = values.astype(np.float64)
    size = abs(values).max(axis=0).toarray().ravel()
    mean = values.T @ share
    scaled = values @ scipy.sparse.diags_array(1 / np.where(size > 0, size, 1.0))
    second = scaled.multiply(scaled).T @ share
    spread = size * np.sqrt(np.maximum(second - (mean / np.where(size > 0, size, 1.0)) ** 2, 0.0))
    return tuple(placement.asarray(a, dtype) for a in (mean, size, spread))


def _feature_factor(spread, scale, placement, dtype):
    spread = arrays.to_numpy(spread)
    varying = spread[spread > 0]
    typical = float(np.median(varying)) if varying.size else 1.0
    # "global" starts from the largest spread, so that squares of the ratios cannot overflow.
    largest = float(np.max(varying)) if varying.size else 1.0
    factor = np.maximum(spread, typical) if scale == "feature" else np.full(len(spread), largest)
    return placement.asarray(factor, dtype)


def auto_temperature(n_units):
    """Temperature at which memories of root mean square 0.05 overlap with standardised rows at root mean square 0.4."""
    return _INITIAL_MEMORY * n_units**0.5 / _INITIAL_OVERLAP


def auto_decay(n_rows):
    """Weight decay λ = min(3, 2000 / n): small samples need it, large ones do not."""
    return min(3.0, 2000.0 / n_rows)


def auto_epochs(n_batches):
    """Number of epochs: 150, but between 1000 and 2000 updates, and 25 at least.

    Parameters
    ----------
    n_batches : int
        Updates an epoch.

    Returns
    -------
    n_epochs : int

    Examples
    --------
    >>> [auto_epochs(n_batches) for n_batches in (1, 2, 10, 15, 500)]
    [1000, 500, 150, 134, 25]
    """
    updates = max(25 * n_batches, min(2000, max(1000, 150 * n_batches)))
    return -(-updates // n_batches)


def auto_noise(rows, codes, random_state):
    """Input noise σ = min(0.15 d, 0.7), d the median distance to the nearest row of another class.

    Parameters
    ----------
    rows : RowSource
        Standardised rows.
    codes : ndarray of shape (n_rows,)
        Class indices.
    random_state : RandomState
        Draws the rows that are looked at, 1000 at most.

    Returns
    -------
    noise : float
        Standard deviation per entry, in units of the standardised rows; 0 when no other class is seen.
    """
    chosen = random_state.permutation(len(rows))[:_NOISE_ROWS]
    sample = rows.take(chosen)
    xp = rows.placement.xp
    squares = xp.sum(sample * sample, axis=1)
    gram = arrays.to_numpy(sample @ sample.T)
    squares = arrays.to_numpy(squares)
    distances = squares[:, None] + squares - 2 * gram
    distances[codes[chosen][:, None] == codes[chosen]] = np.inf
    nearest = np.sqrt(np.maximum(distances.min(axis=1), 0.0))
    nearest = nearest[np.isfinite(nearest)]
    return min(0.15 * float(np.median(nearest)), 0.7) if nearest.size else 0.0


def initial_visible(rows, n_memories, temperature, init, fit_intercept, random_state):
    """First memories over their temperature, W/T, with the weight of the clamped unit as the last column.

    Parameters
    ----------
    rows : RowSource
        Standardised rows.
    n_memories : int
        Number of memories.
    temperature : float
        T.
    init : {"random", "data"}
        "random" draws N(0, 0.05²); "data" takes training rows plus a little noise, scaled to the same size.
    fit_intercept : bool
        Whether the clamped unit has a weight; else 0.
    random_state : RandomState
        Draws them, on the host.

    Returns
    -------
    visible : array of shape (n_memories, n_features)
    bias : array of shape (n_memories,)
    chosen : ndarray of shape (n_memories,) or None
        For "data": the rows that became memories.
    """
    place, n_features = rows.placement, rows.rows.shape[1]
    dtype = rows.offset.dtype
    drawn = random_state.standard_normal((n_memories, n_features + 1))
    bias = place.asarray(_INITIAL_MEMORY / temperature * drawn[:, -1] * fit_intercept, dtype)
    if init == "random":
        return place.asarray(_INITIAL_MEMORY / temperature * drawn[:, :-1], dtype), bias, None
    chosen = random_state.randint(0, len(rows), n_memories)
    visible = rows.take(chosen) + place.asarray(0.3 * drawn[:, :-1], dtype)
    norms = place.xp.sqrt(place.xp.sum(visible * visible, axis=1))[:, None]
    return visible * (_INITIAL_MEMORY / temperature * n_features**0.5 / norms), bias, chosen


def probe_rows(rows, random_state):
    """A few random training rows, 256 at most, of shape (n_probes, n_features)."""
    return rows.take(random_state.randint(0, len(rows), min(len(rows), _PROBE_ROWS)))


def mean_peak(overlaps):
    """Overlap with the best matching memory, as a mean over rows."""
    xp = arrays.namespace(overlaps)
    peak = float(xp.mean(xp.max(overlaps, axis=1)))
    return peak if peak > 0 else 1.0


def peak_and_level(degree, fit_intercept, copied):
    """Where overlaps start under a high degree, or with memories copied from the data.

    z^n = (b + δ)^n is about b^n exp(n δ / b): for every memory to have a say, the deviations δ of a row's overlaps must
    shrink as 1 / n, around a level b near 1 that the clamped unit provides. The best match starts at 1.2, as it does
    with random memories at low degree. For random memories n δ / b is small there, so that all of them learn: starting
    at 6, those of degree 30 in benchmarks/adversarial.py misread 8 % of the images instead of 3 %. Copied ones, to stay
    the prototypes that they are, start at 6.

    Parameters
    ----------
    degree : float
        n, or 0 for an interaction without.
    fit_intercept : bool
        Whether there is a clamped unit.
    copied : bool
        Whether memories are copied from the data.

    Returns
    -------
    peak : float
        Deviation of the best matching memory.
    level : float
        Level b.

    Examples
    --------
    >>> peak_and_level(3, True, True), peak_and_level(30, True, True), peak_and_level(30, False, True)
    ((1.2, 0.0), (0.2, 1.0), (1.2, 0.0))
    >>> peak_and_level(30, True, False)[0]
    0.05
    """
    if not (degree and fit_intercept):
        return _INITIAL_PEAK, 0.0
    peak = min(_INITIAL_PEAK, (6.0 if copied else 1.5) / degree)
    return peak, _INITIAL_PEAK - peak


def initial_recognition(drawn, overlaps, readout):
    """Recognition weights A scaled so that the potentials Φ start with root mean square 0.5.

    Parameters
    ----------
    drawn : array of shape (n_memories, n_classes)
        Their directions.
    overlaps : array of shape (n_samples, n_memories)
        Z of some training rows.
    readout : object
        With `potentials`; best the linear one, whose potentials are in proportion to A.

    Returns
    -------
    recognition : array of shape (n_memories, n_classes)
    """
    rms = root_mean_square(readout.potentials(overlaps, drawn))
    return drawn * (_INITIAL_POTENTIAL / rms if rms > 0 else 1.0)


def root_mean_square(values):
    """Root mean square of an array, as a float."""
    xp = arrays.namespace(values)
    return float(xp.sqrt(xp.mean(values * values)))

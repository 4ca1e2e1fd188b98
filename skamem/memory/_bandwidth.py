"""How sharp a softmax over stored patterns should be: chosen from the patterns themselves."""

from dataclasses import replace

import numpy as np
from sklearn import get_config

from skamem.core import arrays
from skamem.memory._similarity import FAR
from skamem.memory._softmax import soft_recall

__all__ = ["held_out_beta", "local_scale", "separating_beta"]

_LEAK = 0.01  # weight that all other patterns together may have
_HIDDEN = 0.1  # share of known entries that are hidden and recalled from the rest
_BREADTH = 2.5  # inverse temperature, in units of the total variance, of the neighbourhood that "local" measures
_REFERENCE = 512  # stored patterns that measure a neighbourhood
_COMPARISONS = 2_600_000  # pairs of patterns on which a held-out beta is chosen
_SAMPLE = 256  # stored patterns on which beta is chosen, at most
_FIRST_LOOK = 4  # one in so many of them sees all candidates, all of them only the best and its neighbours


def separating_beta(stored):
    """The beta at which a typical stored pattern is recalled from a cue a quarter of the way to its nearest neighbour.

    Parameters
    ----------
    stored : StoredPatterns
        What is stored; entries unknown there count as they are filled.

    Returns
    -------
    beta : float
        4 log(W / .01) / d², with d the median distance to the nearest other pattern and W the number of patterns: then
        all other patterns together weigh at most .01. 1 when all patterns are the same.
    """
    sample, _ = stored.sample(_SAMPLE)
    xp = arrays.namespace(stored.patterns)
    nearest = None
    comparison = replace(stored, similarity="nearest", completed=True).compare(sample.patterns)
    for _, block in comparison:
        halves = -(block + comparison.offset)
        halves = xp.min(xp.where(halves > _rounding(stored), halves, xp.inf), axis=1)  # duplicates are no neighbours
        nearest = halves if nearest is None else xp.minimum(nearest, halves)
    weight = xp.ones_like(nearest) if sample.weight is None else sample.weight
    total = stored.patterns.shape[0] if stored.weight is None else float(xp.sum(stored.weight))
    half = _weighted_median(arrays.to_numpy(nearest), arrays.to_numpy(weight))
    return 2.0 * float(np.log(max(total, 2.0) / _LEAK)) / half if half else 1.0


def _weighted_median(values, weight):
    finite = np.isfinite(values)
    if not finite.any():
        return None
    order = np.argsort(values[finite])
    share = np.cumsum(weight[finite][order])
    return float(values[finite][order][np.searchsorted(share, 0.5 * share[-1])])


def held_out_beta(stored, readout):
    """The beta that recalls best what is held out.

    Parameters
    ----------
    stored : StoredPatterns
        What is stored.
    readout : Readout
        What is recalled: the patterns themselves, or values associated with them.

    Returns
    -------
    beta : float
        Of least squared error in a sample of the patterns, each of which is left out when its own are recalled: on
        entries that are hidden (a tenth of those known, the same ones each time), or on the associated values. 1 when
        nothing can be held out.
    """
    xp = arrays.namespace(stored.patterns)
    n_patterns, n_units = stored.patterns.shape
    unit = float(n_units * stored.spread)
    comparisons = min(_COMPARISONS, int(get_config()["working_memory"] * 2**20 / 32))
    sample, own = stored.sample(max(1, min(_SAMPLE, comparisons // n_patterns)))
    if readout.values is stored.patterns:
        truth, hidden = sample.patterns, _hidden(sample)
        visible = ~hidden if sample.known is None else sample.known & ~hidden
        counted = xp.astype(hidden, truth.dtype)
    else:
        truth, hidden, visible = xp.take(readout.values, own, axis=0), None, sample.known
        counted = xp.ones_like(truth)
    if n_patterns == 1 or unit == 0.0 or not bool(xp.any(counted > 0)):
        return 1.0
    masks = {"known": visible, "lacking": hidden}
    local = stored.similarity == "local"
    scale = local_scale(stored, sample.patterns, apart=True, **masks) if local else unit
    similarity = _apart(stored, sample.patterns, stored.compare(sample.patterns, **masks).matrix())
    counted = counted if sample.weight is None else counted * sample.weight[:, None]

    def error(candidate, rows=slice(None)):
        beta = float(candidate) / (scale[rows, :] if local else scale)
        recalled = _recall_at_once(similarity[rows, :], readout, beta)
        return float(xp.sum(counted[rows, :] * (recalled - truth[rows, :]) ** 2))

    candidates = np.geomspace(0.3, 500.0, 12)
    first = slice(None, None, _FIRST_LOOK if sample.patterns.shape[0] == _SAMPLE else 1)
    best = _least(error, candidates, int(np.argmin([error(candidate, first) for candidate in candidates])))
    return float(np.exp(best)) / (1.0 if local else unit)


def _apart(stored, cues, similarity):
    """`similarity` without the cues themselves, which are stored, and their copies."""
    xp = arrays.namespace(cues)
    comparison = replace(stored, similarity="nearest", completed=True).compare(cues)
    same = comparison.matrix() + comparison.offset >= -_rounding(stored)
    return xp.where(same, FAR, similarity)


def _rounding(stored):
    """Up to here half a squared distance may be that of copies."""
    patterns = stored.patterns
    return 1e3 * arrays.namespace(patterns).finfo(patterns.dtype).eps * patterns.shape[1] * stored.spread


def _hidden(sample):
    """Mask of known entries to hide; fixed, so that equal patterns give equal memories."""
    n_units = sample.patterns.shape[1]
    drawn = np.random.RandomState(0).random_sample(tuple(sample.patterns.shape))
    hidden = arrays.placement_of(sample.patterns).asarray(drawn < min(0.5, max(_HIDDEN, 1.0 / n_units)))
    return hidden if sample.known is None else hidden & sample.known


def _recall_at_once(similarity, readout, beta):
    everything = slice(0, similarity.shape[1])
    return soft_recall([(everything, arrays.copy(similarity))], readout, beta)


def _least(error, candidates, best):
    """Logarithm of the candidate of least error, downhill from the index `best`, refined by a parabola."""
    seen = {}
    while True:
        near = [i for i in (best - 1, best, best + 1) if 0 <= i < len(candidates)]
        seen |= {i: error(candidates[i]) for i in near if i not in seen}
        lowest = min(near, key=seen.get)
        if lowest == best:
            break
        best = lowest
    x = np.log(candidates)
    if len(near) < 3:
        return x[best]
    left, right = seen[best - 1] - seen[best], seen[best + 1] - seen[best]
    return x[best] + 0.5 * (x[1] - x[0]) * (left - right) / (left + right) if left + right > 0 else x[best]


def local_scale(stored, cues, known=None, *, lacking=None, apart=False):
    """How far each cue's neighbourhood is: half the mean squared distance under a broad softmax.

    Parameters
    ----------
    stored : StoredPatterns
        What is stored; a sample of at most 512 patterns, evenly spaced, measures.
    cues : array of shape (n_samples, n_units)
        Unknown entries hold any number.
    known, lacking : array, default=None
        As in `StoredPatterns.compare`.
    apart : bool, default=False
        Leave out stored patterns that equal the cue.

    Returns
    -------
    scale : array of shape (n_samples, 1)
        > 0.
    """
    xp = arrays.namespace(cues)
    sample, _ = stored.sample(_REFERENCE)
    comparison = sample.compare(cues, known, lacking=lacking)
    similarity = comparison.matrix()
    if apart:
        similarity = _apart(sample, cues, similarity)
    total = stored.patterns.shape[1] * stored.spread
    total = xp.where(total > 0, total, xp.ones_like(total))
    weights = xp.exp((similarity - xp.max(similarity, axis=1, keepdims=True)) * (_BREADTH / total))
    if sample.weight is not None:
        weights = weights * sample.weight
    halves = xp.maximum(-(similarity + comparison.offset), xp.zeros_like(similarity))
    mean = xp.sum(xp.where(weights > 0, weights * halves, 0.0), axis=1, keepdims=True) / xp.sum(
        weights, axis=1, keepdims=True
    )
    return xp.maximum(mean, 1e-6 * total)

"""How sharp a softmax over stored patterns should be: chosen from the patterns themselves.

The patterns that are asked are chosen by what they are, so that neither the order in which patterns are stored nor the
memory to work in changes a choice.
"""

from dataclasses import replace

import numpy as np

from skamem.core import arrays
from skamem.core.rows import row_blocks
from skamem.memory._similarity import FAR
from skamem.memory._softmax import soft_recall
from skamem.memory._spread import by_content, evenly

__all__ = [
    "held_out_beta",
    "local_scale",
    "nearest_others",
    "reference_of",
    "reference_patterns",
    "separating_beta",
    "separating_beta_of",
    "separating_sample",
]

_LEAK = 0.01  # weight that all other patterns together may have
_HIDDEN = 0.1  # share of known entries that are hidden and recalled from the rest
_BREADTH = 2.5  # inverse temperature, in units of the total variance, of the neighbourhood that "local" measures
_REFERENCE = 512  # stored patterns that measure a neighbourhood
_COMPARISONS = 2_600_000  # pairs of patterns on which a held-out beta is chosen
_NEIGHBOURS = 256  # stored patterns whose nearest neighbours are looked for, at most
_SAMPLE = 512  # stored patterns that are recalled from the others, at most
_FIRST_LOOK = 8  # one in so many of them sees all candidates, all of them only the best and its neighbours
_CANDIDATES = np.geomspace(0.3, 500.0, 12)  # inverse temperatures in units of the total variance
_SHARPEST = 60  # more of them, in the same steps, where the sharpest is the best


def reference_patterns(stored):
    """Indices of at most 512 patterns, evenly spaced in an order by content, that measure neighbourhoods."""
    return reference_of(by_content(stored.patterns, stored.known, stored.spread))


def reference_of(order):
    """The same, of the patterns in an order by content."""
    return evenly(order, _REFERENCE)


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
    xp = arrays.namespace(stored.patterns)
    sample = stored.take(separating_sample(by_content(stored.patterns, stored.known, stored.spread)))
    nearest = nearest_others(stored, sample.patterns)
    total = stored.patterns.shape[0] if stored.weight is None else float(xp.sum(stored.weight))
    return separating_beta_of(nearest, sample.weight, total, stored.spread.unit)


def separating_sample(order):
    """The patterns, in an order by content, whose nearest neighbours are looked for."""
    return evenly(order, _NEIGHBOURS)


def nearest_others(stored, patterns):
    """Half the squared distance of each pattern to the nearest stored one that differs from it, in squared units."""
    xp = arrays.namespace(stored.patterns)
    nearest = None
    comparison = replace(stored, similarity="nearest", completed=True).compare(patterns)
    for _, block in comparison:
        halves = -(block + comparison.offset)
        halves = xp.min(xp.where(halves > _rounding(stored), halves, xp.inf), axis=1)  # duplicates are no neighbours
        nearest = halves if nearest is None else xp.minimum(nearest, halves)
    return nearest


def separating_beta_of(nearest, weight, total, unit):
    """`separating_beta` from what `nearest_others` gives, weights of those asked or None, and the number stored."""
    weight = arrays.namespace(nearest).ones_like(nearest) if weight is None else weight
    half = _weighted_median(arrays.to_numpy(nearest), arrays.to_numpy(weight))
    return 2.0 * float(np.log(max(total, 2.0) / _LEAK)) / half / unit**2 if half else 1.0


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
        entries that are hidden, or on the associated values. Hidden is what another pattern does not know, so that gaps
        are as they occur, or a tenth where all patterns are complete. 1 when nothing can be held out.
    """
    xp = arrays.namespace(stored.patterns)
    n_patterns, n_units = stored.patterns.shape
    total = n_units * float(stored.variance)
    order = by_content(stored.patterns, stored.known, stored.spread)
    own = evenly(order, max(1, min(_SAMPLE, _COMPARISONS // n_patterns)))
    sample = stored.take(own)
    if readout.values is stored.patterns:
        truth, hidden = sample.patterns, _hidden(stored, sample, order)
        visible = ~hidden if sample.known is None else sample.known & ~hidden
        counted = xp.astype(hidden, truth.dtype)
    else:
        truth, hidden, visible = xp.take(readout.values, own, axis=0), None, sample.known
        counted = xp.ones_like(truth)
    if n_patterns == 1 or total == 0.0 or not bool(xp.any(counted > 0)):
        return 1.0
    counted = counted if sample.weight is None else counted * sample.weight[:, None]
    largest = float(xp.max(xp.abs(truth)))
    unit = largest if largest > 0.0 else 1.0  # errors are squared in it
    asked = _Asked(stored, sample.patterns, visible, hidden)

    def error(candidate, every=1):
        found = 0.0
        for rows, similarity, scale in asked.blocks(every):
            recalled = soft_recall(similarity, readout, float(candidate) / (total if scale is None else scale))
            found += float(xp.sum(counted[rows, :] * ((recalled - truth[rows, :]) / unit) ** 2))
        return found

    few = _FIRST_LOOK if sample.patterns.shape[0] == _SAMPLE else 1
    best = int(np.argmin([error(candidate, few) for candidate in _CANDIDATES]))
    best = _least(error, best)
    return best if stored.similarity == "local" else best / total / stored.spread.unit**2


class _Asked:
    """Patterns that are recalled from the others, with the similarities between them."""

    def __init__(self, stored, cues, visible, hidden):
        self.stored, self.cues, self.visible, self.hidden = stored, cues, visible, hidden
        self.rows = list(row_blocks(cues.shape[0], 64 * stored.patterns.shape[0]))
        self.kept = self._compare(slice(0, cues.shape[0])) if len(self.rows) == 1 else None

    def blocks(self, every):
        """Yield (rows, similarities, scale of the neighbourhoods or None) of one in `every` cues."""
        for rows in self.rows:
            some = slice(-(-rows.start // every) * every, rows.stop, every)
            if some.start >= rows.stop:
                continue
            if self.kept is None:
                yield some, *self._compare(some)
                continue
            similarity, scale = self.kept
            yield some, _Matrix(similarity.matrix[some, :]), None if scale is None else scale[some, :]

    def _compare(self, rows):
        cues = self.cues[rows, :]
        masks = {
            "known": None if self.visible is None else self.visible[rows, :],
            "lacking": None if self.hidden is None else self.hidden[rows, :],
        }
        local = self.stored.similarity == "local"
        scale = local_scale(self.stored, cues, **masks, apart=True) if local else None
        return _Matrix(_apart(self.stored, cues, self.stored.compare(cues, **masks).matrix())), scale


class _Matrix:
    """Similarities at hand, as `soft_recall` takes them."""

    def __init__(self, matrix):
        self.matrix = matrix

    def __iter__(self):
        yield slice(0, self.matrix.shape[1]), arrays.copy(self.matrix)


def _apart(stored, cues, similarity):
    """`similarity` without the cues themselves, which are stored, and their copies."""
    xp = arrays.namespace(cues)
    comparison = replace(stored, similarity="nearest", completed=True).compare(cues)
    same = comparison.matrix() + comparison.offset >= -_rounding(stored)
    return xp.where(same, FAR, similarity)


def _rounding(stored):
    """Up to here half a squared distance may be that of copies."""
    patterns = stored.patterns
    return 1e3 * arrays.namespace(patterns).finfo(patterns.dtype).eps * patterns.shape[1] * stored.variance


def _hidden(stored, sample, order):
    """Mask of known entries to hide, as gaps occur: those of other patterns; a tenth where no pattern has any.

    Fixed for given patterns: what is drawn counts along `order`.
    """
    n_rows, n_units = sample.patterns.shape
    here, random = arrays.placement_of(sample.patterns), np.random.RandomState(0)
    xp = here.xp
    if stored.known is not None:
        gaps = ~stored.known & xp.any(stored.known, axis=0)  # what no pattern knows is no gap to be filled
        order = arrays.to_numpy(order)
        with_gaps = order[arrays.to_numpy(xp.any(gaps, axis=1) & xp.any(stored.known, axis=1))[order]]
        if len(with_gaps):
            donors = here.asarray(with_gaps[random.randint(len(with_gaps), size=n_rows)])
            hidden = sample.known & xp.take(gaps, donors, axis=0)
            hidden = hidden & xp.any(sample.known & ~hidden, axis=1)[:, None]  # something must be left to go by
            if bool(xp.any(hidden)):
                return hidden
    drawn = random.random_sample((n_rows, n_units)) < min(0.5, max(_HIDDEN, 1.0 / n_units))
    return here.asarray(drawn) if sample.known is None else here.asarray(drawn) & sample.known


def _least(error, best):
    """The candidate of least error, downhill from that of index `best`, refined by a parabola in its logarithm."""
    step = np.log(_CANDIDATES[1] / _CANDIDATES[0])
    seen = {}
    while True:
        near = [i for i in (best - 1, best, best + 1) if 0 <= i < _SHARPEST]
        seen |= {i: error(_CANDIDATES[0] * np.exp(step * i)) for i in near if i not in seen}
        lowest = min(near, key=lambda i: (seen[i], i))
        if lowest == best:
            break
        best = lowest
    at = float(best)
    if len(near) == 3:
        left, right = seen[best - 1] - seen[best], seen[best + 1] - seen[best]
        at += 0.5 * (left - right) / (left + right) if left + right > 0 else 0.0
    return float(_CANDIDATES[0] * np.exp(step * at))


def local_scale(stored, cues, known=None, *, lacking=None, apart=False):
    """How far each cue's neighbourhood is: half the mean squared distance under a broad softmax.

    Parameters
    ----------
    stored : StoredPatterns
        What is stored; its reference patterns measure.
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
    sample = stored.take(stored.reference)
    comparison = sample.compare(cues, known, lacking=lacking)
    similarity = comparison.matrix()
    if apart:
        similarity = _apart(sample, cues, similarity)
    total = stored.patterns.shape[1] * stored.variance
    total = xp.where(total > 0, total, xp.ones_like(total))
    weights = xp.exp((similarity - xp.max(similarity, axis=1, keepdims=True)) * (_BREADTH / total))
    if sample.weight is not None:
        weights = weights * sample.weight
    halves = xp.maximum(-(similarity + comparison.offset), xp.zeros_like(similarity))
    mean = xp.sum(xp.where(weights > 0, weights * halves, 0.0), axis=1, keepdims=True) / xp.sum(
        weights, axis=1, keepdims=True
    )
    return xp.maximum(mean, 1e-6 * total)

"""The softmax memory: averages of stored rows by their similarity, at several sharpnesses from one comparison."""

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["SCALES", "SHARPER", "StoredRows"]

SCALES = (4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
"""Inverse temperatures, in units of the mean squared distance to the neighbourhood of the row that asks."""

SHARPER = tuple(SCALES[-1] * 4.0**power for power in range(1, 8))
"""Further ones, for many rows of few columns."""

_PRIOR = 3.0  # features of unrelated rows that each comparison starts with: few common ones make a noisy estimate
_BREADTH = 2.5  # inverse temperature, per feature, of the neighbourhood that distances are measured in
_REFERENCE = 512  # stored rows that measure it, at most
_SEVERAL = 3.0  # neighbours that half the rows have, at least, where a sharper softmax is tried
_FEWER = 0.9  # ... and share of them that it leaves, at most: equal rows remain, whatever the sharpness
_LOOKED = 128  # rows whose neighbours are counted, at most
_FAR = -1e25  # similarity to a row that must not count; finite, so that differences are
_LEAST = 1e-30  # weight, relative to the most similar row, that counts as none


@dataclass(frozen=True)
class StoredRows:
    """Rows to average, of which some entries are unknown.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        Standardised; 0 where unknown.
    known : bool ndarray of shape (n_rows, n_columns)
        Known entries.
    residuals : ndarray of shape (n_rows, n_columns)
        What the linear memory leaves of known entries; 0 elsewhere.
    importance : ndarray of shape (n_columns,)
        What columns count in comparisons.
    """

    values: Any
    known: Any
    residuals: Any
    importance: Any

    def averages(self, values, known, scales):
        """Averages of the stored values and residuals, at each scale.

        Parameters
        ----------
        values : ndarray of shape (n_samples, n_columns)
            Rows that ask; 0 where unknown.
        known : bool ndarray of shape (n_samples, n_columns)
            Their known entries. Of what a row does not know only rows that know some of it are asked, so that a stored
            row is never its own evidence.
        scales : sequence of float
            Some of those that `scales_for` gives, in their order.

        Yields
        ------
        values, residuals : ndarray of shape (n_samples, n_columns)
            An entry is averaged over the rows that know it; where none of those counts it is what the scale before
            said, 0 at the first.
        """
        similarity = self._differences(values, known)
        n_columns = values.shape[1]
        mass = self.known.astype(np.float64)
        answers = np.concatenate([self.values, self.residuals, mass], axis=1)
        found = (0.0, 0.0)
        for weights in _softmaxes(similarity, scales):
            sums = weights @ answers
            votes = sums[:, 2 * n_columns :]
            counts = votes > _LEAST
            votes = np.where(counts, votes, 1.0)
            # What the nearest rows do not know is said by the farther ones of a softmax that is less sharp.
            parts = zip(_halves(n_columns), found, strict=True)
            found = tuple(np.where(counts, sums[:, part] / votes, before) for part, before in parts)
            yield found

    def scales_for(self, values, known):
        """Scales worth trying for rows that ask; parameters are those of `averages`.

        Returns
        -------
        scales : tuple of float
            `SCALES`; where the sharpest of them leaves most rows many neighbours, every other one, and of `SHARPER`
            those that still leave several: the more rows are near, the nearer ones are to be averaged.
        """
        step = max(1, -(-len(values) // _LOOKED))
        similarity = self._differences(values[::step], known[::step])
        found, before = [], np.inf
        tried = (SCALES[-1], *SHARPER)
        for scale, weights in zip(tried, _softmaxes(similarity, tried), strict=True):
            neighbours = np.median(weights.sum(axis=1)) if len(weights) else 0.0
            if neighbours > _FEWER * before:
                break
            found.append(scale)
            if neighbours < _SEVERAL:
                break
            before = neighbours
        return (*SCALES[1::2], *found[1:]) if len(found) > 1 else SCALES

    def _differences(self, values, known):
        """Similarities less the greatest one of a row, in units of its neighbourhood; shape (n_samples, n_rows)."""
        similarity = self._similarity(values, known)
        unit = self._neighbourhood(similarity)
        similarity -= similarity.max(axis=1, keepdims=True)
        similarity /= unit
        return similarity

    def _similarity(self, values, known):
        """Minus half the squared distances over common entries, scaled to all of them; shape (n_samples, n_rows)."""
        counted = known * self.importance
        mine = np.concatenate([counted * values, -0.5 * counted * values**2, -0.5 * counted], axis=1)
        mass = self.known.astype(np.float64)
        theirs = np.concatenate([self.values, mass, self.values**2], axis=1)
        common = counted @ mass.T
        similarity = mine @ theirs.T
        similarity -= _PRIOR
        similarity *= (self.importance.sum() + _PRIOR) / (common + _PRIOR)
        asked = (~known).astype(np.float64) @ mass.T
        similarity[(common <= 0.0) | (asked < 0.5)] = _FAR
        return similarity

    def _neighbourhood(self, similarity):
        """Half the mean squared distance under a broad softmax; shape (n_samples, 1)."""
        step = max(1, similarity.shape[1] // _REFERENCE)
        some = similarity[:, ::step]
        weights = np.exp(_BREADTH / self.importance.sum() * (some - some.max(axis=1, keepdims=True)))
        weights[some <= 0.5 * _FAR] = 0.0
        total = weights.sum(axis=1, keepdims=True)
        mean = np.einsum("ij,ij->i", weights, np.where(weights > 0.0, -some, 0.0))[:, None]
        least = 1e-6 * self.importance.sum()
        return np.where(total > 0.0, np.maximum(mean / np.where(total > 0.0, total, 1.0), least), 1.0)


def _halves(n_columns):
    return slice(0, n_columns), slice(n_columns, 2 * n_columns)


def _softmaxes(similarity, scales):
    """Yield weights relative to the most similar row, at each scale; scales are powers of two times one another."""
    weights = before = None
    for scale in scales:
        # A sharper softmax is a power of the one before.
        weights = np.exp(scale * similarity) if weights is None else _power(weights, scale / before)
        before = scale
        yield weights


def _power(weights, exponent):
    while exponent > 1.5:
        weights = weights * weights
        exponent /= 2.0
    return weights

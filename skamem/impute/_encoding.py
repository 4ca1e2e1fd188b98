"""Features as standardised columns: a number has one, a category one for each of its values."""

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Encoding", "learnt_encoding"]

_MOST_LEVELS, _LEAST_LEVELS = 30, 4  # categories that a completed entry may be: the most frequent ones
_VOTES = 240  # ... and fewer where more features share so many columns
_MANY = 10  # a feature of more categories does without those that occur once


@dataclass(frozen=True)
class Encoding:
    """How features become columns of mean 0 and variance 1.

    Parameters
    ----------
    feature : int ndarray of shape (n_columns,)
        The feature of each column, in order; features of which nothing is known have none.
    level : ndarray of shape (n_columns,)
        The category that a column stands for; NaN where it is the number itself.
    mean, scale : ndarray of shape (n_columns,)
        Of the known entries.
    importance : ndarray of shape (n_columns,)
        What a column counts when rows are compared; those of a feature count 1 together.
    n_features : int
        Features of the table.
    """

    feature: Any
    level: Any
    mean: Any
    scale: Any
    importance: Any
    n_features: int

    def columns(self, codes):
        """Standardised columns of codes of shape (n_rows, n_features), 0 where unknown, and the mask of known ones."""
        values = codes[:, self.feature]
        known = ~np.isnan(values)
        votes = ~np.isnan(self.level)
        values[:, votes] = values[:, votes] == self.level[votes]
        # Halves first: the difference of two huge numbers overflows. In place: tables may be large.
        values *= 0.5
        values -= 0.5 * self.mean
        values /= self.scale
        values *= 2.0
        values[~known] = 0.0
        return values, known

    def spread_to_columns(self, mask):
        """A mask of features as one of columns."""
        return mask[:, self.feature]

    def scores(self, columns):
        """Numbers in the features' units; shares of the vote for categories. Shape (n_rows, n_columns)."""
        return columns * self.scale + self.mean

    def blocks(self):
        """Yield (feature, its columns as a slice)."""
        starts = np.flatnonzero(np.diff(self.feature, prepend=-1))
        for start, stop in zip(starts, np.append(starts, len(self.feature))[1:], strict=True):
            yield int(self.feature[start]), slice(int(start), int(stop))

    def codes(self, scores):
        """Codes of features from `scores`: the number, or the category with most votes, the first among equals."""
        codes = np.zeros((len(scores), self.n_features))
        for feature, block in self.blocks():
            own = scores[:, block]
            is_vote = not np.isnan(self.level[block.start])
            codes[:, feature] = self.level[block][np.argmax(own, axis=1)] if is_vote else own[:, 0]
        return codes


def learnt_encoding(codes, is_category):
    """The `Encoding` of a table.

    Parameters
    ----------
    codes : ndarray of shape (n_rows, n_features)
        NaN where unknown.
    is_category : bool ndarray of shape (n_features,)
        Features whose codes are indices of categories.

    Returns
    -------
    encoding : Encoding
    """
    parts, most = [], max(_LEAST_LEVELS, min(_MOST_LEVELS, _VOTES // max(1, np.count_nonzero(is_category))))
    for j, column in enumerate(codes.T):
        given = column[~np.isnan(column)]
        if not len(given):
            continue
        if is_category[j]:
            levels, counts = np.unique(given, return_counts=True)
            often = np.argsort(-counts, kind="stable")[:most]
            if len(levels) > _MANY:
                often = often[: max(1, np.count_nonzero(counts[often] > 1))]
            often = np.sort(often)
            share = counts[often] / len(given)
            variance = share * (1.0 - share)
            total = variance.sum()
            importance = variance / total if total > 0 else np.full(len(often), 1.0 / len(often))
            parts.append((np.full(len(often), j), levels[often], share, _scale(np.sqrt(variance), share), importance))
        else:
            mean, deviation = _moments(given)
            parts.append(([j], [np.nan], [mean], _scale(np.asarray([deviation]), mean), [1.0]))
    if not parts:
        parts = [([], [], [], [], [])]
    feature, level, mean, scale, importance = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Encoding(feature.astype(np.intp), level, mean, scale, importance, codes.shape[1])


def _moments(values):
    """Mean and standard deviation, whatever the offset and the unit."""
    middle = 0.5 * values.min() + 0.5 * values.max()
    reach = np.abs(0.5 * values - 0.5 * middle).max()  # of halves: a difference may overflow
    if reach == 0.0:
        return values[0], 0.0
    halves = (0.5 * values - 0.5 * middle) / reach
    return middle + 2.0 * reach * halves.mean(), 2.0 * reach * halves.std()


def _scale(deviation, mean):
    """Standard deviations by which to divide; 1 where there is none but rounding."""
    return np.where(deviation > 1e-14 * np.abs(mean), deviation, 1.0)

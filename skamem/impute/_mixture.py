"""The mixture memory: a linear memory for each of several kinds of rows, weighed by how likely each makes a row.

Kinds are found by expectation maximisation of a mixture of Gaussians on rows with gaps (Ghahramani and Jordan, 1994,
Supervised learning from incomplete data via an EM approach, NIPS 6), begun with groups that principal directions divide
(Boley, 1998, Principal direction divisive partitioning, Data Mining and Knowledge Discovery 2).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import softmax

from skamem.impute._linear import LinearMemory, gaps_of, shrunk

__all__ = ["MixtureMemory", "has_kinds", "learnt_mixture"]

_HALVINGS = 2  # rows are divided so often ...
_KINDS = 2**_HALVINGS  # ... into so many kinds
_STEPS = 5  # iterations of expectation maximisation
_PRIOR_ROWS = 1.0  # rows for each column that the covariance of all rows counts in that of a kind
_POWERS = 10  # of the covariance that find a direction
_ROWS, _ROWS_EACH = 10, 2  # rows of a kind, and those for each column, that it takes to learn of it
_LEAST = 1e-9  # share of a kind that no row makes likely


@dataclass(frozen=True)
class MixtureMemory:
    """Conditional means under a mixture of Gaussians.

    Parameters
    ----------
    parts : tuple of LinearMemory
        One for each kind of rows.
    shares : ndarray of shape (n_parts,)
        How frequent each is.
    """

    parts: Any
    shares: Any

    def complete(self, values, known, *, gaps=None):
        """Conditional means of unknown entries.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_columns)
            0 where unknown.
        known : bool ndarray of shape (n_rows, n_columns)
            Known entries.
        gaps : list of Gaps, default=None
            Those of `known`, where they were found before.

        Returns
        -------
        values : ndarray of shape (n_rows, n_columns)
            Known entries as they are.
        """
        gaps = gaps_of(known) if gaps is None else gaps
        found = [_explained(part, values, known, gaps) for part in self.parts]
        likely = _likely(np.stack([logarithm for _, logarithm, _ in found]), self.shares)
        return sum(weight[:, None] * filled for weight, (filled, _, _) in zip(likely, found, strict=True))


def has_kinds(n_rows, n_columns):
    """Whether there are rows enough to tell kinds of them: the covariance of each asks for more rows than columns."""
    return n_rows >= _KINDS * max(_ROWS, _ROWS_EACH * n_columns)


def learnt_mixture(values, known, completed, *, shrinkage, gaps=None):
    """Learn kinds of rows.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        Standardised; 0 where unknown.
    known : bool ndarray of shape (n_rows, n_columns)
        Known entries.
    completed : ndarray of shape (n_rows, n_columns)
        What the linear memory says, to begin with.
    shrinkage : float
        Share of the identity in the covariances.
    gaps : list of Gaps, default=None
        Those of `known`, where they were found before.

    Returns
    -------
    mixture : MixtureMemory
    """
    gaps = gaps_of(known) if gaps is None else gaps
    groups = _divided(completed)
    likely = (np.arange(_KINDS)[:, None] == groups).astype(np.float64)
    prior = np.cov(completed.T, bias=True).reshape(2 * values.shape[1:])
    learnt = [_moments(completed, weight, 0.0, prior, shrinkage) for weight in likely]
    for _ in range(_STEPS):
        shares, logarithms = _shares(likely), []
        for k, (part, weight) in enumerate(zip(learnt, likely, strict=True)):
            filled, logarithm, uncertain = _explained(part, values, known, gaps, weight=weight)
            learnt[k] = _moments(filled, weight, uncertain, prior, shrinkage)
            logarithms.append(logarithm)
        # From the moments before: one pass finds what a kind makes of rows, and how likely it makes them.
        likely = _likely(np.stack(logarithms), shares)
    return MixtureMemory(tuple(learnt), _shares(likely))


def _divided(completed):
    """Groups of rows, as numbers: each is divided at its mean along its principal direction, again and again."""
    groups = np.zeros(len(completed), dtype=np.intp)
    for _ in range(_HALVINGS):
        groups *= 2
        for group in np.unique(groups):
            own = np.flatnonzero(groups == group)
            deviations = completed[own] - completed[own].mean(axis=0)
            groups[own[deviations @ _principal_direction(deviations) > 0.0]] += 1
    return groups


def _principal_direction(deviations):
    """Where rows vary most, nearly: powers of their covariance, from the most unusual row on."""
    direction = deviations[np.argmax(np.einsum("ij,ij->i", deviations, deviations))]
    for _ in range(_POWERS):
        size = np.sqrt(direction @ direction)
        direction = (deviations @ (direction / size)) @ deviations if size > 0.0 else direction
    return direction


def _moments(filled, weight, uncertain, prior, shrinkage):
    """The linear memory of weighted rows, its covariance with that of all rows as a prior."""
    total, n_prior = weight.sum(), _PRIOR_ROWS * filled.shape[1]
    mean = weight @ filled / total if total > 0.0 else filled.mean(axis=0)
    deviations = filled - mean
    covariance = (deviations * weight[:, None]).T @ deviations + uncertain + n_prior * prior
    return LinearMemory(mean, shrunk(covariance / (total + n_prior), shrinkage))


def _shares(likely):
    shares = likely.mean(axis=1) + _LEAST
    return shares / shares.sum()


def _likely(logarithms, shares):
    """How likely each row is of each kind; shape (n_parts, n_rows)."""
    return softmax(logarithms + np.log(shares)[:, None], axis=0)


def _explained(part, values, known, gaps, *, weight=None):
    """Rows completed, log densities of what is known of them, and the sum of what remains uncertain, weighted."""
    precision, n_columns = np.linalg.inv(part.covariance), values.shape[1]
    filled = np.where(known, values - part.mean, 0.0)
    pulls, uncertain = filled @ precision, np.zeros(n_columns**2)
    # det(covariance of what is known) = det(covariance) det(precision of what is not)
    volumes = np.full(len(values), np.linalg.slogdet(part.covariance)[1])
    for some in gaps:
        inverses = some.inverses(precision)
        filled[some.rows[:, None], some.columns] = -np.einsum(
            "nij,nj->ni", inverses[some.which], pulls[some.rows[:, None], some.columns]
        )
        volumes[some.rows] -= np.linalg.slogdet(inverses)[1][some.which]
        if weight is not None:
            places = some.patterns[:, :, None] * n_columns + some.patterns[:, None, :]
            counted = np.bincount(some.which, weight[some.rows], minlength=len(some.patterns))
            inverses *= counted[:, None, None]
            uncertain += np.bincount(places.ravel(), inverses.ravel(), minlength=n_columns**2)
    distances = np.einsum("ij,ij->i", filled, filled @ precision)
    return filled + part.mean, -0.5 * (distances + volumes), uncertain.reshape(n_columns, n_columns)

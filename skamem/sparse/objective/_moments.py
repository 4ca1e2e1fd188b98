"""Sums over samples that least squares on any subset of features needs: mergeable, so that folds can be taken out.

The moments of all samples less those of a fold are those of the rest: a cross-validation reads X once.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skamem.sparse.objective._design import host

__all__ = ["Moments", "moments_of"]


@dataclass
class Moments:
    """Weighted sums over samples of X and y, both shifted by constants that keep them small.

    All have a further first axis when several sets of samples are stacked.

    Parameters
    ----------
    weight : float
        Sum of weights.
    x : array of shape (n_features,)
        Sum of x.
    y : array of shape (n_targets,)
        Sum of y.
    xx : array of shape (n_features, n_features)
        Sum of x xᵀ.
    xy : array of shape (n_features, n_targets)
        Sum of x yᵀ.
    yy : float
        Sum of ‖y‖².
    """

    weight: Any
    x: np.ndarray
    y: np.ndarray
    xx: np.ndarray
    xy: np.ndarray
    yy: Any

    def parts(self):
        """The six sums."""
        return self.weight, self.x, self.y, self.xx, self.xy, self.yy

    def sum(self):
        """Moments of all stacked sets together."""
        return Moments(*(np.sum(part, axis=0) for part in self.parts()))

    def __sub__(self, other):
        return Moments(*(mine - theirs for mine, theirs in zip(self.parts(), other.parts(), strict=True)))

    def append(self, other):
        """Stack with one further set at the end."""
        pairs = zip(self.parts(), other.parts(), strict=True)
        return Moments(*(np.concatenate([mine, np.asarray(theirs)[None]]) for mine, theirs in pairs))

    def centre(self):
        """Make xx, xy and yy of stacked sets those about the means, in place; returns them."""
        share = self.x / self.weight[:, None]
        self.xx -= self.x[:, :, None] * share[:, None, :]
        self.xy -= share[:, :, None] * self.y[:, None, :]
        self.yy = self.yy - np.sum(self.y**2, axis=1) / self.weight
        return self.xx, self.xy, self.yy


def moments_of(design, y, weights, parts, shift_x, shift_y):
    """Moments of several sets of samples, stacked along a first axis.

    Parameters
    ----------
    design : DenseDesign or SparseDesign
    y : array of shape (n_samples, n_targets)
        Where X lives.
    weights : array of shape (n_samples,) or None
        Where X lives.
    parts : list of int arrays
        Samples of each set; host.
    shift_x : array of shape (n_features,) or None
        Subtracted from X first; host. None where it is small against the spread.
    shift_y : array of shape (n_targets,)
        Subtracted from y first; host.

    Returns
    -------
    moments : Moments
        Cost O(n n_features²) for n samples in all parts.
    """
    xp = design.xp
    targets = y - design.asarray(shift_y)
    squares = xp.sum(targets * targets, axis=1)[:, None]
    # One for the weights, the targets and their squares ride along as further columns of one product with X.
    aside = xp.concat([xp.ones_like(squares), targets, squares], axis=1)
    if weights is not None:
        aside = aside * weights[:, None]
    sets = []
    for rows in parts:
        some = design.pick(aside, rows)
        xx, xa = design.products(rows, shift_x, None if weights is None else design.pick(weights, rows), some)
        sums = host(xp.sum(some, axis=0))
        sets.append((sums[0], xa[:, 0], sums[1:-1], xx, xa[:, 1:-1], sums[-1]))
    return Moments(*(np.stack(sums) for sums in zip(*sets, strict=True)))

"""Sums over samples that least squares on any subset of features needs: mergeable, so that folds can be taken out.

The moments of all samples less those of a fold are those of the rest: a cross-validation reads X once.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skamem.sparse._design import host

__all__ = ["Moments", "moments_of", "stacked"]


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


def stacked(sets):
    """Moments of several sets of samples along a first axis."""
    return Moments(*(np.stack(parts) for parts in zip(*(one.parts() for one in sets), strict=True)))


def moments_of(design, y, weights, rows, shift_x, shift_y):
    """Moments of the samples `rows`.

    Parameters
    ----------
    design : DenseDesign or SparseDesign
    y : array of shape (n_samples, n_targets)
        Where X lives.
    weights : array of shape (n_samples,) or None
        Where X lives.
    rows : int array
        Host.
    shift_x : array of shape (n_features,) or None
        Subtracted from X first; host. None where it is small against the spread.
    shift_y : array of shape (n_targets,)
        Subtracted from y first; host.

    Returns
    -------
    moments : Moments
        Cost O(len(rows) n_features²).
    """
    xp = design.xp
    index = design.asarray(rows, xp.int64)
    targets = xp.take(y, index, axis=0) - design.asarray(shift_y)
    weight = None if weights is None else xp.take(weights, index, axis=0)
    ones = xp.ones((targets.shape[0], 1), dtype=design.wide, device=design.device)
    # The constant and the targets ride along as further columns of one product.
    aside = xp.concat([ones, targets], axis=1)
    weighted = aside if weight is None else aside * weight[:, None]
    xx, xa = design.products(rows, shift_x, weight, weighted)
    sums = host(xp.sum(weighted, axis=0))
    yy = float(xp.sum(weighted * aside)) - sums[0]  # the constant's own square is the weight
    return Moments(sums[0], xa[:, 0], sums[1:], xx, xa[:, 1:], yy)

"""Sums over samples that least squares on any subset of features needs: mergeable, so that folds can be taken out.

The moments of all samples less those of a fold are those of the rest: a cross-validation reads X once.
"""

from dataclasses import dataclass

import numpy as np

from skamem.sparse._design import host

__all__ = ["Moments", "moments_of"]


@dataclass
class Moments:
    """Weighted sums over samples of X and y, both shifted by constants that keep them small.

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

    weight: float
    x: np.ndarray
    y: np.ndarray
    xx: np.ndarray
    xy: np.ndarray
    yy: float

    def __sub__(self, other):
        return Moments(*(mine - theirs for mine, theirs in zip(self._parts(), other._parts(), strict=True)))

    def __add__(self, other):
        return Moments(*(mine + theirs for mine, theirs in zip(self._parts(), other._parts(), strict=True)))

    def _parts(self):
        return self.weight, self.x, self.y, self.xx, self.xy, self.yy

    def centred(self):
        """The same sums about the means: xx, xy and yy."""
        x, y, w = self.x, self.y, self.weight
        return self.xx - np.outer(x, x) / w, self.xy - np.outer(x, y) / w, self.yy - float(y @ y) / w


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
    shift_x, shift_y : arrays of shape (n_features,), (n_targets,)
        Subtracted first; host.

    Returns
    -------
    moments : Moments
        Cost O(len(rows) n_features²).
    """
    xp = design.xp
    index = design.asarray(rows, xp.int64)
    targets = xp.take(y, index, axis=0) - design.asarray(shift_y)
    weight = xp.ones(targets.shape[0], dtype=design.wide, device=design.device)
    weight = weight if weights is None else xp.take(weights, index, axis=0)
    xx, x, xy = design.products(rows, shift_x, weight, targets)
    weighted = targets * weight[:, None]
    return Moments(float(xp.sum(weight)), x, host(xp.sum(weighted, axis=0)), xx, xy, float(xp.sum(weighted * targets)))

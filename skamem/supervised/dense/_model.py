"""A fitted dense memory as a value: overlaps, potentials, contributions of single memories, gradients by the input.

Symbols are those of `_readouts`: overlaps Z, recognition weights A, potentials Φ, F and f = F'.
"""

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

from skamem.core import arrays
from skamem.core.rows import row_blocks, rows_in_cache
from skamem.core.threads import product_threads
from skamem.supervised.dense._losses import PowerLoss
from skamem.supervised.dense._network import Memories, Network
from skamem.supervised.dense._readouts import bounded_potentials, winner_readout

__all__ = ["DenseModel", "opened"]

# Offsets up to this many times the scale may move from the rows into the intercepts: float32 loses little by it.
_SMALL_OFFSET = 30.0


def opened(estimator, X, **options):
    """Model of a fitted dense memory, and rows checked as its `predict` does.

    Parameters
    ----------
    estimator : DenseAMClassifier or DenseAMRegressor
        Fitted.
    X : array-like of shape (n_samples, n_features)
        Rows.
    **options
        Further options of `sklearn.utils.validation.validate_data`.

    Returns
    -------
    model : DenseModel
    X : array
        Validated, where the user had it.
    """
    X, placement = estimator._receive(X, reset=False, method="predict", **options)
    return DenseModel.of(estimator, placement), X


@dataclass(frozen=True)
class DenseModel:
    """Overlaps, potentials, contributions and gradients of rows in the user's units.

    Where F or its derivatives leave the floating type, a row's numbers are scaled down as a whole: shares of memories
    and directions of gradients stay right.

    Parameters
    ----------
    interaction : object
        F.
    equation : {"exact", "linear"}
        Eq. (9) or eq. (10).
    loss : object or None
        Loss without the aids of training; None for regressors.
    memories : Memories
        On rows less the offset, in the user's units.
    offset : array of shape (n_features,) or None
        None where it is part of the memories' bias.
    placement : Placement
        Where all this lives.
    """

    interaction: Any
    equation: str
    loss: Any
    memories: Memories
    offset: Any
    placement: Any

    @classmethod
    def of(cls, estimator, placement=None):
        """Model of a fitted estimator, from its public attributes; `placement` is where these live."""
        placement = arrays.placement_of(estimator.memories_) if placement is None else placement
        xp, inverse = placement.xp, 1 / estimator.temperature_
        # The features' scale is in the fitted memories already; only the offset is left to do. To subtract it from
        # every row costs a pass and a copy, so it joins the intercepts where float32 can hold the sum.
        offset, intercept = estimator.offset_, estimator.intercept_
        if bool(xp.max(xp.abs(offset) / estimator.scale_) <= _SMALL_OFFSET):
            offset, intercept = None, intercept - estimator.memories_ @ offset
        power = getattr(estimator, "power_", None)
        return cls(
            estimator.interaction_,
            estimator.readout_,
            None if power is None else PowerLoss(power),
            Memories(estimator.memories_ * inverse, intercept * inverse, estimator.recognition_ * (2 * inverse)),
            offset,
            placement,
        )

    @property
    def _xp(self):
        return self.placement.xp

    @functools.cached_property
    def network(self):
        """The memories' network."""
        visible, _, recognition = self.memories
        return Network.of(self.equation, self.interaction, recognition.shape[1], self._xp, visible.dtype)

    def blocks(self, n_rows, *, features=2, overlaps=6):
        """Slices over rows, within scikit-learn's ``working_memory``.

        Parameters
        ----------
        n_rows : int
            Number of rows.
        features, overlaps : int
            How many work arrays of the size of a row, and of its overlaps, a row needs.

        Returns
        -------
        blocks : iterator of slice
        """
        n_memories, n_features = self.memories.visible.shape
        itemsize = self._xp.finfo(self.memories.visible.dtype).bits // 8
        row_bytes = (features * n_features + overlaps * n_memories) * itemsize
        return row_blocks(n_rows, row_bytes, at_most=rows_in_cache(row_bytes, self._xp))

    def outputs(self, X, *, winner_only=False):
        """Potentials Φ of validated rows, block by block.

        Parameters
        ----------
        X : array or csr matrix of shape (n_samples, n_features)
            Anywhere.
        winner_only : bool, default=False
            Whether nothing but the largest potential of each row need be right, which is faster.

        Returns
        -------
        potentials : array of shape (n_samples, n_outputs)
        """
        readout = winner_readout(self.network.readout) if winner_only else self.network.readout
        sparse, blocks = scipy.sparse.issparse(X), list(self.blocks(X.shape[0]))
        largest = (blocks[0].stop if blocks else 0) * math.prod(self.memories.visible.shape)
        with product_threads(largest, self._xp):
            parts = [self._bounded(self.overlaps(X[rows] if sparse else X[rows, :]), readout) for rows in blocks]
        return parts[0] if len(parts) == 1 else self._xp.concat(parts, axis=0)

    def overlaps(self, X):
        """Z of rows in the user's units, of shape (n_samples, n_memories)."""
        rows = self.placement.asarray(X, self.memories.visible.dtype)
        return self.network.overlaps(rows if self.offset is None else rows - self.offset, self.memories)

    def spreads_and_reach(self, X, sample_weight=None):
        """How far potentials follow the weights, as if memories were independent.

        Parameters
        ----------
        X : array or csr matrix of shape (n_samples, n_features)
            Validated rows.
        sample_weight : ndarray of shape (n_samples,) or None
            Weights of the rows, on the host.

        Returns
        -------
        spreads : array of shape (n_memories,)
            Standard deviations over the rows of ∂Φ_a / ∂U_μa, but for its shift with the class unit.
        reach : array of shape (n_memories,)
            Of ∂Φ / ∂(T Z_μ) the length, as a root mean square over the rows.
        """
        xp, memories = self._xp, self.memories
        weights = np.ones(X.shape[0]) if sample_weight is None else sample_weight
        weights = self.placement.asarray(weights / weights.sum(), memories.visible.dtype)
        mean, square, steep = (xp.zeros_like(memories.bias) for _ in range(3))
        first = None  # answers to one row: squares of what is near them do not cancel
        for rows in self.blocks(X.shape[0]):
            overlaps, share = self.overlaps(X[rows] if scipy.sparse.issparse(X) else X[rows, :]), weights[rows]
            answers = self.interaction.slope(overlaps)
            first = +answers[:1, :] if first is None else first
            mean, square = mean + share @ (answers - first), square + share @ (answers - first) ** 2
            steep = steep + self._steepness(overlaps, answers, share)
        spreads = xp.sqrt(xp.maximum(square - mean**2, xp.zeros_like(mean)))
        return 2 * spreads, xp.sqrt(steep)

    def _steepness(self, overlaps, answers, share):
        """Σ over rows and classes of (∂Φ_a / ∂Z_μ)², rows by their share; of shape (n_memories,)."""
        recognition = self.memories.recognition
        if self.equation == "linear":
            return (share @ self.interaction.curvature(overlaps) ** 2) * self._xp.sum(recognition**2, axis=1)
        classes = range(recognition.shape[1])
        return sum(share @ (self.interaction.slope(overlaps + recognition[:, a]) - answers) ** 2 for a in classes)

    def potentials(self, overlaps):
        """Φ of shape (n_samples, n_outputs)."""
        return self._bounded(overlaps, self.network.readout)

    def _bounded(self, overlaps, readout):
        return bounded_potentials(overlaps, self.memories.recognition, self.interaction, self.equation, readout)

    def contributions(self, overlaps, classes):
        """What each memory adds to the potential of one class per row, up to a positive factor per row.

        Parameters
        ----------
        overlaps : array of shape (n_samples, n_memories)
            Z.
        classes : int array of shape (n_samples,)
            Which class.

        Returns
        -------
        contributions : array of shape (n_samples, n_memories)
        """
        recognition = self._recognition_of(classes)
        reduced, _, stretch = self._reduced(overlaps)
        if self.equation == "linear":
            return self.interaction.slope(reduced) * recognition
        change = recognition * stretch
        if hasattr(self.interaction, "gain"):
            return self.interaction.gain(reduced, change)
        return self.interaction.energy(reduced + change) - self.interaction.energy(reduced)

    def margins(self, potentials, codes):
        """How far the strongest other class is ahead of the true one, and which class that is.

        Parameters
        ----------
        potentials : array of shape (n_samples, n_classes)
            Φ.
        codes : int array of shape (n_samples,)
            True classes.

        Returns
        -------
        margins : array of shape (n_samples,)
            Φ_rival - Φ_true; positive where the memory is wrong.
        rivals : int array of shape (n_samples,)
            The strongest other class.
        """
        xp = self._xp
        classes = xp.arange(potentials.shape[1], device=self.placement.device)
        is_true = classes[None, :] == codes[:, None]
        others = xp.where(is_true, -math.inf, potentials)
        true = xp.sum(xp.where(is_true, potentials, 0.0), axis=1)
        return xp.max(others, axis=1) - true, xp.argmax(others, axis=1)

    def margin_gradient(self, overlaps, rivals, codes):
        """Gradient of Φ_rival - Φ_true by the input: dV = dZ W / T, in the user's units.

        Only two classes count, so that no loop over classes is needed: for eq. (9) dZ = f(Z + A_rival) - f(Z + A_true),
        for eq. (10) dZ = f'(Z) (A_rival - A_true).

        Parameters
        ----------
        overlaps : array of shape (n_samples, n_memories)
            Z.
        rivals, codes : int array of shape (n_samples,)
            The classes.

        Returns
        -------
        gradient : array of shape (n_samples, n_features)
        """
        rival, true = self._recognition_of(rivals), self._recognition_of(codes)
        reduced, factor, stretch = self._reduced(overlaps)
        if self.equation == "linear":
            # The chain rule gives the reduced overlaps' factor once for f and once more for its derivative.
            d_overlaps = self.interaction.curvature(reduced) * ((rival - true) * stretch)
        else:
            d_overlaps = self._slope_difference(reduced, rival * stretch, true * stretch)
        return self._by_input(d_overlaps * (stretch * factor))

    def loss_gradient(self, overlaps, codes):
        """Gradient by the input of the loss of each row, summed over the classes; for classifiers."""
        xp = self._xp
        n_classes = self.memories.recognition.shape[1]
        classes = xp.arange(n_classes, device=self.placement.device)
        targets = 2 * xp.astype(classes[None, :] == codes[:, None], overlaps.dtype) - 1
        weights = n_classes * xp.ones_like(overlaps[:, 0])

        def signal(potentials):
            return self.loss.value_and_slope(potentials, targets, weights)[1]

        return self._by_input(self.network.readout.gradients(overlaps, self.memories.recognition, signal)[0])

    def _slope_difference(self, overlaps, rival, true):
        """f(Z + A_rival) - f(Z + A_true), also where A is lost in the rounding of Z, as at high degrees in float32."""
        interaction = self.interaction
        difference = interaction.slope(overlaps + rival) - interaction.slope(overlaps + true)
        if not (hasattr(interaction, "gain") and hasattr(interaction, "curvature")):
            return difference
        # The midpoint rule errs by the square of r / 5, r the relative change of f; the difference by rounding over r.
        xp = self._xp
        middle, change = overlaps + (rival + true) / 2, rival - true
        curvature = interaction.curvature(middle)
        bound = (24 * float(xp.finfo(overlaps.dtype).eps)) ** (1 / 3) * xp.abs(interaction.slope(middle))
        smooth = (xp.abs(change * curvature) < bound) & (curvature != 0)
        return xp.where(smooth, change * curvature, difference)

    def _by_input(self, d_overlaps):
        return d_overlaps @ self.memories.visible

    def _recognition_of(self, classes):
        """Recognition weights of one class per row, of shape (n_samples, n_memories)."""
        return self._xp.take(self.memories.recognition.T, classes, axis=0)

    def _reduced(self, overlaps):
        """(reduced, factor, stretch) with F(Z) = factor F(reduced), F'(Z) = factor stretch F'(reduced), per row.

        The factor is bounded, so that what is multiplied by it stays in the floating type.
        """
        if not hasattr(self.interaction, "factor_out"):
            return overlaps, 1.0, 1.0
        xp = self._xp
        peak = self.interaction.peak(overlaps) + xp.max(xp.abs(self.memories.recognition))
        reduced, log_factor, stretch = self.interaction.factor_out(overlaps, peak)
        limit = 0.4 * math.log(float(xp.finfo(overlaps.dtype).max))
        bound = xp.asarray(limit, dtype=overlaps.dtype, device=self.placement.device)
        return reduced, xp.exp(xp.maximum(xp.minimum(log_factor, bound), -bound)), stretch

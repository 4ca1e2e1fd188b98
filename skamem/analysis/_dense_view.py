"""A fitted dense memory opened for analysis: overlaps, contributions of single memories, gradients by the input.

Symbols are those of `skamem.supervised.dense._readouts`: overlaps Z, recognition weights A, potentials Φ, F and f = F'.
"""

import math
from dataclasses import dataclass
from typing import Any

from sklearn.neural_network import MLPClassifier
from sklearn.utils.validation import check_is_fitted

from skamem.core.interactions import resolve_interaction
from skamem.supervised import DenseAMClassifier
from skamem.supervised.dense._data import cached_blocks
from skamem.supervised.dense._duality import HiddenLayerClassifier
from skamem.supervised.dense._readouts import bounded_potentials
from skamem.supervised.dense._training import PowerLoss

__all__ = ["DenseView", "dense_memory"]


def dense_memory(classifier):
    """The fitted dense memory that a classifier is, by the duality if it is a network.

    Parameters
    ----------
    classifier : DenseAMClassifier, MLPClassifier or HiddenLayerClassifier
        Fitted. Networks have one hidden layer.

    Returns
    -------
    memory : DenseAMClassifier
        The classifier itself, or the memory with the same outputs.

    Raises
    ------
    TypeError
        For any other estimator.
    ValueError
        For a network without a dual.
    """
    if isinstance(classifier, MLPClassifier | HiddenLayerClassifier):
        return DenseAMClassifier.from_mlp(classifier)
    if not isinstance(classifier, DenseAMClassifier):
        raise TypeError(
            f"{type(classifier).__name__} has no memories to look into; expected a fitted DenseAMClassifier, or a "
            "network with one hidden layer (MLPClassifier, or what to_mlp returned)."
        )
    check_is_fitted(classifier)
    return classifier


@dataclass(frozen=True)
class DenseView:
    """Overlaps, potentials, contributions and gradients of blocks of rows.

    Where F or its derivatives leave the floating type, a row's numbers are scaled down as a whole: shares of memories
    and directions of gradients stay right.

    Parameters
    ----------
    interaction : object
        F.
    readout : {"exact", "linear"}
        Eq. (9) or eq. (10).
    power : float
        m of the loss.
    network : Network
        From rows to overlaps, and the readout.
    memories : Memories
        On standardised rows.
    offset, scale : array of shape (n_features,)
        Of the standardisation.
    placement : Placement
        Where all this lives.
    """

    interaction: Any
    readout: str
    power: float
    network: Any
    memories: Any
    offset: Any
    scale: Any
    placement: Any

    @classmethod
    def of(cls, memory, placement):
        """View of a fitted `DenseAMClassifier` whose arrays live on `placement`."""
        interaction = resolve_interaction(memory.interaction, memory.degree)
        network = memory._network(interaction, memory.recognition_.shape[1], placement.xp, memory.memories_.dtype)
        return cls(
            interaction,
            memory.readout,
            float(memory.power),
            network,
            memory._memories(placement),
            memory.offset_,
            memory.scale_,
            placement,
        )

    def blocks(self, n_rows):
        """Slices over rows whose work arrays fit scikit-learn's ``working_memory``."""
        n_memories, n_features = self.memories.visible.shape
        return cached_blocks(n_rows, (6 * n_features + 8 * n_memories) * 8, self.placement.xp)

    def overlaps(self, X):
        """Z of rows in the user's units, of shape (n_samples, n_memories)."""
        rows = self.placement.asarray(X, self.offset.dtype)
        return self.network.overlaps((rows - self.offset) / self.scale, *self.memories)

    def potentials(self, overlaps):
        """Φ of shape (n_samples, n_classes)."""
        recognition = self.memories.recognition
        return bounded_potentials(overlaps, recognition, self.interaction, self.readout, self.network.readout)

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
        if self.readout == "linear":
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
        xp = self.placement.xp
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
        if self.readout == "linear":
            # The chain rule gives the reduced overlaps' factor once for f and once more for its derivative.
            d_overlaps = self.interaction.curvature(reduced) * ((rival - true) * stretch)
        else:
            d_overlaps = self._slope_difference(reduced, rival * stretch, true * stretch)
        return self._by_input(d_overlaps * (stretch * factor))

    def loss_gradient(self, overlaps, codes):
        """Gradient by the input of the training loss of each row, Σ abs(c - t)^2m / 2^2m over the classes."""
        xp = self.placement.xp
        n_classes = self.memories.recognition.shape[1]
        classes = xp.arange(n_classes, device=self.placement.device)
        targets = 2 * xp.astype(classes[None, :] == codes[:, None], overlaps.dtype) - 1
        weights = n_classes * xp.ones_like(overlaps[:, 0])

        def signal(potentials):
            return PowerLoss(self.power).value_and_slope(potentials, targets, weights)[1]

        return self._by_input(self.network.readout.gradients(overlaps, self.memories.recognition, signal)[0])

    def _slope_difference(self, overlaps, rival, true):
        """f(Z + A_rival) - f(Z + A_true), also where A is lost in the rounding of Z, as at high degrees in float32."""
        interaction = self.interaction
        difference = interaction.slope(overlaps + rival) - interaction.slope(overlaps + true)
        if not (hasattr(interaction, "gain") and hasattr(interaction, "curvature")):
            return difference
        # The midpoint rule errs by the square of r / 5, r the relative change of f; the difference by rounding over r.
        xp = self.placement.xp
        middle, change = overlaps + (rival + true) / 2, rival - true
        curvature = interaction.curvature(middle)
        bound = (24 * float(xp.finfo(overlaps.dtype).eps)) ** (1 / 3) * xp.abs(interaction.slope(middle))
        smooth = (xp.abs(change * curvature) < bound) & (curvature != 0)
        return xp.where(smooth, change * curvature, difference)

    def _by_input(self, d_overlaps):
        return (d_overlaps @ self.memories.visible) / self.scale

    def _recognition_of(self, classes):
        """Recognition weights of one class per row, of shape (n_samples, n_memories)."""
        return self.placement.xp.take(self.memories.recognition.T, classes, axis=0)

    def _reduced(self, overlaps):
        """(reduced, factor, stretch) with F(Z) = factor F(reduced), F'(Z) = factor stretch F'(reduced), per row.

        The factor is bounded, so that what is multiplied by it stays in the floating type.
        """
        if not hasattr(self.interaction, "factor_out"):
            return overlaps, 1.0, 1.0
        xp = self.placement.xp
        peak = self.interaction.peak(overlaps) + xp.max(xp.abs(self.memories.recognition))
        reduced, log_factor, stretch = self.interaction.factor_out(overlaps, peak)
        limit = 0.4 * math.log(float(xp.finfo(overlaps.dtype).max))
        bound = xp.asarray(limit, dtype=overlaps.dtype, device=self.placement.device)
        return reduced, xp.exp(xp.maximum(xp.minimum(log_factor, bound), -bound)), stretch

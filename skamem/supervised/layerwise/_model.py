"""What a fitted layerwise network computes, as a value."""

from dataclasses import dataclass
from typing import Any

from skamem.core import arrays
from skamem.core.rows import row_blocks
from skamem.supervised.layerwise._stages import n_units, outputs_of

__all__ = ["LayerwiseModel"]


@dataclass(frozen=True)
class LayerwiseModel:
    """Stages, and the readouts as they stood after each of them.

    Parameters
    ----------
    offset, scale : array of shape (n_features,)
        Of the features.
    stages : list of dict of str to array
        See `skamem.supervised.layerwise._stages`.
    activation : object
        With `energy`.
    intercepts : list of array of shape (n_outputs,)
        After each stage.
    coefs : list of list of array
        After each stage, the readouts of it and of those before.
    placement : Placement
        Of the arrays.
    """

    offset: Any
    scale: Any
    stages: list
    activation: Any
    intercepts: list
    coefs: list
    placement: Any

    @classmethod
    def of(cls, estimator, placement):
        """The model of a fitted estimator, in the floating type to compute in."""
        dtype = placement.working_dtype

        def cast(value):
            return placement.asarray(value, dtype)

        stages = [
            {name: placement.asarray(part) if name == "columns" else cast(part) for name, part in stage.items()}
            for stage in estimator.stages_
        ]
        coefs = [[cast(part) for part in parts] for parts in estimator.coefs_]
        intercepts = [cast(part) for part in estimator.intercepts_]
        activation = estimator.activation_
        return cls(cast(estimator.offset_), cast(estimator.scale_), stages, activation, intercepts, coefs, placement)

    def _blocks(self, X, n_stages):
        stages = self.stages[:n_stages]
        row_bytes = 8 * (2 * X.shape[1] + 3 * sum(map(n_units, stages)))
        for rows in row_blocks(X.shape[0], row_bytes):
            scaled = (self.placement.asarray(X[rows, :], self.offset.dtype) - self.offset) / self.scale
            with arrays.overflow_expected():
                yield list(outputs_of(stages, self.activation, scaled))

    def outputs(self, X):
        """Outputs of the whole network, (n_rows, n_outputs), block by block of rows."""
        for found in self._blocks(X, len(self.stages)):
            yield self._read(found, len(self.stages))

    def staged_outputs(self, X):
        """Outputs after each stage, stage by stage, each a list of blocks of rows."""
        for n_stages in range(1, len(self.stages) + 1):
            yield [self._read(found, n_stages) for found in self._blocks(X, n_stages)]

    def _read(self, found, n_stages):
        answers = self.intercepts[n_stages - 1] + found[0] @ self.coefs[n_stages - 1][0]
        for outputs, coefs in zip(found[1:n_stages], self.coefs[n_stages - 1][1:], strict=True):
            answers = answers + outputs @ coefs
        return answers

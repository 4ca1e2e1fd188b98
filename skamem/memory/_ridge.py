"""Ridge regression on a kernel or on features of it, and what each row is told by the others."""

import numpy as np

from skamem.core import arrays, least_squares

__all__ = ["FeatureRidge", "KernelRidge"]


class KernelRidge:
    """(K + α/w)⁻¹ for a kernel matrix K and sample weights w."""

    def __init__(self, kernel, alpha, weight):
        self.xp = xp = arrays.namespace(kernel)
        ridge = xp.full((kernel.shape[0],), alpha, dtype=kernel.dtype, device=arrays.device(kernel))
        ridge = ridge if weight is None else ridge / weight
        self.system = kernel + xp.eye(kernel.shape[0], dtype=kernel.dtype, device=arrays.device(kernel)) * ridge

    def solve(self, targets):
        try:
            return least_squares.cholesky_solve(self.system, targets)
        except np.linalg.LinAlgError:  # singular: the least-squares solution of smallest norm
            size = self.xp.max(self.xp.abs(self.system))
            if not bool(self.xp.isfinite(size)):
                return targets * self.xp.nan
            return (self.xp.linalg.pinv(self.system / size) / size) @ targets

    def leave_one_out(self, targets):
        """What each row recalls when it is not stored: y - C / diag((K + α/w)⁻¹)."""
        xp = self.xp
        inverse = self.solve(xp.eye(self.system.shape[0], dtype=targets.dtype, device=arrays.device(targets)))
        return targets - (inverse @ targets) / xp.linalg.diagonal(inverse)[:, None]


class FeatureRidge:
    """The same in the space of features Z: (ZᵀwZ + α)⁻¹ Zᵀw."""

    def __init__(self, features, alpha, weight):
        self.xp = xp = arrays.namespace(features)
        self.features = features
        self.weighted = features if weight is None else features * weight[:, None]
        gram = xp.matrix_transpose(self.weighted) @ features
        self.system = KernelRidge(gram, alpha, None)

    def solve(self, targets):
        return self.system.solve(self.xp.matrix_transpose(self.weighted) @ targets)

    def leave_one_out(self, targets):
        """What each row recalls when it is not stored: y - (y - ŷ) / (1 - leverage)."""
        xp = self.xp
        leverage = xp.sum(
            xp.matrix_transpose(self.system.solve(xp.matrix_transpose(self.weighted))) * self.features, axis=1
        )
        left = arrays.clip(1.0 - leverage, min=xp.finfo(targets.dtype).eps)
        return targets - (targets - self.features @ self.solve(targets)) / left[:, None]

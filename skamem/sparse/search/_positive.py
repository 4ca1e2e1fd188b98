"""Supports under the constraint that coefficients are not negative.

A best support of at most s members carries least-squares coefficients that are all positive: where nonnegative least
squares sets one to zero, its support is smaller. So the chain walks over supports with positive coefficients. The gain
of a change without the constraint bounds its gain with it; changes are looked at in the order of their bounds, solved
exactly, and the first that no later bound can beat is the best.
"""

import numpy as np

from skamem.sparse.objective._linalg import nonnegative_solve
from skamem.sparse.search._budgets import MAX_SWAPS
from skamem.sparse.search._chains import Chains

__all__ = ["PositiveChain"]

# Exact solutions that one search for the best change may take before it settles for the best so far.
_PATIENCE = 300


class PositiveChain(Chains):
    """A single support with positive coefficients; see `Chains`.

    Attributes
    ----------
    is_certified : bool
        False once a search for the best change ran out of patience.
    """

    can_splice = False  # a block exchange may lose to the constraint what it gains

    def __init__(self, quadratic, capacity):
        self.limit = capacity
        self.is_certified = True
        super().__init__(quadratic, capacity + 1)  # an addition may push a member out, after it came in

    def restart(self, support):
        """Start from the members of `support` that nonnegative least squares keeps."""
        support = np.asarray(support, dtype=np.intp)
        super().restart(support)
        while self.size and np.any(self.coefs[0] <= 0.0):
            members = self.supports[0].copy()
            coefs = nonnegative_solve(self.quadratic.block(members), self.quadratic.correlation[0, members, 0])
            kept = members[coefs > 0.0]
            if len(kept) == len(members):
                break
            super().restart(kept)

    def add(self, columns):
        """Add a column, then drop the members that it makes superfluous."""
        super().add(columns)
        if np.any(self.coefs[0] <= 0.0):
            self.restart(self.supports[0].copy())

    def addition_gains(self):
        """Bounds on the gains of single columns (1, m); -1 where there can be none."""
        gains = super().addition_gains()
        return np.where(self.residual[:, 0] > 0.0, gains, -1.0)

    def best_additions(self):
        """Column whose addition lowers the constrained loss most, as an array of one; None when none does."""
        gains = self.addition_gains()[0]
        columns = np.flatnonzero(gains > 0.0)
        members = self.supports[0]
        change, _ = self._best_change(gains[columns], lambda k: np.append(members, columns[k]), 0.0)
        return None if change is None else columns[change : change + 1]

    def settle(self, tol, limit=None):
        """Add while there is room, else swap, by the best change, until none gains more than `tol` of the loss."""
        limit = min(self.limit if limit is None else limit, self.limit)
        for _ in range(MAX_SWAPS):
            support = self._best_support(self.least_gain(tol)[0], limit)
            if support is None:
                return
            self.restart(support)

    def _best_support(self, threshold, limit):
        members = self.supports[0].copy()
        bounds, additions = self.addition_gains()[0], None
        if self.size < limit:
            columns = np.flatnonzero(bounds > threshold)
            change, _ = self._best_change(bounds[columns], lambda k: np.append(members, columns[k]), threshold)
            additions = None if change is None else np.append(members, columns[change])
        if additions is not None or self.size == 0:
            return additions
        slots, columns, gains = self._swap_bounds(threshold)

        def swapped(k):
            support = members.copy()
            support[slots[k]] = columns[k]
            return support

        change, _ = self._best_change(gains, swapped, threshold)
        return None if change is None else swapped(change)

    def _swap_bounds(self, threshold):
        """All swaps whose unconstrained gain exceeds `threshold`: slots, columns, gains."""
        H, room, w = self.projections[0], self.room[0], self.coefs[0, :, 0]
        variance = np.diagonal(self.inverse[0])[:, None]
        after = self.residual[0, 0] + H * (w[:, None] / variance)
        room_after = np.maximum(room + H * H / variance, 1e-10)
        gains = after**2 / room_after - w[:, None] ** 2 / variance
        slots, columns = np.nonzero((gains > threshold) & (after > 0.0))
        return slots, columns, gains[slots, columns]

    def _best_change(self, bounds, support_of, threshold):
        """Index and exact gain of the best change, looking at them in the order of their bounds."""
        best, gain = None, threshold
        order = np.argsort(-bounds, kind="stable")
        for count, k in enumerate(order):
            if bounds[k] <= gain:
                break
            if count == _PATIENCE:
                self.is_certified = False
                break
            exact = self.loss[0] - self._constrained_loss(support_of(k))
            if exact > gain:
                best, gain = int(k), exact
        return best, gain

    def _constrained_loss(self, support):
        gram = self.quadratic.block(support)
        correlation = self.quadratic.correlation[0, support, 0]
        coefs = nonnegative_solve(gram, correlation)
        return self.total[0] - 2 * float(correlation @ coefs) + float(coefs @ (gram @ coefs))

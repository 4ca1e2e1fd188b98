"""Supports on columns that a Gram matrix cannot tell apart: every change is computed from the columns themselves.

Of a column at the distance δ from the span of the others a Gram matrix keeps δ² to within the rounding of 1: nothing is
left at δ = 1e-8. An orthogonal factorisation X_S = Q R keeps δ itself, so it sees down to 1e-14. With Z = X - Q QᵀX,
projected twice, and the residual r = y - Q Qᵀy, what `Chains` keeps is

    H = R⁻¹ QᵀX,   w = R⁻¹ Qᵀy,   K = R⁻¹ R⁻ᵀ,   c' = Zᵀ r,   D_j = ‖z_j‖²,   loss = ‖r‖²

and a ridge α adds rows √α I under X_S. That costs O(n m s) a change, where the tableau's rank-one update costs O(m s).
"""

import numpy as np
from scipy.linalg import qr, solve_triangular

from skamem.sparse.objective._linalg import DEPENDENT_COLUMNS
from skamem.sparse.search._budgets import MAX_SWAPS
from skamem.sparse.search._chains import Chains

__all__ = ["OrthogonalChain"]

# Swaps that may turn out worthless before a search for better ones ends.
_PATIENCE = 20
# Squared distance from the others that a member keeps when further ones come in; less is rounding.
_LEAST_ROOM = 1e-26
# Squared distance from the others down to which gains are certain enough for a certificate.
_TELLING_ROOM = 1e-9


class OrthogonalChain(Chains):
    """A single support on a `ColumnsQuadratic`; see `Chains`.

    Attributes
    ----------
    is_certified : bool
        False once a swap that was promised to gain did not: then rounding decides, also here.
    """

    rounding = 0.0

    def __init__(self, quadratic, capacity):
        self.is_certified = True
        self._barred = []  # columns that would make a member of the present support depend on the others
        self.dependent = max(DEPENDENT_COLUMNS, quadratic.resolution)
        super().__init__(quadratic, capacity)
        self.floor = 1e-28 * self.total
        self._outside = quadratic.columns

    def doubtful(self):
        """Whether members have so little room that gains, known to eps over it, allow no certificate."""
        return np.diagonal(self.inverse[0]).max(initial=0.0, keepdims=True) > 1.0 / _TELLING_ROOM

    def residual_gram(self):
        """As `Chains.residual_gram`."""
        ridge = np.full(self._m, self.quadratic.alpha)
        ridge[self.supports[0]] = 0.0  # nothing is left of a member
        return self._outside.T @ self._outside + np.diag(ridge)

    def settle(self, tol, limit=None):
        """As `Chains.settle`, each swap being kept only if the loss has fallen."""
        self.is_certified = True
        n_left = _PATIENCE
        for _ in range(MAX_SWAPS if self.size else 0):
            problems, slots, columns = self.best_swaps(self.indices, self.least_gain(tol))
            if not len(problems):
                return
            earlier, loss = self.supports[0].copy(), self.loss[0]
            barred = [*self._barred, *columns]
            self.swap(problems, slots, columns)
            if self._is_sound and self.loss[0] < loss * (1 - 0.5 * tol):
                continue
            # The column would depend on the members, or what it was to gain is rounding: look at the others.
            self.is_certified = False
            self._supports[0, : self.size] = earlier
            self._barred = barred
            self._rebuild()
            n_left -= 1
            if not n_left:
                self.is_certified = False
                return

    def clear(self):
        """Start again from an empty support."""
        super().clear()
        self._barred = []
        self._outside = self.quadratic.columns

    def restart(self, support):
        """Start from `support` (s,), dependent members giving way to the best independent others."""
        self.clear()
        self._supports[0, : len(support)] = support
        self.size = len(support)
        if self._rebuild():
            return
        self.clear()
        for column in support:
            if self.room[0, column] > self.dependent:
                self.add(np.array([column]))
        while self.size < len(support) and (columns := self.best_additions()) is not None:
            self.add(columns)

    def add(self, columns):
        """Add a column, unless that makes a member depend on the others; then it has no room any more."""
        super().add(columns)
        if not self._is_sound:
            self.size -= 1
            self._barred.extend(columns)
            self._rebuild()

    # ---------------------------------------------------------------------------------------------------- machinery

    def _sweep_in(self, T, problems, slots, columns):
        self._supports[problems, slots] = columns

    def _sweep_out(self, T, problems, slots):
        """Nothing: the support is all that is kept, and whoever changes it rebuilds."""

    def _rebuild_if_worn(self):
        barred, self._barred = self._barred, []
        self._is_sound = self._rebuild()
        if not self._is_sound:
            self._barred = barred

    def _rebuild(self):
        """Compute everything from the columns of the support; False, changing nothing, if one is dependent."""
        quadratic, m, q, s = self.quadratic, self._m, self._q, self.size
        members, alpha = self.supports[0], quadratic.alpha
        stacked = np.vstack([quadratic.columns[:, members], np.sqrt(alpha) * np.eye(s)])
        Q, R = qr(stacked, mode="economic", check_finite=False)
        if np.abs(np.diagonal(R)).min(initial=1.0) ** 2 <= self.dependent:
            return False
        R_inverse = solve_triangular(R, np.eye(s), check_finite=False)
        K = R_inverse @ R_inverse.T
        if s and np.diagonal(K).max() * _LEAST_ROOM >= 1.0:
            return False
        everything = np.vstack([np.hstack([quadratic.columns, quadratic.target]), np.zeros((s, m + q))])
        along = np.zeros((s, m + q))
        for _ in range(2):  # once leaves what rounding of the first projection put back into the span
            part = Q.T @ everything
            everything -= Q @ part
            along += part
        Z, residual = everything[:, :m], everything[:, m:]
        solution = R_inverse @ along
        self._outside = Z
        Z[:, members] = 0.0
        T = self._tableau[0]
        T[...] = 0.0
        T[:q, :m] = residual.T @ Z
        T[:q, m : m + q] = residual.T @ residual
        T[q : q + s, : m + q] = solution
        T[q : q + s, m + q : m + q + s] = K
        T[:q, m + q : m + q + s] = -solution[:, m:].T
        T[:q, members] = 0.0
        T[q : q + s, members] = np.eye(s)
        self.room = np.where(quadratic.usable, np.einsum("nm,nm->m", Z, Z) + alpha, 0.0)
        # A column that leaves a member less room than that would make it depend on the others.
        diagonal = np.diagonal(K)[:, None]
        crowding = (diagonal + solution[:, :m] ** 2 / np.maximum(self.room, self.dependent)).max(axis=0, initial=0.0)
        self.room[0, crowding * _LEAST_ROOM > 0.5] = 0.0
        self.room[0, members] = 0.0
        self.room[0, self._barred] = 0.0
        self._changes = 0
        return True

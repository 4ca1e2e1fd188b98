"""Supports that grow and swap: exact gains of every addition and every swap, kept up to date by rank-one changes.

With S a support, G_S the rows of the Gram matrix and K = (G_SS + αI)⁻¹, a chain keeps

    H = K G_S          projections: how column j is made from the columns of S
    w = K c_S          coefficients
    c' = c - G_Sᵀ w    correlation of every column with the residual
    D_j = 1 + α - G_jS H_j    room: squared distance of column j from the span of S

Removing i costs w_i² / K_ii of the loss, adding j takes c'_j² / D_j away, and doing both takes

    gain_ij = (K_ii c'_j² + 2 w_i c'_j H_ij - w_i² D_j) / (K_ii D_j + H_ij²)

which is (c_j + β_i t_ij)² / (D_j + t_ij²) - β_i² with β_i = w_i/√K_ii and t_ij = H_ij/√K_ii, written without a root or
a division where the numerator is not positive. With several targets products of c' and w become sums over targets.

Many problems of one size advance in lock step, so that a cross-validation or the codes of many samples cost few NumPy
calls; the first axis of every array runs over problems.
"""

import numpy as np

from skamem.sparse._linalg import DEPENDENT, TIE, ZERO_LOSS, inverse

__all__ = ["Chains"]

# Rank-one changes between two rebuilds from scratch, and the room below which one change loses too many digits.
_REBUILD_AFTER = 48
_REBUILD_BELOW = 1e-5


class Chains:
    """One support for each problem of a quadratic objective, all of one size.

    Parameters
    ----------
    quadratic : DenseQuadratic or LazyQuadratic
    capacity : int
        Largest size that will be asked for.

    Attributes
    ----------
    size : int
        Present size s of every support.
    loss : array of shape (n_problems,)
        Objective at the least-squares coefficients of the support.
    room : array of shape (n_problems, m)
        D.
    residual : array of shape (n_problems, m, n_targets)
        c'.
    free : bool array of shape (n_problems, m)
        Columns that may enter.
    is_certified : bool
        Whether `settle` leaves supports for which no swap gains more than was asked.
    """

    is_certified = True
    can_splice = True

    def __init__(self, quadratic, capacity):
        n_problems, m, n_targets = quadratic.correlation.shape
        self.quadratic = quadratic
        self.total = quadratic.total
        self.size = 0
        self._supports = np.zeros((n_problems, capacity), dtype=np.intp)
        self._inverse = np.zeros((n_problems, capacity, capacity))
        self._projections = np.empty((n_problems, capacity, m))
        self._coefs = np.empty((n_problems, capacity, n_targets))
        self.indices = np.arange(n_problems)
        self.clear()

    def clear(self):
        """Start again from empty supports."""
        self.size = 0
        self._changes = 0
        self.residual = self.quadratic.correlation.copy()
        self.room = np.where(self.quadratic.usable, 1.0 + self.quadratic.alpha, 0.0)
        self.free = self.quadratic.usable.copy()
        self.loss = self.total.copy()

    @property
    def supports(self):
        """Members in no particular order: int array of shape (n_problems, s)."""
        return self._supports[:, : self.size]

    @property
    def coefs(self):
        """Coefficients in the order of `supports`: (n_problems, s, n_targets)."""
        return self._coefs[:, : self.size]

    @property
    def projections(self):
        """H: (n_problems, s, m)."""
        return self._projections[:, : self.size]

    @property
    def inverse(self):
        """K: (n_problems, s, s)."""
        return self._inverse[:, : self.size, : self.size]

    # ------------------------------------------------------------------------------------- what a change would bring

    def addition_gains(self):
        """Loss that adding each column would take away: (n_problems, m); -1 where a column may not enter."""
        squares = np.einsum("bmq,bmq->bm", self.residual, self.residual)
        possible = self.free & (self.room > DEPENDENT)
        return np.where(possible, squares / np.where(possible, self.room, 1.0), -1.0)

    def best_additions(self):
        """Column with the greatest gain for each problem (n_problems,); None when some problem has none."""
        gains = self.addition_gains()
        best = gains.max(axis=1, keepdims=True)
        return np.argmax(gains >= best * (1 - TIE), axis=1) if np.all(best > 0.0) else None

    def sacrifices(self):
        """Loss that removing each member would bring: (n_problems, s); infinite for locked members."""
        s = self.size
        variances = np.einsum("bss->bs", self._inverse[:, :s, :s])
        lost = np.einsum("bsq,bsq->bs", self.coefs, self.coefs) / variances
        if self.quadratic.any_locked:
            lost = np.where(self.quadratic.locked[self.supports], np.inf, lost)
        return lost

    def margins(self):
        """Least sacrifice over best addition gain, for each problem: how far the support is from a tie."""
        best = self.addition_gains().max(axis=1, initial=0.0)
        least = self.sacrifices().min(axis=1, initial=np.inf)
        settled = (best <= 0.0) | (self.loss <= self.floor) | np.isinf(least)
        return np.where(settled, np.inf, least / np.where(settled, 1.0, best))

    @property
    def floor(self):
        """Loss that counts as zero, for each problem."""
        return ZERO_LOSS * self.total

    def best_swaps(self, problems, threshold):
        """Best swap of each of `problems` that gains more than `threshold`.

        Parameters
        ----------
        problems : int array of shape (k,)
        threshold : array of shape (n_problems,)

        Returns
        -------
        problems, slots, columns, gains : arrays of shape (k',)
            Only the problems that have such a swap.
        """
        s = self.size
        part = self._part(problems)
        projections, room = self._projections[part, :s], self.room[part]
        coefs, residual = self._coefs[part, :s], self.residual[part]
        variances = np.einsum("bss->bs", self._inverse[part, :s, :s])
        squares = np.einsum("bsq,bsq->bs", coefs, coefs)
        correlations = np.einsum("bmq,bmq->bm", residual, residual)
        numerator = projections * (coefs @ (2.0 * residual.transpose(0, 2, 1)))
        numerator += np.stack([variances, -squares], axis=2) @ np.stack([correlations, room], axis=1)
        which, slots, columns = np.nonzero(numerator > 0)
        members = self.supports[problems[which], slots]
        kept = self.free[problems[which], columns]
        if self.quadratic.any_locked:
            kept &= ~self.quadratic.locked[members]
        which, slots, columns = which[kept], slots[kept], columns[kept]
        scale = variances[which, slots]
        denominator = scale * room[which, columns] + projections[which, slots, columns] ** 2
        sound = denominator > DEPENDENT * scale
        gains = np.where(sound, numerator[which, slots, columns] / np.where(sound, denominator, 1.0), 0.0)
        good = np.flatnonzero(gains > threshold[problems[which]])
        # The best of each problem: candidates come sorted by problem; drop all but the (nearly) greatest gains, and
        # take the first of each run, so that rounding does not choose among ties.
        best = np.zeros(len(problems))
        np.maximum.at(best, which[good], gains[good])
        good = good[gains[good] >= best[which[good]] * (1 - TIE)]
        good = good[np.diff(which[good], prepend=-1) > 0]
        return problems[which[good]], slots[good], columns[good], gains[good]

    # ------------------------------------------------------------------------------------------------------ changes

    def add(self, columns):
        """Add `columns[b]` to the support of every problem b."""
        self._append(columns)

    def _append(self, columns):
        self._insert(self.indices, np.full(len(self.indices), self.size), columns, self.size + 1)
        self.size += 1
        self._rebuild_if_worn()

    def swap(self, problems, slots, columns):
        """Replace member `slots[k]` of problem `problems[k]` by `columns[k]`."""
        self._remove(problems, slots)
        self._insert(problems, slots, columns, self.size)
        self._rebuild_if_worn()

    def remove(self, slots):
        """Remove member `slots[b]` from the support of every problem b."""
        self._remove(self.indices, slots)
        last = self.size - 1
        b = self.indices
        # The last member moves into the empty slot.
        self._supports[b, slots] = self._supports[b, last]
        self._projections[b, slots] = self._projections[b, last]
        self._coefs[b, slots] = self._coefs[b, last]
        self._inverse[b, slots] = self._inverse[b, last]
        self._inverse[b, :, slots] = self._inverse[b, :, last]
        self.size = last
        self._rebuild_if_worn()

    def settle(self, max_swaps, tol, limit=None):
        """Make the best swap of every problem until none gains more than `tol` of its loss.

        Parameters
        ----------
        max_swaps : int
            Most swaps a problem.
        tol : float
        limit : int, default=None
            Not used; a swap keeps the size.
        """
        if self.size == 0:
            return
        problems = self.indices
        for _ in range(max_swaps):
            problems = problems[self.loss[problems] > self.floor[problems]]
            if not len(problems):
                return
            problems, slots, columns, _ = self.best_swaps(problems, self.least_gain(tol))
            if not len(problems):
                return
            self.swap(problems, slots, columns)

    def least_gain(self, tol):
        """Gain that makes a change worthwhile, for each problem: `tol` of the loss, and more than rounding."""
        return tol * self.loss + 1e-12 * self.total

    def restart(self, support):
        """Start a single chain from `support` (s,); dependent members give way to the best independent others."""
        self._supports[0, : len(support)] = support
        self.size = len(support)
        if self.size and self._rebuild():
            return
        self.clear()
        for column in support:
            if self.free[0, column] and self.room[0, column] > DEPENDENT:
                self._append(np.array([column]))
        while self.size < len(support):
            gains = self.addition_gains()[0]
            column = int(np.argmax(gains))
            if gains[column] <= 0.0:
                return
            self._append(np.array([column]))

    def drop(self, kept):
        """Keep only the problems of the mask `kept`."""
        self.quadratic = self.quadratic.subset(kept)
        for name in ("_supports", "_inverse", "_projections", "_coefs", "residual", "room", "free", "loss", "total"):
            setattr(self, name, getattr(self, name)[kept])
        self.indices = np.arange(len(self.loss))

    # ---------------------------------------------------------------------------------------------------- machinery

    def _part(self, problems):
        # A slice makes views where an index array would make copies.
        return slice(None) if len(problems) == len(self.indices) else problems

    def _insert(self, problems, slots, columns, width):
        k, part = np.arange(len(problems)), self._part(problems)
        row = self.quadratic.rows(problems, columns)
        self._projections[problems, slots] = 0.0
        self._inverse[problems, slots, :width] = 0.0
        self._inverse[problems, :width, slots] = 0.0
        self._supports[problems, slots] = columns
        self._coefs[problems, slots] = 0.0
        H = self._projections[part, :width]
        members = self._supports[part, :width]
        h = H[k, :, columns]
        room = self.room[problems, columns][:, None]
        row = (row - (row[k[:, None], members][:, None, :] @ H)[:, 0]) / room
        entering = self.residual[problems, columns]
        direction = -h
        direction[k, slots] = 1.0
        self._projections[part, :width] += direction[:, :, None] * row[:, None, :]
        self._inverse[part, :width, :width] += direction[:, :, None] * (direction / room)[:, None, :]
        self._coefs[part, :width] += direction[:, :, None] * (entering / room)[:, None, :]
        self._advance(problems, row, -entering, -room)
        self.free[problems, columns] = False
        if room.min() < _REBUILD_BELOW:
            self._changes = _REBUILD_AFTER

    def _remove(self, problems, slots):
        k, part, s = np.arange(len(problems)), self._part(problems), self.size
        direction = self._inverse[problems, :s, slots]
        variance = direction[k, slots][:, None]
        row = self._projections[problems, slots]
        leaving = self._coefs[problems, slots] / variance
        direction /= variance
        self._projections[part, :s] -= direction[:, :, None] * row[:, None, :]
        self._inverse[part, :s, :s] -= direction[:, :, None] * (direction * variance)[:, None, :]
        self._coefs[part, :s] -= direction[:, :, None] * (leaving * variance)[:, None, :]
        self._advance(problems, row, leaving, 1.0 / variance)
        self.free[problems, self._supports[problems, slots]] = True

    def _advance(self, problems, row, value, scale):
        # Removing and adding a member change c', D and the loss in the same way, with opposite signs.
        part = self._part(problems)
        self.residual[part] += row[:, :, None] * value[:, None, :]
        self.room[part] += scale * row * row
        self.loss[part] += np.einsum("bq,bq->b", value, value) / scale[:, 0]
        self._changes += 1

    def _rebuild_if_worn(self):
        if self._changes >= _REBUILD_AFTER:
            self._rebuild()

    def _rebuild(self):
        """Compute everything from the Gram rows of the supports; False, changing nothing, if one is dependent."""
        s, b = self.size, self.indices
        rows = self.quadratic.support_rows(self.supports)
        blocks = np.take_along_axis(rows, self.supports[:, None, :], axis=2)
        inverses = [inverse(block) for block in blocks]
        if any(one is None for one in inverses):
            return False
        self._inverse[:, :s, :s] = inverses
        np.matmul(self._inverse[:, :s, :s], rows, out=self._projections[:, :s])
        members = np.take_along_axis(self.quadratic.correlation, self.supports[:, :, None], axis=1)
        self._coefs[:, :s] = self._inverse[:, :s, :s] @ members
        self.residual = self.quadratic.correlation - rows.transpose(0, 2, 1) @ self.coefs
        full = np.where(self.quadratic.usable, 1.0 + self.quadratic.alpha, 0.0)
        self.room = full - np.einsum("bsm,bsm->bm", rows, self._projections[:, :s])
        self.loss = self.total - np.einsum("bsq,bsq->b", members, self.coefs)
        self.free = self.quadratic.usable.copy()
        self.free[b[:, None], self.supports] = False
        self._changes = 0
        return True

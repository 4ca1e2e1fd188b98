"""Supports that grow and swap: exact gains of every addition and every swap, kept up to date by rank-one changes.

With S a support of s members, G_S the rows of the Gram matrix and K = (G_SS + αI)⁻¹, a chain keeps

    H = K G_S          projections: how column j is made from the columns of S
    w = K c_S          coefficients
    c' = c - G_Sᵀ w    correlation of every column with the residual
    D_j = 1 + α - G_jS H_j    room: squared distance of column j from the span of S

Removing i costs w_i² / K_ii of the loss, adding j takes c'_j² / D_j away, and doing both takes

    gain_ij = (K_ii c'_j² + 2 w_i c'_j H_ij - w_i² D_j) / (K_ii D_j + H_ij²)

which is (c_j + β_i t_ij)² / (D_j + t_ij²) - β_i² with β_i = w_i/√K_ii and t_ij = H_ij/√K_ii, written without a root or
a division where the numerator is not positive. With several targets products of c' and w become sums over targets.

All but D stands in one tableau, the augmented matrix of least squares under the sweep operator (Goodnight 1979, The
American Statistician 33:149, doi:10.1080/00031305.1979.10482685), where adding and removing a member are one rank-one
change of everything:

    targets   c'ᵀ    loss    -wᵀ
    members   H      w       K
             (m)  (targets) (slots)

Many problems of one size advance in lock step, so that a cross-validation or the codes of many samples cost few NumPy
calls; the first axis of every array runs over problems.
"""

import numpy as np

from skamem.sparse._linalg import DEPENDENT, TIE, ZERO_LOSS, inverse

__all__ = ["Chains"]

# Columns from which it pays to leave out those that no exchange can gain by.
_SCREEN_FROM = 128
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
    room : array of shape (n_problems, m)
        D.
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
        self.floor = ZERO_LOSS * self.total  # loss that counts as zero
        self.indices = np.arange(n_problems)
        self._m, self._q = m, n_targets
        self._supports = np.zeros((n_problems, capacity), dtype=np.intp)
        self._tableau = np.zeros((n_problems, n_targets + capacity, m + n_targets + capacity))
        self._start_empty()

    def clear(self):
        """Start again from empty supports."""
        self._tableau[...] = 0.0
        self._start_empty()

    def _start_empty(self):
        m, q = self._m, self._q
        self.size = 0
        self._changes = 0
        self._tableau[:, :q, :m] = self.quadratic.correlation.transpose(0, 2, 1)
        self._tableau[:, 0, m] = self.total  # of the sum over targets; the first one's column keeps it
        self.room = np.where(self.quadratic.usable, 1.0 + self.quadratic.alpha, 0.0)
        self.free = self.quadratic.usable.copy()

    # --------------------------------------------------------------------------------------- what the tableau holds

    @property
    def supports(self):
        """Members in no particular order: int array of shape (n_problems, s)."""
        return self._supports[:, : self.size]

    @property
    def coefs(self):
        """Coefficients in the order of `supports`: (n_problems, s, n_targets)."""
        m, q = self._m, self._q
        return self._tableau[:, q : q + self.size, m : m + q]

    @property
    def projections(self):
        """H: (n_problems, s, m)."""
        return self._tableau[:, self._q : self._q + self.size, : self._m]

    @property
    def inverse(self):
        """K: (n_problems, s, s)."""
        start, q = self._m + self._q, self._q
        return self._tableau[:, q : q + self.size, start : start + self.size]

    @property
    def residual(self):
        """c': correlation of every column with the residual, (n_problems, n_targets, m)."""
        return self._tableau[:, : self._q, : self._m]

    @property
    def loss(self):
        """Objective at the least-squares coefficients of the support, (n_problems,)."""
        return np.einsum("btt->b", self._tableau[:, : self._q, self._m : self._m + self._q])

    # ------------------------------------------------------------------------------------- what a change would bring

    def addition_gains(self):
        """Loss that adding each column would take away: (n_problems, m); -1 where a column may not enter."""
        possible = self.free & (self.room > DEPENDENT)
        return np.where(possible, _squares(self.residual, axis=1) / np.where(possible, self.room, 1.0), -1.0)

    def best_additions(self):
        """Column with the greatest gain for each problem (n_problems,); None when some problem has none."""
        gains = self.addition_gains()
        best = gains.max(axis=1, keepdims=True)
        return np.argmax(gains >= best * (1 - TIE), axis=1) if best.min() > 0.0 else None

    def sacrifices(self):
        """Loss that removing each member would bring: (n_problems, s); infinite for locked members."""
        lost = _squares(self.coefs, axis=2) / np.einsum("bss->bs", self.inverse)
        if self.quadratic.any_locked:
            lost = np.where(self.quadratic.locked[self.supports], np.inf, lost)
        return lost

    def margins(self):
        """Least sacrifice over best addition gain, for each problem: how far the support is from a tie."""
        best = self.addition_gains().max(axis=1, initial=0.0)
        least = self.sacrifices().min(axis=1, initial=np.inf)
        settled = (best <= 0.0) | (self.loss <= self.floor) | np.isinf(least)
        return np.where(settled, np.inf, least / np.where(settled, 1.0, best))

    def least_gain(self, tol, loss):
        """Gain that makes a change worthwhile, for each problem: `tol` of the loss, and more than rounding."""
        return tol * loss + 1e-12 * self.total

    def best_swaps(self, problems, threshold):
        """Best swap of each of `problems` that gains more than `threshold`.

        Parameters
        ----------
        problems : int array of shape (k,)
        threshold : array of shape (n_problems,)

        Returns
        -------
        problems, slots, columns : int arrays of shape (k',)
            Only the problems that have such a swap.
        """
        part = self._part(problems)
        H, D, c, w = self.projections[part], self.room[part], self.residual[part], self.coefs[part]
        variances = np.einsum("bss->bs", self.inverse[part])
        w_squares, c_squares = _squares(w, axis=2), _squares(c, axis=1)
        some = self._promising(w_squares / variances, c_squares, D)
        if some is not None:
            H, D, c, c_squares = H[:, :, some], D[:, some], c[:, :, some], c_squares[:, some]
        numerator = _products(2.0 * w, c)
        numerator *= H
        numerator += variances[:, :, None] * c_squares[:, None, :]
        numerator -= w_squares[:, :, None] * D[:, None, :]
        flat = (numerator.reshape(-1) > 0.0).nonzero()[0]
        if not len(flat):
            return problems[:0], flat, flat
        which, place = np.divmod(flat, numerator[0].size)
        slots, columns = np.divmod(place, D.shape[1])
        scale = variances[which, slots]
        denominator = scale * D[which, columns] + H[which, slots, columns] ** 2
        gains = numerator.reshape(-1)[flat] / np.maximum(denominator, DEPENDENT * scale)
        good = (gains > threshold[problems[which]]) & (denominator > DEPENDENT * scale)
        columns = columns if some is None else some[columns]
        good &= self.free[problems[which], columns]
        if self.quadratic.any_locked:
            good &= ~self.quadratic.locked[self.supports[problems[which], slots]]
        if not good.any():
            return problems[:0], flat[:0], flat[:0]
        good = good.nonzero()[0]
        good = good[_first_best(which[good], gains[good], len(problems))]
        return problems[which[good]], slots[good], columns[good]

    def _promising(self, sacrifices, c_squares, room):
        """Columns that could gain in exchange for some member, where that leaves out many; else None.

        With t² <= 1 + α - D a gain needs β_i < (√(1 + α - D) + √(1 + α)) |c_j| / D_j.
        """
        if self._m < _SCREEN_FROM:
            return None
        full = 1.0 + self.quadratic.alpha
        factor = (np.sqrt(np.maximum(full - room, 0.0)) + np.sqrt(full)) / np.maximum(room, DEPENDENT)
        least = sacrifices.min(axis=1)[:, None]
        columns = ((factor * factor * c_squares > least) & (room > 0.0)).any(axis=0).nonzero()[0]
        return columns if len(columns) < self._m // 2 else None

    # ------------------------------------------------------------------------------------------------------ changes

    def add(self, columns):
        """Add `columns[b]` to the support of every problem b."""
        self._append(columns)

    def _append(self, columns):
        self.size += 1
        self._insert(self.indices, np.full(len(self.indices), self.size - 1), columns)
        self._rebuild_if_worn()

    def swap(self, problems, slots, columns):
        """Replace member `slots[k]` of problem `problems[k]` by `columns[k]`."""
        self._remove(problems, slots)
        self._insert(problems, slots, columns)
        self._rebuild_if_worn()

    def remove(self, slots):
        """Remove member `slots[b]` from the support of every problem b."""
        b, q, start = self.indices, self._q, self._m + self._q
        self._remove(b, slots)
        last = self.size - 1  # moves into the empty slot
        self._supports[b, slots] = self._supports[b, last]
        self._tableau[b, q + slots] = self._tableau[b, q + last]
        self._tableau[b, :, start + slots] = self._tableau[b, :, start + last]
        self._tableau[b, q + last] = 0.0
        self._tableau[b, :, start + last] = 0.0
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
            loss = self.loss
            above = loss > self.floor
            if not above.all():
                problems = problems[above[problems]]
            if len(problems):
                problems, slots, columns = self.best_swaps(problems, self.least_gain(tol, loss))
            if not len(problems):
                return
            self.swap(problems, slots, columns)

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

    def keep(self, kept):
        """Go on with the problems of the mask `kept` alone."""
        self.quadratic = self.quadratic.subset(kept)
        for name in ("_supports", "_tableau", "room", "free", "total", "floor"):
            setattr(self, name, getattr(self, name)[kept])
        self.indices = np.arange(len(self.total))

    # ---------------------------------------------------------------------------------------------------- machinery

    def _part(self, problems):
        # A slice makes views where an index array would make copies.
        return slice(None) if len(problems) == len(self.indices) else problems

    def _insert(self, problems, slots, columns):
        """Sweep `columns` into `slots`, whose rows and columns of the tableau are zero."""
        k, part, q, start = np.arange(len(problems)), self._part(problems), self._q, self._m + self._q
        T = self._tableau[part, : q + self.size, : start + self.size]
        room = self.room[problems, columns][:, None]
        pivot = np.zeros((len(problems), start + self.size))
        pivot[:, : self._m] = self.quadratic.rows(problems, columns)
        pivot[:, self._m : start] = self.quadratic.correlation[problems, columns]
        pivot[k, start + slots] = 1.0
        along = pivot[k[:, None], self._supports[part, : self.size]]
        pivot -= (along[:, None, :] @ T[:, q:])[:, 0]
        pivot /= room
        T -= T[k, :, columns][:, :, None] * pivot[:, None, :]
        T[k, q + slots] = pivot
        if not isinstance(part, slice):  # T is a copy
            self._tableau[part, : q + self.size, : start + self.size] = T
        self._supports[problems, slots] = columns
        self.room[part] -= room * pivot[:, : self._m] ** 2
        self.free[problems, columns] = False
        self._changes = _REBUILD_AFTER if room.min() < _REBUILD_BELOW else self._changes + 1

    def _remove(self, problems, slots):
        """Sweep the members in `slots` out, and leave zeros."""
        k, part, q, start = np.arange(len(problems)), self._part(problems), self._q, self._m + self._q
        T = self._tableau[part, : q + self.size, : start + self.size]
        row, column = T[k, q + slots], T[k, :, start + slots]
        variance = row[k, start + slots][:, None]
        T -= (column / variance)[:, :, None] * row[:, None, :]
        T[k, q + slots] = 0.0
        T[k, :, start + slots] = 0.0
        if not isinstance(part, slice):
            self._tableau[part, : q + self.size, : start + self.size] = T
        self.room[part] += row[:, : self._m] ** 2 / variance
        self.free[problems, self._supports[problems, slots]] = True
        self._changes += 1

    def _rebuild_if_worn(self):
        if self._changes >= _REBUILD_AFTER:
            self._rebuild()

    def _rebuild(self):
        """Compute everything from the Gram rows of the supports; False, changing nothing, if one is dependent."""
        quadratic, m, q, s = self.quadratic, self._m, self._q, self.size
        rows = quadratic.support_rows(self.supports)
        blocks = np.take_along_axis(rows, self.supports[:, None, :], axis=2)
        inverses = [inverse(block) for block in blocks]
        if any(one is None for one in inverses):
            return False
        T, K = self._tableau, np.stack(inverses)
        members = np.take_along_axis(quadratic.correlation, self.supports[:, :, None], axis=1)
        w = K @ members
        np.matmul(K, rows, out=T[:, q : q + s, :m])
        T[:, q : q + s, m : m + q] = w
        T[:, q : q + s, m + q : m + q + s] = K
        T[:, :q, m + q : m + q + s] = -w.transpose(0, 2, 1)
        T[:, :q, :m] = quadratic.correlation.transpose(0, 2, 1) - w.transpose(0, 2, 1) @ rows
        T[:, :q, m : m + q] = -members.transpose(0, 2, 1) @ w
        T[:, 0, m] += self.total
        T[:, q + s :] = 0.0
        T[:, :, m + q + s :] = 0.0
        full = np.where(quadratic.usable, 1.0 + quadratic.alpha, 0.0)
        self.room = full - np.einsum("bsm,bsm->bm", rows, self.projections)
        self.free = quadratic.usable.copy()
        self.free[self.indices[:, None], self.supports] = False
        self._changes = 0
        return True


def _squares(values, axis):
    """Sum of squares over the axis of targets; most often there is one target."""
    if values.shape[axis] == 1:
        values = values[:, 0] if axis == 1 else values[:, :, 0]
        return values * values
    return np.sum(values * values, axis=axis)


def _products(w, c):
    """Sum over targets of w (b, s, q) and c (b, q, m): (b, s, m)."""
    return w * c if w.shape[2] == 1 else w @ c  # NumPy broadcasts faster than it multiplies vectors as matrices


def _first_best(groups, scores, n_groups):
    """Index of the first nearly greatest score of each group; `groups` ascends.

    First and nearly, so that rounding does not choose among ties.
    """
    if n_groups == 1 or len(groups) == 1:
        return (scores >= scores.max() * (1 - TIE)).nonzero()[0][:1]
    best = np.zeros(n_groups)
    np.maximum.at(best, groups, scores)
    near = (scores >= best[groups] * (1 - TIE)).nonzero()[0]
    is_first = np.ones(len(near), dtype=bool)
    np.not_equal(groups[near[1:]], groups[near[:-1]], out=is_first[1:])
    return near[is_first]

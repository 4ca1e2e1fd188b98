"""Supports that grow and swap: exact gains of every addition and every swap, kept up to date by rank-one changes.

With S a support of s members, G_S the rows of the Gram matrix and K = (G_SS + αI)⁻¹, a chain keeps

    H = K G_S          projections: how column j is made from the columns of S
    w = K c_S          coefficients
    c' = c - G_Sᵀ w    correlation of every column with the residual
    D_j = 1 + α - G_jS H_j    room: squared distance of column j from the span of S

Removing i costs w_i² / K_ii of the loss, adding j takes c'_j² / D_j away, and doing both takes

    gain_ij = (c'_j + β_i t_ij)² / (D_j + t_ij²) - β_i²,    β_i = w_i / √K_ii,    t_ij = H_ij / √K_ii.

With several targets squares and products of c' and w become sums over targets.

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

from skamem.sparse.objective._fit import Fit
from skamem.sparse.objective._linalg import DEPENDENT, EPS, SOUND, TELLING_LOSS, ZERO_LOSS, first_of_best, inverses
from skamem.sparse.search._budgets import MAX_SWAPS

__all__ = ["Chains"]

# Columns from which it pays to leave out those that no exchange can gain by.
_SCREEN_FROM = 128
# Rank-one changes between two rebuilds from scratch, and the room below which one change loses too many digits.
_REBUILD_AFTER = 64
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
        D; zero for members and for columns that are never to enter.
    is_certified : bool
        Whether `settle` leaves supports for which no swap gains more than was asked.
    """

    is_certified = True
    can_splice = True
    dependent = DEPENDENT  # squared distance from the members within which a column may not enter
    rounding = 1e-12  # gains below this fraction of ‖y‖² may be rounding

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
        self._is_worn_out = False
        self._tableau[:, :q, :m] = self.quadratic.correlation.transpose(0, 2, 1)
        self._tableau[:, 0, m] = self.total  # of the sum over targets; the first one's column keeps it
        self.room = np.where(self.quadratic.usable, 1.0 + self.quadratic.alpha, 0.0)

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
        if self._q == 1:
            return self._tableau[:, 0, self._m].copy()
        return np.einsum("btt->b", self._tableau[:, : self._q, self._m : self._m + self._q])

    # ------------------------------------------------------------------------------------- what a change would bring

    def addition_gains(self):
        """Loss that adding each column would take away: (n_problems, m); -1 where a column may not enter."""
        gains = _squares(self.residual, axis=1) / np.maximum(self.room, self.dependent)
        gains[self.room <= self.dependent] = -1.0
        return gains

    def best_additions(self):
        """Column with the greatest gain for each problem (n_problems,); None when some problem has none."""
        return first_of_best(self.addition_gains())

    def sacrifices(self):
        """Loss that removing each member would bring: (n_problems, s); infinite for locked members."""
        return self._unless_locked(_squares(self.coefs, axis=2) / self._inflation(slice(None)), slice(None))

    def _inflation(self, part):
        """Diagonal of K for the problems `part`."""
        # At least 1/(1 + α), unless rounding has reached it; half of that keeps it from zero.
        return np.maximum(np.einsum("bss->bs", self.inverse[part]), 0.5 / (1.0 + self.quadratic.alpha))

    def _unless_locked(self, lost, part):
        if not self.quadratic.any_locked:
            return lost
        return np.where(self.quadratic.locked[self.supports[part]], np.inf, lost)

    def margins(self):
        """Least sacrifice over best addition gain, for each problem: how far the support is from a tie."""
        best = self.addition_gains().max(axis=1, initial=0.0)
        least = self.sacrifices().min(axis=1, initial=np.inf)
        settled = (best <= 0.0) | (self.loss <= self.floor) | np.isinf(least)
        return np.where(settled, np.inf, least / np.where(settled, 1.0, best))

    def residual_gram(self):
        """Gram matrix of the columns less what the members explain of them, of a single problem: (m, m)."""
        everything = np.arange(self._m)
        gram = self.quadratic.rows(np.zeros_like(everything), everything)
        gram -= self.quadratic.support_rows(self.supports)[0].T @ self.projections[0]
        return gram

    def doubtful(self):
        """Mask of the problems whose numbers the Gram matrix has too few digits for.

        That is where columns are too close to each other, or so little is left of the target that it is a difference of
        numbers all but equal.
        """
        return self.crowded() | (self.loss < TELLING_LOSS * self.total)

    def crowded(self):
        """Mask of the problems in which columns are so close that the Gram matrix has too few digits.

        Either a member is close to the span of the others, or a column too close to enter still correlates with the
        residual, as one that is dependent would not.
        """
        if self._is_worn_out:
            return np.ones(len(self.indices), dtype=bool)
        inflation = np.einsum("bss->bs", self.inverse).max(axis=1, initial=0.0)
        barred = (self.room <= self.dependent) & (self.room != 0.0)  # members have no room at all
        crowded = inflation > 1.0 / SOUND
        if barred.any():
            gains = np.where(barred, _squares(self.residual, axis=1), 0.0)
            crowded |= gains.max(axis=1) > 1e-24 * self.total
        return crowded

    def least_gain(self, tol):
        """Gain that makes a change worthwhile, for each problem: `tol` of the loss, and more than rounding.

        Infinite where the loss is zero already.
        """
        loss = self.loss
        return np.where(loss > self.floor, tol * loss + self.rounding * self.total, np.inf)

    def best_swaps(self, problems, threshold):
        """Best swap of each of `problems` that gains more than `threshold`.

        Parameters
        ----------
        problems : int array of shape (k,)
        threshold : array of shape (n_problems,)
            Above rounding; see `least_gain`.

        Returns
        -------
        problems, slots, columns : int arrays of shape (k',)
            Only the problems that have such a swap.
        """
        part = self._part(problems)
        H, c, D = self.projections[part], self.residual[part], self.room[part]
        root = np.sqrt(self._inflation(part))[:, :, None]
        beta = self.coefs[part] / root
        lost = self._unless_locked(_squares(beta, axis=2), part)
        some = self._promising(lost, c, D)
        if some is not None:
            if not len(some):
                return some, some, some
            H, c, D = H[:, :, some], c[:, :, some], D[:, some]
        gains = _swap_gains(H / root, beta, c, D, self.dependent)
        gains -= lost[:, :, None]
        gains = gains.reshape(len(problems), -1)
        gaining = (gains.max(axis=1) > threshold[problems]).nonzero()[0]
        if not len(gaining):
            return gaining, gaining, gaining
        slots, columns = np.divmod(first_of_best(gains[gaining]), D.shape[1])
        return problems[gaining], slots, columns if some is None else some[columns]

    def _promising(self, sacrifices, c, room):
        """Columns that could gain in exchange for some member, where that leaves out many; else None.

        With t² <= 1 + α - D a gain needs β_i < (√(1 + α - D) + √(1 + α)) |c_j| / D_j.
        """
        if self._m < _SCREEN_FROM:
            return None
        full = 1.0 + self.quadratic.alpha
        factor = (np.sqrt(np.maximum(full - room, 0.0)) + np.sqrt(full)) / np.maximum(room, self.dependent)
        bounds = factor * factor * _squares(c, axis=1)
        possible = (bounds > sacrifices.min(axis=1)[:, None]) & (room > 0.0)
        columns = possible.any(axis=0).nonzero()[0]
        return columns if len(columns) < self._m // 2 else None

    # ------------------------------------------------------------------------------------------------------ changes

    def add(self, columns):
        """Add `columns[b]` to the support of every problem b."""
        self._append(columns)

    def _append(self, columns):
        self.size += 1
        T = self._in_use(slice(None))
        self._sweep_in(T, self.indices, np.full(len(self.indices), self.size - 1), columns)
        self._rebuild_if_worn()

    def swap(self, problems, slots, columns):
        """Replace member `slots[k]` of problem `problems[k]` by `columns[k]`."""
        part = self._part(problems)
        T = self._in_use(part)
        self._sweep_out(T, problems, slots)
        self._sweep_in(T, problems, slots, columns)
        if not isinstance(part, slice):  # T is a copy
            self._tableau[part, : T.shape[1], : T.shape[2]] = T
        self._rebuild_if_worn()

    def remove(self, slots):
        """Remove member `slots[b]` from the support of every problem b."""
        b, q, start = self.indices, self._q, self._m + self._q
        self._sweep_out(self._in_use(slice(None)), b, slots)
        last = self.size - 1  # moves into the empty slot
        self._supports[b, slots] = self._supports[b, last]
        self._tableau[b, q + slots] = self._tableau[b, q + last]
        self._tableau[b, :, start + slots] = self._tableau[b, :, start + last]
        self._tableau[b, q + last] = 0.0
        self._tableau[b, :, start + last] = 0.0
        self.size = last
        self._rebuild_if_worn()

    def settle(self, tol, limit=None):
        """Make the best swap of every problem until none gains more than `tol` of its loss.

        Parameters
        ----------
        tol : float
        limit : int, default=None
            Not used; a swap keeps the size.
        """
        if self.size == 0:
            return
        problems = self.indices
        for _ in range(MAX_SWAPS):
            problems, slots, columns = self.best_swaps(problems, self.least_gain(tol))
            if not len(problems):
                return
            before = self.loss
            self.swap(problems, slots, columns)
            # A swap that was to gain and did not gained rounding, and so would the next.
            problems = problems[self.loss[problems] < before[problems]]
            if not len(problems):
                return

    def restart(self, support):
        """Start a single chain from `support` (s,); dependent members give way to the best independent others."""
        self._supports[0, : len(support)] = support
        self.size = len(support)
        if self.size and self._rebuild():
            self._is_worn_out = False
            return
        self.clear()
        for column in support:
            if self.room[0, column] > self.dependent:
                self._append(np.array([column]))
        while self.size < len(support):
            gains = self.addition_gains()[0]
            column = int(np.argmax(gains))
            if gains[column] <= 0.0:
                return
            self._append(np.array([column]))

    def fit(self, problem=0):
        """Present state of one problem."""
        support = self.supports[problem]
        order = support.argsort()
        return Fit(support[order], self.coefs[problem][order], float(self.loss[problem]))

    def settled_fit(self):
        """Present state of a single settled chain over all features, with its margin and certificate."""
        fit = self.fit()
        fit.margin = float(self.margins()[0])
        # Exchanges that gain less than `rounding` were not looked at: to a small loss that may be much.
        # Nor are gains known better than to eps over the room of the members.
        rounding = max(self.rounding, 4.0 * EPS * float(self._inflation(slice(None)).max(initial=0.0)))
        can_tell = rounding * self.total[0] <= 1e-7 * fit.loss or self.loss[0] <= self.floor[0]
        fit.swap_optimal = bool(self.is_certified and can_tell and not self.doubtful()[0])
        return fit

    def keep(self, kept):
        """Go on with the problems of the mask `kept` alone."""
        self.quadratic = self.quadratic.subset(kept)
        for name in ("_supports", "_tableau", "room", "total", "floor"):
            setattr(self, name, getattr(self, name)[kept])
        self.indices = np.arange(len(self.total))

    # ---------------------------------------------------------------------------------------------------- machinery

    def _part(self, problems):
        # A slice makes views where an index array would make copies.
        return slice(None) if len(problems) == len(self.indices) else problems

    def _in_use(self, part):
        """Tableaus of the problems `part`, without the slots that are empty yet."""
        return self._tableau[part, : self._q + self.size, : self._m + self._q + self.size]

    def _sweep_in(self, T, problems, slots, columns):
        """Make `columns` members of `problems`, whose tableaus are T, in `slots` whose rows and columns are zero."""
        k, part, m, q = np.arange(len(problems)), self._part(problems), self._m, self._q
        # The pivot row of elimination is the row of the entering column in the residual Gram matrix. Only the plain one
        # is stored, so what the members explain of it is taken off first; the room is its diagonal, kept apart.
        room = self.room[problems, columns][:, None]
        pivot = np.zeros((len(problems), T.shape[2]))
        pivot[:, :m] = self.quadratic.rows(problems, columns)
        pivot[:, m : m + q] = self.quadratic.correlation[problems, columns]
        pivot[k, m + q + slots] = 1.0
        along = pivot[k[:, None], self._supports[part, : self.size]]
        pivot -= (along[:, None, :] @ T[:, q:])[:, 0]
        pivot /= room
        # One rank-one change serves c', the loss, H, w and K alike: that is why they share an array.
        T -= T[k, :, columns][:, :, None] * pivot[:, None, :]
        T[k, q + slots] = pivot
        self._supports[problems, slots] = columns
        self.room[part] -= room * pivot[:, :m] ** 2
        self.room[problems, columns] = 0.0  # exactly, which tells members from columns that rounding left a little
        # A small pivot multiplies the rounding of everything it divides: do not build on it.
        self._changes = _REBUILD_AFTER if room.min() < _REBUILD_BELOW else self._changes + 1

    def _sweep_out(self, T, problems, slots):
        """Remove the members in `slots` of `problems`, whose tableaus are T, and leave zeros."""
        k, m, q = np.arange(len(problems)), self._m, self._q
        row, column = T[k, q + slots], T[k, :, m + q + slots]
        variance = row[k, m + q + slots][:, None]  # K_ii: its inverse is the room that the member had
        T -= (column / variance)[:, :, None] * row[:, None, :]
        T[k, q + slots] = 0.0
        T[k, :, m + q + slots] = 0.0
        self.room[self._part(problems)] += row[:, :m] ** 2 / variance
        self._changes += 1

    def _rebuild_if_worn(self):
        if self._changes >= _REBUILD_AFTER and not self._rebuild():
            self._is_worn_out = True  # to the Gram matrix, members depend on each other

    def _rebuild(self):
        """Compute everything from the Gram rows of the supports; False, changing nothing, if one is dependent."""
        quadratic, m, q, s = self.quadratic, self._m, self._q, self.size
        rows = quadratic.support_rows(self.supports)
        which = self.indices[:, None]
        blocks = rows[which[:, :, None], np.arange(s)[:, None], self.supports[:, None, :]]
        T, K = self._tableau, inverses(blocks)
        if K is None:
            return False
        members = quadratic.correlation[which, self.supports]
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
        self.room[which, self.supports] = 0.0
        self._changes = 0
        return True


def _squares(values, axis):
    """Sum of squares over the axis of targets; most often there is one target."""
    if values.shape[axis] == 1:
        values = values[:, 0] if axis == 1 else values[:, :, 0]
        return values * values
    return np.sum(values * values, axis=axis)


def _swap_gains(t, beta, c, D, dependent):
    """(c'_j + β_i t_ij)² / (D_j + t_ij²), as the module has it: (b, s, m). Overwrites t."""
    if c.shape[1] == 1:
        gains = beta * t
        gains += c
        gains *= gains
        t *= t
    else:
        gains = (2.0 * beta) @ c
        gains *= t
        t *= t
        gains += t * _squares(beta, axis=2)[:, :, None]
        gains += _squares(c, axis=1)[:, None, :]
    t += D[:, None, :]
    t[t < dependent] = np.inf  # dependent on the members that stay, or a member itself
    gains /= t
    return gains

"""Selection of whole groups of columns: all members of a group enter and leave together."""

from dataclasses import replace

import numpy as np

from skamem.sparse.objective._linalg import DEPENDENT, TIE, ZERO_LOSS, nonnegative_solve
from skamem.sparse.search._plan import Solution, criterion_of

__all__ = ["GroupSearch", "count_selections", "solve_groups"]

_MAX_SWAPS = 200


def count_selections(selected, groups):
    """Number of columns of the mask `selected`, or of the groups that have one of them."""
    return int(selected.sum()) if groups is None else sum(bool(selected[group].any()) for group in groups)


class GroupSearch:
    """Forward selection and exchanges of groups, each by its exact gain.

    The gain of adding group g is c_gᵀ D_g⁻¹ c_g, with c the correlations with the residual and D_g the Gram matrix of
    the group's columns after projection on the complement of those selected. The best exchange is found by leaving out
    each selected group in turn and looking for the best addition.

    With nonnegative coefficients losses and gains are those of nonnegative least squares, solved for each group; of a
    selected group it may leave columns out.

    Parameters
    ----------
    problem : Problem
    groups : list of int arrays
        Columns of each group.
    tol : float
        Least relative decrease of the loss that counts.
    """

    def __init__(self, problem, groups, tol):
        self.problem = problem
        self.quadratic = problem.quadratic()
        self.groups = [group[problem.usable[group]] for group in groups]
        self.tol = tol
        width = max(len(group) for group in self.groups)
        # Short groups are filled up with a column beyond the last, which is zero everywhere.
        self.members = np.full((len(groups), max(width, 1)), problem.n_features)
        for g, group in enumerate(self.groups):
            self.members[g, : len(group)] = group
        self.grams = self._group_grams()
        self.locked = [g for g, group in enumerate(self.groups) if problem.locked[group].any()]

    def _group_grams(self):
        width = self.members.shape[1]
        grams = np.zeros((len(self.groups), width, width))
        for g, group in enumerate(self.groups):
            if len(group):
                grams[g, : len(group), : len(group)] = self.problem.small_gram(group)
        return grams

    def columns_of(self, chosen):
        """Ascending columns of the groups `chosen`: with nonnegative coefficients, those above zero."""
        columns = self._all_columns(chosen)
        return columns[self._nonnegative(columns)[0] > 0.0] if self.problem.positive else columns

    def _all_columns(self, chosen):
        parts = [self.groups[g] for g in chosen]
        return np.sort(np.concatenate(parts)) if parts else np.empty(0, dtype=np.intp)

    def _nonnegative(self, columns):
        """Coefficients of nonnegative least squares on `columns`, and the loss."""
        gram, correlation = self.quadratic.block(columns), self.quadratic.correlation[0, columns, 0]
        coefs = nonnegative_solve(gram, correlation)
        return coefs, float(self.quadratic.total[0] - 2 * coefs @ correlation + coefs @ gram @ coefs)

    def _look_nonnegative(self, chosen):
        loss = self._nonnegative(self._all_columns(chosen))[1]
        others = [g for g in range(len(self.groups)) if g not in chosen]
        gains = np.full(len(self.groups), -1.0)
        gains[others] = [loss - self._nonnegative(self._all_columns([*chosen, g]))[1] for g in others]
        gains[gains <= 1e-12] = np.minimum(gains[gains <= 1e-12], 0.0)  # what is left of no gain is rounding
        return loss, gains

    def look(self, chosen):
        """Loss with the groups `chosen`, and the gain of adding each other one (-1 for those chosen)."""
        if self.problem.positive:
            return self._look_nonnegative(chosen)
        columns = self.columns_of(chosen)
        correlation = self.quadratic.correlation[0]
        rows = self.quadratic.support_rows(columns[None])[0] if len(columns) else np.empty((0, len(correlation)))
        inverse = np.linalg.pinv(rows[:, columns], rcond=DEPENDENT, hermitian=True)
        coefs = inverse @ correlation[columns]
        loss = float(self.quadratic.total[0] - np.sum(coefs * correlation[columns]))
        residual = np.vstack([correlation - rows.T @ coefs, np.zeros((1, correlation.shape[1]))])
        padded = np.hstack([rows, np.zeros((len(columns), 1))])[:, self.members]  # (s, n_groups, width)
        projected = np.tensordot(inverse, padded, axes=1)
        rooms = self.grams - np.einsum("sgv,sgw->gvw", padded, projected)
        gains = _quadratic_gains(rooms, residual[self.members])
        gains[list(chosen)] = -1.0
        return loss, gains

    def forward(self, chosen, n_groups, *, swaps):
        """Yield `chosen` and then each larger choice, up to `n_groups`."""
        yield list(chosen)
        while len(chosen) < n_groups:
            loss, gains = self.look(chosen)
            best = _first_best(gains)
            if loss <= ZERO_LOSS or gains[best] <= 0.0:
                return
            chosen = [*chosen, best]
            if swaps:
                chosen = self.settle(chosen)
            yield list(chosen)

    def settle(self, chosen):
        """Make the best exchange of one group until none gains more than `tol` of the loss."""
        for _ in range(_MAX_SWAPS):
            loss, _ = self.look(chosen)
            if loss <= ZERO_LOSS:
                break
            least, exchanged = loss * (1 - self.tol) - 1e-12, None
            for leaving in chosen:
                if leaving in self.locked:
                    continue
                rest = [g for g in chosen if g != leaving]
                rest_loss, gains = self.look(rest)
                gains[leaving] = -1.0
                entering = _first_best(gains)
                if rest_loss - gains[entering] < least:
                    least, exchanged = rest_loss - gains[entering], [*rest, entering]
            if exchanged is None:
                break
            chosen = exchanged
        return chosen

    def settled_fit(self, chosen, *, certified):
        """What is known of `chosen`."""
        loss, gains = self.look(chosen)
        movable = [g for g in chosen if g not in self.locked]
        lost = [self.look([g for g in chosen if g != leaving])[0] - loss for leaving in movable]
        best = gains.max(initial=0.0)
        margin = min(lost) / best if lost and best > 0.0 and loss > ZERO_LOSS else np.inf
        columns = self.columns_of(chosen)
        return replace(self.problem.refit(columns), margin=margin, swap_optimal=certified, residual=None)


def _first_best(gains):
    return int(np.argmax(gains >= gains.max() * (1 - TIE))) if gains.max() > 0 else int(np.argmax(gains))


def _quadratic_gains(rooms, residual):
    """Σ_t c_tᵀ D⁻¹ c_t for each group, over the directions in which the group is independent of those selected."""
    values, vectors = np.linalg.eigh(rooms)
    along = np.einsum("gvw,gvq->gwq", vectors, residual)
    squares = np.einsum("gwq,gwq->gw", along, along)
    independent = values > DEPENDENT
    return np.sum(np.where(independent, squares / np.where(independent, values, 1.0), 0.0), axis=1)


def solve_groups(problem, groups, n_groups, settings, max_groups=None):
    """Best choice of at most `n_groups` groups, or of the number that the criterion picks.

    Parameters
    ----------
    problem : Problem
    groups : list of int arrays
        Columns of each group.
    n_groups : int or None
        None goes through a path of numbers of groups.
    settings : Settings
    max_groups : int, default=None
        Most groups on the path; None for all that leave half of the degrees of freedom.

    Returns
    -------
    solution : Solution

    Notes
    -----
    One look costs O(p (s w)² / w) for s groups of w columns; a round of exchanges takes s looks.
    """
    search = GroupSearch(problem, groups, settings.tol)
    largest = len(groups) if n_groups is None else n_groups
    if max_groups is not None:
        largest = min(largest, max_groups)
    choices, bounded = [], n_groups is not None or max_groups is not None or settings.enough is not None
    for chosen in search.forward(search.locked, largest, swaps=settings.plan.swaps):
        if not bounded and len(search.columns_of(chosen)) > (problem.n_counted - 1) // 2:
            break
        choices.append(chosen)
        if settings.enough is not None and settings.suffices(problem, _point(search, chosen)):
            break
    choices = choices or [search.locked]
    if n_groups is not None:
        choices = [_best_choice(search, choices[-1], settings)]
    points = [_point(search, chosen) for chosen in choices]
    criteria = [criterion_of(point, problem, settings.criterion) for point in points]
    best = settings.choose(problem, points, criteria)
    fit = search.settled_fit(choices[best], certified=settings.plan.swaps)
    return Solution(fit, 1, points, criteria)


def _best_choice(search, chosen, settings):
    """The better of a forward choice and of what the groups that gain most alone lead to."""
    if not settings.plan.restart_below or len(chosen) < 2:
        return chosen
    _, gains = search.look(search.locked)
    n_more = len(chosen) - len(search.locked)
    alone = [int(g) for g in np.argsort(-gains, kind="stable")[:n_more] if gains[g] > 0]
    rival = search.settle([*search.locked, *alone])
    return min(chosen, rival, key=lambda choice: search.look(choice)[0])


def _point(search, chosen):
    support = search.columns_of(chosen)
    return replace(search.problem.refit(support), residual=None)

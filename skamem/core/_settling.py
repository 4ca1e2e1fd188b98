"""Iterating a map of states until each row is at a fixed point or on a cycle: the one search for both.

`skamem.core.dynamics` offers what is here; states may be arrays or, with `rows`, anything that has rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from skamem.core import arrays

__all__ = ["ArrayRows", "Recall", "TracedRecall", "cycle_entry", "settle"]


@dataclass(frozen=True)
class Recall:
    """What recall gives back for each cue.

    Parameters
    ----------
    states : array of shape (n_samples, n_units)
        Final states.
    n_steps : int array of shape (n_samples,)
        Updates (sweeps, when asynchronous) made; the last one of a converged row changed nothing.
    converged : bool array of shape (n_samples,)
        Whether the row ended at a fixed point.
    cycle_length : int array of shape (n_samples,)
        1 for a fixed point, L > 1 for a cycle of L states, 0 when neither was found within the steps allowed.
    unresolved : bool array of shape (n_samples, n_units)
        Units that were unknown at the end and took the majority of the stored patterns.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem import HebbianMemory
    >>> recall = HebbianMemory().fit([[1, 1, -1, -1]]).recall([[1, 1, -1, 1]])
    >>> recall.states, recall.converged
    (array([[ 1.,  1., -1., -1.]]), array([ True]))
    """

    states: Any
    n_steps: Any
    converged: Any
    cycle_length: Any
    unresolved: Any


@dataclass(frozen=True)
class TracedRecall(Recall):
    """A `Recall` with the states on the way, which a dynamics gives that was asked to keep some.

    Parameters
    ----------
    states, n_steps, converged, cycle_length, unresolved : array
        As those of `Recall`.
    trajectory : array of shape (n_samples, n_kept + 1, n_units)
        The start, and the states after each of the first `n_kept` updates (all of them, if fewer were allowed). A row
        that was done earlier goes on as it would: it stays at its fixed point, or runs round its cycle.
    """

    trajectory: Any


@dataclass(frozen=True)
class ArrayRows:
    """What the search must know of states in an array; for another container a class with the same methods.

    Parameters
    ----------
    axis : int, default=0
        Along which rows (samples) lie; the units lie along the other axis.
    leave : callable, default=None
        Gives states of shape (n_samples, n_units) from states as they are iterated; None where they are so already.
    """

    axis: int = 0
    leave: Callable | None = None

    def bookkeeping(self, states):
        """An array in whose namespace and on whose device numbers about rows are kept."""
        return states

    def count(self, states):
        """Number of rows."""
        return states.shape[self.axis]

    def same(self, states, others):
        """Whether rows are equal: a bool array of shape (n_rows,)."""
        return arrays.namespace(states).all(states == others, axis=1 - self.axis)

    def take(self, states, index):
        """Some rows, in the order of an index array."""
        return arrays.namespace(states).take(states, index, axis=self.axis)

    def join(self, parts):
        """Rows of several arrays, one after the other."""
        return arrays.namespace(*parts).concat(parts, axis=self.axis)


_ROWS = ArrayRows()


def settle(update, states, *, n_steps, clamped=None, rows=_ROWS, cycles=True, n_kept=0):
    """Iterate any map of states until each row is at a fixed point or on a cycle, or `n_steps` updates are made.

    Parameters
    ----------
    update : callable
        ``(states, clamped) -> states`` for the rows that still move; it must leave clamped units as they are, and treat
        each row as if it were alone.
    states : array of shape (n_samples, n_units)
        Start. Not changed.
    n_steps : int
        Updates at most, >= 0.
    clamped : array of shape (n_samples, n_units), default=None
        Handed to `update`, the rows that still move.
    rows : ArrayRows, default=ArrayRows()
        How rows of `states` and `clamped` are compared, taken and joined.
    cycles : bool, default=True
        Whether to look for cycles; False for updates that draw random numbers.
    n_kept : int, default=0
        Updates of which the states are kept: the answer is then a `TracedRecall`. 0 for none. Memory: twice as many
        copies of `states`.

    Returns
    -------
    recall : Recall
        States equal those of exactly `n_steps` updates: a row found on a cycle is left at the phase where it would end.
        `unresolved` is None: only an estimator knows what is stored.

    Examples
    --------
    >>> import numpy as np
    >>> halve = lambda states, clamped: np.floor(states / 2)
    >>> recall = settle(halve, np.asarray([[5.0], [1.0]]), n_steps=100, n_kept=3)
    >>> recall.n_steps
    array([4, 2])
    >>> recall.trajectory[:, :, 0]
    array([[5., 2., 1., 0.],
           [1., 0., 0., 0.]])
    """
    search = _Search(rows, states, clamped, n_steps, cycles, n_kept)
    while search.step < n_steps and search.n_left:
        search.take_in(update(search.states, search.clamped))
    return search.recall()


def cycle_entry(update, states, cycle_length):
    """When rows come onto the cycles that `settle` found: what their walk passes before is left for good.

    Parameters
    ----------
    update : callable
        ``(states, clamped) -> states``, as that of `settle`; `clamped` is None.
    states : array of shape (n_samples, n_units)
        Start. Not changed.
    cycle_length : int array of shape (n_samples,)
        As `settle` gives them: 0 where no cycle was found.

    Returns
    -------
    entry : int array of shape (n_samples,)
        Updates before the first state of the cycle; -1 where no cycle was found.
    states : array of shape (n_samples, n_units)
        That state; the start where no cycle was found.

    Notes
    -----
    The second half of Brent's search: of two walkers, one a whole cycle ahead, both stand on the first state of the
    cycle when they meet. Cost: as many updates as the longest cycle has states, and two for each step before it.

    References
    ----------
    Brent (1980), An improved Monte Carlo factorization algorithm, BIT 20:176, doi:10.1007/BF01933190.

    Examples
    --------
    >>> import numpy as np
    >>> turn = lambda states, clamped: np.where(states > 2, states - 1, 2 - states)  # 0 and 2 take turns
    >>> start = np.asarray([[5.0], [0.0]])
    >>> cycle_entry(turn, start, settle(turn, start, n_steps=100).cycle_length)[0]
    array([3, 0])
    """
    xp = arrays.namespace(states)
    behind = ahead = states
    for step in range(int(xp.max(cycle_length)) if states.shape[0] else 0):
        ahead = xp.where((cycle_length > step)[:, None], update(ahead, None), ahead)
    entry = xp.where(cycle_length > 0, 0, -1)
    apart = ~_ROWS.same(behind, ahead)
    while bool(xp.any(apart)):
        behind, ahead = (xp.where(apart[:, None], update(walker, None), walker) for walker in (behind, ahead))
        entry = entry + xp.astype(apart, entry.dtype)
        apart = ~_ROWS.same(behind, ahead)
    return entry, behind


class _Search:
    """The rows that still move, what is known of them, and those that are done.

    Cycles are found by Brent's method: each state is compared with an anchor that is renewed at steps 1, 2, 4, 8, ...,
    so that one comparison a step and one kept state find a cycle of any length.
    """

    def __init__(self, kind, states, clamped, n_steps, cycles, n_kept):
        like = kind.bookkeeping(states)
        xp = self.xp = arrays.namespace(like)
        self.kind, self.states, self.clamped, self.cycles = kind, states, clamped, cycles
        self.n_steps, self.n_kept, self.step = n_steps, min(n_kept, n_steps), 0
        self.n_left = self.n_rows = kind.count(states)
        where = {"device": arrays.device(like)}
        self.index = xp.arange(self.n_left, **where)
        self.cycle = xp.zeros(self.n_left, dtype=xp.int64, **where)
        # The step at which a row leaves unless it comes to rest before.
        self.last = xp.full((self.n_left,), n_steps, dtype=xp.int64, **where)
        self.anchor, self.anchor_step = states, 0
        self.finished = []
        self.path = [(self.index, states)] if n_kept else []

    def take_in(self, new):
        """States after one more update."""
        xp, self.step = self.xp, self.step + 1
        step = self.step
        fixed = self.kind.same(new, self.states)
        self.cycle = xp.where(fixed, 1, self.cycle)
        length = step - self.anchor_step
        if self.cycles and length > 1:
            returned = (self.cycle == 0) & self.kind.same(new, self.anchor)
            # A row on a cycle runs on to the phase at which n_steps updates would have left it.
            phase = step + (self.n_steps - step) % length
            self.last = xp.where(returned, phase, self.last)
            self.cycle = xp.where(returned, length, self.cycle)
        self.states = new
        if step <= self.n_kept:
            self.path.append((self.index, new))
        self._let_go(fixed, fixed | (self.last == step))
        if step & (step - 1) == 0:
            self.anchor, self.anchor_step = self.states, step

    def _let_go(self, fixed, done):
        """Move the rows that are done out of the batch, so that the rest costs less."""
        xp, take = self.xp, self.kind.take
        n_done = int(xp.count_nonzero(done))
        if n_done == self.n_left:  # all at once, the usual end: nothing to pick
            self._finish(self.states, self.index, self.cycle, fixed)
            self.n_left = 0
        elif n_done:
            keep, gone = xp.nonzero(~done)[0], xp.nonzero(done)[0]
            picked = (xp.take(known, gone, axis=0) for known in (self.index, self.cycle, fixed))
            self._finish(take(self.states, gone), *picked)
            self.index, self.cycle, self.last = (xp.take(a, keep, axis=0) for a in (self.index, self.cycle, self.last))
            self.states, self.anchor = take(self.states, keep), take(self.anchor, keep)
            self.clamped = None if self.clamped is None else take(self.clamped, keep)
            self.n_left -= n_done

    def _finish(self, states, index, cycle, fixed):
        self.finished.append((states, index, cycle, fixed, self.xp.full_like(index, self.step)))

    def recall(self):
        """The rows in their first order, from the groups in which they finished."""
        if self.n_left or not self.finished:  # out of steps, or no rows
            self._finish(self.states, self.index, self.cycle, self.cycle > 0)
        xp, leave = self.xp, self.kind.leave or (lambda states: states)
        if len(self.finished) == 1:
            states, _, cycle, fixed, n_steps = self.finished[0]
        else:
            states, index, cycle, fixed, n_steps = zip(*self.finished, strict=True)
            back = xp.argsort(xp.concat(index))
            cycle, fixed, n_steps = (xp.take(xp.concat(part), back) for part in (cycle, fixed, n_steps))
            states = self.kind.take(self.kind.join(states), back)
        story = (leave(states), n_steps, fixed, cycle, None)
        return TracedRecall(*story, self._trajectory(leave, n_steps, cycle)) if self.path else Recall(*story)

    def _trajectory(self, leave, n_steps, cycle):
        """States 0, ..., n_kept of every row; those of a row that was done before are what it would go on to."""
        xp, device = self.xp, arrays.device(self.index)
        times = xp.arange(self.n_kept + 1, device=device)[:, None]
        # A row that left at time n on a cycle of length L repeats what it was at n - L + 1, ..., n.
        length = xp.where(cycle > 0, cycle, xp.ones_like(cycle))
        repeated = n_steps - length + 1 + (times - n_steps - 1) % length
        times = xp.where(times <= n_steps, times + xp.zeros_like(n_steps), repeated)
        # Where the state of each row at each time lies among all that were kept; a row that is not there is not asked.
        offset, places, everyone = 0, [], xp.arange(self.n_rows, device=device)
        for index, _ in self.path:
            places.append(offset + xp.searchsorted(index, everyone))
            offset += index.shape[0]
        places = xp.take_along_axis(xp.stack(places), times, axis=0)
        kept = self.kind.join([states for _, states in self.path])
        kept = leave(self.kind.take(kept, xp.reshape(xp.matrix_transpose(places), (-1,))))
        return xp.reshape(kept, (self.n_rows, self.n_kept + 1, kept.shape[1]))

"""Dynamics: from cues to recalled states, synchronously or one unit after another, for whole batches at once.

Rows are independent and leave the batch as soon as they are done, so a row's result does not depend on its neighbours.
"""

from dataclasses import dataclass, replace
from typing import Any

from skamem.core import arrays
from skamem.core.thresholds import sign

__all__ = ["Recall", "asynchronous", "heat_bath", "settle", "synchronous", "wander"]


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


def synchronous(field, states, *, n_steps, threshold=sign, clamped=None):
    """Update all units at once, until each row is at a fixed point or `n_steps` updates are made.

    Parameters
    ----------
    field : callable
        ``states -> fields`` with an attribute ``tolerance``, such as `LinearField`.
    states : array of shape (n_samples, n_units)
        Start. Not changed.
    n_steps : int
        Updates at most, >= 0.
    threshold : callable, default=sign
        ``(field, states, tolerance, *, xp) -> states``.
    clamped : bool array of shape (n_samples, n_units), default=None
        Units held fixed.

    Returns
    -------
    recall : Recall
        States equal those of exactly `n_steps` updates: a row found on a cycle is left at the phase where it would end.
        `unresolved` is None: only an estimator knows what is stored. Cost one matrix product a step, over the rows that
        still move; memory, four arrays like `states`.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.core.fields import LinearField
    >>> swap = LinearField(np.asarray([[0.0, 1.0], [1.0, 0.0]]))
    >>> synchronous(swap, np.asarray([[1.0, -1.0]]), n_steps=100).cycle_length
    array([2])
    """

    def update(states, clamped):
        new = threshold(field(states), states, field.tolerance)
        return new if clamped is None else arrays.namespace(new).where(clamped, states, new)

    return _run(update, states, n_steps, clamped, axis=0)


def asynchronous(field, states, *, n_steps, order, threshold=sign, clamped=None):
    """Update the units one after another in the given order, sweep after sweep; every probe sees the same order.

    The trajectory is that of the loop over single units, bit for bit for integer weights, at the speed of matrix
    products.

    Parameters
    ----------
    field : LinearField or DenseLandscape
        What units follow.
    states : array of shape (n_samples, n_units)
        Start. Not changed.
    n_steps : int
        Sweeps at most, >= 0.
    order : int array of shape (n_units,)
        Permutation of the units, the same in each sweep.
    threshold : callable, default=sign
        ``(field, states, tolerance, *, xp) -> states``.
    clamped : bool array of shape (n_samples, n_units), default=None
        Units held fixed.

    Returns
    -------
    recall : Recall
        As `synchronous` gives; a step is a sweep over all units.

    References
    ----------
    Hopfield (1982), PNAS 79:2554, doi:10.1073/pnas.79.8.2554.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.core.fields import LinearField
    >>> swap = LinearField(np.asarray([[0.0, 1.0], [1.0, 0.0]]))
    >>> asynchronous(swap, np.asarray([[1.0, -1.0]]), n_steps=100, order=np.asarray([0, 1])).states
    array([[-1., -1.]])
    """
    cursor = field.cursor(order)

    def sweep(states, clamped):
        return cursor.sweep(states, threshold=threshold, clamped=clamped)

    held = None if clamped is None else cursor.enter(clamped)
    recall = _run(sweep, cursor.enter(states), n_steps, held, axis=cursor.axis)
    return replace(recall, states=cursor.leave(recall.states))


def settle(update, states, *, n_steps, clamped=None):
    """Iterate any map of states until each row is at a fixed point or on a cycle, or `n_steps` updates are made.

    Parameters
    ----------
    update : callable
        ``(states, clamped) -> states`` for the rows that still move; it must leave clamped units as they are.
    states : array of shape (n_samples, n_units)
        Start. Not changed.
    n_steps : int
        Updates at most, >= 0.
    clamped : array of shape (n_samples, n_units), default=None
        Handed to `update`, the rows that still move.

    Returns
    -------
    recall : Recall
        As `synchronous` gives.

    Examples
    --------
    >>> import numpy as np
    >>> settle(lambda states, clamped: np.floor(states / 2), np.asarray([[5.0], [1.0]]), n_steps=100).n_steps
    array([4, 2])
    """
    return _run(update, states, n_steps, clamped, axis=0)


def wander(field, states, *, n_steps, random_state, threshold=sign, clamped=None):
    """Update single units in random order, a new one for each sweep and each probe.

    Parameters
    ----------
    field : LinearField or DenseLandscape
        What units follow.
    states : array of shape (n_samples, n_units)
        Start. Not changed.
    n_steps : int
        Sweeps at most, >= 0.
    random_state : RandomState
        Draws the orders, on the host.
    threshold : callable, default=sign
        ``(field, states, tolerance, *, xp) -> states``.
    clamped : bool array of shape (n_samples, n_units), default=None
        Units held fixed.

    Returns
    -------
    recall : Recall
        A step is a sweep over all units. `cycle_length` is 1 for a fixed point, else 0: random orders have no cycles.
        Slower than `asynchronous`, which lets all probes share one order.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.core.fields import LinearField
    >>> swap = LinearField(np.asarray([[0.0, 1.0], [1.0, 0.0]]))
    >>> wander(swap, np.asarray([[1.0, -1.0]]), n_steps=9, random_state=np.random.RandomState(0)).converged
    array([ True])
    """

    def sweep(states, clamped):
        return _visit_at_random(field, states, random_state, threshold, clamped)

    return _run(sweep, states, n_steps, clamped, axis=0, cycles=False)


def heat_bath(field, states, *, n_steps, temperature, random_state, shared=True, clamped=None):
    """Glauber dynamics: each unit in turn is set to +1 with probability 1 / (1 + exp(-2 field / temperature)).

    Parameters
    ----------
    field : QuadraticLandscape or DenseLandscape
        In the units of `temperature`.
    states : array of shape (n_samples, n_units)
        Start, entries in {-1, +1}. Not changed.
    n_steps : int
        Sweeps, >= 0; all of them are made.
    temperature : float
        Greater than 0, in units of energy.
    random_state : RandomState
        Draws orders and noise, on the host.
    shared : bool, default=True
        One order for all sweeps and probes, at the speed of matrix products; otherwise a new one for each.
    clamped : bool array of shape (n_samples, n_units), default=None
        Units held fixed.

    Returns
    -------
    recall : Recall
        After many sweeps states are distributed as exp(-energy / temperature), whatever the order of visits.

    References
    ----------
    Glauber (1963), Journal of Mathematical Physics 4:294, doi:10.1063/1.1703954.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.core.fields import QuadraticLandscape
    >>> pair = QuadraticLandscape(np.asarray([[0.0, 1.0], [1.0, 0.0]]))
    >>> cold = {"temperature": 0.1, "random_state": np.random.RandomState(0)}
    >>> heat_bath(pair, np.asarray([[1.0, -1.0]]), n_steps=3, **cold).states
    array([[1., 1.]])
    """
    xp = arrays.namespace(states)
    place = arrays.placement_of(states)
    n_samples, n_units = states.shape

    def noise(*shape):
        # A unit is on when its field exceeds T / 2 times a logistic variate: that has the probability wanted.
        return place.asarray(random_state.logistic(scale=temperature / 2, size=shape), states.dtype)

    if shared:
        cursor = field.cursor(place.asarray(random_state.permutation(n_units)))
        held = None if clamped is None else cursor.enter(clamped)
        inside = cursor.enter(states)
        for _ in range(n_steps):
            inside = cursor.sweep(inside, clamped=held, noise=noise(*inside.shape))
        states = cursor.leave(inside)
    else:
        for _ in range(n_steps):
            states = _visit_at_random(field, states, random_state, sign, clamped, noise(n_samples, n_units))
    steps = xp.full((n_samples,), n_steps, dtype=xp.int64, device=arrays.device(states))
    return Recall(states, steps, steps < 0, xp.zeros_like(steps), None)


def _visit_at_random(field, states, random_state, threshold, clamped, noise=None):
    """One sweep in which each probe has an order of its own; `noise` is in the order of visits."""
    xp = arrays.namespace(states)
    visits = arrays.placement_of(states).asarray(random_state.random_sample(tuple(states.shape)).argsort(axis=1))
    walker = field.walker(states)
    before = xp.take_along_axis(states, visits, axis=1)
    held = None if clamped is None else xp.take_along_axis(clamped, visits, axis=1)
    after = []
    for visit in range(states.shape[1]):
        units, old = visits[:, visit], before[:, visit]
        push = walker.field(units, old)
        if noise is not None:
            push = push + noise[:, visit]
        new = threshold(push, old, walker.tolerance(units) if noise is None else 0.0, xp=xp)
        if held is not None:
            new = xp.where(held[:, visit], old, new)
        walker.move(units, new - old)
        after.append(new)
    return xp.take_along_axis(xp.stack(after, axis=1), xp.argsort(visits, axis=1), axis=1)


def _run(update, states, n_steps, clamped, axis, *, cycles=True):
    """Iterate ``update(states, clamped)``; samples lie along `axis`. Rows that are done leave the batch.

    Cycles are found by Brent's method: each state is compared with an anchor that is renewed at steps 1, 2, 4, 8, ...
    """
    xp = arrays.namespace(states)
    where = {"device": arrays.device(states)}
    units = 1 - axis
    n_samples = states.shape[axis]
    rows = xp.arange(n_samples, **where)
    cycle = xp.zeros(n_samples, dtype=xp.int64, **where)
    last = xp.full((n_samples,), n_steps, dtype=xp.int64, **where)
    anchor, anchor_step = states, 0
    finished = []
    step = 0
    while step < n_steps and rows.shape[0]:
        step += 1
        new = update(states, clamped)
        fixed = xp.all(new == states, axis=units)
        cycle = xp.where(fixed, xp.ones_like(cycle), cycle)
        length = step - anchor_step
        if cycles and length > 1:
            returned = (cycle == 0) & xp.all(new == anchor, axis=units)
            # A row on a cycle runs on to the phase at which n_steps updates would have left it.
            last = xp.where(returned, xp.full_like(last, step + (n_steps - step) % length), last)
            cycle = xp.where(returned, xp.full_like(cycle, length), cycle)
        states = new
        done = fixed | (last == step)
        n_done = int(xp.count_nonzero(done))
        if n_done == rows.shape[0]:
            finished.append((states, rows, cycle, fixed, xp.full_like(rows, step)))
            rows = rows[:0]
        elif n_done:
            keep = xp.nonzero(~done)[0]
            gone = xp.nonzero(done)[0]
            picked = [xp.take(a, gone, axis=0) for a in (rows, cycle, fixed)]
            finished.append((xp.take(states, gone, axis=axis), *picked, xp.full_like(gone, step)))
            rows, cycle, last = (xp.take(a, keep, axis=0) for a in (rows, cycle, last))
            states, anchor = xp.take(states, keep, axis=axis), xp.take(anchor, keep, axis=axis)
            clamped = None if clamped is None else xp.take(clamped, keep, axis=axis)
        if step & (step - 1) == 0:
            anchor, anchor_step = states, step
    if rows.shape[0] or not finished:  # no steps, or no rows
        finished.append((states, rows, cycle, cycle > 0, xp.full_like(rows, step)))
    return _gather(finished, axis, xp)


def _gather(finished, axis, xp):
    """The rows in their first order, from the groups in which they finished."""
    if len(finished) == 1:
        states, _, cycle, fixed, n_steps = finished[0]
        return Recall(states, n_steps, fixed, cycle, None)
    states, rows, cycle, fixed, n_steps = zip(*finished, strict=True)
    back = xp.argsort(xp.concat(rows))
    cycle, fixed, n_steps = (xp.take(xp.concat(part), back) for part in (cycle, fixed, n_steps))
    return Recall(xp.take(xp.concat(states, axis=axis), back, axis=axis), n_steps, fixed, cycle, None)

"""Dynamics: from cues to recalled states, synchronously or one unit after another, for whole batches at once.

Rows are independent and leave the batch as soon as they are done, so a row's result does not depend on its neighbours.
"""

from skamem.core import arrays
from skamem.core._settling import ArrayRows, Recall, TracedRecall, cycle_entry, settle
from skamem.core.thresholds import sign, step

__all__ = [
    "Recall",
    "TracedRecall",
    "alternating",
    "asynchronous",
    "cycle_entry",
    "heat_bath",
    "settle",
    "synchronous",
    "wander",
]


def synchronous(field, states, *, n_steps, threshold=sign, clamped=None, n_kept=0):
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
        ``(field, states, tolerance, *, xp) -> states``; it may look at whole rows, as `KCap` does.
    clamped : bool array of shape (n_samples, n_units), default=None
        Units held fixed.
    n_kept : int, default=0
        Updates of which the states are kept, as `settle` says.

    Returns
    -------
    recall : Recall
        As `settle` gives. Cost one matrix product a step, over the rows that still move; memory, four arrays like
        `states`.

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

    return settle(update, states, n_steps=n_steps, clamped=clamped, n_kept=n_kept)


def asynchronous(field, states, *, n_steps, order, threshold=sign, clamped=None, n_kept=0):
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
        ``(field, states, tolerance, *, xp) -> states``, of one unit at a time.
    clamped : bool array of shape (n_samples, n_units), default=None
        Units held fixed.
    n_kept : int, default=0
        Updates of which the states are kept, as `settle` says.

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
    _check_one_at_a_time(threshold)
    return _sweep(field.cursor(order), states, n_steps, threshold, clamped, n_kept)


def alternating(field, states, *, n_steps, threshold=sign, clamped=None, n_kept=0):
    """Update two layers in turn: the second from the first, then the first from the second.

    Units of a layer do not push each other, so a whole layer at once is the same as its units one after another: energy
    never rises.

    Parameters
    ----------
    field : BipartiteField
        What the layers follow.
    states : array of shape (n_samples, n_first + n_second)
        Start, the first layer before the second; units that are to be found are 0. Not changed.
    n_steps : int
        Exchanges, there and back, at most; >= 0.
    threshold : callable, default=sign
        ``(field, states, tolerance, *, xp) -> states``.
    clamped : bool array of shape (n_samples, n_first + n_second), default=None
        Units held fixed.
    n_kept : int, default=0
        Exchanges after which the states are kept, as `settle` says.

    Returns
    -------
    recall : Recall
        As `settle` gives; a step is an exchange. Cost two matrix products a step.

    References
    ----------
    Kosko (1988), IEEE Transactions on Systems, Man, and Cybernetics 18:49, doi:10.1109/21.87054.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.core.fields import BipartiteField
    >>> pair = BipartiteField(np.asarray([[1.0], [-1.0]]))
    >>> alternating(pair, np.asarray([[1.0, -1.0, 0.0]]), n_steps=10).states
    array([[ 1., -1.,  1.]])
    """
    return _sweep(field.cursor(), states, n_steps, threshold, clamped, n_kept)


def _check_one_at_a_time(threshold):
    if getattr(threshold, "whole_rows", False):
        raise ValueError(
            f"threshold={threshold!r} compares the units of a row, so they have to be updated at once; expected a "
            "threshold of single units, such as `sign`, or use `synchronous`."
        )


def _sweep(cursor, states, n_steps, threshold, clamped, n_kept):
    def sweep(states, clamped):
        return cursor.sweep(states, threshold=threshold, clamped=clamped)

    held = None if clamped is None else cursor.enter(clamped)
    rows = ArrayRows(cursor.axis, cursor.leave)
    return settle(sweep, cursor.enter(states), n_steps=n_steps, clamped=held, rows=rows, n_kept=n_kept)


def wander(field, states, *, n_steps, random_state, threshold=sign, clamped=None, n_kept=0):
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
        ``(field, states, tolerance, *, xp) -> states``, of one unit at a time.
    clamped : bool array of shape (n_samples, n_units), default=None
        Units held fixed.
    n_kept : int, default=0
        Updates of which the states are kept, as `settle` says.

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
    _check_one_at_a_time(threshold)

    def sweep(states, clamped):
        return _visit_at_random(field, states, random_state, threshold, clamped)

    return settle(sweep, states, n_steps=n_steps, clamped=clamped, cycles=False, n_kept=n_kept)


def heat_bath(
    field, states, *, n_steps, temperature, random_state, shared=True, threshold=sign, clamped=None, n_kept=0
):
    """Glauber dynamics: each unit in turn is switched on with probability 1 / (1 + exp(-gap / temperature)).

    The gap is the energy that switching it on saves: twice the field of a unit in {-1, +1}, the field of one in {0, 1}.
    Of a `BipartiteField` this is block Gibbs sampling: a layer at a time, given the other.

    Parameters
    ----------
    field : QuadraticLandscape, BipartiteField or DenseLandscape
        In the units of `temperature`.
    states : array of shape (n_samples, n_units)
        Start. Not changed.
    n_steps : int
        Sweeps, >= 0; all of them are made.
    temperature : float
        Greater than 0, in units of energy.
    random_state : RandomState
        Draws orders and noise, on the host.
    shared : bool, default=True
        One order for all sweeps and probes, at the speed of matrix products; otherwise a new one for each.
    threshold : {sign, step}, default=sign
        Says what units are: in {-1, +1}, or with `step` in {0, 1}.
    clamped : bool array of shape (n_samples, n_units), default=None
        Units held fixed.
    n_kept : int, default=0
        Updates of which the states are kept, as `settle` says.

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
    _check_one_at_a_time(threshold)
    xp = arrays.namespace(states)
    place = arrays.placement_of(states)
    n_samples, n_units = states.shape
    # A unit is on when its field exceeds a logistic variate of this scale: that has the probability wanted.
    scale = temperature if threshold is step else temperature / 2

    def noise(*shape):
        return place.asarray(random_state.logistic(scale=scale, size=shape), states.dtype)

    kept = [states] if n_kept else []
    cursor = held = None
    if shared:
        cursor = field.cursor(place.asarray(random_state.permutation(n_units)))
        held = None if clamped is None else cursor.enter(clamped)
        states = cursor.enter(states)
    for made in range(n_steps):
        if shared:
            states = cursor.sweep(states, threshold=threshold, clamped=held, noise=noise(*states.shape))
        else:
            states = _visit_at_random(field, states, random_state, threshold, clamped, noise(n_samples, n_units))
        if made < n_kept:
            kept.append(cursor.leave(states) if shared else states)
    states = cursor.leave(states) if shared else states
    steps = xp.full((n_samples,), n_steps, dtype=xp.int64, device=arrays.device(states))
    story = (states, steps, steps < 0, xp.zeros_like(steps), None)
    return TracedRecall(*story, xp.stack(kept, axis=1)) if kept else Recall(*story)


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

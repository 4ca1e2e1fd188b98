"""Training under masks: some entries of the parameters are 0, and stay it."""

import numpy as np

from skamem.core import arrays

__all__ = ["Masked", "as_masks", "zero_outside"]


def zero_outside(values, masks):
    """Set the entries of named arrays to 0 where their mask is False, in place.

    Parameters
    ----------
    values : dict of str to array
        Changed in place.
    masks : dict of str to bool array
        For some of the names, each of the shape of its array.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.training import zero_outside
    >>> values = {"weights": np.asarray([1.0, np.inf]), "bias": np.ones(1)}
    >>> zero_outside(values, {"weights": np.asarray([True, False])})
    >>> values
    {'weights': array([1., 0.]), 'bias': array([1.])}
    """
    for name, mask in masks.items():
        value = values[name]
        # Not a product: 0 times what has overflowed is no 0.
        value[...] = arrays.namespace(value).where(mask, value, 0.0)


def as_masks(masks, shapes, placement):
    """Masks as training wants them, by the names of its parameters.

    Parameters
    ----------
    masks : dict of str to array-like of bool
        By the names of fitted attributes; those not named are open.
    shapes : dict of str to tuple
        Name of the fitted attribute and its shape.
    placement : Placement
        Where to put them.

    Returns
    -------
    masks : dict of str to bool array

    Raises
    ------
    ValueError
        For a name or a shape that is not there.

    Examples
    --------
    >>> from skamem.core import arrays
    >>> from skamem.training import as_masks
    >>> as_masks({"coef": [1, 0]}, {"coef": (2,), "bias": (1,)}, arrays.placement_of(np.zeros(2)))
    {'coef': array([ True, False])}
    """
    unknown = sorted(set(masks) - set(shapes))
    if unknown:
        raise ValueError(f"masks names {', '.join(map(repr, unknown))}; expected some of {sorted(shapes)}.")
    found = {}
    for name, mask in masks.items():
        mask = arrays.to_numpy(mask) if arrays.is_array(mask) else np.asarray(mask)
        mask = placement.asarray(mask.astype(bool))
        if tuple(mask.shape) != tuple(shapes[name]):
            raise ValueError(f"masks[{name!r}] has shape {tuple(mask.shape)}; expected {tuple(shapes[name])}.")
        found[name] = mask
    return found


class Masked:
    """An optimizer under masks: from epoch `start` on, what is outside them is 0 before and after every step.

    The gradient is masked, and parameters and moments are set to 0 where the masks fall: from there on the optimizer
    does what it would do on a network without these weights.

    Parameters
    ----------
    optimizer : object
        With `parameters`, `begin_epoch`, `step` and `project`, which sets entries outside of masks to 0.
    masks : dict of str to bool array
        By the names of the parameters, for some of them.
    start : int, default=0
        The epoch that begins with the masks, counted from 0; before it they are open.
    on_start : callable, default=None
        Called as they fall, unless they are all open.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.training import Masked, Momentum
    >>> optimizer = Momentum({"w": np.ones((1, 2))}, learning_rate=0.5)
    >>> masked = Masked(optimizer, {"w": np.asarray([[True, False]])}, start=1)
    >>> for epoch in range(2):
    ...     masked.begin_epoch(epoch)
    ...     masked.step({"w": np.ones((1, 2))})
    ...     print(masked.parameters["w"])
    [[0.5 0.5]]
    [[0. 0.]]
    """

    def __init__(self, optimizer, masks, *, start=0, on_start=None):
        self.optimizer, self.masks, self.start, self._on_start = optimizer, masks, start, on_start
        self._fallen = False

    def __getattr__(self, name):
        # Parameters, state, temperature: whatever the optimizer knows besides.
        return getattr(self.optimizer, name)

    def begin_epoch(self, epoch):
        """Let the masks fall at their epoch.

        Parameters
        ----------
        epoch : int
            Its number, counted from 0.
        """
        self.optimizer.begin_epoch(epoch)
        if not self._fallen and epoch >= self.start:
            self._fallen = True
            self.optimizer.project(self.masks)
            closed = any(not bool(arrays.namespace(mask).all(mask)) for mask in self.masks.values())
            if closed and self._on_start is not None:
                self._on_start()

    def step(self, gradients, factor=1.0):
        """Make one update.

        Parameters
        ----------
        gradients : dict of str to array
            Of a loss, by the parameters. The arrays are used up.
        factor : float, default=1.0
            In (0, 1], the schedule's.
        """
        if self._fallen:
            zero_outside(gradients, self.masks)
        self.optimizer.step(gradients, factor)

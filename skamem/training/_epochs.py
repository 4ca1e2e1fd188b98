"""The run over the epochs: callbacks hear of each, `verbose` prints it, and a watch may end it."""

import math
import sys

from sklearn.exceptions import ConvergenceWarning

from skamem.core import arrays
from skamem.core.callbacks import fit_tasks
from skamem.core.warn import warn

__all__ = ["Watch", "run_epochs"]


class Watch:
    """Early stopping: keeps the best parameters and says when they have not improved for a while.

    The loss decides. Of few rows as many are right in many an epoch, and the first in which they happen to be is hardly
    the best; the loss tells these epochs apart.

    Parameters
    ----------
    held : callable
        ``parameters -> (score, loss)`` on the rows held back: what is told, and what decides; the less the better.
    patience : int
        Epochs in which the loss does not fall by more than `tolerance` that end the run.
    tolerance : float
        In units of the loss.

    Attributes
    ----------
    scores, losses : list of float
        One an epoch.
    best : dict of str to array, or None
        Copy of the parameters of least loss; None before the first.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.training import Watch
    >>> def held(parameters):
    ...     off = abs(float(parameters["x"][0]) - 2)
    ...     return float(off < 3), off
    >>> watch = Watch(held, patience=2, tolerance=0.0)
    >>> [watch.update({"x": np.asarray([x])}) for x in (0.0, 2.0, 3.0, 4.0)], watch.best, watch.scores
    ([False, False, False, True], {'x': array([2.])}, [1.0, 1.0, 1.0, 1.0])
    """

    def __init__(self, held, patience, tolerance):
        self._held, self._patience, self._tolerance = held, patience, tolerance
        self.scores, self.losses = [], []
        self.restart()

    def restart(self):
        """Forget the best so far: the parameters have become others than training made them."""
        self._idle, self._least, self.best = 0, math.inf, None

    def update(self, parameters):
        """Judge the parameters after an epoch.

        Parameters
        ----------
        parameters : dict of str to array
            Those of now; copied if they are the best.

        Returns
        -------
        stop : bool
            Whether to stop.
        """
        score, loss = self._held(parameters)
        self._idle = 0 if loss < self._least - self._tolerance else self._idle + 1
        if loss < self._least:
            self._least = loss
            self.best = {name: arrays.copy(value) for name, value in parameters.items()}
        self.scores.append(score)
        self.losses.append(loss)
        return self._idle >= self._patience


def run_epochs(estimator, epochs, trainer, *, attributes, watch=None, X=None, y=None):
    """Run epochs of training.

    Parameters
    ----------
    estimator : estimator
        Whose fit this is: callbacks are its own, and ``verbose``, where it has one, says whether to print the losses.
    epochs : sequence of int
        Their numbers, counted from 0.
    trainer : object
        With ``epoch(number) -> loss``, an array of shape (), and ``parameters``, a dict of str to array.
    attributes : callable
        ``(parameters, losses) -> dict``: fitted attributes of the present state, for callbacks that ask for them.
    watch : Watch, default=None
        Looks at the parameters after every epoch and may stop.
    X, y : array, default=None
        Training data, for callbacks.

    Returns
    -------
    parameters : dict of str to array
        Those at the end, or the best by the watch.
    losses : list of array
        One an epoch run, still on the device: reading one would wait for it.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        When the watch had not stopped at the last epoch.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.training import Momentum, run_epochs
    >>> class Halving:  # the descent on w² / 2 with rate 1/2
    ...     optimizer = Momentum({"w": np.ones(1)}, learning_rate=0.5)
    ...     parameters = optimizer.parameters
    ...
    ...     def epoch(self, number):
    ...         loss = np.sum(self.parameters["w"] ** 2) / 2
    ...         self.optimizer.step({"w": +self.parameters["w"]})
    ...         return loss
    >>> parameters, losses = run_epochs(None, range(3), Halving(), attributes=lambda parameters, losses: {})
    >>> parameters["w"], len(losses)
    (array([0.125]), 3)
    """
    losses, stop = [], False

    def present():
        return attributes(trainer.parameters, losses)

    for epoch in fit_tasks(estimator, epochs, name="epoch", n_tasks=len(epochs), X=X, y=y, attributes=present):
        losses.append(trainer.epoch(epoch))
        stop = watch is not None and watch.update(trainer.parameters)
        if getattr(estimator, "verbose", False):
            score = f", validation score {watch.scores[-1]:.4f}" if watch is not None else ""
            sys.stdout.write(f"Epoch {epoch + 1}: loss {float(losses[-1]):.3e}{score}\n")
        if stop:
            break
    if watch is None:
        return trainer.parameters, losses
    if len(losses) == len(epochs) and not stop:
        warn(
            f"Early stopping did not stop within {len(epochs)} epochs: the validation loss still fell in the last of "
            "them. Raise max_iter, or lower n_iter_no_change.",
            ConvergenceWarning,
        )
    return trainer.parameters if watch.best is None else watch.best, losses

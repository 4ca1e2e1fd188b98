"""Outputs of a network as logarithms of class probabilities."""

from skamem.core import arrays

__all__ = ["log_softmax"]


def log_softmax(outputs):
    """Logarithms of the softmax over the last axis.

    Parameters
    ----------
    outputs : array of shape (n_rows, n_classes)
        Finite; a number added to all of a row changes nothing.

    Returns
    -------
    log_probabilities : array of shape (n_rows, n_classes)
        At most 0, finite where `outputs` are.

    Examples
    --------
    >>> import numpy as np
    >>> from skamem.training import log_softmax
    >>> np.exp(log_softmax(np.asarray([[1000.0, 1000.0]])))
    array([[0.5, 0.5]])
    """
    xp = arrays.namespace(outputs)
    below = outputs - xp.max(outputs, axis=1, keepdims=True)
    return below - xp.log(xp.sum(xp.exp(below), axis=1, keepdims=True))

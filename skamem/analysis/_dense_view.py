"""What analysis asks of a dense memory, or of the network that is one: its model, and its rows checked."""

from sklearn.neural_network import MLPClassifier
from sklearn.utils.validation import check_is_fitted

from skamem.supervised import DenseAMClassifier
from skamem.supervised.dense._duality import HiddenLayerClassifier

__all__ = ["dense_memory"]


def dense_memory(classifier):
    """The fitted dense memory that a classifier is, by the duality if it is a network.

    Parameters
    ----------
    classifier : DenseAMClassifier, MLPClassifier or HiddenLayerClassifier
        Fitted. Networks have one hidden layer.

    Returns
    -------
    memory : DenseAMClassifier
        The classifier itself, or the memory with the same outputs.

    Raises
    ------
    TypeError
        For any other estimator.
    ValueError
        For a network without a dual.
    """
    if isinstance(classifier, MLPClassifier | HiddenLayerClassifier):
        return DenseAMClassifier.from_mlp(classifier)
    if not isinstance(classifier, DenseAMClassifier):
        raise TypeError(
            f"{type(classifier).__name__} has no memories to look into; expected a fitted DenseAMClassifier, or a "
            "network with one hidden layer (MLPClassifier, or what to_mlp returned)."
        )
    check_is_fitted(classifier)
    return classifier

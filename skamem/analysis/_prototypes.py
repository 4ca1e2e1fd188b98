"""From features to prototypes: how many classes a memory votes for, and how many memories decide about a sample.

Krotov and Hopfield (2016), arXiv:1606.01164, Figure 3: at a low degree every memory votes for several classes and many
memories decide together; at a high degree a memory stands for one class, and the best matching one decides alone.
"""

from dataclasses import dataclass

import numpy as np

from skamem.analysis._dense_view import dense_memory
from skamem.core import arrays
from skamem.core.validation import check_number
from skamem.supervised.dense._model import opened

__all__ = ["DecisiveMemories", "MemoryVotes", "decisive_memories", "votes_per_memory"]


@dataclass(frozen=True, eq=False)
class MemoryVotes:
    """Result of `votes_per_memory`.

    Parameters
    ----------
    votes_for : int ndarray of shape (n_memories,)
        Number of classes that a memory votes for.
    votes_against : int ndarray of shape (n_memories,)
        Number of classes that it votes against.
    n_classes : int
        Number of classes.

    Examples
    --------
    >>> from skamem.analysis import MemoryVotes
    >>> votes = MemoryVotes(np.asarray([1, 2, 1]), np.asarray([2, 1, 0]), 3)
    >>> votes.histogram(), round(votes.single_share, 2)
    (array([0, 2, 1, 0]), 0.67)
    """

    votes_for: np.ndarray
    votes_against: np.ndarray
    n_classes: int

    def histogram(self):
        """Number of memories by the number of classes they vote for.

        Returns
        -------
        counts : int ndarray of shape (n_classes + 1,)
            Entry k counts the memories that vote for k classes.
        """
        return np.bincount(self.votes_for, minlength=self.n_classes + 1)

    @property
    def single_share(self):
        """Share of the memories that vote for exactly one class; near 1 for prototypes."""
        return float(np.mean(self.votes_for == 1))

    def to_frame(self):
        """The votes as a pandas DataFrame.

        Returns
        -------
        frame : pandas.DataFrame
            One row a memory, columns ``votes_for`` and ``votes_against``.
        """
        import pandas as pd

        frame = pd.DataFrame({"votes_for": self.votes_for, "votes_against": self.votes_against})
        return frame.rename_axis("memory")


@dataclass(frozen=True, eq=False)
class DecisiveMemories:
    """Result of `decisive_memories`.

    Parameters
    ----------
    counts : int ndarray of shape (n_samples,)
        Number of decisive memories of each sample.
    n_memories : int
        Number of memories.

    Examples
    --------
    >>> from skamem.analysis import DecisiveMemories
    >>> decisive = DecisiveMemories(np.asarray([1, 1, 3, 1]), 4)
    >>> decisive.histogram(), decisive.single_share
    (array([0, 3, 0, 1, 0]), 0.75)
    """

    counts: np.ndarray
    n_memories: int

    def histogram(self):
        """Number of samples by the number of memories that decide about them.

        Returns
        -------
        counts : int ndarray of shape (n_memories + 1,)
            Entry k counts the samples with k decisive memories.
        """
        return np.bincount(self.counts, minlength=self.n_memories + 1)

    @property
    def single_share(self):
        """Share of the samples about which a single memory decides; near 1 for prototypes."""
        return float(np.mean(self.counts == 1))

    def to_frame(self):
        """The counts as a pandas DataFrame.

        Returns
        -------
        frame : pandas.DataFrame
            One row a sample, column ``decisive``.
        """
        import pandas as pd

        return pd.DataFrame({"decisive": self.counts}).rename_axis("sample")


def votes_per_memory(classifier, *, threshold=0.0):
    """For how many classes each memory votes.

    A memory votes for the classes whose recognition unit is on, and against those whose unit is as clearly off: units
    beyond `threshold` times the largest of the memory in magnitude. The first histogram of Figure 3 of [1]_.

    Parameters
    ----------
    classifier : DenseAMClassifier, or network with one hidden layer
        Fitted; networks are `sklearn.neural_network.MLPClassifier` and what `to_mlp` returned.
    threshold : float in [0, 1), default=0.0
        Share of the largest magnitude that counts as a vote. With 0, every positive unit is one.

    Returns
    -------
    votes : MemoryVotes
        With ``votes_for``, ``votes_against``, ``histogram()``, ``single_share`` and ``to_frame()``.

    Raises
    ------
    TypeError
        For other estimators.
    ValueError
        When `threshold` is out of range.

    Notes
    -----
    Memories whose recognition units are all 0 vote for nothing. Of a network, the intercepts of the outputs are one
    memory more, the last. Cost O(n_memories n_classes).

    References
    ----------
    .. [1] Krotov and Hopfield (2016), Dense Associative Memory for Pattern Recognition, arXiv:1606.01164.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skamem import DenseAMClassifier
    >>> from skamem.analysis import votes_per_memory
    >>> X, y = load_iris(return_X_y=True)
    >>> votes = votes_per_memory(DenseAMClassifier(20, max_iter=50, random_state=0).fit(X, y))
    >>> votes.histogram().shape, int(votes.histogram().sum())
    ((4,), 20)
    """
    check_number("threshold", threshold, low=0, high=1, high_open=True)
    recognition = arrays.to_numpy(dense_memory(classifier).recognition_)
    bar = threshold * np.max(np.abs(recognition), axis=1, keepdims=True)
    votes_for, votes_against = np.sum(recognition > bar, axis=1), np.sum(recognition < -bar, axis=1)
    return MemoryVotes(votes_for, votes_against, recognition.shape[1])


def decisive_memories(classifier, X, *, share=0.9):
    """How many memories decide about each sample.

    Counted are those whose contribution to the potential of the predicted class is at least `share` of the largest
    contribution: the second histogram of Figure 3 of [1]_.

    Parameters
    ----------
    classifier : DenseAMClassifier, or network with one hidden layer
        Fitted; networks are `sklearn.neural_network.MLPClassifier` and what `to_mlp` returned.
    X : array-like of shape (n_samples, n_features)
        Samples.
    share : float in (0, 1], default=0.9
        A memory decides with this share of the largest contribution or more.

    Returns
    -------
    decisive : DecisiveMemories
        With ``counts``, ``histogram()``, ``single_share`` and ``to_frame()``.

    Raises
    ------
    TypeError
        For other estimators.
    ValueError
        When `share` is out of range, or `X` does not fit.

    Notes
    -----
    A contribution is the memory's term of Φ: F(z + 2U/T) - F(z) for ``readout="exact"``, (2/T) F'(z) U for "linear".
    Samples for which no term is positive have no decisive memory. Cost of a `predict`, in blocks within scikit-learn's
    ``working_memory``.

    References
    ----------
    .. [1] Krotov and Hopfield (2016), Dense Associative Memory for Pattern Recognition, arXiv:1606.01164.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skamem import DenseAMClassifier
    >>> from skamem.analysis import decisive_memories
    >>> X, y = load_iris(return_X_y=True)
    >>> decisive = decisive_memories(DenseAMClassifier(20, degree=20, max_iter=50, random_state=0).fit(X, y), X)
    >>> int(decisive.histogram().sum()), decisive.single_share > 0.5
    (150, True)
    """
    check_number("share", share, low=0, high=1, low_open=True)
    memory = dense_memory(classifier)
    with arrays.device_scope():
        model, X = opened(memory, X)
        counts = _decisive_counts(model, X, share)
    return DecisiveMemories(counts, memory.memories_.shape[0])


def _decisive_counts(model, X, share):
    xp, parts = model.placement.xp, []
    for rows in model.blocks(X.shape[0], features=6, overlaps=8):
        overlaps = model.overlaps(X[rows, :])
        winners = xp.argmax(model.potentials(overlaps), axis=1)
        contributions = model.contributions(overlaps, winners)
        bar = share * xp.max(contributions, axis=1, keepdims=True)
        decides = (contributions >= bar) & (contributions > 0)
        parts.append(arrays.to_numpy(xp.sum(xp.astype(decides, xp.int64), axis=1)))
    return np.concatenate(parts)

"""Choosing a memory: scored on what it is for, recall of what it stored from spoiled cues.

Cross-validated accuracy on unseen clean patterns selects the identity map. The question to a memory is another one: are
the *stored* patterns recalled from *corrupted* cues? `StoredPatternsSplit` trains and tests on all patterns,
`make_denoising_scorer` corrupts the cues.
"""

import numbers

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array, check_random_state

from skamem.core import arrays, validation
from skamem.core.coding import perfect_recall
from skamem.core.columns import unmasked
from skamem.datasets import corrupt
from skamem.datasets._patterns import CORRUPTIONS
from skamem.metrics import exact_recall_score, overlap_score, unit_accuracy

__all__ = [
    "DenoisingScorer",
    "StoredPatternsSplit",
    "exact_recall_score",
    "make_denoising_scorer",
    "overlap_score",
    "unit_accuracy",
]

_METRICS = {"exact": exact_recall_score, "overlap": overlap_score, "units": unit_accuracy}


class StoredPatternsSplit:
    """A splitter whose training set and test set are all patterns: a memory is asked for what it stored.

    Use it with `make_denoising_scorer`, which corrupts the cues; with a plain score it would reward the identity map.

    Parameters
    ----------
    n_repeats : int, default=1
        Number of equal splits, >= 1; the scorer draws other corruptions for each if its `random_state` is not an int.

    Examples
    --------
    >>> from skamem.model_selection import StoredPatternsSplit
    >>> [(train.tolist(), test.tolist()) for train, test in StoredPatternsSplit().split([[1], [2], [3]])]
    [([0, 1, 2], [0, 1, 2])]
    """

    def __init__(self, n_repeats=1):
        self.n_repeats = n_repeats

    def get_n_splits(self, X=None, y=None, groups=None):
        """Number of splits.

        Parameters
        ----------
        X, y, groups : object, default=None
            Ignored.

        Returns
        -------
        n_splits : int
        """
        return validation.check_number("n_repeats", self.n_repeats, kind=numbers.Integral, low=1)

    def split(self, X, y=None, groups=None):
        """Yield the indices of all rows as training set and as test set.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Patterns.
        y, groups : object, default=None
            Ignored.

        Yields
        ------
        train, test : ndarray of shape (n_samples,)
        """
        n_samples = arrays.shape_of(X)[0]
        for _ in range(self.get_n_splits()):
            yield np.arange(n_samples), np.arange(n_samples)


class DenoisingScorer:
    """Scorer ``(estimator, X, y) -> float``: corrupt `X`, recall, compare with the stored patterns.

    Made by `make_denoising_scorer`, which checks the parameters.

    Parameters
    ----------
    corruption : str or callable, default="flip"
        How patterns become cues.
    rate : float, default=0.2
        How much of a pattern is spoiled.
    metric : str or callable, default="exact"
        What is scored.
    n_repeats : int, default=1
        Corruptions drawn and averaged.
    random_state : int, RandomState instance or None, default=0
        Draws the corruptions.

    Examples
    --------
    >>> from skamem import HebbianMemory
    >>> from skamem.datasets import make_patterns
    >>> from skamem.model_selection import make_denoising_scorer
    >>> patterns = make_patterns(5, 100, random_state=0)
    >>> make_denoising_scorer("flip", 0.1)(HebbianMemory(zero_diagonal=True).fit(patterns), patterns)
    1.0
    """

    def __init__(self, corruption="flip", rate=0.2, *, metric="exact", n_repeats=1, random_state=0):
        self.corruption = corruption
        self.rate = rate
        self.metric = metric
        self.n_repeats = n_repeats
        self.random_state = random_state

    def __call__(self, estimator, X, y=None):
        """Score a fitted memory.

        Parameters
        ----------
        estimator : object
            Anything with `predict`: a memory, a pipeline that ends in one.
        X : array-like of shape (n_patterns, n_units)
            Stored patterns.
        y : array-like of shape (n_patterns, n_outputs), default=None
            Associated patterns of a heteroassociative memory; ignored otherwise, when the truth is `X` itself.

        Returns
        -------
        score : float
            Larger is better.
        """
        X = check_array(unmasked(X), accept_sparse="csr")
        X = X.toarray() if hasattr(X, "toarray") else X
        rng = check_random_state(self.random_state)
        metric = self.metric if callable(self.metric) else _METRICS[self.metric]
        memory = estimator[-1] if isinstance(estimator, Pipeline) else estimator
        truth = perfect_recall(estimator, X, y if getattr(memory, "target", "self") == "y" else None)
        total = 0.0
        for _ in range(self.n_repeats):
            recalled = estimator.predict(corrupt(X, self.corruption, self.rate, random_state=rng))
            total += metric(truth, recalled)
        return total / self.n_repeats

    def __repr__(self):
        return (
            f"make_denoising_scorer({self.corruption!r}, {self.rate!r}, metric={self.metric!r}, "
            f"n_repeats={self.n_repeats!r}, random_state={self.random_state!r})"
        )


def make_denoising_scorer(corruption="flip", rate=0.2, *, metric="exact", n_repeats=1, random_state=0):
    """Scorer that asks a memory for its stored patterns from corrupted cues.

    Parameters
    ----------
    corruption : {"flip", "mask", "occlude", "erase", "gaussian"} or callable, default="flip"
        How patterns become cues; see `skamem.datasets.corrupt`.
    rate : float, default=0.2
        How much of a pattern is spoiled, in [0, 1].
    metric : {"exact", "overlap", "units"} or callable, default="exact"
        What is scored: the fraction of patterns recalled exactly, the mean overlap, the fraction of units right, or
        ``metric(patterns, recalled) -> float``. Real-valued memories recall nothing exactly: give them a metric such as
        `sklearn.metrics.r2_score`.
    n_repeats : int, default=1
        Corruptions drawn and averaged, >= 1.
    random_state : int, RandomState instance or None, default=0
        Draws the corruptions. With an int every candidate of a search sees the same cues.

    Returns
    -------
    scorer : DenoisingScorer
        For the ``scoring`` parameter of scikit-learn's searches and cross-validation, with
        ``cv=StoredPatternsSplit()``.

    Raises
    ------
    ValueError
        For unknown names or numbers out of range.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skamem import HebbianMemory
    >>> from skamem.datasets import make_patterns
    >>> from skamem.model_selection import StoredPatternsSplit, make_denoising_scorer
    >>> search = GridSearchCV(
    ...     HebbianMemory(),
    ...     {"zero_diagonal": [True, False], "n_recall_steps": [1, 100]},
    ...     scoring=make_denoising_scorer("flip", 0.2),
    ...     cv=StoredPatternsSplit(),
    ... )
    >>> search.fit(make_patterns(12, 100, random_state=0)).best_params_
    {'n_recall_steps': 100, 'zero_diagonal': True}
    """
    if not callable(corruption):
        validation.check_option("corruption", corruption, tuple(CORRUPTIONS))
    if not callable(metric):
        validation.check_option("metric", metric, tuple(_METRICS))
    validation.check_number("rate", rate, low=0.0, high=None if corruption == "gaussian" else 1.0)
    validation.check_number("n_repeats", n_repeats, kind=numbers.Integral, low=1)
    return DenoisingScorer(corruption, rate, metric=metric, n_repeats=n_repeats, random_state=random_state)

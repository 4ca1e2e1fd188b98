"""Adversarial samples: small changes of the input, found by the exact gradient, that make a dense memory err."""

import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d

from skamem.analysis._balls import BALLS
from skamem.analysis._dense_view import dense_memory
from skamem.analysis._intervals import wilson_interval
from skamem.core import arrays
from skamem.core.validation import check_number, check_option, check_sequence
from skamem.supervised.dense._model import DenseModel, opened

__all__ = ["AdversarialSamples", "attack"]

_ENOUGH = 2.5  # steps of 2.5 eps / n_steps can cross the ball, as Madry et al. choose them


@dataclass(frozen=True, eq=False)
class AdversarialSamples:
    """Result of `attack`.

    Parameters
    ----------
    samples : array of shape (n_samples, n_features)
        The changed samples, where `X` was and of its floating type.
    predictions : array of shape (n_samples,)
        What the classifier says to them.
    correct : bool ndarray of shape (n_samples,)
        Whether it was right before.
    fooled : bool ndarray of shape (n_samples,)
        Whether it is wrong now; true for every sample that it had wrong before.
    distances : ndarray of shape (n_samples,)
        Size of the changes in `norm`, in units of the features.
    norm : {"linf", "l2"}
        Norm of the attack.
    eps : float
        Largest change allowed.

    Examples
    --------
    >>> from skamem.analysis import AdversarialSamples
    >>> right, wrong = np.asarray([True, True, True, False]), np.asarray([False, True, False, True])
    >>> found = AdversarialSamples(np.zeros((4, 2)), np.zeros(4), right, wrong, np.full(4, 0.1), "linf", 0.1)
    >>> found.clean_error, found.error
    (0.25, 0.5)
    >>> [round(float(end), 3) for end in found.error_interval()]
    [0.15, 0.85]
    """

    samples: Any
    predictions: Any
    correct: np.ndarray
    fooled: np.ndarray
    distances: np.ndarray
    norm: str
    eps: float

    @property
    def clean_error(self):
        """Share of the samples that the classifier had wrong before the attack."""
        return float(1 - np.mean(self.correct))

    @property
    def error(self):
        """Share of the samples that it has wrong after the attack, those it had wrong before included."""
        return float(np.mean(self.fooled))

    @property
    def success(self):
        """Bool ndarray of shape (n_samples,): right before the attack, wrong after it."""
        return self.correct & self.fooled

    def error_interval(self, confidence=0.95):
        """Wilson's confidence interval of `error`.

        Parameters
        ----------
        confidence : float in (0, 1), default=0.95
            Coverage.

        Returns
        -------
        low, high : float
            The ends.
        """
        return wilson_interval(int(np.sum(self.fooled)), len(self.fooled), confidence)

    def to_frame(self):
        """The outcome as a pandas DataFrame, without the samples themselves.

        Returns
        -------
        frame : pandas.DataFrame
            One row a sample, columns ``prediction``, ``correct``, ``fooled``, ``distance``.
        """
        import pandas as pd

        columns = {
            "prediction": arrays.to_numpy(self.predictions),
            "correct": self.correct,
            "fooled": self.fooled,
            "distance": self.distances,
        }
        return pd.DataFrame(columns).rename_axis("sample")


def attack(
    classifier,
    X,
    y,
    *,
    eps,
    norm="linf",
    method="pgd",
    loss="margin",
    n_steps=10,
    step_size="auto",
    n_restarts=1,
    clip=None,
    random_state=None,
):
    """Adversarial samples within a ball around each sample, by the exact gradient of the loss.

    Parameters
    ----------
    classifier : DenseAMClassifier, or network with one hidden layer
        Fitted; networks are `sklearn.neural_network.MLPClassifier` and what `to_mlp` returned.
    X : array-like of shape (n_samples, n_features)
        Samples.
    y : array-like of shape (n_samples,)
        Their true labels.
    eps : float >= 0
        Radius of the ball, in units of the features.
    norm : {"linf", "l2"}, default="linf"
        "linf" bounds the change of every feature, "l2" the length of the change.
    method : {"pgd", "fgsm"}, default="pgd"
        "pgd" takes `n_steps` steps uphill, each followed by a projection to the ball [1]_; "fgsm" is one step of
        length `eps` [2]_.
    loss : {"margin", "power"}, default="margin"
        What climbs. "margin" is the potential of the strongest other class less that of the true one. "power" is the
        loss of the training, abs(c - t)^2m; its gradient vanishes where class units are saturated, so that a memory may
        look more robust than it is.
    n_steps : int, default=10
        Steps of "pgd", >= 1.
    step_size : "auto" or float > 0, default="auto"
        Length of a step of "pgd" in `norm`; "auto" is 2.5 eps / n_steps, but `eps` at most.
    n_restarts : int, default=1
        Runs of "pgd", >= 1: the first from the sample itself, later ones from random points of the ball, for samples
        that resisted so far.
    clip : None or pair (low, high), default=None
        Bounds of valid features, (0, 1) for pixels; `X` must be within.
    random_state : int, RandomState instance or None, default=None
        Draws the random points.

    Returns
    -------
    found : AdversarialSamples
        With ``samples``, ``predictions``, ``correct``, ``fooled``, ``distances``, ``error``, ``error_interval()`` and
        ``to_frame()``. Every sample is the point of the largest margin that was visited, the start included.

    Raises
    ------
    TypeError
        For estimators without a known gradient.
    ValueError
        For parameters out of range, unknown labels, or samples outside `clip`.

    Notes
    -----
    An error under attack is a lower bound of the worst case. Whether it is a good one shows in more steps, other step
    sizes and more restarts: if they raise the error much, the gradient was masked. Transfer of samples from other
    classifiers is another check; see `transfer_table`.

    Cost: two matrix products of 2 n_samples n_memories n_features operations for each step and restart, in blocks
    within scikit-learn's ``working_memory``.

    References
    ----------
    .. [1] Madry et al. (2018), Towards Deep Learning Models Resistant to Adversarial Attacks, arXiv:1706.06083.
    .. [2] Goodfellow, Shlens and Szegedy (2015), Explaining and Harnessing Adversarial Examples, arXiv:1412.6572.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skamem import DenseAMClassifier
    >>> from skamem.analysis import attack
    >>> X, y = load_digits(return_X_y=True)
    >>> X = X / 16
    >>> memory = DenseAMClassifier(50, max_iter=20, random_state=0).fit(X[:1000], y[:1000])
    >>> found = attack(memory, X[1000:1200], y[1000:1200], eps=0.1, clip=(0, 1))
    >>> found.clean_error < found.error
    True
    """
    _check_options(eps, norm, method, loss, n_steps, step_size, n_restarts)
    if method == "fgsm":
        n_steps, step_size, n_restarts = 1, eps, 1
    elif step_size == "auto":
        step_size = min(float(eps), _ENOUGH * eps / n_steps)
    memory = dense_memory(classifier)
    with arrays.device_scope():
        model, X = opened(memory, X)
        placement = model.placement
        codes = _known_codes(y, X, memory.classes_)
        ball = BALLS[norm](float(eps), _checked_clip(clip, X))
        ascent = _Ascent(model, ball, loss, n_steps, float(step_size))
        samples = _attacked(ascent, placement.asarray(X), codes, n_restarts, check_random_state(random_state))
        before, after = (placement.xp.argmax(model.outputs(Z), axis=1) for Z in (X, samples))
        distances = arrays.to_numpy(ball.length(samples - placement.asarray(X)))
        predictions = arrays.take_labels(memory.classes_, placement.give(after))
        correct, fooled = arrays.to_numpy(before) == codes, arrays.to_numpy(after) != codes
        return AdversarialSamples(placement.give(samples), predictions, correct, fooled, distances, norm, float(eps))


def _check_options(eps, norm, method, loss, n_steps, step_size, n_restarts):
    check_number("eps", eps, low=0, high=float("inf"), high_open=True)
    check_option("norm", norm, BALLS)
    check_option("method", method, ("pgd", "fgsm"))
    check_option("loss", loss, ("margin", "power"))
    for name, value in (("n_steps", n_steps), ("n_restarts", n_restarts)):
        check_number(name, value, kind=numbers.Integral, low=1)
    if isinstance(step_size, str):
        check_option("step_size", step_size, ("auto",))
    else:
        check_number("step_size", step_size, low=0, low_open=True)


def _known_codes(y, X, classes):
    """Class indices of the labels, on the host."""
    y = column_or_1d(arrays.to_numpy(y) if arrays.is_array(y) else y)
    check_consistent_length(X, y)
    unknown = np.setdiff1d(y, classes)
    if unknown.size:
        raise ValueError(f"y has labels {unknown[:5].tolist()}; expected those of fit, {classes.tolist()}.")
    return np.searchsorted(classes, y)


def _checked_clip(clip, X):
    if clip is None:
        return None
    ends = check_sequence("clip", clip, "a pair (low, high), or None", length=2)
    low, high = (float(check_number("clip", end)) for end in ends)
    xp = arrays.namespace(X)
    least, greatest = float(xp.min(X)), float(xp.max(X))
    if not low <= least <= greatest <= high:
        raise ValueError(
            f"X has values from {least:g} to {greatest:g}, but clip=({low:g}, {high:g}); scale X, or widen clip."
        )
    return low, high


def _attacked(ascent, X, codes, n_restarts, random_state):
    """The strongest samples found, block by block; each restart draws its own numbers, in the order of the rows."""
    xp, place = arrays.namespace(X), ascent.model.placement
    seeds = random_state.randint(np.iinfo(np.int32).max, size=n_restarts)
    draws = [np.random.RandomState(seed) for seed in seeds]
    parts = []
    for rows in ascent.model.blocks(X.shape[0], features=6, overlaps=8):
        block, labels = X[rows, :], place.asarray(codes[rows])
        samples, margins = ascent.climb(block, block, labels)
        for draw in draws[1:]:
            index = np.flatnonzero(arrays.to_numpy(margins) <= 0)
            if not index.size:
                break
            resisting = place.asarray(index)
            centre, best, best_margins, true = (
                xp.take(values, resisting, axis=0) for values in (block, samples, margins, labels)
            )
            start = ascent.ball.random_points(centre, draw)
            found = ascent.climb(centre, start, true, best, best_margins)
            samples, margins = (_replaced(*pair, index) for pair in zip((samples, margins), found, strict=True))
        parts.append(samples)
    return parts[0] if len(parts) == 1 else xp.concat(parts, axis=0)


def _replaced(old, new, index):
    """`old` with the entries `index` (on the host) replaced by those of `new`."""
    xp, place = arrays.namespace(old), arrays.placement_of(old)
    order = np.arange(old.shape[0])
    order[index] = old.shape[0] + np.arange(len(index))
    return xp.take(xp.concat([old, new], axis=0), place.asarray(order), axis=0)


@dataclass(frozen=True)
class _Ascent:
    """Projected steps uphill.

    Parameters
    ----------
    model : DenseModel
        The memory.
    ball : LInfBall or L2Ball
        Where samples may go.
    loss : {"margin", "power"}
        What climbs.
    n_steps : int
        Steps.
    step_size : float
        Length of a step.
    """

    model: DenseModel
    ball: Any
    loss: str
    n_steps: int
    step_size: float

    def climb(self, centre, start, codes, best=None, best_margins=None):
        """Points of the largest margin on the way from `start`, or `best` where they are not surpassed; the margins."""
        xp, points = arrays.namespace(centre), start
        for step in range(self.n_steps + 1):
            overlaps, margins, rivals = self._look(points, codes)
            if best is None:
                best, best_margins = points, margins
            better = margins > best_margins
            best, best_margins = xp.where(better[:, None], points, best), xp.where(better, margins, best_margins)
            if step < self.n_steps:
                direction = self.ball.direction(self._gradient(overlaps, rivals, codes))
                moved = points + self.step_size * xp.astype(direction, points.dtype)
                points = self.ball.projection(moved, centre)
        return best, best_margins

    def _look(self, points, codes):
        overlaps = self.model.overlaps(points)
        return overlaps, *self.model.margins(self.model.potentials(overlaps), codes)

    def _gradient(self, overlaps, rivals, codes):
        if self.loss == "power":
            return self.model.loss_gradient(overlaps, codes)
        return self.model.margin_gradient(overlaps, rivals, codes)

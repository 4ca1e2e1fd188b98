"""scikit-learn's multilayer perceptrons under masks, trained through their public methods alone.

A weight that is 0 before and after every update takes part in no forward pass: so to set the masked weights to 0 after
each batch is to train the network without them. `partial_fit` makes one update when it is given one batch; what `fit`
does around the updates (shuffles, the clock of the learning rate, early stopping) is done here as `fit` does it, with
the same random numbers, so that with open masks the networks are the same to the last bit.
"""

import sys
import warnings

import numpy as np
from scipy import special
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import gen_batches, shuffle
from sklearn.utils.multiclass import unique_labels

from skamem.core.rows import row_blocks

__all__ = ["batch_size_of", "check_trainable", "spreads_and_slopes", "train_masked"]

# Activation, and its slope where it has a given value.
_ACTIVATIONS = {
    "identity": (lambda sums: sums, np.ones_like),
    "logistic": (special.expit, lambda values: values * (1 - values)),
    "tanh": (np.tanh, lambda values: 1 - values**2),
    "relu": (lambda sums: np.maximum(sums, 0), lambda values: (values > 0).astype(values.dtype)),
}

_NO_RATE = 1e-300  # an update that rounding leaves nothing of


def check_trainable(estimator):
    """Raise for settings whose training cannot be repeated under masks."""
    if estimator.solver == "lbfgs":
        raise ValueError(
            f"{type(estimator).__name__}(solver='lbfgs') has no updates between which its weights could be held at 0; "
            "expected solver='adam' or 'sgd'."
        )
    if estimator.solver == "sgd" and estimator.learning_rate == "adaptive":
        raise ValueError(
            f"{type(estimator).__name__}(learning_rate='adaptive') lowers its rate by what it keeps to itself; "
            "expected learning_rate='constant' or 'invscaling', or solver='adam'."
        )


def spreads_and_slopes(network, X, sample_weight):
    """How hidden units vary over rows, and how steep they are there.

    Parameters
    ----------
    network : MLPClassifier or MLPRegressor
        Fitted.
    X : ndarray or csr matrix of shape (n_samples, n_features)
    sample_weight : ndarray of shape (n_samples,) or None

    Returns
    -------
    spreads : list of ndarray of shape (n_units,)
        For each hidden layer the standard deviations of its units.
    slopes : list of ndarray of shape (n_units,)
        For each hidden layer the mean squares of the slopes of its units.
    """
    weights = np.ones(X.shape[0]) if sample_weight is None else sample_weight
    activation, slope_at = _ACTIVATIONS[network.activation]
    sizes = [len(biases) for biases in network.intercepts_[:-1]]
    sums, first = [np.zeros((3, size)) for size in sizes], []
    values = X[:1]
    for coefs, biases in zip(network.coefs_[:-1], network.intercepts_[:-1], strict=True):
        values = activation(values @ coefs + biases)
        first.append(values)  # squares of what is near them do not cancel
    for rows in row_blocks(X.shape[0], 8 * 4 * max(sizes, default=1), at_most=1024):
        values, share = X[rows], weights[rows] / weights.sum()
        for total, near, coefs, biases in zip(sums, first, network.coefs_, network.intercepts_, strict=False):
            values = activation(values @ coefs + biases)
            total += [share @ (values - near), share @ (values - near) ** 2, share @ slope_at(values) ** 2]
    spreads = [np.sqrt(np.maximum(square - mean**2, 0.0)) for mean, square, _ in sums]
    return spreads, [steepness for *_, steepness in sums]


def batch_size_of(estimator, n_rows):
    """Rows of a batch."""
    return min(200, n_rows) if estimator.batch_size == "auto" else int(np.clip(estimator.batch_size, 1, n_rows))


def train_masked(estimator, X, y, sample_weight, masks, start, weights_of=None, alpha=None):
    """Train a network as `fit` does, under masks.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Not fitted, its ``random_state`` an int.
    X : ndarray or csr matrix of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,) or None
    masks : list of bool ndarray
        Of the shapes of ``coefs_``.
    start : int
        The epoch, counted from 0, that begins with the masks.
    weights_of : MLPClassifier or MLPRegressor, default=None
        Fitted; training begins with its weights. None: with those that are drawn.
    alpha : float, default=None
        Strength of the penalty while it trains; None is the estimator's.

    Returns
    -------
    fitted : MLPClassifier or MLPRegressor
    """
    stream = np.random.RandomState(estimator.random_state)
    run = _Run(estimator, X, y, sample_weight, masks, stream)
    if weights_of is not None:
        run.go_on_from(weights_of)
    if alpha is not None:
        run.network.set_params(alpha=alpha)
    train, held = _held_back(estimator, y, stream)
    order, n_rows = train, len(train)
    batch_size = batch_size_of(estimator, n_rows)
    watch = _Watch(estimator)
    for epoch in range(estimator.max_iter):
        if epoch == start:
            run.masks_fall()
            if not all(mask.all() for mask in masks):
                watch.restart()
        if estimator.shuffle:
            order = shuffle(order, random_state=stream)
        total = 0.0
        for batch in gen_batches(n_rows, batch_size):
            last = batch.stop == n_rows
            rows = order[batch]
            # The clock of the learning rate moves with the epochs.
            total += run.update(rows, (epoch + last) * n_rows) * len(rows)
        watch.losses.append(total / n_rows)
        if held is not None:
            watch.scores.append(run.score(held))
        if watch.says_stop(run.network):
            break
    return run.finished(watch, n_rows)


def _held_back(estimator, y, stream):
    """Rows that train, and rows held back for early stopping or None."""
    rows = np.arange(len(y))
    if not estimator.early_stopping:
        return rows, None
    binary = is_classifier(estimator) and y.ndim == 1 and len(unique_labels(y)) == 2
    return train_test_split(
        rows, random_state=stream, test_size=estimator.validation_fraction, stratify=y if binary else None
    )


class _Run:
    """A network under way: one update at a time."""

    def __init__(self, estimator, X, y, sample_weight, masks, stream):
        self._estimator, self._X, self._y, self._sample_weight, self._masks = estimator, X, y, sample_weight, masks
        self._fallen, self._begun = False, False
        self.network = clone(estimator).set_params(
            random_state=stream, shuffle=False, early_stopping=False, n_iter_no_change=sys.maxsize, max_iter=1,
            batch_size=1, verbose=False, warm_start=False, learning_rate_init=_NO_RATE,
        )  # fmt: skip
        # An update without a rate leaves the first weights, and the stream where `fit` has it after drawing them.
        first = {"classes": unique_labels(y)} if is_classifier(estimator) else {}
        self.network.partial_fit(X[:1], y[:1], **first)
        self.network.set_params(learning_rate_init=estimator.learning_rate_init)
        self.network.loss_curve_ = []

    def go_on_from(self, fitted):
        """Take the weights of a fitted network."""
        self.network.coefs_ = [weights.copy() for weights in fitted.coefs_]
        self.network.intercepts_ = [biases.copy() for biases in fitted.intercepts_]

    def masks_fall(self):
        """Hold weights at 0 from now on."""
        self._fallen = True
        self._hold()

    def _hold(self):
        for weights, mask in zip(self.network.coefs_, self._masks, strict=True):
            weights[~mask] = 0.0

    def update(self, rows, clock):
        """Make one update with these rows; return their loss."""
        network = self.network
        X, y, weighted = self._X[rows], self._y[rows], {}
        if self._sample_weight is not None:
            weighted = {"sample_weight": self._sample_weight[rows]}
        if self._begun:
            network.set_params(batch_size=len(rows))
            network.t_ = clock - len(rows)
            network.partial_fit(X, y, **weighted)
        else:
            self._first_update(rows, clock, weighted)
        if self._fallen:
            self._hold()
        return network.loss_

    def _first_update(self, rows, clock, weighted):
        """The first update by `fit`, which makes an optimizer with the rate wanted and goes on from the weights."""
        if is_classifier(self.network) and self._y.ndim == 1:
            # It asks for all classes: rows without weight stand for those that are not there.
            labels, index = np.unique(self._y, return_index=True)
            absent = index[~np.isin(labels, self._y[rows])]
            if len(absent):
                given = weighted.get("sample_weight", np.ones(len(rows)))
                weighted = {"sample_weight": np.concatenate([given, np.zeros(len(absent))])}
                rows = np.concatenate([rows, absent])
        self.network.set_params(warm_start=True, batch_size=len(rows))
        self.network.t_ = clock - len(rows)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # one update is no training
            self.network.fit(self._X[rows], self._y[rows], **weighted)
        self.network.set_params(warm_start=False)
        self._begun = True

    def score(self, rows):
        """Score on rows held back."""
        weights = None if self._sample_weight is None else self._sample_weight[rows]
        return self.network.score(self._X[rows], self._y[rows], sample_weight=weights)

    def finished(self, watch, n_rows):
        """The network, as `fit` would have left it."""
        network, names = self.network, self._estimator.get_params(deep=False)
        network.set_params(**names)
        network.n_iter_, network.t_ = len(watch.losses), len(watch.losses) * n_rows
        network.loss_, network.loss_curve_ = watch.losses[-1], watch.losses
        network.best_loss_ = None if self._estimator.early_stopping else watch.best_loss
        if self._estimator.early_stopping:
            network.coefs_, network.intercepts_ = watch.best
            network.validation_scores_, network.best_validation_score_ = watch.scores, watch.best_score
        return network


class _Watch:
    """When to stop, by the rules of `fit`."""

    def __init__(self, estimator):
        self._by_score = estimator.early_stopping
        self._tolerance, self._patience = estimator.tol, estimator.n_iter_no_change
        self.losses, self.scores = [], []
        self.restart()

    def restart(self):
        """Forget what was best: the weights have become others."""
        self._idle, self.best_loss, self.best_score, self.best = 0, np.inf, -np.inf, None

    def says_stop(self, network):
        """Whether the last epochs brought nothing; remembers the best weights."""
        if self._by_score:
            self._count(self.scores[-1] < self.best_score + self._tolerance)
            if self.scores[-1] > self.best_score or self.best is None:
                self.best_score = max(self.scores[-1], self.best_score)
                self.best = [w.copy() for w in network.coefs_], [b.copy() for b in network.intercepts_]
        else:
            self._count(self.losses[-1] > self.best_loss - self._tolerance)
            self.best_loss = min(self.losses[-1], self.best_loss)
        return self._idle > self._patience

    def _count(self, idle):
        self._idle = self._idle + 1 if idle else 0

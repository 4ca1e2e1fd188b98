"""The families of estimators that can be pruned, and which of them an estimator belongs to."""

import numpy as np
import scipy.sparse
from sklearn.base import clone
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skamem.core import arrays
from skamem.core.validation import type_of
from skamem.supervised.dense._classifier import DenseAMClassifier
from skamem.supervised.dense._regressor import DenseAMRegressor
from skamem.supervised.layerwise._classifier import LayerwiseClassifier
from skamem.supervised.layerwise._regressor import LayerwiseRegressor
from skamem.supervised.pruning._family import Family, epochs_before
from skamem.supervised.pruning._mlp import check_trainable, train_masked

__all__ = ["FAMILIES", "check_prunable", "family_of"]

# Packages of scikit-learn none of whose estimators has coef_.
_WITHOUT_COEF = (
    "sklearn.cluster", "sklearn.compose", "sklearn.dummy", "sklearn.ensemble", "sklearn.gaussian_process",
    "sklearn.isotonic", "sklearn.kernel_ridge", "sklearn.mixture", "sklearn.naive_bayes", "sklearn.neighbors",
    "sklearn.neural_network", "sklearn.tree",
)  # fmt: skip


class DenseMemories(Family):
    """`DenseAMClassifier` and `DenseAMRegressor`: visible units, and the class or output units."""

    def magnitudes(self, fitted):
        """Sizes of the weights."""
        # Overlaps are of the features as the user gave them.
        visible = np.abs(arrays.to_numpy(fitted.memories_)) * self.spreads
        return {"memories_": visible, "recognition_": np.abs(arrays.to_numpy(fitted.recognition_))}

    def retrain(self, plain, masks, rewind_to):
        """The memories, trained again under masks."""
        start = epochs_before(rewind_to, plain.n_iter_)
        return clone(self.estimator).fit_masked(self.X, self.y, masks, start=start, like=plain, **self._weighted())

    def first_layer(self, masks):
        """Which features each memory sees."""
        return masks["memories_"]


class Layers(Family):
    """`LayerwiseRegressor` and `LayerwiseClassifier`: the weights of the stages of units; readouts are fitted anew."""

    def magnitudes(self, fitted):
        """Sizes of the weights."""
        spread_of_features = self.spreads / arrays.to_numpy(fitted.scale_)  # units see scaled features
        found = {}
        for name, weights in self._weights(fitted):
            n_before = weights.shape[0] - len(spread_of_features)
            spreads = np.concatenate([spread_of_features, np.ones(n_before)])  # outputs of stages have unit spread
            found[name] = np.abs(weights) * spreads[:, None]
        return found

    @staticmethod
    def _weights(fitted):
        for number, stage in enumerate(fitted.stages_):
            if "weights" in stage:
                yield f"stages_[{number}]['weights']", arrays.to_numpy(stage["weights"])

    def retrain(self, plain, masks, rewind_to):
        """The stages, drawn and trained again under masks."""
        start = 0 if isinstance(rewind_to, str) else rewind_to
        of_stages = iter(masks.values())
        drawn = [next(of_stages) if kept else None for kept in plain.kept_stages_]
        return clone(self.estimator).fit_masked(self.X, self.y, drawn, start=start, **self._weighted())

    def first_layer(self, masks):
        """Which features each unit of the first stage of units sees."""
        return next(iter(masks.values()))[: self.X.shape[1]].T


class Perceptrons(Family):
    """scikit-learn's `MLPClassifier` and `MLPRegressor`: the weights between all layers."""

    def __init__(self, estimator, X, y, sample_weight=None):
        check_trainable(estimator)
        super().__init__(estimator, X, y, sample_weight)

    def magnitudes(self, fitted):
        """Sizes of the weights."""
        found = {f"coefs_[{number}]": np.abs(weights) for number, weights in enumerate(fitted.coefs_)}
        found["coefs_[0]"] = found["coefs_[0]"] * self.spreads[:, None]
        return found

    def retrain(self, plain, masks, rewind_to):
        """The network, trained again under masks."""
        start = epochs_before(rewind_to, plain.n_iter_)
        y = np.asarray(self.y)
        y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
        return train_masked(self.estimator, self.X, y, self.sample_weight, list(masks.values()), start)

    def first_layer(self, masks):
        """Which features each hidden unit sees."""
        return masks["coefs_[0]"].T


class LinearModels(Family):
    """Whatever has ``coef_``: a feature goes for all outputs at once, and the rest is fitted anew.

    w·(m ∘ x) = (m ∘ w)·x: a linear model without some weights is one that sees zeros in their columns. Outputs that are
    fitted together, such as those of a multinomial logistic regression, see the same columns.
    """

    def magnitudes(self, fitted):
        """Sizes of the coefficients of each feature: the root of their mean square over the outputs."""
        coef = getattr(fitted, "coef_", None)
        n_features = self.X.shape[1]
        if coef is None or arrays.shape_of(coef)[-1:] != (n_features,):
            raise _no_weights(self.estimator)
        self._shape = arrays.shape_of(coef)
        # Times the spread first: coefficients of columns of any unit can then be squared.
        sizes = np.abs(arrays.to_numpy(coef).reshape(-1, n_features).astype(np.float64)) * self.spreads
        largest = sizes.max(axis=0)
        relative = sizes / np.where(largest > 0, largest, 1.0)
        return {"coef_": largest * np.sqrt(np.mean(relative * relative, axis=0))}

    def retrain(self, plain, masks, rewind_to):
        """The model, fitted to the columns that are left."""
        mask = masks["coef_"]
        fitted = clone(self.estimator).fit(self._without(~mask), self.y, **self._weighted())
        coef = fitted.coef_
        left = arrays.to_numpy(coef)[..., ~mask]
        if np.any(left != 0):  # what solvers leave of a column of zeros is rounding
            xp, place = arrays.namespace(coef), arrays.placement_of(coef)
            fitted.coef_ = xp.where(place.asarray(mask), coef, xp.zeros_like(coef))
        return fitted

    def _without(self, columns):
        if scipy.sparse.issparse(self.X):
            return (self.X @ scipy.sparse.diags_array((~columns).astype(self.X.dtype))).tocsr()
        xp, place = arrays.namespace(self.X), arrays.placement_of(self.X)
        return xp.where(place.asarray(columns), xp.zeros_like(self.X), self.X)

    def weight_masks(self, masks):
        """The mask in the shape of ``coef_``."""
        return [np.broadcast_to(masks["coef_"], self._shape).copy()]

    def first_layer(self, masks):
        """Which features the outputs see."""
        return masks["coef_"][None, :]


FAMILIES = {
    DenseAMClassifier: DenseMemories,
    DenseAMRegressor: DenseMemories,
    LayerwiseClassifier: Layers,
    LayerwiseRegressor: Layers,
    MLPClassifier: Perceptrons,
    MLPRegressor: Perceptrons,
}
"""Families by the class of the estimator, or one that it derives from; all others are taken for linear models."""


def family_of(estimator):
    """The family of an estimator.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    family : type
        A subclass of `Family`.
    """
    # Nearest first: what derives from a class that is entered may be entered itself.
    return next((FAMILIES[kind] for kind in type(estimator).__mro__ if kind in FAMILIES), LinearModels)


def check_prunable(estimator):
    """Raise, before anything is trained, for an estimator that will have no weights to prune.

    Others than those of `FAMILIES` and scikit-learn's show it only when they are fitted.

    Parameters
    ----------
    estimator : estimator

    Raises
    ------
    TypeError
        For what does not predict, for pipelines and others that hold estimators, and for scikit-learn's families
        without ``coef_``.
    """
    kind = type(estimator)
    parameters = estimator.get_params(deep=False)
    if kind.__module__.startswith("sklearn.svm.") and parameters.get("kernel", "linear") != "linear":
        raise _no_weights(estimator)
    if family_of(estimator) is not LinearModels or hasattr(kind, "coef_"):
        return
    holds = any(hasattr(value, "fit") for value in parameters.values())
    holds = holds or hasattr(estimator, "steps") or hasattr(estimator, "estimators")
    if holds or not hasattr(kind, "predict") or kind.__module__.startswith(_WITHOUT_COEF):
        raise _no_weights(estimator)


def _no_weights(estimator):
    return TypeError(
        f"estimator is {type_of(estimator)}, which has no weights that MagnitudePruning knows; expected {expected()}. "
        "Put pipelines and searches around MagnitudePruning, not into it."
    )


def expected():
    """The estimators that can be pruned, in words."""
    return f"{', '.join(kind.__name__ for kind in FAMILIES)} or a linear model, with coef_"

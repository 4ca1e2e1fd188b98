"""The families of estimators that can be pruned, and which of them an estimator belongs to."""

import numpy as np
import scipy.sparse
from sklearn.base import clone, is_classifier
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skamem.core import arrays
from skamem.core.validation import type_of
from skamem.supervised.dense._classifier import DenseAMClassifier
from skamem.supervised.dense._model import DenseModel
from skamem.supervised.dense._regressor import DenseAMRegressor
from skamem.supervised.layerwise._classifier import LayerwiseClassifier
from skamem.supervised.layerwise._regressor import LayerwiseRegressor
from skamem.supervised.pruning._family import Family, epochs_before
from skamem.supervised.pruning._mlp import batch_size_of, check_trainable, spreads_and_slopes, train_masked

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
        """Standard deviations that the weights bring to the potentials."""
        found = DenseModel.of(fitted).spreads_and_reach(self.X, self.sample_weight)
        spreads, reach = (arrays.to_numpy(values).astype(np.float64) for values in found)
        reach = reach if np.any(reach > 0) else np.ones_like(reach)  # steps, of degree 1, have no slope
        # Overlaps are of the features as the user gave them.
        visible = np.abs(arrays.to_numpy(fitted.memories_)) * self.spreads * reach[:, None]
        recognition = np.abs(arrays.to_numpy(fitted.recognition_)) * spreads[:, None]
        return {"memories_": visible, "recognition_": recognition}

    def retrain(self, before, masks, rewind_to):
        """The memories, trained again under masks."""
        start = None if rewind_to is None else epochs_before(rewind_to, before.n_iter_)
        return clone(self.estimator).fit_masked(self.X, self.y, masks, start=start, like=before, **self._weighted())

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

    def retrain(self, before, masks, rewind_to):
        """The stages, drawn and trained again under masks: of each the residual that it learns has become another."""
        start = 0 if rewind_to is None or isinstance(rewind_to, str) else rewind_to
        of_stages = iter(masks.values())
        drawn = [next(of_stages) if kept else None for kept in before.kept_stages_]
        return clone(self.estimator).fit_masked(self.X, self.y, drawn, start=start, **self._weighted())

    def first_layer(self, masks):
        """Which features each unit of the first stage of units sees."""
        return next(iter(masks.values()))[: self.X.shape[1]].T


class Perceptrons(Family):
    """scikit-learn's `MLPClassifier` and `MLPRegressor`: the weights between all layers."""

    def __init__(self, estimator, X, y, sample_weight=None):
        check_trainable(estimator)
        super().__init__(estimator, X, y, sample_weight)
        self._alpha = None

    def magnitudes(self, fitted):
        """Standard deviations that the weights bring to the outputs."""
        spreads, slopes = spreads_and_slopes(fitted, self.X, self.sample_weight)
        reach, found = np.ones(fitted.n_outputs_), {}
        for number in reversed(range(len(fitted.coefs_))):
            weights = fitted.coefs_[number].astype(np.float64)
            before = spreads[number - 1] if number else self.spreads
            found[f"coefs_[{number}]"] = np.abs(weights) * before[:, None] * np.sqrt(reach)
            if number:
                reach = slopes[number - 1] * (weights**2 @ reach)
        return dict(reversed(found.items()))

    def retrain(self, before, masks, rewind_to):
        """The network, trained again under masks."""
        y = np.asarray(self.y)
        y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
        rows = self.X, y, self.sample_weight, list(masks.values())
        if rewind_to is not None:
            return train_masked(self.estimator, *rows, epochs_before(rewind_to, before.n_iter_))
        if self._alpha is None:
            self._alpha = max(self.estimator.alpha, self._evident_alpha(before))
        return train_masked(self.estimator, *rows, 0, before, self._alpha)

    def _evident_alpha(self, plain):
        """Penalty that the weights of the whole network make most likely.

        That of MacKay (1992), γ / Σw² in units of the noise, with the participation ratio of the variances that weights
        bring to the outputs for γ, the number of weights that the rows settle. It is found once: as weights go, and
        others grow or shrink with the penalty, it would follow them to nothing.
        """
        shares = np.concatenate([sizes.ravel() for sizes in self.magnitudes(plain).values()])
        shares = (shares / shares.max()) ** 2
        n_settled = min(shares.sum() ** 2 / np.sum(shares**2), self.X.shape[0] * plain.n_outputs_)
        squares = sum(float(np.sum(weights.astype(np.float64) ** 2)) for weights in plain.coefs_)
        noise = 1.0 if is_classifier(plain) else 2 * plain.loss_ / plain.n_outputs_
        batch_size = batch_size_of(self.estimator, self.X.shape[0])
        return noise * n_settled / squares * batch_size / self.X.shape[0]

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

    def retrain(self, before, masks, rewind_to):
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

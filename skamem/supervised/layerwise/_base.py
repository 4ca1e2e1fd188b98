"""What the layerwise estimators share: checked options, rows and targets, the growth, and answers after every stage."""

import dataclasses
import sys
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, validation
from skamem.core.base import SkamemEstimator, transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.interactions import DEGREE, ENERGY, Polynomial, RectifiedPolynomial, resolve_interaction
from skamem.core.parameters import BOOLEAN, COUNT, Interval, Options, RandomState
from skamem.core.threads import product_threads
from skamem.supervised.layerwise._growth import Growth, Plan
from skamem.supervised.layerwise._model import LayerwiseModel
from skamem.supervised.layerwise._stages import column_scales, n_monomials
from skamem.training import held_back, merged_rows

__all__ = ["BaseLayerwise"]

_AUTO = Options("auto")
_FEWEST_TO_HOLD_BACK = 10
_MOST_MONOMIALS = 5000


class BaseLayerwise(SkamemEstimator):
    """Growth and answers of `LayerwiseRegressor` and `LayerwiseClassifier`; not for direct use."""

    _anchor = "offset_"

    _parameters: ClassVar = {
        "n_stages": COUNT,
        "n_units": COUNT,
        "activation": Options("relu") | ENERGY,
        "degree": DEGREE,
        "alpha": Options("auto", "gcv") | Interval(Real, low=0, high=1e30),
        "deep": BOOLEAN,
        "max_epochs": _AUTO | Interval(Integral, low=0),
        "batch_size": _AUTO | COUNT,
        "learning_rate_init": Interval(Real, low=0, low_open=True, high=1e30),
        "noise": _AUTO | Interval(Real, low=0, high=1e6),
        "max_cycles": Interval(Integral, low=0),
        "early_stopping": BOOLEAN,
        "validation_fraction": Interval(Real, low=0, high=1, low_open=True, high_open=True),
        "n_iter_no_change": COUNT,
        "tol": Interval(Real, low=0, high=1, high_open=True),
        "verbose": BOOLEAN | Interval(Integral, low=0),
        "random_state": RandomState(),
    }

    def __init__(
        self,
        n_stages=10,
        *,
        n_units=100,
        activation="relu",
        degree=2,
        alpha="auto",
        deep=True,
        max_epochs="auto",
        batch_size="auto",
        learning_rate_init=0.03,
        noise="auto",
        max_cycles=50,
        early_stopping=True,
        validation_fraction=0.2,
        n_iter_no_change=2,
        tol=1e-3,
        verbose=False,
        random_state=None,
        backend=None,
    ):
        self.n_stages = n_stages
        self.n_units = n_units
        self.activation = activation
        self.degree = degree
        self.alpha = alpha
        self.deep = deep
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.noise = noise
        self.max_cycles = max_cycles
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state
        self.backend = backend

    def _check_parameters(self):
        super()._check_parameters()
        self._function()

    def _function(self):
        """The function of the units."""
        if isinstance(self.activation, str) and self.activation == "relu":
            return RectifiedPolynomial(1)
        return resolve_interaction(self.activation, self.degree)

    def _plan(self, n_features):
        activation = self._function()
        polynomial_degree = int(activation.degree) if isinstance(activation, Polynomial) else 0
        n_terms = n_monomials(n_features, polynomial_degree) if polynomial_degree else 0
        if n_terms > _MOST_MONOMIALS:
            raise ValueError(
                f"A polynomial of degree={polynomial_degree} in {n_features} features has {n_terms} terms of that "
                f"degree; expected at most {_MOST_MONOMIALS}. Lower the degree, reduce the features, or use "
                "activation='rectified_polynomial', whose units stand for many terms at once."
            )
        return Plan(
            n_stages=int(self.n_stages),
            n_units=int(self.n_units),
            activation=activation,
            polynomial_degree=polynomial_degree,
            alpha=self.alpha if isinstance(self.alpha, str) else float(self.alpha),
            deep=bool(self.deep),
            n_epochs=self.max_epochs if isinstance(self.max_epochs, str) else int(self.max_epochs),
            batch_size=self.batch_size if isinstance(self.batch_size, str) else int(self.batch_size),
            learning_rate=float(self.learning_rate_init),
            noise=self.noise if isinstance(self.noise, str) else float(self.noise),
            n_cycles=int(self.max_cycles),
            patience=int(self.n_iter_no_change),
            tolerance=float(self.tol),
        )

    def _sample_weights(self, sample_weight, X):
        """Validated sample weights on the host, ones for None."""
        host = arrays.resolve_backend("numpy", X)
        weights = validation.check_sample_weight(sample_weight, X, host, np.float64)
        return np.ones(X.shape[0]) if weights is None else weights

    @transactional
    def fit_masked(self, X, y, masks, *, start=0, sample_weight=None):
        """Grow as `fit` does, but with given stages, whose units have some weights held at 0.

        Random numbers are drawn as in `fit`, so that with open masks of the stages that `fit` kept the network is the
        same.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        masks : list of array-like of bool, or None
            For each stage of units in the order in which they are drawn, of the shape of its weights, (n_inputs,
            n_units): False where the weight is held at 0. None, for a stage that `kept_stages_` says was dropped: it is
            drawn, and dropped again. Stages with a mask are kept. The readouts are fitted as ever.
        start : int or float, default=0
            The epoch of the descent of a stage's units, counted from 0, that begins with the mask; a float in [0, 1) is
            the share of the epochs before it.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts; >= 0, not all zero.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        TypeError, ValueError
            As `fit`, for masks of other shapes, and with ``activation="polynomial"``, which has no units. A failed call
            changes nothing.

        See Also
        --------
        MagnitudePruning : Finds the masks.
        """
        if isinstance(self._function(), Polynomial):
            raise ValueError(
                f"activation={self.activation!r} has monomials and no units whose weights could be masked; expected "
                "another activation, such as 'relu'."
            )
        return self._fit_rows(X, y, sample_weight, (list(masks), start))

    def _fit(self, X, y, targets, loss, weights, placement, masking=None):
        """Grow the stages, under masks if there are any, and store the fitted attributes."""
        masks, start = masking or (None, 0)
        plan = self._plan(X.shape[1])
        random_state = check_random_state(self.random_state)
        X, dtype = placement.asarray(X), arrays.float_dtype(X, placement.xp)
        index, weights = merged_rows(X, targets.keys, weights / weights.max())
        train, held = self._hold_back(index, targets, random_state)
        order = np.concatenate([train, held])
        index, weights = index[order], weights[order]
        targets.settle(index, weights)
        self._settled(targets, placement, dtype)
        xp = placement.xp
        share = placement.asarray(weights / weights.sum(), dtype)
        rows = xp.take(X, placement.asarray(index), axis=0)
        offset, scale = column_scales(rows, share)
        strata = None if targets.strata is None else targets.strata[index]
        growth = Growth(
            plan, loss, (rows - offset) / scale, targets.take(index, placement, dtype), share, len(train), random_state,
            strata, masks, start,
        )  # fmt: skip

        def attributes():
            return {"offset_": offset, "scale_": scale, **self._fitted(growth)}

        tasks = fit_tasks(self, growth.tasks(), name="stage", n_tasks=None, X=X, y=y, attributes=attributes)
        largest = min(len(index), 200) * (X.shape[1] + plan.n_units) * plan.n_units
        with product_threads(largest, xp):
            for degree in tasks:
                accepted = growth.add(degree)
                if self.verbose:
                    self._tell(growth, accepted)
        for name, value in attributes().items():
            setattr(self, name, value)

    def _hold_back(self, index, targets, random_state):
        """(training positions, held-back positions, of which there may be none)."""
        if not self.early_stopping or len(index) < _FEWEST_TO_HOLD_BACK:
            return np.arange(len(index)), np.arange(0)
        strata = None if targets.strata is None else targets.strata[index]
        return held_back(len(index), float(self.validation_fraction), random_state, strata)

    def _settled(self, targets, placement, dtype):
        """Store what the targets learned from the rows; nothing for classes."""

    def _fitted(self, growth):
        """Fitted attributes (dict) of the stages so far."""
        n_stages = growth.n_counted
        records = growth.records[:n_stages]
        return {
            "activation_": growth.plan.activation,
            "stages_": list(growth.features.stages[:n_stages]),
            "coefs_": [record["coefs"][1:] for record in records],
            "intercepts_": [record["coefs"][0][0, :] for record in records],
            "alphas_": growth.alphas[1 : 1 + n_stages],
            "loss_curve_": [record["loss"] for record in records],
            "cycle_curves_": [list(record["objectives"]) for record in records],
            "validation_losses_": [record["validation"] for record in records],
            "n_stages_": n_stages,
            "kept_stages_": growth.counted,
        }

    @staticmethod
    def _tell(growth, accepted):
        n_stages, record = len(growth.records), growth.records[-1]
        said = f"loss {record['loss']:.3e} after {len(record['objectives']) - 1} cycles"
        if not accepted:
            said = f"no better than {n_stages} stages, dropped"
        sys.stdout.write(f"Stage {n_stages + (not accepted)}: {said}\n")

    def _receive_rows(self, X, method):
        check_is_fitted(self)
        X, placement = self._receive(X, reset=False, method=method)
        if isinstance(self, ClassifierMixin):
            # In float32 a probability near 1 has lost its logarithm: rows of float32 do not narrow what a model knows.
            placement = dataclasses.replace(placement, dtype=placement.working_dtype)
        return X, placement, LayerwiseModel.of(self, placement)

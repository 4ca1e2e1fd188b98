"""What the deep belief classifier and regressor share: pretraining without targets, then backpropagation."""

from abc import ABC
from numbers import Real

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, validation
from skamem.core.base import SkamemEstimator
from skamem.core.parameters import BOOLEAN, COUNT, Interval, Options, RandomState, WithData
from skamem.core.rows import Rows
from skamem.core.threads import product_threads
from skamem.generative._backpropagation import Descent, Dropout, answers, as_parameters, layers_outside, unfolded
from skamem.generative._belief import LAYERS, DeepBeliefNetwork
from skamem.generative._draws import Draws
from skamem.generative._layers import clip_binary, machine_of
from skamem.generative._units import Units, column_deviations, column_means, standard_units
from skamem.training import Adam, Watch, batch_count, cosine_schedule, held_back, merged_rows, run_epochs

__all__ = ["BaseDeepBelief"]

# Of batch_size="auto": batches of an epoch, and their rows at least and at most.
_BATCHES, _LEAST_ROWS, _MOST_ROWS = 20, 10, 200
_UPDATES, _LEAST_EPOCHS, _MOST_EPOCHS = 1500, 30, 150  # of max_iter="auto"
_MOST_COPIES, _ENOUGH_ROWS = 10, 10_000  # of rows, where layers are pretrained on weighted ones
# Training that diverges is reported at its end, once, and not by every product.
_DIVERGENCE = {"over": "ignore", "invalid": "ignore"}


class BaseDeepBelief(SkamemEstimator, ABC):
    """Pretraining, backpropagation and forward passes of deep belief nets that learn targets; not for direct use."""

    _parameters = {
        "layers": LAYERS,
        "rbm": WithData("a RestrictedBoltzmannMachine or None"),
        "learning_rate": Interval(Real, low=0, low_open=True, high=1e30),
        "weight_decay": Interval(Real, low=0, high=1e6),
        "dropout": Interval(Real, low=0, high=1, high_open=True),
        "max_iter": Options("auto") | COUNT,
        "batch_size": Options("auto") | COUNT,
        "early_stopping": BOOLEAN,
        "validation_fraction": Interval(Real, low=0, high=1, low_open=True, high_open=True),
        "n_iter_no_change": COUNT,
        "tol": Interval(Real, low=0),
        "verbose": BOOLEAN,
        "random_state": RandomState(),
    }

    _learns_classes = False

    _anchor = "base_rate_"

    # ------------------------------------------------------------------ learning

    def _sample_weights(self, sample_weight, X):
        """Validated sample weights on the host, ones for None."""
        host = arrays.resolve_backend("numpy", X)
        weights = validation.check_sample_weight(sample_weight, X, host, np.float64)
        return np.ones(X.shape[0]) if weights is None else weights

    def _fit(self, X, y, targets, weights, placement):
        """Pretrain the layers, train all of them on the targets, and store the fitted attributes."""
        random_state = check_random_state(self.random_state)
        weights = weights / max(1.0, weights.max() / 1e200)  # sums of numbers near the largest would overflow
        # From here on equal rows are one, and the order of rows is that of their values.
        index, weights = merged_rows(X, targets.keys, weights)
        train, held = np.arange(len(index)), None
        if self.early_stopping:
            strata = None if targets.strata is None else targets.strata[index]
            train, held = held_back(len(index), float(self.validation_fraction), random_state, strata)
        targets.settle(index[train], weights[train])
        self._settled(targets)
        units = self._pretrain(Rows(X, placement), index[train], weights[train], random_state)
        machines = [machine_of(machine) for machine in self.pretrained_.machines_]
        parameters = unfolded(machines, units, targets.n_outputs, random_state)
        rows = Rows(X, placement, parameters["weights 0"].dtype, keep_sparse=machines[0].is_binary)
        descent, n_epochs = self._descent(parameters, rows, units, targets, index[train], weights[train], random_state)
        watch = None
        if held is not None:
            judge = self._held_rows(descent, targets, index[held], weights[held])
            watch = Watch(judge, int(self.n_iter_no_change), float(self.tol))

        def attributes(parameters, losses):
            return self._fitted(parameters, losses, units, targets)

        largest = max(int(np.prod(value.shape)) for value in parameters.values())
        with (
            product_threads(-(-len(train) // descent.n_batches) * largest, placement.xp),
            np.errstate(**_DIVERGENCE),
        ):
            best, losses = run_epochs(self, range(n_epochs), descent, attributes=attributes, watch=watch, X=X, y=y)
            fitted = attributes(best, losses)
        for name, value in fitted.items():
            setattr(self, name, value)
        if watch is not None:
            self.validation_scores_, self.validation_losses_ = watch.scores, watch.losses
        if not np.all(np.isfinite(self.loss_curve_)):
            raise ValueError(
                f"Training diverged at learning_rate={self.learning_rate!r} and weight_decay={self.weight_decay!r}: "
                "the loss is not finite. Lower them."
            )
        return self

    def _settled(self, targets):
        """Store what the targets learned from the rows that train; nothing for classes."""

    def _pretrain(self, rows, index, weights, random_state):
        """Fit `pretrained_` to these rows; return the `Units` of the features."""
        copies = np.repeat(index, _copies(weights, random_state))
        seed = random_state.randint(np.iinfo(np.int32).max)
        seen = rows.pick(copies)
        network = DeepBeliefNetwork(self.layers, rbm=self.rbm, random_state=seed, backend=self.backend)
        self.pretrained_ = network.fit(seen)
        first = self.pretrained_.machines_[0]
        if first.visible == "binary":
            return Units()
        seen, row_bytes = Rows(seen, rows.placement), 8 * 4 * rows.shape[1]
        means = column_means(seen, row_bytes)
        return standard_units(means, column_deviations(seen, means, row_bytes), first.base_rate_)

    def _descent(self, parameters, rows, units, targets, index, weights, random_state):
        """The run of backpropagation, and how many epochs it has."""
        place, n_batches = rows.placement, batch_count(len(index), self._batch_rows(len(index)))
        n_epochs = self._n_epochs(n_batches)
        descent = Descent(
            optimizer=Adam(parameters, learning_rate=float(self.learning_rate), decay=float(self.weight_decay)),
            rows=rows,
            index=index,
            targets=targets.take(index, place, rows.dtype),
            weights=place.asarray(weights / weights.mean(), rows.dtype),
            classes=self._learns_classes,
            n_batches=n_batches,
            schedule=lambda step: cosine_schedule(step, n_epochs * n_batches),
            random_state=random_state,
            dropout=Dropout(float(self.dropout), Draws(random_state)),
            inside=_inside(units),
        )
        return descent, n_epochs

    def _batch_rows(self, n_rows):
        if isinstance(self.batch_size, str):
            return min(_MOST_ROWS, max(_LEAST_ROWS, n_rows // _BATCHES))
        return int(self.batch_size)

    def _n_epochs(self, n_batches):
        if isinstance(self.max_iter, str):
            return min(_MOST_EPOCHS, max(_LEAST_EPOCHS, -(-_UPDATES // n_batches)))
        return int(self.max_iter)

    def _held_rows(self, descent, targets, index, weights):
        """Function from parameters to score and loss on these rows, for `Watch`."""
        rows, inside = descent.rows, descent.inside
        held = Rows(rows.pick(index), rows.placement, rows.dtype, rows.keep_sparse)
        wanted = targets.take(index, rows.placement, rows.dtype)
        shares = rows.placement.asarray(weights / weights.mean(), rows.dtype)

        def judge(parameters):
            top = rows.placement.xp.concat(list(_tops(parameters, held, inside)), axis=0)
            return targets.score(arrays.to_numpy(top), index, weights), float(descent.loss(top, wanted, shares)[0])

        return judge

    def _fitted(self, parameters, losses, units, targets):
        """Fitted attributes (dict) in the user's units."""
        weights, biases = layers_outside(parameters, units)
        xp = arrays.namespace(weights[0])
        if targets.constant is not None:
            # Votes for a target that never varied are what descent has left of the first, random ones.
            silent = arrays.placement_of(biases[-1]).asarray(targets.constant)
            weights[-1] = xp.where(silent, xp.zeros_like(weights[-1]), weights[-1])
            biases[-1] = xp.where(silent, xp.zeros_like(biases[-1]), biases[-1])
        curve = arrays.to_numpy(xp.stack(losses)).tolist() if losses else []
        return {
            "coefs_": weights,
            "intercepts_": biases,
            "base_rate_": self.pretrained_.base_rate_,
            "loss_curve_": curve,
            "n_iter_": len(curve),
        }

    # ------------------------------------------------------------------ answers

    def _outputs(self, X, method, function):
        """``function`` of the top activities, block by block."""
        check_is_fitted(self)
        X, placement = self._receive(X, reset=False, method=method, accept_sparse="csr")
        binary = self.pretrained_.machines_[0].visible == "binary"
        rows = Rows(X, placement, self.coefs_[0].dtype, keep_sparse=binary)
        tops = _tops(as_parameters(self.coefs_, self.intercepts_), rows, clip_binary if binary else _as_it_is)
        return placement.give(map(function, tops), X.shape[0])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _as_it_is(v):
    return v


def _inside(units):
    """What the network sees of features while it learns: Gaussian ones standardised."""
    return clip_binary if units.offset is None else units.inside


def _tops(parameters, rows, inside):
    """Yield the top activities, block by block."""
    n_units = sum(value.shape[0] for name, value in parameters.items() if name.startswith("biases"))
    for _, v in rows.blocks(8 * 2 * (rows.shape[1] + n_units)):
        yield answers(parameters, inside(v))


def _copies(weights, random_state):
    """How often rows of these weights are seen in pretraining: whole numbers, near weights over their mean or least."""
    total = round(min(weights.sum(), max(_MOST_COPIES * len(weights), _ENOUGH_ROWS)))
    expected = weights * (max(total, len(weights)) / weights.sum())
    # Systematic: each row as often as expected, rounded up or down by chance; whole numbers stay as they are.
    steps = np.floor(np.concatenate([[0.0], np.cumsum(expected)]) + random_state.random_sample())
    return np.diff(steps).astype(np.intp)

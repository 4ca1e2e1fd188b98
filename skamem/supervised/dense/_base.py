"""What every dense memory estimator shares: checked options, the training run, and overlaps in the user's units."""

import copy
import dataclasses
import functools
from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from skamem.core import arrays, validation
from skamem.core.base import transactional
from skamem.core.interactions import DEGREE, ENERGY, resolve_interaction
from skamem.core.merging import IncrementalEstimator
from skamem.core.parameters import BOOLEAN, COUNT, Interval, Options, RandomState
from skamem.core.threads import product_threads
from skamem.core.warn import warn
from skamem.supervised.dense import _scaling as scaling
from skamem.supervised.dense._descent import Descent, HeldRows
from skamem.supervised.dense._model import DenseModel
from skamem.supervised.dense._network import Memories, Network
from skamem.supervised.dense._recipes import RECIPES
from skamem.training import (
    Masked,
    NoisePool,
    Watch,
    as_masks,
    batch_count,
    cosine_schedule,
    held_back,
    merged_rows,
    rising_schedule,
    run_epochs,
)

__all__ = ["TEMPERATURE", "BaseDenseAM"]

_AUTO = Options("auto")
_MOST = 1e6  # beyond what means anything, and far from overflow
TEMPERATURE = Interval(Real, low=1e-6, high=1e12)
# Training that diverges is reported at its end, once, and not by every product.
_DIVERGENCE = {"over": "ignore", "invalid": "ignore"}


class _Masking(NamedTuple):
    """Masks, the epoch that begins with them, and the estimator whose choices are taken over, or None."""

    masks: dict
    start: int
    like: Any


class BaseDenseAM(IncrementalEstimator):
    """Training and overlaps of `DenseAMClassifier` and its relatives; not for direct use."""

    _anchor = "memories_"
    _learning_parameters: ClassVar[tuple[str, ...]] = (
        "n_memories",
        "degree",
        "interaction",
        "scale",
        "fit_intercept",
    )
    _continues_from: ClassVar[tuple[str, ...]] = (
        "memories_",
        "offset_",
        "scale_",
        "intercept_",
        "recognition_",
        "temperature_",
        "classes_",
    )

    _parameters: ClassVar = {
        "n_memories": COUNT,
        "degree": DEGREE,
        "interaction": ENERGY,
        "learning_rate_init": _AUTO | Interval(Real, low=0, low_open=True, high=1e30),
        "max_iter": _AUTO | COUNT,
        "batch_size": COUNT,
        "temperature": _AUTO | TEMPERATURE,
        "noise": _AUTO | Interval(Real, low=0, high=_MOST),
        "weight_decay": _AUTO | Interval(Real, low=0, high=_MOST),
        "scale": Options(*scaling.SCALES),
        "fit_intercept": BOOLEAN,
        "init": Options("random", "data"),
        "early_stopping": BOOLEAN,
        "validation_fraction": Interval(Real, low=0, high=1, low_open=True, high_open=True),
        "n_iter_no_change": COUNT,
        "tol": Interval(Real, low=0),
        "warm_start": BOOLEAN,
        "verbose": BOOLEAN | Interval(Integral, low=0),
        "random_state": RandomState(),
    }

    def _check_parameters(self):
        super()._check_parameters()
        resolve_interaction(self.interaction, self.degree)
        if isinstance(self.temperature, tuple | list) and self.solver != "paper":
            raise ValueError(
                f"temperature={self.temperature!r}; expected 'auto', a number > 0 or, for solver='paper', a pair "
                "(T_initial, T_final)."
            )

    def _keep_reading(self):
        """Store what reads the memories: they answer by what they learned with, whatever the parameters become."""
        self.interaction_, self.readout_ = resolve_interaction(self.interaction, self.degree), self.readout

    def __setstate__(self, state):
        super().__setstate__(state)
        if hasattr(self, "memories_") and not hasattr(self, "interaction_"):  # of a version that read the parameters
            self._keep_reading()

    def _scaled(self, X, index, weights, placement, *, fresh):
        """(rows of X as the memories see them, mask of constant features); with the present scale unless fresh."""
        if fresh:
            dtype = arrays.float_dtype(X, placement.xp)
            return scaling.standardized(X, index, weights, self.scale, placement, dtype)
        offset, scale = placement.asarray(self.offset_), placement.asarray(self.scale_)
        return scaling.scaled_rows(X, index, offset, scale, placement), scale < 0

    def _optimizer(self, recipe, data, start, random_state, state=None):
        """Optimizer that continues from the memories `start`, or begins with fresh ones."""
        if start is None:
            with np.errstate(**_DIVERGENCE):
                return recipe.begin(data, random_state)
        return recipe.resume(start, self.temperature_, state)

    def _descent(self, recipe, network, optimizer, data, n_epochs, random_state, schedule=None):
        """Training run over `n_epochs` epochs of `data`; by default the rate falls to 0 at their end."""
        n_batches = batch_count(len(data), int(self.batch_size))
        n_updates = n_epochs * n_batches
        place, dtype = data.rows.placement, data.rows.offset.dtype
        # Balanced batches may exceed the mean size by two rows a class.
        largest = -(-len(data) // n_batches) + 2 * data.targets.shape[1]
        return Descent(
            network=network,
            loss=self._loss(recipe),
            optimizer=optimizer,
            data=data,
            noise=NoisePool(self.noise_, n_updates, largest, data.rows.n_features, place, dtype, random_state),
            radius=float(self.adversarial),
            batches=recipe.batches,
            n_batches=n_batches,
            schedule=schedule or (lambda step: cosine_schedule(step, n_updates)),
            random_state=random_state,
        )

    def _warm_memories(self, placement):
        """Memories to continue from with `warm_start`, or None."""
        if not self.warm_start or not hasattr(self, "memories_"):
            return None
        if self.memories_.shape != (self.n_memories, self.n_features_in_):
            raise ValueError(
                f"warm_start=True continues with memories of shape {tuple(self.memories_.shape)}, expected "
                f"({self.n_memories}, {self.n_features_in_}); set warm_start=False."
            )
        return self._memories(placement)

    def _sample_weights(self, sample_weight, X):
        """Validated sample weights on the host, ones for None."""
        host = arrays.resolve_backend("numpy", X)
        weights = validation.check_sample_weight(sample_weight, X, host, np.float64)
        return np.ones(X.shape[0]) if weights is None else weights

    @transactional
    def fit_masked(self, X, y, masks, *, start=0, sample_weight=None, like=None):
        """Train as `fit` does, with some weights held at 0: exactly 0 before and after every update.

        Random numbers are drawn as in `fit`, so that the epochs before `start` are the same, and all of them are where
        every mask is open.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Patterns.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        masks : dict of str to array-like of bool
            ``"memories_"``, of shape (n_memories, n_features), and ``"recognition_"``, of shape
            (n_memories, n_outputs): False where the weight is held at 0. What is not named is open.
        start : int or None, default=0
            The epoch, counted from 0, that begins with the masks; before it all weights learn. None: the first, from
            the weights of `like`, at the rates of a training from scratch.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts; >= 0, not all zero.
        like : estimator, default=None
            One of this class and with these parameters, fitted to these rows: what its rows chose, decay, noise and
            length, is taken over. None chooses again, which comes to the same and costs as much as a short training.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        TypeError, ValueError
            As `fit`, and for masks of other names or shapes, or where `like` is not fitted so, or missing where
            `start` asks for it. A failed call changes nothing.

        See Also
        --------
        MagnitudePruning : Finds the masks.
        """
        if like is not None and (type(like) is not type(self) or not hasattr(like, "_recipe")):
            raise ValueError(f"like={like!r} is not fitted by fit of {type(self).__name__}; pass one that is, or None.")
        if like is None and start is None:
            raise ValueError("start=None goes on from the weights of like; pass like, or the epoch to start at.")
        return self._fit_rows(X, y, sample_weight, _Masking(masks, start, like))

    def _masked(self, optimizer, masking, watch, placement):
        """The optimizer, under masks by the names of fitted attributes, from an epoch on."""
        names = {"memories_": "visible", "recognition_": "recognition"}
        parameters = optimizer.parameters
        found = as_masks(masking.masks, {name: parameters[inner].shape for name, inner in names.items()}, placement)
        # Scores of the weights before the masks fell are none of theirs.
        restart = None if watch is None else watch.restart
        return Masked(
            optimizer, {names[name]: mask for name, mask in found.items()}, start=masking.start or 0, on_start=restart
        )

    def _fit(self, X, y, targets, weights, placement, start, masking=None):
        """Train from scratch, or from `start`, under masks if there are any, and store the fitted attributes."""
        self._begin()
        random_state = check_random_state(self.random_state)
        X = scaling.received(X, placement)
        index, weights = merged_rows(X, targets.keys, weights)
        train, held = self._hold_back(index, targets, random_state)
        targets.settle(index[train], weights[train])
        rows, constant = self._scaled(X, index[train], weights[train], placement, fresh=start is None)
        self._settled(targets, placement, rows.offset.dtype)
        data = scaling.training_set(rows, targets, index[train], weights[train])
        self._keep_reading()
        recipe = RECIPES[self.solver].of(self, self.interaction_)
        like = None if masking is None else masking.like
        recipe = recipe.settled(data, self._loss(recipe), int(self.batch_size)) if like is None else like._recipe
        network = Network.of(
            self.readout_, self.interaction_, targets.n_outputs, placement.xp, rows.offset.dtype, recipe.n_groups
        )
        if masking is not None and masking.start is None:  # from the temperature, too, that its memories have
            optimizer = like._optimizer(recipe, data, like._memories(placement), random_state)
        else:
            optimizer = self._optimizer(recipe, data, start, random_state)
        watch = None
        if held is not None:
            held_rows = scaling.scaled_rows(X, index[held], rows.offset, rows.scale, placement)
            judge = HeldRows(network, self._loss(recipe), held_rows, targets, index[held], weights[held])
            watch = Watch(judge, self.n_iter_no_change, self.tol)
        if masking is not None:
            optimizer = self._masked(optimizer, masking, watch, placement)
        self.noise_, self.weight_decay_ = recipe.noise_level(data, random_state), recipe.decay
        n_epochs = recipe.n_epochs(batch_count(len(data), int(self.batch_size)))
        descent = self._descent(recipe, network, optimizer, data, n_epochs, random_state)
        self._run(recipe, descent, range(n_epochs), constant, targets.constant, watch, X, y)
        if watch is not None:
            self.validation_scores_, self.validation_losses_ = watch.scores, watch.losses
        # What `partial_fit` needs to go on from here.
        self._random_state, self.n_samples_seen_ = random_state, len(data)
        self._optimizer_state = None
        self._recipe = recipe  # for trainings under masks

    def _settled(self, targets, placement, dtype):
        """Store what the targets learned from the rows that train; nothing for classes."""

    def _hold_back(self, index, targets, random_state):
        """(training positions, held-back positions or None)."""
        if not self.early_stopping:
            return np.arange(len(index)), None
        strata = None if targets.strata is None else targets.strata[index]
        return held_back(len(index), self.validation_fraction, random_state, strata)

    def _partial_fit(self, X, y, targets, weights, placement, first):
        """Run one epoch and store the fitted attributes."""
        self._begin_or_go_on(begins=first)
        # A copy: if this call fails, the numbers it drew are not lost.
        random_state = copy.deepcopy(check_random_state(self.random_state) if first else self._random_state)
        X = scaling.received(X, placement)
        index = np.flatnonzero(weights > 0)
        targets.settle(index, weights[index])
        rows, _ = self._scaled(X, index, weights[index], placement, fresh=first)
        self._settled(targets, placement, rows.offset.dtype)
        data = scaling.training_set(rows, targets, index, weights[index])
        self._keep_reading()
        recipe = RECIPES[self.solver].of(self, self.interaction_).by_rule(len(data))
        network = Network.of(self.readout_, self.interaction_, targets.n_outputs, placement.xp, rows.offset.dtype)
        self.n_samples_seen_ = len(data) + (0 if first else self.n_samples_seen_)
        start, state = (None, None) if first else (self._memories(placement), self._optimizer_state)
        optimizer = self._optimizer(recipe, data, start, random_state, state)
        epoch, curve = (0, []) if first else (self.n_iter_, self.loss_curve_)
        if first:
            self.noise_ = recipe.noise_level(data, random_state)
        self.weight_decay_ = recipe.decay
        n_before = optimizer.n_steps
        descent = self._descent(
            recipe, network, optimizer, data, 1, random_state, lambda step: rising_schedule(n_before + step)
        )
        # Nothing counts as constant for good: later rows may vary.
        self._run(recipe, descent, [epoch], rows.scale < 0, None, None, X, y, curve)
        self._random_state, self._optimizer_state = random_state, optimizer.state

    def _run(self, recipe, descent, epochs, constant, constant_targets, watch, X, y, curve=()):
        """Run these epochs, with callbacks, and store the fitted attributes; losses follow those of `curve`."""
        optimizer, rows = descent.optimizer, descent.data.rows

        def attributes(parameters, losses):
            return self._fitted(optimizer.temperature, parameters, losses, rows, constant, constant_targets)

        largest = min(len(rows), int(self.batch_size)) * rows.n_features * int(self.n_memories)
        with product_threads(largest, rows.placement.xp), np.errstate(**_DIVERGENCE):
            parameters, losses = run_epochs(self, epochs, descent, attributes=attributes, watch=watch, X=X, y=y)
            fitted = attributes(parameters, losses)
        curve = [*curve, *fitted["loss_curve_"]]
        for name, value in (fitted | {"loss_curve_": curve, "n_iter_": len(curve)}).items():
            setattr(self, name, value)
        if not np.all(np.isfinite(curve)):
            epoch = int(np.argmin(np.isfinite(curve)))
            warn(
                f"The loss became {curve[epoch]} in epoch {epoch + 1} of {len(curve)}: training diverged, and memories "
                f"that overflowed are silent. Try {' or '.join(self._remedies(recipe.rate))}.",
                ConvergenceWarning,
            )

    def _remedies(self, rate):
        """What would keep training at this learning rate from diverging, likeliest first."""
        remedies = []
        # Then an update turns weights over to more than they were.
        overshoots = self.weight_decay != "auto" and rate * self.weight_decay_ > 2
        if overshoots:
            remedies.append(f"a lower weight_decay than {self.weight_decay!r}")
        if self.learning_rate_init != "auto":
            remedies.append(f"a lower learning_rate_init than {self.learning_rate_init!r}")
        if overshoots:
            return remedies
        if not isinstance(self.temperature, str):
            remedies.append(f"a higher temperature than {self.temperature!r}")
        if getattr(self.interaction_, "degree", 1) > 1:
            remedies.append(f"a lower degree than {self.interaction_.degree!r}")
        if self.scale != "feature":
            remedies.append("scale='feature'")
        if self.learning_rate_init == "auto":
            remedies.append(f"a learning_rate_init below {rate:.2g}, which 'auto' was")
        return remedies

    def _fitted(self, temperature, parameters, losses, rows, constant, constant_targets):
        """Fitted attributes (dict) in the user's units."""
        xp = rows.placement.xp
        memories = Memories(**parameters)
        # Weights on features that never varied were moved by noise only: they would answer to anything new there.
        visible = xp.where(constant, xp.zeros_like(memories.visible), memories.visible)
        recognition = memories.recognition * (temperature / 2)
        if constant_targets is not None:
            # Votes for an output that never varied are what descent has left of the first, random ones.
            silent = rows.placement.asarray(constant_targets)
            recognition = xp.where(silent, xp.zeros_like(recognition), recognition)
        parts = visible * (temperature / rows.scale), memories.bias[:, None] * temperature, recognition
        # A memory that overflowed is silent from here on: one NaN in it would be in every answer.
        sound = functools.reduce(xp.logical_and, (xp.all(xp.isfinite(part), axis=1) for part in parts))[:, None]
        if not bool(xp.all(sound)):
            parts = (xp.where(sound, part, xp.zeros_like(part)) for part in parts)
        visible, bias, recognition = parts
        curve = arrays.to_numpy(xp.stack(losses)).tolist() if losses else []
        return {
            "memories_": visible,
            "intercept_": bias[:, 0],
            "recognition_": recognition,
            "temperature_": float(temperature),
            "offset_": rows.offset,
            "scale_": rows.scale,
            "loss_curve_": curve,
            "n_iter_": len(curve),
        }

    def _memories(self, placement):
        """The fitted memories as training wants them, on scaled rows; new arrays."""
        inverse = 1 / self.temperature_
        memories, scale, intercept, recognition = (
            placement.asarray(a) for a in (self.memories_, self.scale_, self.intercept_, self.recognition_)
        )
        return Memories(memories * (scale * inverse), intercept * inverse, recognition * (2 * inverse))

    def _outputs(self, X, method, **options):
        """(potentials Φ of shape (n_samples, n_outputs), their placement) of the rows a user passed to `method`."""
        X, placement = self._receive(X, reset=False, method=method, accept_sparse="csr")
        if isinstance(self, ClassifierMixin):
            # In float32 a probability near 1 has lost its logarithm: rows of float32 do not narrow what a model knows.
            placement = dataclasses.replace(placement, dtype=placement.working_dtype)
        return DenseModel.of(self, placement).outputs(X, **options), placement

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

"""What every dense memory estimator shares: checked options, the training run, and overlaps in the user's units."""

import copy
import numbers
import sys
from typing import NamedTuple

import numpy as np
import scipy.sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from skamem.core import arrays, validation
from skamem.core.base import SkamemEstimator
from skamem.core.callbacks import fit_tasks
from skamem.core.interactions import resolve_interaction
from skamem.core.warn import warn
from skamem.supervised.dense import _scaling as scaling
from skamem.supervised.dense._data import cached_blocks, merged_rows, training_set
from skamem.supervised.dense._readouts import READOUTS, bounded_potentials, winner_readout
from skamem.supervised.dense._solvers import AdamSolver, PaperSolver, cosine_schedule
from skamem.supervised.dense._training import (
    Descent,
    HeldScore,
    Network,
    NoisePool,
    Watch,
    balanced_batches,
    shuffled_batches,
)

__all__ = ["BaseDenseAM", "Memories"]

_PAPER_EPOCHS = 500
# Offsets up to this many times the scale may move from the rows into the intercepts: float32 loses little by it.
_SMALL_OFFSET = 30.0
_PAPER_MEMORY_MEAN, _PAPER_MEMORY_SPREAD = -0.3, 0.3


class Memories(NamedTuple):
    """Parameters as the forward pass wants them, on standardised rows.

    Parameters
    ----------
    visible : array of shape (n_memories, n_features)
        W / T.
    bias : array of shape (n_memories,)
        Weight of the clamped unit over T.
    recognition : array of shape (n_memories, n_outputs)
        A = 2 U / T.
    """

    visible: object
    bias: object
    recognition: object


class BaseDenseAM(SkamemEstimator):
    """Training and overlaps of `DenseAMClassifier` and its relatives; not for direct use."""

    _anchor = "memories_"

    def _check_options(self):
        """Raise for constructor parameters out of range; every message names the parameter."""
        number, option = validation.check_number, validation.check_option
        for name in ("n_memories", "batch_size", "n_iter_no_change"):
            number(name, getattr(self, name), kind=numbers.Integral, low=1)
        option("scale", self.scale, scaling.SCALES)
        option("init", self.init, ("random", "data"))
        for name in ("noise", "weight_decay"):
            if getattr(self, name) != "auto":
                number(name, getattr(self, name), low=0)
        number("adversarial", self.adversarial, low=0)
        if self.learning_rate_init != "auto":
            number("learning_rate_init", self.learning_rate_init, low=0, low_open=True)
        if self.max_iter != "auto":
            number("max_iter", self.max_iter, kind=numbers.Integral, low=1)
        number("tol", self.tol, low=0)
        number("validation_fraction", self.validation_fraction, low=0, high=1, low_open=True, high_open=True)
        self._check_temperature()
        return resolve_interaction(self.interaction, self.degree)

    def _check_temperature(self):
        if isinstance(self.temperature, str) and self.temperature == "auto":
            return
        if isinstance(self.temperature, tuple | list) and self.solver == "paper" and len(self.temperature) == 2:
            for value in self.temperature:
                validation.check_number("temperature", value, low=0, low_open=True)
            return
        if not isinstance(self.temperature, numbers.Real):
            raise ValueError(
                f"temperature={self.temperature!r}; expected 'auto', a number > 0 or, for solver='paper', a pair "
                "(T_initial, T_final)."
            )
        validation.check_number("temperature", self.temperature, low=0, low_open=True)

    def _network(self, interaction, n_outputs, xp, dtype):
        readout = READOUTS[self.readout](interaction, n_outputs, xp, dtype)
        return Network(readout, self._loss(), shifted=self.readout == "exact")

    def _n_batches(self, n_rows):
        return -(-n_rows // min(self.batch_size, n_rows))

    def _n_epochs(self, n_rows):
        if self.max_iter != "auto":
            return self.max_iter
        if self.solver == "paper":
            return _PAPER_EPOCHS
        return scaling.auto_epochs(self._n_batches(n_rows))

    def _scaled(self, X, index, weights, placement, *, fresh):
        """(rows of X as the memories see them, mask of constant features); with the present scale unless fresh."""
        if fresh:
            dtype = arrays.float_dtype(X, placement.xp)
            return scaling.standardized(X, index, weights, self.scale, placement, dtype)
        offset, scale = placement.asarray(self.offset_), placement.asarray(self.scale_)
        return scaling.scaled_rows(X, index, offset, scale, placement), scale < 0

    def _solver(self, start, interaction, data, random_state, **state):
        """Solver that continues from `start`, or begins with fresh memories."""
        if start is not None and self.solver == "adam":
            return self._adam(start, self.temperature_, len(data), **state)
        if start is not None:
            temperature = self.temperature_
            units = start.visible * temperature, start.bias * temperature, start.recognition * (temperature / 2)
            return self._paper(Memories(*units), temperature)
        if self.solver == "paper":
            return self._start_paper(interaction, data, random_state)
        return self._start_adam(interaction, data, random_state)

    def _start_adam(self, interaction, data, random_state):
        place, dtype = data.rows.placement, data.rows.offset.dtype
        n_outputs = data.targets.shape[1]
        n_units = data.rows.rows.shape[1] + bool(self.fit_intercept)
        temperature = scaling.auto_temperature(n_units) if self.temperature == "auto" else float(self.temperature)
        visible, bias, chosen = scaling.initial_visible(
            data.rows, self.n_memories, temperature, self.init, self.fit_intercept, random_state
        )
        if chosen is None:
            drawn = place.asarray(random_state.standard_normal((self.n_memories, n_outputs)), dtype)
        else:
            drawn = place.xp.take(data.targets, place.asarray(chosen), axis=0)
        overlaps = scaling.probe_rows(data.rows, random_state) @ visible.T + bias
        degree = getattr(interaction, "degree", 0)
        if self.temperature == "auto" and (self.init == "data" or degree > scaling.LOW_DEGREE):
            peak, level = scaling.peak_and_level(degree, bool(self.fit_intercept), self.init == "data")
            excess = scaling.mean_peak(overlaps) / peak
            temperature, visible = temperature * excess, visible / excess
            bias, overlaps = bias / excess + level, overlaps / excess + level
        forward = READOUTS["linear" if hasattr(interaction, "curvature") else "exact"](
            interaction, n_outputs, place.xp, dtype
        )
        memories = Memories(visible, bias, scaling.initial_recognition(drawn, overlaps, forward))
        return self._adam(memories, temperature, len(data))

    def _adam(self, memories, temperature, n_rows, **state):
        decay = scaling.auto_decay(n_rows) if self.weight_decay == "auto" else float(self.weight_decay)
        rate = 1e-3 if self.learning_rate_init == "auto" else float(self.learning_rate_init)
        return AdamSolver(
            *memories,
            temperature=temperature,
            learning_rate=rate,
            decay=decay,
            fit_intercept=bool(self.fit_intercept),
            **state,
        )

    def _start_paper(self, interaction, data, random_state):
        place, dtype = data.rows.placement, data.rows.offset.dtype
        n_outputs = data.targets.shape[1]
        n_features = data.rows.rows.shape[1]
        drawn = random_state.standard_normal((self.n_memories, n_features + 1 + n_outputs))
        drawn = place.asarray(np.clip(_PAPER_MEMORY_MEAN + _PAPER_MEMORY_SPREAD * drawn, -1, 1), dtype)
        visible, recognition = drawn[:, :n_features], drawn[:, n_features + 1 :]
        bias = drawn[:, n_features] * int(self.fit_intercept)
        if self.init == "data":
            chosen = place.asarray(random_state.randint(0, len(data), self.n_memories))
            visible = 0.5 * data.rows.take(chosen) + 0.02 * visible
            recognition = 0.5 * place.xp.take(data.targets, chosen, axis=0)
        memories = Memories(visible, bias, recognition)
        probes = scaling.probe_rows(data.rows, random_state)
        return self._paper(memories, self._paper_temperature(memories, probes, interaction))

    def _paper_temperature(self, memories, probes, interaction):
        """T at which overlaps start with root mean square 0.4 and, where the degree allows it, potentials with 0.5."""
        if self.temperature != "auto":
            return self.temperature
        xp = arrays.namespace(probes)
        network = self._network(interaction, memories.recognition.shape[1], xp, probes.dtype)
        temperature = scaling.root_mean_square(probes @ memories.visible.T + memories.bias) / 0.4 or 1.0
        degree = getattr(interaction, "degree", None)
        if degree is None:
            return temperature
        # A polynomial scales with T^-n: one number sets the size of the potentials.
        scaled = memories.visible / temperature, memories.bias / temperature, memories.recognition * (2 / temperature)
        potentials = network.readout.potentials(network.overlaps(probes, *scaled), scaled[2])
        return temperature * (scaling.root_mean_square(potentials) / 0.5 or 1.0) ** (1 / degree)

    def _paper(self, memories, temperature):
        pair = tuple(temperature) if isinstance(temperature, tuple | list) else (temperature, temperature)
        return PaperSolver(
            *memories,
            temperature=tuple(float(end) for end in pair),  # a NumPy scalar would make float32 arrays float64
            learning_rate=0.04 if self.learning_rate_init == "auto" else float(self.learning_rate_init),
            momentum=float(self.momentum),
            fit_intercept=bool(self.fit_intercept),
        )

    def _noise_level(self, data, random_state):
        if self.noise != "auto":
            return float(self.noise)
        if self.solver == "paper" or self.adversarial > 0:
            return 0.0
        return scaling.auto_noise(data.rows, data.codes, random_state)

    def _descent(self, network, solver, data, n_epochs, random_state, schedule=None):
        """Training run over `n_epochs` epochs of `data`; by default the rate falls to 0 at their end."""
        n_batches = self._n_batches(len(data))
        n_updates = n_epochs * n_batches
        place, dtype = data.rows.placement, data.rows.offset.dtype
        # Balanced batches may exceed the mean size by two rows a class.
        largest = -(-len(data) // n_batches) + 2 * data.targets.shape[1]
        n_features = data.rows.rows.shape[1]
        return Descent(
            network=network,
            solver=solver,
            data=data,
            noise=NoisePool(self.noise_, n_updates, largest, n_features, place, dtype, random_state),
            radius=float(self.adversarial),
            batches=balanced_batches if self.solver == "paper" else shuffled_batches,
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

    def _fit(self, X, y, targets, weights, placement, interaction, start):
        """Train from scratch, or from `start`, and store the fitted attributes."""
        random_state = check_random_state(self.random_state)
        X = X if scipy.sparse.issparse(X) else placement.asarray(X)
        index, weights = merged_rows(X, targets.keys, weights)
        train, held = self._hold_back(index, targets, random_state)
        targets.settle(index[train], weights[train])
        rows, constant = self._scaled(X, index[train], weights[train], placement, fresh=start is None)
        self._settled(targets, placement, rows.offset.dtype)
        data = training_set(rows, targets, index[train], weights[train])
        network = self._network(interaction, targets.n_outputs, placement.xp, rows.offset.dtype)
        solver = self._solver(start, interaction, data, random_state)
        score = None
        if held is not None:
            held_rows = scaling.scaled_rows(X, index[held], rows.offset, rows.scale, placement)
            score = HeldScore(network, held_rows, targets, index[held], weights[held])
        watch = Watch(score, self.n_iter_no_change, self.tol)
        self.noise_ = self._noise_level(data, random_state)
        n_epochs = self._n_epochs(len(data))
        descent = self._descent(network, solver, data, n_epochs, random_state)
        self._store(self._run(descent, range(n_epochs), constant, watch, X, y))
        if watch.scores:
            self.validation_scores_ = watch.scores
        # What `partial_fit` needs to go on from here.
        self._random_state, self.n_samples_seen_ = random_state, len(data)
        self._first_moments = None

    def _settled(self, targets, placement, dtype):
        """Store what the targets learned from the rows that train; nothing for classes."""

    def _hold_back(self, index, targets, random_state):
        """(training positions, held-back positions or None)."""
        positions = np.arange(len(index))
        if not self.early_stopping:
            return positions, None
        strata = None if targets.strata is None else targets.strata[index]
        return train_test_split(
            positions, test_size=self.validation_fraction, stratify=strata, random_state=random_state
        )

    def _partial_fit(self, X, y, targets, weights, placement, interaction, first):
        """Run one epoch and store the fitted attributes."""
        # A copy: if this call fails, the numbers it drew are not lost.
        random_state = copy.deepcopy(check_random_state(self.random_state) if first else self._random_state)
        X = X if scipy.sparse.issparse(X) else placement.asarray(X)
        index = np.flatnonzero(weights > 0)
        targets.settle(index, weights[index])
        rows, _ = self._scaled(X, index, weights[index], placement, fresh=first)
        self._settled(targets, placement, rows.offset.dtype)
        data = training_set(rows, targets, index, weights[index])
        network = self._network(interaction, targets.n_outputs, placement.xp, rows.offset.dtype)
        self.n_samples_seen_ = len(data) + (0 if first else self.n_samples_seen_)
        state = {} if first else self._solver_state(placement)
        solver = self._solver(None if first else self._memories(placement), interaction, data, random_state, **state)
        epoch, curve = (0, []) if first else (self.n_iter_, self.loss_curve_)
        if first:
            self.noise_ = self._noise_level(data, random_state)
        descent = self._descent(network, solver, data, 1, random_state, schedule=_ShortRise(solver))
        # Nothing counts as constant for good: later rows may vary.
        fitted = self._run(descent, [epoch], rows.scale < 0, Watch(None, 0, 0.0), X, y)
        curve = curve + fitted["loss_curve_"]
        self._store(fitted | {"loss_curve_": curve, "n_iter_": len(curve)})
        self._random_state = random_state
        self._keep_solver_state(solver, placement.xp)

    def _run(self, descent, epochs, constant, watch, X, y):
        """Run these epochs, with callbacks; return the fitted attributes."""
        losses, solver, rows = [], descent.solver, descent.data.rows

        def attributes():
            return self._fitted(solver, solver.parameters, losses, rows, constant)

        n_epochs = len(epochs)
        for epoch in fit_tasks(self, epochs, name="epoch", n_tasks=n_epochs, X=X, y=y, attributes=attributes):
            losses += [descent.epoch(epoch)]
            stop = watch.update(solver.parameters)
            if self.verbose:
                score = f", validation score {watch.scores[-1]:.4f}" if watch.scores else ""
                sys.stdout.write(f"Epoch {epoch + 1}: loss {float(losses[-1]):.3e}{score}\n")
            if stop:
                break
        best = solver.parameters if watch.best is None else watch.best
        return self._fitted(solver, best, losses, rows, constant)

    def _keep_solver_state(self, solver, xp):
        """Keep Adam's moments for the next `partial_fit`: two arrays, so that they travel with a pickle."""
        if self.solver != "adam":
            return
        first, second = solver.moments[:3], solver.moments[3:]
        self._first_moments, self._second_moments = (
            xp.concat([part[0], part[1][:, None], part[2]], axis=1) for part in (first, second)
        )
        self._n_steps, self._recognition_rate = solver.n_steps, solver.recognition_rate

    def _solver_state(self, placement):
        if self.solver != "adam" or self._first_moments is None:
            return {}
        n = self.n_features_in_
        moments = []
        for kept in (self._first_moments, self._second_moments):
            kept = arrays.copy(placement.asarray(kept))
            moments += [kept[:, :n], kept[:, n], kept[:, n + 1 :]]
        return {"moments": moments, "n_steps": self._n_steps, "recognition_rate": self._recognition_rate}

    def _fitted(self, solver, parameters, losses, rows, constant):
        """Fitted attributes (dict) in the user's units."""
        xp = rows.placement.xp
        temperature = solver.temperature
        memories = Memories(*parameters)
        # Weights on features that never varied were moved by noise only: they would answer to anything new there.
        visible = xp.where(constant, xp.zeros_like(memories.visible), memories.visible)
        curve = arrays.to_numpy(xp.stack(losses)).tolist() if losses else []
        return {
            "memories_": visible * (temperature / rows.scale),
            "intercept_": memories.bias * temperature,
            "recognition_": memories.recognition * (temperature / 2),
            "temperature_": float(temperature),
            "offset_": rows.offset,
            "scale_": rows.scale,
            "loss_curve_": curve,
            "n_iter_": len(curve),
        }

    def _store(self, attributes):
        for name, value in attributes.items():
            setattr(self, name, value)
        if not np.all(np.isfinite(self.loss_curve_)):
            warn(
                f"The loss became {self.loss_curve_[-1]} after {self.n_iter_} epochs: training diverged. Lower "
                f"learning_rate_init={self.learning_rate_init!r} or degree={self.degree!r}, or use scale='feature'.",
                ConvergenceWarning,
            )

    def _memories(self, placement):
        """The fitted memories as the forward pass wants them, on scaled rows; new arrays."""
        inverse = 1 / self.temperature_
        memories, scale, intercept, recognition = (
            placement.asarray(a) for a in (self.memories_, self.scale_, self.intercept_, self.recognition_)
        )
        return Memories(memories * (scale * inverse), intercept * inverse, recognition * (2 * inverse))

    def _potentials(self, X, placement, *, winner_only=False):
        """Potentials Φ of validated rows, of shape (n_samples, n_outputs), on the placement of the fitted arrays.

        With `winner_only` nothing but the largest of each row is sure to be right.
        """
        xp, dtype = placement.xp, self.memories_.dtype
        interaction = resolve_interaction(self.interaction, self.degree)
        n_memories, n_outputs = self.recognition_.shape
        network = self._network(interaction, n_outputs, xp, dtype)
        readout = winner_readout(network.readout) if winner_only else network.readout
        # The features' scale is in the fitted memories already; only the offset is left to do.
        inverse = 1 / self.temperature_
        offset, intercept = self.offset_, self.intercept_
        if bool(xp.max(xp.abs(offset) / self.scale_) <= _SMALL_OFFSET):
            offset, intercept = None, intercept - self.memories_ @ offset
        memories = Memories(self.memories_ * inverse, intercept * inverse, self.recognition_ * (2 * inverse))
        parts = []
        row_bytes = (2 * X.shape[1] + 6 * n_memories) * xp.finfo(dtype).bits // 8
        for rows in cached_blocks(X.shape[0], row_bytes, xp):
            block = placement.asarray(X[rows] if scipy.sparse.issparse(X) else X[rows, :], dtype)
            overlaps = network.overlaps(block if offset is None else block - offset, *memories)
            parts.append(bounded_potentials(overlaps, memories.recognition, interaction, self.readout, readout))
        return parts[0] if len(parts) == 1 else xp.concat(parts, axis=0)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class _ShortRise:
    """Schedule of `partial_fit`: the rate rises over the first 50 updates of all calls, then stays."""

    def __init__(self, solver):
        self._done = getattr(solver, "n_steps", 0)

    def __call__(self, step):
        return min(1.0, (self._done + step + 1) / 50)

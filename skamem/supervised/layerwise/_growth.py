"""Growth of a network by stages: each is fitted to what is left, and accepted or not; then all are back-fitted."""

import math
from dataclasses import dataclass
from typing import Any

from scipy.special import stdtrit

from skamem.core import arrays
from skamem.supervised.layerwise._descent import Descent, auto_batch_size, auto_epochs, auto_noise, new_units
from skamem.supervised.layerwise._readout import BackFitting, Factor, Fit, fit_one, gcv_scores, penalties_of, ridge_path
from skamem.supervised.layerwise._stages import Features, column_scales, common_scale, monomials, raw_outputs
from skamem.training import NoisePool, as_masks, batch_count, fold_numbers, zero_outside

__all__ = ["Growth", "Plan"]

_STAGE_CYCLES = 20  # of the readout of a new stage, on a loss that one ridge regression does not settle
_SETTLED = {True: 1e-13, False: 1e-5}  # relative fall of the objective that ends back-fitting, by `loss.exact`
_LEAST_FALL = 1e-9  # relative fall of the loss without which a stage is not worth its units
# Probability of a fall by chance, under Student's test, that is taken for sure: less where rows are few, since what a
# stage too many costs falls as the inverse of their number.
_CHANCE, _CHANCE_PER_ROW = 0.1, 0.001
_FOLDS = 5
_MANY_HELD = 1000  # rows held back that choose a penalty as well as folds of all do
_WORSE_IN_A_ROW = 3  # penalties along a path after which the best one has been seen


@dataclass(frozen=True)
class Plan:
    """What the user wants of the stages: parameters of the estimator, as Python's numbers."""

    n_stages: int
    n_units: int
    activation: Any
    polynomial_degree: int
    alpha: Any
    deep: bool
    n_epochs: Any
    batch_size: Any
    learning_rate: float
    noise: Any
    n_cycles: int
    patience: int
    tolerance: float


class Growth:
    """Stages that grow on training rows, of which some may be held back to judge them.

    Two fits of the readouts run side by side: a trial on the rows that are not held back, from which units learn and by
    which stages are judged, and the fit on all rows, which answers.

    Parameters
    ----------
    plan : Plan
        What is wanted.
    loss : object
        `SquaredLoss` or `LogisticLoss`.
    X : array of shape (n_rows, n_features)
        Scaled features.
    targets : array of shape (n_rows, n_outputs)
        What the outputs should be.
    share : array of shape (n_rows,)
        Weights of the rows, of sum 1.
    n_train : int
        The rows after these are held back; ``n_rows`` where none is.
    random_state : RandomState
        Draws units, batches and noise, on the host.
    strata : ndarray of shape (n_rows,), default=None
        Classes of the rows, of which folds have their shares; on the host.
    masks : list of array or None, default=None
        What the weights of the stages of units are held to, in the order in which these are drawn: each is then kept,
        but for one with None, which is drawn and dropped. None lets stages grow freely.
    start : int or float, default=0
        The epoch of each descent that begins with the masks, or, in [0, 1), what share of the epochs comes before it.

    Attributes
    ----------
    kept : list of bool
        Which of the stages of units that were drawn were kept.
    features : Features
        The stages.
    fit : Fit
        Readouts of the constant and of the stages as they stand.
    alphas : list of float
        Penalties of the constant and of the stages.
    records : list of dict
        For each stage: "coefs" as they stood after it, "loss", "objectives" after its own fit and after every cycle
        over all stages, "validation", the loss on the rows held back, or None.
    """

    def __init__(self, plan, loss, X, targets, share, n_train, random_state, strata=None, masks=None, start=0):
        xp = arrays.namespace(X)
        self.plan, self.loss, self.X, self.targets, self.share = plan, loss, X, targets, share
        self.n_train, self._random_state = n_train, random_state
        self._trains, self._held = share, None
        if n_train < X.shape[0]:
            zero = xp.zeros_like(share)
            train, held = (
                xp.concat([share[:n_train], zero[n_train:]]), xp.concat([zero[:n_train], share[n_train:]])
            )  # fmt: skip
            self._trains, self._held = train / xp.sum(train), held / xp.sum(held)
        self.features = Features(X, plan.activation)
        constant = Factor(xp.ones((X.shape[0], 1), dtype=X.dtype, device=arrays.device(X)), share)
        self._factors, self._cross, self.alphas, self.records = [constant], [[]], [0.0], []
        self.fit = self._constant_fit(share)
        self._trial = self.fit if self._held is None else self._constant_fit(self._trains)
        self._freedom, self._idle = 0.0, 0
        self._masks, self._start, self.kept = masks, start, []
        self._sure = 0, None  # stages that surely help, and outputs on the rows held back after them
        self._strata = strata
        self._largest = 0.0  # variance of the features along the direction in which they vary most

    def _constant_fit(self, share):
        xp = arrays.namespace(self.X)
        level = self.loss.start(self.targets, share)[None, :]
        outputs = xp.zeros_like(self.targets) + level
        level = xp.astype(level, self._factors[0].values.dtype)
        return Fit([level], outputs, self.loss.value(outputs, self.targets, share))

    def tasks(self):
        """Degrees of the stages to add, one after the other, as long as they help; 0 for a stage of units."""
        if self.plan.polynomial_degree:
            yield from range(1, self.plan.polynomial_degree + 1)
            return
        yield 1
        if self._masks is not None:
            yield from [0] * len(self._masks)
            return
        while len(self.features) < self.plan.n_stages and self._idle < self.plan.patience:
            yield 0

    def add(self, degree):
        """Fit one more stage, and back-fit all of them if it is accepted.

        Parameters
        ----------
        degree : int
            Of its monomials; 0 for units.

        Returns
        -------
        accepted : bool
            Whether it lowers the loss, on the rows held back if there are any.
        """
        place = arrays.placement_of(self.X)
        if degree:
            accepted = self._join(monomials(self.X.shape[1], degree, place), None, certain=True)
        elif self._masks is None:
            accepted = self._join(*self._learned_units(), certain=False)
            self.kept.append(accepted)
        else:
            # What was dropped is drawn all the same: the stages after it come from later in the stream.
            mask = self._masks[len(self.kept)]
            stage, learnt = self._learned_units(mask)
            accepted = mask is not None and self._join(stage, learnt, certain=True)
            self.kept.append(accepted)
        sure = accepted and (self._held is None or self._sure[0] == len(self.features))
        self._idle = 0 if sure else self._idle + 1
        return accepted

    @property
    def n_counted(self):
        """Stages that are part of the model if growth ends here: the last ones may have helped by chance."""
        judged = self._held is not None and self._masks is None and not self.plan.polynomial_degree
        return self._sure[0] if judged else len(self.records)

    @property
    def counted(self):
        """Whether each stage that was drawn after the first is part of the model if growth ends here."""
        left = self.n_counted - 1  # the first stage is linear
        return [bool(kept) and sum(self.kept[:number]) < left for number, kept in enumerate(self.kept)]

    # -------------------------------------------------------------------------------------------- a stage of units

    def _learned_units(self, mask=None):
        """A stage of units after its short descent, and the readout and level with which they learned, if they did.

        Weights are held to a mask if there is one.
        """
        plan, rows, random_state = self.plan, slice(0, self.n_train), self._random_state
        X, base, targets = self.X[rows, :], self._trial.outputs[rows, :], self.targets[rows, :]
        previous = self.features.last_units() if plan.deep else None
        previous = None if previous is None else previous[rows, :]
        left, share = self.loss.residuals(base, targets), self._trains[rows]
        parameters, size = new_units(plan.n_units, X, previous, left, share, plan.activation, random_state)
        masks = None if mask is None else self._held_to(mask, parameters["weights"])
        batch_size = auto_batch_size(self.n_train) if plan.batch_size == "auto" else plan.batch_size
        n_batches = batch_count(self.n_train, batch_size)
        n_epochs = auto_epochs(n_batches) if plan.n_epochs == "auto" else plan.n_epochs
        learnt = None
        if n_epochs:
            shape = n_epochs * n_batches, min(batch_size, self.n_train), parameters["weights"].shape[0]
            sigma = auto_noise(self._largest) if plan.noise == "auto" else plan.noise
            noise = NoisePool(sigma, *shape, arrays.placement_of(X), X.dtype, random_state)
            descent = Descent(
                self.loss, plan.activation, X, previous, base, targets, share, batch_size, n_epochs,
                plan.learning_rate, noise, random_state,
            )  # fmt: skip
            with arrays.overflow_expected():
                start = int(self._start * n_epochs) if isinstance(self._start, float) else self._start
                descent.run(parameters, size, masks, start)
            learnt = parameters["readout"], parameters["level"]
        if masks is not None:  # also where the descent ended before they fell
            zero_outside(parameters, masks)
        return {"weights": parameters["weights"], "bias": parameters["bias"]}, learnt

    def _held_to(self, mask, weights):
        shapes = {"weights": weights.shape}
        return as_masks({"weights": mask}, shapes, arrays.placement_of(self.X))

    # --------------------------------------------------------------------------------- readouts, and what is accepted

    def _join(self, stage, learnt, certain):
        """Take a stage in, unless it does not help; one that is `certain` stays whether it helps or not.

        `learnt` is the readout and level with which units learned, if they did.
        """
        xp = arrays.namespace(self.X)
        previous = self.features.last_units() if "weights" in stage and self.plan.deep else None
        with arrays.overflow_expected():
            outputs = raw_outputs(stage, self.plan.activation, self.X, previous)
        if not bool(xp.all(xp.isfinite(outputs))):  # a descent that diverged
            return False
        offset, spread = column_scales(outputs, self.share)
        if "weights" in stage:
            spread = common_scale(spread)
        outputs = (outputs - offset) / spread
        learnt = None if learnt is None else _rescaled(*learnt, offset, spread)
        factor = Factor(outputs, self.share)
        if not self.features.stages:
            self._largest = factor.largest
        alpha, trial = self._penalty(outputs, factor, "weights" in stage, learnt)
        if alpha is None and not certain:
            return False
        if alpha is None:
            # What is certain and of no use is silent, exactly: next to nothing would decide where all else is a tie.
            alpha, factor = max(1.0, factor.largest) / _LEAST_FALL, factor.silenced()
        if trial is not None and trial.level is not None:
            found = self._as_learnt(outputs, learnt, self.fit, self.share)
        else:
            found = self._fit_one(outputs, factor, alpha, self.fit, self.share)
        if not certain and not found.loss < self.fit.loss * (1.0 - _LEAST_FALL):
            return False
        if self._held is not None and trial is None:
            trial = self._fit_one(outputs, factor, alpha, self._trial, self._trains)
        self._freedom += factor.freedom(self.loss.sharpness(found.outputs, self.share), alpha)
        crossed = self.features.correlated(outputs * self.share[:, None])
        self._cross.append([xp.astype(part, factor.values.dtype) for part in crossed])
        self.features.add(stage | {"offset": offset, "scale": spread}, outputs)
        self._factors.append(factor)
        self.alphas.append(alpha)
        self._settle(found, trial)
        return True

    def _fit_one(self, outputs, factor, alpha, base, share):
        """Readout of a new stage over what there is; it never raises the loss."""
        found = fit_one(self.loss, outputs, factor, alpha, None, base.outputs, self.targets, share, _STAGE_CYCLES)
        return self._no_worse(found, base, outputs)

    def _as_learnt(self, outputs, learnt, base, share):
        """Readout with which the units of a new stage learned, over what there is; it never raises the loss."""
        readout, level = learnt
        coefs = arrays.namespace(outputs).astype(readout, arrays.widest_float(outputs))
        with arrays.overflow_expected():
            reached = base.outputs + outputs @ readout + level
            found = Fit([coefs], reached, self.loss.value(reached, self.targets, share), level=level)
        return self._no_worse(found, base, outputs)

    @staticmethod
    def _no_worse(found, base, outputs):
        if found.loss <= base.loss:
            return found
        return Fit([arrays.namespace(outputs).zeros_like(found.coefs[0])], base.outputs, base.loss)

    def _settle(self, found, trial):
        """Back-fit all stages, the new one among them, and write down where they stand."""
        n_cycles, validation = self.plan.n_cycles, None
        if self._held is not None:
            # Penalties that were right for each stage alone may let all together learn noise: where units have learnt,
            # the cycles last as long as they help on the rows held back.
            watch = self._on_held_rows if "weights" in self.features.stages[-1] else None
            self._trial = self._back_fitted(self._trial, trial, self._trains, n_cycles, watch)
            n_cycles = n_cycles if watch is None else len(self._trial.objectives) - 1
            validation = self._on_held_rows(self._trial.outputs)
            if self._surely_lower(self._sure[1], self._trial.outputs):
                self._sure = len(self.features), self._trial.outputs
        self.fit = self._back_fitted(self.fit, found, self.share, n_cycles)
        self._trial = self.fit if self._held is None else self._trial
        xp = arrays.namespace(self.X)
        coefs = [xp.astype(part, self.X.dtype) for part in self.fit.coefs]
        self.records.append(
            {"coefs": coefs, "loss": self.fit.loss, "objectives": self.fit.objectives, "validation": validation}
        )

    def _on_held_rows(self, outputs):
        """Loss on the rows held back."""
        return self.loss.value(outputs, self.targets, self._held)

    def _surely_lower(self, before, after):
        """Whether the loss on the rows held back has fallen by more than chance explains: Student's paired test.

        Few noisy rows say little: the best of many penalties lowers the loss on them for any stage.
        """
        if before is None:
            return True
        xp = arrays.namespace(after)
        falls = self.loss.of_rows(before, self.targets) - self.loss.of_rows(after, self.targets)
        mean, squares = float(self._held @ falls), float(xp.sum(self._held * self._held))
        if not squares < 1.0:
            return False
        error = math.sqrt(float(xp.sum((self._held * (falls - mean)) ** 2)) / (1.0 - squares))
        return mean > -error * float(stdtrit(1.0 / squares - 1.0, min(_CHANCE, _CHANCE_PER_ROW / squares)))

    def _back_fitted(self, before, new, share, n_cycles, watch=None):
        problem = BackFitting(self.loss, self.features, self._factors, self._cross, self.alphas, self.targets, share)
        constant, *coefs = before.coefs
        if new.level is not None:
            constant = constant + arrays.namespace(constant).astype(new.level, constant.dtype)
        start = Fit([constant, *coefs, new.coefs[0]], new.outputs, new.loss)
        if len(self.features) == 1 and self.loss.exact:
            n_cycles = 0
        return problem.run(start, n_cycles, _SETTLED[self.loss.exact], before.loss, watch)

    def _penalty(self, outputs, factor, of_units, learnt):
        """(penalty, or None where the stage does not help; trial fit at it, or None where it is still to be made)."""
        if not factor.largest:
            return None, None
        asked = self.plan.alpha
        if not isinstance(asked, str):
            return asked, None
        learned = of_units and self.plan.n_epochs != 0
        if asked == "gcv" or (self.loss.exact and not learned) or (learned and self._held is None):
            return self._by_gcv(outputs, factor), None
        if not learned and self.X.shape[0] - self.n_train < _MANY_HELD:
            return self._by_folds(outputs, factor), None
        return self._by_held_rows(outputs, learnt)

    def _by_gcv(self, outputs, factor):
        base, taken = self.fit, self._freedom
        path = ridge_path(self.loss, outputs, factor, base.outputs, self.targets, self.share)
        score, alpha = min(gcv_scores(self.loss, path, factor, self.share, taken))
        left = 1.0 - (1.0 + taken) * float(self.share @ self.share)
        return alpha if left > 0 and score < base.loss / left**2 else None

    def _by_folds(self, outputs, factor):
        """Penalty with which readouts of the stage are best on rows that they have not seen.

        Honest where no target has shaped the outputs; and where the curvature depends on the fit, as it does for
        classes that can be told apart without error, generalised cross-validation is not to be trusted.
        """
        xp, place = arrays.namespace(outputs), arrays.placement_of(outputs)
        fold = fold_numbers(self._strata, _FOLDS, self._random_state)
        base, totals = self.fit, {}
        for number in range(_FOLDS):
            held = self.share * place.asarray(fold == number, self.share.dtype)
            train = self.share - held
            if not float(xp.sum(train)) > 0:
                continue
            train = train / xp.sum(train)
            path = ridge_path(
                self.loss, outputs, Factor(outputs, train), base.outputs, self.targets, train, _STAGE_CYCLES
            )
            for step, (_, fit) in enumerate(path):
                totals[step] = totals.get(step, 0.0) + self.loss.value(fit.outputs, self.targets, held)
        step = min(totals, key=totals.get)
        penalties = penalties_of(self.loss, factor)
        return penalties[step] if totals[step] < base.loss else None

    def _by_held_rows(self, outputs, learnt):
        factor, base = Factor(outputs, self._trains), self._trial.outputs
        if not factor.largest:
            return None, None
        least, best, worse = self._on_held_rows(base), (None, None), 0
        least *= 1.0 - self.plan.tolerance
        for alpha, fit in ridge_path(self.loss, outputs, factor, base, self.targets, self._trains):
            loss = self._on_held_rows(fit.outputs)
            worse = 0 if loss < least else worse + 1
            if loss < least:
                least, best = loss, (alpha, fit)
            elif best[0] is not None and worse >= _WORSE_IN_A_ROW:
                break
        if learnt is not None:
            # Learned under noise, it may be better than any that is best on the rows as they are.
            fit = self._as_learnt(outputs, learnt, self._trial, self._trains)
            if self._on_held_rows(fit.outputs) < least:
                best = best[0] or alpha, fit
        return best


def _rescaled(readout, level, offset, spread):
    """Readout and level of outputs of mean 0 and unit spread, given those of the outputs as they are."""
    xp = arrays.namespace(readout)
    lasting = xp.where(xp.isfinite(spread), spread, xp.zeros_like(spread))
    with arrays.overflow_expected():
        return readout * lasting[:, None], level + offset @ readout

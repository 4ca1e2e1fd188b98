"""What memories of two-valued patterns share, whose units are pushed by a field.

A subclass says how weights are learnt (`_learn`) and on which field recall runs (`_make_field`); all else is here, at
the door (`_door`), and in how they store (`_storing`).
"""

from abc import abstractmethod
from numbers import Real
from typing import ClassVar

import scipy.sparse
from sklearn.metrics import r2_score
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays
from skamem.core.dynamics import Recall, asynchronous, synchronous
from skamem.core.fields import LinearField, QuadraticLandscape
from skamem.core.parameters import BOOLEAN, Interval, Kind, Options, RandomState
from skamem.core.rows import Rows
from skamem.core.thresholds import THRESHOLDS
from skamem.memory._door import CueBlock, one_pass, told
from skamem.memory._storing import StoringMemory
from skamem.memory._stream import WORK_ARRAYS, cues_at_once
from skamem.metrics import unit_accuracy

__all__ = ["BaseMemory", "after_filling", "symmetric_field_class"]

# Cues for which it does not pay to convert weights first.
_FEW = 64


def _has_energy(memory):
    if hasattr(_field_class(memory), "energy"):
        return True
    raise AttributeError(
        f"{type(memory).__name__} has no energy: with target={memory.target!r}, activation={memory.activation!r} it "
        "recalls by a field that is not the slope of one. Symmetric weights with target='self' and activation='sign' "
        "have an energy, dense memories and pairs of patterns too."
    )


def _field_class(memory):
    """Class of the field that a memory recalls with; None where that is not known before it is fitted."""
    for cls in type(memory).__mro__:
        if "_field_class" in vars(cls):
            return memory._field_class
        if "_make_field" in vars(cls):  # below the class that said so
            break
    return type(memory._make_field()) if hasattr(memory, "n_patterns_") else None


def symmetric_field_class(memory):
    """The class of field of symmetric weights: a landscape where units with a threshold feed back."""
    return QuadraticLandscape if memory.target == "self" and memory.activation == "sign" else LinearField


class BaseMemory(StoringMemory):
    """Abstract base of memories whose units are pushed by a field."""

    _parameters: ClassVar[dict[str, Kind]] = {
        "activation": Options("sign", "identity", "step"),
        "update": Options("sync", "async"),
        "zero_diagonal": BOOLEAN,
        "fit_intercept": BOOLEAN,
        "check_stored": BOOLEAN,
        "binarize": Interval(Real) | None,
        "coding": Options("auto", "bipolar", "binary"),
        "random_state": RandomState(),
    }

    # ------------------------------------------------------------------ what a subclass provides

    @abstractmethod
    def _make_field(self):
        """Field that recall runs on, in the scale of the learning rule.

        A memory whose field is a landscape, a class with `energy`, has one, too. To have it before it is fitted, let
        ``_field_class`` be that class, beside this method.
        """

    _field_scale = 1.0
    """What a field of `_make_field` is multiplied by when it is reported."""

    # ------------------------------------------------------------------ recalling

    def predict(self, X):
        """Recall the stored pattern that each cue leads to.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_units), or csr matrix when ``target="y"``
            Cues: noisy or partial patterns. NaN marks an unknown unit.

        Returns
        -------
        patterns : array of shape (n_samples, n_outputs)
            Recalled patterns in the coding of the stored ones, dtype of `X`.

        Raises
        ------
        TypeError
            For sparse cues of an autoassociative memory, whose recall is dense: use `transform` or `recall`.
        """
        # scikit-learn holds that `predict` of sparse input is 1-D (check_estimator_sparse_array); recall is not.
        if scipy.sparse.issparse(X) and self.target == "self":
            raise TypeError(
                f"{type(self).__name__}.predict() found a sparse matrix; expected dense cues, as recalled patterns "
                "are dense. Use transform(X) or recall(X).states, which accept sparse cues, or predict(X.toarray())."
            )
        return self._states(X, "predict")

    def recall(self, X, *, clamped=None):
        """Recall with the whole story: states, steps, convergence, cycles, units left unresolved.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_units)
            Cues. NaN marks an unknown unit.
        clamped : array-like of bool, shape (n_samples, n_units) or (n_units,), default=None
            Units held at the value of the cue, in addition to those that ``missing="clamp"`` holds.

        Returns
        -------
        recall : Recall
            One entry a row; see `skamem.core.dynamics.Recall`.
        """
        check_is_fitted(self)
        self._check_clamped(clamped, X)
        return self._recall(X, "recall", clamped)

    def field(self, X):
        """Analog output before the threshold: the push on each output unit.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_units)
            Cues. NaN marks an unknown unit, which pushes nothing.

        Returns
        -------
        field : array of shape (n_samples, n_outputs)
            Positive pushes a unit on. In the scale of `weights_`.
        """
        return self._report(X, "field", lambda field, states: field(states))

    @available_if(_has_energy)
    def energy(self, X):
        """Energy of the given states.

        E = -1/2 sᵀ W s - bᵀ s, with the diagonal of W removed and b the bias, if any; of a `DenseMemory`, which has no
        weights, E = -Σ_μ F(ξ^μ · s) over its patterns.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_units)
            States, thresholded at `binarize`. In the formula units are -1 and +1, also under ``coding="binary"``, where
            they are given as 0 and 1; NaN counts as 0.

        Returns
        -------
        energy : array of shape (n_samples,)
            Low where the memory is at home; never rises under asynchronous recall. In the scale of `weights_`,
            where there are any.
        """
        return self._report(X, "energy", lambda field, states: field.energy(states))

    def _report(self, X, method, function):
        """``function(field, states)`` of cues, in the scale of what users see of weights."""
        check_is_fitted(self)
        field = self._make_field()

        def report(block):
            found = self._field_scale * function(field, block.states)
            return block.placement.xp.astype(found, block.placement.dtype, copy=False)

        return self._map(X, method, report)

    def encode(self, patterns):
        """Patterns in the coding in which they are recalled: what perfect recall would give.

        Parameters
        ----------
        patterns : array-like or csr matrix of shape (n_patterns, n_outputs)
            As given to `fit`: as `X` for autoassociation, as `y` for heteroassociation. NaN stays NaN.

        Returns
        -------
        patterns : array of shape (n_patterns, n_outputs)
            float32 for float32 input, else float64.
        """
        values = super().encode(patterns)
        place = arrays.placement_of(values)
        values = place.asarray(values)
        code = self._codes(self.coding_)[1]
        code.check(values, type(self).__name__)
        states, known = code.encode(values)
        decoded = code.decode(states)
        return decoded if known is None else place.xp.where(known, decoded, place.xp.nan)

    def _agreement(self, truth, recalled):
        if self.activation == "identity":
            return float(r2_score(truth, recalled, multioutput="variance_weighted"))
        return unit_accuracy(truth, recalled)

    @property
    def _n_features_out(self):
        return self.pattern_sum_.shape[0]

    # ------------------------------------------------------------------ how recall is done

    def _read(self, X, placement, dtype=None, in_cache=True):
        code = self._codes(self.coding_)[0]
        dtype = dtype or getattr(self, self._anchor).dtype
        row_bytes = WORK_ARRAYS * 8 * (X.shape[1] + self._n_features_out) + self._cue_bytes
        at_most = cues_at_once(row_bytes, placement.xp) if in_cache else None
        for rows, values in Rows(X, placement, placement.working_dtype).blocks(row_bytes, at_most=at_most):
            code.check(values, type(self).__name__)
            yield CueBlock(placement, rows, *code.encode(values, dtype))

    def _recall(self, X, method, clamped=None, dynamics=None):
        return Recall(*self._told(X, method, told, clamped, dynamics))

    def _told(self, X, method, tell, clamped=None, dynamics=None):
        """Recall block by block; `dynamics` takes (field, states, clamped=) in place of what `update` names."""
        check_is_fitted(self)
        field = self._make_field()
        dtype = None
        if dynamics is None and hasattr(field, "narrowed") and arrays.shape_of(X)[:1] > (_FEW,):
            field = field.narrowed()
            dtype = field.weights.dtype

        def recall(block):
            held = self._held(block, clamped)
            if self.target == "y" or self.activation == "identity":
                return tell(self._one_pass(field, block.states, held))
            return tell(self._feed_back(field, block, held, dynamics or self._update))

        # What draws random numbers draws those of many cues at once.
        return self._map(X, method, recall, dtype=dtype, in_cache=dynamics is None)

    def _held(self, block, clamped):
        """Mask of the units that stay as the cue has them, or None."""
        xp = block.placement.xp
        held = None
        if clamped is not None:
            held = block.placement.asarray(clamped, xp.bool)
            held = xp.broadcast_to(held[block.rows, :] if held.ndim == 2 else held, block.states.shape)
        if self.missing == "clamp" and self.target == "self":
            given = xp.ones_like(block.states, dtype=xp.bool) if block.known is None else block.known
            held = given if held is None else held | given
        return held

    def _check_clamped(self, clamped, X):
        if clamped is None:
            return
        if self.target == "y":
            raise ValueError("clamped= holds units through feedback, of which target='y' has none; expected None.")
        found, n_units = arrays.shape_of(clamped), self.n_features_in_
        if found not in ((n_units,), (arrays.shape_of(X)[0], n_units)):
            raise ValueError(
                f"clamped has shape {found}; expected ({n_units},), one entry a unit, or {arrays.shape_of(X)}, one a "
                "unit and row of X."
            )

    def _one_pass(self, field, states, held):
        """Feed-forward recall: heteroassociation, and the linear associator."""
        xp = arrays.namespace(states)
        push = field(states)
        if self.activation == "identity":
            final = self._field_scale * push
            final = final if held is None else xp.where(held, states, final)
            unresolved = xp.zeros_like(final, dtype=xp.bool)
        else:
            # An output unit has no state of its own to keep: where the field ties, the stored majority decides.
            unresolved = xp.abs(push) <= field.tolerance
            final = THRESHOLDS[self.activation](push, self._majority(), field.tolerance)
        return one_pass(self._codes(self.coding_)[1].decode(final), unresolved)

    def _update(self, field, states, *, clamped):
        """Up to ``n_recall_steps`` updates of all units at once, or one after another."""
        options = {"n_steps": self.n_recall_steps, "threshold": THRESHOLDS[self.activation], "clamped": clamped}
        if self.update == "sync":
            return synchronous(field, states, **options)
        order = check_random_state(self.order_seed_).permutation(states.shape[1])
        return asynchronous(field, states, order=arrays.placement_of(states).asarray(order), **options)

    def _feed_back(self, field, block, held, dynamics):
        """Recurrent recall."""
        xp, recall = block.placement.xp, dynamics(field, block.states, clamped=held)
        final, story = recall.states, (recall.n_steps, recall.converged, recall.cycle_length)
        unresolved = xp.zeros_like(final, dtype=xp.bool)
        if block.known is not None:
            unresolved = ~block.known & (final == 0)
            if self.activation == "step":  # 0 is also a unit that was switched off
                unresolved = unresolved & (xp.abs(field(final)) <= field.tolerance)
            final = xp.where(unresolved, xp.astype(self._majority(), final.dtype), final)
            if bool(xp.any(unresolved)):
                story = after_filling(story, xp.any(unresolved, axis=1), self._stays(field, final, held))
        return Recall(self._codes(self.coding_)[1].decode(final), *story, unresolved)

    def _stays(self, field, states, held=None):
        """Which rows are fixed points: no unit that may move wants to."""
        xp = arrays.namespace(states)
        stays = THRESHOLDS[self.activation](field(states), states, field.tolerance) == states
        return xp.all(stays if held is None else stays | held, axis=1)


def after_filling(story, filled, stays):
    """(steps, converged, cycle length) once unknown units took the majority: that may be no state of rest."""
    n_steps, converged, cycle_length = story
    xp, moving = arrays.namespace(filled), filled & ~stays
    return n_steps, converged & ~moving, xp.where(moving, xp.zeros_like(cycle_length), cycle_length)

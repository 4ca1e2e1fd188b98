"""What memories of real-valued patterns share: patterns and cues with unknown entries in, recall and score out."""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import ClassVar

from sklearn.base import ClassNamePrefixFeaturesOutMixin, OneToOneFeatureMixin
from sklearn.utils import check_array
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skamem.core import arrays, validation
from skamem.core.base import SkamemTransformer, transactional
from skamem.core.callbacks import fit_tasks
from skamem.core.dynamics import Recall, settle
from skamem.core.parameters import BOOLEAN, COUNT, Options, RandomState
from skamem.core.rows import Rows, rows_within
from skamem.memory._base import is_autoassociative
from skamem.memory._imputation import imputed, imputed_names, indices

__all__ = ["RealMemory", "split_known"]

_CUES = 1024  # cues that are recalled at a time


class RealMemory(SkamemTransformer, ABC):
    """Abstract base of memories of real-valued patterns, in which NaN is an unknown entry."""

    _parameters: ClassVar = {
        "target": Options("self", "y"),
        "n_recall_steps": COUNT,
        "missing": Options("free", "clamp"),
        "add_indicator": BOOLEAN,
        "keep_empty_features": BOOLEAN,
        "random_state": RandomState(),
    }

    # ------------------------------------------------------------------ what a subclass provides

    @abstractmethod
    def _learn(self, X, known, Y, weight):
        """Set the fitted attributes from patterns (unknown entries 0); mask, targets and weights may be None."""

    @abstractmethod
    def _respond(self, states, known, lacking):
        """One pass from states (unknown entries at the mean) to what the memory answers.

        `known` is None once all entries have a value; `lacking` are the entries that are looked for when the others
        are clamped.
        """

    def _bounded(self, answers, states):
        """Answers to be fed back; for a memory whose answers could grow without end, kept within bounds."""
        return answers

    _cue_bytes = 0
    """Bytes of work arrays that a cue needs beside its states."""

    # ------------------------------------------------------------------ storing

    @transactional
    def fit(self, X, y=None, sample_weight=None):
        """Store patterns, forgetting those stored before.

        Parameters
        ----------
        X : array-like of shape (n_patterns, n_units), or csr matrix when ``target="y"``
            Patterns, one a row; stored dense. NaN marks an unknown entry.
        y : array-like of shape (n_patterns, n_outputs), default=None
            Associated real-valued patterns when ``target="y"``; ignored when ``target="self"``.
        sample_weight : array-like of shape (n_patterns,), default=None
            How often each pattern counts; >= 0, not all zero.

        Returns
        -------
        self : object
            The fitted memory.

        Raises
        ------
        ValueError
            For infinite entries, missing or 1-D `y` under ``target="y"``, and bad weights. A failed call changes
            nothing.
        """
        X, known, Y, weight = self._receive_patterns(X, y, sample_weight, reset=True)
        for _ in fit_tasks(self, [0], name="store", n_tasks=1, X=X, y=Y, attributes=dict):
            self._learn(X, known, Y, weight)
        return self

    def _receive_patterns(self, X, y, sample_weight, *, reset):
        """Validated copies on the placement: patterns with unknown entries at 0, their mask, targets, weights."""
        method = None if reset else "partial_fit"
        X, placement = self._receive(X, reset=reset, method=method, **self._input_options())
        xp = placement.xp
        dtype = arrays.float_dtype(X, xp) if reset else getattr(self, self._anchor).dtype
        if self.target == "self":
            Y = None
        else:
            Y = placement.asarray(validation.check_targets(y, X, placement, dtype, owner=type(self).__name__), dtype)
        weight = validation.check_sample_weight(sample_weight, X, placement, dtype)
        values = placement.asarray(X, dtype)
        if weight is not None and not bool(xp.all(weight > 0)):
            kept = xp.nonzero(weight > 0)[0]
            values, weight = xp.take(values, kept, axis=0), xp.take(weight, kept)
            Y = None if Y is None else xp.take(Y, kept, axis=0)
        values, known = split_known(values)
        # What is stored must not change with the caller's arrays.
        return arrays.copy(values) if known is None else values, known, None if Y is None else arrays.copy(Y), weight

    def _input_options(self):
        return {
            "ensure_all_finite": "allow-nan",
            "accept_sparse": "csr" if self.target == "y" else False,
        }

    def _note_missing(self, X, known):
        """Set what imputation needs to know: the units that are never, and those that are not always, known."""
        xp = arrays.namespace(X)
        nothing = xp.zeros_like(X[0, :], dtype=xp.bool)
        self.never_known_ = nothing if known is None else ~xp.any(known, axis=0)
        self.with_gaps_ = nothing if known is None else ~xp.all(known, axis=0)

    # ------------------------------------------------------------------ recalling

    def predict(self, X):
        """Recall what each cue leads to.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_units), or csr matrix when ``target="y"``
            Cues: noisy or partial patterns. NaN marks an unknown entry.

        Returns
        -------
        patterns : array of shape (n_samples, n_outputs)
            Recalled patterns, dtype of `X`.
        """
        return self._recall(X, "predict").states

    @available_if(is_autoassociative)
    def transform(self, X):
        """Recall inside a pipeline, in the shape of an imputer; autoassociative memories only.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_units)
            Cues. NaN marks an unknown entry.

        Returns
        -------
        patterns : array of shape (n_samples, n_columns)
            Recalled patterns, as `predict` gives; units that no stored pattern knows are dropped, or 0 when
            ``keep_empty_features=True``. With ``add_indicator=True`` the columns of the indicator follow.
        """
        states, missing = self._recall(X, "transform", with_missing=True)
        if self.keep_empty_features:
            place = arrays.placement_of(states)
            states = place.xp.where(place.asarray(self.never_known_), place.xp.zeros_like(states), states)
        return imputed(states, missing, **self._imputation())

    def _imputation(self):
        """Indices of the units that `transform` drops, and of those that it indicates; None for none."""
        return {
            "empty": None if self.keep_empty_features else indices(self.never_known_),
            "indicated": indices(self.with_gaps_) if self.add_indicator else None,
        }

    def recall(self, X):
        """Recall with the whole story: states, steps, convergence, entries left unresolved.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_units), or csr matrix when ``target="y"``
            Cues. NaN marks an unknown entry.

        Returns
        -------
        recall : Recall
            One entry a row; see `skamem.core.dynamics.Recall`. Unresolved are entries that nothing is known about:
            they took the mean of what is stored, 0 if there is none.
        """
        return self._recall(X, "recall")

    def score(self, X, y=None):
        """Whether cues come back: R², over all entries.

        Do not select models with it: on unseen clean patterns the identity map wins. Use
        `skamem.model_selection.make_denoising_scorer`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_units), or csr matrix when ``target="y"``
            Cues.
        y : array-like of shape (n_samples, n_outputs), default=None
            True patterns. Under ``target="self"`` they are `X` itself unless `y` has the shape of `X`, so that the
            labels of a pipeline are ignored.

        Returns
        -------
        score : float
            At most 1; unknown (NaN) truths are left out.
        """
        recalled = self._recall(X, "score").states
        if self.target == "self" and arrays.shape_of(y) != tuple(recalled.shape):
            y = X
        place = arrays.placement_of(recalled)
        xp = place.xp
        truth, known = split_known(self.encode(y))
        truth = place.asarray(truth, recalled.dtype)
        counted = xp.ones_like(recalled) if known is None else place.asarray(known, recalled.dtype)
        count = xp.sum(counted, axis=0)
        mean = xp.sum(counted * truth, axis=0) / xp.where(count > 0, count, xp.ones_like(count))
        residual = float(xp.sum(counted * (truth - recalled) ** 2))
        total = float(xp.sum(counted * (truth - mean) ** 2))
        if total == 0.0:
            return 1.0 if residual == 0.0 else 0.0
        return 1.0 - residual / total

    def encode(self, patterns):
        """Patterns as they are recalled: what perfect recall would give, their values as floats.

        Parameters
        ----------
        patterns : array-like of shape (n_patterns, n_outputs)
            As given to `fit`: as `X` for autoassociation, as `y` for heteroassociation. NaN stays NaN.

        Returns
        -------
        patterns : array of shape (n_patterns, n_outputs)
            float32 for float32 input, else float64.
        """
        check_is_fitted(self)
        xp = arrays.input_namespace(patterns)
        return check_array(patterns, dtype=(xp.float64, xp.float32), ensure_all_finite="allow-nan")

    def get_feature_names_out(self, input_features=None):
        """Names of the columns of `transform`.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the input features.

        Returns
        -------
        names : ndarray of str
            Those of the units, then those of the indicator; numbered ones for heteroassociation.
        """
        check_is_fitted(self)
        if self.target == "y":
            return ClassNamePrefixFeaturesOutMixin.get_feature_names_out(self, input_features)
        names = OneToOneFeatureMixin.get_feature_names_out(self, input_features)
        return imputed_names(names, **self._imputation())

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True  # an unknown entry
        hetero = self.target == "y"
        tags.input_tags.sparse = hetero
        if hetero:  # a predictor of patterns: scikit-learn's transformers must fit with the 1-D labels of a pipeline
            tags.transformer_tags = None
        tags.target_tags.required = hetero
        tags.target_tags.multi_output = hetero
        tags.target_tags.single_output = not hetero
        return tags

    # ------------------------------------------------------------------ how recall is done

    def _cue_blocks(self, X, method):
        """Validate cues; yield (placement, positions, values, mask of known entries or None, dtype of X) by block.

        A block has complete cues only, or cues with gaps only: what a cue is answered must not depend on those beside
        it, and complete ones are not to pay for the others.
        """
        check_is_fitted(self)
        X, placement = self._receive(X, reset=False, method=method, **self._input_options())
        dtype, xp = arrays.float_dtype(X, placement.xp), placement.xp
        row_bytes = 64 * (X.shape[1] + self._n_features_out) + self._cue_bytes
        length = rows_within(row_bytes, at_most=_CUES)
        waiting, n_waiting = [], 0
        for rows, block in Rows(X, placement, getattr(self, self._anchor).dtype).blocks(row_bytes, at_most=_CUES):
            positions = xp.arange(rows.start, rows.stop, device=arrays.device(block))
            gaps = xp.any(xp.isnan(block), axis=1)
            if not bool(xp.any(gaps)):
                yield placement, positions, block, None, dtype
                continue
            complete, partial = xp.nonzero(~gaps)[0], xp.nonzero(gaps)[0]
            if complete.shape[0]:
                yield placement, xp.take(positions, complete), xp.take(block, complete, axis=0), None, dtype
            waiting.append((xp.take(positions, partial), xp.take(block, partial, axis=0)))
            n_waiting += partial.shape[0]
            if n_waiting >= length:
                yield placement, *_joined_cues(waiting, xp), dtype
                waiting, n_waiting = [], 0
        if waiting:
            yield placement, *_joined_cues(waiting, xp), dtype

    def _map(self, X, method, function):
        """Apply ``function(values, known)`` to cues block by block; an array, or a tuple of them, in the dtype of X."""
        parts, places = [], []
        for placement, positions, values, known, dtype in self._cue_blocks(X, method):
            found = function(values, known)
            found = found if isinstance(found, tuple) else (found,)
            xp = placement.xp
            parts.append([xp.astype(a, dtype) if xp.isdtype(a.dtype, "real floating") else a for a in found])
            places.append(positions)
        joined = [xp.concat(part, axis=0) if len(parts) > 1 else part[0] for part in zip(*parts, strict=True)]
        if len(parts) > 1:
            back = xp.argsort(xp.concat(places))
            joined = [xp.take(part, back, axis=0) for part in joined]
        joined = tuple(placement.release(part) for part in joined)
        return joined if len(joined) > 1 else joined[0]

    def _recall(self, X, method, *, with_missing=False):
        def recall(values, known):
            found = self._recall_block(values, known)
            xp = arrays.namespace(values)
            missing = xp.zeros_like(values, dtype=xp.bool) if known is None else ~known
            return found.states, found.n_steps, found.converged, found.cycle_length, found.unresolved, missing

        *columns, missing = self._map(X, method, recall)
        return (columns[0], missing) if with_missing else Recall(*columns)

    def _recall_block(self, values, known):
        """`Recall` of one block of cues."""
        xp = arrays.namespace(values)
        start = values if known is None else xp.where(known, values, self.centre_)
        if self.target == "y":
            recall = _one_pass(self._respond(start, known, None), xp)
            unresolved = xp.zeros_like(recall.states, dtype=xp.bool)
        else:
            recall = self._feed_back(start, known)
            unresolved = self._unresolved(values, known)
            if known is not None:
                # Where nothing is known nothing can be looked up: the mean, whatever the steps.
                blank = ~xp.any(known, axis=1)
                recall = replace(recall, states=xp.where(blank[:, None], self.centre_, recall.states))
        return Recall(recall.states, recall.n_steps, recall.converged, recall.cycle_length, unresolved)

    def _unresolved(self, values, known):
        xp = arrays.namespace(values)
        if known is None:
            return xp.zeros_like(values, dtype=xp.bool)
        return ~known & (~xp.any(known, axis=1)[:, None] | self.never_known_[None, :])

    def _feed_back(self, start, known):
        """Recurrent recall, up to ``n_recall_steps`` updates. A row that moves by no more than rounding is done."""
        xp = arrays.namespace(start)
        held = None
        if self.missing == "clamp":
            held = xp.ones_like(start, dtype=xp.bool) if known is None else known
            if known is None:
                return _one_pass(start, xp)

        def update(states, held, known=None):
            new = self._bounded(self._respond(states, known, None if held is None else ~held), states)
            new = new if held is None else xp.where(held, states, new)
            return xp.where(_has_moved(states, new, self.centre_)[:, None], new, states)

        if known is None:
            return _finite(settle(update, start, n_steps=self.n_recall_steps, clamped=held), xp)
        # Entries that are unknown at first have a value from the second step on.
        states = update(start, held, known)
        if self.n_recall_steps == 1:
            fixed = xp.all(states == start, axis=1)
            cycle = xp.astype(fixed, xp.int64)
            return _finite(Recall(states, xp.ones_like(cycle), fixed, cycle, None), xp)
        later = settle(update, states, n_steps=self.n_recall_steps - 1, clamped=held)
        return _finite(replace(later, n_steps=later.n_steps + 1), xp)


def split_known(values):
    """Values with unknown entries at 0, and the mask of known ones; None when all are known."""
    xp = arrays.namespace(values)
    unknown = xp.isnan(values)
    if not bool(xp.any(unknown)):
        return values, None
    return xp.where(unknown, xp.zeros_like(values), values), ~unknown


def _joined_cues(parts, xp):
    """Positions, values and known entries of cues that waited."""
    positions, values = (xp.concat(part, axis=0) for part in zip(*parts, strict=True))
    return positions, *split_known(values)


def _has_moved(states, new, centre):
    """Whether each row moved by more than rounding. What is not a number has moved."""
    xp = arrays.namespace(states)
    eps = xp.finfo(states.dtype).eps
    # In units of the largest entry: squares of very large or small numbers are none.
    largest = xp.maximum(xp.max(xp.abs(states), axis=1), xp.max(xp.abs(new), axis=1))[:, None]
    unit = xp.where(largest > 0, largest, xp.ones_like(largest))
    with arrays.overflow_expected():
        steps, deviations, sizes = (new - states) / unit, (new - centre) / unit, new / unit
        rounding = eps**1.5 * deviations**2 + (4 * eps) ** 2 * sizes**2
        return ~(xp.sum(steps**2, axis=1) <= xp.sum(rounding, axis=1))


def _finite(recall, xp):
    """The same, a row with entries that are no numbers not converged."""
    good = xp.all(xp.isfinite(recall.states), axis=1)
    return replace(
        recall,
        converged=recall.converged & good,
        cycle_length=xp.where(good, recall.cycle_length, xp.zeros_like(recall.cycle_length)),
    )


def _one_pass(states, xp):
    ones = xp.ones(states.shape[0], dtype=xp.int64, device=arrays.device(states))
    return Recall(states, ones, ones == 1, ones, None)
